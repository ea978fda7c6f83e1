//! `ApplyContact`: how an official is reached, said anew. What was marked as failing is tried again.

use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_kit::idempotency::fingerprint;
use mpp_proto::notifications::v1::{self as proto, ApplyContactRequest, ApplyContactResponse};
use sea_orm::ConnectionTrait;

use super::create_notification::{account, addresses_are_sound};
use super::{Core, check_version, convert, record};
use crate::domain::channel::Channel;
use crate::error::Error;
use crate::store::address;
use crate::store::contact::{self, Consent, Contact};

const METHOD: &str = "mpp.notifications.v1.NotificationsService/ApplyContact";

pub(super) async fn handle(
    core: &Core,
    caller: &Caller,
    request: ApplyContactRequest,
) -> Result<ApplyContactResponse, Error> {
    let given = request.contact.clone().unwrap_or_default();
    let next = parse(&given)?;
    let (print, request_id) = (fingerprint(&request), request.request_id.as_str());
    let (given, next) = (&given, &next);
    core.once(caller, METHOD, (&print, request_id), |tx, now| async move {
        let id = given.account_id.as_str();
        let has = contact::find(&*tx, &core.cipher, id).await?.map_or(0, |found| found.version);
        check_version(request.version, has)?;
        let mut next = Contact { version: has + 1, ..next.clone() };
        for consent in &mut next.consents {
            consent.at = now;
        }
        if !contact::save(&tx, &core.cipher, (id, &next), now).await? {
            return Err(Error::Stale { version: has + 1 });
        }
        for channel in [Channel::Whatsapp, Channel::Email] {
            let to = next.address(channel);
            if !to.is_empty() {
                let digest = core.address_digest(channel, to);
                address::mark_sound(&tx, &digest).await?;
                if next.agrees(channel) {
                    address::set_opted_out(&tx, &digest, None).await?;
                }
            }
        }
        let detail = serde_json::json!({
            "consents": next.consents.iter().map(|consent| {
                serde_json::json!({ "channel": consent.channel, "optedIn": consent.opted_in })
            }).collect::<Vec<_>>(),
        });
        record(&tx, (&caller.id, "contact.applied", id), (None, None), detail, request_id, now).await?;
        Ok(ApplyContactResponse { contact: Some(core.contact_message(&*tx, id, &next).await?) })
    })
    .await
}

fn parse(given: &proto::Contact) -> Result<Contact, Error> {
    let mut checker = Checker::new();
    account("contact.account_id", &given.account_id, &mut checker);
    addresses_are_sound("contact", (&given.whatsapp, &given.email), &mut checker);
    let role = checker.text("contact.role", &given.role, 1, 60);
    let language = convert::language("contact.language", &given.language, &mut checker);
    let mut consents: Vec<Consent> = Vec::new();
    for (index, consent) in given.consents.iter().enumerate() {
        let field = format!("contact.consents[{index}]");
        let Some(channel) = convert::channel(&format!("{field}.channel"), consent.channel, &mut checker)
        else {
            continue;
        };
        if consents.iter().any(|known| known.channel == channel) {
            checker.violation(
                format!("{field}.channel"),
                "DUPLICATE",
                "sebut setiap kanal satu kali",
                "name each channel once",
            );
        }
        // Consent that nobody can show the source of is none (UU 27/2022).
        let least = usize::from(consent.opted_in);
        let source = checker.text(&format!("{field}.source"), &consent.source, least, 200);
        consents.push(Consent { channel, opted_in: consent.opted_in, source, at: Default::default() });
    }
    checker.finish()?;
    Ok(Contact {
        whatsapp: given.whatsapp.clone(),
        email: given.email.clone(),
        role,
        language,
        consents,
        version: 0,
    })
}

impl Core {
    /// A contact for the wire, with what is known of its addresses.
    pub(super) async fn contact_message(
        &self,
        db: &impl ConnectionTrait,
        account: &str,
        contact: &Contact,
    ) -> Result<proto::Contact, Error> {
        let mut known = Vec::new();
        for channel in [Channel::Whatsapp, Channel::Email] {
            let to = contact.address(channel);
            if !to.is_empty() {
                known.push((channel, address::find(db, &self.address_digest(channel, to)).await?));
            }
        }
        let of = |channel| known.iter().find(|(it, _)| *it == channel).map(|(_, address)| address.clone());
        Ok(convert::contact(account, contact, of))
    }
}
