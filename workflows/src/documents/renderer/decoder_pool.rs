//! A pool of decoding processes: how many there may be, which wait for more work, and
//! when one is replaced. Starting a child costs more than most small documents do, and
//! reading a large document more than most of its pages.

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

/// Whose documents a child may be asked about, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Serves {
    /// Anybody's: what it answers tells next to nothing of a document.
    Everybody,
    /// Those of one tenant.
    OneTenant,
}

/// Children that do one kind of work.
#[derive(Debug)]
pub(super) struct DecoderPool {
    pool: FairPool<Option<Idle>>,
    serves: Serves,
}

/// A child that waits.
#[derive(Debug)]
struct Idle {
    decoder: Decoder,
    /// Whose documents it was asked about.
    tenant: Arc<str>,
    /// The one that it keeps open.
    open: Option<Document>,
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
    pub(super) fn new(children_max: usize, serves: Serves) -> Self {
        Self { pool: FairPool::new((0..children_max).map(|_| None)), serves }
    }

    /// A child's answer, with the pixels that follow it. What it took is added to
    /// `cost`. Dropping the future ends the child.
    ///
    /// A child that waits is asked first, if it may be asked about this document. Only
    /// what answers the question is taken from it: whatever else it says, it is ended,
    /// and a new one is asked. Nobody suffers for what came before.
    pub(super) async fn ask(
        &self,
        config: &RendererConfig,
        caller: &Caller,
        question: &mut Question<'_>,
        cost: &mut Duration,
    ) -> Result<(Answer, Vec<u8>), DocumentError> {
        let document = &question.request.document;
        let suits = |seat: &Option<Idle>| match seat {
            Some(idle) if !self.may_ask(idle, caller) => 0,
            // Its document would have to be read again for its next page.
            Some(Idle { open: Some(open), .. }) => {
                if open == document {
                    4
                } else {
                    1
                }
            }
            Some(_) => 3,
            None => 2,
        };
        let mut place = self.pool.take(&caller.tenant, caller.patience, suits).await?;
        if let Some(idle) = place.resource().and_then(Option::take) {
            if self.may_ask(&idle, caller) && idle.decoder.has_time_for(question) {
                match idle.decoder.ask(question, cost).await {
                    Ok((answer, pixels, decoder)) if question.is_answered_by(&answer) => {
                        keep(&mut place, decoder, (caller, question, &answer), idle.answers + 1).await;
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
        if question.is_answered_by(&answer) {
            keep(&mut place, decoder, (caller, question, &answer), 1).await;
        } else {
            decoder.end().await;
        }
        Ok((answer, pixels))
    }

    fn may_ask(&self, idle: &Idle, caller: &Caller) -> bool {
        self.serves == Serves::Everybody || idle.tenant == caller.tenant
    }

    /// Ends the children that wait with a document open of which `condition` holds.
    pub(super) fn end_open(&self, condition: impl Fn(&Document) -> bool) {
        self.end(|idle| idle.open.as_ref().is_some_and(&condition));
    }

    /// Ends the children that have waited for so long.
    pub(super) fn end_idle(&self, at_least: Duration) {
        self.end(|idle| idle.since.elapsed() >= at_least);
    }

    fn end(&self, condition: impl Fn(&Idle) -> bool) {
        // Dropped, it is killed.
        self.pool.for_each_free(|seat| drop(seat.take_if(|idle| condition(idle))));
    }
}

/// Has the child wait in its place for another question, unless it has answered enough.
async fn keep(
    place: &mut PoolGuard<Option<Idle>>,
    decoder: Decoder,
    (caller, question, answer): (&Caller, &Question<'_>, &Answer),
    answers: u32,
) {
    let open = match answer {
        Answer::Rendered { stays_open: true, .. } => Some(question.request.document.clone()),
        _ => None,
    };
    match place.resource() {
        // One that decoded by libheif can open nothing any more.
        Some(seat) if answers < ANSWERS_MAX && !question.request.kind.needs_libheif() => {
            let tenant = Arc::clone(&caller.tenant);
            *seat = Some(Idle { decoder, tenant, open, answers, since: Instant::now() });
        }
        _ => decoder.end().await,
    }
}
