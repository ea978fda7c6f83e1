//! The board of a hall: who is called where. Numbers only.

use chrono::{DateTime, TimeDelta, Utc};
use mpp_proto::queue::v1 as proto;

use crate::domain::fold::{Call, Fold};
use crate::domain::hall::{CounterPlan, Hall};
use crate::domain::speech;
use crate::rpc::convert;

/// Calls that a board lists at most.
const LAST_CALLS: usize = 12;
/// What is older is not spoken to a board that comes back: the visitor is there, or has been called again.
const SPOKEN_WITHIN: TimeDelta = TimeDelta::seconds(60);

/// Whether the hall has the zone; the empty one is all of them.
pub(in crate::rpc) fn has_zone(hall: &Hall, zone: &str) -> bool {
    zone.is_empty() || hall.zones.iter().any(|known| known.code == zone)
}

/// The board of a zone, or with an empty one of the hall.
pub(in crate::rpc) fn board(fold: &Fold, epoch: i64, zone: &str, now: DateTime<Utc>) -> proto::Board {
    let hall = fold.hall();
    proto::Board {
        hall_id: hall.id.to_string(),
        hall_name: hall.name.clone(),
        seq: convert::position(fold.seq()),
        time: Some(convert::time(now)),
        counters: counters(fold, zone).into_iter().filter(is_shown).collect(),
        last_calls: fold
            .calls()
            .iter()
            .rev()
            .filter_map(|call| announcement(fold, zone, call))
            .take(LAST_CALLS)
            .collect(),
        zones: convert::hall::zones(hall),
        time_zone: convert::hall::time_zone(hall.time_zone).into(),
        epoch,
    }
}

/// Every counter of a zone in the order of the configuration, those too that the board does not show.
pub(in crate::rpc) fn counters(fold: &Fold, zone: &str) -> Vec<proto::BoardCounter> {
    fold.hall().counters.iter().filter(|plan| is_in(plan, zone)).map(|plan| counter(fold, plan)).collect()
}

/// The calls after a position that are still worth speaking, in order.
pub(in crate::rpc) fn announcements(
    fold: &Fold,
    zone: &str,
    after: u64,
    now: DateTime<Utc>,
) -> Vec<proto::Announcement> {
    fold.calls()
        .iter()
        .filter(|call| call.seq > after && now - call.at < SPOKEN_WITHIN)
        .filter_map(|call| announcement(fold, zone, call))
        .collect()
}

/// A counter that is closed without a reason is not shown. Watchers get it all the same when it becomes so, to take it
/// off.
fn is_shown(counter: &proto::BoardCounter) -> bool {
    counter.state() != proto::CounterState::Closed || !counter.reason.is_empty()
}

fn counter(fold: &Fold, plan: &CounterPlan) -> proto::BoardCounter {
    let counter = fold.counter(plan.id);
    let held = counter.current.and_then(|id| fold.ticket(id));
    proto::BoardCounter {
        counter_id: plan.id.to_string(),
        number: plan.number.clone(),
        zone_code: plan.zone.clone(),
        agency_name: agency_name(fold, plan),
        state: convert::counter_state(&counter).into(),
        ticket_number: held.map(|ticket| ticket.number.clone()).unwrap_or_default(),
        call_time: held.and_then(|ticket| ticket.last_call_at).map(convert::time),
        reason: counter.reason.clone(),
    }
}

/// A call as it is announced; none if it belongs to another zone, or to a counter that is no longer there.
fn announcement(fold: &Fold, zone: &str, call: &Call) -> Option<proto::Announcement> {
    let plan = fold.plan(call.counter).filter(|plan| is_in(plan, zone))?;
    let (speech, clips) = speech::announcement(&call.number, &plan.number);
    Some(proto::Announcement {
        id: convert::position(call.seq),
        ticket_number: call.number.clone(),
        counter_number: plan.number.clone(),
        zone_code: plan.zone.clone(),
        repeat: convert::number(call.repeat),
        time: Some(convert::time(call.at)),
        speech,
        clips,
        agency_name: agency_name(fold, plan),
    })
}

fn agency_name(fold: &Fold, plan: &CounterPlan) -> String {
    fold.agency(plan.agency).map(|agency| agency.name.clone()).unwrap_or_default()
}

fn is_in(plan: &CounterPlan, zone: &str) -> bool {
    zone.is_empty() || plan.zone == zone
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::decide::{Act, Order};
    use crate::rpc::samples::Hall;

    #[test]
    fn shows_calls_with_speech_by_zone_and_no_counter_that_sleeps() {
        let mut hall = Hall::open();
        hall.walk_in(0);
        hall.walk_in(2);
        assert_eq!(board(&hall.fold, 1, "", hall.now).counters, []);
        hall.opened(0);
        hall.opened(1);
        hall.called(0);
        hall.after(20).called(1);
        let whole = board(&hall.fold, 1, "", hall.now);
        assert_eq!(whole.counters.len(), 2);
        assert_eq!(
            whole.last_calls.iter().map(|call| call.ticket_number.as_str()).collect::<Vec<_>>(),
            ["B001", "A001"]
        );
        let zone = board(&hall.fold, 1, "A", hall.now);
        assert_eq!(zone.counters.iter().map(|one| one.ticket_number.as_str()).collect::<Vec<_>>(), ["A001"]);
        assert_eq!(zone.last_calls.len(), 1);
        assert_eq!(zone.last_calls[0].speech, "Nomor antrean A, nol, nol, satu, silakan menuju loket satu");
        assert_eq!(zone.last_calls[0].repeat, 1);
        assert_eq!(zone.counters[0].state(), proto::CounterState::Serving);
        assert_eq!(zone.zones.len(), 2);
    }

    #[test]
    fn what_was_missed_is_spoken_for_a_minute() {
        let mut hall = Hall::open();
        let id = hall.walk_in(0);
        hall.opened(0);
        hall.called(0);
        let called = hall.fold.seq();
        hall.after(30);
        hall.acted(id, Act::Recall);
        let ids = |hall: &Hall, after| -> Vec<(i64, i32)> {
            announcements(&hall.fold, "", after, hall.now).iter().map(|call| (call.id, call.repeat)).collect()
        };
        assert_eq!(ids(&hall, 0).len(), 2);
        assert_eq!(ids(&hall, called), [(convert::position(called + 1), 2)], "each once, by its id");
        assert_eq!(ids(hall.after(31), 0).len(), 1, "the first call is 61 seconds old");
        assert_eq!(announcements(&hall.fold, "B", 0, hall.now), []);
    }

    #[test]
    fn a_break_is_shown_with_its_reason() {
        let mut hall = Hall::open();
        hall.opened(0);
        let counter = hall.counter(0);
        hall.done(Order::PauseCounter { counter, reason: "Salat Zuhur".into() });
        let board = board(&hall.fold, 1, "", hall.now);
        assert_eq!(
            (board.counters[0].state(), board.counters[0].reason.as_str()),
            (proto::CounterState::Break, "Salat Zuhur")
        );
    }
}
