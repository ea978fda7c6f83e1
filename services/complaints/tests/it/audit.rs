//! What the contract calls audited leaves an entry in the journal.

use chrono::TimeDelta;
use mpp_complaints::intake::config::MetaAccount;
use mpp_kit::config::Secret;
use mpp_kit::meta::sign;
use mpp_kit::testing::Engine;
use mpp_proto::complaints::v1::*;
use serde_json::json;

use crate::evidence;
use crate::regency::*;
use crate::time::{calendar, recounts, week};
use crate::updates::told;
use crate::work::proof;

const SECRET: &str = "rahasia-aplikasi";
const CSV: &str = "Tracking ID,Judul,Isi Laporan,Status\n7654321,Lampu jalan,Lampu jalan di pasar mati sejak senin.,Diproses\n";

/// Agencies, offices, deadlines and words.
async fn is_set_up(regency: &Regency) {
    let (admin, coordinator) = (regency.admin(), regency.coordinator());
    let agency = Agency {
        id: PUPR.to_owned(),
        name: "Dinas Bina Marga".to_owned(),
        calendar_id: REGENCY.to_owned(),
        inspectorate: false,
        active: true,
        bounce_limit: 2,
    };
    admin.apply_agency(ApplyAgencyRequest { request_id: String::new(), agency: Some(agency) }).await.unwrap();
    let category = Category {
        key: "POHON".to_owned(),
        name: "Pohon tumbang".to_owned(),
        agency_id: PUPR.to_owned(),
        deadline_kind: "GENERAL".to_owned(),
        duplicate_metres: 100,
        active: true,
        ..Category::default()
    };
    let request = ApplyCategoryRequest { request_id: String::new(), category: Some(category) };
    admin.apply_category(request).await.unwrap();
    let official = Official {
        rung: "AGENCY_HEAD".to_owned(),
        agency_id: DINKES.to_owned(),
        title: "Kepala Dinas Kesehatan".to_owned(),
        account_id: "acc_dinkes_head".to_owned(),
        ..Official::default()
    };
    let request = ApplyOfficialRequest { request_id: String::new(), official: Some(official) };
    admin.apply_official(request).await.unwrap();
    regency.appoint("AGENCY_HEAD", DINKES, "acc_plh").await;
    let request = ApplyCalendarRequest {
        request_id: String::new(),
        calendar: Some(calendar(&week(), &["2026-12-24"])),
    };
    coordinator.apply_calendar(request).await.unwrap();
    // A worker counts the clocks again, in the name of who changed the calendar.
    regency.until("the clocks are counted again", async || recounts(regency).await == 1).await;
    let rows = regency.nobody().list_deadlines(ListDeadlinesRequest::default()).await.unwrap().deadlines;
    let row = rows.into_iter().find(|it| it.key == "D5").unwrap();
    let request = SignOffDeadlineRequest { request_id: String::new(), deadline: row.id.clone() };
    coordinator.sign_off_deadline(request).await.unwrap();
    let row =
        Deadline { value: 2, valid_from: "2026-11-29".to_owned(), source: "Perbup 1/2026".to_owned(), ..row };
    let request = ApplyDeadlineRequest { request_id: String::new(), deadline: Some(row) };
    coordinator.apply_deadline(request).await.unwrap();
    let template = ResponseTemplate {
        kind: "ANSWER".to_owned(),
        name: "Jalan".to_owned(),
        text: "Ditangani {who}: {what}, {when}.".to_owned(),
        active: true,
        ..ResponseTemplate::default()
    };
    let request = ApplyResponseTemplateRequest { request_id: String::new(), template: Some(template) };
    coordinator.apply_response_template(request).await.unwrap();
    let language = Language {
        code: "jv".to_owned(),
        name: "Basa Jawa".to_owned(),
        active: true,
        confidence: "B".to_owned(),
        source: "Balai Bahasa".to_owned(),
        phrases: [("status.SETTLED".to_owned(), "wis rampung".to_owned())].into(),
        words: vec![LanguageWords { meaning: "DONE".to_owned(), words: vec!["wis".to_owned()] }],
        ..Language::default()
    };
    let request = ApplyLanguageRequest { language: Some(language), ..ApplyLanguageRequest::default() };
    admin.apply_language(request).await.unwrap();
}

/// A report from its first word to the last, by every verb of those who work on it.
async fn goes_its_way(regency: &Regency) {
    let (coordinator, agency, nobody) = (regency.coordinator(), regency.agency(PUPR), regency.nobody());
    proof(regency).await;
    let filed = regency.file(Regency::report()).await;
    regency.disposed(&filed.id).await;
    agency.bounce(&filed.id).await.unwrap();
    coordinator.dispose(&filed.id, PUPR).await.unwrap();
    agency.accept(&filed.id).await.unwrap();
    agency.ask(&filed.id).await.unwrap();
    nobody.answer_complaint(filed.says("Di sebelah utara, dekat jembatan.")).await.unwrap();
    let first = GiveFirstAnswerRequest {
        complaint: filed.id.clone(),
        text: "Tim kami meninjau besok pagi.".to_owned(),
        ..GiveFirstAnswerRequest::default()
    };
    agency.give_first_answer(first).await.unwrap();
    agency.answer_without_proof(&filed.id).await.unwrap();
    let done = AnswerComplaintRequest { done: Some(true), ..filed.says("") };
    nobody.answer_complaint(done).await.unwrap();
    let reopen = ReopenComplaintRequest {
        complaint: filed.id.clone(),
        reason: "Pelapor menelepon: lubangnya kembali.".to_owned(),
        ..ReopenComplaintRequest::default()
    };
    coordinator.reopen_complaint(reopen).await.unwrap();

    // Asked, and answered to an officer; asked again, and not waited for.
    let asked = regency.taken(Regency::report()).await.id;
    agency.ask(&asked).await.unwrap();
    let said = CompleteComplaintRequest {
        complaint: asked.clone(),
        text: "Di sebelah utara, dekat jembatan.".to_owned(),
        note: "Disampaikan pelapor di meja pengaduan.".to_owned(),
        ..CompleteComplaintRequest::default()
    };
    agency.complete_complaint(said).await.unwrap();
    agency.ask(&asked).await.unwrap();
    let back = TakeBackQuestionRequest {
        complaint: asked,
        reason: "Titiknya sudah ditemukan petugas.".to_owned(),
        ..TakeBackQuestionRequest::default()
    };
    agency.take_back_question(back).await.unwrap();

    // With the help of another agency; another report joins it.
    let helped = regency.file(Regency::report()).await;
    coordinator.verify(&helped.id).await.unwrap();
    let helper = Helper {
        agency_id: DINKES.to_owned(),
        task: "Periksa air tergenang".to_owned(),
        due_at: stamp(regency.clock_now() + TimeDelta::days(2)),
        ..Helper::default()
    };
    let dispose = DisposeComplaintRequest {
        complaint: helped.id.clone(),
        agency_id: PUPR.to_owned(),
        helpers: vec![helper],
        ..DisposeComplaintRequest::default()
    };
    coordinator.dispose_complaint(dispose).await.unwrap();
    let help = CompleteHelpRequest {
        complaint: helped.id.clone(),
        agency_id: DINKES.to_owned(),
        text: "Sudah diperiksa.".to_owned(),
        ..CompleteHelpRequest::default()
    };
    regency.agency(DINKES).complete_help(help).await.unwrap();
    let twin = regency.file(Regency::report()).await;
    let merge =
        MergeComplaintRequest { complaint: twin.id, into: helped.id, ..MergeComplaintRequest::default() };
    coordinator.merge_complaint(merge).await.unwrap();

    // The ends that are no answer.
    let elsewhere = ForwardComplaintOutsideRequest {
        complaint: regency.file(Regency::report()).await.id,
        reason: "PROVINCE".to_owned(),
        forwarded_to: "Dinas PUPR Provinsi".to_owned(),
        advice: "Hubungi Dinas PUPR Provinsi dengan nomor laporan ini.".to_owned(),
        ..ForwardComplaintOutsideRequest::default()
    };
    coordinator.forward_complaint_outside(elsewhere).await.unwrap();
    let archive = ArchiveComplaintRequest {
        complaint: regency.file(Regency::report()).await.id,
        reason: "TEST".to_owned(),
        advice: "Ini hanya percobaan formulir.".to_owned(),
        ..ArchiveComplaintRequest::default()
    };
    coordinator.archive_complaint(archive).await.unwrap();
    let Filed { number, pin, .. } = regency.file(Regency::report()).await;
    let leave =
        WithdrawComplaintRequest { number, pin, reason: "Saya pindah.".to_owned(), ..Default::default() };
    nobody.withdraw_complaint(leave).await.unwrap();

    // What is noted beside it, and who reported.
    let other = regency.file(Regency::report()).await.id;
    let sort = RecategoriseComplaintRequest {
        complaint: other.clone(),
        category: "AIR".to_owned(),
        reason: "Ini soal air.".to_owned(),
        ..RecategoriseComplaintRequest::default()
    };
    coordinator.recategorise_complaint(sort).await.unwrap();
    let note = AddComplaintNoteRequest {
        complaint: other.clone(),
        text: "Catatan di antara petugas.".to_owned(),
        ..AddComplaintNoteRequest::default()
    };
    coordinator.add_complaint_note(note).await.unwrap();
    let publish = SetComplaintPublicationRequest {
        complaint: other.clone(),
        publication: Publication::Public.into(),
        ..SetComplaintPublicationRequest::default()
    };
    coordinator.set_complaint_publication(publish).await.unwrap();
    let track = RecordSp4nTrackingRequest {
        complaint: other,
        tracking_id: "1234567".to_owned(),
        stage: "Diproses".to_owned(),
        ..RecordSp4nTrackingRequest::default()
    };
    coordinator.record_sp4n_tracking(track).await.unwrap();
    let hidden = FileComplaintRequest { secrecy: Secrecy::Anonymous.into(), ..Regency::report() };
    let hidden = regency.taken(hidden).await.id;
    let ask = RequestRevealRequest {
        reporter: regency.seen(&hidden).await.reporters[0].pseudonym.clone(),
        complaint: hidden,
        purpose: "Ancaman terhadap keselamatan pelapor menurut Polsek.".to_owned(),
        ..RequestRevealRequest::default()
    };
    let reveal = coordinator.request_reveal(ask).await.unwrap().reveal.unwrap().id;
    regency
        .sekda()
        .approve_reveal(ApproveRevealRequest { reveal, ..ApproveRevealRequest::default() })
        .await
        .unwrap();
}

/// What somebody reads at LAPOR! and types in, and what is pasted there.
async fn stands_at_lapor(regency: &Regency) {
    let item = Sp4nItem {
        tracking_id: "7654322".to_owned(),
        text: "Selokan tersumbat di depan pasar.".to_owned(),
        stage: "Baru".to_owned(),
        ..Sp4nItem::default()
    };
    let item = RecordSp4nItemRequest { request_id: String::new(), item: Some(item) };
    let lapor = regency.coordinator().record_sp4n_item(item).await.unwrap().row.unwrap();
    let archive = ArchiveComplaintRequest {
        complaint: lapor.complaint_id,
        reason: "TEST".to_owned(),
        advice: "Ini hanya percobaan formulir.".to_owned(),
        ..ArchiveComplaintRequest::default()
    };
    regency.coordinator().archive_complaint(archive).await.unwrap();
    let tasks = regency.coordinator().list_sp4n_tasks(ListSp4nTasksRequest::default()).await.unwrap().tasks;
    let until = tasks[0].texts[0].time;
    let pasted = RecordSp4nToldRequest {
        request_id: String::new(),
        told: vec![Sp4nTold { entry: tasks[0].entry.clone().unwrap().id, until }],
        telling: Sp4nTelling::Pasted.into(),
    };
    regency.coordinator().record_sp4n_told(pasted).await.unwrap();
}

/// What comes in from other systems.
async fn hears_from_others(regency: &Regency) {
    let import =
        ImportSp4nFileRequest { content: CSV.as_bytes().to_vec(), ..ImportSp4nFileRequest::default() };
    let taken = regency.coordinator().import_sp4n_file(import).await.unwrap();
    assert_eq!((taken.created, taken.problems), (1, vec![]));
    stands_at_lapor(regency).await;
    let filed = regency.file(Regency::report()).await;
    regency.disposed(&filed.id).await;
    let update = told(&filed.number, "77", "IN_PROGRESS", "Tim kami menuju lokasi hari ini.", regency);
    regency.nobody().receive_partner_update(update).await.unwrap();
    let message = json!({"id": "wamid.SATU", "from": "62812000111", "timestamp": regency.clock_now().timestamp().to_string(),
        "type": "text", "text": {"body": "Lampu jalan mati"}});
    let body = json!({"object": "whatsapp_business_account", "entry": [{"id": "W", "changes": [{"field": "messages", "value": {
        "messaging_product": "whatsapp", "metadata": {"display_phone_number": "62511000", "phone_number_id": "P1"},
        "contacts": [{"profile": {"name": "Siti"}, "wa_id": "62812000111"}], "messages": [message]}}]}]});
    let body = body.to_string().into_bytes();
    let request = ReceiveChannelWebhookRequest {
        channel: "whatsapp".to_owned(),
        account: "utama".to_owned(),
        signature: sign(SECRET, &body),
        body,
    };
    assert_eq!(regency.nobody().receive_channel_webhook(request).await.unwrap().stored, 1);
}

/// What time asks for, and the evidence of a month.
async fn time_passes(regency: &Regency) {
    let filed = regency.taken(Regency::report()).await;
    let steps = async || regency.seen(&filed.id).await.escalations;
    for count in [1, 2] {
        regency.wait(TimeDelta::hours(2));
        regency.until("a step of the ladder", async || steps().await.len() >= count).await;
    }
    let waiting = steps().await.into_iter().find(|it| it.account_id == "acc_pupr_head").unwrap().id;
    let take =
        AcknowledgeEscalationRequest { escalation: waiting, ..AcknowledgeEscalationRequest::default() };
    regency.head(PUPR).acknowledge_escalation(take).await.unwrap();
    regency.set("2026-12-05T01:00:00Z");
    let export =
        ExportEvidenceRequest { from: "2026-11-01".to_owned(), to: "2026-11-30".to_owned(), register: 0 };
    regency.bupati().export_evidence(export).await.unwrap();
    let coordinator = regency.coordinator();
    let paper = evidence::paper(regency, EvidenceKind::TeamDecree).await;
    let paper = coordinator.create_evidence_document(paper).await.unwrap().document.unwrap().id;
    coordinator.create_evidence_link(CreateEvidenceLinkRequest { evidence: paper.clone() }).await.unwrap();
    let withdraw = WithdrawEvidenceDocumentRequest {
        evidence: paper,
        reason: "Salah unggah berkas ini.".to_owned(),
        ..WithdrawEvidenceDocumentRequest::default()
    };
    coordinator.withdraw_evidence_document(withdraw).await.unwrap();
}

lines! {
    async fn every_audited_rpc_leaves_an_entry(engine) {
        let mut regency = Regency::with(engine, |config| {
            let account = MetaAccount {
                id: "P1".to_owned(),
                app_secret: Secret::from(SECRET),
                verify_token: Secret::from("token"),
                access_token: Secret::from("token-media"),
                answers: false,
            };
            config.channels.whatsapp.insert("utama".to_owned(), account);
        })
        .await;
        regency.audit.begin();
        is_set_up(&regency).await;
        goes_its_way(&regency).await;
        time_passes(&regency).await;
        // Nothing works on what comes in: that would be entered in the name of who sent it, as if another call had left it.
        regency.stop().await;
        hears_from_others(&regency).await;
        assert_eq!(
            regency.audit.table(),
            "AcceptComplaint: complaint.accept\n\
             AcknowledgeEscalation: escalation.acknowledged\n\
             AddComplaintNote: complaint.note\n\
             AnswerComplaint: complaint.complete, complaint.confirm\n\
             ApplyActing: acting.applied\n\
             ApplyAgency: agency.applied\n\
             ApplyCalendar: calendar.applied\n\
             ApplyCategory: category.applied\n\
             ApplyDeadline: deadline.applied\n\
             ApplyLanguage: language.applied\n\
             ApplyOfficial: official.applied\n\
             ApplyResponseTemplate: template.applied\n\
             ApproveReveal: reveal.approved\n\
             ArchiveComplaint: complaint.archive\n\
             AskCompletion: complaint.ask_completion\n\
             BounceComplaint: complaint.bounce\n\
             CompleteComplaint: complaint.complete\n\
             CompleteHelp: complaint.helped\n\
             CreateEvidenceDocument: evidence.added\n\
             CreateEvidenceLink: evidence.link_made\n\
             DisposeComplaint: complaint.dispose\n\
             ExportEvidence: evidence.exported\n\
             FileComplaint: complaint.filed\n\
             ForwardComplaintOutside: complaint.forward_outside\n\
             GiveAnswer: complaint.answer\n\
             GiveFirstAnswer: complaint.first_answer\n\
             ImportSp4nFile: complaint.filed, sp4n.imported, sp4n.seen\n\
             MergeComplaint: complaint.absorbed, complaint.merge\n\
             RecategoriseComplaint: complaint.recategorised\n\
             ReceiveChannelWebhook: channel.received\n\
             ReceivePartnerUpdate: complaint.partner_update\n\
             RecordSp4nItem: complaint.filed, sp4n.seen, sp4n.typed\n\
             RecordSp4nTold: sp4n.told\n\
             RecordSp4nTracking: sp4n.recorded\n\
             ReopenComplaint: complaint.reopen\n\
             RequestReveal: reveal.requested\n\
             SetComplaintPublication: complaint.published\n\
             SignOffDeadline: deadline.signed_off\n\
             TakeBackQuestion: complaint.take_back_question\n\
             UploadComplaintFile: file.uploaded\n\
             VerifyComplaint: complaint.verify\n\
             WithdrawComplaint: complaint.withdraw\n\
             WithdrawEvidenceDocument: evidence.withdrawn\n"
        );
    }
}
