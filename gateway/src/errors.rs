//! The catalogue of reasons at `/docs/errors`: what each means and what to do. The `type` of a problem leads here.
//!
//! Services own their reasons; this page only explains them. A reason that is missing here still reaches the client, with
//! its sentence in `detail`.

use tonic::Code;

use crate::problem;

/// A reason, explained.
#[derive(Debug)]
pub(crate) struct Explained {
    /// The reason.
    pub(crate) reason: &'static str,
    /// The HTTP status it comes with.
    pub(crate) status: u16,
    /// What it means and what helps.
    pub(crate) meaning: &'static str,
}

/// Every reason, by name.
pub(crate) fn all() -> Vec<Explained> {
    let mut all: Vec<_> = REASONS
        .iter()
        .map(|(reason, code, meaning)| Explained {
            reason,
            status: problem::http_status(*code).as_u16(),
            meaning,
        })
        .collect();
    all.extend(HTTP_ONLY.iter().map(|(reason, status, meaning)| Explained {
        reason,
        status: *status,
        meaning,
    }));
    all.sort_by_key(|explained| explained.reason);
    all
}

/// Reasons whose HTTP status is not that of a gRPC code.
const HTTP_ONLY: &[(&str, u16, &str)] = &[
    ("BODY_TOO_LARGE", 413, "The body is larger than metadata.limitBytes."),
    ("METHOD_NOT_ALLOWED", 405, "The path exists, but not with this method; see the Allow header."),
    (
        "REQUEST_ID_REUSED",
        422,
        "The Idempotency-Key (requestId) was used for another request. Use a new one. Over gRPC the code is FAILED_PRECONDITION.",
    ),
    ("UNSUPPORTED_MEDIA_TYPE", 415, "A body must be sent as application/json."),
];

/// Reasons with their code.
const REASONS: &[(&str, Code, &str)] = &[
    // Of the gateway.
    ("BODY_BROKEN", Code::InvalidArgument, "The body ended before it was complete. Send the request again."),
    (
        "CROSS_SITE_REQUEST",
        Code::PermissionDenied,
        "A browser session may change things only from pages of this site: Origin or Sec-Fetch-Site must say so. Programs use a bearer token.",
    ),
    ("PATH_NOT_FOUND", Code::NotFound, "No operation has this path."),
    ("RATE_LIMITED", Code::ResourceExhausted, "Too many requests. Wait as long as Retry-After says."),
    (
        "TOO_MANY_STREAMS",
        Code::Unavailable,
        "Too many live views are open on this server. Try again after Retry-After.",
    ),
    // Of every service.
    (
        "DEADLINE_EXCEEDED",
        Code::DeadlineExceeded,
        "The request took too long. Repeat it with the same request id.",
    ),
    (
        "IDEMPOTENCY_KEY_REQUIRED",
        Code::InvalidArgument,
        "A service account gives an Idempotency-Key (requestId) with each request that changes something.",
    ),
    ("INTERNAL", Code::Internal, "A fault of the system. Give support the instance."),
    (
        "INVALID_PAGE_TOKEN",
        Code::InvalidArgument,
        "The page token is not of this list. Begin with the first page.",
    ),
    (
        "INVALID_REQUEST",
        Code::InvalidArgument,
        "Some fields are wrong: violations names each with its remedy.",
    ),
    (
        "KEYS_UNAVAILABLE",
        Code::Unavailable,
        "The keys that verify tokens cannot be fetched at the moment. Try again.",
    ),
    ("NOT_FOUND", Code::NotFound, "There is no such thing, or it is not the caller's to see."),
    ("OVERLOADED", Code::Unavailable, "The service has more to do than it can. Try again after Retry-After."),
    (
        "PEER_UNAVAILABLE",
        Code::Unavailable,
        "A service that is needed does not answer. Try again after Retry-After.",
    ),
    ("NO_POLICY", Code::PermissionDenied, "The method is not part of the contract."),
    ("PERMISSION_DENIED", Code::PermissionDenied, "The caller may not do this here."),
    ("PERMISSION_MISSING", Code::PermissionDenied, "No grant of the caller has metadata.permission."),
    ("SHUTTING_DOWN", Code::Unavailable, "The server is being stopped. Connect again."),
    (
        "TOKEN_EXPIRED",
        Code::Unauthenticated,
        "The access token has expired. Sign in, or refresh the session.",
    ),
    ("TOKEN_INVALID", Code::Unauthenticated, "The access token is not one of this installation."),
    ("TOKEN_MISSING", Code::Unauthenticated, "The operation needs a sign-in."),
    (
        "UNAVAILABLE",
        Code::Unavailable,
        "Something the service needs does not answer. Try again after Retry-After.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_unique_and_well_formed() {
        let all = all();
        for pair in all.windows(2) {
            assert!(pair[0].reason < pair[1].reason, "{} is there twice", pair[1].reason);
        }
        for explained in &all {
            assert!(
                explained
                    .reason
                    .bytes()
                    .all(|byte| byte.is_ascii_uppercase() || byte == b'_' || byte.is_ascii_digit())
            );
            assert!(explained.reason.len() <= 63 && explained.meaning.ends_with('.'), "{explained:?}");
        }
    }
}
