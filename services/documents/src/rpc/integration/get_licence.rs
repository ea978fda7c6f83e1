//! `GetLicence`: with what was and will be told to OSS. Each look is recorded.

use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_proto::documents::v1::{GetLicenceRequest, GetLicenceResponse};
use tonic::Response;

use super::super::Core;
use super::{INTEGRATE, licence_message, reach};
use crate::domain::licence::LicenceId;
use crate::error::{Error, Thing};
use crate::store::licence;

pub(in crate::rpc) async fn handle(
    core: &Core,
    caller: &Caller,
    request: GetLicenceRequest,
) -> Result<Response<GetLicenceResponse>, Error> {
    let mut checker = Checker::new();
    let id: Option<LicenceId> = checker.id("licence", &request.licence);
    checker.finish()?;
    let id = id.ok_or_else(|| anyhow::anyhow!("the checker let an empty field pass"))?;
    let reach = reach(caller, INTEGRATE)?;
    let found = licence::find(&core.db.read, &core.cipher, id).await?;
    let found = found.filter(|licence| reach.reach(&licence.area)).ok_or(Error::NotFound(Thing::Licence))?;
    core.looked((&caller.id, "licence.viewed", &id.to_string()), serde_json::json!({})).await?;
    let messages = licence::messages(&core.db.read, &core.cipher, id).await?;
    Ok(Response::new(GetLicenceResponse { licence: Some(licence_message(&found, &messages)) }))
}
