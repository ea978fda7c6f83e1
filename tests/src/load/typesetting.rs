//! The ceiling of letters: the same letter by Typst alone. The template and the base library of the suite, its fonts, its
//! data as a finished JSON; no checks, no signature, no storage, no call.

use std::sync::LazyLock;
use std::time::Instant;

use anyhow::{Context as _, anyhow, ensure};
use qrcode::{EcLevel, QrCode, render::svg};
use serde_json::{Value, json};
use typst::diag::{FileError, FileResult, SourceDiagnostic};
use typst::foundations::{Bytes, Datetime, Duration};
use typst::syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot};
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;
use typst::{Library, LibraryExt as _, World};
use typst_layout::PagedDocument;
use typst_pdf::{PdfOptions, PdfStandard, PdfStandards};

use super::measure::Sample;

/// The template of the letter that is measured, as it ships.
pub const TEMPLATE: &str = include_str!("../../../services/documents/catalogue/sktm.typ");

const BASE: &str = include_str!("../../../services/documents/src/letter/base.typ");

const FACES: [&[u8]; 4] = [
    include_bytes!("../../../services/documents/src/letter/fonts/LiberationSerif-Regular.ttf"),
    include_bytes!("../../../services/documents/src/letter/fonts/LiberationSerif-Bold.ttf"),
    include_bytes!("../../../services/documents/src/letter/fonts/LiberationSerif-Italic.ttf"),
    include_bytes!("../../../services/documents/src/letter/fonts/LiberationSerif-BoldItalic.ttf"),
];

/// Results of earlier letters that Typst keeps, as in the suite.
const KEPT_AGE: usize = 4;

/// Room for layout, as in the suite.
const STACK: usize = 64 * 1024 * 1024;

static FONTS: LazyLock<Vec<Font>> =
    LazyLock::new(|| FACES.iter().filter_map(|face| Font::new(Bytes::new(*face), 0)).collect());
static BOOK: LazyLock<LazyHash<FontBook>> =
    LazyLock::new(|| LazyHash::new(FontBook::from_fonts(FONTS.iter())));
static LIBRARY: LazyLock<LazyHash<Library>> = LazyLock::new(|| LazyHash::new(Library::default()));

/// Typesets the letter numbered `nth`: an input that Typst has not seen before.
///
/// # Errors
/// When Typst refuses, or what comes out is no PDF.
pub fn typeset(nth: u32) -> anyhow::Result<Vec<u8>> {
    let url = format!("http://localhost:8080/s/{nth:016}");
    let code = QrCode::with_error_correction_level(&url, EcLevel::M)?;
    let drawing = code.render::<svg::Color<'_>>().quiet_zone(false).module_dimensions(4, 4).build();
    let desk = Desk {
        main: Source::new(id("/letter.typ")?, TEMPLATE.to_owned()),
        base: Source::new(id("/letter/base.typ")?, BASE.to_owned()),
        data: (id("/data.json")?, Bytes::new(serde_json::to_vec(&data(nth, &url))?)),
        drawing: (id("/qr.svg")?, Bytes::from_string(drawing)),
    };
    let document = typst::compile::<PagedDocument>(&desk).output.map_err(|errors| explain(&errors))?;
    let standards =
        PdfStandards::new(&[PdfStandard::A_2a]).map_err(|_| anyhow!("Typst knows no PDF/A-2a"))?;
    let options = PdfOptions { standards, ..PdfOptions::default() };
    let pdf = typst_pdf::pdf(&document, &options).map_err(|errors| explain(&errors))?;
    typst::comemo::evict(KEPT_AGE);
    ensure!(pdf.starts_with(b"%PDF-") && document.pages().len() == 1, "Typst wrote another letter");
    Ok(pdf)
}

/// What was typed in, as the suite is given it too.
#[must_use]
pub fn values() -> Value {
    json!({
        "tempat_lahir": "Curup",
        "tanggal_lahir": "1992-02-26",
        "jenis_kelamin": "Perempuan",
        "agama": "Islam",
        "pekerjaan": "Petani/pekebun",
        "penghasilan": 900_000,
        "tanggungan": 3,
        "peruntukan": "Pendidikan",
        "untuk_orang_lain": true,
        "nama_penerima": "Budi Contoh",
        "hubungan_penerima": "anak",
        "tujuan": "SMP Negeri 1 Rimbo Pengadang",
    })
}

/// The data of the template, in the form that the base library reads.
fn data(nth: u32, url: &str) -> Value {
    let mut fields = values();
    let places = json!({
        "nama": format!("Siti Aminah Contoh {nth}"), "nik": "1707026602929998", "kk": "1707021203189998",
        "alamat": "Dusun II, RT 002 RW 001, Desa Uji Beban", "telepon": "081200000000",
        "kantor": "Desa Uji Beban", "desa": "Desa Uji Beban", "kecamatan": "Kecamatan Lebong Atas",
        "kabupaten": "Kabupaten Lebong", "provinsi": null, "rt": "002", "rw": "001",
    });
    if let (Value::Object(fields), Value::Object(places)) = (&mut fields, places) {
        fields.extend(places);
    }
    json!({
        "title": "Surat Keterangan Tidak Mampu",
        "number": format!("400.9/{nth}/BEBAN/XI/2026"),
        "date": "2026-11-26",
        "valid_until": "2027-02-26",
        "sensitivity": null,
        "classification": null,
        "letterhead": {
            "lines": ["Pemerintah Kabupaten Lebong", "Kecamatan Lebong Atas", "Desa Uji Beban"],
            "contact": ["Jalan Raya Uji Beban, Kecamatan Lebong Atas, Kabupaten Lebong"],
        },
        "place": "Uji Beban",
        "signer": {
            "on_behalf_of": null, "position": "Kepala Desa Uji Beban", "under_orders": null, "acting": null,
            "name": "Uji Beban", "rank": null, "nip": null,
        },
        "endorser": null,
        "verification": { "code": format!("{nth:016}"), "url": url },
        "mark": "sample",
        "fields": fields,
        "qr": true,
        "arms": null,
    })
}

fn id(path: &str) -> anyhow::Result<FileId> {
    let path = VirtualPath::new(path).map_err(|_| anyhow!("{path} is no path"))?;
    Ok(RootedPath::new(VirtualRoot::Project, path).intern())
}

fn explain(errors: &[SourceDiagnostic]) -> anyhow::Error {
    anyhow!("Typst: {}", errors.first().map_or("no reason", |error| error.message.as_str()))
}

/// What the letter can see.
struct Desk {
    main: Source,
    base: Source,
    data: (FileId, Bytes),
    drawing: (FileId, Bytes),
}

impl World for Desk {
    fn library(&self) -> &LazyHash<Library> {
        &LIBRARY
    }

    fn book(&self) -> &LazyHash<FontBook> {
        &BOOK
    }

    fn main(&self) -> FileId {
        self.main.id()
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        [&self.main, &self.base].into_iter().find(|it| it.id() == id).cloned().ok_or(FileError::AccessDenied)
    }

    fn file(&self, id: FileId) -> FileResult<Bytes> {
        let known = [&self.data, &self.drawing].into_iter().find(|(known, _)| *known == id);
        known.map(|(_, bytes)| bytes.clone()).ok_or(FileError::AccessDenied)
    }

    fn font(&self, index: usize) -> Option<Font> {
        FONTS.get(index).cloned()
    }

    fn today(&self, _: Option<Duration>) -> Option<Datetime> {
        None
    }
}

/// Typesets `letters` letters, numbered from `first`, one after the other on a thread with room for it: layout recurses.
///
/// # Errors
/// As [`typeset`].
pub fn measure(first: u32, letters: u32) -> anyhow::Result<Sample> {
    let work = move || {
        let (mut sample, began) = (Sample::default(), Instant::now());
        for nth in first..first + letters {
            let started = Instant::now();
            typeset(nth)?;
            sample.latencies.push(started.elapsed());
        }
        sample.elapsed = began.elapsed();
        anyhow::Ok(sample)
    };
    let thread = std::thread::Builder::new().stack_size(STACK).spawn(work).context("no thread")?;
    thread.join().map_err(|_| anyhow!("typesetting panicked"))?
}

#[cfg(test)]
mod tests {
    use super::typeset;

    #[test]
    fn the_data_is_what_the_template_needs_and_letters_differ() {
        let (one, other) = (typeset(1).unwrap(), typeset(2).unwrap());
        assert!(one.len() > 10_000, "a letter of {} bytes", one.len());
        assert_ne!(one, other);
    }
}
