//! Who waits for which turn to be durable.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

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
    since: Instant,
    reply: Reply,
    trace: Option<Box<Trace>>,
}

impl Acks {
    /// A turn is about to be taken for a command that came at `since`.
    pub fn expect(&self, offset: Offset, since: Instant, reply: Reply, trace: Option<Box<Trace>>) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push_back(Ack { offset, since, reply, trace });
    }

    /// The turn expected last was not taken: nobody is told by this.
    pub fn withdraw(&self) -> Option<Reply> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_back().map(|ack| ack.reply)
    }

    /// A turn is durable: tells whoever waits for it; when that one's command came, and its trace.
    pub fn release(&self, turn: &Turn) -> Option<(Instant, Option<Box<Trace>>)> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.front().filter(|first| first.offset <= turn.offset)?;
        let ack = waiting.pop_front()?;
        drop(waiting);
        // Whoever does not wait any more need not know.
        let _ = ack.reply.send(Ok(Answer::of(turn)));
        Some((ack.since, ack.trace))
    }

    /// No further turn will be durable: tells all who wait.
    pub fn fail(&self) {
        let waiting = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        for ack in waiting {
            let _ = ack.reply.send(Err(NotTaken::Unknown));
        }
    }
}
