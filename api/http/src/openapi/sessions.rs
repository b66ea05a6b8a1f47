//! Sessions of browsers, and who calls.

use salvo::http::Method;
use serde_json::{Value, json};

use super::operation::{Operation, in_path, query};
use super::tasks::{AT, TASK, USER};

const TAG: &str = "callers";

pub(super) fn operations() -> Vec<Operation> {
    vec![me(), ways(), sign_in(), sign_out(), list(), end(), login(), callback()]
}

fn at(method: Method, path: &'static str, id: &str, summary: &str) -> Operation {
    Operation::new(method, path, TAG, id, summary)
}

fn me() -> Operation {
    at(Method::GET, "/api/me", "getMe", "Get who calls, with scopes and limits")
        .data(200, "The caller.", "Me", &example("key"))
        .needs_caller()
}

fn ways() -> Operation {
    let example = json!({ "authentication": "required", "key": true, "provider": false });
    at(Method::GET, "/api/sign-in", "getSignIn", "Get how a browser signs in")
        .about("`key`: with an API key, by `POST /api/session`. `provider`: at the identity provider, by opening `/auth/login`.")
        .data(200, "The ways to sign in.", "SignIn", &example)
}

fn sign_in() -> Operation {
    let cookie = json!({ "Set-Cookie": { "description": "The session.", "schema": { "type": "string" } } });
    at(Method::POST, "/api/session", "signIn", "Sign in")
        .about("Answers a cookie that stands for the key, or for the access token with `UNTXT_AUTH=jwt`, until it is \
            revoked or expires, nothing was asked for 8 hours, or 7 days have passed.")
        .json("NewSession", &json!({ "key": "untxt_…" }))
        .data(201, "The caller in the session.", "Me", &example("session"))
        .with_headers(201, &cookie)
        .fails(&["UNAUTHENTICATED", "AUTH_RATE_LIMITED", "AUTHENTICATION_OFF", "INSECURE_CONNECTION"])
        .fails(&["ORIGIN_NOT_ALLOWED", "MALFORMED_BODY", "NOT_JSON", "PAYLOAD_TOO_LARGE"])
}

fn sign_out() -> Operation {
    at(Method::DELETE, "/api/session", "signOut", "Sign out")
        .about("Ends the session of the cookie; its sockets and event streams are closed.")
        .answers(204, "The session has ended.", None)
        .needs_caller()
        .fails(&["SESSION_NOT_FOUND"])
}

fn list() -> Operation {
    let session = json!({ "id": TASK, "name": "the scanner", "createdAt": AT, "lastSeenAt": AT, "expiresAt": AT,
        "current": true });
    at(Method::GET, "/api/sessions", "listSessions", "List the caller's sessions, newest first")
        .about("Those that were begun with the same key, or by the same subject of the identity provider: at most 50, \
            the oldest ends for another one.")
        .data(200, "The sessions.", "Sessions", &json!({ "sessions": [session] }))
        .needs_caller()
}

fn end() -> Operation {
    at(Method::DELETE, "/api/sessions/{id}", "endSession", "End one of the caller's sessions")
        .parameter(in_path("id", "The session.", TASK))
        .answers(204, "The session has ended.", None)
        .needs_caller()
        .fails(&["SESSION_NOT_FOUND"])
}

fn login() -> Operation {
    let text = json!({ "type": "string" });
    at(Method::GET, "/auth/login", "beginSignIn", "Sign in at the identity provider with a browser")
        .about("Only with `UNTXT_OIDC_CLIENT_ID`.")
        .parameter(query(
            "return",
            "Where to return to in the console, from `#` on.",
            &text,
            &json!("#/letters"),
        ))
        .answers(302, "To the provider, or to the console with what failed.", None)
        .fails(&["NOT_FOUND", "INSECURE_CONNECTION"])
}

fn callback() -> Operation {
    let text = json!({ "type": "string" });
    at(Method::GET, "/auth/callback", "completeSignIn", "Return from the identity provider")
        .about(
            "The `redirect_uri` of the client. What failed stands in the address, `#/sign-in?error=`: \
            `SIGN_IN_DENIED`, `SIGN_IN_EXPIRED`, `SIGN_IN_FAILED`, `UNAUTHENTICATED`, `AUTH_RATE_LIMITED` or \
            `SERVICE_UNAVAILABLE`.",
        )
        .parameter(query("code", "The authorization code.", &text, &json!("9f86d0")))
        .parameter(query("state", "What the sign-in was begun with.", &text, &json!("9f86d0")))
        .answers(302, "To the console.", None)
        .fails(&["NOT_FOUND"])
}

fn example(authentication: &str) -> Value {
    json!({
        "name": "the scanner", "userId": USER, "scopes": ["submit", "read"], "authentication": authentication,
        "expiresAt": AT,
        "limits": { "uploadBytesMax": 104_857_600, "pagesMax": 5_000, "uploadsPerMinute": null, "tasksActiveMax": null },
    })
}
