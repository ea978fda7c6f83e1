//! `ListAccounts`: by username, those the caller administers.

use mpp_kit::{
    caller::Caller,
    page::{PageToken, cut, page_size},
};
use mpp_proto::identity::v1::{ListAccountsRequest, ListAccountsResponse};
use tonic::Response;

use super::{Core, convert};
use crate::{error::Error, store};

pub(super) async fn handle(
    core: &Core,
    caller: &Caller,
    request: ListAccountsRequest,
) -> Result<Response<ListAccountsResponse>, Error> {
    let size = page_size(request.page_size, 50, 200)?;
    let filter = format!("accounts of {}", caller.id);
    let after = PageToken::decode(&request.page_token, &filter)?;
    let authority = core.authority(&core.db.read, caller).await?;
    let reach = authority.reach();
    let limit = u64::from(size) + 1;
    let mut accounts = store::account::list(&core.db.read, reach.as_deref(), after.as_deref(), limit).await?;
    let next_page_token = cut(&mut accounts, size, &filter, |last| last.username.clone());
    Ok(Response::new(ListAccountsResponse {
        next_page_token,
        accounts: accounts.iter().map(convert::account).collect(),
    }))
}
