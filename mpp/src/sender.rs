//! The token with which complaints and documents ask notifications to send.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::ensure;
use mpp_kit::client::Peers;
use mpp_kit::config::ExposeSecret as _;
use mpp_kit::relay::TokenSource;
use mpp_proto::identity::v1::CreateSessionRequest;
use mpp_proto::identity::v1::identity_service_client::IdentityServiceClient;
use tokio::sync::Mutex;

use crate::config::Config;
use crate::office::Identity;

/// From identity in this process, or by signing in with the account of settings `sender.username` and
/// `sender.password`. A token of an account is kept for half of its life: signing in costs.
pub(crate) fn token_source(identity: Option<Identity>, peers: &Peers, config: &Config) -> TokenSource {
    if let Some(identity) = identity {
        return identity.token_source();
    }
    let client = IdentityServiceClient::new(peers.channel(mpp_identity::ROLE));
    let sender = config.sender.clone();
    let kept: Arc<Mutex<Option<(Instant, String)>>> = Arc::default();
    Arc::new(move || {
        let (mut client, sender, kept) = (client.clone(), sender.clone(), Arc::clone(&kept));
        Box::pin(async move {
            let mut kept = kept.lock().await;
            if let Some((until, token)) = kept.as_ref()
                && Instant::now() < *until
            {
                return Ok(token.clone());
            }
            ensure!(
                !sender.username.is_empty(),
                "nobody can be sent a message: set sender.username and sender.password to an account with the role notification-sender"
            );
            let request = CreateSessionRequest {
                username: sender.username.clone(),
                password: sender.password.expose_secret().to_owned(),
            };
            let answer = client.create_session(request).await?.into_inner();
            let life = Duration::from_secs(u64::try_from(answer.expires_in / 2).unwrap_or(0));
            *kept = Some((Instant::now() + life, answer.access_token.clone()));
            Ok(answer.access_token)
        })
    })
}
