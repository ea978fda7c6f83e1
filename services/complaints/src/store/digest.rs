//! Which office had its digest on which day.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _,
};

use crate::domain::OfficialId;
use crate::domain::digest::Numbers;

mod entity {
    #![expect(unreachable_pub, reason = "the derive writes pub")]
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "digest")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub official_id: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub day: String,
        pub late: i64,
        pub due_today: i64,
        pub waiting: i64,
        pub at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

use entity::{ActiveModel, Column, Entity};

/// The offices that had theirs on a day.
pub(crate) async fn of_day(db: &impl ConnectionTrait, day: &str) -> Result<BTreeSet<String>, DbErr> {
    let ids: Vec<String> = Entity::find()
        .select_only()
        .column(Column::OfficialId)
        .filter(Column::Day.eq(day))
        .into_tuple()
        .all(db)
        .await?;
    Ok(ids.into_iter().collect())
}

/// What the last one of an office before a day said.
pub(crate) async fn before(
    db: &impl ConnectionTrait,
    official: OfficialId,
    day: &str,
) -> Result<Option<Numbers>, DbErr> {
    let row = Entity::find()
        .filter(Column::OfficialId.eq(official.to_string()))
        .filter(Column::Day.lt(day))
        .order_by_desc(Column::Day)
        .one(db)
        .await?;
    Ok(row.map(|it| Numbers { late: it.late, due_today: it.due_today, waiting: it.waiting }))
}

/// Notes that an office has its digest of a day. `false` when it had it before; whoever else is at it waits for the end of the
/// transaction.
pub(crate) async fn note(
    tx: &DatabaseTransaction,
    (official, day): (OfficialId, &str),
    numbers: Numbers,
    at: DateTime<Utc>,
) -> Result<bool, DbErr> {
    let row = ActiveModel {
        official_id: Set(official.to_string()),
        day: Set(day.to_owned()),
        late: Set(numbers.late),
        due_today: Set(numbers.due_today),
        waiting: Set(numbers.waiting),
        at: Set(at),
    };
    let written = Entity::insert(row)
        .on_conflict(OnConflict::columns([Column::OfficialId, Column::Day]).do_nothing().to_owned())
        .exec_without_returning(tx)
        .await?;
    Ok(written == 1)
}

/// Deletes what was noted before a moment.
pub(crate) async fn purge(db: &impl ConnectionTrait, before: DateTime<Utc>) -> Result<(), DbErr> {
    Entity::delete_many().filter(Column::At.lt(before)).exec(db).await?;
    Ok(())
}
