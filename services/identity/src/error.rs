//! What can go wrong here, as situations; and what a caller is told of each.

use std::time::Duration;

use mpp_kit::{
    fault::{Fault, Problem, Text, Violation},
    idempotency::IdempotencyError,
};
use sea_orm::DbErr;
use thiserror::Error;
use tonic::Code;

/// A situation in which identity refuses or fails.
#[derive(Debug, Error)]
pub(crate) enum Error {
    /// Unknown name, wrong password, or a disabled account: which one is not told.
    #[error("the credentials open nothing")]
    InvalidCredentials,
    /// Too many failures under this name, whether it exists or not.
    #[error("the name is locked for {0:?}")]
    Locked(Duration),
    /// The session is unknown, over, or its account or device may no longer sign in: which one is not told.
    #[error("the session is over")]
    SessionEnded,
    /// The caller administers nothing, for instance because its account was disabled a moment ago.
    #[error("the caller administers nothing")]
    NotPermitted,
    /// The caller would give more than it holds. Names the field.
    #[error("{0} exceeds what the caller holds")]
    ExceedsOwn(String),
    /// No such account, or it lies outside what the caller administers.
    #[error("no such account")]
    AccountNotFound,
    /// No such device, or it lies outside what the caller administers.
    #[error("no such device")]
    DeviceNotFound,
    /// Another account has this username.
    #[error("the username is taken")]
    UsernameTaken,
    /// The request is wrong in itself, or the kit refused it.
    #[error(transparent)]
    Refused(Box<Problem>),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DbErr),
    /// Something else of ours failed.
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
            Self::InvalidCredentials => Problem::new(
                Code::Unauthenticated,
                "INVALID_CREDENTIALS",
                "Nama pengguna atau kata sandi salah.",
                "The username or the password is wrong.",
            ),
            Self::Locked(left) => Problem::new(
                Code::ResourceExhausted,
                "ACCOUNT_LOCKED",
                format!("Terlalu banyak percobaan. Coba lagi dalam {} detik.", seconds_up(left)),
                format!("Too many attempts. Try again in {} seconds.", seconds_up(left)),
            )
            .retry_after(left),
            Self::SessionEnded => Problem::new(
                Code::Unauthenticated,
                "SESSION_ENDED",
                "Sesi telah berakhir. Silakan masuk kembali.",
                "The session is over. Sign in again.",
            ),
            Self::NotPermitted => Problem::denied(),
            Self::ExceedsOwn(field) => Problem::new(
                Code::PermissionDenied,
                "GRANT_EXCEEDS_OWN",
                "Anda tidak dapat memberi wewenang yang lebih luas atau lebih lama daripada wewenang Anda sendiri.",
                "You cannot give more, or for longer, than you hold yourself.",
            )
            .with("field", field),
            Self::AccountNotFound => Problem::not_found("akun", "account"),
            Self::DeviceNotFound => Problem::not_found("perangkat", "device"),
            Self::UsernameTaken => {
                let mut problem = Problem::new(
                    Code::AlreadyExists,
                    "USERNAME_TAKEN",
                    "Nama pengguna ini sudah dipakai. Pilih yang lain.",
                    "This username is taken. Choose another.",
                );
                let text = Text::new("pilih nama lain", "choose another name");
                problem.violations.push(Violation { field: "username".to_owned(), reason: "TAKEN", text });
                problem
            }
            Self::Refused(problem) => *problem,
            Self::Database(error) => error.problem(),
            Self::Broken(error) => Problem::internal(error),
        }
    }
}

/// Whole seconds, rounded up: after that many a retry works.
fn seconds_up(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Golden: what clients match on must not change silently.
    #[test]
    fn each_situation_has_its_code_and_reason() {
        let table: Vec<String> = [
            Error::InvalidCredentials,
            Error::Locked(Duration::from_millis(1500)),
            Error::SessionEnded,
            Error::NotPermitted,
            Error::ExceedsOwn("grants[1]".to_owned()),
            Error::AccountNotFound,
            Error::DeviceNotFound,
            Error::UsernameTaken,
            Error::Database(DbErr::Custom("x".to_owned())),
            Error::Broken(anyhow::anyhow!("x")),
        ]
        .into_iter()
        .map(|error| {
            let problem = error.problem();
            format!("{:?} {} {:?} {:?}", problem.code, problem.reason, problem.metadata, problem.retry_after)
        })
        .collect();
        assert_eq!(
            table,
            [
                "Unauthenticated INVALID_CREDENTIALS {} None",
                "ResourceExhausted ACCOUNT_LOCKED {} Some(1.5s)",
                "Unauthenticated SESSION_ENDED {} None",
                "PermissionDenied PERMISSION_DENIED {} None",
                "PermissionDenied GRANT_EXCEEDS_OWN {\"field\": \"grants[1]\"} None",
                "NotFound NOT_FOUND {} None",
                "NotFound NOT_FOUND {} None",
                "AlreadyExists USERNAME_TAKEN {} None",
                "Internal INTERNAL {} None",
                "Internal INTERNAL {} None",
            ]
        );
    }

    #[test]
    fn the_wait_is_told_in_seconds_rounded_up() {
        let problem = Error::Locked(Duration::from_millis(1500)).problem();
        assert!(problem.text.en.contains("in 2 seconds"), "{}", problem.text.en);
    }
}
