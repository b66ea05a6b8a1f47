//! One operation of the interface, as OpenAPI writes it down.

use std::collections::BTreeMap;

use salvo::http::Method;
use serde_json::{Map, Value, json};

use crate::auth::principal::Scope;
use crate::codes;

/// Codes that any route may answer with. Most of these are found before it is known
/// which route is asked for.
const ALWAYS: [&str; 7] = [
    "BAD_REQUEST",
    "REQUEST_TOO_SLOW",
    "URI_TOO_LONG",
    "BODY_ENCODED",
    "HEAD_TOO_LARGE",
    "INTERNAL",
    "SERVICE_UNAVAILABLE",
];

/// Codes of routes that ask who calls.
const FOR_CALLERS: [&str; 4] = ["UNAUTHENTICATED", "TOKEN_IN_URL", "AUTH_RATE_LIMITED", "ORIGIN_NOT_ALLOWED"];

/// The ways to say who calls, or none while callers are not asked.
fn schemes(roles: &[&str]) -> Value {
    json!([{ "bearer": roles }, { "apiKey": roles }, { "session": roles }, { "localSession": roles }, {}])
}

/// A method of a path, what it takes and what it answers.
pub(super) struct Operation {
    pub(super) method: Method,
    pub(super) path: &'static str,
    body: Map<String, Value>,
    responses: Map<String, Value>,
    codes: Vec<&'static str>,
}

impl Operation {
    /// `id` is its name for programs, `summary` its name for people.
    pub(super) fn new(method: Method, path: &'static str, tag: &str, id: &str, summary: &str) -> Self {
        let body = Map::from_iter([
            ("operationId".to_owned(), json!(id)),
            ("tags".to_owned(), json!([tag])),
            ("summary".to_owned(), json!(summary)),
            ("parameters".to_owned(), json!([])),
        ]);
        Self { method, path, body, responses: Map::new(), codes: ALWAYS.to_vec() }
    }

    pub(super) fn about(mut self, text: &str) -> Self {
        self.body.insert("description".to_owned(), json!(text));
        self
    }

    pub(super) fn parameter(mut self, parameter: Value) -> Self {
        if let Some(parameters) = self.body.get_mut("parameters").and_then(Value::as_array_mut) {
            parameters.push(parameter);
        }
        self
    }

    /// A body of JSON.
    pub(super) fn json(self, schema: &str, example: &Value) -> Self {
        self.takes("application/json", &reference(schema), example)
    }

    /// A body of this type; one more that the client may choose, after the first.
    pub(super) fn takes(mut self, content_type: &str, schema: &Value, example: &Value) -> Self {
        let body =
            self.body.entry("requestBody").or_insert_with(|| json!({ "required": true, "content": {} }));
        body["content"][content_type] = json!({ "schema": schema, "example": example });
        self
    }

    /// A success whose `data` is as the schema says.
    pub(super) fn data(self, status: u16, means: &str, schema: &str, example: &Value) -> Self {
        let envelope = json!({
            "type": "object",
            "required": ["success", "data"],
            "properties": { "success": { "const": true }, "data": reference(schema) },
        });
        let example = json!({ "success": true, "data": example });
        let content = json!({ "application/json": { "schema": envelope, "example": example } });
        self.answers(status, means, Some(&content))
    }

    /// Any other answer.
    pub(super) fn answers(mut self, status: u16, means: &str, content: Option<&Value>) -> Self {
        let id = json!({ "x-request-id": { "$ref": "#/components/headers/RequestId" } });
        let mut response = json!({ "description": means, "headers": id });
        if let Some(content) = content {
            response["content"] = content.clone();
        }
        self.responses.insert(status.to_string(), response);
        self
    }

    /// More headers of an answer that is there.
    pub(super) fn with_headers(mut self, status: u16, headers: &Value) -> Self {
        let response = self.responses.get_mut(&status.to_string());
        let all = response.and_then(|response| response["headers"].as_object_mut());
        if let (Some(all), Some(more)) = (all, headers.as_object()) {
            all.extend(more.clone());
        }
        self
    }

    /// Where callers are asked who they are, only those are answered who have the
    /// scope.
    pub(super) fn needs(mut self, scope: Scope) -> Self {
        self.body.insert("security".to_owned(), schemes(&[scope.as_str()]));
        self.fails(&FOR_CALLERS).fails(&["SCOPE_MISSING", "FORBIDDEN"])
    }

    /// Where callers are asked who they are, only those are answered, whatever their
    /// scopes.
    pub(super) fn needs_caller(mut self) -> Self {
        self.body.insert("security".to_owned(), schemes(&[]));
        self.fails(&FOR_CALLERS)
    }

    /// What it may fail with beside what everything may.
    pub(super) fn fails(mut self, codes: &[&'static str]) -> Self {
        let new = codes.iter().copied().filter(|code| !self.codes.contains(code)).collect::<Vec<_>>();
        self.codes.extend(new);
        self
    }

    #[cfg(test)]
    pub(super) fn codes(&self) -> &[&'static str] {
        &self.codes
    }

    pub(super) fn written(mut self) -> Value {
        let mut by_status: BTreeMap<u16, Vec<&codes::Code>> = BTreeMap::new();
        for code in self.codes.iter().filter_map(|name| codes::find(name)) {
            by_status.entry(code.status.as_u16()).or_default().push(code);
        }
        for (status, codes) in by_status {
            self.responses.entry(status.to_string()).or_insert_with(|| failure(status, &codes));
        }
        self.body.insert("responses".to_owned(), Value::Object(self.responses));
        Value::Object(self.body)
    }

    #[cfg(test)]
    pub(super) fn names_only_known_codes(&self) -> bool {
        self.codes.iter().all(|name| codes::find(name).is_some())
    }
}

/// The answer of a status, with each code it may bear.
fn failure(status: u16, codes: &[&codes::Code]) -> Value {
    let means: Vec<String> = codes.iter().map(|code| format!("`{}`: {}", code.name, code.meaning)).collect();
    let names: Vec<&str> = codes.iter().map(|code| code.name).collect();
    let examples: Map<String, Value> = codes
        .iter()
        .map(|code| {
            let error = json!({ "code": code.name, "message": code.meaning, "details": {} });
            (code.name.to_owned(), json!({ "value": { "success": false, "error": error } }))
        })
        .collect();
    let schema = json!({
        "allOf": [
            reference("Failure"),
            { "properties": { "error": { "properties": { "code": { "enum": names } } } } },
        ],
    });
    let mut headers = json!({ "x-request-id": { "$ref": "#/components/headers/RequestId" } });
    if status == 401 {
        headers["www-authenticate"] = json!({ "$ref": "#/components/headers/Challenge" });
    }
    if matches!(status, 429 | 503) {
        headers["retry-after"] = json!({ "$ref": "#/components/headers/RetryAfter" });
    }
    json!({
        "description": means.join(" "),
        "headers": headers,
        "content": { "application/json": { "schema": schema, "examples": examples } },
    })
}

/// A schema by its name.
pub(super) fn reference(schema: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{schema}") })
}

/// A parameter of the query.
pub(super) fn query(name: &str, means: &str, schema: &Value, example: &Value) -> Value {
    json!({ "name": name, "in": "query", "description": means, "schema": schema, "example": example })
}

/// A header.
pub(super) fn header(name: &str, means: &str, schema: &Value, example: &Value) -> Value {
    json!({ "name": name, "in": "header", "description": means, "schema": schema, "example": example })
}

/// A part of the path.
pub(super) fn in_path(name: &str, means: &str, example: &str) -> Value {
    let schema = json!({ "type": "string" });
    json!({ "name": name, "in": "path", "required": true, "description": means, "schema": schema, "example": example })
}
