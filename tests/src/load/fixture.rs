//! What is loaded: halls of its own beside the demo hall, people who work there, connections.
//!
//! The demo hall stays clean. The load halls keep their codes, so that a second run finds them; accounts and the board
//! are new in each run and end with it.

use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, bail};
use futures::{StreamExt as _, TryStreamExt as _};
use mpp::demo::accounts::{self, DemoAccounts};
use mpp::demo::rest::{Credentials, Rest, Session};
use mpp::demo::wire;
use mpp::seeding::Bearer;
use mpp_proto::identity::v1::{
    CreateAccountResponse, DisableAccountResponse, EnrolDeviceResponse, RevokeDeviceResponse,
};
use mpp_proto::queue::v1 as queue;
use mpp_proto::queue::v1::queue_service_client::QueueServiceClient;
use mpp_proto::queue::v1::{Calendar, DayState, EventKind, Hall, TicketState, TimeZone};
use serde_json::json;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};

use super::DEPTHS;

/// Counters of the hall in which calls are counted: enough that a client need not clear its counter between two calls.
pub const CALLING: usize = 256;

/// Counters at which boards are rung.
pub const RINGING: usize = 64;

/// Counters of a hall in which the cost of a call by depth is measured: one client calls there.
pub const DEEP: usize = 1;

/// Accounts that call and issue in the main hall. Clients share them; each stays far below the limit of requests per account.
const CREW: usize = 16;

/// Accounts that work in the deep halls. They are others: a token with a grant for each hall is not what people sign in with.
const DEEP_CREW: usize = 4;

/// Clients that share one connection: one HTTP/2 connection tops out before a server does.
const PER_CONNECTION: usize = 16;

/// Requests at once while preparing and clearing.
const BUSY: usize = 64;

/// A client of the queue that acts as one of the crew.
pub type Client = QueueServiceClient<InterceptedService<Channel, Bearer>>;

/// A hall that is loaded.
#[derive(Debug, Clone)]
pub struct LoadHall {
    /// Its id.
    pub id: String,
    /// The service whose tickets are issued and called.
    pub service: String,
    /// The service whose calls ring boards; empty where there is none.
    pub ringing: String,
    /// Counters for the service.
    pub counters: Vec<String>,
    /// Counters for the ringing service.
    pub ringing_counters: Vec<String>,
}

/// Everything that is prepared.
pub struct Fixture {
    /// Where REST answers.
    pub base_url: String,
    /// The hall of issue, callNext and boards.
    pub main: LoadHall,
    /// The halls of the cost by depth, with how many wait there.
    pub deep: Vec<(usize, LoadHall)>,
    /// The key of the board.
    pub board_key: String,
    /// The event of a call, as JSON: what the rows of the ceilings hold.
    pub event: String,
    admin: Session,
    crew: Vec<Session>,
    names: Vec<String>,
    board: String,
    tokens: Mutex<Vec<String>>,
    channels: Vec<Channel>,
}

impl Fixture {
    /// Makes halls, accounts, a board, connections; opens days and counters.
    ///
    /// # Errors
    /// When the suite does not answer or refuses.
    pub async fn prepare(base_url: &str, grpc_url: &str, accounts: &DemoAccounts) -> anyhow::Result<Self> {
        let rest = Rest::new(base_url)?;
        let admin = accounts.with_role("admin").context("the file of accounts names no admin")?;
        let admin = rest.session(Credentials::Staff {
            username: admin.username.clone(),
            password: admin.password.clone(),
        });
        admin.sign_in().await.with_context(|| format!("is the suite running at {base_url}?"))?;

        let main = apply(&admin, configuration("BEBAN", CALLING, RINGING)).await?;
        let mut deep = Vec::new();
        for depth in DEPTHS {
            deep.push((depth, apply(&admin, configuration(&format!("BEBAN-{depth}"), DEEP, 0)).await?));
        }
        let (mut crew, mut names) = (Vec::new(), Vec::new());
        let deep_halls: Vec<&LoadHall> = deep.iter().map(|(_, hall)| hall).collect();
        for (accounts, halls) in [(CREW, vec![&main]), (DEEP_CREW, deep_halls)] {
            let (more, called) = hire(&rest, &admin, accounts, &halls).await?;
            crew.extend(more);
            names.extend(called);
        }
        let body = json!({ "kind": "DEVICE_KIND_BOARD", "hallId": main.id, "label": "Papan uji beban" });
        let enrolled: EnrolDeviceResponse =
            admin.post("/v1/devices", &key(), body).await.required("enrolling a board")?;
        let channels = (0..CREW.max(64) / PER_CONNECTION)
            .map(|_| Ok(Endpoint::from_shared(grpc_url.to_owned())?.tcp_nodelay(true).connect_lazy()))
            .collect::<anyhow::Result<Vec<_>>>()?;
        let mut fixture = Self {
            base_url: base_url.to_owned(),
            main,
            deep,
            board_key: enrolled.device_key,
            event: String::new(),
            admin,
            crew,
            names,
            board: enrolled.device.unwrap_or_default().id,
            tokens: Mutex::default(),
            channels,
        };
        fixture.sign_in().await?;
        fixture.open().await?;
        fixture.event = fixture.event_of_a_call().await?;
        Ok(fixture)
    }

    /// Renews the tokens of the crew; they live ten minutes.
    ///
    /// # Errors
    /// When signing in is refused.
    pub async fn sign_in(&self) -> anyhow::Result<()> {
        let mut tokens = Vec::new();
        for session in &self.crew {
            session.sign_in().await?;
            tokens.push(session.access_token().await?);
        }
        *self.tokens.lock().unwrap_or_else(PoisonError::into_inner) = tokens;
        Ok(())
    }

    /// The token of a member of the crew that works in a hall.
    ///
    /// # Errors
    /// When nobody has signed in.
    pub fn token(&self, hall: &str, nth: usize) -> anyhow::Result<String> {
        let at = if hall == self.main.id { nth % CREW } else { CREW + nth % DEEP_CREW };
        let tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.get(at).cloned().context("nobody has signed in")
    }

    /// A client for the `nth` of the clients that work at once in a hall.
    ///
    /// # Errors
    /// When nobody has signed in.
    pub fn client(&self, hall: &str, nth: usize) -> anyhow::Result<Client> {
        let channel = self.channels[(nth / PER_CONNECTION) % self.channels.len()].clone();
        Ok(QueueServiceClient::with_interceptor(channel, Bearer::new(&self.token(hall, nth)?)?))
    }

    fn clients(&self, hall: &str) -> anyhow::Result<Vec<Client>> {
        (0..BUSY).map(|nth| self.client(hall, nth)).collect()
    }

    /// Ends these tickets, all of one hall, without measuring it: one absent call is enough in a load hall.
    ///
    /// # Errors
    /// When the suite refuses.
    pub async fn release(&self, tickets: Vec<queue::Ticket>) -> anyhow::Result<()> {
        let Some(first) = tickets.first() else { return Ok(()) };
        let clients = self.clients(&first.hall_id)?;
        futures::stream::iter(tickets.into_iter().enumerate())
            .map(|(nth, ticket)| {
                let mut client = clients[nth % BUSY].clone();
                async move {
                    let request = queue::NoShowTicketRequest {
                        request_id: key(),
                        ticket: ticket.id,
                        version: ticket.version,
                        // Another member of the crew may have opened that counter.
                        reason: "beban selesai".to_owned(),
                    };
                    let ended = client.no_show_ticket(request).await?.into_inner().ticket.unwrap_or_default();
                    if ended.state() != TicketState::NoShow {
                        bail!("ticket {} did not end", ended.number);
                    }
                    Ok(())
                }
            })
            .buffer_unordered(BUSY)
            .try_collect::<()>()
            .await
    }

    /// Issues tickets, without measuring it.
    ///
    /// # Errors
    /// When the suite refuses.
    pub async fn fill(&self, hall: &str, service: &str, tickets: usize) -> anyhow::Result<()> {
        let clients = self.clients(hall)?;
        futures::stream::iter(0..tickets)
            .map(|nth| {
                let mut client = clients[nth % BUSY].clone();
                let request = issue_request(hall, service);
                async move { client.issue_ticket(request).await.map(|_| ()) }
            })
            .buffer_unordered(BUSY)
            .try_collect::<()>()
            .await
            .context("filling a queue")
    }

    /// How many wait for a service.
    ///
    /// # Errors
    /// When the suite does not answer.
    pub async fn waiting(&self, hall: &str, service: &str) -> anyhow::Result<usize> {
        let request =
            queue::ListServicesRequest { hall: hall.to_owned(), page_size: 500, page_token: String::new() };
        let services = self.client(hall, 0)?.list_services(request).await?.into_inner().services;
        let found =
            services.iter().find(|status| status.id == service).context("the service is not listed")?;
        Ok(usize::try_from(found.waiting)?)
    }

    /// Empties and closes the halls; disables the accounts and the board of this run.
    ///
    /// # Errors
    /// The first thing that could not be done; the rest is tried nevertheless.
    pub async fn clear(&self) -> anyhow::Result<()> {
        let mut first = self.sign_in().await;
        let halls = std::iter::once(&self.main).chain(self.deep.iter().map(|(_, hall)| hall));
        for hall in halls {
            first = first.and(self.empty(hall).await).and(close_day(&self.admin, &hall.id).await);
            // A suite that starts reads the latest day of each hall: leave it an empty one.
            first =
                first.and(open_day(&self.admin, &hall.id).await).and(close_day(&self.admin, &hall.id).await);
        }
        for name in &self.names {
            let path = format!("/v1/accounts/{name}:disable");
            let done = self.admin.post::<DisableAccountResponse>(&path, &key(), json!({})).await;
            first = first.and(done.required("disabling an account").map(|_| ()));
        }
        let path = format!("/v1/devices/{}:revoke", self.board);
        let done = self.admin.post::<RevokeDeviceResponse>(&path, &key(), json!({})).await;
        first.and(done.required("revoking the board").map(|_| ()))
    }

    /// Cancels every open ticket, so that closing the day has nothing to expire.
    async fn empty(&self, hall: &LoadHall) -> anyhow::Result<()> {
        let clients = self.clients(&hall.id)?;
        loop {
            let open = [TicketState::Waiting, TicketState::Called, TicketState::Serving, TicketState::Parked];
            let request = queue::ListTicketsRequest {
                hall: hall.id.clone(),
                states: open.map(Into::into).to_vec(),
                page_size: 200,
                ..queue::ListTicketsRequest::default()
            };
            let tickets = clients[0].clone().list_tickets(request).await?.into_inner().tickets;
            if tickets.is_empty() {
                return Ok(());
            }
            futures::stream::iter(tickets.into_iter().enumerate())
                .map(|(nth, ticket)| {
                    let mut client = clients[nth % BUSY].clone();
                    let request = queue::CancelTicketRequest {
                        request_id: key(),
                        ticket: ticket.id,
                        reason: "beban selesai".to_owned(),
                        ..Default::default()
                    };
                    async move { client.cancel_ticket(request).await.map(|_| ()) }
                })
                .buffer_unordered(BUSY)
                .try_collect::<()>()
                .await?;
        }
    }

    /// Opens fresh days and every counter.
    async fn open(&self) -> anyhow::Result<()> {
        for hall in std::iter::once(&self.main).chain(self.deep.iter().map(|(_, hall)| hall)) {
            // A run that was cut short left its day open.
            let known = self
                .client(&hall.id, 0)?
                .get_hall(queue::GetHallRequest { hall: hall.id.clone() })
                .await?
                .into_inner()
                .hall;
            if known.and_then(|hall| hall.day).is_some_and(|day| day.state() == DayState::Open) {
                self.empty(hall).await?;
                close_day(&self.admin, &hall.id).await?;
            }
            open_day(&self.admin, &hall.id).await?;
            let clients = self.clients(&hall.id)?;
            futures::stream::iter(hall.counters.iter().chain(&hall.ringing_counters).enumerate())
                .map(|(nth, counter)| {
                    let mut client = clients[nth % BUSY].clone();
                    let request = queue::OpenCounterRequest {
                        request_id: key(),
                        counter: counter.clone(),
                        ..Default::default()
                    };
                    async move { client.open_counter(request).await.map(|_| ()) }
                })
                .buffer_unordered(BUSY)
                .try_collect::<()>()
                .await
                .context("opening the counters")?;
        }
        Ok(())
    }

    /// Issues and calls one ticket and reads its event.
    async fn event_of_a_call(&self) -> anyhow::Result<String> {
        self.fill(&self.main.id, &self.main.service, 1).await?;
        let ticket = call(&mut self.client(&self.main.id, 0)?, &self.main.counters[0]).await?;
        self.release(vec![ticket]).await?;
        let path = format!("/v1/halls/{}/events", self.main.id);
        let page: queue::ListEventsResponse =
            self.admin.get(&path, &[("pageSize", "1000")]).await.required("reading the event log")?;
        let called = page.events.iter().find(|event| event.kind() == EventKind::TicketCalled);
        Ok(wire::to_json(called.context("the log holds no call")?)?.to_string())
    }
}

/// A request id of its own.
#[must_use]
pub fn key() -> String {
    format!("{:032x}", rand::random::<u128>())
}

/// The request of one ticket.
#[must_use]
pub fn issue_request(hall: &str, service: &str) -> queue::IssueTicketRequest {
    queue::IssueTicketRequest {
        request_id: key(),
        hall: hall.to_owned(),
        service_id: service.to_owned(),
        ..queue::IssueTicketRequest::default()
    }
}

/// Calls the next ticket, and makes sure that it was called to this counter.
///
/// # Errors
/// When it was refused, or another thing happened.
pub async fn call(client: &mut Client, counter: &str) -> anyhow::Result<queue::Ticket> {
    let request = queue::CallNextRequest {
        request_id: key(),
        counter: counter.to_owned(),
        expected_current: Some(String::new()),
    };
    let ticket = client.call_next(request).await.context("callNext")?.into_inner().ticket.unwrap_or_default();
    if ticket.state() != TicketState::Called || ticket.counter_id != counter {
        bail!("callNext answered a ticket that is not called to this counter");
    }
    Ok(ticket)
}

async fn open_day(admin: &Session, hall: &str) -> anyhow::Result<()> {
    let path = format!("/v1/halls/{hall}:openDay");
    admin.post::<queue::OpenDayResponse>(&path, &key(), json!({})).await.required("opening a day").map(|_| ())
}

async fn close_day(admin: &Session, hall: &str) -> anyhow::Result<()> {
    let path = format!("/v1/halls/{hall}:closeDay");
    admin
        .post::<queue::CloseDayResponse>(&path, &key(), json!({}))
        .await
        .required("closing a day")
        .map(|_| ())
}

fn configuration(code: &str, counters: usize, ringing: usize) -> Hall {
    let service = |code: &str, prefix: &str| queue::Service {
        code: code.to_owned(),
        name: format!("Layanan {code}"),
        agency_code: "BEBAN".to_owned(),
        series: Some(queue::Series { prefix: prefix.to_owned(), digits: 5, ..queue::Series::default() }),
        promised_minutes: 5,
        max_calls: 1,
        ..queue::Service::default()
    };
    let counter = |nth: usize, service: &str| queue::Counter {
        number: nth.to_string(),
        agency_code: "BEBAN".to_owned(),
        zone_code: "A".to_owned(),
        service_codes: vec![service.to_owned()],
        ..queue::Counter::default()
    };
    let mut services = vec![service("TIKET", "L")];
    let mut all: Vec<queue::Counter> = (1..=counters).map(|nth| counter(nth, "TIKET")).collect();
    if ringing > 0 {
        services.push(service("PAPAN", "P"));
        all.extend((counters + 1..=counters + ringing).map(|nth| counter(nth, "PAPAN")));
    }
    Hall {
        code: code.to_owned(),
        name: format!("Uji beban {code}"),
        time_zone: TimeZone::Wib.into(),
        calendar: Calendar::Demo.into(),
        zones: vec![queue::Zone { code: "A".to_owned(), name: "Zona A".to_owned() }],
        agencies: vec![queue::Agency {
            code: "BEBAN".to_owned(),
            name: "Uji beban".to_owned(),
            ..Default::default()
        }],
        services,
        counters: all,
        ..Hall::default()
    }
}

async fn apply(admin: &Session, hall: Hall) -> anyhow::Result<LoadHall> {
    let body = json!({ "hall": wire::to_json(&hall)? });
    let answer: queue::ApplyHallResponse =
        admin.post("/v1/halls:apply", &key(), body).await.required("applying a load hall")?;
    let hall = answer.hall.context("the suite answered no hall")?;
    let service = |code: &str| {
        hall.services.iter().find(|it| it.code == code).map(|it| it.id.clone()).unwrap_or_default()
    };
    let counters = |code: &str| -> Vec<String> {
        let of = |counter: &&queue::Counter| counter.service_codes.iter().any(|it| it == code);
        hall.counters.iter().filter(of).map(|counter| counter.id.clone()).collect()
    };
    Ok(LoadHall {
        service: service("TIKET"),
        ringing: service("PAPAN"),
        counters: counters("TIKET"),
        ringing_counters: counters("PAPAN"),
        id: hall.id,
    })
}

/// Accounts that manage the load halls: only those who supervise may work at several counters at once.
async fn hire(
    rest: &Rest,
    admin: &Session,
    accounts: usize,
    halls: &[&LoadHall],
) -> anyhow::Result<(Vec<Session>, Vec<String>)> {
    let grants: Vec<_> =
        halls.iter().map(|hall| json!({ "role": "ROLE_HALL_MANAGER", "hallId": hall.id })).collect();
    let run = format!("{:08x}", rand::random::<u32>());
    let (mut crew, mut names) = (Vec::new(), Vec::new());
    for nth in 0..accounts {
        let (username, password) = (format!("beban.{run}.{nth}"), accounts::password());
        let body = json!({
            "username": username, "displayName": format!("Uji beban {nth}"), "password": password, "grants": grants,
        });
        let made = admin.post::<CreateAccountResponse>("/v1/accounts", &key(), body).await;
        made.required("creating a load account")?;
        crew.push(rest.session(Credentials::Staff { username: username.clone(), password }));
        names.push(username);
    }
    Ok((crew, names))
}
