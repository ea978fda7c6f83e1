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
use crate::store::document::{Document, Registration};

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
        let registrations = match &document.body.registrations {
            Some(kept) => kept.clone(),
            None => self.registrations(document).await?,
        };
        Ok(convert::public_document(document, &registrations, zone.local(self.now()).date()))
    }

    /// The numbers that other offices gave a document, from the register.
    async fn registrations(&self, document: &Document) -> Result<Vec<Registration>, Error> {
        let mut found = Vec::new();
        for entry in store::number::of_application(&self.db.read, document.application).await? {
            if entry.office != document.office
                && let Some(office) = store::office::find(&self.db.read, &self.cipher, entry.office).await?
            {
                found.push(Registration { office: office.name, number: entry.text });
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use crate::adapter::testing::on_both;
    use crate::domain::document::{DocumentState, Signature};
    use crate::domain::office::Office;
    use crate::domain::{ApplicationId, DocumentId, OfficeId};
    use crate::store::document::Body;
    use crate::store::number::Entry;

    use super::*;

    fn office(area: &str, name: &str) -> Office {
        Office {
            id: OfficeId::generate(),
            area: area.parse().unwrap(),
            name: name.to_owned(),
            letterhead: vec![name.to_owned()],
            code: "X".to_owned(),
            address: "Jalan Contoh".to_owned(),
            place: "Contoh".to_owned(),
            signers: Vec::new(),
            without_neighbourhoods: false,
            calendar: crate::domain::calendar::WorkCalendar::five_days(TimeZone::Wib),
            own_calendar: true,
            numbers_before: Vec::new(),
        }
    }

    /// What was issued before the numbers of other offices were kept with it has them from the register: those that hold, and
    /// not its own.
    #[tokio::test]
    async fn line_27_the_second_number_of_a_letter_of_before_is_in_the_register() {
        on_both(
            |_| (),
            async |world| {
                let core = &world.core;
                let (village, camat) =
                    (office("17.07.05.2003", "Desa Contoh"), office("17.07.05", "Kecamatan Contoh"));
                let application = ApplicationId::generate();
                let tx = core.db.begin().await.unwrap();
                for (office, number, void) in
                    [(&village, "1/V", None), (&camat, "1/K", Some("CORRECTED")), (&camat, "2/K", None)]
                {
                    store::office::save(&tx, &core.cipher, office, core.now()).await.unwrap();
                    let entry = Entry {
                        office: office.id,
                        series: "umum".to_owned(),
                        year: 2026,
                        seq: number[..1].parse().unwrap(),
                        text: number.to_owned(),
                        application,
                        void_reason: void.map(str::to_owned),
                    };
                    store::number::enter(&tx, &entry, core.now()).await.unwrap();
                }
                tx.commit().await.unwrap();
                let mut document = Document {
                    id: DocumentId::generate(),
                    application,
                    code: String::new(),
                    letter_type: "sktm".to_owned(),
                    office: village.id,
                    state: DocumentState::Valid,
                    version: 1,
                    valid_until: None,
                    changed: 0,
                    issued_at: core.now(),
                    signature: Signature::Electronic,
                    body: Body {
                        title: "Surat".to_owned(),
                        number: "1/V".to_owned(),
                        office_name: "Desa Contoh".to_owned(),
                        holder: "Siti".to_owned(),
                        signers: Vec::new(),
                        sample: false,
                        replaces: None,
                        replaced_by: None,
                        end_reason: String::new(),
                        date: None,
                        ended_at: None,
                        registrations: None,
                        scan: None,
                    },
                };
                let told = core.public_document(&document).await.unwrap().registrations;
                let expected =
                    proto::Registration { office: "Kecamatan Contoh".to_owned(), number: "2/K".to_owned() };
                assert_eq!(told, [expected]);
                document.body.registrations = Some(Vec::new());
                assert!(core.public_document(&document).await.unwrap().registrations.is_empty());
            },
        )
        .await;
    }
}
