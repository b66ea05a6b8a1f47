//! Children for work that may not end, crash, or take more memory than it should: the
//! program itself with a hidden command, which reads requests on its standard input
//! and answers on its standard output. `parent` starts a child, kills it and says how
//! it ended; `inside` is what the child does to itself.

mod inside;
mod parent;

pub use inside::{Requests, confine, limit_cpu_time};
pub use parent::{ChildProgram, End, cpu_time, end, kill, start};
