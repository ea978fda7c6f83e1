//! The rules of complaints: pure functions of what is known and the time. No I/O, no clock, no wire format.
//!
//! Read in this order: [`words`] (states, verbs, roles), [`number`] (how a case is called), [`deadline`] and [`clock`]
//! (how long it may take), [`case`] (what a case is), [`workflow`] (what may be done to it, by whom), [`channel`] (what authors do to what they wrote), [`partner`] (what systems of agencies say), [`language`] (in which words), [`ladder`] (who is
//! told when it takes too long), [`board`], [`digest`], [`report`] and [`map`] (what is counted), [`evidence`] (what the Ombudsman asks for beside it).

pub mod board;
pub mod case;
pub mod channel;
pub mod clock;
pub mod deadline;
pub mod digest;
pub mod disclosure;
pub mod evidence;
pub mod ladder;
pub mod language;
pub mod map;
pub mod number;
pub mod partner;
pub mod report;
pub mod rules;
pub mod words;
pub mod workflow;

mpp_kit::ids! {
    /// A case.
    pub CaseId = "cmp";
    /// An upload.
    pub FileId = "fil";
    /// A row of the deadlines table.
    pub DeadlineId = "dln";
    /// An office of the ladder.
    pub OfficialId = "ofl";
    /// An appointment to act in an office (Plt., Plh.).
    pub ActingId = "act";
    /// A step of the ladder that was taken.
    pub EscalationId = "esc";
    /// A message that has to go out.
    pub OutboxId = "obx";
    /// A request to see who reported.
    pub RevealId = "rvl";
    /// A text that officers start from.
    pub TemplateId = "rst";
    /// A row of the ledger of SP4N-LAPOR!.
    pub LedgerId = "lpr";
    /// A paper for the Ombudsman.
    pub EvidenceId = "evd";
}

/// Where cases stand that no agency has yet.
pub const COORDINATOR: &str = "coordinator";
/// Where whistleblowing stands: on no agency's board.
pub const WHISTLEBLOWING: &str = "whistleblowing";
/// Where whistleblowing about the inspectorate itself stands: with the agency that is named for that, and on no list of the
/// inspectorate.
pub const ABOUT_INSPECTORATE: &str = "whistleblowing-apart";

/// Whether a desk holds whistleblowing.
#[must_use]
pub fn is_inspected(desk: &str) -> bool {
    matches!(desk, WHISTLEBLOWING | ABOUT_INSPECTORATE)
}
