//! Engines as operators see them, the same on the command line and over HTTP.

use serde_json::{Value, json};
use untxt_plugins::Listed;

/// All engines with their versions.
#[must_use]
pub fn view(listed: &[Listed]) -> Value {
    json!({ "plugins": listed.iter().map(plugin).collect::<Vec<_>>() })
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
