//! Whose things are whose.

use mpp_kit::caller::Caller;

use crate::error::{Error, Thing};

/// What those who set up may.
pub(super) const CONFIGURE: &str = "notifications.configure";

/// Whether the contact of this account is the caller's to see and to change: the own one, or any with the permission. Another's
/// does not exist for the caller.
pub(super) fn check_contact(caller: &Caller, account: &str) -> Result<(), Error> {
    if caller.id == account || caller.has(CONFIGURE) { Ok(()) } else { Err(Error::NotFound(Thing::Contact)) }
}
