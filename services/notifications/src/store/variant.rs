//! Versions of texts.

use chrono::{DateTime, Utc};
use mpp_kit::row::{count, number, read};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, Condition, ConnectionTrait, DatabaseTransaction, DbErr,
    EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};

use super::entity::variant::{ActiveModel, Column, Entity, Model};
use crate::domain::channel::Channel;
use crate::domain::variant::{Button, Kept, VariantState};

/// What a variant is known by, without its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) message_type: String,
    pub(crate) channel: Channel,
    pub(crate) language: String,
}

/// A version of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Variant {
    pub(crate) key: Key,
    pub(crate) version: u32,
    pub(crate) state: VariantState,
    pub(crate) reason: String,
    pub(crate) subject: String,
    pub(crate) body: String,
    pub(crate) buttons: Vec<Button>,
    pub(crate) template_name: String,
    pub(crate) author: String,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
}

fn variant(row: Model) -> Result<Variant, DbErr> {
    Ok(Variant {
        key: Key {
            message_type: row.message_type,
            channel: read("variant.channel", &row.channel)?,
            language: row.language,
        },
        version: count("variant.version", row.version)?,
        state: read("variant.state", &row.state)?,
        reason: row.reason,
        subject: row.subject,
        body: row.body,
        buttons: serde_json::from_str(&row.buttons)
            .map_err(|_| DbErr::Json("variant.buttons is not as it was written".to_owned()))?,
        template_name: row.template_name,
        author: row.author,
        created_at: row.created_at,
        updated_at: row.updated_at,
    })
}

fn is(key: &Key) -> Condition {
    Condition::all()
        .add(Column::MessageType.eq(&key.message_type))
        .add(Column::Channel.eq(key.channel.to_string()))
        .add(Column::Language.eq(&key.language))
}

/// Writes a version, over the draft of the same number if there is one. `false` if it is no draft any more.
pub(crate) async fn save_draft(tx: &DatabaseTransaction, new: &Variant) -> Result<bool, DbErr> {
    let buttons = serde_json::to_string(&new.buttons).map_err(|error| DbErr::Json(error.to_string()))?;
    let row = ActiveModel {
        message_type: Set(new.key.message_type.clone()),
        channel: Set(new.key.channel.to_string()),
        language: Set(new.key.language.clone()),
        version: Set(number(new.version)?),
        state: Set(new.state.to_string()),
        reason: Set(new.reason.clone()),
        subject: Set(new.subject.clone()),
        body: Set(new.body.clone()),
        buttons: Set(buttons.clone()),
        template_name: Set(new.template_name.clone()),
        author: Set(new.author.clone()),
        created_at: Set(new.created_at),
        updated_at: Set(new.updated_at),
    };
    let key = [Column::MessageType, Column::Channel, Column::Language, Column::Version];
    let once = OnConflict::columns(key).do_nothing().to_owned();
    if Entity::insert(row).on_conflict(once).exec_without_returning(tx).await? == 1 {
        return Ok(true);
    }
    let done = Entity::update_many()
        .col_expr(Column::Subject, Expr::value(&new.subject))
        .col_expr(Column::Body, Expr::value(&new.body))
        .col_expr(Column::Buttons, Expr::value(buttons))
        .col_expr(Column::TemplateName, Expr::value(&new.template_name))
        .col_expr(Column::Author, Expr::value(&new.author))
        .col_expr(Column::UpdatedAt, Expr::value(new.updated_at))
        .filter(is(&new.key))
        .filter(Column::Version.eq(number(new.version)?))
        .filter(Column::State.eq(VariantState::Draft.to_string()))
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}

/// One version.
pub(crate) async fn find(
    db: &impl ConnectionTrait,
    key: &Key,
    version: u32,
) -> Result<Option<Variant>, DbErr> {
    let row = Entity::find().filter(is(key)).filter(Column::Version.eq(number(version)?)).one(db).await?;
    row.map(variant).transpose()
}

/// The newest version in one of these states.
pub(crate) async fn newest(
    db: &impl ConnectionTrait,
    key: &Key,
    states: &[VariantState],
) -> Result<Option<Variant>, DbErr> {
    let states = states.iter().map(ToString::to_string);
    let row = Entity::find()
        .filter(is(key))
        .filter(Column::State.is_in(states))
        .order_by_desc(Column::Version)
        .one(db)
        .await?;
    row.map(variant).transpose()
}

/// Versions of a type in the order of channel, language and version (newest first), `skip` of them left out.
pub(crate) async fn list(
    db: &impl ConnectionTrait,
    message_type: &str,
    channel: Option<Channel>,
    skip: u64,
    limit: u64,
) -> Result<Vec<Variant>, DbErr> {
    let mut select = Entity::find()
        .filter(Column::MessageType.eq(message_type))
        .order_by_asc(Column::Channel)
        .order_by_asc(Column::Language)
        .order_by_desc(Column::Version)
        .offset(skip)
        .limit(limit);
    if let Some(channel) = channel {
        select = select.filter(Column::Channel.eq(channel.to_string()));
    }
    select.all(db).await?.into_iter().map(variant).collect()
}

impl Variant {
    /// Who has the word about it.
    pub(crate) fn kept(&self) -> Kept {
        match self.key.channel {
            Channel::Whatsapp if self.template_name.is_empty() => Kept::AsFreeText,
            Channel::Whatsapp => Kept::AtMeta,
            Channel::Email | Channel::InApp | Channel::Direct => Kept::Here,
        }
    }

    /// Whether Meta would see no difference: what it approves is a text with its buttons under a name.
    pub(crate) fn reads_like(&self, other: &Self) -> bool {
        self.body.trim_end() == other.body.trim_end() && self.buttons == other.buttons
    }
}

/// Of the variants under one name and language, the one whose text Meta has: one that was judged, else the first that waits.
pub(crate) fn known_as<'a>(variants: impl IntoIterator<Item = &'a Variant>) -> Option<&'a Variant> {
    let offered = variants.into_iter().filter(|it| it.state != VariantState::Draft);
    offered.min_by_key(|it| (it.state == VariantState::Submitted, it.created_at, it.version))
}

/// Every WhatsApp variant that was ever offered to Meta.
pub(crate) async fn offered(db: &impl ConnectionTrait) -> Result<Vec<Variant>, DbErr> {
    let rows = Entity::find()
        .filter(Column::Channel.eq(Channel::Whatsapp.to_string()))
        .filter(Column::TemplateName.ne(""))
        .filter(Column::State.ne(VariantState::Draft.to_string()))
        .order_by_asc(Column::TemplateName)
        .all(db)
        .await?;
    rows.into_iter().map(variant).collect()
}

/// The WhatsApp variants that a template of this name and language stands for, newest first.
pub(crate) async fn of_template(
    db: &impl ConnectionTrait,
    name: &str,
    language: &str,
) -> Result<Vec<Variant>, DbErr> {
    let rows = Entity::find()
        .filter(Column::Channel.eq(Channel::Whatsapp.to_string()))
        .filter(Column::TemplateName.eq(name))
        .filter(Column::Language.eq(language))
        .order_by_desc(Column::Version)
        .all(db)
        .await?;
    rows.into_iter().map(variant).collect()
}

/// Where a version stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) message_type: String,
    pub(crate) channel: Channel,
    pub(crate) language: String,
    pub(crate) state: VariantState,
}

/// Where every version stands that was offered, the newest of each text first.
pub(crate) async fn standing(db: &impl ConnectionTrait) -> Result<Vec<Standing>, DbErr> {
    let rows: Vec<(String, String, String, String)> = Entity::find()
        .select_only()
        .columns([Column::MessageType, Column::Channel, Column::Language, Column::State])
        .filter(Column::State.ne(VariantState::Draft.to_string()))
        .order_by_desc(Column::Version)
        .into_tuple()
        .all(db)
        .await?;
    rows.into_iter()
        .map(|(message_type, channel, language, state)| {
            Ok(Standing {
                channel: read("variant.channel", &channel)?,
                state: read("variant.state", &state)?,
                message_type,
                language,
            })
        })
        .collect()
}

/// Moves a version from one state to another. `false` if it is elsewhere by now.
pub(crate) async fn set_state(
    tx: &DatabaseTransaction,
    (key, version): (&Key, u32),
    (from, to): (VariantState, VariantState),
    reason: &str,
    now: DateTime<Utc>,
) -> Result<bool, DbErr> {
    let done = Entity::update_many()
        .col_expr(Column::State, Expr::value(to.to_string()))
        .col_expr(Column::Reason, Expr::value(reason))
        .col_expr(Column::UpdatedAt, Expr::value(now))
        .filter(is(key))
        .filter(Column::Version.eq(number(version)?))
        .filter(Column::State.eq(from.to_string()))
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}
