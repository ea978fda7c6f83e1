//! `ExportEvidence`: the pack of a period for the Ombudsman, PG-01 to PG-09, the same bytes each time it is asked for.
//!
//! Everything in it is read from what does not change any more: the journal before the end of the period, closures, steps
//! of the ladder, rows of the deadlines table. It names no reporter.

mod archive;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_kit::journal::{self, Recorded};
use mpp_proto::complaints::v1::{ExportEvidenceRequest, ExportEvidenceResponse};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::Core;
use super::convert;
use crate::domain::case::Case;
use crate::domain::report::Figures;
use crate::domain::rules::Rules;
use crate::domain::words::{Class, ClockKind};
use crate::error::Error;
use crate::store;

/// Entries of the journal that are read at once.
const PAGE: u64 = 2000;
/// Cases that are read at once.
const CASES: usize = 500;

pub(super) async fn export(
    core: &Core,
    caller: &Caller,
    request: ExportEvidenceRequest,
) -> Result<ExportEvidenceResponse, Error> {
    let rules = core.rules().await?;
    let mut check = Checker::new();
    let first = convert::date(&mut check, "from", &request.from);
    let last = convert::date(&mut check, "to", &request.to);
    let span = first.zip(last).filter(|(first, last)| first <= last && *last < rules.date(core.now()));
    if check.is_clean() && span.is_none() {
        check.violation(
            "to",
            "NOT_OVER",
            "pilih periode yang sudah lewat: yang masih berjalan akan berubah",
            "choose a period that is over: one that goes on would change",
        );
    }
    check.finish()?;
    let Some((first, last)) = span else { return Ok(ExportEvidenceResponse::default()) };
    let zone = rules.calendar(&rules.home).2.zone();
    let midnight = |date: chrono::NaiveDate| zone.moment(date.and_time(chrono::NaiveTime::MIN));
    let span = (midnight(first), midnight(last.succ_opt().unwrap_or(last)));
    let pack = core.pack(&rules, span, (&request.from, &request.to)).await?;
    let sha256 = hex::encode(Sha256::digest(&pack));
    let detail = json!({"from": request.from, "to": request.to, "sha256": sha256});
    core.looked((caller.who(), "evidence.exported", "evidence"), detail).await?;
    Ok(ExportEvidenceResponse { archive: pack, sha256 })
}

/// What the journal says of a case at the end of the period.
#[derive(Debug, Clone, Default)]
struct Then {
    state: String,
    holder: String,
    first: Option<DateTime<Utc>>,
    last: Option<DateTime<Utc>>,
    /// Categories it was moved out of later, the earliest of those first.
    later: Option<String>,
    changes: u32,
}

impl Core {
    async fn pack(
        &self,
        rules: &Rules,
        (from, to): (DateTime<Utc>, DateTime<Utc>),
        (first, last): (&str, &str),
    ) -> Result<Vec<u8>, Error> {
        let db = &self.db.read;
        let (mut cases, mut officials) = (BTreeMap::<String, Then>::new(), BTreeMap::new());
        let (mut head, mut entries) = (String::new(), 0_i64);
        let mut after = 0;
        loop {
            let page = journal::read(db, None, after, PAGE).await?;
            let Some(end) = page.last() else { break };
            after = end.seq;
            for it in &page {
                if it.entry.at < to {
                    head = hex::encode(&it.hash);
                    entries = it.seq;
                }
                fold(it, to, &mut cases, &mut officials);
            }
        }
        cases.retain(|_, it| it.first.is_some());
        let mut files = vec![
            ("PG-02_pengelola.csv".to_owned(), managers(&officials)),
            ("PG-03_register.csv".to_owned(), self.register(rules, &cases, (from, to)).await?),
            ("PG-04_eskalasi.csv".to_owned(), self.steps((from, to)).await?),
            ("PG-05_rekonsiliasi.csv".to_owned(), self.reconciled((from, to)).await?),
            ("PG-06_waktu.csv".to_owned(), self.times(rules, (from, to)).await?),
            ("PG-08_sp4n.csv".to_owned(), self.synced((from, to)).await?),
            ("tenggat.csv".to_owned(), deadlines(rules, to)),
        ];
        let mut about = format!(
            "Bukti pengelolaan pengaduan {first} sampai {last}\nWilayah: {}\n\nJurnal sampai akhir periode: {entries} catatan, hash terakhir {head}\n\nPG-01 (SK tim, SOP), PG-07 (notulen evaluasi) dan PG-09 (pelatihan) adalah dokumen yang dilampirkan sendiri.\n\nSHA-256:\n",
            rules.home
        );
        for (name, content) in &files {
            about.push_str(&format!("{}  {name}\n", hex::encode(Sha256::digest(content))));
        }
        files.insert(0, ("BACA.txt".to_owned(), about.into_bytes()));
        Ok(archive::zip(&files))
    }

    /// PG-03: the logbook of what came or changed in the period, with the proof of follow-up.
    async fn register(
        &self,
        rules: &Rules,
        cases: &BTreeMap<String, Then>,
        (from, to): (DateTime<Utc>, DateTime<Utc>),
    ) -> Result<Vec<u8>, Error> {
        let mut rows = Table::new(&[
            "nomor",
            "diterima",
            "jenis",
            "kanal",
            "kategori",
            "instansi",
            "tahap",
            "bukti_sha256",
            "catatan_jurnal",
        ]);
        let touched: Vec<(&String, &Then)> =
            cases.iter().filter(|(_, it)| it.last.is_some_and(|last| last >= from)).collect();
        for chunk in touched.chunks(CASES) {
            let ids = chunk.iter().map(|(id, _)| (*id).clone()).collect();
            let found: BTreeMap<String, Case> = store::complaint::several(&self.db.read, &self.cipher, ids)
                .await?
                .into_iter()
                .map(|it| (it.case.id.to_string(), it.case))
                .collect();
            for (id, then) in chunk {
                let Some(case) = found.get(*id) else { continue };
                // Whistleblowing is counted nowhere that the units it names may read.
                if case.class == Class::Whistleblowing {
                    continue;
                }
                let proof = case.messages.iter().filter(|it| it.at < to).flat_map(|it| &it.files);
                let proof: Vec<&str> = proof.filter(|it| it.proof).map(|it| it.sha256.as_str()).collect();
                rows.row(&[
                    &case.number.to_string(),
                    &stamp(case.received_at),
                    &case.class.to_string(),
                    &case.channel.to_string(),
                    then.later.as_deref().unwrap_or(&case.category),
                    &rules.name_of(&then.holder),
                    &then.state,
                    &proof.join(" "),
                    &then.changes.to_string(),
                ]);
            }
        }
        Ok(rows.sorted())
    }

    /// PG-04: who was told of what was late, and who took it on.
    async fn steps(&self, (from, to): (DateTime<Utc>, DateTime<Utc>)) -> Result<Vec<u8>, Error> {
        let mut rows =
            Table::new(&["waktu", "aduan", "tenggat", "persen", "jenjang", "akun", "ditanggapi", "oleh"]);
        for it in store::escalation::between(&self.db.read, (from, to)).await? {
            let taken = it.acknowledged_at.filter(|at| *at < to);
            let by = taken.and(it.acknowledged_by.clone()).unwrap_or_default();
            rows.row(&[
                &stamp(it.at),
                &it.case.to_string(),
                &it.clock.to_string(),
                &it.percent.to_string(),
                &it.rung.to_string(),
                &it.account,
                &taken.map(stamp).unwrap_or_default(),
                &by,
            ]);
        }
        Ok(rows.sorted())
    }

    /// PG-05: what came in is what went out and what is left.
    async fn reconciled(&self, span: (DateTime<Utc>, DateTime<Utc>)) -> Result<Vec<u8>, Error> {
        let mut rows = Table::new(&[
            "jenis",
            "kanal",
            "awal",
            "masuk",
            "dibuka_kembali",
            "selesai",
            "diarsipkan",
            "diteruskan",
            "dicabut",
            "digabung",
            "terbuka",
            "selesai_tepat_waktu",
        ]);
        let mut lines: BTreeMap<(String, String), Figures> = BTreeMap::new();
        for ((_, class, channel, _), it) in store::report::figures(&self.db.read, span, false).await? {
            let line = lines.entry((class, channel)).or_default();
            *line = line.plus(it);
        }
        let total = lines.values().fold(Figures::default(), |sum, it| sum.plus(*it));
        let named = lines.into_iter().chain([(("JUMLAH".to_owned(), String::new()), total)]);
        for ((class, channel), it) in named {
            let numbers = [
                it.opening,
                it.received,
                it.reopened,
                it.settled,
                it.archived,
                it.forwarded,
                it.withdrawn,
                it.merged,
                it.open,
                it.settled_in_time,
            ]
            .map(|it| it.to_string());
            let mut row = vec![class.as_str(), channel.as_str()];
            row.extend(numbers.iter().map(String::as_str));
            rows.row(&row);
        }
        Ok(rows.text.into_bytes())
    }

    /// PG-06: how long each took against what was permitted.
    async fn times(&self, rules: &Rules, span: (DateTime<Utc>, DateTime<Utc>)) -> Result<Vec<u8>, Error> {
        let mut rows = Table::new(&[
            "nomor",
            "jenis",
            "ditutup",
            "hasil",
            "tepat_waktu",
            "tenggat",
            "batas",
            "terlambat_sejak",
        ]);
        let closures = store::report::closures(&self.db.read, span).await?;
        for chunk in closures.chunks(CASES) {
            let ids = chunk.iter().map(|it| it.0.clone()).collect();
            let found: BTreeMap<String, Case> = store::complaint::several(&self.db.read, &self.cipher, ids)
                .await?
                .into_iter()
                .map(|it| (it.case.id.to_string(), it.case))
                .collect();
            for (id, closed_at, outcome, in_time) in chunk {
                let Some(case) = found.get(id).filter(|it| it.class != Class::Whistleblowing) else {
                    continue;
                };
                let clock = case
                    .clocks
                    .iter()
                    .rev()
                    .find(|it| it.kind == ClockKind::Settle && it.started_at <= *closed_at);
                let key = clock
                    .and_then(|clock| rules.deadlines.iter().find(|row| row.id == clock.deadline))
                    .map(|it| it.key.clone())
                    .unwrap_or_default();
                rows.row(&[
                    &case.number.to_string(),
                    &case.class.to_string(),
                    &stamp(*closed_at),
                    &outcome.to_string(),
                    if *in_time { "ya" } else { "tidak" },
                    &key,
                    &clock.map(|it| stamp(it.due_at)).unwrap_or_default(),
                    &clock.and_then(|it| it.late_at).map(stamp).unwrap_or_default(),
                ]);
            }
        }
        Ok(rows.sorted())
    }

    /// PG-08: which item of LAPOR! is which case here.
    async fn synced(&self, (_, to): (DateTime<Utc>, DateTime<Utc>)) -> Result<Vec<u8>, Error> {
        let mut rows = Table::new(&["id_lapor", "arah", "nomor"]);
        let mut before: Option<String> = None;
        loop {
            let page = store::ledger::list(&self.db.read, false, before.as_deref(), PAGE).await?;
            let Some(end) = page.last() else { break };
            before = Some(end.id.to_string());
            // The id holds the moment at which the row was made (UUIDv7).
            let limit = u64::try_from(to.timestamp_millis()).unwrap_or(0);
            for it in page.iter().filter(|it| made(it.id.uuid()) < limit) {
                rows.row(&[&it.tracking, &it.direction.to_string(), &it.number]);
            }
        }
        Ok(rows.sorted())
    }
}

/// Milliseconds since 1970 in a UUIDv7.
fn made(id: uuid::Uuid) -> u64 {
    let bytes = id.as_bytes();
    bytes[..6].iter().fold(0, |value, byte| (value << 8) | u64::from(*byte))
}

fn fold(
    it: &Recorded,
    to: DateTime<Utc>,
    cases: &mut BTreeMap<String, Then>,
    officials: &mut BTreeMap<(String, String), String>,
) {
    let entry = &it.entry;
    let detail: Value = serde_json::from_str(&entry.detail).unwrap_or_default();
    let text = |key: &str| detail.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    if entry.subject.starts_with("cmp_") {
        let then = cases.entry(entry.subject.clone()).or_default();
        if entry.at >= to {
            if entry.what == "complaint.recategorised" && then.later.is_none() {
                then.later = Some(text("from"));
            }
            return;
        }
        then.first.get_or_insert(entry.at);
        then.last = Some(entry.at);
        then.changes += 1;
        if let Some(state) = &entry.to {
            then.state.clone_from(state);
            then.holder = text("holder");
        }
    } else if entry.what == "official.applied" && entry.at < to {
        officials.insert((text("rung"), text("agency")), text("account"));
    }
}

/// PG-02: who held which office at the end of the period.
fn managers(officials: &BTreeMap<(String, String), String>) -> Vec<u8> {
    let mut rows = Table::new(&["jenjang", "instansi", "akun"]);
    for ((rung, agency), account) in officials {
        rows.row(&[rung, agency, account]);
    }
    rows.sorted()
}

fn deadlines(rules: &Rules, to: DateTime<Utc>) -> Vec<u8> {
    let mut rows =
        Table::new(&["kunci", "jam", "nilai", "satuan", "sumber", "keyakinan", "berlaku_dari", "disahkan"]);
    for it in rules.deadlines.iter().filter(|it| it.valid_from <= rules.date(to)) {
        let signed = it.signed_off_at.filter(|at| *at < to).and(it.signed_off_by.clone());
        rows.row(&[
            &it.key,
            &it.clock.map(|it| it.to_string()).unwrap_or_default(),
            &it.value.to_string(),
            &it.unit.to_string(),
            &it.source,
            &it.confidence.to_string(),
            &it.valid_from.to_string(),
            &signed.unwrap_or_default(),
        ]);
    }
    rows.sorted()
}

fn stamp(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A table as CSV (RFC 4180).
struct Table {
    head: String,
    text: String,
}

impl Table {
    fn new(columns: &[&str]) -> Self {
        let head = format!("{}\r\n", columns.join(","));
        Self { text: head.clone(), head }
    }

    fn row(&mut self, cells: &[&str]) {
        let cells: Vec<String> = cells.iter().map(|it| cell(it)).collect();
        self.text.push_str(&cells.join(","));
        self.text.push_str("\r\n");
    }

    /// The rows in the order of their text: whatever order they were read in.
    fn sorted(self) -> Vec<u8> {
        let mut lines: Vec<&str> = self.text[self.head.len()..].split_inclusive("\r\n").collect();
        lines.sort_unstable();
        format!("{}{}", self.head, lines.concat()).into_bytes()
    }
}

/// A cell: quoted where needed, and never a formula to a spreadsheet.
fn cell(text: &str) -> String {
    let flat = text.replace(['\r', '\n'], " ");
    let safe = if flat.starts_with(['=', '+', '-', '@', '\t']) { format!("'{flat}") } else { flat };
    if safe.contains([',', '"']) { format!("\"{}\"", safe.replace('"', "\"\"")) } else { safe }
}
