//! The words that contract and domain share, one for one.

use mpp_proto::common::v1 as common;
use mpp_proto::queue::v1 as proto;

use crate::domain::counter::Availability;
use crate::domain::event::{Actor, ActorKind, Kind};
use crate::domain::ticket::{Assistance, Channel, LegOutcome, Outcome, Priority, State, Verb, VoidReason};

/// Who did something.
pub(super) fn actor(actor: &Actor) -> common::Actor {
    let kind = match actor.kind {
        ActorKind::Staff => common::ActorKind::Staff,
        ActorKind::Device => common::ActorKind::Device,
        ActorKind::Citizen => common::ActorKind::Citizen,
        ActorKind::System => common::ActorKind::System,
    };
    common::Actor { id: actor.id.clone(), kind: kind.into() }
}

/// The state of a ticket in the contract.
pub(crate) fn ticket_state(state: State) -> proto::TicketState {
    match state {
        State::Waiting => proto::TicketState::Waiting,
        State::Called => proto::TicketState::Called,
        State::Serving => proto::TicketState::Serving,
        State::Parked => proto::TicketState::Parked,
        State::NoShow => proto::TicketState::NoShow,
        State::Done => proto::TicketState::Done,
        State::Cancelled => proto::TicketState::Cancelled,
        State::Expired => proto::TicketState::Expired,
    }
}

/// A verb in the contract.
pub(crate) fn verb(verb: Verb) -> proto::TicketVerb {
    match verb {
        Verb::Call => proto::TicketVerb::Call,
        Verb::Recall => proto::TicketVerb::Recall,
        Verb::Start => proto::TicketVerb::Start,
        Verb::Finish => proto::TicketVerb::Finish,
        Verb::NoShow => proto::TicketVerb::NoShow,
        Verb::Restore => proto::TicketVerb::Restore,
        Verb::Park => proto::TicketVerb::Park,
        Verb::Resume => proto::TicketVerb::Resume,
        Verb::Transfer => proto::TicketVerb::Transfer,
        Verb::Cancel => proto::TicketVerb::Cancel,
        Verb::UndoCall => proto::TicketVerb::UndoCall,
        Verb::Release => proto::TicketVerb::Release,
        Verb::Expire => proto::TicketVerb::Expire,
        Verb::Reopen => proto::TicketVerb::Reopen,
    }
}

/// The availability of a counter in the contract.
pub(crate) fn availability(availability: Availability) -> proto::CounterState {
    match availability {
        Availability::Closed => proto::CounterState::Closed,
        Availability::Open => proto::CounterState::Open,
        Availability::Break => proto::CounterState::Break,
    }
}

/// Why a ticket goes ahead.
pub(super) fn priority(priority: Option<Priority>) -> proto::Priority {
    match priority {
        None => proto::Priority::None,
        Some(Priority::Disability) => proto::Priority::Disability,
        Some(Priority::Elderly) => proto::Priority::Elderly,
        Some(Priority::Pregnant) => proto::Priority::Pregnant,
        Some(Priority::Child) => proto::Priority::Child,
        Some(Priority::DisasterVictim) => proto::Priority::DisasterVictim,
        Some(Priority::Internal) => proto::Priority::Internal,
    }
}

/// The priority that a request asks for.
pub(in crate::rpc) fn asked_priority(priority: proto::Priority) -> Option<Priority> {
    match priority {
        proto::Priority::Unspecified | proto::Priority::None => None,
        proto::Priority::Disability => Some(Priority::Disability),
        proto::Priority::Elderly => Some(Priority::Elderly),
        proto::Priority::Pregnant => Some(Priority::Pregnant),
        proto::Priority::Child => Some(Priority::Child),
        proto::Priority::DisasterVictim => Some(Priority::DisasterVictim),
        proto::Priority::Internal => Some(Priority::Internal),
    }
}

/// Help to be ready to give.
pub(super) fn assistance(assistance: Assistance) -> proto::Assistance {
    match assistance {
        Assistance::Wheelchair => proto::Assistance::Wheelchair,
        Assistance::SignLanguage => proto::Assistance::SignLanguage,
        Assistance::Escort => proto::Assistance::Escort,
        Assistance::Reading => proto::Assistance::Reading,
    }
}

/// The help that a request asks for; none when it does not say which.
pub(in crate::rpc) fn asked_assistance(assistance: proto::Assistance) -> Option<Assistance> {
    match assistance {
        proto::Assistance::Unspecified => None,
        proto::Assistance::Wheelchair => Some(Assistance::Wheelchair),
        proto::Assistance::SignLanguage => Some(Assistance::SignLanguage),
        proto::Assistance::Escort => Some(Assistance::Escort),
        proto::Assistance::Reading => Some(Assistance::Reading),
    }
}

/// How a ticket was issued.
pub(super) fn channel(channel: Channel) -> proto::Channel {
    match channel {
        Channel::Kiosk => proto::Channel::Kiosk,
        Channel::Reception => proto::Channel::Reception,
        Channel::Api => proto::Channel::Api,
        Channel::Onsite => proto::Channel::Onsite,
    }
}

/// The channel that a request names.
pub(in crate::rpc) fn asked_channel(channel: proto::Channel) -> Channel {
    match channel {
        proto::Channel::Unspecified | proto::Channel::Api => Channel::Api,
        proto::Channel::Kiosk => Channel::Kiosk,
        proto::Channel::Reception => Channel::Reception,
        proto::Channel::Onsite => Channel::Onsite,
    }
}

/// Why a ticket is taken back; none when the request does not say it.
pub(in crate::rpc) fn asked_void_reason(reason: proto::VoidReason) -> Option<VoidReason> {
    match reason {
        proto::VoidReason::Unspecified => None,
        proto::VoidReason::WrongService => Some(VoidReason::WrongService),
        proto::VoidReason::TakenTwice => Some(VoidReason::TakenTwice),
        proto::VoidReason::NotStaying => Some(VoidReason::NotStaying),
    }
}

/// How service ended.
pub(super) fn outcome(outcome: Outcome) -> proto::Outcome {
    match outcome {
        Outcome::Done => proto::Outcome::Done,
        Outcome::IncompleteDocuments => proto::Outcome::IncompleteDocuments,
        Outcome::NotProvided => proto::Outcome::NotProvided,
        Outcome::Cancelled => proto::Outcome::Cancelled,
    }
}

/// The outcome that a request names.
pub(in crate::rpc) fn asked_outcome(outcome: proto::Outcome) -> Outcome {
    match outcome {
        proto::Outcome::Unspecified | proto::Outcome::Done => Outcome::Done,
        proto::Outcome::IncompleteDocuments => Outcome::IncompleteDocuments,
        proto::Outcome::NotProvided => Outcome::NotProvided,
        proto::Outcome::Cancelled => Outcome::Cancelled,
    }
}

/// How a leg ended.
pub(super) fn leg_outcome(outcome: LegOutcome) -> proto::LegOutcome {
    match outcome {
        LegOutcome::Served => proto::LegOutcome::Served,
        LegOutcome::Transferred => proto::LegOutcome::Transferred,
        LegOutcome::NoShow => proto::LegOutcome::NoShow,
        LegOutcome::Cancelled => proto::LegOutcome::Cancelled,
        LegOutcome::Expired => proto::LegOutcome::Expired,
    }
}

/// What an event did.
pub(super) fn kind(kind: Kind) -> proto::EventKind {
    match kind {
        Kind::DayOpened => proto::EventKind::DayOpened,
        Kind::DayClosed => proto::EventKind::DayClosed,
        Kind::Configured => proto::EventKind::Configured,
        Kind::IntakeStopped => proto::EventKind::IntakeStopped,
        Kind::IntakeResumed => proto::EventKind::IntakeResumed,
        Kind::CounterOpened => proto::EventKind::CounterOpened,
        Kind::CounterPaused => proto::EventKind::CounterPaused,
        Kind::CounterResumed => proto::EventKind::CounterResumed,
        Kind::CounterClosed => proto::EventKind::CounterClosed,
        Kind::TicketIssued => proto::EventKind::TicketIssued,
        Kind::TicketCalled => proto::EventKind::TicketCalled,
        Kind::TicketCalledSpecific => proto::EventKind::TicketCalledSpecific,
        Kind::TicketRecalled => proto::EventKind::TicketRecalled,
        Kind::TicketStarted => proto::EventKind::TicketStarted,
        Kind::TicketFinished => proto::EventKind::TicketFinished,
        Kind::TicketAbsent => proto::EventKind::TicketAbsent,
        Kind::TicketNoShow => proto::EventKind::TicketNoShow,
        Kind::TicketRestored => proto::EventKind::TicketRestored,
        Kind::TicketParked => proto::EventKind::TicketParked,
        Kind::TicketResumed => proto::EventKind::TicketResumed,
        Kind::TicketTransferred => proto::EventKind::TicketTransferred,
        Kind::TicketCancelled => proto::EventKind::TicketCancelled,
        Kind::CallUndone => proto::EventKind::CallUndone,
        Kind::TicketReleased => proto::EventKind::TicketReleased,
        Kind::TicketExpired => proto::EventKind::TicketExpired,
        Kind::DayReopened => proto::EventKind::DayReopened,
        Kind::TicketReopened => proto::EventKind::TicketReopened,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use strum::IntoEnumIterator as _;

    use super::*;

    /// The names of a domain enum, in the contract's spelling, and the contract's own, without the unspecified zero.
    fn parity<D>(
        all: impl Iterator<Item = D>,
        convert: impl Fn(D) -> &'static str,
        prefix: &str,
        highest: i32,
        name: impl Fn(i32) -> Option<&'static str>,
    ) where
        D: ToString + Copy,
    {
        let mut seen = BTreeSet::new();
        for value in all {
            let wire = convert(value);
            assert_eq!(wire, format!("{prefix}_{}", value.to_string().to_uppercase()));
            assert!(seen.insert(wire), "{wire} stands for two values");
        }
        let contract: BTreeSet<&str> = (1..=highest).filter_map(name).collect();
        assert_eq!(seen, contract, "every value of the contract has one in the domain");
    }

    #[test]
    fn states_verbs_and_kinds_are_the_same_in_contract_and_domain() {
        parity(
            State::iter(),
            |state| ticket_state(state).as_str_name(),
            "TICKET_STATE",
            50,
            |value| proto::TicketState::try_from(value).ok().map(|value| value.as_str_name()),
        );
        parity(
            Verb::iter(),
            |one| verb(one).as_str_name(),
            "TICKET_VERB",
            50,
            |value| proto::TicketVerb::try_from(value).ok().map(|value| value.as_str_name()),
        );
        parity(
            Kind::iter(),
            |one| kind(one).as_str_name(),
            "EVENT_KIND",
            50,
            |value| proto::EventKind::try_from(value).ok().map(|value| value.as_str_name()),
        );
        parity(
            LegOutcome::iter(),
            |one| leg_outcome(one).as_str_name(),
            "LEG_OUTCOME",
            50,
            |value| proto::LegOutcome::try_from(value).ok().map(|value| value.as_str_name()),
        );
        parity(
            Outcome::iter(),
            |one| outcome(one).as_str_name(),
            "OUTCOME",
            50,
            |value| proto::Outcome::try_from(value).ok().map(|value| value.as_str_name()),
        );
    }

    #[test]
    fn what_a_request_asks_for_comes_back_as_it_was_asked() {
        for value in Priority::iter() {
            assert_eq!(asked_priority(priority(Some(value))), Some(value));
        }
        assert_eq!(asked_priority(proto::Priority::Unspecified), None);
        for number in 0..=VoidReason::iter().count() {
            let value = proto::VoidReason::try_from(i32::try_from(number).unwrap()).unwrap();
            let said = asked_void_reason(value).map(|reason| format!("VOID_REASON_{reason}").to_uppercase());
            let named = (value != proto::VoidReason::Unspecified).then(|| value.as_str_name().to_owned());
            assert_eq!(said, named);
        }
        for value in Assistance::iter() {
            assert_eq!(asked_assistance(assistance(value)), Some(value));
        }
        for value in Channel::iter() {
            assert_eq!(asked_channel(channel(value)), value);
        }
        for value in Outcome::iter() {
            assert_eq!(asked_outcome(outcome(value)), value);
        }
    }
}
