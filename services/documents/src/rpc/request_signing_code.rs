//! `RequestSigningCode`: the signing service sends its one-time code to the caller, for letters that wait for his signature.

use std::sync::Arc;

use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_kit::fault::Fault as _;
use mpp_proto::documents::v1::{RequestSigningCodeRequest, RequestSigningCodeResponse};
use serde_json::json;
use tonic::Response;

use super::sign_applications::read_batch;
use super::{Core, convert, record};
use crate::adapter::signer::SigningError;
use crate::domain::ApplicationId;
use crate::domain::workflow::decide;
use crate::error::Error;

pub(super) async fn handle(
    core: &Arc<Core>,
    caller: &Caller,
    request: RequestSigningCodeRequest,
) -> Result<Response<RequestSigningCodeResponse>, Error> {
    let mut checker = Checker::new();
    let ids = read_batch(&mut checker, &request.applications);
    checker.finish()?;
    let (asking, who, id) = (Arc::clone(core), caller.clone(), request.request_id.clone());
    let work = async move { asking.request_code(&who, &ids, &id).await };
    let key = (request.applications.as_slice(), request.request_id.as_str());
    Ok(Response::new(core.codes.once(caller, key, core.now(), work).await?))
}

impl Core {
    async fn request_code(
        &self,
        caller: &Caller,
        ids: &[ApplicationId],
        request_id: &str,
    ) -> Result<RequestSigningCodeResponse, Error> {
        let mut nik = None;
        let mut checker = Checker::new();
        for (at, id) in ids.iter().enumerate() {
            let (loaded, actor) = self.application_of(&self.db.read, caller, *id).await?;
            let (calendar, now) = (loaded.calendar(), self.now());
            let may = decide::allowed(loaded.application(), &actor, &calendar, now);
            let acting = self.signer_of(&self.db.read, &loaded, &caller.id).await?;
            let own = acting.signer.nik.ok_or_else(|| SigningError::NoNumber.problem())?;
            let first = nik.get_or_insert_with(|| own.clone());
            // A code is for one person: where two offices know him by different numbers, one of them errs.
            if !may.contains(&"BEGIN_SIGNING") || *first != own {
                checker.violation(
                    format!("applications[{at}]"),
                    "NOT_YOURS_TO_SIGN",
                    "surat ini tidak sedang menunggu tanda tangan Anda",
                    "this letter does not wait for your signature",
                );
            }
        }
        checker.finish()?;
        let nik = nik.ok_or_else(|| SigningError::NoNumber.problem())?;
        let sent = self.signers.request_code(nik.reveal(), ids.len()).await;
        sent.map_err(|error| Error::from(error.problem()))?;
        let tx = self.db.begin().await?;
        for id in ids {
            let what = (caller.id.as_str(), "application.signing_code_requested", id.to_string());
            let detail = json!({ "letters": ids.len() });
            record(&tx, (what.0, what.1, &what.2), (None, None), detail, request_id, self.now()).await?;
        }
        tx.commit().await?;
        Ok(RequestSigningCodeResponse { letters: convert::count(ids.len()) })
    }
}
