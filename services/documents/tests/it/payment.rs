//! Line 47: a letter that costs something is not signed before its fee is paid or waived.

use chrono::TimeDelta;
use mpp_documents::{Config, OssConfig};
use mpp_kit::config::Secret;
use mpp_kit::testing::Engine;
use mpp_proto::documents::v1::*;
use serde_json::{Value, json};
use tonic::Code;

use super::exchange::Receiver;
use super::oss::TOKEN;
use super::town::{AGENCY, Client, PLAIN, Refusal, Resident, Town, VILLAGE, history, moment, timestamp};

const FEE: &str = r#"fee = { amount = 25000, legal_basis = "Perda Nomor 1 Tahun 2024", days = 14, instructions = { id = "Bayar di loket kas.", en = "Pay at the cash desk." } }"#;
/// What OSS answers to everything here.
const TAKEN: &str = "HTTP/1.1 200 -\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n\
    {\"respon\":{\"kode\":\"200\",\"keterangan\":\"Sukses\"}}";
const IZIN_OSS: &str = include_str!("../../catalogue/izin_oss.toml");
pub(crate) const WHY: &str = "keluarga miskin dibebaskan menurut Perda";

impl Town {
    /// Puts a version of a shipped type in force that costs 25,000 rupiah.
    async fn charged(&self, definition: &str, template: &str) {
        let definition = definition.replace("fee = { amount = 0 }", FEE);
        let draft = self.save("ani", &definition, template).await.expect("saved");
        assert_eq!(draft.defects, Vec::<String>::new());
        self.publish("budi", &draft).await.expect("published");
    }

    pub(crate) async fn charge_sktm(&self) {
        self.charged(include_str!("../../catalogue/sktm.toml"), include_str!("../../catalogue/sktm.typ"))
            .await;
    }

    /// An SKTM that was checked and waits for its fee.
    pub(crate) async fn unpaid(&self, resident: u32) -> (ApplicationStatus, Application) {
        let status = self.applied("sktm", &Resident::new(resident, PLAIN)).await;
        let application = self.walk(&status.application_id).await;
        assert_eq!(application.state(), ApplicationState::AwaitingPayment);
        (status, application)
    }

    /// With an account at OSS that nobody answers at: what is told waits.
    async fn of_oss(engine: Engine) -> Self {
        Self::of_oss_at(engine, "http://127.0.0.1:9").await
    }

    /// With an account at the OSS of this address.
    async fn of_oss_at(engine: Engine, base_url: &str) -> Self {
        let oss = OssConfig {
            enabled: true,
            base_url: base_url.to_owned(),
            user_key: Secret::from("kunci"),
            username: Secret::from("OSSUSER"),
            password: Secret::from("rahasia"),
            office: AGENCY.to_owned(),
            ..OssConfig::default()
        };
        Self::configured(engine, Config { oss, ..Config::default() }).await
    }

    /// A licence that OSS brings.
    async fn brought(&self, id_izin: &str) -> Licence {
        let nib = json!({
            "nib": "1234567890123",
            "oss_id": format!("OSS-{id_izin}"),
            "nama_perseroan": "PT Contoh Kopi Lebong",
            "alamat_perseroan": "Jalan Lintas Curup Nomor 8",
            "penanggung_jwb": [{"nama_penanggung_jwb": "Rohana Zulaikha", "no_identitas_penanggung_jwb": "1707026602920001"}],
            "data_proyek": [{"id_proyek": "R-202611230001", "kbli": "10761"}],
            "data_checklist": [{
                "id_proyek": "R-202611230001", "id_izin": id_izin, "jenis_izin": "04", "kd_izin": "033000000001",
                "kd_daerah": "1707000000", "kewenangan": "02", "nama_izin": "Sertifikat standar industri kopi",
            }],
        });
        let call = ReceiveOssCallRequest {
            method: "receiveNIB".to_owned(),
            token: TOKEN.to_owned(),
            body: json!({"dataNIB": nib}).to_string(),
        };
        assert_eq!(self.nobody().receive_oss_call(call).await.expect("taken").http_status, 200);
        let list =
            self.reader().list_licences(ListLicencesRequest::default()).await.expect("a list").licences;
        list.into_iter().find(|licence| licence.id_izin == id_izin).expect("it was taken")
    }

    /// The statuses that OSS is told of a licence, in their order.
    async fn told_of(&self, licence: &Licence) -> Vec<String> {
        let request = GetLicenceRequest { licence: licence.id.clone() };
        let licence =
            self.reader().get_licence(request).await.expect("it is there").licence.expect("a licence");
        licence.messages.into_iter().map(|message| message.status_code).collect()
    }

    pub(crate) fn receipt(&self, application: &str, reference: &str) -> RecordPaymentRequest {
        RecordPaymentRequest {
            application: application.to_owned(),
            reference: reference.to_owned(),
            amount: 25_000,
            pay_time: timestamp(mpp_kit::clock::Clock::now(&*self.clock)),
            method: PaymentMethod::Cash.into(),
            ..RecordPaymentRequest::default()
        }
    }
}

impl Client {
    pub(crate) async fn pays(&self, request: RecordPaymentRequest) -> Result<Application, Refusal> {
        self.record_payment(request).await.map(|answer| answer.application.expect("an application"))
    }

    pub(crate) async fn waives(&self, id: &str, reason: &str) -> Result<Application, Refusal> {
        let request = WaivePaymentRequest {
            application: id.to_owned(),
            reason: reason.to_owned(),
            ..WaivePaymentRequest::default()
        };
        self.waive_payment(request).await.map(|answer| answer.application.expect("an application"))
    }
}

lines! {
    /// 47. From the form to the signature: the fee is known, asked for after the check, and recorded once.
    async fn should_47_a_letter_with_a_fee_is_signed_after_it_was_paid(engine) {
        let town = Town::new(engine).await;
        // What was handed in before it cost something costs nothing.
        let free = town.applied("sktm", &Resident::new(9, PLAIN)).await;
        town.charge_sktm().await;
        assert_eq!(town.finish(&free.application_id).await.payment, None);

        let status = town.applied("sktm", &Resident::new(1, PLAIN)).await;
        let expected = status.payment.expect("a fee");
        assert_eq!((expected.state(), expected.amount, expected.billing_code.as_str()), (PaymentState::Expected, 25_000, ""));
        let id = &status.application_id;
        let checked = town.walk(id).await;
        assert_eq!((checked.state(), checked.numbers.len(), checked.document_id.as_str()), (ApplicationState::AwaitingPayment, 0, ""));
        let told = town.status(&status.code).await;
        assert_eq!((told.state(), told.expected_time), (ApplicationState::AwaitingPayment, None));
        let due = told.payment.expect("a fee");
        assert_eq!((due.state(), due.amount, due.due_date.as_str(), due.overdue), (PaymentState::Due, 25_000, "2026-12-07", false));
        assert_eq!(due.instructions.expect("words").id, "Bayar di loket kas.");
        assert_eq!((due.billing_code.len(), due.legal_basis.as_str()), (12, "Perda Nomor 1 Tahun 2024"));
        // Those who take money find it, by its code; nobody signs.
        let (officer, head) = (town.officer(PLAIN), town.head(PLAIN));
        for person in [&officer, &head] {
            let work = person.work().await;
            let line = work.iter().find(|line| line.application_id == *id).expect("it waits");
            assert_eq!((line.kind.as_str(), &line.billing_code, line.late), ("PAY", &due.billing_code, false));
        }
        assert!(town.officer(VILLAGE).inbox().await.is_empty());
        let signing = ListWorkRequest { signing_only: true, ..ListWorkRequest::default() };
        assert!(head.list_work(signing).await.expect("a list").items.is_empty());
        assert_eq!(head.sign(id).await.reason, "NOT_PERMITTED_IN_STATE");
        assert_eq!(head.approve(&checked).await.expect_err("it is not paid").reason, "NOT_PERMITTED_IN_STATE");
        assert_eq!(officer.application(id).await.expect("hers").allowed_verbs, ["RECORD_PAYMENT"]);
        assert_eq!(head.application(id).await.expect("his").allowed_verbs, ["REJECT", "RECORD_PAYMENT", "WAIVE_PAYMENT"]);

        // Three weeks later: the last day is over, no step is late, and it can still be paid.
        town.wait(TimeDelta::days(21));
        town.sweep().await;
        assert!(town.status(&status.code).await.payment.expect("a fee").overdue);
        assert!(!history(&town.seen(id).await).contains(&"ESCALATE"));
        let mut request = town.receipt(id, "KW-2026-001");
        request.request_id = "bayar-1".to_owned();
        let paid = officer.pays(request.clone()).await.expect("recorded");
        assert_eq!((paid.state(), paid.numbers.len()), (ApplicationState::AwaitingSignature, 1));
        let settled = paid.payment.clone().expect("a fee");
        assert_eq!((settled.state(), settled.method(), settled.reference.as_str()), (PaymentState::Paid, PaymentMethod::Cash, "KW-2026-001"));
        // The same request has one effect; another one finds nothing to pay.
        assert_eq!(officer.pays(request.clone()).await.expect("the first answer").version, paid.version);
        request.request_id = "bayar-2".to_owned();
        assert_eq!(officer.pays(request).await.expect_err("paid").reason, "NOT_PERMITTED_IN_STATE");
        let told = town.status(&status.code).await;
        assert!(told.expected_time.is_some(), "its clock goes on");
        assert_eq!(told.payment.expect("a fee").reference, "", "a receipt's number is for officials");

        assert!(head.sign(id).await.signed);
        let issued = town.seen(id).await;
        let kinds: Vec<_> = history(&issued).into_iter().filter(|what| what.contains("PAYMENT") || what.contains("CLOCK")).collect();
        assert_eq!(kinds, ["ASK_PAYMENT", "PAUSE_CLOCK", "RECORD_PAYMENT", "RESUME_CLOCK"]);
        let events = town.events_of(id).await;
        assert_eq!(events, [
            "surat.diajukan", "surat.disetujui", "surat.menunggu_pembayaran", "surat.dibayar", "surat.disetujui", "surat.terbit",
        ]);
        let entry = town.journal().await.into_iter().find(|it| it.what == "application.payment_recorded").expect("an entry");
        assert_eq!((entry.who.as_str(), entry.from.as_deref()), (officer.sub.as_str(), Some("AWAITING_PAYMENT")));
        for part in ["25000", "KW-2026-001", "CASH", due.billing_code.as_str()] {
            assert!(entry.detail.contains(part), "{part} not in {}", entry.detail);
        }
        // A correction costs nothing: the office erred.
        let request = CorrectDocumentRequest {
            document: issued.document_id.clone(), reason: "tanggal lahir salah ketik".to_owned(), values: issued.values.clone(),
            ..CorrectDocumentRequest::default()
        };
        let again = town.head(PLAIN).correct_document(request).await.expect("begun").application.expect("an application");
        assert_eq!(town.finish(&again.id).await.payment, None);
    }

    /// 47. What is written down is what was paid, by who may, and each receipt once.
    async fn should_47_a_receipt_pays_one_fee_and_is_judged(engine) {
        let town = Town::new(engine).await;
        town.charge_sktm().await;
        let ((_, first), (_, second)) = (town.unpaid(1).await, town.unpaid(2).await);
        let codes = [&first, &second].map(|it| it.payment.as_ref().expect("a fee").billing_code.clone());
        assert_ne!(codes[0], codes[1]);
        let officer = town.officer(PLAIN);
        let good = town.receipt(&first.id, "KW-001");
        let refused = async |request: RecordPaymentRequest| officer.pays(request).await.expect_err("refused");
        let named = refused(RecordPaymentRequest { application: first.id.clone(), ..RecordPaymentRequest::default() }).await;
        assert_eq!(named.named(), [("method", "REQUIRED"), ("pay_time", "INVALID_TIME"), ("reference", "INVALID_LENGTH")]);
        for (request, field) in [
            (RecordPaymentRequest { amount: 24_999, ..good.clone() }, ("amount", "ANOTHER_AMOUNT")),
            (RecordPaymentRequest { amount: 50_000, ..good.clone() }, ("amount", "ANOTHER_AMOUNT")),
            (RecordPaymentRequest { pay_time: timestamp(moment("2026-11-24T01:00:00Z")), ..good.clone() }, ("pay_time", "NOT_PAID_THEN")),
            (RecordPaymentRequest { pay_time: timestamp(moment("2026-11-22T01:00:00Z")), ..good.clone() }, ("pay_time", "NOT_PAID_THEN")),
        ] {
            assert_eq!(refused(request).await.named(), [field]);
        }
        let stale = RecordPaymentRequest { version: first.version - 1, ..good.clone() };
        assert_eq!(refused(stale).await.what(), (Code::Aborted, "VERSION_MISMATCH"));
        for stranger in [town.officer(VILLAGE), town.official("RT_HEAD", "17.07.02.2002/002/005")] {
            assert!(matches!(stranger.pays(good.clone()).await.expect_err("not his").code, Code::NotFound | Code::PermissionDenied));
        }
        assert_eq!(town.reader().pays(good.clone()).await.expect_err("a reader").reason, "NOT_YOUR_STEP");
        assert_eq!(town.nobody().pays(good.clone()).await.expect_err("nobody").code, Code::Unauthenticated);
        officer.pays(good).await.expect("recorded");
        // The same receipt pays nothing else of this office; another way of paying has numbers of its own.
        assert_eq!(refused(town.receipt(&second.id, "KW-001")).await.named(), [("reference", "RECEIPT_USED")]);
        assert_eq!(town.seen(&second.id).await.state(), ApplicationState::AwaitingPayment);
        let qris = RecordPaymentRequest { method: PaymentMethod::Qris.into(), ..town.receipt(&second.id, "KW-001") };
        assert_eq!(officer.pays(qris).await.expect("recorded").state(), ApplicationState::AwaitingSignature);
    }

    /// 47. Two cashiers with one receipt at the same time: it pays one fee.
    async fn should_47_a_receipt_that_is_recorded_twice_at_once_pays_one_fee(engine) {
        let town = Town::new(engine).await;
        town.charge_sktm().await;
        let ((_, first), (_, second)) = (town.unpaid(1).await, town.unpaid(2).await);
        let (officer, head) = (town.officer(PLAIN), town.head(PLAIN));
        let (one, two) = tokio::join!(
            officer.pays(town.receipt(&first.id, "TRX-9")),
            head.pays(town.receipt(&second.id, "TRX-9"))
        );
        let refusals: Vec<_> = [one, two].into_iter().filter_map(Result::err).collect();
        assert_eq!(refusals.len(), 1, "{refusals:?}");
        assert_eq!(refusals[0].named(), [("reference", "RECEIPT_USED")], "{refusals:?}");
    }

    /// 47. The head of the office waives with a reason that the applicant reads; what is not paid can be given up.
    async fn should_47_a_fee_is_waived_by_the_head_with_a_reason(engine) {
        let town = Town::new(engine).await;
        town.charge_sktm().await;
        let (status, application) = town.unpaid(1).await;
        let (officer, head) = (town.officer(PLAIN), town.head(PLAIN));
        assert_eq!(officer.waives(&application.id, WHY).await.expect_err("not the head").reason, "NOT_YOUR_STEP");
        assert_eq!(head.waives(&application.id, "miskin").await.expect_err("short").named(), [("reason", "INVALID_LENGTH")]);
        let waived = head.waives(&application.id, WHY).await.expect("waived");
        assert_eq!((waived.state(), waived.payment.expect("a fee").state()), (ApplicationState::AwaitingSignature, PaymentState::Waived));
        let told = town.status(&status.code).await;
        assert_eq!(told.payment.expect("a fee").waive_reason, WHY);
        let last = told.history.iter().find(|entry| entry.what == "WAIVE_PAYMENT").expect("it is told");
        assert_eq!((last.reason.as_str(), last.who.as_str()), (WHY, ""));
        assert!(head.sign(&application.id).await.signed);
        assert!(town.events_of(&application.id).await.contains(&"surat.dibebaskan".to_owned()));
        let entry = town.journal().await.into_iter().find(|it| it.what == "application.payment_waived").expect("an entry");
        assert!(!entry.detail.contains("miskin"), "a reason may be about the applicant");

        let (status, application) = town.unpaid(2).await;
        let request = WithdrawApplicationRequest { code: status.code.clone(), ..WithdrawApplicationRequest::default() };
        town.nobody().withdraw_application(request).await.expect("given up");
        let told = town.status(&status.code).await;
        assert_eq!((told.state(), told.payment), (ApplicationState::Withdrawn, None), "nothing is to be paid any more");
        let late = officer.pays(town.receipt(&application.id, "KW-7")).await;
        assert_eq!(late.expect_err("it has ended").reason, "NOT_PERMITTED_IN_STATE");
    }

    /// 47 and 28. What the law grants is sealed once its fee is paid.
    async fn should_47_what_the_law_grants_waits_for_its_fee_too(engine) {
        let town = Town::new(engine).await;
        let template = include_str!("../../catalogue/izin_reklame.typ");
        town.charged(include_str!("../../catalogue/izin_reklame.toml"), template).await;
        let id = town.applied("izin_reklame", &Resident::new(1, PLAIN)).await.application_id;
        town.set("2026-12-01T01:00:00Z");
        for _ in 0..2 {
            town.sweep().await;
        }
        let granted = town.seen(&id).await;
        assert_eq!((granted.state(), granted.numbers.len()), (ApplicationState::AwaitingPayment, 0));
        assert!(history(&granted).contains(&"DEEM_GRANTED"));
        town.official("AGENCY_OFFICER", AGENCY).pays(town.receipt(&id, "SSRD-1")).await.expect("recorded");
        town.sweep().await;
        let issued = town.seen(&id).await;
        assert_eq!(issued.state(), ApplicationState::Issued, "{:?} {}", history(&issued), issued.signing_problem);
        assert_eq!(issued.numbers.len(), 1);
    }

    /// 47 and 29. OSS is told that the clock stands still, that it goes on, and that the payment is accepted (33).
    async fn should_47_oss_is_told_of_a_payment(engine) {
        let town = Town::of_oss(engine).await;
        town.charged(IZIN_OSS, include_str!("../../catalogue/izin_oss.typ")).await;
        let licence = town.brought("I-1").await;
        let waiting = town.walk(&licence.application_id).await;
        assert_eq!(waiting.state(), ApplicationState::AwaitingPayment);
        assert_eq!(town.told_of(&licence).await, ["41"]);
        town.official("AGENCY_OFFICER", AGENCY).pays(town.receipt(&waiting.id, "SSRD-1")).await.expect("recorded");
        assert_eq!(town.told_of(&licence).await, ["41", "42", "33"]);
    }

    /// 47 and 29. What OSS is told of a fee, while it is waited for and when it was paid, names the fee; what it is told of the clock
    /// for another reason does not.
    async fn should_47_oss_is_told_which_fee_it_is(engine) {
        let mut oss = Receiver::answering(TAKEN).await;
        let town = Town::of_oss_at(engine, &oss.url).await;
        town.charged(IZIN_OSS, include_str!("../../catalogue/izin_oss.typ")).await;
        let licence = town.brought("I-1").await;
        let waiting = town.walk(&licence.application_id).await;
        town.official("AGENCY_OFFICER", AGENCY).pays(town.receipt(&waiting.id, "SSRD-1")).await.expect("recorded");
        let mut told = Vec::new();
        for _ in 0..3 {
            town.tell_oss().await;
            let body: Value = serde_json::from_str(&oss.next().await.body).expect("JSON");
            told.push(body["IZINSTATUS"].clone());
        }
        let codes: Vec<&str> = told.iter().filter_map(|it| it["kd_status"].as_str()).collect();
        assert_eq!(codes, ["41", "42", "33"]);
        let payment = town.seen(&waiting.id).await.payment.expect("a fee");
        for status in [&told[0], &told[2]] {
            let fee = &status["data_pnbp"];
            assert_eq!((&fee["kd_billing"], &fee["nominal"]), (&json!(payment.billing_code), &json!(25_000)), "{status}");
            assert_eq!((&fee["tgl_billing"], &fee["tgl_expire"]), (&json!("2026-11-23"), &json!(payment.due_date)));
        }
        assert!(told[1].get("data_pnbp").is_none(), "{}", told[1]);
        assert!(told.iter().all(|it| it.get("persetujuan_form").is_none() && it["file_lampiran"] == ""), "{told:?}");
    }

    /// 47 and 29. A licence whose only step is the signature waits for its fee from the moment it came: OSS is told so at
    /// once (41), and of everything to the end.
    async fn should_47_oss_is_told_that_a_licence_waits_for_its_fee_from_the_start(engine) {
        let town = Town::of_oss(engine).await;
        let (head, rest) = IZIN_OSS.split_once("steps = [").expect("steps");
        let (steps, rest) = rest.split_once("\n]").expect("their end");
        let signature = steps.lines().find(|line| line.contains("SIGN")).expect("a signature");
        let definition = format!("{head}steps = [\n{signature}\n]{rest}");
        town.charged(&definition, include_str!("../../catalogue/izin_oss.typ")).await;
        let officer = town.official("AGENCY_OFFICER", AGENCY);
        let boss = town.official("AGENCY_HEAD", AGENCY);

        let paid = town.brought("I-1").await;
        let waiting = town.seen(&paid.application_id).await;
        assert_eq!(waiting.state(), ApplicationState::AwaitingPayment);
        assert_eq!((paid.status_code.as_str(), town.told_of(&paid).await), ("41", vec!["41".to_owned()]));
        // Said again by OSS, it is told once.
        town.brought("I-1").await;
        assert_eq!(town.told_of(&paid).await, ["41"]);
        officer.pays(town.receipt(&waiting.id, "SSRD-1")).await.expect("recorded");
        assert_eq!(town.told_of(&paid).await, ["41", "42", "33"]);
        assert!(boss.sign(&waiting.id).await.signed);
        assert_eq!(town.told_of(&paid).await, ["41", "42", "33", "50"]);

        // Waived, the clock goes on and no payment is accepted; rejected while it waits, it ends.
        let waived = town.brought("I-2").await;
        boss.waives(&waived.application_id, WHY).await.expect("waived");
        assert!(boss.sign(&waived.application_id).await.signed);
        assert_eq!(town.told_of(&waived).await, ["41", "42", "50"]);
        let refused = town.brought("I-3").await;
        boss.reject(&refused.application_id, "lokasi usaha tidak sesuai tata ruang").await.expect("rejected");
        assert_eq!(town.told_of(&refused).await, ["41", "90"]);
    }
}
