//! `/oss/v1/{method}`: where OSS-RBA calls. Its interface is its own: a token in a header, a JSON body in its envelope, and
//! an answer in its envelope whatever happens. What it means is the documents service's matter.

use axum::{
    body::{Body, Bytes},
    extract::{Path, State},
    response::Response,
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use mpp_proto::documents::v1::ReceiveOssCallRequest;

use super::{WebState, visit::Visit};

/// Where its calls come in.
pub(super) const PATH: &str = "/oss/v1/{method}";
/// What stands before the method in the path.
pub(crate) const PREFIX: &str = "/oss/v1/";

/// The largest call, in bytes: a company with all its licences.
pub(super) const LARGEST: usize = 4 << 20;

pub(super) async fn receive(
    State(state): State<WebState>,
    Path(method): Path<String>,
    headers: HeaderMap,
    visit: Visit,
    body: Bytes,
) -> Response {
    let token = headers.get("token").and_then(|token| token.to_str().ok()).unwrap_or_default().to_owned();
    let Ok(body) = String::from_utf8(body.to_vec()) else {
        return answer(StatusCode::BAD_REQUEST, envelope(&method, "Isi panggilan bukan UTF-8"));
    };
    let request = ReceiveOssCallRequest { method: method.clone(), token, body };
    match state.documents.clone().receive_oss_call(visit.call(request, None)).await {
        Ok(response) => {
            let told = response.into_inner();
            let status =
                u16::try_from(told.http_status).ok().and_then(|code| StatusCode::from_u16(code).ok());
            answer(status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), told.body)
        }
        // OSS offers the same again when it is told that this failed.
        Err(_) => answer(StatusCode::SERVICE_UNAVAILABLE, envelope(&method, LATER)),
    }
}

/// What OSS is told when a call did not get through; it then offers the same again.
const LATER: &str = "Panggilan belum dapat diterima, kirim ulang nanti";

/// A failure in the envelope of OSS. Of a name that is none, nothing is repeated.
fn envelope(method: &str, told: &str) -> String {
    let is_name = method.len() <= 32 && method.bytes().all(|letter| letter.is_ascii_alphabetic());
    let name = if is_name { method } else { "" };
    serde_json::json!({ format!("respon{name}"): { "status": "2", "keterangan": told } }).to_string()
}

/// What the gateway refused before it came here, such as too many calls: the same status and headers, in the envelope.
pub(crate) fn refused(method: &str, refusal: Response) -> Response {
    let (mut parts, _) = refusal.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Response::from_parts(parts, Body::from(envelope(method, LATER)))
}

fn answer(status: StatusCode, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
