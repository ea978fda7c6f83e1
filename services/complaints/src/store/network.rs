//! How many reports without a contact came from a network in a day. The network is a digest that is another one each day: what is
//! counted says nothing of where somebody reported from, nor that two days were of the same network.

use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait as _,
    QueryFilter as _,
};

mod entity {
    #![expect(unreachable_pub, reason = "the derive writes pub")]
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "network_day")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub day: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub digest: String,
        pub n: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

use entity::{ActiveModel, Column, Entity};

/// Counts one more; answers how many there are with it. Others of the same network wait until the transaction ends.
pub(crate) async fn count(tx: &DatabaseTransaction, day: &str, digest: &str) -> Result<i64, DbErr> {
    let row = ActiveModel { day: Set(day.to_owned()), digest: Set(digest.to_owned()), n: Set(1) };
    Entity::insert(row)
        .on_conflict(
            OnConflict::columns([Column::Day, Column::Digest])
                .value(Column::N, Expr::col((Entity, Column::N)).add(1))
                .to_owned(),
        )
        .exec_without_returning(tx)
        .await?;
    let row = Entity::find_by_id((day.to_owned(), digest.to_owned())).one(tx).await?;
    Ok(row.map_or(1, |it| it.n))
}

/// Deletes what was counted before a day.
pub(crate) async fn purge(db: &impl ConnectionTrait, day: &str) -> Result<(), DbErr> {
    Entity::delete_many().filter(Column::Day.lt(day)).exec(db).await?;
    Ok(())
}
