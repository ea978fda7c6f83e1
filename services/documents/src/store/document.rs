//! Issued documents and their bytes after each signature.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use sea_orm::sea_query::{Expr, Query};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait as _,
    JoinType, QueryFilter as _, QueryOrder as _, QuerySelect as _, RelationTrait as _,
};
use serde::{Deserialize, Serialize};

use super::entity::{document, document_revision, office, register_number};
use crate::domain::document::{DocumentState, Signature};
use crate::domain::{ApplicationId, DocumentId, FileId, OfficeId};
use crate::store::application::Scanned;
use mpp_kit::cipher::Cipher;
use mpp_kit::counter;
use mpp_kit::row::{count, number, open, read, seal};

/// The counter of changes of documents: a cursor for those who poll.
const CHANGES: &str = "documents";

/// An issued document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Document {
    pub(crate) id: DocumentId,
    pub(crate) application: ApplicationId,
    /// What stands in the QR: 16 letters of Crockford's base32, without dashes.
    pub(crate) code: String,
    pub(crate) letter_type: String,
    pub(crate) office: OfficeId,
    pub(crate) state: DocumentState,
    pub(crate) version: u32,
    pub(crate) valid_until: Option<NaiveDate>,
    /// Grows with every change of any document.
    pub(crate) changed: i64,
    pub(crate) issued_at: DateTime<Utc>,
    pub(crate) signature: Signature,
    pub(crate) body: Body,
}

impl Document {
    /// The latest version that somebody made, and not time alone: that its last day is over is the last change of what has expired.
    pub(crate) fn touched(&self) -> u32 {
        match self.state {
            DocumentState::Expired => self.version.saturating_sub(1),
            DocumentState::Valid | DocumentState::Revoked | DocumentState::Replaced => self.version,
        }
    }
}

/// What nothing is searched by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Body {
    pub(crate) title: String,
    pub(crate) number: String,
    pub(crate) office_name: String,
    pub(crate) holder: String,
    /// Who signed, with office: "Kepala Desa Ujung Tanjung, Budi Santoso".
    pub(crate) signers: Vec<String>,
    pub(crate) sample: bool,
    pub(crate) replaces: Option<DocumentId>,
    pub(crate) replaced_by: Option<DocumentId>,
    pub(crate) end_reason: String,
    /// The date that stands in it; `None` for the day it was issued.
    #[serde(default)]
    pub(crate) date: Option<NaiveDate>,
    pub(crate) ended_at: Option<DateTime<Utc>>,
    /// The numbers that other offices gave it; `None` in what was issued before they were kept: the register has them.
    #[serde(default)]
    pub(crate) registrations: Option<Vec<Registration>>,
    /// Of what was signed by hand: where its file came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) scan: Option<Scanned>,
}

/// A number of another office than the issuing one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Registration {
    /// The office, as it was called then.
    pub(crate) office: String,
    pub(crate) number: String,
}

/// The bytes of a document after one of its signatures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Revision {
    pub(crate) document: DocumentId,
    /// From 1.
    pub(crate) revision: u32,
    pub(crate) file: FileId,
    pub(crate) sha256: String,
    pub(crate) signed_at: DateTime<Utc>,
    /// A PDF; of what was signed by hand what its scan is.
    pub(crate) media_type: String,
}

/// What is known of a document's latest bytes without reading them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Latest {
    pub(crate) sha256: String,
    pub(crate) media_type: String,
    /// How many signatures there are, each with its bytes.
    pub(crate) signatures: usize,
}

fn document(cipher: &Cipher, row: document::Model) -> Result<Document, DbErr> {
    Ok(Document {
        body: open(cipher, &row.id, &row.body)?,
        id: read("document.id", &row.id)?,
        application: read("document.application_id", &row.application_id)?,
        code: row.code,
        letter_type: row.letter_type,
        office: read("document.office_id", &row.office_id)?,
        state: read("document.state", &row.state)?,
        version: count("document.version", row.version)?,
        valid_until: row.valid_until.map(|date| read("document.valid_until", &date)).transpose()?,
        changed: row.changed,
        issued_at: row.issued_at,
        signature: read("document.signature", &row.signature)?,
    })
}

fn revision(row: document_revision::Model) -> Result<Revision, DbErr> {
    Ok(Revision {
        document: read("document_revision.document_id", &row.document_id)?,
        revision: count("document_revision.revision", row.revision)?,
        file: read("document_revision.file_id", &row.file_id)?,
        sha256: row.sha256,
        signed_at: row.signed_at,
        media_type: row.media_type,
    })
}

/// The document with this id.
pub(crate) async fn find(
    db: &impl ConnectionTrait,
    cipher: &Cipher,
    id: DocumentId,
) -> Result<Option<Document>, DbErr> {
    let row = document::Entity::find_by_id(id.to_string()).one(db).await?;
    row.map(|row| document(cipher, row)).transpose()
}

/// The document with this code in its QR.
pub(crate) async fn by_code(
    db: &impl ConnectionTrait,
    cipher: &Cipher,
    code: &str,
) -> Result<Option<Document>, DbErr> {
    let row = document::Entity::find().filter(document::Column::Code.eq(code)).one(db).await?;
    row.map(|row| document(cipher, row)).transpose()
}

/// One document, by what people read off its paper.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Find<'a> {
    /// Its code, as it is stored.
    Code(&'a str),
    /// Its number.
    Number(&'a str),
}

/// Which documents are wanted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    /// Of offices in these areas; `None` for all.
    pub(crate) areas: Option<&'a [String]>,
    pub(crate) letter_type: Option<&'a str>,
    pub(crate) find: Option<Find<'a>>,
    /// The latest change first, instead of last.
    pub(crate) newest_first: bool,
    /// Those behind this change, in that order.
    pub(crate) from: Option<i64>,
    pub(crate) limit: u64,
}

/// Documents in the order of their last changes.
pub(crate) async fn list(
    db: &impl ConnectionTrait,
    cipher: &Cipher,
    wanted: &Wanted<'_>,
) -> Result<Vec<Document>, DbErr> {
    use document::Column;
    let mut select = document::Entity::find().limit(wanted.limit);
    select = match (wanted.newest_first, wanted.from) {
        (false, from) => select.filter(Column::Changed.gt(from.unwrap_or(0))).order_by_asc(Column::Changed),
        (true, Some(from)) => select.filter(Column::Changed.lt(from)).order_by_desc(Column::Changed),
        (true, None) => select.order_by_desc(Column::Changed),
    };
    if let Some(areas) = wanted.areas {
        select = select
            .join(JoinType::InnerJoin, document::Relation::Office.def())
            .filter(mpp_kit::row::within(office::Column::Area, areas));
    }
    if let Some(letter_type) = wanted.letter_type {
        select = select.filter(Column::LetterType.eq(letter_type));
    }
    select = match wanted.find {
        None => select,
        Some(Find::Code(code)) => select.filter(Column::Code.eq(code)),
        Some(Find::Number(text)) => {
            let numbered = Query::select()
                .column(register_number::Column::ApplicationId)
                .from(register_number::Entity)
                .and_where(register_number::Column::Text.eq(text))
                .and_where(register_number::Column::VoidReason.is_null())
                .take();
            select.filter(Column::ApplicationId.in_subquery(numbered))
        }
    };
    select.all(db).await?.into_iter().map(|row| document(cipher, row)).collect()
}

/// Valid documents whose last day is before `today`, by id, after this one.
pub(crate) async fn ended(
    db: &impl ConnectionTrait,
    today: NaiveDate,
    after: Option<DocumentId>,
    limit: u64,
) -> Result<Vec<DocumentId>, DbErr> {
    let mut select = document::Entity::find()
        .select_only()
        .column(document::Column::Id)
        .filter(document::Column::State.eq(DocumentState::Valid.to_string()))
        .filter(document::Column::ValidUntil.lt(today.to_string()));
    if let Some(after) = after {
        select = select.filter(document::Column::Id.gt(after.to_string()));
    }
    let select = select.order_by_asc(document::Column::Id).limit(limit);
    let rows: Vec<String> = select.into_tuple().all(db).await?;
    rows.iter().map(|id| read("document.id", id)).collect()
}

/// Keeps the counter of documents for this transaction.
pub(crate) async fn hold(tx: &DatabaseTransaction) -> Result<(), DbErr> {
    counter::hold(tx, CHANGES).await
}

/// Writes a new document.
pub(crate) async fn insert(tx: &DatabaseTransaction, cipher: &Cipher, new: &Document) -> Result<(), DbErr> {
    let id = new.id.to_string();
    let row = document::ActiveModel {
        application_id: Set(new.application.to_string()),
        code: Set(new.code.clone()),
        letter_type: Set(new.letter_type.clone()),
        office_id: Set(new.office.to_string()),
        state: Set(new.state.to_string()),
        version: Set(number(new.version)?),
        valid_until: Set(new.valid_until.map(|date| date.to_string())),
        changed: Set(counter::next(tx, CHANGES).await?),
        body: Set(seal(cipher, &id, &new.body)?),
        issued_at: Set(new.issued_at),
        signature: Set(new.signature.to_string()),
        id: Set(id),
    };
    document::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// Writes a changed document over the version before. `false` if somebody was first.
pub(crate) async fn update(
    tx: &DatabaseTransaction,
    cipher: &Cipher,
    next: &Document,
) -> Result<bool, DbErr> {
    use document::{Column, Entity};
    let id = next.id.to_string();
    let done = Entity::update_many()
        .col_expr(Column::State, Expr::value(next.state.to_string()))
        .col_expr(Column::Version, Expr::value(number(next.version)?))
        .col_expr(Column::Body, Expr::value(seal(cipher, &id, &next.body)?))
        .col_expr(Column::Changed, Expr::value(counter::next(tx, CHANGES).await?))
        .filter(Column::Id.eq(id))
        .filter(Column::Version.eq(number(next.version - 1)?))
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}

/// Names the bytes after a signature. They are stored by then.
pub(crate) async fn add_revision(db: &impl ConnectionTrait, revision: &Revision) -> Result<(), DbErr> {
    let row = document_revision::ActiveModel {
        document_id: Set(revision.document.to_string()),
        revision: Set(number(revision.revision)?),
        file_id: Set(revision.file.to_string()),
        sha256: Set(revision.sha256.clone()),
        signed_at: Set(revision.signed_at),
        media_type: Set(revision.media_type.clone()),
    };
    document_revision::Entity::insert(row).exec_without_returning(db).await?;
    Ok(())
}

/// The bytes after each signature of a document, in order.
pub(crate) async fn revisions(db: &impl ConnectionTrait, id: DocumentId) -> Result<Vec<Revision>, DbErr> {
    let rows = document_revision::Entity::find()
        .filter(document_revision::Column::DocumentId.eq(id.to_string()))
        .order_by_asc(document_revision::Column::Revision)
        .all(db)
        .await?;
    rows.into_iter().map(revision).collect()
}

/// The latest bytes of each of these documents.
pub(crate) async fn files_of(
    db: &impl ConnectionTrait,
    ids: &[DocumentId],
) -> Result<BTreeMap<String, Latest>, DbErr> {
    use document_revision::Column;
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows: Vec<(String, String, String)> = document_revision::Entity::find()
        .select_only()
        .columns([Column::DocumentId, Column::Sha256, Column::MediaType])
        .filter(Column::DocumentId.is_in(ids.iter().map(ToString::to_string)))
        .order_by_asc(Column::DocumentId)
        .order_by_asc(Column::Revision)
        .into_tuple()
        .all(db)
        .await?;
    let mut files: BTreeMap<String, Latest> = BTreeMap::new();
    for (id, sha256, media_type) in rows {
        let file = files.entry(id).or_default();
        *file = Latest { sha256, media_type, signatures: file.signatures + 1 };
    }
    Ok(files)
}

/// The document with exactly these bytes.
pub(crate) async fn by_sha256(db: &impl ConnectionTrait, sha256: &str) -> Result<Option<Revision>, DbErr> {
    let row = document_revision::Entity::find()
        .filter(document_revision::Column::Sha256.eq(sha256))
        .one(db)
        .await?;
    row.map(revision).transpose()
}
