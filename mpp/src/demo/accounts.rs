//! `demo-accounts.json`: what a person or a program needs to sign in to a demo suite.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use rand::RngExt as _;
use serde::{Deserialize, Serialize};

/// The name of the file in the data directory.
pub const FILE: &str = "demo-accounts.json";

/// The file. Its form is a public contract; only the owner of the data directory can read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DemoAccounts {
    /// Where the suite answers, without a slash at the end.
    pub base_url: String,
    /// The demo halls.
    pub halls: Vec<HallRef>,
    /// Staff accounts.
    pub accounts: Vec<Account>,
    /// Enrolled devices.
    pub devices: Vec<Device>,
    /// The key that may file reports by Open311; empty where an operator has set keys.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub open311_api_key: String,
}

/// A hall by id and code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HallRef {
    /// Prefixed id.
    pub id: String,
    /// Its code.
    pub code: String,
}

/// A staff account. Bounds that are empty bind nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// The name typed at sign-in.
    pub username: String,
    /// Its password.
    pub password: String,
    /// Role in lower case with underscores, such as `hall_manager`.
    pub role: String,
    /// Id of the hall it is bound to.
    pub hall: String,
    /// Id of the agency it is bound to.
    pub agency: String,
    /// Ids of the counters it is bound to.
    pub counters: Vec<String>,
    /// The area it is bound to, for those who work on letters.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub area: String,
    /// The passphrase of its certificate at the signing simulator, for those who sign.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub passphrase: String,
}

/// An enrolled device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Device {
    /// `kiosk` or `board`.
    pub kind: String,
    /// Id of the hall it stands in.
    pub hall: String,
    /// Its key.
    pub key: String,
}

impl DemoAccounts {
    /// Reads the file; `None` when there is none.
    ///
    /// # Errors
    /// When it cannot be read or is not in the form above.
    pub fn read(path: &Path) -> anyhow::Result<Option<Self>> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        };
        serde_json::from_str(&text)
            .map(Some)
            .with_context(|| format!("{} is not a file of demo accounts", path.display()))
    }

    /// Writes the file at once or not at all, readable by its owner only.
    ///
    /// # Errors
    /// When the directory cannot be written.
    pub fn write(&self, path: &Path) -> anyhow::Result<()> {
        let beside = path.with_extension("json.new");
        let written = write_private(&beside, &serde_json::to_vec_pretty(self)?)
            .and_then(|()| fs::rename(&beside, path))
            .with_context(|| format!("cannot write {}", path.display()));
        if written.is_err() && beside.exists() {
            fs::remove_file(&beside).with_context(|| format!("cannot remove {}", beside.display()))?;
        }
        written
    }

    /// The first account with a role.
    #[must_use]
    pub fn with_role(&self, role: &str) -> Option<&Account> {
        self.accounts.iter().find(|account| account.role == role)
    }
}

fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.write_all(b"\n")?;
    file.sync_all()
}

/// The file with the key of the demo for Open311.
const OPEN311_FILE: &str = "open311-demo.key";

/// The demo's key for Open311, if this data directory has one.
///
/// # Errors
/// When the file cannot be read.
pub fn open311_key(data: &Path) -> anyhow::Result<String> {
    let path = data.join(OPEN311_FILE);
    match fs::read_to_string(&path) {
        Ok(key) => Ok(key.trim().to_owned()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// The demo's key for Open311; made when there is none yet.
///
/// # Errors
/// When the file cannot be read or written.
pub fn open311_key_or_new(data: &Path) -> anyhow::Result<String> {
    let known = open311_key(data)?;
    if !known.is_empty() {
        return Ok(known);
    }
    let (path, key) = (data.join(OPEN311_FILE), password());
    write_private(&path, key.as_bytes()).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(key)
}

/// Where the file of a data directory stands.
#[must_use]
pub fn path_in(data: &Path) -> PathBuf {
    data.join(FILE)
}

const WORDS: [&str; 64] = [
    "angin",
    "awan",
    "bakau",
    "bambu",
    "bayam",
    "beras",
    "bintang",
    "bukit",
    "bunga",
    "burung",
    "cemara",
    "cengkih",
    "dahan",
    "danau",
    "daun",
    "delima",
    "dermaga",
    "embun",
    "fajar",
    "gandum",
    "gelombang",
    "gunung",
    "hujan",
    "hutan",
    "ikan",
    "jagung",
    "jambu",
    "jati",
    "kapas",
    "karang",
    "kayu",
    "kelapa",
    "kemiri",
    "kenanga",
    "kolam",
    "kopi",
    "ladang",
    "langit",
    "laut",
    "lebah",
    "lembah",
    "lontar",
    "mangga",
    "mawar",
    "melati",
    "nanas",
    "nelayan",
    "nipah",
    "ombak",
    "padi",
    "pala",
    "pantai",
    "pelangi",
    "pinus",
    "rotan",
    "sagu",
    "salak",
    "samudra",
    "sawah",
    "sungai",
    "tebing",
    "telaga",
    "ubi",
    "waduk",
];

/// A readable password of at least 20 characters: four words and four digits, about 37 bits. Enough for a demo whose
/// accounts lock softly; never used for a real installation.
#[must_use]
pub fn password() -> String {
    let mut rng = rand::rng();
    let words: Vec<&str> = (0..4).map(|_| WORDS[rng.random_range(0..WORDS.len())]).collect();
    format!("{}-{:04}", words.join("-"), rng.random_range(0..10_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> DemoAccounts {
        DemoAccounts {
            base_url: "http://localhost:8080".into(),
            halls: vec![HallRef { id: "hal_1".into(), code: "MPP".into() }],
            accounts: vec![Account {
                username: "dukcapil.1".into(),
                password: password(),
                role: "counter".into(),
                hall: "hal_1".into(),
                agency: "agc_1".into(),
                counters: vec!["ctr_1".into()],
                area: String::new(),
                passphrase: String::new(),
            }],
            devices: vec![Device { kind: "kiosk".into(), hall: "hal_1".into(), key: "k".into() }],
            open311_api_key: "kunci-demo".into(),
        }
    }

    #[test]
    fn the_file_has_the_published_form() {
        let json = serde_json::to_value(sample()).unwrap();
        let keys = |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(keys(&json), ["baseUrl", "halls", "accounts", "devices", "open311ApiKey"]);
        assert_eq!(keys(&json["halls"][0]), ["id", "code"]);
        assert_eq!(
            keys(&json["accounts"][0]),
            ["username", "password", "role", "hall", "agency", "counters"]
        );
        assert_eq!(keys(&json["devices"][0]), ["kind", "hall", "key"]);
    }

    #[test]
    fn passwords_are_long_enough_and_differ() {
        let some: std::collections::BTreeSet<String> = (0..200).map(|_| password()).collect();
        assert_eq!(some.len(), 200);
        assert!(some.iter().all(|password| password.len() >= 12));
    }

    #[cfg(unix)]
    #[test]
    fn the_file_is_private_and_replaced_whole() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = std::env::temp_dir().join(format!("mpp-demo-accounts-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let path = path_in(&directory);
        assert_eq!(DemoAccounts::read(&path).unwrap(), None);
        let mut accounts = sample();
        accounts.write(&path).unwrap();
        accounts.base_url = "http://localhost:9090".into();
        accounts.write(&path).unwrap();
        assert_eq!(DemoAccounts::read(&path).unwrap(), Some(accounts));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 1);
        fs::remove_dir_all(&directory).unwrap();
    }
}
