//! `UpdateLicenceStatus`: an official says where a licence stands; OSS is told in its turn.

use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_kit::fault::Problem;
use mpp_proto::documents::v1::{UpdateLicenceStatusRequest, UpdateLicenceStatusResponse};
use tonic::Response;

use super::super::{Core, check_version, record};
use super::{at_work, licence_message};
use crate::adapter::oss::outbox::{self, Note};
use crate::domain::licence::{LicenceId, OssStatus, Source, StatusError, Teller};
use crate::error::Error;
use crate::store::licence;

const METHOD: &str = "mpp.documents.v1.DocumentsService/UpdateLicenceStatus";

pub(in crate::rpc) async fn handle(
    core: &Core,
    caller: &Caller,
    mut request: UpdateLicenceStatusRequest,
) -> Result<Response<UpdateLicenceStatusResponse>, Error> {
    let mut checker = Checker::new();
    let id: Option<LicenceId> = checker.id("licence", &request.licence);
    let status: Option<OssStatus> = request.status_code.parse().ok();
    if status.is_none() {
        checker.violation(
            "status_code",
            "UNKNOWN_STATUS",
            "isi dengan kode Lampiran 10, misalnya 40",
            "give a code of Lampiran 10, such as 40",
        );
    }
    let note = Note {
        text: checker.text("note", &request.note, 0, 2000),
        // As long as the fields of IZINSTATUS are.
        official_name: checker.text("official_name", &request.official_name, 1, 50),
        official_nip: checker.text("official_nip", &request.official_nip, 0, 50),
        // A licence whose fee is asked for here has an application, which tells of it.
        fee: None,
    };
    checker.finish()?;
    let (Some(id), Some(status)) = (id, status) else {
        return Err(anyhow::anyhow!("the checker let an empty field pass").into());
    };
    // A name is not part of what a repetition is known by: the fingerprint of one is guessed too easily.
    request.official_name.clear();
    request.official_nip.clear();
    let request = &request;
    let mut answer: UpdateLicenceStatusResponse = core
        .once(caller, METHOD, (request, &request.request_id), |tx, now| async move {
            let (mut found, head) = at_work(core, &*tx, caller, id).await?;
            check_version(request.version, found.version)?;
            if found.source != Source::Oss {
                return Err(Problem::precondition(
                    "NOT_OF_OSS",
                    "Izin ini tidak berasal dari OSS, sehingga statusnya tidak dikirim dari sini.",
                    "This licence did not come from OSS, so its status is not sent from here.",
                )
                .into());
            }
            let before = found.status;
            let teller = Teller { head, by_application: found.application.is_some() };
            status.by_official(teller).and_then(|()| status.may_follow(before)).map_err(refused)?;
            let cause = format!("version:{}", found.version + 1);
            outbox::tell_status(&tx, core, &mut found, (status, cause), &note, now).await?;
            let states = (before.map(|status| status.to_string()), Some(status.to_string()));
            let (subject, detail) = (id.to_string(), serde_json::json!({}));
            let what = (caller.id.as_str(), "licence.status", subject.as_str());
            record(&tx, what, states, detail, &request.request_id, now).await?;
            let messages = licence::messages(&*tx, &core.cipher, id).await?;
            let mut told = licence_message(&found, &messages);
            // Added below: this answer is kept for repetitions, and a name is not to be kept in the clear.
            told.nama_perseroan.clear();
            Ok(UpdateLicenceStatusResponse { licence: Some(told) })
        })
        .await?;
    // The writer: a reader may lag behind what was just written.
    let found = licence::find(&core.db.write, &core.cipher, id).await?;
    if let (Some(told), Some(found)) = (answer.licence.as_mut(), found) {
        told.nama_perseroan = found.body.nama_perseroan;
    }
    Ok(Response::new(answer))
}

fn refused(error: StatusError) -> Error {
    let (reason, id) = match error {
        StatusError::ClockRuns => ("CLOCK_RUNS", "Jangka waktu tidak sedang dihentikan."),
        StatusError::ClockStands => ("CLOCK_STANDS", "Jangka waktu sedang dihentikan: lanjutkan dahulu."),
        StatusError::Decided => ("LICENCE_DECIDED", "Izin ini sudah diputuskan."),
        StatusError::NotIssued => ("LICENCE_NOT_ISSUED", "Izin ini belum terbit."),
        StatusError::NotByOfficials => ("NOT_BY_OFFICIALS", "Status ini tidak diberikan oleh petugas."),
        StatusError::ByApplication => (
            "TOLD_BY_APPLICATION",
            "Status ini dikirim sendiri oleh permohonan izin ini. Putuskan permohonannya.",
        ),
        StatusError::ByHead => ("DECISION_OF_THE_HEAD", "Status ini keputusan kepala dinas."),
    };
    let mut en = error.to_string();
    if let Some(first) = en.get_mut(0..1) {
        first.make_ascii_uppercase();
    }
    Problem::precondition(reason, id, format!("{en}.")).into()
}
