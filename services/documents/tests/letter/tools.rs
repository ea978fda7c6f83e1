//! The programs that judge our files.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A directory for one test.
pub(crate) struct Desk(tempfile::TempDir);

impl Desk {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// Writes a file and says where.
    pub(crate) fn put(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn get(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }
}

/// Runs a program; `remedy` says how to get it.
fn run(
    program: &Path,
    remedy: &str,
    arguments: &[&dyn AsRef<std::ffi::OsStr>],
    directory: Option<&Path>,
) -> Output {
    let mut command = Command::new(program);
    command.args(arguments.iter().map(|it| it.as_ref()));
    if let Some(directory) = directory {
        command.current_dir(directory);
    }
    command.output().unwrap_or_else(|error| panic!("{} does not run ({error}): {remedy}", program.display()))
}

fn words(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// What poppler says of a file. It says nothing of trust: it is given no roots.
pub(crate) fn pdfsig(file: &Path) -> String {
    let remedy = "install poppler-utils, or run script/setup test";
    words(&run(Path::new("pdfsig"), remedy, &[&"-nocert", &file], None))
}

fn pyhanko_program() -> PathBuf {
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/venv/bin/pyhanko");
    if ours.exists() { ours } else { PathBuf::from("pyhanko") }
}

const PYHANKO: &str = "run script/setup test, which installs it into target/venv";

/// What pyHanko says of a file under this root and no other, and whether it accepts it.
pub(crate) fn pyhanko_validate(file: &Path, root: &Path) -> (bool, String) {
    let output = run(
        &pyhanko_program(),
        PYHANKO,
        &[&"sign", &"validate", &"--pretty-print", &"--trust-replace", &"--trust", &root, &file],
        None,
    );
    (output.status.success(), words(&output))
}

/// Lets pyHanko sign a file.
pub(crate) fn pyhanko_sign(desk: &Desk, arguments: &[&dyn AsRef<std::ffi::OsStr>]) {
    let output = run(&pyhanko_program(), PYHANKO, arguments, Some(desk.0.path()));
    assert!(output.status.success(), "{}", words(&output));
}

/// Lets OpenSSL do something in the directory.
pub(crate) fn openssl(desk: &Desk, arguments: &[&dyn AsRef<std::ffi::OsStr>]) {
    if let Err(said) = try_openssl(desk, arguments) {
        panic!("{said}");
    }
}

/// Lets OpenSSL do something that it may refuse.
pub(crate) fn try_openssl(desk: &Desk, arguments: &[&dyn AsRef<std::ffi::OsStr>]) -> Result<(), String> {
    let output = run(
        Path::new("openssl"),
        "install openssl, or run script/setup test",
        arguments,
        Some(desk.0.path()),
    );
    if output.status.success() { Ok(()) } else { Err(words(&output)) }
}
