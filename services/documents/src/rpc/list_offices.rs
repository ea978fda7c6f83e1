//! `ListOffices`: the offices that issue documents, by area. Of those who sign, only what every letter shows.

use mpp_kit::caller::Caller;
use mpp_kit::page::{PageToken, cut, page_size};
use mpp_proto::documents::v1::{self as proto, ListOfficesRequest, ListOfficesResponse};
use tonic::Response;

use super::{Core, convert};
use crate::domain::office::Office;
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
    let areas: Vec<&str> = found.iter().map(|office| office.area.as_str()).collect();
    let arms = store::arms::of_each(&core.db.read, &areas).await?;
    let told = |office: &Office| proto::Office {
        coat_of_arms: arms.get(office.area.as_str()).map(convert::coat_of_arms),
        ..convert::public_office(office)
    };
    Ok(Response::new(ListOfficesResponse { next_page_token, offices: found.iter().map(told).collect() }))
}
