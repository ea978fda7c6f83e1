//! The rules of identity, pure: no I/O, no clock, no protobuf, no SQL.
//!
//! Read [`role`] first (what each role may do), then [`authority`] (who may give what to whom).

pub mod account;
pub mod authority;
pub mod device;
pub mod grant;
pub mod lockout;
pub mod password;
pub mod role;
pub mod session;
pub mod signing_key;

mpp_kit::ids! {
    /// A staff account.
    pub AccountId = "acc";
    /// An enrolled kiosk or board.
    pub DeviceId = "dev";
    /// A session of a member of staff or of a device.
    pub SessionId = "ses";
    /// A hall, kept by the queue service.
    pub HallId = "hal";
    /// An agency, kept by the queue service.
    pub AgencyId = "agc";
    /// A counter, kept by the queue service.
    pub CounterId = "ctr";
}
