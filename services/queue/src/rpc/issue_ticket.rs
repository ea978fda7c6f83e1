//! Issues a ticket for one service.

use std::mem::take;

use mpp_kit::caller::{Caller, CallerKind};
use mpp_kit::check::Checker;
use mpp_kit::id::{Uuid, encode};
use mpp_proto::queue::v1 as proto;

use super::access::{self, part, permission};
use super::{convert, input, phone};
use crate::domain::decide::{NewTicket, Order};
use crate::domain::event::RequestKey;
use crate::domain::fold::Answer;
use crate::domain::rejection::Rejection;
use crate::domain::ticket::{Assistance, Channel, Priority};
use crate::domain::{HallId, ServiceId, TicketId};
use crate::error::Error;
use crate::hall::{HallHandle, Halls};

/// Persons in a group at most.
const PARTY: i32 = 50;

pub(super) async fn handle(
    halls: &Halls,
    caller: &Caller,
    mut request: proto::IssueTicketRequest,
) -> Result<proto::IssueTicketResponse, Error> {
    let (request_id, phone) = (take(&mut request.request_id), take(&mut request.phone));
    let mut check = Checker::new();
    let key = input::request_key(&mut check, caller, "IssueTicket", &request_id, &request);
    let hall: Option<HallId> = check.id("hall", &request.hall);
    let wish =
        Wish::read(&mut check, caller, &request.service_id, request.priority, &request.assistance, &phone);
    let party = check.range("partySize", request.party_size, 0, PARTY).max(1);
    let channel = read_channel(&mut check, caller, request.channel);
    let appointment = input::moment(&mut check, "appointmentTime", request.appointment_time);
    let ((hall, wish), channel) = input::parsed(check, hall.zip(wish).zip(channel))?;
    let hall = halls.hall(hall).await?;
    let now = halls.clock().now();
    hall.read(|fold| input::on_business_date("appointmentTime", appointment, fold, now))?;
    let new = NewTicket {
        party_size: party.unsigned_abs(),
        appointment,
        ..wish.ticket(halls, &hall, channel).await?
    };
    let answer = issue(&hall, caller, key, new).await?;
    let (ticket, people_ahead, estimate) = issued(halls, &hall, answer)?;
    Ok(proto::IssueTicketResponse { ticket: Some(ticket), people_ahead, estimate })
}

/// Issues it, or answers what the same request was answered before. A machine that was restarted in the middle of a press
/// knows the key of it, and no longer the telephone number: without one, the request is that of the first answer's person.
async fn issue(
    hall: &HallHandle,
    caller: &Caller,
    key: Option<RequestKey>,
    new: NewTicket,
) -> Result<Answer, Error> {
    let order = Order::Issue(Box::new(new.clone()));
    let bound = input::of_person(key.clone(), new.person.as_deref());
    let answer = access::submit(hall, caller, permission::ISSUE, bound, order).await;
    let (Err(Error::Rejected(Rejection::RequestIdReused)), Some(key), None) = (&answer, key, &new.person)
    else {
        return answer;
    };
    // The refusal was decided on what is durable, so the first answer can be read.
    let person = hall.read(|fold| fold.replay(&key.key)?.answer.ticket.as_ref()?.person.clone());
    let bound = input::of_person(Some(key), person.as_deref());
    access::submit(hall, caller, permission::ISSUE, bound, Order::Issue(Box::new(new))).await
}

/// What a visitor asks for.
pub(super) struct Wish {
    service: ServiceId,
    priority: Option<Priority>,
    assistance: Vec<Assistance>,
    phone: Option<String>,
}

impl Wish {
    /// Reads a wish. `None` means that a violation was noted.
    pub(super) fn read(
        check: &mut Checker,
        caller: &Caller,
        service: &str,
        priority: i32,
        assistance: &[i32],
        phone: &str,
    ) -> Option<Self> {
        let service = check.id("serviceId", service);
        let priority = input::enumeration(check, "priority", priority).map(convert::asked_priority);
        if priority == Some(Some(Priority::Internal)) && !is_at_work(caller) {
            check.violation(
                "priority",
                "FOR_STAFF",
                "pilih prioritas pengunjung",
                "choose a priority of visitors",
            );
        }
        let assistance = read_assistance(check, assistance);
        let phone = phone::read(check, "phone", phone);
        Some(Self { service: service?, priority: priority?, assistance, phone })
    }

    /// The ticket to issue for it, for one person without an appointment. Of the phone number only a digest goes on.
    ///
    /// # Errors
    /// A phone that takes tickets for itself must say whose it is.
    pub(super) async fn ticket(
        self,
        halls: &Halls,
        hall: &HallHandle,
        channel: Channel,
    ) -> Result<NewTicket, Error> {
        if channel == Channel::Onsite && self.phone.is_none() {
            return Err(Rejection::PhoneRequired.into());
        }
        // Without a day nothing is issued, whatever the digest.
        let date = hall.read(|fold| fold.day().map(|day| day.date));
        let person = match self.phone.zip(date) {
            Some((number, date)) => {
                let secret = halls.store().day_secret(hall.id(), date).await?;
                Some(phone::digest(&secret, date, &number))
            }
            None => None,
        };
        Ok(NewTicket {
            id: TicketId::generate(),
            token: encode(Uuid::from_u128(rand::random())),
            service: self.service,
            priority: self.priority,
            assistance: self.assistance,
            channel,
            party_size: 1,
            appointment: None,
            person,
        })
    }
}

/// The issued ticket with its token, how many are before it, and when it may be called.
pub(super) fn issued(
    halls: &Halls,
    hall: &HallHandle,
    answer: Answer,
) -> Result<(proto::Ticket, i32, Option<proto::Estimate>), Error> {
    let (ticket, now) = (part(answer.ticket, "ticket")?, halls.clock().now());
    let shown = proto::Ticket { token: ticket.token.clone(), ..convert::ticket(&ticket, now, true) };
    let (ahead, estimate) =
        hall.read(|fold| convert::place_in_line(fold, fold.ticket(ticket.id).unwrap_or(&ticket), now));
    Ok((shown, ahead, estimate))
}

/// Whether somebody of the hall asks, and no machine and no visitor.
fn is_at_work(caller: &Caller) -> bool {
    match caller.kind {
        CallerKind::Staff | CallerKind::System => true,
        CallerKind::Device | CallerKind::Anonymous => false,
    }
}

/// By which way the ticket is asked for. What a machine gives is given at a kiosk: limits per person hang on it, so it is not
/// left to what the request says. `None` means that a violation was noted.
fn read_channel(check: &mut Checker, caller: &Caller, channel: i32) -> Option<Channel> {
    let channel = input::enumeration(check, "channel", channel)?;
    if is_at_work(caller) {
        return Some(convert::asked_channel(channel));
    }
    if !matches!(channel, proto::Channel::Unspecified | proto::Channel::Kiosk) {
        check.violation(
            "channel",
            "OF_ANOTHER",
            "isi CHANNEL_KIOSK atau kosongkan",
            "give CHANNEL_KIOSK, or nothing",
        );
    }
    Some(Channel::Kiosk)
}

/// Each kind of help once.
fn read_assistance(check: &mut Checker, values: &[i32]) -> Vec<Assistance> {
    let mut assistance = Vec::new();
    for (at, value) in values.iter().enumerate() {
        let field = format!("assistance[{at}]");
        match input::enumeration(check, &field, *value).map(convert::asked_assistance) {
            Some(Some(kind)) if !assistance.contains(&kind) => assistance.push(kind),
            Some(Some(_)) | None => {}
            Some(None) => {
                check.violation(field, "REQUIRED", "pilih jenis bantuan", "choose the kind of help")
            }
        }
    }
    assistance
}

#[cfg(test)]
mod tests {
    use mpp_kit::fault::Language;

    use super::*;

    #[test]
    fn a_wish_names_everything_that_is_wrong_with_it() {
        let mut check = Checker::new();
        assert!(
            Wish::read(&mut check, &Caller::anonymous(Language::Id), "svc_x", 99, &[1, 0, 77], "12")
                .is_none()
        );
        let fields: Vec<String> =
            check.finish().unwrap_err().violations.into_iter().map(|one| one.field).collect();
        assert_eq!(fields, ["serviceId", "priority", "assistance[1]", "assistance[2]", "phone"]);
    }

    #[test]
    fn help_is_noted_once() {
        let mut check = Checker::new();
        assert_eq!(
            read_assistance(&mut check, &[2, 1, 2]),
            [Assistance::SignLanguage, Assistance::Wheelchair]
        );
        assert!(check.is_clean());
    }
}
