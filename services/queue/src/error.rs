//! What can go wrong here, as situations; and what a caller is told of each.

use std::time::Duration;

use mpp_kit::fault::{Fault, Problem, Text, Violation};
use thiserror::Error;
use tonic::Code;

use crate::domain::counter::Availability;
use crate::domain::decide::REASON_LEAST;
use crate::domain::opening::clock_face;
use crate::domain::rejection::{IntakeClosed, Rejection, Thing};
use crate::domain::ticket::{State, Verb};
use crate::rpc::convert;

/// After which time a caller may try again when something we depend on does not answer.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// A situation in which the queue refuses or fails.
#[derive(Debug, Error)]
pub enum Error {
    /// The rules of the hall refuse. Nothing has changed.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The request is wrong in itself, or the caller may not make it.
    #[error(transparent)]
    Invalid(Box<Problem>),
    /// SQL or Redis does not answer. Whether the command took effect may be unknown; a retry with the same request id is
    /// safe.
    #[error(transparent)]
    Unavailable(anyhow::Error),
    /// A fault of ours.
    #[error(transparent)]
    Internal(anyhow::Error),
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::Invalid(Box::new(problem))
    }
}

impl From<sea_orm::DbErr> for Error {
    fn from(error: sea_orm::DbErr) -> Self {
        if mpp_kit::db::is_unavailable(&error) {
            Self::Unavailable(error.into())
        } else {
            Self::Internal(error.into())
        }
    }
}

impl Fault for Error {
    fn problem(self) -> Problem {
        match self {
            Self::Rejected(rejection) => rejected(&rejection),
            Self::Invalid(problem) => *problem,
            Self::Unavailable(source) => Problem::unavailable(source, RETRY_AFTER),
            Self::Internal(source) => Problem::internal(source),
        }
    }
}

/// What a caller is told when the rules refuse. The reasons are part of the contract: programs match on them.
fn rejected(rejection: &Rejection) -> Problem {
    match rejection {
        Rejection::NotFound(thing) => not_found(*thing),
        Rejection::IntakeClosed(closed) => intake_closed(closed),
        Rejection::PersonLimit(limit) => Problem::precondition(
            "PERSON_LIMIT_REACHED",
            format!("Batas {limit} nomor antrean per orang per hari di instansi ini sudah tercapai. Silakan hubungi petugas."),
            format!("The limit of {limit} tickets per person and day at this agency is reached. Please ask the staff."),
        )
        .with("limit", limit),
        Rejection::PhoneRequired => phone_required(),
        Rejection::DayNotOpen => day_not_open(
            "Hari layanan belum dibuka atau sudah ditutup. Minta manajer membuka hari layanan.",
            "The business day is not open. Ask the hall manager to open it.",
        ),
        Rejection::DayAlreadyClosed(date) => Problem::precondition(
            "DAY_ALREADY_CLOSED",
            format!("Hari layanan {date} sudah ditutup, dan menurut jam sistem tanggal itu belum tiba. Periksa jam sistem."),
            format!("The business day {date} was closed, and by the clock of the system that date has not come. Check the clock."),
        )
        .with("date", date),
        Rejection::CounterNotOpen { number, availability } => counter_not_open(number, *availability),
        Rejection::CounterBusy { number, ticket, ticket_number, state } => Problem::precondition(
            "COUNTER_BUSY",
            format!("Loket {number} masih memegang {ticket_number}. Selesaikan, alihkan, atau tunda nomor itu dulu."),
            format!("Counter {number} still holds {ticket_number}. Finish, transfer or park that ticket first."),
        )
        .with("counterNumber", number)
        .with("ticket", ticket)
        .with("ticketNumber", ticket_number)
        .with("state", convert::ticket_state(*state).as_str_name()),
        Rejection::UnexpectedCurrent { current } => unexpected_current(current.as_ref().map(|(id, number)| (id.to_string(), number))),
        Rejection::NobodyWaiting { cooldown_seconds } => nobody_waiting(*cooldown_seconds),
        Rejection::NotPermittedInState { verb, state, allowed, holder } => {
            illegal_transition(*verb, *state, allowed, holder.as_deref())
        }
        Rejection::StaleVersion { expected, actual, state } => Problem::new(
            Code::Aborted,
            "VERSION_MISMATCH",
            "Nomor ini baru saja diubah orang lain. Lihat keadaannya yang terbaru, lalu ulangi bila masih perlu.",
            "Somebody else has just changed this ticket. Look at it again, then repeat if it is still needed.",
        )
        .with("expectedVersion", expected)
        .with("version", actual)
        .with("state", convert::ticket_state(*state).as_str_name()),
        Rejection::NotTheHolder { number } => Problem::new(
            Code::PermissionDenied,
            "NOT_THE_HOLDER",
            format!("Anda tidak bertugas di loket {number}. Minta petugas loket itu atau pengawas melakukannya."),
            format!("You do not work at counter {number}. Ask its staff or a supervisor to do this."),
        )
        .with("counterNumber", number),
        Rejection::ReasonRequired { number } => reason_required(number),
        Rejection::RecallTooSoon(seconds) => waiting_helps(
            Problem::precondition(
                "RECALL_TOO_SOON",
                format!("Nomor ini baru saja dipanggil. Panggil ulang dalam {seconds} detik."),
                format!("This ticket was announced a moment ago. Call it again in {seconds} seconds."),
            ),
            *seconds,
        ),
        Rejection::UndoTooLate => Problem::precondition(
            "UNDO_TOO_LATE",
            "Panggilan tidak dapat dibatalkan lagi. Tandai tidak hadir, tunda, atau minta pengawas melepaskannya.",
            "It is too late to take the call back. Mark a no-show, park the ticket, or ask a supervisor to release it.",
        ),
        Rejection::VoidTooLate { state } => Problem::precondition(
            "VOID_TOO_LATE",
            "Nomor ini tidak dapat dibatalkan lagi di sini. Minta petugas meja informasi membatalkannya.",
            "This ticket cannot be taken back here any more. Ask the information desk to cancel it.",
        )
        .with("state", convert::ticket_state(*state).as_str_name()),
        Rejection::DeskElsewhere { counter, number, holds_ticket } => {
            desk_elsewhere(number, *holds_ticket).with("counter", counter).with("counterNumber", number)
        }
        Rejection::ServiceNotAtCounter { number } => Problem::precondition(
            "SERVICE_NOT_AT_COUNTER",
            format!("Loket {number} tidak melayani layanan ini. Pilih layanan loket itu, atau alihkan ke loket lain."),
            format!("Counter {number} does not give this service. Choose one of its services, or use another counter."),
        )
        .with("counterNumber", number),
        Rejection::SameService => Problem::precondition(
            "SAME_SERVICE",
            "Nomor ini sudah untuk layanan itu. Pilih layanan tujuan yang lain.",
            "The ticket is for that service already. Choose another one to send it to.",
        ),
        Rejection::RequestIdReused => Problem::precondition(
            "REQUEST_ID_REUSED",
            "Penanda permintaan ini sudah dipakai untuk permintaan lain. Ulangi dengan penanda baru.",
            "This request id was used for another request. Repeat with a new one.",
        ),
        Rejection::ConfiguredMeanwhile => Problem::new(
            Code::Aborted,
            "CONFIGURED_MEANWHILE",
            "Orang lain baru saja mengubah pengaturan aula ini. Lihat pengaturan terbaru, lalu ulangi.",
            "Somebody else has just configured this hall. Look at its configuration, then repeat.",
        ),
        Rejection::Configuration(defects) => Problem::invalid(
            defects
                .iter()
                .map(|defect| Violation {
                    field: format!("hall.{}", defect.field),
                    reason: "INCONSISTENT",
                    text: Text::new(defect.id.as_str(), defect.en.as_str()),
                })
                .collect(),
        ),
    }
}

/// Why no ticket is issued, in words for a citizen.
#[must_use]
pub(crate) fn intake_text(closed: &IntakeClosed) -> Text {
    match closed {
        IntakeClosed::DayNotOpen => Text::new(
            "Layanan hari ini belum dibuka atau sudah ditutup. Silakan bertanya kepada petugas.",
            "The hall is not open for the day. Please ask the staff.",
        ),
        IntakeClosed::OutsideHours { next: Some(next) } => Text::new(
            format!("Di luar jam layanan. Nomor antrean diberikan lagi mulai pukul {}.", clock_face(*next)),
            format!("Outside opening hours. Tickets are given again from {}.", clock_face(*next)),
        ),
        IntakeClosed::OutsideHours { next: None } => Text::new(
            "Jam layanan hari ini sudah berakhir. Silakan datang pada jam layanan berikutnya.",
            "Opening hours are over for today. Please come back during the next opening hours.",
        ),
        IntakeClosed::Holiday(name) => Text::new(
            format!("Hari ini libur: {name}. Silakan datang pada hari kerja berikutnya."),
            format!("Closed today for a holiday: {name}. Please come back on the next working day."),
        ),
        IntakeClosed::Closure(reason) if reason.is_empty() => Text::new(
            "Instansi ini tutup hari ini. Silakan datang pada hari lain.",
            "This agency is closed today. Please come back another day.",
        ),
        IntakeClosed::Closure(reason) => Text::new(
            format!("Instansi ini tutup hari ini: {reason}. Silakan datang pada hari lain."),
            format!("This agency is closed today: {reason}. Please come back another day."),
        ),
        IntakeClosed::QuotaFull(quota) => Text::new(
            format!("Kuota hari ini sudah habis ({quota} nomor). Silakan datang lebih awal pada hari lain."),
            format!("All {quota} tickets of today are taken. Please come earlier another day."),
        ),
        IntakeClosed::Stopped(reason) => Text::new(
            format!("Pengambilan nomor dihentikan untuk sementara: {reason}"),
            format!("No tickets are given for the moment: {reason}"),
        ),
        IntakeClosed::NumbersExhausted => Text::new(
            "Nomor antrean layanan ini sudah habis untuk hari ini. Silakan bertanya kepada petugas.",
            "All numbers of this service are used up for today. Please ask the staff.",
        ),
        IntakeClosed::Retired => Text::new(
            "Layanan ini tidak diberikan lagi. Silakan pilih layanan lain.",
            "This service is given no longer. Please choose another one.",
        ),
    }
}

/// The state of a ticket in words that fit after "the ticket is".
pub(crate) fn state_words(state: State) -> Text {
    match state {
        State::Waiting => Text::new("menunggu", "waiting"),
        State::Called => Text::new("dipanggil", "called"),
        State::Serving => Text::new("dilayani", "being served"),
        State::Parked => Text::new("ditunda", "parked"),
        State::NoShow => Text::new("tidak hadir", "a no-show"),
        State::Done => Text::new("selesai", "finished"),
        State::Cancelled => Text::new("dibatalkan", "cancelled"),
        State::Expired => Text::new("berakhir bersama hari layanan", "expired with its day"),
    }
}

fn not_found(thing: Thing) -> Problem {
    let (id, en) = match thing {
        Thing::Hall => ("aula layanan", "hall"),
        Thing::Agency => ("instansi", "agency"),
        Thing::Service => ("layanan", "service"),
        Thing::Counter => ("loket", "counter"),
        Thing::Ticket => ("nomor antrean", "ticket"),
    };
    let problem = Problem::not_found(id, en).with("thing", thing);
    let text = Text::new(
        format!("{} Muat ulang halaman, lalu pilih lagi.", problem.text.id),
        format!("{} Load the page again and choose again.", problem.text.en),
    );
    Problem { text, ..problem }
}

fn intake_closed(closed: &IntakeClosed) -> Problem {
    let text = intake_text(closed);
    let refuse = |reason| Problem::precondition(reason, text.id.as_str(), text.en.as_str());
    match closed {
        IntakeClosed::DayNotOpen => refuse("DAY_NOT_OPEN"),
        IntakeClosed::OutsideHours { next: Some(next) } => {
            refuse("SERVICE_OUTSIDE_HOURS").with("opensAt", clock_face(*next))
        }
        IntakeClosed::OutsideHours { next: None } => refuse("SERVICE_OUTSIDE_HOURS"),
        IntakeClosed::Holiday(name) => refuse("HALL_HOLIDAY").with("holiday", name),
        IntakeClosed::Closure(reason) => refuse("AGENCY_CLOSED").with("closure", reason),
        IntakeClosed::QuotaFull(quota) => refuse("QUOTA_FULL").with("quota", quota),
        IntakeClosed::Stopped(reason) => refuse("INTAKE_STOPPED").with("stop", reason),
        IntakeClosed::NumbersExhausted => refuse("NUMBERS_EXHAUSTED"),
        IntakeClosed::Retired => refuse("SERVICE_RETIRED"),
    }
}

fn phone_required() -> Problem {
    let violation = Violation {
        field: "phone".to_owned(),
        reason: "PHONE_REQUIRED",
        text: Text::new(
            "isi nomor telepon Anda, untuk menjaga batas nomor per orang",
            "give your phone number, to keep the limit of tickets per person",
        ),
    };
    Problem {
        reason: "PHONE_REQUIRED",
        text: Text::new(
            "Isi nomor telepon Anda untuk mengambil nomor antrean.",
            "Give your phone number to take a ticket.",
        ),
        ..Problem::invalid(vec![violation])
    }
}

fn reason_required(number: &str) -> Problem {
    let violation = Violation {
        field: "reason".to_owned(),
        reason: "REASON_REQUIRED",
        text: Text::new(
            format!("tulis alasannya, paling sedikit {REASON_LEAST} karakter; alasan itu dicatat"),
            format!("say why, in {REASON_LEAST} characters or more; it is recorded"),
        ),
    };
    Problem {
        reason: "REASON_REQUIRED",
        text: Text::new(
            format!("Nomor ini sedang di loket {number}, dan Anda tidak bertugas di sana. Tulis alasannya."),
            format!("This ticket is at counter {number}, and you do not work there. Say why."),
        ),
        ..Problem::invalid(vec![violation])
    }
    .with("counterNumber", number)
}

fn day_not_open(id: &str, en: &str) -> Problem {
    Problem::precondition("DAY_NOT_OPEN", id, en)
}

fn counter_not_open(number: &str, availability: Availability) -> Problem {
    let (id, en) = match availability {
        Availability::Break => (
            format!("Loket {number} sedang istirahat. Akhiri istirahat dulu."),
            format!("Counter {number} is on break. End the break first."),
        ),
        Availability::Closed | Availability::Open => (
            format!("Loket {number} belum dibuka. Buka loket dulu."),
            format!("Counter {number} is not open. Open it first."),
        ),
    };
    Problem::precondition("COUNTER_NOT_OPEN", id, en)
        .with("counterNumber", number)
        .with("state", convert::availability(availability).as_str_name())
}

fn unexpected_current(current: Option<(String, &String)>) -> Problem {
    let refuse = |id: String, en: String| Problem::new(Code::Aborted, "UNEXPECTED_CURRENT", id, en);
    match current {
        Some((ticket, number)) => refuse(
            format!("Loket ini sudah memegang {number}; tidak ada yang dipanggil lagi."),
            format!("This counter holds {number} already; nobody else was called."),
        )
        .with("ticket", ticket)
        .with("ticketNumber", number),
        None => refuse(
            "Loket ini tidak memegang nomor lagi; tidak ada yang dipanggil. Lihat keadaan terbaru, lalu panggil berikutnya.".to_owned(),
            "This counter holds no ticket any more; nobody was called. Look again, then call the next one.".to_owned(),
        ),
    }
}

fn nobody_waiting(cooldown_seconds: Option<u64>) -> Problem {
    match cooldown_seconds {
        None => Problem::precondition(
            "NOBODY_WAITING",
            "Tidak ada yang menunggu untuk layanan loket ini.",
            "Nobody is waiting for the services of this counter.",
        ),
        Some(seconds) => waiting_helps(
            Problem::precondition(
                "NOBODY_WAITING",
                format!(
                    "Semua yang menunggu baru saja dipanggil dan tidak hadir. Yang pertama dapat dipanggil lagi dalam {seconds} detik."
                ),
                format!(
                    "All who wait were called a moment ago and did not come. The first can be called again in {seconds} seconds."
                ),
            ),
            seconds,
        ),
    }
}

fn illegal_transition(verb: Verb, state: State, allowed: &[Verb], holder: Option<&str>) -> Problem {
    // Nobody can ask for the day end of one ticket, or for taking it back.
    let offered: Vec<Verb> =
        allowed.iter().copied().filter(|verb| !matches!(verb, Verb::Expire | Verb::Reopen)).collect();
    let (state_text, verb_text) = (state_words(state), verb_words(verb));
    let (at_id, at_en) = holder
        .map(|number| (format!(" di loket {number}"), format!(" at counter {number}")))
        .unwrap_or_default();
    let list = |words: fn(Text) -> String| {
        offered.iter().map(|verb| words(verb_words(*verb))).collect::<Vec<_>>().join(", ")
    };
    let (then_id, then_en) = if offered.is_empty() {
        ("Nomor ini tidak dapat diubah lagi.".to_owned(), "It cannot be changed any more.".to_owned())
    } else {
        (
            format!("Yang dapat dilakukan: {}.", list(|text| text.id)),
            format!("What can be done: {}.", list(|text| text.en)),
        )
    };
    let problem = Problem::precondition(
        "ILLEGAL_TRANSITION",
        format!(
            "Nomor ini {}{at_id}, jadi tindakan \u{201c}{}\u{201d} tidak dapat dilakukan. {then_id}",
            state_text.id, verb_text.id
        ),
        format!(
            "The ticket is {}{at_en}, so \u{201c}{}\u{201d} is not possible. {then_en}",
            state_text.en, verb_text.en
        ),
    )
    .with("verb", convert::verb(verb).as_str_name())
    .with("state", convert::ticket_state(state).as_str_name())
    .with(
        "allowedVerbs",
        offered.iter().map(|verb| convert::verb(*verb).as_str_name()).collect::<Vec<_>>().join(","),
    );
    match holder {
        Some(number) => problem.with("counterNumber", number),
        None => problem,
    }
}

/// What a verb is called on buttons.
fn verb_words(verb: Verb) -> Text {
    match verb {
        Verb::Call => Text::new("panggil", "call"),
        Verb::Recall => Text::new("panggil ulang", "call again"),
        Verb::Start => Text::new("mulai layani", "start"),
        Verb::Finish => Text::new("selesai", "finish"),
        Verb::NoShow => Text::new("tidak hadir", "no-show"),
        Verb::Restore => Text::new("kembalikan ke antrean", "restore"),
        Verb::Park => Text::new("tunda", "park"),
        Verb::Resume => Text::new("lanjutkan", "resume"),
        Verb::Transfer => Text::new("alihkan", "transfer"),
        Verb::Cancel => Text::new("batalkan", "cancel"),
        Verb::UndoCall => Text::new("batalkan panggilan", "undo the call"),
        Verb::Release => Text::new("lepaskan", "release"),
        Verb::Expire => Text::new("akhiri", "expire"),
        Verb::Reopen => Text::new("buka kembali", "open again"),
    }
}

/// Two reasons, because only one of the two can be answered with `switch_desk`.
fn desk_elsewhere(number: &str, holds_ticket: bool) -> Problem {
    if holds_ticket {
        Problem::precondition(
            "OTHER_COUNTER_BUSY",
            format!("Anda masih memegang nomor di loket {number}. Selesaikan nomor itu dulu."),
            format!("You still hold a ticket at counter {number}. Finish that one first."),
        )
    } else {
        Problem::precondition(
            "OTHER_COUNTER_OPEN",
            format!(
                "Anda masih bertugas di loket {number}. Tutup loket itu dulu, atau pindah: loket {number} akan istirahat."
            ),
            format!(
                "You still work at counter {number}. Close it first, or move here: counter {number} will go on break."
            ),
        )
    }
}

fn waiting_helps(problem: Problem, seconds: u64) -> Problem {
    problem.with("retryAfter", seconds).retry_after(Duration::from_secs(seconds))
}

/// The code of the QR is not one that the hall shows now.
pub(crate) fn site_code_invalid() -> Error {
    Problem::new(
        Code::PermissionDenied,
        "SITE_CODE_INVALID",
        "Kode QR ini sudah tidak berlaku. Pindai kode QR yang sekarang tampil di layar di dalam gedung.",
        "This QR code is no longer valid. Scan the one that the screen in the hall shows now.",
    )
    .into()
}

/// The hall has no zone with this code.
pub(crate) fn zone_not_found() -> Error {
    Problem::not_found("zona", "zone").with("thing", "zone").into()
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use chrono::NaiveDate;
    use mpp_kit::fault::Language;
    use strum::IntoEnumIterator as _;
    use tonic_types::StatusExt as _;

    use super::*;
    use crate::domain::hall::Defect;
    use crate::domain::ticket::TRANSITIONS;
    use crate::domain::{CounterId, TicketId};

    /// One of each variant. The match in [`name`] does not compile when a variant is missing here.
    fn each() -> Vec<Rejection> {
        let ticket: TicketId = "tkt_01h455vb4pex5vsknk084sn02q".parse().unwrap();
        let counter: CounterId = "ctr_01h455vb4pex5vsknk084sn02q".parse().unwrap();
        let number = || "3".to_owned();
        let mut all: Vec<Rejection> =
            [Thing::Hall, Thing::Agency, Thing::Service, Thing::Counter, Thing::Ticket]
                .map(Rejection::NotFound)
                .into();
        all.extend(
            [
                IntakeClosed::DayNotOpen,
                IntakeClosed::OutsideHours { next: Some(13 * 60) },
                IntakeClosed::OutsideHours { next: None },
                IntakeClosed::Holiday("Hari Kemerdekaan".into()),
                IntakeClosed::Closure("Rapat koordinasi".into()),
                IntakeClosed::Closure(String::new()),
                IntakeClosed::QuotaFull(40),
                IntakeClosed::Stopped("Jaringan terputus".into()),
                IntakeClosed::NumbersExhausted,
                IntakeClosed::Retired,
            ]
            .map(Rejection::IntakeClosed),
        );
        all.extend([
            Rejection::PersonLimit(2),
            Rejection::PhoneRequired,
            Rejection::DayNotOpen,
            Rejection::DayAlreadyClosed(NaiveDate::from_ymd_opt(2026, 3, 2).unwrap()),
            Rejection::CounterNotOpen { number: number(), availability: Availability::Closed },
            Rejection::CounterNotOpen { number: number(), availability: Availability::Break },
            Rejection::CounterBusy {
                number: number(),
                ticket,
                ticket_number: "A012".into(),
                state: State::Serving,
            },
            Rejection::UnexpectedCurrent { current: Some((ticket, "A012".into())) },
            Rejection::UnexpectedCurrent { current: None },
            Rejection::NobodyWaiting { cooldown_seconds: None },
            Rejection::NobodyWaiting { cooldown_seconds: Some(45) },
            Rejection::StaleVersion { expected: 2, actual: 3, state: State::Called },
            Rejection::NotTheHolder { number: number() },
            Rejection::ReasonRequired { number: number() },
            Rejection::RecallTooSoon(7),
            Rejection::UndoTooLate,
            Rejection::VoidTooLate { state: State::Called },
            Rejection::DeskElsewhere { counter, number: number(), holds_ticket: false },
            Rejection::DeskElsewhere { counter, number: number(), holds_ticket: true },
            Rejection::ServiceNotAtCounter { number: number() },
            Rejection::SameService,
            Rejection::RequestIdReused,
            Rejection::ConfiguredMeanwhile,
            Rejection::Configuration(vec![
                Defect {
                    field: "services[3].series".into(),
                    id: "samakan seri".into(),
                    en: "make the series equal".into(),
                },
                Defect {
                    field: "agencies[1].code".into(),
                    id: "pakai kode lain".into(),
                    en: "use another code".into(),
                },
            ]),
        ]);
        all.extend(State::iter().map(|state| Rejection::NotPermittedInState {
            verb: if state == State::Serving { Verb::Recall } else { Verb::Finish },
            state,
            allowed: TRANSITIONS.allowed(state),
            holder: matches!(state, State::Called | State::Serving).then(number),
        }));
        all
    }

    fn name(rejection: &Rejection) -> &'static str {
        match rejection {
            Rejection::NotFound(_) => "NotFound",
            Rejection::IntakeClosed(_) => "IntakeClosed",
            Rejection::PersonLimit(_) => "PersonLimit",
            Rejection::PhoneRequired => "PhoneRequired",
            Rejection::DayNotOpen => "DayNotOpen",
            Rejection::DayAlreadyClosed(_) => "DayAlreadyClosed",
            Rejection::CounterNotOpen { .. } => "CounterNotOpen",
            Rejection::CounterBusy { .. } => "CounterBusy",
            Rejection::UnexpectedCurrent { .. } => "UnexpectedCurrent",
            Rejection::NobodyWaiting { .. } => "NobodyWaiting",
            Rejection::NotPermittedInState { .. } => "NotPermittedInState",
            Rejection::StaleVersion { .. } => "StaleVersion",
            Rejection::NotTheHolder { .. } => "NotTheHolder",
            Rejection::ReasonRequired { .. } => "ReasonRequired",
            Rejection::RecallTooSoon(_) => "RecallTooSoon",
            Rejection::UndoTooLate => "UndoTooLate",
            Rejection::VoidTooLate { .. } => "VoidTooLate",
            Rejection::DeskElsewhere { .. } => "DeskElsewhere",
            Rejection::ServiceNotAtCounter { .. } => "ServiceNotAtCounter",
            Rejection::SameService => "SameService",
            Rejection::RequestIdReused => "RequestIdReused",
            Rejection::ConfiguredMeanwhile => "ConfiguredMeanwhile",
            Rejection::Configuration(_) => "Configuration",
        }
    }

    /// The whole table, as callers see it. A change here changes the contract: look at the diff.
    #[test]
    fn golden_table_of_refusals() {
        let mut table = String::new();
        for rejection in each() {
            let name = name(&rejection);
            let problem = Error::Rejected(rejection).problem();
            writeln!(table, "{name} → {:?} {}", problem.code, problem.reason).unwrap();
            writeln!(table, "  id: {}\n  en: {}", problem.text.id, problem.text.en).unwrap();
            if !problem.metadata.is_empty() {
                writeln!(table, "  metadata: {:?}", problem.metadata).unwrap();
            }
            for violation in &problem.violations {
                writeln!(
                    table,
                    "  {}: {} ({} | {})",
                    violation.field, violation.reason, violation.text.id, violation.text.en
                )
                .unwrap();
            }
            if let Some(delay) = problem.retry_after {
                writeln!(table, "  retry after {delay:?}").unwrap();
            }
        }
        insta::assert_snapshot!(table);
    }

    #[test]
    fn an_illegal_transition_names_the_state_and_what_it_permits_over_the_wire() {
        let rejection = Rejection::NotPermittedInState {
            verb: Verb::Finish,
            state: State::Called,
            allowed: TRANSITIONS.allowed(State::Called),
            holder: Some("3".into()),
        };
        let status = Error::Rejected(rejection).problem().into_status(Language::En);
        let details = status.get_error_details();
        let info = details.error_info().unwrap();
        assert_eq!(info.reason, "ILLEGAL_TRANSITION");
        assert_eq!(info.metadata["state"], "TICKET_STATE_CALLED");
        assert!(info.metadata["allowedVerbs"].split(',').any(|verb| verb == "TICKET_VERB_START"));
        assert!(!info.metadata["allowedVerbs"].contains("EXPIRE"), "nobody can ask for it");
        assert_eq!(details.precondition_failure().unwrap().violations[0].r#type, "ILLEGAL_TRANSITION");
    }

    #[test]
    fn what_does_not_answer_is_unavailable_and_says_when_to_come_back() {
        let problem = Error::Unavailable(anyhow::anyhow!("no route to host")).problem();
        assert_eq!((problem.code, problem.retry_after), (Code::Unavailable, Some(Duration::from_secs(1))));
        assert!(!problem.text.en.contains("route"), "the cause stays inside");
        let problem = Error::from(sea_orm::DbErr::Custom("broken row".into())).problem();
        assert_eq!((problem.code, problem.reason), (Code::Internal, "INTERNAL"));
    }
}
