//! `GetLetterType`: form, requirements, steps and service standard of a type in force.

use mpp_kit::caller::Caller;
use mpp_proto::documents::v1::{GetLetterTypeRequest, GetLetterTypeResponse};
use tonic::Response;

use super::{Core, convert};
use crate::error::Error;

pub(super) async fn handle(
    core: &Core,
    _: &Caller,
    request: GetLetterTypeRequest,
) -> Result<Response<GetLetterTypeResponse>, Error> {
    let found = core.types.published(&core.db.read, &request.letter_type).await?;
    Ok(Response::new(GetLetterTypeResponse { letter_type: Some(convert::letter_type(&found)) }))
}
