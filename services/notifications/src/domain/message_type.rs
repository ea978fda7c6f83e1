//! Types of messages: what gaps they have, how urgent they are, and over which channels they go.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString};

use super::channel::Channel;

/// How soon a message shall arrive. The order is that of the queue.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Display, EnumString, Serialize, Deserialize,
)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "snake_case")]
pub enum Urgency {
    /// Before everything else.
    Urgent,
    /// As soon as possible.
    Normal,
    /// At the times of the delivery rules, unless the sender names a moment.
    Digest,
}

impl Urgency {
    /// Its place in the queue, lowest first.
    #[must_use]
    pub fn priority(self) -> i32 {
        match self {
            Self::Urgent => 0,
            Self::Normal => 1,
            Self::Digest => 2,
        }
    }
}

/// A gap of a type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Placeholder {
    /// Its name.
    pub name: String,
    /// Whether it may hold personal data.
    #[serde(default)]
    pub personal: bool,
}

/// A step of the plan of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanStep {
    /// Over what.
    pub channel: Channel,
    /// How long to wait for the delivery before the next step, in minutes.
    #[serde(default)]
    pub wait_minutes: u32,
}

/// A type of message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MessageType {
    /// Its key.
    pub key: String,
    /// What it is for.
    pub title: String,
    /// The gaps that every notification fills, no more and no less.
    #[serde(default)]
    pub placeholders: Vec<Placeholder>,
    /// How soon, unless the notification says otherwise.
    pub urgency: Urgency,
    /// Whether quiet hours do not hold it back (darurat).
    #[serde(default)]
    pub emergency: bool,
    /// Whether it tells what a person wrote, or that a person wrote it: Meta lets such messages go out later than others.
    #[serde(default)]
    pub by_a_person: bool,
    /// The channels in their order.
    pub plan: Vec<PlanStep>,
    /// The keys of the actions that it offers.
    #[serde(default)]
    pub actions: Vec<String>,
}

/// What is wrong with the values of a notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mismatch {
    /// A gap that nothing fills.
    Missing(String),
    /// A value for which there is no gap.
    Surplus(String),
}

impl MessageType {
    /// What does not fit between the gaps and the values.
    #[must_use]
    pub fn mismatches<'a>(&self, given: impl Iterator<Item = &'a str> + Clone) -> Vec<Mismatch> {
        let missing = self
            .placeholders
            .iter()
            .filter(|gap| !given.clone().any(|name| name == gap.name))
            .map(|gap| Mismatch::Missing(gap.name.clone()));
        let mut surplus: Vec<String> = given
            .clone()
            .filter(|name| !self.placeholders.iter().any(|gap| gap.name == *name))
            .map(str::to_owned)
            .collect();
        surplus.sort();
        missing.chain(surplus.into_iter().map(Mismatch::Surplus)).collect()
    }

    /// The names of its gaps that may hold personal data.
    #[must_use]
    pub fn personal(&self) -> Vec<&str> {
        self.placeholders.iter().filter(|gap| gap.personal).map(|gap| gap.name.as_str()).collect()
    }

    /// Whether it has this gap.
    #[must_use]
    pub fn has_gap(&self, name: &str) -> bool {
        self.placeholders.iter().any(|gap| gap.name == name)
    }
}

/// What fills the gaps of a notification.
pub type Values = BTreeMap<String, String>;
