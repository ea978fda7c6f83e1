//! One pothole, three citizens, an agency that says nothing: the whole way of a complaint through the public doors, on a clock
//! that leaps over weeks.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use mpp_kit::calendar::WorkCalendar;
use mpp_kit::clock::Clock as _;
use mpp_kit::db::Engine;
use mpp_kit::zone::TimeZone;
use mpp_tests::harness::complaints::{Notice, text};
use mpp_tests::harness::{Api, Complaints};
use serde_json::{Value, json};

/// Saturday 31 October 2026, 23:30 in WIB.
const LAST_OF_OCTOBER: &str = "2026-10-31T16:30:00Z";
/// Monday 2 November 2026, 08:00 in WIB.
const MONDAY: &str = "2026-11-02T01:00:00Z";
const PUPR: &str = "17.07/pupr";
const COORDINATOR: &str = "aduan.koordinator";

/// Who writes on WhatsApp.
const SITI: &str = "6281234577001";
/// Who files by Open311.
const BUDI: &str = "budi.laporan@contoh.example";
/// Who writes on Instagram.
const RINI: &str = "17841499000000007";

/// The ladder: rung, account, number, address. The secretary reads mail alone.
const LADDER: [(&str, &str, &str, &str); 4] = [
    ("ADMIN", "pupr.aduan", "6281234500011", ""),
    ("AGENCY_HEAD", "pupr.kepala", "6281234500012", ""),
    ("SECRETARY", "sekda", "", "sekda@contohkab.example"),
    ("REGENT", "bupati", "6281234500014", ""),
];

fn moment(value: &Value) -> DateTime<Utc> {
    text(value).parse().expect("a moment")
}

fn list<'v>(value: &'v Value, field: &str) -> &'v [Value] {
    value[field].as_array().unwrap_or_else(|| panic!("no {field} in {value}"))
}

/// What was sent to an official, whatever way.
fn told(town: &Complaints, official: &(&str, &str, &str, &str)) -> Vec<Notice> {
    if official.2.is_empty() { town.mailed_to(official.3) } else { town.sent_to(official.2) }
}

/// A step of the ladder as it has to come.
struct Step {
    at: DateTime<Utc>,
    clock: String,
    percent: i64,
    rung: String,
}

/// Words of a clock in messages.
fn clock_name(clock: &str) -> &'static str {
    match clock {
        "CLOCK_KIND_ACCEPT" => "penerimaan",
        "CLOCK_KIND_FIRST_ANSWER" => "jawaban awal",
        "CLOCK_KIND_SETTLE" => "penyelesaian",
        "CLOCK_KIND_REACTION" => "reaksi (janji layanan)",
        other => panic!("{other} has no name"),
    }
}

/// Every step that the running clocks of a case lead to, by the deadlines table and the working calendar, in their order.
async fn steps_ahead(town: &Complaints, case: &Value) -> Vec<Step> {
    let calendar = WorkCalendar::five_days(TimeZone::Wib);
    let rows = town.anybody().all("/v1/complaintDeadlines", "deadlines").await;
    let mut steps = Vec::new();
    for clock in list(case, "clocks").iter().filter(|it| it["state"] == "CLOCK_STATE_RUNNING") {
        let row = rows.iter().find(|it| it["id"] == clock["deadlineId"]).expect("the row of the clock");
        let (from, due) = (moment(&clock["startedAt"]), moment(&clock["dueAt"]));
        let working = text(&row["unit"]).starts_with("WORKING");
        let length = if working { calendar.working_time_between(from, due) } else { due - from };
        for (percent, rung) in row["ladder"].as_object().expect("a ladder") {
            let percent: i64 = percent.parse().expect("a percentage");
            let spent = TimeDelta::seconds(length.num_seconds() * percent / 100);
            let at = match percent {
                100 => due,
                _ if working => calendar.add_working_time(from, spent),
                _ => from + spent,
            };
            steps.push(Step { at, clock: text(&clock["kind"]), percent, rung: text(rung) });
        }
    }
    steps.sort_by_key(|it| it.at);
    steps
}

/// Three citizens report one pothole, each on their own channel and with their own wish for secrecy; the coordinator makes one
/// case of it. Answers the case, and number and PIN of who filed by Open311.
async fn one_case_of_three(town: &Complaints) -> (String, (String, String)) {
    let photo = include_bytes!("../../services/complaints/src/intake/samples/photo.jpg");
    let address = town.media.put("rini", photo);
    town.instagram(RINI, "Jalan di depan pasar berlubang dalam, motor saya jatuh.", Some(&address)).await;
    let first = town.case_by("INSTAGRAM", 1).await;
    assert_eq!(list(&list(&first, "messages")[0], "files")[0]["mediaType"], "image/jpeg", "{first}");
    town.instagram(RINI, "anonim", None).await;
    town.writes(SITI, "Siti", json!({"type": "text", "text": {"body": "Lubang besar di depan pasar"}})).await;
    let second = town.case_by("WHATSAPP", 1).await;
    let location = json!({"latitude": -3.7928, "longitude": 102.2608});
    town.writes(SITI, "Siti", json!({"type": "location", "location": location})).await;
    town.writes(SITI, "Siti", json!({"type": "text", "text": {"body": "Rahasia"}})).await;
    let filed = town
        .open311(&[
            ("service_code", "JALAN"),
            ("description", "Lubang di depan pasar, sudah dua orang jatuh"),
            ("lat", "-3.7929"),
            ("long", "102.2609"),
            ("first_name", "Budi"),
            ("email", BUDI),
            ("secrecy", "biasa"),
        ])
        .await;
    let (first, second) = (text(&first["id"]), text(&second["id"]));
    let third = town.case_of(&filed.0).await;
    let secrecy = |case: Value| text(&list(&case, "reporters")[0]["secrecy"]);
    for (case, wanted) in
        [(&first, "SECRECY_ANONYMOUS"), (&second, "SECRECY_SECRET"), (&third, "SECRECY_OPEN")]
    {
        town.until(wanted, async || (secrecy(town.case(case).await) == wanted).then_some(())).await;
    }
    for case in [&first, &second] {
        let body = json!({"category": "JALAN", "reason": "Jalan rusak"});
        town.does(COORDINATOR, case, "recategorise", &body).await;
    }
    // The page of a case offers what may be the same.
    let page = town.browser(COORDINATOR).await.open(&format!("/aduan/{third}")).await;
    let page = page.text().await.expect("a page");
    for case in [&first, &second] {
        assert!(page.contains(&format!("value=\"{case}\"")), "{case} is not offered");
    }
    // The oldest survives: a young case does not take over the lateness of an old one.
    let coordinator = town.official(COORDINATOR).await;
    let wrong = coordinator.post(&format!("/v1/complaints/{first}:merge"), &json!({"into": third})).await;
    assert_eq!(wrong.refused(409, "CANNOT_MERGE")["metadata"]["why"], "YOUNGER");
    for case in [&second, &third] {
        let merged = town.does(COORDINATOR, case, "merge", &json!({"into": first})).await;
        assert_eq!((&merged["state"], &merged["mergedInto"]), (&json!("CASE_STATE_MERGED"), &json!(first)));
    }
    (first, filed)
}

/// The case has three reporters on three channels with three wishes, and only who asked for no secrecy is known.
fn assert_three_reporters(case: &Value) {
    let seen: Vec<_> = list(case, "reporters")
        .iter()
        .map(|it| (text(&it["channel"]), text(&it["secrecy"]), it["contact"]["email"].as_str()))
        .collect();
    let owned = |channel: &str, secrecy: &str| (format!("CHANNEL_{channel}"), format!("SECRECY_{secrecy}"));
    let expected: Vec<_> = [
        (owned("INSTAGRAM", "ANONYMOUS"), None),
        (owned("WHATSAPP", "SECRET"), None),
        (owned("OPEN311", "OPEN"), Some(BUDI)),
    ]
    .into_iter()
    .map(|((channel, secrecy), email)| (channel, secrecy, email))
    .collect();
    assert_eq!(seen, expected, "{case}");
    assert_eq!(case["publication"], "PUBLICATION_SECRET");
    let reporters: Vec<_> = list(case, "reporters").iter().map(|it| text(&it["pseudonym"])).collect();
    for pseudonym in &reporters {
        let spoke = list(case, "messages").iter().any(|it| it["reporter"] == pseudonym.as_str());
        assert!(spoke, "what {pseudonym} said is not in the case");
    }
}

/// The agency stays silent: each step of the ladder comes when it is due and not before, goes to the office it names, and
/// arrives there.
async fn climb(town: &Complaints, id: &str) {
    let case = town.case(id).await;
    let number = text(&case["number"]);
    let ahead = steps_ahead(town, &case).await;
    let rungs: Vec<_> = ahead.iter().map(|it| it.rung.as_str()).collect();
    for (rung, ..) in LADDER {
        assert_eq!(rungs.iter().filter(|it| **it == rung).count(), 4, "four clocks reach {rung}");
    }
    for (place, step) in ahead.iter().enumerate() {
        town.clock.leap_to(step.at);
        let taken = town
            .until("the step is taken", async || {
                let taken = list(&town.case(id).await, "escalations").to_vec();
                (taken.len() > place).then_some(taken)
            })
            .await;
        assert_eq!(taken.len(), place + 1, "{taken:?}");
        let found =
            taken.iter().find(|it| it["clock"] == step.clock.as_str() && it["percent"] == step.percent);
        let found = found.unwrap_or_else(|| panic!("{} at {}: {taken:?}", step.clock, step.percent));
        let official = LADDER.iter().find(|it| it.0 == step.rung).expect("a rung of the ladder");
        assert_eq!(
            (&found["rung"], text(&found["accountId"])),
            (&json!(step.rung), town.id(official.1).to_owned())
        );
        assert!(moment(&found["at"]) >= step.at, "{found} is early, it is due {}", step.at);
        let late = if step.percent < 100 {
            format!("{}% waktu terpakai", step.percent)
        } else {
            "terlambat sejak".to_owned()
        };
        // The first step of a clock warns of its end, the others go to the offices above.
        let first = step.percent == 50;
        let says = match (first, official.2.is_empty()) {
            (true, true) => ["jatuh tempo", "Sisa waktu"],
            (true, false) => ["peringatan_tenggat_v1", " WIB ("],
            (false, _) => ["Dinas Pekerjaan Umum", &late],
        };
        let words = [number.as_str(), clock_name(&step.clock), says[0], says[1]];
        let notice = town
            .until("the notice arrives", async || {
                let all = told(town, official);
                all.into_iter().find(|it| words.iter().all(|word| it.text.contains(word)))
            })
            .await;
        if (step.clock.as_str(), step.percent) == ("CLOCK_KIND_REACTION", 100) {
            acknowledge(town, (id, &text(&found["id"])), official.1, &notice).await;
        }
        if (step.clock.as_str(), step.percent) == ("CLOCK_KIND_REACTION", 150) {
            acknowledge(town, (id, &text(&found["id"])), official.1, &notice).await;
        }
        if place % 4 == 3 {
            assert!(assert_board_counts(&town.official("bupati").await).await > 0, "nothing was counted");
        }
    }
    let late = list(&town.case(id).await, "clocks").iter().filter(|it| it["lateAt"].is_string()).count();
    assert_eq!(late, 4, "a clock that waited for the agency is not late");
}

/// "Saya tangani" by the signed link of a message: for the official it was made for, once.
async fn acknowledge(town: &Complaints, (case, step): (&str, &str), username: &str, notice: &Notice) {
    let state = async || {
        let case = town.case(case).await;
        let found = list(&case, "escalations").iter().find(|it| it["id"] == step).cloned();
        found.expect("the step")["acknowledgedBy"].as_str().unwrap_or_default().to_owned()
    };
    let path = format!("/aksi/{}", notice.links.first().expect("a link"));
    let other = town.browser("pupr.aduan").await.press(&path, &[("kunci", "a-1")]).await;
    assert!(other.status().is_client_error(), "{}", other.status());
    let browser = town.browser(username).await;
    // Programs that look at messages open links too: that alone does nothing.
    assert_eq!(browser.open(&path).await.status(), 200);
    assert_eq!(state().await, "");
    let pressed = browser.press(&path, &[("kunci", "a-2")]).await;
    assert_eq!((pressed.status().as_u16(), pressed.url().path()), (200, format!("/aduan/{case}").as_str()));
    assert_eq!(state().await, town.id(username));
    let again = browser.press(&path, &[("kunci", "a-3")]).await;
    assert!(again.status().is_client_error(), "{}", again.status());
}

/// Each number of the board is the length of the list that it opens. Answers how many were listed in all.
async fn assert_board_counts(official: &Api) -> usize {
    let board = official.get("/v1/complaintBoard").await.ok()["board"].take();
    let mut counted = 0;
    for row in list(&board, "rows") {
        let agency = text(&row["agencyId"]).replace('/', "~");
        for number in list(row, "numbers") {
            let (measure, count) = (text(&number["measure"]), text(&number["count"]));
            let path = format!("/v1/complaintBoard/{agency}/cases?measure={measure}");
            let listed = official.all(&path, "complaints").await.len();
            assert_eq!(count, listed.to_string(), "{agency} {measure}");
            counted += listed;
        }
    }
    counted
}

/// The agency takes the case at last, and answers with a photo of the mended road.
async fn answer(town: &Complaints, case: &str, words: &str) {
    let photo = include_bytes!("../../services/complaints/src/intake/samples/drawing.png");
    let proof = town.uploads(photo).await;
    let body = json!({
        "text": words, "who": "UPTD Jalan", "what": "Lubang ditambal", "when": "Hari ini",
        "proofFileIds": [proof],
    });
    let answered = town.does("pupr.aduan", case, "answer", &body).await;
    assert_eq!(answered["state"], "CASE_STATE_AWAITING_CONFIRMATION");
}

/// The figures of a report, counted from the journals of all cases instead.
#[derive(Debug, Default, PartialEq, Eq)]
struct Figures {
    opening: i64,
    received: i64,
    reopened: i64,
    settled: i64,
    archived: i64,
    forwarded: i64,
    withdrawn: i64,
    merged: i64,
    open: i64,
}

impl Figures {
    fn of(line: &Value) -> Self {
        let number = |field: &str| line[field].as_str().map_or(0, |it| it.parse().expect("a number"));
        Self {
            opening: number("opening"),
            received: number("received"),
            reopened: number("reopened"),
            settled: number("settled"),
            archived: number("archived"),
            forwarded: number("forwarded"),
            withdrawn: number("withdrawn"),
            merged: number("merged"),
            open: number("open"),
        }
    }

    fn plus(self, other: &Self) -> Self {
        Self {
            opening: self.opening + other.opening,
            received: self.received + other.received,
            reopened: self.reopened + other.reopened,
            settled: self.settled + other.settled,
            archived: self.archived + other.archived,
            forwarded: self.forwarded + other.forwarded,
            withdrawn: self.withdrawn + other.withdrawn,
            merged: self.merged + other.merged,
            open: self.open + other.open,
        }
    }

    fn reconciles(&self) -> bool {
        self.opening + self.received + self.reopened
            == self.settled + self.archived + self.forwarded + self.withdrawn + self.merged + self.open
    }

    /// Adds what the journal of a case says of a span.
    fn count(&mut self, case: &Value, journal: &[Value], (from, to): (DateTime<Utc>, DateTime<Utc>)) {
        let received = moment(&case["receivedAt"]);
        if received >= to {
            return;
        }
        let is_closed = |state: &str| {
            ["SETTLED", "ARCHIVED", "FORWARDED_OUTSIDE", "WITHDRAWN", "DEEMED_WITHDRAWN", "MERGED"]
                .contains(&state)
        };
        let moves: Vec<_> = journal
            .iter()
            .map(|it| (moment(&it["at"]), text(&it["from"]), text(&it["to"])))
            .filter(|(at, from, after)| *at < to && is_closed(from) != is_closed(after))
            .collect();
        let open_at = |end: DateTime<Utc>| {
            moves.iter().rfind(|(at, ..)| *at < end).is_none_or(|(_, _, after)| !is_closed(after))
        };
        self.opening += i64::from(received < from && open_at(from));
        self.received += i64::from(received >= from);
        self.open += i64::from(open_at(to));
        for (_, before, after) in moves.iter().filter(|(at, ..)| *at >= from) {
            let figure = match after.as_str() {
                "SETTLED" => &mut self.settled,
                "ARCHIVED" => &mut self.archived,
                "FORWARDED_OUTSIDE" => &mut self.forwarded,
                "WITHDRAWN" | "DEEMED_WITHDRAWN" => &mut self.withdrawn,
                "MERGED" => &mut self.merged,
                _ if is_closed(before) => &mut self.reopened,
                other => panic!("{before} became {other}"),
            };
            *figure += 1;
        }
    }
}

/// The report of a month reconciles line by line, its total is the sum of its lines, and each number is what the journals
/// of the listed cases say.
async fn assert_reconciles(town: &Complaints, period: &str, expected: &Figures) {
    let coordinator = town.official(COORDINATOR).await;
    let report = coordinator.get(&format!("/v1/complaintReports/{period}")).await.ok()["report"].take();
    let span = (moment(&report["from"]), moment(&report["to"]));
    let mut lines: BTreeMap<(String, String), Figures> = BTreeMap::new();
    for line in list(&report, "lines") {
        let figures = Figures::of(line);
        assert!(figures.reconciles(), "{line}");
        let key = (text(&line["channel"]), text(&line["category"]));
        let sum = lines.remove(&key).unwrap_or_default().plus(&figures);
        lines.insert(key, sum);
    }
    let mut counted: BTreeMap<(String, String), Figures> = BTreeMap::new();
    for line in coordinator.all("/v1/complaints", "complaints").await {
        let path = format!("/v1/complaints/{}/journal", text(&line["id"]));
        let journal = coordinator.all(&path, "entries").await;
        let channel = text(&line["channel"]).trim_start_matches("CHANNEL_").to_owned();
        counted.entry((channel, text(&line["category"]))).or_default().count(&line, &journal, span);
    }
    counted.retain(|_, it| *it != Figures::default());
    assert_eq!(lines, counted, "{period}");
    let total = Figures::of(&report["total"]);
    assert_eq!(lines.values().fold(Figures::default(), Figures::plus), total, "{period}");
    assert!(total.reconciles(), "{total:?}");
    assert_eq!(total, *expected, "{period}");
    // The regent reads the same, the agency its own part of it.
    let regent = town.official("bupati").await.get(&format!("/v1/complaintReports/{period}")).await.ok();
    assert_eq!(regent["report"], report);
    let agency = town.official("pupr.aduan").await.get(&format!("/v1/complaintReports/{period}")).await.ok();
    assert!(list(&agency["report"], "lines").iter().all(|it| it["agencyId"] == PUPR), "{agency}");
}

fn report(words: &str) -> Value {
    json!({
        "complaintClass": "COMPLAINT_CLASS_COMPLAINT", "text": words, "category": "UMUM",
        "channel": "CHANNEL_WEB", "secrecy": "SECRECY_OPEN",
    })
}

async fn story(engine: Engine) {
    let town = Complaints::start(engine, LAST_OF_OCTOBER.parse().expect("a moment"), |_| {}).await;
    for (_, username, number, address) in LADDER {
        town.reach(username, number, address).await;
    }
    // What is open at the beginning of the month, and what goes other ways in it.
    let opening = town.files(&report("Taman kota kotor sekali")).await;
    town.clock.leap_to("2026-10-31T17:10:00Z".parse().expect("a moment"));
    let archived = town.case_of(&opening.0).await;
    let body = json!({"reason": "NOT_A_REPORT", "advice": "Sampaikan lagi dengan lokasinya."});
    town.does(COORDINATOR, &archived, "archive", &body).await;
    town.clock.leap_to(MONDAY.parse().expect("a moment"));
    let outside = town.files(&report("Jalan nasional rusak berat")).await;
    let body = json!({
        "reason": "CENTRAL_GOVERNMENT", "forwardedTo": "Balai Jalan Nasional", "advice": "Pantau di sana.",
    });
    town.does(COORDINATOR, &town.case_of(&outside.0).await, "forwardOutside", &body).await;
    let (number, pin) = town.files(&report("Lampu taman mati semalam")).await;
    let withdraw = format!("/v1/complaintNumbers/{number}:withdraw");
    town.anybody().post(&withdraw, &json!({"pin": pin, "reason": "Sudah menyala"})).await.ok();

    let (case, (number, pin)) = one_case_of_three(&town).await;
    let seen = town.case(&case).await;
    assert_three_reporters(&seen);
    // Number and PIN arrive on the reporter's own channel, and lead to the case that survived.
    let receipt = town
        .until("the receipt arrives", async || {
            town.mailed_to(BUDI).into_iter().find(|it| it.text.contains(&number) && it.text.contains(&pin))
        })
        .await;
    assert!(receipt.text.contains("/lacak"), "{receipt:?}");
    let track = format!("/v1/complaintNumbers/{number}:track");
    let followed = town.anybody().post(&track, &json!({"pin": pin})).await.ok();
    assert_eq!(followed["complaint"]["state"], "CASE_STATE_NEW");
    town.until("the receipt arrives by WhatsApp", async || {
        town.sent_to(SITI).into_iter().find(|it| it.text.contains("PIN"))
    })
    .await;

    town.does(COORDINATOR, &case, "verify", &json!({})).await;
    town.does(COORDINATOR, &case, "dispose", &json!({"agencyId": PUPR})).await;
    town.until("the agency is told", async || {
        told(&town, &LADDER[0]).into_iter().find(|it| it.text.contains(&text(&seen["number"])))
    })
    .await;
    climb(&town, &case).await;

    town.does("pupr.aduan", &case, "accept", &json!({})).await;
    let bare =
        json!({"text": "Lubang sudah ditambal tadi pagi.", "who": "UPTD", "what": "Tambal", "when": "Tadi"});
    let agency = town.official("pupr.aduan").await;
    let bare = agency.post(&format!("/v1/complaints/{case}:answer"), &bare).await;
    assert_eq!(bare.status, 400, "an answer without proof: {}", bare.body);
    let words = "Lubang di depan pasar sudah ditambal dengan aspal panas.";
    answer(&town, &case, words).await;
    // Who asked for secrecy gets no content of it; who did not reads the answer.
    town.until("the answer arrives by mail", async || {
        town.mailed_to(BUDI).into_iter().find(|it| it.text.contains(words))
    })
    .await;
    let asked = town
        .until("the question arrives by WhatsApp", async || {
            town.sent_to(SITI).into_iter().find(|it| it.links.iter().any(|link| link.starts_with("sudah:")))
        })
        .await;
    assert!(!asked.text.contains("aspal"), "{asked:?}");
    let button = asked.links.iter().find(|it| it.starts_with("sudah:")).expect("a button");
    let press = json!({"type": "button", "button": {"payload": button, "text": "Sudah"}});
    town.writes(SITI, "Siti", press).await;
    let says = format!("/v1/complaintNumbers/{number}:answer");
    town.anybody().post(&says, &json!({"pin": pin, "done": true, "rating": 4})).await.ok();
    let settled = town
        .until("everybody who can be asked is content", async || {
            Some(town.case(&case).await).filter(|it| it["state"] == "CASE_STATE_SETTLED")
        })
        .await;
    assert_eq!(settled["rating"], 4);
    assert_eq!(assert_board_counts(&town.official("bupati").await).await, 0, "nothing is open");

    town.clock.leap(TimeDelta::hours(20));
    let belum = json!({"pin": pin, "done": false, "text": "Tambalan sudah terlepas lagi."});
    let reopened = town.anybody().post(&says, &belum).await.ok();
    assert_eq!(reopened["complaint"]["state"], "CASE_STATE_REOPENED");
    let tasks = |notices: Vec<Notice>| notices.iter().filter(|it| it.text.starts_with("penugasan")).count();
    town.until("the agency hears that it has it again", async || {
        (tasks(told(&town, &LADDER[0])) == 2).then_some(())
    })
    .await;
    assert!(assert_board_counts(&town.official("pupr.aduan").await).await > 0, "it is open again");
    answer(&town, &case, "Lubang dibongkar dan diaspal ulang seluruhnya.").await;

    // It arrives before anybody could be silent about it. A mail counts as arrived when a day later nothing came back.
    town.until("the second answer arrives", async || {
        let mailed = town.mailed_to(BUDI).iter().any(|it| it.text.contains("diaspal ulang"));
        let seen = town.case(&case).await;
        let waits = seen["reporters"]
            .as_array()
            .map_or(0, |all| all.iter().filter(|it| it["unheard"] == true).count());
        (mailed && waits == 1).then_some(())
    })
    .await;

    // Ten days of silence close it, in the next month.
    assert!(town.clock.now() < "2026-11-30T17:00:00Z".parse::<DateTime<Utc>>().expect("a moment"));
    town.clock.leap(TimeDelta::days(11));
    let closed = town
        .until("silence closes it", async || {
            Some(town.case(&case).await).filter(|it| it["state"] == "CASE_STATE_SETTLED")
        })
        .await;
    assert_eq!(closed["reopenings"], 1);
    assert_three_reporters(&closed);
    let november = Figures {
        opening: 1,
        received: 5,
        reopened: 1,
        settled: 1,
        archived: 1,
        forwarded: 1,
        withdrawn: 1,
        merged: 2,
        open: 1,
    };
    assert_reconciles(&town, "2026-11", &november).await;
    let december = Figures { opening: 1, settled: 1, ..Figures::default() };
    assert_reconciles(&town, "2026-12", &december).await;
    // Nothing of a case that somebody asked to keep secret is public.
    let published = town.anybody().all("/v1/publishedComplaints", "complaints").await;
    assert!(published.is_empty(), "{published:?}");
    town.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_pothole_from_three_channels_climbs_to_the_regent_is_settled_and_opened_again_on_sqlite() {
    story(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_pothole_from_three_channels_climbs_to_the_regent_is_settled_and_opened_again_on_postgresql() {
    story(Engine::Postgres).await;
}
