//! Papers for the Ombudsman: which days each counts for, what is missing for a period, whose office a decree names, and what
//! is told when one ends.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

use super::{EvidenceId, FileId};

/// Indicators that papers are kept for.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Display, EnumString, EnumIter, IntoStaticStr,
)]
pub enum Indicator {
    /// Complaints are managed: a team by decree, by procedures.
    #[strum(serialize = "PG-01")]
    Pg01,
    /// Who manages them is appointed and active.
    #[strum(serialize = "PG-02")]
    Pg02,
    /// How often it is evaluated.
    #[strum(serialize = "PG-07")]
    Pg07,
    /// SP4N-LAPOR! is joined to it.
    #[strum(serialize = "PG-08")]
    Pg08,
    /// Who manages them is trained.
    #[strum(serialize = "PG-09")]
    Pg09,
}

/// Kinds of papers.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Display, EnumString, EnumIter, IntoStaticStr,
)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum Kind {
    /// SK tim.
    TeamDecree,
    /// SOP.
    Procedure,
    /// Surat penunjukan pengelola.
    Appointment,
    /// Notulen evaluasi.
    EvaluationMinutes,
    /// Laporan evaluasi.
    EvaluationReport,
    /// SK integrasi SP4N-LAPOR!.
    IntegrationDecree,
    /// Laporan uji coba.
    TrialReport,
    /// Surat permohonan to the ministry.
    RequestLetter,
    /// Daftar hadir.
    Attendance,
    /// Materi pelatihan.
    TrainingMaterial,
    /// Any other letter.
    Letter,
    /// Anything else.
    Other,
}

/// By what it is known which days a paper counts for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// It is valid from a day, and to one or without an end.
    Validity,
    /// It is about a month, a quarter or a year.
    Period,
    /// It was made once, and shows something from its date on.
    Standing,
    /// It is of its date.
    Day,
}

impl Kind {
    /// The indicator that it shows; none for what may show any.
    #[must_use]
    pub fn indicator(self) -> Option<Indicator> {
        Some(match self {
            Self::TeamDecree | Self::Procedure => Indicator::Pg01,
            Self::Appointment => Indicator::Pg02,
            Self::EvaluationMinutes | Self::EvaluationReport => Indicator::Pg07,
            Self::IntegrationDecree | Self::TrialReport | Self::RequestLetter => Indicator::Pg08,
            Self::Attendance | Self::TrainingMaterial => Indicator::Pg09,
            Self::Letter | Self::Other => return None,
        })
    }

    /// By what it is known which days it counts for.
    #[must_use]
    pub fn basis(self) -> Basis {
        match self {
            Self::TeamDecree | Self::Procedure | Self::Appointment | Self::IntegrationDecree => {
                Basis::Validity
            }
            Self::EvaluationMinutes | Self::EvaluationReport => Basis::Period,
            Self::TrialReport | Self::RequestLetter => Basis::Standing,
            Self::Attendance | Self::TrainingMaterial | Self::Letter | Self::Other => Basis::Day,
        }
    }

    /// Whether it must have a number.
    #[must_use]
    pub fn is_numbered(self) -> bool {
        match self {
            Self::TeamDecree
            | Self::Appointment
            | Self::IntegrationDecree
            | Self::RequestLetter
            | Self::Letter => true,
            Self::Procedure
            | Self::EvaluationMinutes
            | Self::EvaluationReport
            | Self::TrialReport
            | Self::Attendance
            | Self::TrainingMaterial
            | Self::Other => false,
        }
    }

    /// Whether it may name who holds offices.
    #[must_use]
    pub fn names_managers(self) -> bool {
        matches!(self, Self::TeamDecree | Self::Appointment)
    }

    /// What it is called in Indonesian.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::TeamDecree => "SK tim",
            Self::Procedure => "SOP",
            Self::Appointment => "surat penunjukan pengelola",
            Self::EvaluationMinutes => "notulen evaluasi",
            Self::EvaluationReport => "laporan evaluasi",
            Self::IntegrationDecree => "SK integrasi SP4N-LAPOR!",
            Self::TrialReport => "laporan uji coba SP4N-LAPOR!",
            Self::RequestLetter => "surat permohonan ke KemenPANRB",
            Self::Attendance => "daftar hadir pelatihan",
            Self::TrainingMaterial => "materi pelatihan",
            Self::Letter => "surat",
            Self::Other => "dokumen lain",
        }
    }

    /// What it is called in the names of files.
    #[must_use]
    pub fn slug(self) -> &'static str {
        match self {
            Self::TeamDecree => "sk-tim",
            Self::Procedure => "sop",
            Self::Appointment => "surat-penunjukan",
            Self::EvaluationMinutes => "notulen-evaluasi",
            Self::EvaluationReport => "laporan-evaluasi",
            Self::IntegrationDecree => "sk-integrasi",
            Self::TrialReport => "laporan-uji-coba",
            Self::RequestLetter => "surat-permohonan",
            Self::Attendance => "daftar-hadir",
            Self::TrainingMaterial => "materi-pelatihan",
            Self::Letter => "surat",
            Self::Other => "dokumen-lain",
        }
    }
}

/// An office: its rung and its agency, as the ladder has them.
pub type Office = (String, String);

/// Whom a decree names for an office.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The rung of the office.
    pub rung: String,
    /// Its agency.
    pub agency: String,
    /// The account.
    pub account: String,
}

/// Who withdrew a paper, when and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Withdrawal {
    /// An account.
    pub by: String,
    /// When.
    pub at: DateTime<Utc>,
    /// Why.
    pub reason: String,
}

/// A paper.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Its id.
    pub id: EvidenceId,
    /// What it shows.
    pub indicator: Indicator,
    /// What it is.
    pub kind: Kind,
    /// What stands on it.
    pub title: String,
    /// Its number; empty for none.
    pub number: String,
    /// When it was made.
    pub date: NaiveDate,
    /// The first day that it counts for.
    pub first: NaiveDate,
    /// The last one; none without an end.
    pub last: Option<NaiveDate>,
    /// The period of an evaluation; empty for other kinds.
    pub period: String,
    /// How many took part.
    pub participants: u32,
    /// Whether an evaluation is of the report of this service.
    pub cites_report: bool,
    /// Whom it names.
    pub members: Vec<Member>,
    /// Its file.
    pub file: FileId,
    /// Which of the alarms its coordinator was told.
    pub told: u32,
    /// Who entered it.
    pub created_by: String,
    /// When.
    pub created_at: DateTime<Utc>,
    /// Whether it counts no longer.
    pub withdrawn: Option<Withdrawal>,
}

impl Document {
    /// Whether it counts for some day of a span.
    #[must_use]
    pub fn covers(&self, (first, last): (NaiveDate, NaiveDate)) -> bool {
        self.first <= last && self.last.is_none_or(|it| it >= first)
    }

    /// Its last day, of what is valid for a time.
    #[must_use]
    pub fn ends(&self) -> Option<NaiveDate> {
        match self.kind.basis() {
            Basis::Validity => self.last,
            Basis::Period | Basis::Standing | Basis::Day => None,
        }
    }
}

/// What its coordinator is told of a paper: each once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Display, EnumString)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum Alarm {
    /// It ends soon.
    Soon,
    /// It has ended.
    Over,
}

/// After the alarm that a paper has ended, or where there is none.
pub const TOLD_ALL: u32 = 2;

impl Alarm {
    /// What has been told after it.
    #[must_use]
    pub fn told(self) -> u32 {
        match self {
            Self::Soon => 1,
            Self::Over => TOLD_ALL,
        }
    }
}

/// What is to be told today of a paper that ends on a day. Who was told nothing until it ended hears that it has: a warning of
/// last week is no warning.
#[must_use]
pub fn alarm(ends: NaiveDate, told: u32, today: NaiveDate, warning_days: u32) -> Option<Alarm> {
    let left = (ends - today).num_days();
    if left < 0 {
        (told < TOLD_ALL).then_some(Alarm::Over)
    } else {
        (told == 0 && left <= i64::from(warning_days)).then_some(Alarm::Soon)
    }
}

/// Something that is missing for a period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gap {
    /// Papers of a kind, on these days.
    Kind(Kind, NaiveDate, NaiveDate),
    /// Offices whose holder is not the one that a decree names: how many.
    Managers(u32),
}

impl Gap {
    /// In Indonesian.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Managers(offices) => format!(
                "{offices} pemegang jabatan tidak cocok dengan SK yang berlaku di akhir periode (lihat PG-02_pengelola.csv)"
            ),
            Self::Kind(kind, first, last) => {
                let name = kind.name();
                match kind.basis() {
                    Basis::Validity => format!(
                        "tidak ada {name} yang berlaku sepanjang periode: kosong {first} sampai {last}"
                    ),
                    Basis::Period => {
                        format!("tidak ada {name} untuk sepanjang periode: kosong {first} sampai {last}")
                    }
                    Basis::Standing => format!("tidak ada {name} sampai {last}"),
                    Basis::Day => format!("tidak ada {name} dalam periode"),
                }
            }
        }
    }
}

/// What each indicator must have.
const WANTED: [Kind; 9] = [
    Kind::TeamDecree,
    Kind::Procedure,
    Kind::EvaluationMinutes,
    Kind::EvaluationReport,
    Kind::IntegrationDecree,
    Kind::TrialReport,
    Kind::RequestLetter,
    Kind::Attendance,
    Kind::TrainingMaterial,
];

/// What an indicator lacks for a period, of papers that count, with who holds which office at its end.
#[must_use]
pub fn gaps(
    indicator: Indicator,
    papers: &[&Document],
    holders: &BTreeMap<Office, String>,
    span: (NaiveDate, NaiveDate),
) -> Vec<Gap> {
    if indicator == Indicator::Pg02 {
        let rows = matched(papers, holders, span.1);
        let wrong = rows.iter().filter(|it| it.fit.is_wrong()).count();
        let wrong = u32::try_from(wrong).unwrap_or(u32::MAX);
        return if wrong == 0 { Vec::new() } else { vec![Gap::Managers(wrong)] };
    }
    let wanted = WANTED.into_iter().filter(|it| it.indicator() == Some(indicator));
    wanted
        .flat_map(|kind| {
            let own: Vec<&Document> = papers.iter().copied().filter(|it| it.kind == kind).collect();
            let missing = match kind.basis() {
                Basis::Validity | Basis::Period => uncovered(&own, span),
                Basis::Standing | Basis::Day if own.iter().any(|it| it.covers(span)) => Vec::new(),
                Basis::Standing | Basis::Day => vec![span],
            };
            missing.into_iter().map(move |(first, last)| Gap::Kind(kind, first, last))
        })
        .collect()
}

/// The days of a span that no paper counts for, as spans.
fn uncovered(papers: &[&Document], (first, last): (NaiveDate, NaiveDate)) -> Vec<(NaiveDate, NaiveDate)> {
    let mut spans: Vec<_> = papers.iter().map(|it| (it.first, it.last.unwrap_or(NaiveDate::MAX))).collect();
    spans.sort_unstable();
    let (mut open, mut missing) = (Some(first), Vec::new());
    for (from, to) in spans {
        let Some(next) = open.filter(|it| *it <= last) else { break };
        if to < next {
            continue;
        }
        if from > next {
            let before = from.pred_opt().unwrap_or(from).min(last);
            missing.push((next, before));
        }
        open = to.succ_opt();
    }
    missing.extend(open.filter(|it| *it <= last).map(|it| (it, last)));
    missing
}

/// How the holder of an office fits what decrees say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// A decree names the holder.
    Named,
    /// A decree names somebody else.
    SomebodyElse,
    /// No decree names anybody for it.
    NotNamed,
    /// Nobody holds it, and no decree names anybody.
    Vacant,
    /// A decree names somebody, and nobody holds it.
    NotHeld,
}

impl Fit {
    /// Whether it has to be put right.
    #[must_use]
    pub fn is_wrong(self) -> bool {
        match self {
            Self::Named | Self::Vacant => false,
            Self::SomebodyElse | Self::NotNamed | Self::NotHeld => true,
        }
    }

    /// In Indonesian.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Named => "ya",
            Self::SomebodyElse => "SK menyebut akun lain",
            Self::NotNamed => "tidak disebut SK",
            Self::Vacant => "jabatan kosong",
            Self::NotHeld => "disebut SK tetapi jabatan kosong",
        }
    }
}

/// An office beside what decrees say of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matched {
    /// The office.
    pub office: Office,
    /// Who holds it; empty for nobody.
    pub account: String,
    /// The decrees that name somebody for it, by number.
    pub decrees: Vec<String>,
    /// How they fit.
    pub fit: Fit,
}

/// Every office, held or named, beside the decrees that are valid on a day.
#[must_use]
pub fn matched(papers: &[&Document], holders: &BTreeMap<Office, String>, on: NaiveDate) -> Vec<Matched> {
    let mut named: BTreeMap<Office, BTreeSet<(&str, &str)>> = BTreeMap::new();
    let valid = papers.iter().filter(|it| it.kind.names_managers() && it.covers((on, on)));
    for paper in valid {
        for it in &paper.members {
            let office = (it.rung.clone(), it.agency.clone());
            named.entry(office).or_default().insert((&paper.number, &it.account));
        }
    }
    let offices: BTreeSet<&Office> = holders.keys().chain(named.keys()).collect();
    offices
        .into_iter()
        .map(|office| {
            let account = holders.get(office).cloned().unwrap_or_default();
            let none = BTreeSet::new();
            let said = named.get(office).unwrap_or(&none);
            let fit = match (account.is_empty(), said.is_empty()) {
                (true, true) => Fit::Vacant,
                (true, false) => Fit::NotHeld,
                (false, true) => Fit::NotNamed,
                (false, false) if said.iter().any(|(_, it)| *it == account) => Fit::Named,
                (false, false) => Fit::SomebodyElse,
            };
            let decrees: BTreeSet<&str> = said.iter().map(|(number, _)| *number).collect();
            let decrees = decrees.into_iter().map(ToOwned::to_owned).collect();
            Matched { office: office.clone(), account, decrees, fit }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use strum::IntoEnumIterator as _;

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn paper(kind: Kind, first: &str, last: &str) -> Document {
        Document {
            id: EvidenceId::generate(),
            indicator: kind.indicator().unwrap_or(Indicator::Pg09),
            kind,
            title: kind.name().to_owned(),
            number: "188/1/2026".to_owned(),
            date: day(first),
            first: day(first),
            last: (!last.is_empty()).then(|| day(last)),
            period: String::new(),
            participants: 0,
            cites_report: false,
            members: Vec::new(),
            file: FileId::generate(),
            told: 0,
            created_by: "acc_coordinator".to_owned(),
            created_at: DateTime::UNIX_EPOCH,
            withdrawn: None,
        }
    }

    #[test]
    fn pg_01_days_without_a_decree_are_named_each_by_its_first_and_last() {
        let missing = |papers: &[Document]| {
            let papers: Vec<&Document> = papers.iter().collect();
            let span = (day("2026-11-01"), day("2026-11-30"));
            let all = gaps(Indicator::Pg01, &papers, &BTreeMap::new(), span);
            let decree = all.into_iter().filter_map(|it| match it {
                Gap::Kind(Kind::TeamDecree, first, last) => Some(format!("{first} {last}")),
                Gap::Kind(..) | Gap::Managers(_) => None,
            });
            decree.collect::<Vec<_>>()
        };
        let decree = |first: &str, last: &str| paper(Kind::TeamDecree, first, last);
        assert_eq!(missing(&[]), ["2026-11-01 2026-11-30"]);
        assert_eq!(missing(&[decree("2026-01-01", "")]), [""; 0]);
        assert_eq!(missing(&[decree("2026-01-01", "2026-11-29")]), ["2026-11-30 2026-11-30"]);
        // Two that follow each other leave nothing out; one within another takes nothing away.
        let two = [
            decree("2026-11-11", ""),
            decree("2026-11-03", "2026-11-04"),
            decree("2026-01-01", "2026-11-10"),
        ];
        assert_eq!(missing(&two), [""; 0]);
        let gaps = [decree("2026-11-05", "2026-11-06"), decree("2026-11-10", "2026-11-30")];
        assert_eq!(missing(&gaps), ["2026-11-01 2026-11-04", "2026-11-07 2026-11-09"]);
        assert_eq!(missing(&[decree("2026-12-01", "")]), ["2026-11-01 2026-11-30"]);
        assert_eq!(missing(&[paper(Kind::Procedure, "2026-01-01", "")]), ["2026-11-01 2026-11-30"]);
    }

    #[test]
    fn each_indicator_says_plainly_what_it_lacks() {
        let span = (day("2026-10-01"), day("2026-12-31"));
        let words = |indicator, papers: &[Document]| {
            let papers: Vec<&Document> = papers.iter().collect();
            let all = gaps(indicator, &papers, &BTreeMap::new(), span);
            all.iter().map(Gap::words).collect::<Vec<_>>()
        };
        assert_eq!(
            words(Indicator::Pg01, &[])[0],
            "tidak ada SK tim yang berlaku sepanjang periode: kosong 2026-10-01 sampai 2026-12-31"
        );
        // A quarter in three months, one of which nobody wrote down.
        let months = [
            paper(Kind::EvaluationMinutes, "2026-10-01", "2026-10-31"),
            paper(Kind::EvaluationMinutes, "2026-12-01", "2026-12-31"),
            paper(Kind::EvaluationReport, "2026-01-01", "2026-12-31"),
        ];
        assert_eq!(
            words(Indicator::Pg07, &months),
            ["tidak ada notulen evaluasi untuk sepanjang periode: kosong 2026-11-01 sampai 2026-11-30"]
        );
        // What was asked for and tried years ago shows it still; a training of last year shows nothing of this one.
        let lapor = [
            paper(Kind::IntegrationDecree, "2024-02-01", ""),
            paper(Kind::TrialReport, "2024-03-01", ""),
            paper(Kind::RequestLetter, "2024-01-01", ""),
        ];
        assert_eq!(words(Indicator::Pg08, &lapor), [""; 0]);
        let trained = [
            paper(Kind::Attendance, "2026-11-05", "2026-11-05"),
            paper(Kind::TrainingMaterial, "2025-11-05", "2025-11-05"),
        ];
        assert_eq!(words(Indicator::Pg09, &trained), ["tidak ada materi pelatihan dalam periode"]);
        for kind in Kind::iter() {
            assert!(WANTED.contains(&kind) == !matches!(kind.indicator(), None | Some(Indicator::Pg02)));
        }
    }

    #[test]
    fn c_45_holders_of_offices_are_matched_to_the_decree_that_is_valid_at_the_end() {
        let office = |rung: &str| (rung.to_owned(), "17.07/pupr".to_owned());
        let member = |rung: &str, account: &str| Member {
            rung: rung.to_owned(),
            agency: "17.07/pupr".to_owned(),
            account: account.to_owned(),
        };
        let mut decree = paper(Kind::TeamDecree, "2026-01-01", "2026-11-30");
        decree.members = vec![member("ADMIN", "acc_a"), member("AGENCY_HEAD", "acc_b"), member("X", "acc_x")];
        let holders = BTreeMap::from([
            (office("ADMIN"), "acc_a".to_owned()),
            (office("AGENCY_HEAD"), "acc_new".to_owned()),
            (office("REGENT"), "acc_r".to_owned()),
            (office("SECRETARY"), String::new()),
        ]);
        let fits = |on: &str| {
            let rows = matched(&[&decree], &holders, day(on));
            rows.into_iter().map(|it| (it.office.0, it.fit)).collect::<Vec<_>>()
        };
        let is = |rows: [(&str, Fit); 5]| rows.map(|(rung, fit)| (rung.to_owned(), fit)).to_vec();
        assert_eq!(
            fits("2026-11-30"),
            is([
                ("ADMIN", Fit::Named),
                ("AGENCY_HEAD", Fit::SomebodyElse),
                ("REGENT", Fit::NotNamed),
                ("SECRETARY", Fit::Vacant),
                ("X", Fit::NotHeld),
            ])
        );
        let none = Fit::NotNamed;
        let after: Vec<_> = fits("2026-12-01").into_iter().map(|it| it.1).collect();
        assert_eq!(after, [none, none, none, Fit::Vacant], "it is over by then");
        let span = (day("2026-11-01"), day("2026-11-30"));
        assert_eq!(gaps(Indicator::Pg02, &[&decree], &holders, span), [Gap::Managers(3)]);
    }

    #[test]
    fn pg_01_the_end_of_a_paper_is_told_once_before_and_once_after() {
        let end = day("2026-12-31");
        let told = |told, today: &str| alarm(end, told, day(today), 30);
        assert_eq!(told(0, "2026-11-30"), None);
        assert_eq!(told(0, "2026-12-01"), Some(Alarm::Soon));
        assert_eq!(told(1, "2026-12-31"), None);
        assert_eq!(told(0, "2026-12-31"), Some(Alarm::Soon), "its last day is one of its days");
        assert_eq!(told(1, "2027-01-01"), Some(Alarm::Over));
        assert_eq!(told(0, "2027-03-01"), Some(Alarm::Over), "nobody is warned of what has happened");
        assert_eq!(told(TOLD_ALL, "2027-03-01"), None);
        assert_eq!((Alarm::Soon.told(), Alarm::Over.told()), (1, 2));
    }
}
