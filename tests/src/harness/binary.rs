//! The real program, started as a process.
//!
//! `CARGO_BIN_EXE_mpp` exists only in tests of the package `mpp`, so the program is built here, once per test process, by
//! the cargo that built the test. When it is fresh that takes half a second, and it can never be an old one.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Time for a start with the demo in an unoptimised build on a busy machine.
const START: Duration = Duration::from_secs(180);

/// A command line of the program, not started yet.
#[derive(Debug)]
pub struct Binary(Command);

/// What a finished command left.
#[derive(Debug)]
pub struct Finished {
    /// Its exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// What it wrote on standard output.
    pub stdout: String,
    /// What it wrote on standard error.
    pub stderr: String,
}

/// A server that runs. Dropped, it is killed.
#[derive(Debug)]
pub struct Running {
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
    readers: Vec<thread::JoinHandle<()>>,
}

impl Binary {
    /// The program with `arguments`, in an environment without settings.
    ///
    /// # Panics
    /// When it cannot be built.
    #[must_use]
    pub fn with<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Self {
        let mut command = Command::new(path());
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("MPP_")) {
            command.env_remove(name);
        }
        Self(command)
    }

    /// Adds a variable to its environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.0.env(name, value);
        self
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, argument: impl AsRef<std::ffi::OsStr>) -> Self {
        self.0.arg(argument);
        self
    }

    /// Runs it to its end with `input` on standard input.
    ///
    /// # Panics
    /// When it cannot be run.
    #[must_use]
    pub fn finish_with(mut self, input: &str) -> Finished {
        use std::io::Write as _;
        let mut child = self.0.stdin(Stdio::piped()).spawn().expect("the program starts");
        child.stdin.take().expect("its standard input").write_all(input.as_bytes()).expect("it reads");
        let output = child.wait_with_output().expect("it ends");
        Finished {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Runs it to its end.
    ///
    /// # Panics
    /// When it cannot be run.
    #[must_use]
    pub fn finish(self) -> Finished {
        self.finish_with("")
    }

    /// Starts a server and waits until it is ready.
    ///
    /// # Panics
    /// When it ends or is not ready in time.
    #[must_use]
    pub fn serve(self) -> Running {
        let mut running = self.start();
        let deadline = Instant::now() + START;
        while running.url().is_none() {
            if let Some(status) = running.child.try_wait().expect("its status") {
                panic!("it ended ({status}):\n{}", running.log());
            }
            assert!(Instant::now() < deadline, "not ready in time:\n{}", running.log());
            thread::sleep(Duration::from_millis(50));
        }
        running
    }

    /// Starts a server without waiting.
    ///
    /// # Panics
    /// When it cannot be run.
    #[must_use]
    pub fn start(mut self) -> Running {
        let mut child = self.0.spawn().expect("the program starts");
        let lines = Arc::new(Mutex::new(Vec::new()));
        let stdout: Box<dyn std::io::Read + Send> =
            Box::new(child.stdout.take().expect("its standard output"));
        let stderr: Box<dyn std::io::Read + Send> =
            Box::new(child.stderr.take().expect("its standard error"));
        // Read to the end, or it would wait for somebody to read.
        let readers = [stdout, stderr]
            .map(|stream| {
                let lines = Arc::clone(&lines);
                thread::spawn(move || {
                    for line in BufReader::new(stream).lines().map_while(Result::ok) {
                        lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
                    }
                })
            })
            .into();
        Running { child, lines, readers }
    }
}

impl Running {
    /// Where it answers; `None` before it is ready.
    #[must_use]
    pub fn url(&self) -> Option<String> {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().find_map(|line| line.strip_prefix("Ready: ").map(|url| url.trim().to_owned()))
    }

    /// Everything it wrote so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).join("\n")
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal, such as `INT`.
    ///
    /// # Panics
    /// When it cannot be sent.
    pub fn signal(&self, name: &str) {
        let sent =
            Command::new("kill").args([&format!("-{name}"), &self.pid().to_string()]).status().expect("kill");
        assert!(sent.success(), "kill -{name}");
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When it does not end within a minute.
    pub fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            if let Some(status) = self.child.try_wait().expect("its status") {
                for reader in self.readers.drain(..) {
                    reader.join().expect("its output was read");
                }
                return status;
            }
            assert!(Instant::now() < deadline, "it does not end:\n{}", self.log());
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            // SIGTERM first, so that its own child goes in order; then whatever is left.
            self.signal("TERM");
            let deadline = Instant::now() + Duration::from_secs(30);
            while Instant::now() < deadline && matches!(self.child.try_wait(), Ok(None)) {
                thread::sleep(Duration::from_millis(20));
            }
            if matches!(self.child.try_wait(), Ok(None)) {
                self.child.kill().expect("it can be killed");
                self.child.wait().expect("it ends");
            }
        }
    }
}

/// Whether a process of this id runs (a zombie does not).
#[must_use]
pub fn is_alive(pid: u32) -> bool {
    let mut status = String::new();
    std::fs::File::open(format!("/proc/{pid}/stat"))
        .and_then(|mut file| file.read_to_string(&mut status))
        .is_ok()
        && !status.rsplit(')').next().unwrap_or_default().trim_start().starts_with('Z')
}

/// The built program.
fn path() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ has a parent");
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        // The whole workspace with a test in it, as in script/test: the same features, so nothing is compiled twice.
        let mut build = Command::new(cargo);
        build
            .current_dir(root)
            .args(["build", "--workspace", "--bin", "mpp", "--test", "e2e"])
            .args(["--message-format", "json-render-diagnostics"])
            .stderr(Stdio::inherit());
        // What cargo tells this test about its package would make build scripts that watch it (ring's) run again, and
        // everything above them compile again.
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
                build.env_remove(&name);
            }
        }
        let built = build.output().expect("cargo runs");
        assert!(built.status.success(), "the program was not built");
        String::from_utf8_lossy(&built.stdout)
            .lines()
            .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
            .filter(|message| message["target"]["name"] == "mpp" && message["target"]["kind"][0] == "bin")
            .find_map(|message| message["executable"].as_str().map(PathBuf::from))
            .expect("cargo says where the program is")
    })
}
