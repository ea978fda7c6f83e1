//! From what was sent to what is submitted, and from what is known back into the form: values, rows of lists, and the person.

use mpp_proto::documents::v1::{FieldKind, FormField, LetterType, Subject};
use prost_types::{ListValue, Struct, Value, value::Kind};

use crate::web::form::{self, Sent};

/// The input of a field of the type.
pub(crate) fn input_name(key: &str) -> String {
    format!("isi.{key}")
}

/// The input of a column in a row of a list.
pub(super) fn cell_name(key: &str, row: usize, column: &str) -> String {
    format!("isi.{key}.{row}.{column}")
}

/// The hidden input that says how many rows of a list are shown.
pub(super) fn rows_name(key: &str) -> String {
    format!("baris.{key}")
}

/// Rows of a list at most, where the type says nothing else; a form is no register.
const MOST_ROWS: usize = 20;

/// The fewest and the most rows of a list.
pub(super) fn bounds(field: &FormField) -> (usize, usize) {
    let most = usize::try_from(field.max_rows).ok().filter(|most| *most > 0).unwrap_or(MOST_ROWS).min(100);
    (usize::try_from(field.min_rows).unwrap_or_default().clamp(1, most), most)
}

/// How many rows of a list are shown: as many as were, never fewer than are needed.
pub(super) fn shown_rows(field: &FormField, sent: &Sent) -> usize {
    let (least, most) = bounds(field);
    sent.get(&rows_name(&field.key)).parse().unwrap_or(least).clamp(least, most)
}

/// Moves the rows of lists together, and adds the one that was asked for; answers whether one was.
pub(crate) fn arrange(kind: &LetterType, sent: &mut Sent) -> bool {
    close_gaps(kind, sent);
    add_row(kind, sent)
}

/// Adds a row to the list whose button was pressed, if one was; answers whether.
fn add_row(kind: &LetterType, sent: &mut Sent) -> bool {
    let pressed = sent.get("tambah").to_owned();
    let Some(field) = kind.fields.iter().find(|field| field.key == pressed && !field.columns.is_empty())
    else {
        return false;
    };
    let (_, most) = bounds(field);
    let rows = (shown_rows(field, sent) + 1).min(most);
    sent.set(&rows_name(&field.key), rows.to_string());
    true
}

/// Moves the rows of lists together, so that the place of a row is its number in what is submitted.
fn close_gaps(kind: &LetterType, sent: &mut Sent) {
    for field in kind.fields.iter().filter(|field| field.kind() == FieldKind::List) {
        let rows = shown_rows(field, sent);
        let row = |sent: &Sent, at: usize| -> Vec<String> {
            field
                .columns
                .iter()
                .map(|column| sent.get(&cell_name(&field.key, at, &column.key)).to_owned())
                .collect()
        };
        let mut kept: Vec<Vec<String>> = (0..rows).map(|at| row(sent, at)).collect();
        kept.retain(|cells| cells.iter().any(|cell| !cell.is_empty()));
        kept.resize(rows, vec![String::new(); field.columns.len()]);
        for (at, cells) in kept.into_iter().enumerate() {
            for (column, cell) in field.columns.iter().zip(cells) {
                sent.set(&cell_name(&field.key, at, &column.key), cell);
            }
        }
    }
}

/// The names of the inputs of [`person`](super::person).
pub(crate) const PERSON: [&str; 6] = ["nama", "nik", "kk", "telepon", "surel", "alamat"];

/// Fills the inputs of [`person`](super::person) with what is known.
pub(crate) fn put_subject(sent: &mut Sent, subject: &Subject) {
    let known =
        [&subject.name, &subject.nik, &subject.family_card, &subject.phone, &subject.email, &subject.address];
    for (name, value) in PERSON.into_iter().zip(known) {
        sent.set(name, value.as_str());
    }
}

/// The person as the inputs of [`person`](super::person) say; where he lives stands elsewhere.
pub(crate) fn subject(sent: &Sent) -> Subject {
    Subject {
        name: sent.get("nama").to_owned(),
        nik: digits(sent.get("nik")),
        family_card: digits(sent.get("kk")),
        phone: phone(sent.get("telepon")),
        email: sent.get("surel").trim().to_owned(),
        address: sent.get("alamat").to_owned(),
        ..Subject::default()
    }
}

/// Whether anything stands in the inputs of [`person`](super::person).
pub(crate) fn says_who(sent: &Sent) -> bool {
    PERSON.into_iter().any(|name| !sent.get(name).trim().is_empty())
}

/// What was typed in, as the service takes it. Fields that were left empty, or are not asked for, are left out.
pub(crate) fn values(kind: &LetterType, sent: &Sent) -> Struct {
    let is_asked = |field: &FormField| {
        field.only_when_key.is_empty()
            || sent.get(&input_name(&field.only_when_key)) == field.only_when_equals
    };
    let fields = kind.fields.iter().filter(|field| is_asked(field)).filter_map(|field| {
        let value = if field.kind() == FieldKind::List {
            rows(field, sent)
        } else {
            value(field, sent.get(&input_name(&field.key)))
        };
        value.map(|value| (field.key.clone(), value))
    });
    Struct { fields: fields.collect() }
}

/// The rows of a list in which anything stands.
fn rows(field: &FormField, sent: &Sent) -> Option<Value> {
    let row = |at: usize| Struct {
        fields: field
            .columns
            .iter()
            .filter_map(|column| {
                let written = sent.get(&cell_name(&field.key, at, &column.key));
                value(column, written).map(|value| (column.key.clone(), value))
            })
            .collect(),
    };
    let values: Vec<Value> = (0..shown_rows(field, sent))
        .map(row)
        .filter(|row| !row.fields.is_empty())
        .map(|row| Value { kind: Some(Kind::StructValue(row)) })
        .collect();
    (!values.is_empty()).then_some(Value { kind: Some(Kind::ListValue(ListValue { values })) })
}

/// One value of its kind; none for what was left empty.
fn value(field: &FormField, written: &str) -> Option<Value> {
    if written.is_empty() {
        return None;
    }
    Some(match field.kind() {
        FieldKind::Number | FieldKind::Money => form::number(written),
        FieldKind::Boolean => form::boolean(written),
        FieldKind::Nik | FieldKind::Kk | FieldKind::Npwp | FieldKind::Nib => form::text(&digits(written)),
        FieldKind::Phone => form::text(&phone(written)),
        FieldKind::Unspecified
        | FieldKind::Text
        | FieldKind::LongText
        | FieldKind::Date
        | FieldKind::Time
        | FieldKind::Choice
        | FieldKind::Email
        | FieldKind::Region
        | FieldKind::PersonName
        | FieldKind::Address
        | FieldKind::VehicleRegistration
        | FieldKind::List => form::text(written),
    })
}

/// Fills the fields of a type with values that are known.
pub(crate) fn put_values(sent: &mut Sent, kind: &LetterType, values: Option<&Struct>) {
    for field in &kind.fields {
        let known = values.and_then(|values| values.fields.get(&field.key));
        if let Some(Kind::ListValue(list)) = known.and_then(|value| value.kind.as_ref()) {
            sent.set(&rows_name(&field.key), list.values.len().to_string());
            for (row, value) in list.values.iter().enumerate() {
                let Some(Kind::StructValue(cells)) = &value.kind else { continue };
                for column in &field.columns {
                    let name = cell_name(&field.key, row, &column.key);
                    sent.set(&name, form::shown_of(Some(cells), &column.key));
                }
            }
        } else {
            sent.set(&input_name(&field.key), known.map(form::shown).unwrap_or_default());
        }
    }
}

/// Without the spaces and dashes that people put between groups of digits.
pub(crate) fn digits(written: &str) -> String {
    written.chars().filter(|letter| !matches!(letter, ' ' | '-' | '.')).collect()
}

/// A telephone number as services take it: digits, with `+` before a country code. People write it with spaces, dots, dashes
/// and brackets, telephones fill it in with their own ones, and some say the zero after the country code. What holds
/// anything else stays as it was typed: the service says what is wrong with it.
fn phone(written: &str) -> String {
    let written = written.trim();
    let between = |letter: char| {
        letter.is_whitespace() || matches!(letter, '-' | '.' | '(' | ')' | '/' | '\u{2010}'..='\u{2015}')
    };
    let plain: String = written.chars().filter(|letter| !between(*letter)).collect();
    let digits = plain.strip_prefix('+').unwrap_or(&plain);
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return written.to_owned();
    }
    let abroad = if plain.len() > digits.len() { Some(digits) } else { digits.strip_prefix("00") };
    match (abroad, abroad.unwrap_or(digits).strip_prefix("62")) {
        (_, Some(national)) => format!("+62{}", national.trim_start_matches('0')),
        (Some(abroad), None) => format!("+{abroad}"),
        (None, None) => digits.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::fields::kind;

    #[test]
    fn values_have_the_types_of_their_fields_and_what_is_not_asked_for_is_left_out() {
        let sent =
            Sent::plain(b"isi.penghasilan=1.500.000&isi.punya_anak=false&isi.nama_anak=Budi&isi.asing=1");
        let values = values(&kind(), &sent);
        assert_eq!(values.fields.keys().collect::<Vec<_>>(), ["penghasilan", "punya_anak"]);
        assert_eq!(values.fields["penghasilan"], form::number("1500000"));
        let sent = Sent::plain(b"isi.punya_anak=true&isi.nama_anak=Budi");
        assert_eq!(form::shown_of(Some(&super::values(&kind(), &sent)), "nama_anak"), "Budi");
    }

    #[test]
    fn every_way_to_write_a_telephone_number_is_one_that_services_take() {
        for (written, taken) in [
            ("0812 3456 7890", "081234567890"),
            (" 0812.3456.7890", "081234567890"),
            ("0812-3456-7890", "081234567890"),
            ("(0738) 21\u{a0}234\u{2011}567", "073821234567"),
            ("+62 812-3456-7890", "+6281234567890"),
            ("+62 (0)812 3456 7890", "+6281234567890"),
            ("6281234567890", "+6281234567890"),
            ("006281234567890", "+6281234567890"),
            ("+60 12-345 6789", "+60123456789"),
            ("", ""),
            // What is no number is told to whoever typed it, as he typed it.
            (" nomor 12 ", "nomor 12"),
            ("++62812", "++62812"),
            ("+", "+"),
        ] {
            assert_eq!(phone(written), taken, "{written}");
        }
        let mut kind = kind();
        kind.fields.push(FormField {
            key: "hp".into(),
            kind: FieldKind::Phone.into(),
            ..FormField::default()
        });
        let sent = Sent::plain("isi.hp=0812-3456.7890".as_bytes());
        assert_eq!(form::shown_of(Some(&values(&kind, &sent)), "hp"), "081234567890");
        assert_eq!(sent.get("isi.hp"), "0812-3456.7890", "the form shows again what was typed");
    }

    #[test]
    fn rows_of_a_list_are_moved_together_added_and_submitted_with_their_cells() {
        let column =
            |key: &str| FormField { key: key.into(), kind: FieldKind::Text.into(), ..FormField::default() };
        let mut kind = kind();
        kind.fields.push(FormField {
            key: "saksi".into(),
            kind: FieldKind::List.into(),
            columns: vec![column("nama"), column("nik")],
            min_rows: 2,
            max_rows: 4,
            ..FormField::default()
        });
        let mut sent = Sent::plain(
            b"baris.saksi=3&isi.saksi.0.nama=&isi.saksi.1.nama=Umar&isi.saksi.2.nik=12&tambah=saksi",
        );
        close_gaps(&kind, &mut sent);
        assert_eq!((sent.get("isi.saksi.0.nama"), sent.get("isi.saksi.1.nik")), ("Umar", "12"));
        assert!(add_row(&kind, &mut sent) && add_row(&kind, &mut sent));
        assert_eq!(sent.get("baris.saksi"), "4", "never more than the type allows");
        let values = values(&kind, &sent);
        let Some(Kind::ListValue(list)) = &values.fields["saksi"].kind else { panic!("a list") };
        assert_eq!(list.values.len(), 2);
        let mut again = Sent::default();
        put_values(&mut again, &kind, Some(&values));
        assert_eq!((again.get("isi.saksi.1.nik"), again.get("baris.saksi")), ("12", "2"));
    }
}
