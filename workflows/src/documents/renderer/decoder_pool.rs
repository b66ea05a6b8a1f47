//! A pool of decoding processes: how many there may be, which wait for more work, and
//! when one is replaced. Starting a child costs several times what looking at a
//! small picture does, and reading a large document more than most of its pages.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::config::RendererConfig;
use super::document::Document;
use super::fair_pool::{FairPool, PoolGuard};
use super::process::{Decoder, Question};
use super::protocol::Answer;
use crate::documents::error::DocumentError;

/// Answers of a child before it ends, so that what each leaves behind in it does
/// not add up. A file of 100 MiB with 5,000 pages is read 50 times.
const ANSWERS_MAX: u32 = 100;

/// Children that do one kind of work.
#[derive(Debug)]
pub(super) struct DecoderPool {
    pool: FairPool<Option<Idle>>,
}

/// A child that waits.
#[derive(Debug)]
struct Idle {
    decoder: Decoder,
    /// The only document it may be asked about; `None`: any.
    bound_to: Option<Document>,
    answers: u32,
    since: Instant,
}

/// Who asks.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    /// Whose turn it takes.
    pub(super) tenant: Arc<str>,
    /// How long it waits for a child; `None`: as long as it takes.
    pub(super) patience: Option<Duration>,
}

impl DecoderPool {
    /// A pool of at most so many children, working or waiting.
    pub(super) fn new(children_max: usize) -> Self {
        Self { pool: FairPool::new((0..children_max).map(|_| None)) }
    }

    /// A child's answer, with the pixels that follow it. What it took is added to
    /// `cost`. Dropping the future ends the child.
    ///
    /// A child that waits is asked first, if it may be asked about this document;
    /// `bound_to` one, it is asked about no other. Only what answers the question
    /// is taken from it: whatever else it says, it is ended, and a new one is
    /// asked. Nobody suffers for what came before.
    pub(super) async fn ask(
        &self,
        config: &RendererConfig,
        caller: &Caller,
        bound_to: Option<Document>,
        question: &mut Question<'_>,
        cost: &mut Duration,
    ) -> Result<(Answer, Vec<u8>), DocumentError> {
        let suits = |seat: &Option<Idle>| match seat {
            Some(idle) if idle.bound_to == bound_to => 2,
            None => 1,
            Some(_) => 0,
        };
        let mut place = self.pool.take(&caller.tenant, caller.patience, suits).await?;
        if let Some(idle) = place.resource().and_then(Option::take) {
            if idle.bound_to == bound_to {
                match idle.decoder.ask(question, cost).await {
                    Ok((answer, pixels, decoder)) if question.is_answered_by(&answer) => {
                        keep(&mut place, decoder, bound_to, idle.answers + 1).await;
                        return Ok((answer, pixels));
                    }
                    Ok((_, _, decoder)) => decoder.end().await,
                    Err(late @ DocumentError::Timeout { .. }) => return Err(late),
                    Err(error) => tracing::debug!(%error, "a new child is asked"),
                }
            } else {
                idle.decoder.end().await;
            }
        }
        let (answer, pixels, decoder) = Decoder::start(config)?.ask(question, cost).await?;
        if question.is_answered_by(&answer) && question.may_repeat {
            keep(&mut place, decoder, bound_to, 1).await;
        } else {
            decoder.end().await;
        }
        Ok((answer, pixels))
    }

    /// Ends the children that have waited for `at_least` and of which `condition`
    /// holds for the document they are bound to.
    pub(super) fn end_idle(&self, at_least: Duration, condition: impl Fn(&Document) -> bool) {
        self.pool.for_each_free(|seat| {
            let is_over = |idle: &mut Idle| {
                idle.bound_to.as_ref().is_some_and(&condition) && idle.since.elapsed() >= at_least
            };
            // Dropped, it is killed.
            drop(seat.take_if(is_over));
        });
    }
}

async fn keep(
    place: &mut PoolGuard<Option<Idle>>,
    decoder: Decoder,
    bound_to: Option<Document>,
    answers: u32,
) {
    match place.resource() {
        Some(seat) if answers < ANSWERS_MAX => {
            *seat = Some(Idle { decoder, bound_to, answers, since: Instant::now() });
        }
        _ => decoder.end().await,
    }
}
