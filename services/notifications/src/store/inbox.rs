//! The list of an account inside of the system.

use chrono::{DateTime, Utc};
use mpp_kit::cipher::Cipher;
use mpp_kit::column::{open, read, seal};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait as _,
    PaginatorTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use serde::{Deserialize, Serialize};

use super::entity::inbox::{ActiveModel, Column, Entity, Model};
use crate::domain::{InboxId, LinkId};

/// A message in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) id: InboxId,
    pub(crate) account: String,
    pub(crate) notification: String,
    pub(crate) reference: String,
    pub(crate) text: ItemText,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) read_at: Option<DateTime<Utc>>,
}

/// What it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ItemText {
    pub(crate) subject: String,
    pub(crate) body: String,
    pub(crate) actions: Vec<ItemAction>,
}

/// A button of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ItemAction {
    pub(crate) key: String,
    pub(crate) label: String,
    pub(crate) link: LinkId,
}

fn item(cipher: &Cipher, row: Model) -> Result<Item, DbErr> {
    Ok(Item {
        text: open(cipher, &row.id, &row.body)?,
        id: read("inbox.id", &row.id)?,
        account: row.account_id,
        notification: row.notification_id,
        reference: row.reference,
        created_at: row.created_at,
        read_at: row.read_at,
    })
}

/// Puts a message into a list. One that is there stays as it is.
pub(crate) async fn insert(tx: &DatabaseTransaction, cipher: &Cipher, new: &Item) -> Result<(), DbErr> {
    let id = new.id.to_string();
    let row = ActiveModel {
        body: Set(seal(cipher, &id, &new.text)?),
        id: Set(id),
        account_id: Set(new.account.clone()),
        notification_id: Set(new.notification.clone()),
        reference: Set(new.reference.clone()),
        created_at: Set(new.created_at),
        read_at: Set(new.read_at),
    };
    let once = OnConflict::column(Column::NotificationId).do_nothing().to_owned();
    Entity::insert(row).on_conflict(once).exec_without_returning(tx).await?;
    Ok(())
}

/// The messages of an account, newest first, before this one.
pub(crate) async fn list(
    db: &impl ConnectionTrait,
    cipher: &Cipher,
    (account, unread): (&str, bool),
    before: Option<&str>,
    limit: u64,
) -> Result<Vec<Item>, DbErr> {
    let mut select =
        Entity::find().filter(Column::AccountId.eq(account)).order_by_desc(Column::Id).limit(limit);
    if unread {
        select = select.filter(Column::ReadAt.is_null());
    }
    if let Some(before) = before {
        select = select.filter(Column::Id.lt(before));
    }
    select.all(db).await?.into_iter().map(|row| item(cipher, row)).collect()
}

/// How many messages of an account were not read.
pub(crate) async fn unread(db: &impl ConnectionTrait, account: &str) -> Result<u64, DbErr> {
    Entity::find().filter(Column::AccountId.eq(account)).filter(Column::ReadAt.is_null()).count(db).await
}

/// A message of an account.
pub(crate) async fn find(
    db: &impl ConnectionTrait,
    cipher: &Cipher,
    account: &str,
    id: InboxId,
) -> Result<Option<Item>, DbErr> {
    let row = Entity::find_by_id(id.to_string()).filter(Column::AccountId.eq(account)).one(db).await?;
    row.map(|row| item(cipher, row)).transpose()
}

/// Notes that a message was read. The first moment stays.
pub(crate) async fn mark_read(
    tx: &DatabaseTransaction,
    id: InboxId,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::ReadAt, Expr::value(Some(now)))
        .filter(Column::Id.eq(id.to_string()))
        .filter(Column::ReadAt.is_null())
        .exec(tx)
        .await?;
    Ok(())
}

/// Forgets the messages of a notification.
pub(crate) async fn forget(tx: &DatabaseTransaction, notification: &str) -> Result<(), DbErr> {
    Entity::delete_many().filter(Column::NotificationId.eq(notification)).exec(tx).await?;
    Ok(())
}
