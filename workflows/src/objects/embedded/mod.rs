//! The S3 server inside this process.
//!
//! - `key`: what URLs are signed with
//! - `signed`: requests by a signed URL, wherever they come in
//! - `stored`: the file an object is
//! - `staging`: where files lie until they are whole
//! - `direct`: objects for this process, without a request
//! - `fs_backend`: the S3 operations over those files
//!
//! The server listens on this machine only, to those who know the key pair in its
//! directory or hold a URL signed with it; requests by such URLs may come in
//! through another listener too ([`Embedded::answer_signed`]). Any number of processes may serve
//! the same directory: each stages in a place of its own, and what becomes
//! visible becomes so by one rename of a file that was flushed to disk.
//!
//! This process itself asks `direct`: a request to the server would copy each file twice.
//! The server serves what [`super::store`] uses of any store and no more: no lists, no
//! copies, no versions, no conditions, no KMS. Whoever owns the directory may ask for the
//! keys in it ([`Embedded::keys`]).

mod direct;
mod fs_backend;
mod key;
mod signed;
mod staging;
mod stored;

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::AUTHORIZATION;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, Uri};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustix::net::sockopt::set_tcp_nodelay;
use s3s::Body;
use s3s::auth::SimpleAuth;
use s3s::config::{S3Config, StaticConfigProvider};
use s3s::service::{S3Service, S3ServiceBuilder};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};

pub(super) use self::signed::HOST as SIGNED_HOST;
pub use self::signed::signed_request;
pub(super) use self::stored::Opened;

use self::fs_backend::FsBackend;
use self::key::KeyPair;
use self::staging::Staging;
use super::error::ObjectError;
use crate::boxed;

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
    staging: Arc<Staging>,
    address: SocketAddr,
    keys: KeyPair,
    service: S3Service,
    serving: JoinHandle<()>,
}

impl Embedded {
    /// Serves `dir`, with the bucket in it, on a free loopback port, and takes
    /// objects of up to `put_bytes_max` in one request.
    ///
    /// # Errors
    /// [`ObjectError::Disk`] when `dir` can't be used, [`ObjectError::Config`]
    /// when there is no port to listen on.
    #[boxed]
    pub async fn start(dir: &Path, bucket: &str, put_bytes_max: u64) -> Result<Self, ObjectError> {
        let disk = |source| ObjectError::Disk { doing: "preparing", path: dir.to_owned(), source };
        fs::create_dir_all(dir.join(bucket)).map_err(disk)?;
        fs::set_permissions(dir, fs::Permissions::from_mode(0o700)).map_err(disk)?;
        let keys = KeyPair::open(dir).map_err(disk)?;
        let staging = Arc::new(Staging::open(&dir.join(staging::DIR)).map_err(disk)?);
        let backend = FsBackend::new(dir.to_owned(), Arc::clone(&staging), put_bytes_max);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.map_err(|e| nowhere_to_listen(&e))?;
        // What is accepted takes it over: an answer in two writes is not held up.
        set_tcp_nodelay(&listener, true).map_err(|e| nowhere_to_listen(&e.into()))?;
        let address = listener.local_addr().map_err(|e| nowhere_to_listen(&e))?;
        let service = service(backend, &keys);
        let serving = tokio::spawn(serve(listener, service.clone()));
        Ok(Self { bucket: dir.join(bucket), staging, address, keys, service, serving })
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

    /// Where its own listener takes requests by signed URLs.
    pub(super) fn signed_endpoint(&self) -> String {
        format!("{}{}", self.endpoint(), signed::PREFIX)
    }

    /// Access key and secret key of whoever may use it.
    #[must_use]
    pub fn key_pair(&self) -> (&str, &str) {
        (&self.keys.access, &self.keys.secret)
    }

    /// The keys of all objects in the bucket, in no order; read from the disk.
    ///
    /// # Errors
    /// When the directory can't be read or a file in it is no object.
    pub fn keys(&self) -> io::Result<Vec<String>> {
        stored::keys(&self.bucket)
    }

    /// Answers a request for an object that came in by a signed URL, through
    /// whichever listener; its path is `/{bucket}/{key}`. Nothing but fetching and
    /// storing exactly the object that the URL was signed for is possible: all
    /// else is 403.
    #[boxed]
    pub async fn answer_signed(&self, mut request: Request<Body>) -> Response<Body> {
        let allowed = matches!(*request.method(), Method::GET | Method::PUT);
        if !allowed || !signed::is_signed(request.uri()) || !self.is_of_bucket(request.uri()) {
            return refused(StatusCode::FORBIDDEN);
        }
        // What a caller presents to the server around the store is not for it.
        request.headers_mut().remove(AUTHORIZATION);
        match self.service.call(signed::as_signed(request)).await {
            Ok(answer) => answer,
            Err(error) => {
                tracing::error!(?error, "the embedded object store failed");
                refused(StatusCode::INTERNAL_SERVER_ERROR)
            }
        }
    }

    fn is_of_bucket(&self, uri: &Uri) -> bool {
        let bucket = self.bucket.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let key = uri.path().strip_prefix('/').and_then(|path| path.strip_prefix(bucket));
        key.and_then(|key| key.strip_prefix('/')).is_some_and(|key| !key.is_empty())
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn refused(status: StatusCode) -> Response<Body> {
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = status;
    answer
}

fn nowhere_to_listen(error: &std::io::Error) -> ObjectError {
    ObjectError::Config(format!(
        "the embedded store can't listen on 127.0.0.1: {error}; set S3_ENDPOINT to use another"
    ))
}

fn service(backend: FsBackend, keys: &KeyPair) -> S3Service {
    let mut config = S3Config::default();
    config.xml_max_body_size = XML_BYTES_MAX;
    let mut builder = S3ServiceBuilder::new(backend);
    builder.set_auth(SimpleAuth::from_single(keys.access.as_str(), keys.secret.as_str()));
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
    let answer = service_fn(move |request: Request<Incoming>| {
        let request = signed::as_meant(request.map(Body::from));
        let service = service.clone();
        async move { service.call(request).await }
    });
    let conversation = http.serve_connection(TokioIo::new(socket), answer);
    match tokio::time::timeout(CONNECTION_LIFE, conversation).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "a connection to the embedded object store broke"),
        Err(_) => tracing::debug!("a connection to the embedded object store outlived its time"),
    }
}
