//! When a service that died is started again, and when it is not. Pure: it is
//! told how long the service lived.

use std::time::Duration;

/// Whoever lived this long has come up; its next death is a first one again.
const CAME_UP_AFTER: Duration = Duration::from_secs(60);
/// The wait after the first death in a row; it doubles with each.
const FIRST_WAIT: Duration = Duration::from_millis(200);
const WAIT_MAX: Duration = Duration::from_secs(15);
/// Deaths in a row after which it is given up: about a minute of trying.
const DEATHS_MAX: u32 = 10;

/// What is to be done about a death.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Start it again after this long.
    Again(Duration),
    /// Leave it: a person has to look.
    GiveUp,
}

/// The deaths of one service.
#[derive(Debug, Default)]
pub(super) struct Restarts {
    in_a_row: u32,
}

impl Restarts {
    /// It died after it had lived for `lived`.
    pub(super) fn died(&mut self, lived: Duration) -> Next {
        if lived >= CAME_UP_AFTER {
            self.in_a_row = 0;
        }
        self.in_a_row += 1;
        if self.in_a_row >= DEATHS_MAX {
            return Next::GiveUp;
        }
        Next::Again((FIRST_WAIT * 2_u32.pow(self.in_a_row - 1)).min(WAIT_MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_to_a_cap_and_end_in_giving_up() {
        let mut restarts = Restarts::default();
        let waits: Vec<Next> = (0..10).map(|_| restarts.died(Duration::from_secs(1))).collect();
        let ms = |ms| Next::Again(Duration::from_millis(ms));
        assert_eq!(waits[..7], [200, 400, 800, 1_600, 3_200, 6_400, 12_800].map(ms));
        assert_eq!(waits[7..], [ms(15_000), ms(15_000), Next::GiveUp]);
    }

    #[test]
    fn one_that_had_come_up_begins_anew() {
        let mut restarts = Restarts::default();
        for _ in 0..9 {
            restarts.died(Duration::ZERO);
        }
        assert_eq!(restarts.died(CAME_UP_AFTER), Next::Again(FIRST_WAIT));
    }
}
