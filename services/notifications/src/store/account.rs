//! Our accounts at providers: circuits, and how much went out in the present second.

use chrono::{DateTime, Utc};
use mpp_kit::row::{count, number};
use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait as _,
    QueryFilter as _,
};

use super::entity::channel_account::{ActiveModel, Column, Entity};
use crate::domain::circuit::Circuit;

/// Makes the row of an account, if it is not there.
pub(crate) async fn ensure(db: &impl ConnectionTrait, queue: &str) -> Result<(), DbErr> {
    let row = ActiveModel {
        queue: Set(queue.to_owned()),
        failures: Set(0),
        opened: Set(0),
        open_until: Set(None),
        problem: Set(String::new()),
        second: Set(0),
        sent: Set(0),
    };
    let once = OnConflict::column(Column::Queue).do_nothing().to_owned();
    Entity::insert(row).on_conflict(once).exec_without_returning(db).await?;
    Ok(())
}

/// The circuit of an account, and why it is open.
pub(crate) async fn circuit(db: &impl ConnectionTrait, queue: &str) -> Result<(Circuit, String), DbErr> {
    let Some(row) = Entity::find_by_id(queue.to_owned()).one(db).await? else {
        return Ok(Default::default());
    };
    let circuit = Circuit {
        failures: count("channel_account.failures", row.failures)?,
        opened: count("channel_account.opened", row.opened)?,
        open_until: row.open_until,
    };
    Ok((circuit, row.problem))
}

/// Holds the row of an account until the transaction ends, so that what is read next is what is written over: attempts side by
/// side would lose each other's failures.
pub(crate) async fn hold(tx: &DatabaseTransaction, queue: &str) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::Failures, Expr::col(Column::Failures))
        .filter(Column::Queue.eq(queue))
        .exec(tx)
        .await?;
    Ok(())
}

/// Writes the circuit of an account.
pub(crate) async fn set_circuit(
    tx: &DatabaseTransaction,
    queue: &str,
    circuit: &Circuit,
    problem: &str,
) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::Failures, Expr::value(number(circuit.failures)?))
        .col_expr(Column::Opened, Expr::value(number(circuit.opened)?))
        .col_expr(Column::OpenUntil, Expr::value(circuit.open_until))
        .col_expr(Column::Problem, Expr::value(problem))
        .filter(Column::Queue.eq(queue))
        .exec(tx)
        .await?;
    Ok(())
}

/// Takes one message of the present second. `false` when it is used up: the row is shared by every instance.
pub(crate) async fn take(
    db: &impl ConnectionTrait,
    queue: &str,
    per_second: u32,
    now: DateTime<Utc>,
) -> Result<bool, DbErr> {
    let second = now.timestamp();
    let more = Entity::update_many()
        .col_expr(Column::Sent, Expr::col(Column::Sent).add(1))
        .filter(Column::Queue.eq(queue))
        .filter(Column::Second.eq(second))
        .filter(Column::Sent.lt(number(per_second)?))
        .exec(db)
        .await?;
    if more.rows_affected == 1 {
        return Ok(true);
    }
    let first = Entity::update_many()
        .col_expr(Column::Second, Expr::value(second))
        .col_expr(Column::Sent, Expr::value(1))
        .filter(Column::Queue.eq(queue))
        .filter(Column::Second.lt(second))
        .exec(db)
        .await?;
    Ok(first.rows_affected == 1)
}
