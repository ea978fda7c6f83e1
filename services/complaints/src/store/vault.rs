//! Who reported: under a key of its own, by the number of the report. The case knows a pseudonym.

use chrono::{DateTime, Utc};
use mpp_kit::cipher::Cipher;
use mpp_kit::row::{open, seal};
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use serde::{Deserialize, Serialize};

use super::entity::{reporter_contact, reporter_vault};
use crate::domain::number::Number;
use crate::intake::envelope::Source;

/// Who reported, and how to reach them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    pub(crate) name: String,
    /// `+62…`.
    pub(crate) phone: String,
    pub(crate) email: String,
    /// The id at the channel: `wa_id`, PSID, IGSID.
    #[serde(default)]
    pub(crate) channel_id: String,
    /// Our account at the channel.
    #[serde(default)]
    pub(crate) channel_account: String,
    /// The thread there.
    #[serde(default)]
    pub(crate) thread: String,
    /// The language of messages to it; empty for Indonesian.
    #[serde(default)]
    pub(crate) language: String,
    /// The latest comment of theirs, for the one private answer to it.
    #[serde(default)]
    pub(crate) comment: Option<Comment>,
    /// Of who commented, the id in direct messages, as it was told when the comment was answered; empty while nobody knows it.
    #[serde(default)]
    pub(crate) direct_user: String,
}

/// A comment, as its network knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Comment {
    pub(crate) id: String,
    pub(crate) at: DateTime<Utc>,
}

/// Whom a direct message is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Direct<'a> {
    /// Where they write messages, not comments.
    pub(crate) source: Source,
    /// Our account there.
    pub(crate) account: &'a str,
    /// Empty while nobody knows it.
    pub(crate) user: &'a str,
    pub(crate) comment: Option<&'a Comment>,
}

impl Identity {
    /// Whether it said how notifications can be sent to it.
    pub(crate) fn has_address(&self) -> bool {
        !(self.phone.is_empty() && self.email.is_empty())
    }

    /// Where direct messages reach it, if it wrote or commented at Facebook or Instagram.
    pub(crate) fn direct(&self) -> Option<Direct<'_>> {
        let mut parts = self.channel_id.splitn(3, ' ');
        let (source, account, id) = (parts.next()?, parts.next()?, parts.next()?);
        let written: Source = source.parse().ok()?;
        let source = written.messages()?;
        // The id of who comments counts for comments alone.
        let user = if written == source { id } else { self.direct_user.as_str() };
        let direct = Direct { source, account, user, comment: self.comment.as_ref() };
        (!user.is_empty() || direct.comment.is_some()).then_some(direct)
    }

    /// The id at the channel of the messages of who commented; empty for none.
    fn direct_id(&self) -> String {
        match self.direct() {
            Some(it) if !self.direct_user.is_empty() => format!("{} {} {}", it.source, it.account, it.user),
            Some(_) | None => String::new(),
        }
    }

    /// With what they tell of themselves anew: what they leave out stays as it was, and so does what the channel knows of
    /// them. With another telephone the chat of the one before is theirs no longer.
    pub(crate) fn told(self, anew: &Self) -> Self {
        let either = |anew: &str, known: String| if anew.is_empty() { known } else { anew.to_owned() };
        let moved = !anew.phone.is_empty() && anew.phone != self.phone;
        let chat = self.channel_id.starts_with(&format!("{} ", Source::Whatsapp));
        Self {
            name: either(&anew.name, self.name),
            phone: either(&anew.phone, self.phone),
            email: either(&anew.email, self.email),
            channel_id: if moved && chat { String::new() } else { self.channel_id },
            channel_account: self.channel_account,
            thread: self.thread,
            language: either(&anew.language, self.language),
            comment: self.comment,
            direct_user: self.direct_user,
        }
    }

    /// Digests of the ways to reach it.
    pub(crate) fn digests(&self, vault: &Cipher) -> Vec<String> {
        self.contacts().into_iter().map(|(kind, contact)| digest(vault, kind, &contact)).collect()
    }

    /// The ways to reach it, each with its kind, for digests.
    pub(crate) fn contacts(&self) -> Vec<(&'static str, String)> {
        [
            ("phone", self.phone.clone()),
            ("email", self.email.clone()),
            ("channel", self.channel_id.clone()),
            ("channel", self.direct_id()),
        ]
        .into_iter()
        .filter(|(_, it)| !it.is_empty())
        .collect()
    }
}

fn name(number: Number) -> String {
    format!("reporter {number}")
}

/// The digest of a way to reach somebody.
pub(crate) fn digest(vault: &Cipher, kind: &str, contact: &str) -> String {
    vault.digest(kind, contact)
}

/// Writes or replaces who reported: what was known before is read with [`hold`]. A contact that is theirs no longer speaks for
/// the case no longer.
pub(crate) async fn save(
    tx: &DatabaseTransaction,
    vault: &Cipher,
    number: Number,
    identity: &Identity,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let row = reporter_vault::ActiveModel {
        number: Set(number.to_string()),
        body: Set(seal(vault, &name(number), identity)?),
        created_at: Set(now),
    };
    reporter_vault::Entity::insert(row)
        .on_conflict(
            OnConflict::column(reporter_vault::Column::Number)
                .update_column(reporter_vault::Column::Body)
                .to_owned(),
        )
        .exec_without_returning(tx)
        .await?;
    reporter_contact::Entity::delete_many()
        .filter(reporter_contact::Column::Number.eq(number.to_string()))
        .filter(reporter_contact::Column::Digest.is_not_in(identity.digests(vault)))
        .exec(tx)
        .await?;
    for (kind, contact) in identity.contacts() {
        let row = reporter_contact::ActiveModel {
            digest: Set(digest(vault, kind, &contact)),
            number: Set(number.to_string()),
            created_at: Set(now),
        };
        reporter_contact::Entity::insert(row)
            .on_conflict(
                OnConflict::columns([reporter_contact::Column::Digest, reporter_contact::Column::Number])
                    .do_nothing()
                    .to_owned(),
            )
            .exec_without_returning(tx)
            .await?;
    }
    Ok(())
}

/// Who reported; nobody when it was forgotten.
pub(crate) async fn find(
    db: &impl ConnectionTrait,
    vault: &Cipher,
    number: Number,
) -> Result<Option<Identity>, DbErr> {
    let row = reporter_vault::Entity::find_by_id(number.to_string()).one(db).await?;
    row.map(|row| open(vault, &name(number), &row.body)).transpose()
}

/// As [`find`], to be changed and saved: whoever else holds the same one waits until the transaction ends, and sees what was
/// saved. A transaction that changes the case too holds this first, so that no two wait for each other.
pub(crate) async fn hold(
    tx: &DatabaseTransaction,
    vault: &Cipher,
    number: Number,
) -> Result<Option<Identity>, DbErr> {
    let row = reporter_vault::Entity::find_by_id(number.to_string()).lock_exclusive().one(tx).await?;
    row.map(|row| open(vault, &name(number), &row.body)).transpose()
}

/// Forgets who reported.
pub(crate) async fn forget(tx: &DatabaseTransaction, number: Number) -> Result<(), DbErr> {
    reporter_vault::Entity::delete_by_id(number.to_string()).exec(tx).await?;
    reporter_contact::Entity::delete_many()
        .filter(reporter_contact::Column::Number.eq(number.to_string()))
        .exec(tx)
        .await?;
    Ok(())
}

/// The numbers of reports that came from any of these contacts since a moment, latest first.
pub(crate) async fn numbers_of(
    db: &impl ConnectionTrait,
    digests: &[String],
    since: DateTime<Utc>,
    limit: u64,
) -> Result<Vec<String>, DbErr> {
    use reporter_contact::Column;
    reporter_contact::Entity::find()
        .select_only()
        .column(Column::Number)
        .filter(Column::Digest.is_in(digests))
        .filter(Column::CreatedAt.gte(since))
        .order_by_desc(Column::CreatedAt)
        .limit(limit)
        .into_tuple()
        .all(db)
        .await
}
