//! A place in what a market tells: a reader's own, from which it reads when it likes. Nothing is queued for it.

use actix_web::rt::task::spawn_blocking;
use hansom_dispatcher::{History, Interest, MarketHandle, Read as Found, Standing, Told, Topic};
use hansom_market::log::LogError;
use tokio::sync::watch;

/// So many turns are read at a time.
const PIECE: usize = 256;

/// A reader's place.
#[derive(Debug)]
pub struct Follow {
    market: MarketHandle,
    at: u64,
    moves: watch::Receiver<u64>,
    standing: watch::Receiver<Standing>,
    /// What alone it waits for, once it has caught up.
    interest: Option<Interest>,
    /// There may be something to read.
    behind: bool,
    /// The log, while it catches up: to open it anew for each piece would be to read a segment from its start each time.
    history: Option<History>,
    read: Read,
    tells_gaps: bool,
}

/// What a reader has read so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Read {
    /// Nothing, and it wants nothing of before.
    Nothing,
    /// Not yet all that there was.
    Some,
    /// All, once: if it falls behind again as far as the log, it may be told of the gap.
    All,
}

/// What a reader gets.
#[derive(Debug)]
pub enum Next {
    /// These turns, in order: more than none.
    Told(Vec<Told>),
    /// It was too slow: what these turns told is in the log only. It goes on after them.
    Gap {
        /// The first that was missed.
        from: u64,
        /// The first that was not.
        until: u64,
    },
    /// The market is closed, and all was read.
    Closed,
    /// The log cannot be read; whatever was not read is where it was.
    Failed {
        /// Why.
        cause: String,
        /// From where on.
        from: u64,
    },
}

impl Follow {
    /// Every fact from the turn at `from` on; `None`: from now on. One that falls behind reads the log.
    pub fn all(market: MarketHandle, from: Option<u64>) -> Self {
        let at = from.unwrap_or_else(|| market.events().next());
        let read = if from.is_some() { Read::Some } else { Read::Nothing };
        let (moves, standing) = (market.events().watch(), market.watch());
        Self { market, at, moves, standing, interest: None, behind: true, history: None, read, tells_gaps: false }
    }

    /// The same, but one that falls behind after it had caught up is told of a gap.
    pub fn live(market: MarketHandle, from: Option<u64>) -> Self {
        Self { tells_gaps: true, ..Self::all(market, from) }
    }

    /// The same, but woken only for what is told of `topic`. What else it gets on the way is not of its topic.
    pub fn topic(market: MarketHandle, from: Option<u64>, topic: Topic) -> Self {
        // Before it reads where it is: nothing falls between.
        let interest = market.events().wait_for(topic);
        Self { interest: Some(interest), ..Self::live(market, from) }
    }

    /// The turn that it reads next.
    pub fn at(&self) -> u64 {
        self.at
    }

    /// The next facts, as soon as there are some. May be given up at any time.
    pub async fn next(&mut self) -> Next {
        loop {
            let closed = matches!(*self.standing.borrow_and_update(), Standing::Closed);
            self.moves.borrow_and_update();
            if !self.behind
                && let Some(interest) = &self.interest
            {
                match interest.first() {
                    Some(first) => {
                        self.at = self.at.max(first);
                        self.behind = true;
                    }
                    None if closed => return Next::Closed,
                    None => {
                        tokio::select! {
                            () = interest.came() => {}
                            _ = self.standing.changed() => {}
                        }
                        continue;
                    }
                }
            }
            match self.market.events().read(self.at, PIECE) {
                Found::Told { told, next } => {
                    (self.at, self.history) = (next, None);
                    if self.read == Read::Nothing {
                        self.read = Read::Some;
                    }
                    if !told.is_empty() {
                        return Next::Told(told);
                    }
                }
                // A market that is being opened has told nothing yet.
                Found::Log { until } if self.read == Read::Nothing => self.at = until,
                Found::Log { until } if self.tells_gaps && self.read == Read::All => {
                    let from = self.at;
                    self.at = until;
                    return Next::Gap { from, until };
                }
                Found::Log { until } => match self.history(until).await {
                    Ok(told) if told.is_empty() => {}
                    Ok(told) => return Next::Told(told),
                    Err(cause) => return Next::Failed { cause, from: self.at },
                },
                Found::Wait if closed => return Next::Closed,
                Found::Wait => {
                    // Before it tells anything, a market that was opened again seems to be at its beginning.
                    let next = self.market.events().next();
                    self.behind = self.at != next || next == 0;
                    if !self.behind {
                        self.read = Read::All;
                    }
                    if self.interest.is_none() || self.behind {
                        tokio::select! {
                            _ = self.moves.changed() => {}
                            _ = self.standing.changed() => {}
                        }
                    }
                }
            }
        }
    }

    /// The next of what is not in memory any more, which is all before `until`.
    async fn history(&mut self, until: u64) -> Result<Vec<Told>, String> {
        let (market, at, opened) = (self.market.clone(), self.at, self.history.take());
        let read = spawn_blocking(move || {
            let mut history = match opened {
                Some(history) if !history.is_over() => history,
                _ => market.history(at, until)?,
            };
            Ok::<_, LogError>((history.read(PIECE)?, history))
        });
        let (told, history) = read.await.map_err(|cause| cause.to_string())?.map_err(|cause| cause.to_string())?;
        if history.position() == at {
            return Err("the log ends before what was told".to_owned());
        }
        self.at = history.position();
        self.history = Some(history);
        Ok(told)
    }
}
