//! The door of the channels: the handshake of a subscription, and deliveries as they come. What becomes of them is the
//! intake's matter.

use mpp_kit::caller::Caller;
use mpp_proto::complaints::v1::{
    GetChannelChallengeRequest, GetChannelChallengeResponse, ReceiveChannelWebhookRequest,
    ReceiveChannelWebhookResponse,
};

use super::Core;
use crate::error::{Error, Thing};
use crate::intake::receive;
use crate::intake::signature::{self, Refused};

pub(super) async fn challenge(
    core: &Core,
    _caller: &Caller,
    request: GetChannelChallengeRequest,
) -> Result<GetChannelChallengeResponse, Error> {
    let account = core.config.channels.account(&request.channel, &request.account);
    let account = account.ok_or(Error::NotFound(Thing::Channel))?;
    let (mode, told) = (request.mode.as_str(), request.verify_token.as_str());
    let challenge = signature::handshake(&account.verify_token, mode, told, &request.challenge)
        .map_err(|why| Error::Unsigned { missing: why == Refused::Missing })?;
    Ok(GetChannelChallengeResponse { challenge: challenge.to_owned() })
}

pub(super) async fn receive(
    core: &Core,
    _caller: &Caller,
    request: ReceiveChannelWebhookRequest,
) -> Result<ReceiveChannelWebhookResponse, Error> {
    let to = (request.channel.as_str(), request.account.as_str());
    let counted = receive::webhook(core, to, (&request.signature, &request.body)).await?;
    let number = |count: u64| i32::try_from(count).unwrap_or(i32::MAX);
    Ok(ReceiveChannelWebhookResponse {
        stored: number(counted.stored),
        repeated_messages: number(counted.repeated),
    })
}
