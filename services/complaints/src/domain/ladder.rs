//! Who is told when a clock runs out: named offices, from the admin of the agency up to the regent.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::clock::Clock;
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
/// next one above is told: a vacant office must not swallow the alarm. Whistleblowing never leaves the inspectorate.
#[must_use]
pub fn addressee<'a>(
    climb: &Climb,
    officials: &'a [Official],
    actings: &'a [Acting],
    now: DateTime<Utc>,
) -> Option<(&'a Official, &'a str)> {
    let upwards: &[Rung] = match climb.rung {
        Rung::Admin => &[Rung::Admin, Rung::AgencyHead, Rung::Secretary, Rung::Regent],
        Rung::AgencyHead => &[Rung::AgencyHead, Rung::Secretary, Rung::Regent],
        Rung::Secretary => &[Rung::Secretary, Rung::Regent],
        Rung::Regent => &[Rung::Regent],
        Rung::Inspectorate => &[Rung::Inspectorate],
    };
    upwards.iter().find_map(|rung| {
        let official = officials.iter().find(|it| {
            it.rung == *rung
                && match rung {
                    Rung::Admin | Rung::AgencyHead => it.agency == climb.holder,
                    Rung::Secretary | Rung::Regent | Rung::Inspectorate => true,
                }
        })?;
        let account = holder_of(official, actings, now);
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

/// What moves with an office to who acts in it: the rights of that office. What the same person may do elsewhere is another
/// matter, so an agency head who acts as sekda reads every case, and works on those of the own agency.
#[must_use]
pub fn rights(official: &Official) -> &'static [&'static str] {
    match official.rung {
        Rung::Admin if official.agency == COORDINATOR => &["complaints.board", "complaints.read"],
        Rung::Admin | Rung::AgencyHead => &["complaints.board", "complaints.read", "complaints.work"],
        Rung::Secretary | Rung::Regent => &["complaints.board", "complaints.read"],
        Rung::Inspectorate => &[],
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
        let officials = [
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
        let told = |rung, now| {
            let climb = Climb {
                clock: ClockKind::Settle,
                cycle: 1,
                percent: 50,
                rung,
                holder: "17.07/pupr".to_owned(),
            };
            addressee(&climb, &officials, std::slice::from_ref(&acting), now).map(|(_, account)| account)
        };
        assert_eq!(told(Rung::Admin, now), Some("acc_plt"), "the vacant admin is passed over");
        assert_eq!(
            told(Rung::AgencyHead, at("2026-11-25T00:00:00Z")),
            Some("acc_head"),
            "the appointment is over"
        );
        assert_eq!(told(Rung::Secretary, now), Some("acc_regent"));
        assert_eq!(told(Rung::Inspectorate, now), Some("acc_inspector"));
    }
}
