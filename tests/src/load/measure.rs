//! Closed loops of clients, and what is kept of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

/// What one run of a benchmark measured.
#[derive(Debug, Clone, Default)]
pub struct Sample {
    /// Time of each operation as its client saw it.
    pub latencies: Vec<Duration>,
    /// Time in which they all were done.
    pub elapsed: Duration,
}

impl Sample {
    /// Operations per second.
    #[must_use]
    pub fn per_second(&self) -> f64 {
        self.latencies.len() as f64 / self.elapsed.as_secs_f64().max(1e-9)
    }

    /// Microseconds that `percent` of the operations did not exceed (nearest rank).
    #[must_use]
    pub fn percentile(&self, percent: usize) -> f64 {
        let mut sorted = self.latencies.clone();
        sorted.sort_unstable();
        let rank = (sorted.len() * percent).div_ceil(100).max(1);
        sorted.get(rank - 1).map_or(0.0, |latency| latency.as_secs_f64() * 1e6)
    }

    /// Adds another run of the same benchmark that followed this one.
    pub fn append(&mut self, other: Self) {
        self.latencies.extend(other.latencies);
        self.elapsed += other.elapsed;
    }
}

/// The runs of every benchmark, by name.
#[derive(Debug, Clone, Default)]
pub struct Samples(BTreeMap<String, Vec<Sample>>);

impl Samples {
    /// Keeps a run.
    pub fn push(&mut self, name: impl Into<String>, sample: Sample) {
        self.0.entry(name.into()).or_default().push(sample);
    }

    /// Keeps the runs of another collection.
    pub fn extend(&mut self, other: Self) {
        for (name, samples) in other.0 {
            self.0.entry(name).or_default().extend(samples);
        }
    }

    /// Whether a benchmark was run.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|samples| !samples.is_empty())
    }

    /// Names and runs.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[Sample])> {
        self.0.iter().map(|(name, samples)| (name.as_str(), samples.as_slice()))
    }

    /// The median over the runs of a benchmark of what `of` reads from each.
    ///
    /// # Errors
    /// When the benchmark was not run.
    pub fn median(&self, name: &str, of: impl Fn(&Sample) -> f64) -> anyhow::Result<f64> {
        let samples = self.0.get(name).filter(|samples| !samples.is_empty());
        let mut values: Vec<f64> =
            samples.with_context(|| format!("{name} was not measured"))?.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        let middle = values.len() / 2;
        Ok(if values.len() % 2 == 1 {
            values[middle]
        } else {
            f64::midpoint(values[middle - 1], values[middle])
        })
    }
}

/// Lets every client do its operations one after the other, all clients at once. `client` makes the work of a client:
/// a function from the number of the operation to a future.
///
/// # Errors
/// The first error of any operation: a benchmark with failures measures something else.
pub async fn closed_loop<C, F>(
    clients: usize,
    each: usize,
    client: impl Fn(usize) -> C,
) -> anyhow::Result<Sample>
where
    C: FnMut(usize) -> F + Send + 'static,
    F: Future<Output = anyhow::Result<()>> + Send,
{
    let start = Arc::new(Barrier::new(clients + 1));
    let mut running = JoinSet::new();
    for nth in 0..clients {
        let (start, mut work) = (Arc::clone(&start), client(nth));
        running.spawn(async move {
            let mut latencies = Vec::with_capacity(each);
            start.wait().await;
            for operation in 0..each {
                let began = Instant::now();
                work(operation).await?;
                latencies.push(began.elapsed());
            }
            anyhow::Ok(latencies)
        });
    }
    start.wait().await;
    let began = Instant::now();
    let mut sample = Sample::default();
    while let Some(ended) = running.join_next().await {
        sample.latencies.extend(ended.context("a client failed")??);
    }
    sample.elapsed = began.elapsed();
    Ok(sample)
}

/// Refuses to begin what the limit of open files would end in the middle.
///
/// # Errors
/// A sentence with the remedy.
pub fn require_open_files(wanted: u64) -> anyhow::Result<()> {
    let limits = std::fs::read_to_string("/proc/self/limits").context("cannot read /proc/self/limits")?;
    let open = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))
        .and_then(|rest| rest.split_whitespace().next())
        .context("/proc/self/limits does not say how many files may be open")?;
    if open == "unlimited" || open.parse::<u64>().is_ok_and(|open| open >= wanted) {
        return Ok(());
    }
    bail!(
        "{wanted} open files are needed here and in the suite, {open} are allowed: run `ulimit -n {wanted}` before both"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(milliseconds: &[u64]) -> Sample {
        let latencies: Vec<Duration> = milliseconds.iter().map(|ms| Duration::from_millis(*ms)).collect();
        Sample { elapsed: latencies.iter().sum(), latencies }
    }

    #[test]
    fn percentiles_are_nearest_rank_and_medians_are_over_runs() {
        let one = sample(&[5, 1, 4, 2, 3]);
        assert_eq!((one.percentile(50), one.percentile(99)), (3_000.0, 5_000.0));
        assert!((one.per_second() - 5.0 / 0.015).abs() < 1e-6);
        let mut samples = Samples::default();
        for run in [&[10][..], &[30], &[20]] {
            samples.push("x", sample(run));
        }
        assert_eq!(samples.median("x", |sample| sample.percentile(50)).unwrap(), 20_000.0);
        assert!(samples.median("y", Sample::per_second).is_err());
    }

    #[tokio::test]
    async fn every_operation_is_counted_and_an_error_ends_the_run() {
        let done = closed_loop(4, 25, |_| |_| async { Ok(()) }).await.unwrap();
        assert_eq!(done.latencies.len(), 100);
        let failed = closed_loop(2, 10, |client| {
            move |nth| async move {
                if client == 1 && nth == 5 {
                    bail!("planted")
                }
                Ok(())
            }
        });
        assert!(failed.await.is_err());
    }
}
