//! The secret of the installation.

use sea_orm::{ActiveValue::Set, ConnectionTrait, DbErr, EntityTrait as _};
use secrecy::{ExposeSecret as _, SecretString};

use super::entity::service_secret;

/// The name of the one row.
const NAME: &str = "root";

/// The stored secret, or `new` if there was none. Of several processes that start at once, one wins and all agree.
pub(crate) async fn get_or_insert(
    db: &impl ConnectionTrait,
    new: &SecretString,
) -> Result<SecretString, DbErr> {
    let row = service_secret::ActiveModel {
        name: Set(NAME.to_owned()),
        value: Set(new.expose_secret().to_owned()),
    };
    service_secret::Entity::insert(row)
        .on_conflict_do_nothing_on([service_secret::Column::Name])
        .exec_without_returning(db)
        .await?;
    let row = service_secret::Entity::find_by_id(NAME).one(db).await?;
    row.map(|row| row.value.into()).ok_or_else(|| DbErr::RecordNotFound("service_secret".to_owned()))
}
