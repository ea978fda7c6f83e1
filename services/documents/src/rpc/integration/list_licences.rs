//! `ListLicences`: within the caller's reach, oldest change first: a cursor for polling. Each page is recorded.

use mpp_kit::caller::Caller;
use mpp_kit::page::{PageToken, cut, page_size};
use mpp_proto::documents::v1::{ListLicencesRequest, ListLicencesResponse};
use serde_json::json;
use tonic::Response;

use super::super::Core;
use super::{INTEGRATE, licence_message, place, reach};
use crate::error::Error;
use crate::store::licence;

pub(in crate::rpc) async fn handle(
    core: &Core,
    caller: &Caller,
    request: ListLicencesRequest,
) -> Result<Response<ListLicencesResponse>, Error> {
    let size = page_size(request.page_size, 50, 200)?;
    let filter = format!("licences of {} with {}", caller.id, request.nib);
    let after = place(PageToken::decode(&request.page_token, &filter)?).unwrap_or(0);
    let reach = reach(caller, INTEGRATE)?;
    let nib = Some(request.nib.as_str()).filter(|nib| !nib.is_empty());
    let limit = u64::from(size) + 1;
    let mut found = licence::list(&core.db.read, &core.cipher, reach.bounds(), nib, after, limit).await?;
    let next_page_token = cut(&mut found, size, &filter, |last| last.changed.to_string());
    // A NIB names one person where the business is his own: only that one was asked for.
    let asked = json!({ "by": if nib.is_some() { "NIB" } else { "" } });
    core.listed((&caller.id, "licences"), asked, found.len()).await?;
    Ok(Response::new(ListLicencesResponse {
        next_page_token,
        licences: found.iter().map(|licence| licence_message(licence, &[])).collect(),
    }))
}
