//! What a board says: the sentence, and the same as names of local sound clips.

/// An announcement in Indonesian: "Nomor antrean A, nol, satu, dua, silakan menuju loket tiga", and its clips
/// `nomor_antrean a nol satu dua silakan_menuju_loket tiga`.
#[must_use]
pub fn announcement(ticket_number: &str, counter_number: &str) -> (String, Vec<String>) {
    let spelled: Vec<String> = ticket_number.chars().filter_map(spelled).collect();
    let counter = counter_words(counter_number);
    let sentence =
        format!("Nomor antrean {}, silakan menuju loket {}", spelled.join(", "), counter.join(" "));
    let clips = std::iter::once("nomor_antrean".to_owned())
        .chain(spelled.into_iter().map(|word| word.to_lowercase()))
        .chain(std::iter::once("silakan_menuju_loket".to_owned()))
        .chain(counter.into_iter().map(|word| word.to_lowercase()))
        .collect();
    (sentence, clips)
}

/// A character as it is spelled; anything but letters and digits is silent.
fn spelled(character: char) -> Option<String> {
    match character.to_digit(10) {
        Some(digit) => Some(DIGITS[digit as usize].to_owned()),
        None if character.is_ascii_alphabetic() => Some(character.to_ascii_uppercase().to_string()),
        None => None,
    }
}

const DIGITS: [&str; 10] =
    ["nol", "satu", "dua", "tiga", "empat", "lima", "enam", "tujuh", "delapan", "sembilan"];

/// The number on a counter's sign in words: a number below 1000 as a number, everything else spelled.
fn counter_words(number: &str) -> Vec<String> {
    match number.parse::<usize>() {
        Ok(value) if value < 1000 && !number.starts_with('0') => number_words(value),
        Ok(_) | Err(_) => number.chars().filter_map(spelled).collect(),
    }
}

fn number_words(value: usize) -> Vec<String> {
    let mut words: Vec<&str> = Vec::new();
    let (hundreds, rest) = (value / 100, value % 100);
    match hundreds {
        0 => {}
        1 => words.push("seratus"),
        more => words.extend([DIGITS[more], "ratus"]),
    }
    match rest {
        0 => {}
        1..=9 => words.push(DIGITS[rest]),
        10 => words.push("sepuluh"),
        11 => words.push("sebelas"),
        12..=19 => words.extend([DIGITS[rest - 10], "belas"]),
        more => {
            words.extend([DIGITS[more / 10], "puluh"]);
            if more % 10 > 0 {
                words.push(DIGITS[more % 10]);
            }
        }
    }
    if words.is_empty() {
        words.push(DIGITS[0]);
    }
    words.into_iter().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_number_and_counter_in_indonesian() {
        let (sentence, clips) = announcement("A012", "3");
        assert_eq!(sentence, "Nomor antrean A, nol, satu, dua, silakan menuju loket tiga");
        assert_eq!(clips, ["nomor_antrean", "a", "nol", "satu", "dua", "silakan_menuju_loket", "tiga"]);
    }

    #[test]
    fn counts_counters_as_people_do() {
        for (number, words) in [
            ("10", "sepuluh"),
            ("11", "sebelas"),
            ("15", "lima belas"),
            ("20", "dua puluh"),
            ("34", "tiga puluh empat"),
            ("100", "seratus"),
            ("215", "dua ratus lima belas"),
            ("0", "nol"),
            ("3B", "tiga B"),
            ("07", "nol tujuh"),
        ] {
            assert_eq!(counter_words(number).join(" "), words);
        }
    }
}
