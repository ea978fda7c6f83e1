//! The rotating code of a hall: who knows it stands in the hall, or stood there a minute ago.

use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq as _};

use crate::error::{self, Error};

/// Seconds for which a code is shown. It is accepted for one more period.
const PERIOD: i64 = 60;
/// Crockford base32: no letter that is read or heard as another.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LENGTH: u32 = 8;

/// The code that the hall shows now, and the seconds for which it goes on showing it.
pub(super) fn current(secret: &[u8], now: DateTime<Utc>) -> (String, i64) {
    let unix = now.timestamp();
    (code(secret, unix.div_euclid(PERIOD)), PERIOD - unix.rem_euclid(PERIOD))
}

/// Accepts the code of this period and of the one before.
///
/// # Errors
/// `SITE_CODE_INVALID` for any other.
pub(super) fn verify(secret: &[u8], given: &str, now: DateTime<Utc>) -> Result<(), Error> {
    let given = given.trim().to_ascii_uppercase();
    let period = now.timestamp().div_euclid(PERIOD);
    // Both are always compared, in a time that tells nothing about how much of them was right.
    let good = [period, period - 1]
        .map(|period| code(secret, period).as_bytes().ct_eq(given.as_bytes()))
        .into_iter()
        .fold(Choice::from(0), |found, equal| found | equal);
    if bool::from(good) { Ok(()) } else { Err(error::site_code_invalid()) }
}

fn code(secret: &[u8], period: i64) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes keys of any length");
    mac.update(format!("site|{period}").as_bytes());
    let digest = mac.finalize().into_bytes();
    let bits = digest.iter().take(5).fold(0_u64, |bits, byte| (bits << 8) | u64::from(*byte));
    (0..LENGTH).rev().map(|place| char::from(ALPHABET[((bits >> (5 * place)) & 31) as usize])).collect()
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use mpp_kit::fault::Fault as _;

    use super::*;

    #[test]
    fn a_code_lives_for_its_period_and_one_more() {
        let secret = [7; 32];
        let start = DateTime::from_timestamp(1_772_000_040, 0).unwrap();
        assert_eq!(start.timestamp() % PERIOD, 0);
        let (code, left) = current(&secret, start + TimeDelta::seconds(15));
        assert_eq!((code.len(), left), (8, 45));
        for (after, good) in [(-1, false), (0, true), (59, true), (60, true), (119, true), (120, false)] {
            let now = start + TimeDelta::seconds(after);
            assert_eq!(verify(&secret, &code, now).is_ok(), good, "after {after} s");
            assert_eq!(
                verify(&secret, &format!(" {} ", code.to_lowercase()), now).is_ok(),
                good,
                "as people type it"
            );
        }
    }

    #[test]
    fn another_hall_or_a_guess_is_refused_with_the_remedy() {
        let now = DateTime::from_timestamp(1_772_000_040, 0).unwrap();
        let (code, _) = current(&[7; 32], now);
        for (secret, given) in
            [([8; 32], code.as_str()), ([7; 32], ""), ([7; 32], "00000000"), ([7; 32], &code[..7])]
        {
            let problem = verify(&secret, given, now).unwrap_err().problem();
            assert_eq!((problem.code, problem.reason), (tonic::Code::PermissionDenied, "SITE_CODE_INVALID"));
        }
    }
}
