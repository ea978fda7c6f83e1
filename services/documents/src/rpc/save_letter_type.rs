//! `SaveLetterType`: a draft, new or over the one that is there.

use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_proto::documents::v1::{SaveLetterTypeRequest, SaveLetterTypeResponse};
use serde_json::json;
use tonic::Response;

use super::{Core, convert, record};
use crate::catalogue;
use crate::domain::letter_type::{LetterType, MAX_TEMPLATE, TypeState};
use crate::error::Error;
use crate::store;
use crate::store::letter_type::Version;

const METHOD: &str = "mpp.documents.v1.DocumentsService/SaveLetterType";
/// Bytes of a definition at most.
pub(super) const MAX_DEFINITION: usize = 128 * 1024;

pub(super) async fn handle(
    core: &Core,
    caller: &Caller,
    request: SaveLetterTypeRequest,
) -> Result<Response<SaveLetterTypeResponse>, Error> {
    let draft = read(&request.definition, &request.template)?;
    let request = &request;
    let answer: SaveLetterTypeResponse = core
        .once(caller, METHOD, (request, &request.request_id), |tx, now| async move {
            let current = store::letter_type::versions(&*tx, &draft.key, None, 1).await?.pop();
            // The draft that is there is written over; after a published or retired one, the next number.
            let number = current.map_or(1, |version| match version.state {
                TypeState::Draft => version.version,
                TypeState::Published | TypeState::Retired => version.version + 1,
            });
            let version = Version {
                key: draft.key.clone(),
                version: number,
                state: TypeState::Draft,
                definition: request.definition.clone(),
                template: request.template.clone(),
                frozen: None,
                author: caller.id.clone(),
                publisher: None,
                created_at: now,
                published_at: None,
            };
            store::letter_type::save_draft(&*tx, &version).await?;
            let subject = format!("{}@{number}", draft.key);
            let who = (caller.id.as_str(), "letter_type.saved", subject.as_str());
            record(&tx, who, (None, None), json!({}), &request.request_id, now).await?;
            Ok(SaveLetterTypeResponse { version: Some(convert::letter_type_version(version)) })
        })
        .await?;
    Ok(Response::new(answer))
}

/// Reads definition and template, and names what cannot be read.
pub(super) fn read(definition: &str, template: &str) -> Result<LetterType, Error> {
    let mut checker = Checker::new();
    for (field, text, limit) in
        [("definition", definition, MAX_DEFINITION), ("template", template, MAX_TEMPLATE)]
    {
        if text.trim().is_empty() || text.len() > limit {
            checker.violation(
                field,
                "INVALID_LENGTH",
                format!("isi dengan 1 sampai {limit} byte"),
                format!("give 1 to {limit} bytes"),
            );
        }
    }
    let read = catalogue::read_definition(definition, template);
    if let Err(error) = &read {
        checker.violation("definition", "INVALID_DEFINITION", error.to_string(), error.to_string());
    }
    checker.finish()?;
    read.map_err(|error| anyhow::anyhow!("{error}").into())
}
