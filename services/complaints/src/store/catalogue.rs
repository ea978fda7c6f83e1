//! What an installation has decided on: agencies, categories, officials, calendars, deadlines, texts.

use chrono::{DateTime, Utc};
use mpp_kit::calendar::Plan;
use mpp_kit::counter;
use mpp_kit::row::{count, number, read};
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait as _,
    QueryFilter as _, QueryOrder as _,
};

use super::entity::{acting, agency, calendar, category, deadline, language, official, response_template};
use crate::domain::TemplateId;
use crate::domain::deadline::Deadline;
use crate::domain::ladder::{Acting, Official};
use crate::domain::language::{Language, Languages};
use crate::domain::rules::{Agency, CalendarVersion, Category, Rules};

/// Counts changes of what the rules read.
pub(crate) const CHANGES: &str = "rules";

/// A text that officers start from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template {
    pub(crate) id: TemplateId,
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) active: bool,
}

/// A version of a calendar with the time it was written.
#[derive(Debug, Clone)]
pub(crate) struct Written {
    pub(crate) version: CalendarVersion,
    pub(crate) created_at: DateTime<Utc>,
}

fn json(what: &str, text: &str) -> impl FnOnce(serde_json::Error) -> DbErr {
    let told = format!("{what} of {text} is not as it was written");
    move |_| DbErr::Json(told)
}

/// How often something of it has changed.
pub(crate) async fn changes(db: &impl ConnectionTrait) -> Result<i64, DbErr> {
    counter::last(db, CHANGES).await
}

/// Everything that the rules read; `shipped` are the languages as they ship.
pub(crate) async fn rules(
    db: &impl ConnectionTrait,
    home: &str,
    shipped: Vec<Language>,
) -> Result<Rules, DbErr> {
    let mut rules = Rules { home: home.to_owned(), ..Rules::default() };
    rules.deadlines = deadlines(db).await?;
    for it in written_calendars(db).await? {
        // In order of versions: the latest stays.
        rules.applied.insert(it.version.id.clone(), it.created_at);
        rules.calendars.insert(it.version.id.clone(), it.version);
    }
    for it in agencies(db).await? {
        rules.agencies.insert(it.id.clone(), it);
    }
    for it in categories(db).await? {
        rules.categories.insert(it.key.clone(), it);
    }
    rules.officials = officials(db).await?;
    rules.actings = actings(db).await?;
    rules.languages = Languages::new(shipped, languages(db).await?);
    Ok(rules)
}

pub(crate) async fn agencies(db: &impl ConnectionTrait) -> Result<Vec<Agency>, DbErr> {
    let rows = agency::Entity::find().order_by_asc(agency::Column::Id).all(db).await?;
    rows.into_iter()
        .map(|row| {
            Ok(Agency {
                id: row.id,
                name: row.name,
                calendar: row.calendar_id,
                inspectorate: row.inspectorate,
                active: row.active,
                bounce_limit: count("agency.bounce_limit", row.bounce_limit)?,
            })
        })
        .collect()
}

pub(crate) async fn save_agency(
    tx: &DatabaseTransaction,
    it: &Agency,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    use agency::{ActiveModel, Column, Entity};
    let row = ActiveModel {
        id: Set(it.id.clone()),
        name: Set(it.name.clone()),
        calendar_id: Set(it.calendar.clone()),
        inspectorate: Set(it.inspectorate),
        active: Set(it.active),
        bounce_limit: Set(number(it.bounce_limit)?),
        updated_at: Set(now),
    };
    let columns = [
        Column::Name,
        Column::CalendarId,
        Column::Inspectorate,
        Column::Active,
        Column::BounceLimit,
        Column::UpdatedAt,
    ];
    Entity::insert(row)
        .on_conflict(OnConflict::column(Column::Id).update_columns(columns).to_owned())
        .exec_without_returning(tx)
        .await?;
    changed(tx).await
}

pub(crate) async fn categories(db: &impl ConnectionTrait) -> Result<Vec<Category>, DbErr> {
    let rows = category::Entity::find().order_by_asc(category::Column::Key).all(db).await?;
    rows.iter().map(|row| serde_json::from_str(&row.body).map_err(json("category", &row.key))).collect()
}

pub(crate) async fn save_category(
    tx: &DatabaseTransaction,
    it: &Category,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    use category::{ActiveModel, Column, Entity};
    let row = ActiveModel {
        key: Set(it.key.clone()),
        active: Set(it.active),
        body: Set(serde_json::to_string(it).map_err(json("category", &it.key))?),
        updated_at: Set(now),
    };
    Entity::insert(row)
        .on_conflict(
            OnConflict::column(Column::Key)
                .update_columns([Column::Active, Column::Body, Column::UpdatedAt])
                .to_owned(),
        )
        .exec_without_returning(tx)
        .await?;
    changed(tx).await
}

async fn officials(db: &impl ConnectionTrait) -> Result<Vec<Official>, DbErr> {
    use official::Column;
    let rows =
        official::Entity::find().order_by_asc(Column::AgencyId).order_by_asc(Column::Id).all(db).await?;
    rows.into_iter()
        .map(|row| {
            Ok(Official {
                id: read("official.id", &row.id)?,
                rung: read("official.rung", &row.rung)?,
                agency: row.agency_id,
                title: row.title,
                account: row.account_id,
            })
        })
        .collect()
}

/// Writes an office; the one with its rung and agency gets another holder. Answers it as it is then.
pub(crate) async fn save_official(
    tx: &DatabaseTransaction,
    it: &Official,
) -> Result<Option<Official>, DbErr> {
    use official::{ActiveModel, Column, Entity};
    let row = ActiveModel {
        id: Set(it.id.to_string()),
        rung: Set(it.rung.to_string()),
        agency_id: Set(it.agency.clone()),
        title: Set(it.title.clone()),
        account_id: Set(it.account.clone()),
    };
    Entity::insert(row)
        .on_conflict(
            OnConflict::columns([Column::Rung, Column::AgencyId])
                .update_columns([Column::Title, Column::AccountId])
                .to_owned(),
        )
        .exec_without_returning(tx)
        .await?;
    changed(tx).await?;
    Ok(officials(tx).await?.into_iter().find(|is| is.rung == it.rung && is.agency == it.agency))
}

async fn actings(db: &impl ConnectionTrait) -> Result<Vec<Acting>, DbErr> {
    use acting::Column;
    let rows =
        acting::Entity::find().order_by_desc(Column::StartAt).order_by_desc(Column::Id).all(db).await?;
    rows.into_iter()
        .map(|row| {
            Ok(Acting {
                id: read("acting.id", &row.id)?,
                official: read("acting.official_id", &row.official_id)?,
                account: row.account_id,
                kind: read("acting.kind", &row.kind)?,
                decree: row.decree,
                from: row.start_at,
                to: row.end_at,
            })
        })
        .collect()
}

pub(crate) async fn insert_acting(tx: &DatabaseTransaction, it: &Acting) -> Result<(), DbErr> {
    let row = acting::ActiveModel {
        id: Set(it.id.to_string()),
        official_id: Set(it.official.to_string()),
        account_id: Set(it.account.clone()),
        kind: Set(it.kind.to_string()),
        decree: Set(it.decree.clone()),
        start_at: Set(it.from),
        end_at: Set(it.to),
    };
    acting::Entity::insert(row).exec_without_returning(tx).await?;
    changed(tx).await
}

/// Every version of every calendar, by key and version.
pub(crate) async fn written_calendars(db: &impl ConnectionTrait) -> Result<Vec<Written>, DbErr> {
    use calendar::Column;
    let rows =
        calendar::Entity::find().order_by_asc(Column::Id).order_by_asc(Column::Version).all(db).await?;
    rows.into_iter()
        .map(|row| {
            Ok(Written {
                version: CalendarVersion {
                    calendar: serde_json::from_str(&row.body).map_err(json("calendar", &row.id))?,
                    id: row.id,
                    version: count("calendar.version", row.version)?,
                },
                created_at: row.created_at,
            })
        })
        .collect()
}

/// Writes a version of a calendar. A version that is there is never written over: its key refuses a second one.
pub(crate) async fn insert_calendar(
    tx: &DatabaseTransaction,
    it: &CalendarVersion,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let plan = Plan::from(it.calendar.clone());
    let row = calendar::ActiveModel {
        id: Set(it.id.clone()),
        version: Set(number(it.version)?),
        body: Set(serde_json::to_string(&plan).map_err(json("calendar", &it.id))?),
        created_at: Set(now),
    };
    calendar::Entity::insert(row).exec_without_returning(tx).await?;
    changed(tx).await
}

/// The deadlines table, by key and first date.
pub(crate) async fn deadlines(db: &impl ConnectionTrait) -> Result<Vec<Deadline>, DbErr> {
    use deadline::Column;
    let rows =
        deadline::Entity::find().order_by_asc(Column::Key).order_by_asc(Column::ValidFrom).all(db).await?;
    rows.iter().map(|row| serde_json::from_str(&row.body).map_err(json("deadline", &row.key))).collect()
}

/// Writes a row, or what was noted on it: its end, who vouches for it.
pub(crate) async fn save_deadline(tx: &DatabaseTransaction, it: &Deadline) -> Result<(), DbErr> {
    use deadline::{ActiveModel, Column, Entity};
    let row = ActiveModel {
        id: Set(it.id.to_string()),
        key: Set(it.key.clone()),
        valid_from: Set(it.valid_from.to_string()),
        body: Set(serde_json::to_string(it).map_err(json("deadline", &it.key))?),
    };
    Entity::insert(row)
        .on_conflict(OnConflict::column(Column::Id).update_column(Column::Body).to_owned())
        .exec_without_returning(tx)
        .await?;
    changed(tx).await
}

/// Every version of every language, the newest of each last.
pub(crate) async fn languages(db: &impl ConnectionTrait) -> Result<Vec<Language>, DbErr> {
    use language::Column;
    let rows =
        language::Entity::find().order_by_asc(Column::Code).order_by_asc(Column::Version).all(db).await?;
    rows.into_iter()
        .map(|row| {
            let read: Language = serde_json::from_str(&row.body).map_err(json("language", &row.code))?;
            Ok(Language { version: count("language.version", row.version)?, ..read })
        })
        .collect()
}

/// Writes a version of a language. A version that is there is never written over: its key refuses a second one.
pub(crate) async fn insert_language(
    tx: &DatabaseTransaction,
    it: &Language,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let row = language::ActiveModel {
        code: Set(it.code.clone()),
        version: Set(number(it.version)?),
        body: Set(serde_json::to_string(it).map_err(json("language", &it.code))?),
        created_at: Set(now),
    };
    language::Entity::insert(row).exec_without_returning(tx).await?;
    changed(tx).await
}

pub(crate) async fn templates(db: &impl ConnectionTrait) -> Result<Vec<Template>, DbErr> {
    use response_template::Column;
    let rows = response_template::Entity::find()
        .order_by_asc(Column::Kind)
        .order_by_asc(Column::Name)
        .order_by_asc(Column::Id)
        .all(db)
        .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Template {
                id: read("response_template.id", &row.id)?,
                kind: row.kind,
                name: row.name,
                text: row.text,
                active: row.active,
            })
        })
        .collect()
}

pub(crate) async fn save_template(tx: &DatabaseTransaction, it: &Template) -> Result<(), DbErr> {
    use response_template::{ActiveModel, Column, Entity};
    let row = ActiveModel {
        id: Set(it.id.to_string()),
        kind: Set(it.kind.clone()),
        name: Set(it.name.clone()),
        text: Set(it.text.clone()),
        active: Set(it.active),
    };
    Entity::insert(row)
        .on_conflict(
            OnConflict::column(Column::Id)
                .update_columns([Column::Kind, Column::Name, Column::Text, Column::Active])
                .to_owned(),
        )
        .exec_without_returning(tx)
        .await?;
    Ok(())
}

/// Whether a calendar has that key.
pub(crate) async fn has_calendar(db: &impl ConnectionTrait, id: &str) -> Result<bool, DbErr> {
    Ok(calendar::Entity::find().filter(calendar::Column::Id.eq(id)).one(db).await?.is_some())
}

/// Tells other instances, and the next request, that the rules are others now.
async fn changed(tx: &DatabaseTransaction) -> Result<(), DbErr> {
    counter::next(tx, CHANGES).await?;
    Ok(())
}
