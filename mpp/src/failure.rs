//! Why the process cannot do what it was asked: one sentence for the operator, and an exit code for their scripts.

use std::fmt;
use std::process::ExitCode;

/// Exit codes, as `sysexits.h` numbers them, so that a supervisor can tell a typo from an outage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// A wrong argument or setting: repeating it cannot help.
    Usage,
    /// The input of a command was refused.
    Data,
    /// Something the suite needs is not there: a port, a server, a database. May help later.
    Unavailable,
    /// A part of the suite failed while it ran.
    Software,
    /// A file or directory cannot be written.
    CannotCreate,
}

impl Exit {
    /// The number.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Usage => 64,
            Self::Data => 65,
            Self::Unavailable => 69,
            Self::Software => 70,
            Self::CannotCreate => 73,
        }
    }
}

/// A refusal to start, or an end that was not asked for.
#[derive(Debug)]
pub struct Failure {
    exit: Exit,
    sentence: String,
}

impl Failure {
    /// A failure. `sentence` names the setting and the remedy.
    #[must_use]
    pub fn new(exit: Exit, sentence: impl Into<String>) -> Self {
        Self { exit, sentence: sentence.into() }
    }

    /// A failure whose cause adds what the sentence cannot know, on the same line.
    #[must_use]
    pub fn because(exit: Exit, sentence: impl fmt::Display, cause: &anyhow::Error) -> Self {
        Self::new(exit, format!("{sentence}: {}", chain(cause)))
    }

    /// The exit code.
    #[must_use]
    pub const fn exit(&self) -> Exit {
        self.exit
    }
}

/// An error and its causes in one line. Many errors print their cause themselves; those are not said twice.
fn chain(error: &anyhow::Error) -> String {
    let mut out = String::new();
    for cause in error.chain() {
        let text = cause.to_string();
        if !out.contains(text.trim_end_matches('.')) {
            if !out.is_empty() {
                out.push_str(": ");
            }
            out.push_str(text.trim());
        }
    }
    out.replace('\n', " ")
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl std::error::Error for Failure {}

impl From<&Failure> for ExitCode {
    fn from(failure: &Failure) -> Self {
        Self::from(failure.exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_said_once_and_on_one_line() {
        let cause = anyhow::anyhow!("no route\nto host")
            .context("cannot connect")
            .context("database: cannot connect");
        let failure = Failure::because(Exit::Unavailable, "database.url", &cause);
        assert_eq!(failure.to_string(), "database.url: database: cannot connect: no route to host");
        assert_eq!(failure.exit().code(), 69);
    }
}
