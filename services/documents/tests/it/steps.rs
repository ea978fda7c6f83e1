//! Lines 8 to 12: who takes which step, and what he sees. And appointments, worklists.

use chrono::TimeDelta;
use mpp_kit::testing::Engine;
use mpp_proto::documents::v1::*;
use serde_json::json;
use tonic::Code;

use super::catalogue::{definition, template};
use super::paper::words;
use super::town::{
    AGENCY, Client, EASTERN, PLAIN, RT, Resident, SUB_DISTRICT, Town, VILLAGE, account, active, history,
    office, official_nik, put, structure, values_of,
};

const WHY: &str = "foto kartu keluarga tidak terbaca";

/// The chain of a letter that a village signs, a sub-district reads, and an agency reads and signs.
fn chain(key: &str, agency_is_optional: bool) -> String {
    let shipped = definition(key);
    let (before, rest) = shipped.split_once("steps = [").expect("steps");
    let (_, after) = rest.split_once("[summary]").expect("a summary");
    let agency = if agency_is_optional { ", optional = true" } else { "" };
    let steps = format!(
        "steps = [
          {{ level = \"VILLAGE\", role = \"VILLAGE_OFFICER\", kind = \"VERIFY\", sla_minutes = 225 }},
          {{ level = \"VILLAGE\", role = \"VILLAGE_HEAD\", kind = \"SIGN\", sla_minutes = 225 }},
          {{ level = \"SUB_DISTRICT\", role = \"SUB_DISTRICT_OFFICER\", kind = \"VERIFY\", sla_minutes = 450, optional = true }},
          {{ level = \"AGENCY\", role = \"AGENCY_OFFICER\", kind = \"VERIFY\", sla_minutes = 450{agency} }},
          {{ level = \"AGENCY\", role = \"AGENCY_HEAD\", kind = \"SIGN\", sla_minutes = 450{agency} }},
        ]
        signatories = [
          {{ level = \"VILLAGE\", role = \"VILLAGE_HEAD\", style = \"OWN\" }},
          {{ level = \"AGENCY\", role = \"AGENCY_HEAD\", style = \"OWN\" }},
        ]

        [summary]"
    );
    format!("{before}{steps}{after}").replace("[kode_desa]", "[kode_unit]")
}

impl Town {
    /// Puts a type of its own in force.
    async fn offers(&self, definition: &str) {
        let draft = self.save("ani", definition, &template("Kalimat.")).await.expect("saved");
        assert_eq!(draft.defects, Vec::<String>::new());
        self.publish("budi", &draft).await.expect("published");
    }
}

lines! {
    /// 8 and 27. A letter goes from village to sub-district to agency: it is handed in with the agency that was chosen, keeps
    /// the number it has, and each hand-over is dated and acknowledged.
    async fn line_08_a_letter_goes_from_village_to_sub_district_to_agency(engine) {
        let town = Town::new(engine).await;
        town.offers(&chain("rantai", false)).await;
        let (village, sub_district, agency) = (town.office(VILLAGE).id.clone(), town.office(SUB_DISTRICT).id.clone(), town.office(AGENCY).id.clone());
        let mut wish = town.wish("sktm", &Resident::new(1, VILLAGE)).await;
        wish.letter_type = "rantai".to_owned();
        wish.with_optional_steps = true;
        // No area says which agency it is, and a village is none.
        let refused = town.nobody().submit_application(wish.clone()).await.expect_err("no agency is named");
        assert_eq!(refused.fields.keys().collect::<Vec<_>>(), ["office_id"]);
        for other in [village.as_str(), sub_district.as_str(), "ofc_01h455vb4pex5vsknk084sn02q"] {
            let other = SubmitApplicationRequest { office_id: other.to_owned(), ..wish.clone() };
            let refused = town.nobody().submit_application(other).await.expect_err("not an agency");
            assert_eq!(refused.named(), [("office_id", "NO_OFFICE")]);
        }
        wish.office_id.clone_from(&agency);
        let status = town.submit(wish.clone()).await;
        let id = &status.application_id;
        // Returned and corrected, it goes the same way.
        town.officer(VILLAGE).send_back(id, WHY).await.expect("returned");
        let again = ResubmitApplicationRequest {
            code: status.code.clone(), values: wish.values, attachments: wish.attachments, ..ResubmitApplicationRequest::default()
        };
        town.nobody().resubmit_application(again).await.expect("corrected");
        let turns = [
            town.officer(VILLAGE), town.head(VILLAGE), town.official("SUB_DISTRICT_OFFICER", SUB_DISTRICT),
            town.official("AGENCY_OFFICER", AGENCY), town.official("AGENCY_HEAD", AGENCY),
        ];
        let mut numbers = Vec::new();
        for (at, holder) in turns.iter().enumerate() {
            for (other, person) in turns.iter().enumerate() {
                let expected = if other == at { vec![id.clone()] } else { Vec::new() };
                assert_eq!(person.inbox().await, expected, "{} at step {at}", person.sub);
            }
            let application = town.seen(id).await;
            if active(&application).kind == "SIGN" {
                let result = holder.sign(id).await;
                assert!(result.signed, "{}: {}", result.reason, result.message);
            } else {
                holder.approve(&application).await.expect("approved");
            }
            numbers.push(town.seen(id).await.numbers.iter().map(|it| it.text.clone()).collect::<Vec<_>>());
            town.wait(TimeDelta::hours(1));
        }
        let own = "400.9/001/UT/XI/2026";
        assert!(numbers[0].iter().chain(&numbers[1]).chain(&numbers[2]).all(|number| number == own), "{numbers:?}");
        assert_eq!(numbers[4], [own, "400.9/001/DINKES/XI/2026"], "the agency has its register, the letter keeps its number");
        let issued = town.seen(id).await;
        assert_eq!((issued.state(), &issued.office_id), (ApplicationState::Issued, &village));
        let chain: Vec<_> = issued.custody.iter().map(|it| (it.from_office_id.as_str(), it.to_office_id.as_str())).collect();
        assert_eq!(chain, [("", village.as_str()), (village.as_str(), sub_district.as_str()), (sub_district.as_str(), agency.as_str())]);
        let times: Vec<_> = issued.custody.iter().flat_map(|it| [it.time, it.acknowledge_time]).map(|time| time.expect("dated").seconds).collect();
        assert!(times.is_sorted() && times[2] < times[3] && times[4] < times[5], "{times:?}");
        // The paper names both, and both have signed it.
        let document = town.document(&issued.document_id).await;
        assert_eq!((document.number.as_str(), document.signatures), (own, 2));
        let text = words(&town.bytes(&document.id, 0).await);
        assert!(text.contains("Budi Santoso, S.IP.") && text.contains("KEPALA DINAS KESEHATAN") && text.contains("dr. Ratna Sari"), "{text}");
        let shown = town.verified(&document.verification_code).await;
        assert_eq!(shown.signers, ["Kepala Desa, Budi Santoso, S.IP.", "Kepala Dinas Kesehatan, dr. Ratna Sari"]);
        // What corrects it goes to the same agency.
        let correct = CorrectDocumentRequest {
            document: document.id.clone(), values: Some(structure(&values_of("sktm"))), reason: "nama sekolah keliru".to_owned(), ..Default::default()
        };
        let begun = town.head(VILLAGE).correct_document(correct).await.expect("begun").application.expect("an application");
        assert!(begun.steps.iter().any(|step| step.area == AGENCY), "{:?}", begun.steps);
    }

    /// 8. An agency that takes part only where it is asked for is named only then; and what would bear three signatures is not
    /// published, for a letter names two signers.
    async fn line_08_an_agency_that_is_optional_is_named_where_it_is_asked_for(engine) {
        let town = Town::new(engine).await;
        town.offers(&chain("rantai", true)).await;
        let mut wish = town.wish("sktm", &Resident::new(1, VILLAGE)).await;
        wish.letter_type = "rantai".to_owned();
        let alone = town.submit(wish.clone()).await.application_id;
        let issued = town.finish(&alone).await;
        assert_eq!(town.document(&issued.document_id).await.signatures, 1);
        wish.with_optional_steps = true;
        let refused = town.nobody().submit_application(wish.clone()).await.expect_err("it is asked for and not named");
        assert_eq!(refused.fields.keys().collect::<Vec<_>>(), ["office_id"]);
        wish.office_id = town.office(AGENCY).id.clone();
        wish.attachments = town.wish("sktm", &Resident::new(1, VILLAGE)).await.attachments;
        let with = town.submit(wish).await.application_id;
        assert!(town.seen(&with).await.steps.iter().any(|step| step.area == AGENCY));
        let third = chain("tiga", false)
            .replace("kind = \"VERIFY\", sla_minutes = 450, optional = true", "kind = \"VERIFY\", sla_minutes = 450")
            .replace("role = \"SUB_DISTRICT_OFFICER\", kind = \"VERIFY\"", "role = \"SUB_DISTRICT_HEAD\", kind = \"SIGN\"")
            .replace("signatories = [", "signatories = [\n{ level = \"SUB_DISTRICT\", role = \"SUB_DISTRICT_HEAD\", style = \"OWN\" },");
        let draft = town.save("ani", &third, &template("Kalimat.")).await.expect("saved");
        assert!(draft.defects.len() == 1 && draft.defects[0].contains("steps[4]"), "{:?}", draft.defects);
        assert_eq!(town.publish("budi", &draft).await.expect_err("three sign").reason, "NOT_PUBLISHABLE");
    }

    /// 8. Approval chain RT → RW → village → sub-district → agency is configurable per letter type; skipped levels never appear
    /// in inboxes.
    async fn line_08_the_chain_follows_the_type_and_skipped_levels_never_see_it(engine) {
        let town = Town::new(engine).await;
        let (rt, rw) = (town.official("RT_HEAD", RT), town.official("RW_HEAD", "17.07.02.2001/002"));
        let (camat, staff) = (town.official("SUB_DISTRICT_HEAD", SUB_DISTRICT), town.official("SUB_DISTRICT_OFFICER", SUB_DISTRICT));
        // With every level: each sees it when it is its turn, and only then.
        let mut wish = town.wish("sktm", &Resident::new(1, RT)).await;
        wish.with_optional_steps = true;
        let full = town.submit(wish).await.application_id;
        let turns = [
            ("RT_HEAD", rt.clone()), ("RW_HEAD", rw.clone()), ("VILLAGE_OFFICER", town.officer(VILLAGE)),
            ("VILLAGE_HEAD", town.head(VILLAGE)), ("SUB_DISTRICT_OFFICER", staff.clone()), ("SUB_DISTRICT_HEAD", camat.clone()),
        ];
        for (role, holder) in &turns {
            let application = town.seen(&full).await;
            assert_eq!(active(&application).role, *role);
            for (other, person) in &turns {
                let expected = if other == role { vec![full.clone()] } else { Vec::new() };
                assert_eq!(person.inbox().await, expected, "{other} while it is the turn of {role}");
            }
            if active(&application).kind == "SIGN" {
                assert!(holder.sign(&full).await.signed);
            } else {
                holder.approve(&application).await.expect("approved");
            }
        }
        assert_eq!(town.seen(&full).await.state(), ApplicationState::Issued);
        // Without the second signature: the sub-district never sees it.
        let single = town.applied("sktm", &Resident::new(2, RT)).await.application_id;
        let application = town.finish(&single).await;
        let skipped: Vec<_> = application.steps.iter().filter(|it| it.state() == StepState::Skipped).map(|it| it.role.as_str()).collect();
        assert_eq!(skipped, ["SUB_DISTRICT_OFFICER", "SUB_DISTRICT_HEAD"]);
        // A type without RT and RW, and a village that works without them.
        for (letter_type, area) in [("kehilangan", RT), ("sktm", "17.07.02.2002/002/005")] {
            let id = town.applied(letter_type, &Resident::new(3, area)).await.application_id;
            let application = town.seen(&id).await;
            assert_eq!(active(&application).role, "VILLAGE_OFFICER", "{letter_type}");
            for person in [&rt, &rw, &camat, &staff, &town.official("RT_HEAD", "17.07.02.2002/002/005")] {
                assert!(person.inbox().await.is_empty(), "{}", person.sub);
            }
            town.finish(&id).await;
        }
        // An area that ends at the village has no RT to ask.
        let id = town.applied("sktm", &Resident::new(4, VILLAGE)).await.application_id;
        assert_eq!(active(&town.seen(&id).await).role, "VILLAGE_OFFICER");
    }

    /// 8. Who may act by a grant above the level of his role sees what waits there, as who holds the place itself does.
    async fn line_08_a_worklist_holds_what_its_reader_may_act_on(engine) {
        let town = Town::new(engine).await;
        let (here, there) = (town.applied("kehilangan", &Resident::new(1, VILLAGE)).await, town.applied("kehilangan", &Resident::new(2, PLAIN)).await);
        let both = vec![here.application_id.clone(), there.application_id.clone()];
        let seen = async |areas: &[&str]| {
            let officer = town.person(&format!("acc_{}", areas.join("_")), &["documents.work", "documents.act.village"], areas);
            let inbox = officer.inbox().await;
            for id in &both {
                // What is listed is what he is offered to act on, and nothing else.
                let verbs = officer.application(id).await.map(|it| it.allowed_verbs).unwrap_or_default();
                assert_eq!(verbs.iter().any(|it| it == "APPROVE"), inbox.contains(id), "{areas:?}");
            }
            inbox
        };
        for areas in [&[][..], &["17"], &["17.07"], &[SUB_DISTRICT], &[VILLAGE, PLAIN], &[SUB_DISTRICT, VILLAGE]] {
            assert_eq!(seen(areas).await, both, "{areas:?}");
        }
        assert_eq!(seen(&[PLAIN]).await, both[1..]);
        for areas in [&["17.08"][..], &["17.07.03"], &[RT], &["17.07/dinkes"], &["17.0"]] {
            assert!(seen(areas).await.is_empty(), "{areas:?}");
        }
        // It is counted and paged as one list.
        let officer = town.official("VILLAGE_OFFICER", SUB_DISTRICT);
        town.wait(TimeDelta::days(30));
        let request = ListWorkRequest { page_size: 1, ..ListWorkRequest::default() };
        let first = officer.list_work(request.clone()).await.expect("a page");
        assert_eq!((first.late, first.items[0].application_id.as_str()), (2, both[0].as_str()));
        let second = ListWorkRequest { page_token: first.next_page_token, ..request };
        let second = officer.list_work(second).await.expect("a page");
        assert_eq!((second.items[0].application_id.as_str(), second.next_page_token.as_str()), (both[1].as_str(), ""));
        // RT heads by a grant on the RW or the village; agencies by one on the regency.
        let id = town.applied("sktm", &Resident::new(3, RT)).await.application_id;
        for area in [RT, "17.07.02.2001/002", VILLAGE, "17"] {
            assert_eq!(town.official("RT_HEAD", area).inbox().await, std::slice::from_ref(&id), "{area}");
        }
        for area in ["17.07.02.2001/003", PLAIN] {
            assert!(town.official("RT_HEAD", area).inbox().await.is_empty(), "{area}");
        }
        let id = town.applied("sip_bidan", &Resident::new(4, PLAIN)).await.application_id;
        for area in [AGENCY, "17.07", "17"] {
            assert_eq!(town.official("AGENCY_OFFICER", area).inbox().await, std::slice::from_ref(&id), "{area}");
        }
        assert!(town.official("AGENCY_OFFICER", SUB_DISTRICT).inbox().await.is_empty());
    }

    /// 9. Only a holder of the step's role in that area can act; others get 403 and no change.
    async fn line_09_only_the_holder_of_the_role_in_that_area_acts(engine) {
        let town = Town::new(engine).await;
        let id = town.applied("sktm", &Resident::new(1, RT)).await.application_id;
        let before = town.seen(&id).await;
        // In the village, in another role.
        for person in [town.officer(VILLAGE), town.head(VILLAGE), town.official("RW_HEAD", "17.07.02.2001/002")] {
            assert!(person.application(&id).await.expect("he reads it").allowed_verbs.is_empty());
            // Who only reads is offered nothing either.
            assert!(before.allowed_verbs.is_empty());
            assert_eq!(person.approve(&before).await.expect_err("not his").what(), (Code::PermissionDenied, "NOT_YOUR_STEP"));
            assert_eq!(person.send_back(&id, WHY).await.expect_err("not his").reason, "NOT_YOUR_STEP");
            assert_eq!(person.reject(&id, WHY).await.expect_err("not his").reason, "NOT_YOUR_STEP");
            let claim = ClaimApplicationRequest { application: id.clone(), ..ClaimApplicationRequest::default() };
            assert_eq!(person.claim_application(claim).await.expect_err("not his").reason, "NOT_YOUR_STEP");
        }
        // The same role elsewhere: for these there is no such application.
        for area in ["17.07.02.2001/002/006", "17.07.02.2001/003/005", "17.07.02.2002/002/005"] {
            let person = town.official("RT_HEAD", area);
            assert_eq!(person.approve(&before).await.expect_err("elsewhere").code, Code::NotFound, "{area}");
        }
        // A role without the permission to work, and nobody.
        let idle = town.person("acc_idle", &["documents.act.rt"], &[RT]);
        assert_eq!(idle.approve(&before).await.expect_err("no worker").code, Code::PermissionDenied);
        assert_eq!(town.nobody().approve(&before).await.expect_err("not signed in").code, Code::Unauthenticated);
        // The reader, who sees everything.
        assert_eq!(town.reader().approve(&before).await.expect_err("only a reader").reason, "NOT_YOUR_STEP");
        let after = town.seen(&id).await;
        assert_eq!((after.version, after.state(), after.steps), (before.version, before.state(), before.steps.clone()));
        // Nobody signs out of turn.
        let result = town.head(VILLAGE).sign(&id).await;
        assert!(!result.signed && town.seen(&id).await.version == before.version, "{result:?}");
        // One of two colleagues has taken it.
        let rt = town.official("RT_HEAD", RT);
        let claim = ClaimApplicationRequest { application: id.clone(), ..ClaimApplicationRequest::default() };
        let claimed = rt.claim_application(claim.clone()).await.expect("taken").application.expect("an application");
        assert_eq!(active(&claimed).claimed_by, rt.sub);
        let second = town.official_as("acc_rt_wakil", "RT_HEAD", RT);
        assert_eq!(second.approve(&claimed).await.expect_err("a colleague works on it").reason, "CLAIMED_BY_ANOTHER");
        // What was decided on is not what it is now.
        assert_eq!(rt.approve(&before).await.expect_err("stale").what(), (Code::Aborted, "VERSION_MISMATCH"));
        let release = ReleaseApplicationRequest { application: id.clone(), ..ReleaseApplicationRequest::default() };
        rt.release_application(release).await.expect("given back");
        second.approve(&town.seen(&id).await).await.expect("his turn");
    }

    /// 10. Return for correction and reject need a reason, reach the applicant, and are in history.
    async fn line_10_return_and_reject_need_a_reason_that_the_applicant_reads(engine) {
        let town = Town::new(engine).await;
        let status = town.applied("sktm", &Resident::new(1, RT)).await;
        let id = &status.application_id;
        town.approved(id).await;
        let rw = town.official("RW_HEAD", "17.07.02.2001/002");
        for short in ["", "kurang", "         "] {
            assert!(rw.send_back(id, short).await.expect_err("a reason").fields.contains_key("reason"));
            assert!(rw.reject(id, short).await.expect_err("a reason").fields.contains_key("reason"));
        }
        let before = town.seen(id).await;
        assert_eq!(before.state(), ApplicationState::InReview);
        rw.send_back(id, WHY).await.expect("returned");
        let told = town.status(&status.code).await;
        assert_eq!((told.state(), told.return_reason.as_str()), (ApplicationState::Returned, WHY));
        let last = told.history.last().expect("a history");
        assert_eq!((last.what.as_str(), last.reason.as_str(), last.step), ("RETURN", WHY, 1));
        assert!(rw.inbox().await.is_empty());
        assert_eq!(rw.approve(&town.seen(id).await).await.expect_err("with the applicant").reason, "NOT_PERMITTED_IN_STATE");

        // Corrected: the text is another, so that every approval begins again.
        let mut wish = town.wish("sktm", &Resident::new(1, RT)).await;
        put(&mut wish, "tujuan", json!("SMA Negeri 1 Lebong"));
        let resubmit = ResubmitApplicationRequest {
            request_id: String::new(),
            code: status.code.clone(),
            values: wish.values,
            attachments: wish.attachments,
            ..ResubmitApplicationRequest::default()
        };
        town.nobody().resubmit_application(resubmit.clone()).await.expect("corrected");
        let after = town.seen(id).await;
        assert_eq!((active(&after).role.as_str(), after.state()), ("RT_HEAD", ApplicationState::InReview));
        assert_ne!(after.content_hash, before.content_hash);
        assert_eq!(town.nobody().resubmit_application(resubmit).await.expect_err("it is under way").reason, "NOT_PERMITTED_IN_STATE");
        assert_eq!(town.events_of(id).await, ["surat.diajukan", "surat.disetujui", "surat.dikembalikan", "surat.diajukan"]);

        town.official("RT_HEAD", RT).reject(id, "pemohon bukan warga RT ini").await.expect("rejected");
        let told = town.status(&status.code).await;
        assert_eq!(told.state(), ApplicationState::Rejected);
        assert_eq!(told.history.last().map(|it| (it.what.as_str(), it.reason.as_str())), Some(("REJECT", "pemohon bukan warga RT ini")));
        let application = town.seen(id).await;
        let expected = ["SUBMIT", "HAND_ON", "ACKNOWLEDGE", "APPROVE", "RETURN", "RESUBMIT", "REJECT"];
        let found: Vec<_> = history(&application).into_iter().filter(|what| expected.contains(what)).collect();
        assert_eq!(found, expected);
        // The journal holds that it happened, not the words.
        assert!(town.journal().await.iter().all(|entry| !entry.detail.contains("kartu keluarga")));
    }

    /// 11. A submitted letter's content cannot change between approvals; content hash shown at each step is equal.
    async fn line_11_the_content_is_the_same_at_every_step(engine) {
        let town = Town::new(engine).await;
        let mut wish = town.wish("sktm", &Resident::new(1, RT)).await;
        wish.with_optional_steps = true;
        let status = town.submit(wish).await;
        let id = &status.application_id;
        let hash = town.seen(id).await.content_hash;
        assert_eq!(hash.len(), 64);
        let mut drafts = Vec::new();
        loop {
            let application = town.seen(id).await;
            assert_eq!(application.content_hash, hash);
            if application.state() == ApplicationState::Issued {
                break;
            }
            let holder = town.holder(&application);
            let draft = holder.get_draft(GetDraftRequest { application: id.clone() }).await.expect("a draft");
            assert_eq!(draft.content_hash, hash);
            if active(&application).kind == "SIGN" {
                assert!(holder.sign(id).await.signed);
                continue;
            }
            drafts.push(draft.pdf);
            // Somebody who saw something else agrees to nothing.
            for other in ["", &"0".repeat(64), &hash.to_uppercase()] {
                let other = Application { content_hash: other.to_owned(), ..application.clone() };
                assert_eq!(holder.approve(&other).await.expect_err("another text").what(), (Code::Aborted, "CONTENT_DIFFERS"));
            }
            assert_eq!(town.seen(id).await.version, application.version);
            holder.approve(&application).await.expect("approved");
        }
        assert!(drafts[..3].iter().all(|draft| *draft == drafts[0]), "the same bytes for RT, RW and village");
        // While it is under way nothing changes it.
        let resubmit = ResubmitApplicationRequest {
            code: status.code,
            values: Some(structure(&values_of("sktm"))),
            ..ResubmitApplicationRequest::default()
        };
        town.nobody().resubmit_application(resubmit).await.expect_err("not returned");
        assert_eq!(town.seen(id).await.content_hash, hash);
    }

    /// 12. No approver may approve his own application.
    async fn line_12_nobody_decides_on_his_own_application(engine) {
        let mut town = Town::new(engine).await;
        // The officer and the head are known by their numbers.
        let mut village = office(PLAIN);
        village.signatories.push(Signatory {
            account_id: account("VILLAGE_OFFICER", PLAIN),
            role: "VILLAGE_OFFICER".to_owned(),
            name: "Rohana Zulaikha".to_owned(),
            title: "Kepala Urusan Umum".to_owned(),
            nik: Resident::new(7, PLAIN).nik,
            ..Signatory::default()
        });
        town.apply(village).await;
        let own = town.applied("sktm", &Resident::new(7, PLAIN)).await.application_id;
        let application = town.seen(&own).await;
        let officer = town.officer(PLAIN);
        assert_eq!(officer.approve(&application).await.expect_err("her own").what(), (Code::PermissionDenied, "OWN_APPLICATION"));
        assert_eq!(officer.reject(&own, WHY).await.expect_err("her own").reason, "OWN_APPLICATION");
        town.official_as("acc_rekan", "VILLAGE_OFFICER", PLAIN).approve(&application).await.expect("a colleague may");
        // The head is the applicant: his secretary signs.
        let head = Resident { nik: official_nik(1), ..Resident::new(1, PLAIN) };
        let own = town.applied("sktm", &head).await.application_id;
        town.walk(&own).await;
        let result = town.head(PLAIN).sign(&own).await;
        assert_eq!((result.signed, result.reason.as_str()), (false, "OWN_APPLICATION"));
        assert_eq!(town.seen(&own).await.state(), ApplicationState::AwaitingSignature);
        let result = town.official("VILLAGE_SECRETARY", PLAIN).sign(&own).await;
        assert!(result.signed, "{result:?}");
        let text = words(&town.bytes(&town.seen(&own).await.document_id, 0).await);
        assert!(text.contains("a.n. KEPALA DESA") && text.contains("Dewi Lestari"), "{text}");
    }

    /// 12. No one approves two steps of one letter unless the type allows it.
    async fn line_12_nobody_takes_two_steps_of_one_letter(engine) {
        let town = Town::new(engine).await;
        let id = town.applied("sktm", &Resident::new(1, PLAIN)).await.application_id;
        // Officer and head in one person.
        let both = town.person(
            &account("VILLAGE_HEAD", PLAIN),
            &["documents.work", "documents.act.village", "documents.act.village.head"],
            &[PLAIN],
        );
        both.approve(&town.seen(&id).await).await.expect("one step is his");
        let result = both.sign(&id).await;
        assert_eq!((result.signed, result.reason.as_str()), (false, "TOOK_ANOTHER_STEP"));
        let application = town.seen(&id).await;
        assert_eq!(application.state(), ApplicationState::AwaitingSignature);
        assert!(town.official("VILLAGE_SECRETARY", PLAIN).sign(&id).await.signed);
        // Two in one agency: the verifier does not approve as well.
        let id = town.applied("izin_reklame", &Resident::new(2, PLAIN)).await.application_id;
        let first = town.approved(&id).await;
        let verifier = town.official("AGENCY_OFFICER", AGENCY);
        assert_eq!(verifier.approve(&first).await.expect_err("the same person").reason, "TOOK_ANOTHER_STEP");
    }

    /// 38. Delegation (Plt/Plh) with period and decree number; signer text follows.
    async fn should_38_who_fills_in_acts_within_the_span_and_the_letter_says_so(engine) {
        let mut town = Town::new(engine).await;
        town.take_on().await;
        let delegate = town.person("acc_plt", &["documents.work"], &[PLAIN]);
        let days = ("2026-11-24", "2026-11-25");
        let delegation = town.delegation(("VILLAGE_HEAD", PLAIN), "acc_plt", days);
        for (wrong, field) in [
            (Delegation { end_time: delegation.start_time, ..delegation.clone() }, "delegation.end_time"),
            (Delegation { title: "Pjs.".to_owned(), ..delegation.clone() }, "delegation.title"),
            (Delegation { decree: String::new(), ..delegation.clone() }, "delegation.decree"),
            (Delegation { role: "LURAH".to_owned(), ..delegation.clone() }, "delegation.role"),
        ] {
            let request = ApplyDelegationRequest { request_id: String::new(), delegation: Some(wrong) };
            let refusal = town.admin().apply_delegation(request).await.expect_err("refused");
            assert_eq!(refusal.fields.keys().collect::<Vec<_>>(), [field]);
        }
        town.appoint(delegation).await;
        let ids = [
            town.applied("sktm", &Resident::new(1, PLAIN)).await.application_id,
            town.applied("sktm", &Resident::new(2, PLAIN)).await.application_id,
        ];
        for id in &ids {
            town.walk(id).await;
        }
        // Before.
        assert!(delegate.inbox().await.is_empty());
        assert_eq!(delegate.application(&ids[0]).await.expect_err("not yet").code, Code::NotFound);
        let result = delegate.sign(&ids[0]).await;
        assert!(!result.signed, "{result:?}");
        // Within.
        town.set("2026-11-24T01:00:00Z");
        assert_eq!(delegate.inbox().await.len(), 2);
        let result = delegate.sign(&ids[0]).await;
        assert!(result.signed, "{result:?}");
        let text = words(&town.bytes(&town.seen(&ids[0]).await.document_id, 0).await);
        assert!(text.contains("Plt. KEPALA DESA") && text.contains("Gunawan Wibisono") && !text.contains("Budi Santoso"), "{text}");
        // After, from the very moment on.
        town.set("2026-11-25T00:00:00Z");
        assert!(delegate.inbox().await.is_empty());
        let result = delegate.sign(&ids[1]).await;
        assert!(!result.signed && town.seen(&ids[1]).await.state() == ApplicationState::AwaitingSignature, "{result:?}");
        // An appointment reaches its own office alone.
        town.set("2026-11-24T02:00:00Z");
        let elsewhere = town.applied("sktm", &Resident::new(3, EASTERN)).await.application_id;
        town.walk(&elsewhere).await;
        assert_eq!(delegate.application(&elsewhere).await.expect_err("another office").code, Code::NotFound);
    }

    /// 38. Who was appointed twice for the same days signs under the later decree.
    async fn should_38_of_two_appointments_the_later_one_counts(engine) {
        let mut town = Town::new(engine).await;
        town.take_on().await;
        let appointed = |title: &str, decree: &str, until: &str| Delegation {
            title: title.to_owned(), decree: decree.to_owned(),
            ..town.delegation(("VILLAGE_HEAD", PLAIN), "acc_plt", ("2026-11-23", until))
        };
        for it in [appointed("Plh.", "SK 1/2026", "2026-11-25"), appointed("Plt.", "SK 2/2026", "2026-11-30")] {
            town.wait(TimeDelta::seconds(1));
            town.appoint(it).await;
        }
        let delegate = town.person("acc_plt", &["documents.work"], &[PLAIN]);
        let id = town.applied("sktm", &Resident::new(1, PLAIN)).await.application_id;
        town.walk(&id).await;
        let result = delegate.sign(&id).await;
        assert!(result.signed, "{result:?}");
        let issued = town.seen(&id).await;
        let text = words(&town.bytes(&issued.document_id, 0).await);
        assert!(text.contains("Plt. KEPALA DESA") && !text.contains("Plh."), "{text}");
    }

    /// 9. What is offered to an official is exactly what the service would accept from him.
    async fn line_09_an_official_is_offered_what_the_service_would_accept(engine) {
        let mut town = Town::new(engine).await;
        let status = town.applied("sktm", &Resident::new(1, PLAIN)).await;
        let id = status.application_id.clone();
        let offered = async |person: &Client| person.application(&id).await.expect("he reads it").allowed_verbs;
        let (officer, head) = (town.officer(PLAIN), town.head(PLAIN));
        assert_eq!(offered(&officer).await, ["CLAIM", "APPROVE", "RETURN", "REJECT", "PAUSE_CLOCK", "RESET_CLOCK"]);
        // Taken by a colleague; the head may free it.
        let claim = ClaimApplicationRequest { application: id.clone(), ..ClaimApplicationRequest::default() };
        let colleague = town.official_as("acc_colleague", "VILLAGE_OFFICER", PLAIN);
        let claimed = colleague.claim_application(claim).await.expect("claimed").application.expect("an application");
        assert_eq!(claimed.allowed_verbs, ["RELEASE", "APPROVE", "RETURN", "REJECT", "PAUSE_CLOCK", "RESET_CLOCK"]);
        assert!(offered(&officer).await.is_empty());
        assert_eq!(offered(&head).await, ["RELEASE"]);
        let pause = PauseClockRequest { application: id.clone(), reason: WHY.to_owned(), ..PauseClockRequest::default() };
        let paused = colleague.pause_clock(pause).await.expect("paused").application.expect("an application");
        assert_eq!(paused.allowed_verbs, ["RELEASE", "APPROVE", "RETURN", "REJECT", "RESUME_CLOCK", "RESET_CLOCK"]);
        colleague.approve(&paused).await.expect("approved");
        assert!(offered(&colleague).await.is_empty(), "he took a step of it");
        town.walk(&id).await;
        assert_eq!(offered(&head).await, ["CLAIM", "BEGIN_SIGNING", "SIGN_BY_HAND", "RETURN", "REJECT", "PAUSE_CLOCK", "RESET_CLOCK"]);
        // Somebody with the role whom the office does not list decides, and cannot sign.
        let unlisted = town.official_as("acc_unlisted", "VILLAGE_HEAD", PLAIN);
        assert_eq!(offered(&unlisted).await, ["CLAIM", "RETURN", "REJECT", "PAUSE_CLOCK", "RESET_CLOCK"]);
        assert_eq!(unlisted.sign(&id).await.reason, "NOT_A_SIGNATORY");
        assert!(head.sign(&id).await.signed);
        assert_eq!(offered(&head).await, ["HAND_OVER"]);
        assert!(town.seen(&id).await.allowed_verbs.is_empty(), "a reader of everything hands over nothing");
        let over = HandOverApplicationRequest {
            application: id.clone(), collector: "Rohana Zulaikha".to_owned(), copies: 1, ..HandOverApplicationRequest::default()
        };
        officer.hand_over_application(over).await.expect("handed over");
        assert!(offered(&head).await.is_empty());
        town.apply(office(PLAIN)).await;
    }

    /// 17. An official signs in the name of another with the words that the rules have for it: a.n., u.b.
    async fn line_17_an_official_signs_for_another_in_the_words_of_the_rules(engine) {
        let mut town = Town::new(engine).await;
        let mut agency = office(AGENCY);
        agency.signatories[0].title = "Kepala Bidang Pelayanan".to_owned();
        agency.signatories[0].on_behalf_of = "a.n. Kepala Dinas Kesehatan".to_owned();
        town.apply(agency.clone()).await;
        let text = words(&town.bytes(&town.issued("sip_bidan", &Resident::new(1, PLAIN)).await.1.id, 0).await);
        assert!(text.contains("a.n. KEPALA DINAS KESEHATAN KEPALA BIDANG PELAYANAN, "), "{text}");
        agency.signatories[0].between = "Sekretaris Dinas".to_owned();
        town.apply(agency).await;
        let text = words(&town.bytes(&town.issued("sip_bidan", &Resident::new(2, PLAIN)).await.1.id, 0).await);
        let expected = "a.n. KEPALA DINAS KESEHATAN SEKRETARIS DINAS u.b. KEPALA BIDANG PELAYANAN, ";
        assert!(text.contains(expected), "{text}");
    }

    /// 38. Who fills in for the second signer is the one whom the letter names, and the one who signs it.
    async fn should_38_the_letter_names_who_fills_in_for_its_second_signer(engine) {
        let mut town = Town::new(engine).await;
        let mut sub_district = office(SUB_DISTRICT);
        sub_district.signatories.push(Signatory {
            account_id: "acc_plh".to_owned(),
            role: "SUB_DISTRICT_OFFICER".to_owned(),
            name: "Siti Rahayu, S.Sos.".to_owned(),
            title: "Sekretaris Camat".to_owned(),
            ..Signatory::default()
        });
        town.apply(sub_district).await;
        let days = ("2026-11-23", "2026-11-28");
        let delegation = town.delegation(("SUB_DISTRICT_HEAD", SUB_DISTRICT), "acc_plh", days);
        town.appoint(Delegation { title: "Plh.".to_owned(), ..delegation }).await;
        let mut wish = town.wish("sktm", &Resident::new(1, RT)).await;
        wish.with_optional_steps = true;
        let id = town.submit(wish).await.application_id;
        let mut application = town.walk(&id).await;
        assert!(town.head(VILLAGE).sign(&id).await.signed);
        application = town.walk(&application.id).await;
        assert_eq!(active(&application).role, "SUB_DISTRICT_HEAD");
        // The post's holder is not the one whom the paper names.
        let holder = town.official("SUB_DISTRICT_HEAD", SUB_DISTRICT);
        assert_eq!(holder.sign(&id).await.reason, "ANOTHER_SIGNER_PRINTED");
        let delegate = town.person("acc_plh", &["documents.work"], &[SUB_DISTRICT]);
        let result = delegate.sign(&id).await;
        assert!(result.signed, "{result:?}");
        let document = town.document(&town.seen(&id).await.document_id).await;
        let text = words(&town.bytes(&document.id, 0).await);
        assert!(text.contains("Plh. CAMAT RIMBO PENGADANG") && text.contains("Siti Rahayu, S.Sos."), "{text}");
        assert!(!text.contains("Ahmad Dahlan"), "{text}");
        let document = town.verified(&document.verification_code).await;
        assert_eq!(document.signers[1], "Plh. Camat Rimbo Pengadang, Siti Rahayu, S.Sos.");
    }

    /// The worklist: what is due first comes first, on pages that neither repeat nor leave out.
    async fn line_08_the_worklist_is_paged_by_due_date(engine) {
        let town = Town::new(engine).await;
        let mut submitted = Vec::new();
        for number in 1..=7 {
            let letter_type = if number % 2 == 0 { "kehilangan" } else { "sktm" };
            submitted.push(town.applied(letter_type, &Resident::new(number, PLAIN)).await.application_id);
            town.wait(TimeDelta::minutes(11));
        }
        let officer = town.officer(PLAIN);
        let (mut seen, mut page_token, mut pages) = (Vec::new(), String::new(), 0);
        loop {
            let request = ListWorkRequest { page_size: 3, page_token: page_token.clone(), ..ListWorkRequest::default() };
            let page = officer.list_work(request).await.expect("a page");
            pages += 1;
            seen.extend(page.items);
            if pages == 1 {
                // What comes while somebody turns pages does not shift them.
                let late = town.applied("sktm", &Resident::new(8, PLAIN)).await.application_id;
                submitted.push(late);
            }
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        assert_eq!(pages, 3);
        assert_eq!(seen.iter().map(|item| item.application_id.clone()).collect::<Vec<_>>(), submitted);
        let due: Vec<_> = seen.iter().map(|item| item.due_time.as_ref().map(|it| it.seconds)).collect();
        assert!(due.is_sorted() && due.iter().all(Option::is_some), "{due:?}");
        assert!(seen.iter().all(|item| item.role == "VILLAGE_OFFICER" && item.kind == "VERIFY" && item.subject_name == "Rohana Zulaikha"));
        // A page of one list is none of another, nor of another person.
        let request = ListWorkRequest { page_size: 3, ..ListWorkRequest::default() };
        let token = officer.list_work(request.clone()).await.expect("a page").next_page_token;
        let other = ListWorkRequest { signing_only: true, page_token: token.clone(), ..request.clone() };
        assert_eq!(officer.list_work(other).await.expect_err("another list").code, Code::InvalidArgument);
        let other = ListWorkRequest { page_token: token, ..request };
        assert_eq!(town.head(PLAIN).list_work(other).await.expect_err("another person").code, Code::InvalidArgument);
        // Only what waits for a signature.
        town.walk(&submitted[0]).await;
        let desk = ListWorkRequest { signing_only: true, ..ListWorkRequest::default() };
        let items = town.head(PLAIN).list_work(desk.clone()).await.expect("a list").items;
        assert_eq!(items.iter().map(|item| item.application_id.as_str()).collect::<Vec<_>>(), [submitted[0].as_str()]);
        assert!(officer.list_work(desk).await.expect("a list").items.is_empty());
    }
}
