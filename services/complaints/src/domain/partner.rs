//! What the system of an agency says of a case that the agency has (the updates extension of Open311, as FixMyStreet has
//! it).
//!
//! That the agency is at it is what an officer would say too: it takes the case and is the first answer. Whatever else is
//! said stands in the history for an officer: a case is answered with proof and by a person, and sent back or closed with a
//! reason that the reporter reads. What is older than what is known already changes no state.

use chrono::{DateTime, SubsecRound as _, Utc};
use strum::{Display, EnumIter, EnumString};

use super::case::{Case, Message};
use super::rules::Rules;
use super::words::{MessageKind, Part, State};
use super::workflow::{self, By, Decision, Notice, NoticeKind, Order, Rejection, To};

/// What an update is in the journal.
pub const TOLD: &str = "complaint.partner_update";
/// A first answer has at least so many characters; a shorter word is a note.
const ANSWER: usize = 10;

/// The words for where a case stands there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Display, EnumString, EnumIter)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
#[expect(missing_docs, reason = "the words of the extension, which says no more of them")]
pub enum Status {
    Open,
    Investigating,
    InProgress,
    ActionScheduled,
    Fixed,
    Closed,
    Duplicate,
    NotCouncilsResponsibility,
    NoFurtherAction,
    InternalReferral,
    ForTriage,
    Cancelled,
    Reopen,
}

impl Status {
    /// Whether the agency is at it.
    fn is_work(self) -> bool {
        matches!(self, Self::Investigating | Self::InProgress | Self::ActionScheduled)
    }

    /// Whether it is over there: then an officer has something to do here.
    fn is_end(self) -> bool {
        match self {
            Self::Open
            | Self::Investigating
            | Self::InProgress
            | Self::ActionScheduled
            | Self::ForTriage
            | Self::Reopen => false,
            Self::Fixed
            | Self::Closed
            | Self::Duplicate
            | Self::NotCouncilsResponsibility
            | Self::NoFurtherAction
            | Self::InternalReferral
            | Self::Cancelled => true,
        }
    }
}

/// What a partner says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Where it stands there.
    pub status: Status,
    /// In words; may be empty.
    pub text: String,
    /// When that was.
    pub at: DateTime<Utc>,
    /// What the update is known by, so that it is taken once.
    pub external: String,
}

/// Whether this update was taken before.
#[must_use]
pub fn is_known(case: &Case, external: &str) -> bool {
    case.messages.iter().any(|it| it.external == external)
}

/// Takes an update of the agency that `by` speaks for.
///
/// # Errors
/// [`Rejection::IsClosed`]; nothing has changed then.
pub fn take(
    case: &Case,
    by: &By,
    told: &Told,
    rules: &Rules,
    now: DateTime<Utc>,
) -> Result<Decision, Rejection> {
    if case.state.is_closed() {
        return Err(Rejection::IsClosed);
    }
    let mut decision = Decision { next: case.clone(), notices: Vec::new(), detail: Default::default() };
    let leads = case.lead.as_deref() == Some(by.agency.as_str());
    let mut said = false;
    if leads && told.status.is_work() && is_news(case, told.at) {
        if case.state == State::Disposed {
            decision = workflow::decide(&decision.next, by, Order::Accept, rules, now)?;
        }
        let at_work = matches!(decision.next.state, State::InProgress | State::Reopened);
        if at_work && told.text.chars().count() >= ANSWER {
            let order = Order::FirstAnswer { text: told.text.clone() };
            let answered = workflow::decide(&decision.next, by, order, rules, now)?;
            decision.notices.extend(answered.notices);
            decision.next = answered.next;
            said = true;
        }
    }
    if said {
        if let Some(last) = decision.next.messages.last_mut() {
            last.external.clone_from(&told.external);
        }
    } else {
        decision.next.messages.push(note(by, told, now));
    }
    if told.status.is_end() {
        decision.notices.push(Notice { to: To::Admin(by.agency.clone()), kind: NoticeKind::Assigned });
    }
    decision.detail.insert("status", told.status.to_string());
    Ok(decision)
}

/// Whether it happened after all that offices have said and done here. Partners tell whole seconds.
fn is_news(case: &Case, at: DateTime<Utc>) -> bool {
    let spoken = case.messages.iter().filter(|it| it.by != Part::Reporter).map(|it| it.at);
    let held = case.holders.iter().map(|it| it.from);
    spoken.chain(held).all(|known| known.trunc_subsecs(0) <= at)
}

fn note(by: &By, told: &Told, now: DateTime<Utc>) -> Message {
    let text = format!("Sistem mitra: {}\n{}", told.status, told.text);
    Message {
        at: now,
        by: Part::Agency,
        account: by.account.clone(),
        agency: by.agency.clone(),
        kind: MessageKind::Note,
        text: text.trim_end().to_owned(),
        files: Vec::new(),
        reporter: String::new(),
        external: told.external.clone(),
    }
}

#[cfg(test)]
mod tests {
    use strum::IntoEnumIterator as _;

    use super::*;

    #[test]
    fn c_62_the_words_are_those_of_the_extension() {
        let words: Vec<String> = Status::iter().map(|it| it.to_string()).collect();
        assert_eq!(
            words.join(" "),
            "OPEN INVESTIGATING IN_PROGRESS ACTION_SCHEDULED FIXED CLOSED DUPLICATE NOT_COUNCILS_RESPONSIBILITY \
             NO_FURTHER_ACTION INTERNAL_REFERRAL FOR_TRIAGE CANCELLED REOPEN"
        );
        assert!(Status::iter().all(|it| !(it.is_work() && it.is_end())));
    }
}
