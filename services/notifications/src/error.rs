//! What can go wrong here, as situations; and what a caller is told of each.

use mpp_kit::fault::{Fault, Problem};
use mpp_kit::idempotency::IdempotencyError;
use sea_orm::DbErr;
use thiserror::Error;
use tonic::Code;

use crate::domain::status::Status;
use crate::domain::variant::{VariantState, VariantVerb};

/// Things that are looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Thing {
    Notification,
    MessageType,
    Variant,
    Contact,
    InboxItem,
    Link,
    Callback,
    Account,
}

impl Thing {
    /// Its name in both languages.
    fn name(self) -> (&'static str, &'static str) {
        match self {
            Self::Notification => ("pemberitahuan", "notification"),
            Self::MessageType => ("jenis pesan", "message type"),
            Self::Variant => ("versi teks", "variant"),
            Self::Contact => ("kontak", "contact"),
            Self::InboxItem => ("pesan", "message"),
            Self::Link => ("tautan", "link"),
            Self::Callback => ("callback", "callback"),
            Self::Account => ("akun kanal", "channel account"),
        }
    }
}

/// A situation in which notifications refuses or fails.
#[derive(Debug, Error)]
pub(crate) enum Error {
    /// There is none, or it is not the caller's: which one is not told.
    #[error("not found: {0:?}")]
    NotFound(Thing),
    /// Somebody else changed it meanwhile.
    #[error("the version is another by now")]
    Stale {
        /// The version it has now.
        version: u32,
    },
    /// Nothing is left to call off.
    #[error("the notification is {status}")]
    TooLate {
        /// Where it stands.
        status: Status,
    },
    /// A variant does not permit this now.
    #[error("the variant is {state}")]
    VariantState {
        /// What was asked.
        verb: VariantVerb,
        /// Where it stands.
        state: VariantState,
    },
    /// Who wrote a text does not approve it.
    #[error("the author approves no text of its own")]
    OwnVariant,
    /// A link was used before.
    #[error("the link was used before")]
    LinkUsed,
    /// Who opens a link does not hold the permission any more.
    #[error("the link is for who holds the role")]
    LinkNotYours,
    /// A webhook whose signature is not ours to believe.
    #[error("the signature of a webhook is wrong")]
    Signature,
    /// The request is wrong in itself, or the kit refused it.
    #[error(transparent)]
    Refused(Box<Problem>),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DbErr),
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
            Self::TooLate { status } => Problem::precondition(
                "TOO_LATE",
                "Pemberitahuan ini sudah terkirim atau berakhir, sehingga tidak dapat dibatalkan.",
                "This notification was sent or has ended: it cannot be called off.",
            )
            .with("status", status),
            Self::VariantState { verb, state } => Problem::precondition(
                "NOT_PERMITTED_IN_STATE",
                "Versi teks ini berada pada tahap lain. Muat ulang untuk melihat yang dapat dilakukan.",
                "This variant is at another stage. Reload it to see what can be done.",
            )
            .with("verb", verb)
            .with("state", state),
            Self::OwnVariant => Problem::new(
                Code::PermissionDenied,
                "OWN_VARIANT",
                "Teks disetujui oleh orang lain, bukan oleh penulisnya.",
                "A text is approved by somebody else than its author.",
            ),
            Self::LinkUsed => Problem::precondition(
                "LINK_USED",
                "Tautan ini sudah dipakai. Buka aduannya dari kotak kerja Anda.",
                "This link was used before. Open the matter from your work list.",
            ),
            Self::LinkNotYours => Problem::new(
                Code::PermissionDenied,
                "LINK_NOT_YOURS",
                "Tautan ini hanya untuk pejabat yang dituju, selama masih memegang jabatannya.",
                "This link is only for the official it was made for, as long as the office is held.",
            ),
            Self::Signature => Problem::new(
                Code::Unauthenticated,
                "SIGNATURE_INVALID",
                "Tanda tangan webhook tidak sah.",
                "The signature of the webhook is not valid.",
            ),
            Self::Refused(problem) => *problem,
            Self::Database(error) => error.problem(),
            Self::Broken(error) => Problem::internal(error),
        }
    }
}
