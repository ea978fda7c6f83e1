//! The load program: what the running suite does per second, beside what this machine could do at best.
//!
//! Every ceiling is measured in the same run, alternating with what it is a ceiling for, because a virtual machine varies
//! by a fifth from minute to minute; medians of several rounds are compared, never single runs. Each benchmark asserts
//! its effect: tickets were really called, rows are really there, boards really heard. Work is bounded in count and in
//! time; only a suite on this machine is accepted.
//!
//! - [`ceilings`]: an empty RPC through the kit's server stack, `append.lua` alone, SQL commits through the same ORM, an
//!   empty axum → tonic hop. Each on private servers of its own.
//! - [`service`]: issue and callNext at 1, 16 and 64 clients, the cost of a call by how many wait, a cheap REST call.
//! - [`boards`]: how long a call takes to a thousand boards.
//! - [`letters`]: letters from the signature to the file, the check of a file, the worklist of an official, memory.
//! - [`complaints`]: a burst of webhooks, clocks that fall due together, lists and the board beside a million cases.
//! - [`typesetting`]: the ceiling of letters, Typst alone.
//! - [`table`]: medians, ratios, targets.

pub mod boards;
pub mod ceilings;
pub mod complaints;
pub mod database;
pub mod fixture;
pub mod letters;
pub mod measure;
pub mod service;
pub mod table;
pub mod typesetting;

mod rows;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use clap::Parser;
use mpp::demo::accounts::DemoAccounts;
use mpp_kit::redis::Redis;

use ceilings::Ceilings;
use complaints::{Burst, Desk, Hook};
use database::Database;
use fixture::Fixture;
use letters::{Memory, Village};
use measure::Samples;

/// Clients that work at once.
pub const CLIENTS: [usize; 3] = [1, 16, 64];

/// Tickets that wait while the cost of a call is measured.
pub const DEPTHS: [usize; 3] = [10, 1_000, 10_000];

/// Bytes of a sealed message of a channel: the rows of its ceiling are as large.
const EVENT_OF_A_MESSAGE: usize = 800;

/// The longest that the program may run before it stops by itself.
const LIMIT: Duration = Duration::from_secs(30 * 60);

/// Measures a running suite and this machine.
#[derive(Debug, Parser)]
#[command(name = "load", max_term_width = 110)]
pub struct Args {
    /// Where the suite answers; on this machine [default: what the file of accounts says].
    #[arg(long)]
    base_url: Option<String>,
    /// The file of demo accounts that the suite wrote.
    #[arg(long, default_value = "./data/demo-accounts.json")]
    accounts: PathBuf,
    /// Where gRPC is called, if not through the gateway: the queue's own port.
    #[arg(long)]
    grpc_url: Option<String>,
    /// The PostgreSQL that the suite uses, for the commits; a schema `mpp_load` is made in it. Without, SQLite.
    #[arg(long)]
    postgres_url: Option<String>,
    /// Rounds; the medians of them are printed.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=9))]
    rounds: u32,
    /// Boards that watch.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=5_000))]
    watchers: u32,
    /// Only one part of the suite; all without.
    #[arg(long, value_enum)]
    only: Option<Part>,
    /// Applications that wait in the largest worklist.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(2_000..=1_000_000))]
    applications: u32,
    /// Cases in the table while lists and the board are read.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(20_000..=10_000_000))]
    cases: u32,
    /// The WhatsApp account of the suite that the burst is delivered to.
    #[arg(long, default_value = "beban")]
    hook_account: String,
    /// The secret of its app. Without, no burst is delivered.
    #[arg(long)]
    hook_secret: Option<String>,
    /// The process of the suite: its memory is read while letters are made. Without, memory is not measured.
    #[arg(long)]
    pid: Option<u32>,
    /// Writes everything that was measured as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
}

/// A part of the suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Part {
    /// Tickets, calls, boards.
    Queue,
    /// Letters, checks, worklists.
    Letters,
    /// Messages, clocks, lists of cases, the board.
    Complaints,
}

impl Args {
    fn wants(&self, part: Part) -> bool {
        self.only.is_none_or(|only| only == part)
    }
}

/// Measures as the command line asks, and prints the table. Targets that are missed are said, not failed on: the numbers
/// are those of this machine.
///
/// # Errors
/// When the suite does not answer or is elsewhere, when a benchmark had no effect, or when time is up.
pub async fn run(args: Args) -> anyhow::Result<table::Result> {
    mpp::choose_tls();
    tokio::time::timeout(LIMIT, measure_all(args))
        .await
        .unwrap_or_else(|_| bail!("stopped after {} minutes", LIMIT.as_secs() / 60))
}

async fn measure_all(args: Args) -> anyhow::Result<table::Result> {
    let began = Instant::now();
    let accounts = DemoAccounts::read(&args.accounts)?.with_context(|| {
        format!("there is no {}: start the suite with its demo first", args.accounts.display())
    })?;
    let base_url = args.base_url.clone().unwrap_or_else(|| accounts.base_url.clone());
    let grpc_url = args.grpc_url.clone().unwrap_or_else(|| base_url.clone());
    for url in [&base_url, &grpc_url] {
        require_loopback(url)?;
    }
    if let Some(url) = &args.postgres_url {
        require_loopback(url)?;
    }
    let mut samples = Samples::default();
    let mut event_bytes = 0;
    if args.wants(Part::Queue) {
        measure::require_open_files(u64::from(args.watchers) + 500)?;
        say("preparing a hall, accounts and private servers");
        let fixture = Fixture::prepare(&base_url, &grpc_url, &accounts).await?;
        event_bytes = fixture.event.len();
        let ceilings = Ceilings::start(args.postgres_url.as_deref(), &fixture.event).await?;
        let measured = rounds(&args, &fixture, &ceilings, &mut samples).await;
        // Whatever happened, the hall is left empty and closed, and the accounts of this run can sign in no more.
        let cleared = fixture.clear().await;
        ceilings.stop().await?;
        measured?;
        cleared?;
    }
    let database = match &args.postgres_url {
        Some(url) => Database::Postgres(url.clone()),
        None => Database::Files(args.accounts.with_file_name("")),
    };
    let mut memory = None;
    if args.wants(Part::Letters) {
        say("preparing a village");
        let village = Village::prepare(&base_url, &accounts, &database).await?;
        let measured = letter_rounds(&args, &village, &mut samples).await;
        let cleared = village.clear().await;
        memory = measured?;
        cleared?;
    }
    let mut burst = None;
    if args.wants(Part::Complaints) {
        say("preparing a complaint desk");
        let event = "x".repeat(EVENT_OF_A_MESSAGE);
        let ceilings = Ceilings::start(args.postgres_url.as_deref(), &event).await?;
        let desk = Desk::prepare(&base_url, &accounts, &database).await?;
        let measured = complaint_rounds(&args, &desk, &ceilings, &mut samples).await;
        let cleared = desk.clear().await;
        ceilings.stop().await?;
        burst = measured?;
        cleared?;
    }

    let result = table::Result::of(
        &samples,
        &table::Setting {
            engine: if args.postgres_url.is_some() { "PostgreSQL" } else { "SQLite (synchronous=FULL)" },
            rounds: args.rounds,
            watchers: args.watchers,
            applications: args.applications,
            cases: args.cases,
            event_bytes,
            direct: args.grpc_url.is_some(),
            seconds: began.elapsed().as_secs(),
        },
        memory,
        burst,
    )?;
    if let Some(path) = &args.json {
        std::fs::write(path, serde_json::to_vec_pretty(&result)?)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(result)
}

/// Letters, checks, worklists; answers how the memory of the suite grew from the first letters to the last, if it was
/// asked for.
async fn letter_rounds(
    args: &Args,
    village: &Village,
    samples: &mut Samples,
) -> anyhow::Result<Option<Memory>> {
    for round in 0..=args.rounds {
        say(&format!("round {round} of {}: letters", args.rounds));
        let mut these = Samples::default();
        village.letters(&mut these).await?;
        village.verify(&mut these).await?;
        if round > 0 {
            samples.extend(these);
        }
    }
    let memory = match args.pid {
        Some(pid) => {
            Some(village.memory(pid, &|done, all| say(&format!("memory: {done} of {all} letters"))).await?)
        }
        None => None,
    };
    for depth in [letters::SHALLOW, usize::try_from(args.applications)?] {
        say(&format!("worklist with {depth} waiting"));
        for _ in 0..args.rounds {
            village.worklist(depth, samples).await?;
        }
    }
    Ok(memory)
}

/// A burst of messages, lists and the board; answers what the burst did, if one could be delivered.
async fn complaint_rounds(
    args: &Args,
    desk: &Desk,
    ceilings: &Ceilings,
    samples: &mut Samples,
) -> anyhow::Result<Option<Burst>> {
    say("ceilings");
    ceilings.commits(samples).await?;
    ceilings.empty_rpc(1, samples).await?;
    let burst = match &args.hook_secret {
        Some(secret) => {
            let hook = Hook { account: args.hook_account.clone(), secret: secret.clone() };
            Some(desk.burst(&hook, samples, &say).await?)
        }
        None => None,
    };
    for cases in [complaints::SHALLOW, usize::try_from(args.cases)?] {
        say(&format!("lists and the board among {cases} cases"));
        for _ in 0..args.rounds {
            desk.lists(cases, samples, &|done| say(&format!("{done} of {cases} cases"))).await?;
        }
    }
    Ok(burst)
}

async fn rounds(
    args: &Args,
    fixture: &Fixture,
    ceilings: &Ceilings,
    samples: &mut Samples,
) -> anyhow::Result<()> {
    // The first round warms caches, connections and the branch predictor; it is thrown away.
    for round in 0..=args.rounds {
        let mut these = Samples::default();
        fixture.sign_in().await?;
        for clients in CLIENTS {
            say(&format!("round {round} of {}: {clients} clients", args.rounds));
            ceilings.empty_rpc(clients, &mut these).await?;
            service::issue(fixture, clients, &mut these).await?;
            service::call_next(fixture, clients, &mut these).await?;
        }
        say(&format!("round {round} of {}: ceilings", args.rounds));
        ceilings.append(&mut these).await?;
        ceilings.commits(&mut these).await?;
        ceilings.hop(&mut these).await?;
        service::rest_read(fixture, &mut these).await?;
        if round > 0 {
            samples.extend(these);
        }
    }
    say("cost of a call by how many wait");
    for round in 0..args.rounds {
        fixture.sign_in().await?;
        // In turn, so that no depth has the warmer machine. Filling happens once, emptying at the end.
        for depth in DEPTHS {
            service::depth(fixture, depth, round, samples).await?;
        }
    }
    let socket = args.accounts.with_file_name("redis").join("redis.sock");
    if socket.exists() {
        say("a hall whose log is lost");
        let redis = Redis::connect(&format!("redis+unix://{}", socket.display())).await?;
        for _ in 0..args.rounds {
            fixture.sign_in().await?;
            service::rebuild(fixture, &redis, samples).await?;
        }
    }
    say(&format!("{} boards", args.watchers));
    fixture.sign_in().await?;
    boards::watch(fixture, usize::try_from(args.watchers)?, samples).await
}

/// Refuses to load a machine that is not this one.
fn require_loopback(url: &str) -> anyhow::Result<()> {
    let parsed = reqwest::Url::parse(url).with_context(|| format!("{url} is no address"))?;
    match parsed.host_str() {
        Some("localhost" | "127.0.0.1" | "[::1]") => Ok(()),
        Some(host) => bail!("{host} is not this machine: only loopback addresses are loaded"),
        // A socket file is always on this machine.
        None if parsed.query().is_some_and(|query| query.contains("host=")) => Ok(()),
        None => bail!("{url} names no host"),
    }
}

/// Says on standard error what is being done.
#[expect(clippy::print_stderr, reason = "a program of the command line speaks to its person")]
fn say(text: &str) {
    eprintln!("load: {text}");
}

#[cfg(test)]
mod tests {
    use super::require_loopback;

    #[test]
    fn only_this_machine_is_loaded() {
        for url in [
            "http://localhost:8080",
            "http://127.0.0.1:8080",
            "http://[::1]:8080",
            "postgres:///mpp?host=/tmp/pg",
        ] {
            assert!(require_loopback(url).is_ok(), "{url}");
        }
        for url in
            ["http://example.org", "http://10.0.0.1:8080", "http://localhost.example.org", "localhost:8080"]
        {
            assert!(require_loopback(url).is_err(), "{url}");
        }
    }
}
