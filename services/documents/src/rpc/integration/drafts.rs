//! Applications for licences that OSS asks for: made when a type of the catalogue takes them, worked on like any other.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use sea_orm::DatabaseTransaction;
use serde_json::Value;

use super::super::case::Asking;
use super::super::content::Sound;
use super::super::submit_application::Filed;
use super::super::{Core, arms};
use crate::adapter::oss::outbox::Note;
use crate::adapter::oss::receive::{Draft, Drafted, Drafts};
use crate::domain::area::AreaPath;
use crate::domain::field::{self, Values};
use crate::domain::letter_type::LetterType;
use crate::domain::licence::{is_bound, region_of};
use crate::domain::office::OfficeArea;
use crate::domain::person::{Nik, Subject, SubjectKind};
use crate::domain::sla::ClockVerb;
use crate::domain::step::OfficeLevel;
use crate::domain::workflow::Event;
use crate::error::Error;
use crate::store;
use crate::store::application::{Content, FrozenHead};

/// Under which names of OSS a field of ours is looked for, in this order; the field's own name comes first.
const NAMES: [(&str, &[&str]); 5] = [
    ("nama", &["nama_penanggung_jwb", "nama_user_proses", "nama_perseroan"]),
    ("nik", &["no_identitas_penanggung_jwb", "no_id_user_proses"]),
    ("telepon", &["hp_user_proses", "nomor_telpon_perseroan"]),
    ("nama_usaha", &["nama_perseroan"]),
    ("alamat_usaha", &["alamat_usaha", "alamat_perseroan"]),
];

/// Why no application was made.
#[derive(Debug)]
pub(super) enum Undrafted {
    /// No type of the catalogue takes it.
    NoType,
    /// The office that works for OSS is not set or not registered, or the region is none.
    NoOffice,
    /// What was told does not fit the form of the type.
    Unfit(Vec<field::Violation>),
}

/// Makes applications by the types of the catalogue.
pub(super) struct CatalogueDrafts<'a>(pub(super) &'a Core);

#[async_trait]
impl Drafts for CatalogueDrafts<'_> {
    async fn draft(&self, tx: &DatabaseTransaction, draft: &Draft<'_>) -> Result<Option<Drafted>, Error> {
        // Taken all the same: the licence is recorded, and OSS is not told that we lost it. An official makes its application.
        let licence = draft.licence.id;
        match self.make(tx, draft, &Values::new()).await? {
            Ok(drafted) => return Ok(Some(drafted)),
            Err(Undrafted::NoType) => {}
            Err(Undrafted::NoOffice) => {
                tracing::warn!(%licence, "a licence of OSS has no office that works on it");
            }
            Err(Undrafted::Unfit(wrong)) => {
                let (field, reason) = wrong.first().map(|it| (it.field.as_str(), it.reason)).unzip();
                tracing::warn!(%licence, field, reason, "a licence of OSS does not fit its type");
            }
        }
        Ok(None)
    }
}

impl CatalogueDrafts<'_> {
    /// The application for a licence, of what OSS told and, before that, of what an official gives.
    pub(super) async fn make(
        &self,
        tx: &DatabaseTransaction,
        draft: &Draft<'_>,
        given: &Values,
    ) -> Result<Result<Drafted, Undrafted>, Error> {
        let core = self.0;
        let Some(letter) = self.bound(tx, draft).await? else { return Ok(Err(Undrafted::NoType)) };
        let Ok(area) = core.config.oss.office.parse::<OfficeArea>() else {
            return Ok(Err(Undrafted::NoOffice));
        };
        let Some(office) = store::office::of_area(tx, &core.cipher, &area).await? else {
            return Ok(Err(Undrafted::NoOffice));
        };
        let now = core.now();
        let values = values(&letter, draft, given);
        let wrong = field::validate(&letter.fields, &values, office.zone().local(now).date());
        if !wrong.is_empty() {
            return Ok(Err(Undrafted::Unfit(wrong)));
        }
        let text = |key: &str| values.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let region = region_of(&draft.licence.body.keys.kd_daerah).unwrap_or_default();
        let Ok(area) = region.parse::<AreaPath>() else { return Ok(Err(Undrafted::NoOffice)) };
        let nik: Option<Nik> = letter.about.nik.as_ref().and_then(|key| text(key).parse().ok());
        let arms = store::arms::of(tx, office.area.as_str()).await?;
        let (issuer, told) = (office.id, office.area.to_string());
        let offices = BTreeMap::from([(OfficeLevel::Agency, office)]);
        let content = Content {
            letter_type: letter.key.clone(),
            letter_type_version: letter.version,
            office: issuer,
            subject: Subject {
                kind: SubjectKind::NonResident,
                nik,
                name: text(&letter.about.name),
                birth_place: String::new(),
                birth_date: None,
                address: text("alamat_usaha"),
                source: "OSS".to_owned(),
            },
            area: area.to_string(),
            family_card: String::new(),
            phone: text("telepon"),
            email: String::new(),
            values,
            attachments: Vec::new(),
            with_optional_steps: false,
            arms: arms.as_ref().map(arms::freeze),
            head: offices.get(&OfficeLevel::Agency).map(|office| FrozenHead::of(office, &offices)),
            papers_seen_by: String::new(),
        };
        let sound = Sound { content, area, offices };
        let asking = Asking { who: "oss", request_id: "" };
        let loaded = core.create(tx, &letter, sound, Filed::default(), asking, now).await?;
        let stopped = |event: &Event| {
            if let Event::ClockChanged { verb: ClockVerb::Pause, reason, .. } = event {
                Some(reason.clone())
            } else {
                None
            }
        };
        let standing = loaded.record.case.history.iter().find_map(stopped).map(|text| {
            // Nothing else stops a clock before anybody has looked at it.
            let fee = loaded.application().payment.clone();
            Note { text, fee, ..Note::default() }
        });
        Ok(Ok(Drafted { application: loaded.application().id, area: told, standing }))
    }

    /// The type in force that takes this licence. One of a later release is passed over; where no other takes the licence, that one
    /// may, so it is refused for a while and not said to have no type.
    async fn bound(
        &self,
        tx: &DatabaseTransaction,
        draft: &Draft<'_>,
    ) -> Result<Option<Arc<LetterType>>, Error> {
        let takes = |letter: &LetterType| {
            letter.oss.as_ref().is_some_and(|binding| is_bound(binding, &draft.licence.body.keys))
        };
        let mut unread = None;
        for (key, version) in store::letter_type::in_force(tx).await? {
            match self.0.types.version(tx, &key, version).await {
                Ok(letter) if takes(&letter) => return Ok(Some(letter)),
                Ok(_) => {}
                Err(error @ Error::LaterRelease { .. }) => unread = Some(error),
                Err(error) => return Err(error),
            }
        }
        unread.map_or(Ok(None), Err)
    }
}

/// What the form of the type asks: as it is given, else as far as OSS told it. What is given and no form asks for is left for
/// the check to name.
fn values(letter: &LetterType, draft: &Draft<'_>, given: &Values) -> Values {
    let told = draft.values();
    let keys = &draft.licence.body.keys;
    let mut values = Values::new();
    for field in &letter.fields {
        let others = NAMES.iter().find(|(key, _)| *key == field.key).map_or(&[][..], |(_, names)| names);
        let found = std::iter::once(&field.key.as_str()).chain(others).find_map(|name| told.get(*name));
        let found = match field.key.as_str() {
            "kode_daerah" => region_of(&keys.kd_daerah).map(Value::from),
            "jenis_perizinan" => Some(keys.jenis_perizinan.clone().into()),
            _ => found.cloned(),
        };
        if let Some(found) = found {
            values.insert(field.key.clone(), found);
        }
    }
    values.extend(given.clone());
    field::normalise(&letter.fields, &values)
}
