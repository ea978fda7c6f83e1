//! The lines about complaints, through the generated client against the service in this process: the tower stack with
//! signed tokens, its own workers on a clock that the test moves, a stand-in for notifications, files in a folder, and
//! SQLite as well as PostgreSQL.
//!
//! Each test is named after its line of the feature list, `c_07_…`. Lines about what channels write are tested where
//! these are.

#[macro_use(lines)]
extern crate mpp_kit;

mod audit;
mod digests;
mod direct;
mod evidence;
mod filing;
mod languages;
mod map;
mod messages;
mod regency;
#[path = "../../src/intake/media/samples.rs"]
mod samples;
mod secrecy;
mod seeing;
mod sp4n;
mod time;
mod updates;
mod work;
