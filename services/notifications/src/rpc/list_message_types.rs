//! `ListMessageTypes`: those that ship with the suite, by key.

use std::collections::{BTreeMap, HashSet};

use mpp_kit::caller::Caller;
use mpp_kit::page::{PageToken, cut, page_size};
use mpp_proto::notifications::v1::{ListMessageTypesRequest, ListMessageTypesResponse};

use super::{Core, convert};
use crate::domain::variant::VariantState;
use crate::error::Error;
use crate::store::variant::{self, Standing};

const FILTER: &str = "message types";

pub(super) async fn handle(
    core: &Core,
    _: &Caller,
    request: ListMessageTypesRequest,
) -> Result<ListMessageTypesResponse, Error> {
    let size = page_size(request.page_size, 50, 200)?;
    let after = PageToken::decode(&request.page_token, FILTER)?;
    let mut found: Vec<_> = core
        .catalogue
        .all()
        .iter()
        .map(|shipped| &shipped.kind)
        .filter(|kind| after.as_ref().is_none_or(|after| kind.key > *after))
        .take(size as usize + 1)
        .collect();
    let next_page_token = cut(&mut found, size, FILTER, |last| last.key.clone());
    let standing = variant::standing(&core.db.read).await?;
    let stopped = stopped(&standing);
    let message_types = found
        .into_iter()
        .map(|kind| convert::message_type(kind, stopped.get(kind.key.as_str()).copied().unwrap_or_default()))
        .collect();
    Ok(ListMessageTypesResponse { message_types, next_page_token })
}

/// How many texts of each type are refused or paused in the newest of their versions that was offered. The versions of a text
/// come newest first.
fn stopped(standing: &[Standing]) -> BTreeMap<&str, u32> {
    let (mut seen, mut stopped) = (HashSet::new(), BTreeMap::new());
    for text in standing {
        let newest = seen.insert((text.message_type.as_str(), text.channel, text.language.as_str()));
        let is_stopped = match text.state {
            VariantState::Paused | VariantState::Rejected => true,
            VariantState::Draft | VariantState::Submitted | VariantState::Approved => false,
        };
        if newest && is_stopped {
            *stopped.entry(text.message_type.as_str()).or_default() += 1;
        }
    }
    stopped
}
