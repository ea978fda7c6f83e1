//! `RedeemActionLink`: a button of a message is pressed. The link opens once, within 24 hours, for the official it was made for,
//! as long as that official holds the permission it names where it names it.

use mpp_kit::caller::Caller;
use mpp_kit::idempotency::fingerprint;
use mpp_proto::notifications::v1::{RedeemActionLinkRequest, RedeemActionLinkResponse};

use super::{Core, record};
use crate::error::{Error, Thing};
use crate::store::link::{self, Link};

const METHOD: &str = "mpp.notifications.v1.NotificationsService/RedeemActionLink";

pub(super) async fn handle(
    core: &Core,
    caller: &Caller,
    request: RedeemActionLinkRequest,
) -> Result<RedeemActionLinkResponse, Error> {
    let id = core.link_of(&request.token).ok_or(Error::NotFound(Thing::Link))?;
    // The token is a secret: of the request, its id is what the fingerprint is over.
    let known = RedeemActionLinkRequest { token: id.to_string(), ..request.clone() };
    let (print, request_id) = (fingerprint(&known), request.request_id.as_str());
    core.once(caller, METHOD, (&print, request_id), |tx, now| async move {
        let link = link::find(&*tx, id).await?.ok_or(Error::NotFound(Thing::Link))?;
        check_holder(caller, &link)?;
        if now >= link.expires_at {
            return Err(Error::NotFound(Thing::Link));
        }
        if !link::use_up(&tx, id, now).await? {
            return Err(Error::LinkUsed);
        }
        let detail = serde_json::json!({ "action": link.action, "reference": link.reference });
        let what = (caller.id.as_str(), "action_link.used", link.notification.as_str());
        record(&tx, what, (None, None), detail, request_id, now).await?;
        Ok(RedeemActionLinkResponse {
            action: link.action,
            reference: link.reference,
            notification_id: link.notification,
            account_id: link.account,
        })
    })
    .await
}

fn check_holder(caller: &Caller, link: &Link) -> Result<(), Error> {
    let at: &[(&str, &str)] = if link.area.is_empty() { &[] } else { &[("area", &link.area)] };
    let holds = link.permission.is_empty() || caller.allows(&link.permission, at);
    if caller.id == link.account && holds { Ok(()) } else { Err(Error::LinkNotYours) }
}
