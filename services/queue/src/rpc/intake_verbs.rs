//! Stopping the issue of tickets and taking it up again.

use std::mem::take;

use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_proto::queue::v1 as proto;
use prost::Message;

use super::access::{self, part, permission};
use super::{convert, input};
use crate::domain::decide::Order;
use crate::domain::event::{IntakeStop, RequestKey};
use crate::domain::{AgencyId, HallId, ServiceId};
use crate::error::Error;
use crate::hall::Halls;

pub(super) async fn stop(
    halls: &Halls,
    caller: &Caller,
    mut request: proto::StopIntakeRequest,
) -> Result<proto::StopIntakeResponse, Error> {
    let request_id = take(&mut request.request_id);
    let mut asked = Asked::read(caller, "StopIntake", &request_id, &request.hall, &request);
    let (agency, service) = asked.part_of_hall(&request.agency_id, &request.service_id);
    let reason = asked.check.text("reason", &request.reason, 3, 120);
    let day = asked.ordered(halls, Order::StopIntake(IntakeStop { agency, service, reason })).await?;
    Ok(proto::StopIntakeResponse { day: Some(day) })
}

pub(super) async fn resume(
    halls: &Halls,
    caller: &Caller,
    mut request: proto::ResumeIntakeRequest,
) -> Result<proto::ResumeIntakeResponse, Error> {
    let request_id = take(&mut request.request_id);
    let mut asked = Asked::read(caller, "ResumeIntake", &request_id, &request.hall, &request);
    let (agency, service) = asked.part_of_hall(&request.agency_id, &request.service_id);
    let day = asked.ordered(halls, Order::ResumeIntake { agency, service }).await?;
    Ok(proto::ResumeIntakeResponse { day: Some(day) })
}

/// What these requests have in common.
struct Asked<'c> {
    caller: &'c Caller,
    check: Checker,
    key: Option<RequestKey>,
    hall: Option<HallId>,
}

impl<'c> Asked<'c> {
    fn read(caller: &'c Caller, method: &str, request_id: &str, hall: &str, body: &impl Message) -> Self {
        let mut check = Checker::new();
        let key = input::request_key(&mut check, caller, method, request_id, body);
        let hall = check.id("hall", hall);
        Self { caller, check, key, hall }
    }

    /// A service, an agency, or neither for the whole hall. A service says its agency: naming both is naming the service,
    /// so that a stop is lifted however it was named.
    fn part_of_hall(&mut self, agency: &str, service: &str) -> (Option<AgencyId>, Option<ServiceId>) {
        let agency = self.check.optional_id("agencyId", agency);
        let service = self.check.optional_id("serviceId", service);
        (agency.filter(|_| service.is_none()), service)
    }

    /// Gives the order, and answers the day with its stops.
    async fn ordered(self, halls: &Halls, order: Order) -> Result<proto::Day, Error> {
        let hall = halls.hall(input::parsed(self.check, self.hall)?).await?;
        let answer = access::submit(&hall, self.caller, permission::SUPERVISE, self.key, order).await?;
        Ok(convert::day(&part(answer.day, "day")?, hall.id()))
    }
}
