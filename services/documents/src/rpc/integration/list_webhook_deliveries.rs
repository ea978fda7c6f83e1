//! `ListWebhookDeliveries`: newest first, with every attempt.

use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_kit::event;
use mpp_kit::page::{PageToken, cut, page_size};
use mpp_proto::documents::v1::{self as proto, ListWebhookDeliveriesRequest, ListWebhookDeliveriesResponse};
use tonic::Response;

use super::super::Core;
use super::{delivery_message, own_webhook};
use crate::error::Error;
use mpp_kit::webhook::rules::{DeliveryState, WebhookId};
use mpp_kit::webhook::store as webhook;

pub(in crate::rpc) async fn handle(
    core: &Core,
    caller: &Caller,
    request: ListWebhookDeliveriesRequest,
) -> Result<Response<ListWebhookDeliveriesResponse>, Error> {
    let mut checker = Checker::new();
    let id: Option<WebhookId> = checker.id("webhook", &request.webhook);
    let state = match proto::DeliveryState::try_from(request.state) {
        Ok(proto::DeliveryState::Unspecified) => None,
        Ok(proto::DeliveryState::Pending) => Some(DeliveryState::Pending),
        Ok(proto::DeliveryState::Delivered) => Some(DeliveryState::Delivered),
        Ok(proto::DeliveryState::Failed) => Some(DeliveryState::Failed),
        Err(_) => {
            checker.unknown_value("state");
            None
        }
    };
    checker.finish()?;
    let id = id.ok_or_else(|| anyhow::anyhow!("the checker let an empty field pass"))?;
    let size = page_size(request.page_size, 50, 200)?;
    let filter = format!("deliveries of {id} in {state:?}");
    let before = PageToken::decode(&request.page_token, &filter)?;
    let endpoint = own_webhook(core, &core.db.read, caller, id).await?;
    let limit = u64::from(size) + 1;
    let mut found = webhook::deliveries(&core.db.read, endpoint.id, state, before.as_deref(), limit).await?;
    let seqs: Vec<i64> = found.iter().map(|delivery| delivery.event_seq).collect();
    let areas = event::areas_of(&core.db.read, &seqs).await?;
    let next_page_token = cut(&mut found, size, &filter, |last| last.id.to_string());
    Ok(Response::new(ListWebhookDeliveriesResponse {
        next_page_token,
        deliveries: found
            .iter()
            .map(|delivery| {
                let told = areas.get(&delivery.event_seq).is_some_and(|area| endpoint.is_told_of(area));
                let message = delivery_message(delivery);
                // What was planned when its owner reached further is not his to read any more.
                proto::WebhookDelivery { body: if told { message.body } else { String::new() }, ..message }
            })
            .collect(),
    }))
}
