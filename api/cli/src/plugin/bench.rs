//! `untxt plugin bench`: what an engine costs, and whether it costs more than it did.

use std::path::Path;
use std::process::ExitCode;

use serde_json::{Value, json};
use untxt_plugins::conformance::{Bench, Ratio};
use untxt_settings::Config;

use super::cli::BenchArguments;
use super::{conformance, failed};
use crate::failure::Failure;
use crate::output;

pub(super) async fn run(config: &Config, arguments: &BenchArguments) -> Result<ExitCode, Failure> {
    // What can't be read is told before anything is measured.
    let before = arguments.baseline.as_deref().map(read).transpose()?;
    let (tester, subject) = conformance::set_up(config, &arguments.subject).await?;
    let bench = tester.bench(&subject, arguments.pages).await.map_err(failed)?;
    if let Some(path) = &arguments.save {
        std::fs::write(path, format!("{:#}\n", bench.json())).map_err(|error| Failure::file(path, &error))?;
    }
    let ratios = before.map(|before| bench.ratios(&before).to_vec()).unwrap_or_default();
    if arguments.subject.json {
        output::json(&shown(&bench, &ratios));
    } else {
        lines(&bench, &ratios);
    }
    match arguments.max_ratio {
        Some(max) => judged(&ratios, max),
        None => Ok(ExitCode::SUCCESS),
    }
}

fn read(path: &Path) -> Result<Bench, Failure> {
    let wrong = |reason: String| Failure::usage(format!("{}: {reason}", path.display()));
    let text = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
    serde_json::from_slice(&text)
        .map_err(|error| wrong(format!("no figures that `plugin bench --save` wrote: {error}")))
}

fn shown(bench: &Bench, ratios: &[Ratio]) -> Value {
    let mut shown = bench.json();
    if !ratios.is_empty() {
        shown["ratios"] = ratios.iter().map(|ratio| (ratio.name.to_owned(), json!(ratio.ratio))).collect();
    }
    shown
}

fn lines(bench: &Bench, ratios: &[Ratio]) {
    let figures = [
        ("cold start", format!("{:.1?}", bench.cold)),
        ("warm start", format!("{:.1?}", bench.warm)),
        ("page, median", format!("{:.1?}", bench.p50)),
        ("page, p95", format!("{:.1?}", bench.p95)),
        ("peak memory", format!("{} MiB", bench.memory_bytes_peak >> 20)),
        ("fuel", bench.fuel.to_string()),
    ];
    for (name, figure) in figures {
        let ratio = ratios.iter().find(|ratio| ratio.name == name);
        let times = ratio.map(|ratio| format!("  {:.2} times the baseline", ratio.ratio)).unwrap_or_default();
        output::line(&format!("{name:<13}  {figure}{times}"));
    }
}

fn judged(ratios: &[Ratio], max: f64) -> Result<ExitCode, Failure> {
    // What is no number is over every bound.
    let over = |ratio: &&Ratio| ratio.judged && (ratio.ratio.is_nan() || ratio.ratio > max);
    let over: Vec<String> =
        ratios.iter().filter(over).map(|ratio| format!("{} {:.2} times", ratio.name, ratio.ratio)).collect();
    if over.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    Err(Failure::work(format!("it costs more than --max-ratio {max} allows: {}", over.join(", "))))
}
