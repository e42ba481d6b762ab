//! The messages of one connection, within bounds of bytes and time: whoever has not signed in may not make the server
//! hold much for long.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::StreamExt as _;
use pgwire::api::{ClientInfo as _, NoopHandler};
use pgwire::error::{ErrorInfo, PgWireError};
use pgwire::messages::{PgWireBackendMessage, PgWireFrontendMessage};
use pgwire::tokio::server::{MaybeTls, PgWireMessageServerCodec, negotiate_tls, process_error, process_message};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf, Take};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsAcceptor;
use tokio_util::codec::{Framed, FramedParts};

use super::queries::Described;
use super::{Handlers, failure};

/// Time that signing in may take, the TLS handshake included.
const SIGN_IN_PATIENCE: Duration = Duration::from_secs(30);

/// Bytes of a message of someone who has not signed in.
///
/// # Source
///
/// `PostgreSQL`'s source, `PG_MAX_AUTH_TOKEN_LENGTH`.
const SIGN_IN_BYTES_MAX: u64 = 65_535;

/// Bytes of any other message, as of a request of Snowflake's clients.
const MESSAGE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// A connection from which no more is read than allowed.
struct Bounded(Take<MaybeTls>);

type Socket = Framed<Bounded, PgWireMessageServerCodec<Described>>;

/// Answers a client until it leaves, or may not stay.
pub(super) async fn hold(stream: TcpStream, tls: Option<TlsAcceptor>, handlers: Handlers) -> io::Result<()> {
    let due = Instant::now() + SIGN_IN_PATIENCE;
    let Some(mut socket) = timeout_at(due, open(stream, tls)).await?? else { return Ok(()) };
    let connection = Arc::clone(&handlers.connection);
    let (front, handlers) = (Arc::new(handlers.front.clone()), Arc::new(handlers));
    let copy = Arc::new(NoopHandler);
    loop {
        let is_signed_in = connection.is_signed_in();
        let allowed = if is_signed_in { MESSAGE_BYTES_MAX } else { SIGN_IN_BYTES_MAX };
        socket.get_mut().0.set_limit(allowed);
        let next = if is_signed_in { socket.next().await } else { timeout_at(due, socket.next()).await? };
        let message = match next {
            Some(Ok(PgWireFrontendMessage::Terminate(_))) => return Ok(()),
            Some(Ok(message)) => message,
            _ if socket.get_ref().0.limit() == 0 => {
                let error = failure::fatal("08P01", format!("a message has more than {allowed} bytes"), None);
                return process_error(&mut socket, error, false).await;
            }
            Some(Err(error)) => return Err(error.into()),
            None => return Ok(()),
        };
        let is_last = matches!(message, PgWireFrontendMessage::CancelRequest(_));
        let wait_for_sync = message.is_extended_query();
        let (startup, copy, cancel) = (Arc::clone(&connection), Arc::clone(&copy), Arc::clone(&front));
        let (simple, extended) = (Arc::clone(&handlers), Arc::clone(&handlers));
        let answered = process_message(message, &mut socket, startup, simple, extended, copy, cancel).await;
        if let Err(error) = answered {
            let error = ErrorInfo::from(error);
            let is_fatal = error.is_fatal();
            process_error(&mut socket, PgWireError::UserError(Box::new(error)), wait_for_sync).await?;
            if is_fatal {
                return Ok(());
            }
        } else if is_last {
            return Ok(());
        }
    }
}

/// Agrees on encryption. `None` if the client begins with TLS where there is none.
async fn open(stream: TcpStream, tls: Option<TlsAcceptor>) -> io::Result<Option<Socket>> {
    let Some(socket) = negotiate_tls(stream, tls).await? else { return Ok(None) };
    let is_secure = socket.is_secure();
    let parts = socket.into_parts();
    if is_secure && !parts.read_buf.is_empty() {
        // Whoever stands in between may have sent it (CVE-2021-23214).
        return Err(io::Error::new(io::ErrorKind::InvalidData, "data was sent before the TLS handshake"));
    }
    let io = Bounded(parts.io.take(SIGN_IN_BYTES_MAX));
    let mut bounded = FramedParts::new::<PgWireBackendMessage>(io, parts.codec);
    bounded.read_buf = parts.read_buf;
    bounded.write_buf = parts.write_buf;
    Ok(Some(Framed::from_parts(bounded)))
}

impl AsyncRead for Bounded {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_read(context, buffer)
    }
}

impl AsyncWrite for Bounded {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(self.get_mut().0.get_mut()).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.get_mut().0.get_mut()).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.get_mut().0.get_mut()).poll_shutdown(context)
    }
}
