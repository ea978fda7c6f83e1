//! Files of messages that could not be fetched yet.

use chrono::{DateTime, Utc};
use mpp_kit::cipher::Cipher;
use mpp_kit::row::{open, seal};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::intake::envelope::{Attachment, Kind};

mod entity {
    #![expect(unreachable_pub, reason = "the derive writes pub")]
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "channel_media")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        pub source: String,
        pub account: String,
        pub external_id: String,
        pub body: String,
        pub attempts: i32,
        pub next_at: DateTimeUtc,
        pub created_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

use entity::{ActiveModel, Column, Entity};

/// What is to be fetched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Wanted {
    pub(crate) attachment: Attachment,
    pub(crate) kind: Kind,
}

/// A file that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pending {
    pub(crate) id: String,
    pub(crate) source: String,
    pub(crate) account: String,
    pub(crate) external_id: String,
    pub(crate) wanted: Wanted,
    pub(crate) attempts: i32,
    pub(crate) created_at: DateTime<Utc>,
}

fn name(id: &str) -> String {
    format!("media {id}")
}

/// Notes a file of a message that is to be fetched at a moment.
pub(crate) async fn insert(
    tx: &DatabaseTransaction,
    vault: &Cipher,
    (source, account, external_id): (&str, &str, &str),
    wanted: &Wanted,
    (next_at, now): (DateTime<Utc>, DateTime<Utc>),
) -> Result<(), DbErr> {
    let id = Uuid::now_v7().to_string();
    let row = ActiveModel {
        body: Set(seal(vault, &name(&id), wanted)?),
        id: Set(id),
        source: Set(source.to_owned()),
        account: Set(account.to_owned()),
        external_id: Set(external_id.to_owned()),
        attempts: Set(0),
        next_at: Set(next_at),
        created_at: Set(now),
    };
    Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// Files whose turn it is, oldest first.
pub(crate) async fn due(
    db: &impl ConnectionTrait,
    vault: &Cipher,
    now: DateTime<Utc>,
    limit: u64,
) -> Result<Vec<Pending>, DbErr> {
    let rows = Entity::find()
        .filter(Column::NextAt.lte(now))
        .order_by_asc(Column::NextAt)
        .limit(limit)
        .all(db)
        .await?;
    let pending = rows.into_iter().map(|row| {
        Ok(Pending {
            wanted: open(vault, &name(&row.id), &row.body)?,
            id: row.id,
            source: row.source,
            account: row.account,
            external_id: row.external_id,
            attempts: row.attempts,
            created_at: row.created_at,
        })
    });
    pending.collect()
}

/// Puts it off.
pub(crate) async fn put_off(
    db: &impl ConnectionTrait,
    pending: &Pending,
    next_at: DateTime<Utc>,
) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::NextAt, Expr::value(next_at))
        .col_expr(Column::Attempts, Expr::value(pending.attempts.saturating_add(1)))
        .filter(Column::Id.eq(pending.id.as_str()))
        .exec(db)
        .await?;
    Ok(())
}

/// Takes away what is to be fetched of a message: its author took it back.
pub(crate) async fn forget(
    db: &impl ConnectionTrait,
    (source, account, external_id): (&str, &str, &str),
) -> Result<(), DbErr> {
    Entity::delete_many()
        .filter(Column::Source.eq(source))
        .filter(Column::Account.eq(account))
        .filter(Column::ExternalId.eq(external_id))
        .exec(db)
        .await?;
    Ok(())
}

/// Takes it away: it came, or it never will. `false` if somebody was first.
pub(crate) async fn done(db: &impl ConnectionTrait, pending: &Pending) -> Result<bool, DbErr> {
    Ok(Entity::delete_by_id(pending.id.as_str()).exec(db).await?.rows_affected == 1)
}
