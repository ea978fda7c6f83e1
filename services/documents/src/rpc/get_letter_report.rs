//! `GetLetterReport`: what the offices within the caller's reach had to do in a span of days. Counts alone, of nobody.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike as _, Days, NaiveDate, NaiveTime, TimeZone as _, Utc};
use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_proto::documents::v1::{GetLetterReportRequest, GetLetterReportResponse, LetterReportRow};
use tonic::Response;

use super::access::Areas;
use super::{Core, convert};
use crate::domain::calendar::TimeZone;
use crate::domain::office::Office;
use crate::domain::workflow::State;
use crate::error::Error;
use crate::store;
use crate::store::report::{Among, Group};

/// Days of a report at most: a year.
const LONGEST: i64 = 366;
/// Years that a report can be of.
const YEARS: std::ops::RangeInclusive<i32> = 2000..=2100;
/// Offices that are read at once.
const OFFICES: u64 = 500;
/// Where an application waits for somebody.
const WAITING: [State; 6] = [
    State::InReview,
    State::Returned,
    State::AwaitingPayment,
    State::AwaitingSignature,
    State::Signing,
    State::AwaitingScan,
];

pub(super) async fn handle(
    core: &Core,
    caller: &Caller,
    request: GetLetterReportRequest,
) -> Result<Response<GetLetterReportResponse>, Error> {
    let mut checker = Checker::new();
    // What nobody says is this month so far, in the west of the country.
    let today = TimeZone::Wib.local(core.now()).date();
    let first = day(&mut checker, "start_date", &request.start_date, today.with_day(1));
    let last = day(&mut checker, "end_date", &request.end_date, Some(today));
    if let (Some(first), Some(last)) = (first, last)
        && !(0..LONGEST).contains(&(last - first).num_days())
    {
        checker.violation(
            "end_date",
            "INVALID_SPAN",
            format!("pilih 1 sampai {LONGEST} hari, dimulai dari tanggal awal"),
            format!("choose 1 to {LONGEST} days, from the first on"),
        );
    }
    checker.finish()?;
    let (Some(first), Some(last)) = (first, last) else {
        return Err(anyhow::anyhow!("the checker let a report without its days pass").into());
    };
    let areas = Areas::of(caller, "documents.read");
    let offices = core.offices_within(&areas).await?;
    let mut rows = BTreeMap::new();
    // A day begins with the office: three times in the country.
    let mut zones = BTreeMap::<i32, Vec<&Office>>::new();
    for office in &offices {
        zones.entry(office.zone().fixed().local_minus_utc()).or_default().push(office);
    }
    for offices in zones.values() {
        // No more at once than a statement takes: each office is in one part, and so is what is counted of it.
        for offices in offices.chunks(store::report::MOST_OFFICES) {
            core.count(&mut rows, offices, first, last).await?;
        }
    }
    let mut told = Vec::with_capacity(rows.len());
    for ((letter, office), tally) in rows {
        // Nobody waits for a type that has ended; what is counted of it still has its key.
        let title = match core.types.published(&core.db.read, &letter).await {
            Ok(letter) => convert::text(&letter.title),
            Err(Error::NotFound(_) | Error::LaterRelease { .. }) => None,
            Err(error) => return Err(error),
        };
        let found = offices.iter().find(|one| one.id.to_string() == office);
        let name = found.map(|one| (one.area.to_string(), one.name.clone())).unwrap_or_default();
        told.push((name.0, tally.row(letter, title, office, name.1)));
    }
    told.sort_by(|one, other| (&one.0, &one.1.letter_type).cmp(&(&other.0, &other.1.letter_type)));
    let rows = told.into_iter().map(|(_, row)| row).collect();
    Ok(Response::new(GetLetterReportResponse {
        rows,
        time: Some(convert::timestamp(core.now())),
        start_date: first.to_string(),
        end_date: last.to_string(),
    }))
}

/// What is counted of one type in one office.
#[derive(Default)]
struct Tally {
    received: i64,
    late: usize,
    rejected: i64,
    withdrawn: i64,
    waiting: i64,
    by_hand: usize,
    /// Minutes of each that was issued.
    took: Vec<i64>,
}

impl Tally {
    fn row(
        mut self,
        letter_type: String,
        title: Option<mpp_proto::documents::v1::LocalizedText>,
        office_id: String,
        office_name: String,
    ) -> LetterReportRow {
        self.took.sort_unstable();
        let median = self.took.get(self.took.len().saturating_sub(1) / 2);
        LetterReportRow {
            letter_type,
            title,
            office_id,
            office_name,
            received: convert::count(self.received),
            issued: convert::count(self.took.len()),
            issued_late: convert::count(self.late),
            rejected: convert::count(self.rejected),
            withdrawn: convert::count(self.withdrawn),
            waiting: convert::count(self.waiting),
            median_minutes: median.map_or(-1, |minutes| convert::count(*minutes)),
            issued_by_hand: convert::count(self.by_hand),
        }
    }
}

impl Core {
    /// Every office within these areas.
    async fn offices_within(&self, areas: &Areas) -> Result<Vec<Office>, Error> {
        let (mut within, mut after) = (Vec::new(), None::<String>);
        loop {
            let page = store::office::list(&self.db.read, &self.cipher, after.as_deref(), OFFICES).await?;
            let Some(last) = page.last() else { return Ok(within) };
            after = Some(last.area.to_string());
            within.extend(page.into_iter().filter(|office| areas.reach(office.area.as_str())));
        }
    }

    /// Counts for offices of one time zone.
    async fn count(
        &self,
        rows: &mut BTreeMap<Group, Tally>,
        offices: &[&Office],
        first: NaiveDate,
        last: NaiveDate,
    ) -> Result<(), Error> {
        let Some(office) = offices.first() else { return Ok(()) };
        let ids: Vec<_> = offices.iter().map(|office| office.id.to_string()).collect();
        let midnight = |day: NaiveDate| -> Result<DateTime<Utc>, Error> {
            let there = office.zone().fixed().from_local_datetime(&day.and_time(NaiveTime::MIN)).single();
            let there = there.ok_or_else(|| anyhow::anyhow!("a day begins at no single moment"))?;
            Ok(there.with_timezone(&Utc))
        };
        let after = last.checked_add_days(Days::new(1)).unwrap_or(last);
        let among = Among { offices: &ids, from: midnight(first)?, until: midnight(after)? };
        let db = &self.db.read;
        for (group, n) in store::report::received(db, &among).await? {
            rows.entry(group).or_default().received = n;
        }
        for (group, n) in store::report::ended(db, &among, State::Rejected).await? {
            rows.entry(group).or_default().rejected = n;
        }
        for (group, n) in store::report::ended(db, &among, State::Withdrawn).await? {
            rows.entry(group).or_default().withdrawn = n;
        }
        for (group, n) in store::report::waiting(db, &ids, &WAITING).await? {
            rows.entry(group).or_default().waiting = n;
        }
        let applied: BTreeMap<_, _> = store::report::applied_for(db, &among).await?.into_iter().collect();
        let late = store::report::late(db, &among).await?;
        for issue in store::report::issued(db, &among).await? {
            let tally = rows.entry(issue.group).or_default();
            let applied = applied.get(&issue.application).copied().unwrap_or(issue.at);
            tally.took.push((issue.at - applied).num_minutes());
            tally.late += usize::from(late.contains(&issue.application));
            tally.by_hand += usize::from(issue.by_hand);
        }
        Ok(())
    }
}

fn day(checker: &mut Checker, field: &str, text: &str, unsaid: Option<NaiveDate>) -> Option<NaiveDate> {
    if text.is_empty() {
        return unsaid;
    }
    // Written the one way: what is read of signs, spaces and longer years could be no day that a database compares.
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
    let day = day.filter(|day| day.to_string() == text && YEARS.contains(&day.year()));
    if day.is_none() {
        checker.violation(
            field,
            "INVALID_DATE",
            "isi tanggal seperti 2026-11-01",
            "give a date such as 2026-11-01",
        );
    }
    day
}
