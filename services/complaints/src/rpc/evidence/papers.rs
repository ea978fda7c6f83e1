//! The papers of a pack: those that count for its period as they stood at an entry of the journal, an index of them per
//! indicator, their files, and what is missing.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use strum::IntoEnumIterator as _;

use super::super::Core;
use super::{Known, Table};
use crate::domain::case::File;
use crate::domain::evidence::{Basis, Document, Indicator, gaps, matched};
use crate::domain::report;
use crate::domain::rules::Rules;
use crate::domain::words::Scan;
use crate::error::Error;
use crate::store;

/// Papers that are read at once.
const PAGE: u64 = 200;
/// Bytes of all files of a pack at most: what else is in it has to find room in one answer too.
const LARGEST: u64 = 40 << 20;

/// The first moment of a period, and the first after it.
type Span = (DateTime<Utc>, DateTime<Utc>);

/// The papers of a pack.
pub(super) struct Papers {
    documents: Vec<(Document, File)>,
    /// The last entry of the journal about one of them, or about one of the period that was withdrawn.
    pub(super) register: i64,
}

impl Core {
    /// The papers that count for a span of days, as they stood at an entry of the journal.
    pub(super) async fn papers(
        &self,
        known: &Known,
        days: (NaiveDate, NaiveDate),
        limit: i64,
    ) -> Result<Papers, Error> {
        let db = &self.db.read;
        // Where there are none: the first entry of the journal, with which there are none for ever.
        let mut papers = Papers { documents: Vec::new(), register: 1 };
        let mut after = String::new();
        loop {
            let page = store::evidence::covering(db, days, &after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.id.to_string();
            let ids: Vec<_> = page.iter().map(|it| it.file).collect();
            let mut files: BTreeMap<_, File> =
                store::file::several(db, &ids).await?.into_iter().map(|it| (it.id.to_string(), it)).collect();
            for paper in page {
                // The journal was read first: what it does not know yet is in the next pack.
                let Some(entered) = known.papers.get(&paper.id.to_string()) else { continue };
                let moments = [Some(entered.added), entered.withdrawn];
                let last = moments.into_iter().flatten().filter(|it| *it <= limit).max().unwrap_or(0);
                papers.register = papers.register.max(last);
                let counts =
                    entered.added <= limit && entered.withdrawn.is_none_or(|withdrawn| withdrawn > limit);
                if let (true, Some(file)) = (counts, files.remove(&paper.file.to_string())) {
                    papers.documents.push((paper, file));
                }
            }
        }
        if papers.documents.iter().map(|(_, file)| file.size).sum::<u64>() > LARGEST {
            return Err(Error::PackTooLarge);
        }
        Ok(papers)
    }

    /// The index of each indicator, and the files. What nobody may ever open is in the index alone.
    pub(super) async fn attached(&self, papers: &Papers) -> Result<Vec<(String, Vec<u8>)>, Error> {
        let mut files: Vec<(String, Vec<u8>)> =
            Indicator::iter().map(|it| (format!("{it}_bukti.csv"), self.index(papers, it))).collect();
        for (paper, file) in papers.documents.iter().filter(|(_, file)| self.held(file).is_none()) {
            self.opens(file)?;
            files.push((path(paper, file), self.files.get(&file.id.to_string()).await?));
        }
        Ok(files)
    }

    /// Why nobody may ever open a file as the installation is set up, in words; `None` for one that can be opened now or soon.
    fn held(&self, file: &File) -> Option<&'static str> {
        match file.scan {
            Scan::Infected => Some("ditahan pemindai virus"),
            // Where there is a scanner, it looks at it yet.
            Scan::NotScanned if !self.config.allow_unscanned && self.config.clamd.is_empty() => {
                Some("belum dipindai")
            }
            Scan::Clean | Scan::NotScanned | Scan::Pending => None,
        }
    }

    /// Refuses a file that nobody may open: the scanner has not looked, or found something.
    pub(super) fn opens(&self, file: &File) -> Result<(), Error> {
        match file.scan {
            Scan::Clean => Ok(()),
            Scan::NotScanned if self.config.allow_unscanned => Ok(()),
            held @ (Scan::NotScanned | Scan::Pending | Scan::Infected) => Err(Error::FileHeld(held)),
        }
    }

    /// What there is for an indicator.
    fn index(&self, papers: &Papers, indicator: Indicator) -> Vec<u8> {
        let mut rows = Table::new(&[
            "jenis",
            "tanggal",
            "nomor",
            "judul",
            "berlaku_dari",
            "berlaku_sampai",
            "periode",
            "peserta",
            "berkas",
            "sha256",
            "keterangan",
        ]);
        for (paper, file) in papers.documents.iter().filter(|(paper, _)| paper.indicator == indicator) {
            let day = |date: NaiveDate| date.to_string();
            let (from, to) = match paper.kind.basis() {
                Basis::Validity => (day(paper.first), paper.last.map(day).unwrap_or_default()),
                Basis::Period | Basis::Standing | Basis::Day => (String::new(), String::new()),
            };
            let people = if paper.participants > 0 { paper.participants.to_string() } else { String::new() };
            let held = self.held(file);
            rows.row(&[
                paper.kind.name(),
                &day(paper.date),
                &paper.number,
                &paper.title,
                &from,
                &to,
                &paper.period,
                &people,
                &if held.is_some() { String::new() } else { path(paper, file) },
                &file.sha256,
                held.unwrap_or_default(),
            ]);
        }
        rows.sorted()
    }
}

impl Papers {
    fn all(&self) -> Vec<&Document> {
        self.documents.iter().map(|(paper, _)| paper).collect()
    }

    /// PG-02: who held which office at the end of the period, beside whom decrees name.
    pub(super) fn managers(&self, (rules, known): (&Rules, &Known), last: NaiveDate) -> Vec<u8> {
        let columns = ["jenjang", "instansi", "nama_instansi", "jabatan", "akun", "sk", "cocok"];
        let mut rows = Table::new(&columns);
        for it in matched(&self.all(), &known.officials, last) {
            let (rung, agency) = &it.office;
            let title = known.titles.get(&it.office).map_or("", String::as_str);
            let name = known.agency_of(rules, agency);
            rows.row(&[rung, agency, &name, title, &it.account, &it.decrees.join("; "), it.fit.words()]);
        }
        rows.sorted()
    }

    /// The periods whose reports an evaluation is of, with their moments.
    pub(super) fn cited(&self, rules: &Rules) -> Vec<(String, Span)> {
        let zone = rules.calendar(&rules.home).2.zone();
        let cited = self.documents.iter().filter(|(paper, _)| paper.cites_report);
        let periods: BTreeSet<&str> = cited.map(|(paper, _)| paper.period.as_str()).collect();
        let found =
            periods.into_iter().filter_map(|it| Some((it.to_owned(), report::period(it, zone).ok()?)));
        found.collect()
    }

    /// What each indicator lacks, a line each.
    pub(super) fn missing(&self, known: &Known, days: (NaiveDate, NaiveDate)) -> String {
        let all = self.all();
        let mut lines = String::new();
        for indicator in Indicator::iter() {
            let gaps = gaps(indicator, &all, &known.officials, days);
            if gaps.is_empty() {
                lines.push_str(&format!("{indicator}: lengkap\n"));
            }
            for gap in gaps {
                lines.push_str(&format!("{indicator}: {}\n", gap.words()));
            }
        }
        lines
    }
}

/// Where the file of a paper is in a pack.
fn path(paper: &Document, file: &File) -> String {
    format!("{}/{}", paper.indicator, name(paper, file))
}

/// What the file of a paper is called: the same for ever, and nothing of its title.
pub(super) fn name(paper: &Document, file: &File) -> String {
    let ending = match file.media_type.as_str() {
        "application/pdf" => "pdf",
        "image/jpeg" => "jpg",
        "image/png" => "png",
        "image/webp" => "webp",
        _ => "bin",
    };
    format!("{}_{}_{}.{ending}", paper.date, paper.kind.slug(), paper.id)
}
