//! From a template and the data of a letter to PDF/A-2a, in this process, from the input alone: equal input gives equal
//! bytes, on any machine and at any time.
//!
//! What bounds a letter: the language of templates ([`super::template`]), the size of the data, the number of pages, and a
//! deadline. The deadline frees the caller, not the thread: a thread cannot be stopped. That no permitted template can
//! run away is what the language is for; the deadline is for what we did not foresee, and [`Renderer::new`] bounds how
//! many threads that could hold.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use chrono::NaiveDate;
use serde::Serialize;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use typst::WorldExt as _;
use typst::diag::SourceDiagnostic;
use typst::foundations::{Label, Smart};
use typst::introspection::Introspector as _;
use typst::utils::PicoStr;
use typst_layout::PagedDocument;
use typst_pdf::{PdfOptions, PdfStandard, PdfStandards};

use super::arms::{self, Arms};
use super::qr;
use super::template::{self, TemplateError};
use super::text::{self, TextError};
use super::world::Desk;

/// The most bytes of data, as JSON.
const MOST_DATA: usize = 256 * 1024;
/// The most entries of a list in the data.
const MOST_ITEMS: usize = 200;
/// How deep data may be nested: the fields, a list of them, its items, their values.
const DEEPEST: usize = 5;
/// Layout recurses; the depth of a letter is bounded by the language, and this is ample for it without optimisation.
const STACK: usize = 64 * 1024 * 1024;
/// Results of earlier letters that are kept for reuse: the parsed base library and fonts, not much more. Without eviction
/// the memory grows with every letter.
const KEPT_AGE: usize = 4;

/// A letter as it is printed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Letter {
    /// What stands above (`Surat Keterangan Tidak Mampu`); printed in capitals.
    pub title: String,
    /// The number; not printed on a preview.
    pub number: Option<String>,
    /// The day it is signed on, in the time zone of the office.
    pub date: NaiveDate,
    /// The last day on which it holds.
    pub valid_until: Option<NaiveDate>,
    /// `Biasa`, `Terbatas`, `Rahasia`: what stands behind "Sifat:".
    pub sensitivity: Option<String>,
    /// The classification of archives (`400.9`), where the number does not hold it.
    pub classification: Option<String>,
    /// Whose letter it is.
    pub letterhead: Letterhead,
    /// Where it is signed.
    pub place: String,
    /// Who signs.
    pub signer: Signer,
    /// Who signs after that, on the left: the sub-district on a letter of a village.
    pub endorser: Option<Signer>,
    /// Where it can be checked; not printed on a preview.
    pub verification: Option<Verification>,
    /// What kind of print it is.
    pub mark: Mark,
    /// Whether it is printed to be signed by hand: with room for signature and stamp, and no word of an electronic signature.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub by_hand: bool,
    /// The fields of the letter type: texts, numbers, truth values, lists of these or of records of these.
    pub fields: Map<String, Value>,
}

/// The head of the first page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Letterhead {
    /// From the largest unit to the issuing one, which is set larger.
    pub lines: Vec<String>,
    /// Address, telephone, e-mail: one or two lines.
    pub contact: Vec<String>,
    /// The coat of arms. Without one the head is text alone.
    #[serde(skip)]
    pub arms: Option<Arms>,
}

/// Who signs, as Permendagri 1/2023 has it written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Signer {
    /// *a.n.*: in whose name (`Kepala Desa Sukamaju`).
    pub on_behalf_of: Option<String>,
    /// The position (`Kepala Desa Sukamaju`, or `Sekretaris Desa` in the name of the former).
    pub position: String,
    /// *u.b.*: who signs under the orders of the latter.
    pub under_orders: Option<String>,
    /// *Plt.* or *Plh.*, before the last of these titles: the person acts for who holds it.
    pub acting: Option<String>,
    /// The name with titles.
    pub name: String,
    /// `Penata Tk. I (III/d)`.
    pub rank: Option<String>,
    /// The civil servant's number.
    pub nip: Option<String>,
}

/// Where a document can be checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verification {
    /// The code in groups (`7Q3K-9M2X-A1B2-C3D4`).
    pub code: String,
    /// The address that the QR code holds.
    pub url: String,
}

/// What kind of print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// To be signed and issued.
    None,
    /// Before approval: PRATINJAU across the page, no number, no code.
    Preview,
    /// To be signed with a test certificate: CONTOH across the page and in the corner.
    Sample,
}

/// What a letter may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most pages.
    pub pages: usize,
    /// The longest time, waiting for a free thread included.
    pub time: Duration,
}

impl Default for Limits {
    /// Four pages, ten seconds.
    fn default() -> Self {
        Self { pages: 4, time: Duration::from_secs(10) }
    }
}

/// A rendered letter.
#[derive(Debug, Clone, PartialEq)]
pub struct Rendered {
    /// PDF/A-2a.
    pub pdf: Vec<u8>,
    /// How many pages.
    pub pages: usize,
    /// Where the signer's mark is drawn.
    pub signature: SignatureBox,
    /// Where the endorser's mark is drawn.
    pub endorsement: Option<SignatureBox>,
}

/// A place on a page, in points from its lower left corner, as PDF and BSrE have it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SignatureBox {
    /// The page, from 1.
    pub page: usize,
    /// The left side.
    pub x: f64,
    /// The lower side.
    pub y: f64,
    /// The width.
    pub width: f64,
    /// The height.
    pub height: f64,
}

/// Why a letter was not rendered. No message holds a value of the data.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum RenderError {
    /// The template is not one.
    #[error("template: {0}")]
    Template(#[from] TemplateError),
    /// A value cannot be printed.
    #[error(transparent)]
    Text(#[from] TextError),
    /// The template uses a field that has no value.
    #[error("the template uses {key}, which has no value")]
    UnresolvedField {
        /// The field (`nama`).
        key: String,
    },
    /// A value has a form that no letter has: too deep, too many items, a name of a field that is none.
    #[error("{key} has a form that no letter has")]
    Form {
        /// The path of the value.
        key: String,
    },
    /// More data than fits any letter.
    #[error("{what} too large")]
    TooLarge {
        /// `data` or `arms`.
        what: &'static str,
    },
    /// More pages than permitted.
    #[error("{pages} pages, {most} permitted")]
    TooManyPages {
        /// How many there would be.
        pages: usize,
        /// How many are permitted.
        most: usize,
    },
    /// Not done in time.
    #[error("not rendered within the time permitted")]
    TooSlow,
    /// Typst refuses: a value of another type than the template expects, most likely.
    #[error("template, line {line}: {message}")]
    Typeset {
        /// The line of the template, or 0 if it is none of its own.
        line: usize,
        /// What the compiler says, without what it quotes.
        message: String,
    },
    /// Our fault.
    #[error("rendering failed: {0}")]
    Internal(&'static str),
}

/// Renders letters on threads of its own.
pub struct Renderer {
    pool: rayon::ThreadPool,
}

impl Renderer {
    /// A renderer with this many threads, each good for about a hundred letters a second when optimised.
    ///
    /// # Errors
    /// When the system gives no threads.
    pub fn new(threads: usize) -> Result<Self, RenderError> {
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads.max(1))
            .stack_size(STACK)
            .thread_name(|index| format!("letter-{index}"))
            .build()
            .map(|pool| Self { pool })
            .map_err(|_| RenderError::Internal("no threads"))
    }

    /// Renders a letter. Blocks until it is done or the time is up: call it where blocking is permitted.
    ///
    /// # Errors
    /// [`RenderError`].
    pub fn render(&self, template: &str, letter: &Letter, limits: Limits) -> Result<Rendered, RenderError> {
        self.run(limits.time, {
            let (template, letter) = (template.to_owned(), letter.clone());
            move || {
                let uses = template::check(&template)?;
                let data = prepare(&letter, &uses.required)?;
                typeset(&template, &letter, &data, limits.pages)
            }
        })
    }

    fn run<T: Send + 'static>(
        &self,
        time: Duration,
        job: impl FnOnce() -> Result<T, RenderError> + Send + 'static,
    ) -> Result<T, RenderError> {
        let (sender, receiver) = mpsc::sync_channel(1);
        let abandoned = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&abandoned);
        self.pool.spawn(move || {
            if seen.load(Ordering::Acquire) {
                return;
            }
            let result =
                catch_unwind(AssertUnwindSafe(job)).unwrap_or(Err(RenderError::Internal("panicked")));
            // Results of one letter are of little use to the next, and would be kept for ever.
            typst::comemo::evict(KEPT_AGE);
            // Nobody listens when the time was up.
            let _ = sender.send(result);
        });
        receiver.recv_timeout(time).unwrap_or_else(|_| {
            abandoned.store(true, Ordering::Release);
            Err(RenderError::TooSlow)
        })
    }
}

/// The data as the template sees it: every text checked and normalised, every field that the template needs there.
fn prepare(letter: &Letter, required: &BTreeSet<String>) -> Result<Map<String, Value>, RenderError> {
    let arms = letter.letterhead.arms.as_ref();
    if arms.is_some_and(|arms| arms.content.len() > arms::LARGEST) {
        return Err(RenderError::TooLarge { what: "arms" });
    }
    for key in letter.fields.keys() {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if key.is_empty() || key.len() > 64 || !key.bytes().all(plain) {
            return Err(RenderError::Form { key: "fields".to_owned() });
        }
    }
    if let Some(key) = required.iter().find(|key| letter.fields.get(*key).is_none_or(is_empty)) {
        return Err(RenderError::UnresolvedField { key: key.clone() });
    }
    let Ok(Value::Object(mut data)) = serde_json::to_value(letter) else {
        return Err(RenderError::Internal("data is no object"));
    };
    if letter.mark == Mark::Preview {
        data.insert("number".to_owned(), Value::Null);
        data.insert("verification".to_owned(), Value::Null);
    }
    let has_qr = data.get("verification").is_some_and(|it| !it.is_null());
    data.insert("qr".to_owned(), Value::Bool(has_qr));
    data.insert("arms".to_owned(), arms.map_or(Value::Null, |arms| arms.format.name().into()));
    // A letter with other arms is another letter, for the identifier that PDF/A asks for.
    let digest = arms.map_or(Value::Null, |arms| hex::encode(Sha256::digest(&arms.content)).into());
    data.insert("arms_sha256".to_owned(), digest);
    let mut size = 0;
    for (key, value) in &mut data {
        normalise(key, value, 1, &mut size)?;
    }
    Ok(data)
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => false,
    }
}

fn normalise(path: &str, value: &mut Value, depth: usize, size: &mut usize) -> Result<(), RenderError> {
    *size += 8;
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
        Value::String(value) => {
            *value = text::check(path, value)?;
            *size += value.len();
        }
        Value::Array(items) => {
            if depth >= DEEPEST || items.len() > MOST_ITEMS {
                return Err(RenderError::Form { key: path.to_owned() });
            }
            for (index, item) in items.iter_mut().enumerate() {
                normalise(&format!("{path}[{index}]"), item, depth + 1, size)?;
            }
        }
        Value::Object(members) => {
            if depth >= DEEPEST || members.len() > MOST_ITEMS {
                return Err(RenderError::Form { key: path.to_owned() });
            }
            for (key, member) in members {
                normalise(&format!("{path}.{key}"), member, depth + 1, size)?;
            }
        }
    }
    if *size > MOST_DATA { Err(RenderError::TooLarge { what: "data" }) } else { Ok(()) }
}

fn typeset(
    template: &str,
    letter: &Letter,
    data: &Map<String, Value>,
    most_pages: usize,
) -> Result<Rendered, RenderError> {
    let json = serde_json::to_vec(data).map_err(|_| RenderError::Internal("data is no JSON"))?;
    let drawing = match (&letter.verification, letter.mark) {
        (Some(verification), Mark::None | Mark::Sample) => {
            Some(qr::svg(&verification.url).map_err(|_| RenderError::TooLarge { what: "verification" })?)
        }
        (None, _) | (Some(_), Mark::Preview) => None,
    };
    // What the document is, for the identifier that PDF/A asks for: nothing but the input.
    let ident = Sha256::new().chain_update(template).chain_update([0]).chain_update(&json).finalize();
    let desk = Desk::new(template, json, drawing, letter.letterhead.arms.clone())
        .ok_or(RenderError::Internal("no world"))?;
    let document = typst::compile::<PagedDocument>(&desk).output.map_err(|errors| explain(&desk, &errors))?;
    let pages = document.pages().len();
    if pages > most_pages {
        return Err(RenderError::TooManyPages { pages, most: most_pages });
    }
    let standards =
        PdfStandards::new(&[PdfStandard::A_2a]).map_err(|_| RenderError::Internal("no PDF/A-2a"))?;
    let options = PdfOptions {
        ident: Smart::Custom(hex::encode(ident)),
        creator: Smart::Custom(Some("Sinergi MPP".to_owned())),
        standards,
        ..PdfOptions::default()
    };
    let pdf = typst_pdf::pdf(&document, &options).map_err(|errors| explain(&desk, &errors))?;
    let signature =
        place(&document, "ttd").ok_or(RenderError::Internal("the letter has no place for a signature"))?;
    Ok(Rendered { pages, signature, endorsement: place(&document, "ttd2"), pdf })
}

/// The box between the marks `name` and `name-end`.
fn place(document: &PagedDocument, name: &str) -> Option<SignatureBox> {
    let position = |name: &str| {
        let label = Label::new(PicoStr::intern(name))?;
        let location = document.introspector().query_label(label).ok()?.location()?;
        document.introspector().position(location)
    };
    let (start, end) = (position(name)?, position(&format!("{name}-end"))?);
    let page = start.page.get();
    let height = document.pages().get(page - 1)?.frame.height();
    Some(SignatureBox {
        page,
        x: start.point.x.to_pt(),
        y: (height - end.point.y).to_pt(),
        width: (end.point.x - start.point.x).to_pt(),
        height: (end.point.y - start.point.y).to_pt(),
    })
}

/// What the compiler says, as one of our errors. It may quote a value; of what it quotes only names of fields are kept.
fn explain(desk: &Desk, errors: &[SourceDiagnostic]) -> RenderError {
    let Some(error) = errors.first() else { return RenderError::Internal("typst failed without a reason") };
    if let Some(rest) = error.message.strip_prefix("dictionary does not contain key \"")
        && let Some((key, _)) = rest.split_once('"')
    {
        return RenderError::UnresolvedField { key: key.to_owned() };
    }
    let line = error
        .span
        .id()
        .filter(|id| *id == desk.template().id())
        .and_then(|_| desk.range(error.span))
        .and_then(|range| desk.template().lines().byte_to_line(range.start))
        .map_or(0, |line| line + 1);
    RenderError::Typeset { line, message: unquoted(&error.message) }
}

/// A message with everything between quotes or backticks left out.
fn unquoted(message: &str) -> String {
    let mut out = String::with_capacity(message.len());
    let mut closing = None;
    for c in message.chars() {
        match (closing, c) {
            (Some(end), c) if c == end => {
                closing = None;
                out.push('…');
                out.push(c);
            }
            (Some(_), _) => {}
            (None, '"' | '`') => {
                closing = Some(c);
                out.push(c);
            }
            (None, c) => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::letter::arms::Format;
    use serde_json::json;

    const TEMPLATE: &str = include_str!("../../tests/letter/sktm.typ");

    fn signer() -> Signer {
        Signer {
            on_behalf_of: Some("Kepala Desa Sukamaju".into()),
            position: "Sekretaris Desa Sukamaju".into(),
            under_orders: None,
            acting: None,
            name: "Siti Aminah, S.IP.".into(),
            rank: Some("Penata Tk. I (III/d)".into()),
            nip: Some("19800101 200501 2 001".into()),
        }
    }

    fn letter() -> Letter {
        let fields = json!({
            "nama": "Budi Santoso", "nik": "0017070502850001", "tempat_lahir": "Sukamaju",
            "tanggal_lahir": "1985-02-05", "jenis_kelamin": "Laki-laki", "agama": "Islam",
            "pekerjaan": "Buruh tani", "alamat": "Dusun II RT 005 RW 002, Desa Sukamaju, Kecamatan Melati",
            "keperluan": "Keringanan biaya pendidikan di SMA Negeri 1 Melati",
            "penghasilan": 750_000,
            "anggota": [
                { "nama": "Sri Wahyuni", "hubungan": "Istri", "tahun": 1988 },
                { "nama": "Dewi Santoso", "hubungan": "Anak", "tahun": 2009 },
            ],
        });
        Letter {
            title: "Surat Keterangan Tidak Mampu".into(),
            number: Some("400.12.2.1/007/17.07.05.2003/XI/2026".into()),
            date: NaiveDate::from_ymd_opt(2026, 11, 26).unwrap(),
            valid_until: NaiveDate::from_ymd_opt(2027, 2, 25),
            sensitivity: None,
            classification: None,
            letterhead: Letterhead {
                lines: vec![
                    "Pemerintah Kabupaten Contoh".into(),
                    "Kecamatan Melati".into(),
                    "Desa Sukamaju".into(),
                ],
                contact: vec![
                    "Jalan Raya Sukamaju Nomor 1, Kode Pos 38952".into(),
                    "Telepon (0736) 000000 · desa@sukamaju.example".into(),
                ],
                arms: None,
            },
            place: "Sukamaju".into(),
            signer: signer(),
            endorser: None,
            verification: Some(Verification {
                code: "7Q3K-9M2X-A1B2-C3D4".into(),
                url: "https://layanan.contohkab.example/s/7Q3K9M2XA1B2C3D4".into(),
            }),
            mark: Mark::None,
            by_hand: false,
            fields: fields.as_object().unwrap().clone(),
        }
    }

    fn renderer() -> Renderer {
        Renderer::new(1).unwrap()
    }

    fn patient() -> Limits {
        Limits { time: Duration::from_secs(120), ..Limits::default() }
    }

    fn render(template: &str, letter: &Letter) -> Result<Rendered, RenderError> {
        renderer().render(template, letter, patient())
    }

    fn with(body: &str) -> String {
        format!("#import \"/letter/base.typ\": *\n#show: letter\n{body}")
    }

    /// What a letter says, page by page, by a program that is not ours.
    fn words(pdf: &[u8]) -> String {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        std::io::Write::write_all(&mut file, pdf).unwrap();
        let output =
            std::process::Command::new("pdftotext").arg("-layout").arg(file.path()).arg("-").output();
        let output = output.unwrap_or_else(|error| {
            panic!("pdftotext does not run ({error}): install poppler-utils, or run script/setup test")
        });
        String::from_utf8(output.stdout).unwrap()
    }

    #[test]
    fn a_letter_says_what_its_data_says() {
        let rendered = render(TEMPLATE, &letter()).unwrap();
        assert_eq!(rendered.pages, 1);
        assert!(rendered.pdf.starts_with(b"%PDF-1.7"));
        let words = words(&rendered.pdf);
        for expected in [
            "PEMERINTAH KABUPATEN CONTOH",
            "SURAT KETERANGAN TIDAK MAMPU",
            "Nomor: 400.12.2.1/007/17.07.05.2003/XI/2026",
            "Budi Santoso",
            "Sukamaju, 5 Februari 1985",
            "Rp750.000",
            "Dewi Santoso",
            "sampai dengan 25 Februari 2027",
            "Sukamaju, 26 November 2026",
            "a.n. KEPALA DESA SUKAMAJU",
            "Siti Aminah, S.IP.",
            "NIP 19800101 200501 2 001",
            "7Q3K-9M2X-A1B2-C3D4",
            "Halaman 1 dari 1",
        ] {
            assert!(words.contains(expected), "{expected} is not in:\n{words}");
        }
        assert!(!words.contains("CONTOH ·") && !words.contains("PRATINJAU"), "{words}");
    }

    /// Permendagri 1/2023: `a.n.`, `u.b.`, `Plt.` and `Plh.` are written so, whatever is in capitals beside them.
    #[test]
    fn titles_stand_above_a_signature_as_the_rules_have_them() {
        let lines =
            |on_behalf_of: Option<&str>, position: &str, under_orders: Option<&str>, acting: Option<&str>| {
                let given = |text: Option<&str>| text.map(str::to_owned);
                let signer = Signer {
                    on_behalf_of: given(on_behalf_of),
                    position: position.to_owned(),
                    under_orders: given(under_orders),
                    acting: given(acting),
                    ..signer()
                };
                let words = words(&render(TEMPLATE, &Letter { signer, ..letter() }).unwrap().pdf);
                let lines = words.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty());
                let lines = lines.skip_while(|line| !line.starts_with("Sukamaju, 26 November 2026")).skip(1);
                lines.take_while(|line| !line.contains("Ditandatangani")).collect::<Vec<_>>()
            };
        assert_eq!(lines(None, "Camat Sukamaju", None, None), ["CAMAT SUKAMAJU,"]);
        assert_eq!(lines(None, "Camat Sukamaju", None, Some("Plh.")), ["Plh. CAMAT SUKAMAJU,"]);
        assert_eq!(
            lines(Some("Camat Sukamaju"), "Sekretaris Camat", None, Some("Plt.")),
            ["a.n. CAMAT SUKAMAJU", "Plt. SEKRETARIS CAMAT,"]
        );
        assert_eq!(
            lines(Some("Bupati Contoh"), "Sekretaris Daerah", Some("Asisten Pemerintahan"), Some("Plt.")),
            ["a.n. BUPATI CONTOH", "SEKRETARIS DAERAH", "u.b.", "Plt. ASISTEN PEMERINTAHAN,"]
        );
    }

    #[test]
    fn equal_input_gives_equal_bytes_and_other_input_does_not() {
        let first = render(TEMPLATE, &letter()).unwrap();
        typst::comemo::evict(0);
        assert_eq!(render(TEMPLATE, &letter()).unwrap(), first);
        let other = Letter { number: Some("400.12.2.1/008/17.07.05.2003/XI/2026".into()), ..letter() };
        assert_ne!(render(TEMPLATE, &other).unwrap().pdf, first.pdf);
    }

    #[test]
    fn values_are_never_markup() {
        let hostile = "#panic(\"x\") *b* $x$ @ref <l> \\u{41} #data.number ]]";
        let mut letter = letter();
        letter.fields.insert("nama".into(), hostile.into());
        letter.signer.name = hostile.into();
        letter.letterhead.lines[2] = hostile.into();
        letter.title = hostile.into();
        let words = words(&render(TEMPLATE, &letter).unwrap().pdf);
        assert!(words.contains("#panic(\"x\") *b* $x$ @ref <l> \\u{41} #data.number ]]"), "{words}");
    }

    #[test]
    fn a_preview_has_no_number_and_no_code() {
        let words = words(&render(TEMPLATE, &Letter { mark: Mark::Preview, ..letter() }).unwrap().pdf);
        assert!(words.contains("Pratinjau: belum disetujui"), "{words}");
        assert!(!words.contains("400.12.2.1") && !words.contains("7Q3K"), "{words}");
    }

    #[test]
    fn a_sample_says_so() {
        let words = words(&render(TEMPLATE, &Letter { mark: Mark::Sample, ..letter() }).unwrap().pdf);
        assert!(words.contains("CONTOH · BUKAN DOKUMEN RESMI"), "{words}");
        assert!(words.contains("sertifikat uji"), "{words}");
    }

    #[test]
    fn an_annex_follows_the_signature_under_the_number_and_date_of_the_letter() {
        let list = r#"#listing(("Nama", "Tahun"), data.fields.anggota, ("nama", "tahun"))"#;
        let template =
            with(&format!("Tercantum dalam lampiran.\n#annex(\"Daftar anggota\")[{list}]\nSampai di sini."));
        let rendered = render(&template, &letter()).unwrap();
        assert_eq!((rendered.pages, rendered.signature.page), (2, 1));
        let words = words(&rendered.pdf);
        let (first, second) = words.split_once('\u{c}').expect("two pages");
        assert!(first.contains("Sampai di sini.") && first.contains("Siti Aminah, S.IP."), "{first}");
        assert!(!first.contains("Dewi Santoso") && !first.contains("LAMPIRAN"), "{first}");
        for expected in [
            "LAMPIRAN SURAT KETERANGAN TIDAK MAMPU",
            "400.12.2.1/007/17.07.05.2003/XI/2026",
            "26 November 2026",
            "DAFTAR ANGGOTA",
            "Dewi Santoso",
            "Halaman 2 dari 2",
        ] {
            assert!(second.contains(expected), "{expected} is not in:\n{second}");
        }
        // Several are counted, and one that does not fit counts as pages like everything else.
        let two = with(&format!("#annex(\"Satu\")[a]\n#annex(\"Dua\")[{list}]"));
        let words = self::words(&render(&two, &letter()).unwrap().pdf);
        assert!(words.contains("LAMPIRAN I SURAT") && words.contains("LAMPIRAN II SURAT"), "{words}");
        let long = with(&format!("#annex(\"Panjang\")[{}]", "a #pagebreak()\n".repeat(5)));
        assert!(matches!(render(&long, &letter()), Err(RenderError::TooManyPages { most: 4, .. })));
    }

    #[test]
    fn a_list_is_printed_as_people_write() {
        let mut letter = letter();
        let rows = json!([{ "nama": "Dewi", "lahir": "2014-02-09", "hadir": true }, { "nama": "Adi", "hadir": false }]);
        letter.fields.insert("anggota".to_owned(), rows);
        let list = r#"#listing(("Nama", "Lahir", "Hadir"), data.fields.anggota, ("nama", "lahir", "hadir"))"#;
        let words = words(&render(&with(list), &letter).unwrap().pdf);
        assert!(words.contains("9 Februari 2014") && !words.contains("2014-02-09"), "{words}");
        assert!(words.contains("Ya") && words.contains("Tidak") && words.contains("–"), "{words}");
    }

    #[test]
    fn boxes_for_signatures_lie_on_the_page() {
        let rendered = render(TEMPLATE, &Letter { endorser: Some(signer()), ..letter() }).unwrap();
        let (right, left) = (rendered.signature, rendered.endorsement.unwrap());
        for place in [right, left] {
            assert_eq!(place.page, 1);
            assert!(place.x > 56.0 && place.x + place.width < 540.0, "{place:?}");
            assert!(place.y > 60.0 && place.y + place.height < 400.0, "{place:?}");
            assert!((place.height - 70.87).abs() < 0.1 && place.width > 150.0, "{place:?}");
        }
        assert!(left.x + left.width < right.x);
        assert_eq!(render(TEMPLATE, &letter()).unwrap().endorsement, None);
    }

    #[test]
    fn a_field_without_a_value_is_named() {
        for value in [None, Some(Value::Null), Some("".into())] {
            let mut letter = letter();
            letter.fields.remove("pekerjaan");
            letter.fields.extend(value.map(|value| ("pekerjaan".to_owned(), value)));
            let expected = RenderError::UnresolvedField { key: "pekerjaan".into() };
            assert_eq!(render(TEMPLATE, &letter), Err(expected));
        }
        let mut letter = letter();
        letter.fields.remove("keperluan");
        assert!(render(TEMPLATE, &letter).is_ok());
        let row = with("#for it in data.fields.anggota [#it.nik]");
        assert_eq!(render(&row, &letter), Err(RenderError::UnresolvedField { key: "nik".into() }));
    }

    #[test]
    fn values_that_cannot_be_printed_are_named() {
        let mut odd = letter();
        odd.fields.insert("nama".into(), "Budi\u{202e}".into());
        let expected = TextError::Hidden { key: "fields.nama".into(), character: '\u{202e}' };
        assert_eq!(render(TEMPLATE, &odd), Err(expected.into()));
        let mut odd = letter();
        odd.fields["anggota"][1]["nama"] = "محمد".into();
        let expected = TextError::NoGlyph { key: "fields.anggota[1].nama".into(), character: 'م' };
        assert_eq!(render(TEMPLATE, &odd), Err(expected.into()));
        let mut odd = letter();
        odd.signer.name = "Siti\n".into();
        let expected = TextError::Hidden { key: "signer.name".into(), character: '\n' };
        assert_eq!(render(TEMPLATE, &odd), Err(expected.into()));
    }

    #[test]
    fn every_character_that_passes_is_drawn() {
        let drawn = (' '..='\u{2fff}').filter(|c| text::flaw(*c).is_none()).collect::<Vec<_>>();
        assert!(drawn.len() > 2000, "{}", drawn.len());
        let lines = drawn.chunks(40).map(|chunk| Value::from(chunk.iter().collect::<String>()));
        let mut letter = letter();
        letter.fields.insert("baris".into(), lines.collect::<Vec<_>>().into());
        let template = with("#for baris in data.fields.baris [#baris *#baris* _#baris _ *_#baris _* \\ ]");
        let limits = Limits { pages: 40, ..patient() };
        let rendered = renderer().render(&template, &letter, limits);
        assert!(rendered.is_ok(), "{rendered:?}");
    }

    #[test]
    fn pages_are_bounded() {
        let long = with(&"#pagebreak()\n".repeat(5));
        assert_eq!(render(&long, &letter()), Err(RenderError::TooManyPages { pages: 6, most: 4 }));
        let many = renderer().render(&long, &letter(), Limits { pages: 6, ..patient() }).unwrap();
        assert_eq!((many.pages, many.signature.page), (6, 6));
    }

    #[test]
    fn forms_that_no_letter_has_are_refused() {
        let refused = |key: &str, value: Value| {
            let mut letter = letter();
            letter.fields.insert(key.into(), value);
            render(TEMPLATE, &letter).unwrap_err()
        };
        assert_eq!(
            refused("anggota", vec![1; 201].into()),
            RenderError::Form { key: "fields.anggota".into() }
        );
        assert_eq!(
            refused("dalam", json!([[[[1]]]])),
            RenderError::Form { key: "fields.dalam[0][0][0]".into() }
        );
        assert_eq!(refused("Nama", 1.into()), RenderError::Form { key: "fields".into() });
        let wide = vec![Value::from("x".repeat(1500)); 200];
        assert_eq!(refused("lebar", wide.into()), RenderError::TooLarge { what: "data" });
        let mut arms = letter();
        let content = vec![b' '; arms::LARGEST + 1];
        arms.letterhead.arms = Some(Arms { format: Format::Svg, content });
        assert_eq!(render(TEMPLATE, &arms), Err(RenderError::TooLarge { what: "arms" }));
    }

    fn with_arms(format: Format, content: &[u8]) -> Letter {
        let mut letter = letter();
        letter.letterhead.arms = Some(Arms { format, content: content.to_vec() });
        letter
    }

    /// A square of one colour, as PNG.
    fn square(side: u32) -> Vec<u8> {
        use std::io::Write as _;
        let row = [&[0][..], &[200, 30, 30].repeat(side as usize)].concat();
        let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        packed.write_all(&row.repeat(side as usize)).unwrap();
        let head = [&side.to_be_bytes()[..], &side.to_be_bytes(), &[8, 2, 0, 0, 0]].concat();
        let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
        for (kind, data) in [(b"IHDR", head), (b"IDAT", packed.finish().unwrap()), (b"IEND", Vec::new())] {
            let chunk = [&kind[..], &data].concat();
            let mut crc = flate2::Crc::new();
            crc.update(&chunk);
            png.extend(u32::try_from(data.len()).unwrap().to_be_bytes());
            png.extend(&chunk);
            png.extend(crc.sum().to_be_bytes());
        }
        png
    }

    #[test]
    fn line_15_a_coat_of_arms_is_drawn_and_a_broken_one_is_an_error() {
        let plain = render(TEMPLATE, &letter()).unwrap();
        let drawing = b"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 9 9'><circle r='9'/></svg>";
        let picture = square(150);
        assert_eq!(arms::judge(&picture), Ok(Format::Png));
        let mut seen = vec![plain.pdf.clone()];
        for (format, content) in [(Format::Svg, &drawing[..]), (Format::Png, &picture[..])] {
            let rendered = render(TEMPLATE, &with_arms(format, content)).unwrap();
            // It moves nothing else.
            assert_eq!((rendered.pages, rendered.signature), (plain.pages, plain.signature));
            assert!(!seen.contains(&rendered.pdf), "{format:?}");
            typst::comemo::evict(0);
            assert_eq!(render(TEMPLATE, &with_arms(format, content)).unwrap(), rendered);
            seen.push(rendered.pdf);
        }
        for (format, content) in [
            (Format::Svg, &b"no drawing"[..]),
            (Format::Svg, &b"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 9 9'>"[..]),
            (Format::Png, &picture[..60]),
            (Format::Png, &drawing[..]),
        ] {
            let error = render(TEMPLATE, &with_arms(format, content));
            assert!(matches!(error, Err(RenderError::Typeset { line: 0, .. })), "{format:?} {error:?}");
        }
    }

    /// Nobody's arms stand on a letter: without any the head is text from side to side.
    #[test]
    fn line_15_without_a_coat_of_arms_the_head_is_text_alone() {
        let rendered = render(TEMPLATE, &letter()).unwrap();
        let drawn = std::str::from_utf8(include_bytes!("base.typ")).unwrap();
        assert!(!drawn.contains("curve") && !drawn.contains("polygon"), "a drawing of our own");
        let words = words(&rendered.pdf);
        assert!(words.trim_start().starts_with("PEMERINTAH KABUPATEN CONTOH"), "{words}");
        assert!(!words.contains("Lambang"), "{words}");
    }

    #[test]
    fn a_value_of_another_type_is_an_error_of_its_line_and_says_no_value() {
        let mut letter = letter();
        letter.fields.insert("tanggal_lahir".into(), "Rahasia".into());
        let error = render(&with("\n#tanggal(data.fields.tanggal_lahir)"), &letter).unwrap_err();
        assert!(matches!(error, RenderError::Typeset { .. }), "{error}");
        assert!(!error.to_string().contains("Rahasia"), "{error}");
        letter.fields.insert("angka".into(), 5.into());
        let error = render(&with("#upper(data.fields.angka)"), &letter).unwrap_err();
        assert!(matches!(error, RenderError::Typeset { line: 3, .. }), "{error}");
    }

    #[test]
    fn templates_outside_the_language_are_not_even_evaluated() {
        for body in ["#while true {}", "#let f() = f()\n#f()", "#import \"@preview/cetz:0.3.0\": *"] {
            let error = render(&with(body), &letter()).unwrap_err();
            assert!(
                matches!(error, RenderError::Template(TemplateError::NotPermitted { .. })),
                "{body}: {error}"
            );
        }
    }

    /// What the language keeps out would meet Typst's own limits, or the deadline.
    #[test]
    fn what_runs_away_meets_limits_beneath_the_language() {
        let renderer = renderer();
        let evaluate = |template: &'static str, time: Duration| {
            renderer.run(time, move || {
                let data = prepare(&letter(), &BTreeSet::new())?;
                typeset(template, &letter(), &data, 4)
            })
        };
        let minute = Duration::from_secs(60);
        for template in ["#while true {}", "#let f(x) = f(x + 1)\n#f(1)"] {
            let error = evaluate(template, minute).unwrap_err();
            assert!(matches!(error, RenderError::Typeset { line: 1, .. }), "{template}: {error}");
        }
        // Ends by itself after some seconds; nobody waits for it.
        let slow = "#for i in range(2000) { for j in range(1000) { let x = calc.sin(i + j) } }";
        assert_eq!(evaluate(slow, Duration::from_millis(20)), Err(RenderError::TooSlow));
        assert_eq!(renderer.run(Duration::from_millis(1), || Ok(())), Err(RenderError::TooSlow));
    }

    #[test]
    fn a_job_that_panics_is_an_error_and_its_thread_lives() {
        let renderer = renderer();
        let panicking =
            renderer.run(Duration::from_secs(60), || -> Result<(), _> { panic!("as a defect would") });
        assert_eq!(panicking, Err(RenderError::Internal("panicked")));
        assert_eq!(renderer.run(Duration::from_secs(60), || Ok(1)), Ok(1));
    }

    #[test]
    fn what_the_compiler_quotes_is_left_out() {
        assert_eq!(unquoted("expected \"a b\" in `x`, found c"), "expected \"…\" in `…`, found c");
        assert_eq!(unquoted("open \"rahasia"), "open \"");
    }
}
