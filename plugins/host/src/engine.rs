//! A loaded engine.

use std::sync::Arc;

use crate::capabilities::Capabilities;
use crate::guest::GuestPre;
use crate::limits::EngineLimits;

/// An engine that is compiled, linked and has described itself.
pub struct LoadedEngine {
    pub(crate) name: String,
    pub(crate) digest: String,
    pub(crate) described: Described,
    pub(crate) limits: EngineLimits,
    pub(crate) capabilities: Arc<Capabilities>,
    pub(crate) pre: GuestPre,
}

/// An engine's description of itself, cut to bounds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Described {
    /// Its id.
    pub id: String,
    /// Its version.
    pub version: String,
    /// BCP 47.
    pub languages: Vec<String>,
    /// Whether the same page and options always give the same answer.
    pub deterministic: bool,
    /// JSON Schema of its settings.
    pub settings_schema: String,
    /// What it is for, for people, from the attribute `description`.
    pub about: Option<String>,
    /// Whether it makes text up, from the attribute `simulated`.
    pub simulated: bool,
    /// Resolution in which it wants its pages, dots per inch, from the attribute
    /// `page-dpi`; `None` leaves it to the host.
    pub page_dpi: Option<u32>,
    /// Pixels of the longer side that its pages may have, from the attribute
    /// `page-side`; `None` leaves it to the host.
    pub page_side: Option<u32>,
    /// Whether it wants colours, from the attribute `page-color`.
    pub wants_color: bool,
    /// Whether it wants its pages turned and straightened, from the attribute
    /// `page-upright`.
    pub wants_upright: bool,
}

impl LoadedEngine {
    /// Name under which it is installed.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// SHA-256 of its component, hexadecimal.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The version from its description.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.described.version
    }

    /// Its description of itself.
    #[must_use]
    pub fn described(&self) -> &Described {
        &self.described
    }

    /// Bounds of its calls.
    #[must_use]
    pub fn limits(&self) -> &EngineLimits {
        &self.limits
    }
}
