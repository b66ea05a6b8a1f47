//! The rows of a new task.

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{InsertStatement, OnConflict, Query};
use serde_json::to_value;
use untxt_engine::event::OnItemFailure;
use untxt_engine::rows::RowChange;
use uuid::Uuid;

use super::NewTask;
use crate::documents::filename;
use crate::incoming::Spooled;
use crate::objects::{ObjectError, keys};
use crate::ocr::input::EnginePin;
use crate::tables::{file, task, user};

pub(super) fn file_row(
    wanted: &NewTask,
    spooled: &Spooled,
    now: DateTime<Utc>,
) -> Result<file::Model, ObjectError> {
    let id = Uuid::now_v7();
    let filename = filename::safe(&wanted.filename);
    Ok(file::Model {
        id,
        user_id: wanted.user,
        s3_key: keys::upload_key(wanted.user, now, id, &filename)?,
        filename,
        mime_type: Some(spooled.kind.mime().to_owned()),
        file_size: i64::try_from(spooled.size_bytes).ok(),
        s3_result_key: None,
        file_hash: Some(spooled.sha256.clone()),
        status: Some("uploaded".to_owned()),
        uploaded_at: Some(now),
        updated_at: Some(now),
    })
}

pub(super) fn task_row(
    wanted: &NewTask,
    engine: &EnginePin,
    file: Uuid,
    request: String,
    now: DateTime<Utc>,
) -> task::Model {
    let formats: Vec<&str> = wanted.formats.iter().map(|format| format.extension()).collect();
    task::Model {
        id: Uuid::now_v7(),
        file_id: Some(file),
        user_id: wanted.user,
        task_type: Some("ocr".to_owned()),
        priority: Some(i32::from(wanted.priority)),
        status: Some("queued".to_owned()),
        result: None,
        error_message: None,
        error_code: None,
        engine: engine.name.clone(),
        engine_digest: Some(engine.digest.clone()),
        formats: formats.join(","),
        options: to_value(&wanted.options).ok(),
        pages: wanted.pages.clone(),
        on_page_failure: on_page_failure(wanted.on_page_failure).to_owned(),
        pages_total: None,
        step: None,
        attempt: 0,
        decode_excess_ms: 0,
        idempotency_key: wanted.idempotency_key.clone(),
        request_hash: wanted.idempotency_key.as_ref().map(|_| request),
        created_at: Some(now),
        started_at: None,
        completed_at: None,
        updated_at: Some(now),
    }
}

pub(super) fn rows(
    owner: Uuid,
    file: &file::Model,
    task: &task::Model,
    now: DateTime<Utc>,
) -> Vec<RowChange> {
    let user = Query::insert()
        .into_table(user::Entity)
        .columns([user::Column::Id, user::Column::CreatedAt, user::Column::UpdatedAt])
        .values_panic([owner.into(), now.into(), now.into()])
        .on_conflict(OnConflict::column(user::Column::Id).do_nothing().to_owned())
        .to_owned();
    vec![user.into(), insert_file(file).into(), insert_task(task).into()]
}

fn insert_file(row: &file::Model) -> InsertStatement {
    use file::Column as C;
    let row = row.clone();
    Query::insert()
        .into_table(file::Entity)
        .columns([
            C::Id,
            C::UserId,
            C::Filename,
            C::MimeType,
            C::FileSize,
            C::S3Key,
            C::FileHash,
            C::Status,
            C::UploadedAt,
            C::UpdatedAt,
        ])
        .values_panic([
            row.id.into(),
            row.user_id.into(),
            row.filename.into(),
            row.mime_type.into(),
            row.file_size.into(),
            row.s3_key.into(),
            row.file_hash.into(),
            row.status.into(),
            row.uploaded_at.into(),
            row.updated_at.into(),
        ])
        .to_owned()
}

fn insert_task(row: &task::Model) -> InsertStatement {
    use task::Column as C;
    let row = row.clone();
    Query::insert()
        .into_table(task::Entity)
        .columns([
            C::Id,
            C::FileId,
            C::UserId,
            C::TaskType,
            C::Priority,
            C::Status,
            C::Engine,
            C::EngineDigest,
            C::Formats,
            C::Options,
            C::Pages,
            C::OnPageFailure,
            C::PagesTotal,
            C::Attempt,
            C::IdempotencyKey,
            C::RequestHash,
            C::CreatedAt,
            C::UpdatedAt,
        ])
        .values_panic([
            row.id.into(),
            row.file_id.into(),
            row.user_id.into(),
            row.task_type.into(),
            row.priority.into(),
            row.status.into(),
            row.engine.into(),
            row.engine_digest.into(),
            row.formats.into(),
            row.options.into(),
            row.pages.into(),
            row.on_page_failure.into(),
            row.pages_total.into(),
            row.attempt.into(),
            row.idempotency_key.into(),
            row.request_hash.into(),
            row.created_at.into(),
            row.updated_at.into(),
        ])
        .to_owned()
}

pub(super) fn on_page_failure(policy: OnItemFailure) -> &'static str {
    match policy {
        OnItemFailure::Fail => "fail",
        OnItemFailure::Partial => "partial",
    }
}
