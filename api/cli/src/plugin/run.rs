//! `untxt plugin run`: one page through an engine, which need not be installed.

use std::process::ExitCode;
use std::sync::Arc;

use serde_json::json;
use tokio_util::sync::CancellationToken;
use untxt_plugins::{LoadedEngine, Options, Page, PageText};
use untxt_settings::Config;
use untxt_workflows::ocr;

use super::cli::RunArguments;
use super::{conformance, failed};
use crate::failure::Failure;
use crate::output;

pub(super) async fn run(config: &Config, arguments: &RunArguments) -> Result<ExitCode, Failure> {
    let (tester, subject) = conformance::set_up(config, &arguments.subject).await?;
    let engine = tester.load(&subject).await.map_err(failed)?;
    let page = page(config, arguments, &engine).await?;
    let options =
        Options { languages: arguments.languages.clone(), settings: subject.settings.clone(), attempt: 1 };
    let read = tester.host().recognize(&engine, Arc::new(page), options, CancellationToken::new()).await;
    let read = match read {
        Ok(read) => read,
        Err(error) => {
            error.logs().iter().for_each(|line| output::problem(line));
            return Err(failed(error));
        }
    };
    let wall_ms = read.usage.wall.as_secs_f64() * 1_000.0;
    let models = read.usage.models;
    if arguments.subject.json {
        output::json(&json!({
            "text": text(&read.text),
            "language": read.text.language,
            "confidence": read.text.confidence,
            "attributes": read.text.attributes,
            "ms": wall_ms,
            "peakMemoryBytes": read.usage.memory_bytes_peak,
            "models": {
                "loads": models.loads,
                "computations": models.computations,
                "ms": models.wall.as_secs_f64() * 1_000.0,
            },
            "logs": read.usage.logs,
        }));
        return Ok(ExitCode::SUCCESS);
    }
    read.usage.logs.iter().for_each(|line| output::problem(line));
    output::line(&text(&read.text));
    output::problem(&format!("{wall_ms:.1} ms, {} MiB of memory", read.usage.memory_bytes_peak >> 20));
    if models.computations > 0 {
        let models_ms = models.wall.as_secs_f64() * 1_000.0;
        output::problem(&format!(
            "{models_ms:.1} ms of it in {} computations of models",
            models.computations
        ));
    }
    Ok(ExitCode::SUCCESS)
}

async fn page(config: &Config, arguments: &RunArguments, engine: &LoadedEngine) -> Result<Page, Failure> {
    let index = arguments.page.checked_sub(1).ok_or_else(|| Failure::usage("--page counts from 1"))?;
    let renderer = config.settings.renderer();
    let failed = |error| Failure::work(crate::failure::chain(&error));
    let probe = renderer.probe(&arguments.document).await.map_err(failed)?;
    let options = ocr::render_options(arguments.dpi, arguments.color, engine.described());
    let rendered = renderer.render(&arguments.document, index, options).await.map_err(failed)?;
    ocr::page_for_engine(rendered, index, probe.pages).map_err(Failure::work)
}

/// Lines as lines, blocks apart.
pub(super) fn text(read: &PageText) -> String {
    let words = |line: &untxt_plugins::Line| {
        line.words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
    };
    let block = |block: &untxt_plugins::Block| block.lines.iter().map(words).collect::<Vec<_>>().join("\n");
    read.blocks.iter().map(block).collect::<Vec<_>>().join("\n\n")
}
