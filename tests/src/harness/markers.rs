//! What must not be found anywhere: unmistakable names, numbers and addresses, and a search that sees through what bytes are
//! wrapped in.
//!
//! A marker is found however it is spelled: with other capitals, with or without spaces, dots and dashes, percent-encoded, as
//! HTML or JSON escapes, in UTF-16, in base64 or hexadecimal, as a list of bytes, in a ZIP (so in a spreadsheet), in gzip, in
//! the streams of a PDF.

use std::io::Read as _;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use memchr::memmem::{self, Finder};

/// How deep wrappings are opened.
const DEPTH: u8 = 4;
/// What is unpacked from one wrapping at most: a bomb must not end the test.
const LARGEST: u64 = 64 << 20;
/// Shorter runs are words, not wrappings.
const SHORTEST_RUN: usize = 12;

/// Why a marker must not be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// It says who reported.
    Identity,
    /// It stands in the words of a report: for those who work on it, and nobody else.
    Words,
    /// It may be found, and where it must be found proves that the search works.
    Control,
}

/// Something to look for.
#[derive(Debug, Clone)]
pub struct Marker {
    /// Whose it is.
    pub owner: &'static str,
    /// What it is, such as a number.
    pub what: &'static str,
    /// Why it must not be found.
    pub kind: Kind,
    needle: Finder<'static>,
}

/// The markers of a test.
#[derive(Debug, Clone, Default)]
pub struct Markers(Vec<Marker>);

impl Markers {
    /// Adds one. Only letters and digits count; of a telephone number, give what is the same in all its spellings.
    ///
    /// # Panics
    /// When it is so short that it could be found by chance.
    pub fn add(&mut self, owner: &'static str, what: &'static str, kind: Kind, value: &str) {
        let needle = plain(value);
        assert!(needle.len() >= 6, "{value} could be found by chance");
        self.0.push(Marker { owner, what, kind, needle: Finder::new(&needle).into_owned() });
    }

    /// Those that are in there, each once.
    #[must_use]
    pub fn found_in(&self, content: &[u8]) -> Vec<&Marker> {
        let mut found = vec![false; self.0.len()];
        self.look(content, DEPTH, &mut found);
        self.0.iter().zip(found).filter(|(_, found)| *found).map(|(marker, _)| marker).collect()
    }

    fn look(&self, content: &[u8], depth: u8, found: &mut [bool]) {
        let text = String::from_utf8_lossy(content);
        self.look_plainly(&plain(&text), found);
        let unescaped = [percent_decoded(&text), json_unescaped(&text), html_unescaped(&text)];
        for unescaped in unescaped.into_iter().flatten() {
            self.look_plainly(&plain(&unescaped), found);
        }
        if depth > 0 {
            for inner in unwrapped(content, &text) {
                self.look(&inner, depth - 1, found);
            }
        }
    }

    fn look_plainly(&self, text: &[u8], found: &mut [bool]) {
        for (marker, found) in self.0.iter().zip(found) {
            *found = *found || marker.needle.find(text).is_some();
        }
    }
}

/// Letters and digits alone, in lower case; of other scripts, bytes as they are. By bytes, because this is done to everything.
fn plain(text: &str) -> Vec<u8> {
    let is_kept = |it: &u8| it.is_ascii_alphanumeric() || !it.is_ascii();
    text.bytes().filter(is_kept).map(|it| it.to_ascii_lowercase()).collect()
}

fn percent_decoded(text: &str) -> Option<String> {
    text.contains('%').then(|| {
        let bytes = text.as_bytes();
        let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
        while let Some(byte) = bytes.get(at) {
            let code =
                bytes.get(at + 1..at + 3).filter(|_| *byte == b'%').and_then(|it| hex::decode(it).ok());
            at += if code.is_some() { 3 } else { 1 };
            out.push(code.map_or(*byte, |it| it[0]));
        }
        String::from_utf8_lossy(&out).into_owned()
    })
}

fn json_unescaped(text: &str) -> Option<String> {
    escaped(text, "\\u", |rest| {
        let code = u32::from_str_radix(rest.get(..4)?, 16).ok()?;
        Some((char::from_u32(code)?, 4))
    })
}

fn html_unescaped(text: &str) -> Option<String> {
    escaped(text, "&#", |rest| {
        let (number, _) = rest.get(..8).unwrap_or(rest).split_once(';')?;
        let code = match number.strip_prefix(['x', 'X']) {
            Some(code) => u32::from_str_radix(code, 16),
            None => number.parse(),
        };
        Some((char::from_u32(code.ok()?)?, number.len() + 1))
    })
}

/// Replaces what `begin` begins by what `read` makes of the rest, if anything.
fn escaped(text: &str, begin: &str, read: impl Fn(&str) -> Option<(char, usize)>) -> Option<String> {
    text.contains(begin).then(|| {
        let mut parts = text.split(begin);
        let mut out = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            match read(part) {
                Some((letter, length)) => {
                    out.push(letter);
                    out.push_str(&part[length..]);
                }
                None => {
                    out.push_str(begin);
                    out.push_str(part);
                }
            }
        }
        out
    })
}

/// What is wrapped in there.
fn unwrapped(content: &[u8], text: &str) -> Vec<Vec<u8>> {
    let mut inner = zipped(content);
    if content.starts_with(&[0x1f, 0x8b]) {
        inner.push(read(flate2::read::GzDecoder::new(content)));
    }
    if content.starts_with(b"%PDF") {
        let streams = find_all(content, b"stream").filter_map(|at| {
            let body = content.get(at + 6..)?;
            let body = body.strip_prefix(b"\r").unwrap_or(body);
            Some(read(flate2::read::ZlibDecoder::new(body.strip_prefix(b"\n")?)))
        });
        inner.extend(streams);
    }
    inner.extend(encoded(text));
    inner.extend(listed(text));
    inner.retain(|it| !it.is_empty());
    inner
}

/// Files of a ZIP, stored or deflated, wherever it begins.
fn zipped(content: &[u8]) -> Vec<Vec<u8>> {
    let mut files = Vec::new();
    for at in find_all(content, b"PK\x03\x04") {
        let number = |from: usize| {
            let bytes = content.get(at + from..at + from + 2)?;
            Some(usize::from(u16::from_le_bytes([bytes[0], bytes[1]])))
        };
        let (Some(method), Some(name), Some(extra)) = (number(8), number(26), number(28)) else { continue };
        let Some(body) = content.get(at + 30 + name + extra..) else { continue };
        // What is stored is plain in the whole already.
        if method == 8 {
            files.push(read(flate2::read::DeflateDecoder::new(body)));
        }
    }
    files
}

/// As much as can be read: what is cut off or damaged is searched to where it is.
fn read(reader: impl std::io::Read) -> Vec<u8> {
    let mut out = Vec::new();
    let _cut_off = reader.take(LARGEST).read_to_end(&mut out);
    out
}

fn find_all<'c>(content: &'c [u8], needle: &'c [u8]) -> impl Iterator<Item = usize> + 'c {
    memmem::find_iter(content, needle)
}

/// Runs of base64 and of hexadecimal digits.
fn encoded(text: &str) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let lenient = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let (standard, of_addresses) = (
        GeneralPurpose::new(&alphabet::STANDARD, lenient),
        GeneralPurpose::new(&alphabet::URL_SAFE, lenient),
    );
    let is_part = |it: char| it.is_ascii_alphanumeric() || matches!(it, '+' | '/' | '-' | '_' | '=');
    for run in text.split(|it| !is_part(it)).filter(|it| it.len() >= SHORTEST_RUN) {
        if run.len() % 2 == 0 && run.bytes().all(|it| it.is_ascii_hexdigit()) {
            found.extend(hex::decode(run));
        }
        // A slash is a digit of base64, and parts an address.
        let parts = run.split('/').filter(|it| it.len() >= SHORTEST_RUN && it.len() < run.len());
        for part in parts.chain([run]) {
            let part = part.trim_end_matches('=');
            // A last digit alone stands for nothing.
            let whole = if part.len() % 4 == 1 { &part[..part.len() - 1] } else { part };
            found.extend(standard.decode(whole).or_else(|_| of_addresses.decode(whole)));
        }
    }
    found
}

/// Bytes as Rust prints them: `[80, 75, 3, 4]`.
fn listed(text: &str) -> Vec<Vec<u8>> {
    let lists = text.split('[').skip(1).filter_map(|it| it.split_once(']'));
    let bytes = lists.map(|(list, _)| list.split(", ").map(str::parse).collect::<Result<Vec<u8>, _>>());
    bytes.filter_map(Result::ok).filter(|it| it.len() >= 6).collect()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    const NAME: &str = "Qoryvandra Mahesworo";

    fn is_found(content: &[u8]) -> bool {
        let mut markers = Markers::default();
        markers.add("uji", "nama", Kind::Identity, NAME);
        markers.add("uji", "telepon", Kind::Identity, "81277009911");
        markers.add("uji", "surel", Kind::Identity, "penanda.surel@contoh.example");
        !markers.found_in(content).is_empty()
    }

    fn base64(content: &[u8]) -> String {
        base64::engine::general_purpose::STANDARD.encode(content)
    }

    fn deflated(content: &[u8]) -> Vec<u8> {
        let mut out = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
        out.write_all(content).unwrap();
        out.finish().unwrap()
    }

    fn zip(content: &[u8]) -> Vec<u8> {
        let mut out = b"PK\x03\x04\x14\0\0\0\x08\0".to_vec();
        out.extend([0; 16]);
        out.extend([1, 0, 0, 0, b'a']);
        out.extend(deflated(content));
        out
    }

    #[test]
    fn spellings() {
        for text in [
            "Pelapor: Qoryvandra Mahesworo.",
            "QORYVANDRA_MAHESWORO",
            "qoryvandra-mahesworo",
            "nama=Qoryvandra+Mahesworo",
            "nama=Qoryvandra%20Mahesworo",
            "%51oryvandra%20Mahesworo",
            "\\u0051oryvandra Mahesworo",
            "&#81;oryvandra&#x20;Mahesworo",
            "+62 812-7700-9911",
            "0812.7700.9911",
            "(0812) 7700 9911",
            "6281277009911",
            "penanda.surel%40contoh.example",
            "Penanda.Surel@Contoh.Example",
        ] {
            assert!(is_found(text.as_bytes()), "{text}");
        }
        assert!(!is_found("Qoryvandra dan 8127700991".as_bytes()));
    }

    #[test]
    fn wrappings() {
        let name = NAME.as_bytes();
        let wide: Vec<u8> = NAME.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(name).unwrap();
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        zlib.write_all(name).unwrap();
        let pdf =
            [b"%PDF-1.7\n1 0 obj\nstream\r\n".as_slice(), &zlib.finish().unwrap(), b"\nendstream"].concat();
        let archive = zip(name);
        let in_json = format!(r#"{{"archive":"{}"}}"#, base64(&archive));
        let for_addresses = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode([b"ab", name].concat());
        for (what, content) in [
            ("UTF-16", wide),
            ("gzip", gzip.finish().unwrap()),
            ("PDF", pdf),
            ("ZIP", archive),
            ("base64", base64(name).into_bytes()),
            ("base64 with what is before it", base64(&[b"a", name].concat()).into_bytes()),
            ("base64 of addresses", format!("/aksi/{for_addresses}?x=1").into_bytes()),
            ("ZIP in base64 in JSON", in_json.into_bytes()),
            ("hexadecimal", hex::encode(name).into_bytes()),
            ("a list of bytes", format!("body={name:?}").into_bytes()),
        ] {
            assert!(is_found(&content), "{what}");
        }
    }
}
