//! A thousand boards: how long from the press at a counter to the frame on each of them.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use futures::StreamExt as _;
use mpp::demo::rest::{Credentials, Rest};
use tokio::task::JoinSet;

use super::fixture::{self, Fixture};
use super::measure::{Sample, Samples};

/// Calls that are shown.
const CALLS: usize = 60;

/// Pause between two calls: busy for a hall of sixty counters.
const PAUSE: Duration = Duration::from_millis(100);

/// How long all boards may take to connect, and to hear the last call.
const PATIENCE: Duration = Duration::from_secs(60);

/// Connections opened at once.
const DIALLING: usize = 50;

/// Opens the streams, calls, and waits until every board has heard every call.
///
/// # Errors
/// When a stream breaks off, or a board misses a call.
pub async fn watch(fixture: &Fixture, watchers: usize, samples: &mut Samples) -> anyhow::Result<()> {
    let hall = &fixture.main;
    fixture.fill(&hall.id, &hall.ringing, CALLS).await?;
    let board = Rest::new(&fixture.base_url)?.session(Credentials::Device { key: fixture.board_key.clone() });
    let token: Arc<str> = board.access_token().await?.into();
    let url: Arc<str> = format!("{}/v1/halls/{}/board:watch", fixture.base_url, hall.id).into();

    // Every board has a connection of its own, as in a hall.
    let http = reqwest::Client::builder().build()?;
    let (connected, dialling) =
        (Arc::new(AtomicUsize::new(0)), Arc::new(tokio::sync::Semaphore::new(DIALLING)));
    let mut boards = JoinSet::new();
    for _ in 0..watchers {
        let (http, url, token) = (http.clone(), Arc::clone(&url), Arc::clone(&token));
        let (connected, dialling) = (Arc::clone(&connected), Arc::clone(&dialling));
        boards.spawn(async move {
            let permit = dialling.acquire_owned().await?;
            let answer =
                http.get(&*url).bearer_auth(&token).header("accept", "text/event-stream").send().await?;
            let mut frames =
                Frames { body: answer.error_for_status()?.bytes_stream().boxed(), buffer: Vec::new() };
            // The snapshot: from here on the board is live.
            frames.next().await?;
            drop(permit);
            connected.fetch_add(1, Ordering::AcqRel);
            listen(frames).await
        });
    }
    let dialled = Instant::now();
    while connected.load(Ordering::Acquire) < watchers {
        if let Some(ended) = boards.try_join_next() {
            ended.context("a board failed")?.context("a board could not connect")?;
            bail!("a board ended before the first call");
        }
        ensure!(
            dialled.elapsed() < PATIENCE,
            "{} of {watchers} boards are connected",
            connected.load(Ordering::Acquire)
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    let mut client = fixture.client(&fixture.main.id, 0)?;
    let (mut pressed, mut called) = (HashMap::new(), Vec::new());
    let began = Instant::now();
    for counter in hall.ringing_counters.iter().take(CALLS) {
        let press = Instant::now();
        let ticket = fixture::call(&mut client, counter).await?;
        pressed.insert(ticket.number.clone(), press);
        called.push(ticket);
        tokio::time::sleep(PAUSE).await;
    }
    let elapsed = began.elapsed();
    let heard = tokio::time::timeout(PATIENCE, boards.join_all())
        .await
        .context("boards did not hear the last call")?;
    let mut sample = Sample { latencies: Vec::with_capacity(watchers * CALLS), elapsed };
    for board in heard {
        let mut heard_here = 0;
        for (number, at) in board? {
            if let Some(press) = pressed.get(&number) {
                heard_here += 1;
                sample.latencies.push(at.duration_since(*press));
            }
        }
        ensure!(heard_here == CALLS, "a board heard {heard_here} of {CALLS} calls");
    }
    fixture.release(called).await?;
    samples.push("call to board", sample);
    Ok(())
}

/// Reads until as many calls were announced as will be; answers when each number came.
async fn listen(mut frames: Frames) -> anyhow::Result<Vec<(String, Instant)>> {
    let mut heard = Vec::with_capacity(CALLS);
    while heard.len() < CALLS {
        let frame = frames.next().await?;
        let at = Instant::now();
        heard.extend(announced(&frame).map(|number| (number.to_owned(), at)));
    }
    Ok(heard)
}

/// The numbers that a frame announces. Announcements are the last field of a frame; a thousand boards share two cores
/// with the suite, so the text is searched and not parsed.
fn announced(frame: &str) -> impl Iterator<Item = &str> {
    const LIST: &str = "\"announcements\":";
    const NUMBER: &str = "\"ticketNumber\":\"";
    let list = frame.rfind(LIST).map_or("", |at| &frame[at..]);
    list.split(NUMBER).skip(1).filter_map(|rest| rest.split('"').next())
}

/// Server-sent events of one stream.
struct Frames {
    body: futures::stream::BoxStream<'static, reqwest::Result<Bytes>>,
    buffer: Vec<u8>,
}

type Bytes = axum::body::Bytes;

impl Frames {
    /// The next event that has data; heartbeats are skipped.
    async fn next(&mut self) -> anyhow::Result<String> {
        loop {
            while let Some(end) = self.buffer.windows(2).position(|pair| pair == b"\n\n") {
                let event: Vec<u8> = self.buffer.drain(..end + 2).collect();
                if event.starts_with(b"data:") || event.windows(6).any(|part| part == b"\ndata:") {
                    return String::from_utf8(event).context("a frame is not text");
                }
            }
            let chunk =
                self.body.next().await.context("the stream ended")?.context("the stream broke off")?;
            self.buffer.extend_from_slice(&chunk);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_from_the_announcements_only() {
        let frame = r#"id: 7
data: {"seq":"7","counters":[{"ticketNumber":"P001"}],"announcements":[{"id":"7","ticketNumber":"P002"},{"ticketNumber":"P003"}]}"#;
        assert_eq!(announced(frame).collect::<Vec<_>>(), ["P002", "P003"]);
        assert_eq!(
            announced(r#"data: {"counters":[{"ticketNumber":"P001"}],"announcements":[]}"#).count(),
            0
        );
        assert_eq!(announced("data: {}").count(), 0);
    }

    #[tokio::test]
    async fn frames_are_cut_where_they_end_and_heartbeats_are_skipped() {
        let chunks = ["id: 1\nda", "ta: a\n\n: beat\n\n", "data: b\n", "\n"];
        let body =
            futures::stream::iter(chunks.map(|chunk| Ok(Bytes::from_static(chunk.as_bytes())))).boxed();
        let mut frames = Frames { body, buffer: Vec::new() };
        assert_eq!(frames.next().await.unwrap(), "id: 1\ndata: a\n\n");
        assert_eq!(frames.next().await.unwrap(), "data: b\n\n");
        assert!(frames.next().await.is_err());
    }
}
