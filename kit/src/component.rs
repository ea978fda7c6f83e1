//! The seam that every service exports: a [`Component`] made from an [`Env`].
//!
//! Each service crate has exactly: `pub const ROLE: Role`, `pub const CALLS: &[Role]` (the roles it calls), `pub struct
//! Config` and `pub async fn component(env: &Env, db: Db, config: Config) -> anyhow::Result<Component>`.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;

use crate::auth::Verifier;
use crate::client::Peers;
use crate::clock::Clock;
use crate::fault::chain;
use crate::shutdown::Shutdown;

/// A part that a process plays, such as `queue`. Also the name of its settings, schema and Deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Role(pub &'static str);

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// What a service gets from the process it runs in.
#[derive(Clone)]
pub struct Env {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The way to other roles.
    pub peers: Peers,
    /// Checks access tokens.
    pub verifier: Arc<Verifier>,
    /// Tells when the process ends.
    pub shutdown: Shutdown,
}

/// A service, ready to be served.
pub struct Component {
    /// The part it plays.
    pub role: Role,
    /// Its RPCs, without the tower stack.
    pub routes: tonic::service::Routes,
    /// What it does besides answering.
    pub workers: Vec<Worker>,
}

/// Work that goes on until [`Env::shutdown`] is triggered. An error, or an end before that, ends the process.
pub struct Worker {
    /// For the log, such as `outbox relay`.
    pub name: &'static str,
    /// The work.
    pub task: BoxFuture<'static, anyhow::Result<()>>,
}

impl Worker {
    /// A worker from a future.
    pub fn new(name: &'static str, task: impl Future<Output = anyhow::Result<()>> + Send + 'static) -> Self {
        Self { name, task: Box::pin(task) }
    }

    /// A worker that makes a pass over `state` and waits, again and again, until the process ends. A pass that fails is told of
    /// in the log and made again: a database or another system that is away comes back, and what is due then is still due.
    pub fn repeating<S, E>(
        name: &'static str,
        env: &Env,
        every: Duration,
        mut state: S,
        pass: impl for<'a> Fn(&'a mut S) -> BoxFuture<'a, Result<(), E>> + Send + 'static,
    ) -> Self
    where
        S: Send + 'static,
        E: Into<anyhow::Error>,
    {
        let shutdown = env.shutdown.clone();
        Self::new(name, async move {
            while !shutdown.is_triggered() {
                if let Err(error) = pass(&mut state).await {
                    let error = error.into();
                    tracing::warn!(
                        worker = name,
                        error = chain(error.as_ref()),
                        "a pass failed and is made again"
                    );
                }
                tokio::select! { () = shutdown.triggered() => (), () = tokio::time::sleep(every) => () }
            }
            Ok(())
        })
    }
}
