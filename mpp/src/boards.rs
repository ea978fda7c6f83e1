//! The token with which the gateway reads boards: one upstream per hall serves every board, whoever watches.

use std::sync::Arc;

use anyhow::ensure;
use mpp_kit::client::Peers;
use mpp_kit::config::ExposeSecret as _;
use mpp_kit::relay::TokenSource;
use mpp_proto::identity::v1::CreateDeviceSessionRequest;
use mpp_proto::identity::v1::identity_service_client::IdentityServiceClient;

use crate::config::Config;
use crate::office::Identity;

/// From identity in this process, or by signing in as the enrolled board of setting `board.device_key`. Asked for once
/// per connection of a hall's board, so nothing is kept.
pub(crate) fn token_source(identity: Option<Identity>, peers: &Peers, config: &Config) -> TokenSource {
    if let Some(identity) = identity {
        return identity.token_source();
    }
    let client = IdentityServiceClient::new(peers.channel(mpp_identity::ROLE));
    let key = config.board.device_key.clone();
    Arc::new(move || {
        let (mut client, key) = (client.clone(), key.clone());
        Box::pin(async move {
            ensure!(
                !key.expose_secret().is_empty(),
                "the gateway has no key to read boards with: enrol one (mpp device enrol --kind board) and set board.device_key"
            );
            let request = CreateDeviceSessionRequest { device_key: key.expose_secret().to_owned() };
            Ok(client.create_device_session(request).await?.into_inner().access_token)
        })
    })
}
