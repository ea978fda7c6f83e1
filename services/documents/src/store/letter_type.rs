//! Versions of letter types, as they were written: definition and template; and what is or was in force as it was frozen.

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _,
};

use super::entity::letter_type::{ActiveModel, Column, Entity, Model};
use crate::domain::letter_type::TypeState;
use mpp_kit::row::{count, number, read};

/// One version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) key: String,
    pub(crate) version: u32,
    pub(crate) state: TypeState,
    pub(crate) definition: String,
    pub(crate) template: String,
    /// What it says with everything written out that the definition refers to; none of a draft. See
    /// [`crate::catalogue::freeze`].
    pub(crate) frozen: Option<String>,
    pub(crate) author: String,
    pub(crate) publisher: Option<String>,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) published_at: Option<DateTime<Utc>>,
}

fn version(row: Model) -> Result<Version, DbErr> {
    Ok(Version {
        key: row.key,
        version: count("letter_type.version", row.version)?,
        state: read("letter_type.state", &row.state)?,
        definition: row.definition,
        template: row.template,
        frozen: row.frozen,
        author: row.author,
        publisher: row.publisher,
        created_at: row.created_at,
        published_at: row.published_at,
    })
}

/// This version of a type.
pub(crate) async fn find(db: &impl ConnectionTrait, key: &str, of: u32) -> Result<Option<Version>, DbErr> {
    Entity::find_by_id((key.to_owned(), number(of)?)).one(db).await?.map(version).transpose()
}

/// The version of a type in this state: at most one is published, and at most one is a draft.
pub(crate) async fn in_state(
    db: &impl ConnectionTrait,
    key: &str,
    state: TypeState,
) -> Result<Option<Version>, DbErr> {
    let select = Entity::find().filter(Column::Key.eq(key)).filter(Column::State.eq(state.to_string()));
    select.order_by_desc(Column::Version).one(db).await?.map(version).transpose()
}

/// Types in force by key, after this one.
pub(crate) async fn published(
    db: &impl ConnectionTrait,
    after: Option<&str>,
    limit: u64,
) -> Result<Vec<Version>, DbErr> {
    in_this_state(db, TypeState::Published, after, limit).await
}

/// Which version of each type is in force, by key.
pub(crate) async fn in_force(db: &impl ConnectionTrait) -> Result<Vec<(String, u32)>, DbErr> {
    let rows: Vec<(String, i32)> = Entity::find()
        .select_only()
        .columns([Column::Key, Column::Version])
        .filter(Column::State.eq(TypeState::Published.to_string()))
        .order_by_asc(Column::Key)
        .into_tuple()
        .all(db)
        .await?;
    rows.into_iter().map(|(key, of)| Ok((key, count("letter_type.version", of)?))).collect()
}

/// Drafts by key, after this one.
pub(crate) async fn drafts(
    db: &impl ConnectionTrait,
    after: Option<&str>,
    limit: u64,
) -> Result<Vec<Version>, DbErr> {
    in_this_state(db, TypeState::Draft, after, limit).await
}

async fn in_this_state(
    db: &impl ConnectionTrait,
    state: TypeState,
    after: Option<&str>,
    limit: u64,
) -> Result<Vec<Version>, DbErr> {
    let mut select =
        Entity::find().filter(Column::State.eq(state.to_string())).order_by_asc(Column::Key).limit(limit);
    if let Some(after) = after {
        select = select.filter(Column::Key.gt(after));
    }
    select.all(db).await?.into_iter().map(version).collect()
}

/// Versions of a type, newest first, before this one.
pub(crate) async fn versions(
    db: &impl ConnectionTrait,
    key: &str,
    before: Option<u32>,
    limit: u64,
) -> Result<Vec<Version>, DbErr> {
    let mut select = Entity::find().filter(Column::Key.eq(key)).order_by_desc(Column::Version).limit(limit);
    if let Some(before) = before {
        select = select.filter(Column::Version.lt(number(before)?));
    }
    select.all(db).await?.into_iter().map(version).collect()
}

/// Writes a draft, new or over the one that is there.
pub(crate) async fn save_draft(db: &impl ConnectionTrait, draft: &Version) -> Result<(), DbErr> {
    let row = ActiveModel {
        key: Set(draft.key.clone()),
        version: Set(number(draft.version)?),
        state: Set(draft.state.to_string()),
        definition: Set(draft.definition.clone()),
        template: Set(draft.template.clone()),
        frozen: Set(draft.frozen.clone()),
        author: Set(draft.author.clone()),
        publisher: Set(draft.publisher.clone()),
        created_at: Set(draft.created_at),
        published_at: Set(draft.published_at),
    };
    let replace = OnConflict::columns([Column::Key, Column::Version])
        .update_columns([Column::Definition, Column::Template, Column::Author, Column::CreatedAt])
        .to_owned();
    Entity::insert(row).on_conflict(replace).exec_without_returning(db).await?;
    Ok(())
}

/// Who put a version in force and when, and what it says.
pub(crate) struct Publication<'a> {
    pub(crate) publisher: &'a str,
    pub(crate) at: DateTime<Utc>,
    pub(crate) frozen: &'a str,
}

/// Versions that are or were in force and are not frozen: those of releases that froze none.
pub(crate) async fn unfrozen(db: &impl ConnectionTrait) -> Result<Vec<(String, u32)>, DbErr> {
    let rows: Vec<(String, i32)> = Entity::find()
        .select_only()
        .columns([Column::Key, Column::Version])
        .filter(Column::State.ne(TypeState::Draft.to_string()))
        .filter(Column::Frozen.is_null())
        .order_by_asc(Column::Key)
        .order_by_asc(Column::Version)
        .into_tuple()
        .all(db)
        .await?;
    rows.into_iter().map(|(key, of)| Ok((key, count("letter_type.version", of)?))).collect()
}

/// Freezes a version that is not. What another process froze meanwhile stays.
pub(crate) async fn freeze(
    db: &impl ConnectionTrait,
    (key, of): (&str, u32),
    frozen: &str,
) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::Frozen, Expr::value(frozen))
        .filter(Column::Key.eq(key))
        .filter(Column::Version.eq(number(of)?))
        .filter(Column::State.ne(TypeState::Draft.to_string()))
        .filter(Column::Frozen.is_null())
        .exec(db)
        .await?;
    Ok(())
}

/// Moves a version from one state to another. `false` if it is not in the first.
pub(crate) async fn transit(
    db: &impl ConnectionTrait,
    (key, of): (&str, u32),
    (from, to): (TypeState, TypeState),
    published: Option<Publication<'_>>,
) -> Result<bool, DbErr> {
    let mut update = Entity::update_many()
        .col_expr(Column::State, Expr::value(to.to_string()))
        .filter(Column::Key.eq(key))
        .filter(Column::Version.eq(number(of)?))
        .filter(Column::State.eq(from.to_string()));
    if let Some(publication) = published {
        update = update
            .col_expr(Column::Publisher, Expr::value(publication.publisher))
            .col_expr(Column::PublishedAt, Expr::value(publication.at))
            .col_expr(Column::Frozen, Expr::value(publication.frozen));
    }
    Ok(update.exec(db).await?.rows_affected == 1)
}
