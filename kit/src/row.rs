//! Columns of tables ⇄ domain. What a table holds was checked when it was written, so a failure here is a damaged row: it is told
//! with the table and the value, never with personal data.

use std::str::FromStr;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{DbErr, Value};
use serde::{Serialize, de::DeserializeOwned};

use crate::cipher::Cipher;

/// A text column that holds one of the values of `T`.
///
/// # Errors
/// When it holds another text.
pub fn read<T: FromStr>(column: &str, value: &str) -> Result<T, DbErr> {
    value.parse().map_err(|_| DbErr::Type(format!("{column} holds a text that is none of its values")))
}

/// A count as the tables write it.
///
/// # Errors
/// When it is negative.
pub fn count(column: &str, value: i32) -> Result<u32, DbErr> {
    u32::try_from(value).map_err(|_| DbErr::Type(format!("{column} holds a negative number")))
}

/// A count for the tables.
///
/// # Errors
/// When it does not fit.
pub fn number(value: u32) -> Result<i32, DbErr> {
    i32::try_from(value).map_err(|_| DbErr::Type("a count does not fit its column".to_owned()))
}

/// A body for the tables: JSON, encrypted under the id of what it belongs to.
///
/// # Errors
/// When it cannot be JSON.
pub fn seal(cipher: &Cipher, id: &str, body: &impl Serialize) -> Result<String, DbErr> {
    let json = serde_json::to_vec(body).map_err(|error| DbErr::Json(error.to_string()))?;
    Ok(STANDARD.encode(cipher.seal(id, &json)))
}

/// Reads a body.
///
/// # Errors
/// When it was changed, or written under another key or id.
pub fn open<T: DeserializeOwned>(cipher: &Cipher, id: &str, body: &str) -> Result<T, DbErr> {
    let sealed = STANDARD.decode(body).ok();
    let json = sealed.and_then(|sealed| cipher.open(id, &sealed)).ok_or_else(|| {
        DbErr::Custom(format!(
            "the body of {id} cannot be decrypted: the row was changed, or the key is another"
        ))
    })?;
    // The error of serde may quote what it read.
    serde_json::from_slice(&json)
        .map_err(|_| DbErr::Json(format!("the body of {id} is not as it was written")))
}

/// A condition that an area column lies at or below one of these areas.
pub fn within<C: sea_orm::ColumnTrait>(column: C, areas: &[String]) -> sea_orm::Condition {
    areas.iter().fold(sea_orm::Condition::any(), |any, area| {
        any.add(column.eq(area.as_str()))
            .add(column.starts_with(format!("{area}.")))
            .add(column.starts_with(format!("{area}/")))
    })
}

/// The condition that a row comes after a line in the ascending order of two columns, the key of a page. One comparison of
/// rows: an index over both columns begins there, where `a > x OR (a = x AND b > y)` walks from the beginning.
pub fn after<A: sea_orm::ColumnTrait, B: sea_orm::ColumnTrait>(
    (first, second): (A, B),
    (x, y): (impl Into<Value>, impl Into<Value>),
) -> Expr {
    pair((first, second)).gt(Expr::tuple([Expr::value(x), Expr::value(y)]))
}

/// The condition that a row comes after a line in the descending order of two columns; see [`after`].
pub fn before<A: sea_orm::ColumnTrait, B: sea_orm::ColumnTrait>(
    (first, second): (A, B),
    (x, y): (impl Into<Value>, impl Into<Value>),
) -> Expr {
    pair((first, second)).lt(Expr::tuple([Expr::value(x), Expr::value(y)]))
}

fn pair<A: sea_orm::ColumnTrait, B: sea_orm::ColumnTrait>((first, second): (A, B)) -> Expr {
    Expr::tuple([Expr::col(first.as_column_ref()), Expr::col(second.as_column_ref())])
}

#[cfg(test)]
mod tests {
    use sea_orm::sea_query::{Query, SqliteQueryBuilder};

    use super::*;

    mod thing {
        use sea_orm::entity::prelude::*;

        #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
        #[sea_orm(table_name = "thing")]
        pub(super) struct Model {
            #[sea_orm(primary_key, auto_increment = false)]
            pub id: String,
            pub at: i64,
        }

        #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
        pub(super) enum Relation {}

        impl ActiveModelBehavior for ActiveModel {}
    }

    #[test]
    fn a_page_begins_with_one_comparison_of_rows() {
        use thing::Column;
        let sql = |which: Expr| {
            Query::select().column("id").from("thing").and_where(which).to_string(SqliteQueryBuilder)
        };
        assert_eq!(
            sql(after((Column::At, Column::Id), (7_i64, "x"))),
            r#"SELECT "id" FROM "thing" WHERE ("thing"."at", "thing"."id") > (7, 'x')"#
        );
        assert_eq!(
            sql(before((Column::At, Column::Id), (7_i64, "x"))),
            r#"SELECT "id" FROM "thing" WHERE ("thing"."at", "thing"."id") < (7, 'x')"#
        );
    }
}
