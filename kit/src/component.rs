//! The seam that every service exports: a [`Component`] made from an [`Env`].
//!
//! Each service crate has exactly: `pub const ROLE: Role`, `pub const CALLS: &[Role]` (the roles it calls), `pub struct
//! Config` and `pub async fn component(env: &Env, db: Db, config: Config) -> anyhow::Result<Component>`.

use std::fmt;
use std::sync::Arc;

use futures::future::BoxFuture;

use crate::auth::Verifier;
use crate::client::Peers;
use crate::clock::Clock;
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
}
