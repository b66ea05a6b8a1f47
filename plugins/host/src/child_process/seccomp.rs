//! System calls that a process denies itself before it runs code that is not safe against
//! its input.

use std::collections::BTreeMap;
use std::io;

use libc::c_long;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    apply_filter_all_threads,
};

/// What computing, allocating, threads, and reading and writing what is open need.
const ALLOWED: [c_long; 37] = [
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_close,
    libc::SYS_fstat,
    libc::SYS_lseek,
    libc::SYS_brk,
    libc::SYS_mmap,
    libc::SYS_mremap,
    libc::SYS_munmap,
    libc::SYS_mprotect,
    libc::SYS_madvise,
    libc::SYS_futex,
    libc::SYS_rseq,
    libc::SYS_set_robust_list,
    libc::SYS_get_robust_list,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_membarrier,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_getrandom,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_tgkill,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_restart_syscall,
    libc::SYS_getrusage,
    libc::SYS_prlimit64,
    libc::SYS_exit,
    libc::SYS_exit_group,
    // Refused for what it is by the other filter.
    libc::SYS_clone3,
];

/// Denies all threads of this process, for good, every system call but those that
/// computing and talking through open files need: it opens no file and no socket, and
/// starts no program. Such a call fails with `EPERM`.
///
/// # Errors
/// When the kernel does not filter system calls, or this processor's calls are not
/// known.
pub fn deny_system_calls() -> io::Result<()> {
    // The C library falls back to `clone`, whose flags a filter can see.
    apply(
        [(libc::SYS_clone3, Vec::new())].into(),
        SeccompAction::Errno(libc::ENOSYS.unsigned_abs()),
        SeccompAction::Allow,
    )?;
    let thread = libc::CLONE_THREAD.unsigned_abs().into();
    let is_thread = SeccompCondition::new(0, SeccompCmpArgLen::Qword, SeccompCmpOp::MaskedEq(thread), thread);
    let is_thread = SeccompRule::new(vec![is_thread.map_err(io::Error::other)?]).map_err(io::Error::other)?;
    let named = libc::PR_SET_NAME.unsigned_abs().into();
    let names = SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, named);
    let names = SeccompRule::new(vec![names.map_err(io::Error::other)?]).map_err(io::Error::other)?;
    let mut rules: BTreeMap<c_long, Vec<SeccompRule>> = ALLOWED.map(|call| (call, Vec::new())).into();
    rules.insert(libc::SYS_clone, vec![is_thread]);
    rules.insert(libc::SYS_prctl, vec![names]);
    apply(rules, SeccompAction::Allow, SeccompAction::Errno(libc::EPERM.unsigned_abs()))
}

/// `matching` for the calls of `rules`, `other` for all others.
fn apply(
    rules: BTreeMap<c_long, Vec<SeccompRule>>,
    matching: SeccompAction,
    other: SeccompAction,
) -> io::Result<()> {
    let target = std::env::consts::ARCH.try_into().map_err(io::Error::other)?;
    let filter = SeccompFilter::new(rules, other, matching, target).map_err(io::Error::other)?;
    let program: BpfProgram = filter.try_into().map_err(io::Error::other)?;
    apply_filter_all_threads(&program).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::net::{TcpListener, TcpStream};
    use std::process::Command;
    use std::thread;

    use super::*;

    /// Set in the process that is to deny itself everything.
    const INSIDE: &str = "UNTXT_TEST_INSIDE_OF_SECCOMP";

    #[test]
    fn a_process_that_denies_itself_system_calls_only_computes() {
        if std::env::var_os(INSIDE).is_some() {
            return alone();
        }
        let test = "child_process::seccomp::tests::a_process_that_denies_itself_system_calls_only_computes";
        let mut command = Command::new(std::env::current_exe().unwrap());
        let output = command.args(["--exact", test, "--nocapture"]).env(INSIDE, "1").output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains("1 passed"), "{output:?}");
    }

    fn alone() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let open = File::open("/proc/self/status").unwrap();
        deny_system_calls().unwrap();
        let denied = |error: io::Error| assert_eq!(error.raw_os_error(), Some(libc::EPERM));
        denied(File::open("/etc/hostname").unwrap_err());
        denied(TcpStream::connect(address).unwrap_err());
        denied(TcpListener::bind("127.0.0.1:0").unwrap_err());
        denied(Command::new("true").spawn().unwrap_err());
        denied(std::fs::remove_file("/nowhere").unwrap_err());
        denied(std::fs::read_dir("/").unwrap_err());
        // Memory, threads and what is open are still there.
        let sum = thread::spawn(|| vec![1_u64; 1 << 20].iter().sum::<u64>()).join().unwrap();
        assert_eq!(sum, 1 << 20);
        let status = io::read_to_string(open).unwrap();
        assert!(status.contains("Seccomp:\t2"), "{status}");
    }
}
