//! Versions of letter types, as they were written: definition and template.

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _,
};

use super::entity::letter_type::{ActiveModel, Column, Entity, Model};
use crate::domain::letter_type::TypeState;
use mpp_kit::column::{count, number, read};

/// One version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) key: String,
    pub(crate) version: u32,
    pub(crate) state: TypeState,
    pub(crate) definition: String,
    pub(crate) template: String,
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
    let mut select = Entity::find()
        .filter(Column::State.eq(TypeState::Published.to_string()))
        .order_by_asc(Column::Key)
        .limit(limit);
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

/// Moves a version from one state to another. `false` if it is not in the first.
pub(crate) async fn transit(
    db: &impl ConnectionTrait,
    (key, of): (&str, u32),
    (from, to): (TypeState, TypeState),
    published: Option<(&str, DateTime<Utc>)>,
) -> Result<bool, DbErr> {
    let mut update = Entity::update_many()
        .col_expr(Column::State, Expr::value(to.to_string()))
        .filter(Column::Key.eq(key))
        .filter(Column::Version.eq(number(of)?))
        .filter(Column::State.eq(from.to_string()));
    if let Some((publisher, at)) = published {
        update = update
            .col_expr(Column::Publisher, Expr::value(publisher))
            .col_expr(Column::PublishedAt, Expr::value(at));
    }
    Ok(update.exec(db).await?.rows_affected == 1)
}
