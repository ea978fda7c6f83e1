//! SiCantik Cloud: no push, no contract; a report that the agency's admin defines, read page by page. What a row means is
//! configuration (`documents.sicantik.mapping`).
//!
//! A row is known by its `no_permohonan`; read again, it changes the licence if it changed, and nothing else. The cursor
//! is the greatest `changed` of a reading that came to its end, so that an interrupted one is made again.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use chrono::{DateTime, SubsecRound as _, Utc};
use mpp_kit::component::{Env, Worker};
use mpp_kit::outside;
use sea_orm::DatabaseTransaction;
use serde_json::{Value, json};

use crate::config::SicantikConfig;
use crate::domain::EventId;
use crate::domain::licence::{Keys, LicenceId, Source, region_of};
use crate::rpc::Core;
use crate::store::licence::{self as store, Body, Licence};
use mpp_kit::event::{self, Event};

/// The name of the cursor.
const CURSOR: &str = "sicantik";
/// How long a page may take.
const TIMEOUT: Duration = Duration::from_secs(60);
/// The most bytes of a page.
const MAX_PAGE: usize = 16 << 20;
/// The most pages of one reading: a report that never ends is wrong.
const MAX_PAGES: u32 = 10_000;

/// Reads the report.
pub(crate) struct Poller {
    core: Arc<Core>,
    http: reqwest::Client,
    config: SicantikConfig,
}

/// What a reading brought.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Reading {
    /// Rows that were there.
    pub(crate) rows: usize,
    /// Licences that are new or changed.
    pub(crate) changed: usize,
    /// Rows without a `no_permohonan`, which nothing can be done with.
    pub(crate) unusable: usize,
}

impl Poller {
    /// A poller for these settings.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub(crate) fn new(core: Arc<Core>) -> anyhow::Result<Self> {
        let http = outside::client(TIMEOUT).build().context("setting up the client for SiCantik")?;
        let config = core.config.sicantik.clone();
        Ok(Self { core, http, config })
    }

    /// Reads what changed since the last reading.
    pub(crate) async fn tick(&self, now: DateTime<Utc>) -> anyhow::Result<Reading> {
        let since = store::cursor(&self.core.db.read, CURSOR).await?.unwrap_or_default();
        let mut newest = since.clone();
        let mut reading = Reading::default();
        for page in 1..=MAX_PAGES {
            let rows = self.page(page, &since).await.with_context(|| format!("page {page} of the report"))?;
            let tx = self.core.db.begin().await?;
            for row in &rows {
                reading.rows += 1;
                let changed = self.field(row, "changed");
                if changed > newest {
                    newest = changed;
                }
                match self.take(&tx, row, now).await? {
                    Some(changed) => reading.changed += usize::from(changed),
                    None => reading.unusable += 1,
                }
            }
            let last = rows.len() < self.config.page_size as usize;
            if last {
                store::set_cursor(&tx, CURSOR, &newest, now).await?;
            }
            tx.commit().await?;
            if last {
                return Ok(reading);
            }
        }
        bail!("the report has more than {MAX_PAGES} pages")
    }

    async fn page(&self, page: u32, since: &str) -> anyhow::Result<Vec<Value>> {
        let mut url = reqwest::Url::parse(&self.config.url).context("setting documents.sicantik.url")?;
        {
            let mut query = url.query_pairs_mut();
            query.append_pair(&self.config.page_parameter, &page.to_string());
            query.append_pair(&self.config.size_parameter, &self.config.page_size.to_string());
            if !self.config.since_parameter.is_empty() && !since.is_empty() {
                query.append_pair(&self.config.since_parameter, since);
            }
        }
        // Errors of the client name the address, whose parameters may be secret.
        let mut response = self.http.get(url).send().await.map_err(reqwest::Error::without_url)?;
        if !response.status().is_success() {
            bail!("HTTP {}", response.status().as_u16());
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(reqwest::Error::without_url)? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > MAX_PAGE {
                bail!("it is larger than {MAX_PAGE} bytes");
            }
        }
        // The error of serde may quote what it read, which is about people.
        let Ok(mut answer) = serde_json::from_slice::<Value>(&bytes) else { bail!("it is not JSON") };
        let Some(Value::Array(rows)) = answer.pointer_mut(&self.config.rows).map(Value::take) else {
            bail!("it has no rows at {}", self.config.rows);
        };
        Ok(rows)
    }

    /// A field of a row, as text.
    fn field(&self, row: &Value, name: &str) -> String {
        let Some(pointer) = self.config.mapping.get(name) else { return String::new() };
        match row.pointer(pointer) {
            Some(Value::String(text)) => text.trim().to_owned(),
            Some(Value::Number(number)) => number.to_string(),
            Some(Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_)) | None => String::new(),
        }
    }

    /// Writes a row. `Some(true)` if something changed, `None` if the row is unusable.
    async fn take(
        &self,
        tx: &DatabaseTransaction,
        row: &Value,
        now: DateTime<Utc>,
    ) -> anyhow::Result<Option<bool>> {
        let key = self.field(row, "no_permohonan");
        if key.is_empty() || key.chars().count() > 200 {
            return Ok(None);
        }
        let body = self.body(row);
        let cipher = &self.core.cipher;
        let known = store::by_key(tx, cipher, Source::Sicantik, &key).await?;
        let is_new = known.is_none();
        let licence = if let Some(known) = known {
            if known.body == body {
                return Ok(Some(false));
            }
            let next = Licence { version: known.version + 1, updated_at: now, body, ..known };
            if !store::update(tx, cipher, &next).await? {
                bail!("licence {} was changed by another meanwhile", next.id);
            }
            next
        } else {
            let new = Licence {
                id: LicenceId::generate(),
                source: Source::Sicantik,
                source_key: key,
                area: region_of(&body.keys.kd_daerah).unwrap_or_else(|| self.config.area.clone()),
                status: None,
                application: None,
                version: 1,
                changed: 0,
                created_at: now,
                updated_at: now,
                body,
            };
            store::insert(tx, cipher, &new).await?;
            new
        };
        let event = Event {
            id: EventId::generate().to_string(),
            kind: if is_new { "izin.diterima" } else { "izin.status" },
            subject: licence.id.to_string(),
            area: licence.area.clone(),
            data: json!({
                "id": licence.id.to_string(),
                "version": licence.version,
                "idIzin": licence.source_key,
                "status": licence.body.foreign_status,
                "number": licence.body.number,
            }),
            at: now,
        };
        event::append(tx, &event).await?;
        Ok(Some(true))
    }

    fn body(&self, row: &Value) -> Body {
        Body {
            keys: Keys {
                nib: self.field(row, "nib"),
                kd_daerah: self.field(row, "kd_daerah"),
                ..Keys::default()
            },
            nama_izin: self.field(row, "jenis_izin"),
            nama_perseroan: self.field(row, "nama"),
            number: self.field(row, "nomor_izin"),
            file_url: self.field(row, "file"),
            foreign_status: self.field(row, "status"),
            withdrawn: false,
            // Only what is mapped is kept: a report holds more about people than is needed here.
            sent: Value::Null,
        }
    }
}

/// The worker: reads every so many minutes until the process ends.
pub(crate) fn worker(env: &Env, poller: Poller) -> Worker {
    let clock = Arc::clone(&env.clock);
    let every = Duration::from_secs(u64::from(poller.config.every_minutes) * 60);
    Worker::repeating("documents: SiCantik", env, every, (poller, clock), |(poller, clock)| {
        Box::pin(async move {
            let reading = poller.tick(clock.now().trunc_subsecs(6)).await?;
            if reading.unusable > 0 {
                tracing::warn!(rows = reading.unusable, "rows of SiCantik have no no_permohonan");
            }
            anyhow::Ok(())
        })
    })
}

#[cfg(test)]
mod tests;
