//! Reading requests: everything that is wrong is found at once, under the names that JSON gives the fields.

use std::str::FromStr;

use anyhow::anyhow;
use chrono::{DateTime, Datelike as _, NaiveDate, Utc};
use mpp_kit::caller::{Caller, CallerKind};
use mpp_kit::check::Checker;
use mpp_kit::id::IdError;
use prost::Message;
use prost_types::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::domain::event::RequestKey;
use crate::domain::fold::Fold;
use crate::error::Error;

/// Characters of a request id at most.
const REQUEST_ID: usize = 128;

/// Ends a check and answers the parts that were parsed; a part is only missing when something was wrong.
///
/// # Errors
/// Everything that was wrong.
pub(super) fn parsed<T>(check: Checker, parts: Option<T>) -> Result<T, Error> {
    check.finish()?;
    parts.ok_or_else(|| Error::Internal(anyhow!("a part was not parsed, and nothing was wrong with it")))
}

/// The key under which a retry of this request finds its first answer; none without a request id.
///
/// `body` is the request with its request id taken out: the same id with another body is not a retry.
pub(super) fn request_key(
    check: &mut Checker,
    caller: &Caller,
    method: &str,
    request_id: &str,
    body: &impl Message,
) -> Option<RequestKey> {
    if request_id.is_empty() {
        return None;
    }
    if request_id.len() > REQUEST_ID || !request_id.bytes().all(|byte| byte.is_ascii_graphic()) {
        check.violation(
            "requestId",
            "INVALID_REQUEST_ID",
            format!("isi dengan 1 sampai {REQUEST_ID} karakter ASCII tanpa spasi"),
            format!("give 1 to {REQUEST_ID} visible ASCII characters"),
        );
        return None;
    }
    let principal = match caller.kind {
        CallerKind::Staff | CallerKind::Device | CallerKind::System => caller.id.as_str(),
        CallerKind::Anonymous => "onsite",
    };
    let mut digest = Sha256::new();
    digest.update(method);
    digest.update(body.encode_to_vec());
    Some(RequestKey { key: format!("{principal}:{request_id}"), fingerprint: hex::encode(digest.finalize()) })
}

/// Binds a request to a person as well. The number itself must not go into a fingerprint, which is kept: there are so few
/// numbers that it could be found by trying. `person` is its keyed digest.
pub(super) fn of_person(key: Option<RequestKey>, person: Option<&str>) -> Option<RequestKey> {
    key.map(|key| {
        let fingerprint =
            Sha256::new().chain_update(&key.fingerprint).chain_update(person.unwrap_or_default()).finalize();
        RequestKey { fingerprint: hex::encode(fingerprint), ..key }
    })
}

/// The version the caller saw, if it wants a check.
pub(super) fn version(version: u32) -> Option<u32> {
    (version > 0).then_some(version)
}

/// An enum of the contract. `None` means that a violation was noted.
pub(super) fn enumeration<E: TryFrom<i32>>(check: &mut Checker, field: &str, value: i32) -> Option<E> {
    let known = E::try_from(value).ok();
    if known.is_none() {
        check.violation(
            field,
            "UNKNOWN_VALUE",
            "pilih salah satu nilai yang dikenal",
            "choose one of the known values",
        );
    }
    known
}

/// A list of ids without repetitions.
pub(super) fn ids<T: FromStr<Err = IdError> + PartialEq>(
    check: &mut Checker,
    field: &str,
    texts: &[String],
) -> Vec<T> {
    let mut ids = Vec::with_capacity(texts.len());
    for (at, text) in texts.iter().enumerate() {
        if let Some(id) = check.id(&format!("{field}[{at}]"), text)
            && !ids.contains(&id)
        {
            ids.push(id);
        }
    }
    ids
}

/// A moment of the years that JSON can write (google.protobuf.Timestamp: 0001 to 9999); absent for none.
pub(super) fn moment(check: &mut Checker, field: &str, time: Option<Timestamp>) -> Option<DateTime<Utc>> {
    let time = time?;
    let moment = u32::try_from(time.nanos)
        .ok()
        .and_then(|nanos| DateTime::from_timestamp(time.seconds, nanos))
        .filter(|moment| (1..=9999).contains(&moment.year()));
    if moment.is_none() {
        check.violation(field, "INVALID_TIME", "isi dengan waktu yang sah", "give a valid time");
    }
    moment
}

/// A moment that must fall on the business date of a hall, or on today's: they differ while a demonstration runs ahead.
///
/// # Errors
/// A violation of the field.
pub(super) fn on_business_date(
    field: &str,
    moment: Option<DateTime<Utc>>,
    fold: &Fold,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let zone = fold.hall().time_zone;
    let today = zone.local(now).date();
    let date = fold.day().map_or(today, |day| day.date);
    let mut check = Checker::new();
    if moment.is_some_and(|moment| ![date, today].contains(&zone.local(moment).date())) {
        check.violation(
            field,
            "NOT_THE_BUSINESS_DATE",
            format!("isi dengan waktu pada tanggal layanan, {date}"),
            format!("give a time on the business date, {date}"),
        );
    }
    Ok(check.finish()?)
}

/// A date as `YYYY-MM-DD`. `None` means that a violation was noted.
pub(super) fn date(check: &mut Checker, field: &str, text: &str) -> Option<NaiveDate> {
    // chrono reads signs and single digits besides; only what it writes the same way again is meant.
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|date| date.to_string() == text);
    if date.is_none() {
        check.violation(
            field,
            "INVALID_DATE",
            "isi dengan tanggal seperti 2026-03-02",
            "give a date such as 2026-03-02",
        );
    }
    date
}

/// As [`date`]; empty for none.
pub(super) fn optional_date(check: &mut Checker, field: &str, text: &str) -> Option<NaiveDate> {
    if text.is_empty() { None } else { date(check, field, text) }
}

#[cfg(test)]
mod tests {
    use mpp_kit::fault::Language;
    use mpp_proto::queue::v1::{CallNextRequest, Priority};

    use super::*;

    fn violations(check: Checker) -> Vec<String> {
        check.finish().map_or_else(
            |problem| problem.violations.into_iter().map(|one| one.field).collect(),
            |()| Vec::new(),
        )
    }

    #[test]
    fn a_request_id_belongs_to_its_principal_and_its_body() {
        let mut check = Checker::new();
        let staff = Caller { id: "acc_1".into(), kind: CallerKind::Staff, ..Caller::anonymous(Language::Id) };
        let body = CallNextRequest { counter: "ctr_1".into(), ..Default::default() };
        let key = request_key(&mut check, &staff, "CallNext", "a-1", &body).unwrap();
        assert_eq!(key.key, "acc_1:a-1");
        assert_eq!(key.fingerprint.len(), 64);
        assert_eq!(request_key(&mut check, &staff, "CallNext", "a-1", &body), Some(key.clone()));
        let other = CallNextRequest { counter: "ctr_2".into(), ..Default::default() };
        assert_ne!(
            request_key(&mut check, &staff, "CallNext", "a-1", &other).unwrap().fingerprint,
            key.fingerprint
        );
        assert_ne!(
            request_key(&mut check, &staff, "CallTicket", "a-1", &body).unwrap().fingerprint,
            key.fingerprint
        );
        let citizen = Caller::anonymous(Language::Id);
        assert_eq!(
            request_key(&mut check, &citizen, "IssueOnsiteTicket", "x", &body).unwrap().key,
            "onsite:x"
        );
        assert_eq!(request_key(&mut check, &staff, "CallNext", "", &body), None);
        assert!(check.is_clean());
    }

    #[test]
    fn the_same_request_id_with_another_phone_is_another_request() {
        let key = RequestKey { key: "onsite:x".into(), fingerprint: "ab".into() };
        let bound = |person: Option<&str>| of_person(Some(key.clone()), person).unwrap();
        assert_eq!(bound(Some("d1")), bound(Some("d1")));
        assert_eq!(bound(Some("d1")).key, key.key);
        assert_ne!(bound(Some("d1")).fingerprint, bound(Some("d2")).fingerprint);
        assert_ne!(bound(Some("d1")).fingerprint, bound(None).fingerprint);
    }

    #[test]
    fn request_ids_are_visible_ascii_and_short() {
        for wrong in ["a b", "é", "a\n", &"x".repeat(129)] {
            let mut check = Checker::new();
            assert_eq!(
                request_key(&mut check, &Caller::system(), "CallNext", wrong, &CallNextRequest::default()),
                None
            );
            assert_eq!(violations(check), ["requestId"], "{wrong}");
        }
        let mut check = Checker::new();
        let longest = request_key(
            &mut check,
            &Caller::system(),
            "CallNext",
            &"x".repeat(128),
            &CallNextRequest::default(),
        );
        assert!(longest.is_some_and(|key| key.key.len() <= 200));
    }

    #[test]
    fn unknown_values_moments_and_dates_are_violations() {
        let mut check = Checker::new();
        assert_eq!(enumeration::<Priority>(&mut check, "priority", 3), Some(Priority::Elderly));
        assert_eq!(enumeration::<Priority>(&mut check, "priority", 99), None);
        assert_eq!(moment(&mut check, "appointmentTime", Some(Timestamp { seconds: 0, nanos: -1 })), None);
        assert_eq!(moment(&mut check, "appointmentTime", None), None);
        for seconds in [i64::MAX, 8_210_266_876_799, 253_402_300_800, -62_135_596_801] {
            let mut check = Checker::new();
            assert_eq!(moment(&mut check, "appointmentTime", Some(Timestamp { seconds, nanos: 0 })), None);
            assert_eq!(violations(check), ["appointmentTime"], "{seconds}");
        }
        for wrong in ["2026-2-3", "2026-02-30", "02-03-2026", "+026-01-01", "2026-01-011"] {
            assert_eq!(date(&mut check, "date", wrong), None, "{wrong}");
        }
        assert_eq!(optional_date(&mut check, "date", ""), None);
        assert_eq!(date(&mut check, "date", "2026-02-28"), NaiveDate::from_ymd_opt(2026, 2, 28));
        assert_eq!(
            violations(check),
            ["priority", "appointmentTime", "date", "date", "date", "date", "date"]
        );
    }
}
