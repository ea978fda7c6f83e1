//! How long to wait before the next try.

use chrono::TimeDelta;

/// `first`, doubled so many `times`, `longest` at most. Less than no times is none.
#[must_use]
pub fn doubled(first: TimeDelta, times: impl Into<i64>, longest: TimeDelta) -> TimeDelta {
    let factor = 1 << times.into().clamp(0, 30);
    first.checked_mul(factor).map_or(longest, |wait| wait.min(longest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_doubles_up_to_the_longest() {
        let (first, longest) = (TimeDelta::seconds(30), TimeDelta::hours(1));
        let waits = [i64::MIN, -1, 0, 1, 2, 6, 7, 31, i64::MAX];
        let waits = waits.map(|times| doubled(first, times, longest).num_seconds());
        assert_eq!(waits, [30, 30, 30, 60, 120, 1920, 3600, 3600, 3600]);
        assert_eq!(doubled(TimeDelta::MAX, 1_i32, longest), longest);
    }
}
