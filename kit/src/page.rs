//! Paging by key (AIP-158): a page token names the last row seen and the question it belongs to.
//!
//! A token carries no authority: who may see what is checked again for each page.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::fault::{Problem, Text, Violation};

/// Writes and reads page tokens.
#[derive(Debug)]
pub struct PageToken;

const FINGERPRINT_BYTES: usize = 12;

impl PageToken {
    /// The token for the page after the row with `last_key`. `filter` is everything the order and choice of rows depends
    /// on: the parent, the filter, the order, the caller.
    #[must_use]
    pub fn encode(last_key: &str, filter: &str) -> String {
        let mut bytes = fingerprint(filter).to_vec();
        bytes.extend_from_slice(last_key.as_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The key after which the page starts; `None` for the first page, which has an empty token.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when the token is damaged or belongs to another filter.
    pub fn decode(token: &str, filter: &str) -> Result<Option<String>, Problem> {
        if token.is_empty() {
            return Ok(None);
        }
        URL_SAFE_NO_PAD
            .decode(token)
            .ok()
            .and_then(|bytes| {
                let (found, key) = bytes.split_at_checked(FINGERPRINT_BYTES)?;
                (found == fingerprint(filter)).then(|| String::from_utf8(key.to_vec()).ok())?
            })
            .map(Some)
            .ok_or_else(|| {
                invalid(
                    "page_token",
                    "INVALID_PAGE_TOKEN",
                    Text::new(
                        "mulai lagi dari halaman pertama; penanda halaman ini bukan untuk pencarian ini",
                        "start again without a page token; this one belongs to another list",
                    ),
                )
            })
    }
}

/// The page size to use: `default` when nothing was asked for, never more than `max`.
///
/// # Errors
/// `INVALID_ARGUMENT` when the size is negative.
pub fn page_size(requested: i32, default: u32, max: u32) -> Result<u32, Problem> {
    match u32::try_from(requested) {
        Ok(0) => Ok(default.min(max)),
        Ok(size) => Ok(size.min(max)),
        Err(_) => Err(invalid(
            "page_size",
            "OUT_OF_RANGE",
            Text::new(format!("isi dengan angka 0 sampai {max}"), format!("give a number from 0 to {max}")),
        )),
    }
}

/// Cuts rows to a page of `size`, and answers the token of the next page; an empty one after the last. Of the rows, one
/// more than the page holds was fetched: that tells whether there is a next page.
pub fn cut<T>(rows: &mut Vec<T>, size: u32, filter: &str, key: impl FnOnce(&T) -> String) -> String {
    let more = rows.len() > size as usize;
    rows.truncate(size as usize);
    rows.last().filter(|_| more).map(|last| PageToken::encode(&key(last), filter)).unwrap_or_default()
}

fn invalid(field: &str, reason: &'static str, text: Text) -> Problem {
    Problem::invalid(vec![Violation { field: field.to_owned(), reason, text }])
}

fn fingerprint(filter: &str) -> [u8; FINGERPRINT_BYTES] {
    let digest = Sha256::digest(filter.as_bytes());
    let mut out = [0; FINGERPRINT_BYTES];
    out.copy_from_slice(&digest[..FINGERPRINT_BYTES]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_returns_its_key_and_belongs_to_one_filter() {
        let token = PageToken::encode("A-012", "hall=h1");
        assert_eq!(PageToken::decode(&token, "hall=h1").unwrap().as_deref(), Some("A-012"));
        assert_eq!(PageToken::decode("", "hall=h1").unwrap(), None);
        for wrong in [token.as_str(), "x", "!!!", "AAAA"] {
            let filter = if wrong == token { "hall=h2" } else { "hall=h1" };
            assert_eq!(
                PageToken::decode(wrong, filter).unwrap_err().violations[0].reason,
                "INVALID_PAGE_TOKEN"
            );
        }
    }

    #[test]
    fn page_sizes_are_defaulted_coerced_and_checked() {
        assert_eq!(page_size(0, 50, 200).unwrap(), 50);
        assert_eq!(page_size(10, 50, 200).unwrap(), 10);
        assert_eq!(page_size(1000, 50, 200).unwrap(), 200);
        assert_eq!(page_size(-1, 50, 200).unwrap_err().violations[0].field, "page_size");
    }
}
