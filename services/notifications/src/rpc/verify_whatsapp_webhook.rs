//! `VerifyWhatsAppWebhook`: the handshake. Who presents our token gets its challenge back.

use mpp_kit::caller::Caller;
use mpp_kit::meta;
use mpp_proto::notifications::v1::{VerifyWhatsAppWebhookRequest, VerifyWhatsAppWebhookResponse};

use super::Core;
use crate::error::{Error, Thing};

/// The most characters of a challenge that is repeated.
const LONGEST: usize = 200;

pub(super) async fn handle(
    core: &Core,
    _: &Caller,
    request: VerifyWhatsAppWebhookRequest,
) -> Result<VerifyWhatsAppWebhookResponse, Error> {
    let account =
        core.config.whatsapp.get(&request.channel_account).ok_or(Error::NotFound(Thing::Account))?;
    let told = (&request.mode, &request.verify_token, &request.challenge);
    let challenge =
        meta::handshake(&account.verify_token, told.0, told.1, told.2).map_err(|_| Error::Signature)?;
    let plain = challenge.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    if !plain || challenge.len() > LONGEST {
        return Err(Error::Signature);
    }
    Ok(VerifyWhatsAppWebhookResponse { challenge: challenge.to_owned() })
}
