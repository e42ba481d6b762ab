//! Whether a client has gone away while its statement runs: nobody reads its connection then.

use std::io;

use tokio::io::Interest;
use tokio::net::TcpStream;

/// The client's end of a connection.
pub(super) struct Departure {
    /// A second handle to the connection, which is never read from.
    watched: TcpStream,
}

impl Departure {
    /// Watches a connection, which goes on as it is.
    pub(super) fn of(stream: TcpStream) -> io::Result<(TcpStream, Self)> {
        let stream = stream.into_std()?;
        let watched = TcpStream::from_std(stream.try_clone()?)?;
        Ok((TcpStream::from_std(stream)?, Self { watched }))
    }

    /// Completes when the client has closed the connection or is lost.
    pub(super) async fn happens(&self) {
        while let Ok(ready) = self.watched.ready(Interest::READABLE).await {
            if ready.is_read_closed() {
                return;
            }
            // More has been sent, which is read after the statement. Forgotten here, so that only news wakes again.
            let forgotten = || Err::<(), _>(io::Error::from(io::ErrorKind::WouldBlock));
            let _ = self.watched.try_io(Interest::READABLE, forgotten);
        }
    }
}
