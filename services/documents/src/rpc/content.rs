//! What an applicant submits: read, checked as a whole, with every violation at once.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use mpp_kit::check::Checker;
use mpp_proto::documents::v1 as proto;
use sea_orm::ConnectionTrait;
use sha2::{Digest as _, Sha256};

use super::{Core, arms, convert};
use crate::domain::OfficeId;
use crate::domain::area::{AreaLevel, AreaPath};
use crate::domain::field::{self, Attribute, Field, Values};
use crate::domain::letter_type::LetterType;
use crate::domain::office::{Office, OfficeArea};
use crate::domain::person::{Nik, Subject, SubjectKind, check_family_card};
use crate::domain::step::{OfficeLevel, Step};
use crate::error::Error;
use crate::store;
use crate::store::application::{Attachment, Content, FrozenHead};

/// What an applicant wants, before it is checked.
pub(super) struct Wanted<'a> {
    pub(super) letter: &'a LetterType,
    /// The agency that takes part, where one does.
    pub(super) office_id: &'a str,
    pub(super) subject: &'a proto::Subject,
    pub(super) values: Values,
    pub(super) attachments: &'a [proto::Attachment],
    pub(super) with_optional_steps: bool,
    /// Whether papers must be given: they stand for a document that is only corrected or renewed.
    pub(super) papers: bool,
    /// The account of the official who saw them at his office; empty otherwise.
    pub(super) papers_seen_by: String,
}

/// What was found sound, with the offices that will work on it.
pub(super) struct Sound {
    pub(super) content: Content,
    pub(super) area: AreaPath,
    pub(super) offices: BTreeMap<OfficeLevel, Office>,
}

impl Core {
    /// Checks what an applicant wants. Offices, files and fields are looked at together, so that one answer names
    /// everything.
    pub(super) async fn sound(
        &self,
        db: &impl ConnectionTrait,
        mut wanted: Wanted<'_>,
    ) -> Result<Sound, Error> {
        let mut checker = Checker::new();
        let (subject, area) = subject(wanted.letter, (wanted.subject, wanted.papers), &mut checker);
        let offices = match &area {
            Some(area) => self.offices(db, &wanted, area, &mut checker).await?,
            None => BTreeMap::new(),
        };
        let today = offices.get(&wanted.letter.issuer).map_or_else(
            || crate::domain::calendar::TimeZone::Wib.local(self.now()).date(),
            |office| office.zone().local(self.now()).date(),
        );
        let given = std::mem::take(&mut wanted.values);
        let values = values(wanted.letter, given, wanted.subject, today, &mut checker);
        let attachments = match wanted.papers {
            true => self.attachments(db, &wanted, &mut checker).await?,
            false => Vec::new(),
        };
        checker.finish()?;
        let office = offices.get(&wanted.letter.issuer);
        let (Some(area), Some(office)) = (area, office) else {
            return Err(anyhow::anyhow!("the checker let an application without an office pass").into());
        };
        let arms = store::arms::of(db, office.area.as_str()).await?;
        let content = Content {
            letter_type: wanted.letter.key.clone(),
            letter_type_version: wanted.letter.version,
            office: office.id,
            subject,
            area: area.to_string(),
            family_card: wanted.subject.family_card.trim().to_owned(),
            phone: wanted.subject.phone.trim().to_owned(),
            email: wanted.subject.email.trim().to_owned(),
            values,
            attachments,
            with_optional_steps: wanted.with_optional_steps,
            arms: arms.as_ref().map(arms::freeze),
            head: Some(FrozenHead::of(office, &offices)),
            papers_seen_by: wanted.papers_seen_by,
        };
        Ok(Sound { content, area, offices })
    }

    /// The offices of the levels that the type goes through.
    async fn offices(
        &self,
        db: &impl ConnectionTrait,
        wanted: &Wanted<'_>,
        area: &AreaPath,
        checker: &mut Checker,
    ) -> Result<BTreeMap<OfficeLevel, Office>, Error> {
        let letter = wanted.letter;
        let mut offices = BTreeMap::new();
        for (level, at) in
            [(OfficeLevel::Village, AreaLevel::Village), (OfficeLevel::SubDistrict, AreaLevel::SubDistrict)]
        {
            let area: Option<OfficeArea> = area.at(at).and_then(|area| area.region().as_str().parse().ok());
            if let Some(area) = area
                && let Some(office) = store::office::of_area(db, &self.cipher, &area).await?
            {
                offices.insert(level, office);
            }
        }
        // Every step needs somebody whose it is: told now, not when the step comes and nobody can take it.
        let lacks = |offices: &BTreeMap<OfficeLevel, Office>, step: &&Step| {
            let level = step.level.office();
            let asked = !step.optional || (wanted.with_optional_steps && level != letter.issuer);
            asked && !offices.contains_key(&level)
        };
        // No area says which agency it is: the applicant does, wherever one takes part.
        let agency = letter.issuer == OfficeLevel::Agency
            || letter
                .steps
                .iter()
                .any(|step| step.level.office() == OfficeLevel::Agency && lacks(&offices, &step));
        if agency {
            let id: Option<OfficeId> = checker.id("office_id", wanted.office_id);
            if let Some(id) = id
                && let Some(office) = store::office::find(db, &self.cipher, id).await?
                && office.level() == OfficeLevel::Agency
            {
                offices.insert(OfficeLevel::Agency, office);
            }
        }
        if !offices.contains_key(&letter.issuer) && checker.is_clean() {
            let field = if letter.issuer == OfficeLevel::Agency { "office_id" } else { "subject.area" };
            checker.violation(
                field,
                "NO_OFFICE",
                "kantor yang menerbitkan surat ini untuk wilayah tersebut belum terdaftar; hubungi kantor desa, kecamatan, atau OPD",
                "the office that issues this for the area is not registered yet; ask the village, sub-district or agency",
            );
        }
        if checker.is_clean()
            && let Some(step) = letter.steps.iter().find(|step| lacks(&offices, step))
        {
            let field = match step.level.office() {
                OfficeLevel::Agency => "office_id",
                OfficeLevel::Village | OfficeLevel::SubDistrict if step.optional => "with_optional_steps",
                OfficeLevel::Village | OfficeLevel::SubDistrict => "subject.area",
            };
            checker.violation(
                field,
                "NO_OFFICE",
                "kantor yang ikut memproses atau menandatangani surat ini untuk wilayah tersebut belum terdaftar; hubungi kantor desa, kecamatan, atau OPD",
                "an office that takes part in this or signs it for the area is not registered yet; ask the village, sub-district or agency",
            );
        }
        if checker.is_clean() {
            places(letter, &offices, checker);
        }
        Ok(offices)
    }

    async fn attachments(
        &self,
        db: &impl ConnectionTrait,
        wanted: &Wanted<'_>,
        checker: &mut Checker,
    ) -> Result<Vec<Attachment>, Error> {
        const MOST: usize = 20;
        let (letter, given) = (wanted.letter, wanted.attachments);
        let mut attachments = Vec::new();
        if given.len() > MOST {
            checker.violation(
                "attachments",
                "TOO_MANY",
                format!("unggah paling banyak {MOST} berkas"),
                format!("upload at most {MOST} files"),
            );
        }
        for (at, it) in given.iter().take(MOST).enumerate() {
            if !letter.requirements.iter().any(|requirement| requirement.key == it.requirement) {
                checker.violation(
                    format!("attachments[{at}].requirement"),
                    "UNKNOWN_REQUIREMENT",
                    "pilih salah satu persyaratan jenis surat ini",
                    "choose one of the requirements of this type",
                );
            }
            let Some(id) = checker.id(&format!("attachments[{at}].file_id"), &it.file_id) else { continue };
            let Some(file) = store::file::find(db, id).await? else {
                checker.violation(
                    format!("attachments[{at}].file_id"),
                    "NO_FILE",
                    "unggah berkas ini sekali lagi",
                    "upload this file again",
                );
                continue;
            };
            attachments.push(Attachment {
                file: file.id,
                requirement: it.requirement.clone(),
                media_type: file.media_type,
                size: file.size,
                sha256: file.sha256,
            });
        }
        let asked = wanted.papers_seen_by.is_empty();
        for requirement in letter.requirements.iter().filter(|it| asked && it.required && !it.original) {
            if !given.iter().any(|it| it.requirement == requirement.key) {
                checker.violation(
                    format!("attachments.{}", requirement.key),
                    "REQUIRED",
                    format!("unggah {}", requirement.title.id),
                    format!("upload {}", requirement.title.en),
                );
            }
        }
        Ok(attachments)
    }
}

/// That the offices know what the text of the letter names: it is not for the applicant to give.
fn places(letter: &LetterType, offices: &BTreeMap<OfficeLevel, Office>, checker: &mut Checker) {
    for (place, level) in [("desa", OfficeLevel::Village), ("kecamatan", OfficeLevel::SubDistrict)] {
        if letter.always_names(place) && !offices.contains_key(&level) {
            checker.violation(
                "subject.area",
                "NO_OFFICE",
                format!("surat ini menyebut {place}, dan kantornya untuk wilayah tersebut belum terdaftar; hubungi kantor desa, kecamatan, atau OPD"),
                "this letter names an office that is not registered for the area yet; ask the village, sub-district or agency",
            );
            return;
        }
    }
    let Some(issuer) = offices.get(&letter.issuer) else { return };
    for (place, known) in [("kabupaten", issuer.regency()), ("provinsi", issuer.province(&issuer.letterhead))]
    {
        if letter.always_names(place) && known.is_none() {
            checker.violation(
                if letter.issuer == OfficeLevel::Agency { "office_id" } else { "subject.area" },
                "OFFICE_INCOMPLETE",
                format!("kop surat {} belum menyebut {place}, padahal surat ini memuatnya; minta kantor itu melengkapi datanya", issuer.name),
                "the letterhead of the office that issues this does not name its regency or province, which the letter needs; ask that office",
            );
        }
    }
}

/// Who it is about, and where. What is handed in names the village at least; what is issued again stays where it was, which for
/// a licence of OSS is a region.
fn subject(
    letter: &LetterType,
    (given, handed_in): (&proto::Subject, bool),
    checker: &mut Checker,
) -> (Subject, Option<AreaPath>) {
    let name = checker.text("subject.name", &given.name, 2, 120);
    let nik: Option<Nik> = if given.nik.trim().is_empty() { None } else { given.nik.trim().parse().ok() };
    if nik.is_none() && !given.nik.trim().is_empty() {
        checker.violation(
            "subject.nik",
            "INVALID_NIK",
            "periksa 16 angka NIK pada KTP atau KK",
            "check the 16 digits of the population number",
        );
    }
    let card = given.family_card.trim();
    if !card.is_empty() && check_family_card(card).is_err() {
        checker.violation(
            "subject.family_card",
            "INVALID_KK",
            "periksa 16 angka nomor kartu keluarga",
            "check the 16 digits of the family card number",
        );
    }
    let kind = if given.non_resident { SubjectKind::NonResident } else { SubjectKind::Resident };
    if !letter.subjects.contains(&kind) {
        checker.violation(
            "subject.non_resident",
            "NOT_OFFERED",
            "surat ini tidak dapat diajukan untuk golongan warga tersebut",
            "this type is not offered to such persons",
        );
    }
    let area: Option<AreaPath> = given.area.trim().parse().ok();
    if area.as_ref().is_none_or(|area| handed_in && area.level() < AreaLevel::Village) {
        checker.violation(
            "subject.area",
            "INVALID_AREA",
            "isi kode desa dengan RW dan RT, seperti 17.07.05.2003/002/005",
            "give the code of the village with RW and RT, such as 17.07.05.2003/002/005",
        );
    }
    let address = checker.text("subject.address", &given.address, 0, 300);
    let phone = checker.text("subject.phone", &given.phone, 0, 20);
    if !phone.is_empty() && !is_phone(&phone) {
        checker.violation(
            "subject.phone",
            "INVALID_PHONE",
            "isi nomor telepon seperti 081234567890",
            "give a phone number such as 081234567890",
        );
    }
    let email = checker.text("subject.email", &given.email, 0, 254);
    if !email.is_empty() && !field::is_email(&email) {
        checker.violation(
            "subject.email",
            "INVALID_EMAIL",
            "isi dengan alamat seperti nama@contoh.id",
            "give an address such as nama@contoh.id",
        );
    }
    let subject = Subject {
        kind,
        nik,
        name,
        birth_place: String::new(),
        birth_date: None,
        address,
        source: "APPLICANT".to_owned(),
    };
    (subject, area)
}

fn is_phone(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text);
    (8..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// The values of the form, with what the subject says put in where the form asks the same.
fn values(
    letter: &LetterType,
    given: Values,
    subject: &proto::Subject,
    today: NaiveDate,
    checker: &mut Checker,
) -> Values {
    let mut values = given;
    for field in letter.fields.iter().filter(|field| convert::comes_from_subject(field)) {
        let said = said_by_subject(field, subject);
        if !said.is_empty() {
            values.insert(field.key.clone(), said.into());
        }
    }
    let values = field::normalise(&letter.fields, &values);
    for violation in field::validate(&letter.fields, &values, today) {
        let from = letter.fields.iter().find(|field| field.key == violation.field).and_then(subject_field);
        let field =
            from.map_or_else(|| format!("values.{}", violation.field), |name| format!("subject.{name}"));
        checker.violation(field, violation.reason, violation.remedy.id, violation.remedy.en);
    }
    values
}

fn said_by_subject<'a>(field: &Field, subject: &'a proto::Subject) -> &'a str {
    match subject_field(field) {
        Some("name") => subject.name.trim(),
        Some("nik") => subject.nik.trim(),
        Some("family_card") => subject.family_card.trim(),
        Some("address") => subject.address.trim(),
        Some("phone") => subject.phone.trim(),
        Some(_) | None => "",
    }
}

/// The part of the subject that answers a field.
fn subject_field(field: &Field) -> Option<&'static str> {
    match field.prefill? {
        Attribute::Name => Some("name"),
        Attribute::Nik => Some("nik"),
        Attribute::Kk => Some("family_card"),
        Attribute::Address => Some("address"),
        Attribute::Phone => Some("phone"),
        Attribute::BirthPlace
        | Attribute::BirthDate
        | Attribute::Sex
        | Attribute::Religion
        | Attribute::MaritalStatus
        | Attribute::Occupation
        | Attribute::Citizenship
        | Attribute::Education
        | Attribute::Email
        | Attribute::FatherName
        | Attribute::MotherName
        | Attribute::BusinessName
        | Attribute::BusinessKind
        | Attribute::BusinessAddress
        | Attribute::Npwp
        | Attribute::Nib
        | Attribute::RegistrationCertificate
        | Attribute::PracticeName
        | Attribute::PracticeAddress => None,
    }
}

impl Content {
    /// The digest of everything that the signature stands for, hexadecimal.
    pub(crate) fn digest(&self) -> Result<String, Error> {
        // Members of our types have one order, and values keep theirs: equal content is equal bytes.
        let json = serde_json::to_vec(self).map_err(anyhow::Error::new)?;
        Ok(hex::encode(Sha256::digest(json)))
    }
}

/// What a person told with this form, for the next one, by attribute.
pub(super) fn told(letter: &LetterType, values: &Values) -> BTreeMap<String, serde_json::Value> {
    letter
        .fields
        .iter()
        .filter_map(|field| Some((field.prefill?.to_string(), values.get(&field.key)?.clone())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What was frozen before letterheads and e-mail addresses were kept is the same bytes still, so that whoever signs it signs
    /// under the hash that he saw.
    #[test]
    fn line_11_the_hash_of_what_was_frozen_before_stays_as_it_was() {
        let kept = concat!(
            r#"{"letter_type":"sktm","letter_type_version":1,"office":"ofc_01h455vb4pex5vsknk084sn02q","#,
            r#""subject":{"kind":"RESIDENT","nik":null,"name":"Rohana","birth_place":"","birth_date":null,"address":"","source":"APPLICANT"},"#,
            r#""area":"17.07.02.2002","family_card":"","phone":"","values":{},"attachments":[],"with_optional_steps":false}"#,
        );
        let mut content: Content = serde_json::from_str(kept).unwrap();
        assert_eq!(content.digest().unwrap(), hex::encode(Sha256::digest(kept)));
        content.head = Some(FrozenHead {
            lines: vec!["Desa Air Dingin".to_owned()],
            address: String::new(),
            place: String::new(),
            names: BTreeMap::new(),
        });
        assert_ne!(content.digest().unwrap(), hex::encode(Sha256::digest(kept)));
    }
}
