//! `CancelNotification`: what was not sent yet is not sent.

use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_kit::idempotency::fingerprint;
use mpp_proto::notifications::v1::{CancelNotificationRequest, CancelNotificationResponse};

use super::access::check_sender;
use super::{Core, convert, record};
use crate::domain::NotificationId;
use crate::domain::status::Verb;
use crate::error::{Error, Thing};

const METHOD: &str = "mpp.notifications.v1.NotificationsService/CancelNotification";

pub(super) async fn handle(
    core: &Core,
    caller: &Caller,
    request: CancelNotificationRequest,
) -> Result<CancelNotificationResponse, Error> {
    let mut checker = Checker::new();
    let id: Option<NotificationId> = checker.id("notification", &request.notification);
    let reason = checker.text("reason", &request.reason, 1, 60);
    checker.finish()?;
    let id = id.ok_or(Error::NotFound(Thing::Notification))?;
    let (print, request_id) = (fingerprint(&request), request.request_id.as_str());
    let reason = &reason;
    core.once(caller, METHOD, (&print, request_id), |tx, now| async move {
        let mut loaded = core.load(&*tx, id).await?;
        check_sender(caller, &loaded.notification)?;
        let before = loaded.notification.status;
        let mut called_off = false;
        for place in 0..loaded.steps.len() {
            // An attempt that is under way may have reached the provider: it is not called off.
            let open = !loaded.steps[place].status.is_final() && !loaded.steps[place].unclear;
            if open {
                called_off |= core.settle(&tx, &mut loaded, (place, Verb::Cancel, reason), now).await?;
            }
        }
        if !called_off {
            return Err(Error::TooLate { status: before });
        }
        let states = (Some(before.to_string()), Some(loaded.notification.status.to_string()));
        let (id, detail) = (id.to_string(), serde_json::json!({ "reason": reason }));
        record(&tx, (&caller.id, "notification.cancelled", &id), states, detail, request_id, now).await?;
        let failing = core.is_failing(&*tx, &loaded).await?;
        Ok(CancelNotificationResponse { notification: Some(convert::notification(&loaded, failing, &[])) })
    })
    .await
}
