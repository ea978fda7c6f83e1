//! What SQL holds of letters and licences. Bodies with personal data are encrypted under the key of the installation; what
//! a query looks for stands in columns.

pub(crate) mod application;
pub(crate) mod delegation;
pub(crate) mod document;
pub(crate) mod entity;
pub(crate) mod file;
pub(crate) mod letter_type;
pub(crate) mod licence;
pub(crate) mod number;
pub(crate) mod office;
pub(crate) mod payment;
pub(crate) mod person;
