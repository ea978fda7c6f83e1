//! `GetNotification`: with its steps and attempts. A service that sends gets what it sent.

use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_proto::notifications::v1::{GetNotificationRequest, GetNotificationResponse};
use sea_orm::ConnectionTrait;

use super::access::check_sender;
use super::plan::Loaded;
use super::tokens::COMMENTS;
use super::{Core, convert};
use crate::domain::NotificationId;
use crate::domain::direct::Direct;
use crate::error::{Error, Thing};
use crate::store::{address, comment, step};

pub(super) async fn handle(
    core: &Core,
    caller: &Caller,
    request: GetNotificationRequest,
) -> Result<GetNotificationResponse, Error> {
    let mut checker = Checker::new();
    let id: Option<NotificationId> = checker.id("notification", &request.notification);
    checker.finish()?;
    let id = id.ok_or(Error::NotFound(Thing::Notification))?;
    let loaded = core.load(&core.db.read, id).await?;
    check_sender(caller, &loaded.notification)?;
    let attempts = step::attempts(&core.db.read, id).await?;
    let failing = core.is_failing(&core.db.read, &loaded).await?;
    let mut notification = convert::notification(&loaded, failing, &attempts);
    if caller.id == loaded.notification.created_by {
        notification.direct_user = core.author(&core.db.read, &loaded).await?;
    }
    Ok(GetNotificationResponse { notification: Some(notification) })
}

impl Core {
    /// By which id the author of the comment is known that a notification answered; empty for none.
    async fn author(&self, db: &impl ConnectionTrait, loaded: &Loaded) -> Result<String, Error> {
        let content = loaded.notification.content.as_ref();
        let to = content.and_then(|it| it.direct.parse::<Direct>().ok());
        let Some((to, (comment, _))) = to.and_then(|to| Some((to.clone(), to.comment?))) else {
            return Ok(String::new());
        };
        let digest = self.cipher.digest(COMMENTS, &to.who_wrote(&comment));
        Ok(comment::author(db, &self.cipher, &digest).await?.unwrap_or_default())
    }

    /// Whether an address of a notification is marked as failing.
    pub(super) async fn is_failing(&self, db: &impl ConnectionTrait, loaded: &Loaded) -> Result<bool, Error> {
        let addresses = loaded.steps.iter().map(|step| step.address.as_str());
        Ok(!address::failing(db, addresses).await?.is_empty())
    }
}
