//! From an application to its letter: what stands in the data of a template, and the renderer that prints it.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::NaiveDate;
use mpp_kit::fault::{Problem, Text, Violation};
use serde_json::{Map, Value};

use crate::domain::field::{FieldType, Values};
use crate::domain::letter_type::LetterType;
use crate::domain::office::{Office, Signer, regency_in};
use crate::domain::step::{OfficeLevel, SigningStyle, StepKind, StepRole};
use crate::error::Error;
use crate::letter::arms::Arms;
use crate::letter::render::{
    self, Letter, Letterhead, Limits, Mark, RenderError, Rendered, Renderer, Verification,
};
use crate::store::application::{Content, FrozenHead};

/// A letter that says nothing, to see whether its head can be printed.
const PROOF: &str = "#import \"/letter/base.typ\": *\n#show: letter\n\nContoh.\n";

/// Renders letters. Clones share the threads.
#[derive(Clone)]
pub(crate) struct Press {
    renderer: Arc<Renderer>,
}

/// Pages more than a type permits that a letter may take once it was found to fit: its signer may have a longer name than the one of
/// the day it was handed in, and it is signed all the same.
const ROOM: usize = 1;

/// What stands in the place of what a letter gets when it is signed.
pub(crate) struct Proof {
    pub(crate) arms: Option<Arms>,
    pub(crate) number: String,
    pub(crate) date: NaiveDate,
    pub(crate) code: String,
    pub(crate) url: String,
}

/// What a letter is printed with when it is to be signed.
pub(crate) struct Final<'a> {
    /// The coat of arms that the application was frozen with.
    pub(crate) arms: Option<Arms>,
    pub(crate) number: String,
    pub(crate) date: NaiveDate,
    pub(crate) valid_until: Option<NaiveDate>,
    pub(crate) signer: &'a Signer,
    /// "Plt." or "Plh.", for who acts for somebody.
    pub(crate) acting: Option<String>,
    /// Who signs second, for which office, and as what he acts.
    pub(crate) endorser: Option<(&'a Office, &'a Signer, Option<&'a str>)>,
    pub(crate) code: String,
    pub(crate) url: String,
    /// Whether it is signed with a test certificate.
    pub(crate) sample: bool,
    /// Whether it is printed to be signed by hand.
    pub(crate) by_hand: bool,
}

impl Press {
    /// A press with a thread for each core.
    ///
    /// # Errors
    /// When the system gives no threads.
    pub(crate) fn new() -> anyhow::Result<Self> {
        let threads = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        Ok(Self { renderer: Arc::new(Renderer::new(threads)?) })
    }

    /// A draft of a type with its sample values.
    pub(crate) async fn preview(&self, letter: &LetterType) -> Result<Rendered, Error> {
        let sample = Signer {
            account: String::new(),
            role: letter.signatories.first().map_or(StepRole::VillageHead, |it| it.role),
            name: "NAMA PENANDA TANGAN".to_owned(),
            title: "Jabatan Penanda Tangan".to_owned(),
            rank: String::new(),
            nip: String::new(),
            nik: None,
            on_behalf_of: String::new(),
            between: String::new(),
        };
        let places = [
            ("kantor", "Kantor Contoh"),
            ("desa", "Desa Contoh"),
            ("kecamatan", "Kecamatan Contoh"),
            ("kabupaten", "Kabupaten Contoh"),
            ("provinsi", "Provinsi Contoh"),
            ("rt", "001"),
            ("rw", "001"),
        ];
        let mut fields = printable(letter, &letter.sample());
        fields.extend(places.map(|(key, text)| (key.to_owned(), text.into())));
        let data = Letter {
            title: letter.title.id.clone(),
            number: None,
            date: NaiveDate::from_ymd_opt(2026, 1, 1).unwrap_or_default(),
            valid_until: None,
            sensitivity: letter.sensitivity.map(|it| it.word().to_owned()),
            classification: letter.classification_beside_number().map(str::to_owned),
            letterhead: Letterhead {
                lines: vec!["Pemerintah Kabupaten Contoh".to_owned(), "Kantor Contoh".to_owned()],
                contact: vec!["Alamat kantor, telepon, dan surel".to_owned()],
                arms: None,
            },
            place: "Contoh".to_owned(),
            signer: person(&sample, None, letter, None),
            endorser: None,
            verification: None,
            mark: Mark::Preview,
            by_hand: false,
            fields,
        };
        self.print(letter, data, letter.pages).await
    }

    /// An application as it would be signed, before it is: without number, marked PRATINJAU.
    pub(crate) async fn draft(
        &self,
        letter: &LetterType,
        (content, arms): (&Content, Option<Arms>),
        offices: &BTreeMap<OfficeLevel, Office>,
    ) -> Result<Rendered, Error> {
        let office = offices
            .get(&letter.issuer)
            .ok_or_else(|| anyhow::anyhow!("an application has not the office that issues it"))?;
        let signer = first_signer(letter, office);
        let endorser = endorser(letter, content, offices);
        let data = Letter {
            date: NaiveDate::from_ymd_opt(2026, 1, 1).unwrap_or_default(),
            signer: signer.map_or_else(nobody, |signer| person(signer, Some(office), letter, None)),
            endorser: endorser.map(|(office, signer)| person(signer, Some(office), letter, None)),
            mark: Mark::Preview,
            ..base(letter, (content, arms), offices, office)
        };
        self.print(letter, data, letter.pages + ROOM).await
    }

    /// That what is handed in can be printed, on as many pages as its type permits: with a number, a date, an end of validity and
    /// a code as long as the real ones. What is frozen then does not fail when somebody wants to sign it.
    pub(crate) async fn proof(
        &self,
        letter: &LetterType,
        content: &Content,
        offices: &BTreeMap<OfficeLevel, Office>,
        like: Proof,
    ) -> Result<Rendered, Error> {
        let office = offices
            .get(&letter.issuer)
            .ok_or_else(|| anyhow::anyhow!("an application has not the office that issues it"))?;
        let signer = first_signer(letter, office);
        let endorser = endorser(letter, content, offices);
        let data = Letter {
            number: Some(like.number),
            date: like.date,
            valid_until: letter.validity.last_day(like.date),
            signer: signer.map_or_else(nobody, |signer| person(signer, Some(office), letter, None)),
            endorser: endorser.map(|(office, signer)| person(signer, Some(office), letter, None)),
            verification: Some(Verification { code: like.code, url: like.url }),
            mark: Mark::None,
            ..base(letter, (content, like.arms), offices, office)
        };
        self.print(letter, data, letter.pages).await
    }

    /// The letter that is signed.
    pub(crate) async fn last(
        &self,
        letter: &LetterType,
        content: &Content,
        offices: &BTreeMap<OfficeLevel, Office>,
        with: Final<'_>,
    ) -> Result<Rendered, Error> {
        let office = offices
            .get(&letter.issuer)
            .ok_or_else(|| anyhow::anyhow!("an application has not the office that issues it"))?;
        let data = Letter {
            number: Some(with.number),
            date: with.date,
            valid_until: with.valid_until,
            signer: person(with.signer, Some(office), letter, with.acting.as_deref()),
            endorser: with
                .endorser
                .map(|(office, signer, acting)| person(signer, Some(office), letter, acting)),
            verification: Some(Verification { code: with.code, url: with.url }),
            mark: if with.sample { Mark::Sample } else { Mark::None },
            by_hand: with.by_hand,
            ..base(letter, (content, with.arms), offices, office)
        };
        self.print(letter, data, letter.pages + ROOM).await
    }

    /// Whether a letter can be printed with this coat of arms.
    pub(crate) async fn draws(&self, arms: Arms) -> Result<bool, Error> {
        let data = Letter {
            title: "Contoh".to_owned(),
            number: None,
            date: NaiveDate::from_ymd_opt(2026, 1, 1).unwrap_or_default(),
            valid_until: None,
            sensitivity: None,
            classification: None,
            letterhead: Letterhead {
                lines: vec!["Kantor Contoh".to_owned()],
                contact: Vec::new(),
                arms: Some(arms),
            },
            place: "Contoh".to_owned(),
            signer: nobody(),
            endorser: None,
            verification: None,
            mark: Mark::Preview,
            by_hand: false,
            fields: Map::new(),
        };
        match self.rendered(PROOF, data, Limits::default()).await? {
            Ok(_) => Ok(true),
            // Not drawn, or not in time: no letter is printed with it.
            Err(RenderError::Typeset { .. } | RenderError::TooSlow | RenderError::TooManyPages { .. }) => {
                Ok(false)
            }
            Err(error) => Err(refused(error)),
        }
    }

    async fn print(&self, letter: &LetterType, data: Letter, pages: usize) -> Result<Rendered, Error> {
        let limits = Limits { pages, ..Limits::default() };
        self.rendered(&letter.template, data, limits).await?.map_err(refused)
    }

    async fn rendered(
        &self,
        template: &str,
        data: Letter,
        limits: Limits,
    ) -> Result<Result<Rendered, RenderError>, Error> {
        let (renderer, template) = (Arc::clone(&self.renderer), template.to_owned());
        let rendered = tokio::task::spawn_blocking(move || renderer.render(&template, &data, limits));
        Ok(rendered.await.map_err(anyhow::Error::new)?)
    }
}

/// The signer of the office for the first signature: who signs in the role that the type names first.
pub(crate) fn first_signer<'a>(letter: &LetterType, office: &'a Office) -> Option<&'a Signer> {
    let step = letter
        .steps
        .iter()
        .find(|step| step.kind == StepKind::Sign && step.level.office() == office.level())?;
    office.signers.iter().find(|signer| signer.role == step.role)
}

/// Who signs second: the sub-district or the agency on a letter that another office issues, where that step is taken.
pub(crate) fn endorser<'a>(
    letter: &LetterType,
    content: &Content,
    offices: &'a BTreeMap<OfficeLevel, Office>,
) -> Option<(&'a Office, &'a Signer)> {
    let step = letter.second_signature()?;
    if step.optional && !content.with_optional_steps {
        return None;
    }
    let office = offices.get(&step.level.office())?;
    let signer = office.signers.iter().find(|signer| signer.role == step.role)?;
    Some((office, signer))
}

/// What every print of an application has in common.
fn base(
    letter: &LetterType,
    (content, arms): (&Content, Option<Arms>),
    offices: &BTreeMap<OfficeLevel, Office>,
    office: &Office,
) -> Letter {
    let mut fields = printable(letter, &content.values);
    // What was frozen before this was kept has it from its offices as they are.
    let head = content.head.clone().unwrap_or_else(|| FrozenHead::of(office, offices));
    let name = |level: OfficeLevel| head.names.get(&level).cloned();
    let neighbourhood: Vec<&str> = content.area.split('/').skip(1).collect();
    let places = [
        ("kantor", name(office.level())),
        ("desa", name(OfficeLevel::Village)),
        ("kecamatan", name(OfficeLevel::SubDistrict)),
        ("kabupaten", regency_in(&head.lines).map(str::to_owned)),
        ("provinsi", office.province(&head.lines).map(str::to_owned)),
        ("rw", neighbourhood.first().filter(|rw| **rw != "000").map(|rw| (*rw).to_owned())),
        ("rt", neighbourhood.get(1).map(|rt| (*rt).to_owned())),
    ];
    for (key, text) in places {
        fields.insert(key.to_owned(), text.map_or(Value::Null, Value::from));
    }
    Letter {
        title: letter.title.id.clone(),
        number: None,
        date: NaiveDate::default(),
        valid_until: None,
        sensitivity: letter.sensitivity.map(|it| it.word().to_owned()),
        classification: letter.classification_beside_number().map(str::to_owned),
        letterhead: Letterhead { lines: head.lines, contact: vec![head.address], arms },
        place: head.place,
        signer: nobody(),
        endorser: None,
        verification: None,
        mark: Mark::Preview,
        by_hand: false,
        fields,
    }
}

/// Values as a template prints them: one line each.
fn printable(letter: &LetterType, values: &Values) -> Map<String, Value> {
    let one_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    letter
        .fields
        .iter()
        .filter_map(|field| {
            let value = values.get(&field.key)?;
            let value = match (field.kind, value) {
                (FieldType::LongText | FieldType::Address, Value::String(text)) => one_line(text).into(),
                (_, value) => value.clone(),
            };
            Some((field.key.clone(), value))
        })
        .collect()
}

fn nobody() -> render::Signer {
    render::Signer {
        on_behalf_of: None,
        position: "Penanda tangan".to_owned(),
        under_orders: None,
        acting: None,
        name: "…".to_owned(),
        rank: None,
        nip: None,
    }
}

/// A signer as the letter has him written.
fn person(
    signer: &Signer,
    office: Option<&Office>,
    letter: &LetterType,
    acting: Option<&str>,
) -> render::Signer {
    let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let title_of = |role: StepRole| {
        let signers = office.map(|office| office.signers.as_slice()).unwrap_or_default();
        signers.iter().find(|other| other.role == role).map(|other| other.title.clone())
    };
    let named = letter.signatories.iter().find(|it| it.role == signer.role).map(|it| it.style);
    // What the office says of this person goes before what the type says of the role.
    let style = match (given(&signer.between), given(&signer.on_behalf_of), named) {
        (Some(_), _, _) => SigningStyle::ForAnother,
        (None, Some(_), Some(SigningStyle::Own) | None) => SigningStyle::OnBehalf,
        (None, _, named) => named.unwrap_or(SigningStyle::Own),
    };
    let head = match style {
        SigningStyle::Own => None,
        SigningStyle::OnBehalf | SigningStyle::ForAnother => {
            given(signer.on_behalf_of.trim_start_matches("a.n. "))
                .or_else(|| title_of(signer.role.level().head()))
        }
    };
    let between = match style {
        SigningStyle::Own | SigningStyle::OnBehalf => None,
        SigningStyle::ForAnother => given(&signer.between).or_else(|| {
            Some(StepRole::VillageSecretary)
                .filter(|role| role.level() == signer.role.level() && *role != signer.role)
                .and_then(title_of)
        }),
    };
    // Nobody signs `u.b.` without an `a.n.`, nor for an official whom the office does not have: then it is the shorter form.
    let (position, under_orders) = match (&head, between) {
        (Some(_), Some(between)) => (between, Some(signer.title.clone())),
        (_, _) => (signer.title.clone(), None),
    };
    render::Signer {
        on_behalf_of: head,
        position,
        under_orders,
        acting: acting.map(str::to_owned),
        name: signer.name.clone(),
        rank: given(&signer.rank),
        nip: given(&signer.nip),
    }
}

/// What an applicant or editor is told about a letter that cannot be printed. No value is repeated.
fn refused(error: RenderError) -> Error {
    let told = error.to_string();
    let violation = |field: String, reason: &'static str, id: String, en: String| {
        Problem::invalid(vec![Violation { field, reason, text: Text::new(id, en) }]).into()
    };
    match error {
        RenderError::Text(text) => {
            use crate::letter::text::TextError;
            let key = match &text {
                TextError::Hidden { key, .. }
                | TextError::NoGlyph { key, .. }
                | TextError::TooLong { key } => key.clone(),
            };
            violation(
                key.replacen("fields.", "values.", 1),
                "NOT_PRINTABLE",
                format!("ada karakter yang tidak dapat dicetak; ketik ulang isian ini ({told})"),
                format!("a character cannot be printed; type this field again ({told})"),
            )
        }
        RenderError::TooManyPages { pages, most } => violation(
            "values".to_owned(),
            "TOO_LONG",
            format!("isinya memerlukan {pages} halaman, paling banyak {most}; persingkat"),
            format!("it takes {pages} pages, {most} at most; shorten it"),
        ),
        RenderError::UnresolvedField { key } => violation(
            format!("values.{key}"),
            "REQUIRED",
            format!("isi {key}, surat memerlukannya"),
            format!("give {key}, the letter needs it"),
        ),
        RenderError::Template(_) | RenderError::Typeset { .. } => {
            violation("template".to_owned(), "INVALID_TEMPLATE", told.clone(), told)
        }
        RenderError::Form { key } => violation(
            format!("values.{key}"),
            "INVALID_FORM",
            "bentuk isian ini tidak dapat dicetak".to_owned(),
            "this value has a form that cannot be printed".to_owned(),
        ),
        RenderError::TooLarge { .. } => violation(
            "values".to_owned(),
            "TOO_LARGE",
            "isinya terlalu besar untuk satu surat".to_owned(),
            "it is too large for a letter".to_owned(),
        ),
        RenderError::TooSlow => Error::Unavailable(anyhow::anyhow!("{told}")),
        RenderError::Internal(_) => Error::Broken(anyhow::anyhow!("{told}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue;
    use crate::domain::OfficeId;
    use crate::domain::calendar::{TimeZone, WorkCalendar};
    use crate::domain::person::{Subject, SubjectKind};

    fn office(area: &str, name: &str, signers: &[(StepRole, &str)]) -> Office {
        Office {
            id: OfficeId::generate(),
            area: area.parse().unwrap(),
            name: name.to_owned(),
            letterhead: ["Pemerintah Kabupaten Contoh", "Kecamatan Contoh", name].map(str::to_owned).to_vec(),
            code: "CONTOH".to_owned(),
            address: "Jalan Raya Contoh Nomor 100, Kecamatan Contoh, Kabupaten Contoh, Kode Pos 39264"
                .to_owned(),
            place: "Contoh".to_owned(),
            signers: signers
                .iter()
                .map(|(role, title)| Signer {
                    account: "acc_contoh".to_owned(),
                    role: *role,
                    name: "Dr. Nama Penanda Tangan Contoh, S.IP., M.Si.".to_owned(),
                    title: (*title).to_owned(),
                    rank: "Pembina Tk. I (IV/b)".to_owned(),
                    nip: "197001011990031001".to_owned(),
                    nik: None,
                    on_behalf_of: String::new(),
                    between: String::new(),
                })
                .collect(),
            without_neighbourhoods: false,
            calendar: WorkCalendar::five_days(TimeZone::Wib),
            own_calendar: false,
            numbers_before: Vec::new(),
        }
    }

    /// A text of so many characters.
    fn long(length: usize) -> Value {
        "Kata yang panjang ".chars().cycle().take(length.max(1)).collect::<String>().trim().into()
    }

    /// What a form takes fits the pages that its type permits: each shipped letter with the longest answers there are, both signatures
    /// and the longest number. Lists aside, whose rows an applicant counts himself.
    #[tokio::test]
    async fn shipped_letters_fit_their_pages_with_the_longest_answers() {
        let press = Press::new().unwrap();
        let offices = BTreeMap::from([
            (
                OfficeLevel::Village,
                office("17.07.05.2003", "Desa Contoh", &[(StepRole::VillageHead, "Kepala Desa Contoh")]),
            ),
            (
                OfficeLevel::SubDistrict,
                office("17.07.05", "Kecamatan Contoh", &[(StepRole::SubDistrictHead, "Camat Contoh")]),
            ),
            (
                OfficeLevel::Agency,
                office("17.07/contoh", "Dinas Contoh", &[(StepRole::AgencyHead, "Kepala Dinas Contoh")]),
            ),
        ]);
        let mut wrong = Vec::new();
        for (definition, template) in catalogue::shipped() {
            let letter = catalogue::read_definition(definition, template).unwrap();
            let mut values = letter.sample();
            for field in letter.fields.iter().filter(|field| field.pattern.is_none()) {
                let most = match field.kind {
                    FieldType::Text | FieldType::PersonName => 200,
                    FieldType::Address | FieldType::LongText => 2000,
                    FieldType::Number
                    | FieldType::Money
                    | FieldType::Date
                    | FieldType::Time
                    | FieldType::Choice
                    | FieldType::Boolean
                    | FieldType::Nik
                    | FieldType::Kk
                    | FieldType::Npwp
                    | FieldType::Nib
                    | FieldType::Phone
                    | FieldType::Email
                    | FieldType::Region
                    | FieldType::VehicleRegistration
                    | FieldType::List => continue,
                };
                if let Some(value) = values.get_mut(&field.key) {
                    *value = long(field.max_length.unwrap_or(most));
                }
            }
            let content = Content {
                letter_type: letter.key.clone(),
                letter_type_version: letter.version,
                office: offices[&letter.issuer].id,
                subject: Subject {
                    kind: SubjectKind::Resident,
                    nik: None,
                    name: "Contoh".to_owned(),
                    birth_place: String::new(),
                    birth_date: None,
                    address: String::new(),
                    source: "APPLICANT".to_owned(),
                },
                area: "17.07.05.2003/002/005".to_owned(),
                family_card: String::new(),
                phone: String::new(),
                email: String::new(),
                head: None,
                values,
                attachments: Vec::new(),
                with_optional_steps: true,
                arms: None,
                papers_seen_by: String::new(),
            };
            let like = Proof {
                arms: None,
                number: "400.12.2.1/99999/1707052003/VIII/2026".to_owned(),
                date: NaiveDate::from_ymd_opt(2026, 9, 30).unwrap(),
                code: "0000-0000-0000-0000".to_owned(),
                url: "https://layanan.contohkab.example/s/0000-0000-0000-0000".to_owned(),
            };
            if let Err(error) = press.proof(&letter, &content, &offices, like).await {
                wrong.push(format!("{}: {error:?}", letter.key));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}
