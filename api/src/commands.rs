//! `POST /v1/commands`: orders, a line each. An answer is sent when its turn is durable.

use std::future::ready;

use actix_web::rt::task::spawn_blocking;
use actix_web::web::{self, Bytes, Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::FutureExt;
use hansom_dispatcher::{Answer as Done, MarketHandle, NotTaken};
use hansom_market::ingest::{Malformed, decode};
use tracing::error;

use crate::answers::{self, Answer, Lines, Taker};
use crate::auth::{NotGiven, Principal};
use crate::body;
use crate::fault::{LineFault, RequestFault};
use crate::markets::{Chosen, Markets, OfMarket};
use crate::trace::RequestTrace;

/// Takes the orders of a request.
pub async fn post(
    request: HttpRequest,
    principal: Principal,
    query: web::Query<OfMarket>,
    markets: Data<Markets>,
    trace: RequestTrace,
    payload: Payload,
) -> Result<HttpResponse, RequestFault> {
    principal.may_order_at_all()?;
    let market = markets.choose(query.market.as_deref(), &principal)?;
    let body = body::read(&request, payload).await?;
    trace.received();
    Ok(answers::respond(&request, Lines::of(body), Orders { market, principal, trace }))
}

struct Orders {
    market: Chosen,
    principal: Principal,
    trace: RequestTrace,
}

impl Taker for Orders {
    fn take(&mut self, line: &Bytes, others_wait: bool) -> Option<Answer> {
        let order = match decode(line) {
            Ok(order) => order,
            Err(malformed) => return Some(quarantine(&self.market, &self.principal, "/v1/commands", &malformed, line)),
        };
        let key = order.key.to_string();
        let now = |text: String| Some(Box::pin(ready(text)) as Answer);
        let market = match self.market.of(order.market.as_ref()) {
            Ok(market) => market,
            Err(fault) => return now(answers::faulty(Some(&key), &fault)),
        };
        let trace = self.trace.order(order.body.kind());
        match self.principal.order(&market, order, trace) {
            Ok(pending) => Some(Box::pin(async move { said(&key, pending.answer().await) })),
            Err(NotGiven::NotTaken(NotTaken::Overloaded { .. })) if others_wait => None,
            Err(cause) => now(answers::faulty(Some(&key), &LineFault::not_given(&cause))),
        }
    }
}

fn said(key: &str, answer: Result<Done, NotTaken>) -> String {
    match answer {
        Ok(Done::Taken { offset }) => answers::taken(key, offset.0),
        Ok(Done::Refused { offset, reason }) => answers::faulty(Some(key), &LineFault::refused(offset.0, reason)),
        Ok(Done::Skipped { offset }) => answers::faulty(Some(key), &LineFault::skipped(offset.0)),
        Err(cause) => answers::faulty(Some(key), &LineFault::not_taken(&cause)),
    }
}

/// Puts a line that cannot be read aside, and says so once it is kept. It counts against what its sender may do, too.
pub fn quarantine(
    market: &Chosen,
    sender: &Principal,
    source: &'static str,
    malformed: &Malformed,
    line: &Bytes,
) -> Answer {
    if let Err(limited) = sender.spend(1) {
        return Box::pin(ready(answers::faulty(malformed.id.as_deref(), &LineFault::not_given(&limited.into()))));
    }
    let answer = answers::faulty(malformed.id.as_deref(), &LineFault::malformed(malformed));
    let Some(market) = market.any() else { return Box::pin(ready(answer)) };
    let kept = put_aside(market, source, malformed, line);
    Box::pin(kept.map(|()| answer))
}

/// Puts a line that cannot be read aside, and returns once it is kept.
pub fn put_aside(
    market: MarketHandle,
    source: &'static str,
    malformed: &Malformed,
    line: &Bytes,
) -> impl Future<Output = ()> + Send + use<> {
    market.quarantine(malformed.to_string(), source, line.to_vec());
    kept(market)
}

/// Returns once what waits to be put aside is kept.
pub async fn kept(market: MarketHandle) {
    let kept = spawn_blocking({
        let market = market.clone();
        move || market.settle_quarantine()
    });
    // Its sender learns that the line cannot be read in any case.
    match kept.await {
        Ok(Ok(())) => {}
        Ok(Err(cause)) => error!(market = market.name(), %cause, "what cannot be read was not kept"),
        Err(cause) => error!(market = market.name(), %cause, "what cannot be read was not kept"),
    }
}
