//! The conformance cases. They don't judge the quality of recognition.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use super::report::{Case, ConformanceReport, Outcome};
use super::{SERVER, Subject, loaded, pages, servers};
use crate::engine::LoadedEngine;
use crate::error::{Class, ModelFault, PluginError};
use crate::grants::Grants;
use crate::host::{Host, Recognized};
use crate::page::Page;

/// How late a call may end: 25 ms on an idle machine, and longer on a busy one.
const OVERSHOOT: Duration = Duration::from_millis(500);

/// How long a call goes on before it is cancelled.
const BEFORE_CANCEL: Duration = Duration::from_millis(5);

/// A page, made when it is needed, and what the case is called.
type Try = (&'static str, fn() -> Page);

type Called = Result<Recognized, PluginError>;

pub(super) async fn run(host: &Arc<Host>, subject: &Subject) -> ConformanceReport {
    let mut cases = Cases { host, subject, cases: Vec::new() };
    let engine = cases.load().await;
    if let Some(engine) = engine {
        cases.pages(&engine).await;
        cases.limits().await;
        cases.broken_model().await;
        cases.egress().await;
        cases.servers().await;
    }
    ConformanceReport { engine: subject.package.name.clone(), cases: cases.cases }
}

struct Cases<'a> {
    host: &'a Arc<Host>,
    subject: &'a Subject,
    cases: Vec<Case>,
}

impl Cases<'_> {
    fn note(&mut self, name: &'static str, began: Instant, outcome: Outcome) {
        self.cases.push(Case { name, outcome, took: began.elapsed() });
    }

    async fn call(&self, engine: &Arc<LoadedEngine>, page: Page) -> Called {
        let cancel = CancellationToken::new();
        self.host.recognize(engine, Arc::new(page), self.subject.options(), cancel).await
    }

    /// Loads the engine as a case.
    async fn load(&mut self) -> Option<Arc<LoadedEngine>> {
        let began = Instant::now();
        match loaded(self.host, self.subject).await {
            Ok(engine) => {
                let text = format!("{} {}", engine.described().id, engine.version());
                self.note("load", began, Outcome::Passed(text));
                Some(engine)
            }
            Err(error) => {
                self.note("load", began, Outcome::Failed(error.to_string()));
                None
            }
        }
    }

    /// Pages that must be recognised, and pages that may be refused.
    async fn pages(&mut self, engine: &Arc<LoadedEngine>) {
        let skip = self.skip_pages();
        let must: [Try; 5] = [
            ("gray", pages::gray),
            ("rgb", pages::rgb),
            ("rotated", pages::rotated),
            ("blank", pages::blank),
            ("a4-300dpi", pages::a4),
        ];
        let may: [Try; 2] = [("1x1", pages::pixel), ("huge", pages::huge)];
        for (name, page) in must {
            let began = Instant::now();
            let outcome = match &skip {
                Some(why) => Outcome::Skipped(why.clone()),
                None => answered(&self.call(engine, page()).await),
            };
            self.note(name, began, outcome);
        }
        for (name, page) in may {
            let began = Instant::now();
            let outcome = match &skip {
                Some(why) => Outcome::Skipped(why.clone()),
                None => answered_or_refused(&self.call(engine, page()).await),
            };
            self.note(name, began, outcome);
        }
        let began = Instant::now();
        let outcome = self.determinism(engine, skip.as_ref()).await;
        self.note("determinism", began, outcome);
        let began = Instant::now();
        let outcome = self.older_host(engine, skip.as_ref()).await;
        self.note("without-layout", began, outcome);
    }

    /// A host that does not know `recognize-layout` gets the same words through
    /// `recognize`.
    async fn older_host(&self, engine: &Arc<LoadedEngine>, skip: Option<&String>) -> Outcome {
        if let Some(why) = skip {
            return Outcome::Skipped(why.clone());
        }
        if !engine.pre.has_layout() {
            return Outcome::Skipped("it does not export layout-engine".to_owned());
        }
        let older = self.within(|engine| engine.pre = engine.pre.clone().without_layout()).await;
        let older = match older {
            Ok(older) => self.call(&older, pages::gray()).await,
            Err(error) => Err(error),
        };
        match (self.call(engine, pages::gray()).await, older) {
            (Ok(layout), Ok(text)) if words(&layout) == words(&text) || !engine.described().deterministic => {
                Outcome::Passed("recognize and recognize-layout both answer".to_owned())
            }
            (Ok(layout), Ok(text)) => Outcome::Failed(format!(
                "recognize-layout finds {:?} and recognize {:?}; both have to find the same words",
                words(&layout),
                words(&text)
            )),
            (Err(error), _) | (_, Err(error)) => Outcome::Failed(error.to_string()),
        }
    }

    fn skip_pages(&self) -> Option<String> {
        if self.subject.settings.to_string().contains(SERVER) {
            return Some("its server is a test server, which recognises no pages".to_owned());
        }
        let no_server = "it calls servers, and none is granted; use --grants".to_owned();
        self.subject.needs_servers().then_some(no_server)
    }

    async fn determinism(&self, engine: &Arc<LoadedEngine>, skip: Option<&String>) -> Outcome {
        if let Some(why) = skip {
            return Outcome::Skipped(why.clone());
        }
        if !engine.described().deterministic {
            return Outcome::Skipped("it is not declared deterministic".to_owned());
        }
        let (first, second) =
            (self.call(engine, pages::gray()).await, self.call(engine, pages::gray()).await);
        match (first, second) {
            (Ok(first), Ok(second)) if first.text == second.text => {
                Outcome::Passed("the same page gives the same result twice".to_owned())
            }
            (Ok(_), Ok(_)) => Outcome::Failed(
                "it is declared deterministic, but the same page gives different results".to_owned(),
            ),
            (Err(error), _) | (_, Err(error)) => Outcome::Failed(error.to_string()),
        }
    }

    /// Cancellation, time limit and memory limit: the call ends correctly and soon.
    async fn limits(&mut self) {
        let began = Instant::now();
        let outcome = self.cancelled().await;
        self.note("cancelled", began, outcome);
        let began = Instant::now();
        let outcome = self.budget().await;
        self.note("1ms-budget", began, outcome);
        let began = Instant::now();
        let outcome = self.memory().await;
        self.note("memory-class", began, outcome);
    }

    /// The engine, changed.
    async fn within(&self, change: impl FnOnce(&mut LoadedEngine)) -> Result<Arc<LoadedEngine>, PluginError> {
        let mut engine =
            self.host.load(&self.subject.package.name, &self.subject.package, &self.subject.grants).await?;
        change(&mut engine);
        Ok(Arc::new(engine))
    }

    async fn cancelled(&self) -> Outcome {
        let engine = match self.within(|_| ()).await {
            Ok(engine) => engine,
            Err(error) => return Outcome::Failed(error.to_string()),
        };
        let cancel = CancellationToken::new();
        let page = Arc::new(pages::a4());
        let calling = self.host.recognize(&engine, page, self.subject.options(), cancel.clone());
        let stopping = async {
            tokio::time::sleep(BEFORE_CANCEL).await;
            cancel.cancel();
            Instant::now()
        };
        let (called, stopped) = tokio::join!(calling, stopping);
        let late = stopped.elapsed();
        match called {
            Err(error) if error.class() == Class::Cancelled && late <= OVERSHOOT => {
                Outcome::Passed(format!("it ended {:.1} ms later", late.as_secs_f64() * 1_000.0))
            }
            Err(error) if error.class() == Class::Cancelled => {
                Outcome::Failed(format!("it ended {late:?} later"))
            }
            Ok(_) => Outcome::Passed("it finished before".to_owned()),
            Err(error) => passed_if_refused(&error),
        }
    }

    async fn budget(&self) -> Outcome {
        let wall = Duration::from_millis(1);
        let engine = match self.within(|engine| engine.limits.wall = wall).await {
            Ok(engine) => engine,
            Err(error) => return Outcome::Failed(error.to_string()),
        };
        let began = Instant::now();
        let called = self.call(&engine, pages::a4()).await;
        let late = began.elapsed().saturating_sub(wall);
        match called {
            Err(
                PluginError::Timeout { .. } | PluginError::Model { fault: ModelFault::Timeout { .. }, .. },
            ) => {
                let text = format!("it was stopped {:.1} ms later", late.as_secs_f64() * 1_000.0);
                if late <= OVERSHOOT { Outcome::Passed(text) } else { Outcome::Failed(text) }
            }
            Ok(_) => Outcome::Passed("it finished before".to_owned()),
            Err(error) => passed_if_refused(&error),
        }
    }

    /// A large page has to fit into the memory limit.
    async fn memory(&self) -> Outcome {
        if let Some(why) = self.skip_pages() {
            return Outcome::Skipped(why);
        }
        let engine = match self.within(|_| ()).await {
            Ok(engine) => engine,
            Err(error) => return Outcome::Failed(error.to_string()),
        };
        match self.call(&engine, pages::a4()).await {
            Ok(read) => {
                let (peak, allowed) =
                    (read.usage.memory_bytes_peak >> 20, engine.limits().memory_bytes_max >> 20);
                Outcome::Passed(format!("A4 at 300 dpi takes {peak} MiB of {allowed}"))
            }
            Err(error) => Outcome::Failed(error.to_string()),
        }
    }

    /// A model that can't be read makes an error of the engine, not a crash.
    async fn broken_model(&mut self) {
        let began = Instant::now();
        let mut broken = self.subject.clone();
        let mut models = 0;
        for asset in broken.package.manifest.iter_mut().flat_map(|manifest| &mut manifest.assets) {
            if asset.file().ends_with(".onnx") {
                let bytes = Bytes::from_static(b"not a model");
                asset.sha256 = hex::encode(Sha256::digest(&bytes));
                broken.package.assets.insert(asset.name.clone(), bytes);
                models += 1;
            }
        }
        let outcome = match (models, self.skip_pages()) {
            (0, _) => Outcome::Skipped("it has no models (*.onnx)".to_owned()),
            (_, Some(why)) => Outcome::Skipped(why),
            _ => match loaded(self.host, &broken).await {
                Err(error) => Outcome::Failed(error.to_string()),
                Ok(engine) => match self.call(&engine, pages::gray()).await {
                    Ok(_) => Outcome::Passed("it answers without its models".to_owned()),
                    Err(error) => passed_if_refused(&error),
                },
            },
        };
        self.note("broken-model", began, outcome);
    }

    /// Without a grant the call ends in an error of the engine or the host, not in a
    /// crash.
    async fn egress(&mut self) {
        let began = Instant::now();
        let asks =
            self.subject.package.manifest.as_ref().is_some_and(crate::manifest::Manifest::asks_servers);
        let outcome = if asks {
            let bare = Subject { grants: Grants::default(), ..self.subject.clone() };
            let settings = bare.settings.to_string().replace(SERVER, "http://127.0.0.1:9");
            let bare = Subject { settings: serde_json::from_str(&settings).unwrap_or_default(), ..bare };
            match loaded(self.host, &bare).await {
                Err(error) => Outcome::Failed(error.to_string()),
                Ok(engine) => {
                    let (page, cancel) = (Arc::new(pages::gray()), CancellationToken::new());
                    match self.host.recognize(&engine, page, bare.options(), cancel).await {
                        Ok(_) => Outcome::Passed("it answers without its server".to_owned()),
                        Err(error) => passed_if_refused(&error),
                    }
                }
            }
        } else {
            Outcome::Skipped("it calls no servers".to_owned())
        };
        self.note("denied-egress", began, outcome);
    }

    async fn servers(&mut self) {
        for (name, reply) in servers::REPLIES {
            let began = Instant::now();
            let outcome = if self.subject.settings.to_string().contains(SERVER) {
                servers::run(self.host, self.subject, reply).await
            } else {
                Outcome::Skipped(format!("settings name no {SERVER}"))
            };
            self.note(name, began, outcome);
        }
    }
}

fn answered(called: &Called) -> Outcome {
    match called {
        Ok(read) => {
            let (words, wall) = (words(read).len(), read.usage.wall);
            Outcome::Passed(format!("{words} words in {:.1} ms", wall.as_secs_f64() * 1_000.0))
        }
        Err(error) => Outcome::Failed(error.to_string()),
    }
}

fn words(read: &Recognized) -> Vec<&str> {
    let lines = read.text.blocks.iter().flat_map(|block| &block.lines);
    lines.flat_map(|line| &line.words).map(|word| word.text.as_str()).collect()
}

fn answered_or_refused(called: &Called) -> Outcome {
    match called {
        Ok(_) => answered(called),
        Err(error) => passed_if_refused(error),
    }
}

/// Passed if the engine refused the page, or the host refused it a resource.
fn passed_if_refused(error: &PluginError) -> Outcome {
    match error {
        PluginError::Refused { .. }
        | PluginError::CapabilityDenied { .. }
        | PluginError::MemoryLimit { .. }
        | PluginError::Model { fault: ModelFault::Memory { .. }, .. } => Outcome::Passed(error.to_string()),
        other => Outcome::Failed(other.to_string()),
    }
}
