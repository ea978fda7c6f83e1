//! What SQL holds: the log, and what is folded from it for reading past days. Every query names its hall.

mod convert;
mod entity;

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use mpp_kit::db::Db;
use sea_orm::sea_query::{CaseStatement, Expr, ExprTrait as _, OnConflict};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait as _, DatabaseTransaction, DbBackend, DbErr,
    EntityTrait as _, PaginatorTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
    QueryTrait as _, Statement,
};

use crate::domain::event::{Event, Kind};
use crate::domain::ticket::Ticket;
use crate::domain::{CounterId, HallId, TicketId};
use crate::error::Error;
use crate::hall::log::{Entry, GENESIS, Line, View};
use entity::{day_secret, event, hall, serving, shard, ticket};

/// Rows of one statement. Far below the parameter limits of both engines.
const CHUNK: usize = 500;
/// Rows of one read of a log. A long log gives its connection back after each, so that many halls can be read at once and
/// nobody waits longer than for one page.
const PAGE: u64 = 1000;

/// What SQL holds of the queue.
#[derive(Debug, Clone)]
pub struct Store {
    db: Db,
}

/// A hall as it is registered.
#[derive(Debug, Clone)]
pub(crate) struct Registration {
    pub(crate) id: HallId,
    pub(crate) secret: Vec<u8>,
}

/// Where the log of a hall stands in SQL, and under which epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shard {
    pub(crate) epoch: i64,
    pub(crate) active: bool,
    pub(crate) run_id: String,
    pub(crate) seq: u64,
    pub(crate) chain: String,
}

/// An event as it stands in SQL.
#[derive(Debug, Clone)]
pub struct StoredEvent {
    /// Position in the log of the hall.
    pub seq: u64,
    /// Hash chained to the event before, hexadecimal.
    pub chain: String,
    /// The event.
    pub event: Event,
}

/// What a commit came to.
#[derive(Debug)]
pub(crate) enum Committed {
    /// The entries are durable.
    Done,
    /// The shard does not stand where these entries begin, or another epoch is in force: nothing was written.
    Fenced,
}

impl Store {
    /// The store in `db`.
    #[must_use]
    pub fn new(db: Db) -> Self {
        Self { db }
    }

    /// Every registered hall that has a log.
    pub(crate) async fn registrations(&self) -> Result<Vec<Registration>, Error> {
        let rows = hall::Entity::find().all(&self.db.read).await?;
        rows.into_iter().map(convert::registration).collect()
    }

    /// Registers a hall with an empty log. Where its code is registered already, that registration stands, and whether its log
    /// has begun: two that create a hall at once create the same one.
    pub(crate) async fn register(
        &self,
        id: HallId,
        code: &str,
        secret: &[u8],
        now: DateTime<Utc>,
    ) -> Result<(Registration, bool), Error> {
        let tx = self.db.begin().await?;
        let row = hall::ActiveModel {
            id: Set(id.to_string()),
            code: Set(code.to_owned()),
            secret: Set(secret.to_vec()),
            created_at: Set(now),
        };
        let once = OnConflict::column(hall::Column::Code).do_nothing().to_owned();
        if hall::Entity::insert(row).on_conflict(once).exec_without_returning(&tx).await? == 1 {
            let row = shard::ActiveModel {
                hall: Set(id.to_string()),
                epoch: Set(0),
                state: Set(convert::REBUILDING.to_owned()),
                redis_run_id: Set(String::new()),
                seq: Set(0),
                chain: Set(GENESIS.to_owned()),
            };
            shard::Entity::insert(row).exec_without_returning(&tx).await?;
            tx.commit().await?;
            return Ok((Registration { id, secret: secret.to_vec() }, false));
        }
        let row = hall::Entity::find().filter(hall::Column::Code.eq(code)).one(&tx).await?;
        let there = convert::registration(
            row.ok_or_else(|| Error::Unavailable(anyhow::anyhow!("hall {code} is being created")))?,
        )?;
        let shard = shard::Entity::find_by_id(there.id.to_string()).one(&tx).await?;
        Ok((there, shard.is_some_and(|shard| shard.seq > 0)))
    }

    /// Where a hall's log stands.
    ///
    /// Like every read of this store it leaves the one writer of SQLite alone. A statement that begins after a commit was
    /// acknowledged sees it, through any connection of both engines (write-ahead log, read committed): after `begin_epoch`
    /// whatever the epochs before have committed is seen. What is read may be old by the time it is used, through the
    /// writer too; therefore `begin_epoch`, `activate` and `commit` compare the row themselves before they change it.
    pub(crate) async fn shard(&self, id: HallId) -> Result<Option<Shard>, Error> {
        let row = shard::Entity::find_by_id(id.to_string()).one(&self.db.read).await?;
        row.map(convert::shard).transpose()
    }

    /// Takes a later epoch: from here nothing of the old one can commit. Answers false if somebody was first.
    pub(crate) async fn begin_epoch(&self, id: HallId, from: i64, next: i64) -> Result<bool, Error> {
        let update = shard::Entity::update_many()
            .col_expr(shard::Column::Epoch, Expr::value(next))
            .col_expr(shard::Column::State, Expr::value(convert::REBUILDING))
            .filter(shard::Column::Hall.eq(id.to_string()))
            .filter(shard::Column::Epoch.eq(from));
        Ok(update.exec(&self.db.write).await?.rows_affected == 1)
    }

    /// Opens an epoch that was taken. Answers false if somebody has taken a later one.
    pub(crate) async fn activate(&self, id: HallId, view: &View) -> Result<bool, Error> {
        let update = shard::Entity::update_many()
            .col_expr(shard::Column::State, Expr::value(convert::ACTIVE))
            .col_expr(shard::Column::RedisRunId, Expr::value(view.run_id.clone()))
            .filter(shard::Column::Hall.eq(id.to_string()))
            .filter(shard::Column::Epoch.eq(view.epoch));
        Ok(update.exec(&self.db.write).await?.rows_affected == 1)
    }

    /// The position before the log of the latest day: where a fold begins.
    pub(crate) async fn day_start(&self, id: HallId) -> Result<u64, Error> {
        let latest = event::Entity::find()
            .filter(event::Column::Hall.eq(id.to_string()))
            .filter(event::Column::Kind.eq(Kind::DayOpened.to_string()))
            .order_by_desc(event::Column::Seq)
            .select_only()
            .column(event::Column::Seq)
            .into_tuple::<i64>()
            .one(&self.db.read)
            .await?;
        Ok(latest.map_or(0, |seq| u64::try_from(seq).unwrap_or(1) - 1))
    }

    /// The committed entries behind `seq`, oldest first.
    pub(crate) async fn entries(&self, id: HallId, seq: u64) -> Result<Vec<Entry>, Error> {
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            let page = self.page(id, entries.last().map_or(seq, |entry| entry.seq)).await?;
            let full = page.len() as u64 == PAGE;
            for row in page {
                entries.push(convert::entry(row)?);
            }
            if !full {
                return Ok(entries);
            }
        }
    }

    /// As [`Self::entries`], as they go to Redis: nobody looks into them.
    pub(crate) async fn lines(&self, id: HallId, seq: u64) -> Result<Vec<Line>, Error> {
        let mut lines: Vec<Line> = Vec::new();
        loop {
            let page = self.page(id, lines.last().map_or(seq, |line| line.seq)).await?;
            let full = page.len() as u64 == PAGE;
            for row in page {
                lines.push(convert::line(row)?);
            }
            if !full {
                return Ok(lines);
            }
        }
    }

    /// Whether the committed log reads so up to this position.
    pub(crate) async fn holds(&self, id: HallId, seq: u64, chain: &str) -> Result<bool, Error> {
        if seq == 0 {
            return Ok(chain == GENESIS);
        }
        let row = event::Entity::find_by_id((id.to_string(), convert::position(seq)?))
            .select_only()
            .column(event::Column::Chain)
            .into_tuple::<String>()
            .one(&self.db.read)
            .await?;
        Ok(row.is_some_and(|there| there == chain))
    }

    async fn page(&self, id: HallId, after: u64) -> Result<Vec<event::Model>, Error> {
        Ok(event::Entity::find()
            .filter(event::Column::Hall.eq(id.to_string()))
            .filter(event::Column::Seq.gt(convert::position(after)?))
            .order_by_asc(event::Column::Seq)
            .limit(PAGE)
            .all(&self.db.read)
            .await?)
    }

    /// Commits whole entries behind `from` (position and chain) in one transaction: the shard row is locked and moved on if
    /// it stands there under this epoch, then every event and what is folded from it is written.
    pub(crate) async fn commit(
        &self,
        id: HallId,
        view: &View,
        from: &(u64, String),
        entries: &[Entry],
        dates: &[String],
    ) -> Result<Committed, Error> {
        let Some(last) = entries.last() else { return Ok(Committed::Done) };
        let backend = self.db.write.get_database_backend();
        // The row is handed back if it moved.
        let moving = shard::Entity::update_many()
            .col_expr(shard::Column::Seq, Expr::value(convert::position(last.seq)?))
            .col_expr(shard::Column::Chain, Expr::value(last.chain.clone()))
            .filter(shard::Column::Hall.eq(id.to_string()))
            .filter(shard::Column::Epoch.eq(view.epoch))
            .filter(shard::Column::State.eq(convert::ACTIVE))
            .filter(shard::Column::Seq.eq(convert::position(from.0)?))
            .filter(shard::Column::Chain.eq(from.1.as_str()))
            .into_query()
            .returning_col(shard::Column::Seq)
            .to_owned();
        let mut writes = Vec::new();
        for (entries, dates) in entries.chunks(CHUNK).zip(dates.chunks(CHUNK)) {
            let rows: Vec<_> = entries
                .iter()
                .zip(dates)
                .map(|(entry, date)| convert::event(id, view.epoch, date, entry))
                .collect::<Result<_, _>>()?;
            writes.push(event::Entity::insert_many(rows).build(backend));
        }
        tickets(backend, entries, &mut writes)?;
        servings(backend, id, entries, &mut writes)?;
        let tx = self.db.begin().await?;
        let written = match execute(&tx, backend.build(&moving), writes).await {
            Ok(written) => written,
            Err(error) => {
                // What another instance wrote at the same positions may be in the way.
                tx.rollback().await?;
                let stands = self.shard(id).await?.is_some_and(|shard| {
                    shard.active && (shard.epoch, shard.seq, &shard.chain) == (view.epoch, from.0, &from.1)
                });
                return if stands { Err(error.into()) } else { Ok(Committed::Fenced) };
            }
        };
        if !written {
            return Ok(Committed::Fenced);
        }
        tx.commit().await?;
        Ok(Committed::Done)
    }

    /// The tickets of a business day, as they stand now.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn tickets(&self, id: HallId, date: NaiveDate) -> Result<Vec<Ticket>, Error> {
        let rows = ticket::Entity::find()
            .filter(ticket::Column::Hall.eq(id.to_string()))
            .filter(ticket::Column::Date.eq(date.to_string()))
            .all(&self.db.read)
            .await?;
        rows.iter().map(convert::ticket).collect()
    }

    /// The events of a business day behind `after_seq`, oldest first, at most `limit`.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn events(
        &self,
        id: HallId,
        date: NaiveDate,
        after_seq: u64,
        limit: u64,
    ) -> Result<Vec<StoredEvent>, Error> {
        let rows = event::Entity::find()
            .filter(event::Column::Hall.eq(id.to_string()))
            .filter(event::Column::Date.eq(date.to_string()))
            .filter(event::Column::Seq.gt(convert::position(after_seq)?))
            .order_by_asc(event::Column::Seq)
            .limit(limit)
            .all(&self.db.read)
            .await?;
        rows.into_iter()
            .map(|row| {
                convert::entry(row).map(|entry| StoredEvent {
                    seq: entry.seq,
                    chain: entry.chain,
                    event: Arc::unwrap_or_clone(entry.event),
                })
            })
            .collect()
    }

    /// The latest business date that has events.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn latest_date(&self, id: HallId) -> Result<Option<NaiveDate>, Error> {
        let date = event::Entity::find()
            .filter(event::Column::Hall.eq(id.to_string()))
            .filter(event::Column::Kind.eq(Kind::DayOpened.to_string()))
            .order_by_desc(event::Column::Seq)
            .select_only()
            .column(event::Column::Date)
            .into_tuple::<String>()
            .one(&self.db.read)
            .await?;
        Ok(date.and_then(|date| date.parse().ok()))
    }

    /// A ticket of any day.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn ticket(&self, id: TicketId) -> Result<Option<Ticket>, Error> {
        let row = ticket::Entity::find_by_id(id.to_string()).one(&self.db.read).await?;
        row.as_ref().map(convert::ticket).transpose()
    }

    /// A ticket of any day by its public token.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn ticket_by_token(&self, token: &str) -> Result<Option<Ticket>, Error> {
        let row = ticket::Entity::find().filter(ticket::Column::Token.eq(token)).one(&self.db.read).await?;
        row.as_ref().map(convert::ticket).transpose()
    }

    /// The secret of a business date, the same for every instance; made when it is first asked for.
    pub(crate) async fn day_secret(&self, id: HallId, date: NaiveDate) -> Result<Vec<u8>, Error> {
        let key = (id.to_string(), date.to_string());
        let find = || day_secret::Entity::find_by_id(key.clone()).one(&self.db.read);
        if let Some(row) = find().await? {
            return Ok(row.secret);
        }
        let secret: [u8; 32] = rand::random();
        let row = day_secret::ActiveModel {
            hall: Set(key.0.clone()),
            date: Set(key.1.clone()),
            secret: Set(secret.to_vec()),
        };
        let first =
            OnConflict::columns([day_secret::Column::Hall, day_secret::Column::Date]).do_nothing().to_owned();
        day_secret::Entity::insert(row).on_conflict(first).exec_without_returning(&self.db.write).await?;
        let row = find().await?;
        row.map(|row| row.secret).ok_or_else(|| Error::Unavailable(anyhow::anyhow!("the day has just ended")))
    }

    /// Destroys the secrets of dates before `date`: what was digested with them says nothing any more.
    pub(crate) async fn forget_day_secrets(&self, id: HallId, date: NaiveDate) -> Result<(), Error> {
        day_secret::Entity::delete_many()
            .filter(day_secret::Column::Hall.eq(id.to_string()))
            .filter(day_secret::Column::Date.lt(date.to_string()))
            .exec(&self.db.write)
            .await?;
        Ok(())
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<(), Error> {
        shard::Entity::find().count(&self.db.read).await?;
        Ok(())
    }
}

/// Moves the shard row, and executes the other statements in order; `false`, and to be rolled back, when the row did not stand
/// where it was expected. On SQLite in one go: each trip to the thread that owns the connection costs as much as a statement
/// of one row.
async fn execute(tx: &DatabaseTransaction, moving: Statement, writes: Vec<Statement>) -> Result<bool, DbErr> {
    if tx.get_database_backend() == DbBackend::Sqlite {
        let all = || std::iter::once(&moving).chain(&writes);
        let sql = all().map(|one| one.sql.as_str()).collect::<Vec<_>>().join("; ");
        let values = all().filter_map(|one| one.values.clone()).flat_map(|values| values.0);
        // The moved row is the only one that comes back.
        let moved = tx.query_all_raw(Statement::from_sql_and_values(DbBackend::Sqlite, sql, values)).await?;
        return Ok(!moved.is_empty());
    }
    if tx.query_one_raw(moving).await?.is_none() {
        return Ok(false);
    }
    for statement in writes {
        tx.execute_raw(statement).await?;
    }
    Ok(true)
}

/// Each ticket as the last of these entries leaves it.
fn tickets(backend: DbBackend, entries: &[Entry], writes: &mut Vec<Statement>) -> Result<(), Error> {
    let mut last: HashMap<TicketId, &Ticket> = HashMap::new();
    for ticket in entries.iter().filter_map(|entry| entry.event.ticket.as_ref()) {
        last.insert(ticket.id, ticket);
    }
    let mut tickets: Vec<&Ticket> = last.into_values().collect();
    // Always in the same order, so that two writers cannot wait for each other's rows.
    tickets.sort_by_key(|ticket| ticket.id);
    for tickets in tickets.chunks(CHUNK) {
        let rows: Vec<_> =
            tickets.iter().map(|ticket| convert::ticket_row(ticket)).collect::<Result<_, _>>()?;
        let changed = [
            ticket::Column::Version,
            ticket::Column::State,
            ticket::Column::ServiceId,
            ticket::Column::AgencyId,
            ticket::Column::CounterId,
            ticket::Column::Body,
        ];
        let newest = OnConflict::column(ticket::Column::Id).update_columns(changed).to_owned();
        writes.push(ticket::Entity::insert_many(rows).on_conflict(newest).build(backend));
    }
    Ok(())
}

/// Who holds whom from when to when. Intervals that these entries both open and close are written closed.
fn servings(
    backend: DbBackend,
    hall: HallId,
    entries: &[Entry],
    writes: &mut Vec<Statement>,
) -> Result<(), Error> {
    let mut opened: Vec<(u64, TicketId, CounterId, Option<u64>)> = Vec::new();
    let mut closed: Vec<(TicketId, u64)> = Vec::new();
    for entry in entries {
        let Some(ticket) = &entry.event.ticket else { continue };
        let open = opened.iter_mut().find(|open| open.1 == ticket.id && open.3.is_none());
        match (ticket.is_held(), ticket.counter) {
            (true, Some(counter)) if is_call(entry.event.kind) => {
                opened.push((entry.seq, ticket.id, counter, None))
            }
            (true, _) => {}
            (false, _) if is_end_of_hold(&entry.event) => match open {
                Some(open) => open.3 = Some(entry.seq),
                None => closed.push((ticket.id, entry.seq)),
            },
            (false, _) => {}
        }
    }
    if !closed.is_empty() {
        let mut to_seq = CaseStatement::new();
        for (ticket, seq) in &closed {
            to_seq = to_seq.case(
                Expr::col(serving::Column::TicketId).eq(ticket.to_string()),
                Expr::value(convert::position(*seq)?),
            );
        }
        let closing = serving::Entity::update_many()
            .col_expr(serving::Column::ToSeq, to_seq.into())
            .filter(serving::Column::Hall.eq(hall.to_string()))
            .filter(serving::Column::ToSeq.is_null())
            .filter(serving::Column::TicketId.is_in(closed.iter().map(|(ticket, _)| ticket.to_string())));
        writes.push(closing.build(backend));
    }
    for opened in opened.chunks(CHUNK) {
        let rows = opened.iter().map(|(from, ticket, counter, to)| {
            Ok(serving::ActiveModel {
                hall: Set(hall.to_string()),
                from_seq: Set(convert::position(*from)?),
                to_seq: Set(to.map(convert::position).transpose()?),
                ticket_id: Set(ticket.to_string()),
                counter_id: Set(counter.to_string()),
            })
        });
        let rows = rows.collect::<Result<Vec<_>, Error>>()?;
        writes.push(serving::Entity::insert_many(rows).build(backend));
    }
    Ok(())
}

fn is_call(kind: Kind) -> bool {
    matches!(kind, Kind::TicketCalled | Kind::TicketCalledSpecific | Kind::TicketResumed)
}

/// Whether a counter may have held the ticket until this event. Closing an interval that is not open does nothing.
fn is_end_of_hold(event: &Event) -> bool {
    !matches!(event.kind, Kind::TicketIssued | Kind::TicketRestored)
}
