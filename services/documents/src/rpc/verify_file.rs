//! `VerifyFile`: whether a file is a document of this installation, whole and unchanged. A scan of what was signed by hand is
//! known by its bytes alone, and never said to be electronically signed.

use mpp_kit::caller::Caller;
use mpp_kit::fault::{Problem, Text, Violation};
use mpp_proto::documents::v1::{FileVerdict, SignatureFinding, VerifyFileRequest, VerifyFileResponse};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tonic::Response;

use super::upload_file::MAX_UPLOAD;
use super::{Core, convert};
use crate::domain::document::Signature;
use crate::error::Error;
use crate::letter::verify::{Coverage, Report, Verdict, inspect};
use crate::store;
use crate::store::document::{Document, Revision};

pub(super) async fn handle(
    core: &Core,
    caller: &Caller,
    request: VerifyFileRequest,
) -> Result<Response<VerifyFileResponse>, Error> {
    if request.content.is_empty() || request.content.len() > MAX_UPLOAD {
        let text = Text::new("pilih berkas berukuran paling besar 3 MB", "choose a file of at most 3 MB");
        let violation = Violation { field: "content".to_owned(), reason: "INVALID_LENGTH", text };
        return Err(Problem::invalid(vec![violation]).into());
    }
    let sha256 = hex::encode(Sha256::digest(&request.content));
    let known = store::document::by_sha256(&core.db.read, &sha256).await?;
    let roots = core.signers.roots().clone();
    // A hostile file may take a while to read.
    let (inspected, earlier) = tokio::task::spawn_blocking(move || {
        let inspected = inspect(&request.content, &roots).ok();
        let earlier = inspected.as_ref().map(|report| digests(report, &request.content)).unwrap_or_default();
        (inspected, earlier)
    })
    .await
    .map_err(anyhow::Error::new)?;
    let known = core.of_revision(known).await?;
    // What it was when it was last signed, if this is not what we issued but begins with it.
    let mut begins_with = None;
    for sha256 in earlier.iter().filter(|_| known.is_none()) {
        let found = store::document::by_sha256(&core.db.read, sha256).await?;
        // What was signed by hand is known by its bytes alone: whatever signature its scan may hold is not ours.
        begins_with = core.of_revision(found).await?.filter(|it| it.signature == Signature::Electronic);
        if begins_with.is_some() {
            break;
        }
    }
    let scan = known.as_ref().filter(|document| document.signature == Signature::ByHand);
    let scan = match scan {
        Some(document) => {
            let all = store::document::revisions(&core.db.read, document.id).await?;
            // A scan tells nobody which signature it lacks: only that with the last one is the letter.
            let whole = all.last().is_some_and(|last| last.sha256 == sha256);
            Some(if whole { FileVerdict::ScanOnRecord } else { FileVerdict::NotOurs })
        }
        None => None,
    };
    let known = known.filter(|_| scan != Some(FileVerdict::NotOurs));
    let verdict = match (scan, inspected.as_ref().map(|report| report.verdict)) {
        (Some(of_scan), _) => of_scan,
        (None, Some(Verdict::Valid)) if known.is_some() => FileVerdict::Valid,
        // Trusted signatures of others are not documents of ours.
        (None, Some(Verdict::Valid | Verdict::ExtendedAfterSigning))
            if known.is_none() && begins_with.is_none() =>
        {
            FileVerdict::NotOurs
        }
        (None, Some(Verdict::Valid | Verdict::ExtendedAfterSigning)) => FileVerdict::Extended,
        (None, Some(Verdict::Altered)) => FileVerdict::Altered,
        (None, Some(Verdict::NotOurs | Verdict::Unsigned) | None) => FileVerdict::NotOurs,
    };
    let document = match known.or(begins_with) {
        Some(document) => {
            let subject = document.id.to_string();
            let detail = json!({"file": verdict.as_str_name()});
            let who = (caller.who(), "document.verified", subject.as_str());
            core.looked(who, detail).await?;
            Some(core.public_document(&document).await?)
        }
        None => None,
    };
    Ok(Response::new(VerifyFileResponse {
        verdict: verdict.into(),
        document,
        signatures: inspected.filter(|_| scan.is_none()).map(findings).unwrap_or_default(),
    }))
}

impl Core {
    /// The document that these bytes are of.
    async fn of_revision(&self, found: Option<Revision>) -> Result<Option<Document>, Error> {
        match found {
            Some(found) => Ok(store::document::find(&self.db.read, &self.cipher, found.document).await?),
            None => Ok(None),
        }
    }
}

/// Digests of what the file was after each of its sound signatures, the latest first.
fn digests(report: &Report, content: &[u8]) -> Vec<String> {
    let sound =
        report.signatures.iter().rev().filter(|signature| signature.is_sound() && signature.trust.is_ok());
    sound
        .filter_map(|signature| content.get(..signature.end))
        .map(|bytes| hex::encode(Sha256::digest(bytes)))
        .collect()
}

fn findings(report: Report) -> Vec<SignatureFinding> {
    report
        .signatures
        .into_iter()
        .map(|signature| {
            let stamped =
                signature.timestamp.as_ref().filter(|stamp| stamp.trust.is_ok()).map(|stamp| stamp.time);
            let time = stamped.or_else(|| signature.claimed_time.map(|time| time.to_utc()));
            SignatureFinding {
                intact: signature.is_sound(),
                whole_file: signature.coverage == Coverage::WholeFile,
                trusted: signature.trust.is_ok(),
                timestamped: stamped.is_some(),
                time: time.map(convert::timestamp),
                signer: signature.signer.map(|signer| signer.common_name).unwrap_or_default(),
            }
        })
        .collect()
}
