//! Messages as channels delivered them. The key of the provider makes a repetition one message, in the transaction that
//! stores it.

use chrono::{DateTime, Utc};
use mpp_kit::cipher::Cipher;
use mpp_kit::row::{open, read, seal};
use sea_orm::sea_query::{Expr, OnConflict, Query, SelectStatement};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use serde::{Serialize, de::DeserializeOwned};

use super::entity::channel_message::{ActiveModel, Column, Entity, Model};

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display, strum::EnumString)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum MessageState {
    /// It waits for its turn.
    Waiting,
    /// It is in a case.
    Placed,
    /// Its sender was asked which case it is about.
    Asked,
    /// It does not belong in a case: a bounce, an answer of a machine.
    Ignored,
}

/// A message that waits.
#[derive(Debug, Clone)]
pub(crate) struct Stored<T> {
    pub(crate) source: String,
    pub(crate) account: String,
    pub(crate) external_id: String,
    pub(crate) conversation: String,
    pub(crate) case: Option<String>,
    pub(crate) state: MessageState,
    pub(crate) body: T,
    pub(crate) received_at: DateTime<Utc>,
    pub(crate) arrived_at: DateTime<Utc>,
    /// How often it was tried to place it.
    pub(crate) attempts: i32,
    /// When it is its turn.
    pub(crate) next_at: DateTime<Utc>,
}

fn name(source: &str, account: &str, external_id: &str) -> String {
    format!("message {source} {account} {external_id}")
}

/// Stores messages. Answers how many are new.
pub(crate) async fn insert<T: Serialize>(
    tx: &DatabaseTransaction,
    vault: &Cipher,
    messages: &[Stored<T>],
) -> Result<u64, DbErr> {
    let mut stored = 0;
    for it in messages {
        let sealed = seal(vault, &name(&it.source, &it.account, &it.external_id), &it.body)?;
        let row = ActiveModel {
            source: Set(it.source.clone()),
            account: Set(it.account.clone()),
            external_id: Set(it.external_id.clone()),
            conversation: Set(it.conversation.clone()),
            state: Set(it.state.to_string()),
            complaint_id: Set(it.case.clone()),
            body: Set(sealed),
            received_at: Set(it.received_at),
            arrived_at: Set(it.arrived_at),
            attempts: Set(it.attempts),
            next_at: Set(it.next_at),
        };
        stored += Entity::insert(row)
            .on_conflict(
                OnConflict::columns([Column::Source, Column::Account, Column::ExternalId])
                    .do_nothing()
                    .to_owned(),
            )
            .exec_without_returning(tx)
            .await?;
    }
    Ok(stored)
}

/// Messages whose turn it is, oldest first. While one of a conversation is put off, those after it wait too. One whose words
/// cannot be read comes as it lies there: it must not keep the others from being read.
pub(crate) async fn due<T: DeserializeOwned>(
    db: &impl ConnectionTrait,
    vault: &Cipher,
    now: DateTime<Utc>,
    limit: u64,
) -> Result<Vec<Result<Stored<T>, Unreadable>>, DbErr> {
    let put_off = Query::select()
        .column(Column::Conversation)
        .from(Entity)
        .and_where(Column::State.eq(MessageState::Waiting.to_string()))
        .and_where(Column::NextAt.gt(now))
        .take();
    let rows = Entity::find()
        .filter(Column::State.eq(MessageState::Waiting.to_string()))
        .filter(Column::NextAt.lte(now))
        .filter(Column::Conversation.not_in_subquery(put_off))
        .order_by_asc(Column::ArrivedAt)
        .order_by_asc(Column::ExternalId)
        .limit(limit)
        .all(db)
        .await?;
    let read = rows.into_iter().map(|row| {
        let turn = Turn::of(&row);
        stored(vault, row).map_err(|error| Unreadable { turn, error })
    });
    Ok(read.collect())
}

/// A message whose words cannot be read.
#[derive(Debug)]
pub(crate) struct Unreadable {
    pub(crate) turn: Turn,
    pub(crate) error: DbErr,
}

/// What is needed to put a message off.
#[derive(Debug, Clone)]
pub(crate) struct Turn {
    key: (String, String, String),
    pub(crate) conversation: String,
    pub(crate) attempts: i32,
}

impl Turn {
    fn of(row: &Model) -> Self {
        Self {
            key: (row.source.clone(), row.account.clone(), row.external_id.clone()),
            conversation: row.conversation.clone(),
            attempts: row.attempts,
        }
    }
}

impl<T> Stored<T> {
    /// What is needed to put it off.
    pub(crate) fn turn(&self) -> Turn {
        Turn {
            key: (self.source.clone(), self.account.clone(), self.external_id.clone()),
            conversation: self.conversation.clone(),
            attempts: self.attempts,
        }
    }
}

/// Puts a message off that found no place, and with it all that its conversation has waiting.
pub(crate) async fn put_off(
    db: &impl ConnectionTrait,
    turn: &Turn,
    next_at: DateTime<Utc>,
) -> Result<(), DbErr> {
    let (source, account, external_id) = &turn.key;
    Entity::update_many()
        .col_expr(Column::Attempts, Expr::value(turn.attempts.saturating_add(1)))
        .filter(Column::Source.eq(source.as_str()))
        .filter(Column::Account.eq(account.as_str()))
        .filter(Column::ExternalId.eq(external_id.as_str()))
        .exec(db)
        .await?;
    Entity::update_many()
        .col_expr(Column::NextAt, Expr::value(next_at))
        .filter(Column::Conversation.eq(turn.conversation.as_str()))
        .filter(Column::State.eq(MessageState::Waiting.to_string()))
        .filter(Column::NextAt.lt(next_at))
        .exec(db)
        .await?;
    Ok(())
}

/// The conversations that have messages of which no case was made yet.
pub(super) fn unplaced() -> SelectStatement {
    let states = [MessageState::Waiting, MessageState::Asked].map(|it| it.to_string());
    Query::select().column(Column::Conversation).from(Entity).and_where(Column::State.is_in(states)).take()
}

/// The messages of a conversation since a moment, oldest first.
pub(crate) async fn of_conversation<T: DeserializeOwned>(
    db: &impl ConnectionTrait,
    vault: &Cipher,
    conversation: &str,
    since: DateTime<Utc>,
) -> Result<Vec<Stored<T>>, DbErr> {
    let rows = Entity::find()
        .filter(Column::Conversation.eq(conversation))
        .filter(Column::ArrivedAt.gte(since))
        .order_by_asc(Column::ArrivedAt)
        .order_by_asc(Column::ExternalId)
        .all(db)
        .await?;
    rows.into_iter().map(|row| stored(vault, row)).collect()
}

/// Notes what became of a message. `false` if somebody was first.
pub(crate) async fn moved<T>(
    tx: &DatabaseTransaction,
    before: &Stored<T>,
    state: MessageState,
    case: Option<&str>,
) -> Result<bool, DbErr> {
    let done = Entity::update_many()
        .col_expr(Column::State, Expr::value(state.to_string()))
        .col_expr(Column::ComplaintId, Expr::value(case))
        .filter(Column::Source.eq(before.source.as_str()))
        .filter(Column::Account.eq(before.account.as_str()))
        .filter(Column::ExternalId.eq(before.external_id.as_str()))
        .filter(Column::State.eq(before.state.to_string()))
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}

/// What became of a message, without its words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) case: Option<String>,
}

/// The message with this key, without its words.
pub(crate) async fn find(
    db: &impl ConnectionTrait,
    source: &str,
    account: &str,
    external_id: &str,
) -> Result<Option<Found>, DbErr> {
    let key = (source.to_owned(), account.to_owned(), external_id.to_owned());
    Ok(Entity::find_by_id(key).one(db).await?.map(|row| Found { case: row.complaint_id }))
}

/// The message with this key.
pub(crate) async fn get<T: DeserializeOwned>(
    db: &impl ConnectionTrait,
    vault: &Cipher,
    (source, account, external_id): (&str, &str, &str),
) -> Result<Option<Stored<T>>, DbErr> {
    let key = (source.to_owned(), account.to_owned(), external_id.to_owned());
    Entity::find_by_id(key).one(db).await?.map(|row| stored(vault, row)).transpose()
}

/// Writes other words into a message that waits: its author edited it, or took it back.
pub(crate) async fn rewrite<T: Serialize>(
    tx: &DatabaseTransaction,
    vault: &Cipher,
    message: &Stored<T>,
    body: &T,
) -> Result<(), DbErr> {
    let sealed = seal(vault, &name(&message.source, &message.account, &message.external_id), body)?;
    Entity::update_many()
        .col_expr(Column::Body, Expr::value(sealed))
        .filter(Column::Source.eq(message.source.as_str()))
        .filter(Column::Account.eq(message.account.as_str()))
        .filter(Column::ExternalId.eq(message.external_id.as_str()))
        .exec(tx)
        .await?;
    Ok(())
}

/// The case of an e-mail by its message id, which is the first part of its key.
pub(crate) async fn case_of_mail(
    db: &impl ConnectionTrait,
    source: &str,
    account: &str,
    message_id: &str,
) -> Result<Option<String>, DbErr> {
    let row = Entity::find()
        .filter(Column::Source.eq(source))
        .filter(Column::Account.eq(account))
        .filter(Column::ExternalId.starts_with(format!("{message_id}#")))
        .filter(Column::ComplaintId.is_not_null())
        .order_by_asc(Column::ArrivedAt)
        .one(db)
        .await?;
    Ok(row.and_then(|row| row.complaint_id))
}

/// Deletes messages that are in a case, or belong in none, and arrived before a moment.
pub(crate) async fn purge(db: &impl ConnectionTrait, before: DateTime<Utc>) -> Result<u64, DbErr> {
    let ended = [MessageState::Placed, MessageState::Ignored].map(|it| it.to_string());
    let done = Entity::delete_many()
        .filter(Column::State.is_in(ended))
        .filter(Column::ArrivedAt.lt(before))
        .exec(db)
        .await?;
    Ok(done.rows_affected)
}

fn stored<T: DeserializeOwned>(vault: &Cipher, row: Model) -> Result<Stored<T>, DbErr> {
    Ok(Stored {
        body: open(vault, &name(&row.source, &row.account, &row.external_id), &row.body)?,
        source: row.source,
        account: row.account,
        external_id: row.external_id,
        conversation: row.conversation,
        case: row.complaint_id,
        state: read("channel_message.state", &row.state)?,
        received_at: row.received_at,
        arrived_at: row.arrived_at,
        attempts: row.attempts,
        next_at: row.next_at,
    })
}
