//! Engines and their versions.

use salvo::http::Method;
use serde_json::{Value, json};

use super::operation::{Operation, in_path};

const TAG: &str = "operators";

const DIGEST: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

pub(super) fn operations() -> Vec<Operation> {
    let list = Operation::new(
        Method::GET,
        "/api/admin/plugins",
        TAG,
        "listPlugins",
        "List engines and their versions",
    )
    .data(200, "The engines.", "Plugins", &shown())
    .fails(&["ORIGIN_NOT_ALLOWED"]);
    let activate = json!({ "digest": DIGEST, "reason": "it reads tables" });
    let rollback = json!({ "reason": "it is slower" });
    vec![
        list,
        choose("activate", "activatePlugin", "Activate a version of an engine", "PluginVersion", &activate)
            .about("Tasks that started with another version finish with it. Lifts a quarantine."),
        choose("rollback", "rollbackPlugin", "Roll back to the previous version", "Reason", &rollback)
            .fails(&["PLUGIN_NOTHING_EARLIER"]),
    ]
}

/// The engines that users can name.
pub(super) fn of_users() -> Operation {
    let engine = json!({ "name": "reader", "digest": DIGEST, "version": "0.1.0",
        "description": "Reads printed text in Latin script.", "languages": ["en", "de"], "simulated": false,
        "deterministic": true, "settingsSchema": { "type": "object", "additionalProperties": false },
        "wants": { "dpi": 300, "side": null, "color": false, "upright": false } });
    Operation::new(
        Method::GET,
        "/api/engines",
        "tasks",
        "listEngines",
        "List the engines that a task can name",
    )
    .about("Needs the scope `submit` or `read`. Engines that can't be used are left out.")
    .data(200, "The engines.", "Engines", &json!({ "default": "reader", "engines": [engine] }))
}

fn choose(what: &str, id: &str, summary: &str, schema: &str, example: &Value) -> Operation {
    let path = match what {
        "activate" => "/api/admin/plugins/{name}/activate",
        _ => "/api/admin/plugins/{name}/rollback",
    };
    Operation::new(Method::POST, path, TAG, id, summary)
        .parameter(in_path("name", "Name of the engine.", "simulated-qwen3"))
        .json(schema, example)
        .data(200, "All engines after the change.", "Plugins", &shown())
        .fails(&["PLUGIN_NOT_FOUND", "ENGINE_INCOMPATIBLE", "ENGINE_QUARANTINED", "ORIGIN_NOT_ALLOWED"])
        .fails(&["INVALID_FIELD", "MALFORMED_BODY", "NOT_JSON", "PAYLOAD_TOO_LARGE"])
}

fn shown() -> Value {
    let version = json!({ "digest": DIGEST, "active": true, "quarantined": null, "signed": null });
    json!({ "plugins": [{ "name": "simulated-qwen3", "digest": DIGEST, "version": "0.1.0", "builtIn": true,
        "error": null, "versions": [version] }] })
}
