//! What the public sees: published cases and those like a report that somebody is about to file. Secret, withheld and
//! whistleblowing cases are in no query here.

use std::collections::BTreeSet;

use mpp_kit::caller::Caller;
use mpp_kit::check::Checker;
use mpp_kit::page::{PageToken, cut, page_size};
use mpp_proto::complaints::v1::{
    ListPublishedComplaintsRequest, ListPublishedComplaintsResponse, ListSimilarComplaintsRequest,
    ListSimilarComplaintsResponse, PublishedComplaint,
};

use super::{Core, convert};
use crate::domain::case::Case;
use crate::domain::rules::Rules;
use crate::domain::words::{ClockKind, MessageKind};
use crate::domain::{channel, disclosure};
use crate::error::Error;
use crate::store::complaint::{Published, Record};
use crate::store::{self, place, read_place};

/// Candidates that are compared at most.
const CANDIDATES: u64 = 200;
/// Metres of a degree of latitude.
const METRES: f64 = 111_320.0;
/// Metres by which a coarse place may be off.
const COARSE: f64 = 1_000.0;

pub(super) async fn list(
    core: &Core,
    _caller: &Caller,
    request: ListPublishedComplaintsRequest,
) -> Result<ListPublishedComplaintsResponse, Error> {
    let size = page_size(request.page_size, 50, 200)?;
    let mut check = Checker::new();
    let within = convert::read_within(&mut check, &request.square);
    check.finish()?;
    let filter = Published {
        categories: convert::read_keys(&request.category),
        numbers: convert::read_keys(&request.numbers),
        received_from: convert::moment(request.received_from.as_ref()),
        received_before: convert::moment(request.received_before.as_ref()),
        closed: request.closed,
        within,
    };
    let token = format!("published {filter:?}");
    let after = PageToken::decode(&request.page_token, &token)?.and_then(|it| read_place(&it));
    let db = &core.db.read;
    let rules = core.rules().await?;
    let mut records =
        store::complaint::published(db, &core.cipher, &filter, after.as_ref(), u64::from(size) + 1).await?;
    let next_page_token = cut(&mut records, size, &token, |it| place(it.updated_at, &it.case.id.to_string()));
    let complaints = records.iter().map(|it| published(it, &rules, None)).collect();
    Ok(ListPublishedComplaintsResponse { complaints, next_page_token })
}

pub(super) async fn similar(
    core: &Core,
    _caller: &Caller,
    request: ListSimilarComplaintsRequest,
) -> Result<ListSimilarComplaintsResponse, Error> {
    let size = page_size(request.page_size, 5, 50)?;
    let db = &core.db.read;
    let rules = core.rules().await?;
    let point = (request.latitude, request.longitude);
    let sound = point.0.is_finite() && point.1.is_finite() && point.0.abs() < 89.0 && point.1.abs() <= 180.0;
    let Some(category) = rules.categories.get(&request.category).filter(|_| sound) else {
        return Ok(ListSimilarComplaintsResponse::default());
    };
    let metres = f64::from(category.duplicate_metres.max(10));
    // The place of a reporter who is not shown is known to a kilometre, here as on the page: the circle is widened for it.
    let widened = (metres.max(COARSE)) / METRES + 0.01;
    let half = (widened, widened / point.0.to_radians().cos());
    let records =
        store::complaint::near(db, &core.cipher, &request.category, point, half, CANDIDATES).await?;
    let words = words(&request.text);
    let mut found: Vec<(usize, f64, Record)> = records
        .into_iter()
        .filter_map(|it| {
            let shown = it.case.secrecy().shows_reporter();
            let (place, limit) = if shown {
                (it.case.place.clone(), metres)
            } else {
                (it.case.place.coarse(), metres.max(COARSE))
            };
            let distance = place.metres_to(point).filter(|distance| *distance <= limit)?;
            // To ten metres: three exact distances would tell the exact point.
            let distance = (distance / 10.0).round() * 10.0;
            // By what everybody may read: else guesses at a number would be answered by the order.
            let common = self::words(&told(&it.case)).intersection(&words).count();
            Some((common, distance, it))
        })
        .collect();
    found.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.total_cmp(&b.1)));
    found.truncate(size as usize);
    let complaints = found.iter().map(|(_, distance, it)| published(it, &rules, Some(*distance))).collect();
    Ok(ListSimilarComplaintsResponse { complaints, next_page_token: String::new() })
}

/// Words of four letters and more.
fn words(text: &str) -> BTreeSet<String> {
    text.to_lowercase()
        .split(|it: char| !it.is_alphanumeric())
        .filter(|it| it.chars().count() >= 4)
        .map(ToOwned::to_owned)
        .collect()
}

/// What everybody may read of the report.
pub(crate) fn told(case: &Case) -> String {
    let report = case.messages.iter().find(|it| it.kind == MessageKind::Report);
    let shown = case.secrecy().shows_reporter();
    let text = report.map_or("", |it| if shown { it.text.as_str() } else { channel::without_place(it) });
    disclosure::for_everybody(text)
}

fn published(record: &Record, rules: &Rules, distance: Option<f64>) -> PublishedComplaint {
    let case = &record.case;
    let mut place = if case.secrecy().shows_reporter() { case.place.clone() } else { case.place.coarse() };
    place.address = disclosure::for_everybody(&place.address);
    let answer = case
        .messages
        .iter()
        .rev()
        .find(|it| matches!(it.kind, MessageKind::Answer | MessageKind::FirstAnswer))
        .map(|it| disclosure::for_everybody(&it.text))
        .unwrap_or_default();
    PublishedComplaint {
        number: case.number.to_string(),
        state: convert::state(case.state).into(),
        category: case.category.clone(),
        category_name: rules.categories.get(&case.category).map(|it| it.name.clone()).unwrap_or_default(),
        place: Some(convert::place(&place)),
        received_at: Some(convert::timestamp(case.received_at)),
        updated_at: Some(convert::timestamp(case.closed_at.unwrap_or(record.updated_at))),
        text: told(case),
        answer,
        agency_name: rules.name_of(case.holder()),
        settle_due_at: case.clock(ClockKind::Settle).map(|it| convert::timestamp(it.due_at)),
        distance_metres: distance.unwrap_or(0.0),
        closed: case.state.is_closed(),
        place_lowered: !case.secrecy().shows_reporter(),
    }
}
