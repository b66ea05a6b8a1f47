//! Children that have looked at a document and wait for the next one. Starting a
//! child costs several times what looking at a small picture does.

use std::sync::{Mutex, PoisonError};

use super::RendererConfig;
use super::process::Decoder;
use super::protocol::{Answer, Request};
use crate::documents::error::DocumentError;

/// Children that wait; more are ended when they have answered.
const WAITING_MAX: usize = 4;

/// Documents that a child looks at before it ends, so that what they leave
/// behind in it does not add up.
const DOCUMENTS_MAX: u32 = 100;

/// The children that wait.
#[derive(Debug, Default)]
pub(super) struct Spares(Mutex<Vec<Spare>>);

#[derive(Debug)]
struct Spare {
    decoder: Decoder,
    /// How many documents it has seen.
    seen: u32,
}

impl Spares {
    /// How many pages a document has. Only that is taken from a child that has
    /// seen others: whatever else it says, it is ended, and a new one is asked.
    /// No document suffers for an earlier one.
    pub(super) async fn probe(
        &self,
        config: &RendererConfig,
        request: &Request,
        what: &str,
    ) -> Result<Answer, DocumentError> {
        if let Some(Spare { decoder, seen }) = self.take() {
            match decoder.ask(request, &config.limits, what).await {
                Ok((answer @ Answer::Probed { .. }, _, decoder)) => {
                    self.keep(decoder, seen + 1).await;
                    return Ok(answer);
                }
                Ok((_, _, decoder)) => decoder.end().await,
                Err(late @ DocumentError::Timeout { .. }) => return Err(late),
                Err(error) => tracing::debug!(%error, "a new child is asked"),
            }
        }
        let (answer, _, decoder) = Decoder::start(config)?.ask(request, &config.limits, what).await?;
        match answer {
            Answer::Probed { .. } => self.keep(decoder, 1).await,
            Answer::Rendered { .. } | Answer::Failed(_) => decoder.end().await,
        }
        Ok(answer)
    }

    fn take(&self) -> Option<Spare> {
        self.waiting().pop()
    }

    async fn keep(&self, decoder: Decoder, seen: u32) {
        let spare = Spare { decoder, seen };
        let surplus = {
            let mut waiting = self.waiting();
            if seen < DOCUMENTS_MAX && waiting.len() < WAITING_MAX {
                waiting.push(spare);
                return;
            }
            spare
        };
        surplus.decoder.end().await;
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Vec<Spare>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
