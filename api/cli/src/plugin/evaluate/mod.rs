//! `untxt plugin evaluate`: the error rates of an engine, or of texts that another
//! program wrote, on pages whose text is known.

mod pages;
mod score;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use untxt_plugins::conformance::{Subject, Tester};
use untxt_plugins::{LoadedEngine, Options, Recognized};
use untxt_settings::Config;
use untxt_workflows::ocr;

use super::cli::EvaluateArguments;
use super::run::text;
use super::{conformance, failed};
use crate::failure::Failure;
use crate::output;
use pages::Page;
use score::Score;

/// Figures of a file, or of all together.
#[derive(Default)]
struct Figures {
    score: Score,
    /// Confidence of all words that have one, and their number.
    confidence: (f64, usize),
    seconds: f64,
    memory_bytes_peak: usize,
}

pub(super) async fn run(config: &Config, arguments: &EvaluateArguments) -> Result<ExitCode, Failure> {
    let pages = pages::pages(&arguments.folder)?;
    let engine = if arguments.texts { None } else { Some(Evaluated::of(config, arguments).await?) };
    let mut rows = Vec::with_capacity(pages.len());
    let mut all = Figures::default();
    for page in &pages {
        let figures = match &engine {
            Some(engine) => engine.read(config, arguments, page).await?,
            None => written(&arguments.subject.engine, page)?,
        };
        all.add(&figures);
        rows.push((page.name.as_str(), figures));
    }
    let is_engine = engine.is_some();
    if arguments.subject.json {
        let page = |(name, figures): &(&str, Figures)| {
            let mut shown = figures.json(is_engine);
            shown["page"] = json!(name);
            shown
        };
        let pages: Vec<Value> = rows.iter().map(page).collect();
        let engine = engine.map(|engine| engine.json());
        output::json(&json!({ "engine": engine, "pages": pages, "all": all.json(is_engine) }));
    } else {
        let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0).max("page".len());
        output::line(&heading(width, is_engine));
        rows.iter().for_each(|(name, figures)| output::line(&figures.row(name, width, is_engine)));
        output::line(&all.row("all", width, is_engine));
    }
    Ok(ExitCode::SUCCESS)
}

/// The engine that is evaluated.
struct Evaluated {
    tester: Tester,
    subject: Subject,
    engine: Arc<LoadedEngine>,
}

impl Evaluated {
    async fn of(config: &Config, arguments: &EvaluateArguments) -> Result<Self, Failure> {
        let (tester, subject) = conformance::set_up(config, &arguments.subject).await?;
        let engine = tester.load(&subject).await.map_err(failed)?;
        Ok(Self { tester, subject, engine })
    }

    fn json(&self) -> Value {
        let engine = &self.engine;
        json!({ "name": engine.name(), "version": engine.version(), "digest": engine.digest() })
    }

    /// All pages of a file, one after the other.
    async fn read(
        &self,
        config: &Config,
        arguments: &EvaluateArguments,
        page: &Page,
    ) -> Result<Figures, Failure> {
        let renderer = config.settings.renderer();
        let wrong = |error: &dyn std::fmt::Display| Failure::work(format!("{}: {error}", page.name));
        let chain = |error| Failure::work(format!("{}: {}", page.name, crate::failure::chain(&error)));
        let probe = renderer.probe(&page.document).await.map_err(chain)?;
        let rendering = ocr::render_options(arguments.dpi, arguments.color, self.engine.described());
        let (mut figures, mut texts) = (Figures::default(), Vec::new());
        for index in 0..probe.pages {
            let mut rendered = renderer.render(&page.document, index, rendering).await.map_err(chain)?;
            // What the file says itself is no achievement of the engine's.
            rendered.text_layer.clear();
            let prepared = ocr::page_for_engine(rendered, index, probe.pages, self.engine.described());
            let (input, _) = prepared.map_err(|error| wrong(&error))?;
            let options = Options {
                languages: arguments.languages.clone(),
                settings: self.subject.settings.clone(),
                attempt: 1,
            };
            let host = self.tester.host();
            let read = host.recognize(&self.engine, Arc::new(input), options, CancellationToken::new()).await;
            let read = read.map_err(|error| {
                error.logs().iter().for_each(|line| output::problem(line));
                wrong(&error)
            })?;
            figures.count(&read);
            texts.push(text(&read.text));
        }
        figures.score = Score::of(&texts.join("\n"), &page.truth);
        Ok(figures)
    }
}

/// The text that another program wrote for `page` into `folder`.
fn written(folder: &Path, page: &Page) -> Result<Figures, Failure> {
    let name = Path::new(&page.name).with_extension("txt");
    let text = pages::text(&folder.join(name))?;
    Ok(Figures { score: Score::of(&text, &page.truth), ..Figures::default() })
}

impl Figures {
    fn count(&mut self, read: &Recognized) {
        let lines = read.text.blocks.iter().flat_map(|block| &block.lines);
        for confidence in lines.flat_map(|line| &line.words).filter_map(|word| word.confidence) {
            self.confidence.0 += f64::from(confidence);
            self.confidence.1 += 1;
        }
        self.seconds += read.usage.wall.as_secs_f64();
        self.memory_bytes_peak = self.memory_bytes_peak.max(read.usage.memory_bytes_peak);
    }

    fn add(&mut self, other: &Self) {
        self.score += other.score;
        self.confidence.0 += other.confidence.0;
        self.confidence.1 += other.confidence.1;
        self.seconds += other.seconds;
        self.memory_bytes_peak = self.memory_bytes_peak.max(other.memory_bytes_peak);
    }

    fn confidence(&self) -> Option<f64> {
        (self.confidence.1 > 0).then(|| self.confidence.0 / self.confidence.1 as f64)
    }

    fn json(&self, is_engine: bool) -> Value {
        let score = &self.score;
        let mut shown = json!({
            "characters": score.characters,
            "words": score.words,
            "characterErrors": score.character_errors,
            "wordErrors": score.word_errors,
            "cer": score.cer(),
            "wer": score.wer(),
        });
        if is_engine {
            shown["confidence"] = json!(self.confidence());
            shown["seconds"] = json!(self.seconds);
            shown["peakMemoryBytes"] = json!(self.memory_bytes_peak);
        }
        shown
    }

    fn row(&self, name: &str, width: usize, is_engine: bool) -> String {
        let percent = |share: Option<f64>| {
            share.map_or_else(|| "-".to_owned(), |share| format!("{:.2} %", share * 100.0))
        };
        let (cer, wer) = (percent(self.score.cer()), percent(self.score.wer()));
        let shown = format!("{name:<width$}  {:>10}  {cer:>9}  {wer:>9}", self.score.characters);
        if !is_engine {
            return shown;
        }
        let (confidence, memory) =
            (percent(self.confidence()), format!("{} MiB", self.memory_bytes_peak >> 20));
        format!("{shown}  {confidence:>10}  {:>7.2}  {memory:>8}", self.seconds)
    }
}

fn heading(width: usize, is_engine: bool) -> String {
    let shown = format!("{:<width$}  {:>10}  {:>9}  {:>9}", "page", "characters", "CER", "WER");
    let engine = if is_engine {
        format!("  {:>10}  {:>7}  {:>8}", "confidence", "seconds", "memory")
    } else {
        String::new()
    };
    shown + &engine
}
