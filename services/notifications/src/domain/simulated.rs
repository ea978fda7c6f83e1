//! Addresses of nobody, one for each outcome: for acceptance tests of any installation. Nothing leaves the process for them.

use strum::{Display, EnumIter, EnumString};

/// What becomes of a message to a simulated recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Display, EnumString, EnumIter)]
#[strum(serialize_all = "kebab-case")]
pub enum Simulated {
    /// It is delivered.
    Delivered,
    /// It is taken, and never reported as delivered.
    Sent,
    /// The provider refuses for now, at every attempt.
    TemporaryFailure,
    /// The address does not exist.
    PermanentFailure,
    /// The provider refuses what we sent.
    TechnicalFailure,
    /// It is reported as failed, and then as delivered: WhatsApp on two devices.
    FailedThenDelivered,
}

/// The domain of simulated mail addresses: reserved by RFC 2606, so that no mail can ever leave for it.
pub const DOMAIN: &str = "simulasi.invalid";
/// The numbers: 62 followed by eight zeros is nobody's, the last two digits are the outcome.
pub const NUMBERS: [(&str, Simulated); 6] = [
    ("620000000001", Simulated::Delivered),
    ("620000000002", Simulated::Sent),
    ("620000000003", Simulated::TemporaryFailure),
    ("620000000004", Simulated::PermanentFailure),
    ("620000000005", Simulated::TechnicalFailure),
    ("620000000006", Simulated::FailedThenDelivered),
];

/// The outcome of a simulated address; `None` for a real one.
#[must_use]
pub fn outcome(address: &str) -> Option<Simulated> {
    if let Some((local, domain)) = address.split_once('@') {
        return if domain == DOMAIN { local.parse().ok() } else { None };
    }
    // Of a direct message its recipient, by the same numbers.
    let who = address.split('/').nth(2).unwrap_or(address);
    NUMBERS.iter().find(|(number, _)| *number == who).map(|(_, simulated)| *simulated)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_outcome_has_a_number_and_a_mail_address() {
        use strum::IntoEnumIterator as _;
        for simulated in Simulated::iter() {
            assert_eq!(outcome(&format!("{simulated}@{DOMAIN}")), Some(simulated));
            assert!(
                NUMBERS.iter().any(|(number, is)| *is == simulated && outcome(number) == Some(simulated))
            );
        }
        assert_eq!(outcome("facebook/1/620000000004"), Some(Simulated::PermanentFailure));
        assert_eq!(outcome("facebook/1//620000000004/1757810000"), None);
        assert_eq!(outcome("6281234567890"), None);
        assert_eq!(outcome("delivered@contohkab.go.id"), None);
    }
}
