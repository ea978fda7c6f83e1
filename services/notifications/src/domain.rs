//! The rules of notifications: pure functions of what is known and the time. No I/O, no clock, no wire format.
//!
//! Read in this order: [`channel`] (over what), [`status`] (where a step stands), [`message_type`] and [`template`] (what is
//! said), [`variant`] (which text may be used), [`rules`] (when), [`outcome`] (what follows an attempt), [`circuit`] (when a
//! channel account is left alone), [`simulated`] (addresses of nobody).

pub mod channel;
pub mod circuit;
pub mod direct;
pub mod message_type;
pub mod outcome;
pub mod rules;
pub mod simulated;
pub mod status;
pub mod template;
pub mod variant;

mpp_kit::ids! {
    /// A message to one recipient.
    pub NotificationId = "ntf";
    /// A message in the list of an account.
    pub InboxId = "inb";
    /// A signed link that opens once.
    pub LinkId = "lnk";
    /// Something that happened, for other systems.
    pub EventId = "evt";
}

/// What other systems are told of.
pub const EVENT_TYPES: [&str; 8] = [
    "notification.sent",
    "notification.delivered",
    "notification.failed",
    "notification.suppressed",
    "notification.expired",
    "notification.fell_back",
    "notification.cancelled",
    "contact.failing",
];
