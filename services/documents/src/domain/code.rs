//! Codes that people type: 16 letters of Crockford's base32, 80 bits, written in groups of four. The receipt of an
//! application and the QR of a document each have one.

/// Letters of a code.
pub const LENGTH: usize = 16;

/// Crockford's alphabet: no I, L, O, U.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The code that the first ten bytes stand for; `None` if there are fewer.
#[must_use]
pub fn of_bytes(bytes: &[u8]) -> Option<String> {
    let bytes = bytes.get(..LENGTH * 5 / 8)?;
    let bits = bytes.iter().fold(0_u128, |bits, byte| bits << 8 | u128::from(*byte));
    let letters = (0..LENGTH).rev().map(|at| {
        let index = usize::try_from(bits >> (at * 5) & 31).unwrap_or_default();
        char::from(ALPHABET[index])
    });
    Some(letters.collect())
}

/// A code as it is stored: without dashes and blanks, in capitals, with letters that look like digits as these. `None` if
/// it cannot be one.
#[must_use]
pub fn normalise(text: &str) -> Option<String> {
    if text.len() > 64 {
        return None;
    }
    let mut code = String::with_capacity(LENGTH);
    for letter in text.chars().filter(|letter| !matches!(letter, '-' | ' ')) {
        let letter = match letter.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            letter => letter,
        };
        if !letter.is_ascii() || !ALPHABET.contains(&u8::try_from(letter).ok()?) {
            return None;
        }
        code.push(letter);
    }
    (code.len() == LENGTH).then_some(code)
}

/// A code as people read it: `7Q3K-9M2X-A1B2-C3D4`.
#[must_use]
pub fn grouped(code: &str) -> String {
    let letters: Vec<char> = code.chars().collect();
    letters.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn codes_are_forgiving_to_type_and_strict_to_be() {
        assert_eq!(normalise("7q3k-9m2x-a1b2-c3d4").as_deref(), Some("7Q3K9M2XA1B2C3D4"));
        assert_eq!(normalise(" 7Q3K 9M2X oIl2 C3D4 ").as_deref(), Some("7Q3K9M2X0112C3D4"));
        for bad in [
            "",
            "7Q3K",
            "7Q3K-9M2X-A1B2-C3DU",
            "7Q3K-9M2X-A1B2-C3D4-5",
            "../../etc/passwd",
            "７Q3K9M2XA1B2C3D4",
        ] {
            assert_eq!(normalise(bad), None, "{bad}");
        }
        assert_eq!(of_bytes(&[0; 9]), None);
        assert_eq!(of_bytes(&[0xFF; 10]).as_deref(), Some("ZZZZZZZZZZZZZZZZ"));
        assert_eq!(grouped("7Q3K9M2XA1B2C3D4"), "7Q3K-9M2X-A1B2-C3D4");
    }

    proptest! {
        #[test]
        fn every_code_is_read_back(bytes in proptest::array::uniform10(any::<u8>())) {
            let code = of_bytes(&bytes).unwrap();
            prop_assert_eq!(normalise(&grouped(&code)), Some(code));
        }

        #[test]
        fn nothing_typed_makes_it_panic(text in ".{0,80}") {
            let _code_or_none = normalise(&text);
        }
    }
}
