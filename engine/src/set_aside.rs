//! Sets work aside that the journal can't read, or whose outcome it can't
//! write: as a dead letter it waits for a person, and the rest goes on.

use crate::decide::Command;
use crate::error::StepError;
use crate::id::Slot;
use crate::journal::{CommandRequest, JournalError};
use crate::shared::Shared;

/// Sets `slot` aside because of `why`; an item whose run is no better takes the
/// whole run with it. Done as well when there is nothing to be set aside (any
/// more).
///
/// # Errors
/// [`JournalError::Unavailable`] and [`JournalError::Full`]: the same call may be
/// made again. Any other means that it can't be set aside either; it is left to the next round.
pub(crate) async fn set_aside(shared: &Shared, slot: Slot, why: &JournalError) -> Result<(), JournalError> {
    let whole = Slot { item: None, ..slot };
    match ask(shared, slot, why).await {
        Err(JournalError::Corrupt(_) | JournalError::Conflict(_)) if slot != whole => {
            ask(shared, whole, why).await
        }
        asked => asked,
    }
}

/// Whether trying again what failed with `error` fails for ever.
pub(crate) fn is_hopeless(error: &JournalError) -> bool {
    match error {
        JournalError::Corrupt(_) | JournalError::Conflict(_) => true,
        JournalError::UnknownRun(_)
        | JournalError::UnknownDefinition(_)
        | JournalError::Refused(_)
        | JournalError::Pruned(_)
        | JournalError::Unavailable(_)
        | JournalError::Full(_) => false,
    }
}

async fn ask(shared: &Shared, slot: Slot, why: &JournalError) -> Result<(), JournalError> {
    let code = match why {
        JournalError::Conflict(_) => "ROW_UNWRITABLE",
        _ => "ROW_UNREADABLE",
    };
    let message = format!("{why}; the dead letter contains the row as it was");
    let command = Command::SetAside { slot, error: StepError::permanent(code, message) };
    match shared.apply(CommandRequest { run: slot.run, command, rows: Vec::new() }).await {
        Ok(committed) => {
            tracing::warn!(%slot, %why, "moved an unreadable row to the dead letters");
            shared.push(&committed.run.definition, &committed.deliveries).await;
            Ok(())
        }
        // It has ended, or somebody else did it.
        Err(JournalError::Refused(_) | JournalError::UnknownRun(_)) => Ok(()),
        Err(error) => Err(error),
    }
}
