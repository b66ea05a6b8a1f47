//! What a workflow consists of: a name, a version, steps in order.

use std::num::NonZeroUsize;

use crate::retry::RetryPolicy;

/// Steps a definition may have. Each is a link of a typed chain that is put
/// together when the program is compiled, hence the bound.
pub const STEPS_MAX: usize = 8;

/// How a step is spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spread {
    /// It runs once.
    Once,
    /// It runs once for each item that the step before it named.
    PerItem,
}

/// One named step.
#[derive(Clone, Debug, PartialEq)]
pub struct StepDefinition {
    /// Stable: it stands in histories, dead letters and API answers.
    pub name: &'static str,
    /// Once, or once an item.
    pub spread: Spread,
    /// When it is retried.
    pub policy: RetryPolicy,
}

/// A workflow. Its `version` changes whenever a run that was begun under the
/// old steps could not go on under the new ones.
#[derive(Clone, Debug, PartialEq)]
pub struct Definition {
    name: &'static str,
    version: u32,
    steps: Vec<StepDefinition>,
    aside: Option<NonZeroUsize>,
}

/// Why a definition can't be.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum DefinitionError {
    /// No step, or too many.
    #[error("workflow `{name}` has {count} steps; it takes 1 to {STEPS_MAX}")]
    StepCount {
        /// Of the workflow.
        name: &'static str,
        /// How many there are.
        count: usize,
    },
    /// Two steps share a name.
    #[error("workflow `{name}` has two steps called `{step}`")]
    DuplicateStep {
        /// Of the workflow.
        name: &'static str,
        /// The name they share.
        step: &'static str,
    },
    /// Nothing before the step could name its items.
    #[error("workflow `{name}`: step `{step}` runs per item, but the step before it can't name items")]
    NothingToSpread {
        /// Of the workflow.
        name: &'static str,
        /// Of the step.
        step: &'static str,
    },
}

impl Definition {
    /// A workflow of `steps`, in this order.
    ///
    /// # Errors
    /// When there are no steps or more than [`STEPS_MAX`], when two share a
    /// name, or when one runs per item but comes first or after another that
    /// does.
    pub fn new(
        name: &'static str,
        version: u32,
        steps: Vec<StepDefinition>,
    ) -> Result<Self, DefinitionError> {
        if steps.is_empty() || steps.len() > STEPS_MAX {
            return Err(DefinitionError::StepCount { name, count: steps.len() });
        }
        for (at, step) in steps.iter().enumerate() {
            if steps[..at].iter().any(|earlier| earlier.name == step.name) {
                return Err(DefinitionError::DuplicateStep { name, step: step.name });
            }
            let before = at.checked_sub(1).map(|before| steps[before].spread);
            if step.spread == Spread::PerItem && before != Some(Spread::Once) {
                return Err(DefinitionError::NothingToSpread { name, step: step.name });
            }
        }
        Ok(Self { name, version, steps, aside: None })
    }

    /// The same workflow, run beside the others: in each worker `at_once`
    /// attempts at a time, in slots of its own that are none of theirs. For work
    /// that takes long and costs little.
    #[must_use]
    pub fn beside_the_others(self, at_once: NonZeroUsize) -> Self {
        Self { aside: Some(at_once), ..self }
    }

    /// How many attempts a worker makes at a time when it is run beside the
    /// others; `None` when it shares the slots with them.
    #[must_use]
    pub fn beside_the_others_at_once(&self) -> Option<NonZeroUsize> {
        self.aside
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

    /// The steps in order; never empty.
    #[must_use]
    pub fn steps(&self) -> &[StepDefinition] {
        &self.steps
    }

    /// The step at `index`, if there is one.
    #[must_use]
    pub fn step(&self, index: u16) -> Option<&StepDefinition> {
        self.steps.get(usize::from(index))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(name: &'static str, spread: Spread) -> StepDefinition {
        StepDefinition { name, spread, policy: RetryPolicy::default() }
    }

    #[test]
    fn impossible_definitions_are_refused() {
        let count = Definition::new("w", 1, vec![]).unwrap_err();
        assert_eq!(count.to_string(), "workflow `w` has 0 steps; it takes 1 to 8");
        let twice = vec![step("a", Spread::Once), step("a", Spread::Once)];
        assert_eq!(
            Definition::new("w", 1, twice).unwrap_err(),
            DefinitionError::DuplicateStep { name: "w", step: "a" }
        );
        let first = Definition::new("w", 1, vec![step("a", Spread::PerItem)]).unwrap_err();
        assert_eq!(first, DefinitionError::NothingToSpread { name: "w", step: "a" });
    }
}
