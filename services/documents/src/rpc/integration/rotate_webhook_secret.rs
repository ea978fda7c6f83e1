//! `RotateWebhookSecret`: a new key; for a grace time messages are signed with the old one too, so that no message is
//! missed while the receiver changes over.

use chrono::TimeDelta;
use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_proto::documents::v1::{RotateWebhookSecretRequest, RotateWebhookSecretResponse};
use tonic::Response;

use super::super::{Core, convert, record};
use super::create_webhook::secret_of;
use super::{own_webhook, webhook_message};
use crate::error::Error;
use mpp_kit::webhook::rules::{GRACE_HOURS, MAX_GRACE_HOURS, WebhookId};
use mpp_kit::webhook::store as webhook;

const METHOD: &str = "mpp.documents.v1.DocumentsService/RotateWebhookSecret";

pub(in crate::rpc) async fn handle(
    core: &Core,
    caller: &Caller,
    request: RotateWebhookSecretRequest,
) -> Result<Response<RotateWebhookSecretResponse>, Error> {
    let mut checker = Checker::new();
    let id: Option<WebhookId> = checker.id("webhook", &request.webhook);
    let hours = checker.range("grace_hours", request.grace_hours, 0, MAX_GRACE_HOURS);
    checker.finish()?;
    let id = id.ok_or_else(|| anyhow::anyhow!("the checker let an empty field pass"))?;
    let grace = TimeDelta::hours(if hours == 0 { GRACE_HOURS } else { hours }.into());
    let request = &request;
    let mut answer: RotateWebhookSecretResponse = core
        .once(caller, METHOD, (request, &request.request_id), |tx, now| async move {
            let mut endpoint = own_webhook(core, &*tx, caller, id).await?;
            endpoint.rotate(grace, now);
            if !webhook::update(&tx, &core.cipher, &endpoint, now).await? {
                return Err(Error::Stale { version: endpoint.version });
            }
            let id = id.to_string();
            let detail = serde_json::json!({ "graceHours": grace.num_hours() });
            let what = (caller.id.as_str(), "webhook.secret.rotated", id.as_str());
            record(&tx, what, (None, None), detail, &request.request_id, now).await?;
            Ok(RotateWebhookSecretResponse {
                webhook: Some(webhook_message(&endpoint)),
                // Added below: this answer is kept for repetitions.
                secret: String::new(),
                old_expire_time: Some(convert::timestamp(now + grace)),
            })
        })
        .await?;
    answer.secret = secret_of(core, answer.webhook.as_ref()).await?;
    Ok(Response::new(answer))
}
