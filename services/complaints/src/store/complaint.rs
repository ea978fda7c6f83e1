//! Cases, with the numbers that lead to them.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use mpp_kit::caller::Areas;
use mpp_kit::cipher::Cipher;
use mpp_kit::row::{self, count, number, open, read, seal, within};
use sea_orm::sea_query::{Expr, ExprTrait as _, Order, Query, SelectStatement};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, Condition, ConnectionTrait, DatabaseTransaction, DbErr,
    EntityTrait as _, FromQueryResult, PaginatorTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, Select,
};

use super::end_of_time;
use super::entity::complaint::{ActiveModel, Column, Entity, Model};
use super::entity::{case_number, helper};
use crate::domain::case::{Case, Place};
use crate::domain::map::{self, Spot, Within};
use crate::domain::number::Number;
use crate::domain::rules::Rules;
use crate::domain::words::{Channel, Class, Secrecy, State};
use crate::domain::{ABOUT_INSPECTORATE, CaseId, WHISTLEBLOWING};

/// A case as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Record {
    pub(crate) case: Case,
    pub(crate) version: u32,
    pub(crate) updated_at: DateTime<Utc>,
}

/// A case in a list.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Line {
    pub(crate) id: String,
    pub(crate) number: String,
    pub(crate) class: Class,
    pub(crate) state: State,
    pub(crate) category: String,
    pub(crate) lead: String,
    pub(crate) received_at: DateTime<Utc>,
    pub(crate) due_at: Option<DateTime<Utc>>,
    pub(crate) sort_at: DateTime<Utc>,
    pub(crate) late: bool,
    pub(crate) village: String,
    pub(crate) channel: Channel,
    pub(crate) version: u32,
    pub(crate) secrecy: Secrecy,
    /// Latitude and longitude as its officers may know them.
    pub(crate) point: Option<(f64, f64)>,
}

/// What a list is about.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    pub(crate) state: Option<State>,
    pub(crate) category: String,
    pub(crate) open_only: bool,
    pub(crate) late_only: bool,
    pub(crate) due: Option<(DateTime<Utc>, DateTime<Utc>)>,
    pub(crate) states: Vec<State>,
    pub(crate) within: Option<Within>,
}

/// The desks that somebody reaches: boards of agencies, of the coordinator, of whistleblowing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Desks {
    /// Agencies and the coordinator.
    pub(crate) areas: Areas,
    /// Whether whistleblowing too.
    pub(crate) whistleblowing: bool,
    /// Whether that about the inspectorate too.
    pub(crate) apart: bool,
    /// Whether what no agency has is among them.
    pub(crate) coordinator: bool,
}

/// Writes a new case with its number.
pub(crate) async fn insert(
    tx: &DatabaseTransaction,
    cipher: &Cipher,
    record: &Record,
    rules: &Rules,
) -> Result<(), DbErr> {
    let case = &record.case;
    let id = case.id.to_string();
    let row = ActiveModel {
        number: Set(case.number.to_string()),
        version: Set(number(record.version)?),
        class: Set(case.class.to_string()),
        state: Set(case.state.to_string()),
        category: Set(case.category.clone()),
        channel: Set(case.channel.to_string()),
        village: Set(case.place.village.clone()),
        latitude: Set(case.place.point.map(|it| it.0)),
        longitude: Set(case.place.point.map(|it| it.1)),
        grid_lat: Set(case.place.point.map(|it| map::place(it).0)),
        grid_lon: Set(case.place.point.map(|it| map::place(it).1)),
        lead_agency: Set(case.lead.clone().unwrap_or_default()),
        desk: Set(case.desk().to_owned()),
        secrecy: Set(case.secrecy().to_string()),
        is_public: Set(case.is_public()),
        is_closed: Set(case.state.is_closed()),
        late: Set(case.is_late(record.updated_at)),
        received_at: Set(case.received_at),
        updated_at: Set(record.updated_at),
        closed_at: Set(case.closed_at),
        due_at: Set(case.due_at()),
        sort_at: Set(case.due_at().unwrap_or_else(end_of_time)),
        next_at: Set(case.next_moment(rules)),
        forgotten_at: Set(None),
        body: Set(seal(cipher, &id, case)?),
        id: Set(id.clone()),
    };
    Entity::insert(row).exec_without_returning(tx).await?;
    for reporter in &case.reporters {
        lead_to(tx, reporter.number, &id, &reporter.pseudonym).await?;
    }
    Ok(())
}

/// Writes a changed case over the version before. `false` if somebody was first.
pub(crate) async fn update(
    tx: &DatabaseTransaction,
    cipher: &Cipher,
    record: &Record,
    rules: &Rules,
) -> Result<bool, DbErr> {
    let case = &record.case;
    let id = case.id.to_string();
    let done = Entity::update_many()
        .col_expr(Column::Version, Expr::value(number(record.version)?))
        .col_expr(Column::Class, Expr::value(case.class.to_string()))
        .col_expr(Column::State, Expr::value(case.state.to_string()))
        .col_expr(Column::Category, Expr::value(case.category.clone()))
        .col_expr(Column::Village, Expr::value(case.place.village.clone()))
        .col_expr(Column::Latitude, Expr::value(case.place.point.map(|it| it.0)))
        .col_expr(Column::Longitude, Expr::value(case.place.point.map(|it| it.1)))
        .col_expr(Column::GridLat, Expr::value(case.place.point.map(|it| map::place(it).0)))
        .col_expr(Column::GridLon, Expr::value(case.place.point.map(|it| map::place(it).1)))
        .col_expr(Column::LeadAgency, Expr::value(case.lead.clone().unwrap_or_default()))
        .col_expr(Column::Desk, Expr::value(case.desk()))
        .col_expr(Column::Secrecy, Expr::value(case.secrecy().to_string()))
        .col_expr(Column::IsPublic, Expr::value(case.is_public()))
        .col_expr(Column::IsClosed, Expr::value(case.state.is_closed()))
        .col_expr(Column::Late, Expr::value(case.is_late(record.updated_at)))
        .col_expr(Column::UpdatedAt, Expr::value(record.updated_at))
        .col_expr(Column::ClosedAt, Expr::value(case.closed_at))
        .col_expr(Column::DueAt, Expr::value(case.due_at()))
        .col_expr(Column::SortAt, Expr::value(case.due_at().unwrap_or_else(end_of_time)))
        .col_expr(Column::NextAt, Expr::value(case.next_moment(rules)))
        .col_expr(Column::Body, Expr::value(seal(cipher, &id, case)?))
        .filter(Column::Id.eq(id.as_str()))
        .filter(Column::Version.eq(number(record.version - 1)?))
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}

/// Lets a number lead to a case.
pub(crate) async fn lead_to(
    tx: &DatabaseTransaction,
    number: Number,
    to: &str,
    pseudonym: &str,
) -> Result<(), DbErr> {
    let row = case_number::ActiveModel {
        number: Set(number.to_string()),
        complaint_id: Set(to.to_owned()),
        pseudonym: Set(pseudonym.to_owned()),
    };
    case_number::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// Lets every number of a case lead to another one.
pub(crate) async fn redirect(tx: &DatabaseTransaction, from: CaseId, to: CaseId) -> Result<(), DbErr> {
    case_number::Entity::update_many()
        .col_expr(case_number::Column::ComplaintId, Expr::value(to.to_string()))
        .filter(case_number::Column::ComplaintId.eq(from.to_string()))
        .exec(tx)
        .await?;
    Ok(())
}

/// Writes who helps, in place of who did. With the case ends the help that was not finished: nothing is to be done there.
pub(crate) async fn set_helpers(tx: &DatabaseTransaction, case: &Case) -> Result<(), DbErr> {
    let id = case.id.to_string();
    helper::Entity::delete_many().filter(helper::Column::ComplaintId.eq(id.as_str())).exec(tx).await?;
    let rows: Vec<_> = case
        .helpers
        .iter()
        .map(|it| helper::ActiveModel {
            complaint_id: Set(id.clone()),
            agency_id: Set(it.agency.clone()),
            due_at: Set(it.due_at),
            done_at: Set(it.done_at.or(case.closed_at)),
        })
        .collect();
    if !rows.is_empty() {
        helper::Entity::insert_many(rows).exec_without_returning(tx).await?;
    }
    Ok(())
}

/// The case with this id.
pub(crate) async fn find(
    db: &impl ConnectionTrait,
    cipher: &Cipher,
    id: CaseId,
) -> Result<Option<Record>, DbErr> {
    let row = Entity::find_by_id(id.to_string()).one(db).await?;
    row.map(|row| record(cipher, row)).transpose()
}

/// The cases with these ids, in no order.
pub(crate) async fn several(
    db: &impl ConnectionTrait,
    cipher: &Cipher,
    ids: Vec<String>,
) -> Result<Vec<Record>, DbErr> {
    let rows = Entity::find().filter(Column::Id.is_in(ids)).all(db).await?;
    rows.into_iter().map(|row| record(cipher, row)).collect()
}

/// The case that a number leads to.
pub(crate) async fn by_number(
    db: &impl ConnectionTrait,
    cipher: &Cipher,
    number: Number,
) -> Result<Option<Record>, DbErr> {
    let Some(found) = case_number::Entity::find_by_id(number.to_string()).one(db).await? else {
        return Ok(None);
    };
    find(db, cipher, read("case_number.complaint_id", &found.complaint_id)?).await
}

/// The open or the closed cases that these numbers lead to, each with the latest of them.
pub(crate) async fn led_to(
    db: &impl ConnectionTrait,
    cipher: &Cipher,
    numbers: &[String],
    closed: bool,
) -> Result<Vec<(Number, Record)>, DbErr> {
    if numbers.is_empty() {
        return Ok(Vec::new());
    }
    let found = case_number::Entity::find()
        .filter(case_number::Column::Number.is_in(numbers))
        .order_by_asc(case_number::Column::Number)
        .all(db)
        .await?;
    let mut leading = BTreeMap::new();
    for it in found {
        leading.insert(it.complaint_id, read("case_number.number", &it.number)?);
    }
    let rows = Entity::find()
        .filter(Column::Id.is_in(leading.keys()))
        .filter(Column::IsClosed.eq(closed))
        .all(db)
        .await?;
    let found = rows.into_iter().filter_map(|row| {
        let number = leading.get(&row.id).copied()?;
        Some(record(cipher, row).map(|record| (number, record)))
    });
    found.collect()
}

/// Cases to which time does something now, those that wait longest first.
pub(crate) async fn due(
    db: &impl ConnectionTrait,
    now: DateTime<Utc>,
    limit: u64,
) -> Result<Vec<String>, DbErr> {
    Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::NextAt.lte(now))
        .order_by_asc(Column::NextAt)
        .limit(limit)
        .into_tuple()
        .all(db)
        .await
}

/// How many cases are open.
pub(crate) async fn count_open(db: &impl ConnectionTrait) -> Result<i64, DbErr> {
    let open = Entity::find().filter(Column::IsClosed.eq(false)).count(db).await?;
    Ok(i64::try_from(open).unwrap_or(i64::MAX))
}

/// Open cases after an id, each with its id: what cannot be read is told so. They stay as they are until the transaction ends.
pub(crate) async fn hold_after(
    tx: &DatabaseTransaction,
    cipher: &Cipher,
    after: &str,
    limit: u64,
) -> Result<Vec<(String, Result<Record, DbErr>)>, DbErr> {
    let rows = Entity::find()
        .filter(Column::IsClosed.eq(false))
        .filter(Column::Id.gt(after))
        .order_by_asc(Column::Id)
        .limit(limit)
        .lock_exclusive()
        .all(tx)
        .await?;
    Ok(rows.into_iter().map(|row| (row.id.clone(), record(cipher, row))).collect())
}

/// Which of these cases are closed.
pub(crate) async fn closed_of(db: &impl ConnectionTrait, ids: &[&str]) -> Result<BTreeSet<String>, DbErr> {
    let mut closed = BTreeSet::new();
    for ids in ids.chunks(500) {
        let select = Entity::find().select_only().column(Column::Id);
        let select = select.filter(Column::Id.is_in(ids.iter().copied())).filter(Column::IsClosed.eq(true));
        let found: Vec<String> = select.into_tuple().all(db).await?;
        closed.extend(found);
    }
    Ok(closed)
}

/// Closed cases whose reporters are to be forgotten: closed before a moment, and not forgotten yet, the oldest first, after
/// one. Each with when it was closed.
pub(crate) async fn to_forget(
    db: &impl ConnectionTrait,
    before: DateTime<Utc>,
    after: Option<&(DateTime<Utc>, String)>,
    limit: u64,
) -> Result<Vec<(DateTime<Utc>, String)>, DbErr> {
    let mut select = Entity::find()
        .select_only()
        .columns([Column::ClosedAt, Column::Id])
        .filter(Column::IsClosed.eq(true))
        .filter(Column::ForgottenAt.is_null())
        .filter(Column::ClosedAt.lt(before))
        .order_by_asc(Column::ClosedAt)
        .order_by_asc(Column::Id)
        .limit(limit);
    if let Some((at, id)) = after {
        select = select.filter(row::after((Column::ClosedAt, Column::Id), (*at, id.as_str())));
    }
    select.into_tuple().all(db).await
}

/// Notes that the personal data of a case is gone.
pub(crate) async fn forgotten(tx: &DatabaseTransaction, id: CaseId, now: DateTime<Utc>) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::ForgottenAt, Expr::value(now))
        .col_expr(Column::Latitude, Expr::value(Option::<f64>::None))
        .col_expr(Column::Longitude, Expr::value(Option::<f64>::None))
        .col_expr(Column::GridLat, Expr::value(Option::<i32>::None))
        .col_expr(Column::GridLon, Expr::value(Option::<i32>::None))
        .filter(Column::Id.eq(id.to_string()))
        .exec(tx)
        .await?;
    Ok(())
}

/// Cases of these desks, what falls due first first, after a line. Those an agency helps with are in [`helped`].
pub(crate) async fn list(
    db: &impl ConnectionTrait,
    desks: &Desks,
    filter: &Filter,
    after: Option<&(DateTime<Utc>, String)>,
    limit: u64,
) -> Result<Vec<Line>, DbErr> {
    let select = filtered(Entity::find(), filter, after).filter(reach(desks));
    lines(select.limit(limit), db).await
}

/// Cases that agencies in these areas help with.
pub(crate) async fn helped(
    db: &impl ConnectionTrait,
    areas: &[String],
    filter: &Filter,
    after: Option<&(DateTime<Utc>, String)>,
    limit: u64,
) -> Result<Vec<Line>, DbErr> {
    let select = filtered(Entity::find(), filter, after)
        .filter(Column::Id.in_subquery(helps(areas)))
        .filter(ordinary());
    lines(select.limit(limit), db).await
}

/// The ids of the cases that agencies in these areas still help with. It stays in the database: there may be more of them than
/// a statement can bind values.
fn helps(areas: &[String]) -> SelectStatement {
    Query::select()
        .column(helper::Column::ComplaintId)
        .from(helper::Entity)
        .cond_where(within(helper::Column::AgencyId, areas))
        .and_where(helper::Column::DoneAt.is_null())
        .take()
}

/// Lines of these cases that lie within reach.
pub(crate) async fn of_ids(db: &impl ConnectionTrait, ids: Vec<String>) -> Result<Vec<Line>, DbErr> {
    lines(Entity::find().filter(Column::Id.is_in(ids)), db).await
}

/// Published cases, latest change first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Published {
    pub(crate) categories: Vec<String>,
    pub(crate) numbers: Vec<String>,
    pub(crate) received_from: Option<DateTime<Utc>>,
    pub(crate) received_before: Option<DateTime<Utc>>,
    pub(crate) closed: Option<bool>,
    pub(crate) within: Option<Within>,
}

pub(crate) async fn published(
    db: &impl ConnectionTrait,
    cipher: &Cipher,
    filter: &Published,
    after: Option<&(DateTime<Utc>, String)>,
    limit: u64,
) -> Result<Vec<Record>, DbErr> {
    let mut select = public(filter).order_by_desc(Column::UpdatedAt).order_by_desc(Column::Id).limit(limit);
    if let Some((at, id)) = after {
        select = select.filter(row::before((Column::UpdatedAt, Column::Id), (*at, id.as_str())));
    }
    select.all(db).await?.into_iter().map(|row| record(cipher, row)).collect()
}

/// What a list of published cases is about, in no order.
fn public(filter: &Published) -> Select<Entity> {
    let mut select = Entity::find()
        .filter(Column::IsPublic.eq(true))
        // Rows of before this was a rule of the column.
        .filter(Column::State.ne(State::Merged.to_string()));
    if filter.numbers.is_empty() {
        if !filter.categories.is_empty() {
            select = select.filter(Column::Category.is_in(filter.categories.clone()));
        }
        if let Some(from) = filter.received_from {
            select = select.filter(Column::ReceivedAt.gte(from));
        }
        if let Some(before) = filter.received_before {
            select = select.filter(Column::ReceivedAt.lt(before));
        }
        if let Some(closed) = filter.closed {
            select = select.filter(Column::IsClosed.eq(closed));
        }
        if let Some(within) = filter.within {
            select = select.filter(lies(within));
        }
    } else {
        select = select.filter(Column::Number.is_in(filter.numbers.clone()));
    }
    select
}

/// How many published cases lie where: those that [`published`] lists.
pub(crate) async fn published_spots(
    db: &impl ConnectionTrait,
    filter: &Published,
) -> Result<Vec<Spot>, DbErr> {
    spots(public(filter), db).await
}

/// How many cases of these desks lie where, with those that agencies help with: what [`list`] and [`helped`] list together.
pub(crate) async fn spots_of(
    db: &impl ConnectionTrait,
    desks: &Desks,
    filter: &Filter,
) -> Result<Vec<Spot>, DbErr> {
    let mut any = reach(desks);
    if let Some(areas) = desks.areas.bounds().filter(|areas| !areas.is_empty()) {
        let helped = Condition::all().add(Column::Id.in_subquery(helps(areas))).add(ordinary());
        any = Condition::any().add(any).add(helped);
    }
    spots(narrowed(Entity::find(), filter).filter(any), db).await
}

/// Cases of one village at one place of the grid.
#[derive(FromQueryResult)]
struct SpotRow {
    grid_lat: Option<i32>,
    grid_lon: Option<i32>,
    village: String,
    n: i64,
}

/// The exact points are not read: what is not read cannot be told.
async fn spots(select: Select<Entity>, db: &impl ConnectionTrait) -> Result<Vec<Spot>, DbErr> {
    let rows: Vec<SpotRow> = select
        .select_only()
        .columns([Column::GridLat, Column::GridLon, Column::Village])
        .column_as(Column::Id.count(), "n")
        .group_by(Column::GridLat)
        .group_by(Column::GridLon)
        .group_by(Column::Village)
        .into_model::<SpotRow>()
        .all(db)
        .await?;
    Ok(rows
        .into_iter()
        .map(|it| Spot {
            at: it.grid_lat.zip(it.grid_lon),
            village: it.village,
            count: u64::try_from(it.n).unwrap_or_default(),
        })
        .collect())
}

/// The condition that a case lies there.
fn lies(within: Within) -> Condition {
    let inside = |square: map::Square| {
        Condition::all()
            .add(Column::GridLat.between(square.south, square.south + square.side - 1))
            .add(Column::GridLon.between(square.west, square.west + square.side - 1))
    };
    match within {
        Within::Square(square) => inside(square),
        Within::Outside(square) => {
            Condition::all().add(Column::GridLat.is_not_null()).add(inside(square).not())
        }
        Within::Nowhere => Condition::all().add(Column::GridLat.is_null()),
    }
}

/// Something that happened to a case, as the journal has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    /// Its place in the journal.
    pub(crate) seq: i64,
    pub(crate) at: DateTime<Utc>,
    pub(crate) case: String,
    pub(crate) what: String,
    pub(crate) from: Option<State>,
    pub(crate) to: State,
    /// The version the case had then.
    pub(crate) version: u32,
}

/// The journal of cases by time: from a moment, before another, of these cases alone unless there are none.
#[derive(Debug, Clone, Default)]
pub(crate) struct Happened {
    pub(crate) from: Option<DateTime<Utc>>,
    pub(crate) before: Option<DateTime<Utc>>,
    pub(crate) cases: Option<Vec<String>>,
}

/// What happened to cases, oldest first: changes of state, and what may have been said besides.
pub(crate) async fn events(
    db: &impl ConnectionTrait,
    filter: &Happened,
    after: Option<(DateTime<Utc>, i64)>,
    limit: u64,
) -> Result<Vec<Event>, DbErr> {
    let column = |name: &'static str| Expr::col(name);
    let mut select = Query::select();
    select
        .columns(["seq", "at", "subject", "what", "from_state", "to_state", "detail"])
        .from("journal")
        .and_where(column("what").like("complaint.%"))
        .and_where(column("to_state").is_not_null())
        .order_by("at", Order::Asc)
        .order_by("seq", Order::Asc)
        .limit(limit);
    if let Some(from) = filter.from {
        select.and_where(column("at").gte(from));
    }
    if let Some(before) = filter.before {
        select.and_where(column("at").lt(before));
    }
    if let Some(cases) = &filter.cases {
        select.and_where(column("subject").is_in(cases.iter().map(String::as_str)));
    }
    if let Some((at, seq)) = after {
        // Beside the pair, so that the index is read from there on either engine.
        select.and_where(column("at").gte(at)).and_where(
            Expr::tuple([column("at"), column("seq")]).gt(Expr::tuple([Expr::value(at), Expr::value(seq)])),
        );
    }
    let rows = db.query_all(&select).await?;
    rows.iter()
        .map(|row| {
            let state = |name: &str| row.try_get::<Option<String>>("", name);
            let from = state("from_state")?.map(|it| read("journal.from_state", &it)).transpose()?;
            let to = state("to_state")?.unwrap_or_default();
            let detail: serde_json::Value =
                serde_json::from_str(&row.try_get::<String>("", "detail")?).unwrap_or_default();
            let version = detail["version"].as_u64().and_then(|it| u32::try_from(it).ok());
            Ok(Event {
                seq: row.try_get("", "seq")?,
                at: row.try_get("", "at")?,
                case: row.try_get("", "subject")?,
                what: row.try_get("", "what")?,
                from,
                to: read("journal.to_state", &to)?,
                version: version.unwrap_or_default(),
            })
        })
        .collect()
}

/// The published ones among these cases, in no order.
pub(crate) async fn public_among(
    db: &impl ConnectionTrait,
    cipher: &Cipher,
    ids: Vec<String>,
) -> Result<Vec<Record>, DbErr> {
    let select = Entity::find().filter(Column::Id.is_in(ids)).filter(Column::IsPublic.eq(true));
    select.all(db).await?.into_iter().map(|row| record(cipher, row)).collect()
}

/// The published cases with these numbers, in no order.
pub(crate) async fn public_by_number(
    db: &impl ConnectionTrait,
    numbers: Vec<String>,
) -> Result<Vec<String>, DbErr> {
    let select = Entity::find().select_only().column(Column::Id).filter(Column::Number.is_in(numbers));
    select.filter(Column::IsPublic.eq(true)).into_tuple().all(db).await
}

/// Published open cases of a category within a square around a point, its half in degrees.
pub(crate) async fn near(
    db: &impl ConnectionTrait,
    cipher: &Cipher,
    category: &str,
    (latitude, longitude): (f64, f64),
    (north, east): (f64, f64),
    limit: u64,
) -> Result<Vec<Record>, DbErr> {
    let rows = Entity::find()
        .filter(Column::Category.eq(category))
        .filter(Column::IsPublic.eq(true))
        .filter(Column::IsClosed.eq(false))
        .filter(Column::Latitude.between(latitude - north, latitude + north))
        .filter(Column::Longitude.between(longitude - east, longitude + east))
        .order_by_desc(Column::UpdatedAt)
        .limit(limit)
        .all(db)
        .await?;
    rows.into_iter().map(|row| record(cipher, row)).collect()
}

/// The condition that a case stands on one of these desks.
pub(crate) fn reach(desks: &Desks) -> Condition {
    let mut any = Condition::any();
    match desks.areas.bounds() {
        None => any = any.add(ordinary()),
        Some(areas) => {
            any = any.add(Condition::all().add(within(Column::Desk, areas)).add(ordinary()));
            if desks.coordinator {
                any = any.add(Column::Desk.eq(crate::domain::COORDINATOR));
            }
        }
    }
    if desks.whistleblowing {
        any = any.add(Column::Desk.eq(WHISTLEBLOWING));
    }
    if desks.apart {
        any = any.add(Column::Desk.eq(ABOUT_INSPECTORATE));
    }
    any
}

/// The condition that a case is no whistleblowing.
fn ordinary() -> Expr {
    Column::Desk.is_not_in([WHISTLEBLOWING, ABOUT_INSPECTORATE])
}

/// The ids of the cases that only the inspectorate sees: for what lists other things of cases.
pub(super) fn whistleblowing() -> SelectStatement {
    Query::select()
        .column(Column::Id)
        .from(Entity)
        .and_where(Column::Desk.is_in([WHISTLEBLOWING, ABOUT_INSPECTORATE]))
        .take()
}

fn filtered(
    select: Select<Entity>,
    filter: &Filter,
    after: Option<&(DateTime<Utc>, String)>,
) -> Select<Entity> {
    let mut select = narrowed(select, filter).order_by_asc(Column::SortAt).order_by_asc(Column::Id);
    if let Some((sort_at, id)) = after {
        select = select.filter(row::after((Column::SortAt, Column::Id), (*sort_at, id.as_str())));
    }
    select
}

/// What a list is about, in no order.
fn narrowed(mut select: Select<Entity>, filter: &Filter) -> Select<Entity> {
    if let Some(state) = filter.state {
        select = select.filter(Column::State.eq(state.to_string()));
    }
    if !filter.states.is_empty() {
        select = select.filter(Column::State.is_in(filter.states.iter().map(ToString::to_string)));
    }
    if !filter.category.is_empty() {
        select = select.filter(Column::Category.eq(filter.category.as_str()));
    }
    if filter.open_only {
        select = select.filter(Column::IsClosed.eq(false));
    }
    if filter.late_only {
        select = select.filter(Column::Late.eq(true));
    }
    if let Some((from, before)) = filter.due {
        select = select.filter(Column::SortAt.gte(from)).filter(Column::SortAt.lt(before));
    }
    if let Some(within) = filter.within {
        select = select.filter(lies(within));
    }
    select
}

async fn lines(select: Select<Entity>, db: &impl ConnectionTrait) -> Result<Vec<Line>, DbErr> {
    // The body is not read: a list must not pay for what it does not show.
    let rows: Vec<Light> = select
        .select_only()
        .columns([
            Column::Id,
            Column::Number,
            Column::Version,
            Column::Class,
            Column::State,
            Column::Category,
            Column::Channel,
            Column::Village,
            Column::Latitude,
            Column::Longitude,
            Column::LeadAgency,
            Column::Secrecy,
            Column::Late,
            Column::ReceivedAt,
            Column::DueAt,
            Column::SortAt,
        ])
        .into_model::<Light>()
        .all(db)
        .await?;
    rows.into_iter().map(line).collect()
}

/// Columns of a line.
#[derive(FromQueryResult)]
struct Light {
    id: String,
    number: String,
    version: i32,
    class: String,
    state: String,
    category: String,
    channel: String,
    village: String,
    latitude: Option<f64>,
    longitude: Option<f64>,
    lead_agency: String,
    secrecy: String,
    late: bool,
    received_at: DateTime<Utc>,
    due_at: Option<DateTime<Utc>>,
    sort_at: DateTime<Utc>,
}

fn line(row: Light) -> Result<Line, DbErr> {
    let secrecy: Secrecy = read("complaint.secrecy", &row.secrecy)?;
    let place = Place { point: row.latitude.zip(row.longitude), ..Place::default() };
    Ok(Line {
        // As on the page of the case: what shows where a secret reporter stood is shown to nobody in full.
        point: if secrecy.shows_reporter() { place.point } else { place.coarse().point },
        id: row.id,
        number: row.number,
        class: read("complaint.class", &row.class)?,
        state: read("complaint.state", &row.state)?,
        category: row.category,
        lead: row.lead_agency,
        received_at: row.received_at,
        due_at: row.due_at,
        sort_at: row.sort_at,
        late: row.late,
        village: row.village,
        channel: read("complaint.channel", &row.channel)?,
        version: count("complaint.version", row.version)?,
        secrecy,
    })
}

fn record(cipher: &Cipher, row: Model) -> Result<Record, DbErr> {
    Ok(Record {
        case: open(cipher, &row.id, &row.body)?,
        version: count("complaint.version", row.version)?,
        updated_at: row.updated_at,
    })
}
