//! Offices. The body is encrypted: it names who signs, with their population numbers.

use chrono::{DateTime, Utc};
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _,
};

use super::entity::office::{ActiveModel, Column, Entity, Model};
use crate::domain::OfficeId;
use crate::domain::office::{Office, OfficeArea};
use mpp_kit::cipher::Cipher;
use mpp_kit::row;

fn office(cipher: &Cipher, row: &Model) -> Result<Office, DbErr> {
    let mut office: Office = row::open(cipher, &row.id, &row.body)?;
    if !office.own_calendar {
        // As it ships now, whatever shipped when the office was written.
        let national = mpp_kit::calendar::national(office.calendar.zone());
        office.calendar = national.map_err(|error| DbErr::Custom(format!("{error:#}")))?;
    }
    Ok(office)
}

/// The office with this id.
pub(crate) async fn find(
    db: &impl ConnectionTrait,
    cipher: &Cipher,
    id: OfficeId,
) -> Result<Option<Office>, DbErr> {
    Entity::find_by_id(id.to_string()).one(db).await?.map(|row| office(cipher, &row)).transpose()
}

/// The office of this area.
pub(crate) async fn of_area(
    db: &impl ConnectionTrait,
    cipher: &Cipher,
    area: &OfficeArea,
) -> Result<Option<Office>, DbErr> {
    let row = Entity::find().filter(Column::Area.eq(area.as_str())).one(db).await?;
    row.map(|row| office(cipher, &row)).transpose()
}

/// Offices by area, after this one.
pub(crate) async fn list(
    db: &impl ConnectionTrait,
    cipher: &Cipher,
    after: Option<&str>,
    limit: u64,
) -> Result<Vec<Office>, DbErr> {
    let mut select = Entity::find().order_by_asc(Column::Area).limit(limit);
    if let Some(after) = after {
        select = select.filter(Column::Area.gt(after));
    }
    select.all(db).await?.iter().map(|row| office(cipher, row)).collect()
}

/// Writes an office whole.
pub(crate) async fn save(
    db: &impl ConnectionTrait,
    cipher: &Cipher,
    office: &Office,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let id = office.id.to_string();
    let row = ActiveModel {
        area: Set(office.area.to_string()),
        kind: Set(office.level().to_string()),
        body: Set(row::seal(cipher, &id, office)?),
        updated_at: Set(now),
        id: Set(id),
    };
    let replace = OnConflict::column(Column::Id)
        .update_columns([Column::Area, Column::Kind, Column::Body, Column::UpdatedAt])
        .to_owned();
    Entity::insert(row).on_conflict(replace).exec_without_returning(db).await?;
    Ok(())
}
