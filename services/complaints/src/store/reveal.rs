//! Requests to see who reported.

use chrono::{DateTime, Utc};
use mpp_kit::row::{self, read};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _,
};

use super::entity::reveal::{ActiveModel, Column, Entity, Model};
use crate::domain::{CaseId, RevealId};

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) id: RevealId,
    pub(crate) case: CaseId,
    pub(crate) number: String,
    pub(crate) pseudonym: String,
    pub(crate) purpose: String,
    pub(crate) requested_by: String,
    pub(crate) requested_at: DateTime<Utc>,
    pub(crate) approved_by: Option<String>,
    pub(crate) approved_at: Option<DateTime<Utc>>,
    pub(crate) open_until: Option<DateTime<Utc>>,
}

/// Writes a request.
pub(crate) async fn insert(tx: &DatabaseTransaction, request: &Request) -> Result<(), DbErr> {
    let row = ActiveModel {
        id: Set(request.id.to_string()),
        complaint_id: Set(request.case.to_string()),
        number: Set(request.number.clone()),
        pseudonym: Set(request.pseudonym.clone()),
        purpose: Set(request.purpose.clone()),
        requested_by: Set(request.requested_by.clone()),
        requested_at: Set(request.requested_at),
        approved_by: Set(None),
        approved_at: Set(None),
        open_until: Set(None),
    };
    Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// The request with this id.
pub(crate) async fn find(db: &impl ConnectionTrait, id: RevealId) -> Result<Option<Request>, DbErr> {
    Entity::find_by_id(id.to_string()).one(db).await?.map(request).transpose()
}

/// Approves a request. `false` if somebody was first.
pub(crate) async fn approve(
    tx: &DatabaseTransaction,
    id: RevealId,
    (by, until): (&str, DateTime<Utc>),
    now: DateTime<Utc>,
) -> Result<bool, DbErr> {
    let done = Entity::update_many()
        .col_expr(Column::ApprovedBy, Expr::value(by))
        .col_expr(Column::ApprovedAt, Expr::value(now))
        .col_expr(Column::OpenUntil, Expr::value(until))
        .filter(Column::Id.eq(id.to_string()))
        .filter(Column::ApprovedAt.is_null())
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}

/// Requests, latest first, after one.
pub(crate) async fn list(
    db: &impl ConnectionTrait,
    waiting_only: bool,
    after: Option<&(DateTime<Utc>, String)>,
    limit: u64,
) -> Result<Vec<Request>, DbErr> {
    let mut select = Entity::find().order_by_desc(Column::RequestedAt).order_by_desc(Column::Id).limit(limit);
    if waiting_only {
        select = select.filter(Column::ApprovedAt.is_null());
    }
    if let Some((at, id)) = after {
        select = select.filter(row::before((Column::RequestedAt, Column::Id), (*at, id.as_str())));
    }
    select.all(db).await?.into_iter().map(request).collect()
}

fn request(row: Model) -> Result<Request, DbErr> {
    Ok(Request {
        id: read("reveal.id", &row.id)?,
        case: read("reveal.complaint_id", &row.complaint_id)?,
        number: row.number,
        pseudonym: row.pseudonym,
        purpose: row.purpose,
        requested_by: row.requested_by,
        requested_at: row.requested_at,
        approved_by: row.approved_by,
        approved_at: row.approved_at,
        open_until: row.open_until,
    })
}

/// Forgets why somebody asked to see who reported: it tells of the case.
pub(crate) async fn forget(tx: &DatabaseTransaction, case: CaseId) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::Purpose, Expr::value(""))
        .filter(Column::ComplaintId.eq(case.to_string()))
        .exec(tx)
        .await?;
    Ok(())
}
