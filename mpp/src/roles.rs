//! The roles this binary can play.

use std::collections::BTreeSet;

use mpp_kit::component::Role;

/// A role, as it is named on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, clap::ValueEnum)]
pub enum RoleName {
    /// Every role in one process.
    All,
    /// Accounts, devices, sessions and tokens.
    Identity,
    /// The counter queue.
    Queue,
    /// Letters and licences.
    Documents,
    /// Complaints.
    Complaints,
    /// Messages by WhatsApp, e-mail and a list.
    Notifications,
    /// REST, gRPC, server-sent events and the pages.
    Gateway,
}

/// The roles that answer gRPC, in the order in which they start. The gateway stands before them.
pub(crate) const SERVICES: [(RoleName, Role); 5] = [
    (RoleName::Identity, mpp_identity::ROLE),
    (RoleName::Queue, mpp_queue::ROLE),
    (RoleName::Documents, mpp_documents::ROLE),
    (RoleName::Complaints, mpp_complaints::ROLE),
    (RoleName::Notifications, mpp_notifications::ROLE),
];

impl RoleName {
    /// What is meant by the names given: none means all.
    #[must_use]
    pub fn chosen(names: &[Self]) -> BTreeSet<Self> {
        if names.is_empty() || names.contains(&Self::All) {
            return [
                Self::Identity,
                Self::Queue,
                Self::Documents,
                Self::Complaints,
                Self::Notifications,
                Self::Gateway,
            ]
            .into();
        }
        names.iter().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::RoleName::{All, Complaints, Documents, Gateway, Identity, Notifications, Queue};
    use super::*;

    #[test]
    fn no_name_and_all_mean_every_role() {
        let every = BTreeSet::from([Identity, Queue, Documents, Complaints, Notifications, Gateway]);
        assert_eq!(RoleName::chosen(&[]), every);
        assert_eq!(RoleName::chosen(&[Queue, All]), every);
        assert_eq!(RoleName::chosen(&[Queue, Queue]), BTreeSet::from([Queue]));
    }
}
