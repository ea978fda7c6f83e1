//! Webhooks and what is sent to them. Addresses and keys are encrypted; bodies of messages hold no personal data.

mod entity;

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, Utc};
use mpp_kit::caller::reaches;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use serde::{Deserialize, Serialize};

use self::entity::{delivery, endpoint};
use super::convert::{count, number, open, read, seal};
use super::entity::event;
use crate::blob::Cipher;
use crate::domain::webhook::{
    DeliveryId, DeliveryState, DisableReason, Format, Signing, WebhookId, WebhookState, lies_in,
};

/// The most attempts that a delivery remembers.
const ATTEMPTS_KEPT: usize = 20;

/// An address that is told of events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) id: WebhookId,
    /// The account that made it.
    pub(crate) owner: String,
    pub(crate) state: WebhookState,
    pub(crate) disable_reason: Option<DisableReason>,
    /// Since when no attempt succeeded.
    pub(crate) failing_since: Option<DateTime<Utc>>,
    /// What the last failed attempt said; empty after a success.
    pub(crate) last_problem: String,
    /// The last event that deliveries were planned for.
    pub(crate) planned_seq: i64,
    /// Grows with each change by its owner.
    pub(crate) version: u32,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) body: EndpointBody,
}

/// What nothing is searched by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EndpointBody {
    pub(crate) url: String,
    pub(crate) description: String,
    /// Types of events; all when empty.
    pub(crate) types: Vec<String>,
    /// Areas; all when empty.
    pub(crate) areas: Vec<String>,
    pub(crate) signing: Signing,
    pub(crate) format: Format,
    /// Newest first.
    pub(crate) keys: Vec<Key>,
    /// Where its owner had the permission when he was last seen; `None` for everywhere.
    #[serde(default)]
    pub(crate) reach: Option<Vec<String>>,
    /// When he was last seen.
    #[serde(default)]
    pub(crate) seen_at: Option<DateTime<Utc>>,
}

impl Endpoint {
    /// Whether its owner is told of what happens in this area: he asked for it, and reaches it.
    pub(crate) fn is_told_of(&self, area: &str) -> bool {
        lies_in(&self.body.areas, area)
            && self.body.reach.as_ref().is_none_or(|reach| reach.iter().any(|outer| reaches(outer, area)))
    }

    /// When its owner was last seen.
    pub(crate) fn seen_at(&self) -> DateTime<Utc> {
        self.body.seen_at.unwrap_or(self.created_at)
    }
}

/// A key that messages are signed with.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Key {
    /// `whsec_…` or `whsk_…`.
    pub(crate) secret: String,
    /// The version of the endpoint that brought it.
    pub(crate) since_version: u32,
    /// When it ends; the present one has no end.
    pub(crate) expires_at: Option<DateTime<Utc>>,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key(since version {}, until {:?})", self.since_version, self.expires_at)
    }
}

/// One message to one address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Delivery {
    pub(crate) id: DeliveryId,
    pub(crate) endpoint: WebhookId,
    pub(crate) event_seq: i64,
    pub(crate) event_id: String,
    pub(crate) kind: String,
    pub(crate) state: DeliveryState,
    /// Attempts since it was planned or replayed.
    pub(crate) attempt_count: u32,
    pub(crate) due_at: DateTime<Utc>,
    /// What is sent, byte for byte.
    pub(crate) body: String,
    /// The last attempts, oldest first.
    pub(crate) attempts: Vec<Attempt>,
    pub(crate) created_at: DateTime<Utc>,
}

/// One attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Attempt {
    pub(crate) at: DateTime<Utc>,
    /// 0 for no answer.
    pub(crate) status: u16,
    /// Empty when nothing was wrong.
    pub(crate) problem: String,
    /// The first characters of the answer.
    pub(crate) answer: String,
    pub(crate) ms: u32,
}

fn endpoint(cipher: &Cipher, row: endpoint::Model) -> Result<Endpoint, DbErr> {
    Ok(Endpoint {
        body: open(cipher, &row.id, &row.body)?,
        id: read("webhook_endpoint.id", &row.id)?,
        owner: row.owner_id,
        state: read("webhook_endpoint.state", &row.state)?,
        disable_reason: row
            .disable_reason
            .map(|reason| read("webhook_endpoint.disable_reason", &reason))
            .transpose()?,
        failing_since: row.failing_since,
        last_problem: row.last_problem,
        planned_seq: row.planned_seq,
        version: count("webhook_endpoint.version", row.version)?,
        created_at: row.created_at,
    })
}

fn delivery(row: delivery::Model) -> Result<Delivery, DbErr> {
    Ok(Delivery {
        id: read("webhook_delivery.id", &row.id)?,
        endpoint: read("webhook_delivery.endpoint_id", &row.endpoint_id)?,
        event_seq: row.event_seq,
        event_id: row.event_id,
        kind: row.kind,
        state: read("webhook_delivery.state", &row.state)?,
        attempt_count: count("webhook_delivery.attempt_count", row.attempt_count)?,
        due_at: row.due_at,
        body: row.body,
        attempts: serde_json::from_str(&row.attempts)
            .map_err(|_| DbErr::Json("webhook_delivery.attempts is not as it was written".to_owned()))?,
        created_at: row.created_at,
    })
}

/// The place of the last event; 0 when there is none.
pub(crate) async fn last_seq(db: &impl ConnectionTrait) -> Result<i64, DbErr> {
    let last: Option<i64> = event::Entity::find()
        .select_only()
        .column(event::Column::Seq)
        .order_by_desc(event::Column::Seq)
        .into_tuple()
        .one(db)
        .await?;
    Ok(last.unwrap_or(0))
}

/// Writes a new address.
pub(crate) async fn insert(tx: &DatabaseTransaction, cipher: &Cipher, new: &Endpoint) -> Result<(), DbErr> {
    let id = new.id.to_string();
    let row = endpoint::ActiveModel {
        owner_id: Set(new.owner.clone()),
        state: Set(new.state.to_string()),
        disable_reason: Set(new.disable_reason.map(|reason| reason.to_string())),
        failing_since: Set(new.failing_since),
        last_problem: Set(new.last_problem.clone()),
        planned_seq: Set(new.planned_seq),
        version: Set(number(new.version)?),
        body: Set(seal(cipher, &id, &new.body)?),
        created_at: Set(new.created_at),
        updated_at: Set(new.created_at),
        id: Set(id),
    };
    endpoint::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// The address with this id.
pub(crate) async fn find(
    db: &impl ConnectionTrait,
    cipher: &Cipher,
    id: WebhookId,
) -> Result<Option<Endpoint>, DbErr> {
    let row = endpoint::Entity::find_by_id(id.to_string()).one(db).await?;
    row.map(|row| endpoint(cipher, row)).transpose()
}

/// Addresses by id, after this one: of one owner, or all.
pub(crate) async fn list(
    db: &impl ConnectionTrait,
    cipher: &Cipher,
    owner: Option<&str>,
    after: Option<&str>,
    limit: u64,
) -> Result<Vec<Endpoint>, DbErr> {
    let mut select = endpoint::Entity::find().order_by_asc(endpoint::Column::Id).limit(limit);
    if let Some(owner) = owner {
        select = select.filter(endpoint::Column::OwnerId.eq(owner));
    }
    if let Some(after) = after {
        select = select.filter(endpoint::Column::Id.gt(after));
    }
    select.all(db).await?.into_iter().map(|row| endpoint(cipher, row)).collect()
}

/// Every address that gets messages.
pub(crate) async fn enabled(db: &impl ConnectionTrait, cipher: &Cipher) -> Result<Vec<Endpoint>, DbErr> {
    let rows = endpoint::Entity::find()
        .filter(endpoint::Column::State.eq(WebhookState::Enabled.to_string()))
        .order_by_asc(endpoint::Column::Id)
        .all(db)
        .await?;
    rows.into_iter().map(|row| endpoint(cipher, row)).collect()
}

/// Writes what its owner changed over the version before. `false` if somebody was first.
pub(crate) async fn update(
    tx: &DatabaseTransaction,
    cipher: &Cipher,
    next: &Endpoint,
    now: DateTime<Utc>,
) -> Result<bool, DbErr> {
    use endpoint::{Column, Entity};
    let id = next.id.to_string();
    let done = Entity::update_many()
        .col_expr(Column::State, Expr::value(next.state.to_string()))
        .col_expr(Column::DisableReason, Expr::value(next.disable_reason.map(|reason| reason.to_string())))
        .col_expr(Column::FailingSince, Expr::value(next.failing_since))
        .col_expr(Column::LastProblem, Expr::value(next.last_problem.clone()))
        .col_expr(Column::Version, Expr::value(number(next.version)?))
        .col_expr(Column::Body, Expr::value(seal(cipher, &id, &next.body)?))
        .col_expr(Column::UpdatedAt, Expr::value(now))
        .filter(Column::Id.eq(id))
        .filter(Column::Version.eq(number(next.version - 1)?))
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}

/// Writes what is known of its owner's reach. `false` if the owner changed the address meanwhile.
pub(crate) async fn set_reach(
    db: &impl ConnectionTrait,
    cipher: &Cipher,
    endpoint: &Endpoint,
) -> Result<bool, DbErr> {
    use endpoint::{Column, Entity};
    let id = endpoint.id.to_string();
    let done = Entity::update_many()
        .col_expr(Column::Body, Expr::value(seal(cipher, &id, &endpoint.body)?))
        .filter(Column::Id.eq(id))
        .filter(Column::Version.eq(number(endpoint.version)?))
        .exec(db)
        .await?;
    Ok(done.rows_affected == 1)
}

/// Deletes an address with its messages. `false` if it is gone.
pub(crate) async fn delete(tx: &DatabaseTransaction, id: WebhookId) -> Result<bool, DbErr> {
    delivery::Entity::delete_many().filter(delivery::Column::EndpointId.eq(id.to_string())).exec(tx).await?;
    Ok(endpoint::Entity::delete_by_id(id.to_string()).exec(tx).await?.rows_affected == 1)
}

/// Gives up a message that is not sent any more.
pub(crate) async fn give_up(
    db: &impl ConnectionTrait,
    id: DeliveryId,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    use delivery::{Column, Entity};
    Entity::update_many()
        .col_expr(Column::State, Expr::value(DeliveryState::Failed.to_string()))
        .col_expr(Column::DueAt, Expr::value(now))
        .col_expr(Column::UpdatedAt, Expr::value(now))
        .filter(Column::Id.eq(id.to_string()))
        .filter(Column::State.eq(DeliveryState::Pending.to_string()))
        .exec(db)
        .await?;
    Ok(())
}

/// The areas of the events that these messages tell of, by place.
pub(crate) async fn areas_of(
    db: &impl ConnectionTrait,
    seqs: &[i64],
) -> Result<BTreeMap<i64, String>, DbErr> {
    if seqs.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows: Vec<(i64, String)> = event::Entity::find()
        .select_only()
        .columns([event::Column::Seq, event::Column::Area])
        .filter(event::Column::Seq.is_in(seqs.iter().copied()))
        .into_tuple()
        .all(db)
        .await?;
    Ok(rows.into_iter().collect())
}

/// Says how the last attempt went: nothing is wrong, or since when and what.
pub(crate) async fn set_health(
    tx: &DatabaseTransaction,
    id: WebhookId,
    failing_since: Option<DateTime<Utc>>,
    problem: &str,
) -> Result<(), DbErr> {
    use endpoint::{Column, Entity};
    Entity::update_many()
        .col_expr(Column::FailingSince, Expr::value(failing_since))
        .col_expr(Column::LastProblem, Expr::value(problem))
        .filter(Column::Id.eq(id.to_string()))
        .exec(tx)
        .await?;
    Ok(())
}

/// Ends the messages to an address. `false` if it got none already.
pub(crate) async fn disable(
    tx: &DatabaseTransaction,
    id: WebhookId,
    reason: DisableReason,
    now: DateTime<Utc>,
) -> Result<bool, DbErr> {
    use endpoint::{Column, Entity};
    let done = Entity::update_many()
        .col_expr(Column::State, Expr::value(WebhookState::Disabled.to_string()))
        .col_expr(Column::DisableReason, Expr::value(Some(reason.to_string())))
        .col_expr(Column::UpdatedAt, Expr::value(now))
        .filter(Column::Id.eq(id.to_string()))
        .filter(Column::State.eq(WebhookState::Enabled.to_string()))
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}

/// Moves the place up to which deliveries are planned. `false` if somebody was first.
pub(crate) async fn advance(
    tx: &DatabaseTransaction,
    id: WebhookId,
    from: i64,
    to: i64,
) -> Result<bool, DbErr> {
    use endpoint::{Column, Entity};
    let done = Entity::update_many()
        .col_expr(Column::PlannedSeq, Expr::value(to))
        .filter(Column::Id.eq(id.to_string()))
        .filter(Column::PlannedSeq.eq(from))
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}

/// Plans a delivery; one that is planned already stays as it is.
pub(crate) async fn plan(tx: &DatabaseTransaction, new: &Delivery) -> Result<(), DbErr> {
    let row = delivery::ActiveModel {
        id: Set(new.id.to_string()),
        endpoint_id: Set(new.endpoint.to_string()),
        event_seq: Set(new.event_seq),
        event_id: Set(new.event_id.clone()),
        kind: Set(new.kind.clone()),
        state: Set(new.state.to_string()),
        attempt_count: Set(number(new.attempt_count)?),
        due_at: Set(new.due_at),
        body: Set(new.body.clone()),
        attempts: Set(attempts(&new.attempts)?),
        created_at: Set(new.created_at),
        updated_at: Set(new.created_at),
    };
    let once = OnConflict::columns([delivery::Column::EndpointId, delivery::Column::EventSeq])
        .do_nothing()
        .to_owned();
    delivery::Entity::insert(row).on_conflict(once).exec_without_returning(tx).await?;
    Ok(())
}

/// What is due to an address, oldest first.
pub(crate) async fn due(
    db: &impl ConnectionTrait,
    to: WebhookId,
    now: DateTime<Utc>,
    limit: u64,
) -> Result<Vec<Delivery>, DbErr> {
    use delivery::{Column, Entity};
    let rows = Entity::find()
        .filter(Column::EndpointId.eq(to.to_string()))
        .filter(Column::State.eq(DeliveryState::Pending.to_string()))
        .filter(Column::DueAt.lte(now))
        .order_by_asc(Column::DueAt)
        .order_by_asc(Column::EventSeq)
        .limit(limit)
        .all(db)
        .await?;
    rows.into_iter().map(delivery).collect()
}

/// Takes a delivery that is due, until `until`. `false` if somebody was first.
pub(crate) async fn claim(
    db: &impl ConnectionTrait,
    id: DeliveryId,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<bool, DbErr> {
    use delivery::{Column, Entity};
    let done = Entity::update_many()
        .col_expr(Column::DueAt, Expr::value(until))
        .filter(Column::Id.eq(id.to_string()))
        .filter(Column::State.eq(DeliveryState::Pending.to_string()))
        .filter(Column::DueAt.lte(now))
        .exec(db)
        .await?;
    Ok(done.rows_affected == 1)
}

/// Writes where a delivery stands now. `false` if it was replayed meanwhile, or given up by another.
pub(crate) async fn save(
    tx: &DatabaseTransaction,
    next: &Delivery,
    claimed_until: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<bool, DbErr> {
    use delivery::{Column, Entity};
    let kept = next.attempts.len().saturating_sub(ATTEMPTS_KEPT);
    let done = Entity::update_many()
        .col_expr(Column::State, Expr::value(next.state.to_string()))
        .col_expr(Column::AttemptCount, Expr::value(number(next.attempt_count)?))
        .col_expr(Column::DueAt, Expr::value(next.due_at))
        .col_expr(Column::Attempts, Expr::value(attempts(&next.attempts[kept..])?))
        .col_expr(Column::UpdatedAt, Expr::value(now))
        .filter(Column::Id.eq(next.id.to_string()))
        .filter(Column::DueAt.eq(claimed_until))
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}

/// Plans a delivery anew, whatever became of it.
pub(crate) async fn replay(
    tx: &DatabaseTransaction,
    id: DeliveryId,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    use delivery::{Column, Entity};
    Entity::update_many()
        .col_expr(Column::State, Expr::value(DeliveryState::Pending.to_string()))
        .col_expr(Column::AttemptCount, Expr::value(0))
        .col_expr(Column::DueAt, Expr::value(now))
        .col_expr(Column::UpdatedAt, Expr::value(now))
        .filter(Column::Id.eq(id.to_string()))
        .exec(tx)
        .await?;
    Ok(())
}

/// The delivery with this id.
pub(crate) async fn find_delivery(
    db: &impl ConnectionTrait,
    id: DeliveryId,
) -> Result<Option<Delivery>, DbErr> {
    delivery::Entity::find_by_id(id.to_string()).one(db).await?.map(delivery).transpose()
}

/// Deliveries to an address, newest first, before this one.
pub(crate) async fn deliveries(
    db: &impl ConnectionTrait,
    to: WebhookId,
    state: Option<DeliveryState>,
    before: Option<&str>,
    limit: u64,
) -> Result<Vec<Delivery>, DbErr> {
    use delivery::{Column, Entity};
    let mut select =
        Entity::find().filter(Column::EndpointId.eq(to.to_string())).order_by_desc(Column::Id).limit(limit);
    if let Some(state) = state {
        select = select.filter(Column::State.eq(state.to_string()));
    }
    if let Some(before) = before {
        select = select.filter(Column::Id.lt(before));
    }
    select.all(db).await?.into_iter().map(delivery).collect()
}

/// Forgets deliveries that ended before this moment. Answers how many.
pub(crate) async fn purge(db: &impl ConnectionTrait, before: DateTime<Utc>) -> Result<u64, DbErr> {
    use delivery::{Column, Entity};
    let done = Entity::delete_many()
        .filter(Column::State.ne(DeliveryState::Pending.to_string()))
        .filter(Column::UpdatedAt.lt(before))
        .exec(db)
        .await?;
    Ok(done.rows_affected)
}

fn attempts(attempts: &[Attempt]) -> Result<String, DbErr> {
    serde_json::to_string(attempts).map_err(|error| DbErr::Json(error.to_string()))
}
