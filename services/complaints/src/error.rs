//! What can go wrong here, as situations; and what a caller is told of each.

use std::time::Duration;

use mpp_kit::fault::{Fault, Problem, Text, Violation};
use mpp_kit::files::FilesError;
use mpp_kit::idempotency::IdempotencyError;
use sea_orm::DbErr;
use thiserror::Error;
use tonic::Code;

use crate::domain::workflow::Rejection;

/// After which time a caller may try again when something we depend on does not answer.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// Things that are looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Thing {
    Complaint,
    Number,
    File,
    Escalation,
    Reveal,
    Agency,
    Official,
    Deadline,
    Calendar,
    Channel,
    Evidence,
    Link,
}

impl Thing {
    /// Its name in both languages.
    fn name(self) -> (&'static str, &'static str) {
        match self {
            Self::Complaint => ("aduan", "complaint"),
            // One sentence for a number that was never given and for a wrong PIN.
            Self::Number => ("aduan dengan nomor dan PIN itu", "complaint with this number and PIN"),
            Self::File => ("berkas", "file"),
            Self::Escalation => ("eskalasi", "escalation"),
            Self::Reveal => ("permintaan", "request"),
            Self::Agency => ("instansi", "agency"),
            Self::Official => ("jabatan", "office"),
            Self::Deadline => ("tenggat", "deadline"),
            Self::Calendar => ("kalender", "calendar"),
            Self::Channel => ("kanal", "channel"),
            Self::Evidence => ("dokumen bukti", "paper"),
            Self::Link => ("tautan yang masih berlaku", "link that still works"),
        }
    }
}

/// A situation in which complaints refuses or fails.
#[derive(Debug, Error)]
pub(crate) enum Error {
    /// There is none, or it lies outside what the caller reaches: which one is not told.
    #[error("not found: {0:?}")]
    NotFound(Thing),
    /// Somebody else changed it meanwhile.
    #[error("the version is another by now")]
    Stale {
        /// The version it has now.
        version: u32,
    },
    /// The rules refuse. Nothing has changed.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The caller may see it but not do this.
    #[error("denied")]
    Denied,
    /// The one who asked cannot be the one who approves.
    #[error("the second person is the first")]
    OwnRequest,
    /// Approved already, or not open.
    #[error("the request is not waiting")]
    NotWaiting,
    /// The scanner has not looked at the file yet, or found something.
    #[error("the file is not to be opened: {0}")]
    FileHeld(crate::domain::words::Scan),
    /// The file would tell who sent it, and no copy can be made that does not.
    #[error("the file tells who sent it")]
    FileWithheld,
    /// The paper was withdrawn before.
    #[error("the paper was withdrawn before")]
    Withdrawn,
    /// The files of a pack are more than one answer carries.
    #[error("the pack is larger than one answer")]
    PackTooLarge,
    /// So many reports came from this contact today.
    #[error("too many reports of one contact")]
    TooMany {
        /// How many are permitted in a day.
        limit: u32,
    },
    /// So many reports without a contact came from this network today.
    #[error("too many reports without a contact from one network")]
    TooManyFromNetwork {
        /// How many are permitted in a day.
        limit: u32,
        /// Until when.
        wait: Duration,
    },
    /// The signature of a webhook is missing or wrong.
    #[error("a webhook is not believed")]
    Unsigned {
        /// Whether there was none.
        missing: bool,
    },
    /// A partner has told this before.
    #[error("an update was taken before")]
    UpdateKnown,
    /// The request is wrong in itself, or the kit refused it.
    #[error(transparent)]
    Refused(Box<Problem>),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DbErr),
    /// The file store failed.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// Something of ours failed.
    #[error(transparent)]
    Broken(#[from] anyhow::Error),
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::Refused(Box::new(problem))
    }
}

impl From<IdempotencyError> for Error {
    fn from(error: IdempotencyError) -> Self {
        match error {
            IdempotencyError::Database(error) => error.into(),
            IdempotencyError::Reused | IdempotencyError::KeyRequired => Problem::from(error).into(),
        }
    }
}

impl Fault for Error {
    fn problem(self) -> Problem {
        match self {
            Self::NotFound(thing) => {
                let (id, en) = thing.name();
                Problem::not_found(id, en)
            }
            Self::Stale { version } => Problem::new(
                Code::Aborted,
                "VERSION_MISMATCH",
                "Aduan ini baru saja diubah orang lain. Lihat keadaannya yang terbaru, lalu ulangi bila masih perlu.",
                "Somebody else has just changed this complaint. Look at it again, then repeat if it is still needed.",
            )
            .with("version", version),
            Self::Rejected(rejection) => rejected(&rejection),
            Self::Denied => Problem::denied(),
            Self::OwnRequest => Problem::new(
                Code::PermissionDenied,
                "SECOND_PERSON_REQUIRED",
                "Permintaan Anda sendiri harus disetujui orang lain.",
                "Somebody else has to approve your own request.",
            ),
            Self::NotWaiting => Problem::precondition(
                "NOT_WAITING",
                "Permintaan ini sudah diputuskan atau sudah ditanggapi.",
                "This was decided or answered already.",
            ),
            Self::FileHeld(scan) => Problem::precondition(
                "FILE_HELD",
                "Berkas ini belum dinyatakan aman oleh pemindai virus.",
                "The virus scanner has not cleared this file.",
            )
            .with("scan", scan),
            Self::FileWithheld => Problem::new(
                Code::PermissionDenied,
                "FILE_WITHHELD",
                "Berkas ini memuat keterangan tentang pembuatnya yang tidak dapat dihapus, jadi pelapor dapat dikenali darinya. Koordinator pengaduan dapat membukanya; mintalah isinya dari sana.",
                "This file holds notes about its maker that cannot be removed, so it could tell who reported. The complaints coordinator can open it: ask there for what it says.",
            ),
            Self::Withdrawn => Problem::precondition(
                "WITHDRAWN",
                "Dokumen bukti ini sudah dicabut.",
                "This paper was withdrawn before.",
            ),
            Self::PackTooLarge => Problem::precondition(
                "PACK_TOO_LARGE",
                "Berkas bukti dalam periode ini terlalu besar untuk satu paket. Pilih periode yang lebih pendek.",
                "The files of this period are too large for one pack. Choose a shorter period.",
            ),
            Self::TooMany { limit } => Problem::new(
                Code::ResourceExhausted,
                "TOO_MANY_REPORTS",
                "Kontak ini sudah mengirim banyak laporan hari ini. Lanjutkan besok, atau datang ke meja pengaduan.",
                "This contact has sent many reports today. Go on tomorrow, or come to the complaint desk.",
            )
            .with("limit", limit)
            .retry_after(Duration::from_secs(3600)),
            Self::TooManyFromNetwork { limit, wait } => Problem::new(
                Code::ResourceExhausted,
                "TOO_MANY_FROM_NETWORK",
                "Dari jaringan internet ini hari ini sudah sangat banyak laporan tanpa kontak. Isi nomor telepon atau surel agar laporan ini diterima sekarang, lanjutkan besok, atau datang ke meja pengaduan.",
                "Very many reports without a contact came from this internet connection today. Give a telephone number or an e-mail address and this report is taken now, go on tomorrow, or come to the complaint desk.",
            )
            .with("limit", limit)
            .retry_after(wait),
            Self::Unsigned { missing: true } => Problem::new(
                Code::Unauthenticated,
                "SIGNATURE_MISSING",
                "Tanda tangan kiriman tidak ada.",
                "The delivery carries no signature.",
            ),
            Self::Unsigned { missing: false } => Problem::new(
                Code::PermissionDenied,
                "SIGNATURE_WRONG",
                "Tanda tangan kiriman tidak cocok.",
                "The signature does not belong to this delivery.",
            ),
            Self::UpdateKnown => invalid(
                "update_id",
                "UPDATE_KNOWN",
                "pembaruan ini sudah diterima: pakai update_id lain untuk yang baru",
                "this update was taken before: give another update_id for another one",
            ),
            Self::Refused(problem) => *problem,
            Self::Database(error) => error.problem(),
            Self::Files(error @ FilesError::Store(_)) => Problem::unavailable(error, RETRY_AFTER),
            Self::Files(error @ (FilesError::Missing(_) | FilesError::Damaged(_))) => Problem::internal(error),
            Self::Broken(error) => Problem::internal(error),
        }
    }
}

fn invalid(field: &str, reason: &'static str, id: &str, en: &str) -> Problem {
    Problem::invalid(vec![Violation { field: field.to_owned(), reason, text: Text::new(id, en) }])
}

/// What a caller is told when the rules refuse. The reasons are part of the contract: programs match on them.
fn rejected(rejection: &Rejection) -> Problem {
    match rejection {
        Rejection::NotNow { verb, state, allowed } => Problem::precondition(
            "NOT_PERMITTED_IN_STATE",
            "Aduan ini sudah berada pada tahap lain. Muat ulang untuk melihat yang dapat dilakukan sekarang.",
            "The complaint is at another stage by now. Reload it to see what can be done.",
        )
        .with("verb", verb)
        .with("state", state)
        .with("allowedVerbs", allowed.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")),
        Rejection::NotYours { verb, part } => Problem::new(
            Code::PermissionDenied,
            "NOT_YOUR_PART",
            "Tindakan ini bukan wewenang Anda untuk aduan ini.",
            "This is not yours to do to this complaint.",
        )
        .with("verb", verb)
        .with("part", part),
        Rejection::UnknownAgency(_) => invalid(
            "agency_id",
            "UNKNOWN_AGENCY",
            "pilih instansi dari daftar instansi yang masih menerima aduan",
            "choose an agency of the list that still takes complaints",
        ),
        Rejection::BounceLimit(bounces) => Problem::precondition(
            "BOUNCE_LIMIT",
            "Aduan ini sudah terlalu sering ditolak balik. Koordinator yang memutuskan.",
            "This complaint was sent back too often. The coordinator decides.",
        )
        .with("bounces", bounces),
        Rejection::InspectorateOnly => Problem::precondition(
            "INSPECTORATE_ONLY",
            "Pengaduan berkadar pengawasan hanya ditangani inspektorat.",
            "Whistleblowing is for the inspectorate alone.",
        ),
        Rejection::NoAlternative => Problem::precondition(
            "NO_ALTERNATIVE",
            "Laporan tentang inspektorat belum dapat diterima di sini, agar tidak dibaca oleh yang dilaporkan. Sampaikan melalui SP4N-LAPOR! (lapor.go.id) atau KPK (kws.kpk.go.id).",
            "Reports about the inspectorate cannot be taken here yet, so that those they are about do not read them. Use SP4N-LAPOR! (lapor.go.id) or KPK (kws.kpk.go.id).",
        ),
        Rejection::NoProof => invalid(
            "proof_file_ids",
            "PROOF_REQUIRED",
            "unggah bukti, atau pilih alasan tanpa bukti dari daftar",
            "upload proof, or choose a listed reason without proof",
        ),
        Rejection::WindowOver => Problem::precondition(
            "WINDOW_OVER",
            "Waktu untuk menanggapi sudah lewat. Buat laporan baru bila masalahnya masih ada.",
            "The time to answer is over. File a new report if it is still not done.",
        ),
        Rejection::CannotMerge(why) => Problem::precondition(
            "CANNOT_MERGE",
            "Kedua aduan ini tidak dapat digabung seperti itu. Gabungkan yang lebih baru ke yang lebih lama dan masih terbuka.",
            "These complaints cannot be merged like that. Merge the younger one into an older one that is open.",
        )
        .with("why", why),
        Rejection::UnknownCategory(_) => {
            invalid("category", "UNKNOWN_CATEGORY", "pilih kategori dari daftar", "choose a category of the list")
        }
        Rejection::SecrecyIsTheReporters => Problem::new(
            Code::PermissionDenied,
            "SECRECY_IS_THE_REPORTERS",
            "Hanya pelapor yang dapat menurunkan kerahasiaan.",
            "Only the reporter may make it less secret.",
        ),
        Rejection::IsSecret => Problem::precondition(
            "IS_SECRET",
            "Aduan rahasia tidak dapat dipublikasikan.",
            "A secret complaint cannot be published.",
        ),
        Rejection::IsClosed => Problem::precondition(
            "IS_CLOSED",
            "Aduan ini sudah ditutup.",
            "This complaint is closed.",
        ),
        Rejection::UnknownReporter(_) => invalid(
            "reporter",
            "UNKNOWN_REPORTER",
            "pilih pelapor dari daftar pelapor aduan ini",
            "choose one of the reporters of this complaint",
        ),
        Rejection::NoHelper(_) => Problem::precondition(
            "NO_HELP_ASKED",
            "Instansi ini tidak diminta membantu, atau sudah selesai membantu.",
            "No help is asked of this agency, or it has helped already.",
        ),
        Rejection::AllHeard => Problem::precondition(
            "ALL_HEARD",
            "Tidak ada jawaban akhir yang belum sampai kepada pelapor.",
            "There is no final answer that has not arrived.",
        ),
        Rejection::NothingToRate => Problem::precondition(
            "NOTHING_TO_RATE",
            "Belum ada yang dapat dinilai, atau penilaian sudah diberikan.",
            "There is nothing to rate, or it was rated already.",
        ),
    }
}
