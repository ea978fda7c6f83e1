//! `GetVerification`: what a document is, by the code in its QR. Unknown and malformed codes are answered alike.

use mpp_kit::caller::Caller;
use mpp_proto::documents::v1::{self as proto, GetVerificationRequest, GetVerificationResponse};
use serde_json::json;
use tonic::Response;

use super::{Core, convert};
use crate::domain::calendar::TimeZone;
use crate::domain::code;
use crate::error::{Error, Thing};
use crate::store;
use crate::store::document::Document;

pub(super) async fn handle(
    core: &Core,
    caller: &Caller,
    request: GetVerificationRequest,
) -> Result<Response<GetVerificationResponse>, Error> {
    let code = code::normalise(&request.verification_code).ok_or(Error::NotFound(Thing::Code))?;
    let document = store::document::by_code(&core.db.read, &core.cipher, &code).await?;
    let document = document.ok_or(Error::NotFound(Thing::Code))?;
    let subject = document.id.to_string();
    core.looked((caller.who(), "document.verified", &subject), json!({})).await?;
    let document = core.public_document(&document).await?;
    Ok(Response::new(GetVerificationResponse { document: Some(document) }))
}

impl Core {
    /// What anybody may know of a document, on the date of its office.
    pub(super) async fn public_document(&self, document: &Document) -> Result<proto::PublicDocument, Error> {
        let office = store::office::find(&self.db.read, &self.cipher, document.office).await?;
        let zone = office.map_or(TimeZone::Wib, |office| office.zone());
        Ok(convert::public_document(document, zone.local(self.now()).date()))
    }
}
