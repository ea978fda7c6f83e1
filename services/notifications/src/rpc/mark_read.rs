//! `MarkRead`: the caller read a message of the own list.

use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_kit::idempotency::fingerprint;
use mpp_proto::notifications::v1::{MarkReadRequest, MarkReadResponse};

use super::{Core, record};
use crate::domain::{InboxId, NotificationId};
use crate::error::{Error, Thing};
use crate::store::inbox;

const METHOD: &str = "mpp.notifications.v1.NotificationsService/MarkRead";

pub(super) async fn handle(
    core: &Core,
    caller: &Caller,
    request: MarkReadRequest,
) -> Result<MarkReadResponse, Error> {
    let mut checker = Checker::new();
    let id: Option<InboxId> = checker.id("item", &request.item);
    checker.finish()?;
    let id = id.ok_or(Error::NotFound(Thing::InboxItem))?;
    let (print, request_id) = (fingerprint(&request), request.request_id.as_str());
    core.once(caller, METHOD, (&print, request_id), |tx, now| async move {
        let found = inbox::find(&*tx, &core.cipher, &caller.id, id).await?;
        let mut item = found.ok_or(Error::NotFound(Thing::InboxItem))?;
        if item.read_at.is_none() {
            inbox::mark_read(&tx, id, now).await?;
            item.read_at = Some(now);
            core.note_read(&tx, &item.notification, now).await?;
            let name = id.to_string();
            let what = (caller.id.as_str(), "inbox.read", name.as_str());
            record(&tx, what, (None, None), serde_json::json!({}), request_id, now).await?;
        }
        Ok(MarkReadResponse { item: Some(core.inbox_message(&item)) })
    })
    .await
}

impl Core {
    /// Notes on the step that the message was read.
    async fn note_read(
        &self,
        tx: &sea_orm::DatabaseTransaction,
        notification: &str,
        now: chrono::DateTime<chrono::Utc>,
    ) -> Result<(), Error> {
        let Ok(id) = notification.parse::<NotificationId>() else { return Ok(()) };
        let mut loaded = self.load(tx, id).await?;
        let in_app = loaded.steps.iter().position(|step| {
            step.channel == crate::domain::channel::Channel::InApp && step.read_at.is_none()
        });
        if let Some(place) = in_app {
            loaded.steps[place].read_at = Some(now);
            self.save(tx, &mut loaded, place).await?;
        }
        Ok(())
    }
}
