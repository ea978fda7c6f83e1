//! Appointments to act in a role.

use chrono::{DateTime, Utc};
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _,
};

use super::entity::delegation::{ActiveModel, Column, Entity, Model};
use crate::domain::office::Delegation;
use crate::domain::step::StepRole;
use crate::domain::{DelegationId, OfficeId};
use mpp_kit::row::read;

fn delegation(row: &Model) -> Result<Delegation, DbErr> {
    Ok(Delegation {
        id: read("delegation.id", &row.id)?,
        office: read("delegation.office_id", &row.office_id)?,
        role: read("delegation.role", &row.role)?,
        account: row.account_id.clone(),
        title: row.title.clone(),
        decree: row.decree.clone(),
        from: row.start_at,
        to: row.end_at,
    })
}

/// The appointment with this id.
pub(crate) async fn find(db: &impl ConnectionTrait, id: DelegationId) -> Result<Option<Delegation>, DbErr> {
    Entity::find_by_id(id.to_string()).one(db).await?.as_ref().map(delegation).transpose()
}

/// What this account is appointed to now, the latest appointment first.
pub(crate) async fn of_account(
    db: &impl ConnectionTrait,
    account: &str,
    now: DateTime<Utc>,
) -> Result<Vec<Delegation>, DbErr> {
    let rows = Entity::find()
        .filter(Column::AccountId.eq(account))
        .filter(Column::StartAt.lte(now))
        .filter(Column::EndAt.gt(now))
        .order_by_desc(Column::Id)
        .all(db)
        .await?;
    rows.iter().map(delegation).collect()
}

/// Who is appointed to this role of an office now, the latest appointment first.
pub(crate) async fn of_role(
    db: &impl ConnectionTrait,
    office: OfficeId,
    role: StepRole,
    now: DateTime<Utc>,
) -> Result<Vec<Delegation>, DbErr> {
    let rows = Entity::find()
        .filter(Column::OfficeId.eq(office.to_string()))
        .filter(Column::Role.eq(role.to_string()))
        .filter(Column::StartAt.lte(now))
        .filter(Column::EndAt.gt(now))
        .order_by_desc(Column::Id)
        .all(db)
        .await?;
    rows.iter().map(delegation).collect()
}

/// Appointments of an office, by id downwards, before this one.
pub(crate) async fn list(
    db: &impl ConnectionTrait,
    office: OfficeId,
    before: Option<&str>,
    limit: u64,
) -> Result<Vec<Delegation>, DbErr> {
    let mut select =
        Entity::find().filter(Column::OfficeId.eq(office.to_string())).order_by_desc(Column::Id).limit(limit);
    if let Some(before) = before {
        select = select.filter(Column::Id.lt(before));
    }
    select.all(db).await?.iter().map(delegation).collect()
}

/// Writes an appointment whole.
pub(crate) async fn save(db: &impl ConnectionTrait, delegation: &Delegation) -> Result<(), DbErr> {
    let row = ActiveModel {
        id: Set(delegation.id.to_string()),
        office_id: Set(delegation.office.to_string()),
        role: Set(delegation.role.to_string()),
        account_id: Set(delegation.account.clone()),
        title: Set(delegation.title.clone()),
        decree: Set(delegation.decree.clone()),
        start_at: Set(delegation.from),
        end_at: Set(delegation.to),
    };
    let replace = OnConflict::column(Column::Id)
        .update_columns([
            Column::Role,
            Column::AccountId,
            Column::Title,
            Column::Decree,
            Column::StartAt,
            Column::EndAt,
        ])
        .to_owned();
    Entity::insert(row).on_conflict(replace).exec_without_returning(db).await?;
    Ok(())
}
