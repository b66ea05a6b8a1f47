//! The outcome of a call. In order of precedence: what the host observed, a trap,
//! the guest's answer.

use std::time::Duration;

use wasmtime::{PoolConcurrencyLimitError, Trap};

use crate::answer;
use crate::call_record::{CallRecord, Stop};
use crate::contract::untxt::ocr::types;
use crate::engine::LoadedEngine;
use crate::error::{Class, ModelFault, PluginError, refusal_code};
use crate::guest::layout_engine::Layout;
use crate::page::{Page, PageText};

/// Characters of an engine's error message.
const MESSAGE_CHARS_MAX: usize = 1_000;

/// What a guest returned; `None` when it was abandoned.
pub(crate) type GuestResult = Option<wasmtime::Result<Result<Layout, types::Error>>>;

/// The page's text, or the error of the call.
///
/// # Errors
/// Each [`PluginError`] that a call can end in.
pub(crate) fn classify(
    engine: &LoadedEngine,
    record: &mut CallRecord,
    answered: GuestResult,
    page: &Page,
) -> Result<PageText, PluginError> {
    let (name, limits) = (engine.name.clone(), engine.limits);
    if record.stop == Some(Stop::Cancelled) {
        return Err(PluginError::Cancelled { name });
    }
    let logs = |record: &mut CallRecord| record.log.take_lines();
    let succeeded = matches!(answered, Some(Ok(Ok(_))));
    if !succeeded && let Some(failure) = record.host_failure.take() {
        let (code, message) = (refusal_code(&failure.code), cut(&failure.message));
        return Err(PluginError::Refused {
            name,
            code,
            message,
            class: Class::Permanent,
            logs: logs(record),
        });
    }
    if !succeeded && let Some(what) = record.egress_denied.take() {
        return Err(PluginError::CapabilityDenied { name, what, logs: logs(record) });
    }
    if !succeeded && let Some(reason) = record.models_unavailable.take() {
        return Err(PluginError::Sandbox(reason));
    }
    // A guest that waits for a model has neither trapped nor spent the time itself.
    let late = record.stop == Some(Stop::Deadline);
    if !succeeded && let Some(model) = record.model.take() {
        let timeout = late.then_some(ModelFault::Timeout { after: limits.wall });
        if let Some(fault) = record.model_fault.take().or(timeout) {
            return Err(PluginError::Model { name, model, fault, logs: logs(record) });
        }
    }
    if !succeeded && let Some(wanted_bytes) = record.denied_bytes {
        let (memory_bytes_max, logs) = (limits.memory_bytes_max, logs(record));
        return Err(PluginError::MemoryLimit { name, wanted_bytes, memory_bytes_max, logs });
    }
    if late {
        return Err(PluginError::Timeout { name, after: limits.wall, logs: logs(record) });
    }
    match answered {
        None => Err(PluginError::Timeout { name, after: limits.wall, logs: logs(record) }),
        Some(Err(error)) if error.is::<PoolConcurrencyLimitError>() => Err(PluginError::Busy { name }),
        Some(Err(error)) => {
            let reason = trap_text(&error, record.log.panic());
            Err(PluginError::Trapped { name, reason, logs: logs(record) })
        }
        Some(Ok(Ok(answer))) => answer::validate(answer, page, &limits)
            .map_err(|reason| PluginError::InvalidOutput { name, reason, logs: logs(record) }),
        Some(Ok(Err(refusal))) => Err(refused(name, refusal, logs(record))),
    }
}

/// The trap and where in the guest it happened, with the panic message if there is
/// one.
pub(crate) fn trap_text(error: &wasmtime::Error, panic: Option<&str>) -> String {
    let trap = error.downcast_ref::<Trap>().map_or_else(|| format!("{error:#}"), ToString::to_string);
    panic.map_or_else(|| trap.clone(), |panic| format!("{trap}; {panic}"))
}

/// The engine's error, with its code and message bounded.
pub(crate) fn refused(name: String, refusal: types::Error, logs: Vec<String>) -> PluginError {
    let (failure, class) = match refusal {
        types::Error::Retryable(types::Retry { failure, after_ms: None }) if is_transport(&failure) => {
            (failure, Class::Transport)
        }
        types::Error::Retryable(types::Retry { failure, after_ms }) => {
            (failure, Class::Retry { after: after_ms.map(Duration::from_millis) })
        }
        types::Error::Permanent(failure) => (failure, Class::Permanent),
        types::Error::Cancelled => {
            let reason = "it answers that it was cancelled, but it was not".to_owned();
            return PluginError::InvalidOutput { name, reason, logs };
        }
    };
    let message = cut(&failure.message);
    PluginError::Refused { name, code: refusal_code(&failure.code), message, class, logs }
}

fn is_transport(failure: &types::Failure) -> bool {
    failure.attributes.iter().any(|(name, value)| name == "cause" && value == "transport")
}

fn cut(message: &str) -> String {
    message.chars().filter(|c| !c.is_control()).take(MESSAGE_CHARS_MAX).collect()
}
