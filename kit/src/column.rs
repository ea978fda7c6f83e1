//! Columns of tables ⇄ domain. What a table holds was checked when it was written, so a failure here is a damaged row: it is told
//! with the table and the value, never with personal data.

use std::str::FromStr;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sea_orm::DbErr;
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
