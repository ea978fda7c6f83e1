//! `ApplyContact`: how an official is reached, said anew: the caller's own contact, or any for those who set up. What was marked
//! as failing is tried again.

use chrono::{DateTime, Utc};
use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_kit::idempotency::fingerprint;
use mpp_proto::notifications::v1::{self as proto, ApplyContactRequest, ApplyContactResponse};
use sea_orm::ConnectionTrait;

use super::access::{CONFIGURE, check_contact};
use super::create_notification::{account, addresses_are_sound};
use super::{Core, check_version, convert, record};
use crate::domain::channel::Channel;
use crate::domain::rules::OFFICIAL;
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
    check_contact(caller, &given.account_id)?;
    // The role decides about hours of rest: nobody gives one to himself. Who sets up says it, also to himself where he does.
    let is_own_form = given.account_id == caller.id && given.role.trim().is_empty();
    let sets_up = caller.has(CONFIGURE) && !is_own_form;
    let next = parse(&given, sets_up)?;
    let (print, request_id) = (fingerprint(&request), request.request_id.as_str());
    let (given, next) = (&given, &next);
    core.once(caller, METHOD, (&print, request_id), |tx, now| async move {
        let id = given.account_id.as_str();
        let before = contact::find(&*tx, &core.cipher, id).await?;
        let has = before.as_ref().map_or(0, |found| found.version);
        check_version(request.version, has)?;
        let mut next = Contact { version: has + 1, ..next.clone() };
        if !sets_up {
            next.role = before.as_ref().map_or_else(|| OFFICIAL.to_owned(), |found| found.role.clone());
        }
        for place in 0..next.consents.len() {
            next.consents[place].at =
                core.agreed_at(&*tx, before.as_ref(), &next, place).await?.unwrap_or(now);
        }
        if !contact::save(&tx, &core.cipher, (id, &next), now).await? {
            return Err(Error::Stale { version: has + 1 });
        }
        for channel in [Channel::Whatsapp, Channel::Email] {
            let to = next.address(channel);
            if !to.is_empty() {
                let digest = core.address_digest(channel, to);
                address::mark_sound(&tx, &digest).await?;
                // That a number is one's own is not proven: STOP from there ends by START from there, or by who sets up.
                if next.agrees(channel) && caller.has(CONFIGURE) {
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

fn parse(given: &proto::Contact, sets_up: bool) -> Result<Contact, Error> {
    let mut checker = Checker::new();
    account("contact.account_id", &given.account_id, &mut checker);
    addresses_are_sound("contact", (&given.whatsapp, &given.email), &mut checker);
    let role = checker.text("contact.role", &given.role, usize::from(sets_up), 60);
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
    /// Since when the consent at this place stands as it does: it is the same, from the same source and to the same address, and
    /// was not ended from there meanwhile. `None` for one that is given or ended now.
    async fn agreed_at(
        &self,
        db: &impl ConnectionTrait,
        before: Option<&Contact>,
        next: &Contact,
        place: usize,
    ) -> Result<Option<DateTime<Utc>>, Error> {
        let (consent, Some(before)) = (&next.consents[place], before) else { return Ok(None) };
        let (channel, to) = (consent.channel, next.address(consent.channel));
        let known = before
            .consents
            .iter()
            .find(|it| (it.channel, it.opted_in, &it.source) == (channel, consent.opted_in, &consent.source));
        let Some(known) = known.filter(|_| before.address(channel) == to) else { return Ok(None) };
        if consent.opted_in && !to.is_empty() {
            let address = address::find(db, &self.address_digest(channel, to)).await?;
            return Ok(address.opted_out_at.is_none().then_some(known.at));
        }
        Ok(Some(known.at))
    }

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
