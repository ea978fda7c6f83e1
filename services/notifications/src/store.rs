//! What SQL holds of notifications. Addresses and texts are encrypted under the key of the installation; what a query looks
//! for stands in columns, addresses as digests.

pub(crate) mod account;
pub(crate) mod address;
pub(crate) mod comment;
pub(crate) mod contact;
pub(crate) mod entity;
pub(crate) mod inbox;
pub(crate) mod link;
pub(crate) mod notification;
pub(crate) mod rules;
pub(crate) mod step;
pub(crate) mod variant;
