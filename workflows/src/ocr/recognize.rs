//! Step `ocr`, once a page: render it, hand it to the engine, check what comes
//! back.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, to_value};
use untxt_engine::error::{Budget, StepError};
use untxt_engine::step::{Step, StepContext, StepOutput};
use untxt_plugins::{Described, Options, PluginError};

use super::download::Downloaded;
use super::upright::Upright;
use super::{page_input, page_result, text_layer};
use crate::documents::DocumentError;
use crate::documents::model::Page;
use crate::documents::renderer::{DocumentFile, RenderOptions, RenderedPage};
use crate::resources::Resources;
use crate::step_error;
use crate::task_input::{TaskInput, TextLayer};

pub(super) struct Recognize(pub(super) Arc<Resources>);

#[async_trait]
impl Step for Recognize {
    async fn run(&self, context: StepContext) -> Result<StepOutput, StepError> {
        let input = TaskInput::of(&context.run)?;
        let downloaded = Downloaded::of(&context)?;
        let index = downloaded.page(context.item());
        let pin = &input.engine;
        // First, so that a run whose engine is gone fails before any work.
        let engine = self
            .0
            .engines
            .by_digest(&pin.name, &pin.digest)
            .await
            .map_err(|e| step_error::of_plugin(&e, context.attempt))?;
        let file = self.0.local_copy(context.run.id, &downloaded.file(&input)).await?;
        let options = page_input::render_options(input.options.dpi, input.options.color, engine.described());
        let rendered = self.render(&context, &file, index, options).await?;
        let warnings = rendered.warnings.clone();
        for warning in &warnings {
            tracing::warn!(run = %context.run.id, page = index + 1, "a part of the page is lost: {warning}");
        }
        let attempt = context.attempt;
        let mode = input.options.text_layer.unwrap_or(TextLayer::Engine);
        let is_work = text_layer::needs_look(&rendered, mode) || engine.described().wants_upright;
        let (described, count) = (engine.described().clone(), downloaded.page_count);
        let prepare = move || Prepared::of(rendered, mode, (index, count), attempt, &described);
        let prepared = if is_work { on_its_own_thread(prepare).await? } else { prepare() };
        let (page, upright, size) = match prepared.map_err(|e| step_error::of_plugin(&e, attempt))? {
            Prepared::Known(page) => return output(&Page { warnings, ..*page }),
            Prepared::ForEngine { page, upright, size } => (page, upright, size),
        };
        let options = Options {
            languages: input.options.languages.clone(),
            settings: Value::Object(input.options.settings.clone()),
            attempt: context.attempt,
        };
        let mut text = self
            .0
            .engines
            .recognize(&engine, Arc::new(page), options, context.cancel)
            .await
            .map_err(|e| step_error::of_plugin(&e, context.attempt))?
            .text;
        let page = on_its_own_thread(move || {
            upright.iter().for_each(|upright| upright.turn_back(&mut text));
            page_result::page(&text, index, size, attempt)
        })
        .await?;
        output(&Page { warnings, ..page })
    }
}

/// A rendered page as it goes on.
enum Prepared {
    /// Its text layer is the result.
    Known(Box<Page>),
    /// It is given to the engine. `size` is that of the page as it was rendered, and its
    /// resolution.
    ForEngine { page: untxt_plugins::Page, upright: Option<Upright>, size: (u32, u32, u32) },
}

impl Prepared {
    fn of(
        mut rendered: RenderedPage,
        mode: TextLayer,
        (index, count): (u32, u32),
        attempt: u32,
        engine: &Described,
    ) -> Result<Self, PluginError> {
        if text_layer::is_result(&rendered, mode) {
            return Ok(Self::Known(Box::new(text_layer::page(&rendered, index, attempt))));
        }
        if mode == TextLayer::Ignore {
            rendered.text_layer.clear();
        }
        let size = (rendered.width, rendered.height, rendered.dpi);
        let (page, upright) = page_input::page(rendered, index, count, engine)?;
        Ok(Self::ForEngine { page, upright, size })
    }
}

/// A page that is looked at or turned, many words, or HTML to be sanitised take a
/// while: not on a thread that answers others.
async fn on_its_own_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, StepError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|e| StepError::retry(Budget::Content, "OUTPUT", e.to_string()))
}

fn output(page: &Page) -> Result<StepOutput, StepError> {
    let value = to_value(page).map_err(|e| StepError::permanent("OUTPUT", e.to_string()))?;
    Ok(StepOutput::new(value))
}

impl Recognize {
    /// The page as pixels, within what its document may still take.
    async fn render(
        &self,
        context: &StepContext,
        file: &DocumentFile,
        index: u32,
        options: RenderOptions,
    ) -> Result<RenderedPage, StepError> {
        let (run, budgets) = (context.run.id, &self.0.decode_budgets);
        let allowance = budgets.allowance(run).await.map_err(|e| step_error::of_budget(&e))?;
        let renderer = self.0.renderer.for_tenant(&context.run.tenant);
        let is_short = allowance < renderer.deadline();
        let mut took = Duration::ZERO;
        let rendered = renderer.within(allowance).render_at_cost(file, index, options, &mut took).await;
        budgets.charge(run, took).await.map_err(|e| step_error::of_database(&e))?;
        rendered.map_err(|error| match error {
            DocumentError::Timeout { .. } if is_short => {
                step_error::of_document(&budgets.is_spent(budgets.budget()))
            }
            error => step_error::of_document(&error),
        })
    }
}
