//! How officials are reached.

use chrono::{DateTime, Utc};
use mpp_kit::cipher::Cipher;
use mpp_kit::row::{count, number, open, seal};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait as _,
    QueryFilter as _,
};
use serde::{Deserialize, Serialize};

use super::entity::contact::{ActiveModel, Column, Entity};
use crate::domain::channel::Channel;

/// Consent to a channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Consent {
    pub(crate) channel: Channel,
    pub(crate) opted_in: bool,
    pub(crate) source: String,
    pub(crate) at: DateTime<Utc>,
}

/// How an official is reached.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Contact {
    pub(crate) whatsapp: String,
    pub(crate) email: String,
    pub(crate) role: String,
    pub(crate) language: String,
    pub(crate) consents: Vec<Consent>,
    #[serde(skip)]
    pub(crate) version: u32,
}

impl Contact {
    /// Its address on a channel; empty for none.
    pub(crate) fn address(&self, channel: Channel) -> &str {
        match channel {
            Channel::Whatsapp => &self.whatsapp,
            Channel::Email => &self.email,
            // Officials are not written to at Facebook or Instagram.
            Channel::InApp | Channel::Direct => "",
        }
    }

    /// Whether it agreed to a channel. The list inside of the system asks for no consent.
    pub(crate) fn agrees(&self, channel: Channel) -> bool {
        channel == Channel::InApp
            || self.consents.iter().any(|consent| consent.channel == channel && consent.opted_in)
    }
}

/// The contact of an account.
pub(crate) async fn find(
    db: &impl ConnectionTrait,
    cipher: &Cipher,
    account: &str,
) -> Result<Option<Contact>, DbErr> {
    let Some(row) = Entity::find_by_id(account.to_owned()).one(db).await? else { return Ok(None) };
    let mut contact: Contact = open(cipher, &format!("contact {account}"), &row.body)?;
    contact.version = count("contact.version", row.version)?;
    Ok(Some(contact))
}

/// Writes a contact over the version before it. `false` if somebody was first.
pub(crate) async fn save(
    tx: &DatabaseTransaction,
    cipher: &Cipher,
    (account, contact): (&str, &Contact),
    now: DateTime<Utc>,
) -> Result<bool, DbErr> {
    let body = seal(cipher, &format!("contact {account}"), contact)?;
    let version = number(contact.version)?;
    if version == 1 {
        let row = ActiveModel {
            account_id: Set(account.to_owned()),
            version: Set(1),
            body: Set(body),
            updated_at: Set(now),
        };
        let once = sea_orm::sea_query::OnConflict::column(Column::AccountId).do_nothing().to_owned();
        return Ok(Entity::insert(row).on_conflict(once).exec_without_returning(tx).await? == 1);
    }
    let done = Entity::update_many()
        .col_expr(Column::Version, Expr::value(version))
        .col_expr(Column::Body, Expr::value(body))
        .col_expr(Column::UpdatedAt, Expr::value(now))
        .filter(Column::AccountId.eq(account))
        .filter(Column::Version.eq(version - 1))
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}
