//! GraphQL over a WebSocket, in the protocol `graphql-transport-ws`.
//!
//! A socket takes from its operations what its client takes from it: between them stand a few messages, so that a slow client
//! holds its own operations up and nobody else's. When the server stops, its clients are told to come back (1001).

use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;

use actix_web::http::header::{AUTHORIZATION, HOST, HeaderMap, ORIGIN, SEC_WEBSOCKET_PROTOCOL};
use actix_web::rt::time::{Instant, interval_at, sleep, sleep_until, timeout};
use actix_web::web::{Data, Payload};
use actix_web::{Error, HttpRequest, HttpResponse, error};
use actix_ws::{AggregatedMessage, AggregatedMessageStream, CloseCode, CloseReason, Session};
use async_graphql::{Request, Response, Value};
use futures_util::stream::{AbortHandle, BoxStream, SelectAll, abortable};
use futures_util::{FutureExt, StreamExt, stream};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::watch;

use super::Schema;
use super::code::labelled;
use super::http::{MOST_QUERY_BYTES, MOST_REQUEST_BYTES, fault};
use crate::auth::{Gate, Principal, bearer};
use crate::fault::RequestFault;
use crate::trace::{RequestTrace, Tracing};

/// The protocol.
const PROTOCOL: &str = "graphql-transport-ws";
/// A client has to introduce itself within this time.
const INTRODUCED_WITHIN: Duration = Duration::from_secs(5);
/// So often a client is asked whether it is there; twice without a word from it, and it is not.
const ASKED_EVERY: Duration = Duration::from_secs(15);
/// A client has to take a message within this time.
const TAKEN_WITHIN: Duration = Duration::from_secs(30);
/// So many operations at once on one socket.
const MOST_OPERATIONS: usize = 256;

/// Whether the server stops.
#[derive(Debug, Clone)]
pub struct Closing(pub watch::Receiver<bool>);

/// Opens a socket.
pub async fn open(
    request: &HttpRequest,
    payload: Payload,
    gate: Data<Gate>,
    schema: Data<Schema>,
    closing: &Closing,
    tracing: Data<Option<Tracing>>,
) -> Result<HttpResponse, Error> {
    // Browsers send any page's sockets anywhere; only they send where the page is from.
    if let Some(origin) = header(request.headers(), ORIGIN)
        && origin.split_once("://").map(|(_, host)| host) != header(request.headers(), HOST)
    {
        return Err(error::ErrorForbidden(format!("sockets of pages from {origin} are not taken\n")));
    }
    let offered = header(request.headers(), SEC_WEBSOCKET_PROTOCOL).unwrap_or_default();
    if !offered.split(',').any(|offered| offered.trim() == PROTOCOL) {
        return Err(error::ErrorBadRequest(format!("the socket's protocol is {PROTOCOL}\n")));
    }
    // A browser cannot send the header, and says who it is when it introduces itself.
    let token = header(request.headers(), AUTHORIZATION);
    let principal = match token {
        Some(token) => Some(gate.admit(bearer(token)).await.map_err(RequestFault::from)?),
        None => None,
    };
    let (response, session, messages) = actix_ws::handle_with_protocols(request, payload, &[PROTOCOL])?;
    let messages = messages.max_frame_size(MOST_REQUEST_BYTES).aggregate_continuations();
    let messages = messages.max_continuation_size(MOST_REQUEST_BYTES);
    let socket = Socket {
        session,
        gate,
        principal,
        schema,
        tracing,
        operations: SelectAll::new(),
        running: HashMap::new(),
        count: 0,
        introduced: false,
    };
    actix_web::rt::spawn(socket.serve(messages, closing.0.clone()));
    Ok(response)
}

fn header(headers: &HeaderMap, name: actix_web::http::header::HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// What a client says.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Said {
    /// Who it is.
    ConnectionInit {
        /// What it says of itself.
        payload: Option<Introduction>,
    },
    /// It wants to know whether we are there.
    Ping {},
    /// It is there.
    Pong {},
    /// An operation begins.
    Subscribe {
        /// As it is called from here on.
        id: String,
        /// What it is.
        payload: Box<Request>,
    },
    /// An operation ends.
    Complete {
        /// Which.
        id: String,
    },
}

/// What a client says of itself.
#[derive(Deserialize)]
pub struct Introduction {
    /// As in the header of a request.
    #[serde(alias = "Authorization")]
    authorization: Option<String>,
}

impl std::fmt::Debug for Introduction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Introduction")
    }
}

/// Why a socket is closed, with the codes of the protocol.
enum End {
    /// The client left.
    Left,
    /// For this reason.
    Because(u16, String),
}

fn because<T>(code: u16, reason: impl Into<String>) -> Result<T, End> {
    Err(End::Because(code, reason.into()))
}

/// What an operation answers; `None`: it is over.
struct Answer {
    id: String,
    /// Which of those that had this id.
    number: u64,
    response: Option<Response>,
}

/// What a client is told of an operation.
#[derive(Serialize)]
struct Told<'a, T> {
    id: &'a str,
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<&'a T>,
}

struct Socket {
    session: Session,
    gate: Data<Gate>,
    principal: Option<Principal>,
    schema: Data<Schema>,
    tracing: Data<Option<Tracing>>,
    operations: SelectAll<BoxStream<'static, Answer>>,
    running: HashMap<String, Operation>,
    /// Operations so far.
    count: u64,
    introduced: bool,
}

struct Operation {
    number: u64,
    abort: AbortHandle,
    /// It has answered something.
    answered: bool,
}

impl Socket {
    async fn serve(mut self, mut messages: AggregatedMessageStream, mut closing: watch::Receiver<bool>) {
        let end = tokio::select! {
            biased;
            _ = closing.wait_for(|closing| *closing) => End::Because(1001, "the server stops".to_owned()),
            end = self.run(&mut messages) => end,
        };
        if let End::Because(code, reason) = end {
            let reason = CloseReason { code: CloseCode::from(code), description: Some(reason) };
            // Whoever takes nothing any more is left.
            let _ = timeout(Duration::from_secs(1), self.session.close(Some(reason))).await;
        }
    }

    /// Until the socket ends, which it says why.
    async fn run(&mut self, messages: &mut AggregatedMessageStream) -> End {
        let began = Instant::now();
        let mut ask = interval_at(began + ASKED_EVERY, ASKED_EVERY);
        let mut heard = began;
        loop {
            let done = tokio::select! {
                message = messages.recv() => {
                    heard = Instant::now();
                    match message {
                        Some(Ok(message)) => self.hear(message).await,
                        Some(Err(cause)) => because(4400, cause.to_string()),
                        None => Err(End::Left),
                    }
                }
                Some(answer) = self.operations.next(), if !self.operations.is_empty() => self.tell(answer).await,
                () = sleep_until(began + INTRODUCED_WITHIN), if !self.introduced => {
                    because(4408, "Connection initialisation timeout")
                }
                () = expired(self.principal.as_ref()) => because(4403, "the token has expired"),
                _ = ask.tick() => {
                    if heard.elapsed() >= 2 * ASKED_EVERY { Err(End::Left) } else { sent(self.session.ping(b"")).await }
                }
            };
            if let Err(end) = done {
                return end;
            }
        }
    }

    async fn hear(&mut self, message: AggregatedMessage) -> Result<(), End> {
        let said = match message {
            AggregatedMessage::Text(text) => serde_json::from_str(&text),
            AggregatedMessage::Binary(_) => return because(4400, "messages are text"),
            AggregatedMessage::Ping(payload) => return sent(self.session.pong(&payload)).await,
            AggregatedMessage::Pong(_) => return Ok(()),
            AggregatedMessage::Close(reason) => {
                return match reason {
                    // It is told the same, as its side waits for that.
                    Some(reason) => because(reason.code.into(), ""),
                    None => because(1000, ""),
                };
            }
        };
        match said {
            Ok(Said::ConnectionInit { .. }) if self.introduced => because(4429, "Too many initialisation requests"),
            Ok(Said::ConnectionInit { payload }) => self.introduce(payload.and_then(|it| it.authorization)).await,
            Ok(Said::Ping {}) => self.say(&json!({ "type": "pong" })).await,
            Ok(Said::Pong {}) => Ok(()),
            Ok(Said::Subscribe { .. }) if !self.introduced => because(4401, "Unauthorized"),
            Ok(Said::Subscribe { id, .. }) if self.running.contains_key(&id) => {
                because(4409, format!("Subscriber for {id} already exists"))
            }
            Ok(Said::Subscribe { id, payload }) => self.subscribe(id, *payload).await,
            Ok(Said::Complete { id }) => {
                if let Some(operation) = self.running.remove(&id) {
                    operation.abort.abort();
                }
                Ok(())
            }
            Err(cause) => because(4400, format!("not a message of {PROTOCOL}: {cause}")),
        }
    }

    async fn introduce(&mut self, authorization: Option<String>) -> Result<(), End> {
        let token = authorization.as_deref().and_then(bearer);
        if token.is_some() || self.principal.is_none() {
            match self.gate.admit(token).await {
                Ok(principal) => self.principal = Some(principal),
                Err(cause) => return because(4403, cause.to_string()),
            }
        }
        self.introduced = true;
        self.say(&json!({ "type": "connection_ack" })).await
    }

    async fn subscribe(&mut self, id: String, operation: Request) -> Result<(), End> {
        if self.running.len() >= MOST_OPERATIONS {
            let reason = format!("a socket has at most {MOST_OPERATIONS} operations at once");
            return self.refuse(&id, &fault("TOO_MANY_OPERATIONS", &reason)).await;
        }
        if operation.query.len() > MOST_QUERY_BYTES {
            let reason = format!("an operation has at most {MOST_QUERY_BYTES} bytes");
            return self.refuse(&id, &fault("TOO_LONG", &reason)).await;
        }
        let Some(principal) = self.principal.clone() else { return because(4401, "Unauthorized") };
        if let Err(cause) = principal.spend(1) {
            return self.refuse(&id, &fault("RATE_LIMITED", &cause.to_string())).await;
        }
        let trace = RequestTrace::of_operation(self.tracing.get_ref().as_ref(), &operation);
        let (responses, abort) =
            abortable(self.schema.execute_stream(operation.data(principal).data(trace)).map(labelled));
        self.count += 1;
        let (name, number) = (id.clone(), self.count);
        let mut responses = responses.map(Some).chain(stream::iter([None])).boxed();
        // What listens listens from here on, so that whoever is answered something later knows that it does.
        let first = responses.next().now_or_never().flatten();
        let responses = stream::iter(first).chain(responses);
        self.operations.push(responses.map(move |response| Answer { id: name.clone(), number, response }).boxed());
        self.running.insert(id, Operation { number, abort, answered: false });
        Ok(())
    }

    /// Tells what an operation answers.
    async fn tell(&mut self, Answer { id, number, response }: Answer) -> Result<(), End> {
        // What its client has ended says nothing more.
        let Some(operation) = self.running.get_mut(&id).filter(|running| running.number == number) else {
            return Ok(());
        };
        match response {
            // It was not carried out at all, or cannot go on.
            Some(response) if response.is_err() && response.data == Value::Null && !operation.answered => {
                operation.abort.abort();
                self.running.remove(&id);
                self.refuse(&id, &response).await
            }
            Some(response) => {
                operation.answered = true;
                self.say(&Told { id: &id, r#type: "next", payload: Some(&response) }).await
            }
            None => {
                self.running.remove(&id);
                self.say(&Told::<Response> { id: &id, r#type: "complete", payload: None }).await
            }
        }
    }

    async fn refuse(&mut self, id: &str, response: &Response) -> Result<(), End> {
        self.say(&Told { id, r#type: "error", payload: Some(&response.errors) }).await
    }

    async fn say(&mut self, message: &impl Serialize) -> Result<(), End> {
        match serde_json::to_string(message) {
            Ok(message) => sent(self.session.text(message)).await,
            Err(cause) => because(1011, cause.to_string()),
        }
    }
}

/// Returns once a principal may read no more.
async fn expired(principal: Option<&Principal>) {
    match principal.and_then(Principal::left) {
        Some(left) => sleep(left).await,
        None => std::future::pending().await,
    }
}

/// Returns once a message is on its way.
async fn sent(sending: impl Future<Output = Result<(), actix_ws::Closed>>) -> Result<(), End> {
    match timeout(TAKEN_WITHIN, sending).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(End::Left),
        Err(_) => because(4408, "a message was not taken in time"),
    }
}
