//! What a run of the workflow is given: a stored format that only grows.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use untxt_engine::error::StepError;
use untxt_engine::state::RunState;
use uuid::Uuid;

use crate::documents::formats::Format;

/// Everything the steps need to know, fixed when the task is accepted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskInput {
    /// The file.
    pub file: FileInput,
    /// The engine, pinned.
    pub engine: EnginePin,
    /// Formats to be made, the first is the one a client gets unasked.
    pub formats: Vec<Format>,
    /// Range of pages, as asked for; all when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pages: Option<String>,
    /// How pages are read.
    #[serde(default)]
    pub options: TaskOptions,
    /// The request that brought it, as the W3C's `traceparent` writes it; absent
    /// when it was part of no trace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
}

/// The uploaded file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FileInput {
    /// Its id.
    pub id: Uuid,
    /// Whose it is.
    pub user: Uuid,
    /// Its safe name.
    pub name: String,
    /// Where it lies.
    pub key: String,
    /// SHA-256, hexadecimal.
    pub sha256: String,
    /// Bytes.
    pub size_bytes: u64,
    /// Month of the upload in milliseconds since 1970: part of the result's key.
    pub uploaded_at_ms: i64,
}

/// The component a run keeps from its first page to its last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnginePin {
    /// Name it was asked for by.
    pub name: String,
    /// SHA-256 of the component, hexadecimal.
    pub digest: String,
}

/// What a client may say about how pages are read, and who is told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct TaskOptions {
    /// Resolution of page images, dots per inch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dpi: Option<u32>,
    /// Whether the engine is given colours.
    pub color: bool,
    /// Languages to expect, BCP 47, most likely first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub languages: Vec<String>,
    /// Passed on to the engine.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub settings: Map<String, Value>,
    /// Where it is told how the task ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook: Option<String>,
}

impl TaskInput {
    /// The input of `run`.
    ///
    /// # Errors
    /// A permanent `INPUT_UNREADABLE`, when a newer program submitted the run.
    pub fn of(run: &RunState) -> Result<Self, StepError> {
        serde_json::from_value(run.input.clone()).map_err(|error| {
            let message = format!("this program can't read the input of task {}: {error}", run.id);
            StepError::permanent("INPUT_UNREADABLE", message)
        })
    }
}
