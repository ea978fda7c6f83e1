//! The fields of an application form: from the type to inputs, from what was sent to what is submitted, and from what the
//! service found wrong to the input that it is about.

use std::collections::{BTreeMap, HashMap};

use axum::extract::Request;
use http::StatusCode;
use mpp_kit::fault::Language;
use mpp_proto::documents::v1::{
    Attachment, FieldKind, FormField, LetterType, Office, OfficeKind, Requirement, Subject, UploadFileRequest,
};
use prost_types::{ListValue, Struct, Value, value::Kind};
use sha2::{Digest as _, Sha256};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use uuid::Uuid;

use super::{
    WebState,
    form::{self, Sent},
    letters::told,
    visit::Visit,
    words::Words,
};

/// More choices than this are a list to open, not buttons.
const BUTTONS: usize = 5;

/// An input as the page shows it.
#[derive(Debug, Default)]
pub(crate) struct Input {
    /// Its name in the form.
    pub(crate) name: String,
    /// Its id on the page.
    pub(crate) id: String,
    /// `line`, `area`, `money`, `radio`, `checks`, `select` or `rows`.
    pub(crate) shape: &'static str,
    /// `type` of a line.
    pub(crate) kind: &'static str,
    /// `inputmode` of a line; empty for none.
    pub(crate) mode: &'static str,
    /// `autocomplete`; empty for none.
    pub(crate) autocomplete: &'static str,
    /// The list of suggestions; empty for none.
    pub(crate) list: &'static str,
    pub(crate) label: String,
    pub(crate) help: String,
    pub(crate) required: bool,
    /// 0 for no limit.
    pub(crate) max_length: i32,
    pub(crate) value: String,
    pub(crate) choices: Vec<Choice>,
    /// What is wrong with it; empty if nothing is.
    pub(crate) error: String,
    /// The name of the input that must hold `only_equals` for this one to be asked; empty for always.
    pub(crate) only_name: String,
    pub(crate) only_equals: String,
    /// The same in words, for whoever has no script.
    pub(crate) only_words: String,
    /// The rows of a list, each with its inputs.
    pub(crate) rows: Vec<Vec<Self>>,
    /// Of a list: the hidden input that says how many rows are shown.
    pub(crate) rows_name: String,
    /// Of a list: the most rows it takes.
    pub(crate) most_rows: usize,
}

/// One of several choices.
#[derive(Debug, Default)]
pub(crate) struct Choice {
    pub(crate) value: String,
    pub(crate) label: String,
    /// What it means, in a sentence; empty for nothing.
    pub(crate) detail: String,
    pub(crate) chosen: bool,
}

/// A requirement with its file input.
pub(crate) struct Paper {
    pub(crate) name: String,
    pub(crate) id: String,
    /// The hidden input that keeps a file which has arrived.
    pub(crate) kept_name: String,
    pub(crate) kept: String,
    /// What has arrived, such as "PDF, 1,2 MB"; empty for nothing.
    pub(crate) kept_words: String,
    pub(crate) label: String,
    pub(crate) required: bool,
    pub(crate) error: String,
}

/// The input of a field of the type.
pub(crate) fn input_name(key: &str) -> String {
    format!("isi.{key}")
}

/// The input of a column in a row of a list.
fn cell_name(key: &str, row: usize, column: &str) -> String {
    format!("isi.{key}.{row}.{column}")
}

/// The hidden input that says how many rows of a list are shown.
fn rows_name(key: &str) -> String {
    format!("baris.{key}")
}

/// Rows of a list at most, where the type says nothing else; a form is no register.
const MOST_ROWS: usize = 20;

/// The fewest and the most rows of a list.
fn bounds(field: &FormField) -> (usize, usize) {
    let most = usize::try_from(field.max_rows).ok().filter(|most| *most > 0).unwrap_or(MOST_ROWS).min(100);
    (usize::try_from(field.min_rows).unwrap_or_default().clamp(1, most), most)
}

/// How many rows of a list are shown: as many as were, never fewer than are needed.
fn shown_rows(field: &FormField, sent: &Sent) -> usize {
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

pub(crate) fn paper_name(key: &str) -> String {
    format!("lampiran.{key}")
}

pub(crate) fn kept_name(key: &str) -> String {
    format!("sudah.{key}")
}

/// An id on the page: dots would need escapes in style and script.
pub(crate) fn id_of(name: &str) -> String {
    name.replace('.', "-")
}

/// What is wrong, by the name of the input; under "" what is about none of them.
#[derive(Debug, Default)]
pub(crate) struct Faults(BTreeMap<String, Vec<String>>);

impl Faults {
    /// Notes a fault of an input.
    pub(crate) fn note(&mut self, name: &str, sentence: impl Into<String>) {
        self.0.entry(name.to_owned()).or_default().push(sentence.into());
    }

    /// Whether nothing is wrong.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is wrong with an input.
    pub(crate) fn of(&self, name: &str) -> String {
        self.0.get(name).map(|found| found.join(" ")).unwrap_or_default()
    }

    /// What a refusal of the documents service is about.
    pub(crate) fn read(status: &Status, kind: &LetterType, visit: &Visit) -> Self {
        Self::placed(status, visit, |field| place(field, kind))
    }

    /// What a refusal is about: `place` answers the input that a field of the request stands for; "" for none of them.
    pub(crate) fn placed(status: &Status, visit: &Visit, place: impl Fn(&str) -> String) -> Self {
        let mut faults = Self::default();
        let details = status.get_error_details();
        for violation in details.bad_request().map(|bad| bad.field_violations.as_slice()).unwrap_or_default()
        {
            faults.note(&place(&violation.field), sentence(&violation.description));
        }
        if faults.is_empty() {
            faults.note("", visit.sentence(status));
        }
        faults
    }

    /// What stands in the summary: the id of the input, or "", its label and what is wrong. In the order of the page.
    pub(crate) fn summary<S: AsRef<str>>(
        &self,
        inputs: impl IntoIterator<Item = (S, S, S)>,
    ) -> Vec<(String, String, String)> {
        let mut left: BTreeMap<&str, String> =
            self.0.iter().map(|(name, found)| (name.as_str(), found.join(" "))).collect();
        let mut lines = Vec::new();
        for (name, id, label) in inputs {
            if let Some(found) = left.remove(name.as_ref()) {
                lines.push((id.as_ref().to_owned(), label.as_ref().to_owned(), found));
            }
        }
        lines.extend(left.into_values().map(|found| (String::new(), String::new(), found)));
        lines
    }
}

/// What a refusal says is wrong, as sentences.
pub(crate) fn violations(status: &Status) -> Vec<String> {
    let details = status.get_error_details();
    let found = details.bad_request().map(|bad| bad.field_violations.as_slice()).unwrap_or_default();
    found.iter().map(|violation| sentence(&violation.description)).collect()
}

/// A refusal in sentences: what is wrong with what was typed in or chosen, else what the service says.
pub(crate) fn refusal(status: &Status, visit: &Visit) -> String {
    let wrong = violations(status);
    if wrong.is_empty() { visit.sentence(status) } else { wrong.join(" ") }
}

/// The input that a field of the request stands for.
fn place(field: &str, kind: &LetterType) -> String {
    let subject = match field.strip_prefix("subject.").unwrap_or(field) {
        "name" => Some("nama"),
        "nik" => Some("nik"),
        "family_card" => Some("kk"),
        "area" => Some("desa"),
        "office_id" if kind.steps.iter().any(|step| step.level == "AGENCY") => Some("kantor"),
        "office_id" => Some("desa"),
        "address" => Some("alamat"),
        "phone" => Some("telepon"),
        "email" => Some("surel"),
        "reason" => Some("alasan"),
        _ => None,
    };
    let is_field = |key: &str| kind.fields.iter().any(|one| one.key == key);
    if field.starts_with("subject.") || (subject.is_some() && !is_field(field)) {
        return subject.unwrap_or_default().to_owned();
    }
    let key = field.strip_prefix("values.").unwrap_or(field);
    if is_field(key) {
        return input_name(key);
    }
    // A cell of a list: heirs[0].name.
    let cell = key.split_once('[').and_then(|(list, rest)| {
        let (row, column) = rest.split_once("].")?;
        Some((list, row.parse::<usize>().ok()?, column))
    });
    if let Some((list, row, column)) = cell.filter(|(list, ..)| is_field(list)) {
        return cell_name(list, row, column);
    }
    if field.starts_with("attachments") || field.starts_with("requirements") {
        let named = |one: &&Requirement| field.split(['.', '[', ']', '"']).any(|part| part == one.key);
        return kind.requirements.iter().find(named).map(|one| paper_name(&one.key)).unwrap_or_default();
    }
    String::new()
}

/// A description of a violation as a sentence: services write it as the rest of one.
pub(crate) fn sentence(description: &str) -> String {
    let mut letters = description.trim().chars();
    let first: String = letters.next().map(|letter| letter.to_uppercase().collect()).unwrap_or_default();
    let text = first + letters.as_str();
    if text.ends_with(['.', '!', '?']) || text.is_empty() { text } else { text + "." }
}

/// The inputs of a type's own fields, with what was sent and what is wrong with it.
pub(crate) fn inputs(kind: &LetterType, sent: &Sent, faults: &Faults, visit: &Visit) -> Vec<Input> {
    let t = visit.words();
    let labels: HashMap<&str, &FormField> =
        kind.fields.iter().map(|field| (field.key.as_str(), field)).collect();
    kind.fields
        .iter()
        .map(|field| {
            let mut input = input(field, input_name(&field.key), sent, faults, visit);
            if field.kind() == FieldKind::List {
                input.rows_name = rows_name(&field.key);
                input.most_rows = bounds(field).1;
                let cell = |row: usize, column: &FormField| {
                    let name = cell_name(&field.key, row, &column.key);
                    self::input(column, name, sent, faults, visit)
                };
                input.rows = (0..shown_rows(field, sent))
                    .map(|row| field.columns.iter().map(|column| cell(row, column)).collect())
                    .collect();
            }
            if let Some(other) = labels.get(field.only_when_key.as_str()) {
                input.only_name = input_name(&other.key);
                input.only_equals.clone_from(&field.only_when_equals);
                input.only_words = t.say(
                    "apply.only_when",
                    &[
                        ("field", &told(other.label.as_ref(), visit.language)),
                        ("value", &choice_label(other, &field.only_when_equals, visit.language, t)),
                    ],
                );
            }
            input
        })
        .collect()
}

/// The input of one field or cell.
fn input(field: &FormField, name: String, sent: &Sent, faults: &Faults, visit: &Visit) -> Input {
    let input = Input {
        label: told(field.label.as_ref(), visit.language),
        help: told(field.help.as_ref(), visit.language),
        required: field.required,
        max_length: field.max_length,
        error: faults.of(&name),
        value: sent.get(&name).to_owned(),
        id: id_of(&name),
        ..shaped(field, sent.get(&name), visit)
    };
    Input { name, ..input }
}

/// A line of the form that every type has, with the words under this key.
pub(crate) fn line(name: &str, words: &str, sent: &Sent, faults: &Faults, visit: &Visit) -> Input {
    let t = visit.words();
    Input {
        shape: "line",
        kind: "text",
        autocomplete: "off",
        label: t[words].clone(),
        help: t.find(&format!("{words}_help")).unwrap_or_default().to_owned(),
        required: true,
        max_length: 500,
        value: sent.get(name).to_owned(),
        error: faults.of(name),
        id: id_of(name),
        name: name.to_owned(),
        ..Input::default()
    }
}

/// Whether an application must say this of its person: name and number always, the rest where a field of the type asks it.
pub(crate) fn must_say(kind: &LetterType, name: &str) -> bool {
    let attribute = match name {
        "nama" | "nik" => return true,
        "kk" => "KK",
        "telepon" => "PHONE",
        "alamat" => "ADDRESS",
        _ => return false,
    };
    kind.subject_fields
        .iter()
        .any(|field| field.attribute == attribute && field.required && field.only_when_key.is_empty())
}

/// Whom an application is about: name and numbers, telephone, e-mail and address.
pub(crate) fn person(kind: &LetterType, sent: &Sent, faults: &Faults, visit: &Visit) -> Vec<Input> {
    let person = |name: &str| Input {
        required: must_say(kind, name),
        ..line(name, &format!("person.{name}"), sent, faults, visit)
    };
    vec![
        Input { autocomplete: "name", max_length: 100, ..person("nama") },
        Input { mode: "numeric", max_length: 20, ..person("nik") },
        Input { mode: "numeric", max_length: 20, ..person("kk") },
        Input { kind: "tel", mode: "tel", autocomplete: "tel", max_length: 20, ..person("telepon") },
        Input { kind: "email", mode: "email", autocomplete: "email", max_length: 254, ..person("surel") },
        Input {
            shape: "area",
            kind: "",
            autocomplete: "street-address",
            max_length: 200,
            ..person("alamat")
        },
    ]
}

/// The names of the inputs of [`person`].
pub(crate) const PERSON: [&str; 6] = ["nama", "nik", "kk", "telepon", "surel", "alamat"];

/// Fills the inputs of [`person`] with what is known.
pub(crate) fn put_subject(sent: &mut Sent, subject: &Subject) {
    let known =
        [&subject.name, &subject.nik, &subject.family_card, &subject.phone, &subject.email, &subject.address];
    for (name, value) in PERSON.into_iter().zip(known) {
        sent.set(name, value.as_str());
    }
}

/// The person as the inputs of [`person`] say; where he lives stands elsewhere.
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

/// Whether anything stands in the inputs of [`person`].
pub(crate) fn says_who(sent: &Sent) -> bool {
    PERSON.into_iter().any(|name| !sent.get(name).trim().is_empty())
}

impl Input {
    /// The key of a list, for the button that adds a row.
    pub(crate) fn list_key(&self) -> &str {
        self.rows_name.strip_prefix("baris.").unwrap_or_default()
    }

    /// The name, id and label of this input and of every cell within it.
    pub(crate) fn places(&self) -> Vec<(String, String, String)> {
        let own = (self.name.clone(), self.id.clone(), self.label.clone());
        let cells = self.rows.iter().enumerate().flat_map(|(row, cells)| {
            let label = move |cell: &Self| format!("{} {}, {}", self.label, row + 1, cell.label);
            cells.iter().map(move |cell| (cell.name.clone(), cell.id.clone(), label(cell)))
        });
        std::iter::once(own).chain(cells).collect()
    }
}

fn choice_label(field: &FormField, value: &str, language: Language, t: &Words) -> String {
    let choice = field.choices.iter().find(|choice| choice.value == value);
    match (choice, value) {
        (Some(choice), _) => told(choice.label.as_ref(), language),
        (None, "true") => t["yes"].clone(),
        (None, "false") => t["no"].clone(),
        (None, other) => other.to_owned(),
    }
}

/// The shape of an input by the kind of its field.
fn shaped(field: &FormField, value: &str, visit: &Visit) -> Input {
    let t = visit.words();
    let line = |kind, mode| Input { shape: "line", kind, mode, ..Input::default() };
    let choice = |value_of: &str, label: String| Choice {
        chosen: value_of == value,
        value: value_of.to_owned(),
        label,
        detail: String::new(),
    };
    match field.kind() {
        FieldKind::Unspecified | FieldKind::Text | FieldKind::PersonName => line("text", ""),
        FieldKind::LongText | FieldKind::Address => Input { shape: "area", ..Input::default() },
        FieldKind::Number => line("text", "numeric"),
        FieldKind::Money => Input { shape: "money", ..Input::default() },
        FieldKind::Date => line("date", ""),
        FieldKind::Time => line("time", ""),
        FieldKind::Nik | FieldKind::Kk | FieldKind::Npwp | FieldKind::Nib => line("text", "numeric"),
        FieldKind::VehicleRegistration => line("text", ""),
        FieldKind::List => Input { shape: "rows", ..Input::default() },
        FieldKind::Phone => line("tel", "tel"),
        FieldKind::Email => line("email", "email"),
        FieldKind::Region => Input { list: "wilayah", ..line("text", "decimal") },
        FieldKind::Boolean => Input {
            shape: "radio",
            choices: vec![choice("true", t["yes"].clone()), choice("false", t["no"].clone())],
            ..Input::default()
        },
        FieldKind::Choice => Input {
            shape: if field.choices.len() > BUTTONS { "select" } else { "radio" },
            choices: field
                .choices
                .iter()
                .map(|one| choice(&one.value, told(one.label.as_ref(), visit.language)))
                .collect(),
            ..Input::default()
        },
    }
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
pub(crate) fn phone(written: &str) -> String {
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

/// The requirements with what has arrived for each.
pub(crate) fn papers(kind: &LetterType, sent: &Sent, faults: &Faults, visit: &Visit) -> Vec<Paper> {
    let paper = |one: &Requirement| {
        let name = paper_name(&one.key);
        let kept_name = kept_name(&one.key);
        let kept = sent.get(&kept_name).to_owned();
        Paper {
            id: id_of(&name),
            error: faults.of(&name),
            kept_words: kept_attachment(&one.key, &kept)
                .map(|file| file_words(&file.media_type, file.size, visit.language))
                .unwrap_or_default(),
            kept_name,
            kept,
            label: told(one.label.as_ref(), visit.language),
            required: one.required,
            name,
        }
    };
    kind.requirements.iter().map(paper).collect()
}

/// A file in words, such as "PDF, 1,2 MB".
pub(crate) fn file_words(media_type: &str, size: i64, language: Language) -> String {
    let kind = match media_type {
        "application/pdf" => "PDF",
        "image/jpeg" => "JPEG",
        "image/png" => "PNG",
        other => other,
    };
    let kib = (size.max(0) + 1023) / 1024;
    if kib < 1024 {
        return format!("{kind}, {kib} KB");
    }
    let tenths = kib * 10 / 1024;
    let point = match language {
        Language::Id => ',',
        Language::En => '.',
    };
    format!("{kind}, {}{point}{} MB", tenths / 10, tenths % 10)
}

/// Villages by code, as suggestions for the fields of a type that ask for one; none where none does.
pub(crate) fn regions(kind: &LetterType, offices: &[Office]) -> Vec<(String, String)> {
    let asks = |field: &FormField| field.kind() == FieldKind::Region;
    if !kind.fields.iter().any(|field| asks(field) || field.columns.iter().any(asks)) {
        return Vec::new();
    }
    let villages = offices.iter().filter(|office| office.kind() == OfficeKind::Village);
    villages.map(|office| (office.area.clone(), office.name.clone())).collect()
}

/// Remembers in a form the files that came with an application before.
pub(crate) fn keep(sent: &mut Sent, files: &[Attachment]) {
    for file in files {
        sent.set(&kept_name(&file.requirement), kept(file));
    }
}

/// A file as a hidden input keeps it.
fn kept(file: &Attachment) -> String {
    format!("{}|{}|{}", file.file_id, file.media_type, file.size)
}

/// A form with files, as it arrived.
pub(crate) struct Received {
    /// What was typed in, and which files are stored.
    pub(crate) sent: Sent,
    /// The key of the form.
    pub(crate) request_id: String,
    /// The files.
    pub(crate) attachments: Vec<Attachment>,
    /// What is wrong with the files.
    pub(crate) faults: Faults,
    /// Set where the form is shown again instead of being submitted: a row was asked for, or a file cannot be taken.
    pub(crate) again: Option<StatusCode>,
}

/// Takes a form of a type: stores its files, moves its rows together, adds the row that was asked for.
pub(crate) async fn receive(
    state: &WebState,
    visit: &Visit,
    kind: &LetterType,
    request: Request,
) -> Received {
    let mut sent = Sent::with_files(request, state.form_limit, state.file_limit).await;
    let request_id = form_key(&sent);
    sent.set("kunci", request_id.as_str());
    let mut faults = Faults::default();
    let attachments = upload(state, visit, kind, &mut sent, &request_id, &mut faults).await;
    let again = match arrange(kind, &mut sent) {
        true => Some(StatusCode::OK),
        false => (!faults.is_empty()).then_some(StatusCode::BAD_REQUEST),
    };
    Received { sent, request_id, attachments, faults, again }
}

/// A file that arrived with an earlier try of the form, as its hidden input keeps it.
pub(crate) fn kept_attachment(requirement: &str, kept: &str) -> Option<Attachment> {
    let mut parts = kept.split('|');
    let (file_id, media_type, size) = (parts.next()?, parts.next()?, parts.next()?.parse().ok()?);
    Some(Attachment {
        file_id: file_id.to_owned(),
        requirement: requirement.to_owned(),
        media_type: media_type.to_owned(),
        size,
        sha256: String::new(),
    })
}

/// Stores the files of a form, and remembers them in it. What cannot be stored is noted.
async fn upload(
    state: &WebState,
    visit: &Visit,
    kind: &LetterType,
    sent: &mut Sent,
    key: &str,
    faults: &mut Faults,
) -> Vec<Attachment> {
    let t = visit.words();
    if sent.cut {
        faults.note("", t["apply.too_much"].clone());
    }
    let mut attachments = Vec::new();
    for requirement in &kind.requirements {
        let name = paper_name(&requirement.key);
        let Some(file) = sent.file(&name) else {
            attachments.extend(kept_attachment(&requirement.key, sent.get(&kept_name(&requirement.key))));
            continue;
        };
        if file.too_large {
            faults.note(&name, too_large(state, t));
            continue;
        }
        let request = UploadFileRequest {
            request_id: upload_key(key, &requirement.key, &file.content),
            content: file.content.clone(),
        };
        match state.documents.clone().upload_file(visit.call(request, None)).await {
            Ok(answer) => {
                let Some(stored) = answer.into_inner().file else { continue };
                sent.set(&kept_name(&requirement.key), kept(&stored));
                attachments.push(Attachment { requirement: requirement.key.clone(), ..stored });
            }
            Err(status) => faults.note(&name, first_told(&status, visit)),
        }
    }
    attachments
}

/// What is said of a file that is too large.
pub(crate) fn too_large(state: &WebState, t: &Words) -> String {
    t.say("apply.file_too_large", &[("n", &(state.file_limit >> 20))])
}

/// The first thing that a refusal says is wrong, as a sentence.
pub(crate) fn first_told(status: &Status, visit: &Visit) -> String {
    let details = status.get_error_details();
    let told = details.bad_request().and_then(|bad| bad.field_violations.first());
    told.map_or_else(|| visit.sentence(status), |violation| sentence(&violation.description))
}

/// The key under which a file is stored: the same for the same file of the same form, however often it is sent.
pub(crate) fn upload_key(form: &str, requirement: &str, content: &[u8]) -> String {
    let mut digest = Sha256::new();
    for part in [form.as_bytes(), requirement.as_bytes(), content] {
        digest.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        digest.update(part);
    }
    let digest = digest.finalize();
    let bytes = digest.first_chunk::<16>().copied().unwrap_or_default();
    uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
}

/// The key of a form that was sent; a new one if it brought none that can be used.
pub(crate) fn form_key(sent: &Sent) -> String {
    let given = Uuid::parse_str(sent.get("kunci"));
    given.unwrap_or_else(|_| Uuid::new_v4()).to_string()
}

/// Gives a form that was refused the key of another request: pressed again, it is another try. Where the answer says nothing
/// about the effect it keeps its own.
pub(crate) fn renew_key(sent: &mut Sent, status: &Status) {
    if !is_unclear(status) {
        sent.set("kunci", Uuid::new_v4());
    }
}

/// Whether an answer says nothing about the effect: the same key must be sent again. A refusal is an answer.
pub(crate) fn is_unclear(status: &Status) -> bool {
    matches!(status.code(), Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled | Code::Unknown)
}

#[cfg(test)]
mod tests {
    use mpp_proto::documents::v1::{LocalizedText, StepPlan};

    use super::*;

    fn kind() -> LetterType {
        let field = |key: &str, kind: FieldKind, only: (&str, &str)| FormField {
            key: key.into(),
            kind: kind.into(),
            label: Some(LocalizedText { id: key.into(), en: String::new() }),
            only_when_key: only.0.into(),
            only_when_equals: only.1.into(),
            ..FormField::default()
        };
        LetterType {
            fields: vec![
                field("penghasilan", FieldKind::Money, ("", "")),
                field("punya_anak", FieldKind::Boolean, ("", "")),
                field("nama_anak", FieldKind::PersonName, ("punya_anak", "true")),
            ],
            requirements: vec![Requirement { key: "ktp".into(), ..Requirement::default() }],
            ..LetterType::default()
        }
    }

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
        assert_eq!(place("values.saksi[1].nik", &kind), "isi.saksi.1.nik");
        assert_eq!(place("values.saksi", &kind), "isi.saksi");
    }

    #[test]
    fn a_fault_is_shown_at_the_input_it_is_about() {
        for (field, name) in [
            ("subject.nik", "nik"),
            ("subject.area", "desa"),
            ("values.penghasilan", "isi.penghasilan"),
            ("nama_anak", "isi.nama_anak"),
            ("attachments[ktp]", "lampiran.ktp"),
            ("attachments.ktp.file_id", "lampiran.ktp"),
            ("attachments", ""),
            ("letter_type", ""),
        ] {
            assert_eq!(place(field, &kind()), name, "{field}");
        }
        // The agency is chosen where one takes part; else the village says which office it is.
        let agency = StepPlan { level: "AGENCY".into(), ..StepPlan::default() };
        let chain = LetterType { steps: vec![agency], ..kind() };
        assert_eq!(
            (place("office_id", &chain), place("office_id", &kind())),
            ("kantor".to_owned(), "desa".to_owned())
        );
        assert_eq!(sentence("isi 16 angka"), "Isi 16 angka.");
    }

    #[test]
    fn the_same_file_of_the_same_form_has_the_same_key() {
        let key = |form: &str, content: &[u8]| upload_key(form, "ktp", content);
        assert_eq!(key("a", b"x"), key("a", b"x"));
        assert_ne!(key("a", b"x"), key("b", b"x"));
        assert_ne!(key("a", b"x"), key("a", b"y"));
        assert!(Uuid::parse_str(&key("a", b"x")).is_ok());
    }

    #[test]
    fn a_kept_file_is_read_back_and_said_in_words() {
        let kept = kept_attachment("ktp", "fil_1|image/jpeg|1310720").expect("a file");
        assert_eq!(
            (kept.file_id.as_str(), kept.requirement.as_str(), kept.size),
            ("fil_1", "ktp", 1_310_720)
        );
        assert_eq!(file_words(&kept.media_type, kept.size, Language::Id), "JPEG, 1,2 MB");
        assert_eq!(file_words("application/pdf", 900, Language::En), "PDF, 1 KB");
        assert!(kept_attachment("ktp", "").is_none() && kept_attachment("ktp", "a|b|c").is_none());
    }
}
