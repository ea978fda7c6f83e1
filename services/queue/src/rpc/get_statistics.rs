//! Statistics of one business day, within what the caller may see.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::NaiveDate;
use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_proto::queue::v1 as proto;

use super::access::{self, permission};
use super::{convert, input};
use crate::domain::HallId;
use crate::domain::statistics::{Row, Statistics};
use crate::domain::ticket::Ticket;
use crate::error::Error;
use crate::hall::{HallHandle, Halls};

pub(super) async fn handle(
    halls: &Halls,
    caller: &Caller,
    request: proto::GetStatisticsRequest,
) -> Result<proto::GetStatisticsResponse, Error> {
    let mut check = Checker::new();
    let id: Option<HallId> = check.id("hall", &request.hall);
    let date = input::optional_date(&mut check, "date", &request.date);
    let id = input::parsed(check, id)?;
    let hall = halls.hall(id).await?;
    let reach = access::reach(caller, permission::STATISTICS, &hall.plan())?;
    let (date, tickets) = tickets(halls, &hall, date).await?;
    let zone = hall.read(|fold| fold.hall().time_zone);
    let statistics = Statistics::of(tickets.iter().map(Arc::as_ref), zone, |agency| reach.agency(agency));
    let date = date.map(|date| date.to_string()).unwrap_or_default();
    Ok(proto::GetStatisticsResponse { statistics: Some(shown(date, &statistics)) })
}

/// The date, which is the latest if none was asked for, and its tickets.
async fn tickets(
    halls: &Halls,
    hall: &HallHandle,
    date: Option<NaiveDate>,
) -> Result<(Option<NaiveDate>, Vec<Arc<Ticket>>), Error> {
    let live = hall.read(|fold| {
        let latest = fold.day().map(|day| day.date)?;
        date.is_none_or(|date| date == latest).then(|| (Some(latest), fold.tickets().cloned().collect()))
    });
    if let Some(live) = live {
        return Ok(live);
    }
    let Some(date) = (match date {
        Some(date) => Some(date),
        None => halls.store().latest_date(hall.id()).await?,
    }) else {
        return Ok((None, Vec::new()));
    };
    let tickets = halls.store().tickets(hall.id(), date).await?;
    Ok((Some(date), tickets.into_iter().map(Arc::new).collect()))
}

fn shown(date: String, statistics: &Statistics) -> proto::Statistics {
    let rows = |rows: &BTreeMap<String, Row>| rows.iter().map(|(key, row)| convert::row(key, row)).collect();
    proto::Statistics {
        date,
        total: Some(convert::row("", &statistics.total)),
        services: rows(&statistics.services),
        agencies: rows(&statistics.agencies),
        counters: rows(&statistics.counters),
        hours: rows(&statistics.hours),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::decide::Act;
    use crate::domain::ticket::Outcome;
    use crate::rpc::samples::Hall;

    #[test]
    fn rows_are_keyed_by_id_and_local_hour() {
        let mut hall = Hall::open();
        let id = hall.walk_in(0);
        hall.opened(0);
        hall.after(120).called(0);
        hall.after(30);
        hall.acted(id, Act::Start);
        hall.after(300);
        hall.acted(id, Act::Finish { outcome: Outcome::Done, delivered: Vec::new() });
        let zone = hall.fold.hall().time_zone;
        let statistics = Statistics::of(hall.fold.tickets().map(Arc::as_ref), zone, |_| true);
        let shown = shown("2026-03-02".to_owned(), &statistics);
        let total = shown.total.unwrap();
        assert_eq!((total.issued, total.served, total.calls, total.persons), (1, 1, 1, 1));
        assert_eq!(
            (total.wait_p50_seconds, total.way_p50_seconds, total.service_p90_seconds),
            (120, 30, 300)
        );
        assert_eq!(shown.hours[0].key, "09");
        assert_eq!(shown.counters[0].key, hall.counter(0).to_string());
        assert_eq!(shown.services[0].key, hall.service(0).to_string());
    }
}
