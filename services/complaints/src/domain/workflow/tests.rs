//! The table, its guards, and walks through it.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use mpp_kit::calendar::WorkCalendar;
use mpp_kit::zone::TimeZone;
use proptest::prelude::*;
use strum::IntoEnumIterator as _;

use super::super::case::{Case, Place, Reporter};
use super::super::clock::ClockState;
use super::super::deadline::{Confidence, Deadline, SUB_DISTRICT, Unit};
use super::super::number::Number;
use super::super::rules::{Agency, CalendarVersion, Category, Rules};
use super::super::words::{
    ArchiveReason, Channel, Class, ClockKind, ForwardReason, MessageKind, NoProofReason, Part, Rung, Secrecy,
    State, Verb,
};
use super::super::{CaseId, DeadlineId};
use super::*;

const PUPR: &str = "17.07/pupr";
const DINKES: &str = "17.07/dinkes";
const INSPEKTORAT: &str = "17.07/inspektorat";

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn rules() -> Rules {
    let agency = |id: &str, inspectorate| Agency {
        id: id.to_owned(),
        name: id.to_owned(),
        calendar: "17.07".to_owned(),
        inspectorate,
        active: true,
        bounce_limit: 2,
    };
    let row = |key: &str, clock, value, unit| Deadline {
        id: DeadlineId::generate(),
        key: key.to_owned(),
        clock,
        class: None,
        kind: String::new(),
        holder: String::new(),
        value,
        unit,
        source: String::new(),
        confidence: Confidence::B,
        note: String::new(),
        valid_from: NaiveDate::from_ymd_opt(2020, 1, 1).unwrap(),
        valid_to: None,
        signed_off_by: None,
        signed_off_at: None,
        ladder: BTreeMap::from([(50, Rung::Admin), (100, Rung::Secretary), (120, Rung::Regent)]),
    };
    let category = Category {
        key: "JLN".to_owned(),
        parent: String::new(),
        name: "Jalan".to_owned(),
        description: String::new(),
        keywords: Vec::new(),
        agency: PUPR.to_owned(),
        deadline_kind: "GENERAL".to_owned(),
        questions: Vec::new(),
        duplicate_metres: 100,
        active: true,
        emergency_advice: String::new(),
    };
    Rules {
        deadlines: vec![
            row("D1", Some(ClockKind::Verify), 3, Unit::WorkingDays),
            row("P1", Some(ClockKind::Accept), 1, Unit::WorkingDays),
            row("D2", Some(ClockKind::FirstAnswer), 5, Unit::WorkingDays),
            row("D5", Some(ClockKind::Settle), 14, Unit::WorkingDays),
            row("D12", Some(ClockKind::Reaction), 4, Unit::Hours),
            row("D3", None, 10, Unit::Days),
            row("D9", None, 30, Unit::Days),
        ],
        calendars: BTreeMap::from([(
            "17.07".to_owned(),
            CalendarVersion {
                id: "17.07".to_owned(),
                version: 1,
                calendar: WorkCalendar::five_days(TimeZone::Wib),
            },
        )]),
        applied: BTreeMap::new(),
        agencies: [agency(PUPR, false), agency(DINKES, false), agency(INSPEKTORAT, true)]
            .into_iter()
            .map(|it| (it.id.clone(), it))
            .collect(),
        categories: BTreeMap::from([("JLN".to_owned(), category)]),
        officials: Vec::new(),
        actings: Vec::new(),
        home: "17.07".to_owned(),
        ..Rules::default()
    }
}

fn opening(class: Class, at: DateTime<Utc>) -> Opening {
    Opening {
        id: CaseId::generate(),
        number: Number { year: 2026, seq: 1 },
        class,
        category: "JLN".to_owned(),
        place: Place::default(),
        occurred_at: None,
        received_at: at,
        arrived_at: at,
        channel: Channel::Web,
        about: Some(PUPR.to_owned()),
        text: "Jalan berlubang".to_owned(),
        files: Vec::new(),
        pseudonym: "Pelapor-1".to_owned(),
        secrecy: Secrecy::Open,
        reachable: true,
        undecided: false,
        extra: BTreeMap::new(),
        written_by: String::new(),
        queue_ticket: String::new(),
        external: String::new(),
    }
}

fn order(verb: Verb, case: &Case) -> Order {
    let text = || "teks".to_owned();
    let reporter = || "Pelapor-1".to_owned();
    match verb {
        Verb::Verify => Order::Verify { note: text() },
        Verb::Dispose => {
            let agency = if case.class == Class::Whistleblowing { INSPEKTORAT } else { PUPR };
            Order::Dispose { agency: agency.to_owned(), helpers: Vec::new(), note: text() }
        }
        Verb::Accept => Order::Accept,
        Verb::Bounce => Order::Bounce { reason: text() },
        Verb::AskCompletion => Order::AskCompletion { question: text() },
        Verb::Complete => Order::Complete {
            reporter: reporter(),
            text: text(),
            files: vec![],
            external: String::new(),
            note: String::new(),
        },
        Verb::TakeBackQuestion => Order::TakeBackQuestion { reason: text() },
        Verb::FirstAnswer => Order::FirstAnswer { text: text() },
        Verb::Answer => {
            Order::Answer { text: text(), proof: vec![], no_proof: Some(NoProofReason::InformationGiven) }
        }
        Verb::Confirm => Order::Confirm { reporter: reporter(), rating: 5 },
        Verb::Reopen => Order::Reopen { reporter: reporter(), text: text(), files: vec![] },
        Verb::CloseBySilence => Order::CloseBySilence,
        Verb::Merge => Order::Merge {
            into: CaseId::generate(),
            received_at: case.received_at,
            class: case.class,
            state: State::New,
        },
        Verb::ForwardOutside => {
            Order::ForwardOutside { reason: ForwardReason::Province, to: text(), advice: text() }
        }
        Verb::Archive => Order::Archive { reason: ArchiveReason::Unclear, advice: text() },
        Verb::Withdraw => Order::Withdraw { reporter: reporter(), text: text() },
        Verb::DeemWithdrawn => Order::DeemWithdrawn,
    }
}

fn by(part: Part) -> By {
    By { part, account: "acc_1".to_owned(), agency: String::new() }
}

#[test]
fn the_table_is_sound() {
    let states: Vec<State> = State::iter().collect();
    assert_eq!(TRANSITIONS.defects(State::New, &states), Vec::<String>::new());
    for verb in Verb::iter() {
        assert_eq!(GUARDS.iter().filter(|(it, _)| *it == verb).count(), 1, "{verb} has one guard");
        assert!(TRANSITIONS.0.iter().any(|row| row.verb == verb), "{verb} leads somewhere");
    }
    for state in State::iter().filter(|it| it.is_closed()) {
        let verbs = TRANSITIONS.allowed(state);
        assert!(verbs.is_empty() || (state == State::Settled && verbs == [Verb::Reopen]), "{state}");
    }
}

#[test]
fn c_23_only_rows_of_the_table_and_their_parts_change_anything() {
    let (rules, now) = (rules(), at("2026-11-23T02:00:00Z"));
    for class in [Class::Complaint, Class::Whistleblowing] {
        let mut case = open(opening(class, now), &rules).unwrap().next;
        case.lead.get_or_insert(PUPR.to_owned());
        case.reporter_until = Some(now + TimeDelta::days(1));
        for state in State::iter() {
            case.state = state;
            case.resume = (state == State::AwaitingCompletion).then_some(State::InProgress);
            for verb in Verb::iter() {
                for part in Part::iter() {
                    let permitted = TRANSITIONS.allowed(state).contains(&verb);
                    let decided = decide(&case, &by(part), order(verb, &case), &rules, now);
                    match decided {
                        Ok(decision) => {
                            assert!(permitted && may(part, verb, class), "{class} {state} {verb} {part}");
                            assert!(TRANSITIONS.permits(state, verb, decision.next.state));
                            assert_eq!(decision.next.closed_at.is_some(), decision.next.state.is_closed());
                        }
                        Err(Rejection::NotNow { allowed: offered, .. }) => {
                            assert!(!permitted);
                            assert_eq!(offered, allowed(state, class, &[part]));
                        }
                        Err(Rejection::NotYours { .. }) => assert!(permitted && !may(part, verb, class)),
                        Err(other) => panic!("{class} {state} {verb} {part}: {other}"),
                    }
                }
            }
        }
    }
}

#[test]
fn c_21_whistleblowing_is_the_inspectors_from_the_first_moment() {
    let (rules, now) = (rules(), at("2026-11-23T02:00:00Z"));
    let decision = open(opening(Class::Whistleblowing, now), &rules).unwrap();
    let case = decision.next;
    assert_eq!((case.lead.as_deref(), case.desk()), (Some(INSPEKTORAT), "whistleblowing"));
    assert!(
        decision
            .notices
            .iter()
            .all(|it| matches!(&it.to, To::Reporter(_)) || it.to == To::Admin(INSPEKTORAT.to_owned()))
    );
    let verified = decide(&case, &by(Part::Inspector), order(Verb::Verify, &case), &rules, now).unwrap().next;
    let elsewhere = Order::Dispose { agency: PUPR.to_owned(), helpers: Vec::new(), note: String::new() };
    assert_eq!(
        decide(&verified, &by(Part::Inspector), elsewhere, &rules, now),
        Err(Rejection::InspectorateOnly)
    );
    let (_, ticked) = tick(&verified, &rules, now + TimeDelta::days(60));
    assert!(!ticked.climbs.is_empty() && ticked.climbs.iter().all(|it| it.rung == Rung::Inspectorate));
}

fn walk(case: &Case, rules: &Rules, verbs: &[(Verb, Part)], now: DateTime<Utc>) -> Case {
    verbs.iter().fold(case.clone(), |case, (verb, part)| {
        decide(&case, &by(*part), order(*verb, &case), rules, now)
            .unwrap_or_else(|e| panic!("{verb}: {e}"))
            .next
    })
}

#[test]
fn c_28_clocks_stand_still_only_after_the_question_arrived() {
    let (rules, now) = (rules(), at("2026-11-23T02:00:00Z"));
    let case = open(opening(Class::Complaint, now), &rules).unwrap().next;
    let asked = walk(&case, &rules, &[(Verb::AskCompletion, Part::Coordinator)], now);
    assert_eq!(asked.clock(ClockKind::Verify).unwrap().state, ClockState::Running);
    assert_eq!(asked.reporter_until, None);
    let told = deliver(&asked, &rules, now + TimeDelta::hours(1)).unwrap();
    assert_eq!(told.clock(ClockKind::Verify).unwrap().state, ClockState::Paused);
    assert_eq!(told.clock(ClockKind::Settle).unwrap().state, ClockState::Paused);
    assert_eq!(told.clock(ClockKind::Reaction).unwrap().state, ClockState::Met);
    assert_eq!(deliver(&told, &rules, now + TimeDelta::hours(2)), None);
    let (over, ticked) = tick(&told, &rules, now + TimeDelta::hours(1) + TimeDelta::days(30));
    assert_eq!((over.next.state, ticked.closed), (State::DeemedWithdrawn, Some(Verb::DeemWithdrawn)));
    let back = walk(&told, &rules, &[(Verb::Complete, Part::Reporter)], now + TimeDelta::days(2));
    assert_eq!(back.state, State::New);
    assert_eq!(back.clock(ClockKind::Verify).unwrap().state, ClockState::Running);
    assert!(back.clock(ClockKind::Settle).unwrap().due_at > case.clock(ClockKind::Settle).unwrap().due_at);
}

#[test]
fn c_26_the_third_bounce_is_refused_and_each_holder_is_charged_its_minutes() {
    let (rules, now) = (rules(), at("2026-11-23T01:00:00Z"));
    let mut case = open(opening(Class::Complaint, now), &rules).unwrap().next;
    case = walk(&case, &rules, &[(Verb::Verify, Part::Coordinator), (Verb::Dispose, Part::Coordinator)], now);
    let settle = case.clock(ClockKind::Settle).unwrap().due_at;
    for _ in 0..2 {
        case = walk(&case, &rules, &[(Verb::Bounce, Part::Agency)], now + TimeDelta::hours(2));
        case = walk(&case, &rules, &[(Verb::Dispose, Part::Coordinator)], now + TimeDelta::hours(3));
    }
    assert_eq!(
        decide(&case, &by(Part::Agency), order(Verb::Bounce, &case), &rules, now + TimeDelta::hours(3)),
        Err(Rejection::BounceLimit(2))
    );
    assert_eq!(
        case.clock(ClockKind::Settle).unwrap().due_at,
        settle,
        "the clock of the case never starts again"
    );
    assert_eq!(case.clock(ClockKind::Accept).unwrap().cycle, 3, "that of the stage does");
    let charges = case.charges(&rules, now + TimeDelta::hours(3));
    // 08:00 to 10:00, then 10:00 to 11:00 with the coordinator.
    assert_eq!((charges[1].agency.as_str(), charges[1].minutes), (PUPR, 120));
    assert_eq!((charges[2].agency.as_str(), charges[2].minutes), ("coordinator", 60));
}

#[test]
fn c_31_c_32_each_reporter_has_a_word_and_a_reopened_case_keeps_its_lateness() {
    let (rules, now) = (rules(), at("2026-11-23T01:00:00Z"));
    let path = [
        (Verb::Verify, Part::Coordinator),
        (Verb::Dispose, Part::Coordinator),
        (Verb::Accept, Part::Agency),
        (Verb::FirstAnswer, Part::Agency),
    ];
    let case = walk(&open(opening(Class::Complaint, now), &rules).unwrap().next, &rules, &path, now);
    let mut second = opening(Class::Complaint, now + TimeDelta::hours(1));
    second.number.seq = 2;
    second.pseudonym = "Pelapor-2".to_owned();
    second.secrecy = Secrecy::Secret;
    second.place =
        Place { point: Some((-3.1, 102.2)), address: "Gang Merpati 7".to_owned(), ..Place::default() };
    let second = open(second, &rules).unwrap().next;
    let younger = Order::Merge {
        into: second.id,
        received_at: second.received_at,
        class: second.class,
        state: second.state,
    };
    assert_eq!(
        decide(&case, &by(Part::Coordinator), younger, &rules, now),
        Err(Rejection::CannotMerge("YOUNGER"))
    );
    let case = absorb(&case, &second);
    assert_eq!((case.reporters.len(), case.secrecy()), (2, Secrecy::Secret));
    assert!(!case.is_public());
    assert_eq!((case.place.point, case.place.address.as_str()), (Some((-3.1, 102.2)), "Gang Merpati 7"));
    let late = now + TimeDelta::days(60);
    let answered = walk(&case, &rules, &[(Verb::Answer, Part::Agency)], late);
    assert!(answered.clock(ClockKind::Settle).unwrap().late_at.is_some());
    let one = walk(&answered, &rules, &[(Verb::Confirm, Part::Reporter)], late);
    assert_eq!(one.state, State::AwaitingConfirmation, "the second has not said anything");
    // Nobody is silent whom the answer has not reached.
    let (untold, _) = tick(&one, &rules, late + TimeDelta::days(10));
    assert_eq!(untold.next.state, State::AwaitingConfirmation);
    let one = hear(&one, second.number, None, &rules).expect("it arrived");
    let no = Order::Reopen { reporter: "Pelapor-2".to_owned(), text: "Belum".to_owned(), files: vec![] };
    let reopened = decide(&one, &By::reporter(), no.clone(), &rules, late + TimeDelta::days(9)).unwrap().next;
    assert_eq!((reopened.state, reopened.holder()), (State::Reopened, PUPR));
    let settles: Vec<_> = reopened.clocks.iter().filter(|it| it.kind == ClockKind::Settle).collect();
    assert_eq!(settles.len(), 2);
    assert!(settles[0].late_at.is_some() && settles[1].late_at.is_none());
    assert_eq!(
        decide(&one, &By::reporter(), no, &rules, late + TimeDelta::days(10)),
        Err(Rejection::WindowOver)
    );
    let (silent, _) = tick(&one, &rules, late + TimeDelta::days(10));
    assert_eq!(silent.next.state, State::Settled);
}

#[test]
fn c_32_who_joins_an_answered_case_is_told_and_silent_only_after_that() {
    let (rules, now) = (rules(), at("2026-11-23T01:00:00Z"));
    let path = [
        (Verb::Verify, Part::Coordinator),
        (Verb::Dispose, Part::Coordinator),
        (Verb::Accept, Part::Agency),
        (Verb::Answer, Part::Agency),
    ];
    let first = walk(&open(opening(Class::Complaint, now), &rules).unwrap().next, &rules, &path, now);
    let first = hear(&first, first.number, None, &rules).unwrap();
    let mut second = opening(Class::Complaint, now + TimeDelta::hours(1));
    second.number.seq = 2;
    second.pseudonym = "Pelapor-2".to_owned();
    let number = second.number;
    let joined = absorb(&first, &open(second, &rules).unwrap().next);
    let told = Notice { to: To::Reporter("Pelapor-2".to_owned()), kind: NoticeKind::Answered };
    assert_eq!(again(&joined, number), [told]);
    let state = |case: &Case| tick(case, &rules, now + TimeDelta::days(60)).0.next.state;
    assert_eq!(state(&joined), State::AwaitingConfirmation);
    // Whom nothing can reach keeps nobody waiting; once they can be reached they are told.
    let lost = reach(&joined, number, false).unwrap();
    assert_eq!((state(&lost), again(&lost, number)), (State::Settled, vec![]));
    let found = reach(&lost, number, true).unwrap();
    assert_eq!((state(&found), again(&found, number).len()), (State::AwaitingConfirmation, 1));
    let mut gone = lost;
    gone.reporters.iter_mut().for_each(|it| it.left = true);
    assert_eq!(reach(&gone, number, true), None, "who left stays left");
}

#[test]
fn c_17_a_choice_that_is_read_late_undoes_no_later_one() {
    let (rules, now) = (rules(), at("2026-11-23T01:00:00Z"));
    let case = open(opening(Class::Complaint, now), &rules).unwrap().next;
    let who = case.reporters[0].pseudonym.clone();
    let chosen = choose(&case, &who, (Secrecy::Open, now)).unwrap();
    let late = choose(&chosen, &who, (Secrecy::Anonymous, now - TimeDelta::seconds(1))).unwrap();
    assert_eq!(late.reporters[0].secrecy, Secrecy::Open);
    let again = choose(&late, &who, (Secrecy::Secret, now)).unwrap();
    assert_eq!(again.reporters[0].secrecy, Secrecy::Secret);
}

#[test]
fn c_28_a_question_that_reached_nobody_pauses_nothing() {
    let (rules, now) = (rules(), at("2026-11-23T01:00:00Z"));
    let mute = Opening { reachable: false, channel: Channel::Facebook, ..opening(Class::Complaint, now) };
    let case = open(mute, &rules).unwrap().next;
    let asked = walk(&case, &rules, &[(Verb::AskCompletion, Part::Coordinator)], now);
    assert_eq!((asked.state, asked.reporter_until), (State::AwaitingCompletion, None));
    assert!(asked.open_clocks().all(|it| it.state == ClockState::Running));
    let (later, ticked) = tick(&asked, &rules, now + TimeDelta::days(60));
    assert_eq!((later.next.state, ticked.closed), (State::AwaitingCompletion, None), "nobody was silent");
    assert!(ticked.late.contains(&ClockKind::Settle));
    // Whoever finds it where the case is followed answers it all the same.
    let answered = walk(&asked, &rules, &[(Verb::Complete, Part::Reporter)], now);
    assert_eq!(answered.state, State::New);
}

#[test]
fn c_28_an_officer_enters_what_was_said_elsewhere_or_takes_the_question_back() {
    let (rules, now) = (rules(), at("2026-11-23T02:00:00Z"));
    let taken = [
        (Verb::Verify, Part::Coordinator),
        (Verb::Dispose, Part::Coordinator),
        (Verb::Accept, Part::Agency),
        (Verb::Answer, Part::Agency),
        (Verb::Reopen, Part::Reporter),
    ];
    for (steps, asks, stood) in [
        (0, Part::Coordinator, State::New),
        (1, Part::Coordinator, State::Verified),
        (3, Part::Agency, State::InProgress),
        (5, Part::Agency, State::Reopened),
    ] {
        let case = open(opening(Class::Complaint, now), &rules).unwrap().next;
        let case = walk(&case, &rules, &taken[..steps], now);
        assert_eq!(case.state, stood);
        let asked = walk(&case, &rules, &[(Verb::AskCompletion, asks)], now);
        // Whether the question arrived or not.
        for asked in [asked.clone(), deliver(&asked, &rules, now).unwrap()] {
            let later = now + TimeDelta::days(2);
            let enters = |reporter: &str| Order::Complete {
                reporter: reporter.to_owned(),
                text: "Di sebelah utara".to_owned(),
                files: vec![],
                external: String::new(),
                note: "Pelapor datang ke meja.".to_owned(),
            };
            let entered = decide(&asked, &by(asks), enters(""), &rules, later).unwrap();
            let [said, note] = &entered.next.messages[asked.messages.len()..] else { panic!("two messages") };
            assert_eq!((said.by, said.reporter.as_str()), (Part::Reporter, "Pelapor-1"));
            assert_eq!((said.text.as_str(), said.account.as_str()), ("Di sebelah utara", "acc_1"));
            assert_eq!((note.kind, note.by), (MessageKind::Note, asks));
            let back =
                decide(&asked, &by(asks), order(Verb::TakeBackQuestion, &asked), &rules, later).unwrap();
            for (decision, told) in
                [(&entered, NoticeKind::CompletedByOffice), (&back, NoticeKind::QuestionTakenBack)]
            {
                let next = &decision.next;
                assert_eq!((next.state, next.resume, next.reporter_until), (stood, None, None));
                assert!(!next.question_open && again(next, next.number).is_empty());
                assert!(next.open_clocks().all(|it| it.state == ClockState::Running));
                let to = To::Reporter("Pelapor-1".to_owned());
                assert_eq!(decision.notices, [Notice { to, kind: told }]);
                let (tomorrow, ticked) = tick(next, &rules, later + TimeDelta::days(31));
                assert_eq!((tomorrow.next.state, ticked.closed), (stood, None), "nobody is silent any more");
            }
            assert!(back.next.messages.iter().all(|it| it.reporter.is_empty() || it.at == now));
            // Of two reporters it is said which one; nobody is made up.
            let mut two = asked.clone();
            two.reporters.push(Reporter { pseudonym: "Pelapor-2".to_owned(), ..two.reporters[0].clone() });
            for unknown in ["", "Pelapor-3"] {
                let refused = decide(&two, &by(asks), enters(unknown), &rules, later);
                assert_eq!(refused, Err(Rejection::UnknownReporter(unknown.to_owned())));
            }
            let named = decide(&two, &by(asks), enters("Pelapor-2"), &rules, later).unwrap().next;
            assert_eq!(named.messages[asked.messages.len()].reporter, "Pelapor-2");
            let own = decide(&asked, &By::reporter(), order(Verb::TakeBackQuestion, &asked), &rules, later);
            assert!(matches!(own, Err(Rejection::NotYours { .. })));
        }
    }
}

#[test]
fn c_53_another_category_counts_again_and_what_is_late_stays_late() {
    let (mut rules, now) = (rules(), at("2026-11-23T01:00:00Z"));
    let mut fast = rules.categories["JLN"].clone();
    fast.key = "PDAM".to_owned();
    fast.deadline_kind = "FAST".to_owned();
    rules.categories.insert("PDAM".to_owned(), fast);
    let mut row = rules.deadlines.iter().find(|it| it.key == "D5").unwrap().clone();
    row.id = DeadlineId::generate();
    row.kind = "FAST".to_owned();
    row.value = 2;
    rules.deadlines.push(row);
    let case = open(opening(Class::Complaint, now), &rules).unwrap().next;
    let by = by(Part::Coordinator);
    let decision =
        recategorise(&case, &by, ("PDAM", Class::Complaint), "air".to_owned(), &rules, now).unwrap();
    let next = decision.next;
    assert_eq!((next.number, next.category.as_str()), (case.number, "PDAM"));
    assert!(next.clock(ClockKind::Settle).unwrap().due_at < case.clock(ClockKind::Settle).unwrap().due_at);
    assert_eq!(decision.notices.len(), 1, "the reporter is told once");
    let late = now + TimeDelta::days(60);
    let next =
        recategorise(&case, &by, ("PDAM", Class::Complaint), "air".to_owned(), &rules, late).unwrap().next;
    assert_eq!(
        next.clock(ClockKind::Settle).unwrap().deadline,
        case.clock(ClockKind::Settle).unwrap().deadline
    );
}

#[test]
fn c_53_a_clock_of_an_agency_that_is_counted_in_working_days_from_now_on_counts_by_its_calendar() {
    let (mut rules, begun) = (rules(), at("2026-11-23T01:00:00Z"));
    let own =
        CalendarVersion { id: PUPR.to_owned(), version: 3, calendar: WorkCalendar::five_days(TimeZone::Wit) };
    rules.calendars.insert(PUPR.to_owned(), own);
    rules.agencies.get_mut(PUPR).unwrap().calendar = PUPR.to_owned();
    let hours = rules.deadlines.iter_mut().find(|it| it.key == "D2").unwrap();
    hours.unit = Unit::Hours;
    let row = Deadline {
        id: DeadlineId::generate(),
        kind: "FAST".to_owned(),
        unit: Unit::WorkingDays,
        ..hours.clone()
    };
    rules.deadlines.push(row);
    let fast = Category {
        key: "PDAM".to_owned(),
        deadline_kind: "FAST".to_owned(),
        ..rules.categories["JLN"].clone()
    };
    rules.categories.insert("PDAM".to_owned(), fast);
    let by = by(Part::Coordinator);
    let fresh = open(opening(Class::Complaint, begun), &rules).unwrap().next;
    let verified = decide(&fresh, &by, order(Verb::Verify, &fresh), &rules, begun).unwrap().next;
    let give = Order::Dispose { agency: PUPR.to_owned(), helpers: Vec::new(), note: String::new() };
    let given = decide(&verified, &by, give, &rules, begun).unwrap().next;
    let counted = |case: &Case| {
        let clock = case.clock(ClockKind::FirstAnswer).unwrap();
        (clock.calendar.clone(), clock.calendar_version)
    };
    assert_eq!(counted(&given), (String::new(), 0), "hours count by none");
    let wanted = ("PDAM", Class::Complaint);
    let next = recategorise(&given, &by, wanted, "alasan".to_owned(), &rules, begun).unwrap().next;
    assert_eq!(counted(&next), (PUPR.to_owned(), 3));
}

#[test]
fn c_39_told_the_same_agency_again_a_late_case_stays_late() {
    let (rules, begun) = (rules(), at("2026-11-23T01:00:00Z"));
    let go = |case: &Case, part, order, now| decide(case, &by(part), order, &rules, now).unwrap().next;
    let give =
        |agency: &str| Order::Dispose { agency: agency.to_owned(), helpers: Vec::new(), note: String::new() };
    let fresh = open(opening(Class::Complaint, begun), &rules).unwrap().next;
    let verified = go(&fresh, Part::Coordinator, order(Verb::Verify, &fresh), begun);
    let given = go(&verified, Part::Coordinator, give(PUPR), begun);
    let of = |case: &Case, kind| {
        let clocks = case.clocks.iter().filter(|it| it.kind == kind);
        clocks.map(|it| (it.state, it.late_at.is_some())).collect::<Vec<_>>()
    };
    // Two days later taking it is late.
    let now = begun + TimeDelta::days(2);
    let again = go(&given, Part::Coordinator, give(PUPR), now);
    assert_eq!(of(&again, ClockKind::Accept), [(ClockState::Running, true)]);
    assert_eq!(again.clock(ClockKind::FirstAnswer), given.clock(ClockKind::FirstAnswer));
    assert!(again.is_late(now));
    // Taken, and the first answer late: it is late with nothing that it has done, and is to be answered no later.
    let taken = go(&given, Part::Agency, Order::Accept, begun);
    let now = begun + TimeDelta::days(20);
    let again = go(&taken, Part::Coordinator, give(PUPR), now);
    assert_eq!(
        (again.state, of(&again, ClockKind::Accept)),
        (State::Disposed, vec![(ClockState::Met, false)])
    );
    assert_eq!(of(&again, ClockKind::FirstAnswer), [(ClockState::Running, true)]);
    // Another agency has its own time.
    let other = go(&taken, Part::Coordinator, give(DINKES), now);
    assert_eq!(
        of(&other, ClockKind::FirstAnswer),
        [(ClockState::Stopped, true), (ClockState::Running, false)]
    );
}

#[test]
fn c_39_told_the_same_agency_again_nobody_is_late_with_what_was_done() {
    let (rules, begun) = (rules(), at("2026-11-23T01:00:00Z"));
    let stage = |case: &Case| {
        [ClockKind::Accept, ClockKind::FirstAnswer].map(|kind| {
            case.clocks.iter().filter(|it| it.kind == kind).map(|it| it.state).collect::<Vec<_>>()
        })
    };
    let once = || vec![ClockState::Met];
    let anew = || vec![ClockState::Met, ClockState::Running];
    let path = [
        (Verb::Verify, Part::Coordinator),
        (Verb::Dispose, Part::Coordinator),
        (Verb::Accept, Part::Agency),
        (Verb::FirstAnswer, Part::Agency),
    ];
    let told = walk(&open(opening(Class::Complaint, begun), &rules).unwrap().next, &rules, &path, begun);
    let give = [(Verb::Dispose, Part::Coordinator)];
    // Also told so twice, and taken in between.
    let again = walk(&told, &rules, &[give[0], give[0]], begun);
    assert_eq!((again.state, stage(&again)), (State::Disposed, [once(), once()]));
    let taken = walk(&again, &rules, &[(Verb::Accept, Part::Agency), give[0]], begun);
    assert_eq!(stage(&taken), [once(), once()]);
    let (_, ticked) = tick(&taken, &rules, begun + TimeDelta::days(60));
    assert_eq!(ticked.late, [ClockKind::Settle]);
    // What it sent back, or what was opened again, begins anew, and that is not told anew once more.
    let back = walk(&told, &rules, &[(Verb::Bounce, Part::Agency), give[0]], begun);
    let opened = [(Verb::Answer, Part::Agency), (Verb::Reopen, Part::Reporter), give[0]];
    for case in [back, walk(&told, &rules, &opened, begun)] {
        assert_eq!(stage(&case), [anew(), anew()]);
        assert_eq!(stage(&walk(&case, &rules, &give, begun)), [anew(), anew()]);
    }
}

#[test]
fn c_53_another_category_makes_nobody_late_by_a_row_for_who_holds_it() {
    const CAMAT: &str = "17.07.05";
    let (mut rules, begun) = (rules(), at("2026-11-23T01:00:00Z"));
    for (key, kind) in [("PDAM", "FAST"), ("LAIN", "OTHER")] {
        let other = Category {
            key: key.to_owned(),
            deadline_kind: kind.to_owned(),
            ..rules.categories["JLN"].clone()
        };
        rules.categories.insert(key.to_owned(), other);
    }
    let camat = Agency { id: CAMAT.to_owned(), ..rules.agencies[PUPR].clone() };
    rules.agencies.insert(CAMAT.to_owned(), camat);
    let promise = rules.deadlines.iter().find(|it| it.key == "D12").unwrap().clone();
    let mut add = |key: &str, kind: &str, holder: &str, value| {
        let (id, key) = (DeadlineId::generate(), key.to_owned());
        let (kind, holder) = (kind.to_owned(), holder.to_owned());
        rules.deadlines.push(Deadline { id, key, kind, holder, value, ..promise.clone() });
    };
    add("D12C", "", SUB_DISTRICT, 2);
    add("D12F", "FAST", SUB_DISTRICT, 1);
    add("D12O", "OTHER", "", 1);
    let rules = rules;
    let key = |case: &Case| {
        let id = case.clock(ClockKind::Reaction).unwrap().deadline;
        rules.deadlines.iter().find(|it| it.id == id).unwrap().key.as_str()
    };
    let held_from = |minutes| {
        let now = begun + TimeDelta::minutes(minutes);
        let case = open(opening(Class::Complaint, begun), &rules).unwrap().next;
        let by = by(Part::Coordinator);
        let case = decide(&case, &by, order(Verb::Verify, &case), &rules, now).unwrap().next;
        let give = Order::Dispose { agency: CAMAT.to_owned(), helpers: Vec::new(), note: String::new() };
        decide(&case, &by, give, &rules, now).unwrap().next
    };
    let sorted = |case: &Case, category, minutes| {
        let (by, now) = (by(Part::Coordinator), begun + TimeDelta::minutes(minutes));
        let wanted = (category, Class::Complaint);
        recategorise(case, &by, wanted, "alasan".to_owned(), &rules, now).unwrap().next
    };
    let is_late = |case: &Case, minutes| {
        case.clock(ClockKind::Reaction).unwrap().is_late(begun + TimeDelta::minutes(minutes))
    };
    // Given to the camat after three hours, when the two of the camat are over: the four of everybody go on, also in another
    // category.
    let late_given = held_from(180);
    assert_eq!(key(&late_given), "D12");
    let next = sorted(&late_given, "PDAM", 190);
    assert_eq!((key(&next), is_late(&next, 190)), ("D12", false));
    assert!(is_late(&next, 240), "and no longer");
    // Given in time: the row of the other category counts where its time is not over, and is no way to more time where it is.
    let given = held_from(10);
    assert_eq!(key(&given), "D12C");
    let next = sorted(&given, "PDAM", 50);
    assert_eq!((key(&next), is_late(&next, 59), is_late(&next, 60)), ("D12F", false, true));
    let next = sorted(&given, "PDAM", 90);
    assert_eq!((key(&next), is_late(&next, 90), is_late(&next, 120)), ("D12C", false, true));
    // Nor while it stands still: it would be late as soon as it goes on.
    let mut asked = given.clone();
    asked.clocks.iter_mut().for_each(|it| it.pause(begun + TimeDelta::minutes(80)));
    assert_eq!(key(&sorted(&asked, "PDAM", 90)), "D12C");
    asked = given.clone();
    asked.clocks.iter_mut().for_each(|it| it.pause(begun + TimeDelta::minutes(50)));
    assert_eq!(key(&sorted(&asked, "PDAM", 90)), "D12F", "ten minutes are left");
    // What is late stays late, and what holds for everybody counts from when it was received.
    assert!(is_late(&sorted(&given, "PDAM", 121), 121));
    assert_eq!(key(&sorted(&given, "PDAM", 121)), "D12C");
    let next = sorted(&given, "LAIN", 90);
    assert_eq!((key(&next), is_late(&next, 90)), ("D12O", true));
}

proptest! {
    /// Whatever is done to a case: time marks are never taken back, a closed case has no clock that runs, exactly one
    /// holder holds an open case that is worked on, and a tick changes nothing the second time.
    #[test]
    fn any_walk_keeps_what_must_hold(steps in prop::collection::vec((0_usize..16, 0_usize..5, 0_i64..400_000), 1..40)) {
        let rules = rules();
        let mut now = at("2026-01-05T01:00:00Z");
        let mut case = open(opening(Class::Complaint, now), &rules).unwrap().next;
        let verbs: Vec<Verb> = Verb::iter().collect();
        let parts: Vec<Part> = Part::iter().collect();
        let mut late: Vec<(ClockKind, u32, DateTime<Utc>)> = Vec::new();
        for (verb, part, wait) in steps {
            now += TimeDelta::seconds(wait);
            let (ticked, what) = tick(&case, &rules, now);
            let (again, nothing) = tick(&ticked.next, &rules, now);
            prop_assert_eq!(&again.next, &ticked.next);
            prop_assert!(nothing.is_nothing(), "{:?} after {:?}", nothing, what);
            case = ticked.next;
            if let Ok(decision) = decide(&case, &by(parts[part]), order(verbs[verb], &case), &rules, now) {
                case = decision.next;
            }
            if let Some(told) = deliver(&case, &rules, now) {
                case = told;
            }
            for (kind, cycle, moment) in &late {
                let clock = case.clocks.iter().find(|it| it.kind == *kind && it.cycle == *cycle).unwrap();
                prop_assert_eq!(clock.late_at, Some(*moment));
            }
            late = case.clocks.iter().filter_map(|it| Some((it.kind, it.cycle, it.late_at?))).collect();
            prop_assert_eq!(case.state.is_closed(), case.closed_at.is_some());
            if case.state.is_closed() {
                prop_assert_eq!(case.open_clocks().count(), 0);
                prop_assert!(case.holders.iter().all(|it| it.to.is_some()));
            } else {
                prop_assert!(case.holders.iter().filter(|it| it.to.is_none()).count() <= 1);
            }
            prop_assert!(case.open_clocks().count() <= 5);
        }
    }
}

#[test]
fn c_53_what_becomes_whistleblowing_waits_for_nobody_and_its_clocks_run() {
    let rules = rules();
    let begun = at("2026-11-23T01:00:00Z");
    let by = |part| By { part, account: "acc_1".to_owned(), agency: String::new() };
    let go =
        |case: &Case, part, verb, now| decide(case, &by(part), order(verb, case), &rules, now).unwrap().next;
    let fresh = open(opening(Class::Complaint, begun), &rules).unwrap().next;
    let verified = go(&fresh, Part::Coordinator, Verb::Verify, begun);
    let disposed = go(&verified, Part::Coordinator, Verb::Dispose, begun);
    let taken = go(&disposed, Part::Agency, Verb::Accept, begun);
    let asked = go(&taken, Part::Agency, Verb::AskCompletion, begun);
    let waiting = deliver(&asked, &rules, begun).unwrap();
    let answered = go(&taken, Part::Agency, Verb::Answer, begun);
    let now = begun + TimeDelta::days(1);
    for case in [fresh, disposed, taken, asked, waiting, answered] {
        let state = case.state;
        let wanted = ("JLN", Class::Whistleblowing);
        let next = recategorise(&case, &by(Part::Coordinator), wanted, "alasan".to_owned(), &rules, now)
            .unwrap()
            .next;
        assert_eq!((next.state, next.resume, next.reporter_until), (State::New, None, None), "{state}");
        assert!(!next.question_open, "{state}");
        let mut running: Vec<_> = next.open_clocks().map(|it| (it.kind, it.state)).collect();
        running.retain(|it| it.0 != ClockKind::Reaction);
        running.sort_by_key(|it| it.0);
        let expected = [ClockKind::Verify, ClockKind::Settle].map(|kind| (kind, ClockState::Running));
        assert_eq!(running, expected, "{state}");
        // Time alone makes it late, and tells the inspectorate.
        let (_, ticked) = tick(&next, &rules, now + TimeDelta::days(60));
        assert!(
            ticked.late.contains(&ClockKind::Verify) && ticked.late.contains(&ClockKind::Settle),
            "{state}"
        );
    }
}
