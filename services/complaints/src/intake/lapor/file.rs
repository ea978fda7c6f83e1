//! The file mode: a CSV or XLSX that an admin exported from LAPOR!.
//!
//! Columns are known by their headings, in any order; exports of different years call them differently, so each has
//! several names. A row that cannot be used is told with its number, and the others are imported.

use std::io::Cursor;

use calamine::{Data, Reader as _, Xlsx};

use super::{Class, Item, Stage, is_yes, moment, western};

/// Rows beyond this many are refused: the file is split.
const MAX_ROWS: usize = 20_000;
/// Bytes of a file at most.
const MAX_BYTES: usize = 20 << 20;

/// The fields of an item and the headings they stand under, in lower case.
const HEADINGS: [(Column, &[&str]); 11] = [
    (
        Column::TrackingId,
        &[
            "tracking id",
            "tracking_id",
            "trackingid",
            "id laporan",
            "no laporan",
            "nomor laporan",
            "kode laporan",
        ],
    ),
    (Column::Title, &["judul", "judul laporan"]),
    (Column::Text, &["isi", "isi laporan", "laporan", "uraian"]),
    (Column::Class, &["klasifikasi", "jenis", "jenis laporan", "klasifikasi laporan"]),
    (Column::Category, &["kategori", "topik"]),
    (Column::Stage, &["status", "tahap", "status laporan"]),
    (Column::WrittenAt, &["tanggal", "tanggal laporan", "tanggal masuk", "tanggal lapor", "waktu laporan"]),
    (Column::Reporter, &["pelapor", "nama pelapor", "nama"]),
    (Column::Anonymous, &["anonim", "is anonim"]),
    (Column::Secret, &["rahasia", "is rahasia"]),
    (Column::Place, &["lokasi", "lokasi kejadian", "alamat", "tempat"]),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    TrackingId,
    Title,
    Text,
    Class,
    Category,
    Stage,
    WrittenAt,
    Reporter,
    Anonymous,
    Secret,
    Place,
}

/// Why a file is not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It is neither CSV nor XLSX.
    #[error("the file is neither CSV nor XLSX")]
    Format,
    /// It is too large.
    #[error("the file is too large")]
    TooLarge,
    /// A heading that is needed is missing; the name it should have.
    #[error("the heading {0:?} is missing")]
    Heading(&'static str),
}

/// A row that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRow {
    /// Its number as a spreadsheet shows it.
    pub row: usize,
    /// Its tracking id as it stands there.
    pub tracking_id: String,
    /// The field that is wrong, such as `tracking_id`; [`REPEATED`] for an item that stands above already.
    pub fault: &'static str,
}

/// What is wrong with a row whose item stands above already.
pub const REPEATED: &str = "repeated";

/// What a file held.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sheet {
    /// The items, in their order.
    pub items: Vec<Item>,
    /// The number of the row of each of them.
    pub rows: Vec<usize>,
    /// The rows that are none.
    pub bad: Vec<BadRow>,
}

/// Reads an export.
///
/// # Errors
/// [`Unreadable`]; single bad rows are told in the [`Sheet`].
pub fn read(content: &[u8]) -> Result<Sheet, Unreadable> {
    if content.len() > MAX_BYTES {
        return Err(Unreadable::TooLarge);
    }
    let rows = if content.starts_with(b"PK\x03\x04") { workbook(content)? } else { separated(content)? };
    if rows.len() > MAX_ROWS {
        return Err(Unreadable::TooLarge);
    }
    // Exports put titles above the table: the headings are where the tracking id is.
    let names = |column| HEADINGS.iter().find(|(it, _)| *it == column).map_or(&[][..], |(_, names)| names);
    let is_heading = |cell: &str, column| names(column).contains(&tidy(cell).as_str());
    let top = rows
        .iter()
        .take(20)
        .position(|row| row.iter().any(|cell| is_heading(cell, Column::TrackingId)))
        .ok_or(Unreadable::Heading("Tracking ID"))?;
    let columns =
        HEADINGS.map(|(column, _)| (column, rows[top].iter().position(|cell| is_heading(cell, column))));
    let at = |column| columns.iter().find(|(it, _)| *it == column).and_then(|(_, at)| *at);
    if at(Column::Text).is_none() && at(Column::Title).is_none() {
        return Err(Unreadable::Heading("Isi Laporan"));
    }
    let mut sheet = Sheet::default();
    for (index, row) in rows.iter().enumerate().skip(top + 1) {
        if row.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        let cell =
            |column| at(column).and_then(|at| row.get(at)).map(|it| it.trim().to_owned()).unwrap_or_default();
        let item = item(&cell);
        let bad = |fault| BadRow { row: index + 1, tracking_id: item.tracking_id.clone(), fault };
        let told_when = cell(Column::WrittenAt);
        if let Some(field) = item.missing() {
            sheet.bad.push(bad(field));
        } else if !told_when.is_empty() && item.written_at.is_none() {
            // Its deadlines run from this day: a day that cannot be read is not replaced by today.
            sheet.bad.push(bad("written_at"));
        } else if sheet.items.iter().any(|it| it.tracking_id == item.tracking_id) {
            sheet.bad.push(bad(REPEATED));
        } else {
            sheet.rows.push(index + 1);
            sheet.items.push(item);
        }
    }
    Ok(sheet)
}

fn item(cell: &impl Fn(Column) -> String) -> Item {
    let anonymous = is_yes(&cell(Column::Anonymous));
    let reporter = Some(cell(Column::Reporter)).filter(|it| {
        // LAPOR! writes the word where the name would stand.
        !it.is_empty() && !it.eq_ignore_ascii_case("anonim") && !anonymous
    });
    let hidden = cell(Column::Reporter).eq_ignore_ascii_case("anonim");
    let stage_label = cell(Column::Stage);
    Item {
        tracking_id: cell(Column::TrackingId).trim_start_matches('#').to_owned(),
        title: cell(Column::Title),
        text: cell(Column::Text),
        class: Class::from_label(&cell(Column::Class)),
        category: cell(Column::Category),
        stage: Stage::from_label(&stage_label),
        stage_label,
        written_at: moment(&cell(Column::WrittenAt)),
        reporter,
        anonymous: anonymous || hidden,
        secret: is_yes(&cell(Column::Secret)),
        place: cell(Column::Place),
    }
}

fn tidy(heading: &str) -> String {
    heading
        .trim_start_matches('\u{feff}')
        .to_lowercase()
        .split([' ', '.', ':', '\u{a0}'])
        .filter(|it| !it.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

fn workbook(content: &[u8]) -> Result<Vec<Vec<String>>, Unreadable> {
    let mut book: Xlsx<_> =
        calamine::open_workbook_from_rs(Cursor::new(content)).map_err(|_| Unreadable::Format)?;
    let range = book.worksheet_range_at(0).and_then(Result::ok).ok_or(Unreadable::Format)?;
    // A range begins at its first used cell; row numbers are told as a spreadsheet shows them.
    let above = range.start().map_or(0, |(row, _)| row as usize);
    let mut rows = vec![Vec::new(); above];
    rows.extend(range.rows().take(MAX_ROWS + 1).map(|row| row.iter().map(written).collect()));
    Ok(rows)
}

/// A cell as text. Tracking ids are numbers in some exports; they must not become `1.234567e6`.
fn written(cell: &Data) -> String {
    match cell {
        Data::Int(number) => number.to_string(),
        Data::Float(number) if number.fract() == 0.0 && number.abs() < 1e15 => format!("{number:.0}"),
        Data::Float(number) => number.to_string(),
        Data::String(text) | Data::DateTimeIso(text) | Data::DurationIso(text) => text.clone(),
        Data::Bool(flag) => flag.to_string(),
        Data::DateTime(moment) => {
            moment.as_datetime().and_then(western).map(|it| it.to_rfc3339()).unwrap_or_default()
        }
        Data::Error(_) | Data::Empty => String::new(),
    }
}

fn separated(content: &[u8]) -> Result<Vec<Vec<String>>, Unreadable> {
    if content.contains(&0) {
        return Err(Unreadable::Format);
    }
    // Spreadsheets of Indonesian machines save CSV with semicolons, and not always as UTF-8.
    let text = match std::str::from_utf8(content) {
        Ok(text) => text.to_owned(),
        Err(_) => content.iter().map(|byte| char::from(*byte)).collect(),
    };
    let head = text.lines().take(20).collect::<String>();
    let count = |separator: char| head.matches(separator).count();
    let separator = [';', '\t', ','].into_iter().max_by_key(|it| (count(*it), *it == ',')).unwrap_or(',');
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(separator as u8)
        .from_reader(text.as_bytes());
    let mut rows = Vec::new();
    for record in reader.records().take(MAX_ROWS + 1) {
        let record = record.map_err(|_| Unreadable::Format)?;
        rows.push(record.iter().map(str::to_owned).collect());
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXPORT: &str = "Rekap SP4N-LAPOR!;;;;;;\n\
        Tracking ID;Judul;Isi Laporan;Klasifikasi;Status;Tanggal Laporan;Pelapor\n\
        1234567;Lampu jalan;\"Lampu mati; tiga malam\";Pengaduan;Baru;14/09/2026 08:30;Siti\n\
        1234568;Jalan rusak;Lubang besar;Pengaduan;Diproses;15/09/2026 09:00;Anonim\n";

    #[test]
    fn c_11_a_csv_is_read_by_its_headings() {
        let sheet = read(EXPORT.as_bytes()).unwrap();
        assert_eq!(sheet.bad, []);
        let [first, second] = sheet.items.as_slice() else { panic!("{sheet:?}") };
        assert_eq!((first.tracking_id.as_str(), first.text.as_str()), ("1234567", "Lampu mati; tiga malam"));
        assert_eq!(first.reporter.as_deref(), Some("Siti"));
        assert_eq!((second.reporter.as_deref(), second.anonymous), (None, true));
        assert_eq!(second.stage, Some(Stage::InProgress));
        // The order of columns and the separator do not matter.
        let other = "\u{feff}isi laporan,TRACKING_ID,tanggal,pelapor,judul,klasifikasi,status\n\
            \"Lampu mati; tiga malam\",1234567,2026-09-14 08:30,Siti,Lampu jalan,Pengaduan,Baru\n";
        assert_eq!(read(other.as_bytes()).unwrap().items[0].checksum(), first.checksum());
    }

    #[test]
    fn c_11_a_workbook_says_the_same() {
        let sheet = read(include_bytes!("../samples/lapor.xlsx")).unwrap();
        assert_eq!(sheet, read(EXPORT.as_bytes()).unwrap());
    }

    #[test]
    fn c_11_bad_rows_are_told_with_their_number_and_the_others_imported() {
        let text = format!(
            "{EXPORT};tanpa nomor;x;;;;\n1234569;a;b;;;kemarin dulu;\n1234567;lagi;x;;;;\n;;;;;;\n1234570;c;d;;;;\n"
        );
        let sheet = read(text.as_bytes()).unwrap();
        let bad = sheet.bad.iter().map(|it| (it.row, it.tracking_id.as_str(), it.fault)).collect::<Vec<_>>();
        assert_eq!(bad, [(5, "", "tracking_id"), (6, "1234569", "written_at"), (7, "1234567", REPEATED)]);
        assert_eq!((sheet.items.len(), sheet.rows), (3, vec![3, 4, 9]));
    }

    #[test]
    fn c_11_other_files_are_refused() {
        assert_eq!(read(b"\0\0\0\0"), Err(Unreadable::Format));
        assert_eq!(read(b"PK\x03\x04garbage"), Err(Unreadable::Format));
        assert_eq!(read(b"a;b\n1;2\n"), Err(Unreadable::Heading("Tracking ID")));
        assert_eq!(read(b"Tracking ID;Status\n1;Baru\n"), Err(Unreadable::Heading("Isi Laporan")));
        assert_eq!(read(b""), Err(Unreadable::Heading("Tracking ID")));
        assert_eq!(read(&vec![b'a'; MAX_BYTES + 1]), Err(Unreadable::TooLarge));
    }
}
