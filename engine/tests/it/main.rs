//! The engine as a program uses it.

mod backlog;
mod cancel_and_drain;
mod clocks;
mod crash_schedules;
mod faults;
mod leases;
mod life;
mod poison;
mod redis;
mod redrive;
mod retention;
mod stage;
mod watching;
