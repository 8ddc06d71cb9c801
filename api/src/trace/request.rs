//! The trace of one request: its span, and the orders below it.

use std::future::{Ready, ready};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use actix_web::body::MessageBody;
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue, UPGRADE};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest};
use async_graphql::Value;
use hansom_dispatcher::trace::{Place, Trace};
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::{SpanBuilder, SpanKind, Status};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::propagation::TraceContextPropagator;

use super::Tracing;

/// At most so many orders of a request leave spans: it may have tens of thousands.
const MOST_ORDERS: u32 = 64;
/// In which header an answer says which trace it is part of, in the form of a `traceparent` (W3C Trace Context, level 2).
const TRACERESPONSE: &str = "traceresponse";

/// A way in, by the names that OpenTelemetry has for it.
#[derive(Debug, Clone, Copy)]
struct Door {
    name: &'static str,
    method: &'static str,
    route: &'static str,
}

const COMMANDS: Door = Door { name: "POST /v1/commands", method: "POST", route: "/v1/commands" };
const GRAPHQL: Door = Door { name: "POST /graphql", method: "POST", route: "/graphql" };
const QUESTION: Door = Door { name: "GET /graphql", method: "GET", route: "/graphql" };
const SOCKET: Door = Door { name: "WEBSOCKET /graphql", method: "GET", route: "/graphql" };

/// The way in that a request takes, if it leaves a trace: what only reads, or comes by the thousand, does not.
fn door(request: &ServiceRequest) -> Option<Door> {
    match (request.method(), request.path()) {
        (&Method::POST, "/v1/commands") => Some(COMMANDS),
        (&Method::POST, "/graphql") => Some(GRAPHQL),
        // A socket may last for days, and its operations have traces of their own.
        (&Method::GET, "/graphql") if !request.headers().contains_key(UPGRADE) => Some(QUESTION),
        _ => None,
    }
}

/// Has requests leave traces.
pub async fn follow(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let tracing = request.app_data::<Data<Option<Tracing>>>().and_then(|tracing| tracing.get_ref().as_ref());
    let Some((tracing, door)) = tracing.zip(door(&request)) else { return next.call(request).await };
    let trace = Arc::new(Open::new(tracing, door, &Head(request.headers())));
    let place = trace.place().clone();
    request.extensions_mut().insert(RequestTrace(Some(trace)));
    let mut response = next.call(request).await?;
    let (status, span) = (response.status(), place.span());
    span.set_attribute(KeyValue::new("http.response.status_code", i64::from(status.as_u16())));
    if status.is_server_error() {
        span.set_status(Status::error(""));
    }
    let told = span.span_context();
    let told = format!("00-{}-{}-{:02x}", told.trace_id(), told.span_id(), told.trace_flags().to_u8());
    if let Ok(told) = HeaderValue::try_from(told) {
        response.headers_mut().insert(HeaderName::from_static(TRACERESPONSE), told);
    }
    Ok(response)
}

/// The trace of a request, if it leaves one. Its span ends when nobody has this any more.
#[derive(Debug, Clone, Default)]
pub struct RequestTrace(Option<Arc<Open>>);

impl RequestTrace {
    /// That of an operation on a socket, which says in its `extensions` of which trace it is part. It begins with its first order.
    pub fn of_operation(tracing: Option<&Tracing>, operation: &async_graphql::Request) -> Self {
        Self(tracing.map(|tracing| Arc::new(Open::new(tracing, SOCKET, &Extensions(operation)))))
    }

    /// Its body is there.
    pub fn received(&self) {
        if let Some(place) = self.0.as_ref().map(|open| open.place()) {
            place.leave("receive", place.since(), Instant::now(), Vec::new());
        }
    }

    /// What an order of this type leaves behind, if anything.
    pub fn order(&self, kind: &'static str) -> Option<Box<Trace>> {
        let open = self.0.as_ref()?;
        let place = open.place();
        let counts = |left: u32| left.checked_sub(1);
        let may = place.span().is_recording()
            && open.orders_left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, counts).is_ok();
        may.then(|| place.order(short(kind)))
    }
}

/// `hansom.command.request_ride.v1` without what is said of every order.
fn short(kind: &'static str) -> &'static str {
    kind.strip_prefix("hansom.command.").and_then(|kind| kind.split('.').next()).unwrap_or(kind)
}

/// The one that was made when the request came.
impl FromRequest for RequestTrace {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(request.extensions().get::<Self>().cloned().unwrap_or_default()))
    }
}

/// A request that leaves a trace.
#[derive(Debug)]
struct Open {
    /// What it is part of.
    above: Place,
    door: Door,
    /// What is part of it, once its span was begun.
    below: OnceLock<Place>,
    orders_left: AtomicU32,
}

impl Open {
    fn new(tracing: &Tracing, door: Door, head: &dyn Extractor) -> Self {
        let above = TraceContextPropagator::new().extract_with_context(&Context::new(), head);
        let orders_left = AtomicU32::new(MOST_ORDERS);
        Self { above: tracing.below(above), door, below: OnceLock::new(), orders_left }
    }

    fn place(&self) -> &Place {
        let Door { name, method, route } = self.door;
        self.below.get_or_init(|| {
            let attributes = [("http.request.method", method), ("http.route", route)];
            let attributes = attributes.map(|(key, value)| KeyValue::new(key, value));
            self.above.open(SpanBuilder::from_name(name).with_kind(SpanKind::Server).with_attributes(attributes))
        })
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Some(place) = self.below.get() {
            place.end();
        }
    }
}

/// Where a request says of which trace it is part.
struct Head<'a>(&'a HeaderMap);

impl Extractor for Head<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}

/// Where an operation does, that has no head of its own.
struct Extensions<'a>(&'a async_graphql::Request);

impl Extractor for Extensions<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        match self.0.extensions.get(key)? {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    fn keys(&self) -> Vec<&str> {
        self.0.extensions.keys().map(String::as_str).collect()
    }
}
