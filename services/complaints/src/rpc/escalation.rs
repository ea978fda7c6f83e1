//! Steps of the ladder: who was told, and "Saya tangani".

use mpp_kit::caller::{Caller, CallerKind};
use mpp_kit::check::Checker;
use mpp_kit::page::{PageToken, cut, page_size};
use mpp_proto::complaints::v1::{
    AcknowledgeEscalationRequest, AcknowledgeEscalationResponse, ListEscalationsRequest,
    ListEscalationsResponse,
};

use super::case::{Asking, Change};
use super::{Core, convert};
use crate::domain::EscalationId;
use crate::domain::ladder::{held_by, holder_of};
use crate::error::{Error, Thing};
use crate::store::escalation::Listed;
use crate::store::{self, place, read_place};

const METHOD: &str = "mpp.complaints.v1.ComplaintsService/AcknowledgeEscalation";

pub(super) async fn list(
    core: &Core,
    caller: &Caller,
    request: ListEscalationsRequest,
) -> Result<ListEscalationsResponse, Error> {
    let size = page_size(request.page_size, 50, 200)?;
    let filter = format!("escalations {} {}", caller.id, request.waiting_only);
    let after = PageToken::decode(&request.page_token, &filter)?.and_then(|it| read_place(&it));
    let (db, limit) = (&core.db.read, u64::from(size) + 1);
    let offices = held_by(&caller.id, &*core.rules().await?, core.now());
    let whose = (caller.id.as_str(), offices.as_slice());
    let listed = if request.waiting_only { Listed::Waiting } else { Listed::All };
    let mut steps = store::escalation::of_account(db, whose, listed, after.as_ref(), limit).await?;
    let next_page_token = cut(&mut steps, size, &filter, |it| place(it.at, &it.id.to_string()));
    Ok(ListEscalationsResponse {
        escalations: steps.iter().map(convert::escalation).collect(),
        next_page_token,
    })
}

pub(super) async fn acknowledge(
    core: &Core,
    caller: &Caller,
    request: AcknowledgeEscalationRequest,
) -> Result<AcknowledgeEscalationResponse, Error> {
    let mut check = Checker::new();
    let id: Option<EscalationId> = check.id("escalation", &request.escalation);
    check.finish()?;
    let id = id.ok_or(Error::NotFound(Thing::Escalation))?;
    let request = &request;
    core.once(caller, METHOD, (request, &request.request_id), |tx, now| async move {
        let step = store::escalation::find(&*tx, id).await?.ok_or(Error::NotFound(Thing::Escalation))?;
        // The one it was sent to, or whoever holds the office by now.
        let rules = core.rules_in(&tx).await?;
        let office = rules.officials.iter().find(|it| Some(it.id.to_string()) == step.official);
        let holds = office.is_some_and(|it| holder_of(it, &rules.actings, now) == caller.id);
        if step.account != caller.id && !holds && caller.kind != CallerKind::System {
            return Err(Error::NotFound(Thing::Escalation));
        }
        if !store::escalation::acknowledge(&tx, id, &caller.id, now).await? {
            return Err(Error::NotWaiting);
        }
        let record = store::complaint::find(&*tx, &core.cipher, step.case).await?;
        let record = record.ok_or(Error::NotFound(Thing::Complaint))?;
        let mut change = Change::of(record.clone(), record.case, "escalation.acknowledged");
        change.waiting_steps = Some(store::escalation::waiting(&*tx, step.case).await? > 0);
        change.detail.insert("escalation", id.to_string());
        let asking = Asking { who: &caller.id, request_id: &request.request_id };
        core.save_one(&tx, &rules, change, asking, now).await?;
        let step = store::escalation::find(&*tx, id).await?.ok_or(Error::NotFound(Thing::Escalation))?;
        Ok(AcknowledgeEscalationResponse { escalation: Some(convert::escalation(&step)) })
    })
    .await
}
