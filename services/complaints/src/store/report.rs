//! What reports count: cases received, and each time one was closed or opened again.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use mpp_kit::column::read;
use sea_orm::sea_query::{Expr, ExprTrait as _, Query, SelectStatement};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait as _,
    QueryFilter as _,
};

use super::entity::closure;
use crate::domain::report::{Figures, Outcome};
use crate::domain::{CaseId, WHISTLEBLOWING};

/// What a line is about: desk, class, channel, category.
pub(crate) type Key = (String, String, String, String);

/// Notes that a case was closed.
pub(crate) async fn closed(
    tx: &DatabaseTransaction,
    case: CaseId,
    (outcome, in_time): (Outcome, bool),
    at: DateTime<Utc>,
) -> Result<(), DbErr> {
    let row = closure::ActiveModel {
        complaint_id: Set(case.to_string()),
        closed_at: Set(at),
        outcome: Set(outcome.to_string()),
        in_time: Set(in_time),
        reopened_at: Set(None),
    };
    closure::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// Notes that a case was opened again.
pub(crate) async fn reopened(tx: &DatabaseTransaction, case: CaseId, at: DateTime<Utc>) -> Result<(), DbErr> {
    closure::Entity::update_many()
        .col_expr(closure::Column::ReopenedAt, Expr::value(at))
        .filter(closure::Column::ComplaintId.eq(case.to_string()))
        .filter(closure::Column::ReopenedAt.is_null())
        .exec(tx)
        .await?;
    Ok(())
}

/// The figures of a span of time by line. Whistleblowing is among them only for who may see it.
pub(crate) async fn figures(
    db: &impl ConnectionTrait,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
    whistleblowing: bool,
) -> Result<BTreeMap<Key, Figures>, DbErr> {
    let mut lines: BTreeMap<Key, Figures> = BTreeMap::new();
    let received = |query: &mut SelectStatement| {
        query.from("complaint");
    };
    let ended = |query: &mut SelectStatement| {
        query
            .from("closure")
            .inner_join("complaint", Expr::col(("complaint", "id")).equals(("closure", "complaint_id")));
    };
    let at = |column: &'static str| Expr::col(("complaint", column));
    let on = |column: &'static str| Expr::col(("closure", column));
    let mut add = |rows: Vec<(Key, i64)>, into: fn(&mut Figures, i64)| {
        for (key, n) in rows {
            into(lines.entry(key).or_default(), n);
        }
    };
    let rows = grouped(db, received, at("received_at").lt(from), whistleblowing).await?;
    add(rows, |it, n| {
        it.opening += n;
        it.open += n;
    });
    let rows =
        grouped(db, received, at("received_at").gte(from).and(at("received_at").lt(to)), whistleblowing)
            .await?;
    add(rows, |it, n| {
        it.received += n;
        it.open += n;
    });
    // Closed before the beginning, and not opened again before it: not there at the beginning.
    let rows = grouped(db, ended, on("closed_at").lt(from), whistleblowing).await?;
    add(rows, |it, n| {
        it.opening -= n;
        it.open -= n;
    });
    let rows = grouped(db, ended, on("reopened_at").lt(from), whistleblowing).await?;
    add(rows, |it, n| {
        it.opening += n;
        it.open += n;
    });
    let within = |column: &'static str| on(column).gte(from).and(on(column).lt(to));
    let rows = grouped(db, ended, within("reopened_at"), whistleblowing).await?;
    add(rows, |it, n| {
        it.reopened += n;
        it.open += n;
    });
    for (outcome, into) in [
        (Outcome::Settled, (|it: &mut Figures, n| it.settled += n) as fn(&mut Figures, i64)),
        (Outcome::Archived, |it, n| it.archived += n),
        (Outcome::Forwarded, |it, n| it.forwarded += n),
        (Outcome::Withdrawn, |it, n| it.withdrawn += n),
        (Outcome::Merged, |it, n| it.merged += n),
    ] {
        let which = within("closed_at").and(on("outcome").eq(outcome.to_string()));
        let rows = grouped(db, ended, which, whistleblowing).await?;
        add(rows.clone(), into);
        add(rows, |it, n| it.open -= n);
    }
    let which =
        within("closed_at").and(on("outcome").eq(Outcome::Settled.to_string())).and(on("in_time").eq(true));
    add(grouped(db, ended, which, whistleblowing).await?, |it, n| it.settled_in_time += n);
    lines.retain(|_, it| *it != Figures::default());
    Ok(lines)
}

async fn grouped(
    db: &impl ConnectionTrait,
    from: impl Fn(&mut SelectStatement),
    which: Expr,
    whistleblowing: bool,
) -> Result<Vec<(Key, i64)>, DbErr> {
    let mut query = Query::select();
    let columns = ["desk", "class", "channel", "category"].map(|it| ("complaint", it));
    query.columns(columns).expr_as(Expr::cust("COUNT(*)"), "n");
    from(&mut query);
    query.and_where(which);
    if !whistleblowing {
        query.and_where(Expr::col(("complaint", "desk")).ne(WHISTLEBLOWING));
    }
    query.group_by_columns(columns);
    db.query_all(&query)
        .await?
        .iter()
        .map(|row| {
            let text = |name| row.try_get::<String>("", name);
            Ok(((text("desk")?, text("class")?, text("channel")?, text("category")?), row.try_get("", "n")?))
        })
        .collect()
}

/// Cases closed within a span: id, when, how, in time by law.
pub(crate) async fn closures(
    db: &impl ConnectionTrait,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
) -> Result<Vec<(String, DateTime<Utc>, Outcome, bool)>, DbErr> {
    let mut rows = closure::Entity::find()
        .filter(closure::Column::ClosedAt.gte(from))
        .filter(closure::Column::ClosedAt.lt(to))
        .all(db)
        .await?;
    rows.sort_by(|a, b| (a.closed_at, &a.complaint_id).cmp(&(b.closed_at, &b.complaint_id)));
    rows.into_iter()
        .map(|it| Ok((it.complaint_id, it.closed_at, read("closure.outcome", &it.outcome)?, it.in_time)))
        .collect()
}
