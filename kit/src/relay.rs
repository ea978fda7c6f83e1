//! What every relay of messages from a service's own outbox to another role needs: a token, a patience, and when to offer
//! again what was not taken.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use chrono::TimeDelta;
use futures::future::BoxFuture;
use tonic::{Code, Request};

use crate::patience::doubled;

/// How long the other role may take for one message.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest pause before a message is offered again.
const LONGEST: TimeDelta = TimeDelta::minutes(10);

/// Where an access token for another role comes from.
pub type TokenSource = Arc<dyn Fn() -> BoxFuture<'static, anyhow::Result<String>> + Send + Sync>;

/// A call as the holder of a token.
///
/// # Errors
/// When the token is nothing that a header holds.
pub fn request<T>(message: T, token: &str) -> anyhow::Result<Request<T>> {
    let mut request = Request::new(message);
    let value = format!("Bearer {token}").parse().context("a token that no header holds")?;
    request.metadata_mut().insert("authorization", value);
    request.set_timeout(PATIENCE);
    Ok(request)
}

/// Whether what was refused with this code may be taken later: the other role is away, older than this one, or has not been
/// told of our account yet. Everything else is wrong with the message itself.
#[must_use]
pub fn may_be_taken_later(code: Code) -> bool {
    matches!(
        code,
        Code::Unavailable
            | Code::DeadlineExceeded
            | Code::ResourceExhausted
            | Code::Aborted
            | Code::Internal
            | Code::Unknown
            | Code::Cancelled
            | Code::Unauthenticated
            | Code::PermissionDenied
            | Code::Unimplemented
    )
}

/// How long to wait after so many attempts in vain: a second first, twice as long each time, ten minutes at most.
#[must_use]
pub fn pause_after(attempts: i32) -> TimeDelta {
    doubled(TimeDelta::seconds(1), attempts, LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_ten_minutes() {
        let pauses: Vec<i64> = [-1, 0, 1, 5, 9, 10, i32::MAX].map(|it| pause_after(it).num_seconds()).into();
        assert_eq!(pauses, [1, 1, 2, 32, 512, 600, 600]);
    }

    #[test]
    fn only_what_is_wrong_with_the_message_itself_is_final() {
        assert!(may_be_taken_later(Code::Unavailable) && may_be_taken_later(Code::PermissionDenied));
        for code in [Code::InvalidArgument, Code::NotFound, Code::AlreadyExists, Code::FailedPrecondition] {
            assert!(!may_be_taken_later(code), "{code:?}");
        }
    }

    #[test]
    fn a_call_carries_its_token_and_ends() {
        let call = request((), "abc").unwrap();
        assert_eq!(call.metadata().get("authorization").unwrap(), "Bearer abc");
        assert!(call.metadata().contains_key("grpc-timeout"));
        assert!(request((), "a\nb").is_err());
    }
}
