//! The way out: what failed inside is logged here, once, and what leaves says nothing of it.

use std::any::Any;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{HeaderMap, Response};
use http_body::Frame;
use tonic::body::Body;
use tonic::{Code, Status};

use super::meters::OpenStream;
use crate::fault::{Language, Problem, chain};

pub(super) fn panicked(panic: &(dyn Any + Send), language: Language) -> Response<Body> {
    let message = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".into());
    Problem::internal(anyhow::anyhow!("the handler panicked: {message}")).into_status(language).into_http()
}

/// Logs what failed inside and makes sure that an answer that refuses has its details.
pub(super) fn leave(mut response: Response<Body>, language: Language) -> (Response<Body>, Code) {
    let Some(value) = response.headers().get(Status::GRPC_STATUS) else { return (response, Code::Ok) };
    let code = Code::from_bytes(value.as_bytes());
    let span = tracing::Span::current();
    span.record("rpc.grpc.status_code", code as i32);
    if code == Code::Ok {
        return (response, code);
    }
    let status = response.extensions_mut().remove::<Status>();
    log_failure(code, status.as_ref());
    if is_our_fault(code) {
        span.record("otel.status_code", "ERROR");
    }
    if response.headers().contains_key(Status::GRPC_STATUS_DETAILS) {
        return (response, code);
    }
    let status = status.or_else(|| Status::from_header_map(response.headers()));
    let response = status.map_or(response, |status| with_details(&status, language).into_http());
    (response, code)
}

fn log_failure(code: Code, status: Option<&Status>) {
    let source = status.and_then(std::error::Error::source).map(chain);
    let error = source.as_deref();
    if is_our_fault(code) {
        let message = status.map_or("", Status::message);
        tracing::error!(code = code_name(code), error, message, "request failed");
    } else if matches!(code, Code::Unavailable | Code::DeadlineExceeded | Code::ResourceExhausted) {
        tracing::warn!(code = code_name(code), error, "request not served");
    } else if error.is_some() {
        tracing::info!(code = code_name(code), error, "request refused");
    }
}

fn is_our_fault(code: Code) -> bool {
    matches!(code, Code::Internal | Code::Unknown | Code::DataLoss)
}

/// A status that tonic or a handler made without details gets those that every answer of the suite has. What an internal
/// one says stays inside.
fn with_details(status: &Status, language: Language) -> Status {
    let code = status.code();
    let problem = if is_our_fault(code) {
        let generic = Problem::internal(anyhow::anyhow!("logged above"));
        Problem { code, source: None, ..generic }
    } else {
        Problem::new(code, code_name(code), "Permintaan ini tidak dapat diproses.", status.message())
    };
    let mut detailed = problem.into_status(language);
    *detailed.metadata_mut() = status.metadata().clone();
    detailed
}

/// The name of a code as the gRPC specification writes it.
#[must_use]
pub const fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

/// The body of a streamed answer.
pub(super) struct Stream {
    pub(super) inner: Body,
    pub(super) stopped: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    pub(super) language: Language,
    pub(super) span: tracing::Span,
    pub(super) ended: bool,
    pub(super) _open: OpenStream,
}

impl http_body::Body for Stream {
    type Data = bytes::Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let stopped = self.stopped.as_mut().is_some_and(|stopped| stopped.as_mut().poll(cx).is_ready());
        if stopped {
            self.ended = true;
            return Poll::Ready(Some(stopping(self.language).map(Frame::trailers)));
        }
        let frame = Pin::new(&mut self.inner).poll_frame(cx);
        if let Poll::Ready(Some(Ok(frame))) = &frame
            && let Some(trailers) = frame.trailers_ref()
            && let Some(code) =
                trailers.get(Status::GRPC_STATUS).map(|value| Code::from_bytes(value.as_bytes()))
            && code != Code::Ok
        {
            self.span.in_scope(|| {
                let status = Status::from_header_map(trailers);
                log_failure(code, status.as_ref());
            });
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.ended || self.inner.is_end_stream()
    }
}

fn stopping(language: Language) -> Result<HeaderMap, Status> {
    let problem = Problem::new(
        Code::Unavailable,
        "SHUTTING_DOWN",
        "Sistem dimulai ulang. Sambungan akan dipulihkan.",
        "The system restarts. Connect again.",
    );
    let mut trailers = HeaderMap::new();
    problem.retry_after(Duration::from_secs(1)).into_status(language).add_header(&mut trailers)?;
    Ok(trailers)
}
