//! Callers with keys of their own.

use serde_json::Value;
use uuid::Uuid;

use crate::home::Home;

/// Somebody who holds a key.
pub(crate) struct Person {
    pub(crate) user: Uuid,
    /// What lets them in.
    pub(crate) key: String,
    /// The id of the key.
    pub(crate) id: String,
}

impl Person {
    /// Makes a key with these scopes for somebody new.
    pub(crate) fn new(home: &Home, scopes: &str) -> Self {
        Self::with(home, &["--scopes", scopes])
    }

    /// Makes a key as the options of `untxt keys create` say.
    pub(crate) fn with(home: &Home, options: &[&str]) -> Self {
        let made = home.run(&[&["keys", "create", "--json"], options].concat()).exits(0).json();
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        Self { user: text("userId").parse().unwrap(), key: text("key"), id: text("id") }
    }
}

/// The one row of `key` among those that were listed.
#[track_caller]
pub(crate) fn row<'a>(listed: &'a Value, key: &str) -> &'a Value {
    let rows = listed["keys"].as_array().unwrap();
    rows.iter().find(|row| row["id"] == key).unwrap_or_else(|| panic!("{key} is not in {listed}"))
}
