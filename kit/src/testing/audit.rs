//! Whether the calls that a contract says are audited leave an entry in the journal of their service.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, Request, Response, header};
use tonic::body::Body;
use tower::util::BoxCloneSyncService;
use tower::{ServiceExt as _, service_fn};

use crate::auth::Policies;
use crate::db::Db;
use crate::journal;
use crate::server::GrpcService;

/// Entries that one call leaves at most.
const ENTRIES: u64 = 1_000;

/// Watches the calls to one service, which come one after the other: what each left in the journal.
#[derive(Debug)]
pub struct Audit {
    /// Its RPCs that the contract says are audited: by path, with their names.
    audited: BTreeMap<String, String>,
    db: Db,
    is_on: AtomicBool,
    /// What each of them was answered for left, by name: the events, or none.
    left: Mutex<BTreeMap<String, Vec<BTreeSet<String>>>>,
}

impl Audit {
    /// For a service such as `mpp.identity.v1.IdentityService` and the database of its journal. Nothing is watched yet.
    #[must_use]
    pub fn of(service: &str, policies: &Policies, db: &Db) -> Arc<Self> {
        let prefix = format!("/{service}/");
        let audited = policies
            .iter()
            .filter(|(_, policy)| policy.audited)
            .filter_map(|(path, _)| Some((path.to_owned(), path.strip_prefix(&prefix)?.to_owned())))
            .collect();
        Arc::new(Self { audited, db: db.clone(), is_on: AtomicBool::new(false), left: Mutex::default() })
    }

    /// From here on each call is watched.
    pub fn begin(&self) {
        self.is_on.store(true, Ordering::SeqCst);
    }

    /// The service with the watch around it.
    #[must_use]
    pub fn around(self: &Arc<Self>, service: GrpcService) -> GrpcService {
        let audit = Arc::clone(self);
        BoxCloneSyncService::new(service_fn(move |request: Request<Body>| {
            let (audit, service) = (Arc::clone(&audit), service.clone());
            async move {
                let name = audit.audited.get(request.uri().path()).cloned();
                let Some(name) = name.filter(|_| audit.is_on.load(Ordering::SeqCst)) else {
                    return service.oneshot(request).await;
                };
                let who = subject(request.headers());
                let before = audit.last().await;
                let response = service.oneshot(request).await?;
                if succeeded(&response) {
                    let events = audit.since(before, who.as_deref()).await;
                    let mut left = audit.left.lock().unwrap_or_else(PoisonError::into_inner);
                    left.entry(name).or_default().push(events);
                }
                Ok(response)
            }
        }))
    }

    /// What each RPC left, one line each: for a snapshot that people read.
    ///
    /// # Panics
    /// When an audited RPC of the contract did not succeed since the watch began, or once left nothing.
    #[must_use]
    pub fn table(&self) -> String {
        let left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let asked: BTreeSet<&String> = left.keys().collect();
        let missing: Vec<&String> = self.audited.values().filter(|name| !asked.contains(name)).collect();
        let silent: Vec<&String> = left
            .iter()
            .filter(|(_, calls)| calls.iter().any(BTreeSet::is_empty))
            .map(|(name, _)| name)
            .collect();
        assert!(missing.is_empty(), "audited, and not called with success: {missing:?}");
        assert!(silent.is_empty(), "audited, and left no entry of their caller: {silent:?}");
        let line = |(name, calls): (&String, &Vec<BTreeSet<String>>)| {
            let events: BTreeSet<&str> = calls.iter().flatten().map(String::as_str).collect();
            format!("{name}: {}\n", events.into_iter().collect::<Vec<_>>().join(", "))
        };
        left.iter().map(line).collect()
    }

    /// The number of the last entry.
    async fn last(&self) -> i64 {
        let mut last = 0;
        loop {
            let page = journal::read(&self.db.read, None, last, ENTRIES).await.expect("the journal is read");
            match page.last() {
                Some(entry) => last = entry.seq,
                None => return last,
            }
        }
    }

    /// What was entered after this number: by this caller, or by anybody but the system when nobody is signed in. What
    /// workers enter meanwhile is not what the call left.
    async fn since(&self, before: i64, who: Option<&str>) -> BTreeSet<String> {
        let page = journal::read(&self.db.read, None, before, ENTRIES).await.expect("the journal is read");
        page.into_iter()
            .map(|recorded| recorded.entry)
            .filter(|entry| who.map_or(entry.who != "system", |who| entry.who == who))
            .map(|entry| entry.what)
            .collect()
    }
}

/// A refusal comes with its status in the head; a success tells it after the answer.
fn succeeded(response: &Response<Body>) -> bool {
    response.headers().get("grpc-status").is_none_or(|status| status == "0")
}

/// Whose token it is. Whether it is a good one is for the service to say.
fn subject(headers: &HeaderMap) -> Option<String> {
    let bearer = headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")?;
    let claims = URL_SAFE_NO_PAD.decode(bearer.split('.').nth(1)?).ok()?;
    let claims: serde_json::Value = serde_json::from_slice(&claims).ok()?;
    claims.get("sub")?.as_str().map(str::to_owned)
}
