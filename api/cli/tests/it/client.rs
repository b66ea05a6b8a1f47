//! A client of the HTTP interface, written from its description alone.

use std::time::Duration;

use reqwest::Method;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::home::PATIENCE;
use crate::socket::Socket;

/// Speaks to one server.
#[derive(Clone)]
pub(crate) struct Client {
    base: String,
    http: reqwest::Client,
    /// What it presents, if anything.
    token: Option<String>,
}

/// What came back.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) location: Option<String>,
    pub(crate) request_id: Option<String>,
    pub(crate) retry_after: Option<String>,
    pub(crate) challenge: Option<String>,
    pub(crate) body: Value,
}

/// What is sent with a file.
#[derive(Clone, Debug)]
pub(crate) struct Upload {
    pub(crate) user: Uuid,
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) fields: Vec<(&'static str, String)>,
}

impl Upload {
    pub(crate) fn new(user: Uuid, name: &str, bytes: Vec<u8>) -> Self {
        Self { user, name: name.to_owned(), bytes, fields: Vec::new() }
    }

    pub(crate) fn with(mut self, name: &'static str, value: &(impl ToString + ?Sized)) -> Self {
        self.fields.push((name, value.to_string()));
        self
    }

    /// As the first description lists them: the file comes before its user.
    pub(crate) fn form(self) -> Form {
        let part = Part::bytes(self.bytes).file_name(self.name);
        let form = Form::new().part("file", part).text("userId", self.user.to_string());
        self.fields.into_iter().fold(form, |form, (name, value)| form.text(name, value))
    }
}

impl Client {
    pub(crate) fn new(base: &str) -> Self {
        let http = reqwest::Client::builder().timeout(PATIENCE).build().unwrap();
        Self { base: base.to_owned(), http, token: None }
    }

    /// The same, presenting a key or token with every request.
    pub(crate) fn presenting(&self, token: &str) -> Self {
        let value = HeaderValue::from_str(&format!("Bearer {token}")).unwrap();
        let headers = HeaderMap::from_iter([(AUTHORIZATION, value)]);
        let http = reqwest::Client::builder().timeout(PATIENCE).default_headers(headers).build().unwrap();
        Self { base: self.base.clone(), http, token: Some(token.to_owned()) }
    }

    /// The same, sending these headers with every request.
    pub(crate) fn always_sending(&self, headers: HeaderMap) -> Self {
        let http = reqwest::Client::builder().timeout(PATIENCE).default_headers(headers).build().unwrap();
        Self { http, ..self.clone() }
    }

    /// The address of `path`.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// Whatever the route, `{}` where it takes a body. The body of a success is
    /// not read: it may have no end.
    pub(crate) async fn ask(&self, method: &str, path: &str) -> Answer {
        let method: Method = method.parse().unwrap();
        let mut request = self.http.request(method.clone(), format!("{}{path}", self.base));
        if ![Method::GET, Method::HEAD].contains(&method) {
            request = request.header("content-type", "application/json").body("{}");
        }
        let response = request.send().await.unwrap();
        match response.status().is_success() {
            true => Answer { status: response.status().as_u16(), ..Answer::default() },
            false => Self::answer(response).await,
        }
    }

    pub(crate) async fn upload(&self, upload: Upload) -> Answer {
        self.post(upload.form()).await
    }

    /// Uploads under a key that makes a repetition the same task.
    pub(crate) async fn upload_once(&self, key: &str, upload: Upload) -> Answer {
        self.upload_with(("idempotency-key", key), upload).await
    }

    /// Uploads with a header.
    pub(crate) async fn upload_with(&self, (name, value): (&str, &str), upload: Upload) -> Answer {
        let request = self.http.post(format!("{}/api/tasks", self.base)).header(name, value);
        Self::answer(request.multipart(upload.form()).send().await.unwrap()).await
    }

    pub(crate) async fn post(&self, form: Form) -> Answer {
        let request = self.http.post(format!("{}/api/tasks", self.base)).multipart(form);
        Self::answer(request.send().await.unwrap()).await
    }

    /// Uploads what must be taken; the task's id.
    pub(crate) async fn accepted(&self, upload: Upload) -> String {
        let answer = self.upload(upload).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.body["data"]["taskId"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        Self::answer(self.http.get(format!("{}{path}", self.base)).send().await.unwrap()).await
    }

    /// Has something erased.
    pub(crate) async fn delete(&self, path: &str) -> Answer {
        Self::answer(self.http.delete(format!("{}{path}", self.base)).send().await.unwrap()).await
    }

    /// The events of a task after `last_id`, as they come.
    pub(crate) async fn events(&self, task: &str, last_id: &str) -> reqwest::Response {
        let request = self.http.get(format!("{}/api/tasks/{task}/events", self.base));
        request.header("last-event-id", last_id).send().await.unwrap()
    }

    /// What comes at `path`, as it comes.
    pub(crate) async fn stream(&self, path: &str) -> reqwest::Response {
        self.http.get(format!("{}{path}", self.base)).send().await.unwrap()
    }

    /// Asks for something to be done that needs no more than its path.
    pub(crate) async fn act(&self, path: &str) -> Answer {
        Self::answer(self.http.post(format!("{}{path}", self.base)).send().await.unwrap()).await
    }

    /// Asks for something to be done, as JSON says.
    pub(crate) async fn tell(&self, path: &str, body: &Value) -> Answer {
        Self::answer(self.http.post(format!("{}{path}", self.base)).json(body).send().await.unwrap()).await
    }

    /// Asks until the answer is as it `should` be.
    pub(crate) async fn until_answer(&self, path: &str, should: impl Fn(&Answer) -> bool) -> Answer {
        self.until_answer_within(PATIENCE, path, should).await
    }

    /// The same, where it may take as long as `patience`.
    pub(crate) async fn until_answer_within(
        &self,
        patience: Duration,
        path: &str,
        should: impl Fn(&Answer) -> bool,
    ) -> Answer {
        let began = std::time::Instant::now();
        loop {
            let answer = self.get(path).await;
            if should(&answer) {
                return answer;
            }
            assert!(began.elapsed() < patience, "{path} stays {answer:?}");
        }
    }

    /// Asks until the `data` of the answer is as it `should` be.
    pub(crate) async fn until(&self, path: &str, should: impl Fn(&Value) -> bool) -> Value {
        self.until_answer(path, |answer| answer.status == 200 && should(&answer.body["data"])).await.body["data"]
            .clone()
    }

    /// The `data` of what must be there.
    pub(crate) async fn data(&self, path: &str) -> Value {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        assert_eq!(answer.body["success"], true, "{path}: {answer:?}");
        answer.body["data"].clone()
    }

    /// Posts JSON.
    pub(crate) async fn send_json(&self, path: &str, body: &Value) -> Answer {
        self.send_with(path, &[("content-type", "application/json")], &body.to_string()).await
    }

    /// Posts with headers of the caller's choice, as JSON unless they say
    /// otherwise.
    pub(crate) async fn send_with(&self, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut request = self.http.post(format!("{}{path}", self.base)).body(body.to_owned());
        if headers.iter().all(|(name, _)| *name != "content-type") {
            request = request.header("content-type", "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Self::answer(request.send().await.unwrap()).await
    }

    /// Puts a file where an upload says; the store's answer.
    pub(crate) async fn put(&self, begun: &Value, file: Vec<u8>) -> u16 {
        let mut request = self.http.put(begun["url"].as_str().unwrap()).body(file);
        for (name, value) in begun["headers"].as_object().unwrap() {
            if name != "content-length" {
                request = request.header(name, value.as_str().unwrap());
            }
        }
        request.send().await.unwrap().status().as_u16()
    }

    /// What a browser is told that asks whether a page of `origin` may post: the
    /// status, and whom the server lets in.
    pub(crate) async fn preflight(&self, path: &str, origin: &str) -> (u16, Option<String>) {
        let request = self.http.request(reqwest::Method::OPTIONS, format!("{}{path}", self.base));
        let request = request.header("origin", origin).header("access-control-request-method", "POST");
        let answer = request.send().await.unwrap();
        let allowed = answer.headers().get("access-control-allow-origin");
        (answer.status().as_u16(), allowed.map(|value| value.to_str().unwrap().to_owned()))
    }

    /// The headers of an answer.
    pub(crate) async fn headers(&self, path: &str) -> reqwest::header::HeaderMap {
        self.http.get(format!("{}{path}", self.base)).send().await.unwrap().headers().clone()
    }

    /// How many tasks the user has.
    pub(crate) async fn task_count(&self, user: Uuid) -> u64 {
        self.data(&format!("/api/tasks?userId={user}")).await["pagination"]["total"].as_u64().unwrap()
    }

    /// The result, by the URL that the server hands out.
    pub(crate) async fn result(&self, task: &str) -> String {
        self.result_at(&format!("/api/tasks/{task}/result")).await
    }

    /// The same, by a path of the caller's choice.
    pub(crate) async fn result_at(&self, path: &str) -> String {
        let data = self.data(path).await;
        let url = data["resultUrl"].as_str().unwrap();
        let response = self.http.get(url).send().await.unwrap();
        assert_eq!(response.status(), 200, "{url}");
        response.text().await.unwrap()
    }

    pub(crate) async fn socket(&self, user: Uuid) -> Socket {
        Socket::open(&self.socket_url(&format!("/?userId={user}")), self.token.as_deref()).await.unwrap()
    }

    /// A socket at a path of the caller's choice, or the status that it was
    /// refused with.
    pub(crate) async fn try_socket(&self, path: &str) -> Result<Socket, u16> {
        Socket::open(&self.socket_url(path), self.token.as_deref()).await
    }

    pub(crate) fn socket_url(&self, path: &str) -> String {
        format!("{}{path}", self.base.replace("http://", "ws://"))
    }

    /// The same, opened to go on where an earlier one ended.
    pub(crate) async fn resuming_socket(&self, user: Uuid, since: &str, seen: &Value) -> Socket {
        let mut socket = self.try_socket(&format!("/ws?userId={user}&resume=true")).await.unwrap();
        socket.send(&json!({"type": "resume", "since": since, "seen": seen})).await;
        socket
    }

    /// The status with which a socket is refused.
    pub(crate) async fn refused_socket(&self, user: Uuid) -> u16 {
        self.try_socket(&format!("/?userId={user}")).await.err().expect("it was not refused")
    }

    /// A socket, as soon as there is a place for it.
    pub(crate) async fn until_socket(&self, user: Uuid) -> Socket {
        let began = std::time::Instant::now();
        loop {
            if let Ok(socket) = self.try_socket(&format!("/?userId={user}")).await {
                return socket;
            }
            assert!(began.elapsed() < PATIENCE, "there is no place");
        }
    }

    async fn answer(response: reqwest::Response) -> Answer {
        let header = |name: &str| Some(response.headers().get(name)?.to_str().unwrap().to_owned());
        let (location, request_id) = (header("location"), header("x-request-id"));
        let retry_after = header("retry-after");
        let challenge = header("www-authenticate");
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Answer { status, location, request_id, retry_after, challenge, body }
    }
}

impl Answer {
    pub(crate) fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or_default()
    }
}
