//! What reports count: columns alone, nothing is decrypted.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, ExprTrait as _, Query, SelectStatement};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QuerySelect as _, Select,
};

use super::entity::{application, document};
use crate::domain::document::Signature;
use crate::domain::workflow::State;

/// Letter type and office.
pub(crate) type Group = (String, String);

/// The most offices that are asked about at once, for the most values that a statement of SQLite takes.
pub(crate) const MOST_OFFICES: usize = 500;

/// At most [`MOST_OFFICES`] by id, and a span of time: from the first moment until before the last.
pub(crate) struct Among<'a> {
    pub(crate) offices: &'a [String],
    pub(crate) from: DateTime<Utc>,
    pub(crate) until: DateTime<Utc>,
}

/// A letter that was issued.
pub(crate) struct Issue {
    pub(crate) group: Group,
    pub(crate) application: String,
    pub(crate) at: DateTime<Utc>,
    /// Whether it was signed by hand.
    pub(crate) by_hand: bool,
}

/// How many applications came.
pub(crate) async fn received(
    db: &impl ConnectionTrait,
    among: &Among<'_>,
) -> Result<Vec<(Group, i64)>, DbErr> {
    let came = application::Entity::find()
        .filter(application::Column::SubmittedAt.gte(among.from))
        .filter(application::Column::SubmittedAt.lt(among.until));
    counted(db, came, among.offices).await
}

/// How many applications ended in this state, which has no way out.
pub(crate) async fn ended(
    db: &impl ConnectionTrait,
    among: &Among<'_>,
    state: State,
) -> Result<Vec<(Group, i64)>, DbErr> {
    let ended = application::Entity::find()
        .filter(application::Column::State.eq(state.to_string()))
        .filter(application::Column::UpdatedAt.gte(among.from))
        .filter(application::Column::UpdatedAt.lt(among.until));
    counted(db, ended, among.offices).await
}

/// How many applications are in one of these states now.
pub(crate) async fn waiting(
    db: &impl ConnectionTrait,
    offices: &[String],
    states: &[State],
) -> Result<Vec<(Group, i64)>, DbErr> {
    let states = states.iter().map(ToString::to_string);
    let wait = application::Entity::find().filter(application::Column::State.is_in(states));
    counted(db, wait, offices).await
}

async fn counted(
    db: &impl ConnectionTrait,
    which: Select<application::Entity>,
    offices: &[String],
) -> Result<Vec<(Group, i64)>, DbErr> {
    let rows: Vec<(String, String, i64)> = which
        .filter(application::Column::OfficeId.is_in(offices))
        .select_only()
        .column(application::Column::LetterType)
        .column(application::Column::OfficeId)
        .column_as(application::Column::Id.count(), "n")
        .group_by(application::Column::LetterType)
        .group_by(application::Column::OfficeId)
        .into_tuple()
        .all(db)
        .await?;
    Ok(rows.into_iter().map(|(letter, office, n)| ((letter, office), n)).collect())
}

/// What was issued.
pub(crate) async fn issued(db: &impl ConnectionTrait, among: &Among<'_>) -> Result<Vec<Issue>, DbErr> {
    let rows: Vec<(String, String, String, DateTime<Utc>, String)> = document::Entity::find()
        .filter(document::Column::OfficeId.is_in(among.offices))
        .filter(document::Column::IssuedAt.gte(among.from))
        .filter(document::Column::IssuedAt.lt(among.until))
        .select_only()
        .column(document::Column::LetterType)
        .column(document::Column::OfficeId)
        .column(document::Column::ApplicationId)
        .column(document::Column::IssuedAt)
        .column(document::Column::Signature)
        .into_tuple()
        .all(db)
        .await?;
    let by_hand = Signature::ByHand.to_string();
    let issue = |(letter, office, application, at, signature): (_, _, _, _, String)| Issue {
        group: (letter, office),
        application,
        at,
        by_hand: signature == by_hand,
    };
    Ok(rows.into_iter().map(issue).collect())
}

/// The applications of what was issued.
fn applications(among: &Among<'_>) -> SelectStatement {
    Query::select()
        .column(document::Column::ApplicationId)
        .from(document::Entity)
        .and_where(Expr::col(document::Column::OfficeId).is_in(among.offices.iter().map(String::as_str)))
        .and_where(Expr::col(document::Column::IssuedAt).gte(among.from))
        .and_where(Expr::col(document::Column::IssuedAt).lt(among.until))
        .to_owned()
}

/// When what was issued was applied for, by application.
pub(crate) async fn applied_for(
    db: &impl ConnectionTrait,
    among: &Among<'_>,
) -> Result<Vec<(String, DateTime<Utc>)>, DbErr> {
    application::Entity::find()
        .filter(application::Column::Id.in_subquery(applications(among)))
        .select_only()
        .column(application::Column::Id)
        .column(application::Column::SubmittedAt)
        .into_tuple()
        .all(db)
        .await
}

/// Which of what was issued had been late in a step: by application.
pub(crate) async fn late(db: &impl ConnectionTrait, among: &Among<'_>) -> Result<BTreeSet<String>, DbErr> {
    let reported = Query::select()
        .distinct()
        .column("subject")
        .from("event")
        .and_where(Expr::col("kind").eq("surat.terlambat"))
        .and_where(Expr::col("subject").in_subquery(applications(among)))
        .to_owned();
    db.query_all(&reported).await?.iter().map(|row| row.try_get("", "subject")).collect()
}
