//! The shipped letters and licences: data in `catalogue/`, one TOML and one Typst file each, embedded in the binary.
//!
//! They are drafts: an installation publishes what it offers, in versions of its own. What several letters share stands once
//! in `catalogue/shared/`: form fields, sentences of service standards, life events. A draft follows these files from release to
//! release; what is published is frozen, see [`freeze`].

use std::collections::BTreeMap;
use std::sync::LazyLock;

use anyhow::{Context, bail};
use serde::Deserialize;
use thiserror::Error;

use crate::domain::field::Field;
use crate::domain::letter_type::{LetterType, Standard};
use crate::domain::life_event::{self, LifeEvent};
use crate::domain::step::{Level, Step, StepKind, StepRole};

/// One shipped type: its key, its definition, its template.
struct Source {
    key: &'static str,
    definition: &'static str,
    template: &'static str,
}

macro_rules! sources {
    ($($key:literal),* $(,)?) => {
        &[$(Source {
            key: $key,
            definition: include_str!(concat!("../catalogue/", $key, ".toml")),
            template: include_str!(concat!("../catalogue/", $key, ".typ")),
        }),*]
    };
}

/// In the order in which a list shows them.
const SOURCES: &[Source] = sources![
    "domisili",
    "sktm",
    "sku",
    "domisili_usaha",
    "pengantar",
    "pengantar_skck",
    "pengantar_nikah",
    "belum_menikah",
    "kelahiran",
    "kematian",
    "ahli_waris",
    "pindah",
    "beda_identitas",
    "penghasilan",
    "kehilangan",
    "izin_keramaian",
    "sip_dokter",
    "sip_apoteker",
    "sip_perawat",
    "sip_bidan",
    "sip_fisioterapis",
    "izin_trayek",
    "izin_reklame",
    "keterangan_penelitian",
    "izin_oss",
];

const FIELDS: &str = include_str!("../catalogue/shared/fields.toml");
const STANDARDS: &str = include_str!("../catalogue/shared/standards.toml");
const LIFE_EVENTS: &str = include_str!("../catalogue/shared/life_events.toml");

/// What is shipped.
#[derive(Debug, Clone, PartialEq)]
pub struct Catalogue {
    /// Letters, then licences.
    pub types: Vec<LetterType>,
    /// Life events, in the order in which a page shows them.
    pub life_events: Vec<LifeEvent>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SharedFields {
    fields: Vec<Field>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LifeEvents {
    events: Vec<LifeEvent>,
}

/// What definitions may refer to.
struct Shared {
    fields: Vec<Field>,
    standards: BTreeMap<String, Standard>,
}

impl Shared {
    fn load() -> anyhow::Result<Self> {
        Ok(Self {
            fields: toml::from_str::<SharedFields>(FIELDS).context("shared/fields.toml")?.fields,
            standards: toml::from_str(STANDARDS).context("shared/standards.toml")?,
        })
    }
}

impl Catalogue {
    /// Reads what is embedded.
    ///
    /// # Errors
    /// Names the file that cannot be read; a test of this crate reads them all, so that a release has none.
    pub fn load() -> anyhow::Result<Self> {
        let shared = Shared::load()?;
        let mut types = Vec::with_capacity(SOURCES.len());
        for source in SOURCES {
            let letter = read(source.definition, source.template, &shared)
                .with_context(|| format!("{}.toml", source.key))?;
            if letter.key != source.key {
                bail!("the key of {}.toml is {}", source.key, letter.key);
            }
            types.push(letter);
        }
        let life_events =
            toml::from_str::<LifeEvents>(LIFE_EVENTS).context("shared/life_events.toml")?.events;
        Ok(Self { types, life_events })
    }

    /// The type with this key.
    #[must_use]
    pub fn find(&self, key: &str) -> Option<&LetterType> {
        self.types.iter().find(|it| it.key == key)
    }

    /// Whether a life event has this key.
    #[must_use]
    pub fn knows_life_event(&self, key: &str) -> bool {
        self.life_events.iter().any(|it| it.key == key)
    }

    /// What is wrong with the parts taken together: keys and codes that stand twice, life events that lead nowhere.
    #[must_use]
    pub fn defects(&self) -> Vec<String> {
        let mut defects = life_event::defects(&self.life_events, |key| self.find(key).is_some());
        for (at, letter) in self.types.iter().enumerate() {
            for other in &self.types[..at] {
                if other.key == letter.key || other.code == letter.code {
                    defects.push(format!("{} and {}: key or code stands twice", other.key, letter.key));
                }
            }
        }
        defects
    }
}

/// What is shipped, read once. A test reads all of it, so that a release has nothing that cannot be read.
static SHIPPED: LazyLock<anyhow::Result<(Catalogue, Shared)>> =
    LazyLock::new(|| Ok((Catalogue::load()?, Shared::load()?)));

fn all() -> anyhow::Result<&'static (Catalogue, Shared)> {
    SHIPPED.as_ref().map_err(|error| anyhow::anyhow!("the shipped catalogue cannot be read: {error:#}"))
}

/// Reads the definition and template of a type, as an editor writes them: with the shared fields and standards that the
/// shipped ones refer to.
///
/// # Errors
/// Where it cannot be read, in words for the editor.
pub fn read_definition(definition: &str, template: &str) -> anyhow::Result<LetterType> {
    read(definition, template, &all()?.1)
}

/// What a version says when it is put in force, as JSON: the shared fields and standards that its definition refers to, and what
/// this release takes for granted where it is silent, are written out. So nothing that a later release ships changes a form, a
/// check or a promise of what is in force, nor of applications under way. The template is kept beside it.
///
/// # Errors
/// When it has no JSON.
pub fn freeze(letter: &LetterType) -> anyhow::Result<String> {
    let by_hand = Some(letter.may_be_signed_by_hand());
    let frozen = LetterType { by_hand, template: String::new(), ..letter.clone() };
    serde_json::to_string(&frozen).with_context(|| format!("{} cannot be frozen", letter.key))
}

/// Why what was frozen is not read.
#[derive(Debug, Error)]
pub enum FrozenError {
    /// It says what this release has no rule for: a later one put it in force. To leave that out would be to check and promise
    /// something else than what is in force.
    #[error("a later release put it in force: {0}")]
    Later(#[source] serde_json::Error),
    /// It is no JSON any more.
    #[error("what was frozen is damaged: {0}")]
    Damaged(#[source] serde_json::Error),
}

/// Reads what [`freeze`] wrote, in this release or one before, with the template of the same version. It refers to nothing.
///
/// # Errors
/// [`FrozenError`]: nothing that it says is left out.
pub fn read_frozen(frozen: &str, template: &str) -> Result<LetterType, FrozenError> {
    let letter: LetterType = serde_json::from_str(frozen).map_err(|error| {
        if error.is_data() { FrozenError::Later(error) } else { FrozenError::Damaged(error) }
    })?;
    Ok(LetterType { template: template.to_owned(), ..letter })
}

/// Everything that keeps a type from being published, with the part it is about.
#[must_use]
pub fn defects_of(letter: &LetterType) -> Vec<String> {
    let known = all().map(|(catalogue, _)| catalogue);
    let knows = |key: &str| known.as_ref().is_ok_and(|catalogue| catalogue.knows_life_event(key));
    letter.publish_defects(knows).into_iter().map(|it| format!("{}: {}", it.part, it.text.id)).collect()
}

/// Life events, in the order in which a page shows them.
#[must_use]
pub fn life_events() -> &'static [LifeEvent] {
    all().map(|(catalogue, _)| catalogue.life_events.as_slice()).unwrap_or_default()
}

/// Definitions and templates of the shipped types, in the order in which a list shows them.
pub fn shipped() -> impl Iterator<Item = (&'static str, &'static str)> {
    SOURCES.iter().map(|source| (source.definition, source.template))
}

fn read(definition: &str, template: &str, shared: &Shared) -> anyhow::Result<LetterType> {
    let mut table: toml::Table = definition.parse()?;
    let common: Vec<String> = take(&mut table, "common_fields")?.unwrap_or_default();
    let standard_from: Option<String> = take(&mut table, "standard_from")?;
    // A type may need no field of its own.
    table.entry("fields").or_insert_with(|| toml::Value::Array(Vec::new()));
    let mut letter: LetterType = table.try_into()?;
    template.clone_into(&mut letter.template);
    let mut fields = Vec::with_capacity(common.len() + letter.fields.len());
    for key in common {
        let field = shared.fields.iter().find(|it| it.key == key);
        fields.push(field.with_context(|| format!("no shared field {key}"))?.clone());
    }
    fields.append(&mut letter.fields);
    letter.fields = fields;
    derive_standard(&mut letter);
    if let Some(name) = standard_from {
        let standard = shared.standards.get(&name).with_context(|| format!("no shared standard {name}"))?;
        // Of legal bases a letter has those of all and its own.
        let mut legal_basis = standard.legal_basis.clone();
        legal_basis.append(&mut letter.standard.legal_basis);
        letter.standard.legal_basis = legal_basis;
        letter.standard.complete_from(standard);
    }
    Ok(letter)
}

fn take<T: serde::de::DeserializeOwned>(table: &mut toml::Table, key: &str) -> anyhow::Result<Option<T>> {
    table.remove(key).map(|value| value.try_into().with_context(|| key.to_owned())).transpose()
}

/// Fills the components that follow from the data of the type, where it says nothing itself, so that the standard that is
/// shown and the procedure that runs cannot differ.
fn derive_standard(letter: &mut LetterType) {
    let derived = Standard {
        requirements: letter
            .requirements
            .iter()
            .map(|it| match (it.required, it.original) {
                (true, false) => it.title.id.clone(),
                (true, true) => format!("{} (asli diperlihatkan)", it.title.id),
                (false, _) => format!("{} (bila ada)", it.title.id),
            })
            .collect(),
        procedure: procedure(letter),
        completion_time: vec![format!(
            "Paling lama {} hari kerja sejak permohonan diterima lengkap",
            letter.promised_working_days
        )],
        fee: vec![if letter.fee.amount == 0 {
            "Tidak dipungut biaya (Rp0)".to_owned()
        } else {
            format!("Rp{} berdasarkan {}", thousands(letter.fee.amount), letter.fee.legal_basis)
        }],
        ..Standard::default()
    };
    letter.standard.complete_from(&derived);
    if let Some(days) = letter.deemed_granted_after_days {
        letter.standard.completion_time.push(format!(
            "Bila dalam {days} hari kerja tidak ada keputusan, permohonan dianggap dikabulkan secara hukum"
        ));
    }
}

/// The procedure in sentences, step by step.
fn procedure(letter: &LetterType) -> Vec<String> {
    let mut sentences = vec![
        "Pemohon mengisi formulir dan mengunggah persyaratan dalam jaringan atau di loket, lalu menerima kode tanda terima"
            .to_owned(),
    ];
    let by_hand = letter.may_be_signed_by_hand();
    sentences.extend(letter.steps.iter().map(|step| sentence(step, by_hand)));
    sentences.push(
        "Pemohon menerima pemberitahuan dan mengunduh dokumen, atau mengambil cetakannya di kantor tanpa biaya".to_owned(),
    );
    sentences
}

fn sentence(step: &Step, by_hand: bool) -> String {
    let who = match step.role {
        StepRole::RtHead => "Ketua RT",
        StepRole::RwHead => "Ketua RW",
        StepRole::VillageOfficer => "Perangkat desa/kelurahan",
        StepRole::VillageSecretary => "Sekretaris desa/kelurahan",
        StepRole::VillageHead => "Kepala desa/lurah",
        StepRole::SubDistrictOfficer => "Petugas kecamatan",
        StepRole::SubDistrictHead => "Camat",
        StepRole::AgencyOfficer => match step.kind {
            StepKind::Verify | StepKind::Register | StepKind::Sign => "Petugas pelayanan",
            StepKind::Approve => "Tim teknis",
        },
        StepRole::AgencyHead => "Kepala perangkat daerah",
    };
    let what = match (step.kind, step.level) {
        (StepKind::Verify, _) => "memeriksa kelengkapan dan kebenaran berkas",
        (StepKind::Approve, Level::Rt | Level::Rw) => "menyetujui permohonan warganya",
        (StepKind::Approve, Level::Village | Level::SubDistrict | Level::Agency) => {
            "memeriksa pemenuhan ketentuan dan menyetujui"
        }
        (StepKind::Register, _) => "mencatat dalam register",
        (StepKind::Sign, _) if by_hand => {
            "menandatangani secara elektronik, atau basah selama belum memiliki sertifikat elektronik"
        }
        (StepKind::Sign, _) => "menandatangani secara elektronik",
    };
    let optional = if step.optional { " (bila diterapkan atau diminta)" } else { "" };
    format!("{who} {what}{optional}")
}

/// An amount with a dot between its thousands.
fn thousands(amount: i64) -> String {
    let digits = amount.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push('.');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::domain::field;
    use crate::domain::letter_type::{Component, KNOWN_TO_TEMPLATES, Kind, template_fields};
    use crate::domain::workflow::Plan;
    use strum::IntoEnumIterator;

    fn catalogue() -> Catalogue {
        Catalogue::load().unwrap()
    }

    #[test]
    fn every_file_of_the_folder_is_shipped() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/catalogue");
        let mut files = BTreeSet::new();
        for entry in std::fs::read_dir(folder).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if name.ends_with(".toml") || name.ends_with(".typ") {
                files.insert(name);
            }
        }
        let shipped: BTreeSet<_> =
            SOURCES.iter().flat_map(|it| [format!("{}.toml", it.key), format!("{}.typ", it.key)]).collect();
        assert_eq!(files, shipped);
    }

    /// Must 1 and 2.
    #[test]
    fn every_shipped_type_can_be_published() {
        let catalogue = catalogue();
        assert_eq!(catalogue.defects(), Vec::<String>::new());
        for letter in &catalogue.types {
            let defects = letter.publish_defects(|key| catalogue.knows_life_event(key));
            assert!(defects.is_empty(), "{}: {defects:#?}", letter.key);
        }
        for key in [
            "domisili",
            "domisili_usaha",
            "sktm",
            "sku",
            "pengantar",
            "pengantar_skck",
            "kelahiran",
            "kematian",
            "pindah",
            "belum_menikah",
            "beda_identitas",
            "penghasilan",
            "kehilangan",
            "izin_keramaian",
            "ahli_waris",
        ] {
            assert_eq!(catalogue.find(key).map(|it| it.kind), Some(Kind::Letter), "{key}");
        }
        assert!(catalogue.types.iter().filter(|it| it.kind == Kind::Licence).count() >= 8);
    }

    /// Must 4 and 5: samples are valid as they would be typed, and name everything that a template names.
    #[test]
    fn samples_fill_forms_and_templates() {
        for letter in catalogue().types {
            let sample = letter.sample();
            assert_eq!(field::normalise(&letter.fields, &sample), sample, "{}", letter.key);
            let found = field::validate_sample(&letter.fields, &sample);
            assert!(found.is_empty(), "{}: {found:#?}", letter.key);
            let named = template_fields(&letter.template);
            assert!(!named.is_empty());
            for it in named {
                let declared = letter.fields.iter().any(|field| field.key == it.key);
                assert!(
                    declared || KNOWN_TO_TEMPLATES.contains(&it.key.as_str()),
                    "{}: {}",
                    letter.key,
                    it.key
                );
            }
        }
    }

    /// Data that is not needed is not asked (UU 27/2022 Pasal 16 ayat 2 huruf a: limited and specific).
    #[test]
    fn nothing_is_asked_that_is_not_used() {
        // Used outside the page: to reach the applicant, to know him and his family again, to open other fields, for OSS.
        let elsewhere = [
            "telepon",
            "nik",
            "kk",
            "nama",
            "untuk_orang_lain",
            "perpanjangan",
            "kode_tujuan",
            "kode_daerah",
            "jenis_perizinan",
        ];
        let mut unused = Vec::new();
        for letter in catalogue().types {
            let named: BTreeSet<_> = template_fields(&letter.template).into_iter().map(|it| it.key).collect();
            for field in letter.fields {
                if !named.contains(&field.key) && !elsewhere.contains(&field.key.as_str()) {
                    unused.push(format!("{}: {}", letter.key, field.key));
                }
            }
        }
        assert_eq!(unused, Vec::<String>::new());
    }

    #[test]
    fn fields_that_mean_the_same_are_asked_alike() {
        let catalogue = catalogue();
        let mut seen: BTreeMap<String, (String, Field)> = BTreeMap::new();
        for letter in &catalogue.types {
            for field in letter.fields.iter().filter(|it| it.prefill.is_some()) {
                let key = field.prefill.map(|it| it.to_string()).unwrap_or_default();
                let (other, first) = seen.entry(key).or_insert_with(|| (letter.key.clone(), field.clone()));
                assert_eq!(
                    first.kind, field.kind,
                    "{other} and {} ask {} in two ways",
                    letter.key, field.key
                );
            }
        }
        assert!(seen.len() >= 15, "{:?}", seen.keys());
    }

    /// UU 25/2009 Pasal 21: real text in each component, none of it left over from another letter.
    #[test]
    fn service_standards_are_complete() {
        for letter in catalogue().types {
            for component in Component::iter() {
                let sentences = letter.standard.component(component);
                assert!(
                    sentences.iter().any(|it| it.chars().count() > 10),
                    "{}: {}",
                    letter.key,
                    component.name()
                );
            }
            assert!(letter.standard.legal_basis.len() >= 4 || letter.kind == Kind::Letter, "{}", letter.key);
        }
        let catalogue = catalogue();
        let sktm = &catalogue.find("sktm").unwrap().standard;
        assert_eq!(sktm.fee, ["Tidak dipungut biaya (Rp0)"]);
        assert!(sktm.procedure.iter().any(|it| it.starts_with("Camat menandatangani")));
        assert!(catalogue.find("izin_reklame").unwrap().standard.completion_time.len() == 2);
    }

    #[test]
    fn villages_charge_nothing_and_promises_leave_time_for_every_step() {
        for letter in catalogue().types {
            assert_eq!(letter.fee.amount, 0, "{}", letter.key);
            let minutes: u32 = letter.steps.iter().map(|step| step.sla_minutes).sum();
            // 450 working minutes are a day (Perpres 21/2023).
            assert!(
                minutes <= letter.promised_working_days * 450,
                "{}: {minutes} minutes of steps",
                letter.key
            );
        }
    }

    #[test]
    fn the_letters_with_a_second_signature_can_do_without_it() {
        let catalogue = catalogue();
        for key in ["sktm", "domisili"] {
            let letter = catalogue.find(key).unwrap();
            let second: Vec<_> = letter.steps.iter().filter(|it| it.level == Level::SubDistrict).collect();
            assert!(second.len() == 2 && second.iter().all(|it| it.optional), "{key}");
            assert_eq!(Plan::of(letter).steps.len(), letter.steps.len());
        }
    }

    /// Requirement 0.5: two choices lead to a list of papers.
    #[test]
    fn two_choices_lead_from_a_birth_to_the_papers() {
        let catalogue = catalogue();
        let event = catalogue.life_events.iter().find(|it| it.title.id == "Anak saya lahir").unwrap();
        for case in &event.cases {
            let letter = catalogue.find(&case.letters[0]).unwrap();
            assert!(!letter.requirements.is_empty() && !case.elsewhere[0].requirements.is_empty());
        }
        // Each letter is reached from an event that it says it belongs to.
        for letter in &catalogue.types {
            assert!(!letter.life_events.is_empty(), "{}", letter.key);
            for key in &letter.life_events {
                let event = catalogue.life_events.iter().find(|it| it.key == *key).unwrap();
                assert!(
                    event.cases.iter().any(|it| it.letters.contains(&letter.key)),
                    "{} in {key}",
                    letter.key
                );
            }
        }
    }

    /// Must 1: nothing is lost of what is frozen, and it refers to nothing.
    #[test]
    fn what_is_frozen_is_whole() {
        for letter in catalogue().types {
            let frozen = freeze(&letter).unwrap();
            let read = read_frozen(&frozen, &letter.template).unwrap();
            assert_eq!(read.by_hand, Some(letter.may_be_signed_by_hand()), "{}", letter.key);
            assert_eq!(LetterType { by_hand: letter.by_hand, ..read }, letter, "{}", letter.key);
        }
    }

    /// Must 1: another `shared/fields.toml` and `shared/standards.toml` change what is a draft, not what is in force.
    #[test]
    fn what_is_frozen_does_not_follow_the_shared_files() {
        let source = SOURCES.iter().find(|it| it.key == "sktm").unwrap();
        let mut shared = Shared::load().unwrap();
        let before = read(source.definition, source.template, &shared).unwrap();
        let frozen = freeze(&before).unwrap();
        let nik = shared.fields.iter_mut().find(|it| it.key == "nik").unwrap();
        (nik.required, nik.kind) = (false, field::FieldType::Text);
        shared.standards.get_mut("village").unwrap().complaints =
            vec!["Kirim surat kepada bupati".to_owned()];
        let draft = read(source.definition, source.template, &shared).unwrap();
        assert_ne!(draft.fields, before.fields);
        assert_ne!(draft.standard, before.standard);
        // One that names its fields otherwise, or has none: nothing of the draft can be read any more.
        shared.fields.retain(|it| it.key != "nik");
        assert!(read(source.definition, source.template, &shared).is_err());
        let now = read_frozen(&frozen, source.template).unwrap();
        assert_eq!((now.fields, now.standard), (before.fields, before.standard));
    }

    /// Must 1: what a later release froze with rules that this one does not know is refused as that, wherever they stand, and never
    /// read without them.
    #[test]
    fn what_a_later_release_froze_is_refused_as_that() {
        let source = SOURCES.iter().find(|it| it.key == "sktm").unwrap();
        let frozen = freeze(&read_definition(source.definition, source.template).unwrap()).unwrap();
        let changed = |change: fn(&mut serde_json::Value)| {
            let mut value: serde_json::Value = serde_json::from_str(&frozen).unwrap();
            change(&mut value);
            read_frozen(&value.to_string(), source.template)
        };
        assert!(changed(|_| ()).is_ok());
        let later: [fn(&mut serde_json::Value); 4] = [
            |letter| letter["lampiran"] = true.into(),
            |letter| letter["steps"][0]["seconded"] = true.into(),
            |letter| letter["fields"][0]["type"] = "MAP".into(),
            |letter| letter["issuer"] = "REGENCY".into(),
        ];
        for change in later {
            assert!(matches!(changed(change), Err(FrozenError::Later(_))));
        }
        for damaged in ["", "{", "rusak"] {
            assert!(matches!(read_frozen(damaged, ""), Err(FrozenError::Damaged(_))), "{damaged}");
        }
    }

    /// What an installation froze with the release of November 2026 is read by every later one.
    #[test]
    fn what_earlier_releases_froze_is_read() {
        let letter = read_frozen(include_str!("../tests/frozen/ahli_waris-2026-11.json"), "templat").unwrap();
        assert_eq!((letter.key.as_str(), letter.template.as_str()), ("ahli_waris", "templat"));
        assert!(letter.fields.iter().any(|it| it.kind == field::FieldType::List && !it.columns.is_empty()));
        assert!(letter.fields.iter().any(|it| it.key == "nik") && !letter.steps.is_empty());
        assert!(letter.standard.missing().is_empty());
        let mut fields: Vec<_> = letter.fields.iter().map(|it| it.key.as_str()).collect();
        fields.sort_unstable();
        fields.dedup();
        assert_eq!(fields.len(), letter.fields.len());
    }

    #[test]
    fn what_is_wrong_in_a_file_is_named() {
        let shared = Shared { fields: Vec::new(), standards: BTreeMap::new() };
        let wrong = |definition| format!("{:#}", read(definition, "", &shared).unwrap_err());
        assert!(wrong("common_fields = [1]").starts_with("common_fields"));
        assert!(wrong("kunci = 1").contains("unknown field `kunci`"), "{}", wrong("kunci = 1"));
        assert_eq!(thousands(1_250_000), "1.250.000");
        assert_eq!(thousands(500), "500");
    }
}
