//! Where a step of a plan stands, and what follows for the whole.

use mpp_kit::fsm::{Row, Table};
use strum::{Display, EnumIter, EnumString};

use super::channel::Channel;

/// Where a step, or a notification, stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Display, EnumString, EnumIter)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// It waits for its turn.
    Created,
    /// An attempt is under way, or is made again.
    Sending,
    /// The provider took it.
    Sent,
    /// It arrived.
    Delivered,
    /// It could not arrive now.
    TemporaryFailure,
    /// The address cannot take it.
    PermanentFailure,
    /// We or the provider failed.
    TechnicalFailure,
    /// Held back by a rule.
    Suppressed,
    /// Pointless by now.
    Expired,
    /// The next step took over.
    FellBack,
    /// Called off, or not needed.
    Cancelled,
}

impl Status {
    /// Whether nothing is done about it any more.
    #[must_use]
    pub fn is_final(self) -> bool {
        match self {
            Self::Created | Self::Sending | Self::Sent => false,
            Self::Delivered
            | Self::TemporaryFailure
            | Self::PermanentFailure
            | Self::TechnicalFailure
            | Self::Suppressed
            | Self::Expired
            | Self::FellBack
            | Self::Cancelled => true,
        }
    }

    /// Whether the next step of the plan takes over.
    #[must_use]
    pub fn hands_over(self) -> bool {
        match self {
            Self::TemporaryFailure
            | Self::PermanentFailure
            | Self::TechnicalFailure
            | Self::Suppressed
            | Self::FellBack => true,
            Self::Created
            | Self::Sending
            | Self::Sent
            | Self::Delivered
            | Self::Expired
            | Self::Cancelled => false,
        }
    }
}

/// What happens to a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Display, EnumIter)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum Verb {
    /// An attempt begins.
    Begin,
    /// The provider takes it.
    Accept,
    /// It arrives.
    Deliver,
    /// It fails for now.
    FailTemporarily,
    /// It fails for good.
    FailPermanently,
    /// It is given up.
    FailTechnically,
    /// A rule holds it back.
    Suppress,
    /// Its time is over.
    Expire,
    /// The next step takes over.
    FallBack,
    /// It is called off.
    Cancel,
}

const fn row(from: Status, verb: Verb, to: Status, why: &'static str) -> Row<Status, Verb> {
    Row { from, verb, to, why }
}

/// What may happen to a step of any channel. A final status has no row: it is never overwritten.
pub const TRANSITIONS: Table<Status, Verb> = Table(&[
    row(Status::Created, Verb::Begin, Status::Sending, "the first attempt"),
    row(Status::Created, Verb::Suppress, Status::Suppressed, "opt-out, allow-list, quiet hours"),
    row(Status::Created, Verb::Expire, Status::Expired, "pointless before it was sent"),
    row(Status::Created, Verb::FallBack, Status::FellBack, "not sent in its time, or no usable template"),
    row(
        Status::Created,
        Verb::FailTechnically,
        Status::TechnicalFailure,
        "no usable template and no next step",
    ),
    row(Status::Created, Verb::Cancel, Status::Cancelled, "called off, or another step arrived"),
    row(Status::Sending, Verb::Begin, Status::Sending, "another attempt"),
    row(Status::Sending, Verb::Accept, Status::Sent, "the provider has it"),
    row(Status::Sending, Verb::Deliver, Status::Delivered, "a receipt overtakes the answer"),
    row(Status::Sending, Verb::FailTemporarily, Status::TemporaryFailure, "repetitions did not help"),
    row(Status::Sending, Verb::FailPermanently, Status::PermanentFailure, "the address cannot take it"),
    row(Status::Sending, Verb::FailTechnically, Status::TechnicalFailure, "given up"),
    row(Status::Sending, Verb::Suppress, Status::Suppressed, "opted out between two attempts"),
    row(Status::Sending, Verb::Expire, Status::Expired, "pointless before another attempt"),
    row(Status::Sending, Verb::FallBack, Status::FellBack, "not sent in its time"),
    row(Status::Sending, Verb::Cancel, Status::Cancelled, "called off between two attempts"),
    row(Status::Sent, Verb::Begin, Status::Sending, "refused after all, and sent in another form"),
    row(Status::Sent, Verb::Deliver, Status::Delivered, "a receipt"),
    row(Status::Sent, Verb::FailTemporarily, Status::TemporaryFailure, "no receipt, or reported as failed"),
    row(
        Status::Sent,
        Verb::FailPermanently,
        Status::PermanentFailure,
        "reported as undeliverable, or bounced",
    ),
    row(Status::Sent, Verb::FailTechnically, Status::TechnicalFailure, "reported as failed by the provider"),
    row(Status::Sent, Verb::FallBack, Status::FellBack, "not delivered in its time"),
]);

/// What WhatsApp alone may report after an end: a message that failed on one device arrives on another. Both facts are kept.
pub const LATE: Table<Status, Verb> = Table(&[
    row(Status::TemporaryFailure, Verb::Deliver, Status::Delivered, "arrived on another device"),
    row(Status::PermanentFailure, Verb::Deliver, Status::Delivered, "arrived on another device"),
    row(Status::TechnicalFailure, Verb::Deliver, Status::Delivered, "it was sent after all"),
    row(Status::FellBack, Verb::Deliver, Status::Delivered, "arrived after its time"),
]);

/// The status after `verb`, or `None` if it changes nothing.
#[must_use]
pub fn next(channel: Channel, from: Status, verb: Verb) -> Option<Status> {
    TRANSITIONS.next(from, verb).or_else(|| match channel {
        Channel::Whatsapp => LATE.next(from, verb),
        Channel::Email | Channel::InApp | Channel::Direct => None,
    })
}

/// The status of a notification from those of its steps, in their order.
#[must_use]
pub fn overall(steps: &[Status]) -> Status {
    let has = |status: Status| steps.contains(&status);
    if has(Status::Delivered) {
        return Status::Delivered;
    }
    if has(Status::Sent) {
        return Status::Sent;
    }
    if has(Status::Expired) {
        return Status::Expired;
    }
    if steps.iter().any(|status| !status.is_final()) {
        let begun = steps.iter().any(|status| !matches!(status, Status::Created | Status::Suppressed));
        return if begun { Status::Sending } else { Status::Created };
    }
    if has(Status::Cancelled) {
        return Status::Cancelled;
    }
    let failed = [Status::PermanentFailure, Status::TechnicalFailure, Status::TemporaryFailure];
    // The last failure is what the plan ended with.
    let last = steps.iter().rev().find(|status| failed.contains(status));
    last.copied().unwrap_or(if has(Status::FellBack) { Status::TechnicalFailure } else { Status::Suppressed })
}

#[cfg(test)]
mod tests {
    use strum::IntoEnumIterator as _;

    use super::*;

    #[test]
    fn the_table_is_sound() {
        let all: Vec<Status> = Status::iter().collect();
        assert_eq!(TRANSITIONS.defects(Status::Created, &all), Vec::<String>::new());
    }

    #[test]
    fn n_06_a_final_status_is_never_overwritten_but_by_a_late_delivery_of_whatsapp() {
        for from in Status::iter().filter(|status| status.is_final()) {
            for verb in Verb::iter() {
                for channel in Channel::iter() {
                    let late = channel == Channel::Whatsapp
                        && verb == Verb::Deliver
                        && matches!(
                            from,
                            Status::TemporaryFailure
                                | Status::PermanentFailure
                                | Status::TechnicalFailure
                                | Status::FellBack
                        );
                    let expected = late.then_some(Status::Delivered);
                    assert_eq!(next(channel, from, verb), expected, "{channel} {from} {verb}");
                }
            }
        }
    }

    #[test]
    fn the_whole_follows_from_its_steps() {
        use Status::*;
        for (steps, whole) in [
            (&[Created, Created][..], Created),
            (&[Suppressed, Created], Created),
            (&[FellBack, Created], Sending),
            (&[FellBack, Sent, Created], Sent),
            (&[FellBack, Delivered], Delivered),
            (&[Delivered, Cancelled], Delivered),
            (&[PermanentFailure, TechnicalFailure], TechnicalFailure),
            (&[PermanentFailure, Suppressed], PermanentFailure),
            (&[Suppressed, Suppressed], Suppressed),
            (&[Cancelled, Cancelled], Cancelled),
            (&[Expired, Created], Expired),
        ] {
            assert_eq!(overall(steps), whole, "{steps:?}");
        }
    }
}
