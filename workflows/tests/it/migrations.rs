//! Databases that development builds created before 0.1.0.

use sea_orm::ConnectionTrait;
use untxt_engine::journal::database::{Database, connect};
use untxt_migrations::Migrator;
use untxt_migrations::sea_orm_migration::MigratorTrait;
use untxt_stack::postgres::Postgres;

const FIRST: &str = "m20261123_000001_users";
const LAST: &str = "m20261126_000031_erasures";

#[tokio::test]
async fn the_tables_of_a_development_build_are_taken_over_with_their_rows() {
    let dir = tempfile::tempdir().unwrap();
    taken_over(&connect(&format!("sqlite://{}/untxt.db", dir.path().display())).await.unwrap()).await;
    let server = tokio::task::spawn_blocking(|| Postgres::start().unwrap()).await.unwrap();
    taken_over(&connect(&server.url()).await.unwrap()).await;
}

async fn taken_over(db: &Database) {
    let layout = db.for_layout();
    // Development builds had the tables of the first.
    Migrator::up(&layout, Some(1)).await.unwrap();
    let all = Migrator::migrations().len();
    let pass = "INSERT INTO passes (name, began_at_ms) VALUES ('kept', 7)";
    db.execute_unprepared(pass).await.unwrap();
    recorded(db, &[FIRST, LAST]).await;
    assert_eq!(untxt_migrations::pending(db).await.unwrap(), all);
    assert_eq!(untxt_migrations::up(&layout).await.unwrap(), all - 1, "the first was not applied again");
    assert_eq!(untxt_migrations::pending(db).await.unwrap(), 0);
    let status = untxt_migrations::status(&layout).await.unwrap();
    assert!(
        status[0].0 == "m20261126_000100_initial" && status.iter().all(|(_, applied)| *applied),
        "{status:?}"
    );
    let kept = db.execute_unprepared("DELETE FROM passes WHERE name = 'kept'").await.unwrap();
    assert_eq!(kept.rows_affected(), 1);
}

#[tokio::test]
async fn a_database_that_lacks_tables_is_refused_and_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let db = connect(&format!("sqlite://{}/untxt.db", dir.path().display())).await.unwrap();
    let layout = db.for_layout();
    untxt_migrations::up(&layout).await.unwrap();
    recorded(&db, &[FIRST, "m20261123_000002_files"]).await;
    for refused in [untxt_migrations::up(&layout).await.map(drop), untxt_migrations::down(&layout).await] {
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains("m20261123_000002_files") && refused.contains("new database"), "{refused}");
    }
    let left = db.execute_unprepared("DELETE FROM seaql_migrations").await.unwrap();
    assert_eq!(left.rows_affected(), 2);
}

/// Makes the database look like one to which these migrations were applied.
async fn recorded(db: &Database, names: &[&str]) {
    db.execute_unprepared("DELETE FROM seaql_migrations").await.unwrap();
    for name in names {
        let row = format!("INSERT INTO seaql_migrations (version, applied_at) VALUES ('{name}', 0)");
        db.execute_unprepared(&row).await.unwrap();
    }
}
