//! `PreviewLetterType`: what a draft looks like with its sample values, marked PRATINJAU.

use mpp_kit::caller::Caller;
use mpp_proto::documents::v1::{PreviewLetterTypeRequest, PreviewLetterTypeResponse};
use tonic::Response;

use super::{Core, save_letter_type};
use crate::error::Error;

pub(super) async fn handle(
    core: &Core,
    _: &Caller,
    request: PreviewLetterTypeRequest,
) -> Result<Response<PreviewLetterTypeResponse>, Error> {
    let draft = save_letter_type::read(&request.definition, &request.template)?;
    let rendered = core.press.preview(&draft).await?;
    Ok(Response::new(PreviewLetterTypeResponse {
        pages: i32::try_from(rendered.pages).unwrap_or(i32::MAX),
        pdf: rendered.pdf,
    }))
}
