//! A renderer whose children can be told from those of other tests.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tempfile::TempDir;
use untxt_plugins::ChildProgram;
use untxt_workflows::documents::DocumentError;
use untxt_workflows::documents::limits::Limits;
use untxt_workflows::documents::renderer::{
    Color, Pixels, Probe, RenderOptions, RenderedPage, Renderer, RendererConfig,
};

pub(crate) const CHILD: &str = env!("CARGO_BIN_EXE_untxt-renderer");

static HARNESSES: AtomicU32 = AtomicU32::new(0);

/// A renderer, a directory for its files, and the mark its children carry.
pub(crate) struct RendererHarness {
    pub(crate) renderer: Renderer,
    pub(crate) mark: String,
    dir: TempDir,
}

impl RendererHarness {
    pub(crate) fn new() -> Self {
        Self::with(Limits::default())
    }

    pub(crate) fn with(limits: Limits) -> Self {
        let number = HARNESSES.fetch_add(1, Ordering::Relaxed);
        // No mark is the beginning of another.
        let mark = format!("harness-{}-{number}-", std::process::id());
        Self { renderer: renderer(&mark, limits), mark, dir: tempfile::tempdir().unwrap() }
    }

    /// One whose children are ended after `deadline_ms`.
    pub(crate) fn hasty(deadline_ms: u64) -> Self {
        Self::with(Limits { deadline: Duration::from_millis(deadline_ms), ..Limits::default() })
    }

    pub(crate) fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.dir.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    pub(crate) async fn probe(&self, bytes: &[u8]) -> Result<Probe, DocumentError> {
        self.renderer.probe(&self.file("document", bytes)).await
    }

    pub(crate) async fn render(
        &self,
        bytes: &[u8],
        index: u32,
        options: RenderOptions,
    ) -> Result<RenderedPage, DocumentError> {
        self.renderer.render(&self.file("document", bytes), index, options).await
    }

    pub(crate) async fn gray(&self, bytes: &[u8], index: u32) -> Sheet {
        Sheet(self.render(bytes, index, RenderOptions::default()).await.unwrap())
    }

    pub(crate) async fn rgb(&self, bytes: &[u8], index: u32) -> Sheet {
        let options = RenderOptions { color: Color::Rgb, ..RenderOptions::default() };
        Sheet(self.render(bytes, index, options).await.unwrap())
    }

    /// Those that do more than wait for their next document: a thread of theirs
    /// decodes, beside `main` and the one that reads.
    pub(crate) fn children_at_work(&self) -> Vec<u32> {
        let threads = |id: &u32| fs::read_dir(format!("/proc/{id}/task")).map_or(0, Iterator::count);
        self.children().into_iter().filter(|id| threads(id) > 2).collect()
    }

    /// Drops the renderer; another one takes its place.
    pub(crate) fn forget(&mut self) {
        self.renderer = renderer(&self.mark, Limits::default());
    }

    /// Ids of the children of this renderer that are there.
    pub(crate) fn children(&self) -> Vec<u32> {
        let processes =
            fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        let is_ours = |id: &u32| {
            fs::read_to_string(format!("/proc/{id}/cmdline")).is_ok_and(|line| line.contains(&self.mark))
        };
        processes.filter(is_ours).collect()
    }
}

/// One whose children carry `mark`.
fn renderer(mark: &str, limits: Limits) -> Renderer {
    let program = ChildProgram { program: CHILD.into(), arguments: vec![mark.into()] };
    Renderer::new(RendererConfig { program, limits, pages_at_once: 2 })
}

/// A rendered page that can be looked at.
#[derive(Debug)]
pub(crate) struct Sheet(pub(crate) RenderedPage);

impl Sheet {
    pub(crate) fn size(&self) -> (u32, u32) {
        (self.0.width, self.0.height)
    }

    pub(crate) fn luma(&self, x: u32, y: u32) -> u8 {
        match &self.0.pixels {
            Pixels::Luma8(pixels) => pixels[(y * self.0.width + x) as usize],
            Pixels::Rgb8(_) => panic!("the page is in colours"),
        }
    }

    pub(crate) fn color(&self, x: u32, y: u32) -> [u8; 3] {
        match &self.0.pixels {
            Pixels::Rgb8(pixels) => pixels[3 * (y * self.0.width + x) as usize..][..3].try_into().unwrap(),
            Pixels::Luma8(_) => panic!("the page is in grey"),
        }
    }
}
