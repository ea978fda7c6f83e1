//! Comments that were answered privately, by digest: a comment is answered once, and its author is known from then on.

use chrono::{DateTime, Utc};
use mpp_kit::cipher::Cipher;
use mpp_kit::row::{open, seal};
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait as _,
    QueryFilter as _,
};

use super::entity::answered_comment::{ActiveModel, Column, Entity};

/// Notes that a comment was answered, and by which id its author is known; empty when that was not told.
pub(crate) async fn answered(
    tx: &DatabaseTransaction,
    cipher: &Cipher,
    (digest, user): (&str, &str),
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let row = ActiveModel {
        digest: Set(digest.to_owned()),
        body: Set(seal(cipher, digest, &user)?),
        answered_at: Set(now),
    };
    let once = OnConflict::column(Column::Digest).do_nothing().to_owned();
    Entity::insert(row).on_conflict(once).exec_without_returning(tx).await?;
    Ok(())
}

/// Who wrote a comment that was answered; `None` while it was not.
pub(crate) async fn author(
    db: &impl ConnectionTrait,
    cipher: &Cipher,
    digest: &str,
) -> Result<Option<String>, DbErr> {
    let row = Entity::find_by_id(digest.to_owned()).one(db).await?;
    row.map(|row| open(cipher, digest, &row.body)).transpose()
}

/// Forgets those that were answered before a moment: whom a comment is from may not be kept for ever, and no comment of that age
/// can be answered any more.
pub(crate) async fn purge(db: &impl ConnectionTrait, before: DateTime<Utc>) -> Result<(), DbErr> {
    Entity::delete_many().filter(Column::AnsweredAt.lt(before)).exec(db).await?;
    Ok(())
}
