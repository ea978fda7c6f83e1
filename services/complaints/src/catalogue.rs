//! What ships with the suite: the deadlines table with the confidence of each source. An installation corrects it by later rows.

use std::collections::BTreeMap;

use anyhow::Context as _;
use chrono::NaiveDate;
use serde::Deserialize;

use crate::domain::DeadlineId;
use crate::domain::deadline::{Confidence, Deadline, Unit};
use crate::domain::language::Language;
use crate::domain::words::{Class, ClockKind, Rung};

const DEADLINES: &str = include_str!("data/deadlines.json");
/// Indonesian first, English, and Banjar, which nobody who speaks it has read yet: it is off.
const LANGUAGES: [&str; 3] = [
    include_str!("data/languages/id.json"),
    include_str!("data/languages/en.json"),
    include_str!("data/languages/bjn.json"),
];
/// The first date of the shipped rows.
const SINCE: (i32, u32, u32) = (2026, 1, 1);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    key: String,
    clock: Option<ClockKind>,
    class: Option<Class>,
    #[serde(default)]
    holder: String,
    value: u32,
    unit: Unit,
    source: String,
    confidence: Confidence,
    note: String,
    #[serde(default)]
    ladder: BTreeMap<String, Rung>,
}

/// The deadlines table as it ships.
///
/// # Errors
/// When the shipped data is damaged.
pub(crate) fn deadlines() -> anyhow::Result<Vec<Deadline>> {
    let rows: Vec<Row> = serde_json::from_str(DEADLINES).context("the shipped deadlines")?;
    let since = NaiveDate::from_ymd_opt(SINCE.0, SINCE.1, SINCE.2).context("a date")?;
    rows.into_iter()
        .map(|row| {
            let ladder = row
                .ladder
                .into_iter()
                .map(|(percent, rung)| Ok((percent.parse().context("a percentage")?, rung)))
                .collect::<anyhow::Result<_>>()?;
            Ok(Deadline {
                id: DeadlineId::generate(),
                key: row.key,
                clock: row.clock,
                class: row.class,
                kind: String::new(),
                holder: row.holder,
                value: row.value,
                unit: row.unit,
                source: row.source,
                confidence: row.confidence,
                note: row.note,
                valid_from: since,
                valid_to: None,
                signed_off_by: None,
                signed_off_at: None,
                ladder,
            })
        })
        .collect()
}

/// The languages that reporters are answered in, as they ship; Indonesian first.
///
/// # Errors
/// When the shipped data is damaged.
pub(crate) fn languages() -> anyhow::Result<Vec<Language>> {
    let languages = LANGUAGES.iter().map(|it| serde_json::from_str::<Language>(it));
    languages.map(|it| Ok(Language { version: 1, ..it.context("a shipped language")? })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c_40_the_table_ships_with_source_and_confidence_of_each_row() {
        let rows = deadlines().unwrap();
        for at in 1..=22 {
            let row = rows.iter().find(|it| it.key == format!("D{at}")).expect("a row");
            assert!(!row.source.is_empty() && row.value > 0, "{}", row.key);
        }
        let clocks = [
            ClockKind::Verify,
            ClockKind::Accept,
            ClockKind::FirstAnswer,
            ClockKind::Settle,
            ClockKind::Reaction,
        ];
        for clock in clocks {
            assert!(rows.iter().any(|it| it.clock == Some(clock) && !it.ladder.is_empty()), "{clock}");
        }
        assert!(rows.iter().all(Deadline::is_unverified), "nobody has vouched for a shipped row");
        let promised = |holder| {
            let of = (Class::Complaint, "", holder);
            let day = NaiveDate::from_ymd_opt(2026, 11, 23).unwrap();
            crate::domain::deadline::choose(&rows, ClockKind::Reaction, of, day).map(|it| (it.value, it.unit))
        };
        assert_eq!(promised(Some("17.07/dinkes")), Some((4, Unit::Hours)));
        assert_eq!(promised(Some("17.07.05")), Some((2, Unit::Hours)), "a camat promises more");
    }

    #[test]
    fn c_35_free_days_and_ramadan_hours_are_data() {
        let calendar = mpp_kit::calendar::national(mpp_kit::zone::TimeZone::Wita).unwrap();
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        assert!(!calendar.is_working_day(day("2026-12-24")) && !calendar.is_working_day(day("2026-08-17")));
        assert_eq!(calendar.periods(day("2026-02-19")).len(), 2);
        assert_eq!(calendar.periods(day("2026-02-19"))[1].to, 900);
        assert_eq!(calendar.periods(day("2026-04-06"))[1].to, 960);
    }
}

#[cfg(test)]
mod language_tests {
    use strum::IntoEnumIterator as _;

    use super::languages as shipped;
    use crate::domain::deadline::Confidence;
    use crate::domain::language::*;
    use crate::domain::words::State;

    fn languages(active: &[&str]) -> Languages {
        let all = shipped().unwrap();
        let first = all.clone();
        let all = all.into_iter().map(|it| Language { active: active.contains(&it.code.as_str()), ..it });
        Languages::new(first, all)
    }

    #[test]
    fn c_65_indonesian_says_everything_and_the_others_with_the_same_gaps() {
        let shipped = shipped().unwrap();
        assert_eq!(shipped.iter().map(|it| it.code.as_str()).collect::<Vec<_>>(), ["id", "en", "bjn"]);
        let first = &shipped[0].phrases;
        for state in State::iter() {
            assert!(first.contains_key(&format!("status.{state}")), "{state}");
        }
        for key in [WHICH_CASE, OFFICE, PURPOSE, "status.RECATEGORISED"] {
            assert!(first.contains_key(key), "{key}");
        }
        assert_eq!(gaps(&first[WHICH_CASE]).into_iter().collect::<Vec<_>>(), ["daftar"]);
        for language in &shipped {
            assert!(is_code(&language.code) && language.phrases.len() == first.len(), "{}", language.code);
            for (key, phrase) in &language.phrases {
                assert_eq!(gaps(phrase), gaps(&first[key]), "{} {key}", language.code);
            }
            for meaning in Meaning::iter() {
                assert!(
                    language.words.get(&meaning).is_some_and(|it| !it.is_empty()),
                    "{} {meaning}",
                    language.code
                );
            }
            assert_eq!(languages(&["id", "en", "bjn"]).ambiguous(language), None, "{}", language.code);
        }
        // What nobody who speaks it has read is off.
        let unread = shipped.iter().filter(|it| it.confidence == Confidence::C);
        assert!(unread.clone().all(|it| !it.active) && unread.count() == 1);
    }

    #[test]
    fn c_65_words_are_understood_in_every_language_that_is_used() {
        let all = languages(&["id", "en", "bjn"]);
        for (text, expected) in [
            ("Sudah.", Some(Meaning::Done)),
            ("  HUDAH  tuntung! ", Some(Meaning::Done)),
            ("balum", Some(Meaning::NotDone)),
            ("Not yet", Some(Meaning::NotDone)),
            ("inggih", Some(Meaning::Yes)),
            ("New report", Some(Meaning::New)),
            ("laporan hanyar", Some(Meaning::New)),
            ("anonymous", Some(Meaning::Anonymous)),
            ("rahasia", Some(Meaning::Secret)),
            ("English", Some(Meaning::Choose)),
            ("bahasa banjar", Some(Meaning::Choose)),
            ("kada", None),
            ("sudah saya laporkan kemarin", None),
            ("", None),
        ] {
            assert_eq!(all.meaning(text).map(|it| it.0), expected, "{text}");
        }
        assert_eq!(all.meaning("banjar"), Some((Meaning::Choose, "bjn")));
        assert_eq!(languages(&["id", "en"]).meaning("hudah tuntung"), None, "a language that is off");
        assert_eq!(
            languages(&[]).meaning("belum"),
            Some((Meaning::NotDone, "id")),
            "Indonesian is never off"
        );
    }

    #[test]
    fn c_65_a_message_shows_its_language_or_does_not() {
        let all = languages(&["id", "en", "bjn"]);
        for (text, expected) in [
            ("The street light near the market is broken", Some("en")),
            ("Ulun handak malapor, lampu kada hidup", Some("bjn")),
            ("Lampu jalan yang di depan pasar sudah tidak menyala", Some("id")),
            ("Lampu mati", None),
            ("", None),
        ] {
            assert_eq!(all.detect(text), expected, "{text}");
        }
        assert_eq!(languages(&["id", "en"]).detect("Ulun handak malapor, lampu kada hidup"), None);
    }

    #[test]
    fn c_65_what_a_language_does_not_say_is_said_in_indonesian() {
        let mut english = shipped().unwrap().remove(1);
        english.phrases.remove("status.NEW");
        let some = Languages::new(vec![shipped().unwrap().remove(0)], [english.clone()]);
        assert_eq!(some.say("en", "status.NEW", &[]), "diterima");
        assert_eq!(some.say("en", "status.SETTLED", &[]), "settled");
        // One that was set up before there was a phrase says it as it ships.
        let upgraded = Languages::new(shipped().unwrap(), [english]);
        assert_eq!(upgraded.say("en", "status.NEW", &[]), "received");
        assert_eq!(
            (upgraded.get("bjn"), upgraded.say("bjn", "status.NEW", &[]).as_str()),
            (None, "diterima")
        );
        assert_eq!(some.say("xx", "status.SETTLED", &[]), "selesai");
        let asked = some.say("en", WHICH_CASE, &[("daftar", "1. ADU-1")]);
        assert!(asked.contains("1. ADU-1") && asked.contains("new report"), "{asked}");
        assert_eq!((some.of("en"), some.of("bjn"), some.of("")), ("en", "id", "id"));
    }

    #[test]
    fn c_65_of_a_form_only_what_differs_from_what_ships_is_kept() {
        let all = Languages::new(shipped().unwrap(), []);
        let mut typed = shipped().unwrap().remove(1);
        typed.phrases.insert("status.NEW".to_owned(), "we have it".to_owned());
        let kept = all.changed(typed.clone());
        assert_eq!(kept.phrases.keys().collect::<Vec<_>>(), ["status.NEW"]);
        assert_eq!(all.said(&kept), typed.phrases);
        let new = Language { code: "jv".to_owned(), ..typed.clone() };
        assert_eq!(all.changed(new).phrases, typed.phrases, "nothing ships in it");
    }

    #[test]
    fn c_65_a_word_means_one_thing() {
        let all = languages(&["id", "en", "bjn"]);
        let mut other = shipped().unwrap().remove(1);
        other.code = "xx".to_owned();
        assert_eq!(
            all.ambiguous(&other).map(|it| it.1),
            Some("en".to_owned()),
            "it is chosen by the words of another"
        );
        other.words.insert(Meaning::Choose, vec!["xx".to_owned()]);
        assert_eq!(all.ambiguous(&other), None);
        other.words.insert(Meaning::Open, vec!["Rahasia".to_owned()]);
        assert_eq!(all.ambiguous(&other), Some(("Rahasia".to_owned(), "bjn".to_owned())));
    }
}
