//! `ReportBounce`: a mail came back. Its envelope names the message; a full mailbox passes, the rest marks the address.

use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_kit::idempotency::fingerprint;
use mpp_proto::notifications::v1::{ReportBounceRequest, ReportBounceResponse};

use super::{Core, convert, record};
use crate::channel::email::{of_bounce, of_envelope};
use crate::domain::channel::Channel;
use crate::domain::outcome::Outcome;
use crate::domain::status::{Status, Verb};
use crate::error::{Error, Thing};

const METHOD: &str = "mpp.notifications.v1.NotificationsService/ReportBounce";

pub(super) async fn handle(
    core: &Core,
    caller: &Caller,
    request: ReportBounceRequest,
) -> Result<ReportBounceResponse, Error> {
    let mut checker = Checker::new();
    let status = checker.text("status_code", &request.status_code, 5, 9);
    checker.finish()?;
    let (id, number) = of_envelope(&request.envelope).ok_or(Error::NotFound(Thing::Notification))?;
    let (print, request_id) = (fingerprint(&request), request.request_id.as_str());
    let status = status.as_str();
    core.once(caller, METHOD, (&print, request_id), |tx, now| async move {
        let mut loaded = core.load(&*tx, id).await?;
        let place = loaded.place(number).ok_or(Error::NotFound(Thing::Notification))?;
        if loaded.steps[place].channel != Channel::Email {
            return Err(Error::NotFound(Thing::Notification));
        }
        let lost = of_bounce(status) == Outcome::Undeliverable;
        let verb = if lost { Verb::FailPermanently } else { Verb::FailTemporarily };
        // One that counts as delivered stays so, and what is known of its address changes all the same.
        let late = loaded.steps[place].status == Status::Delivered;
        let moved = core.settle(&tx, &mut loaded, (place, verb, "BOUNCED"), now).await?;
        if lost && (moved || late) {
            core.contact_failed(&tx, &loaded, place, (status, now)).await?;
        }
        let (id, detail) = (id.to_string(), serde_json::json!({ "status": status }));
        let what = (caller.id.as_str(), "notification.bounced", id.as_str());
        record(&tx, what, (None, None), detail, request_id, now).await?;
        let failing = core.is_failing(&*tx, &loaded).await?;
        Ok(ReportBounceResponse { notification: Some(convert::notification(&loaded, failing, &[])) })
    })
    .await
}
