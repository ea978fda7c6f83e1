//! `GetContact`: the caller's own, or any for those who set up.

use mpp_kit::caller::Caller;
use mpp_proto::notifications::v1::{GetContactRequest, GetContactResponse};

use super::Core;
use super::access::check_contact;
use crate::error::{Error, Thing};
use crate::store::contact;

pub(super) async fn handle(
    core: &Core,
    caller: &Caller,
    request: GetContactRequest,
) -> Result<GetContactResponse, Error> {
    check_contact(caller, &request.account)?;
    let found = contact::find(&core.db.read, &core.cipher, &request.account).await?;
    let found = found.ok_or(Error::NotFound(Thing::Contact))?;
    let contact = core.contact_message(&core.db.read, &request.account, &found).await?;
    Ok(GetContactResponse { contact: Some(contact) })
}
