//! `GetAttachment`: a file that was uploaded with an application, or the sheet or scan of its signing by hand. Each look is
//! recorded.

use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_proto::documents::v1::{GetAttachmentRequest, GetAttachmentResponse};
use serde_json::json;
use tonic::Response;

use super::codes::PDF;
use super::{Core, get_application};
use crate::domain::FileId;
use crate::error::{Error, Thing};

pub(super) async fn handle(
    core: &Core,
    caller: &Caller,
    request: GetAttachmentRequest,
) -> Result<Response<GetAttachmentResponse>, Error> {
    let id = get_application::read_id(&request.application)?;
    let mut checker = Checker::new();
    let file: Option<FileId> = checker.id("file", &request.file);
    checker.finish()?;
    let (loaded, _) = core.application_of(&core.db.read, caller, id).await?;
    let case = &loaded.record.case;
    let papers = case.content.attachments.iter().map(|it| (it.file, it.media_type.as_str()));
    // Every sheet that was signed, and the one that is being signed, each with its scan.
    let signed = case.signed.iter().filter_map(|signed| signed.sheet.as_ref());
    let sheets: Vec<_> = signed.chain(loaded.sheet()).collect();
    let printed = sheets.iter().map(|it| (it.file, PDF));
    let scans = sheets.iter().filter_map(|it| it.scan.as_ref());
    let scans = scans.map(|it| (it.file, it.from.media_type.as_str()));
    let (found, media_type) = papers
        .chain(printed)
        .chain(scans)
        .find(|(named, _)| Some(*named) == file)
        .ok_or(Error::NotFound(Thing::File))?;
    let content = core.files.get(&found.to_string()).await?;
    let detail = json!({"file": found.to_string()});
    let subject = id.to_string();
    core.looked((&caller.id, "attachment.viewed", &subject), detail).await?;
    Ok(Response::new(GetAttachmentResponse { content, media_type: media_type.to_owned() }))
}
