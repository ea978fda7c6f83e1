//! What reports count: cases that were entered here, and each time one was closed or opened again. Each counts where it stood,
//! and as what, at the end of the span: what becomes of it later changes no report of the past.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use mpp_kit::row::{number, read};
use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict, Query, SelectStatement};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait as _,
    QueryFilter as _,
};

use super::complaint::Record;
use super::entity::{closure, complaint_line, rating};
use crate::domain::case::Case;
use crate::domain::report::{Figures, Outcome};
use crate::domain::{ABOUT_INSPECTORATE, CaseId, WHISTLEBLOWING};

/// What a line is about: desk, class, channel, category.
pub(crate) type Key = (String, String, String, String);

/// What is counted: writes where it is read from.
type Source = fn(&mut SelectStatement);

/// A case as it stood at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stood {
    pub(crate) desk: String,
    pub(crate) class: String,
    pub(crate) category: String,
}

/// Notes where a case stands from now on, and as what.
pub(crate) async fn stands(
    tx: &DatabaseTransaction,
    record: &Record,
    at: DateTime<Utc>,
) -> Result<(), DbErr> {
    use complaint_line::{ActiveModel, Column, Entity};
    let case = &record.case;
    let id = case.id.to_string();
    let mut entered_at = at;
    if record.version > 1 {
        let first = Entity::find().filter(Column::ComplaintId.eq(id.as_str())).one(tx).await?;
        entered_at = first.map_or(at, |it| it.entered_at);
        Entity::update_many()
            .col_expr(Column::ToAt, Expr::value(at))
            .filter(Column::ComplaintId.eq(id.as_str()))
            .filter(Column::ToAt.is_null())
            .exec(tx)
            .await?;
    }
    let row = ActiveModel {
        complaint_id: Set(id),
        version: Set(number(record.version)?),
        desk: Set(case.desk().to_owned()),
        class: Set(case.class.to_string()),
        category: Set(case.category.clone()),
        channel: Set(case.channel.to_string()),
        entered_at: Set(entered_at),
        from_at: Set(at),
        to_at: Set(None),
    };
    Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// How these cases stood at the end of a span; those that were not there yet are not among them.
pub(crate) async fn stood(
    db: &impl ConnectionTrait,
    ids: Vec<String>,
    to: DateTime<Utc>,
) -> Result<BTreeMap<String, Stood>, DbErr> {
    use complaint_line::{Column, Entity};
    let rows = Entity::find()
        .filter(Column::ComplaintId.is_in(ids))
        .filter(Column::FromAt.lt(to))
        .filter(Column::ToAt.is_null().or(Column::ToAt.gte(to)))
        .all(db)
        .await?;
    Ok(rows
        .into_iter()
        .map(|it| (it.complaint_id, Stood { desk: it.desk, class: it.class, category: it.category }))
        .collect())
}

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

/// Notes what reporters of a case say of it who were asked when it was settled. Of one that was settled before anybody was counted
/// nothing is noted: whom nobody counted as asked has not answered, and a past report stays as it was.
pub(crate) async fn rated_later(
    tx: &DatabaseTransaction,
    case: &Case,
    at: DateTime<Utc>,
) -> Result<(), DbErr> {
    use rating::{Column, Entity};
    let Some(settled_at) = case.closed_at else { return Ok(()) };
    for it in case.reporters.iter().filter(|it| case.rating_of(it) > 0) {
        Entity::update_many()
            .col_expr(Column::Rating, Expr::value(i32::from(case.rating_of(it))))
            .col_expr(Column::RatedAt, Expr::value(at))
            .filter(Column::ComplaintId.eq(case.id.to_string()))
            .filter(Column::Pseudonym.eq(it.pseudonym.as_str()))
            .filter(Column::SettledAt.eq(settled_at))
            .filter(Column::Rating.is_null())
            .exec(tx)
            .await?;
    }
    Ok(())
}

/// Notes how each reporter rates a case that is settled now, and of whom that is not known (yet): each once for each time it was
/// settled. What was said once stays.
pub(crate) async fn rated(tx: &DatabaseTransaction, case: &Case, at: DateTime<Utc>) -> Result<(), DbErr> {
    use rating::{ActiveModel, Column, Entity};
    let Some(settled_at) = case.closed_at else { return Ok(()) };
    let rows: Vec<_> = case
        .reporters
        .iter()
        .filter(|it| !it.left)
        .map(|it| {
            let said = Some(i32::from(case.rating_of(it))).filter(|it| *it > 0);
            ActiveModel {
                complaint_id: Set(case.id.to_string()),
                pseudonym: Set(it.pseudonym.clone()),
                settled_at: Set(settled_at),
                rating: Set(said),
                rated_at: Set(said.map(|_| at)),
            }
        })
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    let first = |column: Column, name: &'static str| {
        Expr::col((Entity, column)).if_null(Expr::col(("excluded", name)))
    };
    let kept = OnConflict::columns([Column::ComplaintId, Column::Pseudonym, Column::SettledAt])
        .value(Column::Rating, first(Column::Rating, "rating"))
        .value(Column::RatedAt, first(Column::RatedAt, "rated_at"))
        .to_owned();
    Entity::insert_many(rows).on_conflict(kept).exec_without_returning(tx).await?;
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
    let entered: Source = |query| {
        query.from("complaint_line");
    };
    let ended: Source = |query| {
        let same = Expr::col(("complaint_line", "complaint_id")).equals(("closure", "complaint_id"));
        query.from("closure").inner_join("complaint_line", same);
    };
    let at = || Expr::col(("complaint_line", "entered_at"));
    let on = |column: &'static str| Expr::col(("closure", column));
    let line = |column: &'static str| Expr::col(("complaint_line", column));
    let stood = line("from_at").lt(to).and(line("to_at").is_null().or(line("to_at").gte(to)));
    let summed = async |what: &'static str, from: Source, which: Expr| {
        grouped(db, (what, from), stood.clone().and(which), whistleblowing).await
    };
    let counted = async |from: Source, which: Expr| summed("COUNT(*)", from, which).await;
    let mut add = |rows: Vec<(Key, i64)>, into: fn(&mut Figures, i64)| {
        for (key, n) in rows {
            into(lines.entry(key).or_default(), n);
        }
    };
    add(counted(entered, at().lt(from)).await?, |it, n| {
        it.opening += n;
        it.open += n;
    });
    // Not when it was sent: what comes in late changes no report that was given out.
    add(counted(entered, at().gte(from)).await?, |it, n| {
        it.received += n;
        it.open += n;
    });
    // Closed before the beginning, and not opened again before it: not there at the beginning.
    add(counted(ended, on("closed_at").lt(from)).await?, |it, n| {
        it.opening -= n;
        it.open -= n;
    });
    add(counted(ended, on("reopened_at").lt(from)).await?, |it, n| {
        it.opening += n;
        it.open += n;
    });
    let within = |column: &'static str| on(column).gte(from).and(on(column).lt(to));
    add(counted(ended, within("reopened_at")).await?, |it, n| {
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
        let rows = counted(ended, which).await?;
        add(rows.clone(), into);
        add(rows, |it, n| it.open -= n);
    }
    let which =
        within("closed_at").and(on("outcome").eq(Outcome::Settled.to_string())).and(on("in_time").eq(true));
    add(counted(ended, which).await?, |it, n| it.settled_in_time += n);
    let asked: Source = |query| {
        let same = Expr::col(("complaint_line", "complaint_id")).equals(("rating", "complaint_id"));
        query.from("rating").inner_join("complaint_line", same);
    };
    let within = |column: &'static str| {
        let at = || Expr::col(("rating", column));
        at().gte(from).and(at().lt(to))
    };
    add(counted(asked, within("settled_at")).await?, |it, n| it.asked += n);
    add(counted(asked, within("rated_at")).await?, |it, n| it.rated += n);
    let stars = "CAST(SUM(rating.rating) AS BIGINT)";
    add(summed(stars, asked, within("rated_at")).await?, |it, n| it.rating_sum += n);
    lines.retain(|_, it| *it != Figures::default());
    Ok(lines)
}

async fn grouped(
    db: &impl ConnectionTrait,
    (what, from): (&'static str, Source),
    which: Expr,
    whistleblowing: bool,
) -> Result<Vec<(Key, i64)>, DbErr> {
    let mut query = Query::select();
    let columns = ["desk", "class", "channel", "category"].map(|it| ("complaint_line", it));
    query.columns(columns).expr_as(Expr::cust(what), "n");
    from(&mut query);
    query.and_where(which);
    if !whistleblowing {
        let inspected = [WHISTLEBLOWING, ABOUT_INSPECTORATE];
        query.and_where(Expr::col(("complaint_line", "desk")).is_not_in(inspected));
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
