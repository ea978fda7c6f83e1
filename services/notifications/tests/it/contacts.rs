//! Contacts, consent and what fails: N-11, N-13.

use chrono::TimeDelta;
use mpp_kit::testing::Engine;
use mpp_notifications::simulator::Call;
use mpp_proto::notifications::v1::*;
use tonic::Code;

use crate::office::{CITIZEN, EMAIL, HEAD, NUMBER, Office, contact, escalation, receipt};

async fn head(office: &Office) -> Contact {
    let request = office.by(HEAD, &[], &[], GetContactRequest { account: HEAD.to_owned() });
    office.client.clone().get_contact(request).await.unwrap().into_inner().contact.unwrap()
}

fn of(contact: &Contact, channel: Channel) -> &Consent {
    contact.consents.iter().find(|consent| consent.channel() == channel).unwrap()
}

async fn consent(office: &Office, who: &str, channel: Channel, opted_in: bool) -> Result<(), tonic::Status> {
    let request = SetConsentRequest {
        account: HEAD.to_owned(),
        channel: channel.into(),
        opted_in,
        source: "halaman profil".to_owned(),
        ..Default::default()
    };
    office.client.clone().set_consent(office.by(who, &[], &[], request)).await.map(|_| ())
}

lines! {
    async fn n_11_a_contact_that_fails_is_marked_and_the_coordinator_is_told(engine) {
        let office = Office::open(engine).await;
        office.whatsapp.without_whatsapp(NUMBER);
        let request = CreateNotificationRequest {
            coordinator_account_id: "acc_koordinator".to_owned(),
            ..escalation(HEAD)
        };
        let sent = office.send(request.clone()).await;
        let found = office.when_step(&sent.id, 1, DeliveryStatus::Sent).await;
        assert!(found.contact_failing, "shown on the matter");
        let list = ListNotificationsRequest { reference: "adu_1".to_owned(), ..Default::default() };
        let list = office.client.clone().list_notifications(office.system(list)).await.unwrap().into_inner();
        assert!(list.notifications.iter().any(|it| it.id == sent.id && it.contact_failing));
        let profile = head(&office).await;
        let failing = of(&profile, Channel::Whatsapp);
        assert!(failing.failing_since_time.is_some() && failing.failing_reason == "131026", "in the profile");
        assert!(of(&profile, Channel::Email).failing_since_time.is_none());
        let told = office
            .until("the coordinator is told", async || {
                let mut list = office.inbox("acc_koordinator").await.items;
                list.pop()
            })
            .await;
        assert_eq!((told.subject.as_str(), told.reference.as_str()), ("Kontak pejabat tidak sampai", "adu_1"));
        assert!(!told.body.contains(NUMBER));
        // The next message does not try it in vain.
        let next = office.send(request).await;
        assert_eq!(next.steps[0].reason, "CONTACT_FAILING");
        let calls = office.whatsapp.calls();
        office.when_step(&next.id, 1, DeliveryStatus::Sent).await;
        assert_eq!(office.whatsapp.calls(), calls);
        // A contact that is said anew is tried again.
        office.apply(contact(HEAD, CITIZEN, EMAIL, "KEPALA_OPD")).await.unwrap();
        assert!(of(&head(&office).await, Channel::Whatsapp).failing_since_time.is_none());
        let last = office.send(escalation(HEAD)).await;
        office.when_step(&last.id, 0, DeliveryStatus::Sent).await;
    }

    async fn n_13_consent_is_kept_with_its_source_and_its_end_counts_at_once(engine) {
        use DeliveryStatus::*;
        let office = Office::open(engine).await;
        let profile = head(&office).await;
        assert_eq!(of(&profile, Channel::Whatsapp).source, "SK 800/12/2026");
        assert!(of(&profile, Channel::Whatsapp).opted_in && of(&profile, Channel::Whatsapp).time.is_some());
        let mut sourceless = contact("acc_baru", NUMBER, "", "ADMIN_OPD");
        sourceless.consents[0].source.clear();
        assert_eq!(office.apply(sourceless).await.unwrap_err().code(), Code::InvalidArgument);
        // What waits already is stopped too.
        let at = Some(prost_types::Timestamp { seconds: 1_795_663_200, nanos: 0 }); // 03:20
        let waiting = office.send(CreateNotificationRequest { scheduled_time: at, ..escalation(HEAD) }).await;
        assert_eq!(waiting.steps[0].status(), Created);
        consent(&office, HEAD, Channel::Whatsapp, false).await.unwrap();
        assert_eq!(consent(&office, "acc_lain", Channel::Whatsapp, true).await.unwrap_err().code(), Code::NotFound);
        office.after(TimeDelta::minutes(20));
        let found = office.when_step(&waiting.id, 1, Sent).await;
        assert_eq!((found.steps[0].status(), found.steps[0].reason.as_str()), (Suppressed, "NO_CONSENT"));
        let next = office.send(escalation(HEAD)).await;
        assert_eq!(next.steps[0].reason, "NO_CONSENT");
        assert_eq!(office.whatsapp.calls(), 0);
        consent(&office, HEAD, Channel::Whatsapp, true).await.unwrap();
        assert_eq!(of(&head(&office).await, Channel::Whatsapp).source, "halaman profil");
        let again = office.send(escalation(HEAD)).await;
        office.when_step(&again.id, 0, Sent).await;

        // A citizen ends messages by a word, and wants them again by another.
        office.webhook(office.whatsapp.write(CITIZEN, "BERHENTI")).await.unwrap();
        let stopped = office.send(receipt(CITIZEN, "warga@contoh.example")).await;
        assert_eq!((stopped.steps[0].status(), stopped.steps[0].reason.as_str()), (Suppressed, "OPTED_OUT"));
        office.when_step(&stopped.id, 1, Sent).await;
        office.after(TimeDelta::minutes(1));
        office.webhook(office.whatsapp.write(CITIZEN, "mulai")).await.unwrap();
        let sent = office.send(receipt(CITIZEN, "")).await;
        office.when_step(&sent.id, 0, Sent).await;
        // Who is no administrator sees nobody's contact but the own.
        let foreign = office.by("acc_lain", &["notifications.read"], &[], GetContactRequest { account: HEAD.to_owned() });
        assert_eq!(office.client.clone().get_contact(foreign).await.unwrap_err().code(), Code::NotFound);
    }

    async fn n_13_an_official_enters_the_own_contact_and_nobody_elses(engine) {
        let office = Office::open(engine).await;
        let apply = async |who: &str, contact: Contact, version: u32| {
            let request = ApplyContactRequest { contact: Some(contact), version, ..Default::default() };
            let answer = office.client.clone().apply_contact(office.by(who, &[], &[], request)).await?;
            Ok::<_, tonic::Status>(answer.into_inner().contact.unwrap())
        };
        // A contact that is new: the role that decides about hours of rest is nobody's to give to himself.
        let own = contact("acc_baru", CITIZEN, "", "BUPATI");
        let first = apply("acc_baru", own.clone(), 0).await.unwrap();
        assert_eq!((first.role.as_str(), first.whatsapp.as_str(), first.version), ("PEJABAT", CITIZEN, 1));
        let given = of(&first, Channel::Whatsapp).clone();
        assert!(given.opted_in && given.time.is_some());
        // What stays as it was keeps its time; what is said anew has a new one.
        office.after(TimeDelta::minutes(5));
        let mut next = own.clone();
        next.email = EMAIL.to_owned();
        let next = apply("acc_baru", next, 1).await.unwrap();
        assert_eq!(of(&next, Channel::Whatsapp).time, given.time);
        assert_eq!(apply("acc_baru", own.clone(), 1).await.unwrap_err().code(), Code::Aborted, "another was first");
        let mut other = own.clone();
        other.whatsapp = NUMBER.to_owned();
        let other = apply("acc_baru", other, 2).await.unwrap();
        assert_ne!(of(&other, Channel::Whatsapp).time, given.time, "another number is agreed to anew");
        // What wrote STOP writes START again: that the number is one's own is proven by nothing else.
        office.after(TimeDelta::minutes(5));
        office.webhook(office.whatsapp.write(NUMBER, "BERHENTI")).await.unwrap();
        let mut again = own.clone();
        again.whatsapp = NUMBER.to_owned();
        office.after(TimeDelta::minutes(5));
        let again = apply("acc_baru", again, 3).await.unwrap();
        assert!(!of(&again, Channel::Whatsapp).opted_in, "somebody else may have that number");
        let agree = SetConsentRequest { account: "acc_baru".to_owned(), channel: Channel::Whatsapp.into(), source: "Kontak saya".to_owned(), opted_in: true, ..Default::default() };
        let answer = office.client.clone().set_consent(office.by("acc_baru", &[], &[], agree)).await.unwrap();
        assert!(!of(&answer.into_inner().contact.unwrap(), Channel::Whatsapp).opted_in);
        office.after(TimeDelta::minutes(1));
        office.webhook(office.whatsapp.write(NUMBER, "MULAI")).await.unwrap();
        let request = office.by("acc_baru", &[], &[], GetContactRequest { account: "acc_baru".to_owned() });
        let own_again = office.client.clone().get_contact(request).await.unwrap().into_inner().contact.unwrap();
        assert!(of(&own_again, Channel::Whatsapp).opted_in);
        assert_ne!(of(&own_again, Channel::Whatsapp).time, of(&other, Channel::Whatsapp).time);
        // The role that was given by who sets up stays; another's contact is not there for them.
        office.apply(contact("acc_baru", NUMBER, "", "SEKDA")).await.unwrap();
        assert_eq!(apply("acc_baru", own.clone(), 0).await.unwrap().role, "SEKDA");
        // Who sets up has a contact too, and need say no role in the own form.
        let admin = contact("acc_admin", NUMBER, "", "");
        let request = ApplyContactRequest { contact: Some(admin), ..Default::default() };
        let call = office.by("acc_admin", &["notifications.configure"], &[], request);
        assert_eq!(office.client.clone().apply_contact(call).await.unwrap().into_inner().contact.unwrap().role, "PEJABAT");
        let foreign = apply("acc_baru", contact(HEAD, NUMBER, EMAIL, "KEPALA_OPD"), 0).await.unwrap_err();
        assert_eq!(foreign.code(), Code::NotFound);
        assert_eq!(head(&office).await.version, 1, "nothing of it changed");
    }

    async fn n_13_the_last_word_about_messages_counts_whatever_else_is_written_around_it(engine) {
        let office = Office::open(engine).await;
        let number = |place: u32| format!("628123450100{place}");
        let ended = async |number: &str| {
            let sent = office.send(receipt(number, "")).await;
            let step = &sent.steps[0];
            step.status() == DeliveryStatus::Suppressed && step.reason == "OPTED_OUT"
        };
        let tell = async |call: Call| assert!(office.webhook(call).await.unwrap().messages > 0);
        // WhatsApp tells moments to the second. In one call, between two others of the same second.
        tell(office.whatsapp.write_all(&number(1), &["halo", "BERHENTI", "terima kasih"])).await;
        assert!(ended(&number(1)).await);
        // In a call of its own, after another of the same second.
        tell(office.whatsapp.write(&number(2), "halo")).await;
        tell(office.whatsapp.write(&number(2), "berhenti")).await;
        assert!(ended(&number(2)).await);
        // Overtaken by what was written after it.
        let stop = office.whatsapp.write(&number(3), "STOP");
        office.after(TimeDelta::seconds(1));
        tell(office.whatsapp.write(&number(3), "halo")).await;
        tell(stop).await;
        assert!(ended(&number(3)).await);
        // Two words of one second count in the order of the provider.
        tell(office.whatsapp.write_all(&number(4), &["MULAI", "BERHENTI"])).await;
        assert!(ended(&number(4)).await);
        tell(office.whatsapp.write_all(&number(5), &["BERHENTI", "MULAI"])).await;
        assert!(!ended(&number(5)).await);
        // One that is told again undoes nothing, whether it is of the same second or older.
        let stop = office.whatsapp.write(&number(6), "STOP");
        tell(stop.clone()).await;
        tell(office.whatsapp.write(&number(6), "MULAI")).await;
        tell(stop.clone()).await;
        assert!(!ended(&number(6)).await);
        office.after(TimeDelta::seconds(2));
        tell(office.whatsapp.write(&number(6), "henti")).await;
        let start = office.whatsapp.write(&number(7), "MULAI");
        office.after(TimeDelta::seconds(2));
        tell(office.whatsapp.write(&number(7), "STOP")).await;
        tell(start).await;
        assert!(ended(&number(6)).await && ended(&number(7)).await);
    }
}
