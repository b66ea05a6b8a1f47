//! The fault campaign: the whole service, clients that use it, and whatever can
//! go wrong going wrong; then everything that was promised is checked. It starts
//! the `untxt` binary as its users do, and is no part of it.
//!
//! In reading order; each module uses only those above it: [`plan`] (the arguments);
//! the system under test, from [`documents`] to [`children`]; [`faults`]; what is
//! checked, from [`http`] to [`check`]; [`test_bed`] (all processes together) and
//! [`load`] (clients); and the two scenarios, [`chaos`] and [`kill_one`].

mod output;

mod clocks;
mod disks;

mod fault_group;

mod plan;

mod documents;

mod servers;

mod children;

mod faults;

mod findings;
mod history;
mod http;
mod leftovers;
mod progress;
mod timeline;

mod journal;

mod check;

mod test_bed;

mod load;

mod chaos;
mod kill_one;

#[cfg(test)]
#[path = "../../../engine/src/module_order.rs"]
mod module_order;

use std::process::ExitCode;

use anyhow::anyhow;
use clap::Parser as _;
use tokio::signal::unix::{SignalKind, signal};
use untxt_stack::server::ServiceError;

use fault_group::FaultGroup;
use plan::{Arguments, Plan, Scenario};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let plan = match Plan::of(&arguments) {
        Ok(plan) => plan,
        Err(error) => {
            output::problem(&format!("untxt-chaos: {error}"));
            return ExitCode::from(2);
        }
    };
    run(&plan, &arguments).unwrap_or_else(|error| {
        output::problem(&format!("untxt-chaos: {error:#}"));
        let not_installed = matches!(error.downcast_ref(), Some(ServiceError::NotInstalled { .. }));
        ExitCode::from(if not_installed { 3 } else { 1 })
    })
}

#[tokio::main]
async fn run(plan: &Plan, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    if plan.faults.contains(&FaultGroup::Disk) && !arguments.own_mounts {
        let never = disks::into_own_namespace(plan::OWN_MOUNTS)?;
        match never {}
    }
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut home = tempfile::Builder::new().prefix("untxt-chaos-").tempdir()?;
    home.disable_cleanup(plan.keep);
    output::problem(&format!("seed {}", plan.seed));
    let played = async {
        match arguments.scenario {
            Scenario::Chaos => chaos::run(plan, home.path()).await,
            Scenario::KillOne => kill_one::run(plan, home.path()).await,
        }
    };
    tokio::select! {
        played = played => played,
        _ = interrupt.recv() => Err(anyhow!("interrupted")),
        _ = terminate.recv() => Err(anyhow!("terminated")),
    }
}
