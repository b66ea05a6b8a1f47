//! The rows of a new task.

use chrono::{DateTime, Utc};
use sea_orm::sea_query::OnConflict;
use sea_orm::{EntityTrait, IntoActiveModel, QueryTrait};
use serde_json::to_value;
use untxt_engine::event::OnItemFailure;
use untxt_engine::rows::RowChange;
use uuid::Uuid;

use super::new_task::NewTask;
use crate::documents::filename;
use crate::documents::formats::Format;
use crate::entities::{file, task, user};
use crate::incoming::Spooled;
use crate::objects::{ObjectError, keys};
use crate::task_input::EnginePin;

/// The row of a file: `spooled`, or one that is still to be fetched.
pub(super) fn file_row(
    wanted: &NewTask,
    spooled: Option<&Spooled>,
    now: DateTime<Utc>,
) -> Result<file::Model, ObjectError> {
    let id = Uuid::now_v7();
    let filename = filename::safe(&wanted.filename);
    Ok(file::Model {
        id,
        user_id: wanted.user,
        s3_key: keys::upload_key(wanted.user, now, id, &filename)?,
        filename,
        mime_type: spooled.map(|spooled| spooled.kind.mime().to_owned()),
        file_size: spooled.and_then(|spooled| i64::try_from(spooled.size_bytes).ok()),
        s3_result_key: None,
        file_hash: spooled.map(|spooled| spooled.sha256.clone()),
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
        formats: Format::join(&wanted.formats),
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
    let known = OnConflict::column(user::Column::Id).do_nothing().to_owned();
    let user = user::Model { id: owner, created_at: now, updated_at: now };
    vec![
        user::Entity::insert(user.into_active_model()).on_conflict(known).into_query().into(),
        file::Entity::insert(file.clone().into_active_model()).into_query().into(),
        task::Entity::insert(task.clone().into_active_model()).into_query().into(),
    ]
}

pub(super) fn on_page_failure(policy: OnItemFailure) -> &'static str {
    match policy {
        OnItemFailure::Fail => "fail",
        OnItemFailure::Partial => "partial",
    }
}
