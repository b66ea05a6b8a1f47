//! The guests' clock. It ticks only while there are guests, so that an idle process
//! is not woken.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// How often a running guest is asked whether it should stop. The overshoot of
/// a deadline or a cancellation is about this.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// A thread that calls a function for each tick. It ends, within a tick, when this
/// is dropped.
#[derive(Debug)]
pub(crate) struct Clock(Arc<ClockShared>);

#[derive(Debug, Default)]
struct ClockShared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    guests: usize,
    over: bool,
}

/// Keeps the clock ticking as long as it exists.
#[derive(Debug)]
pub(crate) struct TickGuard(Arc<ClockShared>);

impl Clock {
    pub(crate) fn start(tick: impl Fn() + Send + 'static) -> io::Result<Self> {
        let shared = Arc::<ClockShared>::default();
        let ticking = Arc::clone(&shared);
        thread::Builder::new().name("engine-clock".to_owned()).spawn(move || {
            while ticking.tick_is_over() {
                tick();
            }
        })?;
        Ok(Self(shared))
    }

    pub(crate) fn ticking(&self) -> TickGuard {
        self.0.lock().guests += 1;
        self.0.changed.notify_one();
        TickGuard(Arc::clone(&self.0))
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        self.0.lock().over = true;
        self.0.changed.notify_one();
    }
}

impl Drop for TickGuard {
    fn drop(&mut self) {
        self.0.lock().guests -= 1;
    }
}

impl ClockShared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a guest, then for a tick. Returns false when the clock was dropped
    /// and no guest is left.
    fn tick_is_over(&self) -> bool {
        let idle = |state: &mut State| state.guests == 0 && !state.over;
        let state = self.changed.wait_while(self.lock(), idle).unwrap_or_else(PoisonError::into_inner);
        if state.guests == 0 {
            return false;
        }
        drop(state);
        thread::sleep(TICK);
        true
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};

    use super::*;

    /// Longer than any tick takes to come, on a machine that is busy.
    const PATIENCE: Duration = Duration::from_secs(30);

    /// So long without a tick is silence.
    const SILENCE: Duration = Duration::from_millis(150);

    /// More ticks than can be under way.
    const MANY: usize = 100;

    fn clock() -> (Clock, Receiver<()>) {
        let (ticked, ticks) = channel();
        let tick = move || {
            // Fails when nobody counts any more.
            let _ = ticked.send(());
        };
        (Clock::start(tick).unwrap(), ticks)
    }

    #[test]
    fn it_ticks_only_while_there_are_guests() {
        let (clock, ticks) = clock();
        assert_eq!(ticks.recv_timeout(SILENCE), Err(RecvTimeoutError::Timeout), "nobody is there");
        for _ in 0..2 {
            let (first, second) = (clock.ticking(), clock.ticking());
            ticks.recv_timeout(PATIENCE).unwrap();
            drop(first);
            ticks.recv_timeout(PATIENCE).unwrap();
            ticks.recv_timeout(PATIENCE).unwrap();
            drop(second);
            let under_way = (0..MANY).take_while(|_| ticks.recv_timeout(SILENCE).is_ok()).count();
            assert!(under_way < MANY, "it goes on without guests");
        }
    }

    #[test]
    fn it_ends_when_it_is_dropped_and_its_guests_have_ended() {
        let (idle, ticks) = clock();
        drop(idle);
        assert_eq!(ticks.recv_timeout(PATIENCE), Err(RecvTimeoutError::Disconnected), "its thread is gone");

        let (clock, ticks) = clock();
        let guest = clock.ticking();
        drop(clock);
        for _ in 0..3 {
            ticks.recv_timeout(PATIENCE).expect("a guest that spins is still to be stopped");
        }
        drop(guest);
        while ticks.recv_timeout(PATIENCE) != Err(RecvTimeoutError::Disconnected) {}
    }
}
