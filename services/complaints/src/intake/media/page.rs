//! PDF: what the pages show stays; who wrote it, with what and when, goes, also from the photos within.
//!
//! The file is read and written anew, so that earlier revisions, which may lie in a file below the last one, are left out,
//! and everything that nothing refers to any more.

use bytes::Bytes;
use lopdf::{Dictionary, Document, LoadOptions, Object, Stream};

use super::picture;

/// What one stream that has to be unpacked may become: a few kilobytes must not fill the memory.
const LARGEST: usize = 64 << 20;

/// What is never shown, wherever it stands: properties, what programs keep for themselves, previews, actions of forms.
const DROPPED: [&[u8]; 12] = [
    b"Metadata",
    b"PieceInfo",
    b"LastModified",
    b"Thumb",
    b"CreatorInfo",
    b"SpiderInfo",
    b"Perms",
    b"Legal",
    b"DSS",
    b"XFA",
    b"JavaScript",
    b"OpenAction",
];

/// Texts that name who or when. Elsewhere the same words may be names of things that are shown, and no texts then.
const NAMING: [&[u8]; 6] = [b"Author", b"Creator", b"Producer", b"CreationDate", b"ModDate", b"Company"];

/// The document without what was written beside its pages. `None`: it is locked or damaged, or carries other files, which
/// would be lost.
pub(super) fn clean(content: &[u8]) -> Option<Vec<u8>> {
    let options = LoadOptions { max_decompressed_size: Some(LARGEST), ..LoadOptions::default() };
    let mut document = Document::load_mem_with_options(content, options).ok()?;
    // Unlocked by the empty password, as every reader does, or it stays locked.
    if document.is_encrypted() && !document.was_encrypted() {
        return None;
    }
    // Properties, where earlier revisions are, an id made of time and place: of all that only the way to the pages stays.
    let root = document.trailer.get(b"Root").ok()?.clone();
    document.trailer = Dictionary::new();
    document.trailer.set("Root", root);
    for object in document.objects.values_mut() {
        tidy(object)?;
    }
    if document.get_pages().is_empty() {
        return None;
    }
    document.prune_objects();
    let mut clean = Vec::new();
    document.save_to(&mut clean).ok()?;
    Some(clean)
}

fn tidy(object: &mut Object) -> Option<()> {
    match object {
        Object::Array(items) => items.iter_mut().try_for_each(tidy),
        Object::Dictionary(dictionary) => entries(dictionary),
        Object::Stream(stream) if stream.dict.has_type(b"Metadata") => {
            stream.set_content(Vec::new());
            Some(())
        }
        Object::Stream(stream) => {
            entries(&mut stream.dict)?;
            // The content of a stream may lie in another file: a path, and nothing to be shown.
            stream.dict.remove(b"F");
            photo(stream)
        }
        Object::Null
        | Object::Boolean(_)
        | Object::Integer(_)
        | Object::Real(_)
        | Object::Name(_)
        | Object::String(..)
        | Object::Reference(_) => Some(()),
    }
}

fn entries(dictionary: &mut Dictionary) -> Option<()> {
    // Files within the file have makers of their own, and a form that draws itself is nothing without its program.
    if dictionary.has(b"EmbeddedFiles") || dictionary.has(b"EF") || dictionary.has(b"NeedsRendering") {
        return None;
    }
    // A signature names who signed, and is broken by any change.
    if dictionary.has(b"ByteRange") && dictionary.has(b"Contents") {
        *dictionary = Dictionary::new();
        return Some(());
    }
    for key in DROPPED {
        dictionary.remove(key);
    }
    for key in NAMING {
        if matches!(dictionary.get(key), Ok(Object::String(..))) {
            dictionary.remove(key);
        }
    }
    // A note on a page: who wrote it and when. What a field of a form is called stays.
    if dictionary.has(b"Rect") && dictionary.has(b"Subtype") {
        dictionary.remove(b"M");
        if !matches!(dictionary.get(b"Subtype"), Ok(Object::Name(name)) if name == b"Widget") {
            dictionary.remove(b"T");
        }
    }
    dictionary.iter_mut().try_for_each(|(_, value)| tidy(value))
}

/// A photo as the camera wrote it, if the stream is one.
fn photo(stream: &mut Stream) -> Option<()> {
    let filters = stream.filters().unwrap_or_default();
    match filters.as_slice() {
        [b"DCTDecode" | b"DCT"] => {
            let copy = picture::jpeg(Bytes::copy_from_slice(&stream.content)).ok()?;
            stream.set_content(copy.to_vec());
            Some(())
        }
        // Wrapped once more, or of a kind whose notes are not known.
        several if several.iter().any(|it| matches!(*it, b"DCTDecode" | b"DCT" | b"JPXDecode")) => None,
        _ => Some(()),
    }
}
