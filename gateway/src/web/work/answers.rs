//! What an application says of its person and of everything else that was asked, as officials read it.

use mpp_kit::fault::Language;
use mpp_proto::documents::v1::{Application, FieldKind, FormField, LetterType, Office};
use prost_types::{ListValue, Value, value::Kind};

use super::place;
use crate::web::{
    form,
    letters::{self, told},
    visit::Visit,
    words,
};

/// Who it is about, line by line, each under the label that the form gives it; what is not known is left out. Here stands
/// everything that the applicant told of himself, and nowhere else.
pub(super) fn person(
    application: &Application,
    kind: &LetterType,
    offices: &[Office],
    visit: &Visit,
) -> Vec<(String, String)> {
    let t = visit.words();
    let subject = application.subject.clone().unwrap_or_default();
    let own = |attribute: &str, word: &str, said: &str| {
        let fields = kind.subject_fields.iter().filter(|field| field.attribute == attribute);
        let mut lines: Vec<(String, String)> =
            fields.filter_map(|field| answered(application, field, visit)).collect();
        // Two fields that ask the same hold the same.
        lines.dedup_by(|one, other| one.1 == other.1);
        if lines.is_empty() && !said.is_empty() {
            lines.push((t[word].clone(), said.to_owned()));
        }
        lines
    };
    let told = kind.fields.iter().filter(|field| tells_of_person(field));
    let (place, resident) = (place(&subject.area, offices), t["work.non_resident"].clone());
    let mut lines = own("NAME", "person.nama", &subject.name);
    lines.extend(own("NIK", "person.nik", &subject.nik));
    lines.extend(own("KK", "person.kk", &subject.family_card));
    lines.extend(told.filter_map(|field| answered(application, field, visit)));
    lines.extend((!place.is_empty()).then(|| (t["person.desa"].clone(), place)));
    lines.extend(own("ADDRESS", "person.alamat", &subject.address));
    lines.extend(own("PHONE", "person.telepon", &subject.phone));
    lines.extend(own("EMAIL", "person.surel", &subject.email));
    lines.extend(subject.non_resident.then(|| (t["work.resident"].clone(), resident)));
    lines
}

/// Whether a field asks for a lasting fact of the applicant himself, and not of his business, his practice or this letter.
fn tells_of_person(field: &FormField) -> bool {
    matches!(
        field.attribute.as_str(),
        "BIRTH_PLACE"
            | "BIRTH_DATE"
            | "SEX"
            | "RELIGION"
            | "MARITAL_STATUS"
            | "OCCUPATION"
            | "CITIZENSHIP"
            | "EDUCATION"
            | "EMAIL"
            | "FATHER_NAME"
            | "MOTHER_NAME"
    )
}

/// What else was typed in, in the order of the form.
pub(super) fn values(application: &Application, kind: &LetterType, visit: &Visit) -> Vec<(String, String)> {
    let asked = kind.fields.iter().filter(|field| !tells_of_person(field));
    let known = |key: &String| kind.fields.iter().chain(&kind.subject_fields).any(|field| field.key == *key);
    // An official decides on everything that was submitted, so what no field asks for is shown as well.
    let all = application.values.iter().flat_map(|values| &values.fields);
    let others = all.filter(|(key, _)| !known(key)).map(|(key, value)| (key.clone(), form::shown(value)));
    asked.filter_map(|field| answered(application, field, visit)).chain(others).collect()
}

/// The label of a field and what was answered; nothing where it was not.
fn answered(application: &Application, field: &FormField, visit: &Visit) -> Option<(String, String)> {
    let value = application.values.as_ref()?.fields.get(&field.key)?;
    let text = match &value.kind {
        Some(Kind::ListValue(list)) => rows(field, list, visit),
        _ => cell(field, value, visit),
    };
    (!text.is_empty()).then(|| (told(field.label.as_ref(), visit.language), text))
}

/// One value, with the words of its choices.
fn cell(field: &FormField, value: &Value, visit: &Visit) -> String {
    let (t, written) = (visit.words(), form::shown(value));
    let choice = field.choices.iter().find(|choice| choice.value == written);
    match (choice, written.as_str()) {
        (Some(choice), _) => told(choice.label.as_ref(), visit.language),
        (None, "true") if field.kind() == FieldKind::Boolean => t["yes"].clone(),
        (None, "false") if field.kind() == FieldKind::Boolean => t["no"].clone(),
        (None, written) => readable(field.kind(), written, visit.language),
    }
}

/// The rows of a list, a line for each.
fn rows(field: &FormField, list: &ListValue, visit: &Visit) -> String {
    let line = |value: &Value| match &value.kind {
        Some(Kind::StructValue(cells)) => {
            let given =
                field.columns.iter().filter_map(|column| Some((column, cells.fields.get(&column.key)?)));
            let cells = given.map(|(column, value)| cell(column, value, visit));
            cells.filter(|cell| !cell.is_empty()).collect::<Vec<_>>().join(", ")
        }
        _ => form::shown(value),
    };
    let lines = list.values.iter().enumerate().map(|(at, row)| format!("{}. {}", at + 1, line(row)));
    lines.collect::<Vec<_>>().join("\n")
}

/// A value as people read it.
fn readable(kind: FieldKind, written: &str, language: Language) -> String {
    match kind {
        FieldKind::Date => words::date(written, language),
        FieldKind::Money => written.parse().map_or_else(|_| written.to_owned(), letters::rupiah),
        FieldKind::Unspecified
        | FieldKind::Text
        | FieldKind::LongText
        | FieldKind::Number
        | FieldKind::Time
        | FieldKind::Choice
        | FieldKind::Nik
        | FieldKind::Kk
        | FieldKind::Phone
        | FieldKind::Email
        | FieldKind::Region
        | FieldKind::Boolean
        | FieldKind::PersonName
        | FieldKind::Address
        | FieldKind::Npwp
        | FieldKind::Nib
        | FieldKind::VehicleRegistration
        | FieldKind::List => written.to_owned(),
    }
}
