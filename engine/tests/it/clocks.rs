//! Machines whose clocks are twenty seconds apart, over one PostgreSQL and one
//! Redis.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;
use untxt_engine::engine::Engine;
use untxt_engine::journal::clock::{follow, shared_clock};
use untxt_engine::journal::database::connect;
use untxt_engine::journal::sql::SqlJournal;
use untxt_engine::queue::redis::RedisQueue;
use untxt_engine::state::RunStatus;
use untxt_engine::time::{Clock, SystemClock, Timestamp};
use untxt_engine::worker::WorkerConfig;
use untxt_engine::workflow::Workflow;
use untxt_engine::workflow::Workflows;
use untxt_stack::postgres::Postgres;
use untxt_stack::redis::Redis;

use crate::stage::{PAGES, Working, code, config, history, in_time, names, new_run, paper, policy, returns};

const LEASE: Duration = Duration::from_secs(1);

/// This machine's clock, set wrong.
struct Wrong {
    ahead_ms: i64,
}

impl Clock for Wrong {
    fn now(&self) -> Timestamp {
        Timestamp(SystemClock.now().0 + self.ahead_ms)
    }
}

/// An engine as a machine has it whose clock is wrong.
struct Machine {
    engine: Engine,
    ahead_ms: i64,
    _following: AbortOnDropHandle<()>,
}

impl Machine {
    async fn at(ahead_ms: i64, postgres: &str, redis: &str, workflow: &Workflow) -> Self {
        let db = connect(postgres).await.unwrap();
        let clock = shared_clock(&db, Arc::new(Wrong { ahead_ms })).await.unwrap();
        let heard = clock.own_is_ahead_ms().unwrap();
        assert!((heard - ahead_ms).abs() < 500, "{heard} is not {ahead_ms}");
        let following = AbortOnDropHandle::new(tokio::spawn(follow(db.clone(), Arc::clone(&clock))));
        let workflows = Workflows::new([workflow.clone()]).unwrap();
        let journal = SqlJournal::new(db, workflows, clock.clone(), || 0.0);
        let queue = RedisQueue::open(redis).unwrap().with_clock(clock.clone());
        let builder = Engine::builder(Arc::new(journal), Arc::new(queue)).clock(clock);
        let engine = builder.build();
        Self { engine, ahead_ms, _following: following }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_dies_and_nothing_waits_where_clocks_are_twenty_seconds_apart() {
    let servers = tokio::task::spawn_blocking(|| (Postgres::start().unwrap(), Redis::start().unwrap()));
    let (postgres, redis) = servers.await.unwrap();
    untxt_migrations::up(&connect(&postgres.url()).await.unwrap().for_layout()).await.unwrap();
    let (begun, mut seen) = watch::channel(0_u32);
    let (done, go_on) = watch::channel(false);
    // Held until the leases were looked at for long enough.
    let page = code(move |context| {
        begun.send_modify(|begun| *begun += 1);
        let mut go_on = go_on.clone();
        async move {
            go_on.wait_for(|go_on| *go_on).await.unwrap();
            returns(serde_json::json!({ "page": context.slot.item }))
        }
    });
    let workflow = paper(policy(), page);
    let mut machines = Vec::new();
    for ahead_ms in [0, 20_000, -20_000] {
        machines.push(Machine::at(ahead_ms, &postgres.url(), &redis.url(), &workflow).await);
    }
    let config = WorkerConfig {
        heartbeat_every: LEASE / 5,
        lease: LEASE,
        reconcile_every: LEASE / 5,
        ..config(PAGES as usize)
    };
    let mut runs = Vec::new();
    for machine in &machines {
        let run = machine.engine.submit(new_run(&workflow)).await.unwrap().id;
        runs.push((run, machine.ahead_ms));
    }
    let working: Vec<Working> =
        machines.iter().map(|machine| Working::begin(&machine.engine, config.clone())).collect();
    let all = u32::try_from(runs.len()).unwrap() * PAGES;
    in_time(seen.wait_for(|begun| *begun == all)).await.unwrap();
    let begun_at = machines[0].engine.now();
    // Each heartbeat of each worker is seen, for as long as three leases are.
    while machines[0].engine.now().since(begun_at) < 3 * LEASE {
        for worker in in_time(machines[0].engine.workers()).await.unwrap() {
            let silent = machines[0].engine.now().since(worker.heartbeat_at);
            assert!(silent < LEASE, "{worker:?} seems to have been silent for {silent:?}");
        }
    }
    done.send_replace(true);
    for (run, ahead_ms) in runs {
        let state = in_time(machines[0].engine.wait(run)).await.unwrap();
        assert_eq!(state.status, RunStatus::Completed, "submitted {ahead_ms} ms ahead");
        let history = history(&machines[0].engine, run).await;
        assert!(!names(&history).contains(&"lost".to_owned()), "{history:?}");
        let span = history.last().unwrap().at.since(history[0].at);
        assert!(span < 15 * LEASE, "{span:?}");
        // A machine knows the common clock to half a round trip, which takes longer
        // while all cores are busy; the clocks are twenty times as far apart.
        assert!(history.windows(2).all(|pair| pair[1].at.0 + 1_000 >= pair[0].at.0), "{history:?}");
    }
    drop(working);
    drop(machines);
    tokio::task::spawn_blocking(move || drop((postgres, redis))).await.unwrap();
}
