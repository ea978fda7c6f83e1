//! Who may call what: access tokens are verified offline with the issuer's public keys, and each method's permission is
//! read from its descriptor. A method without a policy is refused.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use prost_reflect::{DescriptorPool, MessageDescriptor, MethodDescriptor, Value};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tonic::Code;

use crate::caller::{Caller, CallerKind, Grant, Scope};
use crate::clock::Clock;
use crate::fault::{Language, Problem};

/// `iss` and `aud` of every token of the suite.
pub const ISSUER: &str = "mpp";
/// `typ` of an access token (RFC 9068), so that no other token of the issuer passes for one.
pub const TOKEN_TYPE: &str = "at+jwt";
/// How far the clocks of two machines may differ.
const LEEWAY: TimeDelta = TimeDelta::seconds(5);
/// A token that may do everything must not be worth stealing: a longer life is refused.
const SYSTEM_TOKEN_SECONDS: i64 = 60;
/// A forged `kid` must not make each request fetch keys.
const REFETCH_AT_MOST_EVERY: Duration = Duration::from_secs(5);
/// Bound of the cache of verified tokens: a few hundred bytes each.
const CACHED_TOKENS: usize = 4096;

/// A public key of the issuer (RFC 7517), ES256 only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jwk {
    /// `EC`.
    pub kty: String,
    /// `sig`.
    #[serde(rename = "use")]
    pub usage: String,
    /// `ES256`.
    pub alg: String,
    /// Which key it is.
    pub kid: String,
    /// `P-256`.
    pub crv: String,
    /// The point's x coordinate, base64url.
    pub x: String,
    /// The point's y coordinate, base64url.
    pub y: String,
}

/// Where the public keys come from: the identity service, in this process or another.
#[async_trait::async_trait]
pub trait KeySource: Send + Sync {
    /// The keys that are valid now.
    async fn jwks(&self) -> anyhow::Result<Vec<Jwk>>;
}

/// A grant as it stands in a token.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GrantClaim {
    /// Permissions.
    pub p: BTreeSet<String>,
    /// Scope.
    #[serde(default)]
    pub s: Scope,
}

/// The claims of an access token.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Claims {
    /// The issuer: [`ISSUER`].
    pub iss: String,
    /// The audience: [`ISSUER`].
    pub aud: String,
    /// The account or device.
    pub sub: String,
    /// The session.
    pub sid: String,
    /// Issued at, in seconds since 1970.
    pub iat: i64,
    /// Valid until, in seconds since 1970.
    pub exp: i64,
    /// The token's own id.
    pub jti: String,
    /// `staff`, `device` or `system`.
    pub kind: String,
    /// Whether it is a service account; absent where it is none. Tokens of a release before this claim do not say so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub service: bool,
    /// What screens show.
    pub name: String,
    /// What the caller may do.
    pub grants: Vec<GrantClaim>,
}

struct Keys {
    by_kid: HashMap<String, DecodingKey>,
    fetched: Option<Instant>,
}

struct Verified {
    /// In the default language.
    caller: Arc<Caller>,
    /// The same in English, once it was asked for, so that not each call copies the grants to say so.
    english: OnceLock<Arc<Caller>>,
    expires_at: DateTime<Utc>,
}

impl Verified {
    fn caller_in(&self, language: Language) -> Arc<Caller> {
        let caller = match language {
            Language::Id => &self.caller,
            Language::En => {
                self.english.get_or_init(|| Arc::new(Caller { language, ..self.caller.as_ref().clone() }))
            }
        };
        Arc::clone(caller)
    }
}

/// Checks access tokens.
pub struct Verifier {
    source: Arc<dyn KeySource>,
    clock: Arc<dyn Clock>,
    keys: RwLock<Keys>,
    fetching: tokio::sync::Mutex<()>,
    /// Verified tokens by their SHA-256, so that a busy counter does not pay for the same ECDSA check on each call.
    verified: Mutex<HashMap<[u8; 32], Verified>>,
}

impl Verifier {
    /// A verifier that knows no key yet; it asks `source` when the first token comes.
    #[must_use]
    pub fn new(source: Arc<dyn KeySource>, clock: Arc<dyn Clock>) -> Self {
        Self {
            source,
            clock,
            keys: RwLock::new(Keys { by_kid: HashMap::new(), fetched: None }),
            fetching: tokio::sync::Mutex::new(()),
            verified: Mutex::new(HashMap::new()),
        }
    }

    /// Who presents the token. The language of the caller is the default one.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` with reason `TOKEN_EXPIRED` or `TOKEN_INVALID`; `UNAVAILABLE` when the keys cannot be fetched.
    pub async fn verify(&self, token: &str) -> Result<Caller, Problem> {
        self.verify_shared(token).await.map(|caller| caller.as_ref().clone())
    }

    /// As [`Verifier::verify`], without a copy.
    ///
    /// # Errors
    /// As [`Verifier::verify`].
    pub async fn verify_shared(&self, token: &str) -> Result<Arc<Caller>, Problem> {
        self.verify_in(token, Language::default()).await
    }

    /// As [`Verifier::verify_shared`], for a caller who reads this language.
    ///
    /// # Errors
    /// As [`Verifier::verify`].
    pub async fn verify_in(&self, token: &str, language: Language) -> Result<Arc<Caller>, Problem> {
        let digest: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let now = self.clock.now();
        if let Some(hit) = lock(&self.verified).get(&digest) {
            return if now < hit.expires_at + LEEWAY { Ok(hit.caller_in(language)) } else { Err(expired()) };
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| invalid())?;
        if header.alg != Algorithm::ES256
            || !header.typ.as_deref().is_some_and(|typ| typ.eq_ignore_ascii_case(TOKEN_TYPE))
        {
            return Err(invalid());
        }
        let kid = header.kid.ok_or_else(invalid)?;
        let key = self.key(&kid).await?;
        let claims = decode(token, &key)?;
        let expires_at = DateTime::from_timestamp(claims.exp, 0).ok_or_else(invalid)?;
        let issued_at = DateTime::from_timestamp(claims.iat, 0).ok_or_else(invalid)?;
        if now >= expires_at + LEEWAY {
            return Err(expired());
        }
        if issued_at > now + LEEWAY {
            return Err(invalid());
        }
        let caller = Arc::new(caller(claims, expires_at)?);
        let verified = Verified { caller, english: OnceLock::new(), expires_at };
        let caller = verified.caller_in(language);
        self.remember(digest, verified, now);
        Ok(caller)
    }

    /// Fetches the keys now, so that the first request does not wait and tokens verify while the source is away.
    ///
    /// # Errors
    /// When the source does not answer.
    pub async fn warm(&self) -> anyhow::Result<()> {
        self.fetch().await
    }

    async fn key(&self, kid: &str) -> Result<DecodingKey, Problem> {
        if let Some(key) = self.known(kid) {
            return Ok(key);
        }
        // One fetch at a time; those who waited for it find its result.
        let _one = self.fetching.lock().await;
        if let Some(key) = self.known(kid) {
            return Ok(key);
        }
        let recent = self.keys.read().unwrap_or_else(PoisonError::into_inner).fetched;
        if recent.is_none_or(|at| at.elapsed() >= REFETCH_AT_MOST_EVERY) {
            self.fetch().await.map_err(|error| Problem {
                reason: "KEYS_UNAVAILABLE",
                ..Problem::unavailable(
                    error.context("cannot fetch the keys that verify access tokens"),
                    Duration::from_secs(1),
                )
            })?;
        }
        self.known(kid).ok_or_else(invalid)
    }

    fn known(&self, kid: &str) -> Option<DecodingKey> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).by_kid.get(kid).cloned()
    }

    async fn fetch(&self) -> anyhow::Result<()> {
        let jwks = self.source.jwks().await?;
        let mut by_kid = HashMap::with_capacity(jwks.len());
        for jwk in jwks {
            if jwk.kty == "EC" && jwk.crv == "P-256" && jwk.alg == "ES256" {
                let key = DecodingKey::from_ec_components(&jwk.x, &jwk.y)
                    .with_context(|| format!("key {}", jwk.kid))?;
                by_kid.insert(jwk.kid, key);
            }
        }
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        // A key that was withdrawn must stop verifying at once, also for tokens seen before.
        if keys.by_kid.keys().any(|kid| !by_kid.contains_key(kid)) {
            lock(&self.verified).clear();
        }
        *keys = Keys { by_kid, fetched: Some(Instant::now()) };
        Ok(())
    }

    fn remember(&self, digest: [u8; 32], verified: Verified, now: DateTime<Utc>) {
        let mut cache = lock(&self.verified);
        if cache.len() >= CACHED_TOKENS {
            cache.retain(|_, entry| entry.expires_at > now);
            if cache.len() >= CACHED_TOKENS {
                // Everybody verifies once more: rare, and simpler than an order of use.
                cache.clear();
            }
        }
        cache.insert(digest, verified);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn decode(token: &str, key: &DecodingKey) -> Result<Claims, Problem> {
    let mut validation = Validation::new(Algorithm::ES256);
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&[ISSUER]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    // The library asks the system for the time; the caller of this function compares with the clock it was given.
    validation.validate_exp = false;
    jsonwebtoken::decode::<Claims>(token, key, &validation).map(|data| data.claims).map_err(|_| invalid())
}

fn caller(claims: Claims, expires_at: DateTime<Utc>) -> Result<Caller, Problem> {
    let kind = match claims.kind.parse() {
        Ok(kind @ (CallerKind::Staff | CallerKind::Device)) => kind,
        // For the local command line, which may read the signing key from identity's database and makes one per command.
        Ok(kind @ CallerKind::System) if claims.exp - claims.iat <= SYSTEM_TOKEN_SECONDS => kind,
        Ok(CallerKind::Anonymous | CallerKind::System) | Err(_) => return Err(invalid()),
    };
    Ok(Caller {
        id: claims.sub,
        kind,
        is_service: claims.service,
        name: claims.name,
        session: Some(claims.sid),
        grants: claims
            .grants
            .into_iter()
            .map(|grant| Grant { permissions: grant.p, scope: grant.s })
            .collect(),
        language: Language::default(),
        expires_at: Some(expires_at),
    })
}

fn invalid() -> Problem {
    Problem::new(
        Code::Unauthenticated,
        "TOKEN_INVALID",
        "Sesi Anda tidak dikenali. Silakan masuk kembali.",
        "The access token is not valid. Sign in again.",
    )
}

fn expired() -> Problem {
    Problem::new(
        Code::Unauthenticated,
        "TOKEN_EXPIRED",
        "Sesi Anda telah berakhir. Silakan masuk kembali.",
        "The access token has expired. Refresh the session or sign in again.",
    )
}

/// What the contract says about a method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The permission a grant must hold; `public` and `authenticated` are reserved words.
    pub permission: String,
    /// Whether each call that changes something leaves a journal entry.
    pub audited: bool,
    /// Whether a `request_id` makes a repetition harmless.
    pub idempotent: bool,
    /// Whether it changes nothing (bound to GET, or declared `NO_SIDE_EFFECTS`).
    pub read_only: bool,
    /// Whether the answer is a stream.
    pub server_streaming: bool,
    /// Whether the request is a stream.
    pub client_streaming: bool,
    /// `package.Service/Method`, as telemetry names it.
    pub name: Arc<str>,
    /// The request message.
    pub input: MessageDescriptor,
}

impl Policy {
    /// No sign-in is needed.
    pub const PUBLIC: &str = "public";
    /// Any signed-in caller will do.
    pub const AUTHENTICATED: &str = "authenticated";
}

/// The policies of every method of the contracts, by path.
#[derive(Debug, Clone, Default)]
pub struct Policies(HashMap<String, Policy>);

impl Policies {
    /// Reads the policies from an encoded `FileDescriptorSet` that has `mpp.options.v1.policy`. Methods without the
    /// option are left out, and thereby refused.
    ///
    /// # Errors
    /// When the bytes are no descriptor set or the option is declared otherwise.
    pub fn from_descriptors(descriptors: &[u8]) -> anyhow::Result<Self> {
        let pool = DescriptorPool::decode(descriptors).context("the descriptor set cannot be read")?;
        let option = pool
            .get_extension_by_name("mpp.options.v1.policy")
            .context("mpp.options.v1.policy is not declared")?;
        let http = pool.get_extension_by_name("google.api.http");
        let mut policies = HashMap::new();
        for method in pool.services().flat_map(|service| service.methods().collect::<Vec<_>>()) {
            let options = method.options();
            if !options.has_extension(&option) {
                continue;
            }
            let value = options.get_extension(&option);
            let policy = value.as_message().context("mpp.options.v1.policy is no message")?;
            let flag = |name: &str| {
                policy.get_field_by_name(name).is_some_and(|value| value.as_bool() == Some(true))
            };
            let permission = policy
                .get_field_by_name("permission")
                .and_then(|value| value.as_str().map(str::to_owned))
                .filter(|permission| !permission.is_empty());
            let Some(permission) = permission else { continue };
            let bound_to_get = http.as_ref().is_some_and(|http| {
                options.get_extension(http).as_message().is_some_and(|rule| rule.has_field_by_name("get"))
            });
            let name = format!("{}/{}", method.parent_service().full_name(), method.name());
            let policy = Policy {
                permission,
                audited: flag("audited"),
                idempotent: flag("idempotent"),
                read_only: bound_to_get || declared_without_side_effects(&method),
                server_streaming: method.is_server_streaming(),
                client_streaming: method.is_client_streaming(),
                name: name.as_str().into(),
                input: method.input(),
            };
            policies.insert(format!("/{name}"), policy);
        }
        Ok(Self(policies))
    }

    /// The policy of the method at `/package.Service/Method`.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&Policy> {
        self.0.get(path)
    }

    /// Every path with its policy, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Policy)> {
        self.0.iter().map(|(path, policy)| (path.as_str(), policy))
    }
}

fn declared_without_side_effects(method: &MethodDescriptor) -> bool {
    const NO_SIDE_EFFECTS: i32 = 1;
    method
        .options()
        .get_field_by_name("idempotency_level")
        .is_some_and(|value| matches!(value.as_ref(), Value::EnumNumber(NO_SIDE_EFFECTS)))
}
