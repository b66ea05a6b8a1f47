//! A data directory of a test's own, and the program started over it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

/// How long a signal may take. It is no wait: nothing is looked at when it has
/// passed, the test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Whatever the machine has set is not the test's.
const FOREIGN: [&str; 6] = ["UNTXT_", "AWS_", "S3_", "OTEL_", "DATABASE_URL", "REDIS_URL"];

/// A directory with `data`, `plugins` and what the test puts beside them.
pub(crate) struct Home {
    dir: TempDir,
    settings: Vec<(&'static str, String)>,
}

impl Home {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("plugins")).unwrap();
        // Most tests are about tasks, not about reading: the engine that repeats the
        // text of made PDFs is asked for each page.
        let settings = [("UNTXT_ENGINE", "simulated-qwen3"), ("UNTXT_TEXT_LAYER", "engine")];
        Self { dir, settings: settings.map(|(name, value)| (name, value.to_owned())).into() }
    }

    /// Leaves a variable unset that is set otherwise.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.settings.retain(|(set, _)| *set != name);
        self
    }

    /// Sets an environment variable for every program started from here.
    pub(crate) fn with(mut self, name: &'static str, value: &(impl ToString + ?Sized)) -> Self {
        self.settings.push((name, value.to_string()));
        self
    }

    /// What such a variable was set to.
    pub(crate) fn setting(&self, name: &str) -> &str {
        let found = self.settings.iter().rev().find(|(set, _)| *set == name);
        found.map(|(_, value)| value.as_str()).unwrap()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    /// Puts the guest into the plugin directory under a name of the test's
    /// choice, at once and whole, as an installer does.
    pub(crate) fn install(&self, guest: &str, name: &str) {
        let on_its_way = self.path("on-its-way.wasm");
        fs::copy(built(guest), &on_its_way).unwrap();
        fs::rename(on_its_way, self.component(name)).unwrap();
    }

    pub(crate) fn uninstall(&self, name: &str) {
        fs::remove_file(self.component(name)).unwrap();
    }

    fn component(&self, name: &str) -> PathBuf {
        self.path("plugins").join(format!("{name}.wasm"))
    }

    /// The program with these arguments, not yet started.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        // Another build of it, to measure.
        let program = std::env::var_os("UNTXT_BIN").unwrap_or_else(|| env!("CARGO_BIN_EXE_untxt").into());
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(|name| FOREIGN.iter().any(|foreign| name.starts_with(foreign))) {
                command.env_remove(name);
            }
        }
        command
            .args(arguments)
            .current_dir(self.dir.path())
            .env("UNTXT_DATA_DIR", self.path("data"))
            .env("UNTXT_PLUGIN_DIR", self.path("plugins"))
            .env("UNTXT_LISTEN", "127.0.0.1:0")
            .env("UNTXT_WORKER_LISTEN", "127.0.0.1:0")
            .env("UNTXT_WORKER_CONCURRENCY", "2")
            .envs(self.settings.iter().map(|(name, value)| (*name, value)))
            .stdin(Stdio::null());
        command
    }

    /// The program with these arguments, run to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        Ended::of(&self.command(arguments).output().unwrap())
    }

    /// The program with these arguments, run to its end under a limit of the
    /// shell's, such as `-n 128`.
    pub(crate) fn run_under(&self, limit: &str, arguments: &[&str]) -> Ended {
        let command = self.command(arguments);
        let mut limited = Command::new("sh");
        limited.args(["-c", &format!("ulimit {limit} && exec \"$0\" \"$@\"")]);
        limited.arg(command.get_program()).args(command.get_args()).current_dir(self.path("."));
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => limited.env(name, value),
                None => limited.env_remove(name),
            };
        }
        Ended::of(&limited.output().unwrap())
    }

    /// What lies in the directory of temporary files: nothing but its lock,
    /// when nobody works.
    pub(crate) fn temporary_files(&self) -> Vec<String> {
        let mut files = names(&self.path("data/tmp"));
        files.retain(|name| name != "lock");
        files
    }

    /// How many objects the embedded store holds. Their files are named after
    /// hashes of their keys.
    pub(crate) fn objects(&self) -> usize {
        let bucket = self.path("data/objects/untxt");
        let shelves = if bucket.exists() { names(&bucket) } else { Vec::new() };
        shelves.iter().map(|shelf| names(&bucket.join(shelf)).len()).sum()
    }
}

/// The component of a guest of the repository.
pub(crate) fn built(guest: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../plugins/guests/built/{guest}.wasm"))
}

/// Names in a directory, sorted.
pub(crate) fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display()));
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// A program that has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    pub(crate) fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }

    /// Holds the program to its exit code.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// The JSON values that it printed, one a line.
    #[track_caller]
    pub(crate) fn json_lines(&self) -> Vec<Value> {
        let value = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        self.stdout.lines().map(value).collect()
    }

    /// The one JSON value that it printed.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}:\n{}", self.stdout))
    }
}
