//! The asynchronous runtime, and how Ctrl-C ends what runs in it.

use std::future::Future;

use tokio::runtime::Runtime;

use crate::failure::{Error, Result};

/// Starts the runtime of a command.
pub(crate) fn start() -> Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|source| Error::Runtime(source).into())
}

/// Does `work` unless Ctrl-C comes first, which drops it and thereby cancels its requests.
pub(crate) async fn interruptible<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::select! {
        outcome = work => outcome,
        () = interrupt() => Err(Error::Interrupted.into()),
    }
}

async fn interrupt() {
    if tokio::signal::ctrl_c().await.is_err() {
        // Without a handler the default action of the signal ends the program.
        std::future::pending::<()>().await;
    }
}

/// Completes when someone wants the program to end: by Ctrl-C, or by SIGTERM as service managers do.
pub(crate) async fn asked_to_stop() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let Ok(mut terminate) = signal(SignalKind::terminate()) else { return interrupt().await };
        tokio::select! {
            _ = terminate.recv() => {}
            () = interrupt() => {}
        }
    }
    #[cfg(not(unix))]
    interrupt().await;
}
