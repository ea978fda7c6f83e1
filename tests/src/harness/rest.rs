//! A client of the public REST API, signed in or not.

use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Method, StatusCode};
use serde_json::Value;

/// A client of the REST API that acts as one persona. Clones share the connections.
#[derive(Clone)]
pub struct Api {
    http: reqwest::Client,
    base: String,
    token: Option<String>,
}

/// What the API answered.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The JSON body; null for none.
    pub body: Value,
    /// What was asked, for messages.
    asked: String,
}

impl Api {
    /// A client that is not signed in.
    ///
    /// # Panics
    /// When the system gives no client.
    #[must_use]
    pub fn anonymous(base: &str) -> Self {
        mpp::choose_tls();
        let http = reqwest::Client::builder().build().expect("a client");
        Self { http, base: base.to_owned(), token: None }
    }

    /// The same client with an access token.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// The same persona at another address: another instance of the suite.
    #[must_use]
    pub fn at(&self, base: &str) -> Self {
        Self { base: base.to_owned(), ..self.clone() }
    }

    /// The access token, if signed in.
    #[must_use]
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// Signs a member of staff in.
    pub async fn sign_in(&self, username: &str, password: &str) -> Self {
        let body = serde_json::json!({"username": username, "password": password});
        let answer = self.post("/v1/sessions", &body).await.ok();
        self.with_token(answer["accessToken"].as_str().expect("an access token"))
    }

    /// Signs a device in.
    pub async fn sign_in_device(&self, key: &str) -> Self {
        let answer = self.post("/v1/deviceSessions", &serde_json::json!({"deviceKey": key})).await.ok();
        self.with_token(answer["accessToken"].as_str().expect("an access token"))
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None, &[]).await
    }

    /// A list to its end: everything that `field` of each page holds.
    ///
    /// # Panics
    /// When a page is refused, or holds no such list.
    pub async fn all(&self, path: &str, field: &str) -> Vec<Value> {
        let join = if path.contains('?') { '&' } else { '?' };
        let (mut found, mut token) = (Vec::new(), String::new());
        loop {
            // A small page: the walk from one to the next is what must lose nothing.
            let mut page = self.get(&format!("{path}{join}pageSize=7&pageToken={token}")).await.ok();
            let Some(items) = page[field].as_array_mut() else { panic!("{path} has no {field}: {page}") };
            found.append(items);
            match page["nextPageToken"].as_str() {
                Some(next) if !next.is_empty() => next.clone_into(&mut token),
                _ => return found,
            }
        }
    }

    /// POST with a JSON body, under a request id of its own, as programs send it.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        let key = format!("{:032x}", rand::random::<u128>());
        self.send(Method::POST, path, Some(body), &[("idempotency-key", &key)]).await
    }

    /// DELETE, under a request id of its own.
    pub async fn delete(&self, path: &str) -> Answer {
        let key = format!("{:032x}", rand::random::<u128>());
        self.send(Method::DELETE, path, None, &[("idempotency-key", &key)]).await
    }

    /// Any request. `headers` come on top of the authorization.
    ///
    /// # Panics
    /// When there is no HTTP answer at all.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        headers: &[(&'static str, &str)],
    ) -> Answer {
        self.try_send(method, path, body, headers).await.unwrap_or_else(|error| panic!("{path}: {error:?}"))
    }

    /// Any request, for tests that cut connections.
    ///
    /// # Errors
    /// When there is no HTTP answer.
    ///
    /// # Panics
    /// When a header cannot be one.
    pub async fn try_send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        headers: &[(&'static str, &str)],
    ) -> reqwest::Result<Answer> {
        let mut request = self.http.request(method.clone(), format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        for (name, value) in headers {
            request = request.header(*name, HeaderValue::from_str(value).expect("a header"));
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await?;
        let body = if text.is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&text).unwrap_or(Value::String(text))
        };
        Ok(Answer { status, headers, body, asked: format!("{method} {path}") })
    }

    /// The raw client, for streams and pages.
    #[must_use]
    pub fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// Where the suite answers.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }
}

impl Answer {
    /// The body of a success.
    ///
    /// # Panics
    /// When it was refused.
    #[track_caller]
    pub fn ok(self) -> Value {
        assert!(self.status.is_success(), "{} → {} {}", self.asked, self.status, self.body);
        self.body
    }

    /// The problem+json of a refusal with this status and reason.
    ///
    /// # Panics
    /// When it was anything else.
    #[track_caller]
    pub fn refused(self, status: u16, reason: &str) -> Value {
        assert_eq!(self.status.as_u16(), status, "{} → {}", self.asked, self.body);
        assert_eq!(self.body["reason"], reason, "{} → {}", self.asked, self.body);
        self.body
    }
}
