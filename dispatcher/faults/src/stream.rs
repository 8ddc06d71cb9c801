//! What a market tells those who follow it: the last turns from memory, those before from its log.
//!
//! Nothing is queued for a reader: it asks from where it is on, as one of the server does. What comes in is what the log's
//! outlet handed on, and what is older is read by the log's own reader.

use crate::planted::Bug;
use crate::server::log_folder;
use hansom_engine::record::canonical::blank;
use hansom_engine::{Command, Offset, Turn};
use hansom_market::log::{LogError, Reader};
use hansom_market::seam::sim::SimDisk;
use std::collections::VecDeque;
use std::sync::Arc;

/// So many turns are kept in memory: few, so that readers fall behind.
const KEPT: usize = 16;
/// So many are told at a time, at most.
const MOST: u64 = 64;

/// What a reader is told.
#[derive(Debug, Clone)]
pub(crate) struct Piece {
    /// The first turn that was asked for.
    pub from: u64,
    /// The turns before this one are in the log only, and are not told.
    pub gap: Option<u64>,
    /// Those that are, in order.
    pub turns: Vec<Arc<Turn>>,
}

/// What one process tells.
#[derive(Debug)]
pub(crate) struct Stream {
    /// From this offset on, all that was released is in memory.
    first: u64,
    recent: VecDeque<Arc<Turn>>,
    bug: Option<Bug>,
}

impl Stream {
    /// Of a process whose first turn has the offset `next`.
    pub fn from(next: Offset, bug: Option<Bug>) -> Self {
        Self { first: next.0, recent: VecDeque::new(), bug }
    }

    /// A turn was released.
    pub fn push(&mut self, turn: &Arc<Turn>) {
        if self.bug == Some(Bug::StreamSkips) && matches!(turn.command, Command::Resume { .. }) {
            return;
        }
        self.recent.push_back(turn.clone());
        if self.recent.len() > KEPT
            && let Some(left) = self.recent.pop_front()
        {
            self.first = left.offset.0 + 1;
        }
    }

    /// What comes next for a reader that is at `from`; if that is not in memory any more, it is read in the log, or the reader is
    /// told of the gap.
    pub fn read(&self, disk: &SimDisk, from: u64, tells_gaps: bool) -> Result<Piece, LogError> {
        let is_near = from >= self.first || self.bug == Some(Bug::GapUntold);
        if is_near || tells_gaps {
            let turns = self.recent.iter().filter(|turn| turn.offset.0 >= from).cloned().collect();
            return Ok(Piece { from, gap: (!is_near).then_some(self.first), turns });
        }
        let mut reader = Reader::open_on(Arc::new(disk.clone()), &log_folder(), from)?;
        let (mut turn, mut turns) = (blank(), Vec::new());
        while reader.position() < self.first.min(from + MOST) && reader.next(&mut turn)?.is_some() {
            turns.push(Arc::new(turn.clone()));
        }
        Ok(Piece { from, gap: None, turns })
    }
}
