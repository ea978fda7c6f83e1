//! The lines about notifications, through the generated client against the service in this process: the tower stack with
//! signed tokens, its own workers, a real SMTP server, a stand-in for WhatsApp that enforces what is documented, and SQLite as
//! well as PostgreSQL.
//!
//! Each test is named after its line of the feature list, `n_07_…`.

#[macro_use(lines)]
extern crate mpp_kit;

mod accepting;
mod audit;
mod callbacks;
mod contacts;
mod delivering;
mod direct;
mod encrypted;
mod limits;
mod links;
mod office;
mod patience;
mod privacy;
mod rules;
mod templates;
