//! Signing by incremental update: the letter's bytes stay as they are, and a revision with nothing but a signature is
//! appended (PAdES, ETSI EN 319 142-1, baseline B-B, or B-T with a time stamp).
//!
//! [`prepare`] and [`complete`] are apart, so that the signature may come from anywhere; [`Seal`] is a signer in this
//! process, for the seal of an institution and for the simulator of BSrE.

use std::collections::BTreeMap;
use std::ops::Range;

use chrono::{DateTime, FixedOffset, Utc};
use p256::ecdsa::{Signature, SigningKey, signature::Signer as _};
use p256::pkcs8::DecodePrivateKey as _;
use rand::Rng as _;
use sha2::{Digest as _, Sha256};

use super::ca;
use super::certificate::Certificate;
use super::cms;
use super::pdf::{Dict, Id, Pdf, Unreadable, Value, write_dict, write_text};

/// Room for the signature, in bytes, for chains as long as those of BSrE with a time stamp.
pub const RESERVE: usize = 12 * 1024;
/// What a time stamp token takes at most: its signer's chain with RSA keys.
const TOKEN: usize = 7 * 1024;
/// The most room that is reserved.
const LARGEST_RESERVE: usize = 64 * 1024;
/// Pages and nodes of the page tree that are looked at.
const MOST_NODES: usize = 10_000;

/// What a signature says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureFields {
    /// The name of the form field, new in this file (`TTD1`).
    pub field: String,
    /// The page that carries the field, from 1; nothing is drawn there.
    pub page: usize,
    /// When it is signed.
    pub time: DateTime<FixedOffset>,
    /// Who signs.
    pub name: String,
    /// Why.
    pub reason: Option<String>,
    /// Where.
    pub location: Option<String>,
    /// Room for the signature, in bytes: [`RESERVE`] unless it is known better.
    pub reserve: usize,
}

/// Why a file cannot be signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// It cannot be read.
    #[error("the file cannot be read: {0}")]
    Unreadable(#[from] Unreadable),
    /// It has a cross-reference stream. A table after a stream makes readers disagree about what was signed.
    #[error("the file has a cross-reference stream")]
    XrefStream,
    /// It has no such page.
    #[error("the file has no page {0}")]
    NoPage(usize),
    /// It has a field of this name.
    #[error("the file has a field of this name already")]
    FieldExists,
    /// Its structure is none that can be extended.
    #[error("the file's structure cannot be extended")]
    Structure,
    /// More room was asked for than any signature takes.
    #[error("more than {LARGEST_RESERVE} bytes reserved")]
    Reserve,
    /// The signature needs more room than was reserved.
    #[error("the signature has {size} bytes, {reserved} are reserved")]
    TooLarge {
        /// What it needs.
        size: usize,
        /// What there is.
        reserved: usize,
    },
}

/// A file with room for a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    pdf: Vec<u8>,
    /// The hexadecimal digits of the signature, without brackets.
    digits: Range<usize>,
    digest: [u8; 32],
}

impl Prepared {
    /// SHA-256 of the file without the room for the signature: what is signed.
    #[must_use]
    pub fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// The room for the signature, in bytes.
    #[must_use]
    pub fn reserved(&self) -> usize {
        self.digits.len() / 2
    }
}

/// Appends a signature field with room for a signature.
///
/// # Errors
/// [`SignError`].
pub fn prepare(pdf: &[u8], fields: &SignatureFields) -> Result<Prepared, SignError> {
    if fields.reserve > LARGEST_RESERVE {
        return Err(SignError::Reserve);
    }
    let file = Pdf::read(pdf)?;
    if !file.classic {
        return Err(SignError::XrefStream);
    }
    let root = file.trailer.get(&b"Root"[..]).and_then(Value::reference).ok_or(SignError::Structure)?;
    let size = file.trailer.get(&b"Size"[..]).and_then(Value::int).ok_or(SignError::Structure)?;
    let newest = file.entries.keys().next_back().copied().unwrap_or_default();
    let first_free = u32::try_from(size).map_err(|_| SignError::Structure)?.max(newest.saturating_add(1));
    let (signature, widget) = (Id(first_free, 0), Id(first_free.saturating_add(1), 0));
    let dict_of = |id: Id| file.object(id)?.value.into_dict().ok_or(SignError::Structure);
    // A list or dictionary that is not there is empty.
    let list_of = |dict: &Dict, key: &str| match file.get(dict, key)? {
        list if list.is_null() => Ok(Vec::new()),
        list => list.into_array().ok_or(SignError::Structure),
    };
    let mut objects = BTreeMap::new();

    let mut catalog = dict_of(root)?;
    let page = page(&file, &catalog, fields.page)?;
    let form_at = catalog.get(&b"AcroForm"[..]).and_then(Value::reference);
    let mut form = match file.get(&catalog, "AcroForm")? {
        form if form.is_null() => Dict::new(),
        form => form.into_dict().ok_or(SignError::Structure)?,
    };
    let mut list = list_of(&form, "Fields")?;
    let name = text(&fields.field);
    for field in &list {
        if let Value::Dict(field) = file.resolve(field)?
            && file.get(&field, "T")? == name
        {
            return Err(SignError::FieldExists);
        }
    }
    list.push(Value::Ref(widget));
    form.insert(b"Fields".to_vec(), Value::Array(list));
    // Signatures exist; append only (ISO 32000-1, table 219).
    form.insert(b"SigFlags".to_vec(), Value::Int(3));
    match form_at {
        Some(id) => {
            objects.insert(id, Value::Dict(form));
        }
        None => {
            catalog.insert(b"AcroForm".to_vec(), Value::Dict(form));
            objects.insert(root, Value::Dict(catalog));
        }
    }

    let mut page_dict = dict_of(page)?;
    let mut annotations = list_of(&page_dict, "Annots")?;
    annotations.push(Value::Ref(widget));
    match page_dict.get(&b"Annots"[..]).and_then(Value::reference) {
        Some(id) => {
            objects.insert(id, Value::Array(annotations));
        }
        None => {
            page_dict.insert(b"Annots".to_vec(), Value::Array(annotations));
            objects.insert(page, Value::Dict(page_dict));
        }
    }

    let member = |key: &str, value: Value| (key.as_bytes().to_vec(), value);
    let named = |name: &str| Value::Name(name.as_bytes().to_vec());
    objects.insert(
        widget,
        Value::Dict(Dict::from([
            member("Type", named("Annot")),
            member("Subtype", named("Widget")),
            member("FT", named("Sig")),
            member("T", name),
            // Print and locked. Nothing is drawn, so that PDF/A asks for no appearance.
            member("F", Value::Int(132)),
            member("Rect", Value::Array(vec![Value::Int(0), Value::Int(0), Value::Int(0), Value::Int(0)])),
            member("P", Value::Ref(page)),
            member("V", Value::Ref(signature)),
        ])),
    );
    Ok(append(&file, fields, signature, &objects))
}

/// A text as UTF-16 with byte order mark, which every reader understands.
fn text(text: &str) -> Value {
    let units = std::iter::once(0xfeff).chain(text.encode_utf16());
    Value::Text(units.flat_map(u16::to_be_bytes).collect(), 0..0)
}

/// The object of a page, from 1.
fn page(file: &Pdf<'_>, catalog: &Dict, wanted: usize) -> Result<Id, SignError> {
    let mut stack = vec![catalog.get(&b"Pages"[..]).and_then(Value::reference).ok_or(SignError::Structure)?];
    let mut left = wanted;
    if wanted == 0 {
        return Err(SignError::NoPage(wanted));
    }
    for _ in 0..MOST_NODES {
        let Some(id) = stack.pop() else { return Err(SignError::NoPage(wanted)) };
        let Value::Dict(node) = file.object(id)?.value else { return Err(SignError::Structure) };
        if let Value::Array(kids) = file.get(&node, "Kids")? {
            for kid in kids.iter().rev() {
                stack.push(kid.reference().ok_or(SignError::Structure)?);
            }
        } else {
            left -= 1;
            if left == 0 {
                return Ok(id);
            }
        }
    }
    Err(SignError::Structure)
}

/// Writes the new revision.
fn append(
    file: &Pdf<'_>,
    fields: &SignatureFields,
    signature: Id,
    objects: &BTreeMap<Id, Value>,
) -> Prepared {
    let mut out = file.bytes.to_vec();
    if out.last() != Some(&b'\n') {
        out.push(b'\n');
    }
    let mut offsets = BTreeMap::new();
    for (id, value) in objects {
        offsets.insert(*id, out.len());
        out.extend_from_slice(format!("{} {} obj\n", id.0, id.1).as_bytes());
        value.write(&mut out);
        out.extend_from_slice(b"\nendobj\n");
    }

    offsets.insert(signature, out.len());
    out.extend_from_slice(format!("{} {} obj\n<</Type /Sig\n", signature.0, signature.1).as_bytes());
    out.extend_from_slice(b"/Filter /Adobe.PPKLite\n/SubFilter /ETSI.CAdES.detached\n/M ");
    // The offset as +07'00' (ISO 32000-1, section 7.9.4).
    let offset = fields.time.format("%:z").to_string().replace(':', "'");
    write_text(format!("D:{}{offset}'", fields.time.format("%Y%m%d%H%M%S")).as_bytes(), &mut out);
    let said = [
        ("Name", Some(&fields.name)),
        ("Reason", fields.reason.as_ref()),
        ("Location", fields.location.as_ref()),
    ];
    for (key, value) in said {
        if let Some(value) = value {
            out.extend_from_slice(format!("\n/{key} ").as_bytes());
            text(value).write(&mut out);
        }
    }
    out.extend_from_slice(b"\n/ByteRange [0 ");
    let range = out.len();
    // Wide enough for any file that is read; filled in below.
    out.extend_from_slice(&[b' '; 32]);
    out.extend_from_slice(b"]\n/Contents <");
    let digits = out.len()..out.len() + fields.reserve * 2;
    out.resize(digits.end, b'0');
    out.extend_from_slice(b">\n>>\nendobj\n");

    let start = out.len();
    out.extend_from_slice(b"xref\n");
    let mut run: Vec<(Id, usize)> = Vec::new();
    let write_run = |run: &mut Vec<(Id, usize)>, out: &mut Vec<u8>| {
        if let Some((Id(first, _), _)) = run.first() {
            out.extend_from_slice(format!("{first} {}\n", run.len()).as_bytes());
            for (Id(_, generation), offset) in run.drain(..) {
                out.extend_from_slice(format!("{offset:010} {generation:05} n \n").as_bytes());
            }
        }
    };
    for (id, offset) in offsets {
        if run.last().is_some_and(|(last, _)| last.0.saturating_add(1) != id.0) {
            write_run(&mut run, &mut out);
        }
        run.push((id, offset));
    }
    write_run(&mut run, &mut out);
    let keep = ["Root", "Info", "ID"];
    let mut trailer = keep
        .into_iter()
        .filter_map(|key| {
            file.trailer.get(key.as_bytes()).map(|value| (key.as_bytes().to_vec(), value.clone()))
        })
        .collect::<Dict>();
    trailer.insert(b"Size".to_vec(), Value::Int(i64::from(signature.0) + 2));
    trailer.insert(b"Prev".to_vec(), Value::Int(i64::try_from(file.start).unwrap_or(i64::MAX)));
    out.extend_from_slice(b"trailer\n");
    write_dict(&trailer, &mut out);
    out.extend_from_slice(format!("\nstartxref\n{start}\n%%EOF\n").as_bytes());

    let (before, after) = (digits.start - 1, digits.end + 1);
    let numbers = format!("{before} {after} {}", out.len() - after);
    out[range..range + numbers.len()].copy_from_slice(numbers.as_bytes());
    let digest = Sha256::new().chain_update(&out[..before]).chain_update(&out[after..]).finalize().into();
    Prepared { pdf: out, digits, digest }
}

/// Puts a signature (CMS, DER) into its room. The signed file.
///
/// # Errors
/// [`SignError::TooLarge`].
pub fn complete(prepared: Prepared, cms: &[u8]) -> Result<Vec<u8>, SignError> {
    let reserved = prepared.reserved();
    if cms.len() > reserved {
        return Err(SignError::TooLarge { size: cms.len(), reserved });
    }
    let Prepared { mut pdf, digits, .. } = prepared;
    let hexadecimal = cms
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| b"0123456789abcdef"[usize::from(digit)]);
    for (place, digit) in pdf[digits].iter_mut().zip(hexadecimal) {
        *place = digit;
    }
    Ok(pdf)
}

/// Somebody who stamps times: takes a DER `TimeStampReq`, gives the DER `TimeStampResp`. It may block, so call what uses it
/// where blocking is permitted.
pub trait Timestamper {
    /// Sends the request and waits for the response.
    ///
    /// # Errors
    /// When there is no response; the text is for those who run the service.
    fn stamp(&self, request: &[u8]) -> Result<Vec<u8>, String>;
}

/// Why a seal cannot be used, or did not sign.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The key is no PKCS#8 key on P-256 in PEM.
    #[error("the key is not a PKCS#8 key on P-256")]
    Key,
    /// The chain is not one of certificates in PEM.
    #[error("the chain is not one of certificates")]
    Chain,
    /// The first certificate of the chain is for another key.
    #[error("the certificate is for another key")]
    Mismatch,
    /// keyUsage of the certificate lacks nonRepudiation.
    #[error("the certificate is not for signing documents")]
    WrongUse,
    /// The certificate does not hold at the time of signing.
    #[error("the certificate does not hold at the time of signing")]
    NotThen,
    /// The file cannot be signed.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// The time stamp authority did not answer.
    #[error("no time stamp: {0}")]
    NoTimestamp(String),
    /// It answered something else than what was asked.
    #[error("the time stamp is refused or not the one asked for")]
    WrongTimestamp,
}

/// A key on P-256 with its certificate, and those of the authorities above it.
pub struct Seal {
    key: SigningKey,
    chain: Vec<Certificate>,
}

impl Seal {
    pub(super) fn new(key: SigningKey, chain: Vec<Certificate>) -> Result<Self, SealError> {
        let certificate = chain.first().ok_or(SealError::Chain)?;
        if ca::key_info(&key).map_err(|_| SealError::Key)? != certificate.key_info() {
            return Err(SealError::Mismatch);
        }
        if !certificate.may_sign() {
            return Err(SealError::WrongUse);
        }
        Ok(Self { key, chain })
    }

    /// A seal from its key (PKCS#8) and its chain, the signer's certificate first, both PEM.
    ///
    /// # Errors
    /// [`SealError`].
    pub fn from_pem(key: &str, chain: &str) -> Result<Self, SealError> {
        let key = SigningKey::from_pkcs8_pem(key).map_err(|_| SealError::Key)?;
        Self::new(key, Certificate::from_pem(chain).map_err(|_| SealError::Chain)?)
    }

    /// Key and chain as [`Seal::from_pem`] takes them. The key is secret.
    ///
    /// # Errors
    /// When the key cannot be written.
    pub fn to_pem(&self) -> Result<(String, String), SealError> {
        let key = ca::key_to_pem(&self.key).map_err(|_| SealError::Key)?;
        Ok((key, self.chain.iter().map(Certificate::to_pem).collect()))
    }

    /// The signer's certificate.
    #[must_use]
    pub fn certificate(&self) -> &Certificate {
        &self.chain[0]
    }

    /// Signs a file: B-B, or B-T with a time stamp. Equal input gives an equal file, time stamps aside.
    ///
    /// # Errors
    /// [`SealError`]; nobody was asked for a time stamp when the room does not suffice.
    pub fn sign(
        &self,
        pdf: &[u8],
        fields: &SignatureFields,
        timestamper: Option<&dyn Timestamper>,
    ) -> Result<Vec<u8>, SealError> {
        let begun = self.begin(pdf, fields)?;
        let Some(timestamper) = timestamper else { return begun.finish() };
        let response = timestamper.stamp(&begun.request()?).map_err(SealError::NoTimestamp)?;
        begun.finish_with(&response)
    }

    /// Makes the signature value, for those who ask for the time stamp themselves. Equal input gives an equal signature.
    ///
    /// # Errors
    /// [`SealError`].
    pub fn begin(&self, pdf: &[u8], fields: &SignatureFields) -> Result<Begun<'_>, SealError> {
        let time = fields.time.with_timezone(&Utc);
        let certificate = self.certificate();
        if time < certificate.not_before() || time > certificate.not_after() {
            return Err(SealError::NotThen);
        }
        let prepared = prepare(pdf, fields)?;
        let attributes = cms::attributes(prepared.digest(), certificate);
        let signature: Signature = self.key.sign(&attributes);
        // The root is with whoever trusts it.
        let has_root = self.chain.len() > 1 && self.chain.last().is_some_and(Certificate::is_self_issued);
        let sent = &self.chain[..self.chain.len() - usize::from(has_root)];
        let mut nonce = [0_u8; 8];
        rand::rng().fill_bytes(&mut nonce);
        let signature = signature.to_der().as_bytes().to_vec();
        Ok(Begun { prepared, attributes, signature, sent, nonce })
    }
}

/// A signature that is made, and not in its file yet: a time stamp over it may be asked for first.
pub struct Begun<'s> {
    prepared: Prepared,
    attributes: Vec<u8>,
    /// The value of the signature, DER.
    signature: Vec<u8>,
    /// The certificates that go into the file.
    sent: &'s [Certificate],
    /// Ties an answer to this question.
    nonce: [u8; 8],
}

impl Begun<'_> {
    fn cms(&self, token: Option<&[u8]>) -> Vec<u8> {
        cms::assemble(&self.attributes, &self.signature, self.sent, token)
    }

    /// The DER `TimeStampReq` over the signature value (RFC 3161, section 2.4.1), with a nonce of its own.
    ///
    /// # Errors
    /// [`SignError::TooLarge`] when a time stamp would not fit beside the signature.
    pub fn request(&self) -> Result<Vec<u8>, SealError> {
        let (size, reserved) = (self.cms(None).len() + TOKEN, self.prepared.reserved());
        if size > reserved {
            return Err(SignError::TooLarge { size, reserved }.into());
        }
        Ok(cms::request(&self.signature, &self.nonce))
    }

    /// The signed file without a time stamp: B-B.
    ///
    /// # Errors
    /// [`SignError::TooLarge`].
    pub fn finish(self) -> Result<Vec<u8>, SealError> {
        let plain = self.cms(None);
        Ok(complete(self.prepared, &plain)?)
    }

    /// The signed file with the time stamp of this DER `TimeStampResp`: B-T. It must be granted, over this signature value,
    /// with the nonce of [`Begun::request`], and signed by a certificate for time stamps. Whom that certificate is trusted by
    /// is for [`super::verify`] to say.
    ///
    /// # Errors
    /// [`SealError::WrongTimestamp`], [`SignError::TooLarge`].
    pub fn finish_with(self, response: &[u8]) -> Result<Vec<u8>, SealError> {
        let token =
            cms::granted(response, &self.signature, &self.nonce).map_err(|_| SealError::WrongTimestamp)?;
        let stamped = self.cms(Some(token));
        Ok(complete(self.prepared, &stamped)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two pages, a table, an identifier; the second page has a list of annotations elsewhere.
    fn pdf() -> Vec<u8> {
        let objects = [
            "<</Type/Catalog/Pages 2 0 R>>",
            "<</Type/Pages/Kids[3 0 R 4 0 R]/Count 2>>",
            "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595.28 841.89]>>",
            "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595.28 841.89]/Annots 5 0 R>>",
            "[]",
            "<</Title(Surat \\(contoh\\))>>",
        ];
        let mut out = b"%PDF-1.7\n".to_vec();
        let mut table = "0000000000 65535 f \n".to_owned();
        for (index, object) in objects.iter().enumerate() {
            table.push_str(&format!("{:010} 00000 n \n", out.len()));
            out.extend_from_slice(format!("{} 0 obj\n{object}\nendobj\n", index + 1).as_bytes());
        }
        let start = out.len();
        let trailer = "<</Size 7/Root 1 0 R/Info 6 0 R/ID[(a)(b)]>>";
        out.extend_from_slice(
            format!("xref\n0 7\n{table}trailer\n{trailer}\nstartxref\n{start}\n%%EOF").as_bytes(),
        );
        out
    }

    fn fields(page: usize) -> SignatureFields {
        SignatureFields {
            field: "TTD1".into(),
            page,
            time: DateTime::parse_from_rfc3339("2026-11-26T15:15:00+07:00").unwrap(),
            name: "Siti) /X (Aminah".into(),
            reason: None,
            location: None,
            reserve: 100,
        }
    }

    #[test]
    fn a_revision_is_appended_with_a_table_and_the_identifier() {
        let pdf = pdf();
        for page in [1, 2] {
            let prepared = prepare(&pdf, &fields(page)).unwrap();
            assert_eq!(prepared.reserved(), 100);
            let signed = complete(prepared.clone(), &[0xab; 100]).unwrap();
            assert!(signed.starts_with(&pdf));
            let (before, after) = (Pdf::read(&pdf).unwrap(), Pdf::read(&signed).unwrap());
            assert!(after.classic);
            for key in ["Root", "Info", "ID"] {
                assert_eq!(after.trailer[key.as_bytes()], before.trailer[key.as_bytes()], "{key}");
            }
            assert_eq!(after.trailer[&b"Size"[..]], Value::Int(9));
            let Value::Dict(signature) = after.object(Id(7, 0)).unwrap().value else {
                panic!("no dictionary")
            };
            assert!(!signature.contains_key(&b"X"[..]), "a name broke out of its string");
            assert_eq!(signature[&b"M"[..]], Value::Text(b"D:20261126151500+07'00'".to_vec(), 0..0));
            let Value::Text(contents, room) = &signature[&b"Contents"[..]] else { panic!("no text") };
            assert_eq!(contents, &[0xab; 100]);
            let digest = Sha256::new()
                .chain_update(&signed[..room.start])
                .chain_update(&signed[room.end..])
                .finalize();
            assert_eq!(prepared.digest(), &<[u8; 32]>::from(digest));
            // The page, or its list where it has one elsewhere, names the field.
            let annotations = if page == 1 { Id(3, 0) } else { Id(5, 0) };
            let mut written = Vec::new();
            after.object(annotations).unwrap().value.write(&mut written);
            assert!(String::from_utf8(written).unwrap().contains("[8 0 R]"), "page {page}");
        }
        assert_eq!(prepare(&pdf, &fields(3)), Err(SignError::NoPage(3)));
    }
}
