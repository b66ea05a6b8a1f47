//! A call's use of models.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::pool::{Owner, Pool, Turn};
use super::process::{Bounds, Failure, Model, Process, Stopped};
use super::protocol::{Names, check_inputs};
use super::tensor::NamedTensor;
use crate::error::ModelFault;

/// What a guest holds for a model.
#[derive(Clone, Debug)]
pub(crate) struct Graph {
    pub(crate) model: Arc<Model>,
    pub(crate) names: Arc<Names>,
}

/// What a call used of models.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ModelUsage {
    /// Models that were loaded; those that were kept from an earlier call are not.
    pub loads: u32,
    /// Computations.
    pub computations: u32,
    /// Wall clock of both, and of waiting for a turn.
    pub wall: Duration,
}

/// The models of a call. Its child waits for another call when this is dropped.
#[derive(Debug)]
pub(crate) struct ModelLease {
    pool: Arc<Pool>,
    owner: Owner,
    deadline: Instant,
    turn: Option<Turn>,
    pub(crate) usage: ModelUsage,
}

impl ModelLease {
    pub(crate) fn new(pool: Arc<Pool>, owner: Owner, deadline: Instant) -> Self {
        Self { pool, owner, deadline, turn: None, usage: ModelUsage::default() }
    }

    /// Loads `model`, unless the child has it.
    pub(crate) async fn load(&mut self, model: Model) -> Result<Graph, Stopped> {
        let (names, _) = self.ask(&model, None).await?;
        Ok(Graph { model: Arc::new(model), names })
    }

    /// The outputs of `graph`.
    pub(crate) async fn compute(
        &mut self,
        graph: &Graph,
        inputs: &[NamedTensor],
    ) -> Result<Vec<NamedTensor>, Stopped> {
        check_inputs(inputs).map_err(Stopped::Refused)?;
        let (_, outputs) = self.ask(&graph.model, Some(inputs)).await?;
        Ok(outputs)
    }

    /// Asks the child. When this is dropped meanwhile, the child is killed. One that
    /// served other calls and fails is replaced once: nobody suffers for what came
    /// before.
    async fn ask(
        &mut self,
        model: &Model,
        inputs: Option<&[NamedTensor]>,
    ) -> Result<(Arc<Names>, Vec<NamedTensor>), Stopped> {
        if self.turn.is_none() {
            self.turn = Some(self.pool.turn(&self.owner).await?);
        }
        let Some(turn) = &mut self.turn else { return Err(Stopped::Unavailable("no turn".to_owned())) };
        loop {
            let left = self.deadline.saturating_duration_since(Instant::now());
            let bounds = Bounds { memory_bytes_max: self.owner.memory_bytes_max, left };
            let mut process = turn.process()?;
            let asked = asked(&mut process, model, inputs, bounds, &mut self.usage).await;
            return match asked {
                Ok(answer) => {
                    turn.process = Some(process);
                    Ok(answer)
                }
                Err(Failure::Refused(refusal)) => {
                    turn.process = Some(process);
                    Err(Stopped::Refused(refusal))
                }
                Err(Failure::Panicked(reason)) if reason.contains("capacity overflow") => {
                    let memory_bytes_max = bounds.memory_bytes_max;
                    Err(Stopped::Fault(ModelFault::Memory { memory_bytes_max }))
                }
                Err(Failure::Panicked(reason)) => Err(Stopped::Fault(ModelFault::Crashed { reason })),
                Err(Failure::Silent) => {
                    let stopped = process.end(bounds).await;
                    if !turn.is_new {
                        tracing::debug!(?stopped, "a new child is asked");
                        continue;
                    }
                    Err(stopped)
                }
            };
        }
    }
}

async fn asked(
    process: &mut Process,
    model: &Model,
    inputs: Option<&[NamedTensor]>,
    bounds: Bounds,
    usage: &mut ModelUsage,
) -> Result<(Arc<Names>, Vec<NamedTensor>), Failure> {
    let (names, is_new) = process.load(model, bounds).await?;
    usage.loads += u32::from(is_new);
    let Some(inputs) = inputs else { return Ok((names, Vec::new())) };
    let outputs = process.compute(model, inputs, bounds).await?;
    usage.computations += 1;
    Ok((names, outputs))
}
