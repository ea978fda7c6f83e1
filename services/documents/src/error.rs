//! What can go wrong here, as situations; and what a caller is told of each.

use std::time::Duration;

use mpp_kit::fault::{Fault, Problem};
use mpp_kit::idempotency::IdempotencyError;
use sea_orm::DbErr;
use thiserror::Error;
use tonic::Code;

use crate::blob::FilesError;

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
    /// The request is wrong in itself, the rules refuse it, or the kit did.
    #[error(transparent)]
    Refused(Box<Problem>),
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
            Self::Refused(problem) => *problem,
            Self::Database(error) => error.problem(),
            Self::Files(error @ FilesError::Store(_)) => Problem::unavailable(error, RETRY_AFTER),
            Self::Files(error @ (FilesError::Missing(_) | FilesError::Damaged(_))) => Problem::internal(error),
            Self::Unavailable(error) => Problem::unavailable(error, RETRY_AFTER),
            Self::Broken(error) => Problem::internal(error),
        }
    }
}
