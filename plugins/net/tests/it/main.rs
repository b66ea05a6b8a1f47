//! The client against servers on this machine.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use untxt_net::{AddressPolicy, HttpError, RequestOptions, send, send_for_head};

/// Longer than any answer on this machine takes.
const TIMEOUT: Duration = Duration::from_secs(30);

const BODY_BYTES_MAX: usize = 100;

/// A server that writes `answer` to everybody and keeps the connection open.
struct Server {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    requests: UnboundedReceiver<String>,
}

impl Server {
    async fn start(answer: impl Into<Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (connections, (heard, requests)) = (Arc::<AtomicUsize>::default(), unbounded_channel());
        let (counted, answer) = (Arc::clone(&connections), answer.into());
        tokio::spawn(async move {
            let mut open = Vec::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                let mut request = vec![0; 4_096];
                let read = stream.read(&mut request).await.unwrap();
                heard.send(String::from_utf8_lossy(&request[..read]).into_owned()).unwrap();
                // The client may have gone.
                let _ = stream.write_all(&answer).await;
                open.push(stream);
            }
        });
        Self { address, connections, requests }
    }

    fn url(&self, host: &str) -> String {
        format!("http://{host}:{}/path?query", self.address.port())
    }
}

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

fn get(url: &str) -> Request<Bytes> {
    Request::get(url).body(Bytes::new()).unwrap()
}

fn options(policy: AddressPolicy) -> RequestOptions {
    RequestOptions { policy, public_needs_tls: false, body_bytes_max: BODY_BYTES_MAX, timeout: TIMEOUT }
}

#[tokio::test]
async fn the_path_and_the_host_are_sent_and_the_response_is_read() {
    let mut server = Server::start(ok("in")).await;
    let response = send(get(&server.url("127.0.0.1")), &options(AddressPolicy::Any)).await.unwrap();
    assert_eq!((response.status(), &response.body()[..]), (StatusCode::OK, &b"in"[..]));
    let request = server.requests.recv().await.unwrap();
    let host = format!("\r\nhost: {}\r\n", server.address);
    assert!(request.starts_with("GET /path?query HTTP/1.1\r\n") && request.contains(&host), "{request}");
}

#[tokio::test]
async fn an_address_is_checked_however_it_is_written() {
    let server = Server::start(ok("in")).await;
    for host in ["127.0.0.1", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1", "localhost"] {
        let refused = send(get(&server.url(host)), &options(AddressPolicy::Public)).await.unwrap_err();
        assert!(matches!(refused, HttpError::Refused { .. }), "{host}: {refused:?}");
    }
    assert_eq!(server.connections.load(Ordering::SeqCst), 0);
    let listed = options("127.0.0.0/8".parse().unwrap());
    assert_eq!(send(get(&server.url("127.0.0.1")), &listed).await.unwrap().body(), "in");
    assert_eq!(server.connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let other = Server::start(ok("in")).await;
    let answer =
        format!("HTTP/1.1 302 Found\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n", other.url("127.0.0.1"));
    let server = Server::start(answer).await;
    let response = send(get(&server.url("127.0.0.1")), &options(AddressPolicy::Any)).await.unwrap();
    assert_eq!(response.status(), StatusCode::FOUND);
    assert_eq!(other.connections.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn head_and_body_are_bounded() {
    let bounds = options(AddressPolicy::Any);
    let fits = Server::start(ok(&"x".repeat(BODY_BYTES_MAX))).await;
    assert_eq!(send(get(&fits.url("127.0.0.1")), &bounds).await.unwrap().body().len(), BODY_BYTES_MAX);
    let body = Server::start(ok(&"x".repeat(BODY_BYTES_MAX + 1))).await;
    let error = send(get(&body.url("127.0.0.1")), &bounds).await.unwrap_err();
    assert!(matches!(error, HttpError::TooLarge(BODY_BYTES_MAX)), "{error:?}");

    let head = |bytes: usize| {
        format!("HTTP/1.1 200 OK\r\nx: {}\r\ncontent-length: 0\r\n\r\n", "x".repeat(bytes)).into_bytes()
    };
    let fits = Server::start(head(60 << 10)).await;
    send(get(&fits.url("127.0.0.1")), &bounds).await.unwrap();
    let large = Server::start(head(65 << 10)).await;
    let error = send(get(&large.url("127.0.0.1")), &bounds).await.unwrap_err();
    assert!(matches!(error, HttpError::Protocol { .. }), "{error:?}");
}

#[tokio::test]
async fn a_response_has_to_end_within_the_deadline() {
    let half = Server::start("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx").await;
    let brief = RequestOptions { timeout: Duration::from_millis(50), ..options(AddressPolicy::Any) };
    let began = Instant::now();
    let error = send(get(&half.url("127.0.0.1")), &brief).await.unwrap_err();
    assert!(matches!(error, HttpError::TimedOut(time) if time == brief.timeout), "{error:?}");
    assert!(began.elapsed() < TIMEOUT, "{:?}", began.elapsed());
    let head = send_for_head(get(&half.url("127.0.0.1")), &options(AddressPolicy::Any)).await.unwrap();
    assert_eq!(head.status, StatusCode::OK, "the head is complete");
    let silent = Server::start("").await;
    let error = send_for_head(get(&silent.url("127.0.0.1")), &brief).await.unwrap_err();
    assert!(matches!(error, HttpError::TimedOut(_)), "{error:?}");
}

#[tokio::test]
async fn each_failure_names_the_origin_and_not_the_path() {
    let noise = Server::start("\0\x01 what?\r\n\r\n").await;
    let error = send(get(&noise.url("127.0.0.1")), &options(AddressPolicy::Any)).await.unwrap_err();
    assert!(matches!(error, HttpError::Protocol { .. }), "{error:?}");
    assert!(error.to_string().contains(&noise.address.to_string()), "{error}");
    assert!(!error.to_string().contains("query"), "{error}");
    let secure = noise.url("127.0.0.1").replace("http:", "https:");
    let error = send(get(&secure), &options(AddressPolicy::Any)).await.unwrap_err();
    assert!(matches!(error, HttpError::Tls { .. }), "{error:?}");
    let error = send(get("http://127.0.0.1:1/"), &options(AddressPolicy::Any)).await.unwrap_err();
    assert!(matches!(error, HttpError::Unreachable { .. }), "{error:?}");
    let error = send(get("http://no-such-name.invalid/"), &options(AddressPolicy::Any)).await.unwrap_err();
    assert!(matches!(error, HttpError::Unresolved { .. }), "{error:?}");
    let error = send(get("ftp://127.0.0.1/"), &options(AddressPolicy::Any)).await.unwrap_err();
    assert!(matches!(error, HttpError::Url(_)), "{error:?}");
}
