//! The state of a process and its dependencies, and its metrics.
//!
//! In reading order: `process` (metrics from the kernel), [`checks`] (which dependencies
//! answer), `gauges` (metrics from the journal).

pub mod checks;

mod gauges;
mod process;

use std::sync::Arc;
use std::time::{Duration, Instant};

use metrics_exporter_prometheus::PrometheusHandle;
use salvo::http::StatusCode;
use salvo::prelude::Depot;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use untxt_workflows::platform::Platform;

use crate::error::ApiError;
use checks::{Checks, ProcessRole};

/// How long what was found out about the dependencies is told again: whoever
/// asks more often costs them nothing.
const CHECKS_FRESH_FOR: Duration = Duration::from_secs(1);

/// The same for what is counted in the journal, which costs more.
const GAUGES_FRESH_FOR: Duration = Duration::from_secs(5);

/// The state of this process and its dependencies. Clones share it.
#[derive(Clone)]
pub struct HealthState(Arc<Shared>);

struct Shared {
    platform: Arc<Platform>,
    role: ProcessRole,
    shutdown: CancellationToken,
    since: Instant,
    metrics: PrometheusHandle,
    checked: Mutex<Option<(Instant, Checks)>>,
    counted: Mutex<Option<Instant>>,
}

impl HealthState {
    /// Of a process that does `role` until `shutdown`, with the metrics that
    /// [`meter::install`](crate::meter::install) collects.
    #[must_use]
    pub fn new(
        platform: Arc<Platform>,
        role: ProcessRole,
        metrics: PrometheusHandle,
        shutdown: CancellationToken,
    ) -> Self {
        let (checked, counted) = (Mutex::default(), Mutex::default());
        let since = Instant::now();
        Self(Arc::new(Shared { platform, role, shutdown, since, metrics, checked, counted }))
    }

    /// The state that the router put into `depot`.
    ///
    /// # Errors
    /// When it did not, which is a fault of the router.
    pub fn of(depot: &Depot) -> Result<&Self, ApiError> {
        let absent = |_| ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL", "internal error");
        depot.get_typed::<Self>().map_err(absent)
    }

    /// The product.
    #[must_use]
    pub fn platform(&self) -> &Platform {
        &self.0.platform
    }

    /// For how long it has run.
    #[must_use]
    pub fn uptime(&self) -> Duration {
        self.0.since.elapsed()
    }

    /// Whether it begins nothing more and is about to end.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.0.shutdown.is_cancelled()
    }

    /// What is reachable, no older than a second. Of many who ask at once one
    /// has it found out.
    pub async fn checks(&self) -> Checks {
        let mut checked = self.0.checked.lock().await;
        if let Some((at, checks)) = &*checked
            && at.elapsed() < CHECKS_FRESH_FOR
        {
            return checks.clone();
        }
        // Boxed: it holds the state of every dependency's client.
        let checks = Box::pin(Checks::of(&self.0.platform)).await;
        *checked = Some((Instant::now(), checks.clone()));
        checks
    }

    /// What has to change before work should be sent here, and what has no room on
    /// its disk; both are empty when it is ready.
    pub async fn missing(&self) -> (Vec<&'static str>, Vec<&'static str>) {
        let checks = self.checks().await;
        let mut missing = checks.missing(self.0.role);
        if self.is_draining() {
            missing.push("draining");
        }
        (missing, checks.full)
    }

    /// All metrics as Prometheus reads them.
    pub async fn metrics(&self) -> String {
        self.checks().await.measure();
        self.count().await;
        let mut text = self.0.metrics.render();
        text.push_str(&process::metrics());
        text
    }

    async fn count(&self) {
        let mut counted = self.0.counted.lock().await;
        if counted.is_none_or(|at| at.elapsed() >= GAUGES_FRESH_FOR) {
            gauges::measure(&self.0.platform).await;
            *counted = Some(Instant::now());
        }
    }
}
