//! Protobuf ⇄ domain.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use mpp_kit::check::Checker;
pub(super) use mpp_kit::wire::{count, timestamp};
use mpp_proto::documents::v1 as proto;
use prost_types::{Struct, Timestamp, Value, value::Kind as Json};
use strum::IntoEnumIterator as _;

use super::case::Loaded;
use super::codes::PDF;
use crate::adapter::signer::Takes;
use crate::domain::calendar::{Period, Plan, SpecialHours, TimeZone};
use crate::domain::code;
use crate::domain::document::{DocumentState, Signature, shown};
use crate::domain::field::{Attribute, Field, FieldType, Values};
use crate::domain::letter_type::{Component, Kind, LetterType, TypeState};
use crate::domain::life_event::{Elsewhere, LifeEvent};
use crate::domain::office::{Delegation, NumbersBefore, Office, Signer};
use crate::domain::payment::{Method, Settlement};
use crate::domain::person::SubjectKind;
use crate::domain::sla::ClockState;
use crate::domain::step::OfficeLevel;
use crate::domain::text::Text;
use crate::domain::workflow::{Event, Progress, State};
use crate::store::application::{Attachment, RegisterEntry};
use crate::store::arms::CoatOfArms;
use crate::store::document::{Document, Latest, Registration};
use crate::store::letter_type::Version;

/// Reads a time that must be given.
pub(super) fn time(field: &str, value: Option<Timestamp>, checker: &mut Checker) -> Option<DateTime<Utc>> {
    let read =
        value.and_then(|value| DateTime::from_timestamp(value.seconds, u32::try_from(value.nanos).ok()?));
    if read.is_none() {
        checker.violation(field, "INVALID_TIME", "isi dengan waktu yang benar", "give a valid time");
    }
    read
}

/// Reads a time zone by its name in the tz database.
pub(super) fn time_zone(name: &str) -> Option<TimeZone> {
    match name {
        "Asia/Jakarta" | "Asia/Pontianak" => Some(TimeZone::Wib),
        "Asia/Makassar" => Some(TimeZone::Wita),
        "Asia/Jayapura" => Some(TimeZone::Wit),
        _ => None,
    }
}

fn zone_name(zone: TimeZone) -> &'static str {
    match zone {
        TimeZone::Wib => "Asia/Jakarta",
        TimeZone::Wita => "Asia/Makassar",
        TimeZone::Wit => "Asia/Jayapura",
    }
}

pub(super) fn text(text: &Text) -> Option<proto::LocalizedText> {
    Some(proto::LocalizedText { id: text.id.clone(), en: text.en.clone() })
}

pub(super) fn plain(same: &str) -> Option<proto::LocalizedText> {
    Some(proto::LocalizedText { id: same.to_owned(), en: same.to_owned() })
}

/// What the form asks beside the subject, who is asked for apart: these attributes come from the subject.
pub(crate) fn comes_from_subject(field: &Field) -> bool {
    matches!(
        field.prefill,
        Some(Attribute::Name | Attribute::Nik | Attribute::Kk | Attribute::Address | Attribute::Phone)
    )
}

/// A type as applicants see it.
pub(super) fn letter_type(letter: &LetterType) -> proto::LetterType {
    proto::LetterType {
        key: letter.key.clone(),
        kind: match letter.kind {
            Kind::Letter => proto::LetterKind::Letter.into(),
            Kind::Licence => proto::LetterKind::Licence.into(),
        },
        title: text(&letter.title),
        summary: text(&letter.summary),
        version: count(letter.version),
        state: type_state(letter.state).into(),
        fields: letter.fields.iter().filter(|field| !comes_from_subject(field)).map(field).collect(),
        requirements: letter
            .requirements
            .iter()
            .map(|it| proto::Requirement {
                key: it.key.clone(),
                label: text(&it.title),
                // What is shown at the counter is not uploaded.
                required: it.required && !it.original,
            })
            .collect(),
        steps: letter
            .steps
            .iter()
            .map(|step| proto::StepPlan {
                level: step.level.to_string(),
                role: step.role.to_string(),
                kind: step.kind.to_string(),
                optional: step.optional,
                sla_minutes: count(step.sla_minutes),
            })
            .collect(),
        fee: letter.fee.amount,
        promised_days: count(letter.promised_working_days),
        validity: letter.validity.words(),
        standard: Component::iter()
            .map(|component| proto::ServiceStandardComponent {
                name: component.name().to_owned(),
                text: letter.standard.component(component).join("\n"),
            })
            .collect(),
        subject_fields: letter.fields.iter().filter(|field| comes_from_subject(field)).map(field).collect(),
        may_be_signed_by_hand: letter.may_be_signed_by_hand(),
    }
}

fn type_state(state: TypeState) -> proto::LetterTypeState {
    match state {
        TypeState::Draft => proto::LetterTypeState::Draft,
        TypeState::Published => proto::LetterTypeState::Published,
        TypeState::Retired => proto::LetterTypeState::Retired,
    }
}

fn field(field: &Field) -> proto::FormField {
    let only_when = field.only_when.as_ref();
    proto::FormField {
        key: field.key.clone(),
        kind: match field.kind {
            FieldType::Text => proto::FieldKind::Text,
            FieldType::LongText => proto::FieldKind::LongText,
            FieldType::Number => proto::FieldKind::Number,
            FieldType::Money => proto::FieldKind::Money,
            FieldType::Date => proto::FieldKind::Date,
            FieldType::Time => proto::FieldKind::Time,
            FieldType::Choice => proto::FieldKind::Choice,
            FieldType::Boolean => proto::FieldKind::Boolean,
            FieldType::Nik => proto::FieldKind::Nik,
            FieldType::Kk => proto::FieldKind::Kk,
            FieldType::Npwp => proto::FieldKind::Npwp,
            FieldType::Nib => proto::FieldKind::Nib,
            FieldType::Phone => proto::FieldKind::Phone,
            FieldType::Email => proto::FieldKind::Email,
            FieldType::Region => proto::FieldKind::Region,
            FieldType::PersonName => proto::FieldKind::PersonName,
            FieldType::Address => proto::FieldKind::Address,
            FieldType::VehicleRegistration => proto::FieldKind::VehicleRegistration,
            FieldType::List => proto::FieldKind::List,
        }
        .into(),
        label: text(&field.label),
        help: field.help.as_ref().and_then(text),
        required: field.required,
        max_length: count(field.max_length.unwrap_or(0)),
        choices: field
            .choices
            .iter()
            .map(|choice| proto::FieldChoice {
                value: choice.value.clone(),
                label: choice.label.as_ref().map_or_else(|| plain(&choice.value), text),
            })
            .collect(),
        only_when_key: only_when.map(|it| it.key.clone()).unwrap_or_default(),
        only_when_equals: only_when
            .map(|it| it.equals.as_str().map_or_else(|| it.equals.to_string(), str::to_owned))
            .unwrap_or_default(),
        columns: field.columns.iter().map(self::field).collect(),
        min_rows: rows(field.min),
        max_rows: rows(field.max),
        attribute: field.prefill.map(|attribute| attribute.to_string()).unwrap_or_default(),
    }
}

/// The bound of a list; 0 for none.
fn rows(bound: Option<i64>) -> i32 {
    bound.map_or(0, count)
}

/// A version for its editors, with what keeps a draft from being published.
pub(super) fn letter_type_version(version: Version) -> proto::LetterTypeVersion {
    let defects = match version.state {
        TypeState::Draft => match crate::catalogue::read_definition(&version.definition, &version.template) {
            Ok(read) => crate::catalogue::defects_of(&read),
            Err(error) => vec![error.to_string()],
        },
        TypeState::Published | TypeState::Retired => Vec::new(),
    };
    proto::LetterTypeVersion {
        key: version.key,
        version: count(version.version),
        state: type_state(version.state).into(),
        definition: version.definition,
        template: version.template,
        author: version.author,
        publisher: version.publisher.unwrap_or_default(),
        create_time: Some(timestamp(version.created_at)),
        publish_time: version.published_at.map(timestamp),
        defects,
    }
}

/// A life event, with the types that are offered now.
pub(super) fn life_event(event: &LifeEvent, offered: &BTreeSet<String>) -> proto::LifeEvent {
    proto::LifeEvent {
        key: event.key.clone(),
        title: text(&event.title),
        choices: event
            .cases
            .iter()
            .map(|case| proto::LifeEventChoice {
                key: case.key.clone(),
                title: text(&case.title),
                letter_types: case.letters.iter().filter(|key| offered.contains(*key)).cloned().collect(),
                elsewhere: case
                    .elsewhere
                    .iter()
                    .map(|it| proto::LocalizedText { id: elsewhere(it), en: elsewhere(it) })
                    .collect(),
            })
            .collect(),
    }
}

/// What another agency gives, and what to bring: names of services and papers, as that agency writes them.
fn elsewhere(it: &Elsewhere) -> String {
    format!("{}: {} ({})", it.agency, it.service, it.requirements.join("; "))
}

/// An office whole, without the population numbers of its signers.
pub(super) fn office(office: &Office) -> proto::Office {
    let before = |it: &NumbersBefore| proto::NumbersBefore {
        series: it.series.clone(),
        year: it.year,
        last: count(it.last),
    };
    let mut told = proto::Office {
        signatories: office.signers.iter().map(signer).collect(),
        numbers_before: office.numbers_before.iter().map(before).collect(),
        ..public_office(office)
    };
    if office.own_calendar {
        let plan = Plan::from(office.calendar.clone());
        told.working_periods = hours(&plan.week);
        let free =
            |(date, name): (chrono::NaiveDate, String)| proto::OfficeFreeDay { date: date.to_string(), name };
        told.free_days = plan.holidays.into_iter().map(free).collect();
        let special = |it: SpecialHours| proto::OfficeSpecialHours {
            from: it.from.to_string(),
            to: it.to.to_string(),
            name: it.name,
            periods: hours(&it.week),
        };
        told.special_hours = plan.special.into_iter().map(special).collect();
    }
    told
}

fn hours(week: &BTreeMap<u8, Vec<Period>>) -> Vec<proto::OfficeHours> {
    let day = |(weekday, periods): (&u8, &Vec<Period>)| {
        let weekday = u32::from(*weekday);
        let write = move |it: &Period| {
            let (from, to) = it.written();
            proto::OfficeHours { weekday, from, to }
        };
        periods.iter().map(write).collect::<Vec<_>>()
    };
    week.iter().flat_map(day).collect()
}

/// An office as everybody sees it: of signers, what every letter shows.
pub(super) fn public_office(office: &Office) -> proto::Office {
    proto::Office {
        id: office.id.to_string(),
        kind: match office.level() {
            OfficeLevel::Village => proto::OfficeKind::Village.into(),
            OfficeLevel::SubDistrict => proto::OfficeKind::SubDistrict.into(),
            OfficeLevel::Agency => proto::OfficeKind::Agency.into(),
        },
        area: office.area.to_string(),
        name: office.name.clone(),
        letterhead: office.letterhead.clone(),
        code: office.code.clone(),
        time_zone: zone_name(office.zone()).to_owned(),
        address: office.address.clone(),
        place: office.place.clone(),
        without_neighbourhoods: office.without_neighbourhoods,
        signatories: office
            .signers
            .iter()
            .map(|it| proto::Signatory {
                role: it.role.to_string(),
                name: it.name.clone(),
                title: it.title.clone(),
                ..proto::Signatory::default()
            })
            .collect(),
        ..proto::Office::default()
    }
}

fn signer(signer: &Signer) -> proto::Signatory {
    proto::Signatory {
        account_id: signer.account.clone(),
        role: signer.role.to_string(),
        name: signer.name.clone(),
        title: signer.title.clone(),
        rank: signer.rank.clone(),
        nip: signer.nip.clone(),
        nik: String::new(),
        on_behalf_of: signer.on_behalf_of.clone(),
        between: signer.between.clone(),
    }
}

/// A coat of arms, without its content.
pub(super) fn coat_of_arms(coat: &CoatOfArms) -> proto::CoatOfArms {
    proto::CoatOfArms {
        id: coat.id.to_string(),
        area: coat.area.clone(),
        media_type: coat.format.media_type().to_owned(),
        size: i64::from(coat.size),
        sha256: coat.sha256.clone(),
        create_time: Some(timestamp(coat.at)),
    }
}

/// An appointment.
pub(super) fn delegation(delegation: &Delegation) -> proto::Delegation {
    proto::Delegation {
        id: delegation.id.to_string(),
        office_id: delegation.office.to_string(),
        role: delegation.role.to_string(),
        account_id: delegation.account.clone(),
        title: delegation.title.clone(),
        decree: delegation.decree.clone(),
        start_time: Some(timestamp(delegation.from)),
        end_time: Some(timestamp(delegation.to)),
    }
}

pub(super) fn application_state(state: State) -> proto::ApplicationState {
    match state {
        State::Draft => proto::ApplicationState::Draft,
        State::InReview => proto::ApplicationState::InReview,
        State::Returned => proto::ApplicationState::Returned,
        State::AwaitingPayment => proto::ApplicationState::AwaitingPayment,
        State::AwaitingSignature => proto::ApplicationState::AwaitingSignature,
        State::Signing => proto::ApplicationState::Signing,
        State::AwaitingScan => proto::ApplicationState::AwaitingScan,
        State::Issued => proto::ApplicationState::Issued,
        State::HandedOver => proto::ApplicationState::HandedOver,
        State::Rejected => proto::ApplicationState::Rejected,
        State::Withdrawn => proto::ApplicationState::Withdrawn,
    }
}

/// The steps of an application; `names` tells whether the reader may know who took them.
pub(super) fn steps(loaded: &Loaded, names: bool, now: DateTime<Utc>) -> Vec<proto::Step> {
    let application = loaded.application();
    let calendar = loaded.calendar();
    (0..)
        .zip(application.plan.steps.iter().zip(&application.steps))
        .map(|(at, (planned, progress)): (usize, _)| {
            let step = &planned.step;
            let at_hand = application.current == Some(at)
                && matches!(progress, Progress::Pending)
                && matches!(
                    application.state,
                    State::InReview | State::AwaitingSignature | State::Signing | State::AwaitingScan
                );
            let clock = application.step_clock.as_ref().filter(|_| at_hand);
            let taken = match progress {
                Progress::Done(taken) => Some(taken),
                Progress::Pending | Progress::Skipped | Progress::Deemed => None,
            };
            let known = |who: &String| if names { who.clone() } else { String::new() };
            proto::Step {
                index: count(at),
                level: step.level.to_string(),
                role: step.role.to_string(),
                kind: step.kind.to_string(),
                area: loaded.place_of(step.level).unwrap_or_default(),
                state: match progress {
                    Progress::Pending if at_hand => proto::StepState::Active,
                    Progress::Pending => proto::StepState::Pending,
                    Progress::Skipped => proto::StepState::Skipped,
                    Progress::Done(_) | Progress::Deemed => proto::StepState::Done,
                }
                .into(),
                claimed_by: application
                    .claim
                    .as_ref()
                    .filter(|_| at_hand)
                    .map(|claim| known(&claim.by))
                    .unwrap_or_default(),
                done_by: taken.map(|taken| known(&taken.actor)).unwrap_or_default(),
                done_time: taken.map(|taken| timestamp(taken.at)),
                due_time: clock.and_then(|clock| clock.due(&calendar)).map(timestamp),
                paused: clock.is_some_and(|clock| clock.state() != ClockState::Running),
                late: clock.is_some_and(|clock| clock.is_overdue(&calendar, now)),
            }
        })
        .collect()
}

/// What happened; `names` tells whether the reader may know who did it.
pub(super) fn history(events: &[Event], names: bool) -> Vec<proto::HistoryEntry> {
    events.iter().filter_map(|event| history_entry(event, names)).collect()
}

fn history_entry(event: &Event, names: bool) -> Option<proto::HistoryEntry> {
    let entry = |at: &DateTime<Utc>, what: &str, who: &str, reason: &str, step: Option<usize>| {
        let official = who.starts_with("acc_");
        Some(proto::HistoryEntry {
            time: Some(timestamp(*at)),
            what: what.to_owned(),
            who: if official && !names { String::new() } else { who.to_owned() },
            reason: reason.to_owned(),
            step: step.map_or(-1, count),
        })
    };
    match event {
        Event::Submitted { at, .. } => entry(at, "SUBMIT", "applicant", "", None),
        Event::Resubmitted { person_changed: true, at, .. } => {
            entry(at, "RESUBMIT_PERSON", "applicant", "", None)
        }
        Event::Resubmitted { at, .. } => entry(at, "RESUBMIT", "applicant", "", None),
        Event::CustodyPassed { to, at, .. } => entry(at, "HAND_ON", "system", &to.to_string(), None),
        Event::CustodyAcknowledged { by, at } => entry(at, "ACKNOWLEDGE", by, "", None),
        Event::Claimed { by, at } => entry(at, "CLAIM", by, "", None),
        Event::Released { by, at } => entry(at, "RELEASE", by, "", None),
        Event::StepTaken { step, taken } => entry(&taken.at, "APPROVE", &taken.actor, "", Some(*step)),
        Event::Returned { step, by, reason, at } => entry(at, "RETURN", by, &reason.text, Some(*step)),
        Event::Rejected { step, by, reason, at } => entry(at, "REJECT", by, &reason.text, Some(*step)),
        Event::Withdrawn { reason, at } => entry(at, "WITHDRAW", "applicant", reason, None),
        Event::PaymentAsked { at, .. } => entry(at, "ASK_PAYMENT", "system", "", None),
        Event::PaymentRecorded { by, at, .. } => entry(at, "RECORD_PAYMENT", by, "", None),
        Event::PaymentWaived { reason, by, at } => entry(at, "WAIVE_PAYMENT", by, reason, None),
        Event::SigningCompleted { step, at, .. } => entry(at, "SIGN", "system", "", *step),
        Event::SigningFailed { reason, at } => {
            // Why the signing service failed is for officials.
            entry(at, "SIGNING_FAILED", "system", if names { reason } else { "" }, None)
        }
        Event::SheetPrinted { taken, reason, at } => {
            // Why there is no certificate is for officials.
            entry(at, "SIGN_BY_HAND", &taken.actor, if names { reason } else { "" }, None)
        }
        Event::ScanUploaded { by, at, .. } => entry(at, "UPLOAD_SCAN", by, "", None),
        Event::ScanConfirmed { step, by, at, .. } => entry(at, "CONFIRM_SCAN", by, "", Some(*step)),
        Event::SheetDiscarded { by, reason, at } => {
            let by = if by.is_empty() { "system" } else { by };
            entry(at, "DISCARD_SHEET", by, if names { reason } else { "" }, None)
        }
        Event::Issued { at } => entry(at, "ISSUE", "system", "", None),
        Event::HandedOver { at, .. } => entry(at, "HAND_OVER", "system", "", None),
        Event::Escalated { step, at, .. } => entry(at, "ESCALATE", "system", "", Some(*step)),
        Event::DeemedGranted { at, .. } => entry(at, "DEEM_GRANTED", "system", "", None),
        Event::ClockChanged { verb, reason, by, at } => {
            let reason = if names { reason.as_str() } else { "" };
            entry(at, &format!("{verb}_CLOCK"), by, reason, None)
        }
        Event::StepEntered { .. }
        | Event::NumberNeeded { .. }
        | Event::NumberAllocated { .. }
        | Event::NumberVoided { .. }
        | Event::BillingCodeGiven { .. }
        | Event::SigningBegan { .. } => None,
    }
}

pub(super) fn attachment(attachment: &Attachment) -> proto::Attachment {
    proto::Attachment {
        file_id: attachment.file.to_string(),
        requirement: attachment.requirement.clone(),
        media_type: attachment.media_type.clone(),
        size: attachment.size,
        sha256: attachment.sha256.clone(),
    }
}

fn register_number(entry: &RegisterEntry, application: &str) -> proto::RegisterNumber {
    proto::RegisterNumber {
        office_id: entry.office.to_string(),
        series: entry.series.clone(),
        year: entry.year,
        seq: count(entry.seq),
        text: entry.text.clone(),
        void: entry.void_reason.is_some(),
        void_reason: entry.void_reason.clone().unwrap_or_default(),
        application_id: application.to_owned(),
    }
}

/// A number of the register.
pub(super) fn number(entry: &crate::store::number::Entry) -> proto::RegisterNumber {
    proto::RegisterNumber {
        office_id: entry.office.to_string(),
        series: entry.series.clone(),
        year: entry.year,
        seq: count(entry.seq),
        text: entry.text.clone(),
        void: entry.void_reason.is_some(),
        void_reason: entry.void_reason.clone().unwrap_or_default(),
        application_id: entry.application.to_string(),
    }
}

/// An application as officials see it. `allowed` is what the caller may do now.
pub(super) fn application(
    loaded: &Loaded,
    allowed: Vec<String>,
    duplicates: Vec<String>,
    now: DateTime<Utc>,
) -> proto::Application {
    let record = &loaded.record;
    let case = &record.case;
    let application = &case.application;
    let content = &case.content;
    let id = application.id.to_string();
    let office_of =
        |level: OfficeLevel| case.offices.get(&level).map(ToString::to_string).unwrap_or_default();
    proto::Application {
        letter_type: content.letter_type.clone(),
        letter_type_version: count(content.letter_type_version),
        title: case.title.clone(),
        office_id: content.office.to_string(),
        state: application_state(application.state).into(),
        version: record.version,
        subject: Some(subject(loaded)),
        values: Some(structure(&content.values)),
        content_hash: application.content_hash.clone().unwrap_or_default(),
        steps: steps(loaded, true, now),
        attachments: content.attachments.iter().map(attachment).collect(),
        history: history(&case.history, true),
        numbers: case.numbers.iter().map(|entry| register_number(entry, &id)).collect(),
        custody: application
            .custody
            .iter()
            .map(|link| proto::Custody {
                from_office_id: link.from.map(office_of).unwrap_or_default(),
                to_office_id: office_of(link.to),
                time: Some(timestamp(link.sent)),
                acknowledge_time: link.acknowledged.as_ref().map(|(at, _)| timestamp(*at)),
            })
            .collect(),
        document_id: case.document.map(|id| id.to_string()).unwrap_or_default(),
        submit_time: Some(timestamp(record.submitted_at)),
        update_time: Some(timestamp(record.updated_at)),
        allowed_verbs: allowed,
        possible_duplicates: duplicates,
        signing_problem: case.signing_problem.clone(),
        payment: payment(loaded, true, now),
        by_hand: by_hand(loaded),
        papers_seen_by: content.papers_seen_by.clone(),
        id,
    }
}

/// The fee of an application, where there is one; `officials` tells whether the reader may know by which receipt.
pub(super) fn payment(loaded: &Loaded, officials: bool, now: DateTime<Utc>) -> Option<proto::Payment> {
    let application = loaded.application();
    let charge = application.plan.charge.as_ref()?;
    let of_charge = proto::Payment {
        amount: charge.amount,
        legal_basis: charge.legal_basis.clone(),
        instructions: text(&charge.instructions),
        ..proto::Payment::default()
    };
    let Some(payment) = &application.payment else {
        let comes = matches!(application.state, State::Draft | State::InReview | State::Returned);
        return comes.then(|| proto::Payment { state: proto::PaymentState::Expected.into(), ..of_charge });
    };
    let asked = proto::Payment {
        amount: payment.amount,
        billing_code: payment.billing_code.clone().unwrap_or_default(),
        due_date: payment.due.to_string(),
        ask_time: Some(timestamp(payment.asked)),
        ..of_charge
    };
    match &payment.settled {
        // Of what has ended nothing is to be paid any more.
        None if application.state != State::AwaitingPayment => None,
        None => Some(proto::Payment {
            state: proto::PaymentState::Due.into(),
            overdue: loaded.calendar().date(now) > payment.due,
            ..asked
        }),
        Some((Settlement::Paid(receipt), at)) => Some(proto::Payment {
            state: proto::PaymentState::Paid.into(),
            method: payment_method(receipt.method).into(),
            reference: if officials { receipt.reference.clone() } else { String::new() },
            pay_time: Some(timestamp(receipt.paid)),
            settle_time: Some(timestamp(*at)),
            ..asked
        }),
        Some((Settlement::Waived(reason), at)) => Some(proto::Payment {
            state: proto::PaymentState::Waived.into(),
            waive_reason: reason.clone(),
            settle_time: Some(timestamp(*at)),
            ..asked
        }),
    }
}

fn payment_method(method: Method) -> proto::PaymentMethod {
    match method {
        Method::Cash => proto::PaymentMethod::Cash,
        Method::Transfer => proto::PaymentMethod::Transfer,
        Method::VirtualAccount => proto::PaymentMethod::VirtualAccount,
        Method::Qris => proto::PaymentMethod::Qris,
    }
}

/// What a signature takes.
pub(super) fn signing_credential(takes: Takes) -> proto::SigningCredential {
    match takes {
        Takes::Nothing => proto::SigningCredential::None,
        Takes::Passphrase => proto::SigningCredential::Passphrase,
        Takes::PassphraseOrCode => proto::SigningCredential::PassphraseOrCode,
    }
}

/// How it was paid; `None` if that was not said.
pub(super) fn read_payment_method(method: proto::PaymentMethod) -> Option<Method> {
    match method {
        proto::PaymentMethod::Unspecified => None,
        proto::PaymentMethod::Cash => Some(Method::Cash),
        proto::PaymentMethod::Transfer => Some(Method::Transfer),
        proto::PaymentMethod::VirtualAccount => Some(Method::VirtualAccount),
        proto::PaymentMethod::Qris => Some(Method::Qris),
    }
}

/// The subject of an application.
pub(super) fn subject(loaded: &Loaded) -> proto::Subject {
    let content = &loaded.record.case.content;
    proto::Subject {
        name: content.subject.name.clone(),
        nik: content.subject.nik.as_ref().map(|nik| nik.reveal().to_owned()).unwrap_or_default(),
        family_card: content.family_card.clone(),
        area: content.area.clone(),
        address: content.subject.address.clone(),
        non_resident: content.subject.kind == SubjectKind::NonResident,
        phone: content.phone.clone(),
        email: content.email.clone(),
    }
}

/// A document for those who may read it.
pub(super) fn document(document: &Document, latest: Latest, today: chrono::NaiveDate) -> proto::Document {
    proto::Document {
        id: document.id.to_string(),
        application_id: document.application.to_string(),
        letter_type: document.letter_type.clone(),
        title: document.body.title.clone(),
        office_id: document.office.to_string(),
        number: document.body.number.clone(),
        verification_code: code::grouped(&document.code),
        state: document_state(shown(document.state, document.valid_until, today)).into(),
        issue_time: Some(timestamp(document.issued_at)),
        valid_until: document.valid_until.map(|date| date.to_string()).unwrap_or_default(),
        sha256: latest.sha256,
        signatures: match document.signature {
            Signature::Electronic => count(latest.signatures),
            Signature::ByHand => 0,
        },
        replaced_by: document.body.replaced_by.map(|id| id.to_string()).unwrap_or_default(),
        replaces: document.body.replaces.map(|id| id.to_string()).unwrap_or_default(),
        revoke_reason: document.body.end_reason.clone(),
        version: document.version,
        allowed_verbs: Vec::new(),
        date: document.body.date.map(|date| date.to_string()).unwrap_or_default(),
        signature: signature(document.signature).into(),
        media_type: latest.media_type,
    }
}

/// A document for anybody.
pub(super) fn public_document(
    document: &Document,
    registrations: &[Registration],
    today: chrono::NaiveDate,
) -> proto::PublicDocument {
    proto::PublicDocument {
        title: document.body.title.clone(),
        number: document.body.number.clone(),
        office: document.body.office_name.clone(),
        signers: document.body.signers.clone(),
        holder_masked: crate::domain::person::mask_name(&document.body.holder),
        state: document_state(shown(document.state, document.valid_until, today)).into(),
        issue_time: Some(timestamp(document.issued_at)),
        valid_until: document.valid_until.map(|date| date.to_string()).unwrap_or_default(),
        sample: document.body.sample,
        end_time: document.body.ended_at.map(timestamp),
        date: document.body.date.map(|date| date.to_string()).unwrap_or_default(),
        registrations: self::registrations(registrations),
        signature: signature(document.signature).into(),
        scan_uploaded_by: document.body.scan.as_ref().map(|scan| scan.uploader.clone()).unwrap_or_default(),
        scan_upload_time: document.body.scan.as_ref().map(|scan| timestamp(scan.at)),
    }
}

/// How a document is signed.
pub(super) fn signature(signature: Signature) -> proto::SignatureMethod {
    match signature {
        Signature::Electronic => proto::SignatureMethod::Electronic,
        Signature::ByHand => proto::SignatureMethod::ByHand,
    }
}

/// The signing of an application by hand, while it is under way and after.
fn by_hand(loaded: &Loaded) -> Option<proto::HandSigning> {
    let sheet = loaded.sheet()?;
    let file = |file: String, media_type: &str, size: i64, sha256: &str| proto::Attachment {
        file_id: file,
        requirement: String::new(),
        media_type: media_type.to_owned(),
        size,
        sha256: sha256.to_owned(),
    };
    let scan = sheet.scan.as_ref();
    Some(proto::HandSigning {
        reason: sheet.reason.clone(),
        chosen_by: sheet.chosen_by.clone(),
        print_time: Some(timestamp(sheet.printed_at)),
        sheet: Some(file(sheet.file.to_string(), PDF, sheet.size, &sheet.sha256)),
        scan: scan.map(|scan| file(scan.file.to_string(), &scan.from.media_type, scan.size, &scan.sha256)),
        uploaded_by: scan.map(|scan| scan.account.clone()).unwrap_or_default(),
        upload_time: scan.map(|scan| timestamp(scan.from.at)),
        confirmed: loaded.application().sheet.is_none(),
    })
}

/// Numbers of other offices than the issuing one.
pub(super) fn registrations(registrations: &[Registration]) -> Vec<proto::Registration> {
    let told =
        |it: &Registration| proto::Registration { office: it.office.clone(), number: it.number.clone() };
    registrations.iter().map(told).collect()
}

fn document_state(state: DocumentState) -> proto::DocumentState {
    match state {
        DocumentState::Valid => proto::DocumentState::Valid,
        DocumentState::Expired => proto::DocumentState::Expired,
        DocumentState::Revoked => proto::DocumentState::Revoked,
        DocumentState::Replaced => proto::DocumentState::Replaced,
    }
}

/// Values as the contract writes them.
pub(super) fn structure(values: &Values) -> Struct {
    Struct { fields: values.iter().map(|(key, value)| (key.clone(), to_proto(value))).collect() }
}

fn to_proto(value: &serde_json::Value) -> Value {
    let kind = match value {
        serde_json::Value::Null => Json::NullValue(0),
        serde_json::Value::Bool(truth) => Json::BoolValue(*truth),
        serde_json::Value::Number(number) => Json::NumberValue(number.as_f64().unwrap_or_default()),
        serde_json::Value::String(text) => Json::StringValue(text.clone()),
        serde_json::Value::Array(items) => {
            Json::ListValue(prost_types::ListValue { values: items.iter().map(to_proto).collect() })
        }
        serde_json::Value::Object(members) => Json::StructValue(structure(members)),
    };
    Value { kind: Some(kind) }
}

/// Values as they were typed in. Whole numbers become integers, as JSON texts write them.
pub(super) fn values(given: Option<&Struct>) -> Values {
    let fields = given.map(|given| &given.fields).into_iter().flatten();
    fields.map(|(key, value)| (key.clone(), from_proto(value))).collect()
}

fn from_proto(value: &Value) -> serde_json::Value {
    match &value.kind {
        None | Some(Json::NullValue(_)) => serde_json::Value::Null,
        Some(Json::BoolValue(truth)) => (*truth).into(),
        Some(Json::NumberValue(number)) => whole(*number),
        Some(Json::StringValue(text)) => text.as_str().into(),
        Some(Json::ListValue(list)) => list.values.iter().map(from_proto).collect(),
        Some(Json::StructValue(members)) => serde_json::Value::Object(values(Some(members))),
    }
}

/// Integers up to 2^53 are exact in what the contract uses for numbers.
fn whole(number: f64) -> serde_json::Value {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() <= EXACT {
        format!("{number:.0}").parse::<i64>().map_or(serde_json::Value::Null, Into::into)
    } else {
        serde_json::Number::from_f64(number).map_or(serde_json::Value::Null, serde_json::Value::Number)
    }
}
