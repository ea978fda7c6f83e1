//! `GetDocument`: an issued document within the caller's reach. Each look is recorded.

use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_proto::documents::v1::{self as proto, GetDocumentRequest, GetDocumentResponse};
use sea_orm::ConnectionTrait;
use serde_json::json;
use tonic::Response;

use super::access::Areas;
use super::{Core, convert};
use crate::domain::DocumentId;
use crate::domain::document::{DocumentVerb, TRANSITIONS};
use crate::domain::office::Office;
use crate::error::{Error, Thing};
use crate::store;
use crate::store::document::Document;

pub(super) async fn handle(
    core: &Core,
    caller: &Caller,
    request: GetDocumentRequest,
) -> Result<Response<GetDocumentResponse>, Error> {
    let id = read_id(&request.document)?;
    let (document, office) = core.document_of(&core.db.read, caller, "documents.read", id).await?;
    core.looked((&caller.id, "document.viewed", &id.to_string()), json!({})).await?;
    let allowed = core.verbs_of(caller, &document, &office).await?;
    let mut document = core.document_shown(&core.db.read, &document, &office).await?;
    document.allowed_verbs = allowed;
    Ok(Response::new(GetDocumentResponse { document: Some(document) }))
}

/// The id of a document in a request.
pub(super) fn read_id(text: &str) -> Result<DocumentId, Error> {
    let mut checker = Checker::new();
    let id = checker.id("document", text);
    checker.finish()?;
    id.ok_or(Error::NotFound(Thing::Document))
}

impl Core {
    /// A document with its office, if the caller has this permission there.
    pub(super) async fn document_of(
        &self,
        db: &impl ConnectionTrait,
        caller: &Caller,
        permission: &str,
        id: DocumentId,
    ) -> Result<(Document, Office), Error> {
        let document =
            store::document::find(db, &self.cipher, id).await?.ok_or(Error::NotFound(Thing::Document))?;
        let office = store::office::find(db, &self.cipher, document.office)
            .await?
            .filter(|office| Areas::of(caller, permission).reach(office.area.as_str()))
            .ok_or(Error::NotFound(Thing::Document))?;
        Ok((document, office))
    }

    /// What the service would accept from the caller now.
    async fn verbs_of(
        &self,
        caller: &Caller,
        document: &Document,
        office: &Office,
    ) -> Result<Vec<String>, Error> {
        if !Areas::of(caller, "documents.revoke").reach(office.area.as_str()) {
            return Ok(Vec::new());
        }
        let may = |verb| TRANSITIONS.next(document.state, verb).is_some();
        // A renewal follows the type as it is now, a correction the version that the document was made by.
        let offered = match self.types.published(&self.db.read, &document.letter_type).await {
            Ok(_) => true,
            // Nobody offers it any more; or not here, while the suite is updated.
            Err(Error::NotFound(_) | Error::LaterRelease { .. }) => false,
            Err(error) => return Err(error),
        };
        let replaces = may(DocumentVerb::Replace);
        let verbs =
            [("REVOKE", may(DocumentVerb::Revoke)), ("CORRECT", replaces), ("RENEW", replaces && offered)];
        Ok(verbs.into_iter().filter(|(_, may)| *may).map(|(verb, _)| verb.to_owned()).collect())
    }

    /// A document for those who may read it.
    pub(super) async fn document_shown(
        &self,
        db: &impl ConnectionTrait,
        document: &Document,
        office: &Office,
    ) -> Result<proto::Document, Error> {
        let mut files = store::document::files_of(db, &[document.id]).await?;
        let latest = files.remove(&document.id.to_string()).unwrap_or_default();
        let today = office.zone().local(self.now()).date();
        Ok(convert::document(document, latest, today))
    }
}
