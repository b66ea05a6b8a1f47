//! The directory of a running stack: a pid file for each process, logs, the data of
//! the private servers, and their addresses.

use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::pid_file::PidFile;
use crate::service::Service;

/// The name of the supervisor's pid file and log.
pub const SUPERVISOR: &str = "supervisor";

/// The directory of a stack.
#[derive(Clone, Debug)]
pub struct StackDir {
    path: PathBuf,
    servers: PathBuf,
}

impl StackDir {
    /// Opens `path`, which is created when it is missing. Addresses of private
    /// servers are written to the file `servers`, as settings.
    ///
    /// # Errors
    /// When the directory can't be created.
    pub fn open(path: &Path, servers: &Path) -> io::Result<Self> {
        fs::create_dir_all(path)?;
        // The private PostgreSQL may run as another user, in another directory.
        let servers = std::path::absolute(servers)?;
        Ok(Self { path: std::path::absolute(path)?, servers })
    }

    /// Lets other users pass through this directory and the one above it without
    /// listing them: a private PostgreSQL that root starts runs as another user.
    ///
    /// # Errors
    /// When their permissions can't be changed.
    pub fn let_others_pass(&self) -> io::Result<()> {
        let parent = self.path.parent().unwrap_or(&self.path);
        [parent, &self.path].into_iter().try_for_each(|dir| {
            let mode = fs::metadata(dir)?.permissions().mode();
            fs::set_permissions(dir, Permissions::from_mode(mode | 0o011))
        })
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The directory of a private server's data.
    #[must_use]
    pub fn data_of(&self, service: Service) -> PathBuf {
        self.path.join(service.name())
    }

    /// The log of a service, or of the supervisor.
    #[must_use]
    pub fn log(&self, name: &str) -> PathBuf {
        match Service::ALL.into_iter().find(|service| service.name() == name) {
            // Where the server itself writes it.
            Some(service @ (Service::Postgres | Service::Redis)) => self.data_of(service).join("log"),
            _ => self.path.join(format!("{name}.log")),
        }
    }

    /// Opens a log to append to it: it may be truncated meanwhile.
    ///
    /// # Errors
    /// When the file can't be opened.
    pub fn open_log(&self, name: &str) -> io::Result<File> {
        OpenOptions::new().create(true).append(true).open(self.log(name))
    }

    fn pid_path(&self, name: &str) -> PathBuf {
        self.path.join(format!("{name}.pid"))
    }

    /// Reads the pid file of a service, or of the supervisor: the process id in the
    /// first line, the rest as JSON in the second. None when it is missing or damaged.
    #[must_use]
    pub fn pid_file(&self, name: &str) -> Option<PidFile> {
        let text = fs::read_to_string(self.pid_path(name)).ok()?;
        serde_json::from_str(text.lines().nth(1)?).ok()
    }

    /// Writes a pid file. Readers find the old content or the new one.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn write_pid_file(&self, name: &str, pid_file: &PidFile) -> io::Result<()> {
        let text = format!("{}\n{}\n", pid_file.identity.pid, serde_json::to_string(pid_file)?);
        replace(&self.pid_path(name), &text)
    }

    /// Removes a pid file.
    pub fn remove_pid_file(&self, name: &str) {
        remove(&self.pid_path(name));
    }

    /// Writes the addresses of the private servers, so that other commands over this
    /// data directory find them.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn write_servers(&self, database: &str, redis: &str) -> io::Result<()> {
        let text = format!("DATABASE_URL = {database:?}\nREDIS_URL = {redis:?}\n");
        replace(&self.servers, &text)
    }

    /// The address of a private server that was written under this setting's name.
    #[must_use]
    pub fn server(&self, setting: &str) -> Option<String> {
        let servers: toml::Table = fs::read_to_string(&self.servers).ok()?.parse().ok()?;
        Some(servers.get(setting)?.as_str()?.to_owned())
    }

    /// Removes the addresses of the private servers.
    pub fn remove_servers(&self) {
        remove(&self.servers);
    }

    /// Locks the directory for a supervisor; `None` when another one holds the lock.
    /// It is released when the file is dropped or the process ends.
    ///
    /// # Errors
    /// When the file can't be locked.
    pub fn lock(&self) -> io::Result<Option<File>> {
        let lock = File::create(self.path.join("lock"))?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(lock)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

/// Replaces a file: readers find the old text or the new one.
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
