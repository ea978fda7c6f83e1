//! Protobuf ⇄ domain.

use chrono::{DateTime, SubsecRound as _, Utc};
use mpp_kit::check::Checker;
pub(super) use mpp_kit::wire::{count, timestamp};
use mpp_proto::notifications::v1 as proto;
use prost_types::Timestamp;

use super::plan::Loaded;
use crate::domain::channel::Channel;
use crate::domain::message_type::{MessageType, Urgency};
use crate::domain::rules::{QuietHours, Rules};
use crate::domain::status::Status;
use crate::domain::variant::{Button, ButtonKind, INDONESIAN, VariantState, is_language};
use crate::store::address::Address;
use crate::store::contact::Contact;
use crate::store::step::{Attempt, Step};
use crate::store::variant::Variant;

/// Reads a time that may be missing.
pub(super) fn time(field: &str, value: Option<Timestamp>, checker: &mut Checker) -> Option<DateTime<Utc>> {
    let value = value?;
    let read = u32::try_from(value.nanos)
        .ok()
        .and_then(|nanos| DateTime::from_timestamp(value.seconds, nanos))
        // What both databases can keep, with room for what is added to it.
        .filter(|time| (1970..=2200).contains(&chrono::Datelike::year(time)));
    if read.is_none() {
        checker.violation(field, "INVALID_TIME", "isi dengan waktu yang benar", "give a valid time");
    }
    read.map(|time| time.trunc_subsecs(6))
}

/// Reads a channel that must be given.
pub(super) fn channel(field: &str, value: i32, checker: &mut Checker) -> Option<Channel> {
    match proto::Channel::try_from(value) {
        Ok(proto::Channel::Whatsapp) => Some(Channel::Whatsapp),
        Ok(proto::Channel::Email) => Some(Channel::Email),
        Ok(proto::Channel::InApp) => Some(Channel::InApp),
        Ok(proto::Channel::Direct) => Some(Channel::Direct),
        Ok(proto::Channel::Unspecified) | Err(_) => {
            checker.unknown_value(field);
            None
        }
    }
}

/// A channel for the wire.
pub(super) fn channel_number(channel: Channel) -> i32 {
    match channel {
        Channel::Whatsapp => proto::Channel::Whatsapp,
        Channel::Email => proto::Channel::Email,
        Channel::InApp => proto::Channel::InApp,
        Channel::Direct => proto::Channel::Direct,
    }
    .into()
}

/// Reads an urgency; `None` for as the type says.
pub(super) fn urgency(field: &str, value: i32, checker: &mut Checker) -> Option<Urgency> {
    match proto::Urgency::try_from(value) {
        Ok(proto::Urgency::Unspecified) => None,
        Ok(proto::Urgency::Urgent) => Some(Urgency::Urgent),
        Ok(proto::Urgency::Normal) => Some(Urgency::Normal),
        Ok(proto::Urgency::Digest) => Some(Urgency::Digest),
        Err(_) => {
            checker.unknown_value(field);
            None
        }
    }
}

fn urgency_number(urgency: Urgency) -> i32 {
    match urgency {
        Urgency::Urgent => proto::Urgency::Urgent,
        Urgency::Normal => proto::Urgency::Normal,
        Urgency::Digest => proto::Urgency::Digest,
    }
    .into()
}

/// Reads a language by its code; Indonesian when nothing is said.
pub(super) fn language(field: &str, value: &str, checker: &mut Checker) -> String {
    if !value.is_empty() && !is_language(value) {
        checker.violation(
            field,
            "UNKNOWN_VALUE",
            "isi dengan kode bahasa ISO 639, misalnya id, en, atau bjn",
            "give a code of ISO 639 such as id, en or bjn",
        );
    }
    if value.is_empty() { INDONESIAN } else { value }.to_owned()
}

fn status_number(status: Status) -> i32 {
    match status {
        Status::Created => proto::DeliveryStatus::Created,
        Status::Sending => proto::DeliveryStatus::Sending,
        Status::Sent => proto::DeliveryStatus::Sent,
        Status::Delivered => proto::DeliveryStatus::Delivered,
        Status::TemporaryFailure => proto::DeliveryStatus::TemporaryFailure,
        Status::PermanentFailure => proto::DeliveryStatus::PermanentFailure,
        Status::TechnicalFailure => proto::DeliveryStatus::TechnicalFailure,
        Status::Suppressed => proto::DeliveryStatus::Suppressed,
        Status::Expired => proto::DeliveryStatus::Expired,
        Status::FellBack => proto::DeliveryStatus::FellBack,
        Status::Cancelled => proto::DeliveryStatus::Cancelled,
    }
    .into()
}

fn state_number(state: VariantState) -> i32 {
    match state {
        VariantState::Draft => proto::VariantState::Draft,
        VariantState::Submitted => proto::VariantState::Submitted,
        VariantState::Approved => proto::VariantState::Approved,
        VariantState::Paused => proto::VariantState::Paused,
        VariantState::Rejected => proto::VariantState::Rejected,
    }
    .into()
}

fn step_message(step: &Step, attempts: &[Attempt]) -> proto::DeliveryStep {
    proto::DeliveryStep {
        number: count(step.number),
        channel: channel_number(step.channel),
        status: status_number(step.status),
        reason: step.reason.clone(),
        variant_version: step.variant_version,
        language: step.language.clone(),
        next_time: step.due_at.or(step.until_at).map(timestamp),
        sent_time: step.sent_at.map(timestamp),
        delivered_time: step.delivered_at.map(timestamp),
        read_time: step.read_at.map(timestamp),
        failed_time: step.failed_at.map(timestamp),
        attempts: attempts
            .iter()
            .filter(|attempt| attempt.step == step.number)
            .map(|attempt| proto::Attempt {
                number: count(attempt.number),
                time: Some(timestamp(attempt.at)),
                outcome: attempt.outcome.clone(),
                provider_code: attempt.provider_code.clone(),
                provider_id: attempt.provider_id.clone(),
            })
            .collect(),
    }
}

/// A notification for the wire.
pub(super) fn notification(loaded: &Loaded, failing: bool, attempts: &[Attempt]) -> proto::Notification {
    let it = &loaded.notification;
    proto::Notification {
        id: it.id.to_string(),
        reference: it.reference.clone(),
        message_type: it.message_type.clone(),
        account_id: it.account.clone().unwrap_or_default(),
        urgency: urgency_number(it.urgency),
        status: status_number(it.status),
        steps: loaded.steps.iter().map(|step| step_message(step, attempts)).collect(),
        contact_failing: failing,
        scheduled_time: it.scheduled_at.map(timestamp),
        expire_time: it.expires_at.map(timestamp),
        create_time: Some(timestamp(it.created_at)),
        complete_time: it.completed_at.map(timestamp),
        created_by: it.created_by.clone(),
        direct_user: String::new(),
    }
}

/// A type of message for the wire, with how many of its texts are refused or paused.
pub(super) fn message_type(kind: &MessageType, stopped: u32) -> proto::MessageType {
    proto::MessageType {
        key: kind.key.clone(),
        title: kind.title.clone(),
        placeholders: kind
            .placeholders
            .iter()
            .map(|gap| proto::Placeholder { name: gap.name.clone(), personal: gap.personal })
            .collect(),
        urgency: urgency_number(kind.urgency),
        emergency: kind.emergency,
        plan: kind
            .plan
            .iter()
            .map(|step| proto::PlanStep {
                channel: channel_number(step.channel),
                wait_minutes: count(step.wait_minutes),
            })
            .collect(),
        actions: kind.actions.clone(),
        stopped_text_count: count(stopped),
    }
}

/// A variant for the wire.
pub(super) fn variant(variant: &Variant) -> proto::Variant {
    proto::Variant {
        message_type: variant.key.message_type.clone(),
        channel: channel_number(variant.key.channel),
        language: variant.key.language.clone(),
        version: variant.version,
        state: state_number(variant.state),
        reason: variant.reason.clone(),
        subject: variant.subject.clone(),
        body: variant.body.clone(),
        buttons: variant.buttons.iter().map(button_message).collect(),
        template_name: variant.template_name.clone(),
        author: variant.author.clone(),
        create_time: Some(timestamp(variant.created_at)),
        update_time: Some(timestamp(variant.updated_at)),
    }
}

fn button_message(button: &Button) -> proto::Button {
    let kind = match button.kind {
        ButtonKind::Link => proto::ButtonKind::Link,
        ButtonKind::Reply => proto::ButtonKind::Reply,
    };
    proto::Button { key: button.key.clone(), label: button.label.clone(), kind: kind.into() }
}

/// Reads a button.
pub(super) fn button(field: &str, button: &proto::Button, checker: &mut Checker) -> Option<Button> {
    let kind = match proto::ButtonKind::try_from(button.kind) {
        Ok(proto::ButtonKind::Link) => ButtonKind::Link,
        Ok(proto::ButtonKind::Reply) => ButtonKind::Reply,
        Ok(proto::ButtonKind::Unspecified) | Err(_) => {
            checker.unknown_value(&format!("{field}.kind"));
            return None;
        }
    };
    let label = checker.text(&format!("{field}.label"), &button.label, 1, 20);
    let key = checker.text(&format!("{field}.key"), &button.key, 1, 40);
    if !crate::domain::template::is_name(&key) {
        let name = format!("{field}.key");
        checker.violation(
            name,
            "INVALID_NAME",
            "gunakan huruf kecil, angka, dan _",
            "use lower-case letters, digits and _",
        );
    }
    Some(Button { key, label, kind })
}

/// A contact for the wire, with what is known of its addresses.
pub(super) fn contact(
    account: &str,
    contact: &Contact,
    known: impl Fn(Channel) -> Option<Address>,
) -> proto::Contact {
    proto::Contact {
        account_id: account.to_owned(),
        whatsapp: contact.whatsapp.clone(),
        email: contact.email.clone(),
        role: contact.role.clone(),
        language: contact.language.clone(),
        consents: [Channel::Whatsapp, Channel::Email]
            .into_iter()
            .map(|channel| {
                let consent = contact.consents.iter().find(|consent| consent.channel == channel);
                let address = known(channel).unwrap_or_default();
                proto::Consent {
                    channel: channel_number(channel),
                    // An address that wrote STOP is opted out, whatever was agreed to before.
                    opted_in: consent.is_some_and(|it| it.opted_in) && address.opted_out_at.is_none(),
                    source: consent.map(|it| it.source.clone()).unwrap_or_default(),
                    time: address.opted_out_at.or(consent.map(|it| it.at)).map(timestamp),
                    failing_since_time: address.failing_since.map(timestamp),
                    failing_reason: address.failing_reason,
                }
            })
            .collect(),
        version: contact.version,
    }
}

/// The rules of delivery for the wire.
pub(super) fn rules(rules: &Rules, version: u32) -> proto::DeliveryRules {
    let hour = |time: &chrono::NaiveTime| time.format("%H:%M").to_string();
    proto::DeliveryRules {
        time_zone: rules.zone.to_string(),
        quiet_hours: rules
            .quiet
            .iter()
            .map(|row: &QuietHours| proto::QuietHours {
                role: row.role.clone(),
                from: hour(&row.from),
                to: hour(&row.to),
            })
            .collect(),
        digest_times: rules.digests.iter().map(hour).collect(),
        admin_account_ids: rules.admins.clone(),
        version,
    }
}

#[cfg(test)]
mod tests {
    use strum::IntoEnumIterator as _;

    use super::*;

    /// Both enums say the same in the same words.
    #[test]
    fn the_statuses_of_the_contract_are_those_of_the_domain() {
        for status in Status::iter() {
            let number = status_number(status);
            let name = proto::DeliveryStatus::try_from(number).unwrap().as_str_name();
            assert_eq!(name, format!("DELIVERY_STATUS_{status}"));
        }
        for state in VariantState::iter() {
            let name = proto::VariantState::try_from(state_number(state)).unwrap().as_str_name();
            assert_eq!(name, format!("VARIANT_STATE_{state}"));
        }
        for channel in Channel::iter() {
            let name = proto::Channel::try_from(channel_number(channel)).unwrap().as_str_name();
            assert_eq!(name, format!("CHANNEL_{channel}"));
        }
    }
}
