//! `OpenFileLink`: the file behind a link, while it lives. Each look is recorded.

use mpp_kit::caller::Caller;
use mpp_proto::documents::v1::{OpenFileLinkRequest, OpenFileLinkResponse};
use serde_json::json;
use tonic::Response;

use super::Core;
use crate::error::Error;

pub(super) async fn handle(
    core: &Core,
    caller: &Caller,
    request: OpenFileLinkRequest,
) -> Result<Response<OpenFileLinkResponse>, Error> {
    let now = core.now();
    let link = core.opened(&request.token, now)?;
    let content = core.files.get(&link.file.to_string()).await?;
    core.looked((caller.who(), "document.downloaded", &link.subject), json!({})).await?;
    Ok(Response::new(OpenFileLinkResponse {
        content,
        media_type: link.media_type,
        file_name: link.file_name,
    }))
}
