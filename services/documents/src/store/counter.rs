//! Counters that hand out numbers without gaps, in the order of commits: the row stays locked until the transaction ends.

use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, DatabaseTransaction, DbErr, EntityTrait as _, QueryFilter as _,
};

use super::entity::change_counter::{ActiveModel, Column, Entity};

/// Changes of documents.
pub(crate) const DOCUMENTS: &str = "documents";
/// Events for other systems.
pub(crate) const EVENTS: &str = "events";

/// The next number of a counter.
pub(crate) async fn next(tx: &DatabaseTransaction, name: &str) -> Result<i64, DbErr> {
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
