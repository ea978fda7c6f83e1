//! The rules of a hall: pure functions of the folded log and the time. No I/O, no clock, no wire format.
//!
//! Read in this order: [`hall`] (what is configured), [`ticket`] and [`counter`] (what changes), [`event`] (what is
//! logged), [`fold`] (the state that a log adds up to), [`choice`] (who is next), [`decide`] (what a command does).

pub mod choice;
pub mod counter;
pub mod decide;
pub mod estimate;
pub mod event;
pub mod fold;
pub mod hall;
pub mod opening;
pub mod rejection;
pub mod speech;
pub mod statistics;
pub mod ticket;

mpp_kit::ids! {
    /// A hall.
    pub HallId = "hal";
    /// An agency present in a hall.
    pub AgencyId = "agc";
    /// A service that tickets are issued for.
    pub ServiceId = "svc";
    /// A counter (loket).
    pub CounterId = "ctr";
    /// A ticket: one visit.
    pub TicketId = "tkt";
    /// An entry of the log.
    pub EventId = "evt";
}

#[cfg(test)]
mod tests;
