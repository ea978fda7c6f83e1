//! Notifications: whom they are for and what they say is encrypted, and forgotten after its time.

use std::fmt;

use chrono::{DateTime, Utc};
use mpp_kit::cipher::Cipher;
use mpp_kit::row::{open, read, seal};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, Condition, ConnectionTrait, DatabaseTransaction, DbErr,
    EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use serde::{Deserialize, Serialize};

use super::entity::notification::{ActiveModel, Column, Entity, Model};
use crate::domain::NotificationId;
use crate::domain::channel::Channel;
use crate::domain::message_type::{Urgency, Values};
use crate::domain::status::Status;

/// A message to one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Notification {
    pub(crate) id: NotificationId,
    pub(crate) created_by: String,
    pub(crate) reference: String,
    pub(crate) message_type: String,
    pub(crate) account: Option<String>,
    pub(crate) role: String,
    pub(crate) language: String,
    pub(crate) urgency: Urgency,
    pub(crate) status: Status,
    /// Why this service tells it by itself: such a thing is told once.
    pub(crate) cause: Option<String>,
    pub(crate) coordinator: Option<String>,
    pub(crate) scheduled_at: Option<DateTime<Utc>>,
    pub(crate) expires_at: Option<DateTime<Utc>>,
    /// `None` when its time to be kept is over.
    pub(crate) content: Option<Content>,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) completed_at: Option<DateTime<Utc>>,
}

/// Whom it is for and what it says.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Content {
    /// Of a citizen. An official's are looked up when it is sent, so that a corrected contact counts.
    pub(crate) whatsapp: String,
    pub(crate) email: String,
    /// Whom a direct message is for; empty for nobody.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) direct: String,
    pub(crate) values: Values,
    /// Where a mail is answered to; empty for where it came from.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) reply_to: String,
}

impl Content {
    /// The address of a citizen on a channel; empty for none.
    pub(crate) fn address(&self, channel: Channel) -> &str {
        match channel {
            Channel::Whatsapp => &self.whatsapp,
            Channel::Email => &self.email,
            Channel::InApp => "",
            Channel::Direct => &self.direct,
        }
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Content(…)")
    }
}

fn notification(cipher: &Cipher, row: Model) -> Result<Notification, DbErr> {
    let content = if row.body.is_empty() { None } else { Some(open::<Content>(cipher, &row.id, &row.body)?) };
    Ok(Notification {
        content,
        id: read("notification.id", &row.id)?,
        created_by: row.created_by,
        reference: row.reference,
        message_type: row.message_type,
        account: row.account_id,
        role: row.role,
        language: row.language,
        urgency: read("notification.urgency", &row.urgency)?,
        status: read("notification.status", &row.status)?,
        cause: row.cause,
        coordinator: row.coordinator_id,
        scheduled_at: row.scheduled_at,
        expires_at: row.expires_at,
        created_at: row.created_at,
        completed_at: row.completed_at,
    })
}

/// Writes a new notification. `false` if the same cause was told before.
pub(crate) async fn insert(
    tx: &DatabaseTransaction,
    cipher: &Cipher,
    new: &Notification,
) -> Result<bool, DbErr> {
    let id = new.id.to_string();
    let body = new.content.as_ref().map(|content| seal(cipher, &id, content)).transpose()?;
    let row = ActiveModel {
        id: Set(id),
        created_by: Set(new.created_by.clone()),
        reference: Set(new.reference.clone()),
        message_type: Set(new.message_type.clone()),
        account_id: Set(new.account.clone()),
        role: Set(new.role.clone()),
        language: Set(new.language.clone()),
        urgency: Set(new.urgency.to_string()),
        status: Set(new.status.to_string()),
        cause: Set(new.cause.clone()),
        coordinator_id: Set(new.coordinator.clone()),
        scheduled_at: Set(new.scheduled_at),
        expires_at: Set(new.expires_at),
        body: Set(body.unwrap_or_default()),
        created_at: Set(new.created_at),
        completed_at: Set(new.completed_at),
    };
    let once = OnConflict::column(Column::Cause).do_nothing().to_owned();
    Ok(Entity::insert(row).on_conflict(once).exec_without_returning(tx).await? == 1)
}

/// The notification with this id.
pub(crate) async fn find(
    db: &impl ConnectionTrait,
    cipher: &Cipher,
    id: NotificationId,
) -> Result<Option<Notification>, DbErr> {
    Entity::find_by_id(id.to_string()).one(db).await?.map(|row| notification(cipher, row)).transpose()
}

/// Notifications about a reference or to an account, newest first, before this one.
pub(crate) async fn list(
    db: &impl ConnectionTrait,
    cipher: &Cipher,
    (reference, account, by): (&str, &str, Option<&str>),
    before: Option<&str>,
    limit: u64,
) -> Result<Vec<Notification>, DbErr> {
    let mut select = Entity::find().order_by_desc(Column::Id).limit(limit);
    if !reference.is_empty() {
        select = select.filter(Column::Reference.eq(reference));
    }
    if !account.is_empty() {
        select = select.filter(Column::AccountId.eq(account));
    }
    if let Some(by) = by {
        select = select.filter(Column::CreatedBy.eq(by));
    }
    if let Some(before) = before {
        select = select.filter(Column::Id.lt(before));
    }
    select.all(db).await?.into_iter().map(|row| notification(cipher, row)).collect()
}

/// Writes the status that follows from the steps.
pub(crate) async fn set_status(
    tx: &DatabaseTransaction,
    id: NotificationId,
    status: Status,
    completed_at: Option<DateTime<Utc>>,
) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::Status, Expr::value(status.to_string()))
        .col_expr(Column::CompletedAt, Expr::value(completed_at))
        .filter(Column::Id.eq(id.to_string()))
        .exec(tx)
        .await?;
    Ok(())
}

/// Notifications that ended before this moment and still hold whom they were for; one that a mail server took and nobody
/// tells more of has ended, too.
pub(crate) async fn ended(
    db: &impl ConnectionTrait,
    before: DateTime<Utc>,
    limit: u64,
) -> Result<Vec<String>, DbErr> {
    Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(
            Condition::any().add(Column::CompletedAt.lt(before)).add(
                Condition::all()
                    .add(Column::CreatedAt.lt(before))
                    .add(Column::Status.eq(Status::Sent.to_string())),
            ),
        )
        .filter(Column::Body.ne(""))
        .limit(limit)
        .into_tuple()
        .all(db)
        .await
}

/// Forgets whom a notification was for and what it said.
pub(crate) async fn forget(tx: &DatabaseTransaction, id: &str) -> Result<(), DbErr> {
    Entity::update_many().col_expr(Column::Body, Expr::value("")).filter(Column::Id.eq(id)).exec(tx).await?;
    Ok(())
}
