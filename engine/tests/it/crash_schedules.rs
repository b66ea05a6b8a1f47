//! Dying at every named point, and at every pair of them, changes nothing of
//! what a run leaves behind.

mod hook;
mod normal;
mod play;

use std::collections::BTreeSet;

use untxt_engine::crash::CrashPoint;

use crate::stage::memory_journal;
use hook::Crash;
use normal::Normal;
use play::{Play, Trouble, play};

/// What the run leaves behind when nothing crashes.
async fn undisturbed(trouble: Trouble) -> Normal {
    play(&memory_journal, &Play { trouble, ..Play::default() }).await.left
}

/// Plays every one and sees that it leaves what it should; the points at which
/// something died.
async fn all_leave_the_same(plays: Vec<Play>) -> BTreeSet<CrashPoint> {
    let mut died_at = BTreeSet::new();
    for trouble in Trouble::ALL {
        let expected = undisturbed(trouble).await;
        for each in plays.iter().filter(|play| play.trouble == trouble) {
            let played = play(&memory_journal, each).await;
            assert_eq!(played.left, expected, "{each:#?}");
            died_at.extend(played.died_at);
        }
    }
    died_at
}

/// A drain is what leads to handing back.
fn needs_drain(crashes: &[Crash]) -> bool {
    crashes.iter().any(|crash| crash.point == CrashPoint::HandedBack)
}

#[tokio::test]
async fn nothing_depends_on_who_works_or_how_often_a_delivery_comes() {
    let mut plays = Vec::new();
    for trouble in Trouble::ALL {
        for workers in [1, 2] {
            for doubled in [false, true] {
                for drain in [false, true] {
                    plays.push(Play { trouble, workers, doubled, drain, crashes: Vec::new() });
                }
            }
        }
    }
    all_leave_the_same(plays).await;
}

#[tokio::test]
async fn every_single_crash_leaves_the_same() {
    let mut plays = Vec::new();
    for point in CrashPoint::ALL {
        for passes in 1..=5 {
            for trouble in Trouble::ALL {
                for doubled in [false, true] {
                    // The worker's death that makes an orphan comes first.
                    let before = (point == CrashPoint::OrphanLost)
                        .then_some(Crash { point: CrashPoint::Claimed, passes });
                    let passes = if before.is_some() { 1 } else { passes };
                    let crashes: Vec<Crash> = before.into_iter().chain([Crash { point, passes }]).collect();
                    let drain = needs_drain(&crashes);
                    plays.push(Play { trouble, workers: 1, doubled, drain, crashes });
                }
            }
        }
    }
    let died_at = all_leave_the_same(plays).await;
    assert_eq!(died_at, BTreeSet::from(CrashPoint::ALL), "a point that is never reached proves nothing");
}

#[tokio::test]
async fn every_pair_of_crashes_leaves_the_same() {
    let mut plays = Vec::new();
    for first in CrashPoint::ALL {
        for second in CrashPoint::ALL {
            for passes in [1, 2] {
                for trouble in Trouble::ALL {
                    let crashes = vec![Crash { point: first, passes }, Crash { point: second, passes: 1 }];
                    let drain = needs_drain(&crashes);
                    plays.push(Play { trouble, workers: 2, doubled: passes == 2, drain, crashes });
                }
            }
        }
    }
    let died_at = all_leave_the_same(plays).await;
    assert_eq!(died_at, BTreeSet::from(CrashPoint::ALL), "a point that is never reached proves nothing");
}
