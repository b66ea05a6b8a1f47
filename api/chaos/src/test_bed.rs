//! The service and the servers it stands on, from the first start to the last
//! look at what they left.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use untxt_engine::journal::database::{self, Database};

use crate::check;
use crate::children::{Children, Role};
use crate::fault_group::FaultGroup;
use crate::findings::{ClientRecord, Findings};
use crate::journal::{self, Journal};
use crate::output;
use crate::plan::Plan;
use crate::servers::Servers;
use crate::{http, progress};

/// After this long a silence a worker's claims are taken over.
const LEASE_MS: u64 = 2_000;

/// Steps that each worker does at once.
const CONCURRENCY: usize = 2;

/// How long a worker may keep a task's files after its end: it compares them
/// with the journal every ten seconds.
const FILES_GONE_WITHIN: Duration = Duration::from_secs(25);

/// Between two looks at the files.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Everything that runs.
pub(crate) struct TestBed {
    pub(crate) servers: Arc<Servers>,
    pub(crate) children: Arc<Children>,
    pub(crate) database: Database,
}

impl TestBed {
    /// Starts the servers, then as many processes of the service over them.
    ///
    /// # Errors
    /// When one of them can't be started.
    pub(crate) async fn start(
        plan: &Plan,
        home: &Path,
        processes: (usize, usize),
        faults: &[FaultGroup],
    ) -> anyhow::Result<Self> {
        let servers = Servers::start(home).await?;
        let mut environment = servers.environment();
        environment.push(("UNTXT_WORKER_CONCURRENCY", CONCURRENCY.to_string()));
        environment.push(("UNTXT_LEASE_MS", LEASE_MS.to_string()));
        environment.push(("UNTXT_LOG", "info".to_owned()));
        let children = Children::start((&plan.untxt, home), &environment, processes, faults)?;
        let database = database::connect(&servers.database_url).await?;
        Ok(Self { servers: Arc::new(servers), children: Arc::new(children), database })
    }

    /// Waits until every task has ended.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn settle(&self, findings: &mut Findings) -> anyhow::Result<()> {
        if !progress::settled(&self.database).await {
            let unfinished = progress::unfinished(&self.database).await?;
            findings.add("every task ends", [format!("{unfinished} tasks stand still")]);
        }
        Ok(())
    }

    /// Ends the service and compares what it promised with what it left.
    ///
    /// # Errors
    /// When the database does not answer or a disk can't be read.
    pub(crate) async fn judge(
        &self,
        seen: &ClientRecord,
        findings: &mut Findings,
    ) -> anyhow::Result<Journal> {
        self.files_go(findings).await?;
        self.health(findings).await;
        self.stop(findings).await?;
        let journal = journal::read(&self.database, findings).await?;
        check::promises(seen, &journal.exhausted, (&self.servers, &self.database), findings).await?;
        check::nothing_left(&self.database, findings).await?;
        check::queue_is_empty(&self.servers, findings).await?;
        Ok(journal)
    }

    /// Waits until no process has a file of a task left.
    async fn files_go(&self, findings: &mut Findings) -> anyhow::Result<()> {
        let began = Instant::now();
        loop {
            let files = check::temporary_files(&self.children)?;
            if files.is_empty() {
                return Ok(());
            }
            if began.elapsed() > FILES_GONE_WITHIN {
                findings.add("no temporary file outlives its task", files);
                return Ok(());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// When everything is well again, every server says so.
    async fn health(&self, findings: &mut Findings) {
        for api in self.children.with_role(Role::Api) {
            let asked = match api.address() {
                Some(address) => http::get(address, "/health").await,
                None => Err("it does not listen".to_owned()),
            };
            let found = match asked {
                Ok(answer) if answer.body["data"]["status"] == "healthy" => None,
                Ok(answer) => Some(format!("{}: {}", api.name, answer.body)),
                Err(error) => Some(format!("{}: {error}", api.name)),
            };
            findings.add("a service that is well says so", found);
        }
    }

    /// Drains every process, which leaves nothing behind.
    async fn stop(&self, findings: &mut Findings) -> anyhow::Result<()> {
        let stops = self.children.processes.iter().map(|process| async move {
            let wrong = process.stop().await;
            (process, wrong)
        });
        for (process, wrong) in futures_util::future::join_all(stops).await {
            findings.add("SIGTERM drains", wrong.map(|wrong| format!("{}: {wrong}", process.name)));
            findings.add("no fault ends a process", process.faults());
        }
        let files = check::temporary_files(&self.children)?;
        findings.add("a process that ends leaves no file", files);
        Ok(())
    }

    /// Stops the servers, leaves their data behind and says how to look at it.
    pub(crate) async fn keep(&self) {
        let database = self.servers.with_postgres(untxt_stack::postgres::Postgres::leave).await;
        let redis = self.servers.with_redis(untxt_stack::redis::Redis::leave).await;
        let command = |kept: Result<String, String>| kept.unwrap_or_else(|error| error);
        let home = self.servers.home.display();
        output::problem(&format!("logs, objects and data directories are in {home}"));
        output::problem(&format!("PostgreSQL: {}", command(database)));
        output::problem(&format!("Redis: {}", command(redis)));
        output::problem(&format!("then: DATABASE_URL={} untxt tasks show ID", self.servers.database_url));
    }
}
