//! What a form asks: fields as data, and what is wrong with what was filled in.
//!
//! The same definition serves the citizen's page, the counter and the API; the check answers every violation at once.

use std::str::FromStr;

use chrono::{NaiveDate, NaiveTime};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString};

use super::area::RegionCode;
use super::person::{Nik, NumberError, check_family_card};
use super::text::{self, Text};

/// Characters of a value at most, where the field says nothing else.
const DEFAULT_LENGTH: usize = 200;
/// Characters of a longer text at most, where the field says nothing else.
const DEFAULT_LONG_LENGTH: usize = 2_000;
/// Characters of any value at most, whatever a field says: what the renderer prints in one place.
const MAX_LENGTH: usize = 2_000;

/// Kinds of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, EnumIter)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FieldType {
    /// One line.
    Text,
    /// Several lines.
    LongText,
    /// A whole number.
    Number,
    /// Whole rupiah.
    Money,
    /// A date, `2026-11-26`.
    Date,
    /// A local time, `09:30`.
    Time,
    /// One of the field's choices.
    Choice,
    /// Yes or no.
    Boolean,
    /// A national identity number.
    Nik,
    /// A family card number.
    Kk,
    /// A tax number, 15 digits, or 16 where it is the NIK (PMK 112/2022).
    Npwp,
    /// A business number, 13 digits.
    Nib,
    /// A telephone number.
    Phone,
    /// An e-mail address.
    Email,
    /// A region code of the Ministry of Home Affairs.
    Region,
    /// The name of a person.
    PersonName,
    /// An address in words.
    Address,
    /// The registration of a vehicle, `BD 1234 XY`.
    VehicleRegistration,
    /// Several persons or things, each with the values of the field's columns: heirs, those who move along.
    List,
}

/// Whether a value is personal data (UU 27/2022 Pasal 4).
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, EnumIter,
)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DataClass {
    /// Not personal.
    #[default]
    None,
    /// General personal data: name, address, marital status (ayat 3).
    General,
    /// Specific personal data: health, children, personal finances, criminal records (ayat 2).
    Specific,
}

/// What of a person's earlier data a field is filled with, so that nothing is asked twice. Two fields of different
/// letters with the same attribute mean the same thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, EnumIter)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Attribute {
    /// NIK.
    Nik,
    /// Family card number.
    Kk,
    /// Full name.
    Name,
    /// Place of birth.
    BirthPlace,
    /// Date of birth.
    BirthDate,
    /// Laki-laki or perempuan.
    Sex,
    /// Religion.
    Religion,
    /// Marital status.
    MaritalStatus,
    /// Occupation.
    Occupation,
    /// Citizenship.
    Citizenship,
    /// Education.
    Education,
    /// Address in words.
    Address,
    /// Telephone.
    Phone,
    /// E-mail.
    Email,
    /// The father's name.
    FatherName,
    /// The mother's name.
    MotherName,
    /// Name of the person's business.
    BusinessName,
    /// Kind of the person's business.
    BusinessKind,
    /// Address of the person's business.
    BusinessAddress,
    /// Tax number.
    Npwp,
    /// Business number.
    Nib,
    /// Number of the registration certificate of a health worker (STR).
    RegistrationCertificate,
    /// Name of the place of practice.
    PracticeName,
    /// Address of the place of practice.
    PracticeAddress,
}

/// On which side of today a date must lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum When {
    /// Today or before.
    Past,
    /// Today or later.
    Future,
}

/// One of the choices of a field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// What is stored and printed.
    pub value: String,
    /// What is shown; the value itself when it is left out.
    #[serde(default)]
    pub label: Option<Text>,
}

/// A field is asked only when another has this value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OnlyWhen {
    /// The other field.
    pub key: String,
    /// Its value.
    pub equals: serde_json::Value,
}

/// A field of a form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// Its name in values and templates: lower-case letters, digits and underscores.
    pub key: String,
    /// What kind of value it takes.
    #[serde(rename = "type")]
    pub kind: FieldType,
    /// What it is called.
    pub label: Text,
    /// A sentence that helps.
    #[serde(default)]
    pub help: Option<Text>,
    /// Whether it must be filled in when it is asked.
    #[serde(default = "yes")]
    pub required: bool,
    /// The least number or amount; of a list, the fewest rows.
    #[serde(default)]
    pub min: Option<i64>,
    /// The greatest number or amount; of a list, the most rows.
    #[serde(default)]
    pub max: Option<i64>,
    /// The fewest characters.
    #[serde(default)]
    pub min_length: Option<usize>,
    /// The most characters.
    #[serde(default)]
    pub max_length: Option<usize>,
    /// A picture of the value, see [`Picture`].
    #[serde(default)]
    pub pattern: Option<String>,
    /// What can be chosen.
    #[serde(default)]
    pub choices: Vec<Choice>,
    /// What each row of a list holds.
    #[serde(default)]
    pub columns: Vec<Field>,
    /// On which side of today a date must lie.
    #[serde(default)]
    pub when: Option<When>,
    /// Only asked when another field has a value.
    #[serde(default)]
    pub only_when: Option<OnlyWhen>,
    /// What of the person's earlier data fills it.
    #[serde(default)]
    pub prefill: Option<Attribute>,
    /// A value for previews; never a real person's. A column has none: the list has.
    #[serde(default)]
    pub sample: serde_json::Value,
    /// Whether it is personal data.
    #[serde(default)]
    pub personal: DataClass,
}

fn yes() -> bool {
    true
}

/// Values of a form, by field.
pub type Values = serde_json::Map<String, serde_json::Value>;

/// What is wrong with one value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The field.
    pub field: String,
    /// Why, in `UPPER_SNAKE_CASE`.
    pub reason: &'static str,
    /// What helps. It never repeats the value.
    pub remedy: Text,
}

/// The picture of a value, for officials who know no regular expressions: `9` is a digit, `A` a capital letter, `X`
/// either, everything else stands for itself; `?` makes the character before it optional; `\` takes the next one as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture(Vec<(Place, bool)>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Digit,
    Capital,
    Either,
    Exactly(char),
}

impl FromStr for Picture {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let mut places: Vec<(Place, bool)> = Vec::new();
        let mut characters = text.chars();
        while let Some(character) = characters.next() {
            let place = match character {
                '9' => Place::Digit,
                'A' => Place::Capital,
                'X' => Place::Either,
                '?' => {
                    match places.last_mut() {
                        Some((_, optional)) if !*optional => *optional = true,
                        Some(_) | None => return Err("? has nothing before it to make optional"),
                    }
                    continue;
                }
                '\\' => Place::Exactly(characters.next().ok_or("\\ has nothing after it")?),
                other => Place::Exactly(other),
            };
            places.push((place, false));
        }
        if places.is_empty() { Err("an empty pattern") } else { Ok(Self(places)) }
    }
}

impl Picture {
    /// Whether the whole text is as the picture shows. The work grows with both lengths only, whatever is given.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        // Which places may come next; a place that is optional may be skipped.
        let open = |mut at: Vec<bool>| {
            for index in 0..self.0.len() {
                if at[index] && self.0[index].1 {
                    at[index + 1] = true;
                }
            }
            at
        };
        let mut at = vec![false; self.0.len() + 1];
        at[0] = true;
        let mut at = open(at);
        for character in text.chars() {
            let mut next = vec![false; self.0.len() + 1];
            for (index, (place, _)) in self.0.iter().enumerate() {
                let fits = match place {
                    Place::Digit => character.is_ascii_digit(),
                    Place::Capital => character.is_ascii_uppercase(),
                    Place::Either => character.is_ascii_digit() || character.is_ascii_uppercase(),
                    Place::Exactly(it) => character == *it,
                };
                if at[index] && fits {
                    next[index + 1] = true;
                }
            }
            at = open(next);
        }
        at[self.0.len()]
    }
}

/// What is wrong with a form itself, for the official who edits it.
#[must_use]
pub fn defects(fields: &[Field]) -> Vec<String> {
    let mut defects = Vec::new();
    for (at, field) in fields.iter().enumerate() {
        let key = &field.key;
        let mut note = |what: &str| defects.push(format!("fields.{key}: {what}"));
        if !is_key(key) {
            note("a key has 1 to 40 lower-case letters, digits and underscores and begins with a letter");
        }
        if fields[..at].iter().any(|other| other.key == *key) {
            note("the key stands twice");
        }
        if field.label.id.trim().is_empty() || field.label.en.trim().is_empty() {
            note("the label is missing in Indonesian or English");
        }
        if (field.kind == FieldType::Choice) == field.choices.is_empty() {
            note("choices belong to a CHOICE, and a CHOICE needs them");
        }
        for (nth, choice) in field.choices.iter().enumerate() {
            if field.choices[..nth].iter().any(|other| other.value == choice.value) {
                note("a choice stands twice");
            }
        }
        if field.min > field.max && field.max.is_some()
            || field.min_length > field.max_length && field.max_length.is_some()
        {
            note("the least is above the greatest");
        }
        if field.max_length.is_some_and(|it| it == 0 || it > MAX_LENGTH) {
            note("max_length is 1 to 2000");
        }
        let has_bounds = matches!(field.kind, FieldType::Number | FieldType::Money | FieldType::List);
        if (field.min.is_some() || field.max.is_some()) && !has_bounds {
            note("min and max belong to NUMBER, MONEY and LIST");
        }
        if (field.kind == FieldType::List) == field.columns.is_empty() {
            note("columns belong to a LIST, and a LIST needs them");
        }
        if field
            .columns
            .iter()
            .any(|it| it.kind == FieldType::List || it.only_when.is_some() || it.prefill.is_some())
        {
            note("a column is no LIST, has no condition and is not filled in by itself");
        }
        if field.when.is_some() && field.kind != FieldType::Date {
            note("when belongs to a DATE");
        }
        if let Some(pattern) = &field.pattern
            && let Err(why) = pattern.parse::<Picture>()
        {
            note(why);
        }
        if let Some(condition) = &field.only_when {
            // Only a field above may decide, so that no two hide each other.
            match fields[..at].iter().find(|other| other.key == condition.key) {
                None => note("only_when names no field above this one"),
                Some(other) => {
                    if check_value(other, &condition.equals, None).is_err() {
                        note("only_when names a value that the other field cannot have");
                    }
                }
            }
        }
        if is_identifying(field.kind) && field.personal == DataClass::None {
            note("this kind of value is personal data: say GENERAL or SPECIFIC");
        }
        defects.extend(self::defects(&field.columns).into_iter().map(|it| format!("fields.{key}: {it}")));
    }
    defects
}

/// Whether values of this kind always point to a person.
fn is_identifying(kind: FieldType) -> bool {
    match kind {
        FieldType::Nik
        | FieldType::Kk
        | FieldType::Npwp
        | FieldType::Phone
        | FieldType::Email
        | FieldType::PersonName => true,
        FieldType::Text
        | FieldType::LongText
        | FieldType::Number
        | FieldType::Money
        | FieldType::Date
        | FieldType::Time
        | FieldType::Choice
        | FieldType::Boolean
        | FieldType::Nib
        | FieldType::Region
        | FieldType::Address
        | FieldType::VehicleRegistration
        | FieldType::List => false,
    }
}

/// Whether a text can be the key of a field or a letter type's own word in templates.
#[must_use]
pub fn is_key(text: &str) -> bool {
    (1..=40).contains(&text.len())
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'_')
}

/// Whether a field is asked, given the other values.
#[must_use]
pub fn is_asked(fields: &[Field], field: &Field, values: &Values) -> bool {
    match &field.only_when {
        None => true,
        Some(condition) => {
            values.get(&condition.key) == Some(&condition.equals)
                && fields
                    .iter()
                    .take_while(|other| other.key != field.key)
                    .find(|other| other.key == condition.key)
                    .is_some_and(|other| is_asked(fields, other, values))
        }
    }
}

/// The values as they are kept: texts cleaned and composed, numbers and answers of web forms read, empty ones left out.
/// What is wrong stays as it is, for [`validate`] to name.
#[must_use]
pub fn normalise(fields: &[Field], values: &Values) -> Values {
    values
        .iter()
        .filter_map(|(key, value)| {
            let serde_json::Value::String(written) = value else {
                if let Some(rows) = value.as_array()
                    && let Some(list) = fields.iter().find(|it| it.key == *key && it.kind == FieldType::List)
                {
                    return Some((key.clone(), rows_of(list, rows)));
                }
                return (!value.is_null()).then(|| (key.clone(), value.clone()));
            };
            let cleaned = text::clean(written);
            if cleaned.is_empty() {
                return None;
            }
            let kind = fields.iter().find(|field| field.key == *key).map(|field| field.kind);
            // Only what is plain already: dropping what stands between two marks could join them.
            let digits = || match cleaned.is_ascii() {
                true => cleaned.replace([' ', '-', '.'], ""),
                false => cleaned.clone(),
            };
            let value = match kind {
                Some(FieldType::Number | FieldType::Money) => {
                    let plain = cleaned.trim_start_matches("Rp").trim().replace('.', "");
                    plain.parse::<i64>().map_or(serde_json::Value::String(cleaned), Into::into)
                }
                Some(FieldType::Boolean) => match cleaned.as_str() {
                    "true" | "on" | "ya" => true.into(),
                    "false" | "off" | "tidak" => false.into(),
                    _ => serde_json::Value::String(cleaned),
                },
                Some(FieldType::Nik | FieldType::Kk | FieldType::Npwp | FieldType::Nib) => digits().into(),
                Some(FieldType::Phone) => digits().into(),
                Some(FieldType::VehicleRegistration) => cleaned.to_ascii_uppercase().into(),
                Some(FieldType::Email) => cleaned.to_ascii_lowercase().into(),
                Some(
                    FieldType::Text
                    | FieldType::LongText
                    | FieldType::Date
                    | FieldType::Time
                    | FieldType::Choice
                    | FieldType::Region
                    | FieldType::PersonName
                    | FieldType::Address
                    | FieldType::List,
                )
                | None => serde_json::Value::String(cleaned),
            };
            (value != "").then(|| (key.clone(), value))
        })
        .collect()
}

/// The rows of a list as they are kept; rows that were left empty are left out.
fn rows_of(list: &Field, rows: &[serde_json::Value]) -> serde_json::Value {
    rows.iter()
        .map(|row| row.as_object().map_or_else(|| row.clone(), |row| normalise(&list.columns, row).into()))
        .filter(|row| row.as_object().is_none_or(|row| !row.is_empty()))
        .collect()
}

/// Everything that is wrong with `values`, at once and in the order of the form; then what no field asked for. `today`
/// is the local date of the office.
#[must_use]
pub fn validate(fields: &[Field], values: &Values, today: NaiveDate) -> Vec<Violation> {
    check_all(fields, values, Some(today))
}

/// The same for samples, which hold on any day: no date is compared with today.
#[must_use]
pub fn validate_sample(fields: &[Field], values: &Values) -> Vec<Violation> {
    check_all(fields, values, None)
}

fn check_all(fields: &[Field], values: &Values, today: Option<NaiveDate>) -> Vec<Violation> {
    let mut violations = Vec::new();
    for field in fields {
        let asked = is_asked(fields, field, values);
        let found = match values.get(&field.key) {
            Some(value) if !value.is_null() && value != "" => {
                if asked && field.kind == FieldType::List {
                    check_rows(field, value, today, &mut violations);
                    None
                } else if asked {
                    check_value(field, value, today).err()
                } else {
                    Some(Wrong::new(
                        "NOT_ASKED",
                        "kosongkan isian ini untuk pilihan di atas",
                        "leave this empty for the choice above",
                    ))
                }
            }
            Some(_) | None if asked && field.required => {
                Some(Wrong::new("REQUIRED", "isian ini wajib diisi", "this field is required"))
            }
            Some(_) | None => None,
        };
        if let Some(wrong) = found {
            violations.push(Violation {
                field: field.key.clone(),
                reason: wrong.reason,
                remedy: wrong.remedy,
            });
        }
    }
    for key in values.keys().filter(|key| fields.iter().all(|field| field.key != **key)) {
        violations.push(Violation {
            field: key.clone(),
            reason: "UNKNOWN_FIELD",
            remedy: Text::new("hapus isian yang tidak dikenal ini", "remove this field: it is not known"),
        });
    }
    violations
}

/// Rows of a list at most, where the field says nothing else.
const DEFAULT_ROWS: i64 = 20;

fn check_rows(
    field: &Field,
    value: &serde_json::Value,
    today: Option<NaiveDate>,
    violations: &mut Vec<Violation>,
) {
    let (least, most) = (field.min.unwrap_or(1), field.max.unwrap_or(DEFAULT_ROWS));
    let rows = value.as_array().map_or(&[][..], Vec::as_slice);
    let count = i64::try_from(rows.len()).unwrap_or(i64::MAX);
    if count < least || count > most || rows.iter().any(|row| !row.is_object()) {
        violations.push(Violation {
            field: field.key.clone(),
            reason: "INVALID_ROWS",
            remedy: Text::new(
                format!("isi {least} sampai {most} baris"),
                format!("give {least} to {most} rows"),
            ),
        });
        return;
    }
    for (at, row) in rows.iter().filter_map(serde_json::Value::as_object).enumerate() {
        for found in check_all(&field.columns, row, today) {
            violations.push(Violation { field: format!("{}[{at}].{}", field.key, found.field), ..found });
        }
    }
}

struct Wrong {
    reason: &'static str,
    remedy: Text,
}

impl Wrong {
    fn new(reason: &'static str, id: impl Into<String>, en: impl Into<String>) -> Self {
        Self { reason, remedy: Text::new(id, en) }
    }
}

/// Checks one value. Without `today`, bounds against it are not looked at.
fn check_value(field: &Field, value: &serde_json::Value, today: Option<NaiveDate>) -> Result<(), Wrong> {
    match field.kind {
        FieldType::Boolean => {
            if value.is_boolean() {
                Ok(())
            } else {
                Err(Wrong::new("INVALID_BOOLEAN", "pilih ya atau tidak", "choose yes or no"))
            }
        }
        FieldType::Number | FieldType::Money => check_number(field, value),
        // Rows are checked one by one where all violations are collected; no condition can name a list.
        FieldType::List => Err(Wrong::new("INVALID_ROWS", "isi dengan baris", "give rows")),
        FieldType::Text
        | FieldType::LongText
        | FieldType::Date
        | FieldType::Time
        | FieldType::Choice
        | FieldType::Nik
        | FieldType::Kk
        | FieldType::Npwp
        | FieldType::Nib
        | FieldType::Phone
        | FieldType::Email
        | FieldType::Region
        | FieldType::PersonName
        | FieldType::Address
        | FieldType::VehicleRegistration => match value.as_str() {
            Some(written) => check_text(field, written, today),
            None => Err(Wrong::new("INVALID_TEXT", "isi dengan teks", "give a text")),
        },
    }
}

fn check_number(field: &Field, value: &serde_json::Value) -> Result<(), Wrong> {
    let Some(number) = value.as_i64() else {
        return Err(Wrong::new(
            "INVALID_NUMBER",
            "isi dengan angka bulat tanpa huruf",
            "give a whole number without letters",
        ));
    };
    let least = field.min.unwrap_or(if field.kind == FieldType::Money { 0 } else { i64::MIN });
    // 15 digits: what every JSON reader keeps exactly.
    let most = field.max.unwrap_or(999_999_999_999_999);
    if number < least || number > most {
        return Err(Wrong::new(
            "OUT_OF_RANGE",
            format!("isi dengan angka {least} sampai {most}"),
            format!("give a number from {least} to {most}"),
        ));
    }
    Ok(())
}

fn check_text(field: &Field, written: &str, today: Option<NaiveDate>) -> Result<(), Wrong> {
    let lines = matches!(field.kind, FieldType::LongText | FieldType::Address);
    if written.chars().any(|character| text::is_deceptive(character, lines)) {
        return Err(Wrong::new(
            "INVALID_CHARACTER",
            "hapus karakter yang tidak terlihat atau tidak dapat dicetak, lalu ketik ulang",
            "remove characters that are invisible or cannot be printed, and type it again",
        ));
    }
    if !text::is_composed(written) {
        return Err(Wrong::new(
            "NOT_NORMALISED",
            "ketik ulang huruf bertanda (bentuk Unicode NFC)",
            "type letters with marks again (Unicode form NFC)",
        ));
    }
    let length = written.chars().count();
    let least = field.min_length.unwrap_or(1);
    let most = field.max_length.unwrap_or(if lines { DEFAULT_LONG_LENGTH } else { DEFAULT_LENGTH });
    if length < least || length > most || written.trim().is_empty() {
        return Err(Wrong::new(
            "INVALID_LENGTH",
            format!("isi dengan {least} sampai {most} karakter"),
            format!("give {least} to {most} characters"),
        ));
    }
    if let Some(pattern) = &field.pattern
        && !pattern.parse::<Picture>().is_ok_and(|picture| picture.matches(written))
    {
        return Err(Wrong::new(
            "INVALID_PATTERN",
            format!(
                "isi menurut pola {pattern} (9 angka, A huruf besar, X angka atau huruf besar, ? boleh tidak ada)"
            ),
            format!("follow the pattern {pattern} (9 digit, A capital, X either, ? optional)"),
        ));
    }
    check_kind(field, written, today)
}

fn check_kind(field: &Field, written: &str, today: Option<NaiveDate>) -> Result<(), Wrong> {
    match field.kind {
        FieldType::Nik => {
            written.parse::<Nik>().map(|_| ()).map_err(|error| number_wrong("INVALID_NIK", "NIK", error))
        }
        FieldType::Kk => {
            check_family_card(written).map_err(|error| number_wrong("INVALID_KK", "nomor KK", error))
        }
        FieldType::Npwp => digits(
            written,
            &[15, 16],
            "INVALID_NPWP",
            "NPWP 15 atau 16 angka",
            "a tax number of 15 or 16 digits",
        ),
        FieldType::Nib => {
            digits(written, &[13], "INVALID_NIB", "NIB 13 angka", "a business number of 13 digits")
        }
        FieldType::Date => check_date(field, written, today),
        FieldType::Time => match written.len() {
            5 if NaiveTime::parse_from_str(written, "%H:%M").is_ok() => Ok(()),
            _ => Err(Wrong::new("INVALID_TIME", "isi dengan jam seperti 09:30", "give a time such as 09:30")),
        },
        FieldType::Choice => {
            if field.choices.iter().any(|choice| choice.value == written) {
                Ok(())
            } else {
                Err(Wrong::new(
                    "INVALID_CHOICE",
                    "pilih salah satu pilihan yang tersedia",
                    "choose one of the choices",
                ))
            }
        }
        FieldType::Phone => {
            let national = written.strip_prefix("+62").or_else(|| written.strip_prefix('0'));
            let sound = national.is_some_and(|rest| {
                (8..=13).contains(&rest.len())
                    && !rest.starts_with('0')
                    && rest.bytes().all(|it| it.is_ascii_digit())
            });
            if sound {
                Ok(())
            } else {
                Err(Wrong::new(
                    "INVALID_PHONE",
                    "isi dengan nomor seperti 081234567890",
                    "give a number such as 081234567890",
                ))
            }
        }
        FieldType::Email => {
            if is_email(written) {
                Ok(())
            } else {
                Err(Wrong::new(
                    "INVALID_EMAIL",
                    "isi dengan alamat seperti nama@contoh.id",
                    "give an address such as nama@contoh.id",
                ))
            }
        }
        FieldType::Region => match written.parse::<RegionCode>() {
            Ok(_) => Ok(()),
            Err(_) => Err(Wrong::new(
                "INVALID_REGION",
                "isi dengan kode wilayah seperti 17.07.05.2009",
                "give a region code such as 17.07.05.2009",
            )),
        },
        FieldType::PersonName => {
            let sound = written.chars().any(char::is_alphabetic)
                && written.chars().all(|it| {
                    it.is_alphabetic()
                        || matches!(it, ' ' | '.' | ',' | '\'' | '’' | '-' | '`' | '/' | '(' | ')')
                });
            if sound {
                Ok(())
            } else {
                Err(Wrong::new(
                    "INVALID_NAME",
                    "isi nama dengan huruf saja, seperti pada KTP",
                    "give the name in letters only, as on the identity card",
                ))
            }
        }
        FieldType::VehicleRegistration => {
            let sound = "AA? 99?9?9? AA?A?".parse::<Picture>().is_ok_and(|picture| picture.matches(written));
            if sound {
                Ok(())
            } else {
                Err(Wrong::new(
                    "INVALID_REGISTRATION",
                    "isi dengan nomor polisi seperti BD 1234 XY",
                    "give a registration such as BD 1234 XY",
                ))
            }
        }
        FieldType::Text
        | FieldType::LongText
        | FieldType::Address
        | FieldType::Number
        | FieldType::Money
        | FieldType::Boolean
        | FieldType::List => Ok(()),
    }
}

fn number_wrong(reason: &'static str, name: &str, error: NumberError) -> Wrong {
    let (id, en) = match error {
        NumberError::Digits => ("harus 16 angka", "must have 16 digits"),
        NumberError::Region => (
            "tidak diawali kode wilayah; periksa enam angka pertama",
            "begins with no region code; check the first six digits",
        ),
        NumberError::Date => (
            "tidak memuat tanggal yang benar; periksa angka ke-7 sampai ke-12",
            "holds no real date; check digits 7 to 12",
        ),
        NumberError::Serial => ("tidak boleh berakhir 0000", "must not end in 0000"),
    };
    Wrong::new(reason, format!("{name} {id}"), format!("{name}: {en}"))
}

fn digits(written: &str, lengths: &[usize], reason: &'static str, id: &str, en: &str) -> Result<(), Wrong> {
    if lengths.contains(&written.len()) && written.bytes().all(|it| it.is_ascii_digit()) {
        Ok(())
    } else {
        Err(Wrong::new(reason, format!("isi dengan {id}"), format!("give {en}")))
    }
}

fn check_date(field: &Field, written: &str, today: Option<NaiveDate>) -> Result<(), Wrong> {
    // Written back it must be the same: the parser alone also takes signs and single digits.
    let date = NaiveDate::parse_from_str(written, "%Y-%m-%d").ok().filter(|date| date.to_string() == written);
    // Nobody who is alive was born before 1900, and no letter is about the next century.
    let Some(date) = date.filter(|date| ("1900-01-01"..="2199-12-31").contains(&date.to_string().as_str()))
    else {
        return Err(Wrong::new(
            "INVALID_DATE",
            "isi dengan tanggal yang benar, tahun-bulan-hari seperti 2026-11-26",
            "give a real date, year-month-day such as 2026-11-26",
        ));
    };
    match (field.when, today) {
        (Some(When::Past), Some(today)) if date > today => Err(Wrong::new(
            "DATE_IN_FUTURE",
            "tanggal tidak boleh setelah hari ini",
            "the date must not be after today",
        )),
        (Some(When::Future), Some(today)) if date < today => Err(Wrong::new(
            "DATE_IN_PAST",
            "tanggal tidak boleh sebelum hari ini",
            "the date must not be before today",
        )),
        (Some(_) | None, Some(_) | None) => Ok(()),
    }
}

/// Whether a text looks like an address that mail can be sent to. Only sending proves it.
#[must_use]
pub fn is_email(text: &str) -> bool {
    let Some((local, host)) = text.rsplit_once('@') else { return false };
    let plain = |it: u8| it.is_ascii_alphanumeric() || matches!(it, b'.' | b'-' | b'_' | b'+');
    !local.is_empty()
        && local.len() <= 64
        && host.len() <= 253
        && local.bytes().all(plain)
        && host.contains('.')
        && host.split('.').all(|label| {
            !label.is_empty()
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-')
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;
    use strum::IntoEnumIterator;

    fn field(key: &str, kind: FieldType) -> Field {
        serde_json::from_value(json!({
            "key": key, "type": kind, "label": {"id": "Isian", "en": "Field"}, "sample": null,
            "choices": if kind == FieldType::Choice { json!([{"value": "a"}, {"value": "b"}]) } else { json!([]) },
            "personal": if is_identifying(kind) { "GENERAL" } else { "NONE" },
            "columns": if kind == FieldType::List {
                json!([
                    {"key": "nama", "type": "PERSON_NAME", "label": {"id": "Nama", "en": "Name"}, "personal": "GENERAL"},
                    {"key": "lahir", "type": "DATE", "label": {"id": "Lahir", "en": "Born"}, "required": false},
                ])
            } else { json!([]) },
        }))
        .unwrap()
    }

    fn today() -> NaiveDate {
        "2026-11-26".parse().unwrap()
    }

    fn values(value: serde_json::Value) -> Values {
        value.as_object().unwrap().clone()
    }

    fn reasons(fields: &[Field], given: serde_json::Value) -> Vec<(String, &'static str)> {
        validate(fields, &values(given), today()).into_iter().map(|it| (it.field, it.reason)).collect()
    }

    #[test]
    fn each_kind_takes_what_it_should_and_nothing_else() {
        use FieldType as T;
        for (kind, good, bad) in [
            (
                T::Text,
                vec![json!("Bioa Sengok")],
                vec![
                    (json!(5), "INVALID_TEXT"),
                    (json!("a\nb"), "INVALID_CHARACTER"),
                    (json!("   "), "INVALID_LENGTH"),
                    (json!("x".repeat(201)), "INVALID_LENGTH"),
                ],
            ),
            (
                T::LongText,
                vec![json!("baris\nbaris")],
                vec![(json!("a\u{202E}b"), "INVALID_CHARACTER"), (json!("x".repeat(2001)), "INVALID_LENGTH")],
            ),
            (
                T::Number,
                vec![json!(0), json!(-3)],
                vec![
                    (json!("tiga"), "INVALID_NUMBER"),
                    (json!(1.5), "INVALID_NUMBER"),
                    (json!(10_000_000_000_000_000_i64), "OUT_OF_RANGE"),
                ],
            ),
            (T::Money, vec![json!(0), json!(1_500_000)], vec![(json!(-1), "OUT_OF_RANGE")]),
            (
                T::Date,
                vec![json!("2024-02-29")],
                vec![
                    (json!("2023-02-29"), "INVALID_DATE"),
                    (json!("26-11-2026"), "INVALID_DATE"),
                    (json!("0001-01-01"), "INVALID_DATE"),
                    (json!("+2026-11-6"), "INVALID_DATE"),
                ],
            ),
            (
                T::Time,
                vec![json!("09:30"), json!("23:59")],
                vec![(json!("24:00"), "INVALID_TIME"), (json!("9:30"), "INVALID_TIME")],
            ),
            (T::Choice, vec![json!("a")], vec![(json!("c"), "INVALID_CHOICE")]),
            (T::Boolean, vec![json!(true), json!(false)], vec![(json!("true"), "INVALID_BOOLEAN")]),
            (T::Nik, vec![json!("1707056602920003")], vec![(json!("1707053202850001"), "INVALID_NIK")]),
            (T::Kk, vec![json!("1707051203180002")], vec![(json!("123"), "INVALID_KK")]),
            (
                T::Npwp,
                vec![json!("012345678901000"), json!("1707056602920003")],
                vec![(json!("01.234.567.8-901.000"), "INVALID_NPWP")],
            ),
            (T::Nib, vec![json!("1234567890123")], vec![(json!("12345"), "INVALID_NIB")]),
            (
                T::Phone,
                vec![json!("081234567890"), json!("+6281234567890"), json!("073821234567")],
                vec![(json!("12345"), "INVALID_PHONE"), (json!("0812-3456-7890"), "INVALID_PHONE")],
            ),
            (
                T::Email,
                vec![json!("siti.aminah@contoh.id")],
                vec![
                    (json!("siti@"), "INVALID_EMAIL"),
                    (json!("a b@c.id"), "INVALID_EMAIL"),
                    (json!("a@c"), "INVALID_EMAIL"),
                    (json!("a@-c.id"), "INVALID_EMAIL"),
                ],
            ),
            (T::Region, vec![json!("17.07.05.2009")], vec![(json!("1707052009"), "INVALID_REGION")]),
            (
                T::PersonName,
                vec![json!("Siti Aminah, S.Pd."), json!("I Gusti Ngurah"), json!("Ma’ruf")],
                vec![(json!("S1ti"), "INVALID_NAME"), (json!("..."), "INVALID_NAME")],
            ),
            (
                T::Address,
                vec![json!("Jalan Lintas Curup–Muara Aman No. 5\nRT 005 RW 002")],
                vec![(json!("a\tb"), "INVALID_CHARACTER")],
            ),
            (
                T::VehicleRegistration,
                vec![json!("BD 1234 XY"), json!("B 1 A")],
                vec![
                    (json!("BD1234XY"), "INVALID_REGISTRATION"),
                    (json!("bd 1234 xy"), "INVALID_REGISTRATION"),
                ],
            ),
        ] {
            let form = [field("x", kind)];
            for value in good {
                assert_eq!(reasons(&form, json!({"x": value})), [], "{kind} {value}");
            }
            for (value, reason) in bad {
                assert_eq!(reasons(&form, json!({"x": value})), [("x".to_owned(), reason)], "{kind} {value}");
            }
        }
    }

    #[test]
    fn everything_wrong_is_answered_at_once_and_never_repeats_a_value() {
        let form = [
            field("name", FieldType::PersonName),
            field("nik", FieldType::Nik),
            field("born", FieldType::Date),
        ];
        let found = validate(&form, &values(json!({"nik": "9999", "born": "kemarin", "salary": 1})), today());
        let found: Vec<_> = found.iter().map(|it| (it.field.as_str(), it.reason, &it.remedy)).collect();
        assert_eq!(
            found.iter().map(|it| (it.0, it.1)).collect::<Vec<_>>(),
            [
                ("name", "REQUIRED"),
                ("nik", "INVALID_NIK"),
                ("born", "INVALID_DATE"),
                ("salary", "UNKNOWN_FIELD")
            ]
        );
        for (_, _, remedy) in found {
            for text in [&remedy.id, &remedy.en] {
                assert!(!text.is_empty() && !text.contains("9999") && !text.contains("kemarin"), "{text}");
            }
        }
    }

    #[test]
    fn bounds_lengths_patterns_and_dates_hold() {
        let mut age = field("age", FieldType::Number);
        (age.min, age.max) = (Some(17), Some(120));
        assert_eq!(reasons(&[age.clone()], json!({"age": 16})), [("age".to_owned(), "OUT_OF_RANGE")]);
        assert_eq!(reasons(&[age], json!({"age": 17})), []);
        let mut str_number = field("str", FieldType::Text);
        str_number.pattern = Some("AA9?9".to_owned());
        assert_eq!(reasons(&[str_number.clone()], json!({"str": "BD1"})), []);
        assert_eq!(reasons(&[str_number], json!({"str": "BD"})), [("str".to_owned(), "INVALID_PATTERN")]);
        let mut born = field("born", FieldType::Date);
        born.when = Some(When::Past);
        assert_eq!(reasons(&[born.clone()], json!({"born": "2026-11-26"})), []);
        assert_eq!(reasons(&[born], json!({"born": "2026-11-27"})), [("born".to_owned(), "DATE_IN_FUTURE")]);
        let mut event = field("event", FieldType::Date);
        event.when = Some(When::Future);
        assert_eq!(reasons(&[event], json!({"event": "2026-11-25"})), [("event".to_owned(), "DATE_IN_PAST")]);
    }

    #[test]
    fn a_field_is_asked_only_when_its_condition_holds_all_the_way_up() {
        let mut married = field("married", FieldType::Boolean);
        married.required = false;
        let mut spouse = field("spouse", FieldType::PersonName);
        spouse.only_when = Some(OnlyWhen { key: "married".to_owned(), equals: json!(true) });
        let mut since = field("since", FieldType::Date);
        since.only_when = Some(OnlyWhen { key: "spouse".to_owned(), equals: json!("Budi") });
        let form = [married, spouse, since];
        assert_eq!(reasons(&form, json!({})), []);
        assert_eq!(reasons(&form, json!({"married": true})), [("spouse".to_owned(), "REQUIRED")]);
        assert_eq!(
            reasons(&form, json!({"married": true, "spouse": "Budi"})),
            [("since".to_owned(), "REQUIRED")]
        );
        // What is hidden must stay empty, or it would be printed or kept unseen.
        assert_eq!(
            reasons(&form, json!({"married": false, "spouse": "Budi", "since": "2020-01-01"})),
            [("spouse".to_owned(), "NOT_ASKED"), ("since".to_owned(), "NOT_ASKED")]
        );
        assert_eq!(defects(&form), Vec::<String>::new());
    }

    #[test]
    fn rows_of_a_list_are_checked_one_by_one() {
        let mut heirs = field("heirs", FieldType::List);
        heirs.max = Some(2);
        let form = [heirs];
        assert_eq!(
            reasons(&form, json!({"heirs": [{"nama": "Ani", "lahir": "1990-01-01"}, {"nama": "Budi"}]})),
            []
        );
        assert_eq!(reasons(&form, json!({})), [("heirs".to_owned(), "REQUIRED")]);
        for rows in
            [json!([]), json!("Ani"), json!(["Ani"]), json!([{"nama": "A"}, {"nama": "B"}, {"nama": "C"}])]
        {
            assert_eq!(reasons(&form, json!({"heirs": rows})), [("heirs".to_owned(), "INVALID_ROWS")]);
        }
        assert_eq!(
            reasons(&form, json!({"heirs": [{"nama": "Ani"}, {"lahir": "kemarin", "gaji": 1}]})),
            [
                ("heirs[1].nama".to_owned(), "REQUIRED"),
                ("heirs[1].lahir".to_owned(), "INVALID_DATE"),
                ("heirs[1].gaji".to_owned(), "UNKNOWN_FIELD"),
            ]
        );
        let kept = normalise(&form, &values(json!({"heirs": [{"nama": "  Ani  B "}, {"nama": " "}]})));
        assert_eq!(serde_json::Value::Object(kept), json!({"heirs": [{"nama": "Ani B"}]}));
    }

    #[test]
    fn what_people_type_becomes_what_is_kept() {
        let form = [
            field("name", FieldType::PersonName),
            field("nik", FieldType::Nik),
            field("income", FieldType::Money),
            field("agree", FieldType::Boolean),
            field("phone", FieldType::Phone),
            field("car", FieldType::VehicleRegistration),
            field("note", FieldType::Text),
        ];
        let typed = values(json!({
            "name": "  Jose\u{301}   Rizal ", "nik": "170705 660292 0003", "income": "Rp 1.500.000", "agree": "on",
            "phone": "0812-3456-7890", "car": "bd 1234 xy", "note": "   "
        }));
        let kept = normalise(&form, &typed);
        assert_eq!(
            serde_json::Value::Object(kept.clone()),
            json!({
                "name": "José Rizal", "nik": "1707056602920003", "income": 1_500_000, "agree": true,
                "phone": "081234567890", "car": "BD 1234 XY"
            })
        );
        assert_eq!(
            validate(&form, &kept, today()).iter().map(|it| it.field.as_str()).collect::<Vec<_>>(),
            ["note"]
        );
        assert_eq!(
            reasons(&form[..1], json!({"name": "Jose\u{301}"})),
            [("name".to_owned(), "NOT_NORMALISED")]
        );
    }

    #[test]
    fn defects_of_a_form_are_named() {
        let mut bad = field("Bad-Key", FieldType::Choice);
        bad.choices.clear();
        bad.label.en.clear();
        bad.min = Some(3);
        bad.max = Some(1);
        bad.when = Some(When::Past);
        bad.pattern = Some("?".to_owned());
        bad.only_when = Some(OnlyWhen { key: "later".to_owned(), equals: json!(1) });
        bad.max_length = Some(0);
        let mut open = field("later", FieldType::Nik);
        open.personal = DataClass::None;
        let mut asked = field("asked", FieldType::Text);
        asked.only_when = Some(OnlyWhen { key: "later".to_owned(), equals: json!("x") });
        let found = defects(&[bad, open.clone(), open, asked]);
        assert_eq!(found.len(), 13, "{found:#?}");
    }

    #[test]
    fn every_kind_can_be_written_in_a_catalogue() {
        for kind in FieldType::iter() {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.to_string());
            assert_eq!(defects(&[field("x", kind)]), Vec::<String>::new(), "{kind}");
        }
    }

    proptest! {
        /// What is kept is what would be kept again, and a value that is accepted holds nothing that deceives.
        #[test]
        fn accepted_values_are_clean(typed in "\\PC{0,60}", kind in prop::sample::select(FieldType::iter().collect::<Vec<_>>())) {
            let form = [field("x", kind)];
            let kept = normalise(&form, &values(json!({"x": typed})));
            prop_assert_eq!(normalise(&form, &kept), kept.clone());
            if validate(&form, &kept, today()).is_empty()
                && let Some(text) = kept.get("x").and_then(|it| it.as_str())
            {
                prop_assert!(!text.chars().any(|it| text::is_deceptive(it, true)) && text::is_composed(text));
            }
        }

        #[test]
        fn a_picture_agrees_with_its_meaning(digits in 0_usize..6) {
            let picture: Picture = "AA? 9?9?9".parse().unwrap();
            let text = format!("B {}", "7".repeat(digits));
            prop_assert_eq!(picture.matches(&text), (1..=3).contains(&digits));
        }
    }
}
