//! Step `ocr`, once a page: render it, hand it to the engine, check what comes
//! back.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, to_value};
use untxt_engine::decide::Done;
use untxt_engine::error::StepError;
use untxt_engine::step::{Step, StepContext, StepOutput};
use untxt_plugins::Options;

use super::download::Downloaded;
use super::failure;
use super::input::TaskInput;
use super::{handover, reading};
use crate::documents::renderer::{Color, RenderOptions};
use crate::workbench::Workbench;

pub(super) struct Recognize(pub(super) Arc<Workbench>);

#[async_trait]
impl Step for Recognize {
    async fn run(&self, context: &StepContext) -> Result<StepOutput, StepError> {
        let input = TaskInput::of(&context.run)?;
        let downloaded = Downloaded::of(context)?;
        let index = downloaded.page(context.slot.item.unwrap_or_default());
        let pin = &input.engine;
        // First, so that a run whose engine is gone fails before any work.
        let engine = self
            .0
            .engines
            .by_digest(&pin.name, &pin.digest)
            .await
            .map_err(|e| failure::of_plugin(&e, context.attempt))?;
        let path = self.0.local_copy(context.run.id, &input.file).await?;
        let color = if input.options.color { Color::Rgb } else { Color::Gray };
        let options =
            RenderOptions { dpi: input.options.dpi.unwrap_or_else(|| RenderOptions::default().dpi), color };
        let rendered =
            self.0.renderer.render(&path, index, options).await.map_err(|e| failure::of_document(&e))?;
        let size = (rendered.width, rendered.height, rendered.dpi);
        let page = handover::page(rendered, index, downloaded.page_count)
            .map_err(|e| failure::of_plugin(&e, context.attempt))?;
        let options = Options {
            languages: input.options.languages.clone(),
            settings: Value::Object(input.options.settings.clone()),
            attempt: context.attempt,
        };
        let recognized = self
            .0
            .engines
            .recognize(&engine, Arc::new(page), options, context.cancel.clone())
            .await
            .map_err(|e| failure::of_plugin(&e, context.attempt))?;
        let page = reading::page(&recognized.text, index, size, context.attempt);
        let output = to_value(page).map_err(|e| StepError::permanent("OUTPUT", e.to_string()))?;
        Ok(StepOutput { done: Done { output, items: None }, rows: Vec::new() })
    }
}
