//! The fault campaign: the whole service, clients that use it, and whatever can
//! go wrong going wrong; then everything that was promised is checked. It starts
//! the `untxt` binary as its users do, and is no part of it.
//!
//! In reading order: [`plan`]; the stage, [`proxy`], [`clocks`],
//! [`disks`], [`servers`], [`children`];
//! the play, [`documents`], [`http`], [`progress`], [`load`], [`faults`]; the
//! verdict, [`leftovers`], [`history`], [`timeline`], [`journal`], [`check`],
//! [`stage`]; and the two ways to play it, [`storm`] and [`kill_one`].

mod plan;

mod children;
mod clocks;
mod disks;
mod proxy;
mod servers;

mod documents;
mod faults;
mod http;
mod load;
mod progress;

mod check;
mod history;
mod journal;
mod leftovers;
mod stage;
mod timeline;

mod kill_one;
mod storm;

mod output;

use std::process::ExitCode;

use anyhow::anyhow;
use clap::Parser as _;
use tokio::signal::unix::{SignalKind, signal};
use untxt_stack::server::ServiceError;

use faults::Group;
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
    if plan.faults.contains(&Group::Disk) && !arguments.own_mounts {
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
            Scenario::Storm => storm::run(plan, home.path()).await,
            Scenario::KillOne => kill_one::run(plan, home.path()).await,
        }
    };
    tokio::select! {
        played = played => played,
        _ = interrupt.recv() => Err(anyhow!("interrupted")),
        _ = terminate.recv() => Err(anyhow!("terminated")),
    }
}

/// Prints the promises that were not kept; exit code 1 when there are any.
fn verdict(violations: &[check::Violation]) -> ExitCode {
    /// Of one promise.
    const SHOWN_MAX: usize = 10;
    let mut promises: std::collections::BTreeMap<&str, Vec<&str>> = std::collections::BTreeMap::new();
    for violation in violations {
        promises.entry(violation.rule).or_default().push(&violation.found);
    }
    for (rule, found) in &promises {
        output::problem(&format!("NOT KEPT, {} times: {rule}", found.len()));
        for text in found.iter().take(SHOWN_MAX) {
            output::problem(&format!("    {text}"));
        }
    }
    output::problem(if promises.is_empty() {
        "nothing lost, nothing done twice"
    } else {
        "to look closer: the same seed with --keep leaves database, objects and logs behind"
    });
    ExitCode::from(u8::from(!promises.is_empty()))
}
