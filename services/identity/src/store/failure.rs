//! Recent failures to sign in, under the digest of the typed name.

use chrono::{DateTime, Utc};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _,
    sea_query::{Expr, OnConflict},
};

use super::entity::sign_in_failure;
use crate::domain::lockout::Failures;

fn convert(row: &sign_in_failure::Model) -> Option<Failures> {
    u32::try_from(row.failures)
        .ok()
        .filter(|count| *count > 0)
        .map(|count| Failures { count, last_at: row.last_at })
}

/// The failures of a name.
pub(crate) async fn find(db: &impl ConnectionTrait, name_digest: &str) -> Result<Option<Failures>, DbErr> {
    Ok(sign_in_failure::Entity::find_by_id(name_digest).one(db).await?.as_ref().and_then(convert))
}

/// Counts one more failure, and answers all. Must run in a transaction.
pub(crate) async fn count_another(
    db: &impl ConnectionTrait,
    name_digest: &str,
    now: DateTime<Utc>,
) -> Result<Failures, DbErr> {
    // This insert, which may change nothing, locks the row: two failures at the same moment are both counted.
    let row = sign_in_failure::ActiveModel {
        name_digest: Set(name_digest.to_owned()),
        failures: Set(0),
        last_at: Set(now),
    };
    sign_in_failure::Entity::insert(row)
        .on_conflict(
            OnConflict::column(sign_in_failure::Column::NameDigest)
                .update_column(sign_in_failure::Column::NameDigest)
                .to_owned(),
        )
        .exec_without_returning(db)
        .await?;
    let failures = Failures::after_another(find(db, name_digest).await?, now);
    sign_in_failure::Entity::update_many()
        .col_expr(
            sign_in_failure::Column::Failures,
            Expr::value(i32::try_from(failures.count).unwrap_or(i32::MAX)),
        )
        .col_expr(sign_in_failure::Column::LastAt, Expr::value(failures.last_at))
        .filter(sign_in_failure::Column::NameDigest.eq(name_digest))
        .exec(db)
        .await?;
    Ok(failures)
}

/// Forgets the failures of a name.
pub(crate) async fn forget(db: &impl ConnectionTrait, name_digest: &str) -> Result<(), DbErr> {
    sign_in_failure::Entity::delete_by_id(name_digest).exec(db).await?;
    Ok(())
}

/// Deletes failures that were last before this moment.
pub(crate) async fn sweep(db: &impl ConnectionTrait, before: DateTime<Utc>) -> Result<u64, DbErr> {
    let old = sign_in_failure::Column::LastAt.lt(before);
    Ok(sign_in_failure::Entity::delete_many().filter(old).exec(db).await?.rows_affected)
}
