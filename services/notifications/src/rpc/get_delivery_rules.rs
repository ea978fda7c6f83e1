//! `GetDeliveryRules`.

use mpp_kit::caller::Caller;
use mpp_proto::notifications::v1::{GetDeliveryRulesRequest, GetDeliveryRulesResponse};

use super::{Core, convert};
use crate::error::Error;
use crate::store::rules;

pub(super) async fn handle(
    core: &Core,
    _: &Caller,
    _: GetDeliveryRulesRequest,
) -> Result<GetDeliveryRulesResponse, Error> {
    let (found, version) = rules::get(&core.db.read).await?;
    Ok(GetDeliveryRulesResponse { rules: Some(convert::rules(&found, version)) })
}
