//! `ListNumbers`: the register of an office, void numbers too.

use chrono::Datelike as _;
use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_kit::page::{PageToken, cut, page_size};
use mpp_proto::documents::v1::{ListNumbersRequest, ListNumbersResponse};
use tonic::Response;

use super::access::Areas;
use super::{Core, convert};
use crate::error::{Error, Thing};
use crate::store;

pub(super) async fn handle(
    core: &Core,
    caller: &Caller,
    request: ListNumbersRequest,
) -> Result<Response<ListNumbersResponse>, Error> {
    let size = page_size(request.page_size, 50, 200)?;
    let mut checker = Checker::new();
    let id = checker.id("office", &request.office);
    if request.year != 0 {
        checker.range("year", request.year, 2000, 2200);
    }
    checker.finish()?;
    let id = id.ok_or(Error::NotFound(Thing::Office))?;
    let office = store::office::find(&core.db.read, &core.cipher, id)
        .await?
        .filter(|office| Areas::of(caller, "documents.read").reach(office.area.as_str()))
        .ok_or(Error::NotFound(Thing::Office))?;
    let year = if request.year == 0 { office.zone().local(core.now()).year() } else { request.year };
    let filter = format!("numbers of {} {year}", request.office);
    let after = PageToken::decode(&request.page_token, &filter)?;
    let after = after.as_deref().and_then(|token| {
        let (seq, series) = token.split_once(' ')?;
        Some((series, seq.parse().ok()?))
    });
    let mut found = store::number::list(&core.db.read, office.id, year, after, u64::from(size) + 1).await?;
    let next_page_token = cut(&mut found, size, &filter, |last| format!("{} {}", last.seq, last.series));
    Ok(Response::new(ListNumbersResponse {
        numbers: found.iter().map(convert::number).collect(),
        next_page_token,
    }))
}
