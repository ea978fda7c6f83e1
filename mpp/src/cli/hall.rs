//! `mpp hall apply`: a hall from a file. It speaks with the running server of the data directory; without one it starts
//! the queue for the moment, without listening.

use std::fs;
use std::path::PathBuf;

use clap::Subcommand;
use mpp_kit::client::Peers;
use mpp_proto::queue::v1::{ApplyHallRequest, Hall};

use super::admin::{refused, request_id};
use super::print;
use crate::config::Config;
use crate::data::{DataDir, Taken};
use crate::demo::wire;
use crate::failure::{Exit, Failure};
use crate::office::Office;
use crate::roles::RoleName;
use crate::seeding::{self, Bearer, QueueClient};
use crate::storage;
use crate::suite::{Options, Suite};

#[derive(Subcommand)]
pub(super) enum HallCommand {
    /// Creates a hall from a file, or replaces the configuration of the hall with the same code. Prints its ids.
    Apply {
        /// The hall as JSON (mpp.queue.v1.Hall), as GET /v1/halls/{hall} shows it.
        file: PathBuf,
    },
}

pub(super) async fn run(config: Config, command: HallCommand) -> Result<(), Failure> {
    let HallCommand::Apply { file } = command;
    let text = fs::read_to_string(&file)
        .map_err(|error| Failure::new(Exit::Usage, format!("cannot read {}: {error}", file.display())))?;
    let hall: Hall = wire::from_text(&text).map_err(|error| {
        Failure::because(Exit::Data, format!("{} is not the JSON of a hall", file.display()), &error)
    })?;

    if let Some(address) = running(&config)? {
        let token = Office::open(&config).await?.token;
        let peers = Peers::new();
        let unreachable = |error: anyhow::Error| {
            Failure::because(Exit::Unavailable, "cannot call the running server", &error)
        };
        peers.remote(mpp_queue::ROLE, &address).map_err(unreachable)?;
        let bearer = Bearer::new(&token).map_err(unreachable)?;
        return apply(seeding::queue_client(&peers, bearer), hall).await;
    }
    let roles = [RoleName::Identity, RoleName::Queue].into();
    let suite = Suite::start(Options { listen: false, ..Options::new(config, roles) }).await?;
    let applied = match suite.seeding().await {
        Ok(seeding) => apply(seeding.queue, hall).await,
        Err(error) => Err(Failure::because(Exit::Software, "the queue cannot be called", &error)),
    };
    let stopped = suite.stop().await;
    applied.and(stopped)
}

/// Where the server that holds the data directory answers, if there is one.
fn running(config: &Config) -> Result<Option<String>, Failure> {
    if !storage::needs_data(config, mpp_queue::ROLE) {
        // With a Redis of its own, any number of processes may serve a hall.
        return Ok(None);
    }
    match DataDir::try_take(&config.server.data)? {
        Taken::Ours(_) => Ok(None),
        Taken::Held(address) if address.is_empty() => Err(Failure::new(
            Exit::Unavailable,
            "the server of this data directory is still starting: try again in a moment",
        )),
        Taken::Held(address) => Ok(Some(address)),
    }
}

async fn apply(mut queue: QueueClient, hall: Hall) -> Result<(), Failure> {
    let request = ApplyHallRequest { request_id: request_id(), hall: Some(hall) };
    let hall = queue
        .apply_hall(request)
        .await
        .map_err(|status| refused(&status))?
        .into_inner()
        .hall
        .unwrap_or_default();
    let mut lines = vec![format!("{} {} ({})", hall.id, hall.code, hall.name)];
    lines.extend(hall.agencies.iter().map(|agency| format!("  {} {}", agency.id, agency.code)));
    lines.extend(hall.counters.iter().map(|counter| format!("  {} loket {}", counter.id, counter.number)));
    print(&lines.join("\n"))
}
