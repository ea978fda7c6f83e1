//! All that a template can see: itself, the base library, its data and two drawings. No disk, no network, no packages, no
//! clock, no fonts of the machine; so a letter depends on its input alone.

use std::sync::LazyLock;

use typst::diag::{FileError, FileResult};
use typst::foundations::{Bytes, Datetime, Duration};
use typst::syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot};
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;
use typst::{Library, LibraryExt as _, World};

use super::arms::{Arms, Format};

/// Liberation Serif 2.1.5: the widths of Times New Roman, Latin with all marks, Greek and Cyrillic. SIL OFL 1.1.
const FACES: [&[u8]; 4] = [
    include_bytes!("fonts/LiberationSerif-Regular.ttf"),
    include_bytes!("fonts/LiberationSerif-Bold.ttf"),
    include_bytes!("fonts/LiberationSerif-Italic.ttf"),
    include_bytes!("fonts/LiberationSerif-BoldItalic.ttf"),
];

static FONTS: LazyLock<Vec<Font>> =
    LazyLock::new(|| FACES.iter().filter_map(|face| Font::new(Bytes::new(*face), 0)).collect());
static BOOK: LazyLock<LazyHash<FontBook>> =
    LazyLock::new(|| LazyHash::new(FontBook::from_fonts(FONTS.iter())));
static LIBRARY: LazyLock<LazyHash<Library>> = LazyLock::new(|| LazyHash::new(Library::default()));

static MAIN: LazyLock<Option<FileId>> = LazyLock::new(|| id("/letter.typ"));
static BASE: LazyLock<Option<Source>> =
    LazyLock::new(|| id(BASE_PATH).map(|id| Source::new(id, include_str!("base.typ").to_owned())));
static DATA: LazyLock<Option<FileId>> = LazyLock::new(|| id("/data.json"));
static QR: LazyLock<Option<FileId>> = LazyLock::new(|| id("/qr.svg"));
static ARMS_SVG: LazyLock<Option<FileId>> = LazyLock::new(|| id("/arms.svg"));
static ARMS_PNG: LazyLock<Option<FileId>> = LazyLock::new(|| id("/arms.png"));

/// Where templates import the base library from.
pub(super) const BASE_PATH: &str = "/letter/base.typ";

/// File ids are never given back, so that only these fixed paths are ever interned.
fn id(path: &str) -> Option<FileId> {
    VirtualPath::new(path).ok().map(|path| RootedPath::new(VirtualRoot::Project, path).intern())
}

/// Whether each face of the letter has a glyph for this code point.
pub(super) fn covers(code: u32) -> bool {
    FONTS.iter().all(|font| font.info().coverage.contains(code))
}

/// The world of one letter.
pub(super) struct Desk {
    main: Source,
    data: Bytes,
    qr: Option<Bytes>,
    arms: Option<(Format, Bytes)>,
}

impl Desk {
    /// A world with this template, data (JSON), QR (SVG) and coat of arms. `None` never happens: the paths are constants.
    pub(super) fn new(template: &str, data: Vec<u8>, qr: Option<String>, arms: Option<Arms>) -> Option<Self> {
        Some(Self {
            main: Source::new((*MAIN)?, template.to_owned()),
            data: Bytes::new(data),
            qr: qr.map(Bytes::from_string),
            arms: arms.map(|arms| (arms.format, Bytes::new(arms.content))),
        })
    }

    /// The template, to find the line of an error.
    pub(super) fn template(&self) -> &Source {
        &self.main
    }
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
        if id == self.main.id() {
            return Ok(self.main.clone());
        }
        BASE.as_ref().filter(|base| base.id() == id).cloned().ok_or(FileError::AccessDenied)
    }

    fn file(&self, id: FileId) -> FileResult<Bytes> {
        let arms = |wanted: Format| {
            self.arms.as_ref().filter(|(format, _)| *format == wanted).map(|(_, content)| content)
        };
        let file = match Some(id) {
            it if it == *DATA => Some(&self.data),
            it if it == *QR => self.qr.as_ref(),
            it if it == *ARMS_SVG => arms(Format::Svg),
            it if it == *ARMS_PNG => arms(Format::Png),
            _ => None,
        };
        file.cloned().ok_or(FileError::AccessDenied)
    }

    fn font(&self, index: usize) -> Option<Font> {
        FONTS.get(index).cloned()
    }

    fn today(&self, _: Option<Duration>) -> Option<Datetime> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_faces_are_read() {
        assert_eq!(FONTS.len(), FACES.len());
        assert!(covers(u32::from('a')));
        assert!(!covers(u32::from('漢')));
    }

    #[test]
    fn nothing_but_the_virtual_files_is_seen() {
        let desk = Desk::new("", b"{}".to_vec(), None, None).unwrap();
        for path in ["/etc/passwd", "/letter/other.typ", "/qr.svg", "/arms.svg", "/arms.png"] {
            assert_eq!(desk.file(id(path).unwrap()), Err(FileError::AccessDenied), "{path}");
        }
        let package = "@preview/cetz:0.3.0".parse().unwrap();
        let path = VirtualPath::new("/lib.typ").unwrap();
        let package = RootedPath::new(VirtualRoot::Package(package), path).intern();
        assert!(desk.source(package).is_err() && desk.file(package).is_err());
        assert!(desk.today(None).is_none());
    }
}
