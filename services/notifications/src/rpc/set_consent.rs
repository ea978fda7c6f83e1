//! `SetConsent`: whether a channel may be used, and where that is known from. An end counts for what waits already.

use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_kit::idempotency::fingerprint;
use mpp_proto::notifications::v1::{SetConsentRequest, SetConsentResponse};

use super::access::{CONFIGURE, check_contact};
use super::{Core, convert, record};
use crate::error::{Error, Thing};
use crate::store::address;
use crate::store::contact::{self, Consent};

const METHOD: &str = "mpp.notifications.v1.NotificationsService/SetConsent";

pub(super) async fn handle(
    core: &Core,
    caller: &Caller,
    request: SetConsentRequest,
) -> Result<SetConsentResponse, Error> {
    check_contact(caller, &request.account)?;
    let known = contact::find(&core.db.read, &core.cipher, &request.account).await?;
    known.ok_or(Error::NotFound(Thing::Contact))?;
    let mut checker = Checker::new();
    let channel = convert::channel("channel", request.channel, &mut checker);
    let source = checker.text("source", &request.source, 1, 200);
    checker.finish()?;
    let channel = channel.ok_or(Error::NotFound(Thing::Contact))?;
    let (print, request_id) = (fingerprint(&request), request.request_id.as_str());
    let (request, source) = (&request, &source);
    core.once(caller, METHOD, (&print, request_id), |tx, now| async move {
        let id = request.account.as_str();
        let found = contact::find(&*tx, &core.cipher, id).await?;
        let mut next = found.ok_or(Error::NotFound(Thing::Contact))?;
        next.version += 1;
        next.consents.retain(|consent| consent.channel != channel);
        let opted_in = request.opted_in;
        next.consents.push(Consent { channel, opted_in, source: source.clone(), at: now });
        if !contact::save(&tx, &core.cipher, (id, &next), now).await? {
            return Err(Error::Stale { version: next.version });
        }
        let to = next.address(channel);
        // As in ApplyContact: STOP from an address that nobody has proven to be his ends by START from there.
        if !to.is_empty() && opted_in && caller.has(CONFIGURE) {
            address::set_opted_out(&tx, &core.address_digest(channel, to), None).await?;
        }
        let detail = serde_json::json!({ "channel": channel, "optedIn": opted_in });
        record(&tx, (&caller.id, "contact.consent", id), (None, None), detail, request_id, now).await?;
        Ok(SetConsentResponse { contact: Some(core.contact_message(&*tx, id, &next).await?) })
    })
    .await
}
