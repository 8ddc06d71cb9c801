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
use hansom_dispatcher::{History, MarketHandle, Read, Standing, Told};
use hansom_market::log::LogError;
use serde::Deserialize;

use crate::fault::RequestFault;
use crate::markets::Markets;
use crate::stream::streaming;

/// So many turns are sent at a time.
const PIECE: usize = 256;
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

/// Streams events until the reader leaves or the market closes.
pub async fn get(
    request: HttpRequest,
    query: web::Query<From>,
    markets: Data<Markets>,
) -> Result<HttpResponse, RequestFault> {
    let market = markets.one(query.market.as_deref())?;
    let last = match request.headers().get("last-event-id") {
        Some(id) => Some(
            id.to_str()
                .ok()
                .and_then(|id| id.parse().ok())
                .ok_or_else(|| RequestFault::Query { what: "Last-Event-ID is not an offset".to_owned() })?,
        ),
        None => None,
    };
    let at = last.or(query.from).unwrap_or_else(|| market.events().next());
    let reader = Reader { market, at, history: None, ended: false };
    let messages = stream::unfold(reader, |mut reader| async move {
        let text = reader.next().await?;
        Some((Ok::<_, Infallible>(Bytes::from(text)), reader))
    });
    Ok(streaming(&request, "text/event-stream", messages))
}

/// Where a reader is.
struct Reader {
    market: MarketHandle,
    at: u64,
    /// The log, while he catches up: to open it anew for each piece would be to read a segment from its start each time.
    history: Option<History>,
    ended: bool,
}

impl Reader {
    /// The next messages; `None`: there are no more.
    async fn next(&mut self) -> Option<Vec<u8>> {
        if self.ended {
            return None;
        }
        let mut moves = self.market.events().watch();
        let mut standing = self.market.watch();
        loop {
            let closed = matches!(*standing.borrow_and_update(), Standing::Closed);
            moves.borrow_and_update();
            match self.market.events().read(self.at, PIECE) {
                Read::Told { told, next } => {
                    (self.at, self.history) = (next, None);
                    if !told.is_empty() {
                        return Some(frame(&told));
                    }
                }
                Read::Log { until } => match self.catch_up(until).await {
                    Ok(told) if told.is_empty() => {}
                    Ok(told) => return Some(frame(&told)),
                    Err(cause) => return Some(self.end(&cause)),
                },
                Read::Wait if closed => return None,
                Read::Wait => {
                    let heard = timeout(HEARTBEAT, async {
                        tokio::select! {
                            moved = moves.changed() => moved.is_ok(),
                            changed = standing.changed() => changed.is_ok(),
                        }
                    });
                    match heard.await {
                        Ok(true) => {}
                        Ok(false) => return None,
                        Err(_) => return Some(b":\n\n".to_vec()),
                    }
                }
            }
        }
    }

    /// The next of what is not in memory any more, which is all before `until`.
    async fn catch_up(&mut self, until: u64) -> Result<Vec<Told>, String> {
        let (market, at, opened) = (self.market.clone(), self.at, self.history.take());
        let read = web::block(move || {
            let mut history = match opened {
                Some(history) if !history.is_over() => history,
                _ => market.history(at, until)?,
            };
            Ok::<_, LogError>((history.read(PIECE)?, history))
        });
        let (told, history) = read.await.map_err(|cause| cause.to_string())?.map_err(|cause| cause.to_string())?;
        if history.position() == at {
            return Err("the log ends before what was told".to_owned());
        }
        self.at = history.position();
        self.history = Some(history);
        Ok(told)
    }

    /// The last message: why there are no more. Whatever was not read is where it was.
    fn end(&mut self, cause: &str) -> Vec<u8> {
        self.ended = true;
        let said = serde_json::json!({ "code": "log", "reason": cause, "from": self.at });
        format!("event: error\ndata: {said}\n\n").into_bytes()
    }
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
