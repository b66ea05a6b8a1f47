//! Browsers: they sign in, act, sign out, and no page of another site does so for them.

use std::collections::HashMap;
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue, SET_COOKIE};
use reqwest::multipart::{Form, Part};
use reqwest::redirect::Policy;
use sea_orm::{ConnectionTrait, Database, DatabaseConnection};
use serde_json::{Value, json};

use crate::client::Client;
use crate::home::Home;
use crate::people::Person;
use crate::provider::{AUDIENCE, Grant, Provider, SigningKey, seconds_now};
use crate::samples;
use crate::server::Server;
use crate::socket::Socket;

fn home() -> Home {
    // Some tests ask again and again until they are refused.
    Home::new().with("UNTXT_AUTH", "api-key").with("UNTXT_AUTH_FAILURES_PER_MINUTE", "none")
}

/// What a browser is answered that signs in with a key.
async fn signing_in(client: &Client, key: &str) -> (u16, HeaderMap, Value) {
    let request = reqwest::Client::new().post(client.url("/api/session")).json(&json!({ "key": key }));
    let answer = request.header("sec-fetch-site", "same-origin").send().await.unwrap();
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    (status, headers, answer.json().await.unwrap())
}

/// The cookie that a browser is given for a key, as it sends it.
pub(crate) async fn cookie(client: &Client, key: &str) -> String {
    let (status, headers, body) = signing_in(client, key).await;
    assert_eq!(status, 201, "{body}");
    cookie_of(&headers)
}

fn cookie_of(headers: &HeaderMap) -> String {
    let set = headers[SET_COOKIE].to_str().unwrap();
    set.split(';').next().unwrap().to_owned()
}

/// A page of this server's own, in a browser that has this cookie.
pub(crate) fn page(client: &Client, cookie: &str) -> Client {
    with(client, &[("cookie", cookie), ("sec-fetch-site", "same-origin")])
}

fn with(client: &Client, headers: &[(&str, &str)]) -> Client {
    let pairs = headers
        .iter()
        .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap()));
    client.always_sending(pairs.collect())
}

async fn database(home: &Home) -> DatabaseConnection {
    Database::connect(format!("sqlite://{}", home.path("data/untxt.db").display())).await.unwrap()
}

async fn change(home: &Home, statement: &str) {
    let database = database(home).await;
    assert_eq!(database.execute_unprepared(statement).await.unwrap().rows_affected(), 1, "{statement}");
    database.close().await.unwrap();
}

async fn ended(page: &Client) -> Value {
    page.until_answer("/api/tasks", |answer| answer.status == 401).await.body["error"]["message"].clone()
}

#[tokio::test]
async fn a_browser_signs_in_with_a_key_and_acts_until_it_signs_out() {
    let home = home();
    let person = Person::with(&home, &["--scopes", "submit,read", "--name", "the scanner"]);
    let admin = Person::new(&home, "admin");
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let client = server.client();
    let ways = client.data("/api/sign-in").await;
    assert_eq!(ways, json!({ "authentication": "required", "key": true, "provider": false }));
    let (status, headers, body) = signing_in(&client, &person.key).await;
    assert_eq!(status, 201, "{body}");
    let (me, set) = (&body["data"], headers[SET_COOKIE].to_str().unwrap());
    assert!(
        set.starts_with("untxt=") && set.contains("; HttpOnly; SameSite=Lax") && set.contains("; Path=/;"),
        "{set}"
    );
    assert!(!set.contains("Domain") && !set.contains("Secure"), "{set}");
    assert_eq!((&me["name"], &me["userId"]), (&json!("the scanner"), &json!(person.user)));
    assert_eq!((&me["scopes"], &me["authentication"]), (&json!(["submit", "read"]), &json!("session")));

    let cookie = cookie_of(&headers);
    let secret = cookie.strip_prefix("untxt=").unwrap();
    assert!(secret.len() == 64 && !body.to_string().contains(secret), "{body}");
    let page = page(&client, &cookie);
    assert_eq!(&page.data("/api/me").await, me);
    let picture = Part::bytes(samples::picture(1)).file_name("a.png");
    let made = page.post(Form::new().part("file", picture)).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(page.data("/api/tasks").await["tasks"][0]["userId"], json!(person.user));
    let denied = page.get("/api/admin/audit").await;
    assert_eq!((denied.status, denied.code()), (403, "SCOPE_MISSING"), "{denied:?}");
    let mut socket =
        Socket::with(&client.socket_url("/ws"), &[("cookie", &cookie), ("origin", &server.base)])
            .await
            .unwrap();
    socket.greet().await;

    let out = page.delete("/api/session").await;
    assert_eq!(out.status, 204, "{out:?}");
    let after = page.get("/api/tasks").await;
    assert_eq!((after.status, after.code()), (401, "UNAUTHENTICATED"), "at once: {after:?}");
    assert_eq!(socket.closed().await.0, 4401);
    let audit = client.presenting(&admin.key).data("/api/admin/audit").await;
    let lines: Vec<_> = audit["audit"].as_array().unwrap().iter().take(2).collect();
    let actor = json!(format!("key:{}", person.id));
    assert_eq!([&lines[0]["actor"], &lines[1]["actor"]], [&actor, &actor], "{audit}");
    assert_eq!([&lines[0]["action"], &lines[1]["action"]], ["sign-out", "sign-in"], "{audit}");
    assert_eq!(lines[0]["subject"], lines[1]["subject"]);

    for file in ["data/untxt.db", "data/untxt.db-wal", "server.log"] {
        let bytes = std::fs::read(home.path(file)).unwrap_or_default();
        let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!found, "the secret stands in {file}");
    }
}

#[tokio::test]
async fn a_session_ends_with_its_key_through_every_process() {
    let home = home();
    let (person, admin) = (Person::new(&home, "submit,read"), Person::new(&home, "admin"));
    let (one, other) =
        (Server::start(&home, &["serve", "--no-worker"]), Server::start(&home, &["serve", "--no-worker"]));
    let cookie = cookie(&one.client(), &person.key).await;
    let page = page(&other.client(), &cookie);
    assert_eq!(page.get("/api/tasks").await.status, 200, "one process takes what another gave out");
    let mut socket = Socket::with(
        &other.client().socket_url("/ws"),
        &[("cookie", &cookie), ("sec-fetch-site", "same-origin")],
    )
    .await
    .unwrap();
    socket.greet().await;

    change(&home, &format!("UPDATE api_keys SET scopes = 'read' WHERE hex(id) = '{}'", hex(&person.id)))
        .await;
    page.until("/api/me", |me| me["scopes"] == json!(["read"])).await;

    let revoke = format!("/api/admin/keys/{}/revoke", person.id);
    assert_eq!(one.client().presenting(&admin.key).tell(&revoke, &json!({})).await.status, 200);
    let began = Instant::now();
    assert!(ended(&page).await.as_str().unwrap().ends_with("is revoked"));
    assert!(began.elapsed().as_secs() < 5, "{:?}", began.elapsed());
    assert_eq!(socket.closed().await.0, 4401);
}

fn hex(id: &str) -> String {
    id.replace('-', "").to_ascii_uppercase()
}

#[tokio::test]
async fn a_session_ends_when_it_is_idle_and_when_its_time_is_over() {
    let home = home();
    let person = Person::with(&home, &["--scopes", "read", "--expires", "1h"]);
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let client = server.client();
    let hours = |hours: i64| hours * 60 * 60 * 1_000;
    for over in [
        format!("UPDATE sessions SET seen_at_ms = seen_at_ms - {}", hours(8)),
        "UPDATE sessions SET expires_at_ms = created_at_ms".to_owned(),
    ] {
        let cookie = cookie(&client, &person.key).await;
        let page = page(&client, &cookie);
        let listed = page.data("/api/sessions").await;
        let [session] = listed["sessions"].as_array().unwrap().as_slice() else { panic!("{listed}") };
        let until = page.data("/api/me").await["expiresAt"].clone();
        assert_eq!(
            (&session["expiresAt"], &session["current"]),
            (&until, &json!(true)),
            "it ends with its key"
        );
        let mut socket = Socket::with(
            &client.socket_url("/ws"),
            &[("cookie", &cookie), ("sec-fetch-site", "same-origin")],
        )
        .await
        .unwrap();
        socket.greet().await;
        change(&home, &over).await;
        assert_eq!(ended(&page).await, "the session has ended; sign in again", "{over}");
        assert_eq!(socket.closed().await.0, 4401, "{over}");
    }
    // What is over is removed by the next sign-in.
    cookie(&client, &person.key).await;
    let database = database(&home).await;
    let left = database.query_one_raw(sea_orm::Statement::from_string(
        database.get_database_backend(),
        "SELECT COUNT(*) AS left_over FROM sessions",
    ));
    assert_eq!(left.await.unwrap().unwrap().try_get::<i64>("", "left_over").unwrap(), 1);
    database.close().await.unwrap();
}

/// What a page, or the browser it is in, sends besides the cookie.
type Headers<'a> = &'a [(&'a str, &'a str)];

#[tokio::test]
async fn a_page_of_another_site_can_not_use_the_cookie() {
    let home = home().with("UNTXT_CORS_ORIGINS", "https://app.example.com");
    let (person, other) = (Person::new(&home, "submit,read"), Person::new(&home, "submit,read"));
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let client = server.client();
    let cookie = cookie(&client, &person.key).await;
    let sending =
        |headers: &[(&str, &str)]| with(&client, &[&[("cookie", cookie.as_str())], headers].concat());
    let refused = (403, "ORIGIN_NOT_ALLOWED".to_owned());
    let own = server.base.as_str();
    let evil = "https://evil.example";
    let listed = "https://app.example.com";
    // Each with what acting, reading and opening a socket is answered.
    let cases: [(Headers<'_>, u16, u16, u16); 12] = [
        (&[("sec-fetch-site", "same-origin")], 201, 200, 101),
        (&[("sec-fetch-site", "same-origin"), ("origin", own)], 201, 200, 101),
        (&[("origin", own)], 201, 200, 101),
        (&[], 403, 200, 403),
        (&[("sec-fetch-site", "none")], 403, 200, 403),
        (&[("sec-fetch-site", "same-site")], 403, 403, 403),
        (&[("sec-fetch-site", "cross-site")], 403, 403, 403),
        (&[("sec-fetch-site", "cross-site"), ("origin", own)], 403, 403, 403),
        (&[("sec-fetch-site", "cross-site"), ("origin", evil)], 403, 403, 403),
        (&[("origin", evil)], 403, 403, 403),
        (&[("origin", "null")], 403, 403, 403),
        (&[("sec-fetch-site", "cross-site"), ("origin", listed)], 401, 401, 101),
    ];
    for (headers, acts, reads, listens) in cases {
        let page = sending(headers);
        let acted = page.act("/api/tickets").await;
        assert_eq!(acted.status, acts, "{headers:?}: {acted:?}");
        let read = page.get("/api/tasks").await;
        assert_eq!(read.status, reads, "{headers:?}: {read:?}");
        for answer in [acted, read].iter().filter(|answer| answer.status == 403) {
            assert_eq!((answer.status, answer.code().to_owned()), refused, "{headers:?}");
        }
        let sent: Vec<_> = [&[("cookie", cookie.as_str())], headers].concat();
        match Socket::with(&client.socket_url("/ws"), &sent).await {
            Err(status) => assert_eq!(status, listens, "{headers:?}"),
            Ok(mut socket) if headers.contains(&("origin", listed)) => {
                socket.send(&json!({"type": "authenticate", "token": other.key})).await;
                socket.greet().await;
                assert_eq!(
                    socket.greeting["data"]["userId"],
                    json!(other.user),
                    "its own word, not the cookie"
                );
            }
            Ok(mut socket) => {
                assert_eq!(listens, 101, "{headers:?}");
                socket.greet().await;
            }
        }
    }
    let foreign = with(&client, &[("sec-fetch-site", "cross-site"), ("origin", evil)]);
    let in_their_name = foreign.tell("/api/session", &json!({ "key": other.key })).await;
    assert_eq!(
        (in_their_name.status, in_their_name.code().to_owned()),
        refused,
        "signs nobody in: {in_their_name:?}"
    );
    let read = sending(&[]).headers("/api/tasks").await;
    assert_eq!(read["cross-origin-resource-policy"], "same-origin");
    let (_, allowed) = client.preflight("/api/tasks", listed).await;
    assert_eq!(allowed.as_deref(), Some(listed));
    let answered = sending(&[("origin", listed)]).headers("/api/tasks").await;
    assert!(!answered.contains_key("access-control-allow-credentials"), "{answered:?}");

    // Whoever says who they are is that, whatever cookie there is.
    let key = format!("Bearer {}", other.key);
    let both = sending(&[("authorization", &key)]);
    assert_eq!(both.data("/api/me").await["userId"], json!(other.user));
}

#[tokio::test]
async fn a_caller_lists_and_ends_their_own_sessions_and_nobody_elses() {
    let home = home();
    let (person, other) = (Person::new(&home, "read"), Person::new(&home, "admin"));
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let client = server.client();
    let first = page(&client, &cookie(&client, &person.key).await);
    let second = page(&client, &cookie(&client, &person.key).await);
    let foreign = page(&client, &cookie(&client, &other.key).await);
    let ids = |data: Value| -> Vec<(String, bool)> {
        let sessions = data["sessions"].as_array().unwrap();
        let of = |session: &Value| (session["id"].as_str().unwrap().to_owned(), session["current"] == true);
        sessions.iter().map(of).collect()
    };
    let listed = ids(second.data("/api/sessions").await);
    let [(newest, true), (oldest, false)] = listed.as_slice() else { panic!("{listed:?}") };
    assert_eq!(
        ids(client.presenting(&person.key).data("/api/sessions").await).len(),
        2,
        "the key sees them too"
    );
    assert_eq!(ids(foreign.data("/api/sessions").await).len(), 1);
    for id in [newest.as_str(), oldest, "no-id", &person.id] {
        let missing = foreign.delete(&format!("/api/sessions/{id}")).await;
        assert_eq!((missing.status, missing.code()), (404, "SESSION_NOT_FOUND"), "{id}: {missing:?}");
    }
    let ticket = first.act("/api/tickets").await.body["data"]["ticket"].as_str().unwrap().to_owned();
    assert_eq!(second.delete(&format!("/api/sessions/{oldest}")).await.status, 204);
    assert_eq!(first.get("/api/me").await.status, 401);
    assert_eq!(
        client.get(&format!("/api/tasks?ticket={ticket}")).await.status,
        401,
        "its ticket ends with it"
    );
    assert_eq!(second.get("/api/me").await.status, 200);
    let in_none = client.presenting(&person.key).delete("/api/session").await;
    assert_eq!((in_none.status, in_none.code()), (404, "SESSION_NOT_FOUND"), "{in_none:?}");
}

#[tokio::test]
async fn of_too_many_sessions_of_one_caller_the_oldest_ends() {
    let home = home();
    let (person, other) = (Person::new(&home, "read"), Person::new(&home, "read"));
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let client = server.client();
    let untouched = page(&client, &cookie(&client, &other.key).await);
    let oldest = page(&client, &cookie(&client, &person.key).await);
    let second = page(&client, &cookie(&client, &person.key).await);
    for _ in 2..50 {
        cookie(&client, &person.key).await;
    }
    assert_eq!((oldest.get("/api/me").await.status, second.get("/api/me").await.status), (200, 200));
    cookie(&client, &person.key).await;
    assert_eq!((oldest.get("/api/me").await.status, second.get("/api/me").await.status), (401, 200));
    assert_eq!(second.data("/api/sessions").await["sessions"].as_array().unwrap().len(), 50);
    assert_eq!(untouched.get("/api/me").await.status, 200);
}

#[tokio::test]
async fn who_tries_keys_at_the_sign_in_is_slowed_down() {
    let home = Home::new().with("UNTXT_AUTH", "api-key").with("UNTXT_AUTH_FAILURES_PER_MINUTE", &3);
    let person = Person::new(&home, "read");
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let client = server.client();
    for number in 0..5 {
        let key = format!("untxt_{}_{number:064x}", "0".repeat(32));
        let (status, headers, body) = signing_in(&client, &key).await;
        assert_eq!(status, if number < 3 { 401 } else { 429 }, "{body}");
        assert!(!headers.contains_key(SET_COOKIE), "{headers:?}");
    }
    let made_up = page(&client, &format!("untxt={}", "0".repeat(64))).get("/api/me").await;
    assert_eq!((made_up.status, made_up.code()), (429, "AUTH_RATE_LIMITED"), "{made_up:?}");
    cookie(&client, &person.key).await;
    for wrong in [json!({}), json!({ "key": 1 }), json!({ "key": "a", "more": 1 })] {
        assert_eq!(client.tell("/api/session", &wrong).await.code(), "MALFORMED_BODY", "{wrong}");
    }
}

#[tokio::test]
async fn a_cookie_goes_over_tls_or_nowhere() {
    let home = home();
    let person = Person::new(&home, "read");
    let home = home.with("UNTXT_PUBLIC_URL", "https://ocr.example.com/scans");
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let (_, headers, _) = signing_in(&server.client(), &person.key).await;
    let set = headers[SET_COOKIE].to_str().unwrap();
    assert!(
        set.starts_with("__Host-untxt=") && set.contains("; Path=/;") && set.ends_with("; Secure"),
        "{set}"
    );
    let cookie = cookie_of(&headers);
    assert_eq!(page(&server.client(), &cookie).get("/api/me").await.status, 200);
    let plain = cookie.replace("__Host-", "");
    assert_eq!(
        page(&server.client(), &plain).get("/api/me").await.status,
        401,
        "another host may have set it"
    );

    let home = home.with("UNTXT_PUBLIC_URL", "http://ocr.example.com");
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let (status, headers, body) = signing_in(&server.client(), &person.key).await;
    assert_eq!((status, &body["error"]["code"]), (403, &json!("INSECURE_CONNECTION")), "{body}");
    assert!(!headers.contains_key(SET_COOKIE));
}

#[tokio::test]
async fn without_authentication_there_is_nothing_to_sign_in_to() {
    let home = Home::new();
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let client = server.client();
    let ways = client.data("/api/sign-in").await;
    assert_eq!(ways, json!({ "authentication": "off", "key": false, "provider": false }));
    let me = client.data("/api/me").await;
    assert_eq!(
        (&me["authentication"], &me["userId"], &me["expiresAt"]),
        (&json!("off"), &json!(null), &json!(null))
    );
    assert_eq!(me["limits"]["pagesMax"], 5_000);
    let refused = client.tell("/api/session", &json!({ "key": "a" })).await;
    assert_eq!((refused.status, refused.code()), (409, "AUTHENTICATION_OFF"), "{refused:?}");
    let none = client.get("/auth/login").await;
    assert_eq!((none.status, none.code()), (404, "NOT_FOUND"), "{none:?}");
}

/// A browser that follows no redirect: the test looks at each.
async fn visited(client: &Client, path: &str, cookie: Option<&str>) -> (u16, String, HeaderMap) {
    let browser = reqwest::Client::builder().redirect(Policy::none()).build().unwrap();
    let mut request = browser.get(client.url(path)).header("sec-fetch-site", "cross-site");
    if let Some(cookie) = cookie {
        request = request.header("cookie", cookie);
    }
    let answer = request.send().await.unwrap();
    let headers = answer.headers().clone();
    let location = headers.get("location").map(|value| value.to_str().unwrap().to_owned());
    (answer.status().as_u16(), location.unwrap_or_default(), headers)
}

fn cookies_of(headers: &HeaderMap) -> Vec<String> {
    let set = headers.get_all(SET_COOKIE).into_iter().map(|value| value.to_str().unwrap());
    set.map(|set| set.split(';').next().unwrap().to_owned()).collect()
}

const FAILED: &str = "../console/#/sign-in?error=";

#[tokio::test]
async fn a_browser_signs_in_at_the_provider() {
    let key = SigningKey::new("a");
    let provider = Provider::start(&key).await;
    let home = Home::new()
        .with("UNTXT_AUTH", "jwt")
        .with("UNTXT_JWT_ISSUER", &provider.issuer)
        .with("UNTXT_JWT_AUDIENCE", AUDIENCE)
        .with("UNTXT_PUBLIC_URL", "http://localhost/ocr")
        .with("UNTXT_OIDC_CLIENT_ID", "console")
        .with("UNTXT_OIDC_CLIENT_SECRET", "a secret/of the client")
        .with("UNTXT_OIDC_SCOPES", "openid untxt:read");
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let client = server.client();
    let ways = client.data("/api/sign-in").await;
    assert_eq!(ways, json!({ "authentication": "required", "key": false, "provider": true }));

    let (status, address, headers) =
        visited(&client, "/auth/login?return=%23%2Fletters%3Fcode%3DA", None).await;
    assert_eq!(status, 302);
    let [begun] = cookies_of(&headers).try_into().unwrap();
    assert!(headers[SET_COOKIE].to_str().unwrap().contains("Max-Age=600; Path=/; HttpOnly; SameSite=Lax"));
    let address = Url::parse(&address).unwrap();
    let asked: HashMap<_, _> = address.query_pairs().into_owned().collect();
    assert!(address.as_str().starts_with(&provider.issuer), "{address}");
    assert_eq!((asked["response_type"].as_str(), asked["client_id"].as_str()), ("code", "console"));
    assert_eq!(asked["redirect_uri"], "http://localhost/ocr/auth/callback");
    assert_eq!(
        (asked["scope"].as_str(), asked["code_challenge_method"].as_str()),
        ("openid untxt:read", "S256")
    );

    let mut claims = provider.claims("ann", "openid untxt:read");
    claims["preferred_username"] = json!("Ann");
    let grant = || Grant {
        challenge: asked["code_challenge"].clone(),
        redirect: asked["redirect_uri"].clone(),
        authorization: format!("Basic {}", STANDARD.encode("console:a+secret%2Fof+the+client")),
        token: key.sign(&claims),
    };
    provider.grant("good", grant());
    provider.grant("later", grant());
    let state = &asked["state"];
    let answered = format!("/auth/callback?code=good&state={state}");
    for (path, cookie, code) in [
        (answered.clone(), None, "SIGN_IN_EXPIRED"),
        (answered.replace(state, &"0".repeat(64)), Some(&begun), "SIGN_IN_EXPIRED"),
        (format!("/auth/callback?error=access_denied&state={state}"), Some(&begun), "SIGN_IN_DENIED"),
        (format!("/auth/callback?error=server_error&state={state}"), Some(&begun), "SIGN_IN_FAILED"),
        (format!("/auth/callback?code=unknown&state={state}"), Some(&begun), "UNAUTHENTICATED"),
    ] {
        let (status, location, headers) = visited(&client, &path, cookie.map(String::as_str)).await;
        assert_eq!((status, location), (302, format!("{FAILED}{code}")), "{path}");
        assert_eq!(cookies_of(&headers), ["untxt-sign-in="], "{path}: it is over");
    }
    assert_eq!(provider.exchanged(), 0, "what this browser did not begin is not asked for");

    let (status, location, headers) = visited(&client, &answered, Some(&begun)).await;
    assert_eq!((status, location.as_str()), (302, "../console/#/letters?code=A"));
    let [over, session] = cookies_of(&headers).try_into().unwrap();
    assert_eq!((over.as_str(), provider.exchanged()), ("untxt-sign-in=", 1));
    let page = page(&client, &session);
    let me = page.data("/api/me").await;
    assert_eq!((&me["name"], &me["authentication"]), (&json!("Ann"), &json!("session")), "{me}");
    assert_eq!(me["scopes"], json!(["read"]), "{me}");
    let by_token = client.presenting(&key.sign(&claims)).data("/api/me").await;
    assert_eq!(
        (&me["userId"], &me["expiresAt"]),
        (&by_token["userId"], &by_token["expiresAt"]),
        "it ends with its token"
    );
    assert_eq!(by_token["authentication"], "token");

    let (_, location, headers) = visited(&client, &answered, Some(&begun)).await;
    assert_eq!(location, format!("{FAILED}UNAUTHENTICATED"), "a code is taken once");
    assert_eq!(cookies_of(&headers), ["untxt-sign-in="]);
    let other = Begun::of(visited(&client, "/auth/login", None).await);
    let (_, location, _) =
        visited(&client, &format!("/auth/callback?code=later&state={}", other.state), Some(&other.cookie))
            .await;
    assert_eq!(
        location,
        format!("{FAILED}UNAUTHENTICATED"),
        "another verifier than the code was asked for with"
    );
    let log = std::fs::read_to_string(server.log()).unwrap();
    for secret in
        [session.split_once('=').unwrap().1, "code=good", state, "of the client", &key.sign(&claims)[..200]]
    {
        assert!(!log.contains(secret), "{secret} stands in the log");
    }
    let out = page.delete("/api/session").await;
    assert_eq!((out.status, page.get("/api/me").await.status), (204, 401));
}

/// What a browser was sent to the provider with.
struct Begun {
    cookie: String,
    state: String,
    challenge: String,
}

impl Begun {
    fn of((_, address, headers): (u16, String, HeaderMap)) -> Self {
        let address = Url::parse(&address).unwrap();
        let asked: HashMap<_, _> = address.query_pairs().into_owned().collect();
        let cookie = cookies_of(&headers).swap_remove(0);
        Self { cookie, state: asked["state"].clone(), challenge: asked["code_challenge"].clone() }
    }
}

// The provider answers while this thread waits for a command.
#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_that_fails_returns_to_the_console_and_says_why() {
    let key = SigningKey::new("a");
    let provider = Provider::start(&key).await;
    provider.be_away(true);
    let home = Home::new()
        .with("UNTXT_AUTH", "jwt")
        .with("UNTXT_JWT_ISSUER", &provider.issuer)
        .with("UNTXT_JWT_AUDIENCE", AUDIENCE)
        .with("UNTXT_PUBLIC_URL", "http://localhost")
        .with("UNTXT_OIDC_CLIENT_ID", "console");
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let client = server.client();
    let (status, location, headers) = visited(&client, "/auth/login", None).await;
    assert_eq!((status, location), (302, format!("{FAILED}SERVICE_UNAVAILABLE")));
    assert!(cookies_of(&headers).is_empty());
    let doctor = home.run(&["doctor"]).exits(3);
    assert!(doctor.stdout.contains("can't find where to sign in at"), "{}", doctor.stdout);

    // A process asks again after some seconds; another one at once.
    provider.be_away(false);
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let client = server.client();
    assert!(home.run(&["doctor"]).exits(0).stdout.contains("1 key(s)"));
    let grant = |begun: &Begun, token: String| Grant {
        challenge: begun.challenge.clone(),
        redirect: "http://localhost/auth/callback".to_owned(),
        authorization: String::new(),
        token,
    };
    let mut elsewhere = provider.claims("ann", "untxt:read");
    elsewhere["aud"] = json!("somebody else");
    let begun = Begun::of(visited(&client, "/auth/login?return=https://evil.example", None).await);
    let back = |code: &str| format!("/auth/callback?code={code}&state={}", begun.state);
    provider.grant("elsewhere", grant(&begun, key.sign(&elsewhere)));
    provider.grant("odd", grant(&begun, "no token".to_owned()));
    provider.grant("good", grant(&begun, key.sign(&provider.claims("ann", "untxt:read"))));
    for code in ["elsewhere", "odd"] {
        let (_, location, headers) = visited(&client, &back(code), Some(&begun.cookie)).await;
        assert_eq!(location, format!("{FAILED}UNAUTHENTICATED"), "{code}");
        assert_eq!(cookies_of(&headers), ["untxt-sign-in="], "{code}");
    }
    let log = std::fs::read_to_string(server.log()).unwrap();
    assert!(log.contains("`aud` does not hold untxt"), "the operator is told why: {log}");
    provider.be_away(true);
    let (_, location, _) = visited(&client, &back("good"), Some(&begun.cookie)).await;
    assert_eq!(location, format!("{FAILED}SERVICE_UNAVAILABLE"));
    provider.be_away(false);
    let (_, location, headers) = visited(&client, &back("good"), Some(&begun.cookie)).await;
    assert_eq!((location.as_str(), cookies_of(&headers).len()), ("../console/", 2), "and to nowhere else");

    let end = json!(seconds_now() - 59);
    let mut short = provider.claims("bob", "untxt:read");
    short["exp"] = end;
    let begun = Begun::of(visited(&client, "/auth/login", None).await);
    provider.grant("short", grant(&begun, key.sign(&short)));
    let path = format!("/auth/callback?code=short&state={}", begun.state);
    let (_, location, headers) = visited(&client, &path, Some(&begun.cookie)).await;
    assert_eq!(location, "../console/", "within the skew");
    let page = page(&client, &cookies_of(&headers)[1]);
    assert!(ended(&page).await.as_str().unwrap().contains("has ended"), "with its token");
}

#[test]
fn a_client_of_the_provider_needs_an_address_to_return_to() {
    let home = Home::new().with("UNTXT_OIDC_CLIENT_SECRET", "s3cret");
    let refused = home.run(&["doctor"]).exits(2);
    assert!(
        refused.stderr.contains("UNTXT_OIDC_CLIENT_SECRET has no effect without UNTXT_AUTH=jwt"),
        "{}",
        refused.stderr
    );
    assert!(!refused.stderr.contains("s3cret"));
    let home = Home::new()
        .with("UNTXT_AUTH", "jwt")
        .with("UNTXT_JWT_ISSUER", "https://id.example.com")
        .with("UNTXT_JWT_AUDIENCE", AUDIENCE)
        .with("UNTXT_OIDC_CLIENT_ID", "console");
    let refused = home.run(&["doctor"]).exits(2);
    assert!(refused.stderr.contains("UNTXT_OIDC_CLIENT_ID needs UNTXT_PUBLIC_URL"), "{}", refused.stderr);
    let refused = home.with("UNTXT_PUBLIC_URL", "http://ocr.example.com").run(&["doctor"]).exits(2);
    assert!(refused.stderr.contains("it is an https URL"), "{}", refused.stderr);
}
