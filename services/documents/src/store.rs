//! What SQL holds of letters and licences. Bodies with personal data are encrypted under the key of the installation; what
//! a query looks for stands in columns.
//!
//! **One order of locks.** What many transactions want is taken in one order, or two of them wait for each other on
//! PostgreSQL: the rows a request is about, the series of numbers, the counter of documents, the counter of licences, the
//! counter of events, the journal, and last the calls that wait for a desk ([`notice::cover`]). A transaction that will need
//! an earlier one after a later one keeps it first ([`document::hold`], [`licence::hold`]).

pub(crate) mod application;
pub(crate) mod arms;
pub(crate) mod delegation;
pub(crate) mod document;
pub(crate) mod entity;
pub(crate) mod file;
pub(crate) mod letter_type;
pub(crate) mod licence;
pub(crate) mod notice;
pub(crate) mod number;
pub(crate) mod office;
pub(crate) mod payment;
pub(crate) mod person;
pub(crate) mod report;
pub(crate) mod signing;
pub(crate) mod webhook_notice;
