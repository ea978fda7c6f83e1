//! What officials are told without asking: the digest in the morning, a warning before a deadline, an emergency at any hour. N-20.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use mpp_kit::testing::Engine;
use mpp_proto::complaints::v1::*;
use mpp_proto::notifications::v1::{CreateNotificationRequest, recipient};

use crate::regency::*;

fn account(it: &CreateNotificationRequest) -> String {
    match it.recipient.as_ref().and_then(|it| it.kind.as_ref()) {
        Some(recipient::Kind::AccountId(account)) => account.clone(),
        Some(recipient::Kind::Addresses(_)) | None => panic!("an official: {it:?}"),
    }
}

/// The digests that were asked for since a moment: to whom, with the three numbers.
fn digests(regency: &Regency, since: &str) -> Vec<(String, String)> {
    let since = moment(since);
    let all = regency.messages.of_type("ringkasan").into_iter();
    let mut told: Vec<_> = all
        .filter(|it| at(it.scheduled_time.as_ref()) >= since)
        .map(|it| {
            let number = |key: &str| it.placeholders[key].clone();
            let numbers = ["terlambat", "hari_ini", "menunggu"].map(number).join("; ");
            (account(&it), numbers)
        })
        .collect();
    told.sort();
    told
}

type Board = BTreeMap<(String, i32), i64>;

/// What the board says of some desks, and with it what a digest does.
fn sums(board: &Board, desks: &[&str]) -> [i64; 3] {
    [BoardMeasure::Late, BoardMeasure::DueToday, BoardMeasure::ToAcknowledge].map(|measure| {
        let of = |desk: &&str| board.get(&((*desk).to_owned(), measure.into())).copied().unwrap_or(0);
        desks.iter().map(of).sum()
    })
}

fn said(now: [i64; 3], before: [i64; 3]) -> String {
    let one = |(now, before): (i64, i64)| match now - before {
        0 => now.to_string(),
        change => format!("{now} ({change:+})"),
    };
    now.into_iter().zip(before).map(one).collect::<Vec<_>>().join("; ")
}

async fn category(regency: &Regency, advice: &str) {
    let category = Category {
        key: "AIR".to_owned(),
        name: "Air bersih".to_owned(),
        agency_id: PUPR.to_owned(),
        deadline_kind: "GENERAL".to_owned(),
        duplicate_metres: 100,
        active: true,
        emergency_advice: advice.to_owned(),
        ..Category::default()
    };
    let request = ApplyCategoryRequest { request_id: String::new(), category: Some(category) };
    regency.admin().apply_category(request).await.expect("a category");
}

const ALL: [&str; 4] = ["coordinator", PUPR, DINKES, INSPEKTORAT];

lines! {
    async fn n_20_each_office_gets_the_numbers_of_its_board_once_a_day(engine) {
        let mut regency = Regency::new(engine).await;
        let head = Official { rung: "AGENCY_HEAD".to_owned(), agency_id: DINKES.to_owned(), title: "Kepala Dinas Kesehatan".to_owned(), account_id: "acc_dinkes_head".to_owned(), ..Official::default() };
        regency.admin().apply_official(ApplyOfficialRequest { request_id: String::new(), official: Some(head) }).await.unwrap();
        regency.taken(Regency::report()).await;
        regency.file(Regency::report()).await;
        let board = async |regency: &Regency| regency.check_board(&regency.bupati()).await;
        // A second before half past seven of Tuesday, in the west.
        regency.set("2026-11-24T00:29:59Z");
        regency.until("the promises are late", || async { sums(&board(&regency).await, &ALL)[0] == 2 }).await;
        assert!(digests(&regency, MONDAY).is_empty(), "there were times for none");
        regency.stop().await;
        regency.config.digest_heads_at = "07:30".to_owned();
        regency.config.digest_regent_at = "08:00".to_owned();
        // Two instances on one database.
        regency.start().await;
        regency.start().await;
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        assert!(digests(&regency, MONDAY).is_empty(), "not before their time");
        regency.set("2026-11-24T00:30:00Z");
        regency.until("the heads have theirs", || async { !digests(&regency, MONDAY).is_empty() }).await;
        let tuesday = board(&regency).await;
        let pupr = sums(&tuesday, &[PUPR]);
        let heads = [("acc_pupr_head".to_owned(), said(pupr, pupr))];
        assert_eq!(digests(&regency, MONDAY), heads, "who has nothing to read gets nothing");
        regency.set("2026-11-24T01:00:00Z");
        regency.until("the regent has all", || async { digests(&regency, MONDAY).len() == 2 }).await;
        let regent = sums(&board(&regency).await, &ALL);
        assert_eq!(digests(&regency, MONDAY)[0], ("acc_bupati".to_owned(), said(regent, regent)));
        assert!(regent[0] == 2 && regent[0] > pupr[0] && regent[2] >= 2, "{regent:?} {pupr:?}");
        for digest in regency.messages.of_type("ringkasan") {
            assert_eq!(digest.placeholders["tautan"], "https://layanan.contohkab.example/kendali/aduan");
            assert!(digest.placeholders["jabatan"].starts_with("Jabatan ") && digest.reference.starts_with("ofl_"), "{digest:?}");
            assert_eq!(at(digest.expire_time.as_ref()), moment("2026-11-24T17:00:00Z"), "tomorrow there is another one");
        }
        // Neither time nor a restart brings a second one.
        regency.stop().await;
        regency.start().await;
        regency.set("2026-11-24T02:00:00Z");
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        assert_eq!(digests(&regency, MONDAY).len(), 2);
        // The next day there is another one, to who acts by then, with what changed.
        regency.file(Regency::report()).await;
        regency.appoint("AGENCY_HEAD", PUPR, "acc_plh").await;
        regency.set("2026-11-24T20:00:00Z");
        regency.until("it is late too", || async { sums(&board(&regency).await, &ALL)[0] == 3 }).await;
        regency.set("2026-11-25T01:00:00Z");
        let wednesday = "2026-11-25T00:00:00Z";
        regency.until("both have theirs", || async { digests(&regency, wednesday).len() == 2 }).await;
        let now = board(&regency).await;
        let told = digests(&regency, wednesday);
        assert_eq!(told[0], ("acc_bupati".to_owned(), said(sums(&now, &ALL), regent)));
        assert_eq!(told[1], ("acc_plh".to_owned(), said(sums(&now, &[PUPR]), pupr)));
        assert!(told[0].1.starts_with("3 (+1); "), "{told:?}");
        // What was not sent in the morning is no news in the afternoon.
        regency.stop().await;
        regency.set("2026-11-26T06:00:00Z");
        regency.start().await;
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        assert!(digests(&regency, "2026-11-26T00:00:00Z").is_empty());
    }

    async fn n_20_a_warning_goes_before_once_for_each_clock_and_what_is_an_emergency_is_told_as_one(engine) {
        let regency = Regency::new(engine).await;
        category(&regency, "Hubungi 112.").await;
        let road = regency.taken(Regency::report()).await;
        let water = regency.taken(FileComplaintRequest { category: "AIR".to_owned(), ..Regency::report() }).await;
        let of = |message_type: &str, about: &Filed| {
            let all = regency.messages.of_type(message_type).into_iter();
            all.filter(|it| it.placeholders["nomor"] == about.number).collect::<Vec<_>>()
        };
        regency.wait(TimeDelta::hours(2));
        regency.until("half of the promise is used", || async {
            of("peringatan_tenggat", &road).len() == 1 && of("eskalasi_darurat", &water).len() == 1
        }).await;
        let warning = of("peringatan_tenggat", &road).remove(0);
        assert_eq!(account(&warning), "acc_pupr");
        let says = |it: &CreateNotificationRequest, key: &str| it.placeholders[key].clone();
        assert_eq!(says(&warning, "tenggat"), "23-11-2026 12:00 WIB (reaksi (janji layanan))");
        assert_eq!(says(&warning, "sisa"), "2 jam");
        let steps = regency.seen(&road.id).await.escalations;
        assert_eq!(warning.reference, steps[0].id, "its buttons are about the step");
        let alarm = of("eskalasi_darurat", &water).remove(0);
        assert_eq!(says(&alarm, "keterangan"), "tenggat reaksi (janji layanan): 50% waktu terpakai");
        assert_eq!(says(&alarm, "instansi"), "Dinas Pekerjaan Umum");
        for message in [&warning, &alarm] {
            assert_eq!(message.actions.iter().map(|it| it.key.as_str()).collect::<Vec<_>>(), ["tangani", "buka"]);
            let text = format!("{message:?}");
            assert!(!text.contains(NAME) && !text.contains(PHONE) && !text.contains(EMAIL), "{text}");
        }
        // Saturday: of the first answer half and four fifths are used, and everything that is promised is late.
        regency.set("2026-11-28T01:00:00Z");
        regency.until("the head is told", || async {
            of("eskalasi", &road).iter().any(|it| account(it) == "acc_pupr_head" && says(it, "keterlambatan") == "80% waktu terpakai")
        }).await;
        let mut warned: Vec<_> = of("peringatan_tenggat", &road).iter().map(|it| says(it, "tenggat")).collect();
        warned.sort();
        assert_eq!(warned, ["23-11-2026 12:00 WIB (reaksi (janji layanan))", "30-11-2026 16:00 WIB (jawaban awal)"]);
        assert!(of("peringatan_tenggat", &water).is_empty() && of("eskalasi", &water).is_empty(), "every step of it is one");
        assert!(of("eskalasi_darurat", &road).is_empty());
        // What is no emergency any more is told as anything else.
        category(&regency, " ").await;
        let known = of("eskalasi_darurat", &water).len();
        regency.set("2026-12-20T01:00:00Z");
        regency.until("later steps are told", || async { !of("eskalasi", &water).is_empty() }).await;
        assert_eq!(of("eskalasi_darurat", &water).len(), known);
    }
}
