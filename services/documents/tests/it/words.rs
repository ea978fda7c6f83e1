//! What pages show of this service by a name has words in both languages: nobody reads `REGISTER`.

use std::collections::HashMap;
use std::path::Path;

use mpp_documents::domain::document::DocumentState;
use mpp_documents::domain::sla::ClockVerb;
use mpp_documents::domain::step::{StepKind, StepRole};
use strum::IntoEnumIterator as _;

/// The words of a language, as the gateway's pages have them.
fn words(language: &str) -> HashMap<String, String> {
    let file = format!("../../gateway/web/i18n/{language}.json");
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file));
    serde_json::from_str(&text.expect("the words of the pages")).expect("words are an object of texts")
}

/// What stands in a history besides what is done to clocks: the names in `rpc/convert.rs`, read from its source, so that
/// one which is added there is looked for here.
fn happenings() -> Vec<String> {
    let source = include_str!("../../src/rpc/convert.rs");
    let (_, from) = source.split_once("fn history_entry").expect("the names of a history");
    let (body, _) = from.split_once("\n}\n").expect("the end of a function");
    let named = body.split('"').filter(|word| {
        word.len() > 3 && word.bytes().all(|letter| letter.is_ascii_uppercase() || letter == b'_')
    });
    let mut all: Vec<_> = named.map(str::to_owned).collect();
    assert!(all.len() > 15, "{all:?}");
    all.extend(ClockVerb::iter().map(|verb| format!("{verb}_CLOCK")));
    all
}

#[test]
fn everything_that_is_shown_by_a_name_has_words_in_both_languages() {
    // What a worklist says of a step, beside its kind.
    let steps = StepKind::iter().map(|kind| kind.to_string()).chain(["PAY".to_owned()]);
    let shown: Vec<(&str, String)> = steps
        .map(|kind| ("step", kind))
        .chain(StepRole::iter().map(|role| ("role", role.to_string())))
        .chain(happenings().into_iter().map(|what| ("happened", what)))
        .chain(DocumentState::iter().map(|state| ("verify.state", state.to_string())))
        .collect();
    for language in ["id", "en"] {
        let words = words(language);
        let missing: Vec<_> = shown
            .iter()
            .map(|(prefix, name)| format!("{prefix}.{}", name.to_lowercase()))
            .filter(|key| words.get(key).is_none_or(|text| text.trim().is_empty()))
            .collect();
        assert_eq!(missing, Vec::<String>::new(), "{language}");
    }
}
