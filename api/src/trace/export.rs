//! The way of spans to a collector: OpenTelemetry's own exporter, in a thread of its own, with a bound to what waits for it.

use std::env::var;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use hansom_dispatcher::SpanFigures;
use hansom_dispatcher::trace::Place;
use opentelemetry::global::BoxedTracer;
use opentelemetry::trace::TracerProvider;
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::resource::{EnvResourceDetector, TelemetryResourceDetector};
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, OTEL_BSP_MAX_QUEUE_SIZE, OTEL_BSP_MAX_QUEUE_SIZE_DEFAULT, Sampler,
    SdkTracerProvider, Span, SpanData, SpanProcessor,
};
use tracing::{info, warn};

use crate::fetch;

/// What of OpenTelemetry's own the exporter does not say for itself.
const SERVICE_NAME: &str = "OTEL_SERVICE_NAME";
const TIMEOUTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"];
const PROTOCOLS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"];
/// A collector answers within this time, unless it is said otherwise.
const WITHIN: Duration = Duration::from_secs(10);
/// … and with no more than this.
const MOST_ANSWER_BYTES: u64 = 1 << 20;
/// What waits at the end is sent within this time, or lost.
const END_WITHIN: Duration = Duration::from_secs(3);
/// It is said no more often than this that spans are lost.
const SAY_EVERY: Duration = Duration::from_secs(60);

/// Where traces go, and of how many requests. What is not said here OpenTelemetry's variables (`OTEL_…`) say.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Collector {
    /// Its URL, to which `/v1/traces` is added.
    pub endpoint: Option<String>,
    /// The share of requests that are traced, from 0 to 1. Those that come with a `traceparent` are traced as that says.
    pub share: Option<f64>,
}

/// The collector cannot be meant: what is wrong with the endpoint or the variables.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct CollectorError(String);

/// Traces that are made and sent.
#[derive(Clone)]
pub struct Tracing {
    provider: SdkTracerProvider,
    tracer: Arc<BoxedTracer>,
}

impl fmt::Debug for Tracing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tracing")
    }
}

impl Tracing {
    /// Spans go to a collector from now on. One that is away is no fault.
    pub fn start(collector: &Collector, figures: SpanFigures) -> Result<Self, CollectorError> {
        warn_of_unheeded();
        let fault = Arc::<Mutex<String>>::default();
        let client = Client { within: within(), fault: fault.clone() };
        let mut exporter =
            SpanExporter::builder().with_http().with_http_client(client).with_protocol(Protocol::HttpBinary);
        if let Some(endpoint) = &collector.endpoint {
            exporter = exporter.with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')));
        }
        let exporter = exporter.build().map_err(|cause| CollectorError(cause.to_string()))?;
        let queue = Arc::new(Queue { most: most_waiting(), waiting: AtomicUsize::new(0), figures });
        let sender = Sender { exporter, queue: queue.clone(), fault, said: Rarely::default() };
        let config = BatchConfigBuilder::default().with_max_queue_size(queue.most).build();
        let inner = BatchSpanProcessor::builder(sender).with_batch_config(config).build();
        let processor = Bounded { inner, queue, said: Rarely::default() };
        let mut provider = SdkTracerProvider::builder().with_span_processor(processor).with_resource(resource());
        if let Some(share) = collector.share {
            provider = provider.with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(share))));
        }
        let provider = provider.build();
        let tracer = Arc::new(BoxedTracer::new(Box::new(provider.tracer("hansom"))));
        info!("requests are traced");
        Ok(Self { provider, tracer })
    }

    /// A place below another program's span, or at the root of a new trace.
    pub fn below(&self, span: Context) -> Place {
        Place::below(self.tracer.clone(), span)
    }

    /// Sends what waits, which may take a while, and ends.
    pub fn end(&self) {
        // What is lost is counted, and was told.
        let _ = self.provider.shutdown_with_timeout(END_WITHIN);
    }
}

/// Who we are, unless the variables say otherwise.
fn resource() -> Resource {
    let own = [("service.name", "hansom"), ("service.version", env!("CARGO_PKG_VERSION"))];
    let resource = Resource::builder_empty()
        .with_attributes(own.map(|(key, value)| KeyValue::new(key, value)))
        .with_detectors(&[Box::new(TelemetryResourceDetector), Box::new(EnvResourceDetector::new())]);
    match var(SERVICE_NAME) {
        Ok(name) if !name.is_empty() => resource.with_service_name(name).build(),
        _ => resource.build(),
    }
}

fn most_waiting() -> usize {
    number(OTEL_BSP_MAX_QUEUE_SIZE).unwrap_or(OTEL_BSP_MAX_QUEUE_SIZE_DEFAULT)
}

fn within() -> Duration {
    let given = TIMEOUTS.iter().find_map(|name| number(name));
    given.map_or(WITHIN, |ms: usize| Duration::from_millis(ms as u64))
}

fn number(name: &str) -> Option<usize> {
    var(name).ok()?.parse().ok()
}

/// Says which variables are set to what is not done.
fn warn_of_unheeded() {
    for name in PROTOCOLS {
        if let Ok(protocol) = var(name)
            && !["", "http/protobuf"].contains(&&*protocol)
        {
            warn!(name, protocol, "only http/protobuf is spoken, and is spoken instead");
        }
    }
    if let Ok(sampler) = var("OTEL_TRACES_SAMPLER") {
        let word = sampler.strip_prefix("parentbased_").unwrap_or(&sampler);
        if !["", "always_on", "always_off", "traceidratio"].contains(&word) {
            warn!(sampler, "OTEL_TRACES_SAMPLER names a sampler that is not known: parentbased_always_on is taken");
        }
    }
}

/// Spans that wait to be sent.
#[derive(Debug)]
struct Queue {
    most: usize,
    waiting: AtomicUsize,
    figures: SpanFigures,
}

/// Something that is said now and then.
#[derive(Debug, Default)]
struct Rarely(Mutex<Option<Instant>>);

impl Rarely {
    /// Whether it is time to say it; if so, it is said.
    fn is_due(&self) -> bool {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let due = said.is_none_or(|said| said.elapsed() >= SAY_EVERY);
        if due {
            *said = Some(Instant::now());
        }
        due
    }

    /// It is over; whether it was said.
    fn is_over(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take().is_some()
    }
}

/// OpenTelemetry's queue of spans, which drops what is too much for it. Here that is counted before it comes to it.
#[derive(Debug)]
struct Bounded {
    inner: BatchSpanProcessor,
    queue: Arc<Queue>,
    said: Rarely,
}

impl SpanProcessor for Bounded {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.inner.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        let Queue { most, waiting, figures } = &*self.queue;
        if waiting.fetch_add(1, Ordering::Relaxed) < *most {
            return self.inner.on_end(span);
        }
        waiting.fetch_sub(1, Ordering::Relaxed);
        let lost = figures.lost_in_queue.inc() + 1;
        if self.said.is_due() {
            warn!(lost, most, "spans are lost: more are made than the collector takes");
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

/// The exporter, and what becomes of what it is given.
#[derive(Debug)]
struct Sender {
    exporter: SpanExporter,
    queue: Arc<Queue>,
    fault: Arc<Mutex<String>>,
    said: Rarely,
}

impl opentelemetry_sdk::trace::SpanExporter for Sender {
    async fn export(&self, spans: Vec<SpanData>) -> OTelSdkResult {
        let count = spans.len();
        let sent = self.exporter.export(spans).await;
        let Queue { waiting, figures, .. } = &*self.queue;
        waiting.fetch_sub(count, Ordering::Relaxed);
        if sent.is_ok() {
            figures.sent.inc_by(count as u64);
            if self.said.is_over() {
                info!(lost = figures.lost_at_collector.get(), "the collector takes spans again");
            }
            return sent;
        }
        let lost = figures.lost_at_collector.inc_by(count as u64) + count as u64;
        if self.said.is_due() {
            let why = self.fault.lock().unwrap_or_else(PoisonError::into_inner).clone();
            warn!(lost, why, "spans are lost: the collector does not take them");
        }
        sent
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

/// The client by which keys are fetched, too. The exporter does not tell why it could not send; this does.
#[derive(Debug)]
struct Client {
    within: Duration,
    fault: Arc<Mutex<String>>,
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        // In a thread that does nothing else.
        let sent = fetch::send(request.map(Vec::from), self.within, MOST_ANSWER_BYTES);
        let fault = match &sent {
            Ok(answer) if answer.status().is_success() => None,
            Ok(answer) => Some(format!("it answers {}", answer.status())),
            Err(fault) => Some(fault.clone()),
        };
        if let Some(fault) = fault {
            *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = fault;
        }
        Ok(sent?.map(Bytes::from))
    }
}
