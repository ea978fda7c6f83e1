//! `ListOffices`: the offices that issue documents, by area. Of those who sign, only what every letter shows.

use mpp_kit::caller::Caller;
use mpp_kit::page::{PageToken, cut, page_size};
use mpp_proto::documents::v1::{ListOfficesRequest, ListOfficesResponse};
use tonic::Response;

use super::{Core, convert};
use crate::error::Error;
use crate::store;

const FILTER: &str = "offices";

pub(super) async fn handle(
    core: &Core,
    _: &Caller,
    request: ListOfficesRequest,
) -> Result<Response<ListOfficesResponse>, Error> {
    let size = page_size(request.page_size, 50, 200)?;
    let after = PageToken::decode(&request.page_token, FILTER)?;
    let limit = u64::from(size) + 1;
    let mut found = store::office::list(&core.db.read, &core.cipher, after.as_deref(), limit).await?;
    let next_page_token = cut(&mut found, size, FILTER, |last| last.area.to_string());
    Ok(Response::new(ListOfficesResponse {
        next_page_token,
        offices: found.iter().map(convert::public_office).collect(),
    }))
}
