//! Webhooks and what is sent to them. Addresses and keys are encrypted; bodies of messages hold no personal data.

mod entity;

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, Condition, ConnectionTrait, DatabaseTransaction, DbErr,
    EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use serde::{Deserialize, Serialize};

use self::entity::{delivery, endpoint};
use super::rules::{
    DeliveryId, DeliveryState, DisableReason, Format, Signing, WebhookId, WebhookState, lies_in,
};
use super::signature::SigningKey;
use crate::caller::{Caller, CallerKind, reaches};
use crate::cipher::Cipher;
use crate::row::{count, number, open, read, seal};

/// The most attempts that a delivery remembers.
const ATTEMPTS_KEPT: usize = 20;
/// The most keys that a message is signed with.
const MAX_KEYS: usize = 3;

/// An address that is told of events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Its id.
    pub id: WebhookId,
    /// The account that made it.
    pub owner: String,
    /// Whether it gets messages.
    pub state: WebhookState,
    /// Why it gets none.
    pub disable_reason: Option<DisableReason>,
    /// Since when no attempt succeeded.
    pub failing_since: Option<DateTime<Utc>>,
    /// What the last failed attempt said; empty after a success.
    pub last_problem: String,
    /// The last event that deliveries were planned for.
    pub planned_seq: i64,
    /// Grows with each change by its owner.
    pub version: u32,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// The rest.
    pub body: EndpointBody,
}

/// What nothing is searched by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndpointBody {
    /// Where messages are posted to.
    pub url: String,
    /// What it is for.
    pub description: String,
    /// Types of events; all when empty.
    pub types: Vec<String>,
    /// Areas; all when empty.
    pub areas: Vec<String>,
    /// How messages are signed.
    pub signing: Signing,
    /// How messages are written.
    pub format: Format,
    /// Newest first.
    pub keys: Vec<Key>,
    /// Where its owner had the permission when he was last seen; `None` for everywhere.
    #[serde(default)]
    pub reach: Option<Vec<String>>,
    /// When he was last seen; `None` where nobody notes it.
    #[serde(default)]
    pub seen_at: Option<DateTime<Utc>>,
}

impl Endpoint {
    /// A new address of this account. What happened up to `planned_seq` is for those who poll.
    #[must_use]
    pub fn new(owner: &str, body: EndpointBody, planned_seq: i64, now: DateTime<Utc>) -> Self {
        Self {
            id: WebhookId::generate(),
            owner: owner.to_owned(),
            state: WebhookState::Enabled,
            disable_reason: None,
            failing_since: None,
            last_problem: String::new(),
            planned_seq,
            version: 1,
            created_at: now,
            body,
        }
    }

    /// Gives it another key and version. For this grace time messages are signed with the old key too, so that no message is
    /// missed while the receiver changes over.
    pub fn rotate(&mut self, grace: TimeDelta, now: DateTime<Utc>) {
        self.version += 1;
        let keys = &mut self.body.keys;
        keys.retain(|key| key.expires_at.is_none_or(|end| now < end));
        for key in keys.iter_mut().filter(|key| key.expires_at.is_none()) {
            key.expires_at = Some(now + grace);
        }
        keys.insert(0, Key::generate(self.body.signing, self.version));
        keys.truncate(MAX_KEYS);
    }

    /// Whether its owner is told of what happens in this area: he asked for it, and reaches it.
    #[must_use]
    pub fn is_told_of(&self, area: &str) -> bool {
        lies_in(&self.body.areas, area)
            && self.body.reach.as_ref().is_none_or(|reach| reach.iter().any(|outer| reaches(outer, area)))
    }

    /// The host that messages go to: the rest of the address may be a secret.
    #[must_use]
    pub fn host(&self) -> String {
        let url = self.body.url.parse::<http::Uri>().ok();
        url.and_then(|url| url.host().map(str::to_owned)).unwrap_or_default()
    }

    /// Why it gets no messages, for a message to its owner: the reason, and the problem of the last attempt. What the receiver
    /// answered may name somebody, and is read where only the owner reads it.
    #[must_use]
    pub fn why_disabled(&self, reason: DisableReason) -> String {
        let problem = match self.last_problem.strip_prefix("HTTP ") {
            Some(answer) => format!("HTTP {}", answer.split(' ').next().unwrap_or_default()),
            None => self.last_problem.clone(),
        };
        if problem.is_empty() { reason.to_string() } else { format!("{reason}, {problem}") }
    }

    /// When its owner was last seen.
    #[must_use]
    pub fn seen_at(&self) -> DateTime<Utc> {
        self.body.seen_at.unwrap_or(self.created_at)
    }
}

/// A key that messages are signed with.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// `whsec_…` or `whsk_…`.
    pub secret: String,
    /// The version of the endpoint that brought it.
    pub since_version: u32,
    /// When it ends; the present one has no end.
    pub expires_at: Option<DateTime<Utc>>,
}

impl Key {
    /// A new key, which comes with this version of its address.
    #[must_use]
    pub fn generate(signing: Signing, since_version: u32) -> Self {
        let secret = SigningKey::generate(signing).to_text().to_string();
        Self { secret, since_version, expires_at: None }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key(since version {}, until {:?})", self.since_version, self.expires_at)
    }
}

/// One message to one address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its id.
    pub id: DeliveryId,
    /// The address.
    pub endpoint: WebhookId,
    /// The place of the event.
    pub event_seq: i64,
    /// The id of the event.
    pub event_id: String,
    /// The type of the event.
    pub kind: String,
    /// Where it stands.
    pub state: DeliveryState,
    /// Attempts since it was planned or replayed.
    pub attempt_count: u32,
    /// When it is tried next.
    pub due_at: DateTime<Utc>,
    /// What is sent, byte for byte.
    pub body: String,
    /// The last attempts, oldest first.
    pub attempts: Vec<Attempt>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// One attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// When.
    pub at: DateTime<Utc>,
    /// 0 for no answer.
    pub status: u16,
    /// Empty when nothing was wrong.
    pub problem: String,
    /// The first characters of the answer.
    pub answer: String,
    /// How long it took, in milliseconds.
    pub ms: u32,
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

/// Whose addresses a caller sees: its own. Only the system sees everybody's (`None`): what a receiver answered is its owner's
/// matter, however far another account reaches.
#[must_use]
pub fn seen_by(caller: &Caller) -> Option<&str> {
    (caller.kind != CallerKind::System).then_some(caller.id.as_str())
}

/// The address with this id, if the caller sees it.
///
/// # Errors
/// As reported by the database.
pub async fn find_seen(
    db: &impl ConnectionTrait,
    cipher: &Cipher,
    id: WebhookId,
    caller: &Caller,
) -> Result<Option<Endpoint>, DbErr> {
    let found = find(db, cipher, id).await?;
    Ok(found.filter(|endpoint| seen_by(caller).is_none_or(|owner| endpoint.owner == owner)))
}

/// The secret that came with this version of an address, for its owner alone; empty when it is used no more, and for a key of
/// which only we know the secret half.
///
/// # Errors
/// As reported by the database.
pub async fn secret_of(
    db: &impl ConnectionTrait,
    cipher: &Cipher,
    id: WebhookId,
    version: u32,
) -> Result<String, DbErr> {
    let keys = find(db, cipher, id).await?.map(|endpoint| endpoint.body.keys).unwrap_or_default();
    let key = keys.into_iter().find(|key| key.since_version == version);
    Ok(key.map(|key| key.secret).filter(|secret| secret.starts_with("whsec_")).unwrap_or_default())
}

/// Writes a new address.
///
/// # Errors
/// As reported by the database.
pub async fn insert(tx: &DatabaseTransaction, cipher: &Cipher, new: &Endpoint) -> Result<(), DbErr> {
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
///
/// # Errors
/// As reported by the database.
pub async fn find(
    db: &impl ConnectionTrait,
    cipher: &Cipher,
    id: WebhookId,
) -> Result<Option<Endpoint>, DbErr> {
    let row = endpoint::Entity::find_by_id(id.to_string()).one(db).await?;
    row.map(|row| endpoint(cipher, row)).transpose()
}

/// Addresses by id, after this one: of one owner, or all.
///
/// # Errors
/// As reported by the database.
pub async fn list(
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
///
/// # Errors
/// As reported by the database.
pub async fn enabled(db: &impl ConnectionTrait, cipher: &Cipher) -> Result<Vec<Endpoint>, DbErr> {
    let rows = endpoint::Entity::find()
        .filter(endpoint::Column::State.eq(WebhookState::Enabled.to_string()))
        .order_by_asc(endpoint::Column::Id)
        .all(db)
        .await?;
    rows.into_iter().map(|row| endpoint(cipher, row)).collect()
}

/// Writes what its owner changed over the version before. `false` if somebody was first.
///
/// # Errors
/// As reported by the database.
pub async fn update(
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
///
/// # Errors
/// As reported by the database.
pub async fn set_reach(
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
///
/// # Errors
/// As reported by the database.
pub async fn delete(tx: &DatabaseTransaction, id: WebhookId) -> Result<bool, DbErr> {
    delivery::Entity::delete_many().filter(delivery::Column::EndpointId.eq(id.to_string())).exec(tx).await?;
    Ok(endpoint::Entity::delete_by_id(id.to_string()).exec(tx).await?.rows_affected == 1)
}

/// Gives up a message that is not sent any more.
///
/// # Errors
/// As reported by the database.
pub async fn give_up(db: &impl ConnectionTrait, id: DeliveryId, now: DateTime<Utc>) -> Result<(), DbErr> {
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

/// Says how the last attempt went: nothing is wrong, or since when and what.
///
/// # Errors
/// As reported by the database.
pub async fn set_health(
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
///
/// # Errors
/// As reported by the database.
pub async fn disable(
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
///
/// # Errors
/// As reported by the database.
pub async fn advance(tx: &DatabaseTransaction, id: WebhookId, from: i64, to: i64) -> Result<bool, DbErr> {
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
///
/// # Errors
/// As reported by the database.
pub async fn plan(tx: &DatabaseTransaction, new: &Delivery) -> Result<(), DbErr> {
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
///
/// # Errors
/// As reported by the database.
pub async fn due(
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
///
/// # Errors
/// As reported by the database.
pub async fn claim(
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
///
/// # Errors
/// As reported by the database.
pub async fn save(
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
///
/// # Errors
/// As reported by the database.
pub async fn replay(tx: &DatabaseTransaction, id: DeliveryId, now: DateTime<Utc>) -> Result<(), DbErr> {
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

/// Which deliveries are planned anew together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// To this address.
    pub to: WebhookId,
    /// Made at this moment or later.
    pub from: DateTime<Utc>,
    /// Made before this moment.
    pub until: DateTime<Utc>,
    /// Only those that ended so; none for all that ended.
    pub state: Option<DeliveryState>,
}

/// Deliveries of a range that have ended, oldest first, after this place: when each was made, and its id.
///
/// # Errors
/// As reported by the database.
pub async fn ended(
    db: &impl ConnectionTrait,
    range: &Range,
    after: Option<(DateTime<Utc>, DeliveryId)>,
    limit: u64,
) -> Result<Vec<(DateTime<Utc>, DeliveryId)>, DbErr> {
    use delivery::{Column, Entity};
    let mut select = Entity::find()
        .select_only()
        .column(Column::CreatedAt)
        .column(Column::Id)
        .filter(Column::EndpointId.eq(range.to.to_string()))
        .filter(Column::CreatedAt.gte(range.from))
        .filter(Column::CreatedAt.lt(range.until))
        .order_by_asc(Column::CreatedAt)
        .order_by_asc(Column::Id)
        .limit(limit);
    select = match range.state {
        Some(state) => select.filter(Column::State.eq(state.to_string())),
        None => select.filter(Column::State.ne(DeliveryState::Pending.to_string())),
    };
    if let Some((at, id)) = after {
        select = select.filter(
            Condition::any()
                .add(Column::CreatedAt.gt(at))
                .add(Condition::all().add(Column::CreatedAt.eq(at)).add(Column::Id.gt(id.to_string()))),
        );
    }
    let rows: Vec<(DateTime<Utc>, String)> = select.into_tuple().all(db).await?;
    rows.into_iter().map(|(at, id)| Ok((at, read("webhook_delivery.id", &id)?))).collect()
}

/// Plans deliveries anew that have ended. Answers how many: one that is planned meanwhile is left as it is.
///
/// # Errors
/// As reported by the database.
pub async fn replay_all(
    tx: &DatabaseTransaction,
    ids: &[DeliveryId],
    now: DateTime<Utc>,
) -> Result<u64, DbErr> {
    use delivery::{Column, Entity};
    let done = Entity::update_many()
        .col_expr(Column::State, Expr::value(DeliveryState::Pending.to_string()))
        .col_expr(Column::AttemptCount, Expr::value(0))
        .col_expr(Column::DueAt, Expr::value(now))
        .col_expr(Column::UpdatedAt, Expr::value(now))
        .filter(Column::Id.is_in(ids.iter().map(DeliveryId::to_string)))
        .filter(Column::State.ne(DeliveryState::Pending.to_string()))
        .exec(tx)
        .await?;
    Ok(done.rows_affected)
}

/// The delivery with this id.
///
/// # Errors
/// As reported by the database.
pub async fn find_delivery(db: &impl ConnectionTrait, id: DeliveryId) -> Result<Option<Delivery>, DbErr> {
    delivery::Entity::find_by_id(id.to_string()).one(db).await?.map(delivery).transpose()
}

/// Deliveries to an address, newest first, before this one.
///
/// # Errors
/// As reported by the database.
pub async fn deliveries(
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
///
/// # Errors
/// As reported by the database.
pub async fn purge(db: &impl ConnectionTrait, before: DateTime<Utc>) -> Result<u64, DbErr> {
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
