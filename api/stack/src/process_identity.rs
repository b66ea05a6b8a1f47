//! Identifies a process across the reuse of process ids, by its id, its start time
//! and the boot.

use std::fs;
use std::io;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};
use tokio::time::{interval, timeout};

/// Between two looks at a process that is to end.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// One process, never confused with another that has or had the same id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProcessIdentity {
    /// Its process id.
    pub pid: u32,
    /// Clock ticks after the boot.
    started: u64,
    /// Which boot.
    boot: String,
}

impl ProcessIdentity {
    /// The process that has this id now.
    ///
    /// # Errors
    /// When there is none, or `/proc` can't be read.
    pub fn of(pid: u32) -> io::Result<Self> {
        let (_, started) = state_and_start(pid)?;
        Ok(Self { pid, started, boot: boot()? })
    }

    /// Whether it runs. A zombie does not.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        let same = |(state, started)| started == self.started && !matches!(state, 'Z' | 'X');
        state_and_start(self.pid).is_ok_and(same) && boot().is_ok_and(|boot| boot == self.boot)
    }

    /// Sends it a signal, if it runs.
    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw);
        if let Some(pid) = pid.filter(|_| self.is_alive()) {
            // Fails when it has ended since, or is another user's, which shows
            // when it is still there afterwards.
            let _ = kill_process(pid, signal);
        }
    }

    /// Waits until it no longer runs; false when that takes longer than `limit`.
    pub async fn is_gone_within(&self, limit: Duration) -> bool {
        let gone = async {
            let mut look = interval(LOOK_EVERY);
            while self.is_alive() {
                look.tick().await;
            }
        };
        timeout(limit, gone).await.is_ok()
    }
}

/// Fields 3 and 22 of proc(5)'s `stat`; the name before them may hold anything.
fn state_and_start(pid: u32) -> io::Result<(char, u64)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let fields = stat.rsplit_once(") ").map(|(_, fields)| fields).unwrap_or_default();
    let mut fields = fields.split(' ');
    let state = fields.next().and_then(|state| state.chars().next());
    let started = fields.nth(18).and_then(|ticks| ticks.parse().ok());
    state.zip(started).ok_or_else(|| io::Error::other(format!("/proc/{pid}/stat is not what proc(5) says")))
}

fn boot() -> io::Result<String> {
    Ok(fs::read_to_string("/proc/sys/kernel/random/boot_id")?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reused_process_id_is_another_process() {
        let me = ProcessIdentity::of(std::process::id()).unwrap();
        assert!(me.is_alive());
        assert!(!ProcessIdentity { started: me.started + 1, ..me.clone() }.is_alive());
        assert!(!ProcessIdentity { boot: "another".to_owned(), ..me }.is_alive());
    }

    #[test]
    fn a_zombie_is_gone() {
        let mut child =
            std::process::Command::new("cat").stdin(std::process::Stdio::piped()).spawn().unwrap();
        let identity = ProcessIdentity::of(child.id()).unwrap();
        assert!(identity.is_alive());
        identity.signal(Signal::KILL);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        assert!(runtime.block_on(identity.is_gone_within(Duration::from_secs(10))));
        child.wait().unwrap();
    }
}
