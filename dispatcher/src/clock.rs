//! What time it is for a market that serves.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use hansom_geo_index::Millis;

/// The time by which a market stamps what reaches it.
#[derive(Debug, Clone, Copy)]
pub enum WallClock {
    /// The machine's time of day. Where it is set back, a market's time stands until it has caught up.
    Machine,
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
            Self::Running { began, start, speed } => {
                let passed = began.elapsed().as_micros() * u128::from(speed) / 1000;
                start + Millis(i64::try_from(passed).unwrap_or(i64::MAX))
            }
        }
    }

    /// How long it takes until it is `at`.
    pub fn until(&self, at: Millis) -> Duration {
        let ms = (at - self.now()).0.max(0).unsigned_abs();
        match *self {
            Self::Machine => Duration::from_millis(ms),
            Self::Running { speed, .. } => Duration::from_micros(ms * 1000 / u64::from(speed)),
        }
    }
}
