//! A counter as it is now.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString};

use super::{CounterId, ServiceId, TicketId};

/// Whether a counter can call. A counter that holds a ticket is shown as serving.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, EnumString)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Availability {
    /// Nobody works there.
    Closed,
    /// Ready to call.
    Open,
    /// On break.
    Break,
}

/// A counter as it is now. Events carry it whole, as it is after the step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counter {
    /// Its id.
    pub id: CounterId,
    /// Whether it can call.
    pub availability: Availability,
    /// Why it is on break or closed; may be empty.
    pub reason: String,
    /// Services it calls for now.
    pub services: Vec<ServiceId>,
    /// Who works there, as an account id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staff: Option<String>,
    /// When it was opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened_at: Option<DateTime<Utc>>,
    /// When its availability last changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_at: Option<DateTime<Utc>>,
    /// When it last called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_call_at: Option<DateTime<Utc>>,
    /// The ticket it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<TicketId>,
    /// Legs finished here today.
    pub finished: u32,
}

impl Counter {
    /// A counter at which nobody works.
    #[must_use]
    pub fn closed(id: CounterId) -> Self {
        Self {
            id,
            availability: Availability::Closed,
            reason: String::new(),
            services: Vec::new(),
            staff: None,
            opened_at: None,
            changed_at: None,
            last_call_at: None,
            current: None,
            finished: 0,
        }
    }
}
