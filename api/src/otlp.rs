//! Spans on their way to a collector, by OTLP over HTTP with protobuf.
//!
//! Messages have the fields that are sent, with the numbers of `opentelemetry/proto/trace/v1/trace.proto`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use hansom_dispatcher::trace::{Sink, Span};
use prost::{Message, Oneof};
use ring::rand::{SecureRandom, SystemRandom};
use tracing::{info, warn};

use crate::fetch;

/// So many spans may wait to be sent; what is more is lost, and counted.
const MOST_WAITING: usize = 1 << 15;
/// So many are sent at once …
const MOST_AT_ONCE: usize = 2048;
/// … and none waits longer than this for others.
const LINGER: Duration = Duration::from_millis(500);
/// It is said no more often than this that spans are lost.
const SAY_EVERY: Duration = Duration::from_secs(60);

/// Where spans go, and of how many requests.
#[derive(Debug, Clone, PartialEq)]
pub struct Collector {
    /// Its URL, to which `/v1/traces` is added.
    pub endpoint: String,
    /// The share of requests that are traced, from 0 to 1. Those that come with a `traceparent` are traced as that says.
    pub share: f64,
}

/// The way of spans to a collector.
#[derive(Debug)]
pub struct Exporter {
    queue: SyncSender<Option<Span>>,
    lost: Arc<AtomicU64>,
    /// Chance, from which ids are made by counting.
    seed: [u64; 2],
    made: AtomicU64,
    sender: Mutex<Option<JoinHandle<()>>>,
}

impl Exporter {
    /// Starts to send to a collector, from a thread of its own.
    pub fn start(collector: &Collector) -> Arc<Self> {
        let mut chance = [0; 16];
        // Without it ids are merely those of an earlier run, perhaps.
        let _ = SystemRandom::new().fill(&mut chance);
        let chance = u128::from_le_bytes(chance);
        let (queue, spans) = sync_channel(MOST_WAITING);
        let lost = Arc::new(AtomicU64::new(0));
        let sender = Sender { url: format!("{}/v1/traces", collector.endpoint.trim_end_matches('/')), lost: lost.clone() };
        Arc::new(Self {
            queue,
            lost,
            seed: [chance as u64, (chance >> 64) as u64],
            made: AtomicU64::new(0),
            sender: Mutex::new(Some(std::thread::spawn(move || sender.run(&spans)))),
        })
    }

    /// A number for a trace; never 0.
    pub fn trace_id(&self) -> u128 {
        u128::from(self.chance(0)) << 64 | u128::from(self.chance(1))
    }

    fn chance(&self, stream: usize) -> u64 {
        // Vigna's splitmix64.
        let count = self.made.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        let mut mixed = self.seed[stream].wrapping_add(count.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ mixed >> 31).max(1)
    }

    /// Sends what waits, and ends.
    pub fn end(&self) {
        let sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(sender) = sender
            && self.queue.send(None).is_ok()
        {
            // A panic of it was told.
            let _ = sender.join();
        }
    }
}

impl Sink for Exporter {
    fn take(&self, span: Span) {
        if self.queue.try_send(Some(span)).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn id(&self) -> u64 {
        self.chance(0)
    }
}

/// The thread that sends.
struct Sender {
    url: String,
    lost: Arc<AtomicU64>,
}

impl Sender {
    fn run(&self, spans: &Receiver<Option<Span>>) {
        let mut said: Option<Instant> = None;
        let mut over = false;
        while !over {
            let Ok(first) = spans.recv() else { return };
            let mut batch: Vec<Span> = Vec::new();
            over = first.is_none();
            batch.extend(first);
            let due = Instant::now() + LINGER;
            while !over && batch.len() < MOST_AT_ONCE {
                match spans.recv_timeout(due.saturating_duration_since(Instant::now())) {
                    Ok(Some(span)) => batch.push(span),
                    Ok(None) | Err(RecvTimeoutError::Disconnected) => over = true,
                    Err(RecvTimeoutError::Timeout) => break,
                }
            }
            if batch.is_empty() {
                return;
            }
            let sent = fetch::post(&self.url, "application/x-protobuf", &encode(&batch));
            if let Err(why) = &sent {
                self.lost.fetch_add(batch.len() as u64, Ordering::Relaxed);
                if said.is_none_or(|said| said.elapsed() >= SAY_EVERY) {
                    said = Some(Instant::now());
                    warn!(%why, lost = self.lost.load(Ordering::Relaxed), "spans are not taken by the collector");
                }
            } else if said.take().is_some() {
                info!(lost = self.lost.load(Ordering::Relaxed), "spans are taken by the collector again");
            }
        }
    }
}

/// Spans as a request to a collector.
fn encode(spans: &[Span]) -> Vec<u8> {
    let text = |key: &str, value: &str| KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(Value::Text(value.to_owned())) }),
    };
    let resource = Resource {
        attributes: vec![text("service.name", "hansom"), text("service.version", env!("CARGO_PKG_VERSION"))],
    };
    let scope = Scope { name: "hansom".to_owned() };
    let scope_spans = vec![ScopeSpans { scope: Some(scope), spans: spans.iter().map(WireSpan::of).collect() }];
    Request { resource_spans: vec![ResourceSpans { resource: Some(resource), scope_spans }] }.encode_to_vec()
}

#[derive(Clone, PartialEq, Message)]
struct Request {
    #[prost(message, repeated, tag = "1")]
    resource_spans: Vec<ResourceSpans>,
}

#[derive(Clone, PartialEq, Message)]
struct ResourceSpans {
    #[prost(message, optional, tag = "1")]
    resource: Option<Resource>,
    #[prost(message, repeated, tag = "2")]
    scope_spans: Vec<ScopeSpans>,
}

#[derive(Clone, PartialEq, Message)]
struct Resource {
    #[prost(message, repeated, tag = "1")]
    attributes: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, Message)]
struct ScopeSpans {
    #[prost(message, optional, tag = "1")]
    scope: Option<Scope>,
    #[prost(message, repeated, tag = "2")]
    spans: Vec<WireSpan>,
}

#[derive(Clone, PartialEq, Message)]
struct Scope {
    #[prost(string, tag = "1")]
    name: String,
}

#[derive(Clone, PartialEq, Message)]
struct WireSpan {
    #[prost(bytes = "vec", tag = "1")]
    trace_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    span_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    parent_span_id: Vec<u8>,
    #[prost(string, tag = "5")]
    name: String,
    #[prost(int32, tag = "6")]
    kind: i32,
    #[prost(fixed64, tag = "7")]
    start_time_unix_nano: u64,
    #[prost(fixed64, tag = "8")]
    end_time_unix_nano: u64,
    #[prost(message, repeated, tag = "9")]
    attributes: Vec<KeyValue>,
    #[prost(message, optional, tag = "15")]
    status: Option<Status>,
}

#[derive(Clone, PartialEq, Message)]
struct KeyValue {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(message, optional, tag = "2")]
    value: Option<AnyValue>,
}

#[derive(Clone, PartialEq, Message)]
struct AnyValue {
    #[prost(oneof = "Value", tags = "1, 3")]
    value: Option<Value>,
}

#[derive(Clone, PartialEq, Oneof)]
enum Value {
    #[prost(string, tag = "1")]
    Text(String),
    #[prost(int64, tag = "3")]
    Number(i64),
}

#[derive(Clone, PartialEq, Message)]
struct Status {
    #[prost(int32, tag = "3")]
    code: i32,
}

const KIND_INTERNAL: i32 = 1;
const KIND_SERVER: i32 = 2;
const STATUS_ERROR: i32 = 2;

impl WireSpan {
    fn of(span: &Span) -> Self {
        let number = |key: &str, value: u64| KeyValue {
            key: key.to_owned(),
            value: Some(AnyValue { value: Some(Value::Number(value as i64)) }),
        };
        let offset = span.offset.map(|offset| number("hansom.offset", offset));
        let ride = span.ride.map(|ride| number("hansom.ride", u64::from(ride)));
        Self {
            trace_id: span.trace.to_be_bytes().to_vec(),
            span_id: span.id.to_be_bytes().to_vec(),
            parent_span_id: span.parent.map(|parent| parent.to_be_bytes().to_vec()).unwrap_or_default(),
            name: span.name.to_owned(),
            kind: if span.is_entry { KIND_SERVER } else { KIND_INTERNAL },
            start_time_unix_nano: span.start_ns,
            end_time_unix_nano: span.end_ns,
            attributes: offset.into_iter().chain(ride).collect(),
            status: span.failed.then_some(Status { code: STATUS_ERROR }),
        }
    }
}
