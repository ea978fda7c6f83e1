//! Issuing tickets: whether, which number, for whom.

use chrono::{DateTime, Utc};

use super::{NewTicket, Step};
use crate::domain::event::{ActorKind, Event, Kind};
use crate::domain::fold::Fold;
use crate::domain::hall::Service;
use crate::domain::opening::{Opening, opening};
use crate::domain::rejection::{IntakeClosed, Rejection, Thing};
use crate::domain::ticket::{Channel, Leg, State, Ticket};

/// Places between two arrivals, so that a restored ticket can stand between them.
const PLACES: u64 = 1 << 20;

/// Whether a ticket can be issued for `service` now.
///
/// # Errors
/// Why not.
pub fn intake(fold: &Fold, service: &Service, now: DateTime<Utc>) -> Result<(), IntakeClosed> {
    let day = fold.day().filter(|day| day.is_open()).ok_or(IntakeClosed::DayNotOpen)?;
    if service.retired {
        return Err(IntakeClosed::Retired);
    }
    let local = fold.hall().time_zone.local(now);
    // A day that nobody closed does not go on giving numbers on the next date.
    if fold.hall().calendar == crate::domain::hall::Calendar::Regular && day.date != local.date() {
        return Err(IntakeClosed::DayNotOpen);
    }
    let stop = day.stops.iter().find(|stop| match (stop.agency, stop.service) {
        (_, Some(stopped)) => stopped == service.id,
        (Some(agency), None) => agency == service.agency,
        (None, None) => true,
    });
    if let Some(stop) = stop {
        return Err(IntakeClosed::Stopped(stop.reason.clone()));
    }
    let agency = fold.agency(service.agency).ok_or(IntakeClosed::Retired)?;
    match opening(fold.hall(), agency, local) {
        Opening::Open => {}
        Opening::OutsideHours { next } => return Err(IntakeClosed::OutsideHours { next }),
        Opening::Holiday(name) => return Err(IntakeClosed::Holiday(name)),
        Opening::Closure(reason) => return Err(IntakeClosed::Closure(reason)),
    }
    if let Some(quota) = service.daily_quota
        && fold.issued(service.id) >= quota
    {
        return Err(IntakeClosed::QuotaFull(quota));
    }
    if fold.last_ordinal(&service.series.prefix).is_some_and(|last| last >= service.series.last) {
        return Err(IntakeClosed::NumbersExhausted);
    }
    Ok(())
}

impl Step<'_> {
    pub(super) fn issue(&self, new: &NewTicket) -> Result<Event, Rejection> {
        let service = self.fold.service(new.service).ok_or(Rejection::NotFound(Thing::Service))?;
        if !self.command.reach.agency(service.agency) {
            return Err(Rejection::NotFound(Thing::Service));
        }
        intake(self.fold, service, self.now).map_err(Rejection::IntakeClosed)?;
        if let Some(limit) = self.fold.agency(service.agency).and_then(|agency| agency.daily_limit_per_person)
        {
            // Staff see who stands before them; a machine that gives tickets must be told whose they are. Who has no
            // telephone goes to the reception.
            match &new.person {
                Some(person) if self.fold.issued_to(service.agency, person) >= limit => {
                    return Err(Rejection::PersonLimit(limit));
                }
                None if matches!(new.channel, Channel::Onsite | Channel::Kiosk) => {
                    return Err(Rejection::PhoneRequired);
                }
                Some(_) | None => {}
            }
        }
        let day = self.fold.day().ok_or(Rejection::DayNotOpen)?;
        let ordinal =
            self.fold.last_ordinal(&service.series.prefix).map_or(service.series.first, |last| last + 1);
        let mut event = self.event(Kind::TicketIssued);
        event.ticket = Some(Ticket {
            id: new.id,
            hall: self.fold.hall().id,
            date: day.date,
            series: service.series.prefix.clone(),
            ordinal,
            number: service.series.number(ordinal),
            token: new.token.clone(),
            version: 1,
            state: State::Waiting,
            service: service.id,
            agency: service.agency,
            priority: new.priority,
            assistance: new.assistance.clone(),
            channel: new.channel,
            issued_by: (self.command.actor.kind != ActorKind::Citizen).then(|| self.command.actor.id.clone()),
            void: None,
            party_size: new.party_size,
            person: new.person.clone(),
            appointment: new.appointment,
            arrived_at: self.now,
            place: (self.fold.seq() + 1) * PLACES,
            not_before: None,
            counter: None,
            called_by: None,
            last_call_at: None,
            before_call: None,
            legs: vec![Leg::begin(service.id, service.agency, self.now)],
            delivered: Vec::new(),
            outcome: None,
            note: String::new(),
            ended_at: None,
        });
        Ok(event)
    }

    /// A place behind everybody who has arrived so far.
    pub(super) fn last_place(&self) -> u64 {
        (self.fold.seq() + 1) * PLACES
    }
}
