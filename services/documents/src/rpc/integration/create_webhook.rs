//! `CreateWebhook`: another system is told of events from now on.

use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_kit::event;
use mpp_proto::documents::v1::{CreateWebhookRequest, CreateWebhookResponse, WebhookSigning};
use tonic::Response;

use super::super::{Core, record};
use super::owners::reach_of;
use super::{settings, webhook_message};
use crate::error::Error;
use mpp_kit::webhook::rules::{Signing, WebhookId};
use mpp_kit::webhook::store::{self as webhook, Endpoint, EndpointBody, Key};

const METHOD: &str = "mpp.documents.v1.DocumentsService/CreateWebhook";

pub(in crate::rpc) async fn handle(
    core: &Core,
    caller: &Caller,
    request: CreateWebhookRequest,
) -> Result<Response<CreateWebhookResponse>, Error> {
    let body = parse(core, caller, &request)?;
    let request = &request;
    let mut answer: CreateWebhookResponse = core
        .once(caller, METHOD, (request, &request.request_id), |tx, now| async move {
            let mut body = body;
            body.reach = reach_of(caller);
            body.seen_at = Some(now);
            // What happened before is for those who poll.
            let endpoint = Endpoint::new(&caller.id, body, event::last_seq(&*tx).await?, now);
            webhook::insert(&tx, &core.cipher, &endpoint).await?;
            let detail = serde_json::json!({ "types": endpoint.body.types, "areas": endpoint.body.areas });
            let id = endpoint.id.to_string();
            let states = (None, Some("ENABLED".to_owned()));
            record(&tx, (&caller.id, "webhook.created", &id), states, detail, &request.request_id, now)
                .await?;
            // Without the secret: this answer is kept for repetitions, and the secret is not to be kept in the clear.
            Ok(CreateWebhookResponse { webhook: Some(webhook_message(&endpoint)), secret: String::new() })
        })
        .await?;
    answer.secret = secret_of(core, answer.webhook.as_ref()).await?;
    Ok(Response::new(answer))
}

fn parse(core: &Core, caller: &Caller, request: &CreateWebhookRequest) -> Result<EndpointBody, Error> {
    let mut checker = Checker::new();
    let settings = settings(
        core,
        caller,
        (&request.url, &request.description),
        (&request.event_types, &request.areas),
        request.format,
        &mut checker,
    )?;
    let signing = match WebhookSigning::try_from(request.signing) {
        Ok(WebhookSigning::Unspecified | WebhookSigning::Hmac) => Signing::Hmac,
        Ok(WebhookSigning::Ed25519) => Signing::Ed25519,
        Err(_) => {
            checker.unknown_value("signing");
            Signing::Hmac
        }
    };
    checker.finish()?;
    Ok(EndpointBody {
        url: settings.url,
        description: settings.description,
        types: settings.types,
        areas: settings.areas,
        signing,
        format: settings.format,
        keys: vec![Key::generate(signing, 1)],
        reach: None,
        seen_at: None,
    })
}

/// The secret that came with this version of a webhook, for its owner alone. A repetition of the request that made it is
/// told again, as long as it is in use.
pub(super) async fn secret_of(
    core: &Core,
    told: Option<&mpp_proto::documents::v1::Webhook>,
) -> Result<String, Error> {
    let told = told.ok_or_else(|| anyhow::anyhow!("a kept answer names no webhook"))?;
    let id: WebhookId = told.id.parse().map_err(|_| anyhow::anyhow!("a kept answer names no webhook"))?;
    // The writer: a reader may lag behind what was just written.
    Ok(webhook::secret_of(&core.db.write, &core.cipher, id, told.version).await?)
}
