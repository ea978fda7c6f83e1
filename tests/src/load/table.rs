//! Medians, ratios, targets: as a table and as JSON.

use std::fmt;

use serde::Serialize;

use super::DEPTHS;
use super::ceilings::{BATCH, transaction};
use super::complaints::{self, BOARD, Burst, LISTS, among};
use super::letters::{Memory, SHALLOW, worklists};
use super::measure::{Sample, Samples};
use super::service::REBUILD;

/// Under what the numbers were measured.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Setting {
    /// The SQL engine of suite and ceilings.
    pub engine: &'static str,
    /// Rounds that the medians are over.
    pub rounds: u32,
    /// Boards that watched.
    pub watchers: u32,
    /// Applications in the largest worklist.
    pub applications: u32,
    /// Cases in the table while lists and the board were read.
    pub cases: u32,
    /// Bytes of an event in the ceilings: as large as the event of a call in this suite.
    pub event_bytes: usize,
    /// Whether gRPC went to the queue's own port and not through the gateway.
    pub direct: bool,
    /// How long it all took.
    pub seconds: u64,
}

/// A benchmark: medians over its rounds.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// What was measured; after the @ how many clients worked.
    pub name: String,
    /// Operations per second.
    pub per_second: f64,
    /// Median time of an operation, microseconds.
    pub p50_us: f64,
    /// 99th percentile, microseconds.
    pub p99_us: f64,
    /// Operations per round.
    pub operations: usize,
}

/// A number that has a target.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Ratio {
    /// What it says.
    pub name: &'static str,
    /// What was measured.
    pub value: f64,
    /// The target.
    pub target: f64,
    /// Whether the value should be at least the target; at most otherwise.
    pub at_least: bool,
    /// Whether it is met.
    pub met: bool,
}

/// Everything that was measured.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Result {
    /// Under what.
    pub setting: Setting,
    /// Benchmarks by name.
    pub rows: Vec<Row>,
    /// Numbers with targets.
    pub ratios: Vec<Ratio>,
    /// What the memory of the suite did, if it was watched.
    pub memory: Option<Memory>,
    /// What a burst of messages and the clocks after it did, if one was delivered.
    pub burst: Option<Burst>,
}

impl Ratio {
    fn at_least(name: &'static str, value: f64, target: f64) -> Self {
        Self { name, value, target, at_least: true, met: value >= target }
    }

    fn at_most(name: &'static str, value: f64, target: f64) -> Self {
        Self { name, value, target, at_least: false, met: value <= target }
    }
}

impl Result {
    /// Medians and ratios of the runs.
    ///
    /// # Errors
    /// When a benchmark that a ratio needs was not run.
    pub fn of(
        samples: &Samples,
        setting: &Setting,
        memory: Option<Memory>,
        burst: Option<Burst>,
    ) -> anyhow::Result<Self> {
        let rows = samples
            .iter()
            .map(|(name, runs)| {
                Ok(Row {
                    name: name.to_owned(),
                    per_second: samples.median(name, Sample::per_second)?,
                    p50_us: samples.median(name, |run| run.percentile(50))?,
                    p99_us: samples.median(name, |run| run.percentile(99))?,
                    operations: runs.first().map_or(0, |run| run.latencies.len()),
                })
            })
            .collect::<anyhow::Result<Vec<_>>>()?;
        let mut all = Vec::new();
        if samples.has("callNext@1") {
            all.extend(ratios(samples)?);
        }
        if samples.has("letter@1") {
            all.extend(letter_ratios(samples, setting)?);
        }
        if let Some(Memory { before, after, .. }) = memory {
            all.push(Ratio::at_most(
                "memory after 2,000 letters / after 200",
                after as f64 / before as f64,
                1.2,
            ));
        }
        if samples.has(&among(LISTS[0], complaints::SHALLOW)) {
            all.extend(case_ratios(samples, setting)?);
        }
        if let Some(Burst { answered_per_second, marked_after, .. }) = burst {
            let pace = complaints::PER_SECOND as f64;
            all.extend([
                Ratio::at_least(
                    "webhook messages answered / delivered, 500 a second for 30 s",
                    answered_per_second / pace,
                    0.99,
                ),
                Ratio::at_most(
                    "13,500 clocks due at once: seconds until all are escalated",
                    marked_after,
                    10.0,
                ),
            ]);
        }
        anyhow::ensure!(!all.is_empty(), "nothing was measured");
        Ok(Self { setting: setting.clone(), rows, ratios: all, memory, burst })
    }
}

fn ratios(samples: &Samples) -> anyhow::Result<Vec<Ratio>> {
    let rate = |name: &str| samples.median(name, Sample::per_second);
    let p50 = |name: &str| samples.median(name, |run| run.percentile(50));
    let (append_batch, transaction) = (format!("append.lua of {BATCH}"), transaction(BATCH));
    let calls = rate("callNext@64")?;
    // Microseconds that the parts of one operation take when nothing else is done.
    let parts = 1e6 / rate("empty RPC@64")? + (p50(&append_batch)? + p50(&transaction)?) / BATCH as f64;
    let alone = p50("SQL commit of one row")? + p50("append.lua of 1")? + p50("empty RPC@1")?;
    let depths = DEPTHS
        .iter()
        .map(|depth| p50(&format!("callNext with {depth} waiting")))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let (shallow, deepest) = (depths[0], depths.iter().copied().fold(0.0, f64::max));
    let mut all = vec![
        Ratio::at_least(
            "callNext@64 per second / commits of one row per second",
            calls / rate("SQL commit of one row")?,
            1.5,
        ),
        Ratio::at_least("callNext@64 per second / what its parts alone permit", calls * parts / 1e6, 0.5),
        Ratio::at_most("callNext@1 p50 / (commit + append.lua + empty RPC)", p50("callNext@1")? / alone, 2.0),
        Ratio::at_most("callNext p50 at the costliest depth / with 10 waiting", deepest / shallow, 1.2),
        Ratio::at_most(
            "call to 1,000 boards, p99 in ms",
            samples.median("call to board", |run| run.percentile(99))? / 1e3,
            250.0,
        ),
        Ratio::at_most(
            "REST read p50 / empty axum to tonic hop p50",
            p50("REST read@1")? / p50("axum to tonic hop@1")?,
            1.5,
        ),
    ];
    // The log is taken away from the private Redis of the suite only.
    if samples.has(REBUILD) {
        all.push(Ratio::at_most(
            "hall of 2,000 tickets whose log was lost: seconds to its next answer",
            p50(REBUILD)? / 1e6,
            1.0,
        ));
    }
    Ok(all)
}

fn letter_ratios(samples: &Samples, setting: &Setting) -> anyhow::Result<Vec<Ratio>> {
    let p50 = |name: &str| samples.median(name, |run| run.percentile(50));
    let p99 = |name: &str| samples.median(name, |run| run.percentile(99));
    // The slower of them decides.
    let (mut slowest, mut growth) = (0.0_f64, 0.0_f64);
    for (shallow, deep) in worklists(SHALLOW).iter().zip(&worklists(setting.applications)) {
        slowest = slowest.max(p99(deep)? / 1e3);
        growth = growth.max(p50(deep)? / p50(shallow)?);
    }
    Ok(vec![
        Ratio::at_most("letter@1 p50 / bare render p50", p50("letter@1")? / p50("bare render@1")?, 3.0),
        Ratio::at_least(
            "letters per second",
            samples.median("letters signed in bundles@2", Sample::per_second)?,
            20.0,
        ),
        Ratio::at_most("check of an uploaded PDF, p99 in ms", p99("check of an uploaded PDF")? / 1e3, 20.0),
        Ratio::at_most("worklist at the largest depth, p99 in ms", slowest, 50.0),
        Ratio::at_most("worklist p50 at the largest depth / with 1,000", growth, 1.2),
    ])
}

fn case_ratios(samples: &Samples, setting: &Setting) -> anyhow::Result<Vec<Ratio>> {
    let many = usize::try_from(setting.cases)?;
    // The slowest of them decides.
    let worst = |of: &[&str], value: &dyn Fn(&str) -> anyhow::Result<f64>| {
        of.iter().try_fold(0.0_f64, |worst, what| anyhow::Ok(worst.max(value(what)?)))
    };
    let p99 = |what: &str| Ok(samples.median(&among(what, many), |run| run.percentile(99))? / 1e3);
    let growth = |what: &str| {
        let p50 = |cases: usize| samples.median(&among(what, cases), |run| run.percentile(50));
        Ok(p50(many)? / p50(complaints::SHALLOW)?)
    };
    Ok(vec![
        Ratio::at_most("slowest list of cases, p99 in ms", worst(&LISTS, &p99)?, 50.0),
        Ratio::at_most("slower of board and its list, p99 in ms", worst(&BOARD, &p99)?, 50.0),
        Ratio::at_most("list of cases p50 with all cases / with 10,000", worst(&LISTS, &growth)?, 1.2),
        Ratio::at_most("board p50 with all cases / with 10,000", worst(&BOARD, &growth)?, 1.2),
    ])
}

impl fmt::Display for Result {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Setting { engine, rounds, watchers, applications, cases, event_bytes, direct, seconds } =
            &self.setting;
        let way = if *direct { "straight to the queue" } else { "through the gateway" };
        writeln!(f, "{engine}; gRPC {way}; {watchers} boards; events of {event_bytes} bytes;")?;
        writeln!(f, "{applications} applications in the largest worklist; {cases} cases;")?;
        writeln!(f, "medians of {rounds} rounds; client and servers share the machine; {seconds} s in all")?;
        writeln!(f)?;
        writeln!(f, "| benchmark | per second | p50 µs | p99 µs |")?;
        writeln!(f, "| --- | ---: | ---: | ---: |")?;
        for row in &self.rows {
            // Boards are rung at a fixed pace; their rate says nothing.
            let rate =
                if row.name == "call to board" { "–".to_owned() } else { format!("{:.0}", row.per_second) };
            writeln!(f, "| {} | {rate} | {:.0} | {:.0} |", row.name, row.p50_us, row.p99_us)?;
        }
        writeln!(f)?;
        writeln!(f, "| ratio | measured | target | |")?;
        writeln!(f, "| --- | ---: | ---: | --- |")?;
        for ratio in &self.ratios {
            let sign = if ratio.at_least { "≥" } else { "≤" };
            let verdict = if ratio.met { "met" } else { "missed" };
            writeln!(f, "| {} | {:.2} | {sign} {} | {verdict} |", ratio.name, ratio.value, ratio.target)?;
        }
        if let Some(Memory { letters, before, after }) = self.memory {
            let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
            writeln!(f)?;
            writeln!(
                f,
                "memory: {:.0} MiB, after {letters} letters more {:.0} MiB",
                mib(before),
                mib(after)
            )?;
        }
        if let Some(burst) = self.burst {
            let Burst { messages, repeated, placed_per_second, .. } = burst;
            writeln!(f)?;
            writeln!(
                f,
                "burst: {messages} messages and {repeated} repetitions, none lost, none doubled; {placed_per_second:.0} a \
                 second became cases after it"
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Runs whose every operation takes as long as given, in microseconds.
    fn samples(call_64: u64, depth: u64, boards: u64) -> Samples {
        let mut samples = Samples::default();
        let mut put = |name: &str, micros: u64| {
            let latencies = vec![Duration::from_micros(micros); 100];
            samples.push(name, Sample { elapsed: latencies.iter().sum(), latencies });
        };
        put("callNext@64", call_64);
        put("callNext@1", 600);
        put("empty RPC@64", 25);
        put("empty RPC@1", 70);
        put("append.lua of 1", 50);
        put("append.lua of 64", 640);
        put("SQL commit of one row", 200);
        put("SQL transaction of 64 operations", 6_400);
        put("callNext with 10 waiting", 500);
        put("callNext with 1000 waiting", 500);
        put("callNext with 10000 waiting", depth);
        put(REBUILD, 300_000);
        put("call to board", boards);
        put("REST read@1", 150);
        put("axum to tonic hop@1", 130);
        samples
    }

    fn setting() -> Setting {
        Setting {
            engine: "SQLite",
            rounds: 1,
            watchers: 1_000,
            applications: 100_000,
            cases: 1_000_000,
            event_bytes: 1_500,
            direct: false,
            seconds: 1,
        }
    }

    #[test]
    fn ratios_follow_from_the_medians() {
        let result = Result::of(&samples(100, 550, 90_000), &setting(), None, None).unwrap();
        let values: Vec<f64> =
            result.ratios.iter().map(|ratio| (ratio.value * 100.0).round() / 100.0).collect();
        // 10,000/s against 5,000/s; parts of 25 + 10 + 100 µs against 100 µs; 600 against 320 µs; and so on.
        assert_eq!(values, [2.0, 1.35, 1.88, 1.1, 90.0, 1.15, 0.3]);
        assert!(result.ratios.iter().all(|ratio| ratio.met));
        assert!(result.to_string().contains("| callNext@64 | 10000 | 100 | 100 |"), "{result}");
    }

    #[test]
    fn a_missed_target_is_said() {
        let result = Result::of(&samples(200, 700, 300_000), &setting(), None, None).unwrap();
        let missed: Vec<bool> = result.ratios.iter().map(|ratio| !ratio.met).collect();
        assert_eq!(missed, [true, false, false, true, true, false, false]);
        assert_eq!(result.to_string().matches("missed").count(), 3);
    }

    #[test]
    fn a_benchmark_that_was_not_run_is_an_error() {
        assert!(Result::of(&Samples::default(), &setting(), None, None).is_err());
        let mut letters = Samples::default();
        letters.push("letter@1", Sample { latencies: vec![Duration::from_millis(20)], ..Sample::default() });
        assert!(Result::of(&letters, &setting(), None, None).is_err(), "no ceiling was measured");
    }

    #[test]
    fn letters_are_judged_beside_the_bare_render_and_worklists_beside_a_short_one() {
        let mut samples = Samples::default();
        let mut put = |name: &str, millis: u64| {
            let latencies = vec![Duration::from_millis(millis); 100];
            samples.push(name, Sample { elapsed: latencies.iter().sum(), latencies });
        };
        put("bare render@1", 8);
        put("letter@1", 20);
        put("letters signed in bundles@2", 10);
        put("check of an uploaded PDF", 25);
        put("worklist with 1000 waiting", 10);
        put("worklist with 100000 waiting", 10);
        put("worklist of a regency with 1000 waiting", 10);
        put("worklist of a regency with 100000 waiting", 13);
        let memory = Memory { letters: 1_800, before: 100 << 20, after: 110 << 20 };
        let result = Result::of(&samples, &setting(), Some(memory), None).unwrap();
        let values: Vec<f64> =
            result.ratios.iter().map(|ratio| (ratio.value * 100.0).round() / 100.0).collect();
        assert_eq!(values, [2.5, 100.0, 25.0, 13.0, 1.3, 1.1]);
        let met: Vec<bool> = result.ratios.iter().map(|ratio| ratio.met).collect();
        assert_eq!(met, [true, true, false, true, false, true]);
        assert!(result.to_string().contains("after 1800 letters more 110 MiB"), "{result}");
    }
    #[test]
    fn the_slowest_list_decides_and_a_burst_is_judged_by_its_pace() {
        let mut samples = Samples::default();
        let mut put = |name: String, millis: u64| {
            let latencies = vec![Duration::from_millis(millis); 100];
            samples.push(name, Sample { elapsed: latencies.iter().sum(), latencies });
        };
        for (what, few, many) in [
            (LISTS[0], 10, 10),
            (LISTS[1], 10, 13),
            (LISTS[2], 60, 60),
            (LISTS[3], 10, 10),
            (BOARD[0], 20, 20),
            (BOARD[1], 10, 11),
        ] {
            put(among(what, complaints::SHALLOW), few);
            put(among(what, 1_000_000), many);
        }
        let burst = Burst {
            answered_per_second: 450.0,
            messages: 13_500,
            repeated: 1_500,
            placed_per_second: 200.0,
            clocks: 13_500,
            marked_after: 4.5,
        };
        let result = Result::of(&samples, &setting(), None, Some(burst)).unwrap();
        let values: Vec<f64> =
            result.ratios.iter().map(|ratio| (ratio.value * 100.0).round() / 100.0).collect();
        assert_eq!(values, [60.0, 20.0, 1.3, 1.1, 0.9, 4.5]);
        let met: Vec<bool> = result.ratios.iter().map(|ratio| ratio.met).collect();
        assert_eq!(met, [false, true, false, true, false, true]);
        assert!(result.to_string().contains("none lost, none doubled"), "{result}");
    }
}
