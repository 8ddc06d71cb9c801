//! The decoders that meet bytes from outside, each with what it starts from.

mod bodies;
mod bytes;
mod files;
mod kept;
mod lines;
mod operations;
mod packed;
mod tokens;

pub use files::Desk;

use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// Decodes an input and says whether it was taken as a record.
type Run = Box<dyn Fn(&[u8]) -> bool>;

/// A decoder under fuzzing.
pub struct Target {
    /// Its name.
    pub name: &'static str,
    /// Inputs to start from: each is taken as a record.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Gives a changed input the checksums that its bytes should have, so that what is behind them is met too.
    pub mend: fn(&mut [u8]),
    /// What often stands in such inputs.
    pub words: &'static [&'static str],
    /// No input is longer.
    pub most_bytes: usize,
    run: Run,
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Target").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Target {
    /// Decodes an input, and what was made of it again from its own bytes. Whether it was taken as a record. Panics where
    /// something is wrong.
    pub fn attempt(&self, input: &[u8]) -> bool {
        (self.run)(input)
    }
}

/// Nothing to mend.
fn as_it_is(_: &mut [u8]) {}

/// All of them.
pub fn targets() -> Vec<Target> {
    let some = [lines::targets(), bodies::targets(), bytes::targets(), files::targets()];
    let more = [kept::targets(), operations::targets(), packed::targets(), tokens::targets()];
    some.into_iter().chain(more).flatten().collect()
}

/// What comes of a future that waits for nothing.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => panic!("it waits for something"),
    }
}
