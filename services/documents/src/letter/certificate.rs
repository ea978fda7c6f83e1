//! X.509 certificates: what signatures need of them, and paths from a signer to a root that is trusted.
//!
//! Certificates come out of files from strangers. Every field is read from its own bytes; nothing is decoded and encoded
//! again; what is not understood and critical makes the certificate useless.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use p256::ecdsa::signature::hazmat::PrehashVerifier as _;
use rsa::{BoxedUint, Pkcs1v15Sign, Pss};
use sha2::{Sha256, Sha384, Sha512};

use super::asn1::{Element, Malformed, tag};

/// Object identifiers, as DER has their contents.
pub(super) mod oid {
    pub(crate) const EC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
    pub(crate) const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
    pub(crate) const P384: &[u8] = &[0x2b, 0x81, 0x04, 0, 0x22];
    pub(crate) const ECDSA_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
    pub(crate) const ECDSA_SHA384: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3];
    pub(crate) const ECDSA_SHA512: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 4];
    pub(crate) const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
    pub(crate) const MGF1: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 8];
    pub(crate) const RSA_PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10];
    pub(crate) const RSA_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11];
    pub(crate) const RSA_SHA384: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 12];
    pub(crate) const RSA_SHA512: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 13];
    pub(crate) const SHA256: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1];
    pub(crate) const SHA384: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 2];
    pub(crate) const SHA512: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 3];
    pub(crate) const COMMON_NAME: &[u8] = &[0x55, 4, 3];
    pub(crate) const SERIAL_NUMBER: &[u8] = &[0x55, 4, 5];
    pub(crate) const ORGANIZATION: &[u8] = &[0x55, 4, 10];
    pub(crate) const COUNTRY: &[u8] = &[0x55, 4, 6];
    pub(crate) const SUBJECT_KEY_ID: &[u8] = &[0x55, 0x1d, 14];
    pub(crate) const KEY_USAGE: &[u8] = &[0x55, 0x1d, 15];
    pub(crate) const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 19];
    pub(crate) const POLICIES: &[u8] = &[0x55, 0x1d, 32];
    pub(crate) const AUTHORITY_KEY_ID: &[u8] = &[0x55, 0x1d, 35];
    pub(crate) const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 37];
    pub(crate) const TIME_STAMPING: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 8];
}

/// Certificates between a signer and a root, both counted.
const LONGEST_PATH: usize = 6;
/// Signatures that one search for a path may check.
const MOST_CHECKS: usize = 64;
/// The longest RSA key, in bits: what verifying costs grows with its square.
const LONGEST_RSA: usize = 8192;

/// The digests that are accepted. SHA-1 and MD5 are not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    /// From an `AlgorithmIdentifier`.
    pub(super) fn read(algorithm: Element<'_>) -> Result<Self, Malformed> {
        match algorithm.expect(tag::SEQUENCE)?.parts().read(tag::OID)?.body {
            oid::SHA256 => Ok(Self::Sha256),
            oid::SHA384 => Ok(Self::Sha384),
            oid::SHA512 => Ok(Self::Sha512),
            _ => Err(Malformed),
        }
    }

    /// The digest of these parts, one after the other.
    pub(super) fn digest(self, parts: &[&[u8]]) -> Vec<u8> {
        fn of<D: sha2::Digest>(parts: &[&[u8]]) -> Vec<u8> {
            let mut hasher = D::new();
            for part in parts {
                hasher.update(part);
            }
            hasher.finalize().to_vec()
        }
        match self {
            Self::Sha256 => of::<Sha256>(parts),
            Self::Sha384 => of::<Sha384>(parts),
            Self::Sha512 => of::<Sha512>(parts),
        }
    }
}

/// How a signature was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scheme {
    Ecdsa(Hash),
    Pkcs1(Hash),
    Pss(Hash, usize),
}

impl Scheme {
    /// From an `AlgorithmIdentifier`; `hash` is what CMS says beside it, for the identifiers that name only the key.
    pub(super) fn read(algorithm: Element<'_>, hash: Option<Hash>) -> Result<Self, Malformed> {
        let mut parts = algorithm.expect(tag::SEQUENCE)?.parts();
        match parts.read(tag::OID)?.body {
            oid::ECDSA_SHA256 => Ok(Self::Ecdsa(Hash::Sha256)),
            oid::ECDSA_SHA384 => Ok(Self::Ecdsa(Hash::Sha384)),
            oid::ECDSA_SHA512 => Ok(Self::Ecdsa(Hash::Sha512)),
            oid::RSA_SHA256 => Ok(Self::Pkcs1(Hash::Sha256)),
            oid::RSA_SHA384 => Ok(Self::Pkcs1(Hash::Sha384)),
            oid::RSA_SHA512 => Ok(Self::Pkcs1(Hash::Sha512)),
            oid::RSA => hash.map(Self::Pkcs1).ok_or(Malformed),
            oid::RSA_PSS => {
                // RFC 4055: what is left out means SHA-1, which is not accepted.
                let mut parts = parts.read(tag::SEQUENCE)?.parts();
                let hash = Hash::read(parts.read(tag::context(0))?.inner()?)?;
                let mut mask = parts.read(tag::context(1))?.inner()?.expect(tag::SEQUENCE)?.parts();
                if mask.read(tag::OID)?.body != oid::MGF1 || Hash::read(mask.read(tag::SEQUENCE)?)? != hash {
                    return Err(Malformed);
                }
                let salt = match parts.optional(tag::context(2))? {
                    Some(salt) => usize::try_from(salt.inner()?.small()?).map_err(|_| Malformed)?,
                    None => 20,
                };
                Ok(Self::Pss(hash, salt))
            }
            _ => Err(Malformed),
        }
    }

    pub(super) fn hash(self) -> Hash {
        match self {
            Self::Ecdsa(hash) | Self::Pkcs1(hash) | Self::Pss(hash, _) => hash,
        }
    }
}

#[derive(Debug, Clone)]
enum PublicKey {
    P256(p256::ecdsa::VerifyingKey),
    P384(p384::ecdsa::VerifyingKey),
    Rsa(Box<rsa::PublicKey>),
}

impl PublicKey {
    /// From a `SubjectPublicKeyInfo`. `None`: of a kind that is not accepted.
    fn read(info: Element<'_>) -> Result<Option<Self>, Malformed> {
        let mut parts = info.expect(tag::SEQUENCE)?.parts();
        let mut algorithm = parts.read(tag::SEQUENCE)?.parts();
        let bits = parts.read(tag::BIT_STRING)?.bits()?;
        match algorithm.read(tag::OID)?.body {
            oid::EC_KEY => match algorithm.read_any()?.body {
                oid::P256 => Ok(p256::ecdsa::VerifyingKey::from_sec1_bytes(bits).ok().map(Self::P256)),
                oid::P384 => Ok(p384::ecdsa::VerifyingKey::from_sec1_bytes(bits).ok().map(Self::P384)),
                _ => Ok(None),
            },
            oid::RSA | oid::RSA_PSS => {
                let mut numbers = Element::only(bits)?.expect(tag::SEQUENCE)?.parts();
                let (modulus, exponent) =
                    (numbers.read(tag::INTEGER)?.body, numbers.read(tag::INTEGER)?.body);
                let significant = modulus.strip_prefix(&[0]).unwrap_or(modulus);
                if significant.len() > LONGEST_RSA / 8 || exponent.len() > 8 {
                    return Ok(None);
                }
                let modulus = BoxedUint::from_be_slice_vartime(significant);
                let exponent = BoxedUint::from_be_slice_vartime(exponent);
                let key = rsa::PublicKey::new_with_size_limits(modulus, exponent, 2048..=LONGEST_RSA);
                Ok(key.ok().map(Box::new).map(Self::Rsa))
            }
            _ => Ok(None),
        }
    }

    fn verifies(&self, scheme: Scheme, digest: &[u8], signature: &[u8]) -> bool {
        match (self, scheme) {
            (Self::P256(key), Scheme::Ecdsa(_)) => p256::ecdsa::Signature::from_der(signature)
                .is_ok_and(|signature| key.verify_prehash(digest, &signature).is_ok()),
            (Self::P384(key), Scheme::Ecdsa(_)) => p384::ecdsa::Signature::from_der(signature)
                .is_ok_and(|signature| key.verify_prehash(digest, &signature).is_ok()),
            (Self::Rsa(key), Scheme::Pkcs1(hash)) => {
                let padding = match hash {
                    Hash::Sha256 => Pkcs1v15Sign::new::<Sha256>(),
                    Hash::Sha384 => Pkcs1v15Sign::new::<Sha384>(),
                    Hash::Sha512 => Pkcs1v15Sign::new::<Sha512>(),
                };
                key.verify(padding, digest, signature).is_ok()
            }
            (Self::Rsa(key), Scheme::Pss(hash, salt)) => match hash {
                Hash::Sha256 => key.verify(Pss::<Sha256>::new_with_salt(salt), digest, signature).is_ok(),
                Hash::Sha384 => key.verify(Pss::<Sha384>::new_with_salt(salt), digest, signature).is_ok(),
                Hash::Sha512 => key.verify(Pss::<Sha512>::new_with_salt(salt), digest, signature).is_ok(),
            },
            (Self::P256(_) | Self::P384(_), Scheme::Pkcs1(_) | Scheme::Pss(..))
            | (Self::Rsa(_), Scheme::Ecdsa(_)) => false,
        }
    }
}

/// Bits of keyUsage (RFC 5280, section 4.2.1.3), the first bit highest.
pub(super) mod usage {
    pub(crate) const DIGITAL_SIGNATURE: u8 = 0x80;
    pub(crate) const NON_REPUDIATION: u8 = 0x40;
    pub(crate) const KEY_CERT_SIGN: u8 = 0x04;
    pub(crate) const CRL_SIGN: u8 = 0x02;
}

/// Bytes that are no certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a certificate")]
pub struct NoCertificate;

impl From<Malformed> for NoCertificate {
    fn from(_: Malformed) -> Self {
        Self
    }
}

/// Whom a certificate is for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Subject {
    /// The name.
    pub common_name: String,
    /// What tells him from others of that name; BSrE writes the NIK here, so treat it as personal data.
    pub serial_number: Option<String>,
    /// The body he acts for.
    pub organization: Option<String>,
}

/// A certificate.
#[derive(Debug, Clone)]
pub struct Certificate {
    der: Vec<u8>,
    to_be_signed: Vec<u8>,
    scheme: Option<Scheme>,
    signature: Vec<u8>,
    serial: Vec<u8>,
    issuer: Vec<u8>,
    subject: Vec<u8>,
    names: Subject,
    not_before: DateTime<Utc>,
    not_after: DateTime<Utc>,
    key: Option<PublicKey>,
    key_info: Vec<u8>,
    key_id: Option<Vec<u8>>,
    usage: Option<u8>,
    authority: Option<Authority>,
    only_time_stamping: bool,
    unknown_critical: bool,
}

#[derive(Debug, Clone, Copy)]
struct Authority {
    path_length: Option<u32>,
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl Eq for Certificate {}

impl Certificate {
    /// A certificate from DER.
    ///
    /// # Errors
    /// When the bytes are none.
    pub fn from_der(der: &[u8]) -> Result<Self, NoCertificate> {
        let mut outer = Element::only(der)?.expect(tag::SEQUENCE)?.parts();
        let to_be_signed = outer.read(tag::SEQUENCE)?;
        let algorithm = outer.read(tag::SEQUENCE)?;
        let signature = outer.read(tag::BIT_STRING)?.bits()?;
        let mut parts = to_be_signed.parts();
        parts.optional(tag::context(0))?;
        let serial = parts.read(tag::INTEGER)?;
        // The inner copy is signed, the outer one is not.
        if parts.read(tag::SEQUENCE)?.raw != algorithm.raw || outer.next().is_some() {
            return Err(NoCertificate);
        }
        let issuer = parts.read(tag::SEQUENCE)?;
        let mut validity = parts.read(tag::SEQUENCE)?.parts();
        let subject = parts.read(tag::SEQUENCE)?;
        let key_info = parts.read(tag::SEQUENCE)?;
        let mut certificate = Self {
            der: der.to_vec(),
            to_be_signed: to_be_signed.raw.to_vec(),
            scheme: Scheme::read(algorithm, None).ok(),
            signature: signature.to_vec(),
            serial: serial.raw.to_vec(),
            issuer: issuer.raw.to_vec(),
            subject: subject.raw.to_vec(),
            names: names(subject)?,
            not_before: validity.read_any()?.time()?,
            not_after: validity.read_any()?.time()?,
            key: PublicKey::read(key_info)?,
            key_info: key_info.raw.to_vec(),
            key_id: None,
            usage: None,
            authority: None,
            only_time_stamping: false,
            unknown_critical: false,
        };
        for part in parts {
            let part = part?;
            if part.tag == tag::context(3) {
                certificate.extensions(part.inner()?)?;
            }
        }
        Ok(certificate)
    }

    fn extensions(&mut self, list: Element<'_>) -> Result<(), Malformed> {
        let mut seen = Vec::new();
        for extension in list.expect(tag::SEQUENCE)?.parts() {
            let mut parts = extension?.expect(tag::SEQUENCE)?.parts();
            let id = parts.read(tag::OID)?.body;
            let critical = parts.optional(tag::BOOLEAN)?.is_some_and(|it| it.body != [0]);
            let octets = parts.read(tag::OCTET_STRING)?;
            // What is not known may be in any form.
            let value = octets.inner();
            if seen.contains(&id) {
                return Err(Malformed);
            }
            seen.push(id);
            match id {
                oid::KEY_USAGE => {
                    // Unused bits are zero in DER.
                    let [0..=7, bits @ ..] = value?.expect(tag::BIT_STRING)?.body else {
                        return Err(Malformed);
                    };
                    self.usage = Some(bits.first().copied().unwrap_or_default());
                }
                oid::BASIC_CONSTRAINTS => {
                    let mut parts = value?.expect(tag::SEQUENCE)?.parts();
                    let is_authority = parts.optional(tag::BOOLEAN)?.is_some_and(|it| it.body != [0]);
                    let path_length = parts.optional(tag::INTEGER)?.map(Element::small).transpose()?;
                    self.authority = is_authority.then_some(Authority { path_length });
                }
                oid::EXTENDED_KEY_USAGE => {
                    let uses = value?.expect(tag::SEQUENCE)?.parts().collect::<Result<Vec<_>, _>>()?;
                    let alone = matches!(uses.as_slice(), [only] if only.body == oid::TIME_STAMPING);
                    self.only_time_stamping = alone && critical;
                }
                oid::SUBJECT_KEY_ID => self.key_id = Some(value?.expect(tag::OCTET_STRING)?.body.to_vec()),
                // Policies are not evaluated: the roots are chosen by hand.
                oid::POLICIES => {}
                _ => self.unknown_critical |= critical,
            }
        }
        Ok(())
    }

    /// Every certificate in PEM, in its order.
    ///
    /// # Errors
    /// When there is none, or one that is none.
    pub fn from_pem(text: &str) -> Result<Vec<Self>, NoCertificate> {
        let mut certificates = Vec::new();
        let mut rest = text;
        while let Some((_, begin)) = rest.split_once("-----BEGIN CERTIFICATE-----") {
            let (body, after) = begin.split_once("-----END CERTIFICATE-----").ok_or(NoCertificate)?;
            let body = body.split_ascii_whitespace().collect::<String>();
            certificates.push(Self::from_der(&STANDARD.decode(body).map_err(|_| NoCertificate)?)?);
            rest = after;
        }
        if certificates.is_empty() { Err(NoCertificate) } else { Ok(certificates) }
    }

    /// PEM.
    #[must_use]
    pub fn to_pem(&self) -> String {
        let body = STANDARD.encode(&self.der);
        let lines = body.as_bytes().chunks(64).map(String::from_utf8_lossy).collect::<Vec<_>>().join("\n");
        format!("-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n")
    }

    /// DER.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Whom it is for.
    #[must_use]
    pub fn subject(&self) -> &Subject {
        &self.names
    }

    /// The first second it holds.
    #[must_use]
    pub fn not_before(&self) -> DateTime<Utc> {
        self.not_before
    }

    /// The last second it holds.
    #[must_use]
    pub fn not_after(&self) -> DateTime<Utc> {
        self.not_after
    }

    /// The issuer's name and the serial number, as `IssuerAndSerialNumber` has them.
    pub(super) fn issuer_and_serial(&self) -> (&[u8], &[u8]) {
        (&self.issuer, &self.serial)
    }

    /// Whether it names itself as its issuer, as roots do.
    pub(super) fn is_self_issued(&self) -> bool {
        self.issuer == self.subject
    }

    pub(super) fn raw_subject(&self) -> &[u8] {
        &self.subject
    }

    pub(super) fn key_info(&self) -> &[u8] {
        &self.key_info
    }

    pub(super) fn key_id(&self) -> Option<&[u8]> {
        self.key_id.as_deref()
    }

    /// Whether the key may sign documents: keyUsage has nonRepudiation.
    pub(super) fn may_sign(&self) -> bool {
        !self.unknown_critical && self.usage.is_some_and(|usage| usage & usage::NON_REPUDIATION != 0)
    }

    /// Whether the key may sign time stamps, and nothing else (RFC 3161, section 2.3).
    pub(super) fn may_stamp(&self) -> bool {
        let signs = self.usage.is_none_or(|it| it & (usage::DIGITAL_SIGNATURE | usage::NON_REPUDIATION) != 0);
        !self.unknown_critical && self.only_time_stamping && signs
    }

    /// Whether this key made the signature over data with this digest.
    pub(super) fn verifies(&self, scheme: Scheme, digest: &[u8], signature: &[u8]) -> bool {
        self.key.as_ref().is_some_and(|key| key.verifies(scheme, digest, signature))
    }

    fn holds(&self, at: DateTime<Utc>) -> bool {
        self.not_before <= at && at <= self.not_after
    }

    /// Whether `issuer` issued this one: it is named, may issue, and its key made the signature.
    fn issued_by(&self, issuer: &Self) -> bool {
        self.issuer == issuer.subject
            && self.scheme.is_some_and(|scheme| {
                issuer.verifies(scheme, &scheme.hash().digest(&[&self.to_be_signed]), &self.signature)
            })
    }

    /// Whether this one may issue a certificate with `below` authorities beneath it before the signer.
    fn may_issue(&self, below: usize) -> bool {
        let length = self.authority.map(|authority| authority.path_length);
        let deep_enough = match length {
            Some(Some(most)) => u32::try_from(below).is_ok_and(|below| below <= most),
            Some(None) => true,
            None => false,
        };
        deep_enough
            && !self.unknown_critical
            && self.usage.is_none_or(|usage| usage & usage::KEY_CERT_SIGN != 0)
    }
}

/// The parts of a name that are shown.
fn names(name: Element<'_>) -> Result<Subject, Malformed> {
    let mut subject = Subject::default();
    for set in name.parts() {
        for attribute in set?.expect(tag::SET)?.parts() {
            let mut parts = attribute?.expect(tag::SEQUENCE)?.parts();
            let kind = parts.read(tag::OID)?.body;
            let value = parts.read_any()?;
            let text = match value.tag {
                // BMPString
                0x1e => {
                    let units = value.body.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
                    char::decode_utf16(units)
                        .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
                        .collect()
                }
                _ => String::from_utf8_lossy(value.body).into_owned(),
            };
            match kind {
                oid::COMMON_NAME => subject.common_name = text,
                oid::SERIAL_NUMBER => subject.serial_number = Some(text),
                oid::ORGANIZATION => subject.organization = Some(text),
                _ => {}
            }
        }
    }
    Ok(subject)
}

/// Why no path leads from a signer to a trusted root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Untrusted {
    /// Nobody who is trusted issued it.
    #[error("no path to a trusted root")]
    NoPath,
    /// A path exists, but a certificate on it did not hold at that time.
    #[error("a certificate of the path did not hold at that time")]
    NotThen,
    /// The certificate is not for this use.
    #[error("the certificate is not for this use")]
    WrongUse,
}

/// Whom we trust.
#[derive(Debug, Clone, Default)]
pub struct Roots {
    /// The roots for signers.
    pub signers: Vec<Certificate>,
    /// The roots for time stamp authorities.
    pub timestamps: Vec<Certificate>,
    /// Certificates between them that files may lack.
    pub intermediates: Vec<Certificate>,
}

/// A path from `leaf` to one of `roots`, through `others`, all of which hold `at` that time. The root that it ends at.
pub(super) fn path<'a>(
    leaf: &Certificate,
    others: &[&Certificate],
    roots: &'a [Certificate],
    at: DateTime<Utc>,
) -> Result<&'a Certificate, Untrusted> {
    let mut search = Search { others, roots, at, checks: 0, out_of_time: false };
    match search.up(leaf, &mut Vec::new(), 0) {
        Some(root) => Ok(root),
        None if search.out_of_time => Err(Untrusted::NotThen),
        None => Err(Untrusted::NoPath),
    }
}

struct Search<'a, 'b> {
    others: &'b [&'b Certificate],
    roots: &'a [Certificate],
    at: DateTime<Utc>,
    checks: usize,
    out_of_time: bool,
}

impl<'a> Search<'a, '_> {
    /// `below`: how many authorities stand beneath the one that is looked for.
    fn up(
        &mut self,
        from: &Certificate,
        through: &mut Vec<Vec<u8>>,
        below: usize,
    ) -> Option<&'a Certificate> {
        for root in self.roots {
            // A root that signs itself, or a certificate that is trusted as it is.
            if root == from || (root.may_issue(below) && self.check(from, root)) {
                if from.holds(self.at) && root.holds(self.at) {
                    return Some(root);
                }
                self.out_of_time = true;
            }
        }
        if below + 2 >= LONGEST_PATH {
            return None;
        }
        for other in self.others {
            let used = through.contains(&other.subject);
            if used || *other == from || !other.may_issue(below) || !self.check(from, other) {
                continue;
            }
            through.push(other.subject.clone());
            let found = self.up(other, through, below + 1);
            through.pop();
            match found {
                Some(root) if from.holds(self.at) => return Some(root),
                Some(_) => self.out_of_time = true,
                None => {}
            }
        }
        None
    }

    fn check(&mut self, certificate: &Certificate, issuer: &Certificate) -> bool {
        if certificate.issuer != issuer.subject || self.checks >= MOST_CHECKS {
            return false;
        }
        self.checks += 1;
        certificate.issued_by(issuer)
    }
}
