//! The people of a simulated city, as clients of a market that is served.

use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use hansom_dispatcher::WallClock;
use hansom_engine::Key;
use hansom_market::ingest::{Location, Order, Published, decode_event};
use hansom_simulator::live::{LiveCity, Tally};
use serde_json::Value;
use tracing::{info, warn};

use crate::error::Error;
use crate::http::{self, Peer};
use crate::interrupted;

/// At most so many lines go in one request.
const MOST_LINES: usize = 4096;
/// How long it may take until somebody looks whether the user has asked to stop.
const PAUSE: Duration = Duration::from_millis(50);
/// How often it is told how the city does.
const TELL: Duration = Duration::from_secs(10);
/// Who sends positions.
const SOURCE: &str = "/hansom/simulated-city";

/// Has the city live until it is over, or the user asks to stop.
pub fn live(server: Peer, market: &str, mut city: LiveCity, clock: WallClock) -> Result<Tally, Error> {
    let market = format!("?market={}", http::escaped(market));
    let facts = listen(&server, &market)?;
    let mut post = Post { server, market, again: Vec::new(), overloaded: 0, lost: 0 };
    let (mut orders, mut positions) = (Vec::new(), Vec::new());
    let mut told = Instant::now();
    while !interrupted() {
        for fact in facts.try_iter() {
            city.hear(&fact);
        }
        let now = clock.now();
        if city.is_over(now) {
            break;
        }
        city.act(now, &mut orders, &mut positions);
        post.orders(&mut city, &orders)?;
        post.positions(&positions)?;
        orders.clear();
        positions.clear();
        if told.elapsed() >= TELL {
            told = Instant::now();
            let Tally { requests, others, completed, open, .. } = city.tally();
            info!(requests, others, completed, open, overloaded = post.overloaded, "the city lives");
        }
        let wait = city.next_at().map_or(PAUSE, |at| clock.until(at)).min(PAUSE);
        if let Ok(fact) = facts.recv_timeout(wait) {
            city.hear(&fact);
        }
    }
    city.end(clock.now(), &mut orders);
    post.orders(&mut city, &orders)?;
    if post.lost > 0 {
        warn!(lines = post.lost, "the market could not read lines of the city: a fault of the program");
    }
    Ok(city.tally())
}

/// Hears what the market tells, in a thread of its own.
fn listen(server: &Peer, market: &str) -> Result<Receiver<Published>, Error> {
    let events = server.events(&format!("/v1/events{market}&from=0"))?;
    let (heard, facts) = channel();
    std::thread::spawn(move || {
        for data in events.map_while(Result::ok) {
            match decode_event(data.as_bytes()) {
                Ok(fact) => {
                    if heard.send(fact).is_err() {
                        return;
                    }
                }
                Err(fault) => warn!(%fault, data, "a line of the stream cannot be read"),
            }
        }
    });
    Ok(facts)
}

/// What carries the city's lines.
struct Post {
    server: Peer,
    market: String,
    /// Orders that are to be sent again.
    again: Vec<(Instant, Order)>,
    overloaded: u64,
    lost: u64,
}

impl Post {
    /// Sends orders, those first that are to be sent again by now.
    fn orders(&mut self, city: &mut LiveCity, orders: &[Order]) -> Result<(), Error> {
        let now = Instant::now();
        let again = self.again.extract_if(.., |(at, _)| *at <= now).map(|(_, order)| order);
        let all: Vec<Order> = again.chain(orders.iter().cloned()).collect();
        for batch in all.chunks(MOST_LINES) {
            let mut body = Vec::new();
            for order in batch {
                order.write(&mut body);
                body.push(b'\n');
            }
            let answers = self.server.post(&format!("/v1/commands{}", self.market), &body)?;
            for (order, answer) in batch.iter().zip(answers) {
                self.answered(city, order, &answer);
            }
        }
        Ok(())
    }

    fn answered(&mut self, city: &mut LiveCity, order: &Order, answer: &Value) {
        let key: Key = order.key;
        let error = &answer["error"];
        match (answer["offset"].as_u64(), error["offset"].as_u64()) {
            (Some(_), _) => city.taken(key),
            // The stream tells, among what else happened.
            (None, Some(_)) => {}
            (None, None) if error["retryable"] == true => {
                self.overloaded += 1;
                let after = Duration::from_millis(error["retry_after_ms"].as_u64().unwrap_or(1000));
                self.again.push((Instant::now() + after, order.clone()));
            }
            (None, None) => {
                self.lost += 1;
                city.taken(key);
            }
        }
    }

    fn positions(&mut self, positions: &[Location]) -> Result<(), Error> {
        for batch in positions.chunks(MOST_LINES) {
            let mut body = Vec::new();
            for location in batch {
                location.write(SOURCE, &mut body);
                body.push(b'\n');
            }
            self.server.post(&format!("/v1/locations{}", self.market), &body)?;
        }
        Ok(())
    }
}
