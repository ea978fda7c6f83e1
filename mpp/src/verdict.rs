//! What the upload check says of a PDF: asked of a running suite, told to a person.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::DateTime;
use mpp_proto::documents::v1::{
    DocumentState, FileVerdict, SignatureFinding, SignatureMethod, VerifyFileResponse,
};
use serde_json::json;

use crate::demo::rest::{Answer, Session};

/// An answer of the upload check.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Verdict(VerifyFileResponse);

/// Asks the suite what a PDF is.
pub(crate) async fn ask(session: &Session, pdf: &[u8]) -> Answer<Verdict> {
    // A check changes nothing: whatever the key, it has no second effect.
    match session.post("/v1/verifications:file", "check", json!({ "content": STANDARD.encode(pdf) })).await {
        Answer::Done(answer) => Answer::Done(Verdict(answer)),
        Answer::Refused(refusal) => Answer::Refused(refusal),
        Answer::Unknown(error) => Answer::Unknown(error),
    }
}

impl Verdict {
    /// What the file is, in a sentence without an end.
    pub(crate) fn sentence(&self) -> &'static str {
        match self.0.verdict() {
            FileVerdict::Valid => "a document of this installation, whole and unchanged",
            FileVerdict::Extended => {
                "a document of this installation to which something was added after it was signed"
            }
            FileVerdict::Altered => "a document that was changed after it was signed",
            FileVerdict::NotOurs => "not a document of this installation",
            FileVerdict::ScanOnRecord => {
                "byte for byte the scan on record of a letter that was signed by hand, and no electronic signature (bukan TTE)"
            }
            FileVerdict::Unspecified => "something that the suite did not judge",
        }
    }

    /// Whether the file is whole and the document is in force.
    pub(crate) fn is_good(&self) -> bool {
        let in_force = self.0.document.as_ref().is_some_and(|it| it.state() == DocumentState::Valid);
        matches!(self.0.verdict(), FileVerdict::Valid | FileVerdict::ScanOnRecord) && in_force
    }

    /// Why it is not good; empty when it is.
    pub(crate) fn complaint(&self) -> String {
        match (self.0.verdict(), &self.0.document) {
            (FileVerdict::Valid | FileVerdict::ScanOnRecord, Some(document))
                if document.state() != DocumentState::Valid =>
            {
                format!("whole, but its document is no longer in force ({})", word(document.state()))
            }
            (FileVerdict::Valid | FileVerdict::ScanOnRecord, Some(_)) => String::new(),
            (
                FileVerdict::Valid
                | FileVerdict::ScanOnRecord
                | FileVerdict::Extended
                | FileVerdict::Altered
                | FileVerdict::NotOurs
                | FileVerdict::Unspecified,
                _,
            ) => self.sentence().to_owned(),
        }
    }

    /// Whether there are this many signatures, each intact and trusted, and the last covers the file to its end.
    pub(crate) fn bears(&self, signatures: usize) -> bool {
        let found = &self.0.signatures;
        found.len() == signatures
            && found.iter().all(|signature| signature.intact && signature.trusted)
            && found.last().is_some_and(|last| last.whole_file)
    }
}

/// The word on the page of a document.
pub(crate) fn word(state: DocumentState) -> &'static str {
    match state {
        DocumentState::Valid => "BERLAKU",
        DocumentState::Expired => "KEDALUWARSA",
        DocumentState::Revoked => "DICABUT",
        DocumentState::Replaced => "DIGANTIKAN",
        DocumentState::Unspecified => "?",
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = self.0.verdict().as_str_name().trim_start_matches("FILE_VERDICT_").replace('_', " ");
        write!(f, "{verdict}: {}", self.sentence())?;
        if let Some(document) = &self.0.document {
            let end = if document.valid_until.is_empty() {
                String::new()
            } else {
                format!(", valid until {}", document.valid_until)
            };
            let by_hand = document.signature() == SignatureMethod::ByHand;
            let sample = match (document.sample, by_hand) {
                (true, false) => ", a sample signed with test certificates",
                (true, true) => ", a sample",
                (false, _) => "",
            };
            write!(
                f,
                "\n  {}: {}, number {}, of {}{end}{sample}",
                word(document.state()),
                document.title,
                document.number,
                document.office
            )?;
            if by_hand {
                let time = time_of(document.scan_upload_time);
                let uploader = &document.scan_uploaded_by;
                write!(f, "\n  BUKAN TTE: signed by hand; the scan was uploaded by {uploader}, {time}")?;
            }
            for it in &document.registrations {
                write!(f, "\n  number of {}: {}", it.office, it.number)?;
            }
        }
        for (nth, signature) in (1..).zip(&self.0.signatures) {
            write!(f, "\n  signature {nth}: {}", told(signature))?;
        }
        Ok(())
    }
}

fn time_of(time: Option<prost_types::Timestamp>) -> String {
    time.and_then(|time| DateTime::from_timestamp(time.seconds, 0)).map_or_else(
        || "at an unknown time".to_owned(),
        |time| time.format("%Y-%m-%d %H:%M:%S UTC").to_string(),
    )
}

/// One signature in a line.
fn told(signature: &SignatureFinding) -> String {
    let time = time_of(signature.time);
    let intact = if signature.intact { "intact" } else { "BROKEN" };
    let trusted = if signature.trusted { "trusted" } else { "NOT TRUSTED" };
    let whole = if signature.whole_file { "covers the whole file" } else { "covers the file as it was then" };
    format!("{}, {time}: {intact}, {trusted}, {whole}", signature.signer)
}

#[cfg(test)]
mod tests {
    use mpp_proto::documents::v1::{PublicDocument, Registration};

    use super::*;

    fn verdict(verdict: FileVerdict, state: DocumentState, whole_file: bool) -> Verdict {
        let document = PublicDocument {
            title: "Surat".to_owned(),
            number: "1/2026".to_owned(),
            state: state.into(),
            registrations: vec![Registration { office: "Kecamatan".to_owned(), number: "7/2026".to_owned() }],
            ..PublicDocument::default()
        };
        let signature =
            SignatureFinding { intact: true, trusted: true, whole_file, ..SignatureFinding::default() };
        Verdict(VerifyFileResponse {
            verdict: verdict.into(),
            document: Some(document),
            signatures: vec![signature],
        })
    }

    /// A scan is what is on record, or it is not: nothing says that it was signed electronically.
    #[test]
    fn should_45_a_scan_is_never_called_electronically_signed() {
        let document = |state: DocumentState| PublicDocument {
            title: "Surat".to_owned(),
            state: state.into(),
            signature: SignatureMethod::ByHand.into(),
            scan_uploaded_by: "Sekretaris Desa, Dewi Lestari".to_owned(),
            scan_upload_time: Some(prost_types::Timestamp { seconds: 1_795_395_600, nanos: 0 }),
            ..PublicDocument::default()
        };
        let scan = |state| {
            Verdict(VerifyFileResponse {
                verdict: FileVerdict::ScanOnRecord.into(),
                document: Some(document(state)),
                signatures: Vec::new(),
            })
        };
        let told = scan(DocumentState::Valid).to_string();
        assert!(
            scan(DocumentState::Valid).is_good() && told.starts_with("SCAN ON RECORD: byte for byte"),
            "{told}"
        );
        assert!(told.contains("no electronic signature (bukan TTE)"), "{told}");
        assert!(
            told.contains("BUKAN TTE: signed by hand; the scan was uploaded by Sekretaris Desa, Dewi Lestari, 2026-11-23"),
            "{told}"
        );
        assert!(!told.contains("signature 1") && !scan(DocumentState::Valid).bears(1), "{told}");
        let revoked = scan(DocumentState::Revoked);
        assert!(!revoked.is_good() && revoked.complaint().contains("DICABUT"), "{revoked}");
    }

    #[test]
    fn only_a_whole_file_of_a_document_in_force_is_good() {
        let good = verdict(FileVerdict::Valid, DocumentState::Valid, true);
        assert!(good.is_good() && good.bears(1) && !good.bears(2) && good.complaint().is_empty());
        for (it, word) in [
            (verdict(FileVerdict::Valid, DocumentState::Revoked, true), "DICABUT"),
            (verdict(FileVerdict::Extended, DocumentState::Valid, false), "added"),
            (verdict(FileVerdict::Altered, DocumentState::Valid, true), "changed"),
            (verdict(FileVerdict::NotOurs, DocumentState::Valid, true), "not a document"),
        ] {
            assert!(!it.is_good() && it.complaint().contains(word), "{it}");
        }
        assert!(!verdict(FileVerdict::Valid, DocumentState::Valid, false).bears(1));
        assert!(
            good.to_string().starts_with("VALID: ")
                && good.to_string().contains("BERLAKU: Surat, number 1/2026")
                && good.to_string().contains("number of Kecamatan: 7/2026")
        );
    }
}
