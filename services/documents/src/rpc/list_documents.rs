//! `ListDocuments`: issued documents within the caller's reach, oldest change first, for those who poll; or the newest first,
//! or those with a number or code, for those who look. Each page is recorded.

use std::collections::BTreeMap;

use mpp_kit::caller::Caller;
use mpp_kit::page::{PageToken, cut, page_size};
use mpp_proto::documents::v1::{ListDocumentsRequest, ListDocumentsResponse};
use serde_json::json;
use tonic::Response;

use super::access::Areas;
use super::{Core, convert};
use crate::domain::calendar::TimeZone;
use crate::domain::code;
use crate::error::Error;
use crate::store;
use crate::store::document::{Find, Wanted};

pub(super) async fn handle(
    core: &Core,
    caller: &Caller,
    request: ListDocumentsRequest,
) -> Result<Response<ListDocumentsResponse>, Error> {
    let size = page_size(request.page_size, 50, 200)?;
    let find = request.find.trim();
    let filter =
        format!("documents of {} {} {} {find}", caller.id, request.letter_type, request.newest_first);
    let from = PageToken::decode(&request.page_token, &filter)?.and_then(|seq| seq.parse().ok());
    let areas = Areas::of(caller, "documents.read");
    let code = code::normalise(find);
    let (db, cipher) = (&core.db.read, &core.cipher);
    let wanted = Wanted {
        areas: areas.bounds(),
        letter_type: Some(request.letter_type.as_str()).filter(|key| !key.is_empty()),
        find: match (find, &code) {
            ("", _) => None,
            (_, Some(code)) => Some(Find::Code(code)),
            (number, None) => Some(Find::Number(number)),
        },
        newest_first: request.newest_first,
        from,
        limit: u64::from(size) + 1,
    };
    let mut found = match areas.bounds() {
        Some([]) => Vec::new(),
        _ => store::document::list(db, cipher, &wanted).await?,
    };
    let next_page_token = cut(&mut found, size, &filter, |last| last.changed.to_string());
    let ids: Vec<_> = found.iter().map(|document| document.id).collect();
    let files = store::document::files_of(db, &ids).await?;
    // Whether one is over goes by the date of its office.
    let mut zones = BTreeMap::new();
    let mut documents = Vec::with_capacity(found.len());
    for document in &found {
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
        let latest = files.get(&document.id.to_string()).cloned().unwrap_or_default();
        documents.push(convert::document(document, latest, today));
    }
    let by = match (find, &code) {
        ("", _) => "",
        (_, Some(_)) => "CODE",
        (_, None) => "NUMBER",
    };
    let asked = json!({ "letterType": request.letter_type, "by": by, "newestFirst": request.newest_first });
    core.listed((&caller.id, "documents"), asked, documents.len()).await?;
    Ok(Response::new(ListDocumentsResponse { documents, next_page_token }))
}
