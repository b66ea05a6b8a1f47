//! Failed authentications: so many a minute from one address are answered as what
//! they are. More are answered with 429, and what comes from there is looked at a
//! few at a time; but it is looked at, since many clients may share an address,
//! and whoever presents something good is let in whatever others present.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

use super::AuthError;
use crate::error::ApiError;

/// What failures are counted over.
const MINUTE: Duration = Duration::from_secs(60);

/// How long what let somebody in is known to be no attempt. It is checked as
/// ever.
const KNOWN_FOR: Duration = Duration::from_secs(10 * 60);

/// Lookups at once of what comes from addresses of too many failures. A lookup
/// takes about a millisecond, so whoever is let in hardly waits, and a flood takes
/// a fifth of the connections to the database.
const LOOKUPS_MAX: usize = 4;

/// Requests that look or wait for their turn; more are answered with 429 unseen.
const WAITING_MAX: usize = 256;

/// How long one may wait for its turn.
const LOOKUP_WITHIN: Duration = Duration::from_secs(5);

/// Addresses, and things that let somebody in, that are remembered. Beyond it
/// what is over is forgotten, and all if that is not enough: whoever has ten
/// thousand addresses gets on without this.
const REMEMBERED_MAX: usize = 10_000;

/// The failures of this process's callers.
#[derive(Debug)]
pub(crate) struct Failures {
    /// From one address; none are held up when absent.
    per_minute: Option<NonZeroU32>,
    remembered: Mutex<Remembered>,
    lookups: Lookups,
    /// Hashes what was presented under a key of this process's own. Who finds two
    /// with one hash has found a way to be looked up, no more.
    hasher: RandomState,
}

/// Those that are looked at although too many failures came from their address.
#[derive(Debug)]
struct Lookups {
    waiting: Semaphore,
    working: Semaphore,
    /// How long one may wait for its turn.
    within: Duration,
}

struct LookupPermit<'a> {
    _waiting: SemaphorePermit<'a>,
    _working: SemaphorePermit<'a>,
}

#[derive(Debug, Default)]
struct Remembered {
    /// When an address will have made good for all its failures: each costs it
    /// its share of a minute, one after the other.
    good_at: HashMap<IpAddr, Instant>,
    /// Until when what has this hash is known.
    known: HashMap<u64, Instant>,
}

impl Failures {
    /// Lets so many pass a minute.
    pub(crate) fn new(per_minute: Option<NonZeroU32>) -> Self {
        let (waiting, working) = (Semaphore::new(WAITING_MAX), Semaphore::new(LOOKUPS_MAX));
        let lookups = Lookups { waiting, working, within: LOOKUP_WITHIN };
        Self { per_minute, remembered: Mutex::default(), lookups, hasher: RandomState::new() }
    }

    /// What becomes of asking who `presented` something from that address. If too
    /// many were refused that came from there it is asked in turn, a few at once.
    ///
    /// # Errors
    /// 429 `AUTH_RATE_LIMITED` with `Retry-After` in place of a refusal that is one
    /// too many, and when no turn came; what asking fails with.
    pub(crate) async fn watch<T>(
        &self,
        from: Option<IpAddr>,
        presented: &str,
        asked: impl Future<Output = Result<T, AuthError>>,
    ) -> Result<T, ApiError> {
        let (Some(per_minute), Some(from)) = (self.per_minute, from.map(place)) else {
            return Ok(asked.await?);
        };
        let hash = self.hasher.hash_one(presented);
        let wait = self.wait(from, hash, per_minute, Instant::now());
        // What is presented is looked at all the same: others may be behind the
        // address of whoever failed.
        let permit = match wait {
            Some(wait) => Some(self.lookup_permit(wait).await?),
            None => None,
        };
        let asked = asked.await;
        drop(permit);
        match &asked {
            Ok(_) => self.knows(hash, Instant::now()),
            Err(AuthError::Refused(_)) => self.failed(from, hash, per_minute, Instant::now()),
            // Nobody is to blame for a database that is away.
            Err(_) => {}
        }
        match (asked, wait) {
            (Err(AuthError::Refused(_)), Some(wait)) => Err(ApiError::too_many_failures(wait)),
            (asked, _) => Ok(asked?),
        }
    }

    /// A turn to look at what came from where too many failures did.
    async fn lookup_permit(&self, wait: Duration) -> Result<LookupPermit<'_>, ApiError> {
        let waiting = self.lookups.waiting.try_acquire().map_err(|_| ApiError::too_many_failures(wait))?;
        let working = timeout(self.lookups.within, self.lookups.working.acquire()).await;
        let working = working.ok().and_then(Result::ok).ok_or_else(|| ApiError::too_many_failures(wait))?;
        Ok(LookupPermit { _waiting: waiting, _working: working })
    }

    /// How long whoever presents that from there has to wait, if at all.
    fn wait(&self, from: IpAddr, hash: u64, per_minute: NonZeroU32, now: Instant) -> Option<Duration> {
        let remembered = self.lock();
        if remembered.known.get(&hash).is_some_and(|until| *until > now) {
            return None;
        }
        let good_at = *remembered.good_at.get(&from)?;
        // One more would cost more than a minute.
        (good_at + MINUTE / per_minute.get())
            .checked_duration_since(now + MINUTE)
            .filter(|wait| !wait.is_zero())
    }

    fn knows(&self, hash: u64, now: Instant) {
        let mut remembered = self.lock();
        make_room(&mut remembered.known, now);
        remembered.known.insert(hash, now + KNOWN_FOR);
    }

    fn failed(&self, from: IpAddr, hash: u64, per_minute: NonZeroU32, now: Instant) {
        let mut remembered = self.lock();
        remembered.known.remove(&hash);
        make_room(&mut remembered.good_at, now);
        let good_at = remembered.good_at.entry(from).or_insert(now);
        *good_at = Ord::max(*good_at, now) + MINUTE / per_minute.get();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Remembered> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An address of IPv4; of IPv6 the network of 64 bits that one customer has at
/// least.
fn place(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

fn make_room<K: Hash + Eq>(remembered: &mut HashMap<K, Instant>, now: Instant) {
    if remembered.len() >= REMEMBERED_MAX {
        remembered.retain(|_, over| *over > now);
    }
    if remembered.len() >= REMEMBERED_MAX {
        remembered.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::task::JoinHandle;

    use super::*;

    const THREE: NonZeroU32 = NonZeroU32::new(3).unwrap();

    fn address(text: &str) -> IpAddr {
        place(text.parse().unwrap())
    }

    #[test]
    fn so_many_failures_a_minute_pass_from_one_place() {
        let (failures, now) = (Failures::new(Some(THREE)), Instant::now());
        let here = address("192.0.2.1");
        for hash in 0..3 {
            assert_eq!(failures.wait(here, hash, THREE, now), None);
            failures.failed(here, hash, THREE, now);
        }
        assert_eq!(failures.wait(here, 9, THREE, now), Some(MINUTE / 3));
        assert_eq!(failures.wait(address("192.0.2.2"), 9, THREE, now), None);
        assert_eq!(failures.wait(here, 9, THREE, now + MINUTE / 3), None);
        failures.failed(here, 9, THREE, now + MINUTE / 3);
        assert_eq!(failures.wait(here, 9, THREE, now + MINUTE / 3), Some(MINUTE / 3));
        assert_eq!(failures.wait(here, 9, THREE, now + 2 * MINUTE), None);
    }

    #[test]
    fn what_let_somebody_in_is_not_held_up_until_it_is_refused() {
        let (failures, now) = (Failures::new(Some(THREE)), Instant::now());
        let here = address("192.0.2.1");
        failures.knows(7, now);
        (0..3).for_each(|hash| failures.failed(here, hash, THREE, now));
        assert_eq!(
            (failures.wait(here, 7, THREE, now), failures.wait(here, 8, THREE, now)),
            (None, Some(MINUTE / 3))
        );
        failures.failed(here, 7, THREE, now);
        assert!(failures.wait(here, 7, THREE, now).is_some());
    }

    #[test]
    fn a_network_of_ipv6_is_one_place_and_mapped_addresses_are_themselves() {
        assert_eq!(address("2001:db8:0:1::1"), address("2001:db8:0:1:ffff::2"));
        assert_ne!(address("2001:db8:0:1::1"), address("2001:db8:0:2::1"));
        assert_eq!(address("::ffff:192.0.2.1"), address("192.0.2.1"));
        assert_ne!(address("::ffff:192.0.2.1"), address("::ffff:192.0.2.2"));
    }

    /// Of whom too many failures came from where everybody calls from.
    async fn crowded(within: Duration) -> Arc<Failures> {
        let mut failures = Failures::new(Some(THREE));
        failures.lookups.within = within;
        for number in 0..3 {
            let refused = async { Err::<(), _>(AuthError::refused("it is nobody's")) };
            let answer = failures.watch(Some(HERE), &format!("bad {number}"), refused).await;
            assert_eq!(answer.unwrap_err().status(), 401);
        }
        Arc::new(failures)
    }

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

    /// So many who present something good, and are looked at until the gate opens.
    fn good(
        failures: &Arc<Failures>,
        gate: &Arc<Semaphore>,
        count: usize,
    ) -> Vec<JoinHandle<Result<(), ApiError>>> {
        let ask = |number| {
            let (failures, gate) = (Arc::clone(failures), Arc::clone(gate));
            tokio::spawn(async move {
                let looked_at = async {
                    let _open = gate.acquire().await;
                    Ok(())
                };
                failures.watch(Some(HERE), &format!("good {number}"), looked_at).await
            })
        };
        (0..count).map(ask).collect()
    }

    /// What becomes of one more, who must not be looked at.
    async fn one_more(failures: &Failures) -> ApiError {
        let looked_at = async { panic!("it was looked at") };
        let told = failures.watch::<()>(Some(HERE), "one more", looked_at);
        timeout(MINUTE / 4, told).await.expect("it waits").unwrap_err()
    }

    async fn until(reached: impl Fn() -> bool) {
        let reached = async {
            while !reached() {
                tokio::task::yield_now().await;
            }
        };
        timeout(MINUTE / 4, reached).await.expect("it is never reached");
    }

    #[tokio::test]
    async fn whoever_finds_the_queue_full_is_refused_unseen_and_those_in_it_are_let_in() {
        let (failures, gate) = (crowded(MINUTE).await, Arc::new(Semaphore::new(0)));
        let waiting = good(&failures, &gate, WAITING_MAX);
        until(|| failures.lookups.waiting.available_permits() == 0).await;
        assert_eq!(failures.lookups.working.available_permits(), 0);
        let refused = one_more(&failures).await;
        assert_eq!(
            (refused.status().as_u16(), refused.body()["error"]["code"].as_str()),
            (429, Some("AUTH_RATE_LIMITED"))
        );
        gate.add_permits(1);
        for waited in waiting {
            waited.await.unwrap().unwrap();
        }
        let lookups = &failures.lookups;
        assert_eq!(
            (lookups.waiting.available_permits(), lookups.working.available_permits()),
            (WAITING_MAX, LOOKUPS_MAX),
            "every turn is given back"
        );
    }

    #[tokio::test]
    async fn whoever_waits_too_long_for_a_turn_is_refused_unseen() {
        let (failures, gate) = (crowded(Duration::from_millis(20)).await, Arc::new(Semaphore::new(0)));
        let working = good(&failures, &gate, LOOKUPS_MAX);
        until(|| failures.lookups.working.available_permits() == 0).await;
        assert_eq!(one_more(&failures).await.status(), 429);
        gate.add_permits(1);
        for worked in working {
            worked.await.unwrap().unwrap();
        }
        let let_in = failures.watch(Some(HERE), "one more", async { Ok(()) }).await;
        assert!(let_in.is_ok(), "there are turns again: {let_in:?}");
    }

    #[tokio::test]
    async fn whoever_is_given_up_on_gives_its_turn_back() {
        let (failures, gate) = (crowded(MINUTE).await, Arc::new(Semaphore::new(0)));
        let gone = good(&failures, &gate, 2 * LOOKUPS_MAX);
        until(|| failures.lookups.working.available_permits() == 0).await;
        gone.iter().for_each(JoinHandle::abort);
        for left in gone {
            assert!(left.await.unwrap_err().is_cancelled());
        }
        let let_in = failures.watch(Some(HERE), "one more", async { Ok(()) }).await;
        assert!(let_in.is_ok(), "{let_in:?}");
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let (failures, now) = (Failures::new(Some(THREE)), Instant::now());
        for number in 0..u32::try_from(REMEMBERED_MAX).unwrap() + 5 {
            failures.failed(IpAddr::from(number.to_be_bytes()), number.into(), THREE, now);
            failures.knows(number.into(), now);
        }
        let remembered = failures.lock();
        assert!(remembered.good_at.len() <= REMEMBERED_MAX && remembered.known.len() <= REMEMBERED_MAX);
    }
}
