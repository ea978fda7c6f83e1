//! Who is next at a counter, and why, in a sentence.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use mpp_kit::fault::Text;
use mpp_proto::queue::v1 as proto;

use crate::domain::CounterId;
use crate::domain::choice::{self, Choice, Reason};
use crate::domain::counter::Availability;
use crate::domain::fold::Fold;
use crate::domain::ticket::{Lane, Priority, Ticket};
use crate::rpc::convert;

/// Who would be called.
#[derive(Debug)]
pub(in crate::rpc) struct Next {
    /// The ticket; none when nobody would be called.
    pub(in crate::rpc) ticket: Option<Arc<Ticket>>,
    /// Why, for programs.
    pub(in crate::rpc) reason: proto::ChoiceReason,
    why: Why,
}

#[derive(Debug)]
enum Why {
    Chosen(Choice),
    NotOpen(Availability),
    Busy(Arc<Ticket>),
    Nobody,
    Cooldown(DateTime<Utc>),
}

/// Who would be called if the counter called now.
pub(in crate::rpc) fn next(fold: &Fold, counter: CounterId, now: DateTime<Utc>) -> Next {
    let at = fold.counter(counter);
    let nobody = |reason, why| Next { ticket: None, reason, why };
    if let Some(held) = at.current.and_then(|id| fold.ticket(id)) {
        return nobody(proto::ChoiceReason::CounterBusy, Why::Busy(Arc::clone(held)));
    }
    if at.availability != Availability::Open {
        return nobody(proto::ChoiceReason::CounterNotOpen, Why::NotOpen(at.availability));
    }
    let Some(choice) = choice::next(fold, &at.services, now) else {
        return match choice::cooldown_ends(fold, &at.services) {
            Some(until) => nobody(proto::ChoiceReason::Cooldown, Why::Cooldown(until)),
            None => nobody(proto::ChoiceReason::NobodyWaiting, Why::Nobody),
        };
    };
    let reason = match choice.reason {
        Reason::Arrival => proto::ChoiceReason::Arrival,
        Reason::Priority => proto::ChoiceReason::Priority,
        Reason::Appointment => proto::ChoiceReason::Appointment,
        Reason::Ratio => proto::ChoiceReason::Ratio,
        Reason::EarlyAppointment => proto::ChoiceReason::EarlyAppointment,
    };
    Next { ticket: fold.ticket(choice.ticket).cloned(), reason, why: Why::Chosen(choice) }
}

impl Next {
    /// Why, for people.
    pub(in crate::rpc) fn explanation(&self, fold: &Fold, counter: CounterId, now: DateTime<Utc>) -> Text {
        let number = fold.plan(counter).map(|plan| plan.number.as_str()).unwrap_or_default();
        match (&self.why, &self.ticket) {
            (Why::Chosen(choice), Some(ticket)) => chosen(fold, choice, ticket, now),
            (Why::Busy(held), _) => Text::new(
                format!("Loket {number} masih memegang {}. Selesaikan nomor itu dulu.", held.number),
                format!("Counter {number} still holds {}. Finish that ticket first.", held.number),
            ),
            (Why::NotOpen(Availability::Break), _) => Text::new(
                format!("Loket {number} sedang istirahat. Akhiri istirahat untuk memanggil."),
                format!("Counter {number} is on break. End the break to call."),
            ),
            (Why::NotOpen(Availability::Closed | Availability::Open), _) => Text::new(
                format!("Loket {number} belum dibuka. Buka loket untuk memanggil."),
                format!("Counter {number} is not open. Open it to call."),
            ),
            (Why::Cooldown(until), _) => {
                let seconds = convert::seconds_since(now, *until);
                Text::new(
                    format!(
                        "Semua yang menunggu baru saja dipanggil dan tidak hadir. Yang pertama dapat dipanggil lagi dalam {seconds} detik."
                    ),
                    format!(
                        "All who wait were called a moment ago and did not come. The first can be called again in {seconds} seconds."
                    ),
                )
            }
            (Why::Nobody | Why::Chosen(_), _) => Text::new(
                "Tidak ada yang menunggu untuk layanan loket ini.",
                "Nobody is waiting for the services of this counter.",
            ),
        }
    }
}

fn chosen(fold: &Fold, choice: &Choice, ticket: &Ticket, now: DateTime<Utc>) -> Text {
    let number = &ticket.number;
    let minutes = convert::seconds_since(ticket.leg().queued_at, now) / 60;
    let appointment = ticket
        .appointment
        .map(|time| fold.hall().time_zone.local(time).format("%H:%M").to_string())
        .unwrap_or_default();
    match choice.reason {
        Reason::Arrival => Text::new(
            format!("{number} berikutnya: paling lama menunggu, {minutes} menit."),
            format!("{number} is next: waiting longest, {minutes} min."),
        ),
        Reason::Priority => {
            let kind = ticket.priority.map_or_else(|| Text::new("prioritas", "priority"), priority_words);
            Text::new(
                format!("{number} berikutnya: didahulukan ({}), menunggu {minutes} menit.", kind.id),
                format!("{number} is next: goes ahead ({}), waiting {minutes} min.", kind.en),
            )
        }
        Reason::Appointment => Text::new(
            format!("{number} berikutnya: janji temunya pukul {appointment} sudah tiba."),
            format!("{number} is next: its appointment at {appointment} is due."),
        ),
        Reason::Ratio => {
            let times = times_passed(fold, choice, ticket);
            Text::new(
                format!(
                    "{number} berikutnya: sudah dilewati {times} kali oleh yang didahulukan, sekarang gilirannya, menunggu {minutes} menit."
                ),
                format!(
                    "{number} is next: passed over {times} times by those who go ahead, now it is its turn, waiting {minutes} min."
                ),
            )
        }
        Reason::EarlyAppointment => Text::new(
            format!(
                "{number} berikutnya: janji temunya pukul {appointment} belum tiba, tetapi tidak ada orang lain yang menunggu."
            ),
            format!(
                "{number} is next: its appointment at {appointment} is not due yet, but nobody else is waiting."
            ),
        ),
    }
}

/// How often the ticket's lane was passed over: the choice sets the count of that lane to zero.
fn times_passed(fold: &Fold, choice: &Choice, ticket: &Ticket) -> u32 {
    let own = choice.passed.iter().find(|passed| passed.service == ticket.service && passed.times == 0);
    own.map_or_else(|| fold.passed(ticket.service, Lane::Ordinary), |own| fold.passed(own.service, own.lane))
}

fn priority_words(priority: Priority) -> Text {
    match priority {
        Priority::Disability => Text::new("penyandang disabilitas", "disability"),
        Priority::Elderly => Text::new("lanjut usia", "elderly"),
        Priority::Pregnant => Text::new("ibu hamil atau menyusui", "pregnant or nursing"),
        Priority::Child => Text::new("anak", "child"),
        Priority::DisasterVictim => Text::new("korban bencana", "disaster victim"),
        Priority::Internal => Text::new("internal", "internal"),
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::domain::decide::{Act, Order};
    use crate::rpc::samples::Hall;

    fn says(hall: &Hall) -> (proto::ChoiceReason, String) {
        let counter = hall.counter(0);
        let next = next(&hall.fold, counter, hall.now);
        (next.reason, next.explanation(&hall.fold, counter, hall.now).id)
    }

    #[test]
    fn explains_arrival_priority_and_ratio_in_a_sentence() {
        let mut hall = Hall::open();
        assert_eq!(
            says(&hall),
            (proto::ChoiceReason::CounterNotOpen, "Loket 1 belum dibuka. Buka loket untuk memanggil.".into())
        );
        hall.opened(0);
        assert_eq!(says(&hall).0, proto::ChoiceReason::NobodyWaiting);
        hall.walk_in(0);
        hall.after(12 * 60);
        assert_eq!(
            says(&hall),
            (proto::ChoiceReason::Arrival, "A001 berikutnya: paling lama menunggu, 12 menit.".into())
        );
        for _ in 0..3 {
            hall.issued(0, Some(Priority::Elderly), None);
        }
        assert_eq!(
            says(&hall),
            (
                proto::ChoiceReason::Priority,
                "A002 berikutnya: didahulukan (lanjut usia), menunggu 0 menit.".into()
            )
        );
        for _ in 0..2 {
            let first = next(&hall.fold, hall.counter(0), hall.now).ticket.unwrap().id;
            hall.called(0);
            assert_eq!(says(&hall).0, proto::ChoiceReason::CounterBusy);
            hall.acted(first, Act::Start);
            hall.acted(first, Act::Cancel);
        }
        let (reason, sentence) = says(&hall);
        assert_eq!(reason, proto::ChoiceReason::Ratio);
        assert!(sentence.starts_with("A001 berikutnya: sudah dilewati 2 kali"), "{sentence}");
    }

    #[test]
    fn explains_appointments_cooldown_and_breaks() {
        let mut hall = Hall::open();
        hall.opened(0);
        let at = hall.now + TimeDelta::minutes(30);
        hall.issued(0, None, Some(at));
        let (reason, sentence) = says(&hall);
        assert_eq!(reason, proto::ChoiceReason::EarlyAppointment);
        assert!(sentence.contains("pukul 09:30 belum tiba"), "{sentence}");
        hall.after(20 * 60);
        assert_eq!(
            says(&hall),
            (
                proto::ChoiceReason::Appointment,
                "A001 berikutnya: janji temunya pukul 09:30 sudah tiba.".into()
            )
        );
        let ticket = next(&hall.fold, hall.counter(0), hall.now).ticket.unwrap().id;
        hall.called(0);
        hall.acted(ticket, Act::NoShow);
        let (reason, sentence) = says(&hall);
        assert_eq!(reason, proto::ChoiceReason::Cooldown);
        assert!(sentence.ends_with("dalam 300 detik."), "{sentence}");
        let counter = hall.counter(0);
        hall.done(Order::PauseCounter { counter, reason: "Salat".into() });
        assert_eq!(
            says(&hall),
            (
                proto::ChoiceReason::CounterNotOpen,
                "Loket 1 sedang istirahat. Akhiri istirahat untuk memanggil.".into()
            )
        );
    }
}
