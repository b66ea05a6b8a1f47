//! `untxt plugin check` and `test`: the installation checks and the conformance tests, for an engine
//! that need not be installed.

use std::path::Path;
use std::process::ExitCode;

use serde_json::json;
use untxt_plugins::conformance::{Outcome, Subject, Tester};
use untxt_plugins::grants::Grants;
use untxt_plugins::{EngineLimits, Package, Reference};
use untxt_settings::Config;

use super::cli::SubjectArguments;
use super::failed;
use crate::failure::Failure;
use crate::{data_dir, output};

/// The tester and the engine to test.
pub(super) async fn set_up(
    config: &Config,
    arguments: &SubjectArguments,
) -> Result<(Tester, Subject), Failure> {
    let mut subject = subject(config, &arguments.engine).await?;
    subject.trust = config.settings.plugin_trust.clone();
    if let Some(path) = &arguments.grants {
        let wrong = |reason: String| Failure::usage(format!("{}: {reason}", path.display()));
        let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
        subject.grants = Grants::parse(&text).map_err(wrong)?;
    }
    if let Some(settings) = &arguments.settings {
        subject.settings =
            serde_json::from_str(settings).map_err(|error| Failure::usage(format!("--settings: {error}")))?;
    }
    Ok((Tester::new(&config.data_dir.join("cache"), Some(&config.settings.models))?, subject))
}

/// The engine at `path`; where nothing is, the installed or built-in one of that name.
async fn subject(config: &Config, path: &Path) -> Result<Subject, Failure> {
    let name = path.to_str().filter(|name| !path.exists() && name.parse::<Reference>().is_ok());
    if let Some(name) = name {
        data_dir::prepare(config)?;
        let engines = config.settings.engines().map_err(failed)?;
        let (package, grants) = engines.package(name).await.map_err(failed)?;
        return Ok(Subject { grants, ..Subject::of(package) });
    }
    let mut package = Package::read(path, EngineLimits::default().component_bytes_max).map_err(failed)?;
    if package.name.is_empty() {
        "engine".clone_into(&mut package.name);
    }
    Ok(Subject::of(package))
}

pub(super) async fn check(config: &Config, arguments: &SubjectArguments) -> Result<ExitCode, Failure> {
    let (tester, subject) = set_up(config, arguments).await?;
    let report = tester.check(&subject).await;
    let passed = report.engine.is_some();
    if arguments.json {
        output::json(&json!({ "engine": subject.package.name, "passed": passed, "checks": report.checks }));
    } else {
        super::install::show_checks(&report.checks);
    }
    Ok(ExitCode::from(u8::from(!passed)))
}

pub(super) async fn test(
    config: &Config,
    arguments: &SubjectArguments,
    junit: Option<&Path>,
) -> Result<ExitCode, Failure> {
    let (tester, subject) = set_up(config, arguments).await?;
    let report = tester.test(&subject).await;
    if let Some(path) = junit {
        std::fs::write(path, report.junit()).map_err(|error| Failure::file(path, &error))?;
    }
    if arguments.json {
        output::json(&report.json());
    } else {
        for case in &report.cases {
            let (word, text) = match &case.outcome {
                Outcome::Passed(text) => ("ok  ", text),
                Outcome::Failed(text) => ("FAIL", text),
                Outcome::Skipped(text) => ("skip", text),
            };
            output::line(&format!("{word}  {:<16}  {text}", case.name));
        }
    }
    Ok(ExitCode::from(u8::from(!report.passed())))
}
