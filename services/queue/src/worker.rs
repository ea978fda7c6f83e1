//! What happens by itself: days open and close at the hours of the hall, and the secrets of days that are over are destroyed.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};

use crate::domain::HallId;
use crate::domain::decide::{Command, Order, Reach};
use crate::domain::event::{Actor, ActorKind, Day};
use crate::domain::fold::Fold;
use crate::domain::hall::Calendar;
use crate::error::Error;
use crate::hall::{HallHandle, Halls};

/// Opens and closes business days at the hours that halls are configured for.
pub struct DayKeeper {
    halls: Halls,
    started: AtomicBool,
    /// The first date whose secret is kept, per hall, as far as this keeper has seen to it.
    kept_from: Mutex<HashMap<HallId, NaiveDate>>,
}

impl DayKeeper {
    /// A keeper of the days of these halls.
    #[must_use]
    pub fn new(halls: Halls) -> Self {
        Self { halls, started: AtomicBool::new(false), kept_from: Mutex::default() }
    }

    /// Looks at the calendar every `every` until the process ends.
    ///
    /// # Errors
    /// Never; a hall that cannot be reached is tried again at the next look.
    pub async fn run(self, every: Duration) -> anyhow::Result<()> {
        loop {
            self.tick(self.halls.clock().now()).await;
            tokio::select! {
                () = self.halls.shutdown().triggered() => return Ok(()),
                () = tokio::time::sleep(every) => {}
            }
        }
    }

    /// Does what is due at `now` in every hall.
    pub async fn tick(&self, now: DateTime<Utc>) {
        let first = !self.started.swap(true, Ordering::Relaxed);
        for hall in self.halls.all() {
            self.forget(&hall, now).await;
            let Some(order) = hall.read(|fold| due(fold, now, first)) else { continue };
            let command = system(order);
            match hall.submit(command).await {
                Ok(_) => {}
                Err(Error::Unavailable(error)) => {
                    tracing::warn!(hall = %hall.id(), error = %error, "the day is opened or closed later")
                }
                Err(error @ (Error::Rejected(_) | Error::Invalid(_) | Error::Internal(_))) => {
                    tracing::error!(hall = %hall.id(), error = %error, "the day cannot be opened or closed");
                }
            }
        }
    }
}

impl DayKeeper {
    /// Destroys the secrets of dates that are over, once for each new date.
    async fn forget(&self, hall: &HallHandle, now: DateTime<Utc>) {
        let from = hall.read(|fold| needed_from(fold, now));
        if self.kept_from.lock().unwrap_or_else(PoisonError::into_inner).get(&hall.id()) == Some(&from) {
            return;
        }
        match self.halls.store().forget_day_secrets(hall.id(), from).await {
            Ok(()) => {
                self.kept_from.lock().unwrap_or_else(PoisonError::into_inner).insert(hall.id(), from);
            }
            Err(error) => {
                tracing::warn!(hall = %hall.id(), error = %error, "secrets of past days are destroyed later");
            }
        }
    }
}

/// The first date whose secret is still needed: that of the latest day, or today when that is over. A demonstration runs
/// ahead of the calendar.
fn needed_from(fold: &Fold, now: DateTime<Utc>) -> NaiveDate {
    let today = fold.hall().time_zone.local(now).date();
    fold.day().map_or(today, |day| day.date.max(today))
}

/// What is due in a hall at `now`. `first` is the first look after the service started: a demo hall is open then, whoever
/// closed it before; later a day that was closed by hand stays closed.
#[must_use]
pub fn due(fold: &Fold, now: DateTime<Utc>, first: bool) -> Option<Order> {
    let hall = fold.hall();
    let local = hall.time_zone.local(now);
    let (today, time) = (local.date(), local.time());
    let open = fold.day().is_some_and(Day::is_open);
    let stale = fold.day().is_none_or(|day| day.date < today);
    match hall.calendar {
        Calendar::Demo => ((first && !open) || (open && stale)).then_some(Order::OpenDay),
        Calendar::Regular => {
            let opens = hall.day_opens_at.is_some_and(|opens| opens <= time);
            let closed = hall.day_closes_at.is_some_and(|closes| closes <= time);
            // Whoever opened it again after that hour closes it by hand.
            let reopened = fold.day().and_then(|day| day.reopened_at).is_some_and(|at| {
                hall.day_closes_at.is_some_and(|closes| closes <= hall.time_zone.local(at).time())
            });
            // Nobody is sent away from a counter.
            let serving = fold.counters().any(|counter| counter.current.is_some());
            let holiday = hall.holidays.iter().any(|holiday| holiday.date == today);
            if stale && opens && !closed && !holiday {
                return Some(Order::OpenDay);
            }
            let over = hall.day_closes_at.is_some() && (stale || (closed && !reopened && !serving));
            (open && over).then_some(Order::CloseDay { date: None })
        }
    }
}

fn system(order: Order) -> Command {
    Command {
        actor: Actor { id: "system".to_owned(), kind: ActorKind::System },
        reach: Reach::everything(),
        many_desks: true,
        // Several instances keep the same days: the second one finds the day as it wants it, and nothing happens.
        request: None,
        order,
    }
}
