//! Steps of plans and their attempts: the queue.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use mpp_kit::row::{count, number, read};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait as _,
    PaginatorTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};

use super::entity::attempt;
use super::entity::step::{ActiveModel, Column, Entity, Model};
use crate::domain::NotificationId;
use crate::domain::channel::Channel;
use crate::domain::outcome::Known;
use crate::domain::status::Status;

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) notification: NotificationId,
    pub(crate) number: u32,
    pub(crate) channel: Channel,
    /// The account that sends it.
    pub(crate) queue: String,
    pub(crate) status: Status,
    pub(crate) reason: String,
    /// Fixed when the notification was made; 0 for none.
    pub(crate) variant_version: u32,
    /// The language of that version. It changes to Indonesian when the text may not be sent.
    pub(crate) language: String,
    pub(crate) priority: i32,
    pub(crate) wait_minutes: u32,
    /// When it is looked at next; `None` while its turn has not come, and after its end.
    pub(crate) due_at: Option<DateTime<Utc>>,
    /// When the next step takes over, or a receipt is given up.
    pub(crate) until_at: Option<DateTime<Utc>>,
    pub(crate) expires_at: Option<DateTime<Utc>>,
    pub(crate) attempt_count: u32,
    pub(crate) first_attempt_at: Option<DateTime<Utc>>,
    /// Whether an attempt has not ended, or ended without an answer.
    pub(crate) unclear: bool,
    pub(crate) unclear_count: u32,
    /// Whether it goes as a template, because free text was refused.
    pub(crate) as_template: bool,
    /// The digest of the address.
    pub(crate) address: String,
    pub(crate) provider_id: Option<String>,
    pub(crate) sent_at: Option<DateTime<Utc>>,
    pub(crate) delivered_at: Option<DateTime<Utc>>,
    pub(crate) read_at: Option<DateTime<Utc>>,
    pub(crate) failed_at: Option<DateTime<Utc>>,
    pub(crate) version: u32,
}

impl Step {
    /// What the rules must know of it when an attempt ended.
    pub(crate) fn known(&self, has_next: bool, now: DateTime<Utc>) -> Known {
        Known {
            channel: self.channel,
            attempt: self.attempt_count,
            first_at: self.first_attempt_at.unwrap_or(now),
            expires_at: self.expires_at,
            as_template: self.as_template,
            unclear_before: self.unclear_count > 0,
            taken: self.status == Status::Sent || self.provider_id.is_some(),
            has_next,
        }
    }
}

/// One attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attempt {
    pub(crate) step: u32,
    pub(crate) number: u32,
    pub(crate) at: DateTime<Utc>,
    pub(crate) outcome: String,
    pub(crate) provider_code: String,
    pub(crate) provider_id: String,
}

fn step(row: Model) -> Result<Step, DbErr> {
    Ok(Step {
        notification: read("step.notification_id", &row.notification_id)?,
        number: count("step.number", row.number)?,
        channel: read("step.channel", &row.channel)?,
        queue: row.queue,
        status: read("step.status", &row.status)?,
        reason: row.reason,
        variant_version: count("step.variant_version", row.variant_version)?,
        language: row.language,
        priority: row.priority,
        wait_minutes: count("step.wait_minutes", row.wait_minutes)?,
        due_at: row.due_at,
        until_at: row.until_at,
        expires_at: row.expires_at,
        attempt_count: count("step.attempt_count", row.attempt_count)?,
        first_attempt_at: row.first_attempt_at,
        unclear: row.unclear,
        unclear_count: count("step.unclear_count", row.unclear_count)?,
        as_template: row.as_template,
        address: row.address,
        provider_id: row.provider_id,
        sent_at: row.sent_at,
        delivered_at: row.delivered_at,
        read_at: row.read_at,
        failed_at: row.failed_at,
        version: count("step.version", row.version)?,
    })
}

/// Writes a new step.
pub(crate) async fn insert(tx: &DatabaseTransaction, new: &Step) -> Result<(), DbErr> {
    let row = ActiveModel {
        notification_id: Set(new.notification.to_string()),
        number: Set(number(new.number)?),
        channel: Set(new.channel.to_string()),
        queue: Set(new.queue.clone()),
        status: Set(new.status.to_string()),
        reason: Set(new.reason.clone()),
        variant_version: Set(number(new.variant_version)?),
        language: Set(new.language.clone()),
        priority: Set(new.priority),
        wait_minutes: Set(number(new.wait_minutes)?),
        due_at: Set(new.due_at),
        until_at: Set(new.until_at),
        expires_at: Set(new.expires_at),
        attempt_count: Set(number(new.attempt_count)?),
        first_attempt_at: Set(new.first_attempt_at),
        unclear: Set(new.unclear),
        unclear_count: Set(number(new.unclear_count)?),
        as_template: Set(new.as_template),
        address: Set(new.address.clone()),
        provider_id: Set(new.provider_id.clone()),
        sent_at: Set(new.sent_at),
        delivered_at: Set(new.delivered_at),
        read_at: Set(new.read_at),
        failed_at: Set(new.failed_at),
        version: Set(number(new.version)?),
    };
    Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// Writes a step over the version before it. `false` if somebody was first.
pub(crate) async fn save(tx: &DatabaseTransaction, next: &Step) -> Result<bool, DbErr> {
    let done = Entity::update_many()
        .col_expr(Column::Status, Expr::value(next.status.to_string()))
        .col_expr(Column::Reason, Expr::value(&next.reason))
        .col_expr(Column::VariantVersion, Expr::value(number(next.variant_version)?))
        .col_expr(Column::Language, Expr::value(&next.language))
        .col_expr(Column::DueAt, Expr::value(next.due_at))
        .col_expr(Column::UntilAt, Expr::value(next.until_at))
        .col_expr(Column::AttemptCount, Expr::value(number(next.attempt_count)?))
        .col_expr(Column::FirstAttemptAt, Expr::value(next.first_attempt_at))
        .col_expr(Column::Unclear, Expr::value(next.unclear))
        .col_expr(Column::UnclearCount, Expr::value(number(next.unclear_count)?))
        .col_expr(Column::AsTemplate, Expr::value(next.as_template))
        .col_expr(Column::Address, Expr::value(&next.address))
        .col_expr(Column::ProviderId, Expr::value(next.provider_id.clone()))
        .col_expr(Column::SentAt, Expr::value(next.sent_at))
        .col_expr(Column::DeliveredAt, Expr::value(next.delivered_at))
        .col_expr(Column::ReadAt, Expr::value(next.read_at))
        .col_expr(Column::FailedAt, Expr::value(next.failed_at))
        .col_expr(Column::Version, Expr::value(number(next.version)?))
        .filter(Column::NotificationId.eq(next.notification.to_string()))
        .filter(Column::Number.eq(number(next.number)?))
        .filter(Column::Version.eq(number(next.version)? - 1))
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}

/// The steps of a notification, in order.
pub(crate) async fn of(db: &impl ConnectionTrait, id: NotificationId) -> Result<Vec<Step>, DbErr> {
    let rows = Entity::find()
        .filter(Column::NotificationId.eq(id.to_string()))
        .order_by_asc(Column::Number)
        .all(db)
        .await?;
    rows.into_iter().map(step).collect()
}

/// The steps of these notifications, each in order.
pub(crate) async fn of_all(
    db: &impl ConnectionTrait,
    ids: &[NotificationId],
) -> Result<HashMap<NotificationId, Vec<Step>>, DbErr> {
    let rows = Entity::find()
        .filter(Column::NotificationId.is_in(ids.iter().map(ToString::to_string)))
        .order_by_asc(Column::Number)
        .all(db)
        .await?;
    let mut all: HashMap<_, Vec<_>> = HashMap::new();
    for row in rows {
        let step = step(row)?;
        all.entry(step.notification).or_default().push(step);
    }
    Ok(all)
}

/// What an account has to send now: urgent first, then what waited longest.
pub(crate) async fn due(
    db: &impl ConnectionTrait,
    queue: &str,
    now: DateTime<Utc>,
    limit: u64,
) -> Result<Vec<Step>, DbErr> {
    let rows = Entity::find()
        .filter(Column::Queue.eq(queue))
        .filter(Column::Status.is_in([Status::Created.to_string(), Status::Sending.to_string()]))
        .filter(Column::DueAt.lte(now))
        .order_by_asc(Column::Priority)
        .order_by_asc(Column::DueAt)
        .order_by_asc(Column::NotificationId)
        .limit(limit)
        .all(db)
        .await?;
    rows.into_iter().map(step).collect()
}

/// Steps whose time is over: the next one takes over, or no receipt came.
pub(crate) async fn overtime(
    db: &impl ConnectionTrait,
    now: DateTime<Utc>,
    limit: u64,
) -> Result<Vec<Step>, DbErr> {
    let rows = Entity::find()
        .filter(Column::UntilAt.lte(now))
        .order_by_asc(Column::UntilAt)
        .limit(limit)
        .all(db)
        .await?;
    rows.into_iter().map(step).collect()
}

/// How many steps wait for an account.
pub(crate) async fn waiting(
    db: &impl ConnectionTrait,
    queue: &str,
    now: DateTime<Utc>,
) -> Result<u64, DbErr> {
    Entity::find()
        .filter(Column::Queue.eq(queue))
        .filter(Column::Status.is_in([Status::Created.to_string(), Status::Sending.to_string()]))
        .filter(Column::DueAt.lte(now))
        .count(db)
        .await
}

/// The step that the provider knows by this id.
pub(crate) async fn of_provider(db: &impl ConnectionTrait, id: &str) -> Result<Option<Step>, DbErr> {
    Entity::find().filter(Column::ProviderId.eq(id)).one(db).await?.map(step).transpose()
}

/// What went to an address before a moment and was not reported as delivered, oldest first.
pub(crate) async fn sent_to(
    db: &impl ConnectionTrait,
    address: &str,
    before: DateTime<Utc>,
    limit: u64,
) -> Result<Vec<Step>, DbErr> {
    let rows = Entity::find()
        .filter(Column::Address.eq(address))
        .filter(Column::Status.eq(Status::Sent.to_string()))
        .filter(Column::SentAt.lte(before))
        .order_by_asc(Column::SentAt)
        .limit(limit)
        .all(db)
        .await?;
    rows.into_iter().map(step).collect()
}

/// Writes an attempt that is about to be made.
pub(crate) async fn begin(tx: &DatabaseTransaction, id: NotificationId, new: &Attempt) -> Result<(), DbErr> {
    let row = attempt::ActiveModel {
        notification_id: Set(id.to_string()),
        step: Set(number(new.step)?),
        number: Set(number(new.number)?),
        at: Set(new.at),
        outcome: Set(new.outcome.clone()),
        provider_code: Set(new.provider_code.clone()),
        provider_id: Set(new.provider_id.clone()),
    };
    attempt::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// Writes what an attempt came to.
pub(crate) async fn end(tx: &DatabaseTransaction, id: NotificationId, ended: &Attempt) -> Result<(), DbErr> {
    use attempt::Column;
    attempt::Entity::update_many()
        .col_expr(Column::Outcome, Expr::value(&ended.outcome))
        .col_expr(Column::ProviderCode, Expr::value(&ended.provider_code))
        .col_expr(Column::ProviderId, Expr::value(&ended.provider_id))
        .filter(Column::NotificationId.eq(id.to_string()))
        .filter(Column::Step.eq(number(ended.step)?))
        .filter(Column::Number.eq(number(ended.number)?))
        .exec(tx)
        .await?;
    Ok(())
}

/// The attempts of a notification, in order.
pub(crate) async fn attempts(db: &impl ConnectionTrait, id: NotificationId) -> Result<Vec<Attempt>, DbErr> {
    use attempt::Column;
    let rows = attempt::Entity::find()
        .filter(Column::NotificationId.eq(id.to_string()))
        .order_by_asc(Column::Step)
        .order_by_asc(Column::Number)
        .all(db)
        .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Attempt {
                step: count("attempt.step", row.step)?,
                number: count("attempt.number", row.number)?,
                at: row.at,
                outcome: row.outcome,
                provider_code: row.provider_code,
                provider_id: row.provider_id,
            })
        })
        .collect()
}
