//! What complaints does: a burst of webhooks, clocks that fall due together, lists and the board beside a million cases.
//!
//! Messages are those of a WhatsApp account whose secret the suite was started with. They were sent as long ago as the
//! promise to react takes, less a few minutes: so the clocks of all of them fall due in one minute of this run. The many
//! cases are rows straight in the database, in the shape that the service writes; nothing but lists and board reads them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use chrono::{DateTime, TimeDelta, Utc};
use mpp::demo::accounts::DemoAccounts;
use mpp::demo::rest::{Credentials, Rest, Session};
use mpp::seeding::Bearer;
use mpp_kit::clock::{Clock as _, SystemClock};
use mpp_kit::db::Db;
use mpp_proto::complaints::v1 as complaints;
use mpp_proto::complaints::v1::complaints_service_client::ComplaintsServiceClient;
use mpp_proto::complaints::v1::{BoardMeasure, WorkList};
use sea_orm::sea_query::{Expr, OnConflict, Query};
use sea_orm::{ConnectionTrait as _, Statement, TransactionTrait as _};
use serde::Serialize;
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};

use super::database::{Database, number};
use super::measure::{Sample, Samples};
use crate::harness::complaints::signature;

/// Deliveries of a second.
pub const PER_SECOND: usize = 500;
/// Seconds of the burst.
const SECONDS: usize = 30;
/// One delivery in so many was delivered before.
const REPEATED: usize = 10;
/// Deliveries on the way at most: a suite that falls behind is waited for, and its latency says so.
const IN_FLIGHT: usize = 256;
/// Messages that show how fast messages become cases, before the burst.
const TRIAL: usize = 400;
/// How long the promise to react runs: row D12 of the deadlines that ship.
const PROMISE: TimeDelta = TimeDelta::hours(4);
/// How long clocks are waited for.
const PATIENCE: Duration = Duration::from_secs(120);
/// Cases in the table while lists are read; the last is `--cases`.
pub const SHALLOW: usize = 10_000;
/// Of so many cases one is open, and of so many open ones one is late.
const OPEN: usize = 10;
const LATE: usize = 5;
/// Reads of a list in a round.
const READS: usize = 300;
/// Rows of a statement that fills the table: 24 columns each; SQLite binds 32,766 values, PostgreSQL 65,535.
const ROWS: usize = 1_000;
/// Between two looks at the tables, and between two words about them.
const LOOK: Duration = Duration::from_millis(200);
const TELL: Duration = Duration::from_secs(10);
/// Pages that are read one after the other before the first is read again.
const DEEP: usize = 15;
/// Cases of a category that few are about, and one case in so many.
const RARE: &str = "MPP";
const SELDOM: usize = 199;
/// The moments at which the cases were received lie within so many seconds.
const TWO_YEARS: i64 = 2 * 365 * 86_400;
/// A slot of the counts of the board that the service does not use.
const SLOT: i32 = 1_000_000;
/// The first second of the year 9999, where the service puts cases without a clock.
const END_OF_TIME: i64 = 253_370_764_800;
/// What the numbers of the copies begin with.
const PREFIX: &str = "BEBAN-";

/// Desks that the many cases stand on.
const DESKS: [&str; 5] = ["17.07/pupr", "17.07/dinkes", "17.07/dukcapil", "17.07/dpmptsp", COORDINATOR];
/// The desk of what no agency has.
const COORDINATOR: &str = "coordinator";
/// The columns of a case, in the order of their values.
const COLUMNS: [&str; 24] = [
    "id",
    "number",
    "version",
    "class",
    "state",
    "category",
    "channel",
    "village",
    "latitude",
    "longitude",
    "lead_agency",
    "desk",
    "secrecy",
    "is_public",
    "is_closed",
    "late",
    "received_at",
    "updated_at",
    "closed_at",
    "due_at",
    "sort_at",
    "next_at",
    "forgotten_at",
    "body",
];
/// The desk whose officer reads a list.
const DESK: &str = "17.07/pupr";
/// Of so many cases of other desks it helps with one: with those that are open still, with the others until they were closed.
const HELPED: usize = 19;

/// The lists that are read: of the coordinator, of the regent, of an officer, of the coordinator by category.
pub const LISTS: [&str; 4] = ["all cases", "late cases", "cases of an officer", "cases of a category"];
/// The board, and the cases that a number of it counts.
pub const BOARD: [&str; 2] = ["board of lateness", "number of the board"];

/// The name of a reading while so many cases lie in the table.
#[must_use]
pub fn among(what: &str, cases: usize) -> String {
    format!("{what} among {cases}")
}

type Client = ComplaintsServiceClient<InterceptedService<Channel, Bearer>>;

mpp_kit::ids! {
    /// A case, as complaints numbers them.
    CaseId = "cmp";
}

/// The account of the webhooks.
#[derive(Debug, Clone)]
pub struct Hook {
    /// Its key in the settings.
    pub account: String,
    /// The secret of its app.
    pub secret: String,
}

/// What a burst and the clocks after it did.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Burst {
    /// Deliveries in a second, as they were answered.
    pub answered_per_second: f64,
    /// Messages that were delivered, each counted once.
    pub messages: usize,
    /// Deliveries of messages that were delivered before.
    pub repeated: usize,
    /// Messages that became cases in a second, after the burst.
    pub placed_per_second: f64,
    /// Clocks that fell due in the same minute.
    pub clocks: usize,
    /// Seconds from that moment until the last was marked late and its step of the ladder taken.
    pub marked_after: f64,
}

/// The desk of the load.
pub struct Desk {
    base_url: String,
    http: reqwest::Client,
    run: String,
    db: Db,
    channel: Channel,
    regent: Session,
    coordinator: Session,
    officer: Session,
}

impl Desk {
    /// Signs in and opens the database of complaints.
    ///
    /// # Errors
    /// When the suite does not answer, or has no demo.
    pub async fn prepare(
        base_url: &str,
        accounts: &DemoAccounts,
        database: &Database,
    ) -> anyhow::Result<Self> {
        let rest = Rest::new(base_url)?;
        let session = async |username: &str| {
            let found = accounts.accounts.iter().find(|it| it.username == username);
            let account = found.with_context(|| format!("the file of accounts names no {username}"))?;
            let session = rest.session(Credentials::Staff {
                username: account.username.clone(),
                password: account.password.clone(),
            });
            session.sign_in().await.with_context(|| format!("is the suite running at {base_url}?"))?;
            anyhow::Ok(session)
        };
        Ok(Self {
            base_url: base_url.to_owned(),
            http: reqwest::Client::builder().tcp_nodelay(true).build()?,
            run: format!("{:08x}", rand::random::<u32>()),
            db: database.open("complaints").await?,
            channel: Endpoint::from_shared(base_url.to_owned())?.tcp_nodelay(true).connect_lazy(),
            regent: session("bupati").await?,
            coordinator: session("aduan.koordinator").await?,
            officer: session("pupr.aduan").await?,
        })
    }

    async fn client(&self, session: &Session) -> anyhow::Result<Client> {
        let bearer = Bearer::new(&session.access_token().await?)?;
        Ok(ComplaintsServiceClient::with_interceptor(self.channel.clone(), bearer))
    }

    /// Delivers a burst of messages, waits until each is a case, and until all their clocks fell due.
    ///
    /// # Errors
    /// When a delivery is refused, or a message was lost or doubled.
    pub async fn burst(
        &self,
        hook: &Hook,
        samples: &mut Samples,
        tell: &dyn Fn(&str),
    ) -> anyhow::Result<Burst> {
        tell("messages: how fast they become cases");
        let first = whole_seconds(SystemClock.now() - TimeDelta::seconds(1))?;
        self.deliver(hook, "percobaan", &(0..TRIAL).collect::<Vec<_>>(), first).await?;
        let rate = self.placed(first, TRIAL, &|_| ()).await?;

        let deliveries = deliveries(PER_SECOND * SECONDS);
        let messages = deliveries.iter().collect::<BTreeSet<_>>().len();
        let needed = SECONDS as f64 + messages as f64 / rate * 1.5 + 60.0;
        let due = whole_seconds(SystemClock.now() + TimeDelta::seconds(needed as i64))?;
        tell(&format!(
            "{PER_SECOND} deliveries a second for {SECONDS} s; {messages} clocks fall due in {needed:.0} s"
        ));
        let sent_at = due - PROMISE;
        let sample = self.deliver(hook, "semburan", &deliveries, sent_at).await?;
        let answered_per_second = sample.per_second();
        samples.push("webhook message", sample);
        let placed_per_second = self
            .placed(sent_at, messages, &|done| tell(&format!("messages: {done} of {messages} are cases")))
            .await?;
        ensure!(
            SystemClock.now() < due,
            "the clocks fell due before the last message was a case: run it on a quieter machine"
        );
        let early = self.late(sent_at).await?;
        ensure!(early == (0, 0), "{} clocks are late before their time", early.0);
        tell(&format!("waiting until {messages} clocks fall due, at {due}"));
        Ok(Burst {
            answered_per_second,
            messages,
            repeated: PER_SECOND * SECONDS - messages,
            placed_per_second,
            clocks: messages,
            marked_after: self.marked(due, messages).await?,
        })
    }

    /// Delivers messages at the pace of the burst. A latency counts from the moment a delivery was to be sent.
    async fn deliver(
        &self,
        hook: &Hook,
        what: &str,
        deliveries: &[usize],
        sent_at: DateTime<Utc>,
    ) -> anyhow::Result<Sample> {
        let url = format!("{}/hooks/whatsapp/{}", self.base_url, hook.account);
        let places = Arc::new(Semaphore::new(IN_FLIGHT));
        let mut running = JoinSet::new();
        let began = Instant::now();
        for (nth, message) in deliveries.iter().enumerate() {
            let planned = began + Duration::from_secs(1) * u32::try_from(nth)? / u32::try_from(PER_SECOND)?;
            tokio::time::sleep_until(planned.into()).await;
            let place = Arc::clone(&places).acquire_owned().await?;
            let body = self.message(what, *message, sent_at)?;
            let request = self
                .http
                .post(&url)
                .header("x-hub-signature-256", signature(&hook.secret, &body))
                .body(body)
                .send();
            running.spawn(async move {
                let answer = request.await.context("delivering a message")?;
                ensure!(answer.status() == 200, "a delivery was answered {}", answer.status());
                drop(place);
                Ok(planned.elapsed())
            });
        }
        let mut sample = Sample::default();
        while let Some(ended) = running.join_next().await {
            sample.latencies.push(ended??);
        }
        sample.elapsed = began.elapsed();
        Ok(sample)
    }

    /// What Meta posts for one message of a citizen.
    fn message(&self, what: &str, nth: usize, sent_at: DateTime<Utc>) -> anyhow::Result<Vec<u8>> {
        let run = u32::from_str_radix(&self.run, 16)?;
        let from = format!("62{:05}{:06}", run % 100_000, nth + if what == "semburan" { 100_000 } else { 0 });
        let text = format!("{PREFIX}{} {what}: jalan berlubang di depan pasar, nomor {nth}", self.run);
        let message = json!({
            "from": from, "id": format!("wamid.{}.{what}.{nth}", self.run), "type": "text",
            "timestamp": sent_at.timestamp().to_string(), "text": { "body": text },
        });
        let value = json!({
            "messaging_product": "whatsapp",
            "metadata": { "display_phone_number": "62511000000", "phone_number_id": "100" },
            "contacts": [{ "wa_id": from, "profile": { "name": "Warga Uji Beban" } }],
            "messages": [message],
        });
        let body = json!({
            "object": "whatsapp_business_account",
            "entry": [{ "id": "1", "changes": [{ "field": "messages", "value": value }] }],
        });
        Ok(serde_json::to_vec(&body)?)
    }

    /// Messages of a delivery that are stored, and cases that were made of them.
    async fn counted(&self, sent_at: DateTime<Utc>) -> anyhow::Result<(usize, usize)> {
        let stored = "SELECT COUNT(*) FROM channel_message WHERE received_at = $1";
        let placed = "SELECT COUNT(DISTINCT complaint_id) FROM channel_message WHERE received_at = $1";
        Ok((
            number(&self.db, stored, vec![sent_at.into()]).await?,
            number(&self.db, placed, vec![sent_at.into()]).await?,
        ))
    }

    /// Waits until each message of a delivery is a case of its own; answers how many a second became one.
    async fn placed(
        &self,
        sent_at: DateTime<Utc>,
        messages: usize,
        tell: &dyn Fn(usize),
    ) -> anyhow::Result<f64> {
        let (stored, first) = self.counted(sent_at).await?;
        ensure!(stored == messages, "{messages} messages were delivered, {stored} are there");
        let began = Instant::now();
        let (mut done, mut moved, mut told) = (first, Instant::now(), Instant::now());
        while done < messages {
            tokio::time::sleep(LOOK).await;
            let (_, now) = self.counted(sent_at).await?;
            if now > done {
                (done, moved) = (now, Instant::now());
            }
            ensure!(moved.elapsed() < PATIENCE, "{done} of {messages} messages became cases, and no more");
            if told.elapsed() > TELL {
                tell(done);
                told = Instant::now();
            }
        }
        let cases = "SELECT COUNT(*) FROM complaint WHERE received_at = $1";
        let cases = number(&self.db, cases, vec![sent_at.into()]).await?;
        ensure!(cases == messages, "{messages} messages became {cases} cases");
        Ok((messages - first) as f64 / began.elapsed().as_secs_f64().max(1e-9))
    }

    /// How many cases of a delivery are late, and of how many the step of the ladder was taken that belongs to it.
    async fn late(&self, sent_at: DateTime<Utc>) -> anyhow::Result<(usize, usize)> {
        let marked = "SELECT COUNT(*) FROM complaint WHERE received_at = $1 AND late = $2";
        let taken = "SELECT COUNT(*) FROM complaint JOIN escalation ON escalation.complaint_id = complaint.id \
                     WHERE complaint.received_at = $1 AND escalation.clock = 'REACTION' AND escalation.percent = 100";
        Ok((
            number(&self.db, marked, vec![sent_at.into(), true.into()]).await?,
            number(&self.db, taken, vec![sent_at.into()]).await?,
        ))
    }

    /// Waits until the clocks of all cases of a delivery are marked late and escalated; answers how many seconds after
    /// they fell due.
    async fn marked(&self, due: DateTime<Utc>, messages: usize) -> anyhow::Result<f64> {
        let wait = (due - SystemClock.now()).to_std().unwrap_or_default();
        tokio::time::sleep(wait).await;
        let until = due + TimeDelta::from_std(PATIENCE)?;
        loop {
            let found = self.late(due - PROMISE).await?;
            let now = SystemClock.now();
            if found == (messages, messages) {
                return Ok((now - due).as_seconds_f64());
            }
            ensure!(
                found.0 <= messages && found.1 <= messages && now < until,
                "{messages} clocks fell due, {} are marked and {} escalated",
                found.0,
                found.1
            );
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Reads the lists and the board while so many cases lie in the table.
    ///
    /// # Errors
    /// When another number is there, or a page is not full.
    pub async fn lists(
        &self,
        depth: usize,
        samples: &mut Samples,
        tell: &dyn Fn(usize),
    ) -> anyhow::Result<()> {
        self.fill(depth, tell).await?;
        let list = |list: WorkList| complaints::ListComplaintsRequest {
            list: list.into(),
            page_size: 50,
            ..Default::default()
        };
        let mut page = async |what: &str, session: &Session, request: complaints::ListComplaintsRequest| {
            let mut client = self.client(session).await?;
            let mut sample = Sample::default();
            let mut request = request;
            for nth in 0..READS {
                let began = Instant::now();
                let answer = client.list_complaints(request.clone()).await.context("a list")?.into_inner();
                sample.latencies.push(began.elapsed());
                let (found, next) = (answer.complaints.len(), answer.next_page_token);
                ensure!(found == 50 || (found > 0 && next.is_empty()), "{what}: a page of {found}");
                // The first page, the second, …, and again the first: a page far down costs what the first one costs.
                request.page_token = if nth % DEEP == DEEP - 1 { String::new() } else { next };
            }
            sample.elapsed = sample.latencies.iter().sum();
            samples.push(among(what, depth), sample);
            anyhow::Ok(())
        };
        page(LISTS[0], &self.coordinator, list(WorkList::Unspecified)).await?;
        page(LISTS[1], &self.regent, list(WorkList::Late)).await?;
        page(LISTS[2], &self.officer, list(WorkList::Mine)).await?;
        let of_category =
            complaints::ListComplaintsRequest { category: RARE.to_owned(), ..list(WorkList::Unspecified) };
        page(LISTS[3], &self.coordinator, of_category).await?;

        let mut client = self.client(&self.regent).await?;
        let (mut board, mut opened) = (Sample::default(), Sample::default());
        for _ in 0..READS {
            let began = Instant::now();
            let answer = client.get_board(complaints::GetBoardRequest {}).await.context("the board")?;
            board.latencies.push(began.elapsed());
            let rows = answer.into_inner().board.unwrap_or_default().rows;
            let late = rows.iter().flat_map(|it| &it.numbers).filter(|it| it.measure() == BoardMeasure::Late);
            let late: i64 = late.map(|it| it.count).sum();
            ensure!(late >= i64::try_from(depth / OPEN / LATE)?, "the board counts {late} late cases");
            let request = complaints::ListBoardCasesRequest {
                agency: DESK.replace('/', "~"),
                measure: BoardMeasure::Late.into(),
                page_size: 50,
                ..Default::default()
            };
            let began = Instant::now();
            let answer = client.list_board_cases(request).await.context("a number of the board")?;
            opened.latencies.push(began.elapsed());
            let found = answer.into_inner().complaints.len();
            ensure!(found >= 50.min(depth / OPEN / LATE / DESKS.len()), "a number opens {found} cases");
        }
        for (what, mut sample) in [(BOARD[0], board), (BOARD[1], opened)] {
            sample.elapsed = sample.latencies.iter().sum();
            samples.push(among(what, depth), sample);
        }
        Ok(())
    }

    /// Adds cases until there are so many of the load: nine of ten closed, one of fifty late.
    async fn fill(&self, wanted: usize, tell: &dyn Fn(usize)) -> anyhow::Result<()> {
        let count = format!("SELECT COUNT(*) FROM complaint WHERE number LIKE '{PREFIX}%'");
        let mut have = number(&self.db, &count, Vec::new()).await?;
        let now = SystemClock.now();
        let mut told = Instant::now();
        while have < wanted {
            let until = (have + ROWS).min(wanted);
            self.add(have..until, now).await.context("adding cases")?;
            have = until;
            if told.elapsed() > TELL {
                tell(have);
                told = Instant::now();
            }
        }
        let there = number(&self.db, &count, Vec::new()).await?;
        ensure!(there == have, "{there} cases are there where {have} should be");
        let lines = format!(
            "INSERT INTO complaint_line (complaint_id, version, desk, class, category, channel, entered_at, from_at, to_at) \
             SELECT id, version, desk, class, category, channel, received_at, received_at, NULL FROM complaint \
             WHERE number LIKE '{PREFIX}%' AND id NOT IN (SELECT complaint_id FROM complaint_line)"
        );
        self.db.write.execute_unprepared(&lines).await?;
        // What a database does by itself within minutes, and not within the minute that this takes.
        self.db.write.execute_unprepared("ANALYZE").await?;
        Ok(())
    }

    async fn add(&self, which: std::ops::Range<usize>, now: DateTime<Utc>) -> anyhow::Result<()> {
        let mut cases = Query::insert();
        cases.into_table("complaint").columns(COLUMNS);
        let mut marks = Query::insert();
        marks.into_table("board_mark").columns(["complaint_id", "measure", "desk", "sort_at", "since"]);
        let mut helpers = Query::insert();
        helpers.into_table("helper").columns(["complaint_id", "agency_id", "due_at", "done_at"]);
        let mut helps = false;
        let mut counts: BTreeMap<(&str, &str), i64> = BTreeMap::new();
        for nth in which {
            let id = CaseId::generate().to_string();
            // Spread over all desks, whether open or late.
            let desk = DESKS[nth / OPEN / LATE % DESKS.len()];
            let (open, late) = (nth % OPEN == 0, nth % (OPEN * LATE) == 0);
            let received = now - TimeDelta::seconds(i64::try_from(nth)? * 60 % TWO_YEARS);
            let ahead = if late { -60 } else { 90_000 + i64::try_from(nth)? };
            let due = open.then(|| now + TimeDelta::seconds(ahead));
            let sort_at = due.unwrap_or_else(end_of_time);
            let lead = if desk == COORDINATOR { "" } else { desk };
            let state = match (open, desk) {
                (false, _) => "SETTLED",
                (true, COORDINATOR) => "NEW",
                (true, _) => "IN_PROGRESS",
            };
            let category = if nth % SELDOM == 0 { RARE } else { "UMUM" };
            cases.values([
                id.as_str().into(),
                format!("{PREFIX}{nth}").into(),
                1.into(),
                "COMPLAINT".into(),
                state.into(),
                category.into(),
                "WEB".into(),
                "17.07.05.2003".into(),
                Expr::value(Option::<f64>::None),
                Expr::value(Option::<f64>::None),
                lead.into(),
                desk.into(),
                "ANONYMOUS".into(),
                false.into(),
                (!open).into(),
                late.into(),
                Expr::value(received),
                Expr::value(received),
                Expr::value((!open).then_some(now)),
                Expr::value(due),
                Expr::value(sort_at),
                Expr::value(Option::<DateTime<Utc>>::None),
                Expr::value(Option::<DateTime<Utc>>::None),
                // As long as the sealed body of a short case; nothing here opens it.
                "x".repeat(3_000).into(),
            ])?;
            if desk != DESK && nth % HELPED == 0 {
                helps = true;
                let done = (!open).then_some(now);
                helpers.values([id.as_str().into(), DESK.into(), Expr::value(sort_at), Expr::value(done)])?;
            }
            let mut mark = |measure: &'static str| {
                *counts.entry((desk, measure)).or_default() += 1;
                let since = due.filter(|_| late && measure != "OPEN").unwrap_or(received);
                let row = [
                    id.as_str().into(),
                    measure.into(),
                    desk.into(),
                    Expr::value(sort_at),
                    Expr::value(since),
                ];
                marks.values(row).map(|_| ())
            };
            if open {
                mark("OPEN")?;
            }
            if late {
                mark("LATE")?;
                mark("LATE_SETTLE")?;
            }
        }
        let mut kept = Query::insert();
        kept.into_table("board_count").columns(["desk", "measure", "slot", "n"]);
        for ((desk, measure), n) in counts {
            kept.values([desk.into(), measure.into(), SLOT.into(), n.into()])?;
        }
        let sum = Expr::cust("board_count.n + excluded.n");
        kept.on_conflict(OnConflict::columns(["desk", "measure", "slot"]).value("n", sum).to_owned());
        let tx = self.db.write.begin().await?;
        for statement in [cases, marks, kept] {
            tx.execute(&statement).await?;
        }
        if helps {
            tx.execute(&helpers).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Removes the many cases. What was delivered stays: it was real.
    ///
    /// # Errors
    /// When a row cannot be removed.
    pub async fn clear(&self) -> anyhow::Result<()> {
        let backend = self.db.write.get_database_backend();
        for sql in [
            format!(
                "DELETE FROM helper WHERE complaint_id IN (SELECT id FROM complaint WHERE number LIKE '{PREFIX}%')"
            ),
            format!(
                "DELETE FROM board_mark WHERE complaint_id IN (SELECT id FROM complaint WHERE number LIKE '{PREFIX}%')"
            ),
            format!(
                "DELETE FROM complaint_line WHERE complaint_id IN (SELECT id FROM complaint WHERE number LIKE '{PREFIX}%')"
            ),
            format!("DELETE FROM complaint WHERE number LIKE '{PREFIX}%'"),
            format!("DELETE FROM board_count WHERE slot = {SLOT}"),
        ] {
            self.db
                .write
                .execute_raw(Statement::from_string(backend, sql))
                .await
                .context("removing cases")?;
        }
        self.db.clone().close().await.map_err(anyhow::Error::from)
    }
}

/// Which message each delivery brings: one in [`REPEATED`] was delivered before, a little while or long ago.
fn deliveries(count: usize) -> Vec<usize> {
    let mut deliveries = Vec::with_capacity(count);
    let mut fresh = 0;
    for nth in 0..count {
        if nth % REPEATED == REPEATED - 1 {
            deliveries.push(rand::random_range(0..fresh));
        } else {
            deliveries.push(fresh);
            fresh += 1;
        }
    }
    deliveries
}

/// The wire of WhatsApp tells whole seconds.
fn whole_seconds(at: DateTime<Utc>) -> anyhow::Result<DateTime<Utc>> {
    DateTime::from_timestamp(at.timestamp(), 0).context("a moment")
}

/// Where cases without a clock stand in lists, as the service writes it.
fn end_of_time() -> DateTime<Utc> {
    DateTime::from_timestamp(END_OF_TIME, 0).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_of_the_deliveries_was_delivered_before() {
        let deliveries = deliveries(1_000);
        let messages: BTreeSet<_> = deliveries.iter().copied().collect();
        assert_eq!((deliveries.len(), messages.len()), (1_000, 900));
        assert_eq!(messages, (0..900).collect());
    }

    #[test]
    fn a_delivery_is_signed_as_the_standard_says() {
        // RFC 4231, test case 2.
        let told = signature("Jefe", b"what do ya want for nothing?");
        assert_eq!(told, "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }
}
