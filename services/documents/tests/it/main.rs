//! The must lines of letters and licences, through the generated client against the service in this process: the tower
//! stack with signed tokens, files in a folder, and SQLite as well as PostgreSQL.
//!
//! Each test is named after its line of the feature list, `line_07_…`. Lines about webhooks, OSS-RBA and the real protocol
//! of the signing service are tested where these are.

#[macro_use(lines)]
extern crate mpp_kit;

mod after;
mod apply;
mod audit;
mod by_hand;
mod catalogue;
mod clamd;
mod clocks;
mod esign;
mod exchange;
mod holders;
mod licences;
mod messages;
mod notices;
mod numbers;
mod oss;
mod paper;
mod payment;
mod report;
mod safety;
mod signing;
mod steps;
mod town;
mod tsa;
mod webhooks;
mod words;
