//! What operators do about one task that failed, or one dead letter.

use untxt_engine::id::RunId;
use untxt_engine::journal::dead_letters::DeadLetter;
use untxt_engine::state::RunState;
use uuid::Uuid;

use crate::boxed;
use crate::operations::Operations;
use crate::redrive::{self, Actor, RedriveError, RedriveOptions};
use crate::task_input::EnginePin;

impl Operations {
    /// Has a task go on that failed, ended partially or waits for an operator.
    ///
    /// # Errors
    /// Each [`RedriveError`].
    #[boxed]
    pub async fn redrive_task(
        &self,
        task: Uuid,
        options: &RedriveOptions,
        actor: &Actor,
    ) -> Result<RunState, RedriveError> {
        let pin = self.pin_for(options).await?;
        redrive::redrive(self.engine(), RunId(task), None, options, pin.as_ref(), actor, None).await
    }

    /// Has the run of a letter that still waits go on.
    ///
    /// # Errors
    /// Each [`RedriveError`].
    #[boxed]
    pub async fn redrive_letter(
        &self,
        id: Uuid,
        options: &RedriveOptions,
        actor: &Actor,
    ) -> Result<RunState, RedriveError> {
        let (letter, pin) = (self.letter(id).await?, self.pin_for(options).await?);
        let slot = Some((letter.step, letter.item));
        redrive::redrive(self.engine(), letter.run, slot, options, pin.as_ref(), actor, None).await
    }

    /// Gives a letter up that still waits, and a run that waits because of it.
    ///
    /// # Errors
    /// [`RedriveError::NoLetter`], [`RedriveError::Refused`],
    /// [`RedriveError::Journal`].
    #[boxed]
    pub async fn discard_letter(&self, id: Uuid, actor: &Actor) -> Result<RunState, RedriveError> {
        let letter = self.letter(id).await?;
        redrive::discard(self.engine(), &letter, actor, None).await
    }

    async fn letter(&self, id: Uuid) -> Result<DeadLetter, RedriveError> {
        let letter = self.engine().dead_letter(id).await.map_err(RedriveError::Journal)?;
        letter.ok_or(RedriveError::NoLetter(id))
    }

    /// The component that has the wanted engine's name now.
    pub(crate) async fn pin_for(&self, options: &RedriveOptions) -> Result<Option<EnginePin>, RedriveError> {
        let Some(name) = &options.engine else { return Ok(None) };
        let engine = self.engines().await?.resolve(name).await?;
        Ok(Some(EnginePin { name: engine.name().to_owned(), digest: engine.digest().to_owned() }))
    }
}
