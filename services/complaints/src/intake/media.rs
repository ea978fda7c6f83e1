//! Files that come with messages: how large they may be, what they are by their content, and the copy that others than
//! the officers of the case may see.
//!
//! A photo tells where and when it was taken, with which device, and sometimes who owns it. The public copy keeps the
//! picture and the way it is held, and nothing else. What is no picture has no public copy.

use bytes::Bytes;
use img_parts::jpeg::{Jpeg, JpegSegment, markers};
use img_parts::png::{Png, PngChunk};
use img_parts::webp::WebP;
use img_parts::{ImageEXIF as _, ImageICC as _};

use super::envelope::{Kind, Source};

/// What is kept. Nothing that a browser or an office suite would run.
const TAKEN: [&str; 12] = [
    "image/jpeg",
    "image/png",
    "image/webp",
    "application/pdf",
    "audio/ogg",
    "audio/mpeg",
    "audio/m4a",
    "audio/aac",
    "audio/amr",
    "video/mp4",
    "video/3gpp",
    "video/quicktime",
];

/// Why a file is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// It is empty.
    #[error("the file is empty")]
    Empty,
    /// It is larger than its channel allows.
    #[error("the file is larger than its channel allows")]
    TooLarge,
    /// Its content is of no kind that is kept.
    #[error("the content is of no kind that is kept")]
    Type,
    /// It says it is a picture, and cannot be read as one.
    #[error("the picture is damaged")]
    Damaged,
}

/// The largest file of a kind, in bytes. `WhatsApp`: images 5 MB, audio and video 16 MB, documents 100 MB.
#[must_use]
pub fn limit(source: Source, kind: Kind) -> u64 {
    let channel = source.attachment_limit();
    let own = match (source, kind) {
        (Source::Whatsapp, Kind::Image) => 5 << 20,
        (Source::Whatsapp, Kind::Audio | Kind::Video) => 16 << 20,
        (Source::Whatsapp, Kind::Sticker) => 1 << 20,
        (
            Source::Whatsapp
            | Source::Messenger
            | Source::FacebookFeed
            | Source::InstagramDirect
            | Source::InstagramComment
            | Source::Email
            | Source::Sp4nLapor,
            Kind::Text
            | Kind::Image
            | Kind::Video
            | Kind::Audio
            | Kind::Document
            | Kind::Sticker
            | Kind::Location
            | Kind::Contacts
            | Kind::Choice
            | Kind::Unsupported,
        ) => channel,
    };
    own.min(channel)
}

/// The media type of a file by its content, if it is kept. What the sender says counts for nothing.
///
/// # Errors
/// [`Unfit`].
pub fn judge(content: &[u8], limit: u64) -> Result<&'static str, Unfit> {
    if content.is_empty() {
        return Err(Unfit::Empty);
    }
    if content.len() as u64 > limit {
        return Err(Unfit::TooLarge);
    }
    let found = infer::get(content).map(|kind| kind.mime_type());
    // infer's names of two formats differ from those that browsers know.
    let found = match found {
        Some("audio/x-m4a") => Some("audio/m4a"),
        other => other,
    };
    TAKEN.into_iter().find(|taken| Some(*taken) == found).ok_or(Unfit::Type)
}

/// The copy of a picture without what it tells about its maker. `None`: there is no such copy of this type.
///
/// # Errors
/// [`Unfit::Damaged`]: it cannot be read, so it is not shown either.
pub fn public_copy(media_type: &str, content: &[u8]) -> Result<Option<Vec<u8>>, Unfit> {
    let bytes = Bytes::copy_from_slice(content);
    let clean = match media_type {
        "image/jpeg" => jpeg(bytes)?,
        "image/png" => png(bytes)?,
        "image/webp" => webp(bytes)?,
        _ => return Ok(None),
    };
    Ok(Some(clean.to_vec()))
}

fn jpeg(bytes: Bytes) -> Result<Bytes, Unfit> {
    let orientation = orientation(&bytes);
    let mut image = Jpeg::from_bytes(bytes).map_err(|_| Unfit::Damaged)?;
    let colours = image.icc_profile();
    image.segments_mut().retain(|segment| {
        // APP0 is JFIF, APP14 is Adobe's colour transform: without them colours change. All other APPn and comments go.
        let marker = segment.marker();
        let application = (markers::APP0..=markers::APP15).contains(&marker);
        let kept = match marker {
            markers::APP0 => segment.contents().starts_with(b"JFIF\0"),
            markers::APP14 => segment.contents().starts_with(b"Adobe"),
            _ => !application && marker != markers::COM,
        };
        kept
    });
    image.set_icc_profile(colours);
    if let Some(orientation) = orientation {
        let exif = [b"Exif\0\0".as_slice(), &only_orientation(orientation)].concat();
        let at = usize::from(image.segments().first().is_some_and(|it| it.marker() == markers::APP0));
        image.segments_mut().insert(at, JpegSegment::new_with_contents(markers::APP1, exif.into()));
    }
    Ok(image.encoder().bytes())
}

fn png(bytes: Bytes) -> Result<Bytes, Unfit> {
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

fn webp(bytes: Bytes) -> Result<Bytes, Unfit> {
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
fn orientation(content: &[u8]) -> Option<u8> {
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

#[cfg(test)]
mod tests {
    use super::*;

    const PHOTO: &[u8] = include_bytes!("samples/photo.jpg");
    const DRAWING: &[u8] = include_bytes!("samples/drawing.png");
    const WEBP: &[u8] = include_bytes!("samples/photo.webp");

    fn has(content: &[u8], needle: &str) -> bool {
        content.windows(needle.len()).any(|window| window == needle.as_bytes())
    }

    #[test]
    fn c_15_public_copies_tell_nothing_but_the_picture() {
        for (media_type, content) in [("image/jpeg", PHOTO), ("image/png", DRAWING), ("image/webp", WEBP)] {
            assert_eq!(judge(content, 1 << 20), Ok(media_type));
            assert!(has(content, "KAMERA-SITI"), "{media_type}: the sample tells its camera");
            let copy = public_copy(media_type, content).unwrap().unwrap();
            assert!(!has(&copy, "KAMERA-SITI") && !has(&copy, "Siti"), "{media_type}");
            assert_eq!(judge(&copy, 1 << 20), Ok(media_type));
            // A second pass finds nothing to take away.
            assert_eq!(public_copy(media_type, &copy).unwrap().unwrap(), copy, "{media_type}");
            let mut reader = std::io::Cursor::new(&copy);
            let exif = exif::Reader::new().read_from_container(&mut reader).unwrap();
            let fields = exif.fields().map(|it| it.tag).collect::<Vec<_>>();
            assert_eq!(fields, [exif::Tag::Orientation], "{media_type}");
            assert_eq!(orientation(&copy), orientation(content), "{media_type}");
        }
    }

    #[test]
    fn what_is_no_picture_has_no_public_copy_and_damage_is_told() {
        assert_eq!(public_copy("application/pdf", b"%PDF-1.7"), Ok(None));
        assert_eq!(public_copy("audio/ogg", b"OggS"), Ok(None));
        for (media_type, content) in
            [("image/jpeg", &PHOTO[..40]), ("image/png", &DRAWING[..20]), ("image/webp", b"RIFF".as_slice())]
        {
            assert_eq!(public_copy(media_type, content), Err(Unfit::Damaged), "{media_type}");
        }
    }

    #[test]
    fn c_15_the_content_decides_and_each_channel_has_its_sizes() {
        assert_eq!(judge(b"", 10), Err(Unfit::Empty));
        assert_eq!(judge(PHOTO, 10), Err(Unfit::TooLarge));
        assert_eq!(judge(b"%PDF-1.7\n", 1 << 20), Ok("application/pdf"));
        assert_eq!(judge(b"OggS\0\x02........OpusHead", 1 << 20), Ok("audio/ogg"));
        for bad in
            [b"<html><script>".as_slice(), b"MZ\x90\0", b"PK\x03\x04....", b"#!/bin/sh\n", b"GIF89a...."]
        {
            assert_eq!(judge(bad, 1 << 20), Err(Unfit::Type), "{bad:?}");
        }
        assert_eq!(limit(Source::Whatsapp, Kind::Image), 5 << 20);
        assert_eq!(limit(Source::Whatsapp, Kind::Audio), 16 << 20);
        assert_eq!(limit(Source::Whatsapp, Kind::Document), 100 << 20);
        assert_eq!(limit(Source::Email, Kind::Document), 20 << 20);
    }
}
