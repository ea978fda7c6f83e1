//! Rows to domain and back. The body of an event is its JSON, byte for byte as it was chained.

use std::sync::Arc;

use anyhow::Context as _;

use super::entity::{event, hall, shard, ticket};
use super::{Registration, Shard};
use crate::domain::HallId;
use crate::domain::ticket::Ticket;
use crate::error::Error;
use crate::hall::log::{Entry, Line};

pub(super) const ACTIVE: &str = "active";
pub(super) const REBUILDING: &str = "rebuilding";

/// A position as SQL holds it.
pub(super) fn position(seq: u64) -> Result<i64, Error> {
    i64::try_from(seq).context("a position fits 63 bits").map_err(Error::Internal)
}

fn unsigned(seq: i64) -> Result<u64, Error> {
    u64::try_from(seq).context("a stored position is not negative").map_err(Error::Internal)
}

pub(super) fn registration(row: hall::Model) -> Result<Registration, Error> {
    let id = row.id.parse().context("a stored hall id parses").map_err(Error::Internal)?;
    Ok(Registration { id, secret: row.secret })
}

pub(super) fn shard(row: shard::Model) -> Result<Shard, Error> {
    Ok(Shard {
        epoch: row.epoch,
        active: row.state == ACTIVE,
        run_id: row.redis_run_id,
        seq: unsigned(row.seq)?,
        chain: row.chain,
    })
}

pub(super) fn entry(row: event::Model) -> Result<Entry, Error> {
    let event = serde_json::from_str(&row.body)
        .map(Arc::new)
        .with_context(|| format!("event {} of {} cannot be read", row.seq, row.hall))
        .map_err(Error::Internal)?;
    Ok(Entry { seq: unsigned(row.seq)?, event, body: row.body.into(), chain: row.chain })
}

pub(super) fn line(row: event::Model) -> Result<Line, Error> {
    Ok(Line { seq: unsigned(row.seq)?, body: row.body, chain: row.chain })
}

pub(super) fn event(hall: HallId, epoch: i64, date: &str, entry: &Entry) -> Result<event::Model, Error> {
    let event = &entry.event;
    Ok(event::Model {
        hall: hall.to_string(),
        seq: position(entry.seq)?,
        epoch,
        event_id: event.id.to_string(),
        request_id: event.request.as_ref().map(|request| request.key.clone()),
        date: date.to_owned(),
        kind: event.kind.to_string(),
        ticket_id: event.ticket.as_ref().map(|ticket| ticket.id.to_string()),
        ticket_version: event.ticket.as_ref().map(version).transpose()?,
        counter_id: event.counter.map(|counter| counter.to_string()),
        actor: event.actor.id.clone(),
        actor_kind: event.actor.kind.to_string(),
        at: event.at,
        chain: entry.chain.clone(),
        body: entry.body.as_ref().to_owned(),
    })
}

pub(super) fn ticket_row(ticket: &Ticket) -> Result<ticket::Model, Error> {
    Ok(ticket::Model {
        id: ticket.id.to_string(),
        hall: ticket.hall.to_string(),
        date: ticket.date.to_string(),
        series: ticket.series.clone(),
        ordinal: i32::try_from(ticket.ordinal).context("an ordinal fits").map_err(Error::Internal)?,
        number: ticket.number.clone(),
        token: ticket.token.clone(),
        version: version(ticket)?,
        state: ticket.state.to_string(),
        service_id: ticket.service.to_string(),
        agency_id: ticket.agency.to_string(),
        counter_id: ticket.counter.map(|counter| counter.to_string()),
        arrived_at: ticket.arrived_at,
        body: serde_json::to_string(ticket).context("a ticket serializes").map_err(Error::Internal)?,
    })
}

pub(super) fn ticket(row: &ticket::Model) -> Result<Ticket, Error> {
    serde_json::from_str(&row.body)
        .with_context(|| format!("ticket {} cannot be read", row.id))
        .map_err(Error::Internal)
}

fn version(ticket: &Ticket) -> Result<i32, Error> {
    i32::try_from(ticket.version).context("a version fits").map_err(Error::Internal)
}
