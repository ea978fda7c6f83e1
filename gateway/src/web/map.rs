//! Peta: how many cases lie where, for everybody as far as they are published, and for officers as far as they reach. The server
//! draws it as a picture of links and says the same in a table, so that it works without a script, by keyboard and on a slow
//! line, and loads nothing from elsewhere. Each number is the length of the list it opens.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use http::StatusCode;
use mpp_proto::complaints::v1::{
    ComplaintLine, ComplaintMap, GetComplaintMapRequest, GetPublishedMapRequest, ListComplaintsRequest,
    ListPublishedComplaintsRequest, PublishedComplaint, Secrecy, WorkList,
};
use tonic::Status;

use self::drawing::{Drawing, Single, Square, called, point, singles, squares};
use super::{
    WebState,
    cases::{self, Names, Row},
    complaints::{self, Ground},
    fields::Choice,
    letters, moment, pages, report,
    visit::{Answer, Frame, Menu, Viewer, Visit},
    words::Words,
};

mod drawing;

/// Which published cases are shown, with what addresses call it; the first is what opens.
const STANDINGS: [(Option<bool>, &str, &str); 3] =
    [(Some(false), "", "map.open"), (Some(true), "selesai", "map.closed"), (None, "semua", "map.all")];

#[derive(Template)]
#[template(path = "peta.html")]
struct MapPage {
    p: Frame,
    nav: &'static str,
    here: &'static str,
    menu: Option<Menu>,
    tabs: Vec<Tab>,
    tab: String,
    categories: Vec<(String, Vec<Choice>)>,
    /// What stands before `petak=…` in addresses.
    path: String,
    whole: String,
    wider: String,
    heading: String,
    around: String,
    total: String,
    drawing: Option<Drawing>,
    table: Vec<Place>,
    beside: Vec<Beside>,
    list: Option<List>,
}

struct Tab {
    address: String,
    label: String,
    chosen: bool,
}

/// One line of the table: a square.
struct Place {
    name: String,
    around: String,
    count: i64,
    address: String,
}

/// Cases that the picture cannot show.
struct Beside {
    words: String,
    address: String,
}

/// The cases of a part of the map.
struct List {
    rows: Vec<Row>,
    published: Vec<Published>,
    numbered: bool,
    next: String,
    first: bool,
}

/// A published case in a list.
struct Published {
    at: usize,
    number: String,
    category: String,
    place: String,
    state: String,
    tone: &'static str,
    day: String,
    agency: String,
    text: String,
    whole: String,
    answer: String,
}

/// What somebody asks of either map.
struct Asked {
    /// The part that is listed, as the contract names it; empty for none.
    part: String,
    /// The square that is drawn; empty for where most cases are.
    square: String,
    category: String,
    page_token: String,
}

impl Asked {
    fn of(visit: &Visit) -> Self {
        let parameter = |name: &str| visit.parameter(name).unwrap_or_default().trim().to_owned();
        let part = match parameter("petak").as_str() {
            "tanpa-titik" => "none".to_owned(),
            part => part.to_owned(),
        };
        let square = if part == "none" || part.starts_with('!') { String::new() } else { part.clone() };
        Self { part, square, category: parameter("kategori"), page_token: parameter("halaman") }
    }

    /// An address of the same map, with what comes after it to be said.
    fn path(&self, base: &str, tab: &str) -> String {
        let mut path = format!("{base}?");
        for (name, value) in [("tab", tab), ("kategori", self.category.as_str())] {
            if !value.is_empty() {
                path.push_str(&format!("{name}={}&", letters::segment(value)));
            }
        }
        path
    }
}

/// Where a part of the map is listed, as addresses call it.
fn part_in_address(part: &str) -> String {
    if part == "none" { "tanpa-titik".to_owned() } else { part.to_owned() }
}

/// What both maps say around their picture.
struct Around {
    heading: String,
    around: String,
    total: String,
    table: Vec<Place>,
    beside: Vec<Beside>,
}

fn around(map: &ComplaintMap, asked: &Asked, ground: &Ground, path: &str, visit: &Visit) -> Around {
    let t = visit.words();
    let square = Square::read(&map.square);
    let table = map
        .cells
        .iter()
        // A list of what is not on the picture stands alone, and of the finest square there is nothing finer.
        .filter(|cell| (asked.part.is_empty() || !asked.square.is_empty()) && cell.square != asked.square)
        .map(|cell| Place {
            name: called(cell, ground, visit),
            around: point((cell.latitude, cell.longitude), visit),
            count: cell.count,
            address: format!("{path}petak={}", cell.square),
        })
        .collect();
    let mut beside = Vec::new();
    for (count, key, part) in [
        (map.inside, "map.inside", map.square.clone()),
        (map.outside, "map.outside", format!("!{}", map.square)),
        (map.unplaced, "map.unplaced", "none".to_owned()),
    ] {
        if count > 0 && asked.part.is_empty() {
            let words = t.say(key, &[("n", &count)]);
            beside.push(Beside { words, address: format!("{path}petak={}", part_in_address(&part)) });
        }
    }
    let (heading, place) = match (asked.part.as_str(), square) {
        ("", _) => (String::new(), String::new()),
        ("none", _) => (t["map.unplaced_title"].clone(), String::new()),
        (part, _) if part.starts_with('!') => (t["map.outside_title"].clone(), String::new()),
        (_, Some(square)) => (villages(map, ground, visit), point(square.middle(), visit)),
        (_, None) => (t["map.square"].clone(), String::new()),
    };
    let total = if asked.part.is_empty() {
        t.say("map.total", &[("n", &(map.inside + map.outside + map.unplaced))])
    } else if asked.part == "none" {
        t.say("map.total", &[("n", &map.unplaced)])
    } else if asked.square.is_empty() {
        String::new()
    } else {
        t.say("map.total", &[("n", &map.inside)])
    };
    Around { heading, around: place, total, table, beside }
}

/// The villages of a whole map, those with most cases first.
fn villages(map: &ComplaintMap, ground: &Ground, visit: &Visit) -> String {
    const NAMED: usize = 3;
    let mut counts: BTreeMap<&str, i64> = BTreeMap::new();
    for cell in &map.cells {
        // Of several villages of a square only their order is known.
        if let Some(code) = cell.village_codes.first() {
            *counts.entry(code).or_default() += cell.count;
        }
    }
    let mut order: Vec<_> = counts.into_iter().collect();
    order.sort_by_key(|(code, count)| (-count, *code));
    let names: Vec<String> = order.iter().take(NAMED).map(|(code, _)| ground.village(code)).collect();
    if names.is_empty() { visit.words()["map.square"].clone() } else { names.join(", ") }
}

/// `/peta`: published cases. `?tab=selesai|semua`, `?kategori=…`, `?petak=…` for a part of the map with the list of its cases.
pub(crate) async fn public(State(state): State<WebState>, visit: Visit) -> Answer {
    let asked = Asked::of(&visit);
    let tab = visit.parameter("tab").unwrap_or_default();
    let (closed, tab, _) = STANDINGS.into_iter().find(|(_, key, _)| *key == tab).unwrap_or(STANDINGS[0]);
    let (map, list, names) = tokio::join!(
        published_map(&state, &visit, &asked, closed),
        published(&state, &visit, &asked, closed),
        Names::of(&state, &visit)
    );
    let map = map.map_err(|status| visit.refused(&status))?;
    let list = list.map_err(|status| visit.refused(&status))?;
    let t = visit.words();
    let (found, next) = list.unwrap_or_default();
    let page = MapPage {
        nav: "peta",
        ..Shown {
            base: "/peta",
            tabs: STANDINGS.into_iter().map(|(_, key, words)| (key, words)).collect(),
            tab,
            singles: found.iter().enumerate().map(|(index, one)| single(index, one, t)).collect(),
            rows: Vec::new(),
            published: found
                .iter()
                .enumerate()
                .map(|(index, one)| row(index, one, &names.ground, &visit))
                .collect(),
            next,
        }
        .page(&map, &asked, &names, &visit)
    };
    Ok(visit.page(StatusCode::OK, &page))
}

/// What one of the two maps shows that the other does not.
struct Shown {
    /// The path of its pages.
    base: &'static str,
    /// Which cases can be chosen: what addresses call them, and the key of their words.
    tabs: Vec<(&'static str, &'static str)>,
    /// The one that is shown.
    tab: &'static str,
    /// The cases that are listed, as the finest square draws them.
    singles: Vec<Single>,
    rows: Vec<Row>,
    published: Vec<Published>,
    /// The token of the next page of the list; empty when there is none.
    next: String,
}

impl Shown {
    fn page(self, map: &ComplaintMap, asked: &Asked, names: &Names, visit: &Visit) -> MapPage {
        let t = visit.words();
        let path = asked.path(self.base, self.tab);
        let told = around(map, asked, &names.ground, &path, visit);
        let square = Square::read(&map.square).filter(|_| asked.part.is_empty() || !asked.square.is_empty());
        let numbered = square.is_some_and(Square::is_finest) && !asked.square.is_empty();
        let drawing = square.map(|square| match numbered {
            true => singles(square, self.singles, visit),
            false => squares(square, &map.cells, &names.ground, &path, visit),
        });
        let tabs = self.tabs.into_iter().map(|(key, words)| Tab {
            address: asked.path(self.base, key),
            label: t[words].clone(),
            chosen: key == self.tab,
        });
        MapPage {
            p: visit.frame(),
            nav: "",
            here: "",
            menu: None,
            tabs: tabs.collect(),
            tab: self.tab.to_owned(),
            categories: complaints::category_groups(&names.categories, &asked.category),
            whole: path.trim_end_matches(['&', '?']).to_owned(),
            wider: wider(asked, &path),
            drawing,
            list: (!asked.part.is_empty()).then(|| List {
                rows: self.rows,
                published: self.published,
                numbered,
                next: next_page(&self.next, asked, &path),
                first: asked.page_token.is_empty(),
            }),
            heading: told.heading,
            around: told.around,
            total: told.total,
            table: told.table,
            beside: told.beside,
            path: format!("{path}petak={}", part_in_address(&asked.part)),
        }
    }
}

/// Where the square around the one that is shown is; empty where none is.
fn wider(asked: &Asked, path: &str) -> String {
    let square = Square::read(&asked.square).and_then(Square::wider);
    square.map(|square| format!("{path}petak={square}")).unwrap_or_default()
}

fn next_page(token: &str, asked: &Asked, path: &str) -> String {
    match token {
        "" => String::new(),
        token => {
            format!("{path}petak={}&halaman={}", part_in_address(&asked.part), letters::segment(token))
        }
    }
}

async fn published_map(
    state: &WebState,
    visit: &Visit,
    asked: &Asked,
    closed: Option<bool>,
) -> Result<ComplaintMap, Status> {
    let request =
        GetPublishedMapRequest { category: asked.category.clone(), closed, square: asked.square.clone() };
    let answer = state.complaints.clone().get_published_map(visit.call(request, None)).await?;
    Ok(answer.into_inner().map.unwrap_or_default())
}

/// The cases of the part that is asked for, and the next page; `None` where none is.
async fn published(
    state: &WebState,
    visit: &Visit,
    asked: &Asked,
    closed: Option<bool>,
) -> Result<Option<(Vec<PublishedComplaint>, String)>, Status> {
    if asked.part.is_empty() {
        return Ok(None);
    }
    let request = ListPublishedComplaintsRequest {
        category: asked.category.clone(),
        closed,
        square: asked.part.clone(),
        page_size: complaints::LINES,
        page_token: asked.page_token.clone(),
        ..ListPublishedComplaintsRequest::default()
    };
    let answer = state.complaints.clone().list_published_complaints(visit.call(request, None)).await?;
    let answer = answer.into_inner();
    Ok(Some((answer.complaints, answer.next_page_token)))
}

/// What a dot says: its place in the list, the category and number of its case, and whether it lies only nearby.
fn dot_words(index: usize, lowered: bool, (category, number): (&str, &str), t: &Words) -> String {
    let words = if lowered { "map.case_lowered" } else { "map.case" };
    t.say(words, &[("n", &(index + 1)), ("category", &category), ("number", &number)])
}

fn single(index: usize, one: &PublishedComplaint, t: &Words) -> Single {
    Single {
        at: one.place.as_ref().and_then(|place| place.latitude.zip(place.longitude)),
        lowered: one.place_lowered,
        address: format!("#{}", one.number),
        words: dot_words(index, one.place_lowered, (&one.category_name, &one.number), t),
    }
}

fn row(index: usize, one: &PublishedComplaint, ground: &Ground, visit: &Visit) -> Published {
    let t = visit.words();
    let (state, tone) = complaints::state_words(one.state(), t);
    let text = report::shortened(&one.text);
    Published {
        at: index + 1,
        number: one.number.clone(),
        category: one.category_name.clone(),
        place: ground.place(one.place.as_ref()),
        state,
        tone,
        day: moment::day(one.received_at, ground.zone, visit.language),
        agency: one.agency_name.clone(),
        whole: if text == one.text { String::new() } else { one.text.clone() },
        text,
        answer: one.answer.clone(),
    }
}

/// `/aduan/peta`: the cases of a work list. `?tab=…` as the lists, `?kategori=…`, `?petak=…`.
pub(crate) async fn officers(State(state): State<WebState>, visit: Visit) -> Answer {
    let viewer = pages::staff(&state, &visit, cases::READ).await?;
    let asked = Asked::of(&visit);
    let tabs: Vec<_> = cases::LISTS
        .into_iter()
        .filter(|(list, ..)| match list {
            WorkList::ToAcknowledge => false,
            WorkList::ToCoordinate => viewer.coordinates || viewer.may(cases::COORDINATE),
            WorkList::Mine => viewer.may(cases::WORK),
            WorkList::Unspecified | WorkList::DueToday | WorkList::Late => true,
        })
        .collect();
    let wanted = visit.parameter("tab").unwrap_or_default();
    // Who leads and works on nothing begins with everything.
    let found = tabs.iter().find(|(_, key, _)| *key == wanted).or_else(|| tabs.last()).copied();
    let Some((list, tab, _)) = found else { return Err(visit.missing("error.404")) };
    let (map, lines, names) = tokio::join!(
        complaint_map(&state, &visit, &viewer, &asked, list),
        lines_of(&state, &visit, &viewer, &asked, list),
        Names::of(&state, &visit)
    );
    let map = map.map_err(|status| visit.refused(&status))?;
    let lines = lines.map_err(|status| visit.refused(&status))?;
    let t = visit.words();
    let (found, next) = lines.unwrap_or_default();
    let page = MapPage {
        here: "aduan",
        menu: Some(Menu::of(&viewer)),
        ..Shown {
            base: "/aduan/peta",
            tabs: tabs.iter().map(|(_, key, words)| (*key, *words)).collect(),
            tab,
            singles: found
                .iter()
                .enumerate()
                .map(|(index, line)| {
                    let lowered = line.secrecy() != Secrecy::Open;
                    let category = names.category(&line.category);
                    Single {
                        at: line.latitude.zip(line.longitude),
                        lowered,
                        address: format!("/aduan/{}", line.id),
                        words: dot_words(index, lowered, (&category, &line.number), t),
                    }
                })
                .collect(),
            rows: found.iter().map(|line| names.row(line, &visit)).collect(),
            published: Vec::new(),
            next,
        }
        .page(&map, &asked, &names, &visit)
    };
    Ok(visit.page(StatusCode::OK, &page))
}

async fn complaint_map(
    state: &WebState,
    visit: &Visit,
    viewer: &Viewer,
    asked: &Asked,
    list: WorkList,
) -> Result<ComplaintMap, Status> {
    let request = GetComplaintMapRequest {
        list: list.into(),
        category: asked.category.clone(),
        square: asked.square.clone(),
        ..GetComplaintMapRequest::default()
    };
    let answer = state.complaints.clone().get_complaint_map(visit.call(request, Some(viewer))).await?;
    Ok(answer.into_inner().map.unwrap_or_default())
}

/// The cases of the part that is asked for, and the next page; `None` where none is.
async fn lines_of(
    state: &WebState,
    visit: &Visit,
    viewer: &Viewer,
    asked: &Asked,
    list: WorkList,
) -> Result<Option<(Vec<ComplaintLine>, String)>, Status> {
    if asked.part.is_empty() {
        return Ok(None);
    }
    let request = ListComplaintsRequest {
        list: list.into(),
        category: asked.category.clone(),
        square: asked.part.clone(),
        page_size: complaints::LINES,
        page_token: asked.page_token.clone(),
        ..ListComplaintsRequest::default()
    };
    let answer = state.complaints.clone().list_complaints(visit.call(request, Some(viewer))).await?;
    let answer = answer.into_inner();
    Ok(Some((answer.complaints, answer.next_page_token)))
}
