//! Workflows: steps with their names, policies and code, written down once.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;

use crate::definition::{Definition, DefinitionError, Spread, StepDefinition};
use crate::projection::Projection;
use crate::retry::RetryPolicy;
use crate::step::Step;

/// A workflow: a name, a version and steps in order, each with its policy and its
/// code. Cheap to clone.
///
/// A process that only reads or submits runs needs no code: it gives `None` as the
/// code of every step. Workers run the workflows that have code.
#[derive(Clone)]
pub struct Workflow {
    definition: Arc<Definition>,
    code: Vec<Option<Arc<dyn Step>>>,
    projection: Arc<dyn Projection>,
}

/// What a step's code can be given as: the code, or `None` in a process that does
/// not run it.
pub trait StepCode {
    /// The code, if there is any.
    fn into_code(self) -> Option<Arc<dyn Step>>;
}

impl<S: Step> StepCode for S {
    fn into_code(self) -> Option<Arc<dyn Step>> {
        Some(Arc::new(self))
    }
}

impl<S: Step> StepCode for Option<S> {
    fn into_code(self) -> Option<Arc<dyn Step>> {
        self.map(|step| Arc::new(step) as Arc<dyn Step>)
    }
}

impl Workflow {
    /// A workflow without steps yet, and without tables of its own.
    #[must_use]
    pub fn new(name: &'static str, version: u32) -> Self {
        Self {
            definition: Arc::new(Definition::new(name, version)),
            code: Vec::new(),
            projection: Arc::new(()),
        }
    }

    /// Adds a step that runs once.
    #[must_use]
    pub fn step(self, name: &'static str, policy: RetryPolicy, code: impl StepCode) -> Self {
        self.with(StepDefinition { name, spread: Spread::Once, policy }, code.into_code())
    }

    /// Adds a step that runs once for each item that the step before it names.
    #[must_use]
    pub fn step_per_item(self, name: &'static str, policy: RetryPolicy, code: impl StepCode) -> Self {
        self.with(StepDefinition { name, spread: Spread::PerItem, policy }, code.into_code())
    }

    fn with(mut self, step: StepDefinition, code: Option<Arc<dyn Step>>) -> Self {
        Arc::make_mut(&mut self.definition).push(step);
        self.code.push(code);
        self
    }

    /// Keeps the product's tables in step with its runs by `projection`.
    #[must_use]
    pub fn projection(mut self, projection: impl Projection) -> Self {
        self.projection = Arc::new(projection);
        self
    }

    /// Gives it `slots` slots of its own in each worker, instead of a share of the
    /// worker's slots: for work that takes long and costs little.
    #[must_use]
    pub fn dedicated_concurrency(mut self, slots: NonZeroUsize) -> Self {
        Arc::make_mut(&mut self.definition).set_dedicated_concurrency(slots);
        self
    }

    /// Its name, version, steps and policies.
    #[must_use]
    pub fn definition(&self) -> &Arc<Definition> {
        &self.definition
    }

    /// The code of the step at `position`, if there is any.
    pub(crate) fn code(&self, position: u16) -> Option<&Arc<dyn Step>> {
        self.code.get(usize::from(position))?.as_ref()
    }

    /// Whether this process can run it.
    pub(crate) fn has_code(&self) -> bool {
        self.code.first().is_some_and(Option::is_some)
    }

    fn check(&self) -> Result<(), DefinitionError> {
        self.definition.check()?;
        let missing = self.definition.steps().iter().zip(&self.code).find(|(_, code)| code.is_none());
        match missing {
            Some((step, _)) if self.code.iter().any(Option::is_some) => {
                Err(DefinitionError::CodeMissing { workflow: self.definition.name(), step: step.name })
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Workflow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Workflow").field("definition", &self.definition).finish_non_exhaustive()
    }
}

/// The workflows of a program. A journal is opened with them, and the engine takes
/// them from the journal. Cheap to clone.
#[derive(Clone, Default)]
pub struct Workflows(Arc<BTreeMap<&'static str, Workflow>>);

impl Workflows {
    /// These workflows.
    ///
    /// # Errors
    /// When a workflow has no steps or more than
    /// [`STEPS_MAX`](crate::definition::STEPS_MAX), when two of its steps share a
    /// name, when one runs per item but comes first or after another that does,
    /// when some of its steps have code and others have none, and when two
    /// workflows share a name.
    pub fn new(workflows: impl IntoIterator<Item = Workflow>) -> Result<Self, DefinitionError> {
        let mut by_name = BTreeMap::new();
        for workflow in workflows {
            workflow.check()?;
            let name = workflow.definition.name();
            if by_name.insert(name, workflow).is_some() {
                return Err(DefinitionError::DuplicateWorkflow(name));
            }
        }
        Ok(Self(Arc::new(by_name)))
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Workflow> {
        self.0.values()
    }

    /// The workflow called `name`, if there is one.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Workflow> {
        self.0.get(name)
    }

    /// The definition of the workflow called `name`, if there is one.
    #[must_use]
    pub fn definition(&self, name: &str) -> Option<&Definition> {
        self.get(name).map(|workflow| &*workflow.definition)
    }

    pub(crate) fn projection(&self, name: &str) -> Option<&dyn Projection> {
        self.get(name).map(|workflow| &*workflow.projection)
    }
}

impl fmt::Debug for Workflows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition::STEPS_MAX;
    use crate::step::{StepContext, StepOutput};

    /// The code of a step that is never run.
    const NO_CODE: Option<Arc<dyn Step>> = None;

    fn refused(workflow: Workflow) -> DefinitionError {
        Workflows::new([workflow]).unwrap_err()
    }

    #[test]
    fn impossible_workflows_are_refused() {
        let (policy, workflow) = (RetryPolicy::default(), "w");
        let none = refused(Workflow::new(workflow, 1));
        assert_eq!(none.to_string(), "workflow `w` has 0 steps; 1 to 256 are allowed");
        let twice = Workflow::new(workflow, 1).step("a", policy, NO_CODE).step("a", policy, NO_CODE);
        assert_eq!(refused(twice), DefinitionError::DuplicateStep { workflow, step: "a" });
        let first = Workflow::new(workflow, 1).step_per_item("a", policy, NO_CODE);
        assert_eq!(refused(first), DefinitionError::NothingToSpread { workflow, step: "a" });
        let code = |_: StepContext| async { Ok(StepOutput::default()) };
        let partly = Workflow::new(workflow, 1).step("a", policy, code).step("b", policy, NO_CODE);
        assert_eq!(refused(partly), DefinitionError::CodeMissing { workflow, step: "b" });
        let one = Workflow::new(workflow, 1).step("a", policy, NO_CODE);
        let both = Workflows::new([one.clone(), one]);
        assert_eq!(both.unwrap_err(), DefinitionError::DuplicateWorkflow(workflow));
    }

    #[test]
    fn a_workflow_may_have_as_many_steps_as_the_bound_and_no_more() {
        let names: Vec<&'static str> = (0..=STEPS_MAX).map(|at| &*format!("step {at}").leak()).collect();
        let with = |count: usize| {
            let steps = names[..count].iter();
            steps.fold(Workflow::new("w", 1), |w, name| w.step(name, RetryPolicy::default(), NO_CODE))
        };
        assert!(Workflows::new([with(STEPS_MAX)]).is_ok());
        let count = STEPS_MAX + 1;
        assert_eq!(refused(with(count)), DefinitionError::StepCount { workflow: "w", count });
    }
}
