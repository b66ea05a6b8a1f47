//! Conformance tests and benchmarks of engines, as a library: an author's
//! `cargo test` can run what `untxt plugin test` runs.
//!
//! ```no_run
//! # async fn conforms() -> Result<(), Box<dyn std::error::Error>> {
//! use untxt_plugins::Package;
//! use untxt_plugins::conformance::{Tester, Subject};
//!
//! let package = Package::read("my-engine".as_ref(), 64 << 20)?;
//! let tester = Tester::new("target/compiled-engines".as_ref(), None)?;
//! let report = tester.test(&Subject::of(package)).await;
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
pub use report::{Case, ConformanceReport, Outcome};

use crate::admission::{self, AdmissionReport, Requirements};
use crate::boxed;
use crate::child_process::ChildProgram;
use crate::config::HostConfig;
use crate::engine::LoadedEngine;
use crate::error::PluginError;
use crate::grants::Grants;
use crate::host::{Host, Options};
use crate::limits::EngineLimits;
use crate::package::Package;
use crate::signature::Trust;

/// Placeholder in settings for the URL of the test server.
pub const SERVER: &str = "{{server}}";

/// The engine under test.
#[derive(Clone, Debug)]
pub struct Subject {
    /// Its package.
    pub package: Package,
    /// Grants of its operator.
    pub grants: Grants,
    /// Keys that its signature is verified with.
    pub trust: Trust,
    /// Settings of every call.
    pub settings: Value,
}

impl Subject {
    /// An engine without grants and settings, which need not be signed.
    #[must_use]
    pub fn of(package: Package) -> Self {
        Self { package, grants: Grants::default(), trust: Trust::default(), settings: json!({}) }
    }

    fn options(&self) -> Options {
        Options { languages: Vec::new(), settings: self.settings.clone(), attempt: 1 }
    }

    /// Whether it calls servers and none is granted.
    fn needs_servers(&self) -> bool {
        self.package.manifest.as_ref().is_some_and(crate::manifest::Manifest::asks_servers)
            && self.grants.http.origins.is_empty()
    }
}

/// Tests and measures engines.
pub struct Tester {
    host: Arc<Host>,
    metered: Arc<Host>,
}

impl Tester {
    /// Keeps compiled engines in `cache_dir`, and computes models with `models`, without
    /// which no engine can use any.
    ///
    /// # Errors
    /// [`PluginError::Sandbox`] when the sandbox can't be set up on this machine.
    pub fn new(cache_dir: &Path, models: Option<&ChildProgram>) -> Result<Self, PluginError> {
        let config = |metered| HostConfig {
            cache_dir: cache_dir.to_owned(),
            concurrency: 2,
            limits: EngineLimits::default(),
            metered,
            models: models.cloned(),
        };
        Ok(Self { host: Arc::new(Host::new(&config(false))?), metered: Arc::new(Host::new(&config(true))?) })
    }

    /// Runs the installation checks on `subject`, without installing it.
    #[boxed]
    pub async fn check(&self, subject: &Subject) -> AdmissionReport {
        let requirements = Requirements { sha256: None, trust: &subject.trust, grants: &subject.grants };
        admission::check(&self.host, &subject.package.name, &subject.package, requirements).await
    }

    /// Runs every conformance case on `subject`.
    #[boxed]
    pub async fn test(&self, subject: &Subject) -> ConformanceReport {
        cases::run(&self.host, subject).await
    }

    /// Measures `subject` on `pages` pages.
    ///
    /// # Errors
    /// Those of loading and calling it.
    #[boxed]
    pub async fn bench(&self, subject: &Subject, pages: u32) -> Result<Bench, PluginError> {
        bench::run(&self.host, &self.metered, subject, pages).await
    }

    /// Loads the engine.
    ///
    /// # Errors
    /// [`PluginError::Incompatible`], [`PluginError::Busy`], [`PluginError::Sandbox`].
    #[boxed]
    pub async fn load(&self, subject: &Subject) -> Result<Arc<LoadedEngine>, PluginError> {
        loaded(&self.host, subject).await
    }

    /// The host that calls it.
    #[must_use]
    pub fn host(&self) -> &Arc<Host> {
        &self.host
    }
}

async fn loaded(host: &Arc<Host>, subject: &Subject) -> Result<Arc<LoadedEngine>, PluginError> {
    let loaded = host.load(&subject.package.name, &subject.package, &subject.grants).await;
    loaded.map(Arc::new)
}
