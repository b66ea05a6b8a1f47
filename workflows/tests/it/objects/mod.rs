//! Objects, on the embedded store and on servers that answer as they are told.

mod config;
mod embedded;
mod failures;
mod http;
mod presign;
mod requests;
mod streams;

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use untxt_workflows::objects::{Objects, ObjectsConfig, StaticCredentials};

/// An embedded store in a directory of its own.
struct Store {
    objects: Objects,
    dir: TempDir,
}

impl Store {
    async fn start() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let objects = embedded(dir.path()).await;
        Self { objects, dir }
    }

    /// The same store, used by requests to its server as by somebody else.
    async fn by_requests(&self) -> Objects {
        let server = self.objects.embedded().expect("it is embedded");
        let (id, secret) = server.key_pair();
        let mut config = elsewhere(&server.endpoint());
        config.credentials = Some(StaticCredentials {
            access_key_id: id.to_owned(),
            secret_access_key: secret.to_owned(),
            session_token: None,
        });
        Objects::connect(config).await.expect("nothing is asked yet")
    }

    /// Every file of the store, lock files and its key apart.
    fn files(&self) -> Vec<PathBuf> {
        files(self.dir.path())
    }
}

async fn embedded(dir: &Path) -> Objects {
    Objects::connect(ObjectsConfig::embedded(dir.to_owned())).await.expect("the embedded store starts")
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).expect("a directory that can be read") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.file_name() != Some("lock".as_ref()) && path.file_name() != Some(".key".as_ref()) {
            found.push(path);
        }
    }
    found
}

/// A store elsewhere, with a key pair that is not checked there.
fn elsewhere(endpoint: &str) -> ObjectsConfig {
    ObjectsConfig {
        endpoint: Some(endpoint.to_owned()),
        region: Some("eu-central-1".to_owned()),
        credentials: Some(StaticCredentials {
            access_key_id: "somebody".to_owned(),
            secret_access_key: "something".to_owned(),
            session_token: None,
        }),
        ..ObjectsConfig::embedded(PathBuf::from("/nowhere"))
    }
}

/// This very program, to run one ignored test.
fn itself(test: &str, dir: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--ignored", "--nocapture"]).env("UNTXT_TEST_DIR", dir);
    command
}
