//! The words of the pages in both languages, from the same files that the pages' scripts load.

use std::{collections::HashMap, fmt::Display, ops::Index, sync::LazyLock};

use chrono::{Datelike as _, NaiveDate};
use mpp_kit::fault::Language;

/// Every text of one language by key.
pub(crate) struct Words(HashMap<String, String>);

static INDONESIAN: LazyLock<Words> = LazyLock::new(|| Words::read(include_str!("../../web/i18n/id.json")));
static ENGLISH: LazyLock<Words> = LazyLock::new(|| Words::read(include_str!("../../web/i18n/en.json")));

impl Words {
    /// The words of a language.
    pub(crate) fn of(language: Language) -> &'static Self {
        match language {
            Language::Id => &INDONESIAN,
            Language::En => &ENGLISH,
        }
    }

    fn read(json: &str) -> Self {
        Self(serde_json::from_str(json).expect("the words are part of the program and read by a test"))
    }

    /// A text that may not exist, for keys that come from a service.
    pub(crate) fn find(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// A text with its parameters filled in.
    pub(crate) fn say(&self, key: &str, values: &[(&str, &dyn Display)]) -> String {
        values.iter().fold(self[key].clone(), |text, (name, value)| {
            text.replace(&format!("{{{name}}}"), &value.to_string())
        })
    }
}

impl Index<&str> for Words {
    type Output = String;

    /// # Panics
    /// If there is no such text. A test looks up every key that the templates and this crate use.
    fn index(&self, key: &str) -> &String {
        self.0.get(key).unwrap_or_else(|| panic!("no words for {key:?}"))
    }
}

/// A language as it stands in `lang` attributes, cookies and addresses.
pub(crate) fn code(language: Language) -> &'static str {
    match language {
        Language::Id => "id",
        Language::En => "en",
    }
}

/// The language with this code; `None` for any other text.
pub(crate) fn from_code(code: &str) -> Option<Language> {
    match code {
        "id" => Some(Language::Id),
        "en" => Some(Language::En),
        _ => None,
    }
}

const MONTHS_ID: [&str; 12] = [
    "Januari",
    "Februari",
    "Maret",
    "April",
    "Mei",
    "Juni",
    "Juli",
    "Agustus",
    "September",
    "Oktober",
    "November",
    "Desember",
];
const MONTHS_EN: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// A business date in words, such as "21 November 2026"; what is no date stays as it is.
pub(crate) fn date(text: &str, language: Language) -> String {
    let months = match language {
        Language::Id => MONTHS_ID,
        Language::En => MONTHS_EN,
    };
    NaiveDate::parse_from_str(text, "%Y-%m-%d").map_or_else(
        |_| text.to_owned(),
        |date| format!("{} {} {}", date.day(), months[date.month0() as usize], date.year()),
    )
}

#[cfg(test)]
mod tests {
    use std::{
        collections::{BTreeMap, BTreeSet},
        fs,
        path::{Path, PathBuf},
    };

    use super::*;

    fn web() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("web")
    }

    fn files(folder: PathBuf) -> Vec<(PathBuf, String)> {
        let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let mut found = Vec::new();
        for path in entries.map(|entry| entry.expect("an entry").path()) {
            if path.is_dir() {
                found.extend(files(path));
            } else {
                found.push((path.clone(), fs::read_to_string(&path).expect("text")));
            }
        }
        found
    }

    /// What stands between `open` and `close` in a text, at each place.
    fn between<'t>(text: &'t str, open: &str, close: char) -> Vec<&'t str> {
        text.split(open).skip(1).filter_map(|rest| rest.split(close).next()).collect()
    }

    #[test]
    fn both_languages_say_the_same_things_with_the_same_parameters() {
        let sorted = |words: &Words| -> BTreeMap<String, BTreeSet<String>> {
            let parameters = |text: &str| between(text, "{", '}').into_iter().map(str::to_owned).collect();
            words.0.iter().map(|(key, text)| (key.clone(), parameters(text))).collect()
        };
        assert_eq!(sorted(&INDONESIAN), sorted(&ENGLISH));
        for words in [&INDONESIAN, &ENGLISH] {
            assert!(words.0.values().all(|text| !text.trim().is_empty() && text.trim() == text));
        }
    }

    #[test]
    fn every_key_that_is_used_exists_and_every_text_is_used() {
        let templates = files(web().join("templates"));
        let scripts = files(web().join("js"));
        let own = files(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/web"));
        for (path, text) in &templates {
            for key in between(text, "p.t[\"", '"') {
                assert!(INDONESIAN.0.contains_key(key), "{} uses {key:?}", path.display());
            }
        }
        for (path, text) in &scripts {
            for key in between(text, " t(\"", '"').into_iter().chain(between(text, "(t(\"", '"')) {
                assert!(INDONESIAN.0.contains_key(key), "{} uses {key:?}", path.display());
            }
        }
        let all: String =
            templates.iter().chain(&scripts).chain(&own).map(|(_, text)| text.as_str()).collect();
        // Keys that are put together at run time: the part before the last dot is what a search finds.
        let composed = [
            "need.",
            "desk.",
            "ticket.headline.",
            "ticket.detail.",
            "ticket.live.",
            "ticket.state.",
            "control.",
            "pause.",
            "zone.",
            "error.",
            "person.",
            "role.",
            "step.",
            "state.",
            "happened.",
            "verify.state.",
            "verdict.",
            "draft.state.",
            "class.",
            "secrecy.",
            "report.",
            "case.",
            "stage.",
            "channel.",
            "scan.",
            "by.",
            "said.",
            "act.",
            "field.",
            "why.",
            "rung.",
            "delivery.",
            "verb.",
            "told.",
            "measure.",
            "counted.",
            "reported.",
            "rules.",
            "rule.",
            "yes.",
            "unit.",
            "confidence.",
            "acting.",
            "kind.",
            "sentby.",
            "language.",
            "variant.",
            "track.nothing.",
            "counts.",
            "meaning.",
            "void.",
            "evidence.",
            "sp4n.",
            "quietrole.",
            "tz.",
            "delivery_rules.",
        ];
        for key in INDONESIAN.0.keys() {
            let found =
                all.contains(&format!("\"{key}\"")) || composed.iter().any(|prefix| key.starts_with(prefix));
            assert!(found, "nobody says {key:?}");
        }
    }

    #[test]
    fn fills_in_parameters_and_writes_dates() {
        assert_eq!(
            Words::of(Language::Id).say("ticket.headline.called", &[("counter", &"3")]),
            "Silakan menuju loket 3"
        );
        assert_eq!(date("2026-08-17", Language::Id), "17 Agustus 2026");
        assert_eq!(date("2026-08-17", Language::En), "17 August 2026");
        assert_eq!(date("", Language::Id), "");
    }
}
