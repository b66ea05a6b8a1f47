//! A host over a directory of engines, and pages to give them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use untxt_plugins::{
    ChildProgram, Class, EngineLimits, Host, HostConfig, Options, Page, PixelFormat, PluginError, Recognized,
    Registry,
};

/// What a loaded machine may take for something that takes milliseconds.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// How late a call may end on a loaded machine; on an idle one it is 25 ms.
pub(crate) const LATE: Duration = Duration::from_millis(1_200);

/// Little memory: guests that fill it are soon done.
pub(crate) fn limits() -> EngineLimits {
    EngineLimits { memory_bytes_max: 32 << 20, wall: Duration::from_secs(60), ..EngineLimits::default() }
}

pub(crate) struct Rig {
    pub(crate) host: Arc<Host>,
    pub(crate) registry: Registry,
    /// Where engines are dropped: a folder in a folder that is ours too.
    pub(crate) engines: PathBuf,
    /// An argument of the processes that compute models, by which they are found.
    pub(crate) mark: String,
    _dir: TempDir,
}

impl Rig {
    /// A rig whose compiled engines are shared with all others.
    pub(crate) fn new(limits: EngineLimits) -> Self {
        Self::with_cache(limits, &Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled-engines"))
    }

    pub(crate) fn with_cache(limits: EngineLimits, cache_dir: &Path) -> Self {
        Self::over(&HostConfig {
            cache_dir: cache_dir.to_owned(),
            concurrency: 1,
            limits,
            metered: false,
            models: None,
        })
    }

    /// A rig for that many calls at once.
    pub(crate) fn with_concurrency(limits: EngineLimits, concurrency: usize) -> Self {
        let cache_dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled-engines");
        Self::over(&HostConfig { cache_dir, concurrency, limits, metered: false, models: None })
    }

    /// A rig whose processes that compute models carry `mark`.
    pub(crate) fn marked(mark: &str) -> Self {
        let cache_dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled-engines");
        let config = HostConfig { cache_dir, concurrency: 1, limits: limits(), metered: false, models: None };
        Self::with_mark(&config, mark)
    }

    fn over(config: &HostConfig) -> Self {
        static RIGS: AtomicU32 = AtomicU32::new(0);
        let number = RIGS.fetch_add(1, Ordering::Relaxed);
        Self::with_mark(config, &format!("rig-{}-{number}.", std::process::id()))
    }

    fn with_mark(config: &HostConfig, mark: &str) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let engines = dir.path().join("engines");
        fs::create_dir(&engines).expect("a folder in it");
        let config = HostConfig { models: Some(models(mark)), ..config.clone() };
        let host = Arc::new(Host::new(&config).expect("a sandbox"));
        let registry = Registry::open(Arc::clone(&host), engines.clone());
        Self { host, registry, engines, mark: mark.to_owned(), _dir: dir }
    }

    /// Drops the built guest `guest` into the directory as `name`.
    pub(crate) fn put(&self, guest: &str, name: &str) {
        // As one does it: whole, under its name at once.
        let part = self.engines.join("part");
        fs::copy(built(guest), &part).expect("the guest is built");
        fs::rename(part, self.file(name)).expect("it can be put there");
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.engines.join(format!("{name}.wasm"))
    }

    /// Gives `page` to the engine that `name` means now, on the first attempt.
    pub(crate) async fn read(&self, name: &str, page: Page) -> Result<Recognized, PluginError> {
        self.call(name, page, json!({}), 1, CancellationToken::new()).await
    }

    pub(crate) async fn call(
        &self,
        name: &str,
        page: Page,
        settings: Value,
        attempt: u32,
        cancel: CancellationToken,
    ) -> Result<Recognized, PluginError> {
        let engine = self.registry.resolve(name).await?;
        let options = Options { languages: Vec::new(), settings, attempt };
        self.host.recognize(&engine, Arc::new(page), options, cancel).await
    }

    /// The sandbox still does its work.
    pub(crate) async fn works(&self) {
        let read = self.read("simulated-qwen3", printed()).await.expect("the next call is normal");
        assert_eq!(words(&read).len(), 9);
    }
}

/// Cancels the call once it is `at_work`; it ends for that reason and in time.
pub(crate) async fn stops_at_once(
    calling: impl Future<Output = Result<Recognized, PluginError>>,
    cancel: &CancellationToken,
    at_work: impl Fn() -> bool,
) {
    let stopping = async {
        let begun = async {
            while !at_work() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, begun).await.expect("the call is at work");
        cancel.cancel();
        Instant::now()
    };
    let (ended, stopped) = tokio::join!(calling, stopping);
    assert_eq!(ended.expect_err("it was stopped").class(), Class::Cancelled);
    assert!(stopped.elapsed() < LATE, "{:?}", stopped.elapsed());
}

/// The program that computes models, with an argument that it ignores.
pub(crate) fn models(mark: &str) -> ChildProgram {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_untxt-model"));
    ChildProgram { program, arguments: vec![mark.into()] }
}

pub(crate) fn built(guest: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../guests/built/{guest}.wasm"))
}

/// A white page with three lines of three words of ink.
pub(crate) fn printed() -> Page {
    with_ink(PixelFormat::Luma8, 40)
}

/// The same with words of that width, in pixels.
pub(crate) fn with_ink(format: PixelFormat, word_width: usize) -> Page {
    let mut data = vec![u8::MAX; 600 * 400 * format.channels()];
    for y in [40, 70, 100].into_iter().flat_map(|top| top..top + 12) {
        for x in [60, 180, 300].into_iter().flat_map(|left| left..left + word_width) {
            let at = (y * 600 + x) * format.channels();
            data[at..at + format.channels()].fill(0);
        }
    }
    Page::new(0, 1, 150, (600, 400), format, data, Vec::new()).expect("it fits")
}

pub(crate) fn blank() -> Page {
    with_ink(PixelFormat::Luma8, 0)
}

pub(crate) fn words(read: &Recognized) -> Vec<&str> {
    let lines = read.text.blocks.iter().flat_map(|block| &block.lines);
    lines.flat_map(|line| &line.words).map(|word| word.text.as_str()).collect()
}
