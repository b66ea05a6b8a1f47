//! `untxt campaign`: the whole service, clients that use it, and whatever can
//! go wrong going wrong; then everything that was promised is checked.
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

use std::process::ExitCode;

pub(crate) use plan::CampaignArguments;

use crate::failure::Failure;
use crate::{output, start};
use faults::Group;
use plan::{Plan, Scenario};

pub(crate) async fn run(arguments: &CampaignArguments) -> Result<ExitCode, Failure> {
    let plan = Plan::of(arguments)?;
    if plan.faults.contains(&Group::Disk) && !arguments.own_mounts {
        let never = disks::into_own_namespace(plan::OWN_MOUNTS).map_err(Failure::work)?;
        match never {}
    }
    let interrupted = start::until_signalled()?;
    let mut home = tempfile::Builder::new().prefix("untxt-campaign-").tempdir().map_err(Failure::work)?;
    home.disable_cleanup(plan.keep);
    output::problem(&format!("seed {}", plan.seed));
    let played = async {
        match arguments.scenario {
            Scenario::Storm => storm::run(&plan, home.path()).await,
            Scenario::KillOne => kill_one::run(&plan, home.path()).await,
        }
    };
    tokio::select! {
        played = played => played,
        () = interrupted.cancelled() => Err(Failure::work("interrupted")),
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
