//! `ListMessageTypes`: those that ship with the suite, by key.

use mpp_kit::caller::Caller;
use mpp_kit::page::{PageToken, cut, page_size};
use mpp_proto::notifications::v1::{ListMessageTypesRequest, ListMessageTypesResponse};

use super::{Core, convert};
use crate::error::Error;

const FILTER: &str = "message types";

pub(super) async fn handle(
    core: &Core,
    _: &Caller,
    request: ListMessageTypesRequest,
) -> Result<ListMessageTypesResponse, Error> {
    let size = page_size(request.page_size, 50, 200)?;
    let after = PageToken::decode(&request.page_token, FILTER)?;
    let mut found: Vec<_> = core
        .catalogue
        .all()
        .iter()
        .map(|shipped| &shipped.kind)
        .filter(|kind| after.as_ref().is_none_or(|after| kind.key > *after))
        .take(size as usize + 1)
        .collect();
    let next_page_token = cut(&mut found, size, FILTER, |last| last.key.clone());
    let message_types = found.into_iter().map(convert::message_type).collect();
    Ok(ListMessageTypesResponse { message_types, next_page_token })
}
