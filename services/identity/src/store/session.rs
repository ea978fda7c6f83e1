//! Sessions. Their secrets are stored as digests only.

use chrono::{DateTime, Utc};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, Condition, ConnectionTrait, DbErr, EntityTrait as _,
    QueryFilter as _, sea_query::Expr,
};

use super::{convert, entity::session};
use crate::domain::{
    SessionId,
    session::{Principal, Session},
};

/// The session with this id.
pub(crate) async fn find(db: &impl ConnectionTrait, id: SessionId) -> Result<Option<Session>, DbErr> {
    session::Entity::find_by_id(id.to_string()).one(db).await?.as_ref().map(convert::session).transpose()
}

/// The session whose secret has this digest.
pub(crate) async fn find_by_secret(
    db: &impl ConnectionTrait,
    digest: &str,
) -> Result<Option<Session>, DbErr> {
    let row = session::Entity::find().filter(session::Column::SecretDigest.eq(digest)).one(db).await?;
    row.as_ref().map(convert::session).transpose()
}

/// Stores a new session.
pub(crate) async fn insert(
    db: &impl ConnectionTrait,
    session: &Session,
    secret_digest: String,
) -> Result<(), DbErr> {
    let (account_id, device_id) = match session.principal {
        Principal::Staff(account) => (Some(account.to_string()), None),
        Principal::Device(device) => (None, Some(device.to_string())),
    };
    let row = session::ActiveModel {
        id: Set(session.id.to_string()),
        secret_digest: Set(secret_digest),
        account_id: Set(account_id),
        device_id: Set(device_id),
        created_at: Set(session.created_at),
        last_seen_at: Set(session.last_seen_at),
        ended_at: Set(session.ended_at),
    };
    session::Entity::insert(row).exec_without_returning(db).await?;
    Ok(())
}

/// Notes that a session was used. `false` if it has ended.
pub(crate) async fn note_seen(
    db: &impl ConnectionTrait,
    id: SessionId,
    now: DateTime<Utc>,
) -> Result<bool, DbErr> {
    let done = session::Entity::update_many()
        .col_expr(session::Column::LastSeenAt, Expr::value(now))
        .filter(session::Column::Id.eq(id.to_string()))
        .filter(session::Column::EndedAt.is_null())
        .exec(db)
        .await?;
    Ok(done.rows_affected == 1)
}

/// Ends a session. `false` if it had ended before.
pub(crate) async fn end(db: &impl ConnectionTrait, id: SessionId, now: DateTime<Utc>) -> Result<bool, DbErr> {
    Ok(end_where(db, session::Column::Id.eq(id.to_string()).into(), now).await? == 1)
}

/// Ends every session of an account or device, and answers how many.
pub(crate) async fn end_all(
    db: &impl ConnectionTrait,
    of: Principal,
    now: DateTime<Utc>,
) -> Result<u64, DbErr> {
    let own = match of {
        Principal::Staff(account) => session::Column::AccountId.eq(account.to_string()),
        Principal::Device(device) => session::Column::DeviceId.eq(device.to_string()),
    };
    end_where(db, Condition::all().add(own), now).await
}

async fn end_where(db: &impl ConnectionTrait, which: Condition, now: DateTime<Utc>) -> Result<u64, DbErr> {
    let done = session::Entity::update_many()
        .col_expr(session::Column::EndedAt, Expr::value(now))
        .filter(which)
        .filter(session::Column::EndedAt.is_null())
        .exec(db)
        .await?;
    Ok(done.rows_affected)
}

/// Deletes sessions that ended before `ended_before`, and those of staff that began before `began_before`, which have
/// reached their absolute end whether noted or not.
pub(crate) async fn sweep(
    db: &impl ConnectionTrait,
    ended_before: DateTime<Utc>,
    began_before: DateTime<Utc>,
) -> Result<u64, DbErr> {
    let over = Condition::any().add(session::Column::EndedAt.lt(ended_before)).add(
        Condition::all()
            .add(session::Column::AccountId.is_not_null())
            .add(session::Column::CreatedAt.lt(began_before)),
    );
    Ok(session::Entity::delete_many().filter(over).exec(db).await?.rows_affected)
}
