//! A stand-in for WhatsApp Cloud API. It lives with the notifications service, whose tests need it too and may use nothing of
//! this crate; see there.

pub use mpp_notifications::simulator::{Account, Call, Simulator, Taken, Whim};
