//! What is known of an address, by its digest.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, Condition, ConnectionTrait, DatabaseTransaction, DbErr,
    EntityTrait as _, QueryFilter as _, QuerySelect as _,
};

use super::entity::address::{ActiveModel, Column, Entity, Model};

/// What is known of an address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Address {
    /// Since when messages to it fail.
    pub(crate) failing_since: Option<DateTime<Utc>>,
    /// Why.
    pub(crate) failing_reason: String,
    /// Since when it wants none.
    pub(crate) opted_out_at: Option<DateTime<Utc>>,
    /// When it last wrote to us.
    pub(crate) wrote_at: Option<DateTime<Utc>>,
}

impl From<Model> for Address {
    fn from(row: Model) -> Self {
        Self {
            failing_since: row.failing_since,
            failing_reason: row.failing_reason,
            opted_out_at: row.opted_out_at,
            wrote_at: row.wrote_at,
        }
    }
}

/// What is known of this address; nothing for one that was never used.
pub(crate) async fn find(db: &impl ConnectionTrait, digest: &str) -> Result<Address, DbErr> {
    let row = Entity::find_by_id(digest.to_owned()).one(db).await?;
    Ok(row.map(Address::from).unwrap_or_default())
}

/// Those of these addresses that are marked as failing.
pub(crate) async fn failing(
    db: &impl ConnectionTrait,
    digests: impl IntoIterator<Item = &str>,
) -> Result<HashSet<String>, DbErr> {
    let rows: Vec<String> = Entity::find()
        .select_only()
        .column(Column::Digest)
        .filter(Column::Digest.is_in(digests))
        .filter(Column::FailingSince.is_not_null())
        .into_tuple()
        .all(db)
        .await?;
    Ok(rows.into_iter().collect())
}

async fn ensure(db: &impl ConnectionTrait, digest: &str) -> Result<(), DbErr> {
    let row = ActiveModel {
        digest: Set(digest.to_owned()),
        next_at: Set(None),
        failing_since: Set(None),
        failing_reason: Set(String::new()),
        opted_out_at: Set(None),
        wrote_at: Set(None),
        wished_at: Set(None),
        wish_ids: Set(String::new()),
    };
    let once = OnConflict::column(Column::Digest).do_nothing().to_owned();
    Entity::insert(row).on_conflict(once).exec_without_returning(db).await?;
    Ok(())
}

/// Takes the turn of an address: nothing more is sent there for `pause`. `None` when it was taken, else when it is free.
pub(crate) async fn take_turn(
    tx: &DatabaseTransaction,
    digest: &str,
    pause: TimeDelta,
    now: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>, DbErr> {
    ensure(tx, digest).await?;
    let free = Condition::any().add(Column::NextAt.is_null()).add(Column::NextAt.lte(now));
    let done = Entity::update_many()
        .col_expr(Column::NextAt, Expr::value(Some(now + pause)))
        .filter(Column::Digest.eq(digest))
        .filter(free)
        .exec(tx)
        .await?;
    if done.rows_affected == 1 {
        return Ok(None);
    }
    let row = Entity::find_by_id(digest.to_owned()).one(tx).await?;
    Ok(Some(row.and_then(|row| row.next_at).unwrap_or(now + pause)))
}

/// Marks an address as failing. The first moment stays. Answers whether it is marked anew.
pub(crate) async fn mark_failing(
    tx: &DatabaseTransaction,
    digest: &str,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<bool, DbErr> {
    ensure(tx, digest).await?;
    let done = Entity::update_many()
        .col_expr(Column::FailingSince, Expr::value(Some(now)))
        .col_expr(Column::FailingReason, Expr::value(reason))
        .filter(Column::Digest.eq(digest))
        .filter(Column::FailingSince.is_null())
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}

/// Takes the mark away: a message arrived, or the contact was said anew.
pub(crate) async fn mark_sound(tx: &DatabaseTransaction, digest: &str) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::FailingSince, Expr::value(None::<DateTime<Utc>>))
        .col_expr(Column::FailingReason, Expr::value(""))
        .filter(Column::Digest.eq(digest))
        .filter(Column::FailingSince.is_not_null())
        .exec(tx)
        .await?;
    Ok(())
}

/// Notes that an address wants no messages, or wants them again.
pub(crate) async fn set_opted_out(
    tx: &DatabaseTransaction,
    digest: &str,
    at: Option<DateTime<Utc>>,
) -> Result<(), DbErr> {
    ensure(tx, digest).await?;
    Entity::update_many()
        .col_expr(Column::OptedOutAt, Expr::value(at))
        .filter(Column::Digest.eq(digest))
        .exec(tx)
        .await?;
    Ok(())
}

/// Notes that an address wrote to us. A repeated or older message does not move its window.
pub(crate) async fn wrote(tx: &DatabaseTransaction, digest: &str, at: DateTime<Utc>) -> Result<(), DbErr> {
    ensure(tx, digest).await?;
    let later = Condition::any().add(Column::WroteAt.is_null()).add(Column::WroteAt.lt(at));
    Entity::update_many()
        .col_expr(Column::WroteAt, Expr::value(Some(at)))
        .filter(Expr::col(Column::Digest).eq(digest))
        .filter(later)
        .exec(tx)
        .await?;
    Ok(())
}

/// The last word of an address about messages, and those of the same second.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Wished {
    /// When it was written, as exact as the provider tells it.
    pub(crate) at: Option<DateTime<Utc>>,
    /// Digests of the ids of the messages of that moment.
    pub(crate) ids: Vec<String>,
}

/// The last word of an address about messages. Holds its row until the transaction ends: of two that come at once, the second
/// is decided on what the first wrote.
pub(crate) async fn wished(tx: &DatabaseTransaction, digest: &str) -> Result<Wished, DbErr> {
    ensure(tx, digest).await?;
    Entity::update_many()
        .col_expr(Column::WishIds, Expr::col(Column::WishIds))
        .filter(Column::Digest.eq(digest))
        .exec(tx)
        .await?;
    let row = Entity::find_by_id(digest.to_owned()).one(tx).await?;
    Ok(row.map_or_else(Wished::default, |row| Wished {
        at: row.wished_at,
        ids: row.wish_ids.split_whitespace().map(str::to_owned).collect(),
    }))
}

/// Notes the last word of an address about messages.
pub(crate) async fn set_wished(tx: &DatabaseTransaction, digest: &str, wished: &Wished) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::WishedAt, Expr::value(wished.at))
        .col_expr(Column::WishIds, Expr::value(wished.ids.join(" ")))
        .filter(Column::Digest.eq(digest))
        .exec(tx)
        .await?;
    Ok(())
}
