//! API keys: made, presented, looked at, revoked.

use futures_util::future::join_all;
use sea_orm::{ConnectionTrait, Database};
use serde_json::json;
use uuid::Uuid;

use crate::client::{Client, Upload};
use crate::home::Home;
use crate::people::{Person, row};
use crate::samples;
use crate::server::Server;
use crate::socket::Socket;

fn home() -> Home {
    Home::new().with("UNTXT_AUTH", "api-key")
}

/// The status and code that a list is answered with.
async fn answered(client: &Client) -> (u16, String) {
    let answer = client.get("/api/tasks").await;
    (answer.status, answer.code().to_owned())
}

#[tokio::test]
async fn a_key_lets_its_user_in_until_it_is_revoked_by_another_process() {
    let home = home();
    let person = Person::new(&home, "submit,read");
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let (nobody, client) = (server.client(), server.client().presenting(&person.key));
    let form = reqwest::multipart::Form::new()
        .part("file", reqwest::multipart::Part::bytes(samples::picture(1)).file_name("a.png"));
    let made = client.post(form).await;
    assert_eq!(made.status, 201, "userId may be left out: {made:?}");
    let listed = client.data("/api/tasks").await;
    assert_eq!(listed["tasks"][0]["userId"], json!(person.user));

    let refused = nobody.get("/api/tasks").await;
    assert_eq!((refused.status, refused.code()), (401, "UNAUTHENTICATED"), "{refused:?}");
    assert_eq!(refused.challenge.as_deref(), Some(r#"Bearer realm="untxt""#));
    let header = nobody.send_with("/api/tickets", &[("x-api-key", &person.key)], "").await;
    assert_eq!(header.status, 201, "the other header: {header:?}");

    let revoked = home.run(&["keys", "revoke", &person.id, "--json"]).exits(0).json();
    assert_eq!(revoked["state"], "revoked");
    let gone = client.until_answer("/api/tasks", |answer| answer.status != 200).await;
    assert_eq!((gone.status, gone.code()), (401, "UNAUTHENTICATED"), "{gone:?}");
    assert!(gone.challenge.unwrap().contains("invalid_token"));
    assert!(gone.body["error"]["message"].as_str().unwrap().ends_with("is revoked"), "{:?}", gone.body);
}

#[tokio::test]
async fn a_key_and_a_worker_whose_rows_cant_be_read_hide_no_other() {
    let home = Home::new();
    let (person, odd, other) =
        (Person::new(&home, "read"), Person::new(&home, "read"), Person::new(&home, "read"));
    let server = Server::start(&home, &["serve"]);
    let client = server.client();
    let worker = client.until("/api/admin/workers", |data| data["workers"][0]["state"] == "alive").await;
    let worker = worker["workers"][0]["name"].clone();
    let database = format!("sqlite://{}", home.path("data/untxt.db").display());
    let database = Database::connect(database).await.unwrap();
    let spoil = |of: &str| format!("UPDATE api_keys SET created_at_ms = 'long ago' WHERE hex(id) = '{of}'");
    let odd_id = odd.id.replace('-', "").to_ascii_uppercase();
    assert_eq!(database.execute_unprepared(&spoil(&odd_id)).await.unwrap().rows_affected(), 1);
    let ghost = "INSERT INTO workers (name, started_at_ms, heartbeat_at_ms) VALUES ('ghost', 'then', 'now')";
    database.execute_unprepared(ghost).await.unwrap();

    let listed = client.data("/api/admin/keys").await;
    let ids: Vec<_> = listed["keys"].as_array().unwrap().iter().map(|key| key["id"].clone()).collect();
    assert!(ids.contains(&json!(person.id)) && ids.contains(&json!(other.id)), "{listed}");
    assert_eq!((&listed["unreadable"], ids.len()), (&json!([odd.id]), 2));
    assert_eq!(
        (&listed["pagination"]["total"], &listed["pagination"]["hasMore"]),
        (&json!(3), &json!(false))
    );
    let shown = home.run(&["keys", "list"]).exits(0).stdout;
    assert!(shown.contains(&person.id) && shown.contains(&format!("{}  its row", odd.id)), "{shown}");

    // A worker that can't be read is shown as such, works as if it had never been,
    // and is forgotten; the others are shown beside it.
    let listed = home.run(&["workers", "list", "--json"]).exits(0).json();
    let listed = listed["workers"].as_array().unwrap();
    assert!(listed.iter().any(|row| row["name"] == worker && row["state"] == "alive"), "{listed:?}");
    let gone = |data: &serde_json::Value| {
        let ghost = data["workers"].as_array().unwrap().iter().find(|row| row["name"] == "ghost");
        ghost.inspect(|ghost| assert_eq!(ghost["state"], "unreadable", "{ghost}")).is_none()
    };
    client.until("/api/admin/workers", gone).await;
    database.close().await.unwrap();
}

#[tokio::test]
async fn what_is_no_key_lets_nobody_in() {
    let home = home();
    let (person, other) = (Person::new(&home, "read"), Person::new(&home, "read"));
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let (id, secret) = person.key.rsplit_once('_').unwrap();
    let changed = format!("{id}_{}", secret.chars().rev().collect::<String>());
    let crossed = format!("{id}_{}", other.key.rsplit_once('_').unwrap().1);
    let unknown = format!("untxt_{}_{secret}", Uuid::now_v7().simple());
    for wrong in [changed.as_str(), &crossed, &unknown, secret, "untxt_", "e30.e30."] {
        let client = server.client().presenting(wrong);
        assert_eq!(answered(&client).await, (401, "UNAUTHENTICATED".to_owned()), "{wrong}");
    }
    let in_url = server.client().get(&format!("/api/tasks?token={}", person.key)).await;
    assert_eq!((in_url.status, in_url.code()), (400, "TOKEN_IN_URL"), "{in_url:?}");
    assert!(in_url.body["error"]["message"].as_str().unwrap().contains("/api/tickets"), "{in_url:?}");
    let basic = server.client().send_with("/api/tickets", &[("authorization", "Basic bWU6bWU=")], "").await;
    assert_eq!((basic.status, basic.code()), (401, "UNAUTHENTICATED"), "{basic:?}");
    assert_eq!(answered(&server.client().presenting(&person.key)).await.0, 200);

    let database = std::fs::read(home.path("data/untxt.db")).unwrap();
    let log = std::fs::read(home.path("server.log")).unwrap();
    for (place, bytes) in [("the database", database), ("the log", log)] {
        let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!found, "the secret stands in {place}");
    }
}

#[tokio::test]
async fn keys_are_managed_by_those_who_may_and_it_is_written_down_who_did() {
    let home = home();
    let (admin, operator) = (Person::new(&home, "admin"), Person::new(&home, "operate"));
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let (nobody, client) = (server.client(), server.client().presenting(&admin.key));
    let wanted =
        json!({"userId": Uuid::new_v4(), "name": "the scanner", "scopes": ["submit"], "expiresIn": 3600});
    let denied = nobody.presenting(&operator.key).tell("/api/admin/keys", &wanted).await;
    assert_eq!((denied.status, denied.code()), (403, "SCOPE_MISSING"), "{denied:?}");
    assert_eq!(denied.body["error"]["details"]["scope"], "admin");

    let made = client.tell("/api/admin/keys", &wanted).await;
    assert_eq!(made.status, 201, "{made:?}");
    let made = &made.body["data"];
    let (id, key) = (made["id"].as_str().unwrap(), made["key"].as_str().unwrap());
    let scanner = nobody.presenting(key);
    let upload = Upload::new(made["userId"].as_str().unwrap().parse().unwrap(), "a.png", samples::picture(1));
    assert_eq!(scanner.upload(upload).await.status, 201);
    assert_eq!(answered(&scanner).await, (403, "SCOPE_MISSING".to_owned()), "it may not read");

    let listed = client.until("/api/admin/keys", |data| !row(data, id)["lastUsedAt"].is_null()).await;
    let shown = row(&listed, id);
    assert_eq!((&shown["name"], &shown["scopes"]), (&json!("the scanner"), &json!(["submit"])));
    assert_eq!(shown["createdBy"], json!(format!("key:{}", admin.id)));
    assert!(
        !listed.to_string().contains(key.rsplit_once('_').unwrap().1),
        "what lets somebody in is not told"
    );
    assert_eq!(listed["pagination"]["total"], 3);

    let revoked = client.tell(&format!("/api/admin/keys/{id}/revoke"), &json!({})).await;
    assert_eq!((revoked.status, &revoked.body["data"]["state"]), (200, &json!("revoked")), "{revoked:?}");
    assert_eq!(answered(&scanner).await.0, 401, "at once, through the process that did it");
    let lines = client.data("/api/admin/audit").await["audit"].clone();
    let by = |action: &str| {
        let lines = lines.as_array().unwrap();
        let line =
            lines.iter().find(|line| line["action"] == action && line["subject"] == format!("key {id}"));
        line.unwrap_or_else(|| panic!("{action} is not written down: {lines:?}"))["actor"].clone()
    };
    assert_eq!(
        (by("create-key"), by("revoke-key")),
        (shown["createdBy"].clone(), shown["createdBy"].clone())
    );

    let missing = client.tell(&format!("/api/admin/keys/{}/revoke", Uuid::new_v4()), &json!({})).await;
    assert_eq!((missing.status, missing.code()), (404, "KEY_NOT_FOUND"), "{missing:?}");
    for wrong in
        [json!({"scopes": []}), json!({"scopes": ["read"], "expiresIn": 0}), json!({"scopes": ["all"]})]
    {
        assert_eq!(client.tell("/api/admin/keys", &wrong).await.status, 400, "{wrong}");
    }
}

#[test]
fn the_command_line_says_what_it_made_and_what_is_wrong() {
    let home = Home::new();
    let made =
        home.run(&["keys", "create", "--name", "a test", "--scopes", "read", "--expires", "90d"]).exits(0);
    assert!(made.stdout.starts_with("untxt_") && made.stdout.lines().count() == 1, "{}", made.stdout);
    assert!(made.stderr.contains("not be shown again"), "{}", made.stderr);
    let listed = home.run(&["keys", "list"]).exits(0).stdout;
    let key = listed.lines().nth(1).unwrap();
    assert!(key.contains("  active  ") && key.ends_with("  read    -          a test"), "{listed}");
    let wrong = home.run(&["keys", "create", "--scopes", "write"]).exits(2);
    assert!(wrong.stderr.contains("there is no scope `write`"), "{}", wrong.stderr);
    home.run(&["keys", "revoke", &Uuid::new_v4().to_string()]).exits(1);
}

#[test]
fn nobody_from_elsewhere_is_let_in_without_being_asked() {
    let home = Home::new().with("UNTXT_LISTEN", "0.0.0.0:0");
    let refused = home.run(&["serve"]).exits(2);
    assert!(refused.stderr.contains("UNTXT_AUTH=api-key"), "{}", refused.stderr);
    let server = Server::start(&home.with("UNTXT_AUTH", "api-key"), &["serve", "--no-worker"]);
    assert!(server.base.starts_with("http://0.0.0.0:"), "{}", server.base);
}

#[tokio::test]
async fn nothing_is_done_about_a_key_that_is_not_written_down() {
    let home = home();
    let (admin, reader) = (Person::new(&home, "admin"), Person::new(&home, "read"));
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let client = server.client().presenting(&admin.key);
    let database = format!("sqlite://{}", home.path("data/untxt.db").display());
    let database = Database::connect(database).await.unwrap();
    let refuse = "CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'full'); END";
    database.execute_unprepared(refuse).await.unwrap();
    let made = client.tell("/api/admin/keys", &json!({"scopes": ["read"]})).await;
    assert_eq!(made.status, 503, "{made:?}");
    let revoke = format!("/api/admin/keys/{}/revoke", reader.id);
    assert_eq!(client.tell(&revoke, &json!({})).await.status, 503);
    let listed = client.data("/api/admin/keys").await;
    assert_eq!(listed["pagination"]["total"], 2, "{listed}");
    assert_eq!(row(&listed, &reader.id)["state"], "active");

    database.execute_unprepared("DROP TRIGGER full").await.unwrap();
    database.close().await.unwrap();
    let (revoking, nothing) = ((0..4).map(|_| revoke.as_str()), json!({}));
    for answer in join_all(revoking.map(|path| client.tell(path, &nothing))).await {
        assert_eq!((answer.status, &answer.body["data"]["state"]), (200, &json!("revoked")), "{answer:?}");
    }
    let lines = client.data("/api/admin/audit").await["audit"].to_string();
    assert_eq!(lines.matches("revoke-key").count(), 1, "{lines}");
}

#[tokio::test]
async fn who_tries_keys_is_slowed_down_and_who_has_one_is_not() {
    let home = home().with("UNTXT_AUTH_FAILURES_PER_MINUTE", &12);
    let (known, new) = (Person::new(&home, "read"), Person::new(&home, "read"));
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let client = server.client();
    let with = |key: &str| client.presenting(key);
    assert_eq!(answered(&with(&known.key)).await.0, 200);
    let guess = |number: u32| format!("untxt_{}_{number:064x}", "0".repeat(32));
    // Whoever presents nothing guesses nothing.
    for _ in 0..14 {
        assert_eq!(answered(&client).await.0, 401);
    }
    for number in 0..11 {
        assert_eq!(answered(&with(&guess(number))).await, (401, "UNAUTHENTICATED".to_owned()));
    }
    assert_eq!(client.get("/api/tasks?ticket=guessed").await.code(), "UNAUTHENTICATED");
    let refused = with(&guess(11)).get("/api/tasks").await;
    assert_eq!((refused.status, refused.code()), (429, "AUTH_RATE_LIMITED"), "{refused:?}");
    let wait: u64 = refused.retry_after.unwrap().parse().unwrap();
    assert!((1..=5).contains(&wait), "{wait}");
    assert_eq!(client.get("/api/tasks?ticket=guessed").await.code(), "AUTH_RATE_LIMITED");
    let mut socket = Socket::connect(&client.socket_url("/ws"), None).await.unwrap();
    socket.send(&json!({"type": "authenticate", "token": guess(12)})).await;
    assert_eq!(socket.closed().await.0, 1013);

    // A key is let in whatever others try from its address, whether or not it was
    // here before.
    assert_eq!(answered(&with(&known.key)).await.0, 200);
    assert_eq!(answered(&with(&new.key)).await.0, 200);
}
