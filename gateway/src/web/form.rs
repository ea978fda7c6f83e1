//! What a form sent: its fields, and its files. Bounded while it is read, so that nobody fills the memory with a form.

use axum::{
    body::Body,
    extract::{FromRequest as _, Multipart, Request},
};
use bytes::BytesMut;
use futures::StreamExt as _;
use prost_types::{Struct, Value, value::Kind};

/// The most characters of a field that is no file; the services have smaller limits of their own.
const TEXT_LIMIT: usize = 256 << 10;

/// A form as it was sent. What it does not name reads as empty.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    fields: Vec<(String, String)>,
    files: Vec<Upload>,
    /// Whether it was larger than a form may be: what came after is lost.
    pub(crate) cut: bool,
}

/// A file of a form.
#[derive(Debug)]
pub(crate) struct Upload {
    /// The name of its input.
    pub(crate) name: String,
    /// Its content; incomplete if it was too large.
    pub(crate) content: Vec<u8>,
    /// Whether it was larger than a file may be.
    pub(crate) too_large: bool,
}

impl Sent {
    /// A form without files.
    pub(crate) fn plain(body: &[u8]) -> Self {
        let fields =
            form_urlencoded::parse(body).map(|(name, value)| (name.into_owned(), tidy(&value))).collect();
        Self { fields, ..Self::default() }
    }

    /// A form with files of at most `file_limit` bytes each, of at most `form_limit` bytes in all. A larger file is read to
    /// its end and named, not kept; of a larger form what comes first is kept.
    pub(crate) async fn with_files(request: Request, form_limit: usize, file_limit: usize) -> Self {
        let (parts, body) = request.into_parts();
        let mut body = body.into_data_stream();
        let (mut start, mut cut) = (BytesMut::new(), false);
        while let Some(piece) = body.next().await {
            match piece {
                Ok(piece) if start.len() + piece.len() <= form_limit => start.extend_from_slice(&piece),
                Ok(_) | Err(_) => {
                    cut = true;
                    break;
                }
            }
        }
        let request = Request::from_parts(parts, Body::from(start.freeze()));
        let mut sent = match Multipart::from_request(request, &()).await {
            Ok(form) => Self::parts(form, file_limit).await,
            Err(_) => Self { cut: true, ..Self::default() },
        };
        sent.cut |= cut;
        sent
    }

    async fn parts(mut multipart: Multipart, file_limit: usize) -> Self {
        let mut sent = Self::default();
        loop {
            let mut field = match multipart.next_field().await {
                Ok(Some(field)) => field,
                Ok(None) => return sent,
                Err(_) => break,
            };
            let name = field.name().unwrap_or_default().to_owned();
            let is_file = field.file_name().is_some();
            let limit = if is_file { file_limit } else { TEXT_LIMIT };
            let (mut content, mut too_large) = (Vec::new(), false);
            loop {
                match field.chunk().await {
                    Ok(Some(chunk)) if content.len() + chunk.len() <= limit && !too_large => {
                        content.extend_from_slice(&chunk);
                    }
                    Ok(Some(_)) => too_large = true,
                    Ok(None) => break,
                    Err(_) => {
                        // What is left of a file that was cut is worth nothing, but its input can be named.
                        sent.files.extend(is_file.then(|| Upload {
                            name,
                            content: Vec::new(),
                            too_large: true,
                        }));
                        sent.cut = true;
                        return sent;
                    }
                }
            }
            if !is_file {
                sent.fields.push((name, tidy(&String::from_utf8_lossy(&content))));
            } else if !content.is_empty() || too_large {
                sent.files.push(Upload { name, content, too_large });
            }
        }
        sent.cut = true;
        sent
    }

    /// The value of a field; empty if it was not sent.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.fields.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str())
    }

    /// Every value of a field that was sent more than once, as boxes to tick are.
    pub(crate) fn all<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s str> {
        self.fields.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Puts a value in the place of whatever was sent.
    pub(crate) fn set(&mut self, name: &str, value: impl Into<String>) {
        self.fields.retain(|(key, _)| key != name);
        self.fields.push((name.to_owned(), value.into()));
    }

    /// Adds a value to those of a field, as boxes to tick have several.
    pub(crate) fn add(&mut self, name: &str, value: impl Into<String>) {
        self.fields.push((name.to_owned(), value.into()));
    }

    /// The file of an input, if one was chosen.
    pub(crate) fn file(&self, name: &str) -> Option<&Upload> {
        self.files.iter().find(|file| file.name == name)
    }
}

/// Without space around it, and with the line ends that everything but a form uses.
fn tidy(value: &str) -> String {
    value.trim().replace("\r\n", "\n")
}

/// A value of a form as text: what stands in its input.
pub(crate) fn shown(value: &Value) -> String {
    match &value.kind {
        Some(Kind::StringValue(text)) => text.clone(),
        Some(Kind::BoolValue(yes)) => yes.to_string(),
        Some(Kind::NumberValue(number)) => number.to_string(),
        Some(Kind::NullValue(_) | Kind::StructValue(_) | Kind::ListValue(_)) | None => String::new(),
    }
}

/// One value of a form by its key; empty if there is none.
pub(crate) fn shown_of(values: Option<&Struct>, key: &str) -> String {
    values.and_then(|values| values.fields.get(key)).map(shown).unwrap_or_default()
}

/// A text as a value.
pub(crate) fn text(text: &str) -> Value {
    Value { kind: Some(Kind::StringValue(text.to_owned())) }
}

/// A whole number as a value, written with or without the dots between thousands; what is none stays a text, so that the
/// service says what is wrong with it.
pub(crate) fn number(written: &str) -> Value {
    let digits: String = written.chars().filter(|letter| !matches!(letter, '.' | ' ')).collect();
    let digits = digits.strip_prefix("Rp").unwrap_or(&digits);
    // 15 digits: what a number of JSON holds exactly.
    match digits.parse::<i64>() {
        #[expect(clippy::cast_precision_loss, reason = "at most 15 digits, which a double holds exactly")]
        Ok(number) if number.unsigned_abs() < 1_000_000_000_000_000 => {
            Value { kind: Some(Kind::NumberValue(number as f64)) }
        }
        Ok(_) | Err(_) => text(written),
    }
}

/// Yes or no as a value.
pub(crate) fn boolean(written: &str) -> Value {
    match written {
        "true" => Value { kind: Some(Kind::BoolValue(true)) },
        "false" => Value { kind: Some(Kind::BoolValue(false)) },
        other => text(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_form_is_read_without_space_and_carriage_returns() {
        let mut sent = Sent::plain(b"nama=+Siti+Rahma+&isi=a%0D%0Ab&isi=c");
        assert_eq!((sent.get("nama"), sent.get("isi"), sent.get("none")), ("Siti Rahma", "a\nb", ""));
        sent.set("isi", "d");
        assert_eq!(sent.get("isi"), "d");
    }

    #[test]
    fn numbers_are_numbers_however_they_are_written_and_the_rest_stays_text() {
        for written in ["1500000", "1.500.000", "Rp1.500.000", "Rp 1.500.000"] {
            assert_eq!(shown(&number(written)), "1500000");
            assert!(matches!(number(written).kind, Some(Kind::NumberValue(_))), "{written}");
        }
        for written in ["", "dua", "1,5", "12345678901234567890", "1234567890123456"] {
            assert_eq!(number(written), text(written));
        }
        assert_eq!(shown(&boolean("true")), "true");
        assert_eq!(boolean("mungkin"), text("mungkin"));
    }
}
