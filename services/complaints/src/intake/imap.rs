//! Fetching e-mail by IMAP (RFC 9051 and 3501), from where the last look ended.
//!
//! The cursor is the pair (UIDVALIDITY, last UID): UIDs only grow, so nothing is missed and flags that people set in the
//! same mailbox do not matter. Messages are peeked at: the mailbox is left as it was. A mailbox that was made anew starts
//! over with what is younger than [`KNOWN`]: what comes twice is one message by its own id, as long as that is kept.
//!
//! A look ends when its time is over, with what it has by then; the next one goes on from there. Of a message that takes the
//! whole time alone, the headers come.

use std::fmt::Debug;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use async_imap::{Client, Session};
use chrono::{DateTime, TimeDelta, Utc};
use futures::TryStreamExt as _;
use mpp_kit::config::{ExposeSecret as _, Secret};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};

/// How a connection is protected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protection {
    /// TLS from the first byte: port 993.
    #[default]
    Tls,
    /// TLS after STARTTLS: port 143. Without it there is no login.
    StartTls,
    /// None: for a server on this machine only.
    None,
}

/// A mailbox at an IMAP server.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ImapConfig {
    /// The name of the server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub protection: Protection,
    /// A PEM file with further roots to trust, for a server with a certificate of the agency's own.
    pub roots: PathBuf,
    /// Who logs in.
    pub username: String,
    /// The password.
    #[serde(serialize_with = "mpp_kit::config::redacted")]
    pub password: Secret,
    /// The folder.
    pub folder: String,
    /// Messages larger than this are not fetched, in bytes: their headers alone are, and the case says so.
    pub largest_bytes: u32,
    /// How long one look may take, in seconds: what was fetched by then is taken, and the next look goes on.
    pub timeout_seconds: u32,
}

impl Default for ImapConfig {
    fn default() -> Self {
        Self {
            host: String::new(),
            port: 993,
            protection: Protection::Tls,
            roots: PathBuf::new(),
            username: String::new(),
            password: Secret::default(),
            folder: "INBOX".to_owned(),
            largest_bytes: 25 << 20,
            timeout_seconds: 120,
        }
    }
}

/// How far a mailbox was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// The life of the mailbox: UIDs of another one mean other messages.
    pub uid_validity: u32,
    /// The last UID that was read.
    pub last_uid: u32,
}

/// A message of the mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// Its UID.
    pub uid: u32,
    /// When the server received it: not what its sender claims.
    pub received_at: Option<DateTime<Utc>>,
    /// Its bytes: all of them, or only its headers when it is too large.
    pub raw: Vec<u8>,
    /// Whether it is too large, and `raw` holds its headers alone.
    pub too_large: bool,
}

/// What one look brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// The messages, in the order of their UIDs.
    pub messages: Vec<Fetched>,
    /// How far the mailbox is read when they are stored.
    pub cursor: Cursor,
    /// Whether there are more.
    pub more: bool,
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send + Debug {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send + Debug> Stream for T {}

type Connection = Session<Box<dyn Stream>>;

/// How old a message of a mailbox that was made anew may be: the ids of older ones may be forgotten, after
/// [`crate::worker::KEEP_MESSAGES`], and each would be a new report.
const KNOWN: TimeDelta = TimeDelta::days(60);
/// Bytes of one look at most: a mailbox of large messages must not fill the memory of a small machine.
const MOST_BYTES: usize = 64 << 20;

/// Looks for at most `most` messages after a cursor.
///
/// # Errors
/// When the server cannot be reached, does not let in, or takes too long before the first message is there.
pub async fn look(
    config: &ImapConfig,
    after: Option<Cursor>,
    most: usize,
    now: DateTime<Utc>,
) -> anyhow::Result<Look> {
    const SLOW: &str = "the mail server took too long";
    let patience = Duration::from_secs(config.timeout_seconds.into());
    let until = Instant::now() + patience;
    let opening = async {
        let (mut session, uid_validity) = open(config).await?;
        let found = search(&mut session, after, uid_validity, now).await?;
        anyhow::Ok((session, uid_validity, found))
    };
    let (mut session, uid_validity, (last_uid, uids)) = timeout_at(until, opening).await.context(SLOW)??;
    let cursor = Cursor { uid_validity, last_uid };
    let mut look = Look { messages: Vec::new(), cursor, more: uids.len() > most };
    let mut bytes = 0;
    // One after the other, each kept as it comes: behind a slow line a few are better than none.
    for (nth, uid) in uids.into_iter().take(most).enumerate() {
        let whole = config.largest_bytes;
        let found = if nth == 0 {
            match timeout(patience, fetch(&mut session, uid, whole)).await {
                Ok(found) => found?,
                Err(_) => {
                    // The line is too slow for it. The connection stands in the midst of it, so another one is made.
                    session = timeout(patience, open(config)).await.context(SLOW)??.0;
                    timeout(patience, fetch(&mut session, uid, 0)).await.context(SLOW)??
                }
            }
        } else if Instant::now() >= until || bytes >= MOST_BYTES {
            look.more = true;
            break;
        } else {
            match timeout_at(until, fetch(&mut session, uid, whole)).await {
                Ok(Ok(found)) => found,
                // The next look begins with it, and tells what is wrong.
                Ok(Err(_)) | Err(_) => {
                    look.more = true;
                    return Ok(look);
                }
            }
        };
        bytes += found.as_ref().map_or(0, |it| it.raw.len());
        look.messages.extend(found);
        look.cursor.last_uid = uid;
    }
    // The answer is what counts; a server that does not say goodbye has given it all the same.
    let _farewell = timeout(Duration::from_secs(5), session.logout()).await;
    Ok(look)
}

/// A connection with the folder open, and its UIDVALIDITY.
async fn open(config: &ImapConfig) -> anyhow::Result<(Connection, u32)> {
    let mut session = connect(config).await?;
    let folder = session.examine(&config.folder).await.context("opening the folder")?;
    Ok((session, folder.uid_validity.context("the folder has no UIDVALIDITY")?))
}

/// The UID after which was searched, and the UIDs after it.
async fn search(
    session: &mut Connection,
    after: Option<Cursor>,
    uid_validity: u32,
    now: DateTime<Utc>,
) -> anyhow::Result<(u32, Vec<u32>)> {
    let known = after.filter(|it| it.uid_validity == uid_validity);
    let last = known.map_or(0, |it| it.last_uid);
    let Some(first) = last.checked_add(1) else { bail!("the folder has no UIDs left") };
    let mut query = format!("UID {first}:*");
    if after.is_some() && known.is_none() {
        query.push_str(&(now - KNOWN).format(" SINCE %-d-%b-%Y").to_string());
    }
    // `n:*` names the last message even when its UID is smaller.
    let uids = session.uid_search(query).await.context("searching")?;
    let mut uids: Vec<u32> = uids.into_iter().filter(|uid| *uid > last).collect();
    uids.sort_unstable();
    Ok((last, uids))
}

/// A message; `None` if it was deleted meanwhile.
async fn fetch(session: &mut Connection, uid: u32, largest: u32) -> anyhow::Result<Option<Fetched>> {
    let set = uid.to_string();
    let facts = session.uid_fetch(&set, "(UID RFC822.SIZE INTERNALDATE)").await?;
    let facts = facts.try_collect::<Vec<_>>().await.context("asking for a size")?;
    let Some(facts) = facts.iter().find(|it| it.uid == Some(uid)) else { return Ok(None) };
    let Some(size) = facts.size else { return Ok(None) };
    let received_at = facts.internal_date().map(|at| at.to_utc());
    let too_large = size > largest;
    let wanted = if too_large { "(UID BODY.PEEK[HEADER])" } else { "(UID BODY.PEEK[])" };
    let parts = session.uid_fetch(&set, wanted).await?;
    let parts = parts.try_collect::<Vec<_>>().await.context("fetching a message")?;
    let part = parts.iter().find(|it| it.uid == Some(uid));
    let raw = part.and_then(|it| if too_large { it.header() } else { it.body() }).map(<[u8]>::to_vec);
    Ok(raw.map(|raw| Fetched { uid, received_at, raw, too_large }))
}

async fn connect(config: &ImapConfig) -> anyhow::Result<Connection> {
    let socket = TcpStream::connect((config.host.as_str(), config.port)).await.context("connecting")?;
    let client = match config.protection {
        Protection::None => {
            let peer = socket.peer_addr().context("who is there")?;
            ensure!(peer.ip().is_loopback(), "without TLS only a server on this machine is logged in to");
            greeted(Box::new(socket)).await?
        }
        Protection::Tls => greeted(Box::new(encrypt(config, socket).await?)).await?,
        Protection::StartTls => {
            let mut plain = Client::new(socket);
            plain.read_response().await?.context("no greeting")?;
            plain.run_command_and_check_ok("STARTTLS", None).await.context("STARTTLS")?;
            // What a stranger put behind the answer would be read as said under TLS: the stream is taken out without a
            // buffer, and a server greets only once.
            Client::new(Box::new(encrypt(config, plain.into_inner()).await?) as Box<dyn Stream>)
        }
    };
    let login = client.login(&config.username, config.password.expose_secret()).await;
    // The error holds the client, and could hold what was sent: only that it failed is told.
    login.map_err(|(error, _)| anyhow::anyhow!("the mail server does not let us in: {}", kind(&error)))
}

fn kind(error: &async_imap::error::Error) -> &'static str {
    match error {
        async_imap::error::Error::No(_) => "name or password",
        async_imap::error::Error::Bad(_) => "the command was not understood",
        async_imap::error::Error::Io(_) | async_imap::error::Error::ConnectionLost => {
            "the connection was lost"
        }
        async_imap::error::Error::Parse(_)
        | async_imap::error::Error::Validate(_)
        | async_imap::error::Error::Append
        | _ => "it answers in another way than expected",
    }
}

async fn greeted(stream: Box<dyn Stream>) -> anyhow::Result<Client<Box<dyn Stream>>> {
    let mut client = Client::new(stream);
    client.read_response().await?.context("no greeting")?;
    Ok(client)
}

async fn encrypt(
    config: &ImapConfig,
    socket: TcpStream,
) -> anyhow::Result<tokio_rustls::client::TlsStream<TcpStream>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = if config.roots.as_os_str().is_empty() {
        rustls_platform_verifier::Verifier::new(Arc::clone(&provider))
    } else {
        let roots = CertificateDer::pem_file_iter(&config.roots)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .with_context(|| format!("reading {}", config.roots.display()))?;
        rustls_platform_verifier::Verifier::new_with_extra_roots(roots, Arc::clone(&provider))
    };
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier.context("the roots of this system")?))
        .with_no_client_auth();
    let name = ServerName::try_from(config.host.clone()).context("the name of the mail server")?;
    let connector = tokio_rustls::TlsConnector::from(Arc::new(tls));
    connector.connect(name, socket).await.context("TLS with the mail server")
}

#[cfg(test)]
mod tests {
    use mpp_kit::clock::{Clock as _, SystemClock};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::super::dovecot::Dovecot;
    use super::*;

    fn now() -> DateTime<Utc> {
        SystemClock.now()
    }

    fn mail(number: u32) -> String {
        format!(
            "From: a@b.example\r\nSubject: Nomor {number}\r\nMessage-ID: <{number}@b.example>\r\n\r\nIsi {number}\r\n"
        )
    }

    #[tokio::test]
    async fn c_06_a_real_server_is_read_from_where_the_last_look_ended() {
        let server = Dovecot::start().await;
        let config = server.config(Protection::None);
        for number in 1..=5 {
            server.deliver(&mail(number));
        }
        let first = look(&config, None, 3, now()).await.unwrap();
        assert_eq!(first.messages.len(), 3);
        assert!(first.more);
        let text = String::from_utf8(first.messages[0].raw.clone()).unwrap();
        assert!(text.contains("Subject: Nomor 1") && text.contains("Isi 1"), "{text}");
        let second = look(&config, Some(first.cursor), 3, now()).await.unwrap();
        assert_eq!((second.messages.len(), second.more), (2, false));
        // Nothing new: the last message is not read again, and nothing was marked as seen.
        let third = look(&config, Some(second.cursor), 3, now()).await.unwrap();
        assert_eq!((third.messages.len(), third.cursor), (0, second.cursor));
        assert_eq!(server.seen(), 0);
        // A mailbox that was made anew has other UIDs.
        let other = Cursor { uid_validity: second.cursor.uid_validity ^ 1, last_uid: 99 };
        assert_eq!(look(&config, Some(other), 9, now()).await.unwrap().messages.len(), 5);
    }

    #[tokio::test]
    async fn c_06_a_mailbox_that_was_made_anew_brings_nothing_back_that_may_be_forgotten_here() {
        let server = Dovecot::start().await;
        let config = server.config(Protection::None);
        server.deliver_aged(&mail(1), Duration::from_secs(100 * 24 * 3600));
        server.deliver(&mail(2));
        let all = look(&config, None, 9, now()).await.unwrap();
        assert_eq!(all.messages.len(), 2);
        let other = Cursor { uid_validity: all.cursor.uid_validity ^ 1, last_uid: 99 };
        let found = look(&config, Some(other), 9, now()).await.unwrap();
        assert_eq!(found.messages.iter().map(|it| it.uid).collect::<Vec<_>>(), [2]);
        assert_eq!(found.cursor, all.cursor);
    }

    /// A line to a mail server over which so many bytes come in a second.
    async fn slow_line(to: u16, rate: usize) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let far = TcpStream::connect(("127.0.0.1", to)).await.unwrap();
                let ((mut from_near, mut to_near), (mut from_far, mut to_far)) =
                    (near.into_split(), far.into_split());
                tokio::spawn(async move { tokio::io::copy(&mut from_near, &mut to_far).await });
                tokio::spawn(async move {
                    let mut bytes = vec![0; rate / 20];
                    while let Ok(count @ 1..) = from_far.read(&mut bytes).await {
                        if to_near.write_all(&bytes[..count]).await.is_err() {
                            return;
                        }
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                });
            }
        });
        port
    }

    #[tokio::test]
    async fn c_06_behind_a_slow_line_mails_come_a_few_at_a_time_and_none_holds_up_the_others() {
        let server = Dovecot::start().await;
        let plain = server.config(Protection::None);
        let port = slow_line(plain.port, 40_000).await;
        let config = ImapConfig { port, timeout_seconds: 4, ..plain };
        let large = |number, bytes: usize| format!("{}{}", mail(number), "baris\r\n".repeat(bytes / 7));
        // Together they take eight seconds; the third alone, fifteen.
        for (number, bytes) in [(1, 70_000), (2, 70_000), (3, 600_000), (4, 70_000), (5, 70_000)] {
            server.deliver(&large(number, bytes));
        }
        let (mut cursor, mut read, mut looks) = (None, Vec::new(), 0);
        loop {
            let found = look(&config, cursor, 50, now()).await.unwrap();
            cursor = Some(found.cursor);
            read.extend(found.messages.into_iter().map(|it| (it.uid, it.too_large)));
            looks += 1;
            if !found.more {
                break;
            }
        }
        assert_eq!(read, [(1, false), (2, false), (3, true), (4, false), (5, false)]);
        assert!(looks > 1);
    }

    #[tokio::test]
    async fn c_06_of_a_message_that_is_too_large_only_the_headers_come() {
        let server = Dovecot::start().await;
        let mut config = server.config(Protection::None);
        config.largest_bytes = 400;
        server.deliver(&format!("{}{}", mail(1), "x".repeat(600)));
        let found = look(&config, None, 9, now()).await.unwrap();
        let text = String::from_utf8(found.messages[0].raw.clone()).unwrap();
        assert!(found.messages[0].too_large && text.contains("Subject: Nomor 1") && !text.contains("xxx"));
    }

    #[tokio::test]
    async fn c_06_the_connection_is_encrypted_and_the_certificate_must_be_trusted() {
        let server = Dovecot::start().await;
        server.deliver(&mail(1));
        for protection in [Protection::Tls, Protection::StartTls] {
            let config = server.config(protection);
            assert_eq!(look(&config, None, 9, now()).await.unwrap().messages.len(), 1, "{protection:?}");
            let stranger = ImapConfig { roots: PathBuf::new(), ..config };
            let told = format!("{:#}", look(&stranger, None, 9, now()).await.unwrap_err());
            assert!(told.contains("TLS with the mail server"), "{told}");
        }
    }

    #[tokio::test]
    async fn c_06_a_wrong_password_is_told_without_it() {
        let server = Dovecot::start().await;
        let config = ImapConfig { password: Secret::from("salah-besar"), ..server.config(Protection::None) };
        let told = format!("{:#}", look(&config, None, 9, now()).await.unwrap_err());
        assert!(told.contains("name or password") && !told.contains("salah-besar"), "{told}");
        let nowhere = ImapConfig { port: 9, ..config };
        assert!(look(&nowhere, None, 9, now()).await.is_err());
    }
}
