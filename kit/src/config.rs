//! Settings: defaults in code, then a TOML file, then the environment (`MPP_A__B=x` sets `a.b`). A setting that nobody
//! knows is refused, so that a typing error cannot go unnoticed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use config::{Config, Environment, File, FileFormat};
use serde::de::DeserializeOwned;
use serde::{Serialize, Serializer};
use thiserror::Error;

pub use secrecy::{ExposeSecret, SecretString as Secret};

/// The prefix of environment variables that are settings.
pub const PREFIX: &str = "MPP";

/// Why settings cannot be used, in one sentence for the person who wrote them.
#[derive(Debug, Error)]
pub enum SettingsError {
    /// The file cannot be read.
    #[error("cannot read the settings file {path}: {source}")]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is no TOML.
    #[error("the settings file {path} is not valid TOML: {reason}")]
    Syntax {
        /// Which file.
        path: PathBuf,
        /// Where and why.
        reason: String,
    },
    /// A setting is unknown, missing or of the wrong kind.
    #[error("setting {setting} ({origin}): {reason}")]
    Setting {
        /// Its path, such as `redis.url`.
        setting: String,
        /// The file or environment variable it came from.
        origin: String,
        /// What is wrong.
        reason: String,
    },
}

/// Reads settings. `env` is the environment, of which only `MPP_*` counts; give it without variables that are no
/// settings, such as `MPP_CONFIG`.
///
/// # Errors
/// [`SettingsError`].
pub fn load<T: DeserializeOwned>(
    file: Option<&Path>,
    env: BTreeMap<String, String>,
) -> Result<T, SettingsError> {
    let mut builder = Config::builder();
    if let Some(path) = file {
        let text = std::fs::read_to_string(path)
            .map_err(|source| SettingsError::Unreadable { path: path.to_owned(), source })?;
        // Parsed on its own first: only here is it known that an error is about the file's syntax.
        Config::builder().add_source(File::from_str(&text, FileFormat::Toml)).build().map_err(|error| {
            SettingsError::Syntax { path: path.to_owned(), reason: one_line(&error.to_string()) }
        })?;
        builder = builder.add_source(File::from_str(&text, FileFormat::Toml));
    }
    // Values stay text and are read as what the setting is; a guess would turn the password 0012 into 12.
    let environment = Environment::with_prefix(PREFIX)
        .prefix_separator("_")
        .separator("__")
        .source(Some(env.clone().into_iter().collect()));
    let settings = builder.add_source(environment).build().map_err(|error| explain(&error, file, &env))?;
    settings.try_deserialize().map_err(|error| explain(&error, file, &env))
}

/// The settings as JSON for the log and for `--print-config`. Secrets must be marked with [`redacted`].
///
/// # Errors
/// When `settings` cannot be JSON.
pub fn dump(settings: &impl Serialize) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(settings)
}

/// For `#[serde(serialize_with = "mpp_kit::config::redacted")]` on a [`Secret`].
///
/// # Errors
/// As reported by the serializer.
pub fn redacted<S: Serializer>(_: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str("[redacted]")
}

/// As [`redacted`], for a secret that may be missing.
///
/// # Errors
/// As reported by the serializer.
pub fn redacted_option<S: Serializer>(secret: &Option<Secret>, serializer: S) -> Result<S::Ok, S::Error> {
    match secret {
        Some(secret) => redacted(secret, serializer),
        None => serializer.serialize_none(),
    }
}

/// As [`redacted`], for a URL: only user, password and parameters are hidden.
///
/// # Errors
/// As reported by the serializer.
pub fn redacted_url<S: Serializer>(url: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&crate::db::redacted(url))
}

fn explain(
    error: &config::ConfigError,
    file: Option<&Path>,
    env: &BTreeMap<String, String>,
) -> SettingsError {
    let (setting, reason) = locate(error);
    let mut origin = "no file given".to_owned();
    if let Some(path) = file {
        origin = path.display().to_string();
    }
    // The environment wins over the file, so what is set there is what was found wrong.
    let variable = env.keys().find(|name| is_variable_of(name, &setting));
    if let Some(variable) = variable {
        origin = format!("environment variable {variable}");
    }
    SettingsError::Setting { setting, origin, reason }
}

/// The path of the setting and what is wrong with it.
fn locate(error: &config::ConfigError) -> (String, String) {
    use config::ConfigError::{At, Message, NotFound, Type};
    if let At { error, key, .. } = error {
        let (inner, reason) = locate(error);
        let path = key.clone().unwrap_or_default();
        let said = inner.is_empty() || path == inner || path.ends_with(&format!(".{inner}"));
        (if said { path } else { join(&path, &inner) }, reason)
    } else if let Type { key, unexpected, expected, .. } = error {
        (key.clone().unwrap_or_default(), format!("expected {expected}, found {unexpected}"))
    } else if let NotFound(key) = error {
        (key.clone(), "is missing".to_owned())
    } else if let Message(text) = error {
        unknown_field(text)
    } else {
        (String::new(), one_line(&error.to_string()))
    }
}

/// serde says: unknown field `x`, expected one of `a`, `b`.
fn unknown_field(text: &str) -> (String, String) {
    let name = text.strip_prefix("unknown field `").and_then(|rest| rest.split('`').next());
    match name {
        Some(name) => {
            (name.to_owned(), format!("is unknown; {}", text.split_once(", ").map_or("", |(_, known)| known)))
        }
        None => (String::new(), one_line(text)),
    }
}

fn join(path: &str, inner: &str) -> String {
    if path.is_empty() { inner.to_owned() } else { format!("{path}.{inner}") }
}

fn is_variable_of(variable: &str, setting: &str) -> bool {
    let name = variable.strip_prefix(PREFIX).and_then(|rest| rest.strip_prefix('_')).unwrap_or_default();
    let name = name.to_ascii_lowercase().replace("__", ".");
    !name.is_empty()
        && !setting.is_empty()
        && (name == setting
            || setting.ends_with(&format!(".{name}"))
            || name.ends_with(&format!(".{setting}")))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
