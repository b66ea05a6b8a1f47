//! An engine that can be called.

use std::sync::Arc;

use crate::call::Call;
use crate::contract::OcrEnginePre;
use crate::granted::Granted;
use crate::limits::Limits;

/// An engine that could be loaded and described itself.
pub struct Engine {
    pub(crate) name: String,
    pub(crate) digest: String,
    pub(crate) described: Described,
    pub(crate) limits: Limits,
    pub(crate) granted: Arc<Granted>,
    pub(crate) pre: OcrEnginePre<Call>,
}

/// What an engine says about itself, cut to what can be shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Described {
    /// What it calls itself.
    pub id: String,
    /// Its version.
    pub version: String,
    /// BCP 47.
    pub languages: Vec<String>,
    /// Whether the same page and options give the same answer.
    pub deterministic: bool,
    /// JSON Schema of its settings.
    pub settings_schema: String,
}

impl Engine {
    /// The name it is asked for by.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// SHA-256 of its component, hexadecimal.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The version it says it is.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.described.version
    }

    /// What it says about itself.
    #[must_use]
    pub fn described(&self) -> &Described {
        &self.described
    }

    /// What it may use.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }
}
