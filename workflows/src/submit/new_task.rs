//! What a user asks for.

use untxt_engine::event::OnItemFailure;
use uuid::Uuid;

use crate::documents::formats::Format;
use crate::task_input::TaskOptions;

/// The fields of a request for a task.
#[derive(Clone, Debug)]
pub struct NewTask {
    /// Who.
    pub user: Uuid,
    /// The client's name for the file; for a document that is fetched, the last part of
    /// its URL's path when empty.
    pub filename: String,
    /// 1 to 10, 10 most urgent.
    pub priority: u8,
    /// Name of the engine; the platform's default when absent.
    pub engine: Option<String>,
    /// Formats of the result; the first is the one a client gets unasked.
    pub formats: Vec<Format>,
    /// Range of pages such as `1-3,5`; all when absent.
    pub pages: Option<String>,
    /// What a page's death means.
    pub on_page_failure: OnItemFailure,
    /// How pages are read.
    pub options: TaskOptions,
    /// Makes a repeated request the same task.
    pub idempotency_key: Option<String>,
}
