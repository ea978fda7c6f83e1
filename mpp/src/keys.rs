//! The keys that verify access tokens, for a process without identity.

use std::sync::Arc;

use mpp_kit::auth::{Jwk, KeySource};
use mpp_kit::client::{PeerChannel, Peers};
use mpp_proto::identity::v1::GetJwksRequest;
use mpp_proto::identity::v1::identity_service_client::IdentityServiceClient;

/// Asks `GetJwks` of identity in another process.
pub(crate) struct PeerKeys(IdentityServiceClient<PeerChannel>);

impl PeerKeys {
    pub(crate) fn source(peers: &Peers) -> Arc<dyn KeySource> {
        Arc::new(Self(IdentityServiceClient::new(peers.channel(mpp_identity::ROLE))))
    }
}

#[async_trait::async_trait]
impl KeySource for PeerKeys {
    async fn jwks(&self) -> anyhow::Result<Vec<Jwk>> {
        let answer = self.0.clone().get_jwks(GetJwksRequest {}).await?.into_inner();
        Ok(answer
            .keys
            .into_iter()
            .map(|key| Jwk {
                kty: key.kty,
                usage: key.r#use,
                alg: key.alg,
                kid: key.kid,
                crv: key.crv,
                x: key.x,
                y: key.y,
            })
            .collect())
    }
}
