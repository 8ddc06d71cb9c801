//! How much a principal may do in a while: a bucket each, that fills as time goes by.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hansom_engine::Name;

/// How much one may do: requests, and each line in them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// So much a second in the long run; at least 1.
    pub per_s: u32,
    /// So much at once after a pause.
    pub burst: u32,
}

impl Rate {
    /// What people and their devices do, generously.
    pub const PEOPLE: Self = Self::per_s(20);
    /// What a gateway sends for all of them.
    pub const SERVICES: Self = Self::per_s(20_000);

    /// So much a second, and that of five seconds at once.
    pub const fn per_s(per_s: u32) -> Self {
        Self { per_s, burst: per_s.saturating_mul(5) }
    }
}

/// Too much for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too much was sent under this token's name; it may go on after {} ms", after.as_millis())]
pub struct Limited {
    /// When there is room again.
    pub after: Duration,
}

/// What is left of what one may do.
#[derive(Debug)]
pub(super) struct Bucket {
    rate: Rate,
    /// When it is full again if nothing more is taken.
    full_at: Mutex<Instant>,
}

impl Bucket {
    /// A full one.
    pub fn new(rate: Rate) -> Self {
        Self { rate, full_at: Mutex::new(Instant::now()) }
    }

    fn lock(&self) -> MutexGuard<'_, Instant> {
        self.full_at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long it takes to fill by so much.
    fn time(&self, work: u32) -> Duration {
        Duration::from_secs(1) * work / self.rate.per_s.max(1)
    }

    /// Takes so much, or nothing. What is more than a full bucket has to wait until it is full.
    pub fn take(&self, work: u32) -> Result<(), Limited> {
        self.take_at(Instant::now(), work)
    }

    fn take_at(&self, now: Instant, work: u32) -> Result<(), Limited> {
        let mut full_at = self.lock();
        let missing = full_at.saturating_duration_since(now);
        let room = self.time(self.rate.burst.max(1)).saturating_sub(self.time(work.min(self.rate.burst)));
        if missing > room {
            return Err(Limited { after: missing.saturating_sub(room) });
        }
        *full_at = now + missing + self.time(work);
        Ok(())
    }

    /// Takes one after another, at most `most`: how many, and why no more.
    pub fn take_some(&self, most: u32) -> (u32, Result<(), Limited>) {
        self.take_some_at(Instant::now(), most)
    }

    fn take_some_at(&self, now: Instant, most: u32) -> (u32, Result<(), Limited>) {
        let one = self.time(1);
        let room = self.time(self.rate.burst.max(1)).saturating_sub(self.time(self.rate.burst.min(1)));
        let mut full_at = self.lock();
        let mut missing = full_at.saturating_duration_since(now);
        let mut taken = 0;
        while taken < most && missing <= room {
            missing += one;
            taken += 1;
        }
        if taken > 0 {
            *full_at = now + missing;
        }
        (taken, if taken < most { Err(Limited { after: missing.saturating_sub(room) }) } else { Ok(()) })
    }

    /// Puts so much back.
    pub fn put_back(&self, work: u32) {
        let mut full_at = self.lock();
        if let Some(earlier) = full_at.checked_sub(self.time(work)) {
            *full_at = earlier;
        }
    }

    fn is_full(&self, now: Instant) -> bool {
        *self.lock() <= now
    }
}

/// The buckets of all principals that were seen lately.
#[derive(Debug)]
pub struct Limits {
    /// For riders and drivers, each.
    people: Rate,
    /// For operators and services, each.
    services: Rate,
    buckets: Mutex<Buckets>,
}

#[derive(Debug)]
struct Buckets {
    of: HashMap<(Name, bool), Arc<Bucket>>,
    /// Full ones are forgotten when there are so many.
    sweep_at: usize,
}

/// So many buckets are kept without a look at whether they are full.
const FEW: usize = 4096;

impl Limits {
    /// So much for each rider and driver, and for each operator and service.
    pub fn new(people: Rate, services: Rate) -> Self {
        let buckets = Mutex::new(Buckets { of: HashMap::new(), sweep_at: FEW });
        Self { people, services, buckets }
    }

    /// The bucket of a name.
    pub(super) fn of(&self, name: &Name, is_staff: bool) -> Arc<Bucket> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.of.len() >= buckets.sweep_at {
            let now = Instant::now();
            buckets.of.retain(|_, bucket| !bucket.is_full(now));
            buckets.sweep_at = FEW.max(2 * buckets.of.len());
        }
        let rate = if is_staff { self.services } else { self.people };
        buckets.of.entry((name.clone(), is_staff)).or_insert_with(|| Arc::new(Bucket::new(rate))).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_gives_a_burst_and_then_what_flows_in() {
        let bucket = Bucket::new(Rate { per_s: 10, burst: 3 });
        let start = Instant::now();
        let ms = Duration::from_millis;
        assert_eq!((0..3).flat_map(|_| bucket.take_at(start, 1)).count(), 3);
        assert_eq!(bucket.take_at(start, 1), Err(Limited { after: ms(100) }));
        assert_eq!(bucket.take_at(start + ms(99), 1), Err(Limited { after: ms(1) }));
        assert_eq!(bucket.take_at(start + ms(100), 1), Ok(()));
        assert_eq!(bucket.take_at(start + ms(100), 2), Err(Limited { after: ms(200) }));
        bucket.put_back(1);
        assert_eq!(bucket.take_at(start + ms(100), 1), Ok(()));
    }

    #[test]
    fn some_are_as_many_as_one_after_another() {
        let start = Instant::now();
        for (per_s, burst, before) in [(10, 3, 0), (10, 3, 2), (7, 100, 40), (1, 1, 0), (0, 0, 0), (1_000, 500, 480)] {
            for after in [0, 1, 140, 1_000] {
                let [one, other] = [(); 2].map(|()| Bucket::new(Rate { per_s, burst }));
                let now = start + Duration::from_millis(after);
                for bucket in [&one, &other] {
                    *bucket.lock() = start;
                    (0..before).for_each(|_| _ = bucket.take_at(start, 1));
                }
                let some = one.take_some_at(now, 50);
                let each: Vec<_> = (0..50).map(|_| other.take_at(now, 1)).collect();
                assert_eq!(some.0 as usize, each.iter().filter(|taken| taken.is_ok()).count());
                assert_eq!(some.1, each[49]);
                assert_eq!(*one.lock(), *other.lock());
            }
        }
    }

    #[test]
    fn in_the_long_run_no_more_flows_out_than_in() {
        let bucket = Bucket::new(Rate { per_s: 10, burst: 5 });
        let start = Instant::now();
        let taken = (0..10_000).filter(|n| bucket.take_at(start + Duration::from_millis(*n), 1).is_ok()).count();
        assert!((100..=105).contains(&taken), "{taken} in 10 s");
    }

    #[test]
    fn work_beyond_a_burst_waits_for_a_full_bucket_and_then_empties_it_for_long() {
        let bucket = Bucket::new(Rate { per_s: 10, burst: 5 });
        let start = Instant::now();
        assert_eq!(bucket.take_at(start, 20), Ok(()));
        assert_eq!(bucket.take_at(start, 1), Err(Limited { after: Duration::from_millis(1600) }));
    }

    #[test]
    fn names_that_do_nothing_are_forgotten() {
        let limits = Limits::new(Rate::PEOPLE, Rate::SERVICES);
        for n in 0..10 * FEW {
            limits.of(&Name::from(&*format!("n{n}")), false);
        }
        assert!(limits.buckets.lock().expect("nothing panicked").of.len() <= FEW);
        let ann = Name::from("ann");
        assert!(Arc::ptr_eq(&limits.of(&ann, false), &limits.of(&ann, false)));
        assert!(!Arc::ptr_eq(&limits.of(&ann, false), &limits.of(&ann, true)));
    }
}
