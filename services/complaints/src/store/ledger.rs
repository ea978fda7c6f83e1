//! The ledger of SP4N-LAPOR!: which item there is which case here.

use chrono::{DateTime, Utc};
use mpp_kit::row::read;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait as _,
    IntoActiveModel as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};

use super::entity::sp4n_entry::{Column, Entity, Model};
use crate::domain::{CaseId, LedgerId};

/// Which way an item went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display, strum::EnumString)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Direction {
    In,
    Out,
}

/// A row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) id: LedgerId,
    pub(crate) tracking: String,
    pub(crate) direction: Direction,
    pub(crate) case: String,
    pub(crate) number: String,
    pub(crate) stage: String,
    pub(crate) last_seen_at: Option<DateTime<Utc>>,
    pub(crate) last_pushed_at: Option<DateTime<Utc>>,
    pub(crate) checksum: String,
    pub(crate) mismatch: String,
}

/// The row with a tracking id.
pub(crate) async fn by_tracking(db: &impl ConnectionTrait, tracking: &str) -> Result<Option<Entry>, DbErr> {
    Entity::find().filter(Column::TrackingId.eq(tracking)).one(db).await?.map(entry).transpose()
}

/// Writes a row, in place of the one with its id.
pub(crate) async fn save(tx: &DatabaseTransaction, entry: &Entry) -> Result<(), DbErr> {
    let row = Model {
        id: entry.id.to_string(),
        tracking_id: entry.tracking.clone(),
        direction: entry.direction.to_string(),
        complaint_id: entry.case.clone(),
        number: entry.number.clone(),
        stage: entry.stage.clone(),
        last_seen_at: entry.last_seen_at,
        last_pushed_at: entry.last_pushed_at,
        checksum: entry.checksum.clone(),
        mismatch: entry.mismatch.clone(),
    };
    let columns = [
        Column::TrackingId,
        Column::Stage,
        Column::LastSeenAt,
        Column::LastPushedAt,
        Column::Checksum,
        Column::Mismatch,
    ];
    Entity::insert(row.into_active_model())
        .on_conflict(OnConflict::column(Column::Id).update_columns(columns).to_owned())
        .exec_without_returning(tx)
        .await?;
    Ok(())
}

/// Lets the rows of a case be about another one, which it was merged into.
pub(crate) async fn redirect(tx: &DatabaseTransaction, from: CaseId, to: CaseId) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::ComplaintId, Expr::value(to.to_string()))
        .filter(Column::ComplaintId.eq(from.to_string()))
        .exec(tx)
        .await?;
    Ok(())
}

/// Every row after an id, in the order in which they were made: also those of the inspectorate's cases.
pub(crate) async fn all(db: &impl ConnectionTrait, after: &str, limit: u64) -> Result<Vec<Entry>, DbErr> {
    let select = Entity::find().filter(Column::Id.gt(after)).order_by_asc(Column::Id).limit(limit);
    select.all(db).await?.into_iter().map(entry).collect()
}

/// Rows, latest first, after an id.
/// Those of the inspectorate's cases are not among them.
pub(crate) async fn list(
    db: &impl ConnectionTrait,
    mismatch_only: bool,
    before: Option<&str>,
    limit: u64,
) -> Result<Vec<Entry>, DbErr> {
    let mut select = Entity::find()
        .filter(
            Condition::any()
                .add(Column::ComplaintId.is_null())
                .add(Column::ComplaintId.not_in_subquery(super::complaint::whistleblowing())),
        )
        .order_by_desc(Column::Id)
        .limit(limit);
    if mismatch_only {
        select = select.filter(Column::Mismatch.ne(""));
    }
    if let Some(id) = before {
        select = select.filter(Column::Id.lt(id));
    }
    select.all(db).await?.into_iter().map(entry).collect()
}

fn entry(row: Model) -> Result<Entry, DbErr> {
    Ok(Entry {
        id: read("sp4n_entry.id", &row.id)?,
        tracking: row.tracking_id,
        direction: read("sp4n_entry.direction", &row.direction)?,
        case: row.complaint_id,
        number: row.number,
        stage: row.stage,
        last_seen_at: row.last_seen_at,
        last_pushed_at: row.last_pushed_at,
        checksum: row.checksum,
        mismatch: row.mismatch,
    })
}
