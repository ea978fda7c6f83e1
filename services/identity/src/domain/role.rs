//! Roles and permissions: one table, printed as `docs/roles.md`.

use strum::{Display, EnumIter, EnumString, IntoStaticStr};

/// A permission that the contract names in its method options (`mpp.options.v1.Policy.permission`).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Display, EnumString, EnumIter, IntoStaticStr,
)]
pub enum Permission {
    /// Export evidence of complaints.
    #[strum(serialize = "complaints.audit")]
    ComplaintsAudit,
    /// See the board of lateness and reports.
    #[strum(serialize = "complaints.board")]
    ComplaintsBoard,
    /// Set up agencies, categories, offices, calendars and deadlines of complaints.
    #[strum(serialize = "complaints.configure")]
    ComplaintsConfigure,
    /// Verify and distribute complaints.
    #[strum(serialize = "complaints.coordinate")]
    ComplaintsCoordinate,
    /// File complaints for others.
    #[strum(serialize = "complaints.file")]
    ComplaintsFile,
    /// Work on whistleblowing.
    #[strum(serialize = "complaints.inspect")]
    ComplaintsInspect,
    /// Read complaints.
    #[strum(serialize = "complaints.read")]
    ComplaintsRead,
    /// Ask or approve to see who reported.
    #[strum(serialize = "complaints.reveal")]
    ComplaintsReveal,
    /// Answer complaints.
    #[strum(serialize = "complaints.work")]
    ComplaintsWork,
    /// Act as an officer of an agency.
    #[strum(serialize = "documents.act.agency")]
    DocumentsActAgency,
    /// Act as the head of an agency.
    #[strum(serialize = "documents.act.agency.head")]
    DocumentsActAgencyHead,
    /// Act as the head of an RT.
    #[strum(serialize = "documents.act.rt")]
    DocumentsActRt,
    /// Act as the head of an RW.
    #[strum(serialize = "documents.act.rw")]
    DocumentsActRw,
    /// Act as an officer of a sub-district.
    #[strum(serialize = "documents.act.subdistrict")]
    DocumentsActSubdistrict,
    /// Act as the head of a sub-district.
    #[strum(serialize = "documents.act.subdistrict.head")]
    DocumentsActSubdistrictHead,
    /// Act as an officer of a village.
    #[strum(serialize = "documents.act.village")]
    DocumentsActVillage,
    /// Act as the head of a village.
    #[strum(serialize = "documents.act.village.head")]
    DocumentsActVillageHead,
    /// Act as the secretary of a village.
    #[strum(serialize = "documents.act.village.secretary")]
    DocumentsActVillageSecretary,
    /// Read the journal of letters and licences.
    #[strum(serialize = "documents.audit")]
    DocumentsAudit,
    /// Write and publish letter types.
    #[strum(serialize = "documents.catalogue")]
    DocumentsCatalogue,
    /// Use the interfaces for other systems: events, webhooks, licences.
    #[strum(serialize = "documents.integrate")]
    DocumentsIntegrate,
    /// Set up offices, signatories and appointments.
    #[strum(serialize = "documents.office")]
    DocumentsOffice,
    /// Read issued documents and registers of numbers.
    #[strum(serialize = "documents.read")]
    DocumentsRead,
    /// Revoke, correct and renew documents.
    #[strum(serialize = "documents.revoke")]
    DocumentsRevoke,
    /// Work on applications.
    #[strum(serialize = "documents.work")]
    DocumentsWork,
    /// Administer accounts and devices.
    #[strum(serialize = "identity.manage")]
    IdentityManage,
    /// Set message types, variants, contacts and delivery rules.
    #[strum(serialize = "notifications.configure")]
    NotificationsConfigure,
    /// Use the interfaces for other systems: callbacks about statuses.
    #[strum(serialize = "notifications.integrate")]
    NotificationsIntegrate,
    /// Read notifications and what became of them.
    #[strum(serialize = "notifications.read")]
    NotificationsRead,
    /// Send and call off notifications.
    #[strum(serialize = "notifications.send")]
    NotificationsSend,
    /// Read the event log.
    #[strum(serialize = "queue.audit")]
    QueueAudit,
    /// Work at a counter: open, call, serve.
    #[strum(serialize = "queue.call")]
    QueueCall,
    /// Call a given ticket out of turn.
    #[strum(serialize = "queue.call.specific")]
    QueueCallSpecific,
    /// Cancel a ticket.
    #[strum(serialize = "queue.cancel")]
    QueueCancel,
    /// Configure halls, agencies, services and counters.
    #[strum(serialize = "queue.configure")]
    QueueConfigure,
    /// Issue tickets.
    #[strum(serialize = "queue.issue")]
    QueueIssue,
    /// Run the day of a hall.
    #[strum(serialize = "queue.manage")]
    QueueManage,
    /// Read halls, boards and waiting numbers.
    #[strum(serialize = "queue.read")]
    QueueRead,
    /// Put a missed ticket back.
    #[strum(serialize = "queue.restore")]
    QueueRestore,
    /// Show the code that proves presence in the hall.
    #[strum(serialize = "queue.sitecode")]
    QueueSitecode,
    /// Read statistics.
    #[strum(serialize = "queue.statistics")]
    QueueStatistics,
    /// Watch over counters and intake.
    #[strum(serialize = "queue.supervise")]
    QueueSupervise,
    /// Read single tickets.
    #[strum(serialize = "queue.ticket.read")]
    QueueTicketRead,
}

impl Permission {
    /// The name in the contract, such as `queue.call`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// What somebody is in a hall or an agency.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Display, EnumString, EnumIter, IntoStaticStr,
)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum Role {
    /// A kiosk where citizens take tickets.
    Kiosk,
    /// A board that shows and speaks calls.
    Board,
    /// The reception desk.
    Reception,
    /// Counter staff of one agency.
    Counter,
    /// Supervisor of one agency's counters.
    AgencySupervisor,
    /// Manager of a hall.
    HallManager,
    /// Reads statistics.
    Analyst,
    /// Reads statistics and the event log, changes nothing.
    Auditor,
    /// Administers the installation.
    Admin,
    /// Head of a neighbourhood (RT).
    RtHead,
    /// Head of a group of neighbourhoods (RW).
    RwHead,
    /// Officer of a village.
    VillageOfficer,
    /// Secretary of a village.
    VillageSecretary,
    /// Head of a village.
    VillageHead,
    /// Officer of a sub-district.
    SubDistrictOfficer,
    /// Head of a sub-district.
    SubDistrictHead,
    /// Officer of an agency.
    AgencyOfficer,
    /// Head of an agency.
    AgencyHead,
    /// Writes and publishes letter types.
    LetterEditor,
    /// Another system: a licensing system, another agency.
    Integrator,
    /// Complaint desk of the hall: files for who comes or telephones.
    ComplaintDesk,
    /// Coordinator of complaints of the regency (admin pengaduan).
    ComplaintCoordinator,
    /// Admin of complaints of an agency.
    ComplaintAdmin,
    /// Secretary of the regency (sekda).
    RegionalSecretary,
    /// Head of the regency (bupati, wali kota).
    RegionalHead,
    /// Officer of the inspectorate: whistleblowing alone.
    Inspector,
    /// A service of the suite in a process of its own that sends notifications, and sees what became of them.
    NotificationSender,
}

use Permission as P;

/// What each role may do: the only place that says so. Permissions stand in alphabetical order of their names.
pub const ROLES: &[(Role, &[Permission])] = &[
    (Role::Kiosk, &[P::QueueIssue, P::QueueRead, P::QueueSitecode]),
    (Role::Board, &[P::QueueRead, P::QueueSitecode]),
    (
        Role::Reception,
        &[P::QueueCancel, P::QueueIssue, P::QueueRead, P::QueueRestore, P::QueueSitecode, P::QueueTicketRead],
    ),
    (Role::Counter, &[P::QueueCall, P::QueueCancel, P::QueueRead, P::QueueRestore, P::QueueTicketRead]),
    (
        Role::AgencySupervisor,
        &[
            P::QueueCall,
            P::QueueCallSpecific,
            P::QueueCancel,
            P::QueueRead,
            P::QueueRestore,
            P::QueueStatistics,
            P::QueueSupervise,
            P::QueueTicketRead,
        ],
    ),
    (
        Role::HallManager,
        &[
            P::QueueAudit,
            P::QueueCall,
            P::QueueCallSpecific,
            P::QueueCancel,
            P::QueueIssue,
            P::QueueManage,
            P::QueueRead,
            P::QueueRestore,
            P::QueueSitecode,
            P::QueueStatistics,
            P::QueueSupervise,
            P::QueueTicketRead,
        ],
    ),
    (Role::Analyst, &[P::QueueRead, P::QueueStatistics]),
    (Role::Auditor, &[P::QueueAudit, P::QueueRead, P::QueueStatistics]),
    (
        Role::Admin,
        &[
            P::ComplaintsAudit,
            P::ComplaintsBoard,
            P::ComplaintsConfigure,
            P::ComplaintsCoordinate,
            P::ComplaintsFile,
            P::ComplaintsInspect,
            P::ComplaintsRead,
            P::ComplaintsReveal,
            P::ComplaintsWork,
            P::DocumentsActAgency,
            P::DocumentsActAgencyHead,
            P::DocumentsActRt,
            P::DocumentsActRw,
            P::DocumentsActSubdistrict,
            P::DocumentsActSubdistrictHead,
            P::DocumentsActVillage,
            P::DocumentsActVillageHead,
            P::DocumentsActVillageSecretary,
            P::DocumentsAudit,
            P::DocumentsCatalogue,
            P::DocumentsIntegrate,
            P::DocumentsOffice,
            P::DocumentsRead,
            P::DocumentsRevoke,
            P::DocumentsWork,
            P::IdentityManage,
            P::NotificationsConfigure,
            P::NotificationsIntegrate,
            P::NotificationsRead,
            P::NotificationsSend,
            P::QueueAudit,
            P::QueueCall,
            P::QueueCallSpecific,
            P::QueueCancel,
            P::QueueConfigure,
            P::QueueIssue,
            P::QueueManage,
            P::QueueRead,
            P::QueueRestore,
            P::QueueSitecode,
            P::QueueStatistics,
            P::QueueSupervise,
            P::QueueTicketRead,
        ],
    ),
    (Role::RtHead, &[P::DocumentsActRt, P::DocumentsWork]),
    (Role::RwHead, &[P::DocumentsActRw, P::DocumentsWork]),
    (Role::VillageOfficer, &[P::DocumentsActVillage, P::DocumentsRead, P::DocumentsWork]),
    (Role::VillageSecretary, &[P::DocumentsActVillageSecretary, P::DocumentsRead, P::DocumentsWork]),
    (
        Role::VillageHead,
        &[P::DocumentsActVillageHead, P::DocumentsRead, P::DocumentsRevoke, P::DocumentsWork],
    ),
    (Role::SubDistrictOfficer, &[P::DocumentsActSubdistrict, P::DocumentsRead, P::DocumentsWork]),
    (
        Role::SubDistrictHead,
        &[P::DocumentsActSubdistrictHead, P::DocumentsRead, P::DocumentsRevoke, P::DocumentsWork],
    ),
    (Role::AgencyOfficer, &[P::DocumentsActAgency, P::DocumentsRead, P::DocumentsWork]),
    (
        Role::AgencyHead,
        &[
            P::ComplaintsBoard,
            P::ComplaintsRead,
            P::ComplaintsWork,
            P::DocumentsActAgencyHead,
            P::DocumentsRead,
            P::DocumentsRevoke,
            P::DocumentsWork,
        ],
    ),
    (Role::LetterEditor, &[P::DocumentsCatalogue]),
    (Role::Integrator, &[P::DocumentsIntegrate, P::DocumentsRead, P::NotificationsIntegrate]),
    (Role::ComplaintDesk, &[P::ComplaintsFile]),
    (
        Role::ComplaintCoordinator,
        &[
            P::ComplaintsAudit,
            P::ComplaintsBoard,
            P::ComplaintsConfigure,
            P::ComplaintsCoordinate,
            P::ComplaintsFile,
            P::ComplaintsRead,
            P::ComplaintsReveal,
        ],
    ),
    (Role::ComplaintAdmin, &[P::ComplaintsBoard, P::ComplaintsRead, P::ComplaintsWork]),
    (Role::RegionalSecretary, &[P::ComplaintsBoard, P::ComplaintsRead, P::ComplaintsReveal]),
    (Role::RegionalHead, &[P::ComplaintsAudit, P::ComplaintsBoard, P::ComplaintsRead]),
    (
        Role::Inspector,
        &[
            P::ComplaintsBoard,
            P::ComplaintsCoordinate,
            P::ComplaintsInspect,
            P::ComplaintsRead,
            P::ComplaintsReveal,
            P::ComplaintsWork,
        ],
    ),
    (Role::NotificationSender, &[P::NotificationsRead, P::NotificationsSend]),
];

/// By what kind of place a role is bounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Halls, agencies and counters.
    Hall,
    /// Areas; every grant names one.
    Area,
    /// Areas; a grant may name one.
    Anywhere,
}

impl Role {
    /// By what kind of place the role is bounded.
    #[must_use]
    pub fn place(self) -> Place {
        match self {
            Self::Kiosk
            | Self::Board
            | Self::Reception
            | Self::Counter
            | Self::AgencySupervisor
            | Self::HallManager
            | Self::Analyst
            | Self::Auditor
            | Self::Admin => Place::Hall,
            Self::RtHead
            | Self::RwHead
            | Self::VillageOfficer
            | Self::VillageSecretary
            | Self::VillageHead
            | Self::SubDistrictOfficer
            | Self::SubDistrictHead
            | Self::AgencyOfficer
            | Self::AgencyHead
            | Self::ComplaintDesk
            | Self::ComplaintCoordinator
            | Self::ComplaintAdmin
            | Self::RegionalSecretary
            | Self::RegionalHead
            | Self::Inspector => Place::Area,
            Self::LetterEditor | Self::Integrator | Self::NotificationSender => Place::Anywhere,
        }
    }

    /// Whether the role is for another system, which signs in with an account of its own, and never for a person.
    #[must_use]
    pub fn is_of_a_service(self) -> bool {
        matches!(self, Self::Integrator | Self::NotificationSender)
    }

    /// What the role may do, in alphabetical order.
    #[must_use]
    pub fn permissions(self) -> &'static [Permission] {
        ROLES.iter().find(|(role, _)| *role == self).map_or(&[], |(_, permissions)| permissions)
    }
}

/// The table as the page `docs/roles.md`.
#[must_use]
pub fn markdown() -> String {
    use std::fmt::Write as _;
    use strum::IntoEnumIterator as _;

    let mut page = String::from(
        "# Roles\n\nWhat each role may do. Written from `services/identity/src/domain/role.rs` by its test; to change it, change \
         the table\nthere and run `UPDATE_GOLDEN=1 cargo test -p mpp-identity roles_page`.\n\nA grant is a role within bounds: a \
         hall, an agency, counters, a first and a last moment. An empty bound is no bound.\n\n| permission |",
    );
    for (role, _) in ROLES {
        let _infallible = write!(page, " {role} |");
    }
    page.push_str("\n|---|");
    page.push_str(&":-:|".repeat(ROLES.len()));
    page.push('\n');
    for permission in Permission::iter() {
        let _infallible = write!(page, "| `{permission}` |");
        for (_, permissions) in ROLES {
            page.push_str(if permissions.contains(&permission) { " ✔ |" } else { "  |" });
        }
        page.push('\n');
    }
    page
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, path::PathBuf};

    use strum::IntoEnumIterator as _;

    use super::*;

    #[test]
    fn every_role_has_one_row_in_alphabetical_order() {
        assert_eq!(ROLES.iter().map(|(role, _)| *role).collect::<Vec<_>>(), Role::iter().collect::<Vec<_>>());
        for (role, permissions) in ROLES {
            let names: Vec<&str> = permissions.iter().map(|permission| permission.name()).collect();
            assert!(!names.is_empty(), "{role}");
            assert!(names.windows(2).all(|pair| pair[0] < pair[1]), "{role}: {names:?}");
        }
    }

    #[test]
    fn an_administrator_may_do_everything_and_nobody_else_may_administer() {
        assert_eq!(Role::Admin.permissions().len(), Permission::iter().count());
        for role in Role::iter().filter(|role| *role != Role::Admin) {
            assert!(!role.permissions().contains(&Permission::IdentityManage), "{role}");
            assert!(!role.permissions().contains(&Permission::QueueConfigure), "{role}");
        }
    }

    #[test]
    fn higher_roles_hold_what_lower_roles_hold() {
        let of = |role: Role| role.permissions().iter().copied().collect::<BTreeSet<_>>();
        assert!(of(Role::Counter).is_subset(&of(Role::AgencySupervisor)));
        assert!(of(Role::AgencySupervisor).is_subset(&of(Role::HallManager)));
        assert!(of(Role::Analyst).is_subset(&of(Role::Auditor)));
        assert!(of(Role::Board).is_subset(&of(Role::Kiosk)));
    }

    /// Golden: a change of what a role may do is a visible change of a page.
    #[test]
    fn roles_page_is_up_to_date() {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/roles.md");
        #[expect(
            clippy::disallowed_methods,
            reason = "a switch of the test, not configuration of the service"
        )]
        if std::env::var("UPDATE_GOLDEN").is_ok() {
            std::fs::write(&path, markdown()).unwrap();
        }
        assert_eq!(
            std::fs::read_to_string(&path).unwrap_or_default(),
            markdown(),
            "run with UPDATE_GOLDEN=1"
        );
    }
}
