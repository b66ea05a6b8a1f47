//! Letters for people and machines.

use serde_json::{Value, json};
use untxt_api::dead_letters;
use untxt_engine::journal::dead_letters::{DeadLetter, DeadLetterGroup};
use untxt_workflows::records::Records;
use uuid::Uuid;

use crate::failure::Failure;
use crate::output;

/// Columns of a group of dead letters.
pub(super) const GROUP_COLUMNS: &str = "COUNT:/count TENANTS:/tenants STEP:/step CODE:/code FINGERPRINT:/fingerprint LAST:/lastAt MESSAGE:/message";

pub(super) fn list(found: &[DeadLetter], total: u64, json: bool) {
    let views: Vec<Value> = found.iter().map(dead_letters::letter).collect();
    if json {
        output::json(&json!({ "deadLetters": views, "total": total }));
        return;
    }
    output::table(&views, "ID:/id TIME:/at STATE:/state STEP:/step PAGE:/page CODE:/code MESSAGE:/message");
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
            output::line(&format!("{name:<12} {}", output::plain(value)));
        }
    }
    for name in ["chain", "logs"] {
        for line in view[name].as_array().into_iter().flatten() {
            output::line(&format!("{name:<12} {}", output::plain(line)));
        }
    }
    output::table(
        output::rows(&view["history"]),
        "ATTEMPT:/attempt STARTED:/startedAt ENDED:/endedAt WORKER:/worker END:/end MESSAGE:/error/message",
    );
    Ok(())
}

/// Groups of dead letters, the largest first.
pub(super) fn groups(found: &[DeadLetterGroup], has_more: bool, json: bool) {
    let rows: Vec<Value> = found.iter().map(dead_letters::group).collect();
    if json {
        output::json(&json!({ "groups": rows, "hasMore": has_more }));
        return;
    }
    output::table(&rows, GROUP_COLUMNS);
    if has_more {
        output::line("there are more groups; raise --limit or filter");
    }
}
