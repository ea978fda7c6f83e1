//! Lines 32, 33 and 39: who may do what, agencies apart, who did what.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use mpp_kit::auth::{Policies, Policy};
use mpp_kit::testing::Engine;
use mpp_proto::queue::v1::*;
use prost_reflect::DescriptorPool;
use tonic::Code;
use tonic::codegen::http::uri::PathAndQuery;

use super::history;
use super::house::{Client, House, Refusal, permissions, plan};

const SERVICE: &str = "mpp.queue.v1.QueueService";

/// Every RPC of the contract with its policy, in the order of the contract.
fn rpcs() -> Vec<(String, Policy)> {
    let pool = DescriptorPool::decode(mpp_proto::DESCRIPTORS).expect("the descriptors");
    let policies = Policies::from_descriptors(mpp_proto::DESCRIPTORS).expect("the policies");
    let service = pool.get_service_by_name(SERVICE).expect("the service");
    service
        .methods()
        .map(|method| {
            let name = method.name().to_owned();
            let policy =
                policies.get(&format!("/{SERVICE}/{name}")).unwrap_or_else(|| panic!("{name} has no policy"));
            (name, policy.clone())
        })
        .collect()
}

/// Calls an RPC by name with an empty request: whether it is let in shows, and nothing happens.
async fn knock(house: &House, who: &Client, rpc: &str, streams: bool) -> Result<(), Refusal> {
    let mut grpc = tonic::client::Grpc::new(house.channel());
    grpc.ready().await.expect("the service takes calls");
    let path: PathAndQuery = format!("/{SERVICE}/{rpc}").parse().expect("a path");
    let codec = tonic_prost::ProstCodec::<(), ()>::default();
    if streams {
        let answer = grpc.server_streaming(who.request(()), path, codec).await.map_err(Refusal::from)?;
        let mut frames = answer.into_inner();
        let first = tokio::time::timeout(std::time::Duration::from_secs(5), frames.message())
            .await
            .expect("an answer in time");
        first.map(|_| ()).map_err(Refusal::from)
    } else {
        grpc.unary(who.request(()), path, codec).await.map(|_| ()).map_err(Refusal::from)
    }
}

lines! {
    /// 32. Every RPC × persona: allowed, PERMISSION_DENIED or UNAUTHENTICATED, as the role table says; the table itself
    /// stands in a snapshot.
    async fn must_32_every_rpc_for_every_role(engine) {
        let house = House::open(engine).await;
        let personas: Vec<(&str, Client)> = vec![
            ("kiosk", house.kiosk()),
            ("board", house.board()),
            ("reception", house.reception()),
            ("counter", house.staff("1")),
            ("agency_supervisor", house.supervisor("DUKCAPIL")),
            ("hall_manager", house.manager()),
            ("analyst", house.analyst()),
            ("auditor", house.auditor()),
            ("admin", house.admin()),
            ("nobody", house.nobody()),
        ];
        let events = house.events().await;
        let mut table = String::new();
        writeln!(table, "{:<22}{}", "", personas.iter().map(|(name, _)| format!("{name:<18}")).collect::<String>()).expect("text");
        for (rpc, policy) in rpcs() {
            write!(table, "{rpc:<22}").expect("text");
            for (role, who) in &personas {
                let expected = match (policy.permission.as_str(), *role) {
                    ("public", _) => "allowed",
                    (_, "nobody") => "UNAUTHENTICATED",
                    (permission, role) if permissions(role).contains(&permission) => "allowed",
                    (_, _) => "PERMISSION_DENIED",
                };
                let answer = knock(&house, who, &rpc, policy.server_streaming).await;
                let seen = match &answer {
                    Err(refusal) if refusal.what() == (Code::PermissionDenied, "PERMISSION_MISSING") => "PERMISSION_DENIED",
                    Err(refusal) if refusal.what() == (Code::Unauthenticated, "TOKEN_MISSING") => "UNAUTHENTICATED",
                    Err(refusal) if matches!(refusal.code, Code::InvalidArgument | Code::NotFound | Code::PermissionDenied) => {
                        // Let in, and told what is wrong with an empty request. A wrong site code is refused as such.
                        assert!(refusal.code != Code::PermissionDenied || refusal.reason == "SITE_CODE_INVALID", "{refusal:?}");
                        "allowed"
                    }
                    Ok(()) => "allowed",
                    Err(other) => panic!("{rpc} as {role}: {other:?}"),
                };
                assert_eq!(seen, expected, "{rpc} as {role}: {answer:?}");
                write!(table, "{seen:<18}").expect("text");
            }
            table.push('\n');
        }
        let table: String = table.lines().map(|line| format!("{}\n", line.trim_end())).collect();
        insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!("rpc_by_role", table);
        });
        assert_eq!(house.events().await, events, "knocking changed nothing");
    }

    /// 32. A permission in one hall, or at one counter, is none elsewhere.
    async fn must_32_a_permission_holds_where_it_was_given(engine) {
        let house = House::open(engine).await;
        let other_hall = mpp_kit::testing::scope(&[("hall", &["hal_01h455vb4pex5vsknk084sn02q"])]);
        let stranger = house.person("acc_stranger", permissions("hall_manager"), other_hall);
        house.issue("KTP").await;
        let get = GetHallRequest { hall: house.hall_id() };
        assert_eq!(stranger.get_hall(get).await.expect_err("another hall").code, Code::NotFound);
        assert_eq!(stranger.list_halls(ListHallsRequest::default()).await.expect("its halls").halls, []);
        assert_eq!(stranger.issue_ticket(house.wants("KTP")).await.expect_err("another hall").code, Code::NotFound);
        let next = CallNextRequest { counter: house.counter("2").id.clone(), ..CallNextRequest::default() };
        assert_eq!(stranger.call_next(next.clone()).await.expect_err("another hall").code, Code::NotFound);
        let events = ListEventsRequest { hall: house.hall_id(), ..ListEventsRequest::default() };
        assert_eq!(stranger.list_events(events).await.expect_err("another hall").code, Code::NotFound);
        // A colleague's counter is known, and forbidden.
        let refusal = house.staff("1").call_next(next).await.expect_err("counter 2 is not theirs");
        assert_eq!(refusal.what(), (Code::PermissionDenied, "NOT_THE_HOLDER"));
        assert_eq!(house.desk("2").await.current, None);
    }

    /// 33. Agency A's staff can neither read nor call B's tickets.
    async fn must_33_agencies_cannot_read_each_other(engine) {
        let house = House::open(engine).await;
        house.issue("KTP").await;
        let request = IssueTicketRequest { phone: "081234567890".into(), ..house.wants("STNK") };
        let foreign = house.kiosk().issue_ticket(request).await.expect("a ticket").ticket.expect("a ticket");
        let called = house.call("3").await.expect("called");
        house.issue("STNK").await;
        let (counter, services) = (house.counter("3").id.clone(), [house.service("STNK").id.clone()]);
        for who in [house.staff("1"), house.supervisor("DUKCAPIL")] {
            let get = GetTicketRequest { ticket: foreign.id.clone() };
            let refusal = who.get_ticket(get).await.expect_err("B's ticket");
            // The same as for a ticket that is not there at all.
            let unknown = GetTicketRequest { ticket: "tkt_01h455vb4pex5vsknk084sn02q".into() };
            assert_eq!(refusal, who.get_ticket(unknown).await.expect_err("no ticket"));
            let get = GetCounterRequest { counter: counter.clone() };
            assert_eq!(who.get_counter(get).await.expect_err("B's counter").code, Code::NotFound);
            let preview = PreviewNextRequest { counter: counter.clone() };
            assert_eq!(who.preview_next(preview).await.expect_err("B's counter").code, Code::NotFound);
            let watch = who.watch_counter(WatchCounterRequest { counter: counter.clone() }).await;
            let refusal = match watch {
                Err(refusal) => refusal,
                Ok(mut frames) => frames.refusal().await,
            };
            assert_eq!(refusal.code, Code::NotFound);
            let list = ListTicketsRequest { hall: house.hall_id(), ..ListTicketsRequest::default() };
            let tickets = who.list_tickets(list).await.expect("its own").tickets;
            assert_eq!(tickets.iter().map(|ticket| ticket.number.as_str()).collect::<Vec<_>>(), ["A001"]);
            let list = ListTicketsRequest { hall: house.hall_id(), service_id: services[0].clone(), ..ListTicketsRequest::default() };
            let listed = who.list_tickets(list).await.map(|answer| answer.tickets).unwrap_or_default();
            assert_eq!(listed, [], "asking for B's service shows nothing");
        }
        let supervisor = house.supervisor("DUKCAPIL");
        let room = supervisor.get_control_room(GetControlRoomRequest { hall: house.hall_id() }).await.expect("its room");
        let room = room.control_room.expect("a room");
        assert!(room.agencies.iter().all(|agency| agency.agency_id == house.agency("DUKCAPIL").id), "{:?}", room.agencies);
        assert!(room.counters.iter().all(|it| it.counter.as_ref().is_some_and(|counter| counter.agency_code == "DUKCAPIL")));
        let request = GetStatisticsRequest { hall: house.hall_id(), date: String::new() };
        let statistics = supervisor.get_statistics(request).await.expect("its own").statistics.expect("statistics");
        assert_eq!(statistics.total.map(|row| row.issued), Some(1));
        assert_eq!(statistics.agencies.len(), 1);
        // And B's own see it all.
        assert_eq!(house.desk("3").await.current.map(|ticket| ticket.id), Some(called.id));
    }

    /// 33. A grant for a counter that names no agency is one for the agency of that counter.
    async fn must_33_a_grant_for_a_counter_alone_reaches_no_other_agency(engine) {
        let house = House::open(engine).await;
        let own = house.issue("KTP").await;
        let foreign = house.issue("STNK").await;
        let (here, there) = (house.counter("2").id.clone(), house.counter("3").id.clone());
        let scope = mpp_kit::testing::scope(&[("hall", &[&house.hall_id()]), ("counter", &[&here])]);
        let who = house.person("acc_alone", permissions("counter"), scope);
        let list = ListTicketsRequest { hall: house.hall_id(), ..ListTicketsRequest::default() };
        let seen = who.list_tickets(list).await.expect("its own").tickets;
        assert_eq!(seen.iter().map(|ticket| &ticket.id).collect::<Vec<_>>(), [&own.id]);
        let get = |id: &str| GetTicketRequest { ticket: id.to_owned() };
        assert!(who.get_ticket(get(&own.id)).await.is_ok());
        assert_eq!(who.get_ticket(get(&foreign.id)).await.expect_err("of another agency").code, Code::NotFound);
        let preview = PreviewNextRequest { counter: there.clone() };
        assert_eq!(who.preview_next(preview).await.expect_err("of another agency").code, Code::NotFound);
        let desk = GetCounterRequest { counter: there.clone() };
        assert_eq!(who.get_counter(desk).await.expect_err("of another agency").code, Code::NotFound);
        let before = house.events().await;
        let cancel = CancelTicketRequest { ticket: foreign.id.clone(), ..CancelTicketRequest::default() };
        assert_eq!(who.cancel_ticket(cancel).await.expect_err("of another agency").code, Code::NotFound);
        let parked = house.call("3").await.expect("called");
        house.park("3", &parked, "ambil fotokopi").await;
        let transfer = TransferTicketRequest {
            ticket: parked.id.clone(), service_id: house.service("KTP").id.clone(), ..TransferTicketRequest::default()
        };
        assert_eq!(who.transfer_ticket(transfer).await.expect_err("of another agency").code, Code::NotFound);
        assert_eq!(house.events().await.len(), before.len() + 2, "only the call and the parking");
        // Its own counter it works at.
        let open = OpenCounterRequest { counter: here.clone(), ..OpenCounterRequest::default() };
        who.open_counter(open).await.expect("its counter");
        let call = CallNextRequest { counter: here, ..CallNextRequest::default() };
        assert_eq!(who.call_next(call).await.expect("called").ticket.map(|ticket| ticket.id), Some(own.id));
        history::verify(&house).await;
    }

    /// 33. Who works where is told to supervisors, of their own agency.
    async fn must_33_who_works_at_another_agency_is_not_told(engine) {
        let house = House::open(engine).await;
        let staff = |hall: Option<Hall>| -> Vec<(String, String)> {
            let counters = hall.expect("a hall").counters;
            counters.into_iter().map(|counter| (counter.number, counter.staff_id)).collect()
        };
        let row = |number: &str, staff: &str| (number.to_owned(), staff.to_owned());
        let expected = [
            (house.supervisor("DUKCAPIL"), [row("1", "acc_staff1"), row("2", "acc_staff2"), row("3", "")]),
            (house.supervisor("SAMSAT"), [row("1", ""), row("2", ""), row("3", "acc_staff3")]),
            (house.manager(), [row("1", "acc_staff1"), row("2", "acc_staff2"), row("3", "acc_staff3")]),
            (house.staff("1"), [row("1", ""), row("2", ""), row("3", "")]),
        ];
        for (who, expected) in expected {
            let hall = who.get_hall(GetHallRequest { hall: house.hall_id() }).await.expect("the hall").hall;
            assert_eq!(staff(hall), expected);
            let mut halls = who.list_halls(ListHallsRequest::default()).await.expect("its halls").halls;
            assert_eq!(staff(halls.pop()), expected);
        }
    }

    /// 33. By call: every verb.
    async fn must_33_agencies_cannot_call_each_other(engine) {
        let house = House::open(engine).await;
        house.issue("STNK").await;
        let waiting = house.issue("STNK").await;
        let held = house.call("3").await.expect("called");
        let counter = house.counter("3").id.clone();
        let before = house.events().await;
        for who in [house.staff("1"), house.supervisor("DUKCAPIL")] {
            let next = CallNextRequest { counter: counter.clone(), ..CallNextRequest::default() };
            let open = OpenCounterRequest { counter: counter.clone(), ..OpenCounterRequest::default() };
            let pause = PauseCounterRequest { counter: counter.clone(), reason: "iseng".into(), ..PauseCounterRequest::default() };
            let resume = ResumeCounterRequest { counter: counter.clone(), ..ResumeCounterRequest::default() };
            let close = CloseCounterRequest { counter: counter.clone(), ..CloseCounterRequest::default() };
            let mut refusals = vec![
                who.call_next(next).await.err(),
                who.open_counter(open).await.err(),
                who.pause_counter(pause).await.err(),
                who.resume_counter(resume).await.err(),
                who.close_counter(close).await.err(),
            ];
            for ticket in [&held.id, &waiting.id] {
                let reason = || "alasan".to_owned();
                let recall = RecallTicketRequest { ticket: ticket.clone(), ..RecallTicketRequest::default() };
                let start = StartTicketRequest { ticket: ticket.clone(), ..StartTicketRequest::default() };
                let finish = FinishTicketRequest { ticket: ticket.clone(), ..FinishTicketRequest::default() };
                let absent = NoShowTicketRequest { ticket: ticket.clone(), ..NoShowTicketRequest::default() };
                let restore = RestoreTicketRequest { ticket: ticket.clone(), reason: reason(), ..RestoreTicketRequest::default() };
                let park = ParkTicketRequest { ticket: ticket.clone(), ..ParkTicketRequest::default() };
                let resume = ResumeTicketRequest {
                    ticket: ticket.clone(), counter_id: house.counter("1").id.clone(), ..ResumeTicketRequest::default()
                };
                let transfer = TransferTicketRequest {
                    ticket: ticket.clone(), service_id: house.service("KTP").id.clone(), ..TransferTicketRequest::default()
                };
                let cancel = CancelTicketRequest { ticket: ticket.clone(), ..CancelTicketRequest::default() };
                let undo = UndoCallRequest { ticket: ticket.clone(), ..UndoCallRequest::default() };
                refusals.extend([
                    who.recall_ticket(recall).await.err(),
                    who.start_ticket(start).await.err(),
                    who.finish_ticket(finish).await.err(),
                    who.no_show_ticket(absent).await.err(),
                    who.restore_ticket(restore).await.err(),
                    who.park_ticket(park).await.err(),
                    who.resume_ticket(resume).await.err(),
                    who.transfer_ticket(transfer).await.err(),
                    who.cancel_ticket(cancel).await.err(),
                    who.undo_call(undo).await.err(),
                ]);
            }
            for (at, refusal) in refusals.into_iter().enumerate() {
                assert_eq!(refusal.map(|it| it.code), Some(Code::NotFound), "call {at}: as if it were not there");
            }
        }
        let supervisor = house.supervisor("DUKCAPIL");
        let specific = |counter: &str| CallTicketRequest {
            counter: house.counter(counter).id.clone(), ticket: waiting.id.clone(), reason: "alasan".into(), ..CallTicketRequest::default()
        };
        for counter in ["1", "3"] {
            assert_eq!(supervisor.call_ticket(specific(counter)).await.expect_err("B's ticket").code, Code::NotFound);
        }
        let release = ReleaseTicketRequest { ticket: held.id.clone(), reason: "alasan".into(), ..ReleaseTicketRequest::default() };
        assert_eq!(supervisor.release_ticket(release).await.expect_err("B's ticket").code, Code::NotFound);
        let stop = StopIntakeRequest {
            hall: house.hall_id(), agency_id: house.agency("SAMSAT").id.clone(), reason: "alasan".into(), ..StopIntakeRequest::default()
        };
        assert_eq!(supervisor.stop_intake(stop.clone()).await.expect_err("B's intake").code, Code::NotFound);
        let whole = StopIntakeRequest { agency_id: String::new(), ..stop };
        assert!(matches!(
            supervisor.stop_intake(whole).await.expect_err("the hall's intake").code,
            Code::NotFound | Code::PermissionDenied
        ));
        assert_eq!(house.events().await, before, "nothing happened");
    }

    /// 33. What is sent on to the other agency is theirs from then on; and a counter cannot be configured to call it.
    async fn must_33_a_transferred_ticket_belongs_to_its_new_agency(engine) {
        let house = House::open(engine).await;
        house.issue("KTP").await;
        let called = house.call("1").await.expect("called");
        house.start("1", &called).await;
        let sent = house.transfer("1", &called, "STNK").await;
        let get = GetTicketRequest { ticket: sent.id.clone() };
        // An auditor of the first agency reads of it up to the transfer, one of the second from there on.
        let there = house.call("3").await.expect("called");
        assert_eq!(there.id, sent.id);
        let read = async |agency: &str| -> Vec<EventKind> {
            let request = ListEventsRequest { hall: house.hall_id(), date: "2026-03-02".into(), page_size: 500, ..ListEventsRequest::default() };
            let events = house.auditor_of(agency).list_events(request).await.expect("the log").events;
            let of_it = events.iter().filter(|event| event.ticket.as_ref().is_some_and(|ticket| ticket.id == sent.id));
            of_it.map(Event::kind).collect()
        };
        let (called_it, transferred) = (EventKind::TicketCalled, EventKind::TicketTransferred);
        assert_eq!(read("DUKCAPIL").await, [EventKind::TicketIssued, called_it, EventKind::TicketStarted, transferred]);
        assert_eq!(read("SAMSAT").await, [transferred, called_it]);
        assert_eq!(house.staff("1").get_ticket(get.clone()).await.expect_err("gone").code, Code::NotFound);
        assert_eq!(house.staff("3").get_ticket(get).await.expect("theirs").ticket.expect("a ticket").id, sent.id);
        let mut mixed = plan();
        mixed.counters[0].service_codes = vec!["KTP".into(), "STNK".into()];
        let request = ApplyHallRequest { request_id: String::new(), hall: Some(mixed) };
        let refusal = house.admin().apply_hall(request).await.expect_err("a counter calls for its own agency");
        assert_eq!(refusal.code, Code::InvalidArgument, "{refusal:?}");
        assert!(refusal.fields.iter().any(|field| field.contains("counters[0].service")), "{refusal:?}");
        history::verify(&house).await;
    }

    /// 39. What the contract calls audited and what is logged are the same: each such RPC of the contract leaves an entry with who
    /// asked, and none of the others leaves any.
    async fn must_39_every_audited_rpc_leaves_an_entry(engine) {
        let house = House::open(engine).await;
        let mut left: BTreeMap<&str, String> = BTreeMap::new();
        let mut known = house.events().await.len();
        macro_rules! audited {
            ($rpc:literal, $who:expr, $call:ident($request:ident { $($field:ident: $value:expr),* $(,)? })) => {{
                let request = $request { $($field: $value,)* ..$request::default() };
                let answer = $who.$call(request).await.unwrap_or_else(|refusal| panic!("{}: {refusal:?}", $rpc));
                let events = house.events().await;
                assert!(events.len() > known, "{} left no entry", $rpc);
                known = events.len();
                let actor = events.last().and_then(|event| event.actor.clone()).expect("an actor");
                left.insert($rpc, actor.id);
                answer
            }};
        }
        let hall = || house.hall_id();
        let counter = |number: &str| house.counter(number).id.clone();
        let reason = || "alasan".to_owned();
        let (one, manager, kiosk) = (house.staff("1"), house.manager(), house.kiosk());
        let code = house.board().get_site_code(GetSiteCodeRequest { hall: hall() }).await.expect("the code").code;
        audited!("ApplyHall", house.admin(), apply_hall(ApplyHallRequest { hall: Some(plan()) }));
        let ktp = house.service("KTP").id.clone();
        let issue = async || house.issue("KTP").await;
        audited!("IssueTicket", kiosk, issue_ticket(IssueTicketRequest { hall: hall(), service_id: ktp.clone() }));
        audited!("IssueOnsiteTicket", house.nobody(), issue_onsite_ticket(IssueOnsiteTicketRequest {
            hall: hall(), service_id: ktp.clone(), site_code: code, phone: "081234567890".into(),
        }));
        audited!("PauseCounter", one, pause_counter(PauseCounterRequest { counter: counter("1"), reason: reason() }));
        audited!("ResumeCounter", one, resume_counter(ResumeCounterRequest { counter: counter("1") }));
        audited!("CloseCounter", one, close_counter(CloseCounterRequest { counter: counter("1") }));
        audited!("OpenCounter", one, open_counter(OpenCounterRequest { counter: counter("1") }));
        let called = audited!("CallNext", one, call_next(CallNextRequest { counter: counter("1") })).ticket.expect("a ticket").id;
        audited!("UndoCall", one, undo_call(UndoCallRequest { ticket: called.clone() }));
        house.call("1").await.expect("called");
        house.wait(11);
        known += 1;
        audited!("RecallTicket", one, recall_ticket(RecallTicketRequest { ticket: called.clone() }));
        audited!("StartTicket", one, start_ticket(StartTicketRequest { ticket: called.clone() }));
        audited!("ParkTicket", one, park_ticket(ParkTicketRequest { ticket: called.clone() }));
        audited!("ResumeTicket", one, resume_ticket(ResumeTicketRequest { ticket: called.clone() }));
        house.start("1", &house.ticket(&called).await).await;
        known += 1;
        audited!("FinishTicket", one, finish_ticket(FinishTicketRequest { ticket: called.clone() }));
        let next = house.call("1").await.expect("called").id;
        known += 1;
        audited!("TransferTicket", one, transfer_ticket(TransferTicketRequest { ticket: next, service_id: house.service("KK").id.clone() }));
        let waiting = issue().await.id;
        known += 1;
        audited!("CallTicket", house.supervisor("DUKCAPIL"), call_ticket(CallTicketRequest {
            counter: counter("1"), ticket: waiting.clone(), reason: reason(),
        }));
        audited!("ReleaseTicket", house.supervisor("DUKCAPIL"), release_ticket(ReleaseTicketRequest { ticket: waiting.clone(), reason: reason() }));
        audited!("CancelTicket", house.reception(), cancel_ticket(CancelTicketRequest { ticket: waiting, reason: reason() }));
        let mistaken = issue().await.id;
        known += 1;
        let void_reason = VoidReason::WrongService.into();
        audited!("VoidTicket", kiosk, void_ticket(VoidTicketRequest { ticket: mistaken, void_reason: void_reason }));
        // Absent as often as it takes.
        issue().await;
        known += 1;
        let mut absent = house.call("1").await.expect("called");
        known += 1;
        while absent.state() != TicketState::NoShow {
            let ticket = absent.id.clone();
            absent = audited!("NoShowTicket", one, no_show_ticket(NoShowTicketRequest { ticket: ticket })).ticket.expect("a ticket");
            house.wait(600);
            if absent.state() == TicketState::Waiting {
                let call = CallTicketRequest { counter: counter("1"), ticket: absent.id.clone(), reason: reason(), ..CallTicketRequest::default() };
                absent = house.supervisor("DUKCAPIL").call_ticket(call).await.expect("called").ticket.expect("a ticket");
                known += 1;
            }
        }
        audited!("RestoreTicket", house.reception(), restore_ticket(RestoreTicketRequest { ticket: absent.id, reason: reason() }));
        audited!("StopIntake", manager, stop_intake(StopIntakeRequest { hall: hall(), reason: reason() }));
        audited!("ResumeIntake", manager, resume_intake(ResumeIntakeRequest { hall: hall() }));
        audited!("CloseDay", manager, close_day(CloseDayRequest { hall: hall() }));
        audited!("OpenDay", manager, open_day(OpenDayRequest { hall: hall() }));
        let contract: Vec<String> = rpcs().into_iter().filter(|(_, policy)| policy.audited).map(|(name, _)| name).collect();
        let mut contract: Vec<&str> = contract.iter().map(String::as_str).collect();
        contract.sort_unstable();
        assert_eq!(left.keys().copied().collect::<Vec<_>>(), contract, "each audited RPC of the contract, and no other");
        assert!(left.values().all(|actor| !actor.is_empty()), "{left:?}");
        // Reading leaves nothing: what needs no more than a look at the hall.
        let page = ListTicketsRequest { hall: hall(), ..ListTicketsRequest::default() };
        manager.list_tickets(page).await.expect("read");
        manager.get_control_room(GetControlRoomRequest { hall: hall() }).await.expect("read");
        house.statistics().await;
        house.desk("1").await;
        house.board_of("").await;
        assert_eq!(house.events().await.len(), known, "reading left an entry");
        history::verify(&house).await;
    }

    /// 39. Append-only audit of who did what at which counter: gap-free, chained, and nothing is ever rewritten.
    async fn must_39_the_audit_says_who_did_what_where(engine) {
        let house = House::open(engine).await;
        house.issue("KTP").await;
        let called = house.call("1").await.expect("called");
        house.start("1", &called).await;
        let seen = house.events().await;
        house.wait(60);
        house.finish("1", &called).await;
        house.issue("KTP").await;
        let supervisor = house.supervisor("DUKCAPIL");
        let waiting = house.desk("2").await.next_ticket_id;
        let request = CallTicketRequest {
            counter: house.counter("2").id.clone(), ticket: waiting, reason: "lansia sendirian".into(), ..CallTicketRequest::default()
        };
        supervisor.call_ticket(request).await.expect("called");
        let events = house.events().await;
        assert_eq!(events[..seen.len()], seen, "what was written stays as it was");
        let seqs: Vec<i64> = events.iter().map(|event| event.seq).collect();
        assert!(seqs.windows(2).all(|pair| pair[1] == pair[0] + 1), "gap-free: {seqs:?}");
        let told: Vec<(EventKind, String, String, String)> = events
            .iter()
            .filter(|event| event.ticket.is_some())
            .map(|event| {
                let actor = event.actor.clone().expect("an actor").id;
                let counter = house.hall.counters.iter().find(|it| it.id == event.counter_id).map(|it| it.number.clone());
                (event.kind(), actor, counter.unwrap_or_default(), event.reason.clone())
            })
            .collect();
        let row = |kind, actor: &str, counter: &str, reason: &str| (kind, actor.to_owned(), counter.to_owned(), reason.to_owned());
        assert_eq!(
            told,
            [
                row(EventKind::TicketIssued, "dev_kiosk", "", ""),
                row(EventKind::TicketCalled, "acc_staff1", "1", ""),
                row(EventKind::TicketStarted, "acc_staff1", "1", ""),
                row(EventKind::TicketFinished, "acc_staff1", "1", ""),
                row(EventKind::TicketIssued, "dev_kiosk", "", ""),
                row(EventKind::TicketCalledSpecific, "acc_supervisor_DUKCAPIL", "2", "lansia sendirian"),
            ]
        );
        let chains: BTreeMap<&str, i64> = events.iter().map(|event| (event.chain.as_str(), event.seq)).collect();
        assert_eq!(chains.len(), events.len());
        assert!(chains.keys().all(|chain| chain.len() == 64 && chain.bytes().all(|byte| byte.is_ascii_hexdigit())));
        // A row that somebody changes or removes in the database is seen.
        history::verify(&house).await;
    }
}
