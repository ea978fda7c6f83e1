//! What OSS calls here. Each call carries `Token`, the SHA-1 over user name, password, NIB and the day; the body is the
//! one that proves nothing else, so it is believed only after the token was.
//!
//! OSS offers the same application again until it is told `"status": "1"`, and also later. A repetition changes nothing;
//! an application that changed under the same `oss_id` changes the licences in it.

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use mpp_kit::config::ExposeSecret as _;
use sea_orm::DatabaseTransaction;
use serde_json::{Map, Value, json};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::outbox::{self, Note};
use super::{oss_time, text};
use crate::config::OssConfig;
use crate::domain::licence::{Keys, LicenceId, OssStatus, Source, region_of};
use crate::domain::sla::ClockVerb;
use crate::domain::workflow::decide::{By, Order};
use crate::domain::{ApplicationId, EventId};
use crate::error::Error;
use crate::rpc::case::Asking;
use crate::rpc::{self, Core};
use crate::store::licence::{self as store, Body, Licence};
use mpp_kit::event::{self, Event};

/// A body beyond this is no application.
const MAX_BODY: usize = 4 << 20;
/// The most licences in one application.
const MAX_ROWS: usize = 500;
/// The version of an application that was just made: what happened with it is told once.
const FIRST_VERSION: &str = "1";
/// Around midnight, the clocks of both sides may show different days.
const SKEW: TimeDelta = TimeDelta::minutes(10);

/// A call as it came.
pub(crate) struct Call<'a> {
    pub(crate) method: &'a str,
    pub(crate) token: &'a str,
    pub(crate) body: &'a str,
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) http_status: u16,
    pub(crate) body: String,
}

/// A licence that was asked for, with everything that OSS told about it.
pub(crate) struct Draft<'a> {
    pub(crate) licence: &'a Licence,
    /// `dataNIB` without its lists.
    pub(crate) company: &'a Value,
    /// The first entry of `penanggung_jwb`: who answers for the company; null if there is none.
    pub(crate) person: &'a Value,
    /// The entry of `data_proyek` it belongs to; null if there is none.
    pub(crate) project: &'a Value,
    /// The entry of `data_checklist`.
    pub(crate) row: &'a Value,
}

/// An application that was made for a licence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Drafted {
    pub(crate) application: ApplicationId,
    /// The area of the office that works on it; its officials may tell the status.
    pub(crate) area: String,
    /// What OSS is told of a clock that stands still from the start, such as for a fee before its only step; none if it runs.
    pub(crate) standing: Option<Note>,
}

/// Makes applications for licences that a type of the catalogue is bound to.
#[async_trait]
pub(crate) trait Drafts: Send + Sync {
    /// The application for a licence that is new here; `None` when no type takes it.
    async fn draft(&self, tx: &DatabaseTransaction, draft: &Draft<'_>) -> Result<Option<Drafted>, Error>;
}

/// Makes none: licences are recorded, and worked on elsewhere.
#[cfg(test)]
pub(crate) struct NoDrafts;

#[cfg(test)]
#[async_trait]
impl Drafts for NoDrafts {
    async fn draft(&self, _: &DatabaseTransaction, _: &Draft<'_>) -> Result<Option<Drafted>, Error> {
        Ok(None)
    }
}

impl Draft<'_> {
    /// Every plain value by the name that OSS gives it: of the licence, else of the project, else of who answers for the
    /// company, else of the company. Fields of a type with such a key are filled with it.
    pub(crate) fn values(&self) -> Map<String, Value> {
        let mut values = Map::new();
        for source in [self.company, self.person, self.project, self.row] {
            for (key, value) in source.as_object().into_iter().flatten() {
                let plain = value.is_string() || value.is_number() || value.is_boolean();
                if plain && value.as_str() != Some("") {
                    values.insert(key.clone(), value.clone());
                }
            }
        }
        values
    }
}

/// The methods that OSS may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    Nib,
    FileDs,
    /// Not in the current guide any more, but in its list of methods: whether a licence that was named is ours.
    Komitmen,
}

impl Method {
    fn of(name: &str) -> Option<Self> {
        match name {
            "receiveNIB" => Some(Self::Nib),
            "receiveFileDS" => Some(Self::FileDs),
            "checkKomitmen" => Some(Self::Komitmen),
            _ => None,
        }
    }

    /// The name of the object around everything in its body.
    fn envelope(self) -> &'static str {
        match self {
            Self::Nib => "dataNIB",
            Self::FileDs => "receiveFileDS",
            Self::Komitmen => "checkKomitmen",
        }
    }
}

/// Why a call is not taken: what OSS is told, which must name no value, and the HTTP status.
struct Refusal(u16, String);

/// An answer in the envelope of OSS.
fn answer(method: &str, http_status: u16, status: &str, told: &str) -> Answer {
    // The name comes from outside; of one that is not known, nothing is repeated.
    let name = Method::of(method).map_or("", |_| method);
    let told = told.chars().take(255).collect::<String>();
    let body = json!({ format!("respon{name}"): { "status": status, "keterangan": told } });
    Answer { http_status, body: body.to_string() }
}

/// The answer when something of ours failed.
pub(crate) fn failed(method: &str) -> Answer {
    answer(method, 500, "2", "Sistem penerima sedang bermasalah, mohon dikirim ulang")
}

/// Takes a call. A fault of ours is an error; everything else is an answer.
pub(crate) async fn receive(core: &Core, drafts: &dyn Drafts, call: Call<'_>) -> Result<Answer, Error> {
    let outcome = match accept(&core.config.oss, &call, core.now()) {
        Ok((method, content)) => match method {
            Method::Nib => receive_nib(core, drafts, &content).await?,
            Method::FileDs => receive_file(core, &content).await?,
            Method::Komitmen => check_komitmen(core, &content).await?,
        },
        Err(refusal) => Err(refusal),
    };
    Ok(match outcome {
        Ok(told) => answer(call.method, 200, "1", &told),
        Err(Refusal(http_status, told)) => answer(call.method, http_status, "2", &told),
    })
}

/// Reads a call and checks its token: what is in it, without its envelope.
fn accept(config: &OssConfig, call: &Call<'_>, now: DateTime<Utc>) -> Result<(Method, Value), Refusal> {
    let refuse = |status, told: &str| Err(Refusal(status, told.to_owned()));
    let (true, Some(method)) = (config.enabled, Method::of(call.method)) else {
        return refuse(404, "Layanan tidak ditemukan");
    };
    if call.body.len() > MAX_BODY {
        return refuse(400, "Data terlalu besar");
    }
    let Ok(mut body) = serde_json::from_str::<Value>(call.body) else {
        return refuse(400, "Data bukan JSON");
    };
    let content = body[method.envelope()].take();
    if !content.is_object() {
        return Err(Refusal(400, format!("Data {} tidak ada", method.envelope())));
    }
    let nib = text(&content, "nib");
    if nib.len() != 13 || !nib.bytes().all(|byte| byte.is_ascii_digit()) {
        return refuse(400, "nib harus 13 angka");
    }
    if !is_token(config, call.token, &nib, now) {
        return refuse(401, "User akses tidak valid");
    }
    Ok((method, content))
}

/// Whether this is the token for a NIB on this day.
fn is_token(config: &OssConfig, given: &str, nib: &str, now: DateTime<Utc>) -> bool {
    let given = given.trim().to_ascii_lowercase();
    let days = [now - SKEW, now + SKEW].map(|at| oss_time(at).format("%Y%m%d").to_string());
    // Both are always compared, in a time that does not depend on where they differ.
    days.iter().fold(false, |matches, day| {
        let token = token(config, nib, day);
        bool::from(token.as_bytes().ct_eq(given.as_bytes())) | matches
    })
}

/// `SHA1(USERNAME+PASSWORD+NIB+DATE(Ymd))`, as OSS has it.
pub(crate) fn token(config: &OssConfig, nib: &str, day: &str) -> String {
    let mut sha1 = Sha1::new();
    for part in [config.username.expose_secret(), config.password.expose_secret(), nib, day] {
        sha1.update(part.as_bytes());
    }
    hex::encode(sha1.finalize())
}

/// A text of a row that is at most so long; needed ones are not empty.
fn field(row: &Value, at: &str, name: &str, max: usize, needed: bool) -> Result<String, Refusal> {
    let text = text(row, name);
    if text.chars().count() > max {
        return Err(Refusal(400, format!("{at}{name} lebih dari {max} karakter")));
    }
    if needed && text.is_empty() {
        return Err(Refusal(400, format!("{at}{name} kosong")));
    }
    Ok(text)
}

/// Reads one entry of `data_checklist`.
fn keys(row: &Value, index: usize, nib: &str, oss_id: &str) -> Result<Keys, Refusal> {
    let at = format!("data_checklist[{index}].");
    let keys = Keys {
        nib: nib.to_owned(),
        oss_id: oss_id.to_owned(),
        id_proyek: field(row, &at, "id_proyek", 25, false)?,
        id_produk: field(row, &at, "id_produk", 25, false)?,
        id_izin: field(row, &at, "id_izin", 25, true)?,
        kd_izin: field(row, &at, "kd_izin", 13, true)?,
        kd_daerah: field(row, &at, "kd_daerah", 10, true)?,
        kewenangan: field(row, &at, "kewenangan", 2, true)?,
        // Called jenis_izin where it is brought, and jenis_perizinan where it is told.
        jenis_perizinan: field(row, &at, "jenis_izin", 3, true)?,
    };
    for (name, value, known) in [
        ("kewenangan", &keys.kewenangan, ["00", "01", "02"].as_slice()),
        ("jenis_izin", &keys.jenis_perizinan, ["01", "02", "04", "K02", "K03"].as_slice()),
    ] {
        if !known.contains(&value.as_str()) {
            return Err(Refusal(400, format!("{at}{name} tidak dikenal")));
        }
    }
    if region_of(&keys.kd_daerah).is_none() {
        return Err(Refusal(400, format!("{at}kd_daerah bukan 10 angka kode wilayah")));
    }
    Ok(keys)
}

type Told = Result<String, Refusal>;

async fn receive_nib(core: &Core, drafts: &dyn Drafts, nib: &Value) -> Result<Told, Error> {
    let empty = Vec::new();
    let rows = nib["data_checklist"].as_array().unwrap_or(&empty);
    let read = || {
        let oss_id = field(nib, "", "oss_id", 25, true)?;
        if rows.len() > MAX_ROWS {
            return Err(Refusal(400, format!("data_checklist lebih dari {MAX_ROWS} baris")));
        }
        let number = text(nib, "nib");
        let keys = rows.iter().enumerate().map(|(index, row)| keys(row, index, &number, &oss_id));
        Ok((oss_id.clone(), keys.collect::<Result<Vec<_>, _>>()?))
    };
    // All of it or nothing: a licence that is left out silently is lost.
    let (oss_id, keys) = match read() {
        Ok(read) => read,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let digest = hex::encode(Sha256::digest(nib.to_string()));
    let now = core.now();
    let tx = core.db.begin().await?;
    let before = store::receive(&tx, (&text(nib, "nib"), &oss_id), &digest, now).await?;
    if before.is_some_and(|before| before == digest) {
        tx.commit().await?;
        return Ok(Ok("Data sudah diterima sebelumnya".to_owned()));
    }
    // Applications that are made on the way come before their licences.
    store::hold(&tx).await?;
    let company = company(nib);
    for (keys, row) in keys.into_iter().zip(rows) {
        let projects = nib["data_proyek"].as_array().unwrap_or(&empty);
        let project = projects.iter().find(|project| text(project, "id_proyek") == keys.id_proyek);
        take(
            core,
            drafts,
            &tx,
            Row {
                keys,
                row,
                company: &company,
                person: &nib["penanggung_jwb"][0],
                project: project.unwrap_or(&Value::Null),
            },
            now,
        )
        .await?;
    }
    let subject = format!("oss:{oss_id}");
    let detail = json!({ "licences": rows.len() });
    rpc::record(&tx, ("oss", "oss.nib.received", &subject), (None, None), detail, "", now).await?;
    tx.commit().await?;
    Ok(Ok("Berhasil menyimpan data".to_owned()))
}

/// `dataNIB` without its lists.
fn company(nib: &Value) -> Value {
    let plain =
        nib.as_object().into_iter().flatten().filter(|(_, value)| !value.is_array() && !value.is_object());
    Value::Object(plain.map(|(key, value)| (key.clone(), value.clone())).collect())
}

/// One licence in an application.
struct Row<'a> {
    keys: Keys,
    row: &'a Value,
    company: &'a Value,
    person: &'a Value,
    project: &'a Value,
}

/// Writes a licence, new or changed.
async fn take(
    core: &Core,
    drafts: &dyn Drafts,
    tx: &DatabaseTransaction,
    row: Row<'_>,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let known = store::by_key(tx, &core.cipher, Source::Oss, &row.keys.id_izin).await?;
    let area = region_of(&row.keys.kd_daerah).unwrap_or_default();
    // 3: revoked, 4: cancelled, both by OSS or the company.
    let withdrawn = matches!(text(row.company, "tipe_dokumen").as_str(), "3" | "4");
    let body = Body {
        nama_izin: text(row.row, "nama_izin"),
        nama_perseroan: text(row.company, "nama_perseroan"),
        withdrawn,
        // The person too: of all this an application can be made later.
        sent: json!({ "nib": row.company, "orang": row.person, "proyek": row.project, "izin": row.row }),
        keys: row.keys,
        ..Body::default()
    };
    let mut drafted = None;
    let (licence, kind) = if let Some(known) = known {
        // What is ours stays: the number, the file.
        let body = Body { number: known.body.number.clone(), file_url: known.body.file_url.clone(), ..body };
        if body == known.body {
            return Ok(());
        }
        let ends = withdrawn && !known.body.withdrawn;
        let kind = if ends { "izin.dicabut" } else { "izin.diterima" };
        let mut next = Licence { version: known.version + 1, updated_at: now, body, ..known };
        if ends && let Some(application) = next.application {
            withdraw(core, tx, application, now).await?;
        }
        let waits = !withdrawn && OssStatus::Validation.may_follow(next.status).is_ok();
        if next.application.is_none() && waits {
            // What did not fit then may fit now.
            let Row { company, person, project, row, .. } = row;
            let draft = Draft { licence: &next, company, person, project, row };
            drafted = drafts.draft(tx, &draft).await?;
            if let Some(drafted) = &drafted {
                next.application = Some(drafted.application);
                next.area.clone_from(&drafted.area);
            }
        }
        if !store::update(tx, &core.cipher, &next).await? {
            return Err(Error::Stale { version: next.version });
        }
        (next, kind)
    } else {
        let mut new = Licence {
            id: LicenceId::generate(),
            source: Source::Oss,
            source_key: body.keys.id_izin.clone(),
            area,
            status: None,
            application: None,
            version: 1,
            changed: 0,
            created_at: now,
            updated_at: now,
            body,
        };
        let Row { company, person, project, row, .. } = row;
        let draft = Draft { licence: &new, company, person, project, row };
        drafted = if withdrawn { None } else { drafts.draft(tx, &draft).await? };
        if let Some(drafted) = &drafted {
            new.application = Some(drafted.application);
            new.area.clone_from(&drafted.area);
        }
        store::insert(tx, &core.cipher, &new).await?;
        (new, "izin.diterima")
    };
    announce(tx, &licence, kind, now).await?;
    match drafted {
        Some(drafted) => tell_standing(tx, core, drafted, now).await,
        None => Ok(()),
    }
}

/// Tells OSS of a clock that stands still from the start. The application was there before its licence knew it, so what was
/// done to its clock is told afterwards.
pub(crate) async fn tell_standing(
    tx: &DatabaseTransaction,
    core: &Core,
    Drafted { application, standing, .. }: Drafted,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    if let Some(note) = standing {
        outbox::on_clock(tx, core, application, (ClockVerb::Pause, FIRST_VERSION), &note, now).await?;
    }
    Ok(())
}

/// Ends the work on an application whose licence was taken back at OSS. One that is decided already, or at the signing service,
/// stays as it is: its document is revoked by officials, whom `izin.dicabut` tells.
async fn withdraw(
    core: &Core,
    tx: &DatabaseTransaction,
    application: ApplicationId,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let loaded = match core.application(tx, application).await {
        Ok(loaded) => loaded,
        Err(Error::NotFound(_)) => return Ok(()),
        Err(error) => return Err(error),
    };
    let by = By::Applicant { account: None };
    let order = Order::Withdraw { reason: "Dicabut pemohon melalui OSS".to_owned() };
    let asking = Asking { who: "oss", request_id: "" };
    match core.act(tx, loaded, (by, order), asking, now).await {
        Ok(_) => Ok(()),
        Err(Error::Rejected(rejection)) => {
            tracing::warn!(%application, %rejection, "a licence was withdrawn at OSS, and its application goes on");
            Ok(())
        }
        Err(error) => Err(error),
    }
}

/// Tells other systems about a licence: ids and codes.
pub(crate) async fn announce(
    tx: &DatabaseTransaction,
    licence: &Licence,
    kind: &'static str,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let keys = &licence.body.keys;
    let data = json!({
        "id": licence.id.to_string(),
        "version": licence.version,
        "nib": keys.nib,
        "idIzin": licence.source_key,
        "kdIzin": keys.kd_izin,
        "statusCode": licence.status.map(|status| status.to_string()).unwrap_or_default(),
        "number": licence.body.number,
    });
    let subject = licence.id.to_string();
    let event = Event {
        id: EventId::generate().to_string(),
        kind,
        subject,
        area: licence.area.clone(),
        data,
        at: now,
    };
    event::append(tx, &event).await?;
    Ok(())
}

async fn receive_file(core: &Core, content: &Value) -> Result<Told, Error> {
    let read = || {
        let id_izin = field(content, "", "id_izin", 25, true)?;
        let url = field(content, "", "file_izin", 2000, true)?;
        if !url.starts_with("https://") && !url.starts_with("http://") {
            return Err(Refusal(400, "file_izin bukan alamat".to_owned()));
        }
        Ok((id_izin, url))
    };
    let (id_izin, url) = match read() {
        Ok(read) => read,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let now = core.now();
    let tx = core.db.begin().await?;
    let known = store::by_key(&tx, &core.cipher, Source::Oss, &id_izin).await?;
    let Some(known) = known.filter(|known| known.body.keys.nib == text(content, "nib")) else {
        return Ok(Err(Refusal(400, "Data izin tidak ditemukan".to_owned())));
    };
    if known.body.file_url != url {
        let mut next = Licence { version: known.version + 1, updated_at: now, ..known };
        next.body.file_url = url;
        if !store::update(&tx, &core.cipher, &next).await? {
            return Err(Error::Stale { version: next.version });
        }
        announce(&tx, &next, "izin.status", now).await?;
        let subject = next.id.to_string();
        rpc::record(&tx, ("oss", "oss.file.received", &subject), (None, None), json!({}), "", now).await?;
        tx.commit().await?;
    }
    Ok(Ok("Berhasil menyimpan data".to_owned()))
}

async fn check_komitmen(core: &Core, content: &Value) -> Result<Told, Error> {
    let id_izin = match field(content, "", "id_izin", 25, true) {
        Ok(id_izin) => id_izin,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let known = store::by_key(&core.db.read, &core.cipher, Source::Oss, &id_izin).await?;
    let Some(known) = known.filter(|known| known.body.keys.nib == text(content, "nib")) else {
        return Ok(Err(Refusal(200, "Data izin tidak ditemukan".to_owned())));
    };
    // The number that is to be checked, if one is named, is the one that was given.
    let asked = text(content, "no_izin");
    if !asked.is_empty() && asked != known.body.number {
        return Ok(Err(Refusal(200, "Nomor izin tidak sesuai".to_owned())));
    }
    Ok(Ok("Data izin valid".to_owned()))
}
