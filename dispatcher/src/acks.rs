//! Who waits for which turn to be durable.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use hansom_engine::record::RequestRefusal;
use hansom_engine::{Offset, Turn};

use crate::answer::{Answer, NotTaken};
use crate::lanes::Reply;
use crate::trace::Trace;

/// The senders of commands that have a turn which is not yet durable, in order of offset.
#[derive(Debug, Default)]
pub struct Acks {
    waiting: Mutex<VecDeque<Ack>>,
}

#[derive(Debug)]
struct Ack {
    offset: Offset,
    times: Times,
    reply: Reply,
    trace: Option<Box<Trace>>,
    refused: Option<RequestRefusal>,
}

/// When a command was where.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// It came to the market.
    pub came: Instant,
    /// Its turn was handed to the log.
    pub decided: Instant,
}

impl Acks {
    /// A turn is about to be taken for a command, which is decided by then as far as is known before. `refused`: by what its first
    /// turn refused it, if it is a repeat.
    pub fn expect(
        &self,
        offset: Offset,
        times: Times,
        reply: Reply,
        trace: Option<Box<Trace>>,
        refused: Option<RequestRefusal>,
    ) {
        let ack = Ack { offset, times, reply, trace, refused };
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push_back(ack);
    }

    /// The turn expected last was handed to the log; it may be durable by now.
    pub fn decided(&self, offset: Offset, decided: Instant) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = waiting.back_mut().filter(|last| last.offset == offset) {
            last.times.decided = decided;
        }
    }

    /// The turn expected last was not taken: nobody is told by this.
    pub fn withdraw(&self) -> Option<Reply> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_back().map(|ack| ack.reply)
    }

    /// A turn is durable: tells whoever waits for it. Returns when that one's command was where, and its trace.
    pub fn release(&self, turn: &Turn) -> Option<(Times, Option<Box<Trace>>)> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.front().filter(|first| first.offset <= turn.offset)?;
        let ack = waiting.pop_front()?;
        drop(waiting);
        // Whoever does not wait any more need not know.
        let _ = ack.reply.send(Ok(match (Answer::of(turn), ack.refused) {
            (Answer::Taken { offset }, Some(reason)) => Answer::Refused { offset, reason: reason.into() },
            (answer, _) => answer,
        }));
        Some((ack.times, ack.trace))
    }

    /// No further turn will be durable: tells all who wait.
    pub fn fail(&self) {
        let waiting = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        for ack in waiting {
            let _ = ack.reply.send(Err(NotTaken::Unknown));
        }
    }
}
