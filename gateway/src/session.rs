//! Browser sessions. A browser holds only an HttpOnly cookie with the session's secret; the gateway exchanges it for
//! short access tokens and attaches them as bearer. What a page's script can steal is nothing, what a log can hold is
//! nothing: the secret is only ever a cookie, here a digest.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::Context as _;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use mpp_kit::client::PeerChannel;
use mpp_proto::identity::v1::{RefreshSessionRequest, identity_service_client::IdentityServiceClient};
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;
use tonic::{Code, Request, Status};

/// Response metadata in which the identity service hands a new session's secret to the gateway.
pub(crate) const SESSION_METADATA: HeaderName = HeaderName::from_static("mpp-session");
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// How long an exchanged token is used without asking again: a revoked session ends within this time.
const TOKEN_TTL: Duration = Duration::from_secs(30);
/// How long a refusal is remembered, so that a page that polls with a dead cookie costs little.
const REFUSAL_TTL: Duration = Duration::from_secs(5);
/// How long an exchange may take.
const EXCHANGE_TIMEOUT: Duration = Duration::from_secs(10);
/// Bound of the cache; an entry is about 1 KiB.
const CACHE_BOUND: usize = 10_000;

/// How long a browser keeps the cookie of a staff session: their absolute life.
const STAFF_MAX_AGE: Duration = Duration::from_secs(12 * 60 * 60);
/// How long a browser keeps the cookie of a device: 400 days, the longest that browsers permit. A board that was off
/// over night comes back by itself.
const DEVICE_MAX_AGE: Duration = Duration::from_secs(400 * 24 * 60 * 60);

/// Exchanges session cookies for access tokens, and makes the cookies.
#[derive(Debug)]
pub struct Sessions {
    identity: IdentityServiceClient<PeerChannel>,
    cookie: &'static str,
    secure: bool,
    /// Scheme and authority of the public address, in lower case.
    origin: Option<String>,
    cache: Mutex<HashMap<[u8; 32], Arc<Slot>>>,
}

/// The exchange of one cookie. The lock is held while it is made, so that a burst of requests makes one.
type Slot = tokio::sync::Mutex<Option<Exchanged>>;

#[derive(Debug, Clone)]
struct Exchanged {
    /// `Bearer …`, or nothing for a refused cookie.
    authorization: Option<HeaderValue>,
    until: Instant,
}

impl Sessions {
    /// Sessions for the pages at `public_url`: with https the cookie is `Secure` and bound to the host by its name.
    ///
    /// # Errors
    /// If `public_url` is not an http or https address.
    pub fn new(
        identity: IdentityServiceClient<PeerChannel>,
        public_url: Option<&str>,
    ) -> anyhow::Result<Self> {
        let origin = public_url.map(origin_of).transpose()?;
        let secure = origin.as_ref().is_some_and(|origin| origin.starts_with("https:"));
        let cookie = if secure { "__Host-mpp_session" } else { "mpp_session" };
        Ok(Self { identity, cookie, secure, origin, cache: Mutex::default() })
    }

    /// The name of the session cookie.
    pub(crate) fn cookie_name(&self) -> &'static str {
        self.cookie
    }

    /// Whether the public address is https.
    pub(crate) fn is_secure(&self) -> bool {
        self.secure
    }

    /// The access token of the caller: from the `Authorization` header, else for the session cookie. `None` if there is
    /// neither, the session has ended, or the identity service does not answer.
    pub async fn bearer(&self, headers: &HeaderMap) -> Option<String> {
        let authorization = self.authorization(headers).await.ok().flatten()?;
        bearer_token(&authorization).map(str::to_owned)
    }

    /// The `Authorization` to send upstream: the caller's own, or one exchanged for the session cookie.
    ///
    /// # Errors
    /// The status of the identity service if it could not be asked. A refused cookie is no error but no authorization.
    pub(crate) async fn authorization(&self, headers: &HeaderMap) -> Result<Option<HeaderValue>, Status> {
        if let Some(own) = headers.get(header::AUTHORIZATION) {
            return Ok(Some(own.clone()));
        }
        let Some(secret) = self.secret(headers) else { return Ok(None) };
        let slot = self.slot(digest(secret));
        let mut exchanged = slot.lock().await;
        if let Some(exchanged) = exchanged.as_ref().filter(|exchanged| exchanged.until > Instant::now()) {
            return Ok(exchanged.authorization.clone());
        }
        let fresh = self.exchange(secret).await?;
        *exchanged = Some(fresh.clone());
        Ok(fresh.authorization)
    }

    /// Whether the session cookie can be exchanged without asking the identity service.
    pub(crate) fn is_cached(&self, headers: &HeaderMap) -> bool {
        let Some(slot) = self.secret(headers).and_then(|secret| self.cache().get(&digest(secret)).cloned())
        else {
            return false;
        };
        let slot = slot.try_lock();
        slot.is_ok_and(|held| {
            held.as_ref().is_some_and(|held| held.authorization.is_some() && held.until > Instant::now())
        })
    }

    /// Asks the identity service for a token.
    async fn exchange(&self, secret: &str) -> Result<Exchanged, Status> {
        let mut request = Request::new(RefreshSessionRequest { session_token: secret.to_owned() });
        request.set_timeout(EXCHANGE_TIMEOUT);
        match self.identity.clone().refresh_session(request).await {
            Ok(answer) => {
                let answer = answer.into_inner();
                let mut authorization = HeaderValue::try_from(format!("Bearer {}", answer.access_token))
                    .map_err(|_| Status::internal("the access token is no header value"))?;
                authorization.set_sensitive(true);
                // Half of its life at most: the rest is for the call it is used for.
                let life = Duration::from_secs(u64::try_from(answer.expires_in).unwrap_or_default() / 2);
                Ok(Exchanged {
                    authorization: Some(authorization),
                    until: Instant::now() + life.min(TOKEN_TTL),
                })
            }
            Err(status) if is_refusal(status.code()) => {
                Ok(Exchanged { authorization: None, until: Instant::now() + REFUSAL_TTL })
            }
            Err(status) => Err(status),
        }
    }

    fn slot(&self, key: [u8; 32]) -> Arc<Slot> {
        let mut cache = self.cache();
        if cache.len() >= CACHE_BOUND && !cache.contains_key(&key) {
            let now = Instant::now();
            // A slot that is locked is in use.
            cache.retain(|_, slot| {
                slot.try_lock().map_or(true, |slot| slot.as_ref().is_some_and(|held| held.until > now))
            });
            if cache.len() >= CACHE_BOUND {
                cache.clear();
            }
        }
        cache.entry(key).or_default().clone()
    }

    fn cache(&self) -> MutexGuard<'_, HashMap<[u8; 32], Arc<Slot>>> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets the token of the session cookie in a request, after the session was ended.
    pub(crate) fn forget(&self, headers: &HeaderMap) {
        if let Some(secret) = self.secret(headers) {
            self.cache().remove(&digest(secret));
        }
    }

    /// The secret in the session cookie.
    fn secret<'h>(&self, headers: &'h HeaderMap) -> Option<&'h str> {
        headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|cookies| cookies.to_str().ok())
            .flat_map(|cookies| cookies.split(';'))
            .filter_map(|cookie| cookie.trim().split_once('='))
            .find(|(name, secret)| *name == self.cookie && !secret.is_empty())
            .map(|(_, secret)| secret)
    }

    /// Whether a request would be authenticated by its cookie alone.
    pub(crate) fn is_cookie_authenticated(&self, headers: &HeaderMap) -> bool {
        !headers.contains_key(header::AUTHORIZATION) && self.secret(headers).is_some()
    }

    /// The cookie for a new session.
    ///
    /// # Errors
    /// If the secret could not stand in a cookie.
    pub(crate) fn set_cookie(&self, secret: &str, is_device: bool) -> anyhow::Result<HeaderValue> {
        let plain = |byte: u8| byte.is_ascii_graphic() && !b"\",;\\".contains(&byte);
        anyhow::ensure!(
            !secret.is_empty() && secret.bytes().all(plain),
            "the session secret cannot stand in a cookie"
        );
        let max_age = if is_device { DEVICE_MAX_AGE } else { STAFF_MAX_AGE };
        self.cookie(secret, max_age)
    }

    /// The cookie that removes the session cookie.
    ///
    /// # Errors
    /// Never for the fixed names; the type of a header value demands it.
    pub(crate) fn clear_cookie(&self) -> anyhow::Result<HeaderValue> {
        self.cookie("", Duration::ZERO)
    }

    fn cookie(&self, value: &str, max_age: Duration) -> anyhow::Result<HeaderValue> {
        let secure = if self.secure { "; Secure" } else { "" };
        let (name, max_age) = (self.cookie, max_age.as_secs());
        let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict; Max-Age={max_age}{secure}");
        let mut header = HeaderValue::try_from(text).context("the session cookie is no header value")?;
        header.set_sensitive(true);
        Ok(header)
    }

    /// Whether a request may be trusted to come from our own pages (CSRF): needed when a cookie alone authenticates a
    /// request that may change something. `Origin` decides where it is sent, `Sec-Fetch-Site` where it is not.
    pub(crate) fn is_same_origin(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> bool {
        if *method == Method::GET || *method == Method::HEAD || *method == Method::OPTIONS {
            return true;
        }
        let site = headers.get(SEC_FETCH_SITE).map(HeaderValue::as_bytes);
        // Forms of pages with `Referrer-Policy: no-referrer` are sent with the origin `null`, which says nothing.
        let origin = headers.get(header::ORIGIN).filter(|origin| origin.as_bytes() != b"null");
        let Some(origin) = origin else { return site == Some(b"same-origin") };
        if site.is_some_and(|site| site != b"same-origin") {
            return false;
        }
        let Ok(origin) = origin.to_str().map(str::to_ascii_lowercase) else { return false };
        if self.origin.as_ref() == Some(&origin) {
            return true;
        }
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let host = host.or_else(|| uri.authority().map(http::uri::Authority::as_str));
        let authority = origin.split_once("://").map(|(_, authority)| authority);
        host.is_some_and(|host| authority == Some(host.to_ascii_lowercase().as_str()))
    }
}

/// Answers of the identity service that mean: this cookie is worth nothing.
fn is_refusal(code: Code) -> bool {
    matches!(code, Code::Unauthenticated | Code::NotFound | Code::InvalidArgument | Code::PermissionDenied)
}

/// The token of an `Authorization` header of the Bearer scheme.
pub(crate) fn bearer_token(authorization: &HeaderValue) -> Option<&str> {
    let (scheme, token) = authorization.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn digest(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

fn origin_of(public_url: &str) -> anyhow::Result<String> {
    let uri: Uri =
        public_url.parse().with_context(|| format!("gateway.public_url {public_url:?} is no address"))?;
    let scheme = uri.scheme_str().filter(|scheme| matches!(*scheme, "http" | "https"));
    let (scheme, authority) = scheme.zip(uri.authority()).with_context(|| {
        format!("gateway.public_url {public_url:?} must begin with http:// or https:// and a host")
    })?;
    Ok(format!("{scheme}://{authority}").to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use mpp_kit::client::Peers;

    use super::*;

    fn sessions(public_url: Option<&str>) -> Sessions {
        let channel = Peers::new().channel(mpp_kit::component::Role("identity"));
        Sessions::new(IdentityServiceClient::new(channel), public_url).expect("sessions")
    }

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn cookies_are_http_only_strict_and_host_bound_on_https() -> anyhow::Result<()> {
        let http = sessions(Some("http://localhost:8080"));
        assert_eq!(
            http.set_cookie("s3cret", false)?,
            "mpp_session=s3cret; Path=/; HttpOnly; SameSite=Strict; Max-Age=43200"
        );
        let https = sessions(Some("https://Antre.example.go.id/"));
        assert_eq!(
            https.set_cookie("s3cret", true)?,
            "__Host-mpp_session=s3cret; Path=/; HttpOnly; SameSite=Strict; Max-Age=34560000; Secure"
        );
        assert_eq!(
            https.clear_cookie()?,
            "__Host-mpp_session=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0; Secure"
        );
        assert!(http.set_cookie("a;b", false).is_err());
        assert!(
            Sessions::new(
                IdentityServiceClient::new(Peers::new().channel(mpp_kit::component::Role("identity"))),
                Some("ftp://x")
            )
            .is_err()
        );
        Ok(())
    }

    #[test]
    fn finds_the_secret_among_other_cookies() {
        let sessions = sessions(None);
        assert_eq!(sessions.secret(&headers(&[("cookie", "a=b; mpp_session=xyz; c=d")])), Some("xyz"));
        assert_eq!(sessions.secret(&headers(&[("cookie", "mpp_session=; not_mpp_session=1")])), None);
        assert!(!sessions.is_cookie_authenticated(&headers(&[
            ("cookie", "mpp_session=x"),
            ("authorization", "Bearer y")
        ])));
    }

    #[test]
    fn only_our_own_pages_may_change_things_by_cookie() {
        let sessions = sessions(Some("https://antre.example.go.id"));
        let uri = Uri::from_static("/v1/tickets/t:start");
        let allowed = |pairs: &[(&'static str, &'static str)]| {
            sessions.is_same_origin(&Method::POST, &uri, &headers(pairs))
        };
        assert!(allowed(&[("origin", "https://antre.example.go.id")]));
        assert!(
            allowed(&[("origin", "http://10.0.0.5:8080"), ("host", "10.0.0.5:8080")]),
            "by the address it was opened at"
        );
        assert!(allowed(&[("sec-fetch-site", "same-origin")]));
        assert!(!allowed(&[]));
        assert!(!allowed(&[("origin", "null"), ("host", "antre.example.go.id")]));
        assert!(
            allowed(&[("origin", "null"), ("sec-fetch-site", "same-origin")]),
            "a form of a page without referrer"
        );
        assert!(!allowed(&[("origin", "https://evil.example"), ("host", "antre.example.go.id")]));
        assert!(!allowed(&[("origin", "https://antre.example.go.id"), ("sec-fetch-site", "same-site")]));
        assert!(!allowed(&[("sec-fetch-site", "cross-site")]));
        assert!(sessions.is_same_origin(&Method::GET, &uri, &HeaderMap::new()), "reading is safe");
    }
}
