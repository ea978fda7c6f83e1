//! Fees that were asked for. Unique indexes prove that a billing code names one application, and that a receipt of an
//! office pays one fee.

use chrono::{DateTime, Utc};
use mpp_kit::db::violated_constraint;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait as _,
    PaginatorTrait as _, QueryFilter as _,
};

use super::entity::payment::{ActiveModel, Column, Entity};
use crate::domain::payment::Receipt;
use crate::domain::{ApplicationId, OfficeId};

/// Whether a billing code names an application already.
pub(crate) async fn is_taken(db: &impl ConnectionTrait, billing_code: &str) -> Result<bool, DbErr> {
    Ok(Entity::find().filter(Column::BillingCode.eq(billing_code)).count(db).await? > 0)
}

/// Enters a fee that an office asks for.
pub(crate) async fn ask(
    tx: &DatabaseTransaction,
    application: ApplicationId,
    office: OfficeId,
    billing_code: &str,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let row = ActiveModel {
        application_id: Set(application.to_string()),
        office_id: Set(office.to_string()),
        billing_code: Set(billing_code.to_owned()),
        method: Set(None),
        reference: Set(None),
        asked_at: Set(now),
        settled_at: Set(None),
    };
    Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// Enters that a fee was settled, with what proves that it was paid; none where it was waived. `false` if this receipt has
/// paid another fee of the office: nothing more can be done in this transaction then.
pub(crate) async fn settle(
    tx: &DatabaseTransaction,
    application: ApplicationId,
    receipt: Option<&Receipt>,
    now: DateTime<Utc>,
) -> Result<bool, DbErr> {
    let done = Entity::update_many()
        .col_expr(Column::Method, Expr::value(receipt.map(|receipt| receipt.method.to_string())))
        .col_expr(Column::Reference, Expr::value(receipt.map(|receipt| receipt.reference.clone())))
        .col_expr(Column::SettledAt, Expr::value(now))
        .filter(Column::ApplicationId.eq(application.to_string()))
        .exec(tx)
        .await;
    match done {
        Ok(done) if done.rows_affected == 1 => Ok(true),
        Ok(_) => Err(DbErr::RecordNotUpdated),
        // A name on PostgreSQL, columns on SQLite.
        Err(error) if violated_constraint(&error).is_some_and(|name| name.contains("reference")) => Ok(false),
        Err(error) => Err(error),
    }
}
