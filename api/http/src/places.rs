//! How many connections may stay open, for each user and in all: a WebSocket or
//! a stream of events holds one as long as it lives.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use untxt_settings::server::ConnectionLimits;
use uuid::Uuid;

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// The user has as many as one may.
    User {
        /// That many.
        per_user: usize,
    },
    /// This process has as many as it takes.
    Process,
}

/// The places of this process.
#[derive(Clone, Debug)]
pub struct Places {
    max: ConnectionLimits,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Debug, Default)]
struct Taken {
    by_user: HashMap<Uuid, usize>,
    in_all: usize,
}

/// One place; free again when this is dropped.
#[derive(Debug)]
pub struct Place {
    user: Uuid,
    taken: Arc<Mutex<Taken>>,
}

impl Places {
    /// As many as `max` says.
    #[must_use]
    pub fn new(max: ConnectionLimits) -> Self {
        Self { max, taken: Arc::default() }
    }

    /// A place for `user`.
    ///
    /// # Errors
    /// [`Full`] when there is none.
    pub fn take(&self, user: Uuid) -> Result<Place, Full> {
        let mut taken = lock(&self.taken);
        if taken.in_all >= self.max.in_all {
            return Err(Full::Process);
        }
        let of_user = taken.by_user.entry(user).or_default();
        if *of_user >= self.max.per_user {
            return Err(Full::User { per_user: self.max.per_user });
        }
        *of_user += 1;
        taken.in_all += 1;
        Ok(Place { user, taken: Arc::clone(&self.taken) })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = lock(&self.taken);
        taken.in_all -= 1;
        if let Entry::Occupied(mut of_user) = taken.by_user.entry(self.user) {
            *of_user.get_mut() -= 1;
            if *of_user.get() == 0 {
                of_user.remove();
            }
        }
    }
}

fn lock(taken: &Mutex<Taken>) -> MutexGuard<'_, Taken> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_for_each_user_and_in_all_and_given_back() {
        let places = Places::new(ConnectionLimits { per_user: 2, in_all: 3 });
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let first = places.take(one).unwrap();
        let _second = places.take(one).unwrap();
        assert_eq!(places.take(one).unwrap_err(), Full::User { per_user: 2 });
        let _third = places.take(other).unwrap();
        assert_eq!(places.take(other).unwrap_err(), Full::Process);
        drop(first);
        assert!(places.take(one).is_ok());
        assert_eq!(lock(&places.taken).in_all, 2);
    }
}
