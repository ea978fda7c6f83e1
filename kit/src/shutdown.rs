//! Drain, then stop. A second signal forces.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Tells every part of the process, once, that it is to end. Clones are one and the same.
#[derive(Debug, Clone, Default)]
pub struct Shutdown(CancellationToken);

impl Shutdown {
    /// A process that goes on.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Says that the process is to end. Again changes nothing.
    pub fn trigger(&self) {
        self.0.cancel();
    }

    /// Waits until the process is to end.
    pub async fn triggered(&self) {
        self.0.cancelled().await;
    }

    /// As [`Shutdown::triggered`], as a future of its own.
    pub fn wait(&self) -> impl Future<Output = ()> + Send + 'static {
        self.0.clone().cancelled_owned()
    }

    /// Whether the process is to end.
    #[must_use]
    pub fn is_triggered(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Triggers on SIGTERM or SIGINT (Ctrl-C); a second one ends the process at once with code 1.
    ///
    /// # Errors
    /// When the signals cannot be watched.
    pub fn on_signals(&self) -> std::io::Result<()> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let shutdown = self.clone();
        tokio::spawn(async move {
            tokio::select! { _ = terminate.recv() => (), _ = interrupt.recv() => () }
            tracing::info!("stopping: requests in flight are finished first; a second signal stops at once");
            shutdown.trigger();
            tokio::select! { _ = terminate.recv() => (), _ = interrupt.recv() => () }
            tracing::warn!("stopped by a second signal");
            std::process::exit(1);
        });
        Ok(())
    }
}
