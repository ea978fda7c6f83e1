//! Lines 13 and 14: numbers follow each other, and none disappears.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use futures::future::join_all;
use futures::stream::{self, StreamExt as _};
use mpp_kit::testing::Engine;
use mpp_proto::documents::v1::*;
use sea_orm::ConnectionTrait as _;
use tonic::Code;

use super::catalogue::{definition, template};
use super::paper::words;
use super::town::{PLAIN, Resident, SUB_DISTRICT, Town, VILLAGE, office};

impl Town {
    /// As a client does that was told to come back: the same request again, until it is answered.
    async fn approve_insisting(&self, seen: &Application, request_id: String) -> Application {
        let holder = self.holder(seen);
        let request = ApproveApplicationRequest {
            request_id,
            application: seen.id.clone(),
            version: seen.version,
            content_hash: seen.content_hash.clone(),
        };
        loop {
            match holder.approve_application(request.clone()).await {
                Ok(answer) => return answer.application.expect("an application"),
                Err(refusal) if matches!(refusal.code, Code::Unavailable | Code::DeadlineExceeded) => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                Err(refusal) => panic!("{refusal:?}"),
            }
        }
    }
}

lines! {
    /// 13. A printed number names one letter, also where two series of an office print alike; what is passed over is in the
    /// register.
    async fn line_13_a_printed_number_is_not_given_twice_by_two_series(engine) {
        let town = Town::new(engine).await;
        // As an earlier version of the type has left it, with a series of its own.
        let (office, text) = (&town.office(PLAIN).id, "400.9/001/1707022002/XI/2026");
        let sql = format!(
            "INSERT INTO register_number (office_id, series, year, seq, text, application_id, void_reason, given_at) \
             VALUES ('{office}', 'LAMA', 2026, 1, '{text}', 'app_01h455vb4pex5vsknk084sn02q', NULL, '2026-11-20 01:00:00+00:00')"
        );
        town.db.db.write.execute_unprepared(&sql).await.expect("a row");
        let (_, document) = town.issued("sktm", &Resident::new(1, PLAIN)).await;
        assert_eq!(document.number, "400.9/002/1707022002/XI/2026");
        let register = town.register(PLAIN, 2026).await;
        let alike: Vec<_> = register.iter().filter(|it| it.text == text).map(|it| it.void_reason.as_str()).collect();
        assert_eq!(alike, ["", "GIVEN_BEFORE"], "{register:?}");
    }

    /// 13. Number allocated once, in order, no duplicate under 100 parallel issues.
    async fn line_13_a_hundred_parallel_issues_get_a_hundred_consecutive_numbers(engine) {
        let town = Arc::new(Town::new(engine).await);
        // Printing takes its time, so that applications come a few at a time.
        let applications: Vec<_> = stream::iter(1..=100)
            .map(|number| {
                let town = Arc::clone(&town);
                async move {
                    let id = town.applied("sktm", &Resident::new(number, PLAIN)).await.application_id;
                    town.seen(&id).await
                }
            })
            .buffer_unordered(4)
            .collect()
            .await;
        let issuing = applications.iter().map(|seen| {
            let (town, seen) = (Arc::clone(&town), seen.clone());
            tokio::spawn(async move { town.approve_insisting(&seen, format!("setuju-{}", seen.id)).await })
        });
        let issued: Vec<Application> = join_all(issuing).await.into_iter().map(|it| it.expect("no panic")).collect();
        assert!(issued.iter().all(|it| it.state() == ApplicationState::AwaitingSignature && it.numbers.len() == 1));
        let register = town.register(PLAIN, 2026).await;
        assert_eq!(register.iter().map(|it| it.seq).collect::<Vec<_>>(), (1..=100).collect::<Vec<_>>());
        for number in &register {
            assert_eq!(number.text, format!("400.9/{:03}/1707022002/XI/2026", number.seq));
            let holder = issued.iter().find(|it| it.id == number.application_id).expect("somebody has it");
            assert_eq!((&holder.numbers[0], number.void), (number, false));
        }
    }

    /// 13. Restarts per year, format tokens honoured; each office and kind of type counts for itself.
    async fn line_13_numbers_restart_with_the_year_of_the_office(engine) {
        let town = Town::new(engine).await;
        let mut number = 0;
        let mut next = async |letter_type: &'static str, area: &str| {
            number += 1;
            let id = town.applied(letter_type, &Resident::new(number, area)).await.application_id;
            town.walk(&id).await.numbers.last().expect("a number").text.clone()
        };
        // All letters of an office share a series; another office has its own.
        assert_eq!(next("sktm", PLAIN).await, "400.9/001/1707022002/XI/2026");
        assert_eq!(next("kehilangan", PLAIN).await, "300.1/002/1707022002/XI/2026");
        assert_eq!(next("kehilangan", VILLAGE).await, "300.1/001/1707022001/XI/2026");
        assert_eq!(next("izin_reklame", PLAIN).await, "500.16/0001/IRK/DINKES/2026");
        // Half an hour to midnight in the village, and half an hour after.
        town.set("2026-12-31T16:30:00Z");
        assert_eq!(next("sktm", PLAIN).await, "400.9/003/1707022002/XII/2026");
        town.set("2026-12-31T17:30:00Z");
        assert_eq!(next("sktm", PLAIN).await, "400.9/001/1707022002/I/2027");
        assert_eq!(next("kehilangan", PLAIN).await, "300.1/002/1707022002/I/2027");
        assert_eq!(next("kehilangan", VILLAGE).await, "300.1/001/1707022001/I/2027");
        let years = [town.register(PLAIN, 2026).await, town.register(PLAIN, 2027).await];
        assert_eq!(years.map(|year| year.iter().map(|it| it.seq).collect::<Vec<_>>()), [vec![1, 2, 3], vec![1, 2]]);
        // Without a year it is the present one.
        assert_eq!(town.register(PLAIN, 0).await.len(), 2);
        assert!(town.register(SUB_DISTRICT, 0).await.is_empty());
    }

    /// 13. An office that begins in the middle of a year goes on where its registers on paper ended, and gives no number twice.
    async fn line_13_numbers_go_on_where_the_register_on_paper_ended(engine) {
        let mut town = Town::new(engine).await;
        let mut number = 0;
        let before = |series: &str, year: i32, last: i32| NumbersBefore { series: series.to_owned(), year, last };
        let with = |registers: &[NumbersBefore]| Office { numbers_before: registers.to_vec(), ..office(PLAIN) };
        let mut next = async |town: &Town| {
            number += 1;
            let id = town.applied("sktm", &Resident::new(number, PLAIN)).await.application_id;
            town.walk(&id).await.numbers.last().expect("a number").text.clone()
        };
        let admin = town.admin();
        let refusal = async |registers: &[NumbersBefore]| {
            let request = ApplyOfficeRequest { request_id: String::new(), office: Some(with(registers)) };
            admin.apply_office(request).await.expect_err("no registers")
        };
        // By a series of its own no type counts yet: nothing would go on behind such a register, and that is said.
        let registers = [before("office", 2026, 230), before("type:uji", 2026, 12)];
        let refused = refusal(&registers).await;
        assert_eq!(refused.named(), [("office.numbers_before[1].series", "UNKNOWN_SERIES")]);
        assert!(refused.remedies.iter().all(|remedy| remedy.ends_with(": office")), "{refused:?}");
        let own = definition("uji")
            .replace("series = \"OFFICE\"", "series = \"OFFICE_AND_TYPE\"")
            .replace("format = \"[kode_klasifikasi]/", "format = \"[kode_surat]/");
        let draft = town.save("ani", &own, &template("Kalimat.")).await.expect("saved");
        assert_eq!(draft.defects, Vec::<String>::new());
        town.publish("budi", &draft).await.expect("published");
        town.apply(with(&registers)).await;
        assert_eq!(town.office(PLAIN).numbers_before, registers);
        assert_eq!(next(&town).await, "400.9/231/1707022002/XI/2026");
        assert_eq!(next(&town).await, "400.9/232/1707022002/XI/2026");
        // Who leaves it out keeps it; and it never goes back, only on.
        town.apply(with(&[])).await;
        assert_eq!(town.office(PLAIN).numbers_before, registers);
        assert_eq!(next(&town).await, "400.9/233/1707022002/XI/2026");
        town.apply(with(&[before("office", 2026, 100)])).await;
        // What is given takes the place of its own register, and of no other.
        assert_eq!(town.office(PLAIN).numbers_before, [before("office", 2026, 100), before("type:uji", 2026, 12)]);
        let mut wish = town.wish("sktm", &Resident::new(98, PLAIN)).await;
        wish.letter_type = "uji".to_owned();
        let id = town.submit(wish).await.application_id;
        assert_eq!(town.walk(&id).await.numbers.last().expect("a number").text, "UJI/013/1707022002/XI/2026");
        assert_eq!(next(&town).await, "400.9/234/1707022002/XI/2026");
        town.apply(with(&[before("office", 2026, 300)])).await;
        assert_eq!(next(&town).await, "400.9/301/1707022002/XI/2026");
        let register = town.register(PLAIN, 2026).await;
        assert_eq!(register.iter().map(|it| it.seq).collect::<Vec<_>>(), [231, 232, 233, 234, 301, 13]);
        // Another office, and another year, begin anew.
        let id = town.applied("sktm", &Resident::new(99, VILLAGE)).await.application_id;
        assert_eq!(town.walk(&id).await.numbers[0].seq, 1);
        town.set("2027-01-04T01:00:00Z");
        assert_eq!(next(&town).await, "400.9/001/1707022002/I/2027");
        // What cannot be is refused, each by its field.
        let wrong = [before("sku", 2026, 1), before("office", 1926, 0), before("type:uji", 2026, 5), before("type:uji", 2026, 6)];
        assert_eq!(refusal(&wrong).await.named(), [
            ("office.numbers_before[0].series", "INVALID_SERIES"), ("office.numbers_before[1].last", "OUT_OF_RANGE"),
            ("office.numbers_before[1].year", "OUT_OF_RANGE"), ("office.numbers_before[3].series", "TWICE"),
        ]);
        // What stands is given back with the rest of the office, also when its type has ended; another under it is refused.
        let ended = RetireLetterTypeRequest {
            request_id: String::new(),
            letter_type: "uji".to_owned(),
            reason: "tidak dipakai lagi".to_owned(),
        };
        town.editor("ani").retire_letter_type(ended).await.expect("retired");
        town.apply(with(&[before("type:uji", 2026, 12)])).await;
        let refused = refusal(&[before("type:uji", 2027, 12)]).await;
        assert_eq!(refused.named(), [("office.numbers_before[0].series", "UNKNOWN_SERIES")]);
    }

    /// 13. Number and date of a letter are of one day: a signature that comes after the turn of the year changes neither.
    async fn line_13_the_date_of_a_letter_is_that_of_its_number(engine) {
        let town = Town::new(engine).await;
        town.set("2026-12-31T03:00:00Z");
        let status = town.applied("sktm", &Resident::new(1, PLAIN)).await;
        town.walk(&status.application_id).await;
        town.set("2027-01-04T03:00:00Z");
        let issued = town.finish(&status.application_id).await;
        let document = town.document(&issued.document_id).await;
        assert_eq!((document.number.as_str(), document.date.as_str()), ("400.9/001/1707022002/XII/2026", "2026-12-31"));
        assert_eq!(town.verified(&document.verification_code).await.date, "2026-12-31");
        let text = words(&town.bytes(&document.id, 0).await);
        assert!(text.contains("31 Desember 2026") && !text.contains("Januari 2027"), "{text}");
        // Three months from the date that it bears, on paper and on the page.
        assert!(text.contains("30 Maret 2027"), "{text}");
        town.set("2027-03-30T03:00:00Z");
        town.sweep().await;
        assert_eq!(town.document(&document.id).await.state(), DocumentState::Valid);
        town.set("2027-03-31T03:00:00Z");
        town.sweep().await;
        assert_eq!(town.document(&document.id).await.state(), DocumentState::Expired);
    }

    /// 14. A failed or withdrawn letter's number stays visible as VOID, never reused.
    async fn line_14_a_number_that_was_not_used_stays_void(engine) {
        let town = Town::new(engine).await;
        let mut statuses = Vec::new();
        for number in 1..=4 {
            let status = town.applied("sktm", &Resident::new(number, PLAIN)).await;
            town.walk(&status.application_id).await;
            statuses.push(status);
        }
        let withdraw = WithdrawApplicationRequest { code: statuses[0].code.clone(), ..WithdrawApplicationRequest::default() };
        town.nobody().withdraw_application(withdraw).await.expect("withdrawn");
        town.head(PLAIN).reject(&statuses[1].application_id, "pemohon tidak memenuhi syarat").await.expect("rejected");
        // Returned at the signature and given up then.
        town.head(PLAIN).send_back(&statuses[2].application_id, "nama sekolah keliru ditulis").await.expect("returned");
        assert!(!town.register(PLAIN, 0).await[2].void, "it may still be used");
        let withdraw = WithdrawApplicationRequest { code: statuses[2].code.clone(), ..WithdrawApplicationRequest::default() };
        town.nobody().withdraw_application(withdraw).await.expect("withdrawn");
        let signed = town.finish(&statuses[3].application_id).await;
        assert_eq!(signed.numbers[0].seq, 4);
        town.wait(TimeDelta::minutes(1));
        let next = town.applied("sktm", &Resident::new(5, PLAIN)).await.application_id;
        assert_eq!(town.walk(&next).await.numbers[0].seq, 5);
        let register = town.register(PLAIN, 0).await;
        let seen: Vec<_> = register.iter().map(|it| (it.seq, it.void, it.void_reason.as_str())).collect();
        assert_eq!(seen, [(1, true, "WITHDRAWN"), (2, true, "REJECTED"), (3, true, "WITHDRAWN"), (4, false, ""), (5, false, "")]);
        assert!(town.seen(&statuses[0].application_id).await.numbers[0].void);
        // A letter that waits for its signature has the number it will bear; nobody has taken it back for its delay.
        assert_eq!(town.status(&statuses[0].code).await.state(), ApplicationState::Withdrawn);
    }
}
