//! The files of a form: which are asked for, which have arrived, and where they are kept until it is submitted.

use axum::extract::Request;
use http::StatusCode;
use mpp_kit::fault::Language;
use mpp_proto::documents::v1::{Attachment, LetterType, Requirement, UploadFileRequest};
use sha2::{Digest as _, Sha256};

use super::{Faults, arrange, first_told, id_of, settle_key};
use crate::web::{WebState, form::Sent, letters::told, visit::Visit, words::Words};

/// A requirement with its file input.
pub(crate) struct Paper {
    pub(crate) name: String,
    pub(crate) id: String,
    /// The hidden input that keeps a file which has arrived.
    pub(crate) kept_name: String,
    pub(crate) kept: String,
    /// What has arrived, such as "PDF, 1,2 MB"; empty for nothing.
    pub(crate) kept_words: String,
    pub(crate) label: String,
    pub(crate) required: bool,
    pub(crate) error: String,
}

pub(crate) fn paper_name(key: &str) -> String {
    format!("lampiran.{key}")
}

pub(crate) fn kept_name(key: &str) -> String {
    format!("sudah.{key}")
}

/// The requirements with what has arrived for each.
pub(crate) fn papers(kind: &LetterType, sent: &Sent, faults: &Faults, visit: &Visit) -> Vec<Paper> {
    let paper = |one: &Requirement| {
        let name = paper_name(&one.key);
        let kept_name = kept_name(&one.key);
        let kept = sent.get(&kept_name).to_owned();
        Paper {
            id: id_of(&name),
            error: faults.of(&name),
            kept_words: kept_attachment(&one.key, &kept)
                .map(|file| file_words(&file.media_type, file.size, visit.language))
                .unwrap_or_default(),
            kept_name,
            kept,
            label: told(one.label.as_ref(), visit.language),
            required: one.required,
            name,
        }
    };
    kind.requirements.iter().map(paper).collect()
}

/// A file in words, such as "PDF, 1,2 MB".
pub(crate) fn file_words(media_type: &str, size: i64, language: Language) -> String {
    let kind = match media_type {
        "application/pdf" => "PDF",
        "image/jpeg" => "JPEG",
        "image/png" => "PNG",
        other => other,
    };
    let kib = (size.max(0) + 1023) / 1024;
    if kib < 1024 {
        return format!("{kind}, {kib} KB");
    }
    let tenths = kib * 10 / 1024;
    let point = match language {
        Language::Id => ',',
        Language::En => '.',
    };
    format!("{kind}, {}{point}{} MB", tenths / 10, tenths % 10)
}

/// Remembers in a form the files that came with an application before.
pub(crate) fn keep(sent: &mut Sent, files: &[Attachment]) {
    for file in files {
        sent.set(&kept_name(&file.requirement), kept(file));
    }
}

/// A file as a hidden input keeps it.
fn kept(file: &Attachment) -> String {
    format!("{}|{}|{}", file.file_id, file.media_type, file.size)
}

/// A form with files, as it arrived.
pub(crate) struct Received {
    /// What was typed in, and which files are stored.
    pub(crate) sent: Sent,
    /// The key of the form.
    pub(crate) request_id: String,
    /// The files.
    pub(crate) attachments: Vec<Attachment>,
    /// What is wrong with the files.
    pub(crate) faults: Faults,
    /// Set where the form is shown again instead of being submitted: a row was asked for, or a file cannot be taken.
    pub(crate) again: Option<StatusCode>,
}

/// Takes a form of a type: stores its files, moves its rows together, adds the row that was asked for.
pub(crate) async fn receive(
    state: &WebState,
    visit: &Visit,
    kind: &LetterType,
    request: Request,
) -> Received {
    let mut sent = Sent::with_files(request, state.form_limit, state.file_limit).await;
    let request_id = settle_key(&mut sent);
    let mut faults = Faults::default();
    let attachments = upload(state, visit, kind, &mut sent, &request_id, &mut faults).await;
    let again = match arrange(kind, &mut sent) {
        true => Some(StatusCode::OK),
        false => (!faults.is_empty()).then_some(StatusCode::BAD_REQUEST),
    };
    Received { sent, request_id, attachments, faults, again }
}

/// A file that arrived with an earlier try of the form, as its hidden input keeps it.
pub(crate) fn kept_attachment(requirement: &str, kept: &str) -> Option<Attachment> {
    let mut parts = kept.split('|');
    let (file_id, media_type, size) = (parts.next()?, parts.next()?, parts.next()?.parse().ok()?);
    Some(Attachment {
        file_id: file_id.to_owned(),
        requirement: requirement.to_owned(),
        media_type: media_type.to_owned(),
        size,
        sha256: String::new(),
    })
}

/// Stores the files of a form, and remembers them in it. What cannot be stored is noted.
async fn upload(
    state: &WebState,
    visit: &Visit,
    kind: &LetterType,
    sent: &mut Sent,
    key: &str,
    faults: &mut Faults,
) -> Vec<Attachment> {
    let t = visit.words();
    if sent.cut {
        faults.note("", t["apply.too_much"].clone());
    }
    let mut attachments = Vec::new();
    for requirement in &kind.requirements {
        let name = paper_name(&requirement.key);
        let Some(file) = sent.file(&name) else {
            attachments.extend(kept_attachment(&requirement.key, sent.get(&kept_name(&requirement.key))));
            continue;
        };
        if file.too_large {
            faults.note(&name, too_large(state, t));
            continue;
        }
        let request = UploadFileRequest {
            request_id: upload_key(key, &requirement.key, &file.content),
            content: file.content.clone(),
        };
        match state.documents.clone().upload_file(visit.call(request, None)).await {
            Ok(answer) => {
                let Some(stored) = answer.into_inner().file else { continue };
                sent.set(&kept_name(&requirement.key), kept(&stored));
                attachments.push(Attachment { requirement: requirement.key.clone(), ..stored });
            }
            Err(status) => faults.note(&name, first_told(&status, visit)),
        }
    }
    attachments
}

/// What is said of a file that is too large.
pub(crate) fn too_large(state: &WebState, t: &Words) -> String {
    t.say("apply.file_too_large", &[("n", &(state.file_limit >> 20))])
}

/// The key under which a file is stored: the same for the same file of the same form, however often it is sent.
pub(crate) fn upload_key(form: &str, requirement: &str, content: &[u8]) -> String {
    let mut digest = Sha256::new();
    for part in [form.as_bytes(), requirement.as_bytes(), content] {
        digest.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        digest.update(part);
    }
    let digest = digest.finalize();
    let bytes = digest.first_chunk::<16>().copied().unwrap_or_default();
    uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn the_same_file_of_the_same_form_has_the_same_key() {
        let key = |form: &str, content: &[u8]| upload_key(form, "ktp", content);
        assert_eq!(key("a", b"x"), key("a", b"x"));
        assert_ne!(key("a", b"x"), key("b", b"x"));
        assert_ne!(key("a", b"x"), key("a", b"y"));
        assert!(Uuid::parse_str(&key("a", b"x")).is_ok());
    }

    #[test]
    fn a_kept_file_is_read_back_and_said_in_words() {
        let kept = kept_attachment("ktp", "fil_1|image/jpeg|1310720").expect("a file");
        assert_eq!(
            (kept.file_id.as_str(), kept.requirement.as_str(), kept.size),
            ("fil_1", "ktp", 1_310_720)
        );
        assert_eq!(file_words(&kept.media_type, kept.size, Language::Id), "JPEG, 1,2 MB");
        assert_eq!(file_words("application/pdf", 900, Language::En), "PDF, 1 KB");
        assert!(kept_attachment("ktp", "").is_none() && kept_attachment("ktp", "a|b|c").is_none());
    }
}
