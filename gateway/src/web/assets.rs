//! Stylesheet, scripts, words, icon and sound clips. They are asked for under an address that holds a digest of all of
//! them, so that browsers keep them for good and a new version is never mixed with an old one; scripts import each other
//! by relative paths and so stay within their version.

use std::sync::LazyLock;

use axum::{body::Body, extract::Path, response::Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use rust_embed::RustEmbed;
use sha2::{Digest as _, Sha256};

#[derive(RustEmbed)]
#[folder = "web/"]
struct Files;

/// The folders and files that are public. Templates are in the same tree, but nobody's business.
const PUBLIC: [&str; 6] = ["css/", "js/", "i18n/", "audio/", "icon.svg", "app.webmanifest"];
/// Kept for a year: what is under a digest never changes.
const FOR_GOOD: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// Asked again each time, answered with 304 when nothing changed.
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");
/// Digits of the digest in addresses.
const DIGITS: usize = 12;

static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut names: Vec<_> = Files::iter().filter(|name| is_public(name)).collect();
    names.sort_unstable();
    let mut digest = Sha256::new();
    for file in names.iter().filter_map(|name| Files::get(name)) {
        digest.update(file.metadata.sha256_hash());
    }
    hex(&digest.finalize())[..DIGITS].to_owned()
});

static BASE: LazyLock<String> = LazyLock::new(|| format!("/assets/{}", *VERSION));

fn is_public(name: &str) -> bool {
    let stays = name.split('/').all(|part| part != "..");
    stays
        && PUBLIC.iter().any(|public| name == *public || (public.ends_with('/') && name.starts_with(public)))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Where this version's assets are: `/assets/<digest>`.
pub(crate) fn base() -> &'static str {
    &BASE
}

/// To the icon.
pub(crate) async fn icon() -> Response {
    let mut response = status(StatusCode::TEMPORARY_REDIRECT);
    let place = HeaderValue::try_from(format!("{}/icon.svg", base())).expect("a path of plain ASCII");
    response.headers_mut().insert(header::LOCATION, place);
    response
}

/// One asset, with or without the digest in its address. Without it, or with an old one, it may change.
pub(crate) async fn serve(Path(path): Path<String>, headers: HeaderMap) -> Response {
    let versioned = path.split_once('/').filter(|(first, _)| {
        first.len() == DIGITS
            && first.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    });
    let (version, name) = versioned.map_or((None, path.as_str()), |(version, name)| (Some(version), name));
    let Some(file) = is_public(name).then(|| Files::get(name)).flatten() else {
        return status(StatusCode::NOT_FOUND);
    };
    let tag = format!("\"{}\"", &hex(&file.metadata.sha256_hash())[..2 * DIGITS]);
    let is_known = headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|tags| tags.split(',').any(|known| known.trim().trim_start_matches("W/") == tag));
    let mut response = if is_known {
        status(StatusCode::NOT_MODIFIED)
    } else {
        Response::new(Body::from(file.data.into_owned()))
    };
    let answer = response.headers_mut();
    // While developing, files are read from the disk and change under the same digest.
    let for_good = version == Some(VERSION.as_str()) && !cfg!(debug_assertions);
    answer.insert(header::CACHE_CONTROL, if for_good { FOR_GOOD } else { ASK_AGAIN });
    answer.insert(header::CONTENT_TYPE, media_type(name));
    answer.insert(header::ETAG, HeaderValue::try_from(tag).expect("hexadecimal digits in quotes"));
    response
}

fn media_type(name: &str) -> HeaderValue {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("webmanifest") => HeaderValue::from_static("application/manifest+json"),
        Some("js") => HeaderValue::from_static("text/javascript"),
        Some("ogg") => HeaderValue::from_static("audio/ogg"),
        _ => {
            let guess = mime_guess::from_path(name).first_or_octet_stream();
            HeaderValue::try_from(guess.essence_str()).expect("media types are plain ASCII")
        }
    }
}

fn status(code: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = code;
    response
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    async fn ask(path: &str, tag: Option<&HeaderValue>) -> Response {
        let mut headers = HeaderMap::new();
        if let Some(tag) = tag {
            headers.insert(header::IF_NONE_MATCH, tag.clone());
        }
        serve(Path(path.to_owned()), headers).await
    }

    #[tokio::test]
    async fn serves_its_files_with_a_tag_and_nothing_else() {
        for (name, media_type) in [
            ("css/app.css", "text/css"),
            ("js/loket.js", "text/javascript"),
            ("i18n/id.json", "application/json"),
            ("icon.svg", "image/svg+xml"),
            ("app.webmanifest", "application/manifest+json"),
            ("audio/id/chime.ogg", "audio/ogg"),
        ] {
            for path in [name.to_owned(), format!("{}/{name}", *VERSION), format!("0123456789ab/{name}")] {
                let fresh = ask(&path, None).await;
                assert_eq!(
                    (fresh.status(), &fresh.headers()[header::CONTENT_TYPE]),
                    (StatusCode::OK, &HeaderValue::from_static(media_type)),
                    "{path}"
                );
                assert_eq!(
                    ask(&path, Some(&fresh.headers()[header::ETAG])).await.status(),
                    StatusCode::NOT_MODIFIED
                );
            }
        }
        for path in
            ["templates/base.html", "audio", "", "../Cargo.toml", "css/../templates/base.html", "js/none.js"]
        {
            assert_eq!(ask(path, None).await.status(), StatusCode::NOT_FOUND, "{path}");
        }
    }

    #[test]
    fn there_is_a_recording_of_every_word_a_call_can_hold() {
        let recorded = Files::get("audio/id/clips.json").expect("the list of recordings");
        let recorded: BTreeSet<String> = serde_json::from_slice(&recorded.data).expect("a list");
        let words = "nomor_antrean silakan_menuju_loket nol satu dua tiga empat lima enam tujuh delapan sembilan sepuluh \
                     sebelas belas puluh seratus ratus chime";
        let letters = ('a'..='z').map(String::from);
        let needed: BTreeSet<String> = words.split_whitespace().map(str::to_owned).chain(letters).collect();
        assert_eq!(recorded, needed);
        for clip in recorded {
            let file = Files::get(&format!("audio/id/{clip}.ogg"))
                .unwrap_or_else(|| panic!("no recording of {clip:?}"));
            assert!(file.data.starts_with(b"OggS") && file.data.len() < 32 * 1024, "{clip}");
        }
    }
}
