//! A market that a server serves, over GraphQL.

use std::io;
use std::time::Instant;

use hansom_engine::{Key, RideId};
use hansom_market::ingest::{Body, Order, Position};
use serde::Deserialize;
use serde_json::json;

use super::http::Line;
use super::socket::Socket;
use super::{Answer, Asked, Caller, Hear, Heard, Subject};
use crate::bench::stages::Shown;
use crate::bench::usage::{Driven, THREAD};
use crate::error::Error;
use crate::http::{Peer, escaped};
use crate::show;

/// At most so many orders go in one request where nothing is measured.
const MOST_LINES: usize = 4096;
/// So many subscriptions on one socket; a server takes 256.
const ON_ONE_SOCKET: usize = 200;

/// A server and its market.
#[derive(Debug, Clone)]
pub struct Served {
    pub server: Peer,
    pub market: String,
    pub driven: Driven,
}

impl Served {
    fn failed(&self) -> impl FnOnce(io::Error) -> Error + use<> {
        let server = self.server.address;
        move |source| Error::NoServer { server, source }
    }
}

impl Subject for Served {
    fn caller(&self) -> Box<dyn Caller> {
        Box::new(Client { line: Line::new(self.server.clone()), market: self.market.clone(), body: Vec::new() })
    }

    fn listen(&self, hear: Hear) -> Result<(), Error> {
        const EVENTS: &str = "subscription Events($market: String) { events(market: $market) { __typename \
                              ... on OfferMade { ride request driver epoch } } }";
        let mut socket = Socket::open(&self.server)?;
        let variables = json!({ "market": self.market });
        socket.subscribe("events", EVENTS, &variables).map_err(self.failed())?;
        follow(socket, hear).map_err(self.failed())
    }

    fn subscribe(&self, drivers: &[String], hear: &(dyn Fn() -> Hear + Sync)) -> Result<bool, Error> {
        const OFFERS: &str = "subscription Offers($market: String, $driver: String!) { \
                              offers(market: $market, driver: $driver) { __typename \
                              ... on OfferMade { ride request driver epoch } } }";
        for some in drivers.chunks(ON_ONE_SOCKET) {
            let mut socket = Socket::open(&self.server)?;
            for driver in some {
                let variables = json!({ "market": self.market, "driver": driver });
                socket.subscribe(driver, OFFERS, &variables).map_err(self.failed())?;
            }
            follow(socket, hear()).map_err(self.failed())?;
        }
        Ok(true)
    }

    fn fill(&self, orders: &[Order]) -> Result<(), Error> {
        let path = format!("/v1/commands?market={}", escaped(&self.market));
        for some in orders.chunks(MOST_LINES) {
            let mut body = Vec::new();
            for order in some {
                order.write(&mut body);
                body.push(b'\n');
            }
            let answers = self.server.post(&path, &body)?;
            if let Some(refused) = answers.iter().find(|answer| answer["error"].is_object()) {
                // It is known, but as no operator or service.
                if refused["error"]["code"] == "forbidden" {
                    return Err(Error::NotLetIn { server: self.server.address });
                }
                return Err(Error::OtherServer { server: self.server.address, answer: refused.to_string() });
            }
        }
        Ok(())
    }

    fn shown(&self) -> Result<Shown, Error> {
        match Line::new(self.server.clone()).ask("GET", "/metrics", b"") {
            Ok((200, text)) => Ok(Shown::read(&String::from_utf8_lossy(&text), &self.market)),
            Ok((401 | 403, _)) => Err(Error::NotLetIn { server: self.server.address }),
            Ok((status, _)) => {
                Err(Error::OtherServer { server: self.server.address, answer: format!("/metrics: {status}") })
            }
            Err(source) => Err(self.failed()(source)),
        }
    }

    fn driven(&self) -> Driven {
        self.driven
    }
}

/// Hears what a socket brings, in a thread of its own.
fn follow(mut socket: Socket, mut hear: Hear) -> io::Result<()> {
    std::thread::Builder::new().name(THREAD.to_owned()).spawn(move || {
        loop {
            match socket.hear() {
                Ok(heard) => hear(heard),
                Err(_) => return hear(Heard::Gap),
            }
        }
    })?;
    Ok(())
}

/// A connection of one of the crew.
struct Client {
    line: Line,
    market: String,
    body: Vec<u8>,
}

/// What a mutation answers.
#[derive(Deserialize)]
struct Answered<'a> {
    #[serde(default, borrow)]
    data: Option<Data<'a>>,
}

/// Its one field.
#[derive(Deserialize)]
struct Data<'a> {
    #[serde(borrow)]
    it: Became<'a>,
}

#[derive(Deserialize)]
struct Became<'a> {
    #[serde(rename = "__typename")]
    kind: &'a str,
    ride: Option<&'a str>,
    #[serde(rename = "firstEtaMs")]
    first_eta_ms: Option<u32>,
}

impl Client {
    /// Sends an operation with these variables, each with a comma before it.
    fn send(&mut self, operation: &str, variables: &[u8]) -> Answer {
        self.body.clear();
        self.body.extend_from_slice(b"{\"query\":\"");
        self.body.extend_from_slice(operation.as_bytes());
        self.body.extend_from_slice(b"\",\"variables\":{\"market\":");
        self.body.extend_from_slice(json!(self.market).to_string().as_bytes());
        self.body.extend_from_slice(variables);
        self.body.extend_from_slice(b"}}");
        match self.line.ask("POST", "/graphql", &self.body) {
            Ok((200, text)) => read(&text),
            Ok((429 | 503, _)) => Answer::TurnedAway,
            Ok(_) | Err(_) => Answer::Lost,
        }
    }
}

fn read(text: &[u8]) -> Answer {
    let Ok(Answered { data: Some(Data { it }) }) = serde_json::from_slice(text) else { return Answer::Lost };
    match it.kind {
        "RideTaken" => {
            let ride = it.ride.and_then(|ride| ride.parse().ok()).map(RideId);
            Answer::Taken(ride.map(|ride| Asked { ride, has_candidate: it.first_eta_ms.is_some() }))
        }
        "Taken" | "SessionTaken" | "PositionsReceived" => Answer::Taken(None),
        "RefusedByRule" => Answer::Refused,
        "Overloaded" | "Unavailable" | "RateLimited" => Answer::TurnedAway,
        _ => Answer::Lost,
    }
}

macro_rules! mutation {
    ($field:literal, $input:literal, $more:literal) => {
        concat!(
            "mutation($market: String, $key: Key!, $input: ",
            $input,
            "!) { it: ",
            $field,
            "(market: $market, key: $key, input: $input) { __typename ",
            $more,
            " } }"
        )
    };
}

/// The mutation of an order. A request asks for what an app shows its rider.
fn mutation(body: &Body) -> &'static str {
    match body {
        Body::RequestRide(_) => mutation!(
            "requestRide",
            "RequestRideInput",
            "... on RideTaken { offset ride fareMinor firstEtaMs events { __typename ... on OfferMade { driver epoch deadline } } }"
        ),
        Body::CancelRide(_) => mutation!("cancelRide", "CancelRideInput", ""),
        Body::StartShift(_) => mutation!("startShift", "StartShiftInput", ""),
        Body::OpenSession(_) => mutation!("openSession", "OpenSessionInput", ""),
        Body::EndShift(_) => mutation!("endShift", "EndShiftInput", ""),
        Body::AcceptOffer(_) => mutation!("acceptOffer", "OfferInput", ""),
        Body::DeclineOffer(_) => mutation!("declineOffer", "OfferInput", ""),
        Body::ArriveAtPickup(_) => mutation!("arriveAtPickup", "TripInput", ""),
        Body::BoardRider(_) => mutation!("boardRider", "TripInput", ""),
        Body::EndTrip(_) => mutation!("endTrip", "EndTripInput", ""),
        Body::CancelByDriver(_) => mutation!("cancelByDriver", "TripInput", ""),
    }
}

impl Caller for Client {
    fn order(&mut self, order: Order) -> Answer {
        const DATA: &[u8] = b",\"data\":";
        let mut line = Vec::new();
        order.write(&mut line);
        // The line of an order ends with its data, which is the input of its mutation.
        let Some(at) = line.windows(DATA.len()).position(|part| part == DATA) else { return Answer::Lost };
        let input = &line[at + DATA.len()..line.len() - 1];
        let mut variables = format!(",\"key\":\"{}\",\"input\":", order.key).into_bytes();
        variables.extend_from_slice(input);
        self.send(mutation(&order.body), &variables)
    }

    fn report(&mut self, key: Key, positions: Vec<Position>) -> Answer {
        const REPORT: &str = "mutation($market: String, $key: Key!, $positions: [PositionInput!]!) { it: \
                              reportPositions(market: $market, key: $key, positions: $positions) { __typename \
                              ... on PositionsReceived { received failures { index failure { reason } } } } }";
        let mut variables = format!(",\"key\":\"{key}\",\"positions\":[");
        for (index, Position { driver, seq, place, .. }) in positions.iter().enumerate() {
            let (comma, lat, lon) =
                (if index > 0 { "," } else { "" }, f64::from(place.lat) / 1e7, f64::from(place.lon) / 1e7);
            variables += &format!(r#"{comma}{{"driver":"{driver}","seq":{seq},"place":{{"lat":{lat},"lon":{lon}}}}}"#);
        }
        variables.push(']');
        self.send(REPORT, variables.as_bytes())
    }

    fn ask(&mut self, ride: RideId) -> Option<bool> {
        const RIDE: &str = include_str!("../../../api/operations/ride.graphql");
        let body = json!({ "query": RIDE, "variables": { "id": ride.0.to_string() } }).to_string();
        let answer = self.line.ask("POST", "/graphql", body.as_bytes());
        Some(answer.is_ok_and(|(status, text)| status == 200 && text.windows(8).any(|part| part == b"\"status\"")))
    }
}

/// Waits until a server takes orders, as long as its process lives.
pub fn ready(server: &Peer, is_alive: &mut dyn FnMut() -> bool) -> Result<(), Error> {
    let began = Instant::now();
    let mut line = Line::new(server.clone());
    let mut is_told = false;
    loop {
        let answer = line.ask("GET", "/readyz", b"");
        if !is_told && answer.is_err() {
            is_told = true;
            show::note(&format!("nobody answers at {} yet: it is waited for", server.address));
        }
        match answer {
            Ok((200, _)) => return Ok(()),
            Err(source) if began.elapsed().as_secs() > 10 || !is_alive() => {
                return Err(Error::NoServer { server: server.address, source });
            }
            Ok(_) if !is_alive() => {
                return Err(Error::NoServer { server: server.address, source: io::ErrorKind::UnexpectedEof.into() });
            }
            Ok(_) | Err(_) => std::thread::sleep(std::time::Duration::from_millis(20)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_what_its_type_says() {
        let it = |it: &str| read(format!(r#"{{"data":{{"it":{it}}}}}"#).as_bytes());
        let asked = |has_candidate| Answer::Taken(Some(Asked { ride: RideId(7), has_candidate }));
        assert_eq!(it(r#"{"__typename":"RideTaken","ride":"7","firstEtaMs":900,"events":[]}"#), asked(true));
        assert_eq!(it(r#"{"__typename":"RideTaken","ride":"7","firstEtaMs":null}"#), asked(false));
        assert_eq!(it(r#"{"__typename":"Taken"}"#), Answer::Taken(None));
        assert_eq!(it(r#"{"__typename":"RefusedByRule","code":"x"}"#), Answer::Refused);
        assert_eq!(it(r#"{"__typename":"Overloaded","retryAfterMs":20}"#), Answer::TurnedAway);
        assert_eq!(it(r#"{"__typename":"Unknown"}"#), Answer::Lost);
        assert_eq!(read(br#"{"data":null,"errors":[{"message":"no"}]}"#), Answer::Lost);
    }
}
