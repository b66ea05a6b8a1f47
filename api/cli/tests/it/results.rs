//! Results as other machines fetch them: through the server's own listener.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::client::{Client, Upload};
use crate::home::Home;
use crate::people::Person;
use crate::samples;
use crate::server::Server;

/// A task of one page that has ended.
async fn done(client: &Client, user: Uuid, formats: &str) -> String {
    let mut socket = client.socket(user).await;
    let upload = Upload::new(user, "the \"letter\".pdf", samples::pdf(1)).with("formats", formats);
    let task = client.accepted(upload).await;
    assert_eq!(socket.end_of(&task).await, "completed");
    task
}

/// What comes at a path for a request with these headers.
async fn fetched(
    server: &Server,
    method: &str,
    path: &str,
    more: &[(&str, &str)],
) -> (u16, HeaderMap, Vec<u8>) {
    let url = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", server.base) };
    let headers = more.iter().map(|(name, value)| {
        let name: HeaderName = name.parse().unwrap();
        (name, HeaderValue::from_str(value).unwrap())
    });
    let request = reqwest::Client::new().request(method.parse().unwrap(), url);
    let answer = request.headers(headers.collect()).send().await.unwrap();
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    (status, headers, answer.bytes().await.unwrap().to_vec())
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn the_content_comes_whole_in_part_or_not_at_all() {
    let home = Home::new();
    let server = Server::start(&home, &["serve"]);
    let (client, user) = (server.client(), Uuid::new_v4());
    let task = done(&client, user, "html,json").await;
    let path = format!("/api/tasks/{task}/result/content");
    let told = client.data(&format!("/api/tasks/{task}/result")).await;

    let (status, headers, whole) = fetched(&server, "GET", &path, &[]).await;
    assert_eq!(status, 200);
    assert_eq!(json!(whole.len()), told["bytes"]);
    let tag = header(&headers, "etag").to_owned();
    assert_eq!(tag, format!("\"{}\"", told["sha256"].as_str().unwrap()));
    assert_eq!(header(&headers, "content-length"), whole.len().to_string());
    assert_eq!(header(&headers, "content-type"), "text/html; charset=utf-8");
    let name = header(&headers, "content-disposition");
    assert!(name.starts_with("attachment; filename=\"the _letter_.html\""), "{name}");
    assert!(header(&headers, "content-security-policy").contains("sandbox"), "a page of it may nothing");
    assert_eq!(header(&headers, "x-content-type-options"), "nosniff");

    let (status, headers, part) = fetched(&server, "GET", &path, &[("range", "bytes=5-9")]).await;
    assert_eq!((status, part.as_slice()), (206, &whole[5..10]));
    assert_eq!(header(&headers, "content-range"), format!("bytes 5-9/{}", whole.len()));
    let (status, _, tail) =
        fetched(&server, "GET", &path, &[("range", "bytes=-4"), ("if-range", &tag)]).await;
    assert_eq!((status, tail.as_slice()), (206, &whole[whole.len() - 4..]));
    let other = [("range", "bytes=5-9"), ("if-range", "\"other\"")];
    assert_eq!(fetched(&server, "GET", &path, &other).await.0, 200);
    let behind = format!("bytes={}-", whole.len());
    let (status, _, body) = fetched(&server, "GET", &path, &[("range", &behind)]).await;
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((status, &body["error"]["code"]), (416, &json!("RANGE_NOT_SATISFIABLE")));
    let (status, _, nothing) = fetched(&server, "GET", &path, &[("if-none-match", &tag)]).await;
    assert_eq!((status, nothing.len()), (304, 0));
    let (status, headers, nothing) = fetched(&server, "HEAD", &path, &[]).await;
    assert_eq!((status, nothing.len()), (200, 0));
    assert_eq!(header(&headers, "content-length"), whole.len().to_string());

    let (_, _, made) = fetched(&server, "GET", &format!("{path}?format=json"), &[]).await;
    let made: Value = serde_json::from_slice(&made).unwrap();
    assert_eq!(made["pages"].as_array().unwrap().len(), 1);
    let missing = client.get(&format!("{path}?format=md")).await;
    assert_eq!((missing.status, missing.code()), (404, "FORMAT_NOT_AVAILABLE"), "{missing:?}");
}

#[tokio::test]
async fn a_searchable_pdf_is_fetched_as_one() {
    let home = Home::new();
    let server = Server::start(&home, &["serve"]);
    let (client, user) = (server.client(), Uuid::new_v4());
    let task = done(&client, user, "pdf,pdfa").await;
    let path = format!("/api/tasks/{task}/result");
    for (format, name) in [("pdf", "the _letter_.ocr.pdf"), ("pdfa", "the _letter_.pdfa.pdf")] {
        let told = client.data(&format!("{path}?format={format}")).await;
        let (status, headers, content) =
            fetched(&server, "GET", &format!("{path}/content?format={format}"), &[]).await;
        assert_eq!((status, header(&headers, "content-type")), (200, "application/pdf"));
        assert!(content.starts_with(b"%PDF-1.7") && json!(content.len()) == told["bytes"], "{told}");
        let (status, headers, same) = fetched(&server, "GET", told["resultUrl"].as_str().unwrap(), &[]).await;
        let disposition = header(&headers, "content-disposition");
        assert!(disposition.contains(&format!("filename=\"{name}\"")), "{disposition}");
        assert_eq!((status, same), (200, content));
    }
    let (_, _, archive) = fetched(&server, "GET", &format!("{path}/archive"), &[]).await;
    assert!(archive.windows(9).any(|bytes| bytes == b".pdfa.pdf"));
}

#[tokio::test]
async fn an_archive_has_all_formats_or_those_asked_for() {
    let home = Home::new();
    let server = Server::start(&home, &["serve"]);
    let (client, user) = (server.client(), Uuid::new_v4());
    let task = done(&client, user, "html,json,alto").await;
    let path = format!("/api/tasks/{task}/result/archive");
    let told = client.data(&format!("/api/tasks/{task}/result")).await;
    let stem = told["filename"].as_str().unwrap().strip_suffix(".pdf").unwrap().to_owned();
    // Names stand as they are beside the packed bytes, and in the list at the end.
    let named = |archive: &[u8], name: &str| {
        archive.windows(name.len()).filter(|bytes| *bytes == name.as_bytes()).count()
    };

    let (status, headers, whole) = fetched(&server, "GET", &path, &[("accept-encoding", "gzip")]).await;
    assert_eq!((status, header(&headers, "content-type")), (200, "application/zip"));
    let name = header(&headers, "content-disposition");
    assert!(name.starts_with("attachment; filename=\"the _letter_.zip\""), "{name}");
    assert_eq!(header(&headers, "accept-ranges"), "none");
    assert!(
        !headers.contains_key("content-length") && !headers.contains_key("content-encoding"),
        "{headers:?}"
    );
    assert!(header(&headers, "content-security-policy").contains("sandbox"));
    for extension in ["html", "json", "alto.xml"] {
        assert_eq!(named(&whole, &format!("{stem}.{extension}")), 2, "{extension}");
    }
    let tag = header(&headers, "etag").to_owned();
    assert!(tag.starts_with("W/\""), "{tag}");
    let (status, _, same) = fetched(&server, "GET", &path, &[("range", "bytes=5-9")]).await;
    assert_eq!((status, same), (200, whole));
    let (status, _, nothing) = fetched(&server, "GET", &path, &[("if-none-match", &tag)]).await;
    assert_eq!((status, nothing.len()), (304, 0));
    let (status, headers, nothing) = fetched(&server, "HEAD", &path, &[]).await;
    assert_eq!((status, nothing.len(), header(&headers, "etag")), (200, 0, tag.as_str()));

    let (_, headers, chosen) = fetched(&server, "GET", &format!("{path}?formats=json,html"), &[]).await;
    assert_ne!(header(&headers, "etag"), tag);
    assert_eq!(
        (named(&chosen, &format!("{stem}.json")), named(&chosen, &format!("{stem}.alto.xml"))),
        (2, 0)
    );
    let missing = client.get(&format!("{path}?formats=json,md")).await;
    assert_eq!((missing.status, missing.code()), (404, "FORMAT_NOT_AVAILABLE"), "{missing:?}");
    let unknown = client.get(&format!("{path}?formats=docx")).await;
    assert_eq!((unknown.status, unknown.code()), (400, "INVALID_FIELD"), "{unknown:?}");
}

#[tokio::test]
async fn urls_name_the_server_outlive_it_and_open_nothing_else() {
    let home = Home::new();
    let server = Server::start(&home, &["serve"]);
    let user = Uuid::new_v4();
    let task = done(&server.client(), user, "html").await;
    let told = server.client().data(&format!("/api/tasks/{task}/result")).await;
    let url = told["resultUrl"].as_str().unwrap();
    let path = url.strip_prefix(&server.base).expect("the address that the client used").to_owned();
    assert!(path.starts_with("/objects/"), "{path}");
    let (status, headers, body) = fetched(&server, "GET", &path, &[]).await;
    assert_eq!((status, json!(body.len())), (200, told["bytes"].clone()));
    assert!(header(&headers, "content-disposition").starts_with("attachment"));
    assert!(header(&headers, "content-security-policy").contains("sandbox"));

    let key = fs::metadata(home.path("data/objects/.key")).unwrap();
    assert_eq!(key.permissions().mode() & 0o777, 0o600);
    let begun = json!({"userId": user, "filename": "a.pdf", "bytes": 4});
    let put = server.client().send_json("/api/uploads", &begun).await.body["data"]["url"].clone();
    let put = put.as_str().unwrap().strip_prefix(&server.base).unwrap().to_owned();
    server.kill();

    let again = Server::start(&home, &["serve"]);
    assert_eq!(fetched(&again, "GET", &path, &[]).await.2, body, "the URL outlives the process");
    let elsewhere = [("host", "ocr.example.com")];
    assert_eq!(fetched(&again, "GET", &path, &elsewhere).await.0, 200, "whatever name the server has");
    let (bare, query) = path.split_once('?').unwrap();
    for (method, path) in [
        ("GET", bare.to_owned()),
        ("PUT", path.clone()),
        ("GET", put),
        ("GET", format!("{bare}l?{query}")),
        ("GET", path.replace("Expires=3600", "Expires=604800")),
        ("GET", format!("/objects/?{query}")),
        ("GET", format!("/objects/untxt?{query}")),
        ("GET", format!("{path}&uploads")),
    ] {
        let (status, _, said) = fetched(&again, method, &path, &[]).await;
        let said: Value = serde_json::from_slice(&said).unwrap_or_default();
        assert_eq!((status, &said["error"]["code"]), (403, &json!("URL_NOT_SIGNED")), "{method} {path}");
    }
    let log = fs::read_to_string(again.log()).unwrap();
    assert!(!log.contains("ERROR"), "a client's mistake is none of the operator's: {log}");
    for method in ["POST", "DELETE"] {
        assert_eq!(fetched(&again, method, &path, &[]).await.0, 405, "{method}");
    }
}

#[tokio::test]
async fn urls_begin_with_the_public_url_where_one_is_set() {
    let public = "https://ocr.example.com/text";
    let home = Home::new().with("UNTXT_PUBLIC_URL", public);
    let server = Server::start(&home, &["serve"]);
    let (client, user) = (server.client(), Uuid::new_v4());
    let task = done(&client, user, "html").await;
    let told = client.data(&format!("/api/tasks/{task}/result")).await;
    let path = told["resultUrl"].as_str().unwrap().strip_prefix(public).expect("the public URL").to_owned();
    assert_eq!(fetched(&server, "GET", &path, &[]).await.0, 200, "a proxy takes the prefix away");
    let announced = json!({"userId": user, "filename": "a.pdf", "bytes": 9});
    let begun = client.send_json("/api/uploads", &announced).await.body["data"]["url"].clone();
    assert!(begun.as_str().unwrap().starts_with(&format!("{public}/objects/")), "{begun}");
}

/// A large file is put as it was announced, and no other way.
#[tokio::test]
async fn a_file_as_large_as_may_be_is_put_through_the_server() {
    let home = Home::new().with("UNTXT_MAX_UPLOAD_BYTES", &(40_u32 << 20));
    let server = Server::start(&home, &["serve"]);
    let (client, user) = (server.client(), Uuid::new_v4());
    let file = samples::padded_pdf(1, (40 << 20) - 100_000);
    let announced = json!({"userId": user, "filename": "book.pdf", "bytes": file.len()});
    let begun = client.send_json("/api/uploads", &announced).await.body["data"].clone();
    assert!(begun["url"].as_str().unwrap().starts_with(&server.base), "{begun}");
    assert_eq!(client.put(&begun, file[..9].to_vec()).await, 403, "fewer bytes are not what was signed");
    assert_eq!(client.put(&begun, file).await, 200);
    let path = format!("/api/uploads/{}/complete", begun["uploadId"].as_str().unwrap());
    let created = client.send_json(&path, &json!({})).await;
    assert_eq!(created.status, 201, "{created:?}");
}

/// A book whose JSON takes more than one part, and HTML beside it, with nothing
/// set. It failed as a whole when a result had to fit into 16 MiB.
#[test]
fn a_book_comes_as_json_and_html() {
    let home = Home::new();
    home.write("book.pdf", &samples::book(200));
    home.run(&["ocr", "book.pdf", "--format", "json,html,txt"]).exits(0);
    let text = fs::read_to_string(home.path("book.txt")).unwrap();
    let words = text.split_whitespace().count();
    assert!(words >= 200 * 396, "{words}");
    assert!(fs::metadata(home.path("book.html")).unwrap().len() > text.len() as u64);
    let json = fs::read_to_string(home.path("book.json")).unwrap();
    let times = json.len() as f64 / text.len() as f64;
    assert!(times < 20.0, "the JSON is {times:.1} times its text");
    // A page is a line.
    let pages = json.lines().skip(1).take(200).map(|line| line.trim_end_matches(','));
    for (index, page) in pages.enumerate() {
        let page: Value = serde_json::from_str(page).unwrap();
        assert_eq!(page["index"], index);
    }
    assert_eq!(serde_json::from_str::<Value>(&json).unwrap()["pages"].as_array().unwrap().len(), 200);
}

/// An address that another network namespace has to this one.
struct Neighbour {
    name: String,
}

const HERE: &str = "10.213.77.1";

impl Neighbour {
    /// None, with the reason on standard error, where this may not be set up.
    fn new() -> Option<Self> {
        if let Err(error) = Command::new("curl").arg("--version").output() {
            return skipped(&format!("curl can't be run here: {error}"));
        }
        let name = format!("untxt-{}", std::process::id());
        let (ours, theirs) = (format!("u{}a", std::process::id()), format!("u{}b", std::process::id()));
        let made = Self { name: name.clone() };
        for line in [
            format!("netns add {name}"),
            format!("link add {ours} type veth peer name {theirs} netns {name}"),
            format!("addr add {HERE}/30 dev {ours}"),
            format!("link set {ours} up"),
            format!("-n {name} addr add 10.213.77.2/30 dev {theirs}"),
            format!("-n {name} link set {theirs} up"),
        ] {
            let ran = Command::new("ip").args(line.split(' ')).output();
            if !ran.as_ref().is_ok_and(|ran| ran.status.success()) {
                return skipped(&format!("no network namespace can be made here: `ip {line}`: {ran:?}"));
            }
        }
        Some(made)
    }

    /// Runs a program there.
    fn run(&self, program: &[&str]) -> String {
        let ran = Command::new("ip").args(["netns", "exec", &self.name]).args(program).output().unwrap();
        assert!(ran.status.success(), "{program:?}: {ran:?}");
        String::from_utf8(ran.stdout).unwrap()
    }

    fn curl(&self, key: &str, more: &[&str]) -> Value {
        let bearer = format!("authorization: Bearer {key}");
        let said = self.run(&[&["curl", "-sS", "-m", "60", "-H", &bearer][..], more].concat());
        serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"))
    }
}

/// Says why the test shows nothing here.
fn skipped(reason: &str) -> Option<Neighbour> {
    let _nobody_reads = writeln!(std::io::stderr(), "skipped: {reason}");
    None
}

impl Drop for Neighbour {
    fn drop(&mut self) {
        let _not_there = Command::new("ip").args(["netns", "del", &self.name]).output();
    }
}

#[tokio::test]
async fn another_machine_uploads_listens_and_fetches() {
    let Some(there) = Neighbour::new() else { return };
    let home = Home::new().with("UNTXT_AUTH", "api-key").with("UNTXT_LISTEN", "0.0.0.0:0");
    let person = Person::new(&home, "submit,read");
    let server = Server::start(&home, &["serve"]);
    let port = server.base.rsplit_once(':').unwrap().1;
    let base = format!("http://{HERE}:{port}");
    let file = home.write("a.pdf", &samples::padded_pdf(1, 20 << 20));
    let small = home.write("b.pdf", &samples::pdf(1));

    let form = format!("file=@{}", small.display());
    let created = there.curl(&person.key, &[&format!("{base}/api/tasks"), "-F", &form]);
    let task = created["data"]["taskId"].as_str().unwrap_or_else(|| panic!("{created}")).to_owned();
    let events = format!("{base}/api/tasks/{task}/events");
    let bearer = format!("authorization: Bearer {}", person.key);
    let heard = there.run(&["curl", "-sSN", "-m", "60", "-H", &bearer, &events]);
    assert!(heard.contains("\"completed\""), "{heard}");
    let told = there.curl(&person.key, &[&format!("{base}/api/tasks/{task}/result?format=html")]);
    let url = told["data"]["resultUrl"].as_str().unwrap();
    assert!(url.starts_with(&base), "{url}");
    let by_url = there.run(&["curl", "-sSf", "-m", "60", url]);
    let content = format!("{base}/api/tasks/{task}/result/content");
    assert_eq!(there.run(&["curl", "-sSf", "-m", "60", "-H", &bearer, &content]), by_url);
    assert!(by_url.contains(&samples::first_line(1)), "{by_url}");

    let upgrade =
        ["-H", "connection: Upgrade", "-H", "upgrade: websocket", "-H", "sec-websocket-version: 13"];
    let nonce =
        ["-H", "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==", "-o", "/dev/null", "-w", "%{http_code}"];
    let socket =
        [&["sh", "-c", "\"$@\" || true", "sh", "curl", "-sS", "-m", "2", "--http1.1", "-H", &bearer][..]];
    let opened = there.run(&[socket[0], &upgrade, &nonce, &[&format!("{base}/ws")]].concat());
    assert_eq!(opened.trim(), "101");

    let bytes = fs::metadata(&file).unwrap().len();
    let announced = json!({"filename": "a.pdf", "bytes": bytes}).to_string();
    let json_type = "content-type: application/json";
    let begun = there.curl(&person.key, &[&format!("{base}/api/uploads"), "-H", json_type, "-d", &announced]);
    let (url, id) = (begun["data"]["url"].as_str().unwrap(), begun["data"]["uploadId"].as_str().unwrap());
    assert!(url.starts_with(&base), "{url}");
    let octets = "content-type: application/octet-stream";
    there.run(&["curl", "-sSf", "-m", "60", "-H", octets, "-T", file.to_str().unwrap(), url]);
    let complete = format!("{base}/api/uploads/{id}/complete");
    let created = there.curl(&person.key, &[&complete, "-H", json_type, "-d", "{}"]);
    assert_eq!(created["success"], true, "{created}");
}
