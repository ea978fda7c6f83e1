//! What is told to OSS: written in the transaction that caused it, sent in order for each licence, once in effect.
//!
//! [`tell_status`], [`on_clock`], [`on_status`] and [`on_issued`] write; [`Outbox`] sends. A cause is told once, however
//! often it is reported. After an attempt without an answer, OSS is asked what it has before the same is said again.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, SubsecRound as _, TimeDelta, Utc};
use futures::StreamExt as _;
use mpp_kit::clock::Clock;
use mpp_kit::component::{Env, Worker};
use mpp_kit::db::Db;
use mpp_kit::patience::doubled;
use sea_orm::DatabaseTransaction;
use serde::Deserialize as _;
use serde_json::{Value, json};

use super::client::{Client, Outcome};
use super::receive::announce;
use super::{oss_time, text};
use crate::domain::document::months_of;
use crate::domain::licence::{MessageKind, MessageState, OssStatus};
use crate::domain::payment::Payment;
use crate::domain::sla::ClockVerb;
use crate::domain::{ApplicationId, DocumentId};
use crate::error::Error;
use crate::rpc::Core;
use crate::rpc::codes::{Link, Linked};
use crate::store::licence::{self as store, Licence, Message, NewMessage};
use mpp_kit::cipher::Cipher;

/// How often the worker looks.
const EVERY: Duration = Duration::from_secs(2);
/// Licences that are told about at once.
const AT_ONCE: usize = 8;
/// Messages of one look.
const BATCH: u64 = 100;
/// How long an attempt holds its message beyond the limit of the client.
const HOLD: TimeDelta = TimeDelta::minutes(5);
/// The wait after the first failure; it doubles up to [`LONGEST`]. OSS being away for days must lose nothing, so there is
/// no last attempt.
const FIRST: TimeDelta = TimeDelta::seconds(10);
const LONGEST: TimeDelta = TimeDelta::hours(1);
/// How long OSS can fetch a licence that it was told of without signing in.
const LINK: TimeDelta = TimeDelta::days(7);
/// The field of a message that leads to the file: which file it is while it waits, a link when it is sent.
const FILE: &str = "file_izin";
/// How long a licence holds: whole years, and the months beyond them.
const YEARS: &str = "thn_berlaku_izin";
const MONTHS: &str = "bln_berlaku_izin";
/// Where the gateway opens links.
const LINKS: &str = "/berkas/";

/// What an official says with a status.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Note {
    pub(crate) text: String,
    pub(crate) official_name: String,
    pub(crate) official_nip: String,
    /// The fee that the status is about: that is waited for, or was paid.
    pub(crate) fee: Option<Payment>,
}

/// A licence that was issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Issued {
    pub(crate) application: ApplicationId,
    pub(crate) document: DocumentId,
    pub(crate) number: String,
    /// The day on it.
    pub(crate) issued_on: NaiveDate,
    /// The last day; `None` for no end.
    pub(crate) valid_until: Option<NaiveDate>,
    pub(crate) signer_name: String,
    pub(crate) signer_nip: String,
    pub(crate) signer_title: String,
    /// Its file: whenever it is told, OSS gets a new link to it, for nobody knows how long this waits.
    pub(crate) file: Linked,
    /// The application of the document that it replaces: its licence is the one that OSS knows.
    pub(crate) replaced: Option<ApplicationId>,
}

/// Tells a status: moves the licence, writes the message, tells other systems. `false` when it was told for this cause
/// before.
pub(crate) async fn tell_status(
    tx: &DatabaseTransaction,
    core: &Core,
    licence: &mut Licence,
    (status, cause): (OssStatus, String),
    note: &Note,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    if store::is_told(tx, licence.id, &cause).await? {
        return Ok(false);
    }
    let keys = &licence.body.keys;
    let mut body = json!({
        "nib": keys.nib,
        "id_produk": keys.id_produk,
        "id_proyek": keys.id_proyek,
        "oss_id": keys.oss_id,
        "id_izin": keys.id_izin,
        "kd_izin": keys.kd_izin,
        "kd_instansi": core.config.oss.agency_code,
        "kd_status": status.to_string(),
        "tgl_status": oss_time(now).format("%Y-%m-%d %H:%M:%S").to_string(),
        "nip_status": cut(&note.official_nip, 50),
        "nama_status": cut(&note.official_name, 50),
        "keterangan": note.text,
        "file_lampiran": "",
    });
    if let Some(agrees) = status.agrees_to_form() {
        body["persetujuan_form"] = agrees.into();
    }
    if let Some(fee) = &note.fee {
        body["data_pnbp"] = pnbp(fee);
    }
    licence.status = Some(status);
    let message = NewMessage { licence: licence.id, cause, kind: MessageKind::Status, status, body };
    write(tx, core, licence, (message, "izin.status"), now).await?;
    Ok(true)
}

/// A fee as IZINSTATUS has it. What a regency charges has no account of SIMPONI, where fees of the state are paid, and the notice
/// of assessment is with the applicant.
fn pnbp(fee: &Payment) -> Value {
    json!({
        "kd_akun": "",
        "kd_penerimaan": "",
        "kd_billing": fee.billing_code.as_deref().unwrap_or_default(),
        "tgl_billing": oss_time(fee.asked).date_naive().to_string(),
        "tgl_expire": fee.due.to_string(),
        "nominal": fee.amount,
        "url_dokumen": "",
    })
}

/// Tells what was done to the clock of an application (41 to 44), if OSS asked for it. `cause` names this deed, such as the
/// version of the application that it made.
pub(crate) async fn on_clock(
    tx: &DatabaseTransaction,
    core: &Core,
    application: ApplicationId,
    (verb, cause): (ClockVerb, &str),
    note: &Note,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    match OssStatus::of_clock(verb) {
        Some(status) => on_status(tx, core, application, (status, cause), note, now).await,
        None => Ok(false),
    }
}

/// Tells a status of an application, such as 90 when it was rejected or 57 when the time ran out, if OSS asked for it.
pub(crate) async fn on_status(
    tx: &DatabaseTransaction,
    core: &Core,
    application: ApplicationId,
    (status, cause): (OssStatus, &str),
    note: &Note,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    let licence = store::of_application(tx, &core.cipher, application).await?;
    let Some(mut licence) = licence.filter(|licence| !licence.body.keys.id_izin.is_empty()) else {
        return Ok(false);
    };
    // Where a licence stands follows rules of OSS, and a decision that OSS was told is told no other way afterwards.
    if let Err(error) = status.may_follow(licence.status) {
        tracing::warn!(licence = %licence.id, %status, %error, "a status is not told to OSS");
        return Ok(false);
    }
    let cause = format!("{cause}:{status}");
    tell_status(tx, core, &mut licence, (status, cause), note, now).await
}

/// Tells the final licence, if OSS asked for it. `false` when it did not, or was told of this document before. What replaces
/// it, a correction or a renewal, has an application of its own: it is told as a change of the licence of the first, which
/// follows that application from then on.
pub(crate) async fn on_issued(
    tx: &DatabaseTransaction,
    core: &Core,
    issued: &Issued,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    let mut licence = store::of_application(tx, &core.cipher, issued.application).await?;
    if let (None, Some(replaced)) = (&licence, issued.replaced) {
        licence = store::of_application(tx, &core.cipher, replaced).await?;
    }
    let Some(mut licence) = licence.filter(|licence| !licence.body.keys.id_izin.is_empty()) else {
        return Ok(false);
    };
    let cause = issued.document.to_string();
    if store::is_told(tx, licence.id, &cause).await? {
        return Ok(false);
    }
    if licence.status.is_some_and(OssStatus::is_refusal) {
        tracing::warn!(licence = %licence.id, "OSS was told that a licence is refused, and it was issued");
        return Ok(false);
    }
    // A final licence that OSS refused is not there to be changed: what replaces it is the final one.
    let told = store::messages(tx, &core.cipher, licence.id).await?;
    let is_final = told.iter().any(|it| it.kind == MessageKind::Final && it.state != MessageState::Refused);
    let keys = &licence.body.keys;
    let mut body = json!({
        "nib": keys.nib,
        "id_proyek": keys.id_proyek,
        "oss_id": keys.oss_id,
        "id_izin": keys.id_izin,
        "kd_izin": keys.kd_izin,
        "kd_daerah": keys.kd_daerah,
        "nomor_izin": cut(&issued.number, 50),
        "tgl_terbit_izin": issued.issued_on.to_string(),
        "tgl_berlaku_izin": issued.valid_until.map(|day| day.to_string()).unwrap_or_default(),
        "nama_ttd": cut(&issued.signer_name, 50),
        "nip_ttd": cut(&issued.signer_nip, 25),
        "jabatan_ttd": cut(&issued.signer_title, 150),
        "status_izin": OssStatus::Approved.to_string(),
        FILE: issued.file,
        "keterangan": "",
        "file_lampiran": "",
        "jenis_perizinan": keys.jenis_perizinan,
    });
    // The day it ends stands above; how long it holds is said where that is a number of months.
    let months = issued.valid_until.and_then(|last| months_of(issued.issued_on, last));
    if let Some(months) = months {
        body[YEARS] = (months / 12).into();
        body[MONTHS] = (months % 12).into();
    }
    let kind = if issued.replaced.is_some() && is_final { MessageKind::Update } else { MessageKind::Final };
    if kind == MessageKind::Update {
        body = as_update(&body, &keys.kewenangan);
    }
    // A licence that is supervised stays so when its document is corrected.
    if kind == MessageKind::Final {
        licence.status = Some(OssStatus::Approved);
    }
    licence.application = Some(issued.application);
    licence.body.number.clone_from(&issued.number);
    let message = NewMessage { licence: licence.id, cause, kind, status: OssStatus::Approved, body };
    write(tx, core, &mut licence, (message, "izin.terbit"), now).await?;
    Ok(true)
}

/// Moves the licence first: its row keeps others from writing the next message at the same time.
async fn write(
    tx: &DatabaseTransaction,
    core: &Core,
    licence: &mut Licence,
    (message, event): (NewMessage, &'static str),
    now: DateTime<Utc>,
) -> Result<(), Error> {
    licence.version += 1;
    licence.updated_at = now;
    if !store::update(tx, &core.cipher, licence).await? {
        return Err(Error::Stale { version: licence.version });
    }
    store::enqueue(tx, &core.cipher, message, now).await?;
    announce(tx, licence, event, now).await
}

/// A final licence by the list of fields of `updateLicense`: with the authority and without the kind, and how long it holds as
/// texts, which `receiveLicense` takes as numbers.
fn as_update(last: &Value, authority: &str) -> Value {
    let mut body = last.clone();
    if let Some(body) = body.as_object_mut() {
        body.remove("jenis_perizinan");
        body.insert("kewenangan".to_owned(), authority.into());
        for field in [YEARS, MONTHS] {
            if let Some(span) = body.get_mut(field) {
                *span = span.as_u64().unwrap_or_default().to_string().into();
            }
        }
    }
    body
}

/// At most so many characters, as the fields of OSS are.
fn cut(text: &str, max: usize) -> String {
    text.chars().take(max).collect()
}

/// Sends what was written.
pub(crate) struct Outbox {
    db: Db,
    cipher: Cipher,
    clock: Arc<dyn Clock>,
    client: Client,
    base_url: String,
}

impl Outbox {
    /// An outbox to the OSS of these settings.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub(crate) fn new(core: &Core) -> anyhow::Result<Self> {
        Ok(Self {
            db: core.db.clone(),
            cipher: core.cipher.clone(),
            clock: Arc::clone(&core.clock),
            client: Client::new(&core.config.oss)?,
            base_url: core.base_url.clone(),
        })
    }

    /// Sends what is due at `now`, one message of each licence, and answers how many were tried. What stays behind a
    /// message that failed waits with it.
    pub(crate) async fn tick(&self, now: DateTime<Utc>) -> Result<usize, Error> {
        let due = store::due(&self.db.read, &self.cipher, now, BATCH).await?;
        let tries = due.into_iter().map(|message| self.attempt(message, now));
        let outcomes = futures::stream::iter(tries).buffer_unordered(AT_ONCE).collect::<Vec<_>>().await;
        let mut tried = 0;
        for outcome in outcomes {
            tried += usize::from(outcome?);
        }
        Ok(tried)
    }

    /// Tries one message. `false` if another instance has it, or it is not its turn any more.
    async fn attempt(&self, mut message: Message, now: DateTime<Utc>) -> Result<bool, Error> {
        let tx = self.db.begin().await?;
        let is_ours = store::claim(&tx, &message, now, now + HOLD).await?;
        tx.commit().await?;
        if !is_ours {
            return Ok(false);
        }
        let outcome = self.send(&self.with_link(&message, now)?).await?;
        let now = self.clock.now().trunc_subsecs(6);
        message.attempt_count += 1;
        let mut number = String::new();
        match outcome {
            Outcome::Taken(answer) => {
                number = text(&answer, "nomor_izin");
                message.state = MessageState::Sent;
                message.unclear = false;
                message.answer = cut(&format!("200 {}", text(&answer, "keterangan")), 200).trim().to_owned();
            }
            Outcome::Refused(told) => {
                message.state = MessageState::Refused;
                message.unclear = false;
                message.answer = told;
            }
            Outcome::Later { told, unclear } => {
                // Once unclear, it stays so until OSS has said what it has.
                message.unclear |= unclear;
                message.answer = told;
                message.due_at = now + wait(message.attempt_count);
            }
        }
        let tx = self.db.begin().await?;
        store::save_message(&tx, &message, now).await?;
        if message.kind != MessageKind::Status && !number.is_empty() {
            self.take_number(&tx, &message, number, now).await?;
        }
        tx.commit().await?;
        if message.state == MessageState::Refused {
            tracing::warn!(message = %message.id, licence = %message.licence, "OSS refused a message");
        }
        Ok(true)
    }

    /// The message with a link to its file that lives from now on.
    fn with_link(&self, message: &Message, now: DateTime<Utc>) -> Result<Message, Error> {
        let mut message = message.clone();
        let file = match message.body.get(FILE) {
            None => None,
            // Written when links were made at once: the same file, by a link that may be over.
            Some(Value::String(link)) => {
                let token = link.rsplit_once(LINKS).map(|(_, token)| token);
                token.and_then(|token| Link::read(&self.cipher, token)).map(Link::linked)
            }
            Some(file) => Some(Linked::deserialize(file).map_err(anyhow::Error::new)?),
        };
        if let Some(file) = file {
            let token = file.until(now + LINK).seal(&self.cipher)?;
            message.body[FILE] = format!("{}{LINKS}{token}", self.base_url).into();
        }
        Ok(message)
    }

    /// Sends a message, unless OSS has it already.
    async fn send(&self, message: &Message) -> Result<Outcome, Error> {
        // A correction carries the status that OSS has anyway; saying it twice changes nothing.
        if message.unclear && message.kind != MessageKind::Update {
            let has = match self.client.check_license_status(&text(&message.body, "id_izin")).await {
                Ok(has) => has.is_some_and(|code| code == message.status.to_string()),
                Err(outcome) => return Ok(outcome),
            };
            if has && let Some(outcome) = self.is_taken(message).await? {
                return Ok(outcome);
            }
        }
        Ok(match message.kind {
            MessageKind::Status => self.client.receive_license_status(&message.body).await,
            MessageKind::Final => self.client.receive_license(&message.body).await,
            MessageKind::Update => self.client.update_license(&message.body).await,
        })
    }

    /// What came of a message whose status OSS has by now; `None` where that may be of another message, so that this one has
    /// to be said.
    async fn is_taken(&self, message: &Message) -> Result<Option<Outcome>, Error> {
        match message.kind {
            MessageKind::Final => {
                // 50 can be said by IZINSTATUS too. Only a final licence can be changed: the same content says whether there
                // is one, and brings the number that the lost answer held.
                let Some(licence) = store::find(&self.db.read, &self.cipher, message.licence).await? else {
                    return Ok(None);
                };
                let body = as_update(&message.body, &licence.body.keys.kewenangan);
                Ok(match self.client.update_license(&body).await {
                    Outcome::Refused(_) => None,
                    outcome @ (Outcome::Taken(_) | Outcome::Later { .. }) => Some(outcome),
                })
            }
            MessageKind::Status | MessageKind::Update => {
                let before = store::messages(&self.db.read, &self.cipher, message.licence).await?;
                let before = before
                    .into_iter()
                    .rfind(|it| it.number < message.number && it.state == MessageState::Sent);
                if before.is_some_and(|before| before.status == message.status) {
                    return Ok(None);
                }
                Ok(Some(Outcome::Taken(json!({ "keterangan": "sudah diterima sebelumnya" }))))
            }
        }
    }

    /// Keeps the number that OSS gave.
    async fn take_number(
        &self,
        tx: &DatabaseTransaction,
        message: &Message,
        number: String,
        now: DateTime<Utc>,
    ) -> Result<(), Error> {
        let Some(mut licence) = store::find(tx, &self.cipher, message.licence).await? else { return Ok(()) };
        if licence.body.number == number {
            return Ok(());
        }
        licence.body.number = number;
        licence.version += 1;
        licence.updated_at = now;
        if !store::update(tx, &self.cipher, &licence).await? {
            return Err(Error::Stale { version: licence.version });
        }
        announce(tx, &licence, "izin.status", now).await
    }
}

/// How long after this many failures it is tried again.
fn wait(failures: u32) -> TimeDelta {
    doubled(FIRST, failures.saturating_sub(1), LONGEST)
}

/// The worker: looks every two seconds until the process ends.
pub(crate) fn worker(env: &Env, outbox: Outbox) -> Worker {
    let clock = Arc::clone(&env.clock);
    Worker::repeating("documents: outbox to OSS", env, EVERY, (outbox, clock), |(outbox, clock)| {
        Box::pin(async { outbox.tick(clock.now().trunc_subsecs(6)).await.map(|_| ()) })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_29_waits_double_up_to_an_hour() {
        let seconds = [1, 2, 3, 4, 9, 10, 100].map(|failures| wait(failures).num_seconds());
        assert_eq!(seconds, [10, 20, 40, 80, 2560, 3600, 3600]);
    }
}
