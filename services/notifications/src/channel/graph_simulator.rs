//! What the stand-ins for WhatsApp and for direct messages share: the server of a Graph API, what can be set that its next call
//! is answered, and the signed calls of webhooks.

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use mpp_kit::meta;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// The largest call, in bytes.
const LARGEST: usize = 1 << 20;

/// What the next call is answered, whatever it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whim {
    /// A refusal with this code; nothing is taken.
    Code(i64),
    /// A page of what stands before the API, with this HTTP status; nothing is taken.
    Gateway(u16),
    /// It is taken, and the answer never comes: the connection is closed.
    TakenAndLost,
    /// It is taken, and the answer does not come as long as anybody waits.
    TakenAndSilent,
}

/// A call of a webhook, as it goes over the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The body, byte for byte.
    pub body: Vec<u8>,
    /// The value of `X-Hub-Signature-256`.
    pub signature: String,
}

impl Call {
    pub(super) fn signed(app_secret: &str, body: &Value) -> Self {
        let body = body.to_string().into_bytes();
        Self { signature: meta::sign(app_secret, &body), body }
    }
}

/// A call that came.
pub(super) struct Asked {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) body: Bytes,
    /// Whether it presented the token.
    pub(super) authorised: bool,
}

/// What differs from stand-in to stand-in.
pub(super) trait Graph: Send + Sync + 'static {
    /// Why something is not taken.
    type Refusal;

    /// The token that calls present.
    fn token(&self) -> &str;

    /// Whether a call is to send a message: those are counted, and whims are for them.
    fn is_message(&self, asked: &Asked) -> bool;

    /// Counts a message, and says what it is answered, whatever it holds.
    fn whim(&self) -> Option<Whim>;

    /// Takes a message, or refuses it.
    fn message(&self, asked: &Asked) -> Result<Value, Self::Refusal>;

    /// Answers any other call.
    fn other(&self, asked: &Asked) -> Result<Value, Self::Refusal>;

    /// The refusal of a call that is wrong, with this code.
    fn wrong(code: i64, words: &'static str) -> Self::Refusal;

    /// The HTTP status and the body of a refusal.
    fn refused(refusal: &Self::Refusal) -> (u16, Value);
}

/// The server of a stand-in. Ends when it is dropped.
pub(super) struct Server {
    /// The address of its API: the setting `base_url`.
    pub(super) url: String,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    /// Starts on any free port of this machine.
    pub(super) async fn start(graph: impl Graph) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/v25.0", listener.local_addr()?);
        Ok(Self { url, task: tokio::spawn(serve(listener, Arc::new(graph))) })
    }
}

async fn serve<G: Graph>(listener: TcpListener, graph: Arc<G>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let graph = Arc::clone(&graph);
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let graph = Arc::clone(&graph);
                async move { answer(graph.as_ref(), request).await.ok_or("the connection is cut") }
            });
            // A caller that goes away, or is cut off on purpose, is no matter of the simulator.
            let _ended = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

/// `None` cuts the connection.
async fn answer<G: Graph>(graph: &G, request: Request<Incoming>) -> Option<Response<Full<Bytes>>> {
    let told = |outcome: Result<Value, G::Refusal>| {
        let (status, body) = outcome.map_or_else(|refusal| G::refused(&refusal), |body| (200, body));
        let mut response = page(status, body.to_string().into());
        let json = header::HeaderValue::from_static("application/json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        Some(response)
    };
    let (parts, body) = request.into_parts();
    let Ok(body) = Limited::new(body, LARGEST).collect().await else {
        return told(Err(G::wrong(100, "The request is too large")));
    };
    let presented = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let asked = Asked {
        authorised: presented == Some(&format!("Bearer {}", graph.token())),
        path: parts.uri.path().to_owned(),
        method: parts.method,
        body: body.to_bytes(),
    };
    if !graph.is_message(&asked) {
        return told(graph.other(&asked));
    }
    match graph.whim() {
        None => told(graph.message(&asked)),
        Some(Whim::Code(code)) => told(Err(G::wrong(code, "As told"))),
        Some(Whim::Gateway(status)) => Some(page(status, Bytes::from_static(b"upstream"))),
        Some(Whim::TakenAndLost) => {
            graph.message(&asked).ok()?;
            None
        }
        Some(Whim::TakenAndSilent) => {
            graph.message(&asked).ok()?;
            std::future::pending().await
        }
    }
}

fn page(status: u16, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response
}
