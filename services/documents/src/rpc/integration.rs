//! The RPCs for other systems: webhooks, events to poll, licences, calls of OSS. Here is what they share.

pub(super) mod create_licence_application;
pub(super) mod create_webhook;
pub(super) mod delete_webhook;
mod drafts;
pub(super) mod get_licence;
pub(super) mod list_document_events;
pub(super) mod list_licences;
pub(super) mod list_webhook_deliveries;
pub(super) mod list_webhooks;
pub(crate) mod owners;
pub(super) mod receive_oss_call;
pub(super) mod replay_webhook_deliveries;
pub(super) mod replay_webhook_delivery;
pub(super) mod resend_licence_message;
pub(super) mod rotate_webhook_secret;
pub(super) mod update_licence_status;
pub(super) mod update_webhook;

#[cfg(test)]
mod tests;

use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_kit::fault::Problem;
use mpp_proto::documents::v1 as proto;
use sea_orm::ConnectionTrait;

use super::Core;
use super::access::{Areas, permission_of};
use super::convert;
use crate::domain::ApplicationId;
use crate::domain::event::EVENT_TYPES;
use crate::domain::licence::{LicenceId, MessageState, may_be_sent_again};
use crate::domain::step::StepRole;
use crate::error::{Error, Thing};
use crate::store::licence::{self, Licence, Message};
use mpp_kit::webhook::guard::{Guard, Refused};
use mpp_kit::webhook::rules::{
    self, DeliveryState, Format, MAX_DESCRIPTION, MAX_FILTERS, Signing, WebhookId, WebhookState, check_filter,
};
use mpp_kit::webhook::signature::SigningKey;
use mpp_kit::webhook::store::{self as webhook, Delivery, Endpoint};

/// What programs of other systems need.
const INTEGRATE: &str = "documents.integrate";

/// Where the caller has a permission. Who has it nowhere is refused: an empty list of areas must not reach a query or a
/// webhook, where it means all.
fn reach(caller: &Caller, permission: &str) -> Result<Areas, Error> {
    let areas = Areas::of(caller, permission);
    if areas.bounds().is_some_and(<[String]>::is_empty) { Err(Problem::denied().into()) } else { Ok(areas) }
}

/// A licence of which an agency's work lies within the caller's reach, and whether the caller is the head there. One without an
/// application stands in its region, where no agency is: there the office that works for OSS counts. An officer of a village or
/// sub-district has nothing to do with it, wherever he is one.
async fn at_work(
    core: &Core,
    db: &impl ConnectionTrait,
    caller: &Caller,
    id: LicenceId,
) -> Result<(Licence, bool), Error> {
    let found = licence::find(db, &core.cipher, id).await?.ok_or(Error::NotFound(Thing::Licence))?;
    let place = if found.application.is_some() || core.config.oss.office.is_empty() {
        found.area.as_str()
    } else {
        core.config.oss.office.as_str()
    };
    let reaches = |role| Areas::of(caller, permission_of(role)).reach(place);
    let head = reaches(StepRole::AgencyHead);
    if head || reaches(StepRole::AgencyOfficer) {
        Ok((found, head))
    } else {
        Err(Error::NotFound(Thing::Licence))
    }
}

/// The webhook with this id, if it is the caller's.
async fn own_webhook(
    core: &Core,
    db: &impl ConnectionTrait,
    caller: &Caller,
    id: WebhookId,
) -> Result<Endpoint, Error> {
    webhook::find_seen(db, &core.cipher, id, caller).await?.ok_or(Error::NotFound(Thing::Webhook))
}

/// Refuses to send again to a webhook that gets nothing.
fn must_be_enabled(endpoint: &Endpoint) -> Result<(), Error> {
    match endpoint.state {
        WebhookState::Enabled => Ok(()),
        WebhookState::Disabled => Err(Problem::precondition(
            "WEBHOOK_DISABLED",
            "Webhook ini nonaktif. Aktifkan dahulu, lalu kirim ulang.",
            "This webhook is disabled. Enable it first, then replay.",
        )
        .with("subject", endpoint.id)
        .into()),
    }
}

/// What CreateWebhook and UpdateWebhook take.
struct Settings {
    url: String,
    description: String,
    types: Vec<String>,
    areas: Vec<String>,
    format: Format,
}

/// Checks the settings of a webhook, with what the caller reaches.
fn settings(
    core: &Core,
    caller: &Caller,
    (url, description): (&str, &str),
    (types, areas): (&[String], &[String]),
    format: i32,
    checker: &mut Checker,
) -> Result<Settings, Error> {
    let reach = reach(caller, INTEGRATE)?;
    if let Err(refused) = Guard::new(&core.config.webhooks).check(url) {
        checker.violation("url", "INVALID_URL", told(refused), refused.to_string());
    }
    check_filter("event_types", types, checker);
    check_filter("areas", areas, checker);
    check_types(types, checker);
    for (index, area) in areas.iter().enumerate().take(MAX_FILTERS) {
        if area.is_empty() || !reach.reach(area) {
            checker.violation(
                format!("areas[{index}]"),
                "OUT_OF_REACH",
                "wilayah ini di luar wewenang Anda",
                "this area lies outside of what you reach",
            );
        }
    }
    // Who does not say where is told of all that it reaches, and of no more when its reach grows.
    let areas = if areas.is_empty() { reach.bounds().unwrap_or_default() } else { areas }.to_vec();
    let format = match proto::WebhookFormat::try_from(format) {
        Ok(proto::WebhookFormat::Cloudevents) => Format::CloudEvents,
        Ok(proto::WebhookFormat::Unspecified | proto::WebhookFormat::Standard) => Format::Standard,
        Err(_) => {
            checker.unknown_value("format");
            Format::Standard
        }
    };
    Ok(Settings {
        url: url.to_owned(),
        description: checker.text("description", description, 0, MAX_DESCRIPTION),
        types: types.to_vec(),
        areas,
        format,
    })
}

/// Notes which patterns of event types match nothing that happens.
fn check_types(types: &[String], checker: &mut Checker) {
    rules::check_types(types, &EVENT_TYPES, "surat.terbit", checker);
}

fn told(refused: Refused) -> &'static str {
    match refused {
        Refused::Form => "isi dengan alamat seperti https://host/jalur",
        Refused::Scheme => "alamat harus diawali https://",
        Refused::UserInfo => "hapus nama pengguna dan sandi dari alamat",
        Refused::Port => "gunakan port 443 atau 8443",
        Refused::Address => "alamat ini mengarah ke jaringan privat",
    }
}

/// The number in a page token. One that is ours holds a number: its fingerprint was checked.
fn place(token: Option<String>) -> Option<i64> {
    token.and_then(|place| place.parse().ok())
}

fn webhook_message(endpoint: &Endpoint) -> proto::Webhook {
    let body = &endpoint.body;
    proto::Webhook {
        id: endpoint.id.to_string(),
        url: body.url.clone(),
        description: body.description.clone(),
        event_types: body.types.clone(),
        areas: body.areas.clone(),
        signing: match body.signing {
            Signing::Hmac => proto::WebhookSigning::Hmac,
            Signing::Ed25519 => proto::WebhookSigning::Ed25519,
        }
        .into(),
        format: match body.format {
            Format::Standard => proto::WebhookFormat::Standard,
            Format::CloudEvents => proto::WebhookFormat::Cloudevents,
        }
        .into(),
        state: match endpoint.state {
            WebhookState::Enabled => proto::WebhookState::Enabled,
            WebhookState::Disabled => proto::WebhookState::Disabled,
        }
        .into(),
        disable_reason: endpoint.disable_reason.map(|reason| reason.to_string()).unwrap_or_default(),
        last_problem: endpoint.last_problem.clone(),
        failing_since_time: endpoint.failing_since.map(convert::timestamp),
        public_keys: body
            .keys
            .iter()
            .filter_map(|key| SigningKey::parse(&key.secret)?.public_text())
            .collect(),
        create_time: Some(convert::timestamp(endpoint.created_at)),
        version: endpoint.version,
    }
}

fn delivery_message(delivery: &Delivery) -> proto::WebhookDelivery {
    proto::WebhookDelivery {
        id: delivery.id.to_string(),
        webhook_id: delivery.endpoint.to_string(),
        event_id: delivery.event_id.clone(),
        event_type: delivery.kind.clone(),
        state: match delivery.state {
            DeliveryState::Pending => proto::DeliveryState::Pending,
            DeliveryState::Delivered => proto::DeliveryState::Delivered,
            DeliveryState::Failed => proto::DeliveryState::Failed,
        }
        .into(),
        body: delivery.body.clone(),
        attempt_count: convert::count(delivery.attempt_count),
        attempts: delivery
            .attempts
            .iter()
            .map(|attempt| proto::DeliveryAttempt {
                time: Some(convert::timestamp(attempt.at)),
                status: attempt.status.into(),
                problem: attempt.problem.clone(),
                answer: attempt.answer.clone(),
                duration_ms: convert::count(attempt.ms),
            })
            .collect(),
        next_attempt_time: (delivery.state == DeliveryState::Pending)
            .then(|| convert::timestamp(delivery.due_at)),
        create_time: Some(convert::timestamp(delivery.created_at)),
    }
}

/// Whether the message at this place can be sent again.
fn may_resend(messages: &[Message], at: usize) -> bool {
    let Some(message) = messages.get(at) else { return false };
    let later = messages.iter().skip(at + 1).map(|later| {
        // Whoever takes a message to send it leaves it unclear until OSS has answered: OSS may have it already.
        let state = if later.unclear { MessageState::Sent } else { later.state };
        (later.kind, state)
    });
    may_be_sent_again((message.kind, message.state), later)
}

/// The licence of OSS that an application is for, with what is told of it, for who works at its agency.
pub(super) async fn licence_of(
    core: &Core,
    db: &impl ConnectionTrait,
    caller: &Caller,
    application: ApplicationId,
) -> Result<Option<proto::Licence>, Error> {
    let Some(found) = licence::of_application(db, &core.cipher, application).await? else { return Ok(None) };
    match at_work(core, db, caller, found.id).await {
        Ok((found, _)) => {
            let messages = licence::messages(db, &core.cipher, found.id).await?;
            Ok(Some(licence_message(&found, &messages)))
        }
        Err(Error::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

fn licence_message(licence: &Licence, messages: &[Message]) -> proto::Licence {
    use crate::domain::licence::Source;
    let (body, keys) = (&licence.body, &licence.body.keys);
    let status = licence.status;
    proto::Licence {
        id: licence.id.to_string(),
        source: match licence.source {
            Source::Oss => proto::LicenceSource::Oss,
            Source::Sicantik => proto::LicenceSource::Sicantik,
        }
        .into(),
        nib: keys.nib.clone(),
        oss_id: keys.oss_id.clone(),
        id_proyek: keys.id_proyek.clone(),
        id_izin: licence.source_key.clone(),
        kd_izin: keys.kd_izin.clone(),
        kd_daerah: keys.kd_daerah.clone(),
        kewenangan: keys.kewenangan.clone(),
        jenis_perizinan: keys.jenis_perizinan.clone(),
        nama_izin: body.nama_izin.clone(),
        nama_perseroan: body.nama_perseroan.clone(),
        area: licence.area.clone(),
        status_code: status.map(|status| status.to_string()).unwrap_or_default(),
        status_name: status.map_or_else(|| body.foreign_status.clone(), |status| status.name().to_owned()),
        number: body.number.clone(),
        application_id: licence.application.map(|id| id.to_string()).unwrap_or_default(),
        file_url: body.file_url.clone(),
        create_time: Some(convert::timestamp(licence.created_at)),
        update_time: Some(convert::timestamp(licence.updated_at)),
        version: licence.version,
        messages: messages
            .iter()
            .enumerate()
            .map(|(at, message)| proto::LicenceMessage {
                may_resend: may_resend(messages, at),
                id: message.id.to_string(),
                number: convert::count(message.number),
                kind: message.kind.to_string(),
                status_code: message.status.to_string(),
                state: match message.state {
                    MessageState::Pending => proto::LicenceMessageState::Pending,
                    MessageState::Sent => proto::LicenceMessageState::Sent,
                    MessageState::Refused => proto::LicenceMessageState::Refused,
                }
                .into(),
                attempt_count: convert::count(message.attempt_count),
                answer: message.answer.clone(),
                next_attempt_time: (message.state == MessageState::Pending)
                    .then(|| convert::timestamp(message.due_at)),
                create_time: Some(convert::timestamp(message.created_at)),
            })
            .collect(),
    }
}

/// The handlers as tests of the adapters call them: without the wire.
#[cfg(test)]
pub(crate) mod for_tests {
    use mpp_kit::caller::Caller;
    use mpp_proto::documents::v1 as proto;

    use super::super::Core;
    use crate::error::Error;

    macro_rules! handlers {
        ($($name:ident($request:ident) -> $response:ident;)*) => {$(
            pub(crate) async fn $name(
                core: &Core,
                caller: &Caller,
                request: proto::$request,
            ) -> Result<proto::$response, Error> {
                Ok(super::$name::handle(core, caller, request).await?.into_inner())
            }
        )*};
    }

    handlers! {
        create_webhook(CreateWebhookRequest) -> CreateWebhookResponse;
        list_webhooks(ListWebhooksRequest) -> ListWebhooksResponse;
        update_webhook(UpdateWebhookRequest) -> UpdateWebhookResponse;
        delete_webhook(DeleteWebhookRequest) -> DeleteWebhookResponse;
        rotate_webhook_secret(RotateWebhookSecretRequest) -> RotateWebhookSecretResponse;
        list_webhook_deliveries(ListWebhookDeliveriesRequest) -> ListWebhookDeliveriesResponse;
        replay_webhook_deliveries(ReplayWebhookDeliveriesRequest) -> ReplayWebhookDeliveriesResponse;
        replay_webhook_delivery(ReplayWebhookDeliveryRequest) -> ReplayWebhookDeliveryResponse;
        list_document_events(ListDocumentEventsRequest) -> ListDocumentEventsResponse;
        list_licences(ListLicencesRequest) -> ListLicencesResponse;
        get_licence(GetLicenceRequest) -> GetLicenceResponse;
        update_licence_status(UpdateLicenceStatusRequest) -> UpdateLicenceStatusResponse;
        resend_licence_message(ResendLicenceMessageRequest) -> ResendLicenceMessageResponse;
        receive_oss_call(ReceiveOssCallRequest) -> ReceiveOssCallResponse;
    }
}
