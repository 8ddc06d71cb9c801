//! How often a market was halted lately, and whether it is worth to open it again.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// A halted market is opened again after this, by folding its log.
pub const REOPEN_AFTER: Duration = Duration::from_secs(1);
/// One that was halted so often by a fault of the program …
const MOST_FAULTS: usize = 5;
/// … within this time stays halted: what breaks it comes again.
const LATELY: Duration = Duration::from_secs(600);
/// Where the machine refused, nobody knows when there will be room: it is tried for ever, each time after twice as long, up
/// to 2 to the power of this many pauses.
const MOST_DOUBLINGS: u32 = 5;

/// Why a market was halted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The machine refused to read or write, as where its disk is full.
    Machine,
    /// The program is wrong, or its files are.
    Fault,
}

/// The halts of a market.
#[derive(Debug)]
pub struct Halts {
    /// The shortest time between a halt and the next attempt.
    pause: Duration,
    lately: VecDeque<(Instant, Why)>,
}

impl Halts {
    /// None yet; `pause` is the shortest time between a halt and the next attempt.
    pub fn new(pause: Duration) -> Self {
        Self { pause, lately: VecDeque::new() }
    }

    /// It is halted.
    pub fn note(&mut self, now: Instant, why: Why) {
        self.lately.retain(|(at, _)| now.duration_since(*at) < LATELY);
        self.lately.push_back((now, why));
    }

    /// Whether it was not halted lately.
    pub fn is_empty(&self) -> bool {
        self.lately.is_empty()
    }

    /// After which time it is to be opened again, if it is.
    pub fn pause(&self) -> Option<Duration> {
        let count = |wanted: Why| self.lately.iter().filter(|(_, why)| *why == wanted).count();
        match self.lately.back()?.1 {
            Why::Machine => {
                let doublings = u32::try_from(count(Why::Machine) - 1).unwrap_or(MOST_DOUBLINGS).min(MOST_DOUBLINGS);
                Some(self.pause * 2u32.pow(doublings))
            }
            Why::Fault => (count(Why::Fault) < MOST_FAULTS).then_some(self.pause),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn halted(whys: &[Why]) -> Option<Duration> {
        let (now, mut halts) = (Instant::now(), Halts::new(REOPEN_AFTER));
        for why in whys {
            halts.note(now, *why);
        }
        halts.pause()
    }

    #[test]
    fn a_market_whose_program_is_wrong_is_not_opened_for_ever() {
        assert_eq!(halted(&[Why::Fault; 4]), Some(REOPEN_AFTER));
        assert_eq!(halted(&[Why::Fault; 5]), None);
    }

    #[test]
    fn a_disk_may_be_full_for_as_long_as_it_likes() {
        assert_eq!(halted(&[Why::Machine]), Some(REOPEN_AFTER));
        assert_eq!(halted(&[Why::Machine; 3]), Some(4 * REOPEN_AFTER));
        assert_eq!(halted(&[Why::Machine; 100]), Some(32 * REOPEN_AFTER));
        assert_eq!(halted(&[[Why::Machine; 9].as_slice(), &[Why::Fault]].concat()), Some(REOPEN_AFTER));
    }

    #[test]
    fn old_halts_are_forgotten() {
        let (began, mut halts) = (Instant::now(), Halts::new(REOPEN_AFTER));
        for _ in 0..5 {
            halts.note(began, Why::Fault);
        }
        halts.note(began + LATELY, Why::Fault);
        assert_eq!(halts.pause(), Some(REOPEN_AFTER));
    }
}
