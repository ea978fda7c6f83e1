//! `mpp journal verify`: whether the journals are what was written. It reads the databases, with or without a running server.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use mpp_kit::component::Role;
use mpp_kit::db::Db;
use mpp_kit::journal::{self, Sound, VerifyError};
use mpp_queue::store::Store;

use super::print;
use crate::config::Config;
use crate::failure::{Exit, Failure};
use crate::roles::{RoleName, SERVICES};
use crate::storage;

#[derive(Subcommand)]
pub(super) enum JournalCommand {
    /// Recomputes the chain of hashes of each service's journal, and of each hall's log in the queue. Prints for each how many
    /// entries it has and the hash of the last; names the first entry that was changed, removed or inserted. Exit code 0 only
    /// when all are whole.
    Verify {
        /// Roles whose journals are meant; none means all.
        #[arg(value_enum)]
        roles: Vec<RoleName>,
        /// What an earlier run printed, kept where nobody who may write to the databases may write. It finds what a chain by itself
        /// cannot show: that its end was cut off, or that all of it was written anew.
        #[arg(long, value_name = "FILE")]
        noted: Option<PathBuf>,
    },
}

/// What earlier looks ended with, by the name of the chain.
type Noted = BTreeMap<String, Sound>;

pub(super) async fn run(config: &Config, command: JournalCommand) -> Result<(), Failure> {
    let JournalCommand::Verify { roles, noted } = command;
    let chosen = RoleName::chosen(&roles);
    let services: Vec<Role> =
        SERVICES.into_iter().filter(|(name, _)| chosen.contains(name)).map(|(_, role)| role).collect();
    if services.is_empty() {
        return Err(Failure::new(Exit::Usage, "the gateway keeps no journal: name another role"));
    }
    let mut noted = noted.map_or_else(|| Ok(Noted::new()), |file| read(&file))?;
    let mut broken = Vec::new();
    for role in services {
        let unread = |error: anyhow::Error| {
            Failure::because(Exit::Unavailable, format!("the journal of {role} cannot be read"), &error)
        };
        let db = storage::open_present(config, role).await?;
        for name in chains(role, &db, &noted).await.map_err(unread)? {
            match verify(role, &name, &db, noted.remove(&name).as_ref()).await {
                Ok(sound) => print(&format!("{name} {sound}"))?,
                Err(VerifyError::Database(error)) => return Err(unread(error.into())),
                Err(error) => broken.push(format!("{name}: {error}")),
            }
        }
        db.close().await.map_err(|error| unread(error.into()))?;
    }
    if broken.is_empty() { Ok(()) } else { Err(Failure::new(Exit::Data, broken.join("; "))) }
}

/// The chains of a role by name: its journal, or the log of each hall, also of one that is gone since it was noted.
async fn chains(role: Role, db: &Db, noted: &Noted) -> anyhow::Result<Vec<String>> {
    if role != mpp_queue::ROLE {
        return Ok(vec![role.to_string()]);
    }
    let logs = Store::new(db.clone()).logs().await?;
    let mut names: BTreeSet<String> = logs.into_iter().map(|hall| format!("{role}/{hall}")).collect();
    let before = format!("{role}/");
    names.extend(noted.keys().filter(|name| name.starts_with(&before)).cloned());
    Ok(names.into_iter().collect())
}

async fn verify(role: Role, name: &str, db: &Db, noted: Option<&Sound>) -> Result<Sound, VerifyError> {
    match name.split_once('/') {
        Some((_, hall)) if role == mpp_queue::ROLE => Store::new(db.clone()).verify(hall, noted).await,
        Some(_) | None => journal::verify_since(&db.read, noted).await,
    }
}

/// Reads what an earlier run printed.
fn read(file: &Path) -> Result<Noted, Failure> {
    let wrong = |why: &dyn fmt::Display| {
        Failure::new(Exit::Usage, format!("{} is not what mpp journal verify printed: {why}", file.display()))
    };
    let text = fs::read_to_string(file).map_err(|error| wrong(&error))?;
    let mut noted = Noted::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let (name, sound) = line.split_once(' ').ok_or_else(|| wrong(&line))?;
        noted.insert(
            name.to_owned(),
            sound.parse::<Sound>().map_err(|error| wrong(&format!("{line}: {error}")))?,
        );
    }
    if noted.is_empty() { Err(wrong(&"it is empty")) } else { Ok(noted) }
}
