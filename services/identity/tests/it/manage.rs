//! Administering accounts: what is refused, what is repeated, and that nobody gives more than they hold.

use chrono::TimeDelta;
use mpp_kit::clock::Clock as _;
use mpp_proto::identity::v1 as proto;
use prost_types::Timestamp;
use tonic::{Code, Status};

use crate::harness::{
    PASSWORD, World, agency, as_caller, details, grant, grant_in, hall, new_account, on_both, reason,
    violations,
};

async fn create(
    world: &World,
    token: &str,
    request: proto::CreateAccountRequest,
) -> Result<proto::Account, Status> {
    let answer = world.client.clone().create_account(as_caller(token, request)).await?;
    Ok(answer.into_inner().account.unwrap())
}

async fn disable(world: &World, token: &str, account: &str) -> Result<proto::Account, Status> {
    let request = proto::DisableAccountRequest { request_id: String::new(), account: account.to_owned() };
    let answer = world.client.clone().disable_account(as_caller(token, request)).await?;
    Ok(answer.into_inner().account.unwrap())
}

async fn usernames(world: &World, token: &str) -> Vec<String> {
    let request = as_caller(token, proto::ListAccountsRequest::default());
    let answer = world.client.clone().list_accounts(request).await.unwrap().into_inner();
    answer.accounts.into_iter().map(|account| account.username).collect()
}

#[tokio::test]
async fn everything_wrong_with_a_new_account_is_told_at_once() {
    on_both(async |world: World| {
        let request = proto::CreateAccountRequest {
            username: "3201010101900001".to_owned(),
            password: "123456789012".to_owned(),
            display_name: "  ".to_owned(),
            grants: vec![proto::Grant { hall_id: "loket".to_owned(), ..proto::Grant::default() }],
            request_id: String::new(),
        };
        let refused = create(&world, &world.system, request).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        let expected = [
            ("display_name", "INVALID_LENGTH"),
            ("grants[0].hall_id", "INVALID_ID"),
            ("grants[0].role", "REQUIRED"),
            ("password", "TOO_COMMON"),
            ("username", "LOOKS_LIKE_NIK"),
        ];
        assert_eq!(violations(&refused), expected.map(|(f, r)| (f.to_owned(), r.to_owned())).into());
        let refused = create(&world, &world.system, new_account("ani", Vec::new())).await.unwrap_err();
        assert_eq!(violations(&refused), [("grants".to_owned(), "INVALID_LENGTH".to_owned())].into());
        assert_eq!(usernames(&world, &world.system).await, [""; 0]);
    })
    .await;
}

#[tokio::test]
async fn a_username_is_given_once() {
    on_both(async |world: World| {
        world.account("ani", vec![grant(proto::Role::Counter)]).await;
        let request = new_account("ani", vec![grant(proto::Role::Analyst)]);
        let refused = create(&world, &world.system, request).await.unwrap_err();
        assert_eq!((refused.code(), &*reason(&refused)), (Code::AlreadyExists, "USERNAME_TAKEN"));
        assert_eq!(world.journal_of("account.created").await.len(), 1, "a refused request leaves nothing");
    })
    .await;
}

#[tokio::test]
async fn a_repeated_request_creates_one_account_and_answers_it_again() {
    on_both(async |world: World| {
        let request = proto::CreateAccountRequest {
            request_id: "create-1".to_owned(),
            ..new_account("ani", vec![grant(proto::Role::Counter)])
        };
        let first = create(&world, &world.system, request.clone()).await.unwrap();
        assert_eq!(create(&world, &world.system, request.clone()).await.unwrap(), first);
        let journal = world.journal_of("account.created").await;
        assert_eq!(
            (journal.len(), &*journal[0].request_id, &*journal[0].subject),
            (1, "create-1", &*first.id)
        );
        let other = proto::CreateAccountRequest { display_name: "Budi".to_owned(), ..request };
        assert_eq!(reason(&create(&world, &world.system, other).await.unwrap_err()), "REQUEST_ID_REUSED");
    })
    .await;
}

/// Twenty at once, as a client with a nervous retry would.
#[tokio::test(flavor = "multi_thread")]
async fn repetitions_at_the_same_moment_create_one_account() {
    on_both(async |world: World| {
        let request = proto::CreateAccountRequest {
            request_id: "create-1".to_owned(),
            ..new_account("ani", vec![grant(proto::Role::Counter)])
        };
        let attempts: Vec<_> = (0..20)
            .map(|_| {
                let (mut client, request) = (world.client.clone(), as_caller(&world.system, request.clone()));
                tokio::spawn(async move { client.create_account(request).await.unwrap().into_inner() })
            })
            .collect();
        let mut answers = Vec::new();
        for attempt in attempts {
            answers.push(attempt.await.unwrap());
        }
        assert!(answers.windows(2).all(|pair| pair[0] == pair[1]));
        assert_eq!(usernames(&world, &world.system).await, ["ani"]);
    })
    .await;
}

#[tokio::test]
async fn an_administrator_of_one_hall_gives_nothing_outside_it_and_nothing_it_does_not_hold() {
    on_both(async |world: World| {
        let (own, other) = (hall(), hall());
        let admin = world.staff("admin-satu", grant_in(proto::Role::Admin, &own)).await.token;
        for number in 1..=proto::Role::Admin.into() {
            let role = proto::Role::try_from(number).unwrap();
            for (place, outside) in [("lain", grant_in(role, &other)), ("semua", grant(role))] {
                let request = new_account(&format!("{place}-{number}"), vec![grant_in(role, &own), outside]);
                let refused = create(&world, &admin, request).await.unwrap_err();
                assert_eq!(
                    (refused.code(), &*reason(&refused)),
                    (Code::PermissionDenied, "GRANT_EXCEEDS_OWN"),
                    "{role:?}"
                );
                assert_eq!(details(&refused).error_info().unwrap().metadata["field"], "grants[1]");
            }
            create(&world, &admin, new_account(&format!("sini-{number}"), vec![grant_in(role, &own)]))
                .await
                .unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn an_administrator_for_a_time_gives_nothing_for_longer() {
    on_both(async |world: World| {
        let end = world.clock.now() + TimeDelta::days(7);
        let until = |at: chrono::DateTime<chrono::Utc>| Some(Timestamp { seconds: at.timestamp(), nanos: 0 });
        let admin = proto::Grant { valid_to: until(end), ..grant(proto::Role::Admin) };
        let admin = world.staff("admin-sementara", admin).await.token;
        for (username, valid_to, permitted) in [
            ("sama", until(end), true),
            ("lebih", until(end + TimeDelta::seconds(1)), false),
            ("selamanya", None, false),
        ] {
            let request =
                new_account(username, vec![proto::Grant { valid_to, ..grant(proto::Role::Counter) }]);
            assert_eq!(create(&world, &admin, request).await.is_ok(), permitted, "{username}");
        }
    })
    .await;
}

/// Its token lives on for minutes; it must not be used to leave an account behind.
#[tokio::test]
async fn a_disabled_administrator_administers_nothing_with_a_token_that_still_lives() {
    on_both(async |world: World| {
        let admin = world.staff("admin", grant(proto::Role::Admin)).await.token;
        world.disable("admin").await;
        assert!(world.verify(&admin).await.has("identity.manage"));
        let refused =
            create(&world, &admin, new_account("pintu-belakang", vec![grant(proto::Role::Admin)])).await;
        assert_eq!(refused.unwrap_err().code(), Code::PermissionDenied);
        let request = as_caller(&admin, proto::ListAccountsRequest::default());
        assert_eq!(
            world.client.clone().list_accounts(request).await.unwrap_err().code(),
            Code::PermissionDenied
        );
    })
    .await;
}

#[tokio::test]
async fn an_administrator_sees_and_disables_only_accounts_that_lie_wholly_within_its_scope() {
    on_both(async |world: World| {
        let (own, other, agency_id) = (hall(), hall(), agency());
        let in_agency =
            |role, hall: &str| proto::Grant { agency_id: agency_id.clone(), ..grant_in(role, hall) };
        world.account("di-dinas", vec![in_agency(proto::Role::Counter, &own)]).await;
        world.account("di-aula", vec![grant_in(proto::Role::Counter, &own)]).await;
        world
            .account(
                "di-dua-aula",
                vec![grant_in(proto::Role::Counter, &own), grant_in(proto::Role::Counter, &other)],
            )
            .await;
        let elsewhere = world.account("di-lain", vec![grant_in(proto::Role::Counter, &other)]).await;
        world.account("di-mana-pun", vec![grant(proto::Role::Admin)]).await;
        world
            .account(
                "dinas-mana-pun",
                vec![proto::Grant { agency_id: agency_id.clone(), ..grant(proto::Role::Counter) }],
            )
            .await;

        let of_hall = world.staff("z-aula", grant_in(proto::Role::Admin, &own)).await.token;
        assert_eq!(usernames(&world, &of_hall).await, ["di-aula", "di-dinas", "z-aula"]);
        let of_agency = world.staff("z-dinas", in_agency(proto::Role::Admin, &own)).await.token;
        assert_eq!(usernames(&world, &of_agency).await, ["di-dinas", "z-dinas"]);
        let of_all = world.staff("z-semua", grant(proto::Role::Admin)).await.token;
        assert_eq!(usernames(&world, &of_all).await.len(), 9);
        world
            .account("z-dua", vec![in_agency(proto::Role::Admin, &own), grant_in(proto::Role::Admin, &other)])
            .await;
        let of_two = world.sign_in("z-dua", PASSWORD).await.unwrap().token;
        assert_eq!(usernames(&world, &of_two).await, ["di-dinas", "di-lain", "z-dinas", "z-dua"]);

        for outside in ["di-dua-aula", "di-lain", "di-mana-pun", "dinas-mana-pun", "tidak-ada", &elsewhere.id]
        {
            let refused = disable(&world, &of_hall, outside).await.unwrap_err();
            assert_eq!(refused.code(), Code::NotFound, "{outside}");
        }
        assert!(disable(&world, &of_hall, "di-dinas").await.unwrap().disabled);
        assert!(disable(&world, &of_two, &elsewhere.id).await.unwrap().disabled, "by id");
    })
    .await;
}

#[tokio::test]
async fn disabling_again_is_no_error_and_leaves_one_entry() {
    on_both(async |world: World| {
        let account = world.account("ani", vec![grant(proto::Role::Counter)]).await;
        for _ in 0..2 {
            assert!(disable(&world, &world.system, &account.id).await.unwrap().disabled);
        }
        assert_eq!(world.journal_of("account.disabled").await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn accounts_come_in_pages_by_username_and_a_page_token_belongs_to_its_caller() {
    on_both(async |world: World| {
        for username in ["c.c", "a_a", "b-b", "a-a", "abc"] {
            world.account(username, vec![grant(proto::Role::Counter)]).await;
        }
        let admin = world.staff("admin", grant(proto::Role::Admin)).await.token;
        let page = |page_size, page_token: &str, token: &str| {
            let request = proto::ListAccountsRequest { page_size, page_token: page_token.to_owned() };
            let (mut client, request) = (world.client.clone(), as_caller(token, request));
            async move { client.list_accounts(request).await.map(tonic::Response::into_inner) }
        };
        let (mut seen, mut token, mut sizes) = (Vec::new(), String::new(), Vec::new());
        loop {
            let answer = page(4, &token, &admin).await.unwrap();
            sizes.push(answer.accounts.len());
            seen.extend(answer.accounts.into_iter().map(|account| account.username));
            token = answer.next_page_token;
            if token.is_empty() {
                break;
            }
            let stolen = page(4, &token, &world.system).await.unwrap_err();
            assert_eq!(
                violations(&stolen),
                [("page_token".to_owned(), "INVALID_PAGE_TOKEN".to_owned())].into()
            );
        }
        assert_eq!(seen, ["a-a", "a_a", "abc", "admin", "b-b", "c.c"], "by bytes, on both engines");
        assert_eq!(sizes, [4, 2]);
        assert_eq!(page(-1, "", &admin).await.unwrap_err().code(), Code::InvalidArgument);
    })
    .await;
}

#[tokio::test]
async fn every_audited_rpc_leaves_an_entry_and_the_chain_is_sound() {
    on_both(async |world: World| {
        let ani = world.staff("ani", grant(proto::Role::Counter)).await;
        let device = world.enrol(proto::DeviceKind::Kiosk, &hall()).await;
        world.sign_in_device(&device.device_key).await.unwrap();
        let request = proto::DeleteCurrentSessionRequest::default();
        world.client.clone().delete_current_session(as_caller(&ani.token, request)).await.unwrap();
        let request =
            proto::RevokeDeviceRequest { request_id: String::new(), device: device.device.unwrap().id };
        world.client.clone().revoke_device(as_caller(&world.system, request)).await.unwrap();
        world.disable("ani").await;
        let journal = world.journal().await;
        let what: Vec<&str> = journal.iter().map(|entry| entry.what.as_str()).collect();
        assert_eq!(
            what,
            [
                "signing_key.activated",
                "account.created",
                "session.created",
                "device.enrolled",
                "session.created",
                "session.ended",
                "device.revoked",
                "account.disabled",
            ]
        );
        let everything = format!("{journal:?}");
        for personal in ["ani", "Ani Wijaya", PASSWORD, "Kiosk pintu"] {
            assert!(!everything.contains(personal), "{personal} stands in the journal");
        }
    })
    .await;
}

#[tokio::test]
async fn who_tells_people_learns_who_holds_a_role_where_something_waits() {
    on_both(async |world: World| {
        let area = |role, area: &str| proto::Grant { area: area.to_owned(), ..grant(role) };
        let start = world.clock.now().timestamp();
        let at = |days: i64| Some(Timestamp { seconds: start + days * 86_400, nanos: 0 });
        let rt = "17.07.05.2003/002/005";
        let mut ids = Vec::new();
        for (username, own) in [
            ("rt.005", vec![area(proto::Role::RtHead, rt)]),
            // Of another RT, and of this one too.
            (
                "rt.004",
                vec![area(proto::Role::RtHead, "17.07.05.2003/002/004"), area(proto::Role::RtHead, rt)],
            ),
            // Of all of the RW.
            ("rt.semua", vec![area(proto::Role::RtHead, "17.07.05.2003/002")]),
            ("rt.050", vec![area(proto::Role::RtHead, "17.07.05.2003/002/050")]),
            ("rw.002", vec![area(proto::Role::RwHead, "17.07.05.2003/002")]),
            ("rt.lama", vec![proto::Grant { valid_to: at(0), ..area(proto::Role::RtHead, rt) }]),
            ("rt.baru", vec![proto::Grant { valid_from: at(1), ..area(proto::Role::RtHead, rt) }]),
            ("rt.pergi", vec![area(proto::Role::RtHead, rt)]),
        ] {
            ids.push(world.account(username, own).await.id);
        }
        world.disable(&ids[7]).await;
        let sender = world.staff("kirim", grant(proto::Role::NotificationSender)).await;
        let holders = async |token: &str, role: proto::Role, area: &str| {
            let request = proto::GetRoleHoldersRequest { role: role.into(), area: area.to_owned() };
            let answer = world.client.clone().get_role_holders(as_caller(token, request)).await?;
            Ok::<_, Status>(answer.into_inner().accounts)
        };
        let sorted = |which: &[usize]| {
            let mut found: Vec<String> = which.iter().map(|at| ids[*at].clone()).collect();
            found.sort();
            found
        };
        assert_eq!(holders(&sender.token, proto::Role::RtHead, rt).await.unwrap(), sorted(&[0, 1, 2]));
        assert_eq!(
            holders(&sender.token, proto::Role::RwHead, "17.07.05.2003/002").await.unwrap(),
            sorted(&[4])
        );
        assert_eq!(holders(&sender.token, proto::Role::RtHead, "17.07.05.2004").await.unwrap(), [""; 0]);
        world.advance(TimeDelta::days(2));
        let sender = world.sign_in("kirim", PASSWORD).await.unwrap();
        assert_eq!(holders(&sender.token, proto::Role::RtHead, rt).await.unwrap(), sorted(&[0, 1, 2, 6]));
        let refused = holders(&sender.token, proto::Role::Unspecified, "RT 5").await.unwrap_err();
        let named = [("role", "REQUIRED"), ("area", "INVALID_AREA")];
        assert_eq!(
            violations(&refused),
            named.map(|(field, reason)| (field.to_owned(), reason.to_owned())).into()
        );
        // Nobody else is told who sits where.
        let token = world.sign_in("rw.002", PASSWORD).await.unwrap().token;
        let refused = holders(&token, proto::Role::RtHead, rt).await.unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied);
    })
    .await;
}

#[tokio::test]
async fn colleagues_know_each_others_names_and_strangers_do_not() {
    on_both(async |world: World| {
        let area = |role, area: &str| proto::Grant { area: area.to_owned(), ..grant(role) };
        let mut ids = Vec::new();
        for (username, own) in [
            ("kades", area(proto::Role::VillageHead, "17.07.05.2003")),
            ("rt.005", area(proto::Role::RtHead, "17.07.05.2003/002/005")),
            ("camat", area(proto::Role::SubDistrictHead, "17.07.05")),
            ("tetangga", area(proto::Role::VillageHead, "17.07.05.2004")),
            ("loket", grant_in(proto::Role::Counter, &hall())),
        ] {
            ids.push(world.account(username, vec![own]).await.id);
        }
        let names = async |username: &str, accounts: &[String]| {
            let token = world.sign_in(username, PASSWORD).await.unwrap().token;
            let request = proto::GetAccountNamesRequest { accounts: accounts.to_vec() };
            let answer = world.client.clone().get_account_names(as_caller(&token, request)).await?;
            Ok::<_, Status>(answer.into_inner().names.into_iter().map(|it| it.account).collect::<Vec<_>>())
        };
        let sorted = |which: &[usize]| {
            let mut found: Vec<String> = which.iter().map(|at| ids[*at].clone()).collect();
            found.sort();
            found
        };
        assert_eq!(names("kades", &ids).await.unwrap(), sorted(&[0, 1, 2]));
        assert_eq!(names("rt.005", &ids).await.unwrap(), sorted(&[0, 1, 2]));
        assert_eq!(names("camat", &ids).await.unwrap(), sorted(&[0, 1, 2, 3]));
        assert_eq!(names("loket", &ids).await.unwrap(), sorted(&[4]));
        // Only those that were asked for.
        assert_eq!(names("camat", &ids[3..4]).await.unwrap(), sorted(&[3]));
        assert_eq!(names("camat", &[]).await.unwrap(), [""; 0]);
        let refused = names("camat", &["doc_x".to_owned()]).await.unwrap_err();
        assert_eq!(violations(&refused), [("accounts[0]".to_owned(), "INVALID_ID".to_owned())].into());
        let refused = names("camat", &vec![ids[0].clone(); 101]).await.unwrap_err();
        assert_eq!(violations(&refused), [("accounts".to_owned(), "TOO_MANY".to_owned())].into());
        // Who has left is still named in what he did.
        world.disable(&ids[0]).await;
        assert_eq!(names("camat", &ids).await.unwrap(), sorted(&[0, 1, 2, 3]));
        let request = proto::GetAccountNamesRequest { accounts: ids.clone() };
        let refused = world.client.clone().get_account_names(request).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unauthenticated);
    })
    .await;
}
