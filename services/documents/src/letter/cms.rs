//! CMS SignedData as PAdES has it (ETSI EN 319 142-1): one signer, detached, signed attributes with the digest and the
//! certificate; and the RFC 3161 token in it. Reading, checking, writing.

use chrono::{DateTime, Utc};

use super::asn1::{self, Element, Malformed, tag};
use super::certificate::{Certificate, Hash, Scheme, oid};

const DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1];
const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];
const CONTENT_TYPE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 3];
const MESSAGE_DIGEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 4];
const SIGNING_CERTIFICATE_V2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 2, 47];
const TIME_STAMP_TOKEN: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 2, 14];
const TST_INFO: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 1, 4];

/// The policy of time stamps that are made here, for tests and the simulator of BSrE: 1.2.3.4.1, which is nobody's.
const TEST_POLICY: &[u8] = &[0x2a, 3, 4, 1];

/// Certificates that are read from one signature.
const MOST_CERTIFICATES: usize = 16;

/// A SignedData with one signer.
pub(super) struct Signed<'a> {
    /// What kind of content is signed.
    kind: &'a [u8],
    /// The content, when it is inside.
    content: Option<&'a [u8]>,
    pub(super) certificates: Vec<Certificate>,
    /// `IssuerAndSerialNumber` or `[0]` the key identifier.
    signer: Element<'a>,
    hash: Hash,
    /// The signed attributes, with the tag `[0]`.
    attributes: Element<'a>,
    scheme: Scheme,
    signature: &'a [u8],
    unsigned: Option<Element<'a>>,
}

impl<'a> Signed<'a> {
    /// Reads a `ContentInfo` that may be followed by zeros, as in the room a PDF reserves.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let (info, rest) = Element::split(bytes)?;
        if rest.iter().any(|byte| *byte != 0) {
            return Err(Malformed);
        }
        let mut info = info.expect(tag::SEQUENCE)?.parts();
        if info.read(tag::OID)?.body != SIGNED_DATA {
            return Err(Malformed);
        }
        let mut data = info.read(tag::context(0))?.inner()?.expect(tag::SEQUENCE)?.parts();
        data.read(tag::INTEGER)?;
        data.read(tag::SET)?;
        let mut content = data.read(tag::SEQUENCE)?.parts();
        let kind = content.read(tag::OID)?.body;
        let content = match content.optional(tag::context(0))? {
            Some(content) => Some(content.inner()?.expect(tag::OCTET_STRING)?.body),
            None => None,
        };
        let mut certificates = Vec::new();
        if let Some(list) = data.optional(tag::context(0))? {
            for certificate in list.parts().take(MOST_CERTIFICATES) {
                // Other kinds of certificates are permitted here, and of no use.
                certificates.extend(Certificate::from_der(certificate?.raw).ok());
            }
        }
        data.optional(tag::context(1))?;
        let mut signer = data.read(tag::SET)?.inner()?.expect(tag::SEQUENCE)?.parts();
        signer.read(tag::INTEGER)?;
        let sid = signer.read_any()?;
        let hash = Hash::read(signer.read(tag::SEQUENCE)?)?;
        let attributes = signer.read(tag::context(0))?;
        let scheme = Scheme::read(signer.read(tag::SEQUENCE)?, Some(hash))?;
        let signature = signer.read(tag::OCTET_STRING)?.body;
        let unsigned = signer.optional(tag::context(1))?;
        Ok(Self { kind, content, certificates, signer: sid, hash, attributes, scheme, signature, unsigned })
    }

    /// The digest algorithm that the content is to be digested with.
    pub(super) fn hash(&self) -> Hash {
        self.hash
    }

    /// The value of the signature, which a time stamp is over.
    pub(super) fn signature(&self) -> &'a [u8] {
        self.signature
    }

    /// The certificate that the signer names.
    pub(super) fn certificate(&self) -> Option<&Certificate> {
        self.certificates.iter().find(|certificate| match self.signer.tag {
            tag::SEQUENCE => {
                let (issuer, serial) = certificate.issuer_and_serial();
                self.signer.body.strip_prefix(issuer) == Some(serial)
            }
            // [0], primitive: the key identifier.
            0x80 => certificate.key_id() == Some(self.signer.body),
            _ => false,
        })
    }

    /// The only value of a signed attribute that may occur once.
    fn attribute(list: Element<'a>, wanted: &[u8]) -> Result<Option<Element<'a>>, Malformed> {
        let mut found = None;
        for attribute in list.parts() {
            let mut parts = attribute?.expect(tag::SEQUENCE)?.parts();
            if parts.read(tag::OID)?.body == wanted {
                let value = parts.read(tag::SET)?.inner()?;
                if found.replace(value).is_some() {
                    return Err(Malformed);
                }
            }
        }
        Ok(found)
    }

    /// Whether the signed attributes are about content of its kind with this digest.
    pub(super) fn is_over(&self, digest: &[u8]) -> bool {
        let is = |wanted: &[u8], tag: u8, expected: &[u8]| matches!(Self::attribute(self.attributes, wanted), Ok(Some(value)) if value.tag == tag && value.body == expected);
        is(CONTENT_TYPE, tag::OID, self.kind) && is(MESSAGE_DIGEST, tag::OCTET_STRING, digest)
    }

    /// Whether the content is plain data that stands elsewhere.
    pub(super) fn is_detached(&self) -> bool {
        self.kind == DATA && self.content.is_none()
    }

    /// Whether the signer's key signed the signed attributes.
    pub(super) fn is_signed_by(&self, certificate: &Certificate) -> bool {
        // Signed as the SET they are, not with the tag they have inside (RFC 5652, section 5.4).
        let digest = self.scheme.hash().digest(&[&[tag::SET], &self.attributes.raw[1..]]);
        // Two digests in one signature would leave open which of them is meant.
        self.scheme.hash() == self.hash && certificate.verifies(self.scheme, &digest, self.signature)
    }

    /// Whether the signed attributes name this certificate by its digest. `None`: they name none.
    pub(super) fn names(&self, certificate: &Certificate) -> Option<bool> {
        let value = match Self::attribute(self.attributes, SIGNING_CERTIFICATE_V2) {
            Ok(value) => value?,
            Err(Malformed) => return Some(false),
        };
        let named = || -> Result<bool, Malformed> {
            let first =
                value.expect(tag::SEQUENCE)?.parts().read(tag::SEQUENCE)?.parts().read(tag::SEQUENCE)?;
            let mut parts = first.parts();
            let hash = match parts.optional(tag::SEQUENCE)? {
                Some(algorithm) => Hash::read(algorithm)?,
                None => Hash::Sha256,
            };
            Ok(parts.read(tag::OCTET_STRING)?.body == hash.digest(&[certificate.der()]))
        };
        Some(named().unwrap_or(false))
    }

    /// The time stamp token beside the signature.
    pub(super) fn token(&self) -> Option<Element<'a>> {
        Self::attribute(self.unsigned?, TIME_STAMP_TOKEN).ok().flatten()
    }
}

/// What a time stamp says.
pub(super) struct Stamp<'a> {
    pub(super) signed: Signed<'a>,
    pub(super) at: DateTime<Utc>,
    imprint: (Hash, &'a [u8]),
    nonce: Option<&'a [u8]>,
}

impl<'a> Stamp<'a> {
    /// Reads a token.
    pub(super) fn read(token: &'a [u8]) -> Result<Self, Malformed> {
        let signed = Signed::read(token)?;
        let content = signed.content.filter(|_| signed.kind == TST_INFO).ok_or(Malformed)?;
        let mut info = Element::only(content)?.expect(tag::SEQUENCE)?.parts();
        info.read(tag::INTEGER)?;
        info.read(tag::OID)?;
        let mut imprint = info.read(tag::SEQUENCE)?.parts();
        let imprint = (Hash::read(imprint.read(tag::SEQUENCE)?)?, imprint.read(tag::OCTET_STRING)?.body);
        info.read(tag::INTEGER)?;
        let at = info.read(tag::GENERALIZED_TIME)?.time()?;
        info.optional(tag::SEQUENCE)?;
        info.optional(tag::BOOLEAN)?;
        let nonce = info.optional(tag::INTEGER)?.map(|nonce| nonce.raw);
        Ok(Self { signed, at, imprint, nonce })
    }

    /// Whether it is over this signature value, and signed by the certificate that it names. That certificate.
    pub(super) fn authority(&self, signature: &[u8]) -> Option<&Certificate> {
        let (hash, imprint) = self.imprint;
        let certificate = self.signed.certificate()?;
        let digest = self.signed.hash.digest(&[self.signed.content?]);
        let sound = imprint == hash.digest(&[signature])
            && self.signed.is_over(&digest)
            && self.signed.is_signed_by(certificate)
            // Older authorities name theirs by SHA-1, in an attribute that is not read.
            && self.signed.names(certificate) != Some(false);
        sound.then_some(certificate)
    }
}

/// A `TimeStampReq` for this signature value, with this nonce, asking for the certificate.
pub(super) fn request(signature: &[u8], nonce: &[u8]) -> Vec<u8> {
    let digest = Hash::Sha256.digest(&[signature]);
    let algorithm =
        asn1::sequence(&[&asn1::element(tag::OID, &[oid::SHA256]), &asn1::element(tag::NULL, &[])]);
    let imprint = asn1::sequence(&[&algorithm, &asn1::element(tag::OCTET_STRING, &[&digest])]);
    asn1::sequence(&[
        &asn1::unsigned(&[1]),
        &imprint,
        &asn1::unsigned(nonce),
        &asn1::element(tag::BOOLEAN, &[&[0xff]]),
    ])
}

/// The token in a `TimeStampResp`, if it was granted and answers the request for this signature value and nonce.
pub(super) fn granted<'a>(response: &'a [u8], signature: &[u8], nonce: &[u8]) -> Result<&'a [u8], Malformed> {
    let mut parts = Element::only(response)?.expect(tag::SEQUENCE)?.parts();
    // 0 granted, 1 granted with modifications (RFC 3161, section 2.4.2).
    if parts.read(tag::SEQUENCE)?.parts().read(tag::INTEGER)?.small()? > 1 {
        return Err(Malformed);
    }
    let token = parts.read(tag::SEQUENCE)?.raw;
    let stamp = Stamp::read(token)?;
    let answers = stamp.nonce == Some(&asn1::unsigned(nonce));
    let sound = stamp.authority(signature).is_some_and(Certificate::may_stamp);
    if answers && sound { Ok(token) } else { Err(Malformed) }
}

/// The `TSTInfo` that answers a DER `TimeStampReq`: its imprint and nonce, at this time (RFC 3161, section 2.4.2).
pub(super) fn stamp_info(request: &[u8], serial: &[u8], at: DateTime<Utc>) -> Result<Vec<u8>, Malformed> {
    let mut parts = Element::only(request)?.expect(tag::SEQUENCE)?.parts();
    parts.read(tag::INTEGER)?;
    let imprint = parts.read(tag::SEQUENCE)?.raw;
    parts.optional(tag::OID)?;
    let nonce = parts.optional(tag::INTEGER)?.map_or(&[][..], |nonce| nonce.raw);
    let time = at.format("%Y%m%d%H%M%SZ").to_string();
    Ok(asn1::sequence(&[
        &asn1::unsigned(&[1]),
        &asn1::element(tag::OID, &[TEST_POLICY]),
        imprint,
        &asn1::unsigned(serial),
        &asn1::element(tag::GENERALIZED_TIME, &[time.as_bytes()]),
        nonce,
    ]))
}

/// The `TimeStampResp` that grants a token over this `TSTInfo`. `attributes` are those of [`stamp_attributes`], signed.
pub(super) fn granting(info: &[u8], attributes: &[u8], signature: &[u8], chain: &[Certificate]) -> Vec<u8> {
    let token = signed_data((TST_INFO, Some(info)), attributes, signature, chain, None);
    asn1::sequence(&[&asn1::sequence(&[&asn1::unsigned(&[0])]), &token])
}

/// What a time stamp authority signs: the signed attributes for this `TSTInfo`.
pub(super) fn stamp_attributes(info: &[u8], certificate: &Certificate) -> Vec<u8> {
    attributes_of(TST_INFO, &Hash::Sha256.digest(&[info]), certificate)
}

/// What the signer signs: the signed attributes for content with this SHA-256 digest.
pub(super) fn attributes(digest: &[u8; 32], certificate: &Certificate) -> Vec<u8> {
    attributes_of(DATA, digest, certificate)
}

fn attributes_of(kind: &[u8], digest: &[u8], certificate: &Certificate) -> Vec<u8> {
    let attribute = |kind: &[u8], value: &[u8]| {
        asn1::sequence(&[&asn1::element(tag::OID, &[kind]), &asn1::element(tag::SET, &[value])])
    };
    // SHA-256 is the default of the attribute and must then be left out; the issuer and serial number are in the signer id.
    let named = asn1::element(tag::OCTET_STRING, &[&Hash::Sha256.digest(&[certificate.der()])]);
    let named = asn1::sequence(&[&asn1::sequence(&[&asn1::sequence(&[&named])])]);
    asn1::set(&[
        &attribute(CONTENT_TYPE, &asn1::element(tag::OID, &[kind])),
        &attribute(MESSAGE_DIGEST, &asn1::element(tag::OCTET_STRING, &[digest])),
        &attribute(SIGNING_CERTIFICATE_V2, &named),
    ])
}

/// A SignedData by ECDSA with SHA-256. `attributes` are the signed ones as a set, `chain` the certificates, the signer's first.
pub(super) fn assemble(
    attributes: &[u8],
    signature: &[u8],
    chain: &[Certificate],
    token: Option<&[u8]>,
) -> Vec<u8> {
    signed_data((DATA, None), attributes, signature, chain, token)
}

/// A SignedData over content of this kind, which is inside or stands elsewhere.
fn signed_data(
    (kind, content): (&[u8], Option<&[u8]>),
    attributes: &[u8],
    signature: &[u8],
    chain: &[Certificate],
    token: Option<&[u8]>,
) -> Vec<u8> {
    let Some(certificate) = chain.first() else { return Vec::new() };
    let sha256 = asn1::sequence(&[&asn1::element(tag::OID, &[oid::SHA256])]);
    let (issuer, serial) = certificate.issuer_and_serial();
    let one = asn1::unsigned(&[1]);
    let sid = asn1::sequence(&[issuer, serial]);
    let implicit = [&[tag::context(0)], &attributes[1..]].concat();
    let scheme = asn1::sequence(&[&asn1::element(tag::OID, &[oid::ECDSA_SHA256])]);
    let value = asn1::element(tag::OCTET_STRING, &[signature]);
    let unsigned = token.map_or_else(Vec::new, |token| {
        let values = asn1::element(tag::SET, &[token]);
        let attribute = asn1::sequence(&[&asn1::element(tag::OID, &[TIME_STAMP_TOKEN]), &values]);
        asn1::element(tag::context(1), &[&attribute])
    });
    let signer = asn1::sequence(&[&one, &sid, &sha256, &implicit, &scheme, &value, &unsigned]);
    let mut certificates = chain.iter().map(Certificate::der).collect::<Vec<_>>();
    certificates.sort_unstable();
    // Other content than plain data makes it version 3 (RFC 5652, section 5.1).
    let version = asn1::unsigned(&[if kind == DATA { 1 } else { 3 }]);
    let content = content.map_or_else(Vec::new, |content| {
        asn1::element(tag::context(0), &[&asn1::element(tag::OCTET_STRING, &[content])])
    });
    let data = asn1::sequence(&[
        &version,
        &asn1::set(&[&sha256]),
        &asn1::sequence(&[&asn1::element(tag::OID, &[kind]), &content]),
        &asn1::element(tag::context(0), &certificates),
        &asn1::set(&[&signer]),
    ]);
    asn1::sequence(&[&asn1::element(tag::OID, &[SIGNED_DATA]), &asn1::element(tag::context(0), &[&data])])
}
