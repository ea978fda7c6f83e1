//! What happened, for other systems: written in the transaction that did it, read by webhooks and by those who poll.

use chrono::{DateTime, Utc};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _,
};

use super::counter;
use super::entity::event::{ActiveModel, Column, Entity, Model};
use crate::domain::EventId;

/// An event. Thin: ids and states, never personal data; who wants more asks with its own permission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    /// Its id, the `webhook-id` of its deliveries.
    pub(crate) id: EventId,
    /// Its type, such as `surat.terbit`.
    pub(crate) kind: &'static str,
    /// What it is about, by id.
    pub(crate) subject: String,
    /// The area of the office.
    pub(crate) area: String,
    /// The data of its message.
    pub(crate) data: serde_json::Value,
    /// When it happened.
    pub(crate) at: DateTime<Utc>,
}

/// An event at its place.
#[derive(Debug, Clone)]
pub(crate) struct Recorded {
    /// Grows without gaps, in the order of commits.
    pub(crate) seq: i64,
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) subject: String,
    pub(crate) area: String,
    pub(crate) data: serde_json::Value,
    pub(crate) at: DateTime<Utc>,
}

/// Records an event as part of what caused it.
pub(crate) async fn append(tx: &DatabaseTransaction, event: &Event) -> Result<(), DbErr> {
    let row = ActiveModel {
        seq: Set(counter::next(tx, counter::EVENTS).await?),
        id: Set(event.id.to_string()),
        kind: Set(event.kind.to_owned()),
        subject: Set(event.subject.clone()),
        area: Set(event.area.clone()),
        body: Set(event.data.to_string()),
        at: Set(event.at),
    };
    Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// Events after `seq`, oldest first, of offices in one of these areas; `None` for all.
pub(crate) async fn list(
    db: &impl ConnectionTrait,
    areas: Option<&[String]>,
    after: i64,
    limit: u64,
) -> Result<Vec<Recorded>, DbErr> {
    let mut select = Entity::find().filter(Column::Seq.gt(after)).order_by_asc(Column::Seq).limit(limit);
    if let Some(areas) = areas {
        select = select.filter(within(Column::Area, areas));
    }
    select.all(db).await?.into_iter().map(recorded).collect()
}

pub(crate) use mpp_kit::row::within;

fn recorded(row: Model) -> Result<Recorded, DbErr> {
    Ok(Recorded {
        seq: row.seq,
        id: row.id,
        kind: row.kind,
        subject: row.subject,
        area: row.area,
        data: serde_json::from_str(&row.body).map_err(|error| DbErr::Type(format!("event.body: {error}")))?,
        at: row.at,
    })
}
