//! The market under faults that are drawn from seeds.
//!
//! One thread, one simulated clock: clients who retry, messages that are lost, late, doubled and out of order, a disk that
//! fails, lies and loses its power, a process that is killed and comes back through the product's own recovery. After a
//! while faults stop, and all has to come to an end. A seed decides everything, so a failure is found again by its number.
//!
//! What is promised is watched from outside, by an account of the market that shares no code with its engine.

mod audit;
mod broken;
mod client;
mod draws;
mod kinds;
mod model;
mod planted;
mod poison;
mod server;
mod stream;
mod town;
mod world;

pub use broken::{Broken, Promise};
pub use kinds::{Counts, Kind};
pub use planted::{Bug, DiskBug, FileBug, RuleBug};

use hansom_geo_index::Millis;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// How a seed ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Ending {
    /// Every ride ended, and the log holds all that was released.
    #[default]
    Whole,
    /// The disk lied, and that was found.
    Detected,
    /// The disk lied about the last commit before a stop, or about the names of the last segments: no log can tell.
    LostInSilence,
}

/// What happened under a seed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// How it ended.
    pub ending: Ending,
    /// Turns that were durable.
    pub turns: u64,
    /// Orders that the market took in.
    pub orders: u64,
    /// Answers that it gave.
    pub answers: u64,
    /// Lines that were kept out.
    pub malformed: u64,
    /// How often the process went.
    pub crashes: u64,
    /// How often it came.
    pub starts: u64,
    /// Starts from a snapshot.
    pub snapshots: u64,
    /// Starts at which something was cut off from the log.
    pub repaired: u64,
    /// Records that could not be decided.
    pub poisoned: u64,
    /// Turns that those who follow the market were told.
    pub told: u64,
    /// Gaps that they were told of.
    pub gaps: u64,
    /// Operations of the disk.
    pub operations: u64,
    /// What went wrong, and how often.
    pub faults: Counts,
    /// A hash of what became of every ride: who asked when, who drove, what was paid, how and when it ended.
    pub fates: u64,
}

/// A seed under which a promise is broken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("seed {seed}, {at} ms after the start: {broken}", at = .at.0)]
pub struct Failure {
    /// The seed.
    pub seed: u64,
    /// When, in simulated time.
    pub at: Millis,
    /// What.
    pub broken: Broken,
    /// The last turns before, one a line, as JSON.
    pub story: Vec<String>,
}

/// What is changed about a seed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// A bug planted in the market.
    pub bug: Option<Bug>,
    /// The power goes at this operation of the disk.
    pub power_loss_at: Option<u64>,
    /// There are no faults but those asked for here.
    pub is_fair: bool,
    /// Every line is delivered twice, and this many in a hundred beside a line of garbage.
    pub repeats: Option<u64>,
}

/// Runs a seed.
pub fn run(seed: u64, options: Options) -> Result<Summary, Box<Failure>> {
    let setting = town::Setting::of(seed, options.is_fair);
    let world = AssertUnwindSafe(|| world::World::new(seed, setting, options).run());
    let failed = |(at, broken, story)| Box::new(Failure { seed, at, broken, story });
    match catch_unwind(world) {
        Ok(result) => result.map_err(failed),
        Err(panic) => Err(failed((Millis::ZERO, Broken::new(Promise::Calm, said(&*panic)), Vec::new()))),
    }
}

/// What a panic said.
fn said(panic: &dyn Any) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    text.unwrap_or("a panic without words").to_owned()
}
