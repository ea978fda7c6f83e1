//! Lines 30 and 36: estimates, and numbers that equal a recomputation from the events.

use std::collections::{BTreeMap, HashMap};

use mpp_kit::testing::Engine;
use mpp_proto::queue::v1::*;
use tonic::Code;

use super::history;
use super::house::{House, service_of};

/// One leg as it follows from the kinds, times and counters of events.
#[derive(Debug, Clone, Default)]
struct Leg {
    service: String,
    agency: String,
    counter: String,
    queued: i64,
    called: Option<i64>,
    started: Option<i64>,
    ended: Option<i64>,
    outcome: Option<EventKind>,
    calls: i32,
    party: i32,
    /// What it began with.
    came: EventKind,
    /// When it was served, from and to.
    served: Vec<(i64, Option<i64>)>,
}

impl Leg {
    fn stop(&mut self, at: i64) {
        if let Some((_, end @ None)) = self.served.last_mut() {
            *end = Some(at);
        }
    }
}

/// The nearest-rank percentile.
fn rank(values: &mut [i64], percent: usize) -> i32 {
    values.sort_unstable();
    let at = (values.len() * percent).div_ceil(100).max(1) - 1;
    values.get(at).map_or(0, |seconds| i32::try_from(*seconds).expect("small"))
}

fn row(key: &str, legs: &[&Leg]) -> StatisticsRow {
    let ended = |kind: EventKind| {
        i32::try_from(legs.iter().filter(|leg| leg.outcome == Some(kind)).count()).expect("small")
    };
    let came =
        |kind: EventKind| i32::try_from(legs.iter().filter(|leg| leg.came == kind).count()).expect("small");
    let between = |from: fn(&Leg) -> Option<i64>, to: &dyn Fn(&Leg) -> Option<i64>| -> Vec<i64> {
        legs.iter().filter_map(|leg| Some(to(leg)? - from(leg)?)).collect()
    };
    let mut waits = between(|leg| Some(leg.queued), &|leg| leg.called);
    let mut ways = between(|leg| leg.called, &|leg| leg.started);
    // What was given up or forgotten says nothing about how long service takes.
    let given =
        |leg: &Leg| matches!(leg.outcome, Some(EventKind::TicketFinished | EventKind::TicketTransferred));
    let spans = |leg: &Leg| leg.served.iter().filter_map(|(from, to)| Some((*to)? - from)).sum::<i64>();
    let given = legs.iter().filter(|leg| given(leg) && leg.started.is_some());
    let mut services: Vec<i64> = given.map(|leg| spans(leg)).collect();
    StatisticsRow {
        key: key.to_owned(),
        issued: i32::try_from(legs.len()).expect("small"),
        served: ended(EventKind::TicketFinished),
        no_show: ended(EventKind::TicketNoShow),
        cancelled: ended(EventKind::TicketCancelled),
        transferred: ended(EventKind::TicketTransferred),
        expired: ended(EventKind::TicketExpired),
        open: i32::try_from(legs.iter().filter(|leg| leg.outcome.is_none()).count()).expect("small"),
        wait_p50_seconds: rank(&mut waits, 50),
        wait_p90_seconds: rank(&mut waits, 90),
        way_p50_seconds: rank(&mut ways, 50),
        service_p50_seconds: rank(&mut services, 50),
        service_p90_seconds: rank(&mut services, 90),
        persons: legs.iter().filter(|leg| leg.came == EventKind::TicketIssued).map(|leg| leg.party).sum(),
        calls: legs.iter().map(|leg| leg.calls).sum(),
        tickets: came(EventKind::TicketIssued),
        received: came(EventKind::TicketTransferred),
        restored: came(EventKind::TicketRestored),
    }
}

/// The statistics of the first day of a house from its events alone, in WIB.
fn recompute(events: &[Event]) -> Statistics {
    let mut legs: HashMap<String, Vec<Leg>> = HashMap::new();
    let mut before_call: HashMap<String, Leg> = HashMap::new();
    for event in events {
        let (Some(ticket), Some(time)) = (&event.ticket, &event.time) else { continue };
        let all = legs.entry(ticket.id.clone()).or_default();
        if matches!(event.kind(), EventKind::TicketTransferred) {
            let leg = all.last_mut().expect("issued before");
            leg.stop(time.seconds);
            (leg.ended, leg.outcome) = (Some(time.seconds), Some(event.kind()));
        }
        if matches!(
            event.kind(),
            EventKind::TicketIssued | EventKind::TicketTransferred | EventKind::TicketRestored
        ) {
            all.push(Leg {
                service: ticket.service_id.clone(),
                agency: ticket.agency_id.clone(),
                queued: time.seconds,
                party: ticket.party_size,
                came: event.kind(),
                ..Leg::default()
            });
            continue;
        }
        let leg = all.last_mut().expect("issued before");
        match event.kind() {
            EventKind::TicketCalled | EventKind::TicketCalledSpecific | EventKind::TicketResumed => {
                before_call.insert(ticket.id.clone(), leg.clone());
                leg.called.get_or_insert(time.seconds);
                leg.counter.clone_from(&event.counter_id);
                leg.calls += 1;
            }
            EventKind::TicketRecalled => leg.calls += 1,
            EventKind::TicketStarted => {
                leg.started.get_or_insert(time.seconds);
                leg.served.push((time.seconds, None));
            }
            EventKind::CallUndone => *leg = before_call.remove(&ticket.id).expect("called before"),
            EventKind::TicketFinished
            | EventKind::TicketNoShow
            | EventKind::TicketCancelled
            | EventKind::TicketExpired => {
                leg.stop(time.seconds);
                (leg.ended, leg.outcome) = (Some(time.seconds), Some(event.kind()));
            }
            EventKind::TicketParked | EventKind::TicketReleased => leg.stop(time.seconds),
            EventKind::TicketReopened => (leg.ended, leg.outcome) = (None, None),
            EventKind::TicketAbsent => {}
            EventKind::Unspecified
            | EventKind::DayOpened
            | EventKind::DayClosed
            | EventKind::DayReopened
            | EventKind::Configured
            | EventKind::IntakeStopped
            | EventKind::IntakeResumed
            | EventKind::CounterOpened
            | EventKind::CounterPaused
            | EventKind::CounterResumed
            | EventKind::CounterClosed
            | EventKind::TicketIssued
            | EventKind::TicketTransferred
            | EventKind::TicketRestored => panic!("{:?} is no step of a leg", event.kind()),
        }
    }
    let legs: Vec<Leg> = legs.into_values().flatten().collect();
    let by = |key: fn(&Leg) -> String| -> Vec<StatisticsRow> {
        let mut groups: BTreeMap<String, Vec<&Leg>> = BTreeMap::new();
        for leg in &legs {
            groups.entry(key(leg)).or_default().push(leg);
        }
        groups.iter().filter(|(key, _)| !key.is_empty()).map(|(key, legs)| row(key, legs)).collect()
    };
    Statistics {
        date: "2026-03-02".to_owned(),
        total: Some(row("", &legs.iter().collect::<Vec<_>>())),
        services: by(|leg| leg.service.clone()),
        agencies: by(|leg| leg.agency.clone()),
        counters: by(|leg| leg.counter.clone()),
        hours: by(|leg| format!("{:02}", (leg.queued / 3600 + 7) % 24)),
    }
}

/// Rows by key, without what a row that counts nothing would say; the total has whatever key the service gives it.
fn plain(mut statistics: Statistics) -> Statistics {
    for rows in
        [&mut statistics.services, &mut statistics.agencies, &mut statistics.counters, &mut statistics.hours]
    {
        rows.retain(|row| row.issued > 0);
        rows.sort_by(|one, other| one.key.cmp(&other.key));
    }
    if let Some(total) = &mut statistics.total {
        total.key = String::new();
    }
    statistics
}

lines! {
    /// 36. Statistics per service, agency, counter and hour equal a recomputation from the events: issued, served,
    /// no-show, cancelled, transferred, waits, ways, service times.
    async fn must_36_statistics_equal_the_events(engine) {
        let house = House::with(engine, |hall| service_of(hall, "KK").max_calls = 1).await;
        let check = async |when: &str| {
            let expected = plain(recompute(&house.events().await));
            assert_eq!(plain(house.statistics().await), expected, "{when}");
        };
        check("an empty morning").await;
        for round in 0..4_i32 {
            for service in ["KTP", "KK", "STNK"] {
                let request = IssueTicketRequest { party_size: 1 + round, ..house.wants(service) };
                house.kiosk().issue_ticket(request).await.expect("a ticket");
                house.wait(37);
            }
            house.issue_priority("KTP").await;
            house.wait(600 + i64::from(round) * 97);
            house.serve("1", 100 + i64::from(round) * 53).await;
            let called = house.call("3").await.expect("called");
            house.wait(25);
            house.start("3", &called).await;
            house.wait(45);
            match round {
                0 => _ = house.transfer("3", &called, "KTP").await,
                1 => _ = house.park("3", &called, "fotokopi").await,
                2 => {
                    let cancel = CancelTicketRequest { ticket: called.id.clone(), ..CancelTicketRequest::default() };
                    house.staff("3").cancel_ticket(cancel).await.expect("cancelled");
                }
                _ => {
                    let release = ReleaseTicketRequest { ticket: called.id.clone(), reason: "lupa".into(), ..ReleaseTicketRequest::default() };
                    house.supervisor("SAMSAT").release_ticket(release).await.expect("released");
                }
            }
            check(&format!("round {round}")).await;
            // A call that is taken back counts nowhere; an absent visitor and a no-show do.
            let called = house.call("2").await.expect("called");
            let undo = UndoCallRequest { ticket: called.id.clone(), ..UndoCallRequest::default() };
            house.staff("2").undo_call(undo).await.expect("in time");
            let called = house.call("2").await.expect("called");
            house.wait(11);
            let recall = RecallTicketRequest { ticket: called.id.clone(), ..RecallTicketRequest::default() };
            house.staff("2").recall_ticket(recall).await.expect("announced again");
            let gone = house.no_show("2", &called).await;
            if gone.state() == TicketState::NoShow {
                let restore = RestoreTicketRequest { ticket: gone.id.clone(), reason: "datang".into(), ..RestoreTicketRequest::default() };
                house.reception().restore_ticket(restore).await.expect("restored");
            }
            check(&format!("round {round}, absent")).await;
        }
        let before = house.statistics().await;
        let total = before.total.clone().expect("a total");
        // Numbers are counted once, whoever they are sent on to, and every row adds up.
        let numbers = house.events().await.iter().filter(|event| event.kind() == EventKind::TicketIssued).count();
        assert_eq!(usize::try_from(total.tickets).ok(), Some(numbers));
        assert_eq!(total.persons, 4 + 3 * (1 + 2 + 3 + 4), "each person once");
        assert!(total.received > 0 && total.restored > 0, "{total:?}");
        for row in before.services.iter().chain(&before.agencies).chain(&before.hours).chain([&total]) {
            let ended = row.served + row.no_show + row.cancelled + row.transferred + row.expired;
            assert_eq!(row.tickets + row.received + row.restored, ended + row.open, "{row:?}");
        }
        for (count, what) in [(total.served, "served"), (total.cancelled, "cancelled"), (total.transferred, "transferred"), (total.open, "open")] {
            assert!(count > 0, "nothing was {what}: the day was too simple");
        }
        assert!(total.wait_p90_seconds > total.wait_p50_seconds && before.hours.len() > 1);
        house.close_day().await;
        check("after the day").await;
        let request = GetStatisticsRequest { hall: house.hall_id(), date: "2026-3-2".into() };
        assert_eq!(house.analyst().get_statistics(request).await.expect_err("no date").fields, ["date"]);
        history::verify(&house).await;
    }

    /// 36. Service is the time at the counter: who fetches a copy for two hours, or waits again, is not being served.
    async fn must_36_service_time_is_without_the_time_aside(engine) {
        let house = House::open(engine).await;
        let resume = |ticket: &Ticket| ResumeTicketRequest {
            ticket: ticket.id.clone(), counter_id: house.counter("1").id.clone(), ..ResumeTicketRequest::default()
        };
        house.issue("KTP").await;
        let ticket = house.call("1").await.expect("called");
        house.start("1", &ticket).await;
        house.wait(120);
        house.park("1", &ticket, "ambil fotokopi").await;
        house.wait(2 * 3600);
        house.staff("1").resume_ticket(resume(&ticket)).await.expect("back");
        house.wait(30);
        house.start("1", &ticket).await;
        house.wait(60);
        let release = ReleaseTicketRequest { ticket: ticket.id.clone(), reason: "salah loket".into(), ..ReleaseTicketRequest::default() };
        house.supervisor("DUKCAPIL").release_ticket(release).await.expect("released");
        house.wait(1800);
        house.call("1").await.expect("called again");
        house.start("1", &ticket).await;
        house.wait(20);
        let done = house.finish("1", &ticket).await;
        assert_eq!(done.legs.iter().map(|leg| leg.service_seconds).collect::<Vec<_>>(), [200]);
        // Parked and sent on from there.
        house.issue("KK").await;
        let other = house.call("1").await.expect("called");
        house.start("1", &other).await;
        house.wait(50);
        house.park("1", &other, "ambil fotokopi").await;
        house.wait(3600);
        house.transfer("1", &other, "KTP").await;
        let total = house.statistics().await.total.expect("a total");
        assert_eq!((total.service_p50_seconds, total.service_p90_seconds), (50, 200));
        assert_eq!(plain(house.statistics().await), plain(recompute(&house.events().await)));
        history::verify(&house).await;
    }

    /// 30. The estimate comes from recent real durations and open counters, is a range, and is absent when no counter is
    /// open.
    async fn must_30_estimates_follow_durations_and_counters(engine) {
        let house = House::open(engine).await;
        let estimate = async || house.status("KTP").await.estimate;
        // The promised minutes before anything was served.
        for _ in 0..6 {
            house.issue("KTP").await;
        }
        let promised = estimate().await.expect("counters are open");
        assert!(promised.min_minutes < promised.max_minutes);
        // Really it goes quicker: two minutes each.
        for _ in 0..6 {
            house.issue("KTP").await;
            house.serve("1", 120).await;
        }
        let quick = estimate().await.expect("counters are open");
        assert!(quick.max_minutes < promised.min_minutes, "{quick:?} instead of {promised:?}");
        // Six before, two counters, two minutes each: six minutes lies within.
        assert!((quick.min_minutes..=quick.max_minutes).contains(&6), "{quick:?}");
        // One counter goes on break: twice as long. Both: nobody knows.
        let pause = |number: &str| PauseCounterRequest {
            counter: house.counter(number).id.clone(), reason: "istirahat".into(), ..PauseCounterRequest::default()
        };
        house.staff("1").pause_counter(pause("1")).await.expect("paused");
        let half = estimate().await.expect("one is open");
        assert!(half.max_minutes > quick.max_minutes && half.min_minutes > quick.min_minutes, "{half:?} {quick:?}");
        house.staff("2").pause_counter(pause("2")).await.expect("paused");
        assert_eq!(estimate().await, None);
        let status = house.status("KTP").await;
        assert_eq!((status.open_counters, status.waiting, status.state()), (0, 6, ServiceState::Open));
        let answer = house.kiosk().issue_ticket(house.wants("KTP")).await.expect("a ticket");
        assert_eq!((answer.estimate, answer.people_ahead), (None, 6));
        // The other agency has its own counters.
        assert!(house.status("STNK").await.estimate.is_some());
    }

    /// 1, 30, 31. Where counters call for several services, everybody who would be called before counts, whatever they wait
    /// for: on the receipt, at the kiosk, on the page.
    async fn must_30_people_ahead_are_those_of_every_service_of_the_counters(engine) {
        let house = House::open(engine).await;
        for _ in 0..12 {
            house.issue("KTP").await;
        }
        let before = house.status("KK").await;
        let answer = house.kiosk().issue_ticket(house.wants("KK")).await.expect("a ticket");
        let ticket = answer.ticket.expect("a ticket");
        let page = house.page(&ticket.token).await;
        assert_eq!((before.waiting, before.people_ahead, answer.people_ahead, page.people_ahead), (0, 12, 12, 12));
        // Twelve of ten minutes at two counters: an hour.
        for estimate in [before.estimate, answer.estimate, page.estimate] {
            let estimate = estimate.expect("counters are open");
            assert!((estimate.min_minutes..=estimate.max_minutes).contains(&60), "{estimate:?}");
        }
        for ahead in (0..12).rev() {
            house.serve("1", 60).await;
            assert_eq!(house.page(&ticket.token).await.people_ahead, ahead);
        }
        assert_eq!(house.call("1").await.expect("called").id, ticket.id, "after exactly those");
    }

    /// 36. Only within what the caller may see, and only with the permission.
    async fn must_36_statistics_need_their_permission(engine) {
        let house = House::open(engine).await;
        let request = GetStatisticsRequest { hall: house.hall_id(), date: String::new() };
        for who in [house.kiosk(), house.board(), house.reception(), house.staff("1")] {
            let refusal = who.get_statistics(request.clone()).await.expect_err("not permitted");
            assert_eq!(refusal.what(), (Code::PermissionDenied, "PERMISSION_MISSING"));
        }
        assert!(house.auditor().get_statistics(request).await.is_ok());
    }
}
