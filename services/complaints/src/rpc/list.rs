//! `ListComplaints`: work lists. Each is one walk along an index; those of agencies that help are merged in.

use mpp_kit::caller::{Areas, Caller};
use mpp_kit::check::Checker;
use mpp_kit::page::{PageToken, cut, page_size};
use mpp_proto::complaints::v1::{ListComplaintsRequest, ListComplaintsResponse, WorkList};

use super::{Core, convert};
use crate::domain::ladder::held_by;
use crate::domain::map::Within;
use crate::domain::number::Number;
use crate::domain::rules::Rules;
use crate::domain::words::State;
use crate::error::Error;
use crate::store::complaint::{Desks, Filter, Line};
use crate::store::escalation::Listed;
use crate::store::{self, place, read_place};

pub(super) async fn handle(
    core: &Core,
    caller: &Caller,
    request: ListComplaintsRequest,
) -> Result<ListComplaintsResponse, Error> {
    let size = page_size(request.page_size, 50, 200)?;
    let which = WorkList::try_from(request.list).unwrap_or(WorkList::Unspecified);
    // These two choose by something else, and page by tokens of their own or not at all.
    if !request.number.is_empty() {
        return by_number(core, caller, &request.number).await;
    }
    if which == WorkList::ToAcknowledge {
        return to_acknowledge(core, caller, size, &request.page_token).await;
    }
    let token = format!(
        "cases of {} {} {} {} {} {}",
        caller.id, request.list, request.agency_id, request.state, request.category, request.square
    );
    let after = PageToken::decode(&request.page_token, &token)?.and_then(|it| read_place(&it));
    let db = &core.db.read;
    let rules = core.rules().await?;
    let mut check = Checker::new();
    let within = convert::read_within(&mut check, &request.square);
    check.finish()?;
    let (desks, filter) = asked(core, caller, &rules, &request, within);
    let limit = u64::from(size) + 1;
    let mut lines = store::complaint::list(db, &desks, &filter, after.as_ref(), limit).await?;
    // Who reaches the regency has the cases of every agency in the list already.
    let own = desks.areas.bounds().filter(|_| !desks.areas.reach(&core.config.regency));
    if let Some(areas) = own.filter(|areas| !areas.is_empty()) {
        lines.extend(store::complaint::helped(db, areas, &filter, after.as_ref(), limit).await?);
        lines.sort_by(|a, b| (a.sort_at, &a.id).cmp(&(b.sort_at, &b.id)));
        lines.dedup_by(|a, b| a.id == b.id);
    }
    let next_page_token = cut(&mut lines, size, &token, key);
    Ok(ListComplaintsResponse { complaints: lines.into_iter().map(convert::line).collect(), next_page_token })
}

/// What a work list is about: the desks whose cases are on it, and which of those.
pub(super) fn asked(
    core: &Core,
    caller: &Caller,
    rules: &Rules,
    request: &ListComplaintsRequest,
    within: Option<Within>,
) -> (Desks, Filter) {
    let which = WorkList::try_from(request.list).unwrap_or(WorkList::Unspecified);
    let now = core.now();
    // What an agency works on is what it holds, not all that its area lets it read.
    let permission = if which == WorkList::Mine { "complaints.work" } else { "complaints.read" };
    let mut desks = core.desks(caller, rules, permission);
    if !request.agency_id.is_empty() {
        // Only an agency: the desks of coordinator and inspectorate are no areas that anybody could reach.
        let known = rules.agencies.contains_key(&request.agency_id);
        let narrowed = if known && desks.areas.reach(&request.agency_id) {
            vec![request.agency_id.clone()]
        } else {
            Vec::new()
        };
        desks.areas = Areas::In(narrowed);
        desks.coordinator = false;
        desks.whistleblowing = false;
        desks.apart = false;
    }
    let mut filter = Filter {
        state: convert::read_state(request.state),
        category: request.category.clone(),
        within,
        ..Filter::default()
    };
    match which {
        WorkList::Unspecified | WorkList::ToAcknowledge => {}
        WorkList::Mine => filter.open_only = true,
        WorkList::DueToday => {
            filter.open_only = true;
            filter.due = Some((now, rules.end_of_today(now)));
        }
        WorkList::Late => {
            filter.open_only = true;
            filter.late_only = true;
        }
        WorkList::ToCoordinate => filter.states = vec![State::New, State::Verified],
    }
    (desks, filter)
}

fn key(line: &Line) -> String {
    place(line.sort_at, &line.id)
}

async fn by_number(core: &Core, caller: &Caller, number: &str) -> Result<ListComplaintsResponse, Error> {
    let Ok(number) = number.parse::<Number>() else { return Ok(ListComplaintsResponse::default()) };
    let db = &core.db.read;
    let rules = core.rules().await?;
    let mut complaints = Vec::new();
    if let Some(record) = store::complaint::by_number(db, &core.cipher, number).await?
        && core.sees(caller, &record.case, &rules)
    {
        let lines = store::complaint::of_ids(db, vec![record.case.id.to_string()]).await?;
        complaints.extend(lines.into_iter().map(convert::line));
    }
    Ok(ListComplaintsResponse { complaints, next_page_token: String::new() })
}

async fn to_acknowledge(
    core: &Core,
    caller: &Caller,
    size: u32,
    token: &str,
) -> Result<ListComplaintsResponse, Error> {
    let filter = format!("to acknowledge {}", caller.id);
    let after = PageToken::decode(token, &filter)?.and_then(|it| read_place(&it));
    let db = &core.db.read;
    let limit = u64::from(size) + 1;
    let rules = core.rules().await?;
    let offices = held_by(&caller.id, &rules, core.now());
    let whose = (caller.id.as_str(), offices.as_slice());
    let mut steps =
        store::escalation::of_account(db, whose, Listed::WaitingOpen, after.as_ref(), limit).await?;
    let next_page_token = cut(&mut steps, size, &filter, |it| place(it.at, &it.id.to_string()));
    let mut ids = Vec::new();
    for record in
        store::complaint::several(db, &core.cipher, steps.iter().map(|it| it.case.to_string()).collect())
            .await?
    {
        if core.sees(caller, &record.case, &rules) {
            ids.push(record.case.id.to_string());
        }
    }
    let mut lines = store::complaint::of_ids(db, ids).await?;
    lines.sort_by(|a, b| (a.sort_at, &a.id).cmp(&(b.sort_at, &b.id)));
    Ok(ListComplaintsResponse { complaints: lines.into_iter().map(convert::line).collect(), next_page_token })
}
