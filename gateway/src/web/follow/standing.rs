//! Where an application stands, in words: its state, its steps, what happened and its fee. Officials read the same.

use mpp_proto::documents::v1::{
    ApplicationState, HistoryEntry, Office, Payment, PaymentMethod, PaymentState, Step, StepState,
};

use crate::web::{
    letters,
    moment::{self, Zone},
    visit::Visit,
    words::{self, Words},
};

/// The state of an application as a key of words and a tone.
pub(super) fn state_word(state: ApplicationState) -> (&'static str, &'static str, &'static str) {
    match state {
        ApplicationState::Unspecified | ApplicationState::InReview => ("in_review", "info", "clock"),
        ApplicationState::Draft => ("draft", "info", "letter"),
        ApplicationState::Returned => ("returned", "warn", "alert"),
        ApplicationState::AwaitingPayment => ("awaiting_payment", "warn", "alert"),
        ApplicationState::AwaitingSignature => ("awaiting_signature", "info", "pen"),
        ApplicationState::Signing => ("signing", "info", "pen"),
        ApplicationState::AwaitingScan => ("awaiting_scan", "info", "pen"),
        ApplicationState::Issued => ("issued", "good", "check"),
        ApplicationState::HandedOver => ("handed_over", "good", "check"),
        ApplicationState::Rejected => ("rejected", "bad", "stop"),
        ApplicationState::Withdrawn => ("withdrawn", "off", "undo"),
    }
}

/// The state of an application in words.
pub(crate) fn state_words(state: ApplicationState, t: &Words) -> (String, &'static str) {
    let (word, tone, _) = state_word(state);
    (t[&format!("state.{word}")].clone(), tone)
}

/// A step on the way of an application.
pub(crate) struct StepLine {
    pub(crate) who: String,
    pub(crate) what: String,
    /// `done`, `active`, `pending` or `skipped`.
    pub(crate) state: &'static str,
    pub(crate) note: String,
    pub(crate) late: bool,
}

/// The way of an application, step by step.
pub(crate) fn step_lines(steps: &[Step], zone: Zone, visit: &Visit) -> Vec<StepLine> {
    let t = visit.words();
    steps
        .iter()
        .map(|step| {
            let (state, note) = match step.state() {
                StepState::Unspecified | StepState::Pending => ("pending", String::new()),
                StepState::Done => ("done", moment::moment(step.done_time, zone, visit.language)),
                StepState::Skipped => ("skipped", t["follow.skipped"].clone()),
                StepState::Active if step.paused => ("active", t["follow.paused"].clone()),
                StepState::Active => {
                    let due = moment::moment(step.due_time, zone, visit.language);
                    ("active", if due.is_empty() { due } else { t.say("follow.due", &[("time", &due)]) })
                }
            };
            StepLine {
                who: letters::role(&step.role, t),
                what: letters::step_kind(&step.kind, t),
                state,
                note,
                late: step.late && step.state() == StepState::Active,
            }
        })
        .collect()
}

/// Something that happened, in words.
pub(crate) fn happened(what: &str, t: &Words) -> String {
    t.find(&format!("happened.{}", what.to_lowercase())).unwrap_or(what).to_owned()
}

/// A fee as its page shows it.
pub(crate) struct Fee {
    /// Whether it is to be paid now.
    pub(crate) due: bool,
    /// Whether the last day to pay is over.
    pub(crate) overdue: bool,
    /// Where it stands, in words; empty while it is to be paid.
    pub(crate) standing: String,
    /// Labels and what they say.
    pub(crate) facts: Vec<(String, String)>,
    /// How and where to pay; empty unless it is to be paid.
    pub(crate) instructions: String,
}

/// The fee of an application, where there is one. `officials` adds what only they may read.
pub(crate) fn fee(payment: Option<&Payment>, officials: bool, zone: Zone, visit: &Visit) -> Option<Fee> {
    let payment = payment?;
    let t = visit.words();
    let due = payment.state() == PaymentState::Due;
    let standing = match payment.state() {
        PaymentState::Unspecified | PaymentState::Due => String::new(),
        PaymentState::Expected => t["fee.expected"].clone(),
        PaymentState::Paid => {
            t.say("fee.paid", &[("time", &moment::day(payment.pay_time, zone, visit.language))])
        }
        PaymentState::Waived => t.say("fee.waived", &[("reason", &payment.waive_reason)]),
    };
    let method = match payment.method() {
        PaymentMethod::Unspecified => String::new(),
        PaymentMethod::Cash => t["fee.cash"].clone(),
        PaymentMethod::Transfer => t["fee.transfer"].clone(),
        PaymentMethod::VirtualAccount => t["fee.virtual_account"].clone(),
        PaymentMethod::Qris => t["fee.qris"].clone(),
    };
    let last_day = if due { words::date(&payment.due_date, visit.language) } else { String::new() };
    let facts = [
        ("fee.amount", letters::rupiah(payment.amount)),
        ("fee.code", grouped(&payment.billing_code)),
        ("fee.last_day", last_day),
        ("fee.basis", payment.legal_basis.clone()),
        ("fee.method", if officials { method } else { String::new() }),
        ("fee.reference", if officials { payment.reference.clone() } else { String::new() }),
    ];
    Some(Fee {
        due,
        overdue: payment.overdue,
        standing,
        facts: facts
            .into_iter()
            .filter(|(_, text)| !text.is_empty())
            .map(|(key, text)| (t[key].clone(), text))
            .collect(),
        instructions: match due {
            true => letters::told(payment.instructions.as_ref(), visit.language),
            false => String::new(),
        },
    })
}

/// A billing code as people read it: `1000 0000 0008`.
pub(crate) fn grouped(code: &str) -> String {
    let digits: Vec<char> = code.chars().collect();
    digits.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}

/// Why something happened; where an application was handed on, the office it went to.
pub(crate) fn because(entry: &HistoryEntry, offices: &[Office]) -> String {
    let to = offices.iter().find(|office| office.area == entry.reason);
    match (entry.what.as_str(), to) {
        ("HAND_ON", Some(office)) => office.name.clone(),
        ("HAND_ON", None) => String::new(),
        (_, _) => entry.reason.clone(),
    }
}

#[cfg(test)]
mod tests {
    use mpp_kit::fault::Language;

    use super::*;

    #[test]
    fn every_state_has_its_words() {
        for language in [Language::Id, Language::En] {
            let t = Words::of(language);
            for state in [
                ApplicationState::Draft,
                ApplicationState::InReview,
                ApplicationState::Returned,
                ApplicationState::AwaitingPayment,
                ApplicationState::AwaitingSignature,
                ApplicationState::Signing,
                ApplicationState::AwaitingScan,
                ApplicationState::Issued,
                ApplicationState::HandedOver,
                ApplicationState::Rejected,
                ApplicationState::Withdrawn,
            ] {
                let (word, ..) = state_word(state);
                assert!(
                    !t[&format!("state.{word}")].is_empty() && !t[&format!("state.{word}_detail")].is_empty()
                );
            }
            for what in [
                "SUBMIT",
                "APPROVE",
                "RETURN",
                "REJECT",
                "WITHDRAW",
                "SIGN",
                "ISSUE",
                "HAND_ON",
                "ACKNOWLEDGE",
                "PAUSE_CLOCK",
                "ASK_PAYMENT",
                "SIGN_BY_HAND",
                "UPLOAD_SCAN",
                "CONFIRM_SCAN",
                "DISCARD_SHEET",
                "RECORD_PAYMENT",
                "WAIVE_PAYMENT",
            ] {
                assert_ne!(happened(what, t), what);
            }
        }
    }
}
