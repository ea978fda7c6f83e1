//! What a person told last, so that the next form need not ask again. Found by a digest of the population number.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ConnectionTrait, DbErr, EntityTrait as _};
use serde::{Deserialize, Serialize};

use super::entity::person_record::{ActiveModel, Column, Entity};
use mpp_kit::cipher::Cipher;
use mpp_kit::row;

/// What a person told.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PersonRecord {
    /// Values by what they say about the person, such as `birth_date`.
    pub(crate) attributes: BTreeMap<String, serde_json::Value>,
}

/// The record under this digest.
pub(crate) async fn find(
    db: &impl ConnectionTrait,
    cipher: &Cipher,
    subject_key: &str,
) -> Result<Option<PersonRecord>, DbErr> {
    let row = Entity::find_by_id(subject_key.to_owned()).one(db).await?;
    row.map(|row| row::open(cipher, subject_key, &row.body)).transpose()
}

/// Writes the record under this digest.
pub(crate) async fn save(
    db: &impl ConnectionTrait,
    cipher: &Cipher,
    subject_key: &str,
    record: &PersonRecord,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let row = ActiveModel {
        subject_key: Set(subject_key.to_owned()),
        body: Set(row::seal(cipher, subject_key, record)?),
        updated_at: Set(now),
    };
    let replace =
        OnConflict::column(Column::SubjectKey).update_columns([Column::Body, Column::UpdatedAt]).to_owned();
    Entity::insert(row).on_conflict(replace).exec_without_returning(db).await?;
    Ok(())
}
