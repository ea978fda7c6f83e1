//! The virus scanner: ClamAV's daemon, spoken to in its own protocol (clamd(8), INSTREAM).

use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::domain::words::Scan;

/// How long a verdict may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// Bytes of a chunk: below the smallest limit that clamd may have.
const CHUNK: usize = 64 << 10;

/// What the daemon at `address` says of a content.
///
/// # Errors
/// When it does not answer, or answers neither of the two.
pub(crate) async fn scan(address: &str, content: &[u8]) -> anyhow::Result<Scan> {
    timeout(PATIENCE, ask(address, content)).await.context("the virus scanner takes too long")?
}

async fn ask(address: &str, content: &[u8]) -> anyhow::Result<Scan> {
    let mut stream = TcpStream::connect(address).await.context("the virus scanner does not answer")?;
    stream.write_all(b"zINSTREAM\0").await?;
    for chunk in content.chunks(CHUNK) {
        stream.write_all(&u32::try_from(chunk.len())?.to_be_bytes()).await?;
        stream.write_all(chunk).await?;
    }
    stream.write_all(&0_u32.to_be_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(4096).read_to_end(&mut answer).await?;
    let answer = String::from_utf8_lossy(&answer);
    let answer = answer.trim_end_matches(['\0', '\n']);
    if answer.ends_with(" OK") {
        Ok(Scan::Clean)
    } else if answer.ends_with(" FOUND") {
        Ok(Scan::Infected)
    } else {
        bail!("the virus scanner could not judge a file")
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

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
        assert_eq!(scan(&address, &vec![b'a'; 200_000]).await.unwrap(), Scan::Clean);
        let mut bad = vec![b'a'; 200_000];
        bad.extend_from_slice(b"EICAR");
        assert_eq!(scan(&address, &bad).await.unwrap(), Scan::Infected);
        assert!(scan("127.0.0.1:1", b"x").await.is_err());
    }
}
