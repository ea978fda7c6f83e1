//! The board of lateness: one row per agency within reach, the clocks of the law and the promise apart, each number with
//! the list it counts. The page is whole without a script; with one it follows the stream.

use askama::Template;
use axum::extract::{Path, State};
use http::StatusCode;
use mpp_proto::complaints::v1::{
    Board, BoardMeasure, BoardRow, GetBoardRequest, GetReportRequest, ListBoardCasesRequest, ReportLine,
};

use super::{
    WebState,
    cases::{Names, Row},
    complaints::{self, Ground},
    moment::{self, Zone},
    pages,
    settings::calendar::unwritten,
    visit::{Answer, Frame, Menu, Visit},
    words::Words,
};

/// The permission of heads and the regent.
const BOARD: &str = "complaints.board";

/// Every number with what addresses call it.
const MEASURES: [(BoardMeasure, &str); 13] = [
    (BoardMeasure::Open, "terbuka"),
    (BoardMeasure::DueToday, "hari-ini"),
    (BoardMeasure::Late, "terlambat"),
    (BoardMeasure::LateVerify, "verifikasi"),
    (BoardMeasure::LateAccept, "terima"),
    (BoardMeasure::LateFirstAnswer, "respon-awal"),
    (BoardMeasure::LateSettle, "selesai"),
    (BoardMeasure::LateReaction, "reaksi"),
    (BoardMeasure::Bounced, "ditolak-balik"),
    (BoardMeasure::Reopened, "dibuka-kembali"),
    (BoardMeasure::SettledWithoutProof, "tanpa-bukti"),
    (BoardMeasure::ToAcknowledge, "belum-ditangani"),
    (BoardMeasure::Undelivered, "tak-sampai"),
];
/// The numbers that say most, in large type.
const HEADLINE: [&str; 3] = ["terbuka", "hari-ini", "terlambat"];
/// Late by the clocks of the law.
const LEGAL: [&str; 4] = ["verifikasi", "terima", "respon-awal", "selesai"];
/// Late by the promise.
const PROMISE: [&str; 1] = ["reaksi"];
/// What else a regent asks about.
const MARKS: [&str; 5] = ["ditolak-balik", "dibuka-kembali", "tanpa-bukti", "belum-ditangani", "tak-sampai"];

#[derive(Template)]
#[template(path = "keterlambatan.html")]
struct BoardPage {
    p: Frame,
    here: &'static str,
    menu: Menu,
    at: String,
    machine: String,
    zone: &'static str,
    /// Calendars whose free days have to be written, in words.
    gaps: Vec<(String, String)>,
    rows: Vec<AgencyRow>,
    legal_late: i64,
    promise_late: i64,
    agencies_late: usize,
}

/// One agency.
struct AgencyRow {
    /// Its id as it stands in addresses.
    path: String,
    name: String,
    headline: Vec<Number>,
    legal: Vec<Number>,
    promise: Vec<Number>,
    marks: Vec<Number>,
    oldest: String,
    on_time: Vec<(String, String)>,
    reopened: Vec<(String, String)>,
    late: bool,
}

/// A number of the board.
struct Number {
    slug: &'static str,
    name: &'static str,
    label: String,
    count: i64,
    /// Whether more than none of it is bad.
    bad: bool,
}

/// An id of an agency as the contract takes it in an address.
fn in_address(agency: &str) -> String {
    agency.replace('/', "~")
}

fn number(row: &BoardRow, slug: &'static str, t: &Words) -> Number {
    let measure = MEASURES.iter().find(|(_, one)| *one == slug).map(|(measure, _)| *measure);
    let count = row.numbers.iter().find(|one| Some(one.measure()) == measure).map_or(0, |one| one.count);
    Number {
        slug,
        name: measure.map_or("", |measure| measure.as_str_name()),
        label: t[&format!("measure.{slug}")].clone(),
        count,
        bad: count > 0 && !matches!(slug, "terbuka" | "hari-ini"),
    }
}

/// Thousandths as per cent, such as "97,5 %"; a dash for none.
fn per_cent(permille: i32, visit: &Visit) -> String {
    use mpp_kit::fault::Language;
    let point = match visit.language {
        Language::Id => ',',
        Language::En => '.',
    };
    match permille {
        ..0 => "–".to_owned(),
        whole if whole % 10 == 0 => format!("{} %", whole / 10),
        part => format!("{}{point}{} %", part / 10, part % 10),
    }
}

fn agency_row(row: &BoardRow, zone: Zone, visit: &Visit) -> AgencyRow {
    let t = visit.words();
    let numbers = |slugs: &[&'static str]| slugs.iter().map(|slug| number(row, slug, t)).collect::<Vec<_>>();
    let headline = numbers(&HEADLINE);
    let shares = |permille: &[i32]| -> Vec<(String, String)> {
        let shares = ["7", "30", "90"].iter().zip(permille.iter().map(|permille| per_cent(*permille, visit)));
        shares.map(|(days, share)| (t.say("lateness.days", &[("n", days)]), share)).collect()
    };
    AgencyRow {
        path: in_address(&row.agency_id),
        name: match row.agency_name.as_str() {
            "" => complaints::agency_name(&row.agency_id, &[], t),
            name => name.to_owned(),
        },
        late: headline.iter().any(|one| one.slug == "terlambat" && one.count > 0),
        headline,
        legal: numbers(&LEGAL),
        promise: numbers(&PROMISE),
        marks: numbers(&MARKS),
        oldest: moment::moment(row.oldest_late_at, zone, visit.language),
        on_time: shares(&row.on_time_permille),
        reopened: shares(&row.reopened_permille),
    }
}

/// `/kendali/aduan`: the board.
pub(crate) async fn board(State(state): State<WebState>, visit: Visit) -> Answer {
    let viewer = pages::staff(&state, &visit, BOARD).await?;
    let mut service = state.complaints.clone();
    let (answer, ground) = tokio::join!(
        service.get_board(visit.call(GetBoardRequest {}, Some(&viewer))),
        Ground::of(&state, &visit)
    );
    let board = answer.map_err(|status| visit.refused(&status))?.into_inner().board;
    let Board { at, rows, calendar_gaps } = board.unwrap_or_default();
    let rows: Vec<AgencyRow> = rows.iter().map(|row| agency_row(row, ground.zone, &visit)).collect();
    let sum = |slug: &str| -> i64 {
        rows.iter()
            .flat_map(|row| row.legal.iter().chain(&row.promise))
            .filter(|one| one.slug == slug)
            .map(|one| one.count)
            .sum()
    };
    let page = BoardPage {
        p: visit.frame(),
        here: "keterlambatan",
        menu: Menu::of(&viewer),
        at: moment::moment(at, ground.zone, visit.language),
        machine: moment::machine(at),
        zone: ground.zone.tz(),
        legal_late: sum("selesai"),
        promise_late: sum("reaksi"),
        agencies_late: rows.iter().filter(|row| row.late).count(),
        gaps: calendar_gaps
            .into_iter()
            .map(|it| {
                let words = unwritten(&it.free_days_until, &it.counted_until, &visit);
                (it.calendar_id, words)
            })
            .collect(),
        rows,
    };
    Ok(visit.page(StatusCode::OK, &page))
}

#[derive(Template)]
#[template(path = "keterlambatan_daftar.html")]
struct CasesPage {
    p: Frame,
    here: &'static str,
    menu: Menu,
    agency: String,
    measure: String,
    path: String,
    rows: Vec<Row>,
    next: String,
    first: bool,
}

/// `/kendali/aduan/{agency}/{number}`: the list that a number counts.
pub(crate) async fn list(
    State(state): State<WebState>,
    Path((agency, slug)): Path<(String, String)>,
    visit: Visit,
) -> Answer {
    let viewer = pages::staff(&state, &visit, BOARD).await?;
    let Some((measure, _)) = MEASURES.into_iter().find(|(_, one)| *one == slug) else {
        return Err(visit.missing("error.404"));
    };
    let page_token = visit.parameter("halaman").unwrap_or_default().to_owned();
    let first = page_token.is_empty();
    let request = ListBoardCasesRequest {
        agency: agency.clone(),
        measure: measure.into(),
        page_size: complaints::LINES,
        page_token,
    };
    let mut service = state.complaints.clone();
    let (found, names) =
        tokio::join!(service.list_board_cases(visit.call(request, Some(&viewer))), Names::of(&state, &visit));
    let found = found.map_err(|status| visit.refused(&status))?.into_inner();
    let t = visit.words();
    let page = CasesPage {
        p: visit.frame(),
        here: "keterlambatan",
        menu: Menu::of(&viewer),
        agency: complaints::agency_name(&agency.replace('~', "/"), &names.agencies, t),
        measure: t[&format!("measure.{slug}")].clone(),
        path: format!("/kendali/aduan/{}/{slug}", super::letters::segment(&agency)),
        rows: found.complaints.iter().map(|line| names.row(line, &visit)).collect(),
        next: found.next_page_token,
        first,
    };
    Ok(visit.page(StatusCode::OK, &page))
}

#[derive(Template)]
#[template(path = "keterlambatan_laporan.html")]
struct ReportPage {
    p: Frame,
    here: &'static str,
    menu: Menu,
    period: String,
    heads: Vec<String>,
    span: String,
    lines: Vec<Line>,
    total: Option<Line>,
    error: String,
}

/// What the columns of the report count, in the order of [`Line::numbers`].
const COUNTED: [&str; 12] = [
    "opening",
    "received",
    "reopened",
    "settled",
    "archived",
    "forwarded",
    "withdrawn",
    "merged",
    "open",
    "in_time",
    "asked",
    "rated",
];
/// What is reckoned of ratings, in the order of [`Line::scores`].
const SCORED: [&str; 3] = ["response", "mean", "index"];

/// A line of the report.
struct Line {
    names: [String; 4],
    /// Opening, received and reopened; then what became of them; then who was asked how it was handled, and who said so.
    numbers: [i64; 12],
    /// How many of those asked answered, how they rate on average, and that on the scale of the survey that the law asks for.
    scores: [String; 3],
}

/// Response rate, mean and index of ratings; dashes for what nobody was asked or said. The index is the mean of 1 to 5 on the
/// scale of 25 to 100 of Permenpan RB 14/2017.
fn scores(asked: i64, rated: i64, sum: i64, visit: &Visit) -> [String; 3] {
    let none = || "–".to_owned();
    let response = if asked > 0 {
        per_cent(i32::try_from((rated * 2000 + asked) / (2 * asked)).unwrap_or(i32::MAX), visit)
    } else {
        none()
    };
    if rated <= 0 {
        return [response, none(), none()];
    }
    // In hundredths, halves away from zero.
    let mean = (sum * 200 + rated) / (2 * rated);
    let index = 2500 + ((sum - rated) * 3750 + rated) / (2 * rated);
    [response, hundredths(mean, visit), hundredths(index, visit)]
}

/// A number with two decimals, as the language writes it.
fn hundredths(value: i64, visit: &Visit) -> String {
    use mpp_kit::fault::Language;
    let point = match visit.language {
        Language::Id => ',',
        Language::En => '.',
    };
    format!("{}{point}{:02}", value / 100, value % 100)
}

fn line(line: &ReportLine, names: &Names, visit: &Visit) -> Line {
    let t = visit.words();
    Line {
        names: [
            complaints::agency_name(&line.agency_id, &names.agencies, t),
            complaints::keyed("reported", &line.complaint_class, t),
            complaints::keyed("channel", &line.channel, t),
            names.category(&line.category),
        ],
        numbers: [
            line.opening,
            line.received,
            line.reopened,
            line.settled,
            line.archived,
            line.forwarded,
            line.withdrawn,
            line.merged,
            line.open,
            line.settled_in_time,
            line.asked,
            line.rated,
        ],
        scores: scores(line.asked, line.rated, line.rating_sum, visit),
    }
}

/// `/kendali/aduan/laporan?periode=2026-11`: the report of a month, quarter or year, which reconciles.
pub(crate) async fn report(State(state): State<WebState>, visit: Visit) -> Answer {
    let viewer = pages::staff(&state, &visit, BOARD).await?;
    let period = visit.parameter("periode").unwrap_or_default().trim().to_owned();
    let t = visit.words();
    let mut page = ReportPage {
        p: visit.frame(),
        here: "keterlambatan",
        menu: Menu::of(&viewer),
        heads: COUNTED.iter().chain(&SCORED).map(|one| t[&format!("counted.{one}")].clone()).collect(),
        span: String::new(),
        lines: Vec::new(),
        total: None,
        error: String::new(),
        period: period.clone(),
    };
    if period.is_empty() {
        return Ok(visit.page(StatusCode::OK, &page));
    }
    let request = GetReportRequest { period, agency_id: String::new() };
    let mut service = state.complaints.clone();
    let (answer, names) =
        tokio::join!(service.get_report(visit.call(request, Some(&viewer))), Names::of(&state, &visit));
    let zone = names.ground.zone;
    match answer {
        Ok(answer) => {
            let report = answer.into_inner().report.unwrap_or_default();
            page.span = format!(
                "{} – {}",
                moment::day(report.from, zone, visit.language),
                // The last day, not the first moment after it.
                moment::day(
                    report.to.map(|to| prost_types::Timestamp { seconds: to.seconds - 1, nanos: 0 }),
                    zone,
                    visit.language
                )
            );
            page.lines = report.lines.iter().map(|one| line(one, &names, &visit)).collect();
            page.total = report.total.as_ref().map(|one| line(one, &names, &visit));
            Ok(visit.page(StatusCode::OK, &page))
        }
        Err(status) => {
            page.error = super::fields::first_told(&status, &visit);
            Ok(visit.page(crate::problem::http_status(status.code()), &page))
        }
    }
}

#[cfg(test)]
mod tests {
    use mpp_kit::fault::Language;

    use super::*;

    #[test]
    fn every_number_has_its_words_and_stands_on_the_board_once() {
        let shown: Vec<&str> = HEADLINE.iter().chain(&LEGAL).chain(&PROMISE).chain(&MARKS).copied().collect();
        let all: Vec<&str> = MEASURES.iter().map(|(_, slug)| *slug).collect();
        assert_eq!(shown, all);
        for language in [Language::Id, Language::En] {
            let t = Words::of(language);
            assert!(all.iter().all(|slug| !t[&format!("measure.{slug}")].is_empty()));
        }
        assert_eq!(in_address("17.07/dinkes"), "17.07~dinkes");
    }
}
