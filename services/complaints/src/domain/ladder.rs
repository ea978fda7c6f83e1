//! Who is told when a clock runs out: named offices, from the admin of the agency up to the regent.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::clock::Clock;
use super::rules::Rules;
use super::words::{ClockKind, Rung};
use super::{ActingId, COORDINATOR, OfficialId};

/// How long it is worth telling somebody of a step: its buttons work no longer, and the board shows what is late.
pub const WORTH: TimeDelta = TimeDelta::hours(24);

/// An office of the ladder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Official {
    /// Its id.
    pub id: OfficialId,
    /// Its rung.
    pub rung: Rung,
    /// Its agency; empty for those above all of them.
    pub agency: String,
    /// The name of the office.
    pub title: String,
    /// The account that holds it.
    pub account: String,
}

/// Kinds of acting holders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::Display, strum::EnumString)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum ActingKind {
    /// Pelaksana tugas: the office is vacant.
    Plt,
    /// Pelaksana harian: the holder is away.
    Plh,
}

/// An appointment to act in an office.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acting {
    /// Its id.
    pub id: ActingId,
    /// The office.
    pub official: OfficialId,
    /// The account that acts.
    pub account: String,
    /// Its kind.
    pub kind: ActingKind,
    /// The decree.
    pub decree: String,
    /// From when.
    pub from: DateTime<Utc>,
    /// Until when.
    pub to: DateTime<Utc>,
}

/// A step that has to be taken now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Climb {
    /// The clock.
    pub clock: ClockKind,
    /// The cycle of it.
    pub cycle: u32,
    /// At which percentage.
    pub percent: u32,
    /// To which rung.
    pub rung: Rung,
    /// Who holds the case: an agency or the coordinator.
    pub holder: String,
}

/// The office that a step goes to, with the account of who acts in it at that moment. Where an office has no holder, the
/// next one above is told, and where there is none above, the next one below: a vacant office must not swallow the alarm.
/// Whistleblowing never leaves the inspectorate and the agency named beside it, and what is about the inspectorate never goes
/// there.
#[must_use]
pub fn addressee<'a>(climb: &Climb, rules: &'a Rules, now: DateTime<Utc>) -> Option<(&'a Official, &'a str)> {
    let (admin, head) = ((Rung::Admin, climb.holder.as_str()), (Rung::AgencyHead, climb.holder.as_str()));
    let (secretary, regent) = ((Rung::Secretary, ""), (Rung::Regent, ""));
    let coordinator = (Rung::Admin, COORDINATOR);
    let offices = match climb.rung {
        Rung::Admin => vec![admin, head, secretary, regent, coordinator],
        Rung::AgencyHead => vec![head, secretary, regent, coordinator, admin],
        Rung::Secretary => vec![secretary, regent, coordinator, head, admin],
        Rung::Regent => vec![regent, secretary, coordinator, head, admin],
        Rung::Inspectorate => {
            let other = rules.alternative().map(|it| it.id.as_str());
            let own = (other != Some(climb.holder.as_str())).then_some((Rung::Inspectorate, ""));
            let beside = other.into_iter().flat_map(|it| [(Rung::AgencyHead, it), (Rung::Admin, it)]);
            own.into_iter().chain(beside).collect()
        }
    };
    offices.iter().find_map(|(rung, agency)| {
        let official = rules.officials.iter().find(|it| it.rung == *rung && it.agency == *agency)?;
        let account = holder_of(official, &rules.actings, now);
        (!account.is_empty()).then_some((official, account))
    })
}

/// Who holds an office at a moment: the acting holder when one is appointed, of several the one appointed last.
#[must_use]
pub fn holder_of<'a>(official: &'a Official, actings: &'a [Acting], now: DateTime<Utc>) -> &'a str {
    actings
        .iter()
        .filter(|it| it.official == official.id && it.from <= now && now < it.to)
        .max_by_key(|it| it.from)
        .map_or(&official.account, |it| &it.account)
}

/// The offices that an account holds at a moment, by appointment or by itself. What waits there waits for it.
#[must_use]
pub fn held_by(account: &str, rules: &Rules, now: DateTime<Utc>) -> Vec<String> {
    let held = rules.officials.iter().filter(|it| holder_of(it, &rules.actings, now) == account);
    held.map(|it| it.id.to_string()).collect()
}

/// What moves with an office to who acts in it: the rights of that office. What the same person may do elsewhere is another
/// matter, so an agency head who acts as sekda reads every case, and works on those of the own agency.
#[must_use]
pub fn rights(official: &Official) -> &'static [&'static str] {
    match official.rung {
        Rung::Admin if official.agency == COORDINATOR => {
            &["complaints.board", "complaints.coordinate", "complaints.read", "complaints.reveal"]
        }
        Rung::Admin | Rung::AgencyHead => &["complaints.board", "complaints.read", "complaints.work"],
        Rung::Secretary => &["complaints.board", "complaints.read", "complaints.reveal"],
        Rung::Regent => &["complaints.board", "complaints.read"],
        // At the inspectorate itself: the areas of other cases are not reached.
        Rung::Inspectorate => {
            &["complaints.board", "complaints.inspect", "complaints.read", "complaints.reveal"]
        }
    }
}

/// How a step is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Before it is late: the first step of a clock, so once for each.
    Warning,
    /// To the office above, or of what is late.
    Escalation,
    /// Of an emergency: hours of rest do not hold it back.
    Emergency,
}

/// How a step at a percentage of a clock is told at a moment.
#[must_use]
pub fn tone(clock: Option<&Clock>, percent: u32, emergency: bool, now: DateTime<Utc>) -> Tone {
    let warns = |it: &Clock| percent < 100 && it.ladder.keys().next() == Some(&percent) && !it.is_late(now);
    match (emergency, clock.is_some_and(warns)) {
        (true, _) => Tone::Emergency,
        (false, true) => Tone::Warning,
        (false, false) => Tone::Escalation,
    }
}

/// From when the message about a step that is taken now says nothing any more: a warning ends with the time it warns of.
#[must_use]
pub fn pointless_from(clock: Option<&Clock>, now: DateTime<Utc>) -> DateTime<Utc> {
    let warned_of = clock.filter(|it| it.late_at.is_none() && it.due_at > now).map(|it| it.due_at);
    (now + WORTH).min(warned_of.unwrap_or(now + WORTH))
}

/// Whether the rung has an office per agency.
#[must_use]
pub fn is_of_an_agency(rung: Rung) -> bool {
    match rung {
        Rung::Admin | Rung::AgencyHead => true,
        Rung::Secretary | Rung::Regent | Rung::Inspectorate => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn official(rung: Rung, agency: &str, account: &str) -> Official {
        Official {
            id: OfficialId::generate(),
            rung,
            agency: agency.to_owned(),
            title: String::new(),
            account: account.to_owned(),
        }
    }

    #[test]
    fn c_38_c_67_a_step_goes_to_the_holder_or_who_acts_and_past_a_vacant_office() {
        let now = at("2026-11-23T08:00:00Z");
        let officials = vec![
            official(Rung::Admin, "17.07/pupr", ""),
            official(Rung::AgencyHead, "17.07/pupr", "acc_head"),
            official(Rung::AgencyHead, "17.07/dinkes", "acc_other"),
            official(Rung::Regent, "", "acc_regent"),
            official(Rung::Inspectorate, "", "acc_inspector"),
        ];
        let acting = Acting {
            id: ActingId::generate(),
            official: officials[1].id,
            account: "acc_plt".to_owned(),
            kind: ActingKind::Plt,
            decree: "800/1/2026".to_owned(),
            from: at("2026-11-20T00:00:00Z"),
            to: at("2026-11-25T00:00:00Z"),
        };
        let mut rules = Rules { officials, actings: vec![acting], ..Rules::default() };
        let told = |rules: &Rules, rung, now| {
            let climb = Climb {
                clock: ClockKind::Settle,
                cycle: 1,
                percent: 50,
                rung,
                holder: "17.07/pupr".to_owned(),
            };
            addressee(&climb, rules, now).map(|(_, account)| account.to_owned())
        };
        let is = |account: &str| Some(account.to_owned());
        assert_eq!(told(&rules, Rung::Admin, now), is("acc_plt"), "the vacant admin is passed over");
        let later = at("2026-11-25T00:00:00Z");
        assert_eq!(told(&rules, Rung::AgencyHead, later), is("acc_head"), "the appointment is over");
        assert_eq!(told(&rules, Rung::Secretary, now), is("acc_regent"));
        assert_eq!(told(&rules, Rung::Inspectorate, now), is("acc_inspector"));
        // Nobody above: the one below, and the coordinator before the agency that is late.
        rules.officials[3].account.clear();
        assert_eq!(told(&rules, Rung::Regent, later), is("acc_head"));
        rules.officials.push(official(Rung::Admin, COORDINATOR, "acc_coordinator"));
        assert_eq!(told(&rules, Rung::Regent, later), is("acc_coordinator"));
        rules.officials.push(official(Rung::Secretary, "", "acc_secretary"));
        assert_eq!(told(&rules, Rung::Regent, later), is("acc_secretary"));
        rules.officials[4].account.clear();
        assert_eq!(told(&rules, Rung::Inspectorate, now), None, "whistleblowing goes to nobody else");
    }
}
