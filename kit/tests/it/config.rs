use std::collections::BTreeMap;

use mpp_kit::config::{ExposeSecret as _, Secret, dump, load, redacted, redacted_url};
use mpp_kit::testing::temp_dir;
use serde::{Deserialize, Serialize};

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    log: String,
    gateway: Gateway,
    redis: Redis,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Gateway {
    port: u16,
    open: bool,
}

impl Default for Gateway {
    fn default() -> Self {
        Self { port: 8080, open: false }
    }
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Redis {
    #[serde(serialize_with = "redacted_url")]
    url: String,
    #[serde(serialize_with = "redacted")]
    password: Secret,
}

fn env(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn load_with(file: Option<&str>, pairs: &[(&str, &str)]) -> Result<Settings, String> {
    let dir = temp_dir();
    let path = dir.path().join("mpp.toml");
    if let Some(text) = file {
        std::fs::write(&path, text).unwrap();
    }
    load::<Settings>(file.map(|_| path.as_path()), env(pairs))
        .map_err(|error| error.to_string().replace(&dir.path().display().to_string(), ""))
}

#[test]
fn the_environment_wins_over_the_file_and_the_file_over_the_default() {
    let defaults = load_with(None, &[("HOME", "/root")]).unwrap();
    assert_eq!(defaults.gateway.port, 8080);
    let file = "log = \"warn\"\n[gateway]\nport = 1\nopen = true\n";
    let settings =
        load_with(Some(file), &[("MPP_GATEWAY__PORT", "2"), ("MPP_REDIS__PASSWORD", "0012")]).unwrap();
    assert_eq!((settings.log.as_str(), settings.gateway.port, settings.gateway.open), ("warn", 2, true));
    assert_eq!(settings.redis.password.expose_secret(), "0012", "text stays text");
    assert!(load_with(None, &[("MPP_GATEWAY__OPEN", "true")]).unwrap().gateway.open);
}

#[test]
fn an_error_names_the_setting_and_where_it_came_from() {
    for (file, pairs, expected) in [
        (
            Some("[gateway]\nport = \"many\""),
            &[][..],
            "setting gateway.port (/mpp.toml): expected an integer, found string \"many\"",
        ),
        (
            None,
            &[("MPP_GATEWAY__PORT", "many")],
            "setting gateway.port (environment variable MPP_GATEWAY__PORT): expected an integer, found string \"many\"",
        ),
        (
            Some("[gateway]\nprot = 1"),
            &[],
            "setting gateway.prot (/mpp.toml): is unknown; expected `port` or `open`",
        ),
        (
            None,
            &[("MPP_GATEWAY__PROT", "1")],
            "setting gateway.prot (environment variable MPP_GATEWAY__PROT): is unknown; expected `port` or `open`",
        ),
        (
            None,
            &[("MPP_GATEWAI", "1")],
            "setting gatewai (environment variable MPP_GATEWAI): is unknown; expected one of `log`, `gateway`, `redis`",
        ),
    ] {
        assert_eq!(load_with(file, pairs).unwrap_err(), expected);
    }
    let syntax = load_with(Some("port = = 1"), &[]).unwrap_err();
    assert!(syntax.starts_with("the settings file /mpp.toml is not valid TOML: "), "{syntax}");
    let missing = load::<Settings>(Some("/nowhere.toml".as_ref()), env(&[])).unwrap_err().to_string();
    assert!(missing.starts_with("cannot read the settings file /nowhere.toml: "), "{missing}");
}

#[test]
fn a_dump_shows_no_secret() {
    let pairs = [("MPP_REDIS__PASSWORD", "hush"), ("MPP_REDIS__URL", "redis://mpp:hush@cache:6379")];
    let text = dump(&load_with(None, &pairs).unwrap()).unwrap();
    assert!(
        text.contains("redis://cache:6379") && text.contains("[redacted]") && !text.contains("hush"),
        "{text}"
    );
}
