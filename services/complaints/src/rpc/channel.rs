//! `GetChannelChallenge` and `ReceiveChannelWebhook`: where Meta calls. What permits a delivery is its signature.

use mpp_kit::caller::Caller;
use mpp_kit::meta;
use mpp_proto::complaints::v1::{
    GetChannelChallengeRequest, GetChannelChallengeResponse, ReceiveChannelWebhookRequest,
    ReceiveChannelWebhookResponse,
};

use super::Core;
use crate::error::{Error, Thing};
use crate::intake::receive;

pub(super) async fn challenge(
    core: &Core,
    _: &Caller,
    request: GetChannelChallengeRequest,
) -> Result<GetChannelChallengeResponse, Error> {
    let account = core.config.channels.account(&request.channel, &request.account);
    let account = account.ok_or(Error::NotFound(Thing::Channel))?;
    let told = (&request.mode, &request.verify_token, &request.challenge);
    // Both refusals are one to a stranger: neither tells whether the token was right.
    let challenge = meta::handshake(&account.verify_token, told.0, told.1, told.2)
        .map_err(|_| Error::Unsigned { missing: false })?;
    Ok(GetChannelChallengeResponse { challenge: challenge.to_owned() })
}

pub(super) async fn receive(
    core: &Core,
    _: &Caller,
    request: ReceiveChannelWebhookRequest,
) -> Result<ReceiveChannelWebhookResponse, Error> {
    let to = (request.channel.as_str(), request.account.as_str());
    let counted = receive::webhook(core, to, (&request.signature, &request.body)).await?;
    let count = |it: u64| i32::try_from(it).unwrap_or(i32::MAX);
    Ok(ReceiveChannelWebhookResponse {
        stored: count(counted.stored),
        repeated_messages: count(counted.repeated),
    })
}
