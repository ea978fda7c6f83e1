//! `RetireLetterType`: takes a type out of the offer.

use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_proto::documents::v1::{RetireLetterTypeRequest, RetireLetterTypeResponse};
use serde_json::json;
use tonic::Response;

use super::{Core, convert, record};
use crate::domain::letter_type::TypeState;
use crate::error::{Error, Thing};
use crate::store;

const METHOD: &str = "mpp.documents.v1.DocumentsService/RetireLetterType";

pub(super) async fn handle(
    core: &Core,
    caller: &Caller,
    request: RetireLetterTypeRequest,
) -> Result<Response<RetireLetterTypeResponse>, Error> {
    let mut checker = Checker::new();
    let reason = checker.text("reason", &request.reason, 3, 500);
    checker.finish()?;
    let request = &request;
    let answer: RetireLetterTypeResponse = core
        .once(caller, METHOD, (request, &request.request_id), |tx, now| async move {
            let key = &request.letter_type;
            let version = store::letter_type::in_state(&*tx, key, TypeState::Published)
                .await?
                .ok_or(Error::NotFound(Thing::LetterType))?;
            let retire = (TypeState::Published, TypeState::Retired);
            if !store::letter_type::transit(&*tx, (key, version.version), retire, None).await? {
                return Err(Error::Stale { version: version.version });
            }
            let subject = format!("{key}@{}", version.version);
            let states = (Some(TypeState::Published.to_string()), Some(TypeState::Retired.to_string()));
            let who = (caller.id.as_str(), "letter_type.retired", subject.as_str());
            record(&tx, who, states, json!({"reason": reason}), &request.request_id, now).await?;
            let version = store::letter_type::find(&*tx, key, version.version).await?;
            Ok(RetireLetterTypeResponse { version: version.map(convert::letter_type_version) })
        })
        .await?;
    Ok(Response::new(answer))
}
