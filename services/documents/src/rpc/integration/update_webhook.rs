//! `UpdateWebhook`: its settings anew, and whether it gets messages. What happened while it got none is told when it is
//! enabled again.

use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_proto::documents::v1::{self as proto, UpdateWebhookRequest, UpdateWebhookResponse};
use tonic::Response;

use super::super::{Core, check_version, record};
use super::owners::reach_of;
use super::{own_webhook, settings, webhook_message};
use crate::error::Error;
use mpp_kit::webhook::rules::{DisableReason, WebhookId, WebhookState};
use mpp_kit::webhook::store::{self as webhook, Endpoint};

const METHOD: &str = "mpp.documents.v1.DocumentsService/UpdateWebhook";

pub(in crate::rpc) async fn handle(
    core: &Core,
    caller: &Caller,
    request: UpdateWebhookRequest,
) -> Result<Response<UpdateWebhookResponse>, Error> {
    let mut checker = Checker::new();
    let id: Option<WebhookId> = checker.id("webhook", &request.webhook);
    let settings = settings(
        core,
        caller,
        (&request.url, &request.description),
        (&request.event_types, &request.areas),
        request.format,
        &mut checker,
    )?;
    let state = match proto::WebhookState::try_from(request.state) {
        Ok(proto::WebhookState::Unspecified) => None,
        Ok(proto::WebhookState::Enabled) => Some(WebhookState::Enabled),
        Ok(proto::WebhookState::Disabled) => Some(WebhookState::Disabled),
        Err(_) => {
            checker.unknown_value("state");
            None
        }
    };
    checker.finish()?;
    let id = id.ok_or_else(|| anyhow::anyhow!("the checker let an empty field pass"))?;
    let request = &request;
    let answer = core
        .once(caller, METHOD, (request, &request.request_id), |tx, now| async move {
            let mut endpoint = own_webhook(core, &*tx, caller, id).await?;
            check_version(request.version, endpoint.version)?;
            let before = endpoint.state;
            endpoint.body.url = settings.url;
            endpoint.body.description = settings.description;
            endpoint.body.types = settings.types;
            endpoint.body.areas = settings.areas;
            endpoint.body.format = settings.format;
            // The system repairs what is another's; it lends nobody its reach.
            if endpoint.owner == caller.id {
                endpoint.body.reach = reach_of(caller);
                endpoint.body.seen_at = Some(now);
            }
            endpoint.version += 1;
            turn(&mut endpoint, state);
            if !webhook::update(&tx, &core.cipher, &endpoint, now).await? {
                return Err(Error::Stale { version: endpoint.version });
            }
            let detail = serde_json::json!({ "types": endpoint.body.types, "areas": endpoint.body.areas });
            let states = (Some(before.to_string()), Some(endpoint.state.to_string()));
            let id = id.to_string();
            record(&tx, (&caller.id, "webhook.updated", &id), states, detail, &request.request_id, now)
                .await?;
            Ok(UpdateWebhookResponse { webhook: Some(webhook_message(&endpoint)) })
        })
        .await?;
    Ok(Response::new(answer))
}

/// Enables or disables a webhook. Enabled anew, it starts with a clean slate.
fn turn(endpoint: &mut Endpoint, state: Option<WebhookState>) {
    match state {
        Some(WebhookState::Enabled) if endpoint.state == WebhookState::Disabled => {
            endpoint.state = WebhookState::Enabled;
            endpoint.disable_reason = None;
            endpoint.failing_since = None;
            endpoint.last_problem.clear();
        }
        Some(WebhookState::Disabled) if endpoint.state == WebhookState::Enabled => {
            endpoint.state = WebhookState::Disabled;
            endpoint.disable_reason = Some(DisableReason::Owner);
        }
        Some(WebhookState::Enabled | WebhookState::Disabled) | None => {}
    }
}
