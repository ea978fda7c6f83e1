//! Letters and licences: from a request to a signed document that anybody can check.

pub mod catalogue;
pub mod domain;
