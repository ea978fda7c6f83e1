//! A client of the public REST API that behaves like a console with a bad network: it repeats a command under the same
//! `Idempotency-Key` until it has an answer, signs in again when its token has expired, and says honestly when it does
//! not know what became of a command.

use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, bail};
use mpp_proto::identity::v1::{CreateDeviceSessionResponse, CreateSessionResponse};
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::wire::{self, Named};

/// How long one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(10);

/// How long a command is repeated before its outcome counts as unknown.
const PATIENCE: Duration = Duration::from_secs(30);

/// First pause between two attempts; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// Longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Where the suite answers.
#[derive(Debug, Clone)]
pub struct Rest {
    http: reqwest::Client,
    base_url: String,
}

/// Who signs in.
#[derive(Debug, Clone)]
pub enum Credentials {
    /// A member of staff.
    Staff {
        /// The name typed at sign-in.
        username: String,
        /// Its password.
        password: String,
    },
    /// A kiosk or a board.
    Device {
        /// Its key.
        key: String,
    },
    /// Somebody without an account, such as a citizen at home.
    Nobody,
}

/// A caller, signed in or without an account. Cheap to share by reference; commands of one session may run side by side.
#[derive(Debug)]
pub struct Session {
    rest: Rest,
    credentials: Credentials,
    token: Mutex<Option<String>>,
}

/// What became of a call.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer<T> {
    /// It was done.
    Done(T),
    /// It was refused: it had, and will have, no effect.
    Refused(Refusal),
    /// No answer came within half a minute of attempts. It may or may not have had its effect.
    Unknown(String),
}

/// Why a call was refused.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Refusal {
    /// The HTTP status.
    #[serde(default)]
    pub status: u16,
    /// The reason code, such as `NOBODY_WAITING`.
    #[serde(default)]
    pub reason: String,
    /// The sentence for people.
    #[serde(default)]
    pub detail: String,
}

impl<T> Answer<T> {
    /// The result, for calls that are not allowed to fail.
    ///
    /// # Errors
    /// When the call was refused or its outcome is unknown; `what` names the call.
    pub fn required(self, what: &str) -> anyhow::Result<T> {
        match self {
            Self::Done(value) => Ok(value),
            Self::Refused(refusal) => {
                bail!("{what} was refused: {} {} ({})", refusal.status, refusal.reason, refusal.detail)
            }
            Self::Unknown(error) => bail!("{what} got no answer: {error}"),
        }
    }
}

impl Rest {
    /// A client of the suite at `base_url`, such as `http://localhost:8080`.
    ///
    /// # Errors
    /// When the HTTP client cannot be built.
    pub fn new(base_url: &str) -> anyhow::Result<Self> {
        crate::choose_tls();
        let http =
            reqwest::Client::builder().timeout(ATTEMPT).build().context("cannot build the HTTP client")?;
        Ok(Self { http, base_url: base_url.trim_end_matches('/').to_owned() })
    }

    /// A caller that signs in when it first calls.
    #[must_use]
    pub fn session(&self, credentials: Credentials) -> Session {
        Session { rest: self.clone(), credentials, token: Mutex::new(None) }
    }

    /// Asks once whether the suite is there and ready, so that a command can say at once that it is not.
    ///
    /// # Errors
    /// When it is not.
    pub async fn ready(&self) -> anyhow::Result<()> {
        let asked = self.http.get(format!("{}/readyz", self.base_url)).send().await;
        let status = asked.map_err(reqwest::Error::without_url)?.status();
        if status.is_success() { Ok(()) } else { bail!("it is not ready: {status}") }
    }

    /// A path with its query, escaped.
    fn path_with(&self, path: &str, query: &[(&str, &str)]) -> anyhow::Result<String> {
        if query.is_empty() {
            return Ok(path.to_owned());
        }
        let url = reqwest::Url::parse_with_params(&format!("{}{path}", self.base_url), query)
            .with_context(|| format!("{} is not an address", self.base_url))?;
        Ok(format!("{path}?{}", url.query().unwrap_or_default()))
    }

    async fn attempt(
        &self,
        method: &Method,
        path: &str,
        token: Option<&str>,
        key: Option<&str>,
        body: Option<&Value>,
    ) -> Result<Attempt, reqwest::Error> {
        let mut request = self.http.request(method.clone(), format!("{}{path}", self.base_url));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await?;
        let status = response.status();
        let retry_after = response
            .headers()
            .get("retry-after")
            .and_then(|value| value.to_str().ok())
            .and_then(|seconds| seconds.parse().ok())
            .map(Duration::from_secs);
        Ok(Attempt { status, retry_after, text: response.text().await? })
    }
}

/// One answer on the wire.
struct Attempt {
    status: StatusCode,
    retry_after: Option<Duration>,
    text: String,
}

impl Attempt {
    fn refusal(&self) -> Refusal {
        let mut refusal = serde_json::from_str::<Refusal>(&self.text).unwrap_or_else(|_| Refusal {
            status: 0,
            reason: String::new(),
            detail: self.text.chars().take(200).collect(),
        });
        refusal.status = self.status.as_u16();
        refusal
    }

    /// Whether repeating the same command may help: the suite is not there, not ready, or asks to wait.
    fn is_passing(&self) -> bool {
        self.status.is_server_error() && self.status != StatusCode::NOT_IMPLEMENTED
            || self.status == StatusCode::TOO_MANY_REQUESTS && self.retry_after.is_some()
    }
}

impl Session {
    /// Signs in now, so that the first command does not wait for it.
    ///
    /// # Errors
    /// When the suite does not answer or refuses.
    pub async fn sign_in(&self) -> anyhow::Result<()> {
        let mut token = self.token.lock().await;
        *token = Some(self.fresh_token().await?);
        Ok(())
    }

    /// A current access token, for what is not a call, such as a stream.
    ///
    /// # Errors
    /// When signing in fails.
    pub async fn access_token(&self) -> anyhow::Result<String> {
        let mut token = self.token.lock().await;
        if let Some(token) = token.as_ref() {
            return Ok(token.clone());
        }
        Ok(token.insert(self.fresh_token().await?).clone())
    }

    /// Reads, with query parameters.
    pub async fn get<T: Named>(&self, path: &str, query: &[(&str, &str)]) -> Answer<T> {
        match self.rest.path_with(path, query) {
            Ok(path) => self.call(Method::GET, &path, None, None).await,
            Err(error) => Answer::Unknown(format!("{error:#}")),
        }
    }

    /// Changes something. `key` is the request id: a repeated command with the same key has one effect.
    pub async fn post<T: Named>(&self, path: &str, key: &str, body: Value) -> Answer<T> {
        self.call(Method::POST, path, Some(key), Some(body)).await
    }

    async fn call<T: Named>(
        &self,
        method: Method,
        path: &str,
        key: Option<&str>,
        body: Option<Value>,
    ) -> Answer<T> {
        let began = Instant::now();
        let mut pause = FIRST_PAUSE;
        let mut signed_in_again = false;
        loop {
            let token = match self.bearer().await {
                Ok(token) => token,
                Err(error) => return Answer::Unknown(format!("{error:#}")),
            };
            let wait = match self.rest.attempt(&method, path, token.as_deref(), key, body.as_ref()).await {
                Ok(attempt) if attempt.status.is_success() => {
                    return match wire::from_text(&attempt.text) {
                        Ok(value) => Answer::Done(value),
                        Err(error) => Answer::Unknown(format!("{method} {path}: {error:#}")),
                    };
                }
                Ok(attempt) if attempt.status == StatusCode::UNAUTHORIZED && !signed_in_again => {
                    signed_in_again = true;
                    self.forget(token.as_deref()).await;
                    continue;
                }
                Ok(attempt) if attempt.is_passing() => {
                    if began.elapsed() >= PATIENCE {
                        let refusal = attempt.refusal();
                        return Answer::Unknown(format!(
                            "{} {}: {}",
                            refusal.status, refusal.reason, refusal.detail
                        ));
                    }
                    attempt.retry_after.map_or(pause, |asked| asked.min(LONGEST_PAUSE))
                }
                Ok(attempt) => return Answer::Refused(attempt.refusal()),
                Err(error) if began.elapsed() >= PATIENCE => return Answer::Unknown(format!("{error:#}")),
                Err(_) => pause,
            };
            tokio::time::sleep(wait).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// The token to call with; none for who has no account.
    async fn bearer(&self) -> anyhow::Result<Option<String>> {
        match self.credentials {
            Credentials::Nobody => Ok(None),
            Credentials::Staff { .. } | Credentials::Device { .. } => self.access_token().await.map(Some),
        }
    }

    /// Drops `token` unless somebody has replaced it meanwhile.
    async fn forget(&self, token: Option<&str>) {
        let mut current = self.token.lock().await;
        if current.as_deref() == token {
            *current = None;
        }
    }

    async fn fresh_token(&self) -> anyhow::Result<String> {
        let (path, body, who) = match &self.credentials {
            Credentials::Staff { username, password } => {
                ("/v1/sessions", json!({ "username": username, "password": password }), username.as_str())
            }
            Credentials::Device { key } => ("/v1/deviceSessions", json!({ "deviceKey": key }), "a device"),
            Credentials::Nobody => bail!("who has no account has no token"),
        };
        let began = Instant::now();
        let mut pause = FIRST_PAUSE;
        loop {
            let wait = match self.rest.attempt(&Method::POST, path, None, None, Some(&body)).await {
                Ok(attempt) if attempt.status.is_success() => {
                    return match &self.credentials {
                        Credentials::Staff { .. } | Credentials::Nobody => {
                            wire::from_text::<CreateSessionResponse>(&attempt.text)
                                .map(|answer| answer.access_token)
                        }
                        Credentials::Device { .. } => {
                            wire::from_text::<CreateDeviceSessionResponse>(&attempt.text)
                                .map(|answer| answer.access_token)
                        }
                    };
                }
                Ok(attempt) if attempt.is_passing() && began.elapsed() < PATIENCE => {
                    attempt.retry_after.map_or(pause, |asked| asked.min(LONGEST_PAUSE))
                }
                Ok(attempt) => {
                    let refusal = attempt.refusal();
                    return Err(anyhow!(
                        "{who} cannot sign in: {} {} ({})",
                        refusal.status,
                        refusal.reason,
                        refusal.detail
                    ));
                }
                Err(error) if began.elapsed() >= PATIENCE => {
                    return Err(error)
                        .with_context(|| format!("{who} cannot sign in at {}", self.rest.base_url));
                }
                Err(_) => pause,
            };
            tokio::time::sleep(wait).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::extract::State;
    use axum::http::HeaderMap;
    use axum::response::{IntoResponse as _, Response};
    use axum::routing::post;
    use axum::{Json, Router};
    use mpp_proto::queue::v1::OpenDayResponse;

    use super::*;

    /// A suite that gives tokens "token 1", "token 2", … and answers the nth command with the nth of these statuses.
    struct Fake {
        statuses: Vec<u16>,
        sign_ins: AtomicUsize,
        calls: std::sync::Mutex<Vec<(String, String)>>,
    }

    async fn sign_in(State(fake): State<Arc<Fake>>) -> Json<Value> {
        let nth = fake.sign_ins.fetch_add(1, Ordering::SeqCst) + 1;
        Json(json!({ "accessToken": format!("token {nth}"), "expiresIn": 600 }))
    }

    async fn command(State(fake): State<Arc<Fake>>, headers: HeaderMap) -> Response {
        let header = |name: &str| {
            headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
        };
        let nth = {
            let mut calls = fake.calls.lock().unwrap();
            calls.push((header("idempotency-key"), header("authorization")));
            calls.len() - 1
        };
        let status = StatusCode::from_u16(fake.statuses[nth]).unwrap();
        if status.is_success() {
            return Json(json!({ "day": { "date": "2026-11-21" } })).into_response();
        }
        let problem = json!({ "status": status.as_u16(), "reason": "PLANTED", "detail": "…" });
        (status, [("retry-after", "0")], Json(problem)).into_response()
    }

    async fn ask(statuses: &[u16]) -> (Answer<OpenDayResponse>, Arc<Fake>) {
        let fake = Arc::new(Fake {
            statuses: statuses.to_vec(),
            sign_ins: AtomicUsize::default(),
            calls: Default::default(),
        });
        let router = Router::new()
            .route("/v1/sessions", post(sign_in))
            .route("/v1/day", post(command))
            .with_state(Arc::clone(&fake));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(axum::serve(listener, router).into_future());
        let rest = Rest::new(&format!("http://{address}/")).unwrap();
        let session = rest.session(Credentials::Staff { username: "u".into(), password: "p".into() });
        let answer = session.post("/v1/day", "key-1", json!({})).await;
        server.abort();
        (answer, fake)
    }

    #[tokio::test]
    async fn what_passes_is_repeated_under_the_same_key() {
        let (answer, fake) = ask(&[503, 504, 429, 200]).await;
        let Answer::Done(done) = answer else { panic!("{answer:?}") };
        assert_eq!(done.day.unwrap().date, "2026-11-21");
        let calls = fake.calls.lock().unwrap();
        assert_eq!(calls.len(), 4);
        assert!(calls.iter().all(|(key, token)| key == "key-1" && token == "Bearer token 1"));
    }

    #[tokio::test]
    async fn an_expired_token_is_renewed_once() {
        let (answer, fake) = ask(&[401, 200]).await;
        assert!(matches!(answer, Answer::Done(_)));
        assert_eq!(fake.calls.lock().unwrap()[1].1, "Bearer token 2");
        let (answer, _) = ask(&[401, 401]).await;
        assert!(matches!(answer, Answer::Refused(Refusal { status: 401, .. })), "{answer:?}");
    }

    #[tokio::test]
    async fn a_refusal_is_final() {
        let (answer, fake) = ask(&[409]).await;
        let Answer::Refused(refusal) = answer else { panic!("{answer:?}") };
        assert_eq!((refusal.status, refusal.reason.as_str()), (409, "PLANTED"));
        assert_eq!(fake.calls.lock().unwrap().len(), 1);
    }
}
