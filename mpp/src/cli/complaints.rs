//! `mpp complaints evidence`: the evidence pack of a period, as a file. It speaks with the running server of the data
//! directory; without one it starts complaints for the moment, without listening.

use std::fs;
use std::path::PathBuf;

use chrono::NaiveDate;
use clap::Subcommand;
use mpp_kit::client::Peers;
use mpp_proto::complaints::v1::ExportEvidenceRequest;

use super::admin::refused;
use super::print;
use crate::config::Config;
use crate::data::{DataDir, Taken};
use crate::failure::{Exit, Failure};
use crate::office::Office;
use crate::roles::RoleName;
use crate::seeding::{self, Bearer, ComplaintsClient};
use crate::storage;
use crate::suite::{Options, Suite};

#[derive(Subcommand)]
pub(super) enum ComplaintsCommand {
    /// Writes the evidence of a period for the Ombudsman (PG-01 to PG-09, with the papers entered at /meja/eviden and what is
    /// missing) as a ZIP: the same bytes each time. Prints its SHA-256.
    Evidence {
        /// First date, such as 2026-01-01.
        #[arg(long)]
        from: NaiveDate,
        /// Last date; the period must be over for an hour.
        #[arg(long)]
        to: NaiveDate,
        /// The file to write.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Papers as they stood then: the number that BACA.txt of an earlier pack names, which is made again to the bit. 0 for as
        /// they stand now.
        #[arg(long, default_value_t = 0, value_name = "NUMBER")]
        register: i64,
    },
}

pub(super) async fn run(config: Config, command: ComplaintsCommand) -> Result<(), Failure> {
    let ComplaintsCommand::Evidence { from, to, out, register } = command;
    let request = ExportEvidenceRequest { from: from.to_string(), to: to.to_string(), register };
    if let Some(address) = running(&config)? {
        let token = Office::open(&config).await?.token;
        let peers = Peers::new();
        let unreachable = |error: anyhow::Error| {
            Failure::because(Exit::Unavailable, "cannot call the running server", &error)
        };
        peers.remote(mpp_complaints::ROLE, &address).map_err(unreachable)?;
        let bearer = Bearer::new(&token).map_err(unreachable)?;
        return write(seeding::complaints_client(&peers, bearer), request, out).await;
    }
    let roles = [
        RoleName::Identity,
        RoleName::Queue,
        RoleName::Documents,
        RoleName::Complaints,
        RoleName::Notifications,
    ]
    .into();
    let suite = Suite::start(Options { listen: false, ..Options::new(config, roles) }).await?;
    let written = match suite.seeding().await {
        Ok(seeding) => write(seeding.complaints, request, out).await,
        Err(error) => Err(Failure::because(Exit::Software, "complaints cannot be called", &error)),
    };
    let stopped = suite.stop().await;
    written.and(stopped)
}

/// Where the server that holds the data directory answers, if there is one.
fn running(config: &Config) -> Result<Option<String>, Failure> {
    if !storage::needs_data(config, mpp_complaints::ROLE) {
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

async fn write(
    complaints: ComplaintsClient,
    request: ExportEvidenceRequest,
    out: PathBuf,
) -> Result<(), Failure> {
    // A pack is larger than what tonic takes by itself.
    let mut complaints = complaints.max_decoding_message_size(mpp_complaints::ANSWER_LIMIT);
    let pack = complaints.export_evidence(request).await.map_err(|status| refused(&status))?.into_inner();
    fs::write(&out, &pack.archive).map_err(|error| {
        Failure::new(Exit::CannotCreate, format!("cannot write {}: {error}", out.display()))
    })?;
    print(&format!("{}  {}", pack.sha256, out.display()))
}
