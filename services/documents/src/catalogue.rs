//! The shipped letters and licences.
