//! The S3 server inside this process.
//!
//! - `stored`: the file an object is
//! - `staging`: where files lie until they are whole
//! - `shelf`: the S3 operations over those files
//!
//! It speaks to this machine only, to those who know the key pair it rolls at
//! its start or hold a URL signed with it. Any number of processes may serve
//! the same directory: each stages in a place of its own, and what becomes
//! visible becomes so by one rename of a file that was flushed to disk.
//!
//! It serves what [`super::store`] uses and no more: no lists, no copies, no
//! versions, no conditions, no KMS. Whoever owns the directory may ask for the
//! keys in it ([`Embedded::keys`]).

mod shelf;
mod staging;
mod stored;

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustix::net::sockopt::set_tcp_nodelay;
use s3s::auth::SimpleAuth;
use s3s::config::{S3Config, StaticConfigProvider};
use s3s::service::{S3Service, S3ServiceBuilder};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};

use self::shelf::Shelf;
use self::staging::Staging;
use super::error::ObjectError;

/// Those of this process and of browsers that fetch results. Whoever comes
/// later waits in the kernel's queue.
const CONNECTIONS_MAX: usize = 256;

/// As long as the longest URL a client is handed: a reader who stops reading
/// does not hold one of them for ever.
const CONNECTION_LIFE: Duration = Duration::from_secs(3600);

/// Also how long a connection may idle.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);

/// The list of 10 000 parts is the longest; it is below 2 MiB.
const XML_BYTES_MAX: usize = 2 << 20;

/// A server that is running. It stops when this is dropped.
pub struct Embedded {
    bucket: PathBuf,
    address: SocketAddr,
    access_key: String,
    secret_key: String,
    serving: JoinHandle<()>,
}

impl Embedded {
    /// Serves `dir`, with the bucket in it, on a free loopback port.
    ///
    /// # Errors
    /// [`ObjectError::Disk`] when `dir` can't be used, [`ObjectError::Config`]
    /// when there is no port to listen on.
    pub async fn start(dir: &Path, bucket: &str) -> Result<Self, ObjectError> {
        let disk = |source| ObjectError::Disk { doing: "preparing", path: dir.to_owned(), source };
        fs::create_dir_all(dir.join(bucket)).map_err(disk)?;
        fs::set_permissions(dir, fs::Permissions::from_mode(0o700)).map_err(disk)?;
        let shelf = Shelf::new(dir.to_owned(), Staging::open(&dir.join(staging::DIR)).map_err(disk)?);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.map_err(|e| nowhere_to_listen(&e))?;
        // What is accepted takes it over: an answer in two writes is not held up.
        set_tcp_nodelay(&listener, true).map_err(|e| nowhere_to_listen(&e.into()))?;
        let address = listener.local_addr().map_err(|e| nowhere_to_listen(&e))?;
        let (access_key, secret_key) = (random_hex::<10>(), random_hex::<32>());
        let service = service(shelf, &access_key, &secret_key);
        let serving = tokio::spawn(serve(listener, service));
        Ok(Self { bucket: dir.join(bucket), address, access_key, secret_key, serving })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its URL.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Access key and secret key of whoever may use it.
    #[must_use]
    pub fn key_pair(&self) -> (&str, &str) {
        (&self.access_key, &self.secret_key)
    }

    /// The keys of all objects in the bucket, in no order; read from the disk.
    ///
    /// # Errors
    /// When the directory can't be read or a file in it is no object.
    pub fn keys(&self) -> io::Result<Vec<String>> {
        stored::keys(&self.bucket)
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn nowhere_to_listen(error: &std::io::Error) -> ObjectError {
    ObjectError::Config(format!(
        "the embedded store can't listen on 127.0.0.1: {error}; set S3_ENDPOINT to use another"
    ))
}

fn random_hex<const BYTES: usize>() -> String {
    hex::encode(rand::random::<[u8; BYTES]>())
}

fn service(shelf: Shelf, access_key: &str, secret_key: &str) -> S3Service {
    let mut config = S3Config::default();
    config.xml_max_body_size = XML_BYTES_MAX;
    let mut builder = S3ServiceBuilder::new(shelf);
    builder.set_auth(SimpleAuth::from_single(access_key, secret_key));
    builder.set_config(Arc::new(StaticConfigProvider::new(Arc::new(config))));
    builder.build()
}

/// Runs until it is aborted; its connections end with it.
async fn serve(listener: TcpListener, service: S3Service) {
    let slots = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    while let Ok(slot) = Arc::clone(&slots).acquire_owned().await {
        match listener.accept().await {
            Ok((socket, _)) => {
                let service = service.clone();
                connections.spawn(async move {
                    converse(socket, service).await;
                    drop(slot);
                });
            }
            // Most often too many open files; trying again at once would spin.
            Err(error) => {
                tracing::warn!(%error, "the embedded object store could not accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn converse(socket: TcpStream, service: S3Service) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
    let conversation = http.serve_connection(TokioIo::new(socket), service);
    match tokio::time::timeout(CONNECTION_LIFE, conversation).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "a connection to the embedded object store broke"),
        Err(_) => tracing::debug!("a connection to the embedded object store outlived its time"),
    }
}
