//! `ApplyCoatOfArms` and `GetCoatOfArms`: what stands at the head of the letters of an area. Judged by its content and drawn
//! once before it is taken, stored before it is named; and never changed, so that a letter is printed with the arms that it
//! was frozen with.

use std::collections::BTreeMap;

use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_kit::fault::{Problem, Text, Violation, chain};
use mpp_kit::journal;
use mpp_proto::documents::v1::{
    ApplyCoatOfArmsRequest, ApplyCoatOfArmsResponse, GetCoatOfArmsRequest, GetCoatOfArmsResponse,
};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tonic::Response;

use super::access::Areas;
use super::case::codes;
use super::{Core, convert, record};
use crate::domain::area::RegionCode;
use crate::domain::code;
use crate::domain::letter_type::LetterType;
use crate::domain::office::{Office, OfficeArea};
use crate::domain::step::OfficeLevel;
use crate::domain::{ArmsId, FileId};
use crate::error::Error;
use crate::letter::arms::{self, Arms, ArmsError};
use crate::letter::render::Rendered;
use crate::press::Proof;
use crate::store;
use crate::store::application::{Content, FrozenArms};
use crate::store::arms::CoatOfArms;

const METHOD: &str = "mpp.documents.v1.DocumentsService/ApplyCoatOfArms";

pub(super) async fn apply(
    core: &Core,
    caller: &Caller,
    request: ApplyCoatOfArmsRequest,
) -> Result<Response<ApplyCoatOfArmsResponse>, Error> {
    let area = area(caller, &request.area)?;
    let arms = if request.content.is_empty() { None } else { Some(core.judged(&request.content).await?) };
    let file = FileId::generate();
    let name = file.to_string();
    if let Some(arms) = &arms {
        // First the file, then the row: a crash between leaves a file that nobody names, never a name without a file.
        core.files.put(&name, &arms.content).await?;
    }
    let (request, area) = (&request, area.as_str());
    let arms = arms.as_ref();
    let answer: Result<ApplyCoatOfArmsResponse, Error> = core
        .once(caller, METHOD, (request, &request.request_id), |tx, now| async move {
            // Two uploads for one area come one after the other.
            journal::hold(&tx).await?;
            let version = store::arms::last_of(&*tx, area).await?.map_or(1, |last| last.version + 1);
            let coat = match arms {
                None => None,
                Some(arms) => Some(CoatOfArms {
                    id: ArmsId::generate(),
                    area: area.to_owned(),
                    version,
                    file,
                    format: arms.format,
                    size: u32::try_from(arms.content.len()).map_err(anyhow::Error::new)?,
                    sha256: hex::encode(Sha256::digest(&arms.content)),
                    at: now,
                }),
            };
            store::arms::insert(&tx, (area, version), coat.as_ref(), now).await?;
            let detail = json!({
                "version": version,
                "mediaType": arms.map(|arms| arms.format.media_type()),
                "sha256": coat.as_ref().map(|coat| coat.sha256.as_str()),
            });
            let what = if coat.is_some() { "arms.applied" } else { "arms.taken_away" };
            record(&tx, (&caller.id, what, area), (None, None), detail, &request.request_id, now).await?;
            // What its letters have from now on: where its own was taken away, that of what it is part of.
            let now_on = store::arms::of(&*tx, area).await?;
            Ok(ApplyCoatOfArmsResponse {
                coat_of_arms: now_on.as_ref().map(convert::coat_of_arms),
                file: coat.map(|coat| coat.file.to_string()).unwrap_or_default(),
            })
        })
        .await;
    let is_named = match &answer {
        // A repetition is answered with the first file; this one is nobody's.
        Ok(answer) => answer.file == name,
        // Where it may have been committed: a name without a file would be worse than a file without a name.
        Err(error) => !error.is_undone(),
    };
    if arms.is_some()
        && !is_named
        && let Err(error) = core.files.delete(&name).await
    {
        // What the request came to is decided; a file that nobody names harms nobody.
        tracing::warn!(file = %name, error = chain(&error), "a coat of arms that nobody names stays");
    }
    Ok(Response::new(answer?))
}

pub(super) async fn get(
    core: &Core,
    caller: &Caller,
    request: GetCoatOfArmsRequest,
) -> Result<Response<GetCoatOfArmsResponse>, Error> {
    let area = area(caller, &request.area)?;
    let Some(coat) = store::arms::of(&core.db.read, &area).await? else {
        return Ok(Response::new(GetCoatOfArmsResponse::default()));
    };
    let content = core.files.get(&coat.file.to_string()).await?;
    Ok(Response::new(GetCoatOfArmsResponse { coat_of_arms: Some(convert::coat_of_arms(&coat)), content }))
}

/// The area that is asked for, if the caller sets up offices there.
fn area(caller: &Caller, given: &str) -> Result<String, Error> {
    let mut checker = Checker::new();
    if given.parse::<RegionCode>().is_err() && given.parse::<OfficeArea>().is_err() {
        checker.violation(
            "area",
            "INVALID_AREA",
            "isi dengan kode wilayah (17.07, 17.07.05, 17.07.05.2003) atau OPD (17.07/dinkes)",
            "give the code of a region (17.07, 17.07.05, 17.07.05.2003) or an agency (17.07/dinkes)",
        );
    }
    checker.finish()?;
    if Areas::of(caller, "documents.office").reach(given) {
        Ok(given.to_owned())
    } else {
        Err(Problem::denied().into())
    }
}

/// A number of so many digits as an office may come to in a year.
const LATE_NUMBER: u32 = 99_999;

impl Core {
    /// A coat of arms that can be taken: sound, scanned, and drawn once.
    async fn judged(&self, content: &[u8]) -> Result<Arms, Error> {
        let format = arms::judge(content).map_err(|error| refused(&error))?;
        self.scan(content).await?;
        let arms = Arms { format, content: content.to_vec() };
        if self.press.draws(arms.clone()).await? { Ok(arms) } else { Err(refused(&ArmsError::Broken)) }
    }

    /// An application as it would be signed, before it is.
    pub(super) async fn draft(
        &self,
        letter: &LetterType,
        content: &Content,
        offices: &BTreeMap<OfficeLevel, Office>,
    ) -> Result<Rendered, Error> {
        let arms = self.arms_of(content).await?;
        self.press.draft(letter, (content, arms), offices).await
    }

    /// That what is handed in can be printed as it will be signed, on as many pages as its type permits.
    pub(super) async fn proof(
        &self,
        letter: &LetterType,
        content: &Content,
        offices: &BTreeMap<OfficeLevel, Office>,
    ) -> Result<(), Error> {
        let office = offices.get(&letter.issuer);
        let office =
            office.ok_or_else(|| anyhow::anyhow!("an application has not the office that issues it"))?;
        let format = letter.format();
        let format =
            format.map_err(|error| anyhow::anyhow!("a published number format is unsound: {error}"))?;
        let date = office.zone().local(self.now()).date();
        // As long as a code is.
        let code = code::grouped(&"0".repeat(code::LENGTH));
        let like = Proof {
            arms: self.arms_of(content).await?,
            number: format.render(LATE_NUMBER, date, &codes(letter, offices, office)),
            date,
            url: format!("{}/s/{code}", self.base_url),
            code,
        };
        self.press.proof(letter, content, offices, like).await?;
        Ok(())
    }

    /// The arms that a letter was frozen with, to print it.
    pub(super) async fn arms_of(&self, content: &Content) -> Result<Option<Arms>, Error> {
        let Some(frozen) = &content.arms else { return Ok(None) };
        let file = self.files.get(&frozen.file.to_string()).await?;
        Ok(Some(Arms { format: frozen.format, content: file }))
    }
}

/// What an application keeps of the arms that its letter is printed with.
pub(super) fn freeze(coat: &CoatOfArms) -> FrozenArms {
    FrozenArms { id: coat.id, file: coat.file, format: coat.format, sha256: coat.sha256.clone() }
}

fn refused(error: &ArmsError) -> Error {
    let most = arms::LARGEST >> 10;
    let (least_side, most_side) = (arms::SIDES.start(), arms::SIDES.end());
    let (reason, id, en) = match error {
        ArmsError::Size => (
            "INVALID_LENGTH",
            format!("pilih gambar berukuran paling besar {most} KB"),
            format!("choose a picture of at most {most} KB"),
        ),
        ArmsError::Type => {
            ("INVALID_TYPE", "pilih berkas SVG atau PNG".to_owned(), "choose an SVG or PNG file".to_owned())
        }
        ArmsError::Pixels { width, height } => (
            "INVALID_SIZE",
            format!(
                "gambar ini {width} × {height} piksel; setiap sisi harus {least_side} sampai {most_side} piksel"
            ),
            format!(
                "this picture has {width} × {height} pixels; each side must have {least_side} to {most_side}"
            ),
        ),
        ArmsError::Broken => (
            "NOT_DRAWABLE",
            "gambar ini tidak dapat dibaca; simpan ulang sebagai SVG atau PNG biasa".to_owned(),
            "this picture cannot be read; save it again as plain SVG or PNG".to_owned(),
        ),
        ArmsError::Part(part) => (
            "PART_NOT_PERMITTED",
            format!(
                "SVG ini memuat “{part}”, yang tidak diizinkan; ubah teks menjadi bentuk (path), atau unggah PNG"
            ),
            format!("this SVG holds “{part}”, which is not permitted; turn text into paths, or upload a PNG"),
        ),
        ArmsError::TooManyShapes => (
            "TOO_LARGE",
            "gambar ini terlalu rumit; unggah PNG".to_owned(),
            "this drawing is too complex; upload a PNG".to_owned(),
        ),
    };
    let text = Text::new(id, en);
    Problem::invalid(vec![Violation { field: "content".to_owned(), reason, text }]).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_15_every_refusal_says_what_to_do() {
        for error in [
            ArmsError::Size,
            ArmsError::Type,
            ArmsError::Pixels { width: 1, height: 2 },
            ArmsError::Broken,
            ArmsError::Part("script".to_owned()),
            ArmsError::TooManyShapes,
        ] {
            let Error::Refused(problem) = refused(&error) else { panic!("{error}") };
            assert_eq!(problem.violations.len(), 1);
            let text = &problem.violations[0].text;
            assert!(!text.id.is_empty() && text.id != text.en, "{error}");
        }
    }
}
