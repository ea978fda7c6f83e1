//! `PrefillApplication`: what a person told before, for the form of another type, to who holds the code of an earlier
//! application and knows the person's whole number. Each look is entered into the person's access log before it is told; wrong
//! numbers are counted for each application ([`super::tries`]).
//!
//! Anybody can begin an application with another's number. So an application that is not issued gives back what was told
//! with it and nothing else; what was told with others is for who was found to be that person. One that was returned gives
//! back all of it, for its correction.

use std::sync::Arc;

use mpp_kit::caller::Caller;
use mpp_proto::documents::v1::{PrefillApplicationRequest, PrefillApplicationResponse};
use serde_json::json;
use subtle::ConstantTimeEq as _;
use tonic::Response;

use super::content::told;
use super::tries::Entry;
use super::{Core, convert};
use crate::domain::field::Values;
use crate::domain::workflow::State;
use crate::error::{Error, Thing};
use crate::store;

pub(super) async fn handle(
    core: &Core,
    caller: &Caller,
    request: PrefillApplicationRequest,
) -> Result<Response<PrefillApplicationResponse>, Error> {
    let loaded = core.application_by_code(&core.db.read, &request.code).await?;
    // What was returned is corrected, by the version it was made by; everything else is told anew.
    let corrects = loaded.application().state == State::Returned
        && loaded.record.case.content.letter_type == request.letter_type;
    let letter = match corrects {
        true => Arc::clone(&loaded.letter),
        false => core.types.published(&core.db.read, &request.letter_type).await?,
    };
    let key = core.person_key(request.nik.trim());
    let same = loaded
        .application()
        .applicant
        .person
        .as_deref()
        .is_some_and(|known| bool::from(known.as_bytes().ct_eq(key.as_bytes())));
    let id = loaded.application().id.to_string();
    let detail = json!({"letterType": letter.key, "application": id});
    let made = Entry { what: "person.prefilled", subject: &key, detail };
    let refused = Entry { what: "application.prefill_refused", subject: &id, detail: json!({}) };
    core.tried(caller.who(), same, (made, refused)).await?;
    if !same {
        return Err(Error::NotFound(Thing::Code));
    }
    let attributes = match loaded.application().state {
        State::Issued | State::HandedOver => {
            store::person::find(&core.db.read, &core.cipher, &key).await?.unwrap_or_default().attributes
        }
        State::Draft
        | State::InReview
        | State::Returned
        | State::AwaitingPayment
        | State::AwaitingSignature
        | State::Signing
        | State::AwaitingScan
        | State::Rejected
        | State::Withdrawn => told(&loaded.letter, &loaded.record.case.content.values),
    };
    let content = &loaded.record.case.content;
    let asked = letter.fields.iter().filter(|field| !convert::comes_from_subject(field));
    let values: Values = if corrects {
        asked.filter_map(|field| Some((field.key.clone(), content.values.get(&field.key)?.clone()))).collect()
    } else {
        asked
            .filter_map(|field| {
                Some((field.key.clone(), attributes.get(&field.prefill?.to_string())?.clone()))
            })
            .collect()
    };
    let attachments = if corrects { content.attachments.as_slice() } else { &[] };
    Ok(Response::new(PrefillApplicationResponse {
        subject: Some(convert::subject(&loaded)),
        values: Some(convert::structure(&values)),
        attachments: attachments.iter().map(convert::attachment).collect(),
    }))
}
