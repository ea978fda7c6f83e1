//! What happened, for other systems: written in the transaction that did it, read by webhooks and by those who poll.
//! The table `event` is made by `mpp_migrations::shared::event`.

use chrono::{DateTime, Utc};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, Condition, ConnectionTrait, DatabaseTransaction, DbErr,
    EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};

use crate::counter;
use entity::{ActiveModel, Column, Entity, Model};

/// An event. Thin: ids and states, never personal data; who wants more asks with its own permission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its id, the `webhook-id` of its deliveries.
    pub id: String,
    /// Its type: a kind and what happened, with a dot between.
    pub kind: &'static str,
    /// What it is about, by id.
    pub subject: String,
    /// The area it belongs to; empty for none.
    pub area: String,
    /// The data of its message.
    pub data: serde_json::Value,
    /// When it happened.
    pub at: DateTime<Utc>,
}

/// An event at its place.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// Grows without gaps, in the order of commits.
    pub seq: i64,
    /// Its id.
    pub id: String,
    /// Its type.
    pub kind: String,
    /// What it is about, by id.
    pub subject: String,
    /// The area it belongs to; empty for none.
    pub area: String,
    /// The data of its message.
    pub data: serde_json::Value,
    /// When it happened.
    pub at: DateTime<Utc>,
}

/// Records an event as part of what caused it.
///
/// # Errors
/// As reported by the database.
pub async fn append(tx: &DatabaseTransaction, event: &Event) -> Result<(), DbErr> {
    let row = ActiveModel {
        seq: Set(counter::next(tx, counter::EVENTS).await?),
        id: Set(event.id.clone()),
        kind: Set(event.kind.to_owned()),
        subject: Set(event.subject.clone()),
        area: Set(event.area.clone()),
        body: Set(event.data.to_string()),
        at: Set(event.at),
    };
    Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// The place of the last event; 0 when there is none.
///
/// # Errors
/// As reported by the database.
pub async fn last_seq(db: &impl ConnectionTrait) -> Result<i64, DbErr> {
    let last = Entity::find().order_by_desc(Column::Seq).one(db).await?;
    Ok(last.map_or(0, |row| row.seq))
}

/// Events after `seq`, oldest first, of one of these areas; `None` for all.
///
/// # Errors
/// As reported by the database.
pub async fn list(
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

/// A condition that an area column lies at or below one of these areas.
pub fn within<C: sea_orm::ColumnTrait>(column: C, areas: &[String]) -> Condition {
    areas.iter().fold(Condition::any(), |any, area| {
        any.add(column.eq(area.as_str()))
            .add(column.starts_with(format!("{area}.")))
            .add(column.starts_with(format!("{area}/")))
    })
}

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

mod entity {
    #![expect(unreachable_pub, reason = "the derive writes pub")]
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "event")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub seq: i64,
        pub id: String,
        pub kind: String,
        pub subject: String,
        pub area: String,
        pub body: String,
        pub at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}
