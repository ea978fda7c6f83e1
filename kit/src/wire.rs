//! Values as contracts write them.

use chrono::{DateTime, Utc};
use prost_types::Timestamp;

/// A time as a contract writes it.
#[must_use]
pub fn timestamp(time: DateTime<Utc>) -> Timestamp {
    // A leap second shows as more than a second of nanoseconds, which the contract cannot say.
    let nanos = time.timestamp_subsec_nanos().min(999_999_999);
    Timestamp { seconds: time.timestamp(), nanos: i32::try_from(nanos).unwrap_or_default() }
}

/// A count as a contract writes it; none of ours comes near its end.
#[must_use]
pub fn count(value: impl TryInto<i32>) -> i32 {
    value.try_into().unwrap_or(i32::MAX)
}
