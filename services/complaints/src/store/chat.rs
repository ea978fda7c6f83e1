//! What is known of a chat: the question its sender was asked, and the case they wrote on last. Its row is what makes two
//! workers on one chat meet: who comes second has the wrong version and starts again.

use chrono::{DateTime, Utc};
use mpp_kit::cipher::Cipher;
use mpp_kit::row::{open, seal};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use serde::{Deserialize, Serialize};

/// Its table.
pub(crate) mod entity {
    #![expect(unreachable_pub, reason = "the derive writes pub")]
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "chat")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub conversation: String,
        pub version: i32,
        pub asked_at: Option<DateTimeUtc>,
        pub body: String,
        pub touched_at: Option<DateTimeUtc>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

use entity::{ActiveModel, Column, Entity};

/// A question that was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Asked {
    /// The cases offered, in this order.
    pub(crate) offered: Vec<String>,
    /// When.
    pub(crate) at: DateTime<Utc>,
}

/// What a chat remembers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Memory {
    /// The question that waits for its answer.
    pub(crate) question: Option<Asked>,
    /// The case that was written on last, and when.
    pub(crate) last: Option<(String, DateTime<Utc>)>,
    /// The language that was asked for; empty for none.
    #[serde(default)]
    pub(crate) language: String,
}

/// A chat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chat {
    /// Whose: a digest.
    pub(crate) conversation: String,
    /// Counts changes; 0 when there is no row yet.
    pub(crate) version: i32,
    /// What it remembers.
    pub(crate) memory: Memory,
}

fn name(conversation: &str) -> String {
    format!("chat {conversation}")
}

/// The chat of a conversation; an empty one if there was none.
pub(crate) async fn find(
    db: &impl ConnectionTrait,
    vault: &Cipher,
    conversation: &str,
) -> Result<Chat, DbErr> {
    let row = Entity::find_by_id(conversation).one(db).await?;
    let (version, memory) = match row {
        Some(row) => (row.version, open(vault, &name(conversation), &row.body)?),
        None => (0, Memory::default()),
    };
    Ok(Chat { conversation: conversation.to_owned(), version, memory })
}

/// Saves a chat as the next version. `false` if somebody was first. A case that was written on last before `since` is not
/// remembered any longer: who goes on writing must not keep what led to somebody who is forgotten.
pub(crate) async fn save(
    tx: &DatabaseTransaction,
    vault: &Cipher,
    chat: &Chat,
    (now, since): (DateTime<Utc>, DateTime<Utc>),
) -> Result<bool, DbErr> {
    let last = chat.memory.last.clone().filter(|(_, at)| *at >= since);
    let body = seal(vault, &name(&chat.conversation), &Memory { last, ..chat.memory.clone() })?;
    let asked_at = chat.memory.question.as_ref().map(|it| it.at);
    if chat.version == 0 {
        let row = ActiveModel {
            conversation: Set(chat.conversation.clone()),
            version: Set(1),
            asked_at: Set(asked_at),
            body: Set(body),
            touched_at: Set(Some(now)),
        };
        let conflict = OnConflict::column(Column::Conversation).do_nothing().to_owned();
        return Ok(Entity::insert(row).on_conflict(conflict).exec_without_returning(tx).await? == 1);
    }
    let done = Entity::update_many()
        .col_expr(Column::Version, Expr::value(chat.version + 1))
        .col_expr(Column::AskedAt, Expr::value(asked_at))
        .col_expr(Column::Body, Expr::value(body))
        .col_expr(Column::TouchedAt, Expr::value(now))
        .filter(Column::Conversation.eq(chat.conversation.as_str()))
        .filter(Column::Version.eq(chat.version))
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}

/// Looks at a question again as if it had been asked at this moment: what waits for its answer found no place.
pub(crate) async fn look_again(
    db: &impl ConnectionTrait,
    conversation: &str,
    asked_at: DateTime<Utc>,
) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::AskedAt, Expr::value(asked_at))
        .filter(Column::Conversation.eq(conversation))
        .filter(Column::AskedAt.is_not_null())
        .exec(db)
        .await?;
    Ok(())
}

/// Deletes chats that nobody has written in since a moment. One with a question stays: what waits for its answer is placed first.
pub(crate) async fn purge(db: &impl ConnectionTrait, before: DateTime<Utc>) -> Result<(), DbErr> {
    Entity::delete_many()
        .filter(Column::TouchedAt.lt(before))
        .filter(Column::AskedAt.is_null())
        .exec(db)
        .await?;
    Ok(())
}

/// Chats whose question was asked at this moment or before, oldest first.
pub(crate) async fn asked_until(
    db: &impl ConnectionTrait,
    until: DateTime<Utc>,
    limit: u64,
) -> Result<Vec<String>, DbErr> {
    Entity::find()
        .select_only()
        .column(Column::Conversation)
        .filter(Column::AskedAt.lte(until))
        .order_by_asc(Column::AskedAt)
        .limit(limit)
        .into_tuple()
        .all(db)
        .await
}
