//! Numbers: waits as tickets report them, and statistics as the suite reports them, against the recomputation.

use std::collections::{BTreeMap, BTreeSet};

use mpp_proto::queue::v1::{Event, Leg, Statistics, StatisticsRow, Ticket};

use super::Check;
use super::recompute::{LegRecord, Recomputed};

/// Every ticket, as its last event shows it, has the legs that its events add up to.
pub(super) fn waits_as_reported(recomputed: &Recomputed, events: &[Event]) -> Check {
    let mut check = Check::new("waits, ways and service times are as tickets report them");
    let mut last: BTreeMap<&str, &Ticket> = BTreeMap::new();
    for ticket in events.iter().filter_map(|event| event.ticket.as_ref()) {
        last.insert(&ticket.id, ticket);
    }
    for (id, ticket) in last {
        let Some(record) = recomputed.tickets.get(id) else {
            check.differs(format!("ticket {} was never issued", ticket.number));
            continue;
        };
        check.expect(ticket.legs.len() == record.legs.len(), || {
            format!(
                "ticket {} has {} legs, its events make {}",
                ticket.number,
                ticket.legs.len(),
                record.legs.len()
            )
        });
        for (nth, (reported, computed)) in ticket.legs.iter().zip(&record.legs).enumerate() {
            let differing = leg_differences(reported, computed);
            check.expect(differing.is_empty(), || {
                format!(
                    "ticket {} leg {}: {} not as its events say",
                    ticket.number,
                    nth + 1,
                    differing.join(", ")
                )
            });
        }
        let first = record.legs.first().map(|leg| leg.queued);
        check.expect(ticket.arrival_time == first, || {
            format!("ticket {} reports another arrival than its issue", ticket.number)
        });
    }
    check
}

fn leg_differences(reported: &Leg, computed: &LegRecord) -> Vec<&'static str> {
    [
        ("service", reported.service_id == computed.service),
        ("agency", reported.agency_id == computed.agency),
        ("queue time", reported.queue_time == Some(computed.queued)),
        ("call time", reported.call_time == computed.called),
        ("start time", reported.start_time == computed.started),
        ("end time", reported.end_time == computed.ended),
        ("counter", reported.counter_id == computed.counter),
        ("outcome", reported.outcome() == computed.outcome),
        ("calls", reported.calls == computed.calls),
    ]
    .into_iter()
    .filter_map(|(field, same)| (!same).then_some(field))
    .collect()
}

/// In each row the legs that ended and those that did not add up to the legs that began, and the rows of each table
/// add up to the total.
pub(super) fn legs_add_up(statistics: &Statistics) -> Check {
    let mut check =
        Check::new("issued = served + no-show + cancelled + transferred + expired + open, and rows add up");
    let total = statistics.total.clone().unwrap_or_default();
    for (table, rows) in tables(statistics) {
        for row in rows {
            let ended = row.served + row.no_show + row.cancelled + row.transferred + row.expired;
            check.expect(row.issued == ended + row.open, || {
                format!("{table} {}: {} issued, {} ended, {} open", row.key, row.issued, ended, row.open)
            });
        }
        if table != "counter" {
            let sum: i32 = rows.iter().map(|row| row.issued).sum();
            check.expect(sum == total.issued, || {
                format!("{table}: rows add up to {sum}, the total is {}", total.issued)
            });
        }
    }
    check
}

/// The statistics that the suite reports equal the recomputed ones, field by field.
pub(super) fn statistics_equal(computed: &Statistics, reported: &Statistics) -> Check {
    let mut check = Check::new("statistics equal the recomputation, field by field");
    check.expect(computed.date == reported.date || computed.date.is_empty(), || {
        format!("the statistics are of {}, the events of {}", reported.date, computed.date)
    });
    for ((table, computed), (_, reported)) in tables(computed).into_iter().zip(tables(reported)) {
        let by_key = |rows: &[StatisticsRow]| -> BTreeMap<String, StatisticsRow> {
            // The total is one row, whatever it is called.
            let key = |row: &StatisticsRow| if table == "total" { String::new() } else { row.key.clone() };
            rows.iter().map(|row| (key(row), row.clone())).collect()
        };
        check
            .expect(by_key(reported).len() == reported.len(), || format!("{table}: a key is reported twice"));
        let (computed, reported) = (by_key(computed), by_key(reported));
        let keys: BTreeSet<&String> = computed.keys().chain(reported.keys()).collect();
        for key in keys {
            // A row that is not there says that nothing happened.
            let nothing = StatisticsRow { key: key.clone(), ..StatisticsRow::default() };
            let (computed, reported) =
                (computed.get(key).unwrap_or(&nothing), reported.get(key).unwrap_or(&nothing));
            for ((field, computed), (_, reported)) in fields(computed).into_iter().zip(fields(reported)) {
                check.expect(computed == reported, || {
                    format!("{table} {key}: {field} is {reported} by the suite, {computed} by the events")
                });
            }
        }
    }
    check
}

fn tables(statistics: &Statistics) -> [(&'static str, &[StatisticsRow]); 5] {
    [
        ("total", statistics.total.as_slice()),
        ("service", &statistics.services),
        ("agency", &statistics.agencies),
        ("counter", &statistics.counters),
        ("hour", &statistics.hours),
    ]
}

fn fields(row: &StatisticsRow) -> [(&'static str, i32); 17] {
    [
        ("issued", row.issued),
        ("served", row.served),
        ("no_show", row.no_show),
        ("cancelled", row.cancelled),
        ("transferred", row.transferred),
        ("expired", row.expired),
        ("open", row.open),
        ("wait_p50_seconds", row.wait_p50_seconds),
        ("wait_p90_seconds", row.wait_p90_seconds),
        ("way_p50_seconds", row.way_p50_seconds),
        ("service_p50_seconds", row.service_p50_seconds),
        ("service_p90_seconds", row.service_p90_seconds),
        ("persons", row.persons),
        ("calls", row.calls),
        ("tickets", row.tickets),
        ("received", row.received),
        ("restored", row.restored),
    ]
}
