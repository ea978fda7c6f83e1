//! OSS-RBA, in both directions, by its integration guide (Pedoman Integrasi Aplikasi 4.3.22).
//!
//! OSS calls us ([`receive`]): `receiveNIB` brings licences, `receiveFileDS` the signed file. We call OSS ([`client`]):
//! every status and the final licence, one after the other for each `id_izin`, from an outbox that a transaction of ours
//! fills and [`outbox`] empties. OSS gives no key against repetition, so after an attempt without an answer we ask what it
//! has before we say it again.
//!
//! What OSS could not deliver it sends again as `receiveNIB`: `checkNIBError` and `rekonNIB`, by which an agency asked for that
//! once, are no part of its interface since 4.3.16.

pub(crate) mod client;
pub(crate) mod outbox;
pub(crate) mod receive;
#[cfg(test)]
mod tests;

use chrono::{DateTime, FixedOffset, Utc};

#[cfg(test)]
pub(crate) use receive::token as token_for_tests;

/// The time of OSS: Western Indonesian Time, whatever the region.
fn oss_time(at: DateTime<Utc>) -> DateTime<FixedOffset> {
    // Seven hours are within what an offset can be.
    at.with_timezone(
        &FixedOffset::east_opt(7 * 3600).unwrap_or_else(|| unreachable!("a whole number of hours")),
    )
}

/// A field of OSS as text: it writes some numbers as numbers, and leaves others out.
fn text(value: &serde_json::Value, field: &str) -> String {
    match &value[field] {
        serde_json::Value::String(text) => text.trim().to_owned(),
        serde_json::Value::Number(number) => number.to_string(),
        serde_json::Value::Null
        | serde_json::Value::Bool(_)
        | serde_json::Value::Array(_)
        | serde_json::Value::Object(_) => String::new(),
    }
}
