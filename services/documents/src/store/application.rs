//! Applications: one encrypted body each, with what is searched by beside it; and what waits for officials.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, TimeZone as _, Utc};
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _, Select,
};
use serde::{Deserialize, Serialize};

use super::entity::{application, work_item};
use crate::domain::field::Values;
use crate::domain::office::Office;
use crate::domain::person::Subject;
use crate::domain::step::{OfficeLevel, StepKind, StepRole};
use crate::domain::workflow::{Application, Event, State};
use crate::domain::{ApplicationId, ArmsId, DocumentId, FileId, OfficeId};
use crate::letter::arms::Format;
use mpp_kit::cipher::Cipher;
use mpp_kit::fault::Language;
use mpp_kit::row::{self, count, number, open, read, seal};

/// An application with everything that belongs to it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Record {
    /// Counts up with each change.
    pub(crate) version: u32,
    pub(crate) submitted_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
    pub(crate) case: Case,
}

impl Record {
    /// The latest version that somebody made, and not time alone; of one for which that was not kept, the version there is.
    pub(crate) fn touched(&self) -> u32 {
        match self.case.application.touched {
            0 => self.version,
            touched => touched,
        }
    }
}

/// The body of an application.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    pub(crate) application: Application,
    /// What happened, oldest first.
    pub(crate) history: Vec<Event>,
    /// What was submitted.
    pub(crate) content: Content,
    /// What the type was called then.
    pub(crate) title: String,
    /// The offices that work on it, by level.
    pub(crate) offices: BTreeMap<OfficeLevel, OfficeId>,
    /// A digest of the subject's population number.
    pub(crate) subject_key: Option<String>,
    /// Numbers as they stand in the register.
    pub(crate) numbers: Vec<RegisterEntry>,
    /// The file after each signature, oldest first.
    pub(crate) signed: Vec<SignedFile>,
    /// The sheet that is being signed by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sheet: Option<Sheet>,
    /// The account that the letter names as its second signer; set when it was printed.
    pub(crate) endorser: Option<String>,
    /// The document, once it is issued.
    pub(crate) document: Option<DocumentId>,
    /// The document that the new one replaces.
    pub(crate) replaces: Option<DocumentId>,
    /// What was wrong with that one; empty where it is only renewed.
    #[serde(default)]
    pub(crate) replaces_because: String,
    /// Why the last signature failed.
    pub(crate) signing_problem: String,
    /// Who collected the paper.
    pub(crate) collector: String,
    /// The language in which the applicant is told how it goes on: `id` or `en`.
    #[serde(default)]
    pub(crate) language: String,
}

impl Case {
    /// The language in which the applicant is told how it goes on.
    pub(crate) fn told_in(&self) -> Language {
        if self.language == Language::En.to_string() { Language::En } else { Language::Id }
    }
}

/// A letter as it was after a signature. The file is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignedFile {
    pub(crate) file: FileId,
    pub(crate) sha256: String,
    pub(crate) at: DateTime<Utc>,
    /// "Kepala Desa Ujung Tanjung, Budi Santoso".
    pub(crate) signer: String,
    /// The same for other systems; absent in what was signed before it was kept.
    #[serde(default)]
    pub(crate) by: Option<SignedBy>,
    /// Where the second signer draws, if there is one: page, x, y, width, height in points from below left.
    pub(crate) endorsement: Option<(usize, [f64; 4])>,
    /// Of what was signed by hand: the sheet, with the scan that this file is. It bears no electronic signature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sheet: Option<Sheet>,
}

impl SignedFile {
    /// Of what was signed by hand: what everybody is told of its scan.
    pub(crate) fn scanned(&self) -> Option<&Scanned> {
        self.sheet.as_ref().and_then(|sheet| sheet.scan.as_ref()).map(|scan| &scan.from)
    }

    /// What it is.
    pub(crate) fn media_type(&self) -> &str {
        self.scanned().map_or("application/pdf", |scan| &scan.media_type)
    }
}

/// A sheet that was printed to be signed by hand. Its file is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sheet {
    pub(crate) file: FileId,
    pub(crate) size: i64,
    pub(crate) sha256: String,
    /// "Kepala Desa Ujung Tanjung, Budi Santoso": who signs it.
    pub(crate) signer: String,
    pub(crate) by: SignedBy,
    /// Why it is not signed electronically.
    pub(crate) reason: String,
    /// The account that chose it.
    pub(crate) chosen_by: String,
    pub(crate) printed_at: DateTime<Utc>,
    pub(crate) scan: Option<Scan>,
}

/// The scan of a signed sheet. Its file is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scan {
    pub(crate) file: FileId,
    pub(crate) size: i64,
    pub(crate) sha256: String,
    /// The account that uploaded it.
    pub(crate) account: String,
    pub(crate) from: Scanned,
}

/// What everybody is told of a scan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scanned {
    pub(crate) media_type: String,
    /// Who uploaded it, as the office lists the official, else the name of the office.
    pub(crate) uploader: String,
    pub(crate) at: DateTime<Utc>,
}

/// Who signed, as the letter names him.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignedBy {
    pub(crate) name: String,
    /// NIP, or empty.
    pub(crate) nip: String,
    /// With "Plt." or "Plh.", where somebody filled in.
    pub(crate) title: String,
}

/// What was submitted: everything that the signature stands for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Content {
    pub(crate) letter_type: String,
    pub(crate) letter_type_version: u32,
    pub(crate) office: OfficeId,
    pub(crate) subject: Subject,
    /// Where the subject lives: the area path that decides who is competent.
    pub(crate) area: String,
    pub(crate) family_card: String,
    pub(crate) phone: String,
    /// Left out where there is none: the digest of what was frozen before it was asked for stays as it is.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) email: String,
    pub(crate) values: Values,
    pub(crate) attachments: Vec<Attachment>,
    pub(crate) with_optional_steps: bool,
    /// The arms at the head of the letter; none where the office had none then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) arms: Option<FrozenArms>,
    /// What the letter says of its offices; absent in what was frozen before it was kept, which is printed with what they say
    /// now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) head: Option<FrozenHead>,
    /// The account of the official who saw the papers that are required at his office, instead of copies; empty otherwise.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) papers_seen_by: String,
}

impl Content {
    /// What an office is called in the letter.
    pub(crate) fn name_of<'a>(&'a self, office: &'a Office) -> &'a str {
        let kept = self.head.as_ref().and_then(|head| head.names.get(&office.level()));
        kept.map_or(&office.name, String::as_str)
    }
}

/// The coat of arms that a letter is printed with, whatever its office has later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FrozenArms {
    pub(crate) id: ArmsId,
    pub(crate) file: FileId,
    pub(crate) format: Format,
    pub(crate) sha256: String,
}

/// What a letter says of its offices, whatever they are called and wherever they are later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FrozenHead {
    /// The lines of the letterhead of the office that issues.
    pub(crate) lines: Vec<String>,
    /// Its address and contact, one line.
    pub(crate) address: String,
    /// The place before the date.
    pub(crate) place: String,
    /// What the offices that take part are called.
    pub(crate) names: BTreeMap<OfficeLevel, String>,
}

impl FrozenHead {
    /// What the office that issues says of itself now, and what those that take part are called.
    pub(crate) fn of(issuer: &Office, offices: &BTreeMap<OfficeLevel, Office>) -> Self {
        Self {
            lines: issuer.letterhead.clone(),
            address: issuer.address.clone(),
            place: issuer.place.clone(),
            names: offices.iter().map(|(level, office)| (*level, office.name.clone())).collect(),
        }
    }

    /// As it was first handed in; an office that has come since is called what it is called now.
    pub(crate) fn with_newcomers(mut self, now: &Self) -> Self {
        for (level, name) in &now.names {
            self.names.entry(*level).or_insert_with(|| name.clone());
        }
        self
    }
}

/// A file that was uploaded with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Attachment {
    pub(crate) file: FileId,
    pub(crate) requirement: String,
    pub(crate) media_type: String,
    pub(crate) size: i64,
    pub(crate) sha256: String,
}

/// A number as it was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RegisterEntry {
    pub(crate) office: OfficeId,
    pub(crate) level: OfficeLevel,
    pub(crate) series: String,
    pub(crate) year: i32,
    pub(crate) seq: u32,
    pub(crate) text: String,
    /// The day it was given, which is the date of the letter: number and date of a letter are of one year.
    #[serde(default)]
    pub(crate) date: Option<NaiveDate>,
    pub(crate) void_reason: Option<String>,
}

/// Where an application waits, as worklists see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub(crate) roles: Vec<StepRole>,
    /// The area, or the area of the agency, where these roles must be held.
    pub(crate) area: String,
    /// A kind of step, or `PAY`.
    pub(crate) kind: String,
    pub(crate) claimed_by: Option<String>,
    /// `None` while the clock is paused.
    pub(crate) due: Option<DateTime<Utc>>,
    pub(crate) escalated: bool,
}

/// A line of a worklist, before the application is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) application: ApplicationId,
    pub(crate) role: StepRole,
    pub(crate) area: String,
    pub(crate) due_at: DateTime<Utc>,
}

/// When what is paused is due: after everything else.
pub(crate) fn end_of_time() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(9999, 12, 31, 0, 0, 0).single().unwrap_or(DateTime::<Utc>::MAX_UTC)
}

fn record(cipher: &Cipher, row: &application::Model) -> Result<Record, DbErr> {
    Ok(Record {
        version: count("application.version", row.version)?,
        submitted_at: row.submitted_at,
        updated_at: row.updated_at,
        case: open(cipher, &row.id, &row.body)?,
    })
}

/// The application with this id.
pub(crate) async fn find(
    db: &impl ConnectionTrait,
    cipher: &Cipher,
    id: ApplicationId,
) -> Result<Option<Record>, DbErr> {
    let row = application::Entity::find_by_id(id.to_string()).one(db).await?;
    row.map(|row| record(cipher, &row)).transpose()
}

/// The application that this code follows.
pub(crate) async fn by_code(
    db: &impl ConnectionTrait,
    cipher: &Cipher,
    code_digest: &str,
) -> Result<Option<Record>, DbErr> {
    let row =
        application::Entity::find().filter(application::Column::CodeDigest.eq(code_digest)).one(db).await?;
    row.map(|row| record(cipher, &row)).transpose()
}

/// Applications with these ids, in no order.
pub(crate) async fn several(
    db: &impl ConnectionTrait,
    cipher: &Cipher,
    ids: &[ApplicationId],
) -> Result<Vec<Record>, DbErr> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows = application::Entity::find()
        .filter(application::Column::Id.is_in(ids.iter().map(ToString::to_string)))
        .all(db)
        .await?;
    rows.iter().map(|row| record(cipher, row)).collect()
}

/// The ids of what is selected, without the bodies.
async fn ids(
    db: &impl ConnectionTrait,
    select: Select<application::Entity>,
) -> Result<Vec<ApplicationId>, DbErr> {
    let rows: Vec<String> = select.select_only().column(application::Column::Id).into_tuple().all(db).await?;
    rows.iter().map(|id| read("application.id", id)).collect()
}

/// Applications about the same person for the same type since a moment, without this one.
pub(crate) async fn similar(
    db: &impl ConnectionTrait,
    subject_key: &str,
    letter_type: &str,
    since: DateTime<Utc>,
    but: ApplicationId,
) -> Result<Vec<ApplicationId>, DbErr> {
    use application::{Column, Entity};
    let select = Entity::find()
        .filter(Column::SubjectKey.eq(subject_key))
        .filter(Column::LetterType.eq(letter_type))
        .filter(Column::SubmittedAt.gte(since))
        .filter(Column::Id.ne(but.to_string()))
        .filter(Column::State.is_not_in([State::Rejected, State::Withdrawn].map(|state| state.to_string())))
        .order_by_asc(Column::SubmittedAt)
        .limit(5);
    ids(db, select).await
}

/// Applications that the law grants by now, by id, after this one.
pub(crate) async fn deemed(
    db: &impl ConnectionTrait,
    now: DateTime<Utc>,
    after: Option<ApplicationId>,
    limit: u64,
) -> Result<Vec<ApplicationId>, DbErr> {
    use application::{Column, Entity};
    ids(db, page_by_id(Entity::find().filter(Column::DeemedAt.lte(now)), after, limit)).await
}

/// Applications whose step is late and was not pointed out yet, by id, after this one.
pub(crate) async fn late(
    db: &impl ConnectionTrait,
    now: DateTime<Utc>,
    after: Option<ApplicationId>,
    limit: u64,
) -> Result<Vec<ApplicationId>, DbErr> {
    use work_item::{Column, Entity};
    let mut select = Entity::find()
        .select_only()
        .column(Column::ApplicationId)
        // What several roles may take waits in as many rows.
        .distinct()
        .filter(Column::Escalated.eq(false))
        .filter(Column::DueAt.lt(now));
    if let Some(after) = after {
        select = select.filter(Column::ApplicationId.gt(after.to_string()));
    }
    let select = select.order_by_asc(Column::ApplicationId).limit(limit);
    let rows: Vec<String> = select.into_tuple().all(db).await?;
    rows.iter().map(|id| read("work_item.application_id", id)).collect()
}

/// Applications that were handed to the signing service and have not come back since a moment, by id, after this one.
pub(crate) async fn signing_since(
    db: &impl ConnectionTrait,
    before: DateTime<Utc>,
    after: Option<ApplicationId>,
    limit: u64,
) -> Result<Vec<ApplicationId>, DbErr> {
    use application::{Column, Entity};
    let select = Entity::find()
        .filter(Column::State.eq(State::Signing.to_string()))
        .filter(Column::UpdatedAt.lt(before));
    ids(db, page_by_id(select, after, limit)).await
}

/// A page of what is selected, by id, after this one.
fn page_by_id(
    mut select: Select<application::Entity>,
    after: Option<ApplicationId>,
    limit: u64,
) -> Select<application::Entity> {
    use application::Column;
    if let Some(after) = after {
        select = select.filter(Column::Id.gt(after.to_string()));
    }
    select.order_by_asc(Column::Id).limit(limit)
}

/// Where somebody sees what waits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reach {
    /// Wherever.
    Anywhere,
    /// In this area and below it.
    Within(String),
    /// In this area alone: of who fills in at one office.
    At(String),
}

impl Reach {
    /// The condition on the area of what waits; `None` for none. What lies in a region or an RW begins with its code, whose width
    /// says how large it is: for each there is an index in the order of a worklist. Nothing lies below an RT or an agency.
    fn condition(&self) -> Option<Expr> {
        use work_item::Column;
        let exactly = |area: &str| Column::Area.eq(area);
        match self {
            Self::Anywhere => None,
            Self::At(area) => Some(exactly(area)),
            Self::Within(area) => match (area.len(), area.find('/')) {
                (width @ (2 | 5 | 8 | 13), None) | (width @ 17, Some(13)) => {
                    Some(Expr::cust(format!("substr(area, 1, {width})")).eq(area.as_str()))
                }
                (_, _) => Some(exactly(area)),
            },
        }
    }
}

/// What waits for holders of a role within reach.
fn waits_for((role, reach): (StepRole, &Reach)) -> Select<work_item::Entity> {
    use work_item::{Column, Entity};
    let select = Entity::find().filter(Column::Role.eq(role.to_string()));
    match reach.condition() {
        Some(within) => select.filter(within),
        None => select,
    }
}

/// What waits for holders of a role within reach, what is due first first, after a line.
pub(crate) async fn worklist(
    db: &impl ConnectionTrait,
    desk: (StepRole, &Reach),
    which: (bool, Option<DateTime<Utc>>),
    after: Option<(DateTime<Utc>, &str)>,
    limit: u64,
) -> Result<Vec<Line>, DbErr> {
    page(desk, which, after, limit)
        .all(db)
        .await?
        .into_iter()
        .map(|row| {
            Ok(Line {
                application: read("work_item.application_id", &row.application_id)?,
                role: read("work_item.role", &row.role)?,
                area: row.area,
                due_at: row.due_at,
            })
        })
        .collect()
}

fn page(
    desk: (StepRole, &Reach),
    (signing_only, late_before): (bool, Option<DateTime<Utc>>),
    after: Option<(DateTime<Utc>, &str)>,
    limit: u64,
) -> Select<work_item::Entity> {
    use work_item::Column;
    let mut select =
        waits_for(desk).order_by_asc(Column::DueAt).order_by_asc(Column::ApplicationId).limit(limit);
    if signing_only {
        select = select.filter(Column::Kind.eq(StepKind::Sign.to_string()));
    }
    if let Some(now) = late_before {
        select = select.filter(Column::DueAt.lt(now));
    }
    if let Some((due_at, id)) = after {
        select = select.filter(row::after((Column::DueAt, Column::ApplicationId), (due_at, id)));
    }
    select
}

/// How many are late at a desk, `most` at most.
pub(crate) async fn late_at(
    db: &impl ConnectionTrait,
    desk: (StepRole, &Reach),
    now: DateTime<Utc>,
    most: u64,
) -> Result<u64, DbErr> {
    use work_item::Column;
    let found: Vec<String> = waits_for(desk)
        .select_only()
        .column(Column::ApplicationId)
        .filter(Column::DueAt.lt(now))
        .limit(most)
        .into_tuple()
        .all(db)
        .await?;
    Ok(found.len() as u64)
}

/// Writes a new application with what waits for officials.
pub(crate) async fn insert(
    tx: &DatabaseTransaction,
    cipher: &Cipher,
    record: &Record,
    code_digest: String,
    (waiting, deemed_at): (Option<&Waiting>, Option<DateTime<Utc>>),
) -> Result<(), DbErr> {
    let case = &record.case;
    let id = case.application.id.to_string();
    let row = application::ActiveModel {
        code_digest: Set(code_digest),
        letter_type: Set(case.content.letter_type.clone()),
        letter_type_version: Set(number(case.content.letter_type_version)?),
        office_id: Set(case.content.office.to_string()),
        state: Set(case.application.state.to_string()),
        version: Set(number(record.version)?),
        subject_key: Set(case.subject_key.clone()),
        body: Set(seal(cipher, &id, case)?),
        deemed_at: Set(deemed_at),
        submitted_at: Set(record.submitted_at),
        updated_at: Set(record.updated_at),
        id: Set(id.clone()),
    };
    application::Entity::insert(row).exec_without_returning(tx).await?;
    wait(tx, &id, waiting).await
}

/// Writes a changed application over the version before. `false` if somebody was first.
pub(crate) async fn update(
    tx: &DatabaseTransaction,
    cipher: &Cipher,
    record: &Record,
    (waiting, deemed_at): (Option<&Waiting>, Option<DateTime<Utc>>),
) -> Result<bool, DbErr> {
    use application::{Column, Entity};
    let id = record.case.application.id.to_string();
    let done = Entity::update_many()
        .col_expr(Column::State, Expr::value(record.case.application.state.to_string()))
        .col_expr(Column::Version, Expr::value(number(record.version)?))
        .col_expr(Column::Body, Expr::value(seal(cipher, &id, &record.case)?))
        .col_expr(Column::SubjectKey, Expr::value(record.case.subject_key.clone()))
        .col_expr(Column::DeemedAt, Expr::value(deemed_at))
        .col_expr(Column::UpdatedAt, Expr::value(record.updated_at))
        .filter(Column::Id.eq(id.as_str()))
        .filter(Column::Version.eq(number(record.version - 1)?))
        .exec(tx)
        .await?;
    if done.rows_affected != 1 {
        return Ok(false);
    }
    work_item::Entity::delete_many()
        .filter(work_item::Column::ApplicationId.eq(id.as_str()))
        .exec(tx)
        .await?;
    wait(tx, &id, waiting).await?;
    Ok(true)
}

/// Applications that an office issues and that wait for somebody, by id, after this one.
pub(crate) async fn open_of(
    db: &impl ConnectionTrait,
    office: OfficeId,
    after: Option<ApplicationId>,
    limit: u64,
) -> Result<Vec<ApplicationId>, DbErr> {
    use application::{Column, Entity};
    let open = [State::InReview, State::AwaitingPayment, State::AwaitingSignature, State::AwaitingScan]
        .map(|it| it.to_string());
    let mut select = Entity::find()
        .filter(Column::OfficeId.eq(office.to_string()))
        .filter(Column::State.is_in(open))
        .order_by_asc(Column::Id)
        .limit(limit);
    if let Some(after) = after {
        select = select.filter(Column::Id.gt(after.to_string()));
    }
    ids(db, select).await
}

/// Writes when an application is due and when the law grants it, unless it changed meanwhile.
pub(crate) async fn requeue(
    tx: &DatabaseTransaction,
    record: &Record,
    (waiting, deemed_at): (Option<&Waiting>, Option<DateTime<Utc>>),
) -> Result<(), DbErr> {
    use application::{Column, Entity};
    let id = record.case.application.id.to_string();
    let done = Entity::update_many()
        .col_expr(Column::DeemedAt, Expr::value(deemed_at))
        .filter(Column::Id.eq(id.as_str()))
        .filter(Column::Version.eq(number(record.version)?))
        .exec(tx)
        .await?;
    if done.rows_affected != 1 {
        return Ok(());
    }
    work_item::Entity::delete_many()
        .filter(work_item::Column::ApplicationId.eq(id.as_str()))
        .exec(tx)
        .await?;
    wait(tx, &id, waiting).await
}

async fn wait(tx: &DatabaseTransaction, id: &str, waiting: Option<&Waiting>) -> Result<(), DbErr> {
    let Some(waiting) = waiting else { return Ok(()) };
    let rows = waiting.roles.iter().map(|role| work_item::ActiveModel {
        application_id: Set(id.to_owned()),
        role: Set(role.to_string()),
        area: Set(waiting.area.clone()),
        kind: Set(waiting.kind.clone()),
        claimed_by: Set(waiting.claimed_by.clone()),
        due_at: Set(waiting.due.unwrap_or_else(end_of_time)),
        escalated: Set(waiting.escalated),
    });
    work_item::Entity::insert_many(rows).exec_without_returning(tx).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use mpp_kit::testing::{ENGINES, Engine, fresh_db};
    use sea_orm::{QueryTrait as _, Statement};

    use super::*;

    /// Applications that wait: ten for each of two thousand RTs in three sub-districts of a regency.
    const MANY: u64 = 20_000;

    /// Due on one of four days.
    async fn fill(db: &impl ConnectionTrait) {
        let backend = db.get_database_backend();
        let quarter = MANY / 4;
        for day in 0..4 {
            let due: DateTime<Utc> = format!("2026-11-2{day}T01:00:00Z").parse().unwrap();
            let (first, last) = (quarter * day + 1, quarter * (day + 1));
            let rows = format!(
                "WITH RECURSIVE n(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n WHERE i < {last}), \
                 item(id, area) AS (SELECT 'app_' || i, '17.07.0' || (1 + i % 3) || '.20' || (10 + i % 17) || \
                 '/00' || (1 + i % 4) || '/00' || (1 + i % 9) FROM n) "
            );
            for sql in [
                "INSERT INTO application (id, code_digest, letter_type, letter_type_version, office_id, state, \
                 version, body, submitted_at, updated_at) \
                 SELECT id, id, 'sktm', 1, 'off_1', 'IN_REVIEW', 1, '', $1, $1 FROM item",
                "INSERT INTO work_item (application_id, role, area, kind, due_at, escalated) \
                 SELECT id, 'RT_HEAD', area, 'VERIFY', $1, false FROM item",
            ] {
                let sql = format!("{rows}{sql}");
                db.execute_raw(Statement::from_sql_and_values(backend, sql, [due.into()])).await.unwrap();
            }
        }
        // The planner must know what is there.
        db.execute_unprepared("ANALYZE").await.unwrap();
    }

    async fn plan(db: &impl ConnectionTrait, select: Select<work_item::Entity>) -> String {
        let backend = db.get_database_backend();
        let on_sqlite = backend == sea_orm::DbBackend::Sqlite;
        let (explain, column) =
            if on_sqlite { ("EXPLAIN QUERY PLAN", "detail") } else { ("EXPLAIN", "QUERY PLAN") };
        let mut statement = select.build(backend);
        statement.sql = format!("{explain} {}", statement.sql);
        let rows = db.query_all_raw(statement).await.unwrap();
        let lines: Vec<String> = rows.iter().map(|row| row.try_get("", column).unwrap()).collect();
        lines.join("\n")
    }

    /// However far somebody reaches, a page is read as it stands in an index: nothing that is longer is sorted, and no table is
    /// read whole.
    #[tokio::test]
    async fn line_08_a_worklist_is_read_from_an_index_however_far_its_reader_reaches() {
        for engine in ENGINES {
            let test_db = fresh_db(engine).await;
            mpp_migrations::run("documents", &test_db.db.write).await.unwrap();
            let db = &test_db.db.write;
            fill(db).await;
            let within = |area: &str| Reach::Within(area.to_owned());
            let now = "2026-11-24T01:00:00Z".parse().unwrap();
            let half: (DateTime<Utc>, _) = ("2026-11-21T01:00:00Z".parse().unwrap(), "app_5");
            for (reach, waiting, index) in [
                (Reach::Anywhere, MANY, "work_item_anywhere"),
                (within("17"), MANY, "work_item_"),
                (within("17.07"), MANY, "work_item_"),
                (within("17.07.02"), 6667, "work_item_"),
                (within("17.07.02.2011"), 393, "work_item_village"),
                (within("17.07.02.2011/002"), 99, "work_item_rw"),
                (within("17.07.02.2011/000"), 0, "work_item_rw"),
                (within("17.07.02.2011/002/002"), 33, "work_item_desk"),
                (within("17.07/dinkes"), 0, "work_item_desk"),
                (within("17.08"), 0, "work_item_regency"),
                (within("17.0"), 0, "work_item_desk"),
                (Reach::At("17.07.02".to_owned()), 0, "work_item_desk"),
            ] {
                let desk = (StepRole::RtHead, &reach);
                let found = late_at(db, desk, now, u64::MAX >> 1).await.unwrap();
                assert_eq!(found, waiting, "{reach:?} on {engine:?}");
                for after in [None, Some(half)] {
                    let plan = plan(db, page(desk, (false, None), after, 51)).await;
                    assert!(plan.contains(index), "{reach:?} on {engine:?}:\n{plan}");
                    let whole = match engine {
                        Engine::Sqlite => ["TEMP B-TREE", "SCAN work_item"],
                        // All that waits there is hardly more than a page: sorting it is as good.
                        Engine::Postgres if waiting < 100 => ["Seq Scan"; 2],
                        Engine::Postgres => ["Sort", "Seq Scan"],
                    };
                    assert!(!whole.iter().any(|it| plan.contains(it)), "{reach:?} on {engine:?}:\n{plan}");
                }
            }
        }
    }
}
