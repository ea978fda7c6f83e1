//! What the contract calls audited leaves an entry in the journal.

use mpp_proto::identity::v1 as proto;

use crate::harness::{PASSWORD, World, as_caller, grant, hall, on_both};

#[tokio::test]
async fn every_audited_rpc_leaves_an_entry() {
    on_both(async |world: World| {
        world.audit.begin();
        world.account("ani", vec![grant(proto::Role::Counter)]).await;
        let ani = world.sign_in("ani", PASSWORD).await.unwrap();
        let end = proto::DeleteCurrentSessionRequest::default();
        world.client.clone().delete_current_session(as_caller(&ani.token, end)).await.unwrap();
        world.disable("ani").await;
        let enrolled = world.enrol(proto::DeviceKind::Kiosk, &hall()).await;
        world.sign_in_device(&enrolled.device_key).await.unwrap();
        let device = enrolled.device.unwrap().id;
        let revoke = proto::RevokeDeviceRequest { request_id: String::new(), device };
        let system = world.system().await;
        world.client.clone().revoke_device(as_caller(&system, revoke)).await.unwrap();
        assert_eq!(
            world.audit.table(),
            "CreateAccount: account.created\n\
             CreateDeviceSession: session.created\n\
             CreateSession: session.created\n\
             DeleteCurrentSession: session.ended\n\
             DisableAccount: account.disabled\n\
             EnrolDevice: device.enrolled\n\
             RevokeDevice: device.revoked\n"
        );
    })
    .await;
}
