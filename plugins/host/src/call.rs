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
use crate::contract::untxt::ocr::inference::{self, HostGraph, TensorType};
use crate::contract::untxt::ocr::pages::{self, HostPage, Info};
use crate::contract::untxt::ocr::types::{self, Bitmap, Failure, ImageEncoding, PixelFormat, Rect};
use crate::contract::{GraphHandle, OcrEngine, PageHandle};
use crate::egress::Egress;
use crate::inference::{ElementType, Graph, ModelLease, NamedTensor, Refusal, Stopped, TensorHeader};
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
    models: ModelLease,
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
        models: ModelLease,
        wall: Duration,
        cancel: CancellationToken,
    ) -> Self {
        let record = SharedCallRecord::new(limits);
        Self {
            memory: MemoryLimiter::new(limits.memory_bytes_max, record.clone()),
            egress: Egress::new(Arc::clone(&capabilities), limits, record.clone()),
            capabilities,
            models,
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
        Ok(self.capabilities.assets.get(&name).map(|b| b.to_vec()).ok_or_else(|| no_such_asset(&name)))
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

impl inference::Host for Call {
    async fn load_by_name(&mut self, name: String) -> Result<Result<Resource<GraphHandle>, Failure>> {
        let Some(model) = self.capabilities.model(&name) else { return Ok(Err(no_such_asset(&name))) };
        let loaded = self.in_model(name, async |models| models.load(model).await).await?;
        Ok(match loaded {
            Ok(graph) => Ok(self.table.push(GraphHandle(graph))?),
            Err(refusal) => Err(refused(refusal)),
        })
    }
}

impl HostGraph for Call {
    fn inputs(&mut self, graph: Resource<GraphHandle>) -> Result<Vec<String>> {
        Ok(self.graph(&graph)?.names.inputs.clone())
    }

    fn outputs(&mut self, graph: Resource<GraphHandle>) -> Result<Vec<String>> {
        Ok(self.graph(&graph)?.names.outputs.clone())
    }

    async fn compute(
        &mut self,
        graph: Resource<GraphHandle>,
        inputs: Vec<inference::NamedTensor>,
    ) -> Result<Result<Vec<inference::NamedTensor>, Failure>> {
        let graph = self.graph(&graph)?;
        let inputs: Vec<NamedTensor> = match inputs.into_iter().map(from_wit).collect() {
            Ok(inputs) => inputs,
            Err(refusal) => return Ok(Err(refused(refusal))),
        };
        let name = graph.model.name.clone();
        let computed = self.in_model(name, async |models| models.compute(&graph, &inputs).await).await?;
        Ok(computed.map(|outputs| outputs.into_iter().map(to_wit).collect()).map_err(refused))
    }

    fn drop(&mut self, graph: Resource<GraphHandle>) -> Result<()> {
        self.table.delete(graph)?;
        Ok(())
    }
}

impl Call {
    fn graph(&self, handle: &Resource<GraphHandle>) -> Result<Graph> {
        Ok(self.table.get(handle)?.0.clone())
    }

    /// Works with the model `name` within the call's time. What it fails for is
    /// recorded, unless the guest is to be told.
    async fn in_model<T>(
        &mut self,
        name: String,
        work: impl AsyncFnOnce(&mut ModelLease) -> Result<T, Stopped>,
    ) -> Result<Result<T, Refusal>> {
        self.record.lock().model = Some(name);
        let (began, deadline) = (Instant::now(), self.deadline.into());
        // What is not finished is dropped, and its process killed.
        let stopped = tokio::select! {
            worked = work(&mut self.models) => match worked {
                Ok(done) => Ok(Ok(done)),
                Err(Stopped::Refused(refusal)) => Ok(Err(refusal)),
                Err(Stopped::Fault(fault)) => {
                    self.record.lock().model_fault = Some(fault);
                    Err("its model failed")
                }
                Err(Stopped::Unavailable(reason)) => {
                    self.record.lock().models_unavailable = Some(reason);
                    Err("models can't be computed")
                }
            },
            () = self.cancel.cancelled() => {
                self.record.stop(Stop::Cancelled);
                Err("cancelled while it waited for a model")
            }
            () = tokio::time::sleep_until(deadline) => {
                self.record.stop(Stop::Deadline);
                Err("out of time while it waited for a model")
            }
        };
        self.models.usage.wall += began.elapsed();
        let mut record = self.record.lock();
        record.models = self.models.usage;
        let worked = stopped.map_err(wasmtime::Error::msg)?;
        record.model = None;
        Ok(worked)
    }
}

fn no_such_asset(name: &str) -> Failure {
    refused(Refusal::new("no-such-asset", format!("there is no asset {name:?}")))
}

fn refused(Refusal { code, message }: Refusal) -> Failure {
    Failure { code, message, attributes: Vec::new() }
}

fn from_wit((name, tensor): inference::NamedTensor) -> Result<NamedTensor, Refusal> {
    let inference::Tensor { dimensions, ty, data } = tensor;
    let ty = match ty {
        TensorType::Fp32 => ElementType::F32,
        TensorType::U8 => ElementType::U8,
        TensorType::I32 => ElementType::I32,
        TensorType::I64 => ElementType::I64,
        TensorType::Fp16 | TensorType::Fp64 | TensorType::Bf16 => {
            let message = format!("input {name:?}: elements of type {ty:?} are not computed");
            return Err(Refusal::new("unsupported", message));
        }
    };
    Ok(NamedTensor { header: TensorHeader { name, ty, dimensions }, data })
}

fn to_wit(tensor: NamedTensor) -> inference::NamedTensor {
    let TensorHeader { name, ty, dimensions } = tensor.header;
    let ty = match ty {
        ElementType::F32 => TensorType::Fp32,
        ElementType::U8 => TensorType::U8,
        ElementType::I32 => TensorType::I32,
        ElementType::I64 => TensorType::I64,
    };
    (name, inference::Tensor { dimensions, ty, data: tensor.data })
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
