//! The register of papers for the Ombudsman: entered with a file, listed, withdrawn with a reason, opened by a link that lives
//! for minutes; and what is missing for a period.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike as _, NaiveDate, TimeDelta, Utc};
use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_kit::fault::{Problem, Text, Violation};
use mpp_kit::journal;
use mpp_kit::page::{PageToken, cut, page_size};
use mpp_proto::complaints::v1::{
    self as proto, CheckEvidenceRequest, CheckEvidenceResponse, CreateEvidenceDocumentRequest,
    CreateEvidenceDocumentResponse, CreateEvidenceLinkRequest, CreateEvidenceLinkResponse, IndicatorEvidence,
    ListEvidenceDocumentsRequest, ListEvidenceDocumentsResponse, OpenEvidenceLinkRequest,
    OpenEvidenceLinkResponse, WithdrawEvidenceDocumentRequest, WithdrawEvidenceDocumentResponse,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use strum::IntoEnumIterator as _;

use super::super::file_complaint::long_text;
use super::super::{Core, convert, record};
use super::{SETTLES, moments, papers};
use crate::domain::case::File;
use crate::domain::evidence::{Basis, Document, Gap, Indicator, Kind, Member, Office, TOLD_ALL, gaps};
use crate::domain::report;
use crate::domain::rules::Rules;
use crate::domain::words::Scan;
use crate::domain::{EvidenceId, FileId};
use crate::error::{Error, Thing};
use crate::store;

const CREATE: &str = "mpp.complaints.v1.ComplaintsService/CreateEvidenceDocument";
const WITHDRAW: &str = "mpp.complaints.v1.ComplaintsService/WithdrawEvidenceDocument";
/// A paper was entered, in the journal.
pub(super) const ADDED: &str = "evidence.added";
/// A paper was withdrawn, in the journal.
pub(super) const WITHDRAWN: &str = "evidence.withdrawn";
/// What papers are kept as.
const TAKEN: [&str; 4] = ["application/pdf", "image/jpeg", "image/png", "image/webp"];
/// Offices that one decree names at most.
const MOST_MEMBERS: usize = 200;
/// Entries of the journal about one office that are read at once.
const PAGE: u64 = 500;
/// The name under which links are encrypted.
const LINK: &str = "evidence link";

/// What a link opens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Link {
    evidence: EvidenceId,
    /// Seconds since 1970.
    ends: i64,
}

impl Core {
    /// Whether the caller reads the register: coordinates the regency, or audits it.
    fn reads_papers(&self, caller: &Caller, rules: &Rules) -> bool {
        self.coordinates(caller, rules)
            || self.areas(caller, "complaints.audit", rules).reach(&self.config.regency)
    }

    /// A paper for the wire.
    fn paper(&self, it: &Document, file: Option<&File>, rules: &Rules) -> proto::EvidenceDocument {
        let left = it.ends().map(|ends| (ends - rules.date(self.now())).num_days());
        let soon = left.is_some_and(|left| left <= i64::from(self.config.evidence_warning_days));
        let title = |it: &Member| {
            rules
                .officials
                .iter()
                .find(|office| office.rung.to_string() == it.rung && office.agency == it.agency)
        };
        let member = |it: &Member| proto::DecreeMember {
            official_id: title(it).map(|it| it.id.to_string()).unwrap_or_default(),
            title: title(it).map_or_else(|| format!("{} {}", it.rung, it.agency), |it| it.title.clone()),
            account_id: it.account.clone(),
        };
        let day = |date: NaiveDate| date.to_string();
        let (valid_from, valid_to) = match it.kind.basis() {
            Basis::Validity => (day(it.first), it.last.map(day).unwrap_or_default()),
            Basis::Period | Basis::Standing | Basis::Day => (String::new(), String::new()),
        };
        proto::EvidenceDocument {
            id: it.id.to_string(),
            indicator: convert::indicator(it.indicator).into(),
            kind: convert::evidence_kind(it.kind).into(),
            title: it.title.clone(),
            number: it.number.clone(),
            date: it.date.to_string(),
            valid_from,
            valid_to,
            period: it.period.clone(),
            participants: i32::try_from(it.participants).unwrap_or(i32::MAX),
            cites_report: it.cites_report,
            members: it.members.iter().map(member).collect(),
            file: file.map(convert::file),
            created_by: it.created_by.clone(),
            created_at: Some(convert::timestamp(it.created_at)),
            withdrawn_by: it.withdrawn.as_ref().map(|it| it.by.clone()).unwrap_or_default(),
            withdrawn_at: it.withdrawn.as_ref().map(|it| convert::timestamp(it.at)),
            withdrawn_reason: it.withdrawn.as_ref().map(|it| it.reason.clone()).unwrap_or_default(),
            days_left: left.map(|it| i32::try_from(it).unwrap_or(i32::MAX)),
            ends_soon: soon && it.withdrawn.is_none(),
        }
    }

    /// The paper with this id and its file.
    async fn kept(&self, id: EvidenceId) -> Result<(Document, File), Error> {
        let db = &self.db.read;
        let paper = store::evidence::find(db, id).await?.ok_or(Error::NotFound(Thing::Evidence))?;
        let file = store::file::find(db, paper.file).await?.ok_or(Error::NotFound(Thing::File))?;
        Ok((paper, file.0))
    }

    /// Who held which office at a moment that may be still to come.
    async fn holders(&self, rules: &Rules, at: DateTime<Utc>) -> Result<BTreeMap<Office, String>, Error> {
        let mut holders = BTreeMap::new();
        for office in &rules.officials {
            let key = (office.rung.to_string(), office.agency.clone());
            if at > self.now() {
                holders.insert(key, office.account.clone());
                continue;
            }
            let subject = office.id.to_string();
            let mut after = 0;
            loop {
                let page = journal::read(&self.db.read, Some(&subject), after, PAGE).await?;
                let Some(last) = page.last() else { break };
                after = last.seq;
                let before = page.iter().filter(|it| it.entry.at < at && it.entry.what == "official.applied");
                for it in before {
                    let detail: Value = serde_json::from_str(&it.entry.detail).unwrap_or_default();
                    let account = detail.get("account").and_then(Value::as_str).unwrap_or_default();
                    holders.insert(key.clone(), account.to_owned());
                }
            }
        }
        Ok(holders)
    }
}

pub(crate) async fn create(
    core: &Core,
    caller: &Caller,
    request: CreateEvidenceDocumentRequest,
) -> Result<CreateEvidenceDocumentResponse, Error> {
    let rules = core.rules().await?;
    if !core.coordinates(caller, &rules) {
        return Err(Error::Denied);
    }
    let paper = Document { created_by: caller.id.clone(), ..read(&request, &rules, core.now())? };
    let (request, paper) = (&request, &paper);
    core.once(caller, CREATE, (request, &request.request_id), |tx, now| async move {
        let rules = core.rules_in(&tx).await?;
        let paper = Document { created_at: now, ..paper.clone() };
        let id = paper.id.to_string();
        // Given to the paper in the transaction that enters it: what nobody keeps is deleted after a day.
        let file = store::file::give_to(&*tx, paper.file, &id).await?.ok_or_else(|| {
            wrong(
                "file_id",
                "UNKNOWN_FILE",
                "unggah berkasnya sekali lagi; yang ini sudah dipakai atau sudah dihapus",
                "upload the file once more; this one is used elsewhere or gone",
            )
        })?;
        if !TAKEN.contains(&file.media_type.as_str()) {
            return Err(wrong(
                "file_id",
                "INVALID_TYPE",
                "pilih berkas PDF, JPEG, PNG, atau WebP",
                "choose a PDF, JPEG, PNG or WebP file",
            ));
        }
        if file.scan == Scan::Infected {
            return Err(Error::FileHeld(file.scan));
        }
        store::evidence::insert(&tx, &paper).await?;
        let detail = json!({
            "indicator": paper.indicator.to_string(), "kind": paper.kind.to_string(), "sha256": file.sha256,
            "from": paper.first.to_string(), "to": paper.last.map(|it| it.to_string()),
        });
        record(&tx, (&caller.id, ADDED, &id), detail, &request.request_id, now).await?;
        Ok(CreateEvidenceDocumentResponse { document: Some(core.paper(&paper, Some(&file), &rules)) })
    })
    .await
}

/// Checks what is to be entered: everything that is wrong, at once.
fn read(
    request: &CreateEvidenceDocumentRequest,
    rules: &Rules,
    now: DateTime<Utc>,
) -> Result<Document, Error> {
    let mut check = Checker::new();
    let Some(kind) = convert::read_evidence_kind(request.kind) else {
        check.unknown_value("kind");
        check.finish()?;
        return Err(Error::NotFound(Thing::Evidence));
    };
    let said = convert::read_indicator(request.indicator);
    let indicator = kind.indicator().or(said);
    if indicator.is_none() || said.is_some_and(|it| Some(it) != indicator) {
        check.violation(
            "indicator",
            "OTHER_INDICATOR",
            "pilih indikator yang dibuktikan jenis dokumen ini",
            "choose the indicator that this kind of paper shows",
        );
    }
    let title = check.text("title", &request.title, 3, 200);
    let number = check.text("number", &request.number, usize::from(kind.is_numbered()), 80);
    let today = rules.date(now);
    let date = convert::date(&mut check, "date", &request.date);
    if date.is_some_and(|date| date > today) {
        check.violation(
            "date",
            "FUTURE",
            "isi tanggal yang sudah lewat",
            "give a date that is not in the future",
        );
    }
    let days = days(&mut check, kind, (request, date), rules, now);
    let attends = kind == Kind::Attendance;
    if !(if attends { 1..=100_000 } else { 0..=0 }).contains(&request.participants) {
        check.violation(
            "participants",
            "OUT_OF_RANGE",
            "isi jumlah peserta, hanya untuk daftar hadir",
            "give how many took part, for an attendance list alone",
        );
    }
    let members = members(&mut check, kind, request, rules);
    let file: Option<FileId> = if request.file_id.is_empty() {
        check.violation("file_id", "REQUIRED", "pilih berkas dokumennya", "choose the file of the paper");
        None
    } else {
        check.id("file_id", &request.file_id)
    };
    check.finish()?;
    let (Some(indicator), Some(date), Some((first, last)), Some(file)) = (indicator, date, days, file) else {
        return Err(Error::NotFound(Thing::Evidence));
    };
    let mut paper = Document {
        id: EvidenceId::generate(),
        indicator,
        kind,
        title,
        number,
        date,
        first,
        last,
        period: request.period.clone(),
        participants: u32::try_from(request.participants).unwrap_or(0),
        cites_report: request.cites_report,
        members,
        file,
        told: 0,
        created_by: String::new(),
        created_at: now,
        withdrawn: None,
    };
    // Of what was over when it was entered there is nothing to tell.
    if paper.ends().is_none_or(|ends| ends < today) {
        paper.told = TOLD_ALL;
    }
    Ok(paper)
}

/// The days that a paper counts for.
fn days(
    check: &mut Checker,
    kind: Kind,
    (request, date): (&CreateEvidenceDocumentRequest, Option<NaiveDate>),
    rules: &Rules,
    now: DateTime<Utc>,
) -> Option<(NaiveDate, Option<NaiveDate>)> {
    let basis = kind.basis();
    let mut foreign = |field: &str, is_said: bool, of: Basis| {
        if is_said && basis != of {
            check.violation(
                field,
                "NOT_FOR_KIND",
                "kosongkan; tidak berlaku untuk jenis dokumen ini",
                "leave it empty; this kind of paper has none",
            );
        }
    };
    foreign("valid_from", !request.valid_from.is_empty(), Basis::Validity);
    foreign("valid_to", !request.valid_to.is_empty(), Basis::Validity);
    foreign("period", !request.period.is_empty(), Basis::Period);
    foreign("cites_report", request.cites_report, Basis::Period);
    match basis {
        Basis::Validity => {
            let first = convert::date(check, "valid_from", &request.valid_from);
            let last = if request.valid_to.is_empty() {
                None
            } else {
                let last = convert::date(check, "valid_to", &request.valid_to)?;
                // The year 9999 stands for no end.
                if first.is_some_and(|first| last < first) || last.year() >= 9999 {
                    check.violation(
                        "valid_to",
                        "BEFORE_BEGINNING",
                        "isi tanggal setelah mulai berlaku, atau kosongkan bila tanpa akhir",
                        "give a date after it begins, or none where it has no end",
                    );
                }
                Some(last)
            };
            Some((first?, last))
        }
        Basis::Period => {
            let zone = rules.calendar(&rules.home).2.zone();
            let Ok((from, to)) = report::period(&request.period, zone) else {
                check.violation(
                    "period",
                    "INVALID_PERIOD",
                    "isi periode seperti 2026-11, 2026-Q4, atau 2026",
                    "give a period such as 2026-11, 2026-Q4 or 2026",
                );
                return None;
            };
            if from > now {
                check.violation(
                    "period",
                    "FUTURE",
                    "isi periode yang sudah mulai",
                    "give a period that has begun",
                );
            }
            if request.cites_report && now < to + SETTLES {
                check.violation(
                    "cites_report",
                    "NOT_OVER",
                    "laporan layanan dapat dirujuk satu jam setelah periodenya berakhir",
                    "the report of the service can be cited an hour after its period is over",
                );
            }
            Some((rules.date(from), Some(rules.date(to - TimeDelta::seconds(1)))))
        }
        Basis::Standing => Some((date?, None)),
        Basis::Day => Some((date?, date)),
    }
}

/// Whom it names: who holds the office now, where no account is given.
fn members(
    check: &mut Checker,
    kind: Kind,
    request: &CreateEvidenceDocumentRequest,
    rules: &Rules,
) -> Vec<Member> {
    let mut members = Vec::new();
    let too_many = request.members.len() > MOST_MEMBERS;
    if too_many || (!request.members.is_empty() && !kind.names_managers()) {
        check.violation(
            "members",
            "NOT_FOR_KIND",
            format!("sebutkan pejabat hanya pada SK tim dan surat penunjukan, paling banyak {MOST_MEMBERS}"),
            format!("name officials in a team decree or an appointment alone, at most {MOST_MEMBERS}"),
        );
        return members;
    }
    for (at, it) in request.members.iter().enumerate() {
        let office = rules.officials.iter().find(|office| office.id.to_string() == it.official_id);
        let account = match (it.account_id.as_str(), office) {
            ("", Some(office)) => office.account.clone(),
            (given, _) => given.to_owned(),
        };
        let Some(office) = office.filter(|_| (1..=80).contains(&account.chars().count())) else {
            check.violation(
                format!("members[{at}]"),
                "UNKNOWN_OFFICE",
                "pilih jabatan dari daftar yang ada pejabatnya",
                "choose an office of the list that somebody holds",
            );
            continue;
        };
        members.push(Member { rung: office.rung.to_string(), agency: office.agency.clone(), account });
    }
    members
}

fn wrong(field: &str, reason: &'static str, id: &str, en: &str) -> Error {
    let text = Text::new(id, en);
    Problem::invalid(vec![Violation { field: field.to_owned(), reason, text }]).into()
}

pub(crate) async fn list(
    core: &Core,
    caller: &Caller,
    request: ListEvidenceDocumentsRequest,
) -> Result<ListEvidenceDocumentsResponse, Error> {
    let size = page_size(request.page_size, 50, 200)?;
    let rules = core.rules().await?;
    if !core.reads_papers(caller, &rules) {
        return Err(Error::Denied);
    }
    let indicator = convert::read_indicator(request.indicator);
    if indicator.is_none() && request.indicator != 0 {
        let mut check = Checker::new();
        check.unknown_value("indicator");
        check.finish()?;
    }
    let filter = format!("evidence {} {} {}", request.indicator, request.withdrawn, caller.id);
    let before = PageToken::decode(&request.page_token, &filter)?;
    let db = &core.db.read;
    let limit = u64::from(size) + 1;
    let mut rows =
        store::evidence::list(db, (indicator, request.withdrawn), before.as_deref(), limit).await?;
    let next_page_token = cut(&mut rows, size, &filter, |last| last.id.to_string());
    let ids: Vec<FileId> = rows.iter().map(|it| it.file).collect();
    let files = store::file::several(db, &ids).await?;
    let documents =
        rows.iter().map(|it| core.paper(it, files.iter().find(|file| file.id == it.file), &rules));
    Ok(ListEvidenceDocumentsResponse { documents: documents.collect(), next_page_token })
}

pub(crate) async fn withdraw(
    core: &Core,
    caller: &Caller,
    request: WithdrawEvidenceDocumentRequest,
) -> Result<WithdrawEvidenceDocumentResponse, Error> {
    let mut check = Checker::new();
    let id: Option<EvidenceId> = check.id("evidence", &request.evidence);
    let rules = core.rules().await?;
    if !core.coordinates(caller, &rules) {
        return Err(Error::Denied);
    }
    if let Some(id) = id {
        core.kept(id).await?;
    }
    let reason = long_text(&mut check, "reason", &request.reason, 10, 500);
    check.finish()?;
    let id = id.ok_or(Error::NotFound(Thing::Evidence))?;
    let (request, reason) = (&request, &reason);
    core.once(caller, WITHDRAW, (request, &request.request_id), |tx, now| async move {
        let rules = core.rules_in(&tx).await?;
        if !store::evidence::withdraw(&tx, id, (&caller.id, reason), now).await? {
            return Err(Error::Withdrawn);
        }
        let paper = store::evidence::find(&*tx, id).await?.ok_or(Error::NotFound(Thing::Evidence))?;
        let file = store::file::find(&*tx, paper.file).await?.map(|it| it.0);
        let what = (caller.id.as_str(), WITHDRAWN, &*id.to_string());
        record(&tx, what, json!({}), &request.request_id, now).await?;
        Ok(WithdrawEvidenceDocumentResponse { document: Some(core.paper(&paper, file.as_ref(), &rules)) })
    })
    .await
}

pub(crate) async fn link(
    core: &Core,
    caller: &Caller,
    request: CreateEvidenceLinkRequest,
) -> Result<CreateEvidenceLinkResponse, Error> {
    let mut check = Checker::new();
    let id: Option<EvidenceId> = check.id("evidence", &request.evidence);
    check.finish()?;
    if !core.reads_papers(caller, &*core.rules().await?) {
        return Err(Error::Denied);
    }
    let id = id.ok_or(Error::NotFound(Thing::Evidence))?;
    let (_, file) = core.kept(id).await?;
    core.opens(&file)?;
    let ends = core.now() + TimeDelta::minutes(i64::from(core.config.evidence_link_minutes));
    let link =
        serde_json::to_vec(&Link { evidence: id, ends: ends.timestamp() }).map_err(anyhow::Error::new)?;
    core.looked((&caller.id, "evidence.link_made", &id.to_string()), json!({})).await?;
    Ok(CreateEvidenceLinkResponse {
        path: format!("/bukti/{}", hex::encode(core.cipher.seal(LINK, &link))),
        expire_time: Some(convert::timestamp(ends)),
    })
}

pub(crate) async fn open(
    core: &Core,
    caller: &Caller,
    request: OpenEvidenceLinkRequest,
) -> Result<OpenEvidenceLinkResponse, Error> {
    // Whatever is wrong with a link is answered alike.
    let link = hex::decode(&request.token).ok().and_then(|it| core.cipher.open(LINK, &it));
    let link: Option<Link> = link.and_then(|it| serde_json::from_slice(&it).ok());
    let now = core.now().timestamp();
    let link = link.filter(|it| now < it.ends).ok_or(Error::NotFound(Thing::Link))?;
    let (paper, file) = core.kept(link.evidence).await?;
    core.opens(&file)?;
    let content = core.files.get(&file.id.to_string()).await?;
    core.looked((caller.who(), "evidence.downloaded", &paper.id.to_string()), json!({})).await?;
    let file_name = format!("{}_{}", paper.indicator, papers::name(&paper, &file));
    Ok(OpenEvidenceLinkResponse { content, media_type: file.media_type, file_name })
}

pub(crate) async fn check(
    core: &Core,
    caller: &Caller,
    request: CheckEvidenceRequest,
) -> Result<CheckEvidenceResponse, Error> {
    let rules = core.rules().await?;
    if !core.reads_papers(caller, &rules) {
        return Err(Error::Denied);
    }
    let mut check = Checker::new();
    let today = rules.date(core.now());
    let said = |check: &mut Checker, field: &str, text: &str, otherwise: Option<NaiveDate>| {
        if text.is_empty() { otherwise } else { convert::date(check, field, text) }
    };
    let first = said(&mut check, "from", &request.from, today.with_ordinal(1));
    let last = said(&mut check, "to", &request.to, Some(today));
    if first.zip(last).is_some_and(|(first, last)| last < first) {
        check.violation(
            "to",
            "BEFORE_BEGINNING",
            "isi tanggal akhir setelah tanggal awal",
            "give a last date after the first",
        );
    }
    check.finish()?;
    let Some(days) = first.zip(last) else { return Ok(CheckEvidenceResponse::default()) };
    let holders = core.holders(&rules, moments(&rules, days).1).await?;
    let mut all = Vec::new();
    let mut after = String::new();
    loop {
        let page = store::evidence::covering(&core.db.read, days, &after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.id.to_string();
        all.extend(page.into_iter().filter(|it| it.withdrawn.is_none()));
    }
    let all: Vec<&Document> = all.iter().collect();
    let indicators = Indicator::iter().map(|indicator| IndicatorEvidence {
        indicator: convert::indicator(indicator).into(),
        documents: i32::try_from(all.iter().filter(|it| it.indicator == indicator).count())
            .unwrap_or(i32::MAX),
        gaps: gaps(indicator, &all, &holders, days).iter().map(gap).collect(),
    });
    Ok(CheckEvidenceResponse {
        indicators: indicators.collect(),
        from: days.0.to_string(),
        to: days.1.to_string(),
        may_enter: core.coordinates(caller, &rules),
    })
}

fn gap(it: &Gap) -> proto::EvidenceGap {
    match it {
        Gap::Kind(kind, first, last) => proto::EvidenceGap {
            kind: convert::evidence_kind(*kind).into(),
            from: first.to_string(),
            to: last.to_string(),
            managers: 0,
        },
        Gap::Managers(offices) => proto::EvidenceGap {
            managers: i32::try_from(*offices).unwrap_or(i32::MAX),
            ..proto::EvidenceGap::default()
        },
    }
}
