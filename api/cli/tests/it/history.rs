//! A task's history as `tasks show --json` prints it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::client::Client;
use crate::home::Home;

/// Position of the step that has a page an item.
const RECOGNIZE: u64 = 1;

/// All that happened to a task, in order.
#[derive(Debug)]
pub(crate) struct History {
    pub(crate) task: Value,
    events: Vec<Value>,
}

impl History {
    pub(crate) fn of(home: &Home, task: &str) -> Self {
        let shown = home.run(&["tasks", "show", task, "--json"]).exits(0).json();
        let events = shown["history"].as_array().unwrap_or_else(|| panic!("{shown} has no history")).clone();
        let seqs: Vec<u64> = events.iter().map(|event| event["seq"].as_u64().unwrap()).collect();
        assert_eq!(seqs, (1..=events.len() as u64).collect::<Vec<_>>(), "the history has gaps");
        Self { task: shown, events }
    }

    /// The same, as a server tells it.
    pub(crate) async fn at(client: &Client, task: &str) -> Self {
        let data = client.data(&format!("/api/tasks/{task}/history")).await;
        Self { events: data["history"].as_array().unwrap().clone(), task: data }
    }

    /// What happened last.
    pub(crate) fn last(&self) -> &Value {
        self.events.last().unwrap()
    }

    /// When it happened, each time.
    pub(crate) fn times_of(&self, event: &str) -> Vec<DateTime<Utc>> {
        let happened = self.events.iter().filter(|happened| happened["event"] == event);
        happened.map(|happened| happened["at"].as_str().unwrap().parse().unwrap()).collect()
    }

    /// When it happened the first time.
    pub(crate) fn first_at(&self, event: &str) -> DateTime<Utc> {
        *self.times_of(event).first().unwrap_or_else(|| panic!("no {event} in {:?}", self.events))
    }

    /// All of it, in order.
    pub(crate) fn events(&self) -> impl Iterator<Item = &Value> {
        self.events.iter()
    }

    /// How often it happened.
    pub(crate) fn count(&self, event: &str) -> usize {
        self.events.iter().filter(|happened| happened["event"] == event).count()
    }

    /// How often an attempt at a page was begun.
    pub(crate) fn page_attempts(&self) -> usize {
        self.of_pages("started").count()
    }

    /// Workers that finished pages, with the pages each finished.
    pub(crate) fn finished_by(&self) -> BTreeMap<String, BTreeSet<u64>> {
        let mut finished: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
        for (_, data) in self.of_pages("succeeded") {
            let worker = data["worker"].as_str().unwrap().to_owned();
            finished.entry(worker).or_default().insert(data["item"].as_u64().unwrap());
        }
        finished
    }

    /// Fails when a page was begun again after it was finished, or was
    /// finished twice, or was never finished.
    pub(crate) fn assert_each_page_was_finished_once(&self, pages: u64) {
        let mut finished = BTreeMap::new();
        for (seq, data) in self.of_pages("succeeded") {
            let page = data["item"].as_u64().unwrap();
            assert_eq!(finished.insert(page, seq), None, "page {page} was finished twice");
        }
        assert_eq!(finished.len() as u64, pages, "some pages were never finished");
        for (seq, data) in self.of_pages("started") {
            let page = data["item"].as_u64().unwrap();
            assert!(seq < finished[&page], "page {page} was begun again after it was finished");
        }
    }

    fn of_pages<'a>(&'a self, event: &'a str) -> impl Iterator<Item = (u64, &'a Value)> {
        let happened = self.events.iter().filter(move |happened| happened["event"] == event);
        happened
            .map(|happened| (happened["seq"].as_u64().unwrap(), &happened["data"]))
            .filter(|(_, data)| data["step"] == RECOGNIZE && data["item"].is_u64())
    }
}
