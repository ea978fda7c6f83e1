//! `ListWork`: what waits for the caller, what is due first first. Each page is recorded.
//!
//! The caller holds roles in areas, each with what lies below it, as when he acts: each pair is one walk along an index, and the
//! walks are merged. So a page costs the same whether ten or a hundred thousand applications wait.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use mpp_kit::caller::{Caller, CallerKind, reaches};
use mpp_kit::page::{PageToken, cut, page_size};
use mpp_proto::documents::v1::{ListWorkRequest, ListWorkResponse, WorkItem};
use serde_json::json;
use strum::IntoEnumIterator as _;
use tonic::Response;

use super::access::{Areas, permission_of};
use super::case::work_kind;
use super::{Core, convert};
use crate::domain::step::StepRole;
use crate::domain::workflow::State;
use crate::error::Error;
use crate::store;
use crate::store::application::{Line, Reach, Record, end_of_time};

/// How many late ones are counted at most.
const LATE: u64 = 1000;

pub(super) async fn handle(
    core: &Core,
    caller: &Caller,
    request: ListWorkRequest,
) -> Result<Response<ListWorkResponse>, Error> {
    let size = page_size(request.page_size, 50, 200)?;
    let filter = format!("work of {} {} {}", caller.id, request.signing_only, request.late_only);
    let after = PageToken::decode(&request.page_token, &filter)?.and_then(|token| read_place(&token));
    let now = core.now();
    let desks = core.desks(caller).await?;
    let late_before = request.late_only.then_some(now);
    let (mut lines, mut late) = (Vec::new(), 0_u64);
    for (role, reach) in &desks {
        let after = after.as_ref().map(|(due_at, id)| (*due_at, id.as_str()));
        let which = (request.signing_only, late_before);
        let db = &core.db.read;
        lines.extend(
            store::application::worklist(db, (*role, reach), which, after, u64::from(size) + 1).await?,
        );
        if late < LATE {
            late += store::application::late_at(db, (*role, reach), now, LATE - late).await?;
        }
    }
    lines.sort_by_key(|line| (line.due_at, line.application));
    // An official who may take a step in two roles sees it once.
    lines.dedup_by_key(|line| line.application);
    let next_page_token = cut(&mut lines, size, &filter, place);
    let ids: Vec<_> = lines.iter().map(|line| line.application).collect();
    let records = store::application::several(&core.db.read, &core.cipher, &ids).await?;
    let records: BTreeMap<_, _> = records.into_iter().map(|it| (it.case.application.id, it)).collect();
    let items: Vec<_> =
        lines.iter().filter_map(|line| Some(item(line, records.get(&line.application)?, now))).collect();
    let asked = json!({ "signingOnly": request.signing_only, "lateOnly": request.late_only });
    core.listed((&caller.id, "work"), asked, items.len()).await?;
    Ok(Response::new(ListWorkResponse {
        items,
        next_page_token,
        late: convert::count(late),
        signing_credential: convert::signing_credential(core.signers.takes()).into(),
    }))
}

impl Core {
    /// The roles of the caller with how far each reaches, own ones and those held for others.
    async fn desks(&self, caller: &Caller) -> Result<Vec<(StepRole, Reach)>, Error> {
        let mut desks = Vec::new();
        // The system acts by itself, never as an official.
        if caller.kind == CallerKind::System {
            return Ok(desks);
        }
        for role in StepRole::iter() {
            match Areas::of(caller, permission_of(role)) {
                Areas::Everywhere => desks.push((role, Reach::Anywhere)),
                Areas::In(areas) => {
                    // What lies within another of his areas would be read twice.
                    let inner = |area: &String| areas.iter().any(|it| it != area && reaches(it, area));
                    let outermost = areas.iter().filter(|area| !inner(area));
                    desks.extend(outermost.map(|area| (role, Reach::Within(area.clone()))));
                }
            }
        }
        for held in store::delegation::of_account(&self.db.read, &caller.id, self.now()).await? {
            if let Some(office) = store::office::find(&self.db.read, &self.cipher, held.office).await? {
                desks.push((held.role, Reach::At(office.area.to_string())));
            }
        }
        desks.sort();
        desks.dedup();
        Ok(desks)
    }
}

fn item(line: &Line, record: &Record, now: DateTime<Utc>) -> WorkItem {
    let case = &record.case;
    let current = case.application.current_step();
    let due = case.application.payment.as_ref().filter(|_| case.application.state == State::AwaitingPayment);
    WorkItem {
        application_id: case.application.id.to_string(),
        letter_type: case.content.letter_type.clone(),
        title: case.title.clone(),
        subject_name: case.content.subject.name.clone(),
        area: line.area.clone(),
        step: current.map_or(-1, |(at, _)| convert::count(at)),
        kind: current.map(|(_, step)| work_kind(&case.application, step.step.kind)).unwrap_or_default(),
        role: line.role.to_string(),
        due_time: (line.due_at < end_of_time()).then(|| convert::timestamp(line.due_at)),
        late: line.due_at < now,
        claimed_by: case.application.claim.as_ref().map(|claim| claim.by.clone()).unwrap_or_default(),
        submit_time: Some(convert::timestamp(record.submitted_at)),
        version: record.version,
        state: convert::application_state(case.application.state).into(),
        billing_code: due.and_then(|payment| payment.billing_code.clone()).unwrap_or_default(),
        content_hash: case.application.content_hash.clone().unwrap_or_default(),
    }
}

/// Where a page ends, as its token holds it.
fn place(line: &Line) -> String {
    format!("{} {}", line.due_at.timestamp_micros(), line.application)
}

fn read_place(token: &str) -> Option<(DateTime<Utc>, String)> {
    let (micros, id) = token.split_once(' ')?;
    Some((DateTime::from_timestamp_micros(micros.parse().ok()?)?, id.to_owned()))
}
