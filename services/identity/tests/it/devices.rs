//! Kiosks and boards: enrolling, signing in, revoking.

use chrono::{DateTime, TimeDelta, Utc};
use mpp_kit::{caller::CallerKind, clock::Clock as _, testing::scope};
use mpp_proto::identity::v1 as proto;
use sea_orm::{ConnectionTrait as _, sea_query::Query};
use tonic::Code;

use crate::harness::{World, as_caller, grant, grant_in, hall, new_device, on_both, reason, violations};

async fn revoke(world: &World, token: &str, device: &str) -> Result<proto::Device, tonic::Status> {
    let request = proto::RevokeDeviceRequest { request_id: String::new(), device: device.to_owned() };
    let answer = world.client.clone().revoke_device(as_caller(token, request)).await?;
    Ok(answer.into_inner().device.unwrap())
}

async fn list(world: &World, token: &str) -> Vec<proto::Device> {
    let request = as_caller(token, proto::ListDevicesRequest::default());
    world.client.clone().list_devices(request).await.unwrap().into_inner().devices
}

#[tokio::test]
async fn a_device_signs_in_with_its_key_and_may_do_what_its_kind_may_in_its_hall() {
    on_both(async |world: World| {
        let hall = hall();
        for (kind, may_issue) in [(proto::DeviceKind::Kiosk, true), (proto::DeviceKind::Board, false)] {
            let enrolled = world.enrol(kind, &hall).await;
            let id = enrolled.device.unwrap().id;
            assert!(enrolled.device_key.starts_with("mppd_"));
            let signed_in = world.sign_in_device(&enrolled.device_key).await.unwrap();
            let caller = world.verify(&signed_in.token).await;
            assert_eq!(
                (caller.kind, &caller.id, &*caller.name),
                (CallerKind::Device, &id, "Kiosk pintu utara")
            );
            assert!(caller.has("queue.read"));
            assert_eq!(caller.has("queue.issue"), may_issue);
            assert_eq!(caller.grants[0].scope, scope(&[("hall", &[&*hall])]));
        }
    })
    .await;
}

#[tokio::test]
async fn an_id_that_can_be_none_is_a_mistake_and_one_that_is_nobodys_is_not_found() {
    on_both(async |world: World| {
        let system = world.system().await;
        for malformed in ["", "kios", "acc_01h455vb4pex5vsknk084sn02q"] {
            let refused = revoke(&world, &system, malformed).await.unwrap_err();
            assert_eq!(refused.code(), Code::InvalidArgument, "{malformed}");
            let field = ("device".to_owned(), "INVALID_ID".to_owned());
            assert_eq!(violations(&refused), [field].into(), "{malformed}");
        }
        let refused = revoke(&world, &system, "dev_01h455vb4pex5vsknk084sn02q").await.unwrap_err();
        assert_eq!(refused.code(), Code::NotFound);
    })
    .await;
}

#[tokio::test]
async fn a_device_session_lives_for_years_and_ends_when_the_device_is_revoked() {
    on_both(async |world: World| {
        let enrolled = world.enrol(proto::DeviceKind::Board, &hall()).await;
        let id = enrolled.device.unwrap().id;
        let signed_in = world.sign_in_device(&enrolled.device_key).await.unwrap();
        world.advance(TimeDelta::days(1000));
        let system = world.system().await;
        world.refresh(&signed_in.secret).await.unwrap();
        assert_eq!(
            list(&world, &system).await[0].last_seen_time.unwrap().seconds,
            world.clock.now().timestamp()
        );
        assert!(revoke(&world, &system, &id).await.unwrap().revoked);
        assert!(revoke(&world, &system, &id).await.unwrap().revoked, "again is not an error");
        assert_eq!(reason(&world.refresh(&signed_in.secret).await.unwrap_err()), "SESSION_ENDED");
        let refused = world.sign_in_device(&enrolled.device_key).await.err().unwrap();
        assert_eq!((refused.code(), &*reason(&refused)), (Code::Unauthenticated, "INVALID_CREDENTIALS"));
        let unknown =
            world.sign_in_device("mppd_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").await.err().unwrap();
        assert_eq!(
            unknown.details(),
            refused.details(),
            "an unknown key and a revoked one get the same answer"
        );
        let revoked = world.journal_of("device.revoked").await;
        assert_eq!((revoked.len(), &*revoked[0].subject), (1, &*id));
        assert_eq!(world.journal_of("sign_in.refused").await[0].subject, id);

        let revive =
            Query::update().table("session").value("ended_at", Option::<DateTime<Utc>>::None).to_owned();
        world.test_db.db.write.execute(&revive).await.unwrap();
        assert_eq!(reason(&world.refresh(&signed_in.secret).await.unwrap_err()), "SESSION_ENDED");
    })
    .await;
}

#[tokio::test]
async fn a_repeated_enrolment_answers_the_same_key_although_only_its_digest_is_stored() {
    on_both(async |world: World| {
        let request = proto::EnrolDeviceRequest {
            request_id: "enrol-1".to_owned(),
            ..new_device(proto::DeviceKind::Kiosk, &hall())
        };
        let enrol = |request: proto::EnrolDeviceRequest| {
            let mut client = world.client.clone();
            let request = as_caller(&world.system, request);
            async move { client.enrol_device(request).await.map(tonic::Response::into_inner) }
        };
        let first = enrol(request.clone()).await.unwrap();
        assert_eq!(enrol(request.clone()).await.unwrap(), first);
        world.sign_in_device(&first.device_key).await.unwrap();
        assert_eq!(list(&world, &world.system).await.len(), 1);
        assert_eq!(world.journal_of("device.enrolled").await.len(), 1);
        let other = proto::EnrolDeviceRequest { label: "Kiosk pintu selatan".to_owned(), ..request };
        assert_eq!(reason(&enrol(other).await.unwrap_err()), "REQUEST_ID_REUSED");

        let db = &world.test_db.db.read;
        let kept = Query::select().columns(["response"]).from("idempotency").to_owned();
        let kept: Vec<u8> = db.query_one(&kept).await.unwrap().unwrap().try_get("", "response").unwrap();
        assert!(!String::from_utf8_lossy(&kept).contains("mppd_"), "the kept answer must not hold the key");
        let digest = Query::select().columns(["key_digest"]).from("device").to_owned();
        let digest: String = db.query_one(&digest).await.unwrap().unwrap().try_get("", "key_digest").unwrap();
        assert_eq!(digest.len(), 64);
    })
    .await;
}

#[tokio::test]
async fn a_wrong_enrolment_is_told_everything_at_once() {
    on_both(async |world: World| {
        let request = proto::EnrolDeviceRequest::default();
        let refused = world.client.clone().enrol_device(as_caller(&world.system, request)).await.unwrap_err();
        let expected = [("hall_id", "INVALID_ID"), ("kind", "REQUIRED"), ("label", "INVALID_LENGTH")];
        assert_eq!(violations(&refused), expected.map(|(f, r)| (f.to_owned(), r.to_owned())).into());
    })
    .await;
}

#[tokio::test]
async fn an_administrator_of_one_hall_sees_enrols_and_revokes_only_there() {
    on_both(async |world: World| {
        let (own, other) = (hall(), hall());
        let here = world.enrol(proto::DeviceKind::Kiosk, &own).await.device.unwrap();
        let there = world.enrol(proto::DeviceKind::Kiosk, &other).await.device.unwrap();
        let admin = world.staff("admin-satu", grant_in(proto::Role::Admin, &own)).await.token;
        let ids: Vec<String> = list(&world, &admin).await.into_iter().map(|device| device.id).collect();
        assert_eq!(ids, [here.id.as_str()]);
        assert_eq!(list(&world, &world.system).await.len(), 2);
        let refused = revoke(&world, &admin, &there.id).await.unwrap_err();
        assert_eq!(refused.code(), Code::NotFound, "what lies outside is as good as none");
        let request = as_caller(&admin, new_device(proto::DeviceKind::Board, &other));
        let refused = world.client.clone().enrol_device(request).await.unwrap_err();
        assert_eq!((refused.code(), &*reason(&refused)), (Code::PermissionDenied, "GRANT_EXCEEDS_OWN"));
        let request = as_caller(&admin, new_device(proto::DeviceKind::Board, &own));
        world.client.clone().enrol_device(request).await.unwrap();
        assert!(revoke(&world, &admin, &here.id).await.unwrap().revoked);

        let agency_admin =
            proto::Grant { agency_id: crate::harness::agency(), ..grant_in(proto::Role::Admin, &own) };
        let agency_admin = world.staff("admin-dinas", agency_admin).await.token;
        assert_eq!(list(&world, &agency_admin).await, []);
    })
    .await;
}

#[tokio::test]
async fn devices_come_in_pages_oldest_first() {
    on_both(async |world: World| {
        let mut expected = Vec::new();
        for _ in 0..5 {
            expected.push(world.enrol(proto::DeviceKind::Board, &hall()).await.device.unwrap().id);
        }
        let admin = world.staff("admin", grant(proto::Role::Admin)).await.token;
        let (mut seen, mut page_token, mut pages) = (Vec::new(), String::new(), 0);
        loop {
            let request = proto::ListDevicesRequest { page_size: 2, page_token };
            let page =
                world.client.clone().list_devices(as_caller(&admin, request)).await.unwrap().into_inner();
            seen.extend(page.devices.into_iter().map(|device| device.id));
            (page_token, pages) = (page.next_page_token, pages + 1);
            if page_token.is_empty() {
                break;
            }
        }
        assert_eq!((seen, pages), (expected, 3));
    })
    .await;
}
