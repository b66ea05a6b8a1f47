//! Where settings are read from.

use std::collections::HashMap;
use std::fmt::Display;
use std::path::Path;
use std::str::FromStr;

use crate::error::ConfigError;
use crate::known;

/// Name of the file in the data directory that says where the servers of a
/// running stack are; the same keys as in [`FILE`](crate::FILE).
pub const RUNNING_SERVICES: &str = "stack/services.toml";

/// Looks settings up by their names.
pub(crate) struct Values<'a> {
    pub(crate) lookup: &'a dyn Fn(&str) -> Option<String>,
}

impl Values<'_> {
    /// What is set, if it says anything.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        debug_assert!(
            !name.starts_with("UNTXT_") || known::NAMES.contains(&name),
            "{name} is to be in the list of settings"
        );
        (self.lookup)(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    pub(crate) fn parsed<T: FromStr<Err: Display>>(
        &self,
        name: &'static str,
        default: T,
    ) -> Result<T, ConfigError> {
        let Some(value) = self.text(name) else { return Ok(default) };
        value.parse().map_err(|error: T::Err| self.wrong(name, value, &error.to_string()))
    }

    /// What is set, if anything is.
    pub(crate) fn optional<T: FromStr<Err: Display>>(
        &self,
        name: &'static str,
    ) -> Result<Option<T>, ConfigError> {
        let Some(value) = self.text(name) else { return Ok(None) };
        value.parse().map(Some).map_err(|error: T::Err| self.wrong(name, value, &error.to_string()))
    }

    pub(crate) fn wrong(&self, name: &'static str, value: String, reason: &str) -> ConfigError {
        ConfigError::Value { name, value, reason: reason.to_owned() }
    }
}

/// The variables of the environment. One of this program's that is not a
/// setting, or is no Unicode, is refused: ignored, it would leave its setting
/// at the default.
pub(crate) fn environment() -> Result<HashMap<String, String>, ConfigError> {
    let mut variables = HashMap::new();
    for (name, value) in std::env::vars_os() {
        // Names that are no Unicode are nobody's settings.
        let Some(name) = name.to_str() else { continue };
        known::check_variable(name)?;
        match value.into_string() {
            Ok(value) => {
                variables.insert(name.to_owned(), value);
            }
            Err(_) if known::NAMES.contains(&name) => {
                return Err(ConfigError::Together(format!("{name}: its value is not valid UTF-8")));
            }
            Err(_) => {}
        }
    }
    Ok(variables)
}

/// The keys of the file; none if it isn't there.
pub(crate) fn file(path: &Path) -> Result<HashMap<String, String>, ConfigError> {
    let wrong = |reason: String| ConfigError::File { path: path.to_owned(), reason };
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(HashMap::new()),
        Err(error) => return Err(wrong(error.to_string())),
    };
    let table: toml::Table = text.parse().map_err(|error| wrong(where_and_why(&text, &error)))?;
    for name in table.keys() {
        known::check_key(path, name)?;
    }
    table
        .into_iter()
        .map(|(name, value)| match value {
            toml::Value::String(text) => Ok((name, text)),
            toml::Value::Integer(number) => Ok((name, number.to_string())),
            toml::Value::Boolean(flag) => Ok((name, flag.to_string())),
            other => Err(wrong(format!(
                "{name} is a {}; strings, whole numbers and booleans are read",
                other.type_str()
            ))),
        })
        .collect()
}

/// What is wrong with a file and in which line. The line itself may hold a
/// password and is not shown.
fn where_and_why(text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    format!("line {}: {}", before.matches('\n').count() + 1, error.message())
}
