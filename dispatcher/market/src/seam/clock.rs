//! How long work takes. The market's time is not read here: it comes with each command.

use std::cell::Cell;
use std::time::Instant;

/// A clock that measures spans.
pub trait Clock {
    /// Nanoseconds since some fixed moment.
    fn now_ns(&self) -> u64;
}

/// The machine's monotonic clock.
#[derive(Debug, Clone, Copy)]
pub struct Monotonic(Instant);

impl Monotonic {
    /// A clock that starts now.
    pub fn new() -> Self {
        Self(Instant::now())
    }
}

impl Default for Monotonic {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for Monotonic {
    fn now_ns(&self) -> u64 {
        // 64 bits of nanoseconds are 584 years.
        self.0.elapsed().as_nanos() as u64
    }
}

/// A clock that goes on by the same step each time it is read: for tests.
#[derive(Debug)]
pub struct Stepping {
    now_ns: Cell<u64>,
    step_ns: u64,
}

impl Stepping {
    /// A clock at 0 that goes on by `step_ns` with each reading.
    pub const fn new(step_ns: u64) -> Self {
        Self { now_ns: Cell::new(0), step_ns }
    }
}

impl Clock for Stepping {
    fn now_ns(&self) -> u64 {
        self.now_ns.replace(self.now_ns.get() + self.step_ns)
    }
}
