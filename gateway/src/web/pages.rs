//! The pages of staff and devices: shells that know who is signed in and which hall it is about. Their scripts do the
//! rest over the REST API.

use askama::Template;
use axum::{extract::State, response::Response};
use http::StatusCode;
use mpp_proto::queue::v1::Hall;

use super::{
    WebState, inbox,
    today::Summary,
    visit::{Answer, Frame, Viewer, Visit},
};

#[derive(Template)]
#[template(path = "beranda.html")]
struct Landing {
    p: Frame,
    signed_in: bool,
    who: String,
    unread: String,
    halls_known: bool,
    halls: Vec<Summary>,
}

/// `/`: what is here, and the state of the halls for whoever thinks of coming.
pub(crate) async fn landing(State(state): State<WebState>, visit: Visit) -> Response {
    // The page is useful without them: what cannot be asked is left out.
    let viewer = visit.viewer(&state).await.unwrap_or_default();
    let halls = state.halls.all(&state, &visit).await.ok();
    let page = Landing {
        p: visit.frame(),
        signed_in: viewer.is_some(),
        unread: inbox::badge(viewer.as_ref().and_then(|viewer| viewer.unread)),
        who: viewer.map(|viewer| viewer.name).unwrap_or_default(),
        halls_known: halls.is_some(),
        halls: halls.iter().flat_map(|halls| halls.iter()).map(|seen| Summary::of(seen, &visit)).collect(),
    };
    visit.page(StatusCode::OK, &page)
}

#[derive(Template)]
#[template(path = "masuk.html")]
struct SignIn {
    p: Frame,
    next: String,
    came_back: bool,
}

/// `/masuk`: staff sign-in. `ke` is where to go afterwards; the script takes only a path of this site.
pub(crate) async fn sign_in(visit: Visit) -> Response {
    let next = visit.parameter("ke").filter(|path| is_own_path(path)).unwrap_or("/mulai").to_owned();
    let page = SignIn { p: visit.frame(), next, came_back: visit.parameter("lagi").is_some() };
    visit.page(StatusCode::OK, &page)
}

/// Where somebody begins: at the first line all of whose permissions are held. Who runs a thing comes before who works in it,
/// and who does work before who looks on; a kiosk issues too, but sees no tickets.
const FIRST_PAGES: [(&[&str], &str); 13] = [
    // Runs everything; all of it stands there.
    (&["identity.manage"], "/"),
    (&["queue.supervise"], "/kendali"),
    (&["queue.call"], "/loket"),
    (&["queue.issue", "queue.ticket.read"], "/resepsi"),
    (&["documents.work"], "/meja"),
    (&["complaints.coordinate"], "/aduan"),
    (&["complaints.work"], "/aduan"),
    (&["complaints.board"], "/kendali/aduan"),
    (&["complaints.file"], "/meja-pengaduan"),
    (&["documents.catalogue"], "/jenis-surat"),
    (&["documents.read"], "/meja/dokumen"),
    (&["queue.issue"], "/kiosk"),
    (&["queue.sitecode"], "/papan"),
];

fn first_page(viewer: &Viewer) -> &'static str {
    let holds_all = |permissions: &&[&str]| permissions.iter().all(|permission| viewer.may(permission));
    FIRST_PAGES.iter().find(|(permissions, _)| holds_all(permissions)).map_or("/", |(_, page)| page)
}

/// `/mulai`: to the page that whoever is signed in begins with.
pub(crate) async fn start(State(state): State<WebState>, visit: Visit) -> Response {
    match visit.viewer(&state).await {
        Ok(Some(viewer)) => visit.redirect(first_page(&viewer)),
        Ok(None) => visit.redirect("/masuk"),
        Err(status) => visit.refused(&status),
    }
}

/// Whether an address stays on this site: a path, and not one that a browser reads as another host.
fn is_own_path(path: &str) -> bool {
    path.starts_with('/')
        && !path[1..].starts_with(['/', '\\'])
        && !path.contains(|one: char| one.is_ascii_control())
}

#[derive(Template)]
#[template(path = "loket.html")]
struct Desk {
    p: Frame,
    who: String,
    reasons: Vec<&'static str>,
}

/// What staff say most often when they leave a counter.
const REASONS: [&str; 6] =
    ["pause.break", "pause.prayer", "pause.meal", "pause.meeting", "pause.documents", "pause.system"];

/// `/loket`: the counter console.
pub(crate) async fn desk(State(state): State<WebState>, visit: Visit) -> Answer {
    let viewer = staff(&state, &visit, "queue.call").await?;
    let t = visit.words();
    let page =
        Desk { p: visit.frame(), who: viewer.name, reasons: REASONS.map(|key| t[key].as_str()).to_vec() };
    Ok(visit.page(StatusCode::OK, &page))
}

#[derive(Template)]
#[template(path = "kendali.html")]
struct ControlRoom {
    p: Frame,
    hall: String,
    hall_name: String,
    many_halls: bool,
    halls: Vec<Choice>,
}

struct Choice {
    id: String,
    name: String,
    chosen: bool,
}

/// `/kendali`: the control room.
pub(crate) async fn control_room(State(state): State<WebState>, visit: Visit) -> Answer {
    let viewer = staff(&state, &visit, "queue.supervise").await?;
    let (chosen, halls) = hall(&state, &visit, &viewer).await?;
    let page = ControlRoom {
        p: visit.frame(),
        hall: chosen.id,
        hall_name: chosen.name,
        many_halls: halls.len() > 1,
        halls,
    };
    Ok(visit.page(StatusCode::OK, &page))
}

#[derive(Template)]
#[template(path = "resepsi.html")]
struct Reception {
    p: Frame,
    hall: String,
    hall_name: String,
    many_halls: bool,
    halls: Vec<Choice>,
}

/// `/resepsi`: the reception desk.
pub(crate) async fn reception(State(state): State<WebState>, visit: Visit) -> Answer {
    let viewer = staff(&state, &visit, "queue.issue").await?;
    // A kiosk issues too, but sees no tickets.
    if !viewer.may("queue.ticket.read") {
        return Err(visit.forbidden());
    }
    let (chosen, halls) = hall(&state, &visit, &viewer).await?;
    let page = Reception {
        p: visit.frame(),
        hall: chosen.id,
        hall_name: chosen.name,
        many_halls: halls.len() > 1,
        halls,
    };
    Ok(visit.page(StatusCode::OK, &page))
}

/// The hall that a page is about, and those that the viewer chooses from.
async fn hall(state: &WebState, visit: &Visit, viewer: &Viewer) -> Answer<(Hall, Vec<Choice>)> {
    let halls = visit.halls(state, viewer).await.map_err(|status| visit.refused(&status))?;
    let chosen = choose(&halls, visit.parameter("hall")).ok_or_else(|| visit.forbidden())?;
    Ok((chosen.clone(), choices(&halls, chosen)))
}

fn choices(halls: &[Hall], chosen: &Hall) -> Vec<Choice> {
    halls
        .iter()
        .map(|hall| Choice { id: hall.id.clone(), name: hall.name.clone(), chosen: hall.id == chosen.id })
        .collect()
}

/// Whoever is signed in, or the page to show instead.
pub(crate) async fn signed_in(state: &WebState, visit: &Visit) -> Answer<Viewer> {
    let viewer = visit.viewer(state).await.map_err(|status| visit.refused(&status))?;
    viewer.ok_or_else(|| visit.sign_in_first())
}

/// The member of staff who asks, or the page to show instead.
pub(crate) async fn staff(state: &WebState, visit: &Visit, permission: &str) -> Answer<Viewer> {
    let viewer = signed_in(state, visit).await?;
    if viewer.may(permission) { Ok(viewer) } else { Err(visit.forbidden()) }
}

/// The hall that was asked for, else the first.
fn choose<'h>(halls: &'h [Hall], wish: Option<&str>) -> Option<&'h Hall> {
    halls
        .iter()
        .find(|hall| Some(hall.id.as_str()) == wish || Some(hall.code.as_str()) == wish)
        .or_else(|| halls.first())
}

#[derive(Template)]
#[template(path = "perangkat.html")]
struct DeviceSignIn<'a> {
    p: Frame,
    title: &'a str,
    signed_in: bool,
}

/// The page on which a device signs in, and the hall of one that has.
async fn device(state: &WebState, visit: &Visit, permission: &str, title: &str) -> Answer<(Viewer, Hall)> {
    let viewer = visit.viewer(state).await.map_err(|status| visit.refused(&status))?;
    let is_known = viewer.is_some();
    let sign_in = || {
        let page = DeviceSignIn { p: visit.frame(), title: &visit.words()[title], signed_in: is_known };
        visit.page(StatusCode::OK, &page)
    };
    let viewer = viewer.filter(|viewer| viewer.may(permission)).ok_or_else(sign_in)?;
    let halls = visit.halls(state, &viewer).await.map_err(|status| visit.refused(&status))?;
    let wish = viewer.hall.as_deref().or_else(|| visit.parameter("hall"));
    let hall = choose(&halls, wish).cloned().ok_or_else(|| visit.forbidden())?;
    Ok((viewer, hall))
}

#[derive(Template)]
#[template(path = "kiosk.html")]
struct Kiosk {
    p: Frame,
    hall: String,
    hall_name: String,
    print_mode: &'static str,
}

/// `/kiosk`: where citizens take tickets. `?cetak=tombol` prints only when the button is pressed. Staff who may issue
/// tickets have a page of their own, whose tickets say that they come from the reception.
pub(crate) async fn kiosk(State(state): State<WebState>, visit: Visit) -> Answer {
    let (viewer, hall) = device(&state, &visit, "queue.issue", "kiosk.title").await?;
    if viewer.hall.is_none() {
        return Ok(visit.redirect("/resepsi"));
    }
    let print_mode = if visit.parameter("cetak") == Some("tombol") { "tombol" } else { "otomatis" };
    let page = Kiosk { p: visit.frame(), hall: hall.id, hall_name: hall.name, print_mode };
    Ok(visit.page(StatusCode::OK, &page))
}

#[derive(Template)]
#[template(path = "papan.html")]
struct Board {
    p: Frame,
    hall: String,
    hall_name: String,
    zone: String,
    site_code: bool,
    theme: &'static str,
    voice: &'static str,
}

/// `/papan`: the board. `?zona=CODE` shows one zone, `?tema=gelap|terang` overrides the screen's preference,
/// `?suara=klip|peramban` the choice between recordings and the browser's voice.
pub(crate) async fn board(State(state): State<WebState>, visit: Visit) -> Answer {
    let (viewer, hall) = device(&state, &visit, "queue.read", "board.title").await?;
    let theme = match visit.parameter("tema") {
        Some("gelap") => "gelap",
        Some("terang") => "terang",
        Some(_) | None => "otomatis",
    };
    let voice = match visit.parameter("suara") {
        Some("klip") => "klip",
        Some("peramban") => "peramban",
        Some(_) | None => "auto",
    };
    let zone = visit.parameter("zona").filter(|code| hall.zones.iter().any(|zone| zone.code == *code));
    let page = Board {
        p: visit.frame(),
        zone: zone.unwrap_or_default().to_owned(),
        site_code: viewer.may("queue.sitecode"),
        hall: hall.id,
        hall_name: hall.name,
        theme,
        voice,
    };
    Ok(visit.page(StatusCode::OK, &page))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_sign_in_nobody_is_sent_to_another_site() {
        for path in ["/", "/loket?loket=ctr_1", "/kendali"] {
            assert!(is_own_path(path), "{path}");
        }
        for path in [
            "",
            "loket",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/\t/evil.example",
            "javascript:alert(1)",
        ] {
            assert!(!is_own_path(path), "{path}");
        }
    }

    #[test]
    fn a_hall_is_chosen_by_id_or_code_else_the_first() {
        let hall = |id: &str, code: &str| Hall { id: id.into(), code: code.into(), ..Hall::default() };
        let halls = [hall("hal_a", "A"), hall("hal_b", "B")];
        let chosen = |wish| choose(&halls, wish).map(|hall| hall.code.as_str());
        assert_eq!(
            [chosen(Some("hal_b")), chosen(Some("B")), chosen(Some("C")), chosen(None)],
            [Some("B"), Some("B"), Some("A"), Some("A")]
        );
        assert!(choose(&[], None).is_none());
    }
}
