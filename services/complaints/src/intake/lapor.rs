//! SP4N-LAPOR!: the national channel.
//!
//! Three ways in (its API after an agreement, a file that an admin exports there, an officer who types), one ledger. The
//! ledger's key is the tracking id that LAPOR! gave: whatever way an item comes, and however often, it is one row and one
//! case. What we tell LAPOR! counts as told only when it was read back from there.
//!
//! LAPOR! publishes no status codes; stages are mapped by the labels that its screens and exports show, and a label that
//! is not known is kept as it is and reported, never guessed.

pub mod client;
pub mod file;
pub mod ledger;
#[cfg(test)]
pub(crate) mod simulator;

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, TimeZone as _, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use strum::{Display, EnumString};

/// Stages of LAPOR! that this service knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, EnumString)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Stage {
    /// Written, not looked at yet.
    New,
    /// Verified or passed on.
    Verified,
    /// The reporter is asked for more.
    Postponed,
    /// The agency works on it, or has answered.
    InProgress,
    /// Over.
    Done,
    /// Put away with a reason.
    Archived,
    /// Of another agency.
    NotOurs,
}

impl Stage {
    /// The stage a label names; `None` if no screen that we know shows such a label.
    #[must_use]
    pub fn from_label(label: &str) -> Option<Self> {
        let label = label.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ");
        Some(match label.as_str() {
            "baru" | "belum diverifikasi" | "belum terverifikasi" | "menunggu verifikasi" => Self::New,
            "terverifikasi" | "verifikasi" | "proses verifikasi" | "didisposisikan" | "disposisi"
            | "terdisposisi" | "diteruskan" => Self::Verified,
            "tunda" | "ditunda" | "tertunda" | "pending" => Self::Postponed,
            "proses"
            | "diproses"
            | "dalam proses"
            | "proses tindak lanjut"
            | "ditindaklanjuti"
            | "beri tanggapan"
            | "belum ditindaklanjuti" => Self::InProgress,
            "selesai" => Self::Done,
            "arsip" | "diarsipkan" => Self::Archived,
            "bukan wewenang" => Self::NotOurs,
            _ => return None,
        })
    }
}

/// Classes of LAPOR!, by its own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, EnumString)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Class {
    /// Pengaduan.
    Complaint,
    /// Aspirasi.
    Aspiration,
    /// Permintaan informasi.
    InformationRequest,
    /// Whistleblowing, berkadar pengawasan.
    Whistleblowing,
}

impl Class {
    /// The class a label names.
    #[must_use]
    pub fn from_label(label: &str) -> Option<Self> {
        let label = label.to_lowercase();
        Some(
            if label.contains("whistle") || label.contains("berkadar pengawasan") && !label.contains("tidak")
            {
                Self::Whistleblowing
            } else if label.contains("pengaduan") || label.contains("keluhan") {
                Self::Complaint
            } else if label.contains("aspirasi") || label.contains("saran") {
                Self::Aspiration
            } else if label.contains("informasi") {
                Self::InformationRequest
            } else {
                return None;
            },
        )
    }
}

/// An item of LAPOR!, whatever way it came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// The number that LAPOR! shows the reporter.
    pub tracking_id: String,
    /// Its title.
    pub title: String,
    /// What the reporter wrote.
    pub text: String,
    /// The class, if its label is known.
    pub class: Option<Class>,
    /// The category there, in its words.
    pub category: String,
    /// The stage, if its label is known.
    pub stage: Option<Stage>,
    /// The label as it stood.
    pub stage_label: String,
    /// When the reporter wrote it.
    pub written_at: Option<DateTime<Utc>>,
    /// The reporter's name, if LAPOR! tells it: never with *anonim*.
    pub reporter: Option<String>,
    /// Anonim: the identity is hidden from the reported party and the public.
    pub anonymous: bool,
    /// Rahasia: the content is not public.
    pub secret: bool,
    /// The place in words.
    pub place: String,
}

impl Item {
    /// What is known of an item when an officer types its number.
    #[must_use]
    pub fn typed(tracking_id: &str) -> Self {
        Self {
            tracking_id: tracking_id.to_owned(),
            title: "-".to_owned(),
            text: String::new(),
            class: None,
            category: String::new(),
            stage: None,
            stage_label: String::new(),
            written_at: None,
            reporter: None,
            anonymous: false,
            secret: false,
            place: String::new(),
        }
    }

    /// What the ledger compares: a digest of everything an item says. The same item from another way has the same one.
    #[must_use]
    pub fn checksum(&self) -> String {
        // The derived order of fields is fixed, and so is this JSON.
        hex::encode(Sha256::digest(serde_json::to_vec(self).unwrap_or_default()))
    }

    /// What is missing for a case to be made of it, by field.
    #[must_use]
    pub fn missing(&self) -> Option<&'static str> {
        let id = &self.tracking_id;
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '/' | '.');
        if id.is_empty() || id.len() > 40 || !id.chars().all(plain) {
            Some("tracking_id")
        } else if self.text.trim().is_empty() && self.title.trim().is_empty() {
            Some("text")
        } else {
            None
        }
    }
}

/// A moment as LAPOR! and spreadsheets write it; without a zone it is in the western one (WIB), where LAPOR! is kept.
#[must_use]
pub fn moment(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    if let Ok(exact) = DateTime::parse_from_rfc3339(text) {
        return Some(exact.to_utc());
    }
    let naive = [
        "%Y-%m-%d %H:%M:%S",
        "%Y-%m-%dT%H:%M:%S",
        "%Y-%m-%d %H:%M",
        "%d/%m/%Y %H:%M:%S",
        "%d/%m/%Y %H:%M",
        "%d-%m-%Y %H:%M:%S",
        "%d-%m-%Y %H:%M",
    ]
    .iter()
    .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
    .or_else(|| {
        ["%Y-%m-%d", "%d/%m/%Y", "%d-%m-%Y"]
            .iter()
            .find_map(|format| NaiveDate::parse_from_str(text, format).ok())
            .map(|date| date.and_time(NaiveTime::MIN))
    })?;
    western(naive)
}

/// A local time of Jakarta as a moment.
pub(super) fn western(naive: NaiveDateTime) -> Option<DateTime<Utc>> {
    let zone = FixedOffset::east_opt(7 * 3600)?;
    zone.from_local_datetime(&naive).single().map(|it| it.to_utc())
}

/// Yes in the words of exports.
pub(super) fn is_yes(text: &str) -> bool {
    matches!(text.trim().to_lowercase().as_str(), "ya" | "y" | "yes" | "true" | "1" | "anonim" | "rahasia")
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn item(id: &str) -> Item {
        Item {
            tracking_id: id.to_owned(),
            title: "Lampu jalan".into(),
            text: "Lampu jalan mati tiga malam".into(),
            class: Some(Class::Complaint),
            category: "Penerangan".into(),
            stage: Some(Stage::New),
            stage_label: "Baru".into(),
            written_at: moment("2026-09-14 08:30"),
            reporter: None,
            anonymous: true,
            secret: false,
            place: "Marabahan".into(),
        }
    }

    #[test]
    fn c_11_labels_are_known_or_left_alone() {
        assert_eq!(Stage::from_label(" Proses  Tindak Lanjut "), Some(Stage::InProgress));
        assert_eq!(Stage::from_label("Bukan Wewenang"), Some(Stage::NotOurs));
        assert_eq!(Stage::from_label("7"), None);
        assert_eq!(Class::from_label("Pengaduan berkadar pengawasan"), Some(Class::Whistleblowing));
        assert_eq!(Class::from_label("Pengaduan tidak berkadar pengawasan"), Some(Class::Complaint));
        assert_eq!(Class::from_label("Permintaan Informasi"), Some(Class::InformationRequest));
        assert_eq!(Class::from_label("RAPS"), None);
    }

    #[test]
    fn c_11_moments_without_a_zone_are_jakartas() {
        let expected = moment("2026-09-14T08:30:00+07:00");
        assert!(expected.is_some());
        for text in ["2026-09-14 08:30", "14/09/2026 08:30", "14-09-2026 08:30:00", "2026-09-14T01:30:00Z"] {
            assert_eq!(moment(text), expected, "{text}");
        }
        assert_eq!(moment("14/09/2026"), moment("2026-09-13T17:00:00Z"));
        assert_eq!(moment("kemarin"), None);
    }

    #[test]
    fn c_11_an_item_without_its_number_or_words_is_none() {
        assert_eq!(item("1234567").missing(), None);
        assert_eq!(item("").missing(), Some("tracking_id"));
        assert_eq!(item("<script>").missing(), Some("tracking_id"));
        let silent = Item { text: " ".into(), title: String::new(), ..item("1") };
        assert_eq!(silent.missing(), Some("text"));
        assert_ne!(item("1").checksum(), Item { stage: Some(Stage::Done), ..item("1") }.checksum());
        assert_eq!(item("1").checksum(), item("1").checksum());
    }
}
