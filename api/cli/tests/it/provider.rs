//! A provider of tokens: it says where its keys are, tells them, and signs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Url;
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// Whom its tokens are for.
pub(crate) const AUDIENCE: &str = "untxt";

/// What it signs with.
pub(crate) struct SigningKey {
    id: String,
    pair: EcdsaKeyPair,
}

impl SigningKey {
    pub(crate) fn new(id: &str) -> Self {
        let random = SystemRandom::new();
        let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, made.as_ref(), &random).unwrap();
        Self { id: id.to_owned(), pair }
    }

    /// As it is published.
    fn public(&self) -> Value {
        let (x, y) = self.pair.public_key().as_ref()[1..].split_at(32);
        json!({ "kty": "EC", "crv": "P-256", "use": "sig", "kid": self.id, "x": text(x), "y": text(y) })
    }

    pub(crate) fn sign(&self, claims: &Value) -> String {
        self.sign_under(&json!({ "alg": "ES256", "typ": "at+jwt", "kid": self.id }), claims)
    }

    /// The same under a header of the test's choice.
    pub(crate) fn sign_under(&self, header: &Value, claims: &Value) -> String {
        let message = format!("{}.{}", text(header.to_string()), text(claims.to_string()));
        let signature = self.pair.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
        format!("{message}.{}", text(signature.as_ref()))
    }
}

/// Bytes as tokens hold them.
pub(crate) fn text(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(crate) fn seconds_now() -> u64 {
    jsonwebtoken::get_current_timestamp()
}

pub(crate) struct Provider {
    pub(crate) issuer: String,
    told: Arc<Mutex<Told>>,
}

struct Told {
    issuer: String,
    keys: Vec<Value>,
    away: bool,
    asked: usize,
    /// What it gives for a code, once.
    grants: HashMap<String, Grant>,
    exchanged: usize,
}

/// A token for whoever presents a code, and proves that they asked for it.
pub(crate) struct Grant {
    /// What they said at first (RFC 7636).
    pub(crate) challenge: String,
    pub(crate) redirect: String,
    /// The header with id and secret of the client; empty for a public one.
    pub(crate) authorization: String,
    pub(crate) token: String,
}

impl Provider {
    pub(crate) async fn start(key: &SigningKey) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}/realms/a", listener.local_addr().unwrap());
        let told = Told {
            issuer: issuer.clone(),
            keys: vec![key.public()],
            away: false,
            asked: 0,
            grants: HashMap::new(),
            exchanged: 0,
        };
        let told = Arc::new(Mutex::new(told));
        let answers = Arc::clone(&told);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, Arc::clone(&answers)));
            }
        });
        Self { issuer, told }
    }

    /// What everybody is told from now on.
    pub(crate) fn publish(&self, keys: &[&SigningKey]) {
        self.told.lock().unwrap().keys = keys.iter().map(|key| key.public()).collect();
    }

    /// Who it says that it is.
    pub(crate) fn call_itself(&self, issuer: &str) {
        self.told.lock().unwrap().issuer = issuer.to_owned();
    }

    /// Whether it answers with nothing but 503.
    pub(crate) fn be_away(&self, away: bool) {
        self.told.lock().unwrap().away = away;
    }

    /// How often it was asked for its keys.
    pub(crate) fn asked(&self) -> usize {
        self.told.lock().unwrap().asked
    }

    /// Gives a token for this code, once.
    pub(crate) fn grant(&self, code: &str, grant: Grant) {
        self.told.lock().unwrap().grants.insert(code.to_owned(), grant);
    }

    /// How many codes it took.
    pub(crate) fn exchanged(&self) -> usize {
        self.told.lock().unwrap().exchanged
    }

    /// What it says of somebody, for an hour.
    pub(crate) fn claims(&self, subject: &str, scope: &str) -> Value {
        json!({
            "iss": self.issuer, "sub": subject, "aud": AUDIENCE, "scope": scope,
            "exp": seconds_now() + 3_600, "iat": seconds_now(),
        })
    }
}

impl Told {
    /// The token for the code in `form`, if all that is proved.
    fn exchange(&mut self, form: &[u8], authorization: &str) -> Option<String> {
        let form = Url::parse(&format!("http://form/?{}", String::from_utf8_lossy(form))).unwrap();
        let said: HashMap<_, _> = form.query_pairs().into_owned().collect();
        let grant = self.grants.remove(said.get("code")?)?;
        let proved = text(digest(&SHA256, said.get("code_verifier")?.as_bytes()));
        let fits = said.get("grant_type")? == "authorization_code"
            && said.get("client_id")? == "console"
            && *said.get("redirect_uri")? == grant.redirect
            && proved == grant.challenge
            && authorization == grant.authorization;
        self.exchanged += usize::from(fits);
        fits.then_some(grant.token)
    }
}

async fn answer(stream: TcpStream, told: Arc<Mutex<Told>>) {
    let mut stream = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).await.is_ok_and(|read| read == 0) {
            return;
        }
    }
    let header = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    let mut form = vec![0; header("content-length").map_or(0, |length| length.parse().unwrap())];
    if stream.read_exact(&mut form).await.is_err() {
        return;
    }
    let (status, body) = {
        let mut told = told.lock().unwrap();
        let keys = head.starts_with("GET /keys ");
        told.asked += usize::from(keys);
        match (told.away, keys) {
            (true, _) => ("503 Service Unavailable", json!({})),
            (false, true) => ("200 OK", json!({ "keys": told.keys })),
            (false, false) if head.starts_with("GET /realms/a/.well-known/openid-configuration ") => {
                let host = header("host").unwrap();
                let found = json!({
                    "issuer": told.issuer,
                    "jwks_uri": format!("http://{host}/keys"),
                    "authorization_endpoint": format!("{}/auth?of=a", told.issuer),
                    "token_endpoint": format!("http://{host}/token"),
                });
                ("200 OK", found)
            }
            (false, false) if head.starts_with("POST /token ") => {
                match told.exchange(&form, header("authorization").unwrap_or_default()) {
                    Some(token) => ("200 OK", json!({ "access_token": token, "token_type": "Bearer" })),
                    None => ("400 Bad Request", json!({ "error": "invalid_grant" })),
                }
            }
            (false, false) => ("404 Not Found", json!({})),
        }
    };
    let body = body.to_string();
    let answer =
        format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
    let _gone = stream.write_all(answer.as_bytes()).await;
}
