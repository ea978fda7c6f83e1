//! Why a JSON value is not a given message: every field that is wrong, with what belongs there. Only used once parsing
//! has failed, so it may take its time.

use chrono::DateTime;
use mpp_kit::fault::{Text, Violation};
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use serde_json::Value as Json;

/// The reason of a violation that names a field as the client wrote it.
pub(crate) const UNKNOWN_FIELD: &str = "UNKNOWN_FIELD";
const INVALID_VALUE: &str = "INVALID_VALUE";

/// A violation from its parts.
pub(crate) fn refuse(
    field: &str,
    reason: &'static str,
    id: impl Into<String>,
    en: impl Into<String>,
) -> Violation {
    Violation { field: field.to_owned(), reason, text: Text::new(id, en) }
}

/// A violation of the type of a field.
pub(crate) fn violation(path: &str, field: &FieldDescriptor) -> Violation {
    let (id, en) = if field.is_list() {
        ("daftar".to_owned(), "a list".to_owned())
    } else if field.is_map() {
        ("objek".to_owned(), "an object".to_owned())
    } else {
        expected(&field.kind())
    };
    refuse(path, INVALID_VALUE, format!("isi dengan {id}"), format!("give {en}"))
}

/// The field with a proto or JSON name.
pub(crate) fn field(descriptor: &MessageDescriptor, name: &str) -> Option<FieldDescriptor> {
    descriptor.get_field_by_json_name(name).or_else(|| descriptor.get_field_by_name(name))
}

/// What is wrong with a body.
pub(crate) fn body(descriptor: &MessageDescriptor, body: &[u8]) -> Vec<Violation> {
    match serde_json::from_slice(body) {
        Ok(json) => value(descriptor, &json),
        Err(error) => {
            let (line, column) = (error.line(), error.column());
            vec![refuse(
                "",
                "INVALID_JSON",
                format!("perbaiki JSON pada baris {line}, kolom {column}"),
                format!("correct the JSON at line {line}, column {column}"),
            )]
        }
    }
}

/// What is wrong with a JSON value. Never empty: what this check does not know is blamed on the whole.
pub(crate) fn value(descriptor: &MessageDescriptor, json: &Json) -> Vec<Violation> {
    let mut violations = Vec::new();
    message(descriptor, json, "", &mut violations);
    if violations.is_empty() {
        violations.push(refuse("", INVALID_VALUE, "periksa isi permintaan", "check the request"));
    }
    violations
}

fn message(descriptor: &MessageDescriptor, json: &Json, path: &str, violations: &mut Vec<Violation>) {
    let Json::Object(object) = json else {
        return violations.push(refuse(path, INVALID_VALUE, "isi dengan objek JSON", "give a JSON object"));
    };
    for (key, value) in object {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        let Some(field) = field(descriptor, key) else {
            violations.push(refuse(
                &path,
                UNKNOWN_FIELD,
                "hapus: tidak dikenal di sini",
                "remove it: it is not known here",
            ));
            continue;
        };
        match value {
            Json::Null => {}
            Json::Array(items) if field.is_list() => {
                for (index, item) in items.iter().enumerate() {
                    single(&field, &field.kind(), item, &format!("{path}[{index}]"), violations);
                }
            }
            Json::Object(_) if field.is_map() => {}
            _ if field.is_list() || field.is_map() => violations.push(violation(&path, &field)),
            Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_) | Json::Object(_) => {
                single(&field, &field.kind(), value, &path, violations);
            }
        }
    }
}

/// Checks one value, of a single field or of a list.
fn single(field: &FieldDescriptor, kind: &Kind, json: &Json, path: &str, violations: &mut Vec<Violation>) {
    let fits = match kind {
        Kind::Bool => json.is_boolean(),
        Kind::String => json.is_string(),
        Kind::Bytes => json.as_str().is_some_and(is_base64),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => {
            integer(json).is_some_and(|number| i32::try_from(number).is_ok())
        }
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => {
            integer(json).is_some_and(|number| i64::try_from(number).is_ok())
        }
        Kind::Uint32 | Kind::Fixed32 => integer(json).is_some_and(|number| u32::try_from(number).is_ok()),
        Kind::Uint64 | Kind::Fixed64 => integer(json).is_some_and(|number| u64::try_from(number).is_ok()),
        Kind::Double | Kind::Float => {
            json.is_number() || json.as_str().is_some_and(|text| text.parse::<f64>().is_ok())
        }
        Kind::Enum(names) => match json.as_str() {
            Some(name) => names.get_value_by_name(name).is_some(),
            None => integer(json).is_some_and(|number| i32::try_from(number).is_ok()),
        },
        Kind::Message(descriptor) => match descriptor.full_name() {
            "google.protobuf.Timestamp" => {
                json.as_str().is_some_and(|text| DateTime::parse_from_rfc3339(text).is_ok())
            }
            "google.protobuf.Struct" => json.is_object(),
            name if name.starts_with("google.protobuf.") => true,
            _ => return message(descriptor, json, path, violations),
        },
    };
    if !fits {
        let (id, en) = expected(&field.kind());
        violations.push(refuse(path, INVALID_VALUE, format!("isi dengan {id}"), format!("give {en}")));
    }
}

/// A whole number, as JSON number or string.
fn integer(json: &Json) -> Option<i128> {
    match json {
        Json::String(text) => text.parse().ok(),
        Json::Number(number) => {
            let whole = number.as_f64().filter(|float| float.fract() == 0.0);
            number
                .as_i64()
                .map(i128::from)
                .or_else(|| number.as_u64().map(i128::from))
                .or(whole.map(|float| float as i128))
        }
        Json::Null | Json::Bool(_) | Json::Array(_) | Json::Object(_) => None,
    }
}

fn is_base64(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/-_=".contains(&byte))
}

/// What belongs into a field, in Indonesian and English.
fn expected(kind: &Kind) -> (String, String) {
    let (id, en) = match kind {
        Kind::Bool => ("true atau false", "true or false"),
        Kind::String => ("teks", "a text"),
        Kind::Bytes => ("data base64", "base64 data"),
        Kind::Double | Kind::Float => ("angka", "a number"),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => ("bilangan bulat 32 bit", "a 32-bit whole number"),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => ("bilangan bulat", "a whole number"),
        Kind::Uint32 | Kind::Fixed32 => {
            ("bilangan bulat 32 bit, paling kecil 0", "a 32-bit whole number, at least 0")
        }
        Kind::Uint64 | Kind::Fixed64 => ("bilangan bulat, paling kecil 0", "a whole number, at least 0"),
        Kind::Enum(names) => {
            let names: Vec<_> = names.values().map(|value| value.name().to_owned()).collect();
            let names = names.join(", ");
            return (format!("salah satu dari {names}"), format!("one of {names}"));
        }
        Kind::Message(message) if message.full_name() == "google.protobuf.Timestamp" => {
            ("waktu seperti 2026-11-20T08:00:00+07:00", "a time such as 2026-11-20T08:00:00+07:00")
        }
        Kind::Message(_) => ("objek JSON", "a JSON object"),
    };
    (id.to_owned(), en.to_owned())
}
