//! Metrics of HTTP and sockets, and the names of all that is counted
//! anywhere in this program.

use std::time::Duration;

use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use salvo::http::{Method, StatusCode};
use tokio::time::{MissedTickBehavior, interval};

/// Upper bounds of the buckets of durations, in seconds: from a commit to the
/// longest step.
const SECONDS: [f64; 16] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0, 600.0];

/// The same of the journal's batches, in requests.
const REQUESTS: [f64; 7] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0];

/// The same of an engine's memory, in bytes: 1 MiB to 1 GiB.
const BYTES: [f64; 6] =
    [1_048_576.0, 4_194_304.0, 16_777_216.0, 67_108_864.0, 268_435_456.0, 1_073_741_824.0];

/// How often what was timed is put into its buckets when nobody asks: until then
/// each time is kept.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// What a metric is.
enum Kind {
    Counter,
    Gauge,
    Histogram,
}

use Kind::{Counter, Gauge, Histogram};

/// Every metric of this program but the kernel's view of the process. Names only
/// grow: dashboards and alerts know them.
const METRICS: [(Kind, &str, &str); 32] = [
    (Counter, "untxt_http_requests_total", "Requests that were answered, by route, method and status."),
    (
        Histogram,
        "untxt_http_request_duration_seconds",
        "From a request to its answer's head, by route and method.",
    ),
    (Gauge, "untxt_http_requests_in_flight", "Requests that are being answered."),
    (Gauge, "untxt_sockets_open", "Open connections that are told what happens, by kind."),
    (Counter, "untxt_sockets_closed_total", "WebSockets that the server closed, by the code it gave."),
    (Counter, "untxt_upload_bytes_total", "Bytes of uploads that came in."),
    (Counter, "untxt_runs_submitted_total", "Runs that were accepted, by workflow."),
    (Counter, "untxt_runs_ended_total", "Runs that ended, by workflow and status."),
    (Histogram, "untxt_run_duration_seconds", "From a run's submission to its end, by workflow and status."),
    (Counter, "untxt_attempts_total", "Attempts that are over, by workflow, step, outcome and code."),
    (Histogram, "untxt_step_duration_seconds", "What the code of a step took, by workflow and step."),
    (Counter, "untxt_retries_total", "Attempts that were put off after a failure, by workflow and step."),
    (Gauge, "untxt_retries_waiting", "Steps and pages that wait for their next attempt."),
    (Counter, "untxt_dead_letters_total", "Work that died, by workflow, step, reason and code."),
    (Gauge, "untxt_dead_letters_waiting", "Dead letters that wait for a person, by reason."),
    (Counter, "untxt_redrives_total", "Runs that went on after they died, by workflow."),
    (
        Counter,
        "untxt_lease_rescues_total",
        "Attempts taken from workers that are gone, by workflow and step.",
    ),
    (Gauge, "untxt_queue_depth", "Work that is ready, scheduled or held, by queue and state."),
    (Gauge, "untxt_queue_oldest_age_seconds", "How long the oldest ready work has been due, by queue."),
    (Gauge, "untxt_dependency_up", "Whether what this process needs can be reached, by dependency."),
    (Gauge, "untxt_workers", "Workers that are alive or silent."),
    (Counter, "untxt_plugin_calls_total", "Calls of engines, by engine, version and outcome."),
    (Histogram, "untxt_plugin_call_duration_seconds", "What calls of engines took, by engine and version."),
    (Histogram, "untxt_plugin_memory_peak_bytes", "Most memory that a call had, by engine and version."),
    (Histogram, "untxt_plugin_model_duration_seconds", "Time in models of a call, by engine and version."),
    (Counter, "untxt_plugin_model_loads_total", "Models that were loaded, by engine and version."),
    (
        Counter,
        "untxt_plugin_model_processes_ended_total",
        "Processes of models that ended, by engine, version and reason.",
    ),
    (Counter, "untxt_plugin_quarantines_total", "Versions of engines that were taken out of service."),
    (Counter, "untxt_journal_commits_total", "Transactions of the journal, by outcome."),
    (Histogram, "untxt_journal_commit_seconds", "What a transaction of the journal took."),
    (Histogram, "untxt_journal_batch_requests", "Requests that shared a transaction of the journal."),
    (Counter, "untxt_background_failures_total", "Failures of what runs in the background, by part."),
];

/// Has this process collect metrics from here on. To be called once, within a
/// Tokio runtime.
///
/// # Errors
/// When something in this process collects already.
pub fn install() -> Result<PrometheusHandle, BuildError> {
    let handle = PrometheusBuilder::new()
        .set_buckets(&SECONDS)?
        .set_buckets_for_metric(Matcher::Full("untxt_journal_batch_requests".to_owned()), &REQUESTS)?
        .set_buckets_for_metric(Matcher::Full("untxt_plugin_memory_peak_bytes".to_owned()), &BYTES)?
        .install_recorder()?;
    for (kind, name, help) in METRICS {
        match kind {
            Counter => describe_counter!(name, help),
            Gauge => describe_gauge!(name, help),
            Histogram => describe_histogram!(name, help),
        }
    }
    let kept = handle.clone();
    tokio::spawn(async move {
        let mut tick = interval(UPKEEP_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            kept.run_upkeep();
        }
    });
    Ok(handle)
}

/// Something that is open until this is dropped.
pub struct Open(metrics::Gauge);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

fn open(gauge: metrics::Gauge) -> Open {
    gauge.increment(1.0);
    Open(gauge)
}

/// Counts a request as long as it is being answered.
#[must_use]
pub(crate) fn request_in_flight() -> Open {
    open(gauge!("untxt_http_requests_in_flight"))
}

/// Counts a connection of that kind as long as it is open.
#[must_use]
pub(crate) fn socket_open(kind: &'static str) -> Open {
    open(gauge!("untxt_sockets_open", "kind" => kind))
}

/// Counts a socket that is closed, and why.
pub(crate) fn socket_closed(code: u16) {
    counter!("untxt_sockets_closed_total", "code" => code.to_string()).increment(1);
}

/// Counts and times a request that was answered. `matched` is the path that the
/// router knows, with names for ids; empty for the root and for what it doesn't
/// know.
pub(crate) fn request(matched: &str, method: &Method, status: Option<StatusCode>, took: Duration) {
    let status = status.unwrap_or(StatusCode::OK);
    let unknown = matches!(status, StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED);
    let route = if matched.is_empty() && unknown { "none".to_owned() } else { format!("/{matched}") };
    let method = known(method);
    counter!(
        "untxt_http_requests_total",
        "route" => route.clone(), "method" => method, "status" => status.as_u16().to_string(),
    )
    .increment(1);
    histogram!("untxt_http_request_duration_seconds", "route" => route, "method" => method).record(took);
}

/// Counts an answer to what could not be read as a request.
pub(crate) fn unrouted(status: StatusCode) {
    let status = status.as_u16().to_string();
    counter!("untxt_http_requests_total", "route" => "none", "method" => "other", "status" => status)
        .increment(1);
}

/// Clients may make up methods.
fn known(method: &Method) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    KNOWN.into_iter().find(|known| *known == method.as_str()).unwrap_or("other")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guide_names_every_metric_and_no_other() {
        let guide = include_str!("../../guides/operations.md");
        let mut told: Vec<&str> = guide
            .split('`')
            .filter(|word| word.starts_with("untxt_") && word.ends_with(is_name))
            .filter(|word| word.chars().all(is_name))
            .collect();
        let mut named: Vec<&str> = METRICS.iter().map(|(_, name, _)| *name).collect();
        told.sort_unstable();
        named.sort_unstable();
        assert_eq!(told, named);
    }

    fn is_name(letter: char) -> bool {
        letter.is_ascii_lowercase() || letter == '_'
    }
}
