//! The interface, described: OpenAPI 3.1, written by hand beside the routes, and
//! held to the router by a test.

mod admin;
mod operation;
mod schemas;
mod service;
mod tasks;
mod uploads;

use std::sync::LazyLock;

use serde_json::{Value, json};

use self::operation::Operation;

/// The document as it is served.
pub(crate) fn text() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| document().to_string());
    &TEXT
}

fn operations() -> Vec<Operation> {
    [tasks::operations(), uploads::operations(), admin::operations(), service::operations()]
        .into_iter()
        .flatten()
        .collect()
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
            "summary": "Documents in, text out, whatever crashes in between.",
            "description": "Every answer is JSON: `{\"success\":true,\"data\":…}` or \
                `{\"success\":false,\"error\":{\"code\":…,\"message\":…,\"details\":{}}}`. Codes are stable. Times are \
                RFC 3339 in UTC.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "tags": [
            { "name": "tasks", "description": "What users do." },
            { "name": "operators", "description": "What operators see and do." },
            { "name": "service", "description": "The server itself." },
        ],
        "paths": paths,
        "components": { "schemas": schemas::all(), "headers": service::headers() },
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use salvo::prelude::Router;
    use salvo::routing::FilterInfo;

    use super::*;
    use crate::router;

    #[test]
    fn every_route_is_described_and_every_description_is_a_route() {
        let mut routes = BTreeSet::new();
        walk(&router::routes(), "", None, &mut routes);
        let described: BTreeSet<(String, String)> =
            operations().iter().map(|op| (op.path.to_owned(), op.method.to_string())).collect();
        assert_eq!(routes, described);
    }

    fn walk(router: &Router, above: &str, method: Option<String>, routes: &mut BTreeSet<(String, String)>) {
        let (mut path, mut method) = (above.to_owned(), method);
        for filter in router.filters() {
            match filter.info() {
                FilterInfo::Path(part) => path = format!("{path}/{}", part.trim_matches('/')),
                FilterInfo::Method(only) => method = Some(only.to_string()),
                other => panic!("{path} has a filter that is not described: {other:?}"),
            }
        }
        if router.goal.is_some() {
            let path = if path.is_empty() { "/".to_owned() } else { path.clone() };
            routes.insert((path, method.clone().expect("a method")));
        }
        router.routers().iter().for_each(|below| walk(below, &path, method.clone(), routes));
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
