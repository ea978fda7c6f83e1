//! Sessions: refreshing, ending, running out.

use chrono::{DateTime, TimeDelta, Utc};
use mpp_kit::clock::Clock as _;
use mpp_proto::identity::v1::{self as proto, get_current_session_response::Principal};
use sea_orm::{ConnectionTrait as _, sea_query::Query};
use tonic::Code;

use crate::harness::{World, as_caller, grant, grant_in, hall, on_both, part, reason};

async fn refresh_reason(world: &World, secret: &str) -> String {
    world.refresh(secret).await.err().map_or_else(|| "LIVE".to_owned(), |status| reason(&status))
}

async fn last_seen(world: &World) -> DateTime<Utc> {
    let select = Query::select().columns(["last_seen_at"]).from("session").to_owned();
    world.test_db.db.read.query_one(&select).await.unwrap().unwrap().try_get("", "last_seen_at").unwrap()
}

#[tokio::test]
async fn a_session_gives_fresh_tokens_until_it_was_idle_for_an_hour() {
    on_both(async |world: World| {
        let signed_in = world.staff("ani", grant(proto::Role::Counter)).await;
        world.advance(TimeDelta::minutes(59));
        let refreshed = world.refresh(&signed_in.secret).await.unwrap();
        assert_eq!(part(&refreshed.access_token, 1)["sid"], part(&signed_in.token, 1)["sid"]);
        world.advance(TimeDelta::minutes(59));
        assert_eq!(refresh_reason(&world, &signed_in.secret).await, "LIVE", "its use counted");
        world.advance(TimeDelta::minutes(60));
        assert_eq!(refresh_reason(&world, &signed_in.secret).await, "SESSION_ENDED");
    })
    .await;
}

#[tokio::test]
async fn a_staff_session_ends_twelve_hours_after_sign_in_however_much_it_is_used() {
    on_both(async |world: World| {
        let signed_in = world.staff("ani", grant(proto::Role::Counter)).await;
        for _ in 0..23 {
            world.advance(TimeDelta::minutes(30));
            assert_eq!(refresh_reason(&world, &signed_in.secret).await, "LIVE");
        }
        world.advance(TimeDelta::minutes(25));
        let last = world.refresh(&signed_in.secret).await.unwrap();
        assert_eq!(last.expires_in, 300, "its last token ends with it");
        world.advance(TimeDelta::minutes(5));
        assert_eq!(refresh_reason(&world, &signed_in.secret).await, "SESSION_ENDED");
    })
    .await;
}

#[tokio::test]
async fn the_last_use_is_noted_at_most_once_a_minute() {
    on_both(async |world: World| {
        let start = world.clock.now();
        let signed_in = world.staff("ani", grant(proto::Role::Counter)).await;
        for (seconds, noted) in [(59, 0), (1, 60), (59, 60), (1, 120)] {
            world.advance(TimeDelta::seconds(seconds));
            world.refresh(&signed_in.secret).await.unwrap();
            assert_eq!(last_seen(&world).await, start + TimeDelta::seconds(noted));
        }
    })
    .await;
}

#[tokio::test]
async fn an_unknown_secret_refreshes_nothing() {
    on_both(async |world: World| {
        world.staff("ani", grant(proto::Role::Counter)).await;
        for secret in ["", "x", &"A".repeat(43)] {
            let refused = world.refresh(secret).await.unwrap_err();
            assert_eq!((refused.code(), &*reason(&refused)), (Code::Unauthenticated, "SESSION_ENDED"));
        }
    })
    .await;
}

#[tokio::test]
async fn signing_out_ends_the_session_and_again_is_no_error() {
    on_both(async |world: World| {
        let signed_in = world.staff("ani", grant(proto::Role::Counter)).await;
        for request_id in ["r1", "r1", "r2"] {
            let request = proto::DeleteCurrentSessionRequest { request_id: request_id.to_owned() };
            world.client.clone().delete_current_session(as_caller(&signed_in.token, request)).await.unwrap();
        }
        assert_eq!(refresh_reason(&world, &signed_in.secret).await, "SESSION_ENDED");
        let request = as_caller(&signed_in.token, proto::GetCurrentSessionRequest {});
        let refused = world.client.clone().get_current_session(request).await.unwrap_err();
        assert_eq!(reason(&refused), "SESSION_ENDED", "a token that has not expired shows no ended session");
        let ended = world.journal_of("session.ended").await;
        assert_eq!(ended.len(), 1);
        assert_eq!((&*ended[0].request_id, &*ended[0].who), ("r1", &*signed_in.account.unwrap().id));
    })
    .await;
}

#[tokio::test]
async fn disabling_an_account_ends_its_sessions_and_no_other() {
    on_both(async |world: World| {
        let ani = world.staff("ani", grant(proto::Role::Counter)).await;
        let ani_too = world.sign_in("ani", crate::harness::PASSWORD).await.unwrap();
        let budi = world.staff("budi", grant(proto::Role::Counter)).await;
        world.disable("ani").await;
        for secret in [&ani.secret, &ani_too.secret] {
            assert_eq!(refresh_reason(&world, secret).await, "SESSION_ENDED");
        }
        assert_eq!(refresh_reason(&world, &budi.secret).await, "LIVE");
        let disabled = world.journal_of("account.disabled").await;
        assert_eq!((&*disabled[0].who, &*disabled[0].detail), ("system", r#"{"sessionsEnded":2}"#));
    })
    .await;
}

/// The row of the session is not what decides alone: an account that is disabled opens nothing even if its session had
/// been left alive.
#[tokio::test]
async fn a_live_session_of_a_disabled_account_refreshes_nothing() {
    on_both(async |world: World| {
        let ani = world.staff("ani", grant(proto::Role::Counter)).await;
        world.disable("ani").await;
        let revive =
            Query::update().table("session").value("ended_at", Option::<DateTime<Utc>>::None).to_owned();
        world.test_db.db.write.execute(&revive).await.unwrap();
        assert_eq!(refresh_reason(&world, &ani.secret).await, "SESSION_ENDED");
    })
    .await;
}

#[tokio::test]
async fn the_current_session_tells_staff_and_devices_who_they_are_and_what_they_may_do() {
    on_both(async |world: World| {
        let hall = hall();
        let account = world
            .account(
                "ani",
                vec![grant_in(proto::Role::Reception, &hall), grant_in(proto::Role::Counter, &hall)],
            )
            .await;
        let staff = world.sign_in("ani", crate::harness::PASSWORD).await.unwrap();
        let current = |token: &str| {
            let request = as_caller(token, proto::GetCurrentSessionRequest {});
            let mut client = world.client.clone();
            async move { client.get_current_session(request).await.unwrap().into_inner() }
        };
        let answer = current(&staff.token).await;
        assert_eq!(answer.principal, Some(Principal::Account(account)));
        let permissions = [
            "queue.call",
            "queue.cancel",
            "queue.issue",
            "queue.read",
            "queue.restore",
            "queue.sitecode",
            "queue.ticket.read",
        ];
        assert_eq!(answer.permissions, permissions, "each once, in alphabetical order");

        let enrolled = world.enrol(proto::DeviceKind::Board, &hall).await;
        let device = world.sign_in_device(&enrolled.device_key).await.unwrap();
        let answer = current(&device.token).await;
        let Some(Principal::Device(shown)) = answer.principal else { panic!("{answer:?}") };
        assert_eq!((shown.id, shown.hall_id), (enrolled.device.unwrap().id, hall));
        assert_eq!(answer.permissions, ["queue.read", "queue.sitecode"]);
    })
    .await;
}
