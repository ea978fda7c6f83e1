//! Messages to owners of webhooks that were disabled, written in the transaction that disabled them.

use chrono::{DateTime, Utc};
use mpp_kit::row::read;
use mpp_kit::webhook::rules::{DisableReason, WebhookId};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _,
};

use super::entity::webhook_notice::{ActiveModel, Column, Entity, Model};
use super::notice::NoticeState;
use crate::domain::NoticeId;

/// A message to an owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WebhookNotice {
    pub(crate) id: NoticeId,
    pub(crate) webhook: WebhookId,
    /// The account that made the webhook.
    pub(crate) owner: String,
    pub(crate) reason: DisableReason,
    pub(crate) attempts: i32,
}

/// Writes a message that has to go out.
pub(crate) async fn insert(
    tx: &DatabaseTransaction,
    new: &WebhookNotice,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let row = ActiveModel {
        id: Set(new.id.to_string()),
        webhook_id: Set(new.webhook.to_string()),
        owner_id: Set(new.owner.clone()),
        reason: Set(new.reason.to_string()),
        state: Set(NoticeState::Queued.to_string()),
        attempts: Set(new.attempts),
        next_at: Set(now),
        created_at: Set(now),
        updated_at: Set(now),
    };
    Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// Messages whose turn it is, oldest first.
pub(crate) async fn due(
    db: &impl ConnectionTrait,
    now: DateTime<Utc>,
    limit: u64,
) -> Result<Vec<WebhookNotice>, DbErr> {
    let rows = Entity::find()
        .filter(Column::State.eq(NoticeState::Queued.to_string()))
        .filter(Column::NextAt.lte(now))
        .order_by_asc(Column::NextAt)
        .order_by_asc(Column::Id)
        .limit(limit)
        .all(db)
        .await?;
    rows.into_iter().map(notice).collect()
}

/// Notes what became of a message, and when it is offered next; `false` if another instance was first.
pub(crate) async fn moved(
    db: &impl ConnectionTrait,
    before: &WebhookNotice,
    state: NoticeState,
    next_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<bool, DbErr> {
    let done = Entity::update_many()
        .col_expr(Column::State, Expr::value(state.to_string()))
        .col_expr(Column::Attempts, Expr::value(before.attempts.saturating_add(1)))
        .col_expr(Column::NextAt, Expr::value(next_at))
        .col_expr(Column::UpdatedAt, Expr::value(now))
        .filter(Column::Id.eq(before.id.to_string()))
        .filter(Column::State.eq(NoticeState::Queued.to_string()))
        .filter(Column::Attempts.eq(before.attempts))
        .exec(db)
        .await?;
    Ok(done.rows_affected == 1)
}

/// Forgets messages that ended before a moment.
pub(crate) async fn purge(db: &impl ConnectionTrait, before: DateTime<Utc>) -> Result<(), DbErr> {
    Entity::delete_many()
        .filter(Column::State.ne(NoticeState::Queued.to_string()))
        .filter(Column::NextAt.lt(before))
        .exec(db)
        .await?;
    Ok(())
}

fn notice(row: Model) -> Result<WebhookNotice, DbErr> {
    Ok(WebhookNotice {
        id: read("webhook_notice.id", &row.id)?,
        webhook: read("webhook_notice.webhook_id", &row.webhook_id)?,
        owner: row.owner_id,
        reason: read("webhook_notice.reason", &row.reason)?,
        attempts: row.attempts,
    })
}
