//! Keeps services running until it is told to stop.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::boxed;
use crate::error::StackError;
use crate::logs::{LOG_BYTES_MAX, rotate};
use crate::service::Service;
use crate::stack_dir::{SUPERVISOR, StackDir};
use crate::supervised::Supervised;

/// Between two checks of the services.
const CHECK_EVERY: Duration = Duration::from_millis(200);

/// Checks of the services between two checks of the logs.
const LOGS_EVERY: u32 = 25;

/// The services that one process keeps running.
pub struct Supervisor {
    dir: StackDir,
    services: Vec<Supervised>,
}

impl Supervisor {
    /// None yet, over `dir`.
    #[must_use]
    pub fn new(dir: StackDir) -> Self {
        Self { dir, services: Vec::new() }
    }

    /// Starts a service and waits until it is ready; returns its URL. `environment` is
    /// for programs.
    ///
    /// # Errors
    /// [`StackError`]; the service does not run then.
    #[boxed]
    pub async fn start(
        &mut self,
        service: Service,
        environment: &[(&'static str, String)],
    ) -> Result<String, StackError> {
        let started = Supervised::start(service, &self.dir, environment.to_vec()).await?;
        let url = started.url().unwrap_or_default();
        self.services.push(started);
        Ok(url)
    }

    /// Restarts what dies and rotates logs, until `shutdown`.
    #[boxed]
    pub async fn run(&mut self, shutdown: &CancellationToken) {
        let mut check = interval(CHECK_EVERY);
        check.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for time in 0_u32.. {
            tokio::select! {
                () = shutdown.cancelled() => return,
                _ = check.tick() => {}
            }
            for service in &mut self.services {
                service.check().await;
            }
            if time.is_multiple_of(LOGS_EVERY) {
                self.rotate_logs();
            }
        }
    }

    fn rotate_logs(&self) {
        let services = self.services.iter().map(|service| service.service().name());
        for name in services.chain([SUPERVISOR]) {
            if let Err(error) = rotate(&self.dir.log(name), LOG_BYTES_MAX) {
                tracing::warn!(log = %self.dir.log(name).display(), %error, "can't rotate the log");
            }
        }
    }
}
