//! Coats of arms, by area. Each upload is a row of its own that stays: letters name the one that they were frozen with.

use std::collections::BTreeMap;

use super::entity::coat_of_arms::{ActiveModel, Column, Entity, Model};
use crate::domain::area::RegionCode;
use crate::domain::{ArmsId, FileId};
use crate::letter::arms::Format;
use chrono::{DateTime, Utc};
use mpp_kit::row::{count, number, read};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _,
};

/// A coat of arms as it was uploaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CoatOfArms {
    pub(crate) id: ArmsId,
    /// Whose it is: a region, or an agency.
    pub(crate) area: String,
    /// Counts up with each upload for the area.
    pub(crate) version: u32,
    pub(crate) file: FileId,
    pub(crate) format: Format,
    pub(crate) size: u32,
    pub(crate) sha256: String,
    pub(crate) at: DateTime<Utc>,
}

/// What an area has had last: a coat of arms, or none any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Last {
    pub(crate) version: u32,
    pub(crate) arms: Option<CoatOfArms>,
}

fn last(row: Model) -> Result<Last, DbErr> {
    let version = count("coat_of_arms.version", row.version)?;
    let arms = match row.file_id {
        None => None,
        Some(file) => Some(CoatOfArms {
            id: read("coat_of_arms.id", &row.id)?,
            area: row.area,
            version,
            file: read("coat_of_arms.file_id", &file)?,
            format: match row.media_type.as_str() {
                "image/svg+xml" => Format::Svg,
                "image/png" => Format::Png,
                _ => return Err(DbErr::Type("coat_of_arms.media_type is none that is taken".to_owned())),
            },
            size: count("coat_of_arms.size", row.size)?,
            sha256: row.sha256,
            at: row.created_at,
        }),
    };
    Ok(Last { version, arms })
}

/// The areas whose arms stand on letters of this one, its own first: what it has not itself it has from what it is part of.
pub(crate) fn sources(area: &str) -> Vec<String> {
    let own = area.contains('/').then(|| area.to_owned());
    let region: Option<RegionCode> = area.split('/').next().and_then(|code| code.parse().ok());
    let regions = std::iter::successors(region, RegionCode::parent).map(|region| region.as_str().to_owned());
    own.into_iter().chain(regions).collect()
}

/// What the area itself had last.
pub(crate) async fn last_of(db: &impl ConnectionTrait, area: &str) -> Result<Option<Last>, DbErr> {
    let row =
        Entity::find().filter(Column::Area.eq(area)).order_by_desc(Column::Version).limit(1).one(db).await?;
    row.map(last).transpose()
}

/// The arms on letters of an area, its own or inherited.
pub(crate) async fn of(db: &impl ConnectionTrait, area: &str) -> Result<Option<CoatOfArms>, DbErr> {
    Ok(of_each(db, &[area]).await?.remove(area))
}

/// The arms on letters of each of these areas, where there are any.
pub(crate) async fn of_each(
    db: &impl ConnectionTrait,
    areas: &[&str],
) -> Result<BTreeMap<String, CoatOfArms>, DbErr> {
    let mut wanted: Vec<String> = areas.iter().flat_map(|area| sources(area)).collect();
    wanted.sort();
    wanted.dedup();
    let mut newest: BTreeMap<String, Last> = BTreeMap::new();
    // Bounded, for the most values that a statement of SQLite takes.
    for some in wanted.chunks(500) {
        let rows = Entity::find()
            .filter(Column::Area.is_in(some.iter().map(String::as_str)))
            .order_by_asc(Column::Area)
            .order_by_asc(Column::Version)
            .all(db)
            .await?;
        for row in rows {
            newest.insert(row.area.clone(), last(row)?);
        }
    }
    let arms = |area: &str| {
        sources(area).iter().find_map(|source| newest.get(source).and_then(|last| last.arms.clone()))
    };
    Ok(areas.iter().filter_map(|area| Some(((*area).to_owned(), arms(area)?))).collect())
}

/// Writes what an area has from now on; `None` takes its own away.
pub(crate) async fn insert(
    tx: &DatabaseTransaction,
    (area, version): (&str, u32),
    arms: Option<&CoatOfArms>,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let row = ActiveModel {
        id: Set(arms.map_or_else(ArmsId::generate, |arms| arms.id).to_string()),
        area: Set(area.to_owned()),
        version: Set(number(version)?),
        file_id: Set(arms.map(|arms| arms.file.to_string())),
        media_type: Set(arms.map(|arms| arms.format.media_type().to_owned()).unwrap_or_default()),
        size: Set(number(arms.map_or(0, |arms| arms.size))?),
        sha256: Set(arms.map(|arms| arms.sha256.clone()).unwrap_or_default()),
        created_at: Set(now),
    };
    Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_15_an_area_has_what_it_is_part_of_has() {
        for (area, expected) in [
            ("17.07.05.2003", &["17.07.05.2003", "17.07.05", "17.07", "17"][..]),
            ("17.07.05", &["17.07.05", "17.07", "17"]),
            ("17.07/dinkes", &["17.07/dinkes", "17.07", "17"]),
            ("17/biro-organisasi", &["17/biro-organisasi", "17"]),
            ("17.07", &["17.07", "17"]),
        ] {
            assert_eq!(sources(area), expected, "{area}");
        }
    }
}
