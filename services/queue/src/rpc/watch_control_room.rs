//! Streams the control room of a hall.

use mpp_kit::caller::Caller;
use mpp_proto::queue::v1::{WatchControlRoomRequest, WatchControlRoomResponse};

use super::get_control_room::supervised;
use super::views::control_room::{control_room, still};
use super::watch::{CALM, Changes, Frames, Source};
use crate::error::Error;
use crate::hall::Halls;

pub(super) async fn handle(
    halls: &Halls,
    caller: &Caller,
    request: WatchControlRoomRequest,
) -> Result<Frames<WatchControlRoomResponse>, Error> {
    let (hall, reach) = supervised(halls, caller, &request.hall).await?;
    let language = caller.language;
    let mut changes = Changes::new(still);
    Ok(Source::of(halls, &hall, caller, CALM).frames(move |now, is_due| {
        let room = hall.read(|fold| control_room(fold, now, language, &reach));
        let room = changes.new_in(room, is_due);
        Ok(room.map(|room| WatchControlRoomResponse { control_room: Some(room) }))
    }))
}
