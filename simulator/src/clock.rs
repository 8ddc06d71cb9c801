//! The agenda of the world: what will happen when, in one order that every run repeats.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use hansom_geo_index::Millis;

/// What is due. Of several at one instant, those listed first come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Cue {
    /// A driver goes on shift.
    ShiftStart,
    /// A dark phone is lit again.
    Lit,
    /// A phone goes dark.
    Dark,
    /// A driver answers an offer.
    Answer,
    /// A driver gives a ride back.
    GiveBack,
    /// A vehicle is where it was driving to.
    Arrive,
    /// A rider is in the vehicle.
    Board,
    /// A rider is out of the vehicle.
    Alight,
    /// A rider has no patience left; the id is the ride.
    GiveUp,
    /// An idle driver looks for somewhere to cruise to.
    Cruise,
    /// A driver goes off shift.
    ShiftEnd,
}

/// Something that will happen, unless it is out of date by then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Due {
    /// When.
    pub at: Millis,
    /// What.
    pub cue: Cue,
    /// To which vehicle, or for [`Cue::GiveUp`] to which ride.
    pub id: u32,
    /// Which of several of its kind: whoever put it here knows whether it still counts.
    pub stamp: u32,
}

/// What is due, earliest first; at one instant in order of cue and id.
#[derive(Debug, Clone, Default)]
pub struct Agenda {
    heap: BinaryHeap<Reverse<Due>>,
}

impl Agenda {
    /// Adds an entry, unless it is due at the end of time: what is waited for that long never comes.
    pub fn add(&mut self, at: Millis, cue: Cue, id: u32, stamp: u32) {
        if at < Millis::MAX {
            self.heap.push(Reverse(Due { at, cue, id, stamp }));
        }
    }

    /// When the next entry is due.
    pub fn next_at(&self) -> Option<Millis> {
        self.heap.peek().map(|entry| entry.0.at)
    }

    /// Takes the next entry out.
    pub fn pop(&mut self) -> Option<Due> {
        self.heap.pop().map(|entry| entry.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{Agenda, Cue};
    use hansom_geo_index::Millis;

    #[test]
    fn entries_come_by_time_then_cue_then_id() {
        let mut agenda = Agenda::default();
        agenda.add(Millis(2), Cue::ShiftStart, 1, 0);
        agenda.add(Millis(1), Cue::Arrive, 2, 0);
        agenda.add(Millis(1), Cue::Arrive, 1, 0);
        agenda.add(Millis(1), Cue::Answer, 9, 0);
        agenda.add(Millis::MAX, Cue::Lit, 1, 0);
        assert_eq!(agenda.next_at(), Some(Millis(1)));
        let order: Vec<_> = std::iter::from_fn(|| agenda.pop()).map(|due| (due.at.0, due.cue, due.id)).collect();
        assert_eq!(order, [(1, Cue::Answer, 9), (1, Cue::Arrive, 1), (1, Cue::Arrive, 2), (2, Cue::ShiftStart, 1)]);
    }
}
