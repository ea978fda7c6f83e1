//! The data directory: made if it is missing, proved writable, and held by one server at a time.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use crate::failure::{Exit, Failure};

const LOCK: &str = "server.lock";

/// The data directory, locked for this process until dropped. The lock is the kernel's (flock), so it ends with the
/// process however that ends; the file stays and says where the holder answers.
#[derive(Debug)]
pub(crate) struct DataDir {
    path: PathBuf,
    lock: File,
}

/// What an attempt to take the directory found.
pub(crate) enum Taken {
    /// It is ours now.
    Ours(DataDir),
    /// A server holds it, and answers at this address (empty if it is still starting).
    Held(String),
}

impl DataDir {
    /// Takes the directory, or says who holds it.
    pub(crate) fn try_take(path: &Path) -> Result<Taken, Failure> {
        create(path)?;
        let refuse = |error: &std::io::Error| unwritable(path, error);
        let mut lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path.join(LOCK))
            .map_err(|error| refuse(&error))?;
        match lock.try_lock() {
            Ok(()) => {
                // Proves that the disk takes more than a file name; a full one is found now and not at the first ticket.
                lock.set_len(0)
                    .and_then(|()| lock.write_all(b"\n"))
                    .and_then(|()| lock.sync_all())
                    .map_err(|error| refuse(&error))?;
                Ok(Taken::Ours(Self { path: path.to_owned(), lock }))
            }
            Err(TryLockError::WouldBlock) => {
                let mut address = String::new();
                lock.read_to_string(&mut address).map_err(|error| refuse(&error))?;
                Ok(Taken::Held(address.trim().to_owned()))
            }
            Err(TryLockError::Error(error)) => Err(refuse(&error)),
        }
    }

    /// Takes the directory for a server.
    pub(crate) fn take(path: &Path) -> Result<Self, Failure> {
        match Self::try_take(path)? {
            Taken::Ours(directory) => Ok(directory),
            Taken::Held(address) => {
                let at = if address.is_empty() { String::new() } else { format!(" at {address}") };
                Err(Failure::new(
                    Exit::Unavailable,
                    format!(
                        "another server{at} uses the data directory {}: stop it, or choose another directory with --data",
                        path.display()
                    ),
                ))
            }
        }
    }

    /// Notes where the server answers, for commands that want to speak with it.
    pub(crate) fn announce(&mut self, address: &str) -> std::io::Result<()> {
        self.lock.rewind()?;
        self.lock.set_len(0)?;
        self.lock.write_all(format!("{address}\n").as_bytes())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// Makes the directory, readable by its owner only: it holds keys and personal data.
pub(crate) fn create(path: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| unwritable(path, &error))
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(
        Exit::CannotCreate,
        format!(
            "cannot write to the data directory {} ({error}): make it writable for this user, or choose another with --data \
             (setting server.data)",
            path.display()
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_server_holds_a_directory_and_the_next_reads_where_it_answers() {
        let root = std::env::temp_dir().join(format!("mpp-data-{}", std::process::id()));
        let mut held = DataDir::take(&root).unwrap();
        held.announce("http://localhost:1").unwrap();
        let error = DataDir::take(&root).unwrap_err();
        assert_eq!(error.exit(), Exit::Unavailable);
        assert!(
            error.to_string().contains("http://localhost:1") && error.to_string().contains("--data"),
            "{error}"
        );
        drop(held);
        assert!(matches!(DataDir::try_take(&root).unwrap(), Taken::Ours(_)));
        fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn a_file_is_no_directory() {
        let file = std::env::temp_dir().join(format!("mpp-file-{}", std::process::id()));
        fs::write(&file, "").unwrap();
        let error = DataDir::take(&file.join("data")).unwrap_err();
        assert_eq!(error.exit(), Exit::CannotCreate);
        assert!(error.to_string().contains("--data"), "{error}");
        fs::remove_file(file).unwrap();
    }
}
