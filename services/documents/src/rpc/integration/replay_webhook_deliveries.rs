//! `ReplayWebhookDeliveries`: the messages of a range of time again, for a receiver that lost what it took or was away for long.

use chrono::{DateTime, Utc};
use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_kit::page::{PageToken, cut, page_size};
use mpp_proto::documents::v1::{
    self as proto, ReplayWebhookDeliveriesRequest, ReplayWebhookDeliveriesResponse,
};
use tonic::Response;

use super::super::{Core, convert, record};
use super::{must_be_enabled, own_webhook};
use crate::error::Error;
use mpp_kit::webhook::rules::{DeliveryId, DeliveryState, WebhookId};
use mpp_kit::webhook::store::{self as webhook, Range};

const METHOD: &str = "mpp.documents.v1.DocumentsService/ReplayWebhookDeliveries";

pub(in crate::rpc) async fn handle(
    core: &Core,
    caller: &Caller,
    request: ReplayWebhookDeliveriesRequest,
) -> Result<Response<ReplayWebhookDeliveriesResponse>, Error> {
    let range = range(&request)?;
    let size = page_size(request.page_size, 200, 1_000)?;
    let filter = format!("{range:?}");
    let after = PageToken::decode(&request.page_token, &filter)?;
    let (request, filter, after) = (&request, filter.as_str(), after.as_deref().and_then(place));
    let answer = core
        .once(caller, METHOD, (request, &request.request_id), |tx, now| async move {
            let endpoint = own_webhook(core, &*tx, caller, range.to).await?;
            must_be_enabled(&endpoint)?;
            let mut found = webhook::ended(&*tx, &range, after, u64::from(size) + 1).await?;
            let next_page_token =
                cut(&mut found, size, filter, |(at, id)| format!("{} {id}", at.timestamp_micros()));
            let ids: Vec<DeliveryId> = found.into_iter().map(|(_, id)| id).collect();
            let replayed = webhook::replay_all(&tx, &ids, now).await?;
            let detail = serde_json::json!({
                "from": range.from, "until": range.until, "count": replayed,
            });
            let what = (caller.id.as_str(), "webhook.deliveries.replayed", &*endpoint.id.to_string());
            record(&tx, what, (None, None), detail, &request.request_id, now).await?;
            Ok(ReplayWebhookDeliveriesResponse {
                replayed: i32::try_from(replayed).unwrap_or(i32::MAX),
                next_page_token,
            })
        })
        .await?;
    Ok(Response::new(answer))
}

fn range(request: &ReplayWebhookDeliveriesRequest) -> Result<Range, Error> {
    let mut checker = Checker::new();
    let to: Option<WebhookId> = checker.id("webhook", &request.webhook);
    let from = convert::time("from_time", request.from_time, &mut checker);
    let until = convert::time("to_time", request.to_time, &mut checker);
    if from.zip(until).is_some_and(|(from, until)| from >= until) {
        checker.violation(
            "to_time",
            "BEFORE_FROM_TIME",
            "isi dengan waktu sesudah fromTime",
            "give a time after fromTime",
        );
    }
    let state = match proto::DeliveryState::try_from(request.state) {
        Ok(proto::DeliveryState::Unspecified) => None,
        Ok(proto::DeliveryState::Delivered) => Some(DeliveryState::Delivered),
        Ok(proto::DeliveryState::Failed) => Some(DeliveryState::Failed),
        Ok(proto::DeliveryState::Pending) | Err(_) => {
            checker.unknown_value("state");
            None
        }
    };
    checker.finish()?;
    let parts = to.zip(from).zip(until);
    let ((to, from), until) = parts.ok_or_else(|| anyhow::anyhow!("the checker let an empty field pass"))?;
    Ok(Range { to, from, until, state })
}

/// The place in a page token. One that is ours holds one: its fingerprint was checked.
fn place(token: &str) -> Option<(DateTime<Utc>, DeliveryId)> {
    let (micros, id) = token.split_once(' ')?;
    Some((DateTime::from_timestamp_micros(micros.parse().ok()?)?, id.parse().ok()?))
}
