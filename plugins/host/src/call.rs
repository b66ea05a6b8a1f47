//! One call: the host functions that the guest can use while it runs.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use wasmtime::Result;
use wasmtime::component::{HasSelf, Linker, Resource, ResourceTable};

use crate::call_record::{SharedCallRecord, Stop};
use crate::capabilities::Capabilities;
use crate::clock::TickGuard;
use crate::contract::untxt::ocr::assets;
use crate::contract::untxt::ocr::host::{Host, Level};
use crate::contract::untxt::ocr::http;
use crate::contract::untxt::ocr::pages::{self, HostPage, Info};
use crate::contract::untxt::ocr::types::{self, Bitmap, Failure, ImageEncoding, PixelFormat, Rect};
use crate::contract::{OcrEngine, PageHandle};
use crate::egress::Egress;
use crate::limits::EngineLimits;
use crate::memory_limiter::MemoryLimiter;
use crate::page::{self, Page};
use crate::pixels::{self, View};

/// The state of one call.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) memory: MemoryLimiter,
    record: SharedCallRecord,
    capabilities: Arc<Capabilities>,
    egress: Egress,
    cancel: CancellationToken,
    deadline: Instant,
    table: ResourceTable,
    /// Set when the call gets a store, so that its guest can be stopped.
    tick_guard: Option<TickGuard>,
}

impl Call {
    /// A call of an engine with these limits and grants, which ends after `wall`
    /// or when `cancel` fires.
    pub(crate) fn new(
        limits: &EngineLimits,
        capabilities: Arc<Capabilities>,
        wall: Duration,
        cancel: CancellationToken,
    ) -> Self {
        let record = SharedCallRecord::new(limits);
        Self {
            memory: MemoryLimiter::new(limits.memory_bytes_max, record.clone()),
            egress: Egress::new(Arc::clone(&capabilities), limits, record.clone()),
            capabilities,
            record,
            cancel,
            deadline: Instant::now() + wall,
            table: ResourceTable::new(),
            tick_guard: None,
        }
    }

    /// Keeps the guests' clock ticking as long as the call exists.
    pub(crate) fn hold_clock(&mut self, guard: TickGuard) {
        self.tick_guard = Some(guard);
    }

    /// What the host observes of the call, during it and afterwards.
    pub(crate) fn record(&self) -> SharedCallRecord {
        self.record.clone()
    }

    /// Whether the guest has to be stopped now; the reason is recorded.
    pub(crate) fn check(&mut self) -> Option<Stop> {
        if self.cancel.is_cancelled() {
            return Some(self.record.stop(Stop::Cancelled));
        }
        (Instant::now() >= self.deadline).then(|| self.record.stop(Stop::Deadline))
    }

    /// Lends `page` to the guest.
    pub(crate) fn lend(&mut self, page: Arc<Page>) -> Result<Resource<PageHandle>> {
        Ok(self.table.push(PageHandle(page))?)
    }

    fn page(&self, handle: &Resource<PageHandle>) -> Result<Arc<Page>> {
        Ok(Arc::clone(&self.table.get(handle)?.0))
    }

    /// Fails when the guest has to be stopped, so that the host's own work for it
    /// ends.
    fn check_stopped(&mut self) -> Result<()> {
        match self.check() {
            None => Ok(()),
            Some(stop) => Err(wasmtime::Error::msg(format!("stopped: {stop:?}"))),
        }
    }
}

/// Adds every interface that a guest may import.
pub(crate) fn link(linker: &mut Linker<Call>) -> Result<()> {
    OcrEngine::add_to_linker::<_, HasSelf<_>>(linker, |call| call)
}

impl types::Host for Call {}

impl assets::Host for Call {
    fn names(&mut self) -> Result<Vec<String>> {
        Ok(self.capabilities.assets.keys().cloned().collect())
    }

    fn read(&mut self, name: String) -> Result<Result<Vec<u8>, Failure>> {
        Ok(self.capabilities.assets.get(&name).map(|bytes| bytes.to_vec()).ok_or_else(|| Failure {
            code: "no-such-asset".to_owned(),
            message: format!("there is no asset {name:?}"),
            attributes: Vec::new(),
        }))
    }
}

impl http::Host for Call {
    async fn send(&mut self, request: http::Request) -> Result<Result<http::Response, Failure>> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        let cancel = self.cancel.clone();
        tokio::select! {
            answer = self.egress.send(request, left) => Ok(answer),
            () = cancel.cancelled() => {
                self.record.stop(Stop::Cancelled);
                Err(wasmtime::Error::msg("cancelled while it waited for a server"))
            }
        }
    }
}

impl pages::Host for Call {}

impl Host for Call {
    fn log(&mut self, level: Level, message: String) -> Result<()> {
        let level = match level {
            Level::Trace => "trace",
            Level::Debug => "debug",
            Level::Info => "info",
            Level::Warn => "warn",
            Level::Error => "error",
        };
        self.record.lock().log.write(level, &message);
        Ok(())
    }

    fn progress(&mut self, fraction: f32, note: String) -> Result<()> {
        self.record.lock().log.progress(fraction, &note);
        Ok(())
    }

    fn cancelled(&mut self) -> Result<bool> {
        Ok(self.cancel.is_cancelled())
    }

    fn remaining_ms(&mut self) -> Result<u64> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        Ok(u64::try_from(left.as_millis()).unwrap_or(u64::MAX))
    }
}

impl HostPage for Call {
    fn info(&mut self, page: Resource<PageHandle>) -> Result<Info> {
        let Page { index, count, width, height, dpi, .. } = *self.page(&page)?;
        Ok(Info { index, count, width, height, dpi })
    }

    fn pixels(
        &mut self,
        page: Resource<PageHandle>,
        area: Rect,
        format: PixelFormat,
        max_side: u32,
    ) -> Result<Result<Bitmap, Failure>> {
        let (page, bytes_max) = (self.page(&page)?, self.memory.memory_bytes_max);
        let view = View { area, side_max: max_side };
        pixels::bitmap(&page, view, format, bytes_max, &mut || self.check_stopped())
    }

    fn encoded(
        &mut self,
        page: Resource<PageHandle>,
        area: Rect,
        encoding: ImageEncoding,
        max_side: u32,
        quality: u8,
    ) -> Result<Result<Vec<u8>, Failure>> {
        let page = self.page(&page)?;
        let view = View { area, side_max: max_side };
        let encoded = pixels::encoded(&page, view, encoding, quality, &mut || self.check_stopped())?;
        if let Err(failure) = &encoded
            && failure.code == pixels::ENCODING_FAILED
        {
            // Not the guest's fault, whatever it answers.
            self.record.lock().host_failure = Some(failure.clone());
        }
        Ok(encoded)
    }

    fn text_layer(&mut self, page: Resource<PageHandle>) -> Result<Vec<types::Line>> {
        Ok(self.page(&page)?.text_layer.iter().map(wit_line).collect())
    }

    fn drop(&mut self, page: Resource<PageHandle>) -> Result<()> {
        self.table.delete(page)?;
        Ok(())
    }
}

fn wit_line(line: &page::Line) -> types::Line {
    let rect = |r: page::Rect| Rect { x: r.x, y: r.y, width: r.width, height: r.height };
    let word = |w: &page::Word| types::Word {
        text: w.text.clone(),
        bounds: w.bounds.map(rect),
        confidence: w.confidence,
    };
    types::Line { bounds: line.bounds.map(rect), words: line.words.iter().map(word).collect() }
}
