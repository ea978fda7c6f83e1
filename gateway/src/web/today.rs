//! What a citizen may know of a hall before setting out: open or not, how many wait, how long it may take. Read with the
//! gateway's own token, numbers only, and kept for a few seconds, so that many visitors cost the queue service as much as
//! one.

use std::{
    collections::HashMap,
    fmt::{self, Debug, Formatter},
    sync::Arc,
    time::Duration,
};

use askama::Template;
use axum::{extract::State, response::Response};
use http::{HeaderValue, StatusCode};
use mpp_kit::{fault::Language, relay::TokenSource};
use mpp_proto::queue::v1::{
    Board, CounterState, DayState, GetBoardRequest, Hall, ListHallsRequest, ListServicesRequest,
    ServiceState, ServiceStatus, TimeZone,
};
use percent_encoding::utf8_percent_encode;
use prost_types::Timestamp;
use tokio::{sync::Mutex, time::Instant};
use tonic::Status;

use super::{
    WebState, citizen,
    moment::{self, Zone},
    visit::{Frame, Visit},
};

/// How long what was read is shown to others too.
const KEEP: Duration = Duration::from_secs(5);
/// Rows of a page of the queue service.
const PAGE: i32 = 200;

/// What the queue service said of every hall, a moment ago.
pub(crate) struct Halls {
    token: TokenSource,
    kept: Mutex<HashMap<Language, Reading>>,
}

/// When the halls were read, and as what.
type Reading = (Instant, Arc<Vec<Seen>>);

/// One hall as it was read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    pub(crate) hall: Hall,
    pub(crate) services: Vec<ServiceStatus>,
    pub(crate) board: Board,
}

impl Debug for Halls {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Halls").finish_non_exhaustive()
    }
}

impl Halls {
    /// Nothing was read yet. `token` is what the gateway reads boards with.
    pub(crate) fn new(token: TokenSource) -> Self {
        Self { token, kept: Mutex::default() }
    }

    /// Every hall, by code.
    ///
    /// # Errors
    /// The status of the queue service, or `UNAVAILABLE` without a token.
    pub(crate) async fn all(&self, state: &WebState, visit: &Visit) -> Result<Arc<Vec<Seen>>, Status> {
        // Held while it is read: who comes meanwhile waits for the same answer.
        let mut kept = self.kept.lock().await;
        if let Some((read_at, halls)) = kept.get(&visit.language)
            && read_at.elapsed() < KEEP
        {
            return Ok(halls.clone());
        }
        let halls = Arc::new(self.read(state, visit).await?);
        kept.insert(visit.language, (Instant::now(), halls.clone()));
        Ok(halls)
    }

    async fn read(&self, state: &WebState, visit: &Visit) -> Result<Vec<Seen>, Status> {
        let token = (self.token)().await.map_err(|error| {
            tracing::warn!(error = format!("{error:#}"), "the gateway has no token to read halls with");
            Status::unavailable("no token")
        })?;
        let bearer = HeaderValue::try_from(format!("Bearer {token}"))
            .map_err(|_| Status::internal("a token that is no header"))?;
        let mut read = Vec::new();
        let mut page_token = String::new();
        loop {
            let request = visit.call_with(ListHallsRequest { page_size: PAGE, page_token }, &bearer);
            let answer = state.queue.clone().list_halls(request).await?.into_inner();
            for hall in answer.halls {
                let services = services(state, visit, &bearer, &hall.id).await?;
                let request =
                    visit.call_with(GetBoardRequest { hall: hall.id.clone(), ..Default::default() }, &bearer);
                let board = state.queue.clone().get_board(request).await?.into_inner().board;
                read.push(Seen { hall, services, board: board.unwrap_or_default() });
            }
            page_token = answer.next_page_token;
            if page_token.is_empty() {
                return Ok(read);
            }
        }
    }
}

async fn services(
    state: &WebState,
    visit: &Visit,
    bearer: &HeaderValue,
    hall: &str,
) -> Result<Vec<ServiceStatus>, Status> {
    let mut services = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = ListServicesRequest { hall: hall.to_owned(), page_size: PAGE, page_token };
        let answer = state.queue.clone().list_services(visit.call_with(request, bearer)).await?.into_inner();
        services.extend(answer.services);
        page_token = answer.next_page_token;
        if page_token.is_empty() {
            return Ok(services);
        }
    }
}

/// A hall in a line.
pub(crate) struct Summary {
    pub(crate) href: String,
    pub(crate) name: String,
    pub(crate) open: bool,
    /// How many wait, and how many services give numbers; of a closed hall, nothing.
    pub(crate) facts: String,
    /// When it opens next; empty while it is open and when it is not known.
    pub(crate) next: String,
}

impl Summary {
    pub(crate) fn of(seen: &Seen, visit: &Visit) -> Self {
        let t = visit.words();
        let open = seen.services.iter().filter(|service| service.state() == ServiceState::Open).count();
        let waiting: i64 = seen.services.iter().map(|service| i64::from(service.waiting)).sum();
        let day_is_open = seen.hall.day.as_ref().is_some_and(|day| day.state() == DayState::Open);
        let next = seen.services.iter().filter_map(|service| service.next_open_time).min_by_key(order);
        Self {
            href: format!("/antrean?hall={}", utf8_percent_encode(&seen.hall.id, citizen::TOKEN)),
            name: seen.hall.name.clone(),
            open: open > 0,
            facts: if day_is_open {
                t.say(
                    "today.summary",
                    &[("waiting", &waiting), ("open", &open), ("services", &seen.services.len())],
                )
            } else {
                String::new()
            },
            next: next
                .filter(|_| open == 0)
                .map(|next| {
                    t.say(
                        "today.next",
                        &[("when", &moment::moment(Some(next), zone(&seen.hall), visit.language))],
                    )
                })
                .unwrap_or_default(),
        }
    }
}

fn order(time: &Timestamp) -> (i64, i32) {
    (time.seconds, time.nanos)
}

fn zone(hall: &Hall) -> Zone {
    match hall.time_zone() {
        TimeZone::Unspecified | TimeZone::Wib => Zone::Wib,
        TimeZone::Wita => Zone::Wita,
        TimeZone::Wit => Zone::Wit,
    }
}

#[derive(Template)]
#[template(path = "antrean.html")]
struct Today {
    p: Frame,
    known: bool,
    chosen: Option<Chosen>,
    others: Vec<Summary>,
}

struct Chosen {
    summary: Summary,
    as_of: String,
    reload: String,
    calls: Vec<(String, String)>,
    agencies: Vec<Agency>,
}

struct Agency {
    name: String,
    hours: String,
    services: Vec<Line>,
}

struct Line {
    name: String,
    open: bool,
    waiting: String,
    estimate: String,
    reason: String,
}

/// `/antrean`: the queue of a hall today, for whoever thinks of coming. `?hall=` names one by id or code.
pub(crate) async fn page(State(state): State<WebState>, visit: Visit) -> Response {
    let halls = match state.halls.all(&state, &visit).await {
        Ok(halls) => halls,
        Err(status) => {
            tracing::warn!(code = ?status.code(), "the halls cannot be read");
            let page = Today { p: visit.frame(), known: false, chosen: None, others: Vec::new() };
            return visit.page(StatusCode::SERVICE_UNAVAILABLE, &page);
        }
    };
    let wish = visit.parameter("hall");
    let named = |seen: &&Seen| Some(seen.hall.id.as_str()) == wish || Some(seen.hall.code.as_str()) == wish;
    let chosen = match wish {
        Some(_) => halls.iter().find(named),
        None => halls.first(),
    };
    if wish.is_some() && chosen.is_none() {
        return visit.missing("error.404");
    }
    let others = halls
        .iter()
        .filter(|seen| chosen.is_none_or(|chosen| chosen.hall.id != seen.hall.id))
        .map(|seen| Summary::of(seen, &visit))
        .collect();
    let chosen = chosen.map(|seen| Chosen::of(seen, &visit));
    visit.page(StatusCode::OK, &Today { p: visit.frame(), known: true, chosen, others })
}

impl Chosen {
    fn of(seen: &Seen, visit: &Visit) -> Self {
        let t = visit.words();
        let summary = Summary::of(seen, visit);
        let calls = seen.board.counters.iter().filter(|counter| counter.state() == CounterState::Serving);
        let mut calls: Vec<_> = calls.filter(|counter| !counter.ticket_number.is_empty()).collect();
        calls.sort_by_key(|counter| std::cmp::Reverse(counter.call_time.as_ref().map(order)));
        Self {
            as_of: t.say(
                "today.as_of",
                &[("time", &moment::moment(seen.board.time, zone(&seen.hall), visit.language))],
            ),
            reload: summary.href.clone(),
            calls: calls
                .into_iter()
                .map(|counter| {
                    let counter_number = t.say("board.to", &[("counter", &counter.number)]);
                    (counter.ticket_number.clone(), counter_number)
                })
                .collect(),
            agencies: agencies(&seen.services, visit),
            summary,
        }
    }
}

/// Services under their agencies, in the order they came.
fn agencies(services: &[ServiceStatus], visit: &Visit) -> Vec<Agency> {
    let t = visit.words();
    let mut agencies: Vec<Agency> = Vec::new();
    let mut last = "";
    for service in services {
        let open = service.state() == ServiceState::Open;
        let english = visit.language == Language::En && !service.name_en.is_empty();
        let line = Line {
            name: if english { &service.name_en } else { &service.name }.clone(),
            open,
            waiting: match service.waiting {
                0 => t["kiosk.waiting_none"].clone(),
                waiting => t.say("kiosk.waiting_n", &[("n", &waiting)]),
            },
            estimate: citizen::estimate(service.estimate.as_ref(), t),
            reason: service.reason.clone(),
        };
        match agencies.last_mut().filter(|_| service.agency_id == last) {
            Some(agency) => agency.services.push(line),
            None => agencies.push(Agency {
                name: service.agency_name.clone(),
                hours: service.hours_today.clone(),
                services: vec![line],
            }),
        }
        last = &service.agency_id;
    }
    agencies
}
