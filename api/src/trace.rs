//! The trace of a request: its first span, and the orders that are parts of it.

use std::sync::{Arc, Mutex, PoisonError};

use actix_web::HttpRequest;
use hansom_dispatcher::trace::{Place, Sink, Span, Trace, now_ns};

use crate::otlp::{Collector, Exporter};

/// Which requests are traced, and where their spans go.
#[derive(Debug, Clone)]
pub struct Tracing {
    exporter: Arc<Exporter>,
    share: f64,
}

/// At most so many orders of a request are traced.
const MOST_ORDERS: u32 = 64;

impl Tracing {
    /// Spans go to a collector from now on.
    pub fn start(collector: &Collector) -> Self {
        Self { exporter: Exporter::start(collector), share: collector.share }
    }

    /// Sends what waits, and ends.
    pub fn end(&self) {
        self.exporter.end();
    }

    /// The trace of a request that came in now, unless it is one of those that are not traced.
    pub fn begin(&self, request: &HttpRequest, name: &'static str) -> Option<RequestTrace> {
        let given = request.headers().get("traceparent").and_then(|header| Parent::read(header.to_str().ok()?));
        let trace = given.map_or_else(|| self.exporter.trace_id(), |given| given.trace);
        // As the share of all traces that OpenTelemetry's samplers take: by what is chance in the id.
        let chosen = || (trace as u64 >> 11) as f64 < self.share * (1u64 << 53) as f64;
        if !given.map_or_else(chosen, |given| given.is_sampled) {
            return None;
        }
        let (id, now) = (self.exporter.id(), now_ns());
        let span = Span {
            trace,
            id,
            parent: given.map(|given| given.span),
            name,
            is_entry: true,
            start_ns: now,
            end_ns: now,
            offset: None,
            ride: None,
            failed: false,
        };
        let place = Place { sink: self.exporter.clone(), trace, span: id };
        Some(RequestTrace { span, place, orders_left: MOST_ORDERS })
    }
}

/// A `traceparent` header (W3C Trace Context, version 00 and those that begin alike).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Parent {
    trace: u128,
    span: u64,
    is_sampled: bool,
}

impl Parent {
    fn read(header: &str) -> Option<Self> {
        let mut parts = header.split('-');
        let mut hex = |digits: usize| {
            let part = parts.next()?;
            let plain = part.len() == digits && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
            plain.then(|| u128::from_str_radix(part, 16).ok()).flatten()
        };
        let (version, trace, span, flags) = (hex(2)?, hex(32)?, hex(16)? as u64, hex(2)?);
        let whole = version != 0 || parts.next().is_none();
        (version != 0xff && whole && trace != 0 && span != 0).then_some(Self { trace, span, is_sampled: flags & 1 == 1 })
    }
}

/// The trace of one request. It is over when it is dropped.
#[derive(Debug)]
pub struct RequestTrace {
    span: Span,
    place: Place,
    orders_left: u32,
}

impl RequestTrace {
    /// Its body is there.
    pub fn received(&self) {
        self.place.leave("receive", self.span.start_ns, now_ns());
    }

    /// An order that is a part of it; `None`: there were enough.
    pub fn order(&mut self, name: &'static str) -> Option<Box<Trace>> {
        self.orders_left = self.orders_left.checked_sub(1)?;
        Some(Trace::begin(&self.place, name))
    }
}

/// The trace of a request whose orders are carried out beside each other.
#[derive(Debug)]
pub struct SharedTrace(Mutex<RequestTrace>);

impl SharedTrace {
    /// One of a request.
    pub fn new(trace: RequestTrace) -> Self {
        Self(Mutex::new(trace))
    }

    /// An order that is a part of it; `None`: there were enough.
    pub fn order(&self, name: &'static str) -> Option<Box<Trace>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).order(name)
    }
}

impl Drop for RequestTrace {
    fn drop(&mut self) {
        self.span.end_ns = now_ns();
        self.place.sink.take(self.span.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_traceparent_is_taken_as_the_standard_has_it() {
        let read = Parent::read;
        let trace = 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736;
        let parent = Parent { trace, span: 0x00f0_67aa_0ba9_02b7, is_sampled: true };
        assert_eq!(read("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"), Some(parent));
        assert_eq!(read("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-the-future-will-be"), Some(parent));
        let not = Parent { is_sampled: false, ..parent };
        assert_eq!(read("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"), Some(not));
        for wrong in [
            "",
            "00",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00F067AA0BA902B7-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
