//! `VerifyWhatsAppWebhook`: the handshake. Who presents our token gets its challenge back.

use mpp_kit::caller::Caller;
use mpp_kit::config::ExposeSecret as _;
use mpp_proto::notifications::v1::{VerifyWhatsAppWebhookRequest, VerifyWhatsAppWebhookResponse};
use subtle::ConstantTimeEq as _;

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
    let expected = account.verify_token.expose_secret().as_bytes();
    let presented = bool::from(expected.ct_eq(request.verify_token.as_bytes()));
    let plain = request.challenge.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    if request.mode != "subscribe" || !presented || !plain || request.challenge.len() > LONGEST {
        return Err(Error::Signature);
    }
    Ok(VerifyWhatsAppWebhookResponse { challenge: request.challenge })
}
