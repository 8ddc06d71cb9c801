//! Reading ahead: turns are read and decoded by a thread of their own while the caller is busy with those before.

use super::error::LogError;
use super::read::Reader;
use hansom_engine::Turn;
use hansom_engine::record::canonical::blank;
use std::ops::ControlFlow;
use std::sync::mpsc::{channel, sync_channel};
use std::thread;

/// Turns come in batches: one is full with so many turns …
const BATCH_TURNS: usize = 256;
/// … or with events of so many bytes.
const BATCH_BYTES: usize = 64 << 10;
/// So many batches may wait.
const BATCHES: usize = 4;

/// Some turns, each with the bytes of its events.
#[derive(Debug, Default)]
struct Batch {
    /// Only the first `ends.len()` are of this batch.
    turns: Vec<Turn>,
    bytes: Vec<u8>,
    /// Where the bytes of each turn's events end.
    ends: Vec<usize>,
}

impl Batch {
    /// Reads turns until it is full; whether there may be more.
    fn fill(&mut self, reader: &mut Reader) -> Result<bool, LogError> {
        self.bytes.clear();
        self.ends.clear();
        while self.ends.len() < BATCH_TURNS && self.bytes.len() < BATCH_BYTES {
            let index = self.ends.len();
            if self.turns.len() == index {
                self.turns.push(blank());
            }
            let Some(record) = reader.next(&mut self.turns[index])? else { return Ok(false) };
            self.bytes.extend_from_slice(record.events);
            self.ends.push(self.bytes.len());
        }
        Ok(true)
    }
}

/// Gives `each` the turns from where `reader` is on, in order, with the bytes of their events, until it breaks off or the
/// log ends. Afterwards the reader may be further than the last turn given.
///
/// An error of the log comes after all turns before it.
pub(crate) fn each_turn<E: From<LogError>>(
    reader: &mut Reader,
    mut each: impl FnMut(&mut Turn, &[u8]) -> Result<ControlFlow<()>, E>,
) -> Result<(), E> {
    let (full, batches) = sync_channel(BATCHES);
    let (hand_back, used) = channel::<Batch>();
    thread::scope(|scope| {
        scope.spawn(move || {
            loop {
                let mut batch = used.try_recv().unwrap_or_default();
                let more = batch.fill(reader);
                let last = !matches!(more, Ok(true));
                // Nobody listens any more once the caller breaks off.
                if full.send((batch, more.err())).is_err() || last {
                    return;
                }
            }
        });
        for (mut batch, error) in batches {
            let mut start = 0;
            for (turn, end) in batch.turns.iter_mut().zip(&batch.ends) {
                if each(turn, &batch.bytes[start..*end])?.is_break() {
                    return Ok(());
                }
                start = *end;
            }
            if let Some(error) = error {
                return Err(error.into());
            }
            // If the thread has read all, the buffers are dropped.
            let _ = hand_back.send(batch);
        }
        Ok(())
    })
}
