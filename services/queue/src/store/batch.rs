//! What one flush writes: the shard row moved on, the events, and what is folded from them for reading. All of it, or nothing
//! when the shard row does not stand where these entries begin.

use std::collections::HashMap;

use mpp_kit::db::{Db, Engine};
use sea_orm::sea_query::{CaseStatement, Expr, ExprTrait as _, OnConflict};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait as _, DbBackend, DbErr, EntityTrait as _, IntoActiveModel as _,
    QueryFilter as _, QueryTrait as _, Statement, Value,
};

use super::convert;
use super::entity::{event, serving, shard, ticket};
use crate::domain::event::{Event, Kind};
use crate::domain::ticket::Ticket;
use crate::domain::{HallId, TicketId};
use crate::error::Error;
use crate::hall::log::Entry;

/// Rows of one statement of SQLite. Far below its limit of parameters.
const CHUNK: usize = 500;

/// A flush on PostgreSQL, as one statement, which is a transaction of its own: one trip instead of one for `BEGIN`, for each
/// statement and for `COMMIT`. At one client each of these trips costs about as much as the commit itself.
///
/// - Rows come as one array per column, so the text is the same for one operation and for two hundred: each connection
///   parses and plans it once.
/// - Everything else selects from `moved`, which is empty unless the shard row stands under this epoch where these entries
///   begin: then nothing is written. Whoever moves that row at the same time holds it until the end of its transaction;
///   this statement waits for it, and compares with what it left behind.
/// - All parts see the tables as they were when the statement began, before it may have waited. Nobody writes to a hall's
///   tables without moving its shard row, so where the row still stands, they have not changed.
/// - The parts run in no order of their own, but `opened` cannot begin before it has counted what `closed` has done: one
///   counter ends with a ticket and takes the next in the same flush, and it may never hold two.
/// - `closed` looks up each open interval by its ticket and writes it again by its key. As an UPDATE joined to the array, the
///   plan, made once while the table was small, would read every interval that was ever open and is not vacuumed yet. That
///   positions lie in this flush says nothing new, but makes the planner expect few of them: else it would plan anew each time.
/// - No id, no key and no version is empty or 0, so these stand for NULL, which arrays of the ORM do not hold.
const FLUSH: &str = include_str!("flush.sql");

/// The rows of whole entries behind a position.
pub(super) struct Batch {
    hall: String,
    epoch: i64,
    /// Position and chain where the shard row must stand.
    from: (i64, String),
    /// Where it stands afterwards.
    to: (i64, String),
    events: Vec<event::Model>,
    /// Each ticket as the last of the entries leaves it.
    tickets: Vec<ticket::Model>,
    /// Tickets that were held before these entries and are not any more, with the position that ended it.
    closed: Vec<(String, i64)>,
    /// Who holds whom since these entries. Intervals that they both open and close are written closed.
    opened: Vec<serving::Model>,
}

impl Batch {
    /// The rows of `entries`, each with its business date, behind `from`; `last` is the last of them.
    pub(super) fn of(
        hall: HallId,
        epoch: i64,
        from: &(u64, String),
        (entries, last): (&[Entry], &Entry),
        dates: &[String],
    ) -> Result<Self, Error> {
        let events = entries.iter().zip(dates).map(|(entry, date)| convert::event(hall, epoch, date, entry));
        let mut closed = Vec::new();
        let opened = servings(hall, entries, &mut closed)?;
        Ok(Self {
            hall: hall.to_string(),
            epoch,
            from: (convert::position(from.0)?, from.1.clone()),
            to: (convert::position(last.seq)?, last.chain.clone()),
            events: events.collect::<Result<_, _>>()?,
            tickets: tickets(entries)?,
            closed,
            opened,
        })
    }

    /// Writes everything and commits it. Answers false, and has written nothing, when the shard row does not stand where these
    /// entries begin.
    pub(super) async fn write(self, db: &Db) -> Result<bool, DbErr> {
        match db.engine() {
            Engine::Postgres => {
                // Read to the end of the answer, which comes after the commit.
                let done = db.write.execute_raw(self.into_one_statement()).await?;
                Ok(done.rows_affected() == 1)
            }
            Engine::Sqlite => {
                // The statements are written while the thread that owns the connection begins.
                let (tx, all) = tokio::join!(db.begin(), async { self.into_one_text() });
                let tx = tx?;
                // The moved row is the only one that comes back.
                match tx.query_all_raw(all).await.map(|moved| !moved.is_empty()) {
                    Ok(true) => tx.commit().await.map(|()| true),
                    Ok(false) => tx.rollback().await.map(|()| false),
                    Err(error) => {
                        // Of a transaction that SQLite has taken back by itself there is nothing to roll back: what counts is why.
                        if let Err(rollback) = tx.rollback().await {
                            tracing::debug!(error = %rollback, "after a flush that was refused");
                        }
                        Err(error)
                    }
                }
            }
        }
    }

    fn into_one_statement(self) -> Statement {
        let Self { hall, epoch, from, to, events, tickets, closed, opened } = self;
        let or_none = |text: &Option<String>| text.clone().unwrap_or_default();
        let values: Vec<Value> = vec![
            to.0.into(),
            to.1.into(),
            hall.into(),
            epoch.into(),
            from.0.into(),
            from.1.into(),
            column(&events, |row| row.seq),
            column(&events, |row| row.event_id.clone()),
            column(&events, |row| or_none(&row.request_id)),
            column(&events, |row| row.date.clone()),
            column(&events, |row| row.kind.clone()),
            column(&events, |row| or_none(&row.ticket_id)),
            column(&events, |row| row.ticket_version.unwrap_or_default()),
            column(&events, |row| or_none(&row.counter_id)),
            column(&events, |row| row.actor.clone()),
            column(&events, |row| row.actor_kind.clone()),
            column(&events, |row| row.at),
            column(&events, |row| row.chain.clone()),
            column(&events, |row| row.body.clone()),
            column(&tickets, |row| row.id.clone()),
            column(&tickets, |row| row.date.clone()),
            column(&tickets, |row| row.series.clone()),
            column(&tickets, |row| row.ordinal),
            column(&tickets, |row| row.number.clone()),
            column(&tickets, |row| row.token.clone()),
            column(&tickets, |row| row.version),
            column(&tickets, |row| row.state.clone()),
            column(&tickets, |row| row.service_id.clone()),
            column(&tickets, |row| row.agency_id.clone()),
            column(&tickets, |row| or_none(&row.counter_id)),
            column(&tickets, |row| row.arrived_at),
            column(&tickets, |row| row.body.clone()),
            column(&closed, |(ticket, _)| ticket.clone()),
            column(&closed, |(_, seq)| *seq),
            column(&opened, |row| row.from_seq),
            column(&opened, |row| row.to_seq.unwrap_or_default()),
            column(&opened, |row| row.ticket_id.clone()),
            column(&opened, |row| row.counter_id.clone()),
        ];
        Statement::from_sql_and_values(DbBackend::Postgres, FLUSH, values)
    }

    /// In one go: each trip to the thread that owns the connection costs as much as a statement of one row.
    fn into_one_text(self) -> Statement {
        let all = self.into_statements(DbBackend::Sqlite);
        let sql = all.iter().map(|one| one.sql.as_str()).collect::<Vec<_>>().join("; ");
        let values = all.into_iter().filter_map(|one| one.values).flat_map(|values| values.0);
        Statement::from_sql_and_values(DbBackend::Sqlite, sql, values)
    }

    fn into_statements(self, backend: DbBackend) -> Vec<Statement> {
        let Self { hall, epoch, from, to, events, tickets, closed, opened } = self;
        // The row is handed back if it moved.
        let moving = shard::Entity::update_many()
            .col_expr(shard::Column::Seq, Expr::value(to.0))
            .col_expr(shard::Column::Chain, Expr::value(to.1))
            .filter(shard::Column::Hall.eq(hall.as_str()))
            .filter(shard::Column::Epoch.eq(epoch))
            .filter(shard::Column::State.eq(convert::ACTIVE))
            .filter(shard::Column::Seq.eq(from.0))
            .filter(shard::Column::Chain.eq(from.1))
            .into_query()
            .returning_col(shard::Column::Seq)
            .to_owned();
        let mut statements = vec![backend.build(&moving)];
        for rows in chunks(events) {
            let rows = rows.into_iter().map(event::Model::into_active_model);
            statements.push(event::Entity::insert_many(rows).build(backend));
        }
        for rows in chunks(tickets) {
            let rows = rows.into_iter().map(ticket::Model::into_active_model);
            let changed = [
                ticket::Column::Version,
                ticket::Column::State,
                ticket::Column::ServiceId,
                ticket::Column::AgencyId,
                ticket::Column::CounterId,
                ticket::Column::Body,
            ];
            let newest = OnConflict::column(ticket::Column::Id).update_columns(changed).to_owned();
            statements.push(ticket::Entity::insert_many(rows).on_conflict(newest).build(backend));
        }
        if !closed.is_empty() {
            let mut to_seq = CaseStatement::new();
            for (ticket, seq) in &closed {
                to_seq =
                    to_seq.case(Expr::col(serving::Column::TicketId).eq(ticket.as_str()), Expr::value(*seq));
            }
            let closing = serving::Entity::update_many()
                .col_expr(serving::Column::ToSeq, to_seq.into())
                .filter(serving::Column::Hall.eq(hall.as_str()))
                .filter(serving::Column::ToSeq.is_null())
                .filter(serving::Column::TicketId.is_in(closed.iter().map(|(ticket, _)| ticket.as_str())));
            statements.push(closing.build(backend));
        }
        for rows in chunks(opened) {
            let rows = rows.into_iter().map(serving::Model::into_active_model);
            statements.push(serving::Entity::insert_many(rows).build(backend));
        }
        statements
    }
}

/// The rows of each statement of SQLite.
fn chunks<R>(rows: Vec<R>) -> impl Iterator<Item = Vec<R>> {
    let mut rows = rows.into_iter();
    std::iter::from_fn(move || {
        let chunk: Vec<R> = rows.by_ref().take(CHUNK).collect();
        (!chunk.is_empty()).then_some(chunk)
    })
}

/// One column of rows, as an array of PostgreSQL.
fn column<R, T>(rows: &[R], of: impl Fn(&R) -> T) -> Value
where
    Vec<T>: Into<Value>,
{
    rows.iter().map(of).collect::<Vec<T>>().into()
}

/// Each ticket as the last of these entries leaves it.
fn tickets(entries: &[Entry]) -> Result<Vec<ticket::Model>, Error> {
    let mut last: HashMap<TicketId, &Ticket> = HashMap::new();
    for ticket in entries.iter().filter_map(|entry| entry.event.ticket.as_ref()) {
        last.insert(ticket.id, ticket);
    }
    let mut tickets: Vec<&Ticket> = last.into_values().collect();
    // Always in the same order, so that two writers cannot wait for each other's rows.
    tickets.sort_by_key(|ticket| ticket.id);
    tickets.into_iter().map(convert::ticket_row).collect()
}

/// The intervals of holding that begin with these entries; those that end with them go to `closed`.
fn servings(
    hall: HallId,
    entries: &[Entry],
    closed: &mut Vec<(String, i64)>,
) -> Result<Vec<serving::Model>, Error> {
    let mut opened: Vec<serving::Model> = Vec::new();
    for entry in entries {
        let Some(ticket) = &entry.event.ticket else { continue };
        let (seq, ticket_id) = (convert::position(entry.seq)?, ticket.id.to_string());
        match (ticket.is_held(), ticket.counter) {
            (true, Some(counter)) if is_call(entry.event.kind) => opened.push(serving::Model {
                hall: hall.to_string(),
                from_seq: seq,
                to_seq: None,
                ticket_id,
                counter_id: counter.to_string(),
            }),
            (true, _) => {}
            (false, _) if is_end_of_hold(&entry.event) => {
                match opened.iter_mut().find(|open| open.to_seq.is_none() && open.ticket_id == ticket_id) {
                    Some(open) => open.to_seq = Some(seq),
                    None => closed.push((ticket_id, seq)),
                }
            }
            (false, _) => {}
        }
    }
    Ok(opened)
}

fn is_call(kind: Kind) -> bool {
    matches!(kind, Kind::TicketCalled | Kind::TicketCalledSpecific | Kind::TicketResumed)
}

/// Whether a counter may have held the ticket until this event. Closing an interval that is not open does nothing.
fn is_end_of_hold(event: &Event) -> bool {
    !matches!(event.kind, Kind::TicketIssued | Kind::TicketRestored)
}
