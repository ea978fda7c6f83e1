//! Keys and signatures of Standard Webhooks: HMAC-SHA256 (`v1`, `whsec_…`) and Ed25519 (`v1a`, `whsk_…`, `whpk_…`).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::Signer as _;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::rules::Signing;

/// The length of a new HMAC secret, in bytes; the specification asks for 24 to 64.
const SECRET: usize = 32;

/// A key that messages are signed with.
pub enum SigningKey {
    /// HMAC-SHA256.
    Hmac(Zeroizing<Vec<u8>>),
    /// Ed25519.
    Ed25519(Box<ed25519_dalek::SigningKey>),
}

impl SigningKey {
    /// A new key.
    #[must_use]
    pub fn generate(signing: Signing) -> Self {
        let random = Zeroizing::new(rand::random::<[u8; SECRET]>());
        match signing {
            Signing::Hmac => Self::Hmac(Zeroizing::new(random.to_vec())),
            Signing::Ed25519 => Self::Ed25519(Box::new(ed25519_dalek::SigningKey::from_bytes(&random))),
        }
    }

    /// Reads `whsec_…` or `whsk_…`; `None` if it is neither.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(secret) = text.strip_prefix("whsec_") {
            let secret = Zeroizing::new(STANDARD.decode(secret).ok()?);
            return (24..=64).contains(&secret.len()).then_some(Self::Hmac(secret));
        }
        let pair = Zeroizing::new(STANDARD.decode(text.strip_prefix("whsk_")?).ok()?);
        let pair = Zeroizing::new(<[u8; 64]>::try_from(pair.as_slice()).ok()?);
        // Refuses a pair whose halves do not belong together.
        ed25519_dalek::SigningKey::from_keypair_bytes(&pair).ok().map(|key| Self::Ed25519(Box::new(key)))
    }

    /// As it is kept: `whsec_…`, or `whsk_…` over the private and the public half.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        Zeroizing::new(match self {
            Self::Hmac(secret) => format!("whsec_{}", STANDARD.encode(secret.as_slice())),
            Self::Ed25519(key) => {
                let pair = Zeroizing::new(key.to_keypair_bytes());
                format!("whsk_{}", STANDARD.encode(pair.as_slice()))
            }
        })
    }

    /// What a receiver verifies with, if it is not the key itself: `whpk_…`.
    #[must_use]
    pub fn public_text(&self) -> Option<String> {
        match self {
            Self::Hmac(_) => None,
            Self::Ed25519(key) => Some(format!("whpk_{}", STANDARD.encode(key.verifying_key().as_bytes()))),
        }
    }

    /// The signature of a message: `v1,…` or `v1a,…`.
    fn sign(&self, signed: &[u8]) -> String {
        match self {
            Self::Hmac(secret) => {
                let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(secret)
                    .unwrap_or_else(|_| unreachable!("a key of any length"));
                mac.update(signed);
                format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
            }
            Self::Ed25519(key) => format!("v1a,{}", STANDARD.encode(key.sign(signed).to_bytes())),
        }
    }
}

/// The value of `webhook-signature`: one signature for each key, separated by spaces.
#[must_use]
pub fn header(keys: &[SigningKey], id: &str, timestamp: i64, body: &str) -> String {
    let signed = format!("{id}.{timestamp}.{body}");
    keys.iter().map(|key| key.sign(signed.as_bytes())).collect::<Vec<_>>().join(" ")
}

/// Whether one of the signatures in a header is by the key with this text: what a receiver does.
#[must_use]
pub fn verifies(key: &str, header: &str, id: &str, timestamp: i64, body: &str) -> bool {
    use ed25519_dalek::{Signature, VerifyingKey};

    let signed = format!("{id}.{timestamp}.{body}");
    header.split(' ').filter_map(|part| part.split_once(',')).any(|(version, signature)| {
        let Ok(signature) = STANDARD.decode(signature) else { return false };
        if let (Some(secret), "v1") = (key.strip_prefix("whsec_"), version) {
            let Ok(secret) = STANDARD.decode(secret) else { return false };
            let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(&secret)
                .unwrap_or_else(|_| unreachable!("a key of any length"));
            mac.update(signed.as_bytes());
            return mac.verify_slice(&signature).is_ok();
        }
        if let (Some(public), "v1a") = (key.strip_prefix("whpk_"), version) {
            let public = STANDARD.decode(public).ok().and_then(|public| <[u8; 32]>::try_from(public).ok());
            let key = public.and_then(|public| VerifyingKey::from_bytes(&public).ok());
            let signature = Signature::from_slice(&signature).ok();
            return key
                .zip(signature)
                .is_some_and(|(key, signature)| key.verify_strict(signed.as_bytes(), &signature).is_ok());
        }
        false
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const TIMESTAMP: i64 = 1_614_265_330;
    const BODY: &str = r#"{"test": 2432232314}"#;

    /// The vectors that the reference libraries of the specification test themselves with.
    #[test]
    fn line_32_signatures_agree_with_the_published_vectors() {
        for (key, signature) in [
            ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
            (
                "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==",
                "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==",
            ),
        ] {
            let parsed = SigningKey::parse(key).unwrap();
            assert_eq!(header(&[parsed], ID, TIMESTAMP, BODY), signature);
        }
        let key = SigningKey::parse(
            "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==",
        );
        let public = key.unwrap().public_text().unwrap();
        assert_eq!(public, "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=");
    }

    #[test]
    fn line_32_a_new_key_survives_its_text_and_signs_what_only_it_can() {
        for signing in [Signing::Hmac, Signing::Ed25519] {
            let key = SigningKey::generate(signing);
            let again = SigningKey::parse(&key.to_text()).unwrap();
            assert_eq!(*again.to_text(), *key.to_text());
            let verifier = key.public_text().unwrap_or_else(|| key.to_text().to_string());
            let signed = header(&[key], ID, TIMESTAMP, BODY);
            assert!(verifies(&verifier, &signed, ID, TIMESTAMP, BODY));
            assert!(!verifies(&verifier, &signed, ID, TIMESTAMP + 1, BODY), "the time is signed");
            assert!(!verifies(&verifier, &signed, "msg_x", TIMESTAMP, BODY), "the id is signed");
            assert!(!verifies(&verifier, &signed, ID, TIMESTAMP, "{}"), "the body is signed");
        }
    }

    #[test]
    fn line_32_during_a_rotation_both_keys_sign() {
        let (old, new) = (SigningKey::generate(Signing::Hmac), SigningKey::generate(Signing::Ed25519));
        let (secret, public) = (old.to_text(), new.public_text().unwrap());
        let signed = header(&[new, old], ID, TIMESTAMP, BODY);
        assert_eq!(signed.split(' ').count(), 2);
        assert!(
            verifies(&secret, &signed, ID, TIMESTAMP, BODY)
                && verifies(&public, &signed, ID, TIMESTAMP, BODY)
        );
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for text in [
            "",
            "whsec_%",
            "whsec_c2hvcnQ=",
            "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=",
            "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlaaaaaaaaaaAJ6p9lMicMFs6Kvg==",
        ] {
            assert!(SigningKey::parse(text).is_none(), "{text}");
        }
    }
}
