//! What a run of the workflow is given: a stored format that only grows.

use std::str::FromStr;

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

/// The file: uploaded, or to be fetched.
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
    /// Where step `download` fetches it from, if it was not uploaded. It may hold
    /// secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// SHA-256, hexadecimal; empty until it is fetched.
    pub sha256: String,
    /// Bytes; 0 until it is fetched.
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
    /// What is done with a text layer. Set when the task is accepted; absent in
    /// tasks of programs that knew only [`TextLayer::Engine`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text_layer: Option<TextLayer>,
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

/// What is done with the text that a page of a PDF carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TextLayer {
    /// It is the result where it covers what stands on the page; other pages are
    /// recognised.
    #[default]
    Auto,
    /// It is the result wherever there is one.
    Use,
    /// Every page is recognised, and the engine does not see the layer.
    Ignore,
    /// Every page is given to the engine with its layer, and the engine decides.
    Engine,
}

impl TextLayer {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Auto, Self::Use, Self::Ignore, Self::Engine];

    /// Its name in requests and settings.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Use => "use",
            Self::Ignore => "ignore",
            Self::Engine => "engine",
        }
    }

    /// The names, such as `auto, use, ignore, engine`.
    #[must_use]
    pub fn list() -> String {
        Self::ALL.map(Self::name).join(", ")
    }
}

impl FromStr for TextLayer {
    type Err = UnknownTextLayer;

    fn from_str(name: &str) -> Result<Self, UnknownTextLayer> {
        Self::ALL.into_iter().find(|known| known.name() == name).ok_or(UnknownTextLayer)
    }
}

/// A name that is none of [`TextLayer::ALL`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("use one of {}", TextLayer::list())]
pub struct UnknownTextLayer;

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
