//! What access tokens say, for how long, and with which key.

use chrono::{DateTime, TimeDelta, Utc};
use mpp_identity::{domain::role::Permission, rotate};
use mpp_kit::{caller::CallerKind, clock::Clock as _, testing::scope};
use mpp_proto::identity::v1 as proto;
use prost_types::Timestamp;
use strum::IntoEnumIterator as _;

use crate::harness::{PASSWORD, World, agency, as_caller, cipher, grant, hall, on_both, part};

fn timestamp(at: DateTime<Utc>) -> Option<Timestamp> {
    Some(Timestamp { seconds: at.timestamp(), nanos: 0 })
}

#[tokio::test]
async fn a_token_says_what_the_contract_promises_and_every_service_can_verify_it() {
    on_both(async |world: World| {
        let (hall, agency) = (hall(), agency());
        let counter = mpp_identity::domain::CounterId::generate().to_string();
        let counters = proto::Grant {
            hall_id: hall.clone(),
            agency_id: agency.clone(),
            counter_ids: vec![counter.clone()],
            ..grant(proto::Role::Counter)
        };
        let account = world.account("ani", vec![counters, grant(proto::Role::Analyst)]).await;
        let token = world.sign_in("ani", PASSWORD).await.unwrap().token;

        let header = part(&token, 0);
        let jwks = world.client.clone().get_jwks(proto::GetJwksRequest {}).await.unwrap().into_inner().keys;
        assert_eq!(header, serde_json::json!({"typ": "at+jwt", "alg": "ES256", "kid": jwks[0].kid}));

        let claims = part(&token, 1);
        let now = world.clock.now().timestamp();
        let expected = serde_json::json!({
            "iss": "mpp",
            "aud": "mpp",
            "sub": account.id,
            "sid": claims["sid"],
            "iat": now,
            "exp": now + 600,
            "jti": claims["jti"],
            "kind": "staff",
            "name": "Ani Wijaya",
            "grants": [
                {
                    "p": ["queue.call", "queue.cancel", "queue.read", "queue.restore", "queue.ticket.read"],
                    "s": {"agency": [agency], "counter": [counter], "hall": [hall]},
                },
                {"p": ["queue.read", "queue.statistics"], "s": {}},
            ],
        });
        assert_eq!(claims, expected);
        assert!(claims["sid"].as_str().unwrap().starts_with("ses_"));
        assert_eq!(claims["jti"].as_str().unwrap().len(), 32);

        let caller = world.verify(&token).await;
        assert_eq!((caller.kind, &caller.id), (CallerKind::Staff, &account.id));
        assert!(caller.allows("queue.call", &[("hall", &hall), ("agency", &agency), ("counter", &counter)]));
        assert!(!caller.allows("queue.call", &[("hall", &hall), ("agency", &crate::harness::agency())]));
        assert_eq!(
            caller.grants[0].scope,
            scope(&[("hall", &[&*hall]), ("agency", &[&*agency]), ("counter", &[&*counter])])
        );
    })
    .await;
}

#[tokio::test]
async fn a_token_expires_with_its_life() {
    on_both(async |world: World| {
        let token = world.staff("ani", grant(proto::Role::Counter)).await.token;
        world.advance(TimeDelta::seconds(599));
        world.verify(&token).await;
        world.advance(TimeDelta::seconds(10));
        assert_eq!(world.verifier.verify(&token).await.unwrap_err().reason, "TOKEN_EXPIRED");
    })
    .await;
}

#[tokio::test]
async fn a_grant_counts_from_its_first_moment_to_its_last_and_no_token_outlives_it() {
    on_both(async |world: World| {
        let start = world.clock.now();
        let at = |minutes| timestamp(start + TimeDelta::minutes(minutes));
        let ending = proto::Grant { valid_to: at(5), ..grant(proto::Role::Counter) };
        let coming = proto::Grant { valid_from: at(3), valid_to: at(60), ..grant(proto::Role::Analyst) };
        let over = proto::Grant { valid_to: timestamp(start), ..grant(proto::Role::HallManager) };
        world.account("ani", vec![ending, coming, over]).await;
        let signed_in = world.sign_in("ani", PASSWORD).await.unwrap();
        assert_eq!(signed_in.expires_in, 300, "no longer than the earliest end of a grant in it");
        let caller = world.verify(&signed_in.token).await;
        assert!(caller.has("queue.call") && !caller.has("queue.statistics") && !caller.has("queue.manage"));

        world.advance(TimeDelta::minutes(3));
        let caller = world.verify(&world.refresh(&signed_in.secret).await.unwrap().access_token).await;
        assert!(caller.has("queue.call") && caller.has("queue.statistics"));

        world.advance(TimeDelta::minutes(2));
        let refreshed = world.refresh(&signed_in.secret).await.unwrap();
        let caller = world.verify(&refreshed.access_token).await;
        assert!(!caller.has("queue.call") && caller.has("queue.statistics"));
        assert_eq!(refreshed.expires_in, 600);

        world.advance(TimeDelta::minutes(55));
        let caller = world.verify(&world.sign_in("ani", PASSWORD).await.unwrap().token).await;
        assert_eq!(caller.grants, [], "whoever holds nothing any more may sign in and do nothing");
    })
    .await;
}

#[tokio::test]
async fn after_a_rotation_new_tokens_have_the_new_key_and_old_ones_still_verify() {
    on_both(async |world: World| {
        let before = world.staff("ani", grant(proto::Role::Counter)).await.token;
        // Verified anew each time: the answer must not come from the cache of the verifier.
        rotate(&world.test_db.db, &cipher(), world.clock.now()).await.unwrap();
        let after = world.sign_in("ani", PASSWORD).await.unwrap().token;
        assert_ne!(part(&before, 0)["kid"], part(&after, 0)["kid"]);
        let keys = world.client.clone().get_jwks(proto::GetJwksRequest {}).await.unwrap().into_inner().keys;
        assert_eq!(keys.len(), 2);
        for token in [&before, &after] {
            assert!(keys.iter().any(|key| key.kid == part(token, 0)["kid"]));
            let fresh = mpp_kit::auth::Verifier::new(
                mpp_identity::key_source(world.test_db.db.clone()),
                world.clock.clone(),
            );
            assert!(fresh.verify(token).await.unwrap().has("queue.call"));
        }
        for key in keys {
            let kind = (&*key.kty, &*key.r#use, &*key.alg, &*key.crv, key.x.len(), key.y.len());
            assert_eq!(kind, ("EC", "sig", "ES256", "P-256", 43, 43));
        }
    })
    .await;
}

#[tokio::test]
async fn the_system_token_has_every_permission_for_a_minute() {
    on_both(async |world: World| {
        let caller = world.verify(&world.system).await;
        assert_eq!((caller.kind, &*caller.id), (CallerKind::System, "system"));
        assert!(caller.allows("identity.manage", &[("hall", &hall())]));
        let request = as_caller(&world.system, proto::GetCurrentSessionRequest {});
        let current = world.client.clone().get_current_session(request).await.unwrap().into_inner();
        assert_eq!((current.principal, current.permissions.len()), (None, Permission::iter().count()));
        world.advance(TimeDelta::seconds(66));
        assert_eq!(world.verifier.verify(&world.system).await.unwrap_err().reason, "TOKEN_EXPIRED");
    })
    .await;
}
