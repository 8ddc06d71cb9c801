//! `GET /v1/events`: what a market told the outside, as server-sent events.
//!
//! A message is a `CloudEvent`, its id the offset of its turn. A reader that comes back with `Last-Event-ID` starts with that
//! turn again, since it may have got a part of it: it misses nothing, and knows what it has by the events' own ids.

use std::convert::Infallible;
use std::time::Duration;

use actix_web::rt::time::timeout;
use actix_web::web::{self, Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::stream;
use hansom_dispatcher::Told;
use hansom_dispatcher::trace::Offered;
use serde::Deserialize;

use crate::auth::{Denied, Principal, Reading};
use crate::fault::RequestFault;
use crate::follow::{Follow, Next};
use crate::markets::Markets;
use crate::stream::streaming;

/// A reader that hears nothing else hears this often that the connection stands.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// What to read.
#[derive(Debug, Deserialize)]
pub struct From {
    /// Of which market; may be left out where there is one only.
    market: Option<String>,
    /// From which turn on; left out: what is told from now on.
    from: Option<u64>,
}

/// Streams events until the reader leaves, the token expires or the market closes.
pub async fn get(
    request: HttpRequest,
    principal: Principal,
    query: web::Query<From>,
    markets: Data<Markets>,
) -> Result<HttpResponse, RequestFault> {
    let market = markets.one(query.market.as_deref())?;
    principal.may_read(market.name(), Reading::All)?;
    let last = match request.headers().get("last-event-id") {
        Some(id) => Some(
            id.to_str()
                .ok()
                .and_then(|id| id.parse().ok())
                .ok_or_else(|| RequestFault::Query { what: "Last-Event-ID is not an offset".to_owned() })?,
        ),
        None => None,
    };
    let at = last.or(query.from);
    let reader = Some((Follow::all(market, at), principal, Vec::new()));
    let messages = stream::unfold(reader, |reader| async move {
        let (mut follow, principal, mut given) = reader?;
        // What it was given before it has taken.
        given.drain(..).for_each(|offer: Offered| offer.delivered("/v1/events"));
        let left = principal.left().unwrap_or(HEARTBEAT);
        let (text, goes_on) = match timeout(left.min(HEARTBEAT), follow.next()).await {
            _ if left.is_zero() => (failed("unauthenticated", &Denied::Expired.to_string(), follow.at()), false),
            Ok(Next::Told(told)) => {
                given.extend(told.iter().flat_map(|turn| turn.offers.iter().cloned()));
                (frame(&told), true)
            }
            // A reader like this one gets no gap.
            Ok(Next::Closed | Next::Gap { .. }) => return None,
            Ok(Next::Failed { cause, from }) => (failed("log", &cause, from), false),
            Err(_) => (b":\n\n".to_vec(), true),
        };
        let reader = goes_on.then_some((follow, principal, given));
        Some((Ok::<_, Infallible>(Bytes::from(text)), reader))
    });
    Ok(streaming(&request, "text/event-stream", messages))
}

/// The last message: why there are no more. Whatever was not read is where it was.
fn failed(code: &str, cause: &str, from: u64) -> Vec<u8> {
    let said = serde_json::json!({ "code": code, "reason": cause, "from": from });
    format!("event: error\ndata: {said}\n\n").into_bytes()
}

/// Turns as messages.
fn frame(told: &[Told]) -> Vec<u8> {
    let mut out = Vec::with_capacity(told.iter().map(|turn| turn.lines.len() + 64).sum());
    for turn in told {
        for line in turn.lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            out.extend_from_slice(format!("id: {}\ndata: ", turn.offset).as_bytes());
            out.extend_from_slice(line);
            out.extend_from_slice(b"\n\n");
        }
    }
    out
}
