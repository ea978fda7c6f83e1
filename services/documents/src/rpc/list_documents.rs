//! `ListDocuments`: issued documents within the caller's reach, oldest change first, for those who poll.

use std::collections::BTreeMap;

use mpp_kit::caller::Caller;
use mpp_kit::page::{PageToken, cut, page_size};
use mpp_proto::documents::v1::{ListDocumentsRequest, ListDocumentsResponse};
use tonic::Response;

use super::access::Areas;
use super::{Core, convert};
use crate::domain::calendar::TimeZone;
use crate::error::Error;
use crate::store;

pub(super) async fn handle(
    core: &Core,
    caller: &Caller,
    request: ListDocumentsRequest,
) -> Result<Response<ListDocumentsResponse>, Error> {
    let size = page_size(request.page_size, 50, 200)?;
    let filter = format!("documents of {} {}", caller.id, request.letter_type);
    let after =
        PageToken::decode(&request.page_token, &filter)?.and_then(|seq| seq.parse().ok()).unwrap_or(0);
    let areas = Areas::of(caller, "documents.read");
    let only = Some(request.letter_type.as_str()).filter(|key| !key.is_empty());
    let (db, cipher) = (&core.db.read, &core.cipher);
    let mut found = match areas.bounds() {
        Some([]) => Vec::new(),
        bounds => store::document::list(db, cipher, bounds, only, after, u64::from(size) + 1).await?,
    };
    let next_page_token = cut(&mut found, size, &filter, |last| last.changed.to_string());
    // Whether one is over goes by the date of its office.
    let mut zones = BTreeMap::new();
    let mut documents = Vec::with_capacity(found.len());
    for document in &found {
        let revisions = store::document::revisions(db, document.id).await?;
        let sha256 = revisions.last().map(|revision| revision.sha256.clone()).unwrap_or_default();
        let zone = match zones.get(&document.office) {
            Some(zone) => *zone,
            None => {
                let office = store::office::find(db, cipher, document.office).await?;
                let zone = office.map_or(TimeZone::Wib, |office| office.zone());
                zones.insert(document.office, zone);
                zone
            }
        };
        let today = zone.local(core.now()).date();
        documents.push(convert::document(document, &sha256, revisions.len(), today));
    }
    Ok(Response::new(ListDocumentsResponse { documents, next_page_token }))
}
