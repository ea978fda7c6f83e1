//! Papers for the Ombudsman. Rows are never changed but for what was told of their end and that they were withdrawn, and never
//! deleted.

use chrono::{DateTime, NaiveDate, Utc};
use mpp_kit::row::{count, number, read};
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait as _,
    IntoActiveModel as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};

use super::entity::evidence_document::{Column, Entity, Model};
use crate::domain::EvidenceId;
use crate::domain::evidence::{Alarm, Document, Indicator, TOLD_ALL, Withdrawal};

/// The last day of what has no end: a query needs a value without gaps.
const NO_END: &str = "9999-12-31";

/// Enters a paper.
pub(crate) async fn insert(tx: &DatabaseTransaction, it: &Document) -> Result<(), DbErr> {
    let row = Model {
        id: it.id.to_string(),
        indicator: it.indicator.to_string(),
        kind: it.kind.to_string(),
        title: it.title.clone(),
        number: it.number.clone(),
        dated: it.date.to_string(),
        first_day: it.first.to_string(),
        last_day: it.last.map_or_else(|| NO_END.to_owned(), |it| it.to_string()),
        period: it.period.clone(),
        participants: number(it.participants)?,
        cites_report: it.cites_report,
        members: serde_json::to_string(&it.members).map_err(|error| DbErr::Json(error.to_string()))?,
        file_id: it.file.to_string(),
        told: number(it.told)?,
        created_by: it.created_by.clone(),
        created_at: it.created_at,
        withdrawn_by: None,
        withdrawn_at: None,
        withdrawn_reason: String::new(),
    };
    Entity::insert(row.into_active_model()).exec_without_returning(tx).await?;
    Ok(())
}

/// The paper with this id.
pub(crate) async fn find(db: &impl ConnectionTrait, id: EvidenceId) -> Result<Option<Document>, DbErr> {
    Entity::find_by_id(id.to_string()).one(db).await?.map(document).transpose()
}

/// Papers, latest first, before an id.
pub(crate) async fn list(
    db: &impl ConnectionTrait,
    (indicator, withdrawn): (Option<Indicator>, bool),
    before: Option<&str>,
    limit: u64,
) -> Result<Vec<Document>, DbErr> {
    let mut select = Entity::find().order_by_desc(Column::Id).limit(limit);
    if let Some(indicator) = indicator {
        select = select.filter(Column::Indicator.eq(indicator.to_string()));
    }
    if !withdrawn {
        select = select.filter(Column::WithdrawnAt.is_null());
    }
    if let Some(id) = before {
        select = select.filter(Column::Id.lt(id));
    }
    select.all(db).await?.into_iter().map(document).collect()
}

/// Papers that count for some day of a span, after an id, in the order in which they were entered: also those that were withdrawn.
pub(crate) async fn covering(
    db: &impl ConnectionTrait,
    (first, last): (NaiveDate, NaiveDate),
    after: &str,
    limit: u64,
) -> Result<Vec<Document>, DbErr> {
    let select = Entity::find()
        .filter(Column::FirstDay.lte(last.to_string()))
        .filter(Column::LastDay.gte(first.to_string()))
        .filter(Column::Id.gt(after))
        .order_by_asc(Column::Id)
        .limit(limit);
    select.all(db).await?.into_iter().map(document).collect()
}

/// Papers of whose end something is to be told: those that end at `soon` or before, and those that have ended.
pub(crate) async fn ending(
    db: &impl ConnectionTrait,
    (today, soon): (NaiveDate, NaiveDate),
    limit: u64,
) -> Result<Vec<EvidenceId>, DbErr> {
    let warned = number(Alarm::Soon.told())?;
    let rows = Entity::find()
        .filter(Column::WithdrawnAt.is_null())
        .filter(
            Condition::any()
                .add(Column::Told.eq(0).and(Column::LastDay.lte(soon.to_string())))
                .add(Column::Told.eq(warned).and(Column::LastDay.lt(today.to_string()))),
        )
        .order_by_asc(Column::LastDay)
        .order_by_asc(Column::Id)
        .limit(limit)
        .all(db)
        .await?;
    rows.iter().map(|row| read("evidence_document.id", &row.id)).collect()
}

/// Notes what was told. `false` if another instance was first, or the paper was withdrawn.
pub(crate) async fn told(tx: &DatabaseTransaction, before: &Document, alarm: Alarm) -> Result<bool, DbErr> {
    let done = Entity::update_many()
        .col_expr(Column::Told, Expr::value(number(alarm.told())?))
        .filter(Column::Id.eq(before.id.to_string()))
        .filter(Column::Told.eq(number(before.told)?))
        .filter(Column::WithdrawnAt.is_null())
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}

/// Withdraws a paper. `false` if somebody did before.
pub(crate) async fn withdraw(
    tx: &DatabaseTransaction,
    id: EvidenceId,
    (by, reason): (&str, &str),
    now: DateTime<Utc>,
) -> Result<bool, DbErr> {
    let done = Entity::update_many()
        .col_expr(Column::WithdrawnBy, Expr::value(by))
        .col_expr(Column::WithdrawnAt, Expr::value(now))
        .col_expr(Column::WithdrawnReason, Expr::value(reason))
        // Nobody needs to hear of its end.
        .col_expr(Column::Told, Expr::value(number(TOLD_ALL)?))
        .filter(Column::Id.eq(id.to_string()))
        .filter(Column::WithdrawnAt.is_null())
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}

fn document(row: Model) -> Result<Document, DbErr> {
    let withdrawn = row.withdrawn_at.map(|at| Withdrawal {
        by: row.withdrawn_by.unwrap_or_default(),
        at,
        reason: row.withdrawn_reason,
    });
    let last = (row.last_day != NO_END).then(|| read("evidence_document.last_day", &row.last_day));
    Ok(Document {
        id: read("evidence_document.id", &row.id)?,
        indicator: read("evidence_document.indicator", &row.indicator)?,
        kind: read("evidence_document.kind", &row.kind)?,
        title: row.title,
        number: row.number,
        date: read("evidence_document.dated", &row.dated)?,
        first: read("evidence_document.first_day", &row.first_day)?,
        last: last.transpose()?,
        period: row.period,
        participants: count("evidence_document.participants", row.participants)?,
        cites_report: row.cites_report,
        members: serde_json::from_str(&row.members)
            .map_err(|_| DbErr::Json("evidence_document.members".to_owned()))?,
        file: read("evidence_document.file_id", &row.file_id)?,
        told: count("evidence_document.told", row.told)?,
        created_by: row.created_by,
        created_at: row.created_at,
        withdrawn,
    })
}
