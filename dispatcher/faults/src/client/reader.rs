//! Someone who follows all that a market tells: goes on from where it was, whatever was lost in between.

use super::{Moment, Post, Up};
use crate::broken::{Checked, Promise, ensure};
use crate::stream::Piece;
use hansom_geo_index::Millis;

/// A reader with a place of its own.
#[derive(Debug)]
pub(crate) struct Reader {
    /// The turn that it wants next.
    at: u64,
    /// If it falls behind it is told of the gap, and does not read the log.
    tells_gaps: bool,
    next: Millis,
    /// Turns that it was told …
    told: u64,
    /// … and gaps.
    gaps: u64,
}

impl Reader {
    pub fn new(tells_gaps: bool) -> Self {
        Self { at: 0, tells_gaps, next: Millis::ZERO, told: 0, gaps: 0 }
    }

    pub fn at(&self) -> u64 {
        self.at
    }

    /// How many turns it was told, and how many gaps.
    pub fn counts(&self) -> (u64, u64) {
        (self.told, self.gaps)
    }

    /// What it asks for.
    pub fn question(&self) -> Up {
        Up::Follow { from: self.at, tells_gaps: self.tells_gaps }
    }

    pub fn act(&mut self, post: &mut Post, moment: Moment) {
        if self.next <= moment.now {
            // Now and then it is away, and falls behind.
            let longest = if post.draws.chance(5) { 40_000 } else { 4_000 };
            self.next = moment.now + Millis(post.draws.between(200, longest));
            post.out.push(self.question());
        }
    }

    /// It is told something, perhaps for the second time: one turn after the other, from where it asked or behind a gap that it is
    /// told of.
    pub fn hear(&mut self, piece: &Piece) -> Checked {
        ensure(piece.from <= self.at, Promise::Followed, || format!("nobody asked for {}", piece.from))?;
        ensure(piece.gap.is_none() || self.tells_gaps, Promise::Followed, || {
            format!("a gap from {} on for one who reads the log", piece.from)
        })?;
        let first = piece.gap.unwrap_or(piece.from);
        for (turn, next) in piece.turns.iter().zip(first..) {
            ensure(turn.offset.0 == next, Promise::Followed, || {
                format!("offset {} is told, {next} comes next, and of a gap nobody speaks", turn.offset)
            })?;
        }
        let end = first + piece.turns.len() as u64;
        if end > self.at {
            self.gaps += u64::from(first > self.at);
            self.told += end - first.max(self.at);
            self.at = end;
        }
        Ok(())
    }
}
