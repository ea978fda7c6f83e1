//! `RevokeDocument`: its page says so at once; the file is kept.

use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_kit::fault::Problem;
use mpp_proto::documents::v1::{RevokeDocumentRequest, RevokeDocumentResponse};
use sea_orm::DatabaseTransaction;
use serde_json::json;
use tonic::Response;

use super::case::Asking;
use super::{Core, check_touched, get_document, record};
use crate::domain::EventId;
use crate::domain::document::{DocumentState, DocumentVerb, TRANSITIONS};
use crate::error::Error;
use crate::store;
use crate::store::document::Document;

const METHOD: &str = "mpp.documents.v1.DocumentsService/RevokeDocument";

pub(super) async fn handle(
    core: &Core,
    caller: &Caller,
    request: RevokeDocumentRequest,
) -> Result<Response<RevokeDocumentResponse>, Error> {
    let id = get_document::read_id(&request.document)?;
    let mut checker = Checker::new();
    let reason = checker.text("reason", &request.reason, 10, 500);
    checker.finish()?;
    let request = &request;
    let answer: RevokeDocumentResponse = core
        .once(caller, METHOD, (request, &request.request_id), |tx, now| async move {
            let (mut document, office) = core.document_of(&*tx, caller, "documents.revoke", id).await?;
            check_touched(request.version, document.touched(), document.version)?;
            document.body.end_reason = reason;
            let asking = Asking { who: &caller.id, request_id: &request.request_id };
            core.end(&tx, &mut document, DocumentVerb::Revoke, office.area.as_str(), asking, now).await?;
            let document = core.document_shown(&*tx, &document, &office).await?;
            Ok(RevokeDocumentResponse { document: Some(document) })
        })
        .await?;
    Ok(Response::new(answer))
}

impl Core {
    /// Ends the validity of a document: revoked, replaced or expired.
    pub(crate) async fn end(
        &self,
        tx: &DatabaseTransaction,
        document: &mut Document,
        verb: DocumentVerb,
        area: &str,
        asking: Asking<'_>,
        now: chrono::DateTime<chrono::Utc>,
    ) -> Result<(), Error> {
        let before = document.state;
        let Some(next) = TRANSITIONS.next(before, verb) else {
            return Err(Problem::precondition(
                "NOT_PERMITTED_IN_STATE",
                format!(
                    "Dokumen ini sudah {}; keadaannya tidak dapat diubah lagi seperti itu.",
                    before.label()
                ),
                format!("The document is {before}; this cannot be done to it any more."),
            )
            .with("state", before)
            .with("verb", verb)
            .into());
        };
        document.state = next;
        document.version += 1;
        document.body.ended_at = Some(now);
        if !store::document::update(tx, &self.cipher, document).await? {
            return Err(Error::Stale { version: document.version });
        }
        if next == DocumentState::Revoked {
            let loaded = self.application(tx, document.application).await?;
            self.notify_of_revocation(tx, &loaded, now).await?;
        }
        let id = document.id.to_string();
        let (what, kind) = match next {
            DocumentState::Revoked => ("document.revoked", "surat.dicabut"),
            DocumentState::Replaced => ("document.replaced", "surat.digantikan"),
            DocumentState::Expired => ("document.expired", "surat.kedaluwarsa"),
            DocumentState::Valid => ("document.valid", "surat.berlaku"),
        };
        let data = json!({
            "document": id,
            "application": document.application.to_string(),
            "letterType": document.letter_type,
            "office": area,
            "state": next.to_string(),
            "version": document.version,
            "signature": document.signature.to_string(),
        });
        let event = mpp_kit::event::Event {
            id: EventId::generate().to_string(),
            kind,
            subject: id.clone(),
            area: area.to_owned(),
            data,
            at: now,
        };
        mpp_kit::event::append(tx, &event).await?;
        let states = (Some(before.to_string()), Some(next.to_string()));
        record(
            tx,
            (asking.who, what, &id),
            states,
            json!({"version": document.version}),
            asking.request_id,
            now,
        )
        .await?;
        Ok(())
    }
}
