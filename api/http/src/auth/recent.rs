//! What was looked up a moment ago, so that a request costs no query.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long what was looked up is believed: so long a key or session that ended may
/// still let somebody in through another process.
const BELIEVED_FOR: Duration = Duration::from_secs(2);

/// Rows that are remembered; beyond it those are forgotten that are not believed
/// any more, and all if that is not enough.
const REMEMBERED_MAX: usize = 10_000;

/// Rows by what finds them.
pub(super) struct Recent<K, V> {
    rows: Mutex<HashMap<K, (V, Instant)>>,
}

impl<K, V> Default for Recent<K, V> {
    fn default() -> Self {
        Self { rows: Mutex::default() }
    }
}

impl<K: Eq + Hash + Clone, V: Clone> Recent<K, V> {
    /// The row, as it was [`BELIEVED_FOR`] ago at most, or as `looked_up` finds it.
    pub(super) async fn find<E>(
        &self,
        key: &K,
        looked_up: impl Future<Output = Result<Option<V>, E>>,
    ) -> Result<Option<V>, E> {
        if let Some(row) = self.recalled(key) {
            return Ok(Some(row));
        }
        let found = looked_up.await;
        let mut rows = self.lock();
        // What is not there is not remembered: anybody may ask for anything.
        match &found {
            Ok(Some(row)) => {
                make_room(&mut rows);
                rows.insert(key.clone(), (row.clone(), Instant::now()));
            }
            Ok(None) | Err(_) => drop(rows.remove(key)),
        }
        found
    }

    /// What is remembered and still believed. Of those who find that it isn't, the
    /// first looks it up, and the others go by it meanwhile.
    fn recalled(&self, key: &K) -> Option<V> {
        let mut rows = self.lock();
        let (row, at) = rows.get_mut(key)?;
        if at.elapsed() > BELIEVED_FOR {
            *at = Instant::now();
            return None;
        }
        Some(row.clone())
    }

    /// Changes what is remembered of a row.
    pub(super) fn update(&self, key: &K, change: impl FnOnce(&mut V)) {
        if let Some((row, _)) = self.lock().get_mut(key) {
            change(row);
        }
    }

    /// Forgets the rows that are so.
    pub(super) fn forget(&self, is_so: impl Fn(&K, &V) -> bool) {
        self.lock().retain(|key, (row, _)| !is_so(key, row));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, (V, Instant)>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn make_room<K, V>(rows: &mut HashMap<K, (V, Instant)>) {
    if rows.len() >= REMEMBERED_MAX {
        rows.retain(|_, (_, at)| at.elapsed() <= BELIEVED_FOR);
    }
    if rows.len() >= REMEMBERED_MAX {
        rows.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    #[tokio::test]
    async fn what_is_remembered_is_bounded_and_what_is_not_there_is_not_remembered() {
        let recent = Recent::<usize, usize>::default();
        for number in 0..REMEMBERED_MAX + 5 {
            let there = async { Ok::<_, Infallible>(Some(number)) };
            assert_eq!(recent.find(&number, there).await, Ok(Some(number)));
        }
        assert!(recent.lock().len() <= REMEMBERED_MAX);
        let last = REMEMBERED_MAX + 4;
        assert_eq!(
            recent.find(&last, async { panic!("it is looked up") }).await,
            Ok::<_, Infallible>(Some(last))
        );
        recent.forget(|key, _| *key == last);
        for _ in 0..2 {
            assert_eq!(recent.find(&last, async { Ok::<_, Infallible>(None) }).await, Ok(None));
        }
    }
}
