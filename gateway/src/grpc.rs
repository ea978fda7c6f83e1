//! gRPC and gRPC-web, passed on to the role that serves the called service.
//!
//! Bodies go through untouched: what would wrap them loses the end-of-stream flag, and h2 closes a whole connection
//! after a hundred empty frames that are not the last.

use bytes::Bytes;
use futures::{StreamExt as _, future};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, header};
use http_body_util::{BodyStream, StreamBody};
use mpp_kit::client::PeerChannel;
use tonic::body::Body;
use tonic_web::GrpcWebLayer;
use tower::{Layer as _, ServiceExt as _, service_fn};

/// What the gRPC protocol itself needs, besides [`crate::edge::FORWARDED`].
const PROTOCOL: [HeaderName; 4] = [
    header::CONTENT_TYPE,
    header::TE,
    HeaderName::from_static("grpc-encoding"),
    HeaderName::from_static("grpc-accept-encoding"),
];

/// Whether a request speaks gRPC or gRPC-web, by its media type.
pub(crate) fn is_grpc(headers: &HeaderMap) -> bool {
    media_type(headers).starts_with(b"application/grpc")
}

fn is_web(headers: &HeaderMap) -> bool {
    media_type(headers).starts_with(b"application/grpc-web")
}

fn media_type(headers: &HeaderMap) -> &[u8] {
    headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default()
}

/// Calls a role with a request as it came. `forwarded` are the headers that may go upstream.
pub(crate) async fn pass(
    channel: PeerChannel,
    mut forwarded: HeaderMap,
    request: axum::extract::Request,
) -> Response<Body> {
    let (mut parts, body) = request.into_parts();
    for name in PROTOCOL {
        if let Some(value) = parts.headers.get(&name) {
            forwarded.insert(name, value.clone());
        }
    }
    let is_web = is_web(&parts.headers);
    if is_web && let Some(accept) = parts.headers.get(header::ACCEPT) {
        // tonic-web reads from it whether the answer is to be base64.
        forwarded.insert(header::ACCEPT, accept.clone());
    }
    parts.headers = forwarded;
    parts.extensions.clear();
    let request = Request::from_parts(parts, Body::new(body));
    let answer = if is_web {
        let role =
            service_fn(move |request: Request<Body>| channel.clone().oneshot(request.map(unsized_body)));
        GrpcWebLayer::new().layer(role).oneshot(request).await
    } else {
        channel.oneshot(request).await
    };
    match answer {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

/// Hides the length of a decoded gRPC-web body, which is that of its base64, and drops empty frames, which a client
/// may send at will.
fn unsized_body(body: Body) -> Body {
    let frames = BodyStream::new(body).filter(|frame| {
        let is_empty = frame.as_ref().is_ok_and(|frame| frame.data_ref().is_some_and(Bytes::is_empty));
        future::ready(!is_empty)
    });
    Body::new(StreamBody::new(frames))
}
