//! Uploads: the rows that name what lies in the file store. A file is stored before its row.

use chrono::{DateTime, Utc};
use mpp_kit::row::read;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, Condition, ConnectionTrait, DbErr, EntityTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _,
};

use super::entity::stored_file::{ActiveModel, Column, Entity, Model};
use crate::domain::case::File;
use crate::domain::words::Scan;
use crate::domain::{CaseId, FileId};

fn file(row: &Model) -> Result<File, DbErr> {
    Ok(File {
        id: read("stored_file.id", &row.id)?,
        media_type: row.media_type.clone(),
        size: u64::try_from(row.size).unwrap_or(0),
        sha256: row.sha256.clone(),
        proof: false,
        scan: read("stored_file.scan", &row.scan)?,
    })
}

/// Names an upload that is stored. One that came with a message of a conversation is kept as long as that waits.
pub(crate) async fn insert(
    db: &impl ConnectionTrait,
    file: &File,
    conversation: Option<&str>,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let row = ActiveModel {
        id: Set(file.id.to_string()),
        complaint_id: Set(None),
        media_type: Set(file.media_type.clone()),
        size: Set(i64::try_from(file.size).unwrap_or(i64::MAX)),
        sha256: Set(file.sha256.clone()),
        scan: Set(file.scan.to_string()),
        conversation: Set(conversation.map(ToOwned::to_owned)),
        created_at: Set(now),
    };
    Entity::insert(row).exec_without_returning(db).await?;
    Ok(())
}

/// The upload with this id, and the case that has it.
pub(crate) async fn find(
    db: &impl ConnectionTrait,
    id: FileId,
) -> Result<Option<(File, Option<String>)>, DbErr> {
    let row = Entity::find_by_id(id.to_string()).one(db).await?;
    row.map(|row| Ok((file(&row)?, row.complaint_id))).transpose()
}

/// Gives an upload to a case. `None` if another has it, or it is gone.
pub(crate) async fn give(db: &impl ConnectionTrait, id: FileId, to: CaseId) -> Result<Option<File>, DbErr> {
    give_to(db, id, &to.to_string()).await
}

/// Gives an upload to whatever keeps it from now on, by id: a case, or a paper for the Ombudsman. `None` if something else has
/// it, or it is gone.
pub(crate) async fn give_to(db: &impl ConnectionTrait, id: FileId, to: &str) -> Result<Option<File>, DbErr> {
    let given = Entity::update_many()
        .col_expr(Column::ComplaintId, Expr::value(to))
        .filter(Column::Id.eq(id.to_string()))
        .filter(Condition::any().add(Column::ComplaintId.is_null()).add(Column::ComplaintId.eq(to)))
        .exec(db)
        .await?;
    if given.rows_affected != 1 {
        return Ok(None);
    }
    Ok(find(db, id).await?.map(|(file, _)| file))
}

/// Takes files from whatever case has them: their author took them back. They lie loose, and are deleted with what nobody used.
pub(crate) async fn let_go(db: &impl ConnectionTrait, files: &[FileId]) -> Result<(), DbErr> {
    if files.is_empty() {
        return Ok(());
    }
    Entity::update_many()
        .col_expr(Column::ComplaintId, Expr::value(Option::<String>::None))
        .col_expr(Column::Conversation, Expr::value(Option::<String>::None))
        .filter(Column::Id.is_in(files.iter().map(ToString::to_string)))
        .exec(db)
        .await?;
    Ok(())
}

/// Gives every file of a case to another one.
pub(crate) async fn hand_over(db: &impl ConnectionTrait, from: CaseId, to: CaseId) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::ComplaintId, Expr::value(to.to_string()))
        .filter(Column::ComplaintId.eq(from.to_string()))
        .exec(db)
        .await?;
    Ok(())
}

/// Files that the scanner has not looked at yet, oldest first: also those of the time before there was one.
pub(crate) async fn unscanned(db: &impl ConnectionTrait, limit: u64) -> Result<Vec<FileId>, DbErr> {
    let rows = Entity::find()
        .filter(Column::Scan.is_in([Scan::Pending, Scan::NotScanned].map(|it| it.to_string())))
        .order_by_desc(Column::Scan) // PENDING before NOT_SCANNED: old files that fail hold up no new ones
        .order_by_asc(Column::CreatedAt)
        .limit(limit)
        .all(db)
        .await?;
    rows.iter().map(|row| read("stored_file.id", &row.id)).collect()
}

/// Notes what the scanner said.
pub(crate) async fn scanned(db: &impl ConnectionTrait, id: FileId, scan: Scan) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::Scan, Expr::value(scan.to_string()))
        .filter(Column::Id.eq(id.to_string()))
        .exec(db)
        .await?;
    Ok(())
}

/// Uploads that no case has, and no message that may still become one, made before a moment.
pub(crate) async fn loose(
    db: &impl ConnectionTrait,
    before: DateTime<Utc>,
    limit: u64,
) -> Result<Vec<FileId>, DbErr> {
    let rows = Entity::find()
        .filter(Column::ComplaintId.is_null())
        .filter(Column::CreatedAt.lt(before))
        .filter(
            Condition::any()
                .add(Column::Conversation.is_null())
                .add(Column::Conversation.not_in_subquery(super::channel::unplaced())),
        )
        .order_by_asc(Column::CreatedAt)
        .limit(limit)
        .all(db)
        .await?;
    rows.iter().map(|row| read("stored_file.id", &row.id)).collect()
}

/// The files with these ids.
pub(crate) async fn several(db: &impl ConnectionTrait, ids: &[FileId]) -> Result<Vec<File>, DbErr> {
    let ids = ids.iter().map(ToString::to_string);
    Entity::find().filter(Column::Id.is_in(ids)).all(db).await?.iter().map(file).collect()
}

/// Files of a case.
pub(crate) async fn of_case(db: &impl ConnectionTrait, case: CaseId) -> Result<Vec<File>, DbErr> {
    let rows = Entity::find().filter(Column::ComplaintId.eq(case.to_string())).all(db).await?;
    rows.iter().map(file).collect()
}

/// Forgets an upload that no case has. `false` if one has it now.
pub(crate) async fn forget(db: &impl ConnectionTrait, id: FileId) -> Result<bool, DbErr> {
    let gone = Entity::delete_many()
        .filter(Column::Id.eq(id.to_string()))
        .filter(Column::ComplaintId.is_null())
        .exec(db)
        .await?;
    Ok(gone.rows_affected == 1)
}

/// Forgets the files of a case whose time is over.
pub(crate) async fn forget_of(db: &impl ConnectionTrait, case: CaseId) -> Result<(), DbErr> {
    Entity::delete_many().filter(Column::ComplaintId.eq(case.to_string())).exec(db).await?;
    Ok(())
}
