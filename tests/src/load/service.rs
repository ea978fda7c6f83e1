//! What the queue does: issue, callNext, the cost of a call by depth, a cheap REST call.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use mpp_kit::redis::Redis;
use mpp_proto::queue::v1::Ticket;
use tonic::Code;

use super::DEPTHS;
use super::fixture::{self, Fixture, LoadHall};
use super::measure::{Sample, Samples, closed_loop};

/// Calls of a run of [`depth`].
const DEPTH_CALLS: usize = 200;

/// Operations of a run by how many clients work.
fn operations(clients: usize) -> usize {
    match clients {
        1 => 400,
        16 => 2_000,
        _ => 6_400,
    }
}

/// Issues tickets of the main hall: as many as [`call_next`] will call.
///
/// # Errors
/// When one is refused, or a number was given twice.
pub async fn issue(fixture: &Fixture, clients: usize, samples: &mut Samples) -> anyhow::Result<()> {
    let LoadHall { id, service, .. } = &fixture.main;
    let before = fixture.waiting(id, service).await?;
    let numbers = Arc::new(Mutex::new(HashSet::new()));
    let ready =
        (0..clients).map(|nth| fixture.client(&fixture.main.id, nth)).collect::<anyhow::Result<Vec<_>>>()?;
    let total = operations(clients) / clients * clients;
    let sample = closed_loop(clients, total / clients, |nth| {
        let (client, hall, service) = (ready[nth].clone(), id.clone(), service.clone());
        let numbers = Arc::clone(&numbers);
        move |_| {
            let (mut client, request) = (client.clone(), fixture::issue_request(&hall, &service));
            let numbers = Arc::clone(&numbers);
            async move {
                let ticket = client
                    .issue_ticket(request)
                    .await
                    .context("issue")?
                    .into_inner()
                    .ticket
                    .unwrap_or_default();
                let new =
                    numbers.lock().unwrap_or_else(PoisonError::into_inner).insert(ticket.number.clone());
                ensure!(new && !ticket.number.is_empty(), "number {:?} was given twice", ticket.number);
                Ok(())
            }
        }
    })
    .await?;
    let waiting = fixture.waiting(id, service).await?;
    ensure!(waiting == before + total, "{total} tickets were issued, but {before} waiting became {waiting}");
    samples.push(format!("issue@{clients}"), sample);
    Ok(())
}

/// Calls the tickets that [`issue`] issued. Each client has counters enough to call several times in a row; ending the
/// calls lies between the measured phases.
///
/// # Errors
/// When one is refused, or a ticket was called twice.
pub async fn call_next(fixture: &Fixture, clients: usize, samples: &mut Samples) -> anyhow::Result<()> {
    let counters: Arc<[String]> = fixture.main.counters.clone().into();
    let ready =
        (0..clients).map(|nth| fixture.client(&fixture.main.id, nth)).collect::<anyhow::Result<Vec<_>>>()?;
    let (mut left, mut sample) = (operations(clients) / clients, Sample::default());
    let mut seen = HashSet::new();
    while left > 0 {
        let each = left.min(counters.len() / clients);
        let called: Arc<Mutex<Vec<Ticket>>> = Arc::default();
        let phase = closed_loop(clients, each, |nth| {
            let (client, counters, called) = (ready[nth].clone(), Arc::clone(&counters), Arc::clone(&called));
            move |operation| {
                let counter = counters[nth + operation * clients].clone();
                let (mut client, called) = (client.clone(), Arc::clone(&called));
                async move {
                    let ticket = fixture::call(&mut client, &counter).await?;
                    called.lock().unwrap_or_else(PoisonError::into_inner).push(ticket);
                    Ok(())
                }
            }
        })
        .await?;
        sample.append(phase);
        let called = std::mem::take(&mut *called.lock().unwrap_or_else(PoisonError::into_inner));
        ensure!(called.len() == each * clients, "{} of {} calls happened", called.len(), each * clients);
        ensure!(called.iter().all(|ticket| seen.insert(ticket.id.clone())), "a ticket was called twice");
        fixture.release(called).await?;
        left -= each;
    }
    samples.push(format!("callNext@{clients}"), sample);
    Ok(())
}

/// The cost of a call, by one client, while so many wait. Each called ticket is ended and replaced before the next call,
/// at every depth alike.
///
/// # Errors
/// When one is refused, or fewer wait than should.
pub async fn depth(fixture: &Fixture, depth: usize, round: u32, samples: &mut Samples) -> anyhow::Result<()> {
    let Some((_, hall)) = fixture.deep.iter().find(|(waiting, _)| *waiting == depth) else { return Ok(()) };
    let waiting = fixture.waiting(&hall.id, &hall.service).await?;
    fixture.fill(&hall.id, &hall.service, depth.saturating_sub(waiting)).await?;
    let mut client = fixture.client(&hall.id, 0)?;
    let mut sample = Sample::default();
    let counter = hall.counters.first().context("a load hall has counters")?;
    for _ in 0..DEPTH_CALLS {
        let began = Instant::now();
        let called = fixture::call(&mut client, counter).await?;
        let took = began.elapsed();
        sample.latencies.push(took);
        sample.elapsed += took;
        fixture.release(vec![called]).await?;
        fixture.fill(&hall.id, &hall.service, 1).await?;
    }
    let waiting = fixture.waiting(&hall.id, &hall.service).await?;
    ensure!(waiting == depth, "round {round}: {waiting} wait where {depth} should");
    samples.push(format!("callNext with {depth} waiting"), sample);
    Ok(())
}

/// Tickets of the day whose log is lost in [`rebuild`].
pub const REBUILT: usize = 2_000;
/// How long a hall may take before the benchmark is given up.
const REBUILD_PATIENCE: Duration = Duration::from_secs(30);

/// From the moment at which Redis has lost the log of a hall to the next answer of that hall, which has to read its day from SQL
/// and write the log anew: the hall of a day of [`REBUILT`] tickets, all waiting. `redis` is the private server of the suite.
///
/// # Errors
/// When Redis held no log, when the hall refuses anything but for a moment, or when a number was lost or given twice.
pub async fn rebuild(fixture: &Fixture, redis: &Redis, samples: &mut Samples) -> anyhow::Result<()> {
    let (_, hall) = fixture.deep.iter().find(|(depth, _)| *depth == DEPTHS[1]).context("a deep hall")?;
    let waiting = fixture.waiting(&hall.id, &hall.service).await?;
    fixture.fill(&hall.id, &hall.service, REBUILT.saturating_sub(waiting)).await?;
    let before = fixture.waiting(&hall.id, &hall.service).await?;
    let keys = ["meta", "log"].map(|part| format!("q:{{{}}}:{part}", hall.id));
    let lost: usize = redis::cmd("DEL").arg(&keys).query_async(&mut redis.connection()).await?;
    ensure!(lost == keys.len(), "Redis held no log of the hall");
    let (began, mut client) = (Instant::now(), fixture.client(&hall.id, 0)?);
    let request = fixture::issue_request(&hall.id, &hall.service);
    loop {
        match client.issue_ticket(request.clone()).await {
            Ok(_) => break,
            // What it says while it cannot answer; a client asks again with the same request id.
            Err(status) if status.code() == Code::Unavailable && began.elapsed() < REBUILD_PATIENCE => {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            Err(status) => return Err(status).context("issue after the log was lost"),
        }
    }
    let took = began.elapsed();
    let after = fixture.waiting(&hall.id, &hall.service).await?;
    ensure!(after == before + 1, "{before} waited, and after one ticket more {after}");
    samples.push(REBUILD, Sample { latencies: vec![took], elapsed: took });
    Ok(())
}

/// The name of the benchmark [`rebuild`].
pub const REBUILD: &str = "hall whose log was lost";

/// A REST call that passes authorization and does next to nothing: what the transcoding costs.
///
/// # Errors
/// When it is refused.
pub async fn rest_read(fixture: &Fixture, samples: &mut Samples) -> anyhow::Result<()> {
    let http = reqwest::Client::new();
    let url = format!("{}/v1/halls/{}/siteCode", fixture.base_url, fixture.main.id);
    let token = fixture.token(&fixture.main.id, 0)?;
    let sample = closed_loop(1, 1_000, |_| {
        let (http, url, token) = (http.clone(), url.clone(), token.clone());
        move |_| {
            let request = http.get(&url).bearer_auth(&token);
            async move {
                let answer: serde_json::Value = request.send().await?.error_for_status()?.json().await?;
                ensure!(answer["code"].as_str().is_some_and(|code| !code.is_empty()), "no site code");
                Ok(())
            }
        }
    })
    .await?;
    samples.push("REST read@1", sample);
    Ok(())
}
