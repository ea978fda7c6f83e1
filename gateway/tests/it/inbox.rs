//! What the suite tells people who work in it: the list of each, and the number in the header that no page waits for.

use std::time::Instant;

use http::StatusCode;
use mpp_kit::clock::{Clock as _, SystemClock};
use mpp_proto::notifications::v1::{InboxAction, InboxItem};
use prost_types::Timestamp;

use crate::{
    cases::{CASE, TOKEN, at},
    fake::Gate,
    letters::{by_cookie, get, location, plain, text},
};

fn message(id: &str, reference: &str, subject: &str) -> InboxItem {
    InboxItem {
        id: id.into(),
        notification_id: format!("ntf_{id}"),
        reference: reference.into(),
        subject: subject.into(),
        body: "Aduan <b>ADU-2026-000123-7</b>\nmelewati tenggat.".into(),
        create_time: at(-30),
        ..InboxItem::default()
    }
}

/// An escalation of this minute with its buttons, a mark that somebody cannot be reached, and one that was read.
fn inbox() -> Vec<InboxItem> {
    let action =
        |key: &str, label: &str| InboxAction { key: key.into(), label: label.into(), token: TOKEN.into() };
    let escalation = InboxItem {
        actions: vec![action("tangani", "Saya tangani"), action("buka", "Buka")],
        create_time: Some(Timestamp { seconds: SystemClock.now().timestamp(), nanos: 0 }),
        ..message("inb_3", CASE, "Eskalasi aduan")
    };
    let read = InboxItem { read_time: at(-20), ..message("inb_1", "lain", "Sudah dibaca") };
    vec![escalation, message("inb_2", CASE, "Kontak pejabat tidak sampai"), read]
}

#[tokio::test]
async fn n_04_the_list_shows_what_was_told_page_by_page_and_marks_what_is_unread() {
    let gate = Gate::cases().await;
    assert!(text(gate.send(by_cookie(get("/pesan"))).await).await.contains("Belum ada pesan untuk Anda."));
    gate.cases.set_inbox(inbox());
    let page = text(gate.send(by_cookie(get("/pesan"))).await).await;
    let (first, second) = page.split_once("id=\"inb_2\"").expect("both messages");
    assert!(first.contains("class=\"message unread\" id=\"inb_3\""), "{first}");
    assert!(second.contains("Kontak pejabat tidak sampai") && !second.contains("Sudah dibaca</h2>"));
    // A text is never markup, and keeps its lines.
    assert!(first.contains("Aduan &#60;b&#62;ADU-2026-000123-7&#60;/b&#62;\nmelewati tenggat."), "{first}");
    // The signed link of a button; that which only leads to the case is the button of the page.
    assert_eq!(first.matches(&format!("href=\"/aksi/{TOKEN}\"")).count(), 1, "{first}");
    assert!(first.contains("Saya tangani") && first.contains("action=\"/pesan/buka\""));
    let next = text(gate.send(by_cookie(get("/pesan?halaman=inb_2"))).await).await;
    assert!(page.contains("href=\"/pesan?halaman=inb_2\"") && next.contains("Sudah dibaca</h2>"), "{next}");
    assert!(next.contains("class=\"message\" id=\"inb_1\"") && !next.contains("action=\"/pesan/dibaca\""));
    assert!(page.contains("action=\"/pesan/semua\"") && !next.contains("action=\"/pesan/semua\""));
    let unread = text(gate.send(by_cookie(get("/pesan?tab=belum&lang=en"))).await).await;
    assert!(unread.contains("Messages to me") && !unread.contains("Sudah dibaca</h2>"));
    // A link that is a day old opens nothing any more.
    let mut old = inbox();
    old[0].create_time = at(-30);
    gate.cases.set_inbox(old);
    assert!(!text(gate.send(by_cookie(get("/pesan"))).await).await.contains("/aksi/"));
    assert!(location(&gate.send(get("/pesan")).await).starts_with("/masuk?ke="));
}

#[tokio::test]
async fn n_04_a_message_is_marked_once_and_leads_to_what_it_is_about() {
    let gate = Gate::cases().await;
    gate.cases.set_inbox(inbox());
    let key = "0b9f3a52-6d8e-4f57-9a6f-0d6f2d1c7b11";
    let body = format!("kunci={key}&pesan=inb_2&tab=belum");
    let done = gate.send(by_cookie(plain("/pesan/dibaca", &body))).await;
    assert_eq!(location(&done), "/pesan?tersimpan=1&tab=belum");
    let marked = gate.cases.marked();
    assert_eq!((marked[0].item.as_str(), marked[0].request_id.as_str()), ("inb_2", key));
    let page = text(gate.send(by_cookie(get(location(&done)))).await).await;
    assert!(page.contains("Sudah ditandai dibaca.") && !page.contains("id=\"inb_2\""));
    let opened = gate.send(by_cookie(plain("/pesan/buka", "pesan=inb_3"))).await;
    assert_eq!(location(&opened), format!("/aduan/{CASE}"));
    let nowhere = gate.send(by_cookie(plain("/pesan/buka", "pesan=inb_1"))).await;
    assert_eq!(location(&nowhere), "/pesan?tersimpan=1#inb_1", "it is about nothing that has a page");
    let unknown = gate.send(by_cookie(plain("/pesan/dibaca", "pesan=inb_9"))).await;
    assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
    assert!(text(unknown).await.contains("role=\"alert\""));
    assert_eq!(gate.send(by_cookie(plain("/pesan/hapus", ""))).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(location(&gate.send(by_cookie(get("/pesan/dibaca"))).await), "/pesan");
    assert!(location(&gate.send(plain("/pesan/semua", "")).await).starts_with("/masuk?ke="));
}

#[tokio::test]
async fn n_04_all_of_them_are_marked_but_those_that_came_meanwhile() {
    let gate = Gate::cases().await;
    let many = (1..=5).rev().map(|n| message(&format!("inb_{n}"), "", "Pesan"));
    gate.cases.set_inbox(many.collect());
    let page = text(gate.send(by_cookie(get("/pesan"))).await).await;
    assert!(page.contains("name=\"sampai\" value=\"inb_5\""));
    let mut more = vec![message("inb_6", "", "Baru")];
    more.extend((1..=5).rev().map(|n| message(&format!("inb_{n}"), "", "Pesan")));
    gate.cases.set_inbox(more);
    let body = "kunci=0b9f3a52-6d8e-4f57-9a6f-0d6f2d1c7b11&sampai=inb_5";
    assert_eq!(location(&gate.send(by_cookie(plain("/pesan/semua", body))).await), "/pesan?tersimpan=1");
    let marked = gate.cases.marked();
    let mut items: Vec<&str> = marked.iter().map(|one| one.item.as_str()).collect();
    items.sort_unstable();
    assert_eq!(items, ["inb_1", "inb_2", "inb_3", "inb_4", "inb_5"]);
    let mut keys: Vec<&str> = marked.iter().map(|one| one.request_id.as_str()).collect();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), 5, "each with a key of its own");
}

#[tokio::test]
async fn the_header_says_how_many_are_unread_and_no_page_waits_for_that() {
    const COUNT: &str = "<span class=\"count new\">2</span>";
    let gate = Gate::cases().await;
    gate.cases.set_inbox(inbox());
    for path in ["/aduan", "/kendali/aduan", "/jenis-surat", "/"] {
        let page = text(gate.send(by_cookie(get(path))).await).await;
        assert!(page.contains("href=\"/pesan\"") && page.contains(COUNT), "{path}");
    }
    assert_eq!(gate.cases.inbox_calls(), 1, "several pages cost one question");
    // What was read counts no more on the next page.
    gate.send(by_cookie(plain("/pesan/dibaca", "pesan=inb_2"))).await;
    let page = text(gate.send(by_cookie(get("/aduan"))).await).await;
    assert!(page.contains("<span class=\"count new\">1</span>"), "{page}");

    let gate = Gate::cases().await;
    gate.cases.set_inbox(inbox());
    gate.cases.set_notifications_away(true);
    for path in ["/aduan", "/kendali/aduan"] {
        let begun = Instant::now();
        let page = gate.send(by_cookie(get(path))).await;
        assert_eq!(page.status(), StatusCode::OK, "{path}");
        assert!(begun.elapsed().as_secs() < 5, "{path} waited");
        let page = text(page).await;
        assert!(page.contains("href=\"/pesan\"") && !page.contains("count new"), "{path}");
    }
    assert_eq!(gate.cases.inbox_calls(), 1, "who does not answer is left alone for a while");
}

#[tokio::test]
async fn a_number_that_is_refused_to_one_is_shown_to_everybody_else() {
    const COUNT: &str = "<span class=\"count new\">2</span>";
    let gate = Gate::cases().await;
    gate.cases.set_inbox(inbox());
    gate.cases.set_inbox_refused(true);
    let page = text(gate.send(by_cookie(get("/aduan"))).await).await;
    assert!(page.contains("href=\"/pesan\"") && !page.contains("count new"), "{page}");
    gate.cases.set_inbox_refused(false);
    gate.identity.becomes("acc_2", &["complaints.read"]);
    let page = text(gate.send(by_cookie(get("/aduan"))).await).await;
    assert!(page.contains(COUNT), "{page}");
    gate.identity.becomes("acc_1", &["complaints.read"]);
    let page = text(gate.send(by_cookie(get("/aduan"))).await).await;
    assert!(!page.contains("count new"), "{page}");
    assert_eq!(gate.cases.inbox_calls(), 2, "who was refused is not asked for again at once");
}
