//! What is true of the signatures in a PDF, and what that means for a document of ours.
//!
//! Three things are apart, because readers that mix them up were fooled: whether a signature is sound (digest, CMS,
//! certificate), what part of the file it covers, and whom its signer is trusted by. A file counts as valid only when
//! every signature is sound and trusted and the last one covers all of it.
//!
//! Not looked at: revocation. The roots are given, and so is the time.

use std::collections::BTreeSet;

use chrono::{DateTime, FixedOffset, NaiveDate, TimeZone as _, Utc};

use super::certificate::{self, Certificate, Roots, Subject, Untrusted};
use super::cms::{Signed, Stamp};
use super::pdf::{Dict, Id, Pdf, Unreadable, Value};

/// Signatures that are looked at.
const MOST_SIGNATURES: usize = 16;
/// Form fields that are looked at.
const MOST_FIELDS: usize = 2_000;

/// What a file is to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Signed under our roots, all of it, unchanged. Signatures on top of the first are such too, and changed nothing.
    Valid,
    /// Signed under our roots, but something was appended after that is no signature under our roots.
    ExtendedAfterSigning,
    /// Names a signer under our roots, but the bytes are not those that were signed.
    Altered,
    /// Signed, but by nobody under our roots.
    NotOurs,
    /// Not signed.
    Unsigned,
}

/// What is true of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// What follows from it.
    pub verdict: Verdict,
    /// Its signatures, the oldest first.
    pub signatures: Vec<Signature>,
}

/// What is true of one signature.
#[derive(Debug, Clone, PartialEq)]
pub struct Signature {
    /// The name of its field.
    pub field: String,
    /// Whom the certificate is for, as far as it can be read. Trust nothing of it unless the rest is sound.
    pub signer: Option<Subject>,
    /// When the signer says it was made.
    pub claimed_time: Option<DateTime<FixedOffset>>,
    /// The time stamp, if there is one.
    pub timestamp: Option<Timestamp>,
    /// The part of the file it covers.
    pub coverage: Coverage,
    /// Whether the bytes it covers are those that were signed.
    pub digest: bool,
    /// Whether the signer's key made the signature.
    pub cms: bool,
    /// Whether the signature names its certificate: always under PAdES; the older form need not.
    pub certificate_bound: bool,
    /// What was appended after it.
    pub appended: Appended,
    /// Where the bytes it covers end; 0 where that cannot be told.
    pub end: usize,
    /// The name of the root that the signer is trusted by, at the time of the stamp or the claimed time.
    pub trust: Result<String, Untrusted>,
}

impl Signature {
    /// Whether it is a signature over the bytes it covers, whoever made it.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.digest && self.cms && self.certificate_bound && self.coverage != Coverage::Broken
    }
}

/// A time stamp token.
#[derive(Debug, Clone, PartialEq)]
pub struct Timestamp {
    /// When, as the authority says.
    pub time: DateTime<Utc>,
    /// The name of the root that the authority is trusted by, or why none.
    pub trust: Result<String, Untrusted>,
}

/// The part of the file that a signature covers: all of it but the signature itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coverage {
    /// To the end.
    WholeFile,
    /// A whole earlier revision.
    WholeRevision,
    /// Something else: such a signature proves nothing.
    Broken,
}

/// What was appended after a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    /// Nothing.
    Nothing,
    /// Signatures that show nothing on the page.
    Signatures,
    /// Something else.
    Other,
}

/// What the signatures of a file are worth.
///
/// # Errors
/// When the file is no PDF, or damaged, or larger or deeper than any letter.
pub fn inspect(pdf: &[u8], roots: &Roots) -> Result<Report, Unreadable> {
    let file = Pdf::read(pdf)?;
    let mut found = fields(&file)?.into_iter().map(|field| read(&file, field, roots)).collect::<Vec<_>>();
    found.sort_by_key(|it| it.end);
    appended(&file, &mut found);
    let signatures = found.into_iter().map(|it| it.signature).collect::<Vec<_>>();
    Ok(Report { verdict: verdict(&signatures), signatures })
}

fn verdict(signatures: &[Signature]) -> Verdict {
    if signatures.is_empty() {
        return Verdict::Unsigned;
    }
    let mut ours = signatures.iter().filter(|it| it.trust.is_ok()).peekable();
    if ours.peek().is_none() {
        return Verdict::NotOurs;
    }
    if !ours.all(Signature::is_sound) {
        return Verdict::Altered;
    }
    let all = signatures.iter().all(|it| it.trust.is_ok() && it.appended != Appended::Other);
    let whole = signatures.last().is_some_and(|it| it.coverage == Coverage::WholeFile);
    if all && whole { Verdict::Valid } else { Verdict::ExtendedAfterSigning }
}

struct Field {
    name: String,
    signature: Dict,
}

struct Found {
    signature: Signature,
    /// Where the bytes it covers end.
    end: usize,
}

/// The signature fields that are signed.
fn fields(file: &Pdf<'_>) -> Result<Vec<Field>, Unreadable> {
    let mut found = Vec::new();
    let Value::Dict(catalog) = file.get(&file.trailer, "Root")? else { return Ok(found) };
    let Value::Dict(form) = file.get(&catalog, "AcroForm")? else { return Ok(found) };
    let Value::Array(list) = file.get(&form, "Fields")? else { return Ok(found) };
    let mut stack = list.into_iter().rev().map(|field| (field, String::new(), false)).collect::<Vec<_>>();
    let mut seen = BTreeSet::new();
    let mut left = MOST_FIELDS;
    while let Some((field, above, is_signature)) = stack.pop() {
        left = left.checked_sub(1).ok_or(Unreadable::TooComplex)?;
        // A field that is its own child would never end.
        if field.reference().is_some_and(|id| !seen.insert(id)) {
            continue;
        }
        let Value::Dict(field) = file.resolve(&field)? else { continue };
        let own =
            if let Value::Text(octets, _) = file.get(&field, "T")? { decode(&octets) } else { String::new() };
        let name = match (above.as_str(), own.as_str()) {
            ("", own) => own.to_owned(),
            (above, "") => above.to_owned(),
            (above, own) => format!("{above}.{own}"),
        };
        let is_signature = file.get(&field, "FT")?.name().map_or(is_signature, |kind| kind == b"Sig");
        if let Value::Array(kids) = file.get(&field, "Kids")? {
            stack.extend(kids.into_iter().rev().map(|kid| (kid, name.clone(), is_signature)));
        }
        if is_signature && let Value::Dict(signature) = file.get(&field, "V")? {
            if found.len() >= MOST_SIGNATURES {
                return Err(Unreadable::TooComplex);
            }
            found.push(Field { name, signature });
        }
    }
    Ok(found)
}

/// A text of a PDF: UTF-16 with byte order mark, UTF-8 with it, or else Latin.
fn decode(octets: &[u8]) -> String {
    if let Some(units) = octets.strip_prefix(&[0xfe, 0xff]) {
        let units = units.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
        char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    } else {
        let text = octets.strip_prefix(&[0xef, 0xbb, 0xbf]).map(String::from_utf8_lossy);
        text.map_or_else(|| octets.iter().copied().map(char::from).collect(), std::borrow::Cow::into_owned)
    }
}

/// The bytes a signature covers: before its room, and after it. `None`: the range does not leave out exactly the room.
fn covered(file: &Pdf<'_>, signature: &Dict) -> Option<(usize, usize, usize)> {
    let Some(Value::Array(range)) = signature.get(&b"ByteRange"[..]) else { return None };
    let range = range
        .iter()
        .map(|it| it.int().and_then(|it| usize::try_from(it).ok()))
        .collect::<Option<Vec<_>>>()?;
    let [0, before, after, length] = *range.as_slice() else { return None };
    let end = after.checked_add(length)?;
    let Some(Value::Text(_, room)) = signature.get(&b"Contents"[..]) else { return None };
    // What is left out must be this very text in hexadecimal and nothing but its digits, or else anything could hide there.
    let bare = match file.bytes.get(room.clone()) {
        Some([b'<', digits @ .., b'>']) => digits.iter().all(u8::is_ascii_hexdigit),
        _ => false,
    };
    let exact = *room == (before..after) && bare && end <= file.bytes.len();
    (exact && after < end).then_some((before, after, end))
}

fn read(file: &Pdf<'_>, field: Field, roots: &Roots) -> Found {
    let claimed_time = match field.signature.get(&b"M"[..]) {
        Some(Value::Text(octets, _)) => time(&decode(octets)),
        _ => None,
    };
    let mut signature = Signature {
        field: field.name,
        signer: None,
        claimed_time,
        timestamp: None,
        coverage: Coverage::Broken,
        digest: false,
        cms: false,
        certificate_bound: false,
        appended: Appended::Nothing,
        end: 0,
        trust: Err(Untrusted::NoPath),
    };
    let covered = covered(file, &field.signature);
    let end = covered.map_or(0, |(_, _, end)| end);
    signature.end = end;
    if let Some((_, _, end)) = covered {
        signature.coverage = if end == file.bytes.len() {
            Coverage::WholeFile
        } else if ends_a_revision(file, end, &signature.field) {
            Coverage::WholeRevision
        } else {
            Coverage::Broken
        };
    }
    let Some(Value::Text(octets, _)) = field.signature.get(&b"Contents"[..]) else {
        return Found { signature, end };
    };
    let Ok(signed) = Signed::read(octets) else { return Found { signature, end } };
    if let Some((before, after, end)) = covered {
        let digest = signed.hash().digest(&[&file.bytes[..before], &file.bytes[after..end]]);
        signature.digest = signed.is_detached() && signed.is_over(&digest);
    }
    let Some(certificate) = signed.certificate() else { return Found { signature, end } };
    signature.signer = Some(certificate.subject().clone());
    signature.cms = signed.is_signed_by(certificate);
    let older = field.signature.get(&b"SubFilter"[..]).and_then(Value::name) == Some(b"adbe.pkcs7.detached");
    signature.certificate_bound = signed.names(certificate).unwrap_or(older);
    signature.timestamp = stamp(&signed, roots);
    let at = match &signature.timestamp {
        Some(Timestamp { time, trust: Ok(_) }) => Some(*time),
        Some(Timestamp { trust: Err(_), .. }) | None => claimed_time.map(|time| time.to_utc()),
    };
    signature.trust = match at {
        _ if !certificate.may_sign() => Err(Untrusted::WrongUse),
        Some(at) => trusted(certificate, &signed.certificates, &roots.signers, &roots.intermediates, at),
        None => Err(Untrusted::NotThen),
    };
    Found { signature, end }
}

fn trusted(
    certificate: &Certificate,
    sent: &[Certificate],
    roots: &[Certificate],
    intermediates: &[Certificate],
    at: DateTime<Utc>,
) -> Result<String, Untrusted> {
    let others = sent.iter().chain(intermediates).collect::<Vec<_>>();
    certificate::path(certificate, &others, roots, at).map(|root| root.subject().common_name.clone())
}

/// The time stamp of a signature. A token that is not about this signature is none: whoever can write the file can put
/// any token there.
fn stamp(signed: &Signed<'_>, roots: &Roots) -> Option<Timestamp> {
    let token = signed.token()?;
    let stamp = Stamp::read(token.raw).ok()?;
    let authority = stamp.authority(signed.signature())?;
    let trust = if authority.may_stamp() {
        trusted(authority, &stamp.signed.certificates, &roots.timestamps, &roots.intermediates, stamp.at)
    } else {
        Err(Untrusted::WrongUse)
    };
    Some(Timestamp { time: stamp.at, trust })
}

/// Whether the file up to `end` is a file in itself, in which this field is signed.
fn ends_a_revision(file: &Pdf<'_>, end: usize, name: &str) -> bool {
    let Some(bytes) = file.bytes.get(..end) else { return false };
    let complete = bytes.trim_ascii_end().ends_with(b"%%EOF");
    let signed = || fields(&Pdf::read(bytes).ok()?).ok()?.into_iter().find(|field| field.name == name);
    complete && signed().is_some()
}

/// `D:20261126150000+07'00'`.
fn time(text: &str) -> Option<DateTime<FixedOffset>> {
    let text = text.strip_prefix("D:").unwrap_or(text);
    let number = |range: std::ops::Range<usize>| text.get(range).and_then(|it| it.parse::<u32>().ok());
    let date = NaiveDate::from_ymd_opt(text.get(..4)?.parse().ok()?, number(4..6)?, number(6..8)?)?;
    let local = date.and_hms_opt(number(8..10)?, number(10..12)?, number(12..14).unwrap_or(0))?;
    let seconds = match text.get(14..15) {
        Some(sign @ ("+" | "-")) => {
            let offset = number(15..17)? * 3600 + number(18..20).unwrap_or(0) * 60;
            i32::try_from(offset).ok()? * if sign == "-" { -1 } else { 1 }
        }
        _ => 0,
    };
    FixedOffset::east_opt(seconds)?.from_local_datetime(&local).single()
}

/// Says of each signature what was appended after it; `found` is in the order of their ends.
fn appended(file: &Pdf<'_>, found: &mut [Found]) {
    let ends = found.iter().map(|it| it.end).collect::<Vec<_>>();
    let whole = ends.last() == Some(&file.bytes.len());
    // From the last signature down: what was appended after one is what was after the next, and the step to the next.
    let mut after = if whole { Appended::Nothing } else { Appended::Other };
    for index in (0..found.len()).rev() {
        if let Some(next) = ends.get(index + 1) {
            let step = || {
                let (old, new) = (file.bytes.get(..ends[index])?, file.bytes.get(..*next)?);
                only_a_signature(&Pdf::read(old).ok()?, &Pdf::read(new).ok()?).ok()
            };
            after = match after {
                Appended::Nothing | Appended::Signatures if step() == Some(true) => Appended::Signatures,
                Appended::Nothing | Appended::Signatures | Appended::Other => Appended::Other,
            };
        }
        found[index].signature.appended = after;
    }
}

/// Whether `new`, which begins with the bytes of `old`, adds one signature field and changes nothing that is seen.
///
/// What may differ: the list of fields, the list of annotations of a page, both by this one field at their end; and what
/// programs note about themselves without showing it: modification date, producer, XMP metadata, version and
/// extensions of the format. New objects may be anything: nothing that existed points at them but what is checked here.
fn only_a_signature(old: &Pdf<'_>, new: &Pdf<'_>) -> Result<bool, Unreadable> {
    let root = old.trailer.get(&b"Root"[..]).and_then(Value::reference);
    let same_heads = ["Root", "Info"].iter().all(|key| {
        let (before, after) = (old.trailer.get(key.as_bytes()), new.trailer.get(key.as_bytes()));
        // The information about the document may be left out, or come with the revision.
        before == after || (*key == "Info" && (before.is_none() || after.is_none()))
    });
    let Some(root) = root.filter(|_| same_heads) else { return Ok(false) };
    // One revision, right on top.
    let previous = new.trailer.get(&b"Prev"[..]).and_then(Value::int).and_then(|it| usize::try_from(it).ok());
    if previous != Some(old.start) || old.entries.keys().any(|number| !new.entries.contains_key(number)) {
        return Ok(false);
    }
    let size =
        old.trailer.get(&b"Size"[..]).and_then(Value::int).and_then(|it| u32::try_from(it).ok()).unwrap_or(0);
    let first_new = size.max(old.entries.keys().next_back().map_or(0, |last| last.saturating_add(1)));

    let (Value::Dict(old_catalog), Value::Dict(new_catalog)) =
        (old.object(root)?.value, new.object(root)?.value)
    else {
        return Ok(false);
    };
    if !same_but(&old_catalog, &new_catalog, &["AcroForm", "Extensions", "Version"]) {
        return Ok(false);
    }
    let old_form = old.get(&old_catalog, "AcroForm")?.into_dict().unwrap_or_default();
    let Value::Dict(new_form) = new.get(&new_catalog, "AcroForm")? else { return Ok(false) };
    if !same_but(&old_form, &new_form, &["Fields", "SigFlags"]) {
        return Ok(false);
    }
    let list = |file: &Pdf<'_>, dict: &Dict, key: &str| -> Result<Vec<Value>, Unreadable> {
        Ok(file.get(dict, key)?.array().map(<[Value]>::to_vec).unwrap_or_default())
    };
    let (old_fields, new_fields) = (list(old, &old_form, "Fields")?, list(new, &new_form, "Fields")?);
    let Some([Value::Ref(widget)]) = new_fields.strip_prefix(old_fields.as_slice()) else { return Ok(false) };
    if widget.0 < first_new || !is_unseen_signature(new, *widget)? {
        return Ok(false);
    }

    let references = [new_catalog.get(&b"AcroForm"[..]), new_form.get(&b"Fields"[..])];
    let metadata = old_catalog.get(&b"Metadata"[..]).and_then(Value::reference);
    let mut known = references.into_iter().flatten().filter_map(Value::reference).collect::<Vec<_>>();
    known.push(root);
    for (number, entry) in &new.entries {
        match old.entries.get(number) {
            None if *number >= first_new => {}
            Some(before) if before == entry => {}
            Some(_) if known.iter().any(|id| id.0 == *number) => {}
            Some(_) if is_harmless(old, new, *number, *widget, metadata)? => {}
            // A number that stood for nothing may be pointed at from anywhere.
            None | Some(_) => return Ok(false),
        }
    }
    Ok(true)
}

/// Whether a field is a signature without extent and actions.
fn is_unseen_signature(file: &Pdf<'_>, widget: Id) -> Result<bool, Unreadable> {
    let Value::Dict(widget) = file.object(widget)?.value else { return Ok(false) };
    let is_signature = file.get(&widget, "FT")?.name() == Some(b"Sig")
        && matches!(file.get(&widget, "V")?, Value::Dict(signature) if signature.contains_key(&b"ByteRange"[..]));
    let acts = ["A", "AA", "Kids"].iter().any(|key| widget.contains_key(key.as_bytes()));
    let corners = file.get(&widget, "Rect")?;
    let corners = corners.array().unwrap_or_default().iter().map(Value::number).collect::<Option<Vec<_>>>();
    let unseen = match corners.as_deref() {
        Some([left, low, right, high]) => (left - right).abs() < 1e-6 || (low - high).abs() < 1e-6,
        Some([]) => !widget.contains_key(&b"Rect"[..]),
        _ => false,
    };
    Ok(is_signature && !acts && unseen)
}

/// Whether an object that existed only gained the new field in a list of annotations, or is about the program that wrote it.
fn is_harmless(
    old: &Pdf<'_>,
    new: &Pdf<'_>,
    number: u32,
    widget: Id,
    metadata: Option<Id>,
) -> Result<bool, Unreadable> {
    let generation = |file: &Pdf<'_>| match file.entries.get(&number) {
        Some(super::pdf::Entry::At(_, generation)) => Some(*generation),
        Some(super::pdf::Entry::Within(_)) => Some(0),
        Some(super::pdf::Entry::Free) | None => None,
    };
    let (Some(before), Some(after)) = (generation(old), generation(new)) else { return Ok(false) };
    let (before, after) = (old.object(Id(number, before))?, new.object(Id(number, after))?);
    if before.stream.is_some() || after.stream.is_some() {
        let is_metadata = |value: &Value| matches!(value, Value::Dict(dict) if dict.get(&b"Type"[..]).and_then(Value::name) == Some(b"Metadata"));
        let named = metadata.is_some_and(|id| id.0 == number);
        return Ok(named && is_metadata(&before.value) && is_metadata(&after.value));
    }
    let gained = |before: &[Value], after: &[Value]| {
        matches!(after.strip_prefix(before), Some([Value::Ref(id)]) if *id == widget) || before == after
    };
    Ok(match (&before.value, &after.value) {
        (before, after) if before == after => true,
        (Value::Array(before), Value::Array(after)) => gained(before, after),
        (Value::Dict(before), Value::Dict(after)) => {
            let is_page = before.get(&b"Type"[..]).and_then(Value::name) == Some(b"Page");
            let is_info =
                old.trailer.get(&b"Info"[..]).and_then(Value::reference).is_some_and(|id| id.0 == number);
            let annotations = |dict: &Dict| match dict.get(&b"Annots"[..]) {
                Some(Value::Array(list)) => Some(list.clone()),
                None => Some(Vec::new()),
                Some(_) => None,
            };
            let page = is_page
                && same_but(before, after, &["Annots"])
                && matches!((annotations(before), annotations(after)), (Some(b), Some(a)) if gained(&b, &a));
            page || (is_info && same_but(before, after, &["ModDate", "Producer"]))
        }
        _ => false,
    })
}

/// Whether two dictionaries are equal apart from these keys.
fn same_but(before: &Dict, after: &Dict, keys: &[&str]) -> bool {
    let rest = |dict: &Dict| {
        let kept = |key: &[u8]| !keys.iter().any(|it| it.as_bytes() == key);
        dict.iter()
            .filter(|(key, _)| kept(key))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect::<Dict>()
    };
    rest(before) == rest(after)
}

/// What a signature that was asked for elsewhere must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// The name in the certificate; case and spaces do not count. `None`: any, if the serial number is given.
    pub common_name: Option<String>,
    /// The serial number in the subject of the certificate. `None`: any, if the name is given.
    pub serial_number: Option<String>,
    /// Whether it must carry a trusted time stamp.
    pub timestamp: bool,
    /// Now: when the certificates must hold, besides at the time of signing.
    pub at: DateTime<Utc>,
}

/// Why a file that came back from a signer is refused. The document stays unsigned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It cannot be read.
    #[error("the file cannot be read: {0}")]
    Unreadable(#[from] Unreadable),
    /// It does not begin with the bytes that were sent.
    #[error("the file does not begin with what was sent")]
    NotWhatWasSent,
    /// It has not exactly one signature more than what was sent.
    #[error("the file has not exactly one new signature")]
    NotOneSignature,
    /// The new signature does not cover the whole file.
    #[error("the new signature does not cover the whole file")]
    NotWhole,
    /// More than a signature was added.
    #[error("more than a signature was added")]
    Changed,
    /// The signed digest is not that of the file.
    #[error("the signed digest is not that of the file")]
    Digest,
    /// The signature is not the signer's.
    #[error("the signature is not sound")]
    Signature,
    /// Somebody else signed.
    #[error("somebody else signed")]
    OtherSigner,
    /// The signer is not trusted.
    #[error("the signer is not trusted: {0}")]
    Untrusted(Untrusted),
    /// A trusted time stamp is missing.
    #[error("no trusted time stamp")]
    NoTimestamp,
}

/// Checks what a signer gave back for `ours`. The new signature, when everything holds.
///
/// # Errors
/// The first thing that does not hold.
pub fn check_returned(
    ours: &[u8],
    returned: &[u8],
    expected: &Expected,
    roots: &Roots,
) -> Result<Signature, Refused> {
    if returned.len() <= ours.len() || !returned.starts_with(ours) {
        return Err(Refused::NotWhatWasSent);
    }
    let (old, new) = (Pdf::read(ours)?, Pdf::read(returned)?);
    let before = fields(&old)?.into_iter().map(|field| field.name).collect::<BTreeSet<_>>();
    let after = fields(&new)?;
    let mut added = after.iter().filter(|field| !before.contains(&field.name));
    let name = match (added.next(), added.next()) {
        (Some(only), None) if after.len() == before.len() + 1 => only.name.clone(),
        _ => return Err(Refused::NotOneSignature),
    };
    let report = inspect(returned, roots)?;
    let signature =
        report.signatures.into_iter().find(|it| it.field == name).ok_or(Refused::NotOneSignature)?;
    if signature.coverage != Coverage::WholeFile {
        return Err(Refused::NotWhole);
    }
    if !only_a_signature(&old, &new)? {
        return Err(Refused::Changed);
    }
    if !signature.digest {
        return Err(Refused::Digest);
    }
    if !signature.is_sound() {
        return Err(Refused::Signature);
    }
    let is_expected = signature.signer.as_ref().is_some_and(|signer| is_whom(signer, expected));
    if !is_expected {
        return Err(Refused::OtherSigner);
    }
    if let Err(untrusted) = signature.trust {
        return Err(Refused::Untrusted(untrusted));
    }
    holds_now(&new, &name, roots, expected.at).map_err(Refused::Untrusted)?;
    let stamped = signature.timestamp.as_ref().is_some_and(|stamp| stamp.trust.is_ok());
    if expected.timestamp && !stamped {
        return Err(Refused::NoTimestamp);
    }
    Ok(signature)
}

/// Whether the path of the signer of this field holds now: what it claims about its time is only its word.
fn holds_now(file: &Pdf<'_>, name: &str, roots: &Roots, at: DateTime<Utc>) -> Result<(), Untrusted> {
    let field = fields(file).ok().and_then(|fields| fields.into_iter().find(|field| field.name == name));
    let Some(Value::Text(octets, _)) = field.as_ref().and_then(|field| field.signature.get(&b"Contents"[..]))
    else {
        return Err(Untrusted::NoPath);
    };
    let signed = Signed::read(octets).map_err(|_| Untrusted::NoPath)?;
    let certificate = signed.certificate().ok_or(Untrusted::NoPath)?;
    trusted(certificate, &signed.certificates, &roots.signers, &roots.intermediates, at).map(|_| ())
}

fn is_whom(signer: &Subject, expected: &Expected) -> bool {
    let plain = |name: &str| name.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    let name = expected.common_name.as_ref().is_none_or(|name| plain(name) == plain(&signer.common_name));
    let number = expected.serial_number.is_none() || expected.serial_number == signer.serial_number;
    let asked = expected.common_name.is_some() || expected.serial_number.is_some();
    asked && name && number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_their_offset() {
        for (text, expected) in [
            ("D:20261126150000+07'00'", Some("2026-11-26T15:00:00+07:00")),
            ("D:20261126150000-03'30", Some("2026-11-26T15:00:00-03:30")),
            ("D:20261126150000Z", Some("2026-11-26T15:00:00+00:00")),
            ("20261126150000", Some("2026-11-26T15:00:00+00:00")),
            ("D:2026", None),
            ("D:20261326150000", None),
            ("D:20261126150000+99'99'", None),
            ("Đ:20261126", None),
        ] {
            let expected = expected.map(|it| DateTime::parse_from_rfc3339(it).unwrap());
            assert_eq!(time(text), expected, "{text}");
        }
    }
}
