//! The engine as a program uses it.

mod cancel_and_drain;
mod crash_schedules;
mod faults;
mod leases;
mod life;
mod redis;
mod redrive;
mod retention;
mod stage;
mod watching;
