//! What an attempt came to, and what follows. The clock and the dice are arguments.

use chrono::{DateTime, TimeDelta, Utc};
use mpp_kit::patience::doubled;
use strum::{EnumIter, IntoEnumIterator as _};

use super::channel::Channel;
use super::status::Verb;

/// How long an attempt is repeated after the first one.
pub const PATIENCE: TimeDelta = TimeDelta::hours(4);
/// How long it is repeated while our account at the provider fails: the queue waits over a weekend, but not for ever.
pub const ACCOUNT_PATIENCE: TimeDelta = TimeDelta::hours(72);
/// How long a receipt is waited for when no step follows.
pub const RECEIPT: TimeDelta = TimeDelta::hours(72);
/// How long a mail that a server took may come back until it counts as delivered. There is no receipt for mail: servers give up
/// on an address that does not exist within minutes, and tell of one that is not reached for now within hours (RFC 5321, 4.5.4).
/// What comes back later still marks the address.
pub const BOUNCE: TimeDelta = TimeDelta::hours(24);
/// How long the status of an attempt without an answer is waited for before it is repeated: also what an attempt is begun
/// with, so that no other instance makes it meanwhile.
pub const UNCLEAR: TimeDelta = TimeDelta::minutes(2);
/// How long an attempt may take, whatever its channel does. Shorter than [`UNCLEAR`]: it has ended before it is repeated.
pub const ATTEMPT: TimeDelta = TimeDelta::seconds(90);
/// The first delay between two attempts.
const FIRST_DELAY: TimeDelta = TimeDelta::seconds(30);
/// The longest delay between two attempts.
const LONGEST_DELAY: TimeDelta = TimeDelta::minutes(30);
/// Why a step ends that needs a message of its recipient first.
pub const CLOSED: &str = "WINDOW_CLOSED";
/// By how much of itself a delay is lengthened at most.
const JITTER: f64 = 0.2;

/// What an attempt came to.
#[derive(Debug, Clone, PartialEq, Eq, EnumIter)]
pub enum Outcome {
    /// The provider took it; receipts follow or not.
    Accepted,
    /// It arrived.
    Delivered,
    /// Too fast for this recipient: only that one is delayed.
    PairRate,
    /// Too fast for our account.
    Throughput,
    /// No free text any more: a template is needed, where there are any.
    WindowClosed,
    /// The comment was answered privately before, which is done once.
    AlreadyAnswered,
    /// This address cannot take it.
    Undeliverable,
    /// The provider holds it back; repeating would not help.
    HeldBack,
    /// The template is missing, paused or has other parameters.
    TemplateUnusable,
    /// The request is wrong, or the message too large.
    Refused,
    /// Not now, a matter of the recipient: mailbox full, greylisted.
    Busy,
    /// The provider failed, before it can have taken anything.
    ProviderFailed,
    /// Our account is locked or its key is not accepted.
    AccountLocked,
    /// Nobody knows: the answer was lost after the request went out.
    Unclear,
}

impl Outcome {
    /// The word for programs and for the list of attempts.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Accepted => "ACCEPTED",
            Self::Delivered => "DELIVERED",
            Self::PairRate => "PAIR_RATE",
            Self::Throughput => "THROUGHPUT",
            Self::WindowClosed => "WINDOW_CLOSED",
            Self::AlreadyAnswered => "ALREADY_ANSWERED",
            Self::Undeliverable => "UNDELIVERABLE",
            Self::HeldBack => "HELD_BACK",
            Self::TemplateUnusable => "TEMPLATE_UNUSABLE",
            Self::Refused => "REFUSED",
            Self::Busy => "BUSY",
            Self::ProviderFailed => "PROVIDER_FAILED",
            Self::AccountLocked => "ACCOUNT_LOCKED",
            Self::Unclear => "UNCLEAR",
        }
    }

    /// The outcome of this word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::iter().find(|it| it.word() == word)
    }

    /// Whether our account at the provider failed, rather than this message.
    #[must_use]
    pub fn is_of_account(&self) -> bool {
        match self {
            Self::ProviderFailed | Self::AccountLocked | Self::Unclear => true,
            Self::Accepted
            | Self::Delivered
            | Self::PairRate
            | Self::Throughput
            | Self::WindowClosed
            | Self::AlreadyAnswered
            | Self::Undeliverable
            | Self::HeldBack
            | Self::TemplateUnusable
            | Self::Refused
            | Self::Busy => false,
        }
    }
}

/// What an error code of the Graph API means. Codes of the WhatsApp Cloud API and of the management of its templates; `None`
/// for one that stands in no row.
#[must_use]
pub fn of_graph(code: i64) -> Option<Outcome> {
    Some(match code {
        4 | 80_007 | 80_008 | 130_429 => Outcome::Throughput,
        131_056 => Outcome::PairRate,
        131_047 => Outcome::WindowClosed,
        131_026 | 131_021 => Outcome::Undeliverable,
        131_049 | 130_472 | 130_497 | 131_050 => Outcome::HeldBack,
        132_000..=132_999 => Outcome::TemplateUnusable,
        0 | 3 | 10 | 190 | 200..=299 | 368 => Outcome::AccountLocked,
        131_005 | 131_031 | 131_037 | 131_042 | 131_045 | 131_048 | 133_010 => Outcome::AccountLocked,
        33 | 100 | 131_008 | 131_009 | 131_051 | 131_052 | 131_053 => Outcome::Refused,
        1 | 2 | 131_000 | 131_016 | 131_057 | 133_004 => Outcome::ProviderFailed,
        _ => return None,
    })
}

/// What an error of the Graph API means for a direct message, by code and subcode (0 for none). What is said of one recipient is
/// told from what is said of our account by the subcode alone: code 10 is both (Messenger Platform, "Error codes").
#[must_use]
pub fn of_direct(code: i64, subcode: i64) -> Option<Outcome> {
    Some(match (code, subcode) {
        (10, 2_018_065 | 2_018_278 | 2_534_022) => Outcome::WindowClosed,
        (10_900, _) => Outcome::AlreadyAnswered,
        // The comment is too old, or nobody who could be written to.
        (10_901..=10_909, _) => Outcome::WindowClosed,
        (551, _) | (200, 1_545_041) | (100, 2_018_001 | 2_534_014) => Outcome::Undeliverable,
        (10, 1..) => Outcome::Undeliverable,
        (4 | 17 | 32 | 613 | 80_006, _) => Outcome::Throughput,
        (1200, _) => Outcome::ProviderFailed,
        (code, _) => return of_graph(code),
    })
}

/// What an answer of the Graph API means by its HTTP status, when its code stands in no row or it has none. What is refused
/// for a reason that nobody knows is refused: it is not repeated in hope.
#[must_use]
pub fn of_http(status: u16) -> Outcome {
    match status {
        // Taken, perhaps: the answer says nothing.
        200..=299 | 504 => Outcome::Unclear,
        401 | 403 => Outcome::AccountLocked,
        429 => Outcome::Throughput,
        400..=499 => Outcome::Refused,
        _ => Outcome::ProviderFailed,
    }
}

/// What is known of a step when an attempt ends.
#[derive(Debug, Clone, Copy)]
pub struct Known {
    /// Over what.
    pub channel: Channel,
    /// The number of the attempt that ended, from 1.
    pub attempt: u32,
    /// When the first one began.
    pub first_at: DateTime<Utc>,
    /// When the message becomes pointless.
    pub expires_at: Option<DateTime<Utc>>,
    /// Whether a template was sent already because free text was refused.
    pub as_template: bool,
    /// Whether an attempt ended without an answer before this one.
    pub unclear_before: bool,
    /// Whether the provider had taken it: then its account works, and what failed is this message.
    pub taken: bool,
    /// Whether another step follows.
    pub has_next: bool,
}

/// What follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follow {
    /// The step goes on by this verb, for this reason.
    Do(Verb, &'static str),
    /// Another attempt then.
    Again(DateTime<Utc>),
    /// Another attempt at once, as a template.
    AsTemplate,
    /// Nothing is known: wait until then for a status, then look again.
    Wait(DateTime<Utc>),
}

/// What follows an attempt. `dice` is a random number from 0 to 1.
#[must_use]
pub fn follow(outcome: &Outcome, known: &Known, dice: f64, now: DateTime<Utc>) -> Follow {
    let repeat = |verb: Verb, delay: TimeDelta| {
        let at = now + delay;
        if known.expires_at.is_some_and(|end| at >= end) {
            return Follow::Do(Verb::Expire, "EXPIRED");
        }
        // A failure of our account is no reason to give a message up soon: the queue waits.
        let patience = if outcome.is_of_account() && !known.taken { ACCOUNT_PATIENCE } else { PATIENCE };
        if at > known.first_at + patience {
            return Follow::Do(verb, "GIVEN_UP");
        }
        Follow::Again(at)
    };
    match outcome {
        Outcome::Accepted => Follow::Do(Verb::Accept, ""),
        Outcome::Delivered => Follow::Do(Verb::Deliver, ""),
        Outcome::PairRate => repeat(Verb::FailTemporarily, TimeDelta::seconds(6)),
        Outcome::Throughput => repeat(Verb::FailTechnically, delay(known.attempt.min(3), dice)),
        // It was taken when nobody heard the answer. No receipt can be told to belong to it: nobody said which message it is, nor
        // to whom it went.
        Outcome::AlreadyAnswered if known.unclear_before => Follow::Do(Verb::Deliver, "ALREADY_ANSWERED"),
        Outcome::AlreadyAnswered => closed(known),
        // There are no templates that could be sent instead.
        Outcome::WindowClosed if known.channel == Channel::Direct => closed(known),
        Outcome::WindowClosed if known.as_template => Follow::Do(Verb::FailTechnically, "WINDOW_CLOSED"),
        Outcome::WindowClosed => Follow::AsTemplate,
        Outcome::Undeliverable => Follow::Do(Verb::FailPermanently, "UNDELIVERABLE"),
        Outcome::HeldBack => Follow::Do(Verb::FailPermanently, "HELD_BACK"),
        Outcome::TemplateUnusable if known.has_next => Follow::Do(Verb::FallBack, "TEMPLATE_UNUSABLE"),
        Outcome::TemplateUnusable => Follow::Do(Verb::FailTechnically, "TEMPLATE_UNUSABLE"),
        Outcome::Refused => Follow::Do(Verb::FailTechnically, "REFUSED"),
        Outcome::Busy => repeat(Verb::FailTemporarily, delay(known.attempt, dice)),
        Outcome::ProviderFailed | Outcome::AccountLocked => {
            repeat(Verb::FailTechnically, delay(known.attempt, dice))
        }
        Outcome::Unclear => match known.channel {
            // A second one could be a third message: it ends here, and the next step of the plan takes over.
            Channel::Whatsapp | Channel::Direct if known.unclear_before => {
                Follow::Do(Verb::FailTechnically, "UNCLEAR")
            }
            // The same Message-ID makes a repetition harmless, so it is repeated like any failure.
            Channel::Email if known.unclear_before => {
                repeat(Verb::FailTechnically, delay(known.attempt, dice))
            }
            Channel::Whatsapp | Channel::Email | Channel::InApp | Channel::Direct => {
                Follow::Wait(now + UNCLEAR)
            }
        },
    }
}

/// Nothing may be sent to somebody who has not written: the next step takes over.
fn closed(known: &Known) -> Follow {
    Follow::Do(if known.has_next { Verb::FallBack } else { Verb::FailTechnically }, CLOSED)
}

/// How long to wait after the attempt with this number: 30 s, 60 s, 2 min … up to 30 min, each longer by up to a fifth.
fn delay(attempt: u32, dice: f64) -> TimeDelta {
    let base = doubled(FIRST_DELAY, attempt.saturating_sub(1), LONGEST_DELAY).num_milliseconds() as f64;
    TimeDelta::milliseconds((base * (1.0 + JITTER * dice.clamp(0.0, 1.0))) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        "2026-11-26T01:00:00Z".parse().unwrap()
    }

    fn known(attempt: u32) -> Known {
        Known {
            channel: Channel::Whatsapp,
            attempt,
            first_at: now(),
            expires_at: None,
            as_template: false,
            unclear_before: false,
            taken: false,
            has_next: true,
        }
    }

    #[test]
    fn n_07_delays_double_with_jitter_until_four_hours_or_the_end() {
        let wait = |attempt, dice| {
            let next = follow(&Outcome::Busy, &known(attempt), dice, now());
            let Follow::Again(at) = next else { panic!("{next:?}") };
            (at - now()).num_seconds()
        };
        let waits: Vec<i64> = (1..=8).map(|attempt| wait(attempt, 0.0)).collect();
        assert_eq!(waits, [30, 60, 120, 240, 480, 960, 1800, 1800]);
        assert_eq!(wait(1, 1.0), 36);
        let late = Known { first_at: now() - PATIENCE, ..known(9) };
        assert_eq!(follow(&Outcome::Busy, &late, 0.0, now()), Follow::Do(Verb::FailTemporarily, "GIVEN_UP"));
        let ending = Known { expires_at: Some(now() + TimeDelta::seconds(20)), ..known(1) };
        assert_eq!(follow(&Outcome::Busy, &ending, 0.0, now()), Follow::Do(Verb::Expire, "EXPIRED"));
        for permanent in [Outcome::Undeliverable, Outcome::HeldBack, Outcome::Refused] {
            assert!(matches!(follow(&permanent, &known(1), 0.0, now()), Follow::Do(_, _)), "{permanent:?}");
        }
    }

    #[test]
    fn n_21_a_failure_of_the_account_gives_nothing_up_over_a_weekend() {
        let given_up = Follow::Do(Verb::FailTechnically, "GIVEN_UP");
        let after = |hours| Known { first_at: now() - TimeDelta::hours(hours), ..known(9) };
        for outcome in [Outcome::ProviderFailed, Outcome::AccountLocked] {
            assert!(matches!(follow(&outcome, &after(71), 0.0, now()), Follow::Again(_)), "{outcome:?}");
            assert_eq!(follow(&outcome, &after(72), 0.0, now()), given_up, "{outcome:?}");
        }
        // An account that took the message works; what it reports afterwards is repeated as long as anything else.
        let taken = |hours| Known { taken: true, ..after(hours) };
        assert!(matches!(follow(&Outcome::ProviderFailed, &taken(3), 0.0, now()), Follow::Again(_)));
        assert_eq!(follow(&Outcome::ProviderFailed, &taken(4), 0.0, now()), given_up);
    }

    #[test]
    fn an_attempt_has_ended_before_it_is_repeated() {
        assert!(ATTEMPT + TimeDelta::seconds(20) < UNCLEAR, "with room for what is around it");
    }

    #[test]
    fn n_08_an_attempt_without_an_answer_is_waited_for_and_repeated_once() {
        assert_eq!(follow(&Outcome::Unclear, &known(1), 0.0, now()), Follow::Wait(now() + UNCLEAR));
        let second = Known { unclear_before: true, ..known(2) };
        assert_eq!(
            follow(&Outcome::Unclear, &second, 0.0, now()),
            Follow::Do(Verb::FailTechnically, "UNCLEAR")
        );
    }

    #[test]
    fn c_17_codes_of_direct_messages_tell_the_recipient_from_our_account() {
        for ((code, subcode), outcome) in [
            ((10, 2_018_278), Outcome::WindowClosed),
            ((10, 2_534_022), Outcome::WindowClosed),
            ((10, 77), Outcome::Undeliverable),
            ((10, 0), Outcome::AccountLocked),
            ((551, 1_545_041), Outcome::Undeliverable),
            ((100, 2_018_001), Outcome::Undeliverable),
            ((100, 0), Outcome::Refused),
            ((4, 0), Outcome::Throughput),
            ((613, 0), Outcome::Throughput),
            ((1200, 2_018_024), Outcome::ProviderFailed),
            ((190, 463), Outcome::AccountLocked),
            ((10_900, 0), Outcome::AlreadyAnswered),
        ] {
            assert_eq!(of_direct(code, subcode), Some(outcome), "{code}/{subcode}");
        }
        let to = Known { channel: Channel::Direct, ..known(1) };
        let next = follow(&Outcome::WindowClosed, &to, 0.0, now());
        assert_eq!(next, Follow::Do(Verb::FallBack, CLOSED), "no template is tried");
        let last = Known { has_next: false, ..to };
        assert_eq!(
            follow(&Outcome::AlreadyAnswered, &last, 0.0, now()),
            Follow::Do(Verb::FailTechnically, CLOSED)
        );
        let unheard = Known { unclear_before: true, attempt: 2, ..last };
        let taken = Follow::Do(Verb::Deliver, "ALREADY_ANSWERED");
        assert_eq!(follow(&Outcome::AlreadyAnswered, &unheard, 0.0, now()), taken);
        let lost = follow(&Outcome::Unclear, &unheard, 0.0, now());
        assert_eq!(lost, Follow::Do(Verb::FailTechnically, "UNCLEAR"), "no third message");
    }

    #[test]
    fn the_codes_of_the_graph_api_are_read_as_they_are_documented() {
        for (code, outcome) in [
            (130_429, Outcome::Throughput),
            (131_056, Outcome::PairRate),
            (131_047, Outcome::WindowClosed),
            (131_026, Outcome::Undeliverable),
            (131_049, Outcome::HeldBack),
            (132_015, Outcome::TemplateUnusable),
            (131_031, Outcome::AccountLocked),
            (190, Outcome::AccountLocked),
            (131_000, Outcome::ProviderFailed),
        ] {
            assert_eq!(of_graph(code), Some(outcome), "{code}");
        }
        assert_eq!(of_graph(139_999), None);
        for (status, outcome) in [
            (400, Outcome::Refused),
            (422, Outcome::Refused),
            (403, Outcome::AccountLocked),
            (429, Outcome::Throughput),
            (500, Outcome::ProviderFailed),
            (504, Outcome::Unclear),
        ] {
            assert_eq!(of_http(status), outcome, "{status}");
        }
        assert_eq!(follow(&Outcome::WindowClosed, &known(1), 0.0, now()), Follow::AsTemplate);
        let template = Known { as_template: true, ..known(2) };
        assert!(matches!(follow(&Outcome::WindowClosed, &template, 0.0, now()), Follow::Do(..)), "once");
    }
}
