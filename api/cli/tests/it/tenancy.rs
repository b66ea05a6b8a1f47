//! What belongs to one user is not there for another, whichever route is tried.

use std::collections::{BTreeSet, HashMap};

use reqwest::multipart::{Form, Part};
use serde_json::json;
use uuid::Uuid;

use crate::client::{Client, Upload};
use crate::console;
use crate::home::Home;
use crate::people::Person;
use crate::samples;
use crate::server::Server;
use crate::sessions;

/// What a route is about, and so what another user's key is answered.
#[derive(Clone, Copy, PartialEq)]
enum About {
    /// Nobody: it is answered to anybody.
    Nobody,
    /// An object, for whoever holds its signed URL and for nobody else, whatever
    /// they present.
    Signed,
    /// The caller, whoever that is.
    Caller,
    /// Whoever signs in, who presents nothing yet.
    SignIn,
    /// The caller's own session.
    OwnSession,
    /// The one session of the caller that `{id}` names.
    OneSession,
    /// The one task that `{id}` names.
    OneTask,
    /// The one upload that `{id}` names.
    OneUpload,
    /// A user's tasks.
    Tasks,
    /// What there is for every caller who may do anything with tasks.
    Known,
    /// All that goes on.
    Operations,
    /// Who may call.
    Keys,
    /// What happens to a user's tasks.
    Socket,
}

/// Every route. Whoever adds one says here what it is about.
const ROUTES: [(&str, About); 73] = [
    ("GET /", About::Socket),
    ("GET /ws", About::Socket),
    ("GET /health", About::Nobody),
    ("GET /ready", About::Nobody),
    ("GET /metrics", About::Operations),
    ("GET /console", About::Nobody),
    ("GET /console/{version}/{file}", About::Nobody),
    ("GET /docs", About::Nobody),
    ("GET /docs/{file}", About::Nobody),
    ("GET /api/openapi.json", About::Nobody),
    ("POST /api/tickets", About::Caller),
    ("GET /api/engines", About::Known),
    ("GET /api/me", About::Caller),
    ("GET /api/sign-in", About::Nobody),
    ("POST /api/session", About::SignIn),
    ("GET /auth/login", About::SignIn),
    ("GET /auth/callback", About::SignIn),
    ("DELETE /api/session", About::OwnSession),
    ("GET /api/sessions", About::Caller),
    ("DELETE /api/sessions/{id}", About::OneSession),
    ("POST /api/tasks", About::Tasks),
    ("GET /api/tasks", About::Tasks),
    ("POST /api/tasks/bulk", About::Tasks),
    ("GET /api/tasks/{id}", About::OneTask),
    ("GET /api/tasks/{id}/status", About::OneTask),
    ("GET /api/tasks/{id}/result", About::OneTask),
    ("GET /api/tasks/{id}/result/content", About::OneTask),
    ("GET /api/tasks/{id}/result/archive", About::OneTask),
    ("GET /api/tasks/{id}/history", About::OneTask),
    ("GET /api/tasks/{id}/pages", About::OneTask),
    ("GET /api/tasks/{id}/pages/{page}", About::OneTask),
    ("GET /api/tasks/{id}/pages/{page}/image", About::OneTask),
    ("GET /api/tasks/{id}/original", About::OneTask),
    ("GET /api/tasks/{id}/search", About::OneTask),
    ("POST /api/tasks/{id}/cancel", About::OneTask),
    ("POST /api/tasks/{id}/retry", About::OneTask),
    ("GET /api/tasks/{id}/events", About::OneTask),
    ("DELETE /api/tasks/{id}", About::OneTask),
    ("POST /api/uploads", About::Tasks),
    ("POST /api/uploads/{id}/complete", About::OneUpload),
    ("DELETE /api/uploads/{id}", About::OneUpload),
    ("GET /objects/{key}", About::Signed),
    ("PUT /objects/{key}", About::Signed),
    ("GET /api/admin/audit", About::Operations),
    ("GET /api/admin/workers", About::Operations),
    ("POST /api/admin/workers/{name}/drain", About::Operations),
    ("POST /api/admin/workers/{name}/resume", About::Operations),
    ("GET /api/admin/retries", About::Operations),
    ("POST /api/admin/retries/now", About::Operations),
    ("POST /api/admin/retries/give-up", About::Operations),
    ("GET /api/admin/queues", About::Operations),
    ("POST /api/admin/queues/pause", About::Operations),
    ("POST /api/admin/queues/resume", About::Operations),
    ("POST /api/admin/queues/limit", About::Operations),
    ("GET /api/admin/dead-letters", About::Operations),
    ("GET /api/admin/overview", About::Operations),
    ("GET /api/admin/dead-letters/{id}", About::Operations),
    ("POST /api/admin/dead-letters/{id}/redrive", About::Operations),
    ("POST /api/admin/dead-letters/{id}/discard", About::Operations),
    ("POST /api/admin/dead-letters/redrive", About::Operations),
    ("POST /api/admin/dead-letters/discard", About::Operations),
    ("GET /api/admin/dead-letters/groups", About::Operations),
    ("GET /api/admin/redrives", About::Operations),
    ("GET /api/admin/redrives/{id}", About::Operations),
    ("POST /api/admin/redrives/{id}/stop", About::Operations),
    ("POST /api/admin/redrives/{id}/rate", About::Operations),
    ("POST /api/admin/redrives/{id}/resume", About::Operations),
    ("GET /api/admin/plugins", About::Operations),
    ("POST /api/admin/plugins/{name}/activate", About::Operations),
    ("POST /api/admin/plugins/{name}/rollback", About::Operations),
    ("GET /api/admin/keys", About::Keys),
    ("POST /api/admin/keys", About::Keys),
    ("POST /api/admin/keys/{id}/revoke", About::Keys),
];

/// Two users, an operator, and a server that works on nothing.
struct Stage {
    server: Server,
    owner: Person,
    other: Person,
    operator: Person,
    admin: Person,
    blind: Person,
    /// Cookies of those who signed in, by their keys. They present them instead.
    cookies: HashMap<String, String>,
}

impl Stage {
    fn new(home: &Home) -> Self {
        let person = |scopes| Person::new(home, scopes);
        Self {
            owner: person("submit,read"),
            other: person("submit,read"),
            operator: person("operate"),
            admin: person("admin"),
            // Its key allows nothing of what users do.
            blind: person("submit"),
            server: Server::start(home, &["serve", "--no-worker"]),
            cookies: HashMap::new(),
        }
    }

    /// Has everybody present a session from here on.
    async fn sign_everybody_in(&mut self) {
        for person in [&self.owner, &self.other, &self.operator, &self.admin, &self.blind] {
            let cookie = sessions::cookie(&self.server.client(), &person.key).await;
            self.cookies.insert(person.key.clone(), cookie);
        }
    }

    fn client(&self, person: &Person) -> Client {
        let client = self.server.client();
        match self.cookies.get(&person.key) {
            Some(cookie) => sessions::page(&client, cookie),
            None => client.presenting(&person.key),
        }
    }

    /// One more session of the owner.
    async fn session(&self) -> String {
        sessions::cookie(&self.server.client(), &self.owner.key).await;
        let listed = self.client(&self.owner).data("/api/sessions").await;
        listed["sessions"][0]["id"].as_str().unwrap().to_owned()
    }

    async fn upload(&self) -> String {
        let announced = json!({"filename": "a.png", "bytes": 1_000});
        let begun = self.client(&self.owner).tell("/api/uploads", &announced).await;
        assert_eq!(begun.status, 201, "userId may be left out: {begun:?}");
        begun.body["data"]["uploadId"].as_str().unwrap().to_owned()
    }

    async fn task(&self) -> String {
        let upload = Upload::new(self.owner.user, "a.png", samples::picture(1));
        self.client(&self.owner).accepted(upload).await
    }
}

#[test]
fn no_route_is_left_out() {
    let listed: BTreeSet<String> = ROUTES.iter().map(|(route, _)| (*route).to_owned()).collect();
    let there: BTreeSet<String> = untxt_api::router::names().into_iter().collect();
    assert_eq!(listed, there, "say in ROUTES what each route is about");
}

#[tokio::test]
async fn whatever_route_another_user_tries_a_task_is_not_there() {
    let home = Home::new().with("UNTXT_AUTH", "api-key");
    let mut stage = Stage::new(&home);
    walk(&stage).await;
    stage.sign_everybody_in().await;
    walk(&stage).await;
}

/// Tries every route.
async fn walk(stage: &Stage) {
    let console = console::file(&stage.server.client(), "console.js").await;
    for (route, about) in ROUTES {
        let (method, pattern) = route.split_once(' ').unwrap();
        let task = stage.task().await;
        let path = pattern
            .replace("/console/{version}/{file}", &console)
            .replace("{id}", &task)
            .replace("{file}", "reader.js");
        let status = async |person| {
            let answer = stage.client(person).ask(method, &path).await;
            (answer.status, answer.code().to_owned())
        };
        let refused = |status: u16, code: &str| (status, code.to_owned());
        let nobody = stage.server.client().ask(method, &path).await;
        match about {
            About::Nobody => assert_eq!(nobody.status, 200, "{route}"),
            About::SignIn => assert!(["NOT_FOUND", "MALFORMED_BODY"].contains(&nobody.code()), "{route}"),
            About::Socket => assert_eq!(nobody.code(), "NOT_A_WEBSOCKET", "{route}"),
            About::Signed => assert_eq!((nobody.status, nobody.code()), (403, "URL_NOT_SIGNED"), "{route}"),
            _ => {
                assert_eq!(nobody.status, 401, "{route}");
                assert_eq!(nobody.code(), "UNAUTHENTICATED", "{route}");
                assert!(nobody.challenge.is_some(), "{route}");
            }
        }
        match about {
            About::Nobody | About::Socket => {}
            About::Signed => {
                for person in [&stage.owner, &stage.operator, &stage.admin] {
                    assert_eq!(status(person).await, refused(403, "URL_NOT_SIGNED"), "{route}");
                }
            }
            About::Known => {
                for person in [&stage.owner, &stage.blind, &stage.operator] {
                    assert_eq!(status(person).await.0, 200, "{route}");
                }
            }
            About::Caller => assert!([200, 201].contains(&status(&stage.other).await.0), "{route}"),
            About::SignIn => {}
            // In a session it would be the caller's end.
            About::OwnSession if !stage.cookies.is_empty() => {}
            About::OwnSession => {
                assert_eq!(status(&stage.other).await, refused(404, "SESSION_NOT_FOUND"), "{route}");
            }
            About::OneSession => one_session(stage, &stage.session().await).await,
            About::OneTask => one_thing(stage, route, &task, "TASK_NOT_FOUND").await,
            About::OneUpload => one_thing(stage, route, &stage.upload().await, "UPLOAD_NOT_FOUND").await,
            About::Tasks => {
                assert_ne!(status(&stage.other).await.0, 401, "{route}");
            }
            About::Operations => {
                assert_eq!(status(&stage.owner).await, refused(403, "SCOPE_MISSING"), "{route}");
                assert!(![401, 403].contains(&status(&stage.operator).await.0), "{route}");
            }
            About::Keys => {
                assert_eq!(status(&stage.owner).await, refused(403, "SCOPE_MISSING"), "{route}");
                assert_eq!(status(&stage.operator).await, refused(403, "SCOPE_MISSING"), "{route}");
                assert!(![401, 403].contains(&status(&stage.admin).await.0), "{route}");
            }
        }
    }
}

/// Nobody but its caller ends a session, whatever they may.
async fn one_session(stage: &Stage, id: &str) {
    for person in [&stage.other, &stage.operator, &stage.admin] {
        for id in [id, &Uuid::now_v7().to_string()] {
            let missing = stage.client(person).delete(&format!("/api/sessions/{id}")).await;
            assert_eq!((missing.status, missing.code()), (404, "SESSION_NOT_FOUND"), "{missing:?}");
        }
    }
    assert_eq!(stage.client(&stage.owner).delete(&format!("/api/sessions/{id}")).await.status, 204);
}

/// What is another's is answered as what does not exist.
async fn one_thing(stage: &Stage, route: &str, there: &str, code: &str) {
    let (method, pattern) = route.split_once(' ').unwrap();
    let pattern = pattern.replace("{page}", "1");
    let other = stage.client(&stage.other);
    let mut said = Vec::new();
    for id in [there, &Uuid::now_v7().to_string()] {
        let path = pattern.replace("{id}", id);
        let queries =
            ["".to_owned(), format!("?userId={}", stage.owner.user), format!("?userId={}", stage.other.user)];
        for query in queries {
            let answer = other.ask(method, &format!("{path}{query}")).await;
            assert_eq!(answer.status, 404, "{route}{query}: {answer:?}");
            assert_eq!(answer.code(), code, "{route}{query}: {answer:?}");
            said.push(answer.body["error"].to_string().replace(id, "ID"));
        }
    }
    said.dedup();
    assert_eq!(said.len(), 1, "{route}: the answers tell them apart: {said:?}");

    let path = pattern.replace("{id}", there);
    // Who may comes last: it may be another thing then.
    let operator = stage.client(&stage.operator).ask(method, &path).await;
    assert!(![401, 403, 404].contains(&operator.status), "{route}: {operator:?}");
    let owner = stage.client(&stage.owner).ask(method, &path).await;
    assert!(![401, 403].contains(&owner.status), "{route}: {owner:?}");
    if method == "GET" {
        let blind = stage.client(&stage.blind).ask(method, &path).await;
        assert_eq!((blind.status, blind.code()), (403, "SCOPE_MISSING"), "{route}: {blind:?}");
        assert_eq!(blind.body["error"]["details"]["scope"], "read");
    }
}

#[tokio::test]
async fn what_an_operator_does_to_a_users_task_is_audited_and_what_the_user_does_is_not() {
    let home = Home::new().with("UNTXT_AUTH", "api-key");
    let stage = Stage::new(&home);
    let (owner, operator) = (stage.client(&stage.owner), stage.client(&stage.operator));
    let own = stage.task().await;
    assert_eq!(owner.act(&format!("/api/tasks/{own}/cancel")).await.status, 200);
    assert_eq!(owner.delete(&format!("/api/tasks/{own}")).await.status, 200);
    let task = stage.task().await;
    assert_eq!(operator.act(&format!("/api/tasks/{task}/cancel")).await.status, 200);
    assert_eq!(operator.act(&format!("/api/tasks/{task}/cancel")).await.status, 409);
    assert_eq!(operator.delete(&format!("/api/tasks/{task}")).await.status, 200);

    let audit = operator.data("/api/admin/audit").await;
    let lines = audit["audit"].as_array().unwrap();
    let of_tasks = lines.iter().filter(|line| line["subject"].as_str().unwrap().starts_with("run "));
    let mut told: Vec<_> = of_tasks.map(|line| [&line["actor"], &line["subject"], &line["action"]]).collect();
    told.reverse();
    let (actor, subject) = (json!(format!("key:{}", stage.operator.id)), json!(format!("run {task}")));
    let actions =
        ["cancel", "cancel-done", "cancel", "cancel-refused", "erase", "erase-done"].map(|a| json!(a));
    let expected: Vec<_> = actions.iter().map(|action| [&actor, &subject, action]).collect();
    assert_eq!(told, expected);
}

#[tokio::test]
async fn lists_and_uploads_are_the_callers_own() {
    let home = Home::new().with("UNTXT_AUTH", "api-key");
    let stage = Stage::new(&home);
    let task = stage.task().await;
    let (owner, other, operator) =
        (stage.client(&stage.owner), stage.client(&stage.other), stage.client(&stage.operator));
    let of_owner = format!("/api/tasks?userId={}", stage.owner.user);
    assert_eq!(owner.data("/api/tasks").await["tasks"][0]["taskId"], json!(task));
    assert_eq!(other.data("/api/tasks").await["tasks"], json!([]));
    let foreign = other.get(&of_owner).await;
    assert_eq!((foreign.status, foreign.code()), (403, "FORBIDDEN"), "{foreign:?}");
    assert_eq!(operator.data(&of_owner).await["tasks"][0]["taskId"], json!(task));

    let objects = home.objects();
    let foreign = other.upload(Upload::new(stage.owner.user, "a.png", samples::picture(2))).await;
    assert_eq!((foreign.status, foreign.code()), (403, "FORBIDDEN"), "{foreign:?}");
    assert_eq!(
        (home.objects(), owner.data("/api/tasks").await["pagination"]["total"].clone()),
        (objects, json!(1))
    );
    let picture = Part::bytes(samples::picture(2)).file_name("a.png");
    let unseen = stage.client(&stage.blind).post(Form::new().part("file", picture)).await;
    assert_eq!(unseen.status, 201, "{unseen:?}");
    let announced = json!({"userId": stage.owner.user, "filename": "a.png", "bytes": 1_000});
    let foreign = other.tell("/api/uploads", &announced).await;
    assert_eq!((foreign.status, foreign.code()), (403, "FORBIDDEN"), "{foreign:?}");
    let by_operator = operator.upload(Upload::new(stage.owner.user, "b.png", samples::picture(2))).await;
    assert_eq!(by_operator.status, 201);
    assert_eq!(owner.data("/api/tasks").await["pagination"]["total"], 2, "an operator acts for others");

    // The same key of two users is not the same task.
    let upload = |user| Upload::new(user, "c.png", samples::picture(3));
    let mine = owner.upload_once("the key", upload(stage.owner.user)).await;
    let theirs = other.upload_once("the key", upload(stage.other.user)).await;
    assert_eq!((mine.status, theirs.status), (201, 201));
    assert_ne!(mine.body["data"]["taskId"], theirs.body["data"]["taskId"]);
}

#[tokio::test]
async fn sockets_tell_nothing_of_others() {
    let home = Home::new().with("UNTXT_AUTH", "api-key");
    let stage = Stage::new(&home);
    let task = stage.task().await;
    let other = stage.client(&stage.other);
    for path in ["/", "/ws"] {
        let of_owner = format!("{path}?userId={}", stage.owner.user);
        assert_eq!(other.try_socket(&of_owner).await.err(), Some(403), "{path}");
        let blind = stage.client(&stage.blind).try_socket(path).await;
        assert_eq!(blind.err(), Some(403), "{path}: it may not read");
        let mut socket = other.try_socket(path).await.unwrap();
        socket.send(&json!({"type": "subscribe", "taskId": task, "afterSeq": 0})).await;
        let answer = socket.next().await;
        assert_eq!(answer["data"]["code"], "TASK_NOT_FOUND", "{path}: {answer}");
        socket.ping().await;
        assert_eq!(socket.next().await["type"], "pong", "{path}: it was told of another's task");
        let theirs = stage.task().await;
        let own = other.accepted(Upload::new(stage.other.user, "a.png", samples::picture(1))).await;
        let heard = socket.next().await;
        assert_eq!(heard["data"]["taskId"], json!(own), "{path}: {heard}");
        let mut watching = stage.client(&stage.operator).try_socket(&of_owner).await.unwrap();
        watching.send(&json!({"type": "subscribe", "taskId": theirs, "afterSeq": 0})).await;
        assert_eq!(watching.next().await["data"]["taskId"], json!(theirs), "{path}: an operator watches");
    }
}
