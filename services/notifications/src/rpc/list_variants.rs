//! `ListVariants`: of a type, by channel and language, newest version first.

use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_kit::page::{PageToken, cut, page_size};
use mpp_proto::notifications::v1::{ListVariantsRequest, ListVariantsResponse};

use super::{Core, convert};
use crate::error::{Error, Thing};
use crate::store::variant;

pub(super) async fn handle(
    core: &Core,
    _: &Caller,
    request: ListVariantsRequest,
) -> Result<ListVariantsResponse, Error> {
    let kind = core.catalogue.find(&request.message_type).ok_or(Error::NotFound(Thing::MessageType))?;
    let mut checker = Checker::new();
    let channel =
        if request.channel == 0 { None } else { convert::channel("channel", request.channel, &mut checker) };
    checker.finish()?;
    let size = page_size(request.page_size, 50, 200)?;
    let filter = format!("variants of {} on {channel:?}", kind.key);
    // Versions are few and never taken away, so the place in the order is a key that stays.
    let skip: u64 = PageToken::decode(&request.page_token, &filter)?
        .and_then(|place| place.parse().ok())
        .unwrap_or_default();
    let limit = u64::from(size) + 1;
    let mut found = variant::list(&core.db.read, &kind.key, channel, skip, limit).await?;
    let next_page_token = cut(&mut found, size, &filter, |_| (skip + u64::from(size)).to_string());
    Ok(ListVariantsResponse { variants: found.iter().map(convert::variant).collect(), next_page_token })
}
