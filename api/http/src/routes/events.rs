//! `GET /api/tasks/:id/events`: what happens to one task, as server-sent events.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{Stream, stream};
use salvo::http::StatusCode;
use salvo::http::header::{CACHE_CONTROL, HeaderValue};
use salvo::prelude::{Depot, Request, Response, handler};
use salvo::sse::{self, SseEvent};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};
use untxt_engine::engine::Engine;
use untxt_engine::id::RunId;
use untxt_engine::journal::JournalError;
use untxt_engine::watch::{RunWatcher, WatchError};
use untxt_workflows::updates::UpdateProjector;

use super::named_task;
use crate::app_state::AppState;
use crate::auth::principal::Principal;
use crate::boxed::boxed;
use crate::connection_limiter::ConnectionPermit;
use crate::error::ApiError;
use crate::meter;
use crate::views;

/// Proxies close connections on which nothing comes for a minute or less.
const KEEP_ALIVE_EVERY: Duration = Duration::from_secs(15);

/// How soon a client that lost its connection comes back.
const RECONNECT_AFTER: Duration = Duration::from_secs(2);

#[handler]
#[boxed]
pub(crate) async fn events(req: &mut Request, depot: &mut Depot, res: &mut Response) -> Result<(), ApiError> {
    let state = AppState::of(depot)?;
    let (task, _) = named_task(req, depot).await?;
    let after = last_seen(req)?;
    let (engine, run) = (state.platform.records.engine(), RunId(task.id));
    let permit = state.permit_connection(task.user_id)?;
    // Register before you look: what happens in between is heard.
    let watcher = engine.watch_run(run, after).await?;
    let found = engine.run(run).await?.ok_or_else(|| ApiError::no_task(&task.id.to_string()))?;
    if found.status.is_terminal() && after >= found.seq {
        // Nothing comes any more; browsers don't come back after this.
        res.status_code(StatusCode::NO_CONTENT);
        return Ok(());
    }
    // A history that is not kept any more is an answer, not a stream that breaks.
    engine.history(run, after, 1).await?;
    let stream = EventStream::new(engine.clone(), run, watcher, until(state, Principal::of(depot)?), permit);
    sse::stream(res, Box::pin(stream.updates()));
    res.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Proxies that gather what they pass on would keep it from the client.
    res.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(())
}

/// Until the server goes, or the caller is nobody any more.
fn until(state: &AppState, caller: &Principal) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    let (shutdown, auth, caller) = (state.shutdown.clone(), Arc::clone(&state.auth), caller.clone());
    Box::pin(async move {
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = auth.ended(&caller) => {}
        }
    })
}

/// The `seq` after which the client wants to hear.
fn last_seen(req: &Request) -> Result<u64, ApiError> {
    let header = req.headers().get("last-event-id");
    let text = match header {
        Some(value) => value.to_str().unwrap_or("?").to_owned(),
        None => req.query::<String>("afterSeq").unwrap_or_default(),
    };
    match text.trim() {
        "" => Ok(0),
        text => text.parse().map_err(|_| ApiError::field("Last-Event-ID", "not an event number")),
    }
}

/// One task's events on their way to one client.
struct EventStream {
    engine: Engine,
    run: RunId,
    watcher: RunWatcher,
    projector: UpdateProjector,
    until: Pin<Box<dyn Future<Output = ()> + Send>>,
    keep_alive: Interval,
    begun: bool,
    over: bool,
    _permit: ConnectionPermit,
    _open: meter::Open,
}

impl EventStream {
    fn new(
        engine: Engine,
        run: RunId,
        watcher: RunWatcher,
        until: Pin<Box<dyn Future<Output = ()> + Send>>,
        permit: ConnectionPermit,
    ) -> Self {
        let mut keep_alive = interval_at(Instant::now() + KEEP_ALIVE_EVERY, KEEP_ALIVE_EVERY);
        keep_alive.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let projector = UpdateProjector::of_histories();
        let open = meter::socket_open("sse");
        Self {
            engine,
            run,
            watcher,
            projector,
            until,
            keep_alive,
            begun: false,
            over: false,
            _permit: permit,
            _open: open,
        }
    }

    fn updates(self) -> impl Stream<Item = Result<SseEvent, Infallible>> + Send {
        stream::unfold(self, |mut stream| async move {
            let line = stream.next().await?;
            Some((Ok(line), stream))
        })
    }

    /// The next line; `None` after the task's end, and when the rest can't be
    /// told now: the client comes back with the last id it has.
    async fn next(&mut self) -> Option<SseEvent> {
        if self.over {
            return None;
        }
        if !self.begun {
            // The first thing said is a sign of life, whatever there is to tell.
            return self.sign_of_life().await;
        }
        loop {
            tokio::select! {
                biased;
                () = &mut self.until => return None,
                _ = self.keep_alive.tick() => return self.sign_of_life().await,
                event = self.watcher.next() => {
                    let event = match event {
                        Err(WatchError::Journal(JournalError::UnknownRun(_))) => return self.erased(),
                        event => event.ok()??,
                    };
                    let update = self.projector.tell(&self.engine, &event).await.ok()?;
                    if let Some(update) = update {
                        let message = views::task_update(&update, AppState::steps());
                        let line = SseEvent::default().name("task_update").text(message.to_string());
                        return Some(line.id(update.seq.to_string()));
                    }
                }
            }
        }
    }

    /// The last line of a task that was erased. A client that comes back is told
    /// that there is none.
    fn erased(&mut self) -> Option<SseEvent> {
        self.over = true;
        let message = views::task_erased(self.run.0);
        Some(SseEvent::default().name("task_erased").text(message.to_string()))
    }

    /// A comment; the end for a task that was erased.
    async fn sign_of_life(&mut self) -> Option<SseEvent> {
        if !std::mem::replace(&mut self.begun, true) {
            return Some(SseEvent::default().comment("").retry(RECONNECT_AFTER));
        }
        let run = self.engine.run(self.run).await;
        match run {
            Ok(Some(_)) => Some(SseEvent::default().comment("")),
            Ok(None) => self.erased(),
            Err(_) => None,
        }
    }
}
