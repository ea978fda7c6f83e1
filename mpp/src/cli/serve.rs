//! `mpp serve`: starts the suite, says where it is, and stops it when told to.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::print;
use crate::config::Config;
use crate::demo::{self, accounts::DemoAccounts};
use crate::failure::{Exit, Failure};
use crate::roles::RoleName;
use crate::suite::{Options, Suite};

pub(super) async fn run(config: Config, roles: BTreeSet<RoleName>) -> Result<(), Failure> {
    let all = roles == RoleName::chosen(&[]);
    let demo = config.server.demo && all;
    // From here on a signal stops what has been started by then; the default would leave the private Redis behind.
    let mut signals = Signals::watch()?;
    let suite = tokio::select! {
        started = start(config, roles, demo) => started?,
        () = signals.next() => return Err(Failure::new(Exit::Unavailable, "stopped before everything had started")),
    };
    let shutdown = suite.shutdown().clone();
    let running = suite.run();
    tokio::pin!(running);
    tokio::select! {
        ended = &mut running => return ended,
        () = signals.next() => shutdown.trigger(),
    }
    tracing::info!("stopping: requests in flight are finished; a second signal stops at once");
    tokio::select! {
        ended = running => ended,
        // Dropping the suite kills the private Redis; what was acknowledged is in the database.
        () = signals.next() => Err(Failure::new(Exit::Software, "stopped at once by a second signal")),
    }
}

async fn start(config: Config, roles: BTreeSet<RoleName>, demo: bool) -> Result<Suite, Failure> {
    let all = roles == RoleName::chosen(&[]);
    // Letters of the demo are signed by a stand-in for BSrE, unless a signing service is configured.
    let stand_ins = demo && config.server.simulators;
    let sample_signatures = stand_ins && config.documents.signing.is_left_alone();
    // Messages of the demo reach nobody, unless an account at WhatsApp is configured.
    let sample_messages = stand_ins && config.notifications.whatsapp.is_empty();
    let options = Options { sample_signatures, sample_messages, ..Options::new(config, roles) };
    let suite = Suite::start(options).await?;
    let refused =
        |error: &anyhow::Error| Failure::because(Exit::Software, "the demo hall could not be made", error);
    if demo {
        let seeding = suite.seeding().await.map_err(|error| refused(&error))?;
        let accounts = demo::seed(seeding).await.map_err(|error| refused(&error))?;
        if let Some(simulator) = suite.simulator() {
            demo::letters::register_signers(simulator, &accounts);
        }
        print(&welcome(&suite, &accounts))?;
    } else if all {
        print(&empty(&suite))?;
    } else {
        print(&format!("Ready: {}", suite.base_url()))?;
    }
    Ok(suite)
}

/// The pages a person may want first. What each is for stands on the first.
const PAGES: [(&str, &str); 17] = [
    ("Beranda", "/"),
    ("Masuk", "/masuk"),
    ("Antrean hari ini", "/antrean"),
    ("Konsol loket", "/loket"),
    ("Meja resepsi", "/resepsi"),
    ("Ruang kendali", "/kendali"),
    ("Kiosk", "/kiosk"),
    ("Papan antrean", "/papan"),
    ("Surat dan izin", "/surat"),
    ("Meja surat", "/meja"),
    ("Periksa dokumen", "/periksa"),
    ("Lapor", "/lapor"),
    ("Lacak", "/lacak"),
    ("Peta laporan", "/peta"),
    ("Kotak kerja aduan", "/aduan"),
    ("Papan keterlambatan", "/kendali/aduan"),
    ("API", "/docs"),
];

/// Signals that ask the process to stop.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn watch() -> Result<Self, Failure> {
        let watch = |kind| {
            signal(kind)
                .map_err(|error| Failure::new(Exit::Software, format!("signals cannot be watched: {error}")))
        };
        Ok(Self { interrupt: watch(SignalKind::interrupt())?, terminate: watch(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! { _ = self.interrupt.recv() => (), _ = self.terminate.recv() => () }
    }
}

/// What a person sees when the demo is ready: where to look, and whom to be.
fn welcome(suite: &Suite, accounts: &DemoAccounts) -> String {
    let url = suite.base_url();
    let mut out = pages(url);
    out.push_str("\n  Demo accounts (synthetic; all of them in ");
    let _ = writeln!(out, "{})", suite.data().join("demo-accounts.json").display());
    for role in [
        "admin",
        "hall_manager",
        "agency_supervisor",
        "reception",
        "counter",
        "rt_head",
        "village_officer",
        "village_head",
        "complaint_coordinator",
        "regional_head",
    ] {
        if let Some(account) = accounts.accounts.iter().find(|account| account.role == role) {
            let _ = writeln!(out, "    {role:<22} {:<22} {}", account.username, account.password);
        }
    }
    out.push_str("\n  Keys of the demo devices\n");
    for kind in ["kiosk", "board"] {
        if let Some(device) = accounts.devices.iter().find(|device| device.kind == kind) {
            let _ = writeln!(out, "    {kind:<22} {}", device.key);
        }
    }
    out.push_str("\n  Ctrl-C stops everything.\n");
    out
}

fn empty(suite: &Suite) -> String {
    let mut out = pages(suite.base_url());
    let data = suite.data().display();
    let _ =
        writeln!(out, "\n  Add the first administrator, who then does the rest on the pages or by the API:");
    let _ = writeln!(out, "    mpp user add --username NAME --role admin --data {data}");
    out.push_str("\n  Ctrl-C stops everything.\n");
    out
}

fn pages(url: &str) -> String {
    let mut out = format!("Ready: {url}\n\n");
    for (name, path) in PAGES {
        let _ = writeln!(out, "  {name:<20} {url}{path}");
    }
    out
}
