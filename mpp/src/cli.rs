//! The command line. One file per command beneath; each ends with a [`Failure`] whose sentence is all that a person
//! sees, and an exit code that a script can read.

mod admin;
mod complaints;
mod hall;
mod journal;
mod serve;
mod verify;

use std::collections::BTreeMap;
use std::fmt;
use std::io::Write as _;
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use mpp_kit::telemetry::{self, TelemetryConfig};

use crate::config::Config;
use crate::demo;
use crate::failure::{Exit, Failure};
use crate::roles::{RoleName, SERVICES};
use crate::storage;

/// Sinergi MPP: the suite of a Mal Pelayanan Publik in one binary.
#[derive(Parser)]
#[command(name = "mpp", version, max_term_width = 110)]
struct Cli {
    #[command(flatten)]
    settings: Settings,
    #[command(subcommand)]
    command: Command,
}

/// What every command reads its settings from.
#[derive(Args)]
struct Settings {
    /// Settings as TOML; the environment (MPP_A__B for a.b) and the command line go before it.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The data directory [default: ./data].
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the suite, or the roles named.
    Serve {
        /// Roles of this process; none means all.
        #[arg(value_enum)]
        roles: Vec<RoleName>,
        /// TCP port of the gateway; 0 for any free one [default: 8080].
        #[arg(long)]
        port: Option<u16>,
        /// Address to listen on; 0.0.0.0 for all networks [default: 127.0.0.1].
        #[arg(long)]
        host: Option<IpAddr>,
        /// Starts without the demo hall and its accounts.
        #[arg(long)]
        no_demo: bool,
    },
    /// Staff accounts.
    User {
        #[command(subcommand)]
        command: admin::UserCommand,
    },
    /// Kiosks and boards.
    Device {
        #[command(subcommand)]
        command: admin::DeviceCommand,
    },
    /// Halls.
    Hall {
        #[command(subcommand)]
        command: hall::HallCommand,
    },
    /// Complaints.
    Complaints {
        #[command(subcommand)]
        command: complaints::ComplaintsCommand,
    },
    /// The journals: who did what.
    Journal {
        #[command(subcommand)]
        command: journal::JournalCommand,
    },
    /// The demonstration.
    Demo {
        #[command(subcommand)]
        command: DemoCommand,
    },
    /// Says what a PDF is: a letter of this installation, whole, added to, changed, or not ours. Exit code 0 only for a
    /// whole file of a document in force.
    Verify(verify::VerifyArgs),
    /// Prints the settings in force as JSON, without secrets.
    Config,
    /// Brings the tables of the roles named (none: all) up to date.
    Migrate {
        /// Roles whose tables are meant.
        #[arg(value_enum)]
        roles: Vec<RoleName>,
    },
    /// Asks a running gateway whether it is ready: exit code 0 if so.
    Healthcheck {
        /// Where it answers [default: http://127.0.0.1:<server.port>].
        #[arg(long)]
        url: Option<String>,
    },
}

#[derive(Subcommand)]
enum DemoCommand {
    /// Plays a whole day through the public API against a running suite, then checks every number.
    Day(demo::day::DayArgs),
    /// Plays a letter through the public API of the running suite, from the citizen's form to the verified signatures,
    /// and writes the PDF.
    Letter(demo::letter::LetterArgs),
}

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are answers, not errors. Where even that cannot be printed there is nobody to tell.
            let wrong = error.use_stderr();
            return match error.print() {
                Ok(()) if !wrong => ExitCode::SUCCESS,
                Ok(()) | Err(_) => ExitCode::from(Exit::Usage.code()),
            };
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            return finish(&Failure::new(Exit::Unavailable, format!("the system gives no threads: {error}")));
        }
    };
    match runtime.block_on(run(cli)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => finish(&failure),
    }
}

fn finish(failure: &Failure) -> ExitCode {
    complain(failure);
    failure.into()
}

async fn run(cli: Cli) -> Result<(), Failure> {
    let mut config = Config::load(cli.settings.config.as_deref(), environment())?;
    if let Some(data) = cli.settings.data {
        config.server.data = data;
    }
    let serving = matches!(cli.command, Command::Serve { .. });
    // A command answers on standard output; only what goes wrong is logged beside it.
    let log = if serving { config.telemetry.log.clone() } else { "error".to_owned() };
    let _telemetry = telemetry::init(&TelemetryConfig { log, ..config.telemetry.clone() })
        .map_err(|error| Failure::because(Exit::Usage, "settings of telemetry", &error))?;
    match cli.command {
        Command::Serve { roles, port, host, no_demo } => {
            config.server.port = port.unwrap_or(config.server.port);
            config.server.host = host.unwrap_or(config.server.host);
            config.server.demo = config.server.demo && !no_demo;
            serve::run(config, RoleName::chosen(&roles)).await
        }
        Command::User { command } => admin::user(&config, command).await,
        Command::Device { command } => admin::device(&config, command).await,
        Command::Hall { command } => hall::run(config, command).await,
        Command::Complaints { command } => complaints::run(config, command).await,
        Command::Journal { command } => journal::run(&config, command).await,
        Command::Demo { command: DemoCommand::Day(args) } => demo::day::run(args)
            .await
            .map_err(|error| Failure::because(Exit::Data, "the demo day did not hold", &error)),
        Command::Demo { command: DemoCommand::Letter(args) } => demo::letter::run(args, &config.server.data)
            .await
            .map_err(|error| Failure::because(Exit::Data, "the demo letter did not hold", &error)),
        Command::Verify(args) => verify::run(&config, args).await,
        Command::Config => {
            let text = mpp_kit::config::dump(&config).map_err(|error| {
                Failure::new(Exit::Software, format!("the settings cannot be printed: {error}"))
            })?;
            print(&text)
        }
        Command::Migrate { roles } => migrate(&config, &roles).await,
        Command::Healthcheck { url } => healthcheck(&config, url).await,
    }
}

async fn migrate(config: &Config, roles: &[RoleName]) -> Result<(), Failure> {
    for (name, role) in SERVICES {
        if RoleName::chosen(roles).contains(&name) {
            storage::migrate(&storage::open(config, role).await?, role).await?;
            print(&format!("{role}: the tables are up to date"))?;
        }
    }
    Ok(())
}

async fn healthcheck(config: &Config, url: Option<String>) -> Result<(), Failure> {
    let url = url.unwrap_or_else(|| format!("http://127.0.0.1:{}", config.server.port));
    let address = format!("{}/readyz", url.trim_end_matches('/'));
    let unready =
        |why: &dyn fmt::Display| Failure::new(Exit::Unavailable, format!("{address} is not ready: {why}"));
    crate::choose_tls();
    let client = reqwest::Client::builder()
        .timeout(std::time::Duration::from_secs(5))
        .build()
        .map_err(|error| unready(&error))?;
    let answer = client.get(&address).send().await.map_err(|error| unready(&error.without_url()))?;
    if answer.status().is_success() { print("ready") } else { Err(unready(&answer.status())) }
}

/// The environment of this process, for the settings.
fn environment() -> BTreeMap<String, String> {
    std::env::vars().collect()
}

/// Writes lines for a person or a script to standard output.
fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Ok(()) => Ok(()),
        // Whoever read has seen enough (`mpp config | head`).
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => {
            Err(Failure::new(Exit::CannotCreate, format!("cannot write to standard output: {error}")))
        }
    }
}

/// Writes a sentence to standard error. If that is closed, the exit code still speaks.
#[expect(clippy::print_stderr, reason = "the command line speaks to its person here")]
fn complain(failure: &Failure) {
    eprintln!("mpp: {failure}");
}
