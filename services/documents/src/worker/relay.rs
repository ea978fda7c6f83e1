//! Messages out: from the outbox to notifications, with the id of the row as request id, so that a repetition is one message.
//! Quiet hours, languages, limits and what became of a message are matters of notifications; it is asked for by the id of
//! the application there.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use chrono::{DateTime, NaiveDate, Utc};
use mpp_kit::client::PeerChannel;
use mpp_kit::component::{self, Env, Worker};
use mpp_kit::fault::{Language, chain};
use mpp_kit::relay::{self, TokenSource};
use mpp_kit::webhook::store as webhook;
use mpp_proto::identity::v1::identity_service_client::IdentityServiceClient;
use mpp_proto::identity::v1::{GetRoleHoldersRequest, Role};
use mpp_proto::notifications::v1::notifications_service_client::NotificationsServiceClient;
use mpp_proto::notifications::v1::{Addresses, CreateNotificationRequest, Recipient as To, recipient};

use crate::domain::code;
use crate::domain::document::Signature;
use crate::domain::notice::NoticeKind;
use crate::domain::step::StepRole;
use crate::domain::text::Text;
use crate::domain::workflow::Event;
use crate::error::Error;
use crate::rpc::Core;
use crate::rpc::case::Loaded;
use crate::store;
use crate::store::notice::{Message, NoticeState, Recipient};
use crate::store::webhook_notice::WebhookNotice;

/// Who sends.
pub(crate) const NOTIFICATIONS: component::Role = component::Role("notifications");
/// Who knows who holds a role.
pub(crate) const IDENTITY: component::Role = component::Role("identity");
/// The type of the message that tells an owner that his webhook gets nothing any more.
const WEBHOOK_DISABLED: &str = "webhook_nonaktif";
const BATCH: u64 = 100;
const EVERY: Duration = Duration::from_secs(1);

/// The worker.
pub(super) fn worker(env: &Env, core: &Arc<Core>, token: TokenSource) -> Worker {
    let client = NotificationsServiceClient::new(env.peers.channel(NOTIFICATIONS));
    let identity = IdentityServiceClient::new(env.peers.channel(IDENTITY));
    let relay = Relay { core: Arc::clone(core), client, identity, token };
    Worker::repeating("documents: messages out", env, EVERY, relay, |relay| {
        Box::pin(async move {
            let now = relay.core.now();
            // Neither waits for the other.
            if let Err(error) = relay.tell_owners(now).await {
                tracing::warn!(error = chain(&error), "owners of webhooks are told later");
            }
            relay.pass(now).await
        })
    })
}

struct Relay {
    core: Arc<Core>,
    client: NotificationsServiceClient<PeerChannel>,
    identity: IdentityServiceClient<PeerChannel>,
    token: TokenSource,
}

/// What goes out for a message.
enum Composed {
    /// This.
    Ready(Box<CreateNotificationRequest>),
    /// A call to each of those who hold its desk.
    ToHolders,
    /// Nothing: there is no address.
    NoContact,
    /// Nothing: what it calls for was done.
    Pointless,
}

impl Relay {
    /// Offers what waits.
    async fn pass(&self, now: DateTime<Utc>) -> Result<(), Error> {
        let queued = store::notice::due(&self.core.db.read, now, BATCH).await?;
        if queued.is_empty() {
            return Ok(());
        }
        let token = (self.token)().await.context("no token for notifications")?;
        for message in queued {
            if let Err(error) = self.offer(&message, &token, now).await {
                // It is offered again; the others do not wait for it.
                tracing::warn!(message = %message.id, error = chain(&error), "a message could not be offered");
                self.settle(&message, NoticeState::Queued, now).await?;
            }
        }
        Ok(())
    }

    /// Offers what owners of webhooks are to be told.
    async fn tell_owners(&self, now: DateTime<Utc>) -> Result<(), Error> {
        let queued = store::webhook_notice::due(&self.core.db.read, now, BATCH).await?;
        if queued.is_empty() {
            return Ok(());
        }
        let token = (self.token)().await.context("no token for notifications")?;
        for notice in queued {
            let state = match self.tell_owner(&notice, &token).await {
                Ok(state) => state,
                Err(error) => {
                    tracing::warn!(message = %notice.id, error = chain(&error), "a message could not be offered");
                    NoticeState::Queued
                }
            };
            let next_at =
                if state == NoticeState::Queued { now + relay::pause_after(notice.attempts) } else { now };
            let db = &self.core.db.write;
            if store::webhook_notice::moved(db, &notice, state, next_at, now).await?
                && state != NoticeState::Queued
            {
                self.core.metrics.told(state.into());
            }
        }
        Ok(())
    }

    async fn tell_owner(&self, notice: &WebhookNotice, token: &str) -> Result<NoticeState, Error> {
        let core = &self.core;
        // The writer: a reader may lag behind what its owner has just done.
        let found = webhook::find(&core.db.write, &core.cipher, notice.webhook).await?;
        // Deleted, or enabled again: there is nothing to be told any more.
        let Some(endpoint) = found.filter(|endpoint| endpoint.disable_reason == Some(notice.reason)) else {
            return Ok(NoticeState::Pointless);
        };
        let kind = recipient::Kind::AccountId(notice.owner.clone());
        let request = CreateNotificationRequest {
            request_id: notice.id.to_string(),
            reference: endpoint.id.to_string(),
            message_type: WEBHOOK_DISABLED.to_owned(),
            // Owners are written to in the language of their contact.
            recipient: Some(To { kind: Some(kind), language: String::new() }),
            placeholders: HashMap::from([
                ("webhook".to_owned(), endpoint.id.to_string()),
                ("host".to_owned(), endpoint.host()),
                ("sebab".to_owned(), endpoint.why_disabled(notice.reason)),
            ]),
            ..CreateNotificationRequest::default()
        };
        self.create(request, token).await
    }

    /// Has notifications take a message.
    async fn create(&self, request: CreateNotificationRequest, token: &str) -> Result<NoticeState, Error> {
        let message = request.request_id.clone();
        Ok(match self.client.clone().create_notification(relay::request(request, token)?).await {
            Ok(_) => NoticeState::Sent,
            Err(status) if relay::may_be_taken_later(status.code()) => {
                tracing::warn!(code = %status.code(), message, "notifications did not take a message; it is offered again");
                NoticeState::Queued
            }
            Err(status) => {
                tracing::error!(code = %status.code(), message, "notifications refuses a message");
                NoticeState::Refused
            }
        })
    }

    async fn offer(&self, message: &Message, token: &str, now: DateTime<Utc>) -> Result<(), Error> {
        let request = match self.compose(message).await? {
            Composed::Ready(request) => *request,
            Composed::ToHolders => return self.call_holders(message, token, now).await,
            Composed::NoContact => return self.settle(message, NoticeState::NoContact, now).await,
            Composed::Pointless => return self.settle(message, NoticeState::Pointless, now).await,
        };
        let state = self.create(request, token).await?;
        self.settle(message, state, now).await
    }

    /// Puts a call to each of those who hold a desk in the place of the one to the desk.
    async fn call_holders(&self, message: &Message, token: &str, now: DateTime<Utc>) -> Result<(), Error> {
        let mut accounts = BTreeSet::new();
        for role in &message.body.roles {
            let request = GetRoleHoldersRequest { role: held(*role).into(), area: message.body.area.clone() };
            let answer = self.identity.clone().get_role_holders(relay::request(request, token)?).await;
            accounts.extend(answer.context("identity does not say who holds a role")?.into_inner().accounts);
        }
        if accounts.is_empty() {
            return self.settle(message, NoticeState::NoContact, now).await;
        }
        self.core.call_holders(message, accounts, now).await
    }

    async fn settle(&self, message: &Message, state: NoticeState, now: DateTime<Utc>) -> Result<(), Error> {
        let next_at = match state {
            NoticeState::Queued => now + relay::pause_after(message.attempts),
            NoticeState::Sent | NoticeState::Refused | NoticeState::NoContact | NoticeState::Pointless => now,
        };
        let tx = self.core.db.begin().await?;
        let is_moved = store::notice::moved(&tx, message, state, next_at, now).await?;
        // Asked once its row is held, and of the writer: a reader may lag behind a letter that the call covers.
        if state == NoticeState::Pointless && store::notice::is_waiting(&tx, &message.body).await? {
            return Ok(());
        }
        tx.commit().await?;
        if is_moved && state != NoticeState::Queued {
            self.core.metrics.told(state.into());
        }
        Ok(())
    }

    async fn compose(&self, message: &Message) -> Result<Composed, Error> {
        let core = &self.core;
        let loaded = core.application(&core.db.read, message.application).await?;
        if !message.body.roles.is_empty() && !store::notice::is_waiting(&core.db.read, &message.body).await? {
            return Ok(Composed::Pointless);
        }
        let (kind, language) = match &message.recipient {
            Recipient::Holders => return Ok(Composed::ToHolders),
            // Officials are written to in the language of their contact.
            Recipient::Account(account) => (recipient::Kind::AccountId(account.clone()), String::new()),
            Recipient::Applicant => {
                let Some(contact) = loaded.contact() else { return Ok(Composed::NoContact) };
                let addresses = Addresses { whatsapp: contact.whatsapp, email: contact.email, direct: None };
                (recipient::Kind::Addresses(addresses), loaded.record.case.told_in().to_string())
            }
        };
        let (message_type, gaps) = type_of(message.kind, loaded.signature());
        let mut placeholders = HashMap::new();
        for gap in gaps {
            placeholders.insert((*gap).to_owned(), self.fill(gap, message, &loaded)?);
        }
        Ok(Composed::Ready(Box::new(CreateNotificationRequest {
            request_id: message.id.to_string(),
            reference: message.application.to_string(),
            message_type: message_type.to_owned(),
            recipient: Some(To { kind: Some(kind), language }),
            placeholders,
            ..CreateNotificationRequest::default()
        })))
    }

    /// What fills a gap. Always the same for one message, however often it is offered.
    fn fill(&self, gap: &str, message: &Message, loaded: &Loaded) -> Result<String, Error> {
        let core = &self.core;
        let id = message.application;
        let language = match message.recipient {
            Recipient::Applicant => loaded.record.case.told_in(),
            Recipient::Account(_) | Recipient::Holders => Language::Id,
        };
        let event = message.body.event.and_then(|at| loaded.record.case.history.get(at));
        let code = || Ok::<_, Error>(code::grouped(&core.receipt_code(id)?));
        let or_dash =
            |text: Option<String>| text.filter(|it| !it.is_empty()).unwrap_or_else(|| "-".to_owned());
        Ok(match gap {
            "jenis" => in_language(&loaded.letter.title, language).to_owned(),
            "kode" => code()?,
            "tautan" => format!("{}/permohonan/{}", core.base_url, code()?),
            "periksa" => {
                format!("{}/s/{}", core.base_url, code::grouped(&core.verification_code(id)?))
            }
            "meja" => format!("{}/meja/{id}", core.base_url),
            "meja_tanda_tangan" => format!("{}/meja/tanda-tangan", core.base_url),
            "kantor" => self.office(message, event, loaded)?,
            "alasan" => or_dash(event.and_then(|event| {
                if let Event::Returned { reason, .. } | Event::Rejected { reason, .. } = event {
                    Some(reason.text.clone())
                } else {
                    None
                }
            })),
            "jumlah" => or_dash(event.and_then(|event| {
                if let Event::PaymentAsked { amount, .. } = event { Some(rupiah(*amount)) } else { None }
            })),
            "batas" => or_dash(event.and_then(|event| {
                if let Event::PaymentAsked { due, .. } = event { Some(date(*due)) } else { None }
            })),
            "kode_bayar" => {
                or_dash(loaded.application().payment.as_ref().and_then(|it| it.billing_code.clone()))
            }
            "tenggat" => or_dash(event.and_then(|event| {
                if let Event::Escalated { due, .. } | Event::DeemedGranted { due, .. } = event {
                    let zone = loaded.issuer().ok()?.zone();
                    Some(format!("{} {zone}", zone.local(*due).format("%d-%m-%Y %H:%M")))
                } else {
                    None
                }
            })),
            other => return Err(anyhow::anyhow!("nothing fills the gap {other}").into()),
        })
    }

    /// The office that an official's message is about, or that issued the letter.
    fn office(&self, message: &Message, event: Option<&Event>, loaded: &Loaded) -> Result<String, Error> {
        let step = event.and_then(|event| {
            if let Event::StepEntered { step, .. } | Event::Escalated { step, .. } = event {
                Some(*step)
            } else {
                None
            }
        });
        let planned = step.and_then(|step| loaded.application().plan.steps.get(step));
        let office = planned.and_then(|planned| loaded.office(planned.step.level.office()));
        match office.filter(|_| message.recipient != Recipient::Applicant) {
            Some(office) => Ok(office.name.clone()),
            None => Ok(loaded.issuer()?.name.clone()),
        }
    }
}

/// The role in which identity knows who takes a step.
fn held(role: StepRole) -> Role {
    match role {
        StepRole::RtHead => Role::RtHead,
        StepRole::RwHead => Role::RwHead,
        StepRole::VillageOfficer => Role::VillageOfficer,
        StepRole::VillageSecretary => Role::VillageSecretary,
        StepRole::VillageHead => Role::VillageHead,
        StepRole::SubDistrictOfficer => Role::SubDistrictOfficer,
        StepRole::SubDistrictHead => Role::SubDistrictHead,
        StepRole::AgencyOfficer => Role::AgencyOfficer,
        StepRole::AgencyHead => Role::AgencyHead,
    }
}

/// A text in a language; in Indonesian where only that has force.
fn in_language(text: &Text, language: Language) -> &str {
    match language {
        Language::En if !text.en.is_empty() => &text.en,
        Language::En | Language::Id => &text.id,
    }
}

/// Whole rupiah as they are written: `Rp1.250.000`.
fn rupiah(amount: i64) -> String {
    let digits = amount.to_string();
    let mut written = String::from("Rp");
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            written.push('.');
        }
        written.push(digit);
    }
    written
}

fn date(date: NaiveDate) -> String {
    date.format("%d-%m-%Y").to_string()
}

/// The type of a message at notifications, with its gaps.
fn type_of(kind: NoticeKind, signature: Signature) -> (&'static str, &'static [&'static str]) {
    match kind {
        NoticeKind::Received => ("surat_diterima", &["jenis", "kode", "tautan"]),
        NoticeKind::Returned => ("surat_dikembalikan", &["jenis", "kode", "alasan", "tautan"]),
        NoticeKind::Rejected => ("surat_ditolak", &["jenis", "kode", "alasan", "tautan"]),
        NoticeKind::Payment => {
            ("surat_menunggu_pembayaran", &["jenis", "kode", "jumlah", "kode_bayar", "batas", "tautan"])
        }
        NoticeKind::Issued => {
            let name = match signature {
                Signature::Electronic => "surat_terbit",
                // What is no electronic signature is not called one.
                Signature::ByHand => "surat_terbit_basah",
            };
            (name, &["jenis", "kode", "tautan", "periksa"])
        }
        NoticeKind::Replaced => ("surat_digantikan", &["jenis", "kode", "tautan", "periksa"]),
        NoticeKind::Revoked => ("surat_dicabut", &["jenis", "kode", "kantor", "periksa"]),
        NoticeKind::Waits => ("surat_menunggu_anda", &["jenis", "kantor", "meja"]),
        NoticeKind::WaitsForSignature => {
            ("surat_menunggu_tanda_tangan", &["jenis", "kantor", "meja_tanda_tangan"])
        }
        NoticeKind::Late => ("surat_terlambat", &["jenis", "kantor", "tenggat", "meja"]),
        NoticeKind::DeemedGranted => ("surat_dianggap_dikabulkan", &["jenis", "kantor", "tenggat", "meja"]),
    }
}

#[cfg(test)]
mod tests {
    use super::rupiah;

    #[test]
    fn money_is_written_as_people_read_it() {
        for (amount, written) in
            [(0, "Rp0"), (999, "Rp999"), (50_000, "Rp50.000"), (1_250_000, "Rp1.250.000")]
        {
            assert_eq!(rupiah(amount), written);
        }
    }
}
