//! What SQL holds: the log, and what is folded from it for reading past days. Every query names its hall.

mod batch;
mod convert;
mod entity;
mod verify;

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use mpp_kit::db::Db;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, EntityTrait as _, PaginatorTrait as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _,
};

use crate::domain::event::{Event, Kind};
use crate::domain::ticket::Ticket;
use crate::domain::{HallId, TicketId};
use crate::error::Error;
use crate::hall::log::{Entry, GENESIS, Line, View};
use batch::Batch;
use entity::{day_secret, event, hall, shard, ticket};

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
        let batch = Batch::of(id, view.epoch, from, (entries, last), dates)?;
        match batch.write(&self.db).await {
            Ok(true) => Ok(Committed::Done),
            Ok(false) => Ok(Committed::Fenced),
            // Whether it was committed is told by the shard row, to whoever reaches SQL again.
            Err(error) if mpp_kit::db::is_unavailable(&error) => Err(error.into()),
            Err(error) => {
                // What another instance wrote at the same positions may be in the way.
                let stands = self.shard(id).await?.is_some_and(|shard| {
                    shard.active && (shard.epoch, shard.seq, &shard.chain) == (view.epoch, from.0, &from.1)
                });
                if stands { Err(error.into()) } else { Ok(Committed::Fenced) }
            }
        }
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
