//! What a workflow consists of: a name, a version, steps in order.

use std::num::NonZeroUsize;

use crate::retry::RetryPolicy;

/// The most steps a workflow may have. A run's row holds the output of every step
/// and is read with each claim, and every worker registers a service per step.
pub const STEPS_MAX: usize = 256;

/// How often a step runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spread {
    /// Once.
    Once,
    /// Once for each item that the step before it named.
    PerItem,
}

/// One named step.
#[derive(Clone, Debug, PartialEq)]
pub struct StepDefinition {
    /// Stable: it is stored in dead letters and appears in API answers.
    pub name: &'static str,
    /// Once, or once per item.
    pub spread: Spread,
    /// When it is retried.
    pub policy: RetryPolicy,
}

/// The names, order and policies of a workflow's steps. Its `version` changes
/// whenever a run that began with the old steps could not continue with the new
/// ones.
#[derive(Clone, Debug, PartialEq)]
pub struct Definition {
    name: &'static str,
    version: u32,
    steps: Vec<StepDefinition>,
    dedicated_concurrency: Option<NonZeroUsize>,
}

/// Why workflows are refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum DefinitionError {
    /// No step, or too many.
    #[error("workflow `{workflow}` has {count} steps; 1 to {STEPS_MAX} are allowed")]
    StepCount {
        /// Name of the workflow.
        workflow: &'static str,
        /// Number of its steps.
        count: usize,
    },
    /// Two steps share a name.
    #[error("workflow `{workflow}` has two steps called `{step}`")]
    DuplicateStep {
        /// Name of the workflow.
        workflow: &'static str,
        /// The name they share.
        step: &'static str,
    },
    /// No step before the step can name its items.
    #[error("step `{step}` of workflow `{workflow}` runs per item, but the step before it can't name items")]
    NothingToSpread {
        /// Name of the workflow.
        workflow: &'static str,
        /// Name of the step.
        step: &'static str,
    },
    /// Some steps have code and others have none.
    #[error("step `{step}` of workflow `{workflow}` has no code, but other steps have; give all or none")]
    CodeMissing {
        /// Name of the workflow.
        workflow: &'static str,
        /// Name of the step.
        step: &'static str,
    },
    /// Two workflows share a name.
    #[error("two workflows are called `{0}`")]
    DuplicateWorkflow(&'static str),
}

impl Definition {
    /// A workflow without steps.
    pub(crate) fn new(name: &'static str, version: u32) -> Self {
        Self { name, version, steps: Vec::new(), dedicated_concurrency: None }
    }

    pub(crate) fn push(&mut self, step: StepDefinition) {
        self.steps.push(step);
    }

    pub(crate) fn set_dedicated_concurrency(&mut self, slots: NonZeroUsize) {
        self.dedicated_concurrency = Some(slots);
    }

    /// Checks the number of steps, their names and how they spread.
    pub(crate) fn check(&self) -> Result<(), DefinitionError> {
        let (workflow, steps) = (self.name, &self.steps);
        if steps.is_empty() || steps.len() > STEPS_MAX {
            return Err(DefinitionError::StepCount { workflow, count: steps.len() });
        }
        for (at, step) in steps.iter().enumerate() {
            if steps[..at].iter().any(|earlier| earlier.name == step.name) {
                return Err(DefinitionError::DuplicateStep { workflow, step: step.name });
            }
            let before = at.checked_sub(1).map(|before| steps[before].spread);
            if step.spread == Spread::PerItem && before != Some(Spread::Once) {
                return Err(DefinitionError::NothingToSpread { workflow, step: step.name });
            }
        }
        Ok(())
    }

    /// How many attempts at its steps each worker makes at a time, in slots that no
    /// other workflow uses; `None` when it shares the worker's slots.
    #[must_use]
    pub fn dedicated_concurrency(&self) -> Option<NonZeroUsize> {
        self.dedicated_concurrency
    }

    /// Stable name; also the name of its queue.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Version that new runs get.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.version
    }

    /// The steps in order.
    #[must_use]
    pub fn steps(&self) -> &[StepDefinition] {
        &self.steps
    }

    /// The step at `position`, if there is one.
    #[must_use]
    pub fn step(&self, position: u16) -> Option<&StepDefinition> {
        self.steps.get(usize::from(position))
    }

    /// Position of the step called `name`, from 0, if there is one.
    #[must_use]
    pub fn position(&self, name: &str) -> Option<u16> {
        (0..).zip(&self.steps).find(|(_, step)| step.name == name).map(|(position, _)| position)
    }

    /// Name of the step at `position`; empty when there is none.
    #[must_use]
    pub fn step_name(&self, position: u16) -> &'static str {
        self.step(position).map_or("", |step| step.name)
    }
}
