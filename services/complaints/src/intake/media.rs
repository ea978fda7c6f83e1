//! Files that come with messages: how large they may be, what they are by their content, and the copy that others than
//! the officers of the case may see.
//!
//! A photo tells where and when it was taken, with which device, and sometimes who owns it; a document its author, a
//! recording its telephone, a film the way it went. The public copy keeps what is seen and heard, and nothing else: what
//! stays is listed, so that a note of a kind nobody has heard of goes too. A file of which no such copy can be made (locked,
//! streamed, of a codec that is not known) is left to those who may know who sent it.

mod film;
mod page;
mod picture;
#[cfg(test)]
mod samples;
mod sound;

use bytes::Bytes;

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
    // infer's names differ from those of this list, and films of older telephones it does not know.
    let found = match found {
        Some("audio/x-m4a") => Some("audio/m4a"),
        // How WhatsApp writes voice notes.
        Some("audio/opus") => Some("audio/ogg"),
        Some("video/x-m4v") => Some("video/mp4"),
        None if content.get(4..11) == Some(b"ftyp3gp") => Some("video/3gpp"),
        other => other,
    };
    TAKEN.into_iter().find(|taken| Some(*taken) == found).ok_or(Unfit::Type)
}

/// The copy of a file without what it tells about its maker. `None`: no such copy can be made of it.
///
/// # Errors
/// [`Unfit::Damaged`]: it is a picture and cannot be read, so it is not shown either.
pub fn public_copy(media_type: &str, content: &[u8]) -> Result<Option<Vec<u8>>, Unfit> {
    let whole = || Bytes::copy_from_slice(content);
    Ok(match media_type {
        "image/jpeg" => Some(picture::jpeg(whole())?.to_vec()),
        "image/png" => Some(picture::png(whole())?.to_vec()),
        "image/webp" => Some(picture::webp(whole())?.to_vec()),
        "application/pdf" => page::clean(content),
        "audio/ogg" => sound::ogg(content),
        "audio/mpeg" => sound::mpeg(content),
        "audio/aac" => sound::adts(content),
        "audio/amr" => sound::amr(content),
        "audio/m4a" | "video/mp4" | "video/3gpp" | "video/quicktime" => film::clean(content),
        _ => None,
    })
}

/// Refuses a picture that cannot be cleaned: it would be one that cannot be shown.
///
/// # Errors
/// [`Unfit::Damaged`].
pub fn showable(media_type: &str, content: &[u8]) -> Result<(), Unfit> {
    if media_type.starts_with("image/") { public_copy(media_type, content).map(|_| ()) } else { Ok(()) }
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
            assert_eq!(picture::orientation(&copy), picture::orientation(content), "{media_type}");
        }
    }

    #[test]
    fn c_18_what_a_telephone_appends_to_a_photo_goes_too() {
        let end = PHOTO.windows(2).rposition(|it| it == [0xFF, 0xD9]).unwrap();
        let note = [b"\xFF\xFE\0\x0D".as_slice(), samples::MARK.as_bytes()].concat();
        // Between two scans, and after the end.
        let with = [&PHOTO[..end], &note, &PHOTO[end..], samples::MARK.as_bytes(), PHOTO].concat();
        let (copy, clean) =
            (public_copy("image/jpeg", &with).unwrap(), public_copy("image/jpeg", PHOTO).unwrap());
        assert!(!has(copy.as_ref().unwrap(), "SITI"));
        assert_eq!(copy, clean);
    }

    #[test]
    fn c_18_files_tell_nothing_but_what_is_seen_and_heard() {
        for (media_type, content) in samples::all(PHOTO) {
            assert_eq!(judge(&content, 1 << 20), Ok(media_type));
            assert!(has(&content, samples::MARK), "{media_type}: the sample tells its maker");
            let copy = public_copy(media_type, &content)
                .unwrap()
                .unwrap_or_else(|| panic!("{media_type} is cleaned"));
            assert!(
                !has(&copy, "SITI") && !has(&copy, "2026"),
                "{media_type}: {}",
                String::from_utf8_lossy(&copy)
            );
            assert!(has(&copy, samples::SHOWN), "{media_type}");
            assert_eq!(judge(&copy, 1 << 20), Ok(media_type));
            // A second pass finds nothing to take away.
            assert_eq!(public_copy(media_type, &copy).unwrap().unwrap(), copy, "{media_type}");
        }
    }

    #[test]
    fn c_18_a_film_stays_where_it_is_and_a_page_shows_what_it_showed() {
        let all = samples::all(PHOTO);
        let of =
            |wanted: &str| all.iter().find(|(it, _)| *it == wanted).map(|(_, it)| it.as_slice()).unwrap();
        let clean = |wanted: &str| public_copy(wanted, of(wanted)).unwrap().unwrap();
        let at = |content: &[u8]| content.windows(4).position(|it| it == &samples::SHOWN.as_bytes()[..4]);
        let film = clean("video/mp4");
        assert_eq!((film.len(), at(&film)), (of("video/mp4").len(), at(of("video/mp4"))));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("surat.pdf");
        std::fs::write(&path, clean("application/pdf")).unwrap();
        let run = |program: &str, arguments: &[&str]| {
            let told = std::process::Command::new(program).args(arguments).arg(&path).output().unwrap();
            assert!(told.status.success(), "{program}: {}", String::from_utf8_lossy(&told.stderr));
            String::from_utf8_lossy(&told.stdout).into_owned()
        };
        let about = run("pdfinfo", &[]);
        assert!(
            about.contains("Pages:           1") && !about.contains("Author") && !about.contains("Creator"),
            "{about}"
        );
        assert!(run("pdfimages", &["-list"]).contains("jpeg"));
        let text = std::process::Command::new("pdftotext").arg(&path).arg("-").output().unwrap().stdout;
        assert!(has(&text, samples::SHOWN));
    }

    #[test]
    fn c_18_what_cannot_be_cleaned_has_no_public_copy_and_damage_is_told() {
        for (media_type, content) in samples::closed(PHOTO) {
            assert_eq!(judge(&content, 1 << 20), Ok(media_type));
            assert_eq!(public_copy(media_type, &content), Ok(None), "{media_type}");
        }
        for (media_type, content) in samples::all(PHOTO) {
            // Cut off anywhere, or with any byte another one, it is cleaned or it is not, and never shown as it is.
            for cut in (0..content.len()).step_by(7) {
                let mut other = content.clone();
                other[cut] ^= 0xFF;
                for damaged in [&content[..cut], &other] {
                    let copy = public_copy(media_type, damaged).unwrap();
                    assert!(copy.is_none_or(|it| it != content), "{media_type} at {cut}");
                }
            }
        }
        for (media_type, content) in
            [("image/jpeg", &PHOTO[..40]), ("image/png", &DRAWING[..20]), ("image/webp", b"RIFF".as_slice())]
        {
            assert_eq!(public_copy(media_type, content), Err(Unfit::Damaged), "{media_type}");
            assert_eq!(showable(media_type, content), Err(Unfit::Damaged), "{media_type}");
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
