//! Licences that another system asked for, what is told to OSS about them, and how far other systems were read.

mod entity;

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict, Query};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use serde::{Deserialize, Serialize};

use self::entity::{cursor, licence, message, receipt};
use crate::domain::ApplicationId;
use crate::domain::licence::{
    Keys, LicenceId, LicenceMessageId, MessageKind, MessageState, OssStatus, Source,
};
use mpp_kit::cipher::Cipher;
use mpp_kit::counter;
use mpp_kit::row::{count, number, open, read, seal};

/// Changes of licences, for those who poll.
const CHANGES: &str = "licences";

/// A licence.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Licence {
    pub(crate) id: LicenceId,
    pub(crate) source: Source,
    /// What the other system knows it by: `id_izin`, or `no_permohonan`.
    pub(crate) source_key: String,
    /// The region as a dotted code, or the area of the office that works on it.
    pub(crate) area: String,
    /// The latest status told; only of OSS.
    pub(crate) status: Option<OssStatus>,
    pub(crate) application: Option<ApplicationId>,
    pub(crate) version: u32,
    /// Grows with every change of any licence.
    pub(crate) changed: i64,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
    pub(crate) body: Body,
}

/// What nothing is searched by.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Body {
    pub(crate) keys: Keys,
    pub(crate) nama_izin: String,
    pub(crate) nama_perseroan: String,
    /// The number, once there is one.
    pub(crate) number: String,
    /// The signed file that OSS told of.
    pub(crate) file_url: String,
    /// What SiCantik calls its status.
    pub(crate) foreign_status: String,
    /// Whether the company or OSS took the application back.
    pub(crate) withdrawn: bool,
    /// What the other system sent about it.
    pub(crate) sent: serde_json::Value,
}

/// What is told to OSS.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Message {
    pub(crate) id: LicenceMessageId,
    pub(crate) licence: LicenceId,
    /// Its place among those of its licence, from 1.
    pub(crate) number: u32,
    /// What it is told because of; each cause once.
    pub(crate) cause: String,
    pub(crate) kind: MessageKind,
    pub(crate) status: OssStatus,
    pub(crate) state: MessageState,
    pub(crate) attempt_count: u32,
    /// Whether an attempt ended without an answer.
    pub(crate) unclear: bool,
    pub(crate) due_at: DateTime<Utc>,
    /// The JSON that is sent.
    pub(crate) body: serde_json::Value,
    /// What OSS said last.
    pub(crate) answer: String,
    pub(crate) created_at: DateTime<Utc>,
}

/// A message that has no place yet.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct NewMessage {
    pub(crate) licence: LicenceId,
    pub(crate) cause: String,
    pub(crate) kind: MessageKind,
    pub(crate) status: OssStatus,
    pub(crate) body: serde_json::Value,
}

fn licence(cipher: &Cipher, row: licence::Model) -> Result<Licence, DbErr> {
    Ok(Licence {
        body: open(cipher, &row.id, &row.body)?,
        id: read("licence.id", &row.id)?,
        source: read("licence.source", &row.source)?,
        source_key: row.source_key,
        area: row.area,
        status: row.status_code.map(|code| read("licence.status_code", &code)).transpose()?,
        application: row.application_id.map(|id| read("licence.application_id", &id)).transpose()?,
        version: count("licence.version", row.version)?,
        changed: row.changed,
        created_at: row.created_at,
        updated_at: row.updated_at,
    })
}

fn message(cipher: &Cipher, row: message::Model) -> Result<Message, DbErr> {
    Ok(Message {
        body: open(cipher, &row.id, &row.body)?,
        id: read("licence_message.id", &row.id)?,
        licence: read("licence_message.licence_id", &row.licence_id)?,
        number: count("licence_message.number", row.number)?,
        cause: row.cause,
        kind: read("licence_message.kind", &row.kind)?,
        status: read("licence_message.status_code", &row.status_code)?,
        state: read("licence_message.state", &row.state)?,
        attempt_count: count("licence_message.attempt_count", row.attempt_count)?,
        unclear: row.unclear,
        due_at: row.due_at,
        answer: row.answer,
        created_at: row.created_at,
    })
}

/// The licence with this id.
pub(crate) async fn find(
    db: &impl ConnectionTrait,
    cipher: &Cipher,
    id: LicenceId,
) -> Result<Option<Licence>, DbErr> {
    let row = licence::Entity::find_by_id(id.to_string()).one(db).await?;
    row.map(|row| licence(cipher, row)).transpose()
}

/// The licence that another system knows by this key.
pub(crate) async fn by_key(
    db: &impl ConnectionTrait,
    cipher: &Cipher,
    source: Source,
    key: &str,
) -> Result<Option<Licence>, DbErr> {
    let row = licence::Entity::find()
        .filter(licence::Column::Source.eq(source.to_string()))
        .filter(licence::Column::SourceKey.eq(key))
        .one(db)
        .await?;
    row.map(|row| licence(cipher, row)).transpose()
}

/// The licence that this application was made for.
pub(crate) async fn of_application(
    db: &impl ConnectionTrait,
    cipher: &Cipher,
    application: ApplicationId,
) -> Result<Option<Licence>, DbErr> {
    let row = licence::Entity::find()
        .filter(licence::Column::ApplicationId.eq(application.to_string()))
        .one(db)
        .await?;
    row.map(|row| licence(cipher, row)).transpose()
}

/// Licences in these areas (`None` for all), in the order of their last changes, after `changed`.
pub(crate) async fn list(
    db: &impl ConnectionTrait,
    cipher: &Cipher,
    areas: Option<&[String]>,
    nib: Option<&str>,
    changed: i64,
    limit: u64,
) -> Result<Vec<Licence>, DbErr> {
    use licence::{Column, Entity};
    let mut select =
        Entity::find().filter(Column::Changed.gt(changed)).order_by_asc(Column::Changed).limit(limit);
    if let Some(areas) = areas {
        select = select.filter(mpp_kit::row::within(Column::Area, areas));
    }
    if let Some(nib) = nib {
        select = select.filter(Column::Nib.eq(nib));
    }
    select.all(db).await?.into_iter().map(|row| licence(cipher, row)).collect()
}

/// Keeps the counter of licences for this transaction.
pub(crate) async fn hold(tx: &DatabaseTransaction) -> Result<(), DbErr> {
    counter::hold(tx, CHANGES).await
}

/// Writes a new licence.
pub(crate) async fn insert(tx: &DatabaseTransaction, cipher: &Cipher, new: &Licence) -> Result<(), DbErr> {
    let id = new.id.to_string();
    let row = licence::ActiveModel {
        source: Set(new.source.to_string()),
        source_key: Set(new.source_key.clone()),
        nib: Set(new.body.keys.nib.clone()),
        oss_id: Set(new.body.keys.oss_id.clone()),
        area: Set(new.area.clone()),
        status_code: Set(new.status.map(|status| status.to_string())),
        application_id: Set(new.application.map(|id| id.to_string())),
        version: Set(number(new.version)?),
        changed: Set(counter::next(tx, CHANGES).await?),
        body: Set(seal(cipher, &id, &new.body)?),
        created_at: Set(new.created_at),
        updated_at: Set(new.updated_at),
        id: Set(id),
    };
    licence::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// Writes a changed licence over the version before. `false` if somebody was first.
pub(crate) async fn update(tx: &DatabaseTransaction, cipher: &Cipher, next: &Licence) -> Result<bool, DbErr> {
    use licence::{Column, Entity};
    let id = next.id.to_string();
    let done = Entity::update_many()
        .col_expr(Column::Nib, Expr::value(next.body.keys.nib.clone()))
        .col_expr(Column::OssId, Expr::value(next.body.keys.oss_id.clone()))
        .col_expr(Column::Area, Expr::value(next.area.clone()))
        .col_expr(Column::StatusCode, Expr::value(next.status.map(|status| status.to_string())))
        .col_expr(Column::ApplicationId, Expr::value(next.application.map(|id| id.to_string())))
        .col_expr(Column::Version, Expr::value(number(next.version)?))
        .col_expr(Column::Changed, Expr::value(counter::next(tx, CHANGES).await?))
        .col_expr(Column::Body, Expr::value(seal(cipher, &id, &next.body)?))
        .col_expr(Column::UpdatedAt, Expr::value(next.updated_at))
        .filter(Column::Id.eq(id))
        .filter(Column::Version.eq(number(next.version - 1)?))
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}

/// Whether something was told about a licence for this cause.
pub(crate) async fn is_told(db: &impl ConnectionTrait, of: LicenceId, cause: &str) -> Result<bool, DbErr> {
    let found = message::Entity::find()
        .filter(message::Column::LicenceId.eq(of.to_string()))
        .filter(message::Column::Cause.eq(cause))
        .one(db)
        .await?;
    Ok(found.is_some())
}

/// Puts a message at the end of those of its licence. The caller has changed the licence in this transaction, which keeps
/// others from counting at the same time; unique indexes would stop a second one for the same place or cause.
pub(crate) async fn enqueue(
    tx: &DatabaseTransaction,
    cipher: &Cipher,
    new: NewMessage,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    use message::{Column, Entity};
    let last = Entity::find()
        .filter(Column::LicenceId.eq(new.licence.to_string()))
        .order_by_desc(Column::Number)
        .one(tx)
        .await?;
    let id = LicenceMessageId::generate();
    let row = message::ActiveModel {
        id: Set(id.to_string()),
        licence_id: Set(new.licence.to_string()),
        number: Set(last.map_or(1, |row| row.number + 1)),
        cause: Set(new.cause),
        kind: Set(new.kind.to_string()),
        status_code: Set(new.status.to_string()),
        state: Set(MessageState::Pending.to_string()),
        attempt_count: Set(0),
        unclear: Set(false),
        due_at: Set(now),
        body: Set(seal(cipher, &id.to_string(), &new.body)?),
        answer: Set(String::new()),
        created_at: Set(now),
        updated_at: Set(now),
    };
    Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// The messages about a licence, in order.
pub(crate) async fn messages(
    db: &impl ConnectionTrait,
    cipher: &Cipher,
    of: LicenceId,
) -> Result<Vec<Message>, DbErr> {
    let rows = message::Entity::find()
        .filter(message::Column::LicenceId.eq(of.to_string()))
        .order_by_asc(message::Column::Number)
        .all(db)
        .await?;
    rows.into_iter().map(|row| message(cipher, row)).collect()
}

/// Messages whose turn it is: the first that waits of each licence, when it is due.
pub(crate) async fn due(
    db: &impl ConnectionTrait,
    cipher: &Cipher,
    now: DateTime<Utc>,
    limit: u64,
) -> Result<Vec<Message>, DbErr> {
    use message::{Column, Entity};
    // The inner table has a name of its own, so that the two do not mix.
    let first = Query::select()
        .expr(Expr::col(("earlier", Column::Number)).min())
        .from_as("licence_message", "earlier")
        .and_where(Expr::col(("earlier", Column::LicenceId)).equals((Entity, Column::LicenceId)))
        .and_where(Expr::col(("earlier", Column::State)).eq(MessageState::Pending.to_string()))
        .to_owned();
    let rows = Entity::find()
        .filter(Column::State.eq(MessageState::Pending.to_string()))
        .filter(Column::DueAt.lte(now))
        .filter(Column::Number.in_subquery(first))
        .order_by_asc(Column::DueAt)
        .limit(limit)
        .all(db)
        .await?;
    rows.into_iter().map(|row| message(cipher, row)).collect()
}

/// Takes a message that is due, until `until`. `false` if somebody was first, or one before it waits again.
pub(crate) async fn claim(
    tx: &DatabaseTransaction,
    message: &Message,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<bool, DbErr> {
    use message::{Column, Entity};
    // Whoever lets an earlier message wait again holds the row of the licence: what he does is seen here, or this by him.
    licence::Entity::find_by_id(message.licence.to_string()).lock_exclusive().one(tx).await?;
    let earlier = Query::select()
        .expr(Expr::val(1))
        .from_as("licence_message", "earlier")
        .and_where(Expr::col(("earlier", Column::LicenceId)).eq(message.licence.to_string()))
        .and_where(Expr::col(("earlier", Column::State)).eq(MessageState::Pending.to_string()))
        .and_where(Expr::col(("earlier", Column::Number)).lt(number(message.number)?))
        .to_owned();
    let done = Entity::update_many()
        .col_expr(Column::DueAt, Expr::value(until))
        // Until the answer is here, it is not known whether OSS has it: a process that ends now leaves this behind.
        .col_expr(Column::Unclear, Expr::value(true))
        .filter(Column::Id.eq(message.id.to_string()))
        .filter(Column::State.eq(MessageState::Pending.to_string()))
        .filter(Column::DueAt.lte(now))
        .filter(Expr::exists(earlier).not())
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}

/// Writes where a message stands now.
pub(crate) async fn save_message(
    tx: &DatabaseTransaction,
    next: &Message,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    use message::{Column, Entity};
    Entity::update_many()
        .col_expr(Column::State, Expr::value(next.state.to_string()))
        .col_expr(Column::AttemptCount, Expr::value(number(next.attempt_count)?))
        .col_expr(Column::Unclear, Expr::value(next.unclear))
        .col_expr(Column::DueAt, Expr::value(next.due_at))
        .col_expr(Column::Answer, Expr::value(next.answer.clone()))
        .col_expr(Column::UpdatedAt, Expr::value(now))
        .filter(Column::Id.eq(next.id.to_string()))
        .exec(tx)
        .await?;
    Ok(())
}

/// The digest of what OSS sent under this key before, if it did; this time is counted.
pub(crate) async fn receive(
    tx: &DatabaseTransaction,
    (nib, oss_id): (&str, &str),
    digest: &str,
    now: DateTime<Utc>,
) -> Result<Option<String>, DbErr> {
    use receipt::{Column, Entity};
    // Insert first: on PostgreSQL a second transaction with the same key waits here for the end of the first.
    let row = receipt::ActiveModel {
        nib: Set(nib.to_owned()),
        oss_id: Set(oss_id.to_owned()),
        digest: Set(digest.to_owned()),
        times: Set(0),
        first_at: Set(now),
        last_at: Set(now),
    };
    let keep = OnConflict::columns([Column::Nib, Column::OssId]).do_nothing().to_owned();
    Entity::insert(row).on_conflict(keep).exec_without_returning(tx).await?;
    // The row stays locked from here to the end of the transaction: repetitions take turns.
    let this = || Entity::update_many().filter(Column::Nib.eq(nib)).filter(Column::OssId.eq(oss_id));
    this()
        .col_expr(Column::Times, Expr::col(Column::Times).add(1))
        .col_expr(Column::LastAt, Expr::value(now))
        .exec(tx)
        .await?;
    let found = Entity::find_by_id((nib.to_owned(), oss_id.to_owned())).one(tx).await?;
    let found = found.ok_or_else(|| DbErr::RecordNotFound("oss_receipt".into()))?;
    this().col_expr(Column::Digest, Expr::value(digest)).exec(tx).await?;
    Ok((found.times > 1).then_some(found.digest))
}

/// How far another system was read.
pub(crate) async fn cursor(db: &impl ConnectionTrait, name: &str) -> Result<Option<String>, DbErr> {
    Ok(cursor::Entity::find_by_id(name.to_owned()).one(db).await?.map(|row| row.value))
}

/// Says how far another system was read.
pub(crate) async fn set_cursor(
    tx: &DatabaseTransaction,
    name: &str,
    value: &str,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    use cursor::{Column, Entity};
    let row = cursor::ActiveModel {
        name: Set(name.to_owned()),
        value: Set(value.to_owned()),
        updated_at: Set(now),
    };
    let replace =
        OnConflict::column(Column::Name).update_columns([Column::Value, Column::UpdatedAt]).to_owned();
    Entity::insert(row).on_conflict(replace).exec_without_returning(tx).await?;
    Ok(())
}
