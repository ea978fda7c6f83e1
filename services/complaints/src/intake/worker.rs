//! The workers of the intake: messages that wait, mailboxes, SP4N-LAPOR!.

use std::sync::Arc;
use std::time::Duration;

use mpp_kit::component::{Env, Worker};
use mpp_kit::relay::TokenSource;

use super::fetch::Fetcher;
use super::{mail, place, sync};
use crate::rpc::Core;

/// What works on what came in.
///
/// # Errors
/// When the system gives no TLS for calls to other systems.
pub(crate) fn workers(env: &Env, core: &Arc<Core>, token: &TokenSource) -> anyhow::Result<Vec<Worker>> {
    let channels = &core.config.channels;
    let fetcher = Fetcher::new(&channels.graph_url, channels.hosts())?;
    let mut workers = vec![messages(env, core, fetcher)];
    workers.extend(mail::workers(env, core, token));
    if !core.config.channels.sp4n.base_url.is_empty() {
        workers.push(sync::worker(env, sync::Sync::new(Arc::clone(core))?));
    }
    Ok(workers)
}

fn messages(env: &Env, core: &Arc<Core>, fetcher: Fetcher) -> Worker {
    let every = Duration::from_secs(core.config.channels.tick_seconds.into());
    Worker::repeating("complaints: messages", env, every, (Arc::clone(core), fetcher), |(core, fetcher)| {
        Box::pin(place::tick(core, fetcher, core.now()))
    })
}
