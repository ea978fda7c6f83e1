//! Texts with gaps: `Aduan {nomor} …`. What fills a gap is text and nothing else: it is never read as a template again.

use std::collections::BTreeMap;

use thiserror::Error;

/// Why a text cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TemplateError {
    /// A `{` without its `}`, or the other way round.
    #[error("a brace is not closed")]
    Brace,
    /// A gap with a name that is none.
    #[error("{{{0}}} is no name of a gap: use lower-case letters, digits and _")]
    Name(String),
}

/// A part of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Words.
    Text(String),
    /// A gap, by name.
    Gap(String),
}

/// Whether this names a gap.
#[must_use]
pub fn is_name(name: &str) -> bool {
    (1..=40).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// The parts of a text.
///
/// # Errors
/// [`TemplateError`].
pub fn parse(text: &str) -> Result<Vec<Part>, TemplateError> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        if rest[at..].starts_with('}') {
            return Err(TemplateError::Brace);
        }
        if at > 0 {
            parts.push(Part::Text(rest[..at].to_owned()));
        }
        let (name, after) = rest[at + 1..].split_once('}').ok_or(TemplateError::Brace)?;
        if !is_name(name) {
            return Err(TemplateError::Name(name.chars().take(40).collect()));
        }
        parts.push(Part::Gap(name.to_owned()));
        rest = after;
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest.to_owned()));
    }
    Ok(parts)
}

/// The names of the gaps in the order in which they first appear: the order of the parameters of a WhatsApp template.
#[must_use]
pub fn gaps(parts: &[Part]) -> Vec<&str> {
    let mut names = Vec::new();
    for part in parts {
        if let Part::Gap(name) = part
            && !names.contains(&name.as_str())
        {
            names.push(name.as_str());
        }
    }
    names
}

/// The text with its gaps filled. A gap that nothing fills stays empty; requests are checked before.
#[must_use]
pub fn fill(parts: &[Part], values: &BTreeMap<String, String>) -> String {
    parts
        .iter()
        .map(|part| match part {
            Part::Text(text) => text.as_str(),
            Part::Gap(name) => values.get(name).map_or("", String::as_str),
        })
        .collect()
}

/// The values with the longest of those in the text shortened, until the text has no more than so many characters. `mark` says
/// where the rest is, and stands at the end of what was shortened. Everything else stays whole: a number, a link, a day.
#[must_use]
pub fn fit(
    parts: &[Part],
    values: &BTreeMap<String, String>,
    (most, mark): (usize, &str),
) -> BTreeMap<String, String> {
    let mut fitting = values.clone();
    let length = |text: &str| text.chars().count();
    // Each turn shortens one gap as far as it is long, so there are no more turns than gaps.
    for _ in 0..gaps(parts).len() {
        let over = length(&fill(parts, &fitting)).saturating_sub(most);
        let longest = gaps(parts).into_iter().max_by_key(|gap| fitting.get(*gap).map_or(0, |it| length(it)));
        let Some(gap) = longest.filter(|_| over > 0) else { break };
        let times = parts.iter().filter(|part| matches!(part, Part::Gap(name) if name == gap)).count();
        let value = fitting.get(gap).cloned().unwrap_or_default();
        let keep = length(&value).saturating_sub(over.div_ceil(times.max(1)) + length(mark));
        let kept: String = value.chars().take(keep).collect();
        fitting.insert(gap.to_owned(), format!("{}{mark}", kept.trim_end()));
    }
    fitting
}

/// A value as WhatsApp takes it for a parameter: without line breaks, tabs and runs of spaces.
#[must_use]
pub fn parameter(value: &str) -> String {
    let flat = value.split_whitespace().collect::<Vec<_>>().join(" ");
    if flat.is_empty() { "-".to_owned() } else { flat }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn n_04_what_is_too_long_is_shortened_and_says_where_the_rest_is() {
        let parts = parse("Aduan {nomor}: {jawaban}. Lihat {tautan}.").unwrap();
        let values = |answer: &str| {
            BTreeMap::from([
                ("nomor".to_owned(), "ADU-1".to_owned()),
                ("jawaban".to_owned(), answer.to_owned()),
                ("tautan".to_owned(), "https://mpp.example/lacak".to_owned()),
            ])
        };
        let short = values("Sudah ditambal");
        assert_eq!(fit(&parts, &short, (1024, " …")), short);
        let long = values(&"ééé ".repeat(1000));
        let fitted = fit(&parts, &long, (1024, "… (di tautan)"));
        let text = fill(&parts, &fitted);
        assert!((1000..=1024).contains(&text.chars().count()), "{}", text.chars().count());
        assert!(text.ends_with("… (di tautan). Lihat https://mpp.example/lacak."), "{text}");
        assert_eq!(fitted["nomor"], "ADU-1");
    }

    #[test]
    fn gaps_are_filled_once_and_in_order() {
        let parts = parse("Aduan {nomor} di {tempat}: {nomor}.").unwrap();
        assert_eq!(gaps(&parts), ["nomor", "tempat"]);
        let values = BTreeMap::from([
            ("nomor".to_owned(), "ADU-1".to_owned()),
            ("tempat".to_owned(), "{nomor}".to_owned()),
        ]);
        assert_eq!(fill(&parts, &values), "Aduan ADU-1 di {nomor}: ADU-1.");
        for bad in ["a {", "a }", "{}", "{Nomor}", "{a b}"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        assert_eq!(parameter(" a\n b\t  c "), "a b c");
        assert_eq!(parameter("\n"), "-");
    }
}
