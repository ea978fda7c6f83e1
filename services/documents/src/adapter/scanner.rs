//! A virus scanner: ClamAV's daemon, asked over TCP with `INSTREAM` (clamd(8)). What it finds is refused; while it does not
//! answer, nothing is accepted that it should have seen.

use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long a scan may take.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes of one piece of the stream.
const PIECE: usize = 64 << 10;
/// Bytes of an answer at most.
const LONGEST_ANSWER: usize = 4096;

/// What it says of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Finding {
    Clean,
    Infected,
}

/// Looks at a file through the daemon at this address, such as `clamav:3310`.
///
/// # Errors
/// When it does not answer, or answers that it could not look.
pub(crate) async fn scan(address: &str, content: &[u8]) -> anyhow::Result<Finding> {
    timeout(TIMEOUT, ask(address, content)).await.context("the virus scanner takes too long")?
}

async fn ask(address: &str, content: &[u8]) -> anyhow::Result<Finding> {
    let mut stream = TcpStream::connect(address).await.context("the virus scanner cannot be reached")?;
    stream.write_all(b"zINSTREAM\0").await?;
    for piece in content.chunks(PIECE) {
        stream.write_all(&u32::try_from(piece.len())?.to_be_bytes()).await?;
        stream.write_all(piece).await?;
    }
    // A piece of no length is the end.
    stream.write_all(&0_u32.to_be_bytes()).await?;
    let mut answer = Vec::new();
    while !answer.contains(&0) {
        ensure!(answer.len() < LONGEST_ANSWER, "the virus scanner gives no answer that ends");
        if stream.read_buf(&mut answer).await? == 0 {
            break;
        }
    }
    let answer = String::from_utf8_lossy(&answer);
    let answer = answer.trim_end_matches('\0').trim();
    match answer.strip_prefix("stream: ") {
        Some("OK") => Ok(Finding::Clean),
        Some(found) if found.ends_with(" FOUND") => Ok(Finding::Infected),
        // Such as a limit of its own that a file exceeds.
        Some(_) | None => bail!("the virus scanner could not look at a file: {answer}"),
    }
}
