//! `ReceiveOssCall`: a call of OSS-RBA as it came, answered in its own envelope whatever happens.

use mpp_kit::caller::Caller;
use mpp_kit::fault::chain;
use mpp_proto::documents::v1::{ReceiveOssCallRequest, ReceiveOssCallResponse};
use tonic::Response;

use super::super::Core;
use super::drafts::CatalogueDrafts;
use crate::adapter::oss::receive::{self, Call};
use crate::error::Error;

pub(in crate::rpc) async fn handle(
    core: &Core,
    _caller: &Caller,
    request: ReceiveOssCallRequest,
) -> Result<Response<ReceiveOssCallResponse>, Error> {
    let call = Call { method: &request.method, token: &request.token, body: &request.body };
    let answer = match receive::receive(core, &CatalogueDrafts(core), call).await {
        Ok(answer) => answer,
        Err(error) => {
            // OSS does not read our errors; it offers the same again when it is told that this failed.
            tracing::error!(error = chain(&error), "a call of OSS could not be taken");
            receive::failed(&request.method)
        }
    };
    Ok(Response::new(ReceiveOssCallResponse { http_status: answer.http_status.into(), body: answer.body }))
}
