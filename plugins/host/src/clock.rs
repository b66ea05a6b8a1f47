//! The guests' clock. It ticks while there are guests: a process in which none
//! runs is not woken for it.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// How often a running guest is asked whether it should stop. The overshoot of
/// a deadline or a cancellation is about this.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// A thread that calls for each tick. It ends, within a tick, when this is
/// dropped.
#[derive(Debug)]
pub(crate) struct Clock(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    guests: usize,
    over: bool,
}

/// Has the clock tick as long as it exists.
#[derive(Debug)]
pub(crate) struct Ticking(Arc<Shared>);

impl Clock {
    pub(crate) fn start(tick: impl Fn() + Send + 'static) -> io::Result<Self> {
        let shared = Arc::<Shared>::default();
        let ticking = Arc::clone(&shared);
        thread::Builder::new().name("engine-clock".to_owned()).spawn(move || {
            while ticking.tick_is_over() {
                tick();
            }
        })?;
        Ok(Self(shared))
    }

    pub(crate) fn ticking(&self) -> Ticking {
        self.0.lock().guests += 1;
        self.0.changed.notify_one();
        Ticking(Arc::clone(&self.0))
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        self.0.lock().over = true;
        self.0.changed.notify_one();
    }
}

impl Drop for Ticking {
    fn drop(&mut self) {
        self.0.lock().guests -= 1;
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until there is a guest, and then for a tick; false when the clock is
    /// not wanted any more and no guest is left.
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
    fn it_ticks_while_there_are_guests_and_stands_still_without() {
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
    fn it_ends_when_it_is_not_wanted_any_more_and_not_before_its_guests() {
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
