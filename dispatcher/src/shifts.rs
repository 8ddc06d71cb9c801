//! In which market each driver is on shift: in one at a time, of those that are open in a process.
//!
//! A market decides alone and knows no other, so its writer asks here before it takes a `StartShift`. A driver who ended a shift is
//! free once that is durable: else a loss of power could give it back to him while he is elsewhere.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hansom_engine::{Name, Offset};

/// The drivers on shift in the markets of a process.
#[derive(Debug, Default)]
pub(crate) struct Shifts {
    held: Mutex<HashMap<Name, Held>>,
}

/// Where a driver is.
#[derive(Debug)]
struct Held {
    market: Arc<str>,
    /// The turn that began the shift, or the last before the market was opened.
    since: Offset,
    /// A turn is being taken that may begin another shift.
    is_claimed: bool,
    /// There is no shift unless that turn begins one.
    is_over: bool,
    /// When the market was opened, he only had his last rides to do.
    is_finishing: bool,
}

impl Held {
    fn new(market: &Arc<str>, since: Offset) -> Self {
        Self { market: market.clone(), since, is_claimed: false, is_over: false, is_finishing: false }
    }
}

impl Shifts {
    fn lock(&self) -> MutexGuard<'_, HashMap<Name, Held>> {
        // Nothing panics while it holds the lock.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A market is about to take a turn that may begin a driver's shift; [`Self::settle`] has to follow. `false`: he is in another
    /// market.
    #[must_use]
    pub fn claim(&self, market: &Arc<str>, driver: &Name, at: Offset) -> bool {
        match self.lock().entry(driver.clone()) {
            Entry::Vacant(free) => {
                free.insert(Held { is_claimed: true, is_over: true, ..Held::new(market, at) });
                true
            }
            Entry::Occupied(mut held) => {
                let is_here = held.get().market == *market;
                held.get_mut().is_claimed |= is_here;
                is_here
            }
        }
    }

    /// The turn that a driver was claimed for was taken, and did (`begun`) or did not begin a shift.
    pub fn settle(&self, driver: &Name, at: Offset, begun: bool) {
        let mut all = self.lock();
        let Some(held) = all.get_mut(driver) else { return };
        held.is_claimed = false;
        if begun {
            (held.since, held.is_over, held.is_finishing) = (at, false, false);
        } else if held.is_over {
            all.remove(driver);
        }
    }

    /// It is durable that a driver's shift in a market ended at a turn. A shift that he began after it stays.
    pub fn ended(&self, market: &str, driver: &Name, at: Offset) {
        if let Entry::Occupied(mut held) = self.lock().entry(driver.clone())
            && *held.get().market == *market
            && held.get().since < at
        {
            if held.get().is_claimed {
                held.get_mut().is_over = true;
            } else {
                held.remove();
            }
        }
    }

    /// A market is opened with these drivers on shift, each with whether he only has his last rides to do; its next turn is the one at
    /// `next`. Returns those whose shift in this market has to end, as another was opened with them, or they went there while this
    /// one was closed.
    pub fn open<'a>(
        &self,
        market: &Arc<str>,
        drivers: impl Iterator<Item = (&'a Name, bool)>,
        next: Offset,
    ) -> Vec<Name> {
        let mut held = self.lock();
        held.retain(|_, held| held.market != *market);
        let mut elsewhere = Vec::new();
        for (driver, is_finishing) in drivers {
            let here = Held { is_finishing, ..Held::new(market, Offset(next.0.saturating_sub(1))) };
            match held.entry(driver.clone()) {
                Entry::Vacant(free) => _ = free.insert(here),
                Entry::Occupied(_) if is_finishing => {}
                Entry::Occupied(mut there) if there.get().is_finishing => _ = there.insert(here),
                Entry::Occupied(_) => elsewhere.push(driver.clone()),
            }
        }
        elsewhere
    }

    /// A market is closed: its drivers may go on shift elsewhere.
    pub fn close(&self, market: &str) {
        self.lock().retain(|_, held| *held.market != *market);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn markets() -> [Arc<str>; 2] {
        ["east", "west"].map(Arc::from)
    }

    #[test]
    fn a_driver_is_in_one_market_until_the_end_of_his_shift_is_durable() {
        let (shifts, [east, west], ann) = (Shifts::default(), markets(), Name::from("ann"));
        let start = |market: &Arc<str>, at, begun| {
            let is_here = shifts.claim(market, &ann, Offset(at));
            if is_here {
                shifts.settle(&ann, Offset(at), begun);
            }
            is_here
        };
        assert!(start(&east, 5, false), "and refused by a rule");
        assert!(start(&west, 1, true));
        assert!(!start(&east, 6, true));
        assert!(start(&west, 2, false), "she is on shift already");
        shifts.ended("east", &ann, Offset(9));
        assert!(!start(&east, 7, true), "what ends in another market is not this shift");
        // She ends it at 3 and begins anew at 4 before the end is durable.
        assert!(start(&west, 4, true));
        shifts.ended("west", &ann, Offset(3));
        assert!(!start(&east, 8, true));
        shifts.ended("west", &ann, Offset(5));
        assert!(start(&east, 9, true));
    }

    /// It becomes durable while the turn is decided that begins the next, or does not.
    #[test]
    fn an_end_that_is_durable_in_between_frees_nobody_who_begins_anew() {
        for begun in [true, false] {
            let (shifts, [east, west], ann) = (Shifts::default(), markets(), Name::from("ann"));
            assert!(shifts.claim(&east, &ann, Offset(2)));
            shifts.settle(&ann, Offset(2), true);
            assert!(shifts.claim(&east, &ann, Offset(4)));
            shifts.ended("east", &ann, Offset(3));
            assert!(!shifts.claim(&west, &ann, Offset(1)), "nobody knows yet");
            shifts.settle(&ann, Offset(4), begun);
            assert_eq!(shifts.claim(&west, &ann, Offset(1)), !begun);
        }
    }

    #[test]
    fn a_market_that_is_opened_lets_go_of_those_who_are_elsewhere() {
        let (shifts, [east, west]) = (Shifts::default(), markets());
        let [ann, bob] = ["ann", "bob"].map(Name::from);
        let both = || [(&ann, false), (&bob, false)].into_iter();
        assert_eq!(shifts.open(&east, both(), Offset(10)), []);
        // Of the life before.
        shifts.ended("east", &ann, Offset(9));
        assert!(!shifts.claim(&west, &ann, Offset(1)));
        shifts.close("east");
        assert!(shifts.claim(&west, &ann, Offset(1)));
        shifts.settle(&ann, Offset(1), true);
        assert_eq!(shifts.open(&east, both(), Offset(12)), std::slice::from_ref(&ann));
        assert!(!shifts.claim(&west, &bob, Offset(2)));
        // Her last rides in the east keep her from nowhere else, and nobody from them.
        let last_rides = || [(&ann, true)].into_iter();
        assert_eq!(shifts.open(&east, last_rides(), Offset(14)), []);
        assert!(!shifts.claim(&east, &ann, Offset(15)));
        let shifts = Shifts::default();
        assert_eq!(shifts.open(&east, last_rides(), Offset(14)), []);
        assert_eq!(shifts.open(&west, [(&ann, false)].into_iter(), Offset(5)), []);
        assert!(!shifts.claim(&east, &ann, Offset(15)));
    }
}
