//! What an operator may set for other systems: `documents.webhooks.`, `documents.oss.`, `documents.sicantik.`.

use std::collections::BTreeMap;

use mpp_kit::config::{ExposeSecret as _, Secret};
use mpp_kit::webhook::WebhooksConfig;
use serde::{Deserialize, Serialize};

use super::{ConfigError, is_http};

/// The account at OSS-RBA, and what OSS presents here.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OssConfig {
    /// Whether calls of OSS are taken and statuses are sent.
    pub enabled: bool,
    /// `https://api-prd.oss.go.id/v1/kl/rba`, or the staging address, without a slash at the end.
    pub base_url: String,
    /// What BKPM gave for the header `user_key`.
    #[serde(serialize_with = "mpp_kit::config::redacted")]
    pub user_key: Secret,
    /// The user name agreed with BKPM for the tokens that OSS presents.
    #[serde(serialize_with = "mpp_kit::config::redacted")]
    pub username: Secret,
    /// Its password.
    #[serde(serialize_with = "mpp_kit::config::redacted")]
    pub password: Secret,
    /// The area of the office that works on licences of OSS, such as `17.07/dpmptsp`. Empty: they are only recorded.
    pub office: String,
    /// `kd_instansi`, at most three characters.
    pub agency_code: String,
    /// How long OSS may take, in seconds, 5 to 120.
    pub timeout_seconds: u32,
}

impl Default for OssConfig {
    fn default() -> Self {
        Self {
            enabled: false,
            base_url: String::new(),
            user_key: Secret::default(),
            username: Secret::default(),
            password: Secret::default(),
            office: String::new(),
            agency_code: String::new(),
            timeout_seconds: 30,
        }
    }
}

/// A report of SiCantik Cloud that is read regularly. Agencies define their own reports, so the fields are mapped here.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SicantikConfig {
    /// The address of the report, such as `https://sicantik.go.id/api/TemplateData/keluaran/1234.json`. Empty for none.
    #[serde(serialize_with = "mpp_kit::config::redacted_url")]
    pub url: String,
    /// Minutes between two readings, 1 to 1440.
    pub every_minutes: u32,
    /// The parameter with the number of the page, from 1.
    pub page_parameter: String,
    /// The parameter with the length of a page.
    pub size_parameter: String,
    /// Rows of a page, 1 to 500.
    pub page_size: u32,
    /// The parameter that rows since a moment are asked by; empty if the report has none and is read whole.
    pub since_parameter: String,
    /// Where the rows lie in an answer, as a JSON pointer.
    pub rows: String,
    /// Where in a row each of our fields lies, as a JSON pointer: `no_permohonan` (needed), `jenis_izin`, `nama`, `nib`,
    /// `nomor_izin`, `status`, `kd_daerah`, `file`, and `changed` (what `since_parameter` compares with).
    pub mapping: BTreeMap<String, String>,
    /// The area of rows that name none, such as `17.07`.
    pub area: String,
}

impl Default for SicantikConfig {
    fn default() -> Self {
        let mapping = [
            ("no_permohonan", "/no_permohonan"),
            ("jenis_izin", "/jenis_izin"),
            ("nama", "/nama"),
            ("status", "/jenis_proses"),
            ("file", "/file_signed_report"),
            ("changed", "/tgl_penetapan"),
        ];
        Self {
            url: String::new(),
            every_minutes: 15,
            page_parameter: "page".to_owned(),
            size_parameter: "per_page".to_owned(),
            page_size: 100,
            since_parameter: String::new(),
            rows: "/data/data".to_owned(),
            mapping: mapping.map(|(field, pointer)| (field.to_owned(), pointer.to_owned())).into(),
            area: String::new(),
        }
    }
}

/// Our fields that a row of SiCantik can fill.
const MAPPED: [&str; 9] =
    ["no_permohonan", "jenis_izin", "nama", "nib", "nomor_izin", "status", "kd_daerah", "file", "changed"];

/// Refuses what cannot work.
pub(super) fn check(
    webhooks: &WebhooksConfig,
    oss: &OssConfig,
    sicantik: &SicantikConfig,
) -> Result<(), ConfigError> {
    for (setting, value, min, max) in [
        ("webhooks.timeout_seconds", webhooks.timeout_seconds, 1, 30),
        ("webhooks.concurrency", webhooks.concurrency, 1, 16),
        ("webhooks.keep_days", webhooks.keep_days, 1, 365),
        ("webhooks.unseen_days", webhooks.unseen_days, 1, 365),
        ("oss.timeout_seconds", oss.timeout_seconds, 5, 120),
        ("sicantik.every_minutes", sicantik.every_minutes, 1, 1440),
        ("sicantik.page_size", sicantik.page_size, 1, 500),
    ] {
        if !(min..=max).contains(&value) {
            let told = format!("setting documents.{setting} is {value}: give a number from {min} to {max}");
            return Err(ConfigError(told));
        }
    }
    let missing = |secret: &Secret| oss.enabled && secret.expose_secret().is_empty();
    let polls = !sicantik.url.is_empty();
    let unknown = sicantik.mapping.keys().find(|field| !MAPPED.contains(&field.as_str()));
    let needed = [
        (!webhooks.ports_are_sound(), "webhooks.allow_ports", "give port numbers, separated by commas"),
        (oss.enabled && !is_http(&oss.base_url), "oss.base_url", "give the address of OSS-RBA"),
        (missing(&oss.user_key), "oss.user_key", "give the key that BKPM issued"),
        (missing(&oss.username), "oss.username", "give the user name agreed with BKPM"),
        (missing(&oss.password), "oss.password", "give the password agreed with BKPM"),
        (oss.agency_code.chars().count() > 3, "oss.agency_code", "give at most three characters"),
        (polls && !is_http(&sicantik.url), "sicantik.url", "give an http:// or https:// address"),
        (
            polls && !sicantik.mapping.contains_key("no_permohonan"),
            "sicantik.mapping",
            "say where no_permohonan lies",
        ),
        (polls && unknown.is_some(), "sicantik.mapping", "it names a field that is not known"),
        (polls && sicantik.area.is_empty(), "sicantik.area", "give the region code of the agency"),
    ];
    match needed.into_iter().find(|(wrong, _, _)| *wrong) {
        Some((_, setting, remedy)) => {
            Err(ConfigError(format!("setting documents.{setting} is not usable: {remedy}")))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_usable_and_wrong_settings_are_named() {
        let all = || (WebhooksConfig::default(), OssConfig::default(), SicantikConfig::default());
        let (webhooks, oss, sicantik) = all();
        assert_eq!(check(&webhooks, &oss, &sicantik), Ok(()));
        type Change = fn(&mut WebhooksConfig, &mut OssConfig, &mut SicantikConfig);
        let cases: [(&str, Change); 7] = [
            ("documents.webhooks.timeout_seconds", |webhooks, _, _| webhooks.timeout_seconds = 31),
            ("documents.webhooks.allow_ports", |webhooks, _, _| webhooks.allow_ports = "https".to_owned()),
            ("documents.oss.base_url", |_, oss, _| oss.enabled = true),
            ("documents.oss.user_key", |_, oss, _| {
                oss.enabled = true;
                oss.base_url = "https://oss.example".to_owned();
            }),
            ("documents.oss.agency_code", |_, oss, _| oss.agency_code = "0033".to_owned()),
            ("documents.sicantik.area", |_, _, sicantik| {
                sicantik.url = "https://sicantik.example/1".to_owned()
            }),
            ("documents.sicantik.mapping", |_, _, sicantik| {
                sicantik.url = "https://sicantik.example/1".to_owned();
                sicantik.mapping.insert("nma".to_owned(), "/nama".to_owned());
            }),
        ];
        for (name, change) in cases {
            let (mut webhooks, mut oss, mut sicantik) = all();
            change(&mut webhooks, &mut oss, &mut sicantik);
            let told = check(&webhooks, &oss, &sicantik).expect_err(name).to_string();
            assert!(told.contains(name), "{told}");
        }
    }
}
