//! Who waits for which positions to be durable.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use hansom_engine::record::{Event, PingRefusal, Poison};
use hansom_engine::{Offset, Turn};
use tokio::sync::oneshot;

use crate::answer::NotTaken;

/// What became of positions that were handed over at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reported {
    /// The turn after which all of them are durable that have not been replaced by newer ones.
    pub offset: Offset,
    /// Those that the market did not take, by their place among those that were handed over, in order.
    pub not_placed: Vec<(usize, NotPlaced)>,
}

/// Why a position puts nobody anywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotPlaced {
    /// A rule forbids it.
    Refused {
        /// Where in the log.
        offset: Offset,
        /// Which rule.
        reason: PingRefusal,
    },
    /// Deciding it failed, which is a fault of the program.
    Skipped {
        /// Where in the log.
        offset: Offset,
    },
    /// Too many waited.
    LeftOut,
}

/// The senders of positions of which some are not durable yet.
#[derive(Debug, Default)]
pub(crate) struct Reports {
    line: Mutex<Line>,
}

#[derive(Debug, Default)]
struct Line {
    /// Who waits, each by the ticket that follows the last of theirs.
    waiting: BTreeMap<u64, Waiting>,
    /// Turns that are not durable yet, in order of offset.
    turns: VecDeque<Bundle>,
}

#[derive(Debug)]
struct Waiting {
    first: u64,
    not_placed: Vec<(usize, NotPlaced)>,
    reply: oneshot::Sender<Result<Reported, NotTaken>>,
}

/// The positions of a turn.
#[derive(Debug)]
struct Bundle {
    offset: Offset,
    tickets: Vec<u64>,
    /// Once it is durable, all before this ticket are settled.
    settled: Option<u64>,
}

impl Reports {
    fn lock(&self) -> MutexGuard<'_, Line> {
        // Nothing panics while it holds the lock.
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody waits for the positions with these tickets, if there are any. To be called before the market can see them.
    pub fn expect(&self, tickets: Range<u64>, reply: oneshot::Sender<Result<Reported, NotTaken>>) {
        if tickets.is_empty() {
            return;
        }
        let waiting = Waiting { first: tickets.start, not_placed: Vec::new(), reply };
        self.lock().waiting.insert(tickets.end, waiting);
    }

    /// The position with this ticket gets no turn.
    pub fn leave_out(&self, ticket: u64) {
        self.lock().note(ticket, NotPlaced::LeftOut);
    }

    /// The turn at this offset is about to be taken, for the positions with these tickets. When it is durable, all before
    /// `settled` are, or will never be.
    pub fn expect_turn(&self, offset: Offset, tickets: &[u64], settled: Option<u64>) {
        let mut line = self.lock();
        if !line.waiting.is_empty() {
            line.turns.push_back(Bundle { offset, tickets: tickets.to_vec(), settled });
        }
    }

    /// A turn is durable: tells those who waited for no more.
    pub fn release(&self, turn: &Turn) {
        let mut line = self.lock();
        if line.turns.front().is_none_or(|next| next.offset > turn.offset) {
            return;
        }
        let Some(Bundle { offset, tickets, settled }) = line.turns.pop_front() else { return };
        let each = turn.events.iter().filter_map(|event| match event {
            Event::DriverMoved { .. } => Some(None),
            Event::PingRefused { reason, .. } => Some(Some(NotPlaced::Refused { offset, reason: *reason })),
            Event::Poisoned { step: Poison::Ping { .. } } => Some(Some(NotPlaced::Skipped { offset })),
            _ => None,
        });
        for (ticket, became) in tickets.into_iter().zip(each) {
            if let Some(not_placed) = became {
                line.note(ticket, not_placed);
            }
        }
        let Some(settled) = settled else { return };
        while let Some(first) = line.waiting.first_entry().filter(|first| *first.key() <= settled) {
            let Waiting { mut not_placed, reply, .. } = first.remove();
            not_placed.sort_unstable_by_key(|(place, _)| *place);
            // Whoever does not wait any more need not know.
            let _ = reply.send(Ok(Reported { offset, not_placed }));
        }
    }

    /// No further turn will be durable: tells all who wait.
    pub fn fail(&self) {
        for waiting in std::mem::take(&mut *self.lock()).waiting.into_values() {
            let _ = waiting.reply.send(Err(NotTaken::Unknown));
        }
    }
}

impl Line {
    fn note(&mut self, ticket: u64, became: NotPlaced) {
        let whose = self.waiting.range_mut(ticket + 1..).next().map(|(_, waiting)| waiting);
        if let Some(waiting) = whose.filter(|waiting| waiting.first <= ticket) {
            waiting.not_placed.push(((ticket - waiting.first) as usize, became));
        }
    }
}

/// An answer to come about positions.
#[derive(Debug)]
pub struct PendingReport(pub(crate) oneshot::Receiver<Result<Reported, NotTaken>>);

impl PendingReport {
    /// What became of them, once that is durable.
    pub async fn answer(self) -> Result<Reported, NotTaken> {
        self.0.await.unwrap_or(Err(NotTaken::Unknown))
    }
}

#[cfg(test)]
mod tests {
    use hansom_engine::DriverId;
    use hansom_engine::record::Fix;
    use hansom_engine::record::canonical::blank;
    use hansom_geo_index::{Coord, Millis};

    use super::*;

    const OFF: PingRefusal = PingRefusal::OffShift;

    fn expect(reports: &Reports, tickets: Range<u64>) -> oneshot::Receiver<Result<Reported, NotTaken>> {
        let (reply, answer) = oneshot::channel();
        reports.expect(tickets, reply);
        answer
    }

    /// A turn whose positions are taken (`true`) or refused, with what else such a turn may tell.
    fn turn(offset: u64, taken: &[bool]) -> Turn {
        let mut events = vec![Event::MatchingIdle];
        for is_taken in taken {
            let (driver, seq, coord) = (DriverId(1), 1, Coord { lat: 0, lon: 0 });
            events.push(match is_taken {
                true => Event::DriverMoved { driver, seq, age_ms: 0, clamped: false, coord, fix: Fix::Kept },
                false => Event::PingRefused { driver, seq, reason: OFF },
            });
            events.push(Event::MatchingIdle);
        }
        Turn { offset: Offset(offset), at: Millis(0), events, ..blank() }
    }

    fn refused(offset: u64) -> NotPlaced {
        NotPlaced::Refused { offset: Offset(offset), reason: OFF }
    }

    #[test]
    fn each_sender_hears_of_the_own_ones_once_all_are_settled() {
        let reports = Reports::default();
        let (mut ann, mut bob) = (expect(&reports, 10..13), expect(&reports, 13..15));
        // That of 12 was replaced by a newer one.
        reports.expect_turn(Offset(5), &[10, 11, 13], None);
        reports.release(&turn(4, &[]));
        reports.leave_out(13);
        reports.expect_turn(Offset(7), &[14], Some(15));
        reports.release(&turn(5, &[true, false, true]));
        assert!(ann.try_recv().is_err() && bob.try_recv().is_err(), "the last ones are not durable");
        reports.release(&turn(6, &[]));
        assert!(bob.try_recv().is_err());
        reports.release(&turn(7, &[false]));
        let offset = Offset(7);
        let heard = |answer: Result<Result<Reported, NotTaken>, _>| answer.expect("told").expect("durable");
        assert_eq!(heard(ann.try_recv()), Reported { offset, not_placed: vec![(1, refused(5))] });
        let not_placed = vec![(0, NotPlaced::LeftOut), (1, refused(7))];
        assert_eq!(heard(bob.try_recv()), Reported { offset, not_placed });
    }

    #[test]
    fn who_waits_when_the_log_fails_is_told_that_nobody_knows() {
        let reports = Reports::default();
        let mut ann = expect(&reports, 0..2);
        reports.expect_turn(Offset(5), &[0, 1], Some(2));
        reports.fail();
        assert!(matches!(ann.try_recv(), Ok(Err(NotTaken::Unknown))));
        // Another turn has that offset later.
        let mut bob = expect(&reports, 2..3);
        reports.expect_turn(Offset(5), &[2], Some(3));
        reports.release(&turn(5, &[true]));
        assert_eq!(bob.try_recv().expect("told").expect("durable").not_placed, []);
    }
}
