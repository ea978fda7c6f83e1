//! Peta: how many cases lie where, for everybody as far as they are published, and for officers as far as they reach. The server
//! draws it as a picture of links and says the same in a table, so that it works without a script, by keyboard and on a slow
//! line, and loads nothing from elsewhere. Each number is the length of the list it opens.

use std::collections::BTreeMap;

use askama::Template;
use axum::{extract::State, response::Response};
use http::StatusCode;
use mpp_kit::fault::Language;
use mpp_proto::complaints::v1::{
    ComplaintLine, ComplaintMap, GetComplaintMapRequest, GetPublishedMapRequest, ListComplaintsRequest,
    ListPublishedComplaintsRequest, MapCell, PublishedComplaint, Secrecy, WorkList,
};
use tonic::Status;

use super::{
    WebState,
    cases::{self, Names, Row},
    complaints::{self, Ground},
    fields::Choice,
    letters, moment, pages, report,
    visit::{Frame, Menu, Viewer, Visit},
    words::Words,
};

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

/// The picture. Places are per cent of its width and height, so that circles and letters keep their size on every screen.
#[derive(Default)]
struct Drawing {
    dots: Vec<Dot>,
    names: Vec<Label>,
    meridians: Vec<Line>,
    parallels: Vec<Line>,
    scale: f64,
    scale_words: String,
    /// Whether dots are cases instead of squares.
    single: bool,
    /// Whether the place of some of them is lowered.
    lowered: bool,
}

struct Dot {
    x: f64,
    y: f64,
    /// Radius in pixels.
    r: u32,
    label: String,
    address: String,
    words: String,
    lowered: bool,
    small: bool,
}

struct Label {
    x: f64,
    y: f64,
    anchor: &'static str,
    text: String,
}

struct Line {
    at: f64,
    label: String,
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

/// A square as the contract names it: south, west and side, in hundredths of a degree. A place belongs where it is rounded to, so
/// the first row begins half of a hundredth before.
#[derive(Clone, Copy)]
struct Square {
    south: f64,
    west: f64,
    side: f64,
    numbers: (i32, i32, i32),
}

impl Square {
    fn read(name: &str) -> Option<Self> {
        let numbers: Vec<i32> = name.split(',').map(str::parse).collect::<Result<_, _>>().ok()?;
        let &[south, west, side] = numbers.as_slice() else { return None };
        let degrees = |hundredths: i32| f64::from(hundredths) / 100.0;
        (side > 0).then(|| Self {
            south: degrees(south) - 0.005,
            west: degrees(west) - 0.005,
            side: degrees(side),
            numbers: (south, west, side),
        })
    }

    /// The square of three by three around it.
    fn wider(self) -> String {
        let (south, west, side) = self.numbers;
        format!("{},{},{}", south.saturating_sub(side), west.saturating_sub(side), side.saturating_mul(3))
    }

    /// Whether nothing finer can be drawn of it.
    fn is_finest(self) -> bool {
        self.numbers.2 == 1
    }

    fn middle(self) -> (f64, f64) {
        (self.south + self.side / 2.0, self.west + self.side / 2.0)
    }

    /// From the left and the top, in per cent.
    fn place(self, (latitude, longitude): (f64, f64)) -> (f64, f64) {
        ((longitude - self.west) / self.side * 100.0, 100.0 - (latitude - self.south) / self.side * 100.0)
    }

    /// Its width in kilometres, on a sphere of 6371 km. Everywhere in Indonesia its height differs from that by less than two per
    /// cent: it lies within eleven degrees of the equator.
    fn kilometres(self) -> f64 {
        6_371.0 * self.side.to_radians() * self.middle().0.to_radians().cos()
    }
}

/// A number of degrees in words, such as "3,79° LS".
fn degrees(value: f64, (positive, negative): (&str, &str), digits: usize, language: Language) -> String {
    let written = format!("{:.digits$}", value.abs());
    let written = match language {
        Language::Id => written.replace('.', ","),
        Language::En => written,
    };
    format!("{written}° {}", if value < 0.0 { negative } else { positive })
}

fn latitude(value: f64, digits: usize, visit: &Visit) -> String {
    let t = visit.words();
    degrees(value, (&t["map.north"], &t["map.south"]), digits, visit.language)
}

fn longitude(value: f64, digits: usize, visit: &Visit) -> String {
    let t = visit.words();
    degrees(value, (&t["map.east"], &t["map.west"]), digits, visit.language)
}

fn point((north, east): (f64, f64), visit: &Visit) -> String {
    format!("{} {}", latitude(north, 2, visit), longitude(east, 2, visit))
}

/// The largest of 1, 2, 5, 10, … times a unit that is at most so much.
fn round_step(most: f64) -> f64 {
    let decade = 10_f64.powf(most.log10().floor());
    [5.0, 2.0, 1.0]
        .into_iter()
        .map(|step| step * decade)
        .find(|step| *step <= most * 1.000_001)
        .unwrap_or(decade)
}

/// Lines of whole degrees or parts of them, from one edge to the other.
fn lines(from: f64, side: f64, words: impl Fn(f64, usize) -> String) -> (f64, Vec<(f64, String)>) {
    let step = round_step(side / 2.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 4")]
    let digits = (-step.log10().floor()).clamp(0.0, 4.0) as usize;
    let mut found = Vec::new();
    let mut at = (from / step).ceil() * step;
    while at < from + side {
        found.push((at, words(at, digits)));
        at += step;
    }
    (step, found)
}

/// How wide a circle is that stands for so many cases: wide enough for a finger, and wider for more.
fn radius(count: i64) -> u32 {
    match count {
        ..10 => 13,
        10..100 => 15,
        _ => 17,
    }
}

/// The frame of a picture: lines of the globe and a scale.
fn frame(square: Square, visit: &Visit) -> Drawing {
    let (_, parallels) = lines(square.south, square.side, |at, digits| latitude(at, digits, visit));
    let (_, meridians) = lines(square.west, square.side, |at, digits| longitude(at, digits, visit));
    let kilometres = square.kilometres();
    let long = round_step(kilometres / 3.0);
    let (length, unit) = if long < 1.0 { (long * 1_000.0, "m") } else { (long, "km") };
    // A line at an edge has no room for its words.
    let within =
        |lines: Vec<Line>, to: f64| lines.into_iter().filter(|line| (4.0..to).contains(&line.at)).collect();
    let meridians = meridians
        .into_iter()
        .map(|(at, label)| Line { at: square.place((square.south, at)).0, label })
        .collect();
    let parallels = parallels
        .into_iter()
        .map(|(at, label)| Line { at: square.place((at, square.west)).1, label })
        .collect();
    Drawing {
        meridians: within(meridians, 80.0),
        parallels: within(parallels, 90.0),
        scale: long / kilometres * 100.0,
        scale_words: format!("{length:.0} {unit}"),
        ..Drawing::default()
    }
}

/// What a square is called: the villages of its cases, or where it lies.
fn called(cell: &MapCell, ground: &Ground, visit: &Visit) -> String {
    let names: Vec<String> = cell.village_codes.iter().map(|code| ground.village(code)).collect();
    if names.is_empty() { visit.words()["map.no_village"].clone() } else { names.join(", ") }
}

/// The squares of a map as circles.
fn squares(square: Square, cells: &[MapCell], ground: &Ground, path: &str, visit: &Visit) -> Drawing {
    let mut drawing = frame(square, visit);
    let t = visit.words();
    for cell in cells {
        let Some(own) = Square::read(&cell.square) else { continue };
        // In the middle of its cases, but so far from its edges that no circle covers another.
        let near = |value: f64, from: f64| value.clamp(from + own.side * 0.4, from + own.side * 0.6);
        let (x, y) = square.place((near(cell.latitude, own.south), near(cell.longitude, own.west)));
        drawing.dots.push(Dot {
            x,
            y,
            r: radius(cell.count),
            label: cell.count.to_string(),
            address: format!("{path}petak={}", cell.square),
            words: t.say(
                "map.cell",
                &[
                    ("place", &called(cell, ground, visit)),
                    ("point", &point((cell.latitude, cell.longitude), visit)),
                    ("n", &cell.count),
                ],
            ),
            lowered: false,
            small: cell.count > 999,
        });
    }
    drawing.names = names(cells, &drawing.dots, ground);
    drawing
}

/// Names of villages under the squares with most cases, where there is room for them.
fn names(cells: &[MapCell], dots: &[Dot], ground: &Ground) -> Vec<Label> {
    const SHOWN: usize = 8;
    // In per cent of the picture: how wide a name is on a phone, and how high with its circle.
    let (wide, high) = (30.0, 11.0);
    let mut found: Vec<Label> = Vec::new();
    let mut order: Vec<usize> = (0..cells.len().min(dots.len())).collect();
    order.sort_by_key(|at| -cells[*at].count);
    for at in order {
        let Some(village) = cells[at].village_codes.first() else { continue };
        let (x, y) = (dots[at].x, dots[at].y + 7.5);
        let anchor = if x < 15.0 {
            "start"
        } else if x > 85.0 {
            "end"
        } else {
            "middle"
        };
        let x = match anchor {
            "start" => (x - 4.0).max(1.0),
            "end" => (x + 4.0).min(99.0),
            _ => x,
        };
        let covers = |other: (f64, f64), high: f64| (other.0 - x).abs() < wide && (other.1 - y).abs() < high;
        let taken = found.iter().any(|one| covers((one.x, one.y), high))
            || dots.iter().enumerate().any(|(other, dot)| {
                other != at && (dot.x - x).abs() < wide / 2.0 && (dot.y - y).abs() < high / 2.0
            });
        let name = ground.village(village);
        if taken || y > 94.0 || found.iter().any(|one| one.text == name) {
            continue;
        }
        found.push(Label { x, y, anchor, text: name });
        if found.len() == SHOWN {
            break;
        }
    }
    found
}

/// A case as it is drawn in the finest square.
struct Single {
    at: Option<(f64, f64)>,
    lowered: bool,
    address: String,
    words: String,
}

/// The cases of the finest square, each for itself. Where a reporter is not shown nothing is known but the square: those stand in a
/// circle around its middle, told apart by their looks and in words.
fn singles(square: Square, cases: Vec<Single>, visit: &Visit) -> Drawing {
    /// Between one and the next around the middle: the golden angle, so that no two stand on one another.
    const TURN: f64 = 2.399_963_229_728_653;
    let mut drawing = frame(square, visit);
    drawing.single = true;
    let mut hidden = 0_u32;
    for (index, one) in cases.into_iter().enumerate() {
        let (x, y) = if one.lowered {
            let (turn, far) = (f64::from(hidden) * TURN, (9.0 * f64::from(hidden).sqrt()).min(43.0));
            hidden += 1;
            (50.0 + far * turn.cos(), 50.0 + far * turn.sin())
        } else {
            let Some(at) = one.at else { continue };
            square.place(at)
        };
        drawing.lowered |= one.lowered;
        drawing.dots.push(Dot {
            x: x.clamp(5.0, 95.0),
            y: y.clamp(5.0, 95.0),
            r: 13,
            label: (index + 1).to_string(),
            address: one.address,
            words: one.words,
            lowered: one.lowered,
            small: false,
        });
    }
    drawing
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
pub(crate) async fn public(State(state): State<WebState>, visit: Visit) -> Response {
    let asked = Asked::of(&visit);
    let tab = visit.parameter("tab").unwrap_or_default();
    let (closed, tab, _) = STANDINGS.into_iter().find(|(_, key, _)| *key == tab).unwrap_or(STANDINGS[0]);
    let (map, list, names) = tokio::join!(
        published_map(&state, &visit, &asked, closed),
        published(&state, &visit, &asked, closed),
        Names::of(&state, &visit)
    );
    let (map, list) = match (map, list) {
        (Ok(map), Ok(list)) => (map, list),
        (Err(status), _) | (_, Err(status)) => return visit.refused(&status),
    };
    let t = visit.words();
    let path = asked.path("/peta", tab);
    let told = around(&map, &asked, &names.ground, &path, &visit);
    let square = Square::read(&map.square).filter(|_| asked.part.is_empty() || !asked.square.is_empty());
    let (found, next) = list.unwrap_or_default();
    let numbered = square.is_some_and(Square::is_finest) && !asked.square.is_empty();
    let drawing = square.map(|square| match numbered {
        true => {
            let cases = found.iter().enumerate().map(|(index, one)| single(index, one, t)).collect();
            singles(square, cases, &visit)
        }
        false => squares(square, &map.cells, &names.ground, &path, &visit),
    });
    let page = MapPage {
        p: visit.frame(),
        nav: "peta",
        here: "",
        menu: None,
        tabs: STANDINGS
            .into_iter()
            .map(|(_, key, words)| Tab {
                address: asked.path("/peta", key),
                label: t[words].clone(),
                chosen: key == tab,
            })
            .collect(),
        tab: tab.to_owned(),
        categories: complaints::category_groups(&names.categories, &asked.category),
        whole: path.trim_end_matches(['&', '?']).to_owned(),
        wider: wider(&asked, &path),
        drawing,
        list: (!asked.part.is_empty()).then(|| List {
            rows: Vec::new(),
            published: found
                .iter()
                .enumerate()
                .map(|(index, one)| row(index, one, &names.ground, &visit))
                .collect(),
            numbered,
            next: next_page(&next, &asked, &path),
            first: asked.page_token.is_empty(),
        }),
        heading: told.heading,
        around: told.around,
        total: told.total,
        table: told.table,
        beside: told.beside,
        path: format!("{path}petak={}", part_in_address(&asked.part)),
    };
    visit.page(StatusCode::OK, &page)
}

/// Where the square around the one that is shown is; empty where none is.
fn wider(asked: &Asked, path: &str) -> String {
    /// A square of so many hundredths of a degree is wide enough for every province.
    const WIDEST: i32 = 1_000;
    let square = Square::read(&asked.square).filter(|square| square.numbers.2 < WIDEST);
    square.map(|square| format!("{path}petak={}", square.wider())).unwrap_or_default()
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
pub(crate) async fn officers(State(state): State<WebState>, visit: Visit) -> Response {
    let viewer = match pages::staff(&state, &visit, cases::READ).await {
        Ok(viewer) => viewer,
        Err(response) => return response,
    };
    let asked = Asked::of(&visit);
    let tabs: Vec<_> = cases::LISTS
        .into_iter()
        .filter(|(list, ..)| match list {
            WorkList::ToAcknowledge => false,
            WorkList::ToCoordinate => viewer.may(cases::COORDINATE),
            WorkList::Mine => viewer.may(cases::WORK),
            WorkList::Unspecified | WorkList::DueToday | WorkList::Late => true,
        })
        .collect();
    let wanted = visit.parameter("tab").unwrap_or_default();
    // Who leads and works on nothing begins with everything.
    let found = tabs.iter().find(|(_, key, _)| *key == wanted).or_else(|| tabs.last()).copied();
    let Some((list, tab, _)) = found else { return visit.missing("error.404") };
    let (map, lines, names) = tokio::join!(
        complaint_map(&state, &visit, &viewer, &asked, list),
        lines_of(&state, &visit, &viewer, &asked, list),
        Names::of(&state, &visit)
    );
    let (map, lines) = match (map, lines) {
        (Ok(map), Ok(lines)) => (map, lines),
        (Err(status), _) | (_, Err(status)) => return visit.refused(&status),
    };
    let t = visit.words();
    let path = asked.path("/aduan/peta", tab);
    let told = around(&map, &asked, &names.ground, &path, &visit);
    let square = Square::read(&map.square).filter(|_| asked.part.is_empty() || !asked.square.is_empty());
    let (found, next) = lines.unwrap_or_default();
    let numbered = square.is_some_and(Square::is_finest) && !asked.square.is_empty();
    let drawing = square.map(|square| match numbered {
        true => {
            let cases = found
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
                .collect();
            singles(square, cases, &visit)
        }
        false => squares(square, &map.cells, &names.ground, &path, &visit),
    });
    let page = MapPage {
        p: visit.frame(),
        nav: "",
        here: "aduan",
        menu: Some(Menu::of(&viewer)),
        tabs: tabs
            .iter()
            .map(|(_, key, words)| Tab {
                address: asked.path("/aduan/peta", key),
                label: t[words].clone(),
                chosen: *key == tab,
            })
            .collect(),
        tab: tab.to_owned(),
        categories: complaints::category_groups(&names.categories, &asked.category),
        whole: path.trim_end_matches(['&', '?']).to_owned(),
        wider: wider(&asked, &path),
        drawing,
        list: (!asked.part.is_empty()).then(|| List {
            rows: found.iter().map(|line| names.row(line, &visit)).collect(),
            published: Vec::new(),
            numbered,
            next: next_page(&next, &asked, &path),
            first: asked.page_token.is_empty(),
        }),
        heading: told.heading,
        around: told.around,
        total: told.total,
        table: told.table,
        beside: told.beside,
        path: format!("{path}petak={}", part_in_address(&asked.part)),
    };
    visit.page(StatusCode::OK, &page)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_square_lies_where_its_places_are_rounded_to() {
        let square = Square::read("-380,10220,10").expect("a square");
        assert_eq!(square.wider(), "-390,10210,30");
        let (x, y) = square.place((-3.805, 102.195));
        assert!(x.abs() < 1e-6 && (y - 100.0).abs() < 1e-6, "{x} {y}: its south-west corner");
        let (x, y) = square.place((-3.7051, 102.2949));
        assert!((99.0..100.0).contains(&x) && (0.0..1.0).contains(&y), "{x} {y}: its north-east corner");
        assert!((11.0..11.2).contains(&square.kilometres()), "{}", square.kilometres());
        for wrong in ["", "1,2", "1,2,0", "1,2,x", "none", "!1,2,3"] {
            assert!(Square::read(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn steps_are_round_and_lines_lie_within() {
        for (most, step) in [(7.0, 5.0), (5.0, 5.0), (3.0, 2.0), (1.9, 1.0), (0.037, 0.02), (120.0, 100.0)] {
            assert!((round_step(most) - step).abs() < 1e-9, "{most}");
        }
        let (step, found) = lines(-3.805, 0.1, |at, digits| format!("{at:.digits$}"));
        assert!((step - 0.05).abs() < 1e-9);
        assert_eq!(found.iter().map(|(_, words)| words.as_str()).collect::<Vec<_>>(), ["-3.80", "-3.75"]);
    }

    #[test]
    fn degrees_are_written_as_people_say_them() {
        assert_eq!(degrees(-3.789, ("LU", "LS"), 2, Language::Id), "3,79° LS");
        assert_eq!(degrees(102.2, ("E", "W"), 1, Language::En), "102.2° E");
    }
}
