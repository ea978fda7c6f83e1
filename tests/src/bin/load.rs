//! `cargo run --release -p mpp-tests --bin load`: see `mpp_tests::load`.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;
use mpp_tests::load::{self, Args};

#[tokio::main]
#[expect(clippy::print_stderr, reason = "a program of the command line speaks to its person")]
async fn main() -> ExitCode {
    let printed = match load::run(Args::parse()).await {
        Ok(result) => writeln!(std::io::stdout().lock(), "{result}").map_err(anyhow::Error::from),
        Err(error) => Err(error),
    };
    match printed {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("load: {error:#}");
            ExitCode::FAILURE
        }
    }
}
