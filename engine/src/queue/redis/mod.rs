//! A queue in Redis, shared by all processes. Each call is one script, so it is
//! done whole or not at all, in one round trip. Whatever is lost there (a flush,
//! a restart, a push that did not arrive) the journal offers again.

mod connection;
mod delivery;
mod held;
mod keys;
mod notifier;
mod scripts;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use redis::{FromRedisValue, Script, ScriptInvocation};
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

use self::connection::Server;
use self::held::Held;
use self::keys::Keys;
use self::notifier::{Notifier, Topic};
use self::scripts::Scripts;
use super::{AGE_STEP, Depth, Pulled, Queue, QueueError, QueueServer};
use crate::backoff::pause;
use crate::controls::{Controls, CurrentControls, TenantControls};
use crate::decide::Scheduled;
use crate::time::{Clock, SystemClock, Timestamp};

/// Deliveries that one script is given: what keeps each below a millisecond or two.
const BATCH: usize = 256;
/// Deliveries that one pull takes.
const PULL_MAX: usize = 128;
/// How long a pulled delivery stays away unless its process says that it lives.
const LEASE: Duration = Duration::from_secs(3);
/// Times that a process says so within the lease.
const RENEWALS: u32 = 4;
/// How often a process has a pull look at what became due, was left behind, aged
/// or may go on. One that would find nothing else looks at once.
const TIDY_EVERY: Duration = Duration::from_millis(20);
/// How long the mark lasts that somebody waits to be woken: longer than it takes
/// until that one looks again and renews it.
const WAITING: Duration = Duration::from_secs(2);

/// The queue of a Redis server. It need not be there: calls fail as long as it
/// is away, and work again once it is back.
pub struct RedisQueue {
    server: Server,
    scripts: Arc<Scripts>,
    notifier: Arc<Notifier>,
    held: Arc<Held>,
    controls: CurrentControls,
    /// What due times are told by; the server has a clock of its own.
    clock: Arc<dyn Clock>,
    age_step: Duration,
    lease: Duration,
    _listening: AbortOnDropHandle<()>,
    _renewing: AbortOnDropHandle<()>,
}

/// What a pull found: when to look again (milliseconds, -1 unknown), and ids with
/// deliveries.
type Found = (i64, Vec<Vec<u8>>);

impl RedisQueue {
    /// The queue at `url` (`redis://…`, `rediss://…`). Nothing is connected yet.
    /// Must be called within a Tokio runtime.
    ///
    /// # Errors
    /// [`QueueError::Address`] when the URL can't be read.
    pub fn open(url: &str) -> Result<Self, QueueError> {
        Self::with_times(url, AGE_STEP, LEASE)
    }

    /// The same, with other times: how long a delivery waits until it counts one
    /// level higher, and how long after the last sign of life of whoever pulled
    /// it one is put back.
    ///
    /// # Errors
    /// Those of [`Self::open`].
    pub fn with_times(url: &str, age_step: Duration, lease: Duration) -> Result<Self, QueueError> {
        let server = Server::at(url)?;
        let (scripts, notifier, held) =
            (Arc::new(Scripts::new()), Arc::<Notifier>::default(), Arc::<Held>::default());
        let listening = tokio::spawn(Arc::clone(&notifier).listen(server.clone()));
        let renewing = Renewing {
            server: server.clone(),
            scripts: Arc::clone(&scripts),
            notifier: Arc::clone(&notifier),
            held: Arc::clone(&held),
            lease,
        };
        Ok(Self {
            server,
            scripts,
            notifier,
            held,
            controls: CurrentControls::default(),
            clock: Arc::new(SystemClock),
            age_step,
            lease,
            _listening: AbortOnDropHandle::new(listening),
            _renewing: AbortOnDropHandle::new(tokio::spawn(renewing.run())),
        })
    }

    /// The same, for due times that are told by `clock`: the journal's. What is
    /// due there in a second is due here in a second, whatever time it is here.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    async fn run<T: FromRedisValue>(
        &self,
        topic: &Topic,
        script: &Script,
        arguments: impl FnOnce(&mut ScriptInvocation<'_>),
    ) -> Result<T, QueueError> {
        self.server
            .run(script, &topic.keys, arguments)
            .await
            .inspect_err(|_| self.notifier.mark_disconnected())
    }

    /// One look for deliveries; when to look again if there are none.
    async fn look(
        &self,
        topic: &Topic,
        max: usize,
        will_wait: bool,
    ) -> Result<(Vec<Pulled>, Option<Duration>), QueueError> {
        if self.controls.get().paused_workflows.contains(&topic.name) {
            return Ok((Vec::new(), None));
        }
        let tidies = topic.tidies(TIDY_EVERY);
        let waiting = if will_wait { ms(WAITING) } else { 0 };
        let (wake_in, found): Found = self
            .run(topic, &self.scripts.pull, |invocation| {
                invocation.arg(ms(self.age_step)).arg(max.min(PULL_MAX)).arg(ms(self.lease));
                invocation.arg(waiting).arg(u8::from(tidies));
            })
            .await?;
        let (mut pulled, mut unreadable) = (Vec::new(), Vec::new());
        for pair in found.chunks_exact(2) {
            match delivery::decode(&pair[0], &pair[1]) {
                Some(one) => pulled.push(one),
                None => unreadable.push(pair[0].clone()),
            }
        }
        self.held.add(&topic.name, pulled.iter().map(|pulled| pulled.delivery.id()));
        if !unreadable.is_empty() {
            self.throw_out(topic, &unreadable).await?;
        }
        let wake_in = u64::try_from(wake_in).ok().map(|ms| Duration::from_millis(ms.max(1)));
        Ok((pulled, wake_in))
    }

    /// Removes what this program did not write, so that it does not come again.
    async fn throw_out(&self, topic: &Topic, ids: &[Vec<u8>]) -> Result<(), QueueError> {
        tracing::warn!(
            topic = topic.name,
            count = ids.len(),
            "threw entries out of the queue that are no deliveries"
        );
        let _: i64 =
            self.run(topic, &self.scripts.acknowledge, |invocation| add_all(invocation, ids)).await?;
        Ok(())
    }

    async fn counts(&self, topic: &str, priority: u8) -> Result<[u64; 4], QueueError> {
        let topic = self.notifier.topic(topic);
        let (waiting, scheduled, in_flight, above): (u64, u64, u64, u64) = self
            .run(&topic, &self.scripts.count, |invocation| {
                invocation.arg(priority);
            })
            .await?;
        Ok([waiting, scheduled, in_flight, above])
    }

    /// Has the topic keep to the controls, unless it does already.
    async fn set(&self, topic: &Topic, controls: &Controls) -> Result<(), QueueError> {
        if controls.revision == 0 {
            return Ok(());
        }
        let script = &self.scripts.configure;
        let wanted: i64 = self
            .run(topic, script, |invocation| {
                invocation.arg(controls.revision).arg(0);
            })
            .await?;
        if wanted == 0 {
            return Ok(());
        }
        let set = self.run(topic, script, |invocation| {
            invocation.arg(controls.revision).arg(1);
            for (tenant, set) in &controls.tenants {
                invocation.arg(tenant).arg(&allowance(*set)[..]);
            }
        });
        set.await.map(|_: i64| ())
    }
}

fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn add_all(invocation: &mut ScriptInvocation<'_>, ids: &[impl AsRef<[u8]>]) {
    for id in ids {
        invocation.arg(id.as_ref());
    }
}

fn add_delivery(invocation: &mut ScriptInvocation<'_>, due: &Scheduled) {
    invocation
        .arg(&due.delivery.id().as_bytes()[..])
        .arg(due.due_at.0)
        .arg(due.priority.clamp(1, super::PRIORITY_MAX))
        .arg(&due.tenant)
        .arg(&delivery::encode(&due.delivery)[..]);
}

/// What a tenant gets, as the scripts read it: four numbers, of which a limit
/// that is not set is -1.
fn allowance(set: TenantControls) -> Vec<u8> {
    let limit = |limit: Option<NonZeroU32>| limit.map_or(-1.0, |limit| f64::from(limit.get()));
    let numbers = [
        f64::from(set.weight.get()),
        limit(set.concurrency),
        limit(set.starts_per_minute),
        f64::from(u8::from(set.paused)),
    ];
    numbers.iter().flat_map(|number| number.to_be_bytes()).collect()
}

#[async_trait]
impl Queue for RedisQueue {
    async fn push(&self, topic: &str, deliveries: &[Scheduled]) -> Result<usize, QueueError> {
        let (topic, mut new) = (self.notifier.topic(topic), 0);
        for deliveries in deliveries.chunks(BATCH) {
            let now = self.clock.now();
            let pushed = self.run(&topic, &self.scripts.push, |invocation| {
                invocation.arg(ms(self.age_step)).arg(now.0);
                deliveries.iter().for_each(|due| add_delivery(invocation, due));
            });
            let pushed: usize = pushed.await?;
            new += pushed;
        }
        Ok(new)
    }

    async fn pull(&self, topic: &str, max: usize, patience: Duration) -> Result<Vec<Pulled>, QueueError> {
        let topic = self.notifier.topic(topic);
        let patient_until = Instant::now() + patience;
        loop {
            let rung = topic.pushed.notified();
            tokio::pin!(rung);
            // Armed before looking, so that a push in between is not slept through.
            rung.as_mut().enable();
            let will_wait = Instant::now() < patient_until;
            let (pulled, wake_in) = self.look(&topic, max, will_wait).await?;
            let now = Instant::now();
            if !pulled.is_empty() || now >= patient_until {
                return Ok(pulled);
            }
            let look_in = wake_in.unwrap_or(Duration::MAX).min(self.notifier.poll_interval());
            // Over or woken, the next look tells.
            let _ = tokio::time::timeout_at(patient_until.min(now + look_in), rung).await;
        }
    }

    async fn acknowledge(&self, topic: &str, deliveries: &[Uuid]) -> Result<(), QueueError> {
        self.held.remove(topic, deliveries);
        let topic = self.notifier.topic(topic);
        for ids in deliveries.chunks(BATCH) {
            let _: i64 =
                self.run(&topic, &self.scripts.acknowledge, |invocation| add_all(invocation, ids)).await?;
        }
        Ok(())
    }

    async fn release(&self, topic: &str, deliveries: &[Uuid]) -> Result<(), QueueError> {
        self.held.remove(topic, deliveries);
        let topic = self.notifier.topic(topic);
        for ids in deliveries.chunks(BATCH) {
            let released = self.run(&topic, &self.scripts.release, |invocation| {
                invocation.arg(ms(self.age_step));
                add_all(invocation, ids);
            });
            let _: i64 = released.await?;
        }
        Ok(())
    }

    async fn configure(&self, controls: &Arc<Controls>) -> Result<(), QueueError> {
        let newer = self.controls.take(controls);
        let controls = self.controls.get();
        for topic in self.notifier.topics() {
            self.set(&topic, &controls).await?;
            if newer {
                topic.pushed.notify_waiters();
            }
        }
        Ok(())
    }

    async fn ahead(&self, topic: &str, priority: u8) -> Result<u64, QueueError> {
        let [_, _, _, above] = self.counts(topic, priority).await?;
        Ok(above)
    }

    async fn depth(&self, topic: &str) -> Result<Depth, QueueError> {
        let [ready, scheduled, in_flight, _] = self.counts(topic, 1).await?;
        Ok(Depth { ready, scheduled, in_flight })
    }

    async fn server(&self) -> Result<Option<QueueServer>, QueueError> {
        if let Some(primaries @ 2..) = self.server.primaries().await {
            return Err(QueueError::Cluster { primaries });
        }
        // A topic of its own, which holds nothing.
        let keys = Keys::of("about");
        let (now, about): (i64, String) = self.server.run(&self.scripts.about, &keys, |_| {}).await?;
        let version = about.lines().find_map(|line| line.strip_prefix("redis_version:"));
        Ok(Some(QueueServer { version: version.unwrap_or("unknown").trim().to_owned(), now: Timestamp(now) }))
    }
}

/// Says of all that this process pulled that it is alive.
struct Renewing {
    server: Server,
    scripts: Arc<Scripts>,
    notifier: Arc<Notifier>,
    held: Arc<Held>,
    lease: Duration,
}

impl Renewing {
    async fn run(self) {
        loop {
            pause(self.lease / RENEWALS).await;
            for topic in self.notifier.topics() {
                self.renew(&topic).await;
            }
        }
    }

    async fn renew(&self, topic: &Topic) {
        for ids in self.held.of(&topic.name).chunks(BATCH) {
            let renewed: Result<i64, _> = self
                .server
                .run(&self.scripts.renew, &topic.keys, |invocation| {
                    invocation.arg(ms(self.lease));
                    add_all(invocation, ids);
                })
                .await;
            // The pulls, which go the same way, say that it does not answer.
            if renewed.is_err() {
                return self.notifier.mark_disconnected();
            }
        }
    }
}
