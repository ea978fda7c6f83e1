//! Reading what Meta sends without trusting its shape: whatever is missing or of another type is empty. A field that Meta
//! adds or renames must not lose the message around it.

use serde_json::Value;

/// The text of a field; numbers are written out, because ids appear as both.
pub(super) fn text(value: &Value, key: &str) -> String {
    match &value[key] {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => String::new(),
    }
}

/// A whole number: as such, or written as a string.
pub(super) fn integer(value: &Value, key: &str) -> Option<i64> {
    match &value[key] {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A text, if there is one.
pub(super) fn some_text(value: &Value, key: &str) -> Option<String> {
    Some(text(value, key)).filter(|text| !text.is_empty())
}

/// The entries of a list; none if it is no list.
pub(super) fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

/// Whether a flag is set.
pub(super) fn flag(value: &Value, key: &str) -> bool {
    value[key].as_bool().unwrap_or_default()
}

/// What a webhook held.
#[derive(Debug, Default, PartialEq)]
pub struct Read {
    /// The messages, in the order they stood in.
    pub messages: Vec<super::envelope::Envelope>,
    /// How many events there were that are no message to us: statuses, reactions, echoes, other fields.
    pub ignored: usize,
    /// How many there were that should be messages and hold no id. They cannot be kept apart from their repetitions.
    pub unreadable: usize,
}

impl Read {
    pub(super) fn take(&mut self, message: super::envelope::Envelope) {
        if message.external_id.is_empty() || message.account.is_empty() {
            self.unreadable += 1;
        } else {
            self.messages.push(message);
        }
    }
}

/// Why a body is not worked on: it is no JSON, or of another product than its address says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// It is no JSON.
    #[error("the body is not JSON")]
    Json,
    /// It is JSON of another product.
    #[error("the body is of another product than its address")]
    Product,
}

/// Reads a body whose `object` must be `product`.
pub(super) fn open(body: &[u8], product: &str) -> Result<Value, Malformed> {
    let value: Value = serde_json::from_slice(body).map_err(|_| Malformed::Json)?;
    if value["object"] == product { Ok(value) } else { Err(Malformed::Product) }
}
