//! `GetDraft`: the letter as it will be signed, rendered from the frozen content; after the first signature, the file; of what
//! is signed by hand, the printed sheet. Each look is recorded.

use mpp_kit::caller::Caller;
use mpp_proto::documents::v1::{GetDraftRequest, GetDraftResponse};
use serde_json::json;
use tonic::Response;

use super::{Core, get_application};
use crate::error::Error;

pub(super) async fn handle(
    core: &Core,
    caller: &Caller,
    request: GetDraftRequest,
) -> Result<Response<GetDraftResponse>, Error> {
    let id = get_application::read_id(&request.application)?;
    let (loaded, _) = core.application_of(&core.db.read, caller, id).await?;
    let content_hash = loaded.application().content_hash.clone().unwrap_or_default();
    let case = &loaded.record.case;
    let kept = match loaded.sheet() {
        Some(sheet) => Some(sheet.file),
        None => case.signed.last().map(|signed| signed.file),
    };
    let pdf = match kept {
        Some(file) => core.files.get(&file.to_string()).await?,
        None => core.draft(&loaded.letter, &case.content, &loaded.by_level()).await?.pdf,
    };
    let subject = id.to_string();
    core.looked((&caller.id, "draft.viewed", &subject), json!({})).await?;
    Ok(Response::new(GetDraftResponse { pdf, content_hash }))
}
