//! The report of letters: what came, how it ended and what waits, by office and type, as a page and as a file for
//! spreadsheets.

use askama::Template;
use axum::extract::State;
use http::StatusCode;
use mpp_proto::documents::v1::{GetLetterReportRequest, GetLetterReportResponse, LetterReportRow};
use tonic::Code;

use super::{
    WebState,
    letters::told,
    moment::{self, Zone},
    pages,
    visit::{Answer, Frame, Menu, Viewer, Visit},
    words::Words,
};

/// The permission of those who read what was issued.
const READ: &str = "documents.read";
/// The columns behind office and type, by their words.
const COLUMNS: [&str; 8] =
    ["received", "issued", "issued_by_hand", "issued_late", "on_time", "rejected", "withdrawn", "waiting"];
/// Minutes of a day.
const DAY: i32 = 24 * 60;

#[derive(Template)]
#[template(path = "laporan.html")]
struct CountsPage {
    p: Frame,
    menu: Menu,
    first: String,
    last: String,
    error: String,
    heads: Vec<String>,
    rows: Vec<Line>,
    total: Line,
    at: String,
}

/// A row of the table.
struct Line {
    office: String,
    letter: String,
    cells: Vec<String>,
}

/// The days of the address; empty for this month so far.
fn span(visit: &Visit) -> (String, String) {
    let given = |name: &str| visit.parameter(name).unwrap_or_default().trim().to_owned();
    (given("dari"), given("sampai"))
}

async fn report(
    state: &WebState,
    visit: &Visit,
    viewer: &Viewer,
    (start_date, end_date): (String, String),
) -> Result<GetLetterReportResponse, tonic::Status> {
    let request = visit.call(GetLetterReportRequest { start_date, end_date }, Some(viewer));
    Ok(state.documents.clone().get_letter_report(request).await?.into_inner())
}

/// Of those issued, how many were in time, such as "92 %"; a dash where none was.
fn on_time(issued: i32, late: i32) -> String {
    match issued {
        ..=0 => "–".to_owned(),
        issued => format!("{} %", (i64::from(issued - late) * 100) / i64::from(issued)),
    }
}

/// How long half of them took, in words; a dash where none was.
fn took(minutes: i32, t: &Words) -> String {
    match minutes {
        ..0 => "–".to_owned(),
        0..60 => t.say("counts.minutes", &[("n", &minutes)]),
        60..DAY => t.say("counts.hours", &[("n", &(minutes / 60))]),
        minutes => t.say("counts.days", &[("n", &(minutes / DAY))]),
    }
}

fn line(row: &LetterReportRow, visit: &Visit) -> Line {
    let letter = match told(row.title.as_ref(), visit.language) {
        title if title.is_empty() => row.letter_type.clone(),
        title => title,
    };
    let mut cells = numbers(row);
    cells.push(took(row.median_minutes, visit.words()));
    Line { office: row.office_name.clone(), letter, cells }
}

/// The cells of a row in the order of [`COLUMNS`].
fn numbers(row: &LetterReportRow) -> Vec<String> {
    let number = |n: i32| n.to_string();
    vec![
        number(row.received),
        number(row.issued),
        number(row.issued_by_hand),
        number(row.issued_late),
        on_time(row.issued, row.issued_late),
        number(row.rejected),
        number(row.withdrawn),
        number(row.waiting),
    ]
}

fn total(rows: &[LetterReportRow]) -> LetterReportRow {
    let sum = |of: fn(&LetterReportRow) -> i32| rows.iter().map(of).fold(0, i32::saturating_add);
    LetterReportRow {
        received: sum(|row| row.received),
        issued: sum(|row| row.issued),
        issued_by_hand: sum(|row| row.issued_by_hand),
        issued_late: sum(|row| row.issued_late),
        rejected: sum(|row| row.rejected),
        withdrawn: sum(|row| row.withdrawn),
        waiting: sum(|row| row.waiting),
        median_minutes: -1,
        ..LetterReportRow::default()
    }
}

/// `/meja/laporan?dari=2026-11-01&sampai=2026-11-30`: the table.
pub(crate) async fn page(State(state): State<WebState>, visit: Visit) -> Answer {
    let viewer = pages::staff(&state, &visit, READ).await?;
    let days = span(&visit);
    let (found, error) = match report(&state, &visit, &viewer, days.clone()).await {
        Ok(found) => (found, String::new()),
        Err(status) if status.code() == Code::InvalidArgument => {
            let (start_date, end_date) = days;
            let asked =
                GetLetterReportResponse { start_date, end_date, ..GetLetterReportResponse::default() };
            (asked, visit.words()["counts.wrong"].clone())
        }
        Err(status) => return Err(visit.refused(&status)),
    };
    let t = visit.words();
    let heads = COLUMNS.iter().chain(&["took"]).map(|column| t[&format!("counts.{column}")].clone());
    let status = if error.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let page = CountsPage {
        p: visit.frame(),
        menu: Menu::of(&viewer),
        heads: heads.collect(),
        total: line(&total(&found.rows), &visit),
        rows: found.rows.iter().map(|row| line(row, &visit)).collect(),
        at: moment::moment(found.time, Zone::Wib, visit.language),
        first: found.start_date,
        last: found.end_date,
        error,
    };
    Ok(visit.page(status, &page))
}

/// `/meja/laporan.csv`: the same for spreadsheets.
pub(crate) async fn csv(State(state): State<WebState>, visit: Visit) -> Answer {
    let viewer = pages::staff(&state, &visit, READ).await?;
    let days = span(&visit);
    let found = report(&state, &visit, &viewer, days).await.map_err(|status| visit.refused(&status))?;
    let t = visit.words();
    let heads = ["office", "letter"].into_iter().chain(COLUMNS).chain(["took_minutes"]);
    let mut lines = vec![heads.map(|column| cell(&t[&format!("counts.{column}")])).collect::<Vec<_>>()];
    for row in &found.rows {
        let line = line(row, &visit);
        let mut cells = vec![cell(&line.office), cell(&line.letter)];
        cells.extend(numbers(row).iter().map(|number| cell(number)));
        cells.push(if row.median_minutes < 0 { String::new() } else { row.median_minutes.to_string() });
        lines.push(cells);
    }
    // With the mark and the separator by which spreadsheets in Indonesian open it as a table.
    let text: String = lines.iter().map(|cells| format!("{}\r\n", cells.join(";"))).collect();
    let name = format!("laporan-surat-{}-{}.csv", found.start_date, found.end_date);
    Ok(visit.file(format!("\u{feff}{text}").into_bytes(), "text/csv", Some(&name)))
}

/// A cell by RFC 4180. What a spreadsheet would take for a formula is made text.
fn cell(text: &str) -> String {
    let text = match text.chars().next() {
        Some('=' | '+' | '-' | '@' | '\t' | '\r') => format!("'{text}"),
        Some(_) | None => text.to_owned(),
    };
    format!("\"{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use mpp_kit::fault::Language;

    use super::*;

    #[test]
    fn cells_are_text_and_shares_are_whole() {
        assert_eq!(cell("Desa \"Maju\"; Jaya"), "\"Desa \"\"Maju\"\"; Jaya\"");
        assert_eq!(cell("=1+1"), "\"'=1+1\"");
        assert_eq!(
            (on_time(0, 0).as_str(), on_time(3, 1).as_str(), on_time(2, 0).as_str()),
            ("–", "66 %", "100 %")
        );
        let t = Words::of(Language::Id);
        assert_eq!([-1, 59, 61, 3000].map(|minutes| took(minutes, t)), ["–", "59 menit", "1 jam", "2 hari"]);
    }

    #[test]
    fn a_total_adds_what_can_be_added() {
        let row = LetterReportRow {
            received: 4,
            issued: 2,
            issued_late: 1,
            waiting: 1,
            median_minutes: 7,
            ..LetterReportRow::default()
        };
        let sum = total(&[row.clone(), row]);
        assert_eq!(
            (sum.received, sum.issued, sum.issued_late, sum.waiting, sum.median_minutes),
            (8, 4, 2, 2, -1)
        );
    }
}
