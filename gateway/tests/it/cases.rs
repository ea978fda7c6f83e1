//! The complaints and notifications services, with sample data of a fictional regency.

use std::{
    collections::BTreeMap,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use futures::Stream;
use mpp_kit::{
    caller::{Caller, NETWORK},
    fault::{Problem, Text, Violation},
};
use mpp_proto::{
    complaints::v1::{self as complaints, complaints_service_server::ComplaintsService, *},
    notifications::v1::{self as notifications, notifications_service_server::NotificationsService},
};
use prost_types::Timestamp;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status};

use crate::documents::VILLAGE;

type Answer<T> = Result<tonic::Response<T>, Status>;

/// A case on the work list.
pub(crate) const CASE: &str = "cmp_01h455vb4pex5vsknk084sn02q";
/// Another one, about the same.
pub(crate) const OTHER: &str = "cmp_01h455vb4pex5vsknk084sn03r";
/// The number of the case, as its reporter follows it.
pub(crate) const NUMBER: &str = "ADU-2026-000123-7";
/// The number of a report that was forwarded outside.
pub(crate) const FORWARDED: &str = "ADU-2026-000124-5";
/// The PIN that belongs to it.
pub(crate) const PIN: &str = "7Q2M4K";
/// The PIN of every report that is filed.
pub(crate) const FILED_PIN: &str = "ZX81QL";
/// A published case near by.
pub(crate) const NEAR: &str = "ADU-2026-000120-1";
/// A published case whose reporter is not shown.
pub(crate) const LOWERED: &str = "ADU-2026-000121-9";
/// The finest square of the map with cases.
pub(crate) const FINEST: &str = "-359,10226,1";
/// A case whose two reporters were asked, and cannot be reached.
pub(crate) const ASKED: &str = "cmp_01h455vb4pex5vsknk084sn0aq";
/// The version of the case.
pub(crate) const VERSION: u32 = 4;
/// A step of the ladder that waits for the account behind the session.
pub(crate) const STEP: &str = "esc_01h455vb4pex5vsknk084sn02q";
/// A request to see who reported.
pub(crate) const REVEAL: &str = "rvl_01h455vb4pex5vsknk084sn02q";
/// The token of a message's link.
pub(crate) const TOKEN: &str = "tok-EN_9";
/// A decree that ends soon.
pub(crate) const DECREE: &str = "evd_01h455vb4pex5vsknk084sn02q";
/// A procedure that was withdrawn.
pub(crate) const PROCEDURE: &str = "evd_01h455vb4pex5vsknk084sn03r";
/// What somebody reported who must never be markup.
pub(crate) const TEXT: &str = "Lubang di jalan \"<b>besar</b>\"\nsejak bulan lalu & makin dalam.";

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Both services.
#[derive(Clone, Default)]
pub(crate) struct Cases(Arc<State>);

#[derive(Default)]
struct State {
    uploads: Mutex<BTreeMap<String, ComplaintFile>>,
    filed: Mutex<Vec<FileComplaintRequest>>,
    networks: Mutex<Vec<String>>,
    numbers: Mutex<BTreeMap<String, String>>,
    answers: Mutex<Vec<AnswerComplaintRequest>>,
    disposals: Mutex<Vec<DisposeComplaintRequest>>,
    given: Mutex<Vec<GiveAnswerRequest>>,
    completions: Mutex<Vec<CompleteComplaintRequest>>,
    taken_back: Mutex<Vec<TakeBackQuestionRequest>>,
    merges: Mutex<Vec<MergeComplaintRequest>>,
    reveals: Mutex<Vec<String>>,
    acknowledged: Mutex<Vec<String>>,
    calendars: Mutex<Vec<CalendarVersion>>,
    deadlines: Mutex<Vec<Deadline>>,
    languages: Mutex<Vec<Language>>,
    told: Mutex<Vec<RecordSp4nToldRequest>>,
    typed: Mutex<Vec<Sp4nItem>>,
    categories: Mutex<Vec<Category>>,
    variants: Mutex<Vec<notifications::SaveVariantRequest>>,
    boards: Mutex<Vec<mpsc::Sender<Result<WatchBoardResponse, Status>>>>,
    published: Mutex<Vec<ListPublishedComplaintsRequest>>,
    listed: Mutex<Vec<ListComplaintsRequest>>,
    maps: Mutex<Vec<GetComplaintMapRequest>>,
    papers: Mutex<Vec<CreateEvidenceDocumentRequest>>,
    checks: Mutex<Vec<CheckEvidenceRequest>>,
    no_coordinator: AtomicBool,
    no_reader: AtomicBool,
    withdrawn: Mutex<Vec<WithdrawEvidenceDocumentRequest>>,
    inbox: Mutex<Vec<notifications::InboxItem>>,
    marked: Mutex<Vec<notifications::MarkReadRequest>>,
    inbox_calls: AtomicU32,
    notifications_away: AtomicBool,
    inbox_refused: AtomicBool,
    contacts: Mutex<BTreeMap<String, notifications::Contact>>,
    applied: Mutex<Vec<notifications::ApplyContactRequest>>,
    consents: Mutex<Vec<notifications::SetConsentRequest>>,
    rules: Mutex<notifications::DeliveryRules>,
}

impl Cases {
    /// Every FileComplaint that was accepted, repeats too.
    pub(crate) fn filed(&self) -> Vec<FileComplaintRequest> {
        lock(&self.0.filed).clone()
    }

    /// How many files are stored.
    pub(crate) fn files(&self) -> usize {
        lock(&self.0.uploads).len()
    }

    /// Every paper for the Ombudsman that was entered.
    pub(crate) fn papers(&self) -> Vec<CreateEvidenceDocumentRequest> {
        lock(&self.0.papers).clone()
    }

    /// The periods that were asked about.
    pub(crate) fn checks(&self) -> Vec<CheckEvidenceRequest> {
        lock(&self.0.checks).clone()
    }

    /// Every paper that was withdrawn.
    pub(crate) fn withdrawn(&self) -> Vec<WithdrawEvidenceDocumentRequest> {
        lock(&self.0.withdrawn).clone()
    }

    /// Every AnswerComplaint.
    pub(crate) fn answers(&self) -> Vec<AnswerComplaintRequest> {
        lock(&self.0.answers).clone()
    }

    /// Every DisposeComplaint.
    pub(crate) fn disposals(&self) -> Vec<DisposeComplaintRequest> {
        lock(&self.0.disposals).clone()
    }

    /// Every GiveAnswer.
    pub(crate) fn given(&self) -> Vec<GiveAnswerRequest> {
        lock(&self.0.given).clone()
    }

    /// Every CompleteComplaint.
    pub(crate) fn completions(&self) -> Vec<CompleteComplaintRequest> {
        lock(&self.0.completions).clone()
    }

    /// Every TakeBackQuestion.
    pub(crate) fn taken_back(&self) -> Vec<TakeBackQuestionRequest> {
        lock(&self.0.taken_back).clone()
    }

    /// Every MergeComplaint.
    pub(crate) fn merges(&self) -> Vec<MergeComplaintRequest> {
        lock(&self.0.merges).clone()
    }

    /// What was asked, approved and looked at, in this order.
    pub(crate) fn reveals(&self) -> Vec<String> {
        lock(&self.0.reveals).clone()
    }

    /// The steps that were acknowledged.
    pub(crate) fn acknowledged(&self) -> Vec<String> {
        lock(&self.0.acknowledged).clone()
    }

    /// From which network each FileComplaint was said to come.
    pub(crate) fn networks(&self) -> Vec<String> {
        lock(&self.0.networks).clone()
    }

    /// The calendars that were written.
    pub(crate) fn calendars(&self) -> Vec<CalendarVersion> {
        lock(&self.0.calendars).clone()
    }

    /// Every RecordSp4nTold.
    pub(crate) fn told(&self) -> Vec<RecordSp4nToldRequest> {
        lock(&self.0.told).clone()
    }

    /// Every report of LAPOR! that was typed in.
    pub(crate) fn typed(&self) -> Vec<Sp4nItem> {
        lock(&self.0.typed).clone()
    }

    /// Every ApplyLanguage.
    pub(crate) fn languages(&self) -> Vec<Language> {
        lock(&self.0.languages).clone()
    }

    /// The rows of the deadlines table that were written.
    pub(crate) fn deadlines(&self) -> Vec<Deadline> {
        lock(&self.0.deadlines).clone()
    }

    /// The categories that were written.
    pub(crate) fn categories(&self) -> Vec<Category> {
        lock(&self.0.categories).clone()
    }

    /// What was told to the account behind the session, newest first.
    pub(crate) fn set_inbox(&self, items: Vec<notifications::InboxItem>) {
        *lock(&self.0.inbox) = items;
    }

    /// Every MarkRead.
    pub(crate) fn marked(&self) -> Vec<notifications::MarkReadRequest> {
        lock(&self.0.marked).clone()
    }

    /// How often the list was asked for.
    pub(crate) fn inbox_calls(&self) -> u32 {
        self.0.inbox_calls.load(Ordering::SeqCst)
    }

    /// Whether the list never answers.
    pub(crate) fn set_notifications_away(&self, away: bool) {
        self.0.notifications_away.store(away, Ordering::SeqCst);
    }

    /// Whether whoever asks distributes complaints, whatever the session permits: `Some(false)` reads the papers alone, `None` not
    /// even these. Before it is said, everybody does.
    pub(crate) fn set_coordinates(&self, coordinates: Option<bool>) {
        self.0.no_coordinator.store(coordinates != Some(true), Ordering::SeqCst);
        self.0.no_reader.store(coordinates.is_none(), Ordering::SeqCst);
    }

    /// Whether the list is refused.
    pub(crate) fn set_inbox_refused(&self, refused: bool) {
        self.0.inbox_refused.store(refused, Ordering::SeqCst);
    }

    /// Enters a contact.
    pub(crate) fn set_contact(&self, contact: notifications::Contact) {
        lock(&self.0.contacts).insert(contact.account_id.clone(), contact);
    }

    /// Every ApplyContact that was accepted.
    pub(crate) fn applied(&self) -> Vec<notifications::ApplyContactRequest> {
        lock(&self.0.applied).clone()
    }

    /// Every SetConsent that was accepted.
    pub(crate) fn consents(&self) -> Vec<notifications::SetConsentRequest> {
        lock(&self.0.consents).clone()
    }

    /// The rules of delivery.
    pub(crate) fn rules(&self) -> notifications::DeliveryRules {
        lock(&self.0.rules).clone()
    }

    /// Sets the rules of delivery.
    pub(crate) fn set_rules(&self, rules: notifications::DeliveryRules) {
        *lock(&self.0.rules) = rules;
    }

    /// The texts of messages that were written.
    pub(crate) fn variants(&self) -> Vec<notifications::SaveVariantRequest> {
        lock(&self.0.variants).clone()
    }

    /// The last ListPublishedComplaints.
    pub(crate) fn published(&self) -> ListPublishedComplaintsRequest {
        lock(&self.0.published).last().cloned().unwrap_or_default()
    }

    /// The last ListComplaints.
    pub(crate) fn listed(&self) -> ListComplaintsRequest {
        lock(&self.0.listed).last().cloned().unwrap_or_default()
    }

    /// The last GetComplaintMap.
    pub(crate) fn mapped(&self) -> GetComplaintMapRequest {
        lock(&self.0.maps).last().cloned().unwrap_or_default()
    }

    /// Sends a board to everybody who watches.
    pub(crate) async fn board(&self, board: Board) {
        let boards = lock(&self.0.boards).clone();
        for sender in boards {
            // A stream that is gone gets nothing.
            sender.send(Ok(WatchBoardResponse { board: Some(board.clone()) })).await.ok();
        }
    }
}

/// The 26th of November 2026, so many hours after eight o'clock in the west.
pub(crate) fn at(hours: i64) -> Option<Timestamp> {
    Some(Timestamp { seconds: 1_795_654_800 + hours * 3600, nanos: 0 })
}

fn category(key: &str, parent: &str, name: &str) -> Category {
    Category {
        key: key.into(),
        parent: parent.into(),
        name: name.into(),
        active: true,
        ..Category::default()
    }
}

fn categories() -> Vec<Category> {
    let question = |key: &str, label: &str, datatype: &str, values: &[(&str, &str)], order| ExtraQuestion {
        key: key.into(),
        label: label.into(),
        datatype: datatype.into(),
        required: order == 1,
        values: values.iter().map(|(key, name)| ((*key).into(), (*name).into())).collect(),
        order,
    };
    vec![
        category("JALAN", "", "Jalan dan jembatan"),
        Category {
            agency_id: "17.07/pupr".into(),
            description: "Lubang, amblas, longsor di badan jalan".into(),
            deadline_kind: "GENERAL".into(),
            questions: vec![
                question(
                    "dampak",
                    "Apa akibatnya?",
                    "multivaluelist",
                    &[("macet", "Macet"), ("jatuh", "Orang jatuh")],
                    2,
                ),
                question(
                    "dalam",
                    "Seberapa dalam?",
                    "singlevaluelist",
                    &[("d", "Dalam"), ("s", "Dangkal")],
                    1,
                ),
            ],
            duplicate_metres: 200,
            ..category("JALAN-LUBANG", "JALAN", "Jalan berlubang")
        },
        category("JALAN-LAMPU", "JALAN", "Lampu jalan mati"),
        Category {
            emergency_advice: "Kebakaran atau orang terluka: telepon 112 sekarang.".into(),
            ..category("AIR", "", "Air bersih")
        },
        category("LAYANAN", "", "Pelayanan kantor"),
    ]
}

fn agencies() -> Vec<Agency> {
    let agency = |id: &str, name: &str, inspectorate| Agency {
        id: id.into(),
        name: name.into(),
        calendar_id: "17.07".into(),
        inspectorate,
        active: true,
        bounce_limit: 3,
    };
    vec![
        agency("17.07/pupr", "Dinas Pekerjaan Umum", false),
        agency("17.07/dlh", "Dinas Lingkungan Hidup", false),
        agency("17.07/dinkes", "Dinas Kesehatan", false),
        agency("17.07/inspektorat", "Inspektorat Daerah", true),
    ]
}

fn place() -> Option<Place> {
    Some(Place {
        village_code: VILLAGE.into(),
        latitude: Some(-3.5912),
        longitude: Some(102.2581),
        address: "Depan SD 4".into(),
    })
}

fn published() -> PublishedComplaint {
    PublishedComplaint {
        number: NEAR.into(),
        state: CaseState::InProgress.into(),
        category: "JALAN-LUBANG".into(),
        category_name: "Jalan berlubang".into(),
        place: place(),
        received_at: at(-48),
        text: "Jalan berlubang besar di depan sekolah.".into(),
        distance_metres: 42.0,
        ..PublishedComplaint::default()
    }
}

/// The whole map has a square with two cases and one with a thousand, and cases that it does not show; others have two cases.
fn map(square: &str) -> ComplaintMap {
    let cell = |square: &str, point: (f64, f64), count, village: &str| MapCell {
        square: square.into(),
        latitude: point.0,
        longitude: point.1,
        count,
        village_codes: if village.is_empty() { vec![] } else { vec![village.into()] },
    };
    let two = |square| cell(square, (-3.59, 102.26), 2, VILLAGE);
    match square {
        "" => ComplaintMap {
            square: "-380,10200,30".into(),
            cells: vec![two("-359,10224,3"), cell("-371,10206,3", (-3.7, 102.07), 1_000, "")],
            inside: 1_002,
            outside: 1,
            unplaced: 3,
        },
        square => ComplaintMap {
            square: square.into(),
            cells: vec![two(FINEST)],
            inside: 2,
            ..ComplaintMap::default()
        },
    }
}

fn message(by: &str, kind: &str, text: &str, hours: i64) -> CaseMessage {
    CaseMessage {
        at: at(hours),
        by: by.into(),
        kind: kind.into(),
        text: text.into(),
        agency_id: if by == "AGENCY" { "17.07/pupr".into() } else { String::new() },
        account_id: if by == "REPORTER" { String::new() } else { "acc_rahasia".into() },
        reporter: "Pelapor-7Q2M".into(),
        ..CaseMessage::default()
    }
}

fn file(id: &str, scan: &str, proof: bool) -> ComplaintFile {
    ComplaintFile {
        file_id: id.into(),
        media_type: "image/jpeg".into(),
        size: 1_310_720,
        scan: scan.into(),
        proof,
        ..ComplaintFile::default()
    }
}

fn messages() -> Vec<CaseMessage> {
    let mut report = message("REPORTER", "REPORT", TEXT, -30);
    report.files = vec![file("fil_1", "CLEAN", false), file("fil_2", "PENDING", false)];
    vec![
        report,
        message("COORDINATOR", "NOTICE", "Laporan Anda diteruskan ke Dinas Pekerjaan Umum.", -28),
        message("AGENCY", "FIRST_ANSWER", "Kami jadwalkan peninjauan lokasi besok pagi.", -20),
        message("AGENCY", "ANSWER", "Lubang sudah ditambal oleh UPTD Jalan pada 25 November.", -2),
    ]
}

fn public() -> PublicComplaint {
    PublicComplaint {
        number: NUMBER.into(),
        complaint_class: ComplaintClass::Complaint.into(),
        state: CaseState::AwaitingConfirmation.into(),
        category_name: "Jalan berlubang".into(),
        holder: "Dinas Pekerjaan Umum".into(),
        received_at: at(-30),
        settle_due_at: at(24 * 12),
        reaction_due_at: at(-26),
        late: true,
        messages: messages(),
        secrecy: Secrecy::Anonymous.into(),
        reporter_until: at(24 * 10),
        allowed: vec![CaseVerb::Confirm.into(), CaseVerb::Reopen.into(), CaseVerb::Withdraw.into()],
        revealed_at: vec![at(-5).unwrap_or_default()],
        ..PublicComplaint::default()
    }
}

fn clock(kind: ClockKind, state: ClockState, due: i64, late: bool) -> CaseClock {
    CaseClock {
        kind: kind.into(),
        state: state.into(),
        started_at: at(-30),
        due_at: at(due),
        late_at: if late { at(due) } else { None },
        ended_at: if state == ClockState::Met { at(-20) } else { None },
        paused_minutes: if state == ClockState::Paused { 200 } else { 0 },
        legal: kind != ClockKind::Reaction,
        ..CaseClock::default()
    }
}

fn complaint() -> Complaint {
    let verbs = [
        CaseVerb::Accept,
        CaseVerb::Dispose,
        CaseVerb::Answer,
        CaseVerb::FirstAnswer,
        CaseVerb::AskCompletion,
        CaseVerb::Bounce,
        CaseVerb::Merge,
        CaseVerb::ForwardOutside,
        CaseVerb::Archive,
        // A verb of reporters: no form of an officer.
        CaseVerb::Confirm,
    ];
    Complaint {
        id: CASE.into(),
        number: NUMBER.into(),
        version: VERSION,
        complaint_class: ComplaintClass::Complaint.into(),
        state: CaseState::InProgress.into(),
        allowed: verbs.map(Into::into).to_vec(),
        category: "JALAN-LUBANG".into(),
        category_name: "Jalan berlubang".into(),
        place: place(),
        occurred_at: at(-40),
        received_at: at(-30),
        arrived_at: at(-30),
        channel: Channel::Whatsapp.into(),
        lead_agency_id: "17.07/pupr".into(),
        helpers: vec![Helper {
            agency_id: "17.07/dlh".into(),
            task: "Bersihkan saluran di tepi jalan".into(),
            due_at: at(-2),
            late_at: at(-2),
            ..Helper::default()
        }],
        messages: [messages(), vec![message("AGENCY", "NOTE", "Material datang hari Senin.", -3)]].concat(),
        clocks: vec![
            clock(ClockKind::Verify, ClockState::Met, -6, false),
            clock(ClockKind::FirstAnswer, ClockState::Met, -22, true),
            clock(ClockKind::Settle, ClockState::Paused, 24 * 12, false),
            clock(ClockKind::Reaction, ClockState::Running, -26, true),
        ],
        holders: vec![
            HolderInterval {
                agency_id: "coordinator".into(),
                from: at(-30),
                to: at(-28),
                working_minutes: 120,
                late: Vec::new(),
            },
            HolderInterval {
                agency_id: "17.07/pupr".into(),
                from: at(-28),
                to: None,
                working_minutes: 500,
                late: vec![ClockKind::FirstAnswer.into()],
            },
        ],
        publication: Publication::Public.into(),
        reporters: vec![Reporter {
            pseudonym: "Pelapor-7Q2M".into(),
            secrecy: Secrecy::Anonymous.into(),
            channel: Channel::Whatsapp.into(),
            number: NUMBER.into(),
            reachable: true,
            contact: None,
            unheard: false,
        }],
        bounces: 1,
        escalations: vec![Escalation {
            id: STEP.into(),
            complaint_id: CASE.into(),
            clock: ClockKind::FirstAnswer.into(),
            percent: 100,
            rung: "AGENCY_HEAD".into(),
            account_id: "acc_1".into(),
            at: at(-22),
            ..Escalation::default()
        }],
        deliveries: vec![Delivery {
            id: "obx_1".into(),
            kind: "answered".into(),
            recipient: "Pelapor-7Q2M".into(),
            state: "DELIVERED".into(),
            created_at: at(-2),
            updated_at: at(-2),
        }],
        reporter_until: at(24 * 10),
        extra: [("dalam".to_owned(), "d".to_owned())].into(),
        ..Complaint::default()
    }
}

/// A case that waits for its reporters.
fn asked() -> Complaint {
    let verbs = [
        CaseVerb::Complete,
        CaseVerb::TakeBackQuestion,
        CaseVerb::Merge,
        CaseVerb::Archive,
        CaseVerb::Withdraw,
    ];
    let case = complaint();
    let first = Reporter { reachable: false, ..case.reporters[0].clone() };
    let second = Reporter { pseudonym: "Pelapor-3K8D".into(), ..first.clone() };
    let told = CaseMessage {
        account_id: "acc_rahasia".into(),
        reporter: "Pelapor-3K8D".into(),
        ..message("REPORTER", "REPORT", "Ditulis petugas di meja.", -29)
    };
    Complaint {
        id: ASKED.into(),
        state: CaseState::AwaitingCompletion.into(),
        allowed: verbs.map(Into::into).to_vec(),
        messages: vec![told, message("AGENCY", "QUESTION", "Di sebelah mana?", -4)],
        reporters: vec![first, second],
        ..case
    }
}

fn line(id: &str, number: &str, late: bool) -> ComplaintLine {
    ComplaintLine {
        id: id.into(),
        number: number.into(),
        complaint_class: ComplaintClass::Complaint.into(),
        state: CaseState::InProgress.into(),
        category: "JALAN-LUBANG".into(),
        lead_agency_id: "17.07/pupr".into(),
        received_at: at(-30),
        due_at: at(if late { -2 } else { 30 }),
        late,
        village_code: VILLAGE.into(),
        channel: Channel::Web.into(),
        version: VERSION,
        secrecy: if late { Secrecy::Anonymous } else { Secrecy::Open }.into(),
        latitude: Some(-3.59),
        longitude: Some(102.26),
    }
}

fn lines() -> Vec<ComplaintLine> {
    vec![line(CASE, NUMBER, true), line(OTHER, "ADU-2026-000124-5", false)]
}

/// The board, with so many late at the first agency.
pub(crate) fn board(late: i64) -> Board {
    let row = |id: &str, name: &str, late: i64| BoardRow {
        agency_id: id.into(),
        agency_name: name.into(),
        numbers: (1..=13)
            .map(|measure| BoardNumber {
                measure,
                count: match measure {
                    1 => 24 + late,
                    2 => 2,
                    3 | 7 => late,
                    8 => i64::from(late > 0),
                    _ => 0,
                },
            })
            .collect(),
        oldest_late_at: if late > 0 { at(-50) } else { None },
        on_time_permille: vec![875, 900, -1],
        reopened_permille: vec![125, 64, -1],
    };
    Board {
        at: at(0),
        rows: vec![
            row("17.07/pupr", "Dinas Pekerjaan Umum", late),
            row("17.07/dinkes", "Dinas Kesehatan", 0),
            row("coordinator", "", 0),
        ],
        calendar_gaps: vec![CalendarGap {
            calendar_id: "17.07".into(),
            free_days_until: "2026-12-31".into(),
            counted_until: "2027-02-19".into(),
        }],
    }
}

fn violation(field: &str, id: &'static str, en: &'static str) -> Problem {
    Problem::invalid(vec![Violation { field: field.into(), reason: "INVALID", text: Text::new(id, en) }])
}

fn language<T>(request: &tonic::Request<T>) -> mpp_kit::fault::Language {
    Caller::of(request).language
}

impl Cases {
    /// The case of a number and the PIN that belongs to it: the sample, or one that was filed.
    fn known(&self, number: &str, pin: &str) -> Result<PublicComplaint, Problem> {
        if number == NUMBER && pin == PIN {
            return Ok(public());
        }
        if number == FORWARDED && pin == PIN {
            return Ok(PublicComplaint {
                number: number.into(),
                state: CaseState::ForwardedOutside.into(),
                closing_reason: "PROVINCE".into(),
                forwarded_to: "Dinas PUPR Provinsi".into(),
                advice: "Hubungi Dinas PUPR Provinsi dengan nomor ini.".into(),
                allowed: Vec::new(),
                ..public()
            });
        }
        let key = lock(&self.0.numbers).iter().find(|(_, one)| *one == number).map(|(key, _)| key.clone());
        let filed = lock(&self.0.filed).iter().find(|one| Some(&one.request_id) == key.as_ref()).cloned();
        match filed {
            Some(filed) if pin == FILED_PIN => Ok(PublicComplaint {
                number: number.into(),
                complaint_class: filed.complaint_class,
                state: CaseState::New.into(),
                category_name: filed.category,
                holder: "Koordinator pengaduan".into(),
                received_at: at(0),
                settle_due_at: at(24 * 20),
                reaction_due_at: at(4),
                messages: vec![message("REPORTER", "REPORT", &filed.text, 0)],
                secrecy: filed.secrecy,
                allowed: vec![CaseVerb::Withdraw.into()],
                ..PublicComplaint::default()
            }),
            Some(_) | None => Err(Problem::not_found("laporan", "report")),
        }
    }
}

fn changed() -> Problem {
    Problem::new(Code::Aborted, "VERSION_MISMATCH", "Aduan sudah berubah.", "The case has changed.")
}

macro_rules! complaints_service {
    (unserved: $($name:ident $request:ident $response:ident),* $(,)?; $($served:item)*) => {
        #[tonic::async_trait]
        impl ComplaintsService for Cases {
            $(async fn $name(&self, _: tonic::Request<complaints::$request>) -> Answer<complaints::$response> {
                Err(Status::unimplemented("not served by this fake"))
            })*
            $($served)*
        }
    };
}

/// The papers of the register.
fn papers() -> Vec<EvidenceDocument> {
    let file = ComplaintFile {
        file_id: "fil_9".into(),
        media_type: "application/pdf".into(),
        size: 200_000,
        sha256: "ab".repeat(32),
        scan: "CLEAN".into(),
        proof: false,
    };
    let decree = EvidenceDocument {
        id: DECREE.into(),
        indicator: EvidenceIndicator::Pg01.into(),
        kind: EvidenceKind::TeamDecree.into(),
        title: "Tim <b>pengelola</b>".into(),
        number: "188/12/2026".into(),
        date: "2025-12-20".into(),
        valid_from: "2026-01-01".into(),
        valid_to: "2026-12-31".into(),
        members: vec![DecreeMember {
            title: "Kepala Dinas Pekerjaan Umum".into(),
            ..DecreeMember::default()
        }],
        file: Some(file.clone()),
        created_by: "acc_1".into(),
        created_at: at(0),
        days_left: Some(29),
        ends_soon: true,
        ..EvidenceDocument::default()
    };
    let procedure = EvidenceDocument {
        id: PROCEDURE.into(),
        kind: EvidenceKind::Procedure.into(),
        title: "SOP lama".into(),
        days_left: Some(-3),
        ends_soon: false,
        members: Vec::new(),
        withdrawn_by: "acc_1".into(),
        withdrawn_at: at(1),
        withdrawn_reason: "Salah unggah: ini SOP tahun lalu.".into(),
        ..decree.clone()
    };
    let minutes = EvidenceDocument {
        id: "evd_01h455vb4pex5vsknk084sn04s".into(),
        indicator: EvidenceIndicator::Pg07.into(),
        kind: EvidenceKind::EvaluationMinutes.into(),
        title: "Evaluasi triwulan III".into(),
        number: String::new(),
        date: "2026-10-12".into(),
        period: "2026-Q3".into(),
        cites_report: true,
        file: Some(file),
        created_by: "acc_1".into(),
        created_at: at(0),
        ..EvidenceDocument::default()
    };
    vec![minutes, decree, procedure]
}

complaints_service! {
    unserved:
        list_published_updates ListPublishedUpdatesRequest ListPublishedUpdatesResponse,
        receive_partner_update ReceivePartnerUpdateRequest ReceivePartnerUpdateResponse,
        verify_complaint VerifyComplaintRequest VerifyComplaintResponse,
        bounce_complaint BounceComplaintRequest BounceComplaintResponse,
        ask_completion AskCompletionRequest AskCompletionResponse,
        give_first_answer GiveFirstAnswerRequest GiveFirstAnswerResponse,
        complete_help CompleteHelpRequest CompleteHelpResponse,
        forward_complaint_outside ForwardComplaintOutsideRequest ForwardComplaintOutsideResponse,
        recategorise_complaint RecategoriseComplaintRequest RecategoriseComplaintResponse,
        reopen_complaint ReopenComplaintRequest ReopenComplaintResponse,
        set_complaint_publication SetComplaintPublicationRequest SetComplaintPublicationResponse,
        archive_complaint ArchiveComplaintRequest ArchiveComplaintResponse,
        add_complaint_note AddComplaintNoteRequest AddComplaintNoteResponse,
        export_evidence ExportEvidenceRequest ExportEvidenceResponse,
        apply_agency ApplyAgencyRequest ApplyAgencyResponse,
        apply_official ApplyOfficialRequest ApplyOfficialResponse,
        apply_acting ApplyActingRequest ApplyActingResponse,
        apply_response_template ApplyResponseTemplateRequest ApplyResponseTemplateResponse,
        get_channel_challenge GetChannelChallengeRequest GetChannelChallengeResponse,
        receive_channel_webhook ReceiveChannelWebhookRequest ReceiveChannelWebhookResponse,
        record_sp4n_tracking RecordSp4nTrackingRequest RecordSp4nTrackingResponse;

    async fn upload_complaint_file(&self, request: tonic::Request<UploadComplaintFileRequest>) -> Answer<UploadComplaintFileResponse> {
        let language = language(&request);
        let request = request.into_inner();
        let media_type = match request.content.first() {
            Some(0x89) => "image/png",
            Some(b'%') => "application/pdf",
            _ => return Err(violation("content", "unggah JPEG, PNG, atau PDF", "upload JPEG, PNG or PDF").into_status(language)),
        };
        let mut uploads = lock(&self.0.uploads);
        let id = format!("fil_{}", uploads.len());
        let stored = ComplaintFile {
            file_id: id,
            media_type: media_type.into(),
            size: i64::try_from(request.content.len()).unwrap_or_default(),
            scan: "PENDING".into(),
            ..ComplaintFile::default()
        };
        let stored = uploads.entry(request.request_id).or_insert(stored).clone();
        Ok(UploadComplaintFileResponse { file: Some(stored) }.into())
    }

    async fn file_complaint(&self, request: tonic::Request<FileComplaintRequest>) -> Answer<FileComplaintResponse> {
        let caller = Caller::of(&request);
        let network = request.metadata().get(NETWORK).and_then(|it| it.to_str().ok()).unwrap_or_default();
        lock(&self.0.networks).push(network.to_owned());
        let request = request.into_inner();
        if request.text.chars().count() < 10 {
            return Err(violation("text", "tulis paling sedikit 10 huruf", "write at least 10 characters").into_status(caller.language));
        }
        if request.category == "JALAN-LUBANG" && !request.extra.contains_key("dalam") {
            return Err(violation("extra.dalam", "pilih salah satu", "choose one").into_status(caller.language));
        }
        let mut numbers = lock(&self.0.numbers);
        let next = format!("ADU-2026-00020{}-3", numbers.len());
        let number = numbers.entry(request.request_id.clone()).or_insert(next).clone();
        let is_staff = request.channel() == Channel::Counter;
        lock(&self.0.filed).push(request);
        Ok(FileComplaintResponse {
            number,
            pin: FILED_PIN.into(),
            verify_due_at: at(24 * 3),
            settle_due_at: at(24 * 20),
            reaction_due_at: at(4),
            complaint_id: if is_staff { CASE.into() } else { String::new() },
        }.into())
    }

    async fn get_public_complaint(&self, request: tonic::Request<GetPublicComplaintRequest>) -> Answer<GetPublicComplaintResponse> {
        let language = language(&request);
        let request = request.into_inner();
        let complaint = self.known(&request.number, &request.pin).map_err(|problem| problem.into_status(language))?;
        Ok(GetPublicComplaintResponse { complaint: Some(complaint) }.into())
    }

    async fn answer_complaint(&self, request: tonic::Request<AnswerComplaintRequest>) -> Answer<AnswerComplaintResponse> {
        let language = language(&request);
        let request = request.into_inner();
        let mut complaint = self.known(&request.number, &request.pin).map_err(|problem| problem.into_status(language))?;
        if request.done == Some(false) && request.text.is_empty() {
            return Err(violation("text", "tulis apa yang belum", "write what is not done").into_status(language));
        }
        if let Some(done) = request.done {
            complaint.state = if done { CaseState::Settled } else { CaseState::Reopened }.into();
            complaint.allowed.clear();
        }
        if request.secrecy() != Secrecy::Unspecified {
            complaint.secrecy = request.secrecy;
        }
        lock(&self.0.answers).push(request);
        Ok(AnswerComplaintResponse { complaint: Some(complaint) }.into())
    }

    async fn withdraw_complaint(&self, request: tonic::Request<WithdrawComplaintRequest>) -> Answer<WithdrawComplaintResponse> {
        let language = language(&request);
        let request = request.into_inner();
        let mut complaint = self.known(&request.number, &request.pin).map_err(|problem| problem.into_status(language))?;
        complaint.state = CaseState::Withdrawn.into();
        Ok(WithdrawComplaintResponse { complaint: Some(complaint) }.into())
    }

    async fn list_published_complaints(&self, request: tonic::Request<ListPublishedComplaintsRequest>) -> Answer<ListPublishedComplaintsResponse> {
        lock(&self.0.published).push(request.into_inner());
        let lowered = PublishedComplaint {
            number: LOWERED.into(),
            text: TEXT.into(),
            place: Some(Place { latitude: Some(-3.59), longitude: Some(102.26), ..Place::default() }),
            place_lowered: true,
            ..published()
        };
        Ok(ListPublishedComplaintsResponse { complaints: vec![published(), lowered], ..Default::default() }.into())
    }

    async fn get_published_map(&self, request: tonic::Request<GetPublishedMapRequest>) -> Answer<GetPublishedMapResponse> {
        Ok(GetPublishedMapResponse { map: Some(map(&request.into_inner().square)) }.into())
    }

    async fn get_complaint_map(&self, request: tonic::Request<GetComplaintMapRequest>) -> Answer<GetComplaintMapResponse> {
        let request = request.into_inner();
        lock(&self.0.maps).push(request.clone());
        Ok(GetComplaintMapResponse { map: Some(map(&request.square)) }.into())
    }

    async fn list_similar_complaints(&self, _: tonic::Request<ListSimilarComplaintsRequest>) -> Answer<ListSimilarComplaintsResponse> {
        Ok(ListSimilarComplaintsResponse { complaints: vec![published()], ..Default::default() }.into())
    }

    async fn list_categories(&self, _: tonic::Request<ListCategoriesRequest>) -> Answer<ListCategoriesResponse> {
        Ok(ListCategoriesResponse { categories: categories(), ..Default::default() }.into())
    }

    async fn list_languages(&self, _: tonic::Request<ListLanguagesRequest>) -> Answer<ListLanguagesResponse> {
        let language = |code: &str, name: &str, active: bool| Language {
            code: code.into(),
            name: name.into(),
            active,
            version: 1,
            confidence: "C".into(),
            source: "Balai Bahasa".into(),
            phrases: [("status.SETTLED".to_owned(), if code == "id" { "selesai" } else { "wis rampung" }.to_owned())].into(),
            words: vec![LanguageWords { meaning: "DONE".into(), words: vec!["wis".into(), "wis mari".into()] }],
        };
        let languages = vec![
            language("bjn", "Bahasa Banjar", true),
            language("en", "English", true),
            language("id", "Bahasa Indonesia", true),
            language("jv", "Basa Jawa", false),
        ];
        Ok(ListLanguagesResponse { languages, ..Default::default() }.into())
    }

    async fn list_agencies(&self, _: tonic::Request<ListAgenciesRequest>) -> Answer<ListAgenciesResponse> {
        Ok(ListAgenciesResponse { agencies: agencies(), ..Default::default() }.into())
    }

    async fn list_complaints(&self, request: tonic::Request<ListComplaintsRequest>) -> Answer<ListComplaintsResponse> {
        let request = request.into_inner();
        lock(&self.0.listed).push(request.clone());
        let mut complaints = lines();
        complaints.retain(|line| request.number.is_empty() || line.number == request.number);
        complaints.retain(|line| request.list() != WorkList::Late || line.late);
        Ok(ListComplaintsResponse { complaints, ..Default::default() }.into())
    }

    async fn get_complaint(&self, request: tonic::Request<GetComplaintRequest>) -> Answer<GetComplaintResponse> {
        let language = language(&request);
        let found = match request.into_inner().complaint.as_str() {
            CASE => complaint(),
            ASKED => asked(),
            _ => return Err(Problem::not_found("aduan", "case").into_status(language)),
        };
        Ok(GetComplaintResponse { complaint: Some(found) }.into())
    }

    async fn get_complaint_file(&self, _: tonic::Request<GetComplaintFileRequest>) -> Answer<GetComplaintFileResponse> {
        Ok(GetComplaintFileResponse { content: vec![0xff, 0xd8], media_type: "image/jpeg".into() }.into())
    }

    async fn list_complaint_journal(&self, _: tonic::Request<ListComplaintJournalRequest>) -> Answer<ListComplaintJournalResponse> {
        let entry = |seq, who: &str, what: &str, from: &str, to: &str| JournalEntry {
            seq,
            at: at(-30 + seq),
            who: who.into(),
            what: what.into(),
            from: from.into(),
            to: to.into(),
            ..JournalEntry::default()
        };
        let entries = vec![
            entry(1, "reporter", "FILE", "", "NEW"),
            entry(2, "acc_rahasia", "VERIFY", "NEW", "VERIFIED"),
            entry(3, "acc_rahasia", "ACCEPT", "DISPOSED", "IN_PROGRESS"),
        ];
        Ok(ListComplaintJournalResponse { entries, ..Default::default() }.into())
    }

    async fn dispose_complaint(&self, request: tonic::Request<DisposeComplaintRequest>) -> Answer<DisposeComplaintResponse> {
        lock(&self.0.disposals).push(request.into_inner());
        Ok(DisposeComplaintResponse { complaint: Some(complaint()) }.into())
    }

    async fn accept_complaint(&self, request: tonic::Request<AcceptComplaintRequest>) -> Answer<AcceptComplaintResponse> {
        let language = language(&request);
        if request.into_inner().version != VERSION {
            return Err(changed().into_status(language));
        }
        Ok(AcceptComplaintResponse { complaint: Some(complaint()) }.into())
    }

    async fn give_answer(&self, request: tonic::Request<GiveAnswerRequest>) -> Answer<GiveAnswerResponse> {
        let language = language(&request);
        let request = request.into_inner();
        if request.who.is_empty() {
            return Err(violation("who", "isi siapa yang bertindak", "say who acts").into_status(language));
        }
        if request.version != VERSION {
            return Err(changed().into_status(language));
        }
        lock(&self.0.given).push(request);
        Ok(GiveAnswerResponse { complaint: Some(complaint()) }.into())
    }

    async fn complete_complaint(&self, request: tonic::Request<CompleteComplaintRequest>) -> Answer<CompleteComplaintResponse> {
        let language = language(&request);
        let request = request.into_inner();
        if request.note.is_empty() {
            return Err(violation("note", "isi bagaimana diketahui", "say how it was learnt").into_status(language));
        }
        lock(&self.0.completions).push(request);
        Ok(CompleteComplaintResponse { complaint: Some(asked()) }.into())
    }

    async fn take_back_question(&self, request: tonic::Request<TakeBackQuestionRequest>) -> Answer<TakeBackQuestionResponse> {
        lock(&self.0.taken_back).push(request.into_inner());
        Ok(TakeBackQuestionResponse { complaint: Some(asked()) }.into())
    }

    async fn merge_complaint(&self, request: tonic::Request<MergeComplaintRequest>) -> Answer<MergeComplaintResponse> {
        lock(&self.0.merges).push(request.into_inner());
        Ok(MergeComplaintResponse { complaint: Some(complaint()) }.into())
    }

    async fn request_reveal(&self, request: tonic::Request<RequestRevealRequest>) -> Answer<RequestRevealResponse> {
        lock(&self.0.reveals).push(format!("asked {}", request.into_inner().reporter));
        Ok(RequestRevealResponse { reveal: Some(reveal(false)) }.into())
    }

    async fn approve_reveal(&self, request: tonic::Request<ApproveRevealRequest>) -> Answer<ApproveRevealResponse> {
        lock(&self.0.reveals).push(format!("approved {}", request.into_inner().reveal));
        Ok(ApproveRevealResponse { reveal: Some(reveal(true)) }.into())
    }

    async fn get_reveal(&self, request: tonic::Request<GetRevealRequest>) -> Answer<GetRevealResponse> {
        lock(&self.0.reveals).push(format!("looked {}", request.into_inner().reveal));
        let contact = Contact { name: "Siti Rahmawati".into(), phone: "+6281234567890".into(), email: String::new() };
        Ok(GetRevealResponse { reveal: Some(Reveal { contact: Some(contact), ..reveal(true) }) }.into())
    }

    async fn list_reveals(&self, _: tonic::Request<ListRevealsRequest>) -> Answer<ListRevealsResponse> {
        let own = Reveal { id: "rvl_2".into(), requested_by: "acc_1".into(), ..reveal(true) };
        Ok(ListRevealsResponse { reveals: vec![reveal(false), own], ..Default::default() }.into())
    }

    async fn list_escalations(&self, _: tonic::Request<ListEscalationsRequest>) -> Answer<ListEscalationsResponse> {
        Ok(ListEscalationsResponse { escalations: complaint().escalations, ..Default::default() }.into())
    }

    async fn acknowledge_escalation(&self, request: tonic::Request<AcknowledgeEscalationRequest>) -> Answer<AcknowledgeEscalationResponse> {
        let id = request.into_inner().escalation;
        lock(&self.0.acknowledged).push(id);
        Ok(AcknowledgeEscalationResponse { escalation: complaint().escalations.into_iter().next() }.into())
    }

    async fn get_board(&self, _: tonic::Request<GetBoardRequest>) -> Answer<GetBoardResponse> {
        Ok(GetBoardResponse { board: Some(board(3)) }.into())
    }

    type WatchBoardStream = Pin<Box<dyn Stream<Item = Result<WatchBoardResponse, Status>> + Send>>;

    async fn watch_board(&self, _: tonic::Request<WatchBoardRequest>) -> Answer<Self::WatchBoardStream> {
        let (sender, receiver) = mpsc::channel(100);
        lock(&self.0.boards).push(sender);
        Ok(tonic::Response::new(Box::pin(ReceiverStream::new(receiver))))
    }

    async fn list_board_cases(&self, request: tonic::Request<ListBoardCasesRequest>) -> Answer<ListBoardCasesResponse> {
        let language = language(&request);
        let request = request.into_inner();
        if request.agency != "17.07~pupr" {
            return Err(Problem::not_found("instansi", "agency").into_status(language));
        }
        let mut complaints = lines();
        complaints.retain(|line| request.measure() != BoardMeasure::Late || line.late);
        Ok(ListBoardCasesResponse { complaints, ..Default::default() }.into())
    }

    async fn get_report(&self, request: tonic::Request<GetReportRequest>) -> Answer<GetReportResponse> {
        let language = language(&request);
        if request.into_inner().period != "2026-11" {
            return Err(violation("period", "isi seperti 2026-11", "write it like 2026-11").into_status(language));
        }
        let line = ReportLine {
            agency_id: "17.07/pupr".into(),
            complaint_class: "COMPLAINT".into(),
            channel: "WHATSAPP".into(),
            category: "JALAN-LUBANG".into(),
            opening: 4,
            received: 9,
            reopened: 1,
            settled: 8,
            merged: 1,
            open: 5,
            settled_in_time: 7,
            asked: 8,
            rated: 3,
            rating_sum: 13,
            ..ReportLine::default()
        };
        let report = Report { from: at(-24 * 25), to: at(24 * 5), lines: vec![line.clone()], total: Some(line) };
        Ok(GetReportResponse { report: Some(report) }.into())
    }

    async fn apply_category(&self, request: tonic::Request<ApplyCategoryRequest>) -> Answer<ApplyCategoryResponse> {
        let language = language(&request);
        let category = request.into_inner().category.unwrap_or_default();
        if category.name.is_empty() {
            return Err(violation("category.name", "isi nama", "give a name").into_status(language));
        }
        lock(&self.0.categories).push(category.clone());
        Ok(ApplyCategoryResponse { category: Some(category) }.into())
    }

    async fn create_evidence_document(&self, request: tonic::Request<CreateEvidenceDocumentRequest>) -> Answer<CreateEvidenceDocumentResponse> {
        let language = language(&request);
        let request = request.into_inner();
        if request.title.is_empty() {
            return Err(violation("title", "isi judulnya", "give the title").into_status(language));
        }
        if request.file_id.is_empty() {
            return Err(violation("file_id", "pilih berkas dokumennya", "choose the file of the paper").into_status(language));
        }
        let known = lock(&self.0.uploads).values().any(|it| it.file_id == request.file_id);
        assert!(known, "the file is stored first");
        lock(&self.0.papers).push(request);
        Ok(CreateEvidenceDocumentResponse { document: papers().into_iter().next() }.into())
    }

    async fn list_evidence_documents(&self, request: tonic::Request<ListEvidenceDocumentsRequest>) -> Answer<ListEvidenceDocumentsResponse> {
        let request = request.into_inner();
        assert!(request.withdrawn, "the page shows what was withdrawn too");
        // Two to a page, to see that all pages are read.
        let from = request.page_token.parse::<usize>().unwrap_or_default();
        let all = papers();
        let next_page_token = if from + 2 < all.len() { (from + 2).to_string() } else { String::new() };
        let documents = all.into_iter().skip(from).take(2).collect();
        Ok(ListEvidenceDocumentsResponse { documents, next_page_token }.into())
    }

    async fn withdraw_evidence_document(&self, request: tonic::Request<WithdrawEvidenceDocumentRequest>) -> Answer<WithdrawEvidenceDocumentResponse> {
        let language = language(&request);
        let request = request.into_inner();
        if request.reason.len() < 10 {
            return Err(violation("reason", "isi dengan 10 sampai 500 karakter", "give 10 to 500 characters").into_status(language));
        }
        lock(&self.0.withdrawn).push(request);
        Ok(WithdrawEvidenceDocumentResponse { document: None }.into())
    }

    async fn create_evidence_link(&self, request: tonic::Request<CreateEvidenceLinkRequest>) -> Answer<CreateEvidenceLinkResponse> {
        let language = language(&request);
        if request.into_inner().evidence != DECREE {
            let held = Problem::precondition("FILE_HELD", "Berkas ini belum dinyatakan aman.", "This file is not cleared.");
            return Err(held.into_status(language));
        }
        Ok(CreateEvidenceLinkResponse { path: format!("/bukti/{TOKEN}"), expire_time: at(0) }.into())
    }

    async fn open_evidence_link(&self, request: tonic::Request<OpenEvidenceLinkRequest>) -> Answer<OpenEvidenceLinkResponse> {
        let language = language(&request);
        if request.into_inner().token != TOKEN {
            return Err(Problem::not_found("tautan", "link").into_status(language));
        }
        let content = b"%PDF-1.4".to_vec();
        Ok(OpenEvidenceLinkResponse { content, media_type: "application/pdf".into(), file_name: "PG-01_sk-tim.pdf".into() }.into())
    }

    async fn check_evidence(&self, request: tonic::Request<CheckEvidenceRequest>) -> Answer<CheckEvidenceResponse> {
        let language = language(&request);
        let request = request.into_inner();
        lock(&self.0.checks).push(request.clone());
        if self.0.no_reader.load(Ordering::SeqCst) {
            return Err(Problem::denied().into_status(language));
        }
        let may_enter = !self.0.no_coordinator.load(Ordering::SeqCst);
        if request.from == "kapan" {
            return Err(violation("from", "isi tanggal seperti 2026-12-25", "give a date such as 2026-12-25").into_status(language));
        }
        let gap = |kind: EvidenceKind, managers| EvidenceGap { kind: kind.into(), from: "2026-11-01".into(), to: "2026-11-09".into(), managers };
        let indicators = [
            (EvidenceIndicator::Pg01, vec![gap(EvidenceKind::TeamDecree, 0)]),
            (EvidenceIndicator::Pg02, vec![gap(EvidenceKind::Unspecified, 2)]),
            (EvidenceIndicator::Pg07, vec![]),
            (EvidenceIndicator::Pg08, vec![gap(EvidenceKind::TrialReport, 0)]),
            (EvidenceIndicator::Pg09, vec![gap(EvidenceKind::Attendance, 0)]),
        ];
        let indicators = indicators.map(|(indicator, gaps)| IndicatorEvidence { indicator: indicator.into(), documents: 1, gaps });
        Ok(CheckEvidenceResponse { indicators: indicators.into(), from: "2026-01-01".into(), to: "2026-11-27".into(), may_enter }.into())
    }

    async fn list_officials(&self, _: tonic::Request<ListOfficialsRequest>) -> Answer<ListOfficialsResponse> {
        let head = Official {
            id: "ofl_1".into(),
            rung: "AGENCY_HEAD".into(),
            agency_id: "17.07/pupr".into(),
            title: "Kepala Dinas Pekerjaan Umum".into(),
            account_id: "acc_kadis".into(),
            acting_account_id: "acc_sekdis".into(),
            failing_since: at(-3),
        };
        Ok(ListOfficialsResponse { officials: vec![head], ..Default::default() }.into())
    }

    async fn list_actings(&self, _: tonic::Request<ListActingsRequest>) -> Answer<ListActingsResponse> {
        let acting = Acting {
            id: "act_1".into(),
            official_id: "ofl_1".into(),
            account_id: "acc_sekdis".into(),
            title: "PLH".into(),
            decree: "SK 800/12/2026".into(),
            from: at(-24),
            to: at(24 * 7),
        };
        Ok(ListActingsResponse { actings: vec![acting], ..Default::default() }.into())
    }

    async fn list_calendars(&self, _: tonic::Request<ListCalendarsRequest>) -> Answer<ListCalendarsResponse> {
        let period = |weekday, from: &str, to: &str| WorkingPeriod { weekday, from: from.into(), to: to.into() };
        let calendar = CalendarVersion {
            id: "17.07".into(),
            version: 3,
            zone: "WIB".into(),
            periods: vec![period(1, "08:00", "12:00"), period(1, "13:00", "16:00"), period(5, "08:00", "11:30")],
            free_days: vec![FreeDay { date: "2026-12-25".into(), name: "Hari Natal".into() }],
            free_days_until: "2026-12-31".into(),
            counted_until: "2027-02-19".into(),
            ..CalendarVersion::default()
        };
        Ok(ListCalendarsResponse { calendars: vec![calendar], ..Default::default() }.into())
    }

    async fn list_sp4n_tasks(&self, request: tonic::Request<ListSp4nTasksRequest>) -> Answer<ListSp4nTasksResponse> {
        if request.into_inner().page_token == "lain" {
            return Ok(ListSp4nTasksResponse::default().into());
        }
        let text = |kind: &str, text: &str, hours: i64, pasted: bool| Sp4nText { kind: kind.into(), text: text.into(), time: at(hours), pasted };
        let texts = vec![text("FIRST_ANSWER", "Petugas ke sana.", -2, true), text("ANSWER", "Sudah <b>ditambal</b>.", -1, false)];
        let tasks = vec![Sp4nTask { entry: Some(sp4n_entry("7001", "not_confirmed")), texts }];
        Ok(ListSp4nTasksResponse { tasks, next_page_token: "lain".into(), by_interface: false }.into())
    }

    async fn list_sp4n_entries(&self, request: tonic::Request<ListSp4nEntriesRequest>) -> Answer<ListSp4nEntriesResponse> {
        let request = request.into_inner();
        assert!(request.mismatch_only, "the page shows where they disagree");
        let (entry, next_page_token) = match request.page_token.as_str() {
            "" => (sp4n_entry("7002", "closed_there"), "beda-lain".to_owned()),
            _ => (sp4n_entry("7003", "missing_there"), String::new()),
        };
        Ok(ListSp4nEntriesResponse { entries: vec![entry], next_page_token }.into())
    }

    async fn import_sp4n_file(&self, request: tonic::Request<ImportSp4nFileRequest>) -> Answer<ImportSp4nFileResponse> {
        let caller = language(&request);
        let request = request.into_inner();
        if request.content == b"bukan" {
            return Err(violation("content", "pilih berkas CSV atau XLSX", "choose a CSV or XLSX file").into_status(caller));
        }
        let mismatches = if request.compare { 2 } else { 0 };
        let mut created = sp4n_row("7001", Sp4nOutcome::Created, "");
        created.row = 2;
        let mut refused = Sp4nRow { complaint_id: String::new(), number: String::new(), ..sp4n_row("7009", Sp4nOutcome::Refused, "Tanggal <tidak> terbaca.") };
        refused.row = 3;
        let problems = vec!["3: Tanggal <tidak> terbaca.".to_owned()];
        let rows = vec![created, refused];
        Ok(ImportSp4nFileResponse { created: 1, updated: 0, unchanged: 0, problems, mismatches, rows }.into())
    }

    async fn record_sp4n_item(&self, request: tonic::Request<RecordSp4nItemRequest>) -> Answer<RecordSp4nItemResponse> {
        let caller = language(&request);
        let item = request.into_inner().item.unwrap_or_default();
        if item.tracking_id.is_empty() {
            return Err(violation("item.tracking_id", "isi nomor laporan", "give the tracking id").into_status(caller));
        }
        let row = sp4n_row(&item.tracking_id, Sp4nOutcome::Created, "");
        lock(&self.0.typed).push(item);
        Ok(RecordSp4nItemResponse { row: Some(row) }.into())
    }

    async fn export_sp4n_tasks(&self, _: tonic::Request<ExportSp4nTasksRequest>) -> Answer<ExportSp4nTasksResponse> {
        let file_name = "jawaban-lapor-2026-11-25.csv".to_owned();
        Ok(ExportSp4nTasksResponse { content: b"Tracking ID".to_vec(), file_name, ..Default::default() }.into())
    }

    async fn record_sp4n_told(&self, request: tonic::Request<RecordSp4nToldRequest>) -> Answer<RecordSp4nToldResponse> {
        lock(&self.0.told).push(request.into_inner());
        Ok(RecordSp4nToldResponse::default().into())
    }

    async fn apply_language(&self, request: tonic::Request<ApplyLanguageRequest>) -> Answer<ApplyLanguageResponse> {
        let caller = language(&request);
        let applied = request.into_inner().language.unwrap_or_default();
        if applied.source.is_empty() {
            let field = "language.phrases.status.SETTLED";
            return Err(violation(field, "pakai isian yang sama", "use the same gaps").into_status(caller));
        }
        lock(&self.0.languages).push(applied.clone());
        Ok(ApplyLanguageResponse { language: Some(applied) }.into())
    }

    async fn apply_calendar(&self, request: tonic::Request<ApplyCalendarRequest>) -> Answer<ApplyCalendarResponse> {
        let calendar = request.into_inner().calendar.unwrap_or_default();
        lock(&self.0.calendars).push(calendar.clone());
        Ok(ApplyCalendarResponse { calendar: Some(calendar), recounted: 17 }.into())
    }

    async fn list_deadlines(&self, _: tonic::Request<ListDeadlinesRequest>) -> Answer<ListDeadlinesResponse> {
        let deadline = Deadline {
            id: "dln_1".into(),
            key: "D5".into(),
            clock: ClockKind::Settle.into(),
            complaint_class: ComplaintClass::Complaint.into(),
            value: 14,
            unit: "WORKING_DAYS".into(),
            source: "Perpres 76/2013 pasal 26".into(),
            confidence: "B".into(),
            valid_from: "2026-01-01".into(),
            ladder: [("50".to_owned(), "ADMIN".to_owned()), ("100".to_owned(), "REGENT".to_owned())].into(),
            ..Deadline::default()
        };
        let camat = Deadline {
            id: "dln_2".into(),
            key: "D12C".into(),
            clock: ClockKind::Reaction.into(),
            holder: "SUB_DISTRICT".into(),
            value: 2,
            unit: "HOURS".into(),
            source: "Janji layanan daerah".into(),
            confidence: "B".into(),
            valid_from: "2026-01-01".into(),
            ..Deadline::default()
        };
        Ok(ListDeadlinesResponse { deadlines: vec![deadline, camat], ..Default::default() }.into())
    }

    async fn apply_deadline(&self, request: tonic::Request<ApplyDeadlineRequest>) -> Answer<ApplyDeadlineResponse> {
        let language = language(&request);
        let deadline = request.into_inner().deadline.unwrap_or_default();
        if deadline.key == "D12C" && !matches!(deadline.holder.as_str(), "" | "SUB_DISTRICT") {
            return Err(violation("deadline.holder", "pakai kunci lain", "use another key").into_status(language));
        }
        lock(&self.0.deadlines).push(deadline.clone());
        Ok(ApplyDeadlineResponse { deadline: Some(deadline) }.into())
    }

    async fn sign_off_deadline(&self, request: tonic::Request<SignOffDeadlineRequest>) -> Answer<SignOffDeadlineResponse> {
        let id = request.into_inner().deadline;
        Ok(SignOffDeadlineResponse { deadline: Some(Deadline { id, ..Deadline::default() }) }.into())
    }

    async fn list_response_templates(&self, _: tonic::Request<ListResponseTemplatesRequest>) -> Answer<ListResponseTemplatesResponse> {
        let template = ResponseTemplate {
            id: "rst_1".into(),
            kind: "ANSWER".into(),
            name: "Sudah diperbaiki".into(),
            text: "Sudah {what} oleh {who} pada {when}. Terima kasih atas laporan Anda.".into(),
            active: true,
        };
        Ok(ListResponseTemplatesResponse { templates: vec![template], ..Default::default() }.into())
    }
}

fn sp4n_entry(tracking: &str, mismatch: &str) -> Sp4nEntry {
    Sp4nEntry {
        id: format!("lpr_{tracking}"),
        tracking_id: tracking.into(),
        complaint_id: CASE.into(),
        number: NUMBER.into(),
        stage: "Diproses".into(),
        last_seen_at: at(-3),
        mismatch: mismatch.into(),
        ..Default::default()
    }
}

fn sp4n_row(tracking: &str, outcome: Sp4nOutcome, reason: &str) -> Sp4nRow {
    Sp4nRow {
        row: 0,
        tracking_id: tracking.into(),
        outcome: outcome.into(),
        reason: reason.into(),
        complaint_id: CASE.into(),
        number: NUMBER.into(),
    }
}

fn reveal(approved: bool) -> Reveal {
    Reveal {
        id: REVEAL.into(),
        complaint_id: CASE.into(),
        reporter: "Pelapor-7Q2M".into(),
        purpose: "Menjemput keterangan saksi di lokasi kejadian.".into(),
        requested_by: "acc_lain".into(),
        requested_at: at(-6),
        approved_by: if approved { "acc_ketiga".into() } else { String::new() },
        approved_at: if approved { at(-5) } else { None },
        open_until: if approved { at(20) } else { None },
        contact: None,
    }
}

macro_rules! notifications_service {
    (unserved: $($name:ident $request:ident $response:ident),* $(,)?; $($served:item)*) => {
        #[tonic::async_trait]
        impl NotificationsService for Cases {
            $(async fn $name(&self, _: tonic::Request<notifications::$request>) -> Answer<notifications::$response> {
                Err(Status::unimplemented("not served by this fake"))
            })*
            $($served)*
        }
    };
}

notifications_service! {
    unserved:
        create_notification CreateNotificationRequest CreateNotificationResponse,
        get_notification GetNotificationRequest GetNotificationResponse,
        list_notifications ListNotificationsRequest ListNotificationsResponse,
        cancel_notification CancelNotificationRequest CancelNotificationResponse,
        submit_variant SubmitVariantRequest SubmitVariantResponse,
        reject_variant RejectVariantRequest RejectVariantResponse,
        pause_variant PauseVariantRequest PauseVariantResponse,
        report_bounce ReportBounceRequest ReportBounceResponse,
        unsubscribe UnsubscribeRequest UnsubscribeResponse,
        verify_whats_app_webhook VerifyWhatsAppWebhookRequest VerifyWhatsAppWebhookResponse,
        receive_whats_app_webhook ReceiveWhatsAppWebhookRequest ReceiveWhatsAppWebhookResponse,
        receive_direct_webhook ReceiveDirectWebhookRequest ReceiveDirectWebhookResponse,
        create_callback CreateCallbackRequest CreateCallbackResponse,
        list_callbacks ListCallbacksRequest ListCallbacksResponse,
        update_callback UpdateCallbackRequest UpdateCallbackResponse,
        rotate_callback_secret RotateCallbackSecretRequest RotateCallbackSecretResponse,
        list_callback_deliveries ListCallbackDeliveriesRequest ListCallbackDeliveriesResponse;

    async fn list_inbox(
        &self,
        request: tonic::Request<notifications::ListInboxRequest>,
    ) -> Answer<notifications::ListInboxResponse> {
        self.0.inbox_calls.fetch_add(1, Ordering::SeqCst);
        if self.0.notifications_away.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_secs(60)).await;
        }
        if self.0.inbox_refused.load(Ordering::SeqCst) {
            return Err(Problem::denied().into_status(language(&request)));
        }
        let request = request.into_inner();
        let all = lock(&self.0.inbox).clone();
        let unread_count = i64::try_from(all.iter().filter(|it| it.read_time.is_none()).count()).unwrap_or(i64::MAX);
        let shown: Vec<_> = all.into_iter().filter(|it| !request.unread || it.read_time.is_none()).collect();
        // Two to a page, to see that there are pages.
        let from = shown.iter().position(|it| it.id == request.page_token).map_or(0, |at| at + 1);
        let items: Vec<_> = shown.iter().skip(from).take(2).cloned().collect();
        let last = items.last().filter(|_| from + 2 < shown.len());
        let next_page_token = last.map(|it| it.id.clone()).unwrap_or_default();
        Ok(notifications::ListInboxResponse { items, next_page_token, unread_count }.into())
    }

    async fn mark_read(
        &self,
        request: tonic::Request<notifications::MarkReadRequest>,
    ) -> Answer<notifications::MarkReadResponse> {
        let language = language(&request);
        let request = request.into_inner();
        let mut inbox = lock(&self.0.inbox);
        let Some(item) = inbox.iter_mut().find(|it| it.id == request.item) else {
            return Err(Problem::not_found("pesan", "message").into_status(language));
        };
        item.read_time = item.read_time.or(at(0));
        lock(&self.0.marked).push(request);
        Ok(notifications::MarkReadResponse { item: Some(item.clone()) }.into())
    }

    async fn get_contact(
        &self,
        request: tonic::Request<notifications::GetContactRequest>,
    ) -> Answer<notifications::GetContactResponse> {
        let language = language(&request);
        let found = lock(&self.0.contacts).get(&request.into_inner().account).cloned();
        let contact = found.ok_or_else(|| Problem::not_found("kontak", "contact").into_status(language))?;
        Ok(notifications::GetContactResponse { contact: Some(contact) }.into())
    }

    async fn apply_contact(
        &self,
        request: tonic::Request<notifications::ApplyContactRequest>,
    ) -> Answer<notifications::ApplyContactResponse> {
        let language = language(&request);
        let request = request.into_inner();
        let given = request.contact.clone().unwrap_or_default();
        if given.consents.iter().any(|it| it.opted_in && it.source.is_empty()) {
            let field = "contact.consents[0].source";
            return Err(violation(field, "isi sumbernya", "give its source").into_status(language));
        }
        if given.whatsapp.contains(|letter: char| !letter.is_ascii_digit()) {
            return Err(violation("contact.whatsapp", "isi hanya angka", "give digits alone").into_status(language));
        }
        let mut contacts = lock(&self.0.contacts);
        let has = contacts.get(&given.account_id).map_or(0, |it| it.version);
        if request.version != 0 && request.version != has {
            return Err(changed().into_status(language));
        }
        let contact = notifications::Contact { version: has + 1, ..given };
        contacts.insert(contact.account_id.clone(), contact.clone());
        lock(&self.0.applied).push(request);
        Ok(notifications::ApplyContactResponse { contact: Some(contact) }.into())
    }

    async fn set_consent(
        &self,
        request: tonic::Request<notifications::SetConsentRequest>,
    ) -> Answer<notifications::SetConsentResponse> {
        let language = language(&request);
        let request = request.into_inner();
        if request.channel() == notifications::Channel::Unspecified {
            return Err(violation("channel", "pilih salurannya", "choose the channel").into_status(language));
        }
        let contact = lock(&self.0.contacts).get(&request.account).cloned();
        lock(&self.0.consents).push(request);
        Ok(notifications::SetConsentResponse { contact }.into())
    }

    async fn get_delivery_rules(
        &self,
        _: tonic::Request<notifications::GetDeliveryRulesRequest>,
    ) -> Answer<notifications::GetDeliveryRulesResponse> {
        Ok(notifications::GetDeliveryRulesResponse { rules: Some(self.rules()) }.into())
    }

    async fn apply_delivery_rules(
        &self,
        request: tonic::Request<notifications::ApplyDeliveryRulesRequest>,
    ) -> Answer<notifications::ApplyDeliveryRulesResponse> {
        let language = language(&request);
        let request = request.into_inner();
        let given = request.rules.unwrap_or_default();
        if given.quiet_hours.iter().any(|it| it.from == "25:00") {
            let field = "rules.quiet_hours[0].from";
            return Err(violation(field, "isi dengan JJ:MM", "give HH:MM").into_status(language));
        }
        let mut rules = lock(&self.0.rules);
        if request.version != rules.version {
            return Err(changed().into_status(language));
        }
        *rules = notifications::DeliveryRules { version: rules.version + 1, ..given };
        Ok(notifications::ApplyDeliveryRulesResponse { rules: Some(rules.clone()) }.into())
    }

    async fn list_channel_accounts(
        &self,
        _: tonic::Request<notifications::ListChannelAccountsRequest>,
    ) -> Answer<notifications::ListChannelAccountsResponse> {
        let sends = notifications::ChannelAccount {
            key: "utama".into(),
            channel: notifications::Channel::Email.into(),
            ..Default::default()
        };
        let rests = notifications::ChannelAccount {
            key: "utama".into(),
            channel: notifications::Channel::Whatsapp.into(),
            circuit_open: true,
            retry_time: at(1),
            problem: "131031".into(),
            waiting: 7,
        };
        let channel_accounts = vec![sends, rests];
        Ok(notifications::ListChannelAccountsResponse { channel_accounts, ..Default::default() }.into())
    }

    async fn list_message_types(
        &self,
        _: tonic::Request<notifications::ListMessageTypesRequest>,
    ) -> Answer<notifications::ListMessageTypesResponse> {
        let kind = notifications::MessageType {
            key: "eskalasi".into(),
            title: "Eskalasi kepada pejabat".into(),
            placeholders: vec![notifications::Placeholder { name: "nomor".into(), personal: false }],
            plan: vec![notifications::PlanStep {
                channel: notifications::Channel::Whatsapp.into(),
                wait_minutes: 10,
            }],
            actions: vec!["tangani".into()],
            stopped_text_count: 1,
            ..Default::default()
        };
        Ok(notifications::ListMessageTypesResponse { message_types: vec![kind], ..Default::default() }.into())
    }

    async fn list_variants(
        &self,
        _: tonic::Request<notifications::ListVariantsRequest>,
    ) -> Answer<notifications::ListVariantsResponse> {
        let variant = |version, state: notifications::VariantState| notifications::Variant {
            message_type: "eskalasi".into(),
            channel: notifications::Channel::Email.into(),
            language: "id".into(),
            version,
            state: state.into(),
            subject: "Aduan {nomor} menunggu Anda".into(),
            body: "Aduan {nomor} melewati tenggat.".into(),
            ..Default::default()
        };
        let refused = notifications::Variant {
            channel: notifications::Channel::Whatsapp.into(),
            reason: "100: Variables can't be at the end".into(),
            ..variant(1, notifications::VariantState::Rejected)
        };
        let variants = vec![
            refused,
            variant(2, notifications::VariantState::Submitted),
            variant(1, notifications::VariantState::Approved),
        ];
        Ok(notifications::ListVariantsResponse { variants, ..Default::default() }.into())
    }

    async fn save_variant(
        &self,
        request: tonic::Request<notifications::SaveVariantRequest>,
    ) -> Answer<notifications::SaveVariantResponse> {
        let language = language(&request);
        let request = request.into_inner();
        if request.body.is_empty() {
            return Err(violation("body", "isi teksnya", "write the text").into_status(language));
        }
        lock(&self.0.variants).push(request);
        Ok(notifications::SaveVariantResponse::default().into())
    }

    async fn approve_variant(
        &self,
        request: tonic::Request<notifications::ApproveVariantRequest>,
    ) -> Answer<notifications::ApproveVariantResponse> {
        let own = Problem::new(Code::FailedPrecondition, "OWN_TEXT", "Penulis tidak dapat menyetujui teksnya sendiri.", "An author cannot approve the own text.");
        Err(own.into_status(language(&request)))
    }

    async fn redeem_action_link(
        &self,
        request: tonic::Request<notifications::RedeemActionLinkRequest>,
    ) -> Answer<notifications::RedeemActionLinkResponse> {
        let language = language(&request);
        if request.into_inner().token != TOKEN {
            let used = Problem::new(Code::FailedPrecondition, "LINK_USED", "Tautan ini sudah dipakai atau kedaluwarsa.", "This link was used or has expired.");
            return Err(used.into_status(language));
        }
        Ok(notifications::RedeemActionLinkResponse {
            action: "tangani".into(),
            reference: CASE.into(),
            notification_id: "ntf_1".into(),
            account_id: "acc_1".into(),
        }.into())
    }
}
