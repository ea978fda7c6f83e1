//! `WithdrawApplication`: not wanted any more.

use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_proto::documents::v1::{WithdrawApplicationRequest, WithdrawApplicationResponse};
use tonic::Response;

use super::case::Asking;
use super::{Core, status};
use crate::domain::workflow::decide::{By, Order};
use crate::error::Error;

const METHOD: &str = "mpp.documents.v1.DocumentsService/WithdrawApplication";

pub(super) async fn handle(
    core: &Core,
    caller: &Caller,
    request: WithdrawApplicationRequest,
) -> Result<Response<WithdrawApplicationResponse>, Error> {
    let mut checker = Checker::new();
    let reason = checker.text("reason", &request.reason, 0, 500);
    checker.finish()?;
    let request = &request;
    let mut answer: WithdrawApplicationResponse = core
        .once(caller, METHOD, (request, &request.request_id), |tx, now| async move {
            let loaded = core.application_by_code(&*tx, &request.code).await?;
            let by = By::Applicant { account: None };
            let asking = Asking { who: caller.who(), request_id: &request.request_id };
            let loaded = core.act(&tx, loaded, (by, Order::Withdraw { reason }), asking, now).await?;
            Ok(WithdrawApplicationResponse { status: Some(status::without_code(&loaded, now)) })
        })
        .await?;
    answer.status = answer.status.map(|status| status::with_code(core, status)).transpose()?;
    Ok(Response::new(answer))
}
