//! When a service that died is restarted, and when it is given up. Pure: the
//! caller says how long the service lived.

use std::time::Duration;

/// A service that ran this long had started well; its next death counts as the first.
const STABLE_AFTER: Duration = Duration::from_secs(60);
/// The wait after the first death in a row; it doubles with each.
const FIRST_WAIT: Duration = Duration::from_millis(200);
const WAIT_MAX: Duration = Duration::from_secs(15);
/// Deaths in a row after which it is given up: about a minute of retries.
const DEATHS_MAX: u32 = 10;

/// What to do after a death.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Restart it after this long.
    Restart(Duration),
    /// Leave it: somebody has to look into it.
    GiveUp,
}

/// The deaths of one service.
#[derive(Debug, Default)]
pub(crate) struct Restarts {
    in_a_row: u32,
}

impl Restarts {
    /// Records a death after the service had run for `lived`.
    pub(crate) fn died(&mut self, lived: Duration) -> Decision {
        if lived >= STABLE_AFTER {
            self.in_a_row = 0;
        }
        self.in_a_row += 1;
        if self.in_a_row >= DEATHS_MAX {
            return Decision::GiveUp;
        }
        Decision::Restart((FIRST_WAIT * 2_u32.pow(self.in_a_row - 1)).min(WAIT_MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_to_a_cap_and_end_in_giving_up() {
        let mut restarts = Restarts::default();
        let waits: Vec<Decision> = (0..10).map(|_| restarts.died(Duration::from_secs(1))).collect();
        let ms = |ms| Decision::Restart(Duration::from_millis(ms));
        assert_eq!(waits[..7], [200, 400, 800, 1_600, 3_200, 6_400, 12_800].map(ms));
        assert_eq!(waits[7..], [ms(15_000), ms(15_000), Decision::GiveUp]);
    }

    #[test]
    fn a_service_that_had_started_well_begins_anew() {
        let mut restarts = Restarts::default();
        for _ in 0..9 {
            restarts.died(Duration::ZERO);
        }
        assert_eq!(restarts.died(STABLE_AFTER), Decision::Restart(FIRST_WAIT));
    }
}
