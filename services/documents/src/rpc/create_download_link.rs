//! `CreateDownloadLink`: the signed letter for its holder, behind a link that lives for a few minutes. Wrong digits are counted,
//! and recorded as everything is.

use chrono::TimeDelta;
use mpp_kit::caller::Caller;
use mpp_kit::fault::Problem;
use mpp_kit::journal;
use mpp_proto::documents::v1::{CreateDownloadLinkRequest, CreateDownloadLinkResponse};
use serde_json::json;
use subtle::ConstantTimeEq as _;
use tonic::{Code, Response};

use super::codes::{Linked, file_name};
use super::{Core, convert, record};
use crate::domain::workflow::State;
use crate::error::Error;

/// Wrong digits for one letter within [`WINDOW`]; then nobody gets a link for a while.
const MOST_TRIES: usize = 5;
const WINDOW: TimeDelta = TimeDelta::minutes(15);
/// The name of a wrong try in the journal.
const REFUSED: &str = "document.link_refused";
/// More than a letter has.
const MOST_ENTRIES: u64 = 100_000;

pub(super) async fn handle(
    core: &Core,
    caller: &Caller,
    request: CreateDownloadLinkRequest,
) -> Result<Response<CreateDownloadLinkResponse>, Error> {
    let loaded = core.application_by_code(&core.db.read, &request.code).await?;
    let case = &loaded.record.case;
    let issued = matches!(case.application.state, State::Issued | State::HandedOver);
    let (Some(signed), true) = (case.signed.last(), issued) else {
        return Err(Problem::precondition(
            "NOT_ISSUED",
            "Surat ini belum terbit. Periksa kembali setelah ditandatangani.",
            "The letter is not issued yet. Come back when it is signed.",
        )
        .into());
    };
    let expected = case.content.subject.nik.as_ref().map_or("", |nik| &nik.reveal()[12..]);
    let now = core.now();
    let subject = case.document.map_or_else(|| case.application.id.to_string(), |id| id.to_string());
    // Four digits are guessed soon where nobody counts: tries of one letter come one after another, however many come at once.
    let tx = core.db.begin().await?;
    journal::hold(&tx).await?;
    let before = journal::read(&tx, Some(&subject), 0, MOST_ENTRIES).await?;
    let wrong = before.iter().filter(|it| it.entry.what == REFUSED && it.entry.at > now - WINDOW);
    if wrong.count() >= MOST_TRIES {
        let minutes = WINDOW.num_minutes();
        let mut problem = Problem::new(
            Code::ResourceExhausted,
            "TOO_MANY_TRIES",
            format!("Terlalu sering salah. Coba lagi setelah {minutes} menit."),
            format!("Wrong too often. Try again after {minutes} minutes."),
        );
        problem.retry_after = WINDOW.to_std().ok();
        return Err(problem.into());
    }
    let right = bool::from(expected.as_bytes().ct_eq(request.nik_last4.trim().as_bytes()));
    let what = if right { "document.link_made" } else { REFUSED };
    record(&tx, (caller.who(), what, &subject), (None, None), json!({}), "", now).await?;
    tx.commit().await?;
    if !right {
        return Err(Problem::new(
            Code::PermissionDenied,
            "NIK_DIFFERS",
            "Empat angka terakhir NIK tidak cocok dengan surat ini.",
            "The last four digits are not those of this letter's holder.",
        )
        .into());
    }
    let ends = now + TimeDelta::minutes(i64::from(core.config.link_minutes));
    let media_type = signed.media_type().to_owned();
    let file = Linked {
        file: signed.file,
        file_name: file_name(&case.content.letter_type, &signed.sha256, &media_type),
        media_type,
        subject,
    };
    Ok(Response::new(CreateDownloadLinkResponse {
        path: format!("/berkas/{}", file.until(ends).seal(&core.cipher)?),
        expire_time: Some(convert::timestamp(ends)),
    }))
}
