//! What a request leaves behind on its way through a market: spans, for those who look how long each part takes.
//!
//! A [`Trace`] goes with an order from lane to log, is marked where it passes, and leaves its spans when its turn is released. The
//! first offer for a ride that it asked for is a span of the same trace, whichever turn makes it. Spans go to a [`Sink`]. Knows no
//! network. An order without a trace carries a `None`.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use hansom_engine::{Event, Offset, RideId, Turn};

/// A stretch of work within a trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// The trace, the same in all its spans; never 0.
    pub trace: u128,
    /// The span; never 0.
    pub id: u64,
    /// The span that it is a part of, if any.
    pub parent: Option<u64>,
    /// What was done.
    pub name: &'static str,
    /// Whether it begins here: a request from outside.
    pub is_entry: bool,
    /// When it began, in ns since 1970.
    pub start_ns: u64,
    /// When it ended.
    pub end_ns: u64,
    /// The turn it has to do with.
    pub offset: Option<u64>,
    /// The ride it has to do with: its number.
    pub ride: Option<u32>,
    /// Whether it came to nothing.
    pub failed: bool,
}

/// Where spans go. One that does not keep up loses some, and holds up nobody.
pub trait Sink: fmt::Debug + Send + Sync {
    /// Takes a span.
    fn take(&self, span: Span);
    /// A number for a span, not given to another of the same trace; never 0.
    fn id(&self) -> u64;
}

/// The place in a trace below which spans are put.
#[derive(Debug, Clone)]
pub struct Place {
    /// Where they go.
    pub sink: Arc<dyn Sink>,
    /// The trace.
    pub trace: u128,
    /// The span they are parts of.
    pub span: u64,
}

impl Place {
    /// Leaves a span below this place.
    pub fn leave(&self, name: &'static str, start_ns: u64, end_ns: u64) {
        self.sink.take(self.span(name, start_ns, end_ns));
    }

    fn span(&self, name: &'static str, start_ns: u64, end_ns: u64) -> Span {
        let Self { sink, trace, span } = self;
        let (id, parent) = (sink.id(), Some(*span));
        Span { trace: *trace, id, parent, name, is_entry: false, start_ns, end_ns, offset: None, ride: None, failed: false }
    }
}

/// The time, in ns since 1970.
pub fn now_ns() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64)
}

/// An order on its way. Dropped before its turn is released, it leaves a span that failed.
#[derive(Debug)]
pub struct Trace {
    /// The span of the order as a whole.
    order: Span,
    /// Where its parts go.
    place: Place,
    taken_ns: u64,
    /// 0 until it is decided.
    decided_ns: Arc<AtomicU64>,
    is_done: bool,
}

/// Where it is noted when an order is decided, while its trace waits already for its turn to be durable.
#[derive(Debug, Clone)]
pub(crate) struct Decision(Arc<AtomicU64>);

impl Decision {
    /// It is, now.
    pub fn is_made(&self) {
        self.0.store(now_ns(), Ordering::Release);
    }
}

impl Trace {
    /// An order that came in now, as a part of what is at `place`.
    pub fn begin(place: &Place, name: &'static str) -> Box<Self> {
        let now = now_ns();
        let order = place.span(name, now, now);
        let place = Place { span: order.id, ..place.clone() };
        Box::new(Self { order, place, taken_ns: now, decided_ns: Arc::default(), is_done: false })
    }

    /// The market takes it from its lane.
    pub(crate) fn take(&mut self) -> Decision {
        self.taken_ns = now_ns();
        self.place.leave("queue", self.order.start_ns, self.taken_ns);
        Decision(self.decided_ns.clone())
    }

    /// Its turn, which became durable at `durable_ns`, is released: the order is over.
    fn release(mut self: Box<Self>, offset: Offset, durable_ns: u64) -> Place {
        let now = now_ns();
        let durable = durable_ns.clamp(self.taken_ns, now);
        // The disk may be quicker than the note.
        let decided = match self.decided_ns.load(Ordering::Acquire) {
            0 => durable,
            decided => decided.clamp(self.taken_ns, durable),
        };
        self.place.leave("decide", self.taken_ns, decided);
        self.place.leave("log", decided, durable);
        self.place.leave("release", durable, now);
        (self.order.end_ns, self.order.offset, self.is_done) = (now, Some(offset.0), true);
        self.place.sink.take(self.order.clone());
        self.place.clone()
    }
}

impl Drop for Trace {
    fn drop(&mut self) {
        if !self.is_done {
            self.place.sink.take(Span { end_ns: now_ns(), failed: true, ..self.order.clone() });
        }
    }
}

/// Rides that were asked for by orders with a trace, until they are first offered.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    rides: HashMap<RideId, (Place, u64)>,
}

/// So many rides may wait to be offered with their trace; of more, the offer is left out.
const MOST_ASKED: usize = 4096;

impl Asked {
    /// A turn is released that became durable at `durable_ns`; `trace`: that of its order.
    pub fn release(&mut self, turn: &Turn, trace: Option<Box<Trace>>, durable_ns: u64) {
        let asked_ns = trace.as_ref().map(|trace| trace.order.start_ns);
        let place = trace.map(|trace| trace.release(turn.offset, durable_ns));
        if place.is_none() && self.rides.is_empty() {
            return;
        }
        for event in &turn.events {
            match event {
                Event::RideRequested(it) if self.rides.len() < MOST_ASKED => {
                    if let Some(asked) = place.clone().zip(asked_ns) {
                        self.rides.insert(it.ride, asked);
                    }
                }
                Event::OfferMade(it) => {
                    if let Some((place, asked_ns)) = self.rides.remove(&it.ride) {
                        let span = place.span("offer", asked_ns, now_ns());
                        place.sink.take(Span { offset: Some(turn.offset.0), ride: Some(it.ride.0), ..span });
                    }
                }
                Event::RideEnded { ride, .. } => _ = self.rides.remove(ride),
                _ => {}
            }
        }
    }
}
