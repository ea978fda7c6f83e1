//! `DownloadDocument`: the signed file, for offices and systems that may read it. Each look is recorded.

use mpp_kit::caller::Caller;
use mpp_proto::documents::v1::{DownloadDocumentRequest, DownloadDocumentResponse};
use serde_json::json;
use tonic::Response;

use super::{Core, get_document};
use crate::error::{Error, Thing};
use crate::store;

pub(super) async fn handle(
    core: &Core,
    caller: &Caller,
    request: DownloadDocumentRequest,
) -> Result<Response<DownloadDocumentResponse>, Error> {
    let id = get_document::read_id(&request.document)?;
    let (document, _) = core.document_of(&core.db.read, caller, "documents.read", id).await?;
    let revisions = store::document::revisions(&core.db.read, document.id).await?;
    let wanted = match request.revision {
        0 => revisions.last(),
        revision => revisions.iter().find(|it| i64::from(it.revision) == i64::from(revision)),
    };
    let wanted = wanted.ok_or(Error::NotFound(Thing::File))?;
    let content = core.files.get(&wanted.file.to_string()).await?;
    let detail = json!({"revision": wanted.revision});
    let subject = id.to_string();
    core.looked((&caller.id, "document.downloaded", &subject), detail).await?;
    let (sha256, media_type) = (wanted.sha256.clone(), wanted.media_type.clone());
    Ok(Response::new(DownloadDocumentResponse { content, sha256, media_type }))
}
