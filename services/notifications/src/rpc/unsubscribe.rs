//! `Unsubscribe`: no digests by e-mail any more, for whoever has the token of a digest.

use mpp_kit::caller::Caller;
use mpp_proto::notifications::v1::{UnsubscribeRequest, UnsubscribeResponse};

use super::{Core, record};
use crate::error::{Error, Thing};
use crate::store::address;

pub(super) async fn handle(
    core: &Core,
    _: &Caller,
    request: UnsubscribeRequest,
) -> Result<UnsubscribeResponse, Error> {
    let digest = core.unsubscribed(&request.token).ok_or(Error::NotFound(Thing::Link))?;
    let now = core.now();
    let tx = core.db.begin().await?;
    if address::find(&tx, &digest).await?.opted_out_at.is_none() {
        address::set_opted_out(&tx, &digest, Some(now)).await?;
        let what = ("public", "digest.unsubscribed", digest.as_str());
        record(&tx, what, (None, None), serde_json::json!({}), "", now).await?;
    }
    tx.commit().await?;
    Ok(UnsubscribeResponse {})
}
