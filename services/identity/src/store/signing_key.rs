//! Signing keys.

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use mpp_kit::{auth::Jwk, cipher::Cipher};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _,
    QueryOrder as _, sea_query::Expr,
};
use secrecy::SecretSlice;

use super::{convert, entity::signing_key};
use crate::{
    crypto::{sealed, signing::KeyPair},
    domain::signing_key::{KeyRecord, KeyState},
};

/// What is known of every key, newest first.
pub(crate) async fn list(db: &impl ConnectionTrait) -> Result<Vec<KeyRecord>, DbErr> {
    newest_first(db).await?.iter().map(convert::key).collect()
}

/// The public half of every key, newest first.
pub(crate) async fn public(db: &impl ConnectionTrait) -> Result<Vec<Jwk>, DbErr> {
    let jwk = |row: signing_key::Model| Jwk {
        kty: "EC".to_owned(),
        usage: "sig".to_owned(),
        alg: "ES256".to_owned(),
        kid: row.kid,
        crv: "P-256".to_owned(),
        x: row.x,
        y: row.y,
    };
    Ok(newest_first(db).await?.into_iter().map(jwk).collect())
}

/// The key that signs now, by its id, with its private half.
pub(crate) async fn active(
    db: &impl ConnectionTrait,
    cipher: &Cipher,
) -> anyhow::Result<Option<(String, SecretSlice<u8>)>> {
    let row = signing_key::Entity::find().filter(in_state(KeyState::Active)).one(db).await?;
    row.map(|row| {
        let stored = row.pkcs8.context("the active signing_key has no private half")?;
        let pkcs8 = sealed::open_private_half(cipher, &row.kid, &stored)?;
        Ok((row.kid, pkcs8))
    })
    .transpose()
}

/// Seals the private halves that releases before the key of the installation wrote in clear.
pub(crate) async fn seal_clear(db: &impl ConnectionTrait, cipher: &Cipher) -> anyhow::Result<()> {
    for row in newest_first(db).await? {
        let Some(stored) = row.pkcs8.filter(|stored| sealed::is_clear_private_half(stored)) else { continue };
        let pkcs8 = sealed::open_private_half(cipher, &row.kid, &stored)?;
        let sealed = sealed::seal_private_half(cipher, &row.kid, &pkcs8);
        signing_key::Entity::update_many()
            .col_expr(signing_key::Column::Pkcs8, Expr::value(sealed))
            .filter(signing_key::Column::Kid.eq(row.kid))
            // A key that is retired meanwhile stays without its private half.
            .filter(signing_key::Column::Pkcs8.is_not_null())
            .exec(db)
            .await?;
    }
    Ok(())
}

/// Stores a new key. That there is at most one next and one active key is a unique index.
pub(crate) async fn insert(
    db: &impl ConnectionTrait,
    cipher: &Cipher,
    pair: &KeyPair,
    state: KeyState,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let row = signing_key::ActiveModel {
        kid: Set(pair.kid.clone()),
        state: Set(state.to_string()),
        since: Set(now),
        created_at: Set(now),
        x: Set(pair.x.clone()),
        y: Set(pair.y.clone()),
        pkcs8: Set(Some(sealed::seal_private_half(cipher, &pair.kid, &pair.pkcs8))),
    };
    signing_key::Entity::insert(row).exec_without_returning(db).await?;
    Ok(())
}

/// Retires the key that signs, if there is one, and destroys its private half.
pub(crate) async fn retire_active(db: &impl ConnectionTrait, now: DateTime<Utc>) -> Result<(), DbErr> {
    signing_key::Entity::update_many()
        .col_expr(signing_key::Column::State, Expr::value(KeyState::Retained.to_string()))
        .col_expr(signing_key::Column::Since, Expr::value(now))
        .col_expr(signing_key::Column::Pkcs8, Expr::value(Option::<Vec<u8>>::None))
        .filter(in_state(KeyState::Active))
        .exec(db)
        .await?;
    Ok(())
}

/// Lets a published key sign. `false` if it is no longer the next.
pub(crate) async fn activate(
    db: &impl ConnectionTrait,
    kid: &str,
    now: DateTime<Utc>,
) -> Result<bool, DbErr> {
    let done = signing_key::Entity::update_many()
        .col_expr(signing_key::Column::State, Expr::value(KeyState::Active.to_string()))
        .col_expr(signing_key::Column::Since, Expr::value(now))
        .filter(signing_key::Column::Kid.eq(kid))
        .filter(in_state(KeyState::Next))
        .exec(db)
        .await?;
    Ok(done.rows_affected == 1)
}

/// Deletes a retained key.
pub(crate) async fn forget(db: &impl ConnectionTrait, kid: &str) -> Result<(), DbErr> {
    signing_key::Entity::delete_many()
        .filter(signing_key::Column::Kid.eq(kid))
        .filter(in_state(KeyState::Retained))
        .exec(db)
        .await?;
    Ok(())
}

fn in_state(state: KeyState) -> Expr {
    signing_key::Column::State.eq(state.to_string())
}

async fn newest_first(db: &impl ConnectionTrait) -> Result<Vec<signing_key::Model>, DbErr> {
    signing_key::Entity::find()
        .order_by_desc(signing_key::Column::CreatedAt)
        .order_by_desc(signing_key::Column::Kid)
        .all(db)
        .await
}
