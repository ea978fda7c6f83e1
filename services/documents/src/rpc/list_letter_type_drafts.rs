//! `ListLetterTypeDrafts`: what waits to be published, by key.

use mpp_kit::caller::Caller;
use mpp_kit::page::{PageToken, cut, page_size};
use mpp_proto::documents::v1::{LetterTypeDraft, ListLetterTypeDraftsRequest, ListLetterTypeDraftsResponse};
use tonic::Response;

use super::{Core, convert};
use crate::catalogue;
use crate::error::Error;
use crate::store;
use crate::store::letter_type::Version;

const FILTER: &str = "letter type drafts";

pub(super) async fn handle(
    core: &Core,
    _: &Caller,
    request: ListLetterTypeDraftsRequest,
) -> Result<Response<ListLetterTypeDraftsResponse>, Error> {
    let size = page_size(request.page_size, 50, 200)?;
    let after = PageToken::decode(&request.page_token, FILTER)?;
    let mut found = store::letter_type::drafts(&core.db.read, after.as_deref(), u64::from(size) + 1).await?;
    let next_page_token = cut(&mut found, size, FILTER, |last| last.key.clone());
    Ok(Response::new(ListLetterTypeDraftsResponse {
        drafts: found.into_iter().map(draft).collect(),
        next_page_token,
    }))
}

fn draft(version: Version) -> LetterTypeDraft {
    // A draft may have defects; what it will be called is told as soon as it can be read.
    let title = match catalogue::read_definition(&version.definition, &version.template) {
        Ok(letter) => convert::text(&letter.title),
        Err(_) => convert::plain(&version.key),
    };
    LetterTypeDraft {
        version: convert::count(version.version),
        title,
        author: version.author,
        create_time: Some(convert::timestamp(version.created_at)),
        // Versions count up, and each begins as a draft.
        is_new: version.version == 1,
        key: version.key,
    }
}
