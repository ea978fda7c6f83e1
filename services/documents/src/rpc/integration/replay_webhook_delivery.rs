//! `ReplayWebhookDelivery`: the same message again, under the same id, with all its attempts.

use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_proto::documents::v1::{ReplayWebhookDeliveryRequest, ReplayWebhookDeliveryResponse};
use tonic::Response;

use super::super::{Core, record};
use super::{delivery_message, must_be_enabled, own_webhook};
use crate::error::{Error, Thing};
use mpp_kit::webhook::rules::{DeliveryId, DeliveryState};
use mpp_kit::webhook::store as webhook;

const METHOD: &str = "mpp.documents.v1.DocumentsService/ReplayWebhookDelivery";

pub(in crate::rpc) async fn handle(
    core: &Core,
    caller: &Caller,
    request: ReplayWebhookDeliveryRequest,
) -> Result<Response<ReplayWebhookDeliveryResponse>, Error> {
    let mut checker = Checker::new();
    let id: Option<DeliveryId> = checker.id("delivery", &request.delivery);
    checker.finish()?;
    let id = id.ok_or_else(|| anyhow::anyhow!("the checker let an empty field pass"))?;
    let request = &request;
    let answer = core
        .once(caller, METHOD, (request, &request.request_id), |tx, now| async move {
            let delivery = webhook::find_delivery(&*tx, id).await?;
            let mut delivery = delivery.ok_or(Error::NotFound(Thing::Delivery))?;
            let endpoint = own_webhook(core, &*tx, caller, delivery.endpoint).await;
            // Whose it is is not told either.
            let endpoint = endpoint.map_err(|error| {
                if matches!(error, Error::NotFound(_)) { Error::NotFound(Thing::Delivery) } else { error }
            })?;
            must_be_enabled(&endpoint)?;
            let before = delivery.state;
            webhook::replay(&tx, id, now).await?;
            (delivery.state, delivery.attempt_count, delivery.due_at) = (DeliveryState::Pending, 0, now);
            let states = (Some(before.to_string()), Some(delivery.state.to_string()));
            let (id, detail) = (id.to_string(), serde_json::json!({ "event": delivery.event_id }));
            let what = (caller.id.as_str(), "webhook.delivery.replayed", id.as_str());
            record(&tx, what, states, detail, &request.request_id, now).await?;
            Ok(ReplayWebhookDeliveryResponse { delivery: Some(delivery_message(&delivery)) })
        })
        .await?;
    Ok(Response::new(answer))
}
