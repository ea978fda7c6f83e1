//! Which case a message of a chat belongs to.
//!
//! A citizen may have several open cases, and a chat has no subject line. So somebody with open cases is asked which one
//! they mean, or whether it is a new one; who does not answer within ten minutes gets a new case, because what was said
//! must not wait for an answer. Pure: the time and what is open are arguments.

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::language::{Meaning, plain};

/// How long an answer is waited for.
pub const PATIENCE: TimeDelta = TimeDelta::minutes(10);
/// How many cases are offered: a list message of `WhatsApp` has ten rows, one of which is *new*.
pub const MAX_OFFERED: usize = 9;
/// The choice that stands for a new case.
pub const NEW: &str = "case:new";

/// What is known of a chat before a message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// The sender's open cases by id, the one with the latest activity first.
    pub open: Vec<String>,
    /// The question that was asked and not answered yet.
    pub question: Option<Question>,
    /// The case that the last message went to, and when.
    pub last: Option<(String, DateTime<Utc>)>,
}

/// A question to the sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The cases offered, in this order.
    pub offered: Vec<String>,
    /// When it was asked.
    pub asked_at: DateTime<Utc>,
}

/// A message, as far as its place depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message<'a> {
    /// Its words.
    pub text: &'a str,
    /// What they mean, if they are nothing else.
    pub says: Option<Meaning>,
    /// The button pressed.
    pub choice: Option<&'a str>,
    /// The case of the message it quotes, if it quotes one of a case.
    pub quotes: Option<&'a str>,
}

/// What happens with a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// It belongs to this case, and so does everything that waits.
    Case(String),
    /// It and everything that waits is a new case.
    New,
    /// It waits, and the sender is asked which of these it is about.
    Ask(Vec<String>),
    /// It waits for the answer to the question that was asked already.
    Wait,
    /// It is the answer, and nothing else: what waits goes to this case, or to a new one if there is none.
    Answer(Option<String>),
    /// It is an answer to a question of long ago, and nothing waits: there is nothing to do.
    Nothing,
}

/// Places a message that came at `now`.
#[must_use]
pub fn place(known: &Known, message: Message<'_>, now: DateTime<Utc>) -> Place {
    let is_open = |case: &str| known.open.iter().any(|open| open == case);
    if let Some(question) = &known.question {
        if let Some(answer) = answer(question, message) {
            return Place::Answer(answer.filter(|case| is_open(case)));
        }
        if let Some(quoted) = message.quotes.filter(|case| is_open(case)) {
            return Place::Case(quoted.to_owned());
        }
        return if is_over(question, now) { Place::New } else { Place::Wait };
    }
    if message.choice.is_some_and(|choice| choice.starts_with("case:")) {
        return Place::Nothing;
    }
    if let Some(quoted) = message.quotes.filter(|case| is_open(case)) {
        return Place::Case(quoted.to_owned());
    }
    // Who has just written on a case and goes on writing is not asked again with each photo.
    if let Some((case, at)) = &known.last
        && is_open(case)
        && now - *at < PATIENCE
    {
        return Place::Case(case.clone());
    }
    if known.open.is_empty() {
        Place::New
    } else {
        Place::Ask(known.open.iter().take(MAX_OFFERED).cloned().collect())
    }
}

/// Whether what waits for this question becomes a new case.
#[must_use]
pub fn is_over(question: &Question, now: DateTime<Utc>) -> bool {
    now - question.asked_at >= PATIENCE
}

/// The id of the button that stands for a case.
#[must_use]
pub fn button(case: &str) -> String {
    format!("case:{case}")
}

/// The case that a button stands for, if it stands for one.
#[must_use]
pub fn chosen(choice: &str) -> Option<&str> {
    choice.strip_prefix("case:").filter(|_| choice != NEW)
}

/// The answer to a question: a button, the number of a row, or the word for *new*. Within, `None` is a new case.
fn answer(question: &Question, message: Message<'_>) -> Option<Option<String>> {
    if let Some(choice) = message.choice {
        if choice == NEW {
            return Some(None);
        }
        let case = choice.strip_prefix("case:")?;
        return question.offered.iter().find(|offered| *offered == case).map(|it| Some(it.clone()));
    }
    match message.says {
        Some(Meaning::New) => return Some(None),
        Some(Meaning::Yes) if question.offered.len() == 1 => return Some(question.offered.first().cloned()),
        Some(_) | None => {}
    }
    // The row of a new case is 0.
    let number: usize = plain(message.text).parse().ok()?;
    if number == 0 {
        return Some(None);
    }
    question.offered.get(number.checked_sub(1)?).map(|it| Some(it.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_757_810_000, 0).unwrap()
    }

    fn open(cases: &[&str]) -> Vec<String> {
        cases.iter().map(|it| (*it).to_owned()).collect()
    }

    fn says(text: &str) -> Message<'_> {
        let says = match text {
            "Baru" => Some(Meaning::New),
            "Ya" | "ya" => Some(Meaning::Yes),
            _ => None,
        };
        Message { text, says, choice: None, quotes: None }
    }

    fn asked(cases: &[&str], ago: TimeDelta) -> Known {
        let question = Question { offered: open(cases), asked_at: now() - ago };
        Known { open: open(cases), question: Some(question), last: None }
    }

    #[test]
    fn c_05_who_has_no_open_case_gets_a_new_one() {
        assert_eq!(place(&Known::default(), says("Lampu mati"), now()), Place::New);
    }

    #[test]
    fn c_05_who_has_open_cases_is_asked_once() {
        let known = Known { open: open(&["a", "b"]), ..Known::default() };
        assert_eq!(place(&known, says("Lampu mati"), now()), Place::Ask(open(&["a", "b"])));
        let known = asked(&["a", "b"], TimeDelta::minutes(1));
        assert_eq!(place(&known, says("dan selokan"), now()), Place::Wait);
        let many = (0..20).map(|it| it.to_string()).collect::<Vec<_>>();
        let known = Known { open: many, ..Known::default() };
        assert!(
            matches!(place(&known, says("x"), now()), Place::Ask(offered) if offered.len() == MAX_OFFERED)
        );
    }

    #[test]
    fn c_05_the_answer_is_a_button_a_number_or_a_word() {
        let known = asked(&["a", "b"], TimeDelta::minutes(1));
        let presses = |choice| Message { text: "", says: None, choice: Some(choice), quotes: None };
        assert_eq!(place(&known, presses("case:b"), now()), Place::Answer(Some("b".into())));
        assert_eq!(place(&known, presses(NEW), now()), Place::Answer(None));
        assert_eq!(place(&known, says(" 2. "), now()), Place::Answer(Some("b".into())));
        assert_eq!(place(&known, says("Baru"), now()), Place::Answer(None));
        assert_eq!(place(&known, says("0."), now()), Place::Answer(None));
        for no_answer in ["3", "ya", "jalan 2", ""] {
            assert_eq!(place(&known, says(no_answer), now()), Place::Wait, "{no_answer}");
        }
        assert_eq!(place(&known, presses("case:z"), now()), Place::Wait);
        let one = asked(&["a"], TimeDelta::minutes(1));
        assert_eq!(place(&one, says("Ya"), now()), Place::Answer(Some("a".into())));
        // Late, but an answer all the same: the case is named.
        let late = asked(&["a"], TimeDelta::minutes(30));
        assert_eq!(place(&late, says("1"), now()), Place::Answer(Some("a".into())));
    }

    #[test]
    fn c_05_ten_minutes_without_an_answer_make_a_new_case() {
        let known = asked(&["a"], PATIENCE - TimeDelta::seconds(1));
        assert!(!is_over(known.question.as_ref().unwrap(), now()));
        let known = asked(&["a"], PATIENCE);
        assert!(is_over(known.question.as_ref().unwrap(), now()));
        assert_eq!(place(&known, says("masih mati"), now()), Place::New);
    }

    #[test]
    fn c_05_a_case_that_was_closed_meanwhile_is_not_extended() {
        let mut known = asked(&["a"], TimeDelta::minutes(1));
        known.open.clear();
        assert_eq!(place(&known, says("1"), now()), Place::Answer(None));
    }

    #[test]
    fn a_quote_names_the_case_and_going_on_writing_stays_with_it() {
        let known = Known { open: open(&["a", "b"]), ..Known::default() };
        let quotes = Message { text: "x", says: None, choice: None, quotes: Some("b") };
        assert_eq!(place(&known, quotes, now()), Place::Case("b".into()));
        let closed = Message { quotes: Some("z"), ..quotes };
        assert!(matches!(place(&known, closed, now()), Place::Ask(_)));
        let waiting = asked(&["a", "b"], TimeDelta::minutes(1));
        assert_eq!(place(&waiting, quotes, now()), Place::Case("b".into()));
        let recent = Known { last: Some(("b".into(), now() - TimeDelta::minutes(2))), ..known.clone() };
        assert_eq!(place(&recent, says("fotonya"), now()), Place::Case("b".into()));
        let long_ago = Known { last: Some(("b".into(), now() - TimeDelta::hours(2))), ..known };
        assert!(matches!(place(&long_ago, says("lain"), now()), Place::Ask(_)));
        let late_button = Message { text: "", says: None, choice: Some("case:a"), quotes: None };
        assert_eq!(place(&Known::default(), late_button, now()), Place::Nothing);
    }
}
