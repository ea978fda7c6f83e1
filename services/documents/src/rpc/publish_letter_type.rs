//! `PublishLetterType`: a second person puts a draft in force.

use mpp_kit::caller::Caller;
use mpp_kit::fault::{Problem, Text, Violation};
use mpp_proto::documents::v1::{PublishLetterTypeRequest, PublishLetterTypeResponse};
use serde_json::json;
use tonic::{Code, Response};

use super::{Core, convert, record};
use crate::catalogue;
use crate::domain::letter_type::TypeState;
use crate::error::{Error, Thing};
use crate::store;
use crate::store::letter_type::{Publication, Version};

const METHOD: &str = "mpp.documents.v1.DocumentsService/PublishLetterType";

pub(super) async fn handle(
    core: &Core,
    caller: &Caller,
    request: PublishLetterTypeRequest,
) -> Result<Response<PublishLetterTypeResponse>, Error> {
    // Rendered before the transaction: it takes a moment, and nothing is held meanwhile.
    let key = request.letter_type.clone();
    let checked = store::letter_type::in_state(&core.db.read, &key, TypeState::Draft).await?;
    let frozen = match &checked {
        Some(draft) => check(core, draft).await?,
        // There is none, or it was published by this request before.
        None => String::new(),
    };
    let request = &request;
    let answer: PublishLetterTypeResponse = core
        .once(caller, METHOD, (request, &request.request_id), |tx, now| async move {
            let draft = store::letter_type::in_state(&*tx, &key, TypeState::Draft)
                .await?
                .ok_or(Error::NotFound(Thing::LetterType))?;
            if i64::from(draft.version) != i64::from(request.draft_version) {
                return Err(Error::Stale { version: draft.version });
            }
            if draft.author == caller.id {
                return Err(own_draft());
            }
            if checked.as_ref() != Some(&draft) {
                // Written over since it was checked: what would be frozen is not what it says.
                return Err(Error::Stale { version: draft.version });
            }
            if let Some(before) = store::letter_type::in_state(&*tx, &key, TypeState::Published).await? {
                let retire = (TypeState::Published, TypeState::Retired);
                store::letter_type::transit(&*tx, (&key, before.version), retire, None).await?;
            }
            let publish = (TypeState::Draft, TypeState::Published);
            let by = Some(Publication { publisher: &caller.id, at: now, frozen: &frozen });
            if !store::letter_type::transit(&*tx, (&key, draft.version), publish, by).await? {
                return Err(Error::Stale { version: draft.version });
            }
            let subject = format!("{key}@{}", draft.version);
            let states = (Some(TypeState::Draft.to_string()), Some(TypeState::Published.to_string()));
            let who = (caller.id.as_str(), "letter_type.published", subject.as_str());
            record(&tx, who, states, json!({}), &request.request_id, now).await?;
            let version = store::letter_type::find(&*tx, &key, draft.version).await?;
            Ok(PublishLetterTypeResponse { version: version.map(convert::letter_type_version) })
        })
        .await?;
    Ok(Response::new(answer))
}

/// Refuses a draft that cannot be published; answers what it says, to be kept.
async fn check(core: &Core, draft: &Version) -> Result<String, Error> {
    let read = catalogue::read_definition(&draft.definition, &draft.template)
        .map_err(|error| defective(vec![error.to_string()]))?;
    let defects = catalogue::defects_of(&read);
    if !defects.is_empty() {
        return Err(defective(defects));
    }
    core.press.preview(&read).await?;
    Ok(catalogue::freeze(&read)?)
}

fn own_draft() -> Error {
    Problem::new(
        Code::PermissionDenied,
        "OWN_DRAFT",
        "Rancangan diterbitkan oleh orang lain, bukan penulisnya. Minta rekan memeriksa dan menerbitkannya.",
        "A draft is published by somebody else than its author. Ask a colleague to read and publish it.",
    )
    .into()
}

/// Refuses with everything that is missing, by name.
fn defective(defects: Vec<String>) -> Error {
    let mut problem = Problem::precondition(
        "NOT_PUBLISHABLE",
        "Rancangan belum dapat diterbitkan. Lengkapi yang disebutkan.",
        "The draft cannot be published yet. Complete what is listed.",
    );
    problem.violations = defects
        .into_iter()
        .map(|defect| Violation {
            field: "letter_type".to_owned(),
            reason: "DEFECT",
            text: Text::new(defect.clone(), defect),
        })
        .collect();
    problem.into()
}
