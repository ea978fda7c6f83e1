//! Licences that another system asked for: the keys of OSS-RBA, its status codes (Lampiran 10 of its integration guide,
//! PIA 4.3.22), and which status may follow which.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString};
use thiserror::Error;

use super::letter_type::OssBinding;
use super::sla::ClockVerb;

mpp_kit::ids! {
    /// A licence that another system asked for.
    pub LicenceId = "lic";
    /// Something that is told to OSS.
    pub LicenceMessageId = "lcm";
}

/// Where a licence came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Display, EnumString)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum Source {
    /// OSS-RBA, by `receiveNIB`.
    Oss,
    /// SiCantik Cloud, by polling.
    Sicantik,
}

/// What is told to OSS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Display, EnumString)]
pub enum MessageKind {
    /// `receiveLicenseStatus`.
    #[strum(serialize = "IZINSTATUS")]
    Status,
    /// `receiveLicense`.
    #[strum(serialize = "IZINFINAL")]
    Final,
    /// `updateLicense`.
    #[strum(serialize = "UPDATE")]
    Update,
}

/// Where a message to OSS stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Display, EnumString)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum MessageState {
    /// It waits for its turn or its next attempt.
    Pending,
    /// OSS took it.
    Sent,
    /// OSS refused its content: repeating it would not help.
    Refused,
}

/// The statuses of Lampiran 10. Their text is their code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Display, EnumString, EnumIter, Serialize, Deserialize)]
pub enum OssStatus {
    /// Environmental screening.
    #[strum(serialize = "05")]
    Screening,
    /// Form and requirements are filled in.
    #[strum(serialize = "09")]
    RequirementsGiven,
    /// The papers are complete and right.
    #[strum(serialize = "10")]
    Complete,
    /// The papers are not complete.
    #[strum(serialize = "11")]
    Incomplete,
    /// Commitments are being met.
    #[strum(serialize = "12")]
    Commitment,
    /// An official checks the application.
    #[strum(serialize = "20")]
    Validation,
    /// An official checks the payment.
    #[strum(serialize = "30")]
    PaymentVerification,
    /// An official confirms the payment.
    #[strum(serialize = "31")]
    PaymentConfirmation,
    /// The proof of payment waits to be checked.
    #[strum(serialize = "32")]
    PaymentProofWaiting,
    /// The payment is accepted.
    #[strum(serialize = "33")]
    PaymentAccepted,
    /// The proof of payment must be given anew.
    #[strum(serialize = "34")]
    PaymentProofAgain,
    /// Inspection on site.
    #[strum(serialize = "40")]
    Inspection,
    /// The clock is paused.
    #[strum(serialize = "41")]
    ClockPaused,
    /// The clock goes on.
    #[strum(serialize = "42")]
    ClockResumed,
    /// The clock is back at zero.
    #[strum(serialize = "43")]
    ClockReset,
    /// The clock starts again from zero.
    #[strum(serialize = "44")]
    ClockRestarted,
    /// The technical agency found the requirements met.
    #[strum(serialize = "45")]
    Verified,
    /// A number is drawn from OSS.
    #[strum(serialize = "49")]
    NumberDrawn,
    /// Approved.
    #[strum(serialize = "50")]
    Approved,
    /// Issued for the time being, until commitments are met.
    #[strum(serialize = "52")]
    IssuedProvisionally,
    /// Deemed approved because the time ran out (fiktif positif).
    #[strum(serialize = "57")]
    DeemedApproved,
    /// A warning to the holder.
    #[strum(serialize = "60")]
    Warning,
    /// The business is halted for the time being.
    #[strum(serialize = "70")]
    Suspension,
    /// A fine.
    #[strum(serialize = "80")]
    Fine,
    /// Rejected.
    #[strum(serialize = "90")]
    Rejected,
    /// The technical agency found the requirements not met.
    #[strum(serialize = "93")]
    RequirementsRejected,
}

/// Whether a message may be sent again: OSS refused it, and took nothing that came after it, which would be undone. A final licence
/// that another one replaces is not said again either. `later` is what was written after it; what is under way to OSS, or may be
/// there, counts as sent.
#[must_use]
pub fn may_be_sent_again(
    (kind, state): (MessageKind, MessageState),
    later: impl IntoIterator<Item = (MessageKind, MessageState)>,
) -> bool {
    let is_licence = |kind| matches!(kind, MessageKind::Final | MessageKind::Update);
    state == MessageState::Refused
        && later.into_iter().all(|(next, state)| match state {
            MessageState::Refused => true,
            MessageState::Sent => false,
            MessageState::Pending => !(is_licence(kind) && is_licence(next)),
        })
}

/// Why a status cannot follow another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum StatusError {
    /// 42 follows 41, and 44 follows 43.
    #[error("the clock is not paused or reset")]
    ClockRuns,
    /// Only 42 or 44 lead out of a clock that stands still, or a decision.
    #[error("the clock stands still: let it go on first")]
    ClockStands,
    /// It was decided.
    #[error("the licence was decided already")]
    Decided,
    /// A warning, halt or fine is for a licence that was issued.
    #[error("the licence is not issued yet")]
    NotIssued,
    /// OSS says it, or the deadline; nobody else.
    #[error("this status is not given by an official")]
    NotByOfficials,
    /// An application here tells it: how it is decided, and what is done to its clock.
    #[error("the application of this licence tells this status by itself")]
    ByApplication,
    /// It decides, which is for the head of the agency.
    #[error("this status is a decision of the head of the agency")]
    ByHead,
}

/// Who tells a status, and of which licence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Teller {
    /// Whether he is the head of the agency, or acts for him.
    pub head: bool,
    /// Whether the licence is decided by an application here.
    pub by_application: bool,
}

impl OssStatus {
    /// What it is called in Lampiran 10.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Screening => "Proses Penapisan",
            Self::RequirementsGiven => "Telah Melengkapi Persyaratan",
            Self::Complete => "Dokumen Lengkap",
            Self::Incomplete => "Dokumen Belum Lengkap",
            Self::Commitment => "Pemenuhan Komitmen",
            Self::Validation => "Validasi",
            Self::PaymentVerification => "Verifikasi Pembayaran",
            Self::PaymentConfirmation => "Konfirmasi Pembayaran",
            Self::PaymentProofWaiting => "Menunggu Verifikasi Bukti Bayar PNBP",
            Self::PaymentAccepted => "Persetujuan Pembayaran",
            Self::PaymentProofAgain => "Perbaikan Konfirmasi Pembayaran",
            Self::Inspection => "Inspeksi",
            Self::ClockPaused => "Konfirmasi Persyaratan",
            Self::ClockResumed => "Data Konfirmasi Persyaratan",
            Self::ClockReset => "Re-Konfirmasi Persyaratan",
            Self::ClockRestarted => "Data Re-Konfirmasi Persyaratan",
            Self::Verified => "Persyaratan terverifikasi",
            Self::NumberDrawn => "Pengambilan Nomor",
            Self::Approved => "Disetujui",
            Self::IssuedProvisionally => "Terbit Sementara",
            Self::DeemedApproved => "Disetujui secara otomatis oleh sistem OSS (fiktif positif)",
            Self::Warning => "Peringatan",
            Self::Suspension => "Penghentian Sementara Kegiatan Berusaha",
            Self::Fine => "Pengenaan Denda Administratif",
            Self::Rejected => "Ditolak",
            Self::RequirementsRejected => "Penolakan Persyaratan",
        }
    }

    /// The part of a licence's life that it belongs to.
    fn phase(self) -> Phase {
        match self {
            Self::Screening
            | Self::RequirementsGiven
            | Self::Complete
            | Self::Incomplete
            | Self::Commitment
            | Self::Validation
            | Self::PaymentVerification
            | Self::PaymentConfirmation
            | Self::PaymentProofWaiting
            | Self::PaymentAccepted
            | Self::PaymentProofAgain
            | Self::Inspection
            | Self::ClockResumed
            | Self::ClockRestarted
            | Self::Verified
            | Self::NumberDrawn
            // A licence that holds for the time being is still being worked on.
            | Self::IssuedProvisionally => Phase::Working,
            Self::ClockPaused | Self::ClockReset => Phase::Standing,
            Self::Approved | Self::DeemedApproved | Self::Warning | Self::Suspension | Self::Fine => Phase::Issued,
            Self::Rejected | Self::RequirementsRejected => Phase::Refused,
        }
    }

    /// What it says of the form and its papers: that they are found right, or not; none where it says nothing of them.
    #[must_use]
    pub fn agrees_to_form(self) -> Option<bool> {
        if matches!(self, Self::Complete | Self::Verified) {
            Some(true)
        } else {
            matches!(self, Self::Incomplete | Self::RequirementsRejected).then_some(false)
        }
    }

    /// The status that tells OSS what was done to a clock; none for its end, which the decision tells.
    #[must_use]
    pub fn of_clock(verb: ClockVerb) -> Option<Self> {
        match verb {
            ClockVerb::Pause => Some(Self::ClockPaused),
            ClockVerb::Resume => Some(Self::ClockResumed),
            ClockVerb::Reset => Some(Self::ClockReset),
            ClockVerb::Restart => Some(Self::ClockRestarted),
            ClockVerb::Stop => None,
        }
    }

    /// Whether it may follow `before`.
    ///
    /// # Errors
    /// Why not.
    pub fn may_follow(self, before: Option<Self>) -> Result<(), StatusError> {
        let phase = before.map_or(Phase::Working, Self::phase);
        let supervises = matches!(self, Self::Warning | Self::Suspension | Self::Fine);
        if phase == Phase::Refused || (phase == Phase::Issued && !supervises) {
            return Err(StatusError::Decided);
        }
        // A provisional licence is out in the world too.
        if supervises && phase != Phase::Issued && before != Some(Self::IssuedProvisionally) {
            return Err(StatusError::NotIssued);
        }
        let goes_on_from = if self == Self::ClockResumed {
            Some(Self::ClockPaused)
        } else {
            (self == Self::ClockRestarted).then_some(Self::ClockReset)
        };
        if let Some(from) = goes_on_from {
            return if before == Some(from) { Ok(()) } else { Err(StatusError::ClockRuns) };
        }
        if phase == Phase::Standing && self.phase() == Phase::Working {
            return Err(StatusError::ClockStands);
        }
        Ok(())
    }

    /// Whether it says that there will be no licence.
    #[must_use]
    pub fn is_refusal(self) -> bool {
        self.phase() == Phase::Refused
    }

    /// Whether an official may say it. What an application here decides, and what is done to its clock, it tells by itself:
    /// said by hand, OSS would hear another story. Any other decision is the head's.
    ///
    /// # Errors
    /// That it is not said by officials, by this one, or of this licence.
    pub fn by_official(self, teller: Teller) -> Result<(), StatusError> {
        let told_by_application = matches!(
            self,
            Self::ClockPaused
                | Self::ClockResumed
                | Self::ClockReset
                | Self::ClockRestarted
                | Self::PaymentAccepted
                | Self::Approved
                | Self::Rejected
                | Self::RequirementsRejected
        );
        let decides =
            self == Self::IssuedProvisionally || matches!(self.phase(), Phase::Issued | Phase::Refused);
        if self == Self::DeemedApproved {
            Err(StatusError::NotByOfficials)
        } else if teller.by_application && told_by_application {
            Err(StatusError::ByApplication)
        } else if decides && !teller.head {
            Err(StatusError::ByHead)
        } else {
            Ok(())
        }
    }
}

/// Parts of a licence's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Working,
    Standing,
    Issued,
    Refused,
}

/// The keys by which OSS knows a licence. They go back with everything that is told about it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// 13 digits.
    pub nib: String,
    /// Of the application.
    pub oss_id: String,
    /// Of the project.
    pub id_proyek: String,
    /// Of the product; often empty.
    pub id_produk: String,
    /// Of this licence.
    pub id_izin: String,
    /// The code of its kind.
    pub kd_izin: String,
    /// 10 digits.
    pub kd_daerah: String,
    /// 00, 01 or 02.
    pub kewenangan: String,
    /// 01, 02, 04, K02 or K03.
    pub jenis_perizinan: String,
}

/// Whether a type of the catalogue takes licences with these keys.
#[must_use]
pub fn is_bound(binding: &OssBinding, keys: &Keys) -> bool {
    binding.licence_kinds.contains(&keys.jenis_perizinan)
        && binding.authorities.contains(&keys.kewenangan)
        && (binding.licence_codes.is_empty() || binding.licence_codes.contains(&keys.kd_izin))
}

/// The dotted code of a region that OSS writes with ten digits: `1707000000` is `17.07`. `None` if it is none.
#[must_use]
pub fn region_of(kd_daerah: &str) -> Option<String> {
    if kd_daerah.len() != 10 || !kd_daerah.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mut code = String::new();
    for part in [&kd_daerah[..2], &kd_daerah[2..4], &kd_daerah[4..6], &kd_daerah[6..]] {
        if part.bytes().all(|byte| byte == b'0') {
            break;
        }
        if !code.is_empty() {
            code.push('.');
        }
        code.push_str(part);
    }
    (!code.is_empty()).then_some(code)
}

#[cfg(test)]
mod tests {
    use strum::IntoEnumIterator as _;

    use super::*;

    #[test]
    fn what_was_refused_is_said_again_only_where_nothing_after_it_was_taken() {
        use MessageKind::{Final, Status, Update};
        use MessageState::{Pending, Refused, Sent};
        for (this, later, may) in [
            ((Status, Refused), &[][..], true),
            ((Status, Pending), &[], false),
            ((Status, Sent), &[], false),
            ((Status, Refused), &[(Status, Pending), (Status, Refused)], true),
            ((Status, Refused), &[(Status, Refused), (Status, Sent)], false),
            ((Status, Refused), &[(Final, Pending)], true),
            ((Final, Refused), &[(Final, Pending)], false),
            ((Final, Refused), &[(Update, Pending)], false),
            ((Final, Refused), &[(Final, Refused)], true),
            ((Final, Refused), &[(Status, Pending)], true),
        ] {
            assert_eq!(may_be_sent_again(this, later.iter().copied()), may, "{this:?} {later:?}");
        }
    }

    #[test]
    fn line_29_status_codes_are_those_of_lampiran_10() {
        let codes = OssStatus::iter().map(|status| status.to_string()).collect::<Vec<_>>();
        assert_eq!(
            codes.join(" "),
            "05 09 10 11 12 20 30 31 32 33 34 40 41 42 43 44 45 49 50 52 57 60 70 80 90 93"
        );
        for status in OssStatus::iter() {
            assert_eq!(status.to_string().parse(), Ok(status));
            assert!(!status.name().is_empty());
        }
        assert!("58".parse::<OssStatus>().is_err());
    }

    #[test]
    fn line_28_the_verbs_of_a_clock_are_41_to_44() {
        for (verb, code) in [
            (ClockVerb::Pause, Some("41")),
            (ClockVerb::Resume, Some("42")),
            (ClockVerb::Reset, Some("43")),
            (ClockVerb::Restart, Some("44")),
            (ClockVerb::Stop, None),
        ] {
            let told = OssStatus::of_clock(verb).map(|status| status.to_string());
            assert_eq!(told.as_deref(), code, "{verb}");
        }
    }

    #[test]
    fn a_status_follows_only_where_it_makes_sense() {
        use OssStatus::{
            Approved, ClockPaused, ClockReset, ClockRestarted, ClockResumed, Inspection, IssuedProvisionally,
            Rejected, Validation, Warning,
        };
        for (before, status, outcome) in [
            (None, Validation, Ok(())),
            (Some(Validation), Inspection, Ok(())),
            (Some(Inspection), Validation, Ok(())),
            (Some(Validation), ClockPaused, Ok(())),
            (Some(ClockPaused), ClockResumed, Ok(())),
            (Some(ClockPaused), Inspection, Err(StatusError::ClockStands)),
            (Some(ClockPaused), ClockRestarted, Err(StatusError::ClockRuns)),
            (Some(ClockPaused), Rejected, Ok(())),
            (Some(ClockReset), ClockRestarted, Ok(())),
            (None, ClockResumed, Err(StatusError::ClockRuns)),
            (Some(Validation), Warning, Err(StatusError::NotIssued)),
            (Some(Approved), Warning, Ok(())),
            (Some(Approved), Validation, Err(StatusError::Decided)),
            (Some(Rejected), Warning, Err(StatusError::Decided)),
            (Some(IssuedProvisionally), Warning, Ok(())),
            (Some(IssuedProvisionally), Approved, Ok(())),
            (Some(Warning), OssStatus::Suspension, Ok(())),
        ] {
            assert_eq!(status.may_follow(before), outcome, "{before:?} → {status:?}");
        }
    }

    #[test]
    fn who_may_tell_a_status_depends_on_who_decides_the_licence() {
        use OssStatus::{Approved, ClockPaused, DeemedApproved, Inspection, Rejected, Suspension};
        let (officer, head) =
            (Teller { head: false, by_application: false }, Teller { head: true, by_application: false });
        let decided_here = |teller: Teller| Teller { by_application: true, ..teller };
        for (status, teller, outcome) in [
            (Inspection, officer, Ok(())),
            (Inspection, decided_here(officer), Ok(())),
            (ClockPaused, officer, Ok(())),
            (ClockPaused, decided_here(head), Err(StatusError::ByApplication)),
            (Approved, officer, Err(StatusError::ByHead)),
            (Approved, head, Ok(())),
            (Approved, decided_here(head), Err(StatusError::ByApplication)),
            (Rejected, officer, Err(StatusError::ByHead)),
            (Rejected, decided_here(head), Err(StatusError::ByApplication)),
            (Suspension, decided_here(officer), Err(StatusError::ByHead)),
            (Suspension, decided_here(head), Ok(())),
            (DeemedApproved, head, Err(StatusError::NotByOfficials)),
        ] {
            assert_eq!(status.by_official(teller), outcome, "{status} {teller:?}");
        }
    }

    #[test]
    fn regions_lose_their_empty_parts() {
        for (digits, dotted) in [
            ("1707000000", Some("17.07")),
            ("1707050000", Some("17.07.05")),
            ("1707052003", Some("17.07.05.2003")),
            ("1700000000", Some("17")),
            ("0000000000", None),
            ("17.07", None),
            ("170705200x", None),
        ] {
            assert_eq!(region_of(digits).as_deref(), dotted, "{digits}");
        }
    }

    #[test]
    fn a_type_takes_the_licences_that_its_binding_names() {
        let keys = Keys {
            jenis_perizinan: "02".to_owned(),
            kewenangan: "02".to_owned(),
            kd_izin: "033000000001".to_owned(),
            ..Keys::default()
        };
        let binding = |codes: &[&str]| OssBinding {
            licence_kinds: vec!["02".to_owned()],
            authorities: vec!["02".to_owned()],
            licence_codes: codes.iter().map(|code| (*code).to_owned()).collect(),
        };
        assert!(is_bound(&binding(&[]), &keys) && is_bound(&binding(&["033000000001"]), &keys));
        assert!(!is_bound(&binding(&["033000000002"]), &keys));
        assert!(!is_bound(&binding(&[]), &Keys { kewenangan: "01".to_owned(), ..keys }));
    }
}
