//! Which code an input has run: the counters that `-C instrument-coverage` puts into our crates, read in place. They are a
//! part of stable Rust, unlike those that libFuzzer needs.

/// What inputs have run so far.
#[derive(Debug, Default)]
pub struct Coverage {
    /// For each counter the classes of counts that it has had, a bit each.
    seen: Vec<u8>,
    /// Bits in `seen`.
    classes: usize,
}

impl Coverage {
    /// Forgets what ran before the next input.
    pub fn start() {
        counters().fill(0);
    }

    /// Whether what ran since [`start`](Self::start) has brought a counter into a class of counts that no input before has.
    /// Never, where the program is built without counters.
    pub fn is_new(&mut self) -> bool {
        let counters = counters();
        self.seen.resize(counters.len(), 0);
        let before = self.classes;
        for (seen, count) in self.seen.iter_mut().zip(counters.iter()).filter(|(_, count)| **count > 0) {
            let class = class(*count);
            self.classes += usize::from(*seen & class == 0);
            *seen |= class;
        }
        self.classes > before
    }

    /// How many classes of counts were met, over all counters.
    pub fn classes(&self) -> usize {
        self.classes
    }
}

/// 1, 2, 3, 4–7, 8–15, 16–31, 32–127, more: a loop that runs once more often is news only when it is few.
fn class(count: u64) -> u8 {
    1 << match count {
        0..=3 => count.saturating_sub(1),
        4..=7 => 3,
        8..=15 => 4,
        16..=31 => 5,
        32..=127 => 6,
        _ => 7,
    }
}

#[cfg(hansom_counters)]
fn counters() -> &'static mut [u64] {
    unsafe extern "C" {
        fn __llvm_profile_begin_counters() -> *mut u64;
        fn __llvm_profile_end_counters() -> *mut u64;
    }
    // SAFETY: the profiler's runtime, which is linked in with the counters, says where its section of them begins and ends;
    // they are there as long as the process. Other threads may count meanwhile, so that a count may be off by a few: no
    // thread but this one decodes, and nothing depends on an exact count.
    unsafe {
        let (begin, end) = (__llvm_profile_begin_counters(), __llvm_profile_end_counters());
        std::slice::from_raw_parts_mut(begin, usize::try_from(end.offset_from(begin)).unwrap_or(0))
    }
}

#[cfg(not(hansom_counters))]
fn counters() -> &'static mut [u64] {
    &mut []
}
