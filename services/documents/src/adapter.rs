//! What talks to other systems.

pub(crate) mod bsre;
pub(crate) mod oss;
pub(crate) mod sicantik;
pub(crate) mod signer;
#[cfg(test)]
pub(crate) mod testing;
pub(crate) mod webhook;

use std::sync::Arc;

use mpp_kit::component::{Env, Worker};

use crate::rpc::Core;

/// The workers that other systems need: webhooks always, OSS and SiCantik where they are configured.
///
/// # Errors
/// When TLS cannot be set up.
pub(crate) fn workers(env: &Env, core: &Arc<Core>) -> anyhow::Result<Vec<Worker>> {
    let mut workers = vec![webhook::dispatch::worker(env, Arc::new(webhook::dispatch::Dispatcher::new(core)?))];
    if core.config.oss.enabled {
        workers.push(oss::outbox::worker(env, oss::outbox::Outbox::new(core)?));
    }
    if !core.config.sicantik.url.is_empty() {
        workers.push(sicantik::worker(env, sicantik::Poller::new(Arc::clone(core))?));
    }
    Ok(workers)
}
