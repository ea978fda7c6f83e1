//! What becomes of messages to nobody: one outcome for each address, without a provider.

use async_trait::async_trait;

use super::{Channel, Message, Report};
use crate::domain::outcome::Outcome;
use crate::domain::simulated::Simulated;

/// A recipient that is nobody.
pub(super) struct Nobody(pub(super) Simulated);

#[async_trait]
impl Channel for Nobody {
    async fn send(&self, message: &Message) -> Report {
        let taken = || Report::accepted(format!("simulated.{}", message.tag()));
        match self.0 {
            Simulated::Delivered => Report { later: Some(Outcome::Delivered), ..taken() },
            Simulated::Sent => taken(),
            Simulated::TemporaryFailure => Report::of(Outcome::Busy, "simulated"),
            Simulated::PermanentFailure => Report::of(Outcome::Undeliverable, "simulated"),
            Simulated::TechnicalFailure => Report::of(Outcome::Refused, "simulated"),
            Simulated::FailedThenDelivered => {
                Report { later: Some(Outcome::Delivered), ..Report::of(Outcome::HeldBack, "simulated") }
            }
        }
    }
}
