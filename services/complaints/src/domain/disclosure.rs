//! What everybody may read of what was written: not the numbers and addresses by which somebody is found. People write their NIK
//! or their telephone number into a report, officers into an answer, and publication must not spread them.

/// Stands where a number was.
const NUMBER: &str = "[nomor disamarkan]";
/// Stands where an address was.
const ADDRESS: &str = "[surel disamarkan]";

/// The words without population numbers, telephone numbers and e-mail addresses. Dates, sums and distances stay.
#[must_use]
pub fn for_everybody(text: &str) -> String {
    without_numbers(&without_addresses(text))
}

fn without_addresses(text: &str) -> String {
    let is_part = |it: char| it.is_alphanumeric() || matches!(it, '.' | '_' | '%' | '+' | '-' | '@');
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(is_part) {
        let (before, from) = rest.split_at(start);
        let (word, after) = from.split_at(from.find(|it| !is_part(it)).unwrap_or(from.len()));
        out.push_str(before);
        let bare = word.trim_end_matches(['.', '-']);
        let is_address =
            bare.split_once('@').is_some_and(|(who, host)| !who.is_empty() && host.contains('.'));
        out.push_str(if is_address { ADDRESS } else { bare });
        out.push_str(&word[bare.len()..]);
        rest = after;
    }
    out.push_str(rest);
    out
}

fn without_numbers(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|it: char| it.is_ascii_digit()) {
        let (before, from) = rest.split_at(start);
        let end = number(from);
        // What is joined to letters, such as the number of a case, is no number of a person.
        let joined = before.ends_with(|it: char| it.is_alphabetic())
            || before.strip_suffix('-').is_some_and(|it| it.ends_with(|it: char| it.is_alphabetic()));
        let international = before.ends_with('+');
        out.push_str(before.strip_suffix('+').unwrap_or(before));
        if !joined && is_of_a_person(&from[..end], international) {
            out.push_str(NUMBER);
        } else {
            out.push_str(if international { "+" } else { "" });
            out.push_str(&from[..end]);
        }
        rest = &from[end..];
    }
    out.push_str(rest);
    out
}

/// Where a number ends that may be written in groups: they are parted by one sign, the same between all of them. Only the
/// first may be parted otherwise: `+62 812-7700-9911`.
fn number(text: &str) -> usize {
    let digits = |from: usize| {
        text[from..].find(|it: char| !it.is_ascii_digit()).map_or(text.len(), |length| from + length)
    };
    let (mut end, mut groups) = (digits(0), 1);
    let mut sign = None;
    while let Some(next) = text[end..].chars().next().filter(|it| matches!(it, ' ' | '-' | '.')) {
        let from = end + next.len_utf8();
        let after = digits(from);
        let fits = sign.is_none_or(|it| it == next) || groups == 2;
        if after == from || !fits {
            break;
        }
        sign = Some(next);
        (end, groups) = (after, groups + 1);
    }
    end
}

/// A population or family card number has sixteen digits; a telephone number begins with 0, 62 or 8.
fn is_of_a_person(written: &str, international: bool) -> bool {
    let digits: String = written.chars().filter(char::is_ascii_digit).collect();
    let telephone = match digits.as_bytes() {
        [b'0', b'2'..=b'9', ..] => (9..=14).contains(&digits.len()),
        [b'6', b'2', ..] => (10..=15).contains(&digits.len()),
        [b'8', ..] => (10..=13).contains(&digits.len()),
        _ => false,
    };
    digits.len() == 16 || telephone || (international && digits.len() >= 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_addresses_of_people_are_left_out() {
        for (written, read) in [
            ("NIK 1707026602929998, mohon", "NIK [nomor disamarkan], mohon"),
            ("KTP 1707 0266 0292 9998.", "KTP [nomor disamarkan]."),
            ("hubungi 081277009911 ya", "hubungi [nomor disamarkan] ya"),
            ("hubungi 0812-7700-9911", "hubungi [nomor disamarkan]"),
            ("hubungi 0812 7700 9911", "hubungi [nomor disamarkan]"),
            ("WA: +6281277009911.", "WA: [nomor disamarkan]."),
            ("WA +62 812-7700-9911", "WA [nomor disamarkan]"),
            ("62812.7700.9911", "[nomor disamarkan]"),
            ("kantor 0736-212345", "kantor [nomor disamarkan]"),
            ("rumah 81277009911", "rumah [nomor disamarkan]"),
            ("surel Rukmini.Sari+rt@contoh.example.", "surel [surel disamarkan]."),
        ] {
            assert_eq!(for_everybody(written), read);
        }
    }

    #[test]
    fn everything_else_stays_as_it_was_written() {
        for text in [
            "",
            "Lubang 50 cm di KM 12, sejak 23-11-2026 pukul 08.30",
            "08-11-2026 07.30 lampu mati",
            "2026-11-23 08:00:00",
            "ADU-2026-000123-7 belum selesai",
            "Rp 1.250.000 untuk 3 ruas",
            "titik -3.7928, 102.2608",
            "RT 002 RW 001 @desa",
            "RT-002 no. 15 ... é ü",
            "nilai 1234567890123",
        ] {
            assert_eq!(for_everybody(text), text);
        }
    }
}
