//! `CreateAccount`: a new member of staff, with grants the caller may give.

use chrono::{DateTime, Utc};
use mpp_kit::{caller::Caller, check::Checker, journal};
use mpp_proto::identity::v1::{CreateAccountRequest, CreateAccountResponse};
use sea_orm::DatabaseTransaction;
use secrecy::SecretString;
use tonic::Response;

use super::{Core, convert, entry, once};
use crate::{
    domain::{
        AccountId,
        account::{self, Account},
        authority::Authority,
        password,
    },
    error::Error,
    store,
};

const METHOD: &str = "mpp.identity.v1.IdentityService/CreateAccount";

pub(super) async fn handle(
    core: &Core,
    caller: &Caller,
    mut request: CreateAccountRequest,
) -> Result<Response<CreateAccountResponse>, Error> {
    let now = core.now();
    let account = parse(&request, now)?;
    // Taken out, so that it is not in the fingerprint: a digest that fast would betray it to whoever reads the table.
    let password = SecretString::from(std::mem::take(&mut request.password));
    let turn = core.hasher.turn().await;
    let password_hash = core.hasher.hash(&turn, password).await?;
    drop(turn);
    let tx = core.db.begin().await?;
    check_may_give(&core.authority(&tx, caller).await?, &account)?;
    let answer = once(&tx, caller, METHOD, (&request, &request.request_id), now, || {
        save(&tx, caller, &account, password_hash, &request.request_id)
    })
    .await?;
    tx.commit().await?;
    Ok(Response::new(answer))
}

fn parse(request: &CreateAccountRequest, now: DateTime<Utc>) -> Result<Account, Error> {
    let mut checker = Checker::new();
    account::check_username("username", &request.username, &mut checker);
    password::check_password("password", &request.password, &request.username, &mut checker);
    let account = Account {
        id: AccountId::generate(),
        username: request.username.clone(),
        display_name: checker.text("display_name", &request.display_name, 1, account::MAX_DISPLAY_NAME),
        disabled_at: None,
        grants: convert::grants(&request.grants, &mut checker),
        created_at: now,
    };
    checker.finish()?;
    Ok(account)
}

fn check_may_give(authority: &Authority, account: &Account) -> Result<(), Error> {
    match account.grants.iter().position(|grant| !authority.may_give(grant)) {
        Some(index) => Err(Error::ExceedsOwn(format!("grants[{index}]"))),
        None => Ok(()),
    }
}

async fn save(
    tx: &DatabaseTransaction,
    caller: &Caller,
    account: &Account,
    password_hash: String,
    request_id: &str,
) -> Result<CreateAccountResponse, Error> {
    store::account::insert(tx, account, password_hash).await.map_err(|error| {
        if store::account::is_username_taken(&error) { Error::UsernameTaken } else { error.into() }
    })?;
    let mut entry = entry(&caller.id, "account.created", account.id, account.created_at);
    entry.detail = summary(account);
    entry.request_id = request_id.to_owned();
    journal::append(tx, &entry).await?;
    Ok(CreateAccountResponse { account: Some(convert::account(account)) })
}

/// The grants, as JSON for the journal.
fn summary(account: &Account) -> String {
    let grants: Vec<serde_json::Value> = account
        .grants
        .iter()
        .map(|grant| {
            serde_json::json!({
                "role": grant.role.to_string(),
                "at": grant.bounds(),
                "from": grant.valid_from,
                "to": grant.valid_to,
            })
        })
        .collect();
    serde_json::json!({ "grants": grants }).to_string()
}
