//! `ResendLicenceMessage`: the way on after OSS refused a message. The person mends at OSS what it was refused for; here it is
//! said again as it was, in its place.

use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_kit::fault::Problem;
use mpp_proto::documents::v1::{ResendLicenceMessageRequest, ResendLicenceMessageResponse};
use serde_json::json;
use tonic::Response;

use super::super::{Core, check_version, record};
use super::{at_work, licence_message, may_resend};
use crate::adapter::oss::receive::announce;
use crate::domain::licence::{LicenceId, LicenceMessageId, MessageState};
use crate::error::{Error, Thing};
use crate::store::licence;

const METHOD: &str = "mpp.documents.v1.DocumentsService/ResendLicenceMessage";

pub(in crate::rpc) async fn handle(
    core: &Core,
    caller: &Caller,
    request: ResendLicenceMessageRequest,
) -> Result<Response<ResendLicenceMessageResponse>, Error> {
    let mut checker = Checker::new();
    let id: Option<LicenceId> = checker.id("licence", &request.licence);
    let message: Option<LicenceMessageId> = checker.id("message", &request.message);
    checker.finish()?;
    let (Some(id), Some(message)) = (id, message) else {
        return Err(anyhow::anyhow!("the checker let an empty field pass").into());
    };
    let request = &request;
    let mut answer: ResendLicenceMessageResponse = core
        .once(caller, METHOD, (request, &request.request_id), |tx, now| async move {
            let (mut found, _) = at_work(core, &*tx, caller, id).await?;
            check_version(request.version, found.version)?;
            // Its row keeps others from writing or moving a message of it at the same time.
            found.version += 1;
            found.updated_at = now;
            if !licence::update(&tx, &core.cipher, &found).await? {
                return Err(Error::Stale { version: found.version });
            }
            let mut messages = licence::messages(&*tx, &core.cipher, id).await?;
            let at =
                messages.iter().position(|it| it.id == message).ok_or(Error::NotFound(Thing::Licence))?;
            if !may_resend(&messages, at) {
                return Err(Problem::precondition(
                    "NOT_REFUSED",
                    "Kiriman ini tidak ditolak OSS, atau OSS sudah menerima kiriman sesudahnya.",
                    "OSS did not refuse this message, or has taken one that came after it.",
                )
                .into());
            }
            let again = &mut messages[at];
            let detail = json!({ "message": message.to_string(), "kind": again.kind.to_string() });
            again.state = MessageState::Pending;
            // What it was refused with is known: OSS has not taken it.
            again.unclear = false;
            again.due_at = now;
            licence::save_message(&tx, again, now).await?;
            announce(&tx, &found, "izin.status", now).await?;
            let states = (Some(MessageState::Refused.to_string()), Some(MessageState::Pending.to_string()));
            let subject = id.to_string();
            let what = (caller.id.as_str(), "licence.resent", subject.as_str());
            record(&tx, what, states, detail, &request.request_id, now).await?;
            let mut told = licence_message(&found, &messages);
            // Added below: this answer is kept for repetitions, and a name is not to be kept in the clear.
            told.nama_perseroan.clear();
            Ok(ResendLicenceMessageResponse { licence: Some(told) })
        })
        .await?;
    // The writer: a reader may lag behind what was just written.
    let found = licence::find(&core.db.write, &core.cipher, id).await?;
    if let (Some(told), Some(found)) = (answer.licence.as_mut(), found) {
        told.nama_perseroan = found.body.nama_perseroan;
    }
    Ok(Response::new(answer))
}
