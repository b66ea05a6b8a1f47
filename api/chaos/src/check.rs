//! What was promised, compared with what is there: the database, the store and
//! the disks, each asked by itself.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use sea_orm::{DbErr, EntityTrait};
use untxt_engine::journal::database::Database;
use untxt_workflows::documents::formats::Format;
use untxt_workflows::entities::{file, task};
use untxt_workflows::objects::Objects;
use untxt_workflows::ocr::{ResultObject, ResultSummary, WORKFLOW};
use uuid::Uuid;

use crate::children::Children;
use crate::findings::{Accepted, ClientRecord, Findings};
use crate::leftovers;
use crate::progress::count;
use crate::servers::Servers;

/// Largest result that is read: ours are a few kilobytes.
const RESULT_BYTES_MAX: u64 = 16 << 20;

/// The tables, read once.
struct Rows {
    tasks: HashMap<Uuid, task::Model>,
    files: HashMap<Uuid, file::Model>,
}

/// Compares what the clients were promised with the tables and the store;
/// `exhausted` are the tasks that are dead letters by right.
///
/// # Errors
/// When the database does not answer, which is no finding but the end of the
/// campaign.
pub(crate) async fn promises(
    seen: &ClientRecord,
    exhausted: &HashSet<Uuid>,
    (servers, database): (&Servers, &Database),
    findings: &mut Findings,
) -> anyhow::Result<()> {
    let rows = Rows {
        tasks: task::Entity::find().all(database).await?.into_iter().map(|row| (row.id, row)).collect(),
        files: file::Entity::find().all(database).await?.into_iter().map(|row| (row.id, row)).collect(),
    };
    let promised: HashSet<Uuid> = seen.accepted.iter().map(|accepted| accepted.task).collect();
    findings.untold = rows.tasks.keys().filter(|task| !promised.contains(task)).count() as u64;
    findings.add("clients are answered as the contract says", seen.wrong.iter().cloned());
    findings.add("one key is one task", shared_keys(&rows));
    findings
        .add("no accepted task is lost", seen.accepted.iter().filter_map(|accepted| lost(&rows, accepted)));
    let others = rows.tasks.values().filter(|task| !exhausted.contains(&task.id));
    findings.add("every task is completed", others.filter_map(incomplete));
    results(seen, &rows, servers, findings).await?;
    orphans(seen, &rows, servers, exhausted, findings)
}

fn lost(rows: &Rows, accepted: &Accepted) -> Option<String> {
    let Accepted { task, number, .. } = accepted;
    (!rows.tasks.contains_key(task)).then(|| format!("task {task} of document {number} is not there"))
}

fn incomplete(task: &task::Model) -> Option<String> {
    let status = task.status.as_deref().unwrap_or_default();
    let (code, step) = (task.error_code.as_deref().unwrap_or("-"), task.step.as_deref().unwrap_or("-"));
    (status != "completed").then(|| format!("task {} is {status} at {step}, error {code}", task.id))
}

fn shared_keys(rows: &Rows) -> Vec<String> {
    let mut tasks: BTreeMap<(Uuid, &str), u32> = BTreeMap::new();
    for task in rows.tasks.values() {
        if let Some(key) = &task.idempotency_key {
            *tasks.entry((task.user_id, key)).or_default() += 1;
        }
    }
    let shared = tasks.into_iter().filter(|(_, tasks)| *tasks > 1);
    shared.map(|((user, key), tasks)| format!("{tasks} tasks of user {user} under the key {key}")).collect()
}

/// Fetches every object of every completed task: it has the hash the journal
/// gave its row, and the text of every page of the document that was sent.
async fn results(
    seen: &ClientRecord,
    rows: &Rows,
    servers: &Servers,
    findings: &mut Findings,
) -> anyhow::Result<()> {
    let objects = Objects::connect(servers.objects()).await?;
    let documents: HashMap<Uuid, &Accepted> = seen.accepted.iter().map(|a| (a.task, a)).collect();
    for task in rows.tasks.values().filter(|task| task.status.as_deref() == Some("completed")) {
        let summary =
            task.result.clone().and_then(|result| serde_json::from_value::<ResultSummary>(result).ok());
        let Some(summary) = summary else {
            findings.add("every result is present", [format!("task {} has no summary", task.id)]);
            continue;
        };
        for object in &summary.objects {
            findings.results += 1;
            let problem = result(&objects, object, documents.get(&task.id).copied()).await.err();
            let found = problem.map(|problem| format!("{} of task {}: {problem}", object.key, task.id));
            findings.add("every result is present with its hash", found);
        }
        let wanted = documents.get(&task.id).map(|accepted| accepted.document.pages as usize);
        if wanted.is_some_and(|wanted| wanted != summary.pages) {
            let found = format!("task {}: {} pages instead of {wanted:?}", task.id, summary.pages);
            findings.add("every page is in the result", [found]);
        }
    }
    Ok(())
}

async fn result(objects: &Objects, object: &ResultObject, sent: Option<&Accepted>) -> Result<(), String> {
    use sha2::{Digest, Sha256};
    let bytes = objects.get_bytes(&object.key, RESULT_BYTES_MAX).await.map_err(|error| error.to_string())?;
    let sha256 = hex::encode(Sha256::digest(&bytes));
    if sha256 != object.sha256 || bytes.len() as u64 != object.size_bytes {
        return Err(format!("SHA-256 {sha256} and {} bytes, recorded as {object:?}", bytes.len()));
    }
    let text = String::from_utf8_lossy(&bytes);
    let mut rest = text.as_ref();
    let marks =
        sent.filter(|_| object.format == Format::Txt).into_iter().flat_map(|sent| &sent.document.marks);
    for mark in marks {
        let at = rest.find(mark).ok_or_else(|| format!("`{mark}` is missing or out of order"))?;
        rest = &rest[at..];
    }
    Ok(())
}

/// Objects that no row knows. A request that dies between its upload and its
/// commit leaves the upload, and so does a commit whose answer got lost. A
/// result without a row is left only by a task that is a dead letter: when that
/// one is redriven, it writes the same keys.
fn orphans(
    seen: &ClientRecord,
    rows: &Rows,
    servers: &Servers,
    exhausted: &HashSet<Uuid>,
    findings: &mut Findings,
) -> anyhow::Result<()> {
    let mut known: HashSet<String> = rows.files.values().map(|file| file.s3_key.clone()).collect();
    for task in rows.tasks.values() {
        let summary =
            task.result.clone().and_then(|result| serde_json::from_value::<ResultSummary>(result).ok());
        known.extend(summary.into_iter().flat_map(|summary| summary.objects).map(|object| object.key));
    }
    let stored: HashSet<String> = servers.store.keys()?.into_iter().collect();
    let missing = rows.files.values().map(|file| &file.s3_key).filter(|key| !stored.contains(*key));
    findings.add("every upload is present", missing.map(|key| format!("{key} is not in the store")));
    let (uploads, others): (Vec<_>, Vec<_>) =
        stored.difference(&known).partition(|key| key.starts_with("uploads/"));
    findings.ownerless_uploads = uploads.len() as u64;
    let failed =
        rows.tasks.values().filter(|task| exhausted.contains(&task.id)).filter_map(|task| task.file_id);
    let failed: Vec<String> = failed.map(|file| format!("/{file}/")).collect();
    let others = others.into_iter().filter(|key| !failed.iter().any(|file| key.contains(file)));
    findings.add("no object is nobody's", others.map(|key| format!("{key} belongs to no task")));
    if findings.ownerless_uploads > seen.unanswered() {
        let found = format!("{} uploads after {} unanswered requests", uploads.len(), seen.unanswered());
        findings.add("only a request without an answer leaves an upload", [found]);
    }
    let half = servers.half_written()?;
    findings.add("nothing half written stays", half.iter().map(|path| path.display().to_string()));
    Ok(())
}

/// Rows that say there is work, when there is none.
const NOTHING_LEFT: [(&str, &str); 6] = [
    ("runs are due", "SELECT count(*) AS n FROM runs WHERE due_at_ms IS NOT NULL"),
    ("runs are held", "SELECT count(*) AS n FROM runs WHERE held_by IS NOT NULL"),
    ("items are due", "SELECT count(*) AS n FROM items WHERE due_at_ms IS NOT NULL"),
    ("items are held", "SELECT count(*) AS n FROM items WHERE held_by IS NOT NULL"),
    (
        "items of completed runs are not done",
        "SELECT count(*) AS n FROM items JOIN runs ON items.run_id = runs.id \
         WHERE runs.status = 'completed' AND items.status <> 'done'",
    ),
    (
        "tasks say other than their runs",
        "SELECT count(*) AS n FROM tasks FULL JOIN runs ON tasks.id = runs.id \
         WHERE tasks.status IS DISTINCT FROM runs.status",
    ),
];

/// Nothing is due, held or told differently in two places.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn nothing_left(database: &Database, findings: &mut Findings) -> Result<(), DbErr> {
    for (what, query) in NOTHING_LEFT {
        let n = count(database, query).await?;
        findings.add("nothing is due or held at the end", (n > 0).then(|| format!("{n} {what}")));
    }
    Ok(())
}

/// Keys of the workflow's topic in Redis under which a delivery would stand; see
/// `engine/src/queue/redis`.
const POINTERS: [&str; 3] = ["data", "scheduled", "inflight"];

/// Redis points at nothing, as the journal has nothing to do: asked of the
/// server itself, past the bad network.
///
/// # Errors
/// When Redis does not answer.
pub(crate) async fn queue_is_empty(servers: &Servers, findings: &mut Findings) -> anyhow::Result<()> {
    let asked = servers.with_redis(|redis| {
        let mut found = Vec::new();
        for name in POINTERS {
            let key = format!("{{untxt:{WORKFLOW}}}:{name}");
            if redis.ask(&format!("EXISTS {key}"))? != "0" {
                found.push(format!("{key} is still there"));
            }
        }
        let lines = redis.ask(&format!("KEYS {{untxt:{WORKFLOW}}}:wait:*"))?;
        found.extend((lines != "0").then(|| format!("{lines} lines of deliveries still wait")));
        Ok(found)
    });
    findings
        .add("Redis and the journal agree that nothing is left", asked.await.map_err(anyhow::Error::msg)?);
    Ok(())
}

/// No file of a task lies on any process's disk.
///
/// # Errors
/// When a directory can't be read.
pub(crate) fn temporary_files(children: &Children) -> std::io::Result<Vec<String>> {
    let mut found = Vec::new();
    for process in &children.processes {
        found.extend(leftovers::files(&process.data_dir.join("tmp"))?);
    }
    Ok(found.iter().map(|path: &std::path::PathBuf| display(path)).collect())
}

fn display(path: &Path) -> String {
    path.display().to_string()
}
