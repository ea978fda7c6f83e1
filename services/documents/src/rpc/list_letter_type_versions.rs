//! `ListLetterTypeVersions`: every version of a type as it was written, newest first.

use mpp_kit::caller::Caller;
use mpp_kit::page::{PageToken, cut, page_size};
use mpp_proto::documents::v1::{ListLetterTypeVersionsRequest, ListLetterTypeVersionsResponse};
use tonic::Response;

use super::{Core, convert};
use crate::error::{Error, Thing};
use crate::store;

pub(super) async fn handle(
    core: &Core,
    _: &Caller,
    request: ListLetterTypeVersionsRequest,
) -> Result<Response<ListLetterTypeVersionsResponse>, Error> {
    let size = page_size(request.page_size, 20, 50)?;
    let filter = format!("versions of {}", request.letter_type);
    let token = PageToken::decode(&request.page_token, &filter)?;
    // As wide as the column, whatever somebody wrote into the token.
    let before = token.and_then(|version| version.parse::<i32>().ok()?.try_into().ok());
    let key = &request.letter_type;
    let mut found = store::letter_type::versions(&core.db.read, key, before, u64::from(size) + 1).await?;
    if found.is_empty() && before.is_none() {
        return Err(Error::NotFound(Thing::LetterType));
    }
    let next_page_token = cut(&mut found, size, &filter, |last| last.version.to_string());
    Ok(Response::new(ListLetterTypeVersionsResponse {
        next_page_token,
        versions: found.into_iter().map(convert::letter_type_version).collect(),
    }))
}
