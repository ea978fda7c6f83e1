//! What other systems are told of published cases, and what systems of agencies say of theirs: C-62.

use chrono::TimeDelta;
use mpp_kit::testing::Engine;
use mpp_proto::complaints::v1::*;
use tonic::Code;

use crate::regency::*;

/// An update of the system of the agency for public works.
pub(crate) fn told(
    number: &str,
    id: &str,
    status: &str,
    text: &str,
    regency: &Regency,
) -> ReceivePartnerUpdateRequest {
    ReceivePartnerUpdateRequest {
        request_id: format!("pupr-{number}-{id}"),
        api_key: "kunci-sistem-pupr".to_owned(),
        number: number.to_owned(),
        update_id: id.to_owned(),
        status: status.to_owned(),
        text: text.to_owned(),
        updated_at: stamp(regency.clock_now()),
    }
}

async fn publish(regency: &Regency, id: &str, publication: Publication) {
    let request = SetComplaintPublicationRequest {
        complaint: id.to_owned(),
        publication: publication.into(),
        reason: "Menunggu kepastian lokasi.".to_owned(),
        ..SetComplaintPublicationRequest::default()
    };
    regency.coordinator().set_complaint_publication(request).await.unwrap();
}

/// Every update, over as many pages as there are.
async fn updates(regency: &Regency, wanted: ListPublishedUpdatesRequest) -> Vec<PublishedUpdate> {
    let (mut found, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListPublishedUpdatesRequest { page_token, page_size: 2, ..wanted.clone() };
        let page = regency.nobody().list_published_updates(request).await.unwrap();
        assert!(page.updates.len() <= 2);
        found.extend(page.updates);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return found;
        }
    }
}

fn states(updates: &[PublishedUpdate]) -> Vec<CaseState> {
    updates.iter().map(PublishedUpdate::state).collect()
}

lines! {
    async fn c_62_what_happened_to_a_published_case_is_told_and_nothing_of_others(engine) {
        let regency = Regency::new(engine).await;
        let all = ListPublishedUpdatesRequest::default();
        let shown = regency.answered(Regency::report()).await;
        let hidden = regency.answered(Regency::report()).await;
        let secret = regency.file(FileComplaintRequest { secrecy: Secrecy::Secret.into(), ..Regency::report() }).await;
        assert!(updates(&regency, all.clone()).await.is_empty(), "nobody has published one");
        regency.wait(TimeDelta::minutes(1));
        publish(&regency, &shown.id, Publication::Public).await;
        regency.wait(TimeDelta::minutes(1));
        let note = AddComplaintNoteRequest {
            complaint: shown.id.clone(),
            text: "Catatan untuk petugas saja.".to_owned(),
            ..AddComplaintNoteRequest::default()
        };
        regency.coordinator().add_complaint_note(note).await.unwrap();
        let says = AnswerComplaintRequest { done: Some(false), ..shown.says("Masih berlubang, hubungi 081234567890.") };
        regency.nobody().answer_complaint(says).await.unwrap();

        let found = updates(&regency, all.clone()).await;
        use CaseState::*;
        assert_eq!(
            states(&found),
            [New, Verified, Disposed, InProgress, AwaitingConfirmation, AwaitingConfirmation, Reopened]
        );
        assert!(found.iter().all(|it| it.number == shown.number));
        assert!(found[4].text.contains("sudah ditambal dengan aspal panas"), "{found:?}");
        let silent = found.iter().enumerate().filter(|(at, _)| *at != 4);
        assert!(silent.clone().all(|(_, it)| it.text.is_empty()), "only what everybody may read: {found:?}");
        let ids: std::collections::BTreeSet<&str> = found.iter().map(|it| it.id.as_str()).collect();
        assert_eq!(ids.len(), found.len(), "each has an id of its own");
        assert_eq!(updates(&regency, all.clone()).await, found, "and the same one each time");
        let whole = format!("{found:?}");
        for never in [NAME, PHONE, EMAIL, "Catatan untuk petugas", "Masih berlubang", "acc_", &hidden.number, &secret.number] {
            assert!(!whole.contains(never), "{never}");
        }

        // By time: the end is left out, the beginning is not. By number: that of another case finds nothing.
        let published = at(found[5].at.as_ref());
        let since = ListPublishedUpdatesRequest { from: stamp(published), ..all.clone() };
        assert_eq!(states(&updates(&regency, since).await), [AwaitingConfirmation, Reopened]);
        let before = ListPublishedUpdatesRequest { before: stamp(published), ..all.clone() };
        assert_eq!(updates(&regency, before).await.len(), 5);
        let of = |numbers: String| ListPublishedUpdatesRequest { numbers, ..all.clone() };
        assert_eq!(updates(&regency, of(format!("{}, {}", shown.number, hidden.number))).await, found);
        assert!(updates(&regency, of(secret.number.clone())).await.is_empty());

        // What is withheld, or secret by now, is told to nobody any more.
        publish(&regency, &shown.id, Publication::Withheld).await;
        assert!(updates(&regency, all.clone()).await.is_empty());
        publish(&regency, &shown.id, Publication::Public).await;
        assert_eq!(updates(&regency, all.clone()).await.len(), 8);
        let quiet = AnswerComplaintRequest { secrecy: Secrecy::Secret.into(), ..shown.says("") };
        regency.nobody().answer_complaint(quiet).await.unwrap();
        assert!(updates(&regency, all).await.is_empty());
    }

    async fn c_62_the_system_of_an_agency_takes_its_case_and_answers_first(engine) {
        let regency = Regency::new(engine).await;
        let filed = regency.file(Regency::report()).await;
        regency.disposed(&filed.id).await;
        publish(&regency, &filed.id, Publication::Public).await;
        regency.wait(TimeDelta::minutes(5));
        let text = "Tim kami menuju lokasi hari ini untuk mengukur lubang.";
        let update = told(&filed.number, "77", "IN_PROGRESS", text, &regency);
        let taken = regency.nobody().receive_partner_update(update.clone()).await.unwrap();
        let case = regency.seen(&filed.id).await;
        assert_eq!(case.state(), CaseState::InProgress);
        let said = case.messages.last().unwrap();
        assert_eq!((said.kind.as_str(), said.text.as_str(), said.agency_id.as_str()), ("FIRST_ANSWER", text, PUPR));
        assert_eq!(said.account_id, "partner:pupr");
        let met = case.clocks.iter().filter(|it| it.state() == ClockState::Met).map(CaseClock::kind);
        let met: Vec<_> = met.collect();
        assert!(met.contains(&ClockKind::Accept) && met.contains(&ClockKind::FirstAnswer), "{met:?}");
        assert!(regency.followed(&filed).await.messages.iter().any(|it| it.text == text), "the reporter reads it");
        // Who asks for updates finds it under the id that was answered.
        let found = updates(&regency, ListPublishedUpdatesRequest::default()).await;
        let own = found.iter().find(|it| it.id == taken.id).unwrap();
        assert_eq!((own.text.as_str(), own.state()), (text, CaseState::InProgress));
        let journal = ListComplaintJournalRequest { complaint: filed.id.clone(), ..Default::default() };
        let entries = regency.coordinator().list_complaint_journal(journal).await.unwrap().entries;
        let entry = entries.iter().find(|it| it.what == "complaint.partner_update").unwrap();
        assert_eq!(entry.who, "partner:pupr");

        // Again: one update. Under its id with other words, or under another request: none.
        let version = regency.seen(&filed.id).await.version;
        assert_eq!(regency.nobody().receive_partner_update(update.clone()).await.unwrap(), taken);
        let other = ReceivePartnerUpdateRequest { text: "Lain lagi kata-katanya.".to_owned(), ..update.clone() };
        assert_eq!(regency.nobody().receive_partner_update(other.clone()).await.unwrap_err().reason, "REQUEST_ID_REUSED");
        let other = ReceivePartnerUpdateRequest { request_id: "baru".to_owned(), ..other };
        let refused = regency.nobody().receive_partner_update(other).await.unwrap_err();
        assert_eq!(refused.fields.get("update_id").map(String::as_str), Some("UPDATE_KNOWN"));
        assert_eq!(regency.seen(&filed.id).await.version, version, "nothing has changed");
    }

    async fn c_62_an_update_settles_nothing_and_an_older_one_changes_no_state(engine) {
        let regency = Regency::new(engine).await;
        let filed = regency.file(Regency::report()).await;
        let before = stamp(regency.clock_now());
        regency.wait(TimeDelta::minutes(5));
        regency.disposed(&filed.id).await;
        // It happened before the agency had the case here: it stands in the history, and that is all.
        let old = ReceivePartnerUpdateRequest {
            updated_at: before,
            ..told(&filed.number, "1", "IN_PROGRESS", "Kami kerjakan minggu ini juga.", &regency)
        };
        regency.nobody().receive_partner_update(old).await.unwrap();
        let case = regency.seen(&filed.id).await;
        assert_eq!((case.state(), case.messages.last().unwrap().kind.as_str()), (CaseState::Disposed, "NOTE"));
        regency.agency(PUPR).accept(&filed.id).await.unwrap();
        regency.wait(TimeDelta::minutes(5));
        // Without proof nothing is answered in substance: an officer is told that there is something to do.
        let sent = regency.messages.of_type("penugasan").len();
        let fixed = told(&filed.number, "2", "FIXED", "Lubang sudah ditutup oleh tim kami.", &regency);
        regency.nobody().receive_partner_update(fixed).await.unwrap();
        let case = regency.seen(&filed.id).await;
        let last = case.messages.last().unwrap();
        assert_eq!((case.state(), last.kind.as_str()), (CaseState::InProgress, "NOTE"));
        assert!(last.text.contains("FIXED") && last.text.contains("sudah ditutup"), "{}", last.text);
        assert!(!regency.followed(&filed).await.messages.iter().any(|it| it.text.contains("sudah ditutup")));
        regency
            .until("the admin of the agency is told", || async { regency.messages.of_type("penugasan").len() > sent })
            .await;
        // A status alone is a line of the history.
        regency.wait(TimeDelta::minutes(5));
        regency.nobody().receive_partner_update(told(&filed.number, "3", "action_scheduled", "", &regency)).await.unwrap();
        assert!(regency.seen(&filed.id).await.messages.last().unwrap().text.ends_with("ACTION_SCHEDULED"));
        regency.agency(PUPR).answer_without_proof(&filed.id).await.unwrap();
        regency.nobody().answer_complaint(AnswerComplaintRequest { done: Some(true), ..filed.says("") }).await.unwrap();
        regency.wait(TimeDelta::minutes(5));
        let late = told(&filed.number, "4", "IN_PROGRESS", "Masih kami kerjakan juga.", &regency);
        assert_eq!(regency.nobody().receive_partner_update(late).await.unwrap_err().reason, "IS_CLOSED");
    }

    async fn c_62_a_partner_reaches_the_cases_of_its_agency_alone(engine) {
        let regency = Regency::new(engine).await;
        let own = regency.taken(Regency::report()).await;
        let waiting = regency.file(Regency::report()).await;
        let quiet = regency
            .file(FileComplaintRequest {
                complaint_class: ComplaintClass::Whistleblowing.into(),
                about_agency_id: PUPR.to_owned(),
                ..Regency::report()
            })
            .await;
        regency.wait(TimeDelta::minutes(5));
        let push = async |request: ReceivePartnerUpdateRequest| {
            regency.nobody().receive_partner_update(request).await.map_err(|it| (it.code, it.message))
        };
        let never = push(told("ADU-2026-999999-9", "1", "OPEN", "", &regency)).await.unwrap_err();
        assert_eq!(never.0, Code::NotFound);
        for other in [&waiting.number, &quiet.number] {
            assert_eq!(push(told(other, "1", "OPEN", "", &regency)).await.unwrap_err(), never, "{other}");
        }
        let foreign = ReceivePartnerUpdateRequest {
            api_key: "kunci-sistem-dinkes".to_owned(),
            ..told(&own.number, "1", "IN_PROGRESS", "Ini bukan urusan kami sama sekali.", &regency)
        };
        assert_eq!(push(foreign).await.unwrap_err(), never);
        // Who has no key learns nothing of what would be wrong besides.
        for key in ["", "kunci-sistem-lain"] {
            let unknown = ReceivePartnerUpdateRequest {
                api_key: key.to_owned(),
                status: "ENTAH".to_owned(),
                ..told(&own.number, "1", "OPEN", "", &regency)
            };
            assert_eq!(push(unknown).await.unwrap_err().0, Code::PermissionDenied, "{key}");
        }
        let wrong = ReceivePartnerUpdateRequest {
            update_id: String::new(),
            status: "ENTAH".to_owned(),
            updated_at: stamp(regency.clock_now() + TimeDelta::hours(1)),
            text: "x".repeat(4001),
            ..told(&own.number, "1", "OPEN", "", &regency)
        };
        let refused = regency.nobody().receive_partner_update(wrong).await.unwrap_err();
        let fields: Vec<&str> = refused.fields.keys().map(String::as_str).collect();
        assert_eq!(fields, ["status", "text", "update_id", "updated_at"]);
        assert_eq!(regency.seen(&own.id).await.messages.len(), 1, "nothing of all this was kept");
    }
}
