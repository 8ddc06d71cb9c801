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
}

/// What was claimed for a turn that may begin a shift.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Claim {
    /// The driver was nowhere.
    New,
    /// He is in this market already, or comes back before the end of his last shift is durable.
    Held,
    /// He is in another market.
    Elsewhere,
}

impl Shifts {
    fn lock(&self) -> MutexGuard<'_, HashMap<Name, Held>> {
        // Nothing panics while it holds the lock.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A market is about to take a turn that may begin a driver's shift; [`Self::settle`] has to follow unless he is elsewhere.
    pub fn claim(&self, market: &Arc<str>, driver: &Name, at: Offset) -> Claim {
        match self.lock().entry(driver.clone()) {
            Entry::Vacant(free) => {
                free.insert(Held { market: market.clone(), since: at });
                Claim::New
            }
            Entry::Occupied(held) if held.get().market == *market => Claim::Held,
            Entry::Occupied(_) => Claim::Elsewhere,
        }
    }

    /// The turn was taken, and did (`begun`) or did not begin a shift.
    pub fn settle(&self, driver: &Name, claim: &Claim, at: Offset, begun: bool) {
        let mut held = self.lock();
        match claim {
            Claim::New if !begun => _ = held.remove(driver),
            Claim::Held if begun => {
                if let Some(held) = held.get_mut(driver) {
                    held.since = at;
                }
            }
            _ => {}
        }
    }

    /// It is durable that a driver's shift in a market ended at a turn. A shift that he began after it stays.
    pub fn ended(&self, market: &str, driver: &Name, at: Offset) {
        if let Entry::Occupied(held) = self.lock().entry(driver.clone())
            && *held.get().market == *market
            && held.get().since < at
        {
            held.remove();
        }
    }

    /// A market is opened with these drivers on shift, its next turn being the one at `next`. Returns those who are on shift
    /// elsewhere, where they went while it was closed: their shift in this one has to end.
    pub fn open<'a>(&self, market: &Arc<str>, drivers: impl Iterator<Item = &'a Name>, next: Offset) -> Vec<Name> {
        let mut held = self.lock();
        held.retain(|_, held| held.market != *market);
        let mut elsewhere = Vec::new();
        for driver in drivers {
            match held.entry(driver.clone()) {
                Entry::Vacant(free) => {
                    free.insert(Held { market: market.clone(), since: Offset(next.0.saturating_sub(1)) });
                }
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

    #[test]
    fn a_driver_is_in_one_market_until_the_end_of_his_shift_is_durable() {
        let (shifts, [east, west]) = (Shifts::default(), ["east", "west"].map(Arc::<str>::from));
        let ann = Name::from("ann");
        let start = |market: &Arc<str>, at, begun| {
            let claim = shifts.claim(market, &ann, Offset(at));
            if claim != Claim::Elsewhere {
                shifts.settle(&ann, &claim, Offset(at), begun);
            }
            claim
        };
        assert_eq!(start(&east, 5, false), Claim::New, "refused by a rule");
        assert_eq!(start(&west, 1, true), Claim::New);
        assert_eq!(start(&east, 6, true), Claim::Elsewhere);
        assert_eq!(start(&west, 2, false), Claim::Held, "she is on shift already");
        shifts.ended("east", &ann, Offset(9));
        assert_eq!(start(&east, 7, true), Claim::Elsewhere, "what ends in another market is not this shift");
        // She ends it at 3 and begins anew at 4 before the end is durable.
        assert_eq!(start(&west, 4, true), Claim::Held);
        shifts.ended("west", &ann, Offset(3));
        assert_eq!(start(&east, 8, true), Claim::Elsewhere);
        shifts.ended("west", &ann, Offset(5));
        assert_eq!(start(&east, 9, true), Claim::New);
    }

    #[test]
    fn a_market_that_is_opened_lets_go_of_those_who_are_elsewhere() {
        let (shifts, [east, west]) = (Shifts::default(), ["east", "west"].map(Arc::<str>::from));
        let [ann, bob] = ["ann", "bob"].map(Name::from);
        assert_eq!(shifts.open(&east, [&ann, &bob].into_iter(), Offset(10)), []);
        // Of the life before.
        shifts.ended("east", &ann, Offset(9));
        assert_eq!(shifts.claim(&west, &ann, Offset(1)), Claim::Elsewhere);
        shifts.close("east");
        assert_eq!(shifts.claim(&west, &ann, Offset(1)), Claim::New);
        assert_eq!(shifts.open(&east, [&ann, &bob].into_iter(), Offset(12)), [ann]);
        assert_eq!(shifts.claim(&west, &bob, Offset(2)), Claim::Elsewhere);
    }
}
