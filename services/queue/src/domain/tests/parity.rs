//! The domain and the contract name the same things: each state, verb, outcome and kind of event stands in both.

use mpp_proto::queue::v1 as wire;
use strum::IntoEnumIterator;

use crate::domain::event::Kind;
use crate::domain::ticket::{Assistance, Channel, LegOutcome, Outcome, Priority, State, TRANSITIONS, Verb};

/// Names of the domain in upper case behind a prefix, and names of the contract without the zero.
fn same<D: IntoEnumIterator + ToString>(
    prefix: &str,
    wire: impl Fn(i32) -> Option<&'static str>,
    more: &[&str],
) {
    let mut ours: Vec<String> =
        D::iter().map(|it| format!("{prefix}_{}", it.to_string().to_uppercase())).collect();
    ours.extend(more.iter().map(|name| format!("{prefix}_{name}")));
    let mut theirs: Vec<String> = (1..100).map_while(wire).map(str::to_owned).collect();
    ours.sort();
    theirs.sort();
    assert_eq!(ours, theirs);
}

#[test]
fn every_enum_of_the_contract_has_its_twin() {
    same::<State>("TICKET_STATE", |n| wire::TicketState::try_from(n).ok().map(|it| it.as_str_name()), &[]);
    same::<Verb>("TICKET_VERB", |n| wire::TicketVerb::try_from(n).ok().map(|it| it.as_str_name()), &[]);
    same::<Kind>("EVENT_KIND", |n| wire::EventKind::try_from(n).ok().map(|it| it.as_str_name()), &[]);
    // No priority is the absence of one.
    same::<Priority>("PRIORITY", |n| wire::Priority::try_from(n).ok().map(|it| it.as_str_name()), &["NONE"]);
    same::<Assistance>("ASSISTANCE", |n| wire::Assistance::try_from(n).ok().map(|it| it.as_str_name()), &[]);
    same::<Channel>("CHANNEL", |n| wire::Channel::try_from(n).ok().map(|it| it.as_str_name()), &[]);
    same::<Outcome>("OUTCOME", |n| wire::Outcome::try_from(n).ok().map(|it| it.as_str_name()), &[]);
    same::<LegOutcome>("LEG_OUTCOME", |n| wire::LegOutcome::try_from(n).ok().map(|it| it.as_str_name()), &[]);
}

#[test]
fn text_forms_are_one() {
    // Stored as text, sent as JSON, read from text: the same word.
    for state in State::iter() {
        assert_eq!(serde_json::to_value(state).expect("JSON"), state.to_string());
        assert_eq!(state.to_string().parse(), Ok(state));
    }
    for kind in Kind::iter() {
        assert_eq!(serde_json::to_value(kind).expect("JSON"), kind.to_string());
        assert_eq!(kind.to_string().parse(), Ok(kind));
    }
}

#[test]
fn ended_tickets_permit_nothing_and_open_ones_can_expire() {
    for state in State::iter() {
        let verbs = TRANSITIONS.allowed(state);
        match state {
            State::Done | State::Cancelled => assert_eq!(verbs, [], "{state}"),
            // Only with its whole day.
            State::Expired => assert_eq!(verbs, [Verb::Reopen]),
            State::NoShow => assert_eq!(verbs, [Verb::Restore]),
            State::Waiting | State::Called | State::Serving | State::Parked => {
                assert!(verbs.contains(&Verb::Expire) && verbs.contains(&Verb::Cancel), "{state}");
            }
        }
    }
}
