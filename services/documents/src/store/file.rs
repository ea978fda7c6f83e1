//! Uploads: the rows that name what lies in the file store. A file is stored before its row.

use chrono::{DateTime, Utc};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, Condition, ConnectionTrait, DbErr, EntityTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _,
};

use super::entity::stored_file::{ActiveModel, Column, Entity, Model};
use crate::domain::{ApplicationId, FileId};
use mpp_kit::row::read;

/// An upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredFile {
    pub(crate) id: FileId,
    pub(crate) media_type: String,
    pub(crate) size: i64,
    pub(crate) sha256: String,
    pub(crate) application: Option<ApplicationId>,
}

fn file(row: Model) -> Result<StoredFile, DbErr> {
    Ok(StoredFile {
        id: read("stored_file.id", &row.id)?,
        media_type: row.media_type,
        size: row.size,
        sha256: row.sha256,
        application: row.application_id.map(|id| read("stored_file.application_id", &id)).transpose()?,
    })
}

/// Names an upload that is stored.
pub(crate) async fn insert(
    db: &impl ConnectionTrait,
    file: &StoredFile,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let row = ActiveModel {
        id: Set(file.id.to_string()),
        media_type: Set(file.media_type.clone()),
        size: Set(file.size),
        sha256: Set(file.sha256.clone()),
        application_id: Set(None),
        created_at: Set(now),
    };
    Entity::insert(row).exec_without_returning(db).await?;
    Ok(())
}

/// Names a file that is stored and belongs to an application from its first moment.
pub(crate) async fn insert_of(
    db: &impl ConnectionTrait,
    file: &StoredFile,
    to: ApplicationId,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    insert(db, file, now).await?;
    give(db, file.id, to).await?;
    Ok(())
}

/// The upload with this id.
pub(crate) async fn find(db: &impl ConnectionTrait, id: FileId) -> Result<Option<StoredFile>, DbErr> {
    Entity::find_by_id(id.to_string()).one(db).await?.map(file).transpose()
}

/// The applications that have a file with this digest, by id, after this one.
pub(crate) async fn applications_with(
    db: &impl ConnectionTrait,
    sha256: &str,
    after: Option<ApplicationId>,
    limit: u64,
) -> Result<Vec<ApplicationId>, DbErr> {
    let mut select = Entity::find()
        .select_only()
        .column(Column::ApplicationId)
        .distinct()
        .filter(Column::Sha256.eq(sha256))
        .filter(Column::ApplicationId.is_not_null());
    if let Some(after) = after {
        select = select.filter(Column::ApplicationId.gt(after.to_string()));
    }
    let select = select.order_by_asc(Column::ApplicationId).limit(limit);
    let rows: Vec<String> = select.into_tuple().all(db).await?;
    rows.iter().map(|id| read("stored_file.application_id", id)).collect()
}

/// Gives an upload to an application. `false` if another has it, or it is gone.
pub(crate) async fn give(db: &impl ConnectionTrait, id: FileId, to: ApplicationId) -> Result<bool, DbErr> {
    let given = Entity::update_many()
        .col_expr(Column::ApplicationId, Expr::value(to.to_string()))
        .filter(Column::Id.eq(id.to_string()))
        .filter(
            Condition::any()
                .add(Column::ApplicationId.is_null())
                .add(Column::ApplicationId.eq(to.to_string())),
        )
        .exec(db)
        .await?;
    Ok(given.rows_affected == 1)
}

/// Uploads that no application has, made before `before`, by id, after this one.
pub(crate) async fn loose(
    db: &impl ConnectionTrait,
    before: DateTime<Utc>,
    after: Option<FileId>,
    limit: u64,
) -> Result<Vec<FileId>, DbErr> {
    let mut select =
        Entity::find().filter(Column::ApplicationId.is_null()).filter(Column::CreatedAt.lt(before));
    if let Some(after) = after {
        select = select.filter(Column::Id.gt(after.to_string()));
    }
    let rows = select.order_by_asc(Column::Id).limit(limit).all(db).await?;
    rows.iter().map(|row| read("stored_file.id", &row.id)).collect()
}

/// Forgets an upload that no application has. `false` if one has it now.
pub(crate) async fn forget(db: &impl ConnectionTrait, id: FileId) -> Result<bool, DbErr> {
    let gone = Entity::delete_many()
        .filter(Column::Id.eq(id.to_string()))
        .filter(Column::ApplicationId.is_null())
        .exec(db)
        .await?;
    Ok(gone.rows_affected == 1)
}
