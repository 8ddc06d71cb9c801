//! Processor time, of the generator and of what it drives, apart. Known where the system has `/proc`.

use std::fs;
use std::path::Path;
use std::time::Duration;

/// The name of the generator's threads, where it shares a process with the market.
pub const THREAD: &str = "bench";

/// Whose time counts as that of what is driven.
#[derive(Debug, Clone, Copy)]
pub enum Driven {
    /// Of this process.
    Process(u32),
    /// Of those threads of our own process that are not the generator's.
    Threads,
    /// Of a process that is not known.
    Unknown,
}

/// Processor time so far.
#[derive(Debug, Clone, Copy, Default)]
pub struct Usage {
    pub generator: Option<Duration>,
    pub driven: Option<Duration>,
}

impl Driven {
    /// Until now.
    pub fn usage(self) -> Usage {
        let own = of(Path::new("/proc/self/stat"));
        match self {
            Self::Process(id) => Usage { generator: own, driven: of(Path::new(&format!("/proc/{id}/stat"))) },
            Self::Unknown => Usage { generator: own, driven: None },
            Self::Threads => {
                let generator = threads();
                let driven = own.zip(generator).map(|(all, generator)| all.saturating_sub(generator));
                Usage { generator, driven }
            }
        }
    }
}

impl Usage {
    /// Since `before`.
    pub fn since(self, before: Self) -> Self {
        let passed = |now: Option<Duration>, before| Some(now?.saturating_sub(before?));
        Self { generator: passed(self.generator, before.generator), driven: passed(self.driven, before.driven) }
    }
}

/// Of the generator's threads.
fn threads() -> Option<Duration> {
    let mut sum = Duration::ZERO;
    for thread in fs::read_dir("/proc/self/task").ok()? {
        let folder = thread.ok()?.path();
        // A thread may end at any moment.
        let is_ours = fs::read_to_string(folder.join("comm")).is_ok_and(|name| name.trim() == THREAD);
        sum += is_ours.then(|| of(&folder.join("stat"))).flatten().unwrap_or_default();
    }
    Some(sum)
}

/// User's and system's time that a `stat` file tells.
fn of(stat: &Path) -> Option<Duration> {
    ticks(&fs::read_to_string(stat).ok()?).map(|ticks| Duration::from_secs(ticks) / HZ)
}

/// A second of `stat` files has so many ticks on every Linux: `USER_HZ`.
const HZ: u32 = 100;

fn ticks(stat: &str) -> Option<u64> {
    // A name may hold blanks and parentheses.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_does_not_shift_the_fields() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194560 900 0 3 0 250 50 0 0 20 0 9 0 100 0 0";
        assert_eq!(ticks(stat), Some(300));
        assert_eq!(ticks("7 (a) S 1"), None);
    }
}
