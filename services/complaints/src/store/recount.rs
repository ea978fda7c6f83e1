//! Calendars by whose new version running clocks are being counted again.

use chrono::{DateTime, Utc};
use mpp_kit::row::{count, number};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _,
};

mod entity {
    #![expect(unreachable_pub, reason = "the derive writes pub")]
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "recount")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub calendar_id: String,
        pub version: i32,
        pub asked_by: String,
        pub after_id: String,
        pub clocks: i64,
        pub asked_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

use entity::{ActiveModel, Column, Entity};

/// A calendar whose clocks are being counted again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Recount {
    pub(crate) calendar: String,
    pub(crate) version: u32,
    /// Who gave the calendar its version.
    pub(crate) asked_by: String,
    /// The last case that was looked at; empty before the first.
    pub(crate) after: String,
    /// Clocks that were moved until now.
    pub(crate) clocks: i64,
}

/// Asks for it. What was asked for an earlier version ends with this one.
pub(crate) async fn ask(
    tx: &DatabaseTransaction,
    (calendar, version): (&str, u32),
    who: &str,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let row = ActiveModel {
        calendar_id: Set(calendar.to_owned()),
        version: Set(number(version)?),
        asked_by: Set(who.to_owned()),
        after_id: Set(String::new()),
        clocks: Set(0),
        asked_at: Set(now),
    };
    let columns = [Column::Version, Column::AskedBy, Column::AfterId, Column::Clocks, Column::AskedAt];
    Entity::insert(row)
        .on_conflict(OnConflict::column(Column::CalendarId).update_columns(columns).to_owned())
        .exec_without_returning(tx)
        .await?;
    Ok(())
}

/// Whether anything is to be counted again.
pub(crate) async fn is_asked(db: &impl ConnectionTrait) -> Result<bool, DbErr> {
    Ok(Entity::find().one(db).await?.is_some())
}

/// The one that was asked for first. Other instances wait for it until the transaction ends.
pub(crate) async fn take(tx: &DatabaseTransaction) -> Result<Option<Recount>, DbErr> {
    let row = Entity::find().order_by_asc(Column::AskedAt).order_by_asc(Column::CalendarId).lock_exclusive();
    let Some(row) = row.one(tx).await? else { return Ok(None) };
    Ok(Some(Recount {
        version: count("recount.version", row.version)?,
        calendar: row.calendar_id,
        asked_by: row.asked_by,
        after: row.after_id,
        clocks: row.clocks,
    }))
}

/// Notes how far it is.
pub(crate) async fn note(tx: &DatabaseTransaction, it: &Recount) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::AfterId, Expr::value(it.after.as_str()))
        .col_expr(Column::Clocks, Expr::value(it.clocks))
        .filter(Column::CalendarId.eq(it.calendar.as_str()))
        .exec(tx)
        .await?;
    Ok(())
}

/// It is done.
pub(crate) async fn end(tx: &DatabaseTransaction, calendar: &str) -> Result<(), DbErr> {
    Entity::delete_by_id(calendar).exec(tx).await?;
    Ok(())
}
