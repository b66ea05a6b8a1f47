//! What operators see of queues and set about them: the same by HTTP and on the
//! command line.

use std::num::NonZeroU32;

use serde_json::{Value, json};
use untxt_engine::controls::TenantPatch;
use untxt_engine::engine::Engine;
use untxt_engine::journal::JournalError;

/// Bytes of a tenant's name, as of a run's.
const TENANT_BYTES_MAX: usize = 64;

/// What stands still or goes on.
#[derive(Clone, Copy, Debug)]
pub enum Target<'a> {
    /// Every queue.
    All,
    /// One.
    Queue(&'a str),
    /// One tenant's work, in every queue.
    Tenant(&'a str),
}

/// What is to be changed of a tenant's share; what is `None` stays.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    /// Its share against others.
    pub weight: Option<NonZeroU32>,
    /// Most at once; `Some(None)` lifts the limit.
    pub concurrency: Option<Option<NonZeroU32>>,
    /// Most starts a minute; `Some(None)` lifts the limit.
    pub rate_per_minute: Option<Option<NonZeroU32>>,
}

/// How much there is to do in each queue, as the journal knows it, and what is
/// set about it.
///
/// # Errors
/// Those of [`Engine::backlog`] and [`Engine::controls`].
pub async fn view(engine: &Engine) -> Result<Value, JournalError> {
    let controls = engine.controls().await?;
    let mut queues = Vec::new();
    for name in engine.workflows() {
        let backlog = engine.backlog(name).await?;
        queues.push(json!({
            "name": name,
            "ready": backlog.ready,
            "scheduled": backlog.scheduled,
            "held": backlog.held,
            "paused": controls.paused_workflows.contains(name),
        }));
    }
    let tenants = controls.tenants.iter().map(|(name, set)| {
        json!({
            "tenant": name,
            "weight": set.weight,
            "concurrency": set.concurrency,
            "ratePerMinute": set.starts_per_minute,
            "paused": set.paused,
        })
    });
    Ok(json!({ "queues": queues, "tenants": tenants.collect::<Vec<_>>() }))
}

/// Has it stand still, or go on; what is in flight is finished. The audit says
/// that `by` did it, as it does of [`limit`].
///
/// # Errors
/// [`JournalError::UnknownDefinition`] for a queue that isn't there,
/// [`JournalError::Conflict`] for what can't be a tenant's name,
/// [`JournalError::Unavailable`].
pub async fn pause(engine: &Engine, target: Target<'_>, paused: bool, by: &str) -> Result<(), JournalError> {
    match target {
        Target::All => {
            for name in engine.workflows() {
                engine.pause_workflow(name, paused, by).await?;
            }
        }
        Target::Queue(name) => drop(engine.pause_workflow(name, paused, by).await?),
        Target::Tenant(tenant) => {
            check(tenant)?;
            let patch = TenantPatch { paused: Some(paused), ..TenantPatch::default() };
            engine.adjust_tenant(tenant, patch, by).await?;
        }
    }
    Ok(())
}

/// Changes what a tenant gets.
///
/// # Errors
/// [`JournalError::Conflict`] for what can't be a tenant's name,
/// [`JournalError::Unavailable`].
pub async fn limit(engine: &Engine, tenant: &str, limits: Limits, by: &str) -> Result<(), JournalError> {
    check(tenant)?;
    let Limits { weight, concurrency, rate_per_minute: starts_per_minute } = limits;
    let patch = TenantPatch { weight, concurrency, starts_per_minute, paused: None };
    engine.adjust_tenant(tenant, patch, by).await?;
    Ok(())
}

/// Refuses what can't be a tenant's name. SQLite takes one of any length, so it
/// is looked at here.
fn check(tenant: &str) -> Result<(), JournalError> {
    if tenant.is_empty() || tenant.len() > TENANT_BYTES_MAX {
        return Err(JournalError::Conflict(format!("a tenant's name has 1 to {TENANT_BYTES_MAX} bytes")));
    }
    Ok(())
}
