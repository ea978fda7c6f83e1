//! `CreateDownloadLink`: the signed letter for its holder, behind a link that lives for a few minutes.

use chrono::TimeDelta;
use mpp_kit::caller::Caller;
use mpp_kit::fault::Problem;
use mpp_proto::documents::v1::{CreateDownloadLinkRequest, CreateDownloadLinkResponse};
use serde_json::json;
use subtle::ConstantTimeEq as _;
use tonic::{Code, Response};

use super::codes::Link;
use super::{Core, convert};
use crate::domain::workflow::State;
use crate::error::Error;

pub(super) async fn handle(
    core: &Core,
    caller: &Caller,
    request: CreateDownloadLinkRequest,
) -> Result<Response<CreateDownloadLinkResponse>, Error> {
    let loaded = core.application_by_code(&core.db.read, &request.code).await?;
    let case = &loaded.record.case;
    let issued = matches!(case.application.state, State::Issued | State::HandedOver);
    let (Some(signed), true) = (case.signed.last(), issued) else {
        return Err(Problem::precondition(
            "NOT_ISSUED",
            "Surat ini belum terbit. Periksa kembali setelah ditandatangani.",
            "The letter is not issued yet. Come back when it is signed.",
        )
        .into());
    };
    let expected = case.content.subject.nik.as_ref().map_or("", |nik| &nik.reveal()[12..]);
    if !bool::from(expected.as_bytes().ct_eq(request.nik_last4.trim().as_bytes())) {
        return Err(Problem::new(
            Code::PermissionDenied,
            "NIK_DIFFERS",
            "Empat angka terakhir NIK tidak cocok dengan surat ini.",
            "The last four digits are not those of this letter's holder.",
        )
        .into());
    }
    let now = core.now();
    let ends = now + TimeDelta::minutes(i64::from(core.config.link_minutes));
    let subject = case.document.map_or_else(|| case.application.id.to_string(), |id| id.to_string());
    let link = Link {
        file: signed.file,
        file_name: format!("{}-{}.pdf", case.content.letter_type, &signed.sha256[..8]),
        subject: subject.clone(),
        ends: ends.timestamp(),
    };
    core.looked((caller.who(), "document.link_made", &subject), json!({})).await?;
    Ok(Response::new(CreateDownloadLinkResponse {
        path: format!("/berkas/{}", core.link(&link)?),
        expire_time: Some(convert::timestamp(ends)),
    }))
}
