//! Children for work that may not end, crash, or take more memory than it should: the
//! program itself with a hidden command, which reads requests on its standard input
//! and answers on its standard output. `parent` starts a child, kills it and says how
//! it ended; `inside` and `seccomp` are what the child does to itself.

mod inside;
mod parent;
#[cfg(target_os = "linux")]
mod seccomp;

pub use inside::{Requests, confine, limit_cpu_time};
pub use parent::{ChildProgram, End, cpu_time, end, kill, start};
#[cfg(target_os = "linux")]
pub use seccomp::deny_system_calls;

/// Denies this process system calls, which only Linux can.
///
/// # Errors
/// Always.
#[cfg(not(target_os = "linux"))]
pub fn deny_system_calls() -> std::io::Result<()> {
    Err(std::io::Error::other("it is not Linux"))
}
