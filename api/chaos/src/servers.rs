//! The servers the service stands on, all private to the campaign: PostgreSQL,
//! Redis, the object store, and the bad network in front of each.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::anyhow;
use sea_orm::ConnectionTrait;
use sea_orm_migration::MigratorTrait;
use untxt_engine::journal::database;
use untxt_migrations::Migrator;
use untxt_stack::faulty_proxy::FaultyProxy;
use untxt_stack::postgres::Postgres;
use untxt_stack::redis::Redis;
use untxt_stack::server::ServiceError;
use untxt_workflows::objects::{Embedded, ObjectsConfig, StaticCredentials};

use crate::documents::FLAKY;

/// The bucket.
const BUCKET: &str = "chaos";

/// A component that refuses each page until it is told which attempt it is.
const FLAKY_COMPONENT: &[u8] = include_bytes!("../../../plugins/guests/built/flaky.wasm");

/// Everything that runs beside the service itself.
pub(crate) struct Servers {
    /// Directory of the campaign: data directories, logs, objects.
    pub(crate) home: PathBuf,
    postgres: Arc<Mutex<Postgres>>,
    /// PostgreSQL's own address, past the bad network.
    pub(crate) database_url: String,
    network_database_url: String,
    pub(crate) postgres_network: FaultyProxy,
    redis: Arc<Mutex<Redis>>,
    redis_url: String,
    pub(crate) redis_network: FaultyProxy,
    pub(crate) store: Embedded,
    pub(crate) store_network: FaultyProxy,
}

impl Servers {
    /// Starts them over `home` and lays out the database.
    ///
    /// # Errors
    /// When one of them can't be started; the message names it and what to
    /// install.
    pub(crate) async fn start(home: &Path) -> anyhow::Result<Self> {
        let (postgres, redis) =
            tokio::task::spawn_blocking(|| Ok::<_, ServiceError>((Postgres::start()?, Redis::start()?)))
                .await??;
        let database_url = postgres.url();
        Migrator::up(&database::connect(&database_url).await?.for_layout(), None).await?;
        let postgres_address = address_in(&database_url)?;
        let postgres_network = FaultyProxy::start(postgres_address).await?;
        let network_database_url =
            database_url.replace(&postgres_address.to_string(), &postgres_network.address().to_string());
        let redis_address = address_in(&redis.url())?;
        let redis_network = FaultyProxy::start(redis_address).await?;
        let redis_url = redis.url().replace(&redis_address.to_string(), &redis_network.address().to_string());
        let store = Embedded::start(&home.join("objects"), BUCKET, 100 << 20).await?;
        let store_network = FaultyProxy::start(store.address()).await?;
        install(&plugins(home))?;
        Ok(Self {
            home: home.to_owned(),
            postgres: Arc::new(Mutex::new(postgres)),
            database_url,
            network_database_url,
            postgres_network,
            redis: Arc::new(Mutex::new(redis)),
            redis_url,
            redis_network,
            store,
            store_network,
        })
    }

    /// What a process of the service is told of them.
    pub(crate) fn environment(&self) -> Vec<(&'static str, String)> {
        let (access_key, secret_key) = self.store.key_pair();
        vec![
            ("DATABASE_URL", self.network_database_url.clone()),
            ("REDIS_URL", self.redis_url.clone()),
            ("S3_ENDPOINT", format!("http://{}", self.store_network.address())),
            ("S3_BUCKET", BUCKET.to_owned()),
            ("S3_REGION", "us-east-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", access_key.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", secret_key.to_owned()),
            ("UNTXT_PLUGIN_DIR", plugins(&self.home).display().to_string()),
        ]
    }

    /// The store, reached past the bad network.
    pub(crate) fn objects(&self) -> ObjectsConfig {
        let (access_key, secret_key) = self.store.key_pair();
        ObjectsConfig {
            endpoint: Some(self.store.endpoint()),
            bucket: BUCKET.to_owned(),
            credentials: Some(StaticCredentials {
                access_key_id: access_key.to_owned(),
                secret_access_key: secret_key.to_owned(),
                session_token: None,
            }),
            ..ObjectsConfig::embedded(PathBuf::new())
        }
    }

    /// What the store has begun to write and not finished.
    ///
    /// # Errors
    /// When its directory can't be read.
    pub(crate) fn half_written(&self) -> io::Result<Vec<PathBuf>> {
        super::leftovers::files(&self.home.join("objects").join(".staging"))
    }

    /// Has PostgreSQL refuse every write from now on, or take them again.
    ///
    /// # Errors
    /// What the server says.
    pub(crate) async fn refuse_writes(&self, refuse: bool) -> Result<(), String> {
        let set = if refuse {
            "SET default_transaction_read_only = on"
        } else {
            "RESET default_transaction_read_only"
        };
        let database = database::connect(&self.database_url).await.map_err(|error| error.to_string())?;
        for statement in [&format!("ALTER SYSTEM {set}"), "SELECT pg_reload_conf()"] {
            database.execute_unprepared(statement).await.map_err(|error| error.to_string())?;
        }
        database.close().await.map_err(|error| error.to_string())
    }

    /// Does something to PostgreSQL that waits.
    ///
    /// # Errors
    /// What the server says.
    pub(crate) async fn with_postgres<T, F>(&self, act: F) -> Result<T, String>
    where
        T: Send + 'static,
        F: FnOnce(&mut Postgres) -> Result<T, ServiceError> + Send + 'static,
    {
        with(&self.postgres, act).await
    }

    /// Does something to Redis that waits.
    ///
    /// # Errors
    /// What the server says.
    pub(crate) async fn with_redis<T, F>(&self, act: F) -> Result<T, String>
    where
        T: Send + 'static,
        F: FnOnce(&mut Redis) -> Result<T, ServiceError> + Send + 'static,
    {
        with(&self.redis, act).await
    }
}

async fn with<S, T, F>(server: &Arc<Mutex<S>>, act: F) -> Result<T, String>
where
    S: Send + 'static,
    T: Send + 'static,
    F: FnOnce(&mut S) -> Result<T, ServiceError> + Send + 'static,
{
    let server = Arc::clone(server);
    let acted = tokio::task::spawn_blocking(move || {
        act(&mut server.lock().unwrap_or_else(PoisonError::into_inner)).map_err(|error| error.to_string())
    });
    acted.await.unwrap_or_else(|error| Err(error.to_string()))
}

/// `…@address/…`.
fn address_in(url: &str) -> anyhow::Result<SocketAddr> {
    let address = url.rsplit_once('@').and_then(|(_, rest)| rest.split('/').next()?.parse().ok());
    address.ok_or_else(|| anyhow!("a private server's URL has no address"))
}

fn plugins(home: &Path) -> PathBuf {
    home.join("plugins")
}

fn install(plugins: &Path) -> io::Result<()> {
    std::fs::create_dir_all(plugins)?;
    std::fs::write(plugins.join(format!("{FLAKY}.wasm")), FLAKY_COMPONENT)
}
