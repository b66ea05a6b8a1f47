//! The databases themselves: their schema, and their absence.

use std::time::Duration;

use sea_orm::ConnectionTrait;
use untxt_migrations::Migrator;
use untxt_migrations::sea_orm_migration::{MigrationStatus, MigratorTrait};

use super::harness::{JournalHarness, new_run, on_database};
use crate::journal::JournalError;
use crate::journal::database::connect;
use untxt_stack::postgres::Postgres;

pub(super) async fn migrations_go_up_down_and_up_again(harness: JournalHarness) {
    let db = harness.db();
    let committed = async || {
        let migrations = Migrator::get_migration_with_status(&db.for_layout()).await.unwrap();
        (migrations.iter().filter(|m| m.status() == MigrationStatus::Applied).count(), migrations.len())
    };
    let all = Migrator::migrations().len();
    assert_eq!(committed().await, (all, all));
    untxt_migrations::down(&db.for_layout()).await.unwrap();
    assert_eq!(committed().await, (0, all));
    let gone = harness.journal.submit(vec![new_run()]).await;
    assert!(matches!(gone, Err(JournalError::Corrupt(_))), "{gone:?}");
    assert!(db.execute_unprepared("SELECT id FROM tasks").await.is_err());
    // At the same moment: one of them does it, the other waits and finds it done.
    let (here, elsewhere) = (db.for_layout(), harness.other_db().await.for_layout());
    let (up_here, up_there) = tokio::join!(untxt_migrations::up(&here), untxt_migrations::up(&elsewhere));
    assert_eq!(up_here.unwrap() + up_there.unwrap(), all);
    assert_eq!(committed().await, (all, all));
    let run = harness.submit().await;
    harness.history(run).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_is_unavailable_until_it_is_back() {
    let mut server = tokio::task::spawn_blocking(|| Postgres::start().unwrap()).await.unwrap();
    let url = server.url();
    Migrator::up(&connect(&url).await.unwrap().for_layout(), None).await.unwrap();
    let harness = on_database(&url).await;
    let before = harness.submit().await;
    let mut server =
        tokio::task::spawn_blocking(move || server.kill().map(|()| server).unwrap()).await.unwrap();
    let down = tokio::time::timeout(Duration::from_secs(15), harness.journal.submit(vec![new_run()]));
    let down = down.await.unwrap();
    assert!(matches!(down, Err(JournalError::Unavailable(_))), "{down:?}");
    let server =
        tokio::task::spawn_blocking(move || server.restart().map(|()| server).unwrap()).await.unwrap();
    assert_eq!(harness.history(before).await.len(), 1, "what was committed is there");
    let after = harness.submit().await;
    assert_eq!(harness.history(after).await.len(), 1);
    tokio::task::spawn_blocking(move || drop(server)).await.unwrap();
}
