//! Engines as operators see them, the same on the command line and over HTTP, and as
//! users do.

use serde_json::{Value, json};
use untxt_plugins::{Described, Listed};

/// All engines with their versions.
#[must_use]
pub fn view(listed: &[Listed]) -> Value {
    json!({ "plugins": listed.iter().map(plugin).collect::<Vec<_>>() })
}

/// The engines that tasks can name, and the one of tasks that name none.
#[must_use]
pub fn for_users(listed: &[Listed], default: &str) -> Value {
    let usable = listed.iter().filter(|listed| listed.error.is_none());
    let engines: Vec<Value> =
        usable.filter_map(|listed| Some(engine(listed, listed.described.as_ref()?))).collect();
    json!({ "default": default, "engines": engines })
}

fn engine(listed: &Listed, described: &Described) -> Value {
    let schema = serde_json::from_str::<Value>(&described.settings_schema).ok();
    json!({
        "name": listed.name,
        "digest": listed.digest,
        "version": described.version,
        "description": described.about,
        "languages": described.languages,
        "simulated": described.simulated,
        "deterministic": described.deterministic,
        "settingsSchema": schema.filter(Value::is_object),
        "wants": {
            "dpi": described.page_dpi,
            "side": described.page_side,
            "color": described.wants_color,
            "upright": described.wants_upright,
        },
    })
}

fn plugin(listed: &Listed) -> Value {
    let versions: Vec<Value> = listed
        .versions
        .iter()
        .map(|version| {
            json!({
                "digest": version.digest,
                "active": version.active,
                "quarantined": version.quarantined,
                "signed": version.signed.as_ref().map(|signed| {
                    json!({ "key": signed.key, "comment": signed.comment })
                }),
            })
        })
        .collect();
    json!({
        "name": listed.name,
        "digest": Some(&listed.digest).filter(|digest| !digest.is_empty()),
        "version": Some(&listed.version).filter(|version| !version.is_empty()),
        "builtIn": listed.built_in,
        "error": listed.error,
        "versions": versions,
    })
}
