//! The rules of [`super::decide`], one by one and then over random walks.

use chrono::{NaiveDateTime, TimeDelta};
use proptest::prelude::*;
use strum::IntoEnumIterator;

use super::decide::{By, Command, Decision, Order, Rejection, decide, deemed_at, due_orders};
use super::*;
use crate::domain::calendar::{TimeZone, WorkCalendar};
use crate::domain::letter_type::tests::sample_type;
use crate::domain::letter_type::{Fee, LetterType};
use crate::domain::payment::{Method, Receipt, Settlement};
use crate::domain::person::SubjectKind;
use crate::domain::step::Signatory;
use crate::domain::text::Text;

const VILLAGE: &str = "17.07.05.2009";
const RT: &str = "17.07.05.2009/002/005";
const HASH: &str = "h1";

fn at(text: &str) -> DateTime<Utc> {
    TimeZone::Wib.moment(NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap())
}

fn office() -> WorkCalendar {
    WorkCalendar::five_days(TimeZone::Wib)
}

fn area(text: &str) -> Scope {
    Scope::Area(text.parse().unwrap())
}

fn official(id: &str, role: StepRole, scope: &str) -> Actor {
    Actor { id: id.to_owned(), roles: vec![(role, area(scope))], ..Actor::default() }
}

/// Who decides in the village of the tests.
fn holder(role: StepRole) -> Actor {
    let scope = match role.level() {
        Level::Rt => RT,
        Level::Rw => "17.07.05.2009/002",
        Level::Village => VILLAGE,
        Level::SubDistrict | Level::Agency => "17.07.05",
    };
    official(&format!("acc-{role}"), role, scope)
}

fn citizen() -> By {
    By::Applicant { account: Some("acc-citizen".to_owned()) }
}

fn reason() -> Reason {
    Reason {
        code: ReasonCode::DataMismatch,
        text: "Nama tidak sama dengan KTP-el; unggah ulang KTP-el yang jelas.".to_owned(),
        about: vec!["nama".to_owned()],
    }
}

/// An application and its time: what a store would do around [`decide`].
#[derive(Clone)]
struct World {
    application: Application,
    now: DateTime<Utc>,
    calendar: WorkCalendar,
    events: Vec<Event>,
    seq: u32,
}

impl World {
    fn with(plan: Plan, area: &str) -> Self {
        let now = at("2026-11-23 08:00");
        let applicant =
            Party { account: Some("acc-citizen".to_owned()), person: Some("digest-citizen".to_owned()) };
        let area = area.parse().unwrap();
        let application = Application::draft(
            ApplicationId::generate(),
            plan,
            applicant,
            Some("digest-subject".to_owned()),
            area,
            None,
            now,
        );
        Self { application, now, calendar: office(), events: Vec::new(), seq: 0 }
    }

    fn new() -> Self {
        Self::with(Plan::of(&sample_type()), RT)
    }

    fn decide(&self, by: By, order: Order) -> Result<Decision, Rejection> {
        decide(&self.application, &Command { by, order }, &self.calendar, self.now)
    }

    fn order(&mut self, by: By, order: Order) -> Result<(), Rejection> {
        let Decision { next, events } = self.decide(by, order)?;
        // The history alone leads to the same state.
        let replayed = events.iter().fold(self.application.clone(), Application::after);
        assert_eq!(replayed, next);
        self.application = next;
        self.events.extend(events);
        for office in self.application.needs_number().collect::<Vec<_>>() {
            self.seq += 1;
            let year = chrono::Datelike::year(&self.calendar.date(self.now));
            let event =
                Event::NumberAllocated { office, text: format!("{office}-{}-{year}", self.seq), year };
            self.application = self.application.clone().after(&event);
            self.events.push(event);
        }
        if self.application.needs_billing_code() {
            self.seq += 1;
            let event = Event::BillingCodeGiven { code: format!("{:012}", self.seq) };
            self.application = self.application.clone().after(&event);
            self.events.push(event);
        }
        self.now += TimeDelta::minutes(5);
        Ok(())
    }

    fn pay(&mut self) -> Result<(), Rejection> {
        self.order(By::Official(holder(VillageOfficer)), paid(FEE, self.now))
    }

    fn submit(&mut self, skip: &[usize]) {
        let skip = skip.iter().copied().collect();
        self.order(citizen(), Order::Submit { content_hash: HASH.to_owned(), skip }).unwrap();
    }

    fn seen(&self) -> String {
        self.application.content_hash.clone().unwrap_or_default()
    }

    fn approve(&mut self, role: StepRole) -> Result<(), Rejection> {
        let seen = self.seen();
        self.order(By::Official(holder(role)), Order::Approve { seen })
    }

    fn sign(&mut self, role: StepRole) -> Result<(), Rejection> {
        let seen = self.seen();
        self.order(By::Official(holder(role)), Order::BeginSigning { seen })?;
        self.order(By::System, Order::CompleteSigning { file_hash: "f".to_owned() })
    }

    fn number(&self, office: OfficeLevel) -> Option<&str> {
        match self.application.numbers.get(&office)? {
            Number::Allocated { text, .. } => Some(text),
            Number::Needed => None,
        }
    }
}

const FEE: i64 = 150_000;

/// A type that costs something.
fn costly() -> LetterType {
    let legal_basis = "Perda Nomor 1 Tahun 2024".to_owned();
    let instructions = Some(Text::new("Bayar di loket.", "Pay at the counter."));
    LetterType { fee: Fee { amount: FEE, legal_basis, days: 30, instructions }, ..sample_type() }
}

fn receipt(at: DateTime<Utc>) -> Receipt {
    Receipt { reference: "KW-001".to_owned(), method: Method::Cash, paid: at }
}

fn paid(amount: i64, at: DateTime<Utc>) -> Order {
    Order::RecordPayment { receipt: receipt(at), amount }
}

/// Why most letters are signed by hand.
const NO_CERTIFICATE: &str = "pejabat belum memiliki sertifikat elektronik";
/// The digest of a scan.
const SCAN: &str = "f00d";

fn waived(reason: &str) -> Order {
    Order::WaivePayment { reason: reason.to_owned() }
}

use StepRole::{
    RtHead, RwHead, SubDistrictHead, SubDistrictOfficer, VillageHead, VillageOfficer, VillageSecretary,
};

#[test]
fn the_table_is_sound_and_ends_end() {
    assert_eq!(TRANSITIONS.defects(State::Draft, &State::iter().collect::<Vec<_>>()), Vec::<String>::new());
    for state in [State::HandedOver, State::Rejected, State::Withdrawn] {
        assert!(TRANSITIONS.allowed(state).is_empty(), "{state}");
    }
    for verb in Verb::iter() {
        assert!(TRANSITIONS.0.iter().any(|row| row.verb == verb), "{verb} is in no row");
    }
    // Only the answer of the signing service leads out of it.
    assert_eq!(TRANSITIONS.allowed(State::Signing), [Verb::CompleteSigning, Verb::FailSigning]);
}

/// The page in the documentation is this table.
#[test]
fn the_page_of_states_is_the_table() {
    let mut page = String::from(
        "# States of the documents service\n\nWritten from the tables in `services/documents/src/domain/`; a test keeps \
         it equal.\n\n## An application\n\n```mermaid\n",
    );
    page.push_str(&TRANSITIONS.mermaid(State::Draft));
    page.push_str("```\n\n| from | verb | to | why |\n|---|---|---|---|\n");
    for row in TRANSITIONS.0 {
        page.push_str(&format!("| {} | {} | {} | {} |\n", row.from, row.verb, row.to, row.why));
    }
    page.push_str("\n## A document\n\n```mermaid\n");
    page.push_str(
        &crate::domain::document::TRANSITIONS.mermaid(crate::domain::document::DocumentState::Valid),
    );
    page.push_str("```\n\n## A letter type\n\n```mermaid\n");
    page.push_str(
        &crate::domain::letter_type::TRANSITIONS.mermaid(crate::domain::letter_type::TypeState::Draft),
    );
    page.push_str("```\n\n## A clock\n\n```mermaid\n");
    page.push_str(&crate::domain::sla::TRANSITIONS.mermaid(ClockState::Running));
    page.push_str("```\n");
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/documents-states.md");
    let written = std::fs::read_to_string(path).unwrap_or_default();
    if written != page {
        let beside = std::env::temp_dir().join("documents-states.md");
        std::fs::write(&beside, &page).unwrap();
        panic!("docs/documents-states.md is not the tables; what it should be is in {}", beside.display());
    }
}

/// Must 8 and 13, should of the sub-district's second signature: the whole way, with both numbers.
#[test]
fn a_letter_goes_from_the_neighbourhood_to_the_second_signature() {
    let mut it = World::new();
    it.submit(&[]);
    assert_eq!(it.application.desk().unwrap().level, Level::Rt);
    assert_eq!(it.application.desk().unwrap().scope, area(RT));
    it.approve(RtHead).unwrap();
    it.approve(RwHead).unwrap();
    assert!(it.application.numbers.is_empty());
    it.approve(VillageOfficer).unwrap();
    assert_eq!(it.application.state, State::AwaitingSignature);
    assert_eq!(it.number(OfficeLevel::Village), Some("VILLAGE-1-2026"));
    assert_eq!(it.application.desk().unwrap().roles, [VillageHead, VillageSecretary]);
    it.sign(VillageHead).unwrap();
    assert_eq!((it.application.state, it.application.current), (State::InReview, Some(4)));
    it.approve(SubDistrictOfficer).unwrap();
    assert_eq!(it.number(OfficeLevel::SubDistrict), Some("SUB_DISTRICT-2-2026"));
    it.sign(SubDistrictHead).unwrap();
    assert_eq!(it.application.state, State::Issued);
    assert_eq!(it.number(OfficeLevel::Village), Some("VILLAGE-1-2026"));
    assert_eq!(it.application.clock.as_ref().unwrap().state(), ClockState::Stopped);
    it.order(
        citizen(),
        Order::HandOver { collector: Collector { name: "Siti".to_owned(), relation: String::new() } },
    )
    .unwrap();
    assert_eq!(it.application.state, State::HandedOver);
}

/// Should 45: the whole way by hand, with both numbers; whoever works in the office scans, and who may take the step confirms.
#[test]
fn should_45_all_signatures_of_a_letter_are_made_by_hand_or_none() {
    let mut it = World::new();
    it.submit(&[0, 1]);
    it.approve(VillageOfficer).unwrap();
    let by_hand = |it: &World| Order::SignByHand { seen: it.seen(), reason: NO_CERTIFICATE.to_owned() };
    let by = |role| By::Official(holder(role));
    let scan = || Order::UploadScan { file_hash: SCAN.to_owned() };
    let confirm =
        |seen: &str, number: &str| Order::ConfirmScan { seen: seen.to_owned(), number: number.to_owned() };
    // Who may sign, with a reason, what was seen.
    let order = by_hand(&it);
    assert_eq!(it.order(by(VillageOfficer), order), Err(Rejection::NotYourStep));
    let unsaid = Order::SignByHand { seen: it.seen(), reason: " tidak ".to_owned() };
    assert_eq!(it.order(by(VillageHead), unsaid), Err(Rejection::ReasonRequired));
    let unseen = Order::SignByHand { seen: "h2".to_owned(), reason: NO_CERTIFICATE.to_owned() };
    assert_eq!(it.order(by(VillageHead), unseen), Err(Rejection::ContentDiffers));
    let order = by_hand(&it);
    it.order(by(VillageHead), order).unwrap();
    assert_eq!(it.application.state, State::AwaitingScan);
    // It waits for everybody in the office, and for nobody elsewhere.
    assert_eq!(it.application.desk().unwrap().roles, [VillageHead, VillageSecretary, VillageOfficer]);
    assert_eq!(it.order(by(SubDistrictOfficer), scan()), Err(Rejection::NotYourStep));
    assert_eq!(it.order(by(VillageHead), confirm("", "VILLAGE-1-2026")), Err(Rejection::ScanDiffers));
    it.order(by(VillageOfficer), scan()).unwrap();
    assert_eq!(it.order(by(VillageOfficer), confirm(SCAN, "VILLAGE-1-2026")), Err(Rejection::NotYourStep));
    assert_eq!(it.order(by(VillageHead), confirm("other", "VILLAGE-1-2026")), Err(Rejection::ScanDiffers));
    assert_eq!(it.order(by(VillageHead), confirm(SCAN, "VILLAGE-2-2026")), Err(Rejection::AnotherNumber));
    it.order(by(VillageHead), confirm(SCAN, " village-1 -2026 ")).unwrap();
    assert_eq!((it.application.state, it.application.current), (State::InReview, Some(4)));
    it.approve(SubDistrictOfficer).unwrap();
    // The second is made on the same sheet.
    let seen = it.seen();
    assert_eq!(it.order(by(SubDistrictHead), Order::BeginSigning { seen }), Err(Rejection::SignedAnotherWay));
    let order = by_hand(&it);
    it.order(by(SubDistrictHead), order).unwrap();
    it.order(by(SubDistrictOfficer), scan()).unwrap();
    // What stands on the sheet is the number of the village.
    assert_eq!(
        it.order(by(SubDistrictHead), confirm(SCAN, "SUB_DISTRICT-2-2026")),
        Err(Rejection::AnotherNumber)
    );
    it.order(by(SubDistrictHead), confirm(SCAN, "VILLAGE-1-2026")).unwrap();
    assert_eq!((it.application.state, it.application.signed_by_hand), (State::Issued, true));
    check(&it);

    let mut it = World::new();
    it.submit(&[0, 1]);
    it.approve(VillageOfficer).unwrap();
    it.sign(VillageHead).unwrap();
    it.approve(SubDistrictOfficer).unwrap();
    let order = by_hand(&it);
    assert_eq!(it.order(by(SubDistrictHead), order), Err(Rejection::SignedAnotherWay));
}

/// Should 45 and 28: what was signed by hand is never granted by law, for the seal would go onto a scan; a letter on the same way that
/// was signed electronically is.
#[test]
fn should_45_the_law_seals_no_scan() {
    let awaiting = || {
        let letter = LetterType { deemed_granted_after_days: Some(5), ..sample_type() };
        let mut it = World::with(Plan::of(&letter), RT);
        it.submit(&[0, 1]);
        it.approve(VillageOfficer).unwrap();
        it
    };
    let much_later = |it: &mut World| it.now += TimeDelta::days(60);
    let granted =
        |it: &World| due_orders(&it.application, &it.calendar, it.now).contains(&Order::DeemGranted);
    let mut it = awaiting();
    let by_hand = Order::SignByHand { seen: it.seen(), reason: NO_CERTIFICATE.to_owned() };
    it.order(By::Official(holder(VillageHead)), by_hand).unwrap();
    it.order(By::Official(holder(VillageOfficer)), Order::UploadScan { file_hash: SCAN.to_owned() }).unwrap();
    let confirm = Order::ConfirmScan { seen: SCAN.to_owned(), number: "VILLAGE-1-2026".to_owned() };
    it.order(By::Official(holder(VillageHead)), confirm).unwrap();
    assert_eq!((it.application.state, it.application.signed_by_hand), (State::InReview, true));
    much_later(&mut it);
    assert_eq!(it.decide(By::System, Order::DeemGranted).unwrap_err(), Rejection::NotDeemable);
    assert!(!granted(&it), "nor is it tried in each pass");
    // People go on with it.
    it.approve(SubDistrictOfficer).unwrap();
    check(&it);

    let mut it = awaiting();
    it.sign(VillageHead).unwrap();
    much_later(&mut it);
    assert!(granted(&it));
}

/// Should 45: the number of a sheet that was given up is void, and the letter goes on under the next one, either way.
#[test]
fn should_45_a_sheet_that_was_given_up_takes_its_number_along() {
    let by = |role| By::Official(holder(role));
    let awaiting = |letter: &LetterType| {
        let mut it = World::with(Plan::of(letter), RT);
        it.submit(&[0, 1, 4, 5]);
        it.approve(VillageOfficer).unwrap();
        it
    };
    let by_hand = |it: &World| Order::SignByHand { seen: it.seen(), reason: NO_CERTIFICATE.to_owned() };
    let mut it = awaiting(&sample_type());
    let order = by_hand(&it);
    it.order(by(VillageHead), order).unwrap();
    let discard = |reason: &str| Order::DiscardSheet { reason: reason.to_owned() };
    assert_eq!(it.order(by(VillageHead), discard("rusak")), Err(Rejection::ReasonRequired));
    assert_eq!(it.order(by(VillageOfficer), discard("lembarnya rusak")), Err(Rejection::NotYourStep));
    it.order(by(VillageHead), discard("lembarnya rusak")).unwrap();
    assert_eq!((it.application.state, it.application.sheet.is_some()), (State::AwaitingSignature, false));
    assert_eq!(it.number(OfficeLevel::Village), Some("VILLAGE-2-2026"));
    check(&it);
    it.sign(VillageHead).unwrap();
    assert_eq!((it.application.state, it.application.signed_by_hand), (State::Issued, false));

    // Given up by its applicant, none is in use.
    let mut it = awaiting(&sample_type());
    let order = by_hand(&it);
    it.order(by(VillageHead), order).unwrap();
    it.order(citizen(), Order::Withdraw { reason: String::new() }).unwrap();
    assert_eq!((it.application.state, it.number(OfficeLevel::Village)), (State::Withdrawn, None));
    check(&it);

    // The law does not wait for a scan: the seal signs under another number.
    let mut it = awaiting(&LetterType { deemed_granted_after_days: Some(5), ..sample_type() });
    let order = by_hand(&it);
    it.order(by(VillageHead), order).unwrap();
    it.now += TimeDelta::days(30);
    it.order(By::System, Order::DeemGranted).unwrap();
    assert_eq!((it.application.state, it.application.sheet.is_some()), (State::Signing, false));
    assert_eq!(it.number(OfficeLevel::Village), Some("VILLAGE-2-2026"));
    check(&it);

    // Where the type does not permit it, nobody begins.
    let mut it = awaiting(&LetterType { by_hand: Some(false), ..sample_type() });
    let order = by_hand(&it);
    assert_eq!(it.order(by(VillageHead), order), Err(Rejection::NotByHand));
}

/// Must 8: a level that is left out never shows on a list.
#[test]
fn skipped_levels_are_never_at_hand() {
    let mut it = World::new();
    it.submit(&[0, 1, 4, 5]);
    assert_eq!(it.application.desk().unwrap().level, Level::Village);
    it.approve(VillageOfficer).unwrap();
    it.sign(VillageHead).unwrap();
    assert_eq!(it.application.state, State::Issued);
    let entered: Vec<_> = it
        .events
        .iter()
        .filter_map(|event| if let Event::StepEntered { step, .. } = event { Some(*step) } else { None })
        .collect();
    assert_eq!(entered, [2, 3]);
    // What is not optional stays; and nothing is left unsigned.
    let submit = |skip: &[usize]| {
        let skip = skip.iter().copied().collect();
        World::new().decide(citizen(), Order::Submit { content_hash: HASH.to_owned(), skip }).unwrap_err()
    };
    assert_eq!(submit(&[3]), Rejection::NotOptional(3));
    assert_eq!(submit(&[9]), Rejection::NotOptional(9));
    assert_eq!(submit(&[5]), Rejection::NoSignatureLeft);
}

#[test]
fn a_village_without_rw_or_an_address_without_rt_leaves_optional_steps_out() {
    let mut it = World::with(Plan::of(&sample_type()), "17.07.05.2009/000/005");
    it.submit(&[4, 5]);
    assert_eq!(it.application.steps[1], Progress::Skipped);
    let rt_head = official("acc-rt", RtHead, "17.07.05.2009/000/005");
    it.order(By::Official(rt_head), Order::Approve { seen: HASH.to_owned() }).unwrap();
    assert_eq!(it.application.desk().unwrap().level, Level::Village);
    // Where the step is not optional, nobody would be competent.
    let mut letter = sample_type();
    letter.steps[1].optional = false;
    let it = World::with(Plan::of(&letter), "17.07.05.2009/000/005");
    let submit = Order::Submit { content_hash: HASH.to_owned(), skip: BTreeSet::new() };
    assert_eq!(it.decide(citizen(), submit).unwrap_err(), Rejection::NobodyCompetent(Level::Rw));
}

/// Must 9: only a holder of the step's role in that area; others change nothing.
#[test]
fn only_the_holder_of_the_role_in_that_area_acts() {
    let mut it = World::new();
    it.submit(&[]);
    let approve = || Order::Approve { seen: HASH.to_owned() };
    for (role, scope) in [
        (RtHead, "17.07.05.2009/002/006"),
        (RtHead, "17.07.05.2009/001/005"),
        (RtHead, "17.07.05.2010/002/005"),
        (RtHead, VILLAGE),
        (RwHead, "17.07.05.2009/002"),
        (VillageHead, VILLAGE),
        (VillageOfficer, RT),
    ] {
        for order in [
            approve(),
            Order::Claim,
            Order::Return { reason: reason() },
            Order::Reject { reason: reason() },
            Order::Clock { verb: ClockVerb::Pause, reason: "menunggu".to_owned() },
        ] {
            let refused = it.decide(By::Official(official("acc-x", role, scope)), order);
            assert_eq!(refused.unwrap_err(), Rejection::NotYourStep, "{role} {scope}");
        }
    }
    for by in [citizen(), By::System] {
        assert_eq!(it.decide(by, approve()).unwrap_err(), Rejection::NotYourStep);
    }
    assert!(it.decide(By::Official(holder(RtHead)), approve()).is_ok());
    // An agency's step asks for the agency itself.
    let agency = OfficeId::generate();
    it.application.agency = Some(agency);
    assert_eq!(it.application.scope_of(Level::Agency), Some(Scope::Office(agency)));
}

/// Must 12, first half.
#[test]
fn nobody_decides_on_his_own_application_under_any_account() {
    let mut it = World::new();
    it.submit(&[0, 1]);
    let mut same_account = holder(VillageOfficer);
    same_account.id = "acc-citizen".to_owned();
    let mut same_person = holder(VillageOfficer);
    same_person.person = Some("digest-citizen".to_owned());
    let mut about_him = holder(VillageOfficer);
    about_him.person = Some("digest-subject".to_owned());
    for actor in [same_account, same_person, about_him] {
        let refused = it.decide(By::Official(actor), Order::Approve { seen: HASH.to_owned() });
        assert_eq!(refused.unwrap_err(), Rejection::OwnApplication);
    }
}

/// Must 12, second half.
#[test]
fn nobody_takes_two_steps_of_one_letter_unless_the_type_allows_it() {
    let both = |id: &str, person: Option<&str>| Actor {
        id: id.to_owned(),
        person: person.map(ToOwned::to_owned),
        roles: vec![(VillageOfficer, area(VILLAGE)), (VillageHead, area(VILLAGE))],
        delegations: vec![],
    };
    for (first, second) in [(both("a", None), both("a", None)), (both("a", Some("p")), both("b", Some("p")))]
    {
        let mut it = World::new();
        it.submit(&[0, 1]);
        it.order(By::Official(first.clone()), Order::Approve { seen: HASH.to_owned() }).unwrap();
        let sign = Order::BeginSigning { seen: HASH.to_owned() };
        assert_eq!(
            it.decide(By::Official(second.clone()), sign.clone()).unwrap_err(),
            Rejection::TookAnotherStep(2)
        );
        it.application.plan.one_may_take_several_steps = true;
        assert!(it.decide(By::Official(second), sign).is_ok());
    }
}

/// Must 10.
#[test]
fn return_and_rejection_need_a_reason_that_stays_in_the_history() {
    let mut it = World::new();
    it.submit(&[0, 1]);
    let by = || By::Official(holder(VillageOfficer));
    let mut short = reason();
    short.text = "  salah   ".to_owned();
    assert_eq!(
        it.decide(by(), Order::Return { reason: short.clone() }).unwrap_err(),
        Rejection::ReasonRequired
    );
    assert_eq!(it.decide(by(), Order::Reject { reason: short }).unwrap_err(), Rejection::ReasonRequired);
    it.order(by(), Order::Return { reason: reason() }).unwrap();
    assert_eq!((it.application.state, &it.application.reason), (State::Returned, &Some(reason())));
    assert!(it.events.iter().any(|event| matches!(event, Event::Returned { step: 2, .. })));
    assert_eq!(it.application.clock.as_ref().unwrap().state(), ClockState::Paused);
    it.order(citizen(), Order::Resubmit { content_hash: "h2".to_owned(), person_changed: false }).unwrap();
    assert_eq!((it.application.state, &it.application.reason), (State::InReview, &None));
    assert_eq!(it.application.clock.as_ref().unwrap().state(), ClockState::Running);
    it.order(by(), Order::Reject { reason: reason() }).unwrap();
    assert_eq!((it.application.state, &it.application.reason), (State::Rejected, &Some(reason())));
}

/// Must 11.
#[test]
fn what_is_approved_is_what_was_submitted() {
    let mut it = World::new();
    it.submit(&[0, 1]);
    let by = By::Official(holder(VillageOfficer));
    let other = Order::Approve { seen: "h0".to_owned() };
    assert_eq!(it.decide(by, other).unwrap_err(), Rejection::ContentDiffers);
    it.approve(VillageOfficer).unwrap();
    let sign = Order::BeginSigning { seen: "h0".to_owned() };
    assert_eq!(it.decide(By::Official(holder(VillageHead)), sign).unwrap_err(), Rejection::ContentDiffers);
}

#[test]
fn after_a_return_it_goes_on_where_it_was_unless_its_text_changed() {
    let returned = |after_return| {
        let mut letter = sample_type();
        letter.after_return = after_return;
        let mut it = World::with(Plan::of(&letter), RT);
        it.submit(&[4, 5]);
        it.approve(RtHead).unwrap();
        it.approve(RwHead).unwrap();
        it.order(By::Official(holder(VillageOfficer)), Order::Return { reason: reason() }).unwrap();
        it
    };
    for (after_return, hash, step) in [
        (AfterReturn::Continue, HASH, 2),
        (AfterReturn::Continue, "h2", 0),
        (AfterReturn::Restart, HASH, 0),
        (AfterReturn::Restart, "h2", 0),
    ] {
        let mut it = returned(after_return);
        it.order(citizen(), Order::Resubmit { content_hash: hash.to_owned(), person_changed: false })
            .unwrap();
        assert_eq!(it.application.current, Some(step), "{after_return} {hash}");
        // Whoever took a step before may take it again.
        if step == 0 {
            it.approve(RtHead).unwrap();
        }
    }
}

/// Must 14, and the lost answer of a signing service: a number that may stand on a signed file is not used again.
#[test]
fn numbers_of_what_failed_stay_void() {
    // Refused or given up.
    for order in [Order::Reject { reason: reason() }, Order::Withdraw { reason: String::new() }] {
        let mut it = World::new();
        it.submit(&[0, 1]);
        it.approve(VillageOfficer).unwrap();
        let by = if matches!(order, Order::Withdraw { .. }) {
            citizen()
        } else {
            By::Official(holder(VillageHead))
        };
        it.order(by, order).unwrap();
        let voided = Event::NumberVoided { office: OfficeLevel::Village, text: "VILLAGE-1-2026".to_owned() };
        assert!(it.events.contains(&voided) && it.application.numbers.is_empty());
    }
    // Returned before anything was sent: the same application keeps its number.
    let returned = |sent: bool, hash: &str| {
        let mut it = World::new();
        it.submit(&[0, 1, 4, 5]);
        it.approve(VillageOfficer).unwrap();
        if sent {
            let seen = it.seen();
            it.order(By::Official(holder(VillageHead)), Order::BeginSigning { seen }).unwrap();
            it.order(By::System, Order::FailSigning { reason: "TIMEOUT".to_owned() }).unwrap();
        }
        it.order(By::Official(holder(VillageHead)), Order::Return { reason: reason() }).unwrap();
        it.order(citizen(), Order::Resubmit { content_hash: hash.to_owned(), person_changed: false })
            .unwrap();
        if it.application.state == State::InReview {
            it.approve(VillageOfficer).unwrap();
        }
        it.number(OfficeLevel::Village).unwrap().to_owned()
    };
    assert_eq!(returned(false, "h2"), "VILLAGE-1-2026");
    assert_eq!(returned(true, HASH), "VILLAGE-1-2026");
    assert_eq!(returned(true, "h2"), "VILLAGE-2-2026");
}

#[test]
fn a_letter_that_crosses_the_year_unsigned_gets_a_number_of_the_new_one() {
    let mut it = World::new();
    it.now = at("2026-12-31 14:00");
    it.submit(&[0, 1]);
    it.approve(VillageOfficer).unwrap();
    it.order(By::Official(holder(VillageHead)), Order::Return { reason: reason() }).unwrap();
    it.now = at("2027-01-04 09:00");
    it.order(citizen(), Order::Resubmit { content_hash: HASH.to_owned(), person_changed: false }).unwrap();
    assert_eq!(it.number(OfficeLevel::Village), Some("VILLAGE-2-2027"));
}

#[test]
fn a_sub_district_that_returns_a_signed_letter_voids_both_numbers_when_its_text_changes() {
    let mut it = World::new();
    it.submit(&[0, 1]);
    it.approve(VillageOfficer).unwrap();
    it.sign(VillageHead).unwrap();
    it.order(By::Official(holder(SubDistrictOfficer)), Order::Return { reason: reason() }).unwrap();
    let mut same = it.clone();
    same.order(citizen(), Order::Resubmit { content_hash: HASH.to_owned(), person_changed: false }).unwrap();
    assert_eq!(
        (same.application.current, same.number(OfficeLevel::Village)),
        (Some(4), Some("VILLAGE-1-2026"))
    );
    it.order(citizen(), Order::Resubmit { content_hash: "h2".to_owned(), person_changed: false }).unwrap();
    assert_eq!((it.application.current, it.number(OfficeLevel::Village)), (Some(2), None));
    it.approve(VillageOfficer).unwrap();
    assert_eq!(it.number(OfficeLevel::Village), Some("VILLAGE-2-2026"));
    // And the file is back in the village.
    let passed: Vec<_> = it.application.custody.iter().map(|entry| entry.to).collect();
    assert_eq!(passed, [OfficeLevel::Village, OfficeLevel::SubDistrict, OfficeLevel::Village]);
}

/// Requirement 0.4: one number, and dated entries with from, to and time.
#[test]
fn custody_is_dated_and_acknowledged() {
    let mut letter = sample_type();
    letter.steps[4].optional = false;
    let agency = OfficeId::generate();
    letter.steps.insert(
        5,
        Step {
            level: Level::Agency,
            role: StepRole::AgencyOfficer,
            kind: StepKind::Verify,
            ..letter.steps[2].clone()
        },
    );
    let mut it = World::with(Plan::of(&letter), RT);
    it.application.agency = Some(agency);
    it.submit(&[0, 1]);
    assert_eq!(it.application.custody[0].from, None);
    // An explicit acknowledgement by anybody of that office; the second time there is nothing to say.
    it.order(By::Official(holder(VillageSecretary)), Order::Acknowledge).unwrap();
    let again = it.decide(By::Official(holder(VillageSecretary)), Order::Acknowledge);
    assert_eq!(again.unwrap_err(), Rejection::NothingToAcknowledge);
    it.approve(VillageOfficer).unwrap();
    it.sign(VillageHead).unwrap();
    let refused = it.decide(By::Official(holder(VillageSecretary)), Order::Acknowledge);
    assert_eq!(refused.unwrap_err(), Rejection::NotYourStep);
    // Working on it says so too.
    it.order(By::Official(holder(SubDistrictOfficer)), Order::Claim).unwrap();
    it.approve(SubDistrictOfficer).unwrap();
    let clerk = Actor {
        id: "acc-agency".to_owned(),
        roles: vec![(StepRole::AgencyOfficer, Scope::Office(agency))],
        ..Actor::default()
    };
    it.order(By::Official(clerk), Order::Approve { seen: HASH.to_owned() }).unwrap();
    it.sign(SubDistrictHead).unwrap();
    let way: Vec<_> = it.application.custody.iter().map(|entry| (entry.from, entry.to)).collect();
    assert_eq!(
        way,
        [
            (None, OfficeLevel::Village),
            (Some(OfficeLevel::Village), OfficeLevel::SubDistrict),
            (Some(OfficeLevel::SubDistrict), OfficeLevel::Agency),
            (Some(OfficeLevel::Agency), OfficeLevel::SubDistrict),
        ]
    );
    assert!(
        it.application
            .custody
            .iter()
            .all(|entry| entry.acknowledged.as_ref().is_some_and(|(at, _)| *at >= entry.sent))
    );
    assert_eq!(it.number(OfficeLevel::Village), Some("VILLAGE-1-2026"));
}

#[test]
fn a_claim_keeps_colleagues_away_until_it_is_released() {
    let mut it = World::new();
    it.submit(&[0, 1]);
    let colleague = || official("acc-colleague", VillageOfficer, VILLAGE);
    it.order(By::Official(holder(VillageOfficer)), Order::Claim).unwrap();
    it.order(By::Official(holder(VillageOfficer)), Order::Claim).unwrap();
    assert_eq!(it.events.iter().filter(|event| matches!(event, Event::Claimed { .. })).count(), 1);
    for order in [Order::Claim, Order::Approve { seen: HASH.to_owned() }] {
        assert_eq!(it.decide(By::Official(colleague()), order).unwrap_err(), Rejection::ClaimedByAnother);
    }
    assert_eq!(it.decide(By::Official(colleague()), Order::Release).unwrap_err(), Rejection::NotTheClaimer);
    // The head may free what somebody left behind.
    it.order(By::Official(holder(VillageHead)), Order::Release).unwrap();
    assert_eq!(
        it.decide(By::Official(holder(VillageHead)), Order::Release).unwrap_err(),
        Rejection::NotTheClaimer
    );
    it.order(By::Official(colleague()), Order::Approve { seen: HASH.to_owned() }).unwrap();
}

/// Should 38.
#[test]
fn a_delegation_holds_for_its_time_and_is_written_down() {
    let mut it = World::new();
    it.submit(&[0, 1, 4, 5]);
    it.approve(VillageOfficer).unwrap();
    let acting = Actor {
        id: "acc-acting".to_owned(),
        delegations: vec![Delegation {
            kind: DelegationKind::Plh,
            role: VillageHead,
            scope: area(VILLAGE),
            decree: "800/12/2026".to_owned(),
            from: at("2026-11-23 08:00"),
            until: at("2026-11-24 00:00"),
        }],
        ..Actor::default()
    };
    let sign = Order::BeginSigning { seen: HASH.to_owned() };
    let mut late = it.clone();
    late.now = at("2026-11-24 00:00");
    assert_eq!(late.decide(By::Official(acting.clone()), sign.clone()).unwrap_err(), Rejection::NotYourStep);
    let mut forbidden = it.clone();
    forbidden.application.plan.steps[3].step.may_delegate = false;
    assert_eq!(
        forbidden.decide(By::Official(acting.clone()), sign.clone()).unwrap_err(),
        Rejection::NotYourStep
    );
    it.order(By::Official(acting), sign).unwrap();
    it.order(By::System, Order::CompleteSigning { file_hash: "f".to_owned() }).unwrap();
    let Progress::Done(taken) = &it.application.steps[3] else { panic!("signed") };
    assert_eq!(taken.capacity.delegation, Some((DelegationKind::Plh, "800/12/2026".to_owned())));
}

/// Must 17: any official that the type names may sign.
#[test]
fn a_secretary_signs_in_the_name_of_the_head() {
    let mut it = World::new();
    it.submit(&[0, 1, 4, 5]);
    it.approve(VillageOfficer).unwrap();
    it.sign(VillageSecretary).unwrap();
    assert_eq!(it.application.state, State::Issued);
    let mut letter = sample_type();
    letter.signatories.retain(|it: &Signatory| it.role != VillageSecretary);
    let mut it = World::with(Plan::of(&letter), RT);
    it.submit(&[0, 1, 4, 5]);
    it.approve(VillageOfficer).unwrap();
    assert_eq!(it.sign(VillageSecretary), Err(Rejection::NotYourStep));
}

/// Must 18 to 20.
#[test]
fn only_the_answer_of_the_signing_service_leads_on() {
    let mut it = World::new();
    it.submit(&[0, 1, 4, 5]);
    it.approve(VillageOfficer).unwrap();
    let head = || By::Official(holder(VillageHead));
    // Without its number nothing is sent.
    let mut numberless = it.clone();
    numberless.application.numbers.insert(OfficeLevel::Village, Number::Needed);
    let sign = Order::BeginSigning { seen: HASH.to_owned() };
    assert_eq!(numberless.decide(head(), sign.clone()).unwrap_err(), Rejection::NumberMissing);
    it.order(head(), sign.clone()).unwrap();
    for by in [head(), citizen()] {
        let complete = Order::CompleteSigning { file_hash: "f".to_owned() };
        assert_eq!(it.decide(by, complete).unwrap_err(), Rejection::NotTheService);
    }
    for order in [
        Order::Withdraw { reason: String::new() },
        Order::Resubmit { content_hash: HASH.to_owned(), person_changed: false },
    ] {
        assert!(matches!(it.decide(citizen(), order), Err(Rejection::NotPermittedInState { .. })));
    }
    it.order(By::System, Order::FailSigning { reason: "WRONG_PASSPHRASE".to_owned() }).unwrap();
    assert_eq!(it.application.state, State::AwaitingSignature);
    it.order(head(), sign).unwrap();
    it.order(By::System, Order::CompleteSigning { file_hash: "f".to_owned() }).unwrap();
    assert_eq!(it.application.state, State::Issued);
}

/// Must 28: reported once, and not while the clock stands still.
#[test]
fn a_delay_is_reported_once_for_each_step() {
    let mut it = World::new();
    it.submit(&[0, 1, 4, 5]);
    it.now = at("2026-11-24 07:59");
    assert_eq!(due_orders(&it.application, &it.calendar, it.now), []);
    assert_eq!(it.decide(By::System, Order::Escalate).unwrap_err(), Rejection::NothingToEscalate);
    let mut paused = it.clone();
    let pause = Order::Clock { verb: ClockVerb::Pause, reason: "menunggu surat pengantar".to_owned() };
    paused.order(By::Official(holder(VillageOfficer)), pause).unwrap();
    paused.now = at("2026-12-24 08:00");
    assert_eq!(due_orders(&paused.application, &paused.calendar, paused.now), []);
    it.now = at("2026-11-24 08:01");
    assert_eq!(due_orders(&it.application, &it.calendar, it.now), [Order::Escalate]);
    it.order(By::System, Order::Escalate).unwrap();
    assert_eq!(due_orders(&it.application, &it.calendar, at("2026-12-24 08:00")), []);
    // The next step has its own clock.
    it.approve(VillageOfficer).unwrap();
    assert_eq!(due_orders(&it.application, &it.calendar, at("2026-12-24 08:00")), [Order::Escalate]);
}

/// UU 30/2014 Pasal 53 as changed by UU 6/2023: undecided at the deadline is granted.
#[test]
fn what_nobody_decides_in_time_is_granted_where_the_type_says_so() {
    let mut letter = sample_type();
    letter.deemed_granted_after_days = Some(5);
    let submitted = |plan: Plan| {
        let mut it = World::with(plan, RT);
        it.submit(&[0, 1, 4, 5]);
        it
    };
    // A type without the rule is only late.
    let plain = submitted(Plan::of(&sample_type()));
    assert_eq!(due_orders(&plain.application, &plain.calendar, at("2027-01-29 10:00")), [Order::Escalate]);
    let mut it = submitted(Plan::of(&letter));
    assert_eq!(deemed_at(&it.application, &it.calendar), Some(at("2026-11-30 16:00")));
    it.now = at("2026-11-30 16:00");
    assert_eq!(it.decide(By::System, Order::DeemGranted).unwrap_err(), Rejection::NotDeemable);
    it.now = at("2026-11-30 16:01");
    for by in [citizen(), By::Official(holder(VillageHead))] {
        assert_eq!(it.decide(by, Order::DeemGranted).unwrap_err(), Rejection::NotTheService);
    }
    assert!(due_orders(&it.application, &it.calendar, it.now).contains(&Order::DeemGranted));
    it.order(By::System, Order::DeemGranted).unwrap();
    assert_eq!((it.application.state, it.application.deemed), (State::Signing, true));
    assert_eq!(it.number(OfficeLevel::Village), Some("VILLAGE-1-2026"));
    // The seal may fail too; then nobody can refuse it any more, and it is tried again.
    it.order(By::System, Order::FailSigning { reason: "UNREACHABLE".to_owned() }).unwrap();
    for (by, order) in [
        (By::Official(holder(VillageOfficer)), Order::Reject { reason: reason() }),
        (By::Official(holder(VillageOfficer)), Order::Return { reason: reason() }),
        (citizen(), Order::Withdraw { reason: String::new() }),
    ] {
        assert_eq!(it.decide(by, order).unwrap_err(), Rejection::GrantedByLaw);
    }
    it.order(By::System, Order::DeemGranted).unwrap();
    it.order(By::System, Order::CompleteSigning { file_hash: "f".to_owned() }).unwrap();
    assert_eq!(it.application.state, State::Issued);
    assert_eq!(it.events.iter().filter(|event| matches!(event, Event::DeemedGranted { .. })).count(), 1);
    // While it is with the applicant, the time does not run.
    let mut it = submitted(Plan::of(&letter));
    it.order(By::Official(holder(VillageOfficer)), Order::Return { reason: reason() }).unwrap();
    assert_eq!(deemed_at(&it.application, &it.calendar), None);
}

/// Should 47: nobody signs, and no number is given, before the fee is settled.
#[test]
fn a_fee_is_paid_after_the_check_and_before_the_signature() {
    let mut it = World::with(Plan::of(&costly()), RT);
    it.submit(&[0, 1, 4, 5]);
    // The type is dearer by now: what was made before costs what it did.
    assert_eq!(it.application.unsettled().unwrap().amount, FEE);
    it.approve(VillageOfficer).unwrap();
    let payment = it.application.payment.clone().unwrap();
    assert_eq!((it.application.state, payment.amount, payment.settled), (State::AwaitingPayment, FEE, None));
    assert_eq!(payment.due, NaiveDate::from_ymd_opt(2026, 12, 23).unwrap());
    assert!(payment.billing_code.is_some() && it.application.numbers.is_empty());
    // While the applicant is to pay, no clock runs and nothing is late.
    assert_eq!(it.application.clock.as_ref().unwrap().state(), ClockState::Paused);
    assert_eq!(due_orders(&it.application, &it.calendar, at("2027-06-01 09:00")), []);
    let desk = it.application.desk().unwrap();
    assert_eq!((desk.level, desk.scope), (Level::Village, area(VILLAGE)));
    assert_eq!(desk.roles, [VillageOfficer, VillageSecretary, VillageHead]);
    let seen = it.seen();
    for order in [Order::BeginSigning { seen: seen.clone() }, Order::Approve { seen }, Order::Claim] {
        let refused = it.decide(By::Official(holder(VillageHead)), order).unwrap_err();
        assert!(matches!(refused, Rejection::NotPermittedInState { state: State::AwaitingPayment, .. }));
    }
    it.now = at("2026-12-01 10:00");
    it.pay().unwrap();
    assert_eq!(it.application.state, State::AwaitingSignature);
    assert_eq!(it.number(OfficeLevel::Village), Some("VILLAGE-2-2026"));
    assert_eq!(it.application.clock.as_ref().unwrap().state(), ClockState::Running);
    assert!(it.application.clock.as_ref().unwrap().due(&it.calendar).unwrap() > at("2026-12-02 09:00"));
    let settled = it.application.payment.as_ref().unwrap().settled.clone().unwrap();
    assert_eq!(settled, (Settlement::Paid(receipt(at("2026-12-01 10:00"))), at("2026-12-01 10:00")));
    // A second time there is nothing to pay; a return asks for nothing again.
    assert!(matches!(it.pay(), Err(Rejection::NotPermittedInState { .. })));
    it.order(By::Official(holder(VillageHead)), Order::Return { reason: reason() }).unwrap();
    it.order(citizen(), Order::Resubmit { content_hash: "h2".to_owned(), person_changed: false }).unwrap();
    it.approve(VillageOfficer).unwrap();
    it.sign(VillageHead).unwrap();
    assert_eq!(it.application.state, State::Issued);
    assert_eq!(it.events.iter().filter(|event| matches!(event, Event::PaymentAsked { .. })).count(), 1);
}

#[test]
fn a_payment_is_written_down_as_it_was_by_who_takes_money_in_that_office() {
    let mut it = World::with(Plan::of(&costly()), RT);
    it.submit(&[0, 1, 4, 5]);
    it.approve(VillageOfficer).unwrap();
    let now = it.now;
    let by = By::Official;
    for actor in [
        holder(RtHead),
        holder(SubDistrictOfficer),
        holder(SubDistrictHead),
        official("acc-neighbour", VillageOfficer, "17.07.05.2010"),
    ] {
        assert_eq!(it.decide(by(actor), paid(FEE, now)).unwrap_err(), Rejection::NotYourStep);
    }
    for by in [citizen(), By::System] {
        assert_eq!(it.decide(by, paid(FEE, now)).unwrap_err(), Rejection::NotYourStep);
    }
    let own = official("acc-citizen", VillageOfficer, VILLAGE);
    assert_eq!(it.decide(by(own), paid(FEE, now)).unwrap_err(), Rejection::OwnApplication);
    for amount in [0, FEE - 1, FEE + 1, -FEE] {
        let refused = it.decide(by(holder(VillageOfficer)), paid(amount, now)).unwrap_err();
        assert_eq!(refused, Rejection::AnotherAmount(FEE), "{amount}");
    }
    for moment in [now + TimeDelta::minutes(1), at("2026-11-22 23:59")] {
        let refused = it.decide(by(holder(VillageOfficer)), paid(FEE, moment)).unwrap_err();
        assert_eq!(refused, Rejection::NotPaidThen, "{moment}");
    }
    // A receipt may say no more than the day, and the secretary or the head may write it down as well.
    for role in [VillageOfficer, VillageSecretary, VillageHead] {
        assert!(it.decide(by(holder(role)), paid(FEE, at("2026-11-23 00:00"))).is_ok(), "{role}");
    }
}

#[test]
fn only_the_head_lets_somebody_off_and_says_why() {
    const WHY: &str = "rumah ibadah dibebaskan menurut Perda";
    let mut it = World::with(Plan::of(&costly()), RT);
    it.submit(&[0, 1, 4, 5]);
    it.approve(VillageOfficer).unwrap();
    for role in [VillageOfficer, VillageSecretary, SubDistrictHead] {
        let refused = it.decide(By::Official(holder(role)), waived(WHY)).unwrap_err();
        assert_eq!(refused, Rejection::NotYourStep, "{role}");
    }
    let head = || By::Official(holder(VillageHead));
    assert_eq!(it.decide(head(), waived("  gratis ")).unwrap_err(), Rejection::ReasonRequired);
    it.order(head(), waived(WHY)).unwrap();
    assert_eq!(it.application.state, State::AwaitingSignature);
    let settled = it.application.payment.as_ref().unwrap().settled.clone().unwrap();
    assert_eq!(settled.0, Settlement::Waived(WHY.to_owned()));
    it.sign(VillageHead).unwrap();
    assert_eq!(it.application.state, State::Issued);
}

#[test]
fn what_is_never_paid_is_given_up_or_refused() {
    let mut it = World::with(Plan::of(&costly()), RT);
    it.submit(&[0, 1, 4, 5]);
    it.approve(VillageOfficer).unwrap();
    let mut other = it.clone();
    it.order(citizen(), Order::Withdraw { reason: String::new() }).unwrap();
    assert_eq!(it.application.state, State::Withdrawn);
    other.order(By::Official(holder(VillageHead)), Order::Reject { reason: reason() }).unwrap();
    assert_eq!(other.application.state, State::Rejected);
    assert!(it.application.numbers.is_empty() && other.application.numbers.is_empty());
}

#[test]
fn what_the_law_grants_is_sealed_once_its_fee_is_paid() {
    let mut letter = costly();
    letter.deemed_granted_after_days = Some(5);
    let mut it = World::with(Plan::of(&letter), RT);
    it.submit(&[0, 1, 4, 5]);
    it.now = at("2026-12-01 08:00");
    it.order(By::System, Order::DeemGranted).unwrap();
    assert_eq!((it.application.state, it.application.deemed), (State::AwaitingPayment, true));
    assert_eq!(due_orders(&it.application, &it.calendar, at("2027-01-29 10:00")), []);
    let reject = Order::Reject { reason: reason() };
    assert_eq!(it.decide(By::Official(holder(VillageHead)), reject).unwrap_err(), Rejection::GrantedByLaw);
    it.pay().unwrap();
    assert_eq!(it.application.state, State::AwaitingSignature);
    assert_eq!(it.number(OfficeLevel::Village), Some("VILLAGE-2-2026"));
    it.order(By::System, Order::DeemGranted).unwrap();
    it.order(By::System, Order::CompleteSigning { file_hash: "f".to_owned() }).unwrap();
    assert_eq!(it.application.state, State::Issued);
}

/// What was made before letters cost anything is read as free.
#[test]
fn an_application_of_before_fees_is_read_without_one() {
    let mut it = World::new();
    it.submit(&[0, 1, 4, 5]);
    let mut old = serde_json::to_value(&it.application).unwrap();
    old.as_object_mut().unwrap().remove("payment").unwrap();
    old["plan"].as_object_mut().unwrap().remove("charge").unwrap();
    assert_eq!(serde_json::from_value::<Application>(old).unwrap(), it.application);
}

#[test]
fn clocks_pause_resume_and_reset_by_the_official_at_hand() {
    let mut it = World::new();
    it.submit(&[0, 1, 4, 5]);
    let by = || By::Official(holder(VillageOfficer));
    let clock = |verb, reason: &str| Order::Clock { verb, reason: reason.to_owned() };
    it.order(by(), clock(ClockVerb::Pause, "menunggu pemeriksaan lapangan")).unwrap();
    assert_eq!(
        it.decide(by(), clock(ClockVerb::Pause, "sekali lagi")).unwrap_err(),
        Rejection::Clock(crate::domain::sla::ClockError::NotPermitted {
            verb: ClockVerb::Pause,
            state: ClockState::Paused
        })
    );
    it.order(by(), clock(ClockVerb::Resume, "")).unwrap();
    it.order(by(), clock(ClockVerb::Reset, "lokasi berubah")).unwrap();
    // Deciding starts it again: nobody else could.
    it.approve(VillageOfficer).unwrap();
    assert_eq!(it.application.clock.as_ref().unwrap().state(), ClockState::Running);
    assert!(matches!(it.decide(by(), clock(ClockVerb::Stop, "")), Err(Rejection::NotYourStep)));
    let stop = it.decide(By::Official(holder(VillageHead)), clock(ClockVerb::Stop, ""));
    assert!(matches!(stop, Err(Rejection::Clock(_))));
}

#[test]
fn a_stranger_can_do_nothing_with_an_application() {
    let it = World::new();
    let stranger = || By::Applicant { account: Some("acc-other".to_owned()) };
    for order in [
        Order::Submit { content_hash: HASH.to_owned(), skip: BTreeSet::new() },
        Order::Withdraw { reason: String::new() },
    ] {
        assert_eq!(it.decide(stranger(), order.clone()).unwrap_err(), Rejection::NotTheApplicant);
        assert_eq!(it.decide(By::System, order).unwrap_err(), Rejection::NotTheApplicant);
    }
}

#[test]
fn moments_that_overtake_each_other_do_not_turn_a_history_back() {
    let mut it = World::new();
    it.submit(&[0, 1]);
    let submitted = it.application.changed;
    it.now = submitted - TimeDelta::seconds(2);
    it.approve(VillageOfficer).unwrap();
    assert!(it.application.changed >= submitted);
}

#[test]
fn a_history_is_kept_as_json() {
    let mut it = World::new();
    it.submit(&[0, 1]);
    it.approve(VillageOfficer).unwrap();
    it.sign(VillageHead).unwrap();
    for event in &it.events {
        let json = serde_json::to_string(event).unwrap();
        assert_eq!(serde_json::from_str::<Event>(&json).unwrap(), *event);
    }
    let json = serde_json::to_string(&it.application).unwrap();
    assert_eq!(serde_json::from_str::<Application>(&json).unwrap(), it.application);
    assert!(sample_type().subjects.contains(&SubjectKind::Resident));
}

/// Anybody who may turn up: every holder, a neighbour of each, the applicant in office, one who holds everything.
fn anybody() -> impl Strategy<Value = By> {
    let mut all = vec![citizen(), By::System, By::Applicant { account: Some("acc-other".to_owned()) }];
    for role in StepRole::iter().filter(|role| role.level() != Level::Agency) {
        all.push(By::Official(holder(role)));
        all.push(By::Official(official("acc-neighbour", role, "17.07.05.2010")));
        let mut applicant = holder(role);
        applicant.id = "acc-citizen".to_owned();
        all.push(By::Official(applicant));
    }
    let everything =
        StepRole::iter().filter(|role| role.level() != Level::Agency).flat_map(|role| holder(role).roles);
    all.push(By::Official(Actor {
        id: "acc-everything".to_owned(),
        roles: everything.collect(),
        ..Actor::default()
    }));
    prop::sample::select(all)
}

fn any_order() -> impl Strategy<Value = Order> {
    let hash = || prop::sample::select(vec!["h1".to_owned(), "h2".to_owned()]);
    prop_oneof![
        4 => (hash(), prop::sample::subsequence(vec![0_usize, 1, 4, 5], 0..=4)).prop_map(|(content_hash, skip)| {
            Order::Submit { content_hash, skip: skip.into_iter().collect() }
        }),
        1 => Just(Order::Acknowledge),
        1 => Just(Order::Claim),
        1 => Just(Order::Release),
        12 => hash().prop_map(|seen| Order::Approve { seen }),
        1 => Just(Order::Return { reason: reason() }),
        3 => hash().prop_map(|content_hash| Order::Resubmit { content_hash, person_changed: false }),
        1 => prop::sample::select(vec![Order::Reject { reason: reason() }, Order::Withdraw { reason: String::new() }]),
        8 => hash().prop_map(|seen| Order::BeginSigning { seen }),
        8 => Just(Order::CompleteSigning { file_hash: "f".to_owned() }),
        1 => Just(Order::FailSigning { reason: "TIMEOUT".to_owned() }),
        4 => hash().prop_map(|seen| Order::SignByHand { seen, reason: NO_CERTIFICATE.to_owned() }),
        2 => prop::sample::select(vec![SCAN.to_owned(), "other".to_owned()]).prop_map(|file_hash| Order::UploadScan { file_hash }),
        2 => (prop::sample::select(vec![SCAN, "other"]), prop::sample::select(vec!["VILLAGE-1-2026", "VILLAGE-2-2026"]))
            .prop_map(|(seen, number)| Order::ConfirmScan { seen: seen.to_owned(), number: number.to_owned() }),
        1 => Just(Order::DiscardSheet { reason: "lembarnya rusak terkena tinta".to_owned() }),
        1 => Just(Order::HandOver { collector: Collector { name: "Siti".to_owned(), relation: String::new() } }),
        1 => prop::sample::select(vec![ClockVerb::Pause, ClockVerb::Resume, ClockVerb::Reset, ClockVerb::Restart])
            .prop_map(|verb| Order::Clock { verb, reason: "menunggu".to_owned() }),
        1 => prop::sample::select(vec![Order::Escalate, Order::DeemGranted]),
        2 => prop::sample::select(vec![FEE, 1]).prop_map(|amount| paid(amount, at("2026-11-23 00:00"))),
        1 => Just(waived("dibebaskan menurut Perda")),
    ]
}

/// Who leads an application on from its state, and how.
fn way_on(it: &World) -> (By, Order) {
    match it.application.state {
        State::Draft => (citizen(), Order::Submit { content_hash: HASH.to_owned(), skip: BTreeSet::new() }),
        State::Returned => (citizen(), Order::Resubmit { content_hash: it.seen(), person_changed: false }),
        State::Signing => (By::System, Order::CompleteSigning { file_hash: "f".to_owned() }),
        State::AwaitingPayment => (By::Official(holder(VillageOfficer)), paid(FEE, it.now)),
        State::InReview | State::AwaitingSignature => {
            let role = it.application.desk().unwrap().roles[0];
            let order = if it.application.state == State::InReview {
                Order::Approve { seen: it.seen() }
            } else if it.application.signed_by_hand {
                Order::SignByHand { seen: it.seen(), reason: NO_CERTIFICATE.to_owned() }
            } else {
                Order::BeginSigning { seen: it.seen() }
            };
            (By::Official(holder(role)), order)
        }
        State::AwaitingScan => {
            let role = it.application.desk().unwrap().roles[0];
            let scanned = it.application.sheet.as_ref().is_some_and(|sheet| sheet.scan.is_some());
            let number = it.application.printed_number().unwrap().to_owned();
            let order = if scanned {
                Order::ConfirmScan { seen: SCAN.to_owned(), number }
            } else {
                Order::UploadScan { file_hash: SCAN.to_owned() }
            };
            (By::Official(holder(role)), order)
        }
        State::Issued | State::HandedOver | State::Rejected | State::Withdrawn => (
            citizen(),
            Order::HandOver { collector: Collector { name: "Siti".to_owned(), relation: String::new() } },
        ),
    }
}

/// What must be true of an application whatever was tried.
fn check(it: &World) {
    let application = &it.application;
    for (at, progress) in application.steps.iter().enumerate() {
        let planned = &application.plan.steps[at];
        match progress {
            Progress::Done(taken) => {
                assert!(planned.roles.contains(&taken.capacity.role), "step {at} by {:?}", taken.capacity);
                assert_ne!(Some(&taken.actor), application.applicant.account.as_ref());
                assert_ne!(taken.actor, "acc-neighbour");
                assert_eq!(Some(&taken.content_hash), application.content_hash.as_ref());
                let twice = application
                    .steps
                    .iter()
                    .filter(|it| matches!(it, Progress::Done(t) if t.actor == taken.actor));
                assert_eq!(twice.count(), 1, "{} took two steps", taken.actor);
            }
            Progress::Skipped => assert!(planned.step.optional),
            Progress::Deemed => {
                assert!(application.deemed && application.plan.deemed_granted_after_days.is_some())
            }
            Progress::Pending => assert!(
                !matches!(application.state, State::Issued | State::HandedOver),
                "issued without step {at}"
            ),
        }
    }
    let signs = matches!(
        application.state,
        State::AwaitingSignature | State::Signing | State::AwaitingScan | State::Issued
    );
    assert!(!signs || application.unsettled().is_none(), "{} with its fee unsettled", application.state);
    if let State::Issued | State::HandedOver = application.state {
        assert!(application.numbers.contains_key(&OfficeLevel::Village));
        assert!(
            it.events.iter().any(|event| {
                matches!(event, Event::SigningCompleted { .. } | Event::ScanConfirmed { .. })
            })
        );
    }
    assert_eq!(application.sheet.is_some(), application.state == State::AwaitingScan);
    if application.signed_by_hand {
        assert!(application.plan.may_be_signed_by_hand());
        let scanned = it.events.iter().rposition(|event| matches!(event, Event::ScanConfirmed { .. }));
        let after = it.events.iter().skip(scanned.unwrap_or_default());
        assert!(
            !after.into_iter().any(|event| matches!(event, Event::SigningBegan { .. })),
            "a seal on a scan"
        );
        assert!(it.events.iter().any(|event| matches!(event, Event::ScanConfirmed { .. })));
    }
    assert_eq!(application.needs_number().count(), 0);
    // A number is allocated once, and what is void is not in use.
    let voided: Vec<_> = it
        .events
        .iter()
        .filter_map(|event| if let Event::NumberVoided { text, .. } = event { Some(text) } else { None })
        .collect();
    for number in application.numbers.values() {
        if let Number::Allocated { text, .. } = number {
            assert!(!voided.contains(&text), "{text} is void and in use");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// No path leads to a document without every step that is not left out, taken by somebody who may, on what was
    /// submitted; or granted by law, where the type says so.
    #[test]
    fn no_path_leads_to_a_document_past_those_who_decide(
        deemed in any::<bool>(),
        restart in any::<bool>(),
        costs in any::<bool>(),
        // Often the step that leads on, so that walks come far; some detours by those who may; else anything by anybody.
        orders in prop::collection::vec((0_u8..12, anybody(), any_order(), 0_i64..2_000, any::<bool>()), 1..60),
    ) {
        let mut letter = if costs { costly() } else { sample_type() };
        letter.deemed_granted_after_days = deemed.then_some(5);
        letter.after_return = if restart { AfterReturn::Restart } else { AfterReturn::Continue };
        let mut it = World::with(Plan::of(&letter), RT);
        let mut ended = None;
        for (kind, by, order, minutes, timer) in orders {
            let (right, way) = way_on(&it);
            let (by, order) = match (kind, it.application.state) {
                (0..=4, _) => (right, way),
                (5, State::InReview | State::AwaitingSignature) => (right, Order::Return { reason: reason() }),
                (5, State::Returned) => (right, Order::Resubmit { content_hash: "h2".to_owned(), person_changed: false }),
                (5, State::Signing) => (right, Order::FailSigning { reason: "TIMEOUT".to_owned() }),
                (5, State::AwaitingScan) => (right, Order::DiscardSheet { reason: "lembarnya rusak terkena tinta".to_owned() }),
                (6, State::AwaitingSignature) if !timer => {
                    (right, Order::SignByHand { seen: it.seen(), reason: NO_CERTIFICATE.to_owned() })
                }
                (6, _) if timer => match due_orders(&it.application, &it.calendar, it.now).into_iter().next() {
                    Some(due) => (By::System, due),
                    None => (by, order),
                },
                _ => (by, order),
            };
            let before = it.clone();
            let verb = order.verb();
            match it.order(by, order) {
                Err(_) => prop_assert_eq!(&it.application, &before.application),
                Ok(()) => {
                    if let Some(verb) = verb {
                        let to = it.application.state;
                        prop_assert!(TRANSITIONS.permits(before.application.state, verb, to), "{} {} {}", before.application.state, verb, to);
                    } else {
                        prop_assert_eq!(it.application.state, before.application.state);
                    }
                    prop_assert!(ended.is_none(), "something happened after {:?}", ended);
                    if TRANSITIONS.allowed(it.application.state).is_empty() {
                        ended = Some(it.application.state);
                    }
                }
            }
            check(&it);
            it.now += TimeDelta::minutes(minutes);
        }
    }

    /// With those who may, in the right order, every way of leaving steps out ends with a document.
    #[test]
    fn every_permitted_way_ends(skip in prop::sample::subsequence(vec![0_usize, 1, 4, 5], 0..=4)) {
        prop_assume!(!skip.contains(&5) || skip.contains(&4));
        let mut it = World::new();
        it.submit(&skip);
        let mut turns = 0;
        while it.application.state != State::Issued {
            let desk = it.application.desk().unwrap();
            if it.application.state == State::AwaitingSignature {
                it.sign(desk.roles[0]).unwrap();
            } else {
                it.approve(desk.roles[0]).unwrap();
            }
            turns += 1;
            prop_assert!(turns <= 6);
        }
        check(&it);
    }
}
