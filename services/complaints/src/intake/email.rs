//! E-mail: what a message is, who wrote it, and which case it may belong to.
//!
//! Machines write more mail than people do. An answer of a machine, a bounce, a list or our own mail never makes a case
//! and never answers one (RFC 3834 asks for no less). A reply extends a case only if its author takes part in it: a
//! number in a subject proves nothing.

use chrono::DateTime;
use hmac::{Hmac, KeyInit as _, Mac as _};
use mail_parser::{Address, Message, MessageParser, MimeHeaders as _};
use mpp_kit::config::{ExposeSecret as _, Secret};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::envelope::{Attachment, Envelope, Kind, Source};

/// Words of a mail beyond this many characters are cut; the stored message keeps them.
const MAX_TEXT: usize = 20_000;
/// Attachments beyond this many are left in the stored message.
const MAX_ATTACHMENTS: usize = 20;
/// Hex digits of the signature in a reply address: 80 bits, guessed by nobody within the life of a case, and the local
/// part stays under the 64 characters that SMTP allows.
const SIGNATURE: usize = 20;

/// The mailbox, as far as reading depends on it.
#[derive(Debug, Clone)]
pub struct Mailbox {
    /// Its address, in lower case, without a plus part.
    pub address: String,
    /// Other addresses of ours, in lower case. What they send never makes a case.
    pub own_addresses: Vec<String>,
    /// The domains in the message ids of what we send, in lower case.
    pub own_domains: Vec<String>,
    /// The name under which our own mail server writes `Authentication-Results`. Empty: no verdict is believed.
    pub authority: String,
    /// The key of reply addresses.
    pub reply_key: Secret,
}

/// What wrote a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Nature {
    /// As far as can be told, a person.
    Person,
    /// A machine, and the header that says so.
    Automatic(&'static str),
    /// A mailing list.
    List,
    /// Ourselves.
    Own,
    /// A report about what we sent.
    Bounce(Bounce),
}

/// A delivery status notification (RFC 3464).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bounce {
    /// The address it is about, in lower case.
    pub recipient: String,
    /// The status code, such as `5.1.1`.
    pub status: String,
    /// Whether the address will not work later either: 5.x.x, except a full mailbox (5.2.2).
    pub permanent: bool,
    /// The message id of what was sent, without angle brackets.
    pub original: String,
}

/// What our mail server found out about the sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The domain of the author vouches for the message (DMARC, or aligned DKIM).
    Pass,
    /// The domain of the author disowns it.
    Fail,
    /// Nothing was said by somebody we believe.
    None,
}

/// A mail that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Mail {
    /// The message, as every channel's.
    pub envelope: Envelope,
    /// What wrote it.
    pub nature: Nature,
    /// Its subject.
    pub subject: String,
    /// What tells which case it belongs to, the surest first.
    pub hints: Vec<Hint>,
    /// Whether its author is who it says.
    pub verdict: Verdict,
}

/// Something in a mail that points at a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hint {
    /// A reply address that we signed: the number it was made for.
    Signed(String),
    /// It answers this message of ours (the id without angle brackets).
    Message(String),
    /// The number of a case stands in the subject.
    Number(String),
}

/// Why bytes are no mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the message has no headers")]
pub struct NoMail;

/// Reads a message.
///
/// # Errors
/// [`NoMail`]: there is nothing that could be a mail.
pub fn read(mailbox: &Mailbox, raw: &[u8]) -> Result<Mail, NoMail> {
    let message = MessageParser::default().parse(raw).ok_or(NoMail)?;
    if message.headers().is_empty() {
        return Err(NoMail);
    }
    let from = message.from().and_then(Address::first);
    let address = from.and_then(|it| it.address()).unwrap_or_default().trim().to_lowercase();
    let subject = message.subject().unwrap_or_default().trim().to_owned();
    let text = words(&message);
    let mut envelope =
        Envelope::new(Source::Email, &mailbox.address, &external_id(&message, &address, &text));
    envelope.sender.display = from.and_then(|it| it.name()).unwrap_or_default().trim().to_owned();
    envelope.sender.email = Some(address.clone()).filter(|it| !it.is_empty());
    envelope.sender.id = address;
    envelope.sent_at = message.date().and_then(|date| DateTime::from_timestamp(date.to_timestamp(), 0));
    envelope.reply_to = answered(&message).into_iter().next();
    envelope.text = text;
    envelope.attachments = attachments(&message);
    let bare = envelope.text.trim().is_empty();
    if let Some(first) = envelope.attachments.first().filter(|_| bare) {
        envelope.kind = if first.told_type.starts_with("image/") { Kind::Image } else { Kind::Document };
    }
    Ok(Mail {
        nature: nature(mailbox, &message, &envelope.sender.id),
        hints: hints(mailbox, &message, &subject),
        verdict: verdict(mailbox, &message),
        subject,
        envelope,
    })
}

/// The bytes of the attachment that an [`Attachment::part`] names.
#[must_use]
pub fn part(raw: &[u8], number: u32) -> Option<Vec<u8>> {
    let message = MessageParser::default().parse(raw)?;
    message.attachment(number).map(|part| part.contents().to_vec())
}

fn words(message: &Message<'_>) -> String {
    let text = message.body_text(0).unwrap_or_default();
    let text = text.replace("\r\n", "\n");
    let mut text = text.trim().to_owned();
    if let Some((end, _)) = text.char_indices().nth(MAX_TEXT) {
        text.truncate(end);
    }
    text
}

/// What a reply says itself: without what it quotes below, and without a signature.
#[must_use]
pub fn reply(text: &str) -> &str {
    let mut end = 0;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let told = line.trim_end();
        if told.starts_with('>') || told == "--" || told.starts_with("-----") || told.starts_with("_____") {
            break;
        }
        start += line.len();
        if !told.is_empty() {
            // The line above a quotation says whose it is: "Pada Sen, 23 Nov 2026 … menulis:", also over two lines.
            let introduces = told.ends_with("menulis:") || told.ends_with("wrote:");
            let begins =
                ["Pada ", "On "].iter().any(|it| told.starts_with(it)) && text[start..].contains("\n>");
            if introduces || begins {
                break;
            }
            end = start;
        }
    }
    text[..end].trim()
}

/// The message id, and a digest of what makes it this message: two mails with one id are not the same if a stranger
/// copied the id, and one mail that came twice on two ways is.
fn external_id(message: &Message<'_>, from: &str, text: &str) -> String {
    let date = message.date().map(|date| date.to_timestamp().to_string()).unwrap_or_default();
    let mut digest = Sha256::new();
    for part in [from, date.as_str(), message.subject().unwrap_or_default(), text] {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part.as_bytes());
    }
    let digest = hex::encode(&digest.finalize()[..12]);
    let id = message.message_id().unwrap_or_default();
    // A column is not endless; what is cut stays apart by its digest.
    format!("{}#{digest}", id.chars().take(200).collect::<String>())
}

fn attachments(message: &Message<'_>) -> Vec<Attachment> {
    let listed = message.attachments().zip(0_u32..).take(MAX_ATTACHMENTS);
    listed
        .map(|(part, number)| Attachment {
            part: Some(number),
            told_type: part
                .content_type()
                .map(|it| format!("{}/{}", it.ctype(), it.subtype().unwrap_or_default()).to_lowercase())
                .unwrap_or_default(),
            file_name: part.attachment_name().unwrap_or_default().to_owned(),
            ..Attachment::default()
        })
        .collect()
}

fn header<'m>(message: &'m Message<'_>, name: &'static str) -> Option<&'m str> {
    // By the raw names: what a parser knows as something else is found all the same.
    message.headers_raw().find(|(told, _)| told.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

/// Who wrote it, judged by what RFC 3834, RFC 2919 and usage say.
fn nature(mailbox: &Mailbox, message: &Message<'_>, from: &str) -> Nature {
    if let Some(bounce) = bounce(message) {
        return Nature::Bounce(bounce);
    }
    let ours =
        |address: &str| address == mailbox.address || mailbox.own_addresses.iter().any(|own| own == address);
    let id_domain = message.message_id().and_then(|id| id.rsplit_once('@')).map(|(_, domain)| domain);
    let own_id = id_domain.is_some_and(|domain| {
        let domain = domain.to_lowercase();
        mailbox.own_domains.contains(&domain)
    });
    if ours(&without_plus(from)) || own_id {
        return Nature::Own;
    }
    let told = |name| header(message, name);
    if told("List-Id").is_some() || told("List-Post").is_some() {
        return Nature::List;
    }
    let automatic = [
        ("Auto-Submitted", told("Auto-Submitted").is_some_and(|it| !it.to_lowercase().starts_with("no"))),
        (
            "Precedence",
            told("Precedence").is_some_and(|it| {
                matches!(it.to_lowercase().as_str(), "bulk" | "list" | "junk" | "auto_reply")
            }),
        ),
        ("X-Auto-Response-Suppress", told("X-Auto-Response-Suppress").is_some()),
        ("X-Autoreply", told("X-Autoreply").is_some()),
        ("X-Autorespond", told("X-Autorespond").is_some()),
        ("X-Loop", told("X-Loop").is_some()),
        ("Return-Path", told("Return-Path").is_some_and(|it| it == "<>")),
        ("From", from.is_empty() || from.starts_with("mailer-daemon@") || from.starts_with("postmaster@")),
    ];
    match automatic.into_iter().find(|(_, is)| *is) {
        Some((name, _)) => Nature::Automatic(name),
        None => Nature::Person,
    }
}

fn bounce(message: &Message<'_>) -> Option<Bounce> {
    let report = message.content_type().is_some_and(|it| {
        it.ctype().eq_ignore_ascii_case("multipart")
            && it.subtype().is_some_and(|it| it.eq_ignore_ascii_case("report"))
            && it.attribute("report-type").is_none_or(|it| it.eq_ignore_ascii_case("delivery-status"))
    });
    if !report {
        return None;
    }
    let mut bounce = Bounce::default();
    for part in &message.parts {
        let Some(kind) = part.content_type() else { continue };
        let subtype = kind.subtype().unwrap_or_default().to_lowercase();
        let content = String::from_utf8_lossy(part.contents());
        match subtype.as_str() {
            "delivery-status" => {
                let field = |name: &str| field(&content, name);
                let recipient = field("Final-Recipient").or_else(|| field("Original-Recipient"));
                bounce.recipient = recipient
                    .map(|it| it.rsplit(';').next().unwrap_or_default().trim().to_lowercase())
                    .unwrap_or_default();
                let status = field("Status").unwrap_or_default();
                bounce.status = status.split_whitespace().next().unwrap_or_default().to_owned();
                let failed = field("Action").is_none_or(|it| it.trim().eq_ignore_ascii_case("failed"));
                bounce.permanent = failed && bounce.status.starts_with("5.") && bounce.status != "5.2.2";
            }
            "rfc822" | "rfc822-headers" | "global" | "global-headers" => {
                let inner = part.message().and_then(|it| it.message_id().map(str::to_owned));
                let told = inner.or_else(|| field(&content, "Message-ID"));
                bounce.original = told.map(|it| bare_id(&it)).unwrap_or_default();
            }
            _ => {}
        }
    }
    Some(bounce)
}

/// The value of a header field in plain text.
fn field(text: &str, name: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let (told, value) = line.split_once(':')?;
        told.trim().eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
    })
}

fn bare_id(id: &str) -> String {
    id.trim().trim_start_matches('<').trim_end_matches('>').to_owned()
}

fn without_plus(address: &str) -> String {
    match address.split_once('@') {
        Some((local, domain)) => format!("{}@{domain}", local.split('+').next().unwrap_or_default()),
        None => address.to_owned(),
    }
}

/// The message ids that a mail answers, the nearest first.
fn answered(message: &Message<'_>) -> Vec<String> {
    let mut ids = Vec::new();
    let listed = |value: &mail_parser::HeaderValue<'_>| {
        let mut ids =
            value.as_text_list().unwrap_or_default().iter().map(|id| bare_id(id)).collect::<Vec<_>>();
        if let Some(one) = value.as_text().filter(|_| ids.is_empty()) {
            ids.push(bare_id(one));
        }
        ids
    };
    ids.extend(listed(message.in_reply_to()));
    ids.extend(listed(message.references()).into_iter().rev());
    let mut seen = Vec::new();
    ids.retain(|id| {
        let new = !id.is_empty() && !seen.contains(id);
        if new {
            seen.push(id.clone());
        }
        new
    });
    ids.truncate(30);
    ids
}

fn hints(mailbox: &Mailbox, message: &Message<'_>, subject: &str) -> Vec<Hint> {
    let mut hints = Vec::new();
    let lists = [message.to(), message.cc()].into_iter().flatten();
    let recipients =
        lists
            .flat_map(Address::iter)
            .filter_map(|it| it.address().map(str::to_lowercase))
            // Where it really went: the To of a blind copy names somebody else.
            .chain(["Delivered-To", "X-Original-To", "Envelope-To"].iter().filter_map(|name| {
                header(message, name).map(|it| it.trim_matches(['<', '>']).to_lowercase())
            }));
    for recipient in recipients {
        if let Some(number) =
            signed_number(mailbox, &recipient).filter(|it| !hints.contains(&Hint::Signed(it.clone())))
        {
            hints.push(Hint::Signed(number));
        }
    }
    hints.extend(answered(message).into_iter().map(Hint::Message));
    hints.extend(numbers(subject).into_iter().map(Hint::Number));
    hints
}

/// The address to which one reporter answers: `aduan+<number>-<signature>@…`. Only who follows that number is ever told it.
#[must_use]
pub fn reply_address(mailbox: &Mailbox, number: &str) -> String {
    let (local, domain) = mailbox.address.split_once('@').unwrap_or((&mailbox.address, "localhost"));
    let number = number.to_lowercase();
    format!("{local}+{number}-{}@{domain}", mac(&mailbox.reply_key, &number))
}

/// The number in a reply address that we signed, in lower case as addresses are.
fn signed_number(mailbox: &Mailbox, address: &str) -> Option<String> {
    use subtle::ConstantTimeEq as _;
    if without_plus(address) != mailbox.address || mailbox.reply_key.expose_secret().is_empty() {
        return None;
    }
    let tag = address.split_once('@')?.0.split_once('+')?.1;
    let (number, told) = tag.rsplit_once('-')?;
    let same: bool = mac(&mailbox.reply_key, number).as_bytes().ct_eq(told.as_bytes()).into();
    same.then(|| number.to_owned())
}

fn mac(key: &Secret, number: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.expose_secret().as_bytes())
        .unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"));
    mac.update(b"mpp.complaints.reply|");
    mac.update(number.as_bytes());
    let mut hex = hex::encode(mac.finalize().into_bytes());
    hex.truncate(SIGNATURE);
    hex
}

/// What looks like the number of a case: three groups of letters and digits joined by hyphens, beginning with letters.
/// Whether there is such a case is for the store to say.
fn numbers(subject: &str) -> Vec<String> {
    let words = subject.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
    words
        .map(|word| word.trim_matches('-').to_ascii_uppercase())
        .filter(|word| {
            let parts = word.split('-').collect::<Vec<_>>();
            (3..=5).contains(&parts.len())
                && parts[0].bytes().all(|it| it.is_ascii_uppercase())
                && parts[0].len() >= 2
                && parts[1..].iter().all(|it| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit()))
        })
        .take(3)
        .collect()
}

/// What `Authentication-Results` (RFC 8601) of our own server says; those that a stranger wrote into the message count for
/// nothing.
fn verdict(mailbox: &Mailbox, message: &Message<'_>) -> Verdict {
    if mailbox.authority.is_empty() {
        return Verdict::None;
    }
    // The uppermost is of the server that took the message last.
    let told = message.headers_raw().filter(|(name, _)| name.eq_ignore_ascii_case("Authentication-Results"));
    for (_, value) in told {
        let value = value.to_lowercase();
        let mut parts = value.split(';').map(str::trim);
        let server = parts.next().unwrap_or_default().split_whitespace().next().unwrap_or_default();
        if server != mailbox.authority.to_lowercase() {
            continue;
        }
        for part in parts {
            match part.split_whitespace().next().unwrap_or_default() {
                "dmarc=pass" => return Verdict::Pass,
                "dmarc=fail" => return Verdict::Fail,
                _ => {}
            }
        }
        return Verdict::None;
    }
    Verdict::None
}

/// A case that a hint led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its id.
    pub case: String,
    /// The addresses of those who take part, in lower case.
    pub participants: Vec<String>,
    /// The address of whoever was given the reply address that it came to, in lower case; empty for none.
    pub signed_for: String,
}

/// Where a mail belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Placement {
    /// It continues this case.
    Extends(String),
    /// It comes from the address of somebody who takes part in this case, and nothing proves that they wrote it: it does
    /// nothing there, and who distributes cases reads it.
    Unproven(String),
    /// It is a case of its own. It may be a reply to the other one, by somebody who does not take part there: an officer
    /// sees that, the author learns nothing.
    New {
        /// The case it points at.
        possible_reply_to: Option<String>,
    },
}

/// Places a mail of a person. `candidates` are in the order of the hints. An address alone proves nothing, as everybody can
/// write it: the author's domain vouches for the mail, or it came to the reply address that only this author was given.
#[must_use]
pub fn place(sender: &str, verdict: Verdict, candidates: &[Candidate]) -> Placement {
    let takes_part = |candidate: &&Candidate| {
        !sender.is_empty()
            && verdict != Verdict::Fail
            && candidate.participants.iter().any(|address| address == sender)
    };
    let proven = |it: &Candidate| verdict == Verdict::Pass || it.signed_for == sender;
    match candidates.iter().find(takes_part) {
        Some(candidate) if proven(candidate) => Placement::Extends(candidate.case.clone()),
        Some(candidate) => Placement::Unproven(candidate.case.clone()),
        None => Placement::New { possible_reply_to: candidates.first().map(|it| it.case.clone()) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mailbox() -> Mailbox {
        Mailbox {
            address: "aduan@contoh.go.id".into(),
            own_addresses: vec!["tidak-dibalas@contoh.go.id".into()],
            own_domains: vec!["contoh.go.id".into()],
            authority: "mx.contoh.go.id".into(),
            reply_key: Secret::from("kunci-balasan".to_owned()),
        }
    }

    fn mail(headers: &str, body: &str) -> Mail {
        let raw = format!(
            "From: Siti <Siti@Warga.example>\r\nTo: aduan@contoh.go.id\r\nSubject: Jalan rusak\r\n\
             Date: Sun, 14 Sep 2025 08:00:00 +0800\r\nMessage-ID: <a1@warga.example>\r\n{headers}\r\n{body}"
        );
        read(&mailbox(), raw.as_bytes()).unwrap()
    }

    #[test]
    fn c_06_a_mail_is_read_with_its_attachments() {
        let raw = include_bytes!("samples/multipart.eml");
        let it = read(&mailbox(), raw).unwrap();
        assert_eq!(it.subject, "Lampu jalan mati – Jl. Panglima");
        assert_eq!(it.envelope.sender.email.as_deref(), Some("siti@warga.example"));
        assert_eq!(it.envelope.sender.display, "Siti Aminah");
        assert!(it.envelope.text.contains("sudah tiga malam"), "{}", it.envelope.text);
        assert_eq!(it.nature, Nature::Person);
        assert_eq!(it.envelope.attachments.len(), 1);
        let attachment = &it.envelope.attachments[0];
        assert_eq!(
            (attachment.told_type.as_str(), attachment.file_name.as_str()),
            ("image/png", "lampu.png")
        );
        assert!(part(raw, attachment.part.unwrap()).unwrap().starts_with(b"\x89PNG"));
        assert_eq!(part(raw, 9), None);
    }

    #[test]
    fn c_06_html_alone_becomes_words() {
        let it = mail(
            "Content-Type: text/html; charset=utf-8\r\n",
            "<html><body><p>Halo <b>admin</b></p><script>alert(1)</script></body></html>",
        );
        assert!(it.envelope.text.contains("Halo") && !it.envelope.text.contains('<'), "{}", it.envelope.text);
        assert!(!it.envelope.text.contains("alert"), "{}", it.envelope.text);
    }

    #[test]
    fn c_31_what_a_reply_says_itself_is_told_apart_from_what_it_quotes() {
        for text in [
            "Belum",
            "Belum.\n\n-- \nSiti",
            "Belum\n\nPada Sen, 23 Nov 2026 08.00 Aduan <aduan@contoh.go.id> menulis:\n> Aduan ADU-1 dinyatakan selesai.\n",
            "Belum\n\nOn Mon, 23 Nov 2026 at 08:00, Aduan\n<aduan@contoh.go.id> wrote:\n\n> Aduan ADU-1\n",
            "Belum\n-----Original Message-----\nFrom: aduan",
        ] {
            assert_eq!(reply(text).trim_end_matches('.'), "Belum", "{text}");
        }
        assert_eq!(reply("Pada hari ini belum\nselesai"), "Pada hari ini belum\nselesai");
        assert_eq!(reply("> Sudah"), "");
    }

    #[test]
    fn one_mail_on_two_ways_is_one_and_a_copied_id_is_another() {
        let first = mail("Received: from a\r\n", "Isi").envelope.external_id;
        assert_eq!(first, mail("Received: from b\r\n", "Isi").envelope.external_id);
        assert_ne!(first, mail("", "Isi lain").envelope.external_id);
        assert!(first.starts_with("a1@warga.example#"));
    }

    #[test]
    fn c_07_machines_lists_and_ourselves_are_told_apart() {
        for (headers, expected) in [
            ("", Nature::Person),
            ("Auto-Submitted: no\r\n", Nature::Person),
            ("Precedence: first-class\r\n", Nature::Person),
            ("Auto-Submitted: auto-replied\r\n", Nature::Automatic("Auto-Submitted")),
            ("auto-submitted: auto-generated; x=y\r\n", Nature::Automatic("Auto-Submitted")),
            ("Precedence: bulk\r\n", Nature::Automatic("Precedence")),
            ("Precedence: Auto_Reply\r\n", Nature::Automatic("Precedence")),
            ("X-Auto-Response-Suppress: All\r\n", Nature::Automatic("X-Auto-Response-Suppress")),
            ("X-Autoreply: yes\r\n", Nature::Automatic("X-Autoreply")),
            ("X-Autorespond: x\r\n", Nature::Automatic("X-Autorespond")),
            ("X-Loop: a\r\n", Nature::Automatic("X-Loop")),
            ("Return-Path: <>\r\n", Nature::Automatic("Return-Path")),
            ("Return-Path: <siti@warga.example>\r\n", Nature::Person),
            ("List-Id: <warga.example>\r\n", Nature::List),
        ] {
            assert_eq!(mail(headers, "x").nature, expected, "{headers}");
        }
        let from = |from: &str, id: &str| {
            let raw = format!("From: {from}\r\nMessage-ID: <{id}>\r\nSubject: x\r\n\r\nx");
            read(&mailbox(), raw.as_bytes()).unwrap().nature
        };
        assert_eq!(from("tidak-dibalas@contoh.go.id", "1@a"), Nature::Own);
        assert_eq!(from("Aduan+abc@contoh.go.id", "1@a"), Nature::Own);
        assert_eq!(from("siti@warga.example", "ntf.0@CONTOH.go.id"), Nature::Own);
        assert_eq!(from("MAILER-DAEMON@mx.example", "1@a"), Nature::Automatic("From"));
        assert_eq!(from("", "1@a"), Nature::Automatic("From"));
    }

    #[test]
    fn c_07_a_bounce_names_the_address_and_whether_it_is_for_good() {
        let report = |status: &str, action: &str| {
            let raw = format!(
                "From: MAILER-DAEMON@mx.example\r\nTo: aduan@contoh.go.id\r\nSubject: Undelivered\r\n\
                 Content-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\r\n\r\n\
                 --b\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n\
                 --b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n\
                 Final-Recipient: rfc822; Siti@Warga.example\r\nAction: {action}\r\nStatus: {status}\r\n\
                 Diagnostic-Code: smtp; 550 no such user\r\n\r\n\
                 --b\r\nContent-Type: message/rfc822\r\n\r\nFrom: aduan@contoh.go.id\r\n\
                 Message-ID: <ntf_1.0@contoh.go.id>\r\nSubject: Aduan Anda\r\n\r\nIsi\r\n--b--\r\n"
            );
            match read(&mailbox(), raw.as_bytes()).unwrap().nature {
                Nature::Bounce(bounce) => bounce,
                other @ (Nature::Person | Nature::Automatic(_) | Nature::List | Nature::Own) => {
                    panic!("{other:?}")
                }
            }
        };
        let gone = report("5.1.1", "failed");
        assert_eq!(gone.recipient, "siti@warga.example");
        assert_eq!((gone.status.as_str(), gone.permanent), ("5.1.1", true));
        assert_eq!(gone.original, "ntf_1.0@contoh.go.id");
        assert!(!report("5.2.2", "failed").permanent);
        assert!(!report("4.4.1", "delayed").permanent);
    }

    #[test]
    fn c_06_a_reply_address_is_signed_and_short_enough() {
        let mailbox = mailbox();
        let number = "ADU-2026-000123-7";
        let address = reply_address(&mailbox, number);
        assert!(address.split_once('@').unwrap().0.len() <= 64, "{address}");
        let bare = "adu-2026-000123-7";
        assert_eq!(signed_number(&mailbox, &address).as_deref(), Some(bare));
        for bad in [
            address.replace("000123-7", "000124-5"),
            address.replace("contoh", "lain"),
            "aduan@contoh.go.id".into(),
            "aduan+x@contoh.go.id".into(),
        ] {
            assert_eq!(signed_number(&mailbox, &bad), None, "{bad}");
        }
        let it = mail(&format!("Cc: {}\r\n", address.to_uppercase()), "balas");
        assert_eq!(it.hints, [Hint::Signed(bare.to_owned())]);
    }

    #[test]
    fn c_06_hints_come_in_their_order() {
        let signed = reply_address(&mailbox(), "ADU-2026-000124-5");
        let raw = format!(
            "From: a@b.example\r\nTo: {signed}\r\nSubject: Re: [ADU-2026-000123-7] Jalan rusak\r\n\
             In-Reply-To: <ntf_2.0@contoh.go.id>\r\n\
             References: <ntf_1.0@contoh.go.id> <ntf_2.0@contoh.go.id>\r\nMessage-ID: <z@b.example>\r\n\r\nYa"
        );
        let hints = read(&mailbox(), raw.as_bytes()).unwrap().hints;
        assert_eq!(
            hints,
            [
                Hint::Signed("adu-2026-000124-5".into()),
                Hint::Message("ntf_2.0@contoh.go.id".into()),
                Hint::Message("ntf_1.0@contoh.go.id".into()),
                Hint::Number("ADU-2026-000123-7".into()),
            ]
        );
        assert!(numbers("Re: rapat 14-09-2026 covid-19").is_empty());
    }

    #[test]
    fn c_06_only_who_takes_part_extends_a_case() {
        let of = |case: &str, who: &str, signed_for: &str| Candidate {
            case: case.into(),
            participants: vec![who.into(), "bersama@warga.example".into()],
            signed_for: signed_for.into(),
        };
        let candidates =
            [of("cas_1", "siti@warga.example", "siti@warga.example"), of("cas_2", "budi@warga.example", "")];
        let place = |sender, verdict| place(sender, verdict, &candidates);
        // To the address that only Siti knows; and to one that says nothing about Budi.
        assert_eq!(place("siti@warga.example", Verdict::None), Placement::Extends("cas_1".into()));
        assert_eq!(place("bersama@warga.example", Verdict::None), Placement::Unproven("cas_1".into()));
        assert_eq!(place("budi@warga.example", Verdict::None), Placement::Unproven("cas_2".into()));
        assert_eq!(place("budi@warga.example", Verdict::Pass), Placement::Extends("cas_2".into()));
        let stranger = Placement::New { possible_reply_to: Some("cas_1".into()) };
        assert_eq!(place("orang@lain.example", Verdict::Pass), stranger);
        // Somebody who writes as Siti, and whose mail Siti's domain disowns.
        assert_eq!(place("siti@warga.example", Verdict::Fail), stranger);
        assert_eq!(place("", Verdict::None), stranger);
        assert_eq!(super::place("a@b", Verdict::Pass, &[]), Placement::New { possible_reply_to: None });
    }

    #[test]
    fn only_our_own_servers_verdict_counts() {
        let told = |headers: &str| mail(headers, "x").verdict;
        assert_eq!(told("Authentication-Results: mx.contoh.go.id; spf=pass; dmarc=pass\r\n"), Verdict::Pass);
        assert_eq!(
            told("Authentication-Results: MX.contoh.go.id 1;\r\n dkim=fail; dmarc=fail\r\n"),
            Verdict::Fail
        );
        assert_eq!(told("Authentication-Results: evil.example; dmarc=pass\r\n"), Verdict::None);
        assert_eq!(told(""), Verdict::None);
        let both = "Authentication-Results: mx.contoh.go.id; dmarc=fail\r\n\
                    Authentication-Results: mx.contoh.go.id; dmarc=pass\r\n";
        assert_eq!(told(both), Verdict::Fail);
    }

    #[test]
    fn what_is_no_mail_is_refused_and_odd_bytes_do_not_panic() {
        assert!(read(&mailbox(), b"").is_err());
        for raw in [
            b"\x00\xff\xfe".as_slice(),
            b"From\r\n\r\n",
            b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x",
        ] {
            let _any = read(&mailbox(), raw);
        }
    }
}
