//! What operators see: workers, and what waits for a retry. The command line
//! prints the same.

use std::time::Duration;

use serde_json::{Value, json};
use untxt_engine::id::Slot;
use untxt_engine::journal::WorkerInfo;
use untxt_engine::journal::inspect::{Holding, Retry};
use untxt_engine::time::Timestamp;

use crate::app_state::AppState;
use crate::views::millis;

/// Everybody who is on the list of workers or holds something, with what each
/// holds: `alive`; `silent`, when it was not heard of for a lease; `gone`, when
/// it is off the list and its work is about to be taken over; `draining`, when it
/// starts nothing new; `unreadable`, when
/// the database says nothing of it that can be read but its name.
#[must_use]
pub fn workers(rows: &[WorkerInfo], held: &[Holding], now: Timestamp, lease: Duration) -> Vec<Value> {
    let mut workers: Vec<Value> = rows
        .iter()
        .map(|row| {
            let silent = now.since(row.heartbeat_at) > lease;
            let time = |at| (!row.unreadable).then(|| millis(at));
            json!({
                "name": row.name,
                "state": state(row, silent),
                "since": time(row.started_at),
                "lastHeartbeat": time(row.heartbeat_at),
                "holds": held.iter().filter(|held| held.worker == row.name).map(holding).collect::<Vec<_>>(),
            })
        })
        .collect();
    let mut gone: Vec<&Holding> =
        held.iter().filter(|held| !rows.iter().any(|row| row.name == held.worker)).collect();
    while let Some(first) = gone.first().map(|held| held.worker.clone()) {
        let (its, others) = gone.into_iter().partition::<Vec<_>, _>(|held| held.worker == first);
        let holds: Vec<Value> = its.into_iter().map(holding).collect();
        workers.push(json!({
            "name": first, "state": "gone", "since": null, "lastHeartbeat": null, "holds": holds,
        }));
        gone = others;
    }
    workers
}

fn state(row: &WorkerInfo, silent: bool) -> &'static str {
    match (row.unreadable, silent, row.draining) {
        (true, ..) => "unreadable",
        (false, true, _) => "silent",
        (false, false, true) => "draining",
        (false, false, false) => "alive",
    }
}

fn holding(held: &Holding) -> Value {
    let mut view = slot(&held.definition, held.slot);
    view["attempt"] = json!(held.attempt);
    view
}

/// A slot that waits for a retry.
#[must_use]
pub fn retry(retry: &Retry) -> Value {
    let mut view = slot(&retry.definition, retry.slot);
    view["tenant"] = json!(retry.tenant);
    view["attempt"] = json!(retry.attempt);
    view["dueAt"] = json!(millis(retry.due_at));
    view["error"] = retry
        .failure
        .as_ref()
        .map_or(Value::Null, |error| json!({ "code": error.code, "message": error.message }));
    view
}

/// Which run, which step by its name, and which item of it, from 0.
fn slot(workflow: &str, slot: Slot) -> Value {
    let name = AppState::step_name(workflow, slot.step);
    let step = name.map_or_else(|| json!(slot.step), |name| json!(name));
    json!({ "workflow": workflow, "run": slot.run, "step": step, "item": slot.item })
}

#[cfg(test)]
mod tests {
    use untxt_engine::id::{RunId, WorkerName};

    use super::*;

    #[test]
    fn the_silent_and_the_gone_are_told_from_the_living() {
        let name = |name: &str| WorkerName::from(name.to_owned());
        let row = |worker, at| WorkerInfo {
            name: name(worker),
            started_at: Timestamp(0),
            heartbeat_at: Timestamp(at),
            draining: worker == "quiet",
            unreadable: worker == "odd",
        };
        let held = |worker, item| Holding {
            worker: name(worker),
            slot: Slot { run: RunId::new(), step: 1, item: Some(item) },
            definition: "ocr".to_owned(),
            attempt: 2,
        };
        let held = [held("off", 0), held("quiet", 1), held("off", 2)];
        let views = workers(
            &[row("here", 9_000), row("quiet", 0), row("odd", 0)],
            &held,
            Timestamp(10_000),
            Duration::from_secs(5),
        );
        let told: Vec<_> = views
            .iter()
            .map(|view| {
                (
                    view["name"].as_str().unwrap(),
                    view["state"].as_str().unwrap(),
                    view["holds"].as_array().unwrap().len(),
                )
            })
            .collect();
        assert_eq!(
            told,
            [("here", "alive", 0), ("quiet", "silent", 1), ("odd", "unreadable", 0), ("off", "gone", 2)]
        );
        assert!(views[2]["since"].is_null() && views[2]["lastHeartbeat"].is_null());
        assert_eq!(views[1]["holds"][0]["step"], "ocr");
        assert_eq!(views[1]["holds"][0]["item"], 1);
    }
}
