//! What SQL holds of complaints. Bodies are encrypted under the key of the installation, who reported under the key of
//! the vault; what a query looks for stands in columns.

pub(crate) mod board;
pub(crate) mod catalogue;
pub(crate) mod channel;
pub(crate) mod chat;
pub(crate) mod complaint;
pub(crate) mod digest;
pub(crate) mod entity;
pub(crate) mod escalation;
pub(crate) mod evidence;
pub(crate) mod file;
pub(crate) mod ledger;
pub(crate) mod mailbox;
pub(crate) mod media;
pub(crate) mod network;
pub(crate) mod outbox;
pub(crate) mod recount;
pub(crate) mod report;
pub(crate) mod reveal;
pub(crate) mod vault;

use chrono::{DateTime, TimeZone as _, Utc};

/// What stands in a due column of something that is never due: pages need a key without gaps.
pub(crate) fn end_of_time() -> DateTime<Utc> {
    // A constant date of the calendar.
    Utc.with_ymd_and_hms(9999, 1, 1, 0, 0, 0).single().unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// The key of a line in a list by due moment: the moment in microseconds and the id.
pub(crate) fn place(sort_at: DateTime<Utc>, id: &str) -> String {
    format!("{} {id}", sort_at.timestamp_micros())
}

/// Reads a key of [`place`].
pub(crate) fn read_place(token: &str) -> Option<(DateTime<Utc>, String)> {
    let (micros, id) = token.split_once(' ')?;
    Some((DateTime::from_timestamp_micros(micros.parse().ok()?)?, id.to_owned()))
}
