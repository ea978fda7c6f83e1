//! The two pages a citizen meets on the own phone. They need no script and hold no personal data.

use askama::Template;
use axum::extract::{Path, State};
use bytes::Bytes;
use http::StatusCode;
use mpp_kit::fault::Language;
use mpp_proto::queue::v1::{
    Assistance, Estimate, GetTicketByTokenRequest, IssueOnsiteTicketRequest, ListOnsiteServicesRequest,
    ListOnsiteServicesResponse, Priority, PublicTicket, ServiceState, ServiceStatus, TicketState,
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use uuid::Uuid;

use super::{
    WebState,
    visit::{Answer, Frame, Visit},
    words::{self, Words},
};

#[derive(Template)]
#[template(path = "tiket.html")]
struct TicketPage {
    p: Frame,
    token: String,
    number: String,
    long: bool,
    state: &'static str,
    open: bool,
    hall_name: String,
    date: String,
    service_name: String,
    agency_name: String,
    headline: String,
    detail: String,
    waiting: bool,
    ahead: i32,
    estimate: String,
    bring: bool,
    requirements: Vec<String>,
}

/// `/t/{token}`: one ticket, for whoever holds its token.
pub(crate) async fn ticket(State(state): State<WebState>, Path(token): Path<String>, visit: Visit) -> Answer {
    let request = visit.call(GetTicketByTokenRequest { token: token.clone() }, None);
    match state.queue.clone().get_ticket_by_token(request).await {
        Ok(answer) => match answer.into_inner().ticket {
            Some(ticket) => Ok(visit.page(StatusCode::OK, &ticket_page(ticket, token, &visit))),
            None => Err(visit.missing("error.ticket")),
        },
        Err(status)
            if matches!(status.code(), Code::NotFound | Code::InvalidArgument | Code::PermissionDenied) =>
        {
            Err(visit.missing("error.ticket"))
        }
        Err(status) => Err(visit.refused(&status)),
    }
}

fn ticket_page(ticket: PublicTicket, token: String, visit: &Visit) -> TicketPage {
    let t = visit.words();
    let state = state_word(ticket.state());
    let english = visit.language == Language::En && !ticket.service_name_en.is_empty();
    TicketPage {
        headline: t.say(&format!("ticket.headline.{state}"), &[("counter", &ticket.counter_number)]),
        detail: detail(&ticket, state, t),
        waiting: ticket.state() == TicketState::Waiting,
        ahead: ticket.people_ahead,
        estimate: estimate(ticket.estimate.as_ref(), t),
        p: visit.frame(),
        token,
        // Larger than this is set smaller, so that it stays on one line.
        long: ticket.number.chars().count() > 4,
        number: ticket.number,
        state,
        open: ticket.open,
        hall_name: ticket.hall_name,
        date: words::date(&ticket.business_date, visit.language),
        service_name: if english { ticket.service_name_en } else { ticket.service_name },
        agency_name: ticket.agency_name,
        bring: !ticket.requirements.is_empty(),
        requirements: ticket.requirements,
    }
}

fn state_word(state: TicketState) -> &'static str {
    match state {
        TicketState::Unspecified | TicketState::Waiting => "waiting",
        TicketState::Called => "called",
        TicketState::Serving => "serving",
        TicketState::Parked => "parked",
        TicketState::NoShow => "no_show",
        TicketState::Done => "done",
        TicketState::Cancelled => "cancelled",
        TicketState::Expired => "expired",
    }
}

fn detail(ticket: &PublicTicket, state: &str, t: &Words) -> String {
    match state {
        "waiting" if ticket.people_ahead == 0 => t["ticket.detail.next"].clone(),
        "waiting" => t.say("ticket.detail.waiting", &[("n", &ticket.people_ahead)]),
        "called" | "serving" if !ticket.zone_name.is_empty() => {
            t.say("ticket.detail.zone", &[("zone", &ticket.zone_name)])
        }
        other => t[&format!("ticket.detail.{other}")].clone(),
    }
}

/// An estimate in words; says so when there is none.
pub(crate) fn estimate(estimate: Option<&Estimate>, t: &Words) -> String {
    match estimate {
        None => t["estimate.none"].clone(),
        Some(Estimate { max_minutes: ..=1, .. }) => t["estimate.soon"].clone(),
        Some(range) if range.min_minutes == range.max_minutes => {
            t.say("estimate.one", &[("n", &range.max_minutes)])
        }
        Some(range) => t.say("estimate.range", &[("low", &range.min_minutes), ("high", &range.max_minutes)]),
    }
}

#[derive(Template)]
#[template(path = "ambil.html")]
struct OnsitePage {
    p: Frame,
    action: String,
    hall_name: String,
    error: String,
    site_code: String,
    request_id: String,
    agencies: Vec<AgencyChoice>,
    phone: String,
    wants_help: bool,
    priorities: Vec<NeedChoice>,
    assistance: Vec<NeedChoice>,
}

struct AgencyChoice {
    name: String,
    services: Vec<ServiceChoice>,
}

struct ServiceChoice {
    id: String,
    open: bool,
    chosen: bool,
    label: String,
}

struct NeedChoice {
    value: &'static str,
    icon: &'static str,
    label: String,
    chosen: bool,
}

/// Priorities a visitor may choose, with their icons, in the order they are asked.
const PRIORITIES: [(Priority, &str); 6] = [
    (Priority::None, "user"),
    (Priority::Disability, "wheelchair"),
    (Priority::Elderly, "elder"),
    (Priority::Pregnant, "pregnant"),
    (Priority::Child, "child"),
    (Priority::DisasterVictim, "disaster"),
];

/// Kinds of help, with their icons, in the order they are asked.
const ASSISTANCE: [(Assistance, &str); 4] = [
    (Assistance::Wheelchair, "wheelchair"),
    (Assistance::SignLanguage, "sign"),
    (Assistance::Escort, "escort"),
    (Assistance::Reading, "reading"),
];

/// What the visitor filled in.
#[derive(Debug, Default)]
struct Filled {
    site_code: String,
    request_id: String,
    service: String,
    phone: String,
    priority: String,
    assistance: Vec<String>,
}

impl Filled {
    /// From the body of the form; what it does not know it leaves out.
    fn read(body: &[u8]) -> Self {
        let mut filled = Self::default();
        for (name, value) in form_urlencoded::parse(body) {
            let value = value.trim().to_owned();
            match name.as_ref() {
                "kode" => filled.site_code = value,
                "kunci" => filled.request_id = value,
                "layanan" => filled.service = value,
                "telepon" => filled.phone = value,
                "prioritas" => filled.priority = value,
                "bantuan" => filled.assistance.push(value),
                _ => {}
            }
        }
        filled
    }

    /// Which sentence says what is missing, before a service is asked.
    fn missing(&self) -> Option<&'static str> {
        let digits = self.phone.bytes().filter(u8::is_ascii_digit).count();
        if self.service.is_empty() {
            Some("onsite.no_service")
        } else if !(8..=15).contains(&digits) {
            Some("onsite.no_phone")
        } else {
            None
        }
    }
}

/// `/h/{hall}?kode=…`: the form to take a number in the hall.
pub(crate) async fn onsite_form(
    State(state): State<WebState>,
    Path(hall): Path<String>,
    visit: Visit,
) -> Answer {
    let site_code = visit.parameter("kode").unwrap_or_default().to_owned();
    let filled = Filled { site_code, request_id: Uuid::new_v4().to_string(), ..Filled::default() };
    onsite_page(&state, &hall, &visit, filled, StatusCode::OK, String::new()).await
}

/// The form, sent: one ticket, however often it is sent.
pub(crate) async fn onsite_issue(
    State(state): State<WebState>,
    Path(hall): Path<String>,
    visit: Visit,
    body: Bytes,
) -> Answer {
    let mut filled = Filled::read(&body);
    if Uuid::parse_str(&filled.request_id).is_err() {
        filled.request_id = Uuid::new_v4().to_string();
    }
    if let Some(key) = filled.missing() {
        let sentence = visit.words()[key].clone();
        return onsite_page(&state, &hall, &visit, filled, StatusCode::BAD_REQUEST, sentence).await;
    }
    let request = IssueOnsiteTicketRequest {
        request_id: filled.request_id.clone(),
        hall: hall.clone(),
        site_code: filled.site_code.clone(),
        service_id: filled.service.clone(),
        priority: Priority::from_str_name(&filled.priority).unwrap_or_default().into(),
        assistance: filled
            .assistance
            .iter()
            .filter_map(|name| Assistance::from_str_name(name))
            .map(Into::into)
            .collect(),
        phone: filled.phone.clone(),
    };
    match state.queue.clone().issue_onsite_ticket(visit.call(request, None)).await {
        Ok(answer) => match answer.into_inner().ticket {
            Some(ticket) => Ok(visit.redirect(&format!("/t/{}", utf8_percent_encode(&ticket.token, TOKEN)))),
            None => Err(visit.broken()),
        },
        Err(status) if is_stale_code(&status) => Err(visit.stale_code()),
        Err(status) => {
            // Without a clear answer the same key is kept: sent again, it is the same ticket. A refusal is an answer.
            let unclear = matches!(
                status.code(),
                Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled | Code::Unknown
            );
            if !unclear {
                filled.request_id = Uuid::new_v4().to_string();
            }
            let http = crate::problem::http_status(status.code());
            let sentence = visit.sentence(&status);
            onsite_page(&state, &hall, &visit, filled, http, sentence).await
        }
    }
}

/// Tokens are base64url: what stands in them needs no escape.
pub(crate) const TOKEN: &percent_encoding::AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_');

fn is_stale_code(status: &Status) -> bool {
    status.get_error_details().error_info().is_some_and(|info| info.reason == "SITE_CODE_INVALID")
}

async fn onsite_page(
    state: &WebState,
    hall: &str,
    visit: &Visit,
    filled: Filled,
    http: StatusCode,
    error: String,
) -> Answer {
    let request = ListOnsiteServicesRequest {
        hall: hall.to_owned(),
        site_code: filled.site_code.clone(),
        ..Default::default()
    };
    let offered = match state.queue.clone().list_onsite_services(visit.call(request, None)).await {
        Ok(offered) => offered.into_inner(),
        Err(status) if is_stale_code(&status) || status.code() == Code::PermissionDenied => {
            return Err(visit.stale_code());
        }
        Err(status) => return Err(visit.refused(&status)),
    };
    let t = visit.words();
    let ListOnsiteServicesResponse { services, hall_name, .. } = offered;
    let page = OnsitePage {
        p: visit.frame(),
        action: format!("/h/{}", utf8_percent_encode(hall, TOKEN)),
        hall_name,
        error,
        agencies: by_agency(services, &filled.service, visit),
        wants_help: !filled.assistance.is_empty()
            || !matches!(filled.priority.as_str(), "" | "PRIORITY_NONE"),
        priorities: PRIORITIES
            .iter()
            .map(|(priority, icon)| {
                let value = priority.as_str_name();
                let chosen =
                    filled.priority == value || (filled.priority.is_empty() && *priority == Priority::None);
                NeedChoice { value, icon, label: need(value, t), chosen }
            })
            .collect(),
        assistance: ASSISTANCE
            .iter()
            .map(|(help, icon)| {
                let value = help.as_str_name();
                NeedChoice {
                    value,
                    icon,
                    label: need(value, t),
                    chosen: filled.assistance.iter().any(|one| one == value),
                }
            })
            .collect(),
        site_code: filled.site_code,
        request_id: filled.request_id,
        phone: filled.phone,
    };
    Ok(visit.page(http, &page))
}

fn need(name: &str, t: &Words) -> String {
    t[&format!("need.{}", name.to_lowercase())].clone()
}

/// Services under their agencies, in the order they came.
fn by_agency(services: Vec<ServiceStatus>, chosen: &str, visit: &Visit) -> Vec<AgencyChoice> {
    let t = visit.words();
    let mut agencies: Vec<AgencyChoice> = Vec::new();
    for service in services {
        let open = service.state() == ServiceState::Open;
        let english = visit.language == Language::En && !service.name_en.is_empty();
        let name = if english { &service.name_en } else { &service.name };
        let state = match (open, service.waiting) {
            (false, _) => format!("{}: {}", t["kiosk.closed"], service.reason),
            (true, 0) => t["kiosk.waiting_none"].clone(),
            (true, waiting) => t.say("kiosk.waiting_n", &[("n", &waiting)]),
        };
        let choice = ServiceChoice {
            chosen: open && service.id == chosen,
            label: format!("{name} · {state}"),
            open,
            id: service.id,
        };
        match agencies.last_mut().filter(|agency| agency.name == service.agency_name) {
            Some(agency) => agency.services.push(choice),
            None => agencies.push(AgencyChoice { name: service.agency_name, services: vec![choice] }),
        }
    }
    agencies
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_form_and_says_what_is_missing() {
        let filled = Filled::read(b"kode=abc&kunci=k&layanan=svc_1&telepon=+62+812-3456-7890&prioritas=PRIORITY_ELDERLY&bantuan=ASSISTANCE_ESCORT&bantuan=ASSISTANCE_READING&other=1");
        assert_eq!(
            (filled.site_code.as_str(), filled.service.as_str(), filled.assistance.len()),
            ("abc", "svc_1", 2)
        );
        assert_eq!(filled.missing(), None);
        assert_eq!(Filled::read(b"telepon=081234567890").missing(), Some("onsite.no_service"));
        for phone in ["", "abc", "0812", "12345678901234567890"] {
            let body = format!("layanan=svc_1&telepon={phone}");
            assert_eq!(Filled::read(body.as_bytes()).missing(), Some("onsite.no_phone"), "{phone}");
        }
    }

    #[test]
    fn says_a_range_and_says_when_there_is_none() {
        let t = Words::of(Language::Id);
        let range = |min_minutes, max_minutes| estimate(Some(&Estimate { min_minutes, max_minutes }), t);
        assert_eq!(range(5, 12), "5–12 menit");
        assert_eq!(range(7, 7), "± 7 menit");
        assert_eq!(range(0, 1), "Segera");
        assert_eq!(estimate(None, t), "Belum ada loket buka");
    }

    #[test]
    fn every_state_has_its_words() {
        let states = [
            TicketState::Waiting,
            TicketState::Called,
            TicketState::Serving,
            TicketState::Parked,
            TicketState::NoShow,
            TicketState::Done,
            TicketState::Cancelled,
            TicketState::Expired,
        ];
        for language in [Language::Id, Language::En] {
            let t = Words::of(language);
            for state in states.map(state_word) {
                assert!(!t[&format!("ticket.headline.{state}")].is_empty());
                assert!(!detail(&PublicTicket::default(), state, t).is_empty());
            }
        }
    }
}
