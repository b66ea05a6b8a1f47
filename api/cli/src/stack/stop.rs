//! `untxt stack stop`: everything ends in reverse order, and drains.

use std::process::ExitCode;
use std::time::Duration;

use rustix::process::Signal;

use super::place::{Place, SUPERVISOR};
use super::service::Service;
use crate::failure::Failure;
use crate::{output, start};

/// How long the supervisor has for all of it: its services' patience together,
/// and some seconds for one that is just being started.
const PATIENCE: Duration = Duration::from_secs(240);

/// How long a killed process may take to be gone.
const KILLED_WITHIN: Duration = Duration::from_secs(10);

pub(super) async fn run() -> Result<ExitCode, Failure> {
    let config = start::config("warn")?;
    let place = Place::open(&config)?;
    let supervisor = place.card(SUPERVISOR);
    let mut ran = false;
    if let Some(card) = supervisor.filter(|card| card.identity.is_alive()) {
        ran = true;
        card.identity.signal(Signal::TERM);
        if !card.identity.is_gone_within(PATIENCE).await {
            // A second one ends it at once; its services are ended below.
            card.identity.signal(Signal::KILL);
            card.identity.is_gone_within(KILLED_WITHIN).await;
        }
    }
    // What a supervisor that was killed has left running.
    ran |= end_all(&place, |service| output::line(&format!("stopped {service}, which had no supervisor")))
        .await?;
    place.forget_servers();
    place.remove_card(SUPERVISOR);
    output::line(if ran { "the stack is stopped" } else { "the stack does not run" });
    Ok(ExitCode::SUCCESS)
}

/// Ends every service there is a pid file of, in reverse order; whether any ran.
///
/// # Errors
/// When one can't be ended; its pid file stays.
pub(super) async fn end_all(place: &Place, mut ended: impl FnMut(&'static str)) -> Result<bool, Failure> {
    let mut any = false;
    for service in Service::ALL.into_iter().rev() {
        let name = service.name();
        let Some(card) = place.card(name) else { continue };
        if card.identity.is_alive() {
            any = true;
            card.identity.signal(service.farewell());
            if !card.identity.is_gone_within(service.patience()).await {
                tracing::warn!(service = name, "did not stop in time; killing it");
                card.identity.signal(Signal::KILL);
                if !card.identity.is_gone_within(KILLED_WITHIN).await {
                    return Err(Failure::work(format!(
                        "can't end the {name}, process {}",
                        card.identity.pid
                    )));
                }
            }
            ended(name);
        }
        place.remove_card(name);
    }
    Ok(any)
}
