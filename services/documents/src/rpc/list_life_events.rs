//! `ListLifeEvents`: two choices from what happened in a life to what to apply for.

use std::collections::BTreeSet;

use mpp_kit::caller::Caller;
use mpp_kit::page::{PageToken, page_size};
use mpp_proto::documents::v1::{ListLifeEventsRequest, ListLifeEventsResponse};
use tonic::Response;

use super::{Core, convert};
use crate::catalogue;
use crate::error::Error;
use crate::store;

const FILTER: &str = "life events";

pub(super) async fn handle(
    core: &Core,
    _: &Caller,
    request: ListLifeEventsRequest,
) -> Result<Response<ListLifeEventsResponse>, Error> {
    let size = page_size(request.page_size, 50, 200)? as usize;
    let after = PageToken::decode(&request.page_token, FILTER)?;
    let in_force = store::letter_type::in_force(&core.db.read).await?;
    let offered: BTreeSet<String> = in_force.into_iter().map(|(key, _)| key).collect();
    let events = catalogue::life_events();
    let start = after.map_or(0, |after| events.iter().take_while(|event| event.key != after).count() + 1);
    let page = events.get(start..).unwrap_or_default();
    let more = page.len() > size;
    let page = &page[..size.min(page.len())];
    let last = page.last().filter(|_| more);
    Ok(Response::new(ListLifeEventsResponse {
        next_page_token: last.map(|last| PageToken::encode(&last.key, FILTER)).unwrap_or_default(),
        life_events: page.iter().map(|event| convert::life_event(event, &offered)).collect(),
    }))
}
