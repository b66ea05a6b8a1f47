//! What a run leaves behind, without what a crash may change: times, worker
//! names, attempts that were lost or handed back, and the order in which
//! different items were done.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use untxt_engine::event::Event;
use untxt_engine::state::{RunState, RunStatus};

/// A history by what it is about, and where it led.
#[derive(Debug, PartialEq)]
pub(super) struct Normal {
    /// Submitted, opened, ended.
    of_run: Vec<Value>,
    /// Of each step and item.
    of_slots: BTreeMap<(u64, Option<u64>), Vec<Value>>,
    status: RunStatus,
    error: Option<String>,
    outputs: Value,
    items: (u32, u32, u32),
}

pub(super) fn normal(run: &RunState, history: &[Event]) -> Normal {
    let (mut of_run, mut of_slots) = (Vec::new(), BTreeMap::<_, Vec<Value>>::new());
    for event in history {
        let kind = serde_json::to_value(&event.kind).unwrap();
        let (name, mut data) = (kind["event"].as_str().unwrap().to_owned(), kind["data"].clone());
        if let Some(data) = data.as_object_mut() {
            for key in ["worker", "due_at", "attempt", "attempts", "attempts_before"] {
                data.remove(key);
            }
        }
        match data["step"].as_u64().filter(|_| name != "opened") {
            Some(step) => {
                let slot = of_slots.entry((step, data["item"].as_u64())).or_default();
                record(slot, &name, &data);
            }
            None => of_run.push(json!([name, data])),
        }
    }
    let items = (run.items.total, run.items.done, run.items.failed);
    let (status, error) = (run.status, run.error.as_ref().map(|error| error.code.clone()));
    Normal { of_run, of_slots, status, error, outputs: json!(run.outputs), items }
}

/// An attempt that was lost or handed back takes its beginning with it, and
/// the retry that it caused.
fn record(slot: &mut Vec<Value>, name: &str, data: &Value) {
    let last = slot.last().map(|last: &Value| last[0].as_str().unwrap().to_owned());
    match (name, last.as_deref()) {
        ("lost", Some("started")) => *slot.last_mut().unwrap() = json!(["lost"]),
        ("handed_back", Some("started")) => drop(slot.pop()),
        ("retry_scheduled", Some("lost")) => drop(slot.pop()),
        _ => slot.push(json!([name, data])),
    }
}

/// What must hold of every history, crashed or not.
pub(super) fn check(history: &[Event]) {
    let seqs: Vec<u64> = history.iter().map(|event| event.seq).collect();
    assert_eq!(seqs, (1..=history.len() as u64).collect::<Vec<_>>(), "no gap");
    let mut over = std::collections::HashSet::new();
    for event in history {
        let kind = serde_json::to_value(&event.kind).unwrap();
        let slot = (kind["data"]["step"].as_u64(), kind["data"]["item"].as_u64());
        match kind["event"].as_str().unwrap() {
            "started" => assert!(!over.contains(&slot), "{slot:?} was begun after it was done"),
            "succeeded" => assert!(over.insert(slot), "{slot:?} was done twice"),
            // What comes after the pages is done again; the pages are not.
            "redriven" => over.retain(|(step, _)| *step <= slot.0),
            _ => {}
        }
    }
}
