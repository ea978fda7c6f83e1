//! Rows to domain and back. The body of an event is its JSON, byte for byte as it was chained.

use std::sync::Arc;

use anyhow::Context as _;
use sea_orm::ActiveValue::Set;

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

pub(super) fn event(
    hall: HallId,
    epoch: i64,
    date: &str,
    entry: &Entry,
) -> Result<event::ActiveModel, Error> {
    let event = &entry.event;
    Ok(event::ActiveModel {
        hall: Set(hall.to_string()),
        seq: Set(position(entry.seq)?),
        epoch: Set(epoch),
        event_id: Set(event.id.to_string()),
        request_id: Set(event.request.as_ref().map(|request| request.key.clone())),
        date: Set(date.to_owned()),
        kind: Set(event.kind.to_string()),
        ticket_id: Set(event.ticket.as_ref().map(|ticket| ticket.id.to_string())),
        ticket_version: Set(event.ticket.as_ref().map(version).transpose()?),
        counter_id: Set(event.counter.map(|counter| counter.to_string())),
        actor: Set(event.actor.id.clone()),
        actor_kind: Set(event.actor.kind.to_string()),
        at: Set(event.at),
        chain: Set(entry.chain.clone()),
        body: Set(entry.body.as_ref().to_owned()),
    })
}

pub(super) fn ticket_row(ticket: &Ticket) -> Result<ticket::ActiveModel, Error> {
    Ok(ticket::ActiveModel {
        id: Set(ticket.id.to_string()),
        hall: Set(ticket.hall.to_string()),
        date: Set(ticket.date.to_string()),
        series: Set(ticket.series.clone()),
        ordinal: Set(i32::try_from(ticket.ordinal).context("an ordinal fits").map_err(Error::Internal)?),
        number: Set(ticket.number.clone()),
        token: Set(ticket.token.clone()),
        version: Set(version(ticket)?),
        state: Set(ticket.state.to_string()),
        service_id: Set(ticket.service.to_string()),
        agency_id: Set(ticket.agency.to_string()),
        counter_id: Set(ticket.counter.map(|counter| counter.to_string())),
        arrived_at: Set(ticket.arrived_at),
        body: Set(serde_json::to_string(ticket).context("a ticket serializes").map_err(Error::Internal)?),
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
