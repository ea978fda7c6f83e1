//! Texts, their versions and their approval: N-02, N-05, N-22.

use chrono::TimeDelta;
use mpp_kit::testing::Engine;
use mpp_proto::notifications::v1::*;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::office::{CITIZEN, EMAIL, HEAD, NUMBER, Office, escalation, logged, receipt};

fn new_text(message_type: &str, channel: Channel) -> SaveVariantRequest {
    SaveVariantRequest {
        message_type: message_type.to_owned(),
        channel: channel.into(),
        language: "id".to_owned(),
        subject: "Tanda terima {nomor}".to_owned(),
        body: "Versi baru: aduan {nomor}, PIN {pin}, jawaban {tenggat_jawaban}, selesai {tenggat_selesai}, lihat {tautan}."
            .to_owned(),
        ..Default::default()
    }
}

async fn save(office: &Office, request: SaveVariantRequest) -> Result<Variant, Status> {
    let answer = office.client.clone().save_variant(office.system(request)).await?;
    Ok(answer.into_inner().variant.unwrap())
}

async fn variants(office: &Office, message_type: &str, channel: Channel) -> Vec<Variant> {
    let request = ListVariantsRequest {
        message_type: message_type.to_owned(),
        channel: channel.into(),
        ..Default::default()
    };
    let found = office.client.clone().list_variants(office.system(request)).await.unwrap().into_inner();
    found.variants.into_iter().filter(|variant| variant.language == "id").collect()
}

macro_rules! verb {
    ($name:ident, $method:ident, $request:ident) => {
        async fn $name(office: &Office, who: &str, of: &Variant) -> Result<Variant, Status> {
            let request = $request {
                message_type: of.message_type.clone(),
                channel: of.channel,
                language: of.language.clone(),
                version: of.version,
                ..Default::default()
            };
            let request = office.by(who, &["notifications.configure"], &[], request);
            Ok(office.client.clone().$method(request).await?.into_inner().variant.unwrap())
        }
    };
}

verb!(submit, submit_variant, SubmitVariantRequest);
verb!(approve, approve_variant, ApproveVariantRequest);

lines! {
    async fn n_02_a_message_keeps_the_version_it_was_made_with(engine) {
        let office = Office::open(engine).await;
        let waiting = CreateNotificationRequest {
            scheduled_time: Some(prost_types::Timestamp { seconds: 1_795_663_200, nanos: 0 }), // 03:20
            ..receipt("", "warga@contoh.example")
        };
        let first = office.send(waiting).await;
        assert_eq!(first.steps[1].variant_version, 1);
        let draft = save(&office, new_text("tanda_terima", Channel::Email)).await.unwrap();
        assert_eq!((draft.version, draft.state()), (2, VariantState::Draft));
        let again = save(&office, new_text("tanda_terima", Channel::Email)).await.unwrap();
        assert_eq!(again.version, 2, "the draft that is there");
        assert_eq!(office.send(receipt("", "lain@contoh.example")).await.steps[1].variant_version, 1);
        submit(&office, "acc_penulis", &draft).await.unwrap();
        approve(&office, "acc_pemeriksa", &draft).await.unwrap();
        let second = office.send(receipt("", "baru@contoh.example")).await;
        assert_eq!(second.steps[1].variant_version, 2);
        office.when_step(&second.id, 1, DeliveryStatus::Sent).await;
        office.after(TimeDelta::minutes(25));
        let found = office.when_step(&first.id, 1, DeliveryStatus::Sent).await;
        assert_eq!(found.steps[1].variant_version, 1);
        let mails = office.mail.taken();
        let of = |to: &str| mails.iter().find(|mail| mail.to == [to]).unwrap().text.clone();
        assert!(of("baru@contoh.example").contains("Versi baru"));
        assert!(!of("warga@contoh.example").contains("Versi baru"));
    }

    async fn n_05_outside_of_the_window_only_approved_templates_are_sent(engine) {
        use DeliveryStatus::*;
        let office = Office::open(engine).await;
        let admins = DeliveryRules {
            time_zone: "Asia/Jakarta".to_owned(),
            admin_account_ids: vec!["acc_admin".to_owned()],
            ..Default::default()
        };
        office.rules(admins).await;
        let news = office.whatsapp.set_template("eskalasi_v1", "id", "PAUSED", "LOW_QUALITY");
        office.webhook(news).await.unwrap();
        let first = office.send(escalation(HEAD)).await;
        let found = office.when_step(&first.id, 1, Sent).await;
        assert_eq!((found.steps[0].status(), found.steps[0].reason.as_str()), (FellBack, "TEMPLATE_PAUSED"));
        assert!(found.steps[0].attempts.is_empty(), "it was not even tried");
        assert_eq!(office.mail.taken()[0].to, [EMAIL]);
        let told = office
            .until("the administrator is told", async || {
                let list = office.inbox("acc_admin").await.items;
                (list.len() >= 2).then_some(list)
            })
            .await;
        assert!(told.iter().any(|item| item.body.contains("LOW_QUALITY")), "{told:?}");

        // Inside of the 24 hours after a message of the recipient, a text needs no approval.
        let call = office.whatsapp.write(NUMBER, "Siap");
        assert_eq!(office.webhook(call).await.unwrap().messages, 1);
        let second = office.send(escalation(HEAD)).await;
        office.when_step(&second.id, 0, Sent).await;
        let text = &office.taken(NUMBER)[0].body;
        assert_eq!(text["type"], "text");
        let body = text["text"]["body"].as_str().unwrap();
        assert!(body.contains("Dinas PUPR") && body.contains("Saya tangani: https://mpp.example/aksi/"), "{body}");

        // The window is closed there although we think it open: once more, as a template.
        let news = office.whatsapp.set_template("eskalasi_v1", "id", "APPROVED", "");
        office.webhook(news).await.unwrap();
        office.after(TimeDelta::minutes(5));
        office.whatsapp.whim(&[mpp_notifications::simulator::Whim::Code(131_047)]);
        let third = office.send(escalation(HEAD)).await;
        office.until("it was refused", async || {
            let found = office.get(&third.id).await;
            found.steps[0].attempts.first().is_some_and(|it| it.outcome == "WINDOW_CLOSED").then_some(())
        })
        .await;
        office.after(TimeDelta::seconds(7));
        let found = office.when_step(&third.id, 0, Sent).await;
        let outcomes: Vec<&str> = found.steps[0].attempts.iter().map(|it| it.outcome.as_str()).collect();
        assert_eq!(outcomes, ["WINDOW_CLOSED", "ACCEPTED"]);
        assert_eq!(office.taken(NUMBER)[1].body["type"], "template");

        // A day later the window is closed for us too.
        office.after(TimeDelta::hours(25));
        let fourth = office.send(escalation(HEAD)).await;
        office.when_step(&fourth.id, 0, Sent).await;
        assert_eq!(office.taken(NUMBER)[2].body["type"], "template");

        // A template that Meta does not have any more.
        office.whatsapp.whim(&[mpp_notifications::simulator::Whim::Code(132_001)]);
        office.after(TimeDelta::minutes(1));
        let fifth = office.send(escalation(HEAD)).await;
        let found = office.when_step(&fifth.id, 1, Sent).await;
        assert_eq!((found.steps[0].status(), found.steps[0].reason.as_str()), (FellBack, "TEMPLATE_UNUSABLE"));
    }

    async fn c_65_a_message_speaks_the_language_of_its_recipient_and_indonesian_where_it_has_no_words(engine) {
        use DeliveryStatus::*;
        let office = Office::open(engine).await;
        let to = |language: &str, whatsapp: &str, email: &str| {
            let mut request = receipt(whatsapp, email);
            request.recipient.as_mut().unwrap().language = language.to_owned();
            request
        };
        let language = async |id: &str, step: usize| office.when_step(id, step, Sent).await.steps[step].clone();
        // English is approved at Meta; Banjar waits as a draft, so Indonesian speaks for it.
        for (asked, told, word) in [("en", "en", "We received"), ("bjn", "id", "kami terima"), ("", "id", "kami terima")] {
            let email = format!("warga-{asked}@contoh.example");
            let sent = office.send(to(asked, "", &email)).await;
            assert_eq!(language(&sent.id, 1).await.language, told, "{asked}");
            let mail = office.mail.taken().into_iter().find(|mail| mail.to == [email.clone()]).unwrap();
            assert!(mail.text.contains(word), "{asked}: {}", mail.text);
        }
        let wrong = office.try_send(to("Banjar", "", "warga@contoh.example")).await.unwrap_err();
        assert_eq!(wrong.get_details_bad_request().unwrap().field_violations[0].field, "recipient.language");

        // Somebody who speaks it has read it: it is offered, and a second person approves it, not Meta.
        for channel in [Channel::Whatsapp, Channel::Email] {
            let draft = Variant {
                message_type: "tanda_terima".to_owned(),
                channel: channel.into(),
                language: "bjn".to_owned(),
                version: 1,
                ..Variant::default()
            };
            let offers = office.whatsapp.offers();
            assert_eq!(submit(&office, "acc_penutur", &draft).await.unwrap().state(), VariantState::Submitted);
            assert_eq!(approve(&office, "acc_pemeriksa", &draft).await.unwrap().state(), VariantState::Approved);
            assert_eq!(office.whatsapp.offers(), offers);
        }
        let sent = office.send(to("bjn", "", "lagi@contoh.example")).await;
        assert_eq!(language(&sent.id, 1).await.language, "bjn");
        // Over WhatsApp it goes within a day of a message of the recipient. After that the template in Indonesian does, and the
        // step says so.
        office.webhook(office.whatsapp.write(CITIZEN, "Lampu kada hidup")).await.unwrap();
        let sent = office.send(to("bjn", CITIZEN, "")).await;
        assert_eq!(sent.steps[0].language, "bjn");
        assert_eq!(language(&sent.id, 0).await.language, "bjn");
        let text = office.taken(CITIZEN)[0].body.clone();
        assert_eq!(text["type"], "text");
        assert!(text["text"]["body"].as_str().unwrap().contains("sudah kami tarima"), "{text}");
        office.after(TimeDelta::hours(25));
        let sent = office.send(to("bjn", CITIZEN, "")).await;
        let step = language(&sent.id, 0).await;
        assert_eq!((step.language.as_str(), step.variant_version), ("id", 1));
        let template = office.taken(CITIZEN)[1].body.clone();
        assert_eq!((template["type"].as_str(), template["template"]["language"]["code"].as_str()), (Some("template"), Some("id")));
        // A language of which there is nothing is one that an administrator may write.
        let text = SaveVariantRequest { language: "jv".to_owned(), ..new_text("tanda_terima", Channel::Email) };
        let draft = save(&office, text).await.unwrap();
        submit(&office, "acc_penulis", &draft).await.unwrap();
        approve(&office, "acc_pemeriksa", &draft).await.unwrap();
        let sent = office.send(to("jv", "", "jawa@contoh.example")).await;
        assert_eq!(language(&sent.id, 1).await.language, "jv");
        let unnamed = SaveVariantRequest { subject: String::new(), ..new_text("tanda_terima", Channel::Whatsapp) };
        let refused = save(&office, unnamed.clone()).await.unwrap_err();
        assert_eq!(refused.get_details_bad_request().unwrap().field_violations[0].field, "template_name");
        assert!(save(&office, SaveVariantRequest { language: "jv".to_owned(), ..unnamed }).await.is_ok());
    }

    async fn n_22_a_text_goes_from_draft_to_approval_with_the_reason_of_meta(engine) {
        let office = Office::open(engine).await;
        let mut request = new_text("tanda_terima", Channel::Whatsapp);
        request.subject.clear();
        request.template_name = "tanda_terima_v2".to_owned();
        let mut wrong = request.clone();
        wrong.body = "Halo {nama} {".to_owned();
        wrong.template_name = "Tanda Terima".to_owned();
        let refused = save(&office, wrong).await.unwrap_err();
        let details = refused.get_details_bad_request().unwrap();
        let fields: Vec<&str> = details.field_violations.iter().map(|it| it.field.as_str()).collect();
        assert!(fields.contains(&"body") && fields.contains(&"template_name"), "{fields:?}");
        let draft = save(&office, request).await.unwrap();
        let early = approve(&office, "acc_admin", &draft).await.unwrap_err();
        assert_eq!(early.get_details_error_info().unwrap().reason, "NOT_PERMITTED_IN_STATE");
        assert_eq!(submit(&office, "acc_admin", &draft).await.unwrap().state(), VariantState::Submitted);
        // Meta's verdicts come by webhook, with the reason.
        for (event, reason, state) in [
            ("APPROVED", "", VariantState::Approved),
            ("PAUSED", "LOW_QUALITY", VariantState::Paused),
            ("APPROVED", "", VariantState::Approved),
            ("REJECTED", "INCORRECT_CATEGORY", VariantState::Rejected),
            ("APPROVED", "", VariantState::Rejected),
        ] {
            let call = office.whatsapp.set_template("tanda_terima_v2", "id", event, reason);
            office.webhook(call).await.unwrap();
            let newest = variants(&office, "tanda_terima", Channel::Whatsapp).await.remove(0);
            let told = if state == VariantState::Rejected { "INCORRECT_CATEGORY" } else { reason };
            assert_eq!((newest.version, newest.state(), newest.reason.as_str()), (2, state, told), "{event}");
        }
        // Of a text of ours somebody else than its author has the word.
        let mail = save(&office, new_text("tanda_terima", Channel::Email)).await.unwrap();
        submit(&office, crate::office::SENDER, &mail).await.unwrap();
        let own = approve(&office, crate::office::SENDER, &mail).await.unwrap_err();
        assert_eq!(own.code(), Code::PermissionDenied);
        approve(&office, "acc_pemeriksa", &mail).await.unwrap();
        // The shipped ones were offered to Meta by themselves, and again they are not.
        let shipped = variants(&office, "tanda_terima", Channel::Whatsapp).await.pop().unwrap();
        assert_eq!((shipped.version, shipped.state()), (1, VariantState::Approved));
        let sent = office.send(receipt(CITIZEN, "")).await;
        assert_eq!(sent.steps[0].variant_version, 1, "a refused version is not used while another is approved");
    }

    async fn n_22_a_new_text_under_an_old_name_does_not_take_over_the_approval_of_meta(engine) {
        use sea_orm::ConnectionTrait as _;
        let office = Office::open(engine).await;
        let text = |name: &str| SaveVariantRequest {
            subject: String::new(),
            template_name: name.to_owned(),
            body: "Lain: {nomor}, PIN {pin}, {tenggat_jawaban}, {tenggat_selesai}, lihat {tautan}.".to_owned(),
            ..new_text("tanda_terima", Channel::Whatsapp)
        };
        let refused = save(&office, text("tanda_terima_v1")).await.unwrap_err();
        let violation = refused.get_details_bad_request().unwrap().field_violations.remove(0);
        assert_eq!((violation.field.as_str(), violation.reason.as_str()), ("template_name", "TEMPLATE_NAME_TAKEN"));
        // Nor in a draft that was written before: it can neither be offered nor be approved by hand.
        let draft = save(&office, text("tanda_terima_v2")).await.unwrap();
        let old_name = "UPDATE variant SET template_name = 'tanda_terima_v1' WHERE template_name = 'tanda_terima_v2'";
        let db = &office.test_db.db.write;
        db.execute_unprepared(old_name).await.unwrap();
        let refused = submit(&office, "acc_admin", &draft).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        // And one that was offered before stays what it was, whatever Meta says of the text that it has.
        let offered = "UPDATE variant SET state = 'SUBMITTED' WHERE version = 2 AND message_type = 'tanda_terima'";
        db.execute_unprepared(offered).await.unwrap();
        let newest = async |office: &Office| variants(office, "tanda_terima", Channel::Whatsapp).await.remove(0);
        for event in ["PAUSED", "APPROVED"] {
            let call = office.whatsapp.set_template("tanda_terima_v1", "id", event, "");
            office.webhook(call).await.unwrap();
            let found = newest(&office).await;
            assert_eq!((found.version, found.state()), (2, VariantState::Submitted), "{event}");
        }
        assert_eq!(approve(&office, "acc_admin", &draft).await.unwrap_err().code(), Code::InvalidArgument);
        let sent = office.send(receipt(CITIZEN, "")).await;
        assert_eq!(sent.steps[0].variant_version, 1, "what is approved is the first text");
        let office = office.crash().await;
        office
            .until("it is taken out with the reason", async || {
                Some(newest(&office).await).filter(|it| it.state() == VariantState::Rejected)
            })
            .await;
        assert!(newest(&office).await.reason.contains("TEMPLATE_NAME_TAKEN"));
        assert_eq!(variants(&office, "tanda_terima", Channel::Whatsapp).await[1].state(), VariantState::Approved);
        // The same text under its own name is the same template, and has its approval.
        let first = variants(&office, "tanda_terima", Channel::Whatsapp).await.remove(1);
        let same = SaveVariantRequest { body: first.body.clone(), ..text("tanda_terima_v1") };
        let again = save(&office, same).await.unwrap();
        submit(&office, "acc_admin", &again).await.unwrap();
        let call = office.whatsapp.set_template("tanda_terima_v1", "id", "APPROVED", "");
        office.webhook(call).await.unwrap();
        assert_eq!((newest(&office).await.version, newest(&office).await.state()), (3, VariantState::Approved));
    }

    async fn n_05_trouble_that_nobody_is_told_of_is_an_error_in_the_log_and_a_setting_names_whom_to_tell(engine) {
        // The log is one for all tests: a template that no other one stops.
        let (name, kind) = match engine {
            Engine::Sqlite => ("ringkasan_v1", "ringkasan"),
            Engine::Postgres => ("peringatan_tenggat_v1", "peringatan_tenggat"),
        };
        let said = || {
            let told = format!(r#"subject="Templat WhatsApp {name}""#);
            logged().text().lines().any(|it| it.contains("ERROR") && it.contains("nobody is told of trouble") && it.contains(&told))
        };
        let office = Office::open(engine).await;
        let stopped = office.whatsapp.set_template(name, "id", "PAUSED", "LOW_QUALITY");
        assert!(!said());
        office.webhook(stopped).await.unwrap();
        assert!(variants(&office, kind, Channel::Whatsapp).await.iter().any(|it| it.state() == VariantState::Paused));
        assert!(said(), "nobody was told");

        let named = |config: &mut mpp_notifications::Config| config.admin_accounts = " acc_ani,acc_budi ".to_owned();
        let office = Office::with(engine, mpp_notifications::simulator::Account::default(), named).await;
        let stop = async |office: &Office| {
            let stopped = office.whatsapp.set_template("eskalasi_v1", "id", "PAUSED", "LOW_QUALITY");
            office.webhook(stopped).await.unwrap();
        };
        stop(&office).await;
        for account in ["acc_ani", "acc_budi"] {
            let told = office.until("both are told", async || office.inbox(account).await.items.pop()).await;
            assert!(told.subject.contains("eskalasi_v1") || told.body.contains("eskalasi_v1"), "{told:?}");
        }
        // The rules come first.
        let rules = DeliveryRules { time_zone: "Asia/Jakarta".to_owned(), admin_account_ids: vec!["acc_admin".to_owned()], ..Default::default() };
        office.rules(rules).await;
        office.after(TimeDelta::days(1));
        let again = office.whatsapp.set_template("eskalasi_v1", "id", "APPROVED", "");
        office.webhook(again).await.unwrap();
        stop(&office).await;
        office.until("the administrator is told", async || office.inbox("acc_admin").await.items.pop()).await;
        assert_eq!(office.inbox("acc_ani").await.items.len(), 1);
    }

    async fn n_22_a_template_that_meta_does_not_take_is_kept_with_the_reason_and_not_offered_again(engine) {
        let office = Office::open(engine).await;
        office.rules(DeliveryRules {
            time_zone: "Asia/Jakarta".to_owned(),
            admin_account_ids: vec!["acc_admin".to_owned()],
            ..Default::default()
        })
        .await;
        let text = |name: &str, end: &str| SaveVariantRequest {
            subject: String::new(),
            body: format!("Aduan {{nomor}}, PIN {{pin}}, {{tenggat_jawaban}}, {{tenggat_selesai}}, lihat {{tautan}}{end}"),
            template_name: name.to_owned(),
            ..new_text("tanda_terima", Channel::Whatsapp)
        };
        let newest = async |office: &Office| variants(office, "tanda_terima", Channel::Whatsapp).await.remove(0);
        let stopped = async |office: &Office| {
            let request = office.system(ListMessageTypesRequest::default());
            let types = office.client.clone().list_message_types(request).await.unwrap().into_inner().message_types;
            types.into_iter().find(|it| it.key == "tanda_terima").unwrap().stopped_text_count
        };
        // Meta takes no text that ends with a gap.
        let draft = save(&office, text("tanda_terima_v2", "")).await.unwrap();
        submit(&office, "acc_admin", &draft).await.unwrap();
        let office = office.crash().await;
        office
            .until("it is refused", async || {
                Some(newest(&office).await).filter(|it| it.state() == VariantState::Rejected)
            })
            .await;
        let reason = "100: Variables can't be at the start or end of the template";
        assert_eq!(newest(&office).await.reason, reason);
        assert_eq!(stopped(&office).await, 1);
        let told = office
            .until("the administrator is told", async || office.inbox("acc_admin").await.items.pop())
            .await;
        assert!(told.subject.contains("tanda_terima_v2") && told.body.contains(reason), "{told:?}");
        let offers = office.whatsapp.offers();
        let office = office.crash().await;
        office.settle().await;
        assert_eq!(office.whatsapp.offers(), offers, "it is not offered again");
        assert_eq!(office.send(receipt(CITIZEN, "")).await.steps[0].variant_version, 1);

        // Another text is offered; while the account is not let in, it waits, and nobody asks again and again.
        let draft = save(&office, text("tanda_terima_v3", ".")).await.unwrap();
        submit(&office, "acc_admin", &draft).await.unwrap();
        office.whatsapp.lock_templates(Some(190));
        let office = office.crash().await;
        let told = office
            .until("the administrator is told", async || {
                let list = office.inbox("acc_admin").await.items;
                list.into_iter().find(|item| item.subject.contains("templates:utama"))
            })
            .await;
        assert!(told.body.contains("190"), "{told:?}");
        let waits = newest(&office).await;
        assert_eq!((waits.state(), waits.reason.as_str()), (VariantState::Submitted, ""));
        office.whatsapp.lock_templates(None);
        let office = office.crash().await;
        office.settle().await;
        assert_eq!(newest(&office).await.state(), VariantState::Submitted, "it rests");
        office.after(TimeDelta::seconds(31));
        let office = office.crash().await;
        office
            .until("it is approved", async || {
                Some(newest(&office).await).filter(|it| it.state() == VariantState::Approved)
            })
            .await;
        assert_eq!(stopped(&office).await, 0);
    }
}
