//! Fetching e-mail by IMAP (RFC 9051 and 3501), from where the last look ended.
//!
//! The cursor is the pair (UIDVALIDITY, last UID): UIDs only grow, so nothing is missed and flags that people set in the
//! same mailbox do not matter. Messages are peeked at: the mailbox is left as it was. A mailbox that was made anew starts
//! over, and what comes twice is one message by its own id.

use std::fmt::Debug;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use async_imap::{Client, Session};
use chrono::{DateTime, Utc};
use futures::TryStreamExt as _;
use mpp_kit::config::{ExposeSecret as _, Secret};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

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
    /// Messages larger than this are not fetched, in bytes; their senders are told.
    pub largest_bytes: u32,
    /// How long one look may take, in seconds.
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

/// Looks for at most `most` messages after a cursor.
///
/// # Errors
/// When the server cannot be reached, does not let in, or takes too long; what was fetched is fetched again.
pub async fn look(config: &ImapConfig, after: Option<Cursor>, most: usize) -> anyhow::Result<Look> {
    let patience = Duration::from_secs(config.timeout_seconds.into());
    let looking = async {
        let mut session = connect(config).await?;
        let found = read(&mut session, config, after, most).await;
        // The answer is what counts; a server that does not say goodbye has given it all the same.
        let _farewell = tokio::time::timeout(Duration::from_secs(5), session.logout()).await;
        found
    };
    tokio::time::timeout(patience, looking).await.context("the mail server took too long")?
}

async fn read(
    session: &mut Connection,
    config: &ImapConfig,
    after: Option<Cursor>,
    most: usize,
) -> anyhow::Result<Look> {
    let folder = session.examine(&config.folder).await.context("opening the folder")?;
    let uid_validity = folder.uid_validity.context("the folder has no UIDVALIDITY")?;
    let last = after.filter(|it| it.uid_validity == uid_validity).map_or(0, |it| it.last_uid);
    let Some(first) = last.checked_add(1) else { bail!("the folder has no UIDs left") };
    // `n:*` names the last message even when its UID is smaller.
    let mut uids = session.uid_search(format!("UID {first}:*")).await.context("searching")?;
    uids.retain(|uid| *uid > last);
    let mut uids = uids.into_iter().collect::<Vec<_>>();
    uids.sort_unstable();
    let more = uids.len() > most;
    uids.truncate(most);
    let mut messages = Vec::with_capacity(uids.len());
    for uid in &uids {
        // One after the other: a mailbox of large messages must not fill the memory of a small machine.
        if let Some(message) = fetch(session, config, *uid).await? {
            messages.push(message);
        }
    }
    let last_uid = uids.last().copied().unwrap_or(last);
    Ok(Look { messages, cursor: Cursor { uid_validity, last_uid }, more })
}

/// A message; `None` if it was deleted meanwhile.
async fn fetch(session: &mut Connection, config: &ImapConfig, uid: u32) -> anyhow::Result<Option<Fetched>> {
    let set = uid.to_string();
    let facts = session.uid_fetch(&set, "(UID RFC822.SIZE INTERNALDATE)").await?;
    let facts = facts.try_collect::<Vec<_>>().await.context("asking for a size")?;
    let Some(facts) = facts.iter().find(|it| it.uid == Some(uid)) else { return Ok(None) };
    let Some(size) = facts.size else { return Ok(None) };
    let received_at = facts.internal_date().map(|at| at.to_utc());
    let too_large = size > config.largest_bytes;
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
    use super::super::dovecot::Dovecot;
    use super::*;

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
        let first = look(&config, None, 3).await.unwrap();
        assert_eq!(first.messages.len(), 3);
        assert!(first.more);
        let text = String::from_utf8(first.messages[0].raw.clone()).unwrap();
        assert!(text.contains("Subject: Nomor 1") && text.contains("Isi 1"), "{text}");
        let second = look(&config, Some(first.cursor), 3).await.unwrap();
        assert_eq!((second.messages.len(), second.more), (2, false));
        // Nothing new: the last message is not read again, and nothing was marked as seen.
        let third = look(&config, Some(second.cursor), 3).await.unwrap();
        assert_eq!((third.messages.len(), third.cursor), (0, second.cursor));
        assert_eq!(server.seen(), 0);
        // A mailbox that was made anew has other UIDs.
        let other = Cursor { uid_validity: second.cursor.uid_validity ^ 1, last_uid: 99 };
        assert_eq!(look(&config, Some(other), 9).await.unwrap().messages.len(), 5);
    }

    #[tokio::test]
    async fn c_06_of_a_message_that_is_too_large_only_the_headers_come() {
        let server = Dovecot::start().await;
        let mut config = server.config(Protection::None);
        config.largest_bytes = 400;
        server.deliver(&format!("{}{}", mail(1), "x".repeat(600)));
        let found = look(&config, None, 9).await.unwrap();
        let text = String::from_utf8(found.messages[0].raw.clone()).unwrap();
        assert!(found.messages[0].too_large && text.contains("Subject: Nomor 1") && !text.contains("xxx"));
    }

    #[tokio::test]
    async fn c_06_the_connection_is_encrypted_and_the_certificate_must_be_trusted() {
        let server = Dovecot::start().await;
        server.deliver(&mail(1));
        for protection in [Protection::Tls, Protection::StartTls] {
            let config = server.config(protection);
            assert_eq!(look(&config, None, 9).await.unwrap().messages.len(), 1, "{protection:?}");
            let stranger = ImapConfig { roots: PathBuf::new(), ..config };
            let told = format!("{:#}", look(&stranger, None, 9).await.unwrap_err());
            assert!(told.contains("TLS with the mail server"), "{told}");
        }
    }

    #[tokio::test]
    async fn c_06_a_wrong_password_is_told_without_it() {
        let server = Dovecot::start().await;
        let config = ImapConfig { password: Secret::from("salah-besar"), ..server.config(Protection::None) };
        let told = format!("{:#}", look(&config, None, 9).await.unwrap_err());
        assert!(told.contains("name or password") && !told.contains("salah-besar"), "{told}");
        let nowhere = ImapConfig { port: 9, ..config };
        assert!(look(&nowhere, None, 9).await.is_err());
    }
}
