//! How sockets hear who listens, and when they stop being open to somebody.

use futures_util::future::join_all;
use serde_json::json;

use crate::client::{Client, Upload};
use crate::database;
use crate::home::Home;
use crate::people::Person;
use crate::samples;
use crate::server::Server;
use crate::socket::Socket;

fn home() -> Home {
    Home::new().with("UNTXT_AUTH", "api-key")
}

/// Opens a socket that has presented nothing and sends `first`.
async fn introduced(client: &Client, path: &str, first: &serde_json::Value) -> Socket {
    let mut socket = Socket::connect(&client.socket_url(path), None).await.unwrap();
    socket.send(first).await;
    socket
}

async fn ticket(client: &Client) -> String {
    let answer = client.act("/api/tickets").await;
    assert_eq!((answer.status, &answer.body["data"]["expiresIn"]), (201, &json!(30)), "{answer:?}");
    answer.body["data"]["ticket"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_first_message_says_who_listens() {
    let home = home();
    let (person, other) = (Person::new(&home, "submit,read"), Person::new(&home, "submit,read"));
    let blind = Person::new(&home, "submit");
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let (nobody, client) = (server.client(), server.client().presenting(&person.key));
    let hello = |key: &str| json!({"type": "authenticate", "token": key});
    let mut socket = introduced(&nobody, "/ws", &hello(&person.key)).await;
    socket.greet().await;
    assert_eq!(socket.greeting["data"]["userId"], json!(person.user));
    let task = client.accepted(Upload::new(person.user, "a.png", samples::picture(1))).await;
    assert_eq!(socket.next().await["data"]["taskId"], json!(task));

    let cases = [
        ("/", json!({"type": "ping"}), 4401),
        ("/", json!({"type": "authenticate"}), 4401),
        ("/", hello("untxt_of_nobody"), 4401),
        ("/", hello(&blind.key), 4403),
        (&format!("/?userId={}", other.user), hello(&person.key), 4403),
    ];
    for (path, first, code) in cases {
        let closed = introduced(&nobody, path, &first).await.closed().await;
        assert_eq!(closed.0, code, "{path} {first}: {closed:?}");
    }
    let mut silent = Socket::connect(&nobody.socket_url("/"), None).await.unwrap();
    let (code, reason) = silent.closed().await;
    assert_eq!((code, reason.as_str()), (4401, "no authentication within 5 seconds"));
    let in_url = nobody.try_socket(&format!("/ws?access_token={}", person.key)).await.err();
    assert_eq!(in_url, Some(400));
}

#[tokio::test]
async fn a_ticket_opens_one_socket_through_whichever_server() {
    let home = database::home().await.with("UNTXT_AUTH", "api-key");
    let person = Person::new(&home, "read");
    let servers = [(); 2].map(|()| Server::start(&home, &["serve", "--no-worker"]));
    let [here, there] = servers.each_ref().map(Server::client);
    let ticket = ticket(&here.presenting(&person.key)).await;
    let path = format!("/?ticket={ticket}");
    let tries = (0..8).map(|number| [&here, &there][number % 2].try_socket(&path));
    let opened: Vec<_> = join_all(tries).await;
    let greeted: Vec<&Socket> = opened.iter().filter_map(|socket| socket.as_ref().ok()).collect();
    assert_eq!(greeted.len(), 1);
    assert_eq!(greeted[0].greeting["data"]["userId"], json!(person.user));
    assert!(opened.iter().all(|socket| !matches!(socket, Err(status) if *status != 401)));

    let again = there.get(&format!("/api/tasks?ticket={ticket}")).await;
    assert_eq!((again.status, again.code()), (401, "UNAUTHENTICATED"), "{again:?}");
    let once = self::ticket(&there.presenting(&person.key)).await;
    assert_eq!(here.get(&format!("/api/tasks?ticket={once}")).await.status, 200, "for whatever reads");
    let changing = self::ticket(&here.presenting(&person.key)).await;
    assert_eq!(here.act(&format!("/api/tickets?ticket={changing}")).await.status, 401, "for nothing else");
}

#[tokio::test]
async fn a_socket_ends_with_what_opened_it() {
    let home = home();
    let revoked = Person::new(&home, "read");
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let client = server.client();
    let mut by_header = client.presenting(&revoked.key).try_socket("/ws").await.unwrap();
    let ticket = ticket(&client.presenting(&revoked.key)).await;
    let mut by_ticket = client.try_socket(&format!("/ws?ticket={ticket}")).await.unwrap();
    let unused = self::ticket(&client.presenting(&revoked.key)).await;
    home.run(&["keys", "revoke", &revoked.id]).exits(0);
    for socket in [&mut by_header, &mut by_ticket] {
        assert_eq!(socket.closed().await, (4401, "the key or token expired or was revoked".to_owned()));
    }
    client.presenting(&revoked.key).until_answer("/api/tasks", |answer| answer.status == 401).await;
    assert_eq!(client.try_socket(&format!("/ws?ticket={unused}")).await.err(), Some(401));

    let admin = client.presenting(&Person::new(&home, "admin").key);
    let made = admin.tell("/api/admin/keys", &json!({"scopes": ["read"], "expiresIn": 3})).await;
    let expiring = client.presenting(made.body["data"]["key"].as_str().unwrap());
    let mut socket = expiring.try_socket("/ws").await.unwrap();
    assert_eq!(socket.closed().await.0, 4401);
    let expired = expiring.get("/api/tasks").await;
    assert!(expired.body["error"]["message"].as_str().unwrap().ends_with("is expired"), "{expired:?}");
}

#[tokio::test]
async fn a_stream_ends_with_what_opened_it() {
    let home = home();
    let revoked = Person::new(&home, "submit,read");
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let client = server.client();
    let opened = client.presenting(&revoked.key);
    let task = opened.accepted(Upload::new(revoked.user, "a.png", samples::picture(1))).await;
    let path = format!("/api/tasks/{task}/events");
    let by_header = opened.stream(&path).await;
    let by_ticket = client.stream(&format!("{path}?ticket={}", ticket(&opened).await)).await;
    home.run(&["keys", "revoke", &revoked.id]).exits(0);
    for stream in [by_header, by_ticket] {
        assert_eq!(stream.status(), 200);
        // Nobody works, so nothing else ends it.
        let told = stream.text().await.unwrap();
        assert_eq!(told.matches("data: ").count(), 1, "{told}");
    }
    assert_eq!(opened.stream(&path).await.status(), 401);

    let admin = client.presenting(&Person::new(&home, "admin").key);
    let wanted = json!({"userId": revoked.user, "scopes": ["read"], "expiresIn": 3});
    let made = admin.tell("/api/admin/keys", &wanted).await;
    let expiring = client.presenting(made.body["data"]["key"].as_str().unwrap());
    let told = expiring.stream(&path).await.text().await.unwrap();
    assert_eq!(told.matches("data: ").count(), 1, "{told}");
    assert_eq!(expiring.stream(&path).await.status(), 401);
}

#[tokio::test]
async fn a_ticket_opens_one_stream_and_no_other() {
    let home = home();
    let person = Person::new(&home, "submit,read");
    let server = Server::start(&home, &["serve"]);
    let (nobody, client) = (server.client(), server.client().presenting(&person.key));
    let task = client.accepted(Upload::new(person.user, "a.pdf", samples::pdf(1))).await;
    let path = format!("/api/tasks/{task}/events?ticket={}", ticket(&client).await);
    let tries = join_all((0..8).map(|_| nobody.stream(&path))).await;
    let mut told = Vec::new();
    for answer in tries {
        match answer.status().as_u16() {
            200 => told.push(answer.text().await.unwrap()),
            status => assert_eq!(status, 401),
        }
    }
    assert_eq!(told.len(), 1);
    assert!(told[0].contains(r#""status":"completed""#), "it ends with the task: {}", told[0]);
    assert_eq!(nobody.get(&path).await.code(), "UNAUTHENTICATED");
}
