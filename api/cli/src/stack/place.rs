//! What is written down about a running stack, in `stack` under the data
//! directory: a pid file a service, logs, the addresses of its servers.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use untxt_engine::time::{Clock, SystemClock, Timestamp};
use untxt_settings::{Config, RUNNING_SERVICES};

use super::identity::Identity;
use super::service::Service;
use crate::data_dir;
use crate::failure::Failure;

/// What is known of a process that was started.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Card {
    #[serde(flatten)]
    pub(super) identity: Identity,
    /// Since when it runs.
    pub(super) since: Timestamp,
    /// Where it listens, if it does.
    pub(super) address: Option<String>,
    /// The name under which a worker is known to the others.
    pub(super) worker: Option<String>,
    /// How often it was started again.
    pub(super) restarts: u32,
    /// Why it does not run and what comes of that.
    pub(super) trouble: Option<String>,
    /// What the supervisor keeps running.
    #[serde(default)]
    pub(super) services: Vec<Service>,
}

impl Card {
    /// The process that has this number now.
    pub(super) fn of(pid: u32) -> io::Result<Self> {
        let (identity, since) = (Identity::of(pid)?, SystemClock.now());
        Ok(Self {
            identity,
            since,
            address: None,
            worker: None,
            restarts: 0,
            trouble: None,
            services: Vec::new(),
        })
    }
}

/// The directory.
#[derive(Clone, Debug)]
pub(super) struct Place(PathBuf);

pub(super) const SUPERVISOR: &str = "supervisor";

impl Place {
    pub(super) fn open(config: &Config) -> Result<Self, Failure> {
        let dir = config.data_dir.join("stack");
        data_dir::prepare(config)?;
        let unusable =
            |error| Failure::usage(format!("can't use {}: {error}; UNTXT_DATA_DIR names it", dir.display()));
        fs::create_dir_all(&dir).map_err(unusable)?;
        // The private PostgreSQL may run as another user, in another directory.
        let dir = std::path::absolute(&dir).map_err(unusable)?;
        Ok(Self(dir))
    }

    /// Lets the private servers reach their homes, whichever user they run as.
    pub(super) fn let_servers_through(&self) -> io::Result<()> {
        let data_dir = self.0.parent().unwrap_or(&self.0);
        [data_dir, &self.0].into_iter().try_for_each(data_dir::let_others_through)
    }

    pub(super) fn dir(&self) -> &Path {
        &self.0
    }

    /// Home of a server whose data is kept.
    pub(super) fn home(&self, service: Service) -> PathBuf {
        self.0.join(service.name())
    }

    /// The log of a service, or of the supervisor.
    pub(super) fn log(&self, name: &str) -> PathBuf {
        match Service::ALL.into_iter().find(|service| service.name() == name) {
            // Where the server itself writes it.
            Some(service @ (Service::Postgres | Service::Redis)) => self.home(service).join("log"),
            _ => self.0.join(format!("{name}.log")),
        }
    }

    /// The same, to be written at its end: it may be cut short meanwhile.
    pub(super) fn open_log(&self, name: &str) -> io::Result<File> {
        OpenOptions::new().create(true).append(true).open(self.log(name))
    }

    fn card_path(&self, name: &str) -> PathBuf {
        self.0.join(format!("{name}.pid"))
    }

    /// The pid file of a service, or of the supervisor: its number in the first
    /// line, the rest in the second.
    pub(super) fn card(&self, name: &str) -> Option<Card> {
        let text = fs::read_to_string(self.card_path(name)).ok()?;
        serde_json::from_str(text.lines().nth(1)?).ok()
    }

    pub(super) fn write_card(&self, name: &str, card: &Card) -> io::Result<()> {
        let text = format!("{}\n{}\n", card.identity.pid, serde_json::to_string(card)?);
        replace(&self.card_path(name), &text)
    }

    pub(super) fn remove_card(&self, name: &str) {
        remove(&self.card_path(name));
    }

    /// Lets other commands over this data directory find the servers.
    pub(super) fn tell_servers(&self, database: &str, redis: &str) -> io::Result<()> {
        let text = format!("DATABASE_URL = {database:?}\nREDIS_URL = {redis:?}\n");
        replace(&self.servers(), &text)
    }

    /// What was told of a server.
    pub(super) fn server(&self, setting: &str) -> Option<String> {
        let told: toml::Table = fs::read_to_string(self.servers()).ok()?.parse().ok()?;
        Some(told.get(setting)?.as_str()?.to_owned())
    }

    pub(super) fn forget_servers(&self) {
        remove(&self.servers());
    }

    fn servers(&self) -> PathBuf {
        self.0.parent().unwrap_or(&self.0).join(RUNNING_SERVICES)
    }

    /// The right to be the supervisor; `None` when another has it. It ends with
    /// the process, however that ends.
    pub(super) fn lock(&self) -> io::Result<Option<File>> {
        let lock = File::create(self.0.join("lock"))?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(lock)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

/// Whoever reads the file finds the old text or the new one.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut file = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&new)?;
    io::Write::write_all(&mut file, text.as_bytes())?;
    fs::rename(new, path)
}

fn remove(path: &Path) {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(path = %path.display(), %error, "can't remove a file");
        }
        _ => {}
    }
}
