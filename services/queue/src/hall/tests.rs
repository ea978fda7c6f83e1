//! The protocol on real parts: SQLite or PostgreSQL, and a Redis that is killed, emptied and restarted.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use mpp_kit::clock::{Clock, ManualClock, SystemClock};
use mpp_kit::redis::Redis;
use mpp_kit::shutdown::Shutdown;
use mpp_kit::testing::{self, TestDb};
use sea_orm::ConnectionTrait as _;

use super::{HallHandle, Halls};
use crate::domain::decide::{Act, Command, NewTicket, Order, Reach};
use crate::domain::event::{Actor, ActorKind, RequestKey};
use crate::domain::fold::Answer;
use crate::domain::hall::{
    Agency, Calendar, CounterPlan, Hall, RestorePosition, Series, Service, TimeZone, Zone,
};
use crate::domain::rejection::Rejection;
use crate::domain::ticket::{Channel, State};
use crate::domain::{AgencyId, CounterId, HallId, ServiceId, TicketId};
use crate::error::Error;
use crate::metrics::Metrics;
use crate::store::Store;

fn hall(counters: usize) -> Hall {
    hall_named("MPP-UJI", counters)
}

fn hall_named(code: &str, counters: usize) -> Hall {
    let agency = AgencyId::generate();
    let service = ServiceId::generate();
    Hall {
        id: HallId::generate(),
        code: code.to_owned(),
        name: "MPP Uji".to_owned(),
        time_zone: TimeZone::Wib,
        calendar: Calendar::Demo,
        zones: vec![Zone { code: "A".to_owned(), name: "Zona A".to_owned() }],
        agencies: vec![Agency {
            id: agency,
            code: "DUKCAPIL".to_owned(),
            name: "Dukcapil".to_owned(),
            hours: std::collections::BTreeMap::new(),
            closures: Vec::new(),
            priority_ratio: 2,
            daily_limit_per_person: None,
        }],
        services: vec![Service {
            id: service,
            code: "KTP".to_owned(),
            name: "KTP-el".to_owned(),
            name_en: String::new(),
            agency,
            series: Series { prefix: "A".to_owned(), digits: 3, first: 1, last: 999 },
            daily_quota: None,
            promised_minutes: 10,
            max_calls: 3,
            recall_gap_seconds: 0,
            no_show_cooldown_seconds: 0,
            restore: RestorePosition::Original,
            requirements: Vec::new(),
            retired: false,
        }],
        counters: (1..=counters)
            .map(|number| CounterPlan {
                id: CounterId::generate(),
                number: number.to_string(),
                name: String::new(),
                agency,
                zone: "A".to_owned(),
                services: vec![service],
            })
            .collect(),
        holidays: Vec::new(),
        day_opens_at: None,
        day_closes_at: None,
        appointment_early_minutes: 15,
        appointment_late_minutes: 15,
    }
}

pub(crate) fn command(order: Order) -> Command {
    let actor = Actor { id: "acc_test".to_owned(), kind: ActorKind::Staff };
    Command { actor, reach: Reach::everything(), many_desks: true, request: None, order }
}

fn keyed(key: &str, order: Order) -> Command {
    Command {
        request: Some(RequestKey { key: key.to_owned(), fingerprint: "same".to_owned() }),
        ..command(order)
    }
}

pub(crate) fn issue(service: ServiceId) -> Order {
    Order::Issue(Box::new(NewTicket {
        id: TicketId::generate(),
        token: TicketId::generate().to_string(),
        service,
        priority: None,
        assistance: Vec::new(),
        channel: Channel::Kiosk,
        party_size: 1,
        appointment: None,
        person: None,
    }))
}

pub(crate) async fn instance(db: &TestDb, redis: &str, shutdown: &Shutdown) -> Halls {
    instance_at(Arc::new(SystemClock), db, redis, shutdown).await
}

async fn instance_at(clock: Arc<dyn Clock>, db: &TestDb, redis: &str, shutdown: &Shutdown) -> Halls {
    let redis = Redis::connect(redis).await.expect("redis answers");
    let halls =
        Halls::open(Store::new(db.connect_again().await), redis, clock, shutdown.clone(), Metrics::new())
            .await
            .expect("the halls open");
    tokio::spawn(halls.clone().follow());
    halls
}

/// Asks until the hall takes part again, always with the same request id.
pub(crate) async fn insist(hall: &HallHandle, command: Command) -> Result<Answer, Error> {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    loop {
        match hall.submit(command.clone()).await {
            Err(Error::Unavailable(_)) if tokio::time::Instant::now() < deadline => {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            answer => return answer,
        }
    }
}

pub(crate) async fn prepared(
    db: &TestDb,
    redis: &str,
    shutdown: &Shutdown,
    counters: usize,
) -> (Halls, HallHandle, Hall) {
    mpp_migrations::run("queue", &db.db.write).await.expect("the tables are made");
    let halls = instance(db, redis, shutdown).await;
    let hall = hall(counters);
    halls.apply(command(Order::Configure(Arc::new(hall.clone())))).await.expect("a new hall is configured");
    let handle = halls.hall(hall.id).await.expect("the hall is there");
    handle.submit(command(Order::OpenDay)).await.expect("the day opens");
    for plan in &hall.counters {
        let open = Order::OpenCounter { counter: plan.id, services: Vec::new(), switch_desk: false };
        handle.submit(command(open)).await.expect("the counter opens");
    }
    (halls, handle, hall)
}

async fn assert_log_is_whole(store: &Store, hall: HallId) {
    let entries = store.entries(hall, 0).await.expect("the log is read");
    let mut chain = super::log::GENESIS.to_owned();
    for (at, entry) in entries.iter().enumerate() {
        assert_eq!(entry.seq, at as u64 + 1, "the log has no gap");
        chain = super::log::link(&chain, entry.seq, &entry.body);
        assert_eq!(entry.chain, chain, "the chain is whole at {}", entry.seq);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parallel_calls_never_give_one_ticket_twice() {
    for db in testing::databases().await {
        let redis = testing::redis().await;
        let shutdown = Shutdown::new();
        let (halls, handle, hall) = prepared(&db, redis.redis.url(), &shutdown, 10).await;
        let service = hall.services[0].id;
        let issued = futures::future::join_all((0..50).map(|_| handle.submit(command(issue(service))))).await;
        let numbers: HashSet<String> = issued
            .into_iter()
            .map(|answer| answer.expect("issued").ticket.expect("a ticket").number.clone())
            .collect();
        assert_eq!(numbers.len(), 50);
        let mut called = HashSet::new();
        let mut nobody = 0;
        for _ in 0..8 {
            let calls = hall
                .counters
                .iter()
                .map(|plan| handle.submit(command(Order::CallNext { counter: plan.id, expected: None })));
            for answer in futures::future::join_all(calls).await {
                match answer {
                    Ok(answer) => {
                        let ticket = answer.ticket.expect("a ticket");
                        assert!(called.insert(ticket.id), "{} was called twice", ticket.number);
                        let act = Order::Ticket {
                            ticket: ticket.id,
                            version: Some(ticket.version),
                            act: Act::Start,
                            reason: String::new(),
                        };
                        handle.submit(command(act)).await.expect("started");
                        let act = Act::Finish {
                            outcome: crate::domain::ticket::Outcome::Done,
                            delivered: Vec::new(),
                        };
                        handle
                            .submit(command(Order::Ticket {
                                ticket: ticket.id,
                                version: None,
                                act,
                                reason: String::new(),
                            }))
                            .await
                            .expect("finished");
                    }
                    Err(Error::Rejected(Rejection::NobodyWaiting { .. })) => nobody += 1,
                    Err(error) => panic!("{error}"),
                }
            }
        }
        assert_eq!((called.len(), nobody), (50, 30));
        assert_log_is_whole(halls.store(), hall.id).await;
        shutdown.trigger();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_is_emptied_or_killed_loses_nothing_acknowledged() {
    for db in testing::databases().await {
        let mut redis = testing::redis().await;
        let shutdown = Shutdown::new();
        let (halls, handle, hall) = prepared(&db, redis.redis.url(), &shutdown, 2).await;
        let service = hall.services[0].id;
        let mut acknowledged = Vec::new();
        for round in 0..3 {
            for nth in 0..5 {
                let answer =
                    insist(&handle, keyed(&format!("{round}-{nth}"), issue(service))).await.expect("issued");
                acknowledged.push(answer.ticket.expect("a ticket").number.clone());
            }
            match round {
                0 => redis::cmd("FLUSHALL").exec_async(&mut redis.redis.connection()).await.expect("emptied"),
                1 => redis = redis.crash().await,
                _ => {}
            }
        }
        let expected: Vec<String> = (1..=15).map(|number| format!("A{number:03}")).collect();
        assert_eq!(acknowledged, expected, "no number is lost or given twice");
        let again = insist(&handle, keyed("0-0", issue(service))).await.expect("replayed");
        assert_eq!(again.ticket.expect("a ticket").number, "A001", "a retry gives the first answer");
        assert_log_is_whole(halls.store(), hall.id).await;
        let stored = halls
            .store()
            .tickets(hall.id, handle.read(|fold| fold.day().expect("a day").date))
            .await
            .expect("read");
        assert_eq!(stored.len(), 15);
        shutdown.trigger();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_instances_serve_one_hall_as_one() {
    for db in testing::databases().await {
        let redis = testing::redis().await;
        let shutdown = Shutdown::new();
        let (halls, one, hall) = prepared(&db, redis.redis.url(), &shutdown, 4).await;
        let others = instance(&db, redis.redis.url(), &shutdown).await;
        let other = others.hall(hall.id).await.expect("the other instance finds the hall");
        let service = hall.services[0].id;
        let work = (0..40).map(|nth| {
            let handle = if nth % 2 == 0 { &one } else { &other };
            insist(handle, keyed(&format!("issue-{nth}"), issue(service)))
        });
        let numbers: HashSet<String> = futures::future::join_all(work)
            .await
            .into_iter()
            .map(|answer| answer.expect("issued").ticket.expect("a ticket").number.clone())
            .collect();
        assert_eq!(numbers.len(), 40);
        let calls = hall.counters.iter().enumerate().map(|(nth, plan)| {
            let handle = if nth % 2 == 0 { &one } else { &other };
            insist(
                handle,
                keyed(&format!("call-{nth}"), Order::CallNext { counter: plan.id, expected: Some(None) }),
            )
        });
        let called: HashSet<TicketId> = futures::future::join_all(calls)
            .await
            .into_iter()
            .map(|answer| answer.expect("called").ticket.expect("a ticket").id)
            .collect();
        assert_eq!(called.len(), 4);
        // What one instance committed is shown by the other within its poll.
        let seq = one.read(crate::domain::fold::Fold::seq).max(other.read(crate::domain::fold::Fold::seq));
        for handle in [&one, &other] {
            let mut committed = handle.committed();
            tokio::time::timeout(Duration::from_secs(5), committed.wait_for(|at| *at >= seq))
                .await
                .expect("in time")
                .expect("open");
            handle.read(|fold| {
                assert_eq!(fold.tickets().filter(|ticket| ticket.state == State::Called).count(), 4)
            });
        }
        assert_log_is_whole(halls.store(), hall.id).await;
        shutdown.trigger();
    }
}

/// What an instance would commit that knows nothing of what came after `shard`.
fn late_entry(handle: &HallHandle, shard: &crate::store::Shard) -> super::log::Entry {
    let event = handle.read(|fold| crate::domain::event::Event {
        id: crate::domain::EventId::generate(),
        kind: crate::domain::event::Kind::IntakeStopped,
        at: DateTime::<Utc>::UNIX_EPOCH,
        actor: Actor { id: "acc_old".to_owned(), kind: ActorKind::Staff },
        request: None,
        ticket: None,
        counters: Vec::new(),
        hall: None,
        day: fold.day().cloned(),
        passed: Vec::new(),
        counter: None,
        reason: "late".to_owned(),
    });
    super::log::Entry::after(shard.seq, &shard.chain, event).expect("an entry")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_that_missed_a_commit_writes_nothing() {
    for db in testing::databases().await {
        let redis = testing::redis().await;
        let shutdown = Shutdown::new();
        let (halls, handle, hall) = prepared(&db, redis.redis.url(), &shutdown, 1).await;
        let store = halls.store();
        let missed = store.shard(hall.id).await.expect("read").expect("a shard");
        let view = super::log::View { epoch: missed.epoch, run_id: missed.run_id.clone() };
        let entry = late_entry(&handle, &missed);
        insist(&handle, keyed("first", issue(hall.services[0].id))).await.expect("issued");
        let stands = store.shard(hall.id).await.expect("read").expect("a shard");
        assert!(stands.seq > missed.seq);
        // The same epoch, and a position that is taken.
        let outcome = store
            .commit(hall.id, &view, &(missed.seq, missed.chain), &[entry], &[String::new()])
            .await
            .expect("SQL answers");
        assert!(matches!(outcome, crate::store::Committed::Fenced));
        assert_eq!(store.shard(hall.id).await.expect("read").expect("a shard"), stands);
        let answer = insist(&handle, keyed("second", issue(hall.services[0].id))).await.expect("issued");
        assert_eq!(answer.ticket.expect("a ticket").number, "A002");
        assert_log_is_whole(store, hall.id).await;
        shutdown.trigger();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_of_an_old_epoch_cannot_commit() {
    for db in testing::databases().await {
        let redis = testing::redis().await;
        let shutdown = Shutdown::new();
        let (halls, handle, hall) = prepared(&db, redis.redis.url(), &shutdown, 1).await;
        let store = halls.store();
        let shard = store.shard(hall.id).await.expect("read").expect("a shard");
        let old = super::log::View { epoch: shard.epoch, run_id: shard.run_id.clone() };
        assert!(store.begin_epoch(hall.id, shard.epoch, shard.epoch + 1).await.expect("taken"));
        let entry = late_entry(&handle, &shard);
        let outcome = store
            .commit(hall.id, &old, &(shard.seq, shard.chain.clone()), &[entry], &[String::new()])
            .await
            .expect("SQL answers");
        assert!(matches!(outcome, crate::store::Committed::Fenced));
        // The hall opens a later epoch by itself and goes on.
        let answer = insist(&handle, keyed("after", issue(hall.services[0].id))).await.expect("issued");
        assert_eq!(answer.ticket.expect("a ticket").number, "A001");
        assert!(store.shard(hall.id).await.expect("read").expect("a shard").epoch > shard.epoch + 1);
        assert_log_is_whole(store, hall.id).await;
        shutdown.trigger();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_ends_the_command_at_hand_and_never_the_hall() {
    for db in testing::databases().await {
        let redis = testing::redis().await;
        let shutdown = Shutdown::new();
        let (_, _, hall) = prepared(&db, redis.redis.url(), &shutdown, 1).await;
        // A clock at the end of time: the rules cannot tell which appointments are due then, and panic.
        let clock = Arc::new(ManualClock::at(SystemClock.now()));
        let halls = instance_at(clock.clone(), &db, redis.redis.url(), &shutdown).await;
        let handle = halls.hall(hall.id).await.expect("the hall is there");
        let service = hall.services[0].id;
        insist(&handle, keyed("before", issue(service))).await.expect("issued");
        clock.set(DateTime::<Utc>::MAX_UTC);
        let call = Order::CallNext { counter: hall.counters[0].id, expected: None };
        let answer = handle.submit(keyed("cause", call)).await;
        assert!(matches!(answer, Err(Error::Internal(_))), "{answer:?}");
        clock.set(SystemClock.now());
        let answer = insist(&handle, keyed("after", issue(service))).await.expect("issued");
        assert_eq!(answer.ticket.expect("a ticket").number, "A002");
        assert_log_is_whole(halls.store(), hall.id).await;
        shutdown.trigger();
    }
}

/// What an instance appends that decides `command` on what `handle` shows, under the view in force.
async fn decided(
    store: &Store,
    handle: &HallHandle,
    commands: &[Command],
) -> (super::log::View, (u64, String), Vec<super::log::Entry>) {
    let shard = store.shard(handle.id()).await.expect("read").expect("a shard");
    let view = super::log::View { epoch: shard.epoch, run_id: shard.run_id.clone() };
    let mut spec = handle.committed.snapshot();
    let from = (spec.fold.seq(), spec.chain.clone());
    assert_eq!(from, (shard.seq, shard.chain), "nothing is under way");
    let mut entries = Vec::new();
    for command in commands {
        let decision = crate::domain::decide::decide(
            &spec.fold,
            command,
            SystemClock.now(),
            &crate::domain::EventId::generate,
        );
        let Ok(crate::domain::decide::Decision::Happens(events)) = decision else { panic!("{decision:?}") };
        for event in events {
            let entry = super::log::Entry::after(spec.fold.seq(), &spec.chain, event).expect("an entry");
            spec.fold.apply(&entry.event);
            spec.chain.clone_from(&entry.chain);
            entries.push(entry);
        }
    }
    (view, from, entries)
}

/// An instance appends and dies before it can commit or answer. Another one commits what stands in Redis, though nothing
/// tells it of it, and the retry gets the answer that the dead one could not give.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_dead_instance_appended_is_committed_by_another() {
    for db in testing::databases().await {
        let redis = testing::redis().await;
        let shutdown = Shutdown::new();
        let (halls, handle, hall) = prepared(&db, redis.redis.url(), &shutdown, 1).await;
        let service = hall.services[0].id;
        insist(&handle, keyed("before", issue(service))).await.expect("issued");
        let call = Order::CallNext { counter: hall.counters[0].id, expected: None };
        let commands = [keyed("issue", issue(service)), keyed("call", call)];
        let (view, from, entries) = decided(halls.store(), &handle, &commands).await;
        let dead = super::log::Log::new(redis.redis.clone(), hall.id);
        dead.append(&view, from.0, &entries).await.expect("appended");
        // Nobody asks for anything here, and it becomes durable.
        let end = entries.last().expect("entries").seq;
        let mut committed = handle.committed();
        tokio::time::timeout(Duration::from_secs(10), committed.wait_for(|seq| *seq >= end))
            .await
            .expect("in time")
            .expect("open");
        let issued = entries[0].event.ticket.clone().expect("a ticket");
        let again = insist(&handle, keyed("issue", issue(service))).await.expect("replayed");
        assert!(again.is_replay, "it says so");
        assert_eq!(again.ticket.expect("a ticket").id, issued.id, "the first answer, not a second ticket");
        let call = Order::CallNext { counter: hall.counters[0].id, expected: None };
        let again = insist(&handle, keyed("call", call)).await.expect("replayed");
        assert_eq!(again.ticket.expect("a ticket").number, "A001");
        let next = insist(&handle, keyed("after", issue(service))).await.expect("issued");
        assert!(!next.is_replay);
        assert_eq!(next.ticket.expect("a ticket").number, "A003");
        assert_log_is_whole(halls.store(), hall.id).await;
        shutdown.trigger();
    }
}

/// As above, and the next instance starts only afterwards: it finds in Redis what SQL does not know yet.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_dead_instance_appended_is_committed_at_the_next_start() {
    for db in testing::databases().await {
        let redis = testing::redis().await;
        let before = Shutdown::new();
        let (halls, handle, hall) = prepared(&db, redis.redis.url(), &before, 1).await;
        let service = hall.services[0].id;
        before.trigger();
        // It has stopped when it takes no commands any more.
        while !matches!(handle.submit(command(issue(service))).await, Err(Error::Unavailable(_))) {}
        flusher_catches_up(&halls, &handle).await;
        let (view, from, entries) = decided(halls.store(), &handle, &[keyed("issue", issue(service))]).await;
        let dead = super::log::Log::new(redis.redis.clone(), hall.id);
        dead.append(&view, from.0, &entries).await.expect("appended");
        let shutdown = Shutdown::new();
        let halls = instance(&db, redis.redis.url(), &shutdown).await;
        let handle = halls.hall(hall.id).await.expect("the hall is there");
        let again = insist(&handle, keyed("issue", issue(service))).await.expect("replayed");
        let issued = entries[0].event.ticket.clone().expect("a ticket");
        assert_eq!(again.ticket.map(|ticket| ticket.id), Some(issued.id));
        assert_log_is_whole(halls.store(), hall.id).await;
        shutdown.trigger();
    }
}

/// A way to Redis on which the first answer to a question with this text in it is lost, and the connection with it. Answers its
/// URL, and how many answers were lost.
async fn losing(redis: &str, directory: &std::path::Path, text: &'static str) -> (Arc<AtomicUsize>, String) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let server = redis.strip_prefix("redis+unix://").expect("a unix socket").to_owned();
    let socket = directory.join("losing.sock");
    let listener = tokio::net::UnixListener::bind(&socket).expect("a socket of our own");
    let lost = Arc::new(AtomicUsize::new(0));
    let losing = Arc::clone(&lost);
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut server = tokio::net::UnixStream::connect(&server).await.expect("Redis answers");
            let lost = Arc::clone(&losing);
            tokio::spawn(async move {
                let (mut asked, mut answered) = (vec![0; 1 << 16], vec![0; 1 << 16]);
                let mut loses = false;
                loop {
                    tokio::select! {
                        length = client.read(&mut asked) => {
                            let length = length?;
                            let question = &asked[..length];
                            let is_it = question.windows(text.len()).any(|part| part == text.as_bytes());
                            loses |= is_it && lost.load(Ordering::SeqCst) == 0;
                            server.write_all(question).await?;
                            if length == 0 {
                                break;
                            }
                        }
                        length = server.read(&mut answered) => {
                            let length = length?;
                            if loses {
                                lost.fetch_add(1, Ordering::SeqCst);
                            }
                            if loses || length == 0 {
                                break;
                            }
                            client.write_all(&answered[..length]).await?;
                        }
                    }
                }
                std::io::Result::Ok(())
            });
        }
    });
    (lost, format!("redis+unix://{}", socket.display()))
}

/// Redis appends, its answer is lost, and the hall finds the event in the log when it is open again. Nobody was answered before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_appended_in_doubt_is_answered_as_the_first_answer_that_it_is() {
    for db in testing::databases().await {
        let redis = testing::redis().await;
        let (_, _, hall) = left_alone(&db, redis.redis.url(), 1).await;
        let directory = testing::temp_dir();
        let (lost, url) = losing(redis.redis.url(), directory.path(), "\"key\":\"in doubt\"").await;
        let shutdown = Shutdown::new();
        let halls = instance(&db, &url, &shutdown).await;
        let handle = halls.hall(hall.id).await.expect("the hall is there");
        let asked = keyed("in doubt", issue(hall.services[0].id));
        let first = handle.submit(asked.clone()).await.expect("issued");
        assert_eq!(lost.load(Ordering::SeqCst), 1, "an answer was lost");
        assert!(!first.is_replay, "by this request, on {}", db.engine);
        let again = handle.submit(asked).await.expect("replayed");
        assert!(again.is_replay, "by the request before, on {}", db.engine);
        let number = |answer: Answer| answer.ticket.expect("a ticket").number.clone();
        assert_eq!((number(first), number(again)), ("A001".to_owned(), "A001".to_owned()));
        assert_log_is_whole(halls.store(), hall.id).await;
        shutdown.trigger();
    }
}

async fn flusher_catches_up(halls: &Halls, handle: &HallHandle) {
    super::flusher::catch_up(halls.store(), handle.id(), &handle.committed).await.expect("SQL answers");
}

/// The answer to a COMMIT is lost. Whether it took place shows in SQL: then the callers are answered, once; or the same
/// entries are committed again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_in_doubt_is_settled_by_what_sql_holds() {
    for db in testing::databases().await {
        for took_place in [true, false] {
            let redis = testing::redis().await;
            let before = Shutdown::new();
            let fresh = testing::fresh_db(db.engine).await;
            let (halls, handle, hall) = prepared(&fresh, redis.redis.url(), &before, 1).await;
            let service = hall.services[0].id;
            before.trigger();
            while !matches!(handle.submit(command(issue(service))).await, Err(Error::Unavailable(_))) {}
            flusher_catches_up(&halls, &handle).await;
            let (view, from, entries) = decided(
                halls.store(),
                &handle,
                &[keyed("one", issue(service)), keyed("two", issue(service))],
            )
            .await;
            if took_place {
                let dates = vec!["2026-03-02".to_owned(); entries.len()];
                let outcome = halls.store().commit(hall.id, &view, &from, &entries, &dates).await;
                assert!(matches!(outcome, Ok(crate::store::Committed::Done)), "{outcome:?}");
            }
            let (desk, end) = (super::actor::Desk::new(), entries.last().expect("entries").seq);
            desk.add(from.0, entries);
            let (pending, mut answer) =
                super::actor::Pending::of(end, Ok(Answer { seq: end, ..Answer::default() }));
            desk.lock().pending.push_back(pending);
            let mut flusher = super::flusher::Flusher {
                hall: hall.id,
                view: &view,
                log: &super::log::Log::new(redis.redis.clone(), hall.id),
                store: halls.store(),
                committed: &handle.committed,
                desk: &desk,
                metrics: &Metrics::new(),
            };
            flusher.drain().await.expect("nothing is wrong");
            let answered = answer.try_recv().expect("answered").expect("as it was decided");
            assert_eq!((answered.seq, handle.read(crate::domain::fold::Fold::seq)), (end, end));
            assert!(desk.lock().appended.is_empty());
            assert_log_is_whole(halls.store(), hall.id).await;
            let stored = halls.store().entries(hall.id, from.0).await.expect("read");
            assert_eq!(stored.len(), 2, "once: {took_place} on {}", fresh.engine);
        }
    }
}

/// A hall whose actor has ended, so that nobody but the test commits.
async fn left_alone(db: &TestDb, redis: &str, counters: usize) -> (Halls, HallHandle, Hall) {
    let before = Shutdown::new();
    let (halls, handle, hall) = prepared(db, redis, &before, counters).await;
    before.trigger();
    // It has stopped when it takes no commands any more.
    let nothing = || command(Order::ResumeIntake { agency: None, service: None });
    while !matches!(handle.submit(nothing()).await, Err(Error::Unavailable(_))) {}
    flusher_catches_up(&halls, &handle).await;
    (halls, handle, hall)
}

/// One flush holds a whole visit, the end of one that began before, and the beginning of the next, all at one counter: it
/// never holds two, in whichever order the engine writes the rows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_flush_may_end_with_a_ticket_and_take_the_next() {
    for db in testing::databases().await {
        let redis = testing::redis().await;
        let (halls, handle, hall) = left_alone(&db, redis.redis.url(), 1).await;
        let counter = hall.counters[0].id;
        let call = || command(Order::CallNext { counter, expected: None });
        let dates = |entries: &[super::log::Entry]| vec!["2026-03-02".to_owned(); entries.len()];
        let first: Vec<Command> =
            (0..3).map(|_| command(issue(hall.services[0].id))).chain([call()]).collect();
        let (view, from, entries) = decided(halls.store(), &handle, &first).await;
        let outcome = halls.store().commit(hall.id, &view, &from, &entries, &dates(&entries)).await;
        assert!(matches!(outcome, Ok(crate::store::Committed::Done)), "{outcome:?}");
        flusher_catches_up(&halls, &handle).await;
        let tickets: Vec<TicketId> =
            entries[..3].iter().map(|entry| entry.event.ticket.as_ref().expect("a ticket").id).collect();
        let end = |ticket| {
            let act = Act::Finish { outcome: crate::domain::ticket::Outcome::Done, delivered: Vec::new() };
            command(Order::Ticket { ticket, version: None, act, reason: String::new() })
        };
        let start =
            |ticket| command(Order::Ticket { ticket, version: None, act: Act::Start, reason: String::new() });
        let second = [start(tickets[0]), end(tickets[0]), call(), start(tickets[1]), end(tickets[1]), call()];
        let (view, from, entries) = decided(halls.store(), &handle, &second).await;
        let outcome = halls.store().commit(hall.id, &view, &from, &entries, &dates(&entries)).await;
        assert!(matches!(outcome, Ok(crate::store::Committed::Done)), "{outcome:?} on {}", db.engine);
        let rows = db
            .db
            .read
            .query_all_raw(sea_orm::Statement::from_string(
                db.db.read.get_database_backend(),
                "SELECT ticket_id, from_seq, to_seq FROM queue_serving ORDER BY from_seq",
            ))
            .await
            .expect("read");
        let held: Vec<(String, i64, Option<i64>)> = rows
            .iter()
            .map(|row| {
                (
                    row.try_get_by_index(0).expect("a ticket"),
                    row.try_get_by_index(1).expect("a position"),
                    row.try_get_by_index(2).expect("a position or none"),
                )
            })
            .collect();
        let began = i64::try_from(from.0).expect("small");
        let expected = [
            (tickets[0].to_string(), began, Some(began + 2)),
            (tickets[1].to_string(), began + 3, Some(began + 5)),
            (tickets[2].to_string(), began + 6, None),
        ];
        assert_eq!(held, expected, "{}", db.engine);
        assert_log_is_whole(halls.store(), hall.id).await;
    }
}

/// What went from a client to PostgreSQL, counted on the way.
#[derive(Default)]
struct Wire {
    /// Statements to parse and plan.
    parsed: AtomicUsize,
    /// Statements executed, each of them a trip.
    executed: AtomicUsize,
}

impl Wire {
    /// Listens beside the server of `db`, counts, and passes everything on. Answers the URL of this way to it.
    async fn tap(db: &TestDb, directory: &std::path::Path) -> (Arc<Self>, String) {
        let (base, server) = db.url.split_once("?host=").expect("a URL of a unix socket");
        let server = format!("{}/.s.PGSQL.5432", server.replace("%2F", "/"));
        let listener =
            tokio::net::UnixListener::bind(directory.join(".s.PGSQL.5432")).expect("a socket of our own");
        let wire = Arc::new(Self::default());
        let counting = Arc::clone(&wire);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = tokio::net::UnixStream::connect(&server).await.expect("the server answers");
                let (mut answers, mut questions) = server.into_split();
                let (asks, mut hears) = client.into_split();
                tokio::spawn(async move { tokio::io::copy(&mut answers, &mut hears).await });
                let counting = Arc::clone(&counting);
                tokio::spawn(async move { counting.pass(asks, &mut questions).await });
            }
        });
        let host = directory.to_string_lossy().replace('/', "%2F");
        (wire, format!("{base}?host={host}"))
    }

    /// One message after the other: its kind, its length (which counts itself), its content. The first has no kind, nor has
    /// the one behind a question for TLS.
    async fn pass(
        &self,
        mut from: tokio::net::unix::OwnedReadHalf,
        to: &mut tokio::net::unix::OwnedWriteHalf,
    ) -> std::io::Result<()> {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        const TLS: [u8; 4] = 80_877_103_u32.to_be_bytes();
        let mut begun = false;
        loop {
            let kind = if begun { Some(from.read_u8().await?) } else { None };
            let length = from.read_u32().await?;
            let mut content = vec![0; length as usize - 4];
            from.read_exact(&mut content).await?;
            begun |= content != TLS;
            match kind {
                Some(b'P') => self.parsed.fetch_add(1, Ordering::SeqCst),
                // A prepared statement, or a text that is executed at once, as BEGIN and COMMIT are.
                Some(b'E' | b'Q') => self.executed.fetch_add(1, Ordering::SeqCst),
                Some(_) | None => 0,
            };
            if let Some(kind) = kind {
                to.write_u8(kind).await?;
            }
            to.write_u32(length).await?;
            to.write_all(&content).await?;
        }
    }

    fn counted(&self) -> (usize, usize) {
        let of = |counter: &AtomicUsize| counter.load(Ordering::SeqCst);
        (of(&self.parsed), of(&self.executed))
    }
}

/// On PostgreSQL every trip costs about as much as the commit itself. A flush is one, however many operations it holds, and
/// its text is parsed once, and in the end not planned anew either.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flush_is_one_trip_to_postgresql_whatever_it_holds() {
    let db = testing::fresh_db(testing::Engine::Postgres).await;
    let redis = testing::redis().await;
    let (halls, handle, hall) = left_alone(&db, redis.redis.url(), 2).await;
    let directory = testing::temp_dir();
    let (wire, url) = Wire::tap(&db, directory.path()).await;
    let tapped = mpp_kit::db::Db::connect(&url, db.schema).await.expect("the database, through the tap");
    let store = Store::new(tapped.clone());
    let pool = tapped.write.get_postgres_connection_pool();
    let service = hall.services[0].id;
    let mut counted = (0, 0);
    let sizes = [1, 1, 2, 3, 1, 40, 1, 7, 200, 1];
    for (nth, size) in sizes.into_iter().enumerate() {
        let mut commands: Vec<Command> = (0..size).map(|_| command(issue(service))).collect();
        if let Some(plan) = hall.counters.get(nth) {
            commands.push(command(Order::CallNext { counter: plan.id, expected: None }));
        }
        let (view, from, entries) = decided(halls.store(), &handle, &commands).await;
        let dates = vec!["2026-03-02".to_owned(); entries.len()];
        // A connection is back in the pool a moment after its last answer, also after those of the connecting;
        // another would be opened, and would parse the text too.
        while pool.num_idle() < pool.size() as usize {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let outcome = store.commit(hall.id, &view, &from, &entries, &dates).await;
        assert!(matches!(outcome, Ok(crate::store::Committed::Done)), "{outcome:?}");
        let before = std::mem::replace(&mut counted, wire.counted());
        if nth > 0 {
            assert_eq!((counted.0 - before.0, counted.1 - before.1), (0, 1), "{size} operations");
        }
        flusher_catches_up(&halls, &handle).await;
    }
    let row = tapped
        .write
        .query_one_raw(sea_orm::Statement::from_string(
            sea_orm::DbBackend::Postgres,
            "SELECT generic_plans FROM pg_prepared_statements WHERE statement LIKE 'WITH moved%'",
        ))
        .await
        .expect("read")
        .expect("one text");
    let generic: i64 = row.try_get_by_index(0).expect("a number");
    // From which execution on is PostgreSQL's arithmetic of costs, and not a promise.
    assert!(generic > 0, "PostgreSQL keeps one plan in the end");
    assert_log_is_whole(&store, hall.id).await;
}

/// SQL takes no commit for longer than anybody waits: nobody is told that something happened, reading goes on, and when SQL
/// is back, what was asked is found done, once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_sql_nothing_is_acknowledged_and_nothing_is_done_twice() {
    for db in testing::databases().await {
        let redis = testing::redis().await;
        let shutdown = Shutdown::new();
        let (halls, handle, hall) = prepared(&db, redis.redis.url(), &shutdown, 1).await;
        let service = hall.services[0].id;
        insist(&handle, keyed("before", issue(service))).await.expect("issued");
        let other = db.connect_again().await;
        let writer = other.begin().await.expect("the writer of SQLite");
        writer.execute_unprepared("UPDATE queue_shard SET seq = seq").await.expect("the row of PostgreSQL");
        let (asked, behind) = (keyed("asked", issue(service)), keyed("behind", issue(service)));
        let started = std::time::Instant::now();
        // The second comes while the first is to be committed. It is decided, and not appended.
        let later = async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            handle.submit(behind.clone()).await
        };
        let answers = tokio::join!(handle.submit(asked.clone()), later);
        for answer in [answers.0, answers.1] {
            assert!(matches!(answer, Err(Error::Unavailable(_))), "{answer:?}");
        }
        assert!(started.elapsed() < Duration::from_secs(12), "refused in time: {:?}", started.elapsed());
        assert_eq!(handle.read(|fold| fold.tickets().count()), 1, "nothing is shown that is not durable");
        writer.rollback().await.expect("SQL is back");
        for (command, number) in [(asked, "A002"), (keyed("after", issue(service)), "A003"), (behind, "A004")]
        {
            let answer = insist(&handle, command).await.expect("issued");
            assert_eq!(answer.ticket.expect("a ticket").number, number, "{}", db.engine);
        }
        assert_log_is_whole(halls.store(), hall.id).await;
        shutdown.trigger();
    }
}

/// A caller that goes away while others are committed has asked for nothing: its number goes to the next.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_goes_away_during_the_commit_of_others_takes_nobodys_place() {
    for db in testing::databases().await {
        let redis = testing::redis().await;
        let shutdown = Shutdown::new();
        let (halls, handle, hall) = prepared(&db, redis.redis.url(), &shutdown, 1).await;
        let service = hall.services[0].id;
        let other = db.connect_again().await;
        let writer = other.begin().await.expect("the writer of SQLite");
        writer.execute_unprepared("UPDATE queue_shard SET seq = seq").await.expect("the row of PostgreSQL");
        let asks = |key: &str| {
            let (handle, command) = (handle.clone(), keyed(key, issue(service)));
            tokio::spawn(async move { handle.submit(command).await })
        };
        let first = asks("first");
        while handle.lag() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        // Appended, and not committed. What comes now is decided meanwhile.
        let gone = asks("gone");
        tokio::time::sleep(Duration::from_millis(100)).await;
        gone.abort();
        assert!(gone.await.expect_err("given up").is_cancelled());
        let stays = asks("stays");
        tokio::time::sleep(Duration::from_millis(100)).await;
        writer.rollback().await.expect("SQL is free");
        for (answer, number) in [(first, "A001"), (stays, "A002")] {
            let answer = answer.await.expect("no panic").expect("issued");
            assert_eq!(answer.ticket.expect("a ticket").number, number, "{}", db.engine);
        }
        assert_log_is_whole(halls.store(), hall.id).await;
        shutdown.trigger();
    }
}

/// What keeps SQL from taking a commit, though it answers.
#[derive(Debug, Clone, Copy)]
enum Hindrance {
    /// SQLite says that its disk is full.
    FullFile,
    /// PostgreSQL says that its disk is full.
    FullServer,
    /// The address leads to a PostgreSQL that only reads, as after a fail-over.
    ReadsOnly,
}

impl Hindrance {
    fn engine(self) -> testing::Engine {
        match self {
            Self::FullFile => testing::Engine::Sqlite,
            Self::FullServer | Self::ReadsOnly => testing::Engine::Postgres,
        }
    }

    /// Begins or ends.
    async fn set(self, begins: bool, db: &TestDb) {
        let does = async |on: &mpp_kit::db::Db, sql: &str| {
            on.write.execute_unprepared(sql).await.expect("SQL takes it");
        };
        match self {
            // The last number of a table is given: SQLite says FULL, and treats it as a full disk.
            Self::FullFile if begins => {
                does(&db.db, "CREATE TABLE filled (id INTEGER PRIMARY KEY AUTOINCREMENT)").await;
                does(&db.db, "INSERT INTO filled VALUES (9223372036854775807)").await;
                let trigger = "CREATE TRIGGER no_room BEFORE INSERT ON queue_ticket \
                               BEGIN INSERT INTO filled VALUES (NULL); END";
                does(&db.db, trigger).await;
            }
            Self::FullFile => does(&db.db, "DROP TRIGGER no_room").await,
            Self::FullServer if begins => {
                let function = "CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS \
                                $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$";
                does(&db.db, function).await;
                let trigger = "CREATE TRIGGER no_room BEFORE INSERT ON queue_ticket FOR EACH ROW \
                               EXECUTE FUNCTION no_room()";
                does(&db.db, trigger).await;
            }
            Self::FullServer => does(&db.db, "DROP TRIGGER no_room ON queue_ticket").await,
            Self::ReadsOnly => {
                let admin = testing::postgres().url("postgres");
                let admin = mpp_kit::db::Db::connect(&admin, None).await.expect("the server of the tests");
                let name = db.url.split('?').next().and_then(|url| url.rsplit('/').next()).expect("a name");
                let how = if begins { ("SET", " = on") } else { ("RESET", "") };
                let alter = format!("ALTER DATABASE {name} {} default_transaction_read_only{}", how.0, how.1);
                does(&admin, &alter).await;
                if begins {
                    let cut = format!(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
                    );
                    does(&admin, &cut).await;
                }
            }
        }
    }
}

/// A full disk, and a server that only reads: whoever asks is told to come back, nothing is shown or said that is not kept,
/// and when there is room again the hall goes on by itself; what was asked meanwhile is found done, once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_takes_nothing_refuses_and_loses_nothing() {
    // At once: most of it is waiting.
    let all = [Hindrance::FullFile, Hindrance::FullServer, Hindrance::ReadsOnly];
    futures::future::join_all(all.map(takes_nothing_and_loses_nothing)).await;
}

async fn takes_nothing_and_loses_nothing(hindrance: Hindrance) {
    use mpp_kit::fault::Fault as _;
    let db = testing::fresh_db(hindrance.engine()).await;
    let redis = testing::redis().await;
    let (_, _, hall) = left_alone(&db, redis.redis.url(), 1).await;
    let shutdown = Shutdown::new();
    let connection = Redis::connect(redis.redis.url()).await.expect("redis answers");
    let halls = Halls::open(
        Store::new(db.connect_again().await),
        connection,
        Arc::new(SystemClock),
        shutdown.clone(),
        Metrics::new(),
    )
    .await
    .expect("the halls open");
    let handle = halls.hall(hall.id).await.expect("the hall is there");
    let service = hall.services[0].id;
    let number = |answer: Answer| answer.ticket.expect("a ticket").number.clone();
    let mut told = vec![number(insist(&handle, keyed("1", issue(service))).await.expect("issued"))];
    hindrance.set(true, &db).await;
    let asked = loop {
        let asked = keyed(&(told.len() + 1).to_string(), issue(service));
        match handle.submit(asked.clone()).await {
            Ok(answer) => told.push(number(answer)),
            Err(refused) => {
                let problem = refused.problem();
                assert_eq!((problem.code, problem.reason), (tonic::Code::Unavailable, "UNAVAILABLE"));
                assert!(problem.retry_after.is_some(), "when to come back");
                break asked;
            }
        }
        assert!(told.len() < 300, "{hindrance:?}: everything is taken");
    };
    let also = handle.submit(keyed("also", issue(service))).await;
    assert!(matches!(also, Err(Error::Unavailable(_))), "{hindrance:?}: {also:?}");
    let shown = handle.read(|fold| fold.tickets().count());
    assert_eq!(shown, told.len(), "{hindrance:?}: shown, and not kept");
    hindrance.set(false, &db).await;
    told.push(number(insist(&handle, asked).await.expect("issued")));
    told.push(number(insist(&handle, keyed("after", issue(service))).await.expect("issued")));
    let first = number(insist(&handle, keyed("1", issue(service))).await.expect("replayed"));
    assert_eq!(first, told[0], "{hindrance:?}");
    let date = handle.read(|fold| fold.day().expect("a day").date);
    let store = Store::new(db.connect_again().await);
    let kept: Vec<String> =
        store.tickets(hall.id, date).await.expect("read").into_iter().map(|ticket| ticket.number).collect();
    // The one that was asked besides may have been appended; then nobody was told of it, and its number is not given
    // to anybody else.
    assert!(told.iter().all(|number| kept.contains(number)), "{hindrance:?}: {told:?} {kept:?}");
    assert!(kept.len() <= told.len() + 1, "{hindrance:?}: {told:?} {kept:?}");
    let once: HashSet<&String> = told.iter().collect();
    assert_eq!(once.len(), told.len(), "{hindrance:?}: {told:?}");
    assert_log_is_whole(&store, hall.id).await;
    shutdown.trigger();
}

/// PostgreSQL cuts every connection again and again, in the middle of commits too: whoever was told a number has it, and
/// nobody has two.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_are_cut_lose_nothing_acknowledged() {
    let db = testing::fresh_db(testing::Engine::Postgres).await;
    let redis = testing::redis().await;
    let shutdown = Shutdown::new();
    let (_halls, handle, hall) = prepared(&db, redis.redis.url(), &shutdown, 1).await;
    let service = hall.services[0].id;
    let cut = async {
        for _ in 0..30 {
            tokio::time::sleep(Duration::from_millis(40)).await;
            let others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                          WHERE datname = current_database() AND pid <> pg_backend_pid()";
            let outcome = db.db.write.execute_unprepared(others).await;
            // Another connection of this pool may be one that was cut before.
            assert!(outcome.as_ref().err().is_none_or(mpp_kit::db::is_unavailable), "{outcome:?}");
        }
    };
    let press = async {
        let mut told = Vec::new();
        for round in 0..40 {
            let presses = (0..4).map(|nth| insist(&handle, keyed(&format!("{round}-{nth}"), issue(service))));
            for answer in futures::future::join_all(presses).await {
                told.push(answer.expect("issued").ticket.expect("a ticket").number.clone());
            }
        }
        told
    };
    let (told, ()) = tokio::join!(press, cut);
    let once: HashSet<&String> = told.iter().collect();
    assert_eq!((told.len(), once.len()), (160, 160), "each has a number of their own");
    let date = handle.read(|fold| fold.day().expect("a day").date);
    // Connections of its own: those of the hall's pool that the last cut met are found dead by whoever uses them next.
    let store = Store::new(db.connect_again().await);
    let stored = store.tickets(hall.id, date).await.expect("read");
    assert_eq!(stored.len(), 160);
    assert!(stored.iter().all(|ticket| once.contains(&ticket.number)));
    assert_log_is_whole(&store, hall.id).await;
    shutdown.trigger();
}

/// What must not happen under one epoch and on one server: the log is shorter than what is committed. The hall finds that
/// out, and does not try to append behind its end for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_is_shorter_than_what_is_committed_is_rebuilt() {
    for db in testing::databases().await {
        let redis = testing::redis().await;
        let shutdown = Shutdown::new();
        let (halls, handle, hall) = prepared(&db, redis.redis.url(), &shutdown, 1).await;
        let service = hall.services[0].id;
        for nth in 0..5 {
            insist(&handle, keyed(&format!("{nth}"), issue(service))).await.expect("issued");
        }
        let seq = handle.read(crate::domain::fold::Fold::seq);
        let mut connection = redis.redis.connection();
        let key = |name: &str| format!("q:{{{}}}:{name}", hall.id);
        redis::cmd("HSET")
            .arg(key("meta"))
            .arg("seq")
            .arg(seq - 2)
            .exec_async(&mut connection)
            .await
            .expect("set back");
        for gone in [seq - 1, seq] {
            redis::cmd("XDEL")
                .arg(key("log"))
                .arg(format!("{gone}-0"))
                .exec_async(&mut connection)
                .await
                .expect("taken out");
        }
        let answer = insist(&handle, keyed("after", issue(service))).await.expect("issued");
        assert_eq!(answer.ticket.expect("a ticket").number, "A006");
        assert_log_is_whole(halls.store(), hall.id).await;
        shutdown.trigger();
    }
}

/// SQL was out of reach, and what waited was then committed by another instance: this one accepts commands again.
#[tokio::test]
async fn a_flusher_with_nothing_left_to_do_is_not_stalled() {
    let db = testing::fresh_db(testing::Engine::Sqlite).await;
    let redis = testing::redis().await;
    let shutdown = Shutdown::new();
    let (halls, handle, hall) = prepared(&db, redis.redis.url(), &shutdown, 1).await;
    let desk = super::actor::Desk::new();
    desk.stalled.store(true, Ordering::Relaxed);
    let view = super::log::View { epoch: 1, run_id: String::new() };
    let mut flusher = super::flusher::Flusher {
        hall: hall.id,
        view: &view,
        log: &super::log::Log::new(redis.redis.clone(), hall.id),
        store: halls.store(),
        committed: &handle.committed,
        desk: &desk,
        metrics: &Metrics::new(),
    };
    flusher.drain().await.expect("nothing is wrong");
    assert!(!desk.stalled.load(Ordering::Relaxed));
    shutdown.trigger();
}

/// SQL that was set back, or a Redis of somebody else: an epoch after both is opened.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_epoch_in_redis_that_sql_does_not_know_is_overtaken() {
    for db in testing::databases().await {
        let redis = testing::redis().await;
        let shutdown = Shutdown::new();
        let (halls, handle, hall) = prepared(&db, redis.redis.url(), &shutdown, 1).await;
        redis::cmd("HSET")
            .arg(format!("q:{{{}}}:meta", hall.id))
            .arg("epoch")
            .arg(41)
            .exec_async(&mut redis.redis.connection())
            .await
            .expect("set");
        let answer = insist(&handle, keyed("after", issue(hall.services[0].id))).await.expect("issued");
        assert_eq!(answer.ticket.expect("a ticket").number, "A001");
        assert_eq!(halls.store().shard(hall.id).await.expect("read").expect("a shard").epoch, 42);
        shutdown.trigger();
    }
}

/// Copies of what SQL holds of the queue, and SQL set back to them, as by a fail-over to a copy that lagged.
struct Copies<'d>(&'d TestDb);

impl<'d> Copies<'d> {
    const TABLES: [&'static str; 4] = ["queue_shard", "queue_event", "queue_ticket", "queue_serving"];

    async fn take(db: &'d TestDb) -> Self {
        for table in Self::TABLES {
            db.db
                .write
                .execute_unprepared(&format!("CREATE TABLE kept_{table} AS SELECT * FROM {table}"))
                .await
                .expect("copied");
        }
        Self(db)
    }

    async fn set_back(&self) {
        use sea_orm::TransactionTrait as _;
        let tx = self.0.db.write.begin().await.expect("a transaction");
        for table in Self::TABLES {
            for sql in
                [format!("DELETE FROM {table}"), format!("INSERT INTO {table} SELECT * FROM kept_{table}")]
            {
                tx.execute_unprepared(&sql).await.expect("set back");
            }
        }
        tx.commit().await.expect("set back");
    }
}

/// SQL is set back under running instances. Redis still holds what was acknowledged since: it is committed again, nothing is
/// lost, and nobody has to restart anything.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_set_back_gets_again_what_redis_holds() {
    for db in testing::databases().await {
        let redis = testing::redis().await;
        let shutdown = Shutdown::new();
        let (halls, one, hall) = prepared(&db, redis.redis.url(), &shutdown, 2).await;
        let others = instance(&db, redis.redis.url(), &shutdown).await;
        let other = others.hall(hall.id).await.expect("the other instance finds the hall");
        let service = hall.services[0].id;
        insist(&one, keyed("1", issue(service))).await.expect("issued");
        let copies = Copies::take(&db).await;
        for nth in 2..=4 {
            insist(&one, keyed(&nth.to_string(), issue(service))).await.expect("issued");
        }
        let called = Order::CallNext { counter: hall.counters[0].id, expected: None };
        let called = insist(&one, keyed("call", called)).await.expect("called").ticket.expect("a ticket");
        copies.set_back().await;
        for (handle, key, number) in [(&one, "5", "A005"), (&other, "6", "A006")] {
            let answer = insist(handle, keyed(key, issue(service))).await.expect("issued");
            assert_eq!(answer.ticket.expect("a ticket").number, number, "{}", db.engine);
        }
        let again = insist(&other, keyed("3", issue(service))).await.expect("replayed");
        assert_eq!(again.ticket.expect("a ticket").number, "A003", "a retry gives the first answer");
        assert_log_is_whole(halls.store(), hall.id).await;
        let stored = halls.store().ticket(called.id).await.expect("read").expect("it is there again");
        assert_eq!(stored.state, State::Called);
        shutdown.trigger();
    }
}

/// And where Redis is gone too, the hall goes on from what SQL holds, at every instance, under an epoch of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_set_back_without_redis_goes_on_from_there() {
    for db in testing::databases().await {
        let redis = testing::redis().await;
        let shutdown = Shutdown::new();
        let (halls, one, hall) = prepared(&db, redis.redis.url(), &shutdown, 2).await;
        let others = instance(&db, redis.redis.url(), &shutdown).await;
        let other = others.hall(hall.id).await.expect("the other instance finds the hall");
        let service = hall.services[0].id;
        insist(&one, keyed("1", issue(service))).await.expect("issued");
        let copies = Copies::take(&db).await;
        for nth in 2..=4 {
            insist(&one, keyed(&nth.to_string(), issue(service))).await.expect("issued");
        }
        other.reaches(one.read(crate::domain::fold::Fold::seq)).await;
        let (epoch, seq) = (one.epoch(), one.read(crate::domain::fold::Fold::seq));
        copies.set_back().await;
        redis::cmd("FLUSHALL").exec_async(&mut redis.redis.connection()).await.expect("emptied");
        for (handle, key, number) in [(&one, "5", "A002"), (&other, "6", "A003")] {
            let answer = insist(handle, keyed(key, issue(service))).await.expect("issued");
            assert_eq!(answer.ticket.expect("a ticket").number, number, "{}", db.engine);
        }
        for handle in [&one, &other] {
            assert!(handle.epoch() > epoch && handle.read(crate::domain::fold::Fold::seq) < seq);
        }
        assert_log_is_whole(halls.store(), hall.id).await;
        shutdown.trigger();
    }
}

/// Who has seen a position at one instance is not shown an older state by another, which has not heard of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_comes_from_another_instance_sees_nothing_older() {
    use crate::rpc::tests::{board_at, first_frame_at};
    for db in testing::databases().await {
        let redis = testing::redis().await;
        let shutdown = Shutdown::new();
        let (_, one, hall) = prepared(&db, redis.redis.url(), &shutdown, 1).await;
        // Nobody listens for the commits of others here; it looks once a second.
        let late = Halls::open(
            Store::new(db.connect_again().await),
            Redis::connect(redis.redis.url()).await.expect("redis answers"),
            Arc::new(SystemClock),
            shutdown.clone(),
            Metrics::new(),
        )
        .await
        .expect("the halls open");
        let handle = late.hall(hall.id).await.expect("the hall is there");
        insist(&handle, keyed("opened", issue(hall.services[0].id))).await.expect("issued");
        for nth in 0..3 {
            insist(&one, keyed(&format!("{nth}"), issue(hall.services[0].id))).await.expect("issued");
            let seen = one.read(crate::domain::fold::Fold::seq) as i64;
            let board = board_at(&late, hall.id, seen).await;
            assert!(board.seq >= seen && board.epoch == one.epoch(), "{} {seen}", board.seq);
            insist(&one, keyed(&format!("again {nth}"), issue(hall.services[0].id))).await.expect("issued");
            let seen = one.read(crate::domain::fold::Fold::seq) as i64;
            let frame = first_frame_at(&late, hall.id, seen).await;
            assert!(frame.seq >= seen && frame.snapshot.is_some(), "{} {seen}", frame.seq);
        }
        // A position that nobody knows is not waited for without end.
        let started = std::time::Instant::now();
        board_at(&late, hall.id, i64::MAX).await;
        assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
        shutdown.trigger();
    }
}

/// The answer to an installation was lost, so it is sent again, or arrives late: what was appended meanwhile stays.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_installation_that_comes_twice_changes_nothing() {
    let redis = testing::redis().await;
    let log = super::log::Log::new(redis.redis.clone(), HallId::generate());
    let run_id = log.install(3, 0, super::log::GENESIS, &[]).await.expect("installed");
    let view = super::log::View { epoch: 3, run_id: run_id.clone() };
    let event = crate::domain::event::Event {
        id: crate::domain::EventId::generate(),
        kind: crate::domain::event::Kind::IntakeStopped,
        at: DateTime::<Utc>::UNIX_EPOCH,
        actor: Actor { id: "acc_test".to_owned(), kind: ActorKind::Staff },
        request: None,
        ticket: None,
        counters: Vec::new(),
        hall: None,
        day: None,
        passed: Vec::new(),
        counter: None,
        reason: "test".to_owned(),
    };
    let entry = super::log::Entry::after(0, super::log::GENESIS, event).expect("an entry");
    log.append(&view, 0, &[entry]).await.expect("appended");
    assert_eq!(log.install(3, 0, super::log::GENESIS, &[]).await.expect("it is there"), run_id);
    assert_eq!(log.tail(&view, 0, super::log::GENESIS).await.expect("read").len(), 1);
    assert!(matches!(log.install(2, 0, super::log::GENESIS, &[]).await, Err(super::log::Fence::Epoch(3))));
}

/// A start reads the whole day of each hall, and writes it into a Redis that is empty: long days must neither wait for the
/// one writer of SQLite nor keep a connection until others give up waiting for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_halls_with_long_days_start_at_once() {
    const EVENTS: u64 = 10_000;
    for db in testing::databases().await {
        let redis = testing::redis().await;
        mpp_migrations::run("queue", &db.db.write).await.expect("the tables are made");
        let before = Shutdown::new();
        let halls = instance(&db, redis.redis.url(), &before).await;
        let plans: Vec<Hall> = (0..4).map(|nth| hall_named(&format!("MPP-{nth}"), 1)).collect();
        for plan in &plans {
            let configure = Order::Configure(Arc::new(plan.clone()));
            halls.apply(command(configure)).await.expect("a new hall is configured");
            let hall = halls.hall(plan.id).await.expect("the hall is there");
            hall.submit(command(Order::OpenDay)).await.expect("the day opens");
            hall.submit(command(issue(plan.services[0].id))).await.expect("issued");
        }
        before.trigger();
        // The last event of each hall again and again: as long as a day, and quicker than as many commands.
        let columns = "epoch, date, kind, actor, actor_kind, at, chain, body";
        let copies = format!(
            "INSERT INTO queue_event (hall, seq, event_id, {columns}) \
             WITH RECURSIVE copy (nth) AS (SELECT 1 UNION ALL SELECT nth + 1 FROM copy WHERE nth < {EVENTS}) \
             SELECT hall, seq + nth, event_id || nth, {columns} FROM queue_event, copy \
             WHERE kind = 'ticket_issued'"
        );
        db.db.write.execute_unprepared(&copies).await.expect("the days grow");
        let moved = format!("UPDATE queue_shard SET seq = seq + {EVENTS}");
        db.db.write.execute_unprepared(&moved).await.expect("and the shard rows with them");
        redis::cmd("FLUSHALL").exec_async(&mut redis.redis.connection()).await.expect("emptied");

        let shutdown = Shutdown::new();
        let connections = db.connect_again().await;
        // Somebody keeps the one writer of SQLite for as long as the halls are read.
        let writer = connections.begin().await.expect("the writer");
        let halls = Halls::open(
            Store::new(connections),
            Redis::connect(redis.redis.url()).await.expect("redis answers"),
            Arc::new(SystemClock),
            shutdown.clone(),
            Metrics::new(),
        )
        .await
        .expect("reading the halls needs no writer");
        drop(writer);
        let answers = plans.iter().map(|plan| {
            let halls = halls.clone();
            async move {
                let hall = halls.hall(plan.id).await.expect("the hall is there");
                insist(&hall, keyed("after", issue(plan.services[0].id))).await.expect("issued")
            }
        });
        for answer in futures::future::join_all(answers).await {
            assert_eq!(answer.ticket.expect("a ticket").number, "A002", "{}", db.engine);
        }
        for plan in &plans {
            let shard = halls.store().shard(plan.id).await.expect("read").expect("a shard");
            assert!(
                shard.seq > EVENTS && shard.epoch == 2,
                "{shard:?}: opened once, not in several attempts"
            );
        }
        shutdown.trigger();
    }
}
