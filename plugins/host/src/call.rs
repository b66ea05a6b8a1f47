//! One call, from the host's side: what the guest may ask for while it runs,
//! and what the host notes about it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use wasmtime::Result;
use wasmtime::component::{HasSelf, Linker, Resource, ResourceTable};

use crate::bounds::Bounds;
use crate::clock::Ticking;
use crate::contract::untxt::ocr::assets;
use crate::contract::untxt::ocr::host::{Host, Level};
use crate::contract::untxt::ocr::http;
use crate::contract::untxt::ocr::pages::{self, HostPage, Info};
use crate::contract::untxt::ocr::types::{self, Bitmap, Failure, ImageEncoding, PixelFormat, Rect};
use crate::contract::{OcrEngine, PageHandle};
use crate::egress::Egress;
use crate::granted::Granted;
use crate::limits::Limits;
use crate::page::{self, Page};
use crate::pixels::{self, View};
use crate::record::{Shared, Stop};

/// The state of one call.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) bounds: Bounds,
    record: Shared,
    granted: Arc<Granted>,
    egress: Egress,
    cancel: CancellationToken,
    deadline: Instant,
    table: ResourceTable,
    /// Once it has a store: what may run is to be stoppable.
    ticking: Option<Ticking>,
}

impl Call {
    /// A call of an engine with these limits and grants, which ends after `wall`
    /// or when `cancel` fires.
    pub(crate) fn new(
        limits: &Limits,
        granted: Arc<Granted>,
        wall: Duration,
        cancel: CancellationToken,
    ) -> Self {
        let record = Shared::new(limits);
        Self {
            bounds: Bounds::new(limits.memory_bytes_max, record.clone()),
            egress: Egress::new(Arc::clone(&granted), limits, record.clone()),
            granted,
            record,
            cancel,
            deadline: Instant::now() + wall,
            table: ResourceTable::new(),
            ticking: None,
        }
    }

    /// Keeps the guests' clock ticking as long as the call exists.
    pub(crate) fn keep_ticking(&mut self, ticking: Ticking) {
        self.ticking = Some(ticking);
    }

    /// What is seen of the call, during it and after.
    pub(crate) fn record(&self) -> Shared {
        self.record.clone()
    }

    /// Whether the guest is to be stopped now; remembers why.
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

    /// Ends the host's own work for a guest that is to be stopped.
    fn still_wanted(&mut self) -> Result<()> {
        match self.check() {
            None => Ok(()),
            Some(stop) => Err(wasmtime::Error::msg(format!("stopped: {stop:?}"))),
        }
    }
}

/// Everything a guest may import.
pub(crate) fn link(linker: &mut Linker<Call>) -> Result<()> {
    OcrEngine::add_to_linker::<_, HasSelf<_>>(linker, |call| call)
}

impl types::Host for Call {}

impl assets::Host for Call {
    fn names(&mut self) -> Result<Vec<String>> {
        Ok(self.granted.assets.keys().cloned().collect())
    }

    fn read(&mut self, name: String) -> Result<Result<Vec<u8>, Failure>> {
        Ok(self.granted.assets.get(&name).map(|bytes| bytes.to_vec()).ok_or_else(|| Failure {
            code: "no-such-asset".to_owned(),
            message: format!("no asset is called {name:?}"),
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
                Err(wasmtime::Error::msg("stopped while it waited for a server"))
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
        self.record.read().log.write(level, &message);
        Ok(())
    }

    fn progress(&mut self, fraction: f32, note: String) -> Result<()> {
        self.record.read().log.progress(fraction, &note);
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
        let (page, bytes_max) = (self.page(&page)?, self.bounds.memory_bytes_max);
        let view = View { area, side_max: max_side };
        pixels::bitmap(&page, view, format, bytes_max, &mut || self.still_wanted())
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
        let encoded = pixels::encoded(&page, view, encoding, quality, &mut || self.still_wanted())?;
        if let Err(failure) = &encoded
            && failure.code == pixels::ENCODING_FAILED
        {
            // Not the guest's doing, whatever it makes of it.
            self.record.read().host_failure = Some(failure.clone());
        }
        Ok(encoded)
    }

    fn text_layer(&mut self, page: Resource<PageHandle>) -> Result<Vec<types::Line>> {
        Ok(self.page(&page)?.text_layer.iter().map(lowered).collect())
    }

    fn drop(&mut self, page: Resource<PageHandle>) -> Result<()> {
        self.table.delete(page)?;
        Ok(())
    }
}

fn lowered(line: &page::Line) -> types::Line {
    let rect = |r: page::Rect| Rect { x: r.x, y: r.y, width: r.width, height: r.height };
    let word = |w: &page::Word| types::Word {
        text: w.text.clone(),
        bounds: w.bounds.map(rect),
        confidence: w.confidence,
    };
    types::Line { bounds: line.bounds.map(rect), words: line.words.iter().map(word).collect() }
}
