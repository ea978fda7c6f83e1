//! `GetJwks`: the public keys, also of keys that do not sign yet or no longer.

use mpp_kit::caller::Caller;
use mpp_proto::identity::v1::{GetJwksRequest, GetJwksResponse, JsonWebKey};
use tonic::Response;

use super::Core;
use crate::{error::Error, store};

pub(super) async fn handle(
    core: &Core,
    _caller: &Caller,
    _request: GetJwksRequest,
) -> Result<Response<GetJwksResponse>, Error> {
    let keys = store::signing_key::public(&core.db.read).await?;
    let keys = keys.into_iter().map(|key| JsonWebKey {
        kty: key.kty,
        r#use: key.usage,
        alg: key.alg,
        kid: key.kid,
        crv: key.crv,
        x: key.x,
        y: key.y,
    });
    Ok(Response::new(GetJwksResponse { keys: keys.collect() }))
}
