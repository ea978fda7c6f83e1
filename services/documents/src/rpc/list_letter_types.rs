//! `ListLetterTypes`: what can be applied for, by key.

use mpp_kit::caller::Caller;
use mpp_kit::page::{PageToken, page_size};
use mpp_proto::documents::v1::{ListLetterTypesRequest, ListLetterTypesResponse};
use tonic::Response;

use super::{Core, convert};
use crate::error::Error;
use crate::store;

const FILTER: &str = "letter types";

pub(super) async fn handle(
    core: &Core,
    _: &Caller,
    request: ListLetterTypesRequest,
) -> Result<Response<ListLetterTypesResponse>, Error> {
    let size = page_size(request.page_size, 50, 200)?;
    let after = PageToken::decode(&request.page_token, FILTER)?;
    // One more than asked for tells whether there is a next page.
    let mut found =
        store::letter_type::published(&core.db.read, after.as_deref(), u64::from(size) + 1).await?;
    let more = found.len() > size as usize;
    found.truncate(size as usize);
    let last = found.last().filter(|_| more);
    let next_page_token = last.map(|last| PageToken::encode(&last.key, FILTER)).unwrap_or_default();
    let letter_types = found
        .iter()
        .map(|version| Ok(convert::letter_type(core.types.parsed(version)?.as_ref())))
        .collect::<Result<_, Error>>()?;
    Ok(Response::new(ListLetterTypesResponse { letter_types, next_page_token }))
}
