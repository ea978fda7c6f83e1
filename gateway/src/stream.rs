//! Server-streaming RPCs as server-sent events: one upstream per client. Boards, which have many watchers, go through
//! [`crate::hub`] instead.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::{Stream, StreamExt as _};
use mpp_kit::{clock::Clock, fault::Language};
use tokio::{
    sync::{OwnedSemaphorePermit, mpsc},
    time::{MissedTickBehavior, interval},
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

use crate::{board::BUFFER, catalog::Rpc, problem::ProblemBody, sse, transcode};

/// What the events of one upstream need besides its messages.
pub(crate) struct Relay {
    /// The RPC that is watched.
    pub(crate) rpc: Arc<Rpc>,
    /// For heartbeats.
    pub(crate) clock: Arc<dyn Clock>,
    /// Between heartbeats.
    pub(crate) heartbeat: Duration,
    /// The request id, for problems.
    pub(crate) instance: String,
    /// The client's language, for problems.
    pub(crate) language: Language,
}

impl Relay {
    /// Reads the upstream as fast as it comes, into a buffer of [`BUFFER`] events. A client that cannot keep up is
    /// dropped: an unread upstream would harm everybody on its connection.
    pub(crate) fn start(self, upstream: Streaming<Bytes>) -> mpsc::Receiver<Bytes> {
        let (events, receiver) = mpsc::channel(BUFFER);
        tokio::spawn(self.run(upstream, events));
        receiver
    }

    async fn run(self, mut upstream: Streaming<Bytes>, events: mpsc::Sender<Bytes>) {
        let mut beat = interval(self.heartbeat);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let event = tokio::select! {
                message = upstream.message() => match message {
                    Ok(Some(bytes)) => match self.update(bytes) {
                        Ok(event) => event,
                        Err(status) => return self.fail(&status, &events),
                    },
                    Ok(None) => return,
                    Err(status) => return self.fail(&status, &events),
                },
                _ = beat.tick() => sse::heartbeat(self.clock.now()),
                () = events.closed() => return,
            };
            if events.try_send(event).is_err() {
                tracing::debug!(rpc = self.rpc.name, "a client could not keep up and was dropped");
                return;
            }
        }
    }

    fn update(&self, bytes: Bytes) -> Result<Bytes, Status> {
        let event = transcode::response(&self.rpc.output, bytes).and_then(|message| {
            Ok(sse::event(transcode::seq(&self.rpc, &message), sse::UPDATE, &transcode::json(&message)?))
        });
        event.map_err(|problem| problem.into_status(self.language))
    }

    /// Tells the client why the stream ends. If its buffer is full it is told by the end itself.
    fn fail(&self, status: &Status, events: &mpsc::Sender<Bytes>) {
        let body = ProblemBody::new(status, &self.instance, self.language);
        if events.try_send(sse::event(None, sse::ERROR, body.to_json().as_bytes())).is_err() {
            tracing::debug!(rpc = self.rpc.name, code = ?status.code(), "a stream failed and its client could not be told");
        }
    }
}

/// The events for one client, until its token expires or the process ends; its permits are given back then.
pub(crate) fn until_end(
    events: mpsc::Receiver<Bytes>,
    expires_at: Option<DateTime<Utc>>,
    clock: &Arc<dyn Clock>,
    stopping: impl Future<Output = ()> + Send + 'static,
    permit: (OwnedSemaphorePermit, Option<OwnedSemaphorePermit>),
) -> impl Stream<Item = Bytes> + Send + 'static {
    let left = expires_at.map(|end| (end - clock.now()).to_std().unwrap_or_default());
    let end = async move {
        let expired = async {
            match left {
                Some(left) => tokio::time::sleep(left).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! { () = expired => {}, () = stopping => {} }
    };
    ReceiverStream::new(events).take_until(Box::pin(end)).map(move |event| {
        // Held by the stream, so that it counts for as long as the client is connected.
        let _held = &permit;
        event
    })
}
