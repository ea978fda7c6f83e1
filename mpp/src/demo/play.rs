//! The people of a played day: who signs in, the clock they go by, what each sends to the API.
//!
//! Each counter is a task ([`desk`]), each visitor who comes, comes back or leaves is a short task ([`door`]). They share
//! a [`Stage`]. Commands go out through [`Stage::command`], which writes down what was asked and what was answered.

mod desk;
mod door;

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use futures::{StreamExt as _, TryStreamExt as _};
use mpp_proto::queue::v1 as queue;
use mpp_proto::queue::v1::{Calendar, Counter, Day, Hall, Ticket};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::accounts::{Account, DemoAccounts};
use super::day::{Options, Progress};
use super::history::{Action, Operation, Outcome, Recorder};
use super::plan::{DayPlan, Visitor};
use super::rest::{Answer, Credentials, Rest, Session};
use super::verify::recompute::hours_ahead;
use super::wire::Named;

/// Minutes after the last closing until which counters go on serving those who wait.
const OVERTIME_MINUTES: f64 = 30.0;

/// Seconds between two announcements of a ticket whose service does not say.
const RECALL_GAP: i32 = 10;

/// Sign-ins at once: each costs the suite a deliberately slow hash.
const SIGN_INS: usize = 4;

/// A request id: 128 random bits.
pub(super) fn request_id() -> String {
    format!("{:032x}", rand::random::<u128>())
}

/// Somebody signed in, by name.
#[derive(Debug, Clone)]
struct Person {
    name: String,
    session: Arc<Session>,
}

/// Everybody who takes part.
pub(super) struct Cast {
    /// Id of the hall.
    pub(super) hall: String,
    /// The hall manager.
    pub(super) manager: Arc<Session>,
    reception: Person,
    kiosks: Vec<Person>,
    /// Counter staff by the counter they are bound to.
    staff: HashMap<String, Person>,
    /// Supervisors by agency.
    supervisors: HashMap<String, Person>,
}

impl Cast {
    /// The people of the first hall of a file of demo accounts.
    pub(super) fn of(rest: &Rest, accounts: &DemoAccounts) -> anyhow::Result<Self> {
        let hall = accounts.halls.first().context("the file of accounts names no hall")?.id.clone();
        let person = |account: &Account| Person {
            name: account.username.clone(),
            session: Arc::new(rest.session(Credentials::Staff {
                username: account.username.clone(),
                password: account.password.clone(),
            })),
        };
        let with_role = |role: &str| {
            let account =
                accounts.accounts.iter().find(|account| account.role == role && account.hall == hall);
            account.map(person).ok_or_else(|| anyhow!("the file of accounts names no {role} of hall {hall}"))
        };
        let kiosks: Vec<Person> = accounts
            .devices
            .iter()
            .filter(|device| device.kind == "kiosk" && device.hall == hall)
            .enumerate()
            .map(|(nth, device)| Person {
                name: format!("kiosk {}", nth + 1),
                session: Arc::new(rest.session(Credentials::Device { key: device.key.clone() })),
            })
            .collect();
        if kiosks.is_empty() {
            return Err(anyhow!("the file of accounts names no kiosk of hall {hall}"));
        }
        let here = |role: &'static str| {
            accounts
                .accounts
                .iter()
                .filter(move |account| account.role == role)
                .filter(|account| account.hall == hall)
        };
        let staff = here("counter")
            .filter_map(|account| account.counters.first().map(|counter| (counter.clone(), person(account))))
            .collect();
        let supervisors =
            here("agency_supervisor").map(|account| (account.agency.clone(), person(account))).collect();
        Ok(Self {
            manager: with_role("hall_manager")?.session,
            reception: with_role("reception")?,
            kiosks,
            staff,
            supervisors,
            hall: hall.clone(),
        })
    }

    /// Signs everybody in.
    pub(super) async fn sign_in(&self) -> anyhow::Result<()> {
        let people = self
            .kiosks
            .iter()
            .chain([&self.reception])
            .chain(self.staff.values())
            .chain(self.supervisors.values());
        let sessions: Vec<Arc<Session>> = people.map(|person| Arc::clone(&person.session)).collect();
        futures::stream::iter(sessions)
            .map(|session| async move { session.sign_in().await })
            .buffer_unordered(SIGN_INS)
            .try_collect::<Vec<()>>()
            .await?;
        Ok(())
    }
}

/// A fresh day.
pub(super) struct OpenedDay {
    /// The day, as it was answered.
    pub(super) day: Day,
    recorder: Recorder,
    at: Instant,
}

impl OpenedDay {
    /// The wall clock of the hall when the suite opened the day, in seconds since midnight.
    pub(super) fn opened_at_second_of_day(&self, hall: &Hall) -> f64 {
        let utc = self.day.open_time.map_or(0, |time| time.seconds);
        (utc + hours_ahead(hall.time_zone()) * 3600).rem_euclid(86_400) as f64
    }
}

/// Opens a fresh day and begins to write down.
pub(super) async fn open_day(cast: &Cast, hall: &Hall) -> anyhow::Result<OpenedDay> {
    let recorder = Recorder::default();
    let path = format!("/v1/halls/{}:openDay", hall.id);
    let order = Order { action: Action::OpenDay, ticket: None, counter: None };
    let manager = Person { name: "manager".to_owned(), session: Arc::clone(&cast.manager) };
    let shown = send::<queue::OpenDayResponse>(&recorder, &manager, order, &path, json!({})).await;
    let day = shown.required("opening the day")?.day.context("the suite answered no day")?;
    Ok(OpenedDay { day, recorder, at: Instant::now() })
}

/// What a command shows when it is done.
#[derive(Debug, Clone, Default, PartialEq)]
struct Shown {
    ticket: Option<Ticket>,
    counter: Option<Counter>,
    day: Option<Day>,
}

/// Answers of commands.
trait Shows: Named {
    fn shown(self) -> Shown;
}

macro_rules! shows {
    ($field:ident: $($name:ident),+) => {$(
        impl Shows for queue::$name {
            fn shown(self) -> Shown {
                Shown { $field: self.$field, ..Shown::default() }
            }
        }
    )+};
}

shows!(ticket: IssueTicketResponse, CallNextResponse, CallTicketResponse, RecallTicketResponse, StartTicketResponse,
    FinishTicketResponse, NoShowTicketResponse, RestoreTicketResponse, ParkTicketResponse, ResumeTicketResponse,
    TransferTicketResponse, CancelTicketResponse, UndoCallResponse);
shows!(counter: OpenCounterResponse, PauseCounterResponse, ResumeCounterResponse, CloseCounterResponse);
shows!(day: OpenDayResponse, CloseDayResponse, StopIntakeResponse, ResumeIntakeResponse);

/// What is asked, and about what.
#[derive(Debug, Clone, Copy)]
struct Order<'a> {
    action: Action,
    ticket: Option<&'a str>,
    counter: Option<&'a str>,
}

/// Sends a command until it has an answer, and writes it down.
async fn send<T: Shows>(
    recorder: &Recorder,
    person: &Person,
    order: Order<'_>,
    path: &str,
    body: Value,
) -> Answer<Shown> {
    let sent = recorder.now();
    let answer = match person.session.post::<T>(path, &request_id(), body).await {
        Answer::Done(response) => Answer::Done(response.shown()),
        Answer::Refused(refusal) => Answer::Refused(refusal),
        Answer::Unknown(error) => Answer::Unknown(error),
    };
    let outcome = match &answer {
        Answer::Done(shown) => Outcome::Done {
            ticket: shown.ticket.clone().map(Box::new),
            counter: shown.counter.clone().map(Box::new),
            day: shown.day.clone(),
        },
        Answer::Refused(refusal) => Outcome::Refused(refusal.reason.clone()),
        Answer::Unknown(error) => Outcome::Unknown(error.clone()),
    };
    recorder.record(Operation {
        action: order.action,
        by: person.name.clone(),
        ticket: order.ticket.map(str::to_owned),
        counter: order.counter.map(str::to_owned),
        sent,
        answered: recorder.now(),
        outcome,
    });
    answer
}

/// The clock of the played day: seconds since local midnight.
#[derive(Debug, Clone, Copy)]
struct DayClock {
    origin: Instant,
    starts: f64,
    speed: f64,
}

impl DayClock {
    fn now(&self) -> f64 {
        self.starts + self.origin.elapsed().as_secs_f64() * self.speed
    }

    /// Real time that `seconds` of the played day take.
    fn real(&self, seconds: f64) -> Duration {
        Duration::from_secs_f64((seconds / self.speed).max(0.0))
    }

    async fn sleep(&self, seconds: f64) {
        tokio::time::sleep(self.real(seconds)).await;
    }

    async fn sleep_until(&self, second: f64) {
        tokio::time::sleep_until(self.origin + self.real(second - self.starts)).await;
    }
}

/// A visitor whose ticket is open, and what has happened to it so far.
#[derive(Debug, Clone)]
struct Guest {
    visitor: Visitor,
    missed: u32,
    fetched: bool,
    sent_on: bool,
    mistaken: bool,
}

/// What everybody shares.
struct Stage {
    hall: Hall,
    plan: DayPlan,
    clock: DayClock,
    /// When counters stop calling and the day is closed.
    closing: f64,
    recorder: Recorder,
    guests: Mutex<HashMap<String, Guest>>,
    /// Visitors who have not come yet.
    to_come: AtomicUsize,
    /// Tickets that somebody still works on or waits with.
    open: AtomicUsize,
    issued: AtomicUsize,
    ended: AtomicUsize,
    /// Rings at the counters of an agency when somebody begins to wait there.
    bells: HashMap<String, Notify>,
    errands: Mutex<JoinSet<()>>,
    reception: Person,
}

impl Stage {
    async fn command<T: Shows>(
        &self,
        person: &Person,
        order: Order<'_>,
        path: &str,
        body: Value,
    ) -> Answer<Shown> {
        send::<T>(&self.recorder, person, order, path, body).await
    }

    /// Does something to a ticket.
    async fn act<T: Shows>(
        &self,
        person: &Person,
        action: Action,
        ticket: &Ticket,
        verb: &str,
        mut body: Value,
    ) -> Answer<Shown> {
        body["version"] = json!(ticket.version);
        let order = Order { action, ticket: Some(&ticket.id), counter: None };
        self.command::<T>(person, order, &format!("/v1/tickets/{}:{verb}", ticket.id), body).await
    }

    /// Does something with a counter.
    async fn at_counter<T: Shows>(
        &self,
        person: &Person,
        action: Action,
        counter: &str,
        verb: &str,
        body: Value,
    ) -> Answer<Shown> {
        let order = Order { action, ticket: None, counter: Some(counter) };
        self.command::<T>(person, order, &format!("/v1/counters/{counter}:{verb}"), body).await
    }

    fn guests(&self) -> MutexGuard<'_, HashMap<String, Guest>> {
        self.guests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn guest(&self, ticket: &str) -> Option<Guest> {
        self.guests().get(ticket).cloned()
    }

    fn change_guest(&self, ticket: &str, change: impl FnOnce(&mut Guest)) {
        if let Some(guest) = self.guests().get_mut(ticket) {
            change(guest);
        }
    }

    /// A ticket has ended and nobody will take it up again.
    fn end(&self, ticket: &str) {
        if self.guests().remove(ticket).is_some() {
            self.open.fetch_sub(1, Ordering::AcqRel);
            self.ended.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Whether everybody who was to come has come and gone.
    fn is_empty(&self) -> bool {
        self.to_come.load(Ordering::Acquire) == 0 && self.open.load(Ordering::Acquire) == 0
    }

    fn is_over(&self) -> bool {
        self.clock.now() >= self.closing || self.is_empty()
    }

    fn ring(&self, agency: &str) {
        if let Some(bell) = self.bells.get(agency) {
            bell.notify_waiters();
        }
    }

    /// Starts a short task; the day does not end before it has.
    fn errand(&self, errand: impl Future<Output = ()> + Send + 'static) {
        self.errands.lock().unwrap_or_else(PoisonError::into_inner).spawn(errand);
    }

    /// Waits until a ticket of a service may be announced again. The gap is kept by the clock of the suite, which in a
    /// demo calendar is real time, however fast the day is played.
    async fn wait_for_recall(&self, service: &str) {
        let gap = self
            .hall
            .services
            .iter()
            .find(|known| known.id == service)
            .map_or(0, |service| service.recall_gap_seconds);
        let gap = f64::from(if gap == 0 { RECALL_GAP } else { gap }) + 0.5;
        let real = if self.hall.calendar() == Calendar::Demo {
            Duration::from_secs_f64(gap)
        } else {
            self.clock.real(gap)
        };
        tokio::time::sleep(real.max(self.clock.real(45.0))).await;
    }

    fn promised_seconds(&self, service: &str) -> f64 {
        let service = self.hall.services.iter().find(|known| known.id == service);
        service.map_or(600.0, |service| f64::from(service.promised_minutes.max(1)) * 60.0)
    }
}

/// Plays a day that has been opened, from `starts` seconds after midnight, and closes it. Answers what was written down.
pub(super) async fn play(
    opened: OpenedDay,
    cast: &Cast,
    hall: &Hall,
    plan: DayPlan,
    options: &Options,
    starts: f64,
) -> anyhow::Result<Recorder> {
    let stage = Arc::new(Stage {
        hall: hall.clone(),
        clock: DayClock { origin: opened.at, starts, speed: options.speed },
        closing: plan.closes + OVERTIME_MINUTES * 60.0,
        recorder: opened.recorder,
        guests: Mutex::default(),
        to_come: AtomicUsize::new(plan.visitors.len()),
        open: AtomicUsize::new(0),
        issued: AtomicUsize::new(0),
        ended: AtomicUsize::new(0),
        bells: hall.agencies.iter().map(|agency| (agency.id.clone(), Notify::new())).collect(),
        errands: Mutex::default(),
        reception: cast.reception.clone(),
        plan,
    });
    let manager = Person { name: "manager".to_owned(), session: Arc::clone(&cast.manager) };
    let mut counters = JoinSet::new();
    for (nth, counter) in hall.counters.iter().enumerate() {
        if let Some(person) = cast.staff.get(&counter.id) {
            let supervisor = cast.supervisors.get(&counter.agency_id).cloned();
            let seed = options.seed.wrapping_mul(1_000).wrapping_add(nth as u64);
            let desk = desk::Desk::new(Arc::clone(&stage), counter.clone(), person.clone(), supervisor, seed);
            counters.spawn(desk.work());
        }
    }
    stage.errand(door::stop_intake_for_a_while(Arc::clone(&stage), manager.clone()));
    let arrivals = tokio::spawn(door::arrivals(Arc::clone(&stage), cast.kiosks.clone()));
    let shown = show_progress(&stage, options.progress);
    tokio::pin!(shown);
    let mut watching = true;
    loop {
        tokio::select! {
            () = &mut shown, if watching => watching = false,
            ended = counters.join_next() => match ended {
                Some(ended) => ended.context("a counter failed")?,
                None => break,
            },
        }
    }
    arrivals.await.context("the door failed")?;
    // An errand may start another one.
    loop {
        let mut errands = std::mem::take(&mut *stage.errands.lock().unwrap_or_else(PoisonError::into_inner));
        if errands.is_empty() {
            break;
        }
        while let Some(ended) = errands.join_next().await {
            ended.context("an errand failed")?;
        }
    }
    let order = Order { action: Action::CloseDay, ticket: None, counter: None };
    let path = format!("/v1/halls/{}:closeDay", hall.id);
    let closed = stage.command::<queue::CloseDayResponse>(&manager, order, &path, json!({})).await;
    closed.required("closing the day")?;
    Ok(stage.recorder.clone())
}

async fn show_progress(stage: &Stage, shown: bool) {
    let starts = stage.clock.starts;
    let mut progress = Progress::of(shown, stage.closing - starts);
    while !stage.is_over() {
        let now = stage.clock.now();
        let text = format!(
            "{} issued, {} ended, {} open",
            stage.issued.load(Ordering::Relaxed),
            stage.ended.load(Ordering::Relaxed),
            stage.open.load(Ordering::Relaxed)
        );
        progress.show(now, now - starts, &text);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    progress.finish();
}
