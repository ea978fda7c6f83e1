//! What the board counts: one mark per case and number, and how many there are, kept in the same transaction.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use mpp_kit::row::{self, read};
use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict, Query};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait as _,
    FromQueryResult, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};

use super::end_of_time;
use super::entity::{board_count, board_day, board_mark};
use crate::domain::board::{Beside, Measure, measures};
use crate::domain::case::Case;
use crate::domain::words::ClockKind;

/// Slots per number: so many officers change the counts of one desk without waiting for each other.
const SLOTS: u32 = 8;
/// Rows per statement: five columns each; SQLite binds 32,766 values.
const ROWS: usize = 1000;

/// A case whose marks are to be set, and what is known beside it; `None` leaves that as its marks say.
pub(crate) struct Marked<'a> {
    pub(crate) case: &'a Case,
    pub(crate) waiting_steps: Option<bool>,
    pub(crate) undelivered: Option<bool>,
}

/// Sets the marks of cases, and the counts with them.
pub(crate) async fn mark(
    tx: &DatabaseTransaction,
    cases: &[Marked<'_>],
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let mut counts: BTreeMap<(String, Measure, u32), i64> = BTreeMap::new();
    for chunk in cases.chunks(ROWS / 12) {
        let ids: Vec<String> = chunk.iter().map(|it| it.case.id.to_string()).collect();
        let mut before: BTreeMap<String, Vec<board_mark::Model>> = BTreeMap::new();
        for row in board_mark::Entity::find()
            .filter(board_mark::Column::ComplaintId.is_in(ids.clone()))
            .all(tx)
            .await?
        {
            before.entry(row.complaint_id.clone()).or_default().push(row);
        }
        let (mut gone, mut rows) = (Vec::new(), Vec::new());
        for (marked, id) in chunk.iter().zip(ids) {
            let old = before.remove(&id).unwrap_or_default();
            let had = |measure: Measure| old.iter().any(|it| it.measure == measure.to_string());
            let beside = Beside {
                waiting_steps: marked.waiting_steps.unwrap_or_else(|| had(Measure::ToAcknowledge)),
                undelivered: marked.undelivered.unwrap_or_else(|| had(Measure::Undelivered)),
            };
            let fresh: Vec<board_mark::Model> = measures(marked.case, beside, now)
                .into_iter()
                .map(|measure| board_mark::Model {
                    complaint_id: id.clone(),
                    measure: measure.to_string(),
                    desk: marked.case.desk().to_owned(),
                    sort_at: marked.case.due_at().unwrap_or_else(end_of_time),
                    since: since(marked.case, measure),
                })
                .collect();
            let (old_set, new_set) = (plain(&old), plain(&fresh));
            if old_set == new_set {
                continue;
            }
            let slot = slot(&id);
            for (row, by) in old.iter().map(|it| (it, -1)).chain(fresh.iter().map(|it| (it, 1))) {
                let measure = read("board_mark.measure", &row.measure)?;
                *counts.entry((row.desk.clone(), measure, slot)).or_default() += by;
            }
            if !old.is_empty() {
                gone.push(id);
            }
            rows.extend(fresh.into_iter().map(|it| board_mark::ActiveModel {
                complaint_id: Set(it.complaint_id),
                measure: Set(it.measure),
                desk: Set(it.desk),
                sort_at: Set(it.sort_at),
                since: Set(it.since),
            }));
        }
        if !gone.is_empty() {
            board_mark::Entity::delete_many()
                .filter(board_mark::Column::ComplaintId.is_in(gone))
                .exec(tx)
                .await?;
        }
        if !rows.is_empty() {
            board_mark::Entity::insert_many(rows).exec_without_returning(tx).await?;
        }
    }
    // In the order of their keys, so that two transactions never wait for each other crosswise.
    let rows: Vec<_> = counts
        .into_iter()
        .filter(|(_, by)| *by != 0)
        .map(|((desk, measure, slot), by)| board_count::ActiveModel {
            desk: Set(desk),
            measure: Set(measure.to_string()),
            slot: Set(i32::try_from(slot).unwrap_or(0)),
            n: Set(by),
        })
        .collect();
    for chunk in rows.chunks(ROWS) {
        board_count::Entity::insert_many(chunk.to_vec())
            .on_conflict(
                OnConflict::columns([
                    board_count::Column::Desk,
                    board_count::Column::Measure,
                    board_count::Column::Slot,
                ])
                .value(
                    board_count::Column::N,
                    Expr::col((board_count::Entity, board_count::Column::N))
                        .add(Expr::col(("excluded", board_count::Column::N))),
                )
                .to_owned(),
            )
            .exec_without_returning(tx)
            .await?;
    }
    Ok(())
}

/// What tells two sets of marks of a case apart.
fn plain(rows: &[board_mark::Model]) -> BTreeSet<(String, String, i64, i64)> {
    rows.iter()
        .map(|it| {
            let (sort, since) = (it.sort_at.timestamp_micros(), it.since.timestamp_micros());
            (it.measure.clone(), it.desk.clone(), sort, since)
        })
        .collect()
}

/// Since when a mark holds: of lateness the earliest moment at which an open clock of it fell due.
fn since(case: &Case, measure: Measure) -> DateTime<Utc> {
    let late = |kind: Option<ClockKind>| {
        let clocks = case.open_clocks().filter(|it| kind.is_none_or(|kind| it.kind == kind));
        clocks.filter_map(|it| it.late_at.or(Some(it.due_at))).min().unwrap_or(case.received_at)
    };
    match measure {
        Measure::Late => late(None),
        Measure::LateVerify => late(Some(ClockKind::Verify)),
        Measure::LateAccept => late(Some(ClockKind::Accept)),
        Measure::LateFirstAnswer => late(Some(ClockKind::FirstAnswer)),
        Measure::LateSettle => late(Some(ClockKind::Settle)),
        Measure::LateReaction => late(Some(ClockKind::Reaction)),
        Measure::Open
        | Measure::Bounced
        | Measure::Reopened
        | Measure::SettledWithoutProof
        | Measure::ToAcknowledge
        | Measure::Undelivered => case.received_at,
    }
}

fn slot(id: &str) -> u32 {
    u32::from(id.bytes().next_back().unwrap_or(0)) % SLOTS
}

/// How many marks there are, by desk and number.
pub(crate) async fn counts(
    db: &impl ConnectionTrait,
) -> Result<BTreeMap<String, BTreeMap<Measure, i64>>, DbErr> {
    #[derive(FromQueryResult)]
    struct Row {
        desk: String,
        measure: String,
        n: i64,
    }
    let select = Query::select()
        .columns(["desk", "measure"])
        // PostgreSQL sums big integers to a numeric.
        .expr_as(Expr::cust("CAST(SUM(n) AS BIGINT)"), "n")
        .from("board_count")
        .group_by_columns(["desk", "measure"])
        .to_owned();
    let mut found: BTreeMap<String, BTreeMap<Measure, i64>> = BTreeMap::new();
    for row in db.query_all(&select).await? {
        let Row { desk, measure, n } = Row::from_query_result(&row, "")?;
        found.entry(desk).or_default().insert(read("board_count.measure", &measure)?, n);
    }
    Ok(found)
}

/// Since when the oldest late case of a desk is late.
pub(crate) async fn oldest_late(
    db: &impl ConnectionTrait,
    desk: &str,
) -> Result<Option<DateTime<Utc>>, DbErr> {
    let oldest = board_mark::Entity::find()
        .filter(board_mark::Column::Desk.eq(desk))
        .filter(board_mark::Column::Measure.eq(Measure::Late.to_string()))
        .order_by_asc(board_mark::Column::Since)
        .one(db)
        .await?;
    Ok(oldest.map(|it| it.since))
}

/// How many open cases of a desk fall due within a span: those that [`listed`] lists for it.
pub(crate) async fn due_count(
    db: &impl ConnectionTrait,
    desk: &str,
    (from, before): (DateTime<Utc>, DateTime<Utc>),
) -> Result<i64, DbErr> {
    let select = Query::select()
        .expr_as(Expr::cust("COUNT(*)"), "n")
        .from("board_mark")
        .and_where(Expr::col("desk").eq(desk))
        .and_where(Expr::col("measure").eq(Measure::Open.to_string()))
        .and_where(Expr::col("sort_at").gte(from))
        .and_where(Expr::col("sort_at").lt(before))
        .to_owned();
    let row = db.query_one(&select).await?;
    row.map_or(Ok(0), |row| row.try_get("", "n"))
}

/// The cases that a number of a desk counts, what falls due first first, after a line: moment and id.
pub(crate) async fn listed(
    db: &impl ConnectionTrait,
    (desk, measure): (&str, Measure),
    due: Option<(DateTime<Utc>, DateTime<Utc>)>,
    after: Option<&(DateTime<Utc>, String)>,
    limit: u64,
) -> Result<Vec<(DateTime<Utc>, String)>, DbErr> {
    use board_mark::Column;
    let mut select = board_mark::Entity::find()
        .select_only()
        .columns([Column::SortAt, Column::ComplaintId])
        .filter(Column::Desk.eq(desk))
        .filter(Column::Measure.eq(measure.to_string()))
        .order_by_asc(Column::SortAt)
        .order_by_asc(Column::ComplaintId)
        .limit(limit);
    if let Some((from, before)) = due {
        select = select.filter(Column::SortAt.gte(from)).filter(Column::SortAt.lt(before));
    }
    if let Some((sort_at, id)) = after {
        select = select.filter(row::after((Column::SortAt, Column::ComplaintId), (*sort_at, id.as_str())));
    }
    select.into_tuple().all(db).await
}

/// Notes that a case of a desk was settled on a day.
pub(crate) async fn settled(
    tx: &DatabaseTransaction,
    desk: &str,
    day: NaiveDate,
    in_time: bool,
) -> Result<(), DbErr> {
    use board_day::{ActiveModel, Column, Entity};
    let added = i64::from(in_time);
    let row = ActiveModel {
        desk: Set(desk.to_owned()),
        day: Set(day.to_string()),
        settled: Set(1),
        in_time: Set(added),
        reopened: Set(0),
    };
    Entity::insert(row)
        .on_conflict(
            OnConflict::columns([Column::Desk, Column::Day])
                .value(Column::Settled, Expr::col((Entity, Column::Settled)).add(1))
                .value(Column::InTime, Expr::col((Entity, Column::InTime)).add(added))
                .to_owned(),
        )
        .exec_without_returning(tx)
        .await?;
    Ok(())
}

/// Notes that a settled case of a desk was opened again on a day.
pub(crate) async fn reopened(tx: &DatabaseTransaction, desk: &str, day: NaiveDate) -> Result<(), DbErr> {
    use board_day::{ActiveModel, Column, Entity};
    let row = ActiveModel {
        desk: Set(desk.to_owned()),
        day: Set(day.to_string()),
        settled: Set(0),
        in_time: Set(0),
        reopened: Set(1),
    };
    Entity::insert(row)
        .on_conflict(
            OnConflict::columns([Column::Desk, Column::Day])
                .value(Column::Reopened, Expr::col((Entity, Column::Reopened)).add(1))
                .to_owned(),
        )
        .exec_without_returning(tx)
        .await?;
    Ok(())
}

/// What was settled and opened again at a desk on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Day {
    pub(crate) desk: String,
    pub(crate) day: NaiveDate,
    pub(crate) settled: i64,
    pub(crate) in_time: i64,
    pub(crate) reopened: i64,
}

/// What was settled and opened again on each day since one, by desk.
pub(crate) async fn days_since(db: &impl ConnectionTrait, day: NaiveDate) -> Result<Vec<Day>, DbErr> {
    let rows = board_day::Entity::find().filter(board_day::Column::Day.gte(day.to_string())).all(db).await?;
    rows.into_iter()
        .map(|it| {
            let day = read("board_day.day", &it.day)?;
            Ok(Day { desk: it.desk, day, settled: it.settled, in_time: it.in_time, reopened: it.reopened })
        })
        .collect()
}
