//! Deny by default: who is not signed in, and who may not administer, gets nowhere.

use std::collections::BTreeSet;

use mpp_identity::domain::role::Permission;
use mpp_kit::auth::{Policies, Policy};
use mpp_proto::identity::v1 as proto;
use tonic::{Code, Request, Status};

use crate::harness::{PASSWORD, World, as_caller, grant, hall, on_both, reason};

fn policies() -> Policies {
    Policies::from_descriptors(mpp_proto::DESCRIPTORS).unwrap()
}

/// Calls every RPC with an empty message, and answers how each ended.
async fn call_all(world: &World, token: Option<&str>) -> Vec<(&'static str, Result<(), Status>)> {
    fn request<T: Default>(token: Option<&str>) -> Request<T> {
        token.map_or_else(|| Request::new(T::default()), |token| as_caller(token, T::default()))
    }
    let mut client = world.client.clone();
    vec![
        ("CreateSession", client.create_session(request(token)).await.map(|_| ())),
        ("CreateDeviceSession", client.create_device_session(request(token)).await.map(|_| ())),
        ("GetCurrentSession", client.get_current_session(request(token)).await.map(|_| ())),
        ("RefreshSession", client.refresh_session(request(token)).await.map(|_| ())),
        ("GetJwks", client.get_jwks(request(token)).await.map(|_| ())),
        ("CreateAccount", client.create_account(request(token)).await.map(|_| ())),
        ("ListAccounts", client.list_accounts(request(token)).await.map(|_| ())),
        ("GetAccountNames", client.get_account_names(request(token)).await.map(|_| ())),
        ("GetRoleHolders", client.get_role_holders(request(token)).await.map(|_| ())),
        ("DisableAccount", client.disable_account(request(token)).await.map(|_| ())),
        ("EnrolDevice", client.enrol_device(request(token)).await.map(|_| ())),
        ("ListDevices", client.list_devices(request(token)).await.map(|_| ())),
        ("RevokeDevice", client.revoke_device(request(token)).await.map(|_| ())),
        // Last, since it ends the session.
        ("DeleteCurrentSession", client.delete_current_session(request(token)).await.map(|_| ())),
    ]
}

#[tokio::test]
async fn every_rpc_that_is_not_public_refuses_who_is_not_signed_in() {
    on_both(async |world: World| {
        let policies = policies();
        let outcomes = call_all(&world, None).await;
        let called: BTreeSet<String> =
            outcomes.iter().map(|(name, _)| format!("/mpp.identity.v1.IdentityService/{name}")).collect();
        let declared =
            policies.iter().map(|(path, _)| path.to_owned()).filter(|path| path.contains(".identity."));
        assert_eq!(
            called,
            declared.collect::<BTreeSet<_>>(),
            "this test must call every RPC of the contract"
        );
        for (name, outcome) in outcomes {
            let policy = policies.get(&format!("/mpp.identity.v1.IdentityService/{name}")).unwrap();
            let refusal = outcome.err().map(|status| reason(&status)).unwrap_or_default();
            assert_eq!(refusal == "TOKEN_MISSING", policy.permission != Policy::PUBLIC, "{name}: {refusal}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_token_of_another_issuer_opens_nothing() {
    on_both(async |world: World| {
        let forged = mpp_kit::testing::Issuer::new().token(
            world.clock.as_ref(),
            "acc_01h455vb4pex5vsknk084sn02q",
            &[(&["identity.manage"], mpp_kit::caller::Scope::default())],
        );
        let outcomes = call_all(&world, Some(&forged)).await;
        for (name, outcome) in outcomes.into_iter().filter(|(name, _)| name.contains("Account")) {
            assert_eq!(reason(&outcome.unwrap_err()), "TOKEN_INVALID", "{name}");
        }
    })
    .await;
}

#[tokio::test]
async fn no_persona_without_identity_manage_administers_anything() {
    on_both(async |world: World| {
        let policies = policies();
        let managing = |name: &str| {
            let policy = policies.get(&format!("/mpp.identity.v1.IdentityService/{name}")).unwrap();
            policy.permission == Permission::IdentityManage.name()
        };
        let mut tokens = Vec::new();
        for number in 1..proto::Role::Admin.into() {
            let role = proto::Role::try_from(number).unwrap();
            let username = format!("persona-{number}");
            world.account(&username, vec![grant(role)]).await;
            tokens.push((role.as_str_name(), world.sign_in(&username, PASSWORD).await.unwrap().token));
        }
        for kind in [proto::DeviceKind::Kiosk, proto::DeviceKind::Board] {
            let key = world.enrol(kind, &hall()).await.device_key;
            tokens.push((kind.as_str_name(), world.sign_in_device(&key).await.unwrap().token));
        }
        assert_eq!(tokens.len(), 10);
        for (persona, token) in tokens {
            let outcomes = call_all(&world, Some(&token)).await;
            let refused: Vec<_> = outcomes.into_iter().filter(|(name, _)| managing(name)).collect();
            assert_eq!(refused.len(), 6);
            for (name, outcome) in refused {
                assert_eq!(outcome.unwrap_err().code(), Code::PermissionDenied, "{persona} {name}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_notification_sender_may_send_and_see_what_became_of_it_and_nothing_else() {
    on_both(async |world: World| {
        let sender = world.staff("pengaduan.kirim", grant(proto::Role::NotificationSender)).await;
        let caller = world.verify(&sender.token).await;
        let policies = policies();
        let of_everybody = [Policy::PUBLIC, Policy::AUTHENTICATED];
        let open: BTreeSet<&str> = policies
            .iter()
            .filter(|(_, policy)| !of_everybody.contains(&policy.permission.as_str()))
            .filter(|(_, policy)| caller.has(&policy.permission))
            .map(|(path, _)| path)
            .collect();
        let expected = [
            "CancelNotification",
            "CreateNotification",
            "GetNotification",
            "ListNotifications",
            "ReportBounce",
        ]
        .map(|name| format!("/mpp.notifications.v1.NotificationsService/{name}"));
        // Whom he sends it to, he asks.
        let holders = "/mpp.identity.v1.IdentityService/GetRoleHolders";
        assert_eq!(open, expected.iter().map(String::as_str).chain([holders]).collect());
    })
    .await;
}

#[tokio::test]
async fn an_account_is_of_a_service_when_all_its_roles_are() {
    on_both(async |world: World| {
        let mut at = 0;
        let mut is_service = async |roles: &[proto::Role]| {
            at += 1;
            let username = format!("akun.{at}");
            world.account(&username, roles.iter().map(|role| grant(*role)).collect()).await;
            let token = world.sign_in(&username, PASSWORD).await.unwrap().token;
            world.verify(&token).await.is_service
        };
        assert!(is_service(&[proto::Role::Integrator]).await);
        assert!(is_service(&[proto::Role::Integrator, proto::Role::NotificationSender]).await);
        assert!(
            !is_service(&[proto::Role::Integrator, proto::Role::LetterEditor]).await,
            "a person holds it too"
        );
        assert!(!is_service(&[proto::Role::Admin]).await, "an administrator may use the interfaces");
        assert!(!world.verify(&world.system().await).await.is_service);
    })
    .await;
}

#[test]
fn the_permissions_of_the_contract_and_of_the_role_table_are_the_same() {
    use strum::IntoEnumIterator as _;

    let policies = policies();
    let contract: BTreeSet<&str> = policies
        .iter()
        .map(|(_, policy)| policy.permission.as_str())
        .filter(|permission| ![Policy::PUBLIC, Policy::AUTHENTICATED].contains(permission))
        .collect();
    // In which role somebody acts in a step of a letter is not a matter of the method but of the step that is loaded.
    // Nor is who files for somebody else, and who inspects: that is of the request and of the case.
    // So are the parts of those who work on cases: an appointment gives them as well, and no token tells of one.
    let of_cases = [
        "complaints.coordinate",
        "complaints.file",
        "complaints.inspect",
        "complaints.reveal",
        "complaints.work",
    ];
    let of_methods = Permission::iter()
        .map(Permission::name)
        .filter(|name| !name.starts_with("documents.act.") && !of_cases.contains(name));
    assert_eq!(contract, of_methods.collect());
}
