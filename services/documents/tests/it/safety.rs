//! Lines 33 and 34: the record of everything without personal data, and nobody sees what is not his.

use mpp_kit::testing::Engine;
use mpp_proto::documents::v1::*;
use sea_orm::{ConnectionTrait as _, Statement};
use tonic::Code;

use super::town::{
    AGENCY, PLAIN, RT, Refusal, Resident, Town, VILLAGE, moment, office as office_of, timestamp,
};

impl Town {
    /// Every row of every table as text; bytes as hexadecimal.
    pub(crate) async fn everything(&self) -> Vec<String> {
        let db = &self.db.db.read;
        let tables = match self.db.engine {
            Engine::Sqlite => "SELECT name FROM sqlite_master WHERE type = 'table'",
            Engine::Postgres => {
                "SELECT table_name::text AS name FROM information_schema.tables WHERE table_schema = 'test'"
            }
        };
        let ask = async |sql: String| {
            let rows =
                db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await.expect("rows");
            rows.iter().map(|row| row.try_get::<String>("", "name").expect("a text")).collect::<Vec<_>>()
        };
        let mut rows = Vec::new();
        for table in ask(tables.to_owned()).await {
            let sql = match self.db.engine {
                Engine::Postgres => format!("SELECT t::text AS name FROM \"{table}\" t"),
                Engine::Sqlite => {
                    let columns = ask(format!("SELECT name FROM pragma_table_info('{table}')")).await;
                    let quoted: Vec<_> =
                        columns.iter().map(|column| format!("quote(\"{column}\")")).collect();
                    format!("SELECT {} AS name FROM \"{table}\"", quoted.join(" || ' ' || "))
                }
            };
            rows.extend(ask(sql).await.into_iter().map(|row| format!("{table}: {row}")));
        }
        rows
    }
}

/// As it would stand in a column of bytes.
fn hexadecimal(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

lines! {
    /// 33. A page of a list that names people is recorded: who read it, what was asked for, how many it named, and no more.
    async fn line_33_a_page_of_a_list_is_recorded_without_whom_it_named(engine) {
        let town = Town::new(engine).await;
        let officer = town.officer(PLAIN);
        let listed = async || {
            let entries = town.journal().await.into_iter().filter(|entry| entry.what == "list.viewed");
            entries.map(|entry| (entry.who, entry.subject, entry.detail)).collect::<Vec<_>>()
        };
        assert!(officer.work().await.is_empty() && listed().await.is_empty(), "nobody was named");
        for number in 1..=3 {
            town.applied("sktm", &Resident::new(number, PLAIN)).await;
        }
        assert_eq!(officer.work().await.len(), 3);
        let (who, list, detail) = listed().await.remove(0);
        assert_eq!((who.as_str(), list.as_str()), (officer.sub.as_str(), "work"));
        assert!(detail.contains("\"count\":3") && detail.contains("\"lateOnly\":false"), "{detail}");
        let (_, document) = town.issued("sktm", &Resident::new(4, PLAIN)).await;
        let before = listed().await.len();
        let find = |find: &str| ListDocumentsRequest { find: find.to_owned(), ..ListDocumentsRequest::default() };
        let reader = town.reader();
        for wanted in [document.number.as_str(), &document.verification_code, "470/0999/XX/2026"] {
            reader.list_documents(find(wanted)).await.expect("a list");
        }
        let looks = listed().await.split_off(before);
        assert_eq!(looks.len(), 2, "one was not found: {looks:?}");
        for ((who, list, detail), by) in looks.into_iter().zip(["NUMBER", "CODE"]) {
            assert_eq!((who, list.as_str()), (reader.sub.clone(), "documents"));
            assert!(detail.contains(&format!("\"by\":\"{by}\"")) && detail.contains("\"count\":1"), "{detail}");
            assert!(!detail.contains(&document.number) && !detail.contains(&document.verification_code), "{detail}");
        }
    }

    /// 33. Append-only audit of every action incl. verify hits and downloads; no personal data in it.
    async fn line_33_everything_is_in_the_journal_and_nothing_personal_in_the_clear(engine) {
        let town = Town::new(engine).await;
        let resident = Resident::new(9876, RT);
        let mut wish = town.wish("sktm", &resident).await;
        wish.with_optional_steps = true;
        wish.request_id = "ajukan-33".to_owned();
        let status = town.submit(wish).await;
        let id = status.application_id.clone();
        town.official("RT_HEAD", RT).send_back(&id, "lengkapi foto rumah tampak depan").await.expect("returned");
        let corrected = town.wish("sktm", &resident).await;
        let resubmit = ResubmitApplicationRequest {
            request_id: "ulang-33".to_owned(),
            code: status.code.clone(),
            values: corrected.values,
            attachments: corrected.attachments,
            ..ResubmitApplicationRequest::default()
        };
        town.nobody().resubmit_application(resubmit).await.expect("corrected");
        let seen = town.seen(&id).await;
        let approve = ApproveApplicationRequest {
            request_id: "setuju-33".to_owned(),
            application: id.clone(),
            version: seen.version,
            content_hash: seen.content_hash.clone(),
        };
        town.official("RT_HEAD", RT).approve_application(approve).await.expect("approved");
        let application = town.finish(&id).await;
        let document = town.document(&application.document_id).await;
        town.reader().get_draft(GetDraftRequest { application: id.clone() }).await.expect("the file");
        town.verified(&document.verification_code).await;
        town.judged(town.bytes(&document.id, 0).await).await;
        let link = CreateDownloadLinkRequest { code: status.code.clone(), nik_last4: "9876".to_owned() };
        let path = town.nobody().create_download_link(link).await.expect("a link").path;
        let token = path.trim_start_matches("/berkas/").to_owned();
        town.nobody().open_file_link(OpenFileLinkRequest { token }).await.expect("a file");
        let prefill = PrefillApplicationRequest { code: status.code.clone(), nik: resident.nik.clone(), letter_type: "sku".to_owned() };
        town.nobody().prefill_application(prefill).await.expect("filled");
        let hand_over = HandOverApplicationRequest {
            request_id: "serah-33".to_owned(),
            application: id.clone(),
            collector: "Bambang Pengambil".to_owned(),
            copies: 1,
            ..HandOverApplicationRequest::default()
        };
        town.officer(VILLAGE).hand_over_application(hand_over).await.expect("given");
        let revoke = RevokeDocumentRequest {
            request_id: "cabut-33".to_owned(),
            document: document.id.clone(),
            version: 0,
            reason: "Rohana Zulaikha ternyata mampu".to_owned(),
        };
        town.head(VILLAGE).revoke_document(revoke).await.expect("revoked");

        let application_log = town.journal_of(&id).await;
        for what in [
            "application.submitted", "application.returned", "application.resubmitted", "application.approved",
            "application.viewed", "application.signing_began", "application.signed", "application.handed_over", "draft.viewed",
        ] {
            assert!(application_log.iter().any(|it| it == what), "{what} in {application_log:?}");
        }
        let document_log = town.journal_of(&document.id).await;
        assert!(document_log.iter().any(|it| it == "document.viewed"), "{document_log:?}");
        for (what, times) in [("document.verified", 2), ("document.link_made", 1), ("document.downloaded", 2), ("document.revoked", 1)] {
            assert_eq!(document_log.iter().filter(|it| *it == what).count(), times, "{what} in {document_log:?}");
        }
        let journal = town.journal().await;
        assert!(journal.iter().all(|entry| !entry.who.is_empty() && !entry.who.contains(' ')));
        // Who, by what, from where to where.
        let signed: Vec<_> = journal.iter().filter(|entry| entry.what == "application.signed").collect();
        assert_eq!(signed.len(), 2);
        assert_eq!(signed[1].to.as_deref(), Some("ISSUED"));
        // Nothing that names a person stands in the database in the clear: neither journal nor events nor kept answers.
        let rows = town.everything().await;
        for table in ["journal", "event", "application", "idempotency", "person_record", "stored_file"] {
            assert!(rows.iter().any(|row| row.starts_with(&format!("{table}:"))), "{table}");
        }
        for secret in [
            resident.nik.as_str(), "Rohana", "Zulaikha", resident.family_card.as_str(), "Kenanga", "081234567890", "Bambang",
            "170702010170", status.code.as_str(), &status.code.replace('-', ""),
        ] {
            let hex = hexadecimal(secret);
            let found: Vec<_> = rows
                .iter()
                .filter(|row| row.contains(secret) || row.to_lowercase().contains(&hex))
                .map(|row| row.split(':').next().unwrap_or_default())
                .collect();
            assert!(found.is_empty(), "{secret} stands in {found:?}");
        }
        // Who audits one area does not read the journal of all.
        let request = ListDocumentJournalRequest { page_size: 5, ..ListDocumentJournalRequest::default() };
        let local = town.person("acc_auditor", &["documents.audit"], &[VILLAGE]);
        assert_eq!(local.list_document_journal(request.clone()).await.expect_err("all or nothing").code, Code::PermissionDenied);
        assert_eq!(town.head(VILLAGE).list_document_journal(request.clone()).await.expect_err("no auditor").code, Code::PermissionDenied);
        let mut request = request;
        let (mut numbers, mut pages) = (Vec::new(), 0);
        loop {
            let page = town.admin().list_document_journal(request.clone()).await.expect("a page");
            numbers.extend(page.entries.iter().map(|entry| entry.number));
            pages += 1;
            if page.next_page_token.is_empty() {
                break;
            }
            request.page_token = page.next_page_token;
        }
        assert!(pages > 2 && numbers.iter().copied().eq(1..=i64::try_from(journal.len()).expect("few")), "{numbers:?}");
    }

    /// 34. Authorization on every object by owner/area (no IDOR), files behind signed short links.
    async fn line_34_an_official_of_another_area_finds_nothing(engine) {
        let mut town = Town::new(engine).await;
        let (_, document) = town.issued("sktm", &Resident::new(1, RT)).await;
        let wish = town.wish("sktm", &Resident::new(2, RT)).await;
        let file = wish.attachments[0].file_id.clone();
        let status = town.submit(wish).await;
        let (id, office) = (status.application_id, town.office(VILLAGE).id.clone());
        let before = (town.seen(&id).await.version, town.document(&document.id).await.version);
        // Everything a whole village staff may do, in the next village; and the same for an agency.
        let all = [
            "documents.work", "documents.read", "documents.revoke", "documents.office", "documents.integrate",
            "documents.act.rt", "documents.act.rw", "documents.act.village", "documents.act.village.secretary",
            "documents.act.village.head", "documents.act.agency", "documents.act.agency.head",
        ];
        let why = "alasan yang cukup panjang".to_owned();
        for area in [PLAIN, AGENCY, "17.07.02.2001/002/006", "17.07.02.200", "18"] {
            let stranger = town.person("acc_orang_luar", &all, &[area]);
            let application = id.clone();
            let mut refusals: Vec<(&str, Refusal)> = Vec::new();
            macro_rules! finds_nothing {
                ($($call:ident($request:expr);)*) => {$(
                    refusals.push((stringify!($call), stranger.$call($request).await.map(|_| ()).expect_err(stringify!($call))));
                )*};
            }
            finds_nothing! {
                get_application(GetApplicationRequest { application: application.clone() });
                get_draft(GetDraftRequest { application: application.clone() });
                get_attachment(GetAttachmentRequest { application: application.clone(), file: file.clone() });
                claim_application(ClaimApplicationRequest { application: application.clone(), ..Default::default() });
                release_application(ReleaseApplicationRequest { application: application.clone(), ..Default::default() });
                approve_application(ApproveApplicationRequest { application: application.clone(), ..Default::default() });
                return_application(ReturnApplicationRequest { application: application.clone(), reason: why.clone(), ..Default::default() });
                reject_application(RejectApplicationRequest { application: application.clone(), reason: why.clone(), ..Default::default() });
                pause_clock(PauseClockRequest { application: application.clone(), reason: why.clone(), ..Default::default() });
                resume_clock(ResumeClockRequest { application: application.clone(), ..Default::default() });
                reset_clock(ResetClockRequest { application: application.clone(), reason: why.clone(), ..Default::default() });
                record_payment(RecordPaymentRequest {
                    application: application.clone(), reference: "KW-001".to_owned(), amount: 1, pay_time: timestamp(moment("2026-11-23T01:00:00Z")),
                    method: PaymentMethod::Cash.into(), ..Default::default()
                });
                waive_payment(WaivePaymentRequest { application: application.clone(), reason: why.clone(), ..Default::default() });
                request_signing_code(RequestSigningCodeRequest { applications: vec![application.clone()], ..Default::default() });
                hand_over_application(HandOverApplicationRequest { application: application.clone(), collector: "Bambang".to_owned(), copies: 1, ..Default::default() });
                get_document(GetDocumentRequest { document: document.id.clone() });
                download_document(DownloadDocumentRequest { document: document.id.clone(), revision: 0 });
                revoke_document(RevokeDocumentRequest { document: document.id.clone(), reason: why.clone(), ..Default::default() });
                correct_document(CorrectDocumentRequest { document: document.id.clone(), reason: why.clone(), ..Default::default() });
                renew_document(RenewDocumentRequest { document: document.id.clone(), ..Default::default() });
                list_numbers(ListNumbersRequest { office: office.clone(), ..Default::default() });
                list_delegations(ListDelegationsRequest { office: office.clone(), ..Default::default() });
                apply_delegation(ApplyDelegationRequest { delegation: Some(Delegation {
                    office_id: office.clone(), role: "VILLAGE_HEAD".to_owned(), account_id: stranger.sub.clone(), title: "Plt.".to_owned(),
                    decree: "821/1/2026".to_owned(), start_time: timestamp(moment("2026-01-01T00:00:00Z")),
                    end_time: timestamp(moment("2027-01-01T00:00:00Z")), ..Default::default()
                }), ..Default::default() });
            }
            for (call, refusal) in refusals {
                assert_eq!(refusal.code, Code::NotFound, "{call} in {area}: {refusal:?}");
            }
            let refusal = stranger.apply_office(ApplyOfficeRequest { office: Some(office_of(VILLAGE)), ..Default::default() }).await;
            assert_eq!(refusal.expect_err("not his office").code, Code::PermissionDenied);
            let result = stranger.sign(&id).await;
            assert_eq!((result.signed, result.reason.as_str(), result.application.is_none()), (false, "NOT_FOUND", true), "{area}");
            assert!(stranger.work().await.is_empty(), "{area}");
            assert!(stranger.list_documents(ListDocumentsRequest::default()).await.expect("a list").documents.is_empty(), "{area}");
            assert!(stranger.list_document_events(ListDocumentEventsRequest::default()).await.expect("a list").events.is_empty(), "{area}");
        }
        // A grant that is bound to a hall gives no area.
        let hall = mpp_kit::testing::scope(&[("hall", &["hal_01h455vb4pex5vsknk084sn02q"])]);
        let clerk = town.person_in("acc_loket", &["documents.work", "documents.read"], hall.clone());
        assert_eq!(clerk.application(&id).await.expect_err("a hall is no area").code, Code::NotFound);
        assert!(clerk.list_documents(ListDocumentsRequest::default()).await.expect("a list").documents.is_empty());
        // Nor does a role of every level with it, or the permission to integrate.
        let boss = town.person_in("acc_kepala_aula", &all, hall);
        assert_eq!(boss.application(&id).await.expect_err("a hall is no area").code, Code::NotFound);
        let claim = ClaimApplicationRequest { application: id.clone(), ..Default::default() };
        assert_eq!(boss.claim_application(claim).await.expect_err("a hall is no area").code, Code::NotFound);
        let polled = boss.list_document_events(ListDocumentEventsRequest::default()).await;
        assert_eq!(polled.expect_err("a hall is no area").code, Code::PermissionDenied);
        // An application opens its own files alone.
        let own = town.applied("kehilangan", &Resident::new(3, RT)).await.application_id;
        let theft = GetAttachmentRequest { application: own, file };
        assert_eq!(town.officer(VILLAGE).get_attachment(theft).await.expect_err("another's file").code, Code::NotFound);
        // Those of the place do find it, and nothing has changed.
        let head = town.head(VILLAGE);
        assert_eq!(head.application(&id).await.expect("hers").version, before.0);
        let request = GetDocumentRequest { document: document.id.clone() };
        assert_eq!(head.get_document(request).await.expect("hers").document.expect("a document").version, before.1);
        assert_eq!(head.list_documents(ListDocumentsRequest::default()).await.expect("a list").documents.len(), 1);
        assert!(!head.list_document_events(ListDocumentEventsRequest::default()).await.expect("a list").events.is_empty());
        // What everybody may see of an office holds no number of anybody.
        let offices = town.nobody().list_offices(ListOfficesRequest::default()).await.expect("offices").offices;
        assert_eq!(offices.len(), 5);
        assert!(offices.iter().flat_map(|it| &it.signatories).all(|it| it.nik.is_empty() && it.account_id.is_empty() && it.nip.is_empty()));
        // Applied again without the numbers, an office keeps them.
        let again = town.office(VILLAGE).clone();
        assert!(again.signatories.iter().all(|it| it.nik.is_empty()));
        town.apply(again).await;
    }
}
