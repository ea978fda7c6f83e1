//! Hashing passwords with argon2id: slow on purpose, so never on the threads that serve, and never more at once than
//! there are cores.

use std::sync::Arc;

use anyhow::Context as _;
use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{Error as HashError, PasswordHasher as _, PasswordVerifier as _, phc::PasswordHash},
};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{config::Argon2Costs, crypto::digest, domain::password};

/// Hashes and verifies passwords.
pub(crate) struct Hasher {
    params: Params,
    turns: Arc<Semaphore>,
    /// The hash of a password nobody knows. It is verified when there is no account, so that the answer takes as long.
    dummy: String,
}

/// A turn at hashing. Whoever holds one may also look and write around it: guesses are then counted before the next turn
/// begins, and only as many can run ahead of the count as there are cores.
#[derive(Clone)]
pub(crate) struct Turn(#[expect(dead_code, reason = "held for its drop")] Arc<OwnedSemaphorePermit>);

impl Hasher {
    /// A hasher with these costs and one turn per core.
    pub(crate) async fn new(costs: Argon2Costs) -> anyhow::Result<Self> {
        let params = Params::new(costs.memory_kib, costs.passes, costs.lanes, None)
            .map_err(|error| anyhow::anyhow!("settings identity.argon2.*: {error}"))?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let mut hasher = Self { params, turns: Arc::new(Semaphore::new(cores)), dummy: String::new() };
        hasher.dummy = hasher.hash(&hasher.turn().await, digest::random_secret()).await?;
        Ok(hasher)
    }

    /// Waits for a turn.
    pub(crate) async fn turn(&self) -> Turn {
        let permit = Arc::clone(&self.turns).acquire_owned().await.expect("the semaphore is never closed");
        Turn(Arc::new(permit))
    }

    /// Hashes a new password, as a PHC string.
    pub(crate) async fn hash(&self, turn: &Turn, password: SecretString) -> anyhow::Result<String> {
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, self.params.clone());
        // The turn goes along: a caller that gives up does not end the hashing, and must not free its core.
        let turn = turn.clone();
        tokio::task::spawn_blocking(move || {
            let hash = argon2.hash_password(password.expose_secret().as_bytes());
            drop(turn);
            hash.map(|hash| hash.to_string())
        })
        .await
        .context("hashing a password was cut off")?
        .context("hashing a password")
    }

    /// Whether the password is the one of the stored hash. Without a stored hash the answer is no, after the same work.
    pub(crate) async fn verify(
        &self,
        turn: &Turn,
        password: &str,
        stored: Option<&str>,
    ) -> anyhow::Result<bool> {
        // What is longer than any password can be is not hashed, so that nobody makes the service read megabytes.
        let candidate = if password.chars().count() > *password::LENGTH.end() { "" } else { password };
        let candidate = SecretString::from(candidate.to_owned());
        let hash = stored.unwrap_or(&self.dummy).to_owned();
        let turn = turn.clone();
        let outcome = tokio::task::spawn_blocking(move || {
            let outcome = PasswordHash::new(&hash).map_err(HashError::from).and_then(|hash| {
                Argon2::default().verify_password(candidate.expose_secret().as_bytes(), &hash)
            });
            drop(turn);
            outcome
        })
        .await
        .context("verifying a password was cut off")?;
        match outcome {
            Ok(()) => Ok(stored.is_some()),
            Err(HashError::PasswordInvalid) => Ok(false),
            Err(error) => Err(error).context("verifying a password"),
        }
    }

    /// Whether a stored hash was made with other costs than those set now.
    pub(crate) fn is_outdated(&self, stored: &str) -> bool {
        PasswordHash::new(stored).ok().and_then(|hash| Params::try_from(&hash).ok()).is_none_or(|made_with| {
            (made_with.m_cost(), made_with.t_cost(), made_with.p_cost())
                != (self.params.m_cost(), self.params.t_cost(), self.params.p_cost())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Argon2Costs = Argon2Costs { memory_kib: 16, passes: 1, lanes: 1 };

    #[tokio::test]
    async fn a_password_verifies_against_its_own_hash_only() {
        let hasher = Hasher::new(SMALL).await.unwrap();
        let turn = hasher.turn().await;
        let hash = hasher.hash(&turn, "kopi susu tiga".to_owned().into()).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=16,t=1,p=1$"), "{hash}");
        assert!(hasher.verify(&turn, "kopi susu tiga", Some(&hash)).await.unwrap());
        assert!(!hasher.verify(&turn, "kopi susu dua", Some(&hash)).await.unwrap());
        assert!(!hasher.verify(&turn, &"k".repeat(1_000_000), Some(&hash)).await.unwrap());
    }

    #[tokio::test]
    async fn without_a_stored_hash_the_dummy_is_verified_at_the_same_cost_and_never_opens() {
        let mut hasher = Hasher::new(SMALL).await.unwrap();
        assert!(hasher.dummy.starts_with("$argon2id$v=19$m=16,t=1,p=1$"));
        let turn = hasher.turn().await;
        // Even somebody who knew the dummy's password would not get in.
        hasher.dummy = hasher.hash(&turn, "kopi susu tiga".to_owned().into()).await.unwrap();
        assert!(!hasher.verify(&turn, "kopi susu tiga", None).await.unwrap());
    }

    #[tokio::test]
    async fn a_hash_with_other_costs_is_outdated() {
        let hasher = Hasher::new(SMALL).await.unwrap();
        assert!(!hasher.is_outdated(&hasher.dummy));
        let dearer = Hasher::new(Argon2Costs { passes: 2, ..SMALL }).await.unwrap();
        assert!(dearer.is_outdated(&hasher.dummy));
        assert!(dearer.is_outdated("$2b$12$abcdefghijklmnopqrstuv"));
    }

    #[tokio::test]
    async fn no_more_turns_are_given_than_there_are_cores() {
        let hasher = Hasher::new(SMALL).await.unwrap();
        let mut turns = Vec::new();
        while hasher.turns.available_permits() > 0 {
            turns.push(hasher.turn().await);
        }
        assert_eq!(turns.len(), std::thread::available_parallelism().map_or(1, usize::from));
        // A turn that is cloned into work is free only when the work is done too.
        let at_work = turns[0].clone();
        turns.remove(0);
        assert_eq!(hasher.turns.available_permits(), 0);
        drop(at_work);
        assert_eq!(hasher.turns.available_permits(), 1);
    }
}
