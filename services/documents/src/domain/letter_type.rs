//! One entry of the catalogue: a letter or a licence as data. A new one needs no code.
//!
//! A type is drafted, published and retired; what was published is never edited, a change is a new version. It cannot be
//! published while anything is missing that a citizen, an official or the law asks for: [`LetterType::publish_defects`]
//! names all of it at once.

use mpp_kit::fsm::{Row, Table};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString, IntoEnumIterator};

use super::document::Validity;
use super::field::{self, Field, FieldType, Values};
use super::number::{Format, SeriesPolicy, Token};
use super::person::SubjectKind;
use super::step::{Level, OfficeLevel, Signatory, SigningStyle, Step, StepKind, StepRole};
use super::text::Text;

/// A letter of a village or sub-district, or a licence of an agency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, EnumIter)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Kind {
    /// Surat.
    Letter,
    /// Izin.
    Licence,
}

/// Who may read a letter of a type, as letters themselves say it (*klasifikasi keamanan*, Permendagri 1/2023).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, EnumIter)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Sensitivity {
    /// Biasa.
    Ordinary,
    /// Terbatas.
    Restricted,
    /// Rahasia.
    Confidential,
}

impl Sensitivity {
    /// The word that stands behind "Sifat:".
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Ordinary => "Biasa",
            Self::Restricted => "Terbatas",
            Self::Confidential => "Rahasia",
        }
    }
}

/// States of a version.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, EnumIter,
)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TypeState {
    /// Being written; nobody can apply.
    #[default]
    Draft,
    /// In force; never edited.
    Published,
    /// No longer; applications under way are finished by it.
    Retired,
}

/// What can be done to a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Display, EnumString, EnumIter)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum TypeVerb {
    /// Change it.
    Edit,
    /// Put it in force.
    Publish,
    /// Take it out of force.
    Retire,
}

/// Which transitions are permitted, and why.
pub const TRANSITIONS: Table<TypeState, TypeVerb> = Table(&[
    Row {
        from: TypeState::Draft,
        verb: TypeVerb::Edit,
        to: TypeState::Draft,
        why: "nobody has applied by it yet",
    },
    Row {
        from: TypeState::Draft,
        verb: TypeVerb::Publish,
        to: TypeState::Published,
        why: "nothing is missing, and a second person agreed",
    },
    Row {
        from: TypeState::Draft,
        verb: TypeVerb::Retire,
        to: TypeState::Retired,
        why: "it was given up before it was in force",
    },
    Row {
        from: TypeState::Published,
        verb: TypeVerb::Retire,
        to: TypeState::Retired,
        why: "a newer version or none takes its place",
    },
]);

/// The components of a service standard (UU 25/2009 Pasal 21), in the order of the law.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, EnumIter)]
#[serde(rename_all = "snake_case")]
pub enum Component {
    /// Huruf a.
    LegalBasis,
    /// Huruf b.
    Requirements,
    /// Huruf c.
    Procedure,
    /// Huruf d.
    CompletionTime,
    /// Huruf e.
    Fee,
    /// Huruf f.
    Product,
    /// Huruf g.
    Facilities,
    /// Huruf h.
    Competence,
    /// Huruf i.
    InternalSupervision,
    /// Huruf j.
    Complaints,
    /// Huruf k.
    Staffing,
    /// Huruf l.
    ServiceGuarantee,
    /// Huruf m.
    SafetyGuarantee,
    /// Huruf n.
    Evaluation,
}

impl Component {
    /// The name that the law gives it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::LegalBasis => "dasar hukum",
            Self::Requirements => "persyaratan",
            Self::Procedure => "sistem, mekanisme, dan prosedur",
            Self::CompletionTime => "jangka waktu penyelesaian",
            Self::Fee => "biaya/tarif",
            Self::Product => "produk pelayanan",
            Self::Facilities => "sarana, prasarana, dan/atau fasilitas",
            Self::Competence => "kompetensi pelaksana",
            Self::InternalSupervision => "pengawasan internal",
            Self::Complaints => "penanganan pengaduan, saran, dan masukan",
            Self::Staffing => "jumlah pelaksana",
            Self::ServiceGuarantee => {
                "jaminan pelayanan yang memberikan kepastian pelayanan dilaksanakan sesuai dengan standar pelayanan"
            }
            Self::SafetyGuarantee => {
                "jaminan keamanan dan keselamatan pelayanan dalam bentuk komitmen untuk memberikan rasa aman, bebas \
                 dari bahaya, dan risiko keragu-raguan"
            }
            Self::Evaluation => "evaluasi kinerja pelaksana",
        }
    }
}

/// A service standard: the sentences of each component, in Indonesian.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Standard {
    /// Dasar hukum.
    pub legal_basis: Vec<String>,
    /// Persyaratan.
    pub requirements: Vec<String>,
    /// Sistem, mekanisme, dan prosedur.
    pub procedure: Vec<String>,
    /// Jangka waktu penyelesaian.
    pub completion_time: Vec<String>,
    /// Biaya/tarif.
    pub fee: Vec<String>,
    /// Produk pelayanan.
    pub product: Vec<String>,
    /// Sarana, prasarana, dan/atau fasilitas.
    pub facilities: Vec<String>,
    /// Kompetensi pelaksana.
    pub competence: Vec<String>,
    /// Pengawasan internal.
    pub internal_supervision: Vec<String>,
    /// Penanganan pengaduan, saran, dan masukan.
    pub complaints: Vec<String>,
    /// Jumlah pelaksana.
    pub staffing: Vec<String>,
    /// Jaminan pelayanan.
    pub service_guarantee: Vec<String>,
    /// Jaminan keamanan dan keselamatan pelayanan.
    pub safety_guarantee: Vec<String>,
    /// Evaluasi kinerja pelaksana.
    pub evaluation: Vec<String>,
}

impl Standard {
    /// The sentences of a component.
    #[must_use]
    pub fn component(&self, component: Component) -> &[String] {
        match component {
            Component::LegalBasis => &self.legal_basis,
            Component::Requirements => &self.requirements,
            Component::Procedure => &self.procedure,
            Component::CompletionTime => &self.completion_time,
            Component::Fee => &self.fee,
            Component::Product => &self.product,
            Component::Facilities => &self.facilities,
            Component::Competence => &self.competence,
            Component::InternalSupervision => &self.internal_supervision,
            Component::Complaints => &self.complaints,
            Component::Staffing => &self.staffing,
            Component::ServiceGuarantee => &self.service_guarantee,
            Component::SafetyGuarantee => &self.safety_guarantee,
            Component::Evaluation => &self.evaluation,
        }
    }

    /// The same, to be filled in.
    pub fn component_mut(&mut self, component: Component) -> &mut Vec<String> {
        match component {
            Component::LegalBasis => &mut self.legal_basis,
            Component::Requirements => &mut self.requirements,
            Component::Procedure => &mut self.procedure,
            Component::CompletionTime => &mut self.completion_time,
            Component::Fee => &mut self.fee,
            Component::Product => &mut self.product,
            Component::Facilities => &mut self.facilities,
            Component::Competence => &mut self.competence,
            Component::InternalSupervision => &mut self.internal_supervision,
            Component::Complaints => &mut self.complaints,
            Component::Staffing => &mut self.staffing,
            Component::ServiceGuarantee => &mut self.service_guarantee,
            Component::SafetyGuarantee => &mut self.safety_guarantee,
            Component::Evaluation => &mut self.evaluation,
        }
    }

    /// The components without a sentence.
    #[must_use]
    pub fn missing(&self) -> Vec<Component> {
        Component::iter()
            .filter(|component| self.component(*component).iter().all(|sentence| sentence.trim().is_empty()))
            .collect()
    }

    /// Fills each component that is empty with that of `other`.
    pub fn complete_from(&mut self, other: &Self) {
        for component in self.missing() {
            *self.component_mut(component) = other.component(component).to_vec();
        }
    }
}

/// A paper that the applicant gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    /// Its name in uploads: like the key of a field.
    pub key: String,
    /// What it is.
    pub title: Text,
    /// Whether it must be there at submission.
    #[serde(default = "yes")]
    pub required: bool,
    /// Shown at the counter instead of uploaded, where an original must be seen.
    #[serde(default)]
    pub original: bool,
}

fn yes() -> bool {
    true
}

/// How its documents are numbered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Numbering {
    /// Which documents share a series.
    pub series: SeriesPolicy,
    /// What the number of the office that issues looks like; read by [`LetterType::format`].
    pub format: String,
    /// What the sub-district's own number looks like, where it signs or registers too.
    #[serde(default)]
    pub sub_district_format: Option<String>,
}

/// What it costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fee {
    /// Whole rupiah.
    pub amount: i64,
    /// The rule that sets it; needed for every fee above zero.
    #[serde(default)]
    pub legal_basis: String,
    /// Days to pay, from the day on which it is asked for.
    #[serde(default = "days_to_pay")]
    pub days: u16,
    /// How and where to pay; needed for every fee above zero.
    #[serde(default)]
    pub instructions: Option<Text>,
}

/// A month, where the type says nothing else.
fn days_to_pay() -> u16 {
    30
}

/// The most pages of a type that says nothing else.
fn usual_pages() -> usize {
    4
}

/// The most pages that any type may ask for.
pub const MOST_PAGES: usize = 20;

/// What happens after a return for correction.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, EnumIter,
)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AfterReturn {
    /// It goes on at the step that returned it.
    #[default]
    Continue,
    /// It begins again at the first step.
    Restart,
}

/// Which fields say whom a document is about: his name, masked, stands on the verification page, and a second application
/// about him is found by his NIK.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// The field with his name.
    pub name: String,
    /// The field with his NIK, where one is asked.
    #[serde(default)]
    pub nik: Option<String>,
}

/// What a licence is in OSS-RBA.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OssBinding {
    /// `jenis_perizinan` that this type takes: 01 basic, 02 licence, 04 standard certificate, K02 and K03 UMKU.
    pub licence_kinds: Vec<String>,
    /// `kewenangan`: 00 centre, 01 province, 02 regency.
    pub authorities: Vec<String>,
    /// `kd_izin` that this type takes; all of the kinds above when empty.
    #[serde(default)]
    pub licence_codes: Vec<String>,
}

/// A letter or licence type, in one version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LetterType {
    /// Short code, unique in the catalogue: like the key of a field.
    pub key: String,
    /// The code that stands in numbers (`[kode_surat]`).
    pub code: String,
    /// Letter or licence.
    pub kind: Kind,
    /// What it is called; the Indonesian title stands on the document.
    pub title: Text,
    /// What it is for, in a sentence.
    pub summary: Text,
    /// Classification of archives (Permendagri 83/2022). It stands in the number, or where the format of numbers has no place for
    /// it, above the title.
    pub classification: String,
    /// Who may read its letters; said above the title where it is given.
    #[serde(default)]
    pub sensitivity: Option<Sensitivity>,
    /// Counts up with every published change.
    pub version: u32,
    /// Where this version stands.
    #[serde(default)]
    pub state: TypeState,
    /// Which office issues it.
    pub issuer: OfficeLevel,
    /// Whom it can be about.
    pub subjects: Vec<SubjectKind>,
    /// Which fields say whom it is about.
    pub about: About,
    /// What the form asks.
    pub fields: Vec<Field>,
    /// Papers to give.
    #[serde(default)]
    pub requirements: Vec<Requirement>,
    /// Who decides, in order.
    pub steps: Vec<Step>,
    /// Who may sign.
    pub signatories: Vec<Signatory>,
    /// How documents are numbered.
    pub numbering: Numbering,
    /// How long a document holds.
    pub validity: Validity,
    /// What it costs.
    pub fee: Fee,
    /// The most pages that a letter may take, annexes included: what would take more is refused when it is handed in.
    #[serde(default = "usual_pages")]
    pub pages: usize,
    /// Working days promised from complete submission.
    pub promised_working_days: u32,
    /// Whether it is deemed granted when that many working days went by undecided (fiktif positif, UU 30/2014 Pasal 53
    /// as changed by UU 6/2023); the number may differ from what is promised.
    #[serde(default)]
    pub deemed_granted_after_days: Option<u32>,
    /// Days in which a second application about the same person is pointed out; 0 for never.
    #[serde(default)]
    pub duplicate_window_days: u32,
    /// Whether one official may take several steps of one letter.
    #[serde(default)]
    pub one_may_take_several_steps: bool,
    /// What happens after a return.
    #[serde(default)]
    pub after_return: AfterReturn,
    /// Life events that it belongs to, by key.
    #[serde(default)]
    pub life_events: Vec<String>,
    /// Whether it may be signed by hand where its official has no electronic certificate yet. What does not say so may be if
    /// it is a letter of a village or sub-district.
    #[serde(default)]
    pub by_hand: Option<bool>,
    /// Set when applications come from OSS-RBA.
    #[serde(default)]
    pub oss: Option<OssBinding>,
    /// The service standard.
    #[serde(default)]
    pub standard: Standard,
    /// The Typst source of the document.
    #[serde(default)]
    pub template: String,
}

/// Fields that templates can always name: the service knows them from the office and the area, no form asks for them.
/// Names carry their kind (`Desa Bioa Sengok`, `Kabupaten Lebong`); `rt` and `rw` are three digits, and may be absent.
pub const KNOWN_TO_TEMPLATES: [&str; 7] =
    ["kantor", "desa", "kecamatan", "kabupaten", "provinsi", "rt", "rw"];

/// A place where a template names a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateField {
    /// What is done with it: `tanggal`, `rupiah`, `given`, or nothing.
    pub function: &'static str,
    /// The key.
    pub key: String,
}

/// The line that every template begins with.
pub const TEMPLATE_IMPORT: &str = "#import \"/letter/base.typ\": *";

/// Bytes of a template at most.
pub const MAX_TEMPLATE: usize = 64 * 1024;

/// The fields that a template names as `data.fields.key` or `given("key")`, in order. Comments are passed over.
///
/// This is what an official is told in words; the renderer reads the syntax tree and has the last say.
#[must_use]
pub fn template_fields(source: &str) -> Vec<TemplateField> {
    const FIELD: &str = "data.fields.";
    const GIVEN: &str = "given(\"";
    let code = without_comments(source);
    let mut found = Vec::new();
    let key_at = |at: usize| {
        code[at..].chars().take_while(|it| it.is_ascii_alphanumeric() || *it == '_').collect::<String>()
    };
    for at in code.char_indices().map(|(at, _)| at) {
        if code[at..].starts_with(FIELD) {
            let before = code[..at].trim_end();
            let function = ["tanggal", "rupiah"]
                .into_iter()
                .find(|it| before.strip_suffix('(').is_some_and(|it2| it2.ends_with(it)));
            found.push(TemplateField { function: function.unwrap_or(""), key: key_at(at + FIELD.len()) });
        } else if code[at..].starts_with(GIVEN) {
            found.push(TemplateField { function: "given", key: key_at(at + GIVEN.len()) });
        }
    }
    found
}

/// The source without `//` and `/* */` comments, so that an example in a comment binds nobody. `://` begins no comment.
fn without_comments(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(at) = rest.find('/') {
        let (before, tail) = rest.split_at(at);
        out.push_str(before);
        if tail.starts_with("//") && !before.ends_with(':') {
            rest = tail.find('\n').map_or("", |end| &tail[end..]);
        } else if tail.starts_with("/*") {
            rest = tail.find("*/").map_or("", |end| &tail[end + 2..]);
        } else {
            let length = if tail.starts_with("//") { 2 } else { 1 };
            out.push_str(&tail[..length]);
            rest = &tail[length..];
        }
    }
    out.push_str(rest);
    out
}

/// Something that keeps a type from being published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Defect {
    /// Where: the path of the part.
    pub part: String,
    /// What is wrong and what to do.
    pub text: Text,
}

/// Collects defects.
struct Defects(Vec<Defect>);

impl Defects {
    fn note(&mut self, part: impl Into<String>, id: impl Into<String>, en: impl Into<String>) {
        self.0.push(Defect { part: part.into(), text: Text::new(id, en) });
    }
}

impl LetterType {
    /// The number format, read.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn format(&self) -> Result<Format, super::number::FormatError> {
        self.numbering.format.parse()
    }

    /// Whether it may be signed by hand where its official has no electronic certificate yet: as it says, else if it is a letter
    /// of a village or sub-district. Their heads are the last to have one; an agency's licences go to other systems as files.
    #[must_use]
    pub fn may_be_signed_by_hand(&self) -> bool {
        let small = match self.issuer {
            OfficeLevel::Village | OfficeLevel::SubDistrict => true,
            OfficeLevel::Agency => false,
        };
        self.by_hand.unwrap_or(small && self.kind == Kind::Letter)
    }

    /// The classification of archives, where the numbers of the office that issues do not hold it.
    #[must_use]
    pub fn classification_beside_number(&self) -> Option<&str> {
        let holds = |format: &Format| format.tokens().any(|token| token == Token::KodeKlasifikasi);
        let in_number = self.format().is_ok_and(|format| holds(&format));
        Some(self.classification.as_str()).filter(|_| !in_number)
    }

    /// The values of a preview.
    #[must_use]
    pub fn sample(&self) -> Values {
        let mut values = Values::new();
        for field in &self.fields {
            if !field.sample.is_null() {
                values.insert(field.key.clone(), field.sample.clone());
            }
        }
        // A sample may be given for a field that the other samples hide.
        let hidden: Vec<_> = self
            .fields
            .iter()
            .filter(|it| !field::is_asked(&self.fields, it, &values))
            .map(|it| it.key.clone())
            .collect();
        for key in hidden {
            values.remove(&key);
        }
        values
    }

    /// Whether the template prints one of [`KNOWN_TO_TEMPLATES`] in every letter, so that without it there is none.
    #[must_use]
    pub fn always_names(&self, place: &str) -> bool {
        let named = template_fields(&self.template);
        let mut uses = named.iter().filter(|it| it.key == place).peekable();
        uses.peek().is_some()
            && uses.all(|it| it.function != "given")
            && self.fields.iter().all(|it| it.key != place)
    }

    /// The step that signs for another office than the one that issues: its signer is printed beside the first one.
    #[must_use]
    pub fn second_signature(&self) -> Option<&Step> {
        let others = |step: &&Step| step.kind == StepKind::Sign && step.level.office() != self.issuer;
        self.steps.iter().find(others)
    }

    /// Whether a field with this key can be left empty.
    fn may_be_absent(&self, key: &str) -> bool {
        matches!(key, "rt" | "rw") && self.fields.iter().all(|it| it.key != key)
            || self.fields.iter().any(|it| it.key == key && (!it.required || it.only_when.is_some()))
    }

    /// The roles that may take a step: its own, and where it is signed those that sign in the name of it.
    #[must_use]
    pub fn roles_of(&self, step: &Step) -> Vec<StepRole> {
        match step.kind {
            StepKind::Sign => {
                let mut roles: Vec<_> =
                    self.signatories.iter().filter(|it| it.level == step.level).map(|it| it.role).collect();
                if roles.is_empty() {
                    roles.push(step.role);
                }
                roles
            }
            StepKind::Verify | StepKind::Approve | StepKind::Register => vec![step.role],
        }
    }

    /// Everything that keeps this version from being published, by the name of the part. `knows_life_event` answers
    /// whether a life event is known.
    #[must_use]
    pub fn publish_defects(&self, knows_life_event: impl Fn(&str) -> bool) -> Vec<Defect> {
        let mut defects = Defects(Vec::new());
        self.naming_defects(&mut defects, knows_life_event);
        for text in field::defects(&self.fields) {
            defects.note("fields", text.clone(), text);
        }
        self.sample_defects(&mut defects);
        self.step_defects(&mut defects);
        self.numbering_defects(&mut defects);
        self.template_defects(&mut defects);
        for component in self.standard.missing() {
            defects.note(
                format!("standard.{}", component.name()),
                format!("lengkapi komponen standar pelayanan: {} (UU 25/2009 Pasal 21)", component.name()),
                format!(
                    "fill in the component of the service standard: {} (UU 25/2009 Pasal 21)",
                    component.name()
                ),
            );
        }
        defects.0
    }

    fn naming_defects(&self, defects: &mut Defects, knows_life_event: impl Fn(&str) -> bool) {
        if !field::is_key(&self.key) {
            defects.note(
                "key",
                "pakai huruf kecil, angka, dan garis bawah",
                "use lower-case letters, digits and underscores",
            );
        }
        let code_is_sound = (1..=12).contains(&self.code.len())
            && self.code.bytes().all(|it| it.is_ascii_alphanumeric() || matches!(it, b'-' | b'.'));
        if !code_is_sound {
            defects.note("code", "isi 1 sampai 12 huruf atau angka", "give 1 to 12 letters or digits");
        }
        for (part, text) in [("title", &self.title), ("summary", &self.summary)] {
            if text.id.trim().is_empty() || text.en.trim().is_empty() {
                defects.note(
                    part,
                    "isi dalam bahasa Indonesia dan Inggris",
                    "give it in Indonesian and English",
                );
            }
        }
        let digits_and_dots = !self.classification.is_empty()
            && self
                .classification
                .split('.')
                .all(|part| !part.is_empty() && part.bytes().all(|it| it.is_ascii_digit()));
        if !digits_and_dots {
            defects.note(
                "classification",
                "isi kode klasifikasi arsip seperti 400.12 (Permendagri 83/2022)",
                "give a classification code such as 400.12 (Permendagri 83/2022)",
            );
        }
        if self.subjects.is_empty() {
            defects.note("subjects", "pilih siapa yang dapat memohon", "say whom it can be about");
        }
        if self.promised_working_days == 0 {
            defects.note(
                "promised_working_days",
                "isi hari kerja yang dijanjikan, paling sedikit 1",
                "give the working days promised, at least 1",
            );
        }
        if !(1..=MOST_PAGES).contains(&self.pages) {
            defects.note(
                "pages",
                format!("isi 1 sampai {MOST_PAGES} halaman"),
                format!("give 1 to {MOST_PAGES} pages"),
            );
        }
        if self.deemed_granted_after_days == Some(0) {
            defects.note(
                "deemed_granted_after_days",
                "isi paling sedikit 1 hari kerja, atau kosongkan",
                "give at least 1 working day, or leave it out",
            );
        }
        let signatures = self.steps.iter().filter(|step| step.kind == StepKind::Sign).count();
        if self.deemed_granted_after_days.is_some() && signatures > 1 {
            defects.note(
                "deemed_granted_after_days",
                "kosongkan, atau sisakan satu tahap tanda tangan: yang dikabulkan menurut hukum disegel satu kali atas nama kantor penerbit, sehingga tanda tangan kedua yang tercetak tidak pernah ada",
                "leave it out, or keep one step that signs: what the law grants is sealed once for the office that issues, and the second signature that is printed would never be there",
            );
        }
        if self.fee.amount < 0 || (self.fee.amount > 0 && self.fee.legal_basis.trim().is_empty()) {
            defects.note("fee", "sebutkan dasar hukum biaya", "name the rule that sets the fee");
        }
        let how = self.fee.instructions.as_ref();
        if self.fee.amount > 0 && how.is_none_or(|how| how.id.trim().is_empty() || how.en.trim().is_empty()) {
            defects.note(
                "fee.instructions",
                "tulis cara dan tempat membayar, dalam bahasa Indonesia dan Inggris",
                "say how and where to pay, in Indonesian and English",
            );
        }
        if !(1..=365).contains(&self.fee.days) {
            defects.note("fee.days", "isi 1 sampai 365 hari untuk membayar", "give 1 to 365 days to pay");
        }
        for (at, requirement) in self.requirements.iter().enumerate() {
            let part = format!("requirements.{}", requirement.key);
            if !field::is_key(&requirement.key) || requirement.title.id.trim().is_empty() {
                defects.note(
                    part.clone(),
                    "isi kunci dan nama persyaratan",
                    "give the requirement a key and a name",
                );
            }
            if self.requirements[..at].iter().any(|other| other.key == requirement.key) {
                defects.note(part, "kunci ini dipakai dua kali", "this key stands twice");
            }
        }
        for event in self.life_events.iter().filter(|event| !knows_life_event(event)) {
            defects.note(
                format!("life_events.{event}"),
                "peristiwa hidup ini tidak dikenal",
                "this life event is not known",
            );
        }
        if let Some(oss) = &self.oss
            && (self.kind != Kind::Licence || oss.licence_kinds.is_empty() || oss.authorities.is_empty())
        {
            defects.note(
                "oss",
                "izin OSS memerlukan jenis_perizinan dan kewenangan",
                "a licence of OSS needs jenis_perizinan and kewenangan",
            );
        }
        if self.by_hand == Some(true) && self.oss.is_some() {
            defects.note(
                "by_hand",
                "hapus by_hand: OSS menerima berkas yang bertanda tangan elektronik",
                "leave by_hand out: OSS takes files that are signed electronically",
            );
        }
    }

    fn sample_defects(&self, defects: &mut Defects) {
        let sample = self.sample();
        // Samples are judged without today: a date to come stays one that was to come.
        for violation in field::validate_sample(&self.fields, &sample) {
            defects.note(
                format!("fields.{}.sample", violation.field),
                violation.remedy.id,
                violation.remedy.en,
            );
        }
        let field = |key: &str| self.fields.iter().find(|it| it.key == key);
        let named = field(&self.about.name)
            .is_some_and(|it| it.kind == FieldType::PersonName && it.required && it.only_when.is_none());
        if !named {
            defects.note(
                "about.name",
                "sebutkan isian nama orang yang selalu wajib",
                "name a field with a person's name that is always required",
            );
        }
        if self.about.nik.as_deref().is_some_and(|key| field(key).is_none_or(|it| it.kind != FieldType::Nik))
        {
            defects.note("about.nik", "sebutkan isian NIK", "name a field with a NIK");
        }
    }

    fn step_defects(&self, defects: &mut Defects) {
        let signs = |step: &&Step| step.kind == StepKind::Sign && !step.optional;
        if !self.steps.iter().any(|step| signs(&step)) {
            defects.note(
                "steps",
                "tambahkan langkah tanda tangan yang wajib",
                "add a step that is signed and not optional",
            );
        }
        if self.steps.last().is_some_and(|step| !matches!(step.kind, StepKind::Sign | StepKind::Register)) {
            defects.note("steps", "langkah terakhir harus tanda tangan", "the last step must be signed");
        }
        if let Some(first) = self.steps.iter().find(signs)
            && first.level.office() != self.issuer
        {
            defects.note(
                "issuer",
                "yang menerbitkan harus yang pertama menandatangani",
                "who issues must be who signs first",
            );
        }
        let second = self.second_signature();
        for (at, step) in self.steps.iter().enumerate() {
            let part = format!("steps[{at}]");
            // A letter names two signers: a third one would sign what does not name him.
            let third = step.kind == StepKind::Sign
                && step.level.office() != self.issuer
                && second.is_some_and(|second| second.level.office() != step.level.office());
            if third {
                defects.note(
                    part.clone(),
                    "surat memuat tanda tangan kantor penerbit dan satu kantor lain; pakai VERIFY, APPROVE, atau REGISTER di sini",
                    "a letter bears the signature of the office that issues it and of one other; VERIFY, APPROVE or REGISTER here",
                );
            }
            if step.role.level() != step.level {
                defects.note(
                    part.clone(),
                    "peran tidak berada pada tingkat ini",
                    "the role is not of this level",
                );
            }
            if step.sla_minutes == 0 {
                defects.note(part.clone(), "isi batas waktu langkah", "give the step its time");
            }
            if step.presence.as_ref().is_some_and(|it| it.legal_reason.trim().is_empty()) {
                defects.note(
                    part.clone(),
                    "sebutkan aturan yang mewajibkan kehadiran, atau hapus kewajiban hadir",
                    "name the rule that asks for presence, or do not ask for it",
                );
            }
            // A neighbourhood is asked before the village decides, not after.
            let asked_late = matches!(step.level, Level::Rt | Level::Rw)
                && self.steps[..at].iter().any(|before| {
                    before.level.office() != OfficeLevel::Village
                        || before.level == Level::Village
                        || (step.level == Level::Rt && before.level == Level::Rw)
                });
            if asked_late {
                defects.note(
                    part.clone(),
                    "urutkan RT, RW, lalu desa",
                    "put RT before RW, and both before the village",
                );
            }
            if step.kind == StepKind::Sign {
                let mut able = self.signatories.iter().filter(|it| it.level == step.level);
                if !able.any(|it| it.role == step.role && it.style == SigningStyle::Own) {
                    defects.note(
                        part,
                        "langkah tanda tangan tidak memiliki penanda tangan yang berwenang",
                        "the signed step has no signatory in his own name",
                    );
                }
            }
        }
        for (at, signatory) in self.signatories.iter().enumerate() {
            let level_is_right = signatory.role.level() == signatory.level
                && self.steps.iter().any(|step| step.kind == StepKind::Sign && step.level == signatory.level);
            let repeated = self.signatories[..at]
                .iter()
                .any(|other| other.role == signatory.role && other.level == signatory.level);
            if !level_is_right || repeated {
                defects.note(
                    format!("signatories[{at}]"),
                    "penanda tangan tidak cocok dengan langkah mana pun, atau tercantum dua kali",
                    "the signatory fits no signed step, or stands twice",
                );
            }
        }
    }

    fn numbering_defects(&self, defects: &mut Defects) {
        let mut check = |part: &str, format: &str| match format.parse::<Format>() {
            Err(error) => {
                defects.note(
                    part,
                    format!("perbaiki format nomor: {error}"),
                    format!("mend the number format: {error}"),
                );
            }
            Ok(format) => {
                let has = |token| format.tokens().any(|it| it == token);
                if self.issuer == OfficeLevel::Agency && has(Token::KodeDesa) {
                    defects.note(
                        part,
                        "perangkat daerah tidak memiliki kode desa",
                        "an agency has no village code",
                    );
                }
                // Two types that each begin at 1 would print the same number.
                if self.numbering.series == SeriesPolicy::OfficeAndType && !has(Token::KodeSurat) {
                    defects.note(
                        part,
                        "seri per jenis surat memerlukan [kode_surat] dalam nomor",
                        "a series for each type needs [kode_surat] in its number",
                    );
                }
            }
        };
        check("numbering.format", &self.numbering.format);
        if let Some(format) = &self.numbering.sub_district_format {
            check("numbering.sub_district_format", format);
        }
        let sub_district_numbers = self.issuer != OfficeLevel::SubDistrict
            && self.steps.iter().any(|step| {
                step.level == Level::SubDistrict && matches!(step.kind, StepKind::Sign | StepKind::Register)
            });
        if sub_district_numbers && self.numbering.sub_district_format.is_none() {
            defects.note(
                "numbering.sub_district_format",
                "kecamatan ikut menomori: isi format nomornya",
                "the sub-district numbers too: give its format",
            );
        }
    }

    fn template_defects(&self, defects: &mut Defects) {
        if self.template.len() > MAX_TEMPLATE {
            defects.note("template", "templat paling besar 64 KiB", "a template has at most 64 KiB");
            return;
        }
        if !self.template.trim_start().starts_with(TEMPLATE_IMPORT) {
            defects.note(
                "template",
                format!("awali templat dengan {TEMPLATE_IMPORT}"),
                format!("begin the template with {TEMPLATE_IMPORT}"),
            );
        }
        let code = without_comments(&self.template);
        if !code.contains("#show: letter") {
            defects.note("template", "tambahkan #show: letter", "add #show: letter");
        }
        let named = template_fields(&self.template);
        for it in &named {
            let declared = self.fields.iter().find(|field| field.key == it.key);
            let part = format!("template.{}", it.key);
            match declared {
                None if KNOWN_TO_TEMPLATES.contains(&it.key.as_str()) => {
                    let foreign = it.key == "desa" && self.issuer != OfficeLevel::Village;
                    if foreign && it.function != "given" {
                        defects.note(
                            part,
                            "kantor ini bukan desa: dahului dengan #if given",
                            "this office is no village: put it behind #if given",
                        );
                    }
                }
                None => defects.note(
                    part,
                    "templat memakai isian yang tidak ada dalam formulir",
                    "the template names a field that the form does not have",
                ),
                Some(field) => {
                    let fits = match it.function {
                        "tanggal" => field.kind == FieldType::Date,
                        "rupiah" => field.kind == FieldType::Money,
                        _ => true,
                    };
                    if !fits {
                        defects.note(
                            part,
                            format!("{} tidak cocok dengan jenis isian {}", it.function, field.kind),
                            format!("{} does not fit a field of type {}", it.function, field.kind),
                        );
                    }
                }
            }
            let guarded = named.iter().any(|other| other.function == "given" && other.key == it.key);
            if it.function != "given" && self.may_be_absent(&it.key) && !guarded {
                defects.note(
                    format!("template.{}", it.key),
                    format!("isian ini boleh kosong: dahului dengan #if given(\"{}\")", it.key),
                    format!("this field may be empty: put it behind #if given(\"{}\")", it.key),
                );
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use serde_json::json;

    /// A type without defects, for the tests of this and other modules.
    pub(crate) fn sample_type() -> LetterType {
        let step = |level: Level, role: StepRole, kind: StepKind, optional: bool| json!({"level": level, "role": role, "kind": kind, "optional": optional, "sla_minutes": 450, "may_delegate": true});
        let mut letter: LetterType = serde_json::from_value(json!({
            "key": "sktm", "code": "SKTM", "kind": "LETTER",
            "title": {"id": "Surat Keterangan Tidak Mampu", "en": "Letter of indigence"},
            "summary": {"id": "Menerangkan keadaan ekonomi.", "en": "States an economic situation."},
            "classification": "400.9", "version": 1, "issuer": "VILLAGE", "subjects": ["RESIDENT"], "about": {"name": "nama"},
            "fields": [
                {"key": "nama", "type": "PERSON_NAME", "label": {"id": "Nama", "en": "Name"}, "sample": "Siti Contoh", "personal": "GENERAL"},
                {"key": "penghasilan", "type": "MONEY", "label": {"id": "Penghasilan", "en": "Income"}, "sample": 500_000, "personal": "SPECIFIC"},
                {"key": "lahir", "type": "DATE", "label": {"id": "Lahir", "en": "Born"}, "sample": "1990-05-17", "required": false},
            ],
            "requirements": [{"key": "ktp", "title": {"id": "KTP-el", "en": "Identity card"}}],
            "steps": [
                step(Level::Rt, StepRole::RtHead, StepKind::Approve, true),
                step(Level::Rw, StepRole::RwHead, StepKind::Approve, true),
                step(Level::Village, StepRole::VillageOfficer, StepKind::Verify, false),
                step(Level::Village, StepRole::VillageHead, StepKind::Sign, false),
                step(Level::SubDistrict, StepRole::SubDistrictOfficer, StepKind::Verify, true),
                step(Level::SubDistrict, StepRole::SubDistrictHead, StepKind::Sign, true),
            ],
            "signatories": [
                {"level": "VILLAGE", "role": "VILLAGE_HEAD", "style": "OWN"},
                {"level": "VILLAGE", "role": "VILLAGE_SECRETARY", "style": "ON_BEHALF"},
                {"level": "SUB_DISTRICT", "role": "SUB_DISTRICT_HEAD", "style": "OWN"},
            ],
            "numbering": {
                "series": "OFFICE",
                "format": "[kode_klasifikasi]/[nomor_surat, 3]/[kode_desa]/[bulan_romawi]/[tahun]",
                "sub_district_format": "[kode_klasifikasi]/[nomor_surat, 3]/[kode_kecamatan]/[tahun]",
            },
            "validity": {"MONTHS": 6}, "fee": {"amount": 0}, "promised_working_days": 2,
            "life_events": ["help"],
            "template": "#import \"/letter/base.typ\": *\n#show: letter\n#data.fields.nama: #rupiah(data.fields.penghasilan)\n\
                         #if given(\"lahir\") [#tanggal(data.fields.lahir)]\nDi #data.fields.desa.\n#closing()\n",
        }))
        .unwrap();
        for component in Component::iter() {
            letter.standard.component_mut(component).push(component.name().to_owned());
        }
        letter
    }

    fn parts(letter: &LetterType) -> Vec<String> {
        letter.publish_defects(|event| event == "help").into_iter().map(|it| it.part).collect()
    }

    #[test]
    fn the_table_is_sound() {
        assert_eq!(
            TRANSITIONS.defects(TypeState::Draft, &TypeState::iter().collect::<Vec<_>>()),
            Vec::<String>::new()
        );
        assert!(!TRANSITIONS.allowed(TypeState::Published).contains(&TypeVerb::Edit));
        assert!(TRANSITIONS.allowed(TypeState::Retired).is_empty());
    }

    #[test]
    fn a_complete_type_can_be_published() {
        assert_eq!(sample_type().publish_defects(|_| true), []);
    }

    /// UU 25/2009 Pasal 21: each of the fourteen is asked for, by its name in the law.
    #[test]
    fn each_missing_component_of_the_standard_is_named() {
        assert_eq!(Component::iter().count(), 14);
        for component in Component::iter() {
            let mut letter = sample_type();
            *letter.standard.component_mut(component) = vec!["  ".to_owned()];
            let defects = letter.publish_defects(|_| true);
            assert_eq!(defects.len(), 1, "{defects:#?}");
            assert!(
                defects[0].text.id.contains(component.name())
                    && defects[0].text.en.contains(component.name())
            );
        }
        let mut letter = sample_type();
        letter.standard = Standard::default();
        assert_eq!(letter.publish_defects(|_| true).len(), 14);
    }

    #[test]
    fn each_other_defect_is_named_by_its_part() {
        type Break = fn(&mut LetterType);
        let cases: &[(&str, Break)] = &[
            ("key", |it| it.key = "SKTM".to_owned()),
            ("code", |it| it.code = "A/B".to_owned()),
            ("title", |it| it.title.en.clear()),
            ("classification", |it| it.classification = "400.".to_owned()),
            ("subjects", |it| it.subjects.clear()),
            ("promised_working_days", |it| it.promised_working_days = 0),
            ("deemed_granted_after_days", |it| it.deemed_granted_after_days = Some(0)),
            // Two signatures, one of them optional: the seal makes one.
            ("deemed_granted_after_days", |it| it.deemed_granted_after_days = Some(5)),
            ("fee", |it| it.fee.amount = 5000),
            ("fee.instructions", |it| {
                it.fee = Fee { amount: 5000, legal_basis: "Perda".to_owned(), ..it.fee.clone() };
            }),
            ("fee.days", |it| it.fee.days = 0),
            ("life_events.birth", |it| it.life_events.push("birth".to_owned())),
            ("requirements.ktp", |it| it.requirements.push(it.requirements[0].clone())),
            ("fields.penghasilan.sample", |it| it.fields[1].sample = json!("banyak")),
            ("fields.nama.sample", |it| it.fields[0].sample = json!(null)),
            ("steps", |it| {
                it.steps.truncate(4);
                it.steps.pop();
                it.signatories.clear();
                it.steps.push(Step { kind: StepKind::Register, ..it.steps[2].clone() });
            }),
            ("steps", |it| {
                it.steps.truncate(5);
                it.signatories.pop();
            }),
            ("steps[2]", |it| it.steps[2].role = StepRole::RwHead),
            ("steps[2]", |it| it.steps[2].sla_minutes = 0),
            ("steps[1]", |it| it.steps.swap(0, 1)),
            ("steps[3]", |it| it.signatories[0].style = SigningStyle::OnBehalf),
            ("steps[3]", |it| {
                it.steps[3].presence = Some(super::super::step::Presence { legal_reason: " ".to_owned() });
            }),
            ("signatories[3]", |it| it.signatories.push(it.signatories[0].clone())),
            ("issuer", |it| it.issuer = OfficeLevel::SubDistrict),
            ("numbering.format", |it| it.numbering.format = "470/[tahun]".to_owned()),
            ("numbering.format", |it| it.numbering.series = SeriesPolicy::OfficeAndType),
            ("about.name", |it| it.about.name = "penghasilan".to_owned()),
            ("about.name", |it| it.fields[0].required = false),
            ("about.nik", |it| it.about.nik = Some("nama".to_owned())),
            ("numbering.sub_district_format", |it| it.numbering.sub_district_format = None),
            ("template", |it| it.template = it.template.replace("#import", "// #import")),
            ("template", |it| it.template = it.template.replace("#show: letter", "// #show: letter")),
            ("template.rt", |it| it.template.push_str("#data.fields.rt")),
            ("template.alamat", |it| it.template.push_str("#data.fields.alamat")),
            ("template.nama", |it| it.template.push_str("#rupiah(data.fields.nama)")),
            ("template.lahir", |it| it.template = it.template.replace("#if given(\"lahir\") ", "#")),
            ("oss", |it| {
                it.oss =
                    Some(OssBinding { licence_kinds: vec![], authorities: vec![], licence_codes: vec![] });
            }),
        ];
        for (part, damage) in cases {
            let mut letter = sample_type();
            damage(&mut letter);
            let found = parts(&letter);
            assert!(found.iter().any(|it| it == part), "{part} not in {found:?}");
        }
    }

    #[test]
    fn fields_of_a_template_are_found_where_they_are_code() {
        let source = "// data.fields.comment\n#data.fields.a #tanggal(data.fields.b) /* data.fields.c */\n\
                      #rupiah( data.fields.d) https://x/#data.fields.e.first() #if given(\"f_1\") []";
        let found: Vec<_> =
            template_fields(source).into_iter().map(|it| format!("{}:{}", it.function, it.key)).collect();
        assert_eq!(found, [":a", "tanggal:b", "rupiah:d", ":e", "given:f_1"]);
    }

    #[test]
    fn who_may_sign_follows_from_the_signatories() {
        let letter = sample_type();
        assert_eq!(letter.roles_of(&letter.steps[3]), [StepRole::VillageHead, StepRole::VillageSecretary]);
        assert_eq!(letter.roles_of(&letter.steps[2]), [StepRole::VillageOfficer]);
    }

    #[test]
    fn an_unknown_word_in_a_definition_is_refused() {
        let mut value = serde_json::to_value(sample_type()).unwrap();
        assert!(serde_json::from_value::<LetterType>(value.clone()).is_ok());
        value["signatorys"] = json!([]);
        assert!(serde_json::from_value::<LetterType>(value).is_err());
    }
}
