//! The interface, described: OpenAPI 3.1, written by hand beside the routes, and
//! held to the router by a test.

mod admin;
mod callers;
mod operation;
mod pages;
mod plugins;
mod schemas;
mod service;
mod sessions;
mod tasks;
mod uploads;

use std::sync::LazyLock;

use salvo::http::Method;
use serde_json::{Value, json};
use untxt_settings::base_url::BaseUrl;

use self::operation::Operation;
use crate::auth::principal::Scope;

/// The document as it is served to those who see the server at `base`.
pub(crate) fn text(base: &BaseUrl) -> String {
    static TEXT: LazyLock<String> = LazyLock::new(|| document().to_string());
    TEXT.replacen(SERVER, &base.to_string(), 1)
}

/// Stands for the address of the server.
const SERVER: &str = "https://server.invalid";

fn operations() -> Vec<Operation> {
    let of_users = tasks::operations().into_iter().chain(pages::operations()).chain(uploads::operations());
    let of_users = of_users.map(|operation| {
        let reads = operation.method == Method::GET;
        operation.needs(if reads { Scope::Read } else { Scope::Submit })
    });
    let of_operators = admin::operations().into_iter().chain(plugins::operations());
    let of_operators = of_operators.map(|operation| operation.needs(Scope::Operate));
    let of_keys = callers::keys().into_iter().map(|operation| operation.needs(Scope::Admin));
    let ticket = callers::ticket().needs(Scope::Read);
    let engines = plugins::of_users().needs(Scope::Read);
    let of_users = of_users.chain([engines]);
    let of_keys = of_keys.chain([ticket]).chain(sessions::operations());
    of_users.chain(of_operators).chain(of_keys).chain(service::operations()).collect()
}

fn document() -> Value {
    let mut paths = json!({});
    for operation in operations() {
        let (path, method) = (operation.path, operation.method.as_str().to_lowercase());
        paths[path][method] = operation.written();
    }
    json!({
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://spec.openapis.org/oas/3.1/dialect/base",
        "info": {
            "title": "untxt",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Durable OCR for scanned images and PDFs.",
            "description": "Responses are JSON: `{\"success\":true,\"data\":…}` or \
                `{\"success\":false,\"error\":{\"code\":…,\"message\":…,\"details\":{}}}`. Error codes are stable. \
                Times are RFC 3339 in UTC. Every route that takes GET takes HEAD: the same status and headers, without the body; a \
                `Range` is not looked at. JSON and text of more than 1 KiB are compressed for clients whose \
                `Accept-Encoding` takes gzip.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": SERVER }],
        "tags": [
            { "name": "tasks", "description": "Create tasks, follow them, get results." },
            { "name": "operators", "description": "Inspect and control queues, workers, dead letters and engines." },
            { "name": "callers", "description": "Callers, API keys, tickets and sessions." },
            { "name": "service", "description": "Health checks, metrics, sockets and this document." },
        ],
        "paths": paths,
        "components": {
            "schemas": schemas::all(),
            "headers": service::headers(),
            "securitySchemes": callers::schemes(),
        },
    })
}

/// Every operation that is described, such as `GET /api/tasks/{id}`.
#[cfg(test)]
pub(crate) fn names() -> Vec<String> {
    operations().iter().map(|operation| format!("{} {}", operation.method, operation.path)).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_code_is_told_where_it_may_come() {
        let told: BTreeSet<&str> = operations().iter().flat_map(|op| op.codes().to_vec()).collect();
        let known: BTreeSet<&str> = crate::codes::CODES.iter().map(|code| code.name).collect();
        // Whoever keeps to what is described meets no wrong method.
        let of_none = BTreeSet::from(["METHOD_NOT_ALLOWED"]);
        let untold: BTreeSet<&str> = known.difference(&told).copied().collect();
        assert_eq!(untold, of_none, "name them where they may come");
    }

    #[test]
    fn codes_and_references_lead_somewhere() {
        assert!(operations().iter().all(Operation::names_only_known_codes));
        let document = document();
        let mut ids = BTreeSet::new();
        for methods in document["paths"].as_object().unwrap().values() {
            for operation in methods.as_object().unwrap().values() {
                assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()), "{operation}");
            }
        }
        check(&document, &document);
    }

    fn check(document: &Value, part: &Value) {
        if let Some(reference) = part["$ref"].as_str() {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
        }
        if let Some(fields) = part.as_object() {
            fields.values().for_each(|field| check(document, field));
        }
        if let Some(items) = part.as_array() {
            items.iter().for_each(|item| check(document, item));
        }
    }
}
