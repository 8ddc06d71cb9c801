//! What an order leaves behind on its way through a market: spans, for those who look where its time went.
//!
//! A [`Trace`] goes with an order from its lane to its release, and leaves its spans there: `queue`, `decide`, `sync`, `release`. A
//! ride that it asked for is remembered until it is first offered: that offer, whichever turn makes it, is a span of the same
//! trace, and so is its way to those who listen ([`Offered`]). Spans are made by the threads on the way out; a market's own looks at
//! the clock, and does nothing else. Knows no exporter and no network; refuses to know who rides or drives.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime};

use hansom_engine::{Event, Offset, RideId, Turn};
use hansom_market::ingest::Fact;
use opentelemetry::global::BoxedTracer;
use opentelemetry::trace::{SpanBuilder, SpanRef, Status, TraceContextExt, Tracer};
use opentelemetry::{Context, KeyValue};

use crate::answer::Answer;

/// A place in a trace, below which spans are put.
#[derive(Debug, Clone)]
pub struct Place {
    tracer: Arc<BoxedTracer>,
    /// The span that they are parts of.
    span: Context,
    clock: Clock,
}

/// What the clock on the wall says at an instant. A trace has one: whatever becomes of that clock, its times are in order.
#[derive(Debug, Clone, Copy)]
struct Clock {
    instant: Instant,
    time: SystemTime,
}

impl Clock {
    fn at(self, instant: Instant) -> SystemTime {
        self.time + instant.saturating_duration_since(self.instant)
    }
}

impl Place {
    /// Below a span, which may be another program's; from now on.
    pub fn below(tracer: Arc<BoxedTracer>, span: Context) -> Self {
        Self { tracer, span, clock: Clock { instant: Instant::now(), time: SystemTime::now() } }
    }

    /// Begins a span as of when this place was made; below it is what is returned.
    #[must_use]
    pub fn open(&self, span: SpanBuilder) -> Self {
        let span = self.tracer.build_with_context(span.with_start_time(self.clock.time), &self.span);
        Self { span: Context::new().with_span(span), ..self.clone() }
    }

    /// Leaves a span that is over.
    pub fn leave(&self, name: &'static str, from: Instant, until: Instant, attributes: Vec<KeyValue>) {
        drop(self.left(name, from, until, attributes));
    }

    /// The same; below it is what is returned.
    #[must_use]
    fn left(&self, name: &'static str, from: Instant, until: Instant, attributes: Vec<KeyValue>) -> Self {
        let span = SpanBuilder::from_name(name).with_start_time(self.clock.at(from)).with_attributes(attributes);
        let span = self.tracer.build_with_context(span, &self.span);
        let left = Self { span: Context::new().with_span(span), ..self.clone() };
        left.span().end_with_timestamp(self.clock.at(until));
        left
    }

    /// The span that is above.
    pub fn span(&self) -> SpanRef<'_> {
        self.span.span()
    }

    /// Since when it is there.
    pub fn since(&self) -> Instant {
        self.clock.instant
    }

    /// Ends the span that is above, now.
    pub fn end(&self) {
        self.span().end_with_timestamp(self.clock.at(Instant::now()));
    }

    /// An order that is to leave spans here.
    pub fn order(&self, name: &'static str) -> Box<Trace> {
        Box::new(Trace { place: self.clone(), name, queued: None })
    }
}

/// An order on its way. One that got a place in a lane and is dropped before its turn was released leaves a span that failed.
#[derive(Debug)]
pub struct Trace {
    place: Place,
    name: &'static str,
    /// Since when it waits for its market.
    queued: Option<Instant>,
}

impl Trace {
    /// It waits for its market from now on.
    pub(crate) fn queue(&mut self, now: Instant) {
        self.queued = Some(now);
    }

    /// Its turn is released: leaves its spans; below them is what is returned.
    fn release(mut self, market: &str, turn: &Turn, passed: Passed) -> Option<Place> {
        let queued = self.queued.take()?;
        let answer = Answer::of(turn);
        let attributes = vec![
            KeyValue::new("hansom.market", market.to_owned()),
            KeyValue::new("hansom.offset", turn.offset.0 as i64),
            KeyValue::new("hansom.answer", answer.word()),
        ];
        let order = self.place.left(self.name, queued, passed.released, attributes);
        order.leave("queue", queued, passed.decide.0, Vec::new());
        passed.leave(&order);
        Some(order)
    }
}

impl Drop for Trace {
    fn drop(&mut self) {
        if let Some(queued) = self.queued {
            let Place { tracer, span, clock } = &self.place;
            let failed = SpanBuilder::from_name(self.name).with_start_time(clock.at(queued));
            let failed = Context::new().with_span(tracer.build_with_context(failed, span));
            failed.span().set_status(Status::error("no turn of it was released"));
            failed.span().end_with_timestamp(clock.at(Instant::now()));
        }
    }
}

/// When the turns of a market were decided that are not released yet. Noted once there is a trace.
#[derive(Debug, Default)]
pub(crate) struct Decisions {
    wanted: AtomicBool,
    noted: Mutex<VecDeque<Noted>>,
}

/// When a turn was decided; `None`: it is not yet.
#[derive(Debug, Clone, Copy)]
struct Noted {
    offset: u64,
    began: Instant,
    ended: Option<Instant>,
}

impl Decisions {
    /// From now on they are noted.
    pub fn want(&self) {
        self.wanted.store(true, Ordering::Relaxed);
    }

    fn noted(&self) -> Option<MutexGuard<'_, VecDeque<Noted>>> {
        let wanted = self.wanted.load(Ordering::Relaxed);
        wanted.then(|| self.noted.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The turn of this offset is being decided. It may be durable before anybody could note that it is decided.
    pub fn begin(&self, offset: u64) {
        if let Some(mut noted) = self.noted() {
            noted.push_back(Noted { offset, began: Instant::now(), ended: None });
        }
    }

    /// It is decided.
    pub fn end(&self) {
        if let Some(mut noted) = self.noted()
            && let Some(last) = noted.back_mut()
        {
            last.ended.get_or_insert_with(Instant::now);
        }
    }

    /// What was noted is of turns that nobody will release.
    pub fn clear(&self) {
        if let Some(mut noted) = self.noted() {
            noted.clear();
        }
    }

    /// A turn that is durable since `durable` is about to be released: its times.
    fn take(&self, offset: Offset, durable: Instant) -> Passed {
        let mut found = None;
        if let Some(mut noted) = self.noted() {
            while noted.front().is_some_and(|first| first.offset <= offset.0) {
                found = noted.pop_front().filter(|first| first.offset == offset.0);
            }
        }
        // One that was not noted counts as decided when it was durable.
        let began = found.map_or(durable, |found| found.began.min(durable));
        let ended = found.and_then(|found| found.ended).map_or(durable, |ended| ended.min(durable));
        Passed { decide: (began, ended), durable, released: Instant::now() }
    }
}

/// When a turn passed where.
#[derive(Debug, Clone, Copy)]
struct Passed {
    decide: (Instant, Instant),
    durable: Instant,
    released: Instant,
}

impl Passed {
    /// Leaves the spans of a turn.
    fn leave(self, place: &Place) {
        let Self { decide: (began, decided), durable, released } = self;
        place.leave("decide", began, decided, Vec::new());
        place.leave("sync", decided, durable, Vec::new());
        place.leave("release", durable, released, Vec::new());
    }
}

/// The rides of a market that were asked for by orders with a trace, until they are first offered.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    rides: HashMap<RideId, Request>,
}

/// The order that asked for a ride.
#[derive(Debug)]
struct Request {
    place: Place,
    offset: Offset,
    decided: Instant,
}

/// So many rides may wait to be offered with their trace; of more, the offer is left out.
const MOST_ASKED: usize = 4096;

impl Asked {
    /// A turn that is durable since `durable` is released; `trace` is that of its order, whose sender has been told. Returns the
    /// offers in it that are part of a trace.
    pub fn release(
        &mut self,
        market: &str,
        turn: &Turn,
        trace: Option<Box<Trace>>,
        decisions: &Decisions,
        durable: Instant,
    ) -> Offers {
        let passed = decisions.take(turn.offset, durable);
        let order = trace.and_then(|trace| trace.release(market, turn, passed));
        if order.is_none() && self.rides.is_empty() {
            return Offers::default();
        }
        let mut offers = Vec::new();
        for event in &turn.events {
            match event {
                Event::RideRequested(it) if self.rides.len() < MOST_ASKED => {
                    if let Some(place) = order.clone() {
                        self.rides.insert(it.ride, Request { place, offset: turn.offset, decided: passed.decide.1 });
                    }
                }
                Event::OfferMade(it) => {
                    offers.extend(self.rides.remove(&it.ride).map(|request| request.offer(it.ride, turn, passed)));
                }
                Event::RideEnded { ride, .. } => _ = self.rides.remove(ride),
                _ => {}
            }
        }
        Offers((!offers.is_empty()).then(|| offers.into()))
    }
}

impl Request {
    /// The ride is offered by a turn, perhaps that of the request itself.
    fn offer(self, ride: RideId, turn: &Turn, passed: Passed) -> Offered {
        let attributes =
            vec![KeyValue::new("hansom.offset", turn.offset.0 as i64), KeyValue::new("hansom.ride", i64::from(ride.0))];
        let offer = self.place.left("offer", self.decided.min(passed.released), passed.released, attributes);
        if turn.offset != self.offset {
            offer.leave("match", self.decided.min(passed.decide.0), passed.decide.0, Vec::new());
            passed.leave(&offer);
        }
        Offered { place: offer, ride, told: passed.released }
    }
}

/// An offer that is part of a trace, on its way to those who listen.
#[derive(Debug, Clone)]
pub struct Offered {
    place: Place,
    ride: RideId,
    told: Instant,
}

impl Offered {
    /// Whether this fact is the offer.
    pub fn is(&self, fact: &Fact) -> bool {
        matches!(fact, Fact::OfferMade(it) if it.ride == self.ride)
    }

    /// A listener of this kind was given it, now.
    pub fn delivered(&self, listener: &'static str) {
        self.place.leave("deliver", self.told, Instant::now(), vec![KeyValue::new("hansom.listener", listener)]);
    }
}

/// Offers of one turn that are part of a trace. What a turn tells is the same with them and without.
#[derive(Debug, Clone, Default)]
pub struct Offers(Option<Arc<[Offered]>>);

impl Offers {
    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Offered> {
        self.0.iter().flat_map(|offers| offers.iter())
    }
}

impl PartialEq for Offers {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Offers {}
