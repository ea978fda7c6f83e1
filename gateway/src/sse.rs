//! The format of server-sent events (HTML Living Standard, section 9.2).

use axum::{body::Body, response::Response};
use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};
use futures::{Stream, StreamExt as _, stream};
use http::{HeaderName, HeaderValue, header};

/// A message of the stream.
pub(crate) const UPDATE: &str = "update";
/// A sign of life: sent only while what is shown is fresh.
pub(crate) const HEARTBEAT: &str = "heartbeat";
/// A problem; the stream ends after it.
pub(crate) const ERROR: &str = "error";
/// How long a browser waits before it connects again.
const RETRY: Bytes = Bytes::from_static(b"retry: 1000\n\n");
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// One event. `data` is one line.
pub(crate) fn event(id: Option<i64>, name: &str, data: &[u8]) -> Bytes {
    let mut out = Vec::with_capacity(data.len() + 48);
    if let Some(id) = id {
        out.extend_from_slice(format!("id: {id}\n").as_bytes());
    }
    out.extend_from_slice(b"event: ");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\ndata: ");
    out.extend_from_slice(data);
    out.extend_from_slice(b"\n\n");
    Bytes::from(out)
}

/// A heartbeat with the time of the server.
pub(crate) fn heartbeat(now: DateTime<Utc>) -> Bytes {
    event(
        None,
        HEARTBEAT,
        format!(r#"{{"time":"{}"}}"#, now.to_rfc3339_opts(SecondsFormat::Millis, true)).as_bytes(),
    )
}

/// The answer that carries a stream of events. Nothing on the way may keep or gather it.
pub(crate) fn response(events: impl Stream<Item = Bytes> + Send + 'static) -> Response {
    let events = stream::once(std::future::ready(RETRY)).chain(events).map(Ok::<_, std::convert::Infallible>);
    let mut response = Response::new(Body::from_stream(events));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(ACCEL_BUFFERING, HeaderValue::from_static("no"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_have_the_standard_form() {
        assert_eq!(
            event(Some(7), UPDATE, b"{\"seq\":\"7\"}"),
            "id: 7\nevent: update\ndata: {\"seq\":\"7\"}\n\n"
        );
        let now = DateTime::from_timestamp(1_800_000_000, 250_000_000).expect("a time");
        assert_eq!(heartbeat(now), "event: heartbeat\ndata: {\"time\":\"2027-01-15T08:00:00.250Z\"}\n\n");
    }

    #[tokio::test]
    async fn a_stream_begins_with_the_retry_time() -> anyhow::Result<()> {
        let response = response(stream::iter([event(None, UPDATE, b"1")]));
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
        assert_eq!(response.headers()[&ACCEL_BUFFERING], "no");
        let body = axum::body::to_bytes(response.into_body(), usize::MAX).await?;
        assert_eq!(body, "retry: 1000\n\nevent: update\ndata: 1\n\n");
        Ok(())
    }
}
