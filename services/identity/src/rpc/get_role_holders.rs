//! `GetRoleHolders`: who is told of what waits at a desk. A service knows the role and the area of the desk, and asks who
//! sits there now; how they are reached, notifications knows.

use mpp_kit::{
    caller::{Areas, Caller},
    check::Checker,
    fault::Problem,
};
use mpp_proto::identity::v1::{GetRoleHoldersRequest, GetRoleHoldersResponse};
use tonic::Response;

use super::{Core, convert};
use crate::{
    domain::{grant::Area, role::Permission},
    error::Error,
    store,
};

/// Holders of one desk in one answer: an RT has one head, and now and then a deputy.
const MOST: usize = 50;

pub(super) async fn handle(
    core: &Core,
    caller: &Caller,
    request: GetRoleHoldersRequest,
) -> Result<Response<GetRoleHoldersResponse>, Error> {
    let mut checker = Checker::new();
    let role = convert::role("role", request.role, &mut checker);
    let area: Option<Area> = request.area.parse().ok();
    if area.is_none() {
        checker.violation(
            "area",
            "INVALID_AREA",
            "isi kode wilayah seperti 17.07.05.2003, dengan RW dan RT seperti 17.07.05.2003/002/005",
            "give the code of a region such as 17.07.05.2003, with RW and RT as in 17.07.05.2003/002/005",
        );
    }
    checker.finish()?;
    let (Some(role), Some(area)) = (role, area) else {
        return Err(anyhow::anyhow!("the checker let an empty field pass").into());
    };
    if !Areas::of(caller, Permission::NotificationsSend.name()).reach(&request.area) {
        return Err(Problem::denied().into());
    }
    let around = area.around();
    let now = core.now();
    let held = |account: &crate::domain::account::Account| {
        account.grants.iter().any(|grant| {
            let here = grant.area.as_ref().is_none_or(|area| around.contains(area));
            grant.role == role && here && grant.holds_at(now)
        })
    };
    let mut accounts = store::account::with_role(&core.db.read, role, &around).await?;
    accounts.retain(held);
    accounts.truncate(MOST);
    let accounts = accounts.into_iter().map(|account| account.id.to_string()).collect();
    Ok(Response::new(GetRoleHoldersResponse { accounts }))
}
