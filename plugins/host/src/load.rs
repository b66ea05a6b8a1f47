//! Loads an engine: compiles it, checks its imports, links it, and asks it to
//! describe itself.

use std::ops::RangeInclusive;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use wasmtime::component::Component;
use wasmtime::{PoolConcurrencyLimitError, Store};

use crate::call::Call;
use crate::capabilities::Capabilities;
use crate::contract::OcrEngine;
use crate::contract::untxt::ocr::types;
use crate::engine::{Described, LoadedEngine};
use crate::error::PluginError;
use crate::grants::Grants;
use crate::guest::GuestPre;
use crate::host::{Host, Options, wit_options};
use crate::imports;
use crate::manifest::Manifest;
use crate::outcome::{refused, trap_text};
use crate::package::Package;

/// A call of the guest.
type GuestCall<T> = Pin<Box<dyn Future<Output = wasmtime::Result<T>> + Send>>;

/// How long an engine may take to describe itself.
const DESCRIBE_WALL: Duration = Duration::from_secs(1);

/// How long after that it is abandoned.
const DESCRIBE_GRACE: Duration = Duration::from_secs(2);

/// Characters of a version, an id, a language.
const WORD_CHARS_MAX: usize = 64;

/// Characters of what an engine says it is for: two sentences.
const ABOUT_CHARS_MAX: usize = 300;

/// Bytes of a schema.
const SCHEMA_BYTES_MAX: usize = 64 << 10;

impl Host {
    /// Loads `package`: compiles and links it, and asks it to describe itself.
    ///
    /// # Errors
    /// [`PluginError::Incompatible`], [`PluginError::Busy`], [`PluginError::Sandbox`].
    pub(crate) async fn load(
        self: &Arc<Self>,
        name: &str,
        package: &Package,
        grants: &Grants,
    ) -> Result<LoadedEngine, PluginError> {
        let incompatible = |reason: String| PluginError::Incompatible { name: name.to_owned(), reason };
        let (digest, manifest) = (package.digest(), package.manifest.as_ref());
        let component = self
            .compiled(&digest, package.wasm.clone())
            .await?
            .map_err(|error| incompatible(format!("it can't be compiled as a component: {error:#}")))?;
        let asks_servers = manifest.is_some_and(Manifest::asks_servers);
        imports::check(&self.sandbox.engine, &component, asks_servers).map_err(incompatible)?;
        let pre = self.linker.instantiate_pre(&component).and_then(GuestPre::new).map_err(|error| {
            incompatible(format!("it does not match untxt:ocr@0.1.0, which this host offers: {error:#}"))
        })?;
        let limits = grants.limits(&self.limits, manifest.map(|manifest| &manifest.wants));
        let mut engine = LoadedEngine {
            name: name.to_owned(),
            digest,
            described: Described::default(),
            limits,
            capabilities: Arc::new(Capabilities::of(package, grants)),
            pre,
        };
        engine.described = self.describe(&engine).await?;
        Ok(engine)
    }

    /// Compiles `package` without the cache.
    ///
    /// # Errors
    /// [`PluginError::Incompatible`] when it can't be compiled.
    pub(crate) async fn compiled_anew(self: &Arc<Self>, package: &Package) -> Result<(), PluginError> {
        let (host, wasm, name) = (Arc::clone(self), package.wasm.clone(), package.name.clone());
        tokio::task::spawn_blocking(move || Component::new(&host.sandbox.engine, wasm).map(drop))
            .await
            .map_err(|error| PluginError::Sandbox(format!("the compiler failed: {error}")))?
            .map_err(|error| PluginError::Incompatible { name, reason: format!("{error:#}") })
    }

    async fn compiled(
        self: &Arc<Self>,
        digest: &str,
        wasm: Vec<u8>,
    ) -> Result<wasmtime::Result<Component>, PluginError> {
        let (host, key) = (Arc::clone(self), digest.to_owned());
        tokio::task::spawn_blocking(move || host.cache.load(&host.sandbox.engine, &wasm, &key))
            .await
            .map_err(|error| PluginError::Sandbox(format!("the compiler failed: {error}")))
    }

    async fn describe(&self, engine: &LoadedEngine) -> Result<Described, PluginError> {
        let described = self.call_briefly(engine, "describe", |instance, mut store| {
            Box::pin(async move { instance.untxt_ocr_engine().call_describe(&mut store).await })
        });
        let described = described.await?;
        let word = |text: &str| text.chars().filter(|c| !c.is_control()).take(WORD_CHARS_MAX).collect();
        if described.settings_schema.len() > SCHEMA_BYTES_MAX {
            let reason = format!("describe: the settings schema exceeds {SCHEMA_BYTES_MAX} bytes");
            return Err(PluginError::Incompatible { name: engine.name.clone(), reason });
        }
        let incompatible = |reason: String| PluginError::Incompatible {
            name: engine.name.clone(),
            reason: format!("describe: {reason}"),
        };
        Ok(Described {
            page_dpi: number(&described.attributes, "page-dpi", &PAGE_DPI).map_err(incompatible)?,
            page_side: number(&described.attributes, "page-side", &PAGE_SIDE).map_err(incompatible)?,
            wants_color: choice(&described.attributes, "page-color", ["gray", "rgb"])
                .map_err(incompatible)?,
            wants_upright: choice(&described.attributes, "page-upright", ["false", "true"])
                .map_err(incompatible)?,
            id: word(&described.id),
            version: word(&described.version),
            languages: described.languages.iter().take(200).map(|tag| word(tag)).collect(),
            deterministic: described.deterministic,
            settings_schema: described.settings_schema,
            about: about(&described.attributes),
            simulated: attribute(&described.attributes, "simulated") == Some("true"),
        })
    }

    /// Asks `engine` whether it accepts these options.
    ///
    /// # Errors
    /// [`PluginError::Incompatible`] when it does not answer,
    /// [`PluginError::Refused`] when it does not accept them, [`PluginError::Busy`],
    /// [`PluginError::Sandbox`].
    pub async fn check(&self, engine: &LoadedEngine, options: Options) -> Result<(), PluginError> {
        let options = wit_options(options);
        let checked = self.call_briefly(engine, "check", |instance, mut store| {
            Box::pin(async move { instance.untxt_ocr_engine().call_check(&mut store, &options).await })
        });
        let name = engine.name.clone();
        checked.await?.map_err(|failure| refused(name, types::Error::Permanent(failure), Vec::new()))
    }

    /// A short call without a page, on an instance of its own.
    async fn call_briefly<T: Send + 'static>(
        &self,
        engine: &LoadedEngine,
        what: &'static str,
        ask: impl FnOnce(OcrEngine, Store<Call>) -> GuestCall<T> + Send + 'static,
    ) -> Result<T, PluginError> {
        let name = || engine.name.clone();
        let incompatible =
            |reason: String| PluginError::Incompatible { name: name(), reason: format!("{what}: {reason}") };
        let call = self.new_call(engine, DESCRIBE_WALL, CancellationToken::new());
        let record = call.record();
        let (mut store, pre) = (self.store(call), engine.pre.clone());
        let guest = self.spawn(async move {
            let guest = pre.instantiate(&mut store).await?;
            ask(guest.engine, store).await
        });
        match tokio::time::timeout(DESCRIBE_WALL + DESCRIBE_GRACE, guest).await {
            Err(_) => Err(incompatible("no answer in time".to_owned())),
            Ok(Err(error)) => Err(PluginError::Sandbox(format!("the thread of {what} failed: {error}"))),
            // A full sandbox says nothing about the engine.
            Ok(Ok(Err(error))) if error.is::<PoolConcurrencyLimitError>() => {
                Err(PluginError::Busy { name: name() })
            }
            Ok(Ok(answered)) => {
                answered.map_err(|error| incompatible(trap_text(&error, record.lock().log.panic())))
            }
        }
    }
}

/// Resolutions that an engine may ask for, dots per inch: those that pages can be
/// rendered in.
pub const PAGE_DPI: RangeInclusive<u32> = 36..=600;

/// Pixels of the longer side of a page that an engine may ask for, up to those of the
/// largest page that is rendered.
const PAGE_SIDE: RangeInclusive<u32> = 100..=30_000;

/// What the engine says it is for, if it says anything.
fn about(attributes: &[(String, String)]) -> Option<String> {
    let text = attribute(attributes, "description")?;
    let text: String = text.chars().filter(|c| !c.is_control()).take(ABOUT_CHARS_MAX).collect();
    Some(text).filter(|text| !text.trim().is_empty())
}

fn number(
    attributes: &[(String, String)],
    name: &str,
    allowed: &RangeInclusive<u32>,
) -> Result<Option<u32>, String> {
    let Some(value) = attribute(attributes, name) else { return Ok(None) };
    let number = value.parse().ok().filter(|number| allowed.contains(number));
    number.map(Some).ok_or_else(|| format!("the attribute `{name}` is {value:?}, not one of {allowed:?}"))
}

/// Whether the attribute is the second word; it is the first when absent.
fn choice(attributes: &[(String, String)], name: &str, [no, yes]: [&str; 2]) -> Result<bool, String> {
    match attribute(attributes, name) {
        None => Ok(false),
        Some(value) if value == no => Ok(false),
        Some(value) if value == yes => Ok(true),
        Some(other) => Err(format!("the attribute `{name}` is {other:?}, not `{no}` or `{yes}`")),
    }
}

fn attribute<'a>(attributes: &'a [(String, String)], name: &str) -> Option<&'a str> {
    attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Instant;

    use super::*;
    use crate::config::HostConfig;
    use crate::limits::EngineLimits;

    /// Creates and drops what every call needs. `cargo test --release
    /// --workspace --lib -- --ignored --nocapture instance_cycle`.
    #[tokio::test]
    #[ignore = "a measurement: wants a release build and a quiet machine"]
    #[expect(clippy::print_stdout, reason = "what a measurement is for")]
    async fn instance_cycle() {
        let folder = tempfile::tempdir().unwrap();
        let config = HostConfig {
            cache_dir: folder.path().join("cache"),
            concurrency: 1,
            limits: EngineLimits::default(),
            metered: false,
            models: None,
        };
        let host = Arc::new(Host::new(&config).unwrap());
        let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../guests/built/refuse.wasm");
        let package = Package::read(&built, config.limits.component_bytes_max).unwrap();
        let engine = host.load("refuse", &package, &Grants::default()).await.unwrap();

        let mut took = Vec::new();
        for _ in 0..10_000 {
            let began = Instant::now();
            let call = host.new_call(&engine, engine.limits.wall, CancellationToken::new());
            let mut store = host.store(call);
            let instance = engine.pre.instantiate(&mut store).await.unwrap();
            drop((instance, store));
            took.push(began.elapsed());
        }
        took.sort_unstable();
        let (median, late) = (took[5_000], took[9_900]);
        println!("a store, an instance and their end: p50 {median:?}, p99 {late:?} of {}", took.len());
        assert!(median < Duration::from_micros(50), "{median:?}");
    }
}
