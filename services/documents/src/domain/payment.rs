//! The fee of an application (retribusi): asked for once it was checked and before anybody signs, then paid or waived.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString};

use super::step::{OfficeLevel, StepRole};
use super::text::Text;

/// What an application costs, frozen from its letter type when it was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    /// Whole rupiah, above zero.
    pub amount: i64,
    /// The rule that sets it.
    pub legal_basis: String,
    /// Days to pay, from the day on which it is asked for.
    pub days: u16,
    /// How and where to pay.
    pub instructions: Text,
}

/// How a fee was paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, EnumIter)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Method {
    /// In cash, to the treasurer of the office.
    Cash,
    /// By transfer to the account of the office.
    Transfer,
    /// To a virtual account.
    VirtualAccount,
    /// By QRIS.
    Qris,
}

/// What proves that it was paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The number of the receipt or of the bank: it stands for one payment.
    pub reference: String,
    /// How.
    pub method: Method,
    /// When the money came.
    pub paid: DateTime<Utc>,
}

/// How a fee was settled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Settlement {
    /// It was paid.
    Paid(Receipt),
    /// It need not be paid, and why.
    Waived(String),
}

/// A fee that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// Whole rupiah.
    pub amount: i64,
    /// What names it where it is paid; none until the store has given one, in the transaction that asks for it.
    pub billing_code: Option<String>,
    /// Since when.
    pub asked: DateTime<Utc>,
    /// The last day to pay.
    pub due: NaiveDate,
    /// How it was settled, and when.
    pub settled: Option<(Settlement, DateTime<Utc>)>,
}

/// The roles of an office that take money or write down that it came.
#[must_use]
pub fn cashiers(office: OfficeLevel) -> &'static [StepRole] {
    match office {
        OfficeLevel::Village => {
            &[StepRole::VillageOfficer, StepRole::VillageSecretary, StepRole::VillageHead]
        }
        OfficeLevel::SubDistrict => &[StepRole::SubDistrictOfficer, StepRole::SubDistrictHead],
        OfficeLevel::Agency => &[StepRole::AgencyOfficer, StepRole::AgencyHead],
    }
}

/// Digits of a billing code, the check digit among them.
pub const CODE_LENGTH: usize = 12;

/// The billing code that a random number stands for: eleven digits, the first of which is no zero, and their check digit
/// by the rule of Luhn, which finds one wrong digit and nearly every pair that was swapped.
#[must_use]
pub fn billing_code(random: u64) -> String {
    const FIRST: u64 = 10_000_000_000;
    let digits = (FIRST + random % (9 * FIRST)).to_string();
    let check = (10 - luhn(&digits, true) % 10) % 10;
    format!("{digits}{check}")
}

/// Whether this can be a billing code: digits alone, and the check digit is theirs.
#[must_use]
pub fn is_billing_code(text: &str) -> bool {
    text.len() == CODE_LENGTH
        && text.bytes().all(|byte| byte.is_ascii_digit())
        && luhn(text, false).is_multiple_of(10)
}

/// The sum of Luhn over digits; `doubled` says whether the last one counts twice.
fn luhn(digits: &str, doubled: bool) -> u32 {
    let digits = digits.chars().rev().filter_map(|digit| digit.to_digit(10));
    let weighed = digits.enumerate().map(|(at, digit)| match at.is_multiple_of(2) == doubled {
        true if digit > 4 => 2 * digit - 9,
        true => 2 * digit,
        false => digit,
    });
    weighed.sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use strum::IntoEnumIterator as _;

    use super::*;

    #[test]
    fn whoever_takes_money_works_in_that_office() {
        for office in [OfficeLevel::Village, OfficeLevel::SubDistrict, OfficeLevel::Agency] {
            assert!(cashiers(office).iter().all(|role| role.level().office() == office));
        }
        for role in [StepRole::RtHead, StepRole::RwHead] {
            assert!(!cashiers(OfficeLevel::Village).contains(&role), "{role}");
        }
        for method in Method::iter() {
            assert_eq!(method.to_string().parse(), Ok(method));
        }
    }

    #[test]
    fn a_code_is_that_of_luhn() {
        assert_eq!(billing_code(0), "100000000008");
        assert!(is_billing_code("100000000008") && is_billing_code("799273987104"));
        for wrong in ["", "100000000009", "10000000000", "1000000000080", "10000000000a"] {
            assert!(!is_billing_code(wrong), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn a_code_finds_one_wrong_digit(random in any::<u64>(), at in 0..CODE_LENGTH, by in 1_u8..10) {
            let code = billing_code(random);
            prop_assert!(is_billing_code(&code), "{code}");
            let mut typed = code.into_bytes();
            typed[at] = b'0' + (typed[at] - b'0' + by) % 10;
            prop_assert!(!is_billing_code(std::str::from_utf8(&typed).expect("digits")));
        }
    }
}
