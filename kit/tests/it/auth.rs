use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use mpp_kit::auth::{Jwk, KeySource, Policies, Verifier};
use mpp_kit::caller::{Caller, CallerKind};
use mpp_kit::clock::{Clock, ManualClock};
use mpp_kit::fault::Language;
use mpp_kit::testing::{Issuer, scope};

/// Far from the time of the machine: a check against the system's clock would be seen.
fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(DateTime::<Utc>::from_timestamp(4_000_000_000, 0).unwrap()))
}

fn setup() -> (Arc<Issuer>, Arc<ManualClock>, Arc<Verifier>) {
    let (issuer, clock) = (Arc::new(Issuer::new()), clock());
    let verifier = issuer.verifier(Arc::clone(&clock) as Arc<dyn Clock>);
    (issuer, clock, verifier)
}

#[tokio::test]
async fn a_token_tells_who_calls_and_what_they_may() {
    let (issuer, clock, verifier) = setup();
    let token = issuer.token(&*clock, "acc_1", &[(&["queue.call"], scope(&[("agency", &["agc_1"])]))]);
    let caller = verifier.verify(&token).await.unwrap();
    assert_eq!(
        (caller.id.as_str(), caller.kind, caller.session.as_deref()),
        ("acc_1", CallerKind::Staff, Some("ses_test"))
    );
    assert!(
        caller.allows("queue.call", &[("agency", "agc_1")])
            && !caller.allows("queue.call", &[("agency", "agc_2")])
    );
    let device = issuer.token(&*clock, "dev_1", &[]);
    assert_eq!(verifier.verify(&device).await.unwrap().kind, CallerKind::Device);
}

#[tokio::test]
async fn a_token_says_whether_it_is_of_a_service_account_and_one_of_before_does_not() {
    let (issuer, clock, verifier) = setup();
    let claims = issuer.claims(&*clock, "acc_1", &[]);
    assert!(!verifier.verify(&issuer.sign(&claims)).await.unwrap().is_service);
    let service = mpp_kit::auth::Claims { service: true, ..claims.clone() };
    assert!(verifier.verify(&issuer.sign(&service)).await.unwrap().is_service);
    let mut of_before = serde_json::to_value(&claims).unwrap();
    of_before.as_object_mut().unwrap().remove("service");
    let of_before: mpp_kit::auth::Claims = serde_json::from_value(of_before).unwrap();
    assert!(!of_before.service);
}

#[tokio::test]
async fn each_language_has_the_same_caller_and_one_copy_of_it() {
    let (issuer, clock, verifier) = setup();
    let token = issuer.token(&*clock, "acc_1", &[(&["queue.call"], scope(&[("agency", &["agc_1"])]))]);
    let (english, own) = (
        verifier.verify_in(&token, Language::En).await.unwrap(),
        verifier.verify_shared(&token).await.unwrap(),
    );
    assert_eq!((english.language, own.language), (Language::En, Language::Id));
    assert_eq!(*own, Caller { language: Language::Id, ..english.as_ref().clone() });
    let again = verifier.verify_in(&token, Language::En).await.unwrap();
    assert!(Arc::ptr_eq(&english, &again), "a call copies no grants");
    clock.advance(TimeDelta::seconds(605));
    assert_eq!(verifier.verify_in(&token, Language::En).await.unwrap_err().reason, "TOKEN_EXPIRED");
}

#[tokio::test]
async fn a_token_ends_by_the_given_clock_also_when_it_was_seen_before() {
    let (issuer, clock, verifier) = setup();
    let token = issuer.token(&*clock, "acc_1", &[]);
    let never_seen = issuer.token(&*clock, "acc_2", &[]);
    verifier.verify(&token).await.unwrap();
    clock.advance(TimeDelta::seconds(604));
    verifier.verify(&token).await.unwrap();
    clock.advance(TimeDelta::seconds(1));
    for token in [token, never_seen] {
        assert_eq!(verifier.verify(&token).await.unwrap_err().reason, "TOKEN_EXPIRED");
    }
}

#[tokio::test]
async fn what_is_not_our_access_token_is_refused() {
    let (issuer, clock, verifier) = setup();
    let claims = issuer.claims(&*clock, "acc_1", &[]);
    let changed = |change: fn(&mut mpp_kit::auth::Claims)| {
        let mut claims = claims.clone();
        change(&mut claims);
        issuer.sign(&claims)
    };
    let good = issuer.sign(&claims);
    let (body, signature) = good.rsplit_once('.').unwrap();
    let other = issuer.token(&*clock, "acc_2", &[]);
    let stranger = Issuer::new();
    let mut forged = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS256);
    forged.typ = Some("at+jwt".into());
    forged.kid = Some(issuer.jwk().kid);
    let hmac = jsonwebtoken::EncodingKey::from_secret(issuer.jwk().x.as_bytes());
    for (what, token) in [
        ("not a token", "nonsense".to_owned()),
        ("another type", issuer.sign_with(&claims, "JWT")),
        ("another issuer", changed(|claims| claims.iss = "other".into())),
        ("another audience", changed(|claims| claims.aud = "other".into())),
        ("no kind of ours", changed(|claims| claims.kind = "anonymous".into())),
        ("a system token with a long life", changed(|claims| claims.kind = "system".into())),
        ("issued in the future", changed(|claims| claims.iat += 60)),
        ("a key nobody knows", stranger.token(&*clock, "acc_1", &[])),
        ("another's signature", format!("{body}.{}", other.rsplit_once('.').unwrap().1)),
        ("a cut signature", format!("{body}.{}", &signature[1..])),
        ("a symmetric algorithm", jsonwebtoken::encode(&forged, &claims, &hmac).unwrap()),
    ] {
        let refused = verifier.verify(&token).await.map(|caller| caller.id);
        assert_eq!(refused.map_err(|problem| problem.reason), Err("TOKEN_INVALID"), "{what}");
    }
    verifier.verify(&good).await.unwrap();
    let system = changed(|claims| {
        claims.kind = "system".into();
        claims.exp = claims.iat + 60;
    });
    assert!(verifier.verify(&system).await.unwrap().has("identity.manage"));
}

/// Counts how often it is asked.
struct Counting(Arc<Issuer>, AtomicUsize);

#[async_trait::async_trait]
impl KeySource for Counting {
    async fn jwks(&self) -> anyhow::Result<Vec<Jwk>> {
        if self.1.fetch_add(1, Ordering::SeqCst) == 0 {
            anyhow::bail!("identity is away");
        }
        self.0.jwks().await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_fetched_once_and_unknown_ones_do_not_flood_the_source() {
    let (issuer, clock) = (Arc::new(Issuer::new()), clock());
    let source = Arc::new(Counting(Arc::clone(&issuer), AtomicUsize::new(0)));
    let verifier = Arc::new(Verifier::new(
        Arc::clone(&source) as Arc<dyn KeySource>,
        Arc::clone(&clock) as Arc<dyn Clock>,
    ));
    let away = verifier.verify(&issuer.token(&*clock, "acc_1", &[])).await.unwrap_err();
    assert_eq!((away.code, away.reason), (tonic::Code::Unavailable, "KEYS_UNAVAILABLE"));
    let tasks: Vec<_> = (0..32)
        .map(|_| {
            let (verifier, token) = (Arc::clone(&verifier), issuer.token(&*clock, "acc_1", &[]));
            tokio::spawn(async move { verifier.verify(&token).await.unwrap() })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    for _ in 0..10 {
        let forged = Issuer::new().token(&*clock, "acc_1", &[]);
        assert_eq!(verifier.verify(&forged).await.unwrap_err().reason, "TOKEN_INVALID");
    }
    assert_eq!(source.1.load(Ordering::SeqCst), 2, "the failed fetch and one more");
}

#[test]
fn policies_come_from_the_contracts() {
    let policies = Policies::from_descriptors(mpp_proto::DESCRIPTORS).unwrap();
    let call = policies.get("/mpp.queue.v1.QueueService/CallNext").unwrap();
    assert_eq!(call.permission, "queue.call");
    assert!(call.audited && call.idempotent && !call.read_only && !call.server_streaming);
    let list = policies.get("/mpp.queue.v1.QueueService/ListHalls").unwrap();
    assert!(list.read_only && !list.audited && &*list.name == "mpp.queue.v1.QueueService/ListHalls");
    assert!(policies.get("/mpp.queue.v1.QueueService/WatchTicket").unwrap().server_streaming);
    assert!(policies.get("/mpp.queue.v1.QueueService/Nothing").is_none());
    assert!(policies.iter().all(|(_, policy)| !policy.permission.is_empty()));
}
