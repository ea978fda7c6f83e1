//! Pictures: what a decoder needs and the way they are held stay, everything else goes.

use bytes::Bytes;
use img_parts::jpeg::{Jpeg, JpegSegment, markers};
use img_parts::png::{Png, PngChunk};
use img_parts::webp::WebP;
use img_parts::{ImageEXIF as _, ImageICC as _};

use super::Unfit;

/// A JPEG without what the device wrote.
pub(super) fn jpeg(bytes: Bytes) -> Result<Bytes, Unfit> {
    let orientation = orientation(&bytes);
    let mut image = Jpeg::from_bytes(bytes.clone()).map_err(|_| Unfit::Damaged)?;
    let colours = image.icc_profile();
    image.segments_mut().retain(|segment| {
        // APP0 is JFIF, APP14 is Adobe's colour transform: without them colours change. All other APPn and comments go.
        let marker = segment.marker();
        let application = (markers::APP0..=markers::APP15).contains(&marker);
        match marker {
            markers::APP0 => segment.contents().starts_with(b"JFIF\0"),
            markers::APP14 => segment.contents().starts_with(b"Adobe"),
            _ => !application && marker != markers::COM,
        }
    });
    image.set_icc_profile(colours);
    // The reader leaves everything after the first scan as it is: telephones append films, second pictures, and notes.
    if let Some(scan) = image.segments_mut().last_mut().filter(|it| it.has_entropy()) {
        let rest = bytes.len().saturating_sub(scan.len_with_entropy() - scan.len());
        let rest = scans(&bytes[rest..]).ok_or(Unfit::Damaged)?;
        *scan = JpegSegment::new_with_entropy(scan.marker(), scan.contents().clone(), rest.into());
    }
    if let Some(orientation) = orientation {
        let exif = [b"Exif\0\0".as_slice(), &only_orientation(orientation)].concat();
        let at = usize::from(image.segments().first().is_some_and(|it| it.marker() == markers::APP0));
        image.segments_mut().insert(at, JpegSegment::new_with_contents(markers::APP1, exif.into()));
    }
    Ok(image.encoder().bytes())
}

/// A PNG without what the program wrote.
pub(super) fn png(bytes: Bytes) -> Result<Bytes, Unfit> {
    let orientation = orientation(&bytes);
    let mut image = Png::from_bytes(bytes).map_err(|_| Unfit::Damaged)?;
    // What a decoder needs to show the picture; texts, times, EXIF and private chunks go.
    const KEPT: [&[u8; 4]; 14] = [
        b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT", b"pHYs",
        b"acTL", b"fcTL", b"fdAT",
    ];
    image.chunks_mut().retain(|chunk| KEPT.contains(&&chunk.kind()));
    if let Some(orientation) = orientation {
        let exif = PngChunk::new(*b"eXIf", only_orientation(orientation).into());
        image.chunks_mut().insert(1, exif);
    }
    Ok(image.encoder().bytes())
}

/// A WebP without what the program wrote.
pub(super) fn webp(bytes: Bytes) -> Result<Bytes, Unfit> {
    let orientation = orientation(&bytes);
    let mut image = WebP::from_bytes(bytes).map_err(|_| Unfit::Damaged)?;
    const KEPT: [&[u8; 4]; 8] = [b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF", b"ICCP", b"EXIF"];
    image.chunks_mut().retain(|chunk| KEPT.contains(&&chunk.id()));
    image.set_exif(orientation.map(|it| only_orientation(it).into()));
    let extended = image.chunk_by_id(*b"VP8X").is_some();
    if extended {
        let profile = image.chunk_by_id(*b"ICCP").is_some();
        let flags = WebpFlags { exif: orientation.is_some(), profile };
        image = flags.apply(image)?;
    }
    Ok(image.encoder().bytes())
}

/// The flags of an extended `WebP` that say which of the chunks are there.
struct WebpFlags {
    exif: bool,
    profile: bool,
}

impl WebpFlags {
    fn apply(&self, mut image: WebP) -> Result<WebP, Unfit> {
        use img_parts::riff::{RiffChunk, RiffContent};
        let header = image.chunk_by_id(*b"VP8X").and_then(|it| it.content().data().cloned());
        let mut header = header.filter(|it| it.len() >= 10).ok_or(Unfit::Damaged)?.to_vec();
        // Bits: 0x20 ICC profile, 0x10 alpha, 0x08 EXIF, 0x04 XMP, 0x02 animation.
        header[0] &= 0x12;
        if self.exif {
            header[0] |= 0x08;
        }
        if self.profile {
            header[0] |= 0x20;
        }
        let chunk = RiffChunk::new(*b"VP8X", RiffContent::Data(header.into()));
        match image.chunks_mut().iter_mut().find(|it| it.id() == *b"VP8X") {
            Some(place) => *place = chunk,
            None => return Err(Unfit::Damaged),
        }
        Ok(image)
    }
}

/// How the picture is to be turned, 2 to 8; 1 is as it is.
pub(super) fn orientation(content: &[u8]) -> Option<u8> {
    let mut reader = std::io::Cursor::new(content);
    let read = exif::Reader::new().read_from_container(&mut reader).ok()?;
    let told = read.get_field(exif::Tag::Orientation, exif::In::PRIMARY)?.value.get_uint(0)?;
    u8::try_from(told).ok().filter(|it| (2..=8).contains(it))
}

/// A TIFF structure with this one entry: little endian, one directory, tag 0x0112, one SHORT.
fn only_orientation(orientation: u8) -> Vec<u8> {
    let mut tiff = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    tiff.extend([orientation, 0, 0, 0, 0, 0, 0, 0]);
    tiff
}

/// The coded picture after the header of its first scan, with further tables and scans, to the end of the picture.
fn scans(rest: &[u8]) -> Option<Vec<u8>> {
    let mut kept = Vec::with_capacity(rest.len());
    let mut at = 0;
    loop {
        // Until the next marker; FF00 is a byte FF of the picture, FFD0 to FFD7 are marks within it.
        let next = rest
            .get(at..)?
            .windows(2)
            .position(|it| it[0] == 0xFF && !matches!(it[1], 0 | 0xD0..=0xD7 | 0xFF));
        // A picture that was cut off is shown as far as it goes.
        let Some(next) = next else {
            kept.extend_from_slice(rest.get(at..)?);
            kept.extend_from_slice(&[0xFF, markers::EOI]);
            return Some(kept);
        };
        kept.extend_from_slice(&rest[at..at + next]);
        at += next;
        let marker = rest[at + 1];
        if marker == markers::EOI {
            kept.extend_from_slice(&[0xFF, markers::EOI]);
            return Some(kept);
        }
        let length = usize::from(u16::from_be_bytes([*rest.get(at + 2)?, *rest.get(at + 3)?]));
        let segment = rest.get(at..at + 2 + length).filter(|_| length >= 2)?;
        let told = (markers::APP0..=markers::APP15).contains(&marker) || marker == markers::COM;
        if !told {
            kept.extend_from_slice(segment);
        }
        at += 2 + length;
    }
}
