//! `ListDocumentEvents`: for those who poll. Oldest first; `last_seq` is the cursor to keep.

use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_kit::page::{PageToken, page_size};
use mpp_proto::documents::v1::{DocumentEvent, ListDocumentEventsRequest, ListDocumentEventsResponse};
use tonic::Response;

use super::super::{Core, convert};
use super::{INTEGRATE, check_types, place, reach};
use crate::error::Error;
use mpp_kit::event::{self, Recorded};
use mpp_kit::webhook::rules::{MAX_FILTERS, wants};

pub(in crate::rpc) async fn handle(
    core: &Core,
    caller: &Caller,
    request: ListDocumentEventsRequest,
) -> Result<Response<ListDocumentEventsResponse>, Error> {
    let mut checker = Checker::new();
    if request.after_seq < 0 {
        checker.violation("after_seq", "OUT_OF_RANGE", "isi dengan 0 atau lebih", "give 0 or more");
    }
    if request.event_types.len() > MAX_FILTERS {
        checker.violation("event_types", "TOO_MANY", "terlalu banyak jenis", "give fewer types");
    }
    check_types(&request.event_types, &mut checker);
    checker.finish()?;
    let size = page_size(request.page_size, 50, 200)?;
    let filter = format!("events of {} in {:?}", caller.id, request.event_types);
    let token = PageToken::decode(&request.page_token, &filter)?;
    let after = place(token).unwrap_or(request.after_seq);
    let reach = reach(caller, INTEGRATE)?;
    let found = event::list(&core.db.read, reach.bounds(), after, size.into()).await?;
    let last_seq = found.last().map_or(after, |event| event.seq);
    // A full page may be followed by another, also when none of its events is of a type that was asked for.
    let more = found.len() == size as usize;
    let wanted = found.iter().filter(|event| wants(&request.event_types, &event.kind));
    Ok(Response::new(ListDocumentEventsResponse {
        events: wanted.map(message).collect(),
        next_page_token: if more { PageToken::encode(&last_seq.to_string(), &filter) } else { String::new() },
        last_seq,
    }))
}

fn message(event: &Recorded) -> DocumentEvent {
    let data = event.data.as_object().cloned().unwrap_or_default();
    DocumentEvent {
        seq: event.seq,
        id: event.id.clone(),
        r#type: event.kind.clone(),
        subject: event.subject.clone(),
        area: event.area.clone(),
        data: Some(convert::structure(&data)),
        time: Some(convert::timestamp(event.at)),
    }
}
