//! What can go wrong here, as situations; and what a caller is told of each.

use std::time::Duration;

use mpp_kit::fault::{Fault, Problem, Text, Violation};
use mpp_kit::idempotency::IdempotencyError;
use sea_orm::DbErr;
use thiserror::Error;
use tonic::Code;

use crate::domain::workflow::decide::Rejection;
use mpp_kit::files::FilesError;

/// After which time a caller may try again when something we depend on does not answer.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// Things that are looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Thing {
    LetterType,
    Office,
    Delegation,
    Application,
    Document,
    File,
    Link,
    Code,
    Webhook,
    Delivery,
    Licence,
    Signing,
}

impl Thing {
    /// Its name in both languages.
    fn name(self) -> (&'static str, &'static str) {
        match self {
            Self::LetterType => ("jenis surat", "letter type"),
            Self::Office => ("kantor", "office"),
            Self::Delegation => ("penunjukan", "appointment"),
            Self::Application => ("permohonan", "application"),
            Self::Document => ("dokumen", "document"),
            Self::File => ("berkas", "file"),
            Self::Link => ("tautan", "link"),
            Self::Code => ("kode", "code"),
            Self::Webhook => ("webhook", "webhook"),
            Self::Delivery => ("pengiriman", "delivery"),
            Self::Licence => ("izin", "licence"),
            Self::Signing => ("permintaan tanda tangan", "request to sign"),
        }
    }
}

/// A situation in which documents refuses or fails.
#[derive(Debug, Error)]
pub(crate) enum Error {
    /// There is none, or it lies outside what the caller reaches: which one is not told.
    #[error("not found: {0:?}")]
    NotFound(Thing),
    /// Somebody else changed it meanwhile.
    #[error("the version is another by now")]
    Stale {
        /// The version it has now.
        version: u32,
    },
    /// The rules of applications refuse. Nothing has changed.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The request is wrong in itself, or the kit refused it.
    #[error(transparent)]
    Refused(Box<Problem>),
    /// A version of a letter type says what this release has no rule for, as while the suite is updated instance by instance.
    #[error("version {version} of letter type {letter_type} was put in force by a later release: {why}")]
    LaterRelease {
        /// The type.
        letter_type: String,
        /// Its version.
        version: u32,
        /// What is not understood.
        why: serde_json::Error,
    },
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DbErr),
    /// The file store failed.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// Something else that we depend on does not answer.
    #[error(transparent)]
    Unavailable(anyhow::Error),
    /// Something of ours failed.
    #[error(transparent)]
    Broken(#[from] anyhow::Error),
}

impl Error {
    /// Whether nothing came of it for certain: it was refused with everything undone. After a failure it may have been committed,
    /// with the answer lost.
    pub(crate) const fn is_undone(&self) -> bool {
        match self {
            Self::NotFound(_)
            | Self::Stale { .. }
            | Self::Rejected(_)
            | Self::Refused(_)
            | Self::LaterRelease { .. } => true,
            Self::Database(_) | Self::Files(_) | Self::Unavailable(_) | Self::Broken(_) => false,
        }
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::Refused(Box::new(problem))
    }
}

impl From<IdempotencyError> for Error {
    fn from(error: IdempotencyError) -> Self {
        Problem::from(error).into()
    }
}

impl Fault for Error {
    fn problem(self) -> Problem {
        match self {
            Self::NotFound(thing) => {
                let (id, en) = thing.name();
                Problem::not_found(id, en)
            }
            Self::Stale { version } => Problem::new(
                Code::Aborted,
                "VERSION_MISMATCH",
                "Data ini baru saja diubah orang lain. Lihat keadaannya yang terbaru, lalu ulangi bila masih perlu.",
                "Somebody else has just changed this. Look at it again, then repeat if it is still needed.",
            )
            .with("version", version),
            Self::Rejected(rejection) => rejected(&rejection),
            Self::Refused(problem) => *problem,
            Self::LaterRelease { ref letter_type, version, .. } => Problem::new(
                Code::Unavailable,
                "LATER_RELEASE",
                format!("Jenis surat {letter_type} versi {version} diberlakukan oleh rilis yang lebih baru daripada yang menjawab ini. Coba lagi sebentar lagi; bila tetap begini, minta pengelola memperbarui layanan."),
                format!("Version {version} of letter type {letter_type} was put in force by a later release than the one that answers. Try again shortly; if it stays so, ask the operator to update the service."),
            )
            .with("letterType", letter_type)
            .with("version", version)
            .retry_after(RETRY_AFTER)
            .caused_by(self),
            Self::Database(error) => error.problem(),
            Self::Files(error @ FilesError::Store(_)) => Problem::unavailable(error, RETRY_AFTER),
            Self::Files(error @ (FilesError::Missing(_) | FilesError::Damaged(_))) => Problem::internal(error),
            Self::Unavailable(error) => Problem::unavailable(error, RETRY_AFTER),
            Self::Broken(error) => Problem::internal(error),
        }
    }
}

/// What a caller is told when the rules refuse. The reasons are part of the contract: programs match on them.
fn rejected(rejection: &Rejection) -> Problem {
    match rejection {
        Rejection::NotPermittedInState { verb, state, allowed } => Problem::precondition(
            "NOT_PERMITTED_IN_STATE",
            "Permohonan ini sudah berada pada tahap lain. Muat ulang untuk melihat yang dapat dilakukan sekarang.",
            "The application is at another stage by now. Reload it to see what can be done.",
        )
        .with("verb", verb)
        .with("state", state)
        .with("allowedVerbs", allowed.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")),
        Rejection::NotYourStep => Problem::new(
            Code::PermissionDenied,
            "NOT_YOUR_STEP",
            "Tahap ini bukan wewenang Anda. Yang dapat memprosesnya adalah pemegang peran tahap ini di wilayahnya.",
            "This step is not yours. It is for who holds its role in its area.",
        ),
        Rejection::OwnApplication => Problem::new(
            Code::PermissionDenied,
            "OWN_APPLICATION",
            "Anda tidak dapat memutus permohonan Anda sendiri. Minta pejabat lain memprosesnya.",
            "You cannot decide on your own application. Ask another official.",
        ),
        Rejection::TookAnotherStep(step) => Problem::new(
            Code::PermissionDenied,
            "TOOK_ANOTHER_STEP",
            "Anda sudah memproses tahap lain dari permohonan ini. Tahap ini harus diproses orang lain.",
            "You took another step of this application. This one is for somebody else.",
        )
        .with("step", step),
        Rejection::ClaimedByAnother => Problem::precondition(
            "CLAIMED_BY_ANOTHER",
            "Permohonan ini sedang dikerjakan rekan Anda. Minta ia melepaskannya dulu.",
            "A colleague works on this application. Ask the colleague to release it first.",
        ),
        Rejection::NotTheClaimer => Problem::precondition(
            "NOT_THE_CLAIMER",
            "Permohonan ini tidak sedang Anda kerjakan.",
            "You are not working on this application.",
        ),
        Rejection::NotTheApplicant => Problem::new(
            Code::PermissionDenied,
            "NOT_THE_APPLICANT",
            "Hanya pemohon yang dapat melakukan ini.",
            "Only the applicant may do this.",
        ),
        Rejection::NotTheService => Problem::denied(),
        Rejection::ReasonRequired => {
            let text = Text::new("tulis alasan paling sedikit 10 karakter", "write a reason of at least 10 characters");
            Problem::invalid(vec![Violation { field: "reason".to_owned(), reason: "INVALID_LENGTH", text }])
        }
        Rejection::ContentDiffers => Problem::new(
            Code::Aborted,
            "CONTENT_DIFFERS",
            "Isi yang Anda lihat bukan isi yang diajukan. Muat ulang dan periksa kembali.",
            "What you saw is not what was submitted. Reload and read it again.",
        ),
        Rejection::NotOptional(step) => Problem::precondition(
            "STEP_NOT_OPTIONAL",
            "Tahap ini tidak dapat dilewati.",
            "This step cannot be left out.",
        )
        .with("step", step),
        Rejection::NoSignatureLeft => Problem::precondition(
            "NO_SIGNATURE_LEFT",
            "Tanpa tahap itu surat tidak akan ditandatangani.",
            "Without that step the letter would not be signed.",
        ),
        Rejection::NobodyCompetent(level) => Problem::precondition(
            "NOBODY_COMPETENT",
            "Belum ada kantor yang berwenang untuk wilayah ini. Lengkapi alamat sampai RT, atau hubungi kantor desa.",
            "No office is competent for this area yet. Complete the address down to the RT, or ask the village office.",
        )
        .with("level", level),
        Rejection::NumberMissing => Problem::internal(anyhow::anyhow!("a number was not allocated in time")),
        Rejection::GrantedByLaw => Problem::precondition(
            "GRANTED_BY_LAW",
            "Permohonan ini sudah dianggap dikabulkan secara hukum karena batas waktunya lewat.",
            "The application is granted by law, because its deadline is over.",
        ),
        Rejection::NotDeemable | Rejection::NothingToEscalate => {
            Problem::precondition("NOT_DUE", "Belum waktunya.", "It is not due.")
        }
        Rejection::NothingToAcknowledge => Problem::precondition(
            "NOTHING_TO_ACKNOWLEDGE",
            "Tidak ada berkas yang menunggu diterima.",
            "There is nothing to acknowledge.",
        ),
        Rejection::AnotherAmount(fee) => {
            let text = Text::new(
                format!("isi dengan jumlah yang harus dibayar, {fee} rupiah"),
                format!("give the amount that is to be paid, {fee} rupiah"),
            );
            Problem::invalid(vec![Violation { field: "amount".to_owned(), reason: "ANOTHER_AMOUNT", text }])
        }
        Rejection::NotPaidThen => {
            let text = Text::new(
                "isi dengan waktu pembayaran, sejak hari tagihan dibuat sampai sekarang",
                "give the time of the payment, from the day it was asked for until now",
            );
            Problem::invalid(vec![Violation { field: "pay_time".to_owned(), reason: "NOT_PAID_THEN", text }])
        }
        Rejection::NotByHand => Problem::precondition(
            "NOT_BY_HAND",
            "Jenis surat ini harus ditandatangani secara elektronik.",
            "Letters of this type are signed electronically.",
        ),
        Rejection::SignedAnotherWay => Problem::precondition(
            "SIGNED_ANOTHER_WAY",
            "Semua tanda tangan pada satu surat harus sejenis: seluruhnya elektronik, atau seluruhnya basah pada lembar yang sama.",
            "All signatures of one letter are of one kind: all electronic, or all by hand on the same sheet.",
        ),
        Rejection::ScanDiffers => Problem::new(
            Code::Aborted,
            "SCAN_DIFFERS",
            "Hasil pindai belum diunggah, atau baru saja diganti. Muat ulang dan periksa yang terakhir.",
            "The scan is not there yet, or was replaced just now. Reload and look at the latest.",
        ),
        Rejection::AnotherNumber => {
            let text = Text::new(
                "bukan nomor surat ini; baca nomor pada hasil pindai, dan ganti hasil pindainya bila itu surat lain",
                "not the number of this letter; read the one in the scan, and replace the scan if it is another letter",
            );
            Problem::invalid(vec![Violation { field: "number".to_owned(), reason: "ANOTHER_NUMBER", text }])
        }
        Rejection::Clock(_) => Problem::precondition(
            "CLOCK_NOT_PERMITTED",
            "Jam layanan tahap ini tidak dapat diubah seperti itu sekarang.",
            "The clock of this step cannot be changed like that now.",
        ),
    }
}
