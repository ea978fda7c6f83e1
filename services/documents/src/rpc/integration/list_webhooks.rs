//! `ListWebhooks`: oldest first, the caller's own.

use mpp_kit::caller::Caller;
use mpp_kit::page::{PageToken, cut, page_size};
use mpp_proto::documents::v1::{ListWebhooksRequest, ListWebhooksResponse};
use tonic::Response;

use super::super::Core;
use super::webhook_message;
use crate::error::Error;
use mpp_kit::webhook::store as webhook;

pub(in crate::rpc) async fn handle(
    core: &Core,
    caller: &Caller,
    request: ListWebhooksRequest,
) -> Result<Response<ListWebhooksResponse>, Error> {
    let size = page_size(request.page_size, 50, 200)?;
    let filter = format!("webhooks of {}", caller.id);
    let after = PageToken::decode(&request.page_token, &filter)?;
    let owner = webhook::seen_by(caller);
    let limit = u64::from(size) + 1;
    let mut found = webhook::list(&core.db.read, &core.cipher, owner, after.as_deref(), limit).await?;
    let next_page_token = cut(&mut found, size, &filter, |last| last.id.to_string());
    Ok(Response::new(ListWebhooksResponse {
        next_page_token,
        webhooks: found.iter().map(webhook_message).collect(),
    }))
}
