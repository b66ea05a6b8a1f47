//! The conformance kit: what every engine has to bear, as a library, so that
//! an author's `cargo test` runs what `untxt plugin test` runs.
//!
//! ```no_run
//! # async fn conforms() -> Result<(), Box<dyn std::error::Error>> {
//! use untxt_plugins::Package;
//! use untxt_plugins::kit::{Kit, Subject};
//!
//! let package = Package::read("my-engine".as_ref(), 64 << 20)?;
//! let report = Kit::new("target/compiled-engines".as_ref())?.test(&Subject::of(package)).await;
//! assert!(report.passed(), "{}", report.junit());
//! # Ok(())
//! # }
//! ```

mod bench;
mod cases;
mod pages;
mod report;
mod servers;

use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};

pub use bench::{Bench, Ratio};
pub use report::{Case, Outcome, Report};

use crate::engine::Engine;
use crate::error::PluginError;
use crate::gate::{self, Terms};
use crate::grants::Grants;
use crate::host::{Host, HostConfig, Options};
use crate::limits::Limits;
use crate::package::Package;
use crate::signature::Trust;

/// Stands in settings for the address of the kit's own server.
pub const SERVER: &str = "{{server}}";

/// What is tested.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The engine.
    pub package: Package,
    /// What its operator would allow it.
    pub grants: Grants,
    /// Whose signature would count.
    pub trust: Trust,
    /// Its settings in every call.
    pub settings: Value,
}

impl Subject {
    /// An engine that is given nothing and told nothing, and need not be signed.
    #[must_use]
    pub fn of(package: Package) -> Self {
        Self { package, grants: Grants::default(), trust: Trust::default(), settings: json!({}) }
    }

    fn options(&self) -> Options {
        Options { languages: Vec::new(), settings: self.settings.clone(), attempt: 1 }
    }

    /// Whether it can only be tested with a server of its own.
    fn needs_servers(&self) -> bool {
        self.package.manifest.as_ref().is_some_and(crate::manifest::Manifest::asks_servers)
            && self.grants.http.origins.is_empty()
    }
}

/// Runs engines to see how they bear it.
pub struct Kit {
    host: Arc<Host>,
    metered: Arc<Host>,
}

impl Kit {
    /// A kit that keeps compiled engines in `cache_dir`.
    ///
    /// # Errors
    /// [`PluginError::Sandbox`] when the machine does not allow for it.
    pub fn new(cache_dir: &Path) -> Result<Self, PluginError> {
        let config = |metered| HostConfig {
            cache_dir: cache_dir.to_owned(),
            concurrency: 2,
            limits: Limits::default(),
            metered,
        };
        Ok(Self { host: Arc::new(Host::new(&config(false))?), metered: Arc::new(Host::new(&config(true))?) })
    }

    /// What the gate says about `subject`, without letting it in anywhere.
    pub async fn check(&self, subject: &Subject) -> gate::Report {
        let terms = Terms { sha256: None, trust: &subject.trust, grants: &subject.grants };
        gate::examine(&self.host, &subject.package.name, &subject.package, terms).await
    }

    /// Puts `subject` through every case.
    pub async fn test(&self, subject: &Subject) -> Report {
        cases::run(&self.host, subject).await
    }

    /// Measures `subject` on `pages` pages.
    ///
    /// # Errors
    /// As for loading and calling it: an engine that does not work can't be
    /// measured.
    pub async fn bench(&self, subject: &Subject, pages: u32) -> Result<Bench, PluginError> {
        bench::run(&self.host, &self.metered, subject, pages).await
    }

    /// The engine, ready to be called.
    ///
    /// # Errors
    /// As for loading it.
    pub async fn load(&self, subject: &Subject) -> Result<Arc<Engine>, PluginError> {
        admitted(&self.host, subject).await
    }

    /// What calls it.
    #[must_use]
    pub fn host(&self) -> &Arc<Host> {
        &self.host
    }
}

async fn admitted(host: &Arc<Host>, subject: &Subject) -> Result<Arc<Engine>, PluginError> {
    let admitted = host.admit(&subject.package.name, &subject.package, &subject.grants).await;
    admitted.map(Arc::new)
}
