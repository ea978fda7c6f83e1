//! One counter and the person at it: calls, waits, serves, has breaks, goes home.

use std::sync::Arc;
use std::time::Duration;

use mpp_proto::queue::v1 as queue;
use mpp_proto::queue::v1::{Counter, CounterState, GetCounterResponse, Outcome, Ticket, TicketState};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};

use super::{Guest, Person, Stage, door};
use crate::demo::history::Action;
use crate::demo::rest::Answer;

/// Real time that an idle counter waits at least before it looks again without having been rung.
const SHORTEST_IDLE: Duration = Duration::from_millis(500);

/// Seconds of the day that an idle counter waits before it looks again.
const IDLE: f64 = 120.0;

/// Seconds of the day that a person waits at the counter for somebody who was called.
const PATIENCE: f64 = 90.0;

/// A break that is to be had.
#[derive(Debug, Clone)]
struct Break {
    from: f64,
    to: f64,
    reason: &'static str,
}

/// A counter with its person.
pub(super) struct Desk {
    stage: Arc<Stage>,
    counter: Counter,
    person: Person,
    supervisor: Option<Person>,
    rng: StdRng,
    opens: f64,
    /// Breaks to come, latest first.
    breaks: Vec<Break>,
    /// Parked tickets with when their visitors are back.
    parked: Vec<(f64, Ticket)>,
}

/// What a call led to.
enum Called {
    /// This ticket stands at the counter.
    Ticket(Box<Ticket>),
    /// Nobody waits.
    Nobody,
    /// Something else; the counter must look what it holds.
    Unclear,
}

impl Desk {
    pub(super) fn new(
        stage: Arc<Stage>,
        counter: Counter,
        person: Person,
        supervisor: Option<Person>,
        seed: u64,
    ) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let windows = stage.plan.hours.get(&counter.agency_id).cloned().unwrap_or_default();
        let first = windows.first().map_or(stage.plan.opens, |window| window.0);
        let opens = first + rng.random_range(-300.0..300.0);
        let breaks = breaks(&mut rng, &windows);
        Self { stage, counter, person, supervisor, rng, opens, breaks, parked: Vec::new() }
    }

    /// The whole day of the counter.
    pub(super) async fn work(mut self) {
        let stage = Arc::clone(&self.stage);
        stage.clock.sleep_until(self.opens).await;
        let open = json!({ "serviceIds": [] });
        while !self
            .counter_command::<queue::OpenCounterResponse>(Action::OpenCounter, "open", open.clone())
            .await
        {
            if stage.is_over() {
                return;
            }
            tokio::time::sleep(SHORTEST_IDLE).await;
        }
        while !stage.is_over() {
            if self.breaks.last().is_some_and(|next| next.from <= stage.clock.now()) {
                self.have_break().await;
                continue;
            }
            if let Some(ticket) = self.take_parked() {
                self.resume(ticket).await;
                continue;
            }
            match self.call().await {
                Called::Ticket(ticket) => self.attend(*ticket).await,
                Called::Nobody => self.wait().await,
                Called::Unclear => self.look().await,
            }
        }
        let close = json!({ "reason": "Jam layanan selesai" });
        self.counter_command::<queue::CloseCounterResponse>(Action::CloseCounter, "close", close).await;
    }

    /// Whether a command of the counter was done.
    async fn counter_command<T: super::Shows>(&self, action: Action, verb: &str, body: Value) -> bool {
        let answer = self.stage.at_counter::<T>(&self.person, action, &self.counter.id, verb, body).await;
        matches!(answer, Answer::Done(_))
    }

    async fn have_break(&mut self) {
        let Some(Break { to, reason, .. }) = self.breaks.pop() else { return };
        let pause = json!({ "reason": reason });
        if !self.counter_command::<queue::PauseCounterResponse>(Action::PauseCounter, "pause", pause).await {
            return;
        }
        while !self.stage.is_over() && self.stage.clock.now() < to {
            self.stage.clock.sleep((to - self.stage.clock.now()).min(300.0)).await;
        }
        self.counter_command::<queue::ResumeCounterResponse>(Action::ResumeCounter, "resume", json!({}))
            .await;
    }

    /// A parked ticket whose visitor is back.
    fn take_parked(&mut self) -> Option<Ticket> {
        let now = self.stage.clock.now();
        let at = self.parked.iter().position(|(due, _)| *due <= now)?;
        Some(self.parked.remove(at).1)
    }

    async fn resume(&mut self, ticket: Ticket) {
        let body = json!({ "counterId": self.counter.id });
        let answer = self
            .stage
            .act::<queue::ResumeTicketResponse>(&self.person, Action::Resume, &ticket, "resume", body)
            .await;
        match answer {
            Answer::Done(shown) => {
                if let Some(ticket) = shown.ticket {
                    self.attend(ticket).await;
                }
            }
            // Somebody else has dealt with it.
            Answer::Refused(_) => self.stage.end(&ticket.id),
            // What the counter holds now, the next call finds out.
            Answer::Unknown(_) => (),
        }
    }

    async fn call(&mut self) -> Called {
        if self.supervisor.is_some()
            && self.rng.random_bool(0.02)
            && let Some(ticket) = self.call_out_of_order().await
        {
            return Called::Ticket(Box::new(ticket));
        }
        let body = json!({ "expectedCurrent": "" });
        let (person, counter) = (&self.person, &self.counter.id);
        let answer = self
            .stage
            .at_counter::<queue::CallNextResponse>(person, Action::CallNext, counter, "callNext", body)
            .await;
        match answer {
            Answer::Done(shown) => {
                shown.ticket.map_or(Called::Unclear, |ticket| Called::Ticket(Box::new(ticket)))
            }
            Answer::Refused(refusal) if refusal.reason == "NOBODY_WAITING" => Called::Nobody,
            Answer::Refused(_) | Answer::Unknown(_) => Called::Unclear,
        }
    }

    /// The supervisor has somebody called who should not wait: the last of those whom the counter would call soon.
    async fn call_out_of_order(&self) -> Option<Ticket> {
        let supervisor = self.supervisor.as_ref()?;
        let path = format!("/v1/counters/{}", self.counter.id);
        let Answer::Done(answer) = supervisor.session.get::<GetCounterResponse>(&path, &[]).await else {
            return None;
        };
        let mut queue = answer.desk?.queue;
        queue.truncate(5);
        let ticket = queue.pop().filter(|_| !queue.is_empty())?;
        let body = json!({ "ticket": ticket.id, "reason": "Pemohon tampak kurang sehat" });
        let order = super::Order {
            action: Action::CallTicket,
            ticket: Some(&ticket.id),
            counter: Some(&self.counter.id),
        };
        let path = format!("/v1/counters/{}:callTicket", self.counter.id);
        match self.stage.command::<queue::CallTicketResponse>(supervisor, order, &path, body).await {
            Answer::Done(shown) => shown.ticket,
            Answer::Refused(_) | Answer::Unknown(_) => None,
        }
    }

    /// Until the bell rings, or for a while.
    async fn wait(&self) {
        let idle = self.stage.clock.real(IDLE).max(SHORTEST_IDLE);
        match self.stage.bells.get(&self.counter.agency_id) {
            Some(bell) => {
                tokio::select! { () = bell.notified() => (), () = tokio::time::sleep(idle) => () }
            }
            None => tokio::time::sleep(idle).await,
        }
    }

    /// After something unclear: what does the counter hold?
    async fn look(&mut self) {
        let path = format!("/v1/counters/{}", self.counter.id);
        let found = match self.person.session.get::<GetCounterResponse>(&path, &[]).await {
            Answer::Done(answer) => answer.desk,
            Answer::Refused(_) | Answer::Unknown(_) => None,
        };
        let on_break = found
            .as_ref()
            .and_then(|desk| desk.counter.as_ref())
            .is_some_and(|counter| counter.state() == CounterState::Break);
        match found.and_then(|desk| desk.current) {
            Some(ticket) => self.attend(ticket).await,
            // The command that should have ended the break was lost.
            None if on_break => {
                self.counter_command::<queue::ResumeCounterResponse>(
                    Action::ResumeCounter,
                    "resume",
                    json!({}),
                )
                .await;
            }
            None => tokio::time::sleep(SHORTEST_IDLE).await,
        }
    }

    /// A ticket stands at the counter: called, or serving already.
    async fn attend(&mut self, ticket: Ticket) {
        let guest = self.stage.guest(&ticket.id);
        if ticket.state() == TicketState::Serving {
            return self.serve(ticket, guest).await;
        }
        if let Some(guest) = &guest
            && guest.visitor.called_by_mistake
            && !guest.mistaken
        {
            self.stage.change_guest(&ticket.id, |guest| guest.mistaken = true);
            if self.undo(&ticket).await {
                return;
            }
        }
        if let Some(guest) = &guest
            && guest.missed < guest.visitor.misses
        {
            return self.miss(ticket, guest.clone()).await;
        }
        self.welcome(ticket, guest).await;
    }

    async fn undo(&self, ticket: &Ticket) -> bool {
        self.stage.clock.sleep(3.0).await;
        let answer = self
            .stage
            .act::<queue::UndoCallResponse>(&self.person, Action::UndoCall, ticket, "undoCall", json!({}))
            .await;
        matches!(answer, Answer::Done(_))
    }

    /// Nobody comes.
    async fn miss(&mut self, mut ticket: Ticket, guest: Guest) {
        self.stage.clock.sleep(PATIENCE).await;
        if guest.visitor.needs_recall
            && let Some(recalled) = self.recall(&ticket).await
        {
            ticket = recalled;
            self.stage.clock.sleep(PATIENCE).await;
        }
        let answer = self
            .stage
            .act::<queue::NoShowTicketResponse>(&self.person, Action::NoShow, &ticket, "noShow", json!({}))
            .await;
        // After anything else the next call finds out what the counter holds.
        let Answer::Done(super::Shown { ticket: Some(ticket), .. }) = answer else { return };
        self.stage.change_guest(&ticket.id, |guest| guest.missed = guest.missed.saturating_add(1));
        if ticket.state() != TicketState::NoShow {
            return;
        }
        match guest.visitor.comes_back_after {
            Some(after) => self.stage.errand(door::come_back(Arc::clone(&self.stage), ticket, after)),
            None => self.stage.end(&ticket.id),
        }
    }

    /// Announces once more, after the gap that the service keeps.
    async fn recall(&self, ticket: &Ticket) -> Option<Ticket> {
        self.stage.wait_for_recall(&ticket.service_id).await;
        let answer = self
            .stage
            .act::<queue::RecallTicketResponse>(&self.person, Action::Recall, ticket, "recall", json!({}))
            .await;
        match answer {
            Answer::Done(shown) => shown.ticket,
            Answer::Refused(_) | Answer::Unknown(_) => None,
        }
    }

    /// The visitor comes.
    async fn welcome(&mut self, mut ticket: Ticket, guest: Option<Guest>) {
        if guest.as_ref().is_some_and(|guest| guest.visitor.needs_recall)
            && let Some(recalled) = self.recall(&ticket).await
        {
            ticket = recalled;
        }
        self.stage.clock.sleep(guest.as_ref().map_or(20.0, |guest| guest.visitor.way)).await;
        let answer = self
            .stage
            .act::<queue::StartTicketResponse>(&self.person, Action::Start, &ticket, "start", json!({}))
            .await;
        match answer {
            Answer::Done(shown) => {
                if let Some(ticket) = shown.ticket {
                    self.serve(ticket, guest).await;
                }
            }
            // What it holds now, the next round sees: the call is refused and the counter looks.
            Answer::Refused(_) | Answer::Unknown(_) => (),
        }
    }

    async fn serve(&mut self, ticket: Ticket, guest: Option<Guest>) {
        let stage = Arc::clone(&self.stage);
        let pace = guest.as_ref().map_or(1.0, |guest| guest.visitor.pace);
        let seconds = stage.promised_seconds(&ticket.service_id) * pace;
        let Some(guest) = guest else {
            stage.clock.sleep(seconds).await;
            return self.finish(&ticket, Outcome::Done, 1).await;
        };
        if let Some(away) = guest.visitor.fetches
            && !guest.fetched
        {
            stage.clock.sleep(seconds * 0.4).await;
            return self.park(ticket, away).await;
        }
        if let Some(service) = guest.visitor.sent_on_to.clone()
            && !guest.sent_on
        {
            stage.clock.sleep(seconds * 0.6).await;
            return self.send_on(ticket, &service).await;
        }
        stage.clock.sleep(seconds).await;
        self.finish(&ticket, guest.visitor.outcome, guest.visitor.party_size).await;
    }

    async fn park(&mut self, ticket: Ticket, away: f64) {
        let body = json!({ "note": "Melengkapi fotokopi" });
        let answer = self
            .stage
            .act::<queue::ParkTicketResponse>(&self.person, Action::Park, &ticket, "park", body)
            .await;
        if let Answer::Done(shown) = answer
            && let Some(ticket) = shown.ticket
        {
            self.stage.change_guest(&ticket.id, |guest| guest.fetched = true);
            self.parked.push((self.stage.clock.now() + away, ticket));
        }
    }

    async fn send_on(&self, ticket: Ticket, service: &str) {
        let body = json!({ "serviceId": service, "note": "Diarahkan dari loket sebelumnya" });
        let answer = self
            .stage
            .act::<queue::TransferTicketResponse>(&self.person, Action::Transfer, &ticket, "transfer", body)
            .await;
        if let Answer::Done(shown) = answer
            && let Some(ticket) = shown.ticket
        {
            self.stage.change_guest(&ticket.id, |guest| guest.sent_on = true);
            self.stage.ring(&ticket.agency_id);
        }
    }

    async fn finish(&self, ticket: &Ticket, outcome: Outcome, quantity: i32) {
        let mut body = json!({ "outcome": outcome.as_str_name() });
        if outcome == Outcome::Done {
            body["delivered"] = json!([{ "serviceId": ticket.service_id, "quantity": quantity.max(1) }]);
        }
        let answer = self
            .stage
            .act::<queue::FinishTicketResponse>(&self.person, Action::Finish, ticket, "finish", body)
            .await;
        if matches!(answer, Answer::Done(_)) {
            self.stage.end(&ticket.id);
        }
    }
}

/// The breaks of a counter, latest first: the gap between two windows, or half an hour around noon, staggered; and ten
/// minutes in the morning.
fn breaks(rng: &mut StdRng, windows: &[(f64, f64)]) -> Vec<Break> {
    let hour = 3600.0;
    let lunch = match windows {
        [before, after, ..] => {
            Some(Break { from: before.1, to: after.0, reason: "Istirahat, salat, dan makan" })
        }
        [only] if only.1 > 13.5 * hour => {
            let from = 11.5 * hour + rng.random_range(0.0..1.5) * hour;
            Some(Break { from, to: from + 0.5 * hour, reason: "Istirahat, salat, dan makan" })
        }
        [_] | [] => None,
    };
    let first = windows.first().map_or(8.0 * hour, |window| window.0);
    let from = first + rng.random_range(1.0..2.0) * hour;
    let morning = Break { from, to: from + 600.0, reason: "Keperluan dinas" };
    lunch.into_iter().chain([morning]).collect()
}
