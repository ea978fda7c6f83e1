//! What SQL and Redis hold after a test, checked without the service: one chain without gaps, each number once, versions
//! that follow each other, intervals of holding that never overlap, projections that equal the log.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use sea_orm::{ConnectionTrait as _, QueryResult, Statement};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::house::House;

const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

async fn rows(house: &House, sql: &str) -> Vec<QueryResult> {
    let connection = &house.db.db.write;
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    connection.query_all_raw(statement).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
}

fn text(row: &QueryResult, column: &str) -> String {
    row.try_get("", column).unwrap_or_else(|error| panic!("{column}: {error}"))
}

fn number(row: &QueryResult, column: &str) -> i64 {
    row.try_get("", column).unwrap_or_else(|error| panic!("{column}: {error}"))
}

/// An entry of the log as SQL holds it.
struct Logged {
    seq: i64,
    date: String,
    request: Option<String>,
    body: Value,
}

/// Reads the whole log and checks chain and order on the way.
async fn log(house: &House) -> Vec<Logged> {
    let mut chain = GENESIS.to_owned();
    let mut log = Vec::new();
    for (at, row) in rows(house, "SELECT seq, chain, body, date, request_id FROM queue_event ORDER BY seq")
        .await
        .iter()
        .enumerate()
    {
        let (seq, body) = (number(row, "seq"), text(row, "body"));
        assert_eq!(seq, i64::try_from(at).expect("small") + 1, "the log has a gap");
        let mut hash = Sha256::new();
        hash.update(chain.as_bytes());
        hash.update(u64::try_from(seq).expect("positive").to_be_bytes());
        hash.update(body.as_bytes());
        chain = hex::encode(hash.finalize());
        assert_eq!(text(row, "chain"), chain, "the chain breaks at {seq}");
        let body = serde_json::from_str(&body).expect("an event is JSON");
        let request = row.try_get("", "request_id").expect("text or null");
        log.push(Logged { seq, date: text(row, "date"), request, body });
    }
    let shard = rows(house, "SELECT seq, chain, state FROM queue_shard").await;
    assert_eq!(shard.len(), 1);
    assert_eq!(
        number(&shard[0], "seq"),
        log.last().map_or(0, |entry| entry.seq),
        "the shard row is the end of the log"
    );
    assert_eq!(text(&shard[0], "chain"), chain);
    log
}

fn is_held(ticket: &Value) -> bool {
    ticket["state"] == "called" || ticket["state"] == "serving"
}

/// Checks everything that the log and its projections must hold. Call it when nothing is under way.
pub(crate) async fn verify(house: &House) {
    let log = log(house).await;
    let mut numbers: BTreeMap<(String, String), i64> = BTreeMap::new();
    let mut labels = HashSet::new();
    let mut versions: HashMap<String, i64> = HashMap::new();
    let mut last: BTreeMap<String, Value> = BTreeMap::new();
    let mut holders: HashMap<String, String> = HashMap::new();
    let mut requests = HashSet::new();
    for entry in &log {
        if let Some(request) = &entry.request {
            assert!(requests.insert((entry.date.clone(), request.clone())), "{request} had two effects");
        }
        let ticket = &entry.body["ticket"];
        if ticket.is_null() {
            continue;
        }
        let id = ticket["id"].as_str().expect("an id").to_owned();
        let version = ticket["version"].as_i64().expect("a version");
        let before = versions.insert(id.clone(), version).unwrap_or(0);
        assert_eq!(version, before + 1, "version at {}", entry.seq);
        if entry.body["kind"] == "ticket_issued" {
            let series = (entry.date.clone(), ticket["series"].as_str().expect("a series").to_owned());
            let ordinal = ticket["ordinal"].as_i64().expect("a number");
            let former = numbers.insert(series, ordinal);
            assert!(former.is_none_or(|former| former + 1 == ordinal), "{ordinal} after {former:?}");
            assert!(
                labels.insert((entry.date.clone(), ticket["number"].to_string())),
                "{} twice",
                ticket["number"]
            );
        }
        // One after the other: a counter takes a ticket only when it holds none, and a ticket is held by one counter.
        let counter = ticket["counter"].as_str().map(str::to_owned);
        holders.retain(|_, held| *held != id);
        if is_held(ticket) {
            let counter = counter.expect("a held ticket has a counter");
            assert_eq!(
                holders.insert(counter.clone(), id.clone()),
                None,
                "{counter} holds two at {}",
                entry.seq
            );
        }
        last.insert(id, ticket.clone());
    }
    // Projections.
    let stored: BTreeMap<String, (i64, String)> = rows(house, "SELECT id, version, state FROM queue_ticket")
        .await
        .iter()
        .map(|row| {
            (
                text(row, "id"),
                (i64::from(row.try_get::<i32>("", "version").expect("a version")), text(row, "state")),
            )
        })
        .collect();
    let expected: BTreeMap<String, (i64, String)> = last
        .iter()
        .map(|(id, ticket)| {
            (
                id.clone(),
                (
                    ticket["version"].as_i64().expect("a version"),
                    ticket["state"].as_str().expect("a state").to_owned(),
                ),
            )
        })
        .collect();
    assert_eq!(stored, expected, "the tickets are those of the log");
    let open: BTreeSet<(String, String)> =
        rows(house, "SELECT ticket_id, counter_id FROM queue_serving WHERE to_seq IS NULL")
            .await
            .iter()
            .map(|row| (text(row, "counter_id"), text(row, "ticket_id")))
            .collect();
    assert_eq!(open, holders.into_iter().collect(), "who holds whom is what the log says");
    intervals(house).await;
    redis(house, log.last().map_or(0, |entry| entry.seq)).await;
}

/// Intervals of one ticket, and of one counter, never overlap.
async fn intervals(house: &House) {
    let all =
        rows(house, "SELECT ticket_id, counter_id, from_seq, to_seq FROM queue_serving ORDER BY from_seq")
            .await;
    for column in ["ticket_id", "counter_id"] {
        let mut until: HashMap<String, Option<i64>> = HashMap::new();
        for row in &all {
            let from = number(row, "from_seq");
            let to: Option<i64> = row.try_get("", "to_seq").expect("a position or null");
            let before = until.insert(text(row, column), to);
            assert!(
                before.is_none_or(|end| end.is_some_and(|end| end <= from)),
                "{column} overlaps at {from}: {before:?}"
            );
            assert!(to.is_none_or(|to| to > from));
        }
    }
}

/// Redis stands where SQL stands.
async fn redis(house: &House, seq: i64) {
    let redis = house.redis().await;
    let meta: HashMap<String, String> = redis::cmd("HGETALL")
        .arg(format!("q:{{{}}}:meta", house.hall.id))
        .query_async(&mut redis.connection())
        .await
        .expect("Redis answers");
    // Emptied and not used since: then the next operation rebuilds it.
    if let Some(there) = meta.get("seq") {
        assert_eq!(*there, seq.to_string(), "Redis stands where SQL stands");
        let shard = rows(house, "SELECT epoch, chain FROM queue_shard").await;
        assert_eq!(meta["chain"], text(&shard[0], "chain"));
        assert_eq!(meta["epoch"], number(&shard[0], "epoch").to_string());
    }
}
