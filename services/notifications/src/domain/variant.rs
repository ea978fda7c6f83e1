//! Versions of the text of a type, per channel and language, and who may use them.

use mpp_kit::fsm::{Row, Table};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString};

/// The language that every message has a text in: what cannot be said in another one is said in it.
pub const INDONESIAN: &str = "id";

/// Whether this is a code of ISO 639.
#[must_use]
pub fn is_language(text: &str) -> bool {
    (2..=3).contains(&text.len()) && text.bytes().all(|it| it.is_ascii_lowercase())
}

/// Where a variant stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Display, EnumString, EnumIter)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum VariantState {
    /// Being written.
    Draft,
    /// Offered for approval.
    Submitted,
    /// May be used.
    Approved,
    /// Stopped for now.
    Paused,
    /// Refused.
    Rejected,
}

/// What is done with a variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Display, EnumIter)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum VariantVerb {
    /// Offer it.
    Submit,
    /// Approve it.
    Approve,
    /// Refuse it.
    Reject,
    /// Stop it for now.
    Pause,
}

const fn row(
    from: VariantState,
    verb: VariantVerb,
    to: VariantState,
    why: &'static str,
) -> Row<VariantState, VariantVerb> {
    Row { from, verb, to, why }
}

/// The life of a variant.
pub const TRANSITIONS: Table<VariantState, VariantVerb> = Table(&[
    row(VariantState::Draft, VariantVerb::Submit, VariantState::Submitted, "its author is done"),
    row(VariantState::Submitted, VariantVerb::Approve, VariantState::Approved, "Meta, or a second person"),
    row(VariantState::Submitted, VariantVerb::Reject, VariantState::Rejected, "with the reason"),
    row(VariantState::Approved, VariantVerb::Pause, VariantState::Paused, "quality, or a mistake was found"),
    row(VariantState::Approved, VariantVerb::Reject, VariantState::Rejected, "Meta takes its approval back"),
    row(VariantState::Paused, VariantVerb::Approve, VariantState::Approved, "it goes on"),
    row(VariantState::Paused, VariantVerb::Reject, VariantState::Rejected, "it does not"),
]);

/// Kinds of buttons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ButtonKind {
    /// A signed link of an action.
    Link,
    /// A quick reply of WhatsApp.
    Reply,
}

/// A button.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Button {
    /// Of an action, or of the answer.
    pub key: String,
    /// What it says.
    pub label: String,
    /// Its kind.
    pub kind: ButtonKind,
}

/// Whether a variant in this state may be sent: inside of the 24 hours after a message of the recipient WhatsApp asks for no
/// template, so one that was offered or paused at Meta is a text like any other; outside, and on other channels, it must be
/// approved. A text of WhatsApp that has no template goes as free text or not at all, and is approved here.
#[must_use]
pub fn is_usable((state, kept): (VariantState, Kept), as_free_text: bool) -> bool {
    match state {
        _ if kept == Kept::AsFreeText && !as_free_text => false,
        VariantState::Submitted | VariantState::Paused if kept != Kept::AtMeta => false,
        VariantState::Approved => true,
        VariantState::Submitted | VariantState::Paused => as_free_text,
        VariantState::Draft | VariantState::Rejected => false,
    }
}

/// Who has the word about a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// Meta: it is a template there.
    AtMeta,
    /// We: it goes over WhatsApp within 24 hours of a message alone, because Meta has no templates in its language.
    AsFreeText,
    /// We: it goes over another channel.
    Here,
}

/// Why a variant cannot be used, for the step and for an administrator.
#[must_use]
pub fn unusable(state: Option<VariantState>) -> &'static str {
    match state {
        None => "TEMPLATE_MISSING",
        Some(VariantState::Paused) => "TEMPLATE_PAUSED",
        Some(VariantState::Rejected) => "TEMPLATE_REJECTED",
        Some(VariantState::Draft | VariantState::Submitted | VariantState::Approved) => {
            "TEMPLATE_NOT_APPROVED"
        }
    }
}

#[cfg(test)]
mod tests {
    use strum::IntoEnumIterator as _;

    use super::*;

    #[test]
    fn n_22_the_table_is_sound_and_a_refusal_is_the_end() {
        let all: Vec<VariantState> = VariantState::iter().collect();
        assert_eq!(TRANSITIONS.defects(VariantState::Draft, &all), Vec::<String>::new());
        assert!(TRANSITIONS.allowed(VariantState::Rejected).is_empty());
        assert_eq!(TRANSITIONS.next(VariantState::Draft, VariantVerb::Approve), None);
    }

    #[test]
    fn outside_the_window_only_approved_ones_are_used() {
        let usable =
            |kept, free| VariantState::iter().filter(|state| is_usable((*state, kept), free)).count();
        assert_eq!((usable(Kept::AtMeta, false), usable(Kept::AtMeta, true)), (1, 3));
        assert_eq!((usable(Kept::AsFreeText, false), usable(Kept::AsFreeText, true)), (0, 1));
        assert_eq!(usable(Kept::Here, false), 1);
    }
}
