//! `ListLetterTypes`: what can be applied for, by key.

use mpp_kit::caller::Caller;
use mpp_kit::page::{PageToken, cut, page_size};
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
    let mut found =
        store::letter_type::published(&core.db.read, after.as_deref(), u64::from(size) + 1).await?;
    let next_page_token = cut(&mut found, size, FILTER, |last| last.key.clone());
    let mut letter_types = Vec::with_capacity(found.len());
    for version in &found {
        match core.types.parsed(version) {
            Ok(letter) => letter_types.push(convert::letter_type(&letter)),
            // An instance that is not updated yet offers the others all the same; its log named this one when it was read.
            Err(Error::LaterRelease { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Response::new(ListLetterTypesResponse { letter_types, next_page_token }))
}
