//! Subscriptions over a WebSocket, in the protocol `graphql-transport-ws`.

use std::io::{self, ErrorKind};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use hansom_engine::{Epoch, RideId};
use serde::Deserialize;
use serde_json::json;
use tungstenite::client::IntoClientRequest;
use tungstenite::http::{HeaderValue, StatusCode};
use tungstenite::{HandshakeError, Message, WebSocket};

use super::{Heard, Offer, key};
use crate::error::Error;
use crate::http::Peer;

/// A server is heard within this time, if by nothing else then by its asking whether we are there.
const SILENCE: Duration = Duration::from_secs(60);

/// Codes with which a server closes a socket of somebody whom it does not know …
const UNKNOWN: u16 = 4401;
/// … or whose token, or lack of one, it does not take.
const FORBIDDEN: u16 = 4403;

/// A socket, introduced.
pub struct Socket(WebSocket<TcpStream>);

/// What a server says next.
enum Next {
    /// A message.
    Said(String),
    /// There will be none, for the reason that has this code.
    Closed(Option<u16>),
}

impl Socket {
    /// Opens one.
    pub fn open(server: &Peer) -> Result<Self, Error> {
        match Self::introduced(server) {
            Ok(Some(socket)) => Ok(socket),
            Ok(None) => Err(Error::NotLetIn { server: server.address }),
            Err(source) => Err(Error::NoServer { server: server.address, source }),
        }
    }

    /// `None`: the server wants a token, or another one.
    fn introduced(server: &Peer) -> io::Result<Option<Self>> {
        let stream = TcpStream::connect_timeout(&server.address, SILENCE)?;
        stream.set_read_timeout(Some(SILENCE))?;
        stream.set_nodelay(true)?;
        let mut request = format!("ws://{}/graphql", server.address).into_client_request().map_err(other)?;
        let headers = request.headers_mut();
        headers.insert("sec-websocket-protocol", HeaderValue::from_static("graphql-transport-ws"));
        if let Some(token) = &server.token {
            headers.insert("authorization", format!("Bearer {token}").parse().map_err(other)?);
        }
        let mut socket = match tungstenite::client(request, stream) {
            Ok((socket, _)) => Self(socket),
            // A token that it does not take.
            Err(HandshakeError::Failure(tungstenite::Error::Http(answer)))
                if [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&answer.status()) =>
            {
                return Ok(None);
            }
            Err(cause) => return Err(other(cause.to_string())),
        };
        socket.say(&json!({ "type": "connection_init" }))?;
        match socket.next()? {
            Next::Said(text) if text.contains("connection_ack") => Ok(Some(socket)),
            Next::Closed(Some(UNKNOWN | FORBIDDEN)) => Ok(None),
            Next::Said(_) | Next::Closed(_) => Err(other("the socket was not acknowledged")),
        }
    }

    /// Subscribes.
    pub fn subscribe(&mut self, id: &str, query: &str, variables: &serde_json::Value) -> io::Result<()> {
        self.say(&json!({ "id": id, "type": "subscribe", "payload": { "query": query, "variables": variables } }))
    }

    fn say(&mut self, message: &serde_json::Value) -> io::Result<()> {
        self.0.send(Message::text(message.to_string())).map_err(failed)
    }

    fn next(&mut self) -> io::Result<Next> {
        loop {
            match self.0.read().map_err(failed)? {
                Message::Text(text) => return Ok(Next::Said(text.to_string())),
                Message::Close(why) => return Ok(Next::Closed(why.map(|why| why.code.into()))),
                Message::Ping(_) => self.0.flush().map_err(failed)?,
                _ => {}
            }
        }
    }

    /// What the next message tells.
    pub fn hear(&mut self) -> io::Result<Heard> {
        let Next::Said(text) = self.next()? else { return Ok(Heard::Gap) };
        let seen = Instant::now();
        Ok(read(&text, seen))
    }
}

/// A message, as far as it matters.
#[derive(Deserialize)]
struct Told<'a> {
    r#type: &'a str,
    #[serde(default, borrow)]
    payload: Option<Payload<'a>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Payload<'a> {
    Data {
        #[serde(borrow)]
        data: Field<'a>,
    },
    Other(serde::de::IgnoredAny),
}

/// The one field of a subscription.
#[derive(Deserialize)]
struct Field<'a> {
    #[serde(alias = "offers", borrow)]
    events: Event<'a>,
}

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(rename = "__typename")]
    kind: &'a str,
    ride: Option<&'a str>,
    request: Option<&'a str>,
    driver: Option<&'a str>,
    epoch: Option<u32>,
}

fn read(text: &str, seen: Instant) -> Heard {
    let Ok(told) = serde_json::from_str::<Told<'_>>(text) else { return Heard::Gap };
    let event = match (told.r#type, told.payload) {
        ("next", Some(Payload::Data { data })) => data.events,
        ("pong" | "ping", _) => return Heard::Other,
        _ => return Heard::Gap,
    };
    if event.kind == "Gap" {
        return Heard::Gap;
    }
    let offer = || {
        Some(Offer {
            request: key(event.request?)?,
            ride: RideId(event.ride?.parse().ok()?),
            driver: event.driver?.into(),
            epoch: Epoch(event.epoch?),
            seen,
        })
    };
    if event.kind == "OfferMade" { offer().map_or(Heard::Other, Heard::Offer) } else { Heard::Other }
}

fn failed(cause: tungstenite::Error) -> io::Error {
    match cause {
        tungstenite::Error::Io(cause) => cause,
        cause => other(cause),
    }
}

fn other(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, cause)
}

#[cfg(test)]
mod tests {
    use hansom_engine::Key;

    use super::*;

    #[test]
    fn an_offer_is_told_from_all_else() {
        let seen = Instant::now();
        let next = |event: &str| read(&format!(r#"{{"id":"1","type":"next","payload":{{"data":{{{event}}}}}}}"#), seen);
        let request = "01890000-0000-7000-8000-00000000002a";
        let made = format!(r#"{{"__typename":"OfferMade","ride":"7","request":"{request}","driver":"d3","epoch":2}}"#);
        let key = Key(0x0189_0000_0000_7000_8000_0000_0000_002a);
        let offer = Offer { request: key, ride: RideId(7), driver: "d3".into(), epoch: Epoch(2), seen };
        assert_eq!(next(&format!(r#""events":{made}"#)), Heard::Offer(offer.clone()));
        assert_eq!(next(&format!(r#""offers":{made}"#)), Heard::Offer(offer));
        assert_eq!(next(r#""events":{"__typename":"RideEnded"}"#), Heard::Other);
        assert_eq!(next(r#""events":{"__typename":"Gap"}"#), Heard::Gap);
        assert_eq!(read(r#"{"id":"1","type":"error","payload":[{"message":"no"}]}"#, seen), Heard::Gap);
        assert_eq!(read(r#"{"id":"1","type":"complete"}"#, seen), Heard::Gap);
    }
}
