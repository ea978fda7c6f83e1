//! The verbs of a ticket that was called: RPCs that differ only in what they ask of the rules.

use std::mem::take;

use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_proto::queue::v1 as proto;
use prost::Message;

use super::access::{self, part, permission};
use super::{convert, input};
use crate::domain::TicketId;
use crate::domain::decide::{Act, Order, REASON_LEAST};
use crate::domain::event::RequestKey;
use crate::domain::ticket::Delivered;
use crate::error::Error;
use crate::hall::Halls;

/// Lines of a list of delivered services, and how often one of them, at most.
const DELIVERED: usize = 50;
const QUANTITY: i32 = 1000;
/// Characters of a reason, at most.
const REASON: usize = 200;

pub(super) async fn recall(
    halls: &Halls,
    caller: &Caller,
    mut request: proto::RecallTicketRequest,
) -> Result<proto::RecallTicketResponse, Error> {
    let request_id = take(&mut request.request_id);
    let mut asked =
        Asked::read(caller, "RecallTicket", &request_id, &request.ticket, request.version, &request);
    asked.because(&request.reason, 0);
    let ticket = asked.acted(halls, permission::CALL, Some(Act::Recall)).await?;
    Ok(proto::RecallTicketResponse { ticket: Some(ticket) })
}

pub(super) async fn start(
    halls: &Halls,
    caller: &Caller,
    mut request: proto::StartTicketRequest,
) -> Result<proto::StartTicketResponse, Error> {
    let request_id = take(&mut request.request_id);
    let mut asked =
        Asked::read(caller, "StartTicket", &request_id, &request.ticket, request.version, &request);
    asked.because(&request.reason, 0);
    let ticket = asked.acted(halls, permission::CALL, Some(Act::Start)).await?;
    Ok(proto::StartTicketResponse { ticket: Some(ticket) })
}

pub(super) async fn finish(
    halls: &Halls,
    caller: &Caller,
    mut request: proto::FinishTicketRequest,
) -> Result<proto::FinishTicketResponse, Error> {
    let request_id = take(&mut request.request_id);
    let mut asked =
        Asked::read(caller, "FinishTicket", &request_id, &request.ticket, request.version, &request);
    asked.because(&request.reason, 0);
    let outcome =
        input::enumeration(&mut asked.check, "outcome", request.outcome).map(convert::asked_outcome);
    let delivered = read_delivered(&mut asked.check, &request.delivered);
    let ticket = asked
        .acted(halls, permission::CALL, outcome.map(|outcome| Act::Finish { outcome, delivered }))
        .await?;
    Ok(proto::FinishTicketResponse { ticket: Some(ticket) })
}

pub(super) async fn no_show(
    halls: &Halls,
    caller: &Caller,
    mut request: proto::NoShowTicketRequest,
) -> Result<proto::NoShowTicketResponse, Error> {
    let request_id = take(&mut request.request_id);
    let mut asked =
        Asked::read(caller, "NoShowTicket", &request_id, &request.ticket, request.version, &request);
    asked.because(&request.reason, 0);
    let ticket = asked.acted(halls, permission::CALL, Some(Act::NoShow)).await?;
    Ok(proto::NoShowTicketResponse { ticket: Some(ticket) })
}

pub(super) async fn restore(
    halls: &Halls,
    caller: &Caller,
    mut request: proto::RestoreTicketRequest,
) -> Result<proto::RestoreTicketResponse, Error> {
    let request_id = take(&mut request.request_id);
    let mut asked =
        Asked::read(caller, "RestoreTicket", &request_id, &request.ticket, request.version, &request);
    asked.because(&request.reason, REASON_LEAST);
    let ticket = asked.acted(halls, permission::RESTORE, Some(Act::Restore)).await?;
    Ok(proto::RestoreTicketResponse { ticket: Some(ticket) })
}

pub(super) async fn park(
    halls: &Halls,
    caller: &Caller,
    mut request: proto::ParkTicketRequest,
) -> Result<proto::ParkTicketResponse, Error> {
    let request_id = take(&mut request.request_id);
    let mut asked =
        Asked::read(caller, "ParkTicket", &request_id, &request.ticket, request.version, &request);
    let note = asked.check.text("note", &request.note, 0, 200);
    asked.because(&request.reason, 0);
    let ticket = asked.acted(halls, permission::CALL, Some(Act::Park { note })).await?;
    Ok(proto::ParkTicketResponse { ticket: Some(ticket) })
}

pub(super) async fn resume(
    halls: &Halls,
    caller: &Caller,
    mut request: proto::ResumeTicketRequest,
) -> Result<proto::ResumeTicketResponse, Error> {
    let request_id = take(&mut request.request_id);
    let mut asked =
        Asked::read(caller, "ResumeTicket", &request_id, &request.ticket, request.version, &request);
    let counter = asked.check.optional_id("counterId", &request.counter_id);
    let ticket = asked.acted(halls, permission::CALL, Some(Act::Resume { counter })).await?;
    Ok(proto::ResumeTicketResponse { ticket: Some(ticket) })
}

pub(super) async fn transfer(
    halls: &Halls,
    caller: &Caller,
    mut request: proto::TransferTicketRequest,
) -> Result<proto::TransferTicketResponse, Error> {
    let request_id = take(&mut request.request_id);
    let mut asked =
        Asked::read(caller, "TransferTicket", &request_id, &request.ticket, request.version, &request);
    let service = asked.check.id("serviceId", &request.service_id);
    let note = asked.check.text("note", &request.note, 0, 200);
    asked.because(&request.reason, 0);
    let ticket =
        asked.acted(halls, permission::CALL, service.map(|service| Act::Transfer { service, note })).await?;
    Ok(proto::TransferTicketResponse { ticket: Some(ticket) })
}

pub(super) async fn cancel(
    halls: &Halls,
    caller: &Caller,
    mut request: proto::CancelTicketRequest,
) -> Result<proto::CancelTicketResponse, Error> {
    let request_id = take(&mut request.request_id);
    let mut asked =
        Asked::read(caller, "CancelTicket", &request_id, &request.ticket, request.version, &request);
    asked.because(&request.reason, 0);
    let ticket = asked.acted(halls, permission::CANCEL, Some(Act::Cancel)).await?;
    Ok(proto::CancelTicketResponse { ticket: Some(ticket) })
}

pub(super) async fn void(
    halls: &Halls,
    caller: &Caller,
    mut request: proto::VoidTicketRequest,
) -> Result<proto::VoidTicketResponse, Error> {
    let request_id = take(&mut request.request_id);
    let mut asked = Asked::read(caller, "VoidTicket", &request_id, &request.ticket, 0, &request);
    let reason = input::enumeration(&mut asked.check, "voidReason", request.void_reason)
        .map(convert::asked_void_reason);
    if reason == Some(None) {
        asked.check.violation("voidReason", "REQUIRED", "pilih alasannya", "choose the reason");
    }
    let act = reason.flatten().map(|reason| Act::Void { reason });
    let ticket = asked.acted(halls, permission::ISSUE, act).await?;
    Ok(proto::VoidTicketResponse { ticket: Some(ticket) })
}

pub(super) async fn undo_call(
    halls: &Halls,
    caller: &Caller,
    mut request: proto::UndoCallRequest,
) -> Result<proto::UndoCallResponse, Error> {
    let request_id = take(&mut request.request_id);
    let mut asked = Asked::read(caller, "UndoCall", &request_id, &request.ticket, request.version, &request);
    asked.because(&request.reason, 0);
    let ticket = asked.acted(halls, permission::CALL, Some(Act::UndoCall)).await?;
    Ok(proto::UndoCallResponse { ticket: Some(ticket) })
}

pub(super) async fn release(
    halls: &Halls,
    caller: &Caller,
    mut request: proto::ReleaseTicketRequest,
) -> Result<proto::ReleaseTicketResponse, Error> {
    let request_id = take(&mut request.request_id);
    let mut asked =
        Asked::read(caller, "ReleaseTicket", &request_id, &request.ticket, request.version, &request);
    asked.because(&request.reason, REASON_LEAST);
    let ticket = asked.acted(halls, permission::SUPERVISE, Some(Act::Release)).await?;
    Ok(proto::ReleaseTicketResponse { ticket: Some(ticket) })
}

/// What these requests have in common.
struct Asked<'c> {
    caller: &'c Caller,
    check: Checker,
    key: Option<RequestKey>,
    ticket: Option<TicketId>,
    version: Option<u32>,
    reason: String,
}

impl<'c> Asked<'c> {
    fn read(
        caller: &'c Caller,
        method: &str,
        request_id: &str,
        ticket: &str,
        version: u32,
        body: &impl Message,
    ) -> Self {
        let mut check = Checker::new();
        let key = input::request_key(&mut check, caller, method, request_id, body);
        let ticket = check.id("ticket", ticket);
        Self { caller, check, key, ticket, version: input::version(version), reason: String::new() }
    }

    /// Why it is done; at least this many characters. Whoever does not work at the counter that holds the ticket needs one in
    /// any case: that is for the rules to say.
    fn because(&mut self, reason: &str, least: usize) {
        self.reason = self.check.text("reason", reason, least, REASON);
    }

    /// Asks it of the rules, and answers the ticket as it is after it. No act means that a violation was noted.
    async fn acted(self, halls: &Halls, permission: &str, act: Option<Act>) -> Result<proto::Ticket, Error> {
        let (ticket, act) = input::parsed(self.check, self.ticket.zip(act))?;
        let hall = halls.issuer_of(ticket).await?;
        let order = Order::Ticket { ticket, version: self.version, act, reason: self.reason };
        let answer = access::submit(&hall, self.caller, permission, self.key, order).await?;
        let ticket = part(answer.ticket, "ticket")?;
        Ok(convert::ticket(&ticket, halls.clock().now(), true))
    }
}

fn read_delivered(check: &mut Checker, lines: &[proto::DeliveredService]) -> Vec<Delivered> {
    if lines.len() > DELIVERED {
        check.violation(
            "delivered",
            "TOO_MANY",
            format!("kurangi sampai paling banyak {DELIVERED}"),
            format!("give at most {DELIVERED}"),
        );
    }
    let mut delivered = Vec::new();
    for (at, line) in lines.iter().take(DELIVERED).enumerate() {
        let service = check.id(&format!("delivered[{at}].serviceId"), &line.service_id);
        let quantity =
            check.range(&format!("delivered[{at}].quantity"), line.quantity, 1, QUANTITY).unsigned_abs();
        delivered.extend(service.map(|service| Delivered { service, quantity }));
    }
    delivered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delivered_services_are_named_and_counted() {
        let service = crate::domain::ServiceId::generate();
        let line = |id: &str, quantity| proto::DeliveredService { service_id: id.to_owned(), quantity };
        let mut check = Checker::new();
        let delivered = read_delivered(&mut check, &[line(&service.to_string(), 3)]);
        assert_eq!(delivered, [Delivered { service, quantity: 3 }]);
        assert!(check.is_clean());
        read_delivered(&mut check, &[line("svc_1", 1), line(&service.to_string(), 0)]);
        let fields: Vec<String> =
            check.finish().unwrap_err().violations.into_iter().map(|one| one.field).collect();
        assert_eq!(fields, ["delivered[0].serviceId", "delivered[1].quantity"]);
    }
}
