//! The words of the domain, as they are stored and shown.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

macro_rules! words {
    ($($(#[$meta:meta])* $name:ident { $($(#[$inner:meta])* $variant:ident,)* })*) => {$(
        $(#[$meta])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Display, EnumString,
            EnumIter, IntoStaticStr,
        )]
        #[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
        #[serde(rename_all = "SCREAMING_SNAKE_CASE")]
        pub enum $name { $($(#[$inner])* $variant,)* }
    )*};
}

words! {
    /// What kind of report it is.
    Class {
        /// Pengaduan.
        Complaint,
        /// Aspirasi.
        Aspiration,
        /// Permintaan informasi.
        InformationRequest,
        /// Berkadar pengawasan: goes to the inspectorate only.
        Whistleblowing,
    }
    /// What the reporter asks to be kept secret.
    Secrecy {
        /// Biasa: officers who work on it see who reported.
        Open,
        /// Anonim: nobody sees who reported.
        Anonymous,
        /// Rahasia: nor does the public see anything of it.
        Secret,
    }
    /// Where a report came from.
    Channel {
        /// The page.
        Web,
        /// The complaint desk.
        Counter,
        /// WhatsApp.
        Whatsapp,
        /// Facebook.
        Facebook,
        /// Instagram.
        Instagram,
        /// E-mail.
        Email,
        /// SP4N-LAPOR!.
        Sp4n,
        /// Open311.
        Open311,
        /// Another system.
        Api,
    }
    /// Where a case stands.
    State {
        /// Baru.
        New,
        /// Terverifikasi.
        Verified,
        /// Didisposisikan.
        Disposed,
        /// Diproses.
        InProgress,
        /// Minta kelengkapan.
        AwaitingCompletion,
        /// Menunggu konfirmasi.
        AwaitingConfirmation,
        /// Dibuka kembali.
        Reopened,
        /// Selesai.
        Settled,
        /// Digabung.
        Merged,
        /// Diteruskan ke luar.
        ForwardedOutside,
        /// Diarsipkan.
        Archived,
        /// Dianggap dicabut.
        DeemedWithdrawn,
        /// Dicabut.
        Withdrawn,
    }
    /// What is done to a case.
    Verb {
        /// Verifikasi.
        Verify,
        /// Disposisi.
        Dispose,
        /// Terima.
        Accept,
        /// Tolak balik.
        Bounce,
        /// Minta kelengkapan.
        AskCompletion,
        /// The reporter completes, or an officer enters what they said elsewhere.
        Complete,
        /// Respon awal.
        FirstAnswer,
        /// Respon substantif.
        Answer,
        /// Sudah.
        Confirm,
        /// Belum.
        Reopen,
        /// Ten days of silence.
        CloseBySilence,
        /// Gabung.
        Merge,
        /// Bukan wewenang.
        ForwardOutside,
        /// Arsip.
        Archive,
        /// Cabut.
        Withdraw,
        /// Thirty days without completion.
        DeemWithdrawn,
        /// Tarik pertanyaan.
        TakeBackQuestion,
    }
    /// Who does it.
    Part {
        /// Who reported.
        Reporter,
        /// Who distributes: admin pengaduan of the regency.
        Coordinator,
        /// Who answers for the agency that has the lead.
        Agency,
        /// The inspectorate, for whistleblowing.
        Inspector,
        /// Time itself.
        System,
    }
    /// Clocks of a case.
    ClockKind {
        /// Until it is verified and forwarded.
        Verify,
        /// Until the agency takes it.
        Accept,
        /// Until the first answer.
        FirstAnswer,
        /// Until the substantive answer: the legal clock.
        Settle,
        /// Until anybody reacts: the promise.
        Reaction,
    }
    /// What the public sees of a case.
    Publication {
        /// Nobody has decided yet.
        Pending,
        /// Visible, without the reporter.
        Public,
        /// Withheld by an officer.
        Withheld,
        /// Never visible.
        Secret,
    }
    /// A rung of the ladder.
    Rung {
        /// Admin of the agency.
        Admin,
        /// Its head.
        AgencyHead,
        /// Sekda.
        Secretary,
        /// Bupati.
        Regent,
        /// The inspectorate, for whistleblowing.
        Inspectorate,
    }
    /// How a message stands in a case.
    MessageKind {
        /// The report itself.
        Report,
        /// More from the reporter.
        Addition,
        /// A question to the reporter.
        Question,
        /// Respon awal.
        FirstAnswer,
        /// Respon substantif.
        Answer,
        /// Among officers.
        Note,
        /// It may be the reporter's, and nothing proves it: for who distributes cases alone.
        Unproven,
        /// What the system tells.
        Notice,
    }
    /// Why a case is archived: the closed list.
    ArchiveReason {
        /// It cannot be understood, and the reporter does not answer.
        Unclear,
        /// It reports nothing.
        NotAReport,
        /// It was settled already.
        DuplicateOfSettled,
        /// It only insults.
        Abusive,
        /// Somebody tried the form.
        Test,
        /// A court has it.
        InCourt,
    }
    /// Whose it is to decide, when not the regency's: the closed list.
    ForwardReason {
        /// A ministry.
        CentralGovernment,
        /// The province.
        Province,
        /// Another regency.
        OtherRegency,
        /// A state company.
        StateCompany,
        /// A court.
        Court,
        /// The police.
        Police,
    }
    /// Why a case is settled without proof: the closed list.
    NoProofReason {
        /// What was asked for was told.
        InformationGiven,
        /// Nothing was found on site.
        NotFoundOnSite,
        /// It has no budget this year.
        NoBudgetThisYear,
        /// It is between private persons.
        PrivateMatter,
    }
    /// What became of a message to somebody.
    DeliveryState {
        /// It waits in the outbox.
        Queued,
        /// Notifications took it.
        Accepted,
        /// It arrived.
        Delivered,
        /// It will not arrive.
        Failed,
        /// There is no way to reach them.
        NoContact,
    }
    /// What the virus scanner said.
    Scan {
        /// It has not looked yet.
        Pending,
        /// Nothing was found.
        Clean,
        /// Something was found.
        Infected,
        /// There is no scanner, and the installation permits that.
        NotScanned,
    }
}

impl State {
    /// Whether nothing more is awaited of anybody.
    #[must_use]
    pub fn is_closed(self) -> bool {
        match self {
            Self::Settled
            | Self::Merged
            | Self::ForwardedOutside
            | Self::Archived
            | Self::DeemedWithdrawn
            | Self::Withdrawn => true,
            Self::New
            | Self::Verified
            | Self::Disposed
            | Self::InProgress
            | Self::AwaitingCompletion
            | Self::AwaitingConfirmation
            | Self::Reopened => false,
        }
    }
}

impl ClockKind {
    /// Whether the law sets it; else it is a promise. The two are never mixed in one figure.
    #[must_use]
    pub fn is_legal(self) -> bool {
        match self {
            Self::Verify | Self::Accept | Self::FirstAnswer | Self::Settle => true,
            Self::Reaction => false,
        }
    }

    /// Whether it stands still while the reporter is asked.
    #[must_use]
    pub fn pauses(self) -> bool {
        match self {
            Self::Verify | Self::FirstAnswer | Self::Settle => true,
            // Taking a case asks nothing of the reporter, and a promise of a reaction is kept by asking.
            Self::Accept | Self::Reaction => false,
        }
    }
}

impl Secrecy {
    /// Whether officers may see who reported.
    #[must_use]
    pub fn shows_reporter(self) -> bool {
        match self {
            Self::Open => true,
            Self::Anonymous | Self::Secret => false,
        }
    }
}
