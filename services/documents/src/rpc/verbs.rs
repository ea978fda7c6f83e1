//! The verbs of officials: each loads the application, asks the rules, saves. They differ only in what they ask.

use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_proto::documents::v1::{self as proto};
use prost::Message;
use tonic::Response;

use super::case::Asking;
use super::{Core, check_touched, convert, get_application};
use crate::domain::payment::Receipt;
use crate::domain::sla::ClockVerb;
use crate::domain::workflow::decide::{By, Order};
use crate::domain::workflow::{Collector, Reason, ReasonCode};
use crate::error::Error;

/// What every verb carries.
struct Call<'a, T> {
    method: &'static str,
    request: &'a T,
    request_id: &'a str,
    application: &'a str,
    version: u32,
}

impl Core {
    async fn verb<T: Message + Sync>(
        &self,
        caller: &Caller,
        call: Call<'_, T>,
        order: Order,
        collector: Option<String>,
    ) -> Result<proto::Application, Error> {
        let id = get_application::read_id(call.application)?;
        let answer: proto::ClaimApplicationResponse = self
            .once(caller, call.method, (call.request, call.request_id), |tx, now| async move {
                let (mut loaded, actor) = self.application_of(&*tx, caller, id).await?;
                check_touched(call.version, loaded.record.touched(), loaded.record.version)?;
                if let Some(collector) = collector {
                    loaded.record.case.collector = collector;
                }
                let asking = Asking { who: &caller.id, request_id: call.request_id };
                let loaded = self.act(&tx, loaded, (By::Official(actor.clone()), order), asking, now).await?;
                let application = self.shown(&*tx, &loaded, &actor).await?;
                // Every verb answers the same message; the one that is kept stands for all.
                Ok(proto::ClaimApplicationResponse { application: Some(application) })
            })
            .await?;
        answer.application.ok_or_else(|| anyhow::anyhow!("a kept answer holds no application").into())
    }
}

/// Writes the functions of verbs that carry nothing but the application.
macro_rules! plain_verbs {
    ($($name:ident($request:ident) -> $response:ident: $method:literal, $order:expr;)*) => {$(
        pub(super) async fn $name(
            core: &Core,
            caller: &Caller,
            request: proto::$request,
        ) -> Result<Response<proto::$response>, Error> {
            let call = Call {
                method: concat!("mpp.documents.v1.DocumentsService/", $method),
                request: &request,
                request_id: &request.request_id,
                application: &request.application,
                version: request.version,
            };
            let application = Some(core.verb(caller, call, $order, None).await?);
            Ok(Response::new(proto::$response { application }))
        }
    )*};
}

plain_verbs! {
    claim_application(ClaimApplicationRequest) -> ClaimApplicationResponse: "ClaimApplication", Order::Claim;
    release_application(ReleaseApplicationRequest) -> ReleaseApplicationResponse: "ReleaseApplication", Order::Release;
    resume_clock(ResumeClockRequest) -> ResumeClockResponse: "ResumeClock",
        Order::Clock { verb: ClockVerb::Resume, reason: String::new() };
}

/// Writes the functions of verbs that carry a reason.
macro_rules! reasoned_verbs {
    ($($name:ident($request:ident) -> $response:ident: $method:literal, $order:expr;)*) => {$(
        pub(super) async fn $name(
            core: &Core,
            caller: &Caller,
            request: proto::$request,
        ) -> Result<Response<proto::$response>, Error> {
            let mut checker = Checker::new();
            let reason = checker.text("reason", &request.reason, 10, 1000);
            checker.finish()?;
            let order: fn(String) -> Order = $order;
            let call = Call {
                method: concat!("mpp.documents.v1.DocumentsService/", $method),
                request: &request,
                request_id: &request.request_id,
                application: &request.application,
                version: request.version,
            };
            let application = Some(core.verb(caller, call, order(reason), None).await?);
            Ok(Response::new(proto::$response { application }))
        }
    )*};
}

reasoned_verbs! {
    return_application(ReturnApplicationRequest) -> ReturnApplicationResponse: "ReturnApplication",
        |text| Order::Return { reason: Reason { code: ReasonCode::Other, text, about: Vec::new() } };
    reject_application(RejectApplicationRequest) -> RejectApplicationResponse: "RejectApplication",
        |text| Order::Reject { reason: Reason { code: ReasonCode::Other, text, about: Vec::new() } };
    pause_clock(PauseClockRequest) -> PauseClockResponse: "PauseClock",
        |reason| Order::Clock { verb: ClockVerb::Pause, reason };
    reset_clock(ResetClockRequest) -> ResetClockResponse: "ResetClock",
        |reason| Order::Clock { verb: ClockVerb::Reset, reason };
    waive_payment(WaivePaymentRequest) -> WaivePaymentResponse: "WaivePayment",
        |reason| Order::WaivePayment { reason };
}

pub(super) async fn record_payment(
    core: &Core,
    caller: &Caller,
    request: proto::RecordPaymentRequest,
) -> Result<Response<proto::RecordPaymentResponse>, Error> {
    let mut checker = Checker::new();
    let reference = checker.text("reference", &request.reference, 3, 64);
    let paid = convert::time("pay_time", request.pay_time, &mut checker);
    let method = convert::read_payment_method(request.method());
    if method.is_none() {
        checker.violation("method", "REQUIRED", "pilih cara pembayarannya", "choose how it was paid");
    }
    checker.finish()?;
    let (Some(paid), Some(method)) = (paid, method) else {
        return Err(anyhow::anyhow!("the checker let a payment without time or method pass").into());
    };
    let call = Call {
        method: "mpp.documents.v1.DocumentsService/RecordPayment",
        request: &request,
        request_id: &request.request_id,
        application: &request.application,
        version: request.version,
    };
    let order = Order::RecordPayment { receipt: Receipt { reference, method, paid }, amount: request.amount };
    let application = Some(core.verb(caller, call, order, None).await?);
    Ok(Response::new(proto::RecordPaymentResponse { application }))
}

pub(super) async fn approve_application(
    core: &Core,
    caller: &Caller,
    request: proto::ApproveApplicationRequest,
) -> Result<Response<proto::ApproveApplicationResponse>, Error> {
    let call = Call {
        method: "mpp.documents.v1.DocumentsService/ApproveApplication",
        request: &request,
        request_id: &request.request_id,
        application: &request.application,
        version: request.version,
    };
    let order = Order::Approve { seen: request.content_hash.clone() };
    let application = Some(core.verb(caller, call, order, None).await?);
    Ok(Response::new(proto::ApproveApplicationResponse { application }))
}

pub(super) async fn hand_over_application(
    core: &Core,
    caller: &Caller,
    request: proto::HandOverApplicationRequest,
) -> Result<Response<proto::HandOverApplicationResponse>, Error> {
    let mut checker = Checker::new();
    let name = checker.text("collector", &request.collector, 2, 120);
    checker.range("copies", request.copies, 1, 20);
    checker.finish()?;
    let call = Call {
        method: "mpp.documents.v1.DocumentsService/HandOverApplication",
        request: &request,
        request_id: &request.request_id,
        application: &request.application,
        version: request.version,
    };
    let order = Order::HandOver { collector: Collector { name: name.clone(), relation: String::new() } };
    let application = Some(core.verb(caller, call, order, Some(name)).await?);
    Ok(Response::new(proto::HandOverApplicationResponse { application }))
}
