//! What time it is for a market that serves.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use hansom_geo_index::Millis;

/// The time by which a market stamps what reaches it.
#[derive(Debug, Clone, Copy)]
pub enum WallClock {
    /// The machine's time of day.
    Machine,
    /// Whatever time it says there, ms: set by hand.
    Given(&'static AtomicI64),
    /// A time of its own, which goes `speed` times as fast as the machine's: that of a simulated city.
    Running {
        /// When it started …
        began: Instant,
        /// … and which time it was then.
        start: Millis,
        /// How much faster it goes.
        speed: u32,
    },
}

impl WallClock {
    /// A clock that starts now, at `start`, and goes `speed` times as fast as the machine's.
    pub fn running(start: Millis, speed: u32) -> Self {
        Self::Running { began: Instant::now(), start, speed: speed.max(1) }
    }

    /// Now.
    pub fn now(&self) -> Millis {
        match *self {
            Self::Machine => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                Millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
            }
            Self::Given(ms) => Millis(ms.load(Ordering::Relaxed)),
            Self::Running { began, start, speed } => {
                let passed = began.elapsed().as_micros() * u128::from(speed) / 1000;
                start + Millis(i64::try_from(passed).unwrap_or(i64::MAX))
            }
        }
    }

    /// How long so much of its time takes.
    fn lasts(&self, time: Millis) -> Duration {
        let ms = time.0.max(0).unsigned_abs();
        match *self {
            Self::Machine | Self::Given(_) => Duration::from_millis(ms),
            Self::Running { speed, .. } => Duration::from_micros(ms * 1000 / u64::from(speed)),
        }
    }

    /// How long it takes until it is `at`.
    pub fn until(&self, at: Millis) -> Duration {
        self.lasts(at - self.now())
    }
}

/// A market that looked at its time no later than a second ago, as it does, and finds more than this gone, was held up.
const HELD_UP: Duration = Duration::from_secs(5);

/// While a market's time is ahead of the machine's, this much of it passes in ten.
const PACE: u32 = 9;

/// The time of one market. It never goes back and never stands: where the machine's is set back, it goes on a little slower
/// until the machine's has caught up. Where that is set forward, or nobody could look for a while, it jumps.
#[derive(Debug)]
pub struct MarketClock {
    wall: WallClock,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// A moment, and the market's time then: it is never earlier than this and what has passed since.
    anchor: (Instant, Millis),
    /// When the market looked last.
    looked: Millis,
}

/// What a market finds when it looks at its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Which time it is.
    pub at: Millis,
    /// When it looked last, if that is so long ago that it was held up: nobody could be heard meanwhile.
    pub since: Option<Millis>,
}

impl MarketClock {
    /// One that goes by `wall`.
    pub fn new(wall: WallClock) -> Self {
        let now = wall.now();
        Self { wall, inner: Mutex::new(Inner { anchor: (Instant::now(), now), looked: now }) }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Goes on from the time of the market's last turn, if that is later.
    pub fn go_on_from(&self, at: Millis) {
        let mut inner = self.lock();
        let now = inner.now(&self.wall).max(at);
        *inner = Inner { anchor: (Instant::now(), now), looked: now };
    }

    /// Now.
    pub fn now(&self) -> Millis {
        self.lock().now(&self.wall)
    }

    /// Now, for the market itself, which looks at least once a second.
    pub fn look(&self) -> Look {
        let mut inner = self.lock();
        let at = inner.now(&self.wall);
        let before = std::mem::replace(&mut inner.looked, at);
        Look { at, since: (self.wall.lasts(at - before) > HELD_UP).then_some(before) }
    }

    /// How long it takes until it is `at`, if its time goes as fast as the machine's.
    pub fn until(&self, at: Millis) -> Duration {
        self.wall.lasts(at - self.now())
    }

    /// By how much it is ahead of the machine's time.
    pub fn ahead(&self) -> Millis {
        self.now() - self.wall.now()
    }
}

impl Inner {
    fn now(&mut self, wall: &WallClock) -> Millis {
        let (moment, now) = (Instant::now(), wall.now());
        let (then, before) = self.anchor;
        let passed = (moment - then) * PACE / 10;
        let floor = before + Millis(i64::try_from(passed.as_millis()).unwrap_or(i64::MAX));
        if now < floor {
            return floor;
        }
        self.anchor = (moment, now);
        now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(ms: i64) -> (&'static AtomicI64, MarketClock) {
        let time: &'static AtomicI64 = Box::leak(Box::new(AtomicI64::new(ms)));
        (time, MarketClock::new(WallClock::Given(time)))
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_stop_the_market() {
        let (time, clock) = given(3_600_000);
        time.store(0, Ordering::Relaxed);
        let first = clock.now();
        assert!(first >= Millis(3_600_000));
        while clock.now() < first + Millis(20) {
            std::hint::spin_loop();
        }
        assert!(clock.ahead() >= Millis(3_600_020));
        time.store(7_200_000, Ordering::Relaxed);
        assert!(clock.now() >= Millis(7_200_000) && clock.ahead() < Millis(3_600_000));
    }

    #[test]
    fn time_that_nobody_saw_pass_is_told() {
        let (time, clock) = given(1_000);
        time.store(6_000, Ordering::Relaxed);
        assert_eq!(clock.look(), Look { at: Millis(6_000), since: None });
        time.store(12_000, Ordering::Relaxed);
        assert_eq!(clock.look(), Look { at: Millis(12_000), since: Some(Millis(6_000)) });
        assert_eq!(clock.look().since, None);
        // From where the log ends, which may be later than the machine's time.
        clock.go_on_from(Millis(90_000));
        assert_eq!(clock.look().since, None);
        assert!(clock.now() >= Millis(90_000));
    }
}
