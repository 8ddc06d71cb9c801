//! A market in this process, without HTTP: with the same supervisor, log and gate as one that is served.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_rt::Runtime;
use hansom_dispatcher::{self as dispatcher, Dispatcher, MarketHandle, NotTaken, Read};
use hansom_engine::{Key, RideId};
use hansom_market::ingest::{Body, Fact, Location, Order, Position, Published};

use super::{Answer, Asked, Caller, Hear, Heard, Offer, Subject};
use crate::bench::stages::Shown;
use crate::bench::usage::{Driven, THREAD};
use crate::error::Error;

/// So many orders are under way at once where nothing is measured.
const AT_ONCE: usize = 1024;
/// An answer comes within this time, or none does.
const PATIENCE: Duration = Duration::from_secs(15);
/// So many turns are read at once.
const TURNS: usize = 256;

/// A market and the process's markets, whose figures it is among.
#[derive(Debug, Clone)]
pub struct Inside {
    pub dispatcher: Arc<Dispatcher>,
    pub market: MarketHandle,
}

impl Subject for Inside {
    fn caller(&self) -> Box<dyn Caller> {
        Box::new(Visitor { market: self.market.clone(), runtime: Runtime::new().ok() })
    }

    fn listen(&self, mut hear: Hear) -> Result<(), Error> {
        let market = self.market.clone();
        let mut at = market.events().next();
        let listening = std::thread::Builder::new().name(THREAD.to_owned()).spawn(move || {
            // It cannot be taken from one thread to another.
            let Ok(runtime) = Runtime::new() else { return hear(Heard::Gap) };
            let mut released = market.events().watch();
            loop {
                match market.events().read(at, TURNS) {
                    Read::Told { told, next } => {
                        let seen = Instant::now();
                        told.iter().flat_map(|told| &*told.facts).for_each(|fact| hear(heard(fact, seen)));
                        at = next;
                    }
                    Read::Log { until } => {
                        hear(Heard::Gap);
                        at = until;
                    }
                    Read::Wait if runtime.block_on(released.changed()).is_err() => return,
                    Read::Wait => {}
                }
            }
        });
        listening.map(drop).map_err(Error::NoThread)
    }

    fn subscribe(&self, _: &[String], _: &(dyn Fn() -> Hear + Sync)) -> Result<bool, Error> {
        Ok(false)
    }

    fn fill(&self, orders: &[Order]) -> Result<(), Error> {
        let runtime = Runtime::new().map_err(Error::NoThread)?;
        for some in orders.chunks(AT_ONCE) {
            let pending: Vec<_> = some.iter().map(|order| self.market.order(order.clone())).collect();
            for pending in pending {
                match pending.map(|pending| runtime.block_on(pending.answer())) {
                    Ok(Ok(dispatcher::Answer::Taken { .. })) => {}
                    other => return Err(Error::Unfilled { what: format!("{other:?}") }),
                }
            }
        }
        Ok(())
    }

    fn shown(&self) -> Result<Shown, Error> {
        let text = self.dispatcher.figures().text().unwrap_or_default();
        Ok(Shown::read(&text, self.market.name()))
    }

    fn driven(&self) -> Driven {
        Driven::Threads
    }
}

fn heard(published: &Published, seen: Instant) -> Heard {
    let Fact::OfferMade(made) = &published.fact else { return Heard::Other };
    let Some(request) = made.request else { return Heard::Other };
    Heard::Offer(Offer { request, ride: made.ride, driver: made.driver.0.clone(), epoch: made.epoch, seen })
}

struct Visitor {
    market: MarketHandle,
    /// `None`: the machine gave none.
    runtime: Option<Runtime>,
}

impl Caller for Visitor {
    fn order(&mut self, order: Order) -> Answer {
        let Some(runtime) = &self.runtime else { return Answer::Lost };
        let is_request = matches!(order.body, Body::RequestRide(_));
        let pending = match self.market.order(order) {
            Ok(pending) => pending,
            Err(cause) => return not_taken(&cause),
        };
        let answer = runtime.block_on(async { actix_rt::time::timeout(PATIENCE, pending.answer()).await });
        match answer {
            Ok(Ok(dispatcher::Answer::Taken { offset })) if is_request => {
                Answer::Taken(runtime.block_on(asked(&self.market, offset.0)))
            }
            Ok(Ok(dispatcher::Answer::Taken { .. })) => Answer::Taken(None),
            Ok(Ok(dispatcher::Answer::Refused { .. })) => Answer::Refused,
            Ok(Ok(dispatcher::Answer::Skipped { .. })) | Err(_) => Answer::Lost,
            Ok(Err(cause)) => not_taken(&cause),
        }
    }

    fn report(&mut self, _: Key, positions: Vec<Position>) -> Answer {
        for position in positions {
            let location = Location { id: "".into(), market: None, measured: None, position };
            if let Err(cause) = self.market.report(location) {
                return not_taken(&cause);
            }
        }
        Answer::Taken(None)
    }

    fn ask(&mut self, _: RideId) -> Option<bool> {
        None
    }
}

fn not_taken(cause: &NotTaken) -> Answer {
    match cause {
        NotTaken::Overloaded { .. } | NotTaken::Away(_) => Answer::TurnedAway,
        NotTaken::Foreign | NotTaken::Elsewhere => Answer::Refused,
        NotTaken::Unknown => Answer::Lost,
    }
}

/// What a turn says of the ride that it was asked for by.
async fn asked(market: &MarketHandle, offset: u64) -> Option<Asked> {
    // An answer leaves a moment before what its turn tells can be read.
    market.events().watch().wait_for(|next| *next > offset).await.ok()?;
    let Read::Told { told, .. } = market.events().read(offset, 1) else { return None };
    let facts = told.iter().filter(|told| told.offset == offset).flat_map(|told| &*told.facts);
    facts.into_iter().find_map(|published| match &published.fact {
        Fact::RideRequested(asked) => Some(Asked { ride: asked.ride, has_candidate: asked.first_eta_ms.is_some() }),
        _ => None,
    })
}
