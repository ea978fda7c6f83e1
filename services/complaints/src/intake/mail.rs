//! E-mail at work: a mailbox is read from where the last look ended; messages and the new end are stored in one
//! transaction, so that a crash reads again and nothing is missed or doubled.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use mpp_kit::client::PeerChannel;
use mpp_kit::component::{Env, Worker};
use mpp_kit::fault::chain;
use mpp_kit::relay::TokenSource;
use mpp_proto::notifications::v1::ReportBounceRequest;
use mpp_proto::notifications::v1::notifications_service_client::NotificationsServiceClient;
use tonic::{Code, Request};

use super::config::MailboxConfig;
use super::email::{self, Bounce, Mail, Mailbox, Nature};
use super::envelope::{Kind, Source};
use super::imap::{self, Fetched};
use super::place::keep;
use super::receive::{self, Content, MailFacts};
use crate::rpc::Core;
use crate::store;
use crate::store::channel::MessageState;
use crate::worker::NOTIFICATIONS;

/// Messages of one look.
const BATCH: usize = 50;
/// Bounces that are told in one pass.
const BOUNCES: u64 = 100;

/// Reads one mailbox.
pub(crate) struct Reader {
    core: Arc<Core>,
    name: String,
    config: MailboxConfig,
    mailbox: Mailbox,
}

impl Reader {
    /// A reader of the mailbox with this key in the configuration.
    pub(crate) fn new(core: Arc<Core>, name: &str, config: &MailboxConfig) -> Self {
        Self { core, name: name.to_owned(), config: config.clone(), mailbox: config.mailbox() }
    }

    /// Reads what is new. Answers the bounces among it; those of messages of ours are kept until they are told.
    ///
    /// # Errors
    /// When the mail server or the database does not answer; the next pass reads again.
    pub(crate) async fn tick(&self, now: DateTime<Utc>) -> anyhow::Result<Vec<Bounce>> {
        let mut bounces = Vec::new();
        loop {
            let cursor = store::mailbox::find(&self.core.db.read, &self.name).await?;
            let look = imap::look(&self.config.imap, cursor, BATCH, now).await?;
            let mut contents = Vec::with_capacity(look.messages.len());
            let before = bounces.len();
            for fetched in &look.messages {
                let Ok(mail) = email::read(&self.mailbox, &fetched.raw) else {
                    tracing::warn!(uid = fetched.uid, "a message of the mailbox is no mail");
                    continue;
                };
                if let Nature::Bounce(bounce) = &mail.nature {
                    bounces.push(bounce.clone());
                }
                contents.push(self.content(fetched, mail, now).await?);
            }
            let tx = self.core.db.begin().await?;
            receive::store(&self.core, &tx, contents, now).await?;
            store::mailbox::save(&tx, &self.name, look.cursor, now).await?;
            // Kept with what was read: notifications may be away just now.
            for bounce in &bounces[before..] {
                match ours(bounce) {
                    Some(message) => {
                        store::mailbox::keep_bounce(&tx, (message, &bounce.status), now).await?;
                    }
                    // A report about something that we did not send, or that does not say what it is about.
                    None => tracing::info!(status = bounce.status, "a bounce names no message of ours"),
                }
            }
            tx.commit().await.context("storing what was read")?;
            if !look.more {
                return Ok(bounces);
            }
        }
    }

    /// What is kept of a mail. Of what no person wrote, only that it came.
    async fn content(
        &self,
        fetched: &Fetched,
        mail: Mail,
        now: DateTime<Utc>,
    ) -> anyhow::Result<(Content, MessageState)> {
        let Mail { mut envelope, nature, subject, hints, verdict } = mail;
        // The date in the mail is what its sender claims, and deadlines run from when it was received.
        envelope.sent_at = fetched.received_at;
        if nature != Nature::Person {
            envelope.text.clear();
            envelope.attachments.clear();
            let content = Content { envelope, files: Vec::new(), mail: None };
            return Ok((content, MessageState::Ignored));
        }
        let mut files = Vec::new();
        if fetched.too_large {
            envelope.text =
                "(Isi surel ini terlalu besar untuk diambil; aslinya ada di kotak surat.)".to_owned();
            envelope.attachments.clear();
        }
        let conversation = receive::conversation(&self.core, &envelope);
        for attachment in &envelope.attachments {
            let Some(bytes) = attachment.part.and_then(|part| email::part(&fetched.raw, part)) else {
                continue;
            };
            match keep(&self.core, &bytes, (Source::Email, Kind::Document), Some(&conversation), now).await? {
                Ok(id) => files.push(id),
                Err(unfit) => {
                    envelope.text.push_str("\n(Lampiran tidak disimpan: ");
                    envelope.text.push_str(super::place::why(unfit));
                    envelope.text.push_str(".)");
                }
            }
        }
        let mail = Some(MailFacts { subject, hints, verdict });
        Ok((Content { envelope, files, mail }, MessageState::Waiting))
    }
}

/// The workers of all mailboxes.
pub(crate) fn workers(env: &Env, core: &Arc<Core>, token: &TokenSource) -> Vec<Worker> {
    let mailboxes = core.config.channels.email.iter();
    let told = Told {
        client: NotificationsServiceClient::new(env.peers.channel(NOTIFICATIONS)),
        token: Arc::clone(token),
    };
    mailboxes
        .map(|(name, config)| worker(env, Reader::new(Arc::clone(core), name, config), told.clone()))
        .collect()
}

fn worker(env: &Env, reader: Reader, told: Told) -> Worker {
    let every = Duration::from_secs(reader.config.every_seconds.into());
    Worker::repeating("complaints: a mailbox", env, every, (reader, told), |(reader, told)| {
        Box::pin(async move {
            // What was read before is told also when the mail server does not answer.
            let read = reader.tick(reader.core.now()).await;
            tell(&reader.core, |bounce| told.report(bounce)).await?;
            read.map(|_| ())
        })
    })
}

/// Who has to know of a bounce: the service that sent the mail marks the address and tries another way.
#[derive(Clone)]
struct Told {
    client: NotificationsServiceClient<PeerChannel>,
    token: TokenSource,
}

impl Told {
    async fn report(&self, bounce: ReportBounceRequest) -> anyhow::Result<()> {
        let token = (self.token)().await?;
        let mut request = Request::new(bounce);
        request.metadata_mut().insert("authorization", format!("Bearer {token}").parse()?);
        request.set_timeout(Duration::from_secs(10));
        match self.client.clone().report_bounce(request).await {
            Ok(_) => Ok(()),
            // It knows no such message, or not any more: asking again changes nothing.
            Err(status) if matches!(status.code(), Code::NotFound | Code::InvalidArgument) => {
                tracing::warn!(code = %status.code(), "notifications refuses a bounce");
                Ok(())
            }
            Err(status) => Err(status.into()),
        }
    }
}

/// Tells the bounces that are kept. One that cannot be told now is told by a later pass.
pub(crate) async fn tell<F, R>(core: &Core, report: F) -> anyhow::Result<()>
where
    F: Fn(ReportBounceRequest) -> R,
    R: Future<Output = anyhow::Result<()>>,
{
    for (message, status) in store::mailbox::bounces(&core.db.read, BOUNCES).await? {
        match report(request(&message, &status)).await {
            Ok(()) => store::mailbox::forget_bounce(&core.db.write, &message).await?,
            Err(error) => {
                let error: &(dyn std::error::Error + 'static) = error.as_ref();
                tracing::warn!(error = chain(error), "a bounce could not be told to notifications");
                break;
            }
        }
    }
    Ok(())
}

/// The message of ours that a bounce is about: its message id, `ntf_….1@…`.
fn ours(bounce: &Bounce) -> Option<&str> {
    let (message, _) = bounce.original.split_once('@')?;
    message.starts_with("ntf_").then_some(bounce.original.as_str())
}

/// A bounce as notifications knows it: by the envelope address of the message, `pantul+ntf_….1@…`, which follows from its
/// message id.
fn request(original: &str, status: &str) -> ReportBounceRequest {
    let message = original.split_once('@').map_or(original, |(message, _)| message);
    ReportBounceRequest {
        // A report that comes twice is one.
        request_id: format!("bounce-{message}"),
        envelope: format!("pantul+{original}"),
        status_code: status.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c_07_a_bounce_is_told_by_the_envelope_of_our_message() {
        let bounce = |original: &str| Bounce {
            original: original.to_owned(),
            status: "5.1.1".to_owned(),
            ..Bounce::default()
        };
        let told = bounce("ntf_01h455vb4pex5vsknk084sn02q.1@contoh.go.id");
        let told = request(ours(&told).unwrap(), &told.status);
        assert_eq!(told.request_id, "bounce-ntf_01h455vb4pex5vsknk084sn02q.1");
        assert_eq!(told.envelope, "pantul+ntf_01h455vb4pex5vsknk084sn02q.1@contoh.go.id");
        assert_eq!(told.status_code, "5.1.1");
        for foreign in ["", "abc@warga.example", "ntf_1"] {
            assert_eq!(ours(&bounce(foreign)), None, "{foreign}");
        }
    }
}
