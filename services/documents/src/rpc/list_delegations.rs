//! `ListDelegations`: appointments of an office, latest first.

use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_kit::page::{PageToken, cut, page_size};
use mpp_proto::documents::v1::{ListDelegationsRequest, ListDelegationsResponse};
use tonic::Response;

use super::access::Areas;
use super::{Core, convert};
use crate::error::{Error, Thing};
use crate::store;

pub(super) async fn handle(
    core: &Core,
    caller: &Caller,
    request: ListDelegationsRequest,
) -> Result<Response<ListDelegationsResponse>, Error> {
    let size = page_size(request.page_size, 50, 200)?;
    let filter = format!("delegations of {}", request.office);
    let before = PageToken::decode(&request.page_token, &filter)?;
    let mut checker = Checker::new();
    let id = checker.id("office", &request.office);
    checker.finish()?;
    let id = id.ok_or(Error::NotFound(Thing::Office))?;
    let office = store::office::find(&core.db.read, &core.cipher, id).await?;
    let office = office
        .filter(|office| Areas::of(caller, "documents.office").reach(office.area.as_str()))
        .ok_or(Error::NotFound(Thing::Office))?;
    let limit = u64::from(size) + 1;
    let mut found = store::delegation::list(&core.db.read, office.id, before.as_deref(), limit).await?;
    let next_page_token = cut(&mut found, size, &filter, |last| last.id.to_string());
    Ok(Response::new(ListDelegationsResponse {
        next_page_token,
        delegations: found.iter().map(convert::delegation).collect(),
    }))
}
