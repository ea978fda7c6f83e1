//! `DisableAccount`: the account may no longer sign in, and its sessions end.

use mpp_kit::{caller::Caller, journal};
use mpp_proto::identity::v1::{DisableAccountRequest, DisableAccountResponse};
use sea_orm::DatabaseTransaction;
use tonic::Response;

use super::{Core, convert, entry, once};
use crate::{
    domain::{
        AccountId,
        account::{Account, normalise_username},
        authority::Authority,
        session::Principal,
    },
    error::Error,
    store,
};

const METHOD: &str = "mpp.identity.v1.IdentityService/DisableAccount";

pub(super) async fn handle(
    core: &Core,
    caller: &Caller,
    request: DisableAccountRequest,
) -> Result<Response<DisableAccountResponse>, Error> {
    let now = core.now();
    let tx = core.db.begin().await?;
    let authority = core.authority(&tx, caller).await?;
    let answer = once(&tx, caller, METHOD, (&request, &request.request_id), now, || async {
        let mut account = load(&tx, &authority, &request.account).await?;
        if store::account::disable(&tx, account.id, now).await? {
            account.disabled_at = Some(now);
            let ended = store::session::end_all(&tx, Principal::Staff(account.id), now).await?;
            let mut entry = entry(&caller.id, "account.disabled", account.id, now);
            entry.detail = format!(r#"{{"sessionsEnded":{ended}}}"#);
            entry.request_id.clone_from(&request.request_id);
            journal::append(&tx, &entry).await?;
        }
        Ok(DisableAccountResponse { account: Some(convert::account(&account)) })
    })
    .await?;
    tx.commit().await?;
    Ok(Response::new(answer))
}

/// The account by id or username. One outside what the caller administers is as good as none.
async fn load(tx: &DatabaseTransaction, authority: &Authority, named: &str) -> Result<Account, Error> {
    let account = match named.parse::<AccountId>() {
        Ok(id) => store::account::find(tx, id).await?,
        Err(_) => store::account::find_by_username(tx, &normalise_username(named)).await?,
    };
    account.filter(|account| authority.may_manage(&account.grants)).ok_or(Error::AccountNotFound)
}
