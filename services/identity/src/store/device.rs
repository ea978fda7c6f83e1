//! Enrolled devices.

use chrono::{DateTime, Utc};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _, sea_query::Expr,
};

use super::{convert, entity::device};
use crate::domain::{DeviceId, device::Device};

/// The device with this id.
pub(crate) async fn find(db: &impl ConnectionTrait, id: DeviceId) -> Result<Option<Device>, DbErr> {
    device::Entity::find_by_id(id.to_string()).one(db).await?.map(convert::device).transpose()
}

/// The device whose key has this digest.
pub(crate) async fn find_by_key(
    db: &impl ConnectionTrait,
    key_digest: &str,
) -> Result<Option<Device>, DbErr> {
    let row = device::Entity::find().filter(device::Column::KeyDigest.eq(key_digest)).one(db).await?;
    row.map(convert::device).transpose()
}

/// Stores a new device.
pub(crate) async fn insert(
    db: &impl ConnectionTrait,
    device: &Device,
    key_digest: String,
) -> Result<(), DbErr> {
    let row = device::ActiveModel {
        id: Set(device.id.to_string()),
        kind: Set(device.kind.to_string()),
        hall_id: Set(device.hall.to_string()),
        label: Set(device.label.clone()),
        key_digest: Set(key_digest),
        created_at: Set(device.created_at),
        revoked_at: Set(device.revoked_at),
        last_seen_at: Set(device.last_seen_at),
    };
    device::Entity::insert(row).exec_without_returning(db).await?;
    Ok(())
}

/// Revokes a device. `false` if it was revoked before.
pub(crate) async fn revoke(
    db: &impl ConnectionTrait,
    id: DeviceId,
    now: DateTime<Utc>,
) -> Result<bool, DbErr> {
    let done = device::Entity::update_many()
        .col_expr(device::Column::RevokedAt, Expr::value(now))
        .filter(device::Column::Id.eq(id.to_string()))
        .filter(device::Column::RevokedAt.is_null())
        .exec(db)
        .await?;
    Ok(done.rows_affected == 1)
}

/// Notes that a device was seen. `false` if it is revoked. The write also locks the row, so that a session begun here and
/// a concurrent revocation cannot miss each other.
pub(crate) async fn note_seen(
    db: &impl ConnectionTrait,
    id: DeviceId,
    now: DateTime<Utc>,
) -> Result<bool, DbErr> {
    let done = device::Entity::update_many()
        .col_expr(device::Column::LastSeenAt, Expr::value(now))
        .filter(device::Column::Id.eq(id.to_string()))
        .filter(device::Column::RevokedAt.is_null())
        .exec(db)
        .await?;
    Ok(done.rows_affected == 1)
}

/// Devices by id (oldest first), after this one; with `halls`, only those that stand in one of them.
pub(crate) async fn list(
    db: &impl ConnectionTrait,
    halls: Option<&[&str]>,
    after: Option<&str>,
    limit: u64,
) -> Result<Vec<Device>, DbErr> {
    let mut select = device::Entity::find().order_by_asc(device::Column::Id).limit(limit);
    if let Some(after) = after {
        select = select.filter(device::Column::Id.gt(after));
    }
    if let Some(halls) = halls {
        select = select.filter(device::Column::HallId.is_in(halls.iter().copied()));
    }
    select.all(db).await?.into_iter().map(convert::device).collect()
}
