//! Webhooks by [Standard Webhooks](https://www.standardwebhooks.com) 1.0.0: who asked for it is told of events, thinly,
//! signed, until it answers 2xx or three days went by.
//!
//! [`guard`] decides which addresses may be reached at all, [`signature`] how a message is signed, [`message`] what it
//! says, [`send`] makes one attempt, [`dispatch`] plans and makes all of them from the events of the service. When an
//! attempt is made and what follows from its outcome is [`crate::domain::webhook`].

pub(crate) mod dispatch;
pub(crate) mod guard;
pub(crate) mod message;
pub(crate) mod send;
pub(crate) mod signature;
#[cfg(test)]
pub(crate) mod tests;
