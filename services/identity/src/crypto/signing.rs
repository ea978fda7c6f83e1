//! ES256 keys and the access tokens they sign.

use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use mpp_kit::{
    auth::{Claims, GrantClaim, ISSUER, TOKEN_TYPE},
    caller::{CallerKind, Scope},
};
use p256::{ecdsa::SigningKey, elliptic_curve::Generate as _, pkcs8::EncodePrivateKey as _};
use secrecy::{ExposeSecret as _, SecretSlice};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::domain::grant::{self, Grant};

/// A key pair on P-256.
pub(crate) struct KeyPair {
    /// Key id: the JWK thumbprint (RFC 7638), so that it follows from the key.
    pub(crate) kid: String,
    /// X coordinate, base64url.
    pub(crate) x: String,
    /// Y coordinate, base64url.
    pub(crate) y: String,
    /// The private half, PKCS#8 DER.
    pub(crate) pkcs8: SecretSlice<u8>,
}

impl KeyPair {
    /// Draws a new key pair.
    pub(crate) fn generate() -> anyhow::Result<Self> {
        let key = SigningKey::generate_from_rng(&mut rand::rng());
        // An uncompressed point: 4, then x, then y, of 32 bytes each (SEC 1, section 2.3.3).
        let point = key.verifying_key().to_sec1_point(false);
        let (x, y) = point.as_bytes()[1..].split_at(32);
        let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
        let pkcs8 = key.to_pkcs8_der().context("encoding a signing key")?.as_bytes().to_vec().into();
        Ok(Self { kid: thumbprint(&x, &y), x, y, pkcs8 })
    }
}

/// The thumbprint of a key on P-256: SHA-256 of its required members in alphabetical order (RFC 7638, section 3).
fn thumbprint(x: &str, y: &str) -> String {
    let members = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
    URL_SAFE_NO_PAD.encode(Sha256::digest(members))
}

/// Whom a token is for.
pub(crate) struct Bearer<'a> {
    /// `acc_…`, `dev_…` or `system`.
    pub(crate) subject: String,
    /// The session (`ses_…`), or `system`.
    pub(crate) session: String,
    /// What kind of caller it is.
    pub(crate) kind: CallerKind,
    /// What screens show.
    pub(crate) name: &'a str,
    /// What it may do; those that do not hold now are left out.
    pub(crate) grants: &'a [Grant],
    /// The token ends no later than this.
    pub(crate) ends_by: Option<DateTime<Utc>>,
}

/// A signed token.
#[derive(Debug)]
pub(crate) struct Token {
    /// The JWT.
    pub(crate) jwt: String,
    /// Seconds until it expires.
    pub(crate) expires_in: i32,
}

/// The private half of the key that signs now.
pub(crate) struct Signer {
    kid: String,
    key: EncodingKey,
}

impl Signer {
    /// A signer with this key.
    pub(crate) fn new(kid: String, pkcs8: &SecretSlice<u8>) -> Self {
        Self { kid, key: EncodingKey::from_ec_der(pkcs8.expose_secret()) }
    }

    /// Signs an access token that lives for `life`, and no longer than any grant in it.
    pub(crate) fn issue(
        &self,
        to: &Bearer<'_>,
        now: DateTime<Utc>,
        life: TimeDelta,
    ) -> anyhow::Result<Token> {
        let (holding, first_end) = grant::holding(to.grants, now);
        let expires_at = [first_end, to.ends_by].into_iter().flatten().fold(now + life, DateTime::min);
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: ISSUER.to_owned(),
            sub: to.subject.clone(),
            sid: to.session.clone(),
            iat: now.timestamp(),
            exp: expires_at.timestamp(),
            jti: Uuid::now_v7().simple().to_string(),
            kind: to.kind.to_string(),
            service: to.kind == CallerKind::Staff && grant::are_of_a_service(&holding),
            name: to.name.to_owned(),
            grants: holding.into_iter().map(claim).collect(),
        };
        let mut header = Header::new(Algorithm::ES256);
        header.typ = Some(TOKEN_TYPE.to_owned());
        header.kid = Some(self.kid.clone());
        let jwt = jsonwebtoken::encode(&header, &claims, &self.key).context("signing an access token")?;
        Ok(Token { jwt, expires_in: i32::try_from(claims.exp - claims.iat).unwrap_or(i32::MAX) })
    }
}

fn claim(grant: &Grant) -> GrantClaim {
    GrantClaim {
        p: grant.role.permissions().iter().map(|permission| permission.name().to_owned()).collect(),
        s: Scope(grant.bounds()),
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{DecodingKey, Validation};

    use super::*;

    #[test]
    fn the_thumbprint_has_the_members_in_alphabetical_order() {
        // Of the key in RFC 7515, appendix A.3.1, by an independent implementation.
        let print = thumbprint(
            "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        );
        assert_eq!(print, "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U");
    }

    #[test]
    fn keys_differ_and_have_coordinates_of_32_bytes() {
        let (one, other) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        assert_ne!(one.kid, other.kid);
        assert_eq!((one.x.len(), one.y.len(), one.kid.len()), (43, 43, 43));
    }

    #[test]
    fn a_token_verifies_with_the_public_half_of_its_key_and_with_no_other() {
        let (pair, other) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        let bearer = Bearer {
            subject: "acc_1".to_owned(),
            session: "ses_1".to_owned(),
            kind: CallerKind::Staff,
            name: "Ani",
            grants: &[],
            ends_by: None,
        };
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let token =
            Signer::new(pair.kid.clone(), &pair.pkcs8).issue(&bearer, now, TimeDelta::minutes(10)).unwrap();
        assert_eq!(token.expires_in, 600);
        let mut validation = Validation::new(Algorithm::ES256);
        validation.set_audience(&[ISSUER]);
        validation.validate_exp = false;
        let verify = |pair: &KeyPair| {
            let key = DecodingKey::from_ec_components(&pair.x, &pair.y).unwrap();
            jsonwebtoken::decode::<Claims>(&token.jwt, &key, &validation).map(|data| data.claims.sub)
        };
        assert_eq!(verify(&pair).unwrap(), "acc_1");
        assert!(verify(&other).is_err());
    }
}
