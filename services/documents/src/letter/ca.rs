//! A certificate authority for tests and for the simulator of BSrE. Nobody outside trusts it, and letters signed under it
//! are marked CONTOH: it must never stand among the roots of a production service.

use chrono::{DateTime, Utc};
use p256::ecdsa::{Signature, SigningKey, signature::Signer as _};
use p256::elliptic_curve::Generate as _;
use p256::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, EncodePublicKey as _, LineEnding};
use rand::Rng as _;
use sha2::{Digest as _, Sha256};

use super::asn1::{self, tag};
use super::certificate::{Certificate, NoCertificate, Subject, oid, usage};
use super::cms;
use super::pades::{Seal, SealError, Timestamper};

/// From when until when a certificate holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// The first second.
    pub from: DateTime<Utc>,
    /// The last second.
    pub until: DateTime<Utc>,
}

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum CaError {
    /// The PEM is none, or key and certificate do not belong together.
    #[error("not the certificate and key of an authority")]
    Pem,
    /// The key cannot be written.
    #[error("the key cannot be written")]
    Key,
    /// The certificate that was made cannot be read again.
    #[error(transparent)]
    Certificate(#[from] NoCertificate),
    /// The certificate that was made does not fit a seal.
    #[error(transparent)]
    Seal(#[from] SealError),
}

/// A certificate, those above it, and its key on P-256.
pub struct TestCa {
    key: SigningKey,
    /// Its own first, the root last.
    chain: Vec<Certificate>,
}

#[derive(Clone, Copy)]
enum Role {
    Authority { path_length: u8 },
    Signer,
    Timestamps,
}

impl TestCa {
    /// A root with a new key.
    ///
    /// # Errors
    /// [`CaError`], which does not happen for keys that were just drawn.
    pub fn root(name: &str, validity: Validity) -> Result<Self, CaError> {
        let key = SigningKey::generate_from_rng(&mut rand::rng());
        let subject = Subject { common_name: name.to_owned(), ..Subject::default() };
        let certificate = certify(&key, None, &key, &subject, validity, Role::Authority { path_length: 1 })?;
        Ok(Self { key, chain: vec![certificate] })
    }

    /// An authority under this one, with a new key.
    ///
    /// # Errors
    /// As [`TestCa::root`].
    pub fn intermediate(&self, name: &str, validity: Validity) -> Result<Self, CaError> {
        let subject = Subject { common_name: name.to_owned(), ..Subject::default() };
        let (key, chain) = self.issue(&subject, validity, Role::Authority { path_length: 0 })?;
        Ok(Self { key, chain })
    }

    /// A signer under this authority, with a new key; keyUsage is nonRepudiation.
    ///
    /// # Errors
    /// As [`TestCa::root`].
    pub fn signer(&self, subject: &Subject, validity: Validity) -> Result<Seal, CaError> {
        let (key, chain) = self.issue(subject, validity, Role::Signer)?;
        Ok(Seal::new(key, chain)?)
    }

    /// The key and the certificate of a time stamp authority under this one, as PEM.
    ///
    /// # Errors
    /// As [`TestCa::root`].
    pub fn timestamper(&self, name: &str, validity: Validity) -> Result<(String, String), CaError> {
        let subject = Subject { common_name: name.to_owned(), ..Subject::default() };
        let (key, chain) = self.issue(&subject, validity, Role::Timestamps)?;
        Ok((key_to_pem(&key)?, chain[0].to_pem()))
    }

    /// A time stamp authority under this one, with a new key, that answers in this process.
    ///
    /// # Errors
    /// As [`TestCa::root`].
    pub fn stamper(&self, name: &str, validity: Validity) -> Result<Stamper, CaError> {
        let subject = Subject { common_name: name.to_owned(), ..Subject::default() };
        let (key, chain) = self.issue(&subject, validity, Role::Timestamps)?;
        Ok(Stamper { key, chain })
    }

    fn issue(
        &self,
        subject: &Subject,
        validity: Validity,
        role: Role,
    ) -> Result<(SigningKey, Vec<Certificate>), CaError> {
        let key = SigningKey::generate_from_rng(&mut rand::rng());
        let certificate = certify(&self.key, self.chain.first(), &key, subject, validity, role)?;
        Ok((key, [vec![certificate], self.chain.clone()].concat()))
    }

    /// Its certificate.
    #[must_use]
    pub fn certificate(&self) -> &Certificate {
        &self.chain[0]
    }

    /// Its certificate and those above it, and its key, as PEM.
    ///
    /// # Errors
    /// [`CaError::Key`].
    pub fn to_pem(&self) -> Result<(String, String), CaError> {
        Ok((self.chain.iter().map(Certificate::to_pem).collect(), key_to_pem(&self.key)?))
    }

    /// What [`TestCa::to_pem`] wrote.
    ///
    /// # Errors
    /// [`CaError::Pem`].
    pub fn from_pem(chain: &str, key: &str) -> Result<Self, CaError> {
        let chain = Certificate::from_pem(chain).map_err(|_| CaError::Pem)?;
        let key = SigningKey::from_pkcs8_pem(key).map_err(|_| CaError::Pem)?;
        let belongs =
            chain.first().is_some_and(|first| key_info(&key).is_ok_and(|info| info == first.key_info()));
        if belongs { Ok(Self { key, chain }) } else { Err(CaError::Pem) }
    }
}

/// A time stamp authority (RFC 3161).
pub struct Stamper {
    key: SigningKey,
    /// Its own certificate first, the root last.
    chain: Vec<Certificate>,
}

impl Stamper {
    /// The authority at this time.
    #[must_use]
    pub fn at(&self, time: DateTime<Utc>) -> StampsAt<'_> {
        StampsAt { stamper: self, time }
    }
}

/// A time stamp authority whose clock stands still.
pub struct StampsAt<'s> {
    stamper: &'s Stamper,
    time: DateTime<Utc>,
}

impl Timestamper for StampsAt<'_> {
    fn stamp(&self, request: &[u8]) -> Result<Vec<u8>, String> {
        let Stamper { key, chain } = self.stamper;
        let mut serial = [0_u8; 16];
        rand::rng().fill_bytes(&mut serial);
        let info = cms::stamp_info(request, &serial, self.time).map_err(|error| error.to_string())?;
        let own = chain.first().ok_or("the authority has no certificate")?;
        let attributes = cms::stamp_attributes(&info, own);
        let signature: Signature = key.sign(&attributes);
        // The root is with whoever trusts it.
        let has_root = chain.len() > 1 && chain.last().is_some_and(Certificate::is_self_issued);
        let sent = &chain[..chain.len() - usize::from(has_root)];
        Ok(cms::granting(&info, &attributes, signature.to_der().as_bytes(), sent))
    }
}

pub(super) fn key_to_pem(key: &SigningKey) -> Result<String, CaError> {
    key.to_pkcs8_pem(LineEnding::LF).map(|pem| pem.to_string()).map_err(|_| CaError::Key)
}

/// The `SubjectPublicKeyInfo` of a key.
pub(super) fn key_info(key: &SigningKey) -> Result<Vec<u8>, CaError> {
    key.verifying_key().to_public_key_der().map(|info| info.as_bytes().to_vec()).map_err(|_| CaError::Key)
}

fn certify(
    issuer_key: &SigningKey,
    issuer: Option<&Certificate>,
    key: &SigningKey,
    subject: &Subject,
    validity: Validity,
    role: Role,
) -> Result<Certificate, CaError> {
    let mut serial = [0_u8; 16];
    rand::rng().fill_bytes(&mut serial);
    serial[0] = serial[0] & 0x7f | 0x40;
    let subject = name(subject);
    let issuer_name = issuer.map_or(subject.as_slice(), Certificate::raw_subject);
    let info = key_info(key)?;
    let key_id = key_id(&info);
    let issuer_id = issuer.map_or(key_id.as_slice(), |issuer| issuer.key_id().unwrap_or_default());
    let true_value = asn1::element(tag::BOOLEAN, &[&[0xff]]);
    let extension = |id: &[u8], critical: bool, value: &[u8]| {
        let critical = if critical { true_value.as_slice() } else { &[] };
        asn1::sequence(&[
            &asn1::element(tag::OID, &[id]),
            critical,
            &asn1::element(tag::OCTET_STRING, &[value]),
        ])
    };
    let key_usage = |bits: u8| {
        let unused = u8::try_from(bits.trailing_zeros()).unwrap_or_default();
        extension(oid::KEY_USAGE, true, &asn1::element(tag::BIT_STRING, &[&[unused, bits]]))
    };
    let mut extensions = vec![
        extension(oid::SUBJECT_KEY_ID, false, &asn1::element(tag::OCTET_STRING, &[&key_id])),
        extension(oid::AUTHORITY_KEY_ID, false, &asn1::sequence(&[&asn1::element(0x80, &[issuer_id])])),
    ];
    match role {
        Role::Authority { path_length } => {
            let constraints = asn1::sequence(&[&true_value, &asn1::unsigned(&[path_length])]);
            extensions.push(extension(oid::BASIC_CONSTRAINTS, true, &constraints));
            extensions.push(key_usage(usage::KEY_CERT_SIGN | usage::CRL_SIGN));
        }
        Role::Signer => extensions.push(key_usage(usage::NON_REPUDIATION)),
        Role::Timestamps => {
            extensions.push(key_usage(usage::DIGITAL_SIGNATURE));
            let uses = asn1::sequence(&[&asn1::element(tag::OID, &[oid::TIME_STAMPING])]);
            extensions.push(extension(oid::EXTENDED_KEY_USAGE, true, &uses));
        }
    }
    let extensions = extensions.iter().map(Vec::as_slice).collect::<Vec<_>>();
    let algorithm = asn1::sequence(&[&asn1::element(tag::OID, &[oid::ECDSA_SHA256])]);
    let to_be_signed = asn1::sequence(&[
        &asn1::element(tag::context(0), &[&asn1::unsigned(&[2])]),
        &asn1::unsigned(&serial),
        &algorithm,
        issuer_name,
        &asn1::sequence(&[&asn1::time(validity.from), &asn1::time(validity.until)]),
        &subject,
        &info,
        &asn1::element(tag::context(3), &[&asn1::sequence(&extensions)]),
    ]);
    let signature: Signature = issuer_key.sign(&to_be_signed);
    let der = asn1::sequence(&[&to_be_signed, &algorithm, &asn1::bits(signature.to_der().as_bytes())]);
    Ok(Certificate::from_der(&der)?)
}

/// A name: country, organisation, serial number, common name.
fn name(subject: &Subject) -> Vec<u8> {
    let part = |kind: &[u8], tag: u8, value: &str| {
        let attribute =
            asn1::sequence(&[&asn1::element(tag::OID, &[kind]), &asn1::element(tag, &[value.as_bytes()])]);
        asn1::element(tag::SET, &[&attribute])
    };
    let mut parts = vec![part(oid::COUNTRY, tag::PRINTABLE, "ID")];
    parts.extend(subject.organization.as_ref().map(|it| part(oid::ORGANIZATION, tag::UTF8, it)));
    parts.extend(subject.serial_number.as_ref().map(|it| part(oid::SERIAL_NUMBER, tag::PRINTABLE, it)));
    parts.push(part(oid::COMMON_NAME, tag::UTF8, &subject.common_name));
    asn1::sequence(&parts.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

/// An identifier of a key: the first 20 octets of a digest (RFC 7093, section 2, without the tag).
fn key_id(info: &[u8]) -> Vec<u8> {
    Sha256::digest(info)[..20].to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn validity() -> Validity {
        let at = |text: &str| text.parse().unwrap();
        Validity { from: at("2026-01-01T00:00:00Z"), until: at("2051-01-01T00:00:00Z") }
    }

    #[test]
    fn authorities_are_written_and_read() {
        let root = TestCa::root("Akar CONTOH", validity()).unwrap();
        let middle = root.intermediate("Penerbit CONTOH", validity()).unwrap();
        let (chain, key) = middle.to_pem().unwrap();
        let read = TestCa::from_pem(&chain, &key).unwrap();
        assert_eq!((read.certificate(), read.chain.len()), (middle.certificate(), 2));
        assert_eq!(read.certificate().not_after(), validity().until);
        let (_, other) = root.to_pem().unwrap();
        assert!(matches!(TestCa::from_pem(&chain, &other), Err(CaError::Pem)));
        assert!(matches!(TestCa::from_pem("", &key), Err(CaError::Pem)));
    }

    #[test]
    fn seals_are_written_and_read_and_refuse_what_does_not_fit() {
        let root = TestCa::root("Akar CONTOH", validity()).unwrap();
        let subject = Subject {
            common_name: "Siti Aminah, S.IP.".into(),
            serial_number: Some("0017".into()),
            organization: Some("Desa Sukamaju".into()),
        };
        let seal = root.signer(&subject, validity()).unwrap();
        assert_eq!(seal.certificate().subject(), &subject);
        let (key, chain) = seal.to_pem().unwrap();
        assert_eq!(Seal::from_pem(&key, &chain).unwrap().certificate(), seal.certificate());
        let (other, _) = root.signer(&subject, validity()).unwrap().to_pem().unwrap();
        assert_eq!(Seal::from_pem(&other, &chain).err(), Some(SealError::Mismatch));
        assert_eq!(Seal::from_pem("", &chain).err(), Some(SealError::Key));
        assert_eq!(Seal::from_pem(&key, &chain[..100]).err(), Some(SealError::Chain));
        let (key, certificate) = root.timestamper("Waktu CONTOH", validity()).unwrap();
        assert_eq!(Seal::from_pem(&key, &certificate).err(), Some(SealError::WrongUse));
    }
}
