//! What may be printed: every value a letter is filled with is one line of characters that the embedded fonts can draw.

use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization as _;

use super::world;

/// The longest value, in characters after normalisation.
pub const LONGEST: usize = 2000;

/// Why a value cannot be printed. Names the field and the character, never the value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// A control, bidi or invisible character. They make a printed value differ from the stored one: a right-to-left
    /// override reverses a name, a line feed draws a row that nobody filled in.
    #[error("{key} holds U+{:04X}, a control or invisible character", u32::from(*character))]
    Hidden {
        /// The path of the value (`fields.nama`).
        key: String,
        /// The first such character.
        character: char,
    },
    /// The embedded fonts do not draw this character, and PDF/A permits no empty boxes; or it is of a script that runs from
    /// right to left.
    #[error("{key} holds U+{:04X}, which letters cannot be set in", u32::from(*character))]
    NoGlyph {
        /// The path of the value.
        key: String,
        /// The first such character.
        character: char,
    },
    /// More than [`LONGEST`] characters.
    #[error("{key} is longer than {LONGEST} characters")]
    TooLong {
        /// The path of the value.
        key: String,
    },
}

/// The value in Unicode normalisation form C, or why it cannot be printed. `key` is the path that errors name.
///
/// # Errors
/// [`TextError`] for the first character that is refused.
pub fn check(key: &str, value: &str) -> Result<String, TextError> {
    // Normalising never makes a text shorter than a third, so that this bounds the work too.
    if value.len() > LONGEST * 12 {
        return Err(TextError::TooLong { key: key.to_owned() });
    }
    let normal = value.nfc().collect::<String>();
    if normal.chars().count() > LONGEST {
        return Err(TextError::TooLong { key: key.to_owned() });
    }
    for character in normal.chars() {
        match flaw(character) {
            Some(Flaw::Hidden) => return Err(TextError::Hidden { key: key.to_owned(), character }),
            Some(Flaw::NoGlyph) => return Err(TextError::NoGlyph { key: key.to_owned(), character }),
            None => {}
        }
    }
    Ok(normal)
}

/// What is wrong with a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flaw {
    Hidden,
    NoGlyph,
}

/// Why this character cannot be printed, if it cannot.
pub(super) fn flaw(character: char) -> Option<Flaw> {
    if is_hidden(character) {
        Some(Flaw::Hidden)
    } else if has_glyph(character) && !is_right_to_left(character) {
        None
    } else {
        Some(Flaw::NoGlyph)
    }
}

/// Characters that are not seen but act: C0 and C1, bidi controls, joiners, separators, fillers, variation selectors, tags.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{fffd}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Hebrew is in the fonts, but would turn the order of what stands around it; Arabic and its kin are not.
fn is_right_to_left(character: char) -> bool {
    matches!(character, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefe}' | '\u{10800}'..='\u{10fff}')
}

/// Whether all four faces draw this character.
fn has_glyph(character: char) -> bool {
    static ASCII: LazyLock<[bool; 128]> =
        LazyLock::new(|| std::array::from_fn(|code| u32::try_from(code).is_ok_and(world::covers)));
    let code = u32::from(character);
    usize::try_from(code)
        .ok()
        .and_then(|code| ASCII.get(code))
        .copied()
        .unwrap_or_else(|| world::covers(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_people_pass_and_are_composed() {
        for name in [
            "Siti Nurhaliza binti H. Ma'ruf, S.Pd.I.",
            "I Gusti Ngurah Rai",
            "Sørén Ñandú",
            "Ra’uf",
            "Ḥasan Ṣāliḥ",
        ] {
            assert_eq!(check("fields.nama", name).as_deref(), Ok(name));
        }
        assert_eq!(check("fields.nama", "Jose\u{301}").as_deref(), Ok("José"));
    }

    #[test]
    fn what_is_not_seen_is_refused_with_its_code_point() {
        for character in [
            '\0',
            '\n',
            '\r',
            '\t',
            '\u{1b}',
            '\u{7f}',
            '\u{85}',
            '\u{202e}',
            '\u{2066}',
            '\u{200b}',
            '\u{200f}',
            '\u{feff}',
            '\u{2028}',
            '\u{e0041}',
        ] {
            let error = check("fields.nama", &format!("Budi{character}Rahasia")).unwrap_err();
            assert_eq!(error, TextError::Hidden { key: "fields.nama".into(), character });
            assert!(error.to_string().contains(&format!("U+{:04X}", u32::from(character))), "{error}");
            assert!(!error.to_string().contains("Rahasia"), "{error}");
        }
    }

    #[test]
    fn what_the_fonts_do_not_have_is_refused() {
        for character in ['\u{0627}', '\u{5d0}', '\u{1f600}', '漢', '\u{a9c1}', '\u{fffd}'] {
            let error = check("fields.nama", &format!("Budi {character}")).unwrap_err();
            // The replacement character stands in a font or not; either way it is no name.
            assert!(
                matches!(&error, TextError::NoGlyph { character: it, .. } | TextError::Hidden { character: it, .. } if *it == character),
                "{error}"
            );
        }
    }

    #[test]
    fn length_is_bounded_before_and_after_normalising() {
        assert!(check("k", &"a".repeat(LONGEST)).is_ok());
        assert_eq!(check("k", &"a".repeat(LONGEST + 1)), Err(TextError::TooLong { key: "k".into() }));
        assert_eq!(check("k", &"a".repeat(LONGEST * 100)), Err(TextError::TooLong { key: "k".into() }));
    }
}
