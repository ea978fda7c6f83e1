//! `mpp verify`: what the upload check of the running suite says of a file.

use std::fs;
use std::path::PathBuf;

use clap::Args;

use super::print;
use crate::config::Config;
use crate::data::{DataDir, Taken};
use crate::demo::rest::{Answer, Credentials, Rest};
use crate::failure::{Exit, Failure};
use crate::verdict;

#[derive(Args)]
pub(super) struct VerifyArgs {
    /// The PDF, or the scan of a letter that was signed by hand.
    file: PathBuf,
    /// Where the suite answers [default: the server of the data directory, else http://127.0.0.1:<server.port>].
    #[arg(long)]
    url: Option<String>,
}

/// Prints what the file is. Only a whole file of a document in force is a success; of what was signed by hand, the scan on
/// record.
pub(super) async fn run(config: &Config, args: VerifyArgs) -> Result<(), Failure> {
    let VerifyArgs { file, url } = args;
    let name = file.display();
    let pdf =
        fs::read(&file).map_err(|error| Failure::new(Exit::Usage, format!("cannot read {name}: {error}")))?;
    let url = match url {
        Some(url) => url,
        None => address(config)?,
    };
    let away = |error: &anyhow::Error| {
        Failure::because(Exit::Unavailable, format!("the suite does not answer at {url}"), error)
    };
    let rest = Rest::new(&url).map_err(|error| away(&error))?;
    rest.ready().await.map_err(|error| away(&error))?;
    let verdict = match verdict::ask(&rest.session(Credentials::Nobody), &pdf).await {
        Answer::Done(verdict) => verdict,
        Answer::Refused(refusal) => {
            return Err(Failure::new(Exit::Data, format!("{name} cannot be checked: {}", refusal.detail)));
        }
        Answer::Unknown(error) => return Err(away(&anyhow::anyhow!(error))),
    };
    print(&format!("{name}: {verdict}"))?;
    if verdict.is_good() {
        Ok(())
    } else {
        Err(Failure::new(Exit::Data, format!("{name} is {}", verdict.complaint())))
    }
}

/// Where the server of the data directory answers; without one, where a server of these settings would.
fn address(config: &Config) -> Result<String, Failure> {
    // Looking for a server must not make the directory.
    if config.server.data.exists()
        && let Taken::Held(address) = DataDir::try_take(&config.server.data)?
        && !address.is_empty()
    {
        return Ok(address);
    }
    Ok(format!("http://127.0.0.1:{}", config.server.port))
}
