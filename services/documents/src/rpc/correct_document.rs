//! `CorrectDocument` and `RenewDocument`: a new application that replaces a document when it is signed. The old one holds
//! until then, and every version is kept.

use std::sync::Arc;

use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_kit::fault::Problem;
use mpp_proto::documents::v1::{
    self as proto, CorrectDocumentRequest, CorrectDocumentResponse, RenewDocumentRequest,
    RenewDocumentResponse,
};
use prost::Message;
use tonic::Response;

use super::case::Asking;
use super::content::Wanted;
use super::submit_application::{Filed, Replaces};
use super::{Core, check_touched, convert, get_document};
use crate::domain::document::{DocumentVerb, TRANSITIONS};
use crate::domain::field::Values;
use crate::error::Error;

pub(super) async fn correct(
    core: &Core,
    caller: &Caller,
    request: CorrectDocumentRequest,
) -> Result<Response<CorrectDocumentResponse>, Error> {
    let mut checker = Checker::new();
    let reason = checker.text("reason", &request.reason, 10, 500);
    checker.finish()?;
    let again = Again {
        method: "mpp.documents.v1.DocumentsService/CorrectDocument",
        request_id: &request.request_id,
        document: &request.document,
        version: request.version,
        values: Some(convert::values(request.values.as_ref())),
        subject: request.subject.clone(),
        reason,
    };
    let application = Some(core.issue_again(caller, &request, again).await?);
    Ok(Response::new(CorrectDocumentResponse { application }))
}

pub(super) async fn renew(
    core: &Core,
    caller: &Caller,
    request: RenewDocumentRequest,
) -> Result<Response<RenewDocumentResponse>, Error> {
    let again = Again {
        method: "mpp.documents.v1.DocumentsService/RenewDocument",
        request_id: &request.request_id,
        document: &request.document,
        version: request.version,
        values: None,
        subject: None,
        reason: String::new(),
    };
    let application = Some(core.issue_again(caller, &request, again).await?);
    Ok(Response::new(RenewDocumentResponse { application }))
}

struct Again<'a> {
    method: &'static str,
    request_id: &'a str,
    document: &'a str,
    version: u32,
    /// `None`: as they were; it is renewed, not corrected.
    values: Option<Values>,
    /// `None`: as he was.
    subject: Option<proto::Subject>,
    reason: String,
}

impl Core {
    async fn issue_again<T: Message + Sync>(
        &self,
        caller: &Caller,
        request: &T,
        again: Again<'_>,
    ) -> Result<proto::Application, Error> {
        let kept: Option<CorrectDocumentResponse> =
            self.kept(caller, again.method, (request, again.request_id)).await?;
        if let Some(application) = kept.and_then(|kept| kept.application) {
            return Ok(application);
        }
        let id = get_document::read_id(again.document)?;
        let (document, _) = self.document_of(&self.db.read, caller, "documents.revoke", id).await?;
        check_touched(again.version, document.touched(), document.version)?;
        if TRANSITIONS.next(document.state, DocumentVerb::Replace).is_none() {
            return Err(Problem::precondition(
                "NOT_PERMITTED_IN_STATE",
                format!("Dokumen ini sudah {}; terbitkan permohonan baru.", document.state.label()),
                format!("The document is {}; make a new application.", document.state),
            )
            .with("state", document.state)
            .into());
        }
        let old = self.application(&self.db.read, document.application).await?;
        // A correction says right what the document should have said, by the version it was made by, whatever became of the type.
        // A renewal is a new decision: it follows the type as it is now.
        let letter = match again.values {
            Some(_) => Arc::clone(&old.letter),
            None => self.types.published(&self.db.read, &document.letter_type).await?,
        };
        let was = convert::subject(&old);
        let subject = match again.subject {
            Some(subject) => proto::Subject { area: was.area, non_resident: was.non_resident, ..subject },
            None => was,
        };
        let office = old.agency();
        let wanted = Wanted {
            letter: &letter,
            office_id: &office,
            subject: &subject,
            values: again.values.unwrap_or_else(|| old.record.case.content.values.clone()),
            attachments: &[],
            papers: false,
            with_optional_steps: old.record.case.content.with_optional_steps,
            papers_seen_by: String::new(),
        };
        let sound = self.sound(&self.db.read, wanted).await?;
        self.proof(&letter, &sound.content, &sound.offices).await?;
        let answer: CorrectDocumentResponse = self
            .once(caller, again.method, (request, again.request_id), |tx, now| async move {
                let asking = Asking { who: &caller.id, request_id: again.request_id };
                let filed = Filed {
                    // It is the application of who filed the first one, not of who corrects it.
                    account: old.application().applicant.account.clone(),
                    language: old.record.case.told_in(),
                    replaces: Some(Replaces { document: document.id, because: again.reason }),
                };
                let loaded = self.create(&tx, &letter, sound, filed, asking, now).await?;
                let actor = self.actor(&*tx, &loaded, caller).await?;
                let application = self.shown(&*tx, &loaded, &actor).await?;
                Ok(CorrectDocumentResponse { application: Some(application) })
            })
            .await?;
        answer.application.ok_or_else(|| anyhow::anyhow!("a kept answer holds no application").into())
    }
}
