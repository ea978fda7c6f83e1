//! The fields of an application form: from the type to inputs. What was sent and what is submitted of it, the files, and what
//! the service found wrong have a room each.

use std::collections::HashMap;

use mpp_kit::fault::Language;
use mpp_proto::documents::v1::{FieldKind, FormField, LetterType, Office, OfficeKind};
use tonic::{Code, Status};
use uuid::Uuid;

use super::{form::Sent, letters::told, visit::Visit, words::Words};

mod faults;
mod files;
mod written;

pub(crate) use faults::{Faults, first_told, refusal};
pub(crate) use files::{
    Paper, Received, file_words, keep, kept_attachment, kept_name, paper_name, papers, receive, too_large,
    upload_key,
};
pub(crate) use written::{
    PERSON, arrange, digits, input_name, put_subject, put_values, says_who, subject, values,
};
use written::{bounds, cell_name, rows_name, shown_rows};

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

/// An id on the page: dots would need escapes in style and script.
pub(crate) fn id_of(name: &str) -> String {
    name.replace('.', "-")
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

/// Villages by code, as suggestions for the fields of a type that ask for one; none where none does.
pub(crate) fn regions(kind: &LetterType, offices: &[Office]) -> Vec<(String, String)> {
    let asks = |field: &FormField| field.kind() == FieldKind::Region;
    if !kind.fields.iter().any(|field| asks(field) || field.columns.iter().any(asks)) {
        return Vec::new();
    }
    let villages = offices.iter().filter(|office| office.kind() == OfficeKind::Village);
    villages.map(|office| (office.area.clone(), office.name.clone())).collect()
}

/// The key of a form that was sent; a new one if it brought none that can be used.
pub(crate) fn form_key(sent: &Sent) -> String {
    let given = Uuid::parse_str(sent.get("kunci"));
    given.unwrap_or_else(|_| Uuid::new_v4()).to_string()
}

/// The key of a form that was sent, [`form_key`]; from now on it stands in the form, which may be shown again.
pub(crate) fn settle_key(sent: &mut Sent) -> String {
    let key = form_key(sent);
    sent.set("kunci", key.as_str());
    key
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

/// A type as the tests of the rooms have it.
#[cfg(test)]
fn kind() -> LetterType {
    use mpp_proto::documents::v1::{LocalizedText, Requirement};

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
