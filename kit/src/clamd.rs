//! A virus scanner: ClamAV's daemon, asked over TCP with `INSTREAM` (clamd(8)). What it finds is refused; while it does not
//! answer, nothing is accepted that it should have seen.

use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Bytes of one piece of the stream.
const PIECE: usize = 64 << 10;
/// Bytes of an answer at most.
const LONGEST_ANSWER: usize = 4096;

/// What it says of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// Nothing was found.
    Clean,
    /// It holds something.
    Infected,
}

/// Looks at a file through the daemon at this address, such as `clamav:3310`, which may take so long.
///
/// # Errors
/// When it does not answer in time, or answers that it could not look.
pub async fn scan(address: &str, content: &[u8], patience: Duration) -> anyhow::Result<Finding> {
    timeout(patience, ask(address, content)).await.context("the virus scanner takes too long")?
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

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(60);

    /// A daemon that finds the word EICAR in what it was sent, whole.
    async fn daemon() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut command = [0; 10];
                stream.read_exact(&mut command).await.unwrap();
                assert_eq!(&command, b"zINSTREAM\0");
                let mut content = Vec::new();
                loop {
                    let length = stream.read_u32().await.unwrap();
                    if length == 0 {
                        break;
                    }
                    let mut chunk = vec![0; length as usize];
                    stream.read_exact(&mut chunk).await.unwrap();
                    content.extend(chunk);
                }
                let found = content.windows(5).any(|it| it == b"EICAR");
                let answer: &[u8] = if found { b"stream: Eicar-Test FOUND\0" } else { b"stream: OK\0" };
                stream.write_all(answer).await.unwrap();
            }
        });
        address
    }

    #[tokio::test]
    async fn the_daemon_gets_the_whole_file_and_its_word_counts() {
        let address = daemon().await;
        assert_eq!(scan(&address, &vec![b'a'; 200_000], PATIENCE).await.unwrap(), Finding::Clean);
        let mut bad = vec![b'a'; 200_000];
        bad.extend_from_slice(b"EICAR");
        assert_eq!(scan(&address, &bad, PATIENCE).await.unwrap(), Finding::Infected);
        assert!(scan("127.0.0.1:1", b"x", PATIENCE).await.is_err());
    }
}
