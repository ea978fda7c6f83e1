//! The rules of letters and licences: pure functions of what is known and the time. No I/O, no clock, no wire format.
//!
//! Read in this order: [`area`] (where), [`field`] (what a form asks), [`step`] (who decides), [`letter_type`] (one
//! entry of the catalogue), [`number`] (how documents are numbered), [`calendar`] and [`sla`] (how long it may take),
//! [`payment`] (its fee), [`workflow`] (what happens to an application), [`notice`] (who is told of it), [`document`] (what was
//! issued), [`event`] and [`licence`] (what other systems are told, and ask for).

pub mod area;
pub mod code;
pub mod document;
pub mod event;
pub mod field;
pub mod letter_type;
pub mod licence;
pub mod life_event;
pub mod notice;
pub mod number;
pub mod office;
pub mod payment;
pub mod person;
pub mod sla;
pub mod step;
pub mod text;
pub mod workflow;

pub use mpp_kit::calendar;

mpp_kit::ids! {
    /// An issuing unit: a village, a sub-district or an agency.
    pub OfficeId = "ofc";
    /// A request for a letter or licence (permohonan).
    pub ApplicationId = "app";
    /// What was issued.
    pub DocumentId = "doc";
    /// An upload, or the bytes of a document after a signature.
    pub FileId = "fil";
    /// An appointment to act in a role (Plt., Plh.).
    pub DelegationId = "dlg";
    /// A coat of arms, as it was uploaded for an area.
    pub ArmsId = "arm";
    /// Something that happened, for other systems.
    pub EventId = "evt";
    /// A message to an applicant or an official.
    pub NoticeId = "msg";
    /// A request to sign that came without an id of its own.
    pub SigningId = "sig";
}
