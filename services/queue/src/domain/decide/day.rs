//! The business day, intake and configuration.

use std::sync::Arc;

use chrono::NaiveDate;

use super::{Decision, Step};
use crate::domain::counter::{Availability, Counter};
use crate::domain::event::{Day, Event, IntakeStop, Kind};
use crate::domain::hall::{Agency, Calendar, CounterPlan, Defect, Hall, Service};
use crate::domain::rejection::{Rejection, Thing};
use crate::domain::ticket::{State, Ticket};
use crate::domain::{AgencyId, ServiceId};

impl Step<'_> {
    /// The date a day opened now would have.
    fn date_to_open(&self) -> NaiveDate {
        let today = self.fold.hall().time_zone.local(self.now).date();
        match (self.fold.hall().calendar, self.fold.day()) {
            // The demo calendar runs ahead: each closed day is followed by the next date.
            (Calendar::Demo, Some(last)) if !last.is_open() => {
                today.max(last.date.succ_opt().unwrap_or(last.date))
            }
            (Calendar::Demo, Some(last)) => today.max(last.date),
            (Calendar::Demo | Calendar::Regular, _) => today,
        }
    }

    pub(super) fn open_day(&self) -> Result<Decision, Rejection> {
        if !self.command.reach.hall() {
            return Err(Rejection::NotFound(Thing::Hall));
        }
        let date = self.date_to_open();
        let mut events = Vec::new();
        match self.fold.day() {
            // A later date can only be open when the clock was set back: its numbers must not be given again.
            Some(day) if day.date >= date && day.is_open() => return Ok(self.unchanged(None)),
            // Closed by mistake: its numbers go on. In a demonstration the next date follows instead.
            Some(day) if day.date == date => return Ok(Decision::Happens(self.reopening(day))),
            Some(day) if day.date > date => return Err(Rejection::DayAlreadyClosed(day.date)),
            // A day that nobody closed ends when the next one begins.
            Some(day) if day.is_open() => events.extend(self.closing(day)),
            Some(_) | None => {}
        }
        let mut event = self.event(Kind::DayOpened);
        event.hall = Some(Hall::clone(self.fold.hall()));
        event.day =
            Some(Day { date, opened_at: self.now, closed_at: None, stops: Vec::new(), reopened_at: None });
        events.push(event);
        Ok(Decision::Happens(events))
    }

    /// What expired with the day waits again, in order of arrival; then the day is open. Counters stay closed until their staff
    /// open them.
    fn reopening(&self, day: &Day) -> Vec<Event> {
        let mut events: Vec<Event> = self
            .fold
            .tickets_after(0)
            .filter(|(_, ticket)| ticket.state == State::Expired)
            .map(|(_, ticket)| self.reopened(Ticket::clone(ticket)))
            .collect();
        let mut event = self.event(Kind::DayReopened);
        event.day = Some(Day { closed_at: None, reopened_at: Some(self.now), ..day.clone() });
        events.push(event);
        events
    }

    pub(super) fn close_day(&self, date: Option<NaiveDate>) -> Result<Decision, Rejection> {
        if !self.command.reach.hall() {
            return Err(Rejection::NotFound(Thing::Hall));
        }
        match self.fold.day() {
            // A press that comes after its day has ended must not end the next one.
            Some(day) => match date.unwrap_or(day.date) {
                asked if asked < day.date => Err(Rejection::DayAlreadyClosed(asked)),
                asked if asked > day.date => Err(Rejection::DayNotOpen),
                _ if day.is_open() => Ok(Decision::Happens(self.closing(day))),
                _ => Ok(self.unchanged(None)),
            },
            None => Err(Rejection::DayNotOpen),
        }
    }

    /// Everything that is open expires, in order of arrival; every counter closes; the day ends.
    fn closing(&self, day: &Day) -> Vec<Event> {
        let mut events: Vec<Event> = self
            .fold
            .tickets_after(0)
            .filter(|(_, ticket)| ticket.is_open())
            .map(|(_, ticket)| self.expired(Ticket::clone(ticket)))
            .collect();
        let mut counters: Vec<Counter> = self
            .fold
            .counters()
            .filter(|counter| counter.availability != Availability::Closed)
            .map(|counter| Counter {
                finished: counter.finished,
                last_call_at: counter.last_call_at,
                changed_at: Some(self.now),
                ..Counter::closed(counter.id)
            })
            .collect();
        counters.sort_by_key(|counter| counter.id);
        let mut event = self.event(Kind::DayClosed);
        event.counters = counters;
        event.day = Some(Day { closed_at: Some(self.now), stops: Vec::new(), ..day.clone() });
        events.push(event);
        events
    }

    pub(super) fn configure(&self, hall: &Arc<Hall>) -> Result<Event, Rejection> {
        if !self.command.reach.hall() {
            return Err(Rejection::NotFound(Thing::Hall));
        }
        let mut defects = hall.defects();
        if self.fold.day().is_some_and(Day::is_open) {
            defects.extend(self.vanished(hall));
        }
        if !defects.is_empty() {
            return Err(Rejection::Configuration(defects));
        }
        if self.fold.seq() > 0 && self.is_of_before(hall) {
            return Err(Rejection::ConfiguredMeanwhile);
        }
        let mut event = self.event(Kind::Configured);
        event.hall = Some(Hall::clone(hall));
        Ok(event)
    }

    /// Whether parts that are known by their code have other ids in this configuration: it was made before they were.
    fn is_of_before(&self, hall: &Hall) -> bool {
        let old = self.fold.hall();
        let agency = |new: &Agency| old.agencies.iter().any(|old| old.code == new.code && old.id != new.id);
        let service = |new: &Service| old.services.iter().any(|old| old.code == new.code && old.id != new.id);
        let counter =
            |new: &CounterPlan| old.counters.iter().any(|old| old.number == new.number && old.id != new.id);
        hall.agencies.iter().any(agency)
            || hall.services.iter().any(service)
            || hall.counters.iter().any(counter)
    }

    /// Parts that a configuration would take away from an open day, with the tickets that hang on them.
    fn vanished(&self, hall: &Hall) -> Vec<Defect> {
        let old = self.fold.hall();
        let mut defects = Vec::new();
        let mut note = |field: &str, code: &str| {
            defects.push(Defect {
                field: field.to_owned(),
                id: format!("pertahankan {code} sampai hari layanan ditutup"),
                en: format!("keep {code} until the business day is closed"),
            });
        };
        for agency in old.agencies.iter().filter(|agency| hall.agencies.iter().all(|new| new.id != agency.id))
        {
            note("agencies", &agency.code);
        }
        for service in old.services.iter().filter(|service| {
            hall.services.iter().all(|new| new.id != service.id || new.agency != service.agency)
        }) {
            note("services", &service.code);
        }
        for counter in old.counters.iter().filter(|counter| {
            hall.counters.iter().all(|new| new.id != counter.id || new.agency != counter.agency)
        }) {
            note("counters", &counter.number);
        }
        if hall.time_zone != old.time_zone || hall.calendar != old.calendar {
            note("time_zone", &old.time_zone.to_string());
        }
        defects
    }

    pub(super) fn stop_intake(&self, stop: &IntakeStop) -> Result<Event, Rejection> {
        self.require_intake_reach(stop.agency, stop.service)?;
        self.require_open_day()?;
        let mut day = self.fold.day().cloned().ok_or(Rejection::DayNotOpen)?;
        day.stops.retain(|old| (old.agency, old.service) != (stop.agency, stop.service));
        day.stops.push(stop.clone());
        let mut event = self.event(Kind::IntakeStopped);
        stop.reason.clone_into(&mut event.reason);
        event.day = Some(day);
        Ok(event)
    }

    pub(super) fn resume_intake(
        &self,
        agency: Option<AgencyId>,
        service: Option<ServiceId>,
    ) -> Result<Decision, Rejection> {
        self.require_intake_reach(agency, service)?;
        self.require_open_day()?;
        let mut day = self.fold.day().cloned().ok_or(Rejection::DayNotOpen)?;
        let stops = day.stops.len();
        day.stops.retain(|stop| (stop.agency, stop.service) != (agency, service));
        if day.stops.len() == stops {
            return Ok(self.unchanged(None));
        }
        let mut event = self.event(Kind::IntakeResumed);
        event.day = Some(day);
        Ok(Decision::Happens(vec![event]))
    }

    /// Who may stop or resume intake there: the whole hall needs the whole hall within reach.
    fn require_intake_reach(
        &self,
        agency: Option<AgencyId>,
        service: Option<ServiceId>,
    ) -> Result<(), Rejection> {
        let reach = &self.command.reach;
        if let Some(service) = service {
            return match self.fold.service(service) {
                Some(service) if reach.agency(service.agency) => Ok(()),
                Some(_) | None => Err(Rejection::NotFound(Thing::Service)),
            };
        }
        match agency {
            Some(agency) if self.fold.agency(agency).is_some() && reach.agency(agency) => Ok(()),
            Some(_) => Err(Rejection::NotFound(Thing::Agency)),
            None if reach.hall() => Ok(()),
            None => Err(Rejection::NotFound(Thing::Hall)),
        }
    }
}
