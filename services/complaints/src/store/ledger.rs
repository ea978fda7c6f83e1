//! The ledger of SP4N-LAPOR!: which item there is which case here.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use mpp_kit::row::read;
use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict, Query};
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, EntityTrait as _,
    IntoActiveModel as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};

use super::entity::complaint;
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
    /// Everything until then was told there, and seen there.
    pub(crate) last_pushed_at: Option<DateTime<Utc>>,
    /// Everything until then was pasted there, as somebody says; none once it was seen there.
    pub(crate) pasted_until: Option<DateTime<Utc>>,
    /// When the reporter wrote it there, if that is known.
    pub(crate) written_at: Option<DateTime<Utc>>,
    pub(crate) checksum: String,
    pub(crate) mismatch: String,
}

/// The row with a tracking id.
pub(crate) async fn by_tracking(db: &impl ConnectionTrait, tracking: &str) -> Result<Option<Entry>, DbErr> {
    Entity::find().filter(Column::TrackingId.eq(tracking)).one(db).await?.map(entry).transpose()
}

/// Takes the turn at the ledger until the transaction ends, before anything else that others may hold: one that changes several
/// rows and cases takes them in no order that all could keep to.
///
/// # Errors
/// As reported by the database; when nobody else ends within five seconds too.
pub(crate) async fn take_turns(tx: &DatabaseTransaction) -> Result<(), DbErr> {
    // SQLite has one writer anyway.
    if tx.get_database_backend() == DbBackend::Postgres {
        tx.execute_unprepared(
            "SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || '.sp4n_entry', 0))",
        )
        .await?;
    }
    Ok(())
}

/// The row with this id, to be changed and saved: whoever else holds it waits until the transaction ends, and sees what was saved.
pub(crate) async fn hold(tx: &DatabaseTransaction, id: LedgerId) -> Result<Option<Entry>, DbErr> {
    Entity::find_by_id(id.to_string()).lock_exclusive().one(tx).await?.map(entry).transpose()
}

/// The rows with these tracking ids. Those of the inspectorate's cases are not among them.
pub(crate) async fn of_tracking(db: &impl ConnectionTrait, ids: &[&str]) -> Result<Vec<Entry>, DbErr> {
    let mut found = Vec::new();
    for ids in ids.chunks(500) {
        let ids = ids.iter().copied();
        let select = Entity::find().filter(Column::TrackingId.is_in(ids)).filter(not_inspected());
        found.extend(select.all(db).await?);
    }
    found.into_iter().map(entry).collect()
}

/// Rows with a tracking id whose case has changed since the last of it was seen there, latest first, after an id. Those of cases
/// that are forgotten, and of the inspectorate's, are not among them.
pub(crate) async fn changed(
    db: &impl ConnectionTrait,
    before: Option<&str>,
    limit: u64,
) -> Result<Vec<Entry>, DbErr> {
    let case = |column: complaint::Column| Expr::col((complaint::Entity, column));
    let pushed = || Expr::col((Entity, Column::LastPushedAt));
    let newer = pushed().is_null().or(case(complaint::Column::UpdatedAt).gt(pushed()));
    let changed = Query::select()
        .expr(Expr::val(1))
        .from(complaint::Entity)
        .and_where(case(complaint::Column::Id).equals((Entity, Column::ComplaintId)))
        .and_where(case(complaint::Column::ForgottenAt).is_null())
        .and_where(newer)
        .take();
    let mut select = Entity::find()
        .filter(Column::TrackingId.ne(""))
        .filter(not_inspected())
        .filter(Expr::exists(changed))
        .order_by_desc(Column::Id)
        .limit(limit);
    if let Some(id) = before {
        select = select.filter(Column::Id.lt(id));
    }
    select.all(db).await?.into_iter().map(entry).collect()
}

fn not_inspected() -> Condition {
    Condition::any()
        .add(Column::ComplaintId.is_null())
        .add(Column::ComplaintId.not_in_subquery(super::complaint::whistleblowing()))
}

/// Writes a row, in place of the one with its id, which is read with [`hold`].
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
        pasted_until: entry.pasted_until,
        written_at: entry.written_at,
        checksum: entry.checksum.clone(),
        mismatch: entry.mismatch.clone(),
    };
    let columns = [
        Column::TrackingId,
        Column::ComplaintId,
        Column::Stage,
        Column::LastSeenAt,
        Column::LastPushedAt,
        Column::PastedUntil,
        Column::WrittenAt,
        Column::Checksum,
        Column::Mismatch,
    ];
    Entity::insert(row.into_active_model())
        .on_conflict(OnConflict::column(Column::Id).update_columns(columns).to_owned())
        .exec_without_returning(tx)
        .await?;
    Ok(())
}

/// The rows of a case, to be changed and saved.
pub(crate) async fn hold_of(tx: &DatabaseTransaction, case: CaseId) -> Result<Vec<Entry>, DbErr> {
    let select = Entity::find().filter(Column::ComplaintId.eq(case.to_string())).order_by_asc(Column::Id);
    select.lock_exclusive().all(tx).await?.into_iter().map(entry).collect()
}

/// Which of these tracking ids are of the inspectorate's cases.
pub(crate) async fn inspected(db: &impl ConnectionTrait, ids: &[&str]) -> Result<BTreeSet<String>, DbErr> {
    let mut found = BTreeSet::new();
    for ids in ids.chunks(500) {
        let select = Entity::find().select_only().column(Column::TrackingId);
        let select = select
            .filter(Column::TrackingId.is_in(ids.iter().copied()))
            .filter(Column::ComplaintId.in_subquery(super::complaint::whistleblowing()));
        let ids: Vec<String> = select.into_tuple().all(db).await?;
        found.extend(ids);
    }
    Ok(found)
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
    let mut select = Entity::find().filter(not_inspected()).order_by_desc(Column::Id).limit(limit);
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
        pasted_until: row.pasted_until,
        written_at: row.written_at,
        checksum: row.checksum,
        mismatch: row.mismatch,
    })
}
