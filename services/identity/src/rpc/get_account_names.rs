//! `GetAccountNames`: what colleagues call each other. Ids stand in histories; people want names.

use std::collections::BTreeSet;

use mpp_kit::{
    caller::{Caller, CallerKind},
    check::Checker,
};
use mpp_proto::identity::v1::{AccountName, GetAccountNamesRequest, GetAccountNamesResponse};
use tonic::Response;

use super::Core;
use crate::{
    domain::{AccountId, grant::meet},
    error::Error,
    store,
};

/// Accounts that are named in one answer: the length of a history.
const MOST: usize = 100;

pub(super) async fn handle(
    core: &Core,
    caller: &Caller,
    request: GetAccountNamesRequest,
) -> Result<Response<GetAccountNamesResponse>, Error> {
    let mut checker = Checker::new();
    if request.accounts.len() > MOST {
        checker.violation(
            "accounts",
            "TOO_MANY",
            format!("sebutkan paling banyak {MOST} akun"),
            format!("name at most {MOST} accounts"),
        );
    }
    let ids: BTreeSet<AccountId> = request
        .accounts
        .iter()
        .take(MOST)
        .enumerate()
        .filter_map(|(at, id)| checker.id(&format!("accounts[{at}]"), id))
        .collect();
    checker.finish()?;
    let own = match caller.kind {
        CallerKind::System => None,
        CallerKind::Staff => {
            let id = caller.id.parse().map_err(|_| Error::NotPermitted)?;
            let account = store::account::find(&core.db.read, id).await?;
            Some(account.filter(|account| account.disabled_at.is_none()).ok_or(Error::NotPermitted)?)
        }
        CallerKind::Device | CallerKind::Anonymous => return Err(Error::NotPermitted),
    };
    let now = core.now();
    let names = store::account::of_ids(&core.db.read, &ids)
        .await?
        .into_iter()
        .filter(|account| {
            own.as_ref().is_none_or(|own| own.id == account.id || meet(&own.grants, &account.grants, now))
        })
        .map(|account| AccountName { account: account.id.to_string(), display_name: account.display_name })
        .collect();
    Ok(Response::new(GetAccountNamesResponse { names }))
}
