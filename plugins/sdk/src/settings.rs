//! Reads the engine's own settings.

use serde::de::DeserializeOwned;

use crate::{Failure, Options};

/// `options.settings` as a type of the engine's own; empty settings read as
/// an empty object.
///
/// # Errors
/// `bad-settings` where the JSON does not fit the type, with the place.
pub fn settings<T: DeserializeOwned>(options: &Options) -> Result<T, Failure> {
    let text = if options.settings.trim().is_empty() { "{}" } else { &options.settings };
    serde_json::from_str(text).map_err(|error| Failure::new("bad-settings", format!("settings: {error}")))
}
