//! Dead letters, and what was done about them, as operators read them. The same
//! shapes for HTTP and for the commands.

use serde_json::{Value, json};
use untxt_engine::engine::{AttemptEnd, AttemptRecord, Engine};
use untxt_engine::id::RunId;
use untxt_engine::journal::JournalError;
use untxt_engine::journal::audit::AuditLine;
use untxt_engine::journal::dead_letters::{
    DeadLetter, DeadLetterFilter, DeadLetterGroup, DeadLetterStatus, ReasonKind,
};
use untxt_engine::retry::DeadReason;
use untxt_engine::state::RunState;
use untxt_engine::time::Timestamp;
use untxt_workflows::bulk_redrives::{Plan, Progress};
use untxt_workflows::redrive;
use uuid::Uuid;

use crate::views::millis;

/// The names of the filters, as they stand in a query and after `--filter`.
pub const FILTERS: &str =
    "tenant, workflow, code, step, digest, fingerprint, reason, state, from, until, run, bulk";

/// Sets the filter called `name`.
///
/// # Errors
/// What is wrong with the name or the value.
pub fn set_filter(filter: &mut DeadLetterFilter, name: &str, value: &str) -> Result<(), String> {
    let text = || Some(value.to_owned());
    let id = || Uuid::parse_str(value).map(|id| Some(RunId(id))).map_err(|_| "not a UUID".to_owned());
    match name {
        "tenant" => filter.tenant = text(),
        "workflow" => filter.workflow = text(),
        "code" => filter.code = text(),
        "step" => filter.step = text(),
        "digest" => filter.digest = text(),
        "fingerprint" => filter.fingerprint = text(),
        "reason" => {
            let known = "there are permanent, budget_spent, elapsed_limit, unreadable";
            filter.reason = Some(ReasonKind::parse(value).ok_or_else(|| known.to_owned())?);
        }
        "state" => {
            let known = "there are waiting, redriven, discarded";
            filter.state = Some(DeadLetterStatus::parse(value).ok_or_else(|| known.to_owned())?);
        }
        "from" => filter.from = Some(moment(value)?),
        "until" => filter.until = Some(moment(value)?),
        "run" => filter.run = id()?,
        "bulk" => filter.bulk = id()?,
        _ => return Err(format!("there is no such filter; there are {FILTERS}")),
    }
    match value.contains('\0') {
        true => Err("it holds U+0000".to_owned()),
        false => Ok(()),
    }
}

fn moment(value: &str) -> Result<Timestamp, String> {
    let parsed = chrono::DateTime::parse_from_rfc3339(value);
    let parsed = parsed.map_err(|_| "not a time such as 2026-11-23T12:34:56Z".to_owned())?;
    Ok(Timestamp(parsed.timestamp_millis()))
}

/// A letter in a list.
#[must_use]
pub fn letter(letter: &DeadLetter) -> Value {
    let settled = letter.settled.as_ref().map(|settled| {
        json!({
            "at": millis(settled.at),
            "by": settled.by,
            "reason": settled.why,
            "bulk": settled.bulk,
        })
    });
    json!({
        "id": letter.id,
        "taskId": letter.run,
        "workflow": letter.definition,
        "tenant": letter.tenant,
        "step": letter.step_name,
        "item": letter.item,
        "page": letter.item.map(|item| item + 1),
        "code": letter.error.code,
        "message": letter.error.message,
        "reason": reason(letter.reason),
        "attempts": letter.attempts,
        "digest": letter.digest,
        "fingerprint": letter.fingerprint,
        "state": letter.status.as_str(),
        "settled": settled,
        "at": millis(letter.at),
    })
}

fn reason(reason: DeadReason) -> Value {
    let stored = serde_json::to_value(reason).unwrap_or_default();
    json!({ "kind": stored["reason"], "budget": stored["budget"] })
}

/// Everything that is known about the letter `id`; `None` if there is none.
///
/// # Errors
/// Those of [`Engine::dead_letter`].
pub async fn shown(engine: &Engine, id: Uuid) -> Result<Option<Value>, JournalError> {
    let Some(letter) = engine.dead_letter(id).await? else { return Ok(None) };
    // A history, or a run, that can't be read must not hide the letter about it.
    let attempts = readable(engine.attempts_of(&letter).await)?.unwrap_or_default();
    let run = readable(engine.run(letter.run).await)?.flatten();
    let mut view = detailed(&letter, &attempts, run.as_ref());
    let raw = engine.raw_row_of(id).await?;
    view["raw"] = raw.map(|raw| serde_json::from_str(&raw).unwrap_or(Value::String(raw))).unwrap_or_default();
    Ok(Some(view))
}

fn readable<T>(read: Result<T, JournalError>) -> Result<Option<T>, JournalError> {
    match read {
        Ok(value) => Ok(Some(value)),
        Err(JournalError::Corrupt(_) | JournalError::Pruned(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A letter with everything that is known about it.
fn detailed(found: &DeadLetter, attempts: &[AttemptRecord], run: Option<&RunState>) -> Value {
    let mut view = letter(found);
    view["chain"] = json!(found.error.chain);
    view["logs"] = json!(found.error.logs);
    view["history"] = attempts.iter().map(attempt).collect();
    view["taskStatus"] = json!(run.map(|run| run.status.as_str()));
    view["payload"] = run.map(|run| run.input.clone()).unwrap_or_default();
    view
}

fn attempt(record: &AttemptRecord) -> Value {
    let (end, error) = match &record.end {
        AttemptEnd::Running => ("running", None),
        AttemptEnd::Succeeded => ("succeeded", None),
        AttemptEnd::Failed(error) => ("failed", Some(error)),
        AttemptEnd::Lost => ("lost", None),
        AttemptEnd::HandedBack => ("handed-back", None),
    };
    json!({
        "attempt": record.attempt,
        "worker": record.worker,
        "startedAt": millis(record.started_at),
        "endedAt": record.ended_at.map(millis),
        "end": end,
        "error": error,
    })
}

/// What a bulk redrive would go through: the answer to a dry run.
#[must_use]
pub fn plan(plan: &Plan) -> Value {
    let groups: Vec<Value> = plan.groups.iter().map(group).collect();
    json!({ "dryRun": true, "total": plan.total, "asOf": millis(plan.as_of), "groups": groups })
}

/// Letters that have a cause, a step and a digest in common.
#[must_use]
pub fn group(group: &DeadLetterGroup) -> Value {
    json!({
        "workflow": group.definition,
        "code": group.code,
        "message": group.error.message,
        "step": group.step_name,
        "fingerprint": group.fingerprint,
        "digest": group.digest,
        "count": group.count,
        "tenants": group.tenants,
        "firstAt": millis(group.first_at),
        "lastAt": millis(group.last_at),
    })
}

/// How far a run is that goes through many letters.
#[must_use]
pub fn progress(progress: &Progress) -> Value {
    let Progress { run, bulk, rate, settled, waiting } = progress;
    json!({
        "id": run.id,
        "status": run.status.as_str(),
        "action": bulk.action,
        "filter": bulk.filter,
        "rate": rate,
        "total": bulk.total,
        "settled": settled,
        "waiting": waiting,
        "passedOver": redrive::passed_over(run),
        "error": run.error,
        "by": bulk.by,
        "reason": bulk.reason,
        "createdAt": millis(run.created_at),
        "finishedAt": run.finished_at.map(millis),
    })
}

/// One line of the audit.
#[must_use]
pub fn audit(line: &AuditLine) -> Value {
    let entry = &line.entry;
    json!({
        "position": line.position,
        "at": millis(entry.at),
        "actor": entry.actor,
        "action": entry.action,
        "subject": entry.subject,
        "detail": entry.detail,
    })
}
