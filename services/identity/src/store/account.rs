//! Accounts and their grants.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait as _, Condition, ConnectionTrait, DbErr, EntityTrait as _, ExprTrait as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _,
    sea_query::{Expr, Query},
};

use super::{
    convert,
    entity::{account, account_grant},
};
use crate::domain::{
    AccountId,
    account::Account,
    authority::Reach,
    grant::{Area, Grant},
    role::Role,
};

/// What sign-in looks at before it knows who it is. One row, so that a name that exists costs no more than another.
pub(crate) struct Credentials {
    pub(crate) id: AccountId,
    pub(crate) password_hash: String,
    pub(crate) disabled: bool,
}

async fn grants_of(
    db: &impl ConnectionTrait,
    rows: &[account::Model],
) -> Result<BTreeMap<String, Vec<Grant>>, DbErr> {
    let mut grants: BTreeMap<String, Vec<Grant>> = BTreeMap::new();
    let found = account_grant::Entity::find()
        .filter(account_grant::Column::AccountId.is_in(rows.iter().map(|row| row.id.clone())))
        .order_by_asc(account_grant::Column::AccountId)
        .order_by_asc(account_grant::Column::Position)
        .all(db)
        .await?;
    for row in found {
        grants.entry(row.account_id.clone()).or_default().push(convert::grant(&row)?);
    }
    Ok(grants)
}

async fn with_grants(db: &impl ConnectionTrait, rows: Vec<account::Model>) -> Result<Vec<Account>, DbErr> {
    let mut grants = grants_of(db, &rows).await?;
    rows.into_iter()
        .map(|row| {
            let own = grants.remove(&row.id).unwrap_or_default();
            convert::account(row, own)
        })
        .collect()
}

/// The account with this id.
pub(crate) async fn find(db: &impl ConnectionTrait, id: AccountId) -> Result<Option<Account>, DbErr> {
    let row = account::Entity::find_by_id(id.to_string()).one(db).await?;
    Ok(with_grants(db, row.into_iter().collect()).await?.pop())
}

/// The accounts with these ids, by id.
pub(crate) async fn of_ids(
    db: &impl ConnectionTrait,
    ids: &BTreeSet<AccountId>,
) -> Result<Vec<Account>, DbErr> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows = account::Entity::find()
        .filter(account::Column::Id.is_in(ids.iter().map(ToString::to_string)))
        .order_by_asc(account::Column::Id)
        .all(db)
        .await?;
    with_grants(db, rows).await
}

/// The accounts that are not disabled and have a grant of this role in one of these areas or without any, by id, with all their
/// grants, those that are over or to come too.
pub(crate) async fn with_role(
    db: &impl ConnectionTrait,
    role: Role,
    areas: &[Area],
) -> Result<Vec<Account>, DbErr> {
    use account_grant::Column;
    let granted = Query::select()
        .column(Column::AccountId)
        .from(account_grant::Entity)
        .and_where(Column::Role.eq(role.to_string()))
        .cond_where(
            Condition::any()
                .add(Column::Area.is_null())
                .add(Column::Area.is_in(areas.iter().map(ToString::to_string))),
        )
        .take();
    let rows = account::Entity::find()
        .filter(account::Column::Id.in_subquery(granted))
        .filter(account::Column::DisabledAt.is_null())
        .order_by_asc(account::Column::Id)
        .all(db)
        .await?;
    with_grants(db, rows).await
}

/// The account with this username.
pub(crate) async fn find_by_username(
    db: &impl ConnectionTrait,
    username: &str,
) -> Result<Option<Account>, DbErr> {
    let row = account::Entity::find().filter(account::Column::Username.eq(username)).one(db).await?;
    Ok(with_grants(db, row.into_iter().collect()).await?.pop())
}

/// The credentials of the account with this username.
pub(crate) async fn credentials(
    db: &impl ConnectionTrait,
    username: &str,
) -> Result<Option<Credentials>, DbErr> {
    let row = account::Entity::find().filter(account::Column::Username.eq(username)).one(db).await?;
    row.map(convert::credentials).transpose()
}

/// Stores a new account. A username that is taken is a violation of the unique constraint, see [`is_username_taken`].
pub(crate) async fn insert(
    db: &impl ConnectionTrait,
    account: &Account,
    password_hash: String,
) -> Result<(), DbErr> {
    let row = account::ActiveModel {
        id: Set(account.id.to_string()),
        username: Set(account.username.clone()),
        display_name: Set(account.display_name.clone()),
        password_hash: Set(password_hash),
        created_at: Set(account.created_at),
        disabled_at: Set(account.disabled_at),
        last_sign_in_at: Set(None),
    };
    account::Entity::insert(row).exec_without_returning(db).await?;
    let grants =
        (0..).zip(&account.grants).map(|(position, grant)| convert::grant_row(account.id, position, grant));
    account_grant::Entity::insert_many(grants).exec_without_returning(db).await?;
    Ok(())
}

/// Whether an insert failed because the username is taken.
pub(crate) fn is_username_taken(error: &DbErr) -> bool {
    mpp_kit::db::violated_constraint(error)
        .is_some_and(|constraint| matches!(constraint.as_str(), "account_username_key" | "account.username"))
}

/// Disables an account. `false` if it was disabled before.
pub(crate) async fn disable(
    db: &impl ConnectionTrait,
    id: AccountId,
    now: DateTime<Utc>,
) -> Result<bool, DbErr> {
    let done = account::Entity::update_many()
        .col_expr(account::Column::DisabledAt, Expr::value(now))
        .filter(account::Column::Id.eq(id.to_string()))
        .filter(account::Column::DisabledAt.is_null())
        .exec(db)
        .await?;
    Ok(done.rows_affected == 1)
}

/// Notes a sign-in. `false` if the account is disabled. The write also locks the row, so that a session begun here and a
/// concurrent disabling cannot miss each other.
pub(crate) async fn note_sign_in(
    db: &impl ConnectionTrait,
    id: AccountId,
    now: DateTime<Utc>,
    new_hash: Option<String>,
) -> Result<bool, DbErr> {
    let mut update = account::Entity::update_many()
        .col_expr(account::Column::LastSignInAt, Expr::value(now))
        .filter(account::Column::Id.eq(id.to_string()))
        .filter(account::Column::DisabledAt.is_null());
    if let Some(hash) = new_hash {
        update = update.col_expr(account::Column::PasswordHash, Expr::value(hash));
    }
    Ok(update.exec(db).await?.rows_affected == 1)
}

/// Accounts by username, after this one. With a reach, only accounts whose every grant lies within it.
pub(crate) async fn list(
    db: &impl ConnectionTrait,
    reach: Option<&[Reach<'_>]>,
    after: Option<&str>,
    limit: u64,
) -> Result<Vec<Account>, DbErr> {
    let mut select = account::Entity::find().order_by_asc(account::Column::Username).limit(limit);
    if let Some(after) = after {
        select = select.filter(account::Column::Username.gt(after));
    }
    if let Some(reach) = reach {
        // A grant without a bound is NULL there, and must count as outside: hence IS NOT NULL before each comparison.
        let within = reach.iter().fold(Condition::any(), |any, part| {
            let bound = |column: account_grant::Column, only: Option<&str>| {
                only.map(|only| Expr::col((account_grant::Entity, column)).is_not_null().and(column.eq(only)))
            };
            any.add(
                Condition::all()
                    .add_option(bound(account_grant::Column::HallId, part.hall))
                    .add_option(bound(account_grant::Column::AgencyId, part.agency)),
            )
        });
        let outside = Query::select()
            .expr(Expr::value(1))
            .from(account_grant::Entity)
            .and_where(
                Expr::col((account_grant::Entity, account_grant::Column::AccountId))
                    .equals((account::Entity, account::Column::Id)),
            )
            .cond_where(Condition::all().not().add(within))
            .take();
        select = select.filter(Expr::exists(outside).not());
    }
    with_grants(db, select.all(db).await?).await
}
