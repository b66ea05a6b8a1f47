//! The page for people: where browsers find it, and what it is allowed.

use reqwest::header::HeaderMap;
use reqwest::redirect::Policy;

use crate::client::Client;
use crate::home::Home;
use crate::server::Server;

/// The path of a file that the page names.
pub(crate) async fn file(client: &Client, name: &str) -> String {
    let page = client.get("/console/").await.body;
    let page = page.as_str().unwrap();
    let end = page.find(&format!("/{name}\"")).unwrap_or_else(|| panic!("{name} is not in {page}"));
    let version = page[..end].rsplit('"').next().unwrap();
    format!("/console/{version}/{name}")
}

/// Status, headers and text of what a browser, or a program that takes `accept`, is
/// answered.
async fn asked(server: &Server, path: &str, accept: &str) -> (u16, HeaderMap, String) {
    let client = reqwest::Client::builder().redirect(Policy::none()).build().unwrap();
    let request = client.get(format!("{}{path}", server.base)).header("accept", accept);
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.headers().clone(), answer.text().await.unwrap())
}

const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

#[tokio::test]
async fn a_browser_is_sent_to_the_console_and_a_program_is_not() {
    let home = Home::new().with("UNTXT_AUTH", "api-key");
    let server = Server::start(&home, &["serve", "--no-worker"]);
    for path in ["/", "/console"] {
        let (status, headers, _) = asked(&server, path, BROWSER).await;
        assert_eq!((status, headers["location"].to_str().unwrap()), (302, "console/"), "{path}");
    }
    let (status, _, text) = asked(&server, "/", "*/*").await;
    assert!(status == 400 && text.contains("NOT_A_WEBSOCKET"), "{status}: {text}");

    let (status, headers, page) = asked(&server, "/console/", BROWSER).await;
    assert_eq!((status, headers["content-type"].to_str().unwrap()), (200, "text/html; charset=utf-8"));
    assert_eq!(headers["cache-control"], "no-cache");
    assert_eq!(headers["cross-origin-resource-policy"], "same-origin");
    let policy = headers["content-security-policy"].to_str().unwrap();
    for part in ["default-src 'none'", "script-src 'self'", "require-trusted-types-for 'script'"] {
        assert!(policy.split("; ").any(|found| found == part), "{part}: {policy}");
    }
    assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
    assert!(!page.contains("{version}"), "{page}");
}

#[tokio::test]
async fn files_of_the_console_are_kept_for_good_under_their_version() {
    let home = Home::new();
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let path = file(&server.client(), "console.js").await;
    let (status, headers, plain) = asked(&server, &path, "*/*").await;
    assert_eq!((status, headers["content-type"].to_str().unwrap()), (200, "text/javascript; charset=utf-8"));
    assert_eq!(headers["cache-control"], "public, max-age=31536000, immutable");
    assert!(!headers.contains_key("content-encoding"));
    let request = reqwest::Client::new().get(format!("{}{path}", server.base));
    let answer = request.header("accept-encoding", "gzip, br").send().await.unwrap();
    assert_eq!(
        (&answer.headers()["content-encoding"], &answer.headers()["vary"]),
        (&"gzip".parse().unwrap(), &"accept-encoding".parse().unwrap())
    );
    let bytes = answer.bytes().await.unwrap();
    let mut unzipped = String::new();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&bytes[..]), &mut unzipped).unwrap();
    assert_eq!(unzipped, plain);
    for wrong in ["/console/0123456789abcdef/console.js".to_owned(), path.replace("console.js", "other.js")] {
        let answer = server.client().get(&wrong).await;
        assert_eq!((answer.status, answer.code()), (404, "NOT_FOUND"), "{wrong}");
    }
}
