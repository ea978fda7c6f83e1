//! The digest: each morning an office is told what is late, what falls due today and what nobody has taken on yet, once a day.
//! Its numbers are those of the board.

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};

use super::COORDINATOR;
use super::ladder::{Official, holder_of};
use super::rules::Rules;
use super::words::Rung;

/// How long after its time a digest still goes out, such as after a restart: what was true in the morning is no news in the
/// afternoon, and the board is there all day.
const WORTH: TimeDelta = TimeDelta::hours(4);

/// At which times of the day digests go out, by the clock of the regency; none for offices that get none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Times {
    /// Those of heads of agencies, each of the own agency alone.
    pub heads: Option<NaiveTime>,
    /// That of the regent, of all agencies.
    pub regent: Option<NaiveTime>,
}

impl Times {
    /// "HH:MM", or empty for none; `None` for anything else.
    #[must_use]
    pub fn read(text: &str) -> Option<Option<NaiveTime>> {
        match text {
            "" => Some(None),
            text if text.len() == 5 => NaiveTime::parse_from_str(text, "%H:%M").ok().map(Some),
            _ => None,
        }
    }

    fn of(self, rung: Rung) -> Option<NaiveTime> {
        match rung {
            Rung::AgencyHead => self.heads,
            Rung::Regent => self.regent,
            // They work with the lists all day; of whistleblowing nothing is sent that somebody reads over a shoulder.
            Rung::Admin | Rung::Secretary | Rung::Inspectorate => None,
        }
    }
}

/// A digest whose time has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due<'a> {
    /// The office.
    pub official: &'a Official,
    /// Who holds it now.
    pub account: &'a str,
    /// The desks of the board that it is of.
    pub desks: Vec<&'a str>,
}

/// The offices whose digest of today goes out now. One that nobody holds gets none.
#[must_use]
pub fn due<'a>(rules: &'a Rules, times: Times, now: DateTime<Utc>) -> Vec<Due<'a>> {
    let (zone, today) = (rules.calendar(&rules.home).2.zone(), rules.date(now));
    let is_time = |time: NaiveTime| {
        let at = zone.moment(today.and_time(time));
        at <= now && now < at + WORTH
    };
    let offices = rules.officials.iter().filter(|it| times.of(it.rung).is_some_and(is_time));
    offices
        .filter_map(|official| {
            let account = holder_of(official, &rules.actings, now);
            (!account.is_empty()).then(|| Due { official, account, desks: desks(official, rules) })
        })
        .collect()
}

/// Of an agency its own desk; above all agencies each desk but those of the inspectorate.
fn desks<'a>(official: &'a Official, rules: &'a Rules) -> Vec<&'a str> {
    if official.agency.is_empty() {
        return std::iter::once(COORDINATOR).chain(rules.agencies.keys().map(String::as_str)).collect();
    }
    vec![official.agency.as_str()]
}

/// What a digest tells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Numbers {
    /// Open cases that are late.
    pub late: i64,
    /// Open cases that fall due until the end of the day.
    pub due_today: i64,
    /// Open cases with a step of the ladder that nobody has acknowledged.
    pub waiting: i64,
}

impl Numbers {
    /// Whether there is nothing to tell: then nothing is sent, so that a digest always means something.
    #[must_use]
    pub fn is_nothing(self) -> bool {
        self == Self::default()
    }

    /// With what a message says of them: each with what changed since the digest before, as far as it did.
    #[must_use]
    pub fn said(self, before: Option<Self>) -> [(&'static str, String); 3] {
        let said = |of: fn(&Self) -> i64| match before.map(|it| of(&self) - of(&it)) {
            Some(change) if change != 0 => format!("{} ({change:+})", of(&self)),
            Some(_) | None => of(&self).to_string(),
        };
        [
            ("terlambat", said(|it| it.late)),
            ("hari_ini", said(|it| it.due_today)),
            ("menunggu", said(|it| it.waiting)),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::OfficialId;
    use crate::domain::rules::Agency;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn n_20_a_digest_goes_out_at_its_time_to_heads_of_the_own_agency_and_to_the_regent_of_all() {
        let official = |rung, agency: &str, account: &str| Official {
            id: OfficialId::generate(),
            rung,
            agency: agency.to_owned(),
            title: String::new(),
            account: account.to_owned(),
        };
        let agency = |id: &str| Agency {
            id: id.to_owned(),
            name: String::new(),
            calendar: String::new(),
            inspectorate: false,
            active: true,
            bounce_limit: 2,
        };
        let rules = Rules {
            officials: vec![
                official(Rung::Admin, "17.07/pupr", "acc_admin"),
                official(Rung::AgencyHead, "17.07/pupr", "acc_head"),
                official(Rung::AgencyHead, "17.07/dinkes", ""),
                official(Rung::Secretary, "", "acc_sekda"),
                official(Rung::Regent, "", "acc_regent"),
                official(Rung::Inspectorate, "", "acc_inspector"),
            ],
            agencies: ["17.07/dinkes", "17.07/pupr"].map(|it| (it.to_owned(), agency(it))).into(),
            ..Rules::default()
        };
        let times = Times { heads: Times::read("07:30").unwrap(), regent: Times::read("08:00").unwrap() };
        let told = |times, now: &str| {
            let due = due(&rules, times, at(now));
            due.into_iter().map(|it| format!("{} {}", it.account, it.desks.join("+"))).collect::<Vec<_>>()
        };
        let (head, regent) = ("acc_head 17.07/pupr", "acc_regent coordinator+17.07/dinkes+17.07/pupr");
        // 07:30 in the west is half past midnight UTC.
        assert_eq!(told(times, "2026-11-23T00:29:59Z"), [""; 0]);
        assert_eq!(told(times, "2026-11-23T00:30:00Z"), [head]);
        assert_eq!(told(times, "2026-11-23T01:00:00Z"), [head, regent]);
        assert_eq!(told(times, "2026-11-23T04:30:00Z"), [regent], "what is hours old is no news");
        assert_eq!(told(times, "2026-11-23T05:00:00Z"), [""; 0]);
        assert_eq!(told(Times { heads: None, ..times }, "2026-11-23T01:00:00Z"), [regent]);
    }

    #[test]
    fn n_20_times_are_hours_and_minutes_or_none() {
        assert_eq!(Times::read(""), Some(None));
        assert_eq!(Times::read("07:30"), Some(NaiveTime::from_hms_opt(7, 30, 0)));
        for wrong in ["7:30", "24:00", "07.30", "07:30:00", "pagi"] {
            assert_eq!(Times::read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn n_20_a_number_says_what_changed_since_the_digest_before() {
        let now = Numbers { late: 5, due_today: 2, waiting: 3 };
        let values = |before| now.said(before).map(|(_, value)| value);
        assert_eq!(values(None), ["5", "2", "3"]);
        assert_eq!(values(Some(Numbers { late: 3, due_today: 2, waiting: 4 })), ["5 (+2)", "2", "3 (-1)"]);
        assert!(!now.is_nothing() && Numbers::default().is_nothing());
    }
}
