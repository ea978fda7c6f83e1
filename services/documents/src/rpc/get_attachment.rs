//! `GetAttachment`: a file that was uploaded with an application. Each look is recorded.

use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_proto::documents::v1::{GetAttachmentRequest, GetAttachmentResponse};
use serde_json::json;
use tonic::Response;

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
    let attachment = loaded
        .record
        .case
        .content
        .attachments
        .iter()
        .find(|attachment| Some(attachment.file) == file)
        .ok_or(Error::NotFound(Thing::File))?;
    let content = core.files.get(&attachment.file.to_string()).await?;
    let detail = json!({"file": attachment.file.to_string()});
    let subject = id.to_string();
    core.looked((&caller.id, "attachment.viewed", &subject), detail).await?;
    Ok(Response::new(GetAttachmentResponse { content, media_type: attachment.media_type.clone() }))
}
