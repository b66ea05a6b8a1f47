//! What operators do that shares no transaction with the audit: to engines,
//! which are files, and to runs that are not theirs.

use std::fmt::Display;

use serde_json::{Value, json};
use untxt_engine::engine::Engine;
use untxt_engine::journal::JournalError;

/// One thing that is done. The audit comes first: nothing is done that does not
/// stand there, and nothing is done while it can't be written. It is the same
/// whether it is asked for over HTTP or on the command line.
pub struct AuditedAction<'a> {
    /// Whose journal holds the audit.
    pub engine: &'a Engine,
    /// Who does it, as the audit names them.
    pub by: &'a str,
    /// What is done, such as `activate-plugin`.
    pub action: &'a str,
    /// What it is done to, such as `plugin reader`.
    pub subject: &'a str,
}

impl AuditedAction<'_> {
    /// Writes down that it was asked for, with `asked`, does it, and writes down
    /// what `told` says of what came of it (the action with `-done` behind it), or
    /// why it was not done (`-refused`). Should the second line fail, the first
    /// stands there all the same.
    ///
    /// # Errors
    /// The journal's, when it can't be written down; then nothing was done.
    pub async fn audited<T, E: Display>(
        &self,
        asked: Value,
        act: impl Future<Output = Result<T, E>>,
        told: impl FnOnce(&T) -> Value,
    ) -> Result<Result<T, E>, JournalError> {
        self.engine.audit(self.by, self.action, self.subject, asked).await?;
        let done = act.await;
        let (outcome, detail) = match &done {
            Ok(value) => ("done", told(value)),
            Err(error) => ("refused", json!({ "error": error.to_string() })),
        };
        let action = format!("{}-{outcome}", self.action);
        if let Err(error) = self.engine.audit(self.by, &action, self.subject, detail).await {
            tracing::warn!(%error, subject = self.subject, "the outcome could not be recorded in the audit log");
        }
        Ok(done)
    }
}
