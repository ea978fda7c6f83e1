//! The languages that reporters are answered in: what is said, and which words of theirs are understood.
//!
//! A language is data. Indonesian is always there, and what another language does not say is said in it. Words are understood
//! in every language that is used, whatever somebody is answered in: who reads Indonesian may still say *hudah*.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString};

use super::deadline::Confidence;

/// The language that is always there.
pub const INDONESIAN: &str = "id";
/// The question which case is meant. Gap: `daftar`.
pub const WHICH_CASE: &str = "which_case";
/// An officer to whom an identity was shown, without a name.
pub const OFFICE: &str = "office";
/// What an identity was shown for.
pub const PURPOSE: &str = "purpose";
/// So many words that are typical of a language, each once, tell that a message is in it.
const TELLING: usize = 2;

/// What a message means that says nothing else.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Display, EnumString, EnumIter, Serialize, Deserialize,
)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Meaning {
    /// This language, please.
    Choose,
    /// Yes: the one case that was offered.
    Yes,
    /// A new report.
    New,
    /// Sudah.
    Done,
    /// Belum.
    NotDone,
    /// Biasa.
    Open,
    /// Anonim.
    Anonymous,
    /// Rahasia.
    Secret,
    /// Nothing by itself: the language is recognised by it.
    Typical,
}

/// A language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Language {
    /// Its code of ISO 639: `bjn`.
    pub code: String,
    /// What its speakers call it.
    pub name: String,
    /// Its version, from 1.
    #[serde(default)]
    pub version: u32,
    /// Whether it is used.
    pub active: bool,
    /// How sure it is that its words are right.
    pub confidence: Confidence,
    /// Where they are from, or who has confirmed them.
    pub source: String,
    /// What is said.
    pub phrases: BTreeMap<String, String>,
    /// What is understood.
    pub words: BTreeMap<Meaning, Vec<String>>,
}

/// Whether this is a code of ISO 639.
#[must_use]
pub fn is_code(text: &str) -> bool {
    (2..=3).contains(&text.len()) && text.bytes().all(|it| it.is_ascii_lowercase())
}

/// The names of the gaps of a phrase.
#[must_use]
pub fn gaps(phrase: &str) -> BTreeSet<&str> {
    phrase.split('{').skip(1).filter_map(|it| it.split_once('}')).map(|(name, _)| name).collect()
}

/// A message as words are compared: without capitals, ends and needless spaces.
#[must_use]
pub fn plain(text: &str) -> String {
    let text = text.trim().trim_end_matches(['.', '!', '?']).to_lowercase();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The languages of an installation, each in its newest version.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Languages {
    all: BTreeMap<String, Language>,
    /// What each says as it ships, for what the installation's own does not say: it may be older than a phrase.
    shipped: BTreeMap<String, BTreeMap<String, String>>,
    /// What Indonesian says as it ships: all there is to say.
    first: BTreeMap<String, String>,
}

impl Languages {
    /// The languages of an installation, above those that ship. Indonesian is always there; of the others only what an
    /// installation has is one of its languages.
    #[must_use]
    pub fn new(shipped: Vec<Language>, languages: impl IntoIterator<Item = Language>) -> Self {
        let phrases =
            shipped.iter().map(|it| (it.code.clone(), it.phrases.clone())).collect::<BTreeMap<_, _>>();
        let first = phrases.get(INDONESIAN).cloned().unwrap_or_default();
        let indonesian = shipped.into_iter().filter(|it| it.code == INDONESIAN);
        let all = indonesian.chain(languages).map(|it| (it.code.clone(), it)).collect();
        Self { all, shipped: phrases, first }
    }

    /// What can be said, each with its gaps.
    #[must_use]
    pub fn phrases(&self) -> &BTreeMap<String, String> {
        &self.first
    }

    /// What a language says: its own phrases, and what ships in it beside them.
    #[must_use]
    pub fn said(&self, language: &Language) -> BTreeMap<String, String> {
        let mut said = self.shipped.get(&language.code).cloned().unwrap_or_default();
        said.extend(language.phrases.clone());
        said
    }

    /// A language without what it says as it ships: a form shows all that is said, and what nobody changed in it goes on to
    /// follow what ships.
    #[must_use]
    pub fn changed(&self, language: Language) -> Language {
        let shipped = self.shipped.get(&language.code);
        let ships = |key: &str, phrase: &str| {
            shipped.and_then(|it| it.get(key)).is_some_and(|it| it.trim() == phrase.trim())
        };
        let phrases = language.phrases.into_iter().filter(|(key, phrase)| !ships(key, phrase)).collect();
        Language { phrases, ..language }
    }

    /// All of them, by code.
    pub fn all(&self) -> impl Iterator<Item = &Language> {
        self.all.values()
    }

    /// The one with this code.
    #[must_use]
    pub fn get(&self, code: &str) -> Option<&Language> {
        self.all.get(code)
    }

    /// Whether somebody may be answered in it.
    #[must_use]
    pub fn is_active(&self, code: &str) -> bool {
        code == INDONESIAN || self.all.get(code).is_some_and(|it| it.active)
    }

    /// The language that somebody is answered in who asked for this one.
    #[must_use]
    pub fn of<'a>(&self, asked: &'a str) -> &'a str {
        if self.is_active(asked) { asked } else { INDONESIAN }
    }

    fn used(&self) -> impl Iterator<Item = &Language> {
        self.all.values().filter(|it| it.active || it.code == INDONESIAN)
    }

    /// What a message means that is nothing but one word or two, and in which language.
    #[must_use]
    pub fn meaning(&self, text: &str) -> Option<(Meaning, &str)> {
        let said = plain(text);
        let mut found = self.used().flat_map(|language| {
            language.words.iter().map(move |(meaning, words)| (*meaning, language.code.as_str(), words))
        });
        found
            .find(|(meaning, _, words)| {
                *meaning != Meaning::Typical && words.iter().any(|it| plain(it) == said)
            })
            .map(|(meaning, code, _)| (meaning, code))
    }

    /// The language that a message is in, if it shows: more of its typical words stand in it than of any other.
    #[must_use]
    pub fn detect(&self, text: &str) -> Option<&str> {
        let text = text.to_lowercase();
        let said: BTreeSet<&str> = text.split(|it: char| !it.is_alphanumeric()).collect();
        let mut found: Vec<(usize, &str)> = self
            .used()
            .map(|it| {
                let typical = it.words.get(&Meaning::Typical).into_iter().flatten();
                (typical.filter(|word| said.contains(word.as_str())).count(), it.code.as_str())
            })
            .collect();
        found.sort_by_key(|it| std::cmp::Reverse(it.0));
        let (most, code) = *found.first()?;
        let next = found.get(1).map_or(0, |it| it.0);
        (most >= TELLING && most > next).then_some(code)
    }

    /// What is said in a language, its gaps filled; in Indonesian where it has no words for it.
    #[must_use]
    pub fn say(&self, code: &str, key: &str, values: &[(&str, &str)]) -> String {
        let of = |code: &str| {
            let own = self.all.get(code).and_then(|it| it.phrases.get(key));
            own.or_else(|| self.shipped.get(code).and_then(|it| it.get(key)))
        };
        let asked = if self.is_active(code) { of(code) } else { None };
        let phrase = asked.or_else(|| of(INDONESIAN)).map_or("", String::as_str);
        let fill = |text: String, (name, value): &(&str, &str)| text.replace(&format!("{{{name}}}"), value);
        values.iter().fold(phrase.to_owned(), fill)
    }

    /// A word of this language that means something else in another one that is used, with that language.
    #[must_use]
    pub fn ambiguous(&self, language: &Language) -> Option<(String, String)> {
        let others = self.used().filter(|it| it.code != language.code).chain([language]);
        let mut known = BTreeMap::new();
        for other in others {
            for (meaning, words) in other.words.iter().filter(|(meaning, _)| **meaning != Meaning::Typical) {
                // Two languages that are chosen by one word would be no choice.
                let told = if *meaning == Meaning::Choose { other.code.clone() } else { meaning.to_string() };
                for word in words {
                    let (before, of) = known
                        .entry(plain(word))
                        .or_insert_with(|| (told.clone(), other.code.clone()))
                        .clone();
                    if before != told {
                        return Some((word.clone(), of));
                    }
                }
            }
        }
        None
    }
}
