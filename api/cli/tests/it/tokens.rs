//! Tokens of a provider: whom they let in, as whom, and for how long.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::client::{Answer, Client, Upload};
use crate::home::Home;
use crate::provider::{AUDIENCE, Provider, SigningKey, seconds_now, text};
use crate::samples;
use crate::server::Server;

fn home(provider: &Provider) -> Home {
    Home::new()
        .with("UNTXT_AUTH", "jwt")
        .with("UNTXT_JWT_ISSUER", &provider.issuer)
        .with("UNTXT_JWT_AUDIENCE", AUDIENCE)
}

fn message(answer: &Answer) -> &str {
    answer.body["error"]["message"].as_str().unwrap_or_default()
}

async fn uploaded(client: &Client, file: Vec<u8>) -> Value {
    let part = reqwest::multipart::Part::bytes(file).file_name("a.png");
    let answer = client.post(reqwest::multipart::Form::new().part("file", part)).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.body["data"].clone()
}

#[tokio::test]
async fn a_token_lets_its_subject_in_and_nobody_elses_tasks_are_there() {
    let key = SigningKey::new("a");
    let provider = Provider::start(&key).await;
    let home = home(&provider);
    let server = Server::start(&home, &["serve"]);
    let scope = "openid untxt:submit untxt:read";
    let user = Uuid::new_v4();
    let known = server.client().presenting(&key.sign(&provider.claims(&user.to_string(), scope)));
    let ann = server.client().presenting(&key.sign(&provider.claims("auth0|ann", scope)));

    let task = known.accepted(Upload::new(user, "a.png", samples::picture(1))).await;
    let mine = uploaded(&ann, samples::picture(2)).await;
    let mine = mine["taskId"].as_str().unwrap();
    let listed = ann.data("/api/tasks").await;
    assert_eq!(
        (&listed["pagination"]["total"], &listed["tasks"][0]["taskId"]),
        (&json!(1), &json!(mine)),
        "{listed}"
    );
    let user_of_ann = Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("{}#auth0|ann", provider.issuer).as_bytes());
    assert_eq!(listed["tasks"][0]["userId"], json!(user_of_ann));
    let foreign = ann.get(&format!("/api/tasks/{task}")).await;
    assert_eq!((foreign.status, foreign.code()), (404, "TASK_NOT_FOUND"), "{foreign:?}");
    let in_their_name = ann.get(&format!("/api/tasks?userId={user}")).await;
    assert_eq!((in_their_name.status, in_their_name.code()), (403, "FORBIDDEN"), "{in_their_name:?}");
    known.until(&format!("/api/tasks/{task}/status"), |data| data["status"] == "completed").await;

    let reader = server.client().presenting(&key.sign(&provider.claims("auth0|ann", "untxt:read")));
    let denied = reader.upload(Upload::new(user_of_ann, "a.png", samples::picture(3))).await;
    assert_eq!((denied.status, denied.code()), (403, "SCOPE_MISSING"), "{denied:?}");
    let operator = server.client().presenting(&key.sign(&provider.claims("op", "untxt:operate")));
    assert_eq!(operator.act("/api/admin/queues/pause").await.status, 415, "without a body it may, but can't");
    let paused = operator.tell("/api/admin/queues/pause", &json!({})).await;
    assert_eq!(paused.status, 200, "{paused:?}");
    let audit = operator.data("/api/admin/audit").await;
    assert_eq!(audit["audit"][0]["actor"], "sub:op", "{audit}");

    let ticket = ann.act("/api/tickets").await.body["data"]["ticket"].as_str().unwrap().to_owned();
    let socket = server.client().try_socket(&format!("/ws?ticket={ticket}")).await.unwrap();
    assert_eq!(socket.greeting["data"]["userId"], json!(user_of_ann));
    assert_eq!(provider.asked(), 1, "its keys are kept");
}

#[tokio::test]
async fn what_the_provider_did_not_say_lets_nobody_in() {
    let key = SigningKey::new("a");
    let provider = Provider::start(&key).await;
    let home = home(&provider);
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let good = provider.claims("ann", "untxt:read");
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        claims
    };
    let without = |name: &str| {
        let mut claims = good.clone();
        claims.as_object_mut().unwrap().remove(name);
        claims
    };
    let now = seconds_now();
    let signed = key.sign(&good);
    let (head, rest) = signed.split_once('.').unwrap();
    let (body, signature) = rest.split_once('.').unwrap();
    let widened = text(with("scope", json!("untxt:admin")).to_string());
    let unsigned = text(json!({ "alg": "none", "kid": "a" }).to_string());
    let shared = json!({ "alg": "HS256", "kid": "a" });
    let extended = json!({ "alg": "ES256", "kid": "a", "crit": ["b64"], "b64": false });
    let told = json!({ "alg": "ES256", "kid": "b", "jku": "http://127.0.0.1:9/keys" });
    let cases = [
        (key.sign(&with("aud", json!("somebody else"))), "`aud` does not hold untxt"),
        (key.sign(&with("aud", json!([]))), "`aud` does not hold untxt"),
        (key.sign(&without("aud")), "has no `aud`"),
        (key.sign(&with("iss", json!("http://127.0.0.1:9/realms/a"))), "`iss` is not http"),
        (key.sign(&without("iss")), "has no `iss`"),
        (key.sign(&without("sub")), "has no `sub`"),
        (key.sign(&with("exp", json!(now - 61))), "has expired"),
        (key.sign(&without("exp")), "has no `exp`"),
        (key.sign(&with("exp", json!("tomorrow"))), "has no `exp`"),
        (key.sign(&with("nbf", json!(now + 120))), "is not valid yet"),
        (SigningKey::new("a").sign(&good), "is not signed by http"),
        (SigningKey::new("b").sign(&good), "has no key for this token"),
        (key.sign_under(&told, &good), "has no key for this token"),
        (key.sign_under(&shared, &good), "has no key for this token"),
        (key.sign_under(&extended, &good), "asks for extensions: b64"),
        (format!("{head}.{widened}.{signature}"), "is not signed by http"),
        (format!("{unsigned}.{body}."), "no JSON Web Token"),
        (format!("{head}.{body}."), "is not signed by http"),
        ("untxt_0190a6e27c1e70008000000000000001_secret".to_owned(), "no JSON Web Token"),
    ];
    for (token, reason) in &cases {
        let refused = server.client().presenting(token).get("/api/tasks").await;
        assert_eq!((refused.status, refused.code()), (401, "UNAUTHENTICATED"), "{reason}: {refused:?}");
        assert!(message(&refused).contains(reason), "{reason}: {refused:?}");
        assert!(refused.challenge.unwrap().contains("invalid_token"));
    }
    for claims in
        [with("exp", json!(now - 30)), with("nbf", json!(now + 30)), with("aud", json!(["b", AUDIENCE]))]
    {
        let answer = server.client().presenting(&key.sign(&claims)).get("/api/tasks").await;
        assert_eq!(answer.status, 200, "within the skew, among others: {claims}: {answer:?}");
    }
    let log = std::fs::read_to_string(server.log()).unwrap();
    assert!(!log.contains(body) && !log.contains(signature), "a token stands in the log");
}

// The provider answers while this thread waits for a command.
#[tokio::test(flavor = "multi_thread")]
async fn keys_change_and_the_provider_goes_away_without_a_restart() {
    let (old, new) = (SigningKey::new("old"), SigningKey::new("new"));
    let provider = Provider::start(&old).await;
    provider.be_away(true);
    // What is asked again and again until it is answered otherwise.
    let home = home(&provider).with("UNTXT_AUTH_FAILURES_PER_MINUTE", "none");
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let claims = provider.claims("ann", "untxt:read");
    let by = |key: &SigningKey| server.client().presenting(&key.sign(&claims));
    let away = by(&old).get("/api/tasks").await;
    assert_eq!((away.status, away.code()), (503, "SERVICE_UNAVAILABLE"), "{away:?}");
    assert!(away.retry_after.is_some() && message(&away).contains("identity provider"), "{away:?}");
    let doctor = home.run(&["doctor"]).exits(3);
    assert!(doctor.stdout.contains("FAIL  provider") && doctor.stdout.contains("503"), "{}", doctor.stdout);

    provider.be_away(false);
    by(&old).until_answer("/api/tasks", |answer| answer.status == 200).await;
    assert!(home.run(&["doctor"]).exits(0).stdout.contains("1 key(s)"));

    provider.publish(&[&old, &new]);
    by(&new).until_answer("/api/tasks", |answer| answer.status == 200).await;
    // Twice by this server, once by the doctor: many requests waited for it.
    assert!(provider.asked() <= 5, "{}", provider.asked());

    provider.be_away(true);
    assert_eq!(by(&old).get("/api/tasks").await.status, 200, "its keys are still known");
    assert_eq!(by(&SigningKey::new("other")).get("/api/tasks").await.status, 401);

    provider.be_away(false);
    provider.call_itself("https://id.example.com");
    let doctor = home.run(&["doctor"]).exits(3);
    assert!(doctor.stdout.contains("it says that it is \"https://id.example.com\""), "{}", doctor.stdout);
}

#[tokio::test]
async fn what_a_token_opened_ends_with_the_token() {
    let key = SigningKey::new("a");
    let provider = Provider::start(&key).await;
    let home = home(&provider).with("UNTXT_JWT_SKEW_SECONDS", &0);
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let mut claims = provider.claims("ann", "untxt:read");
    claims["exp"] = json!(seconds_now() + 3);
    let client = server.client().presenting(&key.sign(&claims));
    let mut socket = client.try_socket("/ws").await.unwrap();
    assert_eq!(socket.closed().await, (4401, "the key or token expired or was revoked".to_owned()));
    let expired = client.until_answer("/api/tasks", |answer| answer.status == 401).await;
    assert!(message(&expired).contains("has expired"), "{expired:?}");
}

#[test]
fn whom_tokens_are_from_and_for_has_to_be_said() {
    let home = Home::new().with("UNTXT_AUTH", "jwt");
    let refused = home.run(&["serve"]).exits(2);
    assert!(refused.stderr.contains("UNTXT_JWT_ISSUER is not set"), "{}", refused.stderr);
}
