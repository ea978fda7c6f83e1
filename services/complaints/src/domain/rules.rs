//! What an installation has decided on, as the rules need it: deadlines, calendars, agencies, categories, offices.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use chrono::{DateTime, NaiveDate, Utc};
use mpp_kit::calendar::WorkCalendar;
use mpp_kit::zone::TimeZone;
use serde::{Deserialize, Serialize};

use super::clock::Clock;
use super::deadline::{self, Deadline};
use super::ladder::{Acting, Official};
use super::language::Languages;
use super::words::{Class, ClockKind};

/// An agency (OPD) that answers complaints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agency {
    /// Its area, as grants name it: `17.07/dinkes`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The key of its calendar.
    pub calendar: String,
    /// Whether it is the inspectorate.
    pub inspectorate: bool,
    /// Whether it still takes cases.
    pub active: bool,
    /// How often it may send a case back.
    pub bounce_limit: u32,
}

/// A question of a category beyond the common ones (GeoReport v2, attributes).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// Its key.
    pub key: String,
    /// What is asked.
    pub label: String,
    /// A data type of GeoReport v2.
    pub datatype: String,
    /// Whether it must be answered.
    pub required: bool,
    /// Values to choose from.
    pub values: BTreeMap<String, String>,
    /// Its place.
    pub order: u32,
}

/// A category.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Category {
    /// Its key.
    pub key: String,
    /// The key above; empty for a root.
    pub parent: String,
    /// Its name.
    pub name: String,
    /// What belongs to it.
    pub description: String,
    /// Words by which it is found.
    pub keywords: Vec<String>,
    /// The agency that usually has the lead; empty when the coordinator decides.
    pub agency: String,
    /// The kind of case for the deadlines table.
    pub deadline_kind: String,
    /// Questions beyond the common ones.
    pub questions: Vec<Question>,
    /// Metres within which similar reports are suggested.
    pub duplicate_metres: u32,
    /// Whether it still takes reports.
    pub active: bool,
    /// What to do instead in an emergency.
    pub emergency_advice: String,
}

/// A version of a calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalendarVersion {
    /// Its key.
    pub id: String,
    /// The version.
    pub version: u32,
    /// The calendar.
    pub calendar: WorkCalendar,
}

/// A calendar whose free days end before clocks do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unwritten {
    /// Its key.
    pub calendar: String,
    /// The last day of the last year whose free days are written; none when no free day is.
    pub until: Option<NaiveDate>,
    /// The last date on which a clock that begins now falls due.
    pub due: NaiveDate,
}

/// All of it.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// The deadlines table.
    pub deadlines: Vec<Deadline>,
    /// The latest version of each calendar, by key.
    pub calendars: BTreeMap<String, CalendarVersion>,
    /// When the latest version of each calendar was written.
    pub applied: BTreeMap<String, DateTime<Utc>>,
    /// Agencies by id.
    pub agencies: BTreeMap<String, Agency>,
    /// Categories by key.
    pub categories: BTreeMap<String, Category>,
    /// Offices of the ladder.
    pub officials: Vec<Official>,
    /// Who acts in them, or acted, or will: the latest first.
    pub actings: Vec<Acting>,
    /// The languages that reporters are answered in.
    pub languages: Languages,
    /// The calendar of the regency: of cases that no agency has, and of agencies without their own.
    pub home: String,
    /// The agency that handles whistleblowing about the inspectorate; empty for none.
    pub alternative: String,
}

/// What counts where nothing is configured: five days in the west, without free days.
static FALLBACK: LazyLock<WorkCalendar> = LazyLock::new(|| WorkCalendar::five_days(TimeZone::Wib));

impl Rules {
    /// The calendar of an agency, or of the regency.
    #[must_use]
    pub fn calendar_of(&self, agency: Option<&str>) -> (&str, u32, &WorkCalendar) {
        let own = agency.and_then(|id| self.agencies.get(id)).map(|agency| agency.calendar.as_str());
        self.calendar(own.filter(|it| self.calendars.contains_key(*it)).unwrap_or(&self.home))
    }

    /// The latest version of a calendar; of the regency's when there is none of that key.
    #[must_use]
    pub fn calendar(&self, id: &str) -> (&str, u32, &WorkCalendar) {
        match self.calendars.get(id).or_else(|| self.calendars.get(&self.home)) {
            Some(found) => (&found.id, found.version, &found.calendar),
            None => ("", 0, &FALLBACK),
        }
    }

    /// The last date on which a clock falls due that begins now and counts by this calendar; none when no row of the deadlines
    /// table does. Clocks that run already fall due before that, unless they stood still.
    #[must_use]
    pub fn counted_until(&self, id: &str, now: DateTime<Utc>) -> Option<NaiveDate> {
        let counted = self.calendar(id);
        let today = self.date(now);
        let by_it = |kind: ClockKind| match kind {
            ClockKind::Accept | ClockKind::FirstAnswer => true,
            ClockKind::Verify | ClockKind::Settle | ClockKind::Reaction => id == self.home,
        };
        let rows = self.deadlines.iter().filter(|it| it.unit.is_working() && it.holds(today));
        rows.filter_map(|row| row.clock.filter(|kind| by_it(*kind)).map(|kind| (kind, row)))
            .map(|(kind, row)| counted.2.date(Clock::start(kind, 1, row, counted, now).due_at))
            .max()
    }

    /// The calendars in use by which a clock that begins now may fall due in a year whose free days nobody has written: its date
    /// would be too early. By key.
    #[must_use]
    pub fn unwritten(&self, now: DateTime<Utc>) -> Vec<Unwritten> {
        let agencies = self.agencies.values().filter(|it| it.active).map(|it| it.calendar.as_str());
        let own = agencies.filter(|it| self.calendars.contains_key(*it));
        let used: BTreeSet<&str> = own.chain([self.home.as_str()]).collect();
        let found = used.into_iter().filter_map(|id| {
            let due = self.counted_until(id, now)?;
            let until = self.calendar(id).2.written_until();
            let short = until.is_none_or(|until| until < due);
            short.then(|| Unwritten { calendar: id.to_owned(), until, due })
        });
        found.collect()
    }

    /// The calendar that a clock counts by.
    #[must_use]
    pub fn of_clock(&self, clock: &Clock) -> &WorkCalendar {
        self.calendar(&clock.calendar).2
    }

    /// The date of the regency at a moment.
    #[must_use]
    pub fn date(&self, at: DateTime<Utc>) -> NaiveDate {
        self.calendar(&self.home).2.date(at)
    }

    /// Whether a category is one of emergencies: what to do instead is said before the form, and steps of the ladder about it wait
    /// for no hours of rest.
    #[must_use]
    pub fn is_emergency(&self, category: &str) -> bool {
        self.categories.get(category).is_some_and(|it| !it.emergency_advice.trim().is_empty())
    }

    /// The kind of a category for the deadlines table.
    #[must_use]
    pub fn kind_of(&self, category: &str) -> &str {
        self.categories.get(category).map_or("", |it| it.deadline_kind.as_str())
    }

    /// The row that sets a clock of a case: of its class and category, and of the agency that has the lead, if one has.
    #[must_use]
    pub fn deadline(
        &self,
        clock: ClockKind,
        (class, category, holder): (Class, &str, Option<&str>),
        at: DateTime<Utc>,
    ) -> Option<&Deadline> {
        let of = (class, self.kind_of(category), holder);
        deadline::choose(&self.deadlines, clock, of, self.date(at))
    }

    /// When a window that starts now ends, by the row of a key; `days` of 24 hours when there is no row.
    #[must_use]
    pub fn window(&self, key: &str, days: i64, at: DateTime<Utc>) -> DateTime<Utc> {
        match deadline::by_key(&self.deadlines, key, self.date(at)) {
            Some(row) => Clock::start(ClockKind::Settle, 1, row, self.calendar(&self.home), at).due_at,
            None => at + chrono::TimeDelta::days(days),
        }
    }

    /// Who handles whistleblowing about the inspectorate, if one is named and takes cases.
    #[must_use]
    pub fn alternative(&self) -> Option<&Agency> {
        self.agencies.get(&self.alternative).filter(|it| it.active && !it.inspectorate)
    }

    /// The inspectorate, if one is set up.
    #[must_use]
    pub fn inspectorate(&self) -> Option<&Agency> {
        self.agencies.values().find(|it| it.inspectorate && it.active)
    }

    /// The name of who holds a case: an office, never a person.
    #[must_use]
    pub fn name_of(&self, agency: &str) -> String {
        self.agencies.get(agency).map_or_else(|| "Admin Pengaduan Kabupaten".to_owned(), |it| it.name.clone())
    }

    /// The end of today, local time of the regency.
    #[must_use]
    pub fn end_of_today(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        let calendar = self.calendar(&self.home).2;
        let next = self.date(now).succ_opt().unwrap_or(NaiveDate::MAX);
        calendar.zone().moment(next.and_time(chrono::NaiveTime::MIN))
    }
}
