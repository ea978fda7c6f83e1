//! The register of numbers. A number is given under the lock of its series' row, so numbers follow each other; the primary
//! key proves that none is given twice. A number that is not used stays, void.

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _,
};

use super::entity::{number_series, register_number};
use crate::domain::{ApplicationId, OfficeId};
use mpp_kit::row::{self, count, number, read};

/// A number in the register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) office: OfficeId,
    pub(crate) series: String,
    pub(crate) year: i32,
    pub(crate) seq: u32,
    pub(crate) text: String,
    pub(crate) application: ApplicationId,
    pub(crate) void_reason: Option<String>,
}

/// The next number of a series, behind those that were given `before` the suite gave any.
pub(crate) async fn next(
    tx: &DatabaseTransaction,
    office: OfficeId,
    (series, year): (&str, i32),
    before: u32,
) -> Result<u32, DbErr> {
    use number_series::{ActiveModel, Column, Entity};
    let first = ActiveModel {
        office_id: Set(office.to_string()),
        series: Set(series.to_owned()),
        year: Set(year),
        last: Set(number(before)? + 1),
    };
    let last = || Expr::col((Entity, Column::Last));
    let behind: Expr = Expr::case(last().lt(number(before)?), number(before)?).finally(last()).into();
    Entity::insert(first)
        .on_conflict(
            OnConflict::columns([Column::OfficeId, Column::Series, Column::Year])
                .value(Column::Last, behind.add(1))
                .to_owned(),
        )
        .exec_without_returning(tx)
        .await?;
    let row = Entity::find_by_id((office.to_string(), series.to_owned(), year)).one(tx).await?;
    count("number_series.last", row.ok_or_else(|| DbErr::RecordNotFound("number_series".into()))?.last)
}

/// Keeps the register of an office for this transaction, across its series.
pub(crate) async fn hold(tx: &DatabaseTransaction, office: OfficeId) -> Result<(), DbErr> {
    mpp_kit::counter::hold(tx, &format!("numbers of {office}")).await
}

/// Whether a number with this text stands in the register of an office, void or not.
pub(crate) async fn is_given(db: &impl ConnectionTrait, office: OfficeId, text: &str) -> Result<bool, DbErr> {
    use register_number::{Column, Entity};
    let found = Entity::find()
        .filter(Column::OfficeId.eq(office.to_string()))
        .filter(Column::Text.eq(text))
        .one(db)
        .await?;
    Ok(found.is_some())
}

/// Enters a number.
pub(crate) async fn enter(tx: &DatabaseTransaction, entry: &Entry, now: DateTime<Utc>) -> Result<(), DbErr> {
    let row = register_number::ActiveModel {
        office_id: Set(entry.office.to_string()),
        series: Set(entry.series.clone()),
        year: Set(entry.year),
        seq: Set(number(entry.seq)?),
        text: Set(entry.text.clone()),
        application_id: Set(entry.application.to_string()),
        void_reason: Set(entry.void_reason.clone()),
        given_at: Set(now),
    };
    register_number::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// Marks a number of an application as void.
pub(crate) async fn void(
    tx: &DatabaseTransaction,
    application: ApplicationId,
    text: &str,
    reason: &str,
) -> Result<(), DbErr> {
    use register_number::{Column, Entity};
    Entity::update_many()
        .col_expr(Column::VoidReason, Expr::value(reason))
        .filter(Column::ApplicationId.eq(application.to_string()))
        .filter(Column::Text.eq(text))
        .filter(Column::VoidReason.is_null())
        .exec(tx)
        .await?;
    Ok(())
}

/// The numbers of an application that hold, by office.
pub(crate) async fn of_application(
    db: &impl ConnectionTrait,
    application: ApplicationId,
) -> Result<Vec<Entry>, DbErr> {
    use register_number::{Column, Entity};
    let select = Entity::find()
        .filter(Column::ApplicationId.eq(application.to_string()))
        .filter(Column::VoidReason.is_null())
        .order_by_asc(Column::OfficeId)
        .order_by_asc(Column::Seq);
    select.all(db).await?.into_iter().map(entry).collect()
}

/// Numbers of an office and year by series and number, after this one.
pub(crate) async fn list(
    db: &impl ConnectionTrait,
    office: OfficeId,
    year: i32,
    after: Option<(&str, u32)>,
    limit: u64,
) -> Result<Vec<Entry>, DbErr> {
    use register_number::{Column, Entity};
    let mut select = Entity::find()
        .filter(Column::OfficeId.eq(office.to_string()))
        .filter(Column::Year.eq(year))
        .order_by_asc(Column::Series)
        .order_by_asc(Column::Seq)
        .limit(limit);
    if let Some((series, seq)) = after {
        select = select.filter(row::after((Column::Series, Column::Seq), (series, number(seq)?)));
    }
    select.all(db).await?.into_iter().map(entry).collect()
}

fn entry(row: register_number::Model) -> Result<Entry, DbErr> {
    Ok(Entry {
        office: read("register_number.office_id", &row.office_id)?,
        series: row.series,
        year: row.year,
        seq: count("register_number.seq", row.seq)?,
        text: row.text,
        application: read("register_number.application_id", &row.application_id)?,
        void_reason: row.void_reason,
    })
}
