//! The secret of the installation.

use anyhow::Context as _;
use mpp_kit::cipher::Cipher;
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, sea_query::Expr,
};
use secrecy::{ExposeSecret as _, SecretString};

use super::entity::service_secret;
use crate::crypto::sealed;

/// The name of the one row.
const NAME: &str = "root";

/// The stored secret, or `new` if there was none. Of several processes that start at once, one wins and all agree. What stands
/// there in clear is sealed.
pub(crate) async fn get_or_insert(
    db: &impl ConnectionTrait,
    cipher: &Cipher,
    new: &SecretString,
) -> anyhow::Result<SecretString> {
    let row = service_secret::ActiveModel {
        name: Set(NAME.to_owned()),
        value: Set(sealed::seal_secret(cipher, NAME, new)),
    };
    service_secret::Entity::insert(row)
        .on_conflict_do_nothing_on([service_secret::Column::Name])
        .exec_without_returning(db)
        .await?;
    let row = service_secret::Entity::find_by_id(NAME).one(db).await?;
    let stored = row.context("service_secret has no row")?.value;
    let secret = sealed::open_secret(cipher, NAME, &stored)?;
    if sealed::is_clear_secret(&stored) {
        service_secret::Entity::update_many()
            .col_expr(service_secret::Column::Value, Expr::value(sealed::seal_secret(cipher, NAME, &secret)))
            .filter(service_secret::Column::Name.eq(NAME))
            .filter(service_secret::Column::Value.eq(secret.expose_secret()))
            .exec(db)
            .await?;
    }
    Ok(secret)
}
