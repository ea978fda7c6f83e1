//! `mpp demo day`: a whole business day through the public API of a running suite, and the proof that its numbers hold.
//!
//! 1. The hall manager closes the day that is open and opens a fresh one; the demo calendar gives the next date.
//! 2. Everybody signs in. Kiosks issue tickets as visitors come; every counter calls, serves, parks, sends on, waits in
//!    vain, presses the wrong button, has breaks ([`super::play`]). Time runs `speed` times as fast as real time.
//! 3. At closing time, or when nobody is left, counters finish what they hold and the manager closes the day.
//! 4. The event log and the statistics are fetched, and every number is recomputed ([`super::verify`]).
//! 5. The next demo day opens, so that the hall stays open.
//!
//! In a hall with a real calendar the clock of the suite must run at the same speed; the day starts at the time of day
//! that the suite gave when it opened, and no new day follows.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use chrono::{Datelike as _, NaiveDate};
use clap::Args;
use mpp_proto::queue::v1::{
    Calendar, CloseDayResponse, DayState, Event, GetHallResponse, GetStatisticsResponse, Hall,
    ListEventsResponse, OpenDayResponse, StatisticsRow,
};
use serde_json::json;

use super::accounts::DemoAccounts;
use super::history::{Action, History, Operation, Outcome};
use super::plan::{self, Draw};
use super::play::{self, Cast};
use super::rest::{Rest, Session};
use super::verify::{self, Report};

/// Minutes before the first opening at which the played day begins: staff arrive.
const EARLY_MINUTES: f64 = 15.0;

/// What the command line takes.
#[derive(Debug, Clone, Args)]
pub struct DayArgs {
    /// How many visitors come.
    #[arg(long, default_value_t = 600, value_parser = clap::value_parser!(u32).range(1..=5000))]
    visitors: u32,
    /// How many times faster than real time the day runs, 1 to 600.
    #[arg(long, default_value_t = 60.0, value_parser = speed)]
    speed: f64,
    /// Where the suite answers [default: what the file of accounts says].
    #[arg(long)]
    base_url: Option<String>,
    /// The file of demo accounts that the suite wrote.
    #[arg(long, default_value = "./data/demo-accounts.json")]
    accounts: PathBuf,
    /// Seed of the visitors; the same seed sends the same visitors.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

fn speed(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(speed) if (1.0..=600.0).contains(&speed) => Ok(speed),
        Ok(_) | Err(_) => Err("give a number from 1 to 600".to_owned()),
    }
}

/// How a day is played.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many visitors come.
    pub visitors: usize,
    /// How many times faster than real time.
    pub speed: f64,
    /// Seed of everything random.
    pub seed: u64,
    /// Where the suite answers.
    pub base_url: String,
    /// Who signs in. The first hall is played.
    pub accounts: DemoAccounts,
    /// Whether progress is shown on standard error.
    pub progress: bool,
}

/// A day that was played and checked.
#[derive(Debug)]
pub struct PlayedDay {
    /// The hall.
    pub hall: Hall,
    /// The business date.
    pub date: String,
    /// Seconds of the played day in one second of the suite's clock, for reading durations: the speed in a demo calendar.
    pub scale: f64,
    /// How long it took.
    pub took: Duration,
    /// What the clients asked and were told.
    pub operations: Vec<Operation>,
    /// The log.
    pub events: Vec<Event>,
    /// The result of the checks.
    pub report: Report,
}

/// Plays a day as the command line asks and prints what came of it.
///
/// # Errors
/// When the suite does not answer, or any number differs.
pub async fn run(args: DayArgs) -> anyhow::Result<()> {
    let accounts = DemoAccounts::read(&args.accounts)?.with_context(|| {
        format!(
            "there is no {}: start the suite with its demo (script/server), or say --accounts",
            args.accounts.display()
        )
    })?;
    let options = Options {
        visitors: usize::try_from(args.visitors)?,
        speed: args.speed,
        seed: args.seed,
        base_url: args.base_url.unwrap_or_else(|| accounts.base_url.clone()),
        accounts,
        progress: true,
    };
    let played = play(&options).await?;
    writeln!(std::io::stdout().lock(), "{played}").context("cannot write to standard output")?;
    if !played.report.is_ok() {
        bail!("the numbers of {} differ; see above", played.date);
    }
    Ok(())
}

/// Plays a day and checks it. The result says what differs; an error says why there is no result.
///
/// # Errors
/// When the suite does not answer, refuses the manager, or the accounts are not those of a demo hall.
pub async fn play(options: &Options) -> anyhow::Result<PlayedDay> {
    Rehearsal::prepare(options.clone()).await?.play().await
}

/// A day that can begin: everybody has signed in, and the day before is closed.
pub struct Rehearsal {
    options: Options,
    cast: Cast,
    hall: Hall,
}

impl Rehearsal {
    /// Signs everybody in and closes the day that is open. In a real calendar an open day is an error: a date is opened
    /// once.
    ///
    /// # Errors
    /// As [`play`].
    pub async fn prepare(options: Options) -> anyhow::Result<Self> {
        let rest = Rest::new(&options.base_url)?;
        let cast = Cast::of(&rest, &options.accounts)?;
        cast.manager
            .sign_in()
            .await
            .with_context(|| format!("is the suite running at {}?", options.base_url))?;
        let hall = get_hall(&cast.manager, &cast.hall).await?;
        cast.sign_in().await?;
        if hall.day.as_ref().is_some_and(|day| day.state() == DayState::Open) {
            if hall.calendar() != Calendar::Demo {
                bail!("the day of {} is open already, and a real date is opened only once", hall.code);
            }
            close_day(&cast.manager, &hall.id).await?;
        }
        Ok(Self { options, cast, hall })
    }

    /// Opens the day, plays it, closes it, checks it; in a demo calendar the next day is open afterwards.
    ///
    /// # Errors
    /// As [`play`].
    pub async fn play(self) -> anyhow::Result<PlayedDay> {
        let played = self.fresh_day(Instant::now()).await;
        if self.is_demo() {
            // Whatever happened, the hall is left open.
            let reopened = open_day(&self.cast.manager, &self.hall.id).await;
            if played.is_ok() {
                reopened?;
            }
        }
        played
    }

    fn is_demo(&self) -> bool {
        self.hall.calendar() == Calendar::Demo
    }

    async fn fresh_day(&self, began: Instant) -> anyhow::Result<PlayedDay> {
        let Self { options, cast, hall } = self;
        let opened = play::open_day(cast, hall).await?;
        let date: NaiveDate =
            opened.day.date.parse().with_context(|| format!("business date {:?}", opened.day.date))?;
        let weekday = date.weekday().number_from_monday().cast_signed();
        let plan = plan::draw(hall, Draw { visitors: options.visitors, seed: options.seed, weekday });
        if plan.visitors.is_empty() {
            bail!("{} is closed on {date}", hall.code);
        }
        let starts = if self.is_demo() {
            plan.opens - EARLY_MINUTES * 60.0
        } else {
            opened.opened_at_second_of_day(hall)
        };
        let recorder = play::play(opened, cast, hall, plan, options, starts).await?;
        let events = list_events(&cast.manager, &hall.id, &date).await?;
        let path = format!("/v1/halls/{}/statistics", hall.id);
        let statistics = cast
            .manager
            .get::<GetStatisticsResponse>(&path, &[("date", &date.to_string())])
            .await
            .required("reading the statistics")?
            .statistics
            .context("the suite answered no statistics")?;
        let history = History { hall: hall.clone(), operations: recorder.operations(), events, statistics };
        let report = verify::verify(&history);
        Ok(PlayedDay {
            hall: hall.clone(),
            date: date.to_string(),
            scale: if self.is_demo() { options.speed } else { 1.0 },
            took: began.elapsed(),
            operations: history.operations,
            events: history.events,
            report,
        })
    }
}

async fn get_hall(manager: &Session, id: &str) -> anyhow::Result<Hall> {
    let answer: GetHallResponse =
        manager.get(&format!("/v1/halls/{id}"), &[]).await.required("reading the hall")?;
    answer.hall.context("the suite answered no hall")
}

async fn close_day(manager: &Session, hall: &str) -> anyhow::Result<()> {
    let path = format!("/v1/halls/{hall}:closeDay");
    manager
        .post::<CloseDayResponse>(&path, &play::request_id(), json!({}))
        .await
        .required("closing the day")?;
    Ok(())
}

async fn open_day(manager: &Session, hall: &str) -> anyhow::Result<()> {
    let path = format!("/v1/halls/{hall}:openDay");
    manager
        .post::<OpenDayResponse>(&path, &play::request_id(), json!({}))
        .await
        .required("opening the day")?;
    Ok(())
}

async fn list_events(manager: &Session, hall: &str, date: &NaiveDate) -> anyhow::Result<Vec<Event>> {
    let (path, date) = (format!("/v1/halls/{hall}/events"), date.to_string());
    let (mut events, mut token) = (Vec::new(), String::new());
    loop {
        let query = [("date", date.as_str()), ("pageSize", "1000"), ("pageToken", token.as_str())];
        let page: ListEventsResponse = manager.get(&path, &query).await.required("reading the event log")?;
        events.extend(page.events);
        if page.next_page_token.is_empty() {
            return Ok(events);
        }
        token = page.next_page_token;
    }
}

/// Shows progress to a person: a bar on a terminal, a line per hour elsewhere, or nothing.
pub(super) struct Progress {
    bar: Option<indicatif::ProgressBar>,
    lines: bool,
    last_hour: i64,
}

impl Progress {
    /// Progress over a day of `seconds`.
    pub(super) fn of(shown: bool, seconds: f64) -> Self {
        let terminal = shown && std::io::stderr().is_terminal();
        let style = indicatif::ProgressStyle::with_template("{msg} [{bar:40}] {percent:>3} %")
            .unwrap_or_else(|_| indicatif::ProgressStyle::default_bar())
            .progress_chars("=> ");
        // A day has fewer seconds than an integer holds.
        let bar = terminal.then(|| indicatif::ProgressBar::new(seconds.max(1.0) as u64).with_style(style));
        Self { bar, lines: shown && !terminal, last_hour: -1 }
    }

    /// The played clock shows `second` of the day, `passed` seconds after the start.
    pub(super) fn show(&mut self, second: f64, passed: f64, text: &str) {
        let minute = (second / 60.0) as i64;
        let line = format!("{:02}:{:02}  {text}", minute / 60, minute % 60);
        if let Some(bar) = &self.bar {
            bar.set_position(passed.max(0.0) as u64);
            bar.set_message(line);
        } else if self.lines && minute / 60 != self.last_hour {
            self.last_hour = minute / 60;
            // Progress is a courtesy: if nobody can read it, the day goes on.
            drop(writeln!(std::io::stderr().lock(), "{line}"));
        }
    }

    /// The day is over.
    pub(super) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl PlayedDay {
    /// Commands that were refused, by what was asked and the reason.
    #[must_use]
    pub fn refused(&self) -> BTreeMap<(Action, String), usize> {
        let mut refused = BTreeMap::new();
        for operation in &self.operations {
            if let Outcome::Refused(reason) = &operation.outcome {
                *refused.entry((operation.action, reason.clone())).or_default() += 1;
            }
        }
        refused
    }

    /// Commands whose outcome their client never learned.
    #[must_use]
    pub fn lost(&self) -> usize {
        self.operations.iter().filter(|operation| matches!(operation.outcome, Outcome::Unknown(_))).count()
    }

    /// Commands that were done, by what was asked.
    #[must_use]
    pub fn done(&self) -> BTreeMap<Action, usize> {
        let mut done = BTreeMap::new();
        for operation in &self.operations {
            if matches!(operation.outcome, Outcome::Done { .. }) {
                *done.entry(operation.action).or_default() += 1;
            }
        }
        done
    }
}

impl fmt::Display for PlayedDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let statistics = &self.report.statistics;
        writeln!(f, "{}, {}: played in {:.0} s", self.hall.name, self.date, self.took.as_secs_f64())?;
        writeln!(f)?;
        writeln!(f, "Legs by agency; waits and service in minutes of the played day")?;
        let heads = [
            "issued", "served", "no-show", "cancel", "sent on", "expired", "wait p50", "wait p90", "serv p50",
        ];
        write!(f, "  {:<12}", "agency")?;
        for head in heads {
            write!(f, "{head:>9}")?;
        }
        writeln!(f)?;
        for row in &statistics.agencies {
            let code = self
                .hall
                .agencies
                .iter()
                .find(|agency| agency.id == row.key)
                .map_or("", |agency| &agency.code);
            self.line(f, code, row)?;
        }
        if let Some(total) = &statistics.total {
            self.line(f, "all", total)?;
        }
        writeln!(f)?;
        let join = |parts: Vec<String>| parts.join(", ");
        writeln!(
            f,
            "Done:    {}",
            join(self.done().iter().map(|(action, times)| format!("{action:?} {times}")).collect())
        )?;
        let refused = self.refused();
        let refused = refused.iter().map(|((action, reason), times)| format!("{action:?} {reason} {times}"));
        writeln!(f, "Refused: {}", join(refused.collect()))?;
        writeln!(f, "Unknown: {}", self.lost())?;
        writeln!(f)?;
        writeln!(f, "{} events recomputed against {} commands:", self.events.len(), self.operations.len())?;
        write!(f, "{}", self.report)?;
        write!(f, "{}", if self.report.is_ok() { "OK: every number holds." } else { "The numbers differ." })
    }
}

impl PlayedDay {
    fn line(&self, f: &mut fmt::Formatter<'_>, name: &str, row: &StatisticsRow) -> fmt::Result {
        write!(f, "  {name:<12}")?;
        for count in [row.issued, row.served, row.no_show, row.cancelled, row.transferred, row.expired] {
            write!(f, "{count:>9}")?;
        }
        for seconds in [row.wait_p50_seconds, row.wait_p90_seconds, row.service_p50_seconds] {
            write!(f, "{:>9.0}", f64::from(seconds) * self.scale / 60.0)?;
        }
        writeln!(f)
    }
}
