//! `UploadFile`: a file for an application that is about to be submitted. Judged by its content, stored before it is named.

use std::time::Duration;

use mpp_kit::caller::Caller;
use mpp_kit::clamd::{self, Finding};
use mpp_kit::fault::{Problem, Text, Violation, chain};
use mpp_proto::documents::v1::{Attachment, UploadFileRequest, UploadFileResponse};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tonic::Response;

use super::{Core, record};
use crate::domain::FileId;
use crate::error::Error;
use crate::store;
use crate::store::file::StoredFile;

const METHOD: &str = "mpp.documents.v1.DocumentsService/UploadFile";
/// Bytes of an upload at most.
pub(super) const MAX_UPLOAD: usize = 3 << 20;
/// How long a scan may take.
const SCAN_PATIENCE: Duration = Duration::from_secs(30);
/// What is taken. Nothing that a browser would run.
const TAKEN: [&str; 3] = ["application/pdf", "image/jpeg", "image/png"];

pub(super) async fn handle(
    core: &Core,
    caller: &Caller,
    request: UploadFileRequest,
) -> Result<Response<UploadFileResponse>, Error> {
    let media_type = judge(&request.content)?;
    core.scan(&request.content).await?;
    let file = StoredFile {
        id: FileId::generate(),
        media_type: media_type.to_owned(),
        size: i64::try_from(request.content.len()).unwrap_or(i64::MAX),
        sha256: hex::encode(Sha256::digest(&request.content)),
        application: None,
    };
    // First the file, then the row: a crash between leaves a file that nobody names, never a name without a file.
    let name = file.id.to_string();
    core.files.put(&name, &request.content).await?;
    let mut answered = core.named(caller, &request, &file).await;
    let mut is_named = may_name(&answered, &name);
    if !is_named
        && let Ok(answer) = &answered
        && let Some(first) = &answer.file
        && let Ok(id) = first.file_id.parse::<FileId>()
        && store::file::find(&core.db.write, id).await.is_ok_and(|it| it.is_none())
    {
        // The first was cleaned up, for nobody had handed it in: this is another upload.
        match core.forget_answer(caller, METHOD, &request.request_id).await {
            Ok(()) => {
                answered = core.named(caller, &request, &file).await;
                is_named = may_name(&answered, &name);
            }
            // Nothing was entered: the file stays nobody's, whatever failed.
            Err(error) => answered = Err(error),
        }
    }
    if !is_named && let Err(error) = core.files.delete(&name).await {
        // What the request came to is decided; a file that nobody names harms nobody.
        tracing::warn!(file = %name, error = chain(&error), "an upload that nobody names stays");
    }
    Ok(Response::new(answered?))
}

/// Whether a row names this file, or may, after this answer.
fn may_name(answered: &Result<UploadFileResponse, Error>, name: &str) -> bool {
    match answered {
        // A repetition is answered with the first file; this one is nobody's.
        Ok(answer) => answer.file.as_ref().is_some_and(|file| file.file_id == name),
        // Where it may have been committed: a name without a file would be worse than a file without a name.
        Err(error) => !error.is_undone(),
    }
}

impl Core {
    /// Enters a file that is stored, and answers with it; a repetition with the one that was entered first.
    async fn named(
        &self,
        caller: &Caller,
        request: &UploadFileRequest,
        file: &StoredFile,
    ) -> Result<UploadFileResponse, Error> {
        self.once(caller, METHOD, (request, &request.request_id), |tx, now| async move {
            store::file::insert(&*tx, file, now).await?;
            let id = file.id.to_string();
            let who = (caller.who(), "file.uploaded", id.as_str());
            let detail = json!({"mediaType": file.media_type, "size": file.size});
            record(&tx, who, (None, None), detail, &request.request_id, now).await?;
            Ok(UploadFileResponse {
                file: Some(Attachment {
                    file_id: id,
                    requirement: String::new(),
                    media_type: file.media_type.clone(),
                    size: file.size,
                    sha256: file.sha256.clone(),
                }),
            })
        })
        .await
    }
}

impl Core {
    /// Has a file looked at, where a scanner is set. Before it is stored: what is infected never lies here.
    pub(super) async fn scan(&self, content: &[u8]) -> Result<(), Error> {
        if self.config.scanner.is_empty() {
            return Ok(());
        }
        match clamd::scan(&self.config.scanner, content, SCAN_PATIENCE).await.map_err(Error::Unavailable)? {
            Finding::Clean => Ok(()),
            Finding::Infected => refuse(
                "INFECTED",
                "berkas ini mengandung virus; bersihkan perangkat Anda, lalu unggah berkas lain",
                "a virus was found in this file; clean your device and upload another",
            ),
        }
    }
}

fn refuse<T>(reason: &'static str, id: &str, en: &str) -> Result<T, Error> {
    let text = Text::new(id, en);
    Err(Problem::invalid(vec![Violation { field: "content".to_owned(), reason, text }]).into())
}

/// The media type of an upload by its first bytes, if it is one that is taken.
pub(super) fn judge(content: &[u8]) -> Result<&'static str, Error> {
    if content.is_empty() || content.len() > MAX_UPLOAD {
        return refuse(
            "INVALID_LENGTH",
            "pilih berkas berukuran paling besar 3 MB",
            "choose a file of at most 3 MB",
        );
    }
    let found = infer::get(content).map(|kind| kind.mime_type());
    match TAKEN.into_iter().find(|taken| Some(*taken) == found) {
        Some(taken) => Ok(taken),
        None => refuse("INVALID_TYPE", "pilih berkas PDF, JPEG, atau PNG", "choose a PDF, JPEG or PNG file"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_what_its_content_says() {
        assert_eq!(judge(b"%PDF-1.7\n...").unwrap(), "application/pdf");
        assert_eq!(judge(&[0xFF, 0xD8, 0xFF, 0xE0, 0, 0]).unwrap(), "image/jpeg");
        assert_eq!(judge(b"\x89PNG\r\n\x1a\n....").unwrap(), "image/png");
        for bad in [b"".as_slice(), b"<html>", b"MZ....", b"PK\x03\x04", b"GIF89a...."] {
            assert!(judge(bad).is_err(), "{bad:?}");
        }
        assert!(judge(&vec![b'%'; MAX_UPLOAD + 1]).is_err());
    }
}
