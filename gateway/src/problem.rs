//! Errors over HTTP: RFC 9457 problem+json made from the same `google.rpc` details that a gRPC client gets. The gateway's
//! own errors take the same way, so that there is one shape.
//!
//! What a client reads comes from `LocalizedMessage` only. The message of a status without one may hold internals (a
//! transport error, an address) and is replaced by a general sentence.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
    time::Duration,
};

use axum::{body::Body, response::Response};
use http::{HeaderValue, StatusCode, header};
use mpp_kit::fault::{Language, Problem, Text};
use prost_reflect::DescriptorPool;
use serde::Serialize;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

/// The media type of every error.
pub(crate) const MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/problem+json");

/// Where the reasons are explained; `#REASON` follows.
pub(crate) const TYPE_BASE: &str = "/docs/errors";

/// The reason of a request id that came with another request before.
const REQUEST_ID_REUSED: &str = "REQUEST_ID_REUSED";

/// The HTTP status of a gRPC code.
pub(crate) fn http_status(code: Code) -> StatusCode {
    match code {
        Code::Ok => StatusCode::OK,
        Code::InvalidArgument | Code::OutOfRange => StatusCode::BAD_REQUEST,
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::PermissionDenied => StatusCode::FORBIDDEN,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::AlreadyExists | Code::Aborted | Code::FailedPrecondition => StatusCode::CONFLICT,
        Code::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
        // 499 is nginx's word for it; no RFC has one.
        Code::Cancelled => StatusCode::from_u16(499).expect("499 is in the range of HTTP statuses"),
        Code::Unimplemented => StatusCode::NOT_IMPLEMENTED,
        Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Code::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
        Code::Internal | Code::Unknown | Code::DataLoss => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// The HTTP status of a refusal: that of its code, except where HTTP has a better word than gRPC.
fn http_status_of(code: Code, reason: &str) -> StatusCode {
    // The same key with another body (draft-ietf-httpapi-idempotency-key-header, section 2.7): no state that may pass, as a 409
    // would have it.
    if reason == REQUEST_ID_REUSED { StatusCode::UNPROCESSABLE_ENTITY } else { http_status(code) }
}

/// What a code means in general: the title of the problem, and its detail when the service gave none.
pub(crate) fn title(code: Code) -> (&'static str, Text) {
    let (reason, id, en) = match code {
        Code::Ok => ("OK", "Berhasil", "OK"),
        Code::Cancelled => ("CANCELLED", "Permintaan dibatalkan", "The request was cancelled"),
        Code::Unknown => ("UNKNOWN", "Kesalahan tidak dikenal", "Unknown error"),
        Code::InvalidArgument => ("INVALID_ARGUMENT", "Permintaan tidak sah", "The request is not valid"),
        Code::DeadlineExceeded => ("DEADLINE_EXCEEDED", "Waktu habis", "The request took too long"),
        Code::NotFound => ("NOT_FOUND", "Tidak ditemukan", "Not found"),
        Code::AlreadyExists => ("ALREADY_EXISTS", "Sudah ada", "It exists already"),
        Code::PermissionDenied => ("PERMISSION_DENIED", "Tidak berwenang", "Not permitted"),
        Code::ResourceExhausted => ("RESOURCE_EXHAUSTED", "Batas tercapai", "A limit was reached"),
        Code::FailedPrecondition => {
            ("FAILED_PRECONDITION", "Keadaan tidak mengizinkan", "The state does not permit this")
        }
        Code::Aborted => ("ABORTED", "Bertabrakan dengan perubahan lain", "It collided with another change"),
        Code::OutOfRange => ("OUT_OF_RANGE", "Di luar jangkauan", "Out of range"),
        Code::Unimplemented => ("UNIMPLEMENTED", "Belum didukung", "Not supported"),
        Code::Internal => ("INTERNAL", "Kesalahan sistem", "The system failed"),
        Code::Unavailable => ("UNAVAILABLE", "Layanan tidak tersedia", "The service is not available"),
        Code::DataLoss => ("DATA_LOSS", "Data rusak", "Data was lost"),
        Code::Unauthenticated => ("UNAUTHENTICATED", "Belum masuk", "Not signed in"),
    };
    (reason, Text::new(id, en))
}

/// The body of an error (RFC 9457), with the members that all of the suite's errors have.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ProblemBody {
    r#type: String,
    title: String,
    status: u16,
    detail: String,
    instance: String,
    reason: String,
    metadata: BTreeMap<String, String>,
    violations: Vec<ViolationBody>,
    #[serde(skip)]
    retry_after: Option<Duration>,
}

/// One field that is wrong.
#[derive(Debug, Serialize)]
struct ViolationBody {
    field: String,
    reason: String,
    description: String,
}

impl ProblemBody {
    /// From a status of a service or of the gateway. `instance` is the request id.
    pub(crate) fn new(status: &Status, instance: &str, language: Language) -> Self {
        let details = status.get_error_details();
        let (code_reason, text) = title(status.code());
        let info = details.error_info();
        let reason = info.map_or(code_reason, |info| info.reason.as_str()).to_owned();
        let detail = details
            .localized_message()
            .map_or_else(|| format!("{}.", text.in_language(language)), |message| message.message.clone());
        let violations = details.bad_request().map(|bad| bad.field_violations.as_slice()).unwrap_or_default();
        Self {
            r#type: format!("{TYPE_BASE}#{reason}"),
            title: text.in_language(language).to_owned(),
            status: http_status_of(status.code(), &reason).as_u16(),
            detail,
            instance: instance.to_owned(),
            reason,
            metadata: info.map(|info| info.metadata.clone().into_iter().collect()).unwrap_or_default(),
            violations: violations
                .iter()
                .map(|violation| ViolationBody {
                    field: match violation.reason.as_str() {
                        crate::explain::UNKNOWN_FIELD => violation.field.clone(),
                        _ => json_path(&violation.field).into_owned(),
                    },
                    reason: violation.reason.clone(),
                    description: violation.description.clone(),
                })
                .collect(),
            retry_after: details.retry_info().and_then(|info| info.retry_delay),
        }
    }

    /// One line of JSON.
    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("strings and numbers always serialize")
    }

    /// The HTTP answer.
    pub(crate) fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.to_json()));
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, MEDIA_TYPE);
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(delay) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds(delay)));
        }
        if self.status == StatusCode::UNAUTHORIZED.as_u16() {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"mpp\""));
        }
        response
    }
}

/// `Retry-After` counts whole seconds: rounded up, so that nobody comes too early, and at least one.
fn seconds(delay: Duration) -> u64 {
    (delay.as_secs() + u64::from(delay.subsec_nanos() > 0)).max(1)
}

/// The HTTP answer to a status.
pub(crate) fn from_status(status: &Status, instance: &str, language: Language) -> Response {
    ProblemBody::new(status, instance, language).into_response()
}

/// The HTTP answer to a problem of the gateway itself, with another HTTP status than that of its code if `http` is given.
pub(crate) fn respond(
    problem: Problem,
    http: Option<StatusCode>,
    instance: &str,
    language: Language,
) -> Response {
    if let Some(source) = &problem.source {
        tracing::error!(
            request_id = instance,
            reason = problem.reason,
            error = format!("{source:#}"),
            "request failed"
        );
    }
    let mut body = ProblemBody::new(&problem.into_status(language), instance, language);
    if let Some(http) = http {
        body.status = http.as_u16();
    }
    body.into_response()
}

/// Fields behind whose dot stand names that are no fields of the contract: the keys of a `Struct`, such as the values of a
/// form; and of a list, whose items would stand in brackets.
static KEYED: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
    let pool = DescriptorPool::decode(mpp_proto::DESCRIPTORS).unwrap_or_default();
    pool.all_messages()
        .flat_map(|message| message.fields().collect::<Vec<_>>())
        .filter(|field| {
            let kind = field.kind();
            let message = kind.as_message();
            message.is_some_and(|it| field.is_list() || it.full_name() == "google.protobuf.Struct")
        })
        .map(|field| field.name().to_owned())
        .collect()
});

/// A field path in JSON names: services speak of `service_id`, REST clients wrote `serviceId`. Keys that a caller or a
/// form has named stay as they are.
fn json_path(path: &str) -> Cow<'_, str> {
    if !path.contains('_') || path.split_once('.').is_some_and(|(first, _)| KEYED.contains(first)) {
        return Cow::Borrowed(path);
    }
    let mut out = String::with_capacity(path.len());
    let mut upper = false;
    for letter in path.chars() {
        match letter {
            '_' => upper = true,
            _ if upper => {
                out.push(letter.to_ascii_uppercase());
                upper = false;
            }
            _ => out.push(letter),
        }
    }
    Cow::Owned(out)
}

/// Problems that only the gateway has.
pub(crate) mod own {
    use super::{Code, Duration, Problem};

    /// No route has this path.
    pub(crate) fn no_such_path() -> Problem {
        Problem::new(
            Code::NotFound,
            "PATH_NOT_FOUND",
            "Alamat ini tidak ada.",
            "There is nothing at this path.",
        )
    }

    /// The path exists, but not with this method.
    pub(crate) fn method_not_allowed() -> Problem {
        Problem::new(
            Code::Unimplemented,
            "METHOD_NOT_ALLOWED",
            "Metode ini tidak didukung pada alamat ini.",
            "This path does not support the method.",
        )
    }

    /// The body is larger than the limit.
    pub(crate) fn body_too_large(limit: usize) -> Problem {
        Problem::new(
            Code::OutOfRange,
            "BODY_TOO_LARGE",
            "Isi permintaan terlalu besar.",
            "The body of the request is too large.",
        )
        .with("limitBytes", limit)
    }

    /// The body is not JSON by its media type.
    pub(crate) fn not_json() -> Problem {
        Problem::new(
            Code::InvalidArgument,
            "UNSUPPORTED_MEDIA_TYPE",
            "Kirim isi permintaan sebagai application/json.",
            "Send the body as application/json.",
        )
    }

    /// A body that broke off.
    pub(crate) fn body_broken() -> Problem {
        Problem::new(
            Code::InvalidArgument,
            "BODY_BROKEN",
            "Isi permintaan terputus sebelum lengkap.",
            "The body of the request ended before it was complete.",
        )
    }

    /// Too many requests.
    pub(crate) fn rate_limited(wait: Duration) -> Problem {
        Problem::new(
            Code::ResourceExhausted,
            "RATE_LIMITED",
            "Terlalu banyak permintaan. Tunggu sebentar, lalu coba lagi.",
            "Too many requests. Wait a moment, then try again.",
        )
        .retry_after(wait)
    }

    /// Too many open streams.
    pub(crate) fn too_many_streams() -> Problem {
        Problem::new(
            Code::Unavailable,
            "TOO_MANY_STREAMS",
            "Terlalu banyak tampilan langsung yang terbuka. Coba lagi sebentar lagi.",
            "Too many live views are open. Try again shortly.",
        )
        .retry_after(Duration::from_secs(5))
    }

    /// A request that a session cookie would authenticate, sent from another site.
    pub(crate) fn cross_site() -> Problem {
        Problem::new(
            Code::PermissionDenied,
            "CROSS_SITE_REQUEST",
            "Permintaan dengan sesi peramban harus berasal dari halaman situs ini.",
            "A request with a browser session must come from a page of this site.",
        )
    }

    /// The request took longer than it may.
    pub(crate) fn too_slow() -> Problem {
        Problem::new(
            Code::DeadlineExceeded,
            "DEADLINE_EXCEEDED",
            "Permintaan memakan waktu terlalu lama. Silakan coba lagi.",
            "The request took too long. Please try again.",
        )
    }
}

#[cfg(test)]
mod tests {
    use mpp_kit::fault::Violation;

    use super::*;

    const CODES: [Code; 17] = [
        Code::Ok,
        Code::Cancelled,
        Code::Unknown,
        Code::InvalidArgument,
        Code::DeadlineExceeded,
        Code::NotFound,
        Code::AlreadyExists,
        Code::PermissionDenied,
        Code::ResourceExhausted,
        Code::FailedPrecondition,
        Code::Aborted,
        Code::OutOfRange,
        Code::Unimplemented,
        Code::Internal,
        Code::Unavailable,
        Code::DataLoss,
        Code::Unauthenticated,
    ];

    #[test]
    fn codes_map_to_http_as_in_the_golden_table() {
        let table: String = CODES
            .iter()
            .map(|code| format!("{} {:?} {}\n", http_status(*code).as_u16(), code, title(*code).0))
            .collect();
        insta::assert_snapshot!(table, @r"
        200 Ok OK
        499 Cancelled CANCELLED
        500 Unknown UNKNOWN
        400 InvalidArgument INVALID_ARGUMENT
        504 DeadlineExceeded DEADLINE_EXCEEDED
        404 NotFound NOT_FOUND
        409 AlreadyExists ALREADY_EXISTS
        403 PermissionDenied PERMISSION_DENIED
        429 ResourceExhausted RESOURCE_EXHAUSTED
        409 FailedPrecondition FAILED_PRECONDITION
        409 Aborted ABORTED
        400 OutOfRange OUT_OF_RANGE
        501 Unimplemented UNIMPLEMENTED
        500 Internal INTERNAL
        503 Unavailable UNAVAILABLE
        500 DataLoss DATA_LOSS
        401 Unauthenticated UNAUTHENTICATED
        ");
    }

    #[test]
    fn a_problem_carries_every_detail_of_the_status() -> anyhow::Result<()> {
        let problem = Problem::invalid(vec![Violation {
            field: "agencies[2].service_id".into(),
            reason: "INVALID_ID",
            text: Text::new("isi dengan id", "give an id"),
        }])
        .with("limit", 3)
        .retry_after(Duration::from_millis(1_200));
        let response = from_status(&problem.into_status(Language::En), "0190", Language::En);
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
        assert_eq!(response.headers()[header::RETRY_AFTER], "2");
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
        let body = futures::executor::block_on(axum::body::to_bytes(response.into_body(), usize::MAX))?;
        let json: serde_json::Value = serde_json::from_slice(&body)?;
        assert_eq!(
            json,
            serde_json::json!({
                "type": "/docs/errors#INVALID_REQUEST",
                "title": "The request is not valid",
                "status": 400,
                "detail": "Some fields are not valid; correct those listed.",
                "instance": "0190",
                "reason": "INVALID_REQUEST",
                "metadata": {"limit": "3"},
                "violations": [{"field": "agencies[2].serviceId", "reason": "INVALID_ID", "description": "give an id"}],
            })
        );
        Ok(())
    }

    #[test]
    fn fields_get_their_json_names_and_keys_of_forms_stay() {
        for (path, told) in [
            ("service_id", "serviceId"),
            ("agencies[2].service_id", "agencies[2].serviceId"),
            ("subject.family_card", "subject.familyCard"),
            ("values.tempat_lahir", "values.tempat_lahir"),
            ("values.anak[0].tanggal_lahir", "values.anak[0].tanggal_lahir"),
            ("attachments[0].file_id", "attachments[0].fileId"),
            ("attachments.akta_lahir", "attachments.akta_lahir"),
        ] {
            assert_eq!(json_path(path), told);
        }
    }

    #[test]
    fn the_message_of_a_bare_status_is_not_shown() {
        let status = Status::unavailable("tcp connect error: 10.0.0.7:5432 refused");
        let json = ProblemBody::new(&status, "0190", Language::Id).to_json();
        assert!(!json.contains("10.0.0.7"), "{json}");
        assert!(json.contains("Layanan tidak tersedia.") && json.contains("UNAVAILABLE"), "{json}");
    }
}
