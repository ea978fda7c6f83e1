//! E-mail by SMTP (RFC 5321) through the mail server of the installation.
//!
//! The Message-ID is the same at every attempt, so that receivers collapse repetitions. The envelope sender names the message
//! (VERP), so that a bounce does. Mails say that a machine wrote them (RFC 3834); digests say how they are ended (RFC 8058).

use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use lettre::address::Envelope;
use lettre::message::Mailbox;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use mpp_kit::config::ExposeSecret as _;

use super::{Channel, Message, Report, of_tag};
use crate::config::{EmailConfig, Security};
use crate::domain::NotificationId;
use crate::domain::outcome::Outcome;

/// The mail server.
pub(crate) struct Email {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    domain: String,
}

/// The local part of envelope senders, before the name of the message.
pub(crate) const BOUNCES: &str = "pantul";

impl Email {
    /// The mail server of these settings.
    ///
    /// # Errors
    /// A sentence that names the setting.
    pub(crate) fn new(config: &EmailConfig) -> anyhow::Result<Self> {
        let tls = match config.security {
            Security::Starttls => Tls::Required(trusted(config)?),
            Security::Tls => Tls::Wrapper(trusted(config)?),
            Security::None => Tls::None,
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&config.host)
            .tls(tls)
            .port(config.port)
            .timeout(Some(Duration::from_secs(config.timeout_seconds.into())));
        if !config.username.is_empty() {
            let password = config.password.expose_secret().to_owned();
            builder = builder.credentials(Credentials::new(config.username.clone(), password));
        }
        Ok(Self {
            transport: builder.build(),
            from: config.from.parse().context("setting notifications.email.from")?,
            domain: config.domain.clone(),
        })
    }

    fn written(&self, message: &Message) -> anyhow::Result<lettre::Message> {
        let tag = message.tag();
        let to: Address = message.address.parse().context("an address")?;
        let sender: Address =
            format!("{BOUNCES}+{tag}@{}", self.domain).parse().context("an envelope sender")?;
        let mut builder = lettre::Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to.clone()))
            .subject(one_line(&message.subject))
            .message_id(Some(format!("<{tag}@{}>", self.domain)))
            .date(message.at.into())
            .envelope(Envelope::new(Some(sender), vec![to])?)
            .raw_header(header("Auto-Submitted", "auto-generated".to_owned())?)
            .raw_header(header("X-Auto-Response-Suppress", "All".to_owned())?);
        if !message.reply_to.is_empty() {
            builder = builder.reply_to(message.reply_to.parse().context("an address for answers")?);
        }
        if let Some(url) = &message.unsubscribe {
            builder = builder
                .raw_header(header("List-Unsubscribe", format!("<{url}>"))?)
                .raw_header(header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".to_owned())?);
        }
        Ok(builder.header(ContentType::TEXT_PLAIN).body(message.with_links())?)
    }
}

/// Whom the mail server must be certified by: what every system trusts, and the roots of the settings.
fn trusted(config: &EmailConfig) -> anyhow::Result<TlsParameters> {
    let mut builder = TlsParameters::builder(config.host.clone());
    if !config.roots.as_os_str().is_empty() {
        let setting = || format!("setting notifications.email.roots: {}", config.roots.display());
        let pem = std::fs::read(&config.roots).with_context(setting)?;
        builder = builder.add_root_certificate(Certificate::from_pem(&pem).with_context(setting)?);
    }
    builder.build().context("setting notifications.email.host")
}

fn header(name: &'static str, value: String) -> anyhow::Result<HeaderValue> {
    let name = HeaderName::new_from_ascii(name.to_owned()).context("a header name")?;
    Ok(HeaderValue::new(name, value))
}

/// A subject is one line, whatever fills its gaps.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[async_trait]
impl Channel for Email {
    async fn send(&self, message: &Message) -> Report {
        let Ok(mail) = self.written(message) else {
            return Report::of(Outcome::Refused, "MESSAGE");
        };
        match self.transport.send(mail).await {
            Ok(response) => Report {
                code: response.code().to_string(),
                ..Report::accepted(format!("{}@{}", message.tag(), self.domain))
            },
            Err(error) => judge(&error),
        }
    }
}

/// What a refusal means. The text of the server is looked at for its enhanced status code (RFC 3463) and is not kept: it may
/// quote the address.
fn judge(error: &SmtpError) -> Report {
    let Some(code) = error.status() else {
        // No answer, or none that can be read. The Message-ID makes a repetition harmless.
        let code = if error.is_timeout() {
            "TIMEOUT"
        } else if error.is_client() {
            // No STARTTLS, or no way to sign in that we know: what it lacks is never done without.
            "NOT_OFFERED"
        } else {
            "CONNECTION"
        };
        return Report::of(Outcome::ProviderFailed, code);
    };
    let code = code.to_string();
    let text = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    let enhanced = enhanced(&text);
    let told = enhanced.clone().unwrap_or_else(|| code.clone());
    Report::of(of_status(&code, enhanced.as_deref()), told)
}

fn of_status(code: &str, enhanced: Option<&str>) -> Outcome {
    match (code, enhanced) {
        (_, Some("5.2.2" | "4.2.2")) | ("552", None) => Outcome::Busy,
        ("535" | "530" | "534" | "538", _) => Outcome::AccountLocked,
        ("421", _) => Outcome::ProviderFailed,
        (code, _) if code.starts_with('4') => Outcome::Busy,
        (_, Some(status)) if status.starts_with("5.7.") => Outcome::HeldBack,
        (_, Some(status)) if status.starts_with("5.1.") || status.starts_with("5.2.") => {
            Outcome::Undeliverable
        }
        ("550" | "551" | "553", _) => Outcome::Undeliverable,
        _ => Outcome::Refused,
    }
}

/// The first enhanced status code in a text, such as `5.1.1`.
fn enhanced(text: &str) -> Option<String> {
    text.split(|c: char| !(c.is_ascii_digit() || c == '.')).find_map(|word| {
        let parts: Vec<&str> = word.split('.').collect();
        let [class, subject, detail] = parts.as_slice() else { return None };
        let short = |part: &str| (1..=3).contains(&part.len());
        (["2", "4", "5"].contains(class) && short(subject) && short(detail)).then(|| word.to_owned())
    })
}

/// The outcome that a bounce reports by its enhanced status code: a full mailbox passes, the rest does not.
pub(crate) fn of_bounce(status: &str) -> Outcome {
    if status.starts_with("5.") && status != "5.2.2" { Outcome::Undeliverable } else { Outcome::Busy }
}

/// The message that an envelope address names: `pantul+ntf_….1@…`.
pub(crate) fn of_envelope(address: &str) -> Option<(NotificationId, u32)> {
    let (local, _) = address.rsplit_once('@')?;
    of_tag(local.strip_prefix(BOUNCES)?.strip_prefix('+')?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_servers_are_read_by_their_codes() {
        for (code, text, outcome) in [
            ("550", "5.1.1 user unknown", Outcome::Undeliverable),
            ("550", "no such user", Outcome::Undeliverable),
            ("552", "5.2.2 mailbox full", Outcome::Busy),
            ("451", "4.7.1 greylisted", Outcome::Busy),
            ("421", "4.3.2 shutting down", Outcome::ProviderFailed),
            ("535", "5.7.8 bad credentials", Outcome::AccountLocked),
            ("554", "5.7.1 blocked", Outcome::HeldBack),
            ("501", "5.5.4 syntax", Outcome::Refused),
        ] {
            assert_eq!(of_status(code, enhanced(text).as_deref()), outcome, "{code} {text}");
        }
        assert_eq!(enhanced("smtp 10.0.0.1 said 5.1.1"), Some("5.1.1".to_owned()));
        assert_eq!(enhanced("see https://a.b/5"), None);
    }

    #[test]
    fn an_envelope_names_its_message() {
        let id = NotificationId::generate();
        assert_eq!(of_envelope(&format!("pantul+{id}.2@contohkab.go.id")), Some((id, 2)));
        let foreign =
            ["pantul@contohkab.go.id", "{}.2@x", "pantul+{}@x", "pantul+{}.x@x", "pantul+ntf_abc.2@x"];
        for foreign in foreign.map(|it| it.replace("{}", &id.to_string())) {
            assert_eq!(of_envelope(&foreign), None, "{foreign}");
        }
        assert_eq!(of_bounce("5.1.1"), Outcome::Undeliverable);
        assert_eq!(of_bounce("5.2.2"), Outcome::Busy);
    }
}
