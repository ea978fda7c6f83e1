//! `ListChannelAccounts`: our accounts at providers with their circuits, and what waits for them.

use mpp_kit::caller::Caller;
use mpp_kit::page::{PageToken, page_size};
use mpp_proto::notifications::v1::{ChannelAccount, ListChannelAccountsRequest, ListChannelAccountsResponse};

use super::{Core, convert};
use crate::error::Error;
use crate::store::{account, step};

/// There are never more than a handful, so the one page holds them all.
const FILTER: &str = "channel accounts";

pub(super) async fn handle(
    core: &Core,
    _: &Caller,
    request: ListChannelAccountsRequest,
) -> Result<ListChannelAccountsResponse, Error> {
    page_size(request.page_size, 50, 200)?;
    PageToken::decode(&request.page_token, FILTER)?;
    let (db, now) = (&core.db.read, core.now());
    let mut channel_accounts = Vec::new();
    for (queue, way) in core.channels.all() {
        let (circuit, problem) = account::circuit(db, queue).await?;
        let waiting = step::waiting(db, queue, now).await?;
        channel_accounts.push(ChannelAccount {
            key: match &way.direct {
                Some(_) => queue.to_owned(),
                None => queue.rsplit(':').next().unwrap_or(queue).to_owned(),
            },
            channel: convert::channel_number(way.kind),
            circuit_open: circuit.open_until.is_some(),
            retry_time: circuit.open_until.map(convert::timestamp),
            problem: if circuit.open_until.is_some() { problem } else { String::new() },
            waiting: i64::try_from(waiting).unwrap_or(i64::MAX),
        });
    }
    Ok(ListChannelAccountsResponse { channel_accounts, next_page_token: String::new() })
}
