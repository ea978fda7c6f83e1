//! `ApplyDelegation`: an account acts in a role for a span of time (Plt., Plh.).

use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_proto::documents::v1::{ApplyDelegationRequest, ApplyDelegationResponse};
use serde_json::json;
use tonic::Response;

use super::access::Areas;
use super::{Core, convert, record};
use crate::domain::DelegationId;
use crate::domain::office::Delegation;
use crate::domain::step::StepRole;
use crate::error::{Error, Thing};
use crate::store;

const METHOD: &str = "mpp.documents.v1.DocumentsService/ApplyDelegation";

pub(super) async fn handle(
    core: &Core,
    caller: &Caller,
    request: ApplyDelegationRequest,
) -> Result<Response<ApplyDelegationResponse>, Error> {
    let delegation = parse(&request)?;
    let request = &request;
    let answer: ApplyDelegationResponse = core
        .once(caller, METHOD, (request, &request.request_id), |tx, now| async move {
            let office = store::office::find(&*tx, &core.cipher, delegation.office)
                .await?
                .filter(|office| Areas::of(caller, "documents.office").reach(office.area.as_str()))
                .ok_or(Error::NotFound(Thing::Office))?;
            let is_new = request.delegation.as_ref().is_none_or(|given| given.id.is_empty());
            let known = store::delegation::find(&*tx, delegation.id).await?;
            if !is_new && known.is_none_or(|known| known.office != office.id) {
                return Err(Error::NotFound(Thing::Delegation));
            }
            store::delegation::save(&*tx, &delegation).await?;
            let id = delegation.id.to_string();
            let who = (caller.id.as_str(), "delegation.applied", id.as_str());
            let detail = json!({
                "office": office.id.to_string(),
                "role": delegation.role.to_string(),
                "account": delegation.account,
            });
            record(&tx, who, (None, None), detail, &request.request_id, now).await?;
            Ok(ApplyDelegationResponse { delegation: Some(convert::delegation(&delegation)) })
        })
        .await?;
    Ok(Response::new(answer))
}

fn parse(request: &ApplyDelegationRequest) -> Result<Delegation, Error> {
    let given = request.delegation.clone().unwrap_or_default();
    let mut checker = Checker::new();
    let id = checker.optional_id("delegation.id", &given.id).unwrap_or_else(DelegationId::generate);
    let office = checker.id("delegation.office_id", &given.office_id);
    let role: Option<StepRole> = given.role.parse().ok();
    if role.is_none() {
        checker.violation(
            "delegation.role",
            "INVALID_ROLE",
            "isi peran seperti VILLAGE_HEAD",
            "give a role such as VILLAGE_HEAD",
        );
    }
    let account = checker.text("delegation.account_id", &given.account_id, 3, 64);
    if !["Plt.", "Plh."].contains(&given.title.as_str()) {
        checker.violation("delegation.title", "INVALID_TITLE", "isi Plt. atau Plh.", "give Plt. or Plh.");
    }
    let decree = checker.text("delegation.decree", &given.decree, 3, 160);
    let from = convert::time("delegation.start_time", given.start_time, &mut checker);
    let to = convert::time("delegation.end_time", given.end_time, &mut checker);
    if let (Some(from), Some(to)) = (from, to)
        && to <= from
    {
        checker.violation(
            "delegation.end_time",
            "INVALID_PERIOD",
            "isi dengan waktu setelah start_time",
            "give a time after start_time",
        );
    }
    checker.finish()?;
    let (Some(office), Some(role), Some(from), Some(to)) = (office, role, from, to) else {
        return Err(anyhow::anyhow!("the checker let an empty field pass").into());
    };
    Ok(Delegation { id, office, role, account, title: given.title, decree, from, to })
}
