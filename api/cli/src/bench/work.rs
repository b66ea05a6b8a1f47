//! What the measured workflow does: hash a file, make HTML from the digest,
//! write it, mark it done. Little enough that what is measured is the engine.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use async_trait::async_trait;
use serde_json::json;
use sha2::{Digest, Sha256};
use untxt_engine::error::{Budget, StepError};
use untxt_engine::id::RunId;
use untxt_engine::retry::RetryPolicy;
use untxt_engine::step::{Step, StepContext, StepOutput};
use untxt_engine::workflow::Workflow;

/// Size of the file that is hashed, bytes.
const FILE_BYTES: usize = 64 << 10;

/// How often the digest stands in the HTML, which has 2 KiB then.
const REPEATS: usize = 32;

/// Files that are written to.
const FILES: u128 = 256;

/// When the first step of each run began.
#[derive(Clone, Debug, Default)]
pub(super) struct Begun(Arc<Mutex<HashMap<RunId, Instant>>>);

impl Begun {
    fn note(&self, run: RunId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(run, Instant::now());
    }

    /// When `run`'s did; once.
    pub(super) fn take(&self, run: RunId) -> Option<Instant> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&run)
    }
}

/// The workflow, over a file that is made in `dir`.
pub(super) fn workflow(name: &'static str, dir: &Path, begun: Begun) -> std::io::Result<Workflow> {
    let (file, policy) = (dir.join("input"), RetryPolicy::default());
    std::fs::write(&file, vec![b'x'; FILE_BYTES])?;
    Ok(Workflow::new(name, 1)
        .step("hash", policy, Hash(file, begun))
        .step("render", policy, render)
        .step("write", policy, Write(dir.to_owned()))
        .step("done", policy, |_: StepContext| async { Ok(StepOutput::default()) }))
}

struct Hash(PathBuf, Begun);
struct Write(PathBuf);

fn disk(error: &std::io::Error) -> StepError {
    StepError::retry(Budget::Transport, "DISK", error.to_string())
}

#[async_trait]
impl Step for Hash {
    async fn run(&self, context: StepContext) -> Result<StepOutput, StepError> {
        self.1.note(context.run.id);
        let bytes = std::fs::read(&self.0).map_err(|error| disk(&error))?;
        Ok(StepOutput::new(json!(hex::encode(Sha256::digest(bytes)))))
    }
}

async fn render(context: StepContext) -> Result<StepOutput, StepError> {
    let digest = context.output_of("hash")?.as_str().unwrap_or_default();
    Ok(StepOutput::new(json!(format!("<p>{}</p>", digest.repeat(REPEATS)))))
}

#[async_trait]
impl Step for Write {
    async fn run(&self, context: StepContext) -> Result<StepOutput, StepError> {
        let html = context.output_of("render")?.as_str().unwrap_or_default();
        // Over and over the same files: making new ones and removing them afterwards
        // would measure how the file system finds a free inode.
        let path = self.0.join(format!("{}.html", context.run.id.0.as_u128() % FILES));
        std::fs::write(path, html).map_err(|error| disk(&error))?;
        Ok(StepOutput::default())
    }
}
