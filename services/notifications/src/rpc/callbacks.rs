//! Callbacks: other systems are told of statuses, by Standard Webhooks. The machinery is the kit's; here is who may have one.

use chrono::TimeDelta;
use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_kit::event;
use mpp_kit::idempotency::fingerprint;
use mpp_kit::page::{PageToken, cut, page_size};
use mpp_kit::webhook::guard::Guard;
use mpp_kit::webhook::rules::{
    DeliveryState, DisableReason, Format, GRACE_HOURS, MAX_DESCRIPTION, MAX_GRACE_HOURS, Signing, WebhookId,
    WebhookState, check_filter, check_types,
};
use mpp_kit::webhook::store::{self, Delivery, Endpoint, EndpointBody, Key};
use mpp_proto::notifications::v1::{
    self as proto, CreateCallbackRequest, CreateCallbackResponse, ListCallbackDeliveriesRequest,
    ListCallbackDeliveriesResponse, ListCallbacksRequest, ListCallbacksResponse, RotateCallbackSecretRequest,
    RotateCallbackSecretResponse, UpdateCallbackRequest, UpdateCallbackResponse,
};
use sea_orm::ConnectionTrait;

use super::{Core, check_version, convert, record};
use crate::domain::EVENT_TYPES;
use crate::error::{Error, Thing};

const CREATE: &str = "mpp.notifications.v1.NotificationsService/CreateCallback";
const UPDATE: &str = "mpp.notifications.v1.NotificationsService/UpdateCallback";
const ROTATE: &str = "mpp.notifications.v1.NotificationsService/RotateCallbackSecret";
/// `CreateCallback`.
pub(super) async fn create(
    core: &Core,
    caller: &Caller,
    request: CreateCallbackRequest,
) -> Result<CreateCallbackResponse, Error> {
    let mut checker = Checker::new();
    check(core, (&request.url, &request.event_types), &mut checker);
    let description = checker.text("description", &request.description, 0, MAX_DESCRIPTION);
    checker.finish()?;
    let body = EndpointBody {
        url: request.url.clone(),
        description,
        types: request.event_types.clone(),
        areas: Vec::new(),
        signing: Signing::Hmac,
        format: Format::Standard,
        keys: vec![Key::generate(Signing::Hmac, 1)],
        // A callback tells its owner of his own messages alone: no area bounds it.
        reach: None,
        seen_at: None,
    };
    let (print, request_id) = (fingerprint(&request), request.request_id.as_str());
    let mut answer: CreateCallbackResponse = core
        .once(caller, CREATE, (&print, request_id), |tx, now| async move {
            let endpoint = Endpoint::new(&caller.id, body, event::last_seq(&*tx).await?, now);
            store::insert(&tx, &core.cipher, &endpoint).await?;
            let (id, detail) = (endpoint.id.to_string(), serde_json::json!({ "types": endpoint.body.types }));
            let states = (None, Some("ENABLED".to_owned()));
            record(&tx, (&caller.id, "callback.created", &id), states, detail, request_id, now).await?;
            // Without the secret, which is not to be kept in the answer for repetitions.
            Ok(CreateCallbackResponse { callback: Some(message(&endpoint)), secret: String::new() })
        })
        .await?;
    answer.secret = secret_of(core, answer.callback.as_ref()).await?;
    Ok(answer)
}

/// `ListCallbacks`.
pub(super) async fn list(
    core: &Core,
    caller: &Caller,
    request: ListCallbacksRequest,
) -> Result<ListCallbacksResponse, Error> {
    let size = page_size(request.page_size, 50, 200)?;
    let filter = format!("callbacks of {}", caller.id);
    let after = PageToken::decode(&request.page_token, &filter)?;
    let owner = store::seen_by(caller);
    let limit = u64::from(size) + 1;
    let mut found = store::list(&core.db.read, &core.cipher, owner, after.as_deref(), limit).await?;
    let next_page_token = cut(&mut found, size, &filter, |last| last.id.to_string());
    Ok(ListCallbacksResponse { callbacks: found.iter().map(message).collect(), next_page_token })
}

/// `UpdateCallback`.
pub(super) async fn update(
    core: &Core,
    caller: &Caller,
    request: UpdateCallbackRequest,
) -> Result<UpdateCallbackResponse, Error> {
    let mut checker = Checker::new();
    let id: Option<WebhookId> = checker.id("callback", &request.callback);
    check(core, (&request.url, &request.event_types), &mut checker);
    let description = checker.text("description", &request.description, 0, MAX_DESCRIPTION);
    let state = match proto::CallbackState::try_from(request.state) {
        Ok(proto::CallbackState::Unspecified) => None,
        Ok(proto::CallbackState::Enabled) => Some(WebhookState::Enabled),
        Ok(proto::CallbackState::Disabled) => Some(WebhookState::Disabled),
        Err(_) => {
            checker.unknown_value("state");
            None
        }
    };
    checker.finish()?;
    let id = id.ok_or(Error::NotFound(Thing::Callback))?;
    let (print, request_id) = (fingerprint(&request), request.request_id.as_str());
    let (request, description) = (&request, &description);
    core.once(caller, UPDATE, (&print, request_id), |tx, now| async move {
        let mut endpoint = own(core, &*tx, caller, id).await?;
        check_version(request.version, endpoint.version)?;
        let before = endpoint.state;
        endpoint.version += 1;
        endpoint.body.url.clone_from(&request.url);
        endpoint.body.description.clone_from(description);
        endpoint.body.types.clone_from(&request.event_types);
        match state {
            Some(WebhookState::Enabled) => {
                (endpoint.state, endpoint.disable_reason) = (WebhookState::Enabled, None);
                (endpoint.failing_since, endpoint.last_problem) = (None, String::new());
            }
            Some(WebhookState::Disabled) => {
                (endpoint.state, endpoint.disable_reason) =
                    (WebhookState::Disabled, Some(DisableReason::Owner));
            }
            None => {}
        }
        if !store::update(&tx, &core.cipher, &endpoint, now).await? {
            return Err(Error::Stale { version: endpoint.version });
        }
        let states = (Some(before.to_string()), Some(endpoint.state.to_string()));
        let (id, detail) = (id.to_string(), serde_json::json!({ "types": endpoint.body.types }));
        record(&tx, (&caller.id, "callback.updated", &id), states, detail, request_id, now).await?;
        Ok(UpdateCallbackResponse { callback: Some(message(&endpoint)) })
    })
    .await
}

/// `RotateCallbackSecret`.
pub(super) async fn rotate(
    core: &Core,
    caller: &Caller,
    request: RotateCallbackSecretRequest,
) -> Result<RotateCallbackSecretResponse, Error> {
    let mut checker = Checker::new();
    let id: Option<WebhookId> = checker.id("callback", &request.callback);
    let hours = checker.range("grace_hours", request.grace_hours, 0, MAX_GRACE_HOURS);
    checker.finish()?;
    let id = id.ok_or(Error::NotFound(Thing::Callback))?;
    let grace = TimeDelta::hours(if hours == 0 { GRACE_HOURS } else { hours }.into());
    let (print, request_id) = (fingerprint(&request), request.request_id.as_str());
    let mut answer: RotateCallbackSecretResponse = core
        .once(caller, ROTATE, (&print, request_id), |tx, now| async move {
            let mut endpoint = own(core, &*tx, caller, id).await?;
            endpoint.rotate(grace, now);
            if !store::update(&tx, &core.cipher, &endpoint, now).await? {
                return Err(Error::Stale { version: endpoint.version });
            }
            let (id, detail) = (id.to_string(), serde_json::json!({ "graceHours": grace.num_hours() }));
            let what = (caller.id.as_str(), "callback.secret.rotated", id.as_str());
            record(&tx, what, (None, None), detail, request_id, now).await?;
            Ok(RotateCallbackSecretResponse {
                callback: Some(message(&endpoint)),
                secret: String::new(),
                old_expire_time: Some(convert::timestamp(now + grace)),
            })
        })
        .await?;
    answer.secret = secret_of(core, answer.callback.as_ref()).await?;
    Ok(answer)
}

/// `ListCallbackDeliveries`.
pub(super) async fn deliveries(
    core: &Core,
    caller: &Caller,
    request: ListCallbackDeliveriesRequest,
) -> Result<ListCallbackDeliveriesResponse, Error> {
    let mut checker = Checker::new();
    let id: Option<WebhookId> = checker.id("callback", &request.callback);
    checker.finish()?;
    let id = id.ok_or(Error::NotFound(Thing::Callback))?;
    let size = page_size(request.page_size, 50, 200)?;
    let filter = format!("deliveries of {id}");
    let before = PageToken::decode(&request.page_token, &filter)?;
    let db = &core.db.read;
    let endpoint = own(core, db, caller, id).await?;
    let limit = u64::from(size) + 1;
    let mut found = store::deliveries(db, endpoint.id, None, before.as_deref(), limit).await?;
    let next_page_token = cut(&mut found, size, &filter, |last| last.id.to_string());
    Ok(ListCallbackDeliveriesResponse { deliveries: found.iter().map(delivery).collect(), next_page_token })
}

/// The callback with this id, if it is the caller's.
async fn own(
    core: &Core,
    db: &impl ConnectionTrait,
    caller: &Caller,
    id: WebhookId,
) -> Result<Endpoint, Error> {
    store::find_seen(db, &core.cipher, id, caller).await?.ok_or(Error::NotFound(Thing::Callback))
}

fn check(core: &Core, (url, types): (&str, &[String]), checker: &mut Checker) {
    if let Err(refused) = Guard::new(&core.config.callbacks).check(url) {
        checker.violation(
            "url",
            "INVALID_URL",
            "isi dengan alamat publik seperti https://host/jalur",
            refused.to_string(),
        );
    }
    check_filter("event_types", types, checker);
    check_types(types, &EVENT_TYPES, "notification.delivered", checker);
}

/// The secret that came with this version of a callback, for its owner alone. A repetition is told it again while it is used.
async fn secret_of(core: &Core, told: Option<&proto::Callback>) -> Result<String, Error> {
    let told = told.ok_or_else(|| anyhow::anyhow!("a kept answer names no callback"))?;
    let id: WebhookId = told.id.parse().map_err(|_| anyhow::anyhow!("a kept answer names no callback"))?;
    // The writer: a reader may lag behind what was just written.
    Ok(store::secret_of(&core.db.write, &core.cipher, id, told.version).await?)
}

fn message(endpoint: &Endpoint) -> proto::Callback {
    proto::Callback {
        id: endpoint.id.to_string(),
        url: endpoint.body.url.clone(),
        description: endpoint.body.description.clone(),
        event_types: endpoint.body.types.clone(),
        state: match endpoint.state {
            WebhookState::Enabled => proto::CallbackState::Enabled,
            WebhookState::Disabled => proto::CallbackState::Disabled,
        }
        .into(),
        disable_reason: endpoint.disable_reason.map(|reason| reason.to_string()).unwrap_or_default(),
        last_problem: endpoint.last_problem.clone(),
        failing_since_time: endpoint.failing_since.map(convert::timestamp),
        create_time: Some(convert::timestamp(endpoint.created_at)),
        version: endpoint.version,
    }
}

fn delivery(delivery: &Delivery) -> proto::CallbackDelivery {
    proto::CallbackDelivery {
        id: delivery.id.to_string(),
        event_id: delivery.event_id.clone(),
        event_type: delivery.kind.clone(),
        state: match delivery.state {
            DeliveryState::Pending => proto::CallbackDeliveryState::Pending,
            DeliveryState::Delivered => proto::CallbackDeliveryState::Delivered,
            DeliveryState::Failed => proto::CallbackDeliveryState::Failed,
        }
        .into(),
        body: delivery.body.clone(),
        attempt_count: convert::count(delivery.attempt_count),
        last_status: delivery.attempts.last().map_or(0, |attempt| attempt.status.into()),
        next_attempt_time: (delivery.state == DeliveryState::Pending)
            .then(|| convert::timestamp(delivery.due_at)),
        create_time: Some(convert::timestamp(delivery.created_at)),
    }
}
