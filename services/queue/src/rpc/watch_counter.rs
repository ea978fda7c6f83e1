//! Streams a counter with all that its staff sees.

use mpp_kit::caller::Caller;
use mpp_proto::queue::v1::{WatchCounterRequest, WatchCounterResponse};

use super::get_counter::Seen;
use super::views::desk::still;
use super::watch::{CALM, Changes, Frames, Source};
use crate::error::Error;
use crate::hall::Halls;

pub(super) async fn handle(
    halls: &Halls,
    caller: &Caller,
    request: WatchCounterRequest,
) -> Result<Frames<WatchCounterResponse>, Error> {
    let seen = Seen::find(halls, caller, &request.counter)?;
    let mut changes = Changes::new(still);
    Ok(Source::of(halls, &seen.hall, caller, CALM).frames(move |now, is_due| {
        let desk = changes.new_in(seen.desk(now)?, is_due);
        Ok(desk.map(|desk| WatchCounterResponse { desk: Some(desk) }))
    }))
}
