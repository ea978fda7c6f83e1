//! `UploadComplaintFile` and `GetComplaintFile`: judged by content, scanned before anybody opens it, shown without what
//! devices and programs wrote into it.

use anyhow::Context as _;
use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_kit::fault::{Problem, Text, Violation};
use mpp_proto::complaints::v1::{
    GetComplaintFileRequest, GetComplaintFileResponse, UploadComplaintFileRequest,
    UploadComplaintFileResponse,
};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::file_complaint::PUBLIC;
use super::{Core, access, convert, record};
use crate::domain::case::{Case, File};
use crate::domain::rules::Rules;
use crate::domain::words::{MessageKind, Part, Scan};
use crate::domain::{CaseId, FileId};
use crate::error::{Error, Thing};
use crate::intake::media::{self, Unfit};
use crate::store;

const METHOD: &str = "mpp.complaints.v1.ComplaintsService/UploadComplaintFile";
/// Bytes of an upload at most.
const LARGEST: u64 = 3 << 20;

pub(super) async fn upload(
    core: &Core,
    caller: &Caller,
    request: UploadComplaintFileRequest,
) -> Result<UploadComplaintFileResponse, Error> {
    let file = core.keep(&request.content, LARGEST).await.map_err(unfit)??;
    let (id, name) = (file.id, file.id.to_string());
    let mut answered = core.named(caller, &request, &file).await;
    if let Ok(UploadComplaintFileResponse { file: Some(first) }) = &answered
        && first.file_id != name
        && let Ok(first) = first.file_id.parse::<FileId>()
        && store::file::find(&core.db.write, first).await.is_ok_and(|it| it.is_none())
    {
        // The first was cleaned up, for nobody had sent it with anything: this is another upload.
        answered = match core.forget_answer(caller, METHOD, &request.request_id).await {
            Ok(()) => core.named(caller, &request, &file).await,
            Err(error) => Err(error),
        };
    }
    // A repetition is answered with the first file, and refused for another one; this one is nobody's then. After a failure
    // it may have a row all the same, and where nobody can say so it is kept.
    let taken = match &answered {
        Ok(answer) => answer.file.as_ref().is_some_and(|file| file.file_id == name),
        Err(_) => store::file::find(&core.db.write, id).await.map_or(true, |it| it.is_some()),
    };
    if !taken {
        core.files.delete(&name).await?;
    }
    answered
}

impl Core {
    /// Enters a file that is stored, and answers with it; a repetition with the one that was entered first.
    async fn named(
        &self,
        caller: &Caller,
        request: &UploadComplaintFileRequest,
        file: &File,
    ) -> Result<UploadComplaintFileResponse, Error> {
        self.once(caller, METHOD, (request, &request.request_id), |tx, now| async move {
            store::file::insert(&*tx, file, None, now).await?;
            let id = file.id.to_string();
            let detail = json!({"mediaType": file.media_type, "size": file.size});
            // Nor who sent it: it may be part of a report. What officers add is in the journal of the case, with who added it.
            let what = (PUBLIC, "file.uploaded", id.as_str());
            record(&tx, what, detail, &request.request_id, now).await?;
            Ok(UploadComplaintFileResponse { file: Some(convert::file(file)) })
        })
        .await
    }
}

pub(super) async fn get(
    core: &Core,
    caller: &Caller,
    request: GetComplaintFileRequest,
) -> Result<GetComplaintFileResponse, Error> {
    let mut check = Checker::new();
    let case: Option<CaseId> = check.id("complaint", &request.complaint);
    let file: Option<FileId> = check.id("file", &request.file);
    check.finish()?;
    let (Some(case), Some(file)) = (case, file) else { return Err(Error::NotFound(Thing::File)) };
    let rules = core.rules().await?;
    let record = core.visible(&core.db.read, caller, case, &rules).await?;
    let (file, owner) = store::file::find(&core.db.read, file).await?.ok_or(Error::NotFound(Thing::File))?;
    if owner != Some(case.to_string()) || !core.shows_file(caller, &record.case, file.id, &rules) {
        return Err(Error::NotFound(Thing::File));
    }
    match file.scan {
        Scan::Clean => {}
        Scan::NotScanned if core.config.allow_unscanned => {}
        held @ (Scan::NotScanned | Scan::Pending | Scan::Infected) => return Err(Error::FileHeld(held)),
    }
    let id = file.id.to_string();
    let content = core.files.get(&id).await?;
    // Nobody needs to know with which telephone, and where, it was made, or by whom: that may be who reported.
    let media_type = file.media_type.clone();
    let (content, copy) = tokio::task::spawn_blocking(move || {
        let copy = media::public_copy(&media_type, &content);
        (content, copy)
    })
    .await
    .context("cleaning a file")?;
    let copy = copy.map_err(unfit)?;
    let original = copy.is_none();
    if original && !core.may_have_original(caller, &record.case, &file, &rules) {
        return Err(Error::FileWithheld);
    }
    let detail = if original { json!({"file": id, "original": true}) } else { json!({"file": id}) };
    core.looked((&caller.id, "file.opened", &case.to_string()), detail).await?;
    Ok(GetComplaintFileResponse { content: copy.unwrap_or(content), media_type: file.media_type })
}

fn unfit(why: Unfit) -> Error {
    let (reason, id, en) = match why {
        Unfit::Empty | Unfit::TooLarge => {
            ("INVALID_LENGTH", "pilih berkas berukuran paling besar 3 MB", "choose a file of at most 3 MB")
        }
        Unfit::Type => (
            "INVALID_TYPE",
            "pilih foto JPEG, PNG, WebP, berkas PDF, rekaman suara, atau video",
            "choose a JPEG, PNG or WebP photo, a PDF, a recording or a video",
        ),
        Unfit::Damaged => (
            "INVALID_CONTENT",
            "pilih foto lain; yang ini rusak",
            "choose another photo; this one is damaged",
        ),
    };
    Problem::invalid(vec![Violation { field: "content".to_owned(), reason, text: Text::new(id, en) }]).into()
}

impl Core {
    /// Whether a message that the caller reads carries the file.
    fn shows_file(&self, caller: &Caller, case: &Case, file: FileId, rules: &Rules) -> bool {
        let all = access::reads_unproven(&self.parts(caller, case, rules));
        let read = case.messages.iter().filter(|it| all || it.kind != MessageKind::Unproven);
        read.flat_map(|it| &it.files).any(|it| it.id == file)
    }

    /// Whether the caller may have a file that cannot be cleaned, with all that it tells of its maker. What officers added
    /// is for all who see the case. What a reporter sent is for who distributes cases (of whistleblowing: the inspector),
    /// and for the agency that works on it where the reporter asks for no secrecy.
    fn may_have_original(&self, caller: &Caller, case: &Case, file: &File, rules: &Rules) -> bool {
        let message = case.messages.iter().find(|it| it.files.iter().any(|it| it.id == file.id));
        if message.is_some_and(|it| it.by != Part::Reporter && it.kind != MessageKind::Unproven) {
            return true;
        }
        let sender = message.and_then(|it| case.reporters.iter().find(|who| who.pseudonym == it.reporter));
        let shown = sender.is_some_and(|it| it.secrecy.shows_reporter());
        self.parts(caller, case, rules).iter().any(|part| match part {
            Part::Coordinator | Part::Inspector => true,
            Part::Agency => shown,
            Part::Reporter | Part::System => false,
        })
    }

    /// Stores a file, without a row yet: a crash before that leaves a file that nobody names, never a name without a
    /// file.
    pub(crate) async fn keep(&self, content: &[u8], limit: u64) -> Result<Result<File, Error>, Unfit> {
        let media_type = media::judge(content, limit)?;
        media::showable(media_type, content)?;
        let scan = if self.config.clamd.is_empty() { Scan::NotScanned } else { Scan::Pending };
        let file = File {
            id: FileId::generate(),
            media_type: media_type.to_owned(),
            size: content.len() as u64,
            sha256: hex::encode(Sha256::digest(content)),
            proof: false,
            scan,
        };
        match self.files.put(&file.id.to_string(), content).await {
            Ok(()) => Ok(Ok(file)),
            Err(error) => Ok(Err(error.into())),
        }
    }
}
