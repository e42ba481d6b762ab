//! A port of this machine and the server behind it.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::sandbox::Error;

/// A port that is taken and not yet served.
#[derive(Debug)]
pub(crate) struct Listener {
    listener: TcpListener,
    address: SocketAddr,
}

/// A server; dropping it stops it.
#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    task: Option<JoinHandle<io::Result<()>>>,
}

impl Listener {
    /// Takes a port on 127.0.0.1; any free one if it is 0.
    ///
    /// # Errors
    ///
    /// [`Error::Listen`] if it is taken.
    pub(crate) async fn bind(port: u16) -> Result<Self, Error> {
        let listen = |source| Error::Listen { port, source };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        Ok(Self { listener, address })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Serves in the current tokio runtime.
    pub(crate) fn serve(self, router: Router) -> Server {
        let (stop, stopped) = oneshot::channel::<()>();
        // Small answers must not wait for the acknowledgement of the one before.
        let listener = self.listener.tap_io(|stream| {
            let _ = stream.set_nodelay(true);
        });
        let task = tokio::spawn(
            axum::serve(listener, router)
                .with_graceful_shutdown(async {
                    let _ = stopped.await;
                })
                .into_future(),
        );
        Server { address: self.address, stop: Some(stop), task: Some(task) }
    }
}

impl Server {
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Stops listening and waits until the answers under way are sent.
    pub(crate) async fn shutdown(mut self) {
        drop(self.stop.take());
        if let Some(task) = self.task.take() {
            // The server only ends by being told to; an error would have no one to go to.
            let _ = task.await;
        }
    }
}
