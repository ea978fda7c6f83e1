//! Messages that have to go out, written in the transaction that made them necessary. They hold no address: that is
//! looked up in the vault when they are sent.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use mpp_kit::id::IdError;
use mpp_kit::row::read;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use serde::{Deserialize, Serialize};

use super::entity::outbox::{ActiveModel, Column, Entity, Model};
use crate::domain::words::DeliveryState;
use crate::domain::{CaseId, EvidenceId, OfficialId, OutboxId};

/// Whom a message is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Recipient {
    /// A reporter, by number.
    Reporter(String),
    /// An account.
    Account(String),
}

/// What a message is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum About {
    /// A case.
    Case(CaseId),
    /// A paper for the Ombudsman.
    Evidence(EvidenceId),
    /// What the board says, for an office.
    Digest(OfficialId),
}

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Case(id) => id.fmt(f),
            Self::Evidence(id) => id.fmt(f),
            Self::Digest(id) => id.fmt(f),
        }
    }
}

impl FromStr for About {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let other = || text.parse().map(Self::Digest).or_else(|_| text.parse().map(Self::Case));
        text.parse().map(Self::Evidence).or_else(|_: IdError| other())
    }
}

/// What a message says beside its kind. No personal data: texts of answers are read from the case when it is sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Body {
    /// What fills the gaps.
    pub(crate) placeholders: BTreeMap<String, String>,
    /// What a button is about: an escalation or the case.
    pub(crate) subject: String,
    /// Pointless after this moment.
    pub(crate) expires_at: Option<DateTime<Utc>>,
}

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) id: OutboxId,
    pub(crate) about: About,
    pub(crate) kind: String,
    pub(crate) recipient: Recipient,
    pub(crate) body: Body,
    pub(crate) state: DeliveryState,
    pub(crate) notification: Option<String>,
    pub(crate) attempts: i32,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
}

impl Message {
    /// A message that has to go out, made now.
    pub(crate) fn queued(
        (about, kind): (About, &str),
        recipient: Recipient,
        body: Body,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            id: OutboxId::generate(),
            about,
            kind: kind.to_owned(),
            recipient,
            body,
            state: DeliveryState::Queued,
            notification: None,
            attempts: 0,
            created_at: now,
            updated_at: now,
        }
    }
}

/// Writes messages.
pub(crate) async fn insert(tx: &DatabaseTransaction, messages: &[Message]) -> Result<(), DbErr> {
    for chunk in messages.chunks(1000) {
        let rows = chunk
            .iter()
            .map(|it| {
                let (kind, recipient) = match &it.recipient {
                    Recipient::Reporter(number) => ("REPORTER", number),
                    Recipient::Account(account) => ("ACCOUNT", account),
                };
                Ok(ActiveModel {
                    id: Set(it.id.to_string()),
                    complaint_id: Set(it.about.to_string()),
                    kind: Set(it.kind.clone()),
                    recipient_kind: Set(kind.to_owned()),
                    recipient: Set(recipient.clone()),
                    body: Set(serde_json::to_string(&it.body).map_err(|e| DbErr::Json(e.to_string()))?),
                    state: Set(it.state.to_string()),
                    notification_id: Set(None),
                    attempts: Set(0),
                    next_at: Set(it.created_at),
                    created_at: Set(it.created_at),
                    updated_at: Set(it.created_at),
                })
            })
            .collect::<Result<Vec<_>, DbErr>>()?;
        Entity::insert_many(rows).exec_without_returning(tx).await?;
    }
    Ok(())
}

/// Messages in a state whose turn it is, oldest first.
pub(crate) async fn due(
    db: &impl ConnectionTrait,
    state: DeliveryState,
    now: DateTime<Utc>,
    limit: u64,
) -> Result<Vec<Message>, DbErr> {
    let rows = Entity::find()
        .filter(Column::State.eq(state.to_string()))
        .filter(Column::NextAt.lte(now))
        .order_by_asc(Column::NextAt)
        .limit(limit)
        .all(db)
        .await?;
    rows.into_iter().map(message).collect()
}

/// The case that a message to a reporter was about, by the id of the notification it became.
pub(crate) async fn case_of(db: &impl ConnectionTrait, notification: &str) -> Result<Option<String>, DbErr> {
    let row = Entity::find()
        .filter(Column::NotificationId.eq(notification))
        .filter(Column::RecipientKind.eq("REPORTER"))
        .one(db)
        .await?;
    Ok(row.map(|row| row.complaint_id))
}

/// Messages about a case, oldest first.
pub(crate) async fn of_case(db: &impl ConnectionTrait, case: CaseId) -> Result<Vec<Message>, DbErr> {
    let rows = Entity::find()
        .filter(Column::ComplaintId.eq(case.to_string()))
        .order_by_asc(Column::CreatedAt)
        .order_by_asc(Column::Id)
        .all(db)
        .await?;
    rows.into_iter().map(message).collect()
}

/// Whether messages about a case failed, and each recipient of one has got a later one since.
pub(crate) async fn is_made_up_for(db: &impl ConnectionTrait, case: CaseId) -> Result<bool, DbErr> {
    let all = of_case(db, case).await?;
    let mut failed = all.iter().filter(|it| it.state == DeliveryState::Failed).peekable();
    let arrived = |lost: &Message| {
        all.iter().any(|it| {
            it.state == DeliveryState::Delivered
                && it.recipient == lost.recipient
                && it.created_at >= lost.created_at
        })
    };
    Ok(failed.peek().is_some() && failed.all(arrived))
}

/// Notes what became of a message, and when it is looked at next.
pub(crate) async fn moved(
    db: &impl ConnectionTrait,
    before: &Message,
    (state, notification): (DeliveryState, Option<&str>),
    next_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<bool, DbErr> {
    let done = Entity::update_many()
        .col_expr(Column::State, Expr::value(state.to_string()))
        .col_expr(Column::NotificationId, Expr::value(notification))
        .col_expr(Column::Attempts, Expr::value(before.attempts.saturating_add(1)))
        .col_expr(Column::NextAt, Expr::value(next_at))
        .col_expr(Column::UpdatedAt, Expr::value(now))
        .filter(Column::Id.eq(before.id.to_string()))
        .filter(Column::State.eq(before.state.to_string()))
        .exec(db)
        .await?;
    Ok(done.rows_affected == 1)
}

/// Deletes messages that have ended before a moment.
pub(crate) async fn purge(db: &impl ConnectionTrait, before: DateTime<Utc>) -> Result<u64, DbErr> {
    let ended = [DeliveryState::Delivered, DeliveryState::NoContact].map(|it| it.to_string());
    let done = Entity::delete_many()
        .filter(Column::State.is_in(ended))
        .filter(Column::UpdatedAt.lt(before))
        .exec(db)
        .await?;
    Ok(done.rows_affected)
}

fn message(row: Model) -> Result<Message, DbErr> {
    let recipient = match row.recipient_kind.as_str() {
        "REPORTER" => Recipient::Reporter(row.recipient),
        _ => Recipient::Account(row.recipient),
    };
    Ok(Message {
        id: read("outbox.id", &row.id)?,
        about: read("outbox.complaint_id", &row.complaint_id)?,
        kind: row.kind,
        recipient,
        body: serde_json::from_str(&row.body).map_err(|_| DbErr::Json("outbox.body".to_owned()))?,
        state: read("outbox.state", &row.state)?,
        notification: row.notification_id,
        attempts: row.attempts,
        created_at: row.created_at,
        updated_at: row.updated_at,
    })
}

/// The accounts that a message did not arrive at, and none did since: with when the first of those failed. As far back as
/// messages are kept.
pub(crate) async fn failing(
    db: &impl ConnectionTrait,
    accounts: &[String],
) -> Result<BTreeMap<String, DateTime<Utc>>, DbErr> {
    let of = |state: DeliveryState| {
        Entity::find()
            .select_only()
            .columns([Column::Recipient, Column::UpdatedAt])
            .filter(Column::State.eq(state.to_string()))
            .filter(Column::RecipientKind.eq("ACCOUNT"))
            .filter(Column::Recipient.is_in(accounts))
            .order_by_desc(Column::UpdatedAt)
    };
    let failed: Vec<(String, DateTime<Utc>)> = of(DeliveryState::Failed).into_tuple().all(db).await?;
    let mut failing: BTreeMap<String, DateTime<Utc>> = BTreeMap::new();
    if failed.is_empty() {
        return Ok(failing);
    }
    let mut arrived: BTreeMap<String, DateTime<Utc>> = BTreeMap::new();
    let earliest = failed.iter().map(|it| it.1).min().unwrap_or_default();
    let later = of(DeliveryState::Delivered).filter(Column::UpdatedAt.gt(earliest));
    for (account, at) in later.into_tuple::<(String, DateTime<Utc>)>().all(db).await? {
        arrived.entry(account).or_insert(at);
    }
    // The latest first: what failed before something arrived is over.
    for (account, at) in failed {
        if arrived.get(&account).is_none_or(|arrived| *arrived < at) {
            failing.insert(account, at);
        }
    }
    Ok(failing)
}
