//! `DeleteWebhook`: nothing is sent to it any more, and its messages are forgotten. What happened is still there for those who
//! poll.

use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_kit::webhook::rules::WebhookId;
use mpp_kit::webhook::store as webhook;
use mpp_proto::documents::v1::{DeleteWebhookRequest, DeleteWebhookResponse};
use tonic::Response;

use super::super::{Core, record};
use super::own_webhook;
use crate::error::{Error, Thing};

const METHOD: &str = "mpp.documents.v1.DocumentsService/DeleteWebhook";

pub(in crate::rpc) async fn handle(
    core: &Core,
    caller: &Caller,
    request: DeleteWebhookRequest,
) -> Result<Response<DeleteWebhookResponse>, Error> {
    let mut checker = Checker::new();
    let id: Option<WebhookId> = checker.id("webhook", &request.webhook);
    checker.finish()?;
    let id = id.ok_or_else(|| anyhow::anyhow!("the checker let an empty field pass"))?;
    let request = &request;
    let answer = core
        .once(caller, METHOD, (request, &request.request_id), |tx, now| async move {
            let endpoint = own_webhook(core, &*tx, caller, id).await?;
            if !webhook::delete(&tx, id).await? {
                return Err(Error::NotFound(Thing::Webhook));
            }
            let states = (Some(endpoint.state.to_string()), None);
            let id = id.to_string();
            let detail = serde_json::json!({});
            record(&tx, (&caller.id, "webhook.deleted", &id), states, detail, &request.request_id, now)
                .await?;
            Ok(DeleteWebhookResponse {})
        })
        .await?;
    Ok(Response::new(answer))
}
