//! Requests to sign: what became of each letter, for who asks again. Never what was typed for them.

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _,
};
use serde::{Deserialize, Serialize};

use super::entity::signing::{ActiveModel, Column, Entity};
use crate::domain::ApplicationId;
use mpp_kit::cipher::Cipher;
use mpp_kit::row::{open, seal};

/// A request to sign of one caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Signing {
    /// The account that asked.
    pub(crate) principal: String,
    /// What it named its request.
    pub(crate) request_id: String,
    /// What tells two requests with one id apart.
    pub(crate) fingerprint: String,
    pub(crate) ended: bool,
    pub(crate) begun_at: DateTime<Utc>,
    /// When a letter was answered last.
    pub(crate) changed_at: DateTime<Utc>,
    /// In the order they were given.
    pub(crate) letters: Vec<Letter>,
}

/// One letter of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Letter {
    pub(crate) application: ApplicationId,
    pub(crate) outcome: Outcome,
}

/// What became of a letter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Outcome {
    /// The signing service has not answered yet.
    UnderWay,
    Signed,
    /// Why not: a reason as in errors, and a sentence in both languages.
    Failed {
        reason: String,
        id: String,
        en: String,
    },
}

/// The name under which its body is encrypted.
fn name(principal: &str, request_id: &str) -> String {
    format!("signing {request_id} of {principal}")
}

/// Enters a request; `false` if one with this id is there.
pub(crate) async fn insert(db: &impl ConnectionTrait, cipher: &Cipher, new: &Signing) -> Result<bool, DbErr> {
    let row = ActiveModel {
        principal: Set(new.principal.clone()),
        request_id: Set(new.request_id.clone()),
        fingerprint: Set(new.fingerprint.clone()),
        ended: Set(new.ended),
        begun_at: Set(new.begun_at),
        changed_at: Set(new.changed_at),
        body: Set(seal(cipher, &name(&new.principal, &new.request_id), &new.letters)?),
    };
    let keep = OnConflict::columns([Column::Principal, Column::RequestId]).do_nothing().to_owned();
    Ok(Entity::insert(row).on_conflict(keep).exec_without_returning(db).await? == 1)
}

/// The request of a caller with this id.
pub(crate) async fn find(
    db: &impl ConnectionTrait,
    cipher: &Cipher,
    principal: &str,
    request_id: &str,
) -> Result<Option<Signing>, DbErr> {
    let row = Entity::find_by_id((principal.to_owned(), request_id.to_owned())).one(db).await?;
    let read = |row: super::entity::signing::Model| {
        Ok(Signing {
            letters: open(cipher, &name(&row.principal, &row.request_id), &row.body)?,
            principal: row.principal,
            request_id: row.request_id,
            fingerprint: row.fingerprint,
            ended: row.ended,
            begun_at: row.begun_at,
            changed_at: row.changed_at,
        })
    };
    row.map(read).transpose()
}

/// Writes how it stands.
pub(crate) async fn save(db: &impl ConnectionTrait, cipher: &Cipher, next: &Signing) -> Result<(), DbErr> {
    let body = seal(cipher, &name(&next.principal, &next.request_id), &next.letters)?;
    Entity::update_many()
        .col_expr(Column::Ended, Expr::value(next.ended))
        .col_expr(Column::ChangedAt, Expr::value(next.changed_at))
        .col_expr(Column::Body, Expr::value(body))
        .filter(Column::Principal.eq(next.principal.as_str()))
        .filter(Column::RequestId.eq(next.request_id.as_str()))
        .exec(db)
        .await?;
    Ok(())
}

/// Forgets requests that began before a moment.
pub(crate) async fn purge(db: &impl ConnectionTrait, before: DateTime<Utc>) -> Result<(), DbErr> {
    Entity::delete_many().filter(Column::BegunAt.lt(before)).exec(db).await?;
    Ok(())
}
