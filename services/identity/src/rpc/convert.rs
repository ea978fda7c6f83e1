//! Protobuf ⇄ domain.

use chrono::{DateTime, Utc};
use mpp_kit::check::Checker;
pub(super) use mpp_kit::wire::timestamp;
use mpp_proto::identity::v1 as proto;
use prost_types::Timestamp;

use crate::domain::{
    account::Account,
    device::{Device, DeviceKind},
    grant::{Area, Grant, MAX_GRANTS},
    role::Role,
};

/// Reads a role; unknown numbers and `UNSPECIFIED` are a violation.
pub(super) fn role(field: &str, value: i32, checker: &mut Checker) -> Option<Role> {
    let role = match proto::Role::try_from(value) {
        Ok(proto::Role::Kiosk) => Some(Role::Kiosk),
        Ok(proto::Role::Board) => Some(Role::Board),
        Ok(proto::Role::Reception) => Some(Role::Reception),
        Ok(proto::Role::Counter) => Some(Role::Counter),
        Ok(proto::Role::AgencySupervisor) => Some(Role::AgencySupervisor),
        Ok(proto::Role::HallManager) => Some(Role::HallManager),
        Ok(proto::Role::Analyst) => Some(Role::Analyst),
        Ok(proto::Role::Auditor) => Some(Role::Auditor),
        Ok(proto::Role::Admin) => Some(Role::Admin),
        Ok(proto::Role::RtHead) => Some(Role::RtHead),
        Ok(proto::Role::RwHead) => Some(Role::RwHead),
        Ok(proto::Role::VillageOfficer) => Some(Role::VillageOfficer),
        Ok(proto::Role::VillageSecretary) => Some(Role::VillageSecretary),
        Ok(proto::Role::VillageHead) => Some(Role::VillageHead),
        Ok(proto::Role::SubDistrictOfficer) => Some(Role::SubDistrictOfficer),
        Ok(proto::Role::SubDistrictHead) => Some(Role::SubDistrictHead),
        Ok(proto::Role::AgencyOfficer) => Some(Role::AgencyOfficer),
        Ok(proto::Role::AgencyHead) => Some(Role::AgencyHead),
        Ok(proto::Role::LetterEditor) => Some(Role::LetterEditor),
        Ok(proto::Role::Integrator) => Some(Role::Integrator),
        Ok(proto::Role::ComplaintDesk) => Some(Role::ComplaintDesk),
        Ok(proto::Role::ComplaintCoordinator) => Some(Role::ComplaintCoordinator),
        Ok(proto::Role::ComplaintAdmin) => Some(Role::ComplaintAdmin),
        Ok(proto::Role::RegionalSecretary) => Some(Role::RegionalSecretary),
        Ok(proto::Role::RegionalHead) => Some(Role::RegionalHead),
        Ok(proto::Role::Inspector) => Some(Role::Inspector),
        Ok(proto::Role::NotificationSender) => Some(Role::NotificationSender),
        Ok(proto::Role::Unspecified) | Err(_) => None,
    };
    if role.is_none() {
        checker.violation(field, "REQUIRED", "pilih salah satu peran", "choose one of the roles");
    }
    role
}

fn role_number(role: Role) -> i32 {
    let role = match role {
        Role::Kiosk => proto::Role::Kiosk,
        Role::Board => proto::Role::Board,
        Role::Reception => proto::Role::Reception,
        Role::Counter => proto::Role::Counter,
        Role::AgencySupervisor => proto::Role::AgencySupervisor,
        Role::HallManager => proto::Role::HallManager,
        Role::Analyst => proto::Role::Analyst,
        Role::Auditor => proto::Role::Auditor,
        Role::Admin => proto::Role::Admin,
        Role::RtHead => proto::Role::RtHead,
        Role::RwHead => proto::Role::RwHead,
        Role::VillageOfficer => proto::Role::VillageOfficer,
        Role::VillageSecretary => proto::Role::VillageSecretary,
        Role::VillageHead => proto::Role::VillageHead,
        Role::SubDistrictOfficer => proto::Role::SubDistrictOfficer,
        Role::SubDistrictHead => proto::Role::SubDistrictHead,
        Role::AgencyOfficer => proto::Role::AgencyOfficer,
        Role::AgencyHead => proto::Role::AgencyHead,
        Role::LetterEditor => proto::Role::LetterEditor,
        Role::Integrator => proto::Role::Integrator,
        Role::ComplaintDesk => proto::Role::ComplaintDesk,
        Role::ComplaintCoordinator => proto::Role::ComplaintCoordinator,
        Role::ComplaintAdmin => proto::Role::ComplaintAdmin,
        Role::RegionalSecretary => proto::Role::RegionalSecretary,
        Role::RegionalHead => proto::Role::RegionalHead,
        Role::Inspector => proto::Role::Inspector,
        Role::NotificationSender => proto::Role::NotificationSender,
    };
    role.into()
}

/// Reads the kind of a device; unknown numbers and `UNSPECIFIED` are a violation.
pub(super) fn device_kind(field: &str, value: i32, checker: &mut Checker) -> Option<DeviceKind> {
    let kind = match proto::DeviceKind::try_from(value) {
        Ok(proto::DeviceKind::Kiosk) => Some(DeviceKind::Kiosk),
        Ok(proto::DeviceKind::Board) => Some(DeviceKind::Board),
        Ok(proto::DeviceKind::Unspecified) | Err(_) => None,
    };
    if kind.is_none() {
        checker.violation(field, "REQUIRED", "pilih kiosk atau papan", "choose kiosk or board");
    }
    kind
}

fn device_kind_number(kind: DeviceKind) -> i32 {
    let kind = match kind {
        DeviceKind::Kiosk => proto::DeviceKind::Kiosk,
        DeviceKind::Board => proto::DeviceKind::Board,
    };
    kind.into()
}

fn time(field: &str, value: Option<Timestamp>, checker: &mut Checker) -> Option<DateTime<Utc>> {
    let value = value?;
    let nanos = u32::try_from(value.nanos).ok();
    let time = nanos.and_then(|nanos| DateTime::from_timestamp(value.seconds, nanos));
    if time.is_none() {
        checker.violation(field, "INVALID_TIME", "isi dengan waktu yang benar", "give a valid time");
    }
    time
}

/// Reads the grants of a new account, and notes everything that is wrong with them.
pub(super) fn grants(values: &[proto::Grant], checker: &mut Checker) -> Vec<Grant> {
    if values.is_empty() || values.len() > MAX_GRANTS {
        checker.violation(
            "grants",
            "INVALID_LENGTH",
            format!("berikan 1 sampai {MAX_GRANTS} wewenang"),
            format!("give 1 to {MAX_GRANTS} grants"),
        );
    }
    values
        .iter()
        .take(MAX_GRANTS)
        .enumerate()
        .filter_map(|(index, value)| grant(&format!("grants[{index}]"), value, checker))
        .collect()
}

fn area(field: &str, value: &str, checker: &mut Checker) -> Option<Area> {
    let area = value.parse().ok();
    if area.is_none() {
        checker.violation(
            field,
            "INVALID_AREA",
            "isi dengan kode wilayah seperti 17.07.05.2003, dengan RW dan RT seperti 17.07.05.2003/002/005, atau OPD seperti 17.07/dinkes",
            "give a region code such as 17.07.05.2003, with RW and RT as in 17.07.05.2003/002/005, or an agency such as 17.07/dinkes",
        );
    }
    area
}

fn grant(field: &str, value: &proto::Grant, checker: &mut Checker) -> Option<Grant> {
    let role = role(&format!("{field}.role"), value.role, checker);
    let hall = checker.optional_id(&format!("{field}.hall_id"), &value.hall_id);
    let agency = checker.optional_id(&format!("{field}.agency_id"), &value.agency_id);
    let counters = (0..).zip(&value.counter_ids);
    let counters = counters
        .filter_map(|(index, id): (usize, _)| checker.id(&format!("{field}.counter_ids[{index}]"), id))
        .collect();
    let valid_from = time(&format!("{field}.valid_from"), value.valid_from, checker);
    let valid_to = time(&format!("{field}.valid_to"), value.valid_to, checker);
    let area =
        if value.area.is_empty() { None } else { area(&format!("{field}.area"), &value.area, checker) };
    let grant = Grant { role: role?, hall, agency, counters, area, valid_from, valid_to };
    grant.check(field, checker);
    Some(grant)
}

/// An account as the contract writes it.
pub(super) fn account(account: &Account) -> proto::Account {
    proto::Account {
        id: account.id.to_string(),
        username: account.username.clone(),
        display_name: account.display_name.clone(),
        disabled: account.disabled_at.is_some(),
        grants: account
            .grants
            .iter()
            .map(|grant| proto::Grant {
                role: role_number(grant.role),
                hall_id: grant.hall.map(|id| id.to_string()).unwrap_or_default(),
                agency_id: grant.agency.map(|id| id.to_string()).unwrap_or_default(),
                counter_ids: grant.counters.iter().map(ToString::to_string).collect(),
                area: grant.area.as_ref().map(ToString::to_string).unwrap_or_default(),
                valid_from: grant.valid_from.map(timestamp),
                valid_to: grant.valid_to.map(timestamp),
            })
            .collect(),
        create_time: Some(timestamp(account.created_at)),
    }
}

/// A device as the contract writes it.
pub(super) fn device(device: &Device) -> proto::Device {
    proto::Device {
        id: device.id.to_string(),
        kind: device_kind_number(device.kind),
        hall_id: device.hall.to_string(),
        label: device.label.clone(),
        revoked: device.revoked_at.is_some(),
        create_time: Some(timestamp(device.created_at)),
        last_seen_time: device.last_seen_at.map(timestamp),
    }
}

#[cfg(test)]
mod tests {
    use strum::IntoEnumIterator as _;

    use super::*;

    #[test]
    fn every_role_and_kind_of_the_contract_is_one_of_the_domain_and_back() {
        let mut checker = Checker::new();
        for known in Role::iter() {
            assert_eq!(role("role", role_number(known), &mut checker), Some(known));
        }
        for known in DeviceKind::iter() {
            assert_eq!(device_kind("kind", device_kind_number(known), &mut checker), Some(known));
        }
        // Numbers run from 1 without a gap, so the next one must be unknown to the contract too.
        let next = i32::try_from(Role::iter().count()).unwrap() + 1;
        assert!(proto::Role::try_from(next).is_err());
        let next = i32::try_from(DeviceKind::iter().count()).unwrap() + 1;
        assert!(proto::DeviceKind::try_from(next).is_err());
        assert!(checker.is_clean());
    }

    #[test]
    fn everything_wrong_with_grants_is_told_at_once() {
        let mut checker = Checker::new();
        let wrong = proto::Grant {
            role: 0,
            hall_id: "ctr_01h455vb4pex5vsknk084sn02q".to_owned(),
            counter_ids: vec!["x".to_owned()],
            valid_to: Some(Timestamp { seconds: i64::MAX, nanos: 0 }),
            ..proto::Grant::default()
        };
        assert_eq!(grants(&[wrong], &mut checker), []);
        assert_eq!(grants(&[], &mut checker), []);
        let fields: Vec<String> =
            checker.finish().unwrap_err().violations.into_iter().map(|v| v.field).collect();
        assert_eq!(
            fields,
            [
                "grants[0].role",
                "grants[0].hall_id",
                "grants[0].counter_ids[0]",
                "grants[0].valid_to",
                "grants"
            ]
        );
    }
}
