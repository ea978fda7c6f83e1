//! How a webhook of Meta proves where it comes from: `X-Hub-Signature-256`, an HMAC-SHA-256 of the raw bytes under the
//! secret of the app; the handshake with which a callback address is subscribed; and what people say about messages, which
//! everybody who gets its deliveries has to read alike.
//!
//! The bytes are those that came: JSON that was read and written again has other spaces and escapes, and another HMAC.

use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use crate::config::{ExposeSecret as _, Secret};

/// The header of the signature.
pub const SIGNATURE: &str = "x-hub-signature-256";

/// Why a webhook is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// No signature came.
    #[error("the signature is missing")]
    Missing,
    /// It is not the one of this body under this secret.
    #[error("the signature does not belong to these bytes")]
    Wrong,
}

/// Checks the header against the raw body. The comparison takes the same time wherever they differ.
///
/// # Errors
/// [`Refused`]; nothing of the body may be used then. An account without a secret refuses everything.
pub fn verify(secret: &Secret, header: &str, body: &[u8]) -> Result<(), Refused> {
    let header = header.trim();
    if header.is_empty() {
        return Err(Refused::Missing);
    }
    let secret = secret.expose_secret();
    let told =
        header.strip_prefix("sha256=").and_then(|told| hex::decode(told).ok()).ok_or(Refused::Wrong)?;
    if secret.is_empty() {
        return Err(Refused::Wrong);
    }
    mac(secret, body).verify_slice(&told).map_err(|_| Refused::Wrong)
}

/// Words by which somebody ends messages, in lower case.
const STOP: [&str; 4] = ["stop", "berhenti", "unsubscribe", "henti"];
/// Words by which somebody wants them again.
const START: [&str; 2] = ["mulai", "start"];

/// What somebody wants of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// No more of them.
    Stop,
    /// Them again.
    Start,
}

/// What a message wants of messages, if it is a word for that alone: nothing else is meant by it.
#[must_use]
pub fn wish(text: &str) -> Option<Wish> {
    let word = text.trim().trim_end_matches('.').to_lowercase();
    if STOP.contains(&word.as_str()) {
        Some(Wish::Stop)
    } else if START.contains(&word.as_str()) {
        Some(Wish::Start)
    } else {
        None
    }
}

/// Answers the handshake of a subscription: the challenge, if the token is the one that was agreed on.
///
/// # Errors
/// [`Refused::Missing`] if it is no handshake, [`Refused::Wrong`] if the token is another.
pub fn handshake<'a>(token: &Secret, mode: &str, told: &str, challenge: &'a str) -> Result<&'a str, Refused> {
    if mode != "subscribe" || challenge.is_empty() {
        return Err(Refused::Missing);
    }
    let token = token.expose_secret();
    let same: bool = token.as_bytes().ct_eq(told.as_bytes()).into();
    if same && !token.is_empty() { Ok(challenge) } else { Err(Refused::Wrong) }
}

/// The header a body gets under a secret: what the simulators and tests send.
#[must_use]
pub fn sign(secret: &str, body: &[u8]) -> String {
    format!("sha256={}", hex::encode(mac(secret, body).finalize().into_bytes()))
}

fn mac(secret: &str, body: &[u8]) -> Hmac<Sha256> {
    let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(secret.as_bytes())
        .unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"));
    mac.update(body);
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::from(text.to_owned())
    }

    #[test]
    fn c_13_a_signature_holds_for_these_bytes_only() {
        let (word, key) = ("rahasia-aplikasi", secret("rahasia-aplikasi"));
        // Not ASCII, and with the spaces and escapes that a parser would lose.
        for body in ["{\"text\" :  \"Lampu mati – jalan É\"}\n", "{\"text\":\"\\u00e9\"}", "{}"] {
            let header = sign(word, body.as_bytes());
            assert_eq!(verify(&key, &header, body.as_bytes()), Ok(()));
            assert_eq!(verify(&key, &header, format!("{body} ").as_bytes()), Err(Refused::Wrong));
            assert_eq!(verify(&secret("lain"), &header, body.as_bytes()), Err(Refused::Wrong));
            assert_eq!(verify(&key, &header.to_uppercase(), body.as_bytes()), Err(Refused::Wrong));
        }
        assert_eq!(verify(&key, "", b"{}"), Err(Refused::Missing));
        for header in ["sha256=", "sha1=00", "sha256=zz", "00"] {
            assert_eq!(verify(&key, header, b"{}"), Err(Refused::Wrong), "{header}");
        }
        assert_eq!(verify(&secret(""), &sign("", b"{}"), b"{}"), Err(Refused::Wrong));
    }

    /// RFC 4231, test case 2.
    #[test]
    fn the_signature_is_the_hmac_of_rfc_4231() {
        assert_eq!(
            sign("Jefe", b"what do ya want for nothing?"),
            "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[test]
    fn a_wish_is_a_word_alone() {
        assert_eq!([" Berhenti ", "STOP."].map(wish), [Some(Wish::Stop); 2]);
        assert_eq!(wish("mulai"), Some(Wish::Start));
        assert_eq!(["", "berhenti di depan pasar", "stop?", "."].map(wish), [None; 4]);
    }

    #[test]
    fn a_handshake_is_answered_with_its_bare_challenge() {
        let token = secret("token");
        assert_eq!(handshake(&token, "subscribe", "token", "1158201444"), Ok("1158201444"));
        assert_eq!(handshake(&token, "subscribe", "lain", "1"), Err(Refused::Wrong));
        assert_eq!(handshake(&token, "unsubscribe", "token", "1"), Err(Refused::Missing));
        assert_eq!(handshake(&token, "subscribe", "token", ""), Err(Refused::Missing));
        assert_eq!(handshake(&secret(""), "subscribe", "", "1"), Err(Refused::Wrong));
    }
}
