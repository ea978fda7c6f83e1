//! Proto ⇄ domain.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike as _, NaiveDate, Utc};
use mpp_kit::calendar::{Period, Plan, SpecialHours, WorkCalendar};
use mpp_kit::check::Checker;
pub(crate) use mpp_kit::wire::timestamp;
use mpp_proto::complaints::v1 as proto;
use prost_types::Timestamp;

use crate::domain::board::Measure;
use crate::domain::case::{File, LONGEST_ADDRESS, Place};
use crate::domain::clock::{Clock, ClockState};
use crate::domain::deadline::{Confidence, Deadline, Unit};
use crate::domain::evidence::{Indicator, Kind as EvidenceKind};
use crate::domain::ladder::{Acting, Official};
use crate::domain::language::Language;
use crate::domain::map::{Map, Within};
use crate::domain::report::Figures;
use crate::domain::rules::{Agency, CalendarVersion, Category, Question, Rules, Unwritten};
use crate::domain::words::{Channel, Class, ClockKind, Publication, Rung, Secrecy, State, Verb};
use crate::store::catalogue::Template;
use crate::store::complaint::Line;
use crate::store::escalation::Step;
use crate::store::ledger::{Direction, Entry};
use crate::store::reveal::Request;
use crate::store::vault::Identity;

macro_rules! words {
    ($to:ident: $domain:ty => $proto:ty { $($variant:ident),* $(,)? }) => {
        pub(crate) fn $to(word: $domain) -> $proto {
            match word { $(<$domain>::$variant => <$proto>::$variant,)* }
        }
    };
    ($to:ident, $from:ident: $domain:ty => $proto:ty { $($variant:ident),* $(,)? }) => {
        words!($to: $domain => $proto { $($variant),* });

        /// `None` for what is not said, and for numbers that mean nothing.
        pub(crate) fn $from(number: i32) -> Option<$domain> {
            match <$proto>::try_from(number).ok()? {
                <$proto>::Unspecified => None,
                $(<$proto>::$variant => Some(<$domain>::$variant),)*
            }
        }
    };
}

words!(class, read_class: Class => proto::ComplaintClass { Complaint, Aspiration, InformationRequest, Whistleblowing });
words!(secrecy, read_secrecy: Secrecy => proto::Secrecy { Open, Anonymous, Secret });
words!(channel, read_channel: Channel => proto::Channel { Web, Counter, Whatsapp, Facebook, Instagram, Email, Sp4n, Open311, Api });
words!(state, read_state: State => proto::CaseState {
    New, Verified, Disposed, InProgress, AwaitingCompletion, AwaitingConfirmation, Reopened, Settled, Merged,
    ForwardedOutside, Archived, DeemedWithdrawn, Withdrawn,
});
words!(verb: Verb => proto::CaseVerb {
    Verify, Dispose, Accept, Bounce, AskCompletion, Complete, FirstAnswer, Answer, Confirm, Reopen, CloseBySilence,
    Merge, ForwardOutside, Archive, Withdraw, DeemWithdrawn, TakeBackQuestion,
});
words!(publication, read_publication: Publication => proto::Publication { Pending, Public, Withheld, Secret });
words!(clock_kind, read_clock_kind: ClockKind => proto::ClockKind { Verify, Accept, FirstAnswer, Settle, Reaction });
words!(indicator, read_indicator: Indicator => proto::EvidenceIndicator { Pg01, Pg02, Pg07, Pg08, Pg09 });
words!(evidence_kind, read_evidence_kind: EvidenceKind => proto::EvidenceKind {
    TeamDecree, Procedure, Appointment, EvaluationMinutes, EvaluationReport, IntegrationDecree, TrialReport,
    RequestLetter, Attendance, TrainingMaterial, Letter, Other,
});
words!(clock_state: ClockState => proto::ClockState { Running, Paused, Met, Stopped });

/// A number of the board as the contract has it.
pub(crate) fn measure(measure: Measure) -> proto::BoardMeasure {
    match measure {
        Measure::Open => proto::BoardMeasure::Open,
        Measure::Late => proto::BoardMeasure::Late,
        Measure::LateVerify => proto::BoardMeasure::LateVerify,
        Measure::LateAccept => proto::BoardMeasure::LateAccept,
        Measure::LateFirstAnswer => proto::BoardMeasure::LateFirstAnswer,
        Measure::LateSettle => proto::BoardMeasure::LateSettle,
        Measure::LateReaction => proto::BoardMeasure::LateReaction,
        Measure::Bounced => proto::BoardMeasure::Bounced,
        Measure::Reopened => proto::BoardMeasure::Reopened,
        Measure::SettledWithoutProof => proto::BoardMeasure::SettledWithoutProof,
        Measure::ToAcknowledge => proto::BoardMeasure::ToAcknowledge,
        Measure::Undelivered => proto::BoardMeasure::Undelivered,
    }
}

/// The marks that a number of the board counts; and whether only those due today.
pub(crate) fn read_measure(number: i32) -> Option<(Measure, bool)> {
    Some(match proto::BoardMeasure::try_from(number).ok()? {
        proto::BoardMeasure::Unspecified => return None,
        proto::BoardMeasure::DueToday => (Measure::Open, true),
        proto::BoardMeasure::Open => (Measure::Open, false),
        proto::BoardMeasure::Late => (Measure::Late, false),
        proto::BoardMeasure::LateVerify => (Measure::LateVerify, false),
        proto::BoardMeasure::LateAccept => (Measure::LateAccept, false),
        proto::BoardMeasure::LateFirstAnswer => (Measure::LateFirstAnswer, false),
        proto::BoardMeasure::LateSettle => (Measure::LateSettle, false),
        proto::BoardMeasure::LateReaction => (Measure::LateReaction, false),
        proto::BoardMeasure::Bounced => (Measure::Bounced, false),
        proto::BoardMeasure::Reopened => (Measure::Reopened, false),
        proto::BoardMeasure::SettledWithoutProof => (Measure::SettledWithoutProof, false),
        proto::BoardMeasure::ToAcknowledge => (Measure::ToAcknowledge, false),
        proto::BoardMeasure::Undelivered => (Measure::Undelivered, false),
    })
}

/// `None` for an unset one, and for one that no calendar holds.
pub(crate) fn moment(stamp: Option<&Timestamp>) -> Option<DateTime<Utc>> {
    let stamp = stamp?;
    DateTime::from_timestamp(stamp.seconds, u32::try_from(stamp.nanos).ok()?)
}

pub(crate) fn place(it: &Place) -> proto::Place {
    proto::Place {
        village_code: it.village.clone(),
        latitude: it.point.map(|it| it.0),
        longitude: it.point.map(|it| it.1),
        address: it.address.clone(),
    }
}

/// Keys that are written with commas between them.
pub(crate) fn read_keys(written: &str) -> Vec<String> {
    written.split(',').map(|it| it.trim().to_owned()).filter(|it| !it.is_empty()).collect()
}

/// Checks a place: a point lies on Earth, a village is a code.
pub(crate) fn read_place(check: &mut Checker, it: Option<&proto::Place>) -> Place {
    let Some(it) = it else { return Place::default() };
    let point = match (it.latitude, it.longitude) {
        (None, None) => None,
        (Some(latitude), Some(longitude))
            if latitude.is_finite()
                && longitude.is_finite()
                && latitude.abs() <= 90.0
                && longitude.abs() <= 180.0 =>
        {
            Some((latitude, longitude))
        }
        _ => {
            check.violation(
                "place.latitude",
                "OUT_OF_RANGE",
                "isi lintang −90 sampai 90 dan bujur −180 sampai 180, atau keduanya kosong",
                "give a latitude from -90 to 90 and a longitude from -180 to 180, or neither",
            );
            None
        }
    };
    let village = it.village_code.trim().to_owned();
    let plain = village.len() <= 20 && village.bytes().all(|it| it.is_ascii_digit() || it == b'.');
    if !plain {
        check.violation(
            "place.village_code",
            "INVALID_CODE",
            "isi kode desa seperti 17.07.05.2003",
            "give the code of a village such as 17.07.05.2003",
        );
    }
    Place { village, point, address: check.text("place.address", &it.address, 0, LONGEST_ADDRESS) }
}

pub(crate) fn file(it: &File) -> proto::ComplaintFile {
    proto::ComplaintFile {
        file_id: it.id.to_string(),
        media_type: it.media_type.clone(),
        size: i64::try_from(it.size).unwrap_or(i64::MAX),
        sha256: it.sha256.clone(),
        scan: it.scan.to_string(),
        proof: it.proof,
    }
}

pub(crate) fn contact(it: &Identity) -> proto::Contact {
    proto::Contact { name: it.name.clone(), phone: it.phone.clone(), email: it.email.clone() }
}

/// Checks how to reach somebody. Telephone numbers are brought to `+62…`.
pub(crate) fn read_contact(check: &mut Checker, it: Option<&proto::Contact>) -> Identity {
    let Some(it) = it else { return Identity::default() };
    let name = check.text("contact.name", &it.name, 0, 100);
    let digits: String = it.phone.chars().filter(char::is_ascii_digit).collect();
    let phone = if it.phone.trim().is_empty() {
        String::new()
    } else if let Some(rest) = digits.strip_prefix("62").or_else(|| digits.strip_prefix('0'))
        && (8..=13).contains(&rest.len())
        && rest.starts_with(|first: char| first != '0')
    {
        format!("+62{rest}")
    } else if it.phone.trim().starts_with('+') && (8..=15).contains(&digits.len()) {
        format!("+{digits}")
    } else {
        check.violation(
            "contact.phone",
            "INVALID_PHONE",
            "isi nomor telepon seperti 081234567890",
            "give a telephone number such as 081234567890",
        );
        String::new()
    };
    let email = it.email.trim().to_lowercase();
    let sound = email.is_empty()
        || (email.len() <= 254
            && !email.contains(char::is_whitespace)
            && email.split_once('@').is_some_and(|(local, host)| !local.is_empty() && host.contains('.')));
    if !sound {
        check.violation(
            "contact.email",
            "INVALID_EMAIL",
            "isi alamat surel seperti nama@contoh.id",
            "give an e-mail address such as name@example.org",
        );
    }
    Identity { name, phone, email, ..Identity::default() }
}

pub(crate) fn clock(it: &Clock, now: DateTime<Utc>) -> proto::CaseClock {
    proto::CaseClock {
        kind: clock_kind(it.kind).into(),
        state: clock_state(it.state).into(),
        started_at: Some(timestamp(it.started_at)),
        due_at: Some(timestamp(it.due_at)),
        late_at: it.late_at.or((it.is_late(now)).then_some(it.due_at)).map(timestamp),
        ended_at: it.ended_at.map(timestamp),
        paused_minutes: it.paused(now).num_minutes(),
        deadline_id: it.deadline.to_string(),
        calendar: if it.calendar.is_empty() {
            String::new()
        } else {
            format!("{}@{}", it.calendar, it.calendar_version)
        },
        legal: it.kind.is_legal(),
    }
}

pub(crate) fn line(it: Line) -> proto::ComplaintLine {
    proto::ComplaintLine {
        id: it.id,
        number: it.number,
        complaint_class: class(it.class).into(),
        state: state(it.state).into(),
        category: it.category,
        lead_agency_id: it.lead,
        received_at: Some(timestamp(it.received_at)),
        due_at: it.due_at.map(timestamp),
        late: it.late,
        village_code: it.village,
        channel: channel(it.channel).into(),
        version: it.version,
        secrecy: secrecy(it.secrecy).into(),
        latitude: it.point.map(|it| it.0),
        longitude: it.point.map(|it| it.1),
    }
}

pub(crate) fn map(it: Map) -> proto::ComplaintMap {
    let counted = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    proto::ComplaintMap {
        square: it.extent.map(|it| it.to_string()).unwrap_or_default(),
        cells: it
            .cells
            .into_iter()
            .map(|it| proto::MapCell {
                square: it.square.to_string(),
                latitude: it.middle.0,
                longitude: it.middle.1,
                count: counted(it.count),
                village_codes: it.villages,
            })
            .collect(),
        inside: counted(it.inside),
        outside: counted(it.outside),
        unplaced: counted(it.unplaced),
    }
}

/// The part of the map that a request names; `None` for all of it.
pub(crate) fn read_within(check: &mut Checker, written: &str) -> Option<Within> {
    if written.is_empty() {
        return None;
    }
    let read = written.parse().ok();
    if read.is_none() {
        check.violation(
            "square",
            "INVALID_SQUARE",
            "isi petak seperti -380,10220,5, !-380,10220,5, atau none",
            "give a square such as -380,10220,5, !-380,10220,5, or none",
        );
    }
    read
}

pub(crate) fn escalation(it: &Step) -> proto::Escalation {
    proto::Escalation {
        id: it.id.to_string(),
        complaint_id: it.case.to_string(),
        clock: clock_kind(it.clock).into(),
        percent: i32::try_from(it.percent).unwrap_or(i32::MAX),
        rung: it.rung.to_string(),
        account_id: it.account.clone(),
        at: Some(timestamp(it.at)),
        acknowledged_at: it.acknowledged_at.map(timestamp),
        acknowledged_by: it.acknowledged_by.clone().unwrap_or_default(),
    }
}

pub(crate) fn reveal(it: &Request) -> proto::Reveal {
    proto::Reveal {
        id: it.id.to_string(),
        complaint_id: it.case.to_string(),
        reporter: it.pseudonym.clone(),
        purpose: it.purpose.clone(),
        requested_by: it.requested_by.clone(),
        requested_at: Some(timestamp(it.requested_at)),
        approved_by: it.approved_by.clone().unwrap_or_default(),
        approved_at: it.approved_at.map(timestamp),
        open_until: it.open_until.map(timestamp),
        contact: None,
    }
}

pub(crate) fn ledger(it: &Entry) -> proto::Sp4nEntry {
    let direction = match it.direction {
        Direction::In => proto::Sp4nDirection::In,
        Direction::Out => proto::Sp4nDirection::Out,
    };
    proto::Sp4nEntry {
        id: it.id.to_string(),
        tracking_id: it.tracking.clone(),
        direction: direction.into(),
        complaint_id: it.case.clone(),
        number: it.number.clone(),
        stage: it.stage.clone(),
        last_seen_at: it.last_seen_at.map(timestamp),
        last_pushed_at: it.last_pushed_at.map(timestamp),
        checksum: it.checksum.clone(),
        mismatch: it.mismatch.clone(),
        pasted_until: it.pasted_until.map(timestamp),
    }
}

pub(crate) fn agency(it: &Agency) -> proto::Agency {
    proto::Agency {
        id: it.id.clone(),
        name: it.name.clone(),
        calendar_id: it.calendar.clone(),
        inspectorate: it.inspectorate,
        active: it.active,
        bounce_limit: it.bounce_limit,
    }
}

pub(crate) fn category(it: &Category) -> proto::Category {
    let question = |it: &Question| proto::ExtraQuestion {
        key: it.key.clone(),
        label: it.label.clone(),
        datatype: it.datatype.clone(),
        required: it.required,
        values: it.values.clone().into_iter().collect(),
        order: it.order,
    };
    proto::Category {
        key: it.key.clone(),
        parent: it.parent.clone(),
        name: it.name.clone(),
        description: it.description.clone(),
        keywords: it.keywords.clone(),
        agency_id: it.agency.clone(),
        deadline_kind: it.deadline_kind.clone(),
        questions: it.questions.iter().map(question).collect(),
        duplicate_metres: it.duplicate_metres,
        active: it.active,
        emergency_advice: it.emergency_advice.clone(),
    }
}

pub(crate) fn official(it: &Official, acting: &str, failing: Option<DateTime<Utc>>) -> proto::Official {
    proto::Official {
        id: it.id.to_string(),
        rung: it.rung.to_string(),
        agency_id: it.agency.clone(),
        title: it.title.clone(),
        account_id: it.account.clone(),
        acting_account_id: acting.to_owned(),
        failing_since: failing.map(timestamp),
    }
}

pub(crate) fn acting(it: &Acting) -> proto::Acting {
    proto::Acting {
        id: it.id.to_string(),
        official_id: it.official.to_string(),
        account_id: it.account.clone(),
        title: it.kind.to_string(),
        decree: it.decree.clone(),
        from: Some(timestamp(it.from)),
        to: Some(timestamp(it.to)),
    }
}

pub(crate) fn template(it: &Template) -> proto::ResponseTemplate {
    proto::ResponseTemplate {
        id: it.id.to_string(),
        kind: it.kind.clone(),
        name: it.name.clone(),
        text: it.text.clone(),
        active: it.active,
    }
}

pub(crate) fn deadline(it: &Deadline) -> proto::Deadline {
    proto::Deadline {
        id: it.id.to_string(),
        key: it.key.clone(),
        clock: it.clock.map(|it| clock_kind(it).into()).unwrap_or_default(),
        complaint_class: it.class.map(|it| class(it).into()).unwrap_or_default(),
        deadline_kind: it.kind.clone(),
        holder: it.holder.clone(),
        value: it.value,
        unit: it.unit.to_string(),
        source: it.source.clone(),
        confidence: it.confidence.to_string(),
        note: it.note.clone(),
        valid_from: it.valid_from.to_string(),
        valid_to: it.valid_to.map(|it| it.to_string()).unwrap_or_default(),
        signed_off_by: it.signed_off_by.clone().unwrap_or_default(),
        signed_off_at: it.signed_off_at.map(timestamp),
        ladder: it.ladder.iter().map(|(percent, rung)| (percent.to_string(), rung.to_string())).collect(),
    }
}

/// Checks a row of the deadlines table.
pub(crate) fn read_deadline(check: &mut Checker, it: &proto::Deadline) -> Option<Deadline> {
    let unit = word::<Unit>(check, "deadline.unit", &it.unit, "WORKING_DAYS, WORKING_HOURS, DAYS, HOURS");
    let confidence = word::<Confidence>(check, "deadline.confidence", &it.confidence, "A, B, C");
    let valid_from = date(check, "deadline.valid_from", &it.valid_from);
    let key = check.text("deadline.key", &it.key, 1, 20);
    if !(1..=3650).contains(&it.value) {
        check.violation("deadline.value", "OUT_OF_RANGE", "isi 1 sampai 3650", "give 1 to 3650");
    }
    let source = check.text("deadline.source", &it.source, 3, 300);
    let mut ladder = BTreeMap::new();
    for (percent, rung) in &it.ladder {
        let parsed =
            percent.parse::<u32>().ok().filter(|it| (1..=1000).contains(it)).zip(rung.parse::<Rung>().ok());
        match parsed {
            Some((percent, rung)) => {
                ladder.insert(percent, rung);
            }
            None => check.violation(
                "deadline.ladder",
                "INVALID_LADDER",
                "isi persen 1 sampai 1000 dengan ADMIN, AGENCY_HEAD, SECRETARY, REGENT, atau INSPECTORATE",
                "give percentages from 1 to 1000 with ADMIN, AGENCY_HEAD, SECRETARY, REGENT or INSPECTORATE",
            ),
        }
    }
    Some(Deadline {
        id: crate::domain::DeadlineId::generate(),
        key,
        clock: read_clock_kind(it.clock),
        class: read_class(it.complaint_class),
        kind: check.text("deadline.deadline_kind", &it.deadline_kind, 0, 40),
        holder: check.text("deadline.holder", &it.holder, 0, 60),
        value: it.value,
        unit: unit?,
        source,
        confidence: confidence?,
        note: check.text("deadline.note", &it.note, 0, 500),
        valid_from: valid_from?,
        valid_to: None,
        signed_off_by: None,
        signed_off_at: None,
        ladder,
    })
}

/// A text that is one of the words of `T`.
pub(crate) fn word<T: std::str::FromStr>(
    check: &mut Checker,
    field: &str,
    text: &str,
    words: &str,
) -> Option<T> {
    let found = text.parse().ok();
    if found.is_none() {
        check.violation(
            field,
            "UNKNOWN_WORD",
            format!("pilih salah satu: {words}"),
            format!("choose one of {words}"),
        );
    }
    found
}

/// A language for the wire.
pub(crate) fn language(it: &Language) -> proto::Language {
    let words = it
        .words
        .iter()
        .map(|(meaning, words)| proto::LanguageWords { meaning: meaning.to_string(), words: words.clone() });
    proto::Language {
        code: it.code.clone(),
        name: it.name.clone(),
        version: it.version,
        active: it.active,
        confidence: it.confidence.to_string(),
        source: it.source.clone(),
        phrases: it.phrases.clone().into_iter().collect(),
        words: words.collect(),
    }
}

/// Reads a language that is used; empty for Indonesian, or for as it was.
pub(crate) fn read_language(check: &mut Checker, field: &str, code: &str, rules: &Rules) -> String {
    if !code.is_empty() && !rules.languages.is_active(code) {
        check.violation(
            field,
            "UNKNOWN_LANGUAGE",
            "pilih bahasa dari daftar bahasa yang dipakai, atau kosongkan",
            "choose a language of the list that is used, or none",
        );
    }
    code.to_owned()
}

/// A date, `2026-12-25`.
pub(crate) fn date(check: &mut Checker, field: &str, text: &str) -> Option<NaiveDate> {
    // chrono reads signs and years of any length besides, which no arithmetic and no order of texts bears.
    let found: Option<NaiveDate> =
        text.parse().ok().filter(|date: &NaiveDate| (1900..=9998).contains(&date.year()));
    if found.is_none() {
        check.violation(
            field,
            "INVALID_DATE",
            "isi tanggal seperti 2026-12-25",
            "give a date such as 2026-12-25",
        );
    }
    found
}

fn read_week(
    check: &mut Checker,
    field: &str,
    periods: &[proto::WorkingPeriod],
) -> BTreeMap<u8, Vec<Period>> {
    let mut week: BTreeMap<u8, Vec<Period>> = BTreeMap::new();
    for it in periods {
        match u8::try_from(it.weekday).ok().zip(Period::read(&it.from, &it.to)) {
            Some((day, period)) => week.entry(day).or_default().push(period),
            None => check.violation(
                field,
                "INVALID_PERIOD",
                "isi hari 1 sampai 7 dan jam seperti 07:30",
                "give a weekday from 1 to 7 and times such as 07:30",
            ),
        }
    }
    week
}

fn write_week(week: &BTreeMap<u8, Vec<Period>>) -> Vec<proto::WorkingPeriod> {
    week.iter()
        .flat_map(|(weekday, periods)| {
            periods.iter().map(|it| {
                let (from, to) = it.written();
                proto::WorkingPeriod { weekday: u32::from(*weekday), from, to }
            })
        })
        .collect()
}

/// Checks a calendar.
pub(crate) fn read_calendar(check: &mut Checker, it: &proto::CalendarVersion) -> Option<WorkCalendar> {
    let zone = word(check, "calendar.zone", &it.zone, "WIB, WITA, WIT")?;
    let mut holidays = BTreeMap::new();
    for free in &it.free_days {
        let name = check.text("calendar.free_days.name", &free.name, 1, 100);
        if let Some(date) = date(check, "calendar.free_days.date", &free.date) {
            holidays.insert(date, name);
        }
    }
    let mut special = Vec::new();
    for hours in &it.special_hours {
        let from = date(check, "calendar.special_hours.from", &hours.from);
        let to = date(check, "calendar.special_hours.to", &hours.to);
        let week = read_week(check, "calendar.special_hours.periods", &hours.periods);
        if let (Some(from), Some(to)) = (from, to) {
            special.push(SpecialHours { from, to, name: hours.name.trim().to_owned(), week });
        }
    }
    let week = read_week(check, "calendar.periods", &it.periods);
    match WorkCalendar::try_from(Plan { zone, week, holidays, special }) {
        Ok(calendar) => Some(calendar),
        Err(error) => {
            check.violation(
                "calendar.periods",
                "INVALID_CALENDAR",
                "perbaiki jam kerja: setiap hari berurutan tanpa tumpang tindih, dan sedikitnya satu hari kerja",
                format!("correct the working time: {error}"),
            );
            None
        }
    }
}

pub(crate) fn calendar(it: &CalendarVersion, created_at: DateTime<Utc>) -> proto::CalendarVersion {
    let plan = Plan::from(it.calendar.clone());
    proto::CalendarVersion {
        id: it.id.clone(),
        version: it.version,
        zone: plan.zone.to_string(),
        periods: write_week(&plan.week),
        free_days: plan
            .holidays
            .into_iter()
            .map(|(date, name)| proto::FreeDay { date: date.to_string(), name })
            .collect(),
        special_hours: plan
            .special
            .into_iter()
            .map(|it| proto::SpecialHours {
                from: it.from.to_string(),
                to: it.to.to_string(),
                name: it.name,
                periods: write_week(&it.week),
            })
            .collect(),
        created_at: Some(timestamp(created_at)),
        free_days_until: it.calendar.written_until().map(|it| it.to_string()).unwrap_or_default(),
        counted_until: String::new(),
    }
}

/// A calendar whose free days end before clocks do.
pub(crate) fn unwritten(it: Unwritten) -> proto::CalendarGap {
    proto::CalendarGap {
        calendar_id: it.calendar,
        free_days_until: it.until.map(|it| it.to_string()).unwrap_or_default(),
        counted_until: it.due.to_string(),
    }
}

pub(crate) fn figures(key: (&str, &str, &str, &str), it: Figures) -> proto::ReportLine {
    proto::ReportLine {
        agency_id: key.0.to_owned(),
        complaint_class: key.1.to_owned(),
        channel: key.2.to_owned(),
        category: key.3.to_owned(),
        opening: it.opening,
        received: it.received,
        reopened: it.reopened,
        settled: it.settled,
        archived: it.archived,
        forwarded: it.forwarded,
        withdrawn: it.withdrawn,
        merged: it.merged,
        open: it.open,
        settled_in_time: it.settled_in_time,
        asked: it.asked,
        rated: it.rated,
        rating_sum: it.rating_sum,
    }
}

#[cfg(test)]
mod tests {
    use strum::IntoEnumIterator as _;

    use super::*;

    #[test]
    fn every_word_of_the_domain_is_a_word_of_the_contract() {
        for it in State::iter() {
            assert_eq!(state(it).as_str_name(), format!("CASE_STATE_{it}"));
            assert_eq!(read_state(state(it).into()), Some(it));
        }
        for it in Verb::iter() {
            assert_eq!(verb(it).as_str_name(), format!("CASE_VERB_{it}"));
        }
        for it in Channel::iter() {
            assert_eq!(channel(it).as_str_name(), format!("CHANNEL_{it}"));
        }
        for it in Measure::iter() {
            assert_eq!(measure(it).as_str_name(), format!("BOARD_MEASURE_{it}"));
            assert_eq!(read_measure(measure(it).into()), Some((it, false)));
        }
        for it in ClockState::iter() {
            assert_eq!(clock_state(it).as_str_name(), format!("CLOCK_STATE_{it}"));
        }
        for it in EvidenceKind::iter() {
            assert_eq!(evidence_kind(it).as_str_name(), format!("EVIDENCE_KIND_{it}"));
            assert_eq!(read_evidence_kind(evidence_kind(it).into()), Some(it));
        }
        for it in Indicator::iter() {
            let name = format!("EVIDENCE_INDICATOR_{it}").replace('-', "_");
            assert_eq!(indicator(it).as_str_name(), name);
            assert_eq!(read_indicator(indicator(it).into()), Some(it));
        }
        assert_eq!(read_class(0), None);
        assert_eq!(read_class(99), None);
    }

    #[test]
    fn telephone_numbers_are_one_whatever_way_they_are_typed() {
        let read = |phone: &str| {
            let mut check = Checker::new();
            let contact = proto::Contact { phone: phone.to_owned(), ..proto::Contact::default() };
            let read = read_contact(&mut check, Some(&contact)).phone;
            check.is_clean().then_some(read)
        };
        for typed in ["081234567890", "+62 812-3456-7890", "62812 3456 7890", "0812.3456.7890"] {
            assert_eq!(read(typed).as_deref(), Some("+6281234567890"), "{typed}");
        }
        assert_eq!(read("+673 1234567").as_deref(), Some("+6731234567"));
        assert_eq!(read("").as_deref(), Some(""));
        for wrong in ["12", "abc", "0", "62"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
