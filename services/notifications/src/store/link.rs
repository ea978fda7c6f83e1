//! Links that open once.

use chrono::{DateTime, Utc};
use mpp_kit::column::read;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait as _,
    QueryFilter as _,
};

use super::entity::action_link::{ActiveModel, Column, Entity};
use crate::domain::LinkId;

/// A link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) id: LinkId,
    pub(crate) notification: String,
    pub(crate) account: String,
    pub(crate) reference: String,
    pub(crate) action: String,
    /// Empty for none.
    pub(crate) permission: String,
    /// Empty for anywhere.
    pub(crate) area: String,
    pub(crate) expires_at: DateTime<Utc>,
    pub(crate) used_at: Option<DateTime<Utc>>,
}

/// Writes a new link.
pub(crate) async fn insert(tx: &DatabaseTransaction, new: &Link) -> Result<(), DbErr> {
    let row = ActiveModel {
        id: Set(new.id.to_string()),
        notification_id: Set(new.notification.clone()),
        account_id: Set(new.account.clone()),
        reference: Set(new.reference.clone()),
        action: Set(new.action.clone()),
        permission: Set(new.permission.clone()),
        area: Set(new.area.clone()),
        expires_at: Set(new.expires_at),
        used_at: Set(new.used_at),
    };
    Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

fn link(row: super::entity::action_link::Model) -> Result<Link, DbErr> {
    Ok(Link {
        id: read("action_link.id", &row.id)?,
        notification: row.notification_id,
        account: row.account_id,
        reference: row.reference,
        action: row.action,
        permission: row.permission,
        area: row.area,
        expires_at: row.expires_at,
        used_at: row.used_at,
    })
}

/// The link with this id.
pub(crate) async fn find(db: &impl ConnectionTrait, id: LinkId) -> Result<Option<Link>, DbErr> {
    Entity::find_by_id(id.to_string()).one(db).await?.map(link).transpose()
}

/// The links of a notification.
pub(crate) async fn of(db: &impl ConnectionTrait, notification: &str) -> Result<Vec<Link>, DbErr> {
    let rows = Entity::find().filter(Column::NotificationId.eq(notification)).all(db).await?;
    rows.into_iter().map(link).collect()
}

/// Uses a link. `false` if it was used before.
pub(crate) async fn use_up(tx: &DatabaseTransaction, id: LinkId, now: DateTime<Utc>) -> Result<bool, DbErr> {
    let done = Entity::update_many()
        .col_expr(Column::UsedAt, Expr::value(Some(now)))
        .filter(Column::Id.eq(id.to_string()))
        .filter(Column::UsedAt.is_null())
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}
