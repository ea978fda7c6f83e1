//! `ExportEvidence`: the pack of a period for the Ombudsman, PG-01 to PG-09, the same bytes each time it is asked for.
//!
//! Everything in it is read from what does not change any more: the journal before the end of the period, where cases stood
//! and as what at that moment, closures, steps of the ladder, rows of the deadlines table. It names no reporter.
//!
//! Papers (decrees, minutes, lists of who was trained) are entered after a period too, so a pack names the last entry of the
//! journal about those that are in it: asked for with that number it is the same bytes, whatever was entered since.
//!
//! A case counts from when it was entered here. One that was whistleblowing at the end of the period is not in the pack; one
//! that became so later is, as the report it was then: nothing in the pack tells what became of it.

mod archive;
mod papers;
pub(super) mod register;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_kit::fault::{Problem, Text, Violation};
use mpp_kit::journal::{self, Recorded};
use mpp_proto::complaints::v1::{ExportEvidenceRequest, ExportEvidenceResponse};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::Core;
use super::convert;
use crate::domain::case::Case;
use crate::domain::clock::Clock;
use crate::domain::is_inspected;
use crate::domain::ladder::ActingKind;
use crate::domain::report::{Figures, Outcome};
use crate::domain::rules::Rules;
use crate::domain::words::ClockKind;
use crate::error::Error;
use crate::store;
use crate::store::report::Stood;

/// Entries of the journal that are read at once.
const PAGE: u64 = 2000;
/// Cases that are read at once.
const CASES: usize = 500;
/// How long after a period its pack is there: what was decided before its end is committed by then.
const SETTLES: TimeDelta = TimeDelta::hours(1);

pub(super) async fn export(
    core: &Core,
    caller: &Caller,
    request: ExportEvidenceRequest,
) -> Result<ExportEvidenceResponse, Error> {
    let rules = core.rules().await?;
    if !core.areas(caller, "complaints.audit", &rules).reach(&core.config.regency) {
        return Err(Error::Denied);
    }
    let mut check = Checker::new();
    let first = convert::date(&mut check, "from", &request.from);
    let last = convert::date(&mut check, "to", &request.to);
    let span =
        first.zip(last).filter(|(first, last)| first <= last && *last < rules.date(core.now() - SETTLES));
    if check.is_clean() && span.is_none() {
        check.violation(
            "to",
            "NOT_OVER",
            "pilih periode yang sudah lewat satu jam: yang masih berjalan akan berubah",
            "choose a period that is over for an hour: one that goes on would change",
        );
    }
    check.finish()?;
    let Some(days) = span else { return Ok(ExportEvidenceResponse::default()) };
    let (pack, register) = core.pack(&rules, days, request.register).await?;
    let sha256 = hex::encode(Sha256::digest(&pack));
    let detail = json!({"from": request.from, "to": request.to, "register": register, "sha256": sha256});
    core.looked((caller.who(), "evidence.exported", "evidence"), detail).await?;
    Ok(ExportEvidenceResponse { archive: pack, sha256, register })
}

/// The moments of a span of days, by the calendar of the regency.
fn moments(
    rules: &Rules,
    (first, last): (chrono::NaiveDate, chrono::NaiveDate),
) -> (DateTime<Utc>, DateTime<Utc>) {
    let zone = rules.calendar(&rules.home).2.zone();
    let midnight = |date: chrono::NaiveDate| zone.moment(date.and_time(chrono::NaiveTime::MIN));
    (midnight(first), midnight(last.succ_opt().unwrap_or(last)))
}

/// When a paper was entered and withdrawn: numbers of entries of the journal.
#[derive(Debug, Clone, Copy, Default)]
struct Entered {
    added: i64,
    withdrawn: Option<i64>,
}

/// What the journal says of a case at the end of the period.
#[derive(Debug, Clone, Default)]
struct Then {
    state: String,
    holder: String,
    first: Option<DateTime<Utc>>,
    last: Option<DateTime<Utc>>,
    changes: u32,
}

/// What was seen of an item at LAPOR!.
#[derive(Debug, Clone, Default)]
struct Seen {
    stage: String,
    mismatch: String,
    at: Option<DateTime<Utc>>,
}

/// What the journal says of everything else at the end of the period.
#[derive(Debug, Clone, Default)]
struct Known {
    /// Holders of offices, by rung and agency.
    officials: BTreeMap<(String, String), String>,
    /// The names of those offices, as far as the journal has them.
    titles: BTreeMap<(String, String), String>,
    /// Appointments to act in an office that were made by then.
    actings: BTreeSet<String>,
    /// Names of agencies.
    agencies: BTreeMap<String, String>,
    /// Who vouched for rows of the deadlines table.
    signed: BTreeMap<String, String>,
    /// Rows of the deadlines table that came later.
    later: BTreeSet<String>,
    /// What LAPOR! showed last, by row of the ledger.
    ledger: BTreeMap<String, Seen>,
    /// Papers by id, also those that came after the period.
    papers: BTreeMap<String, Entered>,
    /// Each comparison with LAPOR!: when, rows here, items there, how many disagreed.
    compared: Vec<(DateTime<Utc>, [u64; 3])>,
}

impl Known {
    /// PG-08: the comparisons of the period, one a day.
    fn compared(&self, from: DateTime<Utc>) -> Vec<u8> {
        let mut rows = Table::new(&["waktu", "di_sini", "di_lapor", "beda"]);
        for (at, counts) in self.compared.iter().filter(|(at, _)| *at >= from) {
            let [ours, theirs, differ] = counts.map(|it| it.to_string());
            rows.row(&[&stamp(*at), &ours, &theirs, &differ]);
        }
        rows.sorted()
    }

    /// The name that the agency of an office had then; empty for those above all agencies.
    fn agency_of(&self, rules: &Rules, agency: &str) -> String {
        if agency.is_empty() { String::new() } else { self.name_of(rules, agency) }
    }

    /// The name that an agency had then.
    fn name_of(&self, rules: &Rules, agency: &str) -> String {
        self.agencies.get(agency).cloned().unwrap_or_else(|| rules.name_of(agency))
    }
}

impl Core {
    async fn pack(
        &self,
        rules: &Rules,
        days: (chrono::NaiveDate, chrono::NaiveDate),
        register: i64,
    ) -> Result<(Vec<u8>, i64), Error> {
        let db = &self.db.read;
        let (from, to) = moments(rules, days);
        let (mut cases, mut known) = (BTreeMap::<String, Then>::new(), Known::default());
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
                fold(it, to, &mut cases, &mut known);
            }
        }
        cases.retain(|_, it| it.first.is_some());
        if register > after || register < 0 {
            return Err(unknown_register());
        }
        let papers = self.papers(&known, days, if register == 0 { i64::MAX } else { register }).await?;
        let times = self.times(rules, (from, to)).await?;
        let mut files = vec![
            ("PG-02_pengelola.csv".to_owned(), papers.managers((rules, &known), days.1)),
            ("PG-02_plt_plh.csv".to_owned(), acting((rules, &known), (from, to))),
            ("PG-03_register.csv".to_owned(), self.register((rules, &known), &cases, (from, to)).await?),
            ("PG-04_eskalasi.csv".to_owned(), self.steps((from, to)).await?),
            ("PG-05_rekonsiliasi.csv".to_owned(), self.reconciled((from, to)).await?),
            ("PG-06_waktu.csv".to_owned(), times.0),
            ("PG-06_matriks.csv".to_owned(), times.1),
            ("PG-08_sp4n.csv".to_owned(), self.synced(&known, to).await?),
            ("PG-08_harian.csv".to_owned(), known.compared(from)),
            ("tenggat.csv".to_owned(), deadlines((rules, &known), to)),
        ];
        for (period, span) in papers.cited(rules) {
            files.push((format!("PG-07_laporan_layanan_{period}.csv"), self.reconciled(span).await?));
        }
        files.extend(self.attached(&papers).await?);
        let (first, last) = days;
        let mut about = format!(
            "Bukti pengelolaan pengaduan {first} sampai {last}\nWilayah: {}\n\nJurnal sampai akhir periode: {entries} catatan, hash terakhir {head}\nDokumen bukti sampai catatan jurnal ke-{}. Paket yang sama persis dibuat lagi dengan --register {}.\n\nYang kurang:\n{}\nSHA-256:\n",
            rules.home,
            papers.register,
            papers.register,
            papers.missing(&known, days),
        );
        for (name, content) in &files {
            about.push_str(&format!("{}  {name}\n", hex::encode(Sha256::digest(content))));
        }
        files.insert(0, ("BACA.txt".to_owned(), about.into_bytes()));
        Ok((archive::zip(&files), papers.register))
    }

    /// PG-03: the logbook of what came or changed in the period, with the proof of follow-up.
    async fn register(
        &self,
        (rules, known): (&Rules, &Known),
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
            let found = self.then(ids, to).await?;
            for (id, then) in chunk {
                let Some((case, stood)) = found.get(*id) else { continue };
                let proof = case.messages.iter().filter(|it| it.at < to).flat_map(|it| &it.files);
                let proof: Vec<&str> = proof.filter(|it| it.proof).map(|it| it.sha256.as_str()).collect();
                rows.row(&[
                    &case.number.to_string(),
                    &stamp(case.received_at),
                    &stood.class,
                    &case.channel.to_string(),
                    &stood.category,
                    &known.name_of(rules, &then.holder),
                    &then.state,
                    &proof.join(" "),
                    &then.changes.to_string(),
                ]);
            }
        }
        Ok(rows.sorted())
    }

    /// These cases, each with where it stood at the end of the period. Whistleblowing is counted nowhere that the units it
    /// names may read.
    async fn then(
        &self,
        ids: Vec<String>,
        to: DateTime<Utc>,
    ) -> Result<BTreeMap<String, (Case, Stood)>, Error> {
        let mut stood = store::report::stood(&self.db.read, ids.clone(), to).await?;
        stood.retain(|_, it| !is_inspected(&it.desk));
        Ok(store::complaint::several(&self.db.read, &self.cipher, ids)
            .await?
            .into_iter()
            .filter_map(|it| {
                let id = it.case.id.to_string();
                stood.remove(&id).map(|stood| (id, (it.case, stood)))
            })
            .collect())
    }

    /// PG-04: who was told of what was late, and who took it on.
    async fn steps(&self, (from, to): (DateTime<Utc>, DateTime<Utc>)) -> Result<Vec<u8>, Error> {
        let mut rows =
            Table::new(&["waktu", "aduan", "tenggat", "persen", "jenjang", "akun", "ditanggapi", "oleh"]);
        let steps = store::escalation::between(&self.db.read, (from, to)).await?;
        let mut stood = BTreeMap::new();
        let cases: BTreeSet<String> = steps.iter().map(|it| it.case.to_string()).collect();
        for chunk in cases.into_iter().collect::<Vec<_>>().chunks(CASES) {
            stood.extend(store::report::stood(&self.db.read, chunk.to_vec(), to).await?);
        }
        stood.retain(|_, it| !is_inspected(&it.desk));
        for it in steps.into_iter().filter(|it| stood.contains_key(&it.case.to_string())) {
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
            "persen_selesai",
            "persen_tepat_waktu",
        ]);
        let mut lines: BTreeMap<(String, String), Figures> = BTreeMap::new();
        for ((_, class, channel, _), it) in store::report::figures(&self.db.read, span, false).await? {
            let line = lines.entry((class, channel)).or_default();
            *line = line.plus(it);
        }
        let total = lines.values().fold(Figures::default(), |sum, it| sum.plus(*it));
        let named = lines.into_iter().chain([(("JUMLAH".to_owned(), String::new()), total)]);
        for ((class, channel), it) in named {
            // Of what there was to settle in the period, and of what was settled.
            let shares = [
                percent(it.settled, it.opening + it.received + it.reopened),
                percent(it.settled_in_time, it.settled),
            ];
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
            row.extend(numbers.iter().chain(&shares).map(String::as_str));
            rows.row(&row);
        }
        Ok(rows.text.into_bytes())
    }

    /// PG-06: how long each took against what was permitted, each by itself, and by class, category and deadline.
    async fn times(
        &self,
        rules: &Rules,
        span: (DateTime<Utc>, DateTime<Utc>),
    ) -> Result<(Vec<u8>, Vec<u8>), Error> {
        let written = store::catalogue::written_calendars(&self.db.read).await?;
        // By the version that it was counted by: a later one changes no pack.
        let of_clock = |clock: &Clock| {
            let mut own = written.iter().map(|it| &it.version);
            let own = own.find(|it| (&it.id, it.version) == (&clock.calendar, clock.calendar_version));
            own.map_or_else(|| rules.of_clock(clock), |it| &it.calendar)
        };
        let mut matrix: BTreeMap<Cell, Spent> = BTreeMap::new();
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
            let found = self.then(ids, span.1).await?;
            for (id, closed_at, outcome, in_time) in chunk {
                let Some((case, stood)) = found.get(id) else { continue };
                let clock = case
                    .clocks
                    .iter()
                    .rev()
                    .find(|it| it.kind == ClockKind::Settle && it.started_at <= *closed_at);
                let key = clock
                    .and_then(|clock| rules.deadlines.iter().find(|row| row.id == clock.deadline))
                    .map(|it| it.key.clone())
                    .unwrap_or_default();
                if let (Outcome::Settled, Some(clock)) = (outcome, clock) {
                    // What it waited for is the answer: the reporter's days after it are not the agency's.
                    let until = clock.ended_at.map_or(*closed_at, |it| it.min(*closed_at));
                    let cell = Cell {
                        class: stood.class.clone(),
                        category: stood.category.clone(),
                        deadline: key.clone(),
                        value: clock.value,
                        unit: clock.unit.to_string(),
                    };
                    matrix.entry(cell).or_default().add(clock.used(until, of_clock(clock)), *in_time);
                }
                rows.row(&[
                    &case.number.to_string(),
                    &stood.class,
                    &stamp(*closed_at),
                    &outcome.to_string(),
                    if *in_time { "ya" } else { "tidak" },
                    &key,
                    &clock.map(|it| stamp(it.due_at)).unwrap_or_default(),
                    &clock.and_then(|it| it.late_at).map(stamp).unwrap_or_default(),
                ]);
            }
        }
        Ok((rows.sorted(), matrix_of(&matrix)))
    }

    /// PG-08: which item of LAPOR! is which case here, at which stage it was seen there last, and how both sides disagreed.
    async fn synced(&self, known: &Known, to: DateTime<Utc>) -> Result<Vec<u8>, Error> {
        let mut rows = Table::new(&["id_lapor", "arah", "nomor", "tahap", "beda", "dilihat"]);
        let mut after = String::new();
        loop {
            let page = store::ledger::all(&self.db.read, &after, CASES as u64).await?;
            let Some(end) = page.last() else { break };
            after = end.id.to_string();
            let ids = page.iter().map(|it| it.case.clone()).collect();
            let mut stood = store::report::stood(&self.db.read, ids, to).await?;
            stood.retain(|_, it| !is_inspected(&it.desk));
            // The id holds the moment at which the row was made (UUIDv7).
            let limit = u64::try_from(to.timestamp_millis()).unwrap_or(0);
            for it in page.iter().filter(|it| made(it.id.uuid()) < limit && stood.contains_key(&it.case)) {
                let none = Seen::default();
                let seen = known.ledger.get(&it.id.to_string()).unwrap_or(&none);
                rows.row(&[
                    &it.tracking,
                    &it.direction.to_string(),
                    &it.number,
                    &seen.stage,
                    &seen.mismatch,
                    &seen.at.map(stamp).unwrap_or_default(),
                ]);
            }
        }
        Ok(rows.sorted())
    }
}

/// A row of the matrix of PG-06: what kind of case, by which deadline.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Cell {
    class: String,
    category: String,
    deadline: String,
    value: u32,
    unit: String,
}

/// What settled cases used of their deadlines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Spent {
    settled: i64,
    in_time: i64,
    /// Per mille of the deadline, of all together and of the one that used most.
    sum: i64,
    most: i64,
    /// How many used up to a half, up to the whole, up to one and a half times, and more.
    shares: [i64; 4],
}

impl Spent {
    fn add(&mut self, used: i64, in_time: bool) {
        self.settled += 1;
        self.in_time += i64::from(in_time);
        self.sum += used;
        self.most = self.most.max(used);
        let share = match used {
            ..=500 => 0,
            501..=1000 => 1,
            1001..=1500 => 2,
            _ => 3,
        };
        self.shares[share] += 1;
    }
}

/// PG-06: kind of case and deadline by what was used of it, in the unit of the deadline and by its shares.
fn matrix_of(matrix: &BTreeMap<Cell, Spent>) -> Vec<u8> {
    let mut rows = Table::new(&[
        "jenis",
        "kategori",
        "tenggat",
        "nilai",
        "satuan",
        "selesai",
        "tepat_waktu",
        "persen_tepat_waktu",
        "rata_rata",
        "terlama",
        "sampai_50_persen",
        "sampai_100_persen",
        "sampai_150_persen",
        "lebih_150_persen",
    ]);
    for (cell, it) in matrix {
        // Tenths of the unit.
        let spent = |permille: i64| {
            let tenths = permille.saturating_mul(i64::from(cell.value)) / 100;
            format!("{}.{}", tenths / 10, tenths % 10)
        };
        let mut row = vec![
            cell.class.clone(),
            cell.category.clone(),
            cell.deadline.clone(),
            cell.value.to_string(),
            cell.unit.clone(),
            it.settled.to_string(),
            it.in_time.to_string(),
            percent(it.in_time, it.settled),
            spent(it.sum / it.settled.max(1)),
            spent(it.most),
        ];
        row.extend(it.shares.map(|it| it.to_string()));
        rows.row(&row.iter().map(String::as_str).collect::<Vec<_>>());
    }
    rows.text.into_bytes()
}

/// A share in percent with one decimal; empty where there is nothing that it could be of.
fn percent(part: i64, of: i64) -> String {
    if of <= 0 {
        return String::new();
    }
    let tenths = (part.saturating_mul(2000) / of + 1) / 2;
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// PG-02: who acted in which office in the period, by which decree.
fn acting((rules, known): (&Rules, &Known), (from, to): (DateTime<Utc>, DateTime<Utc>)) -> Vec<u8> {
    let mut rows = Table::new(&[
        "jenjang",
        "instansi",
        "nama_instansi",
        "jabatan",
        "sebutan",
        "akun",
        "sk",
        "dari",
        "sampai",
    ]);
    let within = rules.actings.iter().filter(|it| it.from < to && from < it.to);
    for it in within.filter(|it| known.actings.contains(&it.id.to_string())) {
        let Some(office) = rules.officials.iter().find(|office| office.id == it.official) else { continue };
        let key = (office.rung.to_string(), office.agency.clone());
        rows.row(&[
            &key.0,
            &key.1,
            &known.agency_of(rules, &key.1),
            known.titles.get(&key).map_or("", String::as_str),
            match it.kind {
                ActingKind::Plt => "Plt.",
                ActingKind::Plh => "Plh.",
            },
            &it.account,
            &it.decree,
            &stamp(it.from),
            &stamp(it.to),
        ]);
    }
    rows.sorted()
}

/// Milliseconds since 1970 in a UUIDv7.
fn made(id: uuid::Uuid) -> u64 {
    let bytes = id.as_bytes();
    bytes[..6].iter().fold(0, |value, byte| (value << 8) | u64::from(*byte))
}

fn fold(it: &Recorded, to: DateTime<Utc>, cases: &mut BTreeMap<String, Then>, known: &mut Known) {
    let entry = &it.entry;
    let detail: Value = serde_json::from_str(&entry.detail).unwrap_or_default();
    let text = |key: &str| detail.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    if entry.subject.starts_with("evd_") {
        match entry.what.as_str() {
            register::ADDED => known.papers.entry(entry.subject.clone()).or_default().added = it.seq,
            register::WITHDRAWN => {
                known.papers.entry(entry.subject.clone()).or_default().withdrawn = Some(it.seq);
            }
            _ => {}
        }
        return;
    }
    if entry.subject.starts_with("cmp_") {
        if entry.at >= to {
            return;
        }
        if entry.what == "sp4n.recorded" {
            let seen = Seen { stage: text("stage"), mismatch: text("mismatch"), at: Some(entry.at) };
            known.ledger.insert(text("entry"), seen);
        }
        let then = cases.entry(entry.subject.clone()).or_default();
        then.first.get_or_insert(entry.at);
        then.last = Some(entry.at);
        then.changes += 1;
        if let Some(state) = &entry.to {
            then.state.clone_from(state);
            then.holder = text("holder");
        }
        return;
    }
    match entry.what.as_str() {
        "deadline.applied" if entry.at >= to => {
            known.later.insert(entry.subject.clone());
        }
        _ if entry.at >= to => {}
        "official.applied" => {
            let office = (text("rung"), text("agency"));
            known.titles.insert(office.clone(), text("title"));
            known.officials.insert(office, text("account"));
        }
        "acting.applied" => {
            known.actings.insert(entry.subject.clone());
        }
        "agency.applied" => {
            known.agencies.insert(entry.subject.clone(), text("name"));
        }
        "sp4n.seen" | "sp4n.told" => {
            let seen = Seen { stage: text("stage"), mismatch: text("mismatch"), at: Some(entry.at) };
            known.ledger.insert(entry.subject.clone(), seen);
        }
        "sp4n.compared" => {
            let counts = ["ours", "theirs", "mismatches"];
            let counts = counts.map(|key| detail.get(key).and_then(Value::as_u64).unwrap_or(0));
            known.compared.push((entry.at, counts));
        }
        "deadline.signed_off" => {
            known.signed.insert(entry.subject.clone(), entry.who.clone());
        }
        _ => {}
    }
}

/// A number of the register that there is none of.
fn unknown_register() -> Error {
    let text = Text::new(
        "isi nomor catatan jurnal yang disebut paket sebelumnya, atau kosongkan",
        "give the number of an entry of the journal that an earlier pack names, or none",
    );
    Problem::invalid(vec![Violation { field: "register".to_owned(), reason: "OUT_OF_RANGE", text }]).into()
}

fn deadlines((rules, known): (&Rules, &Known), to: DateTime<Utc>) -> Vec<u8> {
    let mut rows =
        Table::new(&["kunci", "jam", "nilai", "satuan", "sumber", "keyakinan", "berlaku_dari", "disahkan"]);
    let there = |id: &str| !known.later.contains(id);
    let rows_then = rules.deadlines.iter().filter(|it| it.valid_from <= rules.date(to));
    for it in rows_then.filter(|it| there(&it.id.to_string())) {
        let signed = known.signed.get(&it.id.to_string());
        rows.row(&[
            &it.key,
            &it.clock.map(|it| it.to_string()).unwrap_or_default(),
            &it.value.to_string(),
            &it.unit.to_string(),
            &it.source,
            &it.confidence.to_string(),
            &it.valid_from.to_string(),
            signed.map_or("", String::as_str),
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
pub(super) fn cell(text: &str) -> String {
    let flat = text.replace(['\r', '\n'], " ");
    let safe = if flat.starts_with(['=', '+', '-', '@', '\t']) { format!("'{flat}") } else { flat };
    if safe.contains([',', '"']) { format!("\"{}\"", safe.replace('"', "\"\"")) } else { safe }
}
