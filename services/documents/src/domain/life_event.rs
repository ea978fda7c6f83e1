//! Life events: from "Anak saya lahir" to what one needs, in at most two choices.

use serde::{Deserialize, Serialize};

use super::text::Text;

/// Something that happens in a life, with the services it calls for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LifeEvent {
    /// Short code, unique.
    pub key: String,
    /// As a citizen would say it.
    pub title: Text,
    /// The second choice: which case it is. One case without a question needs no second choice.
    pub cases: Vec<Case>,
}

/// One case of a life event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// Short code, unique within its event.
    pub key: String,
    /// Which case this is.
    pub title: Text,
    /// Keys of letter types to apply for here, in the order in which they are needed.
    #[serde(default)]
    pub letters: Vec<String>,
    /// What other agencies give, and what they ask for.
    #[serde(default)]
    pub elsewhere: Vec<Elsewhere>,
}

/// A service of another agency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Elsewhere {
    /// Who gives it.
    pub agency: String,
    /// What it is.
    pub service: String,
    /// What to bring.
    pub requirements: Vec<String>,
}

/// What is wrong with the events taken together: codes that stand twice, letters that are not in the catalogue, cases
/// that lead nowhere.
#[must_use]
pub fn defects(events: &[LifeEvent], knows_letter: impl Fn(&str) -> bool) -> Vec<String> {
    let mut defects = Vec::new();
    for (at, event) in events.iter().enumerate() {
        if events[..at].iter().any(|other| other.key == event.key) {
            defects.push(format!("{}: key stands twice", event.key));
        }
        if event.cases.is_empty() {
            defects.push(format!("{}: no case", event.key));
        }
        for (nth, case) in event.cases.iter().enumerate() {
            let name = format!("{}/{}", event.key, case.key);
            if event.cases[..nth].iter().any(|other| other.key == case.key) {
                defects.push(format!("{name}: key stands twice"));
            }
            if case.letters.is_empty() && case.elsewhere.is_empty() {
                defects.push(format!("{name}: leads nowhere"));
            }
            for letter in case.letters.iter().filter(|letter| !knows_letter(letter)) {
                defects.push(format!("{name}: {letter} is not in the catalogue"));
            }
            for other in case.elsewhere.iter().filter(|it| it.requirements.is_empty()) {
                defects.push(format!("{name}: {} has no requirements", other.service));
            }
        }
    }
    defects
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(key: &str, letters: &[&str]) -> Case {
        Case {
            key: key.to_owned(),
            title: Text::new("kasus", "case"),
            letters: letters.iter().map(ToString::to_string).collect(),
            elsewhere: Vec::new(),
        }
    }

    #[test]
    fn each_defect_is_named() {
        let event = |key: &str, cases| LifeEvent { key: key.to_owned(), title: Text::default(), cases };
        let events = [
            event("birth", vec![case("home", &["kelahiran"]), case("home", &["unknown"])]),
            event("birth", vec![]),
            event("move", vec![case("away", &[])]),
        ];
        assert_eq!(
            defects(&events, |key| key == "kelahiran"),
            [
                "birth/home: key stands twice",
                "birth/home: unknown is not in the catalogue",
                "birth: key stands twice",
                "birth: no case",
                "move/away: leads nowhere",
            ]
        );
    }
}
