//! What comes of a connection that is in doubt.

use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use sea_orm::Value;
use sea_orm::sqlx::postgres::PgConnectOptions;
use tokio::net::TcpStream;

use super::*;
use crate::journal::conformance::proxy;
use untxt_stack::faulty_proxy::NetworkFault;
use untxt_stack::postgres::Postgres;

/// How long the tests wait for an answer that does not come.
const SHORT: Duration = Duration::from_millis(500);

/// What a test says of a table, in either dialect.
const TABLE: &str = "CREATE TABLE things (id INTEGER PRIMARY KEY, content TEXT)";
/// A row of it whose parent is looked for at the commit, and missing.
const ORPHANS: &str =
    "CREATE TABLE orphans (parent INTEGER REFERENCES things (id) DEFERRABLE INITIALLY DEFERRED)";

async fn postgres() -> (Postgres, String) {
    let server = tokio::task::spawn_blocking(|| Postgres::start().unwrap()).await.unwrap();
    let url = server.url();
    (server, url)
}

fn sqlite(folder: &tempfile::TempDir) -> String {
    format!("sqlite://{}/things.db", folder.path().display())
}

/// The same database through connections that nobody else has.
async fn things(url: &str) -> i64 {
    number(&connect(url).await.unwrap(), "SELECT COUNT(*) FROM things").await
}

async fn number(database: &impl ConnectionTrait, query: &str) -> i64 {
    let statement = Statement::from_string(database.get_database_backend(), query);
    let row = database.query_one_raw(statement).await.unwrap().unwrap();
    row.try_get_by_index::<i64>(0).or_else(|_| row.try_get_by_index::<i32>(0).map(i64::from)).unwrap()
}

/// A transaction that writes and commits, seen by others: what every test ends
/// with.
async fn commits(database: &Database, url: &str) {
    let before = things(url).await;
    let tx = database.begin().await.unwrap();
    tx.execute_unprepared("INSERT INTO things (id) VALUES ((SELECT COALESCE(MAX(id), 0) + 1 FROM things))")
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(things(url).await, before + 1, "what was committed can be read through another connection");
}

/// The commit itself fails: the connection is given up, and the next one works.
async fn a_commit_that_fails_costs_the_connection(url: &str, whose: &str) {
    let database = connect(url).await.unwrap().of_journal();
    database.execute_unprepared(TABLE).await.unwrap();
    database.execute_unprepared(ORPHANS).await.unwrap();
    let mine = if whose.is_empty() { 0 } else { number(&database, whose).await };
    let tx = database.begin().await.unwrap();
    tx.execute_unprepared("INSERT INTO orphans (parent) VALUES (77)").await.unwrap();
    assert!(tx.commit().await.is_err(), "it has no parent");
    assert_eq!(number(&database, "SELECT COUNT(*) FROM orphans").await, 0, "what was refused is not there");
    if !whose.is_empty() {
        assert_ne!(number(&database, whose).await, mine, "the same connection was used again");
    }
    commits(&database, url).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_fails_costs_the_connection_of_postgres() {
    let (server, url) = postgres().await;
    a_commit_that_fails_costs_the_connection(&url, "SELECT pg_backend_pid()").await;
    tokio::task::spawn_blocking(move || drop(server)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_fails_costs_the_connection_of_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    a_commit_that_fails_costs_the_connection(&sqlite(&folder), "").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_that_sqlite_took_back_by_itself_costs_the_connection() {
    let folder = tempfile::tempdir().unwrap();
    let url = sqlite(&folder);
    let database = connect(&url).await.unwrap().of_journal();
    database.execute_unprepared(TABLE).await.unwrap();
    commits(&database, &url).await;
    // The limit is this one connection's.
    let pages = number(&database, "PRAGMA page_count").await;
    database.execute_unprepared(&format!("PRAGMA max_page_count = {pages}")).await.unwrap();
    let tx = database.begin().await.unwrap();
    let large = Statement::from_sql_and_values(
        DbBackend::Sqlite,
        "INSERT INTO things (content) VALUES (?)",
        [Value::from("x".repeat(1 << 20))],
    );
    let full = tx.execute_raw(large).await.unwrap_err();
    assert!(full.to_string().contains("full"), "{full}");
    assert!(tx.rollback().await.is_err(), "SQLite has rolled back already");
    commits(&database, &url).await;
    let limit = number(&database, "PRAGMA max_page_count").await;
    assert!(limit > pages, "the connection of before was used again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_inside_a_transaction_that_nobody_ended_is_not_written_to() {
    let folder = tempfile::tempdir().unwrap();
    let url = sqlite(&folder);
    let database = connect(&url).await.unwrap().of_journal();
    database.execute_unprepared(TABLE).await.unwrap();
    database.execute_unprepared("BEGIN").await.unwrap();
    assert!(database.begin().await.is_err(), "autocommit is off");
    commits(&database, &url).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_that_is_dropped_at_work_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let url = sqlite(&folder);
    let database = connect(&url).await.unwrap().of_journal();
    database.execute_unprepared(TABLE).await.unwrap();
    let tx = database.begin().await.unwrap();
    tx.execute_unprepared("INSERT INTO things (id) VALUES (1)").await.unwrap();
    drop(tx);
    assert_eq!(things(&url).await, 0);
    commits(&database, &url).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgres_that_falls_silent_costs_a_deadline_and_its_connections() {
    let (server, url) = postgres().await;
    let (proxy, through) = proxy::before(&url).await;
    let database = Database::over(ConnectionOptions::parse(&through).unwrap(), SHORT);
    database.execute_unprepared(TABLE).await.unwrap();
    commits(&database, &url).await;

    let inside = database.begin().await.unwrap();
    inside.execute_unprepared("INSERT INTO things (id) VALUES (100)").await.unwrap();
    proxy.set(NetworkFault::Stall);
    let began = Instant::now();
    let (statement, commit) =
        tokio::join!(database.execute_unprepared("INSERT INTO things (id) VALUES (101)"), inside.commit());
    assert!(statement.unwrap_err().to_string().contains("did not answer"));
    assert!(commit.unwrap_err().to_string().contains("did not answer"));
    assert!(database.begin().await.is_err(), "it is silent to new connections too");
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());

    proxy.set(NetworkFault::Reset);
    proxy.set(NetworkFault::None);
    let mut all = Vec::new();
    for _ in 0..4 {
        // Each has a connection of its own; none is of before.
        all.push(database.begin().await.unwrap());
    }
    drop(all);
    commits(&database, &url).await;
    tokio::task::spawn_blocking(move || drop(server)).await.unwrap();
}

/// What others hold while they lay the database out (see the crate of migrations).
const LAYOUT_LOCK: i64 = 0x756e_7478_7402;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_migration_may_take_long_and_ends_when_postgres_falls_silent() {
    let (server, url) = postgres().await;
    let (proxy, through) = proxy::before(&url).await;
    let database = Database::over(ConnectionOptions::parse(&through).unwrap(), SHORT);
    let direct = connect(&url).await.unwrap();
    let held = direct.begin().await.unwrap();
    held.execute_unprepared(&format!("SELECT pg_advisory_xact_lock({LAYOUT_LOCK})")).await.unwrap();
    let layout = database.for_layout();
    let mut laying_out = pin!(database.while_it_answers(untxt_migrations::up(&layout)));
    let long = timeout(SHORT * 6, &mut laying_out).await;
    assert!(long.is_err(), "it waits for as long as it takes, and says {long:?}");
    held.rollback().await.unwrap();
    assert!(laying_out.await.unwrap() > 0);

    let held = direct.begin().await.unwrap();
    held.execute_unprepared(&format!("SELECT pg_advisory_xact_lock({LAYOUT_LOCK})")).await.unwrap();
    let mut taking_back = pin!(database.while_it_answers(untxt_migrations::down(&layout)));
    let waits = async {
        while number(&direct, "SELECT COUNT(*) FROM pg_locks WHERE NOT granted").await == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        ended = &mut taking_back => panic!("it waits for the lock: {ended:?}"),
        () = waits => proxy.set(NetworkFault::Stall),
    }
    let silent = timeout(Duration::from_secs(30), taking_back).await.expect("it hears of the silence");
    let silent = silent.unwrap_err().to_string();
    assert!(silent.contains("did not answer during this call"), "{silent}");
    held.rollback().await.unwrap();
    assert!(number(&direct, "SELECT COUNT(*) FROM seaql_migrations").await > 0, "nothing was taken back");
    tokio::task::spawn_blocking(move || drop(server)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgres_that_may_be_written_to_again_is_noticed_by_new_connections() {
    let (server, url) = postgres().await;
    let owner = connect(&url).await.unwrap();
    let read_only = |on: &str| format!("ALTER DATABASE postgres SET default_transaction_read_only = {on}");
    owner.execute_unprepared(TABLE).await.unwrap();
    owner.execute_unprepared(&read_only("on")).await.unwrap();
    let database = connect(&url).await.unwrap().of_journal();
    let write = || database.execute_unprepared("INSERT INTO things (id) VALUES (1)");
    assert!(write().await.unwrap_err().to_string().contains("read-only"));
    assert!(!database.takes_writes().await.unwrap());
    // It holds for sessions that begin after this.
    let allow = owner.begin().await.unwrap();
    allow.execute_unprepared(&read_only("off")).await.unwrap();
    allow.commit().await.unwrap();
    assert!(write().await.is_ok() || write().await.is_ok(), "the connection of before is still used");
    assert!(database.takes_writes().await.unwrap());
    tokio::task::spawn_blocking(move || drop(server)).await.unwrap();
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named() {
    let error = connect("postgres://me:s3cret@127.0.0.1:1/x").await.unwrap_err().to_string();
    assert!(error.contains("DATABASE_URL is postgres://me@127.0.0.1:1/x"), "{error}");
    assert!(!error.contains("s3cret"), "{error}");
}

#[tokio::test]
async fn a_url_that_can_not_be_read_is_not_shown() {
    for url in [
        "postgres//me:s3cret@db/x",
        "mysql://me:s3cret@db/x",
        "me:s3cret@db/x",
        "postgres://me:s3cret@db:port/x",
        "postgres://me:s3cret@db:5432:5432/x",
        "postgres://me:s3cret@[::1/x",
    ] {
        let error = connect(url).await.unwrap_err().to_string();
        assert!(error.contains("DATABASE_URL") && !error.contains("s3cret"), "{url}: {error}");
    }
}

/// A PgBouncer before a server. It ends when this is dropped.
struct Bouncer {
    program: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Bouncer {
    /// `None`, and why on standard error, where it is not installed.
    #[expect(clippy::print_stderr, reason = "it is said why a test did nothing")]
    async fn before(url: &str, mode: &str) -> Option<Self> {
        let options: PgConnectOptions = url.parse().unwrap();
        let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
        let settings = folder.path().join("pgbouncer.ini");
        let secret = url.split_once("untxt:").unwrap().1.split_once('@').unwrap().0;
        let text = format!(
            "[databases]\n* = host=127.0.0.1 port={} user=untxt password={secret}\n[pgbouncer]\n\
             listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n\
             pool_mode = {mode}\n",
            options.get_port()
        );
        std::fs::write(&settings, text).unwrap();
        // It does not run as root; the folder is the other's to read then.
        let opened = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(folder.path(), opened).unwrap();
        let mut program = Command::new("pgbouncer");
        if rustix::process::geteuid().is_root() {
            program.args(["-u", "nobody"]);
        }
        program.arg("-q").arg(&settings);
        let program = program.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let Ok(program) = program else {
            eprintln!("skipped: pgbouncer is not installed");
            return None;
        };
        let bouncer = Self { program, port, _folder: folder };
        while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            tokio::task::yield_now().await;
        }
        Some(bouncer)
    }

    fn url(&self, url: &str) -> String {
        let options: PgConnectOptions = url.parse().unwrap();
        url.replace(&format!(":{}/", options.get_port()), &format!(":{}/", self.port))
    }
}

impl Drop for Bouncer {
    fn drop(&mut self) {
        drop(self.program.kill());
        drop(self.program.wait());
    }
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pgbouncer_is_used_by_the_session_and_refused_by_name_otherwise() {
    let (server, url) = postgres().await;
    for mode in ["transaction", "statement"] {
        let Some(bouncer) = Bouncer::before(&url, mode).await else { return };
        let refused = connect(&bouncer.url(&url)).await.unwrap_err().to_string();
        assert!(refused.contains("PgBouncer with pool_mode = transaction"), "{refused}");
    }
    let Some(bouncer) = Bouncer::before(&url, "session").await else { return };
    let database = connect(&bouncer.url(&url)).await.unwrap();
    database.execute_unprepared(TABLE).await.unwrap();
    commits(&database, &url).await;
    commits(&database.of_journal(), &url).await;
    tokio::task::spawn_blocking(move || drop(server)).await.unwrap();
}

#[tokio::test]
async fn pages_that_are_free_go_back_to_the_disk_of_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let database = connect(&sqlite(&folder)).await.unwrap();
    let length = |name: &str| folder.path().join(name).metadata().unwrap().len();
    database.execute_unprepared(TABLE).await.unwrap();
    let fill = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) \
                INSERT INTO things SELECT i, hex(randomblob(2000)) FROM n";
    database.execute_unprepared(fill).await.unwrap();
    database.tidy(file::write_back).await;
    assert_eq!(length("things.db-wal"), 0, "what was written ahead takes no room");
    let before = length("things.db");
    database.give_room_back().await;
    assert_eq!(length("things.db"), before, "nothing is free");
    database.execute_unprepared("DELETE FROM things").await.unwrap();
    while number(&database, "PRAGMA freelist_count").await >= file::FREE_PAGES_MAX {
        let free = number(&database, "PRAGMA freelist_count").await;
        database.give_room_back().await;
        assert!(number(&database, "PRAGMA freelist_count").await < free, "each call gives some back");
    }
    assert!(length("things.db") < before / 2, "{} of {before} bytes are left", length("things.db"));
    assert!(database.reserve().unwrap().missing_bytes().unwrap() == 0);
}
