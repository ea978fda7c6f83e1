//! `GetCurrentSession`: who the caller is, and everything it may do now.

use std::collections::BTreeSet;

use mpp_kit::caller::Caller;
use mpp_proto::identity::v1::{
    GetCurrentSessionRequest, GetCurrentSessionResponse, get_current_session_response::Principal,
};
use tonic::Response;

use super::{Core, Owner, convert};
use crate::{
    domain::{
        grant::{self, Grant},
        role::Role,
    },
    error::Error,
};

pub(super) async fn handle(
    core: &Core,
    caller: &Caller,
    _request: GetCurrentSessionRequest,
) -> Result<Response<GetCurrentSessionResponse>, Error> {
    let Some(session) = core.session(&core.db.read, caller).await? else {
        let permissions = names(Role::Admin.permissions().iter());
        return Ok(Response::new(GetCurrentSessionResponse { principal: None, permissions }));
    };
    let owner = Owner::of(&core.db.read, &session).await?.ok_or(Error::SessionEnded)?;
    let (principal, permissions) = match &owner {
        Owner::Staff(account) => {
            (Principal::Account(convert::account(account)), permitted(core, &account.grants))
        }
        Owner::Device(device) => {
            (Principal::Device(convert::device(device)), permitted(core, &[device.kind.grant(device.hall)]))
        }
    };
    Ok(Response::new(GetCurrentSessionResponse { principal: Some(principal), permissions }))
}

fn permitted(core: &Core, grants: &[Grant]) -> Vec<String> {
    names(grant::holding(grants, core.now()).0.into_iter().flat_map(|grant| grant.role.permissions()))
}

/// The names, each once, in alphabetical order.
fn names<'a>(permissions: impl Iterator<Item = &'a crate::domain::role::Permission>) -> Vec<String> {
    let names: BTreeSet<&str> = permissions.map(|permission| permission.name()).collect();
    names.into_iter().map(str::to_owned).collect()
}
