//! Who comes to the door: arrivals at kiosks and reception, those who leave, those who come back, and the manager's stop.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use mpp_proto::queue::v1 as queue;
use mpp_proto::queue::v1::{Channel, Ticket};
use serde_json::{Value, json};

use super::{Guest, Order, Person, Stage};
use crate::demo::history::Action;
use crate::demo::plan::Visitor;
use crate::demo::rest::Answer;

/// Minutes for which one agency takes nobody in the afternoon.
const STOP_MINUTES: f64 = 20.0;

/// Lets the visitors in as they come. Those who come at once are served at once: nobody waits for another's answer.
pub(super) async fn arrivals(stage: Arc<Stage>, kiosks: Vec<Person>) {
    for (nth, visitor) in stage.plan.visitors.iter().enumerate() {
        stage.clock.sleep_until(visitor.arrives.min(stage.closing)).await;
        if stage.clock.now() >= stage.closing {
            return;
        }
        let device =
            if visitor.at_reception { stage.reception.clone() } else { kiosks[nth % kiosks.len()].clone() };
        let (stage, visitor) = (Arc::clone(&stage), visitor.clone());
        let errand_stage = Arc::clone(&stage);
        stage.errand(async move { issue(&errand_stage, &device, visitor).await });
    }
}

async fn issue(stage: &Arc<Stage>, device: &Person, visitor: Visitor) {
    let order = Order { action: Action::Issue, ticket: None, counter: None };
    let path = format!("/v1/halls/{}/tickets", stage.hall.id);
    // Counted before it is known, so that nobody goes home between the answer and the count.
    stage.open.fetch_add(1, Ordering::AcqRel);
    let answer = stage.command::<queue::IssueTicketResponse>(device, order, &path, body(&visitor)).await;
    match answer {
        Answer::Done(shown) if shown.ticket.is_some() => {
            let ticket = shown.ticket.unwrap_or_default();
            stage.issued.fetch_add(1, Ordering::Relaxed);
            let (agency, leaves) = (ticket.agency_id.clone(), visitor.leaves_after);
            let guest = Guest { visitor, missed: 0, fetched: false, sent_on: false, mistaken: false };
            stage.guests().insert(ticket.id.clone(), guest);
            if let Some(after) = leaves {
                let errand_stage = Arc::clone(stage);
                stage.errand(async move { leave(&errand_stage, ticket, after).await });
            }
            stage.ring(&agency);
        }
        Answer::Done(_) | Answer::Refused(_) | Answer::Unknown(_) => {
            stage.open.fetch_sub(1, Ordering::AcqRel);
        }
    }
    stage.to_come.fetch_sub(1, Ordering::AcqRel);
}

fn body(visitor: &Visitor) -> Value {
    let channel = if visitor.at_reception { Channel::Reception } else { Channel::Kiosk };
    let mut body = json!({
        "serviceId": visitor.service,
        "priority": visitor.priority.as_str_name(),
        "channel": channel.as_str_name(),
        "assistance": visitor.assistance.iter().map(|kind| kind.as_str_name()).collect::<Vec<_>>(),
        "partySize": visitor.party_size,
    });
    if let Some(phone) = &visitor.phone {
        body["phone"] = json!(phone);
    }
    body
}

/// Somebody loses patience and tells the reception. Whoever has been called meanwhile has not left: the version refuses.
async fn leave(stage: &Stage, ticket: Ticket, after: f64) {
    stage.clock.sleep_until((stage.clock.now() + after).min(stage.closing)).await;
    if stage.is_over() {
        return;
    }
    let body = json!({ "reason": "Pemohon tidak dapat menunggu" });
    let reception = &stage.reception;
    let answer =
        stage.act::<queue::CancelTicketResponse>(reception, Action::Cancel, &ticket, "cancel", body).await;
    if matches!(answer, Answer::Done(_)) {
        stage.end(&ticket.id);
    }
}

/// Somebody who missed the last call comes back and asks the reception.
pub(super) async fn come_back(stage: Arc<Stage>, ticket: Ticket, after: f64) {
    stage.clock.sleep_until((stage.clock.now() + after).min(stage.closing)).await;
    if stage.is_over() {
        stage.end(&ticket.id);
        return;
    }
    // From now on the visitor stays.
    stage.change_guest(&ticket.id, |guest| guest.visitor.misses = 0);
    let body = json!({ "reason": "Pemohon datang kembali pada hari yang sama" });
    let reception = &stage.reception;
    let answer =
        stage.act::<queue::RestoreTicketResponse>(reception, Action::Restore, &ticket, "restore", body).await;
    match answer {
        Answer::Done(shown) => {
            if let Some(ticket) = shown.ticket {
                stage.ring(&ticket.agency_id);
            }
        }
        Answer::Refused(_) | Answer::Unknown(_) => stage.end(&ticket.id),
    }
}

/// In the early afternoon the manager stops the intake of one agency for a while.
pub(super) async fn stop_intake_for_a_while(stage: Arc<Stage>, manager: Person) {
    let Some(agency) = stage.hall.agencies.get(stage.hall.agencies.len() / 2) else { return };
    let stops = stage.plan.opens + (stage.plan.closes - stage.plan.opens) * 0.75;
    loop {
        if stage.is_over() {
            return;
        }
        let left = stops - stage.clock.now();
        if left <= 0.0 {
            break;
        }
        // In steps, so that a day that ends early does not wait for its afternoon.
        stage.clock.sleep(left.min(600.0)).await;
    }
    let path = |verb: &str| format!("/v1/halls/{}:{verb}", stage.hall.id);
    let order = |action| Order { action, ticket: None, counter: None };
    let stop = json!({ "agencyId": agency.id, "reason": "Gangguan jaringan instansi" });
    let stopped = stage
        .command::<queue::StopIntakeResponse>(&manager, order(Action::StopIntake), &path("stopIntake"), stop)
        .await;
    if !matches!(stopped, Answer::Done(_)) {
        return;
    }
    let until = stage.clock.now() + STOP_MINUTES * 60.0;
    while !stage.is_over() && stage.clock.now() < until {
        stage.clock.sleep((until - stage.clock.now()).min(120.0)).await;
    }
    let resume = json!({ "agencyId": agency.id });
    stage
        .command::<queue::ResumeIntakeResponse>(
            &manager,
            order(Action::ResumeIntake),
            &path("resumeIntake"),
            resume,
        )
        .await;
}
