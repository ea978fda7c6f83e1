//! `DeleteCurrentSession`: the caller signs out. Again is not an error.

use mpp_kit::{caller::Caller, journal};
use mpp_proto::identity::v1::{DeleteCurrentSessionRequest, DeleteCurrentSessionResponse};
use tonic::Response;

use super::{Core, entry};
use crate::{domain::SessionId, error::Error, store};

pub(super) async fn handle(
    core: &Core,
    caller: &Caller,
    request: DeleteCurrentSessionRequest,
) -> Result<Response<DeleteCurrentSessionResponse>, Error> {
    // Ending a session is idempotent in itself, so the request id is only recorded.
    let id: Option<SessionId> = caller.session.as_deref().and_then(|id| id.parse().ok());
    if let Some(id) = id {
        let now = core.now();
        let tx = core.db.begin().await?;
        if store::session::end(&tx, id, now).await? {
            let mut entry = entry(&caller.id, "session.ended", id, now);
            entry.request_id = request.request_id;
            journal::append(&tx, &entry).await?;
        }
        tx.commit().await?;
    }
    Ok(Response::new(DeleteCurrentSessionResponse {}))
}
