//! `CreateLicenceApplication`: the way on for a licence that got no application when it came.

use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_kit::fault::{Problem, Text, Violation};
use mpp_proto::documents::v1::{CreateLicenceApplicationRequest, CreateLicenceApplicationResponse};
use serde_json::json;
use tonic::Response;

use super::super::{Core, check_version, convert, record};
use super::drafts::{CatalogueDrafts, Undrafted};
use super::{at_work, licence_message};
use crate::adapter::oss::receive::{self, Draft};
use crate::domain::field;
use crate::domain::licence::{LicenceId, OssStatus, Source};
use crate::error::Error;
use crate::store::licence;

const METHOD: &str = "mpp.documents.v1.DocumentsService/CreateLicenceApplication";

pub(in crate::rpc) async fn handle(
    core: &Core,
    caller: &Caller,
    mut request: CreateLicenceApplicationRequest,
) -> Result<Response<CreateLicenceApplicationResponse>, Error> {
    let mut checker = Checker::new();
    let id: Option<LicenceId> = checker.id("licence", &request.licence);
    checker.finish()?;
    let id = id.ok_or_else(|| anyhow::anyhow!("the checker let an empty field pass"))?;
    // What is given may be a number that names a person: too easily guessed from its fingerprint.
    let given = convert::values(request.values.take().as_ref());
    let request = &request;
    let answer = core
        .once(caller, METHOD, (request, &request.request_id), |tx, now| async move {
            let (mut found, _) = at_work(core, &*tx, caller, id).await?;
            check_version(request.version, found.version)?;
            let begun = found.application.is_some() || found.body.withdrawn;
            let decided = OssStatus::Validation.may_follow(found.status).is_err();
            if begun || decided || found.source != Source::Oss {
                return Err(Problem::precondition(
                    "NO_APPLICATION_NEEDED",
                    "Izin ini sudah mempunyai permohonan, sudah diputuskan, dicabut, atau tidak berasal dari OSS.",
                    "This licence has an application, is decided or withdrawn, or did not come from OSS.",
                )
                .into());
            }
            licence::hold(&tx).await?;
            let sent = found.body.sent.clone();
            let draft = Draft {
                licence: &found,
                company: &sent["nib"],
                person: &sent["orang"],
                project: &sent["proyek"],
                row: &sent["izin"],
            };
            let drafted = CatalogueDrafts(core).make(&tx, &draft, &given).await?.map_err(refused)?;
            let detail = json!({ "application": drafted.application.to_string() });
            found.application = Some(drafted.application);
            found.area.clone_from(&drafted.area);
            found.version += 1;
            found.updated_at = now;
            if !licence::update(&tx, &core.cipher, &found).await? {
                return Err(Error::Stale { version: found.version });
            }
            receive::announce(&tx, &found, "izin.status", now).await?;
            receive::tell_standing(&tx, core, drafted, now).await?;
            let subject = id.to_string();
            let what = (caller.id.as_str(), "licence.application_created", subject.as_str());
            record(&tx, what, (None, None), detail, &request.request_id, now).await?;
            let found = licence::find(&*tx, &core.cipher, id).await?.unwrap_or(found);
            let messages = licence::messages(&*tx, &core.cipher, id).await?;
            Ok(CreateLicenceApplicationResponse { licence: Some(licence_message(&found, &messages)) })
        })
        .await?;
    Ok(Response::new(answer))
}

fn refused(why: Undrafted) -> Error {
    match why {
        Undrafted::NoType => Problem::precondition(
            "NO_TYPE",
            "Belum ada jenis izin yang terikat pada kode izin ini. Minta editor katalog mengikatnya.",
            "No type of the catalogue takes licences of this code. Ask an editor of the catalogue to bind one.",
        )
        .into(),
        Undrafted::NoOffice => Problem::precondition(
            "NO_OFFICE",
            "Kantor yang mengerjakan izin OSS belum diatur atau belum terdaftar (documents.oss.office).",
            "The office that works on licences of OSS is not set or not registered (documents.oss.office).",
        )
        .into(),
        Undrafted::Unfit(wrong) => {
            let violation = |it: field::Violation| Violation {
                field: format!("values.{}", it.field),
                reason: it.reason,
                text: Text::new(it.remedy.id, it.remedy.en),
            };
            Problem::invalid(wrong.into_iter().map(violation).collect()).into()
        }
    }
}
