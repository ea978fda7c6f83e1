//! `GetApplication`: an application of which a step lies within the caller's reach. Each look is recorded.

use chrono::TimeDelta;
use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_proto::documents::v1::{GetApplicationRequest, GetApplicationResponse};
use sea_orm::ConnectionTrait;
use serde_json::json;
use tonic::Response;

use super::case::Loaded;
use super::{Core, convert, integration};
use crate::domain::ApplicationId;
use crate::domain::workflow::Actor;
use crate::domain::workflow::decide;
use crate::error::{Error, Thing};
use crate::store;

pub(super) async fn handle(
    core: &Core,
    caller: &Caller,
    request: GetApplicationRequest,
) -> Result<Response<GetApplicationResponse>, Error> {
    let id = read_id(&request.application)?;
    let (loaded, actor) = core.application_of(&core.db.read, caller, id).await?;
    let subject = id.to_string();
    core.looked((&caller.id, "application.viewed", &subject), json!({})).await?;
    let application = core.shown(&core.db.read, &loaded, &actor).await?;
    let licence = integration::licence_of(core, &core.db.read, caller, id).await?;
    Ok(Response::new(GetApplicationResponse {
        licence,
        application: Some(application),
        signing_credential: convert::signing_credential(core.signers.takes()).into(),
    }))
}

/// The id of an application in a request.
pub(super) fn read_id(text: &str) -> Result<ApplicationId, Error> {
    let mut checker = Checker::new();
    let id = checker.id("application", text);
    checker.finish()?;
    id.ok_or(Error::NotFound(Thing::Application))
}

impl Core {
    /// An application as an official sees it, with what the official may do now.
    pub(super) async fn shown(
        &self,
        db: &impl ConnectionTrait,
        loaded: &Loaded,
        actor: &Actor,
    ) -> Result<mpp_proto::documents::v1::Application, Error> {
        let now = self.now();
        let case = &loaded.record.case;
        let window = i64::from(loaded.letter.duplicate_window_days);
        let duplicates = match (&case.subject_key, window) {
            (Some(key), 1..) => {
                let since = loaded.record.submitted_at - TimeDelta::days(window);
                let id = case.application.id;
                store::application::similar(db, key, &case.content.letter_type, since, id).await?
            }
            (Some(_) | None, _) => Vec::new(),
        };
        let mut allowed = decide::allowed(loaded.application(), actor, &loaded.calendar(), now);
        // The rules know roles; who is listed as a signatory, and whom the paper names, is known here.
        let signs = |verb: &&str| matches!(*verb, "BEGIN_SIGNING" | "SIGN_BY_HAND");
        if allowed.iter().any(signs) && !self.may_sign(db, loaded, &actor.id).await? {
            allowed.retain(|verb| !signs(verb));
        }
        let allowed = allowed.into_iter().map(str::to_owned).collect();
        let duplicates = duplicates.iter().map(ToString::to_string).collect();
        Ok(convert::application(loaded, allowed, duplicates, now))
    }
}
