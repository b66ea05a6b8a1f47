//! Servers over TLS: those that one of the machine's authorities vouches for, under
//! the name that was granted. Certificates are made by `tests/tls/make.sh`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use untxt_plugins::Class;

use crate::egress::{ask, rig};
use crate::rig::{limits, words};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tls").join(name)
}

/// A server that answers everybody who likes its certificate, which is for
/// `localhost`: its port.
async fn serve() -> u16 {
    let certificate = CertificateDer::from_pem_file(file("server.pem")).expect("it is made");
    let key = PrivateKeyDer::from_pem_file(file("server.key")).expect("it is made");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("there are some")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("they belong together");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("it has one").port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let _ = stream.read(&mut [0; 4_096]).await;
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nin").await;
                let _ = stream.shutdown().await;
            });
        }
    });
    port
}

#[tokio::test]
#[ignore = "is run by the test below, in a process that trusts the authority"]
async fn inside() {
    let port = serve().await;
    let (named, other) = (format!("https://localhost:{port}"), format!("https://127.0.0.1:{port}"));
    let rig = rig(&format!("[http]\norigins = [\"{named}\", \"{other}\"]\n"), limits()).await;
    let read = ask(&rig, json!({ "url": named })).await.expect("the authority vouches for it");
    assert_eq!(words(&read), ["200", "in"]);
    let failed = ask(&rig, json!({ "url": other })).await.expect_err("that is not its name");
    assert_eq!((failed.code(), failed.class()), ("ENGINE_UNREACHABLE", Class::Transport));
    assert!(failed.to_string().contains("not valid for name"), "{failed}");
}

#[test]
fn an_operators_own_authority_vouches_for_its_servers_by_name() {
    let test = std::env::current_exe().expect("this is one");
    let mut inside = Command::new(test);
    inside.args(["--exact", "tls::inside", "--ignored"]);
    inside.env("SSL_CERT_FILE", file("authority.pem")).env_remove("SSL_CERT_DIR");
    let ended = inside.output().expect("it can be started");
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(ended.status.success() && said.contains("1 passed"), "{said}");
}

#[tokio::test]
async fn nobody_else_is_believed() {
    let origin = format!("https://localhost:{}", serve().await);
    let rig = rig(&format!("[http]\norigins = [\"{origin}\"]\n"), limits()).await;
    let failed = ask(&rig, json!({ "url": origin })).await.expect_err("nobody knows its authority");
    assert_eq!((failed.code(), failed.class()), ("ENGINE_UNREACHABLE", Class::Transport), "{failed}");
}
