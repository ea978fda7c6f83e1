//! The rules of delivery: one row.

use mpp_kit::column::{count, number};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait as _,
    QueryFilter as _,
};

use super::entity::delivery_rules::{ActiveModel, Column, Entity};
use crate::domain::rules::Rules;

const ROW: i32 = 1;

/// The rules and their version; 0 before they were ever set.
pub(crate) async fn get(db: &impl ConnectionTrait) -> Result<(Rules, u32), DbErr> {
    let Some(row) = Entity::find_by_id(ROW).one(db).await? else { return Ok((Rules::default(), 0)) };
    let rules = serde_json::from_str(&row.body)
        .map_err(|_| DbErr::Json("delivery_rules.body is not as it was written".to_owned()))?;
    Ok((rules, count("delivery_rules.version", row.version)?))
}

/// Writes the rules over the version before `version`. `false` if somebody was first.
pub(crate) async fn save(tx: &DatabaseTransaction, rules: &Rules, version: u32) -> Result<bool, DbErr> {
    let body = serde_json::to_string(rules).map_err(|error| DbErr::Json(error.to_string()))?;
    let version = number(version)?;
    if version == 1 {
        let row = ActiveModel { id: Set(ROW), version: Set(1), body: Set(body) };
        let once = OnConflict::column(Column::Id).do_nothing().to_owned();
        return Ok(Entity::insert(row).on_conflict(once).exec_without_returning(tx).await? == 1);
    }
    let done = Entity::update_many()
        .col_expr(Column::Version, Expr::value(version))
        .col_expr(Column::Body, Expr::value(body))
        .filter(Column::Id.eq(ROW))
        .filter(Column::Version.eq(version - 1))
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}
