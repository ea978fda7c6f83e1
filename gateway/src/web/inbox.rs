//! *Pesan untuk saya*: what the suite told the person who looks, newest first, with what it is about and whether it was read;
//! and how many wait to be read, for the header of every page of officials.

use std::{
    fmt::{self, Debug, Formatter},
    sync::Arc,
    time::Duration,
};

use askama::Template;
use axum::{
    extract::{Path, State},
    response::Response,
};
use bytes::Bytes;
use http::StatusCode;
use mpp_kit::clock::Clock;
use mpp_proto::notifications::v1::{InboxItem, ListInboxRequest, ListInboxResponse, MarkReadRequest};
use tonic::Status;
use uuid::Uuid;

use super::{
    WebState,
    complaints::{Ground, LINES},
    fields,
    form::Sent,
    known::Known,
    letters::segment,
    moment::{self, Zone},
    pages,
    visit::{Answer, Frame, Menu, PAGE, Viewer, Visit},
};
use crate::problem;

/// How long a number that was read is shown on other pages too.
const KEEP: Duration = Duration::from_secs(10);
/// The largest number that is written out.
const MOST: i64 = 99;
/// Rounds of unread messages that one press marks at most, of [`PAGE`] each.
const ROUNDS: usize = 25;

/// How many messages people have not read yet, as it was a moment ago.
pub(crate) struct Unread {
    clock: Arc<dyn Clock>,
    known: Known<i64>,
}

impl Debug for Unread {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unread").finish_non_exhaustive()
    }
}

impl Unread {
    /// Nothing was read yet.
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, known: Known::new("the number of unread messages", KEEP) }
    }

    /// How many somebody has not read; `None` when that is not known.
    pub(super) async fn of(&self, state: &WebState, visit: &Visit, viewer: &Viewer) -> Option<i64> {
        let request = ListInboxRequest { unread: true, page_size: 1, page_token: String::new() };
        let mut service = state.notifications.clone();
        let ask = async {
            Ok(service.list_inbox(visit.call(request, Some(viewer))).await?.into_inner().unread_count)
        };
        self.known.of(&viewer.id, ask).await
    }
}

/// The number as the header writes it; empty for none.
pub(super) fn badge(count: Option<i64>) -> String {
    match count {
        None | Some(..=0) => String::new(),
        Some(count) if count > MOST => format!("{MOST}+"),
        Some(count) => count.to_string(),
    }
}

#[derive(Template)]
#[template(path = "pesan.html")]
struct ListPage {
    p: Frame,
    here: &'static str,
    menu: Menu,
    /// `belum` for unread ones alone; empty for all.
    tab: &'static str,
    unread: String,
    items: Vec<Item>,
    /// This page of the list, for the forms on it.
    page_token: String,
    next: String,
    /// The newest message on the page; empty where not everything that is unread can be marked from here.
    until: String,
    key: String,
    error: String,
    saved: bool,
}

struct Item {
    id: String,
    subject: String,
    body: String,
    time: String,
    machine: String,
    unread: bool,
    /// The page of what it is about; empty for none.
    target: String,
    /// Its buttons: address and words.
    actions: Vec<(String, String)>,
    key: String,
}

/// How long the signed link of a button opens: a day, which every message of N-15 keeps to.
const LINK_SECONDS: i64 = 24 * 60 * 60;
/// The key of the button that only leads to what a message is about.
const OPEN: &str = "buka";

/// Where the thing is that a message is about. What pages cannot show leads nowhere.
fn target(reference: &str) -> String {
    let is = |prefix: &str| reference.starts_with(prefix);
    if is("cmp_") {
        format!("/aduan/{}", segment(reference))
    } else if is("app_") {
        format!("/meja/{}", segment(reference))
    } else if is("evd_") {
        format!("/meja/eviden#{}", segment(reference))
    } else if is("esc_") {
        // A step of the ladder, which stands in the list of what waits to be taken.
        "/aduan?tab=tangani".to_owned()
    } else if is("ofl_") {
        "/aduan".to_owned()
    } else if is("Templat ") {
        // What the service itself tells administrators of: a text that cannot be used, …
        "/pengaturan-aduan/pesan".to_owned()
    } else if is("Akun kanal ") {
        // … and an account at a provider that failed.
        "/pengaturan-aduan/pengiriman".to_owned()
    } else {
        String::new()
    }
}

fn item(one: &InboxItem, zone: Zone, now: i64, visit: &Visit) -> Item {
    let target = target(&one.reference);
    let came = one.create_time.map_or(0, |time| time.seconds);
    let opens = now.saturating_sub(came) < LINK_SECONDS;
    let actions = one.actions.iter().filter(|action| opens && (action.key != OPEN || target.is_empty()));
    Item {
        actions: actions
            .map(|action| (format!("/aksi/{}", segment(&action.token)), action.label.clone()))
            .collect(),
        id: one.id.clone(),
        subject: one.subject.clone(),
        body: one.body.trim().to_owned(),
        time: moment::moment(one.create_time, zone, visit.language),
        machine: moment::machine(one.create_time),
        unread: one.read_time.is_none(),
        target,
        key: Uuid::new_v4().to_string(),
    }
}

/// Whoever is signed in with an account.
pub(crate) async fn person(state: &WebState, visit: &Visit) -> Answer<Viewer> {
    let viewer = pages::signed_in(state, visit).await?;
    // A kiosk or a board is told nothing.
    if viewer.hall.is_none() { Ok(viewer) } else { Err(visit.forbidden()) }
}

/// `/pesan?tab=belum`: the list of whoever is signed in.
pub(crate) async fn list(State(state): State<WebState>, visit: Visit) -> Answer {
    let viewer = person(&state, &visit).await?;
    let at = Place::read(
        visit.parameter("tab").unwrap_or_default(),
        visit.parameter("halaman").unwrap_or_default(),
    );
    list_page(&state, &visit, &viewer, &at, String::new(), StatusCode::OK).await
}

/// A page of the list.
struct Place {
    unread: bool,
    page_token: String,
}

impl Place {
    fn read(tab: &str, page_token: &str) -> Self {
        Self { unread: tab == "belum", page_token: page_token.to_owned() }
    }

    const fn tab(&self) -> &'static str {
        if self.unread { "belum" } else { "" }
    }

    /// Its address, after something on it was done.
    fn address(&self, item: &str) -> String {
        let tab = if self.unread { "&tab=belum" } else { "" };
        let page = match self.page_token.as_str() {
            "" => String::new(),
            token => format!("&halaman={}", segment(token)),
        };
        // A message that was read is no longer on the page of unread ones.
        let item = if self.unread || item.is_empty() { String::new() } else { format!("#{}", segment(item)) };
        format!("/pesan?tersimpan=1{tab}{page}{item}")
    }
}

async fn inbox(
    state: &WebState,
    visit: &Visit,
    viewer: &Viewer,
    (unread, page_size, page_token): (bool, i32, String),
) -> Result<ListInboxResponse, Status> {
    let request = ListInboxRequest { unread, page_size, page_token };
    Ok(state.notifications.clone().list_inbox(visit.call(request, Some(viewer))).await?.into_inner())
}

async fn list_page(
    state: &WebState,
    visit: &Visit,
    viewer: &Viewer,
    at: &Place,
    error: String,
    http: StatusCode,
) -> Answer {
    let asked = (at.unread, LINES, at.page_token.clone());
    let (found, ground) = tokio::join!(inbox(state, visit, viewer, asked), Ground::of(state, visit));
    let found = found.map_err(|status| visit.refused(&status))?;
    state.unread.known.keep(&viewer.id, found.unread_count);
    let now = state.unread.clock.now().timestamp();
    let is_first = at.page_token.is_empty();
    let newest = found.items.first().filter(|_| is_first && found.unread_count > 0);
    let page = ListPage {
        p: visit.frame(),
        here: "pesan",
        menu: Menu { unread: badge(Some(found.unread_count)), ..Menu::of(viewer) },
        tab: at.tab(),
        unread: badge(Some(found.unread_count)),
        until: newest.map(|one| one.id.clone()).unwrap_or_default(),
        items: found.items.iter().map(|one| item(one, ground.zone, now, visit)).collect(),
        page_token: at.page_token.clone(),
        next: found.next_page_token,
        key: Uuid::new_v4().to_string(),
        error,
        saved: visit.parameter("tersimpan").is_some(),
    };
    Ok(visit.page(http, &page))
}

async fn mark(
    state: &WebState,
    visit: &Visit,
    viewer: &Viewer,
    request_id: String,
    item: &str,
) -> Result<Option<InboxItem>, Status> {
    let request = MarkReadRequest { request_id, item: item.to_owned() };
    let answer = state.notifications.clone().mark_read(visit.call(request, Some(viewer))).await;
    state.unread.known.forget(&viewer.id);
    Ok(answer?.into_inner().item)
}

/// Every message that was unread when the page was made: what came meanwhile stays unread.
async fn mark_all(
    state: &WebState,
    visit: &Visit,
    viewer: &Viewer,
    request_id: &str,
    until: &str,
) -> Result<(), Status> {
    for _ in 0..ROUNDS {
        // Whatever was marked is gone from this list, so each round begins at its start.
        let found = inbox(state, visit, viewer, (true, PAGE, String::new())).await?;
        let meant: Vec<&InboxItem> = found.items.iter().filter(|one| one.id.as_str() <= until).collect();
        for one in &meant {
            // One key for each message, the same however often the button is pressed.
            let key = fields::upload_key(request_id, &one.id, b"");
            mark(state, visit, viewer, key, &one.id).await?;
        }
        if found.next_page_token.is_empty() || meant.is_empty() {
            break;
        }
    }
    Ok(())
}

/// `/pesan/{verb}`: marks a message as read (`dibaca`), and opens what it is about (`buka`), or marks all of them (`semua`).
pub(crate) async fn press(
    State(state): State<WebState>,
    Path(verb): Path<String>,
    visit: Visit,
    body: Bytes,
) -> Answer {
    let viewer = person(&state, &visit).await?;
    let sent = Sent::plain(&body);
    let at = Place::read(sent.get("tab"), sent.get("halaman"));
    let (request_id, id) = (fields::form_key(&sent), sent.get("pesan"));
    let done = match verb.as_str() {
        "dibaca" => mark(&state, &visit, &viewer, request_id, id).await.map(|_| at.address(id)),
        "buka" => mark(&state, &visit, &viewer, request_id, id).await.map(|read| {
            // Where it leads follows from the message, and from nothing that was sent here.
            let target = read.map(|read| target(&read.reference)).unwrap_or_default();
            if target.is_empty() { at.address(id) } else { target }
        }),
        "semua" => {
            let until = sent.get("sampai");
            mark_all(&state, &visit, &viewer, &request_id, until).await.map(|()| at.address(""))
        }
        _ => return Err(visit.missing("error.404")),
    };
    match done {
        Ok(to) => Ok(visit.redirect(&to)),
        Err(status) => {
            let http = problem::http_status(status.code());
            list_page(&state, &visit, &viewer, &at, fields::refusal(&status, &visit), http).await
        }
    }
}

/// A form that was sent to an address which only takes forms, and is opened again: to the list.
pub(crate) async fn back(visit: Visit) -> Response {
    visit.redirect("/pesan")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_leads_to_what_it_is_about_and_nowhere_else() {
        for (reference, page) in [
            ("cmp_01h455vb4pex5vsknk084sn02q", "/aduan/cmp_01h455vb4pex5vsknk084sn02q"),
            ("app_1", "/meja/app_1"),
            ("evd_1", "/meja/eviden#evd_1"),
            ("esc_1", "/aduan?tab=tangani"),
            ("Templat WhatsApp eskalasi", "/pengaturan-aduan/pesan"),
            ("Akun kanal whatsapp:utama", "/pengaturan-aduan/pengiriman"),
            ("https://evil.example", ""),
            ("//evil.example", ""),
            ("", ""),
        ] {
            assert_eq!(target(reference), page, "{reference}");
        }
        assert_eq!(target("cmp_1/../masuk?a#b"), "/aduan/cmp_1%2F..%2Fmasuk%3Fa%23b");
    }

    #[test]
    fn the_number_in_the_header_stays_short() {
        let written: Vec<String> =
            [None, Some(0), Some(1), Some(99), Some(100)].into_iter().map(badge).collect();
        assert_eq!(written, ["", "", "1", "99", "99+"]);
    }
}
