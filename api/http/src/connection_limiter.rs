//! Limits how many WebSockets and event streams are open, for each user and in all.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use untxt_settings::server::ConnectionLimits;
use uuid::Uuid;

/// Why a connection is not permitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitReached {
    /// The user has as many as one may.
    User {
        /// That many.
        per_user: usize,
    },
    /// This process has as many as it takes.
    Process,
}

/// Counts the open connections of this process.
#[derive(Clone, Debug)]
pub struct ConnectionLimiter {
    max: ConnectionLimits,
    open: Arc<Mutex<Open>>,
}

#[derive(Debug, Default)]
struct Open {
    by_user: HashMap<Uuid, usize>,
    in_all: usize,
}

/// The permit for one open connection, returned when it is dropped.
#[derive(Debug)]
pub struct ConnectionPermit {
    user: Uuid,
    open: Arc<Mutex<Open>>,
}

impl ConnectionLimiter {
    /// Permits as many as `max` says.
    #[must_use]
    pub fn new(max: ConnectionLimits) -> Self {
        Self { max, open: Arc::default() }
    }

    /// Permits one more connection of `user`.
    ///
    /// # Errors
    /// [`LimitReached`] when there are too many.
    pub fn acquire(&self, user: Uuid) -> Result<ConnectionPermit, LimitReached> {
        let mut open = lock(&self.open);
        if open.in_all >= self.max.in_all {
            return Err(LimitReached::Process);
        }
        let of_user = open.by_user.entry(user).or_default();
        if *of_user >= self.max.per_user {
            return Err(LimitReached::User { per_user: self.max.per_user });
        }
        *of_user += 1;
        open.in_all += 1;
        Ok(ConnectionPermit { user, open: Arc::clone(&self.open) })
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        let mut open = lock(&self.open);
        open.in_all -= 1;
        if let Entry::Occupied(mut of_user) = open.by_user.entry(self.user) {
            *of_user.get_mut() -= 1;
            if *of_user.get() == 0 {
                of_user.remove();
            }
        }
    }
}

fn lock(open: &Mutex<Open>) -> MutexGuard<'_, Open> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_counted_for_each_user_and_in_all() {
        let limiter = ConnectionLimiter::new(ConnectionLimits { per_user: 2, in_all: 3 });
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let first = limiter.acquire(one).unwrap();
        let _second = limiter.acquire(one).unwrap();
        assert_eq!(limiter.acquire(one).unwrap_err(), LimitReached::User { per_user: 2 });
        let _third = limiter.acquire(other).unwrap();
        assert_eq!(limiter.acquire(other).unwrap_err(), LimitReached::Process);
        drop(first);
        assert!(limiter.acquire(one).is_ok());
        assert_eq!(lock(&limiter.open).in_all, 2);
    }
}
