//! Texts: in both languages, and free of characters that deceive or cannot be printed.

use serde::{Deserialize, Serialize};

/// A sentence in Indonesian and English.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// In Indonesian.
    pub id: String,
    /// In English; empty where only Indonesian has force.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub en: String,
}

impl Text {
    /// A sentence from its two versions.
    #[must_use]
    pub fn new(id: impl Into<String>, en: impl Into<String>) -> Self {
        Self { id: id.into(), en: en.into() }
    }
}

/// Whether a character must not stand in a letter: control characters print as nothing or break PDF/A, bidirectional
/// controls show another order of letters than the one that is signed, and invisible ones make two equal-looking texts
/// differ. A line feed is only permitted where `lines` are.
#[must_use]
pub fn is_deceptive(character: char, lines: bool) -> bool {
    if character == '\n' {
        return !lines;
    }
    character.is_control()
        || matches!(
            character,
            '\u{00AD}'                  // soft hyphen
            | '\u{034F}' | '\u{061C}'   // grapheme joiner, Arabic letter mark
            | '\u{180E}'                // Mongolian vowel separator
            | '\u{200B}'..='\u{200F}'   // zero-width characters, LRM, RLM
            | '\u{2028}' | '\u{2029}'   // line and paragraph separator
            | '\u{202A}'..='\u{202E}'   // embeddings and overrides
            | '\u{2060}'..='\u{206F}'   // word joiner, isolates, deprecated controls
            | '\u{FE00}'..='\u{FE0F}'   // variation selectors
            | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' // byte order mark, annotations
            | '\u{E0000}'..='\u{E0FFF}' // tags and further selectors
        )
        || is_unassigned_for_text(character)
}

/// Private use and noncharacters: no font shows them alike.
fn is_unassigned_for_text(character: char) -> bool {
    let code = u32::from(character);
    (0xE000..=0xF8FF).contains(&code)
        || code >= 0xF_0000
        || (0xFDD0..=0xFDEF).contains(&code)
        || code & 0xFFFE == 0xFFFE
}

/// The text as it is kept: in normal form C, without white space at its ends, line ends as line feeds, runs of blanks as
/// one.
#[must_use]
pub fn clean(text: &str) -> String {
    let composed: String = unicode_normalization::UnicodeNormalization::nfc(text).collect();
    let lines = composed.replace("\r\n", "\n").replace('\r', "\n").replace(['\t', '\u{00A0}'], " ");
    let cleaned = lines
        .split('\n')
        .map(|line| line.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" "))
        .collect::<Vec<_>>()
        .join("\n");
    cleaned.trim().to_owned()
}

/// Whether the text is in normal form C already.
#[must_use]
pub fn is_composed(text: &str) -> bool {
    unicode_normalization::is_nfc(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn characters_that_deceive_are_known() {
        for bad in
            ['\0', '\u{7}', '\u{85}', '\u{202E}', '\u{2066}', '\u{200B}', '\u{FEFF}', '\u{E000}', '\u{FFFF}']
        {
            assert!(is_deceptive(bad, true), "{bad:?}");
        }
        for good in ['a', 'É', 'ʼ', '-', '/', ' ', 'ñ', '’'] {
            assert!(!is_deceptive(good, false), "{good:?}");
        }
        assert!(is_deceptive('\n', false) && !is_deceptive('\n', true));
    }

    #[test]
    fn names_are_composed_and_trimmed() {
        assert_eq!(clean("  Jose\u{301}   de\tla Cruz \r\n  Baris  "), "José de la Cruz\nBaris");
        assert!(is_composed("José") && !is_composed("Jose\u{301}"));
    }

    proptest! {
        #[test]
        fn cleaning_twice_changes_nothing(text in "\\PC*") {
            let once = clean(&text);
            prop_assert_eq!(clean(&once), once.clone());
            prop_assert!(is_composed(&once));
        }
    }
}
