//! How far each mailbox was read, and the bounces in it that notifications has not heard of yet.

use chrono::{DateTime, Utc};
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _,
};

use crate::intake::imap::Cursor;

mod entity {
    #![expect(unreachable_pub, reason = "the derive writes pub")]
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "mail_cursor")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub mailbox: String,
        pub uid_validity: i64,
        pub last_uid: i64,
        pub read_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

mod bounce {
    #![expect(unreachable_pub, reason = "the derive writes pub")]
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "mail_bounce")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub message: String,
        pub status: String,
        pub created_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

use entity::{ActiveModel, Column, Entity};

/// How far a mailbox was read; `None` if it never was.
pub(crate) async fn find(db: &impl ConnectionTrait, mailbox: &str) -> Result<Option<Cursor>, DbErr> {
    let Some(row) = Entity::find_by_id(mailbox).one(db).await? else { return Ok(None) };
    let number = |value: i64| {
        u32::try_from(value).map_err(|_| DbErr::Type("mail_cursor holds what is no UID".to_owned()))
    };
    Ok(Some(Cursor { uid_validity: number(row.uid_validity)?, last_uid: number(row.last_uid)? }))
}

/// Notes it, in the transaction that stores what was read.
pub(crate) async fn save(
    tx: &DatabaseTransaction,
    mailbox: &str,
    cursor: Cursor,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let row = ActiveModel {
        mailbox: Set(mailbox.to_owned()),
        uid_validity: Set(cursor.uid_validity.into()),
        last_uid: Set(cursor.last_uid.into()),
        read_at: Set(now),
    };
    let replace = OnConflict::column(Column::Mailbox)
        .update_columns([Column::UidValidity, Column::LastUid, Column::ReadAt])
        .to_owned();
    Entity::insert(row).on_conflict(replace).exec_without_returning(tx).await?;
    Ok(())
}

/// Keeps a bounce of a message of ours until notifications has heard of it. One that comes again is one.
pub(crate) async fn keep_bounce(
    tx: &DatabaseTransaction,
    (message, status): (&str, &str),
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let row = bounce::ActiveModel {
        message: Set(message.to_owned()),
        status: Set(status.to_owned()),
        created_at: Set(now),
    };
    bounce::Entity::insert(row)
        .on_conflict(OnConflict::column(bounce::Column::Message).do_nothing().to_owned())
        .exec_without_returning(tx)
        .await?;
    Ok(())
}

/// Bounces that notifications has not heard of yet, the oldest first: message and status.
pub(crate) async fn bounces(db: &impl ConnectionTrait, limit: u64) -> Result<Vec<(String, String)>, DbErr> {
    use bounce::{Column, Entity};
    let rows = Entity::find().order_by_asc(Column::CreatedAt).order_by_asc(Column::Message).limit(limit);
    Ok(rows.all(db).await?.into_iter().map(|it| (it.message, it.status)).collect())
}

/// Notifications has heard of it.
pub(crate) async fn forget_bounce(db: &impl ConnectionTrait, message: &str) -> Result<(), DbErr> {
    bounce::Entity::delete_by_id(message).exec(db).await?;
    Ok(())
}

/// Forgets bounces that could be told to nobody until now.
pub(crate) async fn purge_bounces(db: &impl ConnectionTrait, before: DateTime<Utc>) -> Result<(), DbErr> {
    bounce::Entity::delete_many().filter(bounce::Column::CreatedAt.lt(before)).exec(db).await?;
    Ok(())
}
