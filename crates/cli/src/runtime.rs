//! The asynchronous runtime, and how Ctrl-C ends what runs in it.

use std::future::Future;

use tokio::runtime::Runtime;

use crate::failure::{Error, Result};

/// Starts the runtime of a command.
pub(crate) fn start() -> Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|source| Error::Runtime(source).into())
}

/// Starts a runtime for a command that waits for answers most of its time: in one thread no request is handed
/// over to another one.
pub(crate) fn start_in_one_thread() -> Result<Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|source| Error::Runtime(source).into())
}

/// Does `work` unless Ctrl-C comes first, which drops it and thereby cancels its requests.
pub(crate) async fn interruptible<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::select! {
        // First, so that the signal is listened for before anything is done.
        biased;
        () = interrupt() => Err(Error::Interrupted.into()),
        outcome = work => outcome,
    }
}

async fn interrupt() {
    if tokio::signal::ctrl_c().await.is_err() {
        // Without a handler the default action of the signal ends the program.
        std::future::pending::<()>().await;
    }
}

/// Listens for what asks a program to end: Ctrl-C, and SIGTERM as service managers send it.
/// Signals count from this call on, not from the first wait.
pub(crate) struct StopSignals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

impl StopSignals {
    /// Begins to listen.
    pub(crate) fn listen() -> Result<Self> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let terminate = signal(SignalKind::terminate()).map_err(Error::Runtime)?;
            let interrupt = signal(SignalKind::interrupt()).map_err(Error::Runtime)?;
            Ok(Self { terminate, interrupt })
        }
        #[cfg(not(unix))]
        Ok(Self {})
    }

    /// Completes at the next signal.
    pub(crate) async fn next(&mut self) {
        #[cfg(unix)]
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
        #[cfg(not(unix))]
        interrupt().await;
    }
}
