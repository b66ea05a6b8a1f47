//! Sends spans to a collector, as the usual `OTEL_*` variables say: OTLP over
//! HTTP, in batches, from a thread of its own. A collector that is slow or away
//! costs spans, never requests or work.

use std::env;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use opentelemetry::{Key, KeyValue, global};
use opentelemetry_http::{HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio::runtime::Handle;
use tokio::time::timeout;
use untxt_net::{RequestOptions, send};

use crate::request_trace;

/// Variables of which one says where the collector is.
const ENDPOINTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"];

/// How long a collector may take for a batch, unless
/// `OTEL_EXPORTER_OTLP_TIMEOUT` says otherwise.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Bytes of the body of a collector's response.
const BODY_BYTES_MAX: usize = 64 << 10;

/// How long the last spans may take when the process ends.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(2);

/// What sends spans until it is told to end.
pub struct Exporter(Option<SdkTracerProvider>);

impl Exporter {
    /// Begins to collect spans and to send them, if the environment names a
    /// collector; otherwise nothing is collected. Must be called within a Tokio
    /// runtime.
    ///
    /// # Errors
    /// When the variables can't be made sense of.
    pub fn start() -> Result<Self, ExporterBuildError> {
        let set = |name: &str| env::var(name).ok().filter(|value| !value.trim().is_empty());
        let disabled = set("OTEL_SDK_DISABLED").is_some_and(|word| word.eq_ignore_ascii_case("true"))
            || set("OTEL_TRACES_EXPORTER").is_some_and(|word| word != "otlp");
        if disabled || !ENDPOINTS.iter().any(|name| set(name).is_some()) {
            return Ok(Self(None));
        }
        let exporter = SpanExporter::builder().with_http().with_http_client(Collector::new()).build()?;
        let provider =
            SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource()).build();
        global::set_tracer_provider(provider.clone());
        request_trace::collect();
        tracing::info!("exporting spans to OTEL_EXPORTER_OTLP_ENDPOINT");
        Ok(Self(Some(provider)))
    }

    /// Sends what is left, within two seconds.
    pub async fn end(self) {
        let Some(provider) = self.0 else { return };
        // It waits for the thread that sends.
        let ended = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(SHUTDOWN_TIMEOUT));
        if let Ok(Ok(Err(error))) = timeout(SHUTDOWN_TIMEOUT * 2, ended).await {
            tracing::warn!(%error, "the last spans may not have been exported");
        }
    }
}

/// What the spans are of: `untxt`, unless the environment says otherwise.
fn resource() -> Resource {
    let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    let told = Resource::builder().with_attribute(version.clone()).build();
    let name = told.get(&Key::from_static_str("service.name")).map(|name| name.to_string());
    if name.is_some_and(|name| !name.starts_with("unknown_service")) {
        return told;
    }
    Resource::builder().with_service_name("untxt").with_attribute(version).build()
}

/// Sends batches to the collector, on the runtime that it was created on: the
/// thread that exports has none.
#[derive(Debug)]
struct Collector {
    runtime: Handle,
    options: RequestOptions,
}

impl Collector {
    fn new() -> Self {
        let set = |name: &str| env::var(name).ok()?.parse().ok().map(Duration::from_millis);
        let timeout = set("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT").or_else(|| set("OTEL_EXPORTER_OTLP_TIMEOUT"));
        let options = RequestOptions::for_named_server(BODY_BYTES_MAX, timeout.unwrap_or(TIMEOUT));
        Self { runtime: Handle::current(), options }
    }
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let options = self.options.clone();
        let sent = self.runtime.spawn(async move { send(request, &options).await });
        let response = sent.await?;
        match &response {
            Ok(response) if response.status().is_success() => {}
            Ok(response) => tracing::warn!(status = %response.status(), "the collector rejected spans"),
            Err(error) => tracing::warn!(%error, "can't export spans"),
        }
        Ok(response?)
    }
}
