//! `ReceiveDirectWebhook`: what Facebook and Instagram tell of what we sent, and windows of those who wrote. Whatever is told
//! again, late or out of order has no second effect.

use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_kit::meta;
use mpp_proto::notifications::v1::{ReceiveDirectWebhookRequest, ReceiveDirectWebhookResponse};

use super::{Core, convert};
use crate::channel::direct_webhook::{self, Seen};
use crate::channel::tag_of;
use crate::channel::webhook::{Status, Told};
use crate::domain::channel::Channel;
use crate::domain::direct::{Direct, Network};
use crate::error::{Error, Thing};
use crate::store::step;

/// How many messages to somebody one word about all of them settles.
const BATCH: u64 = 100;

pub(super) async fn handle(
    core: &Core,
    _: &Caller,
    request: ReceiveDirectWebhookRequest,
) -> Result<ReceiveDirectWebhookResponse, Error> {
    let network = request.network.parse::<Network>().ok();
    let account = network.and_then(|network| core.config.direct_account(network, &request.channel_account));
    let (Some(network), Some(account)) = (network, account) else {
        return Err(Error::NotFound(Thing::Account));
    };
    // Over the bytes as they came: nothing is read of a body that is not signed.
    meta::verify(&account.app_secret, &request.signature, &request.body).map_err(|_| Error::Signature)?;
    let Some(news) = direct_webhook::read(&request.body, network, &account.id) else {
        let mut checker = Checker::new();
        checker.violation("body", "INVALID_JSON", "kirim JSON dari Graph API", "send JSON of the Graph API");
        checker.finish()?;
        return Ok(ReceiveDirectWebhookResponse::default());
    };
    for status in &news.statuses {
        core.told(status).await?;
    }
    let address =
        |user: &str| Direct { network, account: account.id.clone(), user: user.to_owned(), comment: None };
    for seen in &news.seen {
        core.seen(&address(&seen.user), seen).await?;
    }
    for wrote in &news.wrote {
        core.wrote(Channel::Direct, &address(&wrote.from).to_string(), wrote).await?;
    }
    let count = |length: usize| convert::count(u32::try_from(length).unwrap_or(u32::MAX));
    Ok(ReceiveDirectWebhookResponse {
        statuses: count(news.statuses.len() + news.seen.len()),
        messages: count(news.wrote.len()),
    })
}

impl Core {
    /// Somebody has seen all that went to them before a moment.
    async fn seen(&self, who: &Direct, seen: &Seen) -> Result<(), Error> {
        let digest = self.address_digest(Channel::Direct, &who.to_string());
        for sent in step::sent_to(&self.db.read, &digest, seen.before, BATCH).await? {
            let told = if seen.read { Told::Read } else { Told::Delivered };
            // By its step: the network may not have said which message it was.
            let tag = tag_of(&sent.notification.to_string(), sent.number);
            let provider_id = sent.provider_id.unwrap_or_default();
            self.told(&Status { provider_id, tag, told, at: Some(seen.before) }).await?;
        }
        Ok(())
    }
}
