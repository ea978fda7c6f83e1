//! `FileComplaint`, and what every channel shares: from a report to a case with its number, clocks and vault entry.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_kit::counter;
use mpp_proto::complaints::v1::{FileComplaintRequest, FileComplaintResponse};
use sea_orm::{ConnectionTrait, DatabaseTransaction};

use super::case::{Asking, Change};
use super::{Core, convert};
use crate::domain::case::{File, Message, Place, Reporter, received_at};
use crate::domain::number::Number;
use crate::domain::report;
use crate::domain::rules::{Category, Rules};
use crate::domain::words::{Channel, Class, ClockKind, MessageKind, Part, Secrecy};
use crate::domain::workflow::{self, Notice, NoticeKind, Opening, To, publication_after};
use crate::domain::{CaseId, FileId};
use crate::error::{Error, Thing};
use crate::store;
use crate::store::complaint::Record;
use crate::store::vault::Identity;

const METHOD: &str = "mpp.complaints.v1.ComplaintsService/FileComplaint";
/// Who reported, for the journal.
pub(super) const PUBLIC: &str = "public";
/// The most files of one message.
pub(super) const MOST_FILES: usize = 10;

/// A report, whatever way it came.
#[derive(Debug, Clone)]
pub(crate) struct Report {
    pub(crate) class: Class,
    pub(crate) text: String,
    pub(crate) category: String,
    pub(crate) place: Place,
    pub(crate) occurred_at: Option<DateTime<Utc>>,
    pub(crate) identity: Identity,
    pub(crate) secrecy: Secrecy,
    /// Whether the channel is public by origin, and the reporter has not chosen yet.
    pub(crate) undecided: bool,
    pub(crate) channel: Channel,
    pub(crate) files: Vec<FileId>,
    pub(crate) extra: BTreeMap<String, String>,
    pub(crate) about: Option<String>,
    /// When it was sent, where somebody other than its sender says so.
    pub(crate) sent_at: Option<DateTime<Utc>>,
    pub(crate) queue_ticket: String,
    /// The account that wrote it down; empty for none.
    pub(crate) written_by: String,
    /// The provider's key of the message; empty for none.
    pub(crate) external: String,
}

pub(super) async fn handle(
    core: &Core,
    caller: &Caller,
    request: FileComplaintRequest,
    network: Option<String>,
) -> Result<FileComplaintResponse, Error> {
    let rules = core.rules().await?;
    let report = parse(core, caller, &request, &rules)?;
    // Who gives a contact is counted by that, and who is signed in is known.
    let counted = network.filter(|_| !caller.is_authenticated() && !report.identity.has_address());
    let follow: Option<Number> = request.follow_number.parse().ok();
    let (request, report, counted, rules) = (&request, &report, &counted, &*rules);
    core.once(caller, METHOD, (request, &request.request_id), |tx, now| async move {
        let report = report.clone();
        // The desk writes down what others say. Whoever files for themselves and happens to be signed in is the reporter: the
        // journal is read by those who may be reported.
        let who = if report.channel == Channel::Counter { caller.who() } else { PUBLIC };
        let asking = Asking { who, request_id: &request.request_id };
        if let Some(network) = counted {
            core.within_network(&tx, rules, network, now).await?;
        }
        let (record, number) = match follow {
            Some(follow) => core.follow(&tx, rules, follow, report, asking, now).await?,
            None => {
                let record = core.create(&tx, rules, report, asking, now).await?;
                let number = record.case.number;
                (record, number)
            }
        };
        let due = |kind| record.case.clock(kind).map(|it| convert::timestamp(it.due_at));
        Ok(FileComplaintResponse {
            number: number.to_string(),
            pin: core.pin(number),
            verify_due_at: due(ClockKind::Verify),
            settle_due_at: due(ClockKind::Settle),
            reaction_due_at: due(ClockKind::Reaction),
            complaint_id: if caller.is_authenticated() { record.case.id.to_string() } else { String::new() },
        })
    })
    .await
}

fn parse(
    core: &Core,
    caller: &Caller,
    request: &FileComplaintRequest,
    rules: &Rules,
) -> Result<Report, Error> {
    let mut check = Checker::new();
    let class = convert::read_class(request.complaint_class);
    if class.is_none() {
        check.violation(
            "complaint_class",
            "REQUIRED",
            "pilih pengaduan, aspirasi, permintaan informasi, atau pengaduan berkadar pengawasan",
            "choose a class of report",
        );
    }
    let channel = match convert::read_channel(request.channel) {
        None => Channel::Web,
        Some(it @ (Channel::Web | Channel::Counter | Channel::Open311 | Channel::Api)) => it,
        // Those have adapters of their own, which know who wrote.
        Some(Channel::Whatsapp | Channel::Facebook | Channel::Instagram | Channel::Email | Channel::Sp4n) => {
            check.violation(
                "channel",
                "UNKNOWN_WORD",
                "pilih WEB, COUNTER, OPEN311, atau API",
                "choose WEB, COUNTER, OPEN311 or API",
            );
            Channel::Web
        }
    };
    let text = long_text(&mut check, "text", &request.text, 10, 4000);
    let category = rules.categories.get(&request.category).filter(|it| it.active);
    let extra: BTreeMap<String, String> = request.extra.clone().into_iter().collect();
    match category {
        Some(category) => answers(&mut check, category, &extra),
        None => check.violation(
            "category",
            "UNKNOWN_CATEGORY",
            "pilih kategori dari daftar",
            "choose a category of the list",
        ),
    }
    let place = convert::read_place(&mut check, request.place.as_ref());
    let identity = Identity {
        language: convert::read_language(&mut check, "language", &request.language, rules),
        ..convert::read_contact(&mut check, request.contact.as_ref())
    };
    let files = file_ids(&mut check, "file_ids", &request.file_ids);
    if !request.about_agency_id.is_empty() && !rules.agencies.contains_key(&request.about_agency_id) {
        check.violation(
            "about_agency_id",
            "UNKNOWN_AGENCY",
            "pilih instansi dari daftar, atau kosongkan",
            "choose an agency of the list, or none",
        );
    }
    if !request.follow_number.is_empty() && request.follow_number.parse::<Number>().is_err() {
        check.violation(
            "follow_number",
            "INVALID_NUMBER",
            "isi nomor aduan seperti ADU-2026-000123-7",
            "give a number such as ADU-2026-000123-7",
        );
    }
    if !request.follow_number.is_empty()
        && (class == Some(Class::Whistleblowing)
            || convert::read_secrecy(request.secrecy) == Some(Secrecy::Secret))
    {
        // What is added to a published case is read by everybody who works on it.
        check.violation(
            "follow_number",
            "NEEDS_OWN_CASE",
            "kosongkan: laporan rahasia atau dugaan pelanggaran memerlukan aduan tersendiri",
            "leave it out: a secret report or one of wrongdoing needs a case of its own",
        );
    }
    let ticket = check.text("queue_ticket", &request.queue_ticket, 0, 60);
    check.finish()?;
    let counter = channel == Channel::Counter;
    if counter && !caller.allows("complaints.file", &[("area", core.config.regency.as_str())]) {
        return Err(Error::Denied);
    }
    Ok(Report {
        class: class.unwrap_or(Class::Complaint),
        text,
        category: request.category.clone(),
        place,
        occurred_at: convert::moment(request.occurred_at.as_ref()),
        identity,
        secrecy: convert::read_secrecy(request.secrecy).unwrap_or(Secrecy::Open),
        undecided: false,
        channel,
        files,
        extra,
        about: Some(request.about_agency_id.clone()).filter(|it| !it.is_empty()),
        // Deadlines run from then: of what anybody may claim, none is late on arrival. The desk answers for what it notes.
        sent_at: convert::moment(request.sent_at.as_ref()).filter(|_| counter),
        queue_ticket: ticket,
        written_by: if counter { caller.id.clone() } else { String::new() },
        external: String::new(),
    })
}

/// A text of several lines: other control characters than line ends and tabs are refused.
pub(super) fn long_text(check: &mut Checker, field: &str, text: &str, min: usize, max: usize) -> String {
    let text = text.replace("\r\n", "\n");
    let plain: String = text.chars().map(|it| if matches!(it, '\n' | '\t') { ' ' } else { it }).collect();
    check.text(field, &plain, min, max);
    text.trim().to_owned()
}

pub(super) fn file_ids(check: &mut Checker, field: &str, ids: &[String]) -> Vec<FileId> {
    if ids.len() > MOST_FILES {
        check.violation(
            field,
            "TOO_MANY",
            format!("pilih paling banyak {MOST_FILES} berkas"),
            format!("choose at most {MOST_FILES} files"),
        );
        return Vec::new();
    }
    ids.iter().enumerate().filter_map(|(at, id)| check.id(&format!("{field}[{at}]"), id)).collect()
}

fn answers(check: &mut Checker, category: &Category, given: &BTreeMap<String, String>) {
    for question in &category.questions {
        let field = format!("extra.{}", question.key);
        let answer = given.get(&question.key).map_or("", |it| it.trim());
        if answer.is_empty() {
            if question.required {
                check.violation(&field, "REQUIRED", "jawab pertanyaan ini", "answer this question");
            }
            continue;
        }
        let sound = match question.datatype.as_str() {
            "number" => answer.parse::<f64>().is_ok_and(f64::is_finite),
            "datetime" => answer.parse::<DateTime<Utc>>().is_ok(),
            "singlevaluelist" => question.values.contains_key(answer),
            "multivaluelist" => answer.split(',').all(|it| question.values.contains_key(it.trim())),
            _ => answer.chars().count() <= 1000,
        };
        if !sound {
            check.violation(
                &field,
                "INVALID_ANSWER",
                "pilih atau isi jawaban yang sesuai",
                "choose or give an answer that fits",
            );
        }
    }
    for key in given.keys().filter(|key| !category.questions.iter().any(|it| it.key == **key)) {
        check.violation(
            format!("extra.{key}"),
            "UNKNOWN_QUESTION",
            "hapus jawaban ini",
            "remove this answer",
        );
    }
}

impl Core {
    /// Makes a case of a report.
    pub(crate) async fn create(
        &self,
        tx: &DatabaseTransaction,
        rules: &Rules,
        report: Report,
        asking: Asking<'_>,
        now: DateTime<Utc>,
    ) -> Result<Record, Error> {
        let change = self.opened(tx, rules, report, now).await?;
        let channel = change.next.channel;
        let record = self.save_one(tx, rules, change, asking, now).await?;
        self.metrics.filed(channel.into());
        Ok(record)
    }

    /// The case that a report becomes, with its number and who reported. The case is not saved yet.
    pub(crate) async fn opened(
        &self,
        tx: &DatabaseTransaction,
        rules: &Rules,
        report: Report,
        now: DateTime<Utc>,
    ) -> Result<Change, Error> {
        self.within_limit(tx, report.channel, &report.identity, now).await?;
        let received_at = received_at(report.sent_at, now);
        let id = CaseId::generate();
        let number = self.next_number(tx, rules, received_at).await?;
        let files = self.give(tx, &report.files, id).await?;
        let reachable = self.can_reach(&report.identity);
        let opening = Opening {
            id,
            number,
            class: report.class,
            category: report.category,
            place: report.place,
            occurred_at: report.occurred_at,
            received_at,
            arrived_at: now,
            channel: report.channel,
            about: report.about,
            text: report.text,
            files,
            pseudonym: self.pseudonym(number),
            secrecy: report.secrecy,
            reachable,
            undecided: report.undecided,
            extra: report.extra,
            written_by: report.written_by,
            queue_ticket: report.queue_ticket,
            external: report.external,
        };
        let decision = workflow::open(opening, rules)?;
        store::vault::save(tx, &self.vault, number, &report.identity, now).await?;
        let mut change = Change::decided(None, decision, "complaint.filed");
        change.detail.insert("channel", report.channel.to_string());
        Ok(change)
    }

    /// Adds a reporter to a published case instead of opening another one about the same. The number is a new one.
    async fn follow(
        &self,
        tx: &DatabaseTransaction,
        rules: &Rules,
        follow: Number,
        report: Report,
        asking: Asking<'_>,
        now: DateTime<Utc>,
    ) -> Result<(Record, Number), Error> {
        self.within_limit(tx, report.channel, &report.identity, now).await?;
        let found = store::complaint::by_number(tx, &self.cipher, follow).await?;
        let found = found.filter(|it| it.case.is_public() && !it.case.state.is_closed());
        let record = found.ok_or(Error::NotFound(Thing::Complaint))?;
        let number = self.next_number(tx, rules, now).await?;
        let pseudonym = self.pseudonym(number);
        let files = self.give(tx, &report.files, record.case.id).await?;
        let mut next = record.case.clone();
        next.reporters.push(Reporter {
            pseudonym: pseudonym.clone(),
            number,
            // Whoever joins a published case cannot hide it: secrecy of the content needs a case of its own.
            secrecy: report.secrecy.min(Secrecy::Anonymous),
            channel: report.channel,
            reachable: self.can_reach(&report.identity),
            undecided: false,
            joined: true,
            content: false,
            unheard: false,
            left: false,
            chosen_at: None,
            revealed: Vec::new(),
            rating: 0,
        });
        next.messages.push(Message {
            at: now,
            by: Part::Reporter,
            account: report.written_by,
            agency: String::new(),
            kind: MessageKind::Addition,
            text: report.text,
            files,
            reporter: pseudonym.clone(),
            external: report.external,
        });
        next.publication = publication_after(next.publication, next.secrecy(), next.class);
        store::complaint::lead_to(tx, number, &next.id.to_string(), &pseudonym).await?;
        store::vault::save(tx, &self.vault, number, &report.identity, now).await?;
        let mut change = Change::of(record, next, "complaint.followed");
        change.notices.push(Notice { to: To::Reporter(pseudonym), kind: NoticeKind::Received });
        Ok((self.save_one(tx, rules, change, asking, now).await?, number))
    }

    /// Whether notifications can be sent to somebody: to what they said of themselves, or where they wrote.
    pub(crate) fn can_reach(&self, identity: &Identity) -> bool {
        let channels = &self.config.channels;
        identity.has_address() || identity.direct().is_some_and(|it| channels.answers(it.source, it.account))
    }

    /// Whether notifications can be sent to a reporter as things are now. To who was forgotten they cannot.
    pub(crate) async fn reaches(&self, db: &impl ConnectionTrait, number: Number) -> Result<bool, Error> {
        let known = store::vault::find(db, &self.vault, number).await?;
        Ok(known.is_some_and(|it| self.can_reach(&it)))
    }

    /// Gives uploads to a case.
    pub(crate) async fn give(
        &self,
        tx: &DatabaseTransaction,
        ids: &[FileId],
        case: CaseId,
    ) -> Result<Vec<File>, Error> {
        let mut files = Vec::new();
        for id in ids {
            files.push(store::file::give(tx, *id, case).await?.ok_or(Error::NotFound(Thing::File))?);
        }
        Ok(files)
    }

    async fn next_number(
        &self,
        tx: &DatabaseTransaction,
        rules: &Rules,
        at: DateTime<Utc>,
    ) -> Result<Number, Error> {
        let year = report::year(rules.date(at));
        let seq = counter::next(tx, &format!("number {year}")).await?;
        let seq = u32::try_from(seq).map_err(|_| anyhow::anyhow!("the numbers of {year} are used up"))?;
        Ok(Number { year, seq })
    }

    /// Refuses more reports without a contact from one network within a day than are permitted: many more than a village sends.
    async fn within_network(
        &self,
        tx: &DatabaseTransaction,
        rules: &Rules,
        network: &str,
        now: DateTime<Utc>,
    ) -> Result<(), Error> {
        let (day, limit) = (rules.date(now).to_string(), self.config.reports_per_network);
        let digest = self.vault.digest("network", &format!("{day} {network}"));
        if store::network::count(tx, &day, &digest).await? > i64::from(limit) {
            let wait = (rules.end_of_today(now) - now).to_std().unwrap_or_default();
            return Err(Error::TooManyFromNetwork { limit, wait });
        }
        Ok(())
    }

    /// Refuses more reports of one contact within a day than are permitted. By contact and never by address: a village
    /// shares one. The desk and SP4N-LAPOR! answer for their own.
    pub(crate) async fn within_limit(
        &self,
        db: &impl ConnectionTrait,
        channel: Channel,
        identity: &Identity,
        now: DateTime<Utc>,
    ) -> Result<(), Error> {
        match channel {
            Channel::Counter | Channel::Sp4n => return Ok(()),
            Channel::Web
            | Channel::Api
            | Channel::Whatsapp
            | Channel::Facebook
            | Channel::Instagram
            | Channel::Email
            | Channel::Open311 => {}
        }
        let limit = self.config.reports_per_contact;
        for digest in identity.digests(&self.vault) {
            let since = now - TimeDelta::days(1);
            let found = store::vault::numbers_of(db, &[digest], since, u64::from(limit)).await?;
            if found.len() >= limit as usize {
                return Err(Error::TooMany { limit });
            }
        }
        Ok(())
    }
}
