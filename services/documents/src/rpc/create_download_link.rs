//! `CreateDownloadLink`: the signed letter for its holder, behind a link that lives for a few minutes. Wrong digits are counted
//! ([`super::tries`]).

use chrono::TimeDelta;
use mpp_kit::caller::Caller;
use mpp_kit::fault::Problem;
use mpp_proto::documents::v1::{CreateDownloadLinkRequest, CreateDownloadLinkResponse};
use serde_json::json;
use subtle::ConstantTimeEq as _;
use tonic::{Code, Response};

use super::codes::{Linked, file_name};
use super::tries::Entry;
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
    let Some(nik) = &case.content.subject.nik else {
        return Err(Problem::precondition(
            "NO_NIK",
            "Permohonan ini tidak memuat NIK, sehingga suratnya tidak dapat diunduh di sini. Ambil di kantor yang menerbitkannya.",
            "The application holds no population number, so its letter cannot be downloaded here. Collect it at the office that issued it.",
        )
        .into());
    };
    let right = bool::from(nik.reveal().as_bytes()[12..].ct_eq(request.nik_last4.trim().as_bytes()));
    let subject = case.document.map_or_else(|| case.application.id.to_string(), |id| id.to_string());
    let entry = |what| Entry { what, subject: &subject, detail: json!({}) };
    core.tried(caller.who(), right, (entry("document.link_made"), entry("document.link_refused"))).await?;
    if !right {
        return Err(Problem::new(
            Code::PermissionDenied,
            "NIK_DIFFERS",
            "Empat angka terakhir NIK tidak cocok dengan surat ini.",
            "The last four digits are not those of this letter's holder.",
        )
        .into());
    }
    let ends = core.now() + TimeDelta::minutes(i64::from(core.config.link_minutes));
    let media_type = signed.media_type().to_owned();
    let file = Linked {
        file: signed.file,
        file_name: file_name(&case.content.letter_type, &signed.sha256, &media_type),
        media_type,
        subject,
    };
    Ok(Response::new(CreateDownloadLinkResponse {
        path: format!("/berkas/{}", file.until(ends).seal(&core.cipher)?),
        expire_time: Some(convert::timestamp(ends)),
    }))
}
