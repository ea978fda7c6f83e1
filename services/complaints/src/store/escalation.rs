//! Steps of the ladder that were taken.

use chrono::{DateTime, Utc};
use mpp_kit::row::{self, count, number, read};
use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict, Query};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait as _,
    PaginatorTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};

use super::entity::complaint;
use super::entity::escalation::{ActiveModel, Column, Entity, Model};
use crate::domain::words::{ClockKind, Rung};
use crate::domain::{CaseId, EscalationId};

/// A step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) id: EscalationId,
    pub(crate) case: CaseId,
    pub(crate) clock: ClockKind,
    pub(crate) cycle: u32,
    pub(crate) percent: u32,
    pub(crate) rung: Rung,
    pub(crate) official: Option<String>,
    pub(crate) account: String,
    pub(crate) at: DateTime<Utc>,
    pub(crate) acknowledged_at: Option<DateTime<Utc>>,
    pub(crate) acknowledged_by: Option<String>,
}

/// Writes steps; one that was taken before is not taken again.
pub(crate) async fn insert(tx: &DatabaseTransaction, steps: &[Step]) -> Result<(), DbErr> {
    for chunk in steps.chunks(1000) {
        let rows = chunk
            .iter()
            .map(|step| {
                Ok(ActiveModel {
                    id: Set(step.id.to_string()),
                    complaint_id: Set(step.case.to_string()),
                    clock: Set(step.clock.to_string()),
                    cycle: Set(number(step.cycle)?),
                    percent: Set(number(step.percent)?),
                    rung: Set(step.rung.to_string()),
                    official_id: Set(step.official.clone()),
                    account_id: Set(step.account.clone()),
                    at: Set(step.at),
                    acknowledged_at: Set(None),
                    acknowledged_by: Set(None),
                })
            })
            .collect::<Result<Vec<_>, DbErr>>()?;
        Entity::insert_many(rows)
            .on_conflict(
                OnConflict::columns([Column::ComplaintId, Column::Clock, Column::Cycle, Column::Percent])
                    .do_nothing()
                    .to_owned(),
            )
            .exec_without_returning(tx)
            .await?;
    }
    Ok(())
}

/// The step with this id.
pub(crate) async fn find(db: &impl ConnectionTrait, id: EscalationId) -> Result<Option<Step>, DbErr> {
    Entity::find_by_id(id.to_string()).one(db).await?.map(step).transpose()
}

/// Steps of a case, oldest first.
pub(crate) async fn of_case(db: &impl ConnectionTrait, case: CaseId) -> Result<Vec<Step>, DbErr> {
    let rows = Entity::find()
        .filter(Column::ComplaintId.eq(case.to_string()))
        .order_by_asc(Column::At)
        .order_by_asc(Column::Percent)
        .all(db)
        .await?;
    rows.into_iter().map(step).collect()
}

/// Which steps are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Listed {
    All,
    /// Those that nobody has acknowledged.
    Waiting,
    /// Those of open cases that nobody has acknowledged: of a closed one nothing is left to do.
    WaitingOpen,
}

/// Steps that went to an account, and those that wait at offices it holds by now, latest first, after one.
pub(crate) async fn of_account(
    db: &impl ConnectionTrait,
    (account, offices): (&str, &[String]),
    listed: Listed,
    after: Option<&(DateTime<Utc>, String)>,
    limit: u64,
) -> Result<Vec<Step>, DbErr> {
    // One walk along an index each: together in one condition they would be read whole and sorted.
    let mut steps = walk(Column::AccountId.eq(account), db, listed, after, limit).await?;
    let waiting = match listed {
        Listed::All | Listed::Waiting => Listed::Waiting,
        Listed::WaitingOpen => Listed::WaitingOpen,
    };
    for office in offices {
        steps.extend(walk(Column::OfficialId.eq(office.as_str()), db, waiting, after, limit).await?);
    }
    steps.sort_by_key(|step| std::cmp::Reverse((step.at, step.id.to_string())));
    steps.dedup_by(|a, b| a.id == b.id);
    steps.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(steps)
}

/// Steps of which something holds, latest first, after one.
async fn walk(
    which: Expr,
    db: &impl ConnectionTrait,
    listed: Listed,
    after: Option<&(DateTime<Utc>, String)>,
    limit: u64,
) -> Result<Vec<Step>, DbErr> {
    let mut select =
        Entity::find().filter(which).order_by_desc(Column::At).order_by_desc(Column::Id).limit(limit);
    if listed != Listed::All {
        select = select.filter(Column::AcknowledgedAt.is_null());
    }
    if listed == Listed::WaitingOpen {
        let case = |column: complaint::Column| Expr::col((complaint::Entity, column));
        let open = Query::select()
            .expr(Expr::val(1))
            .from(complaint::Entity)
            .and_where(case(complaint::Column::Id).equals((Entity, Column::ComplaintId)))
            .and_where(case(complaint::Column::IsClosed).eq(false))
            .take();
        select = select.filter(Expr::exists(open));
    }
    if let Some((at, id)) = after {
        select = select.filter(row::before((Column::At, Column::Id), (*at, id.as_str())));
    }
    select.all(db).await?.into_iter().map(step).collect()
}

/// Notes that somebody handles it. `false` if somebody did before.
pub(crate) async fn acknowledge(
    tx: &DatabaseTransaction,
    id: EscalationId,
    by: &str,
    now: DateTime<Utc>,
) -> Result<bool, DbErr> {
    let done = Entity::update_many()
        .col_expr(Column::AcknowledgedAt, Expr::value(now))
        .col_expr(Column::AcknowledgedBy, Expr::value(by))
        .filter(Column::Id.eq(id.to_string()))
        .filter(Column::AcknowledgedAt.is_null())
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}

/// How many steps of a case nobody has acknowledged.
pub(crate) async fn waiting(db: &impl ConnectionTrait, case: CaseId) -> Result<u64, DbErr> {
    Entity::find()
        .filter(Column::ComplaintId.eq(case.to_string()))
        .filter(Column::AcknowledgedAt.is_null())
        .count(db)
        .await
}

/// Steps within a span of time, oldest first: also those of the inspectorate's cases.
pub(crate) async fn between(
    db: &impl ConnectionTrait,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
) -> Result<Vec<Step>, DbErr> {
    let rows = Entity::find()
        .filter(Column::At.gte(from))
        .filter(Column::At.lt(to))
        .order_by_asc(Column::At)
        .order_by_asc(Column::Id)
        .all(db)
        .await?;
    rows.into_iter().map(step).collect()
}

fn step(row: Model) -> Result<Step, DbErr> {
    Ok(Step {
        id: read("escalation.id", &row.id)?,
        case: read("escalation.complaint_id", &row.complaint_id)?,
        clock: read("escalation.clock", &row.clock)?,
        cycle: count("escalation.cycle", row.cycle)?,
        percent: count("escalation.percent", row.percent)?,
        rung: read("escalation.rung", &row.rung)?,
        official: row.official_id,
        account: row.account_id,
        at: row.at,
        acknowledged_at: row.acknowledged_at,
        acknowledged_by: row.acknowledged_by,
    })
}
