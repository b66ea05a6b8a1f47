//! A PostgreSQL for the tests whose processes share one; it ends with them.

use std::sync::{Mutex, OnceLock, PoisonError};

use sea_orm::{ConnectionTrait, Database};
use untxt_stack::postgres::Postgres;
use uuid::Uuid;

use crate::home::Home;

fn url_of(database: &str) -> String {
    static SERVER: OnceLock<Mutex<Postgres>> = OnceLock::new();
    let server = SERVER.get_or_init(|| Mutex::new(Postgres::start().unwrap()));
    server.lock().unwrap_or_else(PoisonError::into_inner).url_of(database)
}

/// URL of a new database without tables.
pub(crate) async fn empty() -> String {
    let name = format!("test_{}", Uuid::new_v4().simple());
    let admin = tokio::task::spawn_blocking(|| url_of("postgres")).await.unwrap();
    let admin = Database::connect(admin).await.unwrap();
    admin.execute_unprepared(&format!("CREATE DATABASE {name}")).await.unwrap();
    admin.close().await.unwrap();
    url_of(&name)
}

/// A home whose programs share a new database, which is laid out.
pub(crate) async fn home() -> Home {
    let home = Home::new().with("DATABASE_URL", &empty().await);
    home.run(&["migrate", "up"]).exits(0);
    home
}

/// Has the home's database refuse writes of all new connections, or take them
/// again, and ends the open ones.
pub(crate) async fn set_read_only(home: &Home, read_only: bool) {
    let url = home.setting("DATABASE_URL");
    let (database, name) = (Database::connect(url).await.unwrap(), url.rsplit_once('/').unwrap().1);
    // This connection may be read-only itself.
    let set = format!(
        "BEGIN READ WRITE; ALTER DATABASE {name} SET default_transaction_read_only = {read_only}; COMMIT"
    );
    database.execute_unprepared(&set).await.unwrap();
    let end_all = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                   WHERE datname = current_database() AND pid <> pg_backend_pid()";
    database.execute_unprepared(end_all).await.unwrap();
    database.close().await.unwrap();
}
