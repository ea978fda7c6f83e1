//! Whose things are whose.

use mpp_kit::caller::Caller;

use crate::error::{Error, Thing};
use crate::store::notification::Notification;

/// What a service that sends may.
const SEND: &str = "notifications.send";
/// What those who set up may.
pub(super) const CONFIGURE: &str = "notifications.configure";

/// Whose notifications a caller is bounded to: a service that sends sees what it sent, and nothing of what others did. `None` for
/// those who set up, and for who reads without sending.
pub(super) fn sender(caller: &Caller) -> Option<&str> {
    (caller.has(SEND) && !caller.has(CONFIGURE)).then_some(caller.id.as_str())
}

/// Refuses a notification that lies out of the caller's sight, as if there were none.
pub(super) fn check_sender(caller: &Caller, found: &Notification) -> Result<(), Error> {
    match sender(caller) {
        Some(own) if own != found.created_by => Err(Error::NotFound(Thing::Notification)),
        Some(_) | None => Ok(()),
    }
}

/// Whether the contact of this account is the caller's to see and to change: the own one, or any with the permission. Another's
/// does not exist for the caller.
pub(super) fn check_contact(caller: &Caller, account: &str) -> Result<(), Error> {
    if caller.id == account || caller.has(CONFIGURE) { Ok(()) } else { Err(Error::NotFound(Thing::Contact)) }
}
