//! Opening and closing a counter, and its breaks: RPCs that differ only in what they ask of the rules.

use std::mem::take;

use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_proto::queue::v1 as proto;
use prost::Message;

use super::access::{self, part, permission};
use super::{convert, input};
use crate::domain::CounterId;
use crate::domain::decide::Order;
use crate::domain::event::RequestKey;
use crate::error::Error;
use crate::hall::Halls;

pub(super) async fn open(
    halls: &Halls,
    caller: &Caller,
    mut request: proto::OpenCounterRequest,
) -> Result<proto::OpenCounterResponse, Error> {
    let request_id = take(&mut request.request_id);
    let mut asked = Asked::read(caller, "OpenCounter", &request_id, &request.counter, &request);
    let services = input::ids(&mut asked.check, "serviceIds", &request.service_ids);
    let switch_desk = request.switch_desk;
    let counter =
        asked.ordered(halls, |counter| Order::OpenCounter { counter, services, switch_desk }).await?;
    Ok(proto::OpenCounterResponse { counter: Some(counter) })
}

pub(super) async fn pause(
    halls: &Halls,
    caller: &Caller,
    mut request: proto::PauseCounterRequest,
) -> Result<proto::PauseCounterResponse, Error> {
    let request_id = take(&mut request.request_id);
    let mut asked = Asked::read(caller, "PauseCounter", &request_id, &request.counter, &request);
    let reason = asked.check.text("reason", &request.reason, 1, 80);
    let counter = asked.ordered(halls, |counter| Order::PauseCounter { counter, reason }).await?;
    Ok(proto::PauseCounterResponse { counter: Some(counter) })
}

pub(super) async fn resume(
    halls: &Halls,
    caller: &Caller,
    mut request: proto::ResumeCounterRequest,
) -> Result<proto::ResumeCounterResponse, Error> {
    let request_id = take(&mut request.request_id);
    let asked = Asked::read(caller, "ResumeCounter", &request_id, &request.counter, &request);
    let counter = asked.ordered(halls, |counter| Order::ResumeCounter { counter }).await?;
    Ok(proto::ResumeCounterResponse { counter: Some(counter) })
}

pub(super) async fn close(
    halls: &Halls,
    caller: &Caller,
    mut request: proto::CloseCounterRequest,
) -> Result<proto::CloseCounterResponse, Error> {
    let request_id = take(&mut request.request_id);
    let mut asked = Asked::read(caller, "CloseCounter", &request_id, &request.counter, &request);
    let reason = asked.check.text("reason", &request.reason, 0, 80);
    let counter = asked.ordered(halls, |counter| Order::CloseCounter { counter, reason }).await?;
    Ok(proto::CloseCounterResponse { counter: Some(counter) })
}

/// What these requests have in common.
struct Asked<'c> {
    caller: &'c Caller,
    check: Checker,
    key: Option<RequestKey>,
    counter: Option<CounterId>,
}

impl<'c> Asked<'c> {
    fn read(caller: &'c Caller, method: &str, request_id: &str, counter: &str, body: &impl Message) -> Self {
        let mut check = Checker::new();
        let key = input::request_key(&mut check, caller, method, request_id, body);
        let counter = check.id("counter", counter);
        Self { caller, check, key, counter }
    }

    /// Gives the order, and answers the counter as it is after it.
    async fn ordered(
        self,
        halls: &Halls,
        order: impl FnOnce(CounterId) -> Order,
    ) -> Result<proto::Counter, Error> {
        let id = input::parsed(self.check, self.counter)?;
        let hall = halls.of_counter(id)?;
        let answer = access::submit(&hall, self.caller, permission::CALL, self.key, order(id)).await?;
        let counter = part(answer.counter, "counter")?;
        let staff = access::staff_shown(self.caller, &hall.plan());
        Ok(hall.read(|fold| {
            let plan = fold.plan(id);
            let with_staff = plan.is_some_and(|plan| staff.agency(plan.agency));
            convert::counter(fold.hall(), plan, &counter, with_staff)
        }))
    }
}
