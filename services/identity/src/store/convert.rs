//! Entity ⇄ domain. What a table holds was checked when it was written, so a failure here is a damaged row: it is told
//! with the table and the value, never with personal data.

use std::{fmt::Display, str::FromStr};

use sea_orm::{ActiveValue::Set, DbErr};

use super::{
    account::Credentials,
    entity::{account, account_grant, device, session, signing_key},
};
use crate::domain::{
    AccountId,
    account::Account,
    device::Device,
    grant::Grant,
    session::{Principal, Session},
    signing_key::KeyRecord,
};

fn read<T: FromStr>(column: &str, value: &str) -> Result<T, DbErr> {
    value.parse().map_err(|_| DbErr::Type(format!("{column} holds \"{value}\", which is none of its values")))
}

fn text(value: Option<impl Display>) -> Option<String> {
    value.map(|value| value.to_string())
}

pub(super) fn account(row: account::Model, grants: Vec<Grant>) -> Result<Account, DbErr> {
    Ok(Account {
        id: read("account.id", &row.id)?,
        username: row.username,
        display_name: row.display_name,
        disabled_at: row.disabled_at,
        grants,
        created_at: row.created_at,
    })
}

pub(super) fn credentials(row: account::Model) -> Result<Credentials, DbErr> {
    Ok(Credentials {
        id: read("account.id", &row.id)?,
        password_hash: row.password_hash,
        disabled: row.disabled_at.is_some(),
    })
}

pub(super) fn grant(row: &account_grant::Model) -> Result<Grant, DbErr> {
    Ok(Grant {
        role: read("account_grant.role", &row.role)?,
        hall: row.hall_id.as_deref().map(|id| read("account_grant.hall_id", id)).transpose()?,
        agency: row.agency_id.as_deref().map(|id| read("account_grant.agency_id", id)).transpose()?,
        area: row.area.as_deref().map(|area| read("account_grant.area", area)).transpose()?,
        counters: row
            .counter_ids
            .split_whitespace()
            .map(|id| read("account_grant.counter_ids", id))
            .collect::<Result<_, _>>()?,
        valid_from: row.valid_from,
        valid_to: row.valid_to,
    })
}

pub(super) fn grant_row(account: AccountId, position: i32, grant: &Grant) -> account_grant::ActiveModel {
    let counters: Vec<String> = grant.counters.iter().map(ToString::to_string).collect();
    account_grant::ActiveModel {
        account_id: Set(account.to_string()),
        position: Set(position),
        role: Set(grant.role.to_string()),
        hall_id: Set(text(grant.hall)),
        agency_id: Set(text(grant.agency)),
        counter_ids: Set(counters.join(" ")),
        area: Set(text(grant.area.as_ref())),
        valid_from: Set(grant.valid_from),
        valid_to: Set(grant.valid_to),
    }
}

pub(super) fn device(row: device::Model) -> Result<Device, DbErr> {
    Ok(Device {
        id: read("device.id", &row.id)?,
        kind: read("device.kind", &row.kind)?,
        hall: read("device.hall_id", &row.hall_id)?,
        label: row.label,
        created_at: row.created_at,
        revoked_at: row.revoked_at,
        last_seen_at: row.last_seen_at,
    })
}

pub(super) fn session(row: &session::Model) -> Result<Session, DbErr> {
    let principal = match (row.account_id.as_deref(), row.device_id.as_deref()) {
        (Some(account), None) => Principal::Staff(read("session.account_id", account)?),
        (None, Some(device)) => Principal::Device(read("session.device_id", device)?),
        (None, None) | (Some(_), Some(_)) => {
            return Err(DbErr::Type(format!("session {} belongs to none or to two", row.id)));
        }
    };
    Ok(Session {
        id: read("session.id", &row.id)?,
        principal,
        created_at: row.created_at,
        last_seen_at: row.last_seen_at,
        ended_at: row.ended_at,
    })
}

pub(super) fn key(row: &signing_key::Model) -> Result<KeyRecord, DbErr> {
    Ok(KeyRecord { kid: row.kid.clone(), state: read("signing_key.state", &row.state)?, since: row.since })
}
