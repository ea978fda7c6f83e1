//! Messages that have to go out, written in the transaction that made them necessary. They hold no address and no name: what
//! a message says is read from its application when it is sent.

use chrono::{DateTime, Utc};
use mpp_kit::row::read;
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr};

use super::entity::notice::{ActiveModel, Column, Entity, Model};
use super::entity::work_item;
use crate::domain::notice::NoticeKind;
use crate::domain::step::StepRole;
use crate::domain::{ApplicationId, NoticeId};

/// Whom a message is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Recipient {
    /// Whoever applied.
    Applicant,
    /// An account.
    Account(String),
    /// Whoever holds the desk that it calls to: accounts that are not known here, and asked for when it goes out.
    Holders,
}

impl Recipient {
    /// The columns that say so: the kind, and the account. Holders are an account that is not named yet.
    fn columns(&self) -> (&'static str, &str) {
        match self {
            Self::Applicant => ("APPLICANT", ""),
            Self::Account(account) => ("ACCOUNT", account),
            Self::Holders => ("ACCOUNT", ""),
        }
    }
}

/// Where a message stands here. What became of it after it was taken is known to notifications.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Display, EnumString, IntoStaticStr)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum NoticeState {
    /// It is offered to notifications.
    Queued,
    /// Notifications has it.
    Sent,
    /// Notifications refuses it for ever.
    Refused,
    /// There is no address any more.
    NoContact,
    /// What it calls for was done before it could go out.
    Pointless,
}

/// What it is about. No personal data.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Body {
    /// The place of its cause in the history of the application; none for what happened to the document.
    pub(crate) event: Option<usize>,
    /// The roles of the desk that it calls to.
    pub(crate) roles: Vec<StepRole>,
    /// The area of that desk.
    pub(crate) area: String,
}

impl Body {
    /// The desk in one word; empty for what is about one application.
    fn topic(&self) -> String {
        if self.roles.is_empty() {
            return String::new();
        }
        let roles: Vec<String> = self.roles.iter().map(StepRole::to_string).collect();
        format!("{} {}", self.area, roles.join(","))
    }
}

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) id: NoticeId,
    pub(crate) application: ApplicationId,
    pub(crate) kind: NoticeKind,
    pub(crate) recipient: Recipient,
    pub(crate) body: Body,
    pub(crate) state: NoticeState,
    pub(crate) attempts: i32,
    pub(crate) next_at: DateTime<Utc>,
    pub(crate) created_at: DateTime<Utc>,
}

/// Writes messages.
pub(crate) async fn insert(tx: &DatabaseTransaction, messages: &[Message]) -> Result<(), DbErr> {
    if messages.is_empty() {
        return Ok(());
    }
    let rows = messages
        .iter()
        .map(|it| {
            let (kind, recipient) = it.recipient.columns();
            Ok(ActiveModel {
                id: Set(it.id.to_string()),
                application_id: Set(it.application.to_string()),
                kind: Set(it.kind.to_string()),
                recipient_kind: Set(kind.to_owned()),
                recipient: Set(recipient.to_owned()),
                topic: Set(it.body.topic()),
                body: Set(serde_json::to_string(&it.body).map_err(|e| DbErr::Json(e.to_string()))?),
                state: Set(it.state.to_string()),
                attempts: Set(it.attempts),
                next_at: Set(it.next_at),
                created_at: Set(it.created_at),
                updated_at: Set(it.created_at),
            })
        })
        .collect::<Result<Vec<_>, DbErr>>()?;
    Entity::insert_many(rows).exec_without_returning(tx).await?;
    Ok(())
}

/// Messages whose turn it is, oldest first.
pub(crate) async fn due(
    db: &impl ConnectionTrait,
    now: DateTime<Utc>,
    limit: u64,
) -> Result<Vec<Message>, DbErr> {
    let rows = Entity::find()
        .filter(Column::State.eq(NoticeState::Queued.to_string()))
        .filter(Column::NextAt.lte(now))
        .order_by_asc(Column::NextAt)
        .order_by_asc(Column::Id)
        .limit(limit)
        .all(db)
        .await?;
    rows.into_iter().map(message).collect()
}

/// What an account, or whoever holds it, was last called to a desk with, unless that became pointless: which it is, where it
/// stands, and since when.
pub(crate) async fn last_call(
    db: &impl ConnectionTrait,
    called: &Recipient,
    body: &Body,
) -> Result<Option<(NoticeId, NoticeState, DateTime<Utc>)>, DbErr> {
    let states = [NoticeState::Queued, NoticeState::Sent].map(|state| state.to_string());
    let row = Entity::find()
        .filter(Column::Recipient.eq(called.columns().1))
        .filter(Column::Topic.eq(body.topic()))
        .filter(Column::State.is_in(states))
        .order_by_desc(Column::CreatedAt)
        .one(db)
        .await?;
    row.map(|row| Ok((read("notice.id", &row.id)?, read("notice.state", &row.state)?, row.updated_at)))
        .transpose()
}

/// Lets a call that waits to go out cover what has come since: whoever looked at it before does not settle it any more
/// ([`moved`]), but it is looked at again. `false` if it waits no more.
pub(crate) async fn cover(tx: &DatabaseTransaction, id: NoticeId) -> Result<bool, DbErr> {
    let done = Entity::update_many()
        .col_expr(Column::Attempts, Expr::col(Column::Attempts).add(1))
        .filter(Column::Id.eq(id.to_string()))
        .filter(Column::State.eq(NoticeState::Queued.to_string()))
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}

/// Whether anything waits at a desk that nobody has taken off it.
pub(crate) async fn is_waiting(db: &impl ConnectionTrait, body: &Body) -> Result<bool, DbErr> {
    let roles: Vec<String> = body.roles.iter().map(StepRole::to_string).collect();
    let found = work_item::Entity::find()
        .filter(work_item::Column::Area.eq(body.area.as_str()))
        .filter(work_item::Column::Role.is_in(roles))
        .limit(1)
        .one(db)
        .await?;
    Ok(found.is_some())
}

/// Notes what became of a message, and when it is offered next; `false` if another instance was first, or it covers more by now.
/// Its row is held from here to the end of the transaction: what comes meanwhile waits to be covered by it, or is not.
pub(crate) async fn moved(
    tx: &DatabaseTransaction,
    before: &Message,
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
        .filter(Column::State.eq(before.state.to_string()))
        .filter(Column::Attempts.eq(before.attempts))
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}

/// Forgets messages that ended before a moment.
pub(crate) async fn purge(db: &impl ConnectionTrait, before: DateTime<Utc>) -> Result<(), DbErr> {
    let ended = [NoticeState::Sent, NoticeState::Refused, NoticeState::NoContact, NoticeState::Pointless];
    Entity::delete_many()
        .filter(Column::State.is_in(ended.map(|state| state.to_string())))
        .filter(Column::NextAt.lt(before))
        .exec(db)
        .await?;
    Ok(())
}

fn message(row: Model) -> Result<Message, DbErr> {
    let recipient = match row.recipient_kind.as_str() {
        "APPLICANT" => Recipient::Applicant,
        _ if row.recipient.is_empty() => Recipient::Holders,
        _ => Recipient::Account(row.recipient),
    };
    Ok(Message {
        id: read("notice.id", &row.id)?,
        application: read("notice.application_id", &row.application_id)?,
        kind: read("notice.kind", &row.kind)?,
        recipient,
        body: serde_json::from_str(&row.body).map_err(|_| DbErr::Json("notice.body".to_owned()))?,
        state: read("notice.state", &row.state)?,
        attempts: row.attempts,
        next_at: row.next_at,
        created_at: row.created_at,
    })
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use mpp_kit::testing::{ENGINES, fresh_db};

    use super::*;

    #[tokio::test]
    async fn line_10_a_call_that_covers_more_is_not_settled_by_who_looked_before() {
        for engine in ENGINES {
            let db = fresh_db(engine).await;
            mpp_migrations::run("documents", &db.db.write).await.unwrap();
            let now: DateTime<Utc> = "2026-11-23T01:00:00Z".parse().unwrap();
            let body =
                Body { roles: vec![StepRole::VillageHead], area: "17.07.05.2003".to_owned(), event: None };
            let call = Message {
                id: NoticeId::generate(),
                application: ApplicationId::generate(),
                kind: NoticeKind::WaitsForSignature,
                recipient: Recipient::Account("acc_kades".to_owned()),
                body: body.clone(),
                state: NoticeState::Queued,
                attempts: 0,
                next_at: now,
                created_at: now,
            };
            let tx = db.db.begin().await.unwrap();
            insert(&tx, std::slice::from_ref(&call)).await.unwrap();
            tx.commit().await.unwrap();
            let last = async || last_call(&db.db.write, &call.recipient, &body).await.unwrap();
            let settles = async |before: &Message| {
                let tx = db.db.begin().await.unwrap();
                let later = now + TimeDelta::minutes(1);
                let is_moved = moved(&tx, before, NoticeState::Pointless, later, later).await.unwrap();
                tx.commit().await.unwrap();
                is_moved
            };
            let covers = async || {
                let tx = db.db.begin().await.unwrap();
                let covers = cover(&tx, call.id).await.unwrap();
                tx.commit().await.unwrap();
                covers
            };
            // Somebody looks at it; another letter comes to the desk, which it covers.
            let seen = due(&db.db.read, now, 10).await.unwrap().remove(0);
            assert_eq!(last().await, Some((call.id, NoticeState::Queued, now)));
            assert!(covers().await);
            assert!(!settles(&seen).await, "it calls to the other letter too");
            let seen = due(&db.db.read, now, 10).await.unwrap().remove(0);
            assert!(settles(&seen).await);
            // What is settled covers nothing: the next letter calls again.
            assert!(!covers().await);
            assert_eq!(last().await, None);
        }
    }
}
