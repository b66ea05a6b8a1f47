//! Step `finalize`: the result's summary goes into the product's tables, in the
//! commit that completes the run.

use async_trait::async_trait;
use chrono::Utc;
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use serde_json::from_value;
use untxt_engine::error::StepError;
use untxt_engine::step::{Step, StepContext, StepOutput};

use super::UPLOAD_RESULT;
use super::input::TaskInput;
use super::upload_result::ResultSummary;
use crate::tables::{file, task};

pub(super) struct Finalize;

#[async_trait]
impl Step for Finalize {
    async fn run(&self, context: StepContext) -> Result<StepOutput, StepError> {
        let input = TaskInput::of(&context.run)?;
        let output = context.output_of(UPLOAD_RESULT)?.clone();
        let summary: ResultSummary = from_value(output.clone())
            .map_err(|e| StepError::permanent("INPUT_UNREADABLE", format!("upload-result's output: {e}")))?;
        let file = Query::update()
            .table(file::Entity)
            .value(file::Column::S3ResultKey, summary.s3_result_key)
            .value(file::Column::Status, "processed")
            .value(file::Column::UpdatedAt, Utc::now())
            .and_where(Expr::col(file::Column::Id).eq(input.file.id))
            .to_owned();
        let task = Query::update()
            .table(task::Entity)
            .value(task::Column::Result, output.clone())
            .and_where(Expr::col(task::Column::Id).eq(context.run.id.0))
            .to_owned();
        Ok(StepOutput::new(output).with_rows(vec![file.into(), task.into()]))
    }
}
