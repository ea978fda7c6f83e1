//! `VerifyFile`: whether a PDF is a document of this installation, whole and unchanged.

use mpp_kit::caller::Caller;
use mpp_kit::fault::{Problem, Text, Violation};
use mpp_proto::documents::v1::{FileVerdict, SignatureFinding, VerifyFileRequest, VerifyFileResponse};
use sha2::{Digest as _, Sha256};
use tonic::Response;

use super::upload_file::MAX_UPLOAD;
use super::{Core, convert};
use crate::error::Error;
use crate::letter::verify::{Coverage, Report, Verdict, inspect};
use crate::store;

pub(super) async fn handle(
    core: &Core,
    _: &Caller,
    request: VerifyFileRequest,
) -> Result<Response<VerifyFileResponse>, Error> {
    if request.content.is_empty() || request.content.len() > MAX_UPLOAD {
        let text = Text::new("pilih berkas PDF berukuran paling besar 3 MB", "choose a PDF of at most 3 MB");
        let violation = Violation { field: "content".to_owned(), reason: "INVALID_LENGTH", text };
        return Err(Problem::invalid(vec![violation]).into());
    }
    let sha256 = hex::encode(Sha256::digest(&request.content));
    let known = store::document::by_sha256(&core.db.read, &sha256).await?;
    let roots = core.signers.roots().clone();
    // A hostile file may take a while to read.
    let inspected = tokio::task::spawn_blocking(move || inspect(&request.content, &roots).ok())
        .await
        .map_err(anyhow::Error::new)?;
    let document = match &known {
        Some(revision) => store::document::find(&core.db.read, &core.cipher, revision.document).await?,
        None => None,
    };
    let verdict = match (&document, inspected.as_ref().map(|report| &report.verdict)) {
        // Trusted signatures of others are not documents of ours.
        (Some(_), Some(Verdict::Valid)) => FileVerdict::Valid,
        (None, Some(Verdict::Valid)) | (_, None) => FileVerdict::NotOurs,
        (_, Some(Verdict::ExtendedAfterSigning)) => FileVerdict::Extended,
        (_, Some(Verdict::Altered)) => FileVerdict::Altered,
        (_, Some(Verdict::NotOurs | Verdict::Unsigned)) => FileVerdict::NotOurs,
    };
    let document = match document {
        Some(document) => Some(core.public_document(&document).await?),
        None => None,
    };
    Ok(Response::new(VerifyFileResponse {
        verdict: verdict.into(),
        document,
        signatures: inspected.map(findings).unwrap_or_default(),
    }))
}

fn findings(report: Report) -> Vec<SignatureFinding> {
    report
        .signatures
        .into_iter()
        .map(|signature| {
            let stamped = signature.timestamp.as_ref().filter(|stamp| stamp.trust.is_ok()).map(|stamp| stamp.time);
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
