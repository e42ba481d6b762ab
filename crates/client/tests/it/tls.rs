//! TLS: whom the client trusts, how it shows itself, and how old a version it takes.
//!
//! The certificates were made for these tests by openssl; the key of their CA is gone.

use std::sync::Arc;

use oktant_base::SystemClock;
use oktant_client::config::{Loader, Surroundings};
use oktant_client::{Call, ConnectFailure, Error, Org};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion, version};

use crate::fake::edges;

const CA: &str = include_str!("tls/ca.pem");
const CLIENT: &str = include_str!("tls/client.pem");
const CLIENT_KEY: &str = include_str!("tls/client.key.pem");

fn certificate(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
}

/// A server of these versions that answers everyone who gets in; gives its address.
async fn server(versions: &[&'static SupportedProtocolVersion], asks_for_certificate: bool) -> String {
    let mut roots = RootCertStore::empty();
    roots.add(certificate(CA)).unwrap();
    let builder = ServerConfig::builder_with_protocol_versions(versions);
    let builder = if asks_for_certificate {
        builder.with_client_cert_verifier(WebPkiClientVerifier::builder(Arc::new(roots)).build().unwrap())
    } else {
        builder.with_no_client_auth()
    };
    let key = PrivateKeyDer::from_pem_slice(include_str!("tls/server.key.pem").as_bytes()).unwrap();
    let config = builder.with_single_cert(vec![certificate(include_str!("tls/server.pem"))], key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("https://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let _ = stream.read(&mut [0; 4_096]).await;
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n[]").await;
                let _ = stream.shutdown().await;
            });
        }
    });
    address
}

/// Whether a client with these settings of TLS gets in.
async fn gets_in(address: &str, tls: Value, testing: bool) -> Result<(), Error> {
    let values = json!({
        "orgUrl": address, "token": "t", "tls": tls, "rateLimit": {"maxRetries": 0},
        "testing": {"testingDisableHttpsCheck": testing},
    });
    let properties = Loader::new(Surroundings::none()).values(values).load()?.properties;
    let org = Org::connect(&properties, edges(Arc::new(SystemClock))).await?;
    org.send(Call::get("/api/v1/things").unwrap()).await.map(drop)
}

#[track_caller]
fn is_refused(result: &Result<(), Error>) {
    let failure = match result {
        Err(Error::Connect { failure, .. }) => *failure,
        other => panic!("{other:?}"),
    };
    // With TLS 1.3 a server may refuse a client's certificate after the handshake.
    assert!(matches!(failure, ConnectFailure::Tls | ConnectFailure::Interrupted), "{result:?}");
}

#[tokio::test]
async fn only_certificates_of_a_trusted_ca_are_taken() {
    let address = server(&[&version::TLS13, &version::TLS12], false).await;
    is_refused(&gets_in(&address, json!({}), false).await);
    gets_in(&address, json!({"caPem": CA}), false).await.unwrap();
    is_refused(&gets_in(&address, json!({"caPem": CLIENT}), false).await);
    gets_in(&address, json!({"dangerAcceptInvalidCerts": true}), true).await.unwrap();
    assert!(matches!(gets_in(&address, json!({"dangerAcceptInvalidCerts": true}), false).await, Err(Error::Config(_))));
}

#[tokio::test]
async fn the_client_shows_its_certificate() {
    let address = server(&[&version::TLS13], true).await;
    is_refused(&gets_in(&address, json!({"caPem": CA}), false).await);
    let tls = json!({"caPem": CA, "clientCert": CLIENT, "clientKey": CLIENT_KEY});
    gets_in(&address, tls, false).await.unwrap();
}

#[tokio::test]
async fn old_versions_are_refused() {
    let address = server(&[&version::TLS12], false).await;
    gets_in(&address, json!({"caPem": CA}), false).await.unwrap();
    is_refused(&gets_in(&address, json!({"caPem": CA, "minVersion": "1.3"}), false).await);
}
