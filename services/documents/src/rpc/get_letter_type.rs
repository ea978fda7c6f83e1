//! `GetLetterType`: form, requirements, steps and service standard of a type in force.

use mpp_kit::caller::Caller;
use mpp_proto::documents::v1::{GetLetterTypeRequest, GetLetterTypeResponse};
use tonic::Response;

use super::{Core, convert};
use crate::error::{Error, Thing};

pub(super) async fn handle(
    core: &Core,
    _: &Caller,
    request: GetLetterTypeRequest,
) -> Result<Response<GetLetterTypeResponse>, Error> {
    let key = &request.letter_type;
    let found = match u32::try_from(request.version) {
        Ok(0) => core.types.published(&core.db.read, key).await?,
        Ok(version) => core.types.was_in_force(&core.db.read, key, version).await?,
        Err(_) => return Err(Error::NotFound(Thing::LetterType)),
    };
    Ok(Response::new(GetLetterTypeResponse { letter_type: Some(convert::letter_type(&found)) }))
}
