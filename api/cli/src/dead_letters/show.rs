//! Letters for people and machines.

use serde_json::{Value, json};
use untxt_api::dead_letters;
use untxt_engine::journal::dead_letters::DeadLetter;
use untxt_workflows::records::Records;
use uuid::Uuid;

use crate::failure::Failure;
use crate::output;

pub(super) fn list(found: &[DeadLetter], total: u64, json: bool) {
    let views: Vec<Value> = found.iter().map(dead_letters::letter).collect();
    if json {
        output::json(&json!({ "deadLetters": views, "total": total }));
        return;
    }
    for (letter, view) in found.iter().zip(&views) {
        let page = letter.item.map(|item| format!(" page {}", item + 1)).unwrap_or_default();
        output::line(&format!(
            "{}  {}  {:<9}  {}{page}  {}: {}",
            letter.id,
            text(&view["at"]),
            letter.status.as_str(),
            letter.step_name,
            letter.error.code,
            letter.error.message,
        ));
    }
    output::line(&format!("{} of {total} dead letter(s)", found.len()));
}

pub(super) async fn one(records: &Records, id: Uuid, json: bool) -> Result<(), Failure> {
    let view = dead_letters::shown(records.engine(), id).await?;
    let view = view.ok_or_else(|| Failure::work(format!("there is no dead letter {id}")))?;
    if json {
        output::json(&view);
        return Ok(());
    }
    let listed = ["history", "chain", "logs"];
    for (name, value) in view.as_object().into_iter().flatten() {
        if !value.is_null() && !listed.contains(&name.as_str()) {
            output::line(&format!("{name:<12} {}", text(value)));
        }
    }
    for name in ["chain", "logs"] {
        for line in view[name].as_array().into_iter().flatten() {
            output::line(&format!("{name:<12} {}", text(line)));
        }
    }
    for attempt in view["history"].as_array().into_iter().flatten() {
        output::line(&format!(
            "attempt {:<4} {}  to {}  {}  {}  {}",
            attempt["attempt"],
            text(&attempt["startedAt"]),
            text(&attempt["endedAt"]),
            text(&attempt["worker"]),
            text(&attempt["end"]),
            text(&attempt["error"]["message"]),
        ));
    }
    Ok(())
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
