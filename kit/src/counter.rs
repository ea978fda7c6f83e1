//! Counters that hand out numbers without gaps, in the order of commits: the row stays locked until the transaction ends.
//! The table `change_counter` is made by `mpp_migrations::shared::change_counter`.

use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait as _,
    QueryFilter as _,
};

use entity::{ActiveModel, Column, Entity};

/// Events for other systems.
pub const EVENTS: &str = "events";

/// The next number of a counter, from 1.
///
/// # Errors
/// As reported by the database.
pub async fn next(tx: &DatabaseTransaction, name: &str) -> Result<i64, DbErr> {
    let first = ActiveModel { name: Set(name.to_owned()), last: Set(1) };
    Entity::insert(first)
        .on_conflict(
            OnConflict::column(Column::Name)
                .value(Column::Last, Expr::col((Entity, Column::Last)).add(1))
                .to_owned(),
        )
        .exec_without_returning(tx)
        .await?;
    let row = Entity::find().filter(Column::Name.eq(name)).one(tx).await?;
    row.map(|row| row.last).ok_or_else(|| DbErr::RecordNotFound("change_counter".into()))
}

/// Keeps a counter for this transaction until it ends, as [`next`] does, without handing out a number: for a transaction that
/// will need it after others, where everybody takes them in one order.
///
/// # Errors
/// As reported by the database.
pub async fn hold(tx: &DatabaseTransaction, name: &str) -> Result<(), DbErr> {
    let first = ActiveModel { name: Set(name.to_owned()), last: Set(0) };
    Entity::insert(first)
        .on_conflict(
            OnConflict::column(Column::Name)
                .value(Column::Last, Expr::col((Entity, Column::Last)))
                .to_owned(),
        )
        .exec_without_returning(tx)
        .await?;
    Ok(())
}

/// The last number of a counter that was handed out; 0 before the first.
///
/// # Errors
/// As reported by the database.
pub async fn last(db: &impl ConnectionTrait, name: &str) -> Result<i64, DbErr> {
    let row = Entity::find().filter(Column::Name.eq(name)).one(db).await?;
    Ok(row.map_or(0, |row| row.last))
}

mod entity {
    #![expect(unreachable_pub, reason = "the derive writes pub")]
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "change_counter")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub name: String,
        pub last: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}
